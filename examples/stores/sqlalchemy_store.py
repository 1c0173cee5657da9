"""A store on SQLite or PostgreSQL, with SQLAlchemy 2's Core; no classes are mapped.

On PostgreSQL it rests on READ COMMITTED, which it asks for, and on the order in which rows are
locked: the token, the subscription, the purses by name. Whoever waits for a row of one kind holds
none of a later kind, so that no two commits wait for each other. On SQLite the first statement of a
commit writes, and so the others wait for the file until it is done.
"""

from collections.abc import Mapping
from datetime import date
from typing import Any, Final, TypeVar

from sqlalchemy import (
    JSON,
    BigInteger,
    Column,
    ColumnElement,
    Connection,
    Date,
    Engine,
    Executable,
    Index,
    Integer,
    MetaData,
    Row,
    Table,
    Text,
    insert,
    select,
    tuple_,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite

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

#: What a service's own tables and migrations may stand beside.
METADATA: Final = MetaData()

DECISIONS: Final = Table(
    "decisions",
    METADATA,
    Column("token", Text, primary_key=True),
    Column("body", JSON, nullable=False),
)

#: A revision is the token of the decision that made it: no token is ever committed twice. ``ends``
#: is empty where no term runs.
SUBSCRIPTIONS: Final = Table(
    "subscriptions",
    METADATA,
    # Compared by its bytes, as SQLite does anyway.
    Column("profile", Text().with_variant(Text(collation="C"), "postgresql"), primary_key=True),
    Column("revision", Text, nullable=False),
    Column("ends", Date),
    Column("body", JSON, nullable=False),
    Index("subscriptions_due", "ends", "profile"),
)

#: The amount is text, since a whole number of SQLite has 64 bits. A purse without a profile is its
#: account's own.
PURSES: Final = Table(
    "purses",
    METADATA,
    Column("account", Text, primary_key=True),
    Column("profile", Text, primary_key=True),
    Column("minor", Text, nullable=False),
    Column("code", Text, nullable=False),
    Column("exponent", Integer, nullable=False),
)

POSTINGS: Final = Table(
    "postings",
    METADATA,
    # SQLite numbers rows where the type is just INTEGER.
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True),
    Column("account", Text, nullable=False),
    Column("profile", Text, nullable=False),
    Column("day", Date, nullable=False),
    Column("token", Text, nullable=False),
    Column("place", Integer, nullable=False),
    Column("body", JSON, nullable=False),
    Index("postings_of_purse", "account", "profile", "id"),
)

#: SQLAlchemy has ON CONFLICT in each dialect's own ``insert``; SQLite needs no level of isolation.
_DIALECTS: Final[Mapping[str, tuple[Any, dict[str, str]]]] = {
    "postgresql": (postgresql.insert, {"isolation_level": "READ COMMITTED"}),
    "sqlite": (sqlite.insert, {}),
}


