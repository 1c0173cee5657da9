"""Every error has a code, a helpful message and a builtin base class, and can be pickled."""

import ast
import copy
import inspect
import pickle
import re
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from channelplans import errors
from channelplans.calls import Call
from channelplans.errors import (
    AllowanceNeeded,
    BarredNumber,
    BundlesNotAllowed,
    CalendarEnds,
    ChangedTooSoon,
    ChannelPlansError,
    ChannelsNotSellable,
    ChannelsOutOfRange,
    Conflict,
    CurrencyMismatch,
    InsufficientCredit,
    InvalidValue,
    MixedChange,
    NotDecodable,
    NotOffered,
    OutsideTerm,
    PlanUnchanged,
    RuleError,
    TokenReused,
    TotalNotReachable,
    TransitionNotAllowed,
    UnknownEdition,
    UnknownRate,
    UnknownWallet,
    WrongType,
    quoted,
)
from channelplans.money import EUR, Currency, Money
from channelplans.offers import SKYPE_CONNECT
from channelplans.rules import BundleRule
from channelplans.tariffs import Ladder, Tariff, Tier

BASE_CLASSES = {"ChannelPlansError", "RuleError"}

JAN_5, JAN_6, FEB_4 = date(2026, 1, 5), date(2026, 1, 6), date(2026, 2, 4)

# Each error with the parts that its message must contain: the mistake, and what would work.
SAMPLES = [
    (WrongType("channels", "'5' (str)", "a whole number"), ["channels", "'5'", "a whole number"]),
    (InvalidValue("code", "'eur'", "three capital letters"), ["code", "'eur'", "three capital"]),
    (CurrencyMismatch("EUR", "USD"), ["EUR was expected", "USD was given", "does not convert"]),
    (CurrencyMismatch("EUR with 2 decimals", "EUR with 5 decimals"), ["Money.to"]),
    (CurrencyMismatch("EUR", "USD", "make two"), ["EUR was expected", "given; make two"]),
    (CalendarEnds(JAN_5, "30 days", 7), ["term 7", "30 days", "2026-01-05", "9999-12-31"]),
    (ChannelsOutOfRange(0, 1, 300), ["at least 1", "at most 300", "not 0"]),
    (ChannelsOutOfRange(350, 1, 300, (300, 50)), ["at most 300", "350 needs two", "300 + 50"]),
    (ChannelsNotSellable(105, 100), ["105 channels", "sold as 100"]),
    (BundlesNotAllowed(3, 2, "at most 1 each"), ["bundles", "0 to 2", "not 3", "at most 1 each"]),
    (BundlesNotAllowed(-1, None, "fewer than none"), ["at least 0", "not -1", "fewer than none"]),
    (TotalNotReachable(7, 1000, (6, 8)), ["7 channels", "1,000 profiles", "totals", "6 and 8"]),
    (TotalNotReachable(0, 1000, (1,)), ["0 channels", "nearest total that can: 1"]),
    (ChangedTooSoon(JAN_5, JAN_5, JAN_6), ["changed on 2026-01-05", "from 2026-01-06"]),
    (PlanUnchanged("10 channels", "active"), ["10 channels", "already", "renew"]),
    (PlanUnchanged("10 channels", "cancelled"), ["10 channels", "already", "resume"]),
    (
        MixedChange("9 channels and 1 bundle", "8 channels and 2 bundles"),
        ["from 9 channels and 1 bundle", "to 8 channels and 2 bundles", "separately"],
    ),
    (
        NotOffered("plan of 350 channels", "Nordlicht", "the nearest is 300"),
        ["'Nordlicht' has no plan of 350 channels", "; the nearest is 300"],
    ),
    (TransitionNotAllowed("renew", "ended", ("buy",)), ["renew", "ended", "possible: buy"]),
    (
        TransitionNotAllowed("change", "not bought yet", ("buy",), "acme", "o'brien"),
        ["change", """profile "o'brien" of account 'acme' has no subscription""", "possible: buy"],
    ),
    (
        TransitionNotAllowed("buy", "active", ("change", "cancel"), "acme", "berlin"),
        [
            "because profile 'berlin' of account 'acme' has a subscription, which is active",
            "change it, or buy for another profile",
            "possible: change, cancel",
        ],
    ),
    (OutsideTerm("use", FEB_4, JAN_5, FEB_4), ["2026-01-05", "the day before 2026-02-04"]),
    (OutsideTerm("renew", JAN_5, FEB_4, None, "wait"), ["from 2026-02-04 on", "not on", "wait"]),
    (
        BarredNumber("112", "Skype Connect"),
        ["'Skype Connect' cannot call '112'", "(H21)", "another"],
    ),
    (AllowanceNeeded("minutes"), ["by minutes", "allowance="]),
    (
        UnknownEdition("on 2025-12-31", ("2026, from 2026-01-01 on", "2027")),
        ["no edition on 2025-12-31", "2026, from 2026-01-01 on; 2027"],
    ),
    (UnknownRate("FR", "list", ("DE", "PL")), ["'list'", "'FR'", "DE, PL"]),
    (UnknownRate("FR", "list", ()), ["'FR'", "none"]),
    (UnknownWallet("account 'acme'"), ["account 'acme' has no postings", "pay credit in"]),
    (
        NotDecodable("offer.quantity.steps[0].multiple", "must be at least 1, not 0"),
        ["offer.quantity.steps[0].multiple: must be", "at least 1, not 0"],
    ),
    (
        InsufficientCredit("account 'a'", Decimal("2.50"), Decimal("1E+1"), Decimal("0.00"), "EUR"),
        ["account 'a' holds 10 EUR", "2.50 EUR is needed", "0.00 EUR is missing"],
    ),
    (
        Conflict("acme", "berlin", "7", "9"),
        [
            "profile 'berlin' of account 'acme'",
            "for revision 7",
            "the store has revision 9",
            "it was not committed",
            "decide again",
        ],
    ),
    (
        Conflict("acme", "berlin", None, "9"),
        ["made for nothing", "the store has revision 9"],
    ),
    (
        Conflict("acme", None, "12 postings", "13 postings"),
        ["for account 'acme' was made for 12 postings", "the store has 13 postings"],
    ),
    (
        Conflict("acme", "berlin", "0 postings", "1 posting"),
        ["profile 'berlin' of account 'acme' was made for 0 postings", "has 1 posting;"],
    ),
    (Conflict("acme", "berlin", "7", None), ["made for revision 7", "the store has nothing"]),
    (
        TokenReused("transfer/p-1"),
        ["token 'transfer/p-1'", "another decision", "nothing was committed", "a new identifier"],
    ),
]

