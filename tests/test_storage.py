"""The ports: narrow Protocols that add up to a store, the asynchronous ones a mirror of them."""

# Identifiers are plain text here, and wrong types are given on purpose.
# mypy: disable-error-code="arg-type"

import inspect
from datetime import date
from typing import Protocol

import attrs
import pytest

from channelplans import storage
from channelplans.errors import WrongType
from channelplans.ledger import Posting, Purse, Reason
from channelplans.memory import MemoryStore
from channelplans.money import EUR, Money
from channelplans.storage import Booked, Page, Stored

NARROW = {
    "Subscriptions": {"subscription"},
    "Purses": {"balance", "postings"},
    "Commits": {"commit", "committed"},
    "Dues": {"due"},
}
WHOLE = {"subscription", "balance", "postings", "commit", "committed", "due"}
PORTS = {**NARROW, "Store": WHOLE}
# What each method takes: first what is given by its place alone, then what is given by name.
TAKES = {
    "subscription": (["profile"], {}),
    "balance": (["purse"], {}),
    "postings": (["purse"], {"since": None, "until": None}),
    "commit": (["decision"], {"expected": inspect.Parameter.empty}),
    "committed": (["token"], {}),
    "due": (["on"], {"cursor": None, "limit": 1000}),
}
METHODS = [(port, method) for port in NARROW for method in sorted(NARROW[port])]
POSTING = Posting(Purse("acme"), Money(500, EUR), Reason.DEPOSIT, date(2026, 1, 5))


def public(port):
    """Name the public methods of a port, those of its parts included."""
    return {name for name in dir(port) if not name.startswith("_")}


def taken(method):
    """Return what a method takes after itself, by place and by name."""
    _, *parameters = inspect.signature(method).parameters.values()
    by_place = [each.name for each in parameters if each.kind is each.POSITIONAL_ONLY]
    by_name = {each.name: each.default for each in parameters if each.kind is each.KEYWORD_ONLY}
    assert len(parameters) == len(by_place) + len(by_name)
    return by_place, by_name


class TestPorts:
    """What a port asks of a store, and how it can be called."""

    @pytest.mark.parametrize("prefix", ["", "Async"])
    @pytest.mark.parametrize("name", PORTS)
    def test_a_port_is_a_protocol_with_these_methods(self, name, prefix):
        """A port has its methods and no other, and no store has to inherit from it."""
        port = getattr(storage, prefix + name)

        assert Protocol in port.__bases__
        assert PORTS[name] == public(port)

    def test_no_port_is_forgotten(self):
        """What the module exports beside its values are the ports above, each of them twice."""
        both = {prefix + name for prefix in ("", "Async") for name in PORTS}

        assert both | {"Booked", "Page", "Stored"} == set(storage.__all__)

    @pytest.mark.parametrize("prefix", ["", "Async"])
    def test_a_store_is_the_narrow_ports_and_nothing_more(self, prefix):
        """Each method of a store belongs to exactly one narrow port."""
        whole = getattr(storage, f"{prefix}Store")
        narrow = tuple(getattr(storage, prefix + name) for name in NARROW)

        assert (*narrow, Protocol) == whole.__bases__
        assert sorted(WHOLE) == sorted(method for port in narrow for method in public(port))
        assert set() == public(whole) & set(vars(whole))

    @pytest.mark.parametrize(("name", "method"), METHODS)
    def test_what_comes_first_is_given_by_place_alone(self, name, method):
        """A store may call its parameters what it likes; options are given by name."""

        assert TAKES[method] == taken(getattr(getattr(storage, name), method))

    @pytest.mark.parametrize(("name", "method"), METHODS)
    def test_an_asynchronous_port_mirrors_its_own(self, name, method):
        """The same names, parameters, defaults and answers; one of the two is awaited."""
        plain = getattr(getattr(storage, name), method)
        awaited = getattr(getattr(storage, f"Async{name}"), method)

        assert inspect.signature(plain) == inspect.signature(awaited)
        assert [False, True] == [inspect.iscoroutinefunction(each) for each in (plain, awaited)]

    @pytest.mark.parametrize(("name", "method"), METHODS)
    def test_the_contract_stands_once(self, name, method):
        """Each method says what it must do, and its asynchronous twin says where that is said."""
        contract = inspect.getdoc(getattr(getattr(storage, name), method))
        mirrored = inspect.getdoc(getattr(getattr(storage, f"Async{name}"), method))

        assert len(contract) > 60
        assert f"As ``{name}.{method}``." == mirrored

    def test_a_look_at_a_store_proves_nothing(self):
        """No port answers isinstance, which an asynchronous store would pass as well."""
        for name in storage.__all__:
            port = getattr(storage, name)
            if Protocol in port.__bases__:
                with pytest.raises(TypeError):
                    isinstance(MemoryStore(), port)

    @pytest.mark.parametrize("method", sorted(WHOLE))
    def test_the_reference_store_takes_what_the_port_takes(self, method):
        """By place and by name, with the same defaults: nothing more that one could rely on."""

        assert TAKES[method] == taken(getattr(MemoryStore, method))


class TestValues:
    """The small values that a store answers with."""

    def test_what_is_stored_is_equal_at_the_same_revision_alone(self):
        """The same value at another revision is not the same state."""

        assert Stored("value", "1") == Stored("value", "1")
        assert Stored("value", "1") != Stored("value", "2")

    def test_a_page_without_a_cursor_is_the_last(self):
        """A walk that ends has nowhere to go on."""

        assert Page(("berlin",)).next is None

    @pytest.mark.parametrize(
        "wrong",
        [
            lambda: Booked("5 EUR", "t", 0),
            lambda: Booked(POSTING, 7, 0),
            lambda: Booked(POSTING, "t", "0"),
            lambda: Booked(POSTING, "t", True),
            lambda: Page("berlin"),
            lambda: Page((7,)),
            lambda: Page((), next=7),
        ],
    )
    def test_wrong_types_are_refused(self, wrong):
        """A store that hands out something else hears of it where it is made."""
        with pytest.raises(WrongType):
            wrong()

    def test_profiles_may_come_as_a_list(self):
        """Rows of a database are a list; a page keeps them as a tuple."""

        assert ("berlin", "paris") == Page(["berlin", "paris"]).profiles

    @pytest.mark.parametrize(
        ("value", "field"),
        [
            (Stored("value", "1"), "revision"),
            (Booked(POSTING, "t", 0), "index"),
            (Page(()), "next"),
        ],
        ids=lambda each: type(each).__name__,
    )
    def test_the_values_cannot_be_changed(self, value, field):
        """They are as immutable as any other."""
        with pytest.raises(attrs.exceptions.FrozenInstanceError):
            setattr(value, field, None)
