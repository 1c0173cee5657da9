"""Crowds, and the audit that tells what one of them left behind."""

# Identifiers are plain text here, and what a decision holds is known.
# mypy: disable-error-code="arg-type, attr-defined, union-attr"

from collections import Counter
from datetime import date
from functools import partial
from threading import Event

import attrs
import pytest
from tests.testing.broken import NoBound, NoCompareAndSet, PlainStore

from channelplans.desk import Desk
from channelplans.ledger import Purse, Reason
from channelplans.lifecycle import buy, cancel, deposit
from channelplans.memory import MemoryStore
from channelplans.money import EUR, Money
from channelplans.offers import SKYPE_CONNECT
from channelplans.storage import Booked
from channelplans.subscriptions import Action
from channelplans.testing.builders import DAY, TARIFF
from channelplans.testing.crowd import PURSES, Work, _run_due, audit, opening, threads, work

ACME = Purse("acme")


def paid_in(amount, transfer):
    """Pay credit into the account's purse."""
    return deposit(ACME, Money.of(amount, EUR), transfer=transfer, on=DAY)


def bought(subscription):
    """Buy 5 channels for 39.75 EUR."""
    identifiers = {"account": "acme", "profile": "berlin", "subscription": subscription}
    return buy(SKYPE_CONNECT.plan(channels=5), TARIFF, on=DAY, **identifiers)


def test_a_crowd_does_all_kinds_of_things_and_is_short_of_credit():
    """What is tried is done or refused, credit is missing at times, and the books are in order."""
    store = MemoryStore()
    store.commit(opening(), expected=None)
    parts = threads([partial(work, store, worker=each, actions=100) for each in range(8)])
    whole = sum(parts, start=Work((), Counter()))

    audit(store, committed=[opening(), *whole.committed])
    assert 300 < whole.attempted
    assert 20 < whole.refused["InsufficientCredit"]
    assert {
        Action.ASSIGN_CREDIT,
        Action.BUY,
        Action.CHANGE,
        Action.DEPOSIT,
        Action.RENEW,
        Action.TAKE_BACK_CREDIT,
        Action.TERMINATE,
        Action.USE,
    } <= {decision.action for decision in whole.committed}
    assert {posting.purse for each in whole.committed for posting in each.postings} <= {*PURSES}


class Failing(PlainStore):
    """Does not let a term end."""

    def commit(self, decision, /, *, expected):
        if decision.action in {Action.RENEW, Action.LAPSE}:
            raise LookupError("no such table")
        return super().commit(decision, expected=expected)


def test_work_does_not_hide_that_a_store_failed():
    """What is no refusal is raised where it can be seen."""
    store = Failing()
    store.commit(opening("10000"), expected=None)

    with pytest.raises(LookupError, match="no such table"):
        work(store, worker=0, actions=100)


def test_a_run_of_what_is_due_does_not_hide_it_either():
    """Though it goes on after a failure of one profile."""
    store = Failing()
    for decision in (paid_in("100", "t-1"), bought("s-1")):
        store.commit(decision, expected=None)

    with pytest.raises(LookupError, match="no such table"):
        _run_due(Desk(store, tariff=lambda _offer, _day: TARIFF), date(2026, 2, 4))


def test_work_adds_up():
    """What two workers did is what both did; what the rules refuse, no store was asked for."""
    first, second = paid_in("1", "t-1"), paid_in("2", "t-2")
    whole = Work((first,), Counter(Conflict=1)) + Work(
        (second,), Counter(Conflict=2, OutsideTerm=4)
    )

    assert Work((first, second), Counter(Conflict=3, OutsideTerm=4)) == whole
    assert 5 == whole.attempted


def test_an_audit_finds_a_balance_that_is_not_the_sum():
    """Such as one that was overwritten."""
    store = PlainStore()
    store.commit(paid_in("10", "t-1"), expected=None)
    store.balances[ACME] = Money.of("9", EUR)

    with pytest.raises(AssertionError, match="the balance of account acme is not the sum"):
        audit(store, [ACME])


