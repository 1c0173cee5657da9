"""The contract of a store that is awaited: a task may be cancelled wherever it waits."""

from functools import partial
from typing import Final, cast

from channelplans.storage import AsyncStore
from channelplans.testing._asking import Asked, Run, cut_off, expect
from channelplans.testing._cases import ACME, accept, bought, check_held, eur, paid_in

#: At how many places a commit is cut off at most: at each where it waits, if there are no more.
MOST: Final = 40


class Cancelling:
    """Commits that are cut off, as a web server does whose client has gone or whose time is up."""

    def test_a_commit_that_is_cancelled_is_whole_or_not_at_all(
        self, store: Asked, run: Run
    ) -> None:
        """Wherever it is cut off, who commits the same again finds it done once, and nothing stuck.

        If it fails: what waits in between leaves by ``asyncio.CancelledError``, which is not an
        ``Exception``. Let ``async with`` roll the transaction back, release the lock and return the
        connection.
        """
        left, point, reached = eur("10000"), 0, True
        store.commit(paid_in(left), expected=None)
        commit = cast("AsyncStore", store.store).commit
        while reached and point < MOST:
            point += 1
            decision = bought(f"p-{point}", f"s-{point}")
            reached = run(cut_off(partial(commit, decision, expected=None), point))
            half = f"a commit is half done that was cancelled where it waits for time {point}"
            revision = accept(store, decision, half)
            left += decision.postings[0].amount
            check_held(store, decision.after, revision, half)
            expect(revision, store.committed(decision.token), half)
            expect(left, store.balance(ACME), half)
            expect(point + 1, len(store.postings(ACME)), half)
