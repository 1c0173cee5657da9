"""The page "All names at a glance" lists each name of the package root once, with what it is."""

import sys
from pathlib import Path

import pytest

import channelplans
from channelplans.subscriptions import wallets
from names import Name, introduce, list_names

REFERENCE = Path(__file__).resolve().parents[1] / "docs" / "reference"
NAMES = [name for names in list_names().values() for name in names]


def test_list_names_has_each_name_of_the_root_once():
    """The page has the names of ``channelplans.__all__``; the version has an entry of its own."""
    listed = [name.name for name in NAMES]

    assert sorted({*vars(channelplans)["__all__"]} - {"__version__"}) == sorted(listed)


def test_each_name_has_a_module_a_page_and_a_sentence():
    """The module defines the name, the module's page exists, and one sentence says what it is."""
    for name in NAMES:
        value = getattr(sys.modules[name.module], name.name)

        assert value is getattr(channelplans, name.name)
        assert (REFERENCE / f"{name.module.rpartition('.')[2]}.rst").is_file(), name
        assert name.summary.endswith("."), name


def test_introduce_keeps_code_out_of_the_link():
    """The names in code stand before the link, because a link cannot contain them."""
    introduction = introduce("channelplans.storage.billing")

    assert introduction.startswith("``Billing`` and ``AsyncBilling``: ")
    assert introduction.endswith(". More: :doc:`billing`.")


def test_list_names_puts_a_class_into_the_module_that_defines_it():
    """A name of a room is listed under its module, not under the room."""
    names = {name.name for name in list_names()["channelplans.subscriptions.wallets"]}

    assert names <= {*wallets.__all__}
    assert {"Posting", "Statement", "Wallet", "settle"} <= names


def test_list_names_describes_a_constant_by_the_comment_above_it():
    """The euro is not described as a currency in general."""
    (euro,) = [name for name in NAMES if name.name == "EUR"]

    assert Name("EUR", "channelplans.money", "The euro, counted in cents.") == euro


def test_list_names_refuses_a_constant_without_a_description(monkeypatch):
    """The error names the constant, so that a new constant is never listed without a sentence."""
    monkeypatch.setattr(channelplans, "__all__", ["NEW"])
    monkeypatch.setattr(channelplans, "NEW", 18, raising=False)

    with pytest.raises(LookupError, match="no module describes NEW"):
        list_names()
