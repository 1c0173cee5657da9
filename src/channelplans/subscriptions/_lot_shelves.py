"""The credit of one wallet during the replay of its postings, sorted in the order of drawing.

A wallet has a shelf for each reason. A shelf holds pieces of lots in batches. The pieces of a batch
expire on the same day. If each use of the wallet restarts their time, whole batches move to another
day, so a use costs no more work if there are many lots.
"""

from bisect import bisect_left, bisect_right, insort
from datetime import date
from heapq import heappop, heappush
from typing import Protocol

import attrs

from channelplans.calendar import Days, Months, days_after
from channelplans.subscriptions.wallets import Posting

__all__: tuple[str, ...] = ()


class Rule(Protocol):
    """The part of a ``LotRule`` that the replay reads."""

    @property
    def lasts(self) -> Days | Months | None:
        """How long a lot lasts; None if it never expires."""
        ...

    @property
    def since_use(self) -> bool:
        """Whether each use of the wallet restarts that time."""
        ...

    @property
    def priority(self) -> int:
        """The priority of the lots: the lowest number is drawn first."""
        ...


@attrs.frozen(eq=False)
class Origin:
    """A posting that opened a lot, with the rule of the lot."""

    posting: Posting
    rule: Rule

    def first_expiry(self) -> date:
        """Return the expiry date of a lot that no use has postponed; date.max for never."""
        lasts = self.rule.lasts
        return date.max if lasts is None else days_after(self.posting.on, lasts)


@attrs.define(eq=False)
class Batch:
    """Pieces with one expiry date.

    Attributes:
        expires: the expiry date; date.max if the pieces never expire.
        heap: the pieces with credit by age. The first piece is never empty. Other pieces may be
            empty or be listed twice.
        joined: the batch that has taken over the pieces; None if this batch still exists.
    """

    expires: date
    heap: list[tuple[int, "Piece"]] = attrs.field(factory=list)
    joined: "Batch | None" = None


@attrs.define(eq=False)
class Piece:
    """The part of a lot that one wallet holds.

    Attributes:
        origin: the posting that opened the lot, and its rule.
        shelf: the shelf of the wallet that holds the piece.
        batch: a batch that the piece was in; see ``current_batch``.
        age: the position of the piece among all pieces of the wallet, the oldest first.
        name: identifies the piece in the references of expiries; None if it has no name.
        left: the amount in the currency's smallest unit.
        expiries: how many expiries of the piece are booked.
    """

    origin: Origin
    shelf: "Shelf"
    batch: Batch
    age: int
    name: str | None
    left: int = 0
    expiries: int = 0

    def current_batch(self) -> Batch:
        """Return the batch that contains the piece now.

        The search shortens the chain of joined batches, so the next search takes one step.
        """
        batch = last = self.batch
        while last.joined is not None:
            last = last.joined
        while batch.joined is not None:
            batch.joined, batch = last, batch.joined
        self.batch = last
        return last

    @property
    def expires(self) -> date | None:
        """The first day on which the piece is expired; None if it never expires."""
        return None if self.origin.rule.lasts is None else self.current_batch().expires

    def expired(self, on: date) -> bool:
        """Return whether the piece is expired on a day."""
        expires = self.expires
        return expires is not None and expires <= on

    def order(self) -> tuple[int, date, int]:
        """Return the sort key among pieces that are all expired or all valid."""
        return self.origin.rule.priority, self.current_batch().expires, self.age

    def next_expiry(self) -> str | None:
        """Return the reference of the next expiry; None if the piece has no name."""
        if self.name is None:
            return None
        number = f" {self.expiries + 1}" if self.expiries else ""
        return f"expiry{number} of {self.name}"

    def add(self, amount: int) -> None:
        """Put credit into the piece."""
        if amount:
            self.left += amount
            self.shelf.fill(self.current_batch(), self)

    def take(self, amount: int) -> None:
        """Take credit out of the piece."""
        self.left -= amount
        if not self.left:
            self.shelf.clear_empty(self.current_batch())


@attrs.define(eq=False)
class Shelf:
    """The pieces of a wallet's lots with one rule.

    Attributes:
        rule: the rule of the lots.
        batches: the batches by expiry date.
        days: the expiry dates of all batches, sorted.
        filled: the expiry dates of the batches with credit, sorted.
    """

    rule: Rule
    batches: dict[date, Batch] = attrs.field(factory=dict)
    days: list[date] = attrs.field(factory=list)
    filled: list[date] = attrs.field(factory=list)

    def batch_of(self, expires: date) -> Batch:
        """Return the batch with an expiry date; make it if there is none."""
        batch = self.batches.get(expires)
        if batch is None:
            batch = self.batches[expires] = Batch(expires)
            insort(self.days, expires)
        return batch

    def first(self, on: date, *, expired: bool) -> Piece | None:
        """Return the first piece with credit among those expired on a day, or among the others."""
        first_valid = 0 if self.rule.lasts is None else bisect_right(self.filled, on)
        index = 0 if expired else first_valid
        if index == (first_valid if expired else len(self.filled)):
            return None
        return self.batches[self.filled[index]].heap[0][1]

    def fill(self, batch: Batch, piece: Piece) -> None:
        """Note that a piece has credit."""
        heappush(batch.heap, (piece.age, piece))
        if len(batch.heap) == 1:
            insort(self.filled, batch.expires)

    def clear_empty(self, batch: Batch) -> None:
        """Take empty pieces off a batch's heap until the first one has credit."""
        heap = batch.heap
        while heap and not heap[0][1].left:
            heappop(heap)
        if not heap:
            del self.filled[bisect_left(self.filled, batch.expires)]

    def restart(self, on: date) -> None:
        """Restart the time of the pieces that are not expired on a day.

        A use may be booked for an earlier day than the use before it. It shortens no time.
        """
        first = bisect_right(self.days, on)
        if not self.rule.since_use or self.rule.lasts is None or first == len(self.days):
            return
        expires = days_after(on, self.rule.lasts)
        last = bisect_left(self.days, expires)
        if first < last:
            moved = [self.batches.pop(day) for day in self.days[first:last]]
            del self.days[first:last]
            del self.filled[bisect_right(self.filled, on) : bisect_left(self.filled, expires)]
            self._join(moved, expires)

    def _join(self, moved: list[Batch], expires: date) -> None:
        """Make batches one batch with a later expiry date; the longest heap takes the others."""
        was_filled = False
        if expires in self.batches:
            moved.append(self.batches[expires])
            was_filled = bool(moved[-1].heap)
        else:
            insort(self.days, expires)
        kept = max(moved, key=lambda batch: len(batch.heap))
        for batch in moved:
            if batch is not kept:
                batch.joined = kept
                for entry in batch.heap:
                    heappush(kept.heap, entry)
                batch.heap.clear()
        kept.expires = expires
        self.batches[expires] = kept
        if kept.heap and not was_filled:
            insort(self.filled, expires)
