"""How the suite calls a store: ``CheckedStore`` checks the type of each answer and of each error.

An asynchronous store is called on one event loop, which runs in a background thread. So any number
of threads can wait for its answers, and the tests are the same for both kinds of store.
"""

import asyncio
import inspect
import threading
from collections.abc import Awaitable, Callable, Coroutine, Iterator, Mapping
from concurrent.futures import Future
from contextlib import contextmanager
from datetime import date
from functools import partial
from itertools import islice
from types import NoneType
from typing import Any, Final, TypeAlias, TypeVar, cast

import attrs

from channelplans._checks import shown
from channelplans.errors import (
    ChannelPlansError,
    Conflict,
    CurrencyMismatch,
    InsufficientCredit,
    InvalidValue,
    TokenReused,
)
from channelplans.money import Money
from channelplans.storage._store_checks import check_store
from channelplans.storage.ports import Booked, Page, Revision, Stored
from channelplans.subscriptions.decisions import Decision, Transfer
from channelplans.subscriptions.identifiers import AccountId, ProfileId, Token
from channelplans.subscriptions.subscription import Subscription
from channelplans.subscriptions.wallets import Wallet

E = TypeVar("E", bound=ChannelPlansError)

#: Runs a coroutine on the background loop, and returns its result.
Run: TypeAlias = Callable[[Coroutine[Any, Any, Any]], Any]

#: Stands for a part that only the other value has.
_MISSING: Final = object()

#: A call that takes longer than this number of seconds counts as stuck.
TIMEOUT: Final = 60.0

#: The types that each method may return.
_ANSWER_TYPES: Final[Mapping[str, tuple[type, ...]]] = {
    "subscription": (Stored, NoneType),
    "profiles": (Page,),
    "balance": (Money, NoneType),
    "postings": (Page,),
    "commit": (str, NoneType),
    "decision": (Decision, Transfer, NoneType),
    "decisions": (Page,),
    "due": (Page,),
}

#: The errors that ``commit`` may raise; the other methods raise none for a valid argument.
_COMMIT_ERRORS: Final = (Conflict, TokenReused, InsufficientCredit, CurrencyMismatch)

#: After the end of every term in the tests, so that every running subscription is due.
DISTANT_DAY: Final = date(2090, 1, 1)


def check_equal(expected: object, found: object, message: str) -> None:
    """Compare two values field by field, including the fields that ``==`` ignores.

    Raises:
        AssertionError: the values differ. The text is the message, then one line for each
            difference, at most 8.
    """
    __tracebackhide__ = True
    differences = list(islice(_differences(expected, found), 8))
    if differences:
        raise AssertionError("\n".join([message, *differences]))


def expect_error(kind: type[E], attempt: Callable[[], object], message: str) -> E:
    """Return the error of the expected class that ``attempt`` raises.

    Raises:
        AssertionError: ``attempt`` raises an error of another class, or none.
    """
    __tracebackhide__ = True
    try:
        answer = attempt()
    except kind as error:
        return error
    except ChannelPlansError as error:
        raise AssertionError(f"{message}\n  expected {kind.__name__}, found {error!r}") from error
    raise AssertionError(f"{message}\n  expected {kind.__name__}, but it returned {answer!r}")


def _differences(expected: Any, found: Any, path: str = "") -> Iterator[str]:
    """Yield one line for each part that differs, with the path to that part."""
    if expected is found:
        return
    expected_parts, found_parts = _parts(expected), _parts(found)
    if expected_parts and found_parts:
        for step in {**expected_parts, **found_parts}:
            expected_part = expected_parts.get(step, _MISSING)
            found_part = found_parts.get(step, _MISSING)
            yield from _differences(expected_part, found_part, path + step)
    elif expected != found:
        place = f"{path}: " if path else ""
        yield f"  {place}expected {_show_part(expected)}, found {_show_part(found)}"


def _show_part(part: object) -> str:
    return "nothing" if part is _MISSING else shown(part)


