"""Errors are values: they have a code, a sentence that helps, a builtin beside them, and pickle."""

import ast
import copy
import inspect
import pickle
from datetime import date
from decimal import Decimal
from pathlib import Path

import attrs
import pytest

from channelplans import errors
from channelplans.errors import (
    AllowanceNeeded,
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
    WrongType,
)

ROOTS = {"ChannelPlansError", "RuleError"}

JAN_5, JAN_6, FEB_4 = date(2026, 1, 5), date(2026, 1, 6), date(2026, 2, 4)

# Each error with what its sentence must tell: what was wrong, and what would work.
SAMPLES = [
    (WrongType("channels", "'5' (str)", "a whole number"), ["channels", "'5'", "a whole number"]),
    (InvalidValue("code", "'eur'", "three capital letters"), ["code", "'eur'", "three capital"]),
    (CurrencyMismatch("EUR", "USD"), ["EUR was expected", "USD was given", "converts"]),
    (CurrencyMismatch("EUR with 2 decimals", "EUR with 5 decimals"), ["Money.to"]),
    (CalendarEnds(JAN_5, "30 days", 7), ["term 7", "30 days", "2026-01-05", "9999-12-31"]),
    (ChannelsOutOfRange(0, 1, 300), ["at least 1", "at most 300", "not 0"]),
    (ChannelsOutOfRange(350, 1, 300, (300, 50)), ["at most 300", "350 needs two", "300 + 50"]),
    (ChannelsNotSellable(105, 105, 100), ["105 channels", "sold as 100", "plan(channels=105)"]),
    (ChannelsNotSellable(110, 105, 100), ["request for 105", "sold as 100", "not as 110"]),
    (BundlesNotAllowed(3, 2, "at most 1 each"), ["bundles", "0 to 2", "not 3", "at most 1 each"]),
    (BundlesNotAllowed(-1, None, "fewer than none"), ["at least 0", "not -1", "fewer than none"]),
    (TotalNotReachable(7, 1000, (6, 8)), ["7 channels", "1,000 profiles", "totals", "6 and 8"]),
    (TotalNotReachable(0, 1000, (1,)), ["0 channels", "nearest total that can: 1"]),
    (ChangedTooSoon(JAN_5, JAN_5, JAN_6), ["changed on 2026-01-05", "from 2026-01-06"]),
    (PlanUnchanged("10 channels", "active"), ["10 channels", "already", "renew"]),
    (PlanUnchanged("10 channels", "cancelled"), ["10 channels", "already", "resume"]),
    (
        MixedChange("9 channels and 1 bundle", "8 channels and 2 bundles"),
        ["from 9 channels and 1 bundle", "to 8 channels and 2 bundles", "one at a time"],
    ),
    (
        NotOffered("plan of 350 channels", "Nordlicht", "the nearest is 300"),
        ["Nordlicht has no plan of 350 channels", "; the nearest is 300"],
    ),
    (TransitionNotAllowed("renew", "ended", ("buy",)), ["renew", "ended", "possible: buy"]),
    (OutsideTerm("use", FEB_4, JAN_5, FEB_4), ["2026-01-05", "the day before 2026-02-04"]),
    (OutsideTerm("renew", JAN_5, FEB_4, None, "wait"), ["from 2026-02-04 on", "not on", "wait"]),
    (AllowanceNeeded("minutes"), ["by minutes", "allowance="]),
    (
        UnknownEdition("on 2025-12-31", ("2026, from 2026-01-01 on", "2027")),
        ["no edition on 2025-12-31", "2026, from 2026-01-01 on; 2027"],
    ),
    (UnknownRate("FR", "list", ("DE", "PL")), ["'list'", "'FR'", "DE, PL"]),
    (UnknownRate("FR", "list", ()), ["'FR'", "none"]),
    (
        NotDecodable("offer.quantity.steps[0].multiple", "must be at least 1, not 0"),
        ["offer.quantity.steps[0].multiple: must be", "at least 1, not 0"],
    ),
    (
        InsufficientCredit("account a", Decimal("2.50"), Decimal("1E+1"), Decimal("0.00"), "EUR"),
        ["account a", "2.50 EUR is needed", "holds 10 EUR", "0.00 EUR more"],
    ),
    (
        Conflict("berlin", "7", "9"),
        ["profile berlin", "at revision 7", "is at 9 by now", "nothing was done", "decide again"],
    ),
    (Conflict("berlin", None, "9"), ["decided on at revision none", "is at 9 by now"]),
    (Conflict("berlin", "7", None), ["decided on at revision 7", "is at none by now"]),
    (
        TokenReused("transfer/p-1"),
        ["transfer/p-1", "another decision", "nothing was done", "an identifier of its own"],
    ),
]

CODES = {
    "ChannelPlansError": "error",
    "RuleError": "rule",
    "AllowanceNeeded": "allowance-needed",
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
    "WrongType": "wrong-type",
}

