"""Hypothesis strategies for the package's values, each legal by construction.

Each function returns a strategy, and its keywords are bounds, both ends included. Nothing is drawn
and thrown away but a text that turns out blank. A subscription is what is left of real actions, so
that whatever a test is given could have happened. ``register`` makes them known by type.
"""

from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import date, timedelta
from fractions import Fraction
from types import MappingProxyType
from typing import Any, Final, TypeAlias, cast

import attrs
from hypothesis import strategies as st

from channelplans.calendar import Days, Months, Term
from channelplans.catalogue import (
    Catalogue,
    Comparison,
    Edition,
    PriceDifference,
    RuleDifference,
    compare,
)
from channelplans.errors import RuleError, UnknownRate
from channelplans.identifiers import (
    AccountId,
    Cursor,
    ProfileId,
    Revision,
    SubscriptionId,
    Token,
)
from channelplans.ladders import Ladder, Tier
from channelplans.ledger import Posting, Purse, Reason, Statement
from channelplans.lifecycle import (
    Decision,
    assign_credit,
    buy,
    cancel,
    change,
    deposit,
    expire,
    expire_credit,
    lapse,
    renew,
    renew_without_bundles,
    resume,
    take_back_credit,
    terminate,
    use,
)
from channelplans.lots import LotRule
from channelplans.money import EUR, Currency, Money
from channelplans.plans import Offer, Plan
from channelplans.pricing import Line, Quote, Refund, Tariff
from channelplans.rules import (
    BundleRule,
    CallRule,
    ChangeRule,
    Notice,
    Quantity,
    QuantityRule,
    RefundRule,
    Rollover,
    ShortageRule,
    Step,
    TermRule,
)
from channelplans.sizing import GUIDELINES, Guideline, Ratio, Suggestion, Traffic
from channelplans.subscriptions import AT_END, TRANSITIONS, Action, Status, Subscription
from channelplans.testing._values import (
    FIRST_DAY,
    LAST_DAY,
    allowances,
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
    notices,
    offers,
    parts_of_a_day,
    plans,
    postings,
    purses,
    quantity_rules,
    quotes,
    refund_rules,
    refunds,
    rollovers,
    roundings,
    shipped_offers,
    shortage_rules,
    tariffs,
    term_rules,
    terms,
)
from channelplans.usage import Allowance, Call

__all__ = [
    "FIRST_DAY",
    "LAST_DAY",
    "allowances",
    "bundle_rules",
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
    "notices",
    "offers",
    "plans",
    "postings",
    "purses",
    "quantity_rules",
    "quotes",
    "refund_rules",
    "refunds",
    "register",
    "rollovers",
    "roundings",
    "shipped_offers",
    "shortage_rules",
    "subscriptions",
    "tariffs",
    "term_rules",
    "terms",
]

_DAY: Final = timedelta(days=1)


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
    """Decisions about one profile, each resting on the one before: a purchase, ``steps`` at most.

    A store in which the account and the profile have credit enough commits them one after the
    other. What is refused is left out, such as a change too soon after a change.
    """
    of = offer or draw(shipped_offers() | offers())
    prices = tariff or draw(tariffs())
    plan, on = draw(plans(of)), draw(days())
    bought = buy(
        plan,
        prices,
        account=AccountId(account),
        profile=ProfileId(profile),
        subscription=SubscriptionId(f"{profile}'s"),
        on=on,
    )
    decided = [bought]
    for _ in range(draw(st.integers(0, steps))):
        held = cast(Subscription, decided[-1].after)
        windows = _windows(held)
        action = draw(st.sampled_from(sorted(windows, key=lambda each: each.value)))
        since, until = windows[action]
        on = since + draw(st.integers(0, (until - since).days)) * _DAY
        with suppress(RuleError, UnknownRate):
            decided.append(_ACTS[action](draw, held, prices, on))
    return tuple(decided)


def subscriptions(
    offer: Offer | None = None,
    tariff: Tariff | None = None,
    *,
    steps: int = 8,
    account: str = "acme",
    profile: str = "berlin",
) -> st.SearchStrategy[Subscription]:
    """Subscriptions of every status, as at most ``steps`` actions after the purchase leave them.

    >>> from hypothesis import find
    >>> from channelplans.offers import SKYPE_CONNECT
    >>> from channelplans.testing.builders import TARIFF
    >>> drawn = subscriptions(SKYPE_CONNECT, TARIFF)
    >>> lapsed = find(drawn, lambda held: held.status is Status.LAPSED)
    >>> print(lapsed.plan, lapsed.sequence, sep="; ")
    1 channel; 2
    """
    told = histories(offer, tariff, steps=steps, account=account, profile=profile)
    return told.map(lambda decided: cast(Subscription, decided[-1].after))


