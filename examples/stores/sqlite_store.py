"""A store in one SQLite file, with nothing but the standard library.

Several threads and several processes may use one file at once: whoever commits holds the file's
write lock from its first statement to its last, and the others wait for it.
"""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any, TypeVar

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

#: A revision is the token of the decision that made it: no token is ever committed twice. Days are
#: ISO text, whose order is theirs; ``ends`` is empty where no term runs. Amounts are text, since a
#: whole number of SQLite has 64 bits.
TABLES = """
    CREATE TABLE IF NOT EXISTS decisions (token TEXT PRIMARY KEY, body TEXT NOT NULL);
    CREATE TABLE IF NOT EXISTS subscriptions (
        profile TEXT PRIMARY KEY, revision TEXT NOT NULL, ends TEXT, body TEXT NOT NULL
    );
    CREATE INDEX IF NOT EXISTS subscriptions_due ON subscriptions (ends, profile);
    CREATE TABLE IF NOT EXISTS purses (
        account TEXT, profile TEXT, minor TEXT NOT NULL, code TEXT NOT NULL,
        exponent INTEGER NOT NULL, PRIMARY KEY (account, profile)
    );
    CREATE TABLE IF NOT EXISTS postings (
        id INTEGER PRIMARY KEY, account TEXT NOT NULL, profile TEXT NOT NULL, day TEXT NOT NULL,
        token TEXT NOT NULL, place INTEGER NOT NULL, body TEXT NOT NULL
    );
    CREATE INDEX IF NOT EXISTS postings_of_purse ON postings (account, profile, id);
"""


class SQLiteStore:
    """A store in a file; the catalogue has every offer and tariff that is stored."""

    def __init__(self, path: str | Path, catalogue: Catalogue) -> None:
        self.path = path
        self._catalogue = catalogue
        self._idle: list[sqlite3.Connection] = []

    def create_tables(self) -> None:
        """Make the tables, where they are not there yet; once, before several processes begin."""
        with self._connection() as connection:
            connection.execute("PRAGMA journal_mode = WAL")  # readers need not wait for a writer
            connection.executescript(TABLES)

    def close(self) -> None:
        """Close the connections; call it when no other thread uses the store any more."""
        while self._idle:
            self._idle.pop().close()

    def subscription(self, profile: ProfileId, /) -> Stored[Subscription] | None:
        """As ``Subscriptions.subscription``."""
        query = "SELECT body, revision FROM subscriptions WHERE profile = ?"
        for body, revision in self._rows(query, (profile,)):
            return Stored(self._read(Subscription, body), Revision(revision))
        return None

    def balance(self, purse: Purse, /) -> Money | None:
        """As ``Purses.balance``."""
        with self._connection() as connection:
            return _balance(connection, purse)

    def postings(
        self, purse: Purse, /, *, since: date | None = None, until: date | None = None
    ) -> list[Booked]:
        """As ``Purses.postings``."""
        query = """
            SELECT body, token, place FROM postings
            WHERE account = :account AND profile = :profile
            AND (:since IS NULL OR :since <= day) AND (:until IS NULL OR day < :until) ORDER BY id
        """
        days = {"since": since and since.isoformat(), "until": until and until.isoformat()}
        rows = self._rows(query, {"account": purse.account, "profile": purse.profile or ""} | days)
        return [
            Booked(self._read(Posting, body), Token(token), place) for body, token, place in rows
        ]

    def commit(self, decision: Decision, /, *, expected: Revision | None) -> Revision | None:
        """As ``Commits.commit``."""
        after = decision.after
        revision = None if after is None else Revision(decision.token)
        with self._connection() as connection, connection:  # commits; rolls back what is raised
            connection.execute("BEGIN IMMEDIATE")
            known = self._known(connection, decision.token)
            if known == decision:
                return revision
            if after is not None:
                _put(connection, after, expected, decision.token)
            if known is not None:
                raise TokenReused(decision.token)
            _book(connection, decision)
        return revision

    def committed(self, token: Token, /) -> Revision | None:
        """As ``Commits.committed``."""
        rows = self._rows("SELECT token FROM decisions WHERE token = ?", (token,))
        return Revision(token) if rows else None

    def due(self, on: date, /, *, cursor: Cursor | None = None, limit: int = 1000) -> Page:
        """As ``Dues.due``, by the end of the term, then by profile; a cursor is both."""
        query = """
            SELECT ends, profile FROM subscriptions
            WHERE ends <= ? AND (ends, profile) > (?, ?) ORDER BY ends, profile LIMIT ?
        """
        since, _, last = (cursor or "").partition("/")
        rows = self._rows(query, (on.isoformat(), since, last, limit + 1))
        more = Cursor("/".join(rows[limit - 1])) if len(rows) > limit else None
        return Page(tuple(ProfileId(profile) for _, profile in rows[:limit]), more)

    def _known(self, connection: sqlite3.Connection, token: Token) -> Decision | None:
        query = "SELECT body FROM decisions WHERE token = ?"
        row = connection.execute(query, (token,)).fetchone()
        return None if row is None else self._read(Decision, row[0])

    @contextmanager
    def _connection(self) -> Iterator[sqlite3.Connection]:
        """Lend a connection that no other thread has, an idle one or a new one."""
        try:
            connection = self._idle.pop()
        except IndexError:
            # No level of isolation: transactions begin where this module says so.
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

    def _read(self, kind: type[T], body: str) -> T:
        return decode(kind, json.loads(body), catalogue=self._catalogue)


