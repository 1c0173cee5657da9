"""The example store for a SQLite file fulfils the store contract."""

from contextlib import ExitStack, closing
from functools import partial
from itertools import count

import pytest
from examples.stores.sqlite_store import SQLiteStore

from channelplans.testing.stores import StoreContract


class TestSQLiteStore(StoreContract):
    """Give each store its own file; other processes open the store by the file's path."""

    several_processes = True

    @pytest.fixture
    def make_store(self, tmp_path):
        """Return a callable that makes an empty store."""
        numbers = count()
        with ExitStack() as stack:

            def make():
                store = SQLiteStore(tmp_path / f"{next(numbers)}.db")
                store.create_tables()
                return stack.enter_context(closing(store))

            yield make

    def reopen(self, store):
        """Return a callable that opens the same store in another process."""
        return partial(SQLiteStore, store.path)
