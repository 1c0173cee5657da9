"""Published examples of many billing systems, reproduced with public functions or left out.

Every kind of example stands in one of two tables. What a peer does is in `arithmetic`; here its
inputs are read. The page on peers tells the same to a reader.
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
    PAGE,
    PRORATED,
    Length,
    after,
    amount_due,
    backdated,
    between,
    by_calendar,
    by_months,
    change_day_used,
    changed_at_once,
    changed_later,
    charges,
    cost,
    costing,
    credit_as_days,
    day_of,
    day_that_leaves,
    digits,
    drifting_dates,
    ended_early,
    examples,
    floor_to_first,
    floor_to_last,
    held,
    in_parts,
    inclusive,
    instant_that_leaves,
    lago_credit,
    lago_package,
    left_at,
    midnight,
    month_of,
    months_and_days,
    paid_by,
    paid_through,
    plain,
    prorated_change,
    prorated_difference,
    quantised,
    selling,
    sold,
    stairs,
    to_currency,
    to_whole_units,
    unit_added,
    whole_periods,
    year_of,
    zuora_days,
    zuora_months,
    zuora_year,
)

from channelplans import (
    EUR,
    JPY,
    USD,
    ChangeRule,
    Currency,
    Days,
    Effect,
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

Inputs = dict[str, Any]
Figures = dict[str, Any]


def day(text: str, *, leap: bool = False) -> date:
    """Return a day; one without a year lies in a year of 365 days, unless it is to be of 366."""
    return date.fromisoformat(text if len(text) > 5 else f"{2024 if leap else 2026}-{text}")


def usd(amount: str | int) -> Money:
    """Return an amount in dollars."""
    return Money.of(amount, USD)


def cents(count: int) -> Money:
    """Return an amount of so many hundredths."""
    return Money(count, EUR)


def price_for(text: str) -> tuple[Money, Length]:
    """Return what is written as 100/30 days, 10/month or 10/3 months."""
    price, length = text.split("/")
    count, unit = length.split() if " " in length else ("1", length)
    return usd(price), Days(int(count)) if unit.startswith("day") else Months(int(count))


def ratio(days: int, of: int) -> str:
    """Return a share as it is printed, not reduced."""
    return f"{days}/{of}"


# Zuora


def day_count(inputs: Inputs) -> Figures:
    """Take the part of a month by each of the three rules."""
    run = inclusive(day(inputs["start_inclusive"]), day(inputs["end_inclusive"]))
    rules = ("ACTUAL_ACTUAL", "ACTUAL_360", "STRICT_30_360")
    return {rule: ratio(*zuora_days(run, rule)) for rule in rules}


def partial_month(inputs: Inputs) -> Figures:
    """Bill a quarter from a day within its first month."""
    run = inclusive(day(inputs["charge_from"]), day(inputs["period"][1]))
    return {"amount": usd(inputs["price_per_month"]).share(zuora_months(run, inputs["rule"]))}


def partial_year(inputs: Inputs) -> Figures:
    """Bill a year from a day within it."""
    run = inclusive(day(inputs["from_inclusive"]), day(inputs["to_inclusive"]))
    return {"amount": usd(inputs["price_per_period"]).share(zuora_year(run, inputs["rule"]))}


def partial_term(inputs: Inputs) -> Figures:
    """Bill the months of a term that starts within one: aligned terms, bought and renewed."""
    run = inclusive(day(inputs["from_"]), day(inputs["to"]))
    return {"amount": by_calendar(usd(inputs["price_per_month"]), run)}


def order_metrics(inputs: Inputs) -> Figures:
    """Price a number of units by the month, and over their term by two rules."""
    run, units = inclusive(day(inputs["from_"]), day(inputs["to"])), inputs["quantity_delta"]
    price = usd(inputs["unit_price"])
    monthly = sold(price, Months(1), on=run.start, units=units).total
    return {
        "mrr": monthly,
        "tcb_30_days": monthly.share(zuora_months(run, "ACTUAL_360")),
        "tcv_actual_days": by_calendar(price, run, units),
    }


def cancel_credit(inputs: Inputs) -> Figures:
    """Give back what is left of a quarter, rounded up to whole dollars."""
    start, end = map(day, inputs["period"])
    price = Money.of(inputs["price_per_period"], Currency("USD", 0))
    length = Months(whole_periods(start, end, Months(1)))
    ended = ended_early(price, length, start, day(inputs["cancel"]), Rounding.UP)
    return {"credit": ended.returned, "invoice_total": ended.kept}


# Stripe


def stripe_change(old: Money, new: Money, month: Term, at: datetime) -> tuple[Money, Money]:
    """Change a monthly price at an instant: the credit for what is left, and the charge."""
    credit, charge = (left_at(price, Months(1), month.start, at) for price in (old, new))
    return -credit, charge


def half_a_period(inputs: Inputs) -> Figures:
    """Upgrade when half of a month is left: the month is any, and noon of its 16th day of 31."""
    month = month_of(day("01-01"))
    at = instant_that_leaves(Fraction(inputs["fraction_remaining"]), month)
    credit, debit = stripe_change(usd(inputs["old_price"]), usd(inputs["new_price"]), month, at)
    return {"credit": credit, "debit": debit, "net": credit + debit}


def next_invoice(inputs: Inputs) -> Figures:
    """Upgrade within a month and pay the difference with the next one."""
    month = term_at(day(inputs["signup"]), Months(1), 0)
    old, new, at = usd(inputs["old_price"]), usd(inputs["new_price"]), day(inputs["change"])
    return {"june_1_invoice": sum(stripe_change(old, new, month, midnight(at)), start=new)}


def credit_basis(inputs: Inputs) -> Figures:
    """Downgrade, with the credit from the price held last and not from the one that was paid."""
    (start, _), (_, upgraded), (at, downgraded) = inputs["timeline"]
    month = term_at(day(start), Months(1), 0)
    old, new = (cents(100 * int(told.split(",")[0].split()[-1])) for told in (upgraded, downgraded))
    credit, debit = stripe_change(old, new, month, midnight(day(at)))
    return {"credit": credit.minor, "debit": debit.minor, "total": (credit + debit).minor}


def discount(inputs: Inputs) -> Figures:
    """Share a discount out over the lines of an invoice."""
    lines = inputs["lines_minor"]
    discounts = floor_to_last(cents(inputs["amount_off_minor"]), lines)
    total = cents(sum(lines)) - sum(discounts, start=cents(0))
    return {"discounts_minor": [each.minor for each in discounts], "total_minor": total.minor}


def coupon_credit(inputs: Inputs) -> Figures:
    """Give back a part of the price less a discount: the whole coupon, or the line's own share."""
    off = inputs["coupon_minor"] if "coupon_minor" in inputs else inputs["item_discount_minor"]
    paid = cents(inputs["item_price_minor"] - off)
    return {"credit_minor": -paid.share(Fraction(inputs["fraction"])).minor}


