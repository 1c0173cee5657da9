"""A plan is legal or it is not made; a request hears of everything that is wrong with it."""

import pickle
from datetime import timedelta

import attrs
import numpy as np
import pytest

from channelplans.calendar import Days
from channelplans.errors import (
    BundlesNotAllowed,
    ChannelsNotSellable,
    ChannelsOutOfRange,
    InvalidValue,
    MixedChange,
    RuleError,
    WrongType,
)
from channelplans.offers import SKYPE_CONNECT, SKYPE_CONNECT_NEAREST
from channelplans.plans import Offer, Plan, problems
from channelplans.rules import (
    BundleRule,
    CallRule,
    ChangeRule,
    Effect,
    QuantityRule,
    RefundRule,
    TermRule,
)

NO_BUNDLES = attrs.evolve(SKYPE_CONNECT, name="Bare", bundles=None)
NO_WHOLE_NUMBERS = [True, False, 5.0, "5", None, np.float64(5)]
SCRIPT = "<script>alert('1')</script>"


@pytest.mark.parametrize(
    ("channels", "sold"), [(1, 1), (100, 100), (101, 100), (109, 100), (110, 110), (300, 300)]
)
def test_a_request_is_sold_as_the_rule_says(channels, sold):
    """What is asked is normalized, and both numbers are kept (H5)."""
    plan = SKYPE_CONNECT.plan(channels=channels)

    assert (channels, sold, 0) == (plan.requested, plan.channels, plan.bundles)


@pytest.mark.parametrize("channels", [0, -1, *range(301, 310), 10**30])
def test_a_request_that_is_not_sold_is_refused(channels):
    """Outside 1 to 300 nothing is sold, before any rounding (H2)."""
    with pytest.raises(ChannelsOutOfRange, match="at least 1 and at most 300"):
        SKYPE_CONNECT.plan(channels=channels)


@pytest.mark.parametrize("value", NO_WHOLE_NUMBERS, ids=repr)
@pytest.mark.parametrize("parameter", ["channels", "bundles"])
@pytest.mark.parametrize(
    "call",
    [
        SKYPE_CONNECT.plan,
        lambda **request: Plan(SKYPE_CONNECT, **request),
        lambda **request: problems(SKYPE_CONNECT, **request),
    ],
    ids=["plan", "Plan", "problems"],
)
def test_wrong_types_are_refused_by_the_name_that_the_caller_used(call, parameter, value):
    """A bool, a float or numeric text is no number of channels or bundles."""
    request = {"channels": 5, "bundles": 0} | {parameter: value}

    with pytest.raises(WrongType, match=rf"^{parameter} must be a whole number"):
        call(**request)


@pytest.mark.parametrize("kind", [np.int64, np.uint8])
def test_numpy_integers_become_plain_ints(kind):
    """A plan made from an array holds ints, which do not overflow."""
    plan = SKYPE_CONNECT.plan(channels=kind(205), bundles=kind(200))

    assert (205, 200, 200) == (plan.requested, plan.channels, plan.bundles)
    assert {int} == {type(plan.requested), type(plan.channels), type(plan.bundles)}
    assert 1_000_000 == plan.minutes


def test_bundles_are_held_against_the_channels_sold():
    """105 asked is 100 sold, so that 103 bundles are too many (H12)."""
    with pytest.raises(BundlesNotAllowed) as caught:
        SKYPE_CONNECT.plan(channels=105, bundles=103)

    assert (103, 100) == (caught.value.bundles, caught.value.most)
    assert 100 == SKYPE_CONNECT.plan(channels=105, bundles=100).bundles


@pytest.mark.parametrize(
    ("bundles", "sentence"),
    [
        (-1, "bundles must be "),
        (11, "bundles must be 0 to 10, not 11: at most 1 for each of the 10"),
    ],
)
def test_bundles_outside_their_bounds_are_refused(bundles, sentence):
    """Between none and one for each channel (H12)."""
    with pytest.raises(BundlesNotAllowed, match=rf"^{sentence}"):
        Plan(SKYPE_CONNECT, 10, bundles)


def test_an_offer_without_bundles_sells_none():
    """Where the offer has none, one bundle is refused and no bundle is fine."""
    with pytest.raises(BundlesNotAllowed, match="Bare has no bundles"):
        NO_BUNDLES.plan(channels=10, bundles=1)

    assert (0, 0) == (NO_BUNDLES.plan(channels=10).bundles, NO_BUNDLES.plan(channels=10).minutes)


def test_a_plan_names_what_is_sold():
    """The constructor takes the number sold and rounds nothing."""
    with pytest.raises(ChannelsNotSellable) as caught:
        Plan(SKYPE_CONNECT, 105)

    assert (105, 105, 100) == (caught.value.channels, caught.value.requested, caught.value.sold_as)
    assert 100 == SKYPE_CONNECT.plan(channels=105).channels


