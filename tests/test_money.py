"""Money counts whole units, is read exactly, and is rounded only where a rule says so."""

import decimal
import pickle
import tracemalloc
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest

from channelplans.errors import CurrencyMismatch, InvalidValue, WrongType
from channelplans.money import (
    EUR,
    GBP,
    JPY,
    PLN,
    USD,
    Currency,
    Money,
    Rounding,
    exact,
    round_ratio,
)

EUR5 = Currency("EUR", 5)


def eur(amount):
    """Return an amount of euros."""
    return Money.of(amount, EUR)


@pytest.mark.parametrize(
    ("currency", "code", "units"),
    [
        (EUR, "EUR", 100),
        (USD, "USD", 100),
        (GBP, "GBP", 100),
        (PLN, "PLN", 100),
        (JPY, "JPY", 1),
        (EUR5, "EUR", 100_000),
        (Currency("XTS", 12), "XTS", 1_000_000_000_000),
    ],
)
def test_currency_has_a_code_and_a_unit(currency, code, units):
    """The exponent sets how many units one euro or one yen has (ISO 4217: a yen has only one)."""
    assert (code, units) == (currency.code, currency.units)


@pytest.mark.parametrize(
    "code", ["", "eur", "Eur", "EURO", "EU", " EUR", "EUR\n", "E1R", "ÉUR", "€"]
)
def test_currency_refuses_a_malformed_code(code):
    """A code is three capital letters, and the error shows an example."""
    with pytest.raises(InvalidValue) as caught:
        Currency(code, 2)

    assert f'code must be three capital letters, such as "EUR", not {code!r}' == str(caught.value)


@pytest.mark.parametrize("exponent", [-1, 13, 10**9])
def test_currency_refuses_an_exponent_outside_0_to_12(exponent):
    """A currency has at least 0 and at most 12 decimals."""
    with pytest.raises(InvalidValue, match=r"^exponent must be at least 0 and at most 12, not "):
        Currency("EUR", exponent)


@pytest.mark.parametrize(("code", "exponent"), [(978, 2), (None, 2), ("EUR", 2.0), ("EUR", True)])
def test_currency_refuses_wrong_types(code, exponent):
    """A code is text, not the ISO number; an exponent is an int, not a float or a bool."""
    with pytest.raises(WrongType):
        Currency(code, exponent)


@pytest.mark.parametrize(
    ("amount", "minor"),
    [
        ("6.95", 695),
        ("6.9", 690),
        ("6", 600),
        ("+6.95", 695),
        ("-6.95", -695),
        ("-0.00", 0),
        ("0006.950000", 695),
        (6, 600),
        (-6, -600),
        (np.int64(6), 600),
        (np.uint8(6), 600),
        (Decimal("6.95"), 695),
        (Decimal("6.950"), 695),
        (Decimal("1E+3"), 100_000),
        (Decimal("-0"), 0),
        ("9" * 16 + ".99", 10**18 - 1),
    ],
)
def test_money_of_reads_an_amount_exactly(amount, minor):
    """Text, Decimal and int become units of the currency without rounding."""
    money = Money.of(amount, EUR)

    assert (minor, int, EUR) == (money.minor, type(money.minor), money.currency)


@pytest.mark.parametrize(
    "amount",
    [
        *["", " ", "6,95", "6.", ".95", "1_000", " 6.95", "6.95 ", "6.95\n", "6.95 EUR", "0x10"],
        *["1e2", "1E2", "1e999999", "NaN", "nan", "sNaN", "Infinity", "inf", "-Infinity", "--1"],
        *["٣", "６.95", "9" * 41, "0." + "0" * 41],
        *map(Decimal, ["NaN", "sNaN", "Infinity", "-Infinity", "1e999999", "-1e-999999", "1e41"]),
    ],
    ids=ascii,
)
def test_money_of_refuses_text_and_decimals_that_are_not_plain_numbers(amount):
    """NaN, infinity, exponents in text and huge numbers are refused before any computation."""
    tracemalloc.start()

    with pytest.raises(InvalidValue, match=r"^amount must be a "):
        Money.of(amount, EUR)

    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    # 10 ** 999999 alone needs 400 kB.
    assert peak < 200_000


