"""Editions of one offer with rising prices, and subscriptions under them."""

from datetime import date

import attrs

from channelplans.money import EUR, Rounding
from channelplans.offers import SKYPE_CONNECT
from channelplans.pricing import quote
from channelplans.quantities import QuantityRule, Step
from channelplans.rules import BundleRule
from channelplans.subscriptions.catalogue import Migration
from channelplans.subscriptions.subscription import Status, Subscription
from channelplans.tariffs import Tariff

JAN, FEB, MAR, APR = (date(2026, month, 1) for month in (1, 2, 3, 4))


LIST_TARIFF = Tariff("list", EUR, "6.95", "10", "0.021")


DEARER_TARIFF = attrs.evolve(LIST_TARIFF, name="dearer", channel="7.25")


DEAREST_TARIFF = attrs.evolve(LIST_TARIFF, name="dearest", channel="8")


BUNDLE_RULE: BundleRule = SKYPE_CONNECT.bundle  # type: ignore[assignment]


PINNED, AT_RENEWAL = Migration.PINNED, Migration.AT_RENEWAL


def change_offer(edition, **rules):
    """Return another edition of the help page's offer, with some rules replaced."""
    return attrs.evolve(SKYPE_CONNECT, edition=edition, **rules)


def offer_limited_to(maximum, *, multiple=None):
    """Return an offer of at most `maximum` channels, sold in multiples if `multiple` is passed."""
    steps = (Step(0, multiple),) if multiple else ()
    minimum = multiple or 1
    return change_offer("small", quantity=QuantityRule(minimum, maximum, steps, Rounding.DOWN))


def subscribe(tariff=LIST_TARIFF, start=JAN, channels=12, bundles=2, offer=SKYPE_CONNECT, **fields):
    """Return a subscription whose first term starts on the given day."""
    plan = offer.plan(channels=channels, bundles=bundles)
    paid_quote = quote(plan, tariff, on=start)
    default_fields = {
        "id": "s-1",
        "account": "acme",
        "profile": "berlin",
        "quote": paid_quote,
        "anchor": start,
        "term_number": 0,
        "status": Status.ACTIVE,
        "allowance": paid_quote.allowance,
        "last_changed_on": None,
        "sequence": 1,
    }
    return Subscription(**{**default_fields, **fields})
