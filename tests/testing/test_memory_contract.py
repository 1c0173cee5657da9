"""The in-memory store keeps the contract, synchronously and behind coroutines."""

import asyncio

import pytest

from channelplans.storage.memory import MemoryStore
from channelplans.testing.stores import AsyncStoreContract, StoreContract

pytestmark = pytest.mark.slow


class AwaitedStore:
    """The in-memory store behind coroutines that let other tasks run first."""

    def __init__(self):
        self.store = MemoryStore()

    async def subscription(self, profile, /):
        await asyncio.sleep(0)
        return self.store.subscription(profile)

    async def balance(self, wallet, /):
        await asyncio.sleep(0)
        return self.store.balance(wallet)

    async def postings(self, wallet, /, *, since=None, until=None):
        await asyncio.sleep(0)
        return self.store.postings(wallet, since=since, until=until)

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
    """The synchronous contract."""

    @pytest.fixture
    def make_store(self):
        return MemoryStore


class TestAwaitedStore(AsyncStoreContract):
    """The asynchronous contract."""

    @pytest.fixture
    def make_store(self):
        return AwaitedStore
