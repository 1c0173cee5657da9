"""What a product costs for a need, the reasons, and how comparisons show themselves."""

import pickle
import re
from decimal import Decimal

import attrs
import pytest
from tests.explore.products import SKYPE, TARIFF, compare_one

from channelplans.errors import InvalidValue, NotOffered, UnknownRate
from channelplans.explore import (
    Combination,
    Need,
    Option,
    PlanComparison,
    Product,
    compare_plans,
)
from channelplans.money import EUR
from channelplans.offers import OFFERS, SKYPE_CONNECT
from channelplans.tariffs import Tariff


def test_calls_of_an_offer_without_bundles_are_calls():
    """No bundle exists that they could be outside of: 2 x 24.99 + 1,000 x 0.02."""
    tariff = Tariff("made up", EUR, "24.99", rates={"DE": "0.02"})
    product = Product(OFFERS["sipstation"], tariff)
    option = compare_one(Need(channels=2, minutes={"DE": 1000}), product)

    assert "channels 49.98 + calls 20.00 EUR in a term of 30 days" == option.reasons[0]


@pytest.mark.slow
def test_what_costs_nothing_is_free():
    """There are no parts to add up."""
    product = Product(SKYPE_CONNECT, attrs.evolve(TARIFF, channel=0))

    assert "no cost in a term of 30 days" == compare_one(Need(channels=2), product).reasons[0]


def test_reasons_of_the_cheapest_end_with_the_difference_to_the_second_cheapest():
    """4 x 6.95 is 4.20 less than 4 x 8; the third product does not matter."""
    dearer, dearest = (
        Product(SKYPE_CONNECT, attrs.evolve(TARIFF, name=f"at {price}", channel=price))
        for price in (8, 9)
    )
    comparison = compare_plans(Need(channels=4), [dearest, dearer, SKYPE])

    assert "4.20 EUR" == str(comparison.difference)
    sentence = "4.20 EUR less in 30 days than 'Skype Connect (help page)', tariff 'at 8'\n"
    assert f"for 30 days; {sentence}" in str(comparison)
    assert 1 == str(comparison).count("less in 30 days")


def test_reasons_say_if_the_second_cheapest_costs_the_same():
    """A tie is not shown as a difference of 0.00."""
    comparison = compare_plans(Need(channels=4), [SKYPE, SKYPE])

    assert "0.00 EUR" == str(comparison.difference)
    assert 1 == str(comparison).count("; the same price in 30 days as")


def test_impossible_product_is_no_second_cheapest():
    """Telnyx has no rate for the calls."""
    telnyx = Product(OFFERS["telnyx"], Tariff("made up", EUR, "5"))
    comparison = compare_plans(Need(channels=4, minutes={"US": 100}), [SKYPE, telnyx])

    assert comparison.difference is None
    assert "in 30 days than" not in str(comparison)


def test_combination_refuses_plans_that_do_not_fit():
    """Plans are of the product's offer, there is at least one, and all has a price."""
    need = Need(channels=1, minutes={"US": 6000})
    silent = Product(SKYPE_CONNECT, attrs.evolve(TARIFF, minute=None, bundle=None))

    with pytest.raises(InvalidValue, match="at least one plan"):
        Combination(need, SKYPE, ())
    with pytest.raises(InvalidValue, match="plans must be of"):
        Combination(need, SKYPE, (OFFERS["telnyx"].plan(channels=1),))
    with pytest.raises(UnknownRate, match="no rate for calls to 'US'"):
        Combination(need, silent, (SKYPE_CONNECT.plan(channels=1),))
    with pytest.raises(NotOffered, match="price for bundles"):
        Combination(need, silent, (SKYPE_CONNECT.plan(channels=2, bundles=2),))


