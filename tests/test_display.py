"""Tables and descriptions as plain text and, with every string escaped, as HTML."""

import re
from datetime import UTC, date, datetime, timedelta
from html.parser import HTMLParser
from typing import Any

import attrs
import pytest

from channelplans import (
    EUR,
    SKYPE_CONNECT,
    Catalogue,
    Edition,
    MemoryStore,
    Money,
    Notice,
    Statement,
    Wallet,
    buy,
    cancel,
    compare_editions,
    deposit,
    refund,
    suggest_channels,
)
from channelplans._display import (
    DisplayMixin,
    Folded,
    ReprMixin,
    Sourced,
    Table,
    clock,
    counted,
    fold,
    make_long_table,
)
from channelplans._named_values import NamedValues
from channelplans.explore import (
    CallInterval,
    CallLog,
    Need,
    Product,
    RefusedRow,
    compare_plans,
    forecast,
    measure_traffic,
    read_calls,
    replay,
)
from channelplans.offers import OFFERS
from channelplans.sizing import GUIDELINES
from channelplans.storage._outcomes import Outcomes
from channelplans.storage.ports import Outcome
from channelplans.subscriptions import make_invoice
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

    @property
    def tag_names(self):
        """The names of the tags, in their order."""
        return [tag for tag, _ in self.tags]

    def handle_starttag(self, tag, attrs):
        """Store the name and the attributes of a tag."""
        self.tags.append((tag, dict(attrs)))

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


def test_table_prints_its_caption_first():
    """The text of a table begins with its caption, if it has one."""
    table = Table(("item",), (("channels",),), caption="What is sold")

    assert "What is sold\nitem\n--------\nchannels" == str(table)


def test_table_in_a_notebook_is_html():
    """The HTML has the caption, headings and rows; headings and figures are aligned alike."""
    table = Table(
        ("item", "total"), (("channels", "695.00"),), right=("total",), caption="What is sold"
    )
    html = ParsedHtml(table._repr_html_())

    assert ["What is sold", "item", "total", "channels", "695.00"] == html.texts
    assert [
        ("caption", "caption-side: top; text-align: left; min-width: min(40em, 90vw)"),
        ("th", "text-align: left"),
        ("th", "text-align: right"),
        ("td", "text-align: left"),
        ("td", "text-align: right"),
    ] == [(tag, attributes["style"]) for tag, attributes in html.tags if attributes]


def test_table_in_a_notebook_keeps_a_date_on_one_line():
    """A term can be broken between its days, but not within a day; no other number is changed."""
    cells = ("2026-01-05 to 2026-02-04", "<2026-01-05>", "12026-01-05", "030-555-0100")
    html = Table(("term", "quoted", "longer", "number"), (cells,))._repr_html_()
    on_one_line = re.findall(r'<span style="white-space: nowrap">(.*?)</span>', html)

    assert ["2026-01-05", "2026-02-04", "2026-01-05"] == on_one_line
    assert "</span> to <span" in html
    assert "".join(cells) in "".join(ParsedHtml(html).texts)


def test_columns_of_figures_and_text_align_only_figures_right():
    """A column of figures and text is aligned cell by cell, in the text and in HTML."""
    rows = (("1,200.50", "-3"), ("by volume", "+0.5"), ("old", "50,000"))
    table = Table(("old", "new"), rows, figures=("old", "new"))

    assert [
        "old           new",
        "---------  ------",
        " 1,200.50      -3",
        "by volume    +0.5",
        "old        50,000",
    ] == str(table).splitlines()
    html = ParsedHtml(table._repr_html_())
    sides = ["left", "right", "right", "right", "left", "right", "left", "right"]
    assert [f"text-align: {side}" for side in sides] == [
        attributes["style"] for tag, attributes in html.tags if tag in {"th", "td"}
    ]


def test_table_without_a_caption_has_no_empty_one():
    """A table that has no caption draws none."""
    html = ParsedHtml(Table(("item",), ())._repr_html_())

    assert "caption" not in html.tag_names


