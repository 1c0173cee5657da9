"""Published examples of counting and charging calls, each reproduced or left out with a reason.

An example gives the rule that counts a call, and the counted length, the charge, or the longest
call that minutes and credit pay. The rule can be the offer's or the rate's own: both must give the
same figures. The documentation's page on other billing systems lists the same exceptions.
"""

from datetime import date, timedelta
from typing import Any, Final

import attrs
import pytest
from tests.peers.arithmetic import PEERS_PAGE, load_examples

from channelplans import (
    SKYPE_CONNECT,
    Allowance,
    Call,
    CallRule,
    Currency,
    Money,
    Offer,
    Rate,
    RatedCall,
    Rounding,
    Tariff,
    billable,
    longest_call,
    rate_call,
)

Example = dict[str, Any]

#: XTS is the currency code that ISO 4217 reserves for tests.
TEST_CURRENCY: Final = "XTS"

BEYOND: Final = "beyond"

#: Examples of the kind "beyond" that a rate can express, by their subject.
REPRODUCED_BEYOND: Final = ("connection fee, least charge and steps of the charge",)

#: Why an example of the kind "beyond" is left out, by its subject, with its system. The page on
#: other billing systems repeats these sentences.
LEFT_OUT: Final = {
    "dearest call": ("CGRateS", "A rate has no largest charge for a call."),
    "first seconds free": (
        "CommunityCellularManager",
        "A rate has no free seconds; a call that is charged is charged from its first second.",
    ),
    "minutes counted in steps of their own": (
        "CGRateS",
        "One rule counts the whole call, with or without included minutes.",
    ),
}

EXAMPLES: Final = load_examples("rating")
REPRODUCED_COUNT: Final = len(EXAMPLES) - len(LEFT_OUT)


def examples_of(*kinds: str) -> list[Example]:
    """Return the examples of some kinds."""
    return [example for example in EXAMPLES if example["kind"] in kinds]


def example_from(source: str) -> Example:
    """Return the only example whose source ends with a name."""
    (example,) = (example for example in EXAMPLES if example["source"].endswith(source))
    return example


def seconds(number: float | str) -> timedelta:
    """Return a duration."""
    return timedelta(seconds=float(number))


def counting_rule(example: Example) -> CallRule:
    """Return the rule that counts the example's call and rounds its charge."""
    rounding = Rounding(example.get("rounding", "half up"))
    return CallRule(seconds(example["minimum"]), seconds(example["step"]), rounding)


def currency_of(example: Example) -> Currency:
    """Return a currency with the example's decimals."""
    return Currency(TEST_CURRENCY, example["decimals"])


def tariff_and_offer_for(
    example: Example, *, counted_by_rate: bool, connection: str = "0"
) -> tuple[Tariff, Offer]:
    """Return a tariff and an offer; one of the two has the example's rule for counting a call."""
    rule = counting_rule(example)
    rate = Rate(example["per_minute"], connection, counting=rule if counted_by_rate else None)
    tariff = Tariff("peer", currency_of(example), 0, rates={"US": rate})
    offer = SKYPE_CONNECT if counted_by_rate else attrs.evolve(SKYPE_CONNECT, calls=rule)
    return tariff, offer


def call_of(duration: timedelta) -> Call:
    """Return a call to the area of the offer's bundles."""
    return Call("c-1", "+1 212 555 0100", "US", date(2026, 1, 5), duration)


def rate_example(example: Example, *, counted_by_rate: bool, connection: str = "0") -> RatedCall:
    """Rate an example's call with the minutes that are left."""
    tariff, offer = tariff_and_offer_for(
        example, counted_by_rate=counted_by_rate, connection=connection
    )
    allowance = Allowance(seconds(example["minutes_left_s"]))
    return rate_call(call_of(seconds(example["seconds"])), allowance, tariff, offer=offer)


def charge_of(rated: RatedCall, currency: Currency) -> Money:
    """Return the charges of a rated call together."""
    charges = (charge.amount for charge in rated.charges)
    return sum(charges, start=Money(minor=0, currency=currency))


def longest_example(
    example: Example, credit: str, *, counted_by_rate: bool, connection: str = "0"
) -> timedelta:
    """Return the longest call that a credit and the example's minutes pay."""
    tariff, offer = tariff_and_offer_for(
        example, counted_by_rate=counted_by_rate, connection=connection
    )
    balance = Money.of(credit, tariff.currency)
    allowance = Allowance(seconds(example["minutes_left_s"]))
    return longest_call(
        call_of(timedelta(0)), allowance, tariff, offer=offer, account=balance, profile=balance
    )


def example_id(example: Example) -> str:
    """Return a test id with an example's kind, source and inputs."""
    source = example["source"].rpartition("/")[2].replace(" ", "_")
    return f"{example['kind']}-{source}-{example.get('seconds', '')}-{example.get('step', '')}"