def backdated_start(inputs: Inputs) -> Figures:
    """Bill from a day before the sale to the first bill."""
    part = backdated(day(inputs["backdate"]), day(inputs["first_bill"]))
    return {"fraction": ratio(*part), "approx": digits(Fraction(*part), 3)}


def anchor(inputs: Inputs) -> Figures:
    """Renew by the month from the last day of a long one."""
    dates = islice(renewal_dates(day(inputs["anchor"]), Months(1)), 3)
    return {"dates": [f"{due:%m-%d}" for due in dates]}


def whole_units(inputs: Inputs) -> Figures:
    """Round what is left to whole days, weeks or months."""
    units = to_whole_units(inputs["raw_units"])
    of = next(inputs[unit] for unit in ("days_in_month", "months", "weeks") if unit in inputs)
    return {"units": units, "factor": ratio(units, of)}


def credit_of_debit(inputs: Inputs) -> Figures:
    """Give back a part of what was charged for a part, over that part's own days."""
    debit = unit_added(usd(1), day(inputs["debit"][0])).term
    left = debit.remaining(day(inputs["credit_from"]))
    return {"debit_days": debit.days, "credit_days": left, "factor": ratio(-left, debit.days)}


def tiers(inputs: Inputs) -> tuple[Tier, ...]:
    """Return tiers that are written by names or as rows of first, last, price and flat fee."""
    rows = [
        (row.get("up_to", row.get("to")), row["unit"], row.get("flat", "0"))
        if isinstance(row, dict)
        else row[1:]
        for row in inputs["tiers"]
    ]
    return tuple(Tier(last, unit=unit, flat=flat) for last, unit, flat in rows)


