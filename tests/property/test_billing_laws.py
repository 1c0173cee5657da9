"""Properties of the billing service when several workers use one store at the same time.

The tests switch between the workers before and after each answer of the store, in any order. They
also stop workers at any point.
"""

from collections import Counter
from datetime import date, timedelta
from itertools import chain, count, repeat, takewhile
from types import coroutine
from typing import Any, cast

import attrs
import pytest
from hypothesis import given, strategies as st

from channelplans import subscriptions
from channelplans.calendar import Days
from channelplans.calls import Call
from channelplans.errors import ChannelPlansError, TransitionNotAllowed
from channelplans.money import EUR, Money
from channelplans.offers import OFFERS, SKYPE_CONNECT
from channelplans.plans import Plan
from channelplans.rules import NonPaymentRule
from channelplans.storage.billing import AsyncBilling, Billing
from channelplans.storage.memory import MemoryStore
from channelplans.storage.ports import AsyncStore
from channelplans.subscriptions.decisions import Decision, Transfer
from channelplans.subscriptions.subscription import RUNNING, Status
from channelplans.subscriptions.wallets import Wallet, settle
from channelplans.tariffs import Tariff

pytestmark = pytest.mark.slow

TARIFF = Tariff("made up", EUR, "6.95", "10", "0.02", {"DE": "0.03"})
FIRST_DAY = date(2026, 1, 5)
ACCOUNT_WALLET = Wallet("acme")
# Enough cents for every purchase and renewal in these tests.
AMPLE_CENTS = 10**7
GRACE_PERIOD = attrs.evolve(
    SKYPE_CONNECT, edition="grace", non_payment=NonPaymentRule(drops_bundles=True, grace=Days(9))
)
SOLD_OFFERS = [SKYPE_CONNECT, OFFERS["skype-connect-2011"], GRACE_PERIOD]


@coroutine
def pause():
    """Pause the worker, so that another worker can run."""
    yield


class InterleavingStore:
    """A store in memory that pauses the worker before and after each answer."""

    def __init__(self, store, page_size=1000):
        self._store, self._page_size = store, page_size

    def __getattr__(self, name):
        method = getattr(self._store, name)

        async def call_with_pauses(*args, **kwargs):
            await pause()
            answer = method(*args, **kwargs)
            await pause()
            return answer

        return call_with_pauses

    async def due(self, on, /, **options):
        """Return the due profiles in small pages."""
        await pause()
        return self._store.due(on, limit=self._page_size, **options)

    async def commit(self, decision, /, *, expected):
        """Commit, with a pause before and after it."""
        await pause()
        revision = self._store.commit(decision, expected=expected)
        await pause()
        return revision


STOP = -1


def run_workers(workers, schedule=()):
    """Run workers step by step, and return the results of those that finished.

    Each number of the schedule is the position of a worker among the unfinished workers; that
    worker runs until its next pause. ``STOP`` closes the first unfinished worker where it is. After
    the schedule, the remaining workers run to their end.
    """
    unfinished, results = dict(enumerate(workers)), {}
    for turn in chain(schedule, repeat(0)):
        if not unfinished:
            break
        worker = list(unfinished)[max(turn, 0) % len(unfinished)]
        if turn == STOP:
            unfinished.pop(worker).close()
            continue
        try:
            unfinished[worker].send(None)
        except StopIteration as finished:
            results[worker] = finished.value
            del unfinished[worker]
    return list(results.values())


def schedules(*, with_stops=False):
    """Draw schedules for ``run_workers``, in which a worker often runs several steps in a row."""
    runs = st.builds(lambda worker, steps: [worker] * steps, st.integers(0, 3), st.integers(1, 14))
    stops = st.just([STOP]) if with_stops else st.nothing()
    return st.lists(runs | stops, max_size=25).map(lambda parts: list(chain.from_iterable(parts)))


@attrs.frozen
class Purchase:
    """The plan that one profile buys, the day, and whether it is cancelled on that day."""

    plan: Plan
    on: date
    cancelled: bool


purchases = st.builds(
    lambda offer, channels, bundles, days_later, cancelled: Purchase(
        offer.plan(channels=channels, bundles=bundles),
        FIRST_DAY + timedelta(days_later),
        cancelled,
    ),
    st.sampled_from(SOLD_OFFERS),
    st.integers(1, 4),
    st.integers(0, 1),
    st.integers(0, 40),
    st.sampled_from([False, False, False, True]),
)
purchases_of_an_account = st.lists(purchases, min_size=1, max_size=4)
run_days = st.integers(20, 140).map(lambda number: FIRST_DAY + timedelta(number))