@pytest.mark.parametrize(
    ("channels", "requested", "error"),
    [
        (100, 110, ChannelsNotSellable),
        (110, 105, ChannelsNotSellable),
        (105, 105, ChannelsNotSellable),
        (300, 305, ChannelsOutOfRange),
        (301, None, ChannelsOutOfRange),
        (0, None, ChannelsOutOfRange),
        (-1, None, ChannelsOutOfRange),
        (10**30, None, ChannelsOutOfRange),
        (1, 0, ChannelsOutOfRange),
    ],
)
def test_what_was_requested_must_be_sold_as_the_plan_says(channels, requested, error):
    """A plan's two numbers belong together."""
    with pytest.raises(error):
        Plan(SKYPE_CONNECT, channels, 0, requested)


@pytest.mark.parametrize("requested", ["105", 105.0, True])
def test_a_requested_number_is_whole(requested):
    """What was asked is a whole number too, if it is given."""
    with pytest.raises(WrongType, match=r"^requested must be a whole number"):
        Plan(SKYPE_CONNECT, 100, 0, requested)


@pytest.mark.parametrize("offer", [None, "Skype Connect", SKYPE_CONNECT.quantity], ids=repr)
def test_a_plan_needs_an_offer(offer):
    """Without its rules no number is legal."""
    with pytest.raises(WrongType, match=r"^offer must be an Offer"):
        Plan(offer, 5)
    with pytest.raises(WrongType, match=r"^offer must be an Offer"):
        problems(offer, channels=5)


def test_plans_are_equal_whatever_was_requested():
    """Who asked for 105 and who asked for 100 hold the same plan."""
    asked, exact = SKYPE_CONNECT.plan(channels=105), Plan(SKYPE_CONNECT, 100)

    assert asked == exact
    assert hash(asked) == hash(exact)
    assert asked.requested != exact.requested


@pytest.mark.parametrize(
    "other",
    [
        Plan(SKYPE_CONNECT, 99),
        Plan(SKYPE_CONNECT, 100, 1),
        Plan(SKYPE_CONNECT_NEAREST, 100),
        Plan(NO_BUNDLES, 100),
        100,
    ],
    ids=str,
)
def test_plans_differ_by_offer_channels_and_bundles(other):
    """Another offer, another number of channels or of bundles is another plan."""
    assert Plan(SKYPE_CONNECT, 100) != other


@pytest.mark.parametrize(
    "changes",
    [
        {"channels": 301},
        {"channels": 0},
        {"channels": 105},
        {"channels": 110},
        {"channels": 5},
        {"channels": 5, "requested": None},
        {"bundles": 101},
        {"bundles": -1},
        {"requested": 115},
        {"requested": 305},
        {"offer": NO_BUNDLES},
    ],
    ids=str,
)
def test_evolve_cannot_make_an_illegal_plan(changes):
    """A changed copy is held to the same rules as a new plan."""
    plan = SKYPE_CONNECT.plan(channels=105, bundles=10)

    with pytest.raises(RuleError):
        attrs.evolve(plan, **changes)


def test_evolve_says_how_to_change_the_channels():
    """The old request would not be sold as the new number; the error says what to do with it."""
    plan = SKYPE_CONNECT.plan(channels=105)

    with pytest.raises(ChannelsNotSellable, match="requested=None"):
        attrs.evolve(plan, channels=110)

    assert Plan(SKYPE_CONNECT, 110) == attrs.evolve(plan, channels=110, requested=None)


def test_a_legal_change_of_a_plan_is_possible():
    """Fewer bundles, or an equal request, make another legal plan."""
    plan = SKYPE_CONNECT.plan(channels=105, bundles=10)

    assert Plan(SKYPE_CONNECT, 100, 3) == attrs.evolve(plan, bundles=3)
    assert 109 == attrs.evolve(plan, requested=109).requested


def test_a_plan_is_frozen():
    """Nobody can set a plan's numbers."""
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
def test_a_plan_says_what_is_sold(plan, expected):
    """Channels, bundles and the minutes of a bundle, in the singular where there is one."""
    assert expected == str(plan)


@pytest.mark.parametrize(("bundles", "minutes"), [(0, 0), (1, 5000), (3, 15000)])
def test_a_plans_minutes_are_those_of_its_bundles(bundles, minutes):
    """Each bundle grants 5,000 minutes in a term (H10)."""
    assert minutes == Plan(SKYPE_CONNECT, 10, bundles).minutes


TWO_WAYS = attrs.evolve(
    SKYPE_CONNECT, change=ChangeRule(more=Effect.PRORATE, fewer=Effect.NEXT_TERM)
)


@pytest.mark.parametrize(
    ("plan", "expected"),
    [
        (TWO_WAYS.plan(channels=11, bundles=2), Effect.PRORATE),
        (TWO_WAYS.plan(channels=10, bundles=3), Effect.PRORATE),
        (TWO_WAYS.plan(channels=9, bundles=2), Effect.NEXT_TERM),
        (TWO_WAYS.plan(channels=10, bundles=1), Effect.NEXT_TERM),
        (TWO_WAYS.plan(channels=10, bundles=2), Effect.KEEP),
        (SKYPE_CONNECT_NEAREST.plan(channels=10, bundles=2), Effect.REBUY),
    ],
)
def test_a_plan_tells_what_a_change_of_it_does(plan, expected):
    """By more and by fewer of either, of nothing at all, and to another offer (H15 to H19)."""
    assert expected is TWO_WAYS.plan(channels=10, bundles=2).effect_of(plan)


