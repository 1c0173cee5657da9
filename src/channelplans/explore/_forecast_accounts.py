"""An account at the beginning of a forecast, from a store or from values, and after a preview.

The days of the account are walked by ``storage``; what a forecast makes of them is known to
``_forecast_walk``.
"""

from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import date
from typing import Final, TypeAlias

import attrs

from channelplans.errors import InsufficientCredit
from channelplans.money import Money
from channelplans.storage._account_days import AccountDays, Credit
from channelplans.storage._extra_postings import ExtraPostings
from channelplans.storage._synchronous import run_at_once
from channelplans.storage.ports import Preview, Revision, Stored, TransferPreview
from channelplans.subscriptions.decisions import Decision, Transfer
from channelplans.subscriptions.identifiers import AccountId, ProfileId
from channelplans.subscriptions.price_books import PriceBook
from channelplans.subscriptions.subscription import Subscription
from channelplans.subscriptions.wallets import Wallet, insufficient_credit

__all__: tuple[str, ...] = ()

AnyPreview: TypeAlias = Preview | TransferPreview

#: The revision of a subscription that is not read from a store.
NO_REVISION: Final = Revision("none")


@attrs.define
class Books:
    """What each wallet holds in all, as a store would check it before a commit.

    Attributes:
        find: returns the balance of a wallet; None if it is not known, so that it pays everything.
        balances: the balances that were found, and what was booked since.
    """

    find: Callable[[Wallet], Money | None]
    balances: dict[Wallet, Money | None] = attrs.field(factory=dict)

    def copy(self) -> "Books":
        """Return books that change apart from these."""
        return Books(self.find, dict(self.balances))

    def __getitem__(self, wallet: Wallet) -> Money | None:
        if wallet not in self.balances:
            self.balances[wallet] = self.find(wallet)
        return self.balances[wallet]

    def pay(
        self,
        deltas: Mapping[Wallet, Money],
        count: int = 1,
        *,
        unlimited: Wallet | None = None,
        may_overdraw: bool = False,
    ) -> tuple[int, InsufficientCredit | None]:
        """Book the same changes several times, as often as each wallet can pay.

        Args:
            deltas: what changes in each wallet.
            count: how often.
            unlimited: a wallet that may end below zero; None if there is none.
            may_overdraw: whether every wallet may end below zero.

        Returns:
            How often the changes were booked, and what was missing for the next time.
        """
        payable, missing = count, None
        for wallet, delta in deltas.items():
            balance = self[wallet]
            if may_overdraw or balance is None or delta.minor >= 0 or wallet == unlimited:
                continue
            affordable = max(balance.minor, 0) // -delta.minor
            if affordable < payable:
                payable, available = affordable, balance + affordable * delta
                missing = insufficient_credit(wallet, needed=-delta, available=available)
        for wallet, delta in deltas.items():
            self.book(wallet, payable * delta)
        return payable, missing

    def book(self, wallet: Wallet, amount: Money) -> None:
        """Book an amount on a wallet whose balance is known."""
        balance = self[wallet]
        if balance is not None:
            self.balances[wallet] = balance + amount


@attrs.define
class Account:
    """What is known of an account at the beginning of a forecast.

    Attributes:
        name: the account.
        zero: no money, in the currency of the account.
        prices: the prices of renewals and calls.
        extra_postings: the application's postings for a decision.
        subscriptions: the latest subscription of each profile that matters.
        credit: the balance of the account's wallet, and the postings of later days.
        books: what the wallets hold.
    """

    name: AccountId
    zero: Money
    prices: PriceBook
    extra_postings: ExtraPostings | None
    subscriptions: dict[ProfileId, Stored[Subscription]]
    credit: Credit
    books: Books

    @property
    def wallet(self) -> Wallet:
        """The account's own wallet."""
        return Wallet(self.name)

    @property
    def is_balance_known(self) -> bool:
        """Whether the balance of the account's wallet is known; if not, it pays everything."""
        return self.books[self.wallet] is not None

    def start_walk(self, books: Books, *, since: date, last_day: date) -> AccountDays:
        """Return a walk over the days of the account that commits to books alone.

        Args:
            books: what the wallets hold; the walk changes them.
            since: the day of the first run.
            last_day: the last day of the walk.
        """
        wallet, is_unlimited = self.wallet, not self.is_balance_known
        credit = Credit(self.credit.balance, list(self.credit.arrivals), is_unlimited)

        # It does not refer to the account, so that the first subscriptions can be forgotten.
        async def commit(decision: Decision, expected: Revision) -> Revision:
            unlimited = wallet if credit.is_unlimited else None
            _, missing = books.pay(decision.deltas, unlimited=unlimited)
            if missing is not None:
                raise missing
            return expected

        days = AccountDays(
            self.name,
            self.prices,
            self.extra_postings,
            commit,
            credit,
            last_day=last_day,
            booked_from=since,
        )
        days.add(self.subscriptions.values())
        return days

    def apply(self, preview: AnyPreview) -> None:
        """Do what the commit of a preview would do: settle due terms if the account pays, and book.

        Raises:
            InsufficientCredit: a wallet cannot pay the preview.
        """
        change = read_change(preview)
        delta = change.deltas.get(self.wallet, self.zero)
        if delta.minor < 0:
            self._settle(change.on)
        _, missing = self.books.pay(change.deltas, may_overdraw=change.may_overdraw)
        if missing is not None:
            raise missing
        if isinstance(change, Decision):
            self.subscriptions[change.after.profile] = Stored(change.after, NO_REVISION)
        if self.is_balance_known:
            self.credit.arrivals.append((change.counts_from, delta))
            self.credit.arrivals.sort(key=lambda arrival: arrival[0], reverse=True)

    def _settle(self, on: date) -> None:
        """Settle the due terms of a day."""
        days = self.start_walk(self.books, since=on, last_day=on)
        attempts = days.walk(on)
        with suppress(StopAsyncIteration):
            while True:
                attempt = run_at_once(anext(attempts))
                if attempt.decision is not None:
                    after = attempt.decision.after
                    self.subscriptions[after.profile] = Stored(after, attempt.due.stored.revision)
        self.credit = attrs.evolve(days.credit, is_unlimited=False)


def read_change(preview: AnyPreview) -> Decision | Transfer:
    """Return the decision or the transfer of a preview."""
    return preview.decision if isinstance(preview, Preview) else preview.transfer
