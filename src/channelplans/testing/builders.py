"""Plausible values for tests, in one line each: a tariff, a subscription, an account's history.

The prices are made up, and the same everywhere.
"""

from collections.abc import Mapping
from datetime import date
from typing import Any, Final, cast

import attrs

from channelplans import offers
from channelplans.catalogue import Catalogue, Edition, Existing
from channelplans.identifiers import AccountId, ProfileId, SubscriptionId
from channelplans.ledger import Purse
from channelplans.lifecycle import Decision, buy, deposit
from channelplans.money import EUR, Money
from channelplans.offers import SKYPE_CONNECT
from channelplans.plans import Offer, Plan
from channelplans.pricing import Tariff
from channelplans.subscriptions import Subscription

__all__ = [
    "CATALOGUE",
    "DAY",
    "OFFERS",
    "TARIFF",
    "make_account",
    "make_subscription",
    "make_tariff",
]

#: Every offer that the package ships.
OFFERS: Final[tuple[Offer, ...]] = tuple(getattr(offers, name) for name in sorted(offers.__all__))

#: The day on which things begin unless another is given.
DAY: Final = date(2026, 1, 5)

#: The tariff of all that is made here.
TARIFF: Final = Tariff(
    "plausible",
    EUR,
    channel="6.95",
    bundle="10",
    minute="0.021",
    rates={"DE": "0.017", "GB": "0.02", "PL": "0.035", "US": "0.021"},
    setup="5",
)

#: Every shipped offer with that tariff, one after the other: what a store needs to read them back.
CATALOGUE: Final = Catalogue(
    tuple(
        Edition(offer, TARIFF, date(year, 1, 1), date(year + 1, 1, 1), Existing.PINNED)
        for year, offer in enumerate(OFFERS, 2000)
    )
)


def make_tariff(**changes: Any) -> Tariff:
    """Return the tariff of all that is made here, with changes to its fields.

    >>> make_tariff(channel="7.25").channels(2).amount
    Decimal('14.50')
    """
    return attrs.evolve(TARIFF, **changes)


def make_subscription(
    plan: Plan | None = None,
    *,
    tariff: Tariff = TARIFF,
    account: str = "acme",
    profile: str = "berlin",
    subscription: str = "s-1",
    on: date = DAY,
) -> Subscription:
    """Return a subscription that was just bought, of 5 channels unless a plan is given.

    >>> print(make_subscription(profile="paris"))
    Subscription s-1 on profile paris: 5 channels, 2026-01-05 to 2026-02-04, active
    """
    bought = buy(
        plan or SKYPE_CONNECT.plan(channels=5),
        tariff,
        account=AccountId(account),
        profile=ProfileId(profile),
        subscription=SubscriptionId(subscription),
        on=on,
    )
    return cast(Subscription, bought.after)


def make_account(
    plans: Mapping[str, Plan],
    *,
    account: str = "acme",
    credit: str = "1000",
    tariff: Tariff = TARIFF,
    on: date = DAY,
) -> tuple[Decision, ...]:
    """Return the decisions that open an account: a deposit, and a plan bought for each profile.

    An empty store commits them in their order, each with ``expected=None``, where the credit, in
    whole units of the tariff's currency, does for all of the plans.

    >>> from channelplans.memory import MemoryStore
    >>> store = MemoryStore()
    >>> for decision in make_account({"berlin": SKYPE_CONNECT.plan(channels=5)}):
    ...     revision = store.commit(decision, expected=None)
    >>> print(store.balance(Purse("acme")))
    960.25 EUR
    """
    purse, amount = Purse(AccountId(account)), Money.of(credit, tariff.currency)
    paid_in = deposit(purse, amount, transfer=f"opening of {account}", on=on)
    bought = (
        buy(
            plan,
            tariff,
            account=AccountId(account),
            profile=ProfileId(profile),
            subscription=SubscriptionId(f"{profile} {on}"),
            on=on,
        )
        for profile, plan in plans.items()
    )
    return (paid_in, *bought)
