"""The types of stores and the billing service, checked by mypy and pyright and never run.

The methods of a class decide whether it is a store. Each line with ``type: ignore`` is a mistake
that a type checker must find. An ignore that is not needed is an error too.
"""

from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from datetime import date, timedelta
from typing import Any, assert_type

from channelplans.calendar import Term
from channelplans.calls import Call
from channelplans.errors import Conflict, TokenReused
from channelplans.money import EUR, Money
from channelplans.offers import SKYPE_CONNECT
from channelplans.plans import Offer, Plan
from channelplans.pricing import Quote
from channelplans.storage.billing import AsyncBilling, Billing, BillingActions
from channelplans.storage.codec import (
    Definitions,
    decode,
    decode_committed,
    decode_definition,
    definitions_of,
    digest,
    encode,
    schema,
)
from channelplans.storage.memory import MemoryStore, Snapshot
from channelplans.storage.ports import (
    AsyncStore,
    Booked,
    Cursor,
    Outcome,
    Page,
    Preview,
    Revision,
    Shard,
    Store,
    Stored,
    TransferPreview,
    shard_of,
)
from channelplans.subscriptions.actions import renew
from channelplans.subscriptions.call_records import call_token
from channelplans.subscriptions.catalogue import Catalogue
from channelplans.subscriptions.credit_lots import LotRule
from channelplans.subscriptions.decisions import Decision, Transfer
from channelplans.subscriptions.identifiers import AccountId, ProfileId, Token
from channelplans.subscriptions.invoices import Invoice
from channelplans.subscriptions.price_books import PriceBook, make_price_book
from channelplans.subscriptions.subscription import Subscription
from channelplans.subscriptions.transfers import expire_credit
from channelplans.subscriptions.wallets import Posting, Reason, Statement, Wallet
from channelplans.tariffs import Tariff

DAY = date(2026, 1, 5)
ACCOUNT, PROFILE, ID = "acme", "berlin", "s-1"
REVISION, CURSOR = Revision("1"), Cursor("c")
FIVE = Money.of("5", EUR)
PLAN = SKYPE_CONNECT.plan(channels=3, bundles=1)
TARIFF = Tariff("list", EUR, channel="6.95")


class Awaited:
    """An asynchronous store with other names for the positional parameters."""

    def __init__(self) -> None:
        self._store = MemoryStore()

    async def subscription(
        self, owner: AccountId, name: ProfileId, /
    ) -> Stored[Subscription] | None:
        """Return the subscription of a profile."""
        return self._store.subscription(owner, name)

    async def profiles(
        self, owner: AccountId, /, *, cursor: Cursor | None = None, limit: int = 1000
    ) -> Page[ProfileId]:
        """Return a page of the profiles of an account."""
        return self._store.profiles(owner, cursor=cursor, limit=limit)

    async def balance(self, key: Wallet, /, *, before: date | None = None) -> Money | None:
        """Return the balance of a wallet."""
        return self._store.balance(key, before=before)

    async def postings(
        self,
        key: Wallet,
        /,
        *,
        since: date | None = None,
        until: date | None = None,
        cursor: Cursor | None = None,
        limit: int = 1000,
    ) -> Page[Booked]:
        """Return a page of the postings of a wallet."""
        return self._store.postings(key, since=since, until=until, cursor=cursor, limit=limit)

    async def commit(
        self, action: Decision | Transfer, /, *, expected: Revision | None
    ) -> Revision | None:
        """Store a decision or a transfer."""
        return self._store.commit(action, expected=expected)

    async def decision(self, owner: AccountId, key: Token, /) -> Decision | Transfer | None:
        """Return a committed decision or transfer."""
        return self._store.decision(owner, key)

    async def decisions(
        self,
        owner: AccountId,
        /,
        *,
        since: date | None = None,
        until: date | None = None,
        cursor: Cursor | None = None,
        limit: int = 1000,
    ) -> Page[Decision | Transfer]:
        """Return a page of the decisions and transfers of an account."""
        return self._store.decisions(owner, since=since, until=until, cursor=cursor, limit=limit)

    async def due(
        self,
        day: date,
        /,
        *,
        account: AccountId | None = None,
        shard: Shard | None = None,
        cursor: Cursor | None = None,
        limit: int = 1000,
    ) -> Page[tuple[AccountId, ProfileId]]:
        """Return a page of due profiles."""
        return self._store.due(day, account=account, shard=shard, cursor=cursor, limit=limit)


