"""The Python of the page "Try it" reads a form and answers with values of the library."""

import json
from xml.etree import ElementTree as ET

import pytest

from channelplans.errors import InvalidValue, NotOffered
from try_it import answer, answer_as_json
from try_it_form import FormError
from try_it_picture import format_part

pytestmark = pytest.mark.slow

SVG = "{http://www.w3.org/2000/svg}"

PRICES = """offer,name,currency,channel,bundle,minute,setup
skype-connect,light,EUR,6.95,10,0.021,
sipstation,heavy,EUR,24.99,,0.01,20
telnyx,flat,EUR,100,,,
"""

# Two calls of half an hour in the same hour are one erlang.
CALLS = """start,seconds,id
2026-01-05 10:00:00,1800,a
2026-01-05T10:05:00+00:00,1800,b
2026-01-05 10:40:00,-1,c
"""


def fill_in(**fields: str) -> dict[str, str]:
    """Return a form with these fields, and else only prices."""
    empty = {"employees": "", "minutes": "", "destination": "US", "calls": "", "prices": PRICES}
    return empty | fields


def test_answer_shows_the_cheapest_plan_with_its_price_and_reasons():
    """8 channels at 6.95, two bundles at 10 and 300 minutes at 0.021 are 81.90 EUR."""
    result = answer(fill_in(employees="30", minutes="10300"))

    assert "8 channels with 2 bundles of Skype Connect (help page)" == result.plan
    assert "81.90 EUR for 30 days, 996.45 EUR for a year" == result.price
    assert any("+ overage 6.30 (300 minutes)" in reason for reason in result.reasons)


def test_answer_shows_the_setup_fee():
    """A set-up fee is charged once, beside the price: 8 channels at 24.99 are 199.92 EUR."""
    prices = "".join(line for line in PRICES.splitlines(keepends=True) if "skype" not in line)
    result = answer(fill_in(employees="30", prices=prices.replace("100", "25")))

    assert "199.92 EUR for 30 days, 2432.36 EUR for a year, and 20.00 EUR once" == result.price


def test_answer_lists_products_that_are_not_possible_last():
    """A product without a price for the minutes is in the table, with the reason."""
    (products,) = answer(fill_in(employees="30", minutes="100")).sheets
    name, reason, *prices = products.rows[-1]

    assert "Telnyx (channel billing), flat" == name
    assert reason.startswith("not possible: tariff 'flat' has no rate for calls to 'US'")
    assert ["", ""] == prices


def test_answer_sizes_from_the_calls_if_there_are_calls():
    """One erlang needs 4 channels, to refuse at most 2 %; 30 employees would need 8."""
    result = answer(fill_in(calls=CALLS, employees="30"))
    refused_rows = result.sheets[1].rows

    assert result.plan.startswith("4 channels of Skype Connect")
    assert "4 channels would have refused 0 of the 2 calls of the log (0 %)." in result.reasons
    assert any("30 employees advises 8 channels" in reason for reason in result.reasons)
    assert (("3", "duration must be 0 s or longer, not -0:00:01"),) == refused_rows


def test_answer_reads_the_end_of_a_call_instead_of_its_length():
    """The end of a call, with any offset, gives the same traffic as its length."""
    ends = (
        "start,end\n"
        "2026-01-05 10:00:00,2026-01-05 10:30:00\n"
        "2026-01-05 10:05:00,2026-01-05 11:35:00+01:00\n"
    )

    assert answer(fill_in(calls=CALLS)).plan == answer(fill_in(calls=ends)).plan
    assert answer(fill_in(calls=CALLS)).picture == answer(fill_in(calls=ends)).picture


def test_answer_counts_only_weekdays_with_calls():
    """One erlang on a Monday and half an erlang on the next are 0.75 in the busy hour."""
    calls = f"{CALLS}2026-01-12 10:00:00,1800,d\n"
    need, *_ = answer(fill_in(calls=calls)).reasons

    assert need.startswith("Needed: 4 channels for 0.75 erlangs")


def test_picture_marks_the_needed_channels_among_others():
    """The picture has 11 numbers of channels in each row, and the needed 8 are dark."""
    picture = ET.fromstring(answer(fill_in(employees="30")).picture)
    texts = [text.text for text in picture.iter(f"{SVG}text")]
    dark = [bar for bar in picture.iter(f"{SVG}rect") if bar.get("class") == "dot"]

    assert [str(channels) for channels in range(3, 14)] == texts[1:12]
    assert "price of 30 days: 55.60 EUR for 8 channels" == texts[0]
    assert "calls refused: 0.81 % with 8 channels" in texts
    assert 2 == len(dark)


