"""The example store for psycopg fulfils the asynchronous store contract on PostgreSQL."""

from functools import partial

import pytest
from examples.stores.psycopg_store import PsycopgStore
from psycopg_pool import AsyncConnectionPool

from channelplans.testing.stores import AsyncStoreContract


async def open_store(address):
    """Open a store whose tables exist or are created next."""
    # The server limits its connections, so the pool soon closes the idle connections.
    options = {"autocommit": True}
    pool = AsyncConnectionPool(
        address, kwargs=options, min_size=0, max_size=8, max_idle=1, open=False
    )
    await pool.open()
    return PsycopgStore(pool)


class TestPsycopgStore(AsyncStoreContract):
    """Give each store its own schema and connection pool; other processes open it by address."""

    several_processes = True

    @pytest.fixture
    def make_store(self, new_schema, run):
        """Return a coroutine function that makes an empty store."""
        stores = []

        async def make():
            store = await open_store(new_schema())
            await store.create_tables()
            stores.append(store)
            return store

        yield make
        for store in stores:
            run(store.pool.close())

    def reopen(self, store):
        """Return a callable that opens the same store in another process."""
        return partial(open_store, store.pool.conninfo)
