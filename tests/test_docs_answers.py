"""Each entry of the cookbook and the FAQ answers a question, and its example runs alone."""

import doctest
import re
from pathlib import Path

import pytest

DOCS = Path(__file__).resolve().parents[1] / "docs"
PAGES = [(DOCS / name).read_text(encoding="utf-8") for name in ("cookbook.rst", "faq.rst")]

# The heading of an entry or of a part of the page.
HEADING = re.compile(r"^(.+)\n(\^{4,}|-{4,})\n", re.MULTILINE)

# A code block on the page has room for so many characters.
WIDTH = 88


def split_entries(page):
    """Yield the heading and the text of each entry of a page."""
    headings = [*HEADING.finditer(page)]
    ends = [*(heading.start() for heading in headings[1:]), len(page)]
    for heading, end in zip(headings, ends, strict=True):
        if heading[2].startswith("^"):
            yield heading[1], page[heading.end() : end]


ENTRIES = dict(entry for page in PAGES for entry in split_entries(page))


def parse(question):
    """Return the example of an entry as a test with no names but Python's own."""
    return doctest.DocTestParser().get_doctest(ENTRIES[question], {}, question, question, 0)


def remove_flags(line):
    """Return a line as the page shows it, without the flags of doctest."""
    return re.sub(r"\s*# doctest: .*", "", line)


def test_each_page_has_at_least_fifteen_entries():
    """The headings of the entries are found."""
    assert [True, True] == [len(dict(split_entries(page))) >= 15 for page in PAGES]


@pytest.mark.parametrize("question", ENTRIES)
def test_entry_begins_with_a_question_and_ends_with_a_link(question):
    """An entry asks the reader's question, and its last paragraph leads to the page with more."""
    assert question.endswith("?")
    assert re.search(r"^More: :(doc|ref):`", ENTRIES[question], re.MULTILINE)


@pytest.mark.parametrize("question", ENTRIES)
def test_example_of_an_entry_runs_alone(question):
    """A reader can copy one entry into a new session and sees what the page shows."""
    if "import pandas" in ENTRIES[question]:
        pytest.importorskip("pandas", reason="the entry needs pandas; `tox run -e docs` runs it")
    runner = doctest.DocTestRunner(optionflags=doctest.DONT_ACCEPT_TRUE_FOR_1)
    failures: list[str] = []
    runner.run(parse(question), out=failures.append)

    assert not failures, "".join(failures)


@pytest.mark.parametrize("question", ENTRIES)
def test_example_of_an_entry_fits_the_page(question):
    """An example has at most 40 lines of code, and no line is cut off."""
    shown = [remove_flags(line) for line in ENTRIES[question].splitlines()]
    code = [line for line in shown if line.startswith((">>> ", "... ", "   "))]

    assert len(code) <= 40
    assert [] == [line for line in code if len(line) > WIDTH]
