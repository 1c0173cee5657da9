"""What a type checker knows of stores and desks; read by mypy and pyright, never run.

Whether a class is a store is asked of its methods: each ignored assignment is one that a checker
must refuse.
"""

from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from datetime import date, timedelta
from typing import Any, assert_type

from channelplans.calendar import Term
from channelplans.catalogue import Catalogue
from channelplans.codec import schema
from channelplans.desk import AsyncDesk, Desk, DeskActions, Outcome, Preview
from channelplans.errors import Conflict, TokenReused
from channelplans.identifiers import (
    AccountId,
    Cursor,
    ProfileId,
    Revision,
    SubscriptionId,
    Token,
)
from channelplans.ledger import Posting, Purse, Reason, Statement
from channelplans.lifecycle import Decision, call_token, expire_credit, renew_without_bundles
from channelplans.memory import MemoryStore, Snapshot
from channelplans.money import EUR, Money
from channelplans.offers import SKYPE_CONNECT
from channelplans.plans import Offer
from channelplans.pricing import Tariff
from channelplans.storage import (
    AsyncCommits,
    AsyncDues,
    AsyncPurses,
    AsyncStore,
    AsyncSubscriptions,
    Booked,
    Commits,
    Dues,
    Page,
    Purses,
    Store,
    Stored,
    Subscriptions,
)
from channelplans.subscriptions import Subscription
from channelplans.usage import Call

DAY = date(2026, 1, 5)
ACCOUNT, PROFILE, ID = AccountId("acme"), ProfileId("berlin"), SubscriptionId("s-1")
TOKEN, REVISION, CURSOR = Token("t"), Revision("1"), Cursor("c")
FIVE = Money.of("5", EUR)
PLAN = SKYPE_CONNECT.plan(channels=3, bundles=1)


class Awaited:
    """A store whose methods are awaited, and which calls what comes first whatever it likes."""

    def __init__(self) -> None:
        self._store = MemoryStore()

    async def subscription(self, key: ProfileId, /) -> Stored[Subscription] | None:
        """Return what a profile holds."""
        return self._store.subscription(key)

    async def balance(self, key: Purse, /) -> Money | None:
        """Return what a purse holds."""
        return self._store.balance(key)

    async def postings(
        self, key: Purse, /, *, since: date | None = None, until: date | None = None
    ) -> list[Booked]:
        """Return why."""
        return list(self._store.postings(key, since=since, until=until))

    async def commit(self, what: Decision, /, *, expected: Revision | None) -> Revision | None:
        """Do what was decided."""
        return self._store.commit(what, expected=expected)

    async def committed(self, key: Token, /) -> Revision | None:
        """Tell whether it was done."""
        return self._store.committed(key)

    async def due(self, day: date, /, *, cursor: Cursor | None = None, limit: int = 1000) -> Page:
        """Find what is due."""
        return self._store.due(day, cursor=cursor, limit=limit)


class Careless:
    """Commits, but without being told what was decided on."""

    def commit(self, decision: Decision, /) -> Revision | None:
        """Overwrite whatever is there."""

    def committed(self, token: Token, /) -> Revision | None:
        """Remember nothing."""


class Pageless:
    """Lists what is due all at once."""

    def due(self, on: date, /) -> Page:
        """Leave no way to go on."""
        return Page(())


def a_store_is_a_port_of_each_kind() -> None:
    """The reference store inherits from nothing and is a store, whole and in parts."""
    store: Store = MemoryStore()
    subscriptions: Subscriptions = store
    purses: Purses = store
    commits: Commits = store
    dues: Dues = store
    assert_type(subscriptions.subscription(PROFILE), Stored[Subscription] | None)
    assert_type(purses.balance(Purse(ACCOUNT)), Money | None)
    assert_type(commits.committed(TOKEN), Revision | None)
    assert_type(dues.due(DAY), Page)
    _: Store = subscriptions  # type: ignore[assignment]
    _ = purses  # type: ignore[assignment]
    _ = commits  # type: ignore[assignment]
    _ = dues  # type: ignore[assignment]


