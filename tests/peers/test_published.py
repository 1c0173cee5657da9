"""Published examples of many billing systems, each reproduced or left out with a reason.

The systems' arithmetic is in `arithmetic`. The functions here read an example's inputs and return
the figures that it publishes. Every kind of example is in REPRODUCED or in LEFT_OUT. The
documentation's page on other billing systems lists the same exceptions.
"""

from collections.abc import Callable
from datetime import date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from itertools import islice, pairwise
from typing import Any, Final

import pytest
from tests.peers.arithmetic import (
    CALENDAR_MONTHS,
    PEERS_PAGE,
    PRORATED_CHANGE,
    DayInTerm,
    Length,
    added_unit_line,
    allocate_remainder_to_first,
    allocate_remainder_to_last,
    amount_due,
    amount_paid,
    amounts_paid,
    backdated_day_counts,
    buy_units,
    change_price_now,
    count_whole_periods,
    credit_and_charge,
    day_when_part_is_left,
    days_for_credit,
    drifting_dates,
    instant_when_part_is_left,
    ladder_for_parts,
    lago_charges,
    lago_credit_note,
    lago_package,
    lago_price,
    load_examples,
    make_offer,
    make_tariff,
    month_of,
    months_and_days,
    multiply_price,
    normalize,
    part_between,
    price_by_calendar_months,
    price_by_rounded_day_rate,
    prorated_difference,
    quote_units,
    refund_after_change_day,
    refund_at_instant,
    refund_rest,
    renew_at_new_price,
    round_number,
    round_to_whole,
    split_by_month,
    tariff_of_plans,
    term_through,
    utc_day,
    utc_midnight,
    year_of,
    zuora_day_counts,
    zuora_months,
    zuora_year,
)

from channelplans import (
    EUR,
    JPY,
    USD,
    ChangeEffect,
    ChangeRule,
    Currency,
    Days,
    Ladder,
    Money,
    Months,
    Rounding,
    Term,
    TermRule,
    Tier,
    change,
    renewal_dates,
    term_at,
)
from channelplans.tariffs import LadderMode

Inputs = dict[str, Any]
Figures = dict[str, Any]


def day(text: str, *, leap: bool = False) -> date:
    """Return a date; without a year it is in 2026, or in the leap year 2024."""
    return date.fromisoformat(text if len(text) > 5 else f"{2024 if leap else 2026}-{text}")


def usd(amount: str | int) -> Money:
    """Return an amount in dollars."""
    return Money.of(amount, USD)


def cents(number: int) -> Money:
    """Return an amount in hundredths. The examples name no currency, so any will do."""
    return Money(minor=number, currency=EUR)


def read_price(text: str) -> tuple[Money, Length]:
    """Return a price and the length of its term, from 100/30 days, 10/month or 10/3 months."""
    price, length = text.split("/")
    number, unit = length.split() if " " in length else ("1", length)
    return usd(price), Days(int(number)) if unit.startswith("day") else Months(int(number))


def format_ratio(days: int, total_days: int) -> str:
    """Return a fraction as the examples print it, not reduced."""
    return f"{days}/{total_days}"


# Zuora


def day_counts(inputs: Inputs) -> Figures:
    """Compute the part of a month by each of the three rules."""
    segment = term_through(day(inputs["start_inclusive"]), day(inputs["end_inclusive"]))
    rules = ("ACTUAL_ACTUAL", "ACTUAL_360", "STRICT_30_360")
    return {rule: format_ratio(*zuora_day_counts(segment, rule)) for rule in rules}


def partial_month(inputs: Inputs) -> Figures:
    """Bill a quarter from a day within its first month."""
    _, last_day = inputs["period"]
    segment = term_through(day(inputs["charge_from"]), day(last_day))
    return {"amount": usd(inputs["price_per_month"]).share(zuora_months(segment, inputs["rule"]))}


def partial_year(inputs: Inputs) -> Figures:
    """Bill a year from a day within it."""
    segment = term_through(day(inputs["from_inclusive"]), day(inputs["to_inclusive"]))
    return {"amount": usd(inputs["price_per_period"]).share(zuora_year(segment, inputs["rule"]))}