def count(inputs: Inputs) -> str | int:
    """Return how many units there are, by either name; a number may be text."""
    found: str | int = inputs["quantity" if "quantity" in inputs else "units"]
    return found


def by_ladder(ladder: Ladder, units: str | int) -> Figures:
    """Price a number of units by a ladder; a part of a unit is counted in parts."""
    decimals = -int(Decimal(units).as_tuple().exponent)
    counted = int(Decimal(units).scaleb(decimals))
    return {"amount": cost(in_parts(ladder, decimals), counted, USD)}


def volume(inputs: Inputs) -> Figures:
    """Price all units by the tier that their number falls in."""
    return by_ladder(Ladder(tiers(inputs)), count(inputs))


def graduated(inputs: Inputs) -> Figures:
    """Price the units of each tier by that tier."""
    return by_ladder(Ladder(tiers(inputs), graduated=True), count(inputs))


def due_after_credit(inputs: Inputs) -> Figures:
    """Take an account's credit from two totals: what it lacks for them is due."""
    credit = usd(inputs["account_credit"])
    return {
        "amount_due": amount_due(usd(inputs["total"]), credit),
        "seat_reduction_amount_due": amount_due(usd(inputs["seat_reduction_total"]), credit),
    }


# Chargebee and Recurly


def downgrade(inputs: Inputs) -> Figures:
    """Change to a lower price; a credit larger than the charge lowers the next bill."""
    if "period" not in inputs:
        return changed_by_factor(usd(inputs["old_total"]), usd(inputs["new_total"]), inputs)
    start, on = day(inputs["period"][0]), day(inputs["change"])
    old, new = usd(inputs["old_price"]), usd(inputs["new_price"])
    ended = ended_early(old, Months(1), start, on)
    credit = -prorated_difference(old, new, Months(1), start, on)
    return {
        "used": ended.kept,
        "unused": ended.returned,
        "new_plan_remaining": ended_early(new, Months(1), start, on).returned,
        "credit": credit,
        "next_bill": amount_due(new, credit),
        "following_bill": new,
    }


def fewer_units(inputs: Inputs) -> Figures:
    """Reduce a quantity on a day that counts as used."""
    start, on = day(inputs["period"][0]), day(inputs["change"])
    price = usd(inputs["unit_price"])
    old, new = (
        change_day_used(price, Months(1), start, on, units=inputs[quantity])
        for quantity in ("old_quantity", "new_quantity")
    )
    return {
        "used": old.kept,
        "unused": old.returned,
        "new_charge_remaining_20_days": new.returned,
        "net_credit": old.returned - new.returned,
    }


def many_decimals(inputs: Inputs) -> Figures:
    """Multiply a price of four decimals by a quantity of three."""
    raw, dollars = to_currency(inputs["unit_price"], inputs["quantity"], USD)
    _, yen = to_currency(inputs["unit_price"], inputs["quantity"], JPY)
    return {"raw": raw, "USD": dollars, "JPY": yen}


def one_more(inputs: Inputs) -> Figures:
    """Add a user in the middle of June, who is charged for from the next day on."""
    month, price = month_of(day(inputs["change"])), usd(inputs["unit_price"])
    charge = unit_added(price, day(inputs["change"]) + timedelta(1)).total
    return {"charge": charge, "per_day": price.share(Fraction(1, month.days))}


def postponed(inputs: Inputs) -> Figures:
    """Begin the next year of a yearly plan on another day."""
    return {"next_period": term_at(day(inputs["postpone_to"]), Months(12), 0)}


# Lago


def seat(inputs: Inputs) -> Figures:
    """Add a seat in July: over 30 days as the page does, and over July's 31 as the engine does."""
    added, price = day(inputs["added"]), usd(inputs["seat_price"])
    return {
        "doc_amount": price.share(Fraction(month_of(added).remaining(added), 30)),
        "july_actual": unit_added(price, added).total,
    }


