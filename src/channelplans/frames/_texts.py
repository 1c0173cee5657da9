"""Texts and telephone numbers in columns, as expressions that are the same on every engine.

The patterns use only what the regular expressions of all engines have in common.
"""

from itertools import groupby
from typing import Final

import narwhals.stable.v2 as nw

from channelplans.frames._work import Work, column

__all__: tuple[str, ...] = ()

# The first digits of an international number up to a number of digits of its calling code, and a
# "(0)" after them.
_ZERO_AFTER_CODE = "^(?:[^0-9]*0)*[^0-9]*[1-9](?:[^0-9]*[0-9]){{{more}}}[^0-9(]*[(]0[)]"


# The number of characters of Unicode, and the places that are none by themselves.
_POINTS: Final = 0x110000
_SURROGATES: Final = (0xD800, 0xDFFF)


def _list_unprintable() -> str:
    """Return a pattern for the characters that Python does not print.

    The engines know other versions of Unicode, so the pattern lists all ranges.
    """
    ranges, start = [], 0
    for is_printable, run in groupby(map(str.isprintable, map(chr, range(_POINTS)))):
        end = start + len(list(run)) - 1
        if not is_printable:
            ranges += _without_surrogates(start, end)
        start = end + 1
    listed = "".join(rf"\x{{{first:x}}}-\x{{{last:x}}}" for first, last in ranges)
    return f"[{listed}]"


def _without_surrogates(start: int, end: int) -> list[tuple[int, int]]:
    first, last = _SURROGATES
    parts = [(start, min(end, first - 1)), (max(start, last + 1), end)]
    return [part for part in parts if part[0] <= part[1]] if end >= first else [(start, end)]


_UNPRINTABLE: Final = _list_unprintable()


def is_text(name: str) -> nw.Expr:
    """Return whether one of our columns has a line of printable text without space around it."""
    value = column(name)
    spaced = value.str.starts_with(" ") | value.str.ends_with(" ")
    return ~(spaced | (value == "") | value.str.contains(_UNPRINTABLE))


def is_number(name: str) -> nw.Expr:
    """Return whether one of our columns has a telephone number."""
    value = column(name)
    # A dollar sign alone would accept a new line at the end.
    is_complete = ~value.str.contains("[^0-9 ().+-]")
    return value.str.contains("^[+]?[(]?[0-9][0-9 ().-]*$") & is_complete


def add_digits(work: Work, number: str) -> None:
    """Add the digits of a number in the order in which they were dialled, as ``digits``."""
    work.add(digits=column(number).str.replace_all("[^0-9]", ""))


def add_international(work: Work, number: str) -> None:
    """Add the calling code and the national number, as ``international``.

    It is empty if the number was dialled nationally. The digits must be there.
    """
    value, digits = column(number), column("digits")
    work.add(
        is_international=value.str.starts_with("+") | digits.str.starts_with("00"),
        significant=digits.str.replace_all("^0+", ""),
        **{
            f"zero_after_{more + 1}": value.str.contains(_ZERO_AFTER_CODE.format(more=more))
            for more in range(3)
        },
    )
    significant = column("significant")
    international = significant
    for place in (1, 2, 3):
        joined = nw.concat_str(
            significant.str.slice(0, place), significant.str.slice(place + 1, None)
        )
        has_zero = column(f"zero_after_{place}")
        international = nw.when(has_zero).then(joined).otherwise(international)
    is_international = column("is_international")
    work.add(international=nw.when(is_international).then(international).otherwise(nw.lit("")))


def remove_prefix(value: nw.Expr, prefix: str) -> nw.Expr:
    """Return a text without a prefix, if it has it."""
    shortened = value.str.slice(len(prefix), None)
    return nw.when(value.str.starts_with(prefix)).then(shortened).otherwise(value)
