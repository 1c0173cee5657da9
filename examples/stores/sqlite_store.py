"""A store in one SQLite file; it needs only the standard library.

Several threads and processes may use one file at once. A commit holds the file's write lock from
its first statement to its last, and other commits wait.
"""

import json
import sqlite3
from collections import Counter
from collections.abc import Container, Iterator, Mapping
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any
from zlib import crc32

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
#: ``accounts.decisions`` and ``wallets.postings`` are the last numbers. ``day`` is the value date;
#: days are ISO text, which sorts by day. ``ends`` is NULL if no term runs. ``checksum`` selects the
#: accounts of a shard. An empty profile means the account's own wallet. ``definitions`` holds each
#: offer and each tariff that a stored value refers to.
TABLES = """
    CREATE TABLE IF NOT EXISTS definitions (digest TEXT PRIMARY KEY, body TEXT NOT NULL);
    CREATE TABLE IF NOT EXISTS accounts (account TEXT PRIMARY KEY, decisions INTEGER NOT NULL);
    CREATE TABLE IF NOT EXISTS decisions (
        account TEXT, number INTEGER, token TEXT NOT NULL, day TEXT NOT NULL, body TEXT NOT NULL,
        PRIMARY KEY (account, number), UNIQUE (account, token)
    );
    CREATE INDEX IF NOT EXISTS decisions_of_day ON decisions (account, day);
    CREATE TABLE IF NOT EXISTS subscriptions (
        account TEXT, profile TEXT, revision TEXT NOT NULL, ends TEXT, checksum INTEGER NOT NULL,
        body TEXT NOT NULL, PRIMARY KEY (account, profile)
    );
    CREATE INDEX IF NOT EXISTS subscriptions_due
        ON subscriptions (ends, account, profile, checksum);
    CREATE INDEX IF NOT EXISTS subscriptions_of_account ON subscriptions (account, ends, profile);
    CREATE TABLE IF NOT EXISTS wallets (
        account TEXT, profile TEXT, minor INTEGER NOT NULL, code TEXT NOT NULL,
        exponent INTEGER NOT NULL, postings INTEGER NOT NULL, PRIMARY KEY (account, profile)
    );
    CREATE TABLE IF NOT EXISTS postings (
        account TEXT, profile TEXT, number INTEGER, day TEXT NOT NULL, minor INTEGER NOT NULL,
        token TEXT NOT NULL, place INTEGER NOT NULL, body TEXT NOT NULL,
        PRIMARY KEY (account, profile, number)
    );
    CREATE INDEX IF NOT EXISTS postings_of_day ON postings (account, profile, day, minor);
"""