CODES = {
    "ChannelPlansError": "error",
    "RuleError": "rule",
    "AllowanceNeeded": "allowance-needed",
    "BarredNumber": "barred-number",
    "BundlesNotAllowed": "bundles-not-allowed",
    "CalendarEnds": "calendar-ends",
    "ChangedTooSoon": "changed-too-soon",
    "ChannelsNotSellable": "channels-not-sellable",
    "ChannelsOutOfRange": "channels-out-of-range",
    "Conflict": "conflict",
    "CurrencyMismatch": "currency-mismatch",
    "InsufficientCredit": "insufficient-credit",
    "InvalidValue": "invalid-value",
    "MixedChange": "mixed-change",
    "NotDecodable": "not-decodable",
    "NotOffered": "not-offered",
    "OutsideTerm": "outside-term",
    "PlanUnchanged": "plan-unchanged",
    "TokenReused": "token-reused",
    "TotalNotReachable": "total-not-reachable",
    "TransitionNotAllowed": "transition-not-allowed",
    "UnknownEdition": "unknown-edition",
    "UnknownRate": "unknown-rate",
    "UnknownWallet": "unknown-wallet",
    "WrongType": "wrong-type",
}

ERROR_CLASSES = [
    value
    for value in vars(errors).values()
    if inspect.isclass(value) and issubclass(value, BaseException)
]


def class_name(value):
    """Return the class name of an error, as the id of its test case."""
    return type(value).__name__ if isinstance(value, Exception) else ""


# The class in a ``raise`` statement.
RAISED = re.compile(r"^ +raise (?:errors\.)?(\w+)", re.MULTILINE)

