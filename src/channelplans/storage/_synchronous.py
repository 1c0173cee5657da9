"""Run coroutines over a synchronous store at once, without an event loop.

Every action is written once, as a coroutine over an asynchronous store. Over a synchronous store
such a coroutine never waits, so it is done after its first step.
"""

from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, TypeVar, cast

import attrs

from channelplans.storage.ports import AsyncStore, Store

__all__: tuple[str, ...] = ()

T = TypeVar("T")


def make_awaitable(store: Store) -> AsyncStore:
    """Return an asynchronous store whose answers are there at once."""
    return cast("AsyncStore", _Awaitable(store))


@attrs.frozen
class _Awaitable:
    """A synchronous store whose methods can be awaited; the answers are there at once."""

    store: Store

    def __getattr__(self, name: str) -> Callable[..., Coroutine[Any, Any, Any]]:
        method = getattr(self.store, name)

        async def call(*arguments: Any, **keywords: Any) -> Any:
            return method(*arguments, **keywords)

        return call


def run_at_once(steps: Awaitable[T]) -> T:
    """Return the result of steps that never wait: they are done after the first step."""
    try:
        next(steps.__await__())
    except StopIteration as done:
        result: T = done.value
        return result
    raise AssertionError("a synchronous store answers at once")  # pragma: no cover
