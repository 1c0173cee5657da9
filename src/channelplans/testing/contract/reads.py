"""Reads: the store returns every field as it was committed, for any identifier and any amount."""

from datetime import date, timedelta
from itertools import product
from typing import Final

import attrs
import pytest

from channelplans.allowances import Allowance
from channelplans.calendar import Term
from channelplans.money import Currency, Money
from channelplans.offers import OFFERS
from channelplans.plans import Offer
from channelplans.storage.ports import Booked, Page
from channelplans.subscriptions.wallets import Reason, Wallet
from channelplans.testing.builders import DAY
from channelplans.testing.contract.checked_store import DISTANT_DAY, CheckedStore, check_equal
from channelplans.testing.contract.helpers import (
    ACCOUNT_WALLET,
    BERLIN_WALLET,
    UNUSUAL_IDENTIFIERS,
    cents,
    days,
    eur,
    lifecycle_of,
    make_deposit,
    make_posting,
    make_purchase,
    make_transfer,
    make_withdrawal,
)

#: Accounts and profiles that give the same text if they are joined without escaping.
_AMBIGUOUS_PAIRS: Final = (
    *(("a/b", "c"), ("a", "b/c")),
    *(("a:b", "c"), ("a", "b:c")),
    *(("ab", "c"), ("a", "bc")),
)

_FIELD_LOST: Final = "the subscription that was read differs from the subscription committed"