@pytest.mark.parametrize("amount", [10**41, -(10**5000)], ids=["41 digits", "5000 digits"])
def test_money_of_refuses_an_int_of_more_than_40_digits(amount):
    """The limit of 40 digits applies to an int as it does to text and to a Decimal."""
    with pytest.raises(InvalidValue, match=r"^amount must be a "):
        Money.of(amount, EUR)


@pytest.mark.parametrize("amount", ["6.955", Decimal("6.955"), "0.001", Decimal("1E-40")], ids=str)
def test_money_of_refuses_more_decimals_than_the_currency_has(amount):
    """A price with too many decimals is refused, not silently rounded."""
    with pytest.raises(InvalidValue, match=r"^amount must be a number of at most 2 decimals"):
        Money.of(amount, EUR)


def test_money_of_accepts_more_decimals_in_a_finer_unit():
    """0.004 euros is refused in cents, and accepted in thousandths of a cent (F 3.7)."""
    assert 400 == Money.of("0.004", EUR5).minor


def test_money_of_refuses_decimals_in_a_currency_without_them():
    """The yen has no decimals, so half a yen is refused."""
    with pytest.raises(InvalidValue, match="at most 0 decimals"):
        Money.of("0.5", JPY)


@pytest.mark.parametrize("amount", [6.95, np.float64(6.95), True, None, Fraction(1, 2), b"6.95"])
def test_money_of_refuses_an_inexact_amount(amount):
    """A float is refused as an amount, and the error says how to write the amount."""
    with pytest.raises(WrongType, match=r'^amount must be an exact number: text such as "6.95"'):
        Money.of(amount, EUR)


@pytest.mark.parametrize("currency", ["EUR", None, 2])
def test_money_of_needs_a_currency(currency):
    """A code alone is refused, because it does not say how many decimals the currency has."""
    with pytest.raises(WrongType, match=r"^currency must be a Currency, not "):
        Money.of("6.95", currency)


@pytest.mark.parametrize(
    ("minor", "currency"), [(6.95, EUR), ("695", EUR), (True, EUR), (1, "EUR")]
)
def test_money_refuses_wrong_types(minor, currency):
    """The constructor takes only a whole number of units and a Currency."""
    with pytest.raises(WrongType):
        Money(minor=minor, currency=currency)


@pytest.mark.parametrize("numpy_int", [np.uint8, np.int16])
def test_money_turns_numpy_units_into_ints(numpy_int):
    """Units from a NumPy array become Python ints, so later arithmetic cannot overflow."""
    money = Money(minor=numpy_int(200), currency=EUR) * numpy_int(100) * 10

    assert (200_000, int) == (money.minor, type(money.minor))


def test_exact_keeps_decimals_below_a_cent():
    """``exact`` returns a price below one cent as a Fraction, without rounding."""
    assert Fraction(1, 250) == exact("price", "0.004") == exact("price", Decimal("0.004"))


@pytest.mark.parametrize(
    ("money", "text", "amount"),
    [
        (Money(minor=69500, currency=EUR), "695.00 EUR", "695.00"),
        (Money(minor=-5, currency=EUR), "-0.05 EUR", "-0.05"),
        (Money(minor=0, currency=EUR), "0.00 EUR", "0.00"),
        (Money(minor=695, currency=JPY), "695 JPY", "695"),
        (Money(minor=1, currency=Currency("XTS", 12)), "0.000000000001 XTS", "0.000000000001"),
        (Money(minor=10**17, currency=EUR), "1" + "0" * 15 + ".00 EUR", "1" + "0" * 15 + ".00"),
    ],
)
def test_money_shows_all_its_decimals(money, text, amount):
    """The text and the ``amount`` of money show the same digits, without an exponent."""
    assert text == str(money)
    assert amount == f"{money.amount:f}"
    assert f"<p>{text}</p>" == money._repr_html_()


def test_currency_shows_its_number_of_decimals():
    """The text of a currency names its decimals, so two currencies of one code look different."""
    assert ["EUR with 2 decimals", "EUR with 5 decimals"] == [str(EUR), str(EUR5)]


@pytest.mark.parametrize(
    ("computed", "expected"),
    [
        (eur("1.10") + eur("2.20"), "3.30"),
        (eur("1.10") - eur("2.20"), "-1.10"),
        (-eur("1.10"), "-1.10"),
        (eur("6.95") * 100, "695.00"),
        (100 * eur("6.95"), "695.00"),
        (eur("6.95") * np.int64(100), "695.00"),
        (eur("6.95") * -1, "-6.95"),
        (sum([eur("1.10"), eur("2.20")], start=Money(minor=0, currency=EUR)), "3.30"),
    ],
)
def test_money_arithmetic_is_exact(computed, expected):
    """Amounts of one currency are added, subtracted, negated and multiplied exactly."""
    assert eur(expected) == computed


