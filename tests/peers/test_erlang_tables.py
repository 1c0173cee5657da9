"""Printed tables and examples of telephone traffic, compared with this library's public functions.

Each entry has the value as its source prints it, and the source. The printed value is the true
value, rounded or truncated. A value that is neither is a misprint. The entries of tables also have
the true value to 20 digits. The documentation's page on other billing systems counts the entries.
"""

import json
import math
from collections import Counter
from decimal import ROUND_DOWN, ROUND_HALF_UP, Context, Decimal
from fractions import Fraction

import pytest
from tests.peers.arithmetic import DATA, PEERS_PAGE

from channelplans.erlang import (
    channels_for,
    engset_by_total_load,
    erlang_b,
    load_for,
    log_erlang_b,
)


def load_data(name):
    """Return the content of a file in `data`."""
    return json.loads((DATA / f"{name}.json").read_text(encoding="utf-8"))


TABLES, EXAMPLES, ITU_TABLE = map(load_data, ("erlang", "traffic", "erlang_itu"))
ENTRIES = TABLES["vectors"]
LOADS = [entry for entry in ENTRIES if entry["kind"] == "max_offered_load"]
MISPRINTS = TABLES["misprints"] + EXAMPLES["misprints"]
ITU_ROWS = {
    int(channels): dict(zip(ITU_TABLE["blockings"], loads, strict=True))
    for channels, loads in ITU_TABLE["erlangs"].items()
}
ITU_NOT_ROUNDED = ITU_TABLE["not_rounded"]
# The table's odd numbers of channels, ten for each test.
ITU_TWENTIES = [range(first, min(first + 20, 302), 2) for first in range(1, 302, 20)]
LOAD_NAMES = ("erlangs", "ccs", "offered_in_all", "offered_each")
ROUNDINGS = {"rounded": ROUND_HALF_UP, "truncated": ROUND_DOWN}


def entry_id(entry):
    """Return a text with an entry's kind, load, blocking and number of channels."""
    load = next(entry[name] for name in LOAD_NAMES if name in entry)
    return f"{entry['kind']}-{load}-{entry.get('blocking')}-{entry['channels']}-channels"


def group_entries(entries):
    """Return lists of entries of one kind and one number of channels, each with a name."""
    groups = {}
    for entry in entries:
        groups.setdefault(f"{entry['kind']}-{entry['channels']}-channels", []).append(entry)
    return [pytest.param(group, id=name) for name, group in groups.items()]


def format_like_source(value, entry):
    """Return a value with the decimals and the rounding of the entry's source."""
    last_place = Decimal(1).scaleb(-entry["decimals"])
    rounding = ROUNDINGS[entry["agrees"] or "rounded"]
    return f"{Decimal(value).quantize(last_place, rounding):f}"


# Each of these functions returns the printed value, the library's value in the same form, and the
# library's exact value.


def max_offered_load(entry):
    """Compute the load that the channels carry at a blocking."""
    load = load_for(entry["channels"], blocking=float(entry["blocking"]))
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
    erlangs = float(Fraction(entry["erlangs"]))
    channels = channels_for(erlangs, blocking=float(entry["blocking"]))
    return entry["channels"], channels, channels


def max_offered_ccs(entry):
    """Compute the load in hundreds of call seconds an hour (CCS); an erlang has 36."""
    load = 36 * load_for(entry["channels"], blocking=float(entry["blocking"]))
    return entry["ccs"], format_like_source(load, entry), load


def engset_of_total_load(entry):
    """Compute the share of refused calls from the load that all sources offer."""
    erlangs = float(entry["offered_in_all"])
    share = engset_by_total_load(erlangs, entry["sources"], entry["channels"])
    rounded = format_like_source(entry["blocking"], entry)
    return rounded, format_like_source(share, entry), share


def engset_channels_needed(entry):
    """Compute the smallest number of channels for the load that all sources offer."""
    erlangs, blocking = float(entry["offered_in_all"]), float(entry["blocking"])
    channels = channels_for(erlangs, blocking=blocking, sources=entry["sources"])
    return entry["channels"], channels, channels


