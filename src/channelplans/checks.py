"""The one place that refuses wrong types.

Values of this package are attrs classes made with ``field_transformer=checked``: each argument is
checked against the field's own annotation, once, where it comes in, and the error names the field.
Functions check their own arguments with the same names. Bounds and rules are not checked here.
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

# What no file or database takes: NUL, and halves of a pair that stand for no character.
_NOT_KEPT: Final = re.compile("[\\0\ud800-\udfff]")

# Numbers have at most 60 digits, far more than any money; what is longer cannot even be printed.
_TOO_LONG: Final = 10**60


def shown(value: object) -> str:
    """Return a short picture of a value for an error's sentence: its repr and its type."""
    try:
        picture = repr(value)
    except (ValueError, RecursionError):  # thousands of digits, or a thousand nestings
        picture = "too long to print"
    if len(picture) > 60:
        picture = f"{picture[:57]}..."
    return f"{picture} ({type(value).__name__})"


def whole(parameter: str, value: SupportsIndex) -> int:
    """Return a whole number as an int; numpy integers are fine, bool, float and text are not."""
    number = _index(parameter, value)
    if -_TOO_LONG < number < _TOO_LONG:
        return number
    raise InvalidValue(parameter, "one of more digits", "a whole number of at most 60 digits")


def bounded(parameter: str, value: int, least: int, most: int | None = None) -> int:
    """Return a whole number that lies within bounds, both included."""
    number = whole(parameter, value)
    if number < least or (most is not None and number > most):
        upper = "" if most is None else f" and at most {most:,}"
        raise InvalidValue(parameter, str(number), f"at least {least}{upper}")
    return number


def civil_day(parameter: str, value: date) -> date:
    """Return a civil day; a datetime is refused, since only its zone tells its day."""
    if isinstance(value, date) and not isinstance(value, datetime):
        return value
    raise WrongType(
        parameter, shown(value), "a date (of a datetime, civil_date(instant, zone) tells the day)"
    )


def text(parameter: str, value: str) -> str:
    """Return text that is not empty and neither begins nor ends with white space."""
    if not isinstance(value, str):
        raise WrongType(parameter, shown(value), "text (str)")
    if value != value.strip() or len(value.splitlines()) != 1:
        raise InvalidValue(parameter, repr(value), "one line of text without space around it")
    if _NOT_KEPT.search(value):
        raise InvalidValue(parameter, repr(value), "text that UTF-8 can carry, without NUL")
    return value


def instance(parameter: str, value: object, *kinds: type[T]) -> T:
    """Return a value of a class, or of one of several, or say which were expected."""
    if isinstance(value, kinds):
        return value
    raise WrongType(parameter, shown(value), " or ".join(_a(kind.__name__) for kind in kinds))


def several(parameter: str, value: object, item: Callable[[str, Any], T]) -> tuple[T, ...]:
    """Return a tuple of checked items; a lone string is not a sequence of letters."""
    if not isinstance(value, Sequence) or isinstance(value, (str, bytes)):
        raise WrongType(parameter, shown(value), "a sequence, such as a tuple or a list")
    return tuple(item(f"{parameter}[{index}]", entry) for index, entry in enumerate(value))


def checked(_cls: type, fields: list["attrs.Attribute[Any]"]) -> list["attrs.Attribute[Any]"]:
    """Give each field of an attrs class the check that its annotation asks for.

    A field whose annotation asks for none that is known here has a converter of its own.
    """
    return [
        field if field.converter or not field.init else field.evolve(converter=_converter(field))
        for field in fields
    ]


def _converter(field: "attrs.Attribute[Any]") -> Callable[[Any], Any]:
    check, name, kind = _check_for(field.type), field.name, field.type
    if check is None:
        raise NotImplementedError(f"{name}: no check for {kind}, so the field needs a converter")

    # What is of the very type needs no more checks, but for text and numbers, which can be bad.
    enough = None if kind in _BUILTINS and kind is not date else kind

    def convert(value: Any) -> Any:
        return value if type(value) is enough else check(name, value)

    # attrs copies these to the signature of __init__, where users and Sphinx read them.
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
        rest = [argument for argument in arguments if argument is not types.NoneType]
        check = _check_for(rest[0]) if len(rest) == 1 else _instance_of(*rest)
        if check is None or types.NoneType not in arguments:
            return check
        return lambda name, value: None if value is None else check(name, value)
    if typing.get_origin(kind) is tuple and arguments[1:] == (...,):
        item = _check_for(arguments[0])
        return item and (lambda name, value: several(name, value, item))
    return None


def _instance_of(*kinds: type) -> Callable[[str, Any], Any]:
    return lambda name, value: instance(name, value, *kinds)


def _index(parameter: str, value: SupportsIndex) -> int:
    if type(value) is int:
        return value
    if not isinstance(value, bool):
        try:
            return operator.index(value)
        except TypeError:
            pass
    raise WrongType(parameter, shown(value), "a whole number (int)")


def _a(noun: str) -> str:
    return f"an {noun}" if noun[0] in "AEIOU" else f"a {noun}"


_BUILTINS: Final[Mapping[Any, Callable[[str, Any], Any]]] = types.MappingProxyType(
    {int: whole, str: text, date: civil_day}
)
