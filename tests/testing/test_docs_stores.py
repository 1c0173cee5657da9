"""What the documentation shows of tests over a store is what happens: a failure, a sequence."""

import re
from functools import partial
from pathlib import Path
from textwrap import dedent, indent

import pytest
from examples.stores import sqlite_store
from hypothesis import Verbosity, settings

from channelplans.memory import MemoryStore
from channelplans.testing._asking import opened
from channelplans.testing._machine import Machine, run_machine

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "howto" / "put-your-database-behind-it.rst"
PLAIN = ["-p", "no:randomly", "-p", "no:cacheprovider"]


def shown(kind):
    """Return the block of code of a kind in the section that tells how a failure is read."""
    section = PAGE.read_text(encoding="utf-8").partition("Read a failure\n-----")[2]
    (first, *_) = re.findall(rf"\.\. code-block:: {kind}\n\n((?:   .*\n|\n)+)", section)
    return dedent(first)


def test_the_failure_on_the_page_is_what_is_printed(pytester, monkeypatch):
    """The store of the page, told to forget the revision, and the page's own test of it."""
    put = sqlite_store._put

    def forgetful(connection, after, _, revision):
        query = "SELECT revision FROM subscriptions WHERE profile = ?"
        row = connection.execute(query, (after.profile,)).fetchone()
        put(connection, after, row and row[0], revision)

    monkeypatch.setattr(sqlite_store, "_put", forgetful)
    source = (ROOT / "tests" / "stores" / "test_sqlite.py").read_text(encoding="utf-8")
    pytester.makepyfile(test_sqlite=source)
    result = pytester.runpytest_inprocess(*PLAIN, "-k", "a_stale_decision_is_refused")
    told = (" ".join(line.split()) for line in result.outlines)
    wanted = [" ".join(line.strip("_").split()) for line in shown("text").splitlines()]

    assert "E AssertionError: a decision was stored" in "\n".join(wanted)
    # Each is found after the one before it.
    assert [] == [line for line in wanted if not any(line in each for each in told)]


@pytest.mark.parametrize(
    ("store", "outcome"), [("ShortMemory", "failed"), ("PlainStore", "passed")]
)
def test_the_sequence_on_the_page_can_be_run(pytester, store, outcome):
    """It fails the store that it is about, as the suite did, and passes a healthy one."""
    by_hand = indent(shown("python"), "    ")
    pytester.makepyfile(
        f"""
import pytest
from channelplans.testing.stores import StoreContract
from tests.testing import broken

class TestStore(StoreContract):
    @pytest.fixture
    def make_store(self):
        return broken.{store}

{by_hand}
"""
    )
    result = pytester.runpytest_inprocess(*PLAIN, "-k", "by_hand")

    assert 1 == result.parseoutcomes()[outcome]
    if outcome == "failed":
        result.stdout.fnmatch_lines(["*the balance of account acme is not the sum of its postings"])


def test_every_sequence_that_is_printed_can_be_run(capsys):
    """Its steps are plain Python, whatever was drawn."""
    make_store = partial(opened, MemoryStore)
    settings.register_profile("before", settings())
    settings.register_profile("telling", verbosity=Verbosity.debug, database=None, max_examples=1)
    try:
        settings.load_profile("telling")
        run_machine(make_store)
    finally:
        settings.load_profile("before")
    told = (line.strip() for line in capsys.readouterr().out.splitlines())
    steps = [line for line in told if line.startswith("state")]
    exec("\n".join(steps), {"Machine": partial(Machine, make_store)})

    assert 10 <= steps.count("state = Machine()")
