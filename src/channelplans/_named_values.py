"""A read-only mapping of names to values, such as the offers, that displays itself as a table."""

from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import TypeVar

from channelplans._checks import short_repr
from channelplans._display import DisplayMixin, Table, one_line

__all__: tuple[str, ...] = ()

T = TypeVar("T")


class NamedValues(Mapping[str, T], DisplayMixin):
    """A read-only mapping of names to values that displays itself as a table.

    Args:
        values: the values by their names.
        headings: the headings of the columns after the name.
        make_row: returns the cells of a value after the name.
        caption: what the values are, such as ``Offers``.

    >>> from channelplans._named_values import NamedValues
    >>> squares = NamedValues(
    ...     {"two": 4, "three": 9}, ("square",), lambda number: (str(number),), "Squares"
    ... )
    >>> squares
    <Squares: two, three>
    >>> print(squares)
    Squares
    name   square
    -----  ------
    two    4
    three  9
    >>> squares["four"]
    Traceback (most recent call last):
        ...
    KeyError: "'four' is unknown; the names are: two, three"
    """

    __slots__ = ("_caption", "_headings", "_make_row", "_values")

    def __init__(
        self,
        values: Mapping[str, T],
        headings: tuple[str, ...],
        make_row: Callable[[T], tuple[str, ...]],
        caption: str,
    ) -> None:
        self._values = MappingProxyType(dict(values))
        self._headings, self._make_row, self._caption = headings, make_row, caption

    def __getitem__(self, name: str) -> T:
        try:
            return self._values[name]
        except KeyError:
            message = f"{short_repr(name)} is unknown; the names are: {', '.join(self)}"
            raise KeyError(message) from None

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __repr__(self) -> str:
        return one_line(f"<{self._caption}: {', '.join(self)}", ">")

    def _describe(self) -> tuple[Table]:
        rows = tuple((name, *self._make_row(value)) for name, value in self.items())
        return (Table(("name", *self._headings), rows, caption=self._caption),)
