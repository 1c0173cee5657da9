"""The three Skype Connect offers hold the numbers of their published sources."""

from datetime import timedelta

import attrs
import pytest

from channelplans.calendar import Days, Months
from channelplans.money import Rounding
from channelplans.offers import OFFERS, SKYPE_CONNECT
from channelplans.plans import Offer
from channelplans.quantities import Step
from channelplans.rules import RefundBasis

SKYPE_OFFERS = [SKYPE_CONNECT, OFFERS["skype-connect-nearest"], OFFERS["skype-connect-2011"]]


def test_unknown_offer_is_an_error_with_the_names_of_all_offers():
    """A reader who guesses a name sees which one is meant."""
    with pytest.raises(KeyError, match=r"skype.* is unknown; the names are: .*, telnyx"):
        OFFERS["skype"]


def test_skype_connect_quantity():
    """The help page sells 1 to 300 channels, in multiples of 10 above 100 (H2, H5, F 1.1)."""
    rule = SKYPE_CONNECT.quantity

    assert (1, 300, (Step(100, 10),), Rounding.DOWN) == (
        rule.minimum,
        rule.maximum,
        rule.steps,
        rule.rounding,
    )


def test_skype_connect_sells_120_numbers_of_channels():
    """The help page sells 1 to 100 channels one by one, and 110 to 300 in tens (F 1.6)."""
    sold = {SKYPE_CONNECT.plan(channels=requested).channels for requested in range(1, 301)}

    assert {*range(1, 101), *range(110, 301, 10)} == sold
    assert 120 == len(sold)


def test_skype_connect_bundles():
    """A bundle has 5,000 minutes to the US, at most one bundle for each channel (H10, H12)."""
    rule = SKYPE_CONNECT.bundle

    assert rule is not None
    assert (5000, ("US",), 1) == (rule.minutes, rule.area, rule.per_channel)
    assert (None, ()) == (rule.longest_call, rule.excluded_prefixes)


def test_skype_connect_terms_changes_refunds_and_calls():
    """A term has 30 days (H8); one change a day (H15); refunds by time (H16).

    A call counts at least 30 seconds, then steps of 6 seconds (F 3.5).
    """
    refund, calls = SKYPE_CONNECT.refund, SKYPE_CONNECT.calls

    assert Days(30) == SKYPE_CONNECT.term.length
    assert Days(1) == SKYPE_CONNECT.change.cooldown
    assert (RefundBasis.TIME, RefundBasis.TIME, False, Rounding.HALF_UP) == attrs.astuple(refund)
    assert (timedelta(seconds=30), timedelta(seconds=6)) == (calls.minimum, calls.step)


@pytest.mark.parametrize("offer", SKYPE_OFFERS, ids=lambda offer: offer.edition)
def test_skype_offer_warns_about_emergency_calls(offer):
    """The only notice of each edition says that it cannot call emergency numbers (H21)."""
    (notice,) = offer.notices

    assert ("no-emergency-calls", "H21") == (notice.code, notice.source)
    assert "cannot call emergency numbers" in notice.text


@pytest.mark.parametrize(
    ("requested", "sold"), [(100, 100), (104, 100), (105, 110), (295, 300), (296, 300), (114, 110)]
)
def test_skype_connect_nearest_rounds_to_the_nearest_ten(requested, sold):
    """A request above 100 is rounded to the nearest 10, and a tie is rounded up (F 1.4, F 1.6)."""
    assert sold == OFFERS["skype-connect-nearest"].plan(channels=requested).channels


def test_skype_connect_nearest_differs_only_in_its_rounding():
    """Apart from its name and source, the offer differs from the help page only in rounding."""
    quantity = attrs.evolve(OFFERS["skype-connect-nearest"].quantity, rounding=Rounding.DOWN)
    rounded_down = attrs.evolve(
        OFFERS["skype-connect-nearest"],
        quantity=quantity,
        edition=SKYPE_CONNECT.edition,
        source=SKYPE_CONNECT.source,
    )

    assert SKYPE_CONNECT == rounded_down


def test_skype_connect_2011_rules():
    """The contract of 2011 has monthly terms and changes at any time (F 6.2, F 4.1).

    Its bundles cover the US and Canada, and at most 12 hours of a call (F 8.2, F 8.6). A refund
    of bundles is by unused minutes (F 4.6).
    """
    offer, bundles = OFFERS["skype-connect-2011"], OFFERS["skype-connect-2011"].bundle

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


def test_skype_connect_2011_excludes_101_prefixes():
    """The published list has 101 different prefixes of six or seven digits (F 8.10)."""
    prefixes = getattr(OFFERS["skype-connect-2011"].bundle, "excluded_prefixes", ())

    assert (101, 101) == (len(prefixes), len(set(prefixes)))
    assert {6, 7} == set(map(len, prefixes))
    assert {"218632", "641213", "712432", "2096471", "6418168", "9512623"} <= set(prefixes)
    # The area codes of Iowa, Minnesota, South Dakota and California, and one of Indiana (219).
    assert {"209", "218", "219", "559", "605", "641", "712", "760", "805", "951"} == {
        prefix[:3] for prefix in prefixes
    }


def test_offers_have_unique_editions():
    """No two offers share name and edition, and the first key is that of Skype Connect."""
    editions = {(offer.name, offer.edition) for offer in OFFERS.values()}

    assert 17 == len(OFFERS) == len(editions)
    assert SKYPE_CONNECT == OFFERS["skype-connect"]


@pytest.mark.parametrize("key", OFFERS)
def test_every_offer_names_its_source(key):
    """Each entry of the mapping is an offer with the address of its source."""
    offer = OFFERS[key]

    assert isinstance(offer, Offer)
    assert offer.source.startswith("https://")


def test_offers_cannot_be_changed():
    """The mapping is read-only, so that no program changes an offer for another."""
    with pytest.raises(TypeError):
        OFFERS["skype-connect"] = SKYPE_CONNECT  # type: ignore[index]
