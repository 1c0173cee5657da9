"""Telephone numbers from bug reports of other libraries, as dialled at home and from abroad.

The national part of each number begins with its own calling code or with digits of an excluded
prefix. A prefix is excluded for both forms of a number, or for neither.
"""

from datetime import date, timedelta
from typing import Any, Final

import pytest
from tests.peers.arithmetic import load_examples

from channelplans import BundleRule, Call, covered

Example = dict[str, Any]

EXAMPLES: Final = load_examples("numbers")


def is_covered(example: Example, number: str) -> bool:
    """Return whether a bundle with the example's excluded prefixes covers a number."""
    rule = BundleRule(
        "pack",
        100,
        (example["country"],),
        excluded_prefixes=tuple(example["excluded"]),
        calling_code=example["calling_code"],
    )
    call = Call("c-1", number, example["country"], date(2026, 1, 5), timedelta(minutes=1))
    return covered(call, rule)


def test_all_examples_are_present():
    """The file has six numbers, each with its source."""

    assert ["NO", "IT", "IN", "PL", "BR", "DK"] == [example["country"] for example in EXAMPLES]
    assert all(example["source"] for example in EXAMPLES)


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example["country"])
def test_prefix_is_excluded_however_the_number_was_dialled(example: Example):
    """The national form and both international forms of a number are treated alike."""
    international = example["international"]
    numbers = [example["national"], international, international.replace("+", "00")]

    assert [example["covered"]] * 3 == [is_covered(example, number) for number in numbers]