class WithoutRevision(MemoryStore):
    """A store whose ``commit`` takes no revision."""

    def commit(self, decision: Decision | Transfer, /) -> Revision | None:  # type: ignore[override]
        """Overwrite the stored subscription."""


class WithoutTransfers(MemoryStore):
    """A store whose ``commit`` takes no transfers."""

    def commit(  # type: ignore[override]
        self, decision: Decision, /, *, expected: Revision | None
    ) -> Revision | None:
        """Store a decision."""


class WithoutPages(MemoryStore):
    """A store whose ``due`` has no pages."""

    def due(  # type: ignore[override]
        self, on: date, /
    ) -> Page[tuple[AccountId, ProfileId]]:
        """Return all due profiles, without a cursor."""
        return Page(())


class WithoutPostings:
    """A store that lacks a method."""

    subscription = MemoryStore.subscription
    profiles = MemoryStore.profiles
    balance = MemoryStore.balance
    commit = MemoryStore.commit
    decision = MemoryStore.decision
    decisions = MemoryStore.decisions
    due = MemoryStore.due


def complete_classes_are_stores() -> None:
    """The methods make a class a store. A base class is not needed."""
    store: Store = MemoryStore()
    assert_type(store.subscription(ACCOUNT, PROFILE), Stored[Subscription] | None)
    assert_type(store.balance(Wallet(ACCOUNT)), Money | None)
    assert_type(store.decision(ACCOUNT, "t"), Decision | Transfer | None)
    assert_type(store.due(DAY), Page[tuple[AccountId, ProfileId]])
    async_store: AsyncStore = Awaited()
    del async_store


def incomplete_classes_are_no_stores() -> None:
    """A store needs every method with all its parameters, and cannot be awaited."""
    _awaited: Store = Awaited()  # type: ignore[assignment]
    _not_awaited: AsyncStore = MemoryStore()  # type: ignore[assignment]
    _without_revision: Store = WithoutRevision()  # type: ignore[assignment]
    _without_transfers: Store = WithoutTransfers()  # type: ignore[assignment]
    _without_pages: Store = WithoutPages()  # type: ignore[assignment]
    _without_postings: Store = WithoutPostings()  # type: ignore[assignment]


def store_methods(store: Store, decision: Decision, transfer: Transfer) -> None:
    """Each method of a store takes and returns its types."""
    stored = store.subscription(ACCOUNT, PROFILE)
    assert_type(stored, Stored[Subscription] | None)
    if stored is not None:
        assert_type(stored.value, Subscription)
        assert_type(stored.revision, Revision)
        assert_type(store.commit(decision, expected=stored.revision), Revision | None)
        stored.revision = REVISION  # type: ignore[misc]
    assert_type(store.balance(Wallet(ACCOUNT)), Money | None)
    assert_type(store.commit(transfer, expected=None), Revision | None)
    assert_type(store.balance(Wallet(ACCOUNT), before=DAY), Money | None)
    booked = store.postings(Wallet(ACCOUNT), since=DAY, until=None, cursor=CURSOR, limit=5)
    assert_type(booked, Page[Booked])
    assert_type(booked.items[0].posting, Posting)
    assert_type(booked.items[0].token, Token)
    assert_type(booked.items[0].index, int)
    assert_type(store.decision(ACCOUNT, decision.token), Decision | Transfer | None)
    assert_type(store.decisions(ACCOUNT, since=DAY), Page[Decision | Transfer])
    assert_type(store.profiles(ACCOUNT), Page[ProfileId])
    page = store.due(DAY, account=ACCOUNT, shard=(0, 4), cursor=CURSOR, limit=5)
    assert_type(page.items, tuple[tuple[AccountId, ProfileId], ...])
    assert_type(page.next, Cursor | None)
    assert_type(shard_of(ACCOUNT, 4), int)
    store.commit(decision)  # type: ignore[call-arg]
    store.commit(decision, None)  # type: ignore[call-arg]
    store.commit(decision, expected="1")  # type: ignore[arg-type]
    store.commit(PLAN, expected=None)  # type: ignore[arg-type]
    store.subscription(PROFILE)  # type: ignore[call-arg]
    store.subscription(ACCOUNT, profile=PROFILE)  # type: ignore[call-arg]
    store.subscription(ACCOUNT, Wallet(ACCOUNT))  # type: ignore[arg-type]
    store.balance(ACCOUNT)  # type: ignore[arg-type]
    store.due(DAY, cursor=REVISION)  # type: ignore[arg-type]
    store.postings(Wallet(ACCOUNT), DAY)  # type: ignore[call-arg]


