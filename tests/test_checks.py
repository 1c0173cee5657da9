"""Checks refuse wrong types and name the parameter, the value and the expected type."""

import enum
import re
import tracemalloc
from datetime import UTC, date, datetime, timedelta

import numpy as np
import pytest

from channelplans._checks import (
    aware,
    bounded,
    civil_day,
    instance,
    several,
    shown,
    text,
    time_zone,
    whole,
)
from channelplans.errors import InvalidValue, WrongType

DAY = date(2026, 1, 5)


class Timestamp(datetime):
    """A subclass of datetime, as pandas has one."""


class Number(enum.IntEnum):
    """An enum of whole numbers."""

    SEVEN = 7


@pytest.mark.parametrize(
    "value",
    [7, np.int64(7), np.uint8(7), np.int8(7), np.uint64(7), np.array(7), Number.SEVEN],
    ids=lambda value: type(value).__name__,
)
def test_whole_returns_an_int(value):
    """Whole numbers of any type become int, so later arithmetic cannot overflow."""
    number = whole("channels", value)

    assert 7 == number
    assert int is type(number)


@pytest.mark.parametrize(
    "value",
    [True, False, np.True_, 7.0, np.float64(7), "7", b"7", None, 7j, [7], np.array([7, 8])],
    ids=repr,
)
def test_whole_refuses_other_types(value):
    """A bool, a float and text are refused, even if their value is a whole number."""
    with pytest.raises(WrongType) as caught:
        whole("channels", value)

    assert ("channels", shown(value)) == (caught.value.parameter, caught.value.value)
    assert "a whole number (int)" == caught.value.expected


@pytest.mark.parametrize("value", [1, 2, 3, np.int8(3)])
def test_bounded_includes_both_bounds(value):
    """The bounds themselves are allowed."""
    number = bounded("exponent", value, 1, 3)

    assert (value, int) == (number, type(number))


@pytest.mark.parametrize(
    ("value", "upper_bound", "expected"),
    [
        (0, 3, "n must be at least 1 and at most 3, not 0"),
        (4, 3, "n must be at least 1 and at most 3, not 4"),
        (-5, None, "n must be at least 1, not -5"),
        (-5, 2_000_000, "n must be at least 1 and at most 2,000,000, not -5"),
    ],
)
def test_bounded_names_the_bounds_in_its_error(value, upper_bound, expected):
    """A number outside the bounds is refused, and the error names each bound."""
    with pytest.raises(InvalidValue) as caught:
        bounded("n", value, 1, upper_bound)

    assert expected == str(caught.value)


def test_bounded_has_no_upper_bound_by_default():
    """Without an upper bound, a number of 18 digits is allowed."""
    number = bounded("n", 10**18 - 1, 1)

    assert 10**18 - 1 == number


@pytest.mark.parametrize("value", [10**18, -(10**18), np.uint64(2**64 - 1)], ids=str)
def test_whole_refuses_more_than_18_digits(value):
    """A number that not every database can hold is refused."""
    with pytest.raises(InvalidValue, match=r"^n must be a whole number of at most 18 digits, not "):
        whole("n", value)


@pytest.mark.parametrize("value", [True, 2.0, "2"])
def test_bounded_refuses_other_types(value):
    """A value of a wrong type is refused, even if it is within the bounds."""
    with pytest.raises(WrongType):
        bounded("n", value, 1, 3)


@pytest.mark.parametrize("value", [10**5000, -(10**5000)], ids=["huge", "huge and negative"])
def test_bounded_refuses_a_number_too_long_to_print(value):
    """A number of 5000 digits raises InvalidValue with a message that can be printed."""
    with pytest.raises(InvalidValue) as caught:
        bounded("exponent", value, 0, 12)

    message = str(caught.value)
    assert message.startswith("exponent must be a whole number of at most 18 digits, not ")


def nested_list(depth):
    """Return a list that holds a list, and so on, to the given depth."""
    value: list[object] = []
    for _ in range(depth):
        value = [value]
    return value


@pytest.mark.parametrize(
    "value", [10**5000, [10**5000], nested_list(100_000)], ids=["number", "list", "nested"]
)
def test_shown_accepts_a_value_that_cannot_be_printed(value):
    """Showing a value in an error message never raises an error itself."""
    text_of_value = shown(value)

    assert text_of_value.endswith(f"({type(value).__name__})")


def test_civil_day_returns_a_date_unchanged():
    """A date is a civil day."""
    assert DAY is civil_day("on", DAY)


@pytest.mark.parametrize(
    "value",
    [
        datetime(2026, 1, 5, tzinfo=UTC),
        Timestamp(2026, 1, 5),
        "2026-01-05",
        np.datetime64("2026-01-05"),
        20260105,
        None,
    ],
    ids=lambda value: type(value).__name__,
)
def test_civil_day_refuses_other_types(value):
    """A datetime is refused, because its day depends on a zone; the error names ``civil_date``.

    The error for any other value shows how a date is written.
    """
    advice = ", such as date(2026, 3, 2)"
    if isinstance(value, datetime):
        advice = " (civil_date(instant, zone) converts a datetime)"
    with pytest.raises(WrongType, match=rf"^on must be a date{re.escape(advice)}, not "):
        civil_day("on", value)


def test_aware_returns_a_datetime_with_a_time_zone():
    """Any time zone will do."""
    instant = datetime(2026, 1, 5, tzinfo=UTC)

    assert instant is aware("start", instant)


