"""The package does no input or output, reads no clock and keeps no state outside the store.

The first tests call everything public under an audit hook. The others read the source code.
"""

import ast
import enum
import inspect
import os
import pickle
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from importlib import import_module
from itertools import islice
from pathlib import Path
from typing import Any

import attrs
import dateutil.relativedelta  # noqa: F401 - imported here, before the hook records imports
import pytest

import channelplans
from channelplans import errors as all_errors, rules, sizing
from channelplans._display import Folded, Sourced, Table
from channelplans.allowances import Allowance
from channelplans.calendar import Days, Months, Term
from channelplans.calls import Call, rate_call
from channelplans.errors import ChannelPlansError
from channelplans.explore.call_logs import CallInterval, CallLog, RefusedRow
from channelplans.explore.comparison import compare_plans
from channelplans.explore.forecasting import forecast
from channelplans.explore.forecasts import DailyCalls, Overdraft
from channelplans.explore.needs import Need, Product
from channelplans.explore.replays import ReplayedCall, replay
from channelplans.explore.traffic import measure_traffic
from channelplans.money import EUR, Currency, Money, Rounding
from channelplans.offers import OFFERS, SKYPE_CONNECT
from channelplans.pricing import quote, refund
from channelplans.quantities import Step, normalize_quantity
from channelplans.storage.billing import AsyncBilling, Billing
from channelplans.storage.codec import Encoder, definitions_of, encode
from channelplans.storage.memory import MemoryStore
from channelplans.storage.ports import (
    Booked,
    Cursor,
    Outcome,
    Page,
    Preview,
    Stored,
    TransferPreview,
)
from channelplans.subscriptions.actions import buy, cancel
from channelplans.subscriptions.catalogue import Catalogue, Edition
from channelplans.subscriptions.credit_lots import LotRule, open_lots, payments
from channelplans.subscriptions.decisions import Request
from channelplans.subscriptions.invoices import make_invoice
from channelplans.subscriptions.price_changes import RuleDifference, compare_editions
from channelplans.subscriptions.subscription import RUNNING, Action, PreviousTerm
from channelplans.subscriptions.transfers import deposit
from channelplans.subscriptions.wallets import Posting, Reason, Statement, Wallet
from channelplans.tariffs import Item, Ladder, LadderMode, Rate, Tariff, Tier

pytestmark = pytest.mark.slow

ROOT = Path(channelplans.__file__).parent
# The room `testing` may use threads, processes and an event loop. The other rooms may not.
EXCLUDED_ROOMS = {"testing"}


def module_name(path):
    """Return the name of a source file's module, such as ``storage.codec``.

    The ``__init__`` of a room has the room's name, and the package root is ``channelplans``.
    """
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(part for part in parts if part != "__init__") or "channelplans"


def load(name):
    """Import a module by its name within the package."""
    return import_module(name if name == "channelplans" else f"channelplans.{name}")


SOURCES = {
    module_name(path): path
    for path in sorted(ROOT.rglob("*.py"))
    if path.relative_to(ROOT).with_suffix("").parts[0] not in EXCLUDED_ROOMS
}
TREES = {name: ast.parse(path.read_text(encoding="utf-8")) for name, path in SOURCES.items()}
# matplotlib reads fonts and settings, so this module is only read, not called.
DRAWING_MODULE = "explore.charts"
# Importing a module also loads everything that the package root loads when a name is first used.
MODULES = {name: load(name) for name in SOURCES if name != DRAWING_MODULE}
# A room's __init__ only repeats the names of its modules.
ROOMS = {name for name, path in SOURCES.items() if path.stem == "__init__"}

Arguments = tuple[tuple[Any, ...], dict[str, Any]]

# Python cannot remove an audit hook, so the hook records events only while `recording` is true.
# All modules are imported before that, as an import is itself an event.
EVENTS = {"open", "import", "exec", "compile"}
EVENT_PREFIXES = (
    "ctypes.",
    "glob.",
    "mmap.",
    "os.",
    "pathlib.",
    "shutil.",
    "socket.",
    "sqlite3.",
    "subprocess.",
    "syslog.",
    "tempfile.",
    "urllib.",
)
recorded_events: list[str] = []
recording = False


def record_event(event, arguments):
    """Record an event of input or output while recording is on."""
    if recording and (event in EVENTS or event.startswith(EVENT_PREFIXES)):
        recorded_events.append(f"{event}{arguments!r}")


@pytest.fixture(scope="module", autouse=True)
def _hook():
    """Call record_event for each event from the first test of this module on.

    Not from the import on: with a hook, Python 3.11 sometimes does not trace new threads.
    """
    sys.addaudithook(record_event)


@contextmanager
def assert_no_events():
    """Record the events of a block, and fail if there are any."""
    global recording  # noqa: PLW0603 - the hook outlives each test
    recorded_events.clear()
    recording = True
    try:
        yield
    finally:
        recording = False
    assert [] == recorded_events


