"""Money counts units, is read exactly, and is rounded once where a rule says so."""

import decimal
import pickle
import time
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
def test_a_currency_has_a_code_and_a_unit(currency, code, units):
    """The exponent says how many units make one of the currency (ISO 4217: the yen has none)."""
    assert (code, units) == (currency.code, currency.units)


@pytest.mark.parametrize(
    "code", ["", "eur", "Eur", "EURO", "EU", " EUR", "EUR\n", "E1R", "ÉUR", "€"]
)
def test_what_is_no_currency_code_is_refused(code):
    """A code is three capital letters, and the error shows one."""
    with pytest.raises(InvalidValue) as caught:
        Currency(code, 2)

    assert f'code must be three capital letters, such as "EUR", not {code!r}' == str(caught.value)


@pytest.mark.parametrize("exponent", [-1, 13, 10**9])
def test_an_exponent_beyond_reason_is_refused(exponent):
    """A unit is between one and a million-millionth."""
    with pytest.raises(InvalidValue, match=r"^exponent must be at least 0 and at most 12, not "):
        Currency("EUR", exponent)


@pytest.mark.parametrize(("code", "exponent"), [(978, 2), (None, 2), ("EUR", 2.0), ("EUR", True)])
def test_a_currency_of_wrong_types_is_refused(code, exponent):
    """Neither the ISO number nor a float makes a currency."""
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
        ("9" * 38, int("9" * 38) * 100),
    ],
)
def test_amounts_are_read_exactly(amount, minor):
    """Text, Decimal and int become units of the currency without any rounding."""
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
def test_what_is_no_plain_finite_number_is_refused_quickly(amount):
    """NaN, infinity, exponents in text and absurd sizes are refused before anything is computed."""
    begin = time.perf_counter()

    with pytest.raises(InvalidValue, match=r"^amount must be a "):
        Money.of(amount, EUR)

    # 10 ** 999999 alone takes longer.
    assert time.perf_counter() - begin < 0.1


@pytest.mark.parametrize("amount", [10**41, -(10**5000)], ids=["41 digits", "5000 digits"])
def test_an_int_is_held_to_the_same_forty_digits(amount):
    """A whole number is refused where the same text or Decimal would be."""
    with pytest.raises(InvalidValue, match=r"^amount must be a "):
        Money.of(amount, EUR)


@pytest.mark.parametrize("amount", ["6.955", Decimal("6.955"), "0.001", Decimal("1E-40")], ids=str)
def test_too_many_decimals_are_refused(amount):
    """A price that the currency cannot hold is not rounded behind its author's back."""
    with pytest.raises(InvalidValue, match=r"^amount must be a number of at most 2 decimals"):
        Money.of(amount, EUR)


def test_a_finer_currency_takes_more_decimals():
    """What is refused in cents can be kept in thousandths of a cent (F 3.7)."""
    assert 400 == Money.of("0.004", EUR5).minor


def test_a_currency_without_decimals_takes_none():
    """Half a yen does not exist."""
    with pytest.raises(InvalidValue, match="at most 0 decimals"):
        Money.of("0.5", JPY)


@pytest.mark.parametrize("amount", [6.95, np.float64(6.95), True, None, Fraction(1, 2), b"6.95"])
def test_inexact_amounts_are_refused(amount):
    """A float is no price; the error says how to write one."""
    with pytest.raises(WrongType, match=r'^amount must be an exact number: text such as "6.95"'):
        Money.of(amount, EUR)


@pytest.mark.parametrize("currency", ["EUR", None, 2])
def test_a_currency_is_needed(currency):
    """A code alone does not tell the unit."""
    with pytest.raises(WrongType, match=r"^currency must be a Currency, not "):
        Money.of("6.95", currency)


@pytest.mark.parametrize(
    ("minor", "currency"), [(6.95, EUR), ("695", EUR), (True, EUR), (1, "EUR")]
)
def test_money_is_made_of_units_and_a_currency(minor, currency):
    """The constructor takes a whole number of units and a Currency."""
    with pytest.raises(WrongType):
        Money(minor, currency)


@pytest.mark.parametrize("kind", [np.uint8, np.int16])
def test_numpy_units_become_plain_ints(kind):
    """Units out of an array cannot overflow later."""
    money = Money(kind(200), EUR) * kind(100) * 10

    assert (200_000, int) == (money.minor, type(money.minor))


def test_exact_prices_keep_decimals_that_no_currency_has():
    """A rate below a cent is a fraction; it is rounded where an amount is made of it."""
    assert Fraction(1, 250) == exact("price", "0.004") == exact("price", Decimal("0.004"))


