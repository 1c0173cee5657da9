"""Values to plain dicts and back, so that TOML, JSON and a database can carry them.

One mechanism serves every class: a field of the class is a key of the dict, and the annotation of
the field says what may stand under it. From the annotations a shape of each class is made, once,
and a shape knows how a value is written, read, and told in a schema. What is special is data, in
the tables of this module.

- A key is left out where the value is the field's default, and so is None where a field without a
  default may be None. Where something else is the default, None is written "none".
- A price is text ("6.95"), a day ISO text (TOML's own dates are read too), a duration a table of
  whole units ({"seconds": 30}), a length {"days": 30} or {"months": 1}, an enum its value, a tuple
  a list. Equal offers and tariffs are written alike.
- An offer or a tariff is whole by itself and in a catalogue. Within anything else it stands by its
  name and its digest, and is looked up in a catalogue.
- What follows from the fields and was promised, the total of a quote, is written beside them, and
  refused where it no longer follows.

A new field that has a default changes neither what is written of the values without it nor their
digests. Text is neither read nor written here.
"""

import enum
import hashlib
import json
import types
from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal
from operator import attrgetter
from typing import Any, Final, Protocol, TypeVar, Union, get_args, get_origin

import attrs

from channelplans.calendar import Days, Months
from channelplans.catalogue import Catalogue
from channelplans.checks import checked, instance, shown
from channelplans.errors import ChannelPlansError, NotDecodable, WrongType
from channelplans.ledger import Posting
from channelplans.lifecycle import Decision
from channelplans.money import NUMBER, Money
from channelplans.plans import Offer, Plan
from channelplans.pricing import Quote, Tariff
from channelplans.subscriptions import Subscription

__all__ = ["decode", "digest", "encode", "schema"]

T = TypeVar("T")

_VERSION: Final = 1

#: None, where leaving it out would mean something else; TOML has no null.
_NONE: Final = "none"

#: What is written by itself, and the word that tells it apart.
_WORDS: Final[Mapping[Any, str]] = types.MappingProxyType(
    {
        kind: kind.__name__.lower()
        for kind in (Offer, Tariff, Catalogue, Plan, Quote, Subscription, Posting, Decision)
    }
)

#: What is written though it follows from the fields, so that a promise that was stored is kept.
_PROMISED: Final[Mapping[Any, Mapping[str, Any]]] = types.MappingProxyType(
    {Quote: types.MappingProxyType({"total": Money})}
)

#: What holds its offers and tariffs whole.
_WHOLE: Final = frozenset({Offer, Tariff, Catalogue})

#: What stands by its name within anything else.
_NAMED: Final = frozenset({Offer, Tariff})

#: The keys that are not called as their fields.
_KEYS: Final[Mapping[Any, str]] = types.MappingProxyType(
    {(Days, "count"): "days", (Months, "count"): "months"}
)


def encode(
    value: Offer | Tariff | Catalogue | Plan | Quote | Subscription | Posting | Decision,
) -> dict[str, Any]:
    """Return a value as a dict of text, whole numbers, booleans, lists and such dicts.

    Raises:
        WrongType: the value is of a kind that is not written by itself.

    >>> from channelplans.money import EUR
    >>> encode(Tariff("2026", EUR, channel="6.95", bundle="10", minute="0.021"))["channel"]
    '6.95'
    """
    return _head("type(value)", type(value)) | _TABLES[type(value)].write(value)


