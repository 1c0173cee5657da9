"""Properties of amounts, of their rounding and of the ways to divide them."""

import decimal
import math
from collections.abc import Callable
from fractions import Fraction
from itertools import pairwise

from hypothesis import example, given, strategies as st
from tests.property.strategies import attempt, shares

from channelplans.errors import InvalidValue
from channelplans.money import EUR, Currency, Money, Rounding, exact, round_ratio
from channelplans.testing.strategies import currencies, money, roundings

# The same roundings, written with Python's fractions and independently of the package.
ROUND: dict[Rounding, Callable[[Fraction], int]] = {
    Rounding.DOWN: math.trunc,
    Rounding.UP: lambda number: -math.floor(-number) if number > 0 else math.floor(number),
    Rounding.HALF_UP: lambda number: (
        math.floor(number + Fraction(1, 2)) if number > 0 else math.ceil(number - Fraction(1, 2))
    ),
    Rounding.HALF_EVEN: round,
}


def euros(**bounds):
    """Draw amounts in euros."""
    return money(EUR, **bounds)


@given(money())
def test_money_can_be_read_back_from_its_text(amount):
    """An amount that is shown, as Decimal or as text, and read again is the same amount."""
    number = amount.amount

    assert amount == Money.of(number, amount.currency)
    assert amount == Money.of(f"{number:f}", amount.currency)
    assert str(amount) == f"{number:f} {amount.currency.code}"


@given(euros(), euros(), st.integers(-900, 900))
def test_money_arithmetic_is_integer_arithmetic(a, b, count):
    """Amounts are added, subtracted and multiplied like their numbers of smallest units."""
    assert (a.minor + b.minor, a.minor - b.minor) == ((a + b).minor, (a - b).minor)
    assert a == a + b - b == Money(minor=0, currency=EUR) - -a
    assert a * count + a == a * (count + 1) == (count + 1) * a
    assert bool(a) is (a.minor != 0)


@given(euros(least=-3, most=3), euros(least=-3, most=3))
def test_money_is_ordered_by_amount(a, b):
    """Amounts of one currency compare like their Decimal numbers."""
    x, y = a.amount, b.amount

    assert (x < y, x <= y, x > y, x >= y, x == y) == (a < b, a <= b, a > b, a >= b, a == b)


@given(st.integers(-(10**6), 10**6) | st.integers(), st.integers(1, 60) | st.integers(min_value=1))
def test_round_ratio_rounds_as_its_rounding_says(numerator, denominator):
    """Each rounding of a ratio equals the same rounding of Python's Fraction."""
    fraction = Fraction(numerator, denominator)

    assert {rounding: round_number(fraction) for rounding, round_number in ROUND.items()} == {
        rounding: round_ratio(numerator, denominator, rounding) for rounding in Rounding
    }


@given(money(), st.fractions(-900, 900, max_denominator=400), roundings())
def test_share_is_rounded_once(amount, part, rounding):
    """A share is the exact share rounded once, and a negative amount has the negative share."""
    share = amount.share(part, rounding)

    assert ROUND[rounding](amount.minor * part) == share.minor
    assert -share == (-amount).share(part, rounding) == amount.share(-part, rounding)


@given(money(), shares(), roundings())
@example(Money(minor=2, currency=EUR), Fraction(3, 4), Rounding.HALF_UP)
def test_split_adds_up_to_the_amount(amount, part, rounding):
    """The two parts add up to the amount; none is larger or has the opposite sign."""
    share, remainder = amount.split(part, rounding)

    assert amount == share + remainder
    assert amount.share(part, rounding) == share
    for part_amount in (share, remainder):
        assert abs(part_amount.minor) <= abs(amount.minor)
        assert part_amount.minor * amount.minor >= 0


@given(money(), st.lists(st.integers(0, 10**6), min_size=1, max_size=8).filter(any))
def test_allocate_adds_up_to_the_amount(amount, weights):
    """The parts add up, and each differs from its exact share by less than one unit.

    A larger weight never gets a smaller part, and a weight of zero gets nothing.
    """
    parts = amount.allocate(weights)

    assert amount == sum(parts, start=Money(minor=0, currency=amount.currency))
    for part, weight in zip(parts, weights, strict=True):
        assert abs(part.minor - Fraction(amount.minor * weight, sum(weights))) < 1
        assert weight or not part
    sorted_pairs = sorted(zip(weights, (abs(part.minor) for part in parts), strict=True))
    sorted_parts = [part_minor for _, part_minor in sorted_pairs]
    assert all(smaller <= larger for smaller, larger in pairwise(sorted_parts))


@given(st.integers(-(10**5), 10**5), st.integers(0, 12), st.integers(0, 12))
def test_conversion_to_fewer_decimals_rounds_to_the_nearest(minor, exponent, other_exponent):
    """More decimals keep the amount; fewer decimals change it by half a unit at most."""
    exponents = sorted((exponent, other_exponent))
    coarse, fine = (Currency("EUR", decimals) for decimals in exponents)
    amount = Money(minor=minor, currency=coarse)
    widened = amount.to(fine)
    narrowed = Money(minor=minor, currency=fine).to(coarse)

    assert amount == widened.to(coarse)
    assert amount.amount == widened.amount
    difference = abs(Fraction(narrowed.minor, coarse.units) - Fraction(minor, fine.units))
    assert difference <= Fraction(1, 2 * coarse.units)


@st.composite
def contexts(draw):
    """Draw decimal contexts with little precision, unusual rounding and any traps."""
    context = decimal.Context(
        prec=draw(st.integers(1, 5)),
        rounding=draw(st.sampled_from([decimal.ROUND_UP, decimal.ROUND_FLOOR, decimal.ROUND_05UP])),
        Emin=draw(st.integers(-3, 0)),
        Emax=draw(st.integers(0, 3)),
        capitals=draw(st.integers(0, 1)),
        clamp=draw(st.integers(0, 1)),
    )
    context.traps = {trap: draw(st.booleans()) for trap in context.traps}
    return context


def compute_everything(amount, part, price, currency):
    """Return the results of all operations on an amount, as plain values."""
    return (
        str(amount),
        amount.amount.as_tuple(),
        amount.share(part),
        amount.split(part),
        amount.allocate((1, 2, 4)),
        str(attempt(InvalidValue, amount.to, Currency(amount.currency.code, 3))),
        exact("price", price),
        str(attempt(InvalidValue, Money.of, price, currency)),
    )


@given(contexts(), money(), shares(), st.decimals(-1000, 1000, places=6), currencies())
def test_decimal_context_does_not_change_money(context, amount, part, price, currency):
    """Every operation has the same result under any ambient decimal context."""
    expected = compute_everything(amount, part, price, currency)
    with decimal.localcontext(context):
        results = compute_everything(amount, part, price, currency)

    assert expected == results