class SQLAlchemyStore:
    """A store behind an engine; the catalogue has every offer and tariff that is stored."""

    def __init__(self, engine: Engine, catalogue: Catalogue) -> None:
        self._insert_of_dialect, options = _DIALECTS[engine.dialect.name]
        self.engine = engine.execution_options(**options)
        self._catalogue = catalogue

    def create_tables(self) -> None:
        """Make the tables, where they are not there yet."""
        METADATA.create_all(self.engine)

    def subscription(self, profile: ProfileId, /) -> Stored[Subscription] | None:
        """As ``Subscriptions.subscription``."""
        held = SUBSCRIPTIONS.c
        for row in self._rows(select(held.body, held.revision).where(held.profile == profile)):
            return Stored(self._read(Subscription, row.body), Revision(row.revision))
        return None

    def balance(self, purse: Purse, /) -> Money | None:
        """As ``Purses.balance``."""
        for row in self._rows(select(PURSES).where(*_of(PURSES, purse))):
            return _money(row)
        return None

    def postings(
        self, purse: Purse, /, *, since: date | None = None, until: date | None = None
    ) -> list[Booked]:
        """As ``Purses.postings``."""
        query = select(POSTINGS).where(*_of(POSTINGS, purse)).order_by(POSTINGS.c.id)
        if since is not None:
            query = query.where(POSTINGS.c.day >= since)
        if until is not None:
            query = query.where(POSTINGS.c.day < until)
        return [
            Booked(self._read(Posting, row.body), Token(row.token), row.place)
            for row in self._rows(query)
        ]

    def commit(self, decision: Decision, /, *, expected: Revision | None) -> Revision | None:
        """As ``Commits.commit``."""
        after = decision.after
        revision = None if after is None else Revision(decision.token)
        with self.engine.begin() as connection:  # commits; rolls back what is raised
            known = self._claim(connection, decision)
            if known == decision:
                return revision
            if after is not None:
                self._put(connection, after, expected, decision.token)
            if known is not None:
                raise TokenReused(decision.token)
            self._book(connection, decision)
        return revision

    def committed(self, token: Token, /) -> Revision | None:
        """As ``Commits.committed``."""
        rows = self._rows(select(DECISIONS.c.token).where(DECISIONS.c.token == token))
        return Revision(token) if rows else None

    def due(self, on: date, /, *, cursor: Cursor | None = None, limit: int = 1000) -> Page:
        """As ``Dues.due``, by the end of the term, then by profile; a cursor is both."""
        place = (SUBSCRIPTIONS.c.ends, SUBSCRIPTIONS.c.profile)
        query = select(*place).where(SUBSCRIPTIONS.c.ends <= on).order_by(*place).limit(limit + 1)
        if cursor is not None:
            since, _, last = cursor.partition("/")
            query = query.where(tuple_(*place) > (date.fromisoformat(since), last))
        rows = self._rows(query)
        more = Cursor("{}/{}".format(*rows[limit - 1])) if len(rows) > limit else None
        return Page(tuple(row.profile for row in rows[:limit]), more)

    def _claim(self, connection: Connection, decision: Decision) -> Decision | None:
        """Keep a decision, once who has its token is through; return what it stands for already."""
        row = {"token": decision.token, "body": encode(decision)}
        if self._insert(connection, DECISIONS, row):
            return None
        query = select(DECISIONS.c.body).where(DECISIONS.c.token == decision.token)
        return self._read(Decision, connection.execute(query).scalar_one())

    def _put(
        self, connection: Connection, after: Subscription, expected: Revision | None, revision: str
    ) -> None:
        """Store a subscription in the place of the one that was decided on."""
        held = SUBSCRIPTIONS.c
        ends = after.due_on
        row = {"revision": revision, "ends": ends, "body": encode(after)}
        if expected is None:
            done = self._insert(connection, SUBSCRIPTIONS, {"profile": after.profile} | row)
        else:
            same = (held.profile == after.profile, held.revision == expected)
            change = update(SUBSCRIPTIONS).where(*same).values(row)
            done = connection.execute(change).rowcount == 1
        if not done:
            query = select(held.revision).where(held.profile == after.profile)
            raise Conflict(after.profile, expected, connection.execute(query).scalar())

    def _book(self, connection: Connection, decision: Decision) -> None:
        """Add to each purse what is posted to it, and book the postings."""
        before, deltas = {}, decision.deltas
        for purse in sorted(deltas, key=lambda purse: (purse.account, purse.profile or "")):
            nothing = Money(0, deltas[purse].currency)
            self._insert(connection, PURSES, _key(purse) | _columns(nothing))
            query = select(PURSES).where(*_of(PURSES, purse)).with_for_update()
            before[purse] = _money(connection.execute(query).one())
        for purse, balance in settle(before, decision.postings).items():
            change = update(PURSES).where(*_of(PURSES, purse)).values(_columns(balance))
            connection.execute(change)
        for place, each in enumerate(decision.postings):
            row = {"day": each.on, "token": decision.token, "place": place, "body": encode(each)}
            connection.execute(insert(POSTINGS).values(_key(each.purse) | row))

    def _insert(self, connection: Connection, table: Table, row: dict[str, Any]) -> bool:
        """Insert a row unless it is there, once who inserts it now is through; return if it is new.

        What was inserted is asked for: of an INSERT, not every driver tells how many rows it made.
        """
        new = self._insert_of_dialect(table).values(row).on_conflict_do_nothing()
        return bool(connection.execute(new.returning(*table.primary_key)).all())

    def _rows(self, query: Executable) -> Any:
        with self.engine.connect() as connection:
            return connection.execute(query).all()

    def _read(self, kind: type[T], body: object) -> T:
        return decode(kind, body, catalogue=self._catalogue)


def _key(purse: Purse) -> dict[str, str]:
    """Return the columns of a purse; no profile has an empty name."""
    return {"account": purse.account, "profile": purse.profile or ""}


def _of(table: Table, purse: Purse) -> list[ColumnElement[bool]]:
    return [table.c[name] == value for name, value in _key(purse).items()]


def _columns(money: Money) -> dict[str, Any]:
    currency = money.currency
    return {"minor": str(money.minor), "code": currency.code, "exponent": currency.exponent}


def _money(row: Row[Any]) -> Money:
    return Money(int(row.minor), Currency(row.code, row.exponent))
