"""Builders: what they make is plausible, legal, and fits together."""

# Identifiers are plain text here, and decisions are known to hold a subscription.
# mypy: disable-error-code="arg-type, assignment, union-attr"

from datetime import date
from decimal import Decimal

import pytest

from channelplans import offers
from channelplans.calendar import Term
from channelplans.catalogue import Existing
from channelplans.codec import decode, encode
from channelplans.errors import InsufficientCredit
from channelplans.ledger import Purse, Reason
from channelplans.lifecycle import renew
from channelplans.memory import MemoryStore
from channelplans.money import EUR, PLN, Money
from channelplans.offers import SKYPE_CONNECT, STROBE_IT
from channelplans.subscriptions import Status, Subscription
from channelplans.testing.builders import (
    CATALOGUE,
    DAY,
    OFFERS,
    TARIFF,
    make_account,
    make_subscription,
    make_tariff,
)


def test_the_offers_are_those_that_are_shipped():
    """Each of them once."""
    shipped = [getattr(offers, name) for name in offers.__all__]

    assert len(shipped) == len(OFFERS)
    assert all(offer in OFFERS for offer in shipped)


def test_the_catalogue_reads_back_what_is_made_of_any_offer():
    """A store that has it decodes whatever was bought here."""
    for offer in OFFERS:
        held = make_subscription(offer.plan(channels=offer.quantity.minimum))

        assert held == decode(Subscription, encode(held), catalogue=CATALOGUE)


def test_the_catalogue_leaves_everybody_where_they_are():
    """A renewal comes under the edition that was bought, whichever that is and whenever it is."""
    assert {Existing.PINNED} == {edition.existing for edition in CATALOGUE.editions}
    for offer in OFFERS:
        held = make_subscription(offer.plan(channels=offer.quantity.minimum), on=date(1999, 6, 1))
        while held.term.end < CATALOGUE.editions[0].start:
            held = renew(held, TARIFF, on=held.term.end).after

        assert offer == CATALOGUE.for_renewal(held).offer


def test_a_tariff_with_changes_keeps_the_rest():
    """What is named is changed, and nothing else."""
    tariff = make_tariff(name="dearer", channel="7.25")

    assert ("dearer", Decimal("7.25")) == (tariff.name, tariff.channel)
    assert TARIFF == make_tariff()
    assert TARIFF == make_tariff(name="plausible", channel="6.95")
    assert (TARIFF.minute, TARIFF.rates) == (tariff.minute, tariff.rates)


def test_every_shipped_offer_has_a_price_for_calls_in_its_area():
    """And for those to some other countries."""
    for offer in OFFERS:
        area = offer.bundles.area if offer.bundles else ()
        for country in {*area, "DE", "PL", "US"}:
            assert TARIFF.per_minute(country, offer) > 0


def test_a_subscription_has_just_been_bought():
    """Five channels of Skype Connect for 30 days, at 6.95 each and 5.00 once: 39.75."""
    held = make_subscription()

    assert ("5 channels", Status.ACTIVE, 1) == (str(held.plan), held.status, held.sequence)
    assert Term(DAY, date(2026, 2, 4)) == held.term
    assert Money.of("39.75", EUR) == held.paid.total


def test_a_subscription_is_what_it_is_told_to_be():
    """Its plan, tariff, names and day."""
    held = make_subscription(
        STROBE_IT.plan(channels=5),
        tariff=make_tariff(setup="0"),
        account="other",
        profile="paris",
        subscription="s-2",
        on=date(2026, 1, 31),
    )

    assert ("s-2", "other", "paris") == (held.id, held.account, held.profile)
    assert Term(date(2026, 1, 31), date(2026, 2, 28)) == held.term
    assert Money.of("34.75", EUR) == held.paid.total


def test_an_account_is_committed_as_it_is_made():
    """1,000 paid in; 5 channels and 10 channels with a bundle, each set up for 5: 875.75 are left.

    5 x 6.95 + 5 = 39.75, and 10 x 6.95 + 10 + 5 = 84.50.
    """
    store = MemoryStore()
    plans = {
        "berlin": SKYPE_CONNECT.plan(channels=5),
        "paris": SKYPE_CONNECT.plan(channels=10, bundles=1),
    }

    for decision in make_account(plans):
        store.commit(decision, expected=None)

    assert Money.of("875.75", EUR) == store.balance(Purse("acme"))
    for profile, plan in plans.items():
        assert plan == store.subscription(profile).value.plan
    reasons = [booked.posting.reason for booked in store.postings(Purse("acme"))]
    assert [Reason.DEPOSIT, Reason.SUBSCRIPTION, Reason.SUBSCRIPTION] == reasons


def test_an_account_may_have_too_little():
    """In any currency: 40 PLN do for one profile of 39.75 and not for another of 11.95."""
    store = MemoryStore()
    plans = {
        "berlin": SKYPE_CONNECT.plan(channels=5),
        "paris": SKYPE_CONNECT.plan(channels=1),
    }
    tariff = make_tariff(currency=PLN)
    paid_in, first, second = make_account(plans, account="small", credit="40", tariff=tariff)

    store.commit(paid_in, expected=None)
    store.commit(first, expected=None)
    with pytest.raises(InsufficientCredit):
        store.commit(second, expected=None)

    assert Money.of("0.25", PLN) == store.balance(Purse("small"))


def test_two_accounts_share_no_token():
    """Made for one store on one day, with profiles of other names."""
    one = make_account({"berlin": SKYPE_CONNECT.plan(channels=5)})
    other = make_account({"paris": SKYPE_CONNECT.plan(channels=5)}, account="other")

    assert 4 == len({decision.token for decision in (*one, *other)})
