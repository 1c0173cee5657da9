"""The fixtures that the documentation shows: an account opened once, and gone back to."""

from datetime import timedelta

import pytest

from channelplans import EUR, SKYPE_CONNECT, AccountId, Desk, MemoryStore, Money, Purse
from channelplans.testing.builders import DAY, TARIFF, make_account

ACME = Purse(AccountId("acme"))


@pytest.fixture(scope="session")
def opened():
    """Return a store with an account that is open, and a snapshot of it."""
    store = MemoryStore()
    for decision in make_account({"berlin": SKYPE_CONNECT.plan(channels=5)}):
        store.commit(decision, expected=None)
    return store, store.snapshot()


@pytest.fixture
def store(opened):
    """Return the store as it was when the account had been opened."""
    store, snapshot = opened
    store.restore(snapshot)
    return store


@pytest.mark.parametrize("turn", ["first", "second"])
def test_each_test_begins_with_an_open_account(store, turn):
    """What another test has done to the same store is gone: 1000 EUR less 39.75 EUR are there."""
    before = store.balance(ACME)
    desk = Desk(store, tariff=lambda _offer, _day: TARIFF)
    renewed = list(desk.run_due(on=DAY + timedelta(days=30)))

    assert Money.of("960.25", EUR) == before
    assert 1 == len(renewed)
    assert Money.of("925.50", EUR) == store.balance(ACME)
