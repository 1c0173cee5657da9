"""Published examples of many billing systems, reproduced with public functions or left out.

Every kind of example stands in one of two tables. What a peer does is in `arithmetic`; here its
inputs are read. The page on peers tells the same to a reader.
"""

from collections.abc import Callable
from datetime import date
from fractions import Fraction
from itertools import islice
from typing import Any, Final

import pytest
from tests.peers.arithmetic import (
    PAGE,
    PURSE,
    Length,
    amount_due,
    backdated,
    between,
    by_months,
    by_the_second,
    change_day_used,
    changed_at_once,
    credit_as_days,
    day_of,
    digits,
    drifting_dates,
    ended_early,
    examples,
    floor_to_first,
    floor_to_last,
    held,
    inclusive,
    lago_credit,
    midnight,
    month_of,
    months_and_days,
    one_price,
    paid_through,
    plain,
    prorated_change,
    quantised,
    to_currency,
    to_whole_units,
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
    Currency,
    Days,
    Money,
    Months,
    Rounding,
    Term,
    renew,
    renewal_dates,
    term_at,
)

Inputs = dict[str, Any]
Figures = dict[str, Any]

HALF: Final = Fraction(1, 2)


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
    """Bill the months of a term that starts within one."""
    run = inclusive(day(inputs["from_"]), day(inputs["to"]))
    return {"amount": usd(inputs["price_per_month"]).share(zuora_months(run, "ACTUAL_ACTUAL"))}


def order_metrics(inputs: Inputs) -> Figures:
    """Price a number of units by the month, and over their term by two rules."""
    run = inclusive(day(inputs["from_"]), day(inputs["to"]))
    monthly = usd(inputs["unit_price"]) * inputs["quantity_delta"]
    return {
        "mrr": monthly,
        "tcb_30_days": monthly.share(zuora_months(run, "ACTUAL_360")),
        "tcv_actual_days": monthly.share(zuora_months(run, "ACTUAL_ACTUAL")),
    }


def cancel_credit(inputs: Inputs) -> Figures:
    """Give back what is left of a quarter, rounded up to whole dollars."""
    start, end = map(day, inputs["period"])
    price = Money.of(inputs["price_per_period"], Currency("USD", 0))
    length = Months(whole_periods(start, end, Months(1)))
    ended = ended_early(price, length, start, day(inputs["cancel"]), Rounding.UP)
    return {"credit": ended.returned, "invoice_total": ended.kept}


# Stripe


def half_a_period(inputs: Inputs) -> Figures:
    """Upgrade when half of the period is left."""
    part = Fraction(inputs["fraction_remaining"])
    credit, debit = prorated_change(usd(inputs["old_price"]), usd(inputs["new_price"]), part)
    return {"credit": credit, "debit": debit, "net": credit + debit}


def next_invoice(inputs: Inputs) -> Figures:
    """Upgrade within a month and pay the difference with the next one."""
    month = term_at(day(inputs["signup"]), Months(1), 0)
    part = by_the_second(month, midnight(day(inputs["change"])))
    new = usd(inputs["new_price"])
    return {"june_1_invoice": sum(prorated_change(usd(inputs["old_price"]), new, part), start=new)}


