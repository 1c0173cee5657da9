"""The documentation's diagram shows the lifecycle's table, whole and nothing else."""

from enum import Enum
from xml.etree import ElementTree as ET

import pytest

from channelplans.subscriptions import TRANSITIONS
from diagram import NOTHING, PLACES, Row, rows, svg

SVG = "{http://www.w3.org/2000/svg}"


class Odd(Enum):
    """States and actions that no table has."""

    MARKUP = "<script>"
    ELSEWHERE = "elsewhere"
    ACTIVE = "active"


def drawn(picture: str) -> list[Row]:
    """Read the rows back out of a picture."""
    return [
        Row(arrow.get("data-source", ""), action, arrow.get("data-target", ""))
        for arrow in ET.fromstring(picture).iter(f"{SVG}g")
        if arrow.get("class") == "arrow"
        for action in (arrow.findtext(f"{SVG}text") or "").split(", ")
    ]


def test_each_row_is_drawn_once():
    """Each row of the table is an arrow's label, and no arrow shows anything else."""
    picture = svg(TRANSITIONS)

    assert sorted(rows(TRANSITIONS)) == sorted(drawn(picture))


def test_rows_say_nothing_for_none():
    """The state before the first subscription has a word of its own."""
    words = {row.source for row in rows(TRANSITIONS)}

    assert NOTHING in words


def test_each_state_is_drawn_once():
    """Each state of the table is one box, with its name in it."""
    picture = ET.fromstring(svg(TRANSITIONS))
    boxes = [
        box.findtext(f"{SVG}text")
        for box in picture.iter(f"{SVG}g")
        if box.find(f"{SVG}rect") is not None
    ]

    assert sorted(PLACES) == sorted(str(name) for name in boxes)


def test_names_are_escaped():
    """A name cannot bring markup into the page."""
    picture = svg({(Odd.ACTIVE, Odd.MARKUP): Odd.ACTIVE})

    assert "<script>" not in picture
    assert [Row("active", "<script>", "active")] == drawn(picture)


def test_a_state_without_a_place_is_refused():
    """A new state is not left out of the drawing unseen: the error names it."""
    with pytest.raises(ValueError, match="no place for elsewhere"):
        svg({(Odd.ACTIVE, Odd.MARKUP): Odd.ELSEWHERE})
