"""A forecast as it is computed: day by day, in the memory of the account's subscriptions.

The terms of a day are settled first, then the assumed calls of the day are recorded. As in the
service, a call first settles the terms that are still unpaid, if the caller's own term is due or
the account pays for the call.
"""

from collections.abc import AsyncIterator, Sequence
from datetime import date, timedelta
from typing import Final

import attrs

from channelplans.calendar import Days, Term
from channelplans.errors import (
    ChannelPlansError,
    InsufficientCredit,
    NotOffered,
    UnknownEdition,
    quoted,
)
from channelplans.explore._forecast_accounts import Account
from channelplans.explore.forecasts import MOST_CALLS, DailyCalls, ForecastEntry, Overdraft
from channelplans.money import Money
from channelplans.storage._account_days import Attempt, is_due
from channelplans.storage._extra_postings import add_extra_postings
from channelplans.subscriptions.call_records import quote_for, record_call
from channelplans.subscriptions.decisions import Decision
from channelplans.subscriptions.subscription import Action, Subscription
from channelplans.subscriptions.wallets import Posting, Reason, Wallet

__all__: tuple[str, ...] = ()

_DAY: Final = timedelta(days=1)

#: The errors that a forecast reports; any other error is raised.
_REPORTED: Final = (InsufficientCredit, NotOffered, UnknownEdition)


