"""What a store must do, as two Protocols, and the small values that they exchange.

The docstrings are the contract: ``channelplans.testing.contract`` has a test for each sentence. A
store keeps three things: the latest subscription of each profile, the postings and the balance of
each wallet, and the decision or transfer that was committed with each token. The values may have
any offer and any tariff. How a store keeps the values is not known here.
"""

from collections.abc import Sequence
from datetime import date
from typing import Generic, NewType, Protocol, TypeVar

import attrs

from channelplans._constructors import checked
from channelplans._display import DisplayMixin, ReprMixin
from channelplans.calendar import Term
from channelplans.errors import InsufficientCredit, quoted
from channelplans.money import Money
from channelplans.subscriptions.decisions import Decision, Transfer
from channelplans.subscriptions.identifiers import ProfileId, Token
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
    "Store",
    "Stored",
    "TransferPreview",
]

T = TypeVar("T")

#: The version of a stored value: opaque, compared for equality, never used twice.
Revision = NewType("Revision", str)

#: The position after a page of due profiles: opaque, and valid only for the store that returned it.
Cursor = NewType("Cursor", str)


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
    """A stored posting: ``index`` is its position, from 0, in the decision with this token."""

    posting: Posting
    token: Token
    index: int


@checked
@attrs.frozen(repr=False)
class Page(ReprMixin):
    """Some of the due profiles; ``next`` is the cursor of the next page, None on the last page."""

    profiles: tuple[ProfileId, ...]
    next: Cursor | None = None


@attrs.frozen(repr=False)
class Preview(DisplayMixin):
    """A decision to be confirmed, and the revision of the subscription that it was made for.

    Attributes:
        decision: what would happen.
        revision: the revision that the store must still have at the commit; None if the profile
            held nothing.
    """

    decision: Decision
    revision: Revision | None

    def _describe(self) -> tuple[str, ...]:
        return tuple(str(self.decision).splitlines())


@attrs.frozen(repr=False)
class TransferPreview(DisplayMixin):
    """A transfer to be confirmed.

    >>> from channelplans.money import EUR
    >>> from channelplans.storage import Billing, MemoryStore
    >>> from channelplans.testing.builders import DAY, TARIFF
    >>> acme = Wallet("acme")
    >>> billing = Billing(MemoryStore(), prices=TARIFF)
    >>> print(billing.preview.deposit(acme, Money.of("50", EUR), transfer="p-1", on=DAY))
    2026-01-05: pay in from outside.
    The wallet of account 'acme' receives 50.00 EUR (deposit).
    >>> billing.statement(acme) is None  # nothing has been paid in
    True
    """

    transfer: Transfer

    def _describe(self) -> tuple[str, ...]:
        return tuple(str(self.transfer).splitlines())


@attrs.frozen(repr=False)
class Outcome(DisplayMixin):
    """What a run did with one profile at the end of one of its terms.

    Attributes:
        profile: the profile.
        term: the term that ended; None if the subscription could not be loaded.
        decision: the decision that was committed; None if the subscription is still due.
        error: what was missing or what failed; None for an ordinary renewal.

    >>> term = Term(date(2026, 1, 5), date(2026, 2, 4))
    >>> outcome = Outcome("berlin", term, None, LookupError("no price for 2026-02-04"))
    >>> print(outcome)
    profile 'berlin', 2026-01-05 to 2026-02-04: failed; LookupError: no price for 2026-02-04
    >>> outcome.failed
    True
    """

    profile: ProfileId
    term: Term | None
    decision: Decision | None
    error: Exception | None = None

    @property
    def failed(self) -> bool:
        """Whether the subscription is still due for a reason other than credit: look into it."""
        return self.decision is None and not isinstance(self.error, InsufficientCredit)

    def _describe(self) -> tuple[str]:
        result = "failed" if self.failed else "waits for credit"
        if self.decision is not None:
            bundles_dropped = self.decision.action is Action.RENEW and self.error
            suffix = " without bundles" if bundles_dropped else ""
            result = f"{self.decision.action.value}{suffix}"
        term = f", {self.term}" if self.term else ""
        kind = f"{type(self.error).__name__}: " if self.failed else ""
        reason = f"; {kind}{self.error}" if self.error else ""
        return (f"profile {quoted(self.profile)}{term}: {result}{reason}",)


