"""What the code cites, H1 to H21 and the facts, stands in the documentation's page of sources."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
MODULES = sorted((ROOT / "src" / "channelplans").rglob("*.py"))
PAGES = sorted((ROOT / "docs").rglob("*.rst"))
RULES = [f"H{number}" for number in range(1, 22)]

# A citation may be broken over two lines, also of a comment.
CITATION = re.compile(r"\b(?:H[0-9]+|F(?:\s+|\s*\n\s*#:?\s*)[0-9]+(?:\.[0-9]+)?)\b")
LABEL = re.compile(r"^\.\. _((?:H|F )[0-9.]+):$", re.MULTILINE)
TARGET = re.compile(r"^\.\. _(.+): https?://\S+$", re.MULTILINE)
LINK = re.compile(r"`(?:[^`<]*<)?([^`<>]+?)(?:_>)?`_|\b([A-Z][a-z]+)_\b")
HEADING = re.compile(r"^(.+)\n[-=^~]{3,}$", re.MULTILINE)


def read(path: str) -> str:
    """Read a page of the documentation."""
    return (ROOT / "docs" / path).read_text(encoding="utf-8")


def cited(text: str) -> list[str]:
    """Find the citations of a text, each written as its label is."""
    return [re.sub(r"[^0-9HF.]+", " ", each).strip() for each in CITATION.findall(text)]


def sections(text: str, label: re.Pattern[str]) -> dict[str, str]:
    """Cut a page at what a pattern finds: its first group, and the text up to the next."""
    found = list(label.finditer(text))
    ends = [*(each.start() for each in found[1:]), len(text)]
    return {each[1]: text[each.end() : end] for each, end in zip(found, ends, strict=True)}


SOURCES = sections(read("reference/rules-and-sources.rst"), LABEL)
TUTORIAL = sections(read("tutorial.rst"), HEADING)


def test_a_citation_is_found_over_two_lines():
    """A line's end within a citation does not hide it, neither in a docstring nor a comment."""
    text = "(H9, F\n    7.3) #: as F\n#: 8.10 says, F 3; not HF 1 or F1"

    assert ["H9", "F 7.3", "F 8.10", "F 3"] == cited(text)


@pytest.mark.parametrize(
    "path", [*MODULES, *PAGES], ids=lambda path: path.relative_to(ROOT).as_posix()
)
def test_what_is_cited_stands_on_the_page(path: Path):
    """Each rule and each fact that code or documentation cites has its place among the sources."""
    named = set(cited(path.read_text(encoding="utf-8")))

    assert set() == named - SOURCES.keys()


def test_the_rules_stand_in_order():
    """H1 to H21 are all there, once each and in the help page's order."""
    labels = [label for label in SOURCES if label.startswith("H")]

    assert RULES == labels


def test_no_label_stands_twice():
    """A citation leads to one place."""
    labels = LABEL.findall(read("reference/rules-and-sources.rst"))

    assert sorted(set(labels)) == sorted(labels)


@pytest.mark.parametrize("label", [each for each in SOURCES if each.startswith("F")])
def test_a_fact_names_its_source(label: str):
    """A fact links to an address that is given on the page, or is one about what was not found."""
    addresses = {name.lower() for name in TARGET.findall(read("reference/rules-and-sources.rst"))}
    links = {(quoted or word).lower() for quoted, word in LINK.findall(SOURCES[label])}

    assert label == "F 2.2" or links & addresses


def test_the_tutorial_goes_through_the_rules_in_order():
    """The tutorial has a section for each rule, H1 to H21."""
    walked = re.findall(r"^(H[0-9]+): ", "\n".join(TUTORIAL), re.MULTILINE)

    assert RULES == walked


@pytest.mark.parametrize("rule", RULES)
def test_the_tutorial_shows_each_rule(rule: str):
    """Each section links to its rule, names what holds it, and has a line that shows it."""
    section = next(text for heading, text in TUTORIAL.items() if heading.startswith(f"{rule}:"))

    assert f":ref:`{rule} <{rule}>`" in section
    assert re.search(r":(func|class|meth|exc):`", section)
    assert "\n>>> " in section
