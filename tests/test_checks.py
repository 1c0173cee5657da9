"""Wrong types are refused in one place, with the parameter, the value and what would do."""

import enum
import pickle
from datetime import UTC, date, datetime, timedelta
from typing import ClassVar, NewType

import attrs
import numpy as np
import pytest

from channelplans.checks import bounded, checked, civil_day, instance, several, shown, text, whole
from channelplans.errors import InvalidValue, WrongType

Name = NewType("Name", str)

DAY = date(2026, 1, 5)


class Colour(enum.Enum):
    """Something to choose from."""

    RED = "red"


class Timestamp(datetime):
    """What pandas makes of an instant: a datetime of its own kind."""


class Number(enum.IntEnum):
    """Whole numbers with names."""

    SEVEN = 7


@attrs.frozen(field_transformer=checked)
class Sample:
    """One field for each kind of annotation that the package uses."""

    kind: ClassVar[str] = "sample"
    whole: int = 1
    text: str = "a"
    day: date = DAY
    name: Name = Name("n")
    colour: Colour = Colour.RED
    flag: bool = False
    maybe: int | None = None
    either: timedelta | Colour = Colour.RED
    either_or_none: timedelta | Colour | None = None
    several: tuple[int, ...] = ()
    maybe_several: tuple[date, ...] | None = None
    own: str = attrs.field(default="", converter=str)
    derived: str = attrs.field(init=False, default=" not checked ")


@pytest.mark.parametrize(
    "value",
    [7, np.int64(7), np.uint8(7), np.int8(7), np.uint64(7), np.array(7), Number.SEVEN],
    ids=lambda value: type(value).__name__,
)
def test_whole_numbers_become_plain_ints(value):
    """Whole numbers of any kind are taken and become int, so that nothing overflows later."""
    number = whole("channels", value)

    assert 7 == number
    assert int is type(number)


@pytest.mark.parametrize(
    "value",
    [True, False, np.True_, 7.0, np.float64(7), "7", b"7", None, 7j, [7], np.array([7, 8])],
    ids=repr,
)
def test_what_is_no_whole_number_is_refused(value):
    """A bool, a float and numeric text are no whole numbers, not even where they look like one."""
    with pytest.raises(WrongType) as caught:
        whole("channels", value)

    assert ("channels", shown(value)) == (caught.value.parameter, caught.value.value)
    assert "a whole number (int)" == caught.value.expected


@pytest.mark.parametrize("value", [1, 2, 3, np.int8(3)])
def test_bounds_are_included(value):
    """Both bounds themselves are allowed."""
    number = bounded("exponent", value, 1, 3)

    assert (value, int) == (number, type(number))


@pytest.mark.parametrize(
    ("value", "most", "expected"),
    [
        (0, 3, "n must be at least 1 and at most 3, not 0"),
        (4, 3, "n must be at least 1 and at most 3, not 4"),
        (-5, None, "n must be at least 1, not -5"),
        (-5, 2_000_000, "n must be at least 1 and at most 2,000,000, not -5"),
    ],
)
def test_out_of_bounds_names_the_bounds(value, most, expected):
    """A number outside its bounds is refused with both of them."""
    with pytest.raises(InvalidValue) as caught:
        bounded("n", value, 1, most)

    assert expected == str(caught.value)


def test_no_upper_bound():
    """Where no upper bound is given there is none."""
    number = bounded("n", 10**30, 1)

    assert 10**30 == number


@pytest.mark.parametrize("value", [True, 2.0, "2"])
def test_bounds_do_not_widen_types(value):
    """A value of a wrong type is refused although it would lie within the bounds."""
    with pytest.raises(WrongType):
        bounded("n", value, 1, 3)


@pytest.mark.parametrize("value", [10**5000, -(10**5000)], ids=["huge", "huge and negative"])
def test_a_number_too_long_to_print_is_refused_like_any_other(value):
    """A number of thousands of digits gets the package's error, with a sentence."""
    with pytest.raises(InvalidValue) as caught:
        bounded("exponent", value, 0, 12)

    assert str(caught.value).startswith(
        "exponent must be a whole number of at most 60 digits, not "
    )


