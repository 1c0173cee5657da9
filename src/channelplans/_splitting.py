"""Split a total into as few sizes as possible; each size can be used many times.

Sizes are ranges of whole numbers. This module does not know what is split.

The search uses deficits. The deficit of a size is its difference from the largest size. If k parts
of at most 300 add up to a total, their deficits add up to 300 k - total. Most deficits are 0, so
the sums are small, and a set of sums is stored in the bits of one integer.

Only the first few sets are stored. From some number of deficits on, a further deficit can always be
0 or the largest deficit instead, so the later sets follow from the last one. With still more parts,
only the excess over the smallest size decides, and a search in text finds the next possible excess.
"""

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from functools import reduce
from heapq import heapify, heappop
from itertools import islice
from math import gcd
from operator import or_
from typing import Final

import attrs

__all__: tuple[str, ...] = ()


# A table of sums that shifts this many bits takes about 10 ms, and at most 20 MB.
_MAX_SHIFTED_BITS: Final = 200_000_000


# The table of any sizes is small enough if the largest deficit is at most this number of units.
_SMALL_SPAN: Final = 500


# The search for the nearest totals tries each number of parts in a period.
_MAX_PERIOD: Final = 100_000


# If more numbers of parts are possible, and a multiple of the smallest size is at most this many
# totals away, the search for the nearest totals tries totals instead.
_MANY_COUNTS: Final = 1_000


@attrs.frozen
class Sizes:
    """The sizes of which a total may consist, stored as deficits."""

    largest: int
    smallest: int
    unit: int  # the greatest common divisor of the deficits
    deficits: tuple[range, ...]  # counted in units, in rising order
    divisor: int  # the greatest common divisor of the sizes, and so of every total

    @property
    def period(self) -> int:
        """The numbers of parts that can have the same total differ by multiples of the period."""
        return self.unit // self.divisor if self.span else 1

    @property
    def span(self) -> int:
        """The largest deficit, which is the deficit of the smallest size."""
        return self.deficits[-1][-1]

    @property
    def step(self) -> int:
        """The smallest size, counted in divisors."""
        return self.smallest // self.divisor

    def units_above(self, total: int, parts: int) -> int:
        """Return by how many units parts of the largest size exceed a total, rounded down."""
        return (parts * self.largest - total) // self.unit

    def total(self, parts: int, deficit_sum: int) -> int:
        """Return the total of parts whose deficits have a sum."""
        return parts * self.largest - deficit_sum * self.unit