def snapshots(store: MemoryStore) -> None:
    """Only the in-memory store has snapshots. They are not part of a store."""
    snapshot = store.snapshot()
    assert_type(snapshot, Snapshot)
    assert_type(snapshot.subscriptions, Mapping[tuple[AccountId, ProfileId], Stored[Subscription]])
    assert_type(snapshot.balances, Mapping[Wallet, Money])
    assert_type(snapshot.postings, Mapping[Wallet, tuple[Booked, ...]])
    store.restore(snapshot)
    snapshot.balances[Wallet(ACCOUNT)] = FIVE  # type: ignore[index]
    store.restore(store)  # type: ignore[arg-type]
    plain: Store = store
    plain.snapshot()  # type: ignore[attr-defined]


class OwnPrices:
    """A price book of an application, without a base class."""

    def for_sale(
        self, plan: Plan, *, account: str, profile: str, on: date, previous: Subscription | None
    ) -> Tariff:
        """Return a tariff for a purchase."""
        return TARIFF

    def for_change(self, subscription: Subscription, plan: Plan, *, on: date) -> Tariff:
        """Return a tariff for a change."""
        return TARIFF

    def for_call(self, subscription: Subscription, call: Call, quote: Quote) -> Tariff:
        """Return a tariff for a call."""
        return quote.tariff

    def for_renewal(self, subscription: Subscription) -> tuple[Plan, Tariff]:
        """Return the plan and the tariff of the next term."""
        return subscription.plan, TARIFF


class OnlySales:
    """A class that lacks three methods of a price book."""

    for_sale = OwnPrices.for_sale


def no_extra_postings(decision: Decision) -> list[Posting]:
    """Return no postings."""
    return []


def prices(tariff: Tariff, catalogue: Catalogue) -> None:
    """A billing service accepts four kinds of prices, and postings of the application."""
    book: PriceBook = OwnPrices()
    Billing(MemoryStore(), prices=book)
    Billing(MemoryStore(), prices=OwnPrices(), extra_postings=no_extra_postings)
    Billing(MemoryStore(), prices=tariff, extra_postings=lambda decision: decision.postings)
    Billing(MemoryStore(), prices=catalogue, extra_postings=None)
    Billing(MemoryStore(), prices=lambda account, offer, day: tariff)
    AsyncBilling(Awaited(), prices=OwnPrices(), extra_postings=no_extra_postings)
    AsyncBilling(Awaited(), prices=lambda account, offer, day: tariff)
    Billing(MemoryStore(), prices=tariff, lot_rules=[LotRule(Reason.BONUS)])
    AsyncBilling(Awaited(), prices=tariff, lot_rules=(LotRule(Reason.BONUS),))
    assert_type(make_price_book(catalogue), PriceBook)
    Billing(MemoryStore(), prices=OnlySales())  # type: ignore[arg-type]
    Billing(MemoryStore(), prices=lambda offer, day: tariff)  # type: ignore[arg-type, misc]
    Billing(MemoryStore(), prices=tariff, extra_postings=[])  # type: ignore[arg-type]
    refused: PriceBook = catalogue  # type: ignore[assignment]
    make_price_book(refused)


