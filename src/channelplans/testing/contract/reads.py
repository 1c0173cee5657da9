"""Reads: the store returns every field as it was committed, for any identifier and any amount."""

from collections.abc import Generator
from datetime import timedelta
from itertools import product
from typing import Final

import attrs
import pytest

from channelplans.calendar import Term
from channelplans.calls import Allowance
from channelplans.money import EUR, Currency, Money
from channelplans.offers import OFFERS
from channelplans.plans import Offer
from channelplans.storage.ports import Booked, Page, Store
from channelplans.subscriptions.decisions import Decision
from channelplans.subscriptions.subscription import Subscription
from channelplans.subscriptions.wallets import Reason, Wallet
from channelplans.testing.builders import DAY
from channelplans.testing.contract.checked_store import check_equal
from channelplans.testing.contract.helpers import (
    ACCOUNT,
    ACCOUNT_WALLET,
    BERLIN,
    BERLIN_WALLET,
    DISTANT_DAY,
    UNUSUAL_IDENTIFIERS,
    check_stored,
    commit_valid,
    days,
    eur,
    lifecycle_of,
    make_assignment,
    make_deposit,
    make_posting,
    make_purchase,
    make_transfer,
    make_withdrawal,
    stored_subscription,
)

#: Accounts and profiles that give the same text if they are joined without escaping.
_AMBIGUOUS_PAIRS: Final = (
    ("a/b", "c"),
    ("a", "b/c"),
    ("a:b", "c"),
    ("a", "b:c"),
    ("ab", "c"),
    ("a", "bc"),
)

_FIELD_LOST: Final = "the subscription that was read differs from the subscription committed"


