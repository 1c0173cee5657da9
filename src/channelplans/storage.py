"""The ports: what a store must do, as narrow Protocols that add up to it, and their small values.

The docstrings are the contract; what calls for a sentence there is a test in
``channelplans.testing.stores``. A store keeps three things: for each profile its latest
subscription, for each purse its postings in the order of booking and what they add up to, and for
each token the decision that was committed with it. Nothing here says how.

The asynchronous ports are the same, awaited.
"""

from collections.abc import Sequence
from datetime import date
from typing import Generic, Protocol, TypeVar

import attrs

from channelplans.checks import checked
from channelplans.identifiers import Cursor, ProfileId, Revision, Token
from channelplans.ledger import Posting, Purse
from channelplans.lifecycle import Decision
from channelplans.money import Money
from channelplans.subscriptions import Subscription

__all__ = [
    "AsyncCommits",
    "AsyncDues",
    "AsyncPurses",
    "AsyncStore",
    "AsyncSubscriptions",
    "Booked",
    "Commits",
    "Dues",
    "Page",
    "Purses",
    "Store",
    "Stored",
    "Subscriptions",
]

T = TypeVar("T")


@attrs.frozen
class Stored(Generic[T]):
    """A value as it is stored, and the revision that it is at.

    Attributes:
        value: what is stored.
        revision: opaque; what is stored next is at another one, never used before in the store.
    """

    value: T
    revision: Revision


@attrs.frozen(field_transformer=checked)
class Booked:
    """A posting as it is stored: the ``index``-th, from 0, of the decision with this token."""

    posting: Posting
    token: Token
    index: int


@attrs.frozen(field_transformer=checked)
class Page:
    """Some of the profiles that are due, and where to go on; ``next`` is None on the last page."""

    profiles: tuple[ProfileId, ...]
    next: Cursor | None = None


class Subscriptions(Protocol):
    """Reads what a profile holds: enough to admit a call."""

    def subscription(self, profile: ProfileId, /) -> Stored[Subscription] | None:
        """Return what was committed last for a profile, ended ones included; None if nothing was.

        It is equal to what was committed, to the last field. A profile belongs to one account, and
        its identifier is unique in the store.
        """
        ...


class Purses(Protocol):
    """Reads what purses hold and why: enough to write a statement."""

    def balance(self, purse: Purse, /) -> Money | None:
        """Return what a purse holds, the sum of its postings; None if it was never posted to.

        It is any amount that ``Money`` takes, of up to 60 digits.
        """
        ...

    def postings(
        self, purse: Purse, /, *, since: date | None = None, until: date | None = None
    ) -> Sequence[Booked]:
        """Return a purse's postings in the order in which they were committed.

        Those of one decision are in its own order. ``since`` is the first day that is wanted, by
        ``posting.on``, and ``until`` the first that is not.
        """
        ...


class Commits(Protocol):
    """Does what was decided: all of it or nothing, once."""

    def commit(self, decision: Decision, /, *, expected: Revision | None) -> Revision | None:
        """Store the subscription after a decision and book its postings, and return the revision.

        ``expected`` is the revision of the subscription that was decided on; None where the profile
        had none stored. A decision about no subscription guards none: ``expected`` is not looked
        at, and None is returned. In this order:

        1. If its token is known with an equal decision, nothing changes, and what was returned then
           is returned again.
        2. If the profile's subscription is not at ``expected``, it is a conflict.
        3. If its token is known with another decision, it is reused.
        4. If a purse whose delta is below zero would end below zero, credit is insufficient. A
           purse that was never posted to holds nothing. One that holds another currency than is
           posted to it is a mismatch.

        What is refused changes nothing and does not use up its token.

        Raises:
            Conflict: another decision came between.
            TokenReused: the token stands for another decision.
            InsufficientCredit: with the purse, what is needed, what is there and what is missing.
            CurrencyMismatch: a purse holds another currency than is posted to it.
        """
        ...

    def committed(self, token: Token, /) -> Revision | None:
        """Return what ``commit`` returned for the decision about a subscription with a token.

        None where it has not been committed. For a decision about purses alone, which has no
        revision, it is one that nothing stored is at.
        """
        ...


class Dues(Protocol):
    """Finds the terms that have ended."""

    def due(self, on: date, /, *, cursor: Cursor | None = None, limit: int = 1000) -> Page:
        """Return at most ``limit`` profiles that are due on a day, and the cursor to the next page.

        ``limit`` is 1 or more.

        Due is a profile whose subscription is ACTIVE or CANCELLED and whose term has ended:
        ``term.end <= on``. The order is the store's own, and stays: what is due throughout a walk
        from no cursor to a page without one is on one of its pages at least, and what is never due
        during it is on none. What it takes to answer follows from what is due, not from what is
        stored.
        """
        ...


class Store(Subscriptions, Purses, Commits, Dues, Protocol):
    """All that is stored, from several threads, processes and machines at once."""


class AsyncSubscriptions(Protocol):
    """``Subscriptions``, awaited."""

    async def subscription(self, profile: ProfileId, /) -> Stored[Subscription] | None:
        """As ``Subscriptions.subscription``."""
        ...


class AsyncPurses(Protocol):
    """``Purses``, awaited."""

    async def balance(self, purse: Purse, /) -> Money | None:
        """As ``Purses.balance``."""
        ...

    async def postings(
        self, purse: Purse, /, *, since: date | None = None, until: date | None = None
    ) -> Sequence[Booked]:
        """As ``Purses.postings``."""
        ...


class AsyncCommits(Protocol):
    """``Commits``, awaited; a task that is cancelled in ``commit`` leaves all of it or nothing."""

    async def commit(self, decision: Decision, /, *, expected: Revision | None) -> Revision | None:
        """As ``Commits.commit``."""
        ...

    async def committed(self, token: Token, /) -> Revision | None:
        """As ``Commits.committed``."""
        ...


class AsyncDues(Protocol):
    """``Dues``, awaited."""

    async def due(self, on: date, /, *, cursor: Cursor | None = None, limit: int = 1000) -> Page:
        """As ``Dues.due``."""
        ...


class AsyncStore(AsyncSubscriptions, AsyncPurses, AsyncCommits, AsyncDues, Protocol):
    """All that is stored, awaited."""
