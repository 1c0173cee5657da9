"""Shapes: how a value of a kind is written as plain data, read from it, and told in a schema.

Which kinds there are, what their keys are called and what is looked up is not known here.
"""

import enum
import types
from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal
from operator import attrgetter
from typing import Any, Final, Protocol

import attrs

from channelplans.checks import shown
from channelplans.errors import ChannelPlansError, NotDecodable
from channelplans.money import NUMBER

__all__: tuple[str, ...] = ()

#: None, where leaving it out would mean something else; TOML has no null.
_NONE: Final = "none"


@attrs.frozen
class Place:
    """Where in the data something stands, and what the names in it are looked up in."""

    path: str
    names: Any

    def at(self, step: str) -> "Place":
        return Place(self.path + step, self.names)

    def refusal(self, problem: str, *found: object) -> NotDecodable:
        return NotDecodable(self.path, ", not ".join([problem, *map(shown, found)]))


#: What is raised by taking something for what it is not.
_REFUSED: Final = (LookupError, OverflowError, TypeError, ValueError)


class Shape(Protocol):
    """How what an annotation names is written, read, and told in a schema."""

    def write(self, value: Any, /) -> Any:
        """Return a value as plain data."""
        ...

    def read(self, data: Any, place: Place, /) -> Any:
        """Return the value that data stands for, or refuse it with its place."""
        ...

    def form(self, parts: dict[str, Any], /) -> dict[str, Any]:
        """Return the schema; tables go among its parts, and are referred to there."""
        ...


@attrs.frozen
class Plain:
    """What has no parts of its own; ``take`` raises where the data is something else."""

    kind: type
    told: str
    keywords: Mapping[str, Any]
    take: Callable[[Any], Any]
    write: Callable[[Any], Any] = lambda value: value

    def fits(self, data: Any) -> bool:
        try:
            self.take(data)
        except _REFUSED:
            return False
        return True

    def read(self, data: Any, place: Place) -> Any:
        try:
            return self.take(data)
        except _REFUSED:
            raise place.refusal(f"must be {self.told}", data) from None

    def form(self, _parts: dict[str, Any]) -> dict[str, Any]:
        return dict(self.keywords)


@attrs.frozen
class List:
    """A tuple, which is a list in plain data."""

    item: Shape

    def write(self, value: tuple[Any, ...]) -> list[Any]:
        return [self.item.write(each) for each in value]

    def read(self, data: Any, place: Place) -> tuple[Any, ...]:
        if not isinstance(data, list):
            raise place.refusal("must be a list", data)
        return tuple(self.item.read(each, place.at(f"[{at}]")) for at, each in enumerate(data))

    def form(self, parts: dict[str, Any]) -> dict[str, Any]:
        return {"type": "array", "items": self.item.form(parts)}


@attrs.frozen
class ByKey:
    """A mapping whose keys are data too."""

    key: Shape
    item: Shape

    def write(self, value: Mapping[Any, Any]) -> dict[Any, Any]:
        return {self.key.write(key): self.item.write(each) for key, each in value.items()}

    def read(self, data: Any, place: Place) -> dict[Any, Any]:
        if not isinstance(data, Mapping):
            raise place.refusal("must be a table", data)
        return {
            self.key.read(key, place): self.item.read(each, place.at(f"[{key!r}]"))
            for key, each in data.items()
        }

    def form(self, parts: dict[str, Any]) -> dict[str, Any]:
        return {"type": "object", "additionalProperties": self.item.form(parts)}


@attrs.frozen
class OneOf:
    """One of several: a value is told by its class, a table by its keys."""

    shapes: "tuple[Plain | Table, ...]"

    def write(self, value: Any) -> Any:
        return next(shape for shape in self.shapes if isinstance(value, shape.kind)).write(value)

    def read(self, data: Any, place: Place) -> Any:
        for shape in self.shapes:
            if shape.fits(data):
                return shape.read(data, place)
        raise place.refusal(f"must be {' or '.join(shape.told for shape in self.shapes)}", data)

    def form(self, parts: dict[str, Any]) -> dict[str, Any]:
        return {"anyOf": [shape.form(parts) for shape in self.shapes]}


@attrs.frozen
class Entry:
    """What stands under a key of a table.

    Attributes:
        name: of the field, or of what follows from the fields.
        shape: how it is written.
        default: what it means that the key is left out; NOTHING where it cannot be.
        none: whether None is written by its word, since leaving it out means something else.
        promised: whether it follows from the fields, and is held against them.
    """

    name: str
    shape: Shape
    default: Any
    none: bool = False
    promised: bool = False

    def read(self, data: Any, place: Place) -> Any:
        if data is attrs.NOTHING:
            if self.default is attrs.NOTHING:
                raise place.refusal("is missing")
            return self.default
        return None if self.none and data == _NONE else self.shape.read(data, place)

    def form(self, parts: dict[str, Any]) -> dict[str, Any]:
        form = self.shape.form(parts)
        return {"anyOf": [form, {"const": _NONE}]} if self.none else form