def partial_term(inputs: Inputs) -> Figures:
    """Bill a term that starts within a month, in terms aligned to the month."""
    segment = term_through(day(inputs["from_"]), day(inputs["to"]))
    return {"amount": price_by_calendar_months(usd(inputs["price_per_month"]), segment)}


def order_metrics(inputs: Inputs) -> Figures:
    """Price a number of units for one month, and for their whole term by two rules."""
    segment = term_through(day(inputs["from_"]), day(inputs["to"]))
    price, units = usd(inputs["unit_price"]), inputs["quantity_delta"]
    monthly_price = quote_units(price, Months(1), on=segment.start, units=units).total
    return {
        "mrr": monthly_price,
        "tcb_30_days": monthly_price.share(zuora_months(segment, "ACTUAL_360")),
        "tcv_actual_days": price_by_calendar_months(price, segment, units),
    }


def cancel_credit(inputs: Inputs) -> Figures:
    """Refund the rest of a quarter, rounded up to whole dollars."""
    start, end = map(day, inputs["period"])
    price = Money.of(inputs["price_per_period"], Currency("USD", 0))
    length = Months(count_whole_periods(start, end, Months(1)))
    refund = refund_rest(price, DayInTerm(length, start, day(inputs["cancel"])), Rounding.UP)
    return {"credit": refund.returned, "invoice_total": refund.kept}


# Stripe


def stripe_change(old: Money, new: Money, month: Term, at: datetime) -> tuple[Money, Money]:
    """Return the credit, below zero, and the charge for a change of a monthly price."""
    credit = refund_at_instant(old, Months(1), start=month.start, at=at)
    charge = refund_at_instant(new, Months(1), start=month.start, at=at)
    return -credit, charge


def half_a_period(inputs: Inputs) -> Figures:
    """Upgrade when half of a month is left; the example does not say which month."""
    month = month_of(day("01-01"))
    at = instant_when_part_is_left(Fraction(inputs["fraction_remaining"]), month)
    credit, debit = stripe_change(usd(inputs["old_price"]), usd(inputs["new_price"]), month, at)
    return {"credit": credit, "debit": debit, "net": credit + debit}


def next_invoice(inputs: Inputs) -> Figures:
    """Upgrade within a month, and pay the difference with the next month's invoice."""
    month = term_at(day(inputs["signup"]), Months(1), 0)
    old, new = usd(inputs["old_price"]), usd(inputs["new_price"])
    credit, debit = stripe_change(old, new, month, utc_midnight(day(inputs["change"])))
    return {"june_1_invoice": new + credit + debit}


def credit_basis(inputs: Inputs) -> Figures:
    """Downgrade with a credit from the latest price, although a lower price was paid."""
    (start, _), (_, upgrade), (downgrade_day, downgrade) = inputs["timeline"]
    month = term_at(day(start), Months(1), 0)
    old, new = price_in_event(upgrade), price_in_event(downgrade)
    credit, debit = stripe_change(old, new, month, utc_midnight(day(downgrade_day)))
    return {"credit": credit.minor, "debit": debit.minor, "total": (credit + debit).minor}


def price_in_event(event: str) -> Money:
    """Return the price in an event such as "upgrade to 20, proration none"."""
    change_of_price, _ = event.split(",")
    _, price = change_of_price.split(" to ")
    return Money.of(price, EUR)


def discount_allocation(inputs: Inputs) -> Figures:
    """Divide a discount among the lines of an invoice."""
    lines = inputs["lines_minor"]
    discounts = allocate_remainder_to_last(cents(inputs["amount_off_minor"]), lines)
    total = cents(sum(lines)) - sum(discounts, start=cents(0))
    return {
        "discounts_minor": [discount.minor for discount in discounts],
        "total_minor": total.minor,
    }


def coupon_credit(inputs: Inputs) -> Figures:
    """Refund a part of a price less a discount: the whole coupon, or the item's share of it."""
    discount = inputs["coupon_minor"] if "coupon_minor" in inputs else inputs["item_discount_minor"]
    paid = cents(inputs["item_price_minor"] - discount)
    return {"credit_minor": -paid.share(Fraction(inputs["fraction"])).minor}


