"""The PostgreSQL that the stores of the examples are tested on."""

import os
from uuid import uuid4

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

NONE = (
    "CHANNELPLANS_POSTGRES names no PostgreSQL server: .ci/run starts one, and so does "
    'export CHANNELPLANS_POSTGRES="$(.ci/postgres.sh start FOLDER)"'
)

# A server may be set to another level of isolation than its usual one: stores ask for theirs.
LEVEL = r"-cdefault_transaction_isolation=repeatable\ read"


@pytest.fixture(scope="session")
def postgres():
    """Return the address of a server; without one, skip, or fail where it is required."""
    address = os.environ.get("CHANNELPLANS_POSTGRES")
    if not address:
        required = os.environ.get("CHANNELPLANS_REQUIRE") == "postgres"
        (pytest.fail if required else pytest.skip)(NONE)
    psycopg.connect(address).close()
    return address


@pytest.fixture
def new_schema(postgres):
    """Return a callable that makes an empty schema, and returns the address that leads there."""
    made = []
    with psycopg.connect(postgres, autocommit=True) as connection:

        def make():
            made.append(f"store_{uuid4().hex}")
            connection.execute(f"CREATE SCHEMA {made[-1]}")
            return make_conninfo(postgres, options=f"-csearch_path={made[-1]} {LEVEL}")

        yield make
        for schema in made:
            connection.execute(f"DROP SCHEMA {schema} CASCADE")
