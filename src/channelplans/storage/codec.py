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
  their offers and tariffs by name and digest. ``definitions_of`` returns these offers and tariffs,
  and ``decode`` looks them up by digest.
- A quote stores its lines, so that a later version of the rules cannot change what was paid.

A new field with a default changes neither the dicts nor the digests of values that have the
default. This module does not read or write files or text.
"""

import enum
import hashlib
import json
import types
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, Protocol, TypeAlias, TypeVar, Union, get_args, get_origin

import attrs

from channelplans._checks import short_repr, shown
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
    Refer,
    Shape,
    ShortTable,
    Table,
    choice,
    one_of,
)
from channelplans.storage.ports import Preview, TransferPreview
from channelplans.subscriptions.catalogue import Catalogue
from channelplans.subscriptions.decisions import Decision, Transfer
from channelplans.subscriptions.subscription import Subscription
from channelplans.subscriptions.wallets import Posting
from channelplans.tariffs import Rate, Tariff

__all__ = [
    "Definitions",
    "Encoder",
    "decode",
    "decode_committed",
    "decode_definition",
    "definitions_of",
    "digest",
    "encode",
    "schema",
]

T = TypeVar("T")

_Encodable: TypeAlias = (
    Offer
    | Tariff
    | Catalogue
    | Plan
    | Quote
    | Subscription
    | Posting
    | Decision
    | Transfer
    | Preview
    | TransferPreview
)

_VERSION: Final = 1

#: The classes that ``encode`` accepts, and the ``kind`` of each.
_WORDS: Final[Mapping[Any, str]] = types.MappingProxyType(
    {
        Offer: "offer",
        Tariff: "tariff",
        Catalogue: "catalogue",
        Plan: "plan",
        Quote: "quote",
        Subscription: "subscription",
        Posting: "posting",
        Decision: "decision",
        Transfer: "transfer",
        Preview: "preview",
        TransferPreview: "transfer-preview",
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


class Definitions(Protocol):
    """Offers and tariffs by digest, for ``decode``: a dict, or an object that loads one on demand.

    A stored offer or tariff never changes: a change of it has another digest. So an object that
    loads definitions from a table may keep them, and never has to load one twice.
    """

    def __getitem__(self, digest: str, /) -> Offer | Tariff:
        """Return the offer or the tariff with a digest.

        Args:
            digest: the digest, as ``digest()`` returns it.

        Raises:
            KeyError: no definition has this digest.
        """
        ...


_NO_DEFINITIONS: Final[Mapping[str, Offer | Tariff]] = types.MappingProxyType({})


def encode(value: _Encodable) -> dict[str, Any]:
    """Return a value as a dict of text, whole numbers, booleans, lists and nested dicts.

    Args:
        value: an offer, a tariff, a catalogue, a plan, a quote, a subscription, a posting, a
            decision, a transfer, or a preview of one of the last two.

    Raises:
        WrongType: the value is of another class.

    >>> from channelplans import EUR, Tariff, encode
    >>> data = encode(Tariff("2026", EUR, channel="6.95", bundle="10", minute="0.021"))
    >>> data["kind"], data["version"], data["channel"]
    ('tariff', 1, '6.95')
    """
    return Encoder().encode(value)


class Encoder:
    """Encodes several values, and collects the offers and tariffs that they refer to.

    A store encodes a decision, then the decision's subscription, in one commit. The encoder
    computes each digest once, and writes the subscription once: the two dicts share their parts, so
    do not change them.

    Args:
        digests: the digests that are known already. The encoder adds the digests that it computes.
            Pass the same dict to every encoder of a store, and each digest is computed once.

    >>> from channelplans import SKYPE_CONNECT, encode
    >>> from channelplans.storage import Encoder, digest
    >>> encoder, plan = Encoder(), SKYPE_CONNECT.plan(channels=5)
    >>> encoder.encode(plan) == encode(plan)
    True
    >>> encoder.definitions == {digest(SKYPE_CONNECT): SKYPE_CONNECT}
    True
    """

    def __init__(self, digests: dict[Offer | Tariff, str] | None = None) -> None:
        self._definitions: dict[str, Offer | Tariff] = {}
        self._digests = {} if digests is None else digests
        # By id, which needs no hash of all fields. The object is kept, so its id is not used again.
        self._referred: dict[int, tuple[Offer | Tariff, str]] = {}
        self._after: tuple[Subscription, dict[str, Any]] | None = None

    @property
    def definitions(self) -> Mapping[str, Offer | Tariff]:
        """The offers and tariffs that the values encoded so far refer to, by digest."""
        return types.MappingProxyType(self._definitions)

    def encode(self, value: _Encodable) -> dict[str, Any]:
        """Return what ``encode`` returns, and collect the definitions.

        Args:
            value: a value that ``encode`` accepts.

        Raises:
            WrongType: see ``encode``.
        """
        kind = type(value)
        advice = "; to_records() gives plain rows" if hasattr(kind, "to_records") else ""
        head = _head("type(value)", kind, advice)
        if self._after is not None and self._after[0] is value:
            return head | self._after[1]
        written = _TABLES[kind].write(value, self._refer)
        if isinstance(value, Decision):
            self._after = (value.after, written["after"])
        return head | written

    def _refer(self, definition: Offer | Tariff) -> str:
        """Return the digest of an offer or a tariff, and collect it."""
        if id(definition) not in self._referred:
            found = self._digests.get(definition)
            if found is None:
                found = self._digests[definition] = digest(definition)
            self._referred[id(definition)] = (definition, found)
            self._definitions.setdefault(found, definition)
        return self._referred[id(definition)][1]


def definitions_of(value: _Encodable) -> Mapping[str, Offer | Tariff]:
    """Return by digest every offer and tariff that the encoded value refers to, and no others.

    Store them in the same commit as the value, unless they are stored already. An offer, a tariff
    or a catalogue is written in full, so it refers to nothing.

    Args:
        value: a value that ``encode`` accepts.

    Raises:
        WrongType: the value is of another class.

    >>> from channelplans import SKYPE_CONNECT, Plan, decode, encode
    >>> from channelplans.storage import definitions_of, digest
    >>> plan = SKYPE_CONNECT.plan(channels=5)
    >>> definitions = definitions_of(plan)
    >>> definitions == {digest(SKYPE_CONNECT): SKYPE_CONNECT}
    True
    >>> decode(Plan, encode(plan), definitions=definitions) == plan
    True
    """
    encoder = Encoder()
    encoder.encode(value)
    return encoder.definitions


def decode(kind: type[T], data: object, *, definitions: Definitions = _NO_DEFINITIONS) -> T:
    """Return the value of a class from the dict that ``encode`` made of it.

    ``decode`` looks up each offer and tariff that the dict refers to by ``definitions[digest]``. It
    compares the name, but does not compute the digest again, so the number of definitions does not
    matter. An error other than KeyError that the look-up raises is not caught.

    Args:
        kind: the class of the value, such as ``Offer``.
        data: the dict; TOML or JSON that was read is fine.
        definitions: the offers and tariffs by digest. An offer, a tariff and a catalogue need none.

    Raises:
        WrongType: ``kind`` is not a class that ``encode`` accepts, or ``definitions`` is no mapping
            from digests.
        NotDecodable: a key is missing or unknown, a value has a wrong type or breaks a rule, or
            ``definitions`` does not have an offer or a tariff. The error names the path to the
            fault.

    >>> from channelplans import SKYPE_CONNECT, Offer, decode, encode
    >>> data = encode(SKYPE_CONNECT)
    >>> decode(Offer, data) == SKYPE_CONNECT
    True
    >>> data["quantity"]["steps"][0]["multiple"] = 0
    >>> decode(Offer, data)  # doctest: +NORMALIZE_WHITESPACE
    Traceback (most recent call last):
        ...
    channelplans.errors.NotDecodable: offer.quantity.steps[0].multiple:
    must be at least 1, not 0
    """
    head = _head("kind", kind)
    if isinstance(definitions, Sequence) or not hasattr(definitions, "__getitem__"):
        expected = "a mapping from digests, such as that of definitions_of()"
        raise WrongType("definitions", shown(definitions), expected)
    place = Place(head["kind"], definitions)
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


def decode_committed(
    data: object, *, definitions: Definitions = _NO_DEFINITIONS
) -> Decision | Transfer:
    """Return a decision or a transfer from the dict that ``encode`` made; its ``kind`` says which.

    Args:
        data: the dict.
        definitions: the offers and tariffs by digest, as for ``decode``. A transfer needs none.

    Raises:
        WrongType: ``definitions`` is no mapping from digests.
        NotDecodable: see ``decode``.

    >>> from datetime import date
    >>> from channelplans import EUR, Money, Wallet, deposit, encode
    >>> from channelplans.storage import decode_committed
    >>> fifty, day = Money.of("50", EUR), date(2026, 1, 5)
    >>> paid_in = deposit(Wallet("acme"), fifty, transfer="p-1", on=day)
    >>> decode_committed(encode(paid_in)) == paid_in
    True
    """
    if isinstance(data, Mapping) and data.get("kind") == _WORDS[Transfer]:
        return decode(Transfer, data, definitions=definitions)
    return decode(Decision, data, definitions=definitions)


def decode_definition(data: object) -> Offer | Tariff:
    """Return an offer or a tariff from the dict that ``encode`` made; its ``kind`` says which.

    Args:
        data: the dict.

    Raises:
        NotDecodable: see ``decode``.

    >>> from channelplans import SKYPE_CONNECT, encode
    >>> from channelplans.storage import decode_definition
    >>> decode_definition(encode(SKYPE_CONNECT)) == SKYPE_CONNECT
    True
    """
    if isinstance(data, Mapping) and data.get("kind") == _WORDS[Tariff]:
        return decode(Tariff, data)
    return decode(Offer, data)


def digest(value: Offer | Tariff) -> str:
    """Return the SHA-256 digest of an offer or a tariff; equal values have equal digests.

    Args:
        value: the offer or the tariff.

    Returns:
        64 hexadecimal digits.

    Raises:
        WrongType: the value is of another class.

    >>> from channelplans import SKYPE_CONNECT
    >>> from channelplans.offers import OFFERS
    >>> from channelplans.storage import digest
    >>> digest(SKYPE_CONNECT) == digest(OFFERS["skype-connect-nearest"])
    False
    >>> len(digest(SKYPE_CONNECT))
    64
    """
    if type(value) not in _REFERENCED:
        raise WrongType("value", shown(value), "an Offer or a Tariff")
    data = _TABLES[type(value)].write(value, digest)
    written = json.dumps(data, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(written.encode()).hexdigest()


def schema(kind: type) -> dict[str, Any]:
    """Return the JSON Schema (2020-12) of the dicts that ``encode`` makes of a class.

    A schema does not check whether values are legal or consistent; ``decode`` does.

    Args:
        kind: a class that ``encode`` accepts, such as ``Posting``.

    Raises:
        WrongType: ``kind`` is another class.

    >>> from channelplans import Posting
    >>> from channelplans.storage import schema
    >>> schema(Posting)["properties"]["amount"]
    {'$ref': '#/$defs/Money'}
    >>> schema(Posting)["$defs"]["Money"]["required"]
    ['minor', 'currency']
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


