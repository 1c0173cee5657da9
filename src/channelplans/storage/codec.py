"""Encode values as plain, versioned dicts for TOML, JSON or a database, and decode them.

Every class is encoded in the same way: each field is a key, and its annotation decides the form.
The form of each class is computed once, as a shape (``_shapes``). The tables below list the
exceptions.

- A key is left out if the value is the field's default. A None is left out too if the field has no
  default. If the default is not None, None is written as "none".
- A price is text ("6.95"), and so is a rate that has only a price of a minute.
- A day is ISO text; TOML dates are read too.
- A duration is a table of whole units ({"seconds": 30}), a length {"days": 30} or {"months": 1}.
- An enum is its value, and a tuple is a list. Equal offers and tariffs have equal dicts.
- ``encode`` of an offer, a tariff or a catalogue writes every field. All other values refer to
  their offer and tariff by name and digest; ``decode`` looks them up in a catalogue.
- A quote stores its lines, so that a later version of the rules cannot change what was paid.

A new field with a default changes neither the dicts nor the digests of values that have the
default. This module does not read or write files or text.
"""

import enum
import hashlib
import json
import types
from collections.abc import Callable, Mapping
from typing import Any, Final, TypeVar, Union, get_args, get_origin

import attrs

from channelplans._checks import instance, short_repr, shown
from channelplans._constructors import checked
from channelplans._display import ReprMixin
from channelplans.calendar import Days, Months
from channelplans.errors import WrongType
from channelplans.plans import Offer, Plan
from channelplans.pricing import Quote
from channelplans.storage._shapes import (
    PLAIN,
    ByKey,
    Entry,
    List,
    Place,
    Shape,
    ShortTable,
    Table,
    choice,
    one_of,
)
from channelplans.subscriptions.catalogue import Catalogue
from channelplans.subscriptions.decisions import Decision, Transfer
from channelplans.subscriptions.subscription import Subscription
from channelplans.subscriptions.wallets import Posting
from channelplans.tariffs import Rate, Tariff

__all__ = ["decode", "decode_committed", "digest", "encode", "schema"]

T = TypeVar("T")

_VERSION: Final = 1

#: The classes that ``encode`` accepts, and the ``kind`` of each.
_WORDS: Final[Mapping[Any, str]] = types.MappingProxyType(
    {
        kind: kind.__name__.lower()
        for kind in (
            Offer,
            Tariff,
            Catalogue,
            Plan,
            Quote,
            Subscription,
            Posting,
            Decision,
            Transfer,
        )
    }
)

#: The classes that write every field of their offers and tariffs.
_WHOLE: Final = frozenset({Offer, Tariff, Catalogue})

#: The classes that all other values refer to by name.
_REFERENCED: Final = frozenset({Offer, Tariff})

#: The classes that are written as the value of their first field if no other field is needed.
_SHORT: Final = frozenset({Rate})

#: The keys that have another name than their field.
_KEYS: Final[Mapping[Any, str]] = types.MappingProxyType(
    {(Days, "count"): "days", (Months, "count"): "months"}
)


def encode(
    value: Offer | Tariff | Catalogue | Plan | Quote | Subscription | Posting | Decision | Transfer,
) -> dict[str, Any]:
    """Return a value as a dict of text, whole numbers, booleans, lists and nested dicts.

    Raises:
        WrongType: the value is of another class than those listed.

    >>> from channelplans.money import EUR
    >>> encode(Tariff("2026", EUR, channel="6.95", bundle="10", minute="0.021"))["channel"]
    '6.95'
    """
    return _head("type(value)", type(value)) | _TABLES[type(value)].write(value)


