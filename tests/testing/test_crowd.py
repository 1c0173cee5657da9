"""Crowds of workers, and the check of the books that they leave behind."""

from collections import Counter
from datetime import date
from functools import partial
from threading import Event, Thread

import attrs
import pytest
from tests.testing.broken import NoBound, NoCompareAndSet, PlainStore

from channelplans.money import EUR, Money
from channelplans.offers import SKYPE_CONNECT
from channelplans.storage.billing import Billing
from channelplans.storage.memory import MemoryStore
from channelplans.storage.ports import Booked
from channelplans.subscriptions.actions import buy, cancel
from channelplans.subscriptions.subscription import Action
from channelplans.subscriptions.transfers import deposit
from channelplans.subscriptions.wallets import Reason, Wallet
from channelplans.testing.builders import DAY, TARIFF
from channelplans.testing.contract.crowd import (
    WALLETS,
    WorkerReport,
    _run_due,
    check_books,
    opening_deposit,
    run_threads,
    run_worker,
)

pytestmark = [pytest.mark.slow, pytest.mark.covers]

ACME = Wallet("acme")
WORKERS = 8
ACTIONS = 100


def make_deposit(amount, transfer):
    """Return a deposit in EUR on the account's wallet."""
    return deposit(ACME, Money.of(amount, EUR), transfer=transfer, on=DAY)


def make_purchase(subscription):
    """Return a purchase of 5 channels for 39.75 EUR."""
    identifiers = {"account": "acme", "profile": "berlin", "subscription": subscription}
    return buy(SKYPE_CONNECT.plan(channels=5), TARIFF, on=DAY, **identifiers)


# Work


def test_crowd_of_threads_leaves_a_consistent_store():
    """The books are consistent in any order of the threads; no other wallet has postings."""
    store = MemoryStore()
    store.commit(opening_deposit(), expected=None)
    works = [
        partial(run_worker, store, worker=worker, actions=ACTIONS) for worker in range(WORKERS)
    ]
    total = sum(run_threads(works), start=WorkerReport((), Counter()))

    check_books(store, committed=[opening_deposit(), *total.committed])
    assert {posting.wallet for decision in total.committed for posting in decision.postings} <= {
        *WALLETS
    }


def test_crowd_does_all_kinds_of_actions_and_lacks_credit():
    """The workers work one after the other here, so the counts are the same in every run."""
    store = MemoryStore()
    store.commit(opening_deposit(), expected=None)
    reports = [run_worker(store, worker=worker, actions=ACTIONS) for worker in range(WORKERS)]
    total = sum(reports, start=WorkerReport((), Counter()))

    assert 300 < total.attempted
    assert 20 < total.refused["InsufficientCredit"]
    assert {
        Action.ASSIGN_CREDIT,
        Action.BUY,
        Action.CHANGE,
        Action.DEPOSIT,
        Action.RENEW,
        Action.TAKE_BACK_CREDIT,
        Action.TERMINATE,
        Action.RECORD_CALL,
    } <= {decision.action for decision in total.committed}


class FailingAtTermEnd(PlainStore):
    """Raises an error that the contract does not allow, at the end of a term."""

    def commit(self, decision, /, *, expected):
        if decision.action in {Action.RENEW, Action.LAPSE}:
            raise LookupError("no such table")
        return super().commit(decision, expected=expected)


def test_run_worker_raises_an_error_that_the_contract_does_not_allow():
    """The worker counts refusals only and does not catch other errors of the store."""
    store = FailingAtTermEnd()
    store.commit(opening_deposit("10000"), expected=None)

    with pytest.raises(LookupError, match="no such table"):
        run_worker(store, worker=0, actions=100)


def test_worker_raises_the_error_of_a_failed_renewal():
    """The billing service reports the failure in an outcome, and the worker raises it."""
    store = FailingAtTermEnd()
    for decision in (make_deposit("100", "t-1"), make_purchase("s-1")):
        store.commit(decision, expected=None)

    with pytest.raises(LookupError, match="no such table"):
        _run_due(Billing(store, prices=TARIFF), date(2026, 2, 4))


def test_worker_accepts_a_renewal_and_a_renewal_that_waits_for_credit():
    """50.00 pay the purchase at 39.75, and the renewal waits; with 40.00 more it is paid."""
    store = MemoryStore()
    for decision in (make_deposit("50", "t-1"), make_purchase("s-1")):
        store.commit(decision, expected=None)
    billing = Billing(store, prices=TARIFF)

    _run_due(billing, date(2026, 2, 4))
    assert Money.of("10.25", EUR) == store.balance(ACME)
    store.commit(make_deposit("40", "t-2"), expected=None)
    _run_due(billing, date(2026, 2, 4))
    assert Money.of("15.50", EUR) == store.balance(ACME)


def test_worker_reports_add_up_decisions_and_refusals():
    """``attempted`` counts commits and refusals of the store, but not refusals of the rules."""
    first, second = make_deposit("1", "t-1"), make_deposit("2", "t-2")
    first_report = WorkerReport((first,), Counter(Conflict=1))
    second_report = WorkerReport((second,), Counter(Conflict=2, OutsideTerm=4))
    total = first_report + second_report

    assert WorkerReport((first, second), Counter(Conflict=3, OutsideTerm=4)) == total
    assert 5 == total.attempted


# The books


def test_check_books_finds_a_balance_that_is_not_the_sum():
    """The balance differs from the sum of the wallet's postings."""
    store = PlainStore()
    store.commit(make_deposit("10", "t-1"), expected=None)
    store.balances[ACME] = Money.of("9", EUR)

    with pytest.raises(AssertionError, match="the balance of account 'acme' is not the sum"):
        check_books(store, [ACME])


