"""The guide shows a failure of the contract and a sequence by hand, as they really happen."""

import re
from functools import partial
from pathlib import Path
from textwrap import dedent, indent

import pytest
from examples.stores import sqlite_store
from hypothesis import Verbosity, settings

from channelplans.storage.memory import MemoryStore
from channelplans.testing.contract import state_machine
from channelplans.testing.contract.checked_store import open_store

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "howto" / "put-your-database-behind-it.rst"
PLAIN = ["-p", "no:randomly", "-p", "no:cacheprovider"]


def code_block(language):
    """Return the first code block in a language of the section that explains a failure."""
    section = PAGE.read_text(encoding="utf-8").partition("Read a failure\n-----")[2]
    first, *_ = re.findall(rf"\.\. code-block:: {language}\n\n((?:   .*\n|\n)+)", section)
    return dedent(first)


def test_guide_shows_the_failure_that_the_suite_prints(pytester, monkeypatch):
    """The store of the guide ignores the expected revision here and fails the guide's test."""
    put = sqlite_store._put

    def put_without_comparing(connection, after, _expected, revision, body):
        query = "SELECT revision FROM subscriptions WHERE account = ? AND profile = ?"
        row = connection.execute(query, (after.account, after.profile)).fetchone()
        stored_revision = None
        if row is not None:
            (stored_revision,) = row
        put(connection, after, stored_revision, revision, body)

    monkeypatch.setattr(sqlite_store, "_put", put_without_comparing)
    source = (ROOT / "tests" / "stores" / "test_sqlite.py").read_text(encoding="utf-8")
    pytester.makepyfile(test_sqlite=source)
    result = pytester.runpytest_inprocess(*PLAIN, "-k", "commit_refuses_a_stale_revision")
    printed_lines = (" ".join(line.split()) for line in result.outlines)
    shown_lines = [" ".join(line.strip("_").split()) for line in code_block("text").splitlines()]
    # Each search continues after the last line found, so the order counts too.
    missing_lines = [
        shown_line
        for shown_line in shown_lines
        if not any(shown_line in printed_line for printed_line in printed_lines)
    ]

    assert "E AssertionError: commit accepted a decision for another revision" in "\n".join(
        shown_lines
    )
    assert [] == missing_lines


@pytest.mark.parametrize(
    ("store", "outcome"), [("ShortMemory", "failed"), ("PlainStore", "passed")]
)
def test_guide_shows_a_sequence_that_runs(pytester, store, outcome):
    """The sequence fails the broken store that it came from and passes a correct store."""
    test_by_hand = indent(code_block("python"), "    ")
    pytester.makepyfile(
        f"""
import pytest
from channelplans.testing.stores import StoreContract
from tests.testing import broken

class TestStore(StoreContract):
    @pytest.fixture
    def make_store(self):
        return broken.{store}

{test_by_hand}
"""
    )
    result = pytester.runpytest_inprocess(*PLAIN, "-k", "by_hand")

    assert 1 == result.parseoutcomes()[outcome]
    if outcome == "failed":
        result.stdout.fnmatch_lines(
            ["*the balance of account 'acme' is not the sum of its postings"]
        )


def test_printed_sequence_can_be_run(capsys, monkeypatch):
    """The suite prints each step of a sequence as plain Python."""
    # Shorter sequences still contain every kind of step.
    monkeypatch.setattr(state_machine, "STEPS", 10)
    make_store = partial(open_store, MemoryStore)
    settings.register_profile("before", settings())
    settings.register_profile("verbose", verbosity=Verbosity.debug, database=None, max_examples=100)
    try:
        settings.load_profile("verbose")
        state_machine.run_machine(make_store)
    finally:
        settings.load_profile("before")
    printed_lines = [line.strip() for line in capsys.readouterr().out.splitlines()]
    steps = [line for line in printed_lines if line.startswith("state")]
    exec("\n".join(steps), {"Machine": partial(state_machine.Machine, make_store)})

    assert 10 <= steps.count("state = Machine()")
