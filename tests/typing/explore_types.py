"""The types of the room ``explore``, checked by mypy and pyright and never run.

Each line with ``type: ignore`` is a mistake that a type checker must find. An ignore that is not
needed is an error too.
"""

import csv
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import assert_type

from channelplans.explore import (
    CallInterval,
    CallLog,
    Combination,
    DailyCalls,
    Forecast,
    ForecastEntry,
    ForecastRun,
    Load,
    Need,
    Option,
    PlanComparison,
    Product,
    RefusedRow,
    Replay,
    TrafficReport,
    break_even,
    compare_plans,
    fewest_channels,
    forecast,
    forecast_account,
    iter_forecast,
    iter_forecast_account,
    measure_traffic,
    read_calls,
    replay,
)
from channelplans.money import EUR, Money
from channelplans.offers import SKYPE_CONNECT
from channelplans.plans import Plan
from channelplans.storage.memory import MemoryStore
from channelplans.storage.ports import Preview, TransferPreview
from channelplans.subscriptions.catalogue import Catalogue
from channelplans.subscriptions.identifiers import ProfileId
from channelplans.subscriptions.subscription import Action, Subscription
from channelplans.subscriptions.wallets import Posting, Wallet
from channelplans.tariffs import Tariff

DAY, UNTIL = date(2026, 1, 5), date(2027, 1, 5)
TEN = datetime(2026, 1, 5, 10, tzinfo=UTC)
TARIFF = Tariff("list", EUR, channel="6.95")


def call_records(export: list[str], rows: list[dict[str, object]]) -> CallLog:
    """Rows of any source become a log of calls, with the rows that were refused."""
    log = read_calls(csv.DictReader(export), start="calldate", seconds="duration", zone=UTC)
    assert_type(log, CallLog)
    assert_type(log.calls, tuple[CallInterval, ...])
    assert_type(log.refused, tuple[RefusedRow, ...])
    assert_type(read_calls(rows, seconds="seconds"), CallLog)
    call = CallInterval(TEN, timedelta(minutes=3), "c-1")
    assert_type(call.id, str | None)
    assert_type(call.start, datetime)
    read_calls(5, seconds="seconds")  # type: ignore[arg-type]
    CallInterval(DAY, timedelta(minutes=3))  # type: ignore[arg-type]
    return log


def traffic(calls: list[CallInterval]) -> TrafficReport:
    """A report has numbers and times; a load is a float, because it is an average."""
    report = measure_traffic(calls, zone=UTC)
    assert_type(report, TrafficReport)
    assert_type(report.peak, int)
    assert_type(report.peak_at, datetime)
    assert_type(report.busy_hour, int)
    assert_type(report.erlangs, float)
    assert_type(report.hours, tuple[Load, ...])
    assert_type(report.share_above(3), float)
    assert_type(report.to_records(), list[dict[str, object]])
    measure_traffic(calls)  # type: ignore[call-arg]
    measure_traffic(calls, zone="UTC")  # type: ignore[arg-type]
    report.peak = 3  # type: ignore[misc]
    return report


def replays(calls: Iterator[CallInterval]) -> None:
    """A replay takes any iterable of calls."""
    replayed = replay(calls, channels=3)
    assert_type(replayed, Replay)
    assert_type(replayed.refused, tuple[CallInterval, ...])
    assert_type(replayed.blocking, float)
    assert_type(replayed.unused_channels, tuple[int, ...])
    assert_type(fewest_channels(calls, blocking=0.02), int)
    replay(calls, 3)  # type: ignore[call-arg]
    fewest_channels(calls)  # type: ignore[call-arg]


def needs(report: TrafficReport) -> None:
    """A need takes one of three, and traffic as a number, as text or as a report."""
    need = Need(channels=3, minutes={"US": 300, "DE": "12.5", "FR": Fraction(1, 3)})
    assert_type(need, Need)
    assert_type(need.needed, int)
    assert_type(need.minutes, Mapping[str, Fraction])
    assert_type(Need(employees=30).employees, int | None)
    assert_type(Need(traffic=report).traffic, float | None)
    for erlangs in (3, 3.0, "3.0", Decimal(3), Fraction(3)):
        assert_type(Need(traffic=erlangs), Need)
    Need(3)  # type: ignore[call-arg]
    Need(traffic=[report])  # type: ignore[arg-type]
    Need(channels=3, minutes={"US": 0.5})  # type: ignore[dict-item]


