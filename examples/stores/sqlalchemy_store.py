"""A store on SQLite or PostgreSQL, with SQLAlchemy 2's Core; no classes are mapped.

PostgreSQL runs each commit at READ COMMITTED. Every commit locks its rows in the same order: the
token, the subscription, new offers and tariffs by digest, then the wallets by name. So commits
never deadlock.
On SQLite the first statement of a commit writes, so it locks the file and other commits wait.
"""

from collections.abc import Mapping
from datetime import date
from typing import Any, Final

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

#: The tables of the store; add a service's own tables to the same metadata.
METADATA: Final = MetaData()

#: Each offer and each tariff that a stored value refers to.
DEFINITIONS: Final = Table(
    "definitions",
    METADATA,
    Column("digest", Text, primary_key=True),
    Column("body", JSON, nullable=False),
)

DECISIONS: Final = Table(
    "decisions",
    METADATA,
    Column("token", Text, primary_key=True),
    Column("body", JSON, nullable=False),
)

#: A revision is the token of the decision that stored the subscription. A token is committed only
#: once, so no revision is used twice. ``ends`` is NULL if no term runs.
SUBSCRIPTIONS: Final = Table(
    "subscriptions",
    METADATA,
    # Collation C compares bytes; SQLite does so by default.
    Column("profile", Text().with_variant(Text(collation="C"), "postgresql"), primary_key=True),
    Column("revision", Text, nullable=False),
    Column("ends", Date),
    Column("body", JSON, nullable=False),
    Index("subscriptions_due", "ends", "profile"),
)

#: The amount is text, because an INTEGER of SQLite has only 64 bits. An empty profile means the
#: account's own wallet.
WALLETS: Final = Table(
    "wallets",
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
    # SQLite numbers rows automatically only if the type is INTEGER.
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True),
    Column("account", Text, nullable=False),
    Column("profile", Text, nullable=False),
    Column("day", Date, nullable=False),
    Column("token", Text, nullable=False),
    Column("place", Integer, nullable=False),
    Column("body", JSON, nullable=False),
    Index("postings_of_wallet", "account", "profile", "id"),
)

#: The ``insert`` with ON CONFLICT, and the engine's options, for each dialect.
_DIALECTS: Final[Mapping[str, tuple[Any, dict[str, str]]]] = {
    "postgresql": (postgresql.insert, {"isolation_level": "READ COMMITTED"}),
    "sqlite": (sqlite.insert, {}),
}