@pytest.mark.parametrize(
    ("money", "shown", "amount"),
    [
        (Money(69500, EUR), "695.00 EUR", "695.00"),
        (Money(-5, EUR), "-0.05 EUR", "-0.05"),
        (Money(0, EUR), "0.00 EUR", "0.00"),
        (Money(695, JPY), "695 JPY", "695"),
        (Money(1, Currency("XTS", 12)), "0.000000000001 XTS", "0.000000000001"),
        (Money(10**30, EUR), "1" + "0" * 28 + ".00 EUR", "1" + "0" * 28 + ".00"),
    ],
)
def test_an_amount_shows_all_its_decimals(money, shown, amount):
    """Text and the Decimal view show the same digits, never an exponent."""
    assert shown == str(money)
    assert amount == f"{money.amount:f}"
    assert f"<p>{shown}</p>" == money._repr_html_()


def test_a_currency_says_how_fine_it_is():
    """Two currencies of one code can be told apart."""
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
        (sum([eur("1.10"), eur("2.20")], start=Money(0, EUR)), "3.30"),
    ],
)
def test_amounts_of_one_currency_add_up(computed, expected):
    """Adding, subtracting, negating and multiplying by whole numbers are exact."""
    assert eur(expected) == computed


@pytest.mark.parametrize("factor", [1.5, Fraction(3, 2), Decimal(2), "2", True, eur("2")], ids=repr)
def test_amounts_are_multiplied_by_whole_numbers_only(factor):
    """A part of an amount is a share, which says how it is rounded."""
    with pytest.raises(WrongType, match=r"^count must be a whole number"):
        eur("6.95") * factor


def test_order_is_that_of_the_amounts():
    """Amounts of one currency compare as numbers do."""
    less, more = eur("-1"), eur("0.50")

    assert (True, True, False, False) == (less < more, less <= more, less > more, less >= more)
    assert (False, True, False, True) == (less < less, less <= less, less > less, less >= less)  # noqa: PLR0124


def test_only_zero_is_false():
    """An amount below zero is an amount too."""
    assert [False, True, True] == [bool(Money(minor, EUR)) for minor in (0, 1, -1)]


def test_equality_needs_the_same_currency_and_unit():
    """One euro is neither one dollar nor one euro in a finer unit, nor the number one."""
    one = eur("1")

    assert one == Money(100, EUR)
    assert hash(one) == hash(Money(100, Currency("EUR", 2)))
    assert [] == [
        other
        for other in (Money.of(1, USD), Money.of(1, EUR5), Money(100, JPY), 1, 100, Decimal(1))
        if one == other
    ]


