"""Read what a store returns in pages, and stop with an error if the pages do not end."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, Final, TypeVar

import attrs

from channelplans.storage.ports import Cursor, Page

__all__: tuple[str, ...] = ()

T = TypeVar("T")

#: How often the same page in a row is accepted. A profile that other workers renew meanwhile can be
#: alone on some pages in a row; only a store that ignores its cursors reaches this number.
_SAME_PAGES: Final = 100


@attrs.define
class Walk:
    """A walk over pages; it notices a store that does not move on."""

    _cursors: set[Cursor] = attrs.field(factory=set)
    _items: tuple[Any, ...] = ()
    _same_pages: int = 0

    def next_cursor(self, page: Page[Any]) -> Cursor | None:
        """Return the cursor of the page after a page; None after the last page.

        Raises:
            RuntimeError: the store returns a cursor again, or the same page without end.
        """
        if page.next is None:
            return None
        if page.next in self._cursors:
            raise RuntimeError(f"the store returned the cursor {page.next!r} a second time")
        self._same_pages = self._same_pages + 1 if page.items == self._items else 1
        if self._same_pages == _SAME_PAGES:
            raise RuntimeError(f"the store returned the same page {_SAME_PAGES} times in a row")
        self._cursors.add(page.next)
        self._items = page.items
        return page.next


async def read_items(read_page: Callable[[Cursor | None], Awaitable[Page[T]]]) -> AsyncIterator[T]:
    """Yield the items of all pages."""
    walk, cursor = Walk(), None
    while True:
        page = await read_page(cursor)
        for item in page.items:
            yield item
        cursor = walk.next_cursor(page)
        if cursor is None:
            return