class Walk:
    """The walk of a forecast over the days of an account.

    Attributes:
        opening: the balance of the account's wallet on the first day; None if it is not known.
        left: about how many renewals and days with calls are left.
        lowest: the lowest balance that a debit of the account's wallet left, and at most zero.
        overdrafts: the profiles' wallets that calls left below zero so far.
    """

    def __init__(
        self,
        account: Account,
        calls: Sequence[DailyCalls],
        *,
        since: date,
        until: date,
        pays_all: bool = False,
    ) -> None:
        self._account_wallet, self._zero = account.wallet, account.zero
        self._prices, self._extra_postings = account.prices, account.extra_postings
        self._is_balance_known = account.is_balance_known
        self._books = account.books.copy()
        self._since, self._last_day = since, until - _DAY
        self._days = account.start_walk(self._books, since=since, last_day=self._last_day)
        self._calls, self._pays_all = calls, pays_all
        names = {daily.profile for daily in calls}
        found = account.subscriptions
        self._callers = {name: found[name].value for name in names}
        self.left = sum(self._count_terms(stored.value) for stored in found.values())
        self.left += len(calls) * (until - since).days
        self.lowest = self._zero
        self._overdrawn_since: dict[Wallet, date] = {}
        self.opening = self._find_opening()

    @property
    def overdrafts(self) -> tuple[Overdraft, ...]:
        return tuple(
            Overdraft(wallet, since, -balance, self._last_day)
            for wallet, since in self._overdrawn_since.items()
            if (balance := self._books[wallet]) is not None and balance.minor < 0
        )

    async def entries(self) -> AsyncIterator[tuple[ForecastEntry, int]]:
        """Yield each entry, and the number that is left."""
        async for entry in self._walk():
            yield entry, self.left

    def _find_balance(self, day: date) -> Money:
        """Return the balance of the account's wallet on a day; if not known, what it has paid.

        The walk may still be at an earlier day, before credit that arrived up to the day.
        """
        credit, arrived = self._days.credit, self._zero
        for arrival, amount in reversed(credit.arrivals):
            if arrival > day:
                break
            arrived += amount
        return arrived if credit.balance is None else credit.balance + arrived

    def _find_opening(self) -> Money | None:
        """Return the balance at the beginning of the first day; None if it is not known."""
        if not self._is_balance_known:
            return None
        return self._find_balance(self._since)

    def _count_terms(self, subscription: Subscription) -> int:
        """Return about how often a subscription ends a term until the last day."""
        end = subscription.due_on
        if end is None or end > self._last_day:
            return 0
        if not subscription.renews:
            return 1
        length, days = subscription.plan.offer.term.length, (self._last_day - end).days
        term_days = length.count if isinstance(length, Days) else length.count * 30
        return 1 + days // term_days

    async def _walk(self) -> AsyncIterator[ForecastEntry]:
        """Yield the entries of each day."""
        if self._since > date.min:
            async for entry in self._settle(self._since - _DAY):
                yield entry
        if self._pays_all:
            self._days.pay_all()
        if not self._calls:
            async for entry in self._settle(self._last_day):
                yield entry
            return
        for number in range((self._last_day - self._since).days + 1):
            day = self._since + number * _DAY
            async for entry in self._settle(day):
                yield entry
            for calls in self._calls:
                self.left -= 1
                async for entry in self._record_calls(calls, day):
                    yield entry

    async def _settle(self, day: date) -> AsyncIterator[ForecastEntry]:
        """Settle the terms up to a day."""
        async for attempt in self._days.walk(day):
            yield self._enter(attempt)

    def _enter(self, attempt: Attempt) -> ForecastEntry:
        """Return the entry of a due term."""
        due, decision = attempt.due, attempt.decision
        if due.missing is not None and not isinstance(due.missing, _REPORTED):
            due.missing.add_note(
                f"The renewal of profile {quoted(due.subscription.profile)} failed."
            )
            raise due.missing
        subscription, day = due.subscription, attempt.day
        if decision is not None:
            subscription, day = decision.after, decision.on
            self.left += self._count_terms(subscription) - self._count_terms(due.subscription)
            if subscription.profile in self._callers:
                self._callers[subscription.profile] = subscription
        return self._make_entry(
            day,
            None if decision is None else decision.action,
            subscription,
            decision.postings if decision else (),
            due.missing,
            is_past=attempt.day < self._since,
        )

    def _make_entry(
        self,
        day: date,
        action: Action | None,
        subscription: Subscription,
        postings: tuple[Posting, ...],
        error: Exception | None,
        *,
        is_past: bool = False,
    ) -> ForecastEntry:
        """Return an entry with the balance that it leaves."""
        wallet, balance = self._account_wallet, self._find_balance(day)
        amounts = (posting.amount for posting in postings if posting.wallet == wallet)
        amount = sum(amounts, start=self._zero)
        if amount.minor < 0 and not is_past:
            booked = self._books[wallet]
            self.lowest = min(self.lowest, balance, balance if booked is None else booked)
        return ForecastEntry(
            day,
            subscription.profile,
            action,
            subscription.plan,
            subscription.term,
            postings,
            amount,
            balance if self._is_balance_known else None,
            error if error is None else error.with_traceback(None),
        )

    async def _record_calls(self, calls: DailyCalls, day: date) -> AsyncIterator[ForecastEntry]:
        """Record the assumed calls of a profile on a day, and yield what they cost."""
        left, charges = calls.count, _Charges()
        missing: InsufficientCredit | None = None
        while left and missing is None:
            subscription = self._callers[calls.profile]
            if not subscription.active_on(day):
                break
            decision = self._decide_call(subscription, calls, day)
            # Before a call, the service settles due terms if the caller's own term is due, or if
            # the account pays for the call.
            settles = is_due(subscription, day) or self._account_wallet in decision.deltas
            if settles and self._days.has_late_credit:
                before = self._enter_calls(calls, day, charges)
                attempts = [attempt async for attempt in self._days.settle_day(day)]
                if attempts:
                    charges = _Charges()
                    for entry in (*before, *map(self._enter, attempts)):
                        yield entry
                continue
            equal = self._count_equal(subscription, decision)
            paid, missing = self._pay(decision, min(left, equal))
            charges.add(decision.postings, paid)
            left -= paid
            if paid:
                self._callers[calls.profile] = _repeat_call(decision, paid)
                self._days.replace(self._callers[calls.profile])
        for entry in self._enter_calls(calls, day, charges, missing):
            yield entry

    def _enter_calls(
        self, calls: DailyCalls, day: date, charges: "_Charges", missing: Exception | None = None
    ) -> list[ForecastEntry]:
        """Return the entry of calls that were charged or refused; none if they cost nothing."""
        postings = charges.book(day)
        if not postings and missing is None:
            return []
        subscription = self._callers[calls.profile]
        return [self._make_entry(day, Action.RECORD_CALL, subscription, postings, missing)]

    def _decide_call(self, subscription: Subscription, calls: DailyCalls, day: date) -> Decision:
        call = calls.on(day)
        try:
            tariff = self._prices.for_call(subscription, call, quote_for(subscription, call))
            decision = record_call(subscription, call, tariff, on=call.day)
        except ChannelPlansError as error:
            error.add_note(f"The assumed calls failed: {calls}.")
            raise
        return add_extra_postings(decision, self._extra_postings)

    def _count_equal(self, subscription: Subscription, decision: Decision) -> int:
        """Return how many equal calls take as many minutes as the first, and are charged like it.

        No due term is settled between them.

        Args:
            subscription: the subscription before the first of the calls.
            decision: the decision of the first call.
        """
        delta = decision.deltas.get(self._account_wallet, self._zero)
        if delta.minor > 0 and self._days.waits_for_credit:
            return 1  # the next call may first settle a term
        included = _included(decision)
        if not included:
            return MOST_CALLS
        if self._extra_postings is not None:
            return 1  # they can depend on the minutes that are left
        return subscription.allowance.remaining // included

    def _pay(self, decision: Decision, count: int) -> tuple[int, InsufficientCredit | None]:
        """Charge several equal calls, as many as the wallets can pay."""
        credit, wallet = self._days.credit, self._account_wallet
        unlimited = wallet if credit.is_unlimited else None
        paid, missing = self._books.pay(
            decision.deltas, count, unlimited=unlimited, may_overdraw=decision.may_overdraw
        )
        if wallet in decision.deltas:
            self._days.book_after_run(paid * decision.deltas[wallet])
        for payer in decision.deltas:
            balance = self._books[payer]
            if payer.profile is not None and balance is not None and balance.minor < 0:
                self._overdrawn_since.setdefault(payer, decision.on)
        return paid, missing


def _included(decision: Decision) -> timedelta:
    """Return the minutes that a call takes from the allowance."""
    return timedelta(0) if decision.call is None else decision.call.included


def _repeat_call(decision: Decision, count: int) -> Subscription:
    """Return the subscription after several equal calls, of which the decision is the first."""
    after, further_minutes = decision.after, (count - 1) * _included(decision)
    if not further_minutes:
        return after
    return attrs.evolve(after, allowance=after.allowance.use(further_minutes))


@attrs.define
class _Charges:
    """The charges of a day's calls, summed by wallet, reason and term."""

    _sums: dict[tuple[Wallet, Reason, Term | None], Money] = attrs.field(factory=dict)

    def add(self, postings: Sequence[Posting], count: int) -> None:
        """Add the postings of several equal calls."""
        for posting in postings:
            kind, amount = (posting.wallet, posting.reason, posting.term), count * posting.amount
            self._sums[kind] = self._sums[kind] + amount if kind in self._sums else amount

    def book(self, day: date) -> tuple[Posting, ...]:
        """Return a posting for each sum that is not zero."""
        return tuple(
            Posting(wallet, amount, reason, day, term)
            for (wallet, reason, term), amount in self._sums.items()
            if amount.minor
        )
