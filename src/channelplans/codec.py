"""Values to plain dicts and back, so that TOML, JSON and a database can carry them.

One mechanism serves every class: a field of the class is a key of the dict, and the annotation of
the field says what may stand under it. From the annotations a shape of each class is made, once,
and a shape (``_shapes``) knows how a value is written, read, and told in a schema. What is special
is data, in the tables of this module.

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
from typing import Any, Final, TypeVar, Union, get_args, get_origin

import attrs

from channelplans._shapes import (
    PLAIN,
    ByKey,
    Entry,
    List,
    Place,
    Shape,
    Table,
    choice,
    one_of,
)
from channelplans.calendar import Days, Months
from channelplans.catalogue import Catalogue
from channelplans.checks import checked, instance, shown
from channelplans.errors import WrongType
from channelplans.ledger import Posting
from channelplans.lifecycle import Decision
from channelplans.money import Money
from channelplans.plans import Offer, Plan
from channelplans.pricing import Quote, Tariff
from channelplans.subscriptions import Subscription

__all__ = ["decode", "digest", "encode", "schema"]

T = TypeVar("T")

_VERSION: Final = 1

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
    place = Place(head["kind"], catalogue)
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
    table: Table

    def write(self, value: Any) -> dict[str, Any]:
        return self.table.write(_Name(value.name, getattr(value, "edition", None), digest(value)))

    def read(self, data: Any, place: Place) -> Any:
        name = self.table.read(data, place)
        if place.names is None:
            raise place.refusal("stands by its name: give decode the catalogue that has it")
        known = {
            (value.name, getattr(value, "edition", None)): value
            for edition in place.names.editions
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


#: The shapes of the annotations that are made of others.
_MADE: Final[Mapping[Any, Callable[..., Shape]]] = types.MappingProxyType(
    {tuple: List, Mapping: ByKey, types.UnionType: one_of, Union: one_of}
)


def _shape(kind: Any, *, whole: bool) -> Shape:
    """Return the shape of what an annotation names; None among several is the entry's affair."""
    kind = getattr(kind, "__supertype__", kind)
    if kind in PLAIN:
        return PLAIN[kind]
    if isinstance(kind, enum.EnumMeta):
        return choice(kind)
    if attrs.has(kind):
        return _table(kind, whole=whole) if whole or kind not in _NAMED else _Named(kind, _NAME)
    kinds = (each for each in get_args(kind) if each not in (..., types.NoneType))
    return _MADE[get_origin(kind)](*(_shape(each, whole=whole) for each in kinds))


def _table(kind: Any, *, whole: bool) -> Table:
    entries = {
        _KEYS.get((kind, field.name), field.name): _entry(field, whole=whole)
        for field in attrs.fields(kind)
        if field.init
    }
    for name, promised in _PROMISED.get(kind, {}).items():
        entries[name] = Entry(name, _shape(promised, whole=whole), attrs.NOTHING, promised=True)
    return Table(kind, types.MappingProxyType(entries))


def _entry(field: "attrs.Attribute[Any]", *, whole: bool) -> Entry:
    optional = types.NoneType in get_args(field.type)
    factory = getattr(field.default, "factory", None)
    default = factory() if factory else field.default
    if optional and default is attrs.NOTHING:
        default = None
    none = optional and default is not None
    return Entry(field.name, _shape(field.type, whole=whole), default, none)


_NAME: Final = _table(_Name, whole=True)
_TABLES: Final[Mapping[Any, Table]] = types.MappingProxyType(
    {kind: _table(kind, whole=kind in _WHOLE) for kind in _WORDS}
)
