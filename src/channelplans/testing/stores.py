"""The contract of a store as a test suite: subclass it, and define how to make an empty store.

.. code-block:: python

    from itertools import count

    import pytest
    from channelplans.testing.stores import StoreContract


    class TestMyStore(StoreContract):
        @pytest.fixture
        def make_store(self, tmp_path):
            numbers = count()
            return lambda: MyStore(tmp_path / f"{next(numbers)}.db")

A test may call the function several times, and needs a new, empty store each time. So each store
here has a file of its own.

The suite tests every sentence of the docstrings in ``channelplans.storage`` except one. It does not
test that the cost of ``due`` grows only with the number of due profiles: measure that.

The suite commits subscriptions under every offer of the library, under other offers, and at tariffs
in several currencies. The store receives nothing but commits, so each commit must store the offers
and tariffs that it refers to: ``codec.definitions_of`` returns them.

The message of a failing test says what is wrong, and its docstring says what to check in the store.
Every store passes the same tests; no test can be switched off.
"""

import inspect
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, ClassVar, Final

import pytest

from channelplans.storage.ports import AsyncStore, Store
from channelplans.testing.contract.checked_store import (
    CheckedStore,
    Run,
    background_loop,
)
from channelplans.testing.contract.commits import CommitTests
from channelplans.testing.contract.concurrency import CancellationTests, ConcurrencyTests
from channelplans.testing.contract.definitions import DefinitionTests
from channelplans.testing.contract.due import DueTests
from channelplans.testing.contract.durability import DurabilityTests
from channelplans.testing.contract.helpers import open_new_store
from channelplans.testing.contract.paging import PagingTests
from channelplans.testing.contract.reads import ReadTests
from channelplans.testing.contract.state_machine import Machine, run_machine
from channelplans.testing.contract.tokens import TokenTests

__all__ = ["AsyncStoreContract", "StoreContract"]

#: The parts of the contract that a subclass may define.
_DEFINABLE: Final = ("make_store", "several_processes", "reopen")


def _contract_of(cls: type) -> type:
    """Return the contract that a test class is, or inherits from."""
    return next(base for base in cls.__mro__ if base.__module__ == __name__)


class StoreContract(
    ReadTests,
    DefinitionTests,
    TokenTests,
    CommitTests,
    DueTests,
    PagingTests,
    ConcurrencyTests,
    DurabilityTests,
):
    """The tests that every ``Store`` passes.

    Name the subclass ``Test...``, so that pytest finds it, and define the fixture ``make_store``:
    it returns a function that makes a new, empty store. The suite calls the function for each test,
    and for each sequence of commits that a test tries, and refuses a store that holds something. A
    later call may empty the tables of an earlier store of the same test.

    If the contents of your store outlive the process, define ``reopen`` too.

    You can add tests. The fixture ``store`` is an empty store. The fixture ``Machine`` makes an
    empty store and a model for a sequence of commits that you write by hand. You cannot override
    the tests and fixtures of the contract.

    Attributes:
        several_processes: whether several processes may use one store at once. If True, a test
            does so, and ``reopen`` is required.
    """

    def __init_subclass__(cls, **options: Any) -> None:
        """Check that a subclass keeps the whole contract.

        Raises:
            TypeError: the class or a mixin overrides a part of the contract.
        """
        super().__init_subclass__(**options)
        contract = _contract_of(cls)
        for name in sorted(name for name in dir(contract) if not name.startswith("__")):
            attribute = inspect.getattr_static(cls, name)
            is_overridden = attribute is not inspect.getattr_static(contract, name)
            if is_overridden and name not in _DEFINABLE:
                raise TypeError(
                    f"{cls.__name__} overrides {name} of {contract.__name__}; a subclass may "
                    f"define {', '.join(_DEFINABLE)} and tests with other names"
                )

    @pytest.fixture
    def make_store(self) -> Callable[[], Any]:
        """Return a function that makes an empty store; a subclass must define this fixture."""
        message = (
            "make_store must return a function that makes an empty store:\n\n"
            f"    class TestMyStore({_contract_of(type(self)).__name__}):\n"
            "        @pytest.fixture\n"
            "        def make_store(self):\n"
            "            return MyStore\n"
        )
        pytest.fail(message, pytrace=False)

    @pytest.fixture
    def new_store(self, make_store: Callable[[], Store]) -> Callable[[], CheckedStore]:
        """Return a function that makes an empty store and checks each of its answers."""
        return lambda: open_new_store(make_store)

    @pytest.fixture
    def store(self, new_store: Callable[[], CheckedStore]) -> CheckedStore:
        """Return an empty store that checks each answer; ``store.store`` is your own object."""
        return new_store()

    @pytest.fixture(name="Machine")
    def machine(self, new_store: Callable[[], CheckedStore]) -> Callable[[], Machine]:
        """Return a function that makes a state machine on an empty store.

        The name is that of the class, so that the lines that Hypothesis prints can be run.
        """
        return partial(Machine, new_store)

    def test_store_agrees_with_a_model_after_any_sequence(
        self, new_store: Callable[[], CheckedStore]
    ) -> None:
        """After any sequence of commits, the store gives the same answers as a model of dicts.

        If it fails: read the last lines, which are the shortest failing sequence. Paste them into a
        test ``def test_by_hand(self, Machine)`` of your class. Load a Hypothesis profile
        with a larger ``max_examples`` to try more sequences.
        """
        run_machine(new_store)


class AsyncStoreContract(CancellationTests, StoreContract):
    """The same tests for an ``AsyncStore``, and a test that cancels a commit.

    ``make_store`` returns a function or a coroutine function that makes an empty store. All calls
    of a test are awaited on one event loop in a background thread. Use the fixture ``run`` for
    everything else that must run on this loop, such as opening and closing a pool:

    .. code-block:: python

        @pytest.fixture
        def make_store(self, run):
            pool = run(open_pool())
            yield lambda: MyAsyncStore(pool)
            run(pool.close())
    """

    _awaited: ClassVar[bool] = True

    @pytest.fixture
    def run(self) -> Iterator[Run]:
        """Return a function that runs a coroutine on the event loop of the test."""
        with background_loop() as run:
            yield run

    @pytest.fixture
    def new_store(
        self, make_store: Callable[[], AsyncStore], run: Run
    ) -> Callable[[], CheckedStore]:
        """Return a function that makes an empty store on the event loop of the test."""
        return lambda: open_new_store(make_store, run)
