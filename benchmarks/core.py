"""Compare quotes and refunds with the same arithmetic on integers: python benchmarks/core.py.

Each round times both, so the ratio stays right when the speed of the machine changes.
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
    """Quote a plan, refund it on day 11, quote a larger plan and return its renewal date."""
    paid = quote(PLAN, TARIFF, on=BOUGHT)
    returned = refund(paid, on=CHANGED).returned
    new_quote = quote(LARGER, TARIFF, on=CHANGED)
    return paid.total.minor, returned.minor, new_quote.total.minor, new_quote.renews_on


def with_integers() -> tuple[int, int, int, date]:
    """Compute the same on integers, the fastest way in Python."""
    channels_price, bundles_price = 100 * 695, 2 * 4900
    days_left = 30 - (CHANGED - BOUGHT).days
    # Half a cent is added before the division: a half is rounded up.
    channels_refund = (2 * channels_price * days_left + 30) // 60
    bundles_refund = (2 * bundles_price * days_left + 30) // 60
    total, new_total = channels_price + bundles_price, 120 * 695 + bundles_price
    return total, channels_refund + bundles_refund, new_total, CHANGED + TERM


def microseconds(run: Callable[[], object], number: int = 5000) -> float:
    """Return the time of one run."""
    return timeit(run, number=number) / number * 1e6


def main() -> None:
    """Print the median times, and the median ratio of the pairs."""
    if with_values() != with_integers():
        raise AssertionError("both computations must return the same values")
    rounds = [(microseconds(with_values), microseconds(with_integers)) for _ in range(15)]
    values, integers = (median(column) for column in zip(*rounds, strict=True))
    ratio = median(value / integer for value, integer in rounds)
    print(f"two quotes, refund and renewal date: {values:.1f} µs")
    print(f"the same on integers: {integers:.2f} µs; ratio {ratio:.0f}")


if __name__ == "__main__":
    main()
