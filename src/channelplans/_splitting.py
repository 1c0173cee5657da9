"""Totals as sums of as few sizes as will do, of which each may be taken many times.

Sizes are runs of whole numbers. What they are the sizes of is not known here.
"""

from collections.abc import Iterator, Sequence
from math import gcd

import attrs

__all__: tuple[str, ...] = ()

# A sum is looked for in what its parts lack of the largest: k parts of at most 300 add up to a
# total when what they lack adds up to 300 k - total. Most lack nothing, so that the numbers are
# small, and a set of them is the bits of an integer.


@attrs.frozen
class Sizes:
    """What is looked for in: the sizes by what they lack of the largest."""

    largest: int
    least: int
    unit: int  # what every deficit is a multiple of
    deficits: tuple[range, ...]  # in units, the smallest first
    divisor: int  # what every size, and so every total, is a multiple of


def sizes_of(runs: Sequence[range]) -> Sizes:
    """Return the sizes that the runs hold, which rise; none of the runs is empty."""
    largest = runs[-1][-1]
    lacking = [range(largest - run[-1], largest - run[0] + 1, run.step) for run in reversed(runs)]
    steps = [run.step for run in lacking if len(run) > 1]
    unit = gcd(*steps, *(run[0] for run in lacking))
    divisor = gcd(unit, largest)
    unit = unit or 1
    deficits = [
        range(run[0] // unit, run[-1] // unit + 1, run.step // unit or 1) for run in lacking
    ]
    return Sizes(largest, runs[0][0], unit, tuple(deficits), divisor)


def split(total: int, sizes: Sizes, most: int) -> tuple[int, ...] | None:
    """Return the fewest sizes that add up to a total, the greatest of such splits, if any do."""
    for parts in _numbers_of_parts(total, sizes, most):
        lacking = (parts * sizes.largest - total) // sizes.unit
        sums = _sums(sizes.deficits, most=parts, target=lacking)
        if sums[-1] >> lacking & 1:
            full = (sizes.largest,) * (parts - len(sums) + 1)
            return full + tuple(
                sizes.largest - deficit * sizes.unit
                for deficit in _smallest_first(sizes.deficits, sums, lacking)
            )
    return None


def least_total(needed: int, parts: int, sizes: Sizes) -> int:
    """Return the least total of so many parts that is no less than what is needed."""
    spare = (parts * sizes.largest - needed) // sizes.unit
    sums = _sums(sizes.deficits, most=parts, target=spare)
    return parts * sizes.largest - (sums[-1].bit_length() - 1) * sizes.unit


def _numbers_of_parts(total: int, sizes: Sizes, most: int) -> range:
    """Return the numbers of parts that may do, by the bounds and by what is divisible."""
    fewest, most = -(-total // sizes.largest), min(total // sizes.least, most)
    period = sizes.unit // gcd(sizes.unit, sizes.largest)
    for parts in range(fewest, fewest + period):
        if (parts * sizes.largest - total) % sizes.unit == 0:
            return range(parts, most + 1, period)
    return range(0)


def _sums(deficits: tuple[range, ...], *, most: int, target: int) -> list[int]:
    """Return sets as bits: entry n holds the sums of n deficits or fewer, up to the target."""
    within_target = (2 << target) - 1
    sums = [1]
    while len(sums) <= most and not sums[-1] >> target & 1:
        grown = sums[-1]
        for run in deficits:
            grown |= _shifted(sums[-1], run) & within_target
        if grown == sums[-1]:
            break
        sums.append(grown)
    return sums


def _shifted(bits: int, run: range) -> int:
    """Return the union of the bits shifted by each number of a run, by doubling."""
    done = 1
    while done < len(run):
        more = min(done, len(run) - done)
        bits |= bits << more * run.step
        done += more
    return bits << run.start


def _smallest_first(deficits: tuple[range, ...], sums: list[int], target: int) -> Iterator[int]:
    """Yield the deficits that add up to the target, each the smallest that leaves a sum."""
    for reachable in reversed(sums[:-1]):
        members = bin(reachable)[:1:-1].ljust(target + 1, "0")
        deficit = next(
            each
            for run in deficits
            for each in run
            if each <= target and members[target - each] == "1"
        )
        yield deficit
        target -= deficit
