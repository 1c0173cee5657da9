"""The reference store: dicts behind a lock, for tests, notebooks and small services.

It is the simplest implementation of ``Store``. Its contents are lost when the process ends.
"""

from bisect import bisect_left, bisect_right, insort
from collections.abc import Mapping
from datetime import date
from threading import Lock

import attrs

from channelplans._checks import bounded, civil_day, instance
from channelplans._display import ReprMixin, counted
from channelplans.errors import Conflict, TokenReused
from channelplans.money import Money
from channelplans.storage.ports import Booked, Cursor, Page, Revision, Stored
from channelplans.subscriptions.decisions import Decision, Transfer
from channelplans.subscriptions.identifiers import ProfileId, Token
from channelplans.subscriptions.subscription import Subscription
from channelplans.subscriptions.wallets import Wallet, settle

__all__ = ["MemoryStore", "Snapshot"]


@attrs.frozen(repr=False)
class Snapshot(ReprMixin):
    """The contents of a store at one moment; equal if contents and revisions are equal.

    Attributes:
        subscriptions: the latest subscription of each profile, with its revision.
        balances: the balance of each wallet.
        postings: the postings of each wallet, in the order of booking.
    """

    subscriptions: Mapping[ProfileId, Stored[Subscription]]
    balances: Mapping[Wallet, Money]
    postings: Mapping[Wallet, tuple[Booked, ...]]
    _known: Mapping[Token, Stored[Decision | Transfer]] = attrs.field(alias="known", repr=False)
    _revisions: int = attrs.field(alias="revisions", repr=False, eq=False)