def invoice(inputs: Inputs) -> Figures:
    """Add up an invoice: coupons, then tax, then credit notes, then prepaid credits."""
    lines = ("subscription", "usage", "coupon")
    subtotal = sum((usd(inputs[line]) for line in lines), start=usd(0))
    tax = subtotal.share(Fraction(inputs["tax_percent"]) / 100)
    with_tax = subtotal + tax
    total = with_tax - usd(inputs["credit_notes"]) - usd(inputs["prepaid_credits"])
    return {"subtotal": subtotal, "tax": tax, "with_tax": with_tax, "total": total}


def taxed(net: Money) -> int:
    """Return a credit with a tax of 25 percent."""
    return lago_credit(net, Fraction(1), "25")[2].minor


def two_upgrades_by_calendar(inputs: Inputs) -> Figures:
    """Upgrade twice on one day, in months that start on the first: aligned terms, bought anew."""
    offer, tariff = selling(CALENDAR_MONTHS), stairs([*map(cents, inputs["prices_minor"])])
    subscription = held(offer, tariff, day(inputs["start"]))
    fees, notes = [subscription.paid.total.minor], []
    for level, upgraded in enumerate(inputs["upgrades"], 2):
        on = day_of(upgraded)
        changed = change(subscription, offer.plan(channels=level), tariff, on=on)
        credit, fee = (posting.amount for posting in changed.postings)
        notes.append(taxed(credit))
        fees.append(-fee.minor)
        subscription = after(changed)
    return upgraded_twice(fees, notes)


def two_upgrades_by_anniversary(inputs: Inputs) -> Figures:
    """Upgrade twice on one day, in months that start on the day of the sale and run on."""
    start, prices = day(inputs["start"]), [*map(cents, inputs["prices_minor"])]
    fees, notes = [prices[0].minor], []
    for (old, new), upgraded in zip(pairwise(prices), inputs["upgrades"], strict=True):
        credit, fee = prorated_change(old, new, Months(1), start, day_of(upgraded))
        notes.append(taxed(-credit))
        fees.append(fee.minor)
    return upgraded_twice(fees, notes)


def upgraded_twice(fees: list[int], notes: list[int]) -> Figures:
    """Name the fees and the credit notes of two upgrades."""
    names = ("first_fee", "second_fee", "third_fee", "credit_1_with_tax", "credit_2_with_tax")
    return dict(zip(names, [*fees, *notes], strict=True))


def units_paid_through(inputs: Inputs) -> Figures:
    """Change the number of units within a month, a day later each time, without proration."""
    units, first = inputs["units"], day(f"{inputs['period']}-01")
    days = [first + timedelta(later) for later in range(len(units))]
    return {"charges": paid_through(usd(inputs["unit_price"]), days, units)}


def credit_note(inputs: Inputs) -> Figures:
    """Give back a part of a price with its tax."""
    part = Fraction(inputs["days"])
    net, tax, total = lago_credit(cents(inputs["price_minor"]), part, inputs["tax_percent"])
    return {"net": net.minor, "tax": tax.minor, "total": total.minor}


def package(inputs: Inputs) -> Figures:
    """Sell units in packages, some of them free."""
    ladder = lago_package(inputs["price"], inputs["package_size"], inputs["free_units"])
    return by_ladder(ladder, inputs["units"])


def wallet(inputs: Inputs) -> Figures:
    """Pay a price with tax from a wallet, rounded once for the invoice and the wallet alike."""
    price = usd(inputs["price"])
    used = price + price.share(Fraction(inputs["tax_percent"]) / 100)
    return {"credits_used": used, "wallet_after": usd(inputs["wallet"]) - used}


# ex_money


def next_period(inputs: Inputs) -> Figures:
    """Change to another price for the next period: it is paid, and starts, with the renewal."""
    (old, length), (new, _) = price_for(inputs["old"]), price_for(inputs["new"])
    renewed = changed_later(old, new, length, day(inputs["period_start"]))
    term = after(renewed).term
    return {"first_billing": paid_by(renewed), "starts": term.start, "next": term.end}


def at_once(inputs: Inputs) -> Figures:
    """Change within a period: what the credit does not pay is billed, what is left is kept."""
    changed = changed_at_once(
        price_for(inputs["old"]),
        price_for(inputs["new"]),
        day(inputs["period_start"]),
        day(inputs["effective"]),
    )
    credit, charge = (posting.amount for posting in changed.postings)
    due, nothing = paid_by(changed), usd(0)
    return {
        "credit": credit,
        "credit_applied": min(credit, -charge),
        "first_billing": max(due, nothing),
        "carry_forward": min(due, nothing),
        "starts": after(changed).term.start,
        "next": after(changed).term.end,
    }


