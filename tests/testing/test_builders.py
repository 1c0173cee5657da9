"""The builders make plausible, legal values that fit together."""

from datetime import date
from decimal import Decimal

import pytest

from channelplans import offers
from channelplans.calendar import Term
from channelplans.errors import InsufficientCredit
from channelplans.money import EUR, PLN, Money
from channelplans.offers import OFFERS, SKYPE_CONNECT
from channelplans.storage.memory import MemoryStore
from channelplans.subscriptions.subscription import Status
from channelplans.subscriptions.wallets import Reason, Wallet
from channelplans.testing.builders import (
    DAY,
    TARIFF,
    make_account,
    make_subscription,
    make_tariff,
)


def test_offers_contain_each_public_offer_once():
    """``OFFERS`` contains every offer that the module exports, and none twice."""
    exported = [getattr(offers, name) for name in offers.__all__ if name != "OFFERS"]

    assert len(OFFERS) == len({*OFFERS.values()})
    assert [SKYPE_CONNECT] == exported
    assert {*exported} <= {*OFFERS.values()}


def test_make_tariff_changes_only_the_named_prices():
    """All other prices are those of ``TARIFF``."""
    tariff = make_tariff(name="dearer", channel="7.25")

    assert ("dearer", Decimal("7.25")) == (tariff.name, tariff.channel)
    assert TARIFF == make_tariff()
    assert TARIFF == make_tariff(name="plausible", channel="6.95")
    assert (TARIFF.minute, TARIFF.rates) == (tariff.minute, tariff.rates)


def test_tariff_prices_calls_to_the_area_of_each_offer():
    """The tariff also has prices for calls to Germany, Poland and the USA."""
    for offer in OFFERS.values():
        area = offer.bundle.area if offer.bundle else ()
        for country in {*area, "DE", "PL", "US"}:
            assert TARIFF.rate_for(country, offer).minute > 0


def test_make_subscription_returns_a_new_subscription_by_default():
    """Five channels of Skype Connect for 30 days cost 5 x 6.95 + 5.00 = 39.75."""
    subscription = make_subscription()

    assert "5 channels" == str(subscription.plan)
    assert (Status.ACTIVE, 1) == (subscription.status, subscription.sequence)
    assert Term(DAY, date(2026, 2, 4)) == subscription.term
    assert Money.of("39.75", EUR) == subscription.quote.total


def test_make_subscription_uses_its_arguments():
    """The subscription has the given plan, tariff, identifiers and day."""
    subscription = make_subscription(
        OFFERS["strobe-it"].plan(channels=5),
        tariff=make_tariff(setup="0"),
        account="other",
        profile="paris",
        subscription="s-2",
        on=date(2026, 1, 31),
    )

    assert "s-2" == subscription.id
    assert ("other", "paris") == (subscription.account, subscription.profile)
    assert Term(date(2026, 1, 31), date(2026, 2, 28)) == subscription.term
    assert Money.of("34.75", EUR) == subscription.quote.total


def test_make_account_returns_decisions_that_a_store_accepts():
    """The purchases cost 39.75 and 84.50, so 875.75 of the 1,000.00 remain.

    Five channels cost 5 x 6.95 + 5 = 39.75. Ten channels and a bundle cost
    10 x 6.95 + 10 + 5 = 84.50.
    """
    store = MemoryStore()
    plans = {
        "berlin": SKYPE_CONNECT.plan(channels=5),
        "paris": SKYPE_CONNECT.plan(channels=10, bundles=1),
    }

    for decision in make_account(plans):
        store.commit(decision, expected=None)

    assert Money.of("875.75", EUR) == store.balance(Wallet("acme"))
    for profile, plan in plans.items():
        stored = store.subscription("acme", profile)
        assert stored is not None
        assert plan == stored.value.plan
    reasons = [booked.posting.reason for booked in store.postings(Wallet("acme")).items]
    assert [Reason.DEPOSIT, Reason.SUBSCRIPTION, Reason.SUBSCRIPTION] == reasons


def test_make_account_accepts_a_credit_that_is_too_small():
    """In any currency: 40 PLN cover the first profile at 39.75, but not the second at 11.95."""
    store = MemoryStore()
    plans = {
        "berlin": SKYPE_CONNECT.plan(channels=5),
        "paris": SKYPE_CONNECT.plan(channels=1),
    }
    tariff = make_tariff(currency=PLN)
    deposit, first_purchase, second_purchase = make_account(
        plans, account="small", credit="40", tariff=tariff
    )

    store.commit(deposit, expected=None)
    store.commit(first_purchase, expected=None)
    with pytest.raises(InsufficientCredit):
        store.commit(second_purchase, expected=None)

    assert Money.of("0.25", PLN) == store.balance(Wallet("small"))


def test_make_account_gives_two_accounts_different_tokens():
    """So one store can commit the decisions of both accounts on one day."""
    acme_decisions = make_account({"berlin": SKYPE_CONNECT.plan(channels=5)})
    other_decisions = make_account({"paris": SKYPE_CONNECT.plan(channels=5)}, account="other")

    assert 4 == len({decision.token for decision in (*acme_decisions, *other_decisions)})
