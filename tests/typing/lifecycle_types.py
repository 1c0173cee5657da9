"""Public types of the ledger, usage, pricing, subscriptions and lifecycle, as a user's checker
sees them. Each ignored line is a mistake that a checker must find: an ignore that is not needed is
an error by itself.
"""

from collections.abc import Mapping
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import assert_type

from channelplans.calendar import Term
from channelplans.identifiers import AccountId, ProfileId, SubscriptionId, Token
from channelplans.ledger import Posting, Purse, Reason, Statement, deltas, settle, signed
from channelplans.lifecycle import (
    Decision,
    assign_credit,
    buy,
    cancel,
    change,
    deposit,
    expire,
    lapse,
    renew,
    resume,
    take_back_credit,
    terminate,
    use,
)
from channelplans.money import EUR, Currency, Money
from channelplans.offers import SKYPE_CONNECT
from channelplans.plans import Plan
from channelplans.pricing import (
    Charge,
    Item,
    Line,
    Payer,
    Quote,
    Rated,
    Refund,
    RefundLine,
    Tariff,
    longest,
    quote,
    rate,
    refund,
)
from channelplans.rules import Notice, RefundRule
from channelplans.subscriptions import AT_END, RUNNING, TRANSITIONS, Action, Status, Subscription
from channelplans.usage import Allowance, Call, admits, billable, clock, covered

DAY = date(2026, 1, 5)
ACCOUNT, PROFILE, ID = AccountId("acme"), ProfileId("berlin"), SubscriptionId("s-1")
FIVE = Money.of("5", EUR)
PLAN = SKYPE_CONNECT.plan(channels=3, bundles=1)


def ledger() -> None:
    """Purses, postings, statements, settling."""
    purse = Purse(ACCOUNT)
    assert_type(purse.account, AccountId)
    assert_type(Purse(ACCOUNT, PROFILE).profile, ProfileId | None)
    posting = Posting(purse, FIVE, Reason.DEPOSIT, DAY)
    assert_type(posting.amount, Money)
    assert_type(posting.term, Term | None)
    assert_type(posting.to_records(), list[dict[str, object]])
    statement = Statement(purse, FIVE, (posting,))
    assert_type(statement.balances, tuple[Money, ...])
    assert_type(statement.closing, Money)
    assert_type(signed(FIVE), str)
    assert_type(deltas([posting]), dict[Purse, Money])
    assert_type(settle({purse: FIVE}, [posting]), dict[Purse, Money])
    Purse("acme")  # type: ignore[arg-type]
    Purse(PROFILE)  # type: ignore[arg-type]
    Posting(purse, 5, Reason.DEPOSIT, DAY)  # type: ignore[arg-type]
    Posting(purse, FIVE, "deposit", DAY)  # type: ignore[arg-type]
    settle({ACCOUNT: FIVE}, [posting])  # type: ignore[dict-item]
    posting.amount = FIVE  # type: ignore[misc]


def usage() -> None:
    """Calls and allowances."""
    call = Call("c-1", "+12125550100", "US", DAY, timedelta(seconds=31))
    allowance = Allowance(timedelta(minutes=5000))
    assert_type(call.duration, timedelta)
    assert_type(allowance.remaining, timedelta)
    assert_type(allowance.unused, Fraction)
    assert_type(allowance.use(call.duration), Allowance)
    assert_type(admits(1, channels=2), bool)
    assert_type(billable(call.duration, SKYPE_CONNECT.calls), timedelta)
    assert_type(clock(call.duration), str)
    if SKYPE_CONNECT.bundles is not None:
        assert_type(covered(call, SKYPE_CONNECT.bundles), bool)
    covered(call, SKYPE_CONNECT.bundles)  # type: ignore[arg-type]
    Call("c-1", "+12125550100", "US", DAY, 31)  # type: ignore[arg-type]
    Allowance(5000)  # type: ignore[arg-type]
    admits(1, 2)  # type: ignore[call-arg]