def an_awaited_store_is_one_of_the_asynchronous_kind() -> None:
    """No asynchronous class passes for the other kind, and none of the other for it."""
    store: AsyncStore = Awaited()
    subscriptions: AsyncSubscriptions = store
    purses: AsyncPurses = store
    commits: AsyncCommits = store
    dues: AsyncDues = store
    subscriptions = MemoryStore()  # type: ignore[assignment]
    purses = MemoryStore()  # type: ignore[assignment]
    commits = MemoryStore()  # type: ignore[assignment]
    dues = MemoryStore()  # type: ignore[assignment]
    store = MemoryStore()  # type: ignore[assignment]
    _store: Store = Awaited()  # type: ignore[assignment]
    _subscriptions: Subscriptions = Awaited()  # type: ignore[assignment]
    _purses: Purses = Awaited()  # type: ignore[assignment]
    _commits: Commits = Awaited()  # type: ignore[assignment]
    _dues: Dues = Awaited()  # type: ignore[assignment]
    del store, subscriptions, purses, commits, dues


def what_asks_for_less_is_no_store() -> None:
    """A commit that guards nothing and a walk without a cursor are no ports."""
    _commits: Commits = Careless()  # type: ignore[assignment]
    _dues: Dues = Pageless()  # type: ignore[assignment]
    _purses: Purses = Careless()  # type: ignore[assignment]


def answers(store: Store, decision: Decision) -> None:
    """What each method of a store takes and returns."""
    stored = store.subscription(PROFILE)
    assert_type(stored, Stored[Subscription] | None)
    if stored is not None:
        assert_type(stored.value, Subscription)
        assert_type(stored.revision, Revision)
        assert_type(store.commit(decision, expected=stored.revision), Revision | None)
        stored.revision = REVISION  # type: ignore[misc]
    assert_type(store.balance(Purse(ACCOUNT)), Money | None)
    booked = store.postings(Purse(ACCOUNT), since=DAY, until=None)
    assert_type(booked, Sequence[Booked])
    assert_type(booked[0].posting, Posting)
    assert_type(booked[0].token, Token)
    assert_type(booked[0].index, int)
    assert_type(store.committed(decision.token), Revision | None)
    page = store.due(DAY, cursor=CURSOR, limit=5)
    assert_type(page, Page)
    assert_type(page.profiles, tuple[ProfileId, ...])
    assert_type(page.next, Cursor | None)
    store.commit(decision)  # type: ignore[call-arg]
    store.commit(decision, None)  # type: ignore[call-arg]
    store.commit(decision, expected="1")  # type: ignore[arg-type]
    store.commit(PLAN, expected=None)  # type: ignore[arg-type]
    store.subscription(profile=PROFILE)  # type: ignore[call-arg]
    store.subscription(ACCOUNT)  # type: ignore[arg-type]
    store.balance(ACCOUNT)  # type: ignore[arg-type]
    store.due(DAY, cursor=REVISION)  # type: ignore[arg-type]
    store.postings(Purse(ACCOUNT), DAY)  # type: ignore[call-arg]


def snapshots(store: MemoryStore) -> None:
    """What the reference store does beside the ports; no port asks for it."""
    snapshot = store.snapshot()
    assert_type(snapshot, Snapshot)
    assert_type(snapshot.subscriptions, Mapping[ProfileId, Stored[Subscription]])
    assert_type(snapshot.balances, Mapping[Purse, Money])
    assert_type(snapshot.postings, Mapping[Purse, tuple[Booked, ...]])
    assert_type(store.postings(Purse(ACCOUNT)), tuple[Booked, ...])
    store.restore(snapshot)
    snapshot.balances[Purse(ACCOUNT)] = FIVE  # type: ignore[index]
    store.restore(store)  # type: ignore[arg-type]
    plain: Store = store
    plain.snapshot()  # type: ignore[attr-defined]


