"""An asynchronous store on PostgreSQL, with psycopg 3.

It rests on READ COMMITTED, which it asks for, and on the order in which rows are locked: the token,
the subscription, the purses by name. Whoever waits for a row of one kind holds none of a later
kind, so that no two commits wait for each other.
"""

from datetime import date
from typing import Any, TypeVar

from psycopg import AsyncConnection
from psycopg.types.json import Jsonb
from psycopg_pool import AsyncConnectionPool

from channelplans import (
    Booked,
    Catalogue,
    Conflict,
    Currency,
    Cursor,
    Decision,
    Money,
    Page,
    Posting,
    ProfileId,
    Purse,
    Revision,
    Stored,
    Subscription,
    Token,
    TokenReused,
    decode,
    encode,
    settle,
)

T = TypeVar("T")

#: A revision is the token of the decision that made it: no token is ever committed twice. ``ends``
#: is empty where no term runs; a purse without a profile is its account's own.
TABLES = """
    CREATE TABLE IF NOT EXISTS decisions (token text PRIMARY KEY, body jsonb NOT NULL);
    CREATE TABLE IF NOT EXISTS subscriptions (
        profile text COLLATE "C" PRIMARY KEY, revision text NOT NULL, ends date,
        body jsonb NOT NULL
    );
    CREATE INDEX IF NOT EXISTS subscriptions_due ON subscriptions (ends, profile);
    CREATE TABLE IF NOT EXISTS purses (
        account text, profile text, minor numeric NOT NULL, code text NOT NULL,
        exponent integer NOT NULL, PRIMARY KEY (account, profile)
    );
    CREATE TABLE IF NOT EXISTS postings (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, account text NOT NULL,
        profile text NOT NULL, day date NOT NULL, token text NOT NULL, place integer NOT NULL,
        body jsonb NOT NULL
    );
    CREATE INDEX IF NOT EXISTS postings_of_purse ON postings (account, profile, id);
"""


class PsycopgStore:
    """A store behind a pool; the catalogue has every offer and tariff that is stored."""

    def __init__(self, pool: AsyncConnectionPool, catalogue: Catalogue) -> None:
        self.pool = pool
        self._catalogue = catalogue

    async def create_tables(self) -> None:
        """Make the tables, where they are not there yet."""
        async with self.pool.connection() as connection:
            await connection.execute(TABLES)

    async def subscription(self, profile: ProfileId, /) -> Stored[Subscription] | None:
        """As ``AsyncSubscriptions.subscription``."""
        query = "SELECT body, revision FROM subscriptions WHERE profile = %s"
        for body, revision in await self._rows(query, (profile,)):
            return Stored(self._read(Subscription, body), Revision(revision))
        return None

    async def balance(self, purse: Purse, /) -> Money | None:
        """As ``AsyncPurses.balance``."""
        query = "SELECT minor, code, exponent FROM purses WHERE account = %s AND profile = %s"
        for minor, code, exponent in await self._rows(query, _key(purse)):
            return Money(int(minor), Currency(code, exponent))
        return None

    async def postings(
        self, purse: Purse, /, *, since: date | None = None, until: date | None = None
    ) -> list[Booked]:
        """As ``AsyncPurses.postings``."""
        query = """
            SELECT body, token, place FROM postings WHERE account = %s AND profile = %s
            AND day >= coalesce(%s::date, '-infinity') AND day < coalesce(%s::date, 'infinity')
            ORDER BY id
        """
        rows = await self._rows(query, (*_key(purse), since, until))
        return [
            Booked(self._read(Posting, body), Token(token), place) for body, token, place in rows
        ]

    async def commit(self, decision: Decision, /, *, expected: Revision | None) -> Revision | None:
        """As ``AsyncCommits.commit``."""
        after = decision.after
        revision = None if after is None else Revision(decision.token)
        async with self.pool.connection() as connection:  # commits; rolls back what is raised
            await connection.execute("SET TRANSACTION ISOLATION LEVEL READ COMMITTED")
            known = await self._claim(connection, decision)
            if known == decision:
                return revision
            if after is not None:
                await _put(connection, after, expected, decision.token)
            if known is not None:
                raise TokenReused(decision.token)
            await _book(connection, decision)
        return revision

    async def committed(self, token: Token, /) -> Revision | None:
        """As ``AsyncCommits.committed``."""
        rows = await self._rows("SELECT token FROM decisions WHERE token = %s", (token,))
        return Revision(token) if rows else None

    async def due(self, on: date, /, *, cursor: Cursor | None = None, limit: int = 1000) -> Page:
        """As ``AsyncDues.due``, by the end of the term, then by profile; a cursor is both."""
        query = """
            SELECT ends, profile FROM subscriptions
            WHERE ends <= %s AND (ends, profile) > (%s::date, %s) ORDER BY ends, profile LIMIT %s
        """
        since, _, last = (cursor or "-infinity/").partition("/")
        rows = await self._rows(query, (on, since, last, limit + 1))
        more = Cursor("{}/{}".format(*rows[limit - 1])) if len(rows) > limit else None
        return Page(tuple(ProfileId(profile) for _, profile in rows[:limit]), more)

    async def _claim(self, connection: AsyncConnection, decision: Decision) -> Decision | None:
        """Keep a decision, once who has its token is through; return what it stands for already."""
        query = "INSERT INTO decisions (token, body) VALUES (%s, %s) ON CONFLICT DO NOTHING"
        done = await connection.execute(query, (decision.token, _body(decision)))
        if done.rowcount:
            return None
        query = "SELECT body FROM decisions WHERE token = %s"
        known: Any = await (await connection.execute(query, (decision.token,))).fetchone()
        return self._read(Decision, known[0])

    async def _rows(self, query: str, values: tuple[Any, ...]) -> list[Any]:
        async with self.pool.connection() as connection:
            return await (await connection.execute(query, values)).fetchall()

    def _read(self, kind: type[T], body: object) -> T:
        return decode(kind, body, catalogue=self._catalogue)