for_each_error = pytest.mark.parametrize("error", [error for error, _ in SAMPLES], ids=class_name)


def test_error_codes_are_stable_and_unique():
    """Each error class has its own code, and the code does not change."""
    codes = {error_class.__name__: vars(error_class)["code"] for error_class in ERROR_CLASSES}

    assert CODES == codes
    assert len(CODES) == len(set(CODES.values()))


def test_every_error_is_public_and_has_a_sample():
    """``__all__`` lists every error, and SAMPLES holds every concrete error."""
    assert sorted(CODES) == errors.__all__
    assert set(CODES) - BASE_CLASSES == {type(error).__name__ for error, _ in SAMPLES}


@pytest.mark.parametrize("error_class", ERROR_CLASSES)
def test_every_error_is_documented(error_class):
    """A docstring begins with a sentence and describes every field."""
    summary, *details = inspect.cleandoc(vars(error_class)["__doc__"]).splitlines()
    fields = inspect.signature(error_class).parameters
    described_names = {line.split(":")[0].strip() for line in details}

    assert summary.endswith(".")
    assert set(fields) <= described_names


@pytest.mark.parametrize(("error", "parts"), SAMPLES, ids=class_name)
def test_message_names_the_mistake_and_a_way_out(error, parts):
    """The message names the value, the bound or the state, and what would work."""
    message = str(error)

    assert [] == [part for part in parts if part not in message]


@pytest.mark.parametrize(
    ("split", "expected"),
    [
        ((300, 1), "two profiles, 300 + 1"),
        ((300, 300, 1), "three profiles, 300 + 300 + 1"),
        ((9,) * 6, "six profiles, 9 + 9 + 9 + 9 + 9 + 9"),
        ((9,) * 7, "7 profiles"),
        ((9,) * 1000, "1,000 profiles"),
    ],
)
def test_channels_out_of_range_lists_at_most_six_profiles(split, expected):
    """The message lists the channels of up to six profiles, and only counts more profiles."""
    total = sum(split)
    message = str(ChannelsOutOfRange(total, 1, max(split), split))

    assert message.endswith(f"; {total} needs {expected}")


@for_each_error
def test_error_has_one_builtin_base_class(error):
    """An error is a TypeError, a LookupError, a RuntimeError or, by default, a ValueError."""
    builtin_bases = {
        Conflict: RuntimeError,
        UnknownEdition: LookupError,
        UnknownRate: LookupError,
        UnknownWallet: LookupError,
        WrongType: TypeError,
    }
    candidates = (TypeError, LookupError, ValueError, RuntimeError)
    bases = [base for base in candidates if isinstance(error, base)]

    assert isinstance(error, ChannelPlansError)
    assert [builtin_bases.get(type(error), ValueError)] == bases


def test_breaches_of_an_offer_are_rule_errors():
    """RuleError is the base of the errors for requests that an offer's rules forbid."""
    rule_errors = {type(error).__name__ for error, _ in SAMPLES if isinstance(error, RuleError)}

    assert {
        "AllowanceNeeded",
        "BarredNumber",
        "BundlesNotAllowed",
        "ChangedTooSoon",
        "ChannelsNotSellable",
        "ChannelsOutOfRange",
        "MixedChange",
        "NotOffered",
        "OutsideTerm",
        "PlanUnchanged",
        "TotalNotReachable",
        "TransitionNotAllowed",
    } == rule_errors


def parts_of(error):
    """Return what a copy of an error must have: the class, the fields and the message."""
    return type(error), error.args, str(error)


@for_each_error
def test_error_pickles(error):
    """An unpickled error has the same class, fields and message."""
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        assert parts_of(error) == parts_of(pickle.loads(pickle.dumps(error, protocol)))


@for_each_error
def test_error_can_be_copied(error):
    """A copy of an error has the same class, fields and message."""
    assert parts_of(error) == parts_of(copy.copy(error)) == parts_of(copy.deepcopy(error))


@for_each_error
def test_error_can_be_raised_with_a_cause_and_notes(error):
    """Python can set the cause and the notes of a frozen error."""
    cause = KeyError("x")

    with pytest.raises(type(error)) as caught:
        raise copy.copy(error) from cause
    caught.value.add_note("order 7")

    assert (cause, ["order 7"]) == (caught.value.__cause__, caught.value.__notes__)