def credit_basis(inputs: Inputs) -> Figures:
    """Downgrade, with the credit from the price held last and not from the one that was paid."""
    (start, _), (_, upgraded), (at, downgraded) = inputs["timeline"]
    month = term_at(day(start), Months(1), 0)
    part = by_the_second(month, midnight(day(at)))
    old, new = (cents(100 * int(told.split(",")[0].split()[-1])) for told in (upgraded, downgraded))
    credit, debit = prorated_change(old, new, part)
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
    debit = Term(*map(day, inputs["debit"]))
    left = debit.remaining(day(inputs["credit_from"]))
    return {"debit_days": debit.days, "credit_days": left, "factor": ratio(-left, debit.days)}


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
    ended = ended_early(usd(inputs["old_price"]), Months(1), start, on)
    new = usd(inputs["new_price"])
    charge = ended_early(new, Months(1), start, on).returned
    credit = ended.returned - charge
    return {
        "used": ended.kept,
        "unused": ended.returned,
        "new_plan_remaining": charge,
        "credit": credit,
        "next_bill": new - credit,
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
    """Add a user in the middle of June, on a day that counts as used."""
    on = day(inputs["change"])
    month, price = month_of(on), usd(inputs["unit_price"])
    charge = change_day_used(price, Months(1), month.start, on).returned
    return {"charge": charge, "per_day": price.share(Fraction(1, month.days))}


def postponed(inputs: Inputs) -> Figures:
    """Begin the next year of a yearly plan on another day."""
    return {"next_period": term_at(day(inputs["postpone_to"]), Months(12), 0)}


# Lago


def seat(inputs: Inputs) -> Figures:
    """Add a seat in July: over 30 days as the page does, and over July's 31 as the engine does."""
    added, price = day(inputs["added"]), usd(inputs["seat_price"])
    month = month_of(added)
    used = month.remaining(added)
    return {
        "doc_amount": price.share(Fraction(used, 30)),
        "july_actual": price.share(month.unused(added)),
    }


def invoice(inputs: Inputs) -> Figures:
    """Add up an invoice: coupons, then tax, then credit notes, then prepaid credits."""
    lines = ("subscription", "usage", "coupon")
    subtotal = sum((usd(inputs[line]) for line in lines), start=usd(0))
    tax = subtotal.share(Fraction(inputs["tax_percent"]) / 100)
    with_tax = subtotal + tax
    total = with_tax - usd(inputs["credit_notes"]) - usd(inputs["prepaid_credits"])
    return {"subtotal": subtotal, "tax": tax, "with_tax": with_tax, "total": total}


def two_upgrades(inputs: Inputs, period: Term, first_fee: Money) -> Figures:
    """Upgrade twice on one day; each credit is of the price before, with a tax of 25 percent."""
    prices = [cents(price) for price in inputs["prices_minor"]]
    parts = [period.unused(day_of(upgraded)) for upgraded in inputs["upgrades"]]
    fees = [price.share(part).minor for price, part in zip(prices[1:], parts, strict=True)]
    notes = [
        lago_credit(price, part, "25")[2].minor
        for price, part in zip(prices[:-1], parts, strict=True)
    ]
    return {
        "first_fee": first_fee.minor,
        "second_fee": fees[0],
        "credit_1_with_tax": notes[0],
        "third_fee": fees[1],
        "credit_2_with_tax": notes[1],
    }


def two_upgrades_by_calendar(inputs: Inputs) -> Figures:
    """Upgrade twice on one day, in months that start on the first."""
    start = day(inputs["start"])
    month = month_of(start)
    first_fee = cents(inputs["prices_minor"][0]).share(month.unused(start))
    return two_upgrades(inputs, month, first_fee)


def two_upgrades_by_anniversary(inputs: Inputs) -> Figures:
    """Upgrade twice on one day, in months that start on the day of the sale."""
    period = term_at(day(inputs["start"]), Months(1), 0)
    return two_upgrades(inputs, period, cents(inputs["prices_minor"][0]))


def units_paid_through(inputs: Inputs) -> Figures:
    """Change the number of units within a period, without proration."""
    return {"charges": paid_through(usd(inputs["unit_price"]), inputs["units"])}


def credit_note(inputs: Inputs) -> Figures:
    """Give back a part of a price with its tax."""
    part = Fraction(inputs["days"])
    net, tax, total = lago_credit(cents(inputs["price_minor"]), part, inputs["tax_percent"])
    return {"net": net.minor, "tax": tax.minor, "total": total.minor}


def wallet(inputs: Inputs) -> Figures:
    """Pay a price with tax from a wallet, rounded once for the invoice and the wallet alike."""
    price = usd(inputs["price"])
    used = price + price.share(Fraction(inputs["tax_percent"]) / 100)
    return {"credits_used": used, "wallet_after": usd(inputs["wallet"]) - used}


# ex_money


def next_period(inputs: Inputs) -> Figures:
    """Renew at another price: this library's own `renew` with another tariff."""
    start, new = day(inputs["period_start"]), price_for(inputs["new"])
    subscription = held(*price_for(inputs["old"]), start)
    _, tariff = one_price(*new)
    renewed = renew(subscription, tariff, on=subscription.term.end)
    assert renewed.after is not None
    term = renewed.after.term
    return {"first_billing": -renewed.deltas[PURSE], "starts": term.start, "next": term.end}


def at_once(inputs: Inputs) -> Figures:
    """Change within a period: what the credit does not pay is billed, what is left is kept."""
    changed = changed_at_once(
        price_for(inputs["old"]),
        price_for(inputs["new"]),
        day(inputs["period_start"]),
        day(inputs["effective"]),
    )
    credit, charge = (posting.amount for posting in changed.postings)
    assert changed.after is not None
    nothing = usd(0)
    return {
        "credit": credit,
        "credit_applied": min(credit, -charge),
        "first_billing": max(-changed.deltas[PURSE], nothing),
        "carry_forward": min(-changed.deltas[PURSE], nothing),
        "starts": changed.after.term.start,
        "next": changed.after.term.end,
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
    credit, charge = prorated_change(old, new, Fraction(inputs["factor"]))
    return {"credit": credit, "charge": charge, "net": credit + charge}


def more_units(inputs: Inputs) -> Figures:
    """Raise a quantity when a part of the period is left."""
    price = usd(inputs["unit_price"])
    old, new = price * inputs["old_quantity"], price * inputs["new_quantity"]
    return changed_by_factor(old, new, inputs)


def removed(inputs: Inputs) -> Figures:
    """Remove an item when a part of the period is left."""
    return changed_by_factor(usd(inputs["price"]), usd(0), inputs)


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
    "invoice_stack": invoice,
    "month_fraction": month_fraction,
    "multi_decimal": many_decimals,
    "next_invoice_with_proration": next_invoice,
    "order_metrics": order_metrics,
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
    "wallet_rounding": wallet,
}

_NO_LADDERS: Final = "The library has no price ladders yet."
_NO_FIGURES: Final = "The source gives a formula without figures."

#: What is left out: each kind of example, and why. The page on peers says the same.
LEFT_OUT: Final = {
    "churn": "The days on which the seats changed are not given.",
    "extend_term": _NO_FIGURES,
    "formula": _NO_FIGURES,
    "graduated_tier": _NO_LADDERS,
    "graduated_with_flat": _NO_LADDERS,
    "package": _NO_LADDERS,
    "volume": _NO_LADDERS,
    "volume_tier": _NO_LADDERS,
    "volume_with_flat": _NO_LADDERS,
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