def open_store(purchases, balance_cents):
    """Return a store after the purchases of one account, with the given balance left.

    The last profile by name makes the first purchase, so that the order of the names is not the
    order of the purchases.
    """
    store = MemoryStore()
    billing = Billing(store, prices=TARIFF)
    deposited = Money(minor=AMPLE_CENTS, currency=EUR)
    billing.deposit(ACCOUNT_WALLET, deposited, transfer="opening", on=FIRST_DAY)
    for number, purchase in enumerate(purchases):
        profile = f"p-{9 - number}"
        billing.buy(
            purchase.plan,
            account="acme",
            profile=profile,
            subscription=f"s of {profile}",
            on=purchase.on,
        )
        if purchase.cancelled:
            billing.cancel("acme", profile, on=purchase.on)
    balance = store.balance(ACCOUNT_WALLET)
    assert balance is not None
    excess = balance - Money(minor=balance_cents, currency=EUR)
    if excess:
        billing.charge(ACCOUNT_WALLET, excess, transfer="spent", on=FIRST_DAY)
    return store


def open_async_billing(store, page_size=1000):
    """Return a billing service for workers that share a store."""
    interleaving_store = cast("AsyncStore", InterleavingStore(store, page_size))
    return AsyncBilling(interleaving_store, prices=TARIFF)


async def run_due_worker(store, on, page_size=1000):
    """Process the due subscriptions, as one of several workers, and return the outcomes."""
    billing = open_async_billing(store, page_size)
    return await billing.run_due(on=on)


def store_state(store):
    """Return the subscriptions, balances and postings, without revisions and posting order."""
    snapshot = store.snapshot()
    subscriptions = {key: stored.value for key, stored in snapshot.subscriptions.items()}
    postings = {wallet: Counter(map(str, booked)) for wallet, booked in snapshot.postings.items()}
    return subscriptions, snapshot.balances, postings


def check_balances(store):
    """Assert that each balance is the sum of its postings and is not below zero."""
    snapshot = store.snapshot()
    for wallet, balance in snapshot.balances.items():
        amounts = [booked.posting.amount for booked in snapshot.postings[wallet]]

        assert sum(amounts, start=Money(minor=0, currency=EUR)) == balance
        assert balance >= Money(minor=0, currency=EUR)


def count_charges(store):
    """Return how often each term of each subscription was charged."""
    booked_postings = store.snapshot().postings[ACCOUNT_WALLET]
    postings = [booked.posting for booked in booked_postings if booked.posting.term]
    return Counter((posting.reference, posting.term) for posting in postings)


def expected_terms(purchase, on):
    """Return the terms that a purchase is charged for until a day, its first term included."""
    terms = (purchase.plan.offer.term.nth(purchase.on, number) for number in count())
    started_terms = list(takewhile(lambda term: term.start <= max(on, purchase.on), terms))
    return started_terms[:1] if purchase.cancelled else started_terms


def outcome_keys(outcomes):
    """Return the profile, term and token of each outcome."""
    return {(outcome.profile, outcome.term, outcome.decision.token) for outcome in outcomes}


