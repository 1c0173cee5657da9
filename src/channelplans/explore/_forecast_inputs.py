"""What a forecast is asked for, read from values or from a store, and checked.

Each error names the argument or the item that is wrong.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from typing import Final, cast

import attrs

from channelplans._checks import civil_day, identifier, instance, several, shown
from channelplans.errors import (
    Conflict,
    CurrencyMismatch,
    InvalidValue,
    UnknownWallet,
    WrongType,
    cut,
    quoted,
)
from channelplans.explore._forecast_accounts import (
    NO_REVISION,
    Account,
    AnyPreview,
    Books,
    read_change,
)
from channelplans.explore._forecast_walk import Walk
from channelplans.explore.forecasts import DailyCalls, Forecast, ForecastRun
from channelplans.money import Currency, Money
from channelplans.storage._account_days import Credit
from channelplans.storage._extra_postings import ExtraPostings, check_extra_postings
from channelplans.storage._settlement import load_due, read_credit
from channelplans.storage.ports import AsyncStore, Preview, Stored, TransferPreview
from channelplans.subscriptions.decisions import Decision, Transfer
from channelplans.subscriptions.identifiers import AccountId, ProfileId
from channelplans.subscriptions.price_books import PriceBook, Prices, make_price_book
from channelplans.subscriptions.subscription import Subscription
from channelplans.subscriptions.wallets import Wallet

__all__: tuple[str, ...] = ()

_DAY: Final = timedelta(days=1)


@attrs.frozen
class Options:
    """What both kinds of forecasts are asked for.

    Attributes:
        on: the first day; None for the latest action.
        until: the first day that is left out.
        prices: the prices of renewals and calls.
        calls: the assumed calls.
        preview: what is done before; None for nothing.
        extra_postings: the application's postings for a decision.
    """

    on: date | None
    until: date
    prices: PriceBook
    calls: tuple[DailyCalls, ...]
    preview: AnyPreview | None
    extra_postings: ExtraPostings | None

    @property
    def change(self) -> Decision | Transfer | None:
        """The decision or the transfer of the preview."""
        if self.preview is None:
            return None
        return read_change(self.preview)


def read_options(
    on: date | None,
    until: date,
    prices: Prices,
    calls_per_day: Sequence[DailyCalls],
    after: AnyPreview | None,
    extra_postings: ExtraPostings | None,
) -> Options:
    """Check what both kinds of forecasts are asked for."""
    calls = several(
        "calls_per_day", calls_per_day, lambda name, item: instance(name, item, DailyCalls)
    )
    options = Options(
        None if on is None else civil_day("on", on),
        civil_day("until", until),
        make_price_book(prices),
        calls,
        after,
        check_extra_postings(extra_postings),
    )
    if after is not None and not isinstance(after, (Preview, TransferPreview)):
        raise WrongType("after", shown(after), "a Preview, a TransferPreview or None")
    if on is not None:
        check_days(on, until)
    return options


@attrs.frozen
class Task:
    """An account, its assumed calls, and the days of the forecast."""

    account: Account
    calls: tuple[DailyCalls, ...]
    since: date
    until: date

    def start(self) -> ForecastRun:
        """Return the entries, one at a time."""
        return self._run(self._start_walk())

    def make_forecast(self) -> Forecast:
        """Compute as if everything was paid, and once more if the credit is not enough."""
        walk = self._start_walk(pays_all=True)
        entries = tuple(self._run(walk))
        top_up = -walk.lowest
        if top_up.minor and walk.opening is not None:
            walk = self._start_walk()
            entries = tuple(self._run(walk))
        return Forecast(
            self.account.name,
            self.since,
            self.until,
            walk.opening,
            entries,
            top_up,
            walk.overdrafts,
        )

    def _start_walk(self, *, pays_all: bool = False) -> Walk:
        return Walk(self.account, self.calls, since=self.since, until=self.until, pays_all=pays_all)

    def _run(self, walk: Walk) -> ForecastRun:
        return ForecastRun(walk.entries(), walk.left, walk.opening, self.account.zero)


def read_values(
    subscriptions: Subscription | Iterable[Subscription],
    balances: Mapping[Wallet, Money],
    options: Options,
) -> Task:
    """Return a forecast from values."""
    items = (subscriptions,) if isinstance(subscriptions, Subscription) else subscriptions
    if not isinstance(items, Iterable):
        raise WrongType("subscriptions", shown(items), "a Subscription, or several of them")
    profiles, change = _Profiles(), options.change
    for index, item in enumerate(items):
        parameter = f"subscriptions[{index}]"
        profiles.add(parameter, Stored(instance(parameter, item, Subscription), NO_REVISION))
    if isinstance(change, Decision):
        _check_before(change, profiles)
    account, currency = profiles.identify(change)
    if account is None or currency is None:
        raise InvalidValue("subscriptions", "none", "at least one subscription")
    known, zero = _check_balances(balances, profiles, change), Money.zero(currency)
    credit = Credit(known.get(Wallet(account), zero))
    return _make_task(options, profiles, zero, credit, Books(known.get))


async def read_store(store: AsyncStore, account: AccountId, options: Options) -> Task:
    """Return a forecast of an account of a store."""
    profiles, last_day = _Profiles(identifier("account", account)), options.until - _DAY
    if options.preview is not None:
        profiles.check_account("after", read_change(options.preview).account)
        if await _is_committed(store, options.preview):
            options = attrs.evolve(options, preview=None)
    change = options.change
    due = await _load_due(store, account, last_day)
    await _add_callers(store, due, profiles, options)
    if isinstance(options.preview, Preview):
        await _check_revision(store, options.preview)
    balances = await _read_balances(store, profiles, options)
    for wallet, balance in balances.items():
        profiles.check_currency(f"the wallet of {wallet}", balance.currency)
    _, currency = profiles.identify(change)
    if currency is None:
        raise UnknownWallet(str(Wallet(account)))
    zero, days = Money.zero(currency), [stored.value.term.end for stored in due]
    days += [change.on] if change else []
    first_day = min([cast(date, options.on), *days])
    credit = await read_credit(store, account, first_day, last_day)
    if credit.balance is None:
        credit.balance = zero
    books = Books(lambda wallet: balances.get(wallet, zero))
    return _make_task(options, profiles, zero, credit, books)


async def _load_due(
    store: AsyncStore, account: AccountId, last_day: date
) -> list[Stored[Subscription]]:
    """Load the subscriptions that are due by a day; raise an error if one cannot be loaded."""
    due, failures = await load_due(store, account, last_day)
    for profile, error in failures:
        error.add_note(f"The subscription of profile {quoted(profile)} could not be loaded.")
        raise error
    return due


async def _add_callers(
    store: AsyncStore, due: Iterable[Stored[Subscription]], profiles: "_Profiles", options: Options
) -> None:
    """Add the subscriptions that are due, and those of the profiles with assumed calls."""
    for stored in due:
        profiles.add(f"profile {quoted(stored.value.profile)}", stored)
    for name in {calls.profile: None for calls in options.calls}:
        if name not in profiles.stored:
            found = await store.subscription(cast(AccountId, profiles.account), name)
            if found is not None:
                profiles.add(f"profile {quoted(name)}", found)


async def _is_committed(store: AsyncStore, preview: AnyPreview) -> bool:
    """Return whether a preview was committed already, so that the store has its effect."""
    change = read_change(preview)
    return await store.decision(change.account, change.token) == change


async def _check_revision(store: AsyncStore, preview: Preview) -> None:
    """Refuse a preview whose subscription has changed since, as its commit would."""
    after = preview.decision.after
    stored = await store.subscription(after.account, after.profile)
    found = None if stored is None else stored.revision
    if found != preview.revision:
        raise Conflict(after.account, after.profile, preview.revision, found)


async def _read_balances(
    store: AsyncStore, profiles: "_Profiles", options: Options
) -> dict[Wallet, Money]:
    """Return the balances of the wallets that may pay; a wallet without postings is left out."""
    account = cast(AccountId, profiles.account)
    names = [calls.profile for calls in options.calls]
    if options.extra_postings is not None:
        names += profiles.stored
    wallets = dict.fromkeys([Wallet(account), *(Wallet(account, name) for name in names)])
    if options.change is not None:
        wallets |= dict.fromkeys(options.change.deltas)
    balances = {wallet: await store.balance(wallet) for wallet in wallets}
    return {wallet: balance for wallet, balance in balances.items() if balance is not None}


@attrs.define
class _Profiles:
    """The subscriptions of an account, by profile.

    Attributes:
        account: the account; None before the first subscription.
        currency: the currency of the account; None if nothing says it.
        stored: the subscription of each profile.
    """

    account: AccountId | None = None
    currency: Currency | None = None
    stored: dict[ProfileId, Stored[Subscription]] = attrs.field(factory=dict)

    def add(self, parameter: str, stored: Stored[Subscription]) -> None:
        """Add a subscription of a new profile of the account."""
        subscription = stored.value
        self.check_account(parameter, subscription.account)
        self.check_currency(parameter, subscription.quote.tariff.currency)
        if subscription.profile in self.stored:
            found = f"a second subscription of profile {quoted(subscription.profile)}"
            raise InvalidValue(parameter, found, "the only subscription of its profile")
        self.stored[subscription.profile] = stored

    def identify(
        self, change: Decision | Transfer | None
    ) -> tuple[AccountId | None, Currency | None]:
        """Return the account and its currency, if need be from the change; None if unknown."""
        if change is not None:
            self.check_account("after", change.account)
            self.check_currency("after", _currency_of(change))
        return self.account, self.currency

    def check_currency(self, parameter: str, currency: Currency) -> None:
        """Refuse an amount in another currency than that of the account."""
        self.currency = self.currency or currency
        if currency != self.currency:
            advice = f"{parameter} is in {currency.code}"
            raise CurrencyMismatch(str(self.currency), str(currency), advice)

    def check_account(self, parameter: str, account: AccountId) -> None:
        """Refuse an item of another account."""
        self.account = self.account or account
        if account != self.account:
            expected = f"of account {quoted(self.account)}, as the others"
            raise InvalidValue(parameter, f"of account {quoted(account)}", expected)


def _currency_of(change: Decision | Transfer) -> Currency:
    if isinstance(change, Decision):
        return change.after.quote.tariff.currency
    return change.postings[0].amount.currency


def _check_before(change: Decision, profiles: _Profiles) -> None:
    """Refuse a preview that was made for another state of a subscription."""
    stored = profiles.stored.get(change.after.profile)
    if stored is not None and stored.value != change.before:
        found = f"a preview for another state of profile {quoted(change.after.profile)}"
        raise InvalidValue("after", found, "made for the subscription that is passed")


def _check_balances(
    balances: Mapping[Wallet, Money], profiles: _Profiles, change: Decision | Transfer | None
) -> dict[Wallet, Money]:
    """Return the balances; refuse those of other accounts and of unknown profiles."""
    amount = f'Money.of("500", {cast(Currency, profiles.currency).code})'
    if not isinstance(balances, Mapping):
        account = quoted(cast(AccountId, profiles.account))
        expected = f"a mapping of wallets to money, such as {{Wallet({account}): {amount}}}"
        raise WrongType("balances", shown(balances), expected)
    names: set[ProfileId | None] = {None, *profiles.stored}
    if isinstance(change, Decision):
        names.add(change.after.profile)
    for wallet, balance in balances.items():
        if not isinstance(wallet, Wallet):
            expected = f"a mapping whose keys are wallets, such as Wallet({str(wallet)!r})"
            raise WrongType("balances", f"one with the key {shown(wallet)}", cut(expected))
        if not isinstance(balance, Money):
            expected = f"a Money, such as {amount}"
            raise WrongType(f"balances[{wallet}]", shown(balance), expected)
        if wallet.account != profiles.account or wallet.profile not in names:
            owner = f"account {quoted(cast(AccountId, profiles.account))}"
            expected = f"of {owner}, or of one of its profiles that are passed"
            raise InvalidValue("balances", f"of {wallet}", expected)
        profiles.check_currency(f"balances[{wallet}]", balance.currency)
    return dict(balances)


def _make_task(
    options: Options,
    profiles: _Profiles,
    zero: Money,
    credit: Credit,
    books: Books,
) -> Task:
    """Apply the preview, check the days and the callers, and return the forecast."""
    account = Account(
        cast(AccountId, profiles.account),
        zero,
        options.prices,
        options.extra_postings,
        profiles.stored,
        credit,
        books,
    )
    since = _find_first_day(options, profiles)
    if options.preview is not None:
        account.apply(options.preview)
    for index, calls in enumerate(options.calls):
        if calls.profile not in account.subscriptions:
            expected = "a profile with a subscription"
            raise InvalidValue(f"calls_per_day[{index}].profile", quoted(calls.profile), expected)
    return Task(account, options.calls, since, options.until)


def _find_first_day(options: Options, profiles: _Profiles) -> date:
    """Return the first day of the forecast; refuse one before the latest actions."""
    latest, name = date.min, "nothing"
    for profile, stored in profiles.stored.items():
        day = stored.value.acted_on or stored.value.term.start
        if day > latest:
            latest, name = day, f"the latest action on profile {quoted(profile)}"
    if options.change is not None and options.change.on > latest:
        latest, name = options.change.on, "the preview"
    since = options.on or latest
    if since < latest:
        raise InvalidValue("on", str(since), f"on or after {latest}, the day of {name}")
    check_days(since, options.until)
    return since


def check_days(since: date, until: date) -> None:
    """Refuse a forecast that ends before it begins."""
    if until <= since:
        raise InvalidValue("until", str(until), f"after {since}, the first day of the forecast")