def _head(parameter: str, kind: Any, advice: str = "") -> dict[str, Any]:
    if isinstance(kind, type) and kind in _WORDS:
        return {"version": _VERSION, "kind": _WORDS[kind]}
    kinds = ", ".join(accepted.__name__ for accepted in _WORDS)
    raise WrongType(parameter, shown(kind), f"one of {kinds}{advice}")


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

    def write(self, value: Any, refer: Refer) -> dict[str, Any]:
        return self.table.write(_Name(value.name, _edition(value), refer(value)), refer)

    def read(self, data: Any, place: Place) -> Any:
        reference: _Name = self.table.read(data, place)
        try:
            found = place.definitions[reference.digest]
        except KeyError as error:
            problem = (
                f"is {self.describe(reference)} with the digest {short_repr(reference.digest)}, "
                "which definitions does not have: pass decode the definitions_of() the value that "
                "was encoded, and store them in the same commit as the value"
            )
            raise place.error(problem) from error
        if type(found) is not self.kind:
            problem = f"must be {self.describe(reference)}, but definitions has under its digest"
            raise place.error(f"{problem} {shown(found)}")
        if (found.name, _edition(found)) != (reference.name, reference.edition):
            problem = f"must be {self.describe(found)}, as definitions has it under this digest"
            raise place.error(f"{problem}, not {_full_name(reference)}")
        return found

    def describe(self, definition: Any) -> str:
        return f"the {_WORDS[self.kind]} {_full_name(definition)}"

    def form(self, parts: dict[str, Any]) -> dict[str, Any]:
        return self.table.form(parts)


def _edition(definition: Any) -> str | None:
    return getattr(definition, "edition", None)


def _full_name(definition: Any) -> str:
    name, edition = definition.name, _edition(definition)
    return short_repr(name if edition is None else f"{name} {edition}")


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
