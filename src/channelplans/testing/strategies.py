"""Hypothesis strategies that draw valid values of the package's types.

Each function returns a strategy. Its keywords are inclusive bounds. A subscription is drawn as the
result of real actions, so it can exist in practice. Hypothesis rejects few examples: only blank
text is drawn again. ``register`` lets ``st.from_type`` use these strategies.
"""

# ruff: noqa: D417 - Hypothesis passes `draw`, so it is not an argument of the caller.

from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import date, timedelta
from fractions import Fraction
from types import MappingProxyType
from typing import Any, Final, TypeAlias

import attrs
from hypothesis import strategies as st

from channelplans.allowances import Allowance
from channelplans.calendar import Days, Months, Term
from channelplans.calls import Call, Charge, Payer, RatedCall, rate_call
from channelplans.errors import RuleError, UnknownRate
from channelplans.explore.call_logs import CallInterval, CallLog, RefusedRow
from channelplans.explore.comparison import compare_plans
from channelplans.explore.forecasting import forecast
from channelplans.explore.forecasts import DailyCalls, Forecast, ForecastEntry
from channelplans.explore.needs import Need, Product
from channelplans.explore.plan_options import Combination, Option, PlanComparison
from channelplans.explore.replays import Replay, ReplayedCall
from channelplans.explore.traffic import Load, TrafficReport
from channelplans.money import EUR, Currency, Money
from channelplans.plans import Offer, Plan
from channelplans.pricing import Line, Quote, Refund
from channelplans.quantities import Quantity, QuantityRule, Step
from channelplans.rules import (
    BundleRule,
    CallRule,
    ChangeRule,
    NonPaymentRule,
    Notice,
    RefundRule,
    Rollover,
    TermRule,
)
from channelplans.sizing import GUIDELINES, Guideline, Ratio, Suggestion, Traffic
from channelplans.storage.ports import Booked, Cursor, Outcome, Page, Revision
from channelplans.subscriptions.actions import (
    buy,
    cancel,
    change,
    expire,
    lapse,
    renew,
    resume,
    terminate,
)
from channelplans.subscriptions.call_records import record_call
from channelplans.subscriptions.catalogue import Catalogue, Edition
from channelplans.subscriptions.credit_lots import Draw, Lot, LotRule, Payment
from channelplans.subscriptions.decisions import Decision, Request, Transfer
from channelplans.subscriptions.invoice_lines import InvoiceLine
from channelplans.subscriptions.invoices import Invoice, make_invoice
from channelplans.subscriptions.price_changes import (
    Comparison,
    PriceDifference,
    RuleDifference,
    compare_editions,
)
from channelplans.subscriptions.subscription import Action, Subscription
from channelplans.subscriptions.transfers import (
    assign_credit,
    charge,
    deposit,
    expire_credit,
    take_back_credit,
)
from channelplans.subscriptions.transitions import is_allowed, possible_days
from channelplans.subscriptions.wallets import Posting, Reason, Statement, Wallet
from channelplans.tariffs import Ladder, Rate, Tariff, Tier
from channelplans.testing._explore_strategies import (
    call_intervals,
    call_logs,
    loads,
    refused_rows,
    replayed_calls,
    replays,
    traffic_reports,
)
from channelplans.testing._kernel_strategies import (
    FIRST_DAY,
    LAST_DAY,
    allowances,
    any_offers,
    bundle_rules,
    call_rules,
    calls,
    catalogues,
    change_rules,
    countries,
    currencies,
    days,
    included_minutes,
    ladders,
    lengths,
    money,
    names,
    non_payment_rules,
    notices,
    offers,
    plans,
    postings,
    quantity_rules,
    quotes,
    rates,
    refund_rules,
    refunds,
    rollovers,
    roundings,
    shipped_offers,
    tariffs,
    term_rules,
    terms,
    wallets,
)
from channelplans.testing._made_once import made_once, optional