def decode(kind: type[T], data: object, *, catalogue: Catalogue | None = None) -> T:
    """Return the value that a dict stands for, or refuse it with the path to the fault.

    Offers and tariffs that stand by their names are looked up in the catalogue.

    Raises:
        WrongType: the kind is none that is written by itself.
        NotDecodable: a key is missing or unknown, a value is of a wrong type or breaks a rule, or
            what stands by its name is not in the catalogue just as it was.

    >>> from channelplans.offers import SKYPE_CONNECT
    >>> data = encode(SKYPE_CONNECT)
    >>> decode(Offer, data) == SKYPE_CONNECT
    True
    >>> data["quantity"]["steps"][0]["multiple"] = 0
    >>> decode(Offer, data)
    Traceback (most recent call last):
        ...
    channelplans.errors.NotDecodable: offer.quantity.steps[0].multiple: must be at least 1, not 0
    """
    head = _head("kind", kind)
    if catalogue is not None:
        instance("catalogue", catalogue, Catalogue)
    place = _Place(head["kind"], catalogue)
    if isinstance(data, Mapping):
        for key, expected in head.items():
            if key not in data:
                raise place.at(f".{key}").refusal("is missing")
            found = data[key]
            if type(found) is not type(expected) or found != expected:
                raise place.at(f".{key}").refusal(f"must be {expected!r}", found)
        data = {key: each for key, each in data.items() if key not in head}
    value: T = _TABLES[kind].read(data, place)
    return value


def digest(value: Offer | Tariff) -> str:
    """Return the fingerprint of an offer or a tariff, which equal ones share and no others.

    >>> from channelplans.offers import SKYPE_CONNECT, SKYPE_CONNECT_NEAREST
    >>> digest(SKYPE_CONNECT) == digest(SKYPE_CONNECT_NEAREST)
    False
    """
    if type(value) not in _NAMED:
        raise WrongType("value", shown(value), "an Offer or a Tariff")
    written = json.dumps(_TABLES[type(value)].write(value), sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(written.encode()).hexdigest()


def schema(kind: type) -> dict[str, Any]:
    """Return the JSON Schema (2020-12) of what is written of a kind.

    It tells the form; what else makes a value legal, its class says, and ``decode`` refuses.

    Raises:
        WrongType: the kind is none that is written by itself.

    >>> schema(Posting)["properties"]["amount"], schema(Posting)["$defs"]["Money"]["required"]
    ({'$ref': '#/$defs/Money'}, ['minor', 'currency'])
    """
    head, parts = _head("kind", kind), dict[str, Any]()
    table = _TABLES[kind].body(parts)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": head["kind"],
        **table,
        "properties": {key: {"const": each} for key, each in head.items()} | table["properties"],
        "required": [*head, *table["required"]],
        "$defs": dict(sorted(parts.items())),
    }


def _head(parameter: str, kind: Any) -> dict[str, Any]:
    if isinstance(kind, type) and kind in _WORDS:
        return {"version": _VERSION, "kind": _WORDS[kind]}
    kinds = ", ".join(each.__name__ for each in _WORDS)
    raise WrongType(parameter, shown(kind), f"one of {kinds}")


@attrs.frozen
class _Place:
    """Where in the data something stands, and what has the offers and tariffs that it names."""

    path: str
    catalogue: Catalogue | None

    def at(self, step: str) -> "_Place":
        return _Place(self.path + step, self.catalogue)

    def refusal(self, problem: str, *found: object) -> NotDecodable:
        return NotDecodable(self.path, ", not ".join([problem, *map(shown, found)]))


#: What is raised by taking something for what it is not.
_REFUSED: Final = (LookupError, OverflowError, TypeError, ValueError)


class _Shape(Protocol):
    """How what an annotation names is written, read, and told in a schema.

    ``form`` puts the tables that it meets among the parts of the schema, and refers to them there.
    """

    def write(self, value: Any, /) -> Any: ...
    def read(self, data: Any, place: _Place, /) -> Any: ...
    def form(self, parts: dict[str, Any], /) -> dict[str, Any]: ...


@attrs.frozen
class _Plain:
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

    def read(self, data: Any, place: _Place) -> Any:
        try:
            return self.take(data)
        except _REFUSED:
            raise place.refusal(f"must be {self.told}", data) from None

    def form(self, _parts: dict[str, Any]) -> dict[str, Any]:
        return dict(self.keywords)


