"""The arithmetic of other billing systems, in short functions over this library's public API.

Each function gives the same result as the named system, even where this library differs. These
functions are not part of the library. The tests compare them with the published examples in `data`.
Copy a function to check the numbers of your own billing engine.

Some systems write a period with its last day; `term_through` makes a half-open term of it. Every
part of a term is a Fraction until the system rounds it.
"""

import json
import re
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from fractions import Fraction
from itertools import accumulate, count, pairwise, takewhile
from pathlib import Path
from typing import Any, Final

import attrs

from channelplans import (
    SKYPE_CONNECT,
    ChangeEffect,
    ChangeRule,
    Currency,
    Days,
    Decision,
    InsufficientCredit,
    Ladder,
    LadderMode,
    Line,
    Money,
    Months,
    Offer,
    Posting,
    Quote,
    Reason,
    Refund,
    RefundRule,
    Rounding,
    Subscription,
    Tariff,
    Term,
    TermRule,
    Tier,
    Wallet,
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

ACCOUNT: Final = "peer"
WALLET: Final = Wallet(ACCOUNT)
MICROSECOND: Final = timedelta(microseconds=1)
REFUND_BY_DAYS: Final = RefundRule()
CHANGE_AT_ANY_TIME: Final = ChangeRule(cooldown=None)
PRORATED_CHANGE: Final = ChangeRule(
    cooldown=None, more=ChangeEffect.PRORATE, fewer=ChangeEffect.PRORATE
)
CHANGE_AT_RENEWAL: Final = ChangeRule(
    cooldown=None, more=ChangeEffect.AT_RENEWAL, fewer=ChangeEffect.AT_RENEWAL
)
CALENDAR_MONTHS: Final = TermRule(Months(1), billing_day=1)

# Helpers for several systems.


@attrs.frozen
class DayInTerm:
    """A day, such as the day of a change, within a term of some length."""

    length: Length
    start: date
    on: date


def part_between(term: Term, start: date, end: date) -> Fraction:
    """Return the part of a term between two days, by days."""
    return term.unused(start) - term.unused(end)


def term_through(first: date, last: date) -> Term:
    """Return the term that includes both its first and its last day."""
    return Term(first, term_at(last, Days(1), 0).end)


def month_of(day: date) -> Term:
    """Return the calendar month of a day."""
    return term_at(day.replace(day=1), Months(1), 0)


def year_of(day: date) -> Term:
    """Return the calendar year of a day."""
    return term_at(day.replace(month=1, day=1), Months(12), 0)


def round_number(number: Fraction, decimals: int, rounding: Rounding = Rounding.HALF_UP) -> Decimal:
    """Return a number rounded to a number of decimals, with the rounding of `Money`.

    XTS is the currency code that ISO 4217 reserves for tests.
    """
    return Money.of(1, Currency("XTS", decimals)).share(number, rounding).amount


def day_when_part_is_left(part: Fraction) -> DayInTerm:
    """Return a day on which exactly this part of a term is left."""
    start = date(2026, 1, 1)
    used_days = part.denominator - part.numerator
    return DayInTerm(Days(part.denominator), start, start + timedelta(used_days))


def make_offer(
    term: TermRule,
    change: ChangeRule = CHANGE_AT_ANY_TIME,
    refund: RefundRule = REFUND_BY_DAYS,
) -> Offer:
    """Return an offer of units with these rules."""
    return attrs.evolve(
        SKYPE_CONNECT,
        name="a peer's subscription",
        edition=f"{term}; {change}; {refund}",
        bundle=None,
        term=term,
        change=change,
        refund=refund,
    )


def make_tariff(unit_price: Money | Ladder, currency: Currency) -> Tariff:
    """Return a tariff with one price for each unit, or with a ladder of prices."""
    price = unit_price.amount if isinstance(unit_price, Money) else unit_price
    return Tariff("a peer's", currency, channel=price, bundle=0, minute=0)


def offer_at_price(
    price: Money, length: Length, rule: RefundRule = REFUND_BY_DAYS
) -> tuple[Offer, Tariff]:
    """Return an offer of units for terms of one length, and a tariff with the units' price.

    The offer's edition names the price, so that each price has its own offer.
    """
    offer = attrs.evolve(make_offer(TermRule(length), refund=rule), edition=f"{price} for {length}")
    return offer, make_tariff(price, price.currency)


def ladder_price(ladder: Ladder, units: int, currency: Currency) -> Money:
    """Return the price of some units by a ladder, rounded half up."""
    return Money(minor=ladder.units(units, currency), currency=currency)


def tariff_of_plans(prices: Sequence[Money]) -> Tariff:
    """Return a tariff that sells the n-th of several plans, each with its own price, as n units."""
    tiers = tuple(Tier(n, flat=price.amount) for n, price in enumerate(prices, 1))
    open_tier = attrs.evolve(tiers[-1], up_to=None)
    return make_tariff(Ladder((*tiers[:-1], open_tier)), prices[0].currency)


def quote_units(
    price: Money, length: Length, *, on: date, units: int = 1, rule: RefundRule = REFUND_BY_DAYS
) -> Quote:
    """Return the quote for some units of one price, for the term that starts on a day."""
    offer, tariff = offer_at_price(price, length, rule)
    return quote(offer.plan(channels=units), tariff, on=on)


def buy_units(offer: Offer, tariff: Tariff, *, on: date, units: int = 1) -> Subscription:
    """Return a subscription to some units, bought on a day."""
    return buy(
        offer.plan(channels=units),
        tariff,
        account=ACCOUNT,
        profile="peer",
        subscription="peer",
        on=on,
    ).after


def amount_paid(decision: Decision) -> Money:
    """Return the amount that a decision debits from the wallet; a refund is below zero."""
    zero = Money(minor=0, currency=decision.after.quote.tariff.currency)
    return -decision.deltas.get(WALLET, zero)


def amounts_paid(
    offer: Offer, tariff: Tariff, units_by_day: Sequence[tuple[date, int]]
) -> list[Money]:
    """Return the amount paid on each day: for the purchase first, then for each change of units.

    The amounts are those of this library's `buy` and `change` under the offer's `ChangeRule`.
    """
    (start, units), *changes = units_by_day
    subscription = buy_units(offer, tariff, on=start, units=units)
    amounts = [subscription.quote.total]
    for on, new_units in changes:
        decision = change(subscription, offer.plan(channels=new_units), tariff, on=on)
        amounts.append(amount_paid(decision))
        subscription = decision.after
    return amounts


def added_unit_line(price: Money, on: date) -> Line:
    """Return the quote's line for a second unit, from a day to the end of that day's month.

    A change by `ChangeEffect.PRORATE` adds a line with its own term. A refund of that line is
    prorated by the days of the line's term. Stripe calls such a refund a credit relative to its
    debit.
    """
    offer = make_offer(CALENDAR_MONTHS, PRORATED_CHANGE)
    tariff = make_tariff(price, price.currency)
    one_unit = buy_units(offer, tariff, on=month_of(on).start)
    two_units = change(one_unit, offer.plan(channels=2), tariff, on=on).after
    return two_units.quote.lines[-1]


def credit_and_charge(old: Money, new: Money, change_day: DayInTerm) -> tuple[Money, Money]:
    """Return the credit for the rest of the term at the old price, and the charge at the new price.

    The credit is below zero. Each amount is rounded once; most systems then add the two.
    """
    credit = refund_rest(old, change_day).returned
    charge = refund_rest(new, change_day).returned
    return -credit, charge


def prorated_difference(old: Money, new: Money, change_day: DayInTerm) -> Money:
    """Return the amount paid to change a price for the rest of a term, by `ChangeEffect.PRORATE`.

    The difference is rounded once. It can differ by one unit from the sum of credit and charge.
    """
    offer = make_offer(TermRule(change_day.length), PRORATED_CHANGE)
    plans_by_day = [(change_day.start, 1), (change_day.on, 2)]
    _, difference = amounts_paid(offer, tariff_of_plans([old, new]), plans_by_day)
    return difference


def refund_rest(price: Money, end_day: DayInTerm, rounding: Rounding = Rounding.HALF_UP) -> Refund:
    """Return this library's refund of a price for the rest of a term.

    Only the refunded amount is rounded; the kept amount is the difference to the price. Zuora's
    older method rounded both amounts up, so that its 57 and 44 do not add up to 100.
    """
    rule = RefundRule(rounding=rounding)
    paid = quote_units(price, end_day.length, on=end_day.start, rule=rule)
    return refund(paid, on=end_day.on)


# Kill Bill divides days by the days of the period and rounds that factor to nine digits.

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


@attrs.frozen
class BillCalendar:
    """The facts from which Kill Bill computes the billing periods of a subscription."""

    start: date
    length: Length
    bill_cycle_day: int


def billing_periods(calendar: BillCalendar) -> Iterator[Term]:
    """Yield Kill Bill's billing periods; the first is the period that contains the start.

    Periods of months begin on the bill cycle day, or on the last day of a shorter month. They are
    counted from the start's month. Periods of days are counted from the start itself.
    """
    start, length = calendar.start, calendar.length
    if isinstance(length, Days):
        yield from (term_at(start, length, number) for number in count())
        return
    # The months are counted from a December, because a December has every bill cycle day.
    years = -(-length.count // 12)
    december = date(start.year - years - 1, 12, calendar.bill_cycle_day)
    start_month = 12 * years + start.month
    months = count(start_month - length.count, length.count)
    boundaries = (term_at(december, Months(1), month).start for month in months)
    for period_start, period_end in pairwise(boundaries):
        if period_end > start:
            yield Term(period_start, period_end)


def bill_days(calendar: BillCalendar) -> Iterator[date]:
    """Yield Kill Bill's bill days, from the first bill day on or after the start."""
    periods = billing_periods(calendar)
    first_period = next(periods)
    if first_period.start == calendar.start:
        yield calendar.start
    yield first_period.end
    yield from (period.end for period in periods)


def billed_in_advance(calendar: BillCalendar, target: date, end: date | None) -> date | None:
    """Return the day up to which Kill Bill bills in advance: the next bill day, or an earlier end.

    Return None if the target is before the start, because Kill Bill then bills nothing.
    """
    if target < calendar.start:
        return None
    following_bill_day = next(day for day in bill_days(calendar) if day > target)
    return following_bill_day if end is None else min(following_bill_day, end)


def billed_in_arrear(
    calendar: BillCalendar, target: date, end: date | None, *, greedy: bool = False
) -> date | None:
    """Return the day up to which Kill Bill bills in arrear, or None if it bills nothing.

    By default it bills up to the latest bill day on or before the target. In greedy mode it bills
    the whole period that contains the target, but a target on a bill day adds no period. If the
    subscription ends by the target, or by that period's end in greedy mode, it bills to the end.
    """
    if end == target:
        return end
    days = bill_days(calendar)
    first_bill_day = next(days)
    if target < (calendar.start if greedy else first_bill_day):
        return None
    if end is not None and end < first_bill_day:
        return end
    bill_day, following_bill_day = first_bill_day, first_bill_day
    while following_bill_day <= target:
        bill_day, following_bill_day = following_bill_day, next(days)
    through = following_bill_day if greedy and bill_day != target else bill_day
    latest_end = following_bill_day if greedy else target
    return end if end is not None and end <= latest_end else through


def billed_segments(calendar: BillCalendar, through: date | None) -> Iterator[tuple[Term, Term]]:
    """Yield the segments that Kill Bill bills up to a day, each with the period around it."""
    for period in billing_periods(calendar):
        segment_start = max(period.start, calendar.start)
        if through is None or segment_start >= through:
            return
        yield Term(segment_start, min(period.end, through)), period


def count_fixed_days(segment: Term, days_in_month: int) -> int:
    """Return the days of a segment, if every month counts as the same number of days.

    The start's month is corrected to that number. A segment that starts and ends in months of the
    same name, even in different years, is not corrected.
    """
    if segment.start.month == segment.end.month:
        return segment.days
    extra_days = month_of(segment.start).days - days_in_month
    return segment.days - extra_days


def killbill_day_counts(segment: Term, period: Term, days_in_month: int = 0) -> tuple[int, int]:
    """Return the days of a segment and of its period, from which Kill Bill computes its factor.

    With a fixed number of days in a month, every period counts as that number of days.
    """
    if days_in_month:
        return count_fixed_days(segment, days_in_month), days_in_month
    return segment.days, period.days


def killbill_factor(segment: Term, period: Term, days_in_month: int = 0) -> Decimal:
    """Return Kill Bill's factor: a segment's part of the period, half up to nine digits."""
    part = Fraction(*killbill_day_counts(segment, period, days_in_month))
    return round_number(part, 9)


def killbill_cycles(calendar: BillCalendar, target: date, end: date | None) -> Decimal:
    """Return how many periods Kill Bill bills in advance: the sum of the rounded factors."""
    segments = billed_segments(calendar, billed_in_advance(calendar, target, end))
    factors = (killbill_factor(segment, period) for segment, period in segments)
    return sum(factors, start=Decimal(0))


def killbill_amount(price: Money, factor: Decimal) -> Money:
    """Return Kill Bill's amount, rounded a second time: a price times a factor of nine digits."""
    return price.share(Fraction(factor))


def next_bill_day(day: date, length: Length, bill_cycle_day: int, *, anchor: date | None) -> date:
    """Return the first bill day on or after a day; periods of days are counted from an anchor."""
    start = anchor if anchor is not None and isinstance(length, Days) else day
    days = bill_days(BillCalendar(start, length, bill_cycle_day))
    return next(bill_day for bill_day in days if bill_day >= day)


def add_periods(day: date, length: Length, number: int) -> date:
    """Return the day a number of periods later.

    Kill Bill adds one period at a time. A short month moves its date forward, and the bill cycle
    day later corrects that. Here all periods are counted from the first day, so no date moves.
    """
    return term_at(day, length, number).start


def subtract_periods(day: date, length: Length, number: int) -> date:
    """Return the latest day from which a number of periods leads to the given day.

    The library only counts forwards, so this function tries the earlier days one by one.
    """
    earlier_days = (day - timedelta(days) for days in count())
    return next(start for start in earlier_days if add_periods(start, length, number) == day)


def count_whole_periods(start: date, end: date, length: Length) -> int:
    """Return how many whole periods there are between two days."""
    return sum(1 for _ in takewhile(lambda due: due <= end, renewal_dates(start, length)))


def killbill_ladder(blocks: Sequence[tuple[int, int | None, str]], *, all_tiers: bool) -> Ladder:
    """Return a ladder for Kill Bill's tiers, each with a block size, a block limit and a price.

    ALL_TIERS is a graduated ladder. TOP_TIER prices all units by the highest tier that they reach.
    The last tier of a ladder has no limit, even if Kill Bill's has.
    """
    limits = accumulate(size * (max_blocks or 0) for size, max_blocks, _ in blocks)
    tiers = tuple(
        Tier(limit, unit=price, pack=size)
        for limit, (size, _, price) in zip(limits, blocks, strict=True)
    )
    open_tier = attrs.evolve(tiers[-1], up_to=None)
    mode = LadderMode.GRADUATED if all_tiers else LadderMode.VOLUME
    return Ladder((*tiers[:-1], open_tier), mode)


def tier_amounts(ladder: Ladder, units: int, currency: Currency) -> list[Money]:
    """Return the amount that each tier of a graduated ladder adds; by volume, the total alone."""
    if ladder.mode is LadderMode.VOLUME:
        return [ladder_price(ladder, units, currency)]
    units_up_to_tier = [
        units if tier.up_to is None else min(units, tier.up_to) for tier in ladder.tiers
    ]
    totals = [ladder_price(ladder, number, currency) for number in units_up_to_tier]
    first_total, *_ = totals
    return [first_total, *(total - lower_total for lower_total, total in pairwise(totals))]


def change_units_at_renewal(
    unit_price: Money, old: int, new: int, *, length: Length, renewal: date
) -> Subscription:
    """Return the renewed subscription after a change of units by `ChangeEffect.AT_RENEWAL`."""
    offer = make_offer(TermRule(length), CHANGE_AT_RENEWAL)
    tariff = make_tariff(unit_price, unit_price.currency)
    start = subtract_periods(renewal, length, 1)
    subscription = buy_units(offer, tariff, on=start, units=old)
    changed = change(subscription, offer.plan(channels=new), tariff, on=start).after
    return renew(changed, tariff, on=renewal).after


# Zuora divides by the days of the month, by 30 days, or treats every month as 30 equal days.


def zuora_day_counts(segment: Term, rule: str) -> tuple[int, int]:
    """Return the days of a segment within one month, and the days of that month, by Zuora's rule.

    ACTUAL_ACTUAL uses the calendar's days, and ACTUAL_360 a month of 30 days. STRICT_30_360 also
    counts at most 30 days in the segment: the last day of each month is its 30th.
    """
    month = month_of(segment.start)
    if rule == "ACTUAL_ACTUAL":
        return segment.days, month.days
    if rule == "ACTUAL_360":
        return segment.days, 30
    first_day = min(segment.start.day, 30)
    last_day = 30 if segment.end == month.end else min(segment.end.day - 1, 30)
    return last_day - first_day + 1, 30


def split_by_month(segment: Term) -> Iterator[Term]:
    """Yield the part of a segment in each calendar month."""
    start = segment.start
    while start < segment.end:
        end = min(month_of(start).end, segment.end)
        yield Term(start, end)
        start = end


def zuora_months(segment: Term, rule: str) -> Fraction:
    """Return how many months Zuora bills; a month that is not whole counts by its days."""
    return sum(
        (
            Fraction(1) if part == month_of(part.start) else Fraction(*zuora_day_counts(part, rule))
            for part in split_by_month(segment)
        ),
        start=Fraction(0),
    )


def zuora_year(segment: Term, rule: str) -> Fraction:
    """Return the part of a year that Zuora bills.

    MONTH_FIRST divides the number of months by 12. The other rules divide the segment's days by
    360 or by the days of the calendar year.
    """
    if rule.startswith("MONTH_FIRST"):
        return zuora_months(segment, "ACTUAL_360" if rule.endswith("30") else "ACTUAL_ACTUAL") / 12
    return Fraction(segment.days, 360 if rule.endswith("30") else year_of(segment.start).days)


def price_by_calendar_months(unit_price: Money, segment: Term, units: int = 1) -> Money:
    """Return the price of units until the end of a month, from this library's `buy` and `renew`.

    Terms aligned to the month give the amounts of Zuora's ACTUAL_ACTUAL. Each term is rounded
    separately.
    """
    offer = make_offer(CALENDAR_MONTHS)
    tariff = make_tariff(unit_price, unit_price.currency)
    subscription = buy_units(offer, tariff, on=segment.start, units=units)
    total = subscription.quote.total
    while subscription.term.end < segment.end:
        subscription = renew(subscription, tariff, on=subscription.term.end).after
        total += subscription.quote.total
    return total


# Stripe prorates by the second.


def utc_midnight(day: date) -> datetime:
    """Return the instant at which a day begins in UTC."""
    return datetime.combine(day, time(), UTC)


def instant_when_part_is_left(part: Fraction, period: Term) -> datetime:
    """Return the instant at which exactly this part of a period is left, to the microsecond."""
    start, end = utc_midnight(period.start), utc_midnight(period.end)
    return end - (end - start) * part.numerator / part.denominator


def refund_at_instant(price: Money, length: Length, *, start: date, at: datetime) -> Money:
    """Return the refund of a price at an instant, by the second, as Stripe prorates.

    This library refunds by whole days only, so the function divides the time itself. Days begin at
    midnight UTC.
    """
    term = term_at(start, length, 0)
    unused_time = utc_midnight(term.end) - at
    whole_time = utc_midnight(term.end) - utc_midnight(term.start)
    unused_part = Fraction(unused_time // MICROSECOND, whole_time // MICROSECOND)
    return price.share(unused_part)


def allocate_remainder_to_last(amount: Money, weights: Sequence[int]) -> tuple[Money, ...]:
    """Return an amount divided as Stripe does: rounded down, the remainder in the last part."""
    total_weight = sum(weights)
    parts = [amount.share(Fraction(weight, total_weight), Rounding.DOWN) for weight in weights[:-1]]
    return (*parts, amount - sum(parts, start=Money(minor=0, currency=amount.currency)))


def backdated_day_counts(start: date, first_bill: date) -> tuple[int, int]:
    """Return the days from a backdated start to the first bill, and the days of Stripe's month.

    Stripe divides by the days of an imaginary month that begins on the backdated start.
    """
    return Term(start, first_bill).days, term_at(start, Months(1), 0).days


def round_to_whole(number: str) -> int:
    """Return the nearest whole number of days, weeks or months; a half is rounded up."""
    return int(round_number(Fraction(number), 0))


def amount_due(total: Money, credit: Money) -> Money:
    """Return the part of a total that a credit does not cover; 0 for a negative total."""
    debit = Posting(WALLET, -total, Reason.SUBSCRIPTION, date(2026, 1, 1))
    try:
        settle({WALLET: credit}, [debit])
    except InsufficientCredit as error:
        return Money.of(error.missing, total.currency)
    return Money(minor=0, currency=total.currency)


# Chargebee and Recurly divide by the days of the period.


def refund_after_change_day(price: Money, change_day: DayInTerm, *, units: int = 1) -> Refund:
    """Return the refund of some units if the day of the change counts as used.

    Chargebee's example of fewer units and Recurly's example of one more unit count like this.
    """
    rule = RefundRule(change_day_used=True)
    paid = quote_units(price, change_day.length, on=change_day.start, units=units, rule=rule)
    return refund(paid, on=change_day.on)


def multiply_price(unit_price: str, quantity: str, currency: Currency) -> tuple[Decimal, Money]:
    """Return a price times a quantity, first exactly and then rounded to the currency's unit.

    Chargebee keeps all decimals of both numbers and rounds only the amount.
    """
    exact_currency = Currency(currency.code, 12)
    exact_amount = Money.of(unit_price, exact_currency).share(Fraction(quantity))
    return exact_amount.amount, exact_amount.to(currency)


# Lago divides by the days of the month or of the period, and adds tax separately.


def lago_credit_note(price: Money, part: Fraction, tax_percent: str) -> tuple[Money, Money, Money]:
    """Return Lago's credit note: net amount, tax and total.

    Lago computes the tax from the rounded net amount, and rounds the tax too. So the total can
    differ by one unit from the exact total.
    """
    net = price.share(part)
    tax = net.share(Fraction(tax_percent) / 100)
    return net, tax, net + tax


def lago_charges(unit_price: Money, days: Sequence[date], units: Sequence[int]) -> list[Money]:
    """Return Lago's charges in advance without proration, one for each number of units.

    Only units above the highest number so far are charged. Fewer units give no refund, and units
    that were already paid in the period are not charged again.
    """
    rule = ChangeRule(cooldown=None, more=ChangeEffect.CHARGE_FULL, fewer=ChangeEffect.NO_CHARGE)
    offer = make_offer(CALENDAR_MONTHS, rule)
    tariff = make_tariff(unit_price, unit_price.currency)
    return amounts_paid(offer, tariff, list(zip(days, units, strict=True)))


def lago_price(ladder: Ladder, units: int, currency: Currency) -> Money:
    """Return Lago's price of some units; zero units cost the first tier's flat fee."""
    if not units:
        return Money.of(ladder.tiers[0].flat, currency)
    return ladder_price(ladder, units, currency)


def lago_package(price: str, size: int, free: int) -> Ladder:
    """Return a ladder for Lago's packages: free units, then a price for each begun package."""
    packages = Tier(None, unit=price, pack=size)
    return Ladder((Tier(free), packages) if free else (packages,), mode=LadderMode.GRADUATED)


def ladder_for_parts(ladder: Ladder, decimals: int) -> Ladder:
    """Return a ladder for tenths (1 decimal), hundredths (2 decimals) and so on of a unit.

    This library counts whole units, but Lago can sell 100.5 units. Price them as 1005 tenths, each
    at a tenth of the price.
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


def utc_day(local_time: str) -> date:
    """Return the day of an instant that is written without a time zone; UTC is assumed."""
    return civil_date(datetime.fromisoformat(local_time).replace(tzinfo=UTC), UTC)


# ex_money starts a new period for an immediate change.


def renew_at_new_price(old: Money, new: Money, length: Length, *, start: date) -> Decision:
    """Return the renewal after a change of price by `ChangeEffect.AT_RENEWAL`."""
    offer = make_offer(TermRule(length), CHANGE_AT_RENEWAL)
    tariff = tariff_of_plans([old, new])
    subscription = buy_units(offer, tariff, on=start)
    changed = change(subscription, offer.plan(channels=2), tariff, on=start).after
    return renew(changed, tariff, on=changed.term.end)


def change_price_now(
    old: tuple[Money, Length], new: tuple[Money, Length], *, start: date, on: date
) -> Decision:
    """Return the decision to change from one price and length to another.

    This library's `change` refunds the rest of the term and charges a new term from that day.
    """
    old_offer, old_tariff = offer_at_price(*old)
    new_offer, new_tariff = offer_at_price(*new)
    subscription = buy_units(old_offer, old_tariff, on=start)
    return change(subscription, new_offer.plan(channels=1), new_tariff, on=on)


def days_for_credit(credit: Money, price: Money, term: Term) -> int:
    """Return how many days of a term a credit pays for; a part of a day counts as a whole day."""
    term_days = Money(minor=term.days, currency=Currency("XTS", 0))
    return term_days.share(Fraction(credit.minor, price.minor), Rounding.UP).minor


# silver counts whole months first, and then days.


def months_and_days(start: date, end: date) -> tuple[int, int, int]:
    """Return the whole months between two days, the remaining days, and the last month's days.

    The months are counted from the start, as `term_at` does.
    """
    months = count_whole_periods(start, end, Months(1))
    last_month = term_at(start, Months(1), months)
    return months, last_month.days - last_month.remaining(end), last_month.days


# django-plans rounds the price of a day before it multiplies.


def price_by_rounded_day_rate(price: Money, period: int, days: int) -> Money:
    """Return django-plans' price of some days: the rounded price of one day, times the days."""
    return price.share(Fraction(1, period)) * days


# brick/money can give the remainder to the first parts.


def allocate_remainder_to_first(amount: Money, weights: Sequence[int]) -> tuple[Money, ...]:
    """Return an amount divided and rounded down, with one more unit in each of the first parts."""
    total_weight = sum(weights)
    parts = [amount.share(Fraction(weight, total_weight), Rounding.DOWN) for weight in weights]
    remainder = amount.minor - sum(part.minor for part in parts)
    return tuple(
        Money(minor=part.minor + (index < remainder), currency=part.currency)
        for index, part in enumerate(parts)
    )


# Polar computed each renewal from the renewal before.


def drifting_dates(start: date, length: Length) -> Iterator[date]:
    """Yield renewal dates, each computed from the date before, so that the day of month drifts."""
    renewal = start
    while True:
        renewal = term_at(renewal, length, 0).end
        yield renewal


# The examples in `data` keep their sources' figures as text.

DATA: Final = Path(__file__).parent / "data"
PEERS_PAGE: Final = Path(__file__).parents[2] / "docs" / "explanation" / "peers.rst"
_NUMBER: Final = re.compile(r"-?[0-9]+(\.[0-9]+)?")


def load_examples(name: str) -> list[dict[str, Any]]:
    """Return the examples of a file in `data`."""
    text = (DATA / f"{name}.json").read_text(encoding="utf-8")
    examples: list[dict[str, Any]] = json.loads(text)["vectors"]
    return examples


def normalize(value: Any) -> Any:
    """Return a value in the form of the examples, with Decimals, so that 44.00 equals 44."""
    match value:
        case str():
            value = Decimal(value) if _NUMBER.fullmatch(value) else value
        case Money():
            value = value.amount
        case date():
            value = value.isoformat()
        case Term():
            value = [normalize(value.start), normalize(value.end)]
        case dict():
            value = {key: normalize(item) for key, item in value.items()}
        case list() | tuple():
            value = [normalize(item) for item in value]
    return value