class ReadTests:
    """``subscription``, ``balance``, ``postings`` and ``committed`` return what was committed."""

    def test_reads_find_nothing_in_an_empty_store(self, store: Store) -> None:
        """For something that was never stored, a read returns None or an empty result.

        If it fails: check each read for a missing row. Return None, not 0, as the balance of a
        wallet without postings.
        """
        message = "a read of an empty store must return None or an empty result"
        check_equal(None, store.subscription(BERLIN), message)
        check_equal(None, store.balance(ACCOUNT_WALLET), f"{message}: the balance is None, not 0")
        check_equal((), store.postings(ACCOUNT_WALLET), message)
        check_equal(None, store.committed("call/c-1"), message)
        check_equal(Page(()), store.due(DISTANT_DAY), message)

    @pytest.mark.parametrize(
        "offer", tuple(OFFERS.values()), ids=lambda offer: f"{offer.name} {offer.edition}"
    )
    def test_subscription_returns_every_field(self, store: Store, offer: Offer) -> None:
        """Every field of a subscription is read as it was committed, under each shipped offer.

        If it fails: compare the field in the message with the value that the store writes.
        ``codec.encode`` and ``decode`` carry all fields, also ``plan.requested``, which ``==``
        ignores. Make the store with ``builders.CATALOGUE``.
        """
        for wallet in (ACCOUNT_WALLET, BERLIN_WALLET):
            store.commit(make_deposit("1000000", f"of {wallet}", wallet=wallet), expected=None)
        revision, lifecycle = None, lifecycle_of(offer)
        decision: Decision | None = next(lifecycle)
        while decision is not None:
            revision = store.commit(decision, expected=revision)
            check_stored(store, decision.after, revision, _FIELD_LOST)
            message = "an equal decision was not recognized: a field is lost in the stored decision"
            repeated = commit_valid(store, decision, message, expected=revision)
            check_equal(revision, repeated, message)
            decision = _next_decision(lifecycle, stored_subscription(store, BERLIN).value)

    def test_subscription_returns_extreme_values(self, store: Store) -> None:
        """Values that no shipped offer produces, such as the year 9999, are read as committed.

        If it fails: find the column or the encoding that cannot hold the field in the message, such
        as a duration in whole seconds.
        """
        decision = make_purchase()
        rolled_over = tuple(timedelta(minutes=1, microseconds=part) for part in (1, 0, 999_999))
        granted, used = timedelta(days=400, microseconds=5), timedelta(microseconds=3)
        subscription = attrs.evolve(
            decision.after,
            allowance=Allowance(granted, used, rolled_over),
            last_changed_on=DAY.replace(year=1),
            acted_on=DAY.replace(year=9999),
            started_on=None,
            sequence=2**40,
        )
        store.commit(make_deposit("1000"), expected=None)
        revision = store.commit(attrs.evolve(decision, after=subscription), expected=None)
        check_stored(store, subscription, revision, _FIELD_LOST)

    def test_postings_return_every_field(self, store: Store) -> None:
        """Every field of a posting, its token and its index are read as they were committed.

        If it fails: compare the field in the message with the columns of the postings. The index
        counts all postings of a decision, not only the postings of one wallet.
        """
        term = Term(DAY, DAY + days(30))
        postings = [
            posting
            for reason in Reason
            for posting in (
                make_posting("1.01", reason=reason, on=DAY + days(1)),
                make_posting(
                    "1.01",
                    BERLIN_WALLET,
                    reason=reason,
                    on=DAY + days(1),
                    term=term,
                    reference="s/1 \u00e9",
                ),
            )
        ]
        decision = make_transfer("everything", *postings)
        store.commit(decision, expected=None)
        booked = [Booked(posting, decision.token, index) for index, posting in enumerate(postings)]
        for wallet in (ACCOUNT_WALLET, BERLIN_WALLET):
            expected = tuple(entry for entry in booked if entry.posting.wallet == wallet)
            message = f"the postings of {wallet} differ from the postings that were committed"
            check_equal(expected, store.postings(wallet), message)

    def test_balance_and_postings_carry_60_digits(self, store: Store) -> None:
        """Amounts and balances are exact up to 60 digits, also beyond 64 bits.

        If it fails: look for a float or a 64-bit column. Store amounts as text or as a number of
        any precision, and add them in Python.
        """
        for exponent, units in ((5, 2**63 + 1), (2, int("1234567890" * 6)), (12, 2**53 + 1)):
            currency = Currency("EUR", exponent)
            wallet = Wallet(f"of {exponent}")
            amount, one_unit = (Money(minor=minor, currency=currency) for minor in (units, 1))
            store.commit(make_deposit(amount, f"in {exponent}", wallet=wallet), expected=None)
            store.commit(make_withdrawal(one_unit, f"out {exponent}", wallet=wallet), expected=None)
            message = "an amount was not stored to the last unit"
            check_equal(amount - one_unit, store.balance(wallet), message)
            amounts = [booked.posting.amount for booked in store.postings(wallet)]
            check_equal([amount, -one_unit], amounts, message)

    def test_reads_distinguish_similar_identifiers(self, store: Store) -> None:
        """Accounts, profiles, transfers and subscriptions may have any text as identifier.

        If it fails: look for a comparison that ignores case, Unicode form or emoji. Look for a
        column that cuts long text or converts text to numbers. Escape the separator if you join
        identifiers to a key.
        """
        wallets = [
            *(Wallet(name) for name in UNUSUAL_IDENTIFIERS),
            *(Wallet(name, name) for name in UNUSUAL_IDENTIFIERS),
            *(Wallet(first, second) for first, second in _AMBIGUOUS_PAIRS),
        ]
        message = "the store confused a deposit or its wallet with another one"
        for number, wallet in enumerate(wallets, 1):
            amount = Money(minor=number, currency=EUR)
            commit_valid(store, make_deposit(amount, repr(wallet), wallet=wallet), message)
        for number, wallet in enumerate(wallets, 1):
            message = f"the store changed {wallet!r} or confused it with another wallet"
            check_equal(Money(minor=number, currency=EUR), store.balance(wallet), message)
            booked_wallets = [booked.posting.wallet for booked in store.postings(wallet)]
            check_equal([wallet], booked_wallets, message)
        store.commit(make_deposit("10000"), expected=None)
        purchases = [make_purchase(name, f"s {name}") for name in UNUSUAL_IDENTIFIERS]
        revisions = [store.commit(purchase, expected=None) for purchase in purchases]
        for purchase, revision in zip(purchases, revisions, strict=True):
            check_stored(store, purchase.after, revision, _FIELD_LOST)
            message = "a token was confused with another token"
            check_equal(revision, store.committed(purchase.token), message)

    def test_balance_is_the_sum_of_the_postings(self, store: Store) -> None:
        """A balance is the sum of the wallet's postings, and 0 if they cancel out.

        If it fails: add the decision's delta of the wallet to the balance, once for each commit.
        Keep the wallet when its balance is 0.
        """
        total = Money(minor=0, currency=EUR)
        decisions = [
            make_deposit("10", "t-1"),
            make_withdrawal("3.50", "t-2"),
            make_withdrawal("6.50", "t-3"),
        ]
        for decision in decisions:
            store.commit(decision, expected=None)
            total += decision.postings[0].amount
            message = "the balance must be the sum of the postings: at the end 0, not None"
            check_equal(total, store.balance(ACCOUNT_WALLET), message)

    def test_balance_separates_account_and_profile_wallets(self, store: Store) -> None:
        """An account's wallet and a profile's wallet are different, even if both have one name.

        If it fails: use account and profile as the key of a wallet; the profile may be None.
        """
        profile_wallet = Wallet(ACCOUNT, ACCOUNT)
        store.commit(make_deposit("10"), expected=None)
        store.commit(make_assignment("4", "t-1", ACCOUNT), expected=None)
        message = "the store confused the wallets of an account and of its profiles"
        check_equal(eur("6"), store.balance(ACCOUNT_WALLET), message)
        check_equal(eur("4"), store.balance(profile_wallet), message)
        check_equal(None, store.balance(BERLIN_WALLET), message)
        check_equal((), store.postings(BERLIN_WALLET), message)

    def test_postings_are_in_commit_order(self, store: Store) -> None:
        """Postings are returned in commit order, not sorted by day or token.

        If it fails: number the postings as they are stored, and sort by that number. The postings
        of one decision keep their order.
        """
        transfer = make_transfer("m", make_posting("-2"), make_posting("1"), make_posting("3"))
        store.commit(make_deposit("10", "z", on=DAY + days(9)), expected=None)
        store.commit(transfer, expected=None)
        store.commit(make_deposit("4", "a", on=DAY - days(9)), expected=None)
        expected = [
            ("transfer/z", 0),
            *(("transfer/m", index) for index in range(3)),
            ("transfer/a", 0),
        ]
        positions = [(booked.token, booked.index) for booked in store.postings(ACCOUNT_WALLET)]
        check_equal(expected, positions, "the postings are not in commit order")

    def test_postings_select_days_by_since_and_until(self, store: Store) -> None:
        """``since`` is the first day to include, ``until`` the first day to leave out.

        If it fails: compare both with ``posting.on``, not with the day of the decision. None sets
        no limit.
        """
        numbers = (3, 1, 2, 4)
        for number in numbers:
            posting = make_posting(f"0.0{number}", on=DAY + days(number))
            store.commit(make_transfer(f"t-{number}", posting), expected=None)
        bounds = [None, *(DAY + days(number) for number in range(6))]
        for since, until in product(bounds, bounds):
            expected = [
                number
                for number in numbers
                if (since is None or since <= DAY + days(number))
                and (until is None or DAY + days(number) < until)
            ]
            postings = store.postings(ACCOUNT_WALLET, since=since, until=until)
            cents = [booked.posting.amount.minor for booked in postings]
            message = f"postings(since={since}, until={until}) returned the wrong days"
            check_equal(expected, cents, message)


def _next_decision(
    lifecycle: Generator[Decision, Subscription, None], subscription: Subscription
) -> Decision | None:
    """Return the next decision of a lifecycle; None at its end."""
    try:
        return lifecycle.send(subscription)
    except StopIteration:
        return None
