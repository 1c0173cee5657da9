"""Settle the due terms of an account, as a run on each day would have done it.

A late run replays the days of an account from the earliest due date on. On each day it tries the
due terms, by the end of the term and then by profile, with the balance that the account's wallet
had on that day. So one late run gives the same subscriptions and balances as many punctual runs.
"""

from collections.abc import AsyncIterator, Awaitable, Iterator
from datetime import date, timedelta
from functools import partial
from heapq import heapify, heappop, heappush
from typing import Final

import attrs

from channelplans.errors import (
    ChannelPlansError,
    Conflict,
    InsufficientCredit,
    NotOffered,
    TokenReused,
)
from channelplans.money import Money
from channelplans.plans import Plan
from channelplans.storage._extra_postings import ExtraPostings, add_extra_postings
from channelplans.storage._pages import read_items
from channelplans.storage.ports import AsyncStore, Booked, Cursor, Outcome, Page, Revision, Stored
from channelplans.subscriptions import actions
from channelplans.subscriptions.decisions import Decision
from channelplans.subscriptions.identifiers import AccountId, ProfileId
from channelplans.subscriptions.price_books import PriceBook
from channelplans.subscriptions.subscription import Subscription
from channelplans.subscriptions.wallets import Wallet, settle_wallet
from channelplans.tariffs import Tariff

__all__: tuple[str, ...] = ()

#: How often an account is settled from the beginning before it is given up. Each conflict means
#: that another worker succeeded, so only a very busy account reaches this number.
ATTEMPTS: Final = 20

#: The errors that mean: another commit came first, so load the latest values and decide again.
CONFLICTS: Final = (Conflict, TokenReused)

_DAY: Final = timedelta(days=1)


@attrs.frozen
class Settlement:
    """How the due terms of an account are settled.

    Attributes:
        store: where the decisions are committed.
        prices: the prices of renewals.
        extra_postings: the application's postings for a decision.
        dry_run: whether nothing is committed, and every affordable decision counts as done.
    """

    store: AsyncStore
    prices: PriceBook
    extra_postings: ExtraPostings | None = None
    dry_run: bool = False

    async def settle(self, account: AccountId, on: date) -> AsyncIterator[Outcome]:
        """Yield an outcome for each due term, in the order in which they were settled.

        The outcomes of terms that are still due come last. After a conflict the account is read
        again from the store. In the last attempt a conflict is a failure of its profile.
        """
        attempt = 1
        while True:
            replay = _Replay(self, account, on, is_last=attempt == ATTEMPTS)
            try:
                async for outcome in replay.run():
                    yield outcome
            except CONFLICTS:
                if replay.is_last:
                    raise
                attempt += 1
            else:
                return

    async def commit(self, decision: Decision, expected: Revision) -> Revision:
        """Commit, and once more if the store fails: the first commit may have succeeded."""
        if self.dry_run:
            return expected
        try:
            revision = await self.store.commit(decision, expected=expected)
        except ChannelPlansError:
            raise
        except Exception:  # noqa: BLE001 - a second failure is raised
            revision = await self.store.commit(decision, expected=expected)
        assert revision is not None  # noqa: S101 - a decision has a subscription
        return revision

    def price_renewal(self, subscription: Subscription) -> tuple[Plan, Tariff]:
        """Return the plan and the tariff of the next term.

        A pending plan that is not sold any more is dropped, and the held plan is renewed.
        """
        try:
            return self.prices.for_renewal(subscription)
        except NotOffered:
            if subscription.pending is None:
                raise
        return self.prices.for_renewal(attrs.evolve(subscription, pending=None))


@attrs.define(eq=False)
class _Due:
    """A due subscription, and the reason why it is not settled yet."""

    stored: Stored[Subscription]
    missing: Exception | None = None
    failed: bool = False

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
class _Credit:
    """The balance of the account's wallet on the day of the replay.

    Attributes:
        balance: the balance; None if the wallet has no postings yet.
        arrivals: the postings of later days as pairs of day and amount, the latest first.
    """

    balance: Money | None
    arrivals: list[tuple[date, Money]]

    def move_to(self, day: date) -> None:
        """Add the postings up to the end of a day."""
        while self.arrivals and self.arrivals[-1][0] <= day:
            self.add(self.arrivals.pop()[1])

    def add(self, amount: Money) -> None:
        self.balance = amount if self.balance is None else self.balance + amount


