"""The store behind psycopg holds to the contract, awaited, on PostgreSQL."""

from functools import partial

import pytest
from examples.stores.psycopg_store import PsycopgStore
from psycopg_pool import AsyncConnectionPool

from channelplans.testing.builders import CATALOGUE
from channelplans.testing.stores import AsyncStoreContract


async def open_store(address):
    """Open a store, with tables that are there or not."""
    # A server has only so many connections: those that are not used are closed soon.
    pool = AsyncConnectionPool(address, min_size=0, max_size=8, max_idle=1, open=False)
    await pool.open()
    store = PsycopgStore(pool, CATALOGUE)
    await store.create_tables()
    return store


class TestPsycopgStore(AsyncStoreContract):
    """Each store has a pool and a schema of its own, which other processes open by its address."""

    several_processes = True

    @pytest.fixture
    def make_store(self, new_schema, run):
        """Give a coroutine function that makes an empty store."""
        made = []

        async def make():
            made.append(await open_store(new_schema()))
            return made[-1]

        yield make
        for store in made:
            run(store.pool.close())

    def reopen(self, store):
        """Return what opens the same store in another process."""
        return partial(open_store, store.pool.conninfo)
