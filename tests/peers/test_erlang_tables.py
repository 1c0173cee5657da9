"""Printed Erlang B tables, compared with this library's public functions.

Each entry has the value as its source prints it, the source, and the true value to 20 digits. The
printed value is the true value, rounded or truncated. A value that is neither is a misprint.
"""

import json
import math
from collections import Counter
from decimal import ROUND_DOWN, ROUND_HALF_UP, Context, Decimal
from pathlib import Path

import pytest

from channelplans.erlang import channels_for, erlang_b, log_erlang_b

PUBLISHED = json.loads((Path(__file__).parent / "data" / "erlang.json").read_text(encoding="utf-8"))
ENTRIES = PUBLISHED["vectors"]
LOADS = [entry for entry in ENTRIES if entry["kind"] == "max_offered_load"]
MISPRINTS = PUBLISHED["misprints"]
ROUNDINGS = {"rounded": ROUND_HALF_UP, "truncated": ROUND_DOWN}


def entry_id(entry):
    """Return a test id with an entry's kind, load and number of channels."""
    return f"{entry['kind']}-{entry['erlangs']}-erlangs-{entry['channels']}-channels"


def find_largest_load(channels, blocking):
    """Return the largest load for which the blocking is not higher, as exactly as a float can."""
    low, high = 0.0, channels / (1 - blocking)
    for _ in range(200):
        middle = (low + high) / 2
        if erlang_b(middle, channels) <= blocking:
            low = middle
        else:
            high = middle
    return low


def format_like_source(value, entry):
    """Return a value with the decimals and the rounding of the entry's source."""
    last_place = Decimal(1).scaleb(-entry["decimals"])
    rounding = ROUNDINGS[entry["agrees"] or "rounded"]
    return f"{Decimal(value).quantize(last_place, rounding):f}"


# Each of these functions returns the printed value, the library's value in the same form, and the
# library's exact value.


def max_offered_load(entry):
    """Compute the load that the channels carry at a blocking."""
    load = find_largest_load(entry["channels"], float(entry["blocking"]))
    return entry["erlangs"], format_like_source(load, entry), load


def blocking(entry):
    """Compute the share of calls that are refused."""
    share = erlang_b(float(entry["erlangs"]), entry["channels"])
    return entry["blocking"], format_like_source(share, entry), share


def log_blocking(entry):
    """Compute the natural logarithm of the share of calls that are refused."""
    logarithm = log_erlang_b(float(entry["erlangs"]), entry["channels"])
    digits = len(Decimal(entry["ln_blocking"]).as_tuple().digits)
    rounded = Context(prec=digits).create_decimal_from_float(logarithm)
    return entry["ln_blocking"], f"{rounded:f}", logarithm


def channels_needed(entry):
    """Compute the smallest number of channels for a load and a blocking."""
    channels = channels_for(float(entry["erlangs"]), blocking=float(entry["blocking"]))
    return entry["channels"], channels, channels


KINDS = {
    "blocking": blocking,
    "channels_needed": channels_needed,
    "log_blocking": log_blocking,
    "max_offered_load": max_offered_load,
}


def test_every_kind_of_entry_is_known():
    """KINDS reproduces every kind of entry, and every rounding is one of four."""
    assert KINDS.keys() == {entry["kind"] for entry in ENTRIES + MISPRINTS}
    assert {"rounded", "truncated", "exact", "11 digits"} == {entry["agrees"] for entry in ENTRIES}


def test_all_entries_are_present():
    """The file has 375 values and 11 misprints, each with its source."""
    values_by_kind = Counter(entry["kind"] for entry in ENTRIES)

    assert (375, 11) == (len(ENTRIES), len(MISPRINTS))
    assert {
        "max_offered_load": 364,
        "blocking": 7,
        "channels_needed": 2,
        "log_blocking": 2,
    } == values_by_kind
    assert all(entry["source"] for entry in ENTRIES + MISPRINTS)


@pytest.mark.parametrize("entry", ENTRIES, ids=entry_id)
def test_printed_values_are_reproduced(entry):
    """The functions give each printed value, rounded or truncated as its source does."""
    expected, actual, _ = KINDS[entry["kind"]](entry)

    assert expected == actual


@pytest.mark.parametrize("entry", ENTRIES, ids=entry_id)
def test_exact_values_equal_the_true_values(entry):
    """The functions agree with each true value to a relative 1e-12."""
    _, _, exact = KINDS[entry["kind"]](entry)

    assert float(entry["true"]) == pytest.approx(exact, rel=1e-12)


@pytest.mark.parametrize("entry", LOADS, ids=entry_id)
def test_the_true_load_is_the_largest_that_the_channels_carry(entry):
    """The channels carry slightly less than the true load, and not slightly more."""
    true_load, allowed_blocking = float(entry["true"]), float(entry["blocking"])
    below, above = true_load * (1 - 1e-11), true_load * (1 + 1e-11)

    assert erlang_b(below, entry["channels"]) < allowed_blocking
    assert allowed_blocking < erlang_b(above, entry["channels"])
    assert entry["channels"] == channels_for(below, blocking=allowed_blocking)
    assert entry["channels"] + 1 == channels_for(above, blocking=allowed_blocking)


@pytest.mark.parametrize("entry", MISPRINTS, ids=entry_id)
def test_misprints_are_not_reproduced(entry):
    """The functions give the true value, not the misprint, neither rounded nor truncated."""
    misprint, rounded, exact = KINDS[entry["kind"]](entry)
    _, truncated, _ = KINDS[entry["kind"]](entry | {"agrees": "truncated"})

    assert misprint not in {rounded, truncated}
    assert float(entry["true"]) == pytest.approx(exact, rel=1e-12)
    assert not math.isclose(float(misprint), exact, rel_tol=1e-10)