async def _put(
    connection: AsyncConnection, after: Subscription, expected: Revision | None, revision: str
) -> None:
    """Store a subscription in the place of the one that was decided on."""
    query = """
        UPDATE subscriptions SET revision = %(revision)s, ends = %(ends)s, body = %(body)s
        WHERE profile = %(profile)s AND revision = %(expected)s
    """
    if expected is None:
        query = """
            INSERT INTO subscriptions (profile, revision, ends, body)
            VALUES (%(profile)s, %(revision)s, %(ends)s, %(body)s) ON CONFLICT DO NOTHING
        """
    values = {
        "profile": after.profile,
        "expected": expected,
        "revision": revision,
        "ends": after.due_on,
        "body": _body(after),
    }
    if not (await connection.execute(query, values)).rowcount:
        query = "SELECT revision FROM subscriptions WHERE profile = %s"
        row = await (await connection.execute(query, (after.profile,))).fetchone()
        raise Conflict(after.profile, expected, None if row is None else row[0])


async def _book(connection: AsyncConnection, decision: Decision) -> None:
    """Add to each purse what is posted to it, and book the postings."""
    add = """
        INSERT INTO purses (account, profile, minor, code, exponent) VALUES (%s, %s, %s, %s, %s)
        ON CONFLICT (account, profile) DO UPDATE SET minor = purses.minor + excluded.minor
        RETURNING minor, code, exponent
    """
    before, deltas = {}, decision.deltas
    for purse in sorted(deltas, key=_key):
        delta = deltas[purse]
        values = (*_key(purse), delta.minor, delta.currency.code, delta.currency.exponent)
        row: Any = await (await connection.execute(add, values)).fetchone()
        before[purse] = Money(int(row[0]) - delta.minor, Currency(row[1], row[2]))
    settle(before, decision.postings)  # refuses what would take a purse below zero
    await connection.cursor().executemany(
        "INSERT INTO postings (account, profile, day, token, place, body)"
        " VALUES (%s, %s, %s, %s, %s, %s)",
        [
            (*_key(each.purse), each.on, decision.token, place, _body(each))
            for place, each in enumerate(decision.postings)
        ],
    )


def _key(purse: Purse) -> tuple[str, str]:
    """Return the columns of a purse; no profile has an empty name."""
    return purse.account, purse.profile or ""


def _body(value: Subscription | Posting | Decision) -> Jsonb:
    return Jsonb(encode(value))
