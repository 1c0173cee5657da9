"""Tests of offers and plans: an illegal plan cannot be made, and violations are listed together."""

import pickle
from datetime import timedelta

import attrs
import numpy as np
import pytest

from channelplans.calendar import Days, Months
from channelplans.errors import (
    BundlesNotAllowed,
    ChannelsOutOfRange,
    InvalidValue,
    MixedChange,
    RuleError,
    WrongType,
)
from channelplans.offers import OFFERS, SKYPE_CONNECT
from channelplans.plans import Offer, Plan, violations
from channelplans.quantities import QuantityRule
from channelplans.rules import (
    BundleRule,
    CallRule,
    ChangeEffect,
    ChangeRule,
    RefundBasis,
    RefundRule,
    TermRule,
)

NO_BUNDLES = attrs.evolve(SKYPE_CONNECT, name="Bare", bundle=None)
NOT_WHOLE_NUMBERS = [True, False, 5.0, "5", None, np.float64(5)]
SCRIPT = "<script>alert('1')</script>"


@pytest.mark.parametrize(
    ("channels", "sold"), [(1, 1), (100, 100), (101, 100), (109, 100), (110, 110), (300, 300)]
)
def test_offer_plan_keeps_the_numbers_requested_and_sold(channels, sold):
    """The request is rounded as the rule says, and the plan keeps both numbers (H5)."""
    plan = SKYPE_CONNECT.plan(channels=channels)

    assert (channels, sold, 0) == (plan.requested, plan.channels, plan.bundles)


@pytest.mark.parametrize("channels", [0, -1, *range(301, 310), 10**17])
def test_offer_plan_refuses_channels_outside_the_limits(channels):
    """A request must be 1 to 300 channels before it is rounded (H2)."""
    with pytest.raises(ChannelsOutOfRange, match="at least 1 and at most 300"):
        SKYPE_CONNECT.plan(channels=channels)


@pytest.mark.parametrize("value", NOT_WHOLE_NUMBERS, ids=repr)
@pytest.mark.parametrize("parameter", ["channels", "bundles"])
@pytest.mark.parametrize(
    "function",
    [
        SKYPE_CONNECT.plan,
        lambda **request: violations(SKYPE_CONNECT, **request),
    ],
    ids=["plan", "violations"],
)
def test_numbers_of_channels_and_bundles_must_be_whole(function, parameter, value):
    """The error names the parameter that is a bool, a float or text."""
    request = {"channels": 5, "bundles": 0} | {parameter: value}

    with pytest.raises(WrongType, match=rf"^{parameter} must be a whole number"):
        function(**request)


@pytest.mark.parametrize("integer_type", [np.int64, np.uint8])
def test_plan_converts_numpy_integers_to_int(integer_type):
    """A plan holds plain ints, which do not overflow."""
    plan = SKYPE_CONNECT.plan(channels=integer_type(205), bundles=integer_type(200))

    assert (205, 200, 200) == (plan.requested, plan.channels, plan.bundles)
    assert {int} == {type(plan.requested), type(plan.channels), type(plan.bundles)}
    assert 1_000_000 == plan.minutes


def test_bundles_are_limited_by_the_channels_sold():
    """105 requested channels are sold as 100, so 103 bundles are refused (H12)."""
    with pytest.raises(BundlesNotAllowed) as caught:
        SKYPE_CONNECT.plan(channels=105, bundles=103)

    assert (103, 100) == (caught.value.bundles, caught.value.most)
    assert 100 == SKYPE_CONNECT.plan(channels=105, bundles=100).bundles


@pytest.mark.parametrize(
    ("bundles", "message"),
    [
        (-1, "bundles must be "),
        (11, "bundles must be 0 to 10, not 11: at most 1 for each of the 10"),
    ],
)
def test_plan_refuses_bundles_outside_the_limits(bundles, message):
    """A plan has 0 bundles or more, and at most one for each channel (H12)."""
    with pytest.raises(BundlesNotAllowed, match=rf"^{message}"):
        Plan(SKYPE_CONNECT, 10, bundles)


