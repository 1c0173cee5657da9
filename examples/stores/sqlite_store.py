"""A store in one SQLite file; it needs only the standard library.

Several threads and processes may use one file at once. A commit holds the file's write lock from
its first statement to its last, and other commits wait.
"""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any

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
#: once, so no revision is used twice. Days are ISO text, which sorts by day. ``ends`` is NULL if no
#: term runs. Amounts are text, because an INTEGER of SQLite has only 64 bits. ``definitions`` holds
#: each offer and each tariff that a stored value refers to.
TABLES = """
    CREATE TABLE IF NOT EXISTS definitions (digest TEXT PRIMARY KEY, body TEXT NOT NULL);
    CREATE TABLE IF NOT EXISTS decisions (token TEXT PRIMARY KEY, body TEXT NOT NULL);
    CREATE TABLE IF NOT EXISTS subscriptions (
        profile TEXT PRIMARY KEY, revision TEXT NOT NULL, ends TEXT, body TEXT NOT NULL
    );
    CREATE INDEX IF NOT EXISTS subscriptions_due ON subscriptions (ends, profile);
    CREATE TABLE IF NOT EXISTS wallets (
        account TEXT, profile TEXT, minor TEXT NOT NULL, code TEXT NOT NULL,
        exponent INTEGER NOT NULL, PRIMARY KEY (account, profile)
    );
    CREATE TABLE IF NOT EXISTS postings (
        id INTEGER PRIMARY KEY, account TEXT NOT NULL, profile TEXT NOT NULL, day TEXT NOT NULL,
        token TEXT NOT NULL, place INTEGER NOT NULL, body TEXT NOT NULL
    );
    CREATE INDEX IF NOT EXISTS postings_of_wallet ON postings (account, profile, id);
"""


class SQLiteStore:
    """A store in a file. A commit stores the offers and tariffs that it refers to."""

    def __init__(self, path: str | Path) -> None:
        self.path = path
        self._loaded: dict[str, Offer | Tariff] = {}
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

    def subscription(self, profile: ProfileId, /) -> Stored[Subscription] | None:
        """See ``Store.subscription``."""
        query = "SELECT body, revision FROM subscriptions WHERE profile = ?"
        with self._connection() as connection:
            row = connection.execute(query, (profile,)).fetchone()
            if row is None:
                return None
            body, revision = row
            definitions = _Definitions(connection, self._loaded)
            subscription = decode(Subscription, json.loads(body), definitions=definitions)
        return Stored(subscription, Revision(revision))

    def balance(self, wallet: Wallet, /) -> Money | None:
        """See ``Store.balance``."""
        with self._connection() as connection:
            return _balance(connection, wallet)

    def postings(
        self, wallet: Wallet, /, *, since: date | None = None, until: date | None = None
    ) -> list[Booked]:
        """See ``Store.postings``."""
        query = """
            SELECT body, token, place FROM postings
            WHERE account = :account AND profile = :profile
            AND (:since IS NULL OR :since <= day) AND (:until IS NULL OR day < :until) ORDER BY id
        """
        days = {"since": since and since.isoformat(), "until": until and until.isoformat()}
        rows = self._rows(
            query, {"account": wallet.account, "profile": wallet.profile or ""} | days
        )
        return [
            Booked(decode(Posting, json.loads(body)), token, place) for body, token, place in rows
        ]

    def commit(
        self, decision: Decision | Transfer, /, *, expected: Revision | None
    ) -> Revision | None:
        """See ``Store.commit``."""
        after = decision.after if isinstance(decision, Decision) else None
        revision = None if after is None else Revision(decision.token)
        with self._connection() as connection, connection:  # commits, or rolls back on an error
            connection.execute("BEGIN IMMEDIATE")
            known = self._decision(connection, decision.token)
            if known == decision:
                return revision
            if after is not None:
                _put(connection, after, expected, decision.token)
            if known is not None:
                raise TokenReused(decision.token)
            _book(connection, decision)
        return revision

    def committed(self, token: Token, /) -> Revision | None:
        """See ``Store.committed``."""
        rows = self._rows("SELECT token FROM decisions WHERE token = ?", (token,))
        return Revision(token) if rows else None

    def due(self, on: date, /, *, cursor: Cursor | None = None, limit: int = 1000) -> Page:
        """See ``Store.due``; sorted by the end of the term, then by profile, as in the cursor."""
        query = """
            SELECT ends, profile FROM subscriptions
            WHERE ends <= ? AND (ends, profile) > (?, ?) ORDER BY ends, profile LIMIT ?
        """
        since, _, last = (cursor or "").partition("/")
        rows = self._rows(query, (on.isoformat(), since, last, limit + 1))
        next_cursor = Cursor("/".join(rows[limit - 1])) if len(rows) > limit else None
        return Page(tuple(profile for _, profile in rows[:limit]), next_cursor)

    def _decision(self, connection: sqlite3.Connection, token: Token) -> Decision | Transfer | None:
        query = "SELECT body FROM decisions WHERE token = ?"
        row = connection.execute(query, (token,)).fetchone()
        if row is None:
            return None
        definitions = _Definitions(connection, self._loaded)
        return decode_committed(json.loads(row[0]), definitions=definitions)

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

    def _rows(self, query: str, values: Any) -> list[Any]:
        with self._connection() as connection:
            return connection.execute(query, values).fetchall()


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