@given(purchases_of_an_account, run_days, st.integers(1, 4), st.integers(1, 3), schedules())
def test_several_workers_charge_each_term_once(purchases, on, workers, page_size, schedule):
    """With enough credit, several workers charge each started term once, as one worker does."""
    store, single_worker_store = (open_store(purchases, AMPLE_CENTS // 2) for _ in range(2))
    runs = run_workers([run_due_worker(store, on, page_size) for _ in range(workers)], schedule)
    (single_run,) = run_workers([run_due_worker(single_worker_store, on)])

    expected = {
        (f"s of p-{9 - number}", term)
        for number, purchase in enumerate(purchases)
        # A later purchase settles the terms of the account that are due on its day.
        for term in expected_terms(purchase, max([on, *(later.on for later in purchases[number:])]))
    }
    assert dict.fromkeys(expected, 1) == count_charges(store)
    assert store_state(single_worker_store) == store_state(store)
    assert outcome_keys(single_run) == outcome_keys(chain.from_iterable(runs))
    check_balances(store)


@given(
    purchases_of_an_account,
    run_days,
    st.integers(0, 30_000),
    st.integers(1, 4),
    st.integers(1, 3),
    schedules(),
)
def test_several_workers_never_overdraw_a_wallet(
    purchases, on, balance_cents, workers, page_size, schedule
):
    """Without enough credit, no term is charged twice and only a grace period stays due."""
    store = open_store(purchases, balance_cents)
    runs = run_workers([run_due_worker(store, on, page_size) for _ in range(workers)], schedule)

    check_balances(store)
    assert not any(outcome.failed for run in runs for outcome in run)
    assert {1} == set(count_charges(store).values())
    for stored in store.snapshot().subscriptions.values():
        subscription = stored.value
        if subscription.status in RUNNING and subscription.term.end <= on:
            assert (Status.ACTIVE, True) == (subscription.status, on < subscription.kept_until)


@given(purchases, run_days, st.integers(0, 30_000), st.integers(1, 4), schedules(with_stops=True))
def test_stopped_workers_spend_scarce_credit_like_one_worker(
    purchase, on, balance_cents, workers, schedule
):
    """For one profile, the result of a run depends neither on the workers nor on their stops."""
    store, single_worker_store = (open_store([purchase], balance_cents) for _ in range(2))
    run_workers([run_due_worker(store, on) for _ in range(workers)], schedule)
    run_workers([run_due_worker(store, on)])
    run_workers([run_due_worker(single_worker_store, on)])

    assert store_state(single_worker_store) == store_state(store)


@given(
    purchases_of_an_account,
    run_days,
    st.integers(1, 4),
    st.integers(1, 3),
    schedules(with_stops=True),
)
def test_next_run_completes_a_stopped_run(purchases, on, workers, page_size, schedule):
    """After a stop at any point, the next run ends in the state of an uninterrupted run."""
    store, single_worker_store = (open_store(purchases, AMPLE_CENTS // 2) for _ in range(2))
    run_workers([run_due_worker(store, on, page_size) for _ in range(workers)], schedule)
    check_balances(store)
    run_workers([run_due_worker(store, on, page_size)])
    run_workers([run_due_worker(single_worker_store, on)])

    assert store_state(single_worker_store) == store_state(store)


@attrs.frozen
class CallRecord:
    """A call record: its minutes, its destination, and the worker that receives each delivery."""

    minutes: int
    to_germany: bool
    receivers: list[int]


call_records = st.builds(
    CallRecord,
    st.integers(1, 9),
    st.booleans(),
    st.lists(st.integers(0, 2), min_size=1, max_size=3),
)


@given(st.lists(call_records, min_size=1, max_size=5), st.booleans(), schedules())
def test_call_delivered_several_times_is_charged_once(records, renewed, schedule):
    """A call is booked once, however often and to whichever workers it is delivered.

    A minute to Germany costs the profile 0.03; the other calls use the minutes of their term, also
    if a worker renews the term meanwhile. Each delivery of a call returns the same decision.
    """
    plan = SKYPE_CONNECT.plan(channels=1, bundles=1)
    store = open_store([Purchase(plan, FIRST_DAY, cancelled=False)], 5000)
    profile, profile_wallet = "p-9", Wallet("acme", "p-9")
    Billing(store, prices=TARIFF).assign_credit(
        "acme", profile, Money(minor=3000, currency=EUR), transfer="t", on=FIRST_DAY
    )
    billing = open_async_billing(store)
    last_day = FIRST_DAY + timedelta(29)
    calls = [
        Call(
            f"c-{number}",
            "+1 212 555 0100",
            "DE" if record.to_germany else "US",
            last_day,
            timedelta(minutes=record.minutes),
        )
        for number, record in enumerate(records)
    ]

    async def record_calls(worker):
        return [
            await billing.record_call("acme", profile, call, on=last_day + timedelta(renewed))
            for call, record in zip(calls, records, strict=True)
            for _ in range(record.receivers.count(worker))
        ]

    workers = [record_calls(worker) for worker in range(3)]
    if renewed:
        workers.append(run_due_worker(store, last_day + timedelta(1)))
    results = chain.from_iterable(run_workers(workers, schedule))
    deliveries = [result for result in results if isinstance(result, Decision)]

    assert sum(len(record.receivers) for record in records) == len(deliveries)
    assert len(calls) == len({decision.token for decision in deliveries})
    for decision in deliveries:
        assert decision == store.decision("acme", decision.token)
    minutes: Counter[str] = Counter()
    for call in calls:
        minutes[call.destination] += call.duration // timedelta(minutes=1)
    assert Money(minor=3000 - 3 * minutes["DE"], currency=EUR) == store.balance(profile_wallet)
    subscription = store.subscription("acme", profile).value
    called_term = subscription.previous_term if renewed else subscription
    assert timedelta(minutes=minutes["US"]) == called_term.allowance.used
    assert 1 + renewed + len(calls) == subscription.sequence


ACTIONS = ["buy", "change", "cancel", "resume", "lapse", "terminate", "deposit", "assign_credit"]
steps = st.tuples(st.sampled_from(ACTIONS), st.integers(1, 12), st.integers(0, 12))


def action_arguments(action, amount, identifier):
    """Return the arguments of an action of the billing service, except the day."""
    plan, transfer = SKYPE_CONNECT.plan(channels=amount), {"transfer": identifier}
    identifiers = {"account": "acme", "profile": "berlin", "subscription": identifier}
    arguments: dict[str, Any] = {
        "buy": ((plan,), identifiers),
        "change": (("acme", "berlin"), {"plan": plan}),
        "deposit": ((ACCOUNT_WALLET, Money(minor=amount * 1000, currency=EUR)), transfer),
        "assign_credit": (("acme", "berlin", Money(minor=amount * 100, currency=EUR)), transfer),
    }
    return arguments.get(action, (("acme", "berlin"), {}))


def decide(action, subscription, args, kwargs):
    """Return the decision or the transfer of the function for the same action and arguments."""
    act = getattr(subscriptions, action)
    if action == "buy":
        return act(*args, TARIFF, previous=subscription, **kwargs)
    if "transfer" in kwargs:
        return act(*args, **kwargs)
    if subscription is None:
        raise TransitionNotAllowed(action, "not bought yet", ("buy",), "acme", "berlin")
    if action == "change":
        return act(subscription, kwargs["plan"], TARIFF, on=kwargs["on"])
    return act(subscription, **kwargs)


def result_or_error(call, *args, **kwargs):
    """Return the result of a call, or the class and the message of its error."""
    try:
        return call(*args, **kwargs)
    except ChannelPlansError as error:
        return type(error), str(error)


@given(st.lists(steps, max_size=12))
def test_committed_preview_equals_the_direct_action(actions):
    """A direct action, a committed preview and the function have the same result.

    The decisions, the errors and the stored state are the same after each step.
    """
    direct_store, preview_store = MemoryStore(), MemoryStore()
    direct_billing = Billing(direct_store, prices=TARIFF)
    preview_billing = open_async_billing(preview_store)
    subscription, balances, day = None, direct_store.snapshot().balances, FIRST_DAY

    def decide_and_settle(action, args, kwargs):
        decision = decide(action, subscription, args, kwargs)
        return decision, settle(balances, decision.postings)

    def preview_and_commit(action, args, kwargs):
        preview_action = getattr(preview_billing.preview, action)
        (preview,) = run_workers([preview_action(*args, **kwargs)])
        (decision,) = run_workers([preview_billing.commit(preview)])
        return decision

    for number, (action, amount, days_later) in enumerate(actions):
        day += timedelta(days_later)
        args, kwargs = action_arguments(action, amount, f"id-{number}")
        kwargs["on"] = day
        for store in direct_store, preview_store:
            Billing(store, prices=TARIFF).run_due(on=day)
        stored = direct_store.subscription("acme", "berlin")
        subscription, balances = stored and stored.value, direct_store.snapshot().balances
        result = result_or_error(getattr(direct_billing, action), *args, **kwargs)
        expected = result_or_error(decide_and_settle, action, args, kwargs)

        assert result == result_or_error(preview_and_commit, action, args, kwargs)
        if isinstance(result, (Decision, Transfer)):
            decision, balances = expected
            if isinstance(decision, Decision):
                subscription = decision.after

            assert decision == result
        else:
            assert expected == result
        stored = direct_store.subscription("acme", "berlin")

        assert subscription == (stored and stored.value)
        assert balances == direct_store.snapshot().balances
        assert store_state(direct_store) == store_state(preview_store)


@given(st.lists(steps, max_size=12))
def test_action_first_processes_due_subscriptions(actions):
    """An action on a due subscription has the same result as a run followed by the action."""
    store, processed_store, day = MemoryStore(), MemoryStore(), FIRST_DAY
    opening_steps = [("deposit", 5, 0), ("buy", 1, 0)]

    for number, (action, amount, days_later) in enumerate([*opening_steps, *actions]):
        day += timedelta(5 * days_later)
        args, kwargs = action_arguments(action, amount, f"id-{number}")
        kwargs["on"] = day
        processed_billing = Billing(processed_store, prices=TARIFF)
        # A deposit takes no credit, so it does not settle what is due.
        if action != "deposit":
            processed_billing.run_due(on=day)
        result = result_or_error(getattr(Billing(store, prices=TARIFF), action), *args, **kwargs)

        assert result == result_or_error(getattr(processed_billing, action), *args, **kwargs)
        assert store_state(store) == store_state(processed_store)
