"""Printed Erlang B tables, held to the public functions.

The values are other people's, printed to so many decimals, each with its source; beside each stands
the true value at 20 digits, and whether the print is that value rounded or cut. A misprint is a
value in print that is neither. A kind of value that is not known here fails.
"""

import json
import math
from collections import Counter
from decimal import ROUND_DOWN, ROUND_HALF_UP, Context, Decimal
from pathlib import Path

import pytest

from channelplans.sizing import channels_for, erlang_b, log_erlang_b

PUBLISHED = json.loads((Path(__file__).parent / "data" / "erlang.json").read_text(encoding="utf-8"))
ROUNDINGS = {"rounded": ROUND_HALF_UP, "truncated": ROUND_DOWN}


def load_that(channels, blocking):
    """Find the load that so many channels carry at a blocking, to the last digits of a float."""
    low, high = 0.0, channels / (1 - blocking)
    for _ in range(200):
        middle = (low + high) / 2
        if erlang_b(middle, channels) <= blocking:
            low = middle
        else:
            high = middle
    return low


def printed(value, entry):
    """Print a value as the source does."""
    last = Decimal(1).scaleb(-entry["decimals"])
    return f"{Decimal(value).quantize(last, ROUNDINGS[entry['agrees'] or 'rounded']):f}"


def max_offered_load(entry):
    """Tell the load that the channels carry: printed, and exactly."""
    load = load_that(entry["channels"], float(entry["blocking"]))
    return printed(load, entry), entry["erlangs"], load


def blocking(entry):
    """Tell the part of calls that is refused: printed, and exactly."""
    part = erlang_b(float(entry["erlangs"]), entry["channels"])
    return printed(part, entry), entry["blocking"], part


def log_blocking(entry):
    """Tell the logarithm of that part: to as many digits as printed, and exactly."""
    logarithm = log_erlang_b(float(entry["erlangs"]), entry["channels"])
    digits = len(Decimal(entry["ln_blocking"]).as_tuple().digits)
    shown = Context(prec=digits).create_decimal_from_float(logarithm)
    return f"{shown:f}", entry["ln_blocking"], logarithm


def channels_needed(entry):
    """Tell the least number of channels."""
    needed = channels_for(float(entry["erlangs"]), blocking=float(entry["blocking"]))
    return needed, entry["channels"], needed


KINDS = {
    "blocking": blocking,
    "channels_needed": channels_needed,
    "log_blocking": log_blocking,
    "max_offered_load": max_offered_load,
}


def test_every_kind_is_known():
    """There is a way to reproduce each kind of value, and none is left out."""
    entries = PUBLISHED["vectors"] + PUBLISHED["misprints"]

    assert KINDS.keys() == {entry["kind"] for entry in entries}
    assert {"rounded", "truncated", "exact", "11 digits"} == {
        entry["agrees"] for entry in PUBLISHED["vectors"]
    }


def test_all_are_here():
    """375 values and 11 misprints, each with its source."""
    entries = PUBLISHED["vectors"] + PUBLISHED["misprints"]

    assert (375, 11) == (len(PUBLISHED["vectors"]), len(PUBLISHED["misprints"]))
    assert {"max_offered_load": 364, "blocking": 7, "channels_needed": 2, "log_blocking": 2} == (
        Counter(entry["kind"] for entry in PUBLISHED["vectors"])
    )
    assert all(entry["source"] for entry in entries)


@pytest.mark.parametrize("number", range(len(PUBLISHED["vectors"])))
def test_the_printed_value(number):
    """What is printed is what the functions give, rounded or cut as the source does."""
    entry = PUBLISHED["vectors"][number]
    actual, expected, _ = KINDS[entry["kind"]](entry)

    assert expected == actual


@pytest.mark.parametrize("number", range(len(PUBLISHED["vectors"])))
def test_the_true_value(number):
    """The functions agree with the true value to a relative 1e-12."""
    entry = PUBLISHED["vectors"][number]
    _, _, value = KINDS[entry["kind"]](entry)

    assert float(entry["true"]) == pytest.approx(value, rel=1e-12)


@pytest.mark.parametrize("number", range(len(PUBLISHED["vectors"])))
def test_both_sides_of_a_printed_load(number):
    """The channels carry the load just below the true one at that blocking, and not just above."""
    entry = PUBLISHED["vectors"][number]
    if entry["kind"] == "max_offered_load":
        true, part = float(entry["true"]), float(entry["blocking"])
        below, above = true * (1 - 1e-11), true * (1 + 1e-11)

        assert erlang_b(below, entry["channels"]) < part < erlang_b(above, entry["channels"])
        assert entry["channels"] == channels_for(below, blocking=part)
        assert entry["channels"] + 1 == channels_for(above, blocking=part)


@pytest.mark.parametrize("number", range(len(PUBLISHED["misprints"])))
def test_misprints_are_caught(number):
    """A value that is printed wrong is not reproduced, neither rounded nor cut; the true one is."""
    entry = PUBLISHED["misprints"][number]
    actual, expected, value = KINDS[entry["kind"]](entry)
    cut, _, _ = KINDS[entry["kind"]](entry | {"agrees": "truncated"})

    assert expected not in {actual, cut}
    assert float(entry["true"]) == pytest.approx(value, rel=1e-12)
    assert not math.isclose(float(expected), value, rel_tol=1e-10)