@pytest.mark.parametrize(
    ("count", "summaries"),
    [(20, []), (21, ["\u2026 and 1 more row"]), (1020, ["\u2026 and 1,000 more rows"])],
)
def test_table_folds_the_rows_that_do_not_fit_a_screen(count, summaries):
    """20 rows are shown, and the others can be opened. The text has all rows."""
    table = Table(("number",), tuple((str(number),) for number in range(count)), caption="Numbers")
    visible, *folded = table._repr_html_().split("<details>")

    assert min(count, 20) == visible.count("<td")
    assert summaries == [html.partition("<summary>")[2].partition("</")[0] for html in folded]
    assert count == table._repr_html_().count("<td")
    assert count + 3 == len(str(table).splitlines())


def test_table_in_a_notebook_has_at_most_1020_rows():
    """More rows are counted, with the name of what has them all. The text of a table has all."""
    table = Table(("number",), tuple((str(number),) for number in range(1500)))

    assert 1020 == table._repr_html_().count("<td")
    assert "<summary>\u2026 and 1,480 more rows</summary>" in table._repr_html_()
    assert table._repr_html_().endswith("<p>and 480 more rows; to_records() has all</p></details>")
    assert 1502 == len(str(table).splitlines())


@pytest.mark.parametrize(
    ("count", "end"),
    [
        (20, "19"),
        (21, "and 1 more row; <all> has all"),
        (10**9, "and 999,999,980 more rows; <all> has all"),
    ],
)
def test_long_table_prints_20_rows_and_counts_the_others(count, end):
    """Only the rows that a notebook can show are made, so a very long list is as fast."""
    table = make_long_table(
        ("number",), range(count), lambda number: (str(number),), source="<all>"
    )

    assert end == str(table).splitlines()[-1]
    assert min(count, 1020) == len(table.rows) == table._repr_html_().count("<td")
    assert "<all>" not in table._repr_html_()


@pytest.mark.parametrize("source", ["https://example.com/?a=1&b=2", "HTTP://example.com/a"])
def test_source_on_the_web_is_a_link(source):
    """The link opens the whole address, and does not reveal the page to the other site."""
    html = ParsedHtml(Sourced("A rule", source)._repr_html_())
    (attributes,) = [attributes for tag, attributes in html.tags if tag == "a"]

    assert {"href": source, "rel": "noopener noreferrer"} == attributes
    assert ["A rule", "source: ", source] == html.texts


@pytest.mark.parametrize(
    "source", ["H21", "javascript:alert(1)", "data:text/html,x", " https://example.com", "//x.com"]
)
def test_source_that_is_no_address_on_the_web_is_no_link(source):
    """Another text, also one that would run in a browser, is shown as text."""
    html = ParsedHtml(Sourced("A rule", source)._repr_html_())

    assert "a" not in html.tag_names
    assert f"source: {source}" in html.texts


def test_source_cannot_leave_its_attribute():
    """A quote in an address does not end the attribute of the link."""
    source = 'https://example.com/"onclick="alert(1)'
    html = ParsedHtml(Sourced("A rule", source)._repr_html_())

    assert ["href", "rel"] == [*dict(html.tags)["a"]]
    assert source == dict(html.tags)["a"]["href"]


def test_source_is_printed_only_if_asked():
    """The text of a sentence has its source in brackets, or not at all."""
    assert "A rule" == str(Sourced("A rule", "H1"))
    assert "A rule (H1)" == str(Sourced("A rule", "H1", printed=True))


def test_folded_parts_are_below_a_summary_in_html_and_printed_without_it():
    """A notebook shows the summary until the reader opens it; the text has the parts."""
    folded = Folded("2 rules", ("first", Table(("a",), ())))
    html = ParsedHtml(folded._repr_html_())

    assert ["details", "summary", "p", "table"] == html.tag_names[:4]
    assert ["2 rules", "first", "a"] == html.texts
    assert "first\na\n-" == str(folded)


def test_folded_parts_that_are_not_printed_leave_no_empty_line():
    """A list that is shortened in the text can be whole in a notebook."""
    note = Folded("outer", ("before", Folded("all", ("a", "b"), printed=False), "after"))

    assert "before\nafter" == str(note)
    assert "<p>a</p><p>b</p>" in note._repr_html_()


def test_fold_shows_10_lines_of_a_list():
    """The other lines of a long list are folded below their number."""
    lines = [f"line {number}" for number in range(15)]

    assert tuple(lines[:10]) == fold(lines[:10], "line")
    assert (*lines[:10], Folded("\u2026 and 5 more lines", tuple(lines[10:]))) == fold(
        lines, "line"
    )