def decisions(
    offer: Offer | None = None, tariff: Tariff | None = None, *, steps: int = 8
) -> st.SearchStrategy[Decision]:
    """Decisions of every action: one of a history of ``steps`` at most, or about purses alone."""
    return histories(offer, tariff, steps=steps).flatmap(st.sampled_from) | _moves()


@st.composite
def _other_plans(draw: st.DrawFn, held: Plan) -> Plan:
    """Plans of the same offer; where more and fewer differ, none that is more of one and fewer."""
    plan, rule = draw(plans(held.offer)), held.offer.change
    if rule.more is rule.fewer or plan.channels == held.channels:
        return plan
    bound = max if plan.channels > held.channels else min
    return attrs.evolve(plan, bundles=bound(plan.bundles, held.bundles))


def _windows(held: Subscription) -> dict[Action, tuple[date, date]]:
    """Return what can follow, and the first and last day of it that are drawn."""
    since, end = held.acted_on or held.term.start, held.term.end
    cancelled = held.status is Status.CANCELLED
    windows = {}
    for status, action in TRANSITIONS:
        first, last = since, end - _DAY
        if action is Action.USE and not cancelled:
            last = held.lapses_on - _DAY
        if action in AT_END:
            first = max(since, held.lapses_on if action is Action.LAPSE else end)
        if action in AT_END or action is Action.BUY:
            last = first + 10 * _DAY
        if status is held.status and first <= last:
            windows[action] = (first, last)
    return windows


def _buy_again(draw: st.DrawFn, held: Subscription, tariff: Tariff, on: date) -> Decision:
    return buy(
        draw(plans(held.plan.offer)),
        tariff,
        account=held.account,
        profile=held.profile,
        subscription=SubscriptionId(f"{held.id} next"),
        on=on,
        previous=held,
    )


def _change(draw: st.DrawFn, held: Subscription, tariff: Tariff, on: date) -> Decision:
    plan, passed = draw(_other_plans(held.plan)), draw(parts_of_a_day())
    return change(held, plan, tariff, on=on, passed=passed)


def _use(draw: st.DrawFn, held: Subscription, tariff: Tariff, on: date) -> Decision:
    call = draw(calls(held.plan.offer, tariff, on=on))
    return use(held, attrs.evolve(call, id=f"{held.id} {held.sequence}"), tariff, on=on)


def _renew(draw: st.DrawFn, held: Subscription, tariff: Tariff, on: date) -> Decision:
    plan = held.pending or held.plan
    drops = plan.offer.shortage.drops_bundles and plan.bundles and draw(st.booleans())
    return (renew_without_bundles if drops else renew)(held, tariff, on=on)


def _terminate(draw: st.DrawFn, held: Subscription, _: Tariff, on: date) -> Decision:
    returned = on >= held.held_until and draw(st.booleans())
    return terminate(held, on=on, refund=returned, passed=draw(parts_of_a_day()))


_ACTS: Final[Mapping[Action, Callable[[st.DrawFn, Subscription, Tariff, date], Decision]]] = (
    MappingProxyType(
        {
            Action.BUY: _buy_again,
            Action.CHANGE: _change,
            Action.USE: _use,
            Action.RENEW: _renew,
            Action.CANCEL: lambda _draw, held, _tariff, on: cancel(held, on=on),
            Action.RESUME: lambda _draw, held, _tariff, on: resume(held, on=on),
            Action.LAPSE: lambda _draw, held, _tariff, on: lapse(held, on=on),
            Action.EXPIRE: lambda _draw, held, _tariff, on: expire(held, on=on),
            Action.TERMINATE: _terminate,
        }
    )
)


def _moves() -> st.SearchStrategy[Decision]:
    """Decisions about purses alone."""
    named: dict[str, Any] = {"amount": money(least=1), "transfer": names(), "on": days()}
    paid_in = st.sampled_from([Reason.DEPOSIT, Reason.BONUS])
    accounts, profiles = names().map(AccountId), names().map(ProfileId)
    return st.one_of(
        st.builds(deposit, purses(), **named, reason=paid_in),
        st.builds(expire_credit, purses(), **named),
        st.builds(assign_credit, accounts, profiles, **named),
        st.builds(take_back_credit, accounts, profiles, **named),
    )