by_rate_or_offer = pytest.mark.parametrize("counted_by_rate", [False, True], ids=["offer", "rate"])


def test_each_example_is_reproduced_or_left_out():
    """The kinds are known, and each example beyond them is reproduced or has a reason."""
    subjects = sorted(example["what"] for example in examples_of(BEYOND))

    assert {"beyond", "charge", "counted", "longest"} == {example["kind"] for example in EXAMPLES}
    assert sorted([*REPRODUCED_BEYOND, *LEFT_OUT]) == subjects
    assert 62 == len(EXAMPLES)


@pytest.mark.parametrize("example", examples_of("counted"), ids=example_id)
def test_published_lengths_are_reproduced(example: Example):
    """A call counts as published."""
    counted = billable(seconds(example["seconds"]), counting_rule(example))

    assert seconds(example["counted"]) == counted


@by_rate_or_offer
@pytest.mark.parametrize("example", examples_of("charge"), ids=example_id)
def test_published_charges_are_reproduced(example: Example, counted_by_rate: bool):
    """A call takes the published minutes and costs the published amount."""
    rated = rate_example(example, counted_by_rate=counted_by_rate)
    currency = currency_of(example)

    assert seconds(example["included_s"]) == rated.included
    assert Money.of(example["charge"], currency) == charge_of(rated, currency)


@by_rate_or_offer
@pytest.mark.parametrize("example", examples_of("longest"), ids=example_id)
def test_published_longest_calls_are_reproduced(example: Example, counted_by_rate: bool):
    """Minutes and credit pay the published length."""
    longest = longest_example(example, example["credit"], counted_by_rate=counted_by_rate)

    assert seconds(example["longest_s"]) == longest


@by_rate_or_offer
def test_charge_with_the_connection_fee_in_its_note(counted_by_rate: bool):
    """CGRateS's example notes 0.15 for the connection beside 0.15 for the minutes, 0.30 in all."""
    example = example_from("TestDebitRoundingRefund")
    rated = rate_example(example, counted_by_rate=counted_by_rate, connection="0.15")

    assert "and 0.15 for the connection, 0.30 in all" == example["note"]
    assert Money.of("0.30", currency_of(example)) == charge_of(rated, currency_of(example))


@by_rate_or_offer
def test_longest_call_with_the_connection_fee_in_its_note(counted_by_rate: bool):
    """CGRateS's credit of 10,000 pays 1 for the connection and 9,999 seconds at 1 each."""
    example = example_from("TestMaxSesionTimeLongerThanMoney")
    longest = longest_example(example, "10000", counted_by_rate=counted_by_rate, connection="1")

    assert "10,000 less 1 for the connection" == example["note"]
    assert seconds(example["longest_s"]) == longest


@pytest.mark.parametrize(
    ("minutes", "charge"),
    # 0.40 + 30 x 0.0066 = 0.598, 31: 0.6046, 45: 0.697, 46: 0.7036, 100: 1.06
    [(1, "0.6"), (30, "0.6"), (31, "0.7"), (45, "0.7"), (46, "0.8"), (100, "1.1")],
)
def test_connection_fee_least_charge_and_steps_of_the_charge(minutes: int, charge: str):
    """A currency with one decimal charges in steps of 0.10. The source has no worked example."""
    (subject,) = REPRODUCED_BEYOND
    (example,) = (entry for entry in examples_of(BEYOND) if entry["what"] == subject)
    step = seconds(example["step"])
    rate = Rate(
        example["per_minute"],
        connection=example["fee"],
        minimum_charge=example["least"],
        counting=CallRule(step, step, Rounding.UP),
    )
    tenths = Currency(TEST_CURRENCY, 1)
    tariff = Tariff("peer", tenths, 0, rates={"US": rate})
    call = call_of(timedelta(minutes=minutes))
    rated = rate_call(call, Allowance(timedelta(0)), tariff, offer=SKYPE_CONNECT)

    assert "0.10" == example["charge_step"]
    assert Money.of(charge, tenths) == charge_of(rated, tenths)


@pytest.mark.parametrize("subject", LEFT_OUT)
def test_the_page_lists_each_example_that_is_left_out(subject: str):
    """The page on other billing systems gives the reason for each example that is left out."""
    system, reason = LEFT_OUT[subject]
    row = f"   * - ``{BEYOND}``, {subject}\n     - {system}\n     - {reason}\n"

    assert row in PEERS_PAGE.read_text(encoding="utf-8")


def test_the_page_counts_the_examples_of_calls():
    """The page on other billing systems says how many examples are reproduced, and of how many."""
    sentence = f"Of {len(EXAMPLES)} examples of rated calls, {REPRODUCED_COUNT} are reproduced."

    assert sentence in PEERS_PAGE.read_text(encoding="utf-8")
