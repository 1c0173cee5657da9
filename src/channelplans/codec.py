"""Values to plain dicts and back, so that TOML, JSON and a database can carry them.

One mechanism serves every class: a field of the class is a key of the dict, and the annotation of
the field says what may stand under it. What is special is data, in the tables of this module.

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
from typing import Any, Final, TypeVar, get_args, get_origin

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
_TOTALS: Final[Mapping[Any, str]] = types.MappingProxyType({Quote: "total"})

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
    kind = type(value)
    return _head("type(value)", kind) | _write_fields(value, whole=kind in _WHOLE)


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
    place = _Place(head["kind"], catalogue, whole=kind in _WHOLE)
    if isinstance(data, Mapping):
        for key, expected in head.items():
            if key not in data:
                raise place.at(f".{key}").refusal("is missing")
            found = data[key]
            if type(found) is not type(expected) or found != expected:
                raise place.at(f".{key}").refusal(f"must be {expected!r}", found)
        data = {key: each for key, each in data.items() if key not in head}
    value: T = _read_fields(kind, data, place)
    return value


def digest(value: Offer | Tariff) -> str:
    """Return the fingerprint of an offer or a tariff, which equal ones share and no others.

    >>> from channelplans.offers import SKYPE_CONNECT, SKYPE_CONNECT_NEAREST
    >>> digest(SKYPE_CONNECT) == digest(SKYPE_CONNECT_NEAREST)
    False
    """
    if type(value) not in _NAMED:
        raise WrongType("value", shown(value), "an Offer or a Tariff")
    written = json.dumps(_write_fields(value, whole=True), sort_keys=True, separators=(",", ":"))
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
    table = _table_form(kind, parts, whole=kind in _WHOLE)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": head["kind"],
        **table,
        "properties": {key: {"const": each} for key, each in head.items()} | table["properties"],
        "required": [*head, *table["required"]],
        "$defs": dict(sorted(parts.items())),
    }


@attrs.frozen
class _Place:
    """Where in the data something stands, and what it takes to read it there."""

    path: str
    catalogue: Catalogue | None
    whole: bool

    def at(self, step: str) -> "_Place":
        return attrs.evolve(self, path=self.path + step)

    def refusal(self, problem: str, *found: object) -> NotDecodable:
        return NotDecodable(self.path, ", not ".join([problem, *map(shown, found)]))


@attrs.frozen
class _Plain:
    """How a value that has no fields is written and read; reading what it is not raises."""

    told: str
    form: Mapping[str, Any]
    read: Callable[[Any], Any]
    write: Callable[[Any], Any] = lambda value: value


def _only(kind: type) -> Callable[[object], Any]:
    def read(data: object) -> object:
        if type(data) is kind:
            return data
        raise TypeError

    return read


def _read_day(data: object) -> date:
    if isinstance(data, date) and not isinstance(data, datetime):
        return data
    day = date.fromisoformat(_only(str)(data))
    if day.isoformat() == data:
        return day
    raise ValueError


def _read_price(data: str) -> Decimal:
    if NUMBER.fullmatch(data):
        return Decimal(data)
    raise ValueError


def _write_price(price: Decimal) -> str:
    digits = f"{price:zf}"
    return digits.rstrip("0").rstrip(".") if "." in digits else digits


def _read_duration(data: object) -> timedelta:
    if isinstance(data, Mapping) and data and data.keys() <= _UNITS:
        return timedelta(**{unit: _only(int)(count) for unit, count in data.items()})
    raise ValueError


def _write_duration(duration: timedelta) -> dict[str, int]:
    seconds, rest = divmod(duration, timedelta(seconds=1))
    return {"seconds": seconds, "microseconds": rest.microseconds} if rest else {"seconds": seconds}


_UNITS: Final = frozenset({"hours", "minutes", "seconds", "microseconds"})

_PLAIN: Final[Mapping[type, _Plain]] = types.MappingProxyType(
    {
        bool: _Plain("true or false", {"type": "boolean"}, _only(bool)),
        int: _Plain("a whole number", {"type": "integer"}, _only(int)),
        str: _Plain("text", {"type": "string"}, _only(str)),
        date: _Plain(
            'a day, such as "2026-01-05"',
            {"type": "string", "format": "date"},
            _read_day,
            date.isoformat,
        ),
        Decimal: _Plain(
            'a number as text, such as "6.95"',
            {"type": "string", "pattern": f"^(?:{NUMBER.pattern})$"},
            _read_price,
            _write_price,
        ),
        timedelta: _Plain(
            'a duration, such as {"seconds": 30}',
            {
                "type": "object",
                "propertyNames": {"enum": sorted(_UNITS)},
                "additionalProperties": {"type": "integer"},
                "minProperties": 1,
            },
            _read_duration,
            _write_duration,
        ),
    }
)


def _plain(kind: Any) -> _Plain | None:
    if isinstance(kind, enum.EnumMeta):
        members: list[enum.Enum] = list(kind)
        values = [member.value for member in members]
        told = f"one of {', '.join(map(repr, values))}"
        return _Plain(told, {"enum": values}, kind, attrgetter("value"))
    return next((_PLAIN[each] for each in getattr(kind, "__mro__", ()) if each in _PLAIN), None)


@attrs.frozen(field_transformer=checked)
class _Name:
    """What stands for an offer or a tariff where it is not whole."""

    name: str
    edition: str | None
    digest: str


def _name(value: Any) -> _Name:
    return _Name(value.name, getattr(value, "edition", None), digest(value))


def _head(parameter: str, kind: Any) -> dict[str, Any]:
    if kind in _WORDS:
        return {"version": _VERSION, "kind": _WORDS[kind]}
    kinds = ", ".join(each.__name__ for each in _WORDS)
    raise WrongType(parameter, shown(kind), f"one of {kinds}")


def _fields(kind: Any) -> dict[str, "attrs.Attribute[Any]"]:
    """Return the fields that a value is made of, by their keys."""
    fields = (field for field in attrs.fields(kind) if field.init)
    return {_KEYS.get((kind, field.name), field.name): field for field in fields}


def _optional(field: "attrs.Attribute[Any]") -> bool:
    return types.NoneType in get_args(field.type)


def _default(field: "attrs.Attribute[Any]") -> Any:
    """Return what it means that a key is left out; NOTHING where it cannot be."""
    if field.default is attrs.NOTHING and _optional(field):
        return None
    factory = getattr(field.default, "factory", None)
    return factory() if factory else field.default


def _write(value: Any, *, whole: bool) -> Any:
    kind = type(value)
    plain = _plain(kind)
    if plain is not None:
        return plain.write(value)
    if isinstance(value, tuple):
        return [_write(each, whole=whole) for each in value]
    if isinstance(value, Mapping):
        return {key: _write(each, whole=whole) for key, each in value.items()}
    return _write_fields(_name(value) if kind in _NAMED and not whole else value, whole=whole)


def _write_fields(value: Any, *, whole: bool) -> dict[str, Any]:
    written = {}
    for key, field in _fields(type(value)).items():
        each = getattr(value, field.name)
        if each != _default(field):
            written[key] = _NONE if each is None else _write(each, whole=whole)
    total = _TOTALS.get(type(value))
    return written | {total: _write(getattr(value, total), whole=whole)} if total else written


def _read(kind: Any, data: Any, place: _Place) -> Any:
    """Return what data stands for where an annotation names the kind."""
    kind = getattr(kind, "__supertype__", kind)
    plain = _plain(kind)
    if plain is not None:
        try:
            return plain.read(data)
        except (TypeError, ValueError, OverflowError):
            raise place.refusal(f"must be {plain.told}", data) from None
    if attrs.has(kind):
        by_name = kind in _NAMED and not place.whole
        return _look_up(kind, data, place) if by_name else _read_fields(kind, data, place)
    return _READERS[get_origin(kind)](get_args(kind), data, place)


def _read_fields(kind: Any, data: object, place: _Place) -> Any:
    fields = _fields(kind)
    if not isinstance(data, Mapping):
        raise place.refusal(f"must be {_told(kind)}", data)
    total = _TOTALS.get(kind)
    known = [*fields, *filter(None, [total])]
    for key in data:
        if key not in known:
            raise place.at(f".{key}").refusal(f"is not known; what is: {', '.join(known)}")
    values = {
        field.name: _read_field(field, data.get(key, attrs.NOTHING), place.at(f".{key}"))
        for key, field in fields.items()
    }
    try:
        value = kind(**values)
    except ChannelPlansError as error:
        raise _refused(kind, error, place) from error
    if total:
        _check_total(getattr(value, total), data.get(total), place.at(f".{total}"))
    return value


def _check_total(total: Money, data: object, place: _Place) -> None:
    """Refuse a total that is not what the fields come to."""
    if data is None:
        raise place.refusal("is missing")
    found = _read(Money, data, place)
    if found != total:
        raise place.refusal(f"must be {total}, as its lines add up, not {found}")


def _refused(kind: Any, error: ChannelPlansError, place: _Place) -> NotDecodable:
    """Return a class's own refusal as one with the path to the field that it names."""
    parameter = getattr(error, "parameter", "")
    name, bracket, rest = parameter.partition("[")
    key = _KEYS.get((kind, name), name)
    if key not in _fields(kind):
        return place.refusal(str(error))
    step = f".{key}{bracket}{rest}"
    return place.at(step).refusal(str(error).removeprefix(f"{parameter} "))


