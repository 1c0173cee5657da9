"""How the suite asks a store: with a look at each answer before it is believed.

A store that is awaited is asked on one event loop in a thread of its own, so that any number of
threads can wait for its answers, and the tests are the same for both kinds.
"""

import asyncio
import inspect
import threading
from collections.abc import Awaitable, Callable, Coroutine, Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from datetime import date
from itertools import islice
from types import MappingProxyType, NoneType
from typing import Any, Final, Protocol, TypeAlias, TypeVar, cast

import attrs

from channelplans.checks import shown
from channelplans.errors import (
    ChannelPlansError,
    Conflict,
    CurrencyMismatch,
    InsufficientCredit,
    TokenReused,
)
from channelplans.identifiers import ProfileId, Revision, Token
from channelplans.ledger import Purse
from channelplans.lifecycle import Decision
from channelplans.money import Money
from channelplans.storage import Booked, Page, Store, Stored
from channelplans.subscriptions import Subscription

__all__ = [
    "PATIENCE",
    "Asked",
    "Run",
    "background",
    "cut_off",
    "expect",
    "opened",
    "refused",
    "walk",
]

E = TypeVar("E", bound=ChannelPlansError)
T = TypeVar("T")

#: How a method's answer is got: its name, and what calls it.
Wait: TypeAlias = Callable[[str, Callable[[], Any]], Any]

#: Where there is something on one side alone.
_NOTHING: Final = object()

#: For how many seconds anything may take before it counts as stuck.
PATIENCE: Final = 60.0

#: What a method may answer.
_KINDS: Final[Mapping[str, tuple[type, ...]]] = MappingProxyType(
    {
        "subscription": (Stored, NoneType),
        "balance": (Money, NoneType),
        "postings": (Sequence,),
        "commit": (str, NoneType),
        "committed": (str, NoneType),
        "due": (Page,),
    }
)

#: What a method may raise; all others raise nothing.
_ERRORS: Final[Mapping[str, tuple[type[ChannelPlansError], ...]]] = MappingProxyType(
    {"commit": (Conflict, TokenReused, InsufficientCredit, CurrencyMismatch)}
)


def expect(expected: object, found: object, sentence: str) -> None:
    """Compare to the last field, also those that take no part in equality.

    Raises:
        AssertionError: the two differ; the sentence says what that means, and the lines below it
            where they do.
    """
    __tracebackhide__ = True
    different = list(islice(_differences(expected, found), 8))
    if different:
        raise AssertionError("\n".join([sentence, *different]))


def refused(kind: type[E], attempt: Callable[[], object], sentence: str) -> E:
    """Return the error of a kind that an attempt raises.

    Raises:
        AssertionError: it raises another one, or none.
    """
    __tracebackhide__ = True
    try:
        answer = attempt()
    except kind as error:
        return error
    except ChannelPlansError as error:
        raise AssertionError(f"{sentence}\n  expected {kind.__name__}, found {error!r}") from error
    raise AssertionError(f"{sentence}\n  expected {kind.__name__}, but it returned {answer!r}")


def _differences(expected: Any, found: Any, path: str = "") -> Iterator[str]:
    """Yield what differs, with the path that leads there."""
    if expected is found:
        return
    parts, others = _parts(expected), _parts(found)
    if parts and others:
        for step in {**parts, **others}:
            part, other = parts.get(step, _NOTHING), others.get(step, _NOTHING)
            yield from _differences(part, other, path + step)
    elif expected != found:
        told = (shown(each) if each is not _NOTHING else "nothing" for each in (expected, found))
        yield "  {}expected {}, found {}".format(f"{path}: " if path else "", *told)


