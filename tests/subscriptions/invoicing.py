"""Decisions to invoice, and short ways to invoice them."""

from datetime import date

import attrs
from tests.subscriptions.samples import (
    FIRST_DAY,
    IDENTIFIERS,
    MID_TERM,
    PLAN,
    TARIFF,
)

from channelplans.money import EUR, Money
from channelplans.offers import SKYPE_CONNECT
from channelplans.rules import ChangeRule
from channelplans.subscriptions.actions import buy, change
from channelplans.subscriptions.invoices import make_invoice

ZERO = Money.zero(EUR)
JANUARY = {"since": date(2026, 1, 1), "until": date(2026, 2, 1)}
YEAR = {"since": date(2026, 1, 1), "until": date(2027, 1, 1)}
PURCHASE = buy(PLAN, TARIFF, on=FIRST_DAY, **IDENTIFIERS)
WITH_SETUP = attrs.evolve(TARIFF, setup="5")


def invoice_of(*decisions, opening=ZERO, **period):
    """Make the invoice of account acme for a year, or for the given period."""
    return make_invoice("acme", decisions, opening=opening, **(period or YEAR))


def rows(*decisions):
    """Return reason, item, quantity, price and amount of each line of an invoice."""
    return [
        (
            line.reason.value,
            line.item,
            line.quantity,
            None if line.price is None else str(line.price),
            f"{line.amount.amount:f}",
        )
        for line in invoice_of(*decisions).lines
    ]


def offer_with(effect, fewer=None):
    """Return an offer that applies the effect to each change, or another to a reduction."""
    return attrs.evolve(SKYPE_CONNECT, change=ChangeRule(None, effect, fewer or effect))


def change_channels(effect, old, new, *, on=MID_TERM, fewer=None, tariff=TARIFF):
    """Return a purchase of channels, and a change of their number."""
    offer = offer_with(effect, fewer)
    purchase = buy(offer.plan(channels=old), tariff, on=FIRST_DAY, **IDENTIFIERS)
    return purchase, change(purchase.after, offer.plan(channels=new), tariff, on=on)


def with_postings(decision, *postings):
    """Return a decision with more postings, as an application adds tax."""
    return attrs.evolve(decision, postings=(*decision.postings, *postings))


def value_dated(decision, day):
    """Return a decision whose postings have a value date, as after a late run."""
    postings = tuple(attrs.evolve(posting, value_date=day) for posting in decision.postings)
    return attrs.evolve(decision, postings=postings)
