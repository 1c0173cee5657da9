"""Checks of arguments: each returns the value to use, or raises an error that names the parameter.

``_constructors`` calls the checks for the fields of a class. Functions call them for their own
arguments. Rules of an offer are not checked here.
"""

import operator
import reprlib
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime, tzinfo
from typing import Any, Final, SupportsIndex, TypeVar, cast

from channelplans.errors import InvalidValue, WrongType, quoted

__all__ = [
    "NUMBER_LIMIT",
    "ZONE_EXAMPLE",
    "aware",
    "bounded",
    "civil_day",
    "identifier",
    "instance",
    "several",
    "short_identifier",
    "short_repr",
    "shown",
    "text",
    "time_zone",
    "whole",
]

T = TypeVar("T")

#: Whole numbers lie between minus and plus this limit, both excluded. Every database and every
#: column engine can hold their 18 digits.
NUMBER_LIMIT: Final = 10**18


#: The longest identifier, in characters. Every store can hold it.
_LONGEST_IDENTIFIER: Final = 255


#: A time zone in an error message.
ZONE_EXAMPLE: Final = 'zoneinfo.ZoneInfo("Europe/Warsaw")'


class _ShortRepr(reprlib.Repr):
    """Write the repr of a value; cut long text and long lists before they are formatted."""

    def __init__(self) -> None:
        super().__init__()
        self.maxlevel, self.maxtuple, self.maxlist, self.maxdict = 3, 4, 4, 4
        self.maxlong, self.maxother = 40, 120

    def repr1(self, value: Any, level: int) -> str:
        # The repr of a subclass would be written in full before it is cut.
        if isinstance(value, Mapping):
            return self.repr_dict(cast("dict[Any, Any]", value), level)
        if isinstance(value, list):
            return self.repr_list(value, level)
        return super().repr1(value, level)

    def repr_str(self, value: str | bytes, _level: int) -> str:
        return quoted(value)

    repr_bytes = repr_str

    def repr_int(self, value: int, level: int) -> str:
        if abs(value) < NUMBER_LIMIT:
            return super().repr_int(value, level)
        return f"a number of more than {len(str(NUMBER_LIMIT)) - 1} digits"


#: Return the repr of a value; long and nested values are cut.
short_repr: Final[Callable[[object], str]] = _ShortRepr().repr


def shown(value: object) -> str:
    """Return a value's shortened repr and its type, for an error message."""
    description = short_repr(value)
    if len(description) > 60:
        description = f"{description[:57]}..."
    return f"{description} ({type(value).__name__})"


def whole(parameter: str, value: SupportsIndex) -> int:
    """Return a whole number as an int; accept numpy integers, refuse bool, float and text."""
    try:
        number = operator.index(value)
    except TypeError:
        number = None
    if number is None or isinstance(value, bool):
        raise WrongType(parameter, shown(value), "a whole number (int)")
    if not -NUMBER_LIMIT < number < NUMBER_LIMIT:
        raise InvalidValue(parameter, "a longer number", "a whole number of at most 18 digits")
    return number


def bounded(parameter: str, value: int, minimum: int, maximum: int | None = None) -> int:
    """Return a whole number between two bounds, both included."""
    number = whole(parameter, value)
    if number < minimum or (maximum is not None and number > maximum):
        upper_bound = "" if maximum is None else f" and at most {maximum:,}"
        raise InvalidValue(parameter, str(number), f"at least {minimum}{upper_bound}")
    return number


def civil_day(parameter: str, value: date) -> date:
    """Return a date; refuse a datetime, because its day depends on a time zone."""
    if isinstance(value, date) and not isinstance(value, datetime):
        return value
    expected = "a date, such as date(2026, 3, 2)"
    if isinstance(value, datetime):
        expected = "a date (civil_date(instant, zone) converts a datetime)"
    raise WrongType(parameter, shown(value), expected)


def aware(parameter: str, value: datetime) -> datetime:
    """Return a datetime with a time zone; refuse one without, because it is no certain instant."""
    expected = f"a datetime with a time zone, such as tzinfo={ZONE_EXAMPLE}"
    if not isinstance(value, datetime):
        raise WrongType(parameter, shown(value), expected)
    if value.utcoffset() is None:
        raise InvalidValue(parameter, str(value), expected)
    return value


def time_zone(parameter: str, value: tzinfo) -> tzinfo:
    """Return a time zone; refuse its name, because zones are read from files."""
    if not isinstance(value, tzinfo):
        raise WrongType(parameter, shown(value), f"a tzinfo, such as {ZONE_EXAMPLE}")
    return value


def text(parameter: str, value: str) -> str:
    """Return one line of printable text; refuse empty text and spaces at either end.

    Control characters, also those that change the direction of writing, are not printable. A lone
    surrogate, which is half of a character, is not printable either.
    """
    if not isinstance(value, str):
        raise WrongType(parameter, shown(value), "text (str)")
    if not value or value != value.strip():
        expected = "one line of text without space around it"
        raise InvalidValue(parameter, short_repr(value), expected)
    if not value.isprintable():
        expected = "one line of printable text, without control characters"
        raise InvalidValue(parameter, short_repr(value), expected)
    return value


def identifier(parameter: str, value: str) -> str:
    """Return one line of printable text that is short enough for every store."""
    short_identifier(parameter, text(parameter, value))
    return value


def short_identifier(parameter: str, value: str) -> None:
    """Refuse text that is too long for an identifier; the text itself is checked before."""
    if len(value) > _LONGEST_IDENTIFIER:
        expected = f"an identifier of at most {_LONGEST_IDENTIFIER} characters"
        raise InvalidValue(parameter, f"{len(value):,} characters", expected)


def instance(parameter: str, value: object, *kinds: type[T]) -> T:
    """Return a value that is an instance of one of the classes."""
    if isinstance(value, kinds):
        return value
    names = [kind.__name__ for kind in kinds]
    expected = " or ".join(f"an {name}" if name[0] in "AEIOU" else f"a {name}" for name in names)
    raise WrongType(parameter, shown(value), expected)


def several(parameter: str, value: object, check: Callable[[str, Any], T]) -> tuple[T, ...]:
    """Return the items of a sequence as a tuple, each checked; refuse a string."""
    if not isinstance(value, Sequence) or isinstance(value, (str, bytes)):
        raise WrongType(parameter, shown(value), "a sequence, such as a tuple or a list")
    return tuple(check(f"{parameter}[{index}]", item) for index, item in enumerate(value))
