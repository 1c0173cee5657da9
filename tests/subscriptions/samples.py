"""One account, its plans and prices, and a subscription bought on the first day."""

from datetime import date, timedelta
from typing import Any

from channelplans.calendar import Term
from channelplans.calls import Call
from channelplans.money import EUR, Money
from channelplans.offers import SKYPE_CONNECT
from channelplans.subscriptions.actions import (
    buy,
    cancel,
)
from channelplans.subscriptions.wallets import Wallet
from channelplans.tariffs import Tariff

FIRST_DAY = date(2026, 1, 5)


MID_TERM = date(2026, 1, 15)


LAST_DAY = date(2026, 2, 3)


END = date(2026, 2, 4)


LATE_RUN = date(2026, 4, 10)


TERM = Term(FIRST_DAY, END)


TARIFF = Tariff("made up", EUR, "6.95", "10", "0.021", {"DE": "0.02"})


DEARER_TARIFF = Tariff("dearer", EUR, "7.50", "11", "0.03", {"DE": "0.05"})


FREE_TARIFF = Tariff("free", EUR, 0, 0, 0, {"DE": 0})


PLAN = SKYPE_CONNECT.plan(channels=3, bundles=1)


FIVE_CHANNELS = SKYPE_CONNECT.plan(channels=5)


ACME = Wallet("acme")


BERLIN = Wallet("acme", "berlin")


IDENTIFIERS: dict[str, Any] = {"account": "acme", "profile": "berlin", "subscription": "s-1"}


def euros(amount):
    """Return an amount in euros and cents."""
    return Money.of(amount, EUR)


def buy_subscription(plan=PLAN, tariff=TARIFF, on=FIRST_DAY, **identifiers):
    """Buy a plan and return the new subscription."""
    return buy(plan, tariff, on=on, **{**IDENTIFIERS, **identifiers}).after


def call(seconds=31, destination="US", day=FIRST_DAY, identifier="c-1"):
    """Return a call to a destination."""
    return Call(identifier, "+12125550100", destination, day, timedelta(seconds=seconds))


ACTIVE = buy_subscription()


CANCELLED = cancel(ACTIVE, on=FIRST_DAY).after
