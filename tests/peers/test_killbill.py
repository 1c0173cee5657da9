"""Kill Bill's published examples, reproduced with this library's public functions or left out.

Every kind of example stands in one of two tables. What the peer does is in `arithmetic`; here its
inputs are read. The page on peers tells the same to a reader.
"""

from collections.abc import Callable
from datetime import date, datetime
from fractions import Fraction
from typing import Any, Final
from zoneinfo import ZoneInfo

import pytest
from tests.peers.arithmetic import (
    KILL_BILL_PERIODS,
    PAGE,
    PRORATED,
    PURSE,
    advance,
    bill_days,
    bill_terms,
    billed_in_advance,
    billed_in_arrear,
    billed_runs,
    charges,
    cost,
    costing,
    ended_early,
    examples,
    fixed_days,
    held,
    killbill_align,
    killbill_amount,
    killbill_blocks,
    killbill_cycles,
    killbill_days,
    killbill_factor,
    more_from_renewal,
    paid_by,
    plain,
    recede,
    selling,
    tier_amounts,
    whole_periods,
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


def period(inputs: Inputs) -> Any:
    """Return the length of a billing period."""
    return KILL_BILL_PERIODS[inputs["billing_period"]]


def span(inputs: Inputs) -> tuple[date, date | None, date]:
    """Return the start, the end if there is one, and the target of a billing run.

    A target of today is any day for the first bill day, which does not depend on it.
    """
    end = inputs["end"] and day(inputs["end"])
    target = inputs["start"] if inputs["target"] == "today" else inputs["target"]
    return day(inputs["start"]), end, day(target)


def through(inputs: Inputs) -> date | None:
    """Return the day through which a billing run bills."""
    rest = (*span(inputs), period(inputs), inputs["bill_cycle_day"])
    if inputs["billing_mode"] == "IN_ADVANCE":
        return billed_in_advance(*rest)
    return billed_in_arrear(*rest, greedy=inputs.get("in_arrear_mode") == "GREEDY")


def segment(inputs: Inputs) -> tuple[Term, Term, int]:
    """Return the days that are billed, the period they lie in, and the fixed days of a month."""
    run = Term(day(inputs["segment_start"]), day(inputs["segment_end"]))
    whole = Term(day(inputs["period_start"]), day(inputs["period_end"]))
    return run, whole, inputs.get("fixed_days_in_month", 0)


def monthly(inputs: Inputs) -> TermRule:
    """Return the rule of a period of months, from the day on which it starts."""
    start, end = day(inputs["period_start"]), day(inputs["period_end"])
    return TermRule(Months(whole_periods(start, end, Months(1))))


def price(inputs: Inputs) -> Money:
    """Return the price of a whole period, for all units."""
    currency = Currency("USD", inputs["scale"])
    return Money.of(inputs["full_period_price"], currency) * int(inputs["quantity"])


def cycles(inputs: Inputs) -> Figures:
    """Add up the factors of all that is billed in advance."""
    total = killbill_cycles(*span(inputs), period(inputs), inputs["bill_cycle_day"])
    return {"total_cycles": total}


def refused(inputs: Inputs) -> Figures:
    """Refuse dates that are out of order: a term must end after it starts."""
    start, end, _ = span(inputs)
    try:
        Term(start, end or date.max)
    except InvalidValue:
        return {"error": "invalid_date_sequence"}
    return {"error": None}


def factor(inputs: Inputs) -> Figures:
    """Take the factor of a run before the first bill day, or after the last one."""
    if "next_billing_date" in inputs:
        run = Term(day(inputs["start"]), day(inputs["next_billing_date"]))
    else:
        run = Term(day(inputs["period_start"]), day(inputs["end"]))
    aligned = run.end if "next_billing_date" in inputs else run.start
    whole = next(bill_terms(run.start, period(inputs), aligned.day))
    return {"factor": killbill_factor(run, whole, inputs["fixed_days_in_month"])}


def days_between(inputs: Inputs) -> Figures:
    """Count days in months of a fixed length."""
    run = Term(day(inputs["start"]), day(inputs["end"]))
    return {"days": fixed_days(run, inputs["fixed_days_in_month"])}


def between(inputs: Inputs) -> Figures:
    """Count the periods between two days."""
    start, end = day(inputs["start"]), day(inputs["end"])
    return {"whole_periods": whole_periods(start, end, period(inputs))}


def advanced(inputs: Inputs) -> Figures:
    """Step forwards by so many periods."""
    return {"date": advance(day(inputs["date"]), period(inputs), inputs["n"])}


def receded(inputs: Inputs) -> Figures:
    """Step back by so many periods."""
    return {"date": recede(day(inputs["date"]), period(inputs), inputs["n"])}


def billing_dates(inputs: Inputs) -> Figures:
    """Find the bill days around what is billed, and the day through which it is."""
    start = day(inputs["start"])
    days = bill_days(start, period(inputs), inputs["bill_cycle_day"])
    first = following = next(days)
    last = None
    billed = through(inputs)
    while billed is not None and following <= billed:
        last, following = following, next(days)
    return {
        "has_something_to_bill": billed is not None,
        "first_billing_date": first,
        "last_billing_date": last,
        "billed_through": billed,
        "next_billing_date": following,
    }


def service_periods(inputs: Inputs) -> Figures:
    """List the runs of days that are billed."""
    start, length = day(inputs["start"]), period(inputs)
    runs = billed_runs(start, through(inputs), length, inputs["bill_cycle_day"])
    return {"periods": [run for run, _ in runs]}


def prorated(inputs: Inputs) -> Figures:
    """Charge for a part of a period."""
    run, whole, fixed = segment(inputs)
    counted, of = killbill_days(run, whole, fixed)
    amount = killbill_amount(price(inputs), killbill_factor(run, whole, fixed))
    return {"amount": amount, "numerator_days": counted, "denominator_days": of}


def credited(inputs: Inputs) -> Figures:
    """Give back a part of a period."""
    figures = prorated(inputs)
    return {**figures, "amount": -figures["amount"]}


def second_credit(inputs: Inputs) -> Figures:
    """Give back a part of what was charged for a part, over that part's own days."""
    paid = Term(day(inputs["previous_segment_start"]), day(inputs["previous_segment_end"]))
    charge, on = Money.of(inputs["previous_prorated_charge"], USD), day(inputs["credit_from"])
    return {
        "credit": -ended_early(charge, Days(paid.days), paid.start, on).returned,
        "numerator_days": paid.remaining(on),
        "denominator_days": paid.days,
    }


def more_on_renewal(inputs: Inputs) -> Figures:
    """Change the number of units with the renewal: a whole period at the new number."""
    start, end = map(day, inputs["period"])
    unit_price, units = Money.of(inputs["unit_price"], USD), inputs["old_quantity"]
    runs = more_from_renewal(unit_price, units, inputs["new_quantity"], Months(1), start)
    return {"amount": runs.paid.total, "prorated": runs.term != Term(start, end)}


def annual_to_monthly(inputs: Inputs) -> Figures:
    """Give back what is left of a year and charge for the days before the next bill day.

    What comes back is more, and stays as credit on the account.
    """
    year, on = Term(*map(day, inputs["annual_period"])), day(inputs["change_date"])
    annual_price = Money.of(inputs["annual_price"], USD)
    credit = ended_early(annual_price, Months(12), year.start, on).returned
    month = next(bill_terms(on, Months(1), inputs["bill_cycle_day"]))
    run = Term(on, month.end)
    charge = killbill_amount(Money.of(inputs["monthly_price"], USD), killbill_factor(run, month))
    postings = [
        Posting(PURSE, credit, Reason.REFUND, on, year),
        Posting(PURSE, -charge, Reason.SUBSCRIPTION, on, run),
    ]
    return {
        "credit": -credit,
        "credit_days": year.remaining(on),
        "period_days": year.days,
        "new_charge": charge,
        "new_charge_period": run,
        "invoice_amount": charge - credit,
        "account_credit": settle({}, postings)[PURSE],
    }


def bill_cycle_day(inputs: Inputs) -> Figures:
    """Take the day of the month on which an instant falls in the account's zone."""
    zone = ZoneInfo(inputs["account_time_zone"])
    return {"bill_cycle_day": civil_date(datetime.fromisoformat(inputs["instant_utc"]), zone).day}


def aligned(inputs: Inputs) -> Figures:
    """Find the next bill day."""
    anchor = inputs.get("anchor") and day(inputs["anchor"])
    due = killbill_align(
        day(inputs["date"]), period(inputs), inputs["bill_cycle_day"], anchor or None
    )
    return {"date": due}


def tiered(inputs: Inputs) -> Figures:
    """Price usage by blocks, of all tiers or of the top one."""
    blocks = [(row["block_size"], row["max_blocks"], row["block_price"]) for row in inputs["tiers"]]
    ladder = killbill_blocks(blocks, all_tiers=inputs["policy"] == "ALL_TIERS")
    units = inputs["units"]
    return {"tier_amounts": tier_amounts(ladder, units, USD), "total": cost(ladder, units, USD)}


#: What is reproduced: each kind of example, and how it is.
REPRODUCED: Final[dict[str, Callable[[Inputs], Figures]]] = {
    "advance_by_periods": advanced,
    "align_to_bill_cycle_day_same_month": aligned,
    "align_to_next_bill_date": aligned,
    "bill_cycle_day_from_instant": bill_cycle_day,
    "billing_interval_dates": billing_dates,
    "cancel_credit": credited,
    "days_between_fixed_month": days_between,
    "dry_run_annual_to_monthly": annual_to_monthly,
    "in_arrear_partial": prorated,
    "leading_proration_factor": factor,
    "mid_period_price_change_new_price": prorated,
    "prorated_amount": prorated,
    "quantity_change_on_renewal_date": more_on_renewal,
    "recede_by_periods": receded,
    "recurring_in_advance_cycles": cycles,
    "recurring_in_advance_error": refused,
    "second_change_credit_from_actual_charge": second_credit,
    "service_periods": service_periods,
    "split_remaining": prorated,
    "tiered_usage": tiered,
    "trailing_proration_factor": factor,
    "whole_periods_between": between,
}

#: What is left out: each kind of example, and why. The page on peers says the same.
LEFT_OUT: Final = {
    "daily_usage_with_dst": "The example gives neither the zone nor the days of use.",
}

#: Examples of a reproduced kind that come out otherwise here, and why. The page says the same.
DIFFERENT: Final = {
    "kb-175": "A target before the start is no error here: nothing is due yet.",
}

EXAMPLES: Final = examples("killbill")
OURS: Final = [
    example
    for example in EXAMPLES
    if example["kind"] in REPRODUCED and example["id"] not in DIFFERENT
]
AMOUNTS: Final = [
    example
    for example in OURS
    if "amount" in example["expected"] and "segment_start" in example["inputs"]
]
BY_OWN_DAYS: Final = [each for each in AMOUNTS if "fixed_days_in_month" not in each["inputs"]]
REFUNDS: Final = [each for each in BY_OWN_DAYS if each["kind"] == "cancel_credit"]
ADDED: Final = [
    each
    for each in BY_OWN_DAYS
    if each["kind"] != "cancel_credit"
    and each["inputs"]["segment_end"] == each["inputs"]["period_end"]
]


def named(example: dict[str, Any]) -> str:
    """Name an example by its kind and number."""
    return f"{example['kind']}-{example['id']}"


def figures(example: dict[str, Any]) -> Figures:
    """Return what is found here for each figure that an example publishes."""
    found = REPRODUCED[example["kind"]](example["inputs"])
    return {name: plain(found[name]) for name in example["expected"]}


def test_each_kind_is_reproduced_or_left_out_with_a_reason():
    """Every kind of example stands in one of the two tables, and no table names another."""
    kinds = sorted({example["kind"] for example in EXAMPLES})

    assert kinds == sorted([*REPRODUCED, *LEFT_OUT])


@pytest.mark.parametrize("example", OURS, ids=named)
def test_published_figures_are_reproduced(example: dict[str, Any]):
    """Every figure that Kill Bill publishes comes out of the library's public functions."""
    actual = figures(example)

    assert plain(example["expected"]) == actual


@pytest.mark.parametrize("number", DIFFERENT)
def test_what_is_said_to_differ_does(number: str):
    """An example that is explained as different is one."""
    example = next(each for each in EXAMPLES if each["id"] == number)

    assert plain(example["expected"]) != figures(example)


@pytest.mark.parametrize("example", AMOUNTS, ids=named)
def test_an_exact_share_gives_the_same_amounts(example: dict[str, Any]):
    """No published amount shows whether the factor was rounded to nine digits before."""
    part = Fraction(*killbill_days(*segment(example["inputs"])))
    amount = price(example["inputs"]).share(part)

    assert abs(plain(example["expected"]["amount"])) == amount.amount


@pytest.mark.parametrize("example", REFUNDS, ids=named)
def test_ending_at_once_returns_what_cancelling_credits(example: dict[str, Any]):
    """What Kill Bill credits on cancelling comes back when a subscription is ended at once."""
    inputs = example["inputs"]
    offer, tariff = selling(monthly(inputs)), costing(price(inputs), price(inputs).currency)
    subscription = held(offer, tariff, day(inputs["period_start"]))
    ended = terminate(subscription, on=day(inputs["segment_start"]))

    assert plain(example["expected"]["amount"]) == paid_by(ended).amount


@pytest.mark.parametrize("example", ADDED, ids=named)
def test_a_unit_added_costs_what_is_charged_to_the_end_of_a_period(example: dict[str, Any]):
    """What Kill Bill charges for the rest of a period is paid for a unit that is added then."""
    inputs = example["inputs"]
    offer = selling(monthly(inputs), PRORATED)
    tariff = costing(price(inputs), price(inputs).currency)
    steps = [(day(inputs["period_start"]), 1), (day(inputs["segment_start"]), 2)]
    _, added = charges(offer, tariff, steps)

    assert plain(example["expected"]["amount"]) == added.amount


@pytest.mark.parametrize("kind", LEFT_OUT)
def test_the_page_says_what_is_left_out(kind: str):
    """The page on peers names each kind that is left out, with its reason."""
    row = f"   * - ``{kind}``\n     - Kill Bill\n     - {LEFT_OUT[kind]}\n"

    assert row in PAGE.read_text(encoding="utf-8")


@pytest.mark.parametrize("number", DIFFERENT)
def test_the_page_says_what_differs(number: str):
    """The page on peers names each example that comes out otherwise, with its reason."""
    example = next(each for each in EXAMPLES if each["id"] == number)
    row = f"   * - ``{example['kind']}``, {number}\n     - Kill Bill\n     - {DIFFERENT[number]}\n"

    assert row in PAGE.read_text(encoding="utf-8")


def test_the_page_counts_the_examples():
    """The page on peers says how many examples there are and how many are reproduced."""
    counts = f"Of Kill Bill's {len(EXAMPLES)} examples, {len(OURS)} are reproduced."

    assert counts in PAGE.read_text(encoding="utf-8")
