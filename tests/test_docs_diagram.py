"""The documentation's diagram draws each row of the table of transitions, and no others."""

from enum import Enum
from xml.etree import ElementTree as ET

import pytest

from channelplans.subscriptions.transitions import TRANSITIONS
from diagram import NOTHING, PLACES, Row, rows, svg

SVG = "{http://www.w3.org/2000/svg}"


class Unknown(Enum):
    """States and actions that the table of transitions does not have."""

    MARKUP = "<script>"
    ELSEWHERE = "elsewhere"
    ACTIVE = "active"


def read_rows(picture: str) -> list[Row]:
    """Return the transitions that a picture's arrows show."""
    return [
        Row(arrow.get("data-source", ""), action, arrow.get("data-target", ""))
        for arrow in ET.fromstring(picture).iter(f"{SVG}g")
        if arrow.get("class") == "arrow"
        for action in (arrow.findtext(f"{SVG}text") or "").split(", ")
    ]


def test_svg_draws_each_transition_once():
    """The arrows' labels show each row of the table once, and nothing else."""
    picture = svg(TRANSITIONS)

    assert sorted(rows(TRANSITIONS)) == sorted(read_rows(picture))


def test_rows_call_the_state_before_the_first_subscription_nothing():
    """The table's None, the state before the first subscription, is written as "nothing"."""
    sources = {row.source for row in rows(TRANSITIONS)}

    assert NOTHING in sources


def test_svg_draws_each_state_once():
    """Each state of the table is one box that contains the state's name."""
    picture = ET.fromstring(svg(TRANSITIONS))
    names = [
        box.findtext(f"{SVG}text")
        for box in picture.iter(f"{SVG}g")
        if box.find(f"{SVG}rect") is not None
    ]

    assert sorted(PLACES) == sorted(str(name) for name in names)


def test_svg_escapes_names():
    """A name that contains markup is drawn as text."""
    picture = svg({(Unknown.ACTIVE, Unknown.MARKUP): Unknown.ACTIVE})

    assert "<script>" not in picture
    assert [Row("active", "<script>", "active")] == read_rows(picture)


def test_svg_refuses_a_state_without_a_place():
    """The error names the state, so that a new state is never left out unnoticed."""
    with pytest.raises(ValueError, match="no place for elsewhere"):
        svg({(Unknown.ACTIVE, Unknown.MARKUP): Unknown.ELSEWHERE})
