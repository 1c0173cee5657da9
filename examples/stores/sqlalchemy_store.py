"""A store on SQLite or PostgreSQL, with SQLAlchemy 2's Core; no classes are mapped.

PostgreSQL runs each commit at READ COMMITTED. Every commit first locks the row of its account, so
the commits of one account run one after the other. Then it locks new offers and tariffs by digest.
So commits never deadlock.
On SQLite the first statement of a commit writes, so it locks the file and other commits wait.
"""

import json
from collections import Counter
from collections.abc import Container, Mapping, Sequence
from datetime import date
from hashlib import sha256
from typing import Any, Final
from zlib import crc32

from sqlalchemy import (
    JSON,
    BigInteger,
    Column,
    ColumnElement,
    Connection,
    Date,
    Engine,
    Index,
    Integer,
    MetaData,
    Select,
    Table,
    Text,
    UniqueConstraint,
    bindparam,
    func,
    insert,
    select,
    tuple_,
    union,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite

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

#: The tables of the store; add a service's own tables to the same metadata.
METADATA: Final = MetaData()

#: Each offer and each tariff that a stored value refers to.
DEFINITIONS: Final = Table(
    "definitions",
    METADATA,
    Column("digest", Text, primary_key=True),
    Column("body", JSON, nullable=False),
)

#: ``decisions`` is the number of the account's latest decision.
ACCOUNTS: Final = Table(
    "accounts",
    METADATA,
    Column("account", Text, primary_key=True),
    Column("decisions", BigInteger, nullable=False),
)

#: ``number`` counts the decisions of an account in commit order. A token can be too long for an
#: index, so the index has its digest. ``day`` is the value date.
DECISIONS: Final = Table(
    "decisions",
    METADATA,
    Column("account", Text, primary_key=True),
    Column("number", BigInteger, primary_key=True),
    Column("token_digest", Text, nullable=False),
    Column("day", Date, nullable=False),
    Column("body", JSON, nullable=False),
    UniqueConstraint("account", "token_digest"),
    Index("decisions_of_day", "account", "day"),
)

#: Collation C compares bytes; SQLite does so by default.
_NAME: Final = Text().with_variant(Text(collation="C"), "postgresql")

#: ``ends`` is NULL if no term runs. ``checksum`` selects the accounts of a shard.
SUBSCRIPTIONS: Final = Table(
    "subscriptions",
    METADATA,
    Column("account", _NAME, primary_key=True),
    Column("profile", _NAME, primary_key=True),
    Column("revision", Text, nullable=False),
    Column("ends", Date),
    Column("checksum", BigInteger, nullable=False),
    Column("body", JSON, nullable=False),
    Index("subscriptions_due", "ends", "account", "profile", "checksum"),
    Index("subscriptions_of_account", "account", "ends", "profile"),
)

#: An empty profile means the account's own wallet. ``postings`` is the number of its postings.
WALLETS: Final = Table(
    "wallets",
    METADATA,
    Column("account", _NAME, primary_key=True),
    Column("profile", _NAME, primary_key=True),
    Column("minor", BigInteger, nullable=False),
    Column("code", Text, nullable=False),
    Column("exponent", Integer, nullable=False),
    Column("postings", BigInteger, nullable=False),
)

#: ``number`` counts the postings of a wallet in commit order. ``day`` is the value date.
POSTINGS: Final = Table(
    "postings",
    METADATA,
    Column("account", _NAME, primary_key=True),
    Column("profile", _NAME, primary_key=True),
    Column("number", BigInteger, primary_key=True),
    Column("day", Date, nullable=False),
    Column("minor", BigInteger, nullable=False),
    Column("token", Text, nullable=False),
    Column("place", Integer, nullable=False),
    Column("body", JSON, nullable=False),
    Index("postings_of_day", "account", "profile", "day", "minor"),
)

#: The ``insert`` with ON CONFLICT, and the engine's options for a commit, for each dialect.
_DIALECTS: Final[Mapping[str, tuple[Any, dict[str, str]]]] = {
    "postgresql": (postgresql.insert, {"isolation_level": "READ COMMITTED"}),
    "sqlite": (sqlite.insert, {}),
}


def _belongs_to(table: Table) -> list[ColumnElement[bool]]:
    """Return the conditions that select the rows of a profile or a wallet; see ``_of``."""
    return [
        table.c.account == bindparam("of_account"),
        table.c.profile == bindparam("of_profile"),
    ]


# SQLAlchemy takes longer to build a statement than to execute it. So the statements of a commit are
# built once. They are executed with a dict: its keys are columns to write, and names of bindparams.
_FIND_SUBSCRIPTION: Final = select(SUBSCRIPTIONS).where(*_belongs_to(SUBSCRIPTIONS))
_FIND_WALLET: Final = select(WALLETS).where(*_belongs_to(WALLETS))
_FIND_DEFINITION: Final = select(DEFINITIONS).where(DEFINITIONS.c.digest == bindparam("digest"))
_FIND_DECISION: Final = select(DECISIONS).where(
    DECISIONS.c.account == bindparam("account"),
    DECISIONS.c.token_digest == bindparam("token_digest"),
)
_SUM_POSTINGS: Final = select(func.coalesce(func.sum(POSTINGS.c.minor), 0)).where(
    *_belongs_to(POSTINGS), POSTINGS.c.day < bindparam("before")
)
# RETURNING shows whether a row was written: not every driver counts the rows.
_UPDATE_SUBSCRIPTION: Final = (
    update(SUBSCRIPTIONS)
    .where(*_belongs_to(SUBSCRIPTIONS), SUBSCRIPTIONS.c.revision == bindparam("expected"))
    .returning(SUBSCRIPTIONS.c.revision)
)
_INSERT_POSTING: Final = insert(POSTINGS)


class _Inserts:
    """The other statements of a commit: each inserts a row unless there is one with its key."""

    def __init__(self, insert_of_dialect: Any) -> None:
        count = {"decisions": ACCOUNTS.c.decisions + 1}
        self.account = (
            insert_of_dialect(ACCOUNTS)
            .on_conflict_do_update(index_elements=ACCOUNTS.primary_key, set_=count)
            .returning(ACCOUNTS.c.decisions)
        )
        wallet = insert_of_dialect(WALLETS)
        sums = {name: WALLETS.c[name] + wallet.excluded[name] for name in ("minor", "postings")}
        self.wallet = wallet.on_conflict_do_update(
            index_elements=WALLETS.primary_key, set_=sums
        ).returning(WALLETS)
        self.decision, self.subscription, self.definition = (
            insert_of_dialect(table).on_conflict_do_nothing().returning(*table.primary_key)
            for table in (DECISIONS, SUBSCRIPTIONS, DEFINITIONS)
        )


class SQLAlchemyStore:
    """A store behind an engine. A commit stores the offers and tariffs that it refers to."""

    def __init__(self, engine: Engine) -> None:
        insert_of_dialect, options = _DIALECTS[engine.dialect.name]
        self.engine = engine.execution_options(**options)
        # A read is one statement, so it needs no BEGIN and no ROLLBACK.
        self._reading = engine.execution_options(isolation_level="AUTOCOMMIT")
        self._inserts = _Inserts(insert_of_dialect)
        self._loaded: dict[str, Offer | Tariff] = {}
        self._digests: dict[Offer | Tariff, str] = {}

    def create_tables(self) -> None:
        """Create the tables if they do not exist."""
        METADATA.create_all(self.engine)

    def subscription(
        self, account: AccountId, profile: ProfileId, /
    ) -> Stored[Subscription] | None:
        """See ``Store.subscription``."""
        with self._reading.connect() as connection:
            row = connection.execute(_FIND_SUBSCRIPTION, _of(account, profile)).one_or_none()
            if row is None:
                return None
            definitions = _Definitions(connection, self._loaded)
            subscription = decode(Subscription, row.body, definitions=definitions)
        return Stored(subscription, Revision(row.revision))

    def profiles(
        self, account: AccountId, /, *, cursor: Cursor | None = None, limit: int = 1000
    ) -> Page[ProfileId]:
        """See ``Store.profiles``."""
        queries = (
            select(table.c.profile).where(table.c.account == account, table.c.profile != "")
            for table in (SUBSCRIPTIONS, WALLETS)
        )
        names = union(*queries).subquery()
        rows, following = self._page(select(names), "profile", cursor=cursor, limit=limit)
        return Page(tuple(row.profile for row in rows), following)

    def balance(self, wallet: Wallet, /, *, before: date | None = None) -> Money | None:
        """See ``Store.balance``."""
        key = _of(wallet.account, wallet.profile)
        with self._reading.connect() as connection:
            row = connection.execute(_FIND_WALLET, key).one_or_none()
            if row is None:
                return None
            minor = row.minor
            if before is not None:
                total = connection.execute(_SUM_POSTINGS, key | {"before": before})
                minor = int(total.scalar_one())
        return Money(minor=minor, currency=Currency(row.code, row.exponent))

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
        query = select(POSTINGS).where(*_belongs_to(POSTINGS), *_days(POSTINGS, since, until))
        query = query.params(**_of(wallet.account, wallet.profile))
        rows, following = self._page(query, "number", cursor=cursor, limit=limit)
        items = (Booked(decode(Posting, row.body), row.token, row.place) for row in rows)
        return Page(tuple(items), following)

    def commit(
        self, decision: Decision | Transfer, /, *, expected: Revision | None
    ) -> Revision | None:
        """See ``Store.commit``."""
        after = decision.after if isinstance(decision, Decision) else None
        encoder = Encoder(self._digests)
        body = encoder.encode(decision)
        with self.engine.begin() as connection:  # commits, or rolls back on an error
            number = self._lock_account(connection, decision.account)
            revision = _revision(decision.account, number)
            known = None
            if not self._claim(connection, decision, number, body):
                known = self._find(connection, decision.account, decision.token)
            if known is not None and known.value == decision:
                return None if after is None else known.revision
            if after is not None:
                self._put(connection, after, expected, revision, encoder.encode(after))
            if known is not None:
                raise TokenReused(decision.token)
            self._book(connection, decision)
            self._define(connection, encoder.definitions, self._loaded)
        # Only now: an offer or a tariff is stored if the commit succeeds.
        self._loaded.update(encoder.definitions)
        return None if after is None else revision

    def decision(self, account: AccountId, token: Token, /) -> Decision | Transfer | None:
        """See ``Store.decision``."""
        with self._reading.connect() as connection:
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
        conditions = [DECISIONS.c.account == account, *_days(DECISIONS, since, until)]
        query = select(DECISIONS).where(*conditions)
        rows, following = self._page(query, "number", cursor=cursor, limit=limit)
        with self._reading.connect() as connection:
            definitions = _Definitions(connection, self._loaded)
            items = tuple(decode_committed(row.body, definitions=definitions) for row in rows)
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
        columns = SUBSCRIPTIONS.c
        query = select(columns.ends, columns.account, columns.profile).where(columns.ends <= on)
        if account is not None:
            query = query.where(columns.account == account)
        if shard is not None:
            part, count = shard
            query = query.where(columns.checksum % count == part)
        order = ("ends", "account", "profile")
        rows, following = self._page(query, *order, cursor=cursor, limit=limit)
        return Page(tuple((row.account, row.profile) for row in rows), following)

    def _lock_account(self, connection: Connection, account: AccountId) -> int:
        """Lock the row of an account until the commit ends, and return its next number."""
        row = {"account": account, "decisions": 1}
        return int(connection.execute(self._inserts.account, row).scalar_one())

    def _find(
        self, connection: Connection, account: AccountId, token: Token
    ) -> Stored[Decision | Transfer] | None:
        """Return the decision that an account has with a token, and its revision."""
        key = {"account": account, "token_digest": _digest(token)}
        row = connection.execute(_FIND_DECISION, key).one_or_none()
        if row is None:
            return None
        definitions = _Definitions(connection, self._loaded)
        decision = decode_committed(row.body, definitions=definitions)
        return Stored(decision, _revision(account, row.number))

    def _claim(
        self,
        connection: Connection,
        decision: Decision | Transfer,
        number: int,
        body: dict[str, Any],
    ) -> bool:
        """Store a decision under its number; return False if the account has the token already."""
        row = {
            "account": decision.account,
            "number": number,
            "token_digest": _digest(decision.token),
            "day": decision.counts_from,
            "body": body,
        }
        return bool(connection.execute(self._inserts.decision, row).all())

    def _put(
        self,
        connection: Connection,
        after: Subscription,
        expected: Revision | None,
        revision: Revision,
        body: dict[str, Any],
    ) -> None:
        """Store a subscription if the stored revision is the expected one; else raise Conflict."""
        key = _of(after.account, after.profile)
        row: dict[str, Any] = {"revision": revision, "ends": after.due_on, "body": body}
        if expected is None:
            checksum = crc32(after.account.encode())  # channelplans.storage.shard_of divides it
            row |= {"account": after.account, "profile": after.profile, "checksum": checksum}
            written = connection.execute(self._inserts.subscription, row).all()
        else:
            row |= key | {"expected": expected}
            written = connection.execute(_UPDATE_SUBSCRIPTION, row).all()
        if not written:
            stored = connection.execute(_FIND_SUBSCRIPTION, key).one_or_none()
            found = None if stored is None else stored.revision
            raise Conflict(after.account, after.profile, expected, found)

    def _book(self, connection: Connection, decision: Decision | Transfer) -> None:
        """Add the postings to the balances and book them; raise an error if a wallet cannot pay."""
        before: dict[Wallet, Money] = {}
        numbers: dict[Wallet, int] = {}  # the number of the last posting of each wallet
        added = Counter(posting.wallet for posting in decision.postings)
        for wallet, delta in decision.deltas.items():
            row = self._add(connection, wallet, delta, added[wallet])
            currency = Currency(row.code, row.exponent)
            before[wallet] = Money(minor=row.minor - delta.minor, currency=currency)
            numbers[wallet] = row.postings - added[wallet]
        if isinstance(decision, Transfer):
            _check_seen(decision, numbers[decision.postings[0].wallet])
        # An error here undoes the additions.
        settle(before, decision.postings, may_overdraw=decision.may_overdraw)
        for place, posting in enumerate(decision.postings):
            numbers[posting.wallet] += 1
            row = {
                **_key(posting.wallet),
                "number": numbers[posting.wallet],
                "day": posting.counts_from,
                "minor": posting.amount.minor,
                "token": decision.token,
                "place": place,
                "body": encode(posting),
            }
            connection.execute(_INSERT_POSTING, row)

    def _add(self, connection: Connection, wallet: Wallet, delta: Money, postings: int) -> Any:
        """Add an amount and a number of postings to a wallet, and return its new row."""
        row = _key(wallet) | _columns(delta) | {"postings": postings}
        return connection.execute(self._inserts.wallet, row).one()

    def _define(
        self,
        connection: Connection,
        definitions: Mapping[str, Offer | Tariff],
        known: Container[str],
    ) -> None:
        """Store the offers and tariffs that are not known to be stored."""
        for digest in sorted(definitions):
            if digest not in known:
                row = {"digest": digest, "body": encode(definitions[digest])}
                connection.execute(self._inserts.definition, row)

    def _page(
        self, query: Select[Any], *order: str, cursor: Cursor | None, limit: int
    ) -> tuple[Sequence[Any], Cursor | None]:
        """Return the rows of a page and the cursor of the next page.

        A cursor is a JSON list: the columns named in ``order``, of the last row of a page.
        """
        if limit < 1:
            raise InvalidValue("limit", str(limit), "at least 1")
        columns = [query.selected_columns[name] for name in order]
        if cursor is not None:
            columns_and_values = zip(columns, json.loads(cursor), strict=True)
            last_row = [_read(column, value) for column, value in columns_and_values]
            query = query.where(tuple_(*columns) > last_row)
        with self._reading.connect() as connection:
            # One row more than the page has shows that more follow.
            rows = connection.execute(query.order_by(*columns).limit(limit + 1)).all()
        if len(rows) <= limit:
            return rows, None
        last_row = [getattr(rows[limit - 1], name) for name in order]
        return rows[:limit], Cursor(json.dumps(last_row, default=date.isoformat))


class _Definitions:
    """The stored offers and tariffs by digest; ``loaded`` keeps each, because it never changes."""

    def __init__(self, connection: Connection, loaded: dict[str, Offer | Tariff]) -> None:
        self._connection, self._loaded = connection, loaded

    def __getitem__(self, digest: str, /) -> Offer | Tariff:
        if digest not in self._loaded:
            row = self._connection.execute(_FIND_DEFINITION, {"digest": digest}).one_or_none()
            if row is None:
                raise KeyError(digest)
            self._loaded[digest] = decode_definition(row.body)
        return self._loaded[digest]


def _check_seen(transfer: Transfer, found: int) -> None:
    """Refuse a transfer that was computed from another number of postings."""
    if transfer.seen not in (None, found):
        wallet = transfer.postings[0].wallet
        counts = (transfer.seen, found)
        texts = [f"{count:,} posting{'s' * (count != 1)}" for count in counts]
        raise Conflict(wallet.account, wallet.profile, *texts)


def _key(wallet: Wallet) -> dict[str, str]:
    """Return the key columns of a wallet; an empty profile means the account's own wallet."""
    return {"account": wallet.account, "profile": wallet.profile or ""}


def _of(account: AccountId, profile: ProfileId | None) -> dict[str, str]:
    """Return the values for ``_belongs_to``."""
    return {"of_account": account, "of_profile": profile or ""}


def _days(table: Table, since: date | None, until: date | None) -> list[ColumnElement[bool]]:
    """Return the conditions that select days."""
    conditions = []
    if since is not None:
        conditions.append(table.c.day >= since)
    if until is not None:
        conditions.append(table.c.day < until)
    return conditions


def _read(column: ColumnElement[Any], value: Any) -> Any:
    """Return a value of a cursor as a value of its column; JSON has no days."""
    return date.fromisoformat(value) if isinstance(column.type, Date) else value


def _columns(money: Money) -> dict[str, Any]:
    currency = money.currency
    return {"minor": money.minor, "code": currency.code, "exponent": currency.exponent}


def _digest(token: Token) -> str:
    return sha256(token.encode()).hexdigest()


def _revision(account: AccountId, number: int) -> Revision:
    """Return the revision of a decision's subscription; no other decision has the same one."""
    return Revision(f"{number} of {account}")
