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

    async def subscription(self, *subject):
        return await self.answer(self.store.subscription, *subject)

    async def profiles(self, account, /, **options):
        return await self.answer(self.store.profiles, account, **options)

    async def balance(self, wallet, /, **options):
        return await self.answer(self.store.balance, wallet, **options)

    async def postings(self, wallet, /, **options):
        return await self.answer(self.store.postings, wallet, **options)

    async def commit(self, decision, /, *, expected):
        return await self.answer(self.store.commit, decision, expected=expected)

    async def decision(self, *subject):
        return await self.answer(self.store.decision, *subject)

    async def decisions(self, account, /, **options):
        return await self.answer(self.store.decisions, account, **options)

    async def due(self, on, /, **options):
        return await self.answer(self.store.due, on, **options)

    async def answer(self, method, *subject, **options):
        await asyncio.sleep(0)
        return method(*subject, **options)


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
