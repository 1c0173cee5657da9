"""The contract of a store as a suite of tests: subclass it, and say how an empty store is made.

.. code-block:: python

    class TestMyStore(StoreContract):
        @pytest.fixture
        def make_store(self, tmp_path):
            return lambda: MyStore(tmp_path / "store.db", CATALOGUE)

The docstrings in ``channelplans.storage`` are tested sentence by sentence, but for one: what it
costs to find what is due is for you to measure. All offers that the package ships are stored;
``builders.CATALOGUE`` holds them with the tariff that is used. A test that fails says what it
found, and its docstring where to look. What is promised is the same for every store: no flag lets
one off.
"""

import inspect
from collections.abc import Callable, Coroutine, Iterator
from functools import partial
from typing import Any, ClassVar, Final

import pytest

from channelplans.storage import AsyncStore, Store
from channelplans.testing._asking import Asked, Run, background, expect, opened
from channelplans.testing._cancelling import Cancelling
from channelplans.testing._cases import open_account
from channelplans.testing._committing import Committing
from channelplans.testing._machine import Machine, run_machine
from channelplans.testing._meeting import Meeting
from channelplans.testing._reading import Reading
from channelplans.testing._reopening import CREDIT, opened_again
from channelplans.testing._repeating import Repeating
from channelplans.testing._walking import Walking
from channelplans.testing.crowd import audit, opening, processes

__all__ = ["AsyncStoreContract", "StoreContract"]

_MAKE_STORE: Final = """\
make_store must give a callable that makes an empty store:

    class Test{name}({contract}):
        @pytest.fixture
        def make_store(self):
            return {name}
"""

#: What a subclass may define; all else of the contract is as it is.
_FREE: Final = ("make_store", "several_processes", "reopen")


class StoreContract(Reading, Repeating, Committing, Walking, Meeting):
    """The tests that every ``Store`` passes.

    A subclass, called ``Test...`` so that pytest finds it, gives the fixture ``make_store``: a
    callable that makes an empty store. It is called once for each test, and again for each sequence
    that is tried in a test; then what an earlier store of the test held is no longer needed, so
    that the same tables may be emptied.

    Tests of your own may be added; the fixture ``store`` gives them an empty store, and ``Machine``
    makes one for each sequence that is run by hand. Those of the contract cannot be overridden.

    A store whose contents outlive the process says in ``reopen`` how another one gets at them.

    Attributes:
        several_processes: whether several processes can work on one store at once, which is tested
            then; it needs ``reopen``.
    """

    several_processes: ClassVar[bool] = False

    def __init_subclass__(cls, **named: Any) -> None:
        """Refuse to be a contract with a part missing.

        Raises:
            TypeError: a class, or one that is mixed in, overrides a part of the contract.
        """
        super().__init_subclass__(**named)
        contract = next(each for each in cls.__mro__ if each.__module__ == __name__)
        for name in sorted(name for name in dir(contract) if not name.startswith("__")):
            mine, told = (inspect.getattr_static(each, name) for each in (cls, contract))
            if mine is not told and name not in _FREE:
                raise TypeError(
                    f"{cls.__name__} overrides {name} of {contract.__name__}, and a store holds to "
                    f"all of it or not at all; what may be defined is {', '.join(_FREE)}, and "
                    "tests by other names"
                )

    def reopen(self, store: Any) -> Callable[[], Any]:
        """Return what opens a store again in another process: a callable that can be pickled.

        It may be a function of a module, or a ``functools.partial`` of one, and it returns what
        ``make_store`` would, with all that the store given holds. Where only one process at a time
        may have it open, close the store given first.
        """
        raise NotImplementedError(
            "several_processes = True needs `def reopen(self, store)`, which returns a callable "
            "that can be pickled and opens the same store in another process"
        )

    @pytest.fixture
    def make_store(self) -> Callable[[], Any]:
        """Give a callable that makes an empty store: a subclass must say how."""
        text = _MAKE_STORE.format(name="MyStore", contract=self._contract)
        pytest.fail(text, pytrace=False)

    @pytest.fixture
    def new_store(self, make_store: Callable[[], Store]) -> Callable[[], Asked]:
        """Give a callable that makes an empty store whose answers are looked at."""
        return lambda: opened(make_store)

    @pytest.fixture
    def store(self, new_store: Callable[[], Asked]) -> Asked:
        """Give an empty store whose answers are looked at; ``store.store`` is itself."""
        return new_store()

    @pytest.fixture(name="Machine")
    def machine(self, new_store: Callable[[], Store]) -> Callable[[], Machine]:
        """Give a callable that begins a sequence by hand, on an empty store of its own."""
        return partial(Machine, new_store)

    def test_any_sequence_of_commits_is_as_the_model_says(
        self, new_store: Callable[[], Store]
    ) -> None:
        """Whatever is committed in whatever order, the store answers as a model of plain dicts.

        If it fails: the last lines tell the shortest sequence that was found, and can be pasted
        into a test ``def test_by_hand(self, Machine)`` of the same class. More sequences are tried
        where the profile of Hypothesis that is loaded has more examples.
        """
        run_machine(new_store)

    def test_processes_leave_the_books_in_order(self, store: Any) -> None:
        """Four processes do what eight threads do, where the store is one for several processes.

        If it fails, and no test of threads does: look for a lock, a cache or a counter of revisions
        that only one process knows.
        """
        if not self.several_processes:
            pytest.skip("one process at a time: set several_processes = True and define reopen")
        begun = opening()
        store.commit(begun, expected=None)
        done = processes(self.reopen(store.store), workers=4, actions=40, awaited=self._awaited)
        audit(store, committed=[begun, *done.committed])

    def test_what_is_stored_is_there_when_it_is_opened_again(self, store: Any) -> None:
        """By another process, which reads what was committed and goes on, four times over.

        If it fails: look for a transaction that nobody commits, for what a process keeps to itself,
        and for a counter, of revisions or of postings, that begins anew when a store is opened.
        """
        if type(self).reopen is StoreContract.reopen:
            pytest.skip("gone with the process: define reopen if what is stored outlives it")
        decision, revision = open_account(store)
        store.commit(CREDIT, expected=None)
        given = opened_again(self.reopen(store.store), decision, revision, awaited=self._awaited)
        expect(5, len({revision, *given}), "a revision was used twice, by a store opened anew")

    _contract: ClassVar[str] = "StoreContract"
    _awaited: ClassVar[bool] = False


class AsyncStoreContract(Cancelling, StoreContract):
    """The same tests for an ``AsyncStore``, and one more, of a commit that is cancelled.

    ``make_store`` gives a callable that makes an empty store, or a coroutine function that does.
    All of a test's calls are awaited on one event loop, in a thread in the background. What must
    be done on that loop, such as opening and closing a pool, ``make_store`` does by the fixture
    ``run``:

    .. code-block:: python

        @pytest.fixture
        def make_store(self, run):
            pool = run(open_pool())
            yield lambda: MyAsyncStore(pool)
            run(pool.close())
    """

    _contract: ClassVar[str] = "AsyncStoreContract"
    _awaited: ClassVar[bool] = True

    @pytest.fixture
    def run(self) -> Iterator[Callable[[Coroutine[Any, Any, Any]], Any]]:
        """Give a callable that runs a coroutine on the loop of the test, and waits for it."""
        with background() as run:
            yield run

    @pytest.fixture
    def new_store(self, make_store: Callable[[], AsyncStore], run: Run) -> Callable[[], Asked]:
        """Give a callable that makes an empty store which is asked on the loop of the test."""
        return lambda: opened(make_store, run)