__all__ = [
    "FIRST_DAY",
    "LAST_DAY",
    "allowances",
    "bundle_rules",
    "call_intervals",
    "call_logs",
    "call_rules",
    "calls",
    "catalogues",
    "change_rules",
    "countries",
    "currencies",
    "days",
    "decisions",
    "histories",
    "included_minutes",
    "ladders",
    "lengths",
    "money",
    "names",
    "non_payment_rules",
    "notices",
    "offers",
    "plans",
    "postings",
    "quantity_rules",
    "quotes",
    "rates",
    "refund_rules",
    "refunds",
    "register",
    "rollovers",
    "roundings",
    "shipped_offers",
    "subscriptions",
    "tariffs",
    "term_rules",
    "terms",
    "wallets",
]

_DAY: Final = timedelta(days=1)

#: How long after its purchase a subscription starts: mostly at once.
_WAITS: Final = st.sampled_from([0, 0, 0, 5]).map(timedelta)

_LENGTHS_OF_CALLS: Final = st.timedeltas(timedelta(0), timedelta(hours=3))


@made_once
@st.composite
def histories(
    draw: st.DrawFn,
    offer: Offer | None = None,
    tariff: Tariff | None = None,
    *,
    steps: int = 8,
    account: str = "acme",
    profile: str = "berlin",
) -> tuple[Decision, ...]:
    """Histories of one profile: a purchase and the decisions that follow from it.

    Some purchases start a few days later; calls are recorded in their term or after its end.

    Each decision starts from the result of the decision before it. A store commits them in their
    order if the account and the profile have enough credit. Actions that the rules refuse, such as
    a second change on one day, are left out.

    Args:
        offer: the offer of the plans; None generates one.
        tariff: the prices; None generates some.
        steps: the largest number of decisions after the purchase.
        account: the account that pays.
        profile: the profile that buys.
    """
    offer = offer or draw(any_offers())
    tariff = tariff or draw(tariffs())
    on = draw(days())
    purchase = buy(
        draw(plans(offer)),
        tariff,
        account=account,
        profile=profile,
        subscription=f"{profile}'s",
        on=on,
        start=on + draw(_WAITS),
    )
    history = [purchase]
    for _ in range(draw(st.integers(0, steps))):
        current = history[-1].after
        windows = _action_windows(current)
        action = draw(st.sampled_from(sorted(windows, key=lambda action: action.value)))
        first, last = windows[action]
        on = first + draw(st.integers(0, (last - first).days)) * _DAY
        with suppress(RuleError, UnknownRate):
            history.append(_ACTIONS[action](draw, current, tariff, on))
    return tuple(history)


@made_once
def subscriptions(
    offer: Offer | None = None,
    tariff: Tariff | None = None,
    *,
    steps: int = 8,
    account: str = "acme",
    profile: str = "berlin",
) -> st.SearchStrategy[Subscription]:
    """Subscriptions of every status, after a purchase and other actions.

    Args:
        offer: the offer of the plans; None generates one.
        tariff: the prices; None generates some.
        steps: the largest number of decisions after the purchase.
        account: the account that pays.
        profile: the profile that holds the subscription.

    >>> from hypothesis import find
    >>> from channelplans import SKYPE_CONNECT, Status
    >>> from channelplans.testing.builders import TARIFF
    >>> from channelplans.testing.strategies import subscriptions
    >>> drawn = subscriptions(SKYPE_CONNECT, TARIFF)
    >>> lapsed = find(drawn, lambda found: found.status is Status.LAPSED)
    >>> print(lapsed.plan, lapsed.sequence, sep="; ")
    1 channel; 2
    """
    drawn = histories(offer, tariff, steps=steps, account=account, profile=profile)
    return drawn.map(lambda history: history[-1].after)


@made_once
def decisions(
    offer: Offer | None = None, tariff: Tariff | None = None, *, steps: int = 8
) -> st.SearchStrategy[Decision]:
    """Decisions of every action on a subscription, after other actions.

    Args:
        offer: the offer of the plans; None generates one.
        tariff: the prices; None generates some.
        steps: the largest number of decisions after the purchase.
    """
    return histories(offer, tariff, steps=steps).flatmap(st.sampled_from)


