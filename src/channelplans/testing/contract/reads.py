"""Reads: the store returns every field as it was committed, for any identifier and any amount."""

from datetime import date, timedelta
from itertools import product
from typing import Any, Final

import attrs
import pytest

from channelplans.allowances import Allowance
from channelplans.calendar import Term
from channelplans.money import Currency, Money
from channelplans.offers import OFFERS
from channelplans.plans import Offer
from channelplans.rules import Notice
from channelplans.storage.ports import Booked, Page, Stored
from channelplans.subscriptions import actions
from channelplans.subscriptions.decisions import Decision, Request, Transfer
from channelplans.subscriptions.subscription import Action, Subscription
from channelplans.subscriptions.wallets import Reason, Wallet
from channelplans.testing.builders import DAY
from channelplans.testing.contract.checked_store import DISTANT_DAY, CheckedStore, check_equal
from channelplans.testing.contract.helpers import (
    ACCOUNT,
    ACCOUNT_WALLET,
    BERLIN_WALLET,
    OTHER_ACCOUNT,
    PARIS_WALLET,
    UNSORTED_NAMES,
    UNUSUAL_IDENTIFIERS,
    buy_for,
    cents,
    days,
    eur,
    lifecycle_of,
    make_call_decision,
    make_change,
    make_deposit,
    make_posting,
    make_purchase,
    make_transfer,
    make_withdrawal,
    open_account,
)

#: Accounts and profiles that give the same text if they are joined without escaping.
_AMBIGUOUS_PAIRS: Final = (
    *(("a/b", "c"), ("a", "b/c")),
    *(("a:b", "c"), ("a", "b:c")),
    *(("ab", "c"), ("a", "bc")),
)

_FIELD_LOST: Final = "the subscription that was read differs from the subscription committed"
_TOO_LONG: Final = "an identifier of 255 characters, or a token of such identifiers, is too long"
_DECISION_FIELD_LOST: Final = "the decision that was read differs from the decision committed"