DAY = date(2026, 1, 5)
MID_TERM = date(2026, 1, 15)
TERM = Term(DAY, date(2026, 2, 4))
MINUTE = timedelta(minutes=1)
HALF = Fraction(1, 2)
IDS: dict[str, Any] = {"account": "acme", "profile": "berlin", "subscription": "s-1"}
TARIFF = Tariff("made up", EUR, "6.95", "10", "0.021", {"DE": "0.02"})
PLAN = SKYPE_CONNECT.plan(channels=3, bundles=1)
PLAN_2011 = OFFERS["skype-connect-2011"].plan(channels=4, bundles=2)
QUOTE = quote(PLAN, TARIFF, on=DAY)
WALLET = Wallet("acme")
FIVE_EUROS = Money(minor=500, currency=EUR)
POSTING = Posting(WALLET, FIVE_EUROS, Reason.DEPOSIT, DAY, TERM, "p-1")
CALL = Call("c-1", "+1 212 555 0100", "US", DAY, MINUTE)
ALLOWANCE = Allowance(MINUTE * 2, MINUTE)
PURCHASE = buy(PLAN, TARIFF, on=DAY, **IDS)
SUBSCRIPTION = PURCHASE.after
CANCELLED = cancel(SUBSCRIPTION, on=MID_TERM).after
REFUND = refund(QUOTE, on=MID_TERM)
RATED_CALL = rate_call(CALL, Allowance(MINUTE * 5000, MINUTE * 5000), TARIFF, offer=SKYPE_CONNECT)
QUANTITY = normalize_quantity(105, SKYPE_CONNECT.quantity)
NOTICE = SKYPE_CONNECT.notices[0]
ON_TERM_END = {"on": TERM.end}
ON_MID_TERM = {"on": MID_TERM}
LADDER = Ladder(
    (Tier(5, unit="7"), Tier(None, unit="5", flat="1", pack=10)), mode=LadderMode.GRADUATED
)
LADDER_TARIFF = attrs.evolve(TARIFF, name="by ladder", channel=LADDER, channel_setup="1")
YONDER_SUBSCRIPTION = buy(
    OFFERS["voip-yonder"].plan(channels=3, bundles=1), LADDER_TARIFF, on=DAY, **IDS
).after
LARGER_YONDER_PLAN = OFFERS["voip-yonder"].plan(channels=8, bundles=2)
EDITION = Edition(SKYPE_CONNECT, TARIFF, DAY, date(2026, 2, 1))
NEXT_EDITION = Edition(SKYPE_CONNECT, LADDER_TARIFF, date(2026, 2, 1))
CATALOGUE = Catalogue((EDITION, NEXT_EDITION))
COMPARISON = compare_editions(EDITION, NEXT_EDITION, (SUBSCRIPTION,))
BONUS_RULE = LotRule(Reason.BONUS, Months(1), since_use=True, priority=-1)
POSTINGS = (
    attrs.evolve(POSTING, reason=Reason.BONUS),
    attrs.evolve(POSTING, amount=-Money(minor=200, currency=EUR), reason=Reason.CALL),
)
(LOT,) = open_lots(POSTINGS, (BONUS_RULE,), on=DAY)
(PAYMENT,) = payments(POSTINGS, (BONUS_RULE,))
HUNDRED_EUROS = Money(minor=10_000, currency=EUR)
DEPOSIT = deposit(WALLET, HUNDRED_EUROS, transfer="p-1", on=DAY)
STORE = MemoryStore()
STORE.commit(DEPOSIT, expected=None)
REVISION = STORE.commit(PURCHASE, expected=None)
assert REVISION is not None
SNAPSHOT = STORE.snapshot()
DEFINITIONS = definitions_of(PURCHASE)
NEED = Need(channels=3, minutes={"US": 6000, "DE": 10})
PRODUCT = Product(SKYPE_CONNECT, TARIFF)
PLAN_COMPARISON = compare_plans(NEED, [PRODUCT])
#: The renewals that are due in February and in March.
FORECAST_DAYS: dict[str, Any] = {"on": MID_TERM, "until": date(2026, 4, 1), "prices": TARIFF}
FORECAST = forecast(SUBSCRIPTION, balances={WALLET: FIVE_EUROS}, **FORECAST_DAYS)
INVOICE = make_invoice("acme", [PURCHASE, DEPOSIT], opening=FIVE_EUROS, since=DAY, until=MID_TERM)

CALL_INTERVAL = CallInterval(datetime(2026, 1, 5, 10, tzinfo=UTC), MINUTE, "c-1")
REPORT = measure_traffic([CALL_INTERVAL], zone=UTC)


def field_values(value):
    """Return the arguments from which an attrs value can be made again."""
    return {
        field.alias: getattr(value, field.name) for field in attrs.fields(type(value)) if field.init
    }


def samples_of(*values):
    """Return each value's class name with the arguments that make the value again."""
    return {type(value).__name__: ((), field_values(value)) for value in values}


