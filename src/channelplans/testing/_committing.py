"""The contract of a store, third part: a commit does all of it or nothing, in its order."""

from collections.abc import Callable
from decimal import Decimal

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
from channelplans.storage import Store
from channelplans.subscriptions import Subscription
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
    fields,
    held_by,
    moved,
    open_account,
    paid_in,
    posting,
    refuse,
    taken,
    used,
)
from channelplans.testing.builders import DAY


class Committing:
    """What is committed, what is refused, and what comes first."""

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
        """What rests on another subscription is not held against the credit, or its currency.

        If it fails: compare the revision before the balances are looked at.
        """
        decision, revision = open_account(store, "39.75")
        dear = changed(after(decision), 100)
        store.commit(lifecycle.cancel(after(decision), on=DAY), expected=revision)
        order = "the subscription is another one by now, which comes before the credit"
        for postings in (dear.postings, paid_in(Money(1, USD)).postings):
            stale = attrs.evolve(dear, postings=postings)
            refuse(store, Conflict, stale, order, expected=revision)

    def test_a_reused_token_comes_before_missing_credit(self, store: Store) -> None:
        """A token that stands for another decision is refused as such, whatever is posted.

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
        refuse(store, TokenReused, paid_in(Money(1, USD), "t-1", purse=CALLS), order)

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

    def test_what_has_ended_is_stored_still(self, store: Store) -> None:
        """What is bought after it rests on its revision, and a purchase that found nothing is late.

        If it fails: the row of what has lapsed or ended stays, and ``expected`` is None only where
        a profile never had one.
        """
        store.commit(paid_in("1000"), expected=None)
        ends: dict[str, list[Callable[[Subscription], Decision]]] = {
            "was ended": [lambda held: lifecycle.terminate(held, on=DAY)],
            "has lapsed": [lambda held: lifecycle.lapse(held, on=held.lapses_on)],
            "has expired": [
                lambda held: lifecycle.cancel(held, on=DAY),
                lambda held: lifecycle.expire(held, on=held.term.end),
            ],
        }
        for what, acts in ends.items():
            decision = bought(what, "of one that " + what)
            revision = store.commit(decision, expected=None)
            for act in acts:
                decision = act(after(decision))
                revision = store.commit(decision, expected=revision)
            late = f"what {what} is stored still, and a purchase that found nothing was stored too"
            refuse(store, Conflict, bought(what, f"after one that {what}"), late)
            again = bought(
                what, f"after one that {what}", on=DAY + days(60), previous=after(decision)
            )
            sound = f"what rests on the revision of one that {what} was refused"
            accept(store, again, sound, expected=revision)

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
        expect(told, fields(error), "InsufficientCredit tells something else")
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
        expect(told, fields(error), "InsufficientCredit tells something else")
        store.commit(paid_in("1", purse=Purse(ACCOUNT, PARIS)), expected=None)
        error = refuse(
            store, InsufficientCredit, assigned("1", "t-2"), "credit was taken from none"
        )
        expect("account acme", fields(error)["purse"], "InsufficientCredit tells another purse")

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
        expect(told, fields(refusal), "a refund counts towards the charge: the sum is needed")
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
        expect("account acme", fields(error)["purse"], "InsufficientCredit tells another purse")

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


def _conflict(error: ChannelPlansError) -> tuple[object, ...]:
    told = fields(error)
    return told["profile"], told["expected"], told["found"]


def _credit(purse: str, needed: str, available: str, missing: str) -> dict[str, object]:
    amounts = {"needed": needed, "available": available, "missing": missing}
    decimals = {name: Decimal(amount) for name, amount in amounts.items()}
    return {"purse": purse, **decimals, "currency": "EUR"}