@attrs.frozen
class _List:
    """A tuple, which is a list in plain data."""

    item: _Shape

    def write(self, value: tuple[Any, ...]) -> list[Any]:
        return [self.item.write(each) for each in value]

    def read(self, data: Any, place: _Place) -> tuple[Any, ...]:
        if not isinstance(data, list):
            raise place.refusal("must be a list", data)
        return tuple(self.item.read(each, place.at(f"[{at}]")) for at, each in enumerate(data))

    def form(self, parts: dict[str, Any]) -> dict[str, Any]:
        return {"type": "array", "items": self.item.form(parts)}


@attrs.frozen
class _ByKey:
    """A mapping whose keys are data too."""

    key: _Shape
    item: _Shape

    def write(self, value: Mapping[Any, Any]) -> dict[Any, Any]:
        return {self.key.write(key): self.item.write(each) for key, each in value.items()}

    def read(self, data: Any, place: _Place) -> dict[Any, Any]:
        if not isinstance(data, Mapping):
            raise place.refusal("must be a table", data)
        return {
            self.key.read(key, place): self.item.read(each, place.at(f"[{key!r}]"))
            for key, each in data.items()
        }

    def form(self, parts: dict[str, Any]) -> dict[str, Any]:
        return {"type": "object", "additionalProperties": self.item.form(parts)}


@attrs.frozen
class _OneOf:
    """One of several: a value is told by its class, a table by its keys."""

    shapes: "tuple[_Plain | _Table, ...]"

    def write(self, value: Any) -> Any:
        return next(shape for shape in self.shapes if isinstance(value, shape.kind)).write(value)

    def read(self, data: Any, place: _Place) -> Any:
        for shape in self.shapes:
            if shape.fits(data):
                return shape.read(data, place)
        raise place.refusal(f"must be {' or '.join(shape.told for shape in self.shapes)}", data)

    def form(self, parts: dict[str, Any]) -> dict[str, Any]:
        return {"anyOf": [shape.form(parts) for shape in self.shapes]}


@attrs.frozen
class _Entry:
    """What stands under a key of a table.

    Attributes:
        name: of the field, or of what follows from the fields.
        shape: how it is written.
        default: what it means that the key is left out; NOTHING where it cannot be.
        none: whether None is written by its word, since leaving it out means something else.
        promised: whether it follows from the fields, and is held against them.
    """

    name: str
    shape: _Shape
    default: Any
    none: bool = False
    promised: bool = False

    def read(self, data: Any, place: _Place) -> Any:
        if data is attrs.NOTHING:
            if self.default is attrs.NOTHING:
                raise place.refusal("is missing")
            return self.default
        return None if self.none and data == _NONE else self.shape.read(data, place)

    def form(self, parts: dict[str, Any]) -> dict[str, Any]:
        form = self.shape.form(parts)
        return {"anyOf": [form, {"const": _NONE}]} if self.none else form


@attrs.frozen
class _Table:
    """A value with fields, which is a table of them in plain data."""

    kind: Any
    entries: Mapping[str, _Entry]

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

    def read(self, data: Any, place: _Place) -> Any:
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

    def made(self, found: Mapping[str, Any], place: _Place) -> tuple[Any, dict[str, Any]]:
        """Return the value of what was found, and what follows from it and was promised."""
        entries = self.entries.items()
        fields = {entry.name: found[key] for key, entry in entries if not entry.promised}
        try:
            value = self.kind(**fields)
            return value, {key: getattr(value, key) for key, entry in entries if entry.promised}
        except ChannelPlansError as error:
            raise self.refused(error, place) from error

    def refused(self, error: ChannelPlansError, place: _Place) -> NotDecodable:
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


@attrs.frozen(field_transformer=checked)
class _Name:
    """What stands for an offer or a tariff where it is not whole."""

    name: str
    edition: str | None
    digest: str