# Sample arguments for each public function.
FUNCTION_ARGUMENTS: dict[str, Arguments] = {
    "subscriptions.price_books.make_price_book": ((CATALOGUE,), {}),
    "subscriptions.price_changes.compare_editions": ((EDITION, NEXT_EDITION, (SUBSCRIPTION,)), {}),
    "explore.call_logs.find_duplicates": (([5, 6], [7, 8], ["a", "a"]), {}),
    "explore.call_logs.measure_intervals": (([CALL_INTERVAL],), {}),
    "explore.call_logs.read_calls": ((CALL_INTERVAL.to_records(),), {"seconds": "seconds"}),
    "explore.call_logs.refuse_duplicates": (([5, 6], [7, 8], ["a", None]), {}),
    "explore.replays.fewest_channels": (([CALL_INTERVAL],), {"blocking": 0.02}),
    "explore.replays.iter_replay": (([CALL_INTERVAL],), {"channels": 1}),
    "explore.replays.replay": (([CALL_INTERVAL],), {"channels": 1}),
    "explore.traffic.measure_traffic": (([CALL_INTERVAL],), {"zone": UTC}),
    "storage.codec.decode": ((type(PLAN), encode(PLAN)), {"definitions": DEFINITIONS}),
    "storage.codec.decode_committed": ((encode(PURCHASE),), {"definitions": DEFINITIONS}),
    "storage.codec.decode_definition": ((encode(LADDER_TARIFF),), {}),
    "storage.codec.definitions_of": ((PURCHASE,), {}),
    "storage.codec.digest": ((LADDER_TARIFF,), {}),
    "storage.codec.encode": ((CATALOGUE,), {}),
    "storage.ports.check_shard": (((0, 2),), {}),
    "storage.ports.shard_of": (("acme", 4), {}),
    "storage.codec.schema": ((type(PURCHASE),), {}),
    "explore.comparison.break_even": ((SKYPE_CONNECT, TARIFF), {}),
    "explore.comparison.compare_plans": ((NEED, [PRODUCT]), {}),
    "explore.forecasting.forecast": ((SUBSCRIPTION,), FORECAST_DAYS),
    "explore.forecasting.forecast_account": ((STORE, "acme"), FORECAST_DAYS),
    "explore.forecasting.iter_forecast": ((SUBSCRIPTION,), FORECAST_DAYS),
    "explore.forecasting.iter_forecast_account": ((STORE, "acme"), FORECAST_DAYS),
    "explore.needs.format_minutes": ((HALF,), {}),
    "explore.needs.measure": ((NEED, PRODUCT), {}),
    "explore.plan_options.last_step": ((NEED,), {}),
    "tariffs.format_price": ((Decimal("6.95"), EUR), {}),
    "tariffs.format_rate": ((Rate("0.02"), EUR.code), {}),
    "_numbers.dialled_digits": (("+1 212 555 0100",), {}),
    "_numbers.international_digits": (("+49 (0)30 555 0100",), {}),
    "_numbers.is_prefix": (("4915",), {}),
    "_numbers.national_digits": (("030 555 0100", "49", "0"), {}),
    "_prices.as_decimal": (("6.95",), {}),
    "_prices.check_price": (("price", Decimal("6.95"), 2), {}),
    "_prices.scale": ((Decimal("6.95"), Fraction(1, 2), 2), {}),
    "subscriptions._lot_merge.merge_histories": (({WALLET: POSTINGS},), {}),
    "subscriptions._lot_replay.wallet_order": ((WALLET,), {}),
    "subscriptions.credit_lots.expiries": ((POSTINGS, (BONUS_RULE,)), {"on": date(2026, 3, 1)}),
    "subscriptions.credit_lots.merge_wallets": (([POSTINGS],), {}),
    "subscriptions.credit_lots.open_lots": ((POSTINGS, (BONUS_RULE,)), ON_MID_TERM),
    "subscriptions.credit_lots.payments": ((POSTINGS, (BONUS_RULE,)), {}),
    "subscriptions.invoice_lines.decision_lines": ((PURCHASE,), {}),
    "subscriptions.invoice_lines.line_cells": ((INVOICE.lines[0],), {}),
    "subscriptions.invoice_lines.sum_calls": ((INVOICE.lines,), {}),
    "subscriptions.invoices.make_invoice": (
        ("acme", [PURCHASE]),
        {"opening": FIVE_EUROS, "since": DAY, "until": MID_TERM},
    ),
    "_checks.bounded": (("count", 1, 0, 2), {}),
    "_checks.aware": (("start", CALL_INTERVAL.start), {}),
    "_checks.civil_day": (("on", DAY), {}),
    "_checks.time_zone": (("zone", UTC), {}),
    "_checks.identifier": (("account", "acme"), {}),
    "_checks.instance": (("term", TERM, Term), {}),
    "_checks.several": (("weights", [1, 2], lambda _, weight: weight), {}),
    "_checks.short_identifier": (("profile", "berlin"), {}),
    "_checks.short_repr": ((5,), {}),
    "_checks.shown": ((5,), {}),
    "_checks.text": (("name", "acme"), {}),
    "_checks.whole": (("count", 1), {}),
    "allowances.not_negative": (("duration", timedelta(1)), {}),
    "money.make_money": ((5, EUR), {}),
    "money.too_large": ((EUR,), {}),
    "money.exact": (("price", "6.95"), {}),
    "money.read": (("price", "6.95", EUR), {}),
    "money.same_currency": ((EUR, EUR), {}),
    "money.columns": ((), {"paid": FIVE_EUROS}),
    "money.round_ratio": ((5, 2, Rounding.HALF_EVEN), {}),
    "calendar.civil_date": ((datetime(2026, 1, 5, tzinfo=UTC), UTC), {}),
    "calendar.days_after": ((DAY, Months(1)), {}),
    "calendar.renewal_dates": ((DAY, Months(1)), {}),
    "calendar.nth_term": ((DAY, Months(1), 1, 31), {}),
    "calendar.number_of_term_ending": ((DAY, Months(1), MID_TERM), {}),
    "calendar.term_ends": ((DAY, Months(1)), {}),
    "calendar.term_at": ((DAY, Months(1), 1), {}),
    "rules.check_bundles": ((1, 1, SKYPE_CONNECT.bundle), {}),
    "rules.check_change": ((DAY,), {"on": MID_TERM, "rule": SKYPE_CONNECT.change}),
    "quantities.grant": ((105, SKYPE_CONNECT.quantity), {}),
    "quantities.normalize_quantity": ((105, SKYPE_CONNECT.quantity), {}),
    "quantities.profiles_for": ((437, SKYPE_CONNECT.quantity), {}),
    "quantities.split_profiles": ((437, SKYPE_CONNECT.quantity), {}),
    "rules.validate_bundles": ((1,), {"channels": 1, "rule": SKYPE_CONNECT.bundle}),
    "subscriptions.wallets.deltas": (([POSTING],), {}),
    "subscriptions.wallets.settle": (({WALLET: FIVE_EUROS}, [POSTING]), {}),
    "subscriptions.wallets.settle_wallet": (
        (WALLET, FIVE_EUROS, FIVE_EUROS),
        {"may_overdraw": False},
    ),
    "subscriptions.wallets.insufficient_credit": (
        (WALLET,),
        {"needed": FIVE_EUROS, "available": FIVE_EUROS},
    ),
    "subscriptions.wallets.signed": ((FIVE_EUROS,), {}),
    "plans.quantity_columns": ((PLAN_2011,), {}),
    "plans.violations": ((SKYPE_CONNECT,), {"channels": 350, "bundles": -1}),
    "calls.billable": ((MINUTE, SKYPE_CONNECT.calls), {}),
    "_display.clock": ((MINUTE,), {}),
    "_display.counted": ((2, "day"), {}),
    "_display.fold": ((["line"] * 13, "line"), {}),
    "_display.make_long_table": ((("a",), range(30), lambda number: (str(number),)), {}),
    "_display.one_line": (("Days(count=2", ")"), {}),
    "calls.covered": ((CALL, OFFERS["skype-connect-2011"].bundle), {}),
    "pricing.amend_quote": (
        (YONDER_SUBSCRIPTION.quote, LARGER_YONDER_PLAN),
        {"on": MID_TERM, "effect": rules.ChangeEffect.PRORATE},
    ),
    "calls.longest_call": (
        (CALL, ALLOWANCE, TARIFF),
        {"offer": SKYPE_CONNECT, "account": FIVE_EUROS, "profile": FIVE_EUROS},
    ),
    "pricing.price_term": ((PLAN_2011, TARIFF, QUOTE.term, QUOTE.anchor), {}),
    "pricing.quote": ((PLAN_2011, TARIFF), {"on": DAY}),
    "calls.rate_call": ((CALL, ALLOWANCE, TARIFF), {"offer": SKYPE_CONNECT}),
    "pricing.refund": ((QUOTE,), ON_MID_TERM),
    "erlang.channels_for": ((4.37,), {"blocking": 0.02}),
    "erlang.engset": ((0.1, 50, 5), {}),
    "erlang.engset_by_total_load": ((4.37, 50, 5), {}),
    "erlang.erlang_b": ((4.37, 8), {}),
    "erlang.extended_erlang_b": ((4.37, 8), {"retries": 0.5}),
    "erlang.load_for": ((8,), {"blocking": 0.02}),
    "erlang.log_erlang_b": ((4.37, 8), {}),
    "sizing.suggest_channels": ((437,), {}),
    "subscriptions.transfers.assign_credit": (
        ("acme", "berlin", FIVE_EUROS),
        {"transfer": "t", "on": DAY},
    ),
    "erlang.checked_blocking": (("blocking", 0.02), {}),
    "erlang.checked_load": (("erlangs", 4.37), {}),
    "_loss_sums.carried_per_refused": ((4.37, 8, 1.0), {}),
    "_loss_sums.log_poisson": ((4.37, 8), {}),
    "_loss_sums.refused_part": ((0.5,), {}),
    "_loss_sums.sum_states": ((4.37, 8, None), {}),
    "errors.cut": (("berlin",), {}),
    "errors.quoted": (("berlin",), {}),
    "subscriptions.catalogue.name_edition": ((SKYPE_CONNECT, TARIFF), {}),
    "subscriptions.decisions.join_token": (("transfer", "p-1"), {}),
    "subscriptions.transitions.is_allowed": ((SUBSCRIPTION, Action.CANCEL), {}),
    "subscriptions.transitions.next_status": ((SUBSCRIPTION, Action.CANCEL, MID_TERM), {}),
    "subscriptions.transitions.possible_days": ((SUBSCRIPTION, Action.CANCEL), {}),
    "subscriptions.call_records.minutes_for": ((SUBSCRIPTION, CALL), {}),
    "subscriptions.call_records.quote_for": ((SUBSCRIPTION, CALL), {}),
    "subscriptions.actions.buy": ((PLAN_2011, TARIFF), {**IDS, "on": DAY}),
    "subscriptions.call_records.call_token": ((CALL,), {}),
    "subscriptions.actions.cancel": ((SUBSCRIPTION,), ON_MID_TERM),
    "subscriptions.actions.change": ((SUBSCRIPTION, PLAN_2011, TARIFF), ON_MID_TERM),
    "subscriptions.transfers.deposit": ((WALLET, FIVE_EUROS), {"transfer": "t", "on": DAY}),
    "subscriptions.actions.expire": ((CANCELLED,), ON_TERM_END),
    "subscriptions.transfers.charge": ((WALLET, FIVE_EUROS), {"transfer": "t", "on": DAY}),
    "subscriptions.transfers.expire_credit": ((WALLET, FIVE_EUROS), {"transfer": "t", "on": DAY}),
    "subscriptions.actions.lapse": ((SUBSCRIPTION,), ON_TERM_END),
    "subscriptions.actions.renew": (
        (YONDER_SUBSCRIPTION, LADDER_TARIFF),
        {"on": YONDER_SUBSCRIPTION.term.end, "keep_bundles": False},
    ),
    "subscriptions.actions.resume": ((CANCELLED,), ON_MID_TERM),
    "subscriptions.transfers.take_back_credit": (
        ("acme", "berlin", FIVE_EUROS),
        {"transfer": "t", "on": DAY},
    ),
    "subscriptions.actions.terminate": ((SUBSCRIPTION,), ON_MID_TERM),
    "subscriptions.call_records.record_call": ((SUBSCRIPTION, CALL, TARIFF), {"on": DAY}),
}
# Sample arguments for each class of values.
VALUE_ARGUMENTS: dict[str, Arguments] = samples_of(
    Table(("a", "b"), (("1", "<2>"),), right=("b",)),
    Sourced("a rule", "https://example.com"),
    Folded("rules", ("a rule",)),
    EUR,
    FIVE_EUROS,
    Days(1),
    Months(1),
    TERM,
    Step(100, 10),
    SKYPE_CONNECT.quantity,
    QUANTITY,
    OFFERS["skype-connect-2011"].bundle,
    rules.Rollover(1, 500),
    SKYPE_CONNECT.term,
    SKYPE_CONNECT.change,
    OFFERS["voip-yonder"].non_payment,
    SKYPE_CONNECT.refund,
    SKYPE_CONNECT.calls,
    NOTICE,
    WALLET,
    POSTING,
    Statement(WALLET, FIVE_EUROS, (POSTING,)),
    SKYPE_CONNECT,
    PLAN,
    CALL,
    ALLOWANCE,
    TARIFF,
    QUOTE,
    QUOTE.lines[0],
    REFUND,
    REFUND.lines[0],
    RATED_CALL,
    RATED_CALL.charges[0],
    SUBSCRIPTION,
    PreviousTerm(QUOTE, ALLOWANCE, TERM.end),
    PURCHASE,
    Request("form 17", "8c6976e5"),
    sizing.DEFAULT_GUIDELINE,
    sizing.DEFAULT_GUIDELINE.need,
    sizing.GUIDELINES["caznet"].need,
    sizing.suggest_channels(437),
    sizing.suggest_channels(437, erlangs=44.5),
    LADDER,
    LADDER.tiers[0],
    Rate("0.02", connection="0.05"),
    EDITION,
    CATALOGUE,
    COMPARISON,
    COMPARISON.prices[0],
    RuleDifference("offer.quantity.maximum", "300", "100"),
    BONUS_RULE,
    LOT,
    PAYMENT,
    PAYMENT.draws[0],
    INVOICE,
    INVOICE.lines[0],
    CALL_INTERVAL,
    CallLog((CALL_INTERVAL,), (RefusedRow(2, "start must be text"),)),
    RefusedRow(2, "start must be text"),
    REPORT,
    REPORT.hours[0],
    replay([CALL_INTERVAL], channels=0),
    ReplayedCall(CALL_INTERVAL, 1),
    NEED,
    PRODUCT,
    PLAN_COMPARISON,
    PLAN_COMPARISON.cheapest,
    PLAN_COMPARISON.cheapest.best,
    FORECAST,
    FORECAST.entries[0],
    DailyCalls("berlin", "US", MINUTE),
    Overdraft(Wallet("acme", "berlin"), DAY, FIVE_EUROS, MID_TERM),
    Stored(SUBSCRIPTION, REVISION),
    Booked(POSTING, DEPOSIT.token, 0),
    Page(("berlin",), Cursor("2026-02-04/berlin")),
    SNAPSHOT,
    DEPOSIT,
    Preview(PURCHASE, REVISION),
    TransferPreview(DEPOSIT),
    Outcome("acme", "berlin", TERM, None, ValueError("lost")),
)
# Base classes that are never instantiated.
BASE_CLASSES = {"DisplayMixin", "RecordsMixin", "ReprMixin"}
ERROR_ARGUMENTS = {
    "AllowanceNeeded": ("time",),
    "BarredNumber": ("112", "Skype Connect"),
    "BundlesNotAllowed": (3, 2, "reason"),
    "CalendarEnds": (DAY, "1 month", 0),
    "ChangedTooSoon": (DAY, DAY, MID_TERM),
    "ChannelPlansError": (),
    "ChannelsNotSellable": (105, 100),
    "ChannelsOutOfRange": (350, 1, 300, (300, 50)),
    "Conflict": ("acme", "berlin", "7", None),
    "CurrencyMismatch": ("EUR", "USD"),
    "InsufficientCredit": ("acme", Decimal(2), Decimal(1), Decimal(1), "EUR"),
    "InvalidValue": ("name", "''", "text"),
    "MixedChange": ("3 channels and 1 bundle", "2 channels and 2 bundles"),
    "NotDecodable": ("offer.quantity", "is missing"),
    "NotOffered": ("plan of 1 channel", "Nordlicht", "2 channels"),
    "OutsideTerm": ("record call", DAY, DAY, None, ""),
    "PlanUnchanged": ("1 channel", "active"),
    "RuleError": (),
    "TokenReused": ("transfer/p-1",),
    "TotalNotReachable": (7, 1, (6, 8)),
    "TransitionNotAllowed": ("record call", "ended", ("buy",)),
    "UnknownEdition": ("on 2026-01-05", ("2027, from 2027-01-01 on",)),
    "UnknownRate": ("FR", "t", ("DE",)),
    "UnknownWallet": ("account 'acme'",),
    "WrongType": ("name", "5", "text"),
}
# Sample arguments for each public method and operator that needs arguments.
METHOD_ARGUMENTS: dict[str, Arguments] = {
    "Money.of": (("6.95", EUR), {}),
    "Money.to": ((Currency("EUR", 5),), {}),
    "Money.share": ((HALF,), {}),
    "Money.split": ((HALF,), {}),
    "Money.allocate": (([1, 2],), {}),
    "Money.__add__": ((FIVE_EUROS,), {}),
    "Money.__sub__": ((FIVE_EUROS,), {}),
    "Money.__mul__": ((2,), {}),
    "Money.__radd__": ((0,), {}),
    "Money.__rmul__": ((2,), {}),
    "Money.zero": ((EUR,), {}),
    "Money.__lt__": ((FIVE_EUROS,), {}),
    "Money.__le__": ((FIVE_EUROS,), {}),
    "Money.__gt__": ((FIVE_EUROS,), {}),
    "Money.__ge__": ((FIVE_EUROS,), {}),
    "Term.__contains__": ((DAY,), {}),
    "Term.remaining": ((DAY,), {}),
    "Term.unused": ((DAY,), {}),
    "BundleRule.most": ((2,), {}),
    "TermRule.anchor": ((DAY,), {}),
    "TermRule.first": ((DAY,), {}),
    "TermRule.nth": ((DAY, 1), {}),
    "TermRule.anchor_aligned_to": ((DAY, MID_TERM), {}),
    "TermRule.ends": ((DAY, 1), {}),
    "TermRule.number_containing": ((DAY, MID_TERM), {}),
    "TermRule.number_ending": ((DAY, MID_TERM), {}),
    "TermRule.renewals": ((DAY,), {}),
    "Ladder.explain": ((12, EUR), {}),
    "Tier.explain": ((12, EUR), {}),
    "Tier.cost": ((3,), {}),
    "Ladder.price": ((12,), {}),
    "Ladder.units": ((12, EUR), {}),
    "Quote.adding": (((Item.CHANNEL_SETUP, 2),), {}),
    "Offer.plan": ((), {"channels": 105, "bundles": 2}),
    "Allowance.give_back": ((MINUTE,), {}),
    "Allowance.use": ((MINUTE,), {}),
    "Allowance.granting": ((MINUTE * 3,), {}),
    "Allowance.next": ((MINUTE, rules.Rollover(1)), {}),
    "Tariff.price_of": ((Item.CHANNELS,), {}),
    "Tariff.units": ((Item.CHANNELS, 2), {}),
    "Tariff.channels": ((2,), {}),
    "Tariff.bundles": ((2,), {}),
    "Tariff.rate_for": (("DE", SKYPE_CONNECT), {"number": "+49 30 555 0100"}),
    "Tariff.scaled": ((Fraction(1, 2),), {"name": "half"}),
    "Plan.effect_of": ((SKYPE_CONNECT.plan(channels=4),), {}),
    "PreviousTerm.__contains__": ((DAY,), {}),
    "Subscription.active_on": ((DAY,), {}),
    "Subscription.admits": ((1,), {"on": DAY}),
    "Subscription.term_of": ((CALL,), {}),
    "Subscription.term_to_keep": ((MID_TERM,), {}),
    "Edition.__contains__": ((DAY,), {}),
    "Edition.holds": ((SUBSCRIPTION,), {}),
    "Edition.price": ((PLAN,), {}),
    "Edition.plan_for": ((PLAN,), {}),
    "Edition.nearest": ((PLAN,), {}),
    "Catalogue.on": ((DAY,), {}),
    "Catalogue.held_by": ((SUBSCRIPTION,), {}),
    "Catalogue.for_renewal": ((SUBSCRIPTION,), {}),
    "Catalogue.for_term": ((SUBSCRIPTION, DAY), {}),
    "Lot.expired": ((DAY,), {}),
    "Traffic.needed": ((30,), {}),
    "DailyCalls.on": ((DAY,), {}),
    "TrafficReport.share_above": ((1,), {}),
    "Ratio.needed": ((30,), {}),
}
EMPTY_VALUE = attrs.make_class("Empty", {}, frozen=True)
# A snapshot contains dicts, so it can be compared but not hashed.
UNHASHABLE = {"Snapshot.__hash__"}
DISPLAY_METHODS = {"__hash__", "__repr__", "__str__"}
# Methods that every attrs value inherits or gets from attrs.
GENERATED_METHODS = {
    "__attrs_init__",
    "__attrs_post_init__",
    "__class_getitem__",
    "__delattr__",
    "__init__",
    "__new__",
    "__setattr__",
    "__setstate__",
    "__eq__",
    "__ne__",
    "__replace__",
    "__init_subclass__",
}


