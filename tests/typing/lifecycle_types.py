"""Public types of the ledger and its lots, usage, pricing, subscriptions, lifecycle, catalogue and
codec, as a user's checker sees them. Each ignored line is a mistake that a checker must find: an
ignore that is not needed is an error by itself.
"""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any, assert_type

from channelplans.calendar import Days, Months, Term
from channelplans.catalogue import (
    Catalogue,
    Comparison,
    Edition,
    Existing,
    PriceDifference,
    RuleDifference,
    compare,
)
from channelplans.codec import decode, digest, encode
from channelplans.identifiers import AccountId, ProfileId, SubscriptionId, Token
from channelplans.ladders import Ladder, Tier
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
    renew_without_bundles,
    resume,
    take_back_credit,
    terminate,
    use,
)
from channelplans.lots import Draw, Lot, LotRule, Payment, expiries, open_lots, payments
from channelplans.money import EUR, Currency, Money
from channelplans.offers import SKYPE_CONNECT
from channelplans.plans import Offer, Plan
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
    amend,
    longest,
    quote,
    rate,
    refund,
)
from channelplans.rules import Effect, Notice, RefundRule, Rollover
from channelplans.subscriptions import AT_END, RUNNING, TRANSITIONS, Action, Status, Subscription
from channelplans.usage import Allowance, Call, billable, covered

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
    assert_type(allowance.carried, tuple[timedelta, ...])
    assert_type(allowance.granting(call.duration), Allowance)
    assert_type(allowance.next(call.duration, Rollover(1)), Allowance)
    assert_type(allowance.next(call.duration, None), Allowance)
    assert_type(billable(call.duration, SKYPE_CONNECT.calls), timedelta)
    if SKYPE_CONNECT.bundles is not None:
        assert_type(covered(call, SKYPE_CONNECT.bundles), bool)
    covered(call, SKYPE_CONNECT.bundles)  # type: ignore[arg-type]
    Call("c-1", "+12125550100", "US", DAY, 31)  # type: ignore[arg-type]
    Allowance(5000)  # type: ignore[arg-type]
    allowance.next(call.duration, 1)  # type: ignore[arg-type]


def pricing() -> None:
    """Tariffs, quotes, refunds and the rating of calls."""
    tariff = Tariff("t", EUR, "6.95", 10, Decimal("0.021"), {"DE": "0.02"})
    assert_type(tariff.currency, Currency)
    assert_type(tariff.channel, Decimal | Ladder)
    assert_type(tariff.bundle, Decimal | Ladder)
    assert_type(tariff.setup, Decimal)
    assert_type(tariff.channel_setup, Decimal)
    assert_type(tariff.units(Item.CHANNELS, 3), int)
    assert_type(tariff.unit(Item.CHANNELS), Money | None)
    assert_type(tariff.channels(3), Money)
    assert_type(tariff.rates, Mapping[str, Decimal])
    assert_type(tariff.bundles(3), Money)
    assert_type(tariff.per_minute("DE", SKYPE_CONNECT), Decimal)
    quoted = quote(PLAN, tariff, on=DAY)
    assert_type(quoted, Quote)
    assert_type(quoted.lines, tuple[Line, ...])
    assert_type(quoted.lines[0].item, Item)
    assert_type(quoted.lines[0].unit, Money | None)
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
    tariff.units("channels", 3)  # type: ignore[arg-type]
    rate(call, quoted.allowance, tariff)  # type: ignore[call-arg]
    tariff.rates["DE"] = Decimal(1)  # type: ignore[index]


def amendments(quoted: Quote, tariff: Tariff) -> None:
    """What is paid changes with the plan, and may be returned to the hour."""
    assert_type(quote(PLAN, tariff, on=DAY, instead=PLAN), Quote)
    assert_type(quoted.adding((Item.SETUP, 1)), Quote)
    assert_type(amend(quoted, PLAN, on=DAY, effect=Effect.PRORATE), Quote)
    assert_type(refund(quoted, on=DAY, passed=timedelta(hours=6)).passed, timedelta | None)
    refund(quoted, on=DAY, passed=0.25)  # type: ignore[arg-type]
    amend(quoted, PLAN, on=DAY, effect="prorated")  # type: ignore[arg-type]
    amend(quoted, PLAN, on=DAY)  # type: ignore[call-arg]
    assert_type(quoted.sold, tuple[Line, ...] | None)


def ladders() -> None:
    """A price by quantity, in a tariff in the place of a price."""
    ladder = Ladder(
        (Tier(5, unit="7"), Tier(None, unit=6, flat=Decimal(1), pack=10)), graduated=True
    )
    assert_type(ladder.tiers, tuple[Tier, ...])
    assert_type(ladder.graduated, bool)
    assert_type(ladder.tiers[0].up_to, int | None)
    assert_type(ladder.tiers[0].unit, Decimal)
    assert_type(ladder.tiers[0].cost(3), Fraction)
    assert_type(ladder.price(20), Fraction)
    assert_type(ladder.units(20, EUR), int)
    assert_type(Tariff("t", EUR, ladder, bundle=ladder, minute=0), Tariff)
    Tier(5, unit=7.5)  # type: ignore[arg-type]
    Tier("5")  # type: ignore[arg-type]
    Ladder(ladder.tiers[0])  # type: ignore[arg-type]
    Tariff("t", EUR, "1", "1", minute=ladder)  # type: ignore[arg-type]
    ladder.graduated = False  # type: ignore[misc]


