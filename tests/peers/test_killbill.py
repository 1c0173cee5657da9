"""Kill Bill's published examples: each is reproduced with this library or left out with a reason.

Kill Bill's arithmetic is in `arithmetic`. The functions here read an example's inputs and return
the figures that it publishes. Every kind of example is in REPRODUCED or in LEFT_OUT. The
documentation's page on other billing systems lists the same exceptions.
"""

from collections.abc import Callable
from datetime import date, datetime
from fractions import Fraction
from typing import Any, Final
from zoneinfo import ZoneInfo

import pytest
from tests.peers.arithmetic import (
    KILL_BILL_PERIODS,
    PEERS_PAGE,
    PRORATED_CHANGE,
    WALLET,
    BillCalendar,
    DayInTerm,
    Length,
    add_periods,
    amount_paid,
    amounts_paid,
    bill_days,
    billed_in_advance,
    billed_in_arrear,
    billed_segments,
    billing_periods,
    buy_units,
    change_units_at_renewal,
    count_fixed_days,
    count_whole_periods,
    killbill_amount,
    killbill_cycles,
    killbill_day_counts,
    killbill_factor,
    killbill_ladder,
    ladder_price,
    load_examples,
    make_offer,
    make_tariff,
    next_bill_day,
    normalize,
    refund_rest,
    subtract_periods,
    tier_amounts,
)

from channelplans import (
    USD,
    Currency,
    Days,
    InvalidValue,
    Money,
    Months,
    Posting,
    Reason,
    Term,
    TermRule,
    civil_date,
    settle,
    terminate,
)

Inputs = dict[str, Any]
Figures = dict[str, Any]

day = date.fromisoformat

# Functions that read the inputs of an example.


def read_length(inputs: Inputs) -> Length:
    """Return the length of a billing period."""
    return KILL_BILL_PERIODS[inputs["billing_period"]]


def read_calendar(inputs: Inputs) -> BillCalendar:
    """Return the start, the length of a period and the bill cycle day of a subscription."""
    return BillCalendar(day(inputs["start"]), read_length(inputs), inputs["bill_cycle_day"])


def read_target(inputs: Inputs) -> date:
    """Return the target of a billing run.

    For "today" return the start: the examples ask for the first bill day, which is the same for
    every target.
    """
    return day(inputs["start"] if inputs["target"] == "today" else inputs["target"])


def read_end(inputs: Inputs) -> date | None:
    """Return the end of a subscription, or None if it has no end."""
    return day(inputs["end"]) if inputs["end"] else None


def read_segment(inputs: Inputs) -> tuple[Term, Term, int]:
    """Return the billed segment, its period, and the fixed days in a month (0 if none)."""
    segment = Term(day(inputs["segment_start"]), day(inputs["segment_end"]))
    period = Term(day(inputs["period_start"]), day(inputs["period_end"]))
    return segment, period, inputs.get("fixed_days_in_month", 0)


def read_term_rule(inputs: Inputs) -> TermRule:
    """Return a rule for terms of as many months as the period has."""
    start, end = day(inputs["period_start"]), day(inputs["period_end"])
    return TermRule(Months(count_whole_periods(start, end, Months(1))))


def read_price(inputs: Inputs) -> Money:
    """Return the price of a whole period for all units."""
    currency = Currency("USD", inputs["scale"])
    return Money.of(inputs["full_period_price"], currency) * int(inputs["quantity"])


def billed_through(inputs: Inputs) -> date | None:
    """Return the day up to which a billing run bills, or None if it bills nothing."""
    calendar, target, end = read_calendar(inputs), read_target(inputs), read_end(inputs)
    if inputs["billing_mode"] == "IN_ADVANCE":
        return billed_in_advance(calendar, target, end)
    greedy = inputs.get("in_arrear_mode") == "GREEDY"
    return billed_in_arrear(calendar, target, end, greedy=greedy)


# Functions that reproduce one kind of example. Each returns the published figures by name.


def cycles(inputs: Inputs) -> Figures:
    """Add up the factors of all periods that are billed in advance."""
    total = killbill_cycles(read_calendar(inputs), read_target(inputs), read_end(inputs))
    return {"total_cycles": total}


def date_error(inputs: Inputs) -> Figures:
    """Refuse a subscription that ends before it starts."""
    try:
        Term(day(inputs["start"]), read_end(inputs) or date.max)
    except InvalidValue:
        return {"error": "invalid_date_sequence"}
    return {"error": None}


