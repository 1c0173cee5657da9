"""The fixtures of the documentation: open an account once, and restore it for each test."""

from datetime import timedelta

import pytest

from channelplans import EUR, SKYPE_CONNECT, Billing, MemoryStore, Money, Wallet
from channelplans.testing.builders import DAY, TARIFF, make_account

ACME = Wallet("acme")


@pytest.fixture(scope="session")
def opened():
    """Return a store with an open account, and its snapshot."""
    store = MemoryStore()
    for decision in make_account({"berlin": SKYPE_CONNECT.plan(channels=5)}):
        store.commit(decision, expected=None)
    return store, store.snapshot()


@pytest.fixture
def store(opened):
    """Return the store, restored to the snapshot."""
    store, snapshot = opened
    store.restore(snapshot)
    return store


@pytest.mark.parametrize("turn", ["first", "second"])
def test_restore_undoes_the_changes_of_another_test(store, turn):
    """Each test starts with 1000 - 39.75 = 960.25 EUR, although it runs a renewal."""
    balance_before = store.balance(ACME)
    billing = Billing(store, prices=TARIFF)
    outcomes = billing.run_due(on=DAY + timedelta(days=30))

    assert Money.of("960.25", EUR) == balance_before
    assert ["berlin"] == [outcome.profile for outcome in outcomes]
    assert Money.of("925.50", EUR) == store.balance(ACME)