def backdated_start(inputs: Inputs) -> Figures:
    """Bill from a day before the sale to the first bill."""
    days, month_days = backdated_day_counts(day(inputs["backdate"]), day(inputs["first_bill"]))
    return {
        "fraction": format_ratio(days, month_days),
        "approx": round_number(Fraction(days, month_days), 3),
    }


def billing_anchor(inputs: Inputs) -> Figures:
    """Renew monthly from the last day of a long month."""
    dates = islice(renewal_dates(day(inputs["anchor"]), Months(1)), 3)
    return {"dates": [f"{renewal:%m-%d}" for renewal in dates]}


def whole_units(inputs: Inputs) -> Figures:
    """Round the rest of a period to whole days, weeks or months."""
    units = round_to_whole(inputs["raw_units"])
    total_units = next(
        inputs[unit] for unit in ("days_in_month", "months", "weeks") if unit in inputs
    )
    return {"units": units, "factor": format_ratio(units, total_units)}


def credit_of_debit(inputs: Inputs) -> Figures:
    """Refund a part of a prorated charge, by the days that were charged."""
    debit_start, _ = inputs["debit"]
    debit_term = added_unit_line(usd(1), day(debit_start)).term
    credit_days = debit_term.remaining(day(inputs["credit_from"]))
    return {
        "debit_days": debit_term.days,
        "credit_days": credit_days,
        "factor": format_ratio(-credit_days, debit_term.days),
    }


def read_tiers(inputs: Inputs) -> tuple[Tier, ...]:
    """Return tiers, which are written as objects or as rows of first, last, price and flat fee."""
    rows = [
        (row.get("up_to", row.get("to")), row["unit"], row.get("flat", "0"))
        if isinstance(row, dict)
        else row[1:]
        for row in inputs["tiers"]
    ]
    return tuple(Tier(up_to, unit=unit, flat=flat) for up_to, unit, flat in rows)


def read_quantity(inputs: Inputs) -> str | int:
    """Return the number of units, which is called quantity or units and can be text."""
    quantity: str | int = inputs["quantity" if "quantity" in inputs else "units"]
    return quantity


def price_by_ladder(ladder: Ladder, quantity: str | int) -> Figures:
    """Price a quantity by a ladder; 100.5 units are priced as 1005 tenths."""
    decimals = -int(Decimal(quantity).as_tuple().exponent)
    parts = int(Decimal(quantity).scaleb(decimals))
    return {"amount": lago_price(ladder_for_parts(ladder, decimals), parts, USD)}


def volume(inputs: Inputs) -> Figures:
    """Price all units by the tier that their number reaches."""
    return price_by_ladder(Ladder(read_tiers(inputs)), read_quantity(inputs))


def graduated(inputs: Inputs) -> Figures:
    """Price the units of each tier by that tier."""
    return price_by_ladder(
        Ladder(read_tiers(inputs), mode=LadderMode.GRADUATED), read_quantity(inputs)
    )


def due_after_credit(inputs: Inputs) -> Figures:
    """Subtract an account's credit from two totals, down to zero."""
    credit = usd(inputs["account_credit"])
    return {
        "amount_due": amount_due(usd(inputs["total"]), credit),
        "seat_reduction_amount_due": amount_due(usd(inputs["seat_reduction_total"]), credit),
    }


# Chargebee and Recurly


def downgrade(inputs: Inputs) -> Figures:
    """Change to a lower price; the credit reduces the next bill."""
    if "period" not in inputs:
        # Two systems use this name. flexprice's example has a factor and no days.
        return change_price_by_factor(usd(inputs["old_total"]), usd(inputs["new_total"]), inputs)
    start, _ = inputs["period"]
    change_day = DayInTerm(Months(1), day(start), day(inputs["change"]))
    old, new = usd(inputs["old_price"]), usd(inputs["new_price"])
    refund = refund_rest(old, change_day)
    credit = -prorated_difference(old, new, change_day)
    return {
        "used": refund.kept,
        "unused": refund.returned,
        "new_plan_remaining": refund_rest(new, change_day).returned,
        "credit": credit,
        "next_bill": amount_due(new, credit),
        "following_bill": new,
    }


