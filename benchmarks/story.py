"""The everyday story with the library, by hand and on integers.

105 channels and 2 bundles are requested and quoted, the quote is refunded on day 11, 127 channels
are quoted, and the next renewal date is read. By hand means py-moneyed and relativedelta, with the
same checks. The package's import and first quote are compared with the import of attrs; the
bytecode of both is compiled before.
"""

import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from tempfile import TemporaryDirectory
from time import perf_counter

from dateutil.relativedelta import relativedelta
from moneyed import Money

from channelplans import EUR, SKYPE_CONNECT, Tariff, quote, refund

TARIFF = Tariff("example", EUR, channel="6.95", bundle="49", minute="0.018")
BOUGHT, CHANGED = date(2026, 1, 5), date(2026, 1, 15)

CHANNEL_PRICE, BUNDLE_PRICE = Money("6.95", "EUR"), Money("49", "EUR")
CENT = Decimal("0.01")

IMPORT_ATTRS = "import attrs"
FIRST_QUOTE = """
from datetime import date
from channelplans import EUR, SKYPE_CONNECT, Tariff, quote
tariff = Tariff("example", EUR, channel="6.95", bundle="49", minute="0.018")
quote(SKYPE_CONNECT.plan(channels=105, bundles=2), tariff, on=date(2026, 1, 5))
"""

Figures = tuple[int, int, int, date]


def with_library() -> Figures:
    """Tell the story with the library."""
    paid = quote(SKYPE_CONNECT.plan(channels=105, bundles=2), TARIFF, on=BOUGHT)
    returned = refund(paid, on=CHANGED).returned
    larger = quote(SKYPE_CONNECT.plan(channels=127, bundles=2), TARIFF, on=CHANGED)
    return paid.total.minor, returned.minor, larger.total.minor, larger.renews_on


def by_hand() -> Figures:
    """Tell the story with a class for money, as a careful program would without the library."""
    paid_lines, paid_until = quote_by_hand(105, 2, BOUGHT)
    share_left = Decimal((paid_until - CHANGED).days), Decimal((paid_until - BOUGHT).days)
    returned = sum((refund_by_hand(line, *share_left) for line in paid_lines), Money(0, "EUR"))
    larger_lines, renews_on = quote_by_hand(127, 2, CHANGED)
    paid, larger = (sum(lines, Money(0, "EUR")) for lines in (paid_lines, larger_lines))
    return cents(paid), cents(returned), cents(larger), renews_on


def quote_by_hand(requested: int, bundles: int, on: date) -> tuple[list[Money], date]:
    """Return the price of the channels and of the bundles, and the renewal date."""
    if not isinstance(requested, int) or isinstance(requested, bool):
        raise TypeError("channels must be a whole number")
    if not 1 <= requested <= 300:
        raise ValueError("channels must be 1 to 300")
    channels = requested if requested <= 100 else requested // 10 * 10
    if not 0 <= bundles <= channels:
        raise ValueError("too many bundles")
    return [CHANNEL_PRICE * channels, BUNDLE_PRICE * bundles], on + relativedelta(days=30)


def refund_by_hand(line: Money, days_left: Decimal, days: Decimal) -> Money:
    """Return the part of a price for the days that are left, rounded half up."""
    return Money((line.amount * days_left / days).quantize(CENT, ROUND_HALF_UP), line.currency)


def cents(amount: Money) -> int:
    """Return an amount as a number of cents."""
    return int(amount.amount * 100)


def with_integers() -> Figures:
    """Compute the same figures on integers, the fastest way in Python."""
    channels_price, bundles_price = 100 * 695, 2 * 4900
    days_left = 30 - (CHANGED - BOUGHT).days
    # Half a cent is added before the division: a half is rounded up.
    channels_refund = (2 * channels_price * days_left + 30) // 60
    bundles_refund = (2 * bundles_price * days_left + 30) // 60
    total, new_total = channels_price + bundles_price, 120 * 695 + bundles_price
    return total, channels_refund + bundles_refund, new_total, CHANGED + timedelta(days=30)


def seconds_of(code: str, bytecode: str) -> float:
    """Return how long a fresh interpreter takes to start, run some code and end."""
    variables = {**os.environ, "PYTHONPYCACHEPREFIX": bytecode, "PYTHONDONTWRITEBYTECODE": ""}
    start = perf_counter()
    subprocess.run([sys.executable, "-c", code], check=True, env=variables)  # noqa: S603 - our own code
    return perf_counter() - start


def import_ratios() -> Iterator[float]:
    """Yield the time of an import and a first quote against ``import attrs``.

    The start of the interpreter is subtracted from both.
    """
    with TemporaryDirectory() as bytecode:
        codes = ("pass", IMPORT_ATTRS, FIRST_QUOTE)
        for round_number in range(16):
            start, attrs, first = (seconds_of(code, bytecode) for code in codes)
            if round_number:  # the first round compiles the bytecode
                yield (first - start) / (attrs - start)


if not with_library() == by_hand() == with_integers():
    raise AssertionError("all three computations must return the same figures")