def _parts(value: Any) -> dict[str, Any]:
    """Return what a value is made of, by the steps that lead there."""
    if attrs.has(type(value)):
        return {f".{each.name}": getattr(value, each.name) for each in attrs.fields(type(value))}
    if isinstance(value, Mapping):
        return {f"[{key}]": each for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return {f"[{index}]": each for index, each in enumerate(value)}
    return {}


class Run(Protocol):
    """Runs a coroutine on the loop in the background, and waits for what it returns."""

    def __call__(self, coroutine: Coroutine[Any, Any, T], /) -> T:
        """Return what the coroutine returns, or raise what it raises."""
        ...


@contextmanager
def background() -> Iterator[Run]:
    """Keep an event loop in a thread of its own, and yield what runs coroutines there."""
    started: Future[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = Future()

    async def serve() -> None:
        over = asyncio.Event()
        started.set_result((asyncio.get_running_loop(), over))
        await over.wait()

    thread = threading.Thread(target=lambda: asyncio.run(serve()), daemon=True)
    thread.start()
    loop, over = started.result(PATIENCE)

    def run(coroutine: Coroutine[Any, Any, T], /) -> T:
        return asyncio.run_coroutine_threadsafe(coroutine, loop).result(PATIENCE)

    try:
        yield run
    finally:
        loop.call_soon_threadsafe(over.set)
        thread.join(PATIENCE)


async def cut_off(ask: Callable[[], Awaitable[object]], point: int) -> bool:
    """Cancel the task that asks, where it waits for so many a time; tell whether it came there."""
    counted = _Counted(ask(), point)

    async def wait() -> None:
        await counted

    await asyncio.gather(asyncio.create_task(wait()), return_exceptions=True)
    return counted.left <= 0


class _Counted:
    """Something awaited, whose task is cancelled when it waits for so many a time."""

    def __init__(self, awaitable: Awaitable[object], point: int) -> None:
        self._steps: Any = awaitable.__await__()
        self.left = point

    def __await__(self) -> Any:
        return self

    def __next__(self) -> object:
        awaited: object = next(self._steps)
        self.left -= 1
        if not self.left:
            cast("asyncio.Task[None]", asyncio.current_task()).cancel()
        return awaited

    def throw(self, *error: Any) -> object:
        """Pass on what a task is told where it waits, such as that it is cancelled."""
        return cast("object", self._steps.throw(*error))


def _at_once(method: str, ask: Callable[[], Any]) -> Any:
    """Ask a store that answers at once."""
    answer = ask()
    if inspect.isawaitable(answer):
        _drop(answer)
        raise AssertionError(
            f"{method} returned something to be awaited: hold an asynchronous store to "
            "AsyncStoreContract"
        )
    return answer


def _awaited(run: Run) -> Wait:
    """Return how to ask a store whose answers are awaited."""

    async def ask_there(method: str, ask: Callable[[], Any]) -> Any:
        answer = ask()
        if not inspect.isawaitable(answer):
            raise AssertionError(
                f"{method} returned {shown(answer)} at once, where something to be awaited was "
                f"expected: write `async def {method}`"
            )
        answer = await answer
        if inspect.isawaitable(answer):
            _drop(answer)
            raise AssertionError(
                f"what {method} returned was awaited, and is to be awaited once more: an `await` "
                f"is missing inside `async def {method}`"
            )
        return answer

    return lambda method, ask: run(ask_there(method, ask))


def _drop(answer: Awaitable[Any]) -> None:
    """Close a coroutine that nobody will await, so that Python does not warn of it."""
    if inspect.iscoroutine(answer):
        answer.close()


def opened(make: Callable[[], Any], run: Run | None = None) -> "Asked":
    """Return the store that a callable makes, or a coroutine function, on the loop of ``run``."""
    if run is None:
        return Asked(make(), _at_once)

    async def made() -> object:
        store = make()
        return await store if inspect.isawaitable(store) else store

    return Asked(run(made()), _awaited(run))


class Asked:
    """A store, synchronous or not, each of whose answers is looked at; itself a ``Store``."""

    def __init__(self, store: object, wait: Wait) -> None:
        self.store = store
        self._wait = wait

    def subscription(self, profile: ProfileId, /) -> Stored[Subscription] | None:
        """As ``storage.Subscriptions.subscription``."""
        return cast("Stored[Subscription] | None", self._ask("subscription", profile))

    def balance(self, purse: Purse, /) -> Money | None:
        """As ``storage.Purses.balance``."""
        return cast("Money | None", self._ask("balance", purse))

    def postings(self, purse: Purse, /, **named: Any) -> Sequence[Booked]:
        """As ``storage.Purses.postings``; what is not given is left to the store's defaults."""
        return tuple(self._ask("postings", purse, **named))

    def commit(self, decision: Decision, /, *, expected: Revision | None) -> Revision | None:
        """As ``storage.Commits.commit``."""
        return cast("Revision | None", self._ask("commit", decision, expected=expected))

    def committed(self, token: Token, /) -> Revision | None:
        """As ``storage.Commits.committed``."""
        return cast("Revision | None", self._ask("committed", token))

    def due(self, on: date, /, **named: Any) -> Page:
        """As ``storage.Dues.due``; what is not given is left to the store's defaults."""
        return cast("Page", self._ask("due", on, **named))

    def _ask(self, name: str, /, *arguments: Any, **named: Any) -> Any:
        __tracebackhide__ = True
        method = getattr(self.store, name, None)
        if method is None:
            raise AssertionError(f"the store has no method {name}; storage.Store tells what it has")
        passed: tuple[type[Exception], ...] = (AssertionError, *_ERRORS.get(name, ()))
        try:
            answer = self._wait(name, lambda: method(*arguments, **named))
        except passed:
            raise
        except Exception as error:
            known = ", ".join(each.__name__ for each in passed[1:]) or "nothing"
            given = (f"{key}={each!r}" for key, each in named.items())
            asked = ", ".join([*map(shown, arguments), *given])
            raise AssertionError(
                f"{name}({asked}) raised {error!r}, and what it may raise is {known}: "
                "a refusal is one of these errors, and trouble that passes, such as a lock, "
                "is the store's to wait for"
            ) from error
        if not isinstance(answer, _KINDS[name]):
            kinds = " or ".join(each.__name__ for each in _KINDS[name])
            raise AssertionError(  # noqa: TRY004 - a test fails
                f"{name} returned {shown(answer)}, where {kinds} was expected"
            )
        return answer


def walk(store: Store, on: date, limit: int | None = None) -> list[ProfileId]:
    """Return what all pages of a walk over what is due hold, in their order.

    Where no limit is given, the store is given none.
    """
    found: list[ProfileId] = []
    cursor = None
    named, most = ({}, 1000) if limit is None else ({"limit": limit}, limit)
    for _ in range(10_000):
        page = store.due(on, cursor=cursor, **named)
        if len(page.profiles) > most:
            raise AssertionError(f"a page of due holds {len(page.profiles)} profiles, over {most}")
        found += page.profiles
        cursor = page.next
        if cursor is None:
            return found
    raise AssertionError("a walk over due does not end: the last page has no cursor")