def leading_factor(inputs: Inputs) -> Figures:
    """Compute the factor of a segment before the first bill day."""
    segment = Term(day(inputs["start"]), day(inputs["next_billing_date"]))
    return factor(segment, bill_day=segment.end, inputs=inputs)


def trailing_factor(inputs: Inputs) -> Figures:
    """Compute the factor of a segment after the last bill day."""
    segment = Term(day(inputs["period_start"]), day(inputs["end"]))
    return factor(segment, bill_day=segment.start, inputs=inputs)


def factor(segment: Term, *, bill_day: date, inputs: Inputs) -> Figures:
    """Compute the factor of a segment; the bill day gives the bill cycle day of its period."""
    calendar = BillCalendar(segment.start, read_length(inputs), bill_day.day)
    period = next(billing_periods(calendar))
    return {"factor": killbill_factor(segment, period, inputs["fixed_days_in_month"])}


def days_between(inputs: Inputs) -> Figures:
    """Count days in months of a fixed length."""
    segment = Term(day(inputs["start"]), day(inputs["end"]))
    return {"days": count_fixed_days(segment, inputs["fixed_days_in_month"])}


def periods_between(inputs: Inputs) -> Figures:
    """Count the whole periods between two days."""
    start, end = day(inputs["start"]), day(inputs["end"])
    return {"whole_periods": count_whole_periods(start, end, read_length(inputs))}


def later_date(inputs: Inputs) -> Figures:
    """Add a number of periods to a date."""
    return {"date": add_periods(day(inputs["date"]), read_length(inputs), inputs["n"])}


def earlier_date(inputs: Inputs) -> Figures:
    """Subtract a number of periods from a date."""
    return {"date": subtract_periods(day(inputs["date"]), read_length(inputs), inputs["n"])}


def billing_dates(inputs: Inputs) -> Figures:
    """Find the day up to which a run bills, and the bill days around it."""
    days = bill_days(read_calendar(inputs))
    first_bill_day = following_bill_day = next(days)
    last_bill_day = None
    through = billed_through(inputs)
    while through is not None and following_bill_day <= through:
        last_bill_day, following_bill_day = following_bill_day, next(days)
    return {
        "has_something_to_bill": through is not None,
        "first_billing_date": first_bill_day,
        "last_billing_date": last_bill_day,
        "billed_through": through,
        "next_billing_date": following_bill_day,
    }


def service_periods(inputs: Inputs) -> Figures:
    """List the billed segments."""
    segments = billed_segments(read_calendar(inputs), billed_through(inputs))
    return {"periods": [segment for segment, _ in segments]}


def prorated_charge(inputs: Inputs) -> Figures:
    """Charge for a part of a period."""
    segment, period, fixed_days = read_segment(inputs)
    segment_days, period_days = killbill_day_counts(segment, period, fixed_days)
    amount = killbill_amount(read_price(inputs), killbill_factor(segment, period, fixed_days))
    return {"amount": amount, "numerator_days": segment_days, "denominator_days": period_days}


def cancel_credit(inputs: Inputs) -> Figures:
    """Refund a part of a period."""
    figures = prorated_charge(inputs)
    return {**figures, "amount": -figures["amount"]}


def second_credit(inputs: Inputs) -> Figures:
    """Refund a part of a prorated charge, by the days of the segment that was charged."""
    segment = Term(day(inputs["previous_segment_start"]), day(inputs["previous_segment_end"]))
    charge = Money.of(inputs["previous_prorated_charge"], USD)
    end_day = DayInTerm(Days(segment.days), segment.start, day(inputs["credit_from"]))
    return {
        "credit": -refund_rest(charge, end_day).returned,
        "numerator_days": segment.remaining(end_day.on),
        "denominator_days": segment.days,
    }


def quantity_at_renewal(inputs: Inputs) -> Figures:
    """Change the number of units at the renewal, which charges a whole period."""
    start, end = map(day, inputs["period"])
    subscription = change_units_at_renewal(
        Money.of(inputs["unit_price"], USD),
        inputs["old_quantity"],
        inputs["new_quantity"],
        length=Months(1),
        renewal=start,
    )
    return {
        "amount": subscription.quote.total,
        "prorated": subscription.term != Term(start, end),
    }