def billing_service(
    tariff: Callable[[str, Offer, date], Tariff], catalogue: Catalogue, call: Call
) -> None:
    """The billing service returns committed decisions, and ``preview`` returns previews."""
    assert_type(Billing(MemoryStore(), prices=catalogue), Billing)
    billing = Billing(MemoryStore(), prices=tariff)
    wallet = Wallet(ACCOUNT)
    assert_type(
        billing.buy(PLAN, account=ACCOUNT, profile=PROFILE, subscription=ID, on=DAY), Decision
    )
    assert_type(billing.change(ACCOUNT, PROFILE, plan=PLAN, on=DAY), Decision)
    assert_type(billing.change(ACCOUNT, PROFILE, channels=3, on=DAY, request="r"), Decision)
    assert_type(billing.cancel(ACCOUNT, PROFILE, on=DAY), Decision)
    assert_type(billing.resume(ACCOUNT, PROFILE, on=DAY), Decision)
    assert_type(billing.lapse(ACCOUNT, PROFILE, on=DAY), Decision)
    assert_type(billing.terminate(ACCOUNT, PROFILE, on=DAY, refund=False), Decision)
    assert_type(billing.deposit(wallet, FIVE, transfer="p", on=DAY, reason=Reason.BONUS), Transfer)
    assert_type(billing.assign_credit(ACCOUNT, PROFILE, FIVE, transfer="t", on=DAY), Transfer)
    assert_type(billing.take_back_credit(ACCOUNT, PROFILE, FIVE, transfer="t", on=DAY), Transfer)
    assert_type(billing.charge(wallet, FIVE, transfer="f", on=DAY), Transfer)
    assert_type(billing.expire_credit(wallet, on=DAY), tuple[Transfer, ...])
    assert_type(billing.record_call(ACCOUNT, PROFILE, call, on=DAY), Decision)
    assert_type(billing.subscription(ACCOUNT, PROFILE), Subscription | None)
    assert_type(billing.balance(wallet), Money)
    assert_type(billing.statement(wallet, since=DAY, currency=EUR), Statement)
    assert_type(billing.invoice(ACCOUNT, since=DAY, until=DAY), Invoice)
    assert_type(billing.admits(ACCOUNT, PROFILE, 3, on=DAY), bool)
    assert_type(billing.longest_call(ACCOUNT, PROFILE, call, on=DAY), timedelta)
    assert_type(billing.run_due(on=DAY, shard=(0, 4)), tuple[Outcome, ...])
    assert_type(billing.iter_due(on=DAY), Iterator[Outcome])
    assert_type(billing.catch_up(ACCOUNT, on=DAY), tuple[Outcome, ...])
    assert_type(billing.preview, BillingActions[Preview, TransferPreview])
    preview = billing.preview.change(ACCOUNT, PROFILE, plan=PLAN, on=DAY)
    assert_type(preview, Preview)
    assert_type(preview.decision, Decision)
    assert_type(preview.revision, Revision | None)
    assert_type(billing.commit(preview), Decision)
    transfer_preview = billing.preview.deposit(wallet, FIVE, transfer="p", on=DAY)
    assert_type(transfer_preview, TransferPreview)
    assert_type(transfer_preview.transfer, Transfer)
    assert_type(billing.commit(transfer_preview), Transfer)
    billing.commit(preview.decision)  # type: ignore[call-overload]
    billing.preview.record_call(ACCOUNT, PROFILE, call, on=DAY)  # type: ignore[attr-defined]
    billing.change(ACCOUNT, PROFILE, PLAN, on=DAY)  # type: ignore[call-arg, arg-type]
    billing.cancel(PROFILE, on=DAY)  # type: ignore[call-arg]
    billing.cancel(ACCOUNT, PROFILE, DAY)  # type: ignore[call-arg]
    billing.cancel(ACCOUNT, wallet, on=DAY)  # type: ignore[arg-type]
    Billing(Awaited(), prices=tariff)  # type: ignore[arg-type]
    Billing(MemoryStore(), tariff)  # type: ignore[call-arg]
    Billing(MemoryStore(), prices=Tariff)  # type: ignore[arg-type]


class LoadedOnDemand:
    """Offers and tariffs that are loaded when they are needed; no other method is needed."""

    def __getitem__(self, key: str, /) -> Tariff:
        """Return the tariff with a digest."""
        raise KeyError(key)