def test_offer_without_bundles_refuses_a_bundle():
    """A plan of such an offer has no bundles and no minutes."""
    plan = NO_BUNDLES.plan(channels=10)

    with pytest.raises(BundlesNotAllowed, match="'Bare' has no bundles"):
        NO_BUNDLES.plan(channels=10, bundles=1)

    assert (0, 0) == (plan.bundles, plan.minutes)


@pytest.mark.parametrize("requested", [0, -1, 301, 305, 10**17])
def test_plan_refuses_a_request_outside_the_limits(requested):
    """The limits apply to the request, before it is rounded (H2)."""
    with pytest.raises(ChannelsOutOfRange, match=r"^channels must be at least 1 and at most 300"):
        Plan(SKYPE_CONNECT, requested)


@pytest.mark.parametrize("requested", ["105", 105.0, True])
def test_plan_refuses_a_requested_number_that_is_not_whole(requested):
    """``requested`` must be a whole number."""
    with pytest.raises(WrongType, match=r"^requested must be a whole number"):
        Plan(SKYPE_CONNECT, requested)


@pytest.mark.parametrize("offer", [None, "Skype Connect", SKYPE_CONNECT.quantity], ids=repr)
def test_plan_and_problems_refuse_a_value_that_is_not_an_offer(offer):
    """The error names the parameter."""
    with pytest.raises(WrongType, match=r"^offer must be an Offer"):
        Plan(offer, 5)
    with pytest.raises(WrongType, match=r"^offer must be an Offer"):
        violations(offer, channels=5)


def test_plans_are_equal_even_if_the_requests_differ():
    """Requests for 105 and for 100 channels result in equal plans of 100."""
    rounded, exact = SKYPE_CONNECT.plan(channels=105), Plan(SKYPE_CONNECT, 100)

    assert rounded == exact
    assert hash(rounded) == hash(exact)
    assert rounded.requested != exact.requested


@pytest.mark.parametrize(
    "other_plan",
    [
        Plan(SKYPE_CONNECT, 99),
        Plan(SKYPE_CONNECT, 100, 1),
        Plan(OFFERS["skype-connect-nearest"], 100),
        Plan(NO_BUNDLES, 100),
        100,
    ],
    ids=str,
)
def test_plans_differ_by_offer_channels_and_bundles(other_plan):
    """Plans with another offer, number of channels or number of bundles are not equal."""
    assert Plan(SKYPE_CONNECT, 100) != other_plan


@pytest.mark.parametrize(
    "changes",
    [
        {"requested": 301},
        {"requested": 0},
        {"requested": 5},
        {"bundles": 101},
        {"bundles": -1},
        {"offer": NO_BUNDLES},
    ],
    ids=str,
)
def test_evolve_refuses_an_illegal_plan(changes):
    """A changed copy is checked like a new plan."""
    plan = SKYPE_CONNECT.plan(channels=105, bundles=10)

    with pytest.raises(RuleError):
        attrs.evolve(plan, **changes)


@pytest.mark.parametrize(
    ("changes", "requested", "channels", "bundles"),
    [
        ({}, 105, 100, 10),
        ({"channels": 119}, 119, 110, 10),
        ({"bundles": 3}, 105, 100, 3),
        ({"bundles": 0}, 105, 100, 0),
        ({"channels": 3, "bundles": 2}, 3, 3, 2),
    ],
)
def test_replace_keeps_what_is_not_passed(changes, requested, channels, bundles):
    """A change of the channels keeps the bundles, and the reverse (H18, H19)."""
    plan = SKYPE_CONNECT.plan(channels=105, bundles=10).replace(**changes)

    assert (requested, channels, bundles) == (plan.requested, plan.channels, plan.bundles)
    assert SKYPE_CONNECT == plan.offer