def _put(
    connection: sqlite3.Connection, after: Subscription, expected: Revision | None, revision: str
) -> None:
    """Store a subscription if the stored revision is the expected one; else raise Conflict."""
    query = "SELECT revision FROM subscriptions WHERE profile = ?"
    row = connection.execute(query, (after.profile,)).fetchone()
    stored = None if row is None else row[0]
    if stored != expected:
        raise Conflict(after.profile, expected, stored)
    ends = after.due_on.isoformat() if after.due_on else None
    connection.execute(
        "REPLACE INTO subscriptions (profile, revision, ends, body) VALUES (?, ?, ?, ?)",
        (after.profile, revision, ends, _text(after)),
    )


def _book(connection: sqlite3.Connection, decision: Decision | Transfer) -> None:
    """Store a decision, its offers and tariffs, its postings and the balances of its wallets."""
    balances = {wallet: _balance(connection, wallet) for wallet in decision.deltas}
    before = {wallet: balance for wallet, balance in balances.items() if balance is not None}
    after = settle(before, decision.postings)
    connection.executemany(
        "REPLACE INTO wallets (account, profile, minor, code, exponent) VALUES (?, ?, ?, ?, ?)",
        [
            (*_key(wallet), str(balance.minor), balance.currency.code, balance.currency.exponent)
            for wallet, balance in after.items()
        ],
    )
    connection.executemany(
        "INSERT INTO postings (account, profile, day, token, place, body)"
        " VALUES (?, ?, ?, ?, ?, ?)",
        [
            (*_key(posting.wallet), posting.on.isoformat(), decision.token, index, _text(posting))
            for index, posting in enumerate(decision.postings)
        ],
    )
    connection.executemany(
        "INSERT INTO definitions (digest, body) VALUES (?, ?) ON CONFLICT DO NOTHING",
        [(digest, _text(value)) for digest, value in definitions_of(decision).items()],
    )
    connection.execute(
        "INSERT INTO decisions (token, body) VALUES (?, ?)", (decision.token, _text(decision))
    )


def _balance(connection: sqlite3.Connection, wallet: Wallet) -> Money | None:
    query = "SELECT minor, code, exponent FROM wallets WHERE account = ? AND profile = ?"
    row = connection.execute(query, _key(wallet)).fetchone()
    return None if row is None else Money(minor=int(row[0]), currency=Currency(row[1], row[2]))


def _key(wallet: Wallet) -> tuple[str, str]:
    """Return the key columns of a wallet; an empty profile means the account's own wallet."""
    return wallet.account, wallet.profile or ""


def _text(value: Offer | Tariff | Subscription | Posting | Decision | Transfer) -> str:
    return json.dumps(encode(value))