@pytest.mark.parametrize(
    "value",
    [
        Table((SCRIPT,), ()),
        Table(("a",), ((SCRIPT,),)),
        Table(("a",), ((SCRIPT,),), right=("a",)),
        Table(("a",), (), caption=SCRIPT),
        Sourced(SCRIPT, "H1"),
        Sourced("a", SCRIPT),
        Folded(SCRIPT, ()),
        Folded("a", (SCRIPT,)),
        Note(SCRIPT),
    ],
    ids=[
        "heading",
        "cell",
        "right",
        "caption",
        "sourced",
        "source",
        "summary",
        "folded",
        "sentence",
    ],
)
def test_html_escapes_markup_in_text(value):
    """A script tag in a heading, cell or sentence is shown as text and does not run."""
    html = ParsedHtml(value._repr_html_())

    assert "script" not in html.tag_names
    assert SCRIPT in "".join(html.texts)


def test_description_is_the_same_as_text_and_as_html():
    """The text and the HTML show the same sentences and tables in the same order."""
    note = Note("two things")
    html = ParsedHtml(note._repr_html_())

    assert "two things\na   b\n-  --\n1  22" == str(note)
    assert ["two things", "a", "b", "1", "22"] == html.texts
    assert ["p", "table"] == [tag for tag in html.tag_names if tag in {"p", "table"}]


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


NEXT_EDITION = Edition(SKYPE_CONNECT, attrs.evolve(TARIFF, name="dearer", channel="7.25"), DAY)
CALL = CallInterval(datetime(2026, 1, 5, 10, tzinfo=UTC), timedelta(minutes=5))
FIFTY = Money.of("50", EUR)
PAID_IN = [deposit(Wallet("acme"), FIFTY, transfer=f"p-{number}", on=DAY) for number in range(100)]
VALUES_WITH_TABLES: dict[str, Any] = {
    "a quote": PURCHASE.after.quote,
    "a refund": refund(PURCHASE.after.quote, on=DAY),
    "a statement of 100 postings": Statement(
        Wallet("acme"), FIFTY, tuple(transfer.postings[0] for transfer in PAID_IN)
    ),
    "an invoice": make_invoice(
        "acme", [PURCHASE], opening=FIFTY, since=DAY, until=date(2026, 2, 1)
    ),
    "a catalogue": Catalogue((Edition(SKYPE_CONNECT, TARIFF, DAY),)),
    "a comparison of editions": compare_editions(
        Edition(SKYPE_CONNECT, TARIFF, DAY), NEXT_EDITION, [PURCHASE.after] * 50
    ),
    "a comparison of 40 plans": compare_plans(
        Need(channels=137), [Product(SKYPE_CONNECT, TARIFF)] * 40
    ),
    "an option": compare_plans(Need(channels=137), [Product(SKYPE_CONNECT, TARIFF)]).cheapest,
    "a forecast": forecast(PURCHASE.after, until=date(2029, 1, 1), prices=TARIFF),
    "a forecast with many problems": forecast(
        [attrs.evolve(PURCHASE.after, profile=f"p {number}") for number in range(50)],
        until=date(2029, 1, 1),
        prices=Catalogue((Edition(SKYPE_CONNECT, TARIFF, DAY, end=date(2026, 1, 6)),)),
    ),
    "a report": measure_traffic([CALL], zone=UTC),
    "a replay with 50 refused calls": replay([CALL] * 51, channels=1),
    "a log with 50 refused rows": read_calls([{"start": "x"}] * 50, seconds="seconds"),
    "the outcomes of a run": Outcomes(Outcome("acme", f"p {n}", None, None) for n in range(50)),
    "all offers": OFFERS,
    "all guidelines": GUIDELINES,
    "a log with 50 reasons": CallLog(
        (), tuple(RefusedRow(number, f"reason {number}") for number in range(50))
    ),
}


@pytest.mark.parametrize("value", VALUES_WITH_TABLES.values(), ids=VALUES_WITH_TABLES)
def test_every_table_of_a_value_has_a_caption(value):
    """Each table says what it is; only the folded rest of a table has the caption above it."""
    html = value._repr_html_()
    rests = re.findall(r"more rows?</summary><table>", html)

    assert html.count("<table>") == html.count("<table><caption") + len(rests) > 0


@pytest.mark.parametrize("value", VALUES_WITH_TABLES.values(), ids=VALUES_WITH_TABLES)
def test_values_name_no_colour(value):
    """The HTML has the colours of the page, so that it can be read in a dark theme."""
    assert not re.search(r"color|background|border|<style|class=", value._repr_html_())


