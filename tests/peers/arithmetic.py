"""The arithmetic of other billing systems, from this library's public functions, a few lines each.

A function does what its peer does, also where this library does otherwise; its docstring says what
that is. Nothing here is part of the library: these are the recipes that the published examples in
`data` are held to, and a start for whoever checks the numbers of an engine of their own.

Peers whose periods are written with their last day get half-open terms through `inclusive`, and
every share is a Fraction until the peer rounds.
"""

import json
import re
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from fractions import Fraction
from itertools import accumulate, pairwise, takewhile
from itertools import count as counting
from pathlib import Path
from typing import Any, Final

import attrs

from channelplans import (
    SKYPE_CONNECT,
    AccountId,
    ChangeRule,
    Currency,
    Days,
    Decision,
    Effect,
    InsufficientCredit,
    Ladder,
    Line,
    Money,
    Months,
    Offer,
    Posting,
    ProfileId,
    Purse,
    Quote,
    Reason,
    Refund,
    RefundBasis,
    RefundRule,
    Rounding,
    Subscription,
    SubscriptionId,
    Tariff,
    Term,
    TermRule,
    Tier,
    buy,
    change,
    civil_date,
    quote,
    refund,
    renew,
    renewal_dates,
    settle,
    term_at,
)

Length = Days | Months

ACCOUNT: Final = AccountId("peer")
PURSE: Final = Purse(ACCOUNT)
BY_DAYS: Final = RefundRule()
AT_ANY_TIME: Final = ChangeRule(cooldown=None)
PRORATED: Final = ChangeRule(cooldown=None, more=Effect.PRORATE, fewer=Effect.PRORATE)
CALENDAR_MONTHS: Final = TermRule(Months(1), aligned=True)

# What several peers need.


def between(term: Term, start: date, end: date) -> Fraction:
    """Return the part of a term that lies between two days, by days."""
    return term.unused(start) - term.unused(end)


def inclusive(first: date, last: date) -> Term:
    """Return the term from one day through another, the last one included."""
    return Term(first, term_at(last, Days(1), 0).end)


def month_of(day: date) -> Term:
    """Return the calendar month that a day lies in."""
    return term_at(day.replace(day=1), Months(1), 0)


def year_of(day: date) -> Term:
    """Return the calendar year that a day lies in."""
    return term_at(day.replace(month=1, day=1), Months(12), 0)


def digits(part: Fraction, decimals: int, rounding: Rounding = Rounding.HALF_UP) -> Decimal:
    """Return a plain number rounded to so many decimals, as money rounds.

    XTS is the code that ISO 4217 keeps for tests.
    """
    return Money.of(1, Currency("XTS", decimals)).share(part, rounding).amount


def day_that_leaves(part: Fraction) -> tuple[Days, date, date]:
    """Return a length, a first day, and the day that leaves just this part of the length."""
    start = date(2026, 1, 1)
    used = part.denominator - part.numerator
    return Days(part.denominator), start, start + timedelta(used)


def selling(term: TermRule, change: ChangeRule = AT_ANY_TIME, rule: RefundRule = BY_DAYS) -> Offer:
    """Return an offer of units by these rules."""
    return attrs.evolve(
        SKYPE_CONNECT,
        name="a peer's subscription",
        edition=f"{term}; {change}; {rule}",
        bundles=None,
        term=term,
        change=change,
        refund=rule,
    )


def costing(channel: Money | Ladder, currency: Currency) -> Tariff:
    """Return the tariff with one price for units, or a ladder of them."""
    price = channel.amount if isinstance(channel, Money) else channel
    return Tariff("a peer's", currency, channel=price, bundle=0, minute=0)


def one_price(price: Money, length: Length, rule: RefundRule = BY_DAYS) -> tuple[Offer, Tariff]:
    """Return an offer of units sold for a length of time, and the tariff with their price.

    The price stands in the edition, so that another price is another offer.
    """
    offer = attrs.evolve(selling(TermRule(length), rule=rule), edition=f"{price} for {length}")
    return offer, costing(price, price.currency)


