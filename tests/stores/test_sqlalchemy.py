"""The example store for SQLAlchemy fulfils the store contract on SQLite and on PostgreSQL."""

from functools import partial
from itertools import count

import pytest
from examples.stores.sqlalchemy_store import SQLAlchemyStore
from psycopg.conninfo import conninfo_to_dict
from sqlalchemy import URL, create_engine

from channelplans.testing.stores import StoreContract


def open_store(url):
    """Open a store, and create its tables if they do not exist."""
    store = SQLAlchemyStore(create_engine(url))
    store.create_tables()
    return store


class SQLAlchemyStoreContract(StoreContract):
    """Give each store its own engine and database; other processes open it by its URL."""

    several_processes = True

    @pytest.fixture
    def make_store(self, make_url):
        """Return a callable that makes an empty store."""
        stores = []

        def make():
            close_connections()
            store = open_store(make_url())
            stores.append(store)
            return store

        def close_connections():
            # The server limits its connections, and the test no longer needs the earlier stores.
            for store in stores:
                store.engine.dispose()

        yield make
        close_connections()

    def reopen(self, store):
        """Return a callable that opens the same store in another process."""
        return partial(open_store, store.engine.url)


class TestSQLAlchemyStoreOnSQLite(SQLAlchemyStoreContract):
    """On SQLite a commit waits for all other commits, at most for the engine's timeout."""

    @pytest.fixture
    def make_url(self, tmp_path):
        """Return a callable that returns the URL of a new file."""
        files = (str(tmp_path / f"{number}.db") for number in count())
        return lambda: URL.create("sqlite", database=next(files), query={"timeout": "60"})


class TestSQLAlchemyStoreOnPostgreSQL(SQLAlchemyStoreContract):
    """On PostgreSQL a commit waits only for commits to the same rows."""

    @pytest.fixture
    def make_url(self, new_schema):
        """Return a callable that returns the URL of a new schema."""

        def make():
            address = conninfo_to_dict(new_schema())
            query = {name: str(value) for name, value in address.items()}
            return URL.create("postgresql+psycopg", query=query)

        return make