class SQLiteStore:
    """A store in a file. A commit stores the offers and tariffs that it refers to."""

    def __init__(self, path: str | Path) -> None:
        self.path = path
        self._loaded: dict[str, Offer | Tariff] = {}
        self._digests: dict[Offer | Tariff, str] = {}
        self._idle: list[sqlite3.Connection] = []

    def create_tables(self) -> None:
        """Create the tables if they do not exist; call it before you start several processes."""
        with self._connection() as connection:
            connection.execute("PRAGMA journal_mode = WAL")  # readers do not wait for a commit
            connection.executescript(TABLES)

    def close(self) -> None:
        """Close the connections; call it when no thread uses the store."""
        while self._idle:
            self._idle.pop().close()

    def subscription(
        self, account: AccountId, profile: ProfileId, /
    ) -> Stored[Subscription] | None:
        """See ``Store.subscription``."""
        query = "SELECT body, revision FROM subscriptions WHERE account = ? AND profile = ?"
        with self._connection() as connection:
            row = connection.execute(query, (account, profile)).fetchone()
            if row is None:
                return None
            body, revision = row
            definitions = _Definitions(connection, self._loaded)
            subscription = decode(Subscription, json.loads(body), definitions=definitions)
        return Stored(subscription, Revision(revision))

    def profiles(
        self, account: AccountId, /, *, cursor: Cursor | None = None, limit: int = 1000
    ) -> Page[ProfileId]:
        """See ``Store.profiles``."""
        query = """
            SELECT profile FROM (
                SELECT account, profile FROM subscriptions
                UNION SELECT account, profile FROM wallets
            ) WHERE account = ? AND profile != ''
        """
        rows, following = self._page(query, [account], "profile", cursor, limit)
        return Page(tuple(profile for (profile,) in rows), following)

    def balance(self, wallet: Wallet, /, *, before: date | None = None) -> Money | None:
        """See ``Store.balance``."""
        with self._connection() as connection:
            query = "SELECT minor, code, exponent FROM wallets WHERE account = ? AND profile = ?"
            row = connection.execute(query, _key(wallet)).fetchone()
            if row is None:
                return None
            minor, code, exponent = row
            if before is not None:
                query = """
                    SELECT coalesce(sum(minor), 0) FROM postings
                    WHERE account = ? AND profile = ? AND day < ?
                """
                values = (*_key(wallet), before.isoformat())
                (minor,) = connection.execute(query, values).fetchone()
        return Money(minor=minor, currency=Currency(code, exponent))

    def postings(
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
        query = "SELECT number, token, place, body FROM postings WHERE account = ? AND profile = ?"
        days = _days(since, until)
        values = [*_key(wallet), *days.values()]
        rows, following = self._page(query + "".join(days), values, "number", cursor, limit)
        items = (
            Booked(decode(Posting, json.loads(body)), token, place)
            for _, token, place, body in rows
        )
        return Page(tuple(items), following)

    def commit(
        self, decision: Decision | Transfer, /, *, expected: Revision | None
    ) -> Revision | None:
        """See ``Store.commit``."""
        after = decision.after if isinstance(decision, Decision) else None
        encoder = Encoder(self._digests)
        body = json.dumps(encoder.encode(decision))
        with self._connection() as connection, connection:  # commits, or rolls back on an error
            connection.execute("BEGIN IMMEDIATE")
            number = _next_number(connection, decision.account)
            revision = _revision(decision.account, number)
            known = None
            if not _claim(connection, decision, number, body):
                known = self._find(connection, decision.account, decision.token)
            if known is not None and known.value == decision:
                return None if after is None else known.revision
            if after is not None:
                _put(connection, after, expected, revision, json.dumps(encoder.encode(after)))
            if known is not None:
                raise TokenReused(decision.token)
            _book(connection, decision)
            _define(connection, encoder.definitions, self._loaded)
        # Only now: an offer or a tariff is stored if the commit succeeds.
        self._loaded.update(encoder.definitions)
        return None if after is None else revision

    def decision(self, account: AccountId, token: Token, /) -> Decision | Transfer | None:
        """See ``Store.decision``."""
        with self._connection() as connection:
            known = self._find(connection, account, token)
        return None if known is None else known.value

    def decisions(
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
        query = "SELECT number, body FROM decisions WHERE account = ?"
        days = _days(since, until)
        values = [account, *days.values()]
        rows, following = self._page(query + "".join(days), values, "number", cursor, limit)
        with self._connection() as connection:
            definitions = _Definitions(connection, self._loaded)
            items = tuple(
                decode_committed(json.loads(body), definitions=definitions) for _, body in rows
            )
        return Page(items, following)

    def due(
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
        query = "SELECT ends, account, profile FROM subscriptions WHERE ends <= ?"
        values: list[Any] = [on.isoformat()]
        if account is not None:
            query += " AND account = ?"
            values.append(account)
        if shard is not None:
            part, count = shard
            query += " AND checksum % ? = ?"
            values += [count, part]
        rows, following = self._page(query, values, "ends, account, profile", cursor, limit)
        return Page(tuple((account, profile) for _, account, profile in rows), following)

    def _find(
        self, connection: sqlite3.Connection, account: AccountId, token: Token
    ) -> Stored[Decision | Transfer] | None:
        """Return the decision that an account has with a token, and its revision."""
        query = "SELECT number, body FROM decisions WHERE account = ? AND token = ?"
        row = connection.execute(query, (account, token)).fetchone()
        if row is None:
            return None
        number, body = row
        definitions = _Definitions(connection, self._loaded)
        decision = decode_committed(json.loads(body), definitions=definitions)
        return Stored(decision, _revision(account, number))

    def _page(
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
            query += f" AND ({order}) > ({', '.join('?' * len(last_row))})"
            values = [*values, *last_row]
        with self._connection() as connection:
            # One row more than the page has shows that more follow.
            query += f" ORDER BY {order} LIMIT ?"
            rows = connection.execute(query, (*values, limit + 1)).fetchall()
        if len(rows) <= limit:
            return rows, None
        last_row = rows[limit - 1][: len(order.split(","))]
        return rows[:limit], Cursor(json.dumps(last_row))

    @contextmanager
    def _connection(self) -> Iterator[sqlite3.Connection]:
        """Lend an idle connection, or a new one; no other thread uses it at the same time."""
        try:
            connection = self._idle.pop()
        except IndexError:
            # isolation_level=None: a transaction begins only with BEGIN IMMEDIATE.
            connection = sqlite3.connect(
                self.path, timeout=60, isolation_level=None, check_same_thread=False
            )
        try:
            yield connection
        finally:
            self._idle.append(connection)


class _Definitions:
    """The stored offers and tariffs by digest; ``loaded`` keeps each, because it never changes."""

    def __init__(self, connection: sqlite3.Connection, loaded: dict[str, Offer | Tariff]) -> None:
        self._connection, self._loaded = connection, loaded

    def __getitem__(self, digest: str, /) -> Offer | Tariff:
        if digest not in self._loaded:
            query = "SELECT body FROM definitions WHERE digest = ?"
            row = self._connection.execute(query, (digest,)).fetchone()
            if row is None:
                raise KeyError(digest)
            self._loaded[digest] = decode_definition(json.loads(row[0]))
        return self._loaded[digest]


def _next_number(connection: sqlite3.Connection, account: AccountId) -> int:
    """Return the number of the next decision of an account."""
    query = """
        INSERT INTO accounts (account, decisions) VALUES (?, 1)
        ON CONFLICT (account) DO UPDATE SET decisions = decisions + 1 RETURNING decisions
    """
    ((number,),) = connection.execute(query, (account,)).fetchall()
    return int(number)


def _put(
    connection: sqlite3.Connection,
    after: Subscription,
    expected: Revision | None,
    revision: Revision,
    body: str,
) -> None:
    """Store a subscription if the stored revision is the expected one; else raise Conflict."""
    query = "SELECT revision FROM subscriptions WHERE account = ? AND profile = ?"
    row = connection.execute(query, (after.account, after.profile)).fetchone()
    found = None if row is None else row[0]
    if found != expected:
        raise Conflict(after.account, after.profile, expected, found)
    ends = None if after.due_on is None else after.due_on.isoformat()
    checksum = crc32(after.account.encode())  # channelplans.storage.shard_of divides it
    connection.execute(
        "REPLACE INTO subscriptions (account, profile, revision, ends, checksum, body)"
        " VALUES (?, ?, ?, ?, ?, ?)",
        (after.account, after.profile, revision, ends, checksum, body),
    )


def _book(connection: sqlite3.Connection, decision: Decision | Transfer) -> None:
    """Add the postings to the balances and book them; raise an error if a wallet cannot pay."""
    add = """
        INSERT INTO wallets (account, profile, minor, code, exponent, postings)
        VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (account, profile) DO UPDATE
        SET minor = minor + excluded.minor, postings = postings + excluded.postings
        RETURNING minor, code, exponent, postings
    """
    before: dict[Wallet, Money] = {}
    numbers: dict[Wallet, int] = {}  # the number of the last posting of each wallet
    added = Counter(posting.wallet for posting in decision.postings)
    for wallet, delta in decision.deltas.items():
        currency = delta.currency
        values = (*_key(wallet), delta.minor, currency.code, currency.exponent, added[wallet])
        ((minor, code, exponent, postings),) = connection.execute(add, values).fetchall()
        before[wallet] = Money(minor=minor - delta.minor, currency=Currency(code, exponent))
        numbers[wallet] = postings - added[wallet]
    if isinstance(decision, Transfer):
        _check_seen(decision, numbers[decision.postings[0].wallet])
    # An error here undoes the additions.
    settle(before, decision.postings, may_overdraw=decision.may_overdraw)
    rows = []
    for place, posting in enumerate(decision.postings):
        numbers[posting.wallet] += 1
        key = (*_key(posting.wallet), numbers[posting.wallet])
        columns = (posting.counts_from.isoformat(), posting.amount.minor, decision.token, place)
        rows.append((*key, *columns, _text(posting)))
    connection.executemany(
        "INSERT INTO postings (account, profile, number, day, minor, token, place, body)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        rows,
    )


def _check_seen(transfer: Transfer, found: int) -> None:
    """Refuse a transfer that was computed from another number of postings."""
    if transfer.seen not in (None, found):
        wallet = transfer.postings[0].wallet
        counts = (transfer.seen, found)
        texts = [f"{count:,} posting{'s' * (count != 1)}" for count in counts]
        raise Conflict(wallet.account, wallet.profile, *texts)


def _claim(
    connection: sqlite3.Connection, decision: Decision | Transfer, number: int, body: str
) -> bool:
    """Store a decision under its number; return False if the account has the token already."""
    stored = connection.execute(
        "INSERT INTO decisions (account, number, token, day, body) VALUES (?, ?, ?, ?, ?)"
        " ON CONFLICT DO NOTHING RETURNING number",
        (
            decision.account,
            number,
            decision.token,
            decision.counts_from.isoformat(),
            body,
        ),
    )
    return bool(stored.fetchall())


def _define(
    connection: sqlite3.Connection,
    definitions: Mapping[str, Offer | Tariff],
    known: Container[str],
) -> None:
    """Store the offers and tariffs that are not known to be stored."""
    connection.executemany(
        "INSERT INTO definitions (digest, body) VALUES (?, ?) ON CONFLICT DO NOTHING",
        [
            (digest, _text(definition))
            for digest, definition in definitions.items()
            if digest not in known
        ],
    )


def _key(wallet: Wallet) -> tuple[str, str]:
    """Return the key columns of a wallet; an empty profile means the account's own wallet."""
    return wallet.account, wallet.profile or ""


def _revision(account: AccountId, number: int) -> Revision:
    """Return the revision of a decision's subscription; no other decision has the same one."""
    return Revision(f"{number} of {account}")


def _days(since: date | None, until: date | None) -> dict[str, str]:
    """Return the conditions that select days, each with its value."""
    conditions = {" AND day >= ?": since, " AND day < ?": until}
    return {sql: day.isoformat() for sql, day in conditions.items() if day is not None}


def _text(value: Offer | Tariff | Posting) -> str:
    return json.dumps(encode(value))
