"""Open stores for the benchmarks: in memory, and the examples for SQLite and PostgreSQL."""

import os
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import uuid4

import psycopg
from psycopg.conninfo import make_conninfo
from psycopg_pool import AsyncConnectionPool
from sqlalchemy import Engine, create_engine

from channelplans import MemoryStore, Store

# Python finds the examples from any working directory.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from examples.stores.sqlalchemy_store import SQLAlchemyStore
from examples.stores.sqlite_store import SQLiteStore

# The names on the command line. "sqlalchemy" is SQLite through SQLAlchemy.
KINDS = ("memory", "sqlite", "sqlalchemy", "postgres")


@contextmanager
def place(kind: str) -> Iterator[str]:
    """Create a file or a schema for a store, yield its address, and delete it afterwards.

    The environment variable CHANNELPLANS_POSTGRES has the address of the PostgreSQL server.
    """
    if kind != "postgres":
        with TemporaryDirectory() as folder:
            yield str(Path(folder) / "store.db")
        return
    server = os.environ.get("CHANNELPLANS_POSTGRES")
    if not server:
        sys.exit("set CHANNELPLANS_POSTGRES to the address of a PostgreSQL server")
    schema = f"place_{uuid4().hex}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"CREATE SCHEMA {schema}")
        try:
            yield make_conninfo(server, options=f"-csearch_path={schema}")
        finally:
            connection.execute(f"DROP SCHEMA {schema} CASCADE")


@contextmanager
def opened(kind: str, address: str) -> Iterator[Store]:
    """Open the store at an address and create its tables. In memory, the store is always new."""
    if kind == "memory":
        yield MemoryStore()
    elif kind == "sqlite":
        with closing(SQLiteStore(address)) as store:
            store.create_tables()
            yield store
    else:
        engine = engine_of(kind, address)
        try:
            sqlalchemy_store = SQLAlchemyStore(engine)
            sqlalchemy_store.create_tables()
            yield sqlalchemy_store
        finally:
            engine.dispose()


def engine_of(kind: str, address: str) -> Engine:
    """Return an SQLAlchemy engine with a connection for each of eight threads."""
    if kind == "sqlalchemy":
        return create_engine(f"sqlite:///{address}", connect_args={"timeout": 60}, pool_size=8)
    return create_engine(
        "postgresql+psycopg://", creator=lambda: psycopg.connect(address), pool_size=8
    )


def open_pool(address: str) -> AsyncConnectionPool:
    """Return a pool of eight connections; the caller awaits its ``open``."""
    options = {"autocommit": True}
    return AsyncConnectionPool(address, kwargs=options, min_size=8, max_size=8, open=False)
