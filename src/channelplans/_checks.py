"""Checks of argument types.

An attrs class made with ``field_transformer=checked`` checks each argument against the annotation
of its field; the error names the field. Functions call the same checks for their own arguments.
Rules of an offer are not checked here.
"""

import operator
import re
import types
import typing
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from typing import Any, Final, SupportsIndex, TypeVar

import attrs

from channelplans.errors import InvalidValue, WrongType

__all__ = ["bounded", "checked", "civil_day", "instance", "several", "shown", "text", "whole"]

T = TypeVar("T")

# Databases refuse NUL. UTF-8 cannot encode a lone surrogate, which is half of a character.
_NOT_STORABLE: Final = re.compile("[\\0\ud800-\udfff]")

# 60 digits are more than any amount of money needs. Python refuses to print thousands of digits.
_TOO_LONG: Final = 10**60


def shown(value: object) -> str:
    """Return a value's shortened repr and its type, for an error message."""
    try:
        description = repr(value)
    except (ValueError, RecursionError):  # thousands of digits or of nested lists
        description = "too long to print"
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
    if not -_TOO_LONG < number < _TOO_LONG:
        raise InvalidValue(parameter, "a longer number", "a whole number of at most 60 digits")
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
    expected = "a date (civil_date(instant, zone) converts a datetime)"
    raise WrongType(parameter, shown(value), expected)


def text(parameter: str, value: str) -> str:
    """Return one line of text; refuse empty text and spaces at either end."""
    if not isinstance(value, str):
        raise WrongType(parameter, shown(value), "text (str)")
    if value != value.strip() or len(value.splitlines()) != 1:
        raise InvalidValue(parameter, repr(value), "one line of text without space around it")
    if _NOT_STORABLE.search(value):
        raise InvalidValue(parameter, repr(value), "text that UTF-8 can encode, without NUL")
    return value


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


def checked(_cls: type, fields: list["attrs.Attribute[Any]"]) -> list["attrs.Attribute[Any]"]:
    """Add a check to each field of an attrs class, chosen by the field's annotation.

    If no check exists for the annotation, the field needs its own converter.
    """
    return [
        field if field.converter or not field.init else field.evolve(converter=_converter(field))
        for field in fields
    ]


def _converter(field: "attrs.Attribute[Any]") -> Callable[[Any], Any]:
    check, name, kind = _check_for(field.type), field.name, field.type
    if check is None:
        raise NotImplementedError(f"{name}: no check for {kind}, so the field needs a converter")

    # For speed, values of exactly this type skip the check. Text and numbers need it: their
    # content can be invalid.
    unchecked_type = None if kind in (int, str) else kind

    def convert(value: Any) -> Any:
        return value if type(value) is unchecked_type else check(name, value)

    # attrs copies the annotations to the signature of __init__, for users and Sphinx.
    convert.__annotations__ = {"value": kind, "return": kind}
    return convert


def _check_for(kind: Any) -> Callable[[str, Any], Any] | None:
    kind = getattr(kind, "__supertype__", kind)
    arguments = typing.get_args(kind)
    if kind in _BUILTINS:
        return _BUILTINS[kind]
    if isinstance(kind, type):
        return _instance_of(kind)
    if typing.get_origin(kind) in (types.UnionType, typing.Union):
        kinds = [argument for argument in arguments if argument is not types.NoneType]
        check = _check_for(kinds[0]) if len(kinds) == 1 else _instance_of(*kinds)
        if check is None or types.NoneType not in arguments:
            return check
        return lambda name, value: None if value is None else check(name, value)
    if typing.get_origin(kind) is tuple and arguments[1:] == (...,):
        item_check = _check_for(arguments[0])
        return item_check and (lambda name, value: several(name, value, item_check))
    return None


def _instance_of(*kinds: type) -> Callable[[str, Any], Any]:
    return lambda name, value: instance(name, value, *kinds)


_BUILTINS: Final[Mapping[Any, Callable[[str, Any], Any]]] = types.MappingProxyType(
    {int: whole, str: text, date: civil_day}
)
