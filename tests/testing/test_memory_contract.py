"""The reference store holds to the contract, as it is and behind coroutines."""

import asyncio

import pytest

from channelplans.memory import MemoryStore
from channelplans.testing.stores import AsyncStoreContract, StoreContract


class AwaitedStore:
    """The reference store, each of whose methods lets others go first."""

    def __init__(self):
        self.store = MemoryStore()

    async def subscription(self, profile, /):
        await asyncio.sleep(0)
        return self.store.subscription(profile)

    async def balance(self, purse, /):
        await asyncio.sleep(0)
        return self.store.balance(purse)

    async def postings(self, purse, /, *, since=None, until=None):
        await asyncio.sleep(0)
        return self.store.postings(purse, since=since, until=until)

    async def commit(self, decision, /, *, expected):
        await asyncio.sleep(0)
        return self.store.commit(decision, expected=expected)

    async def committed(self, token, /):
        await asyncio.sleep(0)
        return self.store.committed(token)

    async def due(self, on, /, *, cursor=None, limit=1000):
        await asyncio.sleep(0)
        return self.store.due(on, cursor=cursor, limit=limit)


class TestMemoryStore(StoreContract):
    """As it is."""

    @pytest.fixture
    def make_store(self):
        return MemoryStore


class TestAwaitedStore(AsyncStoreContract):
    """Behind coroutines."""

    @pytest.fixture
    def make_store(self):
        return AwaitedStore