class MemoryStore:
    """A store in memory; several threads may use it at once.

    >>> from channelplans.subscriptions.transfers import deposit
    >>> from channelplans.money import EUR
    >>> store = MemoryStore()
    >>> acme, credit = Wallet("acme"), Money.of("50", EUR)
    >>> store.commit(deposit(acme, credit, transfer="p-1", on=date(2026, 1, 5)), expected=None)
    >>> str(store.balance(acme))
    '50.00 EUR'
    >>> store
    <MemoryStore: 0 subscriptions, 1 wallet, 1 posting>
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._revisions = 0
        self._subscriptions: dict[ProfileId, Stored[Subscription]] = {}
        self._balances: dict[Wallet, Money] = {}
        self._postings: dict[Wallet, list[Booked]] = {}
        self._commits: dict[Token, Stored[Decision | Transfer]] = {}
        self._ends = _Ends()

    def subscription(self, profile: ProfileId, /) -> Stored[Subscription] | None:
        """See ``Store.subscription``."""
        with self._lock:
            return self._subscriptions.get(profile)

    def balance(self, wallet: Wallet, /) -> Money | None:
        """See ``Store.balance``."""
        with self._lock:
            return self._balances.get(wallet)

    def postings(
        self, wallet: Wallet, /, *, since: date | None = None, until: date | None = None
    ) -> tuple[Booked, ...]:
        """See ``Store.postings``."""
        with self._lock:
            booked = tuple(self._postings.get(wallet, ()))
        return tuple(
            entry
            for entry in booked
            if (since is None or since <= entry.posting.on)
            and (until is None or entry.posting.on < until)
        )

    def commit(
        self, decision: Decision | Transfer, /, *, expected: Revision | None
    ) -> Revision | None:
        """See ``Store.commit``."""
        instance("decision", decision, Decision, Transfer)
        after = decision.after if isinstance(decision, Decision) else None
        with self._lock:
            earlier_commit = self._commits.get(decision.token)
            if earlier_commit is not None and earlier_commit.value == decision:
                return None if after is None else earlier_commit.revision
            if after is not None:
                stored = self._subscriptions.get(after.profile)
                revision = None if stored is None else stored.revision
                if revision != expected:
                    raise Conflict(after.profile, expected, revision)
            if earlier_commit is not None:
                raise TokenReused(decision.token)
            wallets = decision.deltas.keys() & self._balances.keys()
            before = {wallet: self._balances[wallet] for wallet in wallets}
            return self._store(decision, settle(before, decision.postings))

    def _store(
        self, decision: Decision | Transfer, balances: Mapping[Wallet, Money]
    ) -> Revision | None:
        self._revisions += 1
        revision = Revision(str(self._revisions))
        after = decision.after if isinstance(decision, Decision) else None
        self._commits[decision.token] = Stored(decision, revision)
        self._balances |= balances
        for index, posting in enumerate(decision.postings):
            booked = Booked(posting, decision.token, index)
            self._postings.setdefault(posting.wallet, []).append(booked)
        if after is None:
            return None
        before = self._subscriptions.get(after.profile)
        self._subscriptions[after.profile] = Stored(after, revision)
        self._ends.move(None if before is None else before.value, after)
        return revision

    def committed(self, token: Token, /) -> Revision | None:
        """See ``Store.committed``."""
        with self._lock:
            commit = self._commits.get(token)
        return None if commit is None else commit.revision

    def due(self, on: date, /, *, cursor: Cursor | None = None, limit: int = 1000) -> Page:
        """See ``Store.due``; profiles are sorted by the end of the term, then by name."""
        civil_day("on", on)
        bounded("limit", limit, 1)
        with self._lock:
            return self._ends.page(on, cursor or Cursor(""), limit)

    def snapshot(self) -> Snapshot:
        """Return the present contents; later commits do not change the snapshot."""
        with self._lock:
            return Snapshot(
                dict(self._subscriptions),
                dict(self._balances),
                {wallet: tuple(booked) for wallet, booked in self._postings.items()},
                dict(self._commits),
                self._revisions,
            )

    def restore(self, snapshot: Snapshot) -> None:
        """Replace the contents with those of a snapshot, of this store or of another.

        The revisions are not reset, so no revision is used twice.
        """
        with self._lock:
            # Only MemoryStore reads the private fields of a snapshot.
            self._revisions = max(self._revisions, snapshot._revisions)  # noqa: SLF001
            self._subscriptions = dict(snapshot.subscriptions)
            self._balances = dict(snapshot.balances)
            self._postings = {wallet: list(booked) for wallet, booked in snapshot.postings.items()}
            self._commits = dict(snapshot._known)  # noqa: SLF001
            self._ends = _Ends()
            for stored in self._subscriptions.values():
                self._ends.move(None, stored.value)

    def __repr__(self) -> str:
        with self._lock:
            counts = {
                "subscription": len(self._subscriptions),
                "wallet": len(self._balances),
                "posting": sum(map(len, self._postings.values())),
            }
        contents = ", ".join(counted(count, noun) for noun, count in counts.items())
        return f"<MemoryStore: {contents}>"


class _Ends(dict[str, list[ProfileId]]):
    """The sorted profiles of the running subscriptions, by the day on which their term ends.

    A day is ISO text, which sorts like the days. So the parts of a cursor, a day and a profile, are
    compared as text.
    """

    def move(self, before: Subscription | None, after: Subscription) -> None:
        """Move a profile to the day on which its new subscription is due, if that runs."""
        old_day, new_day = None if before is None else before.due_on, after.due_on
        if old_day is not None and old_day != new_day:
            profiles = self[str(old_day)]
            del profiles[bisect_left(profiles, after.profile)]
            if not profiles:
                del self[str(old_day)]
        if new_day is not None and old_day != new_day:
            insort(self.setdefault(str(new_day), []), after.profile)

    def page(self, on: date, cursor: str, limit: int) -> Page:
        """Return the due profiles after a cursor, and the next cursor if there are more."""
        cursor_day, _, cursor_profile = cursor.partition("/")
        rows: list[tuple[str, ProfileId]] = []
        for day in sorted(day for day in self if cursor_day <= day <= str(on)):
            start = bisect_right(self[day], cursor_profile) if day == cursor_day else 0
            stop = start + limit + 1 - len(rows)  # one more than the page shows that more follow
            rows += [(day, profile) for profile in self[day][start:stop]]
            if len(rows) > limit:
                break
        next_cursor = Cursor("/".join(rows[limit - 1])) if len(rows) > limit else None
        return Page(tuple(profile for _, profile in rows[:limit]), next_cursor)