def engset_max_load_each(entry):
    """Compute the load that each source can offer."""
    sources, blocking = entry["sources"], float(entry["blocking"])
    load = load_for(entry["channels"], blocking=blocking, sources=sources) / sources
    rounded = format_like_source(entry["offered_each"], entry)
    return rounded, format_like_source(load, entry), load


def extended_erlang_b_channels_needed(entry):
    """Compute the smallest number of channels if a part of the refused calls tries again."""
    erlangs, blocking = float(entry["erlangs"]), float(entry["blocking"])
    channels = channels_for(erlangs, blocking=blocking, retries=float(entry["retries"]))
    return entry["channels"], channels, channels


KINDS = {
    "blocking": blocking,
    "channels_needed": channels_needed,
    "engset_channels_needed": engset_channels_needed,
    "engset_max_load_each": engset_max_load_each,
    "engset_of_total_load": engset_of_total_load,
    "extended_erlang_b_channels_needed": extended_erlang_b_channels_needed,
    "log_blocking": log_blocking,
    "max_offered_ccs": max_offered_ccs,
    "max_offered_load": max_offered_load,
}


def test_every_kind_of_entry_is_known():
    """KINDS reproduces every kind of entry, and every rounding is one of four."""
    entries = ENTRIES + EXAMPLES["vectors"] + MISPRINTS

    assert KINDS.keys() == {entry["kind"] for entry in entries}
    assert {"rounded", "truncated", "exact", "11 digits"} == {entry["agrees"] for entry in ENTRIES}


def test_all_entries_of_tables_are_present():
    """The file of tables has 375 values and 11 misprints, each with its source."""
    values_by_kind = Counter(entry["kind"] for entry in ENTRIES)

    assert (375, 11) == (len(ENTRIES), len(TABLES["misprints"]))
    assert {
        "max_offered_load": 364,
        "blocking": 7,
        "channels_needed": 2,
        "log_blocking": 2,
    } == values_by_kind
    assert all(entry["source"] for entry in ENTRIES + TABLES["misprints"])


def test_all_examples_are_present():
    """The file of examples has 33 values and one misprint, each with its source."""
    entries = EXAMPLES["vectors"] + EXAMPLES["misprints"]

    assert (33, 1) == (len(EXAMPLES["vectors"]), len(EXAMPLES["misprints"]))
    assert all(entry["source"] for entry in entries)


@pytest.mark.parametrize("entries", group_entries(ENTRIES + EXAMPLES["vectors"]))
def test_printed_values_are_reproduced(entries):
    """The functions give each printed value, rounded or truncated as its source does."""
    for entry in entries:
        expected, actual, _ = KINDS[entry["kind"]](entry)

        assert expected == actual, entry_id(entry)


@pytest.mark.parametrize("entries", group_entries(ENTRIES))
def test_exact_values_equal_the_true_values(entries):
    """The functions agree with each true value to a relative 1e-12."""
    for entry in entries:
        _, _, exact = KINDS[entry["kind"]](entry)

        assert float(entry["true"]) == pytest.approx(exact, rel=1e-12), entry_id(entry)


@pytest.mark.parametrize("entries", group_entries(LOADS))
def test_the_true_load_is_the_largest_that_the_channels_carry(entries):
    """The channels carry slightly less than the true load, and not slightly more."""
    for entry in entries:
        channels = entry["channels"]
        true_load, allowed_blocking = float(entry["true"]), float(entry["blocking"])
        below, above = true_load * (1 - 1e-11), true_load * (1 + 1e-11)

        assert erlang_b(below, channels) < allowed_blocking < erlang_b(above, channels)
        assert channels == channels_for(below, blocking=allowed_blocking), entry_id(entry)
        assert channels + 1 == channels_for(above, blocking=allowed_blocking), entry_id(entry)


