"""Walk over the days of an account, and try the due terms of each day.

On each day the due terms are tried by the end of the term and then by profile, with the balance
that the account's wallet has on that day. A term that cannot be paid is tried again on each day on
which credit arrives, until it lapses. Where decisions are committed is not known here: a run
commits them to a store, a forecast to nothing.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator
from datetime import date, timedelta
from functools import partial
from heapq import heappop, heappush
from typing import Final

import attrs

from channelplans.errors import Conflict, InsufficientCredit, NotOffered, TokenReused
from channelplans.money import Money
from channelplans.plans import Plan
from channelplans.storage._extra_postings import ExtraPostings, add_extra_postings
from channelplans.storage.ports import Revision, Stored
from channelplans.subscriptions import actions
from channelplans.subscriptions.decisions import Decision
from channelplans.subscriptions.identifiers import AccountId, ProfileId
from channelplans.subscriptions.price_books import PriceBook
from channelplans.subscriptions.subscription import Subscription
from channelplans.subscriptions.wallets import Wallet, settle_wallet
from channelplans.tariffs import Tariff

__all__: tuple[str, ...] = ()

#: The errors that mean: another commit came first, so load the latest values and decide again.
CONFLICTS: Final = (Conflict, TokenReused)

_DAY: Final = timedelta(days=1)


@attrs.define(eq=False)
class Due:
    """A subscription that is or will be due, and the reason why it is not settled yet.

    Attributes:
        stored: the subscription, and its revision in the store.
        missing: what was missing on the last try, or what failed.
        failed: whether the term failed for a reason other than credit; it is not tried again.
        tried: whether the term was tried on an earlier day.
        next_try: the day of its valid entry in the calendar; None if it waits for credit alone.
    """

    stored: Stored[Subscription]
    missing: Exception | None = None
    failed: bool = False
    tried: bool = False
    next_try: date | None = None

    @property
    def subscription(self) -> Subscription:
        return self.stored.value

    @property
    def due_on(self) -> date:
        return self.subscription.term.end

    @property
    def place(self) -> tuple[date, ProfileId]:
        """The order in which the due terms of a day are tried."""
        return self.due_on, self.subscription.profile


@attrs.define
class Credit:
    """The balance of the account's wallet on the day of the walk.

    Attributes:
        balance: the balance; None if the wallet has no postings yet.
        arrivals: the postings of later days as pairs of day and amount, the latest first.
        is_unlimited: whether the wallet pays everything; its balance can then end below zero.
        receipts: how often the balance has grown.
    """

    balance: Money | None
    arrivals: list[tuple[date, Money]] = attrs.field(factory=list)
    is_unlimited: bool = False
    receipts: int = 0

    def move_to(self, day: date) -> None:
        """Add the postings up to the end of a day."""
        while self.arrivals and self.arrivals[-1][0] <= day:
            self.add(self.arrivals.pop()[1])

    def add(self, amount: Money) -> None:
        """Add an amount, above or below zero."""
        self.balance = amount if self.balance is None else self.balance + amount
        self.receipts += amount.minor > 0


@attrs.frozen
class Attempt:
    """The result of trying a due term on a day.

    Attributes:
        day: the day on which a punctual run would have tried the term.
        due: the subscription before, and the reason if something was missing.
        decision: the decision that was committed; None if the term is still due.
    """

    day: date
    due: Due
    decision: Decision | None


@attrs.define
class AccountDays:
    """One walk over the days of an account.

    Attributes:
        account: the account.
        prices: the prices of renewals.
        extra_postings: the application's postings for a decision.
        commit: commits a decision for a revision, and returns the new revision.
        credit: the balance of the account's wallet on the first day of the walk.
        last_day: the last day of the walk; terms that end later are forgotten.
        booked_from: the day of the first run. It also books the terms of earlier days. Another run
            follows on each later day. If credit came in on the day before, after that day's run, it
            also books the terms that this credit pays.
        is_last: whether a conflict is a failure; otherwise the conflict is raised.
    """

    account: AccountId
    prices: PriceBook
    extra_postings: ExtraPostings | None
    commit: Callable[[Decision, Revision], Awaitable[Revision]]
    credit: Credit
    last_day: date
    booked_from: date
    is_last: bool = True
    _unsettled: dict[ProfileId, Due] = attrs.field(factory=dict)
    # The profiles of ``_unsettled`` that wait for credit.
    _unpaid: dict[ProfileId, Due] = attrs.field(factory=dict)
    # A heap of days and of terms to try then. An entry whose day is not ``next_try`` is void.
    _calendar: list[tuple[date, date, ProfileId, Due]] = attrs.field(factory=list)
    # The days and the terms that were tried without success, and are not yielded yet.
    _unreported: list[tuple[date, Due]] = attrs.field(factory=list)
    _tried_receipts: int = 0
    _passed: date | None = None
    # Whether credit came in on the passed day after its run.
    _has_late_credit: bool = False

    def add(self, subscriptions: Iterable[Stored[Subscription]]) -> None:
        """Add subscriptions that are due by the last day; the others are ignored."""
        for stored in subscriptions:
            if is_due(stored.value, self.last_day):
                due = Due(stored)
                self._unsettled[stored.value.profile] = due
                self._plan_try(due, due.due_on)

    def replace(self, subscription: Subscription) -> None:
        """Replace a subscription with its state after a call."""
        due = self._unsettled.get(subscription.profile)
        if due is not None:
            due.stored = Stored(subscription, due.stored.revision)

    @property
    def waits_for_credit(self) -> bool:
        """Whether a term was tried and not paid."""
        return bool(self._unpaid)

    @property
    def has_late_credit(self) -> bool:
        """Whether a term is unpaid, and credit came in on the passed day after its run."""
        return self.waits_for_credit and self._has_late_credit

    def book_after_run(self, amount: Money) -> None:
        """Book an amount in the account's wallet on the passed day, after that day's run.

        With credit, the unpaid terms are tried again as of that day: by ``settle_day``, or else by
        the walk to the next day.
        """
        self.credit.add(amount)
        self._has_late_credit |= amount.minor > 0

    def left(self) -> list[Due]:
        """Return the terms that are still due, in the order in which they are tried."""
        return sorted(self._unsettled.values(), key=lambda due: due.place)

    async def walk(self, last_day: date) -> AsyncIterator[Attempt]:
        """Walk on to the end of a day, and yield the result for each due term.

        A term that is still due is yielded once, at the end of the first day on which it was tried.
        If it was due before the first run, that is the day of this run.
        """
        day = self._next_day(last_day)
        while day is not None:
            for attempt in self._report_unpaid(before=day):
                yield attempt
            self.credit.move_to(day)
            if day == self._passed:
                # Credit came in after the run of that day, so the next run books what it pays.
                self.booked_from = day + _DAY
            async for attempt in self.settle_day(day):
                yield attempt
            self._passed = day
            day = self._next_day(last_day)
        for attempt in self._report_unpaid(before=day_after(last_day)):
            yield attempt
        self._passed, self._has_late_credit = last_day, False
        self.credit.move_to(last_day)

    def _report_unpaid(self, *, before: date | None) -> Iterator[Attempt]:
        """Yield the terms that are still due after the run of an earlier day, unless no run was."""
        if before is not None and before <= self.booked_from:
            return
        for day, due in self._unreported:
            if self._unsettled.get(due.subscription.profile) is due:
                yield Attempt(max(day, self.booked_from), due, None)
        self._unreported.clear()

    def pay_all(self) -> None:
        """Let the wallet pay everything from the next day on, also the terms that are unpaid."""
        self.credit.is_unlimited = True
        self.credit.receipts += 1

    def _next_day(self, last_day: date) -> date | None:
        """Return the next day on which a term may be settled; None if there is none."""
        planned = self._planned_day()
        days = [] if planned is None else [planned]
        if self._unpaid:
            days += [arrival for arrival, _ in self.credit.arrivals[-1:]]
            if self._passed and self.has_late_credit:
                days.append(self._passed)
            tomorrow = self._passed and day_after(self._passed)
            if tomorrow and self.credit.receipts != self._tried_receipts:
                days.append(tomorrow)
        return min((day for day in days if day <= last_day), default=None)

    def _planned_day(self) -> date | None:
        """Return the day of the first valid entry of the calendar; None if there is none."""
        calendar = self._calendar
        while calendar:
            day, *_, due = calendar[0]
            if due.next_try == day:
                return day
            heappop(calendar)
        return None

    def _plan_try(self, due: Due, day: date | None) -> None:
        due.next_try = day
        if day is not None:
            heappush(self._calendar, (day, *due.place, due))

    def _plan_retries(self, day: date) -> None:
        """Plan to try the unpaid terms once more on a day if credit came in since the last try."""
        if self.credit.receipts != self._tried_receipts:
            self._tried_receipts = self.credit.receipts
            for due in self._unpaid.values():
                self._plan_try(due, day)

    def _next_due(self, day: date) -> Due | None:
        """Return the term to try next on a day; None if there is none.

        Credit that an application's postings bring on the day counts too. So the unpaid terms are
        tried once more at the end of the day.
        """
        for _ in range(2):
            planned = self._planned_day()
            if planned is not None and planned <= day:
                return heappop(self._calendar)[-1]
            self._plan_retries(day)
        return None

    async def settle_day(self, day: date) -> AsyncIterator[Attempt]:
        """Try the terms that are due on a day; a renewed term may be due again on the same day.

        On the passed day, it tries the unpaid terms again with the credit that came in since.
        """
        self._has_late_credit = False
        self._plan_retries(day)
        while (due := self._next_due(day)) is not None:
            done = await self._try(due, day)
            if done is None:
                if not due.tried:
                    self._unreported.append((day, due))
                self._keep(due, day)
                continue
            decision, stored = done
            self._forget(due)
            yield Attempt(day, due, decision)
            if is_due(stored.value, self.last_day):
                following = Due(stored)
                self._unsettled[stored.value.profile] = following
                self._plan_try(following, max(day, following.due_on))

    def _keep(self, due: Due, day: date) -> None:
        """Keep a term that was not settled on a day."""
        due.tried, profile = True, due.subscription.profile
        if due.failed:
            due.next_try = None
            self._unpaid.pop(profile, None)
            return
        self._unpaid[profile] = due
        kept_until = due.subscription.kept_until
        self._plan_try(due, kept_until if day < kept_until else None)

    def _forget(self, due: Due) -> None:
        """Forget a term that was settled."""
        due.next_try = None
        del self._unsettled[due.subscription.profile]
        self._unpaid.pop(due.subscription.profile, None)

    async def _try(self, due: Due, day: date) -> tuple[Decision, Stored[Subscription]] | None:
        """Commit the first candidate that the wallet can pay; None if it can pay none."""
        try:
            for candidate in self._candidates(due, day):
                decision = self._complete(candidate, day)
                stored = await self._commit_if_paid(due, decision)
                if stored is not None:
                    return decision, stored
        except NotOffered as error:
            due.missing = error
        except Exception as error:
            if isinstance(error, CONFLICTS) and not self.is_last:
                raise
            due.missing, due.failed = error, True  # one profile must not stop the others
        return None

    async def _commit_if_paid(self, due: Due, decision: Decision) -> Stored[Subscription] | None:
        """Commit a decision if the wallet could pay it on the day; else note what was missing."""
        wallet, credit = Wallet(self.account), self.credit
        delta = decision.deltas.get(wallet)
        try:
            if delta is not None:
                settle_wallet(wallet, credit.balance, delta, may_overdraw=credit.is_unlimited)
            revision = await self.commit(decision, due.stored.revision)
        except InsufficientCredit as error:
            due.missing = error
            return None
        if delta is not None:
            credit.add(delta)
        return Stored(decision.after, revision)

    def _candidates(self, due: Due, day: date) -> Iterator[Decision]:
        """Yield what can be done on a day; try the next if the wallet cannot pay one."""
        subscription, on = due.subscription, max(day, self.booked_from)
        if not subscription.renews:
            yield actions.expire(subscription, on=on)
        elif day >= subscription.kept_until:
            not_offered = due.missing if isinstance(due.missing, NotOffered) else None
            yield actions.lapse(subscription, on=on, not_offered=not_offered)
        else:
            due.missing = None  # the reason of an earlier day does not explain this renewal
            plan, tariff = self._price_renewal(subscription)
            renew = partial(actions.renew, subscription, tariff, on=on, plan=plan, value_date=day)
            yield renew()
            if plan.offer.non_payment.drops_bundles and plan.bundles:
                yield renew(keep_bundles=False)

    def _price_renewal(self, subscription: Subscription) -> tuple[Plan, Tariff]:
        """Return the plan and the tariff of the next term.

        A pending plan that is not sold any more is dropped, and the held plan is renewed.
        """
        try:
            return self.prices.for_renewal(subscription)
        except NotOffered:
            if subscription.pending is None:
                raise
        return self.prices.for_renewal(attrs.evolve(subscription, pending=None))

    def _complete(self, decision: Decision, day: date) -> Decision:
        """Add the application's postings, with the value date if the run is late."""
        if self.extra_postings is None:
            return decision
        decision = add_extra_postings(decision, self.extra_postings)
        if day == decision.on:
            return decision
        postings = (attrs.evolve(posting, value_date=day) for posting in decision.postings)
        return attrs.evolve(decision, postings=tuple(postings))


def is_due(subscription: Subscription, on: date) -> bool:
    """Return whether a subscription must be renewed or ended by a day."""
    return subscription.due_on is not None and subscription.due_on <= on


def day_after(day: date) -> date | None:
    """Return the day after a day, as the end of a range; None at the end of the calendar."""
    return None if day == date.max else day + _DAY
