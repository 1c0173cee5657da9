"""The pages' extension for Sphinx describes a page and finds printed tables that are too wide."""

import logging

import pytest

docutils = pytest.importorskip("docutils.core", reason="Sphinx is not installed; tox installs it")
page_details = pytest.importorskip("page_details", reason="Sphinx is not installed")

TABLE = """\
>>> print(invoice)
day         amount
----------  {dashes}
2026-01-05  83.40
"""


def make_block(text):
    """Return the only block of a page, as the extension marks it."""
    doctree = docutils.publish_doctree(text)
    page_details.mark_printed_tables(None, doctree)
    (block,) = doctree.children
    return block


@pytest.mark.parametrize(
    ("columns", "classes"),
    [
        (90, ["printed-table"]),
        (91, ["printed-table", "wide"]),
        (97, ["printed-table", "wide", "very-wide"]),
    ],
)
def test_printed_table_gets_classes_by_its_width(columns, classes):
    """A table that needs the right margin is wide, and very wide if it needs small type, too."""
    block = make_block(TABLE.format(dashes="-" * (columns - 12)))

    assert classes == block["classes"]


def test_code_without_a_table_gets_no_class():
    """The style wraps the lines of other code, however long the lines are."""
    assert [] == make_block(f">>> print('-' * 200)\n{'-' * 200}\n")["classes"]


def test_table_that_is_cut_is_reported(caplog):
    """A table that fits no page is a warning, which fails the build."""
    with caplog.at_level(logging.WARNING):
        make_block(TABLE.format(dashes="-" * 104))

    assert "a printed table of 116 columns does not fit the page" in caplog.text


def test_shorten_ends_at_a_word():
    """A description has at most 200 characters and no half of a word."""
    assert "A short text." == page_details.shorten("A short\n  text.")
    assert "word " * 39 + "word ..." == page_details.shorten("word " * 60)