def lots(postings: Sequence[Posting]) -> None:
    """Lots are read from postings."""
    rule = LotRule(Reason.BONUS, Months(3), since_use=True, priority=-1)
    assert_type(rule.lasts, Days | Months | None)
    held = open_lots(postings, [rule], on=DAY)
    assert_type(held, tuple[Lot, ...])
    assert_type(held[0].left, Money)
    assert_type(held[0].expires, date | None)
    assert_type(held[0].expired(DAY), bool)
    paid = payments(postings)
    assert_type(paid, tuple[Payment, ...])
    assert_type(paid[0].draws, tuple[Draw, ...])
    assert_type(paid[0].draws[0].lot, Posting)
    assert_type(expiries(postings, [rule], on=DAY), tuple[Posting, ...])
    open_lots(postings, [rule])  # type: ignore[call-arg]
    open_lots(postings, rule, on=DAY)  # type: ignore[arg-type]
    expiries(postings, on=DAY)  # type: ignore[call-arg]
    LotRule("bonus")  # type: ignore[arg-type]


def catalogue(held: Subscription, tariff: Tariff) -> None:
    """Editions, the catalogue that holds them, and two of them compared."""
    edition = Edition(SKYPE_CONNECT, tariff, DAY, existing=Existing.PINNED)
    assert_type(edition.existing, Existing | date)
    assert_type(edition.end, date | None)
    assert_type(edition.moves_from, date | None)
    assert_type(DAY in edition, bool)
    assert_type(edition.holds(held), bool)
    assert_type(edition.price(PLAN), Money)
    assert_type(edition.plan_for(PLAN), Plan)
    assert_type(edition.nearest(PLAN), Plan)
    editions = Catalogue([edition])
    assert_type(editions.editions, tuple[Edition, ...])
    assert_type(editions.on(DAY), Edition)
    assert_type(editions.held_by(held), Edition)
    assert_type(editions.for_renewal(held), Edition)
    compared = compare(edition, edition, [held])
    assert_type(compared, Comparison)
    assert_type(compared.rules, tuple[RuleDifference, ...])
    assert_type(compared.prices, tuple[PriceDifference, ...])
    assert_type(compared.prices[0].new, Money | None)
    assert_type(compared.prices[0].difference, Money | None)
    assert_type(compared.prices[0].moves_on, date | None)
    Edition(SKYPE_CONNECT, tariff, "2026-01-05")  # type: ignore[arg-type]
    Edition(SKYPE_CONNECT, tariff, DAY, existing="pinned")  # type: ignore[arg-type]
    Catalogue(edition)  # type: ignore[arg-type]
    editions.on("2026-01-05")  # type: ignore[arg-type]
    edition.end = DAY  # type: ignore[misc]


def codec(tariff: Tariff, editions: Catalogue, stored: object) -> None:
    """What is read is of the kind that was asked for."""
    assert_type(encode(SKYPE_CONNECT), dict[str, Any])
    assert_type(decode(Offer, stored), Offer)
    assert_type(decode(Tariff, stored), Tariff)
    assert_type(decode(Plan, stored, catalogue=editions), Plan)
    assert_type(digest(tariff), str)
    encode(tariff.currency)  # type: ignore[arg-type]
    digest(PLAN)  # type: ignore[arg-type]
    decode(stored)  # type: ignore[call-arg, arg-type]
    decode(Plan, stored, editions)  # type: ignore[call-arg]


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
    assert_type(held.since, date | None)
    assert_type(held.pending, Plan | None)
    assert_type(held.lapses_on, date)
    assert_type(held.held_until, date)
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
    assert_type(change(held, PLAN, tariff, on=DAY, passed=timedelta(hours=6)), Decision)
    assert_type(renew(held, tariff, on=DAY), Decision)
    assert_type(renew(held, tariff, on=DAY, plan=PLAN), Decision)
    assert_type(renew_without_bundles(held, tariff, on=DAY), Decision)
    assert_type(cancel(held, on=DAY), Decision)
    assert_type(resume(held, on=DAY), Decision)
    assert_type(lapse(held, on=DAY), Decision)
    assert_type(expire(held, on=DAY), Decision)
    assert_type(terminate(held, on=DAY, refund=False), Decision)
    assert_type(use(held, call, tariff, on=DAY), Decision)
    assert_type(deposit(Purse(ACCOUNT), FIVE, transfer="p-1", on=DAY), Decision)
    assert_type(
        deposit(Purse(ACCOUNT), FIVE, transfer="p-1", on=DAY, reason=Reason.BONUS), Decision
    )
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
    renew(held, tariff, on=DAY, plan=SKYPE_CONNECT)  # type: ignore[arg-type]
    renew_without_bundles(held, tariff, on=DAY, plan=SKYPE_CONNECT)  # type: ignore[arg-type]
    cancel(held)  # type: ignore[call-arg]
    buy(PLAN, tariff, account=PROFILE, profile=PROFILE, subscription=ID, on=DAY)  # type: ignore[arg-type]
    buy(PLAN, tariff, account=ACCOUNT, profile=ACCOUNT, subscription=ID, on=DAY)  # type: ignore[arg-type]
    assign_credit(PROFILE, ACCOUNT, FIVE, transfer="t", on=DAY)  # type: ignore[arg-type]
    deposit(ACCOUNT, FIVE, transfer="p", on=DAY)  # type: ignore[arg-type]
    bought.deltas[Purse(ACCOUNT)] = FIVE  # type: ignore[index]