@st.composite
def _quantities(draw: st.DrawFn) -> Quantity:
    rule = draw(quantity_rules())
    return Quantity(draw(st.integers(rule.minimum, rule.maximum)), rule)


@st.composite
def _statements(draw: st.DrawFn) -> Statement:
    purse, opening = draw(purses()), draw(money())
    booked = draw(st.lists(postings(purse, opening.currency), max_size=4))
    return Statement(purse, opening, tuple(booked))


@st.composite
def _lot_rules(draw: st.DrawFn) -> LotRule:
    lasts = draw(st.none() | lengths())
    since_use = lasts is not None and draw(st.booleans())
    return LotRule(draw(st.sampled_from(Reason)), lasts, since_use, draw(st.integers(-9, 9)))


def _first_and_last(sold: Catalogue) -> Comparison:
    return compare(sold.editions[0], sold.editions[-1])


def _parts() -> st.SearchStrategy[Fraction]:
    return st.fractions(Fraction(1, 100), 1, max_denominator=100)


def _guidelines() -> st.SearchStrategy[Guideline]:
    return st.sampled_from(GUIDELINES)


_Drawn: TypeAlias = Callable[[], st.SearchStrategy[Any]]

#: What would not be legal if it were drawn field by field, and how it is drawn instead.
_BY_TYPE: Final[Mapping[Any, _Drawn]] = MappingProxyType(
    {
        AccountId: names,
        Allowance: allowances,
        BundleRule: lambda: bundle_rules() | included_minutes(),
        Call: calls,
        CallRule: call_rules,
        Catalogue: catalogues,
        ChangeRule: change_rules,
        Comparison: lambda: catalogues().map(_first_and_last),
        Currency: currencies,
        Cursor: names,
        Days: lambda: st.builds(Days, st.integers(1, 400)),
        Decision: decisions,
        Edition: lambda: catalogues().flatmap(lambda sold: st.sampled_from(sold.editions)),
        Guideline: _guidelines,
        Ladder: ladders,
        Line: lambda: quotes().flatmap(lambda paid: st.sampled_from(paid.lines)),
        LotRule: _lot_rules,
        Money: money,
        Months: lambda: st.builds(Months, st.integers(1, 36)),
        Notice: notices,
        Offer: offers,
        Plan: plans,
        Posting: postings,
        PriceDifference: lambda: st.builds(
            PriceDifference, old=money(EUR), new=money(EUR), problem=st.none()
        ),
        ProfileId: names,
        Purse: purses,
        Quantity: _quantities,
        QuantityRule: quantity_rules,
        Quote: quotes,
        Ratio: lambda: st.builds(Ratio, _parts(), st.integers(1, 9), _parts()),
        Refund: refunds,
        RefundRule: refund_rules,
        Revision: names,
        Rollover: rollovers,
        RuleDifference: lambda: st.builds(RuleDifference, names(), names(), names()),
        ShortageRule: shortage_rules,
        Statement: _statements,
        Step: lambda: st.builds(Step, st.integers(0, 999), st.integers(1, 99)),
        Subscription: subscriptions,
        SubscriptionId: names,
        Suggestion: lambda: st.builds(Suggestion, st.integers(1, 999), _guidelines()),
        Tariff: tariffs,
        Term: terms,
        TermRule: term_rules,
        Tier: lambda: ladders().flatmap(lambda ladder: st.sampled_from(ladder.tiers)),
        Token: names,
        Traffic: lambda: st.builds(Traffic, _parts(), st.floats(0.001, 0.999)),
    }
)


def register() -> None:
    """Let Hypothesis draw the package's types by the strategies here, wherever it goes by type.

    Where the package is installed, ``import hypothesis`` does this.
    """
    for kind, drawn in _BY_TYPE.items():
        st.register_type_strategy(kind, _for_any(drawn))


def _for_any(drawn: _Drawn) -> Callable[[object], st.SearchStrategy[Any]]:
    return lambda _kind: drawn()


# Hypothesis' hook finds this module half loaded where it is imported before Hypothesis is.
register()
