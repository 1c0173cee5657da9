"""The glossary is in alphabetical order."""

import re
from pathlib import Path

import pytest

GLOSSARY = Path(__file__).resolve().parents[1] / "docs" / "glossary.rst"
TEXT = GLOSSARY.read_text(encoding="utf-8")
TERMS = re.findall(r"^ {3}(\S.*)$", TEXT.partition("\nWords that mean")[0], re.MULTILINE)
OVERLOADED_WORDS = re.findall(r"^\*\*(.+)\*\*$", TEXT, re.MULTILINE)


@pytest.mark.parametrize("words", [TERMS, OVERLOADED_WORDS], ids=["terms", "overloaded words"])
def test_words_are_in_alphabetical_order(words):
    """A reader finds a word by its place, and each word is there once."""
    assert len(words) > 20
    assert words == sorted(set(words), key=str.casefold)
