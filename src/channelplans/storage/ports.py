"""What a store must do, as two Protocols, and the small values that they exchange.

The docstrings are the contract: ``channelplans.testing.contract`` has a test for each sentence
except one: it does not measure the cost of ``due``. A store keeps three things of each account: the
latest subscription of each profile, the postings and the balance of each wallet, and the decisions
and transfers by their tokens. The values may have any offer and any tariff. How a store keeps the
values is not known here.

Everything that can be long is read in pages. A page has at most ``limit`` items, and the last page
has no cursor. Pass the other arguments again with a cursor. An item that is there during the whole
walk over the pages appears once; an item that is never there during the walk does not appear.
"""

from datetime import date
from typing import Generic, NewType, Protocol, TypeAlias, TypeVar
from zlib import crc32

import attrs

from channelplans._checks import bounded
from channelplans._constructors import checked
from channelplans._display import DisplayMixin, ReprMixin
from channelplans.calendar import Term
from channelplans.errors import InsufficientCredit
from channelplans.money import Money
from channelplans.subscriptions.decisions import Decision, Transfer
from channelplans.subscriptions.identifiers import AccountId, ProfileId, Token
from channelplans.subscriptions.subscription import Action, Subscription
from channelplans.subscriptions.wallets import Posting, Wallet

__all__ = [
    "AsyncStore",
    "Booked",
    "Cursor",
    "Outcome",
    "Page",
    "Preview",
    "Revision",
    "Shard",
    "Store",
    "Stored",
    "TransferPreview",
    "shard_of",
]

T = TypeVar("T")

#: The version of a stored value: opaque, compared for equality, never used twice.
Revision = NewType("Revision", str)

#: The position after a page: opaque, and valid only for the store that returned it.
Cursor = NewType("Cursor", str)

#: One of n parts of all accounts, as ``(k, n)``, with k from 0 to n - 1.
Shard: TypeAlias = tuple[int, int]


def shard_of(account: AccountId, count: int) -> int:
    """Return the number of the shard that an account belongs to, from 0 to ``count - 1``.

    It is the CRC-32 of the UTF-8 text, modulo ``count``. So every store and every machine agrees.

    Args:
        account: the account.
        count: the number of shards, 1 or more.

    Raises:
        InvalidValue: ``count`` is below 1.

    >>> from channelplans.storage import shard_of
    >>> [shard_of(account, 4) for account in ("acme", "globex", "initech")]
    [2, 2, 0]
    """
    return crc32(account.encode()) % bounded("count", count, 1)


def check_shard(shard: Shard | None) -> None:
    """Refuse a shard that does not exist, such as ``(3, 3)``; None means all accounts."""
    if shard is not None:
        bounded("shard[0]", shard[0], 0, bounded("shard[1]", shard[1], 1) - 1)


@attrs.frozen(repr=False)
class Stored(ReprMixin, Generic[T]):
    """A stored value and its revision.

    Attributes:
        value: the value.
        revision: the opaque version of the value. Every commit gives the value a new revision that
            the store never used before.
    """

    value: T
    revision: Revision


@checked
@attrs.frozen(repr=False)
class Booked(ReprMixin):
    """A stored posting, and its place in the decision or transfer that booked it.

    Attributes:
        posting: the posting.
        token: the token of the decision or transfer.
        index: the position of the posting in the decision or transfer, from 0.
    """

    posting: Posting
    token: Token
    index: int


@attrs.frozen(repr=False)
class Page(ReprMixin, Generic[T]):
    """Some of the items that were asked for, and the cursor of the next page.

    Attributes:
        items: the items of this page, in order.
        next: the cursor to pass for the next page; None on the last page.
    """

    items: tuple[T, ...]
    next: Cursor | None = None


@attrs.frozen(repr=False)
class Preview(DisplayMixin):
    """A decision to be confirmed, and the revision of the subscription that it was made for.

    A commit does not know which day it is. Before you commit a preview, check that ``decision.on``
    is today: its price and its refund are those of that day.

    Attributes:
        decision: what would happen.
        revision: the revision that the store must still have at the commit; None if the profile
            held nothing.
    """

    decision: Decision
    revision: Revision | None

    def _describe(self) -> tuple[Decision]:
        return (self.decision,)


@attrs.frozen(repr=False)
class TransferPreview(DisplayMixin):
    """A transfer to be confirmed.

    Attributes:
        transfer: what would happen.

    >>> from datetime import date
    >>> from channelplans import EUR, Billing, MemoryStore, Money, Tariff, Wallet
    >>> billing = Billing(MemoryStore(), prices=Tariff("list", EUR, channel="6.95"))
    >>> acme, fifty, day = Wallet("acme"), Money.of("50", EUR), date(2026, 1, 5)
    >>> preview = billing.preview.deposit(acme, fifty, transfer="p-1", on=day)
    >>> print(preview)
    2026-01-05: pay in from outside.
    The wallet of account 'acme' receives 50.00 EUR (deposit).
    >>> len(billing.statement(acme, currency=EUR).postings)  # nothing has been paid in
    0
    >>> transfer = billing.commit(preview)
    >>> print(billing.balance(acme))
    50.00 EUR
    """

    transfer: Transfer

    def _describe(self) -> tuple[Transfer]:
        return (self.transfer,)


