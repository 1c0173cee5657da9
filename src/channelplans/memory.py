"""The reference store: dicts behind a lock, for tests, notebooks and small services.

It is the contract of ``channelplans.storage`` in its simplest form. What it holds is gone with the
process; it does no input or output.
"""

from bisect import bisect_left, bisect_right, insort
from collections.abc import Mapping
from datetime import date
from threading import Lock

import attrs

from channelplans.checks import bounded, civil_day, instance
from channelplans.errors import Conflict, TokenReused
from channelplans.identifiers import Cursor, ProfileId, Revision, Token
from channelplans.ledger import Purse, settle
from channelplans.lifecycle import Decision
from channelplans.money import Money
from channelplans.storage import Booked, Page, Stored
from channelplans.subscriptions import Subscription
from channelplans.tables import counted

__all__ = ["MemoryStore", "Snapshot"]


@attrs.frozen
class Snapshot:
    """All that a store held at one moment; equal where all of it is at the same revisions.

    Attributes:
        subscriptions: the latest of each profile.
        balances: what each purse held.
        postings: of each purse, in the order of booking.
    """

    subscriptions: Mapping[ProfileId, Stored[Subscription]]
    balances: Mapping[Purse, Money]
    postings: Mapping[Purse, tuple[Booked, ...]]
    _known: Mapping[Token, Stored[Decision]] = attrs.field(alias="known", repr=False)
    _revisions: int = attrs.field(alias="revisions", repr=False, eq=False)


class MemoryStore:
    """A store in memory, which any number of threads may use at once.

    >>> from channelplans.lifecycle import deposit
    >>> from channelplans.money import EUR
    >>> store = MemoryStore()
    >>> acme, credit = Purse("acme"), Money.of("50", EUR)
    >>> store.commit(deposit(acme, credit, transfer="p-1", on=date(2026, 1, 5)), expected=None)
    >>> str(store.balance(acme))
    '50.00 EUR'
    >>> store
    <MemoryStore: 0 subscriptions, 1 purse, 1 posting>
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._revisions = 0
        self._subscriptions: dict[ProfileId, Stored[Subscription]] = {}
        self._balances: dict[Purse, Money] = {}
        self._postings: dict[Purse, list[Booked]] = {}
        self._known: dict[Token, Stored[Decision]] = {}
        self._ends = _Ends()

    def subscription(self, profile: ProfileId, /) -> Stored[Subscription] | None:
        """As ``storage.Subscriptions.subscription``."""
        with self._lock:
            return self._subscriptions.get(profile)

    def balance(self, purse: Purse, /) -> Money | None:
        """As ``storage.Purses.balance``."""
        with self._lock:
            return self._balances.get(purse)

    def postings(
        self, purse: Purse, /, *, since: date | None = None, until: date | None = None
    ) -> tuple[Booked, ...]:
        """As ``storage.Purses.postings``."""
        with self._lock:
            booked = tuple(self._postings.get(purse, ()))
        return tuple(
            each
            for each in booked
            if (since is None or since <= each.posting.on)
            and (until is None or each.posting.on < until)
        )

    def commit(self, decision: Decision, /, *, expected: Revision | None) -> Revision | None:
        """As ``storage.Commits.commit``."""
        after = instance("decision", decision, Decision).after
        with self._lock:
            known = self._known.get(decision.token)
            if known is not None and known.value == decision:
                return None if after is None else known.revision
            if after is not None:
                stored = self._subscriptions.get(after.profile)
                found = None if stored is None else stored.revision
                if found != expected:
                    raise Conflict(after.profile, expected, found)
            if known is not None:
                raise TokenReused(decision.token)
            purses = decision.deltas.keys() & self._balances.keys()
            balances = settle({purse: self._balances[purse] for purse in purses}, decision.postings)
            return self._store(decision, balances)

    def _store(self, decision: Decision, balances: Mapping[Purse, Money]) -> Revision | None:
        self._revisions += 1
        revision, after = Revision(str(self._revisions)), decision.after
        self._known[decision.token] = Stored(decision, revision)
        self._balances |= balances
        for index, posting in enumerate(decision.postings):
            booked = Booked(posting, decision.token, index)
            self._postings.setdefault(posting.purse, []).append(booked)
        if after is None:
            return None
        before = self._subscriptions.get(after.profile)
        self._subscriptions[after.profile] = Stored(after, revision)
        self._ends.move(None if before is None else before.value, after)
        return revision

    def committed(self, token: Token, /) -> Revision | None:
        """As ``storage.Commits.committed``."""
        with self._lock:
            known = self._known.get(token)
        return None if known is None else known.revision

    def due(self, on: date, /, *, cursor: Cursor | None = None, limit: int = 1000) -> Page:
        """As ``storage.Dues.due``; the order is by the end of the term, then by profile."""
        civil_day("on", on)
        bounded("limit", limit, 1)
        with self._lock:
            return self._ends.page(on, cursor or Cursor(""), limit)

    def snapshot(self) -> Snapshot:
        """Return all that is stored now; what is committed later does not change it."""
        with self._lock:
            return Snapshot(
                dict(self._subscriptions),
                dict(self._balances),
                {purse: tuple(booked) for purse, booked in self._postings.items()},
                dict(self._known),
                self._revisions,
            )

    def restore(self, snapshot: Snapshot) -> None:
        """Go back to what was stored then, here or in another store.

        Revisions go on, so that none is used twice.
        """
        with self._lock:
            # The two belong together.
            self._revisions = max(self._revisions, snapshot._revisions)  # noqa: SLF001
            self._subscriptions = dict(snapshot.subscriptions)
            self._balances = dict(snapshot.balances)
            self._postings = {purse: list(each) for purse, each in snapshot.postings.items()}
            self._known = dict(snapshot._known)  # noqa: SLF001
            self._ends = _Ends()
            for stored in self._subscriptions.values():
                self._ends.move(None, stored.value)

    def __repr__(self) -> str:
        with self._lock:
            counts = {
                "subscription": len(self._subscriptions),
                "purse": len(self._balances),
                "posting": sum(map(len, self._postings.values())),
            }
        told = (counted(count, what) for what, count in counts.items())
        return f"<MemoryStore: {', '.join(told)}>"


class _Ends(dict[str, list[ProfileId]]):
    """The profiles of the running subscriptions, in order, by the day on which their term ends.

    Days are ISO text, whose order is theirs, so that a cursor, day and profile, is compared and
    never parsed. There are never more of them than days on which terms end, however many are
    stored.
    """

    def move(self, before: Subscription | None, after: Subscription) -> None:
        """Take what a profile held out, and put what it holds in, where it runs."""
        left, due = None if before is None else before.due_on, after.due_on
        if left is not None and left != due:
            profiles = self[str(left)]
            del profiles[bisect_left(profiles, after.profile)]
            if not profiles:
                del self[str(left)]
        if due is not None and left != due:
            insort(self.setdefault(str(due), []), after.profile)

    def page(self, on: date, cursor: str, limit: int) -> Page:
        """Return the profiles behind a cursor, and the cursor of the last if there are more."""
        since, _, last = cursor.partition("/")
        found: list[tuple[str, ProfileId]] = []
        for day in sorted(day for day in self if since <= day <= str(on)):
            first = bisect_right(self[day], last) if day == since else 0
            found += [(day, each) for each in self[day][first : first + limit + 1 - len(found)]]
            if len(found) > limit:
                break
        more = Cursor("/".join(found[limit - 1])) if len(found) > limit else None
        return Page(tuple(profile for _, profile in found[:limit]), more)