@pytest.mark.parametrize("factor", [1.5, Fraction(3, 2), Decimal(2), "2", True, eur("2")], ids=repr)
def test_money_is_multiplied_by_whole_numbers_only(factor):
    """Only a whole number multiplies an amount; ``share`` computes a part and rounds it."""
    with pytest.raises(WrongType, match=r"^count must be a whole number"):
        eur("6.95") * factor


def test_money_is_ordered_by_amount():
    """Amounts of one currency compare as numbers do."""
    low, high = eur("-1"), eur("0.50")

    assert (True, True, False, False) == (low < high, low <= high, low > high, low >= high)
    assert (False, True, False, True) == (low < low, low <= low, low > low, low >= low)  # noqa: PLR0124


def test_only_an_amount_of_zero_is_false():
    """Zero is false; an amount above or below zero is true."""
    assert [False, True, True] == [bool(Money(minor=minor, currency=EUR)) for minor in (0, 1, -1)]


def test_equal_amounts_have_the_same_currency_and_unit():
    """One euro does not equal one dollar, one euro in a finer unit, or the number 1."""
    one_euro = eur("1")
    different = (
        Money.of(1, USD),
        Money.of(1, EUR5),
        Money(minor=100, currency=JPY),
        1,
        100,
        Decimal(1),
    )

    assert one_euro == Money(minor=100, currency=EUR)
    assert hash(one_euro) == hash(Money(minor=100, currency=Currency("EUR", 2)))
    assert [] == [value for value in different if one_euro == value]


@pytest.mark.parametrize(
    "operation",
    [
        lambda a, b: a + b,
        lambda a, b: a - b,
        lambda a, b: a < b,
        lambda a, b: a <= b,
        lambda a, b: a > b,
        lambda a, b: a >= b,
    ],
    ids=["add", "subtract", "lt", "le", "gt", "ge"],
)
@pytest.mark.parametrize(
    ("currency", "expected", "actual"),
    [(USD, "EUR", "USD"), (EUR5, "EUR with 2 decimals", "EUR with 5 decimals")],
    ids=["another code", "another unit"],
)
def test_currencies_do_not_mix(operation, currency, expected, actual):
    """Amounts of two codes or two units are refused, and the error names both currencies."""
    with pytest.raises(CurrencyMismatch) as caught:
        operation(eur("1"), Money(minor=1, currency=currency))

    assert (expected, actual) == (caught.value.expected, caught.value.actual)


@pytest.mark.parametrize("other", [1, 1.0, "1", None])
def test_money_does_not_mix_with_a_number(other):
    """Adding or comparing a number without a currency is refused."""
    with pytest.raises(WrongType, match=r"^amount must be a Money, not "):
        eur("1") + other
    with pytest.raises(WrongType, match=r"^amount must be a Money, not "):
        _ = eur("1") < other


@pytest.mark.parametrize(
    ("minor", "cents"),
    [(499, 0), (500, 1), (501, 1), (1499, 1), (1500, 2), (-499, 0), (-500, -1), (695_000, 695)],
)
def test_money_to_rounds_half_up_to_fewer_decimals(minor, cents):
    """0.00500 becomes one cent and 0.00499 becomes zero (F 3.7), likewise below zero."""
    assert Money(minor=cents, currency=EUR) == Money(minor=minor, currency=EUR5).to(EUR)


def test_money_to_is_exact_with_more_decimals():
    """Converting cents to thousandths of a cent adds zeros and changes nothing else."""
    assert Money(minor=695_000, currency=EUR5) == Money(minor=695, currency=EUR).to(EUR5)


def test_money_to_refuses_another_currency_code():
    """``to`` changes the number of decimals and never converts euros into dollars."""
    with pytest.raises(CurrencyMismatch) as caught:
        eur("1").to(USD)

    assert ("EUR", "USD") == (caught.value.expected, caught.value.actual)


def test_money_to_needs_a_currency():
    """``to`` takes a Currency and refuses a bare number of decimals."""
    with pytest.raises(WrongType, match=r"^currency must be a Currency"):
        eur("1").to(5)