def own_members(cls):
    """Return the names of a class's public methods, properties and operators, without fields."""
    generated = GENERATED_METHODS | (set(dir(EMPTY_VALUE)) - DISPLAY_METHODS)
    return [
        name
        for name in sorted(set(dir(cls)) - generated - set(attrs.fields_dict(cls)))
        if not name.startswith("_") or name.endswith("__") or name == "_repr_html_"
    ]


def kind_of(value):
    """Return the kind of a public object: function, constant, error, protocol, value or service.

    An alias of ``str``, such as ``AccountId``, counts as a constant.

    Values are immutable. Services, such as a store, have a state or act on an object that has one.
    """
    if not inspect.isclass(value) or value is str:
        return "function" if inspect.isfunction(value) else "constant"
    if issubclass(value, BaseException):
        return "error"
    if getattr(value, "_is_protocol", False):
        return "protocol"
    if attrs.has(value) or issubclass(value, enum.Enum) or value.__name__ in BASE_CLASSES:
        return "value"
    return "service"


def public_names(kind):
    """Return the public names of one kind in all modules, as ``room.module.name``."""
    return [
        f"{module_name}.{name}"
        for module_name in sorted(MODULES.keys() - ROOMS)
        # A frame's library reads and writes what it likes, so these functions are only read.
        if not module_name.startswith("frames.")
        for name in exported_names(module_name)
        if kind_of(getattr(MODULES[module_name], name)) == kind
    ]


