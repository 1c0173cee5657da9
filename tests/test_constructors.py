"""Constructors check each field of a class against its annotation."""

import enum
import pickle
from datetime import UTC, date, datetime, timedelta
from typing import ClassVar, NewType

import attrs
import numpy as np
import pytest

from channelplans._constructors import checked, trusted
from channelplans.errors import InvalidValue, WrongType

Name = NewType("Name", str)

DAY = date(2026, 1, 5)


class Colour(enum.Enum):
    """An enum for a field."""

    RED = "red"


@checked
@attrs.frozen
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
    derived: str = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        object.__setattr__(self, "derived", f" {self.text} ")


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

    assert (" 5 ", " a ") == (sample.converted, sample.derived)


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
    odd = attrs.make_class("Odd", {"odd": attrs.field(type=annotation)}, frozen=True, slots=True)

    with pytest.raises(NotImplementedError, match=r"^no check for .* needs a converter$"):
        checked(odd)


@checked
@attrs.frozen(kw_only=True)
class Keywords:
    """A class whose fields are passed by keyword."""

    first: int
    second: str = "b"


def test_checked_class_keeps_keyword_only_fields():
    """Fields that attrs takes by keyword only stay so."""
    with pytest.raises(TypeError, match="positional"):
        Keywords(1, "c")  # type: ignore[call-arg]

    assert (1, "b") == (Keywords(first=1).first, Keywords(first=1).second)


def test_trusted_constructor_makes_equal_values_without_checks():
    """A trusted constructor takes the same arguments, and neither checks nor converts them."""
    make_keywords = trusted(Keywords)

    unchecked = make_keywords(first="text", second=" ")  # type: ignore[arg-type]

    assert Keywords(first=1, second="c") == make_keywords(first=1, second="c")
    assert "text, " == f"{unchecked.first},{unchecked.second}"