CLASSES = [
    each
    for each in vars(errors).values()
    if inspect.isclass(each) and issubclass(each, BaseException)
]


def named(sample):
    """Name a sample by its class."""
    return type(sample).__name__ if isinstance(sample, Exception) else ""


samples = pytest.mark.parametrize("error", [error for error, _ in SAMPLES], ids=named)


def raised_names(tree):
    """Return the names of what a module raises, whether called or not."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Raise) and node.exc is not None:
            raised = node.exc.func if isinstance(node.exc, ast.Call) else node.exc
            yield raised.attr if isinstance(raised, ast.Attribute) else getattr(raised, "id", "")


def test_codes_are_stable_and_unique():
    """Each error class has a code of its own, which programs may rely on."""
    found = {each.__name__: vars(each)["code"] for each in CLASSES}

    assert CODES == found
    assert len(CODES) == len(set(CODES.values()))


def test_every_error_is_public_and_has_a_sample():
    """The module's list of names is whole, and the tests below leave no concrete error out."""
    assert sorted(CODES) == errors.__all__
    assert set(CODES) - ROOTS == {type(error).__name__ for error, _ in SAMPLES}


@pytest.mark.parametrize("each", CLASSES)
def test_every_error_is_documented(each):
    """Each class says in a sentence of its own when it is raised, and what its fields are."""
    summary, *told = inspect.cleandoc(vars(each)["__doc__"]).splitlines()
    fields = attrs.fields(each) if attrs.has(each) else ()
    described = {line.split(":")[0].strip() for line in told}

    assert summary.endswith(".")
    assert {field.name for field in fields} <= described


@pytest.mark.parametrize(("error", "parts"), SAMPLES, ids=named)
def test_sentences_tell_what_was_wrong_and_what_works(error, parts):
    """The sentence names the value, the bound or the state, and what would work instead."""
    sentence = str(error)

    assert [] == [part for part in parts if part not in sentence]


@pytest.mark.parametrize(
    ("split", "words"),
    [
        ((300, 1), "two profiles, 300 + 1"),
        ((300, 300, 1), "three profiles, 300 + 300 + 1"),
        ((9,) * 6, "six profiles, 9 + 9 + 9 + 9 + 9 + 9"),
        ((9,) * 7, "7 profiles"),
        ((9,) * 1000, "1,000 profiles"),
    ],
)
def test_profiles_are_listed_up_to_six(split, words):
    """Few profiles are counted in words and listed; many are only counted."""
    sentence = str(ChannelsOutOfRange(sum(split), 1, max(split), split))

    assert sentence.endswith(f"; {sum(split)} needs {words}")


@samples
def test_errors_have_the_builtin_that_callers_expect(error):
    """Wrong types are TypeErrors, look-ups LookupErrors, what came too late a RuntimeError.

    Everything else is a ValueError.
    """
    builtins = {
        Conflict: RuntimeError,
        UnknownEdition: LookupError,
        UnknownRate: LookupError,
        WrongType: TypeError,
    }
    kinds = (TypeError, LookupError, ValueError, RuntimeError)

    assert isinstance(error, ChannelPlansError)
    assert [builtins.get(type(error), ValueError)] == [k for k in kinds if isinstance(error, k)]


def test_breaches_of_an_offer_are_rule_errors():
    """What a provider's rules forbid can be told apart from wrong input and missing credit."""
    breaches = {type(error).__name__ for error, _ in SAMPLES if isinstance(error, RuleError)}

    assert {
        "AllowanceNeeded",
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
    } == breaches


@samples
@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_errors_pickle(error, protocol):
    """An error comes back from another process with its class, fields and sentence."""
    again = pickle.loads(pickle.dumps(error, protocol))

    assert (type(error), error.args, str(error)) == (type(again), again.args, str(again))


@samples
@pytest.mark.parametrize("way", [copy.copy, copy.deepcopy])
def test_errors_can_be_copied(error, way):
    """A copy says what its original says."""
    again = way(error)

    assert (type(error), error.args, str(error)) == (type(again), again.args, str(again))


@samples
def test_errors_can_be_raised_with_a_cause_and_notes(error):
    """Frozen errors still take what Python hangs on them while they travel."""
    cause = KeyError("x")

    with pytest.raises(type(error)) as caught:
        raise copy.copy(error) from cause
    caught.value.add_note("order 7")

    assert (cause, ["order 7"]) == (caught.value.__cause__, caught.value.__notes__)


@samples
def test_errors_cannot_be_changed(error):
    """The fields of an error are as immutable as those of any other value."""
    field = type(error).__attrs_attrs__[0].name

    with pytest.raises(AttributeError):
        setattr(error, field, None)


def test_the_roots_are_never_raised():
    """Only concrete errors are raised anywhere in the package; the roots are for except."""
    sources = sorted(Path(errors.__file__).parent.rglob("*.py"))
    raised = {name for each in sources for name in raised_names(ast.parse(each.read_text("utf-8")))}

    assert "WrongType" in raised
    assert set() == raised & ROOTS