@made_once
def transfers() -> st.SearchStrategy[Transfer]:
    """Transfers of every kind: deposits, charges, expiries, credit assigned and taken back."""
    arguments: dict[str, Any] = {"amount": money(least=1), "transfer": names(), "on": days()}
    return st.one_of(
        st.builds(
            deposit, wallets(), **arguments, reason=st.sampled_from([Reason.DEPOSIT, Reason.BONUS])
        ),
        st.builds(
            charge,
            wallets(),
            **arguments,
            reason=st.sampled_from([Reason.CHARGE, Reason.CALL, Reason.OVERAGE]),
        ),
        st.builds(expire_credit, wallets(), **arguments),
        st.builds(assign_credit, names(), names(), **arguments),
        st.builds(take_back_credit, names(), names(), **arguments),
    )


def _action_windows(current: Subscription) -> dict[Action, tuple[date, date]]:
    """Return the possible next actions, each with the first and last day that may be drawn."""
    windows = {}
    for action in filter(_ACTIONS.get, Action):
        start, end = possible_days(current, action)
        first = max(start, current.acted_on or current.term.start)
        if action is Action.RECORD_CALL:
            first = max(first, current.term.start)
        last = first + 10 * _DAY if end is None else end - _DAY
        if is_allowed(current, action) and first <= last:
            windows[action] = (first, last)
    return windows


def _buy(draw: st.DrawFn, previous: Subscription, tariff: Tariff, on: date) -> Decision:
    return buy(
        draw(plans(previous.plan.offer)),
        tariff,
        account=previous.account,
        profile=previous.profile,
        subscription=f"{previous.id} next",
        on=on,
        start=on + draw(_WAITS),
        previous=previous,
    )


def _change(draw: st.DrawFn, current: Subscription, tariff: Tariff, on: date) -> Decision:
    paid_plan = current.plan
    plan, rule = draw(plans(paid_plan.offer)), paid_plan.offer.change
    if rule.more is not rule.fewer and plan.channels != paid_plan.channels:
        # The offer refuses more channels with fewer bundles, and the reverse.
        bound = max if plan.channels > paid_plan.channels else min
        plan = plan.replace(bundles=bound(plan.bundles, paid_plan.bundles))
    return change(current, plan, tariff, on=on)


def _record_call(draw: st.DrawFn, current: Subscription, tariff: Tariff, on: date) -> Decision:
    quote, last_day = current.quote, min(on, current.active_until - _DAY)
    previous = current.previous_term
    if previous and previous.quote.term.start < previous.end and draw(st.booleans()):
        quote, last_day = previous.quote, previous.end - _DAY
    call = draw(calls(quote.plan.offer, tariff, on=max(quote.term.start, last_day)))
    unique_call = attrs.evolve(call, id=f"{current.id} {current.sequence}")
    return record_call(current, unique_call, tariff, on=on)


def _renew(draw: st.DrawFn, current: Subscription, tariff: Tariff, on: date) -> Decision:
    plan = current.pending or current.plan
    can_drop = plan.offer.non_payment.drops_bundles and plan.bundles > 0
    return renew(current, tariff, on=on, keep_bundles=not (can_drop and draw(st.booleans())))


def _terminate(draw: st.DrawFn, current: Subscription, _: Tariff, on: date) -> Decision:
    may_refund = min(on, current.term.end) >= current.minimum_term_end or on < current.term.start
    refund = may_refund and draw(st.booleans())
    return terminate(current, on=on, refund=refund)


_ACTIONS: Final[Mapping[Action, Callable[[st.DrawFn, Subscription, Tariff, date], Decision]]] = (
    MappingProxyType(
        {
            Action.BUY: _buy,
            Action.CHANGE: _change,
            Action.RECORD_CALL: _record_call,
            Action.RENEW: _renew,
            Action.CANCEL: lambda _draw, current, _tariff, on: cancel(current, on=on),
            Action.RESUME: lambda _draw, current, _tariff, on: resume(current, on=on),
            Action.LAPSE: lambda _draw, current, _tariff, on: lapse(current, on=on),
            Action.EXPIRE: lambda _draw, current, _tariff, on: expire(current, on=on),
            Action.TERMINATE: _terminate,
        }
    )
)


@made_once
@st.composite
def _quantities(draw: st.DrawFn) -> Quantity:
    rule = draw(quantity_rules())
    return Quantity(draw(st.integers(rule.minimum, rule.maximum)), rule)


@made_once
@st.composite
def _statements(draw: st.DrawFn) -> Statement:
    wallet, opening = draw(wallets()), draw(money())
    wallet_postings = draw(st.lists(postings(wallet, opening.currency), max_size=4))
    return Statement(wallet, opening, tuple(wallet_postings))


