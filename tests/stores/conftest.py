"""Fixtures that connect the tests of the example stores to a PostgreSQL server."""

import os
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import uuid4

import psycopg
import pytest
from psycopg.conninfo import make_conninfo
from tests.chromium import skip_or_fail

NO_SERVER = (
    "CHANNELPLANS_POSTGRES names no PostgreSQL server. Run .ci/run, which starts one, or run "
    'export CHANNELPLANS_POSTGRES="$(.ci/postgres.sh start FOLDER)"'
)

# The stores need READ COMMITTED, PostgreSQL's default. The tests change the server's default, so
# that a store that does not ask for READ COMMITTED fails.
OTHER_ISOLATION = r"-cdefault_transaction_isolation=repeatable\ read"


# On Linux, files in this folder are in memory.
MEMORY = Path("/dev/shm")


def pytest_collection_modifyitems(items):
    """Mark every test of this folder as slow."""
    for item in items:
        if item.nodeid.startswith("tests/stores/"):
            item.add_marker(pytest.mark.slow)


@pytest.fixture
def tmp_path():
    """Return a folder in memory if there is one: SQLite waits for a disk at each commit."""
    with TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None) as folder:
        yield Path(folder)


@pytest.fixture(scope="session")
def postgres():
    """Return the server's address; without a server, skip the test, or fail if it is required."""
    address = os.environ.get("CHANNELPLANS_POSTGRES")
    if not address:
        skip_or_fail(NO_SERVER, "postgres")
    psycopg.connect(address).close()
    return address


@pytest.fixture
def new_schema(postgres):
    """Return a callable that creates an empty schema and returns an address that selects it."""
    schemas = []
    with psycopg.connect(postgres, autocommit=True) as connection:

        def create_schema():
            schema = f"store_{uuid4().hex}"
            schemas.append(schema)
            connection.execute(f"CREATE SCHEMA {schema}")
            return make_conninfo(postgres, options=f"-csearch_path={schema} {OTHER_ISOLATION}")

        yield create_schema
        for schema in schemas:
            connection.execute(f"DROP SCHEMA {schema} CASCADE")
