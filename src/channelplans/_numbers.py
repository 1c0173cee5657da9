"""Telephone numbers as digits: the international form, and the national form for one calling code.

A number is international if it begins with ``+`` or ``00``; any other number was dialled within a
country (ITU E.164). This module knows no rule, price or country.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Final, TypeVar

__all__ = [
    "dialled_digits",
    "international_digits",
    "is_prefix",
    "national_digits",
]

T = TypeVar("T")

_NOT_DIGITS: Final = re.compile("[^0-9]")

# The calling code of an international number, which has one to three digits, and a "(0)" after it.
_ZERO_AFTER_CODE: Final = re.compile(
    "^((?:[^0-9]*0)*[^0-9]*[1-9](?:[^0-9]*[0-9]){0,2}[^0-9(]*)[(]0[)]"
)


def dialled_digits(number: str) -> str:
    """Return the digits of a number in the order in which they were dialled.

    >>> from channelplans._numbers import dialled_digits
    >>> dialled_digits("+1 (212) 555-0100")
    '12125550100'
    """
    return _NOT_DIGITS.sub("", number)


def international_digits(number: str) -> str:
    """Return a number's calling code and national number; empty if it was dialled nationally.

    ``(0)`` right after the calling code is dropped, because it is dialled only within the country.
    No calling code begins with 0, so ``+00`` means the same as ``+``.

    >>> from channelplans._numbers import international_digits
    >>> international_digits("0049 (0)30 555 0100")
    '49305550100'
    >>> international_digits("030 555 0100")
    ''
    """
    if not (number.startswith("+") or dialled_digits(number).startswith("00")):
        return ""
    return dialled_digits(_ZERO_AFTER_CODE.sub(r"\1", number)).lstrip("0")


def national_digits(number: str, calling_code: str, trunk_prefix: str) -> str:
    """Return the national number: the digits without the calling code or the trunk prefix.

    The calling code is removed only from an international number, the trunk prefix only from a
    number that was dialled nationally. An international number with another calling code keeps it.

    >>> from channelplans._numbers import national_digits
    >>> national_digits("+49 30 555 0100", calling_code="49", trunk_prefix="0")
    '305550100'
    >>> national_digits("030 555 0100", calling_code="49", trunk_prefix="0")
    '305550100'
    """
    international = international_digits(number)
    if international:
        return international.removeprefix(calling_code)
    return dialled_digits(number).removeprefix(trunk_prefix)


def is_prefix(key: str) -> bool:
    """Return whether a key is a prefix of international numbers: digits only."""
    return key.isascii() and key.isdigit()


class ByNumber(Mapping[str, T]):
    """A read-only mapping that can be hashed; its keys are prefixes of numbers, or other text."""

    __slots__ = ("_longest_prefix", "_table")

    def __init__(self, table: Mapping[str, T]) -> None:
        self._table = dict(table)
        self._longest_prefix = max(map(len, filter(is_prefix, self._table)), default=0)

    def __getitem__(self, key: str) -> T:
        return self._table[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._table)

    def __len__(self) -> int:
        return len(self._table)

    def __hash__(self) -> int:
        return hash(frozenset(self._table.items()))

    def __repr__(self) -> str:
        return repr(self._table)

    def longest_match(self, international: str) -> T | None:
        """Return the value of the longest prefix of an international number; None if no key fits.

        >>> from channelplans._numbers import ByNumber
        >>> rates = ByNumber({"49": "landline", "4915": "mobile"})
        >>> rates.longest_match("491515550100"), rates.longest_match("493055501")
        ('mobile', 'landline')
        """
        for length in range(min(len(international), self._longest_prefix), 0, -1):
            item = self._table.get(international[:length])
            if item is not None:
                return item
        return None