def _read_field(field: "attrs.Attribute[Any]", data: object, place: _Place) -> Any:
    default = _default(field)
    if data is attrs.NOTHING:
        if default is attrs.NOTHING:
            raise place.refusal("is missing")
        return default
    if data == _NONE and _optional(field) and default is not None:
        return None
    return _read(field.type, data, place)


def _read_items(kinds: tuple[Any, ...], data: object, place: _Place) -> tuple[Any, ...]:
    if not isinstance(data, list):
        raise place.refusal("must be a list", data)
    return tuple(_read(kinds[0], each, place.at(f"[{at}]")) for at, each in enumerate(data))


def _read_table(kinds: tuple[Any, ...], data: object, place: _Place) -> dict[Any, Any]:
    if not isinstance(data, Mapping):
        raise place.refusal("must be a table", data)
    return {
        _read(kinds[0], key, place): _read(kinds[1], each, place.at(f"[{key!r}]"))
        for key, each in data.items()
    }


def _read_one_of(kinds: tuple[Any, ...], data: object, place: _Place) -> Any:
    several = [kind for kind in kinds if kind is not types.NoneType]
    for kind in several:
        if len(several) == 1 or _fits(kind, data, place):
            return _read(kind, data, place)
    raise place.refusal(f"must be {' or '.join(map(_told, several))}", data)


