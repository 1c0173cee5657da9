"""An asynchronous store on PostgreSQL, with psycopg 3.

PostgreSQL runs each commit at READ COMMITTED. Every commit locks its rows in the same order: the
token, the subscription, new offers and tariffs by digest, then the wallets by name. So commits
never deadlock.
"""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from psycopg import AsyncConnection
from psycopg.types.json import Jsonb
from psycopg_pool import AsyncConnectionPool

from channelplans import (
    Conflict,
    Currency,
    Decision,
    Money,
    Offer,
    Posting,
    Subscription,
    Tariff,
    TokenReused,
    Transfer,
    Wallet,
    decode,
    encode,
    settle,
)
from channelplans.storage import (
    Booked,
    Cursor,
    Page,
    Revision,
    Stored,
    decode_committed,
    decode_definition,
    definitions_of,
)
from channelplans.subscriptions import ProfileId, Token

#: A revision is the token of the decision that stored the subscription. A token is committed only
#: once, so no revision is used twice. ``ends`` is NULL if no term runs. An empty profile means the
#: account's own wallet. ``definitions`` holds each offer and each tariff that a stored value refers
#: to, and ``digests`` the digests of those in the body beside it.
TABLES = """
    CREATE TABLE IF NOT EXISTS definitions (digest text PRIMARY KEY, body jsonb NOT NULL);
    CREATE TABLE IF NOT EXISTS decisions (
        token text PRIMARY KEY, body jsonb NOT NULL, digests text[] NOT NULL
    );
    CREATE TABLE IF NOT EXISTS subscriptions (
        profile text COLLATE "C" PRIMARY KEY, revision text NOT NULL, ends date,
        body jsonb NOT NULL, digests text[] NOT NULL
    );
    CREATE INDEX IF NOT EXISTS subscriptions_due ON subscriptions (ends, profile);
    CREATE TABLE IF NOT EXISTS wallets (
        account text, profile text, minor numeric NOT NULL, code text NOT NULL,
        exponent integer NOT NULL, PRIMARY KEY (account, profile)
    );
    CREATE TABLE IF NOT EXISTS postings (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, account text NOT NULL,
        profile text NOT NULL, day date NOT NULL, token text NOT NULL, place integer NOT NULL,
        body jsonb NOT NULL
    );
    CREATE INDEX IF NOT EXISTS postings_of_wallet ON postings (account, profile, id);
"""


class PsycopgStore:
    """A store behind a pool. A commit stores the offers and tariffs that it refers to."""

    def __init__(self, pool: AsyncConnectionPool) -> None:
        self.pool = pool
        self._loaded: dict[str, Offer | Tariff] = {}

    async def create_tables(self) -> None:
        """Create the tables if they do not exist."""
        async with self.pool.connection() as connection:
            await connection.execute(TABLES)

    async def subscription(self, profile: ProfileId, /) -> Stored[Subscription] | None:
        """See ``Store.subscription``."""
        query = "SELECT body, digests, revision FROM subscriptions WHERE profile = %s"
        async with self.pool.connection() as connection:
            row = await (await connection.execute(query, (profile,))).fetchone()
            if row is None:
                return None
            body, digests, revision = row
            definitions = await self._load(connection, digests)
        return Stored(decode(Subscription, body, definitions=definitions), Revision(revision))

    async def balance(self, wallet: Wallet, /) -> Money | None:
        """See ``Store.balance``."""
        query = "SELECT minor, code, exponent FROM wallets WHERE account = %s AND profile = %s"
        for minor, code, exponent in await self._rows(query, _key(wallet)):
            return Money(minor=int(minor), currency=Currency(code, exponent))
        return None

    async def postings(
        self, wallet: Wallet, /, *, since: date | None = None, until: date | None = None
    ) -> list[Booked]:
        """See ``Store.postings``."""
        query = """
            SELECT body, token, place FROM postings WHERE account = %s AND profile = %s
            AND day >= coalesce(%s::date, '-infinity') AND day < coalesce(%s::date, 'infinity')
            ORDER BY id
        """
        rows = await self._rows(query, (*_key(wallet), since, until))
        return [Booked(decode(Posting, body), token, place) for body, token, place in rows]

    async def commit(
        self, decision: Decision | Transfer, /, *, expected: Revision | None
    ) -> Revision | None:
        """See ``Store.commit``."""
        after = decision.after if isinstance(decision, Decision) else None
        revision = None if after is None else Revision(decision.token)
        async with self.pool.connection() as connection:  # commits, or rolls back on an error
            await connection.execute("SET TRANSACTION ISOLATION LEVEL READ COMMITTED")
            known = await self._claim(connection, decision)
            if known == decision:
                return revision
            if after is not None:
                await _put(connection, after, expected, decision.token)
            if known is not None:
                raise TokenReused(decision.token)
            await _define(connection, decision)
            await _book(connection, decision)
        return revision

    async def committed(self, token: Token, /) -> Revision | None:
        """See ``Store.committed``."""
        rows = await self._rows("SELECT token FROM decisions WHERE token = %s", (token,))
        return Revision(token) if rows else None

    async def due(self, on: date, /, *, cursor: Cursor | None = None, limit: int = 1000) -> Page:
        """See ``Store.due``; sorted by the end of the term, then by profile, as in the cursor."""
        query = """
            SELECT ends, profile FROM subscriptions
            WHERE ends <= %s AND (ends, profile) > (%s::date, %s) ORDER BY ends, profile LIMIT %s
        """
        since, _, last = (cursor or "-infinity/").partition("/")
        rows = await self._rows(query, (on, since, last, limit + 1))
        next_cursor = Cursor("{}/{}".format(*rows[limit - 1])) if len(rows) > limit else None
        return Page(tuple(profile for _, profile in rows[:limit]), next_cursor)

    async def _claim(
        self, connection: AsyncConnection, decision: Decision | Transfer
    ) -> Decision | Transfer | None:
        """Store a decision under its token, or return the decision that already has the token.

        The INSERT waits for any other transaction that is inserting the same token.
        """
        query = """
            INSERT INTO decisions (token, body, digests) VALUES (%s, %s, %s) ON CONFLICT DO NOTHING
        """
        values = (decision.token, _body(decision), [*definitions_of(decision)])
        if (await connection.execute(query, values)).rowcount:
            return None
        query = "SELECT body, digests FROM decisions WHERE token = %s"
        row: Any = await (await connection.execute(query, (decision.token,))).fetchone()
        body, digests = row
        return decode_committed(body, definitions=await self._load(connection, digests))

    async def _load(
        self, connection: AsyncConnection, digests: Sequence[str]
    ) -> Mapping[str, Offer | Tariff]:
        """Return offers and tariffs by digest, at least those with these digests.

        Each is loaded once, because it never changes.
        """
        missing = [digest for digest in digests if digest not in self._loaded]
        if missing:
            query = "SELECT digest, body FROM definitions WHERE digest = ANY(%s)"
            rows = await (await connection.execute(query, (missing,))).fetchall()
            self._loaded |= {digest: decode_definition(body) for digest, body in rows}
        return self._loaded

    async def _rows(self, query: str, values: tuple[Any, ...]) -> list[Any]:
        async with self.pool.connection() as connection:
            return await (await connection.execute(query, values)).fetchall()