@attrs.frozen(repr=False)
class Outcome(DisplayMixin):
    """What a run did with one profile at the end of one of its terms.

    Attributes:
        account: the account.
        profile: the profile; None if the account's due profiles could not be loaded.
        term: the term that ended; None if the subscription could not be loaded.
        decision: the decision that was committed; None if the subscription is still due.
        error: what was missing or what failed; None for an ordinary renewal.

    >>> from datetime import date
    >>> from channelplans import Outcome, Term
    >>> term = Term(date(2026, 1, 5), date(2026, 2, 4))
    >>> error = LookupError("no price for 2026-02-04")
    >>> outcome = Outcome("acme", "berlin", term, None, error)
    >>> print(outcome)  # doctest: +NORMALIZE_WHITESPACE
    profile 'berlin' of account 'acme', 2026-01-05 to 2026-02-04: failed;
    LookupError: no price for 2026-02-04
    >>> outcome.failed
    True
    """

    account: AccountId
    profile: ProfileId | None
    term: Term | None
    decision: Decision | None
    error: Exception | None = None

    @property
    def failed(self) -> bool:
        """Whether the subscription is still due for a reason other than credit: look into it."""
        return self.decision is None and not isinstance(self.error, InsufficientCredit)

    @property
    def result(self) -> str:
        """What the run did, in words, such as ``renew`` or ``waits for credit``."""
        if self.decision is None:
            return "failed" if self.failed else "waits for credit"
        bundles_dropped = self.decision.action is Action.RENEW and self.error
        return f"{self.decision.action.value}{' without bundles' if bundles_dropped else ''}"

    @property
    def reason(self) -> str:
        """What was missing or what failed, in words; empty for an ordinary renewal."""
        if self.error is None:
            return ""
        return f"{type(self.error).__name__}: {self.error}" if self.failed else str(self.error)

    def _describe(self) -> tuple[str]:
        term = f", {self.term}" if self.term else ""
        reason = f"; {self.reason}" if self.reason else ""
        return (f"{Wallet(self.account, self.profile)}{term}: {self.result}{reason}",)