class ReadTests:
    """The reads, apart from ``due``, return what was committed."""

    def test_reads_find_nothing_in_an_empty_store(self, store: CheckedStore) -> None:
        """For something that was never stored, a read returns None or an empty result.

        If it fails: check each read for a missing row. Return None, not 0, as the balance of a
        wallet without postings.
        """
        message = "a read of an empty store must return None or an empty result"
        check_equal(None, store.subscription(ACCOUNT, "berlin"), message)
        for before in (None, DAY):
            balance = store.balance(ACCOUNT_WALLET, before=before)
            check_equal(None, balance, f"{message}: the balance is None, not 0")
        check_equal(None, store.decision(ACCOUNT, "call/c-1"), message)
        for method, subject in (
            ("profiles", ACCOUNT),
            ("postings", ACCOUNT_WALLET),
            ("decisions", ACCOUNT),
            ("due", DISTANT_DAY),
        ):
            check_equal([Page(())], list(store.pages(method, subject)), message)

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
            check_equal(decision, store.decision(ACCOUNT, decision.token), _DECISION_FIELD_LOST)
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
            attrs.evolve(
                posting, wallet=BERLIN_WALLET, term=term, reference="s/1 \u00e9", value_date=DAY
            )
            for posting in plain
        ]
        postings = [*plain, *full]
        decision = make_transfer("everything", *postings)
        store.commit(decision)
        booked = [Booked(posting, decision.token, index) for index, posting in enumerate(postings)]
        for wallet in (ACCOUNT_WALLET, BERLIN_WALLET):
            expected = tuple(entry for entry in booked if entry.posting.wallet == wallet)
            message = f"the postings of {wallet} differ from the postings that were committed"
            check_equal(expected, store.all_postings(wallet), message)

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
            amounts = [booked.posting.amount for booked in store.all_postings(wallet)]
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
            transfer = make_deposit(cents(number), wallet.profile or "t-1", wallet=wallet)
            # The same identifier in every account, so that only the account tells them apart.
            store.commit_valid(transfer, message)
        for number, wallet in enumerate(wallets, 1):
            message = f"the store changed {wallet!r} or confused it with another wallet"
            check_equal(cents(number), store.balance(wallet), message)
            booked_wallets = [booked.posting.wallet for booked in store.all_postings(wallet)]
            check_equal([wallet], booked_wallets, message)
        message = "a wallet without postings was confused with another wallet"
        check_equal(None, store.balance(BERLIN_WALLET), message)
        check_equal((), store.all_postings(BERLIN_WALLET), message)
        store.commit(make_deposit("10000", "for purchases"))
        purchases = [make_purchase(name, name) for name in UNUSUAL_IDENTIFIERS]
        revisions = [store.commit(purchase) for purchase in purchases]
        for purchase, revision in zip(purchases, revisions, strict=True):
            store.check_stored(purchase.after, revision, _FIELD_LOST)
            message = "a token was confused with another token"
            check_equal(purchase, store.decision(ACCOUNT, purchase.token), message)

    @pytest.mark.parametrize("character", ["x", "/", "%", "\u00e9", "\u65e5", "\U0001f642"])
    def test_longest_identifiers_work_together(self, store: CheckedStore, character: str) -> None:
        """Identifiers of 255 characters may be used in every place at once, also in tokens.

        If it fails: find the column, key or index that is too short. In UTF-8 a character has up to
        4 bytes. A token joins identifiers and escapes them, so it can be several times as long: use
        a text column without a limit, or a hash of the token as its key. Do not cut anything.
        """
        name, other, third = (character * 254 + end for end in (character, "b", "c"))
        transfers = {None: third, name: name, other: other}
        for account in (name, other):
            for profile, transfer_id in transfers.items():
                transfer = make_deposit("50", transfer_id, wallet=Wallet(account, profile))
                store.commit_valid(transfer, _TOO_LONG)
                check_equal(transfer, store.decision(account, transfer.token), _TOO_LONG)
            purchase = make_purchase(name, name, account=account)
            revision = store.commit_valid(purchase, _TOO_LONG)
            call = make_call_decision(purchase.after, name)
            revision = store.commit_valid(call, _TOO_LONG, expected=revision)
            store.check_stored(call.after, revision, _TOO_LONG)
            for decision in (purchase, call):
                check_equal(decision, store.decision(account, decision.token), _TOO_LONG)
            check_equal(sorted([name, other]), store.all_profiles(account), _TOO_LONG)
            check_equal(eur("49.95"), store.balance(Wallet(account, name)), _TOO_LONG)
            check_equal(eur("50"), store.balance(Wallet(account, other)), _TOO_LONG)
            postings = store.all_postings(Wallet(account, name), limit=1)
            check_equal([name, name], [entry.posting.reference for entry in postings], _TOO_LONG)
            for limit in (1, 2):
                tokens = [entry.token for entry in store.all_decisions(account, limit=limit)]
                check_equal([purchase.token, call.token], tokens[3:], _TOO_LONG)
        for limit in (1, 2):
            found = store.walk_due(DISTANT_DAY, limit=limit)
            check_equal(sorted([(name, name), (other, name)]), found, _TOO_LONG)

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

        If it fails: number the postings as they are booked, and sort by that number. The postings
        of one decision keep their order.
        """
        transfer = make_transfer("m", make_posting("-2"), make_posting("1"), make_posting("3"))
        store.commit(make_deposit("10", "z", on=DAY + days(9)))
        store.commit(transfer)
        store.commit(make_deposit("4", "a", on=DAY - days(9)))
        of_transfer = [("transfer/m", index) for index in range(3)]
        expected = [("transfer/z", 0), *of_transfer, ("transfer/a", 0)]
        positions = [(booked.token, booked.index) for booked in store.all_postings(ACCOUNT_WALLET)]
        check_equal(expected, positions, "the postings are not in commit order")

    def test_postings_and_decisions_select_days(self, store: CheckedStore) -> None:
        """``since`` is the first day to include, ``until`` the first day to leave out.

        If it fails: compare both with the value date: ``posting.counts_from``, or
        ``decision.counts_from`` of a decision. That is an earlier day than ``on`` after a late run.
        None sets no limit.
        """
        value_days = _commit_late_postings(store)
        bounds = [None, *(DAY + days(number) for number in range(6))]
        for since, until in product(bounds, bounds):
            first, end = since or date.min, until or date.max
            expected = [day for day in value_days if first <= day < end]
            for limit in (1, 3, 100):
                selection = f"since={since}, until={until}, limit={limit}"
                options: dict[str, Any] = {"since": since, "until": until, "limit": limit}
                postings = store.all_postings(ACCOUNT_WALLET, **options)
                message = f"postings({selection}) returned the wrong days, or another order"
                found = [booked.posting.counts_from for booked in postings]
                check_equal(expected, found, message)
                decisions = store.all_decisions(ACCOUNT, **options)
                message = f"decisions({selection}) returned the wrong days, or another order"
                found = [decision.counts_from for decision in decisions]
                check_equal(expected, found, message)

    def test_balance_before_adds_earlier_days(self, store: CheckedStore) -> None:
        """``balance(before=)`` is the sum of the postings whose value date is an earlier day.

        If it fails: select ``posting.counts_from < before``, and add up. Return 0 if the wallet has
        only later postings, and None only if it has no postings at all.
        """
        value_days = _commit_late_postings(store)
        for before in (DAY + days(number) for number in range(-1, 6)):
            total = sum(2**number for number, day in enumerate(value_days) if day < before)
            message = f"balance(before={before}) is not the sum of the postings of earlier days"
            check_equal(cents(total), store.balance(ACCOUNT_WALLET, before=before), message)
        message = "balance(before=None) is the sum of all postings"
        total = 2 ** len(value_days) - 1
        check_equal(cents(total), store.balance(ACCOUNT_WALLET, before=None), message)

    def test_balance_before_counts_each_posting_of_a_decision(self, store: CheckedStore) -> None:
        """Postings of one decision may have different value dates, and below zero is possible.

        If it fails: add up the postings, not the decisions, and do not stop at 0.
        """
        late = make_posting("-3", on=DAY + days(4), value_date=DAY + days(1))
        postings = (make_posting("5", on=DAY + days(4)), late)
        store.commit(make_transfer("mixed", *postings))
        message = "balance(before=) must count each posting from its own value date"
        for number, amount in ((1, "0"), (2, "-3"), (4, "-3"), (5, "2")):
            balance = store.balance(ACCOUNT_WALLET, before=DAY + days(number))
            check_equal(eur(amount), balance, message)

    # Decisions

    def test_decision_returns_every_field(self, store: CheckedStore) -> None:
        """``decision`` returns a decision that equals the committed one in every field.

        If it fails: store the encoded decision for its account and token, and decode it whole with
        ``decode_committed``. The field in the message is lost or changed.
        """
        request = Request("form 17 \u00e9", "8c6976e5b5410415bde908bd4dee15df")
        purchase, revision = open_account(store)
        change = make_change(purchase.after, 7)
        change = attrs.evolve(change, request=request, notices=(Notice("n", "a notice", "H1"),))
        changed = store.commit_decision(change, revision)
        call = make_call_decision(changed.value, "c-1", DAY + days(1))
        postings = tuple(attrs.evolve(posting, value_date=DAY) for posting in call.postings)
        call = attrs.evolve(call, postings=postings, may_overdraw=True)
        store.commit(call, expected=changed.revision)
        for decision in (purchase, change, call):
            found = store.decision(ACCOUNT, decision.token)
            check_equal(decision, found, _DECISION_FIELD_LOST)
        message = "decisions() must return the same as decision()"
        check_equal([purchase, change, call], store.all_decisions(ACCOUNT)[2:], message)

    def test_decision_returns_every_field_of_a_transfer(self, store: CheckedStore) -> None:
        """``decision`` returns a transfer that equals the committed one in every field.

        If it fails: store the whole transfer, ``seen`` and ``may_overdraw`` included. None, 0 and
        False are different values.
        """
        opening = attrs.evolve(make_deposit("10"), seen=0)
        fee = make_posting("-20", on=DAY + days(2), value_date=DAY)
        transfers = [
            opening,
            attrs.evolve(make_withdrawal("1", "t-1"), seen=1),
            attrs.evolve(make_transfer("t-2", fee), may_overdraw=True),
            make_transfer("t-3", make_posting("2"), make_posting("1", BERLIN_WALLET)),
        ]
        message = "the transfer that was read differs from the transfer committed"
        for transfer in transfers:
            store.commit_valid(transfer, "commit refused a valid transfer")
            check_equal(transfer, store.decision(ACCOUNT, transfer.token), message)
        check_equal(transfers, store.all_decisions(ACCOUNT), message)

    def test_decision_finds_only_committed_tokens(self, store: CheckedStore) -> None:
        """``decision`` returns None for a token that the account did not commit.

        If it fails: look up the account and the whole token. Do not compare a part of the token.
        """
        purchase, revision = open_account(store)
        store.commit(make_call_decision(purchase.after, "c/1"), expected=revision)
        for account, token in (
            *((ACCOUNT, token) for token in ("transfer/other", "call/c", "call/c/1")),
            (OTHER_ACCOUNT, purchase.token),
        ):
            message = f"decision must return None: {account!r} committed nothing with {token!r}"
            check_equal(None, store.decision(account, token), message)

    def test_decisions_are_in_commit_order(self, store: CheckedStore) -> None:
        """Decisions and transfers are returned in commit order, not sorted by day or token.

        If it fails: number decisions and transfers with one counter inside the transaction, and
        sort by that number. Return the decisions without postings too.
        """
        store.commit(make_deposit("100", "z", on=DAY + days(9)))
        purchase = store.commit_decision(make_purchase())
        cancelled = store.act(purchase, actions.cancel, on=DAY + days(3))
        store.commit(make_deposit("1", "a", on=DAY - days(9)))
        store.act(cancelled, actions.resume, on=DAY + days(4))
        found = [(entry.action, entry.on) for entry in store.all_decisions(ACCOUNT)]
        expected = [
            (Action.DEPOSIT, DAY + days(9)),
            (Action.BUY, DAY),
            (Action.CANCEL, DAY + days(3)),
            (Action.DEPOSIT, DAY - days(9)),
            (Action.RESUME, DAY + days(4)),
        ]
        check_equal(expected, found, "the decisions are not in commit order")

    # Profiles

    @pytest.mark.parametrize("limit", [1, 2, 1000])
    def test_profiles_are_sorted_by_code_point(self, store: CheckedStore, limit: int) -> None:
        """``profiles`` returns every profile that ever had a subscription or a posting once.

        If it fails: join the profiles of subscriptions, also of ended ones, and of wallets. Sort as
        Python sorts ``str``, by code point. In PostgreSQL that is ``COLLATE "C"``, in SQLite
        ``BINARY``.
        """
        store.commit(make_deposit("1000"))
        store.commit(make_deposit("1", "t-1", wallet=PARIS_WALLET))
        store.commit(make_deposit("1", "t-2", wallet=Wallet(ACCOUNT, "a")))
        store.commit(make_deposit("1", "t-3", wallet=Wallet(OTHER_ACCOUNT, "rome")))
        for name in reversed(UNSORTED_NAMES):
            buy_for(store, name)
        ended = store.act(buy_for(store, "m"), actions.terminate, on=DAY)
        store.act(buy_for(store, "n"), actions.terminate, on=DAY)
        again = make_purchase("m", "s-2", on=DAY, previous=ended.value)
        store.commit(again, expected=ended.revision)
        message = f"profiles with limit {limit} are not complete, or not sorted by code point"
        found = store.all_profiles(ACCOUNT, limit=limit)
        check_equal(sorted([*UNSORTED_NAMES, "m", "n", "paris"]), found, message)

    # Accounts

    def test_accounts_share_nothing(self, store: CheckedStore) -> None:
        """Two accounts may use the same profile, subscription, transfer, call and token.

        If it fails: make the account a part of every key: of the subscriptions, the tokens, the
        decisions and the wallets.
        """
        message = "two accounts share something: the account must be a part of every key"
        deposits = {ACCOUNT: "100", OTHER_ACCOUNT: "200"}
        committed: dict[str, list[Decision | Transfer]] = {}
        stored: dict[str, Stored[Subscription]] = {}
        for account, credit in deposits.items():
            deposit = make_deposit(credit, "t-1", wallet=Wallet(account))
            store.commit_valid(deposit, message)
            calls_deposit = make_deposit("1", "t-2", wallet=Wallet(account, "berlin"))
            store.commit_valid(calls_deposit, message)
            purchase = make_purchase(account=account)
            revision = store.commit_valid(purchase, message)
            call = make_call_decision(purchase.after, "c-1")
            stored[account] = store.commit_decision(call, revision)
            committed[account] = [deposit, calls_deposit, purchase, call]
        store.act(stored[ACCOUNT], actions.terminate, on=DAY)
        other = stored[OTHER_ACCOUNT]
        store.check_stored(other.value, other.revision, message)
        check_equal(eur("160.25"), store.balance(Wallet(OTHER_ACCOUNT)), message)
        check_equal(eur("0.95"), store.balance(Wallet(OTHER_ACCOUNT, "berlin")), message)
        check_equal(committed[OTHER_ACCOUNT], store.all_decisions(OTHER_ACCOUNT), message)
        check_equal([(OTHER_ACCOUNT, "berlin")], store.walk_due(DISTANT_DAY), message)
        for account, decisions in committed.items():
            check_equal(["berlin"], store.all_profiles(account), message)
            for decision in decisions:
                check_equal(decision, store.decision(account, decision.token), message)
            tokens = [booked.token for booked in store.all_postings(Wallet(account))]
            check_equal([decisions[0].token, decisions[2].token], tokens[:2], message)


def _commit_late_postings(store: CheckedStore) -> list[date]:
    """Commit deposits of 1, 2, 4 and more cents, and return their value dates in commit order."""
    value_days = [DAY + days(number) for number in (3, 1, 2, 4, 2, 1)]
    # A late run books postings on a later day than their value date.
    booking_days = [day + days(number % 3) for number, day in enumerate(value_days)]
    for number, (value_date, on) in enumerate(zip(value_days, booking_days, strict=True)):
        amount = cents(2**number)
        is_late = value_date < on
        transfer = make_deposit(amount, f"t-{number}", on=on)
        (posting,) = transfer.postings
        late = attrs.evolve(posting, value_date=value_date if is_late else None)
        store.commit(attrs.evolve(transfer, postings=(late,)))
    return value_days
