"""The reference store: dicts behind a lock, for tests, notebooks and small services.

It is the simplest implementation of ``Store``. Its contents are lost when the process ends.

A signal can interrupt a commit at any point, for example Ctrl-C. So a commit first notes what it
will change, and then changes it. If it is interrupted in between, the next call completes it.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from functools import partial
from threading import RLock
from types import MappingProxyType

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

    def __reduce__(self) -> tuple[object, ...]:
        """Pickle and copy the mappings as dicts, because read-only mappings cannot be pickled."""
        return _make_snapshot, (
            dict(self.subscriptions),
            dict(self.balances),
            dict(self.postings),
            dict(self._known),
            self._revisions,
        )


def _make_snapshot(
    subscriptions: Mapping[ProfileId, Stored[Subscription]],
    balances: Mapping[Wallet, Money],
    postings: Mapping[Wallet, tuple[Booked, ...]],
    commits: Mapping[Token, Stored[Decision | Transfer]],
    revisions: int,
) -> Snapshot:
    """Return a snapshot of copies that cannot be changed."""
    return Snapshot(
        MappingProxyType(dict(subscriptions)),
        MappingProxyType(dict(balances)),
        MappingProxyType(dict(postings)),
        MappingProxyType(dict(commits)),
        revisions,
    )


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
        # Reentrant, so that a thread that was interrupted cannot lock itself out.
        self._lock = RLock()
        self._revisions = 0
        self._subscriptions: dict[ProfileId, Stored[Subscription]] = {}
        self._balances: dict[Wallet, Money] = {}
        self._postings: dict[Wallet, list[Booked]] = {}
        self._commits: dict[Token, Stored[Decision | Transfer]] = {}
        self._ends = _Ends()
        # What a commit has decided to change and may not have changed yet. Calling it twice has
        # the effect of calling it once.
        self._unfinished: Callable[[], None] | None = None

    def subscription(self, profile: ProfileId, /) -> Stored[Subscription] | None:
        """See ``Store.subscription``."""
        with self._lock:
            self._complete()
            return self._subscriptions.get(profile)

    def balance(self, wallet: Wallet, /) -> Money | None:
        """See ``Store.balance``."""
        with self._lock:
            self._complete()
            return self._balances.get(wallet)

    def postings(
        self, wallet: Wallet, /, *, since: date | None = None, until: date | None = None
    ) -> tuple[Booked, ...]:
        """See ``Store.postings``."""
        with self._lock:
            self._complete()
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
        stored = None
        with self._lock:
            self._complete()
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
            before: dict[Wallet, Money] = {}
            for posting in decision.postings:
                balance = self._balances.get(posting.wallet)
                if balance is not None:
                    before[posting.wallet] = balance
            balances = settle(before, decision.postings)
            number = self._revisions + 1
            entries = [
                Booked(posting, decision.token, index)
                for index, posting in enumerate(decision.postings)
            ]
            earlier = None if stored is None else stored.value
            # From here on, the decision is committed, even if something interrupts this call.
            self._unfinished = partial(self._store, decision, number, earlier, balances, entries)
            self._complete()
            return None if after is None else Revision(str(number))

    def _complete(self) -> None:
        """Finish the latest commit, if it was interrupted."""
        if self._unfinished is not None:
            self._unfinished()
            self._unfinished = None

    def _store(
        self,
        decision: Decision | Transfer,
        number: int,
        earlier: Subscription | None,
        balances: Mapping[Wallet, Money],
        entries: Sequence[Booked],
    ) -> None:
        revision, token = Revision(str(number)), decision.token
        if isinstance(decision, Decision):
            after = decision.after
            self._ends.move(earlier, after)
            self._subscriptions[after.profile] = Stored(after, revision)
        self._commits[token] = Stored(decision, revision)
        self._balances |= balances
        for entry in entries:
            booked = self._postings.setdefault(entry.posting.wallet, [])
            # An interrupted commit may have booked it already.
            if not (booked and booked[-1].index >= entry.index and booked[-1].token == token):
                booked.append(entry)
        self._revisions = number

    def committed(self, token: Token, /) -> Revision | None:
        """See ``Store.committed``."""
        with self._lock:
            self._complete()
            commit = self._commits.get(token)
        return None if commit is None else commit.revision

    def due(self, on: date, /, *, cursor: Cursor | None = None, limit: int = 1000) -> Page:
        """See ``Store.due``; profiles are sorted by the end of the term, then by name."""
        civil_day("on", on)
        bounded("limit", limit, 1)
        with self._lock:
            self._complete()
            return self._ends.page(on, cursor or Cursor(""), limit)

    def snapshot(self) -> Snapshot:
        """Return the present contents; later commits do not change the snapshot."""
        with self._lock:
            self._complete()
            return _make_snapshot(
                self._subscriptions,
                self._balances,
                {wallet: tuple(booked) for wallet, booked in self._postings.items()},
                self._commits,
                self._revisions,
            )

    def restore(self, snapshot: Snapshot) -> None:
        """Replace the contents with those of a snapshot, of this store or of another.

        The revisions are not reset, so no revision is used twice.
        """
        with self._lock:
            self._complete()
            self._unfinished = partial(self._replace, snapshot)
            self._complete()

    def _replace(self, snapshot: Snapshot) -> None:
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
            self._complete()
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
        """Move a profile to the day on which its new subscription is due, if that runs.

        Moving it twice has the effect of moving it once.
        """
        old_day, new_day = None if before is None else before.due_on, after.due_on
        if old_day is not None and old_day != new_day:
            profiles = self.get(str(old_day), [])
            place = bisect_left(profiles, after.profile)
            profiles[place : place + 1] = [
                profile for profile in profiles[place : place + 1] if profile != after.profile
            ]
            if not profiles:
                self.pop(str(old_day), None)
        if new_day is not None and old_day != new_day:
            profiles = self.setdefault(str(new_day), [])
            place = bisect_left(profiles, after.profile)
            if profiles[place : place + 1] != [after.profile]:
                profiles.insert(place, after.profile)

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
