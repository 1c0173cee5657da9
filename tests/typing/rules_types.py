"""The types of rules, plans and errors, checked by mypy and pyright and never run.

Each line with ``type: ignore`` is a mistake that a type checker must find. An ignore that is not
needed is an error too.
"""

from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from typing import assert_type

from channelplans.calendar import Days, Months, Term
from channelplans.errors import (
    ChannelPlansError,
    ChannelsOutOfRange,
    InsufficientCredit,
    NotDecodable,
    RuleError,
    UnknownEdition,
    WrongType,
)
from channelplans.money import Rounding
from channelplans.offers import SKYPE_CONNECT
from channelplans.plans import Offer, Plan, violations
from channelplans.quantities import (
    Quantity,
    QuantityRule,
    Step,
    normalize_quantity,
    profiles_for,
    split_profiles,
)
from channelplans.rules import (
    BundleRule,
    CallRule,
    ChangeEffect,
    ChangeRule,
    NonPaymentRule,
    Notice,
    RefundBasis,
    RefundRule,
    Rollover,
    TermRule,
    check_change,
    validate_bundles,
)

DAY = date(2026, 1, 5)


def quantities() -> None:
    """A rule turns the requested number into the granted number."""
    rule = QuantityRule(1, 300, (Step(above=100, multiple=10),), Rounding.DOWN)
    quantity = normalize_quantity(105, rule)

    assert_type(quantity, Quantity)
    assert_type(quantity.requested, int)
    assert_type(quantity.granted, int)
    assert_type(quantity.adjusted, bool)
    assert_type(rule.steps, tuple[Step, ...])
    assert_type(rule.rounding, Rounding)
    assert_type(split_profiles(350, rule), tuple[int, ...])
    assert_type(profiles_for(437, rule), tuple[int, ...])
    QuantityRule(1, 300, Step(100, 10))  # type: ignore[arg-type]
    QuantityRule(1, 300, (), "down")  # type: ignore[arg-type]
    QuantityRule(1)  # type: ignore[call-arg]
    normalize_quantity("105", rule)  # type: ignore[arg-type]
    normalize_quantity(105.0, rule)  # type: ignore[arg-type]
    split_profiles(350, 300)  # type: ignore[arg-type]
    quantity.requested = 5  # type: ignore[misc]


def bundles_and_changes() -> None:
    """A check returns None or raises an error."""
    bundles = BundleRule("US minutes", 5000, ("US",), longest_call=timedelta(hours=12))

    assert_type(bundles.most(5), int)
    assert_type(bundles.area, tuple[str, ...])
    assert_type(bundles.longest_call, timedelta | None)
    assert_type(bundles.per_channel, int | None)
    assert_type(bundles.rollover, Rollover | None)
    assert_type(Rollover(terms=1).cap, int | None)
    validate_bundles(3, channels=5, rule=bundles)
    check_change(None, on=DAY, rule=ChangeRule(Days(1)))
    check_change(DAY, on=DAY, rule=ChangeRule(None))
    validate_bundles(3, 5, bundles)  # type: ignore[call-arg]
    validate_bundles("3", channels=5, rule=bundles)  # type: ignore[arg-type]
    check_change(DAY, DAY, ChangeRule())  # type: ignore[call-arg]
    check_change(DAY, on="2026-01-06", rule=ChangeRule())  # type: ignore[arg-type]


def other_rules() -> None:
    """Each part of an offer has a separate type."""
    assert_type(TermRule(Months(1)).length, Days | Months)
    assert_type(TermRule(Months(1), billing_day=1).minimum_term, Days | Months | None)
    assert_type(TermRule(Months(1)).anchor(DAY), date)
    assert_type(TermRule(Months(1)).first(DAY), Term)
    assert_type(TermRule(Months(1)).nth(DAY, 1), Term)
    assert_type(TermRule(Months(1)).renewals(DAY), Iterator[date])
    assert_type(ChangeRule().cooldown, Days | Months | None)
    assert_type(ChangeRule().more, ChangeEffect)
    assert_type(NonPaymentRule().grace, Days | None)
    assert_type(NonPaymentRule().drops_bundles, bool)
    assert_type(SKYPE_CONNECT.non_payment, NonPaymentRule)
    assert_type(RefundRule().bundles, RefundBasis)
    assert_type(RefundRule().change_day_used, bool)
    assert_type(CallRule().minimum, timedelta)
    assert_type(Notice("code", "text", "H21").text, str)
    TermRule(30)  # type: ignore[arg-type]
    ChangeRule(1)  # type: ignore[arg-type]
    ChangeRule(more="prorated")  # type: ignore[arg-type]
    NonPaymentRule(grace=7)  # type: ignore[arg-type]
    NonPaymentRule(grace=Months(1))  # type: ignore[arg-type]
    RefundRule(bundles="minutes")  # type: ignore[arg-type]
    CallRule(30)  # type: ignore[arg-type]
    Notice("code")  # type: ignore[call-arg]


def plans() -> None:
    """An offer makes plans and lists all violations of a request."""
    plan = SKYPE_CONNECT.plan(channels=105, bundles=2)

    assert_type(SKYPE_CONNECT, Offer)
    assert_type(SKYPE_CONNECT.bundle, BundleRule | None)
    assert_type(SKYPE_CONNECT.notices, tuple[Notice, ...])
    assert_type(plan, Plan)
    assert_type(Plan(SKYPE_CONNECT, 100), Plan)
    assert_type(plan.channels, int)
    assert_type(plan.requested, int)
    assert_type(plan.replace(channels=5), Plan)
    assert_type(plan.minutes, int)
    assert_type(violations(SKYPE_CONNECT, channels=350), tuple[RuleError, ...])
    SKYPE_CONNECT.plan(105)  # type: ignore[call-arg]
    SKYPE_CONNECT.plan(channels="105")  # type: ignore[arg-type]
    SKYPE_CONNECT.plan(channels=105, bundles=2.0)  # type: ignore[arg-type]
    Plan("Skype Connect", 100)  # type: ignore[arg-type]
    Plan(SKYPE_CONNECT)  # type: ignore[call-arg]
    violations(SKYPE_CONNECT, 350)  # type: ignore[call-arg]
    plan.channels = 110  # type: ignore[misc]


def errors(caught: ChannelPlansError) -> None:
    """All errors have a code. Each error class also has its fields."""
    assert_type(caught.code, str)
    if isinstance(caught, ChannelsOutOfRange):
        assert_type(caught.requested, int)
        assert_type(caught.split, tuple[int, ...])
    if isinstance(caught, InsufficientCredit):
        assert_type(caught.missing, Decimal)
    if isinstance(caught, NotDecodable):
        assert_type(caught.path, str)
    if isinstance(caught, UnknownEdition):
        assert_type(caught.known, tuple[str, ...])
    if isinstance(caught, WrongType):
        caught.parameter = "x"  # type: ignore[misc]
    _ = caught.requested  # type: ignore[attr-defined]
