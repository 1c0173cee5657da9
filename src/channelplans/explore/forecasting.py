"""What will be charged to an account, and until when its credit lasts.

A forecast does what a run on each day would do: it renews at the prices of the new term's first
day, and lets a subscription lapse that the wallet cannot pay. It commits nothing. The rules are
those of ``Billing.run_due``, and the code is the same.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from types import MappingProxyType
from typing import Final

from channelplans._checks import civil_day
from channelplans.explore._forecast_accounts import AnyPreview
from channelplans.explore._forecast_inputs import (
    Options,
    Task,
    read_options,
    read_store,
    read_values,
)
from channelplans.explore.forecasts import DailyCalls, Forecast, ForecastRun
from channelplans.money import Money
from channelplans.storage._extra_postings import ExtraPostings
from channelplans.storage._store_checks import check_synchronous
from channelplans.storage._synchronous import make_awaitable, run_at_once
from channelplans.storage.ports import Store
from channelplans.subscriptions.identifiers import AccountId
from channelplans.subscriptions.price_books import Prices
from channelplans.subscriptions.subscription import Subscription
from channelplans.subscriptions.wallets import Wallet

__all__ = [
    "forecast",
    "forecast_account",
    "iter_forecast",
    "iter_forecast_account",
]

_NO_BALANCES: Final[Mapping[Wallet, Money]] = MappingProxyType({})


def forecast(
    subscriptions: Subscription | Iterable[Subscription],
    *,
    until: date,
    prices: Prices,
    balances: Mapping[Wallet, Money] = _NO_BALANCES,
    calls_per_day: Sequence[DailyCalls] = (),
    on: date | None = None,
    after: AnyPreview | None = None,
    extra_postings: ExtraPostings | None = None,
) -> Forecast:
    """Return what will be charged for subscriptions, and until when the credit lasts.

    It is what a run on each day would do, if no more credit comes in (H8, F 3.9, F 6.3). The
    assumed calls of a day are recorded after the run of that day.

    Args:
        subscriptions: one subscription, or the subscriptions of one account, at most one of each
            profile. Subscriptions that are over are ignored.
        until: the first day that is left out.
        prices: the prices, also the future ones: what ``Billing`` takes.
        balances: the balances of the account's wallet and of profiles' wallets on the first day.
            The present terms count as paid, so pass the balance after the purchases; ``settle``
            books them. A wallet that is missing pays everything.
        calls_per_day: calls that profiles are assumed to make on each day.
        on: the first day, usually today. None means the day of the latest action on one of the
            subscriptions, or of the preview.
        after: a preview; the forecast is then that of the account after its commit. The preview's
            own postings are in the opening balance, not in the entries.
        extra_postings: as for ``Billing``.

    Raises:
        WrongType: an argument has the wrong type, such as a datetime instead of a date.
        InvalidValue: there are no subscriptions, two of one profile or of several accounts; a
            balance is of another account or of a profile that is not passed; ``until`` is not after
            the first day; the first day is before the latest action on a subscription; calls or the
            preview do not belong to the subscriptions.
        CurrencyMismatch: a subscription, a price or a balance is in another currency.
        InsufficientCredit: a wallet cannot pay the preview.
        UnknownRate, BarredNumber: assumed calls have no price, or cannot be made.

    >>> from datetime import date
    >>> from channelplans import EUR, SKYPE_CONNECT, Money, Tariff, Wallet, buy
    >>> from channelplans.explore import forecast
    >>> tariff = Tariff("list", EUR, channel="6.95")
    >>> plan, day = SKYPE_CONNECT.plan(channels=5), date(2026, 1, 5)
    >>> berlin = buy(
    ...     plan, tariff, account="acme", profile="berlin", subscription="s-1", on=day
    ... ).after  # 34.75 EUR for 30 days
    >>> credit = {Wallet("acme"): Money.of("50", EUR)}  # after the purchase
    >>> result = forecast(berlin, until=date(2026, 4, 1), prices=tariff, balances=credit)
    >>> print(*result.postings)
    2026-02-04 account 'acme': -34.75 EUR, renewal for 2026-02-04 to 2026-03-06
    >>> print(result.runs_dry_on, result.top_up)  # 2 renewals cost 69.50 EUR
    2026-03-06 19.50 EUR
    """
    options = read_options(on, until, prices, calls_per_day, after, extra_postings)
    task = read_values(subscriptions, balances, options)
    return task.make_forecast()


def iter_forecast(
    subscriptions: Subscription | Iterable[Subscription],
    *,
    until: date,
    prices: Prices,
    balances: Mapping[Wallet, Money] = _NO_BALANCES,
    calls_per_day: Sequence[DailyCalls] = (),
    on: date | None = None,
    after: AnyPreview | None = None,
    extra_postings: ExtraPostings | None = None,
) -> ForecastRun:
    """Return the entries of ``forecast`` one at a time, sorted by day.

    Memory does not grow with the number of charges. The present term of each profile is kept, and
    nothing else. The arguments are checked at once. The iterator has a length hint.

    Args:
        subscriptions: as for ``forecast``. An iterator is read at once.
        until: as for ``forecast``.
        prices: as for ``forecast``.
        balances: as for ``forecast``.
        calls_per_day: as for ``forecast``.
        on: as for ``forecast``.
        after: as for ``forecast``.
        extra_postings: as for ``forecast``.

    Raises:
        WrongType, InvalidValue, CurrencyMismatch, InsufficientCredit: as for ``forecast``, at once.
            Errors of prices and of calls are raised while you iterate.

    >>> from datetime import date
    >>> from channelplans import EUR, SKYPE_CONNECT, Tariff, buy
    >>> from channelplans.explore import iter_forecast
    >>> tariff = Tariff("list", EUR, channel="6.95")
    >>> plan, day = SKYPE_CONNECT.plan(channels=5), date(2026, 1, 5)
    >>> berlin = buy(
    ...     plan, tariff, account="acme", profile="berlin", subscription="s-1", on=day
    ... ).after
    >>> run = iter_forecast(berlin, until=date(2026, 4, 1), prices=tariff)
    >>> for entry in run:
    ...     print(entry.day, entry.profile, entry.amount)
    2026-02-04 berlin -34.75 EUR
    2026-03-06 berlin -34.75 EUR
    >>> print(run.charged)
    69.50 EUR
    """
    options = read_options(on, until, prices, calls_per_day, after, extra_postings)
    task = read_values(subscriptions, balances, options)
    return task.start()


def forecast_account(
    store: Store,
    account: AccountId,
    *,
    on: date,
    until: date,
    prices: Prices,
    calls_per_day: Sequence[DailyCalls] = (),
    after: AnyPreview | None = None,
    extra_postings: ExtraPostings | None = None,
) -> Forecast:
    """Return what will be charged to an account of a store, and until when its credit lasts.

    It is what ``Billing(store, prices=prices, extra_postings=extra_postings)`` would do with a run
    on each day from ``on`` on, if nothing else is committed. Postings of the store that are dated
    on later days count from their days on. Only the subscriptions that are due before ``until``
    are read.

    Args:
        store: the store. Nothing is committed.
        account: the account.
        on: the first day, usually today. Overdue subscriptions are settled on that day.
        until: the first day that is left out.
        prices: the prices, also the future ones: what ``Billing`` takes.
        calls_per_day: calls that profiles are assumed to make on each day.
        after: a preview of an action or a transfer of the account; the forecast is then that of the
            account after its commit. The preview's own postings, and what its commit settles
            first, are in the opening balance, not in the entries.
        extra_postings: as for ``Billing``.

    Raises:
        UnknownWallet: the account has no postings and no subscriptions.
        Conflict: the subscription has changed since the preview.
        WrongType, InvalidValue, CurrencyMismatch, InsufficientCredit: as for ``forecast``.
        UnknownRate, BarredNumber: as for ``forecast``.

    >>> from datetime import date
    >>> from channelplans import EUR, SKYPE_CONNECT, Billing, MemoryStore, Money, Tariff, Wallet
    >>> from channelplans.explore import forecast_account
    >>> store, tariff = MemoryStore(), Tariff("list", EUR, channel="6.95")
    >>> billing, day = Billing(store, prices=tariff), date(2026, 1, 5)
    >>> paid_in = billing.deposit(Wallet("acme"), Money.of("100", EUR), transfer="p-1", on=day)
    >>> purchase = billing.buy(
    ...     SKYPE_CONNECT.plan(channels=5),
    ...     account="acme",
    ...     profile="berlin",
    ...     subscription="s-1",
    ...     on=day,
    ... )
    >>> today, until = date(2026, 1, 20), date(2026, 4, 1)
    >>> result = forecast_account(store, "acme", on=today, until=until, prices=tariff)
    >>> print(result.opening, result.runs_dry_on, result.top_up, sep=", ")
    65.25 EUR, 2026-03-06, 4.25 EUR
    >>> preview = billing.preview.change("acme", "berlin", channels=3, on=today)
    >>> changed = forecast_account(
    ...     store, "acme", on=today, until=until, prices=tariff, after=preview
    ... )
    >>> print(changed.opening, changed.runs_dry_on, changed.top_up, sep=", ")
    61.78 EUR, None, 0.00 EUR
    """
    options = read_options(civil_day("on", on), until, prices, calls_per_day, after, extra_postings)
    return _read_account(store, account, options).make_forecast()


def iter_forecast_account(
    store: Store,
    account: AccountId,
    *,
    on: date,
    until: date,
    prices: Prices,
    calls_per_day: Sequence[DailyCalls] = (),
    after: AnyPreview | None = None,
    extra_postings: ExtraPostings | None = None,
) -> ForecastRun:
    """Return the entries of ``forecast_account`` one at a time, sorted by day.

    The account is read from the store at once, page by page. See ``iter_forecast``.

    Args:
        store: as for ``forecast_account``.
        account: as for ``forecast_account``.
        on: as for ``forecast_account``.
        until: as for ``forecast_account``.
        prices: as for ``forecast_account``.
        calls_per_day: as for ``forecast_account``.
        after: as for ``forecast_account``.
        extra_postings: as for ``forecast_account``.

    Raises:
        UnknownWallet, Conflict: as for ``forecast_account``, at once.
        WrongType, InvalidValue, CurrencyMismatch, InsufficientCredit: as for ``forecast``, at once.
            Errors of prices and of calls are raised while you iterate.

    >>> from datetime import date
    >>> from channelplans import EUR, SKYPE_CONNECT, Billing, MemoryStore, Money, Tariff, Wallet
    >>> from channelplans.explore import iter_forecast_account
    >>> store, tariff = MemoryStore(), Tariff("list", EUR, channel="6.95")
    >>> billing, day = Billing(store, prices=tariff), date(2026, 1, 5)
    >>> paid_in = billing.deposit(Wallet("acme"), Money.of("100", EUR), transfer="p-1", on=day)
    >>> purchase = billing.buy(
    ...     SKYPE_CONNECT.plan(channels=5),
    ...     account="acme",
    ...     profile="berlin",
    ...     subscription="s-1",
    ...     on=day,
    ... )
    >>> until = date(2026, 3, 1)
    >>> run = iter_forecast_account(store, "acme", on=day, until=until, prices=tariff)
    >>> for entry in run:
    ...     print(entry.day, entry.amount, entry.balance, sep=", ")
    2026-02-04, -34.75 EUR, 30.50 EUR
    """
    options = read_options(civil_day("on", on), until, prices, calls_per_day, after, extra_postings)
    return _read_account(store, account, options).start()


def _read_account(store: Store, account: AccountId, options: Options) -> Task:
    awaitable = make_awaitable(check_synchronous(store))
    return run_at_once(read_store(awaitable, account, options))