def nested(depth):
    """Return lists in lists, deeper than Python prints them."""
    value: list[object] = []
    for _ in range(depth):
        value = [value]
    return value


@pytest.mark.parametrize(
    "value", [10**5000, [10**5000], nested(100_000)], ids=["number", "list", "nested"]
)
def test_a_value_too_long_to_print_can_be_shown(value):
    """Showing a value for an error's sentence never fails itself."""
    picture = shown(value)

    assert picture.endswith(f"({type(value).__name__})")


def test_a_date_is_a_civil_day():
    """A plain date passes as it is."""
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
def test_what_is_no_civil_day_is_refused(value):
    """A datetime is no day: which one it is depends on a zone, and the error says so."""
    with pytest.raises(WrongType, match=r"^on must be a date .*civil_date\(instant, zone\)"):
        civil_day("on", value)


@pytest.mark.parametrize("value", ["a", "US minutes", "ż <b>", "a\tb", "a\u00a0b"])
def test_one_line_of_text_passes(value):
    """Text keeps what it is made of."""
    assert value == text("name", value)


@pytest.mark.parametrize(
    "value",
    ["", " ", " a", "a ", "a\n", "\na", "a\nb", "\t", "a\u00a0", "a\rb", "a\x0bb", "a\u2028b"],
    ids=ascii,
)
def test_empty_padded_or_broken_text_is_refused(value):
    """Text is one line that is not empty and has no space around it; else tables would break."""
    with pytest.raises(InvalidValue) as caught:
        text("name", value)

    assert ("name", repr(value)) == (caught.value.parameter, caught.value.value)


@pytest.mark.parametrize("value", ["a\0b", "\0", "\ud800", "berlin\udfff"])
def test_text_that_no_database_takes_is_refused(value):
    """NUL is the end of text to some of them, and half a pair is no character in UTF-8."""
    with pytest.raises(InvalidValue, match="name must be text that UTF-8 can carry, without NUL"):
        text("name", value)


@pytest.mark.parametrize("value", [None, 5, b"a", ["a"]])
def test_what_is_no_text_is_refused(value):
    """Nothing is turned into text silently."""
    with pytest.raises(WrongType, match=r"^name must be text \(str\), not "):
        text("name", value)


@pytest.mark.parametrize(
    ("kind", "value", "expected"),
    [
        (timedelta, 5, "step must be a timedelta, not 5 (int)"),
        (Exception, "e", "step must be an Exception, not 'e' (str)"),
    ],
)
def test_an_instance_of_another_class_is_refused(kind, value, expected):
    """The error names the class that was expected, with its article."""
    with pytest.raises(WrongType) as caught:
        instance("step", value, kind)

    assert expected == str(caught.value)


@pytest.mark.parametrize("value", [(1, 2), [1, 2], [np.uint8(1), 2]], ids=repr)
def test_sequences_become_tuples_of_checked_items(value):
    """A list is fine where several values belong; what is kept is a tuple."""
    assert (1, 2) == several("weights", value, whole)


@pytest.mark.parametrize("value", ["12", b"12", 12, None, {1, 2}, {1: 2}], ids=repr)
def test_what_has_no_order_or_is_text_is_no_sequence(value):
    """A lone string is no sequence of letters, and a set has no order."""
    with pytest.raises(WrongType, match=r"^weights must be a sequence, such as a tuple"):
        several("weights", value, whole)


def test_a_wrong_item_is_named_by_its_place():
    """The error says which item was wrong."""
    with pytest.raises(WrongType, match=r"^weights\[1\] must be a whole number"):
        several("weights", [1, "2"], whole)