def as_days(inputs: Inputs) -> Figures:
    """Turn a credit, rounded up, into days at the new price, which the new period is longer by."""
    start, on = day(inputs["period_start"]), day(inputs["effective"])
    price, length = price_for(inputs["new"])
    credit = ended_early(*price_for(inputs["old"]), start, on, Rounding.UP).returned
    period = term_at(on, length, 0)
    days = credit_as_days(credit, price, period)
    return {
        "credit": credit,
        "credit_days": days,
        "credit_period_ends": term_at(on, Days(1), days - 1).start,
        "next": term_at(period.end, Days(days), 0).end,
    }


def wrong_denominator(inputs: Inputs) -> Figures:
    """Give back what is left of three months, over their days and over three months from then."""
    start, on = day(inputs["period_start"]), day(inputs["effective"])
    price, length = price_for(inputs["old"])
    left, from_then = term_at(start, length, 0).remaining(on), term_at(on, length, 0).days
    return {
        "published": price.share(Fraction(left, from_then), Rounding.UP),
        "correct_denominator_90": ended_early(price, length, start, on, Rounding.UP).returned,
    }


# flexprice, silver, django-plans and others


def changed_by_factor(old: Money, new: Money, inputs: Inputs) -> Figures:
    """Change a price when a part of the period is left."""
    when = day_that_leaves(Fraction(inputs["factor"]))
    credit, charge = prorated_change(old, new, *when)
    return {"credit": credit, "charge": charge, "net": prorated_difference(old, new, *when)}


def more_units(inputs: Inputs) -> Figures:
    """Raise a quantity when a part of the period is left."""
    length, start, on = day_that_leaves(Fraction(inputs["factor"]))
    price, old, new = usd(inputs["unit_price"]), inputs["old_quantity"], inputs["new_quantity"]
    credit, charge = prorated_change(price * old, price * new, length, start, on)
    offer, tariff = selling(TermRule(length), PRORATED), costing(price, USD)
    _, net = charges(offer, tariff, [(start, old), (on, new)])
    return {"credit": credit, "charge": charge, "net": net}


def removed(inputs: Inputs) -> Figures:
    """Remove an item when a part of the period is left."""
    ended = ended_early(usd(inputs["price"]), *day_that_leaves(Fraction(inputs["factor"])))
    return {"credit": -ended.returned}


def two_months(inputs: Inputs) -> Figures:
    """Take days in two months over each month's own, and wrongly over the first one's."""
    run = inclusive(day(inputs["start"]), day(inputs["end_inclusive"]))
    months = [ratio(part.days, month_of(part.start).days) for part in by_months(run)]
    return {"wrong": ratio(run.days, month_of(run.start).days), "right": "+".join(months)}


def month_fraction(inputs: Inputs) -> Figures:
    """Take whole months first and then days."""
    months, days, of = months_and_days(day(inputs["start"]), day(inputs["end"]))
    return {"months": f"{months} + {ratio(days, of)}" if months else ratio(days, of)}


def upgrade_price(inputs: Inputs) -> Figures:
    """Take the difference of two day rates, each rounded, for the days left, with a surcharge."""
    (old, old_days), (new, new_days) = price_for(inputs["old"]), price_for(inputs["new"])
    left = inputs["days_left"]
    more = quantised(new, new_days.count, left) - quantised(old, old_days.count, left)
    return {"amount": more + more.share(Fraction(inputs["surcharge_percent"]) / 100)}


def day_rate(inputs: Inputs) -> Figures:
    """Price some days by a rounded day rate, and exactly."""
    price, period, days = usd(inputs["price"]), inputs["period"], inputs["days"]
    exact = price.share(Fraction(days, period))
    return {"its_result": quantised(price, period, days), "exact": exact}