@made_once
@st.composite
def _lot_rules(draw: st.DrawFn) -> LotRule:
    lasts = draw(optional(lengths()))
    since_use = lasts is not None and draw(st.booleans())
    return LotRule(draw(st.sampled_from(Reason)), lasts, since_use, draw(st.integers(-9, 9)))


@made_once
@st.composite
def _payments(draw: st.DrawFn) -> Payment:
    posting = draw(postings(currency=EUR))
    paid = attrs.evolve(posting, amount=-abs(posting.amount))
    amounts = draw(st.lists(money(EUR, least=1, most=-paid.amount.minor), max_size=1))
    return Payment(paid, tuple(Draw(draw(postings(currency=EUR)), amount) for amount in amounts))


@made_once
@st.composite
def _invoices(draw: st.DrawFn) -> Invoice:
    """Invoices of all decisions about a profile, which bought at least one subscription."""
    history = draw(histories())
    opening = draw(money(history[0].after.quote.tariff.currency))
    since, until = history[0].counts_from, history[-1].counts_from + _DAY
    return make_invoice("acme", history, opening=opening, since=since, until=until)


@made_once
def _needs() -> st.SearchStrategy[Need]:
    minutes = st.dictionaries(countries(), st.integers(0, 9000), max_size=2)
    by_channels = st.builds(Need, channels=st.integers(1, 99), minutes=minutes)
    by_employees = st.builds(
        Need, employees=st.integers(1, 99), minutes=minutes, guideline=_guidelines()
    )
    return by_channels | by_employees


@made_once
@st.composite
def _comparisons(draw: st.DrawFn) -> PlanComparison:
    """Comparisons of a shipped offer that can serve the need."""
    tariff = Tariff(draw(names()), EUR, channel=draw(st.integers(0, 9)), bundle=10)
    offer = draw(shipped_offers())
    bundle = offer.bundle
    minutes = {bundle.area[0]: draw(st.integers(0, 9000))} if bundle and bundle.minutes else {}
    need = Need(channels=draw(st.integers(1, 99)), minutes=minutes)
    return compare_plans(need, [Product(offer, tariff)])


@made_once
@st.composite
def _forecasts(draw: st.DrawFn) -> Forecast:
    """Forecasts of one subscription, with a known balance or without, until after its due date."""
    subscription = draw(subscriptions())
    tariff, latest = subscription.quote.tariff, subscription.acted_on or subscription.term.start
    until = max(latest, subscription.term.end) + timedelta(days=draw(st.integers(1, 100)))
    credit = Money(minor=draw(st.integers(0, 10**6)), currency=tariff.currency)
    balances = {Wallet(subscription.account): credit} if draw(st.booleans()) else {}
    return forecast(subscription, until=until, prices=tariff, balances=balances)


@made_once
def _forecast_entries() -> st.SearchStrategy[ForecastEntry]:
    drawn = _forecasts().filter(lambda found: bool(found.entries))
    return drawn.flatmap(lambda found: st.sampled_from(found.entries))


@made_once
def _charges() -> st.SearchStrategy[Charge]:
    return st.builds(Charge, _LENGTHS_OF_CALLS, rates(), money(), st.sampled_from(Payer))


@made_once
@st.composite
def _rated_calls(draw: st.DrawFn) -> RatedCall:
    offer, tariff = draw(offers()), draw(tariffs())
    return rate_call(draw(calls(offer, tariff)), draw(allowances()), tariff, offer=offer)


@made_once
def _daily_calls() -> st.SearchStrategy[DailyCalls]:
    return st.builds(DailyCalls, names(), countries(), _LENGTHS_OF_CALLS, st.integers(1, 99))


@made_once
def _parts() -> st.SearchStrategy[Fraction]:
    return st.fractions(Fraction(1, 100), 1, max_denominator=100)


@made_once
def _guidelines() -> st.SearchStrategy[Guideline]:
    return st.sampled_from(tuple(GUIDELINES.values()))


_MakeStrategy: TypeAlias = Callable[[], st.SearchStrategy[Any]]