def codec(tariff: Tariff, preview: Preview, stored: object) -> None:
    """``decode`` returns the type that the caller passes."""
    assert_type(encode(SKYPE_CONNECT), dict[str, Any])
    assert_type(decode(Offer, stored), Offer)
    assert_type(decode(Tariff, stored), Tariff)
    definitions = definitions_of(preview)
    assert_type(definitions, Mapping[str, Offer | Tariff])
    assert_type(decode(Plan, stored, definitions=definitions), Plan)
    assert_type(decode_committed(stored, definitions=definitions), Decision | Transfer)
    assert_type(decode_definition(stored), Offer | Tariff)
    assert_type(digest(tariff), str)
    only_tariffs: dict[str, Tariff] = {digest(tariff): tariff}
    accepted: list[Definitions] = [definitions, only_tariffs, LoadedOnDemand()]
    assert_type(decode(Preview, encode(preview), definitions=accepted[0]), Preview)
    encode(tariff.currency)  # type: ignore[arg-type]
    digest(PLAN)  # type: ignore[arg-type]
    decode(stored)  # type: ignore[call-arg, arg-type]
    decode(Plan, stored, definitions)  # type: ignore[call-arg]
    decode(Plan, stored, definitions=[tariff])  # type: ignore[arg-type]
    decode(Plan, stored, definitions={1: tariff})  # type: ignore[dict-item]


def outcomes(outcome: Outcome) -> None:
    """An outcome has a profile with its decision or error."""
    assert_type(outcome.account, AccountId)
    assert_type(outcome.profile, ProfileId | None)
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


async def asynchronous_billing_service(
    tariff: Callable[[str, Offer, date], Tariff], call: Call
) -> None:
    """The actions are the same, but return coroutines instead of decisions."""
    billing = AsyncBilling(Awaited(), prices=tariff)
    wallet = Wallet(ACCOUNT)
    assert_type(await billing.change(ACCOUNT, PROFILE, plan=PLAN, on=DAY), Decision)
    assert_type(
        await billing.buy(PLAN, account=ACCOUNT, profile=PROFILE, subscription=ID, on=DAY), Decision
    )
    assert_type(await billing.deposit(wallet, FIVE, transfer="p", on=DAY), Transfer)
    assert_type(await billing.record_call(ACCOUNT, PROFILE, call, on=DAY), Decision)
    assert_type(await billing.subscription(ACCOUNT, PROFILE), Subscription | None)
    assert_type(await billing.balance(wallet), Money)
    assert_type(await billing.statement(wallet), Statement)
    assert_type(await billing.invoice(ACCOUNT, since=DAY, until=DAY), Invoice)
    assert_type(await billing.admits(ACCOUNT, PROFILE, 3, on=DAY), bool)
    assert_type(await billing.longest_call(ACCOUNT, PROFILE, call, on=DAY), timedelta)
    assert_type(await billing.expire_credit(wallet, on=DAY), tuple[Transfer, ...])
    assert_type(await billing.catch_up(ACCOUNT, on=DAY), tuple[Outcome, ...])
    assert_type(await billing.run_due(on=DAY, shard=(0, 4)), tuple[Outcome, ...])
    assert_type(billing.iter_due(on=DAY), AsyncIterator[Outcome])
    assert_type([outcome async for outcome in billing.iter_due(on=DAY)], list[Outcome])
    preview = await billing.preview.change(ACCOUNT, PROFILE, plan=PLAN, on=DAY)
    assert_type(preview, Preview)
    assert_type(await billing.commit(preview), Decision)
    transfer_preview = await billing.preview.deposit(wallet, FIVE, transfer="p", on=DAY)
    assert_type(transfer_preview, TransferPreview)
    assert_type(await billing.commit(transfer_preview), Transfer)
    await billing.commit(billing.preview.cancel(ACCOUNT, PROFILE, on=DAY))  # type: ignore[call-overload]
    _ = billing.cancel(ACCOUNT, PROFILE, on=DAY).postings  # type: ignore[attr-defined]
    AsyncBilling(MemoryStore(), prices=tariff)  # type: ignore[arg-type]


def functions_for_stores(subscription: Subscription, tariff: Tariff, call: Call) -> None:
    """Stores and the billing service use these functions for tokens, decisions and schemas."""
    assert_type(call_token(call), Token)
    assert_type(expire_credit(Wallet(ACCOUNT), FIVE, transfer="e", on=DAY), Transfer)
    assert_type(renew(subscription, tariff, on=DAY, plan=PLAN, keep_bundles=False), Decision)
    assert_type(schema(Decision), dict[str, Any])
    call_token(call.id)  # type: ignore[arg-type]
    expire_credit(ACCOUNT, FIVE, transfer="e", on=DAY)  # type: ignore[arg-type]
    schema(subscription)  # type: ignore[arg-type]
