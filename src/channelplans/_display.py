"""Text and HTML for the package's values.

A class describes its values once, as sentences and tables, in ``_describe``. ``str()`` and the view
in a notebook both use that description. ``repr()`` is one line of field names and values.
"""

from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import Any, Final

import attrs

from channelplans._checks import short_repr

__all__ = ["DisplayMixin", "ReprMixin", "Table", "clock", "counted", "one_line"]


@attrs.frozen
class Table:
    """A table as text or HTML; columns named in ``right``, such as amounts, are right-aligned.

    Two spaces separate columns, so several spaces inside a cell become one, as in HTML.

    >>> from channelplans._display import Table
    >>> print(Table(("item", "total"), (("channels", "695.00"),), right=("total",)))
    item       total
    --------  ------
    channels  695.00
    """

    headings: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    right: Sequence[str] = ()

    def __str__(self) -> str:
        rows = [tuple(" ".join(cell.split()) for cell in row) for row in self.rows]
        widths = [max(map(len, column)) for column in zip(self.headings, *rows, strict=True)]
        dashes = tuple("-" * width for width in widths)
        return "\n".join(self._format(row, widths) for row in (self.headings, dashes, *rows))

    def _format(self, row: Sequence[str], widths: Sequence[int]) -> str:
        cells = (
            cell.rjust(width) if heading in self.right else cell.ljust(width)
            for heading, cell, width in zip(self.headings, row, widths, strict=True)
        )
        return "  ".join(cells).rstrip()

    def _repr_html_(self) -> str:
        head = "".join(f"<th>{_escape(heading)}</th>" for heading in self.headings)
        body = "".join(f"<tr>{self._format_cells(row)}</tr>" for row in self.rows)
        return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"

    def _format_cells(self, row: Sequence[str]) -> str:
        return "".join(
            f'<td style="text-align: right">{_escape(cell)}</td>'
            if heading in self.right
            else f"<td>{_escape(cell)}</td>"
            for heading, cell in zip(self.headings, row, strict=True)
        )


def _escape(text: str) -> str:
    from html import escape  # imported here, because it loads a table that only HTML needs

    return escape(text)


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

    def _describe(self) -> Iterable[str | Table]:
        """Yield the sentences and tables that describe this value."""
        raise NotImplementedError

    def __str__(self) -> str:
        return "\n".join(map(str, self._describe()))

    def _repr_html_(self) -> str:
        return "".join(
            part._repr_html_() if isinstance(part, Table) else f"<p>{_escape(part)}</p>"
            for part in self._describe()
        )


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
