"""An asynchronous store on PostgreSQL, with psycopg 3.

PostgreSQL runs each commit at READ COMMITTED. Every commit first locks the row of its account, so
the commits of one account run one after the other. Then it locks new offers and tariffs by digest.
So commits never deadlock.
"""

import json
from collections import Counter
from collections.abc import Container, Iterable, Mapping, Sequence
from datetime import date
from hashlib import sha256
from typing import Any
from zlib import crc32

from psycopg import AsyncConnection, AsyncCursor
from psycopg.types.json import Json
from psycopg_pool import AsyncConnectionPool

from channelplans import (
    Conflict,
    Currency,
    Decision,
    InvalidValue,
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
    Encoder,
    Page,
    Revision,
    Shard,
    Stored,
    decode_committed,
    decode_definition,
)
from channelplans.subscriptions import AccountId, ProfileId, Token

#: ``number`` counts the decisions of an account, and the postings of a wallet, in commit order.
#: ``accounts.decisions`` and ``wallets.postings`` are the last numbers. A token can be too long for
#: an index, so the index has its digest. ``day`` is the value date. ``ends`` is NULL if no term
#: runs. ``checksum`` selects the accounts of a shard. An empty profile means the account's own
#: wallet. ``definitions`` holds each offer and each tariff that a stored value refers to, and
#: ``digests`` the digests, separated by spaces, of those of the decision that stored the row.
#: A body is read as a whole, so its type is json: PostgreSQL stores jsonb more slowly.
TABLES = """
    CREATE TABLE IF NOT EXISTS definitions (digest text PRIMARY KEY, body json NOT NULL);
    CREATE TABLE IF NOT EXISTS accounts (account text PRIMARY KEY, decisions bigint NOT NULL);
    CREATE TABLE IF NOT EXISTS decisions (
        account text, number bigint, token_digest text NOT NULL, day date NOT NULL,
        body json NOT NULL, digests text NOT NULL,
        PRIMARY KEY (account, number), UNIQUE (account, token_digest)
    );
    CREATE INDEX IF NOT EXISTS decisions_of_day ON decisions (account, day);
    CREATE TABLE IF NOT EXISTS subscriptions (
        account text COLLATE "C", profile text COLLATE "C", revision text NOT NULL, ends date,
        checksum bigint NOT NULL, body json NOT NULL, digests text NOT NULL,
        PRIMARY KEY (account, profile)
    );
    CREATE INDEX IF NOT EXISTS subscriptions_due
        ON subscriptions (ends, account, profile, checksum);
    CREATE INDEX IF NOT EXISTS subscriptions_of_account ON subscriptions (account, ends, profile);
    CREATE TABLE IF NOT EXISTS wallets (
        account text COLLATE "C", profile text COLLATE "C", minor bigint NOT NULL,
        code text NOT NULL, exponent integer NOT NULL, postings bigint NOT NULL,
        PRIMARY KEY (account, profile)
    );
    CREATE TABLE IF NOT EXISTS postings (
        account text COLLATE "C", profile text COLLATE "C", number bigint, day date NOT NULL,
        minor bigint NOT NULL, token text NOT NULL, place integer NOT NULL, body json NOT NULL,
        PRIMARY KEY (account, profile, number)
    );
    CREATE INDEX IF NOT EXISTS postings_of_day ON postings (account, profile, day, minor);
"""


# The first statement of a commit has two parts. The first part locks the account and stores the
# decision under its next number. The second part stores the subscription. It does nothing if the
# first part stored no decision, because the token is taken.
_STORE_DECISION = """
    WITH locked AS (
        INSERT INTO accounts (account, decisions) VALUES (%(account)s, 1)
        ON CONFLICT (account) DO UPDATE SET decisions = accounts.decisions + 1
        RETURNING decisions
    ), stored AS (
        INSERT INTO decisions (account, number, token_digest, day, body, digests)
        SELECT %(account)s, decisions, %(token_digest)s, %(day)s, %(body)s, %(digests)s FROM locked
        ON CONFLICT DO NOTHING RETURNING number
    )
"""
_INSERT_SUBSCRIPTION = """
    INSERT INTO subscriptions (account, profile, revision, ends, checksum, body, digests)
    SELECT %(account)s, %(profile)s, %(revision)s, %(ends)s, %(checksum)s, %(after)s, %(digests)s
    FROM stored ON CONFLICT DO NOTHING RETURNING revision
"""
_UPDATE_SUBSCRIPTION = """
    UPDATE subscriptions
    SET revision = %(revision)s, ends = %(ends)s, body = %(after)s, digests = %(digests)s
    FROM stored WHERE account = %(account)s AND profile = %(profile)s AND revision = %(expected)s
    RETURNING revision
"""
_NO_SUBSCRIPTION = "SELECT number FROM stored"