@pytest.mark.parametrize(
    ("value", "error"),
    [
        (datetime(2026, 1, 5), InvalidValue),  # noqa: DTZ001
        (Timestamp(2026, 1, 5), InvalidValue),
        (date(2026, 1, 5), WrongType),
        ("2026-01-05T10:30:00+01:00", WrongType),
        (1767571200, WrongType),
    ],
    ids=str,
)
def test_aware_refuses_what_is_no_certain_instant(value, error):
    """The error shows how a time zone is passed."""
    advice = 'a datetime with a time zone, such as tzinfo=zoneinfo.ZoneInfo("Europe/Warsaw"), not '
    with pytest.raises(error) as caught:
        aware("start", value)

    assert str(caught.value).startswith(f"start must be {advice}")


@pytest.mark.parametrize("value", ["Europe/Warsaw", None, timedelta(hours=1)], ids=str)
def test_time_zone_refuses_a_name(value):
    """A zone is read from files, so the library takes only one that was read already."""
    with pytest.raises(WrongType, match=r'^zone must be a tzinfo, such as zoneinfo.ZoneInfo\("'):
        time_zone("zone", value)
    assert UTC is time_zone("zone", UTC)


@pytest.mark.parametrize("value", ["a", "US minutes", "ż <b>", "日本", "بسم", "a'b\"c", "🙂"])
def test_text_returns_printable_text_unchanged(value):
    """One line of printable text is returned unchanged, in any script."""
    assert value == text("name", value)


@pytest.mark.parametrize("value", ["", " ", " a", "a ", "a\n", "\na", "\t", "a\u00a0"], ids=ascii)
def test_text_refuses_empty_or_padded_text(value):
    """Text is not empty and has no space around it."""
    with pytest.raises(
        InvalidValue, match=r"^name must be one line of text without space"
    ) as caught:
        text("name", value)

    assert ("name", repr(value)) == (caught.value.parameter, caught.value.value)


@pytest.mark.parametrize(
    "value",
    [
        *("a\nb", "a\rb", "a\x0bb", "a\u2028b", "a\tb"),  # line breaks and tabs
        *("a\0b", "a\x1b[31mb", "a\x08b", "a\x07b", "a\x9bb"),  # control characters
        *("a\u202eb", "a\u2066b", "a\u200fb"),  # the direction of writing
        *("a\ud800", "\udfffa"),  # halves of characters
    ],
    ids=ascii,
)
def test_text_refuses_characters_that_are_not_printable(value):
    """Line breaks and control characters could make a name look like another sentence."""
    with pytest.raises(InvalidValue, match=r"^name must be one line of printable text") as caught:
        text("name", value)

    assert str(caught.value).isprintable()


@pytest.mark.parametrize("value", [None, 5, b"a", ["a"]])
def test_text_refuses_other_types(value):
    """A value of another type is refused, not converted to text."""
    with pytest.raises(WrongType, match=r"^name must be text \(str\), not "):
        text("name", value)


@pytest.mark.parametrize(
    ("expected_class", "value", "expected"),
    [
        (timedelta, 5, "step must be a timedelta, not 5 (int)"),
        (Exception, "e", "step must be an Exception, not 'e' (str)"),
    ],
)
def test_instance_refuses_another_class(expected_class, value, expected):
    """The error names the expected class with "a" or "an" before it."""
    with pytest.raises(WrongType) as caught:
        instance("step", value, expected_class)

    assert expected == str(caught.value)


@pytest.mark.parametrize("value", [(1, 2), [1, 2], [np.uint8(1), 2]], ids=repr)
def test_several_returns_a_tuple_of_checked_items(value):
    """A tuple or a list of whole numbers becomes a tuple of ints."""
    assert (1, 2) == several("weights", value, whole)


@pytest.mark.parametrize("value", ["12", b"12", 12, None, {1, 2}, {1: 2}], ids=repr)
def test_several_refuses_values_that_are_not_sequences(value):
    """Text, bytes, a number, a set and a dict are refused as a sequence."""
    with pytest.raises(WrongType, match=r"^weights must be a sequence, such as a tuple"):
        several("weights", value, whole)


def test_several_names_the_position_of_a_wrong_item():
    """The error names the index of the item that was refused."""
    with pytest.raises(WrongType, match=r"^weights\[1\] must be a whole number"):
        several("weights", [1, "2"], whole)


def test_shown_cuts_long_values_before_it_formats_them():
    """Nested shared lists, which a YAML file can describe in a few lines, are not written out."""
    value: list[object] = ["x" * 10_000_000]
    for _ in range(40):
        value = [value] * 10

    text_of_value = shown(value)

    assert "[[[[...], [...], [...], [...], ...], [[...], [...], [...]... (list)" == text_of_value


@pytest.mark.parametrize("value", ["x" * 10_000_000, b"x" * 10_000_000], ids=["text", "bytes"])
def test_shown_reads_only_the_beginning_of_long_text(value):
    """Ten megabytes of text are shown in 60 characters, without a copy of the text."""
    tracemalloc.start()
    try:
        text_of_value = shown(value)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    assert len(text_of_value) < 70
    assert peak < 100_000


def test_shown_truncates_a_long_value():
    """A value is shown in at most 60 characters, so an error message stays readable."""
    text_of_value = shown("x" * 1000)

    # A quote, 56 letters and three dots are 60 characters.
    assert "'" + "x" * 56 + "... (str)" == text_of_value


@pytest.mark.parametrize(("letters", "is_truncated"), [(58, False), (59, True)])
def test_shown_keeps_a_value_of_60_characters(letters, is_truncated):
    """A value of exactly 60 characters, quotes included, is shown in full."""
    text_of_value = shown("x" * letters)

    assert is_truncated is text_of_value.endswith("... (str)")