def _put(
    connection: sqlite3.Connection, after: Subscription, expected: Revision | None, revision: str
) -> None:
    """Store a subscription in the place of the one that was decided on."""
    query = "SELECT revision FROM subscriptions WHERE profile = ?"
    row = connection.execute(query, (after.profile,)).fetchone()
    found = None if row is None else row[0]
    if found != expected:
        raise Conflict(after.profile, expected, found)
    ends = after.due_on.isoformat() if after.due_on else None
    connection.execute(
        "REPLACE INTO subscriptions (profile, revision, ends, body) VALUES (?, ?, ?, ?)",
        (after.profile, revision, ends, _text(after)),
    )


def _book(connection: sqlite3.Connection, decision: Decision) -> None:
    """Keep a decision, its postings and what its purses hold after them."""
    found = {purse: _balance(connection, purse) for purse in decision.deltas}
    balances = {purse: balance for purse, balance in found.items() if balance is not None}
    after = settle(balances, decision.postings)
    connection.executemany(
        "REPLACE INTO purses (account, profile, minor, code, exponent) VALUES (?, ?, ?, ?, ?)",
        [
            (*_key(purse), str(each.minor), each.currency.code, each.currency.exponent)
            for purse, each in after.items()
        ],
    )
    connection.executemany(
        "INSERT INTO postings (account, profile, day, token, place, body)"
        " VALUES (?, ?, ?, ?, ?, ?)",
        [
            (*_key(each.purse), each.on.isoformat(), decision.token, place, _text(each))
            for place, each in enumerate(decision.postings)
        ],
    )
    connection.execute(
        "INSERT INTO decisions (token, body) VALUES (?, ?)", (decision.token, _text(decision))
    )


def _balance(connection: sqlite3.Connection, purse: Purse) -> Money | None:
    query = "SELECT minor, code, exponent FROM purses WHERE account = ? AND profile = ?"
    row = connection.execute(query, _key(purse)).fetchone()
    return None if row is None else Money(int(row[0]), Currency(row[1], row[2]))


def _key(purse: Purse) -> tuple[str, str]:
    """Return the columns of a purse; no profile has an empty name."""
    return purse.account, purse.profile or ""


def _text(value: Subscription | Posting | Decision) -> str:
    return json.dumps(encode(value))