def test_picture_of_a_price_of_zero_has_bars_without_height():
    """Channels that cost nothing are drawn, too."""
    prices = "offer,currency,channel\nsipgate-packs,EUR,0\n"
    result = answer(fill_in(employees="30", prices=prices))

    assert result.price.startswith("0.00 EUR")
    assert 'height="0"' in result.picture


def test_picture_leaves_out_numbers_that_the_product_does_not_sell():
    """A need near the library's limit has no bar above 5,000 channels."""
    prices = "offer,currency,channel\nsipgate-packs,EUR,5\n"
    picture = ET.fromstring(answer(fill_in(employees="49000", prices=prices)).picture)
    numbers = [
        text.text or "" for text in picture.iter(f"{SVG}text") if "middle" in str(text.attrib)
    ]

    assert 5000 >= max(int(number) for number in numbers if number.isdecimal())


@pytest.mark.parametrize(
    ("part", "text"),
    [(0, "0 %"), (0.00005, "below 0.01 %"), (0.0081, "0.81 %"), (0.25, "25 %"), (1, "100 %")],
)
def test_format_part_has_two_digits(part: float, text: str):
    """A part is shown as percent."""
    assert text == format_part(part)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({}, "Enter the number of employees, or paste a call log."),
        ({"employees": "9.5"}, "employees must be a whole number, such as 30, not '9.5'"),
        ({"employees": "٣"}, "employees must be a whole number, such as 30, not '٣'"),
        ({"employees": "0"}, "employees must be at least 1 and at most 10,000,000, not 0"),
        ({"employees": "30", "prices": " "}, "the price list is empty; its first line must name"),
        (
            {"employees": "30", "prices": "offer,channel\n"},
            "the first line of the price list must name the columns offer, currency, channel",
        ),
        (
            {"employees": "30", "prices": PRICES.replace("setup", "fee")},
            "setup, not 'offer,name,currency,channel,bundle,minute,fee'",
        ),
        (
            {"employees": "30", "prices": PRICES.replace("6.95", "6,95")},
            "line 2 of the price list has 8 cells, but there are 7 columns; write 6.95, not 6,95",
        ),
        (
            {"employees": "30", "prices": PRICES.replace("24.99", "-1")},
            "line 3 of the price list: channel must be a price of zero or more, not -1",
        ),
        (
            {"employees": "30", "prices": PRICES.replace("telnyx", "<b>nobody</b>")},
            "magnus-billing, not '<b>nobody</b>'",
        ),
        (
            {"employees": "30", "prices": PRICES.replace("EUR", "€")},
            "line 2 of the price list: currency must be one of EUR, GBP, JPY, PLN, USD, not '€'",
        ),
        ({"employees": "30", "prices": 'offer,"'}, "the price list is not CSV at line 1"),
        (
            {"calls": "calldate,duration\n2026-01-05 10:00:00,60\n"},
            "the call log must name the columns start, and seconds or end, not 'calldate,duration'",
        ),
        ({"calls": "start,seconds\n"}, "the call log has no call; it has no row below"),
        (
            {"calls": "start,seconds\nsoon,5\n"},
            "the call log has no call; row 1: start must be a time in ISO format",
        ),
        (
            {"employees": "30", "prices": PRICES.replace("EUR", "USD", 1)},
            "amounts must be in one currency",
        ),
    ],
)
def test_answer_as_json_explains_what_is_wrong(fields: dict[str, str], message: str):
    """An error is one sentence that says what would work."""
    result = json.loads(answer_as_json(json.dumps(fill_in(**fields))))

    assert ["error"] == list(result)
    assert message in result["error"]


def test_answer_as_json_explains_that_no_product_is_possible():
    """The error names the product and what is missing."""
    prices = "offer,currency,channel\nskype-connect,EUR,6.95\n"
    fields = fill_in(employees="30", minutes="100", prices=prices)
    with pytest.raises(NotOffered) as error:
        answer(fields)

    assert {"error": str(error.value)} == json.loads(answer_as_json(json.dumps(fields)))


def test_error_of_a_price_list_keeps_the_error_of_the_library():
    """The error with the line was caused by the library's own error."""
    with pytest.raises(FormError) as error:
        answer(fill_in(employees="30", prices=PRICES.replace("6.95", "6.955")))

    assert isinstance(error.value.__cause__, InvalidValue)


def test_answer_as_json_has_every_field_of_the_answer():
    """The JSON text holds the plan, the price, the reasons, the tables and the picture."""
    form = fill_in(employees="30")
    result = answer(form)
    decoded = json.loads(answer_as_json(json.dumps(form)))

    assert result.picture == decoded["picture"]
    assert [*result.reasons] == decoded["reasons"]
    assert [*map(list, result.sheets[0].rows)] == decoded["sheets"][0]["rows"]