@pytest.mark.parametrize("changes", [{"channels": 5.0}, {"bundles": True}], ids=str)
def test_replace_refuses_numbers_that_are_not_whole(changes):
    """The error names the parameter."""
    (parameter,) = changes

    with pytest.raises(WrongType, match=rf"^{parameter} must be a whole number"):
        SKYPE_CONNECT.plan(channels=1).replace(**changes)


def test_replace_refuses_fewer_channels_than_bundles():
    """Bundles are not dropped silently; the error names the number that would fit (F 4.8)."""
    plan = SKYPE_CONNECT.plan(channels=105, bundles=10)

    with pytest.raises(BundlesNotAllowed, match=r"^bundles must be 0 to 9, not 10"):
        plan.replace(channels=9)


REASON = "above 100, multiples of 10, rounded down"


def test_plan_shows_the_requested_number_and_the_reason():
    """Text, HTML and records show that 105 requested channels are sold as 100, and why (H5)."""
    plan = SKYPE_CONNECT.plan(channels=105, bundles=2)
    text = f"100 channels (105 requested: {REASON}) and 2 bundles of 5,000 minutes"

    assert text == str(plan)
    assert f"<p>{text}</p>" == plan._repr_html_()
    assert [
        {
            "offer": "Skype Connect",
            "edition": "help page",
            "requested": 105,
            "granted": 100,
            "granted_reason": REASON,
            "bundles": 2,
            "minutes": 10_000,
        }
    ] == plan.to_records()


def test_plan_shows_one_number_if_the_request_is_granted():
    """A request that is not rounded needs no reason."""
    plan = SKYPE_CONNECT.plan(channels=100)

    assert ("100 channels", "") == (str(plan), plan.reason)


def test_repr_shows_an_offer_by_its_name():
    """The repr of a plan fits on one line, because its offer is shown by name."""
    plan = SKYPE_CONNECT.plan(channels=105)

    assert "Plan(offer=<Offer Skype Connect (help page)>, requested=105)" == repr(plan)


@pytest.mark.parametrize("basis", [RefundBasis.MINUTES, RefundBasis.SMALLER])
def test_offer_refuses_to_refund_channels_by_minutes_if_they_include_none(basis):
    """Channels without included minutes have nothing to measure."""
    with pytest.raises(InvalidValue, match=r"^refund must be with channels by time or by nothing"):
        attrs.evolve(SKYPE_CONNECT, refund=RefundRule(channels=basis))


def test_offer_has_neutral_defaults():
    """An offer with a name, an edition, a source and numbers invents no refund and no minutes."""
    offer = Offer("Bare", "1", "made up", QuantityRule(1, 30))

    assert (None, TermRule(Months(1)), ()) == (offer.bundle, offer.term, offer.notices)
    assert (ChangeEffect.PRORATE, ChangeEffect.AT_RENEWAL, None) == (
        offer.change.more,
        offer.change.fewer,
        offer.change.cooldown,
    )
    assert "no refund" == str(offer.refund)


def test_plan_is_immutable():
    """The numbers of a plan cannot be set."""
    with pytest.raises(AttributeError):
        Plan(SKYPE_CONNECT, 100).channels = 105  # type: ignore[misc]


@pytest.mark.parametrize(
    ("plan", "expected"),
    [
        (Plan(SKYPE_CONNECT, 1), "1 channel"),
        (Plan(SKYPE_CONNECT, 2), "2 channels"),
        (Plan(SKYPE_CONNECT, 1, 1), "1 channel and 1 bundle of 5,000 minutes"),
        (Plan(SKYPE_CONNECT, 100, 2), "100 channels and 2 bundles of 5,000 minutes"),
        (Plan(NO_BUNDLES, 3), "3 channels"),
    ],
    ids=str,
)
def test_str_of_plan_counts_channels_and_bundles(plan, expected):
    """The text uses the singular for one channel or bundle."""
    assert expected == str(plan)


