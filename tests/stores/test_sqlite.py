"""The store in a SQLite file holds to the contract."""

from contextlib import ExitStack, closing
from functools import partial
from itertools import count

import pytest
from examples.stores.sqlite_store import SQLiteStore

from channelplans.testing.builders import CATALOGUE
from channelplans.testing.stores import StoreContract


class TestSQLiteStore(StoreContract):
    """Each store is a file of its own, which other processes open by its path."""

    several_processes = True

    @pytest.fixture
    def make_store(self, tmp_path):
        """Give a callable that makes an empty store."""
        numbers = count()
        with ExitStack() as stack:

            def make():
                store = SQLiteStore(tmp_path / f"{next(numbers)}.db", CATALOGUE)
                store.create_tables()
                return stack.enter_context(closing(store))

            yield make

    def reopen(self, store):
        """Return what opens a store again in another process."""
        return partial(SQLiteStore, store.path, CATALOGUE)