def fewer_units(inputs: Inputs) -> Figures:
    """Reduce a quantity on a day that counts as used."""
    start, _ = inputs["period"]
    change_day = DayInTerm(Months(1), day(start), day(inputs["change"]))
    price = usd(inputs["unit_price"])
    old = refund_after_change_day(price, change_day, units=inputs["old_quantity"])
    new = refund_after_change_day(price, change_day, units=inputs["new_quantity"])
    return {
        "used": old.kept,
        "unused": old.returned,
        "new_charge_remaining_20_days": new.returned,
        "net_credit": old.returned - new.returned,
    }


def many_decimals(inputs: Inputs) -> Figures:
    """Multiply a price of four decimals by a quantity of three decimals."""
    exact_amount, dollars = multiply_price(inputs["unit_price"], inputs["quantity"], USD)
    _, yen = multiply_price(inputs["unit_price"], inputs["quantity"], JPY)
    return {"raw": exact_amount, "USD": dollars, "JPY": yen}


def added_user(inputs: Inputs) -> Figures:
    """Add a user in the middle of June, and charge from the next day."""
    change_day, price = day(inputs["change"]), usd(inputs["unit_price"])
    charge = added_unit_line(price, change_day + timedelta(1)).total
    return {"charge": charge, "per_day": price.share(Fraction(1, month_of(change_day).days))}


def postponed(inputs: Inputs) -> Figures:
    """Start the next year of a yearly plan on another day."""
    return {"next_period": term_at(day(inputs["postpone_to"]), Months(12), 0)}


# Lago


def added_seat(inputs: Inputs) -> Figures:
    """Add a seat in July: Lago's page divides by 30 days, its engine by July's 31 days."""
    added_on, price = day(inputs["added"]), usd(inputs["seat_price"])
    part_of_30_days = Fraction(month_of(added_on).remaining(added_on), 30)
    return {
        "doc_amount": price.share(part_of_30_days),
        "july_actual": added_unit_line(price, added_on).total,
    }


def invoice_stack(inputs: Inputs) -> Figures:
    """Add up an invoice: coupons first, then tax, then credit notes and prepaid credits."""
    lines = ("subscription", "usage", "coupon")
    subtotal = sum((usd(inputs[line]) for line in lines), start=usd(0))
    tax = subtotal.share(Fraction(inputs["tax_percent"]) / 100)
    with_tax = subtotal + tax
    total = with_tax - usd(inputs["credit_notes"]) - usd(inputs["prepaid_credits"])
    return {"subtotal": subtotal, "tax": tax, "with_tax": with_tax, "total": total}


def add_tax(net: Money) -> int:
    """Return the cents of a credit with a tax of 25 percent."""
    _, _, total = lago_credit_note(net, Fraction(1), "25")
    return total.minor


def two_upgrades_by_calendar(inputs: Inputs) -> Figures:
    """Upgrade twice on one day, in terms that are aligned to the month."""
    prices = [cents(price) for price in inputs["prices_minor"]]
    offer, tariff = make_offer(CALENDAR_MONTHS), tariff_of_plans(prices)
    subscription = buy_units(offer, tariff, on=day(inputs["start"]))
    fees, notes = [subscription.quote.total.minor], []
    for plan_number, upgraded_at in enumerate(inputs["upgrades"], 2):
        plan = offer.plan(channels=plan_number)
        decision = change(subscription, plan, tariff, on=utc_day(upgraded_at))
        credit, fee = (posting.amount for posting in decision.postings)
        notes.append(add_tax(credit))
        fees.append(-fee.minor)
        subscription = decision.after
    return two_upgrades(fees, notes)


def two_upgrades_by_anniversary(inputs: Inputs) -> Figures:
    """Upgrade twice on one day, in months that start on the day of the month of the sale."""
    prices = [cents(price) for price in inputs["prices_minor"]]
    fees, notes = [prices[0].minor], []
    for (old, new), upgraded_at in zip(pairwise(prices), inputs["upgrades"], strict=True):
        change_day = DayInTerm(Months(1), day(inputs["start"]), utc_day(upgraded_at))
        credit, fee = credit_and_charge(old, new, change_day)
        notes.append(add_tax(-credit))
        fees.append(fee.minor)
    return two_upgrades(fees, notes)