def exported_names(module_name):
    """Return the names that a module exports, and its functions for other modules."""
    module = MODULES[module_name]
    functions = [
        name
        for name, value in vars(module).items()
        if inspect.isfunction(value)
        and value.__module__ == module.__name__
        and not name.startswith("_")
    ]
    is_private = module_name.rpartition(".")[2].startswith("_")
    return sorted({*module.__all__, *([] if is_private else functions)})


def consume(result):
    """Return the first three items of an iterator, and any other result unchanged."""
    return list(islice(result, 3)) if isinstance(result, Iterator) else result


# These two compile the constructor of a class when the class is made, which is an event.
COMPILERS = {"_constructors.checked", "_constructors.trusted"}


@pytest.mark.parametrize("name", sorted({*public_names("function")} - COMPILERS))
def test_functions_do_no_input_or_output(name):
    """Each public function runs without an event. A function without sample arguments fails."""
    module, _, function = name.rpartition(".")
    arguments, keywords = FUNCTION_ARGUMENTS[name]

    with assert_no_events():
        consume(getattr(MODULES[module], function)(*arguments, **keywords))


@pytest.mark.parametrize("name", public_names("value"))
def test_values_do_no_input_or_output(name):
    """A value of each class can be made, compared, pickled and used in full without an event."""
    module, _, kind = name.rpartition(".")
    cls = getattr(MODULES[module], kind)
    if kind in BASE_CLASSES:
        assert not attrs.has(cls)
        return
    if issubclass(cls, enum.Enum):
        with assert_no_events():
            assert [cls(member.value) for member in cls] == list(cls)
        return
    arguments, keywords = VALUE_ARGUMENTS[kind]
    members = own_members(cls)
    with assert_no_events():
        value = cls(*arguments, **keywords)
        assert value == attrs.evolve(value)
        assert pickle.dumps(value)
        for member in members:
            attribute = getattr(value, member)
            if callable(attribute) and f"{kind}.{member}" not in UNHASHABLE:
                arguments, keywords = METHOD_ARGUMENTS.get(f"{kind}.{member}", ((), {}))
                consume(attribute(*arguments, **keywords))