class ReadTests:
    """``subscription``, ``balance``, ``postings`` and ``committed`` return what was committed."""

    def test_reads_find_nothing_in_an_empty_store(self, store: CheckedStore) -> None:
        """For something that was never stored, a read returns None or an empty result.

        If it fails: check each read for a missing row. Return None, not 0, as the balance of a
        wallet without postings.
        """
        message = "a read of an empty store must return None or an empty result"
        check_equal(None, store.subscription("berlin"), message)
        check_equal(None, store.balance(ACCOUNT_WALLET), f"{message}: the balance is None, not 0")
        check_equal((), store.postings(ACCOUNT_WALLET), message)
        check_equal(None, store.committed("call/c-1"), message)
        check_equal(Page(()), store.due(DISTANT_DAY), message)

    @pytest.mark.parametrize(
        "offer", tuple(OFFERS.values()), ids=lambda offer: f"{offer.name} {offer.edition}"
    )
    def test_subscription_returns_every_field(self, store: CheckedStore, offer: Offer) -> None:
        """Every field of a subscription is read as it was committed, under each shipped offer.

        If it fails: compare the field in the message with the value that the store writes.
        ``codec.encode`` and ``decode`` carry all fields, also ``plan.requested``, which ``==``
        ignores.
        """
        for wallet in (ACCOUNT_WALLET, BERLIN_WALLET):
            store.commit(make_deposit("1000000", f"of {wallet}", wallet=wallet))
        revision = None
        for decision in lifecycle_of(offer):
            revision = store.commit(decision, expected=revision)
            store.check_stored(decision.after, revision, _FIELD_LOST)
            message = "an equal decision was not recognized: a field is lost in the stored decision"
            repeated = store.commit_valid(decision, message, expected=revision)
            check_equal(revision, repeated, message)

    def test_subscription_returns_extreme_values(self, store: CheckedStore) -> None:
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
        store.commit(make_deposit("1000"))
        revision = store.commit(attrs.evolve(decision, after=subscription))
        store.check_stored(subscription, revision, _FIELD_LOST)

    def test_postings_return_every_field(self, store: CheckedStore) -> None:
        """Every field of a posting, its token and its index are read as they were committed.

        If it fails: compare the field in the message with the columns of the postings. The index
        counts all postings of a decision, not only the postings of one wallet.
        """
        term = Term(DAY, DAY + days(30))
        plain = [make_posting("1.01", reason=reason, on=DAY + days(1)) for reason in Reason]
        full = [
            attrs.evolve(posting, wallet=BERLIN_WALLET, term=term, reference="s/1 \u00e9")
            for posting in plain
        ]
        postings = [*plain, *full]
        decision = make_transfer("everything", *postings)
        store.commit(decision)
        booked = [Booked(posting, decision.token, index) for index, posting in enumerate(postings)]
        for wallet in (ACCOUNT_WALLET, BERLIN_WALLET):
            expected = tuple(entry for entry in booked if entry.posting.wallet == wallet)
            message = f"the postings of {wallet} differ from the postings that were committed"
            check_equal(expected, store.postings(wallet), message)

    def test_balance_and_postings_carry_18_digits(self, store: CheckedStore) -> None:
        """Amounts and balances are exact up to 18 digits, for any number of decimals.

        If it fails: look for a float or a 32-bit column. Store amounts in units of the currency, as
        64-bit integers or as text, and add them in Python.
        """
        for exponent, units in ((2, 10**18 - 1), (5, 123_456_789_012_345_678), (12, 2**53 + 1)):
            currency = Currency("EUR", exponent)
            wallet = Wallet(f"of {exponent}")
            amount, one_unit = (Money(minor=minor, currency=currency) for minor in (units, 1))
            store.commit(make_deposit(amount, f"in {exponent}", wallet=wallet))
            store.commit(make_withdrawal(one_unit, f"out {exponent}", wallet=wallet))
            message = "an amount was not stored to the last unit"
            check_equal(amount - one_unit, store.balance(wallet), message)
            amounts = [booked.posting.amount for booked in store.postings(wallet)]
            check_equal([amount, -one_unit], amounts, message)

    def test_reads_distinguish_similar_identifiers(self, store: CheckedStore) -> None:
        """Accounts, profiles, transfers and subscriptions may have any printable identifier.

        If it fails: look for a comparison that ignores case, accents, Unicode form, emoji, or dots
        at the end. Look for a column that cuts long text or converts text to numbers. Escape the
        separator if you join identifiers to a key. The key of a wallet is the account and the
        profile, which may be None.
        """
        wallets = [
            *(Wallet(name) for name in UNUSUAL_IDENTIFIERS),
            *(Wallet(name, name) for name in UNUSUAL_IDENTIFIERS),
            *(Wallet(first, second) for first, second in _AMBIGUOUS_PAIRS),
        ]
        message = "the store confused a deposit or its wallet with another one"
        for number, wallet in enumerate(wallets, 1):
            transfer = f"{wallet.account}|{wallet.profile or ''}"
            store.commit_valid(make_deposit(cents(number), transfer, wallet=wallet), message)
        for number, wallet in enumerate(wallets, 1):
            message = f"the store changed {wallet!r} or confused it with another wallet"
            check_equal(cents(number), store.balance(wallet), message)
            booked_wallets = [booked.posting.wallet for booked in store.postings(wallet)]
            check_equal([wallet], booked_wallets, message)
        message = "a wallet without postings was confused with another wallet"
        check_equal(None, store.balance(BERLIN_WALLET), message)
        check_equal((), store.postings(BERLIN_WALLET), message)
        store.commit(make_deposit("10000"))
        purchases = [make_purchase(name, f"s {name}") for name in UNUSUAL_IDENTIFIERS]
        revisions = [store.commit(purchase) for purchase in purchases]
        for purchase, revision in zip(purchases, revisions, strict=True):
            store.check_stored(purchase.after, revision, _FIELD_LOST)
            message = "a token was confused with another token"
            check_equal(revision, store.committed(purchase.token), message)

    def test_balance_is_the_sum_of_the_postings(self, store: CheckedStore) -> None:
        """A balance is the sum of the wallet's postings, and 0 if they cancel out.

        If it fails: add the decision's delta of the wallet to the balance, once for each commit.
        Keep the wallet when its balance is 0.
        """
        message = "the balance must be the sum of the postings: at the end 0, not None"
        for amount, total in (("10", "10"), ("-3.50", "6.50"), ("-6.50", "0")):
            store.commit(make_transfer(f"of {amount}", make_posting(amount)))
            check_equal(eur(total), store.balance(ACCOUNT_WALLET), message)

    def test_postings_are_in_commit_order(self, store: CheckedStore) -> None:
        """Postings are returned in commit order, not sorted by day or token.

        If it fails: number the postings as they are stored, and sort by that number. The postings
        of one decision keep their order.
        """
        transfer = make_transfer("m", make_posting("-2"), make_posting("1"), make_posting("3"))
        store.commit(make_deposit("10", "z", on=DAY + days(9)))
        store.commit(transfer)
        store.commit(make_deposit("4", "a", on=DAY - days(9)))
        of_transfer = [("transfer/m", index) for index in range(3)]
        expected = [("transfer/z", 0), *of_transfer, ("transfer/a", 0)]
        positions = [(booked.token, booked.index) for booked in store.postings(ACCOUNT_WALLET)]
        check_equal(expected, positions, "the postings are not in commit order")

    def test_postings_select_days_by_since_and_until(self, store: CheckedStore) -> None:
        """``since`` is the first day to include, ``until`` the first day to leave out.

        If it fails: compare both with ``posting.on``, not with the day of the decision. None sets
        no limit.
        """
        posted_days = [DAY + days(number) for number in (3, 1, 2, 4)]
        for day in posted_days:
            store.commit(make_transfer(f"on {day}", make_posting("1", on=day)))
        bounds = [None, *(DAY + days(number) for number in range(6))]
        for since, until in product(bounds, bounds):
            first, end = since or date.min, until or date.max
            expected = [day for day in posted_days if first <= day < end]
            postings = store.postings(ACCOUNT_WALLET, since=since, until=until)
            message = f"postings(since={since}, until={until}) returned the wrong days"
            check_equal(expected, [booked.posting.on for booked in postings], message)