@for_each_error
def test_error_is_frozen(error):
    """A field of an error cannot be set."""
    first_field, *_ = inspect.signature(type(error)).parameters

    with pytest.raises(AttributeError, match=f"^{first_field} of an error cannot be changed$"):
        setattr(error, first_field, None)


def test_base_classes_are_never_raised():
    """The package raises only concrete errors; the base classes are for ``except``."""
    texts = [path.read_text("utf-8") for path in Path(errors.__file__).parent.rglob("*.py")]
    raised = {name for text in texts for name in RAISED.findall(text)}

    assert "WrongType" in raised
    assert set() == raised & BASE_CLASSES


@pytest.mark.parametrize("name", ["berlin", "o'brien", 'a "b"', "'\"", "a\\", "ż", "x" * 80])
def test_quoted_name_is_a_python_literal(name):
    """Python reads the name back, so quotes inside a name cannot end it early."""
    assert name == ast.literal_eval(quoted(name))


def test_quoted_cuts_a_long_name():
    """Only the first 80 characters are shown, and dots after the quotes say that more follow."""
    assert f"'{'x' * 80}'..." == quoted("x" * 81)


@pytest.mark.parametrize(
    "make_error",
    [
        lambda name: Conflict(name, None, "7", "9"),
        lambda name: Conflict("acme", name, "7", "9"),
        TokenReused,
        lambda name: BarredNumber("112", name),
        lambda name: BarredNumber(name, "lines"),
        lambda name: NotOffered("bundles", name, "buy channels"),
        lambda name: UnknownRate(name, "list", ()),
        lambda name: UnknownRate("FR", name, ()),
    ],
)
def test_message_quotes_and_cuts_a_long_name(make_error):
    """A name of ten million characters adds less than 100 to a message."""
    length = len(str(make_error("x")))
    message = str(make_error("x" * 10_000_000))

    assert f"'{'x' * 80}'..." in message
    assert length + 100 > len(message)


LONG_TEXT = "x" * 1_000_000
LONG_PREFIX = "1" * 1_000_000
LONG_PRICE = Decimal(LONG_PREFIX)


def tariff_with(**prices):
    """Return a tariff with a price of a channel, and other prices."""
    return Tariff("list", EUR, **{"channel": 1, **prices})


@pytest.mark.slow
@pytest.mark.parametrize(
    "refused",
    [
        lambda: Call("c-1", LONG_TEXT, "US", date(2026, 1, 5), timedelta(1)),
        lambda: Money.of(LONG_TEXT, EUR),
        lambda: Money.of(LONG_PRICE, EUR),
        lambda: Money.of(1, EUR).allocate([0] * 100_000),
        lambda: Currency(LONG_TEXT, 2),
        lambda: BundleRule("US", 5000, (LONG_TEXT,)),
        lambda: BundleRule("US", 5000, ("US",), calling_code=LONG_TEXT),
        lambda: BundleRule("US", 5000, ("US",), calling_code=f"0{LONG_PREFIX}"),
        lambda: BundleRule("US", 5000, ("US",), excluded_prefixes=(LONG_TEXT,)),
        lambda: tariff_with(channel=LONG_PRICE),
        lambda: tariff_with(channel=f"-{LONG_PREFIX}"),
        lambda: tariff_with(minute=-LONG_PRICE),
        lambda: tariff_with(rates={LONG_TEXT: "-1"}),
        lambda: tariff_with(rates={LONG_TEXT: LONG_PRICE}),
        lambda: tariff_with(rates={LONG_PREFIX: "1"}),
        lambda: tariff_with(rates={LONG_TEXT: "1"}).rate_for("PL", SKYPE_CONNECT),
        lambda: Ladder((Tier(None, unit=LONG_PRICE),)),
        lambda: Ladder(tuple(Tier(5, unit=1) for _ in range(1000))),
    ],
)
def test_message_about_a_long_value_is_short(refused):
    """The values are cut, so that no input fills a log."""
    with pytest.raises(ChannelPlansError) as caught:
        refused()

    assert 300 > len(str(caught.value))