@attrs.frozen
class Table:
    """A value with fields, which is a table of them in plain data."""

    kind: Any
    entries: Mapping[str, Entry]

    @property
    def told(self) -> str:
        return f"a table of {', '.join(self.entries)}"

    def fits(self, data: Any) -> bool:
        return isinstance(data, Mapping) and not data.keys().isdisjoint(self.entries)

    def write(self, value: Any) -> dict[str, Any]:
        written = {}
        for key, entry in self.entries.items():
            each = getattr(value, entry.name)
            if each != entry.default:
                written[key] = _NONE if each is None else entry.shape.write(each)
        return written

    def read(self, data: Any, place: Place) -> Any:
        if not isinstance(data, Mapping):
            raise place.refusal(f"must be {self.told}", data)
        for key in data:
            if key not in self.entries:
                problem = f"is not known; what is: {', '.join(self.entries)}"
                raise place.at(f".{key}").refusal(problem)
        found = {
            key: entry.read(data.get(key, attrs.NOTHING), place.at(f".{key}"))
            for key, entry in self.entries.items()
        }
        value, promised = self.made(found, place)
        for key, each in promised.items():
            if found[key] != each:
                problem = f"must be {each}, which follows from the rest, not {found[key]}"
                raise place.at(f".{key}").refusal(problem)
        return value

    def made(self, found: Mapping[str, Any], place: Place) -> tuple[Any, dict[str, Any]]:
        """Return the value of what was found, and what follows from it and was promised."""
        entries = self.entries.items()
        fields = {entry.name: found[key] for key, entry in entries if not entry.promised}
        try:
            value = self.kind(**fields)
            return value, {key: getattr(value, key) for key, entry in entries if entry.promised}
        except ChannelPlansError as error:
            raise self.refused(error, place) from error

    def refused(self, error: ChannelPlansError, place: Place) -> NotDecodable:
        """Return the class's own refusal as one with the path to the field that it names."""
        parameter = getattr(error, "parameter", "")
        name, bracket, rest = parameter.partition("[")
        for key, entry in self.entries.items():
            if entry.name == name:
                problem = str(error).removeprefix(f"{parameter} ")
                return place.at(f".{key}{bracket}{rest}").refusal(problem)
        return place.refusal(str(error))

    def form(self, parts: dict[str, Any]) -> dict[str, Any]:
        name = self.kind.__name__.removeprefix("_")
        if name not in parts:
            parts[name] = self.body(parts)
        return {"$ref": f"#/$defs/{name}"}

    def body(self, parts: dict[str, Any]) -> dict[str, Any]:
        entries = self.entries.items()
        return {
            "type": "object",
            "properties": {key: entry.form(parts) for key, entry in entries},
            "required": [key for key, entry in entries if entry.default is attrs.NOTHING],
            "additionalProperties": False,
        }


def _only(kind: type) -> Callable[[object], Any]:
    def take(data: object) -> object:
        if type(data) is kind:
            return data
        raise TypeError

    return take


def _take_day(data: object) -> date:
    if isinstance(data, date) and not isinstance(data, datetime):
        return data
    day = date.fromisoformat(_only(str)(data))
    if day.isoformat() == data:
        return day
    raise ValueError


def _take_price(data: str) -> Decimal:
    if NUMBER.fullmatch(data):
        return Decimal(data)
    raise ValueError


def _write_price(price: Decimal) -> str:
    digits = f"{price or Decimal(0):f}"  # no price is a negative zero
    return digits.rstrip("0").rstrip(".") if "." in digits else digits


_UNITS: Final = ("hours", "minutes", "seconds", "microseconds")


def _take_duration(data: object) -> timedelta:
    if isinstance(data, Mapping) and data and data.keys() <= set(_UNITS):
        return timedelta(**{unit: _only(int)(count) for unit, count in data.items()})
    raise ValueError


def _write_duration(duration: timedelta) -> dict[str, int]:
    seconds, rest = divmod(duration, timedelta(seconds=1))
    return {"seconds": seconds, "microseconds": rest.microseconds} if rest else {"seconds": seconds}


PLAIN: Final[Mapping[Any, Plain]] = types.MappingProxyType(
    {
        plain.kind: plain
        for plain in (
            Plain(bool, "true or false", {"type": "boolean"}, _only(bool)),
            Plain(int, "a whole number", {"type": "integer"}, _only(int)),
            # As plain text, also where an application's identifiers are a class of their own.
            Plain(str, "text", {"type": "string"}, _only(str), str.__str__),
            Plain(
                date,
                'a day, such as "2026-01-05"',
                {"type": "string", "format": "date", "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}$"},
                _take_day,
                date.isoformat,
            ),
            Plain(
                Decimal,
                'a number as text, such as "6.95"',
                {"type": "string", "pattern": f"^(?:{NUMBER.pattern})$"},
                _take_price,
                _write_price,
            ),
            Plain(
                timedelta,
                'a duration, such as {"seconds": 30}',
                {
                    "type": "object",
                    "properties": {unit: {"type": "integer"} for unit in _UNITS},
                    "minProperties": 1,
                    "additionalProperties": False,
                },
                _take_duration,
                _write_duration,
            ),
        )
    }
)


def choice(kind: enum.EnumMeta) -> Plain:
    """Return the shape of an enum, which is written as its value."""
    members: list[enum.Enum] = list(kind)
    values = {member.value: member for member in members}
    told = f"one of {', '.join(map(repr, values))}"
    return Plain(kind, told, {"enum": [*values]}, values.__getitem__, attrgetter("value"))


def one_of(*shapes: Any) -> Shape:
    """Return the shape of what may be written in several ways, or in the only one."""
    return shapes[0] if len(shapes) == 1 else OneOf(shapes)
