"""The pictures in ``docs/_static`` are those that the library's values give."""

from xml.etree import ElementTree as ET

import pytest

from pictures import FOLDER, PICTURES, draw_change, draw_staircase

SVG = "{http://www.w3.org/2000/svg}"


def read_texts(picture: str) -> list[str]:
    """Return the texts of a picture, in the order in which they are drawn."""
    return [text.text or "" for text in ET.fromstring(picture).iter(f"{SVG}text")]


@pytest.mark.parametrize("name", PICTURES)
def test_committed_picture_is_up_to_date(name: str):
    """A file in ``docs/_static`` is what its function draws; otherwise run pictures.py again."""
    assert PICTURES[name]() == (FOLDER / name).read_text(encoding="utf-8")


@pytest.mark.parametrize("name", PICTURES)
def test_picture_has_a_title_and_a_description(name: str):
    """A reader who cannot see a picture hears its title and its description."""
    picture = ET.fromstring(PICTURES[name]())
    spoken = [picture.findtext(f"{SVG}{part}") for part in ("title", "desc")]

    assert ["title", "text"] == picture.attrib["aria-labelledby"].split()
    assert all(spoken)


def test_draw_change_shows_what_is_kept_refunded_and_paid():
    """Ten of thirty days are a third of 83.40: 27.80 is kept, and 55.60 of 104.25 is refunded."""
    texts = read_texts(draw_change())

    assert {"27.80 EUR", "refund 55.60 EUR", "104.25 EUR"} <= set(texts)
    assert "to pay on 2026-01-15: 104.25 \N{MINUS SIGN} 55.60 = 48.65 EUR" == texts[-1]


def test_draw_staircase_prices_each_step():
    """The steps above 100 are 100, 110, 120 and 130 channels, at 6.95 each."""
    texts = read_texts(draw_staircase())
    steps = [text for text in texts if text.endswith("EUR")]

    assert [
        "100 channels, 695.00 EUR",
        "110 channels, 764.50 EUR",
        "120 channels, 834.00 EUR",
        "130 channels, 903.50 EUR",
    ] == steps
    assert "105 requested, 100 sold" in texts