@pytest.mark.parametrize("value", VALUES_WITH_TABLES.values(), ids=VALUES_WITH_TABLES)
def test_values_show_no_more_than_a_screen(value):
    """At most 35 rows and sentences are visible before the reader opens what is folded."""
    html = re.sub(r"<details>.*?</details>", "<p>", value._repr_html_())

    assert html.count("<tr>") + html.count("<p>") <= 35


@pytest.mark.parametrize(
    "value",
    [SKYPE_CONNECT, GUIDELINES["telxi"], suggest_channels(30), Notice("a", "b", "https://x.com")],
    ids=["offer", "guideline", "suggestion", "notice"],
)
def test_values_link_to_their_source(value):
    """An offer, a guideline, a suggestion and a notice link to the page with their rule."""
    published = value.guideline if hasattr(value, "guideline") else value

    assert f'<a href="{published.source}" rel="noopener noreferrer">' in value._repr_html_()


def test_rules_of_an_offer_are_folded():
    """A notebook shows the name, the source and the notices; the reader can open the rules."""
    offer = OFFERS["skype-connect-2011"]
    assert offer.bundle is not None
    visible, _, folded = offer._repr_html_().partition("<details><summary>6 rules</summary>")

    assert [offer.full_name, "source: ", offer.source] == ParsedHtml(visible).texts
    assert f"<p>{offer.quantity}</p>" in folded
    prefixes = ", ".join(offer.bundle.excluded_prefixes)
    assert f"<summary>All excluded prefixes</summary><p>{prefixes}</p>" in folded
    assert str(offer.notices[0]) in folded.rpartition("</details>")[2]


def test_all_rates_of_a_tariff_are_folded():
    """The text counts the rates after the first 12; a notebook can show all of them."""
    rates = {f"{number}": f"0.0{number}" for number in range(30, 50)}
    tariff = attrs.evolve(TARIFF, rates=rates)

    assert "0.041 EUR to +41, and 8 more, " in str(tariff)
    assert "<details><summary>All rates</summary><p>0.03 EUR to +30</p>" in tariff._repr_html_()
    assert "<p>0.049 EUR to +49</p></details>" in tariff._repr_html_()
    assert "details" not in TARIFF._repr_html_()


class TestNamedValues:
    """A read-only mapping of names to values that displays itself as a table."""

    SQUARES = NamedValues(
        {"two": 4, SCRIPT: 9}, ("square",), lambda number: (str(number),), "Squares"
    )

    def test_is_a_mapping(self):
        """Names are looked up, listed and counted as in a dict, and none can be added."""
        assert (4, ["two", SCRIPT], 2) == (self.SQUARES["two"], list(self.SQUARES), 2)
        assert {"two": 4, SCRIPT: 9} == self.SQUARES
        assert "three" not in self.SQUARES
        assert self.SQUARES.get("three") is None
        with pytest.raises(TypeError):
            self.SQUARES["three"] = 9  # type: ignore[index]

    def test_shows_a_row_for_each_name(self):
        """The text and the HTML have the caption and the names; a name is no markup."""
        assert ["Squares", "name"] == [
            line.split()[0] for line in str(self.SQUARES).splitlines()[:2]
        ]
        assert ["Squares", "name", "square", "two", "4", SCRIPT, "9"] == ParsedHtml(
            self.SQUARES._repr_html_()
        ).texts

    def test_unknown_name_is_an_error_with_all_names(self):
        """The error is a KeyError, as for a dict, and says which names work."""
        with pytest.raises(KeyError, match=r"three.* is unknown; the names are: two, "):
            self.SQUARES["three"]

    def test_repr_names_the_values(self):
        """The repr is one short line."""
        assert f"<Squares: two, {SCRIPT}>" == repr(self.SQUARES)
        assert 120 == len(repr(NamedValues({"x" * 200: 1}, (), lambda _: (), "Squares")))


def test_published_offers_and_guidelines_show_themselves():
    """A notebook shows a table of all of them, which is no longer than a screen."""
    assert str(OFFERS).splitlines()[3].split("  ")[0] == "skype-connect"
    assert "<td" in OFFERS._repr_html_()  # type: ignore[attr-defined]
    assert "1 channel for 3 employees, rounded up" in str(GUIDELINES)


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
