"""The figures of the functions that take one value at a time."""

import pickle
import tracemalloc
from collections.abc import Iterator, Sequence
from datetime import date, datetime, time
from functools import partial
from itertools import islice
from typing import Literal

import erlang as python_erlang
from benchmarks.bare import Bare, make_subscriptions
from benchmarks.figures import Figure, paired, times_faster
from benchmarks.story import by_hand, import_ratios, with_library
from dateutil.rrule import DAILY, MONTHLY, rrule
from pyworkforce.queuing import ErlangB

from channelplans import Days, Months, Subscription, channels_for, erlang_b, term_at

ANCHOR = date(2026, 1, 5)
TEN_YEARS_OF_TERMS, TEN_YEARS_OF_MONTHS = 3650 // 30, 120
SUBSCRIPTIONS, BLOCK = 1_000_000, 20_000


def measure_renewals_by_days() -> Iterator[float]:
    """Yield how many times faster a renewal ten years on is than dateutil's rrule, by days."""
    by_rrule = partial(nth_of_rule, DAILY, 30, TEN_YEARS_OF_TERMS)
    by_library = partial(term_at, ANCHOR, Days(30), TEN_YEARS_OF_TERMS)
    assert_same(by_library().start, by_rrule().date())
    return times_faster(paired(by_library, by_rrule, number=2000, other_number=20))


def measure_renewals_by_months() -> Iterator[float]:
    """Yield how many times faster a renewal ten years on is than dateutil's rrule, by months."""
    by_rrule = partial(nth_of_rule, MONTHLY, 1, TEN_YEARS_OF_MONTHS)
    by_library = partial(term_at, ANCHOR, Months(1), TEN_YEARS_OF_MONTHS)
    assert_same(by_library().start, by_rrule().date())
    return times_faster(paired(by_library, by_rrule, number=500, other_number=20))


def nth_of_rule(frequency: Literal[1, 3], interval: int, number: int) -> datetime:
    """Return a recurrence of dateutil's rrule, which generates all earlier ones first."""
    start = datetime.combine(ANCHOR, time())
    return next(islice(rrule(frequency, interval=interval, dtstart=start), number, None))


def recursion(erlangs: float, channels: int) -> float:
    """Return Erlang's B by the textbook recursion from the first channel up."""
    blocking = 1.0
    for busy in range(1, channels + 1):
        blocking = erlangs * blocking / (busy + erlangs * blocking)
    return blocking


def measure_erlang_b(channels: int) -> Iterator[float]:
    """Yield the time of Erlang's B against the recursion, for as many erlangs as channels."""
    number = max(1, 100_000 // channels)
    rounds = 7 if channels == 10**6 else 15
    by_library = partial(erlang_b, float(channels), channels)
    by_recursion = partial(recursion, float(channels), channels)
    return paired(by_library, by_recursion, rounds=rounds, number=number, other_number=number)


def channels_by_pyworkforce() -> int:
    """Return the channels for 500 erlangs at 0.1 % by the package pyworkforce."""
    queue = ErlangB(transactions=500, aht=60, interval=60)
    return int(queue.required_positions(max_blocking=0.001)["raw_positions"])


def channels_by_python_erlang() -> int:
    """Return the same by the package python-erlang, which has the blocking but no inverse."""
    channels = 1
    while python_erlang.b(500.0, channels) > 0.001:
        channels += 1
    return channels


def measure_channels(by_package: partial[int]) -> Iterator[float]:
    """Yield how many times faster ``channels_for`` is than a package."""
    by_library = partial(channels_for, 500.0, blocking=0.001)
    assert_same(by_library(), by_package())
    return times_faster(paired(by_library, by_package, number=1000, other_number=2))


def make_blocks() -> Iterator[tuple[list[Subscription], list[object]]]:
    """Yield a million subscriptions and their bare copies, in blocks.

    Blocks are not kept, because more objects make Python's garbage collection slower.
    """
    for first in range(0, SUBSCRIPTIONS, BLOCK):
        subscriptions = make_subscriptions(BLOCK, first)
        bare = Bare()
        yield subscriptions, [bare.copy(subscription) for subscription in subscriptions]


def measure_pickling() -> Iterator[float]:
    """Yield for each block the time to pickle and unpickle subscriptions against bare classes."""
    for number, block in enumerate(make_blocks()):
        by_library, by_copies = (partial(pickle_and_back, values) for values in block)
        # The order alternates, so that none profits from being second.
        if number % 2:
            yield from times_faster(paired(by_copies, by_library, rounds=1))
        else:
            yield from paired(by_library, by_copies, rounds=1)


def pickle_and_back(values: Sequence[object]) -> object:
    """Return a list after it was pickled and unpickled."""
    return pickle.loads(pickle.dumps(values, pickle.HIGHEST_PROTOCOL))  # noqa: S301 - our own data


def measure_memory() -> Iterator[float]:
    """Yield the memory of a million unpickled subscriptions, divided by that of bare classes."""
    sizes = [0, 0]
    for block in make_blocks():
        for side, values in enumerate(block):
            sizes[side] += memory_of(pickle.dumps(values, pickle.HIGHEST_PROTOCOL))
    yield sizes[0] / sizes[1]


def memory_of(pickled: bytes) -> int:
    """Return the bytes that unpickled values take."""
    tracemalloc.start()
    values = pickle.loads(pickled)  # noqa: S301 - our own data
    size, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    del values
    return size


def assert_same(ours: object, theirs: object) -> None:
    """Raise an error if two sides of a figure have different results."""
    if ours != theirs:
        raise AssertionError(f"the library returned {ours!r}, the other side {theirs!r}")


FIGURES = [
    Figure(
        "the everyday story, all checks on",
        "by hand: py-moneyed, relativedelta",
        0.5,
        lambda: paired(with_library, by_hand, rounds=25, number=2000, other_number=2000),
    ),
    Figure(
        "a renewal ten years on, terms of 30 days",
        "dateutil's rrule: times faster",
        200,
        measure_renewals_by_days,
        at_least=True,
    ),
    Figure(
        "a renewal ten years on, terms of a month",
        "dateutil's rrule: times faster",
        20,
        measure_renewals_by_months,
        at_least=True,
    ),
    Figure("import and a first quote", "import attrs", 2.4, import_ratios),
    Figure("erlang_b, 300 channels", "the recursion", 1.05, partial(measure_erlang_b, 300)),
    Figure("erlang_b, 10,000 channels", "the recursion", 0.15, partial(measure_erlang_b, 10_000)),
    Figure("erlang_b, a million channels", "the recursion", 0.02, partial(measure_erlang_b, 10**6)),
    Figure(
        "channels_for(500, blocking=0.001)",
        "pyworkforce: times faster",
        300,
        partial(measure_channels, partial(channels_by_pyworkforce)),
        at_least=True,
    ),
    Figure(
        "channels_for(500, blocking=0.001)",
        "python-erlang: times faster",
        300,
        partial(measure_channels, partial(channels_by_python_erlang)),
        at_least=True,
    ),
    Figure(
        "pickling a million subscriptions", "bare attrs classes with slots", 1.1, measure_pickling
    ),
    Figure(
        "memory of a million subscriptions", "bare attrs classes with slots", 1.1, measure_memory
    ),
]