def two_upgrades(fees: list[int], notes: list[int]) -> Figures:
    """Return the fees and the credit notes of two upgrades by the examples' names."""
    names = ("first_fee", "second_fee", "third_fee", "credit_1_with_tax", "credit_2_with_tax")
    return dict(zip(names, [*fees, *notes], strict=True))


def unit_changes(inputs: Inputs) -> Figures:
    """Change the number of units on consecutive days of a month, without proration."""
    units, first_day = inputs["units"], day(f"{inputs['period']}-01")
    days = [first_day + timedelta(number) for number in range(len(units))]
    return {"charges": lago_charges(usd(inputs["unit_price"]), days, units)}


def credit_note(inputs: Inputs) -> Figures:
    """Refund a part of a price with its tax."""
    part = Fraction(inputs["days"])
    net, tax, total = lago_credit_note(cents(inputs["price_minor"]), part, inputs["tax_percent"])
    return {"net": net.minor, "tax": tax.minor, "total": total.minor}


def package(inputs: Inputs) -> Figures:
    """Sell units in packages after some free units."""
    ladder = lago_package(inputs["price"], inputs["package_size"], inputs["free_units"])
    return price_by_ladder(ladder, inputs["units"])


def wallet_rounding(inputs: Inputs) -> Figures:
    """Pay a price with tax from a wallet; the invoice and the wallet use one rounded amount."""
    price = usd(inputs["price"])
    with_tax = price + price.share(Fraction(inputs["tax_percent"]) / 100)
    return {"credits_used": with_tax, "wallet_after": usd(inputs["wallet"]) - with_tax}


# ex_money


def change_next_period(inputs: Inputs) -> Figures:
    """Change to another price that starts, and is paid, at the renewal."""
    (old, length), (new, _) = read_price(inputs["old"]), read_price(inputs["new"])
    renewal = renew_at_new_price(old, new, length, start=day(inputs["period_start"]))
    term = renewal.after.term
    return {"first_billing": amount_paid(renewal), "starts": term.start, "next": term.end}


def change_mid_period(inputs: Inputs) -> Figures:
    """Change within a period: bill what the credit does not cover, or carry its rest forward."""
    decision = change_price_now(
        read_price(inputs["old"]),
        read_price(inputs["new"]),
        start=day(inputs["period_start"]),
        on=day(inputs["effective"]),
    )
    credit, charge = (posting.amount for posting in decision.postings)
    term, total, zero = decision.after.term, amount_paid(decision), usd(0)
    return {
        "credit": credit,
        "credit_applied": min(credit, -charge),
        "first_billing": max(total, zero),
        "carry_forward": min(total, zero),
        "starts": term.start,
        "next": term.end,
    }


def credit_as_days(inputs: Inputs) -> Figures:
    """Add the credit, rounded up, to the new period as days at the new price."""
    old_price, old_length = read_price(inputs["old"])
    new_price, new_length = read_price(inputs["new"])
    start, on = day(inputs["period_start"]), day(inputs["effective"])
    credit = refund_rest(old_price, DayInTerm(old_length, start, on), Rounding.UP).returned
    new_term = term_at(on, new_length, 0)
    credit_days = days_for_credit(credit, new_price, new_term)
    return {
        "credit": credit,
        "credit_days": credit_days,
        "credit_period_ends": term_at(on, Days(1), credit_days - 1).start,
        "next": term_at(new_term.end, Days(credit_days), 0).end,
    }


def wrong_denominator(inputs: Inputs) -> Figures:
    """Refund the rest of three months, by their days and by those of the next three months."""
    price, length = read_price(inputs["old"])
    start, on = day(inputs["period_start"]), day(inputs["effective"])
    days_left = term_at(start, length, 0).remaining(on)
    wrong_part = Fraction(days_left, term_at(on, length, 0).days)
    refund = refund_rest(price, DayInTerm(length, start, on), Rounding.UP)
    return {
        "published": price.share(wrong_part, Rounding.UP),
        "correct_denominator_90": refund.returned,
    }


# flexprice, silver, django-plans and others