BERLIN = ("acme", "berlin")
# Calls of methods, with their arguments. Each call needs the calls above it.
ACTION_CALLS = [
    ("deposit", (WALLET, HUNDRED_EUROS * 10), {"transfer": "p-1", "on": DAY}),
    ("assign_credit", ("acme", "berlin", FIVE_EUROS), {"transfer": "p-2", "on": DAY}),
    (
        "take_back_credit",
        ("acme", "berlin", Money(minor=1, currency=EUR)),
        {"transfer": "p-3", "on": DAY},
    ),
    ("charge", (WALLET, FIVE_EUROS), {"transfer": "p-5", "on": DAY}),
    ("buy", (PLAN,), {**IDS, "on": DAY}),
    ("change", BERLIN, {"channels": 5, "on": MID_TERM}),
    ("cancel", BERLIN, ON_MID_TERM),
    ("resume", BERLIN, {"on": MID_TERM, "request": "form 17"}),
    ("terminate", BERLIN, ON_MID_TERM),
    ("buy", (PLAN,), {**IDS, "subscription": "s-2", "on": MID_TERM}),
    # After this charge the account cannot pay the renewal.
    ("charge", (WALLET, Money.of("930", EUR)), {"transfer": "p-6", "on": MID_TERM}),
    ("lapse", BERLIN, {"on": date(2026, 2, 14)}),
]
BILLING_CALLS = [
    *ACTION_CALLS[:8],
    ("record_call", (*BERLIN, attrs.evolve(CALL, day=MID_TERM)), ON_MID_TERM),
    ("subscription", BERLIN, {}),
    ("balance", (WALLET,), {}),
    ("statement", (WALLET,), {"since": MID_TERM, "until": TERM.end}),
    ("invoice", ("acme",), {"since": DAY, "until": TERM.end}),
    ("admits", (*BERLIN, 1), ON_MID_TERM),
    ("longest_call", (*BERLIN, attrs.evolve(CALL, day=MID_TERM)), ON_MID_TERM),
    ("expire_credit", (WALLET,), ON_MID_TERM),
    ("catch_up", ("acme",), {"on": date(2026, 2, 14)}),
    ("run_due", (), {"on": date(2026, 4, 15)}),
    ("iter_due", (), {"on": date(2026, 5, 15)}),
    ("cancel", BERLIN, {"on": date(2026, 5, 15)}),
    ("resume", BERLIN, {"on": date(2026, 5, 15)}),
    ("terminate", BERLIN, {"on": date(2026, 5, 15)}),
]
STORE_CALLS = [
    ("commit", (DEPOSIT,), {"expected": None}),
    ("commit", (PURCHASE,), {"expected": None}),
    ("subscription", BERLIN, {}),
    ("profiles", ("acme",), {}),
    ("balance", (WALLET,), {"before": MID_TERM}),
    ("postings", (WALLET,), {"since": DAY, "until": MID_TERM}),
    ("decision", ("acme", PURCHASE.token), {}),
    ("decisions", ("acme",), {"limit": 1}),
    ("due", (TERM.end,), {"shard": (0, 1), "limit": 1}),
    ("snapshot", (), {}),
    ("restore", (SNAPSHOT,), {}),
]
TESTED_METHODS = {
    "explore.forecasts.ForecastRun": {"charged", "fails_first", "opening", "runs_dry_on"},
    "explore.replays.ReplayRun": {"result"},
    "storage.billing.AsyncBilling": {name for name, *_ in [*ACTION_CALLS, *BILLING_CALLS]}
    | {"commit", "preview"},
    "storage.billing.Billing": {name for name, *_ in [*ACTION_CALLS, *BILLING_CALLS]}
    | {"commit", "preview"},
    "storage.billing.BillingActions": {name for name, *_ in ACTION_CALLS},
    "storage.codec.Encoder": {"definitions", "encode"},
    "storage.memory.MemoryStore": {name for name, *_ in STORE_CALLS},
}


class AsyncMemoryStore:
    """The reference store with coroutine methods, which never wait."""

    def __init__(self):
        self._store = MemoryStore()

    def __getattr__(self, name):
        async def call_store(*arguments, **keywords):
            return getattr(self._store, name)(*arguments, **keywords)

        return call_store


def run_coroutine(coroutine):
    """Return the result of a coroutine that never waits, without an event loop."""
    with pytest.raises(StopIteration) as stop:
        coroutine.send(None)
    return stop.value.value


async def collect(outcomes):
    """Return the items of an asynchronous generator as a list."""
    return [outcome async for outcome in outcomes]


def call(service, name, arguments, keywords):
    """Call a method, and return its result, also if the method is asynchronous."""
    result = getattr(service, name)(*arguments, **keywords)
    if inspect.isasyncgen(result):
        result = collect(result)
    return run_coroutine(result) if inspect.iscoroutine(result) else consume(result)


@pytest.mark.parametrize(
    "prices", [TARIFF, lambda *_: TARIFF, CATALOGUE], ids=["tariff", "function", "catalogue"]
)
@pytest.mark.parametrize(
    ("billing_class", "store_class"),
    [(Billing, MemoryStore), (AsyncBilling, AsyncMemoryStore)],
    ids=["sync", "async"],
)
def test_billing_does_no_input_or_output(billing_class, store_class, prices):
    """No event occurs if actions are committed directly, nor if they are previewed first."""
    with assert_no_events():
        billing = billing_class(store_class(), prices=prices)
        results = {
            name: call(billing, name, arguments, keywords)
            for name, arguments, keywords in BILLING_CALLS
        }
        preview_billing = billing_class(store_class(), prices=prices)
        for name, arguments, keywords in ACTION_CALLS:
            preview = call(preview_billing.preview, name, arguments, keywords)
            is_transfer = isinstance(preview, TransferPreview)
            expected = preview.transfer if is_transfer else preview.decision
            assert expected == call(preview_billing, "commit", (preview,), {})

    assert [None, None] == [outcome.error for outcome in results["run_due"]]


def test_the_store_does_no_input_or_output():
    """Every public method of the reference store, and its repr, run without an event."""
    with assert_no_events():
        store = MemoryStore()
        for name, arguments, keywords in STORE_CALLS:
            call(store, name, arguments, keywords)
        repr(store)

    assert SNAPSHOT == store.snapshot()


def test_an_encoder_does_no_input_or_output():
    """Encoding a decision and reading the collected definitions run without an event."""
    with assert_no_events():
        encoder = Encoder()
        encoder.encode(PURCHASE)
        definitions = encoder.definitions

    assert {*definitions.values()} == {PURCHASE.after.plan.offer, TARIFF}


@pytest.mark.parametrize("name", public_names("service"))
def test_every_public_method_of_a_service_is_tested(name):
    """The tests above call every public method of each service."""
    module, _, kind = name.rpartition(".")
    attributes = dir(getattr(MODULES[module], kind))

    assert TESTED_METHODS[name] == {
        attribute for attribute in attributes if not attribute.startswith("_")
    }


