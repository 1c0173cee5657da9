"""The types of calls, tariffs, quotes and refunds, checked by mypy and pyright and never run.

Each line with ``type: ignore`` is a mistake that a type checker must find. An ignore that is not
needed is an error too.
"""

from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import assert_type

from channelplans.allowances import Allowance
from channelplans.calendar import Term
from channelplans.calls import (
    Call,
    Charge,
    Payer,
    RatedCall,
    billable,
    covered,
    longest_call,
    rate_call,
)
from channelplans.money import EUR, Currency, Money
from channelplans.offers import OFFERS, SKYPE_CONNECT
from channelplans.plans import Offer
from channelplans.pricing import (
    Line,
    Quote,
    Refund,
    RefundLine,
    amend_quote,
    quote,
    refund,
)
from channelplans.rules import ChangeEffect, Notice, RefundRule, Rollover
from channelplans.tariffs import Item, Ladder, LadderMode, Rate, Tariff, Tier

DAY = date(2026, 1, 5)
FIVE = Money.of("5", EUR)
PLAN = SKYPE_CONNECT.plan(channels=3, bundles=1)


def published_offers() -> None:
    """The published offers are a read-only mapping."""
    assert_type(OFFERS["premitel"], Offer)
    assert_type(list(OFFERS), list[str])
    OFFERS["mine"] = SKYPE_CONNECT  # type: ignore[index]


def usage() -> None:
    """A call has a duration. An allowance has included and carried minutes."""
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
    if SKYPE_CONNECT.bundle is not None:
        assert_type(covered(call, SKYPE_CONNECT.bundle), bool)
    covered(call, SKYPE_CONNECT.bundle)  # type: ignore[arg-type]
    Call("c-1", "+12125550100", "US", DAY, 31)  # type: ignore[arg-type]
    Allowance(5000)  # type: ignore[arg-type]
    allowance.next(call.duration, 1)  # type: ignore[arg-type]


def pricing() -> None:
    """A tariff prices plans and calls. A quote can be refunded."""
    tariff = Tariff("t", EUR, "6.95", 10, Decimal("0.021"), {"DE": "0.02"})
    assert_type(tariff.currency, Currency)
    assert_type(tariff.channel, Decimal | Ladder)
    assert_type(tariff.bundle, Decimal | Ladder | None)
    assert_type(tariff.setup, Decimal)
    assert_type(tariff.channel_setup, Decimal)
    assert_type(tariff.units(Item.CHANNELS, 3), int)
    assert_type(tariff.price_of(Item.CHANNELS), Money | Ladder)
    assert_type(tariff.channels(3), Money)
    assert_type(tariff.rates, Mapping[str, Rate])
    assert_type(tariff.bundles(3), Money)
    assert_type(tariff.rate_for("DE", SKYPE_CONNECT, number="+49 30 1"), Rate)
    assert_type(tariff.scaled(Fraction(1, 2), name="half"), Tariff)
    assert_type(Rate("0.02", connection=1).minute, Decimal)
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
    refunded = refund(quoted, on=DAY, allowance=quoted.allowance, rule=RefundRule())
    assert_type(refunded, Refund)
    assert_type(refunded.lines, tuple[RefundLine, ...])
    assert_type(refunded.returned, Money)
    assert_type(refunded.kept, Money)
    call = Call("c-1", "+12125550100", "US", DAY, timedelta(seconds=31))
    rated = rate_call(call, quoted.allowance, tariff, offer=SKYPE_CONNECT)
    assert_type(rated, RatedCall)
    assert_type(rated.charges, tuple[Charge, ...])
    assert_type(rated.charges[0].payer, Payer)
    assert_type(rated.counted, timedelta)
    assert_type(
        longest_call(
            call, quoted.allowance, tariff, offer=SKYPE_CONNECT, account=FIVE, profile=FIVE
        ),
        timedelta,
    )
    Tariff("t", EUR, 6.95, 10, 0)  # type: ignore[arg-type]
    Tariff("t", "EUR", "6.95", 10, 0)  # type: ignore[arg-type]
    Tariff("t", EUR, "6.95", 10, 0, {"DE": 0.02})  # type: ignore[dict-item]
    quote(PLAN, tariff, DAY)  # type: ignore[call-arg]
    quote(PLAN, tariff)  # type: ignore[call-arg]
    refund(PLAN, on=DAY)  # type: ignore[arg-type]
    tariff.units("channels", 3)  # type: ignore[arg-type]
    rate_call(call, quoted.allowance, tariff)  # type: ignore[call-arg]
    tariff.rates["DE"] = Rate(1)  # type: ignore[index]


def amendments(quoted: Quote, tariff: Tariff) -> None:
    """A quote can be amended to another plan. A refund can count hours."""
    assert_type(quote(PLAN, tariff, on=DAY, replacing=PLAN), Quote)
    assert_type(quoted.renewals(), Iterator[date])
    assert_type(amend_quote(quoted, PLAN, on=DAY, effect=ChangeEffect.PRORATE), Quote)
    refund(quoted, DAY)  # type: ignore[call-arg]
    amend_quote(quoted, PLAN, on=DAY, effect="prorated")  # type: ignore[arg-type]
    amend_quote(quoted, PLAN, on=DAY)  # type: ignore[call-arg]
    assert_type(quoted.anchor, date)


def ladders() -> None:
    """A ladder is a price by quantity. A tariff accepts it instead of a number."""
    ladder = Ladder(
        (Tier(5, unit="7"), Tier(None, unit=6, flat=Decimal(1), pack=10)), mode=LadderMode.GRADUATED
    )
    assert_type(ladder.tiers, tuple[Tier, ...])
    assert_type(ladder.mode, LadderMode)
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
    Ladder(ladder.tiers, mode="graduated")  # type: ignore[arg-type]
    ladder.mode = LadderMode.VOLUME  # type: ignore[misc]