def annual_to_monthly(inputs: Inputs) -> Figures:
    """Refund the rest of a year, and charge for the days before the next bill day.

    The refund is larger than the charge. The difference stays as credit on the account.
    """
    year, on = Term(*map(day, inputs["annual_period"])), day(inputs["change_date"])
    annual_price = Money.of(inputs["annual_price"], USD)
    monthly_price = Money.of(inputs["monthly_price"], USD)
    credit = refund_rest(annual_price, DayInTerm(Months(12), year.start, on)).returned
    month = next(billing_periods(BillCalendar(on, Months(1), inputs["bill_cycle_day"])))
    segment = Term(on, month.end)
    charge = killbill_amount(monthly_price, killbill_factor(segment, month))
    postings = [
        Posting(WALLET, credit, Reason.REFUND, on, year),
        Posting(WALLET, -charge, Reason.SUBSCRIPTION, on, segment),
    ]
    return {
        "credit": -credit,
        "credit_days": year.remaining(on),
        "period_days": year.days,
        "new_charge": charge,
        "new_charge_period": segment,
        "invoice_amount": charge - credit,
        "account_credit": settle({}, postings)[WALLET],
    }


def bill_cycle_day(inputs: Inputs) -> Figures:
    """Find the day of the month of an instant in the account's time zone."""
    zone = ZoneInfo(inputs["account_time_zone"])
    return {"bill_cycle_day": civil_date(datetime.fromisoformat(inputs["instant_utc"]), zone).day}


def aligned_date(inputs: Inputs) -> Figures:
    """Find the first bill day on or after a day."""
    anchor = day(inputs["anchor"]) if inputs.get("anchor") else None
    bill_day = next_bill_day(
        day(inputs["date"]), read_length(inputs), inputs["bill_cycle_day"], anchor=anchor
    )
    return {"date": bill_day}


def tiered_usage(inputs: Inputs) -> Figures:
    """Price usage in blocks, by all tiers or by the top tier."""
    blocks = [(row["block_size"], row["max_blocks"], row["block_price"]) for row in inputs["tiers"]]
    ladder = killbill_ladder(blocks, all_tiers=inputs["policy"] == "ALL_TIERS")
    units = inputs["units"]
    return {
        "tier_amounts": tier_amounts(ladder, units, USD),
        "total": ladder_price(ladder, units, USD),
    }


#: The function that reproduces each kind of example.
REPRODUCED: Final[dict[str, Callable[[Inputs], Figures]]] = {
    "advance_by_periods": later_date,
    "align_to_bill_cycle_day_same_month": aligned_date,
    "align_to_next_bill_date": aligned_date,
    "bill_cycle_day_from_instant": bill_cycle_day,
    "billing_interval_dates": billing_dates,
    "cancel_credit": cancel_credit,
    "days_between_fixed_month": days_between,
    "dry_run_annual_to_monthly": annual_to_monthly,
    "in_arrear_partial": prorated_charge,
    "leading_proration_factor": leading_factor,
    "mid_period_price_change_new_price": prorated_charge,
    "prorated_amount": prorated_charge,
    "quantity_change_on_renewal_date": quantity_at_renewal,
    "recede_by_periods": earlier_date,
    "recurring_in_advance_cycles": cycles,
    "recurring_in_advance_error": date_error,
    "second_change_credit_from_actual_charge": second_credit,
    "service_periods": service_periods,
    "split_remaining": prorated_charge,
    "tiered_usage": tiered_usage,
    "trailing_proration_factor": trailing_factor,
    "whole_periods_between": periods_between,
}

#: Why a kind of example is left out. The page on other billing systems repeats these sentences.
LEFT_OUT: Final = {
    "daily_usage_with_dst": "The example gives neither the zone nor the days of use.",
}

#: Why the library's figures differ from an example's, by the example's number. The page repeats
#: these sentences too.
DIFFERENT: Final = {
    "kb-175": "A target before the start is no error here: nothing is due yet.",
}

EXAMPLES: Final = load_examples("killbill")
EXAMPLES_BY_NUMBER: Final = {example["id"]: example for example in EXAMPLES}
REPRODUCED_EXAMPLES: Final = [
    example
    for example in EXAMPLES
    if example["kind"] in REPRODUCED and example["id"] not in DIFFERENT
]
AMOUNT_EXAMPLES: Final = [
    example
    for example in REPRODUCED_EXAMPLES
    if "amount" in example["expected"] and "segment_start" in example["inputs"]
]
CALENDAR_DAY_EXAMPLES: Final = [
    example for example in AMOUNT_EXAMPLES if "fixed_days_in_month" not in example["inputs"]
]
REFUND_EXAMPLES: Final = [
    example for example in CALENDAR_DAY_EXAMPLES if example["kind"] == "cancel_credit"
]
#: Charges for a segment that ends with its period.
REST_OF_PERIOD_EXAMPLES: Final = [
    example
    for example in CALENDAR_DAY_EXAMPLES
    if example["kind"] != "cancel_credit"
    and example["inputs"]["segment_end"] == example["inputs"]["period_end"]
]


