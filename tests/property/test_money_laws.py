"""Laws of money.

1. An amount that is shown and read again is the same amount.
2. Adding and subtracting are those of the units, and multiplying is repeated adding.
3. Order is the order of the amounts.
4. A rounding is the one that its name says: of the fraction, against Fraction's own roundings.
5. A share is one rounding away from exact, and that of a negative amount is its mirror image.
6. A split adds up, and neither part is larger than the whole or of the other sign.
7. An allocation adds up; each part is within one unit of exact; who weighs more never gets less,
   and who weighs nothing gets nothing.
8. More decimals and back is the same amount; fewer are within half a unit.
9. No ambient decimal context changes any of it.
"""

import decimal
import math
from collections.abc import Callable
from fractions import Fraction
from itertools import pairwise

from hypothesis import example, given
from hypothesis import strategies as st
from tests.property.strategies import attempt, shares

from channelplans.errors import InvalidValue
from channelplans.money import EUR, Currency, Money, Rounding, exact, round_ratio
from channelplans.testing.strategies import currencies, money, roundings

# How a fraction is rounded, told apart from how the package does it.
EXPECTED: dict[Rounding, Callable[[Fraction], int]] = {
    Rounding.DOWN: math.trunc,
    Rounding.UP: lambda exact: -math.floor(-exact) if exact > 0 else math.floor(exact),
    Rounding.HALF_UP: lambda exact: (
        math.floor(exact + Fraction(1, 2)) if exact > 0 else math.ceil(exact - Fraction(1, 2))
    ),
    Rounding.HALF_EVEN: round,
}


def euros(**bounds):
    """Return amounts of one currency."""
    return money(EUR, **bounds)


@given(money())
def test_shown_and_read_again(amount):
    """Law 1, for the Decimal view and for its text."""
    view = amount.amount

    assert amount == Money.of(view, amount.currency)
    assert amount == Money.of(f"{view:f}", amount.currency)
    assert str(amount) == f"{view:f} {amount.currency.code}"


@given(euros(), euros(), st.integers(-1000, 1000))
def test_arithmetic_is_that_of_units(a, b, count):
    """Law 2."""
    assert (a.minor + b.minor, a.minor - b.minor) == ((a + b).minor, (a - b).minor)
    assert a == a + b - b == Money(0, EUR) - -a
    assert a * count + a == a * (count + 1) == (count + 1) * a
    assert bool(a) is (a.minor != 0)


@given(euros(least=-3, most=3), euros(least=-3, most=3))
def test_order_is_that_of_amounts(a, b):
    """Law 3."""
    x, y = a.amount, b.amount

    assert (x < y, x <= y, x > y, x >= y, x == y) == (a < b, a <= b, a > b, a >= b, a == b)


@given(st.integers(-(10**6), 10**6) | st.integers(), st.integers(1, 60) | st.integers(min_value=1))
def test_a_rounding_is_what_its_name_says(numerator, denominator):
    """Law 4."""
    fraction = Fraction(numerator, denominator)

    assert {each: rounded(fraction) for each, rounded in EXPECTED.items()} == {
        each: round_ratio(numerator, denominator, each) for each in Rounding
    }


@given(money(), st.fractions(max_denominator=400), roundings())
def test_a_share_is_rounded_once(amount, part, rounding):
    """Law 5."""
    share = amount.share(part, rounding)

    assert EXPECTED[rounding](amount.minor * part) == share.minor
    assert -share == (-amount).share(part, rounding) == amount.share(-part, rounding)


@given(money(), shares(), roundings())
@example(Money(2, EUR), Fraction(3, 4), Rounding.HALF_UP)
def test_a_split_adds_up(amount, part, rounding):
    """Law 6."""
    first, rest = amount.split(part, rounding)

    assert amount == first + rest
    assert amount.share(part, rounding) == first
    for each in (first, rest):
        assert abs(each.minor) <= abs(amount.minor)
        assert each.minor * amount.minor >= 0


@given(money(), st.lists(st.integers(0, 10**6), min_size=1, max_size=8).filter(any))
def test_an_allocation_adds_up(amount, weights):
    """Law 7."""
    parts = amount.allocate(weights)

    assert amount == sum(parts, start=Money(0, amount.currency))
    for part, weight in zip(parts, weights, strict=True):
        assert abs(part.minor - Fraction(amount.minor * weight, sum(weights))) < 1
        assert weight or not part
    by_weight = sorted(zip(weights, (abs(part.minor) for part in parts), strict=True))
    assert all(lighter[1] <= heavier[1] for lighter, heavier in pairwise(by_weight))


@given(st.integers(-(10**15), 10**15), st.integers(0, 12), st.integers(0, 12))
def test_decimals_more_and_fewer(minor, one, other):
    """Law 8."""
    coarse, fine = (Currency("EUR", exponent) for exponent in sorted((one, other)))
    amount = Money(minor, fine)
    widened, narrowed = Money(minor, coarse).to(fine), amount.to(coarse)

    assert Money(minor, coarse) == widened.to(coarse)
    assert Money(minor, coarse).amount == widened.amount
    difference = abs(Fraction(narrowed.minor, coarse.units) - Fraction(minor, fine.units))
    assert difference <= Fraction(1, 2 * coarse.units)


@st.composite
def contexts(draw):
    """Decimal contexts that nobody should have to fear."""
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


def told(amount, part, price, currency):
    """Return all that money can be asked, as plain values."""
    return (
        str(amount),
        amount.amount.as_tuple(),
        amount.share(part),
        amount.split(part),
        amount.allocate((1, 2, 4)),
        amount.to(Currency(amount.currency.code, 3)),
        exact("price", price),
        str(attempt(InvalidValue, Money.of, price, currency)),
    )


@given(contexts(), money(), shares(), st.decimals(-1000, 1000, places=6), currencies())
def test_no_context_changes_money(context, amount, part, price, currency):
    """Law 9."""
    expected = told(amount, part, price, currency)
    with decimal.localcontext(context):
        found = told(amount, part, price, currency)

    assert expected == found