#: The types that Hypothesis cannot draw field by field, because most combinations are invalid.
_BY_TYPE: Final[Mapping[Any, _MakeStrategy]] = MappingProxyType(
    {
        Allowance: allowances,
        Booked: lambda: st.builds(Booked, postings(), names(), st.integers(0, 9)),
        BundleRule: lambda: bundle_rules() | included_minutes(),
        Call: calls,
        CallInterval: call_intervals,
        CallLog: call_logs,
        CallRule: call_rules,
        Catalogue: catalogues,
        Charge: _charges,
        ChangeRule: change_rules,
        Combination: lambda: _comparisons().map(lambda comparison: comparison.cheapest.best),
        Comparison: lambda: catalogues().map(
            lambda catalogue: compare_editions(catalogue.editions[0], catalogue.editions[-1])
        ),
        Currency: currencies,
        Cursor: names,
        DailyCalls: _daily_calls,
        Days: lambda: st.builds(Days, st.integers(1, 400)),
        Decision: decisions,
        Edition: lambda: catalogues().flatmap(
            lambda catalogue: st.sampled_from(catalogue.editions)
        ),
        Forecast: _forecasts,
        ForecastEntry: _forecast_entries,
        Guideline: _guidelines,
        Invoice: _invoices,
        InvoiceLine: lambda: _invoices().flatmap(lambda invoice: st.sampled_from(invoice.lines)),
        Ladder: ladders,
        Line: lambda: quotes().flatmap(lambda paid: st.sampled_from(paid.lines)),
        Load: loads,
        Lot: lambda: st.builds(Lot, priority=st.integers(-9, 9)),
        LotRule: _lot_rules,
        Money: money,
        Months: lambda: st.builds(Months, st.integers(1, 36)),
        Need: _needs,
        Notice: notices,
        Outcome: lambda: st.builds(Outcome, names(), st.none() | names()),
        Offer: offers,
        Option: lambda: _comparisons().map(lambda comparison: comparison.cheapest),
        Page: lambda: st.builds(Page, st.lists(names(), max_size=3), st.none() | names()),
        Payment: _payments,
        Plan: plans,
        PlanComparison: _comparisons,
        Posting: postings,
        PriceDifference: lambda: st.builds(
            PriceDifference, old=money(EUR), new=money(EUR), problem=st.none()
        ),
        Wallet: wallets,
        Quantity: _quantities,
        QuantityRule: quantity_rules,
        Quote: quotes,
        Rate: rates,
        RatedCall: _rated_calls,
        Ratio: lambda: st.builds(Ratio, _parts(), st.integers(1, 9), _parts()),
        Refund: refunds,
        RefundRule: refund_rules,
        RefusedRow: refused_rows,
        Replay: replays,
        ReplayedCall: replayed_calls,
        Request: lambda: st.builds(Request, names(), names()),
        Revision: names,
        Rollover: rollovers,
        RuleDifference: lambda: st.builds(RuleDifference, names(), names(), names()),
        NonPaymentRule: non_payment_rules,
        Statement: _statements,
        Step: lambda: st.builds(Step, st.integers(0, 999), st.integers(1, 99)),
        Subscription: subscriptions,
        Suggestion: lambda: st.builds(
            Suggestion,
            st.integers(1, 999),
            _guidelines(),
            measured_erlangs=st.none() | st.floats(0, 999),
        ),
        Tariff: tariffs,
        Term: terms,
        TermRule: term_rules,
        Tier: lambda: ladders().flatmap(lambda ladder: st.sampled_from(ladder.tiers)),
        Transfer: transfers,
        Traffic: lambda: st.builds(Traffic, _parts(), st.floats(0.001, 0.999)),
        TrafficReport: traffic_reports,
    }
)


def register() -> None:
    """Let ``st.from_type`` and ``st.builds`` draw the package's types by these strategies.

    If the package is installed, ``import hypothesis`` calls this function.
    """
    for kind, make_strategy in _BY_TYPE.items():
        st.register_type_strategy(kind, _ignore_type(make_strategy))


def _ignore_type(make_strategy: _MakeStrategy) -> Callable[[object], st.SearchStrategy[Any]]:
    return lambda _kind: make_strategy()


# If this module is imported before Hypothesis, the hook of Hypothesis finds it half loaded and does
# not call ``register``.
register()
