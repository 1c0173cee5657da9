"""The contract of a store, second part: what is known by its token is done once."""

import pickle

import attrs
import pytest

from channelplans import lifecycle
from channelplans.errors import Conflict, InsufficientCredit, TokenReused
from channelplans.identifiers import AccountId, Token
from channelplans.ledger import Purse
from channelplans.lifecycle import Decision
from channelplans.offers import SKYPE_CONNECT
from channelplans.rules import Notice
from channelplans.storage import Store
from channelplans.subscriptions import Action
from channelplans.testing._asking import expect
from channelplans.testing._cases import (
    ACME,
    CALLS,
    NEVER,
    accept,
    after,
    assigned,
    bought,
    days,
    eur,
    fields,
    open_account,
    paid_in,
    picture,
    posting,
    refuse,
    taken,
    used,
)
from channelplans.testing.builders import DAY


class Repeating:
    """What is committed again, and what comes under a token that is taken."""

    def test_the_same_decision_again_changes_nothing(self, store: Store) -> None:
        """What is known by its token and equal returns what it returned then, and does no more.

        If it fails: compare the decision with the one stored for its token before anything else,
        and store what was returned along with it.
        """
        decision, revision = open_account(store)
        made_anew: Decision = pickle.loads(pickle.dumps(decision))  # noqa: S301 - our own
        before = picture(store, decision)
        for expected in (revision, None, NEVER):
            same = "an equal decision did not return the revision of the first"
            expect(revision, accept(store, made_anew, same, expected=expected), same)
            twice = "an equal decision, committed again, changed something: it is done once"
            expect(before, picture(store, decision), twice)

    def test_the_same_decision_long_after_changes_nothing(self, store: Store) -> None:
        """What is known stays known, when the subscription is another one and there is no credit.

        If it fails: tokens are kept for good, apart from what was stored last; and the revision of
        a known decision is that of then, not of now.
        """
        decision, revision = open_account(store, "39.75")
        cancelled = lifecycle.cancel(after(decision), on=DAY)
        store.commit(cancelled, expected=revision)
        before = picture(store, decision)
        late = "a decision that is known was not answered with the revision of then"
        expect(revision, accept(store, decision, late), late)
        expect(revision, store.committed(decision.token), late)
        again = "a decision that is known changed something when it was committed again"
        expect(before, picture(store, decision), again)

    def test_the_same_transfer_again_changes_nothing(self, store: Store) -> None:
        """A decision about purses alone is done once too, and returns None each time.

        If it fails: keep the tokens of decisions about purses as well.
        """
        decision = paid_in("10", "t-1")
        for _ in range(2):
            answer = accept(store, decision, "an equal transfer was refused")
            expect(None, answer, "for a decision about purses alone commit returns None")
        expect(eur("10"), store.balance(ACME), "a transfer was booked twice")
        expect(1, len(store.postings(ACME)), "a transfer was booked twice")

    def test_an_equal_decision_of_another_request_changes_nothing(self, store: Store) -> None:
        """Where 105 channels and 100 are sold as 100, a purchase of either is one and the same.

        If it fails: compare what was read back, with ``==``, and not the text that is stored:
        ``plan.requested`` takes no part in equality.
        """
        store.commit(paid_in("1000"), expected=None)
        first, second = (bought(plan=SKYPE_CONNECT.plan(channels=asked)) for asked in (105, 100))
        revision = store.commit(first, expected=None)
        before = picture(store, second)
        same = "an equal decision, of which another number was asked for, was taken for another"
        expect(revision, accept(store, second, same), same)
        twice = "an equal decision changed something: the first is done, and stays as it is"
        expect(before, picture(store, second), twice)

    @pytest.mark.parametrize("field", ["action", "on", "postings", "notices", "reference", "order"])
    def test_a_token_of_another_decision_is_refused(self, store: Store, field: str) -> None:
        """Whatever it is that differs: the day, the action, a notice, a part of a posting.

        If it fails: store the decision, and compare it with ``==``, not its token, purses or sums.
        """
        store.commit(paid_in("100"), expected=None)
        first = assigned("10", "t-1")
        charged, received = first.postings
        changes: dict[str, object] = {
            "action": {"action": Action.DEPOSIT},
            "on": {"on": DAY + days(1)},
            "postings": {"postings": (*first.postings, posting("1"), posting("-1"))},
            "notices": {"notices": (Notice("n", "a notice", "H1"),)},
            "reference": {"postings": (attrs.evolve(charged, reference="other"), received)},
            "order": {"postings": (received, charged)},
        }
        other = attrs.evolve(first, **changes[field])  # type: ignore[arg-type]
        store.commit(first, expected=None)
        sentence = f"a token was used again with a decision that differs in its {field}"
        error = refuse(store, TokenReused, other, sentence)
        expect(first.token, fields(error)["token"], "TokenReused names another token")

    def test_a_token_of_another_subscription_is_refused(self, store: Store) -> None:
        """A decision that leads to another subscription, or from one, is another decision.

        If it fails: compare what is stored for a token with ``before`` and ``after`` too.
        """
        decision, first = open_account(store)
        call = used(after(decision), "c-1")
        store.commit(paid_in("1", "t-1", purse=CALLS), expected=None)
        revision = store.commit(call, expected=first)
        for other, side in (
            (attrs.evolve(call, after=attrs.evolve(after(call), sequence=9)), "after"),
            (attrs.evolve(call, before=attrs.evolve(after(decision), sequence=9)), "before"),
        ):
            sentence = f"a token was used again with another subscription {side} the decision"
            refuse(store, TokenReused, other, sentence, expected=revision)

    def test_a_token_is_taken_for_the_whole_store(self, store: Store) -> None:
        """Not for one profile, purse or account alone: what was sold to one is not sold to another.

        If it fails: the key under which a decision is kept is its token, and nothing beside it.
        """
        taken_twice = "a token was used again, for another profile or another purse"
        store.commit(paid_in("1000"), expected=None)
        store.commit(bought("berlin", "s-1"), expected=None)
        refuse(store, TokenReused, bought("paris", "s-1"), taken_twice)
        for purse in (CALLS, Purse(AccountId("another"))):
            refuse(store, TokenReused, paid_in("1000", purse=purse), taken_twice)

    def test_committed_tells_what_is_known(self, store: Store) -> None:
        """The revision that commit returned; for purses alone one that nothing stored is at.

        If it fails: ``committed`` reads what is stored for a token, of purses too.
        """
        decision, revision = open_account(store)
        call = used(after(decision), "c/1")
        store.commit(paid_in("1", "t-1", purse=CALLS), expected=None)
        later = store.commit(call, expected=revision)
        known = "committed does not tell the revision that commit returned"
        expect(revision, store.committed(decision.token), known)
        expect(later, store.committed(call.token), known)
        purse = store.committed(Token("transfer/opening"))
        if purse is None or purse in (revision, later):
            raise AssertionError(
                f"committed told {purse!r} of a deposit: it is a revision, so that one can tell "
                "that it was committed, and one that nothing stored is at"
            )
        for token in ("transfer/other", "call/c", "call/c/1"):
            expect(None, store.committed(Token(token)), f"nothing was committed with {token!r}")

    def test_a_refused_commit_does_not_use_up_its_token(self, store: Store) -> None:
        """Whatever the refusal was, the decision can be committed later, or another one instead.

        If it fails: the token is stored in the transaction that is rolled back, not before it.
        """
        burnt = "a commit that was refused has used its token up, or is taken for done"
        buy = bought()
        refuse(store, InsufficientCredit, buy, "there is no credit at all")
        store.commit(paid_in("50"), expected=None)
        refuse(store, Conflict, buy, "nothing is stored for the profile", expected=NEVER)
        expect(None, store.committed(buy.token), burnt)
        revision = accept(store, buy, burnt)
        expect(revision, store.committed(buy.token), burnt)
        refuse(store, InsufficientCredit, taken("11", "t-1"), "there is not as much credit")
        expect(None, accept(store, taken("10", "t-1"), burnt), burnt)
        expect(eur("0.25"), store.balance(ACME), burnt)