def february(inputs: Inputs) -> Figures:
    """Take the last days of February over its own days and, wrongly, over 31 as in January."""
    run = inclusive(day(inputs["from_inclusive"]), day(inputs["to_inclusive"]))
    price = Money.of(inputs["price"], Currency("USD", 5))
    january = term_at(year_of(run.start).start, Months(1), 0)
    return {
        "right": price.share(between(month_of(run.start), run.start, run.end)),
        "wrong": price.share(Fraction(run.days, january.days)),
    }


def biennial(inputs: Inputs) -> Figures:
    """Bill what a term has of the second period of two years, by days."""
    start, end = map(day, inputs["term"])
    second = term_at(start, Months(12 * inputs["period_years"]), 1)
    return {"second_invoice": usd(inputs["price"]).share(between(second, second.start, end))}


def allocated(inputs: Inputs) -> Figures:
    """Share an amount out: what is left over to the first, or to the largest remainders."""
    amount, weights = usd(inputs["amount"]), inputs["weights"]
    return {
        "floor_to_first": floor_to_first(amount, weights),
        "largest_remainder": amount.allocate(weights),
    }


def first_period(inputs: Inputs) -> Figures:
    """Bill a first period from a day within it."""
    period = inclusive(*map(day, inputs["period"]))
    return {"ratio": ratio(period.remaining(day(inputs["start"])), period.days)}


def drift(inputs: Inputs) -> Figures:
    """Renew from 31 January of a leap year: from the date before, and from the first."""
    start = day(inputs["start"], leap=True)
    naive, right = drifting_dates(start, Months(1)), renewal_dates(start, Months(1))
    return {
        "naive_dates": [f"{due:%m-%d}" for due in islice(naive, 3)],
        "right_dates": [f"{due:%m-%d}" for due in islice(right, 3)],
    }


#: What is reproduced: each kind of example, and how it is.
REPRODUCED: Final[dict[str, Callable[[Inputs], Figures]]] = {
    "add_user_mid_month": one_more,
    "allocation_modes": allocated,
    "amount_due_vs_total": due_after_credit,
    "anchor_drift": drift,
    "backdated_start": backdated_start,
    "billing_anchor": anchor,
    "cancel_credit_direct": cancel_credit,
    "carry_forward": at_once,
    "change_mid_period_price": at_once,
    "change_next_period": next_period,
    "coupon_credit_classic": coupon_credit,
    "coupon_credit_flexible": coupon_credit,
    "credit_as_days": as_days,
    "credit_as_days_wrong_denominator": wrong_denominator,
    "credit_basis_classic": credit_basis,
    "credit_relative_to_debit_period": credit_of_debit,
    "credit_with_tax_rounding": credit_note,
    "day_count_ratio": day_count,
    "discount_allocation": discount,
    "downgrade": downgrade,
    "february_denominator": february,
    "first_partial_period": first_period,
    "graduated_tier": graduated,
    "graduated_with_flat": graduated,
    "invoice_stack": invoice,
    "month_fraction": month_fraction,
    "multi_decimal": many_decimals,
    "next_invoice_with_proration": next_invoice,
    "order_metrics": order_metrics,
    "package": package,
    "partial_month": partial_month,
    "partial_term": partial_term,
    "partial_year": partial_year,
    "postpone": postponed,
    "prorated_seat": seat,
    "quantised_day_rate": day_rate,
    "quantity_increase": more_units,
    "quirk_biennial": biennial,
    "reduce_quantity": fewer_units,
    "remove_item": removed,
    "round_to_interval": whole_units,
    "span_two_months": two_months,
    "two_upgrades_same_day_anniversary": two_upgrades_by_anniversary,
    "two_upgrades_same_day_calendar": two_upgrades_by_calendar,
    "units_10_5_15": units_paid_through,
    "units_10_to_15": units_paid_through,
    "units_10_to_5": units_paid_through,
    "upgrade_half_period": half_a_period,
    "upgrade_price": upgrade_price,
    "volume": volume,
    "volume_tier": volume,
    "volume_with_flat": volume,
    "wallet_rounding": wallet,
}

_NO_FIGURES: Final = "The source gives a formula without figures."

#: What is left out: each kind of example, and why. The page on peers says the same.
LEFT_OUT: Final = {
    "churn": "The days on which the seats changed are not given.",
    "extend_term": _NO_FIGURES,
    "formula": _NO_FIGURES,
}