class SQLAlchemyStore:
    """A store behind an engine. A commit stores the offers and tariffs that it refers to."""

    def __init__(self, engine: Engine) -> None:
        self._insert_of_dialect, options = _DIALECTS[engine.dialect.name]
        self.engine = engine.execution_options(**options)
        self._loaded: dict[str, Offer | Tariff] = {}

    def create_tables(self) -> None:
        """Create the tables if they do not exist."""
        METADATA.create_all(self.engine)

    def subscription(self, profile: ProfileId, /) -> Stored[Subscription] | None:
        """See ``Store.subscription``."""
        columns = SUBSCRIPTIONS.c
        query = select(columns.body, columns.revision).where(columns.profile == profile)
        with self.engine.connect() as connection:
            row = connection.execute(query).one_or_none()
            if row is None:
                return None
            definitions = _Definitions(connection, self._loaded)
            subscription = decode(Subscription, row.body, definitions=definitions)
        return Stored(subscription, Revision(row.revision))

    def balance(self, wallet: Wallet, /) -> Money | None:
        """See ``Store.balance``."""
        for row in self._rows(select(WALLETS).where(*_belongs_to(WALLETS, wallet))):
            return _money(row)
        return None

    def postings(
        self, wallet: Wallet, /, *, since: date | None = None, until: date | None = None
    ) -> list[Booked]:
        """See ``Store.postings``."""
        query = select(POSTINGS).where(*_belongs_to(POSTINGS, wallet)).order_by(POSTINGS.c.id)
        if since is not None:
            query = query.where(POSTINGS.c.day >= since)
        if until is not None:
            query = query.where(POSTINGS.c.day < until)
        return [
            Booked(decode(Posting, row.body), row.token, row.place) for row in self._rows(query)
        ]

    def commit(
        self, decision: Decision | Transfer, /, *, expected: Revision | None
    ) -> Revision | None:
        """See ``Store.commit``."""
        after = decision.after if isinstance(decision, Decision) else None
        revision = None if after is None else Revision(decision.token)
        with self.engine.begin() as connection:  # commits, or rolls back on an error
            known = self._claim(connection, decision)
            if known == decision:
                return revision
            if after is not None:
                self._put(connection, after, expected, decision.token)
            if known is not None:
                raise TokenReused(decision.token)
            self._define(connection, decision)
            self._book(connection, decision)
        return revision

    def committed(self, token: Token, /) -> Revision | None:
        """See ``Store.committed``."""
        rows = self._rows(select(DECISIONS.c.token).where(DECISIONS.c.token == token))
        return Revision(token) if rows else None

    def due(self, on: date, /, *, cursor: Cursor | None = None, limit: int = 1000) -> Page:
        """See ``Store.due``; sorted by the end of the term, then by profile, as in the cursor."""
        order = (SUBSCRIPTIONS.c.ends, SUBSCRIPTIONS.c.profile)
        query = select(*order).where(SUBSCRIPTIONS.c.ends <= on).order_by(*order).limit(limit + 1)
        if cursor is not None:
            since, _, last = cursor.partition("/")
            query = query.where(tuple_(*order) > (date.fromisoformat(since), last))
        rows = self._rows(query)
        next_cursor = Cursor("{}/{}".format(*rows[limit - 1])) if len(rows) > limit else None
        return Page(tuple(row.profile for row in rows[:limit]), next_cursor)

    def _claim(
        self, connection: Connection, decision: Decision | Transfer
    ) -> Decision | Transfer | None:
        """Store a decision under its token, or return the decision that already has the token."""
        row = {"token": decision.token, "body": encode(decision)}
        if self._insert(connection, DECISIONS, row):
            return None
        query = select(DECISIONS.c.body).where(DECISIONS.c.token == decision.token)
        body = connection.execute(query).scalar_one()
        return decode_committed(body, definitions=_Definitions(connection, self._loaded))

    def _put(
        self, connection: Connection, after: Subscription, expected: Revision | None, revision: str
    ) -> None:
        """Store a subscription if the stored revision is the expected one; else raise Conflict."""
        columns = SUBSCRIPTIONS.c
        is_profile = columns.profile == after.profile
        row = {"revision": revision, "ends": after.due_on, "body": encode(after)}
        if expected is None:
            stored = self._insert(connection, SUBSCRIPTIONS, {"profile": after.profile} | row)
        else:
            statement = update(SUBSCRIPTIONS).where(is_profile, columns.revision == expected)
            stored = connection.execute(statement.values(row)).rowcount == 1
        if not stored:
            query = select(columns.revision).where(is_profile)
            raise Conflict(after.profile, expected, connection.execute(query).scalar())

    def _define(self, connection: Connection, decision: Decision | Transfer) -> None:
        """Store the offers and tariffs of a decision that are not stored yet."""
        definitions = definitions_of(decision)
        for digest in sorted(definitions):
            row = {"digest": digest, "body": encode(definitions[digest])}
            self._insert(connection, DEFINITIONS, row)

    def _book(self, connection: Connection, decision: Decision | Transfer) -> None:
        """Lock each wallet, store its new balance and book the postings."""
        before, deltas = {}, decision.deltas
        for wallet in sorted(deltas, key=lambda wallet: (wallet.account, wallet.profile or "")):
            zero = Money(minor=0, currency=deltas[wallet].currency)
            self._insert(connection, WALLETS, _key(wallet) | _columns(zero))
            query = select(WALLETS).where(*_belongs_to(WALLETS, wallet)).with_for_update()
            before[wallet] = _money(connection.execute(query).one())
        for wallet, balance in settle(before, decision.postings).items():
            change = update(WALLETS).where(*_belongs_to(WALLETS, wallet)).values(_columns(balance))
            connection.execute(change)
        for index, posting in enumerate(decision.postings):
            columns = {"day": posting.on, "place": index, "body": encode(posting)}
            row = columns | {"token": decision.token} | _key(posting.wallet)
            connection.execute(insert(POSTINGS).values(row))

    def _insert(self, connection: Connection, table: Table, row: dict[str, Any]) -> bool:
        """Insert a row unless its key exists; return whether the row was inserted.

        RETURNING shows whether it was: not every driver counts the rows of an INSERT.
        """
        statement = self._insert_of_dialect(table).values(row).on_conflict_do_nothing()
        return bool(connection.execute(statement.returning(*table.primary_key)).all())

    def _rows(self, query: Executable) -> Any:
        with self.engine.connect() as connection:
            return connection.execute(query).all()


class _Definitions:
    """The stored offers and tariffs by digest; ``loaded`` keeps each, because it never changes."""

    def __init__(self, connection: Connection, loaded: dict[str, Offer | Tariff]) -> None:
        self._connection, self._loaded = connection, loaded

    def __getitem__(self, digest: str, /) -> Offer | Tariff:
        if digest not in self._loaded:
            query = select(DEFINITIONS.c.body).where(DEFINITIONS.c.digest == digest)
            body = self._connection.execute(query).scalar()
            if body is None:
                raise KeyError(digest)
            self._loaded[digest] = decode_definition(body)
        return self._loaded[digest]


def _key(wallet: Wallet) -> dict[str, str]:
    """Return the key columns of a wallet; an empty profile means the account's own wallet."""
    return {"account": wallet.account, "profile": wallet.profile or ""}


def _belongs_to(table: Table, wallet: Wallet) -> list[ColumnElement[bool]]:
    return [table.c[name] == value for name, value in _key(wallet).items()]


def _columns(money: Money) -> dict[str, Any]:
    currency = money.currency
    return {"minor": str(money.minor), "code": currency.code, "exponent": currency.exponent}


def _money(row: Row[Any]) -> Money:
    return Money(minor=int(row.minor), currency=Currency(row.code, row.exponent))