async def _put(
    connection: AsyncConnection, after: Subscription, expected: Revision | None, revision: str
) -> None:
    """Store a subscription if the stored revision is the expected one; else raise Conflict."""
    query = """
        UPDATE subscriptions
        SET revision = %(revision)s, ends = %(ends)s, body = %(body)s, digests = %(digests)s
        WHERE profile = %(profile)s AND revision = %(expected)s
    """
    if expected is None:
        query = """
            INSERT INTO subscriptions (profile, revision, ends, body, digests)
            VALUES (%(profile)s, %(revision)s, %(ends)s, %(body)s, %(digests)s)
            ON CONFLICT DO NOTHING
        """
    values = {
        "profile": after.profile,
        "expected": expected,
        "revision": revision,
        "ends": after.due_on,
        "body": _body(after),
        "digests": [*definitions_of(after)],
    }
    if not (await connection.execute(query, values)).rowcount:
        query = "SELECT revision FROM subscriptions WHERE profile = %s"
        row = await (await connection.execute(query, (after.profile,))).fetchone()
        raise Conflict(after.profile, expected, None if row is None else row[0])


async def _define(connection: AsyncConnection, decision: Decision | Transfer) -> None:
    """Store the offers and tariffs of a decision that are not stored yet."""
    definitions = definitions_of(decision)
    await connection.cursor().executemany(
        "INSERT INTO definitions (digest, body) VALUES (%s, %s) ON CONFLICT DO NOTHING",
        [(digest, _body(definitions[digest])) for digest in sorted(definitions)],
    )


async def _book(connection: AsyncConnection, decision: Decision | Transfer) -> None:
    """Add the postings to the balances and book them; the UPDATE locks each wallet."""
    add = """
        INSERT INTO wallets (account, profile, minor, code, exponent) VALUES (%s, %s, %s, %s, %s)
        ON CONFLICT (account, profile) DO UPDATE SET minor = wallets.minor + excluded.minor
        RETURNING minor, code, exponent
    """
    before, deltas = {}, decision.deltas
    for wallet in sorted(deltas, key=_key):
        delta = deltas[wallet]
        values = (*_key(wallet), delta.minor, delta.currency.code, delta.currency.exponent)
        row: Any = await (await connection.execute(add, values)).fetchone()
        before[wallet] = Money(minor=int(row[0]) - delta.minor, currency=Currency(row[1], row[2]))
    settle(before, decision.postings)  # raises InsufficientCredit if a balance would end below zero
    await connection.cursor().executemany(
        "INSERT INTO postings (account, profile, day, token, place, body)"
        " VALUES (%s, %s, %s, %s, %s, %s)",
        [
            (*_key(posting.wallet), posting.on, decision.token, index, _body(posting))
            for index, posting in enumerate(decision.postings)
        ],
    )


def _key(wallet: Wallet) -> tuple[str, str]:
    """Return the key columns of a wallet; an empty profile means the account's own wallet."""
    return wallet.account, wallet.profile or ""


def _body(value: Offer | Tariff | Subscription | Posting | Decision | Transfer) -> Jsonb:
    return Jsonb(encode(value))
