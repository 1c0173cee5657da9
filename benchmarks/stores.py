"""Open the stores that are measured: in memory, and the examples on SQLite and on PostgreSQL."""

import os
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import uuid4

import psycopg
from psycopg.conninfo import make_conninfo
from sqlalchemy import Engine, create_engine

from channelplans import MemoryStore, Store
from channelplans.testing.builders import CATALOGUE

# The examples are found from the root, wherever this is run from.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from examples.stores.sqlalchemy_store import SQLAlchemyStore
from examples.stores.sqlite_store import SQLiteStore

# What the command line calls them; the third is SQLite through SQLAlchemy.
KINDS = ("memory", "sqlite", "sqlalchemy", "postgres")


@contextmanager
def place(kind: str) -> Iterator[str]:
    """Make room for a store, a file or a schema, and clear it away.

    Which PostgreSQL it is, CHANNELPLANS_POSTGRES tells.
    """
    if kind != "postgres":
        with TemporaryDirectory() as folder:
            yield str(Path(folder) / "store.db")
        return
    server = os.environ.get("CHANNELPLANS_POSTGRES")
    if not server:
        sys.exit("CHANNELPLANS_POSTGRES must tell where a PostgreSQL is")
    schema = f"place_{uuid4().hex}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"CREATE SCHEMA {schema}")
        try:
            yield make_conninfo(server, options=f"-csearch_path={schema}")
        finally:
            connection.execute(f"DROP SCHEMA {schema} CASCADE")


@contextmanager
def opened(kind: str, address: str) -> Iterator[Store]:
    """Open the store of a place, with its tables; in memory it is always a new one."""
    if kind == "memory":
        yield MemoryStore()
    elif kind == "sqlite":
        with closing(SQLiteStore(address, CATALOGUE)) as file:
            file.create_tables()
            yield file
    else:
        engine = engine_of(kind, address)
        try:
            tables = SQLAlchemyStore(engine, CATALOGUE)
            tables.create_tables()
            yield tables
        finally:
            engine.dispose()


def engine_of(kind: str, address: str) -> Engine:
    """Return SQLAlchemy's way to a place, with a connection for each of eight threads."""
    if kind == "sqlalchemy":
        return create_engine(f"sqlite:///{address}", connect_args={"timeout": 60}, pool_size=8)
    return create_engine(
        "postgresql+psycopg://", creator=lambda: psycopg.connect(address), pool_size=8
    )