class PsycopgStore:
    """A store behind a pool. A commit stores the offers and tariffs that it refers to.

    Pass ``kwargs={"autocommit": True}`` to the pool, so that a read is one statement and not a
    transaction. A commit begins its own transaction.
    """

    def __init__(self, pool: AsyncConnectionPool) -> None:
        self.pool = pool
        self._loaded: dict[str, Offer | Tariff] = {}
        self._digests: dict[Offer | Tariff, str] = {}

    async def create_tables(self) -> None:
        """Create the tables if they do not exist; call it before you start several processes."""
        async with self.pool.connection() as connection:
            await connection.execute(TABLES)

    async def subscription(
        self, account: AccountId, profile: ProfileId, /
    ) -> Stored[Subscription] | None:
        """See ``Store.subscription``."""
        query = """
            SELECT body, digests, revision FROM subscriptions WHERE account = %s AND profile = %s
        """
        async with self.pool.connection() as connection:
            row = await (await connection.execute(query, (account, profile))).fetchone()
            if row is None:
                return None
            body, digests, revision = row
            definitions = await self._load(connection, digests.split())
        return Stored(decode(Subscription, body, definitions=definitions), Revision(revision))

    async def profiles(
        self, account: AccountId, /, *, cursor: Cursor | None = None, limit: int = 1000
    ) -> Page[ProfileId]:
        """See ``Store.profiles``."""
        query = """
            SELECT profile FROM (
                SELECT account, profile FROM subscriptions
                UNION SELECT account, profile FROM wallets
            ) AS profiles WHERE account = %s AND profile != ''
        """
        rows, following = await self._page(query, [account], "profile", cursor, limit)
        return Page(tuple(profile for (profile,) in rows), following)

    async def balance(self, wallet: Wallet, /, *, before: date | None = None) -> Money | None:
        """See ``Store.balance``."""
        query, values = "SELECT minor", list[Any](_key(wallet))
        if before is not None:
            query = """
                SELECT (
                    SELECT coalesce(sum(minor), 0) FROM postings
                    WHERE (account, profile) = (wallets.account, wallets.profile) AND day < %s
                )
            """
            values = [before, *values]
        query += ", code, exponent FROM wallets WHERE account = %s AND profile = %s"
        for minor, code, exponent in await self._rows(query, values):
            return Money(minor=int(minor), currency=Currency(code, exponent))
        return None

    async def postings(
        self,
        wallet: Wallet,
        /,
        *,
        since: date | None = None,
        until: date | None = None,
        cursor: Cursor | None = None,
        limit: int = 1000,
    ) -> Page[Booked]:
        """See ``Store.postings``."""
        query = """
            SELECT number, token, place, body FROM postings WHERE account = %s AND profile = %s
        """
        days = _days(since, until)
        values = [*_key(wallet), *days.values()]
        rows, following = await self._page(query + "".join(days), values, "number", cursor, limit)
        items = (Booked(decode(Posting, body), token, place) for _, token, place, body in rows)
        return Page(tuple(items), following)

    async def commit(
        self, decision: Decision | Transfer, /, *, expected: Revision | None
    ) -> Revision | None:
        """See ``Store.commit``."""
        encoder = Encoder(self._digests)
        if not await self._commit_new(decision, expected, encoder):
            return await self._recognize(decision, expected)
        # Only now: an offer or a tariff is stored if the commit succeeds.
        self._loaded.update(encoder.definitions)
        return _revision(decision)

    async def _commit_new(
        self, decision: Decision | Transfer, expected: Revision | None, encoder: Encoder
    ) -> bool:
        """Commit; return False if the token is taken or the stored revision is another one."""
        async with (
            self.pool.connection() as connection,  # rolls back on an error
            connection.pipeline(),  # sends statements together until an answer is needed
        ):
            await connection.execute("BEGIN ISOLATION LEVEL READ COMMITTED")
            answer = await _write(connection, decision, expected, encoder)
            wallets = await _add(connection, decision)
            if await answer.fetchone() is None:
                await connection.execute("ROLLBACK")  # undoes all of the above
                return False
            await _book(connection, decision, wallets)
            await _define(connection, encoder.definitions, self._loaded)
            await connection.execute("COMMIT")
        return True

    async def _recognize(
        self, decision: Decision | Transfer, expected: Revision | None
    ) -> Revision | None:
        """Return the revision if the same decision is stored; else say why it cannot be."""
        async with self.pool.connection() as connection:
            if await self._find(connection, decision.account, decision.token) == decision:
                return _revision(decision)
            if isinstance(decision, Decision):
                await _check_revision(connection, decision.after, expected)
        raise TokenReused(decision.token)

    async def decision(self, account: AccountId, token: Token, /) -> Decision | Transfer | None:
        """See ``Store.decision``."""
        async with self.pool.connection() as connection:
            return await self._find(connection, account, token)

    async def decisions(
        self,
        account: AccountId,
        /,
        *,
        since: date | None = None,
        until: date | None = None,
        cursor: Cursor | None = None,
        limit: int = 1000,
    ) -> Page[Decision | Transfer]:
        """See ``Store.decisions``."""
        query, days = (
            "SELECT number, body, digests FROM decisions WHERE account = %s",
            _days(since, until),
        )
        values = [account, *days.values()]
        rows, following = await self._page(query + "".join(days), values, "number", cursor, limit)
        digests = {digest for _, _, digests in rows for digest in digests.split()}
        async with self.pool.connection() as connection:
            definitions = await self._load(connection, digests)
        items = tuple(decode_committed(body, definitions=definitions) for _, body, _ in rows)
        return Page(items, following)

    async def due(
        self,
        on: date,
        /,
        *,
        account: AccountId | None = None,
        shard: Shard | None = None,
        cursor: Cursor | None = None,
        limit: int = 1000,
    ) -> Page[tuple[AccountId, ProfileId]]:
        """See ``Store.due``."""
        query = "SELECT ends, account, profile FROM subscriptions WHERE ends <= %s"
        values: list[Any] = [on]
        if account is not None:
            query += " AND account = %s"
            values.append(account)
        if shard is not None:
            part, count = shard
            query += " AND mod(checksum, %s) = %s"
            values += [count, part]
        rows, following = await self._page(query, values, "ends, account, profile", cursor, limit)
        return Page(tuple((account, profile) for _, account, profile in rows), following)

    async def _find(
        self, connection: AsyncConnection, account: AccountId, token: Token
    ) -> Decision | Transfer | None:
        """Return the decision that an account has with a token."""
        query = "SELECT body, digests FROM decisions WHERE account = %s AND token_digest = %s"
        values = (account, _digest(token))
        row = await (await connection.execute(query, values)).fetchone()
        if row is None:
            return None
        body, digests = row
        return decode_committed(body, definitions=await self._load(connection, digests.split()))

    async def _load(
        self, connection: AsyncConnection, digests: Iterable[str]
    ) -> Mapping[str, Offer | Tariff]:
        """Return offers and tariffs by digest, at least those with these digests.

        Each is loaded once, because it never changes.
        """
        missing = [digest for digest in digests if digest not in self._loaded]
        if missing:
            query = "SELECT digest, body FROM definitions WHERE digest = ANY(%s)"
            rows = await (await connection.execute(query, (missing,))).fetchall()
            self._loaded.update({digest: decode_definition(body) for digest, body in rows})
        return self._loaded

    async def _page(
        self, query: str, values: list[Any], order: str, cursor: Cursor | None, limit: int
    ) -> tuple[list[Any], Cursor | None]:
        """Return the rows of a page and the cursor of the next page.

        The columns named in ``order`` come first in a row. A cursor is a JSON list: these columns
        of the last row of a page.
        """
        if limit < 1:
            raise InvalidValue("limit", str(limit), "at least 1")
        if cursor is not None:
            last_row = json.loads(cursor)
            query += f" AND ({order}) > ({', '.join(['%s'] * len(last_row))})"
            values = [*values, *last_row]
        # One row more than the page has shows that more follow.
        rows = await self._rows(f"{query} ORDER BY {order} LIMIT %s", [*values, limit + 1])
        if len(rows) <= limit:
            return rows, None
        last_row = rows[limit - 1][: len(order.split(","))]
        return rows[:limit], Cursor(json.dumps(last_row, default=date.isoformat))

    async def _rows(self, query: str, values: Sequence[Any]) -> list[Any]:
        async with self.pool.connection() as connection:
            return await (await connection.execute(query, values)).fetchall()