def change_price_by_factor(old: Money, new: Money, inputs: Inputs) -> Figures:
    """Change a price when a given part of the period is left."""
    change_day = day_when_part_is_left(Fraction(inputs["factor"]))
    credit, charge = credit_and_charge(old, new, change_day)
    return {
        "credit": credit,
        "charge": charge,
        "net": prorated_difference(old, new, change_day),
    }


def more_units(inputs: Inputs) -> Figures:
    """Raise a quantity when a given part of the period is left."""
    change_day = day_when_part_is_left(Fraction(inputs["factor"]))
    price, old, new = usd(inputs["unit_price"]), inputs["old_quantity"], inputs["new_quantity"]
    credit, charge = credit_and_charge(price * old, price * new, change_day)
    offer = make_offer(TermRule(change_day.length), PRORATED_CHANGE)
    units_by_day = [(change_day.start, old), (change_day.on, new)]
    _, difference = amounts_paid(offer, make_tariff(price, USD), units_by_day)
    return {"credit": credit, "charge": charge, "net": difference}


def removed_item(inputs: Inputs) -> Figures:
    """Remove an item when a given part of the period is left."""
    refund = refund_rest(usd(inputs["price"]), day_when_part_is_left(Fraction(inputs["factor"])))
    return {"credit": -refund.returned}


def two_months(inputs: Inputs) -> Figures:
    """Divide days in two months by each month's days, and wrongly by the first month's days."""
    segment = term_through(day(inputs["start"]), day(inputs["end_inclusive"]))
    parts = [format_ratio(part.days, month_of(part.start).days) for part in split_by_month(segment)]
    return {
        "wrong": format_ratio(segment.days, month_of(segment.start).days),
        "right": "+".join(parts),
    }


def month_fraction(inputs: Inputs) -> Figures:
    """Count whole months first, and then days."""
    months, days, month_days = months_and_days(day(inputs["start"]), day(inputs["end"]))
    part = format_ratio(days, month_days)
    return {"months": f"{months} + {part}" if months else part}


def upgrade_price(inputs: Inputs) -> Figures:
    """Charge the difference of two rounded day rates for the days left, with a surcharge."""
    (old, old_period), (new, new_period) = read_price(inputs["old"]), read_price(inputs["new"])
    days_left = inputs["days_left"]
    old_amount = price_by_rounded_day_rate(old, old_period.count, days_left)
    new_amount = price_by_rounded_day_rate(new, new_period.count, days_left)
    difference = new_amount - old_amount
    surcharge = difference.share(Fraction(inputs["surcharge_percent"]) / 100)
    return {"amount": difference + surcharge}


def day_rate(inputs: Inputs) -> Figures:
    """Price some days by a rounded day rate, and exactly."""
    price, period, days = usd(inputs["price"]), inputs["period"], inputs["days"]
    return {
        "its_result": price_by_rounded_day_rate(price, period, days),
        "exact": price.share(Fraction(days, period)),
    }


def february(inputs: Inputs) -> Figures:
    """Divide the last days of February by February's days, and wrongly by January's 31 days."""
    segment = term_through(day(inputs["from_inclusive"]), day(inputs["to_inclusive"]))
    price = Money.of(inputs["price"], Currency("USD", 5))
    january = term_at(year_of(segment.start).start, Months(1), 0)
    part = part_between(month_of(segment.start), segment.start, segment.end)
    return {
        "right": price.share(part),
        "wrong": price.share(Fraction(segment.days, january.days)),
    }


def biennial(inputs: Inputs) -> Figures:
    """Bill the first of two years in a subscription's second period, by days."""
    start, end = map(day, inputs["term"])
    second_period = term_at(start, Months(12 * inputs["period_years"]), 1)
    part = part_between(second_period, second_period.start, end)
    return {"second_invoice": usd(inputs["price"]).share(part)}


def allocation(inputs: Inputs) -> Figures:
    """Divide an amount, with the remainder in the first parts or in the largest remainders."""
    amount, weights = usd(inputs["amount"]), inputs["weights"]
    return {
        "floor_to_first": allocate_remainder_to_first(amount, weights),
        "largest_remainder": amount.allocate(weights),
    }


