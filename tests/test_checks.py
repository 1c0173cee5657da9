"""Checks refuse wrong types and name the parameter, the value and the expected type."""

import enum
import pickle
from datetime import UTC, date, datetime, timedelta
from typing import ClassVar, NewType

import attrs
import numpy as np
import pytest

from channelplans._checks import bounded, checked, civil_day, instance, several, shown, text, whole
from channelplans.errors import InvalidValue, WrongType

Name = NewType("Name", str)

DAY = date(2026, 1, 5)


class Colour(enum.Enum):
    """An enum for a field."""

    RED = "red"


class Timestamp(datetime):
    """A subclass of datetime, as pandas has one."""


class Number(enum.IntEnum):
    """An enum of whole numbers."""

    SEVEN = 7


@attrs.frozen(field_transformer=checked)
class Sample:
    """A class with one field for each kind of annotation that the package uses."""

    kind: ClassVar[str] = "sample"
    whole: int = 1
    text: str = "a"
    day: date = DAY
    name: Name = Name("n")
    colour: Colour = Colour.RED
    flag: bool = False
    optional: int | None = None
    union: timedelta | Colour = Colour.RED
    optional_union: timedelta | Colour | None = None
    several: tuple[int, ...] = ()
    optional_tuple: tuple[date, ...] | None = None
    converted: str = attrs.field(default="", converter=str)
    derived: str = attrs.field(init=False, default=" not checked ")


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
    """Without an upper bound, a very large number is allowed."""
    number = bounded("n", 10**30, 1)

    assert 10**30 == number


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
    assert message.startswith("exponent must be a whole number of at most 60 digits, not ")


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
    """A datetime is refused, because its day depends on a zone; the error names ``civil_date``."""
    with pytest.raises(WrongType, match=r"^on must be a date .*civil_date\(instant, zone\)"):
        civil_day("on", value)


@pytest.mark.parametrize("value", ["a", "US minutes", "ż <b>", "a\tb", "a\u00a0b"])
def test_text_returns_one_line_unchanged(value):
    """One line of text is returned unchanged, with tabs and any letters."""
    assert value == text("name", value)


@pytest.mark.parametrize(
    "value",
    ["", " ", " a", "a ", "a\n", "\na", "a\nb", "\t", "a\u00a0", "a\rb", "a\x0bb", "a\u2028b"],
    ids=ascii,
)
def test_text_refuses_empty_padded_or_multiline_text(value):
    """Text is a single line, not empty and without space around it, so tables keep their shape."""
    with pytest.raises(InvalidValue) as caught:
        text("name", value)

    assert ("name", repr(value)) == (caught.value.parameter, caught.value.value)


@pytest.mark.parametrize("value", ["a\0b", "\0", "\ud800", "berlin\udfff"])
def test_text_refuses_characters_that_databases_cannot_store(value):
    """Some databases end a text at NUL, and UTF-8 cannot encode half of a surrogate pair."""
    with pytest.raises(InvalidValue, match="name must be text that UTF-8 can encode, without NUL"):
        text("name", value)


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


@pytest.mark.parametrize(
    "changes",
    [
        {"whole": 5},
        {"text": "b", "name": Name("m")},
        {"day": date(2026, 1, 6)},
        {"flag": True},
        {"optional": 3},
        {"union": timedelta(1)},
        {"optional_union": Colour.RED},
        {"several": (1, 2)},
        {"optional_tuple": (DAY,)},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_checked_class_accepts_values_of_the_annotated_types(changes):
    """A field keeps a value that fits the field's annotation."""
    sample = Sample(**changes)

    assert changes == {name: getattr(sample, name) for name in changes}


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"whole": True}, "whole must be a whole number (int), not True (bool)"),
        ({"text": 5}, "text must be text (str), not 5 (int)"),
        ({"text": ""}, "text must be one line of text without space around it, not ''"),
        ({"name": 5}, "name must be text (str), not 5 (int)"),
        ({"name": " n"}, "name must be one line of text without space around it, not ' n'"),
        ({"colour": "red"}, "colour must be a Colour, not 'red' (str)"),
        ({"flag": 1}, "flag must be a bool, not 1 (int)"),
        ({"optional": 1.5}, "optional must be a whole number (int), not 1.5 (float)"),
        ({"union": None}, "union must be a timedelta or a Colour, not None (NoneType)"),
        ({"optional_union": 5}, "optional_union must be a timedelta or a Colour, not 5 (int)"),
        (
            {"several": "12"},
            "several must be a sequence, such as a tuple or a list, not '12' (str)",
        ),
        ({"several": (1, "2")}, "several[1] must be a whole number (int), not '2' (str)"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_checked_class_refuses_values_of_other_types(changes, expected):
    """Each field is checked against its own annotation, and the error names the field."""
    with pytest.raises((WrongType, InvalidValue)) as caught:
        Sample(**changes)

    assert expected == str(caught.value)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("day", datetime(2026, 1, 5, tzinfo=UTC)),
        ("optional_tuple", (datetime(2026, 1, 5, tzinfo=UTC),)),
    ],
)
def test_checked_class_refuses_a_datetime_as_a_date(field, value):
    """A datetime is a subclass of date, but a field of dates refuses it."""
    with pytest.raises(WrongType, match=r"^(day|optional_tuple\[0\]) must be a date"):
        Sample(**{field: value})


@pytest.mark.parametrize("numpy_int", [np.uint8, np.int64])
def test_checked_class_turns_numpy_integers_into_ints(numpy_int):
    """A NumPy integer becomes an int, alone or in a tuple."""
    sample = Sample(whole=numpy_int(200), optional=numpy_int(3), several=(numpy_int(1),))

    types = {type(number) for number in (sample.whole, sample.optional, *sample.several)}

    assert {int} == types
    assert (400, 3, (1,)) == (sample.whole * 2, sample.optional, sample.several)


def test_checked_class_skips_fields_with_a_converter_or_without_init():
    """A field that the class converts or derives itself gets no check."""
    sample = Sample(converted=" 5 ")

    assert (" 5 ", " not checked ") == (sample.converted, sample.derived)


def test_checked_class_keeps_its_signature():
    """The annotations of ``__init__`` are those of the fields."""
    annotations = Sample.__init__.__annotations__

    assert (int, date, int | None, tuple[int, ...]) == tuple(
        annotations[name] for name in ("whole", "day", "optional", "several")
    )


def test_checked_class_pickles():
    """An unpickled value of a checked class equals the original."""
    sample = Sample(whole=5)

    assert sample == pickle.loads(pickle.dumps(sample))


@pytest.mark.parametrize(
    "annotation",
    [tuple[int, int], dict[str, int], tuple[dict[str, int], ...], dict[str, int] | None],
    ids=str,
)
def test_checked_class_refuses_an_annotation_without_a_check(annotation):
    """A class cannot be created if a field has neither a known check nor a converter."""
    with pytest.raises(NotImplementedError, match=r"^odd: no check for .* needs a converter$"):
        attrs.make_class(
            "Odd", {"odd": attrs.field(type=annotation)}, frozen=True, field_transformer=checked
        )
