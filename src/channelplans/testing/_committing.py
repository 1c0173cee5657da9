"""The contract of a store, second part: a commit does all of it or nothing, once, in its order."""

import pickle
from collections.abc import Callable
from decimal import Decimal
from typing import Any, cast

import attrs
import pytest

from channelplans import lifecycle
from channelplans.errors import (
    ChannelPlansError,
    Conflict,
    CurrencyMismatch,
    InsufficientCredit,
    TokenReused,
)
from channelplans.identifiers import Token
from channelplans.ledger import Purse
from channelplans.lifecycle import Decision
from channelplans.money import USD, Currency, Money
from channelplans.rules import Notice
from channelplans.storage import Store
from channelplans.subscriptions import Action, Subscription
from channelplans.testing._asking import expect
from channelplans.testing._cases import (
    ACCOUNT,
    ACME,
    BERLIN,
    CALLS,
    NEVER,
    PARIS,
    accept,
    after,
    assigned,
    bought,
    changed,
    check_held,
    days,
    eur,
    held_by,
    moved,
    open_account,
    paid_in,
    picture,
    posting,
    refuse,
    taken,
    used,
)
from channelplans.testing.builders import DAY


class Committing:
    """What is committed, what is refused, and what comes first."""

    # Tokens

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
        expect(first.token, _fields(error)["token"], "TokenReused names another token")

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

    # What comes first

    def test_a_conflict_comes_before_a_reused_token(self, store: Store) -> None:
        """Two changes decided on one subscription share a token: the second meets a conflict.

        If it fails: compare the revision before what is stored for the token, unless that is equal.
        """
        decision, revision = open_account(store)
        first, second = (changed(after(decision), channels) for channels in (7, 9))
        store.commit(first, expected=revision)
        order = "the subscription is another one by now, which comes before the token"
        refuse(store, Conflict, second, order, expected=revision)

    def test_a_conflict_comes_before_missing_credit(self, store: Store) -> None:
        """What rests on another subscription is not held against the credit.

        If it fails: compare the revision before the balances are looked at.
        """
        decision, revision = open_account(store, "39.75")
        dear = changed(after(decision), 100)
        store.commit(lifecycle.cancel(after(decision), on=DAY), expected=revision)
        order = "the subscription is another one by now, which comes before the credit"
        refuse(store, Conflict, dear, order, expected=revision)

    def test_a_reused_token_comes_before_missing_credit(self, store: Store) -> None:
        """A token that stands for another decision is refused as such, whatever the credit.

        If it fails: look the token up before the balances are looked at.
        """
        decision, revision = open_account(store, "39.75")
        call = used(after(decision), "c-1")
        store.commit(paid_in("0.06", "t-1", purse=CALLS), expected=None)
        later = store.commit(call, expected=revision)
        order = "the token stands for another decision, which comes before the credit"
        other = used(after(call), "c-1", on=DAY + days(1))
        refuse(store, TokenReused, other, order, expected=later)
        refuse(store, TokenReused, taken("1", "t-1"), order)

    # Revisions

    def test_a_stale_decision_is_refused(self, store: Store) -> None:
        """What is expected is what the profile's subscription is at, None where there is none.

        If it fails: change the subscription only where its revision is the expected one, in one
        statement or under a lock. ``expected`` is None where nothing is stored, and only there.
        """
        stale = "a decision was stored that rests on another revision than is stored"
        store.commit(paid_in("1000"), expected=None)
        buy = bought()
        error = refuse(store, Conflict, buy, stale, expected=NEVER)
        expect((BERLIN, NEVER, None), _conflict(error), "Conflict tells something else")
        first = store.commit(buy, expected=None)
        other = store.commit(bought("paris", "s-2"), expected=None)
        second = store.commit(lifecycle.cancel(after(buy), on=DAY), expected=first)
        resume = lifecycle.resume(held_by(store, BERLIN).value, on=DAY)
        for expected in (None, NEVER, first, other):
            error = refuse(store, Conflict, resume, stale, expected=expected)
            expect((BERLIN, expected, second), _conflict(error), "Conflict tells something else")
        refuse(store, Conflict, bought("berlin", "s-3"), stale)
        sound = "what rests on the revision that is stored was refused"
        third = accept(store, resume, sound, expected=second)
        check_held(store, resume.after, third, "what was decided last is not what is stored")

    def test_a_decision_about_purses_guards_no_subscription(self, store: Store) -> None:
        """``expected`` is not looked at, None is returned, and no subscription moves.

        If it fails: compare revisions only where a decision has a subscription after it.
        """
        decision, revision = open_account(store)
        for number, expected in enumerate((None, revision, NEVER)):
            guarded = "a decision about purses alone was held to a revision"
            answer = accept(store, assigned("1", f"t-{number}"), guarded, expected=expected)
            expect(None, answer, "for a decision about purses alone commit returns None")
        moved_on = "a decision about purses alone moved a subscription or its revision"
        check_held(store, decision.after, revision, moved_on)
        expect(eur("3"), store.balance(CALLS), "what was moved did not arrive")

    def test_a_revision_is_never_used_twice(self, store: Store) -> None:
        """Not after an end and a purchase, not for a value that was stored before, not elsewhere.

        If it fails: count for the whole store, in the transaction, and never from what is stored
        for the profile alone; or draw a UUID for each commit.
        """
        decision, first = open_account(store)
        given = [first, store.commit(bought("paris", "s-2"), expected=None)]
        held, revision = after(decision), first
        steps: list[Callable[[Subscription], Decision]] = [
            lambda held: lifecycle.cancel(held, on=DAY),
            lambda held: lifecycle.resume(held, on=DAY),
            lambda held: lifecycle.terminate(held, on=DAY),
            lambda held: bought("berlin", "s-3", on=DAY, previous=held),
            lambda held: lifecycle.terminate(held, on=DAY, refund=False),
            lambda held: bought("berlin", "s-4", on=DAY, previous=held),
        ]
        values = [held]
        for step in steps:
            decided = step(held)
            held, revision = after(decided), store.commit(decided, expected=revision)
            given.append(revision)
            values.append(held)
        for number, value in enumerate([*values, *values]):
            back = attrs.evolve(decision, after=value, postings=(), token=Token(f"back/{number}"))
            revision = store.commit(back, expected=revision)
            given.append(revision)
        again = sorted({str(each) for each in given if given.count(each) > 1})
        expect([], again, "a revision was used twice, so that what is stale is not told from it")
        last = "the revision stored is not the last returned"
        expect(revision, held_by(store, BERLIN).revision, last)

    # Credit

    def test_missing_credit_is_told_exactly(self, store: Store) -> None:
        """With the purse, what is needed, what is there, what is missing, and the currency.

        If it fails: raise the error with the purse's ``str`` and amounts as Decimal, or let
        ``ledger.settle`` raise it; what is needed is what the decision takes from that purse.
        """
        store.commit(paid_in("10.50"), expected=None)
        error = refuse(store, InsufficientCredit, bought(), "39.75 EUR were taken from 10.50 EUR")
        told = _credit("account acme", "39.75", "10.50", "29.25")
        expect(told, _fields(error), "InsufficientCredit tells something else")
        store.commit(paid_in("29.24", "more"), expected=None)
        refuse(store, InsufficientCredit, bought(), "39.75 EUR were taken from 39.74 EUR")
        store.commit(paid_in("0.01", "enough"), expected=None)
        accept(store, bought(), "39.75 EUR can be taken from 39.75 EUR")
        expect(eur("0"), store.balance(ACME), "39.75 EUR of 39.75 EUR leave nothing")

    def test_a_purse_never_seen_holds_nothing(self, store: Store) -> None:
        """Nothing can be taken from it, and a refusal does not make it one that was seen.

        If it fails: take 0 where no balance is stored, in the currency of what is posted.
        """
        decision = taken("0.01", "t-1")
        error = refuse(store, InsufficientCredit, decision, "credit was taken where none was")
        told = _credit("account acme", "0.01", "0.00", "0.01")
        expect(told, _fields(error), "InsufficientCredit tells something else")
        store.commit(paid_in("1", purse=Purse(ACCOUNT, PARIS)), expected=None)
        error = refuse(
            store, InsufficientCredit, assigned("1", "t-2"), "credit was taken from none"
        )
        expect("account acme", _fields(error)["purse"], "InsufficientCredit tells another purse")

    @pytest.mark.parametrize("order", [1, -1])
    def test_a_refund_counts_towards_the_charge_beside_it(self, store: Store, order: int) -> None:
        """Postings of one decision on one purse are one delta, whichever of them comes first.

        If it fails: add a decision's postings up by purse (``decision.deltas``) before they are
        held against the balance.
        """
        both = (posting("70"), posting("-80"))[::order]
        store.commit(paid_in("9.99"), expected=None)
        refusal = refuse(store, InsufficientCredit, moved("t-1", *both), "9.99 EUR are not 10 EUR")
        told = _credit("account acme", "10", "9.99", "0.01")
        expect(told, _fields(refusal), "a refund counts towards the charge: the sum is needed")
        store.commit(paid_in("0.01", "t-2"), expected=None)
        sum_alone = "a refund of 70 and a charge of 80, in either order, take 10"
        accept(store, moved("t-1", *both), sum_alone)
        expect(eur("0"), store.balance(ACME), sum_alone)
        nothing = (posting("5", CALLS), posting("-5", CALLS))[::order]
        zero = "postings that cancel out need no credit, and leave 0 where nothing was"
        accept(store, moved("t-3", *nothing), zero)
        expect(eur("0"), store.balance(CALLS), zero)
        expect(2, len(store.postings(CALLS)), zero)

    def test_a_commit_is_all_or_nothing(self, store: Store) -> None:
        """Where one purse of several is short, no purse moves, and no subscription.

        If it fails: check every purse before anything is written, or roll all of it back.
        """
        decision, revision = open_account(store, "100")
        paris = Purse(ACCOUNT, PARIS)
        store.commit(paid_in("1", "t-1", purse=CALLS), expected=None)
        partial = "a purse was short, and the decision was stored all the same"
        short, enough = posting("-2", CALLS), posting("-2", ACME)
        for number, order in enumerate(
            (
                (short, enough, posting("2", paris)),
                (enough, short, posting("2", paris)),
                (posting("2", paris), enough, short),
            )
        ):
            refuse(store, InsufficientCredit, moved(f"m-{number}", *order), partial)
        call = attrs.evolve(used(after(decision), "c-1"), postings=(enough, short))
        refuse(store, InsufficientCredit, call, partial, expected=revision)
        error = refuse(
            store, InsufficientCredit, changed(after(decision), 100), partial, expected=revision
        )
        expect("account acme", _fields(error)["purse"], "InsufficientCredit tells another purse")

    def test_a_purse_keeps_its_currency(self, store: Store) -> None:
        """Another currency, or another unit of it, is refused, also where nothing is left.

        If it fails: store the currency of a purse, code and exponent, and compare both before an
        amount is added.
        """
        store.commit(paid_in("10"), expected=None)
        paris = Purse(ACCOUNT, PARIS)
        store.commit(paid_in(Money(500, USD), "t-1", purse=paris), expected=None)
        mixed = "a purse holds another currency than was posted to it"
        for number, currency in enumerate((USD, Currency("EUR", 5))):
            refuse(store, CurrencyMismatch, paid_in(Money(1, currency), f"p-{number}"), mixed)
            refuse(store, CurrencyMismatch, taken(Money(1, currency), f"e-{number}"), mixed)
        refuse(store, CurrencyMismatch, assigned("1", "t-2", PARIS), mixed)
        store.commit(taken("10", "t-3"), expected=None)
        refuse(store, CurrencyMismatch, paid_in(Money(1, USD), "t-4"), mixed)
        burnt = "a token was used up by another currency"
        accept(store, paid_in("1", "t-4"), burnt)
        expect(eur("1"), store.balance(ACME), burnt)


def _fields(error: ChannelPlansError) -> dict[str, object]:
    """Return what an error tells, by name."""
    fields: tuple[attrs.Attribute[object], ...] = attrs.fields(cast("Any", type(error)))
    return {each.name: getattr(error, each.name) for each in fields}


def _conflict(error: ChannelPlansError) -> tuple[object, ...]:
    told = _fields(error)
    return told["profile"], told["expected"], told["found"]


def _credit(purse: str, needed: str, available: str, missing: str) -> dict[str, object]:
    amounts = {"needed": needed, "available": available, "missing": missing}
    decimals = {name: Decimal(amount) for name, amount in amounts.items()}
    return {"purse": purse, **decimals, "currency": "EUR"}