@pytest.mark.parametrize("entry", MISPRINTS, ids=entry_id)
def test_misprints_are_not_reproduced(entry):
    """The functions give the true value, not the misprint, neither rounded nor truncated."""
    misprint, rounded, exact = KINDS[entry["kind"]](entry)
    _, truncated, _ = KINDS[entry["kind"]](entry | {"agrees": "truncated"})

    assert misprint not in {rounded, truncated}
    assert float(entry["true"]) == pytest.approx(exact, rel=1e-12)
    assert not math.isclose(float(misprint), exact, rel_tol=1e-10)


def printed_interval(printed):
    """Return the bounds between which a load rounds to a printed load of the ITU's table.

    The table has five digits and at most five decimals. The copy omits zeros at the end.
    """
    load = Decimal(printed)
    decimals = min(5, 4 - load.adjusted())
    half_unit = Decimal(5).scaleb(-decimals - 1)
    return float(load - half_unit), float(load + half_unit)


def is_rounded(channels, blocking, printed):
    """Return whether a load of the ITU's table is the largest load of its channels, rounded."""
    low, high = printed_interval(printed)
    return low <= load_for(channels, blocking=float(blocking)) < high


def test_the_itu_table_is_complete():
    """The ITU's table has the odd numbers of channels to 301, each with 20 blockings."""
    assert list(range(1, 302, 2)) == list(ITU_ROWS)
    assert {20} == {len(row) for row in ITU_ROWS.values()}
    assert all(source.startswith("https://") for source in ITU_TABLE["sources"])


@pytest.mark.parametrize("rows", ITU_TWENTIES, ids=str)
def test_itu_rows_are_reproduced_except_for_misprints(rows):
    """Every load of a row is the true load, rounded, except for the loads listed as not rounded.

    A load that is listed without need is an error too.
    """
    expected = {
        (entry["channels"], entry["blocking"])
        for entry in ITU_NOT_ROUNDED
        if entry["channels"] in rows
    }
    actual = {
        (channels, blocking)
        for channels in rows
        for blocking, printed in ITU_ROWS[channels].items()
        if not is_rounded(channels, blocking, printed)
    }

    assert expected == actual


@pytest.mark.parametrize("rows", ITU_TWENTIES, ids=str)
def test_itu_loads_need_the_channels_of_their_row(rows):
    """Slightly less than a rounded load needs the row's channels, and slightly more needs more."""
    for channels in rows:
        intervals = [
            (blocking, *printed_interval(printed))
            for blocking, printed in ITU_ROWS[channels].items()
            if is_rounded(channels, blocking, printed)
        ]

        assert len(intervals) >= 15
        assert {(channels, channels + 1)} == {
            tuple(channels_for(load, blocking=float(blocking)) for load in (low, high))
            for blocking, low, high in intervals
        }


@pytest.mark.parametrize("blocking", {entry["blocking"]: None for entry in ITU_NOT_ROUNDED})
def test_itu_misprints_are_not_reproduced(blocking):
    """The functions give the true load, and a misprint is neither rounded nor truncated."""
    for entry in ITU_NOT_ROUNDED:
        if blocking == entry["blocking"]:
            low, high = printed_interval(ITU_ROWS[entry["channels"]][blocking])
            load = load_for(entry["channels"], blocking=float(blocking))
            is_truncated = (low + high) / 2 <= load < (low + high) / 2 + (high - low)

            assert float(entry["true"]) == pytest.approx(load, rel=1e-12)
            assert not low <= load < high
            assert ("truncated" == entry["agrees"]) == is_truncated


def test_the_page_counts_the_values():
    """The page on other billing systems says how many values and misprints there are."""
    tables = f"have {len(ENTRIES)} loads and other values, and {len(TABLES['misprints'])} misprints"
    itu_values = sum(map(len, ITU_ROWS.values()))
    itu_misprints = sum(entry["agrees"] is None for entry in ITU_NOT_ROUNDED)
    examples = len(EXAMPLES["vectors"] + EXAMPLES["misprints"])
    page = PEERS_PAGE.read_text(encoding="utf-8")

    assert tables in page
    assert f"Of the {itu_values:,} loads, {itu_misprints} are misprints." in page
    assert f"{len(EXAMPLES['vectors'])} of {examples} other examples are reproduced." in page