def pricing() -> None:
    """Tariffs, quotes, refunds and the rating of calls."""
    tariff = Tariff("t", EUR, "6.95", 10, Decimal("0.021"), {"DE": "0.02"})
    assert_type(tariff.currency, Currency)
    assert_type(tariff.channel, Decimal)
    assert_type(tariff.rates, Mapping[str, Decimal])
    assert_type(tariff.bundles(3), Money)
    assert_type(tariff.per_minute("DE", SKYPE_CONNECT), Decimal)
    quoted = quote(PLAN, tariff, on=DAY)
    assert_type(quoted, Quote)
    assert_type(quoted.lines, tuple[Line, ...])
    assert_type(quoted.lines[0].item, Item)
    assert_type(quoted.total, Money)
    assert_type(quoted.term, Term)
    assert_type(quoted.notices, tuple[Notice, ...])
    assert_type(quoted.renews_on, date)
    assert_type(quoted.allowance, Allowance)
    back = refund(quoted, on=DAY, allowance=quoted.allowance, rule=RefundRule())
    assert_type(back, Refund)
    assert_type(back.lines, tuple[RefundLine, ...])
    assert_type(back.returned, Money)
    assert_type(back.kept, Money)
    call = Call("c-1", "+12125550100", "US", DAY, timedelta(seconds=31))
    rated = rate(call, quoted.allowance, tariff, offer=SKYPE_CONNECT)
    assert_type(rated, Rated)
    assert_type(rated.charges, tuple[Charge, ...])
    assert_type(rated.charges[0].payer, Payer)
    assert_type(rated.counted, timedelta)
    assert_type(
        longest(call, quoted.allowance, tariff, offer=SKYPE_CONNECT, account=FIVE, profile=FIVE),
        timedelta,
    )
    Tariff("t", EUR, 6.95, 10, 0)  # type: ignore[arg-type]
    Tariff("t", "EUR", "6.95", 10, 0)  # type: ignore[arg-type]
    Tariff("t", EUR, "6.95", 10, 0, {"DE": 0.02})  # type: ignore[dict-item]
    quote(PLAN, tariff, DAY)  # type: ignore[call-arg]
    quote(PLAN, tariff)  # type: ignore[call-arg]
    refund(PLAN, on=DAY)  # type: ignore[arg-type]
    rate(call, quoted.allowance, tariff)  # type: ignore[call-arg]
    tariff.rates["DE"] = Decimal(1)  # type: ignore[index]


def subscriptions(held: Subscription) -> None:
    """A subscription and the table of transitions."""
    assert_type(held.id, SubscriptionId)
    assert_type(held.account, AccountId)
    assert_type(held.profile, ProfileId)
    assert_type(held.plan, Plan)
    assert_type(held.term, Term)
    assert_type(held.status, Status)
    assert_type(held.last_changed_on, date | None)
    assert_type(held.acted_on, date | None)
    assert_type(held.active_on(DAY), bool)
    assert_type(held.admits(3, on=DAY), bool)
    assert_type(TRANSITIONS, Mapping[tuple[Status | None, Action], Status])
    assert_type(AT_END, frozenset[Action])
    assert_type(RUNNING, frozenset[Status])
    held.status = Status.ENDED  # type: ignore[misc]
    held.admits(3)  # type: ignore[call-arg]
    TRANSITIONS[None, Action.BUY] = Status.ENDED  # type: ignore[index]


def lifecycle(held: Subscription, tariff: Tariff, call: Call) -> None:
    """Every action is a function to a decision."""
    bought = buy(PLAN, tariff, account=ACCOUNT, profile=PROFILE, subscription=ID, on=DAY)
    assert_type(bought, Decision)
    assert_type(change(held, PLAN, tariff, on=DAY), Decision)
    assert_type(renew(held, tariff, on=DAY), Decision)
    assert_type(cancel(held, on=DAY), Decision)
    assert_type(resume(held, on=DAY), Decision)
    assert_type(lapse(held, on=DAY), Decision)
    assert_type(expire(held, on=DAY), Decision)
    assert_type(terminate(held, on=DAY, refund=False), Decision)
    assert_type(use(held, call, tariff, on=DAY), Decision)
    assert_type(deposit(Purse(ACCOUNT), FIVE, transfer="p-1", on=DAY), Decision)
    assert_type(assign_credit(ACCOUNT, PROFILE, FIVE, transfer="t-1", on=DAY), Decision)
    assert_type(take_back_credit(ACCOUNT, PROFILE, FIVE, transfer="t-1", on=DAY), Decision)
    assert_type(bought.action, Action)
    assert_type(bought.before, Subscription | None)
    assert_type(bought.after, Subscription | None)
    assert_type(bought.postings, tuple[Posting, ...])
    assert_type(bought.deltas, Mapping[Purse, Money])
    assert_type(bought.notices, tuple[Notice, ...])
    assert_type(bought.token, Token)
    cancel(bought.after, on=DAY)  # type: ignore[arg-type]
    cancel(held, DAY)  # type: ignore[call-arg]
    cancel(held)  # type: ignore[call-arg]
    buy(PLAN, tariff, account=PROFILE, profile=PROFILE, subscription=ID, on=DAY)  # type: ignore[arg-type]
    buy(PLAN, tariff, account=ACCOUNT, profile=ACCOUNT, subscription=ID, on=DAY)  # type: ignore[arg-type]
    assign_credit(PROFILE, ACCOUNT, FIVE, transfer="t", on=DAY)  # type: ignore[arg-type]
    deposit(ACCOUNT, FIVE, transfer="p", on=DAY)  # type: ignore[arg-type]
    bought.deltas[Purse(ACCOUNT)] = FIVE  # type: ignore[index]