@pytest.mark.parametrize(("bundles", "minutes"), [(0, 0), (1, 5000), (3, 15000)])
def test_plan_minutes_are_the_minutes_of_its_bundles(bundles, minutes):
    """Each bundle grants 5,000 minutes in a term (H10)."""
    assert minutes == Plan(SKYPE_CONNECT, 10, bundles).minutes


DIFFERENT_EFFECTS = attrs.evolve(
    SKYPE_CONNECT, change=ChangeRule(more=ChangeEffect.PRORATE, fewer=ChangeEffect.AT_RENEWAL)
)


@pytest.mark.parametrize(
    ("plan", "expected"),
    [
        (DIFFERENT_EFFECTS.plan(channels=11, bundles=2), ChangeEffect.PRORATE),
        (DIFFERENT_EFFECTS.plan(channels=10, bundles=3), ChangeEffect.PRORATE),
        (DIFFERENT_EFFECTS.plan(channels=9, bundles=2), ChangeEffect.AT_RENEWAL),
        (DIFFERENT_EFFECTS.plan(channels=10, bundles=1), ChangeEffect.AT_RENEWAL),
        (DIFFERENT_EFFECTS.plan(channels=10, bundles=2), ChangeEffect.NO_CHARGE),
        (OFFERS["skype-connect-nearest"].plan(channels=10, bundles=2), ChangeEffect.RESTART),
    ],
)
def test_effect_of_depends_on_whether_the_new_plan_is_larger(plan, expected):
    """More, fewer, an equal plan, and another offer have different effects (H15 to H19)."""
    assert expected is DIFFERENT_EFFECTS.plan(channels=10, bundles=2).effect_of(plan)


@pytest.mark.parametrize(("channels", "bundles"), [(11, 1), (9, 3)])
def test_effect_of_refuses_a_mixed_change_if_the_effects_differ(channels, bundles):
    """More of one item and fewer of the other is one change only if both have one effect."""
    refused_plan = DIFFERENT_EFFECTS.plan(channels=channels, bundles=bundles)
    allowed_plan = SKYPE_CONNECT.plan(channels=channels, bundles=bundles)

    with pytest.raises(MixedChange, match="the immediate change first"):
        DIFFERENT_EFFECTS.plan(channels=10, bundles=2).effect_of(refused_plan)

    assert ChangeEffect.RESTART is SKYPE_CONNECT.plan(channels=10, bundles=2).effect_of(
        allowed_plan
    )


def test_effect_of_refuses_a_value_that_is_not_a_plan():
    """The error names the parameter."""
    with pytest.raises(WrongType, match="plan"):
        SKYPE_CONNECT.plan(channels=10).effect_of(11)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("channels", "bundles", "expected"),
    [
        (100, 100, []),
        (105, 100, []),
        (105, 103, [BundlesNotAllowed]),
        (0, 0, [ChannelsOutOfRange]),
        (301, -1, [ChannelsOutOfRange, BundlesNotAllowed]),
        # If the channels are invalid, the bundles are not compared with them.
        (350, 10**6, [ChannelsOutOfRange]),
        (10, -1, [BundlesNotAllowed]),
    ],
)
def test_violations_returns_all_violations(channels, bundles, expected):
    """Violations of a request are returned together and not raised."""
    found_violations = violations(SKYPE_CONNECT, channels=channels, bundles=bundles)

    assert expected == [type(violation) for violation in found_violations]


@pytest.mark.parametrize(
    ("channels", "bundles", "expected"),
    [
        (10, 0, []),
        (10, 1, [BundlesNotAllowed]),
        (301, 1, [ChannelsOutOfRange, BundlesNotAllowed]),
        (0, -1, [ChannelsOutOfRange, BundlesNotAllowed]),
    ],
)
def test_violations_reports_bundles_that_the_offer_does_not_sell(channels, bundles, expected):
    """An offer without bundles refuses them, whatever the number of channels."""
    found_violations = violations(NO_BUNDLES, channels=channels, bundles=bundles)

    assert expected == [type(violation) for violation in found_violations]