def desks(tariff: Callable[[Offer, date], Tariff], catalogue: Catalogue, call: Call) -> None:
    """A desk returns what was committed, and its previews what would be."""
    assert_type(Desk(MemoryStore(), tariff=catalogue), Desk)
    desk = Desk(MemoryStore(), tariff=tariff)
    purse = Purse(ACCOUNT)
    assert_type(desk.buy(PLAN, account=ACCOUNT, profile=PROFILE, subscription=ID, on=DAY), Decision)
    assert_type(desk.change(PROFILE, PLAN, on=DAY, passed=timedelta(hours=6)), Decision)
    assert_type(desk.cancel(PROFILE, on=DAY), Decision)
    assert_type(desk.resume(PROFILE, on=DAY), Decision)
    assert_type(desk.terminate(PROFILE, on=DAY, refund=False), Decision)
    assert_type(desk.deposit(purse, FIVE, transfer="p", on=DAY, reason=Reason.BONUS), Decision)
    assert_type(desk.assign_credit(ACCOUNT, PROFILE, FIVE, transfer="t", on=DAY), Decision)
    assert_type(desk.take_back_credit(ACCOUNT, PROFILE, FIVE, transfer="t", on=DAY), Decision)
    assert_type(desk.expire_credit(purse, FIVE, transfer="e", on=DAY), Decision)
    assert_type(desk.use(PROFILE, call, on=DAY), Decision | None)
    assert_type(desk.statement(purse, since=DAY), Statement | None)
    assert_type(desk.run_due(on=DAY), Iterator[Outcome])
    assert_type(desk.preview, DeskActions[Preview])
    preview = desk.preview.change(PROFILE, PLAN, on=DAY)
    assert_type(preview, Preview)
    assert_type(preview.decision, Decision)
    assert_type(preview.revision, Revision | None)
    assert_type(desk.preview.deposit(purse, FIVE, transfer="p", on=DAY), Preview)
    assert_type(desk.commit(preview), Decision)
    desk.commit(preview.decision)  # type: ignore[arg-type]
    desk.preview.use(PROFILE, call, on=DAY)  # type: ignore[attr-defined]
    desk.change(PLAN, on=DAY)  # type: ignore[call-arg, arg-type]
    desk.cancel(PROFILE, DAY)  # type: ignore[call-arg]
    desk.cancel(ACCOUNT, on=DAY)  # type: ignore[arg-type]
    Desk(Awaited(), tariff=tariff)  # type: ignore[arg-type]
    Desk(MemoryStore(), tariff)  # type: ignore[call-arg]
    Desk(MemoryStore(), tariff=Tariff)  # type: ignore[arg-type]


def outcomes(outcome: Outcome) -> None:
    """What became of a profile at the end of a term."""
    assert_type(outcome.profile, ProfileId)
    assert_type(outcome.term, Term | None)
    assert_type(outcome.decision, Decision | None)
    assert_type(outcome.error, Exception | None)
    assert_type(outcome.failed, bool)
    if isinstance(outcome.error, Conflict):
        assert_type(outcome.error.expected, str | None)
        assert_type(outcome.error.found, str | None)
    if isinstance(outcome.error, TokenReused):
        assert_type(outcome.error.token, str)
    outcome.failed = True  # type: ignore[misc]


async def awaited_desks(tariff: Callable[[Offer, date], Tariff], call: Call) -> None:
    """The same, awaited; what is not awaited is no decision."""
    desk = AsyncDesk(Awaited(), tariff=tariff)
    purse = Purse(ACCOUNT)
    assert_type(await desk.change(PROFILE, PLAN, on=DAY), Decision)
    assert_type(
        await desk.buy(PLAN, account=ACCOUNT, profile=PROFILE, subscription=ID, on=DAY), Decision
    )
    assert_type(await desk.deposit(purse, FIVE, transfer="p", on=DAY), Decision)
    assert_type(await desk.use(PROFILE, call, on=DAY), Decision | None)
    assert_type(await desk.statement(purse), Statement | None)
    assert_type(desk.run_due(on=DAY), AsyncIterator[Outcome])
    assert_type([each async for each in desk.run_due(on=DAY)], list[Outcome])
    preview = await desk.preview.change(PROFILE, PLAN, on=DAY)
    assert_type(preview, Preview)
    assert_type(await desk.commit(preview), Decision)
    await desk.commit(desk.preview.cancel(PROFILE, on=DAY))  # type: ignore[arg-type]
    _ = desk.change(PROFILE, PLAN, on=DAY).postings  # type: ignore[attr-defined]
    AsyncDesk(MemoryStore(), tariff=tariff)  # type: ignore[arg-type]


def what_stores_and_desks_rest_on(held: Subscription, tariff: Tariff, call: Call) -> None:
    """A call's token, an expiry, a renewal that moves, and the form of what is stored."""
    assert_type(call_token(call), Token)
    assert_type(expire_credit(Purse(ACCOUNT), FIVE, transfer="e", on=DAY), Decision)
    assert_type(renew_without_bundles(held, tariff, on=DAY, plan=PLAN), Decision)
    assert_type(schema(Decision), dict[str, Any])
    call_token(call.id)  # type: ignore[arg-type]
    expire_credit(ACCOUNT, FIVE, transfer="e", on=DAY)  # type: ignore[arg-type]
    schema(held)  # type: ignore[arg-type]
