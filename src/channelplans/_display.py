"""Text and HTML for the package's values.

A class describes its values once, as sentences and tables, in ``_describe``. ``str()`` and the view
in a notebook both use that description. ``repr()`` is one line of field names and values.

The HTML names no colour, so it has the colours of the page, dark or light. It shows at most a
screen of a long table or list; the reader can open the rest.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, Final, TypeAlias, TypeVar

import attrs

from channelplans._checks import short_repr

__all__ = [
    "DisplayMixin",
    "Folded",
    "Part",
    "RecordsMixin",
    "ReprMixin",
    "Sourced",
    "Table",
    "clock",
    "counted",
    "fold",
    "make_long_table",
    "one_line",
]

T = TypeVar("T")

#: The rows of a table, and the lines of a list, that a notebook shows before the reader opens more.
_SHOWN_ROWS: Final = 20
_SHOWN_LINES: Final = 10

#: The further rows that the reader can open. More rows would make a notebook slow and large.
_FOLDED_ROWS: Final = 1_000

# A caption may be wider than a narrow table, but not than a narrow screen.
_CAPTION: Final = (
    '<caption style="caption-side: top; text-align: left; min-width: min(40em, 90vw)">'
)
# A browser would break a date after a hyphen if the table is wide.
_DATE: Final = re.compile(r"\b[0-9]{4}-[0-9]{2}-[0-9]{2}\b")
_ON_ONE_LINE: Final = r'<span style="white-space: nowrap">\g<0></span>'

_FIGURE: Final = re.compile(r"[+-]?[0-9][0-9,]*(\.[0-9]+)?")

# Wins over a notebook's own style for the cells of a table.
_LEFT: Final = 'style="text-align: left"'
_RIGHT: Final = 'style="text-align: right"'


@attrs.frozen
class Table:
    """A table as text or HTML; columns named in ``right``, such as amounts, are right-aligned.

    Two spaces separate columns, so several spaces inside a cell become one, as in HTML. The text
    has all rows. The HTML folds what would not fit a screen; it has at most 1,020 rows.

    Attributes:
        headings: the headings of the columns.
        rows: the cells of each row.
        right: the headings of the columns that are right-aligned.
        figures: the headings of the columns with figures and text, where only figures are
            right-aligned, and the heading if all cells are figures.
        caption: what the table shows; empty if it has no caption.
        total: the number of all rows, if ``rows`` are only the first of them. The text then has at
            most 20 rows. See ``make_long_table``.
        source: what has all rows, for the reader of a table that has not.

    >>> from channelplans._display import Table
    >>> print(Table(("item", "total"), (("channels", "83.40"),), right=("total",), caption="Sold"))
    Sold
    item      total
    --------  -----
    channels  83.40
    """

    headings: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    right: Sequence[str] = ()
    caption: str = ""
    total: int | None = None
    source: str = "to_records()"
    figures: Sequence[str] = ()

    def __str__(self) -> str:
        printed = self.rows if self.total is None else self.rows[:_SHOWN_ROWS]
        rows = [tuple(" ".join(cell.split()) for cell in row) for row in printed]
        widths = [max(map(len, column)) for column in zip(self.headings, *rows, strict=True)]
        dashes = tuple("-" * width for width in widths)
        lines = [self._format(row, widths) for row in (self.headings, dashes, *rows)]
        rest = self._describe_rest(self._count - len(rows))
        return "\n".join(filter(None, [self.caption, *lines, rest]))

    @property
    def _count(self) -> int:
        return len(self.rows) if self.total is None else self.total

    def _describe_rest(self, count: int) -> str:
        """Return where the rows are that are left out; nothing if there are none."""
        return f"and {counted(count, 'more row')}; {self.source} has all" if count else ""

    def _format(self, row: Sequence[str], widths: Sequence[int]) -> str:
        cells = (
            cell.rjust(width) if self._is_right(heading, cell) else cell.ljust(width)
            for heading, cell, width in zip(self.headings, row, widths, strict=True)
        )
        return "  ".join(cells).rstrip()

    def _is_right(self, heading: str, cell: str) -> bool:
        """Return whether a cell is right-aligned; the heading itself is a cell too."""
        if heading not in self.figures:
            return heading in self.right
        cells = [cell]
        if cell == heading:
            place = self.headings.index(heading)
            cells = [row[place] for row in self.rows]
        return all(map(_FIGURE.fullmatch, cells))

    def _repr_html_(self) -> str:
        caption = f"{_CAPTION}{_escape(self.caption)}</caption>" if self.caption else ""
        html = self._draw(self.rows[:_SHOWN_ROWS], caption)
        folded = self.rows[_SHOWN_ROWS : _SHOWN_ROWS + _FOLDED_ROWS]
        if folded:
            count = self._count - _SHOWN_ROWS
            left_out = self._describe_rest(count - len(folded))
            rest = self._draw(folded) + (_to_html(left_out) if left_out else "")
            html += _details(_and_more(count, "row"), rest)
        return html

    def _draw(self, rows: Iterable[Sequence[str]], caption: str = "") -> str:
        head = self._draw_row("th", self.headings)
        body = "".join(self._draw_row("td", row) for row in rows)
        return f"<table>{caption}<thead>{head}</thead><tbody>{body}</tbody></table>"

    def _draw_row(self, tag: str, row: Sequence[str]) -> str:
        cells = (
            f"<{tag} {_RIGHT if self._is_right(heading, cell) else _LEFT}>{_to_cell(cell)}</{tag}>"
            for heading, cell in zip(self.headings, row, strict=True)
        )
        return f"<tr>{''.join(cells)}</tr>"


def make_long_table(
    headings: tuple[str, ...],
    items: Sequence[T],
    make_row: Callable[[T], tuple[str, ...]],
    *,
    right: Sequence[str] = (),
    caption: str = "",
    source: str = "to_records()",
) -> Table:
    """Return a table of possibly many items, of which the text shows 20 and counts the others.

    Only the rows that a notebook can show are made.

    Args:
        headings: the headings of the columns.
        items: what the rows are made of.
        make_row: returns the cells of an item.
        right: the headings of the columns that are right-aligned.
        caption: what the table shows.
        source: what has all items, for the reader.

    >>> from channelplans._display import make_long_table
    >>> table = make_long_table(("number",), range(5000), lambda number: (str(number),))
    >>> len(table.rows), str(table).splitlines()[-1]
    (1020, 'and 4,980 more rows; to_records() has all')
    """
    rows = tuple(map(make_row, items[: _SHOWN_ROWS + _FOLDED_ROWS]))
    return Table(headings, rows, right, caption, total=len(items), source=source)


@attrs.frozen
class Sourced:
    """A sentence, and where it is published; in HTML, an address on the web is a link.

    Attributes:
        sentence: the sentence.
        source: an address, or another text that says where the sentence comes from.
        printed: whether the text shows the source too, in brackets.

    >>> from channelplans._display import Sourced
    >>> print(Sourced("At most 300 channels", "https://example.com", printed=True))
    At most 300 channels (https://example.com)
    """

    sentence: str
    source: str
    printed: bool = False

    def __str__(self) -> str:
        return f"{self.sentence} ({self.source})" if self.printed else self.sentence

    def _repr_html_(self) -> str:
        source = _escape(self.source)
        # No other scheme: a link to javascript: would run what a stranger wrote.
        if self.source.lower().startswith(("https://", "http://")):
            source = f'<a href="{source}" rel="noopener noreferrer">{source}</a>'
        return f"<p>{_escape(self.sentence)}<br>source: {source}</p>"


@attrs.frozen
class Folded:
    """Parts that a notebook shows below a summary once the reader opens it; the text has them all.

    Attributes:
        summary: what the reader sees first.
        parts: the parts.
        printed: whether the text has the parts. The text never has the summary.
    """

    summary: str
    parts: "tuple[Part, ...]"
    printed: bool = True

    def __str__(self) -> str:
        return _join(self.parts) if self.printed else ""

    def _repr_html_(self) -> str:
        return _details(self.summary, "".join(map(_to_html, self.parts)))


#: A value describes itself by sentences, tables and other values.
Part: TypeAlias = "str | Table | Sourced | Folded | DisplayMixin"


def fold(lines: Sequence[str], noun: str) -> "tuple[Part, ...]":
    """Return a list of lines; of a long list, a screen of it and the folded rest.

    >>> from channelplans._display import fold
    >>> fold(("a", "b"), "row")
    ('a', 'b')
    """
    rest = tuple(lines[_SHOWN_LINES:])
    folded = (Folded(_and_more(len(rest), noun), rest),) if rest else ()
    return (*lines[:_SHOWN_LINES], *folded)


def _and_more(count: int, noun: str) -> str:
    return f"\N{HORIZONTAL ELLIPSIS} and {counted(count, f'more {noun}')}"


def _join(parts: Iterable[Part]) -> str:
    return "\n".join(text for text in map(str, parts) if text)


def _to_html(part: Part) -> str:
    return f"<p>{_escape(part)}</p>" if isinstance(part, str) else part._repr_html_()


def _details(summary: str, html: str) -> str:
    return f"<details><summary>{_escape(summary)}</summary>{html}</details>"


def _escape(text: str) -> str:
    from html import escape  # imported here, because it loads a table that only HTML needs

    return escape(text)


def _to_cell(text: str) -> str:
    return _DATE.sub(_ON_ONE_LINE, _escape(text))


#: The length of the longest ``repr()``.
_REPR_LENGTH: Final = 120


def one_line(text: str, end: str) -> str:
    """Return a repr of at most 120 characters with its closing character; cut a longer text.

    >>> from channelplans._display import one_line
    >>> one_line("Days(count=30", ")"), len(one_line("x" * 1000, ")"))
    ('Days(count=30)', 120)
    """
    if len(text) + len(end) <= _REPR_LENGTH:
        return text + end
    return f"{text[: _REPR_LENGTH - len(end) - 3]}...{end}"


class ReprMixin:
    """Give an attrs class a ``repr()`` of one line."""

    __slots__ = ()

    def __repr__(self) -> str:
        """Return the class and the fields without their defaults, cut to 120 characters."""
        kind: Any = type(self)
        contents = ((field, getattr(self, field.name)) for field in attrs.fields(kind))
        fields = ", ".join(
            f"{field.name}={short_repr(content)}"
            for field, content in contents
            if field.repr and content != field.default
        )
        return one_line(f"{kind.__name__}({fields}", ")")


class DisplayMixin(ReprMixin):
    """Give an attrs class ``str()`` and a notebook view from its ``_describe`` method."""

    __slots__ = ()

    def _describe(self) -> Iterable[Part]:
        """Yield the sentences, tables and other parts that describe this value."""
        raise NotImplementedError

    def __str__(self) -> str:
        return _join(self._describe())

    def _repr_html_(self) -> str:
        return "".join(map(_to_html, self._describe()))


class RecordsMixin(DisplayMixin):
    """Give a class whose values are rows a second form of these rows, for JSON."""

    __slots__ = ()

    def to_records(self) -> list[dict[str, object]]:
        """Return plain rows with exact numbers and dates, such as Decimal and date."""
        raise NotImplementedError

    def to_json_records(self) -> list[dict[str, str | int | None]]:
        """Return the rows of ``to_records`` for ``json.dumps``, without a float.

        A Decimal, a Fraction and a float become text that has all their digits. A date and a time
        become text in ISO format. Text, whole numbers, True, False and None stay as they are.

        >>> import json
        >>> from datetime import date
        >>> from channelplans import EUR, Money, Posting, Reason, Wallet
        >>> amount = Money.of("50", EUR)
        >>> (row,) = Posting(
        ...     Wallet("acme"), amount, Reason.DEPOSIT, date(2026, 1, 5)
        ... ).to_json_records()
        >>> json.dumps([row["on"], row["amount"], row["minor"], row["profile"]])
        '["2026-01-05", "50.00", 5000, null]'
        """
        return [
            {column: _to_json(value) for column, value in row.items()} for row in self.to_records()
        ]


def _to_json(value: object) -> str | int | None:
    if value is None or isinstance(value, (str, int)):
        return value
    if isinstance(value, date):
        return value.isoformat()
    return f"{value:f}" if isinstance(value, Decimal) else str(value)


def clock(duration: timedelta) -> str:
    """Return a duration as hours, minutes and seconds, without days.

    >>> from datetime import timedelta
    >>> from channelplans._display import clock
    >>> clock(timedelta(minutes=5000))
    '83:20:00'
    """
    seconds, part_second = divmod(duration, timedelta(seconds=1))
    fraction = f".{part_second.microseconds:06}".rstrip("0") if part_second else ""
    return f"{seconds // 3600}:{seconds // 60 % 60:02}:{seconds % 60:02}{fraction}"


def counted(number: int, noun: str) -> str:
    """Return a number and a noun, in the plural unless the number is 1.

    >>> from channelplans._display import counted
    >>> counted(1, "day"), counted(5000, "minute")
    ('1 day', '5,000 minutes')
    """
    return f"{number:,} {noun}{'s' * (number != 1)}"
