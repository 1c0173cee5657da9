"""Commits: the order of the checks, revisions and credit; a commit stores everything or nothing."""

from collections import Counter
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from itertools import permutations
from typing import Final

import attrs
import pytest

from channelplans._display import counted
from channelplans.errors import Conflict, CurrencyMismatch, InsufficientCredit, TokenReused
from channelplans.money import USD, Currency, Money
from channelplans.storage.ports import Stored
from channelplans.subscriptions import actions
from channelplans.subscriptions.decisions import Decision
from channelplans.subscriptions.subscription import Subscription
from channelplans.subscriptions.wallets import Wallet
from channelplans.testing.builders import DAY
from channelplans.testing.contract.checked_store import CheckedStore, check_equal
from channelplans.testing.contract.helpers import (
    ACCOUNT,
    ACCOUNT_WALLET,
    BERLIN_WALLET,
    PARIS_WALLET,
    UNKNOWN_REVISION,
    buy_for,
    days,
    eur,
    make_assignment,
    make_call_decision,
    make_change,
    make_deposit,
    make_posting,
    make_purchase,
    make_transfer,
    make_withdrawal,
    open_account,
)

_ONE_US_CENT: Final = Money(minor=1, currency=USD)


class CommitTests:
    """``commit``: what it stores, what it refuses, and in which order it checks."""

    # The order of the checks

    def test_commit_checks_the_revision_before_the_token(self, store: CheckedStore) -> None:
        """A stale decision with a known token raises Conflict, not TokenReused.

        If it fails: compare the revision before you look up the token. Only an equal decision,
        which commit accepts again, comes before both.
        """
        purchase, revision = open_account(store)
        first_change, second_change = (make_change(purchase.after, count) for count in (7, 9))
        store.commit(first_change, expected=revision)
        message = "the revision is stale and the token is known: the revision is checked first"
        store.check_refused(Conflict, second_change, message, expected=revision)

    def test_commit_checks_the_revision_before_the_credit(self, store: CheckedStore) -> None:
        """A stale decision raises Conflict, even if credit is missing or the currency differs.

        If it fails: compare the revision before you read the balances.
        """
        purchase, revision = open_account(store, "39.75")
        change = make_change(purchase.after, 100)
        store.commit(actions.cancel(purchase.after, on=DAY), expected=revision)
        message = "the revision is stale and the wallet refuses: the revision is checked first"
        for postings in (change.postings, make_deposit(_ONE_US_CENT).postings):
            stale_change = attrs.evolve(change, postings=postings)
            store.check_refused(Conflict, stale_change, message, expected=revision)

    def test_commit_checks_the_token_before_the_credit(self, store: CheckedStore) -> None:
        """A reused token raises TokenReused, even if credit is missing or the currency differs.

        If it fails: look up the token before you read the balances.
        """
        purchase, purchase_revision = open_account(store, "39.75")
        call = store.commit_decision(make_call_decision(purchase.after, "c-1"), purchase_revision)
        store.commit(make_withdrawal("0.94", "t-1", wallet=BERLIN_WALLET))
        message = "the token is known and the wallet refuses: the token is checked first"
        later_call = make_call_decision(call.value, "c-1", DAY + days(1))
        later_call = attrs.evolve(later_call, may_overdraw=False)
        store.check_refused(TokenReused, later_call, message, expected=call.revision)
        store.check_refused(TokenReused, make_withdrawal("1", "t-1"), message)
        deposit = make_deposit(_ONE_US_CENT, "t-1", wallet=BERLIN_WALLET)
        store.check_refused(TokenReused, deposit, message)

    def test_commit_checks_the_number_of_postings_before_the_credit(
        self, store: CheckedStore
    ) -> None:
        """A transfer with another ``seen`` raises Conflict, even if credit is missing.

        If it fails: check ``seen`` after the token and before you read the balances.
        """
        store.commit(make_deposit("10"))
        message = "another number of postings was seen and the wallet refuses: check seen first"
        for money in (eur("11"), _ONE_US_CENT):
            stale = attrs.evolve(make_withdrawal(money, "t-1"), seen=0)
            store.check_refused(Conflict, stale, message)
        withdrawal = make_withdrawal("1", "t-2")
        store.commit(withdrawal)
        message = "the token is known and another number of postings was seen: the token is first"
        store.check_refused(TokenReused, attrs.evolve(withdrawal, seen=1), message)

    # Revisions

    def test_commit_refuses_a_stale_revision(self, store: CheckedStore) -> None:
        """A decision is refused unless its profile's subscription is still at ``expected``.

        If it fails: compare the revision and write the subscription in one statement or under a
        lock. ``expected=None`` means that the profile never had a subscription.
        """
        stale = "commit accepted a decision for another revision than the stored one"
        store.commit(make_deposit("1000"))
        purchase = make_purchase()
        error = store.check_refused(Conflict, purchase, stale, expected=UNKNOWN_REVISION)
        wrong_fields = "a field of Conflict is wrong"
        check_equal(Conflict(ACCOUNT, "berlin", UNKNOWN_REVISION, None), error, wrong_fields)
        first = store.commit(purchase)
        other = store.commit(make_purchase("paris", "s-2"))
        second = store.commit(actions.cancel(purchase.after, on=DAY), expected=first)
        resumption = actions.resume(store.stored_subscription(ACCOUNT, "berlin").value, on=DAY)
        for expected in (None, UNKNOWN_REVISION, first, other):
            error = store.check_refused(Conflict, resumption, stale, expected=expected)
            check_equal(Conflict(ACCOUNT, "berlin", expected, second), error, wrong_fields)
        store.check_refused(Conflict, make_purchase("berlin", "s-3"), stale)
        message = "commit refused a decision for the stored revision"
        third = store.commit_valid(resumption, message, expected=second)
        message = "the stored subscription is not that of the last decision"
        store.check_stored(resumption.after, third, message)

    def test_commit_keeps_an_ended_subscription(self, store: CheckedStore) -> None:
        """An ended subscription stays stored, and the next purchase must expect its revision.

        If it fails: keep the row of a subscription that lapsed, expired or was terminated. Accept
        ``expected=None`` only if the profile never had a subscription.
        """
        store.commit(make_deposit("1000"))
        end = make_purchase().after.term.end
        endings: dict[str, list[tuple[Callable[..., Decision], date]]] = {
            "terminated": [(actions.terminate, DAY)],
            "lapsed": [(actions.lapse, end)],
            "expired": [(actions.cancel, DAY), (actions.expire, end)],
        }
        for status, acts in endings.items():
            stored = buy_for(store, status)
            for act, on in acts:
                stored = store.act(stored, act, on=on)
            message = f"the subscription has {status}, but commit accepted a first purchase"
            store.check_refused(Conflict, make_purchase(status, "second"), message)
            second = make_purchase(status, f"{status} 2", on=end, previous=stored.value)
            message = f"commit refused a purchase after a subscription has {status}"
            store.commit_valid(second, message, expected=stored.revision)

    def test_commit_ignores_expected_for_a_transfer(self, store: CheckedStore) -> None:
        """A transfer is accepted with any ``expected``, and no subscription changes.

        If it fails: compare revisions only for a Decision. For a Transfer, return None.
        """
        purchase, revision = open_account(store)
        for number, expected in enumerate((None, revision, UNKNOWN_REVISION)):
            transfer = make_assignment("1", f"t-{number}")
            message = "commit compared a revision for a transfer"
            answer = store.commit_valid(transfer, message, expected=expected)
            check_equal(None, answer, "commit must return None for a transfer")
        message = "a transfer changed a subscription or its revision"
        store.check_stored(purchase.after, revision, message)
        check_equal(eur("4"), store.balance(BERLIN_WALLET), "a transfer was not booked")

    def test_commit_never_returns_a_revision_twice(self, store: CheckedStore) -> None:
        """A revision is never used again: not after an end, for an old value or elsewhere.

        If it fails: draw a UUID for each commit, or use one counter for the whole store inside the
        transaction. Do not count the revisions of a profile.
        """
        purchase, first_revision = open_account(store)
        paris = buy_for(store, "paris")
        acts: list[Callable[[Subscription], Decision]] = [
            lambda subscription: actions.cancel(subscription, on=DAY),
            lambda subscription: actions.resume(subscription, on=DAY),
            lambda subscription: actions.terminate(subscription, on=DAY),
            lambda previous: make_purchase("berlin", "s-3", previous=previous),
            lambda subscription: actions.terminate(subscription, on=DAY, refund=False),
            lambda previous: make_purchase("berlin", "s-4", previous=previous),
        ]
        history = [Stored(purchase.after, first_revision)]
        for act in acts:
            history.append(store.commit_decision(act(history[-1].value), history[-1].revision))
        # Store each value twice more: a revision that is computed from the value would repeat.
        for number, stored in enumerate(history * 2):
            restoration = attrs.evolve(
                purchase, after=stored.value, postings=(), token=f"restored/{number}"
            )
            history.append(store.commit_decision(restoration, history[-1].revision))
        counts = Counter(str(stored.revision) for stored in [paris, *history])
        repeated = sorted(revision for revision, count in counts.items() if count > 1)
        check_equal([], repeated, "a revision was used twice, so a stale decision can look current")
        message = "the stored revision is not the last that commit returned"
        found = store.stored_subscription(ACCOUNT, "berlin").revision
        check_equal(history[-1].revision, found, message)

    # The number of postings that a transfer has seen

    def test_commit_refuses_another_number_of_postings(self, store: CheckedStore) -> None:
        """With ``seen``, a transfer is refused if its wallet has another number of postings.

        If it fails: count the postings of the wallet of the first posting, in the transaction of
        the commit. Raise ``Conflict(account, profile, "1 posting", "3 postings")`` with the numbers
        that were seen and found, thousands separated by commas. Without ``seen``, accept the
        transfer.
        """
        for wallet in (ACCOUNT_WALLET, BERLIN_WALLET):
            # Three postings, and postings on another wallet that do not count.
            for number in range(3):
                store.commit(make_deposit("1", f"{number} of {wallet}", wallet=wallet))
        message = "commit accepted a transfer that had seen another number of postings"
        wrong_fields = "a field of Conflict is wrong"
        for wallet in (ACCOUNT_WALLET, BERLIN_WALLET):
            expiry = make_withdrawal("1", f"e of {wallet}", wallet=wallet)
            for seen in (0, 1, 2, 4, 6, 1012):
                stale = attrs.evolve(expiry, seen=seen)
                error = store.check_refused(Conflict, stale, message)
                check_equal(_other_number(wallet, seen, 3), error, wrong_fields)
            valid = "commit refused a transfer that had seen all postings of its wallet"
            store.commit_valid(attrs.evolve(expiry, seen=3), valid)
        valid = "commit refused a transfer without seen, or with seen=0 for a new wallet"
        store.commit_valid(make_withdrawal("1", "e-2"), valid)
        first = make_deposit("1", "p-1", wallet=PARIS_WALLET)
        store.commit_valid(attrs.evolve(first, seen=0), valid)
        second = attrs.evolve(make_deposit("1", "p-2", wallet=PARIS_WALLET), seen=0)
        error = store.check_refused(Conflict, second, message)
        check_equal(_other_number(PARIS_WALLET, 0, 1), error, wrong_fields)

    def test_commit_counts_the_postings_of_the_first_wallet(self, store: CheckedStore) -> None:
        """``seen`` is the number of postings of one wallet: that of the transfer's first posting.

        If it fails: count postings, not commits, and only those of the first posting's wallet.
        """
        store.commit(make_transfer("t-1", make_posting("5"), make_posting("5")))
        transfer = make_transfer("t-2", make_posting("-1"), make_posting("1", BERLIN_WALLET))
        message = "commit must compare seen with the postings of the first posting's wallet"
        for seen in (0, 1):
            store.check_refused(Conflict, attrs.evolve(transfer, seen=seen), message)
        store.commit_valid(attrs.evolve(transfer, seen=2), message)

    def test_commit_repeats_a_transfer_that_has_seen_fewer_postings(
        self, store: CheckedStore
    ) -> None:
        """An equal transfer is accepted again, although the wallet has more postings by then.

        If it fails: look for an equal decision with this token before you compare ``seen``.
        """
        store.commit(make_deposit("10"))
        expiry = attrs.evolve(make_withdrawal("1", "t-1"), seen=1)
        message = "commit refused the retry of a transfer that it had accepted"
        store.commit(expiry)
        store.check_repeated(expiry, None, message)

    # Credit

    def test_commit_reports_missing_credit_exactly(self, store: CheckedStore) -> None:
        """InsufficientCredit names the wallet, the needed amount, the balance and the difference.

        If it fails: let ``subscriptions.settle`` raise the error. If the store raises it, pass the
        error ``str(wallet)`` and amounts as Decimal. The needed amount is the wallet's debit.
        """
        store.commit(make_deposit("10.50"))
        purchase = make_purchase()
        message = "commit took 39.75 EUR from 10.50 EUR"
        error = store.check_refused(InsufficientCredit, purchase, message)
        message = "a field of InsufficientCredit is wrong"
        check_equal(_missing_credit("39.75", "10.50", "29.25"), error, message)
        store.commit(make_deposit("29.24", "second"))
        message = "commit took 39.75 EUR from 39.74 EUR"
        store.check_refused(InsufficientCredit, purchase, message)
        store.commit(make_deposit("0.01", "third"))
        message = "39.75 EUR minus 39.75 EUR leaves 0"
        store.commit_valid(purchase, message)
        check_equal(eur("0"), store.balance(ACCOUNT_WALLET), message)

    def test_commit_treats_a_new_wallet_as_empty(self, store: CheckedStore) -> None:
        """Nothing can be taken from a wallet without postings, and a refusal does not create it.

        If it fails: use 0 in the posting's currency if no balance is stored.
        """
        message = "commit took credit from a wallet without postings"
        error = store.check_refused(InsufficientCredit, make_withdrawal("0.01", "t-1"), message)
        wrong_fields = "a field of InsufficientCredit is wrong"
        check_equal(_missing_credit("0.01", "0.00", "0.01"), error, wrong_fields)
        store.commit(make_deposit("1", wallet=PARIS_WALLET))
        error = store.check_refused(InsufficientCredit, make_assignment("1", "t-2"), message)
        check_equal(str(ACCOUNT_WALLET), error.wallet, "InsufficientCredit names another wallet")

    @pytest.mark.parametrize("order", [1, -1])
    def test_commit_adds_up_the_postings_of_a_wallet(self, store: CheckedStore, order: int) -> None:
        """A refund in a decision counts towards a charge in the same decision, in either order.

        If it fails: compare the balance with the sum of the decision's postings on the wallet
        (``decision.deltas``), not with each posting.
        """
        postings = (make_posting("70"), make_posting("-80"))[::order]
        transfer = make_transfer("t-1", *postings)
        store.commit(make_deposit("9.99"))
        message = "commit took 10 EUR from 9.99 EUR"
        error = store.check_refused(InsufficientCredit, transfer, message)
        message = "a refund counts towards the charge: only the sum is needed"
        check_equal(_missing_credit("10", "9.99", "0.01"), error, message)
        store.commit(make_deposit("0.01", "t-2"))
        message = "a refund of 70 EUR and a charge of 80 EUR need 10 EUR, in either order"
        store.commit_valid(transfer, message)
        check_equal(eur("0"), store.balance(ACCOUNT_WALLET), message)
        postings = (make_posting("5", BERLIN_WALLET), make_posting("-5", BERLIN_WALLET))[::order]
        message = "postings that cancel out need no credit, and create the wallet with balance 0"
        store.commit_valid(make_transfer("t-3", *postings), message)
        check_equal(eur("0"), store.balance(BERLIN_WALLET), message)
        check_equal(2, len(store.all_postings(BERLIN_WALLET)), message)

    def test_commit_stores_all_or_nothing(self, store: CheckedStore) -> None:
        """If one wallet of a decision has too little credit, nothing of the decision is committed.

        If it fails: check every wallet before the first write, or roll the transaction back.
        """
        purchase, revision = open_account(store, "100")
        message = "commit accepted a decision although a wallet had too little credit"
        refused_debit = make_posting("-2", BERLIN_WALLET)
        valid_debit = make_posting("-2", ACCOUNT_WALLET)
        credit = make_posting("2", PARIS_WALLET)
        orders = permutations((refused_debit, valid_debit, credit))
        for number, postings in enumerate(orders):
            transfer = make_transfer(f"m-{number}", *postings)
            store.check_refused(InsufficientCredit, transfer, message)
        call = make_call_decision(purchase.after, "c-1")
        call = attrs.evolve(call, postings=(valid_debit, refused_debit), may_overdraw=False)
        store.check_refused(InsufficientCredit, call, message, expected=revision)
        change = make_change(purchase.after, 100)
        error = store.check_refused(InsufficientCredit, change, message, expected=revision)
        check_equal(str(ACCOUNT_WALLET), error.wallet, "InsufficientCredit names another wallet")

    def test_commit_overdraws_only_if_the_decision_may(self, store: CheckedStore) -> None:
        """A decision or transfer with ``may_overdraw`` may end a wallet below zero, no other.

        If it fails: pass ``may_overdraw=decision.may_overdraw`` to ``subscriptions.settle``. Remove
        a constraint of the database such as ``CHECK (balance >= 0)``.
        """
        purchase, revision = open_account(store, "39.75")
        overdrawing = "commit refused a decision with may_overdraw"
        call = make_call_decision(purchase.after, "c-1")
        call = attrs.evolve(call, postings=(make_posting("-7", BERLIN_WALLET),))
        refused = attrs.evolve(call, may_overdraw=False)
        message = "commit accepted a debit below zero without may_overdraw"
        store.check_refused(InsufficientCredit, refused, message, expected=revision)
        allowed = attrs.evolve(call, may_overdraw=True)
        store.commit_valid(allowed, overdrawing, expected=revision)
        fee = make_withdrawal("3", "t-1")
        store.check_refused(InsufficientCredit, fee, message)
        store.commit_valid(attrs.evolve(fee, may_overdraw=True), overdrawing)
        check_equal(eur("-6"), store.balance(BERLIN_WALLET), overdrawing)
        check_equal(eur("-3"), store.balance(ACCOUNT_WALLET), overdrawing)
        first_debit = make_withdrawal("1", "t-2", wallet=PARIS_WALLET)
        store.commit_valid(attrs.evolve(first_debit, may_overdraw=True), overdrawing)
        check_equal(eur("-1"), store.balance(PARIS_WALLET), overdrawing)

    def test_commit_to_a_wallet_below_zero(self, store: CheckedStore) -> None:
        """A wallet below zero accepts receipts and debits with ``may_overdraw``, no other debits.

        If it fails: refuse only a commit that lowers the balance of the wallet. The deposit need
        not be large enough to reach zero.
        """
        overdraft = attrs.evolve(make_withdrawal("10", "t-1"), may_overdraw=True)
        store.commit_valid(overdraft, "commit refused a transfer with may_overdraw")
        message = "commit must accept a receipt on a wallet below zero, even if it stays below"
        store.commit_valid(make_deposit("4", "t-2"), message)
        both = make_transfer("t-3", make_posting("-5"), make_posting("5.50"))
        store.commit_valid(both, message)
        neutral = make_transfer("t-4", make_posting("-5"), make_posting("5"))
        store.commit_valid(neutral, message)
        check_equal(eur("-5.50"), store.balance(ACCOUNT_WALLET), message)
        message = "commit accepted a debit on a wallet below zero without may_overdraw"
        withdrawal = make_withdrawal("0.01", "t-5")
        error = store.check_refused(InsufficientCredit, withdrawal, message)
        fields = "a field of InsufficientCredit is wrong"
        check_equal(_missing_credit("0.01", "-5.50", "5.51"), error, fields)
        message = "commit must accept another debit with may_overdraw"
        store.commit_valid(attrs.evolve(withdrawal, may_overdraw=True), message)
        check_equal(eur("-5.51"), store.balance(ACCOUNT_WALLET), message)

    def test_commit_refuses_another_currency(self, store: CheckedStore) -> None:
        """A wallet refuses another currency or another smallest unit, even if its balance is 0.

        If it fails: store code and exponent of the wallet's currency. Compare both before you add
        an amount.
        """
        store.commit(make_deposit("10"))
        store.commit(make_deposit(_ONE_US_CENT, "t-1", wallet=PARIS_WALLET))
        message = "commit accepted a posting in another currency than its wallet"
        for number, currency in enumerate((USD, Currency("EUR", 5))):
            one_unit = Money(minor=1, currency=currency)
            for make in (make_deposit, make_withdrawal):
                transfer = make(one_unit, f"{make.__name__} {number}")
                store.check_refused(CurrencyMismatch, transfer, message)
        store.check_refused(CurrencyMismatch, make_assignment("1", "t-2", "paris"), message)
        store.commit(make_withdrawal("10", "t-3"))
        store.check_refused(CurrencyMismatch, make_deposit(_ONE_US_CENT, "t-4"), message)
        message = "a commit refused for its currency used up its token"
        store.commit_valid(make_deposit("1", "t-4"), message)
        check_equal(eur("1"), store.balance(ACCOUNT_WALLET), message)


def _missing_credit(needed: str, available: str, missing: str) -> InsufficientCredit:
    """Return the error that names the wallet of account acme."""
    return InsufficientCredit(
        str(ACCOUNT_WALLET), Decimal(needed), Decimal(available), Decimal(missing), "EUR"
    )


def _other_number(wallet: Wallet, seen: int, found: int) -> Conflict:
    """Return the error of a transfer that has seen another number of postings than is found."""
    numbers = counted(seen, "posting"), counted(found, "posting")
    return Conflict(wallet.account, wallet.profile, *numbers)
