"""Offers and tariffs that a store can only know from commits, in several currencies."""

from typing import Final

import attrs

from channelplans.money import EUR, JPY, PLN, USD, Money
from channelplans.offers import SKYPE_CONNECT
from channelplans.plans import Offer
from channelplans.rules import Notice
from channelplans.storage.ports import Revision
from channelplans.subscriptions import actions
from channelplans.subscriptions.decisions import Decision
from channelplans.subscriptions.transfers import deposit
from channelplans.subscriptions.wallets import Wallet
from channelplans.tariffs import Ladder, Tariff, Tier
from channelplans.testing.builders import DAY
from channelplans.testing.contract.checked_store import CheckedStore

#: An offer with the name and the edition of a shipped offer, but with other rules.
_OTHER_RULES: Final = attrs.evolve(
    SKYPE_CONNECT, notices=(Notice("no-fax", "Not for fax.", "section 4"),)
)
_UNSHIPPED: Final = attrs.evolve(_OTHER_RULES, name="Lines", edition="2026")

#: Offers and tariffs of one price list each. Three tariffs have one name, as if negotiated.
PRICE_LISTS: Final[tuple[tuple[Offer, Tariff], ...]] = (
    (SKYPE_CONNECT, Tariff("negotiated", EUR, "5.95", "10")),
    (SKYPE_CONNECT, Tariff("negotiated", EUR, "4.95", "10")),
    (_OTHER_RULES, Tariff("negotiated", USD, "7.50", "12")),
    (_UNSHIPPED, Tariff("Lines", PLN, Ladder((Tier(10, "27.50"), Tier(None, "25"))), "45")),
    (_UNSHIPPED, Tariff("Lines", JPY, "900", "1500")),
)


def sell_at_each_price_list(store: CheckedStore) -> list[tuple[Decision, Revision]]:
    """Sell 6 channels to one account for each price list; return each purchase and its revision."""
    purchases: list[tuple[Decision, Revision]] = []
    for number in range(len(PRICE_LISTS)):
        pay_in(store, number)
        purchase = make_sale(number)
        purchases.append((purchase, store.commit_decision(purchase).revision))
    return purchases


def pay_in(store: CheckedStore, number: int) -> None:
    """Deposit credit for the account of a price list, in the currency of its tariff."""
    _, tariff = PRICE_LISTS[number]
    credit = Money.of(100_000, tariff.currency)
    store.commit(deposit(Wallet(f"n-{number}"), credit, transfer=f"of n-{number}", on=DAY))


def make_sale(number: int) -> Decision:
    """Return the purchase of 6 channels and a bundle by the account of a price list."""
    offer, tariff = PRICE_LISTS[number]
    name = f"n-{number}"
    plan = offer.plan(channels=6, bundles=1)
    return actions.buy(plan, tariff, account=name, profile=name, subscription=name, on=DAY)
