"""Each entry of the cookbook answers a question, and its example runs without the other entries."""

import doctest
import re
from pathlib import Path

import pytest

COOKBOOK = Path(__file__).resolve().parents[1] / "docs" / "cookbook.rst"
TEXT = COOKBOOK.read_text(encoding="utf-8")

ENTRY = re.compile(r"^(.+)\n\^{4,}\n", re.MULTILINE)
# The end of an entry: the label of the next entry, the next part of the page, or the page's end.
END = re.compile(r"^\.\. _cookbook-|^.+\n-{4,}$|\Z", re.MULTILINE)
ENTRIES = {
    match[1]: TEXT[match.end() : END.search(TEXT, match.end()).start()]
    for match in ENTRY.finditer(TEXT)
}

# A code block on the page has room for so many characters.
WIDTH = 88


def parse(question):
    """Return the example of an entry as a test with no names but Python's own."""
    return doctest.DocTestParser().get_doctest(ENTRIES[question], {}, question, "cookbook.rst", 0)


def remove_flags(line):
    """Return a line as the page shows it, without the flags of doctest."""
    return re.sub(r"\s*# doctest: .*", "", line)


@pytest.mark.parametrize("question", ENTRIES)
def test_entry_begins_with_a_question_and_ends_with_a_link(question):
    """An entry asks the reader's question, and its last paragraph leads to the page with more."""
    assert question.endswith("?")
    assert "\nMore: :doc:`/" in ENTRIES[question]


@pytest.mark.parametrize("question", ENTRIES)
def test_example_of_an_entry_runs_alone(question):
    """A reader can copy one entry into a new session and sees what the page shows."""
    runner = doctest.DocTestRunner(optionflags=doctest.DONT_ACCEPT_TRUE_FOR_1)
    failures = []
    runner.run(parse(question), out=failures.append)

    assert not failures, "".join(failures)


@pytest.mark.parametrize("question", ENTRIES)
def test_example_of_an_entry_fits_the_page(question):
    """An example has at most 40 lines of code, and no line is cut off."""
    shown = [remove_flags(line) for line in ENTRIES[question].splitlines()]
    code = [line for line in shown if line.startswith((">>> ", "... ", "   "))]

    assert 5 <= len(code) <= 40
    assert [] == [line for line in code if len(line) > WIDTH]
