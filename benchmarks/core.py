"""Time the everyday path beside the same arithmetic on bare integers: python benchmarks/core.py.

Both are timed in turn, round by round, so that the ratio holds when the machine's speed drifts.
"""

from collections.abc import Callable
from datetime import date, timedelta
from statistics import median
from timeit import timeit

from channelplans import EUR, SKYPE_CONNECT, Tariff, quote, refund

TARIFF = Tariff("example", EUR, channel="6.95", bundle="49", minute="0.018")
PLAN = SKYPE_CONNECT.plan(channels=100, bundles=2)
LARGER = SKYPE_CONNECT.plan(channels=120, bundles=2)
BOUGHT, CHANGED = date(2026, 1, 5), date(2026, 1, 15)
TERM = timedelta(days=30)


def with_values() -> tuple[int, int, int, date]:
    """Quote, refund on day 11, quote again, next renewal, with the library's values."""
    paid = quote(PLAN, TARIFF, on=BOUGHT)
    returned = refund(paid, on=CHANGED).returned
    again = quote(LARGER, TARIFF, on=CHANGED)
    return paid.total.minor, returned.minor, again.total.minor, again.renews_on


def with_integers() -> tuple[int, int, int, date]:
    """Do the same on bare integers, which no library can beat."""
    channels, bundles = 100 * 695, 2 * 4900
    left = 30 - (CHANGED - BOUGHT).days
    returned = (2 * channels * left + 30) // 60 + (2 * bundles * left + 30) // 60
    return channels + bundles, returned, 120 * 695 + bundles, CHANGED + TERM


def microseconds(run: Callable[[], object], number: int = 5000) -> float:
    """Return how long one run takes."""
    return timeit(run, number=number) / number * 1e6


def main() -> None:
    """Print medians of interleaved rounds, and the ratio pair by pair."""
    if with_values() != with_integers():
        raise AssertionError("the two do not agree")
    rounds = [(microseconds(with_values), microseconds(with_integers)) for _ in range(15)]
    values, integers = (median(column) for column in zip(*rounds, strict=True))
    ratio = median(value / integer for value, integer in rounds)
    print(f"quote, refund, quote again, next renewal: {values:.1f} µs")
    print(f"the same on bare integers: {integers:.2f} µs; ratio {ratio:.0f}")


if __name__ == "__main__":
    main()