def decode(kind: type[T], data: object, *, catalogue: Catalogue | None = None) -> T:
    """Return the value of a class from the dict that ``encode`` made of it.

    ``catalogue`` must contain the offers and tariffs that the dict refers to by name.

    Raises:
        WrongType: ``kind`` is not a class that ``encode`` accepts.
        NotDecodable: a key is missing or unknown, a value has a wrong type or breaks a rule, or the
            catalogue does not have the same offer or tariff. The error names the path to the fault.

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
                raise place.at(f".{key}").error("is missing")
            actual = data[key]
            if type(actual) is not type(expected) or actual != expected:
                raise place.at(f".{key}").error(f"must be {expected!r}", actual)
        data = {key: content for key, content in data.items() if key not in head}
    value: T = _TABLES[kind].read(data, place)
    return value


def decode_committed(data: object, *, catalogue: Catalogue | None = None) -> Decision | Transfer:
    """Return a decision or a transfer from the dict that ``encode`` made; its ``kind`` says which.

    Raises:
        NotDecodable: see ``decode``.

    >>> from datetime import date
    >>> from channelplans.money import EUR, Money
    >>> from channelplans.subscriptions import Wallet, deposit
    >>> day = date(2026, 1, 5)
    >>> paid_in = deposit(Wallet("acme"), Money.of("50", EUR), transfer="p-1", on=day)
    >>> decode_committed(encode(paid_in)) == paid_in
    True
    """
    if isinstance(data, Mapping) and data.get("kind") == _WORDS[Transfer]:
        return decode(Transfer, data, catalogue=catalogue)
    return decode(Decision, data, catalogue=catalogue)


def digest(value: Offer | Tariff) -> str:
    """Return the SHA-256 fingerprint of an offer or a tariff; equal values have equal digests.

    >>> from channelplans.offers import OFFERS, SKYPE_CONNECT
    >>> digest(SKYPE_CONNECT) == digest(OFFERS["skype-connect-nearest"])
    False
    """
    if type(value) not in _REFERENCED:
        raise WrongType("value", shown(value), "an Offer or a Tariff")
    written = json.dumps(_TABLES[type(value)].write(value), sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(written.encode()).hexdigest()


def schema(kind: type) -> dict[str, Any]:
    """Return the JSON Schema (2020-12) of the dicts that ``encode`` makes of a class.

    A schema does not check whether values are legal or consistent; ``decode`` does.

    Raises:
        WrongType: ``kind`` is not a class that ``encode`` accepts.

    >>> schema(Posting)["properties"]["amount"], schema(Posting)["$defs"]["Money"]["required"]
    ({'$ref': '#/$defs/Money'}, ['minor', 'currency'])
    """
    head, parts = _head("kind", kind), dict[str, Any]()
    table = _TABLES[kind].body(parts)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": head["kind"],
        **table,
        "properties": {key: {"const": value} for key, value in head.items()} | table["properties"],
        "required": [*head, *table["required"]],
        "$defs": dict(sorted(parts.items())),
    }


def _head(parameter: str, kind: Any) -> dict[str, Any]:
    if isinstance(kind, type) and kind in _WORDS:
        return {"version": _VERSION, "kind": _WORDS[kind]}
    kinds = ", ".join(accepted.__name__ for accepted in _WORDS)
    raise WrongType(parameter, shown(kind), f"one of {kinds}")


@checked
@attrs.frozen(repr=False)
class _Name(ReprMixin):
    """A reference to an offer or a tariff; ``edition`` is None for a tariff."""

    name: str
    edition: str | None
    digest: str


@attrs.frozen
class _Reference:
    """The shape of an offer or a tariff that is written as a ``_Name`` and looked up."""

    kind: Any
    table: Table

    def write(self, value: Any) -> dict[str, Any]:
        return self.table.write(_Name(value.name, getattr(value, "edition", None), digest(value)))

    def read(self, data: Any, place: Place) -> Any:
        reference = self.table.read(data, place)
        if place.catalogue is None:
            raise place.error("is stored by name: pass decode a catalogue that has it")
        by_name = {
            (value.name, getattr(value, "edition", None)): value
            for edition in place.catalogue.editions
            for value in (edition.offer, edition.tariff)
            if type(value) is self.kind
        }
        value = by_name.get((reference.name, reference.edition))
        if value is None:
            names = "; ".join(" ".join(filter(None, name)) for name in by_name)
            raise place.error(f"is not in the catalogue, which has: {names}")
        if digest(value) != reference.digest:
            expected, actual = digest(value), short_repr(reference.digest)
            problem = f"must be {expected!r}, as in the catalogue, not {actual}"
            raise place.at(".digest").error(problem)
        return value

    def form(self, parts: dict[str, Any]) -> dict[str, Any]:
        return self.table.form(parts)


#: The shapes of annotations with type arguments, such as tuple[Line, ...].
_GENERIC: Final[Mapping[Any, Callable[..., Shape]]] = types.MappingProxyType(
    {tuple: List, Mapping: ByKey, types.UnionType: one_of, Union: one_of}
)


def _shape(kind: Any, *, whole: bool) -> Shape:
    """Return the shape of an annotation; ``Entry`` handles None in a union."""
    kind = getattr(kind, "__supertype__", kind)
    if kind in PLAIN:
        return PLAIN[kind]
    if isinstance(kind, enum.EnumMeta):
        return choice(kind)
    if kind in _REFERENCED and not whole:
        return _Reference(kind, _NAME)
    if kind in _SHORT:
        return ShortTable(_table(kind, whole=whole))
    if attrs.has(kind):
        return _table(kind, whole=whole)
    kinds = (item for item in get_args(kind) if item not in (..., types.NoneType))
    return _GENERIC[get_origin(kind)](*(_shape(item, whole=whole) for item in kinds))


def _table(kind: Any, *, whole: bool) -> Table:
    entries = {
        _KEYS.get((kind, field.name), field.name): _entry(field, whole=whole)
        for field in attrs.fields(kind)
        if field.init
    }
    return Table(kind, types.MappingProxyType(entries))


def _entry(field: "attrs.Attribute[Any]", *, whole: bool) -> Entry:
    optional = types.NoneType in get_args(field.type)
    default = field.default
    if optional and default is attrs.NOTHING:
        default = None
    writes_none = optional and default is not None
    return Entry(field.name, _shape(field.type, whole=whole), default, writes_none)


_NAME: Final = _table(_Name, whole=True)
_TABLES: Final[Mapping[Any, Table]] = types.MappingProxyType(
    {kind: _table(kind, whole=kind in _WHOLE) for kind in _WORDS}
)