#: Examples of a reproduced kind that come out otherwise here, and why. The page says the same.
DIFFERENT: Final = {
    "doc-018": (
        "The source takes 15 May for the middle of the month; "
        "by the second, 17 of 31 days are left and the invoice is 25.49."
    ),
}

#: What stands among the expected figures and is none: how the source writes its figure down.
WORKING: Final = "formula"

#: Figures that were measured and that others follow from; what they follow from is not published.
MEASURED: Final = {"amount_due_vs_total": ("total", "seat_reduction_total")}

EXAMPLES: Final = examples("published")
OURS: Final = [
    example
    for example in EXAMPLES
    if example["kind"] in REPRODUCED and example["id"] not in DIFFERENT
]


def named(example: dict[str, Any]) -> str:
    """Name an example by its system, kind and number."""
    return f"{example['system']}-{example['kind']}-{example['id']}"


def systems(kind: str) -> str:
    """Name the systems that a kind of example comes from."""
    return ", ".join(sorted({each["system"] for each in EXAMPLES if each["kind"] == kind}))


def published(example: dict[str, Any]) -> Figures:
    """Return the figures that an example publishes as the result of others."""
    given = (WORKING, *MEASURED.get(example["kind"], ()))
    return {name: plain(each) for name, each in example["expected"].items() if name not in given}


def figures(example: dict[str, Any]) -> Figures:
    """Return what is found here for each figure that an example publishes."""
    measured = MEASURED.get(example["kind"], ())
    given = {name: example["expected"][name] for name in measured}
    found = REPRODUCED[example["kind"]]({**example["inputs"], **given})
    return {name: plain(found[name]) for name in published(example)}


def test_each_kind_is_reproduced_or_left_out_with_a_reason():
    """Every kind of example stands in one of the two tables, and no table names another."""
    kinds = sorted({example["kind"] for example in EXAMPLES})

    assert kinds == sorted([*REPRODUCED, *LEFT_OUT])


@pytest.mark.parametrize("example", OURS, ids=named)
def test_published_figures_are_reproduced(example: dict[str, Any]):
    """Every figure that a system publishes comes out of the library's public functions."""
    expected = published(example)

    assert expected
    assert expected == figures(example)


@pytest.mark.parametrize("number", DIFFERENT)
def test_what_is_said_to_differ_does(number: str):
    """An example that is explained as different is one."""
    example = next(each for each in EXAMPLES if each["id"] == number)

    assert published(example) != figures(example)


@pytest.mark.parametrize("kind", ["credit_basis_classic"])
def test_what_was_not_paid_does_not_come_back(kind: str):
    """An upgrade at no charge and a downgrade that is prorated: the library returns nothing."""
    (example,) = (each for each in EXAMPLES if each["kind"] == kind)
    days = [day(when) for when, _ in example["inputs"]["timeline"]]
    rule = ChangeRule(cooldown=None, more=Effect.KEEP, fewer=Effect.PRORATE)
    offer, tariff = selling(TermRule(Months(1)), rule), costing(usd(10), USD)
    paid = charges(offer, tariff, list(zip(days, [1, 2, 1], strict=True)))

    assert published(example)["total"] < 0
    assert [usd(0), usd(0)] == paid[1:]


@pytest.mark.parametrize("kind", LEFT_OUT)
def test_the_page_says_what_is_left_out(kind: str):
    """The page on peers names each kind that is left out, with its systems and its reason."""
    row = f"   * - ``{kind}``\n     - {systems(kind)}\n     - {LEFT_OUT[kind]}\n"

    assert row in PAGE.read_text(encoding="utf-8")


@pytest.mark.parametrize("number", DIFFERENT)
def test_the_page_says_what_differs(number: str):
    """The page on peers names each example that comes out otherwise, with its reason."""
    example = next(each for each in EXAMPLES if each["id"] == number)
    told = f"``{example['kind']}``, {number}\n     - {example['system']}"
    row = f"   * - {told}\n     - {DIFFERENT[number]}\n"

    assert row in PAGE.read_text(encoding="utf-8")


def test_the_page_counts_the_examples():
    """The page on peers says how many examples there are and how many are reproduced."""
    counts = f"Of the {len(EXAMPLES)} examples of other systems, {len(OURS)} are reproduced."

    assert counts in PAGE.read_text(encoding="utf-8")