def _fits(kind: Any, data: object, place: _Place) -> bool:
    """Return whether data is of this kind and no other: a table is told by its keys."""
    if attrs.has(kind):
        return isinstance(data, Mapping) and not data.keys().isdisjoint(_fields(kind))
    try:
        _read(kind, data, place)
    except NotDecodable:
        return False
    return True


def _told(kind: Any) -> str:
    plain = _plain(kind)
    return plain.told if plain else f"a table of {', '.join(_fields(kind))}"


#: How the annotations that are made of others are read.
_READERS: Final[Mapping[Any, Callable[[tuple[Any, ...], Any, _Place], Any]]] = (
    types.MappingProxyType(
        {tuple: _read_items, Mapping: _read_table, types.UnionType: _read_one_of}
    )
)


def _look_up(kind: Any, data: object, place: _Place) -> Any:
    """Return the offer or tariff of the catalogue that a name stands for."""
    name = _read_fields(_Name, data, place)
    if place.catalogue is None:
        raise place.refusal("stands by its name: give decode the catalogue that has it")
    known = {
        (value.name, getattr(value, "edition", None)): value
        for edition in place.catalogue.editions
        for value in (edition.offer, edition.tariff)
        if type(value) is kind
    }
    found = known.get((name.name, name.edition))
    if found is None:
        names = "; ".join(" ".join(filter(None, each)) for each in known)
        raise place.refusal(f"is not in the catalogue, which has: {names}")
    if digest(found) != name.digest:
        problem = f"must be {digest(found)!r}, as in the catalogue, not {name.digest!r}"
        raise place.at(".digest").refusal(problem)
    return found


def _form(kind: Any, parts: dict[str, Any], *, whole: bool) -> dict[str, Any]:
    """Return the schema of what an annotation names; tables are told once, among the parts."""
    kind = getattr(kind, "__supertype__", kind)
    plain = _plain(kind)
    if plain is not None:
        return dict(plain.form)
    if attrs.has(kind):
        kind = _Name if kind in _NAMED and not whole else kind
        name = kind.__name__.removeprefix("_")
        if name not in parts:
            parts[name] = {}  # so that what holds itself is told once
            parts[name] |= _table_form(kind, parts, whole=whole)
        return {"$ref": f"#/$defs/{name}"}
    kinds = [each for each in get_args(kind) if each not in (..., types.NoneType)]
    forms = [_form(each, parts, whole=whole) for each in kinds]
    if get_origin(kind) is tuple:
        return {"type": "array", "items": forms[0]}
    if get_origin(kind) is Mapping:
        return {"type": "object", "additionalProperties": forms[1]}
    return {"anyOf": forms} if len(forms) > 1 else forms[0]


def _table_form(kind: Any, parts: dict[str, Any], *, whole: bool) -> dict[str, Any]:
    fields, total = _fields(kind), _TOTALS.get(kind)
    properties = {key: _form(field.type, parts, whole=whole) for key, field in fields.items()}
    required = [key for key, field in fields.items() if _default(field) is attrs.NOTHING]
    for key, field in fields.items():
        if _optional(field) and _default(field) is not None:
            properties[key] = {"anyOf": [properties[key], {"const": _NONE}]}
    if total:
        properties[total] = _form(Money, parts, whole=whole)
        required.append(total)
    return {
        "type": "object",
        "properties": properties,
        "required": required,
        "additionalProperties": False,
    }