class Store(Protocol):
    """A store, used by several threads, processes and machines at once."""

    def subscription(self, profile: ProfileId, /) -> Stored[Subscription] | None:
        """Return the latest subscription of a profile, ended ones included; None if there is none.

        Every field equals what was committed, also under an offer or a tariff that only a commit
        brought to the store. A profile belongs to one account, and its identifier is unique in the
        store.
        """
        ...

    def balance(self, wallet: Wallet, /) -> Money | None:
        """Return the sum of a wallet's postings; None if the wallet has none.

        The balance can be any amount that ``Money`` accepts, of up to 18 digits.
        """
        ...

    def postings(
        self, wallet: Wallet, /, *, since: date | None = None, until: date | None = None
    ) -> Sequence[Booked]:
        """Return a wallet's postings in commit order, not sorted by day or token.

        The postings of one decision keep their order. ``since`` is the first day to include and
        ``until`` the first day to leave out, both compared with ``posting.on``.
        """
        ...

    def commit(
        self, decision: Decision | Transfer, /, *, expected: Revision | None
    ) -> Revision | None:
        """Store the new subscription and book the postings, then return the new revision.

        A store that encodes its values stores the offers and tariffs of the decision in the same
        transaction: ``codec.definitions_of`` returns them.

        ``expected`` is the revision of the subscription that the decision was made for; None if the
        profile had none stored. A transfer has no subscription: ``expected`` is ignored, and None
        is returned. Check in this order:

        1. The token is known with an equal decision: change nothing, and return the revision that
           the first commit returned.
        2. The profile's subscription is not at ``expected``: raise Conflict.
        3. The token is known with another decision: raise TokenReused.
        4. A wallet holds another currency: raise CurrencyMismatch. A wallet whose delta is below
           zero would end below zero: raise InsufficientCredit. A wallet without postings holds
           nothing.

        A refused commit changes nothing, and its token stays unused.

        Raises:
            Conflict: the subscription changed in the meantime.
            TokenReused: the token belongs to another decision.
            InsufficientCredit: names the wallet, the amount needed, the balance and the difference.
            CurrencyMismatch: a posting is in another currency than its wallet.
        """
        ...

    def committed(self, token: Token, /) -> Revision | None:
        """Return the revision that ``commit`` returned for a token; None if it is not committed.

        A transfer has no revision of a subscription. For its token, return any revision that no
        stored subscription has.
        """
        ...

    def due(self, on: date, /, *, cursor: Cursor | None = None, limit: int = 1000) -> Page:
        """Return at most ``limit`` due profiles, and the cursor of the next page.

        A profile is due if its subscription is ACTIVE or CANCELLED and ``term.end <= on``.
        ``limit`` is 1 or more. The store chooses the order, and keeps it. A profile that is due
        during the whole walk over the pages appears at least once; a profile that is never due
        during the walk does not appear. The cost depends on the number of due profiles, not on
        the number of stored ones.
        """
        ...


class AsyncStore(Protocol):
    """``Store``, awaited. A task that is cancelled in ``commit`` stores everything or nothing."""

    async def subscription(self, profile: ProfileId, /) -> Stored[Subscription] | None:
        """See ``Store.subscription``."""
        ...

    async def balance(self, wallet: Wallet, /) -> Money | None:
        """See ``Store.balance``."""
        ...

    async def postings(
        self, wallet: Wallet, /, *, since: date | None = None, until: date | None = None
    ) -> Sequence[Booked]:
        """See ``Store.postings``."""
        ...

    async def commit(
        self, decision: Decision | Transfer, /, *, expected: Revision | None
    ) -> Revision | None:
        """See ``Store.commit``."""
        ...

    async def committed(self, token: Token, /) -> Revision | None:
        """See ``Store.committed``."""
        ...

    async def due(self, on: date, /, *, cursor: Cursor | None = None, limit: int = 1000) -> Page:
        """See ``Store.due``."""
        ...