def test_names_appear_as_text():
    """A name with markup is escaped in HTML and quoted in sentences; rows have it as it is."""
    name = "<script>alert(1)</script>"
    offer = attrs.evolve(OFFERS["telnyx"], name=name)
    product = Product(offer, attrs.evolve(TARIFF, name=name))
    need = Need(channels=2, minutes={"<b>": 1})
    for minutes in ({}, {"<b>": 1}):
        comparison = compare_plans(attrs.evolve(need, minutes=minutes), [product])
        for value in (comparison, comparison.options[0], product):
            assert "<script" not in value._repr_html_()
            assert "<b>" not in value._repr_html_()
            assert "&lt;script&gt;" in value._repr_html_()
        assert name == comparison.to_records()[0]["offer"]


def test_values_can_be_compared_hashed_and_pickled():
    """The same comparison twice is equal."""
    need = Need(channels=12, minutes={"US": 7000})
    comparison = compare_plans(need, [SKYPE])

    assert comparison == compare_plans(need, [SKYPE]) == pickle.loads(pickle.dumps(comparison))
    assert hash(comparison) == hash(compare_plans(need, [SKYPE]))


def test_rows_have_plain_columns():
    """A row of an option has amounts as Decimal, and the step."""
    (row,) = compare_plans(Need(channels=2, minutes={"US": 5000}), [SKYPE]).to_records()

    assert (2, 1, 1) == (row["channels"], row["bundles"], row["profiles"])
    assert (Decimal("23.90"), 2390) == (row["per_30_days"], row["per_30_days_minor"])
    # 5,000 x 0.021 - 10
    assert Decimal("95.00") == row["saved_by_bundles"]
    assert (3, Decimal("30.85")) == (row["step_from"], row["step_per_30_days"])
    (single,) = compare_one(Need(channels=2)).best.to_records()
    assert single.keys() < row.keys()


def test_comparison_prints_a_table_and_a_sentence_for_each_product():
    """The text has the amounts, the reasons, and what is not included."""
    need = Need(channels=4, minutes={"US": 10_300, "DE": 100})
    text = str(compare_plans(need, [SKYPE]))

    assert "30 days    year  set-up  overage  calls outside bundles\n" in text
    # 4 x 6.95 + 2 x 10 + 6.30 + 2.00
    assert (
        "4 channels with 2 bundles    56.10  682.55    0.00     6.30                   2.00\n"
        in text
    )
    assert "bundles save 190.00 EUR in a term of 30 days" in text
    parts = (
        "channels 27.80 + bundles 20.00 + overage 6.30 (300 minutes) + calls outside bundles 2.00"
    )
    assert f"{parts} EUR in a term of 30 days" in text
    assert "connection fees, minimum charges and the rounding of each call" in text


def test_comparison_folds_the_reasons_of_all_but_the_cheapest():
    """A notebook shows the table and one sentence; the text has the reasons of each product."""
    dearer = Product(SKYPE_CONNECT, attrs.evolve(SKYPE.tariff, name="dearer", channel="8"))
    comparison = compare_plans(Need(channels=4), [dearer, SKYPE, dearer])
    visible, folded, end = re.split("<details>|</details>", comparison._repr_html_())

    assert "from 5 channels on: 34.75 EUR for 30 days" in visible
    assert "40.00" not in visible
    assert folded.startswith("<summary>Reasons of 2 other products</summary>")
    step = "5 channels on: 40.00"
    assert 2 == folded.count(step) == str(comparison).count(step)
    assert "A month is 30 days" in end
    assert "<details>" not in compare_plans(Need(channels=4), [SKYPE])._repr_html_()


def test_comparison_without_a_possible_product_shows_the_reasons():
    """The reasons are the answer then."""
    html = compare_plans(Need(channels=4, minutes={"FR": 1}), [SKYPE, SKYPE])._repr_html_()

    assert 2 == html.count("not possible, because")
    assert "<details>" not in html


def test_an_empty_comparison_has_no_cheapest_option():
    """Such a value can be made by hand only."""
    with pytest.raises(NotOffered, match="compare a product"):
        _ = PlanComparison(Need(channels=1), ()).cheapest
    assert PlanComparison(Need(channels=1), ()).difference is None
    assert Option(Need(channels=1), SKYPE, None, problem="none").best is None
