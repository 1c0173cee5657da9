"""Durability: another process finds everything that was committed, and can continue."""

from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import nullcontext
from multiprocessing import get_context
from typing import Any, ClassVar

import pytest

from channelplans.storage.ports import Revision
from channelplans.subscriptions.decisions import Decision
from channelplans.testing.contract.checked_store import (
    CheckedStore,
    background_loop,
    check_equal,
    open_store,
)
from channelplans.testing.contract.crowd import check_books, opening_deposit, run_processes
from channelplans.testing.contract.helpers import ACCOUNT, make_call_decision, open_account
from channelplans.testing.contract.price_lists import sell_at_each_price_list


class DurabilityTests:
    """Several processes open the same store, at once or one after the other."""

    several_processes: ClassVar[bool] = False
    # Whether the store is an AsyncStore.
    _awaited: ClassVar[bool] = False

    def reopen(self, store: Any) -> Callable[[], Any]:
        """Return a function that opens the same store in another process.

        The function must be picklable: a function of a module, or a ``functools.partial`` of one.
        Like ``make_store``, it may be a coroutine function for an asynchronous store. If only one
        process at a time can open the store, close ``store`` first.

        Raises:
            NotImplementedError: a subclass sets ``several_processes`` without defining ``reopen``.
        """
        raise NotImplementedError(
            "several_processes = True needs `def reopen(self, store)`, which returns a callable "
            "that can be pickled and opens the same store in another process"
        )

    def test_processes_keep_the_books_consistent(self, store: CheckedStore) -> None:
        """Four processes that work on one store at once leave every balance and posting correct.

        If it fails, but no test of threads does: look for a lock, a cache or a counter of revisions
        that only one process can see.
        """
        if not self.several_processes:
            pytest.skip(
                "if several processes may use the store at once, "
                "set several_processes = True and define reopen"
            )
        deposit = opening_deposit()
        store.commit(deposit)
        reopen = self.reopen(store.store)
        work = run_processes(reopen, workers=4, actions=40, awaited=self._awaited)
        check_books(store, committed=[deposit, *work.committed])

    def test_store_keeps_its_contents_when_it_is_reopened(self, store: CheckedStore) -> None:
        """Another process that opens the store finds all commits, and can commit more.

        If it fails: look for a transaction that is never committed, and for data in the memory of a
        process, such as offers and tariffs. Do not restart a counter of revisions or postings when
        the store is opened.
        """
        if type(self).reopen is DurabilityTests.reopen:
            pytest.skip("define reopen if the contents of the store outlive the process")
        sales = sell_at_each_price_list(store)
        purchase, revision = open_account(store)
        contents = store.read_affected(purchase)
        reopen = self.reopen(store.store)
        with ProcessPoolExecutor(1, get_context("spawn")) as pool:
            calls = pool.submit(
                reopen_and_record_calls, reopen, purchase, contents, sales, awaited=self._awaited
            )
        distinct_revisions = {revision, *calls.result()}
        check_equal(5, len(distinct_revisions), "a reopened store used a revision twice")


def reopen_and_record_calls(
    reopen: Callable[[], Any],
    decision: Decision,
    contents: dict[str, object],
    sales: Sequence[tuple[Decision, Revision]] = (),
    *,
    awaited: bool = False,
) -> list[Revision | None]:
    """Open a store four times, each time record a call, and return the revisions of the calls.

    Before each call, check that the store still has the contents that ``read_affected`` returned
    after the latest decision, and the subscriptions of the earlier sales.
    """
    revisions: list[Revision | None] = []
    with background_loop() if awaited else nullcontext() as run:
        for number in range(4):
            store = open_store(reopen, run)
            message = "a reopened store does not contain what was committed"
            check_equal(contents, store.read_affected(decision), message)
            for sale, revision in sales:
                store.check_stored(sale.after, revision, message)
            stored = store.stored_subscription(ACCOUNT, "berlin")
            decision = make_call_decision(stored.value, f"c-{number}")
            message = "a reopened store refused a decision for its stored revision"
            revisions.append(store.commit_valid(decision, message, expected=stored.revision))
            contents = store.read_affected(decision)
    return revisions