class Store(Protocol):
    """A store, used by several threads, processes and machines at once.

    Everything belongs to an account: a decision, a subscription, a wallet. Two accounts never share
    anything, so a store can be partitioned by account. Days are value dates: the day of a posting
    is ``posting.counts_from``, and that of a decision ``decision.counts_from``.
    """

    def subscription(
        self, account: AccountId, profile: ProfileId, /
    ) -> Stored[Subscription] | None:
        """Return the latest subscription of a profile, ended ones included; None if there is none.

        Every field equals what was committed, also under an offer or a tariff that only a commit
        brought to the store.

        Args:
            account: the account of the profile.
            profile: the name of the profile, unique within its account.
        """
        ...

    def profiles(
        self, account: AccountId, /, *, cursor: Cursor | None = None, limit: int = 1000
    ) -> Page[ProfileId]:
        """Return the profiles of an account that ever had a subscription or a posting, by name.

        Names are sorted by code point, as Python sorts ``str``.

        Args:
            account: the account.
            cursor: the cursor of the page before; None for the first page.
            limit: the largest number of names on the page, 1 or more.

        Raises:
            InvalidValue: the limit is below 1.
        """
        ...

    def balance(self, wallet: Wallet, /, *, before: date | None = None) -> Money | None:
        """Return the sum of a wallet's postings; None if the wallet has none at all.

        The balance can be any amount that ``Money`` accepts, of up to 18 digits.

        Args:
            wallet: the wallet of an account or of a profile.
            before: the first day to leave out. If no posting has an earlier day, the sum is zero.
                None adds all postings.
        """
        ...

    def postings(
        self,
        wallet: Wallet,
        /,
        *,
        since: date | None = None,
        until: date | None = None,
        cursor: Cursor | None = None,
        limit: int = 1000,
    ) -> Page[Booked]:
        """Return a wallet's postings in commit order, not sorted by day or token.

        The postings of one decision keep their order.

        Args:
            wallet: the wallet of an account or of a profile.
            since: the first day to include; None means from the first posting on.
            until: the first day to leave out; None means up to the last posting.
            cursor: the cursor of the page before; None for the first page.
            limit: the largest number of postings on the page, 1 or more.

        Raises:
            InvalidValue: the limit is below 1.
        """
        ...

    def commit(
        self, decision: Decision | Transfer, /, *, expected: Revision | None
    ) -> Revision | None:
        """Store the new subscription and book the postings, then return the new revision.

        A store that encodes its values stores the offers and tariffs of the decision in the same
        transaction: ``codec.definitions_of`` returns them.

        Check in this order:

        1. The account has an equal decision with this token: change nothing, and return the
           revision that the first commit returned.
        2. The profile's subscription is not at ``expected``: raise Conflict.
        3. The account has another decision with this token: raise TokenReused.
        4. A transfer has ``seen``, and the wallet of its first posting has another number of
           postings: raise Conflict with both numbers as text, such as ``1 posting`` and
           ``1,012 postings``.
        5. A wallet holds another currency: raise CurrencyMismatch. A wallet whose delta is below
           zero would end below zero, and ``decision.may_overdraw`` is False: raise
           InsufficientCredit. A wallet without postings holds nothing.

        A refused commit changes nothing, and its token stays unused.

        Args:
            decision: the decision or transfer to commit, completely or not at all.
            expected: the revision of the subscription that the decision was made for; None if the
                profile had none stored. It is ignored for a transfer, which has no subscription.

        Returns:
            The new revision of the subscription; None for a transfer.

        Raises:
            Conflict: the subscription or the wallet changed in the meantime.
            TokenReused: the token belongs to another decision of the account.
            InsufficientCredit: names the wallet, the amount needed, the balance and the difference.
            CurrencyMismatch: a posting is in another currency than its wallet.
        """
        ...

    def decision(self, account: AccountId, token: Token, /) -> Decision | Transfer | None:
        """Return the decision or transfer that an account has with a token; None if it has none.

        It equals what was committed.

        Args:
            account: the account.
            token: the token of a decision or transfer, unique within the account.
        """
        ...

    def decisions(
        self,
        account: AccountId,
        /,
        *,
        since: date | None = None,
        until: date | None = None,
        cursor: Cursor | None = None,
        limit: int = 1000,
    ) -> Page[Decision | Transfer]:
        """Return the decisions and transfers of an account in commit order.

        Args:
            account: the account.
            since: the first day to include; None means from the first decision on.
            until: the first day to leave out; None means up to the last decision.
            cursor: the cursor of the page before; None for the first page.
            limit: the largest number of decisions on the page, 1 or more.

        Raises:
            InvalidValue: the limit is below 1.
        """
        ...

    def due(
        self,
        on: date,
        /,
        *,
        account: AccountId | None = None,
        shard: Shard | None = None,
        cursor: Cursor | None = None,
        limit: int = 1000,
    ) -> Page[tuple[AccountId, ProfileId]]:
        """Return the due profiles, each with its account, sorted by the end of their terms.

        A profile is due if its subscription is ACTIVE or CANCELLED and ``term.end <= on``. Profiles
        whose terms end on the same day are sorted by account and then by name, by code point. A
        profile that is renewed during the walk and is due again may appear again. The cost depends
        on the number of due profiles, not on the number of stored ones.

        Args:
            on: the civil day of the run.
            account: selects the profiles of one account; None selects those of all accounts.
            shard: ``(k, n)`` selects the accounts with ``shard_of(account, n) == k``; None selects
                all accounts.
            cursor: the cursor of the page before; None for the first page.
            limit: the largest number of profiles on the page, 1 or more.

        Raises:
            InvalidValue: the limit is below 1.
        """
        ...


class AsyncStore(Protocol):
    """``Store``, awaited. A task that is cancelled in ``commit`` stores everything or nothing."""

    async def subscription(
        self, account: AccountId, profile: ProfileId, /
    ) -> Stored[Subscription] | None:
        """See ``Store.subscription``."""
        ...

    async def profiles(
        self, account: AccountId, /, *, cursor: Cursor | None = None, limit: int = 1000
    ) -> Page[ProfileId]:
        """See ``Store.profiles``."""
        ...

    async def balance(self, wallet: Wallet, /, *, before: date | None = None) -> Money | None:
        """See ``Store.balance``."""
        ...

    async def postings(
        self,
        wallet: Wallet,
        /,
        *,
        since: date | None = None,
        until: date | None = None,
        cursor: Cursor | None = None,
        limit: int = 1000,
    ) -> Page[Booked]:
        """See ``Store.postings``."""
        ...

    async def commit(
        self, decision: Decision | Transfer, /, *, expected: Revision | None
    ) -> Revision | None:
        """See ``Store.commit``."""
        ...

    async def decision(self, account: AccountId, token: Token, /) -> Decision | Transfer | None:
        """See ``Store.decision``."""
        ...

    async def decisions(
        self,
        account: AccountId,
        /,
        *,
        since: date | None = None,
        until: date | None = None,
        cursor: Cursor | None = None,
        limit: int = 1000,
    ) -> Page[Decision | Transfer]:
        """See ``Store.decisions``."""
        ...

    async def due(
        self,
        on: date,
        /,
        *,
        account: AccountId | None = None,
        shard: Shard | None = None,
        cursor: Cursor | None = None,
        limit: int = 1000,
    ) -> Page[tuple[AccountId, ProfileId]]:
        """See ``Store.due``."""
        ...
