"""What ``MemoryStore`` keeps: the books of each account, and the index of the ends of terms.

Every change here can be made twice and then has the effect of one change. So ``MemoryStore`` can
repeat a change that was interrupted. Which commits are valid is not known here.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from heapq import merge
from itertools import islice
from typing import Generic, NamedTuple, TypeAlias, TypeVar

from channelplans.money import Currency, Money
from channelplans.storage.ports import Booked, Cursor, Page, Shard, Stored, shard_of
from channelplans.subscriptions.decisions import Decision, Transfer, join_token
from channelplans.subscriptions.identifiers import AccountId, ProfileId, Token
from channelplans.subscriptions.subscription import Subscription

__all__: tuple[str, ...] = ()

T = TypeVar("T")

#: What the sorted lists here hold.
Sortable = TypeVar("Sortable", str, date, tuple[AccountId, ProfileId])

#: A due profile: the end of its term, its account and its name. So tuples sort as ``due`` sorts.
_DueProfile: TypeAlias = tuple[date, AccountId, ProfileId]


class Journal(Generic[T]):
    """Items in commit order, which are also found by day.

    A place is the number of an item in commit order, from 0. A place never changes, so a cursor is
    the place at which the next page starts.
    """

    def __init__(self) -> None:
        self.items: list[T] = []
        # Sorted.
        self._days: list[date] = []
        self._places: dict[date, list[int]] = {}

    def put(self, place: int, item: T, day: date) -> None:
        """Put an item at a place; all earlier places are taken."""
        if len(self.items) == place:
            self.items.append(item)
        places = self._places.get(day)
        if places is None:
            places = self._places[day] = []
        if not places:
            _insert(self._days, day)
        if not places or places[-1] < place:
            places.append(place)

    def days_before(self, day: date) -> Sequence[date]:
        """Return the days before a day on which there are items."""
        return self._days[: bisect_left(self._days, day)]

    def page(
        self, since: date | None, until: date | None, cursor: Cursor | None, limit: int
    ) -> Page[T]:
        """Return the items of some days in commit order, from a cursor on."""
        start = 0 if cursor is None else int(cursor)
        places = list(islice(self._find(start, since, until), limit + 1))
        next_cursor = Cursor(str(places[limit])) if len(places) > limit else None
        return Page(tuple(self.items[place] for place in places[:limit]), next_cursor)

    def _find(self, start: int, since: date | None, until: date | None) -> Iterable[int]:
        """Return the places of some days, from ``start`` on, in order."""
        if since is None and until is None:
            return range(start, len(self.items))
        first = 0 if since is None else bisect_left(self._days, since)
        last = len(self._days) if until is None else bisect_left(self._days, until)
        days = (self._places[day] for day in self._days[first:last])
        return merge(*(_read_from(places, bisect_left(places, start)) for places in days))


class Book:
    """The postings of one wallet, their sum, and the sum of each day in the smallest unit."""

    def __init__(self, currency: Currency) -> None:
        self.journal: Journal[Booked] = Journal()
        self.balance = Money.zero(currency)
        self.day_sums: dict[date, int] = {}

    def balance_before(self, day: date) -> Money:
        """Return the sum of the postings of earlier days."""
        minor = sum(map(self.day_sums.__getitem__, self.journal.days_before(day)))
        return Money(minor=minor, currency=self.balance.currency)


class Booking(NamedTuple):
    """What a commit changes in one book.

    Attributes:
        profile: the profile of the wallet; None for the wallet of the account.
        book: the book.
        place: the place of the first posting in the book.
        entries: the postings.
        balance: the balance after the commit.
        day_sums: the sums of the days of the postings after the commit.
    """

    profile: ProfileId | None
    book: Book
    place: int
    entries: Sequence[Booked]
    balance: Money
    day_sums: dict[date, int]


class Account:
    """Everything that belongs to one account.

    Attributes:
        subscriptions: the latest subscription of each profile, with its revision.
        profiles: the names of the profiles with a subscription or a posting, sorted.
        books: the book of each wallet by its profile; None is the wallet of the account.
        commits: the decisions and transfers by their tokens, each with its revision.
        journal: the decisions and transfers in commit order.
    """

    def __init__(self) -> None:
        self.subscriptions: dict[ProfileId, Stored[Subscription]] = {}
        self.profiles: list[ProfileId] = []
        self.books: dict[ProfileId | None, Book] = {}
        self.commits: dict[Token, Stored[Decision | Transfer]] = {}
        self.journal: Journal[Decision | Transfer] = Journal()

    def store_subscription(self, stored: Stored[Subscription]) -> None:
        """Store the latest subscription of a profile."""
        profile = stored.value.profile
        self.subscriptions[profile] = stored
        _insert(self.profiles, profile)

    def store_commit(self, place: int, stored: Stored[Decision | Transfer]) -> None:
        """Store a decision or a transfer, at its place in commit order."""
        decision = stored.value
        self.commits[decision.token] = stored
        self.journal.put(place, decision, decision.counts_from)

    def plan_booking(self, entries: Sequence[Booked], balance: Money) -> Booking:
        """Return how to book postings on their wallet, which then has the balance."""
        profile = entries[0].posting.wallet.profile
        book = self.books.get(profile) or Book(balance.currency)
        day_sums: dict[date, int] = {}
        for entry in entries:
            day = entry.posting.counts_from
            before = day_sums[day] if day in day_sums else book.day_sums.get(day, 0)
            day_sums[day] = before + entry.posting.amount.minor
        place = len(book.journal.items)
        return Booking(profile, book, place, entries, balance, day_sums)

    def book(self, booking: Booking) -> None:
        """Book the postings of a commit on one wallet."""
        book = booking.book
        for place, entry in enumerate(booking.entries, booking.place):
            book.journal.put(place, entry, entry.posting.counts_from)
        book.day_sums.update(booking.day_sums)
        book.balance = booking.balance
        self.books[booking.profile] = book
        if booking.profile is not None:
            _insert(self.profiles, booking.profile)


class Ends:
    """The profiles of the running subscriptions, by the day on which their term ends."""

    def __init__(self) -> None:
        self.days: list[date] = []
        self.profiles: dict[date, list[tuple[AccountId, ProfileId]]] = {}

    def move(self, before: Subscription | None, after: Subscription) -> None:
        """Move a profile to the day on which its new subscription is due, if that runs."""
        old_day, new_day = None if before is None else before.due_on, after.due_on
        if old_day == new_day:
            return
        owner = (after.account, after.profile)
        if old_day is not None:
            profiles = self.profiles.get(old_day, [])
            place = bisect_left(profiles, owner)
            if profiles[place : place + 1] == [owner]:
                del profiles[place]
            if not profiles:
                self.profiles.pop(old_day, None)
                place = bisect_left(self.days, old_day)
                if self.days[place : place + 1] == [old_day]:
                    del self.days[place]
        if new_day is not None:
            _insert(self.profiles.setdefault(new_day, []), owner)
            _insert(self.days, new_day)

    def page(
        self,
        on: date,
        account: AccountId | None,
        shard: Shard | None,
        *,
        cursor: Cursor | None,
        limit: int,
    ) -> Page[tuple[AccountId, ProfileId]]:
        """Return the due profiles of an account and a shard, after a cursor."""
        last_seen = None if cursor is None else _decode(cursor)
        due_profiles = (
            due_profile
            for due_profile in self._find(on, account, last_seen)
            if shard is None or shard_of(due_profile[1], shard[1]) == shard[0]
        )
        # One more than the page has shows that more follow.
        found = list(islice(due_profiles, limit + 1))
        next_cursor = _encode(found[limit - 1]) if len(found) > limit else None
        return Page(tuple((owner, name) for _, owner, name in found[:limit]), next_cursor)

    def _find(
        self, on: date, account: AccountId | None, last_seen: _DueProfile | None
    ) -> Iterator[_DueProfile]:
        """Yield what is due after ``last_seen``, of one account or of all."""
        first = 0 if last_seen is None else bisect_left(self.days, last_seen[0])
        for day in self.days[first : bisect_right(self.days, on)]:
            profiles = self.profiles[day]
            start = 0 if account is None else bisect_left(profiles, (account, ""))
            if last_seen is not None and last_seen[0] == day:
                start = max(start, bisect_right(profiles, last_seen[1:]))
            for owner, profile in _read_from(profiles, start):
                if account is not None and owner != account:
                    break
                yield day, owner, profile


def page_of_names(names: Sequence[str], cursor: Cursor | None, limit: int) -> Page[str]:
    """Return the sorted names after a cursor, which is a name."""
    start = 0 if cursor is None else bisect_right(names, cursor)
    items = tuple(names[start : start + limit])
    has_next = start + limit < len(names)
    return Page(items, Cursor(items[-1]) if has_next else None)


def _insert(items: list[Sortable], item: Sortable) -> None:
    """Insert an item into a sorted list that does not have it yet."""
    place = bisect_left(items, item)
    if items[place : place + 1] != [item]:
        items.insert(place, item)


def _read_from(items: Sequence[T], start: int) -> Iterator[T]:
    """Return an iterator over the items from a place on, without a copy."""
    return map(items.__getitem__, range(start, len(items)))


def _encode(due_profile: _DueProfile) -> Cursor:
    day, account, profile = due_profile
    return Cursor(join_token(str(day), account, profile))


def _decode(cursor: Cursor) -> _DueProfile:
    day, account, profile = (
        part.replace("%2F", "/").replace("%25", "%") for part in cursor.split("/")
    )
    return date.fromisoformat(day), account, profile