def comparisons(need: Need) -> None:
    """An option may have no combination, and a comparison always has an option."""
    product = Product(SKYPE_CONNECT, TARIFF)
    assert_type(product.tariff, Tariff)
    comparison = compare_plans(need, [product])
    assert_type(comparison, PlanComparison)
    assert_type(comparison.options, tuple[Option, ...])
    assert_type(comparison.cheapest, Option)
    assert_type(comparison.cheapest.best, Combination | None)
    if comparison.cheapest.best is not None:
        assert_type(comparison.cheapest.best.plans, tuple[Plan, ...])
        assert_type(comparison.cheapest.best.per_30_days, Money)
    assert_type(break_even(SKYPE_CONNECT, TARIFF), timedelta)
    compare_plans(need, product)  # type: ignore[arg-type]
    Product(TARIFF, SKYPE_CONNECT)  # type: ignore[arg-type]
    break_even(product)  # type: ignore[call-arg, arg-type]


def forecasts(berlin: Subscription, catalogue: Catalogue, profiles: Iterator[Subscription]) -> None:
    """A forecast takes one subscription or any iterable of them, and all kinds of prices."""
    credit = {Wallet("acme"): Money.of("50", EUR)}
    calls = [DailyCalls("berlin", "US", timedelta(minutes=3), count=40)]
    result = forecast(berlin, until=UNTIL, prices=TARIFF, balances=credit, calls_per_day=calls)
    assert_type(result, Forecast)
    assert_type(forecast(profiles, until=UNTIL, prices=catalogue, on=DAY), Forecast)
    assert_type(
        forecast([berlin], until=UNTIL, prices=lambda account, offer, day: TARIFF), Forecast
    )
    assert_type(result.postings, tuple[Posting, ...])
    assert_type(result.entries, tuple[ForecastEntry, ...])
    assert_type(result.runs_dry_on, date | None)
    assert_type(result.fails_first, ForecastEntry | None)
    assert_type(result.top_up, Money)
    assert_type(result.charged, Money)
    assert_type(result.opening, Money | None)
    assert_type(result.closing, Money | None)
    assert_type(result.balances, Mapping[date, Money])
    assert_type(result.problems, tuple[ForecastEntry, ...])
    assert_type(result.to_records(), list[dict[str, object]])
    run = iter_forecast(berlin, until=UNTIL, prices=TARIFF)
    assert_type(run, ForecastRun)
    assert_type(run.charged, Money)
    assert_type(run.runs_dry_on, date | None)
    assert_type(run.fails_first, ForecastEntry | None)
    for entry in run:
        assert_type(entry, ForecastEntry)
        assert_type(entry.day, date)
        assert_type(entry.profile, ProfileId)
        assert_type(entry.action, Action | None)
        assert_type(entry.amount, Money)
        assert_type(entry.balance, Money | None)
        assert_type(entry.error, Exception | None)
    forecast(berlin, prices=TARIFF)  # type: ignore[call-arg]
    forecast("berlin", until=UNTIL, prices=TARIFF)  # type: ignore[arg-type]
    forecast(berlin, until=UNTIL, prices=TARIFF, balances={"acme": 5})  # type: ignore[dict-item]
    forecast(berlin, until=UNTIL, prices=TARIFF, calls_per_day=[5])  # type: ignore[list-item]
    result.top_up = Money.zero(EUR)  # type: ignore[misc]


def forecasts_of_a_store(preview: Preview, deposit: TransferPreview) -> None:
    """A store gives the account, and a preview of any kind can be applied before."""
    store = MemoryStore()
    result = forecast_account(store, "acme", on=DAY, until=UNTIL, prices=TARIFF)
    assert_type(result, Forecast)
    run = iter_forecast_account(store, "acme", on=DAY, until=UNTIL, prices=TARIFF, after=preview)
    assert_type(run, ForecastRun)
    forecast_account(store, "acme", on=DAY, until=UNTIL, prices=TARIFF, after=deposit)
    forecast_account(store, "acme", until=UNTIL, prices=TARIFF)  # type: ignore[call-arg]
    forecast_account("acme", store, on=DAY, until=UNTIL, prices=TARIFF)  # type: ignore[arg-type]
    forecast_account(store, "acme", on=DAY, until=UNTIL, prices=TARIFF, after=5)  # type: ignore[arg-type]