@pytest.mark.parametrize(
    "mixed",
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
def test_currencies_do_not_mix(mixed, currency, expected, actual):
    """Amounts of two currencies are refused, and so is one code in two units; both are named."""
    with pytest.raises(CurrencyMismatch) as caught:
        mixed(eur("1"), Money(1, currency))

    assert (expected, actual) == (caught.value.expected, caught.value.actual)


@pytest.mark.parametrize("other", [1, 1.0, "1", None])
def test_a_bare_number_is_no_amount(other):
    """Adding or comparing a number without a currency is refused."""
    with pytest.raises(WrongType, match=r"^amount must be a Money, not "):
        eur("1") + other
    with pytest.raises(WrongType, match=r"^amount must be a Money, not "):
        _ = eur("1") < other


@pytest.mark.parametrize(
    ("minor", "cents"),
    [(499, 0), (500, 1), (501, 1), (1499, 1), (1500, 2), (-499, 0), (-500, -1), (695_000, 695)],
)
def test_narrowing_rounds_half_up(minor, cents):
    """0.00500 or more shows as a cent, less as none (F 3.7); below zero alike."""
    assert Money(cents, EUR) == Money(minor, EUR5).to(EUR)


def test_widening_is_exact():
    """More decimals add zeros."""
    assert Money(695_000, EUR5) == Money(695, EUR).to(EUR5)


def test_nothing_is_converted_into_another_currency():
    """``to`` changes the unit, not the currency."""
    with pytest.raises(CurrencyMismatch) as caught:
        eur("1").to(USD)

    assert ("EUR", "USD") == (caught.value.expected, caught.value.actual)


def test_to_needs_a_currency():
    """A number of decimals is no currency."""
    with pytest.raises(WrongType, match=r"^currency must be a Currency"):
        eur("1").to(5)


# By hand: the quotient, then what each rounding makes of its rest.
ROUNDED = [
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
    ("numerator", "denominator", "down", "up", "half_up", "half_even"), ROUNDED
)
@pytest.mark.parametrize("sign", [1, -1])
def test_roundings(sign, numerator, denominator, down, up, half_up, half_even):
    """Each rounding does what its name says, below zero as the mirror image."""
    rounded = {each: round_ratio(sign * numerator, denominator, each) for each in Rounding}

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
def test_a_share_is_rounded_once(amount, part, rounding, expected):
    """A share is exact up to one rounding, which is symmetrical around zero."""
    assert eur(expected) == eur(amount).share(part, rounding)


def test_a_share_is_rounded_half_up_unless_told_otherwise():
    """The default rounding is half up."""
    half = Fraction(1, 2)

    assert (Money(3, EUR), Money(3, EUR)) == (
        Money(5, EUR).share(half),
        Money(5, EUR).split(half)[0],
    )


@pytest.mark.parametrize(
    "part", [0.5, Decimal("0.5"), "1/2", True, None, np.float64(0.5)], ids=repr
)
@pytest.mark.parametrize("method", ["share", "split"])
def test_an_inexact_part_is_refused(method, part):
    """A part is a Fraction or a whole number, never a float."""
    with pytest.raises(WrongType, match=r"^part must be an exact share \(Fraction\), not "):
        getattr(eur("1"), method)(part)


@pytest.mark.parametrize("method", ["share", "split"])
def test_a_rounding_by_another_name_is_refused(method):
    """A rounding is a Rounding, and no text."""
    with pytest.raises(WrongType, match=r"^rounding must be a Rounding"):
        getattr(eur("1"), method)(Fraction(1, 2), "half up")


@pytest.mark.parametrize(
    ("minor", "part", "rounding", "expected"),
    [
        # Both rounded half up, 1.5 and 0.5 would make 2 and 1 out of 2.
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
def test_a_split_adds_up(minor, part, rounding, expected):
    """The part is rounded, the rest is what remains."""
    assert tuple(Money(each, EUR) for each in expected) == Money(minor, EUR).split(part, rounding)


@pytest.mark.parametrize("part", [Fraction(-1, 30), Fraction(31, 30), 2, -1])
def test_a_split_at_less_than_nothing_or_more_than_all_is_refused(part):
    """A part to split off lies between nothing and all."""
    with pytest.raises(InvalidValue) as caught:
        eur("1").split(part)

    assert f"part must be between 0 and 1, not {part}" == str(caught.value)


@pytest.mark.parametrize(
    ("amount", "weights", "expected"),
    [
        # A published example of three taxes. 22000 cents over 1000001: 9800.0002, 200.0018 and
        # 11999.998, so that the cent that is left goes to the last.
        ("220.00", (445455, 9091, 545455), ("98.00", "2.00", "120.00")),
        ("1.00", (1, 1, 1), ("0.34", "0.33", "0.33")),
        ("0.02", (1, 1, 1), ("0.01", "0.01", "0.00")),
        ("-1.00", (1, 1, 1), ("-0.34", "-0.33", "-0.33")),
        # 8/5, 12/5: the rests are 3/5 and 2/5.
        ("0.04", (2, 3), ("0.02", "0.02")),
        ("1.00", (0, 1, 0), ("0.00", "1.00", "0.00")),
        ("0.00", (1, 2), ("0.00", "0.00")),
        ("1.00", (7,), ("1.00",)),
    ],
)
def test_allocation_goes_by_the_largest_remainder(amount, weights, expected):
    """All are rounded down; what is left goes to the largest rests, among equals to the earlier."""
    assert tuple(map(eur, expected)) == eur(amount).allocate(weights)


@pytest.mark.parametrize(
    "weights", [[1, 2], (1, 2), range(1, 3), [np.uint8(1), np.uint8(2)]], ids=repr
)
def test_weights_are_any_sequence_of_whole_numbers(weights):
    """What the signature calls a sequence is taken."""
    assert (Money(100, EUR), Money(200, EUR)) == eur("3").allocate(weights)


@pytest.mark.parametrize(
    ("weights", "expected"),
    [
        ([], "weights must be at least one weight above zero, not []"),
        ([0, 0], "weights must be at least one weight above zero, not [0, 0]"),
        ([1, -1], "weights[1] must be at least 0, not -1"),
    ],
)
def test_weights_that_cannot_share_are_refused(weights, expected):
    """There must be a weight, none below zero."""
    with pytest.raises(InvalidValue) as caught:
        eur("1").allocate(weights)

    assert expected == str(caught.value)


@pytest.mark.parametrize("weights", ["11", [1.0], [True], [1, "1"], None, {1, 2}], ids=repr)
def test_weights_are_whole_numbers(weights):
    """Percentages as floats are no weights."""
    with pytest.raises(WrongType, match=r"^weights"):
        eur("1").allocate(weights)


def test_the_ambient_decimal_context_changes_nothing():
    """Reading, showing and sharing do not look at the thread's precision, exponents or traps."""
    strict = decimal.Context(prec=1, Emin=0, Emax=0, capitals=0, clamp=1)
    strict.traps = dict.fromkeys(strict.traps, True)

    def story():
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

    expected = story()
    with decimal.localcontext(strict):
        found = story()

    assert expected == found


def test_money_pickles():
    """Amounts go to another process and come back equal."""
    money = eur("6.95")

    assert money == pickle.loads(pickle.dumps(money))


def test_money_is_frozen():
    """No amount changes under the feet of whoever holds it."""
    with pytest.raises(AttributeError):
        eur("1").minor = 5


def test_an_amount_too_long_to_print_is_refused():
    """Whatever amount can be made can be printed; one of thousands of digits cannot be made."""
    with pytest.raises(InvalidValue, match=r"^minor must be "):
        Money(10**5000, EUR)