def _parts(value: Any) -> dict[str, Any]:
    """Return the fields or items of a value, each under its path step, such as ``.plan``."""
    if attrs.has(type(value)):
        return {f".{field.name}": getattr(value, field.name) for field in attrs.fields(type(value))}
    if isinstance(value, ChannelPlansError):
        return {f".{name}": getattr(value, name) for name in value.__signature__.parameters}
    if isinstance(value, Mapping):
        return {f"[{key}]": item for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return {f"[{index}]": item for index, item in enumerate(value)}
    return {}


@contextmanager
def background_loop() -> Iterator[Run]:
    """Run an event loop in a background thread, and yield a function that runs coroutines on it."""
    started: Future[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = Future()

    async def serve() -> None:
        stop = asyncio.Event()
        started.set_result((asyncio.get_running_loop(), stop))
        await stop.wait()

    thread = threading.Thread(target=lambda: asyncio.run(serve()), daemon=True)
    thread.start()
    loop, stop = started.result(TIMEOUT)

    def run(coroutine: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(coroutine, loop).result(TIMEOUT)

    try:
        yield run
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(TIMEOUT)


async def cancel_at_wait(call: Callable[[], Awaitable[object]], wait_number: int) -> bool:
    """Cancel a call at its n-th wait, counted from 1; return whether the call waited that often."""
    cancelling = _CancelledAtWait(call(), wait_number)
    await asyncio.gather(cancelling, return_exceptions=True)
    return cancelling.waits_left <= 0


class _CancelledAtWait(Iterator[object]):
    """An awaitable whose task is cancelled at the n-th wait."""

    def __init__(self, awaitable: Awaitable[object], wait_number: int) -> None:
        self._steps: Any = awaitable.__await__()
        self.waits_left = wait_number

    def __await__(self) -> Any:
        return self

    def __next__(self) -> object:
        awaited: object = next(self._steps)
        self.waits_left -= 1
        if not self.waits_left:
            cast("asyncio.Task[None]", asyncio.current_task()).cancel()
        return awaited

    def throw(self, *error: Any) -> object:
        """Raise an error at the current wait, such as the CancelledError of the task."""
        return cast("object", self._steps.throw(*error))


async def _await_answer(method: str, call: Callable[[], Any]) -> Any:
    awaitable = call()
    if not inspect.isawaitable(awaitable):
        raise AssertionError(
            f"{method} returned {shown(awaitable)}, but an awaitable was expected: "
            f"write `async def {method}`"
        )
    message = (
        f"{method} was awaited and returned another awaitable: "
        f"an `await` is missing inside `async def {method}`"
    )
    return _check_not_awaitable(await awaitable, message)


def _check_not_awaitable(answer: Any, message: str) -> Any:
    if inspect.isawaitable(answer):
        # Python warns of a coroutine that is neither awaited nor closed.
        if inspect.iscoroutine(answer):
            answer.close()
        raise AssertionError(message)
    return answer


def open_store(make: Callable[[], Any], run: Run | None = None) -> "CheckedStore":
    """Make a store and return it as a CheckedStore.

    If ``run`` is passed, the store is asynchronous, and ``make`` is called on the loop of ``run``.
    There ``make`` may also be a coroutine function.
    """
    if run is None:
        return CheckedStore(make())

    async def make_on_loop() -> object:
        store = make()
        return await store if inspect.isawaitable(store) else store

    return CheckedStore(run(make_on_loop()), run)


class CheckedStore:
    """A ``Store`` that calls another store, synchronous or not, and checks each of its answers.

    Attributes:
        store: the store that is called.
    """

    def __init__(self, store: object, run: Run | None = None) -> None:
        self.store: object = check_store(store)
        self._run = run

    # The methods of the store

    def subscription(
        self, account: AccountId, profile: ProfileId, /
    ) -> Stored[Subscription] | None:
        """See ``Store.subscription``."""
        return cast("Stored[Subscription] | None", self.call("subscription", account, profile))

    def profiles(self, account: AccountId, /, **options: Any) -> Page[ProfileId]:
        """See ``Store.profiles``; for an option that is not passed, the store's default applies."""
        return cast("Page[ProfileId]", self.call("profiles", account, **options))

    def balance(self, wallet: Wallet, /, **options: Any) -> Money | None:
        """See ``Store.balance``; if ``before`` is not passed, the store's default applies."""
        return cast("Money | None", self.call("balance", wallet, **options))

    def postings(self, wallet: Wallet, /, **options: Any) -> Page[Booked]:
        """See ``Store.postings``; for an option that is not passed, the store's default applies."""
        return cast("Page[Booked]", self.call("postings", wallet, **options))

    def commit(
        self, decision: Decision | Transfer, /, *, expected: Revision | None = None
    ) -> Revision | None:
        """See ``Store.commit``; a store always receives ``expected``, here by default None."""
        return cast("Revision | None", self.call("commit", decision, expected=expected))

    def decision(self, account: AccountId, token: Token, /) -> Decision | Transfer | None:
        """See ``Store.decision``."""
        return cast("Decision | Transfer | None", self.call("decision", account, token))

    def decisions(self, account: AccountId, /, **options: Any) -> Page[Decision | Transfer]:
        """See ``Store.decisions``; for an option not passed, the store's default applies."""
        return cast("Page[Decision | Transfer]", self.call("decisions", account, **options))

    def due(self, on: date, /, **options: Any) -> Page[tuple[AccountId, ProfileId]]:
        """See ``Store.due``; for an option that is not passed, the store's default applies."""
        return cast("Page[tuple[AccountId, ProfileId]]", self.call("due", on, **options))

    def call(self, name: str, /, *arguments: Any, **options: Any) -> Any:
        """Return the answer of a method.

        Raises:
            AssertionError: the store has no such method, or the answer or the error is of a type
                that the method does not allow.
        """
        __tracebackhide__ = True
        method = getattr(self.store, name, None)
        if method is None:
            raise AssertionError(f"the store has no method {name}; storage.Store lists all methods")
        call = partial(method, *arguments, **options)
        limit_errors = (InvalidValue,) if options.get("limit", 1) < 1 else ()
        allowed = _COMMIT_ERRORS if name == "commit" else limit_errors
        try:
            if self._run is None:
                hint = "test an asynchronous store with AsyncStoreContract"
                answer = _check_not_awaitable(call(), f"{name} returned an awaitable: {hint}")
            else:
                answer = self._run(_await_answer(name, call))
        except (AssertionError, *allowed):
            raise
        except Exception as error:
            option_texts = (f"{key}={value!r}" for key, value in options.items())
            argument_list = ", ".join([*map(shown, arguments), *option_texts])
            allowed_names = ", ".join(kind.__name__ for kind in allowed) or "none"
            raise AssertionError(
                f"{name}({argument_list}) raised {error!r}; allowed errors: {allowed_names}. "
                "The store itself waits for temporary trouble, such as a lock"
            ) from error
        if not isinstance(answer, _ANSWER_TYPES[name]):
            type_names = " or ".join(kind.__name__ for kind in _ANSWER_TYPES[name])
            raise AssertionError(  # noqa: TRY004 - a test fails
                f"{name} returned {shown(answer)}, but {type_names} was expected"
            )
        return answer

    # Several calls

    def commit_decision(
        self, decision: Decision, expected: Revision | None = None
    ) -> Stored[Subscription]:
        """Commit a decision, and return its subscription with the new revision."""
        return Stored(decision.after, cast("Revision", self.commit(decision, expected=expected)))

    def act(
        self,
        stored: Stored[Subscription],
        action: Callable[..., Decision],
        *arguments: Any,
        on: date,
    ) -> Stored[Subscription]:
        """Commit an action, such as ``actions.cancel``, on a stored subscription."""
        return self.commit_decision(action(stored.value, *arguments, on=on), stored.revision)

    def stored_subscription(self, account: AccountId, profile: ProfileId) -> Stored[Subscription]:
        """Return the stored subscription of a profile.

        Raises:
            AssertionError: the store has none, although a decision on the profile was committed.
        """
        __tracebackhide__ = True
        stored = self.subscription(account, profile)
        if stored is None:
            raise AssertionError(
                f"subscription({account!r}, {profile!r}) is None, although a decision on it was "
                "committed"
            )
        return stored

    def read_affected(self, decision: Decision | Transfer) -> dict[str, object]:
        """Return everything in the store that a decision could change."""
        account = decision.account
        answers: dict[str, object] = {}
        if isinstance(decision, Decision):
            answers["subscription"] = self.subscription(account, decision.after.profile)
        for wallet in decision.deltas:
            answers[f"balance({wallet})"] = self.balance(wallet)
            answers[f"postings({wallet})"] = self.all_postings(wallet)
        answers[f"decision({decision.token})"] = self.decision(account, decision.token)
        answers["decisions"] = [committed.token for committed in self.all_decisions(account)]
        answers["profiles"] = self.all_profiles(account)
        answers["due"] = self.walk_due(DISTANT_DAY)
        return answers

    # All pages

    def all_profiles(self, account: AccountId, **options: Any) -> list[ProfileId]:
        """Return the profiles of all pages, in their order."""
        return self._all_items("profiles", account, **options)

    def all_postings(self, wallet: Wallet, **options: Any) -> tuple[Booked, ...]:
        """Return the postings of all pages, in their order."""
        return tuple(self._all_items("postings", wallet, **options))

    def all_decisions(self, account: AccountId, **options: Any) -> list[Decision | Transfer]:
        """Return the decisions and transfers of all pages, in their order."""
        return self._all_items("decisions", account, **options)

    def walk_due(self, on: date, **options: Any) -> list[tuple[AccountId, ProfileId]]:
        """Return the due profiles of all pages, in their order, each with its account."""
        return self._all_items("due", on, **options)

    def due_names(self, on: date, **options: Any) -> list[ProfileId]:
        """Return the due profiles of all pages, in their order, without their accounts."""
        return [profile for _, profile in self.walk_due(on, **options)]

    def _all_items(self, method: str, subject: object, **options: Any) -> list[Any]:
        return [item for page in self.pages(method, subject, **options) for item in page.items]

    def pages(
        self, method: str, subject: object, *, max_pages: int = 1_000, **options: Any
    ) -> Iterator[Page[Any]]:
        """Yield the pages of a method; without ``limit``, the default of the store applies.

        Raises:
            AssertionError: a page is too long, or there are more than ``max_pages``.
        """
        cursor, page_limit = None, options.get("limit", 1000)
        for _ in range(max_pages):
            page = self.call(method, subject, cursor=cursor, **options)
            size = len(page.items)
            if size > page_limit:
                raise AssertionError(
                    f"a page of {method} holds {size} items; the limit is {page_limit}"
                )
            yield page
            cursor = page.next
            if cursor is None:
                return
        raise AssertionError(
            f"the pages of {method} never end: return no cursor with the last page"
        )

    # Calls with a check

    def commit_valid(
        self, decision: Decision | Transfer, message: str, *, expected: Revision | None = None
    ) -> Revision | None:
        """Commit a valid decision and return its revision.

        Raises:
            AssertionError: the store refuses the decision.
        """
        __tracebackhide__ = True
        try:
            return self.commit(decision, expected=expected)
        except ChannelPlansError as error:
            raise AssertionError(f"{message}\n  commit raised {error!r}: {error}") from error

    def check_repeated(
        self,
        decision: Decision | Transfer,
        answer: Revision | None,
        message: str,
        *,
        expected: Revision | None = None,
    ) -> None:
        """Commit a decision again: the answer is that of the first commit, and nothing changes."""
        __tracebackhide__ = True
        before = self.read_affected(decision)
        check_equal(answer, self.commit_valid(decision, message, expected=expected), message)
        message = "an equal decision or transfer was booked twice, or changed the store otherwise"
        check_equal(before, self.read_affected(decision), message)

    def check_refused(
        self,
        kind: type[E],
        decision: Decision | Transfer,
        message: str,
        *,
        expected: Revision | None = None,
    ) -> E:
        """Commit a decision that the store must refuse, and return the error.

        Raises:
            AssertionError: the store accepts the decision, raises an error of another class, or
                changes something.
        """
        __tracebackhide__ = True
        before = self.read_affected(decision)
        error = expect_error(kind, lambda: self.commit(decision, expected=expected), message)
        message = (
            f"commit raised {kind.__name__}, but it changed the store: finish all checks before "
            "the first write, or roll the transaction back"
        )
        check_equal(before, self.read_affected(decision), message)
        return error

    def check_stored(
        self, subscription: Subscription, revision: Revision | None, message: str
    ) -> None:
        """Check that the store returns this subscription for its profile, at this revision."""
        __tracebackhide__ = True
        expected = Stored(subscription, cast("Revision", revision))
        found = self.stored_subscription(subscription.account, subscription.profile)
        check_equal(expected, found, message)
