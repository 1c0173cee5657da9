"""The number of channels that a number of employees needs, in columns."""

from bisect import bisect_left
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from types import MappingProxyType
from typing import Final, cast

import narwhals.stable.v2 as nw
from narwhals.stable.v2.typing import IntoFrameT

from channelplans._checks import bounded, instance
from channelplans.erlang import channels_for
from channelplans.errors import InvalidValue
from channelplans.frames._codes import (
    BEYOND_ENGINE,
    INVALID_VALUE,
    TOTAL_NOT_REACHABLE,
)
from channelplans.frames._expressions import choose
from channelplans.frames._work import (
    Work,
    column,
    name_results,
    start_work,
)
from channelplans.frames.quantities import number_checks
from channelplans.offers import SKYPE_CONNECT
from channelplans.plans import Offer
from channelplans.quantities import MAX_PROFILES, grant
from channelplans.sizing import (
    DEFAULT_GUIDELINE,
    MAX_EMPLOYEES,
    MAX_SUGGESTED,
    Guideline,
    Ratio,
    Traffic,
)

__all__ = ["size_frame"]

_SIZED: Final = MappingProxyType(
    {"needed": "whole", "channels": "whole", "profiles": "whole", "error": "code"}
)

# A larger load would need a larger table than an engine can read.
_LARGEST_LOAD: Final = 5_000

# With a larger maximum, checking all pairs of numbers of channels would take long.
_MOST_SIZES: Final = 1_000


def size_frame(
    frame: IntoFrameT,
    *,
    employees: str = "employees",
    guideline: Guideline = DEFAULT_GUIDELINE,
    offer: Offer = SKYPE_CONNECT,
    most_employees: int = 10_000,
    results: Mapping[str, str] | None = None,
) -> IntoFrameT:
    """Add the channels to buy for each number of employees (H7): ``suggest_channels`` over columns.

    The results are:

    * ``needed``: the number of channels by the guideline.
    * ``channels``: the number of channels to buy, on all profiles together.
    * ``profiles``: the number of profiles (H6).
    * ``error``: the code of the error that ``suggest_channels`` would raise, or ``beyond_engine``.

    A guideline by traffic is a table of all numbers of channels up to those that ``most_employees``
    need. A larger table takes longer. Rows with more employees have the error ``beyond_engine``.

    Args:
        frame: the frame with a row for each business.
        employees: the column with the number of employees.
        guideline: the rule for the number of channels; by default traffic (F 11).
        offer: the offer that says which numbers of channels can be bought.
        most_employees: the largest number of employees that a guideline by traffic sizes.
        results: the results to add, with the names of their columns; by default all.

    Raises:
        WrongType: the frame is of an unknown engine, or a column has no usable type.
        InvalidValue: a column does not exist, or a result's column exists already. Or the
            numbers of the guideline are too large for columns, or the steps of the offer leave
            gaps that need a search.

    >>> import polars as pl
    >>> from channelplans.frames import size_frame
    >>> frame = pl.DataFrame({"employees": [30, 4700, 0]})
    >>> for row in size_frame(frame).rows():
    ...     print(row)
    (30, 8, 8, 1, None)
    (4700, 484, 490, 2, None)
    (0, None, None, None, 'invalid-value')
    """
    need = instance("guideline", guideline, Guideline).need
    instance("offer", offer, Offer)
    bounded("most_employees", most_employees, 1, MAX_EMPLOYEES)
    names = name_results(results, _SIZED)
    if isinstance(need, Traffic):
        _check_most(need, most_employees)
    work = start_work(frame, whole={"employees": employees}, results=names)
    count = column("employees")
    is_legal = (count >= 1) & (count <= MAX_EMPLOYEES)
    work.add(staff=nw.when(is_legal).then(count).otherwise(nw.lit(1, dtype=nw.Int64)))
    checks = [*number_checks(work, "employees"), (~is_legal, INVALID_VALUE)]
    if isinstance(need, Traffic):
        checks.append((count > most_employees, BEYOND_ENGINE))
        thresholds, staff = _find_thresholds(need, most_employees), column("staff")
        work.add(by_traffic=_count_by_traffic(thresholds, staff))
        # An employee has one call at a time.
        by_traffic = column("by_traffic")
        work.add(needed=nw.when(by_traffic < staff).then(by_traffic).otherwise(staff))
    else:
        _check_ratio(need, work.largest)
        work.add(needed=_count_by_ratio(need, column("staff")))
    _add_profiles(work, offer)
    checks += [
        (column("profiles") > MAX_PROFILES, TOTAL_NOT_REACHABLE),
        (column("channels") > MAX_SUGGESTED, INVALID_VALUE),
    ]
    work.refuse(*checks)
    return cast(IntoFrameT, work.finish(names, _SIZED))


def _check_ratio(need: Ratio, largest: int) -> None:
    """Refuse a ratio whose numbers do not fit the columns."""
    channels, per_employees = need.channels.as_integer_ratio()
    if max(MAX_EMPLOYEES * channels + per_employees, need.least) > largest:
        expected = f"a ratio whose numbers stay below {largest:,} for {MAX_EMPLOYEES:,} employees"
        raise InvalidValue("guideline", str(need), expected)