# Computed by hand: numerator, denominator, then the result of each rounding.
ROUNDING_CASES = [
    (24, 10, 2, 3, 2, 2),
    (25, 10, 2, 3, 3, 2),
    (26, 10, 2, 3, 3, 3),
    (35, 10, 3, 4, 4, 4),
    (20, 10, 2, 2, 2, 2),
    (0, 10, 0, 0, 0, 0),
    (1, 3, 0, 1, 0, 0),
    (2, 3, 0, 1, 1, 1),
    (5, 3, 1, 2, 2, 2),
    (4, 3, 1, 2, 1, 1),
]


@pytest.mark.parametrize(
    ("numerator", "denominator", "down", "up", "half_up", "half_even"), ROUNDING_CASES
)
@pytest.mark.parametrize("sign", [1, -1])
def test_round_ratio_rounds_as_named(sign, numerator, denominator, down, up, half_up, half_even):
    """Each rounding does what its name says, and mirrors the result below zero."""
    rounded = {
        rounding: round_ratio(sign * numerator, denominator, rounding) for rounding in Rounding
    }

    assert {
        Rounding.DOWN: sign * down,
        Rounding.UP: sign * up,
        Rounding.HALF_UP: sign * half_up,
        Rounding.HALF_EVEN: sign * half_even,
    } == rounded


@pytest.mark.parametrize(
    ("amount", "part", "rounding", "expected"),
    [
        # 695 * 11 / 30 = 254.83
        ("6.95", Fraction(11, 30), Rounding.HALF_UP, "2.55"),
        ("6.95", Fraction(11, 30), Rounding.DOWN, "2.54"),
        # 5 / 2 = 2.5
        ("0.05", Fraction(1, 2), Rounding.HALF_UP, "0.03"),
        ("0.05", Fraction(1, 2), Rounding.HALF_EVEN, "0.02"),
        ("-0.05", Fraction(1, 2), Rounding.HALF_UP, "-0.03"),
        ("-0.05", Fraction(1, 2), Rounding.UP, "-0.03"),
        ("-0.05", Fraction(1, 2), Rounding.DOWN, "-0.02"),
        ("0.05", Fraction(-1, 2), Rounding.HALF_UP, "-0.03"),
        ("0.05", Fraction(3, 2), Rounding.HALF_UP, "0.08"),
        ("0.05", 0, Rounding.UP, "0.00"),
        ("0.05", 1, Rounding.DOWN, "0.05"),
    ],
)
def test_share_rounds_once(amount, part, rounding, expected):
    """A share is computed exactly, then rounded once, symmetrically around zero."""
    assert eur(expected) == eur(amount).share(part, rounding)


def test_share_and_split_round_half_up_by_default():
    """Half of 5 cents is 3 cents by default."""
    half = Fraction(1, 2)
    share = Money(minor=5, currency=EUR).share(half)
    part, _ = Money(minor=5, currency=EUR).split(half)

    assert (Money(minor=3, currency=EUR), Money(minor=3, currency=EUR)) == (share, part)


@pytest.mark.parametrize(
    "part", [0.5, Decimal("0.5"), "1/2", True, None, np.float64(0.5)], ids=repr
)
@pytest.mark.parametrize("method", ["share", "split"])
def test_share_and_split_refuse_an_inexact_part(method, part):
    """A part is a Fraction or a whole number, never a float."""
    with pytest.raises(WrongType, match=r"^part must be an exact share \(Fraction\), not "):
        getattr(eur("1"), method)(part)


@pytest.mark.parametrize("method", ["share", "split"])
def test_share_and_split_refuse_a_rounding_as_text(method):
    """A rounding is a Rounding, not its name."""
    with pytest.raises(WrongType, match=r"^rounding must be a Rounding"):
        getattr(eur("1"), method)(Fraction(1, 2), "half up")