def test_violations_returns_the_error_that_plan_raises():
    """A violation has the same message as the error that ``Offer.plan`` raises."""
    with pytest.raises(BundlesNotAllowed) as caught:
        SKYPE_CONNECT.plan(channels=105, bundles=103)

    found_violations = violations(SKYPE_CONNECT, channels=105, bundles=103)

    assert [str(caught.value)] == list(map(str, found_violations))


@pytest.mark.parametrize("integer_type", [np.uint8, np.int64])
def test_violations_accepts_numpy_integers(integer_type):
    """An 8-bit integer does not overflow."""
    found_violations = violations(
        SKYPE_CONNECT, channels=integer_type(255), bundles=integer_type(251)
    )

    assert ["bundles must be 0 to 250, not 251"] == [
        str(violation).split(":")[0] for violation in found_violations
    ]


def test_offer_can_describe_another_provider():
    """Another provider's limits, bundles and terms are other values of the same fields."""
    offer = Offer(
        name="Trunks",
        edition="1",
        source="https://example.com/trunks",
        quantity=QuantityRule(2, 8),
        bundle=BundleRule("pack", minutes=100, area=("DE",), per_channel=2),
        term=TermRule(Days(7)),
        change=ChangeRule(None),
        refund=RefundRule(),
        calls=CallRule(timedelta(0), timedelta(seconds=1)),
    )

    assert (2, 4, 400) == (
        offer.plan(channels=2).channels,
        offer.plan(channels=2, bundles=4).bundles,
        offer.plan(channels=2, bundles=4).minutes,
    )
    assert str(offer).split("\n") == [
        "Trunks (1)",
        "2 to 8 channels",
        "pack: 100 minutes to DE, at most 2 for each channel",
        "a term of 7 days",
        "a change at any time; restart with a refund",
        "refund of channels by time, of bundles by time; "
        "the day of the change counts as unused; rounded half up",
        "at least 0 s, then steps of 1 s, charges rounded half up",
    ]


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"name": ""}, InvalidValue),
        ({"name": None}, WrongType),
        ({"source": " "}, InvalidValue),
        ({"quantity": None}, WrongType),
        ({"quantity": 300}, WrongType),
        ({"bundle": 5000}, WrongType),
        ({"term": Days(30)}, WrongType),
        ({"change": None}, WrongType),
        ({"notices": "none"}, WrongType),
        ({"notices": ("none",)}, WrongType),
    ],
    ids=str,
)
def test_offer_refuses_invalid_fields(changes, error):
    """The error names the field."""
    with pytest.raises(error, match=rf"^{next(iter(changes))}"):
        attrs.evolve(SKYPE_CONNECT, **changes)


def test_str_of_offer_ends_with_its_notices():
    """The notice about emergency numbers is part of the offer's text (H21)."""
    last_line = str(SKYPE_CONNECT).split("\n")[-1]

    assert "Not a telephone replacement: it cannot call emergency numbers." == last_line


@pytest.mark.parametrize(
    "value",
    [
        attrs.evolve(SKYPE_CONNECT, name=SCRIPT),
        attrs.evolve(SKYPE_CONNECT, edition=SCRIPT),
        attrs.evolve(SKYPE_CONNECT, bundle=BundleRule(SCRIPT, 1, ("US",))),
    ],
    ids=["name", "edition", "bundles"],
)
def test_html_of_offer_escapes_its_texts(value):
    """A script in a name or an edition is shown as text in a notebook."""
    html = value._repr_html_()

    assert "<script" not in html
    assert "&lt;script&gt;alert(&#x27;1&#x27;)&lt;/script&gt;" in html


@pytest.mark.parametrize(
    "value", [SKYPE_CONNECT, SKYPE_CONNECT.plan(channels=105, bundles=3)], ids=str
)
def test_offers_and_plans_can_be_pickled(value):
    """A pickled plan keeps the number requested."""
    unpickled = pickle.loads(pickle.dumps(value))

    assert value == unpickled
    assert getattr(value, "requested", None) == getattr(unpickled, "requested", None)