@pytest.mark.parametrize("name", public_names("protocol"))
def test_protocols_have_no_code(name):
    """Each method of a protocol has a docstring and no code."""
    module, _, protocol = name.rpartition(".")
    (protocol_class,) = (
        node
        for node in TREES[module].body
        if isinstance(node, ast.ClassDef) and node.name == protocol
    )
    _, *statements = protocol_class.body
    methods = [
        statement
        for statement in statements
        if isinstance(statement, (ast.FunctionDef, ast.AsyncFunctionDef))
    ]
    body_statements = [statement for method in methods for statement in method.body[1:]]

    assert statements == methods
    assert ["..."] * len(methods) == list(map(ast.unparse, body_statements))


@pytest.mark.parametrize("name", all_errors.__all__)
def test_errors_do_no_input_or_output(name):
    """Each error can be made, printed and pickled without an event."""
    cls = getattr(all_errors, name)
    assert issubclass(cls, ChannelPlansError)

    with assert_no_events():
        error = cls(*ERROR_ARGUMENTS[name])
        str(error), repr(error), error.code, pickle.dumps(error)


def test_refusals_do_no_input_or_output():
    """A public function that raises an error does so without an event."""
    with assert_no_events():
        with pytest.raises(ChannelPlansError):
            SKYPE_CONNECT.plan(channels=350)
        with pytest.raises(ChannelPlansError):
            cancel(CANCELLED, on=MID_TERM)


def import_missing_module(name):
    """Try to import a module that does not exist, which searches the file system."""
    with suppress(ImportError):
        __import__(name)


TRIGGERS = {
    "open": lambda: open(os.devnull).close(),  # noqa: PTH123 - the event is the point
    "os.listdir": lambda: os.listdir("."),  # noqa: PTH208
    "socket.__new__": lambda: socket.socket().close(),
    "subprocess.Popen": lambda: subprocess.run([sys.executable, "-c", ""], check=True),
    "import": lambda: import_missing_module("no_such_module_anywhere"),
}


@pytest.mark.parametrize("event", TRIGGERS)
def test_the_hook_records_each_kind_of_event(event):
    """While recording is on, each kind of event makes a test fail."""
    with pytest.raises(AssertionError, match=re.escape(event)), assert_no_events():
        TRIGGERS[event]()


@pytest.mark.parametrize("event", ["open", "os.listdir"])
def test_the_hook_records_nothing_while_recording_is_off(event):
    """While recording is off, no event is recorded."""
    recorded_events.clear()
    TRIGGERS[event]()

    assert [] == recorded_events


# The tests below read the source code.

CLOCK_NAMES = {
    "now",
    "today",
    "utcnow",
    "time",
    "time_ns",
    "monotonic",
    "perf_counter",
    "localtime",
    "gmtime",
    "utcfromtimestamp",
    "fromtimestamp",
}
FORBIDDEN_MODULES = {
    "asyncio",
    "io",
    "logging",
    "os",
    "pathlib",
    "random",
    "secrets",
    "shutil",
    "socket",
    "sqlite3",
    "subprocess",
    "sys",
    "tempfile",
    "threading",
    "time",
    "urllib",
    "uuid",
}


def find_clocks(tree):
    """Return all names and attributes that read a clock."""
    return [
        node.attr if isinstance(node, ast.Attribute) else node.id
        for node in ast.walk(tree)
        if (isinstance(node, ast.Attribute) and node.attr in CLOCK_NAMES)
        or (isinstance(node, ast.Name) and node.id in CLOCK_NAMES)
    ]


def find_imports(tree):
    """Return the top-level names of all imported modules, also from imports in functions."""
    imported = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            imported += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            imported.append(node.module or "")
    return {module.partition(".")[0] for module in imported}


def find_io_calls(tree):
    """Return the names of called built-in functions that read, write or run code."""
    return [
        node.func.id
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id in {"open", "print", "input", "exec", "eval", "__import__"}
    ]


def find_assigned_attributes(tree):
    """Return the attributes of ``self`` that are assigned in a class, as ``Class.attribute``."""
    return {
        f"{class_node.name}.{node.attr}"
        for class_node in ast.walk(tree)
        if isinstance(class_node, ast.ClassDef)
        for node in ast.walk(class_node)
        if isinstance(node, ast.Attribute)
        and isinstance(node.ctx, ast.Store)
        and isinstance(node.value, ast.Name)
        and node.value.id == "self"
    }


def makes_mutable(value):
    """Return whether an expression makes a list, a dict, a set or a similar mutable object."""
    literals = (ast.List, ast.Dict, ast.Set, ast.ListComp, ast.DictComp, ast.SetComp)
    classes = {"list", "dict", "set", "defaultdict", "deque", "OrderedDict", "Counter", "bytearray"}
    methods = {"split", "copy", "splitlines", "rsplit"}
    function = value.func if isinstance(value, ast.Call) else None
    name = getattr(function, "id", getattr(function, "attr", None))
    return isinstance(value, literals) or name in classes | methods


def find_mutable_state(tree):
    """Return mutable module and class attributes, caches, and global and nonlocal names."""
    state = []
    for node in ast.walk(tree):
        if isinstance(node, (ast.Global, ast.Nonlocal)):
            state += node.names
        elif isinstance(node, (ast.Name, ast.Attribute)):
            name = node.id if isinstance(node, ast.Name) else node.attr
            state += [name] if name in {"lru_cache", "cache", "cached_property"} else []
        elif isinstance(node, (ast.Module, ast.ClassDef)):
            for statement in node.body:
                if not isinstance(statement, (ast.Assign, ast.AnnAssign, ast.AugAssign)):
                    continue
                targets = (
                    statement.targets if isinstance(statement, ast.Assign) else [statement.target]
                )
                target = ast.unparse(targets[0])
                if target not in {"__all__", "__slots__"} and makes_mutable(statement.value):
                    state.append(target)
    return state


def test_no_module_reads_a_clock():
    """No module uses now(), today(), time() or another function that reads a clock."""
    found = {name: find_clocks(tree) for name, tree in TREES.items()}

    assert {} == {name: clocks for name, clocks in found.items() if clocks}


@pytest.mark.parametrize("name", TREES)
def test_no_module_can_read_or_write(name):
    """No module imports a library for input or output, or calls such a built-in function.

    One function runs code: it compiles a constructor from the names of a class's fields. The root
    of the package looks into ``sys.modules``, to learn whether Hypothesis was imported earlier.
    """
    allowed = {"storage.memory": {"threading"}, "channelplans": {"sys"}}.get(name, set())
    allowed_calls = ["exec"] if name == "_constructors" else []

    assert set() == find_imports(TREES[name]) & FORBIDDEN_MODULES - allowed
    assert allowed_calls == find_io_calls(TREES[name])


def test_no_module_has_mutable_state():
    """No module has a list, dict or set at module or class level, a cache, or a global."""
    found = {name: find_mutable_state(tree) for name, tree in TREES.items()}

    assert {} == {name: state for name, state in found.items() if state}


