"""Each rule (H1 to H21) and fact (F 3.7) that code or docs cite is on one of the sources pages."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
MODULES = sorted((ROOT / "src" / "channelplans").rglob("*.py"))
PAGES = sorted((ROOT / "docs").rglob("*.rst"))
RULES = [f"H{number}" for number in range(1, 22)]

# A line can end within a citation, in a comment too.
CITATION = re.compile(r"\b(?:H[0-9]+|F(?:\s+|\s*\n\s*#:?\s*)[0-9]+(?:\.[0-9]+)?)\b")
LABEL = re.compile(r"^\.\. _((?:H|F )[0-9.]+):$", re.MULTILINE)
TARGET = re.compile(r"^\.\. _(.+): https?://\S+$", re.MULTILINE)
LINK = re.compile(r"`(?:[^`<]*<)?([^`<>]+?)(?:_>)?`_|\b([A-Z][a-z]+)_\b")
HEADING = re.compile(r"^(.+)\n[-=^~]{3,}$", re.MULTILINE)


def read(path: str) -> str:
    """Return the text of a documentation page."""
    return (ROOT / "docs" / path).read_text(encoding="utf-8")


def find_citations(text: str) -> list[str]:
    """Return the citations in a text, each in the form of its label."""
    return [re.sub(r"[^0-9HF.]+", " ", citation).strip() for citation in CITATION.findall(text)]


def split_sections(page: str, heading: re.Pattern[str]) -> dict[str, str]:
    """Return the text under each heading of a page, by the pattern's first group."""
    matches = list(heading.finditer(page))
    ends = [*(match.start() for match in matches[1:]), len(page)]
    return {match[1]: page[match.end() : end] for match, end in zip(matches, ends, strict=True)}


RULES_PAGE = read("reference/rules-and-sources.rst")
FACTS_PAGE = read("reference/rules-facts.rst")
SOURCES = split_sections(RULES_PAGE, LABEL) | split_sections(FACTS_PAGE, LABEL)
TUTORIAL = split_sections(read("tutorial.rst"), HEADING)


def test_find_citations_finds_a_citation_on_two_lines():
    """A citation is found if a line ends within it, in a docstring or in a comment."""
    text = "(H9, F\n    7.3) #: as F\n#: 8.10 says, F 3; not HF 1 or F1"

    assert ["H9", "F 7.3", "F 8.10", "F 3"] == find_citations(text)


def test_each_cited_rule_and_fact_is_on_a_sources_page():
    """The sources pages have a label for each rule and fact that a module or a page cites."""
    citations = {
        (path.relative_to(ROOT).as_posix(), label)
        for path in [*MODULES, *PAGES]
        for label in find_citations(path.read_text(encoding="utf-8"))
    }

    assert len(citations) > 100
    assert set() == {(path, label) for path, label in citations if label not in SOURCES}


def test_the_rules_page_lists_the_rules_in_order():
    """The page of the rules has H1 to H21, once each, in the help page's order, and no facts."""
    labels = LABEL.findall(RULES_PAGE)

    assert RULES == labels


def test_the_facts_page_has_each_fact_once():
    """Each citation of a fact leads to one place on the page of the facts, which has no rules."""
    labels = LABEL.findall(FACTS_PAGE)

    assert sorted(set(labels)) == sorted(labels)
    assert all(label.startswith("F ") for label in labels)


@pytest.mark.parametrize("label", [label for label in SOURCES if label.startswith("F")])
def test_each_fact_links_to_its_source(label: str):
    """A fact links to an address on its page; F 2.2 has none, as nothing is published."""
    addresses = {name.lower() for name in TARGET.findall(FACTS_PAGE)}
    links = {(quoted or word).lower() for quoted, word in LINK.findall(SOURCES[label])}

    assert label == "F 2.2" or links & addresses


def test_the_tutorial_follows_the_rules_in_order():
    """The tutorial has a section for each rule, from H1 to H21."""
    sections = re.findall(r"^(H[0-9]+): ", "\n".join(TUTORIAL), re.MULTILINE)

    assert RULES == sections


@pytest.mark.parametrize("rule", RULES)
def test_each_tutorial_section_shows_its_rule(rule: str):
    """A rule's section links to the rule, links to the API, and has an example."""
    section = next(text for heading, text in TUTORIAL.items() if heading.startswith(f"{rule}:"))

    assert f":ref:`{rule} <{rule}>`" in section
    assert re.search(r":(func|class|meth|exc):`", section)
    assert "\n>>> " in section
