"""Settle the due terms of an account over a store, as a run on each day would have done it.

A late run replays the days of an account from the earliest due date on; ``_account_days`` knows
what is tried on each day. So one late run gives the same subscriptions and balances as many
punctual runs. This module reads the account from the store and commits the decisions.
"""

from collections.abc import AsyncIterator, Awaitable
from datetime import date, timedelta
from typing import Final

import attrs

from channelplans.errors import ChannelPlansError
from channelplans.money import Money
from channelplans.storage._account_days import (
    CONFLICTS,
    AccountDays,
    Credit,
    Due,
    day_after,
    is_due,
)
from channelplans.storage._extra_postings import ExtraPostings
from channelplans.storage._pages import read_items
from channelplans.storage.ports import AsyncStore, Booked, Cursor, Outcome, Page, Revision, Stored
from channelplans.subscriptions.decisions import Decision
from channelplans.subscriptions.identifiers import AccountId, ProfileId
from channelplans.subscriptions.price_books import PriceBook
from channelplans.subscriptions.subscription import Subscription
from channelplans.subscriptions.wallets import Wallet

__all__: tuple[str, ...] = ()

#: How often an account is settled from the beginning before it is given up. Each conflict means
#: that another worker succeeded, so only a very busy account reaches this number.
ATTEMPTS: Final = 20

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
            is_last = attempt == ATTEMPTS
            try:
                async for outcome in self._replay(account, on, is_last=is_last):
                    yield outcome
            except CONFLICTS:
                if is_last:
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

    async def _replay(
        self, account: AccountId, on: date, *, is_last: bool
    ) -> AsyncIterator[Outcome]:
        """Settle an account day by day, from its earliest due date on."""
        subscriptions, failures = await load_due(self.store, account, on)
        earliest = min((stored.value.term.end for stored in subscriptions), default=None)
        if earliest is not None:
            credit = await read_credit(self.store, account, earliest, on)
            days = AccountDays(
                account,
                self.prices,
                self.extra_postings,
                self.commit,
                credit,
                last_day=on,
                booked_from=on,
                is_last=is_last,
            )
            days.add(subscriptions)
            async for attempt in days.walk(on):
                if attempt.decision is not None:
                    yield _make_outcome(attempt.due, attempt.decision)
            for due in days.left():
                yield _make_outcome(due, None)
        for profile, error in failures:
            yield Outcome(account, profile, None, None, error)


def _make_outcome(due: Due, decision: Decision | None) -> Outcome:
    subscription = due.subscription
    account, profile, term = subscription.account, subscription.profile, subscription.term
    return Outcome(account, profile, term, decision, due.missing)


async def load_due(
    store: AsyncStore, account: AccountId, on: date
) -> tuple[list[Stored[Subscription]], list[tuple[ProfileId, Exception]]]:
    """Load the subscriptions that are due on a day; return the errors of the others beside them.

    A profile that cannot be loaded does not stop the others.
    """

    def read_page(cursor: Cursor | None) -> Awaitable[Page[tuple[AccountId, ProfileId]]]:
        return store.due(on, account=account, cursor=cursor)

    loaded: list[Stored[Subscription]] = []
    failures: list[tuple[ProfileId, Exception]] = []
    # Another worker may renew a profile during the walk, and then it can be listed again.
    for profile in dict.fromkeys([profile async for _, profile in read_items(read_page)]):
        try:
            stored = await store.subscription(account, profile)
        except Exception as error:  # noqa: BLE001 - one profile must not stop the others
            failures.append((profile, error))
            continue
        if stored is not None and is_due(stored.value, on):
            loaded.append(stored)
    return loaded, failures


async def read_credit(
    store: AsyncStore, account: AccountId, first_day: date, last_day: date
) -> Credit:
    """Read the balance at the end of a first day, and the postings of the days up to a last."""
    wallet = Wallet(account)
    balance = await store.balance(wallet, before=day_after(first_day))
    arrivals: list[tuple[date, Money]] = []
    if first_day < last_day:
        since, until = first_day + _DAY, day_after(last_day)

        def read_page(cursor: Cursor | None) -> Awaitable[Page[Booked]]:
            return store.postings(wallet, since=since, until=until, cursor=cursor)

        postings = [booked.posting async for booked in read_items(read_page)]
        arrivals = [(posting.counts_from, posting.amount) for posting in postings]
    arrivals.sort(key=lambda arrival: arrival[0], reverse=True)
    return Credit(balance, arrivals)