def _check_most(need: Traffic, most_employees: int) -> None:
    """Refuse a table of too many numbers of channels."""
    limit = int(_LARGEST_LOAD / need.erlangs)
    if most_employees > limit:
        expected = f"at most {limit:,}, which is the load of {_LARGEST_LOAD:,} erlangs"
        raise InvalidValue("most_employees", f"{most_employees:,}", expected)


def _count_by_ratio(need: Ratio, employees: nw.Expr) -> nw.Expr:
    channels, per_employees = need.channels.as_integer_ratio()
    rounded_up = (employees * channels + (per_employees - 1)) // per_employees
    least = nw.lit(need.least, dtype=nw.Int64)
    return nw.when(rounded_up > least).then(rounded_up).otherwise(least)


def _count_by_traffic(thresholds: Sequence[int], employees: nw.Expr, first: int = 1) -> nw.Expr:
    """Return the number of channels as a tree of comparisons, so that few of them are nested.

    Args:
        thresholds: for each number of channels the most employees that it is enough for.
        employees: the number of employees.
        first: the number of channels of the first threshold.
    """
    if len(thresholds) == 1:
        return nw.lit(first, dtype=nw.Int64)
    half = len(thresholds) // 2
    lower = _count_by_traffic(thresholds[:half], employees, first)
    upper = _count_by_traffic(thresholds[half:], employees, first + half)
    return nw.when(employees <= thresholds[half - 1]).then(lower).otherwise(upper)


def _find_thresholds(need: Traffic, most_employees: int) -> list[int]:
    """Return for each number of channels, from 1 on, the most employees that it is enough for.

    The last number of channels is enough for ``most_employees``.
    """
    thresholds: list[int] = []
    employees, gap = 0, 1
    while employees < most_employees:
        channels = len(thresholds) + 1

        def is_enough(count: int, channels: int = channels) -> bool:
            erlangs = float(count * need.erlangs)
            return channels_for(erlangs, blocking=need.blocking) <= channels

        last = _find_last(is_enough, employees, employees + gap, most_employees)
        gap, employees = max(last - employees, 1), last
        thresholds.append(employees)
    return thresholds


def _find_last(fits: Callable[[int], bool], known: int, guess: int, limit: int) -> int:
    """Return the last number that fits, at most ``most``; a good guess needs few calls.

    Args:
        fits: whether a number fits; if it does, all smaller ones do.
        known: a number that fits.
        guess: a larger number.
        limit: the largest possible result.
    """
    step, low, high = 1, known, min(guess, limit)
    while fits(high):
        low = high
        if low == limit:
            return limit
        high, step = min(low + step, limit), step * 2
    return low + bisect_left(range(low + 1, high), True, key=lambda count: not fits(count))


def _read_runs(offer: Offer) -> list[tuple[int, int, int]]:
    """Return the numbers of channels that an offer sells on a profile, as runs of equal steps.

    A run is its first number, its last number and its step. The smallest total of several profiles
    has all of them full but one, if this holds: of any two numbers that are together above the
    maximum, the part above the maximum is sold too.

    Raises:
        InvalidValue: it does not hold, or the offer has too many numbers to check it.
    """
    rule = offer.quantity
    expected = "an offer without steps, or one whose last profile can be filled up in steps"
    if rule.maximum > _MOST_SIZES:
        raise InvalidValue("offer", str(rule), f"{expected}, with at most {_MOST_SIZES:,} channels")
    sizes = sorted({grant(count, rule) for count in range(rule.minimum, rule.maximum + 1)})
    gaps = [rule.maximum - size for size in sizes]
    known = set(sizes)
    if not all({size - gap for size in sizes if size > gap} <= known for gap in gaps):
        raise InvalidValue("offer", str(rule), expected)
    runs = [(sizes[0], sizes[0], 1)]
    for before, size in pairwise(sizes):
        first, last, step = runs[-1]
        if first == last or size - before == step:
            runs[-1] = (first, size, size - before)
        else:
            runs.append((size, size, 1))
    return runs


def _add_profiles(work: Work, offer: Offer) -> None:
    """Add the fewest profiles for the needed channels, and their smallest total."""
    rule, needed = offer.quantity, column("needed")
    work.add(profiles=(needed + (rule.maximum - 1)) // rule.maximum)
    profiles = column("profiles")
    if not rule.steps:
        least = profiles * rule.minimum
        work.add(channels=nw.when(needed > least).then(needed).otherwise(least))
        return
    full = (profiles - 1) * rule.maximum
    work.add(full=full, rest=needed - full)
    rest, cases = column("rest"), []
    for first, last, step in _read_runs(offer):
        above = (rest - first + (step - 1)) // step * step
        cases += [(rest <= first, nw.lit(first, dtype=nw.Int64)), (rest <= last, above + first)]
    work.add(channels=column("full") + choose(cases, rest))
