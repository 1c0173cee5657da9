"""What a billing service reads: balances, statements and invoices."""

from collections.abc import Awaitable, Sequence
from datetime import date

from channelplans._checks import civil_day, instance
from channelplans.errors import UnknownWallet
from channelplans.money import Currency, Money
from channelplans.storage._pages import read_items
from channelplans.storage.ports import AsyncStore, Booked, Cursor, Page
from channelplans.subscriptions.decisions import Decision, Transfer
from channelplans.subscriptions.identifiers import AccountId, ProfileId
from channelplans.subscriptions.invoices import Invoice, make_invoice
from channelplans.subscriptions.wallets import Posting, Statement, Wallet

__all__: tuple[str, ...] = ()


async def balance(store: AsyncStore, wallet: Wallet) -> Money:
    """Return the balance of a wallet that has postings."""
    amount = await store.balance(instance("wallet", wallet, Wallet))
    if amount is None:
        raise UnknownWallet(str(wallet))
    return amount


async def statement(
    store: AsyncStore,
    wallet: Wallet,
    since: date | None,
    until: date | None,
    currency: Currency | None,
) -> Statement:
    """Return a statement; read only its own postings and one opening balance."""
    for parameter, day in (("since", since), ("until", until)):
        if day is not None:
            civil_day(parameter, day)
    before = date.min if since is None else since
    opening = await store.balance(instance("wallet", wallet, Wallet), before=before)
    if opening is None:
        if currency is None:
            raise UnknownWallet(str(wallet))
        return Statement(wallet, Money.zero(instance("currency", currency, Currency)), ())
    postings = await _postings(store, wallet, since, until)
    postings.sort(key=lambda posting: posting.counts_from)
    return Statement(wallet, opening, tuple(postings))


async def invoice(
    store: AsyncStore,
    account: AccountId,
    since: date,
    until: date,
    currency: Currency | None,
) -> Invoice:
    """Return the invoice of an account; read only its own decisions and the opening balances."""
    for parameter, day in (("since", since), ("until", until)):
        civil_day(parameter, day)
    balances = [
        await store.balance(wallet, before=since) for wallet in await wallets_of(store, account)
    ]
    known = [balance for balance in balances if balance is not None]
    if not known:
        if currency is None:
            raise UnknownWallet(str(Wallet(account)))
        known = [Money.zero(instance("currency", currency, Currency))]

    def read_page(cursor: Cursor | None) -> Awaitable[Page[Decision | Transfer]]:
        return store.decisions(account, since=since, until=until, cursor=cursor)

    decisions = [decision async for decision in read_items(read_page)]
    opening = sum(known[1:], start=known[0])
    return make_invoice(account, decisions, opening=opening, since=since, until=until)


async def postings_of_account(store: AsyncStore, wallet: Wallet) -> dict[Wallet, Sequence[Posting]]:
    """Return all postings of each wallet of an account, in commit order; at least of the wallet.

    The wallet's own postings are read first. A posting that comes in while the others are read is
    then noticed when the transfer is committed.
    """
    histories = {wallet: await _postings(store, wallet, None, None)}
    for other in await wallets_of(store, wallet.account):
        if other != wallet:
            histories[other] = await _postings(store, other, None, None)
    return dict(histories)


async def wallets_of(store: AsyncStore, account: AccountId) -> list[Wallet]:
    """Return the wallet of an account and those of its profiles."""

    def read_page(cursor: Cursor | None) -> Awaitable[Page[ProfileId]]:
        return store.profiles(account, cursor=cursor)

    profiles = [profile async for profile in read_items(read_page)]
    return [Wallet(account), *(Wallet(account, profile) for profile in profiles)]


async def _postings(
    store: AsyncStore, wallet: Wallet, since: date | None, until: date | None
) -> list[Posting]:
    def read_page(cursor: Cursor | None) -> Awaitable[Page[Booked]]:
        return store.postings(wallet, since=since, until=until, cursor=cursor)

    return [booked.posting async for booked in read_items(read_page)]
