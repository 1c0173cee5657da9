"""Tables and descriptions as plain text and, with every string escaped, as HTML."""

from datetime import date, timedelta
from html.parser import HTMLParser

import attrs
import pytest

from channelplans import (
    EUR,
    SKYPE_CONNECT,
    Catalogue,
    Edition,
    MemoryStore,
    Money,
    Wallet,
    buy,
    cancel,
    deposit,
    refund,
)
from channelplans._display import DisplayMixin, ReprMixin, Table, clock, counted
from channelplans.offers import OFFERS
from channelplans.testing.builders import TARIFF

SCRIPT = '<script>alert("1 & 2")</script>'


@attrs.frozen
class Note(DisplayMixin):
    """A value described by a sentence and a table."""

    sentence: str

    def _describe(self):
        yield self.sentence
        yield Table(("a", "b"), (("1", "22"),), right=("b",))


@attrs.frozen(repr=False)
class Label(ReprMixin):
    """A value with a default and a field that the repr leaves out."""

    text: str
    copies: int = 1
    width: int = attrs.field(default=0, repr=False)


class ParsedHtml(HTMLParser):
    """The tag names and the text of some HTML, as a browser reads them."""

    def __init__(self, html):
        super().__init__()
        self.tags, self.texts = [], []
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        """Store the name of a tag."""
        self.tags.append(tag)

    def handle_data(self, data):
        """Store the text between two tags."""
        self.texts.append(data)


def test_table_aligns_its_columns():
    """Columns named in ``right`` are aligned right, others left, and no line ends in a space."""
    table = Table(
        ("item", "total", "x"), (("channels", "695.00", "y"), ("a", "5.00", "")), right=("total",)
    )

    assert str(table).split("\n") == [
        "item       total  x",
        "--------  ------  -",
        "channels  695.00  y",
        "a           5.00",
    ]


def test_table_without_rows_shows_its_headings():
    """A table without rows shows only its headings and the line below them."""
    assert "item  total\n----  -----" == str(Table(("item", "total"), ()))


def test_table_refuses_a_row_with_a_missing_cell():
    """Every row has as many cells as the table has headings."""
    with pytest.raises(ValueError, match="shorter"):
        str(Table(("item", "total"), (("channels",),)))


def test_table_in_a_notebook_is_html():
    """The HTML holds the same headings and rows, with the columns in ``right`` aligned right."""
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
def test_html_escapes_markup_in_text(value):
    """A script tag in a heading, cell or sentence is shown as text and does not run."""
    html = ParsedHtml(value._repr_html_())

    assert "script" not in html.tags
    assert SCRIPT in html.texts


def test_description_is_the_same_as_text_and_as_html():
    """The text and the HTML show the same sentences and tables in the same order."""
    note = Note("two things")
    html = ParsedHtml(note._repr_html_())

    assert "two things\na   b\n-  --\n1  22" == str(note)
    assert ["two things", "a", "b", "1", "22"] == html.texts
    assert ["p", "table"] == [tag for tag in html.tags if tag in {"p", "table"}]


def test_class_without_a_description_raises_an_error():
    """A subclass without ``_describe`` raises an error instead of showing nothing."""
    with pytest.raises(NotImplementedError):
        str(DisplayMixin())


def test_repr_leaves_out_defaults_and_hidden_fields():
    """The repr has the fields that differ from their defaults, except hidden fields."""

    assert "Label(text='a')" == repr(Label("a", width=5))
    assert "Label(text='a', copies=2)" == repr(Label("a", 2))


@pytest.mark.parametrize(
    ("length", "expected"),
    [
        (60, f"Label(text='{'x' * 60}')"),
        (80, f"Label(text='{'x' * 80}')"),
        (81, f"Label(text='{'x' * 80}'...)"),
    ],
)
def test_repr_cuts_long_text(length, expected):
    """The repr shows at most 80 characters of a text, and dots for the others."""

    assert expected == repr(Label("x" * length))


def test_repr_is_cut_to_120_characters():
    """A repr that would be too long ends in dots and a bracket."""
    shown = repr(Label("x" * 80, copies=10**30 - 1))

    assert 120 == len(shown)
    assert shown.startswith(f"Label(text='{'x' * 80}', copies=")
    assert shown.endswith("...)")


DAY = date(2026, 1, 5)
PURCHASE = buy(
    SKYPE_CONNECT.plan(channels=105, bundles=2),
    TARIFF,
    account="acme",
    profile="berlin",
    subscription="s-1",
    on=DAY,
)
FILLED_STORE = MemoryStore()
FILLED_STORE.commit(
    deposit(Wallet("acme"), Money.of("50", EUR), transfer="p-1", on=DAY), expected=None
)
LARGE_VALUES = {
    "an offer with 101 prefixes": OFFERS["skype-connect-2011"],
    "a bundle rule with 101 prefixes": OFFERS["skype-connect-2011"].bundle,
    "a plan": PURCHASE.after.plan,
    "a quote": PURCHASE.after.quote,
    "a refund": refund(PURCHASE.after.quote, on=DAY),
    "a subscription": PURCHASE.after,
    "a decision": cancel(PURCHASE.after, on=DAY),
    "a posting": PURCHASE.postings[0],
    "a catalogue": Catalogue((Edition(SKYPE_CONNECT, TARIFF, DAY),)),
    "an offer with a long name": attrs.evolve(SKYPE_CONNECT, name="x" * 300),
    "a tariff with a long name": attrs.evolve(TARIFF, name="x" * 300),
    "the contents of a store": FILLED_STORE.snapshot(),
    "an amount of 18 digits": Money(minor=10**18 - 1, currency=EUR),
}


@pytest.mark.parametrize("value", LARGE_VALUES.values(), ids=LARGE_VALUES)
def test_repr_of_a_large_value_is_one_short_line(value):
    """A value with many parts has a repr of one line and at most 120 characters."""

    assert 1 == len(repr(value).splitlines())
    assert 120 >= len(repr(value))


def test_repr_of_offers_and_tariffs_is_their_name():
    """An offer shows its name and edition, a tariff its name; both print their rules or prices."""

    assert "<Offer Skype Connect (help page)>" == repr(SKYPE_CONNECT)
    assert f"<Tariff {TARIFF.name}>" == repr(TARIFF)


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
    """A clock text has no days, and shows a fraction of a second only if it is not zero."""

    assert expected == clock(duration)


@pytest.mark.parametrize(
    ("number", "expected"), [(0, "0 days"), (1, "1 day"), (2, "2 days"), (1000, "1,000 days")]
)
def test_counted_adds_the_noun_to_a_number(number, expected):
    """The noun is singular for 1 and plural otherwise, and a comma separates thousands."""

    assert expected == counted(number, "day")
