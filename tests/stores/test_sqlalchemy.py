"""The store behind SQLAlchemy holds to the contract, on SQLite and on PostgreSQL."""

from functools import partial
from itertools import count

import pytest
from examples.stores.sqlalchemy_store import SQLAlchemyStore
from psycopg.conninfo import conninfo_to_dict
from sqlalchemy import URL, create_engine

from channelplans.testing.builders import CATALOGUE
from channelplans.testing.stores import StoreContract


def open_store(url):
    """Open a store, with tables that are there or not."""
    store = SQLAlchemyStore(create_engine(url), CATALOGUE)
    store.create_tables()
    return store


class SQLAlchemyStoreContract(StoreContract):
    """Each store has an engine and a database of its own, which other processes open by its URL."""

    several_processes = True

    @pytest.fixture
    def make_store(self, make_url):
        """Give a callable that makes an empty store."""
        made = []

        def make():
            close()  # a server has only so many connections
            made.append(open_store(make_url()))
            return made[-1]

        def close():
            for store in made:
                store.engine.dispose()

        yield make
        close()

    def reopen(self, store):
        """Return what opens the same store in another process."""
        return partial(open_store, store.engine.url)


class TestSQLAlchemyStoreOnSQLite(SQLAlchemyStoreContract):
    """On SQLite who commits waits for the others, for as long as the engine is told to."""

    @pytest.fixture
    def make_url(self, tmp_path):
        """Give a callable that names a file of its own for each store."""
        files = (str(tmp_path / f"{number}.db") for number in count())
        return lambda: URL.create("sqlite", database=next(files), query={"timeout": "60"})


class TestSQLAlchemyStoreOnPostgreSQL(SQLAlchemyStoreContract):
    """On PostgreSQL who commits waits for those alone who have the same rows."""

    @pytest.fixture
    def make_url(self, new_schema):
        """Give a callable that names a schema of its own for each store."""

        def make():
            address = conninfo_to_dict(new_schema())
            query = {name: str(value) for name, value in address.items()}
            return URL.create("postgresql+psycopg", query=query)

        return make
