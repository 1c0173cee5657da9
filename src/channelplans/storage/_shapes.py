"""Shapes: how values are written as plain data, read back, and described in a JSON Schema.

``codec`` chooses the classes, the names of the keys, and the values that are looked up.
"""

import enum
import types
from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal
from operator import attrgetter
from typing import Any, Final, Protocol, TypeAlias

import attrs

from channelplans._checks import short_repr, shown
from channelplans.errors import ChannelPlansError, NotDecodable
from channelplans.money import NUMBER

__all__: tuple[str, ...] = ()

#: A longer key is cut in the path of an error.
_LONGEST_STEP: Final = 40

#: Written for None if a missing key would mean the default; TOML has no null.
_NONE: Final = "none"


@attrs.frozen
class Place:
    """The path of a value in the data, and the definitions in which digests are looked up."""

    path: str
    definitions: Any

    def at(self, step: str) -> "Place":
        return Place(self.path + step, self.definitions)

    def at_key(self, key: object) -> "Place":
        """Return the place of a key from the data, which may be any key that a dict can have."""
        if isinstance(key, str) and len(key) <= _LONGEST_STEP and key.isidentifier():
            return self.at(f".{key}")
        return self.at_item(key)

    def at_item(self, key: object) -> "Place":
        """Return the place of an item; its step is the key's repr in brackets, cut if it is long.

        The repr of a text has no control characters; that of another key could have some.
        """
        return self.at(f"[{''.join(filter(str.isprintable, short_repr(key)))}]")

    def error(self, problem: str, *actual: object) -> NotDecodable:
        return NotDecodable(self.path, ", not ".join([problem, *map(shown, actual)]))


#: The errors that ``Plain.parse`` raises for data of another kind.
_PARSE_ERRORS: Final = (LookupError, OverflowError, TypeError, ValueError)


#: Returns the digest of an offer or a tariff that is written as a reference.
Refer: TypeAlias = Callable[[Any], str]


class Shape(Protocol):
    """How the values of one annotation are written, read, and described in a schema."""

    def write(self, value: Any, refer: Refer, /) -> Any:
        """Return a value as plain data."""
        ...

    def read(self, data: Any, place: Place, /) -> Any:
        """Return the value; raise NotDecodable with its path if the data is wrong."""
        ...

    def form(self, parts: dict[str, Any], /) -> dict[str, Any]:
        """Return the schema; add the schemas of tables to ``parts``, and refer to them."""
        ...


@attrs.frozen
class Plain:
    """A value without fields; ``parse`` raises if the data is of another kind."""

    kind: type
    description: str
    keywords: Mapping[str, Any]
    parse: Callable[[Any], Any]
    convert: Callable[[Any], Any] = lambda value: value

    def write(self, value: Any, _refer: Refer) -> Any:
        return self.convert(value)

    def fits(self, data: Any) -> bool:
        try:
            self.parse(data)
        except _PARSE_ERRORS:
            return False
        return True

    def read(self, data: Any, place: Place) -> Any:
        try:
            return self.parse(data)
        except _PARSE_ERRORS:
            raise place.error(f"must be {self.description}", data) from None

    def form(self, _parts: dict[str, Any]) -> dict[str, Any]:
        return dict(self.keywords)


@attrs.frozen
class List:
    """A tuple, written as a list."""

    item: Shape

    def write(self, value: tuple[Any, ...], refer: Refer) -> list[Any]:
        return [self.item.write(item, refer) for item in value]

    def read(self, data: Any, place: Place) -> tuple[Any, ...]:
        if not isinstance(data, list):
            raise place.error("must be a list", data)
        return tuple(
            self.item.read(item, place.at(f"[{index}]")) for index, item in enumerate(data)
        )

    def form(self, parts: dict[str, Any]) -> dict[str, Any]:
        return {"type": "array", "items": self.item.form(parts)}