def first_period(inputs: Inputs) -> Figures:
    """Bill a first period from a day within it."""
    period = term_through(*map(day, inputs["period"]))
    return {"ratio": format_ratio(period.remaining(day(inputs["start"])), period.days)}


def anchor_drift(inputs: Inputs) -> Figures:
    """Renew from 31 January of a leap year: count from the date before, and from the first date."""
    start = day(inputs["start"], leap=True)
    drifting, anchored = drifting_dates(start, Months(1)), renewal_dates(start, Months(1))
    return {
        "naive_dates": [f"{renewal:%m-%d}" for renewal in islice(drifting, 3)],
        "right_dates": [f"{renewal:%m-%d}" for renewal in islice(anchored, 3)],
    }


#: The function that reproduces each kind of example.
REPRODUCED: Final[dict[str, Callable[[Inputs], Figures]]] = {
    "add_user_mid_month": added_user,
    "allocation_modes": allocation,
    "amount_due_vs_total": due_after_credit,
    "anchor_drift": anchor_drift,
    "backdated_start": backdated_start,
    "billing_anchor": billing_anchor,
    "cancel_credit_direct": cancel_credit,
    "carry_forward": change_mid_period,
    "change_mid_period_price": change_mid_period,
    "change_next_period": change_next_period,
    "coupon_credit_classic": coupon_credit,
    "coupon_credit_flexible": coupon_credit,
    "credit_as_days": credit_as_days,
    "credit_as_days_wrong_denominator": wrong_denominator,
    "credit_basis_classic": credit_basis,
    "credit_relative_to_debit_period": credit_of_debit,
    "credit_with_tax_rounding": credit_note,
    "day_count_ratio": day_counts,
    "discount_allocation": discount_allocation,
    "downgrade": downgrade,
    "february_denominator": february,
    "first_partial_period": first_period,
    "graduated_tier": graduated,
    "graduated_with_flat": graduated,
    "invoice_stack": invoice_stack,
    "month_fraction": month_fraction,
    "multi_decimal": many_decimals,
    "next_invoice_with_proration": next_invoice,
    "order_metrics": order_metrics,
    "package": package,
    "partial_month": partial_month,
    "partial_term": partial_term,
    "partial_year": partial_year,
    "postpone": postponed,
    "prorated_seat": added_seat,
    "quantised_day_rate": day_rate,
    "quantity_increase": more_units,
    "quirk_biennial": biennial,
    "reduce_quantity": fewer_units,
    "remove_item": removed_item,
    "round_to_interval": whole_units,
    "span_two_months": two_months,
    "two_upgrades_same_day_anniversary": two_upgrades_by_anniversary,
    "two_upgrades_same_day_calendar": two_upgrades_by_calendar,
    "units_10_5_15": unit_changes,
    "units_10_to_15": unit_changes,
    "units_10_to_5": unit_changes,
    "upgrade_half_period": half_a_period,
    "upgrade_price": upgrade_price,
    "volume": volume,
    "volume_tier": volume,
    "volume_with_flat": volume,
    "wallet_rounding": wallet_rounding,
}

_NO_FIGURES: Final = "The source gives a formula without figures."

#: Why a kind of example is left out. The page on other billing systems repeats these sentences.
LEFT_OUT: Final = {
    "churn": "The days on which the seats changed are not given.",
    "extend_term": _NO_FIGURES,
    "formula": _NO_FIGURES,
}

#: Why the library's figures differ from an example's, by the example's number. The page repeats
#: these sentences too.
DIFFERENT: Final = {
    "doc-018": (
        "The source takes 15 May for the middle of the month; "
        "by the second, 17 of 31 days are left and the invoice is 25.49."
    ),
}

#: The entry among an example's expected figures that is a formula in words, not a figure.
FORMULA: Final = "formula"

#: Expected figures that cannot be computed from the published inputs, so they are used as inputs.
FIGURES_USED_AS_INPUTS: Final = {"amount_due_vs_total": ("total", "seat_reduction_total")}

EXAMPLES: Final = load_examples("published")
EXAMPLES_BY_NUMBER: Final = {example["id"]: example for example in EXAMPLES}
REPRODUCED_EXAMPLES: Final = [
    example
    for example in EXAMPLES
    if example["kind"] in REPRODUCED and example["id"] not in DIFFERENT
]


