"""Split a total into as few sizes as possible; each size can be used many times.

Sizes are ranges of whole numbers. This module does not know what is split.
"""

from collections.abc import Iterator, Sequence
from math import gcd

import attrs

__all__: tuple[str, ...] = ()

# The search uses deficits. The deficit of a size is its difference from the largest size. If k
# parts of at most 300 add up to a total, their deficits add up to 300 k - total. Most deficits are
# 0, so the sums are small, and a set of sums is stored in the bits of one integer.


@attrs.frozen
class Sizes:
    """The sizes of which a total may consist, stored as deficits."""

    largest: int
    smallest: int
    unit: int  # the greatest common divisor of the deficits
    deficits: tuple[range, ...]  # counted in units, in rising order
    divisor: int  # the greatest common divisor of the sizes, and so of every total


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


def find_split(total: int, sizes: Sizes, max_parts: int) -> tuple[int, ...] | None:
    """Return the fewest sizes that add up to a total, the largest first; None if there are none.

    If several splits have that many parts, the result is the lexicographically greatest.
    """
    for parts in _possible_parts(total, sizes, max_parts):
        deficit_sum = (parts * sizes.largest - total) // sizes.unit
        sums = _find_sums(sizes.deficits, max_count=parts, target=deficit_sum)
        if sums[-1] >> deficit_sum & 1:
            full_parts = (sizes.largest,) * (parts - len(sums) + 1)
            return full_parts + tuple(
                sizes.largest - deficit * sizes.unit
                for deficit in _yield_deficits(sizes.deficits, sums, deficit_sum)
            )
    return None


def find_least_total(needed: int, parts: int, sizes: Sizes) -> int:
    """Return the smallest sum of ``parts`` sizes that is at least ``needed``."""
    max_deficit = (parts * sizes.largest - needed) // sizes.unit
    sums = _find_sums(sizes.deficits, max_count=parts, target=max_deficit)
    return parts * sizes.largest - (sums[-1].bit_length() - 1) * sizes.unit


def _possible_parts(total: int, sizes: Sizes, max_parts: int) -> range:
    """Return the numbers of parts that the bounds and the common divisor allow."""
    fewest = -(-total // sizes.largest)
    period = sizes.unit // gcd(sizes.unit, sizes.largest)
    for parts in range(fewest, fewest + period):
        if (parts * sizes.largest - total) % sizes.unit == 0:
            return range(parts, min(total // sizes.smallest, max_parts) + 1, period)
    return range(0)


def _find_sums(deficits: tuple[range, ...], *, max_count: int, target: int) -> list[int]:
    """Return sets of sums up to the target: bit s of entry n is set if n deficits can add up to s.

    Deficits of 0 count too. The list ends at the first entry that contains the target, or when
    another deficit adds no new sum.
    """
    within_target = (2 << target) - 1
    sums = [1]
    while len(sums) <= max_count and not sums[-1] >> target & 1:
        grown = sums[-1]
        for run in deficits:
            grown |= _shift_by_each(sums[-1], run) & within_target
        if grown == sums[-1]:
            break
        sums.append(grown)
    return sums


def _shift_by_each(bits: int, shifts: range) -> int:
    """Return the union of the bits shifted by each number of a range."""
    # Each round doubles the number of shifts in the union.
    count = 1
    while count < len(shifts):
        added = min(count, len(shifts) - count)
        bits |= bits << added * shifts.step
        count += added
    return bits << shifts.start


def _yield_deficits(deficits: tuple[range, ...], sums: list[int], target: int) -> Iterator[int]:
    """Yield deficits that add up to the target, the smallest possible first."""
    for reachable in reversed(sums[:-1]):
        members = bin(reachable)[:1:-1].ljust(target + 1, "0")
        smallest = next(
            deficit
            for run in deficits
            for deficit in run
            if deficit <= target and members[target - deficit] == "1"
        )
        yield smallest
        target -= smallest