def make_sizes(ranges: Sequence[range]) -> Sizes:
    """Return the sizes in some ranges, which rise and are not empty."""
    largest = ranges[-1][-1]
    deficits = [range(largest - run[-1], largest - run[0] + 1, run.step) for run in ranges[::-1]]
    steps = [run.step for run in deficits if len(run) > 1]
    unit = gcd(*steps, *(run.start for run in deficits))
    divisor = gcd(unit, largest)
    unit = unit or 1
    in_units = [
        range(run[0] // unit, run[-1] // unit + 1, run.step // unit or 1) for run in deficits
    ]
    return Sizes(largest, ranges[0][0], unit, tuple(in_units), divisor)


def is_too_irregular(sizes: Sizes) -> bool:
    """Return whether the table of sums would take too long to compute.

    The table is large if the sizes have wide gaps that only many parts can fill, such as 1, 2 and
    10,000: the best split of 9,999 has 5,000 parts.
    """
    if sizes.span <= _SMALL_SPAN or sizes.period > _MAX_PERIOD:
        return sizes.period > _MAX_PERIOD
    shifts = sum(1 + (len(run) - 1).bit_length() for run in sizes.deficits)
    shifted_bits = 0
    for count, _ in enumerate(_yield_levels(sizes), start=1):
        # The next level has at most this many bits in each shift.
        shifted_bits += shifts * count * sizes.span
        if shifted_bits > _MAX_SHIFTED_BITS:
            return True
    return False


def find_split(total: int, sizes: Sizes, max_parts: int) -> tuple[int, ...] | None:
    """Return the fewest sizes that add up to a total, the largest first; None if there are none.

    If several splits have that many parts, the result is the lexicographically greatest.
    """
    sums = _find_sums(sizes, max(0, min(total // sizes.smallest, max_parts)))
    parts = _find_fewest(total, sums, max_parts)
    return None if parts is None else _build_split(total, parts, sums)


def find_sufficient_split(needed: int, parts: int, sizes: Sizes) -> tuple[int, ...]:
    """Return the split of the smallest sum of ``parts`` sizes that is at least ``needed``."""
    sums = _find_sums(sizes, parts)
    highest = min(sizes.units_above(needed, parts), parts * sizes.span)
    return _build_split(sizes.total(parts, sums.last_up_to(parts, highest)), parts, sums)


def find_nearest(total: int, sizes: Sizes, max_parts: int) -> tuple[int, ...]:
    """Return the nearest totals below and above a total that can be split."""
    sums = _find_sums(sizes, max_parts)
    below = sizes.divisor * ((total - 1) // sizes.divisor)
    above = sizes.divisor * (total // sizes.divisor + 1)
    if _find_fewest(below, sums, max_parts) is None:
        below = _find_nearest_below(below, sums, max_parts)
    if _find_fewest(above, sums, max_parts) is None:
        above = _find_nearest_above(above, sums, max_parts)
    return tuple(nearest for nearest in (below, above) if nearest)


@attrs.frozen
class _Sums:
    """The sums that a number of deficits can have: bit s of level n is set if n can add up to s.

    Deficits of 0 count too. The sums of more deficits than the levels have follow from the last
    level: they have an additional part of 0 or of the span, the largest deficit.
    """

    sizes: Sizes
    levels: tuple[int, ...]
    rows: tuple[int, ...]  # the last level, cut into rows of a span
    excesses: str  # a digit for each sum by which many parts can exceed the smallest size

    def window(self, count: int, first: int, last: int) -> int:
        """Return bits for the sums of ``count`` deficits from ``first`` to at most a span later."""
        if first < 0:
            return self.window(count, 0, last) << -first
        if not self.sizes.span:
            count = 0
        added = count - len(self.levels) + 1
        bits = self._add_spans(added, first) if added > 0 else self.levels[count] >> first
        return bits & ((1 << last - first + 1) - 1)

    def is_settled(self, count: int, deficit_sum: int) -> bool:
        """Return whether only the excess decides: these and higher sums can have any deficits."""
        return count >= len(self.levels) and deficit_sum >= len(self.excesses) - 1

    def first_from(self, count: int, lowest: int) -> int:
        """Return the first sum of ``count`` deficits that is not below a limit."""
        excess = count * self.sizes.span - lowest
        if self.is_settled(count, lowest):
            return lowest + excess - self._last_excess(excess)
        bits = self.window(count, lowest, lowest + self.sizes.span)
        return lowest + (bits & -bits).bit_length() - 1

    def last_up_to(self, count: int, highest: int) -> int:
        """Return the last sum of ``count`` deficits that is not above a limit."""
        excess = count * self.sizes.span - highest
        last = highest + excess - self._first_excess(excess)
        if self.is_settled(count, last):
            return last
        first = highest - self.sizes.span
        return first + self.window(count, first, highest).bit_length() - 1

    def count_steps(self, excess: int, step: int) -> int:
        """Return after how many steps down an excess is possible; -1 if it never is."""
        return 0 if excess >= len(self.excesses) else self.excesses[excess::-step].find("1")

    def _last_excess(self, limit: int) -> int:
        """Return the last possible excess up to a limit. All large ones are possible."""
        return limit if limit >= len(self.excesses) else self.excesses.rfind("1", 0, limit + 1)

    def _first_excess(self, limit: int) -> int:
        """Return the first possible excess from a limit on."""
        return limit if limit >= len(self.excesses) else self.excesses.find("1", limit)

    def _add_spans(self, count: int, first: int) -> int:
        """Return bits for the sums, from ``first``, of the last level and 0 to ``count`` spans."""
        row, offset = divmod(first, self.sizes.span)
        low, high = (
            reduce(or_, self.rows[max(0, end - count - 1) : end], 0) for end in (row + 1, row + 2)
        )
        return (low | high << self.sizes.span) >> offset


def _find_sums(sizes: Sizes, max_count: int) -> _Sums:
    """Return the sums of up to ``max_count`` deficits."""
    levels = tuple(islice(_yield_levels(sizes), max_count + 1))
    row_mask = (1 << sizes.span) - 1
    rows = tuple(levels[-1] >> sizes.span * row & row_mask for row in range(len(levels)))
    highest = sizes.span * (len(levels) - 1)
    added_spans = range(0, highest + 1, sizes.span or 1)
    excesses = f"{_shift_down_by_each(levels[-1], added_spans):0{highest + 1}b}"
    return _Sums(sizes, levels, rows, excesses)


def _yield_levels(sizes: Sizes) -> Iterator[int]:
    """Yield the sums of 0, 1, 2 and more deficits, until longer sums follow from the last ones."""
    last, grown = 0, 1
    while grown != last | last << sizes.span:
        yield grown
        last, grown = grown, reduce(or_, (_shift_by_each(grown, run) for run in sizes.deficits))


def _find_fewest(total: int, sums: _Sums, max_parts: int) -> int | None:
    """Return the smallest number of parts that add up to a total; None if no parts do."""
    sizes = sums.sizes
    counts = _possible_parts(total, sizes, max_parts)
    for index, parts in enumerate(counts):
        deficit_sum = sizes.units_above(total, parts)
        if sums.is_settled(parts, deficit_sum):
            excess = parts * sizes.span - deficit_sum
            # Each larger number of parts lowers the excess by the same step, so count the steps
            # to the next possible excess instead of trying each number.
            skipped = sums.count_steps(excess, sizes.step)
            return counts[index + skipped] if 0 <= skipped < len(counts) - index else None
        if sums.window(parts, deficit_sum, deficit_sum):
            return parts
    return None


def _possible_parts(total: int, sizes: Sizes, max_parts: int) -> range:
    """Return the numbers of parts that the bounds and the common divisor allow."""
    if total <= 0 or total % sizes.divisor:
        return range(0)
    fewest = -(-total // sizes.largest)
    # The deficits of the parts must add up to whole units.
    inverse = pow(sizes.largest // sizes.divisor, -1, sizes.period)
    first = fewest + (total // sizes.divisor * inverse - fewest) % sizes.period
    return range(first, min(total // sizes.smallest, max_parts) + 1, sizes.period)


def _build_split(total: int, parts: int, sums: _Sums) -> tuple[int, ...]:
    """Return the lexicographically greatest split of a total over the fewest parts."""
    sizes = sums.sizes
    rest = sizes.units_above(total, parts)
    # The number of deficits other than 0. More deficits can also have the sum, as 0 is a deficit.
    count = bisect_left(range(parts), 1, key=lambda count: sums.window(count, rest, rest))
    smaller_parts = []
    while count and rest < count * sizes.span:
        count -= 1
        deficit = _find_smallest_deficit(sums.window(count, rest - sizes.span, rest), sizes)
        smaller_parts.append(sizes.total(1, deficit))
        rest -= deficit
    largest_parts = (sizes.largest,) * (parts - count - len(smaller_parts))
    return (*largest_parts, *smaller_parts, *(sizes.smallest,) * count)


def _find_smallest_deficit(rests: int, sizes: Sizes) -> int:
    """Return the smallest deficit after which one of the rests is left.

    The highest bit of the rests means a deficit of 0, the lowest a deficit of the span.
    """
    text = f"{rests:0{sizes.span + 1}b}"
    return next(
        run[position]
        for run in sizes.deficits
        if (position := text[run.start : run.stop : run.step].find("1")) >= 0
    )


def _find_nearest_below(total: int, sums: _Sums, max_parts: int) -> int:
    """Return the largest total up to a limit that can be split; 0 if there is none."""
    sizes = sums.sizes
    full_parts = min(total // sizes.largest, max_parts)
    nearest = max(full_parts, 0) * sizes.largest
    most_parts = total // sizes.smallest
    counts = range(full_parts + 1, min(most_parts, max_parts) + 1)
    if len(counts) > _MANY_COUNTS >= sizes.step and most_parts <= max_parts:
        return _find_first(range(total, 0, -sizes.divisor), sums, max_parts)
    for gap, parts in _by_gap(counts, total, -sizes.largest, sizes.unit):
        if total - gap <= nearest:
            break
        lowest = sizes.units_above(total - gap, parts)
        nearest = max(nearest, sizes.total(parts, sums.first_from(parts, lowest)))
    return nearest


def _find_nearest_above(total: int, sums: _Sums, max_parts: int) -> int:
    """Return the smallest total from a limit on that can be split; 0 if there is none."""
    sizes = sums.sizes
    total = max(total, sizes.smallest)
    fewest = -(-total // sizes.largest)
    if fewest > max_parts:
        return 0
    most_parts = total // sizes.smallest
    nearest = fewest * sizes.largest
    counts = range(fewest, min(most_parts, max_parts) + 1)
    if most_parts < max_parts:
        nearest = min(nearest, (most_parts + 1) * sizes.smallest)
        if len(counts) > _MANY_COUNTS >= sizes.step:
            return _find_first(range(total, nearest + 1, sizes.divisor), sums, max_parts)
    for gap, parts in _by_gap(counts, -total, sizes.largest, sizes.unit):
        if total + gap >= nearest:
            break
        highest = sizes.units_above(total + gap, parts)
        nearest = min(nearest, sizes.total(parts, sums.last_up_to(parts, highest)))
    return nearest


def _find_first(totals: range, sums: _Sums, max_parts: int) -> int:
    """Return the first of some totals that can be split."""
    return next(total for total in totals if _find_fewest(total, sums, max_parts) is not None)


def _by_gap(counts: range, start: int, step: int, unit: int) -> Iterator[tuple[int, int]]:
    """Yield (start + step * count) % unit and the count, for each count, the smallest first."""
    heap = [(start + step * count) % unit * counts.stop + count for count in counts]
    heapify(heap)
    while heap:
        yield divmod(heappop(heap), counts.stop)


def _shift_by_each(bits: int, shifts: range) -> int:
    """Return the union of the bits shifted by each number of a range."""
    # Each round doubles the number of shifts in the union.
    count = 1
    while count < len(shifts):
        added = min(count, len(shifts) - count)
        bits |= bits << added * shifts.step
        count += added
    return bits << shifts.start


def _shift_down_by_each(bits: int, shifts: range) -> int:
    """Return the union of the bits shifted down by each number of a range that starts at 0."""
    for doubling in range((len(shifts) - 1).bit_length()):
        bits |= bits >> (shifts.step << doubling)
    return bits