def example_id(example: dict[str, Any]) -> str:
    """Return a test id with an example's kind and number."""
    return f"{example['kind']}-{example['id']}"


def library_figures(example: dict[str, Any]) -> Figures:
    """Return this library's value for each figure that an example publishes."""
    figures = REPRODUCED[example["kind"]](example["inputs"])
    return {name: normalize(figures[name]) for name in example["expected"]}


def test_each_kind_of_example_is_reproduced_or_left_out():
    """Each kind of example is in exactly one of REPRODUCED and LEFT_OUT, and no other kind is."""
    kinds = sorted({example["kind"] for example in EXAMPLES})

    assert kinds == sorted([*REPRODUCED, *LEFT_OUT])


@pytest.mark.parametrize("example", REPRODUCED_EXAMPLES, ids=example_id)
def test_published_figures_are_reproduced(example: dict[str, Any]):
    """The library's public functions give every figure that Kill Bill publishes."""
    figures = library_figures(example)

    assert normalize(example["expected"]) == figures


@pytest.mark.parametrize("number", DIFFERENT)
def test_different_examples_have_different_figures(number: str):
    """An example that is listed as different has other figures than the library."""
    example = EXAMPLES_BY_NUMBER[number]

    assert normalize(example["expected"]) != library_figures(example)


@pytest.mark.parametrize("example", AMOUNT_EXAMPLES, ids=example_id)
def test_the_exact_factor_gives_the_same_amounts(example: dict[str, Any]):
    """Every published amount is the same with an exact factor as with a factor of nine digits."""
    exact_factor = Fraction(*killbill_day_counts(*read_segment(example["inputs"])))
    amount = read_price(example["inputs"]).share(exact_factor)

    assert abs(normalize(example["expected"]["amount"])) == amount.amount


@pytest.mark.parametrize("example", REFUND_EXAMPLES, ids=example_id)
def test_terminate_refunds_the_credit_of_a_cancellation(example: dict[str, Any]):
    """`terminate` refunds the amount that Kill Bill credits for a cancellation."""
    inputs = example["inputs"]
    price = read_price(inputs)
    offer, tariff = make_offer(read_term_rule(inputs)), make_tariff(price, price.currency)
    subscription = buy_units(offer, tariff, on=day(inputs["period_start"]))
    terminated = terminate(subscription, on=day(inputs["segment_start"]))

    assert normalize(example["expected"]["amount"]) == amount_paid(terminated).amount


@pytest.mark.parametrize("example", REST_OF_PERIOD_EXAMPLES, ids=example_id)
def test_an_added_unit_costs_the_charge_for_the_rest_of_a_period(example: dict[str, Any]):
    """A unit added by `ChangeEffect.PRORATE` costs Kill Bill's charge for the rest of a period."""
    inputs = example["inputs"]
    price = read_price(inputs)
    offer = make_offer(read_term_rule(inputs), PRORATED_CHANGE)
    tariff = make_tariff(price, price.currency)
    units_by_day = [(day(inputs["period_start"]), 1), (day(inputs["segment_start"]), 2)]
    _, added = amounts_paid(offer, tariff, units_by_day)

    assert normalize(example["expected"]["amount"]) == added.amount


@pytest.mark.parametrize("kind", LEFT_OUT)
def test_the_page_lists_each_kind_that_is_left_out(kind: str):
    """The page on other billing systems gives the reason for each kind that is left out."""
    row = f"   * - ``{kind}``\n     - Kill Bill\n     - {LEFT_OUT[kind]}\n"

    assert row in PEERS_PAGE.read_text(encoding="utf-8")


@pytest.mark.parametrize("number", DIFFERENT)
def test_the_page_lists_each_different_example(number: str):
    """The page on other billing systems gives the reason for each example that differs."""
    kind = EXAMPLES_BY_NUMBER[number]["kind"]
    row = f"   * - ``{kind}``, {number}\n     - Kill Bill\n     - {DIFFERENT[number]}\n"

    assert row in PEERS_PAGE.read_text(encoding="utf-8")


def test_the_page_counts_the_examples():
    """The page on other billing systems says how many examples are reproduced, and of how many."""
    sentence = (
        f"Of Kill Bill's {len(EXAMPLES)} examples, {len(REPRODUCED_EXAMPLES)} are reproduced."
    )

    assert sentence in PEERS_PAGE.read_text(encoding="utf-8")