@pytest.mark.parametrize(
    ("minor", "part", "rounding", "expected"),
    [
        # Two separate roundings of 1.5 and 0.5 would make 2 and 1, which is more than 2.
        (2, Fraction(3, 4), Rounding.HALF_UP, (2, 0)),
        (2, Fraction(1, 4), Rounding.HALF_UP, (1, 1)),
        (-2, Fraction(3, 4), Rounding.HALF_UP, (-2, 0)),
        (695, Fraction(2, 3), Rounding.HALF_UP, (463, 232)),
        (695, Fraction(2, 3), Rounding.UP, (464, 231)),
        (695, 0, Rounding.HALF_UP, (0, 695)),
        (695, 1, Rounding.HALF_UP, (695, 0)),
        (0, Fraction(1, 3), Rounding.UP, (0, 0)),
    ],
)
def test_split_adds_up_to_the_amount(minor, part, rounding, expected):
    """Only the part is rounded, and the rest is the amount minus that part."""
    expected_split = tuple(Money(minor=cents, currency=EUR) for cents in expected)

    assert expected_split == Money(minor=minor, currency=EUR).split(part, rounding)


@pytest.mark.parametrize("part", [Fraction(-1, 30), Fraction(31, 30), 2, -1])
def test_split_refuses_a_part_outside_0_to_1(part):
    """The part that ``split`` takes is at least 0 and at most 1."""
    with pytest.raises(InvalidValue) as caught:
        eur("1").split(part)

    kind = type(part).__name__
    assert f"part must be between 0 and 1, not {part!r} ({kind})" == str(caught.value)


@pytest.mark.parametrize(
    "part", [10**5000, Fraction(10**5000), Fraction(10**5000, 3)], ids=["int", "whole", "fraction"]
)
def test_share_and_split_refuse_a_part_too_long_to_print(part):
    """A part with thousands of digits raises the library's error, not one of Python's."""
    with pytest.raises(InvalidValue, match=r"^part must be between 0 and 1, not "):
        eur("1").split(part)
    with pytest.raises(InvalidValue, match=r"^amount must be of at most 18 digits in EUR"):
        eur("1").share(part)


def test_share_accepts_a_tiny_part_too_long_to_print():
    """A part far below the smallest unit rounds to zero."""
    assert eur("0") == eur("1").share(Fraction(1, 10**5000))


def test_sum_adds_amounts():
    """``sum`` needs no start, and accepts an amount of zero as the start."""
    amounts = [eur("6.95"), eur("0.05"), eur("-2")]

    assert eur("5") == sum(amounts) == sum(amounts, start=Money.zero(EUR))


@pytest.mark.parametrize("number", [1, 0.0, "0", None])
def test_amount_cannot_be_added_to_a_number(number):
    """Only the whole number 0, the start of ``sum``, can stand before an amount."""
    with pytest.raises(TypeError):
        number + eur("1")


def test_sum_refuses_two_currencies():
    """A sum of euros and dollars raises an error that names both."""
    with pytest.raises(CurrencyMismatch, match="EUR was expected, USD was given"):
        sum([eur("1"), Money.of("1", USD)])


@pytest.mark.parametrize("amount", ["6.95", "-6.95", "0"])
def test_abs_drops_the_sign(amount):
    """The absolute amount is the larger of the amount and its negative."""
    assert max(eur(amount), -eur(amount)) == abs(eur(amount))


@pytest.mark.parametrize(
    ("specification", "expected"),
    [
        ("", "-1234567.80 EUR"),
        (",", "-1,234,567.80 EUR"),
        (">20", "     -1234567.80 EUR"),
        ("*<20,", "-1,234,567.80 EUR***"),
        ("^+21,", "  -1,234,567.80 EUR  "),
    ],
)
def test_format_aligns_and_groups_an_amount(specification, expected):
    """The width counts the whole text, and the grouping is that of the digits."""
    assert expected == format(eur("-1234567.80"), specification)


def test_format_shows_a_plus_if_asked():
    """A plus before a positive amount makes signed columns readable."""
    assert "+6.95 EUR" == f"{eur('6.95'):+}"


@pytest.mark.parametrize("specification", [".1f", "d", "10x", "é"])
def test_format_refuses_what_would_round(specification):
    """A precision or a type is refused, and the error says what works."""
    with pytest.raises(InvalidValue, match=r"must be an alignment, \+, a width and a comma"):
        format(eur("6.95"), specification)


LARGEST = Money(minor=10**18 - 1, currency=EUR)


