"""Tokens: an equal decision is committed once; a token is refused for a different decision."""

import pickle
from typing import Any

import attrs
import pytest

from channelplans.errors import Conflict, InsufficientCredit, TokenReused
from channelplans.offers import SKYPE_CONNECT
from channelplans.rules import Notice
from channelplans.subscriptions import actions
from channelplans.subscriptions.decisions import Decision, Request
from channelplans.subscriptions.subscription import Action
from channelplans.subscriptions.wallets import Wallet
from channelplans.testing.builders import DAY
from channelplans.testing.contract.checked_store import CheckedStore, check_equal
from channelplans.testing.contract.helpers import (
    ACCOUNT,
    ACCOUNT_WALLET,
    BERLIN_WALLET,
    OTHER_ACCOUNT,
    UNKNOWN_REVISION,
    days,
    eur,
    make_assignment,
    make_call_decision,
    make_deposit,
    make_posting,
    make_purchase,
    make_withdrawal,
    open_account,
)


class TokenTests:
    """``commit`` with a token that the account has committed before."""

    def test_commit_stores_an_equal_decision_once(self, store: CheckedStore) -> None:
        """For a known token with an equal decision, commit returns the first revision again.

        If it fails: store the returned revision with the token. Before all other checks, compare
        the decision with the decision stored for its token.
        """
        decision, revision = open_account(store)
        copied: Decision = pickle.loads(pickle.dumps(decision))  # noqa: S301 - our own
        message = "an equal decision did not return the revision of the first commit"
        for expected in (revision, None, UNKNOWN_REVISION):
            store.check_repeated(copied, revision, message, expected=expected)

    def test_commit_recognizes_a_decision_after_later_ones(self, store: CheckedStore) -> None:
        """A token stays known after later decisions, even if the credit is used up.

        If it fails: keep every token, in a table other than that of the latest subscription. For
        a known token, return the revision that the first commit returned.
        """
        decision, revision = open_account(store, "39.75")
        store.commit(actions.cancel(decision.after, on=DAY), expected=revision)
        message = "a known decision did not return the revision of its first commit"
        store.check_repeated(decision, revision, message)

    def test_commit_stores_an_equal_transfer_once(self, store: CheckedStore) -> None:
        """A transfer is booked once, and commit returns None each time.

        If it fails: store the tokens of transfers too.
        """
        transfer, message = make_deposit("10", "t-1"), "commit must return None for a transfer"
        check_equal(None, store.commit(transfer), message)
        store.check_repeated(transfer, None, message)

    def test_commit_compares_without_the_requested_number(self, store: CheckedStore) -> None:
        """Requests for 105 and for 100 channels that are both sold as 100 are equal decisions.

        If it fails: decode the stored decision and compare it with ``==``, which ignores
        ``plan.requested``. Do not compare the stored text.
        """
        store.commit(make_deposit("1000"))
        first, second = (
            make_purchase(plan=SKYPE_CONNECT.plan(channels=requested)) for requested in (105, 100)
        )
        message = "two decisions that differ only in the requested number are equal"
        store.check_repeated(second, store.commit(first), message)

    @pytest.mark.parametrize(
        "field",
        [
            *("action", "on", "postings", "reference", "order"),
            *("value_date", "seen", "may_overdraw"),
        ],
    )
    def test_commit_refuses_a_token_of_another_decision(
        self, store: CheckedStore, field: str
    ) -> None:
        """A decision that differs in any field from the decision of its token is refused.

        If it fails: store the whole decision for its token and compare with ``==``. The token, the
        wallets and the sums are not enough.
        """
        store.commit(make_deposit("100"))
        transfer = make_assignment("10", "t-1")
        debit, credit = transfer.postings
        changes: dict[str, dict[str, Any]] = {
            "action": {"action": Action.DEPOSIT},
            "on": {"on": DAY + days(1)},
            "postings": {"postings": (debit, credit, make_posting("1"), make_posting("-1"))},
            "reference": {"postings": (attrs.evolve(debit, reference="other"), credit)},
            "order": {"postings": (credit, debit)},
            "value_date": {
                "postings": (attrs.evolve(debit, value_date=DAY - days(1)), credit),
            },
            "seen": {"seen": 2},
            "may_overdraw": {"may_overdraw": True},
        }
        changed_transfer = attrs.evolve(transfer, **changes[field])
        store.commit(transfer)
        message = f"commit accepted a token again for a decision that differs in its {field}"
        error = store.check_refused(TokenReused, changed_transfer, message)
        check_equal(transfer.token, error.token, "TokenReused names another token")

    def test_commit_refuses_a_token_of_another_subscription(self, store: CheckedStore) -> None:
        """A decision whose subscription or notices differ from those of its token is refused.

        If it fails: compare every field with the stored decision, such as ``before``, ``notices``
        and ``request``.
        """
        purchase, purchase_revision = open_account(store)
        decision = make_call_decision(purchase.after, "c-1")
        revision = store.commit(decision, expected=purchase_revision)
        changes: dict[str, Any] = {
            "after": attrs.evolve(decision.after, sequence=9),
            "before": attrs.evolve(purchase.after, sequence=9),
            "notices": (Notice("n", "a notice", "H1"),),
            "request": Request("form 17", "8c6976e5"),
            "call": None,
            "may_overdraw": not decision.may_overdraw,
        }
        for field, value in changes.items():
            changed_decision = attrs.evolve(decision, **{field: value})
            message = f"commit accepted a token again for a decision with another {field!r}"
            store.check_refused(TokenReused, changed_decision, message, expected=revision)

    def test_commit_refuses_a_token_of_another_profile_or_wallet(self, store: CheckedStore) -> None:
        """A token is unique in an account, not for each profile or wallet of the account.

        If it fails: use the account and the token as the key of a stored decision.
        """
        message = "commit accepted a token again, for another profile or another wallet"
        store.commit(make_deposit("1000"))
        store.commit(make_purchase("berlin", "s-1"))
        store.check_refused(TokenReused, make_purchase("paris", "s-1"), message)
        store.check_refused(TokenReused, make_deposit("1000", wallet=BERLIN_WALLET), message)

    def test_commit_accepts_a_token_of_another_account(self, store: CheckedStore) -> None:
        """Two accounts may use the same identifier for a transfer, a subscription or a call.

        If it fails: use the account and the token as the key of a stored decision, not the token
        alone.
        """
        message = "commit refused a token that only another account has committed"
        for account in (ACCOUNT, OTHER_ACCOUNT):
            wallets = Wallet(account), Wallet(account, "berlin")
            for number, wallet in enumerate(wallets):
                store.commit_valid(make_deposit("50", f"t-{number}", wallet=wallet), message)
            purchase = make_purchase(account=account)
            revision = store.commit_valid(purchase, message)
            call = make_call_decision(purchase.after, "c-1")
            store.commit_valid(call, message, expected=revision)

    def test_refused_commit_leaves_its_token_unused(self, store: CheckedStore) -> None:
        """After a refusal, the token can be committed with the same or with another decision.

        If it fails: store the token in the transaction that is rolled back, not before it.
        """
        purchase = make_purchase()
        store.check_refused(InsufficientCredit, purchase, "commit booked a debit without credit")
        store.commit(make_deposit("50"))
        message = "commit accepted an unknown revision for a profile without a subscription"
        store.check_refused(Conflict, purchase, message, expected=UNKNOWN_REVISION)
        message = "a refused commit used up its token"
        check_equal(None, store.decision(ACCOUNT, purchase.token), message)
        store.commit_valid(purchase, message)
        check_equal(purchase, store.decision(ACCOUNT, purchase.token), message)
        withdrawal = make_withdrawal("11", "t-1")
        store.check_refused(InsufficientCredit, withdrawal, "commit withdrew 11 EUR of 10.25 EUR")
        check_equal(None, store.commit_valid(make_withdrawal("10", "t-1"), message), message)
        check_equal(eur("0.25"), store.balance(ACCOUNT_WALLET), message)