def example_id(example: dict[str, Any]) -> str:
    """Return a test id with an example's system, kind and number."""
    return f"{example['system']}-{example['kind']}-{example['id']}"


def systems_of(kind: str) -> str:
    """Return the names of the systems that publish examples of a kind."""
    systems = {example["system"] for example in EXAMPLES if example["kind"] == kind}
    return ", ".join(sorted(systems))


def published_figures(example: dict[str, Any]) -> Figures:
    """Return the published figures that can be computed from the example."""
    excluded = (FORMULA, *FIGURES_USED_AS_INPUTS.get(example["kind"], ()))
    return {
        name: normalize(figure)
        for name, figure in example["expected"].items()
        if name not in excluded
    }


def library_figures(example: dict[str, Any]) -> Figures:
    """Return this library's value for each published figure."""
    used_as_inputs = FIGURES_USED_AS_INPUTS.get(example["kind"], ())
    more_inputs = {name: example["expected"][name] for name in used_as_inputs}
    figures = REPRODUCED[example["kind"]]({**example["inputs"], **more_inputs})
    return {name: normalize(figures[name]) for name in published_figures(example)}


def test_each_kind_of_example_is_reproduced_or_left_out():
    """Each kind of example is in exactly one of REPRODUCED and LEFT_OUT, and no other kind is."""
    kinds = sorted({example["kind"] for example in EXAMPLES})

    assert kinds == sorted([*REPRODUCED, *LEFT_OUT])


@pytest.mark.parametrize("example", REPRODUCED_EXAMPLES, ids=example_id)
def test_published_figures_are_reproduced(example: dict[str, Any]):
    """The library's public functions give every figure that a system publishes."""
    expected = published_figures(example)

    assert expected
    assert expected == library_figures(example)


@pytest.mark.parametrize("number", DIFFERENT)
def test_different_examples_have_different_figures(number: str):
    """An example that is listed as different has other figures than the library."""
    example = EXAMPLES_BY_NUMBER[number]

    assert published_figures(example) != library_figures(example)


def test_the_library_does_not_refund_an_unpaid_price():
    """After an upgrade without a charge, a prorated downgrade refunds nothing.

    Stripe's classic mode refunds a part of the higher price, which nobody paid.
    """
    (example,) = (example for example in EXAMPLES if example["kind"] == "credit_basis_classic")
    days = [day(event_day) for event_day, _ in example["inputs"]["timeline"]]
    rule = ChangeRule(cooldown=None, more=ChangeEffect.NO_CHARGE, fewer=ChangeEffect.PRORATE)
    offer, tariff = make_offer(TermRule(Months(1)), rule), make_tariff(usd(10), USD)
    units_by_day = list(zip(days, [1, 2, 1], strict=True))
    _, *paid_for_changes = amounts_paid(offer, tariff, units_by_day)

    assert published_figures(example)["total"] < 0
    assert [usd(0), usd(0)] == paid_for_changes


@pytest.mark.parametrize("kind", LEFT_OUT)
def test_the_page_lists_each_kind_that_is_left_out(kind: str):
    """The page on other billing systems gives the systems and the reason for each such kind."""
    row = f"   * - ``{kind}``\n     - {systems_of(kind)}\n     - {LEFT_OUT[kind]}\n"

    assert row in PEERS_PAGE.read_text(encoding="utf-8")


@pytest.mark.parametrize("number", DIFFERENT)
def test_the_page_lists_each_different_example(number: str):
    """The page on other billing systems gives the reason for each example that differs."""
    example = EXAMPLES_BY_NUMBER[number]
    kind, system = example["kind"], example["system"]
    row = f"   * - ``{kind}``, {number}\n     - {system}\n     - {DIFFERENT[number]}\n"

    assert row in PEERS_PAGE.read_text(encoding="utf-8")


def test_the_page_counts_the_examples():
    """The page on other billing systems says how many examples are reproduced, and of how many."""
    sentence = (
        f"Of the {len(EXAMPLES)} examples of other systems, "
        f"{len(REPRODUCED_EXAMPLES)} are reproduced."
    )

    assert sentence in PEERS_PAGE.read_text(encoding="utf-8")