def test_long_values_are_cut():
    """An error's sentence stays readable whatever it was given."""
    picture = shown("x" * 1000)

    # A quote and 56 letters, then the dots: 60 characters of picture.
    assert "'" + "x" * 56 + "... (str)" == picture


@pytest.mark.parametrize(("letters", "cut"), [(58, False), (59, True)])
def test_values_of_sixty_characters_are_not_cut(letters, cut):
    """Exactly sixty characters, the quotes included, are still shown whole."""
    picture = shown("x" * letters)

    assert cut is picture.endswith("... (str)")


@pytest.mark.parametrize(
    "changes",
    [
        {"whole": 5},
        {"text": "b", "name": Name("m")},
        {"day": date(2026, 1, 6)},
        {"flag": True},
        {"maybe": 3},
        {"either": timedelta(1)},
        {"either_or_none": Colour.RED},
        {"several": (1, 2)},
        {"maybe_several": (DAY,)},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_values_of_the_annotated_kind_pass(changes):
    """A checked class keeps what fits its annotations."""
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
        ({"maybe": 1.5}, "maybe must be a whole number (int), not 1.5 (float)"),
        ({"either": None}, "either must be a timedelta or a Colour, not None (NoneType)"),
        ({"either_or_none": 5}, "either_or_none must be a timedelta or a Colour, not 5 (int)"),
        (
            {"several": "12"},
            "several must be a sequence, such as a tuple or a list, not '12' (str)",
        ),
        ({"several": (1, "2")}, "several[1] must be a whole number (int), not '2' (str)"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_values_of_another_kind_are_refused_by_field(changes, expected):
    """Each field is checked against its own annotation, and the error names the field."""
    with pytest.raises((WrongType, InvalidValue)) as caught:
        Sample(**changes)

    assert expected == str(caught.value)


@pytest.mark.parametrize("field", ["day", "maybe_several"])
@pytest.mark.parametrize("make", [Sample])
def test_datetimes_are_refused_in_fields_of_days(make, field):
    """A datetime passes isinstance(date), but not this."""
    instant = datetime(2026, 1, 5, tzinfo=UTC)

    with pytest.raises(WrongType, match=r"^(day|maybe_several\[0\]) must be a date"):
        make(**{field: (instant,) if field == "maybe_several" else instant})


@pytest.mark.parametrize("kind", [np.uint8, np.int64])
def test_numpy_integers_become_ints_in_fields(kind):
    """No numpy integer stays in a value, alone or in a tuple."""
    sample = Sample(whole=kind(200), maybe=kind(3), several=(kind(1),))

    kinds = {type(sample.whole), type(sample.maybe), type(sample.several[0])}

    assert {int} == kinds
    assert (400, 3, (1,)) == (sample.whole * 2, sample.maybe, sample.several)


def test_fields_with_a_converter_or_without_init_are_left_alone():
    """What a class converts or derives itself is its own affair."""
    sample = Sample(own=" 5 ")

    assert (" 5 ", " not checked ") == (sample.own, sample.derived)


def test_checked_values_keep_their_signature():
    """Tools that read an __init__ see each field's own type."""
    annotations = Sample.__init__.__annotations__

    assert (int, date, int | None, tuple[int, ...]) == tuple(
        annotations[name] for name in ("whole", "day", "maybe", "several")
    )


def test_checked_values_pickle():
    """A checked class pickles like any other."""
    sample = Sample(whole=5)

    assert sample == pickle.loads(pickle.dumps(sample))


@pytest.mark.parametrize(
    "kind",
    [tuple[int, int], dict[str, int], tuple[dict[str, int], ...], dict[str, int] | None],
    ids=str,
)
def test_an_annotation_without_a_check_asks_for_a_converter(kind):
    """No field is left unchecked in silence: the class cannot be made."""
    with pytest.raises(NotImplementedError, match=r"^odd: no check for .* needs a converter$"):
        attrs.make_class(
            "Odd", {"odd": attrs.field(type=kind)}, frozen=True, field_transformer=checked
        )