# All attributes that methods assign. Only the store, a run and values that no caller sees change
# their attributes later.
ASSIGNED_ATTRIBUTES = {
    "_checks": {
        f"_ShortRepr.max{limit}" for limit in ("level", "tuple", "list", "dict", "long", "other")
    },
    "explore._cheapest": {
        *(f"Covers.{name}" for name in ("_covers", "_drops", "_prices", "_size", "_sizes")),
        "Covers._useful",
        *(f"Search.{name}" for name in ("_bounds", "_higher_bounds", "_found", "_task")),
        *(f"Search.{name}" for name in ("_bundle_covers", "_channel_covers")),
        *(f"Search.{name}" for name in ("_cover_savings", "_never_falls", "_savings")),
        "Search._least_bundles",
    },
    "explore._forecast_accounts": {"Account.credit"},
    "explore._forecast_inputs": {"_Profiles.account", "_Profiles.currency"},
    "explore._forecast_walk": {
        *(f"Walk.{name}" for name in ("left", "lowest", "opening")),
        *(f"Walk._{name}" for name in ("account_wallet", "books", "callers", "calls", "days")),
        *(f"Walk._{name}" for name in ("extra_postings", "is_balance_known", "last_day")),
        *(f"Walk._{name}" for name in ("overdrawn_since", "pays_all", "prices", "since", "zero")),
    },
    "explore._tasks": {"_Prices._tariff"},
    "explore.comparison": {
        f"_Solver.{name}" for name in ("_need", "_product", "_search", "_task", "_usage")
    },
    "explore.forecasts": {
        *(f"ForecastRun._{name}" for name in ("entries", "left", "charged", "fails_first")),
        *(f"ForecastRun._{name}" for name in ("opening", "runs_dry_on")),
    },
    "explore.replays": {
        f"ReplayRun.{name}" for name in ("_calls", "_carried", "_channels", "_left", "_refused")
    },
    "frames._work": {
        *(f"Work.{name}" for name in ("columns", "engine", "frame", "largest", "narrow", "wraps")),
        *(f"Work.{name}" for name in ("_arrow", "_codes", "dates")),
    },
    "storage._billing_actions": {
        "BillingActions._finish",
        "BillingActions._finish_transfer",
        "BillingActions._prices",
    },
    "storage._memory_index": {
        *(f"Account.{name}" for name in ("books", "commits", "journal", "profiles")),
        "Account.subscriptions",
        *(f"Book.{name}" for name in ("balance", "day_sums", "journal")),
        *(f"Ends.{name}" for name in ("days", "profiles")),
        *(f"Journal.{name}" for name in ("_days", "_places", "items")),
    },
    "storage._pages": {"Walk._items", "Walk._same_pages"},
    "storage._account_days": {
        *(f"AccountDays.{name}" for name in ("_has_late_credit", "_passed", "_tried_receipts")),
        "AccountDays.booked_from",
        *(f"Credit.{name}" for name in ("balance", "receipts")),
    },
    "storage.billing": {
        "AsyncBilling._work",
        "Billing._work",
        *(f"DueRun.{name}" for name in ("_error", "_hint", "_outcomes")),
    },
    "storage.codec": {
        *(f"Encoder.{name}" for name in ("_after", "_definitions", "_digests", "_referred")),
    },
    "storage.memory": {
        "MemoryStore._accounts",
        "MemoryStore._ends",
        "MemoryStore._lock",
        "MemoryStore._revisions",
        "MemoryStore._unfinished",
    },
    "subscriptions._lot_shelves": {"Piece.batch", "Piece.left"},
    "_named_values": {
        *(f"NamedValues.{name}" for name in ("_caption", "_headings", "_make_row", "_values"))
    },
    "_numbers": {"ByNumber._longest_prefix", "ByNumber._table"},
}


def test_methods_assign_only_the_listed_attributes():
    """Methods assign only the attributes in ASSIGNED_ATTRIBUTES; values assign none."""
    found = {name: find_assigned_attributes(tree) for name, tree in TREES.items()}

    assert {name: names for name, names in found.items() if names} == ASSIGNED_ATTRIBUTES


def test_the_store_imports_only_a_lock_from_threading():
    """The store starts no thread; its lock is for callers in several threads."""
    (threading_import,) = (
        node
        for node in TREES["storage.memory"].body
        if isinstance(node, ast.ImportFrom) and node.module == "threading"
    )

    assert ["RLock"] == [alias.name for alias in threading_import.names]


def test_no_module_attribute_is_mutable():
    """No attribute of a loaded module is a list, dict, set or bytearray."""
    mutable = {
        f"{name}.{attribute}": value
        for name, module in MODULES.items()
        for attribute, value in vars(module).items()
        if not attribute.startswith("__") and isinstance(value, (list, dict, set, bytearray))
    }

    assert {} == mutable


@pytest.mark.parametrize(
    ("find", "code", "expected"),
    [
        (find_clocks, "def f():\n    return datetime.datetime.now()", "now"),
        (find_clocks, "from datetime import date\nf = date.today", "today"),
        (find_clocks, "from time import time\ntime()", "time"),
        (find_imports, "def f():\n    import os.path", "os"),
        (find_imports, "if TYPE_CHECKING:\n    from os import path", "os"),
        (find_io_calls, "def f():\n    open('x')", "open"),
        (find_assigned_attributes, "class A:\n    def f(self):\n        self.b = 1", "A.b"),
        (find_assigned_attributes, "class A:\n    def f(self):\n        self.b += 1", "A.b"),
        (
            find_assigned_attributes,
            "class A:\n    def f(self):\n        self.c, self.b = 1, 2",
            "A.b",
        ),
        (find_mutable_state, "A: Final = {}", "A"),
        (find_mutable_state, "A = []", "A"),
        (find_mutable_state, "A = set()", "A"),
        (find_mutable_state, "A = 'a b'.split()", "A"),
        (find_mutable_state, "class A:\n    b = [1]", "b"),
        (find_mutable_state, "@functools.lru_cache\ndef f(): ...", "lru_cache"),
        (find_mutable_state, "def f():\n    global a", "a"),
    ],
)
def test_each_find_function_finds_forbidden_code(find, code, expected):
    """The functions that read the code find each kind of forbidden code."""

    assert expected in find(ast.parse(code))


@pytest.mark.parametrize("code", ["A = MappingProxyType({})", "A = frozenset({1})", "__all__ = []"])
def test_find_mutable_state_ignores_frozen_objects(code):
    """A mapping proxy, a frozen set and ``__all__`` are not mutable state."""

    assert [] == find_mutable_state(ast.parse(code))


def test_constants_cannot_be_changed():
    """An exported constant refuses every change."""
    for offer in OFFERS.values():
        with pytest.raises(attrs.exceptions.FrozenInstanceError):
            offer.name = "other"  # type: ignore[misc]
    for table in (OFFERS, sizing.GUIDELINES):
        with pytest.raises(TypeError):
            table["other"] = None  # type: ignore[index]
    with pytest.raises(AttributeError):
        RUNNING.add(None)  # type: ignore[attr-defined]