def cost(ladder: Ladder, units: int, currency: Currency) -> Money:
    """Return what so many units cost by a ladder; none cost the first tier's flat fee."""
    return Money(ladder.units(units, currency), currency)


def stairs(prices: Sequence[Money]) -> Tariff:
    """Return plans with prices of their own as a stair-step: the n-th is sold as n units."""
    tiers = tuple(Tier(n, flat=price.amount) for n, price in enumerate(prices, 1))
    open_end = attrs.evolve(tiers[-1], up_to=None)
    return costing(Ladder((*tiers[:-1], open_end)), prices[0].currency)


def sold(
    price: Money, length: Length, *, on: date, units: int = 1, rule: RefundRule = BY_DAYS
) -> Quote:
    """Return so many units with one price, quoted for the term that starts on a day."""
    offer, tariff = one_price(price, length, rule)
    return quote(offer.plan(channels=units), tariff, on=on)


def held(offer: Offer, tariff: Tariff, start: date, units: int = 1) -> Subscription:
    """Return a running subscription to so many units, bought on a day."""
    bought = buy(
        offer.plan(channels=units),
        tariff,
        account=ACCOUNT,
        profile=ProfileId("peer"),
        subscription=SubscriptionId("peer"),
        on=start,
    )
    return after(bought)


def after(decision: Decision) -> Subscription:
    """Return the subscription that a decision leaves."""
    assert decision.after is not None
    return decision.after


def paid_by(decision: Decision) -> Money:
    """Return what a decision takes from the purse; below zero where something comes back."""
    nothing = Money(0, after(decision).paid.tariff.currency)
    return -decision.deltas.get(PURSE, nothing)


def charges(offer: Offer, tariff: Tariff, steps: Sequence[tuple[date, int]]) -> list[Money]:
    """Return what is paid on each day: a number of units is bought, then changed to others.

    This is the library's own `buy` and `change`; what a change costs is the offer's `ChangeRule`.
    """
    (start, units), *changes = steps
    subscription = held(offer, tariff, start, units)
    paid = [subscription.paid.total]
    for on, number in changes:
        changed = change(subscription, offer.plan(channels=number), tariff, on=on)
        paid.append(paid_by(changed))
        subscription = after(changed)
    return paid


def unit_added(price: Money, on: date) -> Line:
    """Return what a unit more costs from a day to the end of its calendar month.

    A change by `Effect.PRORATE` adds a line with a term of its own, and a refund gives back a part
    of that line over that term: what Stripe calls a credit relative to its debit.
    """
    offer, tariff = selling(CALENDAR_MONTHS, PRORATED), costing(price, price.currency)
    one = held(offer, tariff, month_of(on).start)
    return after(change(one, offer.plan(channels=2), tariff, on=on)).paid.lines[-1]


def prorated_change(
    old: Money, new: Money, length: Length, start: date, on: date
) -> tuple[Money, Money]:
    """Return the credit for what is left of the old price and the charge for the new one.

    Each is rounded by itself, once, and most peers add them up.
    """
    credit = ended_early(old, length, start, on).returned
    return -credit, ended_early(new, length, start, on).returned


def prorated_difference(old: Money, new: Money, length: Length, start: date, on: date) -> Money:
    """Return what is paid for the rest of a term at another price: `Effect.PRORATE`.

    The difference is rounded once, so that it may be a unit off the sum of credit and charge.
    """
    offer = selling(TermRule(length), PRORATED)
    return charges(offer, stairs([old, new]), [(start, 1), (on, 2)])[1]


def ended_early(
    price: Money, length: Length, start: date, on: date, rounding: Rounding = Rounding.HALF_UP
) -> Refund:
    """Return what comes back of one price and what is kept, by this library's own refund.

    Only what comes back is rounded: Zuora's older method rounded both, and 57 + 44 is not 100.
    """
    return refund(sold(price, length, on=start, rule=RefundRule(rounding=rounding)), on=on)


