"""A store that fails, and a task that is cancelled, at each call of each action.

The service never says that something was committed which is not in the store. A retry with the same
key gives the same end as an action without a fault.
"""

import asyncio
from contextlib import suppress
from datetime import timedelta

import attrs
import pytest

from channelplans.calendar import Days
from channelplans.calls import Call
from channelplans.money import EUR, Money
from channelplans.offers import SKYPE_CONNECT
from channelplans.rules import NonPaymentRule
from channelplans.storage.billing import AsyncBilling, Billing
from channelplans.storage.memory import MemoryStore
from channelplans.subscriptions.wallets import Wallet
from channelplans.testing.builders import DAY, TARIFF

pytestmark = pytest.mark.slow

ACME, BERLIN = Wallet("acme"), Wallet("acme", "berlin")
OFFER = attrs.evolve(SKYPE_CONNECT, edition="grace", non_payment=NonPaymentRule(grace=Days(7)))
#: Two days after the end of the first terms, which the service settles first.
LATER = DAY + timedelta(days=32)
TO_US = Call("c-1", "+12125550100", "US", LATER, timedelta(minutes=10))


def eur(amount):
    return Money.of(amount, EUR)


def make_plan(channels, bundles=0):
    return OFFER.plan(channels=channels, bundles=bundles)


def open_store():
    """Return a store with three subscriptions that are due; that of munich cannot be paid."""
    store = MemoryStore()
    billing = Billing(store, prices=TARIFF)
    billing.deposit(ACME, eur("1000"), transfer="opening", on=DAY)
    billing.deposit(BERLIN, eur("10"), transfer="for calls", on=DAY)
    for profile, plan in {
        "berlin": make_plan(2, 1),
        "munich": make_plan(90),
        "paris": make_plan(3),
    }.items():
        billing.buy(plan, account="acme", profile=profile, subscription=f"s {profile}", on=DAY)
    billing.cancel("acme", "paris", on=DAY)
    return store


ACTIONS = {
    "buy": lambda billing: billing.buy(
        make_plan(1), account="acme", profile="rome", subscription="s", on=LATER, request="r"
    ),
    "change": lambda billing: billing.change("acme", "berlin", channels=3, on=LATER, request="r"),
    "change unpaid": lambda billing: billing.change(
        "acme", "munich", channels=4, on=LATER, request="r"
    ),
    "cancel": lambda billing: billing.cancel("acme", "berlin", on=LATER, request="r"),
    "terminate": lambda billing: billing.terminate("acme", "berlin", on=LATER, request="r"),
    "lapse": lambda billing: billing.lapse("acme", "munich", on=LATER, request="r"),
    "deposit": lambda billing: billing.deposit(ACME, eur("5"), transfer="t", on=LATER),
    "charge": lambda billing: billing.charge(ACME, eur("5"), transfer="t", on=LATER),
    "assign": lambda billing: billing.assign_credit(
        "acme", "berlin", eur("5"), transfer="t", on=LATER
    ),
    "take back": lambda billing: billing.take_back_credit(
        "acme", "berlin", eur("5"), transfer="t", on=LATER
    ),
    "call": lambda billing: billing.record_call("acme", "berlin", TO_US, on=LATER),
    "run": lambda billing: billing.run_due(on=LATER),
    "catch up": lambda billing: billing.catch_up("acme", on=LATER),
}


class FaultyStore:
    """A store that fails once: in a certain call, before or after the work is done."""

    def __init__(self, store, failing_call=None, *, after=False):
        self.store, self.failing_call, self.after = store, failing_call, after
        self.calls = 0

    def __getattr__(self, name):
        method = getattr(self.store, name)

        def call(*arguments, **keywords):
            self.calls += 1
            fails = self.calls == self.failing_call
            if fails and not self.after:
                raise ConnectionError("the database is away")
            answer = method(*arguments, **keywords)
            if fails:
                raise ConnectionError("the answer was lost")
            return answer

        return call


class PausingStore:
    """An asynchronous store that pauses around each call, so that a task can be cancelled."""

    def __init__(self, store):
        self.store = store

    def __getattr__(self, name):
        method = getattr(self.store, name)

        async def call(*arguments, **keywords):
            await asyncio.sleep(0)
            answer = method(*arguments, **keywords)
            await asyncio.sleep(0)
            return answer

        return call

    async def commit(self, decision, *, expected):
        await asyncio.sleep(0)
        revision = self.store.commit(decision, expected=expected)
        await asyncio.sleep(0)
        return revision


def contents(store):
    """Return the subscriptions and the balances, without revisions."""
    snapshot = store.snapshot()
    subscriptions = {key: stored.value for key, stored in snapshot.subscriptions.items()}
    return subscriptions, dict(snapshot.balances)


def check_answer(store, answer):
    """Check that everything in an answer of the service is in the store."""
    for item in answer if isinstance(answer, tuple) else (answer,):
        decision = getattr(item, "decision", item)
        if decision is not None:
            assert store.decision("acme", decision.token) == decision


def finish(store, act):
    """Repeat an action, as a caller would, and then run until no term is due."""
    billing = Billing(store, prices=TARIFF)
    check_answer(store, act(billing))
    billing.run_due(on=LATER)
    return contents(store)


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("act", ACTIONS.values(), ids=ACTIONS)
def test_retry_after_a_fault_of_the_store_completes_an_action(act, after):
    """Whichever call fails, the answer is true, and a retry gives the end without a fault."""
    expected = finish(open_store(), act)
    counting = FaultyStore(open_store())
    act(Billing(counting, prices=TARIFF))
    assert counting.calls > 0
    for failing_call in range(1, counting.calls + 1):
        store = open_store()
        faulty = FaultyStore(store, failing_call, after=after)
        with suppress(ConnectionError):
            check_answer(store, act(Billing(faulty, prices=TARIFF)))
        assert finish(store, act) == expected, f"call {failing_call} failed"


@pytest.mark.parametrize("act", ACTIONS.values(), ids=ACTIONS)
def test_retry_after_a_cancelled_task_completes_an_action(act):
    """A retry gives the end without a cancellation, at whichever step the task is cancelled."""
    expected = finish(open_store(), act)
    for steps in range(1000):
        store = open_store()
        if asyncio.run(run_steps(act(AsyncBilling(PausingStore(store), prices=TARIFF)), steps)):
            break
        assert finish(store, act) == expected, f"cancelled after {steps} steps"
    assert steps > 2


async def run_steps(action, steps):
    """Run an action for a number of steps, and then cancel it; return whether it was done."""
    task = asyncio.ensure_future(action)
    for _ in range(steps):
        await asyncio.sleep(0)
    if task.done():
        await task
        return True
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    return False
