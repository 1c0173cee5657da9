"""Functions and constants that give tests a tariff, a subscription or an account in one line.

The prices are made up.
"""

from collections.abc import Mapping
from datetime import date
from typing import Any, Final

import attrs

from channelplans.money import EUR, Money
from channelplans.offers import SKYPE_CONNECT
from channelplans.plans import Plan
from channelplans.subscriptions.actions import buy
from channelplans.subscriptions.decisions import Decision, Transfer
from channelplans.subscriptions.subscription import Subscription
from channelplans.subscriptions.transfers import deposit
from channelplans.subscriptions.wallets import Wallet
from channelplans.tariffs import Tariff

__all__ = ["DAY", "TARIFF", "make_account", "make_subscription", "make_tariff"]

#: The default day of purchases and deposits.
DAY: Final = date(2026, 1, 5)

#: The default tariff.
TARIFF: Final = Tariff(
    "plausible",
    EUR,
    channel="6.95",
    bundle="10",
    minute="0.021",
    rates={"DE": "0.017", "GB": "0.02", "PL": "0.035", "US": "0.021"},
    setup="5",
)


def make_tariff(**changes: Any) -> Tariff:
    """Return ``TARIFF`` with other values for the given fields.

    Args:
        **changes: the new values, by field of ``Tariff``; prices in whole units of the currency.

    >>> from channelplans.testing.builders import make_tariff
    >>> print(make_tariff(channel="7.25").channels(2))
    14.50 EUR
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
    """Return a subscription that was just bought.

    Args:
        plan: the plan; None means 5 channels of ``SKYPE_CONNECT``.
        tariff: the prices.
        account: the account that pays.
        profile: the profile that holds the subscription.
        subscription: the identifier of the subscription.
        on: the day of purchase, and the first day of the first term.

    >>> from channelplans.testing.builders import make_subscription
    >>> print(make_subscription(profile="paris"))
    Subscription 's-1' on profile 'paris': 5 channels, 2026-01-05 to 2026-02-04, active
    """
    plan = plan or SKYPE_CONNECT.plan(channels=5)
    purchase = buy(plan, tariff, account=account, profile=profile, subscription=subscription, on=on)
    return purchase.after


def make_account(
    plans: Mapping[str, Plan],
    *,
    account: str = "acme",
    credit: str = "1000",
    tariff: Tariff = TARIFF,
    on: date = DAY,
) -> tuple[Transfer | Decision, ...]:
    """Return the decisions that open an account: a deposit, and a purchase for each profile.

    Commit the decisions to an empty store in this order, each with ``expected=None``. The store
    accepts all of them if the credit covers the plans.

    Args:
        plans: the plan of each profile, by the name of the profile.
        account: the account that pays.
        credit: the deposit, in units of the tariff's currency, such as euros.
        tariff: the prices.
        on: the day of the deposit and the purchases.

    >>> from channelplans import SKYPE_CONNECT, MemoryStore, Wallet
    >>> from channelplans.testing.builders import make_account
    >>> store = MemoryStore()
    >>> for decision in make_account({"berlin": SKYPE_CONNECT.plan(channels=5)}):
    ...     revision = store.commit(decision, expected=None)
    >>> print(store.balance(Wallet("acme")))  # 1,000 less 5 x 6.95 and the set-up of 5
    960.25 EUR
    """
    amount = Money.of(credit, tariff.currency)
    opening = deposit(Wallet(account), amount, transfer=f"opening of {account}", on=on)
    purchases = (
        buy(plan, tariff, account=account, profile=profile, subscription=f"{profile} {on}", on=on)
        for profile, plan in plans.items()
    )
    return (opening, *purchases)