@pytest.mark.parametrize(
    "calculate",
    [
        lambda: LARGEST + eur("0.01"),
        lambda: -LARGEST - eur("0.01"),
        lambda: LARGEST * 2,
        lambda: sum([LARGEST, LARGEST]),
        lambda: LARGEST.share(Fraction(2)),
        lambda: LARGEST.to(EUR5),
        lambda: Money.of("1" + "0" * 16, EUR),
        lambda: Money(minor=10**18, currency=EUR),
    ],
)
def test_amount_of_more_than_18_digits_is_refused(calculate):
    """Every database and column engine can hold an amount, so a longer one raises an error."""
    with pytest.raises(InvalidValue, match="at most 18 digits"):
        calculate()


@pytest.mark.parametrize(
    ("amount", "weights", "expected"),
    [
        # A published example of three taxes. 22000 cents by weights that add up to 1000001 are
        # 9800.0002, 200.0018 and 11999.998, so the remaining cent goes to the last tax.
        ("220.00", (445455, 9091, 545455), ("98.00", "2.00", "120.00")),
        ("1.00", (1, 1, 1), ("0.34", "0.33", "0.33")),
        ("0.02", (1, 1, 1), ("0.01", "0.01", "0.00")),
        ("-1.00", (1, 1, 1), ("-0.34", "-0.33", "-0.33")),
        # The exact shares are 8/5 and 12/5 cents, so the remainders are 3/5 and 2/5.
        ("0.04", (2, 3), ("0.02", "0.02")),
        ("1.00", (0, 1, 0), ("0.00", "1.00", "0.00")),
        ("0.00", (1, 2), ("0.00", "0.00")),
        ("1.00", (7,), ("1.00",)),
    ],
)
def test_allocate_gives_spare_units_to_the_largest_remainders(amount, weights, expected):
    """Shares are rounded down; spare units go to the largest remainders, first to the earlier."""
    assert tuple(map(eur, expected)) == eur(amount).allocate(weights)


@pytest.mark.parametrize(
    "weights", [[1, 2], (1, 2), range(1, 3), [np.uint8(1), np.uint8(2)]], ids=repr
)
def test_allocate_accepts_any_sequence_of_whole_numbers(weights):
    """Weights can be a list, a tuple, a range or NumPy integers."""
    assert (Money(minor=100, currency=EUR), Money(minor=200, currency=EUR)) == eur("3").allocate(
        weights
    )


@pytest.mark.parametrize(
    ("weights", "expected"),
    [
        ([], "weights must be at least one weight above zero, not []"),
        ([0, 0], "weights must be at least one weight above zero, not [0, 0]"),
        ([1, -1], "weights[1] must be at least 0, not -1"),
    ],
)
def test_allocate_refuses_unusable_weights(weights, expected):
    """At least one weight is above zero, and no weight is below zero."""
    with pytest.raises(InvalidValue) as caught:
        eur("1").allocate(weights)

    assert expected == str(caught.value)


@pytest.mark.parametrize("weights", ["11", [1.0], [True], [1, "1"], None, {1, 2}], ids=repr)
def test_allocate_refuses_weights_of_wrong_types(weights):
    """Weights are a sequence of whole numbers; text, floats, bools and sets are refused."""
    with pytest.raises(WrongType, match=r"^weights"):
        eur("1").allocate(weights)


def test_money_ignores_the_decimal_context():
    """Reading, printing and sharing ignore the thread's decimal precision, limits and traps."""
    strict = decimal.Context(prec=1, Emin=0, Emax=0, capitals=0, clamp=1)
    strict.traps = dict.fromkeys(strict.traps, True)

    def compute():
        price = Money.of(Decimal("6.95"), EUR) + Money.of("1234567.89", EUR)
        rate = exact("rate", Decimal("0.0041"))
        shares = (price.share(Fraction(11, 30)), *price.split(rate), *price.allocate((1, 2)))
        return (
            str(price),
            price.amount.as_tuple(),
            rate,
            shares,
            price.to(EUR5),
            str(price.to(EUR5)),
        )

    expected = compute()
    with decimal.localcontext(strict):
        computed = compute()

    assert expected == computed


def test_money_pickles():
    """Unpickled money equals the original."""
    money = eur("6.95")

    assert money == pickle.loads(pickle.dumps(money))


def test_money_is_frozen():
    """An attribute of money cannot be set."""
    with pytest.raises(AttributeError):
        eur("1").minor = 5


def test_money_refuses_an_amount_too_long_to_print():
    """An amount of 5000 digits is refused, so every amount can be printed."""
    with pytest.raises(InvalidValue, match=r"^minor must be "):
        Money(minor=10**5000, currency=EUR)
