"""The storage ports: the methods of each protocol, its asynchronous twin, and the stored values."""

import inspect
from datetime import date
from typing import Protocol

import attrs
import pytest

from channelplans.errors import InvalidValue, WrongType
from channelplans.money import EUR, Money
from channelplans.storage import ports
from channelplans.storage.memory import MemoryStore
from channelplans.storage.ports import AsyncStore, Booked, Page, Revision, Store, Stored, shard_of
from channelplans.subscriptions.wallets import Posting, Reason, Wallet

METHODS = (
    "balance",
    "commit",
    "decision",
    "decisions",
    "due",
    "postings",
    "profiles",
    "subscription",
)
PAGE = {"cursor": None, "limit": 1000}
DAYS = {"since": None, "until": None}
# The parameters of each method: the positional-only ones, then the keyword-only ones with defaults.
PARAMETERS = {
    "subscription": (["account", "profile"], {}),
    "profiles": (["account"], PAGE),
    "balance": (["wallet"], {"before": None}),
    "postings": (["wallet"], DAYS | PAGE),
    "commit": (["decision"], {"expected": inspect.Parameter.empty}),
    "decision": (["account", "token"], {}),
    "decisions": (["account"], DAYS | PAGE),
    "due": (["on"], {"account": None, "shard": None} | PAGE),
}
POSTING = Posting(Wallet("acme"), Money(minor=500, currency=EUR), Reason.DEPOSIT, date(2026, 1, 5))
FIRST_REVISION, SECOND_REVISION = Revision("1"), Revision("2")


def public_methods(port):
    """Return the names of a port's public methods, inherited ones included."""
    return {name for name in dir(port) if not name.startswith("_")}


def parameters_of(method):
    """Return a method's positional-only parameters, and its keyword-only ones with defaults."""
    _, *parameters = inspect.signature(method).parameters.values()
    positional = [
        parameter.name for parameter in parameters if parameter.kind is parameter.POSITIONAL_ONLY
    ]
    keywords = {
        parameter.name: parameter.default
        for parameter in parameters
        if parameter.kind is parameter.KEYWORD_ONLY
    }
    assert len(parameters) == len(positional) + len(keywords)
    return positional, keywords


class TestPorts:
    """The methods that a store must have, and their signatures."""

    @pytest.mark.parametrize("port", [Store, AsyncStore])
    def test_port_is_a_protocol_with_exactly_its_methods(self, port):
        """A port is a Protocol, so a store need not inherit from it, and has only its methods."""

        assert (Protocol,) == port.__bases__
        assert set(METHODS) == public_methods(port)

    def test_storage_exports_the_ports_and_their_values(self):
        """The module exports both ports and the values that they, or the services, exchange."""
        store_values = {"Booked", "Cursor", "Page", "Revision", "Shard", "Stored", "shard_of"}
        service_values = {"Outcome", "Preview", "TransferPreview"}

        assert {"Store", "AsyncStore"} | store_values | service_values == set(ports.__all__)

    @pytest.mark.parametrize("name", ["Cursor", "Revision"])
    def test_opaque_identifiers_are_strings(self, name):
        """A revision and a cursor are text at run time, so a database can store them as text."""
        identifier = getattr(ports, name)

        assert "a-1" == identifier("a-1")

    @pytest.mark.parametrize("method", METHODS)
    def test_port_methods_take_positional_only_subjects_and_keyword_only_options(self, method):
        """A store may name positional parameters as it likes; it must keep the options' names."""

        assert PARAMETERS[method] == parameters_of(getattr(Store, method))

    @pytest.mark.parametrize("method", METHODS)
    def test_asynchronous_port_has_the_same_signatures(self, method):
        """Both ports have the same parameters, defaults and return types; one is a coroutine."""
        synchronous, asynchronous = getattr(Store, method), getattr(AsyncStore, method)

        assert inspect.signature(synchronous) == inspect.signature(asynchronous)
        assert not inspect.iscoroutinefunction(synchronous)
        assert inspect.iscoroutinefunction(asynchronous)

    @pytest.mark.parametrize("method", METHODS)
    def test_asynchronous_docstring_refers_to_the_synchronous_contract(self, method):
        """The synchronous method documents the contract; its twin's docstring refers to it."""
        contract = inspect.getdoc(getattr(Store, method))
        reference = inspect.getdoc(getattr(AsyncStore, method))

        assert contract is not None
        assert len(contract) > 60
        assert f"See ``Store.{method}``." == reference

    @pytest.mark.parametrize("port", [Store, AsyncStore])
    def test_isinstance_with_a_port_raises(self, port):
        """isinstance() would accept an asynchronous store as well, so no port supports it."""
        with pytest.raises(TypeError):
            isinstance(MemoryStore(), port)

    @pytest.mark.parametrize("method", METHODS)
    def test_memory_store_has_the_parameters_of_the_port(self, method):
        """MemoryStore accepts no other parameters, so code written for it works with any store."""

        assert PARAMETERS[method] == parameters_of(getattr(MemoryStore, method))


class TestValues:
    """The small values that a store returns."""

    def test_stored_values_differ_if_only_their_revisions_differ(self):
        """The same value at another revision is not the same state."""

        assert Stored("value", FIRST_REVISION) == Stored("value", FIRST_REVISION)
        assert Stored("value", FIRST_REVISION) != Stored("value", SECOND_REVISION)

    def test_page_has_no_next_cursor_by_default(self):
        """A page without a next cursor is the last page."""

        assert Page(("berlin",)).next is None

    @pytest.mark.parametrize(
        "construct",
        [
            lambda: Booked("5 EUR", "t", 0),  # type: ignore[arg-type]
            lambda: Booked(POSTING, 7, 0),  # type: ignore[arg-type]
            lambda: Booked(POSTING, "t", "0"),  # type: ignore[arg-type]
            lambda: Booked(POSTING, "t", True),
        ],
    )
    def test_constructor_refuses_wrong_types(self, construct):
        """A store that builds a value from a wrong type fails in the constructor."""
        with pytest.raises(WrongType):
            construct()

    @pytest.mark.parametrize(
        ("value", "field"),
        [
            (Stored("value", FIRST_REVISION), "revision"),
            (Booked(POSTING, "t", 0), "index"),
            (Page(()), "next"),
        ],
        ids=lambda value: type(value).__name__,
    )
    def test_stored_values_are_frozen(self, value, field):
        """Assigning to a field raises."""
        with pytest.raises(attrs.exceptions.FrozenInstanceError):
            setattr(value, field, None)


class TestShards:
    """shard_of() divides the accounts among a number of workers."""

    @pytest.mark.parametrize("account", ["acme", "ż", "日本", "a/b", "x" * 255])
    def test_shard_is_the_crc_32_of_the_utf_8_text(self, account):
        """Computed bit by bit from the polynomial of CRC-32, which is that of Ethernet and zip."""
        checksum = 0xFFFFFFFF
        for byte in account.encode("utf-8"):
            checksum ^= byte
            for _ in range(8):
                checksum = checksum >> 1 ^ (0xEDB88320 if checksum & 1 else 0)

        assert [(checksum ^ 0xFFFFFFFF) % count for count in (1, 2, 7, 1000)] == [
            shard_of(account, count) for count in (1, 2, 7, 1000)
        ]

    @pytest.mark.parametrize("count", [0, -1])
    def test_shard_of_refuses_less_than_one_shard(self, count):
        """There is no shard that an account could belong to."""
        with pytest.raises(InvalidValue, match="count must be at least 1"):
            shard_of("acme", count)
