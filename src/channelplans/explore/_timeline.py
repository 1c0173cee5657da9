"""How many calls run at each moment, computed from the sorted starts and ends of the calls.

An instant is a number of microseconds since 1970, and so is a length of time. All sums are exact
integers. A call runs from its start up to, but not including, its end.
"""

from array import array
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate, pairwise
from typing import Final

import attrs

__all__: tuple[str, ...] = ()


# The numbers of parts into which the busiest window is cut; each divides an hour.
_PARTS: Final = (1, 4, 12, 60, 360, 3600)


@attrs.frozen
class Timeline:
    """The sorted starts and the sorted ends of calls."""

    starts: "array[int]"
    ends: "array[int]"

    @classmethod
    def make(cls, starts: Sequence[int], ends: Sequence[int]) -> "Timeline":
        """Return the timeline of calls whose starts and ends are in any order."""
        return cls(array("q", sorted(starts)), array("q", sorted(ends)))

    def find_peak(self) -> tuple[int, int]:
        """Return the largest number of simultaneous calls, and the first instant that has it."""
        peak, peak_at, ended = 0, self.starts[0], 0
        for begun, start in enumerate(self.starts, 1):
            while ended < begun and self.ends[ended] <= start:
                ended += 1
            if begun - ended > peak:
                peak, peak_at = begun - ended, start
        return peak, peak_at

    def sum_talk(self, edges: Sequence[int]) -> Iterator[int]:
        """Yield the talk time between each edge and the next edge; edges are in order."""
        begun, ended = bisect_left(self.starts, edges[0]), bisect_left(self.ends, edges[0])
        for begin, end in pairwise(edges):
            talk = (begun - ended) * (end - begin)
            next_begun = bisect_left(self.starts, end, begun)
            next_ended = bisect_left(self.ends, end, ended)
            if next_begun > begun:
                talk += (next_begun - begun) * end - sum(self.starts[begun:next_begun])
            if next_ended > ended:
                talk -= (next_ended - ended) * end - sum(self.ends[ended:next_ended])
            yield talk
            begun, ended = next_begun, next_ended

    def find_busiest(self, length: int) -> tuple[int, int]:
        """Return the largest talk time of a window of a length, and the window's first instant.

        The windows begin at the first start or later, at any microsecond; the first of the busiest
        counts. The talk time is computed exactly where it can be largest: where a window begins
        with a start, or ends with an end.

        The time is cut into parts. A window that begins in a part lies within that part and the
        next ones, so their talk time limits its own. Only the parts whose limit is high enough are
        searched, which is a small part of a log of a year.
        """
        count = self._choose_parts(length)
        part = length // count
        edges = range(self.starts[0], self.ends[-1] + length + 2 * part, part)
        sums = list(accumulate(self.sum_talk(edges), initial=0))
        aligned = [after - before for before, after in zip(sums, sums[count:], strict=False)]
        least = max(aligned)
        busiest, busiest_at = -1, edges[0]
        for index, talk in enumerate(aligned[:-1]):
            limit = sums[index + count + 1] - sums[index]
            if limit >= least and limit > busiest:
                found, found_at = self._search_part(edges[index], part, length, talk)
                if found > busiest:
                    busiest, busiest_at = found, found_at
        return busiest, busiest_at

    def _choose_parts(self, length: int) -> int:
        """Return a number of parts of a window, so that few calls begin in each part."""
        windows = (self.ends[-1] - self.starts[0]) // length + 1
        wanted = len(self.starts) // (8 * windows)
        return max(parts for parts in _PARTS if parts <= max(wanted, 1))

    def _search_part(self, begin: int, part: int, length: int, talk: int) -> tuple[int, int]:
        """Return the same as ``find_busiest`` for windows that begin in one part.

        Args:
            begin: the beginning of the part.
            part: the length of the part.
            length: the length of the windows.
            talk: the talk time of the window that begins with the part.
        """
        growth = self._count_running(begin + length) - self._count_running(begin)
        busiest, busiest_at, before = talk, begin, begin
        for instant, change in self._list_changes(begin, part, length):
            talk += growth * (instant - before)
            growth, before = growth + change, instant
            if talk > busiest:
                busiest, busiest_at = talk, instant
        return busiest, busiest_at

    def _list_changes(self, begin: int, part: int, length: int) -> list[tuple[int, int]]:
        """Return the beginnings of windows after which their talk time grows faster or slower."""
        changes: list[tuple[int, int]] = []
        for instants, shift, change in (
            (self.starts, 0, -1),
            (self.ends, 0, 1),
            (self.starts, length, 1),
            (self.ends, length, -1),
        ):
            first = bisect_right(instants, begin + shift)
            last = bisect_right(instants, begin + shift + part, first)
            changes += [(instant - shift, change) for instant in instants[first:last]]
        changes.sort()
        return changes

    def _count_running(self, instant: int) -> int:
        return bisect_right(self.starts, instant) - bisect_right(self.ends, instant)

    def sum_levels(self, spans: Iterable[tuple[int, int]]) -> Counter[int]:
        """Return the time with each number of simultaneous calls, within spans of time."""
        levels: Counter[int] = Counter()
        for begin, end in spans:
            first_start, first_end = bisect_left(self.starts, begin), bisect_left(self.ends, begin)
            starts = self.starts[first_start : bisect_left(self.starts, end, first_start)]
            ends = self.ends[first_end : bisect_left(self.ends, end, first_end)]
            level, before = first_start - first_end, begin
            # At the same instant, ends, which are even, come before starts, which are odd.
            events = [2 * start + 1 for start in starts]
            events += [2 * call_end for call_end in ends]
            for event in sorted(events):
                instant = event >> 1
                if instant > before:
                    levels[level] += instant - before
                    before = instant
                level += 1 if event & 1 else -1
            levels[level] += end - before
        return levels