async def _write(
    connection: AsyncConnection,
    decision: Decision | Transfer,
    expected: Revision | None,
    encoder: Encoder,
) -> AsyncCursor:
    """Lock the account; store the decision and its subscription.

    The answer is empty if the token is taken or the stored revision is not the expected one.
    """
    values = {
        "account": decision.account,
        "token_digest": _digest(decision.token),
        "day": decision.counts_from,
        "body": Json(encoder.encode(decision)),
        "digests": " ".join(encoder.definitions),
    }
    if isinstance(decision, Transfer):
        return await connection.execute(_STORE_DECISION + _NO_SUBSCRIPTION, values)
    after = decision.after
    values |= {
        "profile": after.profile,
        "expected": expected,
        "revision": _revision(decision),
        "ends": after.due_on,
        "checksum": crc32(after.account.encode()),  # channelplans.storage.shard_of divides it
        "after": Json(encoder.encode(after)),
    }
    store_subscription = _INSERT_SUBSCRIPTION if expected is None else _UPDATE_SUBSCRIPTION
    return await connection.execute(_STORE_DECISION + store_subscription, values)


async def _check_revision(
    connection: AsyncConnection, after: Subscription, expected: Revision | None
) -> None:
    """Raise Conflict if the stored revision is not the expected one."""
    query = "SELECT revision FROM subscriptions WHERE account = %s AND profile = %s"
    row = await (await connection.execute(query, (after.account, after.profile))).fetchone()
    found = None if row is None else row[0]
    if found != expected:
        raise Conflict(after.account, after.profile, expected, found)