@attrs.frozen
class _Named:
    """An offer or a tariff that stands by its name, and is looked up in the catalogue."""

    kind: Any
    table: _Table

    def write(self, value: Any) -> dict[str, Any]:
        return self.table.write(_Name(value.name, getattr(value, "edition", None), digest(value)))

    def read(self, data: Any, place: _Place) -> Any:
        name = self.table.read(data, place)
        if place.catalogue is None:
            raise place.refusal("stands by its name: give decode the catalogue that has it")
        known = {
            (value.name, getattr(value, "edition", None)): value
            for edition in place.catalogue.editions
            for value in (edition.offer, edition.tariff)
            if type(value) is self.kind
        }
        found = known.get((name.name, name.edition))
        if found is None:
            names = "; ".join(" ".join(filter(None, each)) for each in known)
            raise place.refusal(f"is not in the catalogue, which has: {names}")
        if digest(found) != name.digest:
            problem = f"must be {digest(found)!r}, as in the catalogue, not {name.digest!r}"
            raise place.at(".digest").refusal(problem)
        return found

    def form(self, parts: dict[str, Any]) -> dict[str, Any]:
        return self.table.form(parts)


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


_PLAIN: Final[Mapping[Any, _Plain]] = types.MappingProxyType(
    {
        plain.kind: plain
        for plain in (
            _Plain(bool, "true or false", {"type": "boolean"}, _only(bool)),
            _Plain(int, "a whole number", {"type": "integer"}, _only(int)),
            # As plain text, also where an application's identifiers are a class of their own.
            _Plain(str, "text", {"type": "string"}, _only(str), str.__str__),
            _Plain(
                date,
                'a day, such as "2026-01-05"',
                {"type": "string", "format": "date", "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}$"},
                _take_day,
                date.isoformat,
            ),
            _Plain(
                Decimal,
                'a number as text, such as "6.95"',
                {"type": "string", "pattern": f"^(?:{NUMBER.pattern})$"},
                _take_price,
                _write_price,
            ),
            _Plain(
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


def _choice(kind: enum.EnumMeta) -> _Plain:
    members: list[enum.Enum] = list(kind)
    values = {member.value: member for member in members}
    told = f"one of {', '.join(map(repr, values))}"
    return _Plain(kind, told, {"enum": [*values]}, values.__getitem__, attrgetter("value"))


def _one_of(*shapes: Any) -> _Shape:
    return shapes[0] if len(shapes) == 1 else _OneOf(shapes)


#: The shapes of the annotations that are made of others.
_MADE: Final[Mapping[Any, Callable[..., _Shape]]] = types.MappingProxyType(
    {tuple: _List, Mapping: _ByKey, types.UnionType: _one_of, Union: _one_of}
)


def _shape(kind: Any, *, whole: bool) -> _Shape:
    """Return the shape of what an annotation names; None among several is the entry's affair."""
    kind = getattr(kind, "__supertype__", kind)
    if kind in _PLAIN:
        return _PLAIN[kind]
    if isinstance(kind, enum.EnumMeta):
        return _choice(kind)
    if attrs.has(kind):
        return _table(kind, whole=whole) if whole or kind not in _NAMED else _Named(kind, _NAME)
    kinds = (each for each in get_args(kind) if each not in (..., types.NoneType))
    return _MADE[get_origin(kind)](*(_shape(each, whole=whole) for each in kinds))


def _table(kind: Any, *, whole: bool) -> _Table:
    entries = {
        _KEYS.get((kind, field.name), field.name): _entry(field, whole=whole)
        for field in attrs.fields(kind)
        if field.init
    }
    for name, promised in _PROMISED.get(kind, {}).items():
        entries[name] = _Entry(name, _shape(promised, whole=whole), attrs.NOTHING, promised=True)
    return _Table(kind, types.MappingProxyType(entries))


def _entry(field: "attrs.Attribute[Any]", *, whole: bool) -> _Entry:
    optional = types.NoneType in get_args(field.type)
    factory = getattr(field.default, "factory", None)
    default = factory() if factory else field.default
    if optional and default is attrs.NOTHING:
        default = None
    none = optional and default is not None
    return _Entry(field.name, _shape(field.type, whole=whole), default, none)


_NAME: Final = _table(_Name, whole=True)
_TABLES: Final[Mapping[Any, _Table]] = types.MappingProxyType(
    {kind: _table(kind, whole=kind in _WHOLE) for kind in _WORDS}
)
