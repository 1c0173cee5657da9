"""The published offers say what their sources say."""

from datetime import timedelta

import attrs
import pytest

from channelplans import offers
from channelplans.calendar import Days, Months
from channelplans.money import Rounding
from channelplans.offers import SKYPE_CONNECT, SKYPE_CONNECT_2011, SKYPE_CONNECT_NEAREST
from channelplans.plans import Offer
from channelplans.rules import RefundBasis, Step

OFFERS = [SKYPE_CONNECT, SKYPE_CONNECT_NEAREST, SKYPE_CONNECT_2011]


def test_the_help_pages_channels():
    """1 to 300 channels, above 100 rounded down to a multiple of 10 (H2, H5, F 1.1)."""
    rule = SKYPE_CONNECT.quantity

    assert (1, 300, (Step(100, 10),), Rounding.DOWN) == (
        rule.minimum,
        rule.maximum,
        rule.steps,
        rule.rounding,
    )


def test_the_help_page_sells_120_sizes():
    """1 to 100 and 110 to 300 by tens are all that is sold (F 1.6)."""
    sold = {SKYPE_CONNECT.plan(channels=asked).channels for asked in range(1, 301)}

    assert {*range(1, 101), *range(110, 301, 10)} == sold
    assert 120 == len(sold)


def test_the_help_pages_bundles():
    """5,000 minutes to the US, at most as many bundles as channels (H10, H12)."""
    rule = SKYPE_CONNECT.bundles

    assert rule is not None
    assert (5000, ("US",), 1) == (rule.minutes, rule.area, rule.per_channel)
    assert (None, ()) == (rule.longest_call, rule.excluded_prefixes)


def test_the_help_pages_terms_and_changes():
    """30 days (H8), one change a day (H15), one proportional sum (H16), calls by 30/6 (F 3.5)."""
    assert Days(30) == SKYPE_CONNECT.term.length
    assert Days(1) == SKYPE_CONNECT.change.cooldown
    assert (RefundBasis.TIME, RefundBasis.TIME, False, Rounding.HALF_UP) == attrs.astuple(
        SKYPE_CONNECT.refund
    )
    assert (timedelta(seconds=30), timedelta(seconds=6)) == (
        SKYPE_CONNECT.calls.minimum,
        SKYPE_CONNECT.calls.step,
    )


@pytest.mark.parametrize("offer", OFFERS, ids=lambda offer: offer.edition)
def test_every_offer_tells_of_emergency_calls(offer):
    """No edition can call emergency numbers, and each says so (H21)."""
    assert [("no-emergency-calls", "H21")] == [(each.code, each.source) for each in offer.notices]
    assert "cannot call emergency numbers" in offer.notices[0].text


@pytest.mark.parametrize(
    ("asked", "sold"), [(100, 100), (104, 100), (105, 110), (295, 300), (296, 300), (114, 110)]
)
def test_the_other_reading_rounds_to_the_nearest_ten(asked, sold):
    """Above 100 to the nearest 10, a tie up (F 1.4, F 1.6)."""
    assert sold == SKYPE_CONNECT_NEAREST.plan(channels=asked).channels


def test_the_other_reading_differs_in_nothing_else():
    """Only the rounding, its name and its source are others."""
    rule = attrs.evolve(SKYPE_CONNECT_NEAREST.quantity, rounding=Rounding.DOWN)
    same = attrs.evolve(
        SKYPE_CONNECT_NEAREST,
        quantity=rule,
        edition=SKYPE_CONNECT.edition,
        source=SKYPE_CONNECT.source,
    )

    assert SKYPE_CONNECT == same


def test_the_contract_of_2011():
    """Months, changes at any time, bundles by minutes, US and Canada, 12 hours of a call."""
    offer, bundles = SKYPE_CONNECT_2011, SKYPE_CONNECT_2011.bundles

    assert bundles is not None
    assert (Months(1), None) == (offer.term.length, offer.change.cooldown)
    assert (RefundBasis.TIME, RefundBasis.MINUTES) == (offer.refund.channels, offer.refund.bundles)
    assert (("US", "CA"), timedelta(hours=12), 5000, 1) == (
        bundles.area,
        bundles.longest_call,
        bundles.minutes,
        bundles.per_channel,
    )
    assert SKYPE_CONNECT.quantity == offer.quantity


def test_the_contract_excludes_101_prefixes():
    """The published list has 101 different prefixes, of six or seven digits (F 8.10)."""
    prefixes = getattr(SKYPE_CONNECT_2011.bundles, "excluded_prefixes", ())

    assert (101, 101) == (len(prefixes), len(set(prefixes)))
    assert {6, 7} == set(map(len, prefixes))
    assert {"218632", "641213", "712432", "2096471", "6418168", "9512623"} <= set(prefixes)
    # Iowa, Minnesota, South Dakota and California, and one number of Indiana.
    assert {"209", "218", "219", "559", "605", "641", "712", "760", "805", "951"} == {
        prefix[:3] for prefix in prefixes
    }


def test_offers_can_be_told_apart():
    """Name and edition together are unique, and each offer says where it was published."""
    public = [getattr(offers, name) for name in offers.__all__]

    assert len(public) == len({(offer.name, offer.edition) for offer in public})
    assert {Offer} == set(map(type, public))
    assert [] == [offer for offer in public if not offer.source.startswith("https://")]
