"""Values explain themselves in text and, with every string escaped, in a notebook."""

from datetime import timedelta
from html.parser import HTMLParser

import attrs
import pytest

from channelplans.tables import Described, Table, clock, counted

SCRIPT = '<script>alert("1 & 2")</script>'


@attrs.frozen
class Note(Described):
    """A sentence and a table."""

    sentence: str

    def _describe(self):
        yield self.sentence
        yield Table(("a", "b"), (("1", "22"),), right=("b",))


class Tags(HTMLParser):
    """The names of all tags, and all text, as a browser finds them."""

    def __init__(self, html):
        super().__init__()
        self.tags, self.texts = [], []
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        """Keep a tag's name."""
        self.tags.append(tag)

    def handle_data(self, data):
        """Keep a text."""
        self.texts.append(data)


def test_columns_are_as_wide_as_their_widest_cell():
    """Text is flushed left, named columns right, and no line ends in spaces."""
    table = Table(
        ("item", "total", "x"), (("channels", "695.00", "y"), ("a", "5.00", "")), right=("total",)
    )

    assert str(table).split("\n") == [
        "item       total  x",
        "--------  ------  -",
        "channels  695.00  y",
        "a           5.00",
    ]


def test_a_table_without_rows_keeps_its_headings():
    """No rows are no error."""
    assert "item  total\n----  -----" == str(Table(("item", "total"), ()))


def test_a_row_of_another_length_is_refused():
    """A row with a missing cell is a mistake, not a shorter row."""
    with pytest.raises(ValueError, match="shorter"):
        str(Table(("item", "total"), (("channels",),)))


def test_a_table_in_a_notebook():
    """The same headings and rows, with the amounts to the right."""
    html = Table(("item", "total"), (("channels", "695.00"),), right=("total",))._repr_html_()

    assert (
        "<table><thead><tr><th>item</th><th>total</th></tr></thead>"
        '<tbody><tr><td>channels</td><td style="text-align: right">695.00</td></tr></tbody></table>'
    ) == html


@pytest.mark.parametrize(
    "value",
    [
        Table((SCRIPT,), ()),
        Table(("a",), ((SCRIPT,),)),
        Table(("a",), ((SCRIPT,),), right=("a",)),
        Note(SCRIPT),
    ],
    ids=["heading", "cell", "right", "sentence"],
)
def test_markup_in_a_string_stays_text(value):
    """A script tag in a name is shown, and not run."""
    found = Tags(value._repr_html_())

    assert "script" not in found.tags
    assert SCRIPT in found.texts


def test_a_value_is_described_once_for_both_views():
    """The text and the notebook's view show the same sentences and tables, in order."""
    note = Note("two things")

    assert "two things\na   b\n-  --\n1  22" == str(note)
    assert ["two things", "a", "b", "1", "22"] == Tags(note._repr_html_()).texts
    assert ["p", "table"] == [tag for tag in Tags(note._repr_html_()).tags if tag in {"p", "table"}]


def test_a_value_must_describe_itself():
    """A class that forgets its description is told so, not shown as nothing."""
    with pytest.raises(NotImplementedError):
        str(Described())


@pytest.mark.parametrize(
    ("duration", "expected"),
    [
        (timedelta(0), "0:00:00"),
        (timedelta(seconds=59), "0:00:59"),
        (timedelta(seconds=3661), "1:01:01"),
        (timedelta(days=4, hours=4), "100:00:00"),
        (timedelta(microseconds=500_000), "0:00:00.5"),
        (timedelta(microseconds=1), "0:00:00.000001"),
    ],
)
def test_clock_shows_hours_minutes_and_seconds(duration, expected):
    """No days, and a fraction of a second only where there is one."""

    assert expected == clock(duration)


@pytest.mark.parametrize(
    ("number", "expected"), [(0, "0 days"), (1, "1 day"), (2, "2 days"), (1000, "1,000 days")]
)
def test_counted_says_how_many_of_what(number, expected):
    """One is one, all else is many, and thousands are set apart."""

    assert expected == counted(number, "day")