@attrs.frozen
class ByKey:
    """A mapping whose keys are data, written as a table."""

    key: Shape
    item: Shape

    def write(self, value: Mapping[Any, Any], refer: Refer) -> dict[Any, Any]:
        return {
            self.key.write(key, refer): self.item.write(item, refer) for key, item in value.items()
        }

    def read(self, data: Any, place: Place) -> dict[Any, Any]:
        if not isinstance(data, Mapping):
            raise place.error("must be a table", data)
        return {
            self.key.read(key, place): self.item.read(item, place.at_item(key))
            for key, item in data.items()
        }

    def form(self, parts: dict[str, Any]) -> dict[str, Any]:
        return {"type": "object", "additionalProperties": self.item.form(parts)}


@attrs.frozen
class OneOf:
    """A value of one of several classes; a table is recognised by its keys."""

    shapes: "tuple[Plain | Table, ...]"

    def write(self, value: Any, refer: Refer) -> Any:
        fitting = next(shape for shape in self.shapes if isinstance(value, shape.kind))
        return fitting.write(value, refer)

    def read(self, data: Any, place: Place) -> Any:
        fitting = [shape for shape in self.shapes if shape.fits(data)]
        if len(fitting) == 1:
            return fitting[0].read(data, place)
        problem = f"must be {' or '.join(shape.description for shape in self.shapes)}"
        if fitting:
            raise place.error(f"{problem}, but has keys of both")
        raise place.error(problem, data)

    def form(self, parts: dict[str, Any]) -> dict[str, Any]:
        return {"anyOf": [shape.form(parts) for shape in self.shapes]}


@attrs.frozen
class Entry:
    """The value under one key of a table.

    Attributes:
        name: the name of the field.
        shape: how the value is written.
        default: the value if the key is missing; NOTHING if the key is required.
        writes_none: whether None is written as "none", because the default is not None.
    """

    name: str
    shape: Shape
    default: Any
    writes_none: bool = False

    def read(self, data: Any, table: Place, key: str) -> Any:
        """Return the value under a key of a table; the place is made only if it is needed."""
        if self.writes_none and data == _NONE:
            return None
        if type(self.shape) is Plain:
            try:
                return self.shape.parse(data)
            except _PARSE_ERRORS:
                place = table.at(f".{key}")
                return self.shape.read(data, place)  # raises the error with its place
        return self.shape.read(data, table.at(f".{key}"))

    def form(self, parts: dict[str, Any]) -> dict[str, Any]:
        form = self.shape.form(parts)
        return {"anyOf": [form, {"const": _NONE}]} if self.writes_none else form


@attrs.frozen
class Table:
    """A value with fields, written as a table with a key for each field."""

    kind: Any
    entries: Mapping[str, Entry]

    @property
    def description(self) -> str:
        return f"a table of {', '.join(self.entries)}"

    def fits(self, data: Any) -> bool:
        return isinstance(data, Mapping) and not data.keys().isdisjoint(self.entries)

    def write(self, value: Any, refer: Refer) -> dict[str, Any]:
        written = {}
        for key, entry in self.entries.items():
            content, default = getattr(value, entry.name), entry.default
            # Identity first: many contents are the default itself, and == takes longer.
            if content is default or (default is not attrs.NOTHING and content == default):
                continue
            if content is None:
                written[key] = _NONE
            elif type(entry.shape) is Plain:
                written[key] = entry.shape.convert(content)
            else:
                written[key] = entry.shape.write(content, refer)
        return written

    def read(self, data: Any, place: Place) -> Any:
        if not isinstance(data, Mapping):
            raise place.error(f"must be {self.description}", data)
        for key in data:
            if key not in self.entries:
                problem = f"is unknown; the known keys are: {', '.join(self.entries)}"
                raise place.at_key(key).error(problem)
        fields = {}
        for key, entry in self.entries.items():
            if key in data:
                fields[entry.name] = entry.read(data[key], place, key)
            elif entry.default is attrs.NOTHING:
                raise place.at(f".{key}").error("is missing")
            else:
                fields[entry.name] = entry.default
        return self.build(fields, place)

    def build(self, fields: Mapping[str, Any], place: Place) -> Any:
        """Return the value that has these fields."""
        try:
            return self.kind(**fields)
        except ChannelPlansError as error:
            raise self.locate(error, place) from error

    def locate(self, error: ChannelPlansError, place: Place) -> NotDecodable:
        """Turn an error of the value's class into a NotDecodable with the path of the field."""
        parameter = getattr(error, "parameter", "")
        name, bracket, index = parameter.partition("[")
        for key, entry in self.entries.items():
            if entry.name == name:
                problem = str(error).removeprefix(f"{parameter} ")
                return place.at(f".{key}{bracket}{index}").error(problem)
        return place.error(str(error))

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