def test_an_audit_finds_a_purse_below_zero():
    """Even if that is the sum of its postings."""
    store = NoBound()
    store.commit(bought("s-1"), expected=None)

    with pytest.raises(AssertionError, match=r"account acme holds -39\.75 EUR: it was checked"):
        audit(store, [ACME])


def test_an_audit_finds_postings_out_of_their_order():
    """They add up, but what was taken was not there yet; within one decision it need not be."""
    store, decision = PlainStore(), paid_in("39.75", "t-1")
    (posting,) = decision.postings
    back = attrs.evolve(posting, amount=-posting.amount)
    nothing = attrs.evolve(paid_in("1", "t-0"), postings=(back, posting))
    for each in (nothing, decision, bought("s-1")):
        store.commit(each, expected=None)
    audit(store, [ACME])
    store.booked.reverse()

    with pytest.raises(AssertionError, match="below zero after subscription/s-1/0/buy: its postin"):
        audit(store, [ACME])


def test_an_audit_finds_what_is_booked_twice():
    """Even if the balance has it twice too."""
    store, decision = PlainStore(), paid_in("10", "t-1")
    store.commit(decision, expected=None)
    store.book(decision)

    with pytest.raises(AssertionError, match="postings are booked twice"):
        audit(store, [ACME])


def test_an_audit_finds_what_is_booked_and_was_not_committed():
    """And what was committed and is not booked."""
    store, decision = PlainStore(), paid_in("10", "t-1")
    store.commit(decision, expected=None)

    audit(store, [ACME], committed=[decision, decision])
    for committed in ([], [decision, paid_in("1", "t-2")]):
        with pytest.raises(AssertionError, match="the postings stored are not those"):
            audit(store, [ACME], committed=committed)


def test_an_audit_finds_a_posting_that_was_changed():
    """By its reason, though nothing else differs."""
    store, decision = PlainStore(), paid_in("10", "t-1")
    store.commit(decision, expected=None)
    bonus = attrs.evolve(decision.postings[0], reason=Reason.BONUS)
    store.booked = [Booked(bonus, decision.token, 0)]

    with pytest.raises(AssertionError, match=r"reason: expected <Reason\.DEPOSIT"):
        audit(store, [ACME], committed=[decision])


def test_an_audit_finds_two_that_rest_on_one():
    """One of two that decided on the same subscription was lost."""
    store = NoCompareAndSet()
    decisions = [paid_in("100", "t-1"), bought("s-1"), bought("s-2")]
    for decision in decisions:
        store.commit(decision, expected=None)

    with pytest.raises(AssertionError, match="rest on the same subscription, and both were stored"):
        audit(store, [ACME], committed=decisions)


def test_an_audit_finds_that_not_the_last_is_stored():
    """What was decided last is what a profile holds."""
    store, bought_one = PlainStore(), bought("s-1")
    decisions = [paid_in("100", "t-1"), bought_one, cancel(bought_one.after, on=DAY)]
    revision = None
    for decision in decisions:
        revision = store.commit(decision, expected=revision)
    audit(store, [ACME], committed=decisions)
    store.held["berlin"] = attrs.evolve(store.held["berlin"], value=bought_one.after)

    with pytest.raises(AssertionError, match="berlin holds not what was committed last"):
        audit(store, [ACME], committed=decisions)


def test_threads_return_in_order():
    """Each thread's answer stands in its place, whichever came first."""
    first = Event()

    def wait():
        first.wait(10)
        return 1

    def go_on():
        first.set()
        return 2

    assert [1, 2] == threads([wait, go_on])


def test_threads_raise_what_one_of_them_raised():
    """Where it can be seen."""

    def fail():
        raise LookupError("nothing there")

    with pytest.raises(LookupError, match="nothing there"):
        threads([fail, lambda: 1])


def test_threads_that_do_not_come_back_are_given_up():
    """The sentence says where to look."""
    over = Event()
    with pytest.raises(AssertionError) as raised:
        threads([over.wait, lambda: 1], patience=0.05)
    over.set()

    assert (
        "1 of 2 threads did not come back in 0.05 s: look for a lock that is not released after "
        "a refusal, or two that are taken in different orders"
    ) == str(raised.value)