async def _add(
    connection: AsyncConnection, decision: Decision | Transfer
) -> dict[Wallet, AsyncCursor]:
    """Add the postings to the balance of each wallet; an answer is the wallet's new row."""
    query = """
        INSERT INTO wallets (account, profile, minor, code, exponent, postings)
        VALUES (%s, %s, %s, %s, %s, %s) ON CONFLICT (account, profile) DO UPDATE
        SET minor = wallets.minor + excluded.minor, postings = wallets.postings + excluded.postings
        RETURNING minor, code, exponent, postings
    """
    added = Counter(posting.wallet for posting in decision.postings)
    return {
        wallet: await connection.execute(query, (*_key(wallet), *_columns(delta), added[wallet]))
        for wallet, delta in decision.deltas.items()
    }


async def _book(
    connection: AsyncConnection,
    decision: Decision | Transfer,
    wallets: Mapping[Wallet, AsyncCursor],
) -> None:
    """Book the postings; raise an error, which undoes the additions, if a wallet cannot pay."""
    before: dict[Wallet, Money] = {}
    numbers: dict[Wallet, int] = {}  # the number of the last posting of each wallet
    added = Counter(posting.wallet for posting in decision.postings)
    for wallet, delta in decision.deltas.items():
        row: Any = await wallets[wallet].fetchone()
        minor, code, exponent, postings = row
        before[wallet] = Money(minor=minor - delta.minor, currency=Currency(code, exponent))
        numbers[wallet] = postings - added[wallet]
    if isinstance(decision, Transfer):
        _check_seen(decision, numbers[decision.postings[0].wallet])
    settle(before, decision.postings, may_overdraw=decision.may_overdraw)
    insert = """
        INSERT INTO postings (account, profile, number, day, minor, token, place, body)
        VALUES (%s, %s, %s, %s, %s, %s, %s, %s)
    """
    for place, posting in enumerate(decision.postings):
        numbers[posting.wallet] += 1
        key = (*_key(posting.wallet), numbers[posting.wallet])
        columns = (posting.counts_from, posting.amount.minor, decision.token, place)
        await connection.execute(insert, (*key, *columns, _body(posting)))


def _check_seen(transfer: Transfer, found: int) -> None:
    """Refuse a transfer that was computed from another number of postings."""
    if transfer.seen not in (None, found):
        wallet = transfer.postings[0].wallet
        counts = (transfer.seen, found)
        texts = [f"{count:,} posting{'s' * (count != 1)}" for count in counts]
        raise Conflict(wallet.account, wallet.profile, *texts)


async def _define(
    connection: AsyncConnection,
    definitions: Mapping[str, Offer | Tariff],
    known: Container[str],
) -> None:
    """Store the offers and tariffs that are not known to be stored."""
    query = "INSERT INTO definitions (digest, body) VALUES (%s, %s) ON CONFLICT DO NOTHING"
    for digest in sorted(digest for digest in definitions if digest not in known):
        await connection.execute(query, (digest, _body(definitions[digest])))


def _key(wallet: Wallet) -> tuple[str, str]:
    """Return the key columns of a wallet; an empty profile means the account's own wallet."""
    return wallet.account, wallet.profile or ""


def _columns(money: Money) -> tuple[int, str, int]:
    return money.minor, money.currency.code, money.currency.exponent


def _digest(token: Token) -> str:
    return sha256(token.encode()).hexdigest()


def _revision(decision: Decision | Transfer) -> Revision | None:
    """Return the revision of a decision's subscription; no other decision has the same one."""
    if isinstance(decision, Transfer):
        return None
    return Revision(f"{_digest(decision.token)} of {decision.account}")


def _days(since: date | None, until: date | None) -> dict[str, date]:
    """Return the conditions that select days, each with its value."""
    conditions = {" AND day >= %s": since, " AND day < %s": until}
    return {sql: day for sql, day in conditions.items() if day is not None}


def _body(value: Offer | Tariff | Posting) -> Json:
    return Json(encode(value))