@attrs.frozen
class ShortTable:
    """A table that is written as the value of its first key if it needs no other key."""

    table: Table

    @property
    def first(self) -> str:
        return next(iter(self.table.entries))

    def write(self, value: Any, refer: Refer) -> Any:
        written = self.table.write(value, refer)
        return written[self.first] if written.keys() == {self.first} else written

    def read(self, data: Any, place: Place) -> Any:
        if isinstance(data, Mapping):
            return self.table.read(data, place)
        first = self.table.entries[self.first]
        fields = {entry.name: entry.default for entry in self.table.entries.values()}
        fields[first.name] = first.shape.read(data, place)
        try:
            return self.table.build(fields, place)
        except NotDecodable as error:  # its path has the first key, which the data does not have
            raise place.error(error.problem) from error.__cause__

    def form(self, parts: dict[str, Any]) -> dict[str, Any]:
        first = self.table.entries[self.first]
        return {"anyOf": [first.form(parts), self.table.form(parts)]}


def _only(kind: type) -> Callable[[object], Any]:
    def parse(data: object) -> object:
        if type(data) is kind:
            return data
        raise TypeError

    return parse


_only_text, _only_int = _only(str), _only(int)


def _parse_day(data: object) -> date:
    if isinstance(data, date) and not isinstance(data, datetime):
        return data
    day = date.fromisoformat(_only_text(data))
    if day.isoformat() == data:
        return day
    raise ValueError


def _parse_price(data: str) -> Decimal:
    if NUMBER.fullmatch(data):
        return Decimal(data)
    raise ValueError


def _write_price(price: Decimal) -> str:
    digits = f"{price or Decimal(0):f}"  # turns -0 into 0
    return digits.rstrip("0").rstrip(".") if "." in digits else digits


_UNITS: Final = ("hours", "minutes", "seconds", "microseconds")


def _parse_duration(data: object) -> timedelta:
    if isinstance(data, Mapping) and data and data.keys() <= set(_UNITS):
        return timedelta(**{unit: _only_int(count) for unit, count in data.items()})
    raise ValueError


def _write_duration(duration: timedelta) -> dict[str, int]:
    seconds, fraction = divmod(duration, timedelta(seconds=1))
    micros = {"microseconds": fraction.microseconds} if fraction else {}
    return {"seconds": seconds, **micros}


PLAIN: Final[Mapping[Any, Plain]] = types.MappingProxyType(
    {
        plain.kind: plain
        for plain in (
            Plain(bool, "true or false", {"type": "boolean"}, _only(bool)),
            Plain(int, "a whole number", {"type": "integer"}, _only_int),
            # str.__str__ because an identifier may be of a subclass of str.
            Plain(str, "text", {"type": "string"}, _only_text, str.__str__),
            Plain(
                date,
                'a day, such as "2026-01-05"',
                {"type": "string", "format": "date", "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}$"},
                _parse_day,
                date.isoformat,
            ),
            Plain(
                Decimal,
                'a number as text, such as "6.95"',
                {"type": "string", "pattern": f"^(?:{NUMBER.pattern})$"},
                _parse_price,
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
                _parse_duration,
                _write_duration,
            ),
        )
    }
)


def choice(kind: enum.EnumMeta) -> Plain:
    """Return the shape of an enum; a member is written as its value."""
    members: list[enum.Enum] = list(kind)
    values = {member.value: member for member in members}
    description = f"one of {', '.join(map(repr, values))}"
    return Plain(
        kind,
        description,
        {"enum": [*values]},
        lambda data: values[_only_text(data)],
        attrgetter("value"),
    )


def one_of(*shapes: Any) -> Shape:
    """Return the shape of a value that has one of several shapes."""
    return shapes[0] if len(shapes) == 1 else OneOf(shapes)