@attrs.define
class _Replay:
    """One walk over the days of an account.

    Attributes:
        is_last: whether a conflict is a failure; otherwise the account is replayed once more.
        waiting: the subscriptions that are due, or still due.
        unloaded: an outcome for each due profile whose subscription could not be loaded.
    """

    settlement: Settlement
    account: AccountId
    on: date
    is_last: bool
    waiting: list[_Due] = attrs.field(factory=list)
    unloaded: list[Outcome] = attrs.field(factory=list)

    async def run(self) -> AsyncIterator[Outcome]:
        """Settle the account day by day."""
        await self._load_due()
        day = min((due.due_on for due in self.waiting), default=None)
        if day is not None:
            credit = await self._read_credit(day)
        while day is not None:
            credit.move_to(day)
            async for outcome in self._settle_day(day, credit):
                yield outcome
            day = self._next_day(day, credit)
        for due in sorted(self.waiting, key=lambda due: due.place):
            yield self._outcome(due, None)
        for outcome in self.unloaded:
            yield outcome

    def _outcome(self, due: _Due, decision: Decision | None) -> Outcome:
        subscription = due.subscription
        return Outcome(self.account, subscription.profile, subscription.term, decision, due.missing)

    async def _load_due(self) -> None:
        """Load the due subscriptions; what cannot be loaded does not stop the others."""
        store = self.settlement.store

        def read_page(cursor: Cursor | None) -> Awaitable[Page[tuple[AccountId, ProfileId]]]:
            return store.due(self.on, account=self.account, cursor=cursor)

        # Another worker may renew a profile during the walk, and then it can be listed again.
        profiles = dict.fromkeys([profile async for _, profile in read_items(read_page)])
        for profile in profiles:
            try:
                stored = await store.subscription(self.account, profile)
            except Exception as error:  # noqa: BLE001 - one profile must not stop the others
                self.unloaded.append(Outcome(self.account, profile, None, None, error))
                continue
            if stored is not None and is_due(stored.value, self.on):
                self.waiting.append(_Due(stored))

    async def _read_credit(self, earliest: date) -> _Credit:
        """Read the balance at the end of the earliest day, and the postings of the days after."""
        store, wallet = self.settlement.store, Wallet(self.account)
        balance = await store.balance(wallet, before=day_after(earliest))
        arrivals: list[tuple[date, Money]] = []
        if earliest < self.on:
            since, until = earliest + _DAY, day_after(self.on)

            def read_page(cursor: Cursor | None) -> Awaitable[Page[Booked]]:
                return store.postings(wallet, since=since, until=until, cursor=cursor)

            postings = [booked.posting async for booked in read_items(read_page)]
            arrivals = [(posting.counts_from, posting.amount) for posting in postings]
        arrivals.sort(key=lambda arrival: arrival[0], reverse=True)
        return _Credit(balance, arrivals)

    async def _settle_day(self, day: date, credit: _Credit) -> AsyncIterator[Outcome]:
        """Try the terms that are due on a day; a renewed term may be due again on the same day."""
        queue = [(*due.place, due) for due in self.waiting if due.due_on <= day and not due.failed]
        heapify(queue)
        while queue:
            due = heappop(queue)[-1]
            done = await self._try(due, day, credit)
            if done is None:
                continue
            decision, stored = done
            yield self._outcome(due, decision)
            self.waiting.remove(due)
            if is_due(stored.value, self.on):
                following = _Due(stored)
                self.waiting.append(following)
                if following.due_on <= day:
                    heappush(queue, (*following.place, following))

    async def _try(
        self, due: _Due, day: date, credit: _Credit
    ) -> tuple[Decision, Stored[Subscription]] | None:
        """Commit the first candidate that the wallet can pay; None if it can pay none."""
        try:
            for candidate in self._candidates(due, day):
                decision = self._complete(candidate, day)
                stored = await self._commit_if_paid(due, decision, credit)
                if stored is not None:
                    return decision, stored
        except NotOffered as error:
            due.missing = error
        except Exception as error:
            if isinstance(error, CONFLICTS) and not self.is_last:
                raise
            due.missing, due.failed = error, True  # one profile must not stop the others
        return None

    async def _commit_if_paid(
        self, due: _Due, decision: Decision, credit: _Credit
    ) -> Stored[Subscription] | None:
        """Commit a decision if the wallet could pay it on the day; else note what was missing."""
        wallet = Wallet(self.account)
        delta, balance = decision.deltas.get(wallet), credit.balance
        try:
            if delta is not None:
                balance = settle_wallet(wallet, balance, delta, may_overdraw=False)
            revision = await self.settlement.commit(decision, due.stored.revision)
        except InsufficientCredit as error:
            due.missing = error
            return None
        credit.balance = balance
        return Stored(decision.after, revision)

    def _candidates(self, due: _Due, day: date) -> Iterator[Decision]:
        """Yield what can be done on a day; try the next if the wallet cannot pay one."""
        subscription = due.subscription
        if not subscription.renews:
            yield actions.expire(subscription, on=self.on)
        elif day >= subscription.kept_until:
            not_offered = due.missing if isinstance(due.missing, NotOffered) else None
            yield actions.lapse(subscription, on=self.on, not_offered=not_offered)
        else:
            due.missing = None  # the reason of an earlier day does not explain this renewal
            plan, tariff = self.settlement.price_renewal(subscription)
            renew = partial(
                actions.renew, subscription, tariff, on=self.on, plan=plan, value_date=day
            )
            yield renew()
            if plan.offer.non_payment.drops_bundles and plan.bundles:
                yield renew(keep_bundles=False)

    def _complete(self, decision: Decision, day: date) -> Decision:
        """Add the application's postings, with the value date if the run is late."""
        if self.settlement.extra_postings is None:
            return decision
        decision = add_extra_postings(decision, self.settlement.extra_postings)
        if day == self.on:
            return decision
        postings = (attrs.evolve(posting, value_date=day) for posting in decision.postings)
        return attrs.evolve(decision, postings=tuple(postings))

    def _next_day(self, day: date, credit: _Credit) -> date | None:
        """Return the next day on which a waiting term may be settled; None if there is none."""
        days = [arrival for arrival, _ in credit.arrivals[-1:]]
        for due in self.waiting:
            if not due.failed:
                days += [due.due_on, due.subscription.kept_until]
        return min((later for later in days if day < later <= self.on), default=None)


def is_due(subscription: Subscription, on: date) -> bool:
    return subscription.due_on is not None and subscription.due_on <= on


def day_after(day: date) -> date | None:
    """Return the day after a day, as the end of a range; None at the end of the calendar."""
    return None if day == date.max else day + _DAY