def test_more_of_one_and_fewer_of_another():
    """Where the offer treats them differently it is neither; where it does not, it is both."""
    for more, fewer in ((11, 1), (9, 3)):
        mixed = {"channels": more, "bundles": fewer}
        with pytest.raises(MixedChange, match="last what waits for the next term"):
            TWO_WAYS.plan(channels=10, bundles=2).effect_of(TWO_WAYS.plan(**mixed))

        held = SKYPE_CONNECT.plan(channels=10, bundles=2)
        assert Effect.REBUY is held.effect_of(SKYPE_CONNECT.plan(**mixed))


def test_a_change_is_to_a_plan():
    """Anything else is named."""
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
        # Where no channels can be sold, the bundles are not held against them.
        (350, 10**6, [ChannelsOutOfRange]),
        (10, -1, [BundlesNotAllowed]),
    ],
)
def test_problems_are_all_told_at_once(channels, bundles, expected):
    """Every breach of a request is listed, and none raised."""
    found = problems(SKYPE_CONNECT, channels=channels, bundles=bundles)

    assert expected == [type(problem) for problem in found]


@pytest.mark.parametrize(
    ("channels", "bundles", "expected"),
    [
        (10, 0, []),
        (10, 1, [BundlesNotAllowed]),
        (301, 1, [ChannelsOutOfRange, BundlesNotAllowed]),
        (0, -1, [ChannelsOutOfRange, BundlesNotAllowed]),
    ],
)
def test_problems_of_an_offer_without_bundles(channels, bundles, expected):
    """That an offer has no bundles is wrong with any number of channels."""
    found = problems(NO_BUNDLES, channels=channels, bundles=bundles)

    assert expected == [type(problem) for problem in found]


def test_the_problem_is_the_error():
    """What ``problems`` lists says what making the plan would raise."""
    with pytest.raises(BundlesNotAllowed) as caught:
        SKYPE_CONNECT.plan(channels=105, bundles=103)

    listed = problems(SKYPE_CONNECT, channels=105, bundles=103)

    assert [str(caught.value)] == list(map(str, listed))


@pytest.mark.parametrize("kind", [np.uint8, np.int64])
def test_problems_count_with_plain_numbers(kind):
    """Narrow integers out of an array are judged like any other."""
    found = problems(SKYPE_CONNECT, channels=kind(255), bundles=kind(251))

    assert ["bundles must be 0 to 250, not 251"] == [str(each).split(":")[0] for each in found]


def test_a_provider_can_be_written_down():
    """An offer is only data: another provider's bounds, bundles and terms are other values."""
    offer = Offer(
        name="Trunks",
        edition="1",
        source="https://example.com/trunks",
        quantity=QuantityRule(2, 8),
        bundles=BundleRule("pack", minutes=100, area=("DE",), per_channel=2),
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
        "a change at any time; refunded and bought anew",
        "channels by time, bundles by time, the day of the change not used, rounded half up",
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
        ({"bundles": 5000}, WrongType),
        ({"term": Days(30)}, WrongType),
        ({"change": None}, WrongType),
        ({"notices": "none"}, WrongType),
        ({"notices": ("none",)}, WrongType),
    ],
    ids=str,
)
def test_an_offer_of_wrong_parts_is_refused(changes, error):
    """Each part is a rule of its own kind, and the error names it."""
    with pytest.raises(error, match=rf"^{next(iter(changes))}"):
        attrs.evolve(SKYPE_CONNECT, **changes)


def test_an_offers_notices_are_shown():
    """What a buyer must be told is part of what the offer says (H21)."""
    last = str(SKYPE_CONNECT).split("\n")[-1]

    assert "Not a telephone replacement: it cannot call emergency numbers. (H21)" == last


@pytest.mark.parametrize(
    "value",
    [
        attrs.evolve(SKYPE_CONNECT, name=SCRIPT),
        attrs.evolve(SKYPE_CONNECT, edition=SCRIPT),
        attrs.evolve(SKYPE_CONNECT, bundles=BundleRule(SCRIPT, 1, ("US",))),
    ],
    ids=["name", "edition", "bundles"],
)
def test_a_script_in_a_name_stays_text(value):
    """What a provider calls its offer is escaped in a notebook."""
    html = value._repr_html_()

    assert "<script" not in html
    assert "&lt;script&gt;alert(&#x27;1&#x27;)&lt;/script&gt;" in html


@pytest.mark.parametrize(
    "value", [SKYPE_CONNECT, SKYPE_CONNECT.plan(channels=105, bundles=3)], ids=str
)
def test_offers_and_plans_pickle(value):
    """Offers and plans go to another process and back, with what was requested."""
    again = pickle.loads(pickle.dumps(value))

    assert value == again
    assert getattr(value, "requested", None) == getattr(again, "requested", None)
