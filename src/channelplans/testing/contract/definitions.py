"""Definitions: a commit stores the offers and tariffs that it refers to, and reads find them."""

from typing import Final, cast

import attrs

from channelplans.errors import InsufficientCredit
from channelplans.storage.ports import Revision, Stored
from channelplans.subscriptions import actions
from channelplans.subscriptions.decisions import Decision
from channelplans.testing.builders import DAY
from channelplans.testing.contract.checked_store import CheckedStore, check_equal
from channelplans.testing.contract.helpers import days
from channelplans.testing.contract.price_lists import (
    PRICE_LISTS,
    make_sale,
    pay_in,
    sell_at_each_price_list,
)

_NOT_FOUND: Final = (
    "a subscription is not read with the offer and the tariff of its commit: store each of "
    "codec.definitions_of(decision) under its digest, not under its name, in the transaction that "
    "stores the decision"
)
_NOT_FOUND_AFTER_REFUSAL: Final = (
    "a commit was refused, and then a commit with the same offer and tariff cannot be read: "
    "remember an offer or a tariff as stored only after the transaction that stores it"
)


class DefinitionTests:
    """A store that receives nothing but commits returns values under any offer and any tariff."""

    def test_commit_stores_the_offers_and_tariffs_of_a_decision(self, store: CheckedStore) -> None:
        """Reads return subscriptions under offers and tariffs that only commits brought.

        If it fails: store ``codec.definitions_of(decision)`` in the transaction of the commit, each
        under its digest, unless it is stored already. Pass them to ``decode`` as ``definitions``.
        Several tariffs may have one name, and the tariffs of one store several currencies.
        """
        purchases = sell_at_each_price_list(store)
        for purchase, revision in purchases:
            _check_readable(store, purchase, revision, _NOT_FOUND)
        for (purchase, revision), (offer, tariff) in zip(purchases, PRICE_LISTS, strict=True):
            other_tariff = attrs.evolve(tariff, channel="6", bundle="11")
            change = actions.change(
                purchase.after, offer.plan(channels=7), other_tariff, on=DAY + days(2)
            )
            changed = store.commit(change, expected=revision)
            _check_readable(store, change, changed, _NOT_FOUND)
            message = "an equal decision was not recognized: its offers or tariffs are lost"
            repeated = store.commit_valid(change, message, expected=revision)
            check_equal(changed, repeated, message)

    def test_refused_commit_stores_no_offer_or_tariff(self, store: CheckedStore) -> None:
        """A later commit with the offer and the tariff of a refused commit stores them.

        If it fails: store the offers and tariffs in the transaction of the commit. If the store
        remembers which of them are stored, let it do so only after the transaction.
        """
        for number in range(len(PRICE_LISTS)):
            purchase = make_sale(number)
            message = "commit took credit from a wallet without postings"
            store.check_refused(InsufficientCredit, purchase, message)
            pay_in(store, number)
            revision = store.commit(purchase)
            _check_readable(store, purchase, revision, _NOT_FOUND_AFTER_REFUSAL)


def _check_readable(
    store: CheckedStore, decision: Decision, revision: Revision | None, message: str
) -> None:
    """Check the stored subscription; if it cannot even be read, start with the message too."""
    __tracebackhide__ = True
    try:
        stored = store.stored_subscription(decision.account, decision.after.profile)
    except AssertionError as error:
        raise AssertionError(f"{message}\n{error}") from error
    check_equal(Stored(decision.after, cast("Revision", revision)), stored, message)