def test_check_books_reads_all_pages():
    """The books of a store that answers with one posting for each page are consistent."""
    store = OnePostingForEachPage()
    deposits = [make_deposit(str(number), f"t-{number}") for number in (1, 2, 3)]
    for paid_in in deposits:
        store.commit(paid_in, expected=None)

    check_books(store, [ACME], committed=deposits)


class OnePostingForEachPage(MemoryStore):
    """A store whose pages of postings have one posting."""

    def postings(self, wallet, /, *, since=None, until=None, cursor=None, limit=1):
        """Return the next posting."""
        return super().postings(wallet, since=since, until=until, cursor=cursor, limit=1)


def test_check_books_finds_a_wallet_below_zero():
    """A balance below zero is an error even if it is the sum of the postings."""
    store = NoBound()
    store.commit(make_purchase("s-1"), expected=None)

    with pytest.raises(
        AssertionError,
        match=r"account 'acme' holds -39\.75 EUR: another commit changed the balance",
    ):
        check_books(store, [ACME])


def test_check_books_finds_postings_in_a_wrong_order():
    """The wallet is below zero after a decision. Within a decision it may be below zero."""
    store, paid_in = PlainStore(), make_deposit("39.75", "t-1")
    (posting,) = paid_in.postings
    opposite_posting = attrs.evolve(posting, amount=-posting.amount)
    zero_sum = attrs.evolve(make_deposit("1", "t-0"), postings=(opposite_posting, posting))
    for decision in (zero_sum, paid_in, make_purchase("s-1")):
        store.commit(decision, expected=None)
    check_books(store, [ACME])
    store.bookings.reverse()

    with pytest.raises(AssertionError, match="below zero after subscription/s-1/0/buy"):
        check_books(store, [ACME])


def test_check_books_finds_a_posting_that_is_booked_twice():
    """A second booking is an error even if the balance includes it."""
    store, decision = PlainStore(), make_deposit("10", "t-1")
    store.commit(decision, expected=None)
    store.book(decision)

    with pytest.raises(AssertionError, match="postings are booked twice"):
        check_books(store, [ACME])


def test_check_books_compares_the_postings_with_the_committed_decisions():
    """A posting without a decision is an error, and so is a decision without its posting."""
    store, decision = PlainStore(), make_deposit("10", "t-1")
    store.commit(decision, expected=None)

    check_books(store, [ACME], committed=[decision, decision])
    for committed in ([], [decision, make_deposit("1", "t-2")]):
        with pytest.raises(AssertionError, match="the stored postings differ from those"):
            check_books(store, [ACME], committed=committed)


def test_check_books_finds_a_posting_with_another_reason():
    """The check compares all fields of a posting, not only its amount."""
    store, decision = PlainStore(), make_deposit("10", "t-1")
    store.commit(decision, expected=None)
    (posting,) = decision.postings
    bonus = attrs.evolve(posting, reason=Reason.BONUS)
    store.bookings = [Booked(bonus, decision.token, 0)]

    with pytest.raises(AssertionError, match=r"reason: expected <Reason\.DEPOSIT"):
        check_books(store, [ACME], committed=[decision])


def test_check_books_finds_two_decisions_on_one_revision():
    """Two purchases were decided on the same subscription, and the second overwrote the first."""
    store = NoCompareAndSet()
    decisions = [make_deposit("100", "t-1"), make_purchase("s-1"), make_purchase("s-2")]
    for decision in decisions:
        store.commit(decision, expected=None)

    with pytest.raises(AssertionError, match="two decisions on the same subscription were stored"):
        check_books(store, [ACME], committed=decisions)


def test_check_books_finds_an_old_subscription():
    """A profile must hold the subscription of its last decision."""
    store, purchase = PlainStore(), make_purchase("s-1")
    decisions = [make_deposit("100", "t-1"), purchase, cancel(purchase.after, on=DAY)]
    revision = None
    for decision in decisions:
        revision = store.commit(decision, expected=revision)
    check_books(store, [ACME], committed=decisions)
    owner = ("acme", "berlin")
    store.stored[owner] = attrs.evolve(store.stored[owner], value=purchase.after)

    with pytest.raises(
        AssertionError, match="berlin does not hold the subscription that was committed last"
    ):
        check_books(store, [ACME], committed=decisions)


# Threads


def test_run_threads_returns_results_in_the_order_of_the_callables():
    """The order in which the threads finish does not matter."""
    is_other_done = Event()

    def finish_second():
        is_other_done.wait(10)
        return 1

    def finish_first():
        is_other_done.set()
        return 2

    assert [1, 2] == run_threads([finish_second, finish_first])


def test_run_threads_raises_the_error_of_a_thread():
    """The caller sees the error, although another thread succeeds."""

    def fail():
        raise LookupError("nothing there")

    with pytest.raises(LookupError, match="nothing there"):
        run_threads([fail, lambda: 1])


def test_run_threads_gives_up_a_thread_that_does_not_finish(monkeypatch):
    """The message counts the threads that did not finish, and says where to look."""
    is_over, join = Event(), Thread.join
    # A slow machine must not count the first thread as stuck too.
    timeouts = iter([None, 0.05])
    monkeypatch.setattr(Thread, "join", lambda thread, _timeout: join(thread, next(timeouts)))
    with pytest.raises(AssertionError) as raised:
        run_threads([lambda: 1, is_over.wait], patience=0.05)
    is_over.set()

    assert (
        "1 of 2 threads did not finish in 0.05 s: look for a lock that is not released after "
        "a refusal, or for two locks that are taken in different orders"
    ) == str(raised.value)