# Kill Bill: by days of the running period, in factors of nine digits.

KILL_BILL_PERIODS: Final[dict[str, Length]] = {
    "WEEKLY": Days(7),
    "BIWEEKLY": Days(14),
    "THIRTY_DAYS": Days(30),
    "THIRTY_ONE_DAYS": Days(31),
    "SIXTY_DAYS": Days(60),
    "NINETY_DAYS": Days(90),
    "MONTHLY": Months(1),
    "BIMESTRIAL": Months(2),
    "QUARTERLY": Months(3),
    "TRIANNUAL": Months(4),
    "BIANNUAL": Months(6),
    "ANNUAL": Months(12),
    "SESQUIENNIAL": Months(18),
    "BIENNIAL": Months(24),
    "TRIENNIAL": Months(36),
}


def bill_terms(start: date, length: Length, bill_cycle_day: int) -> Iterator[Term]:
    """Yield Kill Bill's billing periods, from the one that a subscription starts in.

    Periods of months meet on the bill cycle day, or on the last day of a month that is too short
    for it; they are counted from the month of the start, backwards too. Their grid is anchored in
    a December, which has every bill cycle day. Periods of days are counted from the start itself.
    """
    if isinstance(length, Days):
        yield from (term_at(start, length, number) for number in counting())
        return
    years = -(-length.count // 12)
    december = date(start.year - years - 1, 12, bill_cycle_day)
    first = 12 * years + start.month - length.count
    grid = (term_at(december, Months(1), month).start for month in counting(first, length.count))
    period_start = next(grid)
    for period_end in grid:
        if period_end > start:
            yield Term(period_start, period_end)
        period_start = period_end


def bill_days(start: date, length: Length, bill_cycle_day: int) -> Iterator[date]:
    """Yield the days that Kill Bill bills on: the first on or after the start, then each next."""
    terms = bill_terms(start, length, bill_cycle_day)
    first = next(terms)
    if first.start == start:
        yield start
    yield first.end
    yield from (term.end for term in terms)


def billed_in_advance(
    start: date, end: date | None, target: date, length: Length, bill_cycle_day: int
) -> date | None:
    """Return the day through which Kill Bill bills in advance: the next bill day, or the end.

    None is that nothing is billed, since the target lies before the start.
    """
    if target < start:
        return None
    following = next(day for day in bill_days(start, length, bill_cycle_day) if day > target)
    return following if end is None else min(following, end)


def billed_in_arrear(
    start: date,
    end: date | None,
    target: date,
    length: Length,
    bill_cycle_day: int,
    *,
    greedy: bool = False,
) -> date | None:
    """Return the day through which Kill Bill bills in arrear; None is that nothing is billed.

    It is the latest bill day that the target has reached, or the end where that comes first. An end
    that is the target is billed at once. The greedy mode bills the period that runs on the target.
    """
    if end == target:
        return end
    days = bill_days(start, length, bill_cycle_day)
    first = next(days)
    if target < (start if greedy else first):
        return None
    if end is not None and end < first:
        return end
    reached, following = first, first
    while following <= target:
        reached, following = following, next(days)
    through = following if greedy and reached != target else reached
    limit = following if greedy else target
    return end if end is not None and end <= limit else through


def billed_runs(
    start: date, through: date | None, length: Length, bill_cycle_day: int
) -> Iterator[tuple[Term, Term]]:
    """Yield what Kill Bill bills through a day: each run of days, and the period it lies in."""
    for period in bill_terms(start, length, bill_cycle_day):
        first = max(period.start, start)
        if through is None or first >= through:
            return
        yield Term(first, min(period.end, through)), period


def fixed_days(run: Term, days_in_month: int) -> int:
    """Return the days of a run where Kill Bill takes every month to have as many.

    What the month of the start has more than that is taken off, and what it lacks is added, unless
    the run begins and ends in months of the same name.
    """
    if run.start.month == run.end.month:
        return run.days
    return run.days - (month_of(run.start).days - days_in_month)


def killbill_days(run: Term, period: Term, days_in_month: int = 0) -> tuple[int, int]:
    """Return the days of a run and of its period, which make Kill Bill's factor.

    With a fixed number of days in a month, that is the period's length, whatever its days.
    """
    if days_in_month:
        return fixed_days(run, days_in_month), days_in_month
    return run.days, period.days


def killbill_factor(run: Term, period: Term, days_in_month: int = 0) -> Decimal:
    """Return Kill Bill's factor: days over days of the period, half up to nine digits."""
    return digits(Fraction(*killbill_days(run, period, days_in_month)), 9)


def killbill_cycles(
    start: date, end: date | None, target: date, length: Length, bill_cycle_day: int
) -> Decimal:
    """Return how many periods Kill Bill bills in advance: the sum of factors, each rounded."""
    through = billed_in_advance(start, end, target, length, bill_cycle_day)
    runs = billed_runs(start, through, length, bill_cycle_day)
    return sum((killbill_factor(run, period) for run, period in runs), start=Decimal(0))


def killbill_amount(price: Money, factor: Decimal) -> Money:
    """Return a price times a factor of nine digits: rounded for the second time."""
    return price.share(Fraction(factor))


def killbill_align(day: date, length: Length, bill_cycle_day: int, anchor: date | None) -> date:
    """Return the first bill day on or after a day; periods of days are counted from an anchor."""
    start = anchor if anchor is not None and isinstance(length, Days) else day
    return next(due for due in bill_days(start, length, bill_cycle_day) if due >= day)


def advance(day: date, length: Length, periods: int) -> date:
    """Return the day so many periods later.

    Kill Bill steps from day to day; a step from the 31st is pulled back by its bill cycle day
    afterwards. Here it is counted from the first day, so that nothing needs pulling back.
    """
    return term_at(day, length, periods).start


def recede(day: date, length: Length, periods: int) -> date:
    """Return the latest day from which so many periods lead to a day.

    Terms run forwards only, so that a step back is looked for.
    """
    earlier = (day - timedelta(back) for back in counting())
    return next(first for first in earlier if advance(first, length, periods) == day)


def whole_periods(start: date, end: date, length: Length) -> int:
    """Return how many periods fit between two days."""
    return sum(1 for _ in takewhile(lambda due: due <= end, renewal_dates(start, length)))


def killbill_blocks(blocks: Sequence[tuple[int, int | None, str]], *, all_tiers: bool) -> Ladder:
    """Return Kill Bill's tiers of blocks as a ladder: their size, how many, the price of each.

    ALL_TIERS is graduated, and TOP_TIER prices all by the tier that the whole falls in. The last
    tier is open here, however many blocks it has.
    """
    ends = accumulate(size * (most or 0) for size, most, _ in blocks)
    tiers = tuple(
        Tier(end, unit=price, pack=size) for end, (size, _, price) in zip(ends, blocks, strict=True)
    )
    return Ladder((*tiers[:-1], attrs.evolve(tiers[-1], up_to=None)), graduated=all_tiers)


def tier_amounts(ladder: Ladder, units: int, currency: Currency) -> list[Money]:
    """Return what each tier of a graduated ladder adds; by volume one tier prices all."""
    if not ladder.graduated:
        return [cost(ladder, units, currency)]
    reached = [units if tier.up_to is None else min(units, tier.up_to) for tier in ladder.tiers]
    up_to = [cost(ladder, number, currency) for number in reached]
    return [up_to[0], *(this - below for below, this in pairwise(up_to))]


def more_from_renewal(
    unit_price: Money, old: int, new: int, length: Length, renewal: date
) -> Subscription:
    """Return what runs from a renewal on, after a change for the next term: `Effect.NEXT_TERM`."""
    rule = ChangeRule(cooldown=None, more=Effect.NEXT_TERM, fewer=Effect.NEXT_TERM)
    offer, tariff = selling(TermRule(length), rule), costing(unit_price, unit_price.currency)
    before = held(offer, tariff, recede(renewal, length, 1), old)
    changed = change(before, offer.plan(channels=new), tariff, on=before.term.start)
    return after(renew(after(changed), tariff, on=renewal))


# Zuora: months by their own days, by 30 of them, or by 30 even ones.


def zuora_days(run: Term, rule: str) -> tuple[int, int]:
    """Return the days of a run within one month, and those of the month, by Zuora's rule.

    ACTUAL_ACTUAL takes both as they are, ACTUAL_360 has 30 days in a month, and STRICT_30_360 has
    only 30 days to count: the last of each month is its 30th.
    """
    month = month_of(run.start)
    if rule == "ACTUAL_ACTUAL":
        return run.days, month.days
    if rule == "ACTUAL_360":
        return run.days, 30
    last_day = 30 if run.end == month.end else min(run.end.day - 1, 30)
    return last_day - min(run.start.day, 30) + 1, 30


def by_months(run: Term) -> Iterator[Term]:
    """Yield the runs of days that a run has in each calendar month."""
    start = run.start
    while start < run.end:
        end = min(month_of(start).end, run.end)
        yield Term(start, end)
        start = end


def zuora_months(run: Term, rule: str) -> Fraction:
    """Return how many months Zuora bills: whole ones as 1, the others by days."""
    return sum(
        (
            Fraction(1) if part == month_of(part.start) else Fraction(*zuora_days(part, rule))
            for part in by_months(run)
        ),
        start=Fraction(0),
    )


def zuora_year(run: Term, rule: str) -> Fraction:
    """Return the part of a year that Zuora bills.

    By month first, it is months of twelve; by day, the days of the run over 360 or the year's own.
    """
    if rule.startswith("MONTH_FIRST"):
        return zuora_months(run, "ACTUAL_360" if rule.endswith("30") else "ACTUAL_ACTUAL") / 12
    return Fraction(run.days, 360 if rule.endswith("30") else year_of(run.start).days)


def by_calendar(unit_price: Money, run: Term, units: int = 1) -> Money:
    """Return what units cost by calendar months through the last of a month, by `buy` and `renew`.

    Terms that are aligned to months bill as Zuora's ACTUAL_ACTUAL does, each rounded by itself.
    """
    offer, tariff = selling(CALENDAR_MONTHS), costing(unit_price, unit_price.currency)
    subscription = held(offer, tariff, run.start, units)
    total = subscription.paid.total
    while subscription.term.end < run.end:
        subscription = after(renew(subscription, tariff, on=subscription.term.end))
        total += subscription.paid.total
    return total


# Stripe: by the second.


def midnight(day: date) -> datetime:
    """Return the instant at which a day begins in UTC."""
    return datetime.combine(day, time(), UTC)


def instant_that_leaves(part: Fraction, period: Term) -> datetime:
    """Return the instant that leaves just this part of a period, to the microsecond."""
    start, end = midnight(period.start), midnight(period.end)
    return end - (end - start) * part.numerator / part.denominator


def left_at(price: Money, length: Length, start: date, at: datetime) -> Money:
    """Return what an instant leaves of a price, by the second, as Stripe prorates.

    That is this library's refund by exact time; days begin at midnight UTC.
    """
    on = civil_date(at, UTC)
    paid = sold(price, length, on=start, rule=RefundRule(channels=RefundBasis.EXACT_TIME))
    return refund(paid, on=on, passed=at - midnight(on)).returned


def floor_to_last(amount: Money, weights: Sequence[int]) -> tuple[Money, ...]:
    """Return an amount shared out as Stripe does: rounded down, the remainder to the last."""
    parts = [amount.share(Fraction(weight, sum(weights)), Rounding.DOWN) for weight in weights[:-1]]
    return (*parts, amount - sum(parts, start=Money(0, amount.currency)))


def backdated(start: date, first_bill: date) -> tuple[int, int]:
    """Return the days before the first bill, and those of a whole month from the early start.

    Stripe divides by a month that it imagines from the backdated start, not by the running one.
    """
    return Term(start, first_bill).days, term_at(start, Months(1), 0).days


def to_whole_units(raw: str) -> int:
    """Return a number of days, weeks or months, to the nearest whole one."""
    decimals = max(0, -int(Decimal(raw).as_tuple().exponent))
    return Money.of(raw, Currency("XTS", decimals)).to(Currency("XTS", 0)).minor


def amount_due(total: Money, credit: Money) -> Money:
    """Return what is left to pay after an account's credit; a total that comes back needs none."""
    bill = Posting(PURSE, -total, Reason.SUBSCRIPTION, date(2026, 1, 1))
    try:
        settle({PURSE: credit}, [bill])
    except InsufficientCredit as error:
        return Money.of(error.missing, total.currency)
    return Money(0, total.currency)


# Chargebee and Recurly: by days of the period.


def change_day_used(
    price: Money, length: Length, start: date, on: date, *, units: int = 1
) -> Refund:
    """Return the refund of some units where the day of the change counts as used.

    Chargebee's example of fewer units and Recurly's of one more both count so.
    """
    rule = RefundRule(change_day_used=True)
    return refund(sold(price, length, on=start, units=units, rule=rule), on=on)


def to_currency(unit_price: str, quantity: str, currency: Currency) -> tuple[Decimal, Money]:
    """Return a price of many decimals times a quantity of many, exactly and in a currency.

    Chargebee keeps all decimals until the amount, which it rounds to the currency's.
    """
    wide = Currency(currency.code, 12)
    raw = Money.of(unit_price, wide).share(Fraction(quantity))
    return raw.amount, raw.to(currency)


# Lago: by days of the month or of the period, tax apart.


def lago_credit(price: Money, part: Fraction, tax_percent: str) -> tuple[Money, Money, Money]:
    """Return Lago's credit note: net, tax and total.

    The net amount is rounded, the tax is taken from that and rounded too, and the total is their
    sum, which may be a unit off the rounded product of all three.
    """
    net = price.share(part)
    tax = net.share(Fraction(tax_percent) / 100)
    return net, tax, net + tax


def paid_through(unit_price: Money, days: Sequence[date], units: Sequence[int]) -> list[Money]:
    """Return what each number of units costs where only those above the highest so far are new.

    That is Lago's charge in advance without proration: fewer units give nothing back, and units
    that were paid for once in a period are not paid for again. An offer says so of its changes.
    """
    rule = ChangeRule(cooldown=None, more=Effect.FULL, fewer=Effect.KEEP)
    offer, tariff = selling(CALENDAR_MONTHS, rule), costing(unit_price, unit_price.currency)
    return charges(offer, tariff, list(zip(days, units, strict=True)))


def lago_package(price: str, size: int, free: int) -> Ladder:
    """Return Lago's packages: free units below, and above them each begun package at its price."""
    packages = Tier(None, unit=price, pack=size)
    return Ladder((Tier(free), packages) if free else (packages,), graduated=True)


def in_parts(ladder: Ladder, decimals: int) -> Ladder:
    """Return a ladder that counts tenths, hundredths ... of a unit.

    What is sold here is counted, and Lago's units may be 100.5: these are 1005 tenths, each at a
    tenth of the price.
    """
    tiers = tuple(
        attrs.evolve(
            tier,
            up_to=None if tier.up_to is None else tier.up_to * 10**decimals,
            unit=tier.unit.scaleb(-decimals),
        )
        for tier in ladder.tiers
    )
    return attrs.evolve(ladder, tiers=tiers)


def day_of(local: str) -> date:
    """Return the day of an instant that is written without a zone, taken as UTC."""
    return civil_date(datetime.fromisoformat(local).replace(tzinfo=UTC), UTC)


# ex_money: a change that takes effect at once starts a period of its own.


def changed_later(old: Money, new: Money, length: Length, start: date) -> Decision:
    """Return the renewal at a price that was changed to for the next term: `Effect.NEXT_TERM`."""
    rule = ChangeRule(cooldown=None, more=Effect.NEXT_TERM, fewer=Effect.NEXT_TERM)
    offer, tariff = selling(TermRule(length), rule), stairs([old, new])
    waiting = after(change(held(offer, tariff, start), offer.plan(channels=2), tariff, on=start))
    return renew(waiting, tariff, on=waiting.term.end)


def changed_at_once(
    old: tuple[Money, Length], new: tuple[Money, Length], start: date, on: date
) -> Decision:
    """Return the decision to change from one price and length to another.

    What is left comes back and the new price is paid for a period that starts on that day: this is
    this library's own `change`.
    """
    offer, tariff = one_price(*new)
    return change(held(*one_price(*old), start), offer.plan(channels=1), tariff, on=on)


def credit_as_days(credit: Money, price: Money, term: Term) -> int:
    """Return the days that a credit buys at the price of a term, a begun day as a whole one."""
    days = Money(term.days, Currency("XTS", 0))
    return days.share(Fraction(credit.minor, price.minor), Rounding.UP).minor


# silver: months of the grid, then days.


def months_and_days(start: date, end: date) -> tuple[int, int, int]:
    """Return the whole months between two days, the days that are left, and those of that month.

    The months are those of the grid from the start, as `term_at` has them.
    """
    months = whole_periods(start, end, Months(1))
    running = term_at(start, Months(1), months)
    return months, running.days - running.remaining(end), running.days


# django-plans: a day's price is rounded before it is multiplied.


def quantised(price: Money, period: int, days: int) -> Money:
    """Return django-plans' price of some days: the price of one, rounded, times the days."""
    return price.share(Fraction(1, period)) * days


# brick/money: what is left over goes to the first.


def floor_to_first(amount: Money, weights: Sequence[int]) -> tuple[Money, ...]:
    """Return an amount shared out, rounded down, with a unit more for each of the first."""
    parts = [amount.share(Fraction(weight, sum(weights)), Rounding.DOWN) for weight in weights]
    left_over = amount.minor - sum(part.minor for part in parts)
    return tuple(
        Money(part.minor + (index < left_over), part.currency) for index, part in enumerate(parts)
    )


# Polar: the next date from the one before.


def drifting_dates(start: date, length: Length) -> Iterator[date]:
    """Yield renewal dates computed each from the one before, so that a short month stays short."""
    while True:
        start = term_at(start, length, 0).end
        yield start


# Reading the examples in `data`, which keep their sources' figures as text.

DATA: Final = Path(__file__).parent / "data"
PAGE: Final = Path(__file__).parents[2] / "docs" / "explanation" / "peers.rst"
_NUMBER: Final = re.compile(r"-?[0-9]+(\.[0-9]+)?")


def examples(name: str) -> list[dict[str, Any]]:
    """Return the examples of a file."""
    text = (DATA / f"{name}.json").read_text(encoding="utf-8")
    found: list[dict[str, Any]] = json.loads(text)["vectors"]
    return found


def plain(value: Any) -> Any:
    """Return a value as the examples write it, with each number a Decimal, so that 44.00 is 44."""
    match value:
        case str():
            value = Decimal(value) if _NUMBER.fullmatch(value) else value
        case Money():
            value = value.amount
        case date():
            value = value.isoformat()
        case Term():
            value = [plain(value.start), plain(value.end)]
        case dict():
            value = {key: plain(each) for key, each in value.items()}
        case list() | tuple():
            value = [plain(each) for each in value]
    return value
