"""How the suite has another process open a store again, and go on where it was left."""

from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from contextlib import nullcontext
from multiprocessing import get_context
from typing import Any, Final

from channelplans.identifiers import Revision
from channelplans.lifecycle import Decision
from channelplans.storage import Stored
from channelplans.testing._asking import background, expect, opened
from channelplans.testing._cases import BERLIN, CALLS, accept, after, eur, paid_in, used

__all__ = ["CREDIT", "go_on", "opened_again"]

#: What there is for calls, of 0.05 EUR each.
CREDIT: Final = paid_in("1", "for calls", purse=CALLS)


def opened_again(
    reopen: Callable[[], Any],
    decision: Decision,
    revision: Revision | None,
    *,
    awaited: bool = False,
) -> list[Revision | None]:
    """Let another process go on, and return the revisions that it was given.

    ``reopen`` is what ``StoreContract.reopen`` returns, and is pickled.
    """
    with ProcessPoolExecutor(1, get_context("spawn")) as pool:
        return pool.submit(go_on, reopen, decision, revision, awaited=awaited).result()


def go_on(
    reopen: Callable[[], Any],
    decision: Decision,
    revision: Revision | None,
    *,
    awaited: bool = False,
) -> list[Revision | None]:
    """Open a store four times, look for what was committed last, and have a call taken."""
    given, tokens, left = list[Revision | None](), [CREDIT.token], eur("1")
    with background() if awaited else nullcontext() as run:
        for turn in range(4):
            store = opened(reopen, run)
            expect(
                {
                    "subscription": revision and Stored(after(decision), revision),
                    "committed": revision,
                    "postings": tokens,
                    "balance": left,
                },
                {
                    "subscription": store.subscription(BERLIN),
                    "committed": store.committed(decision.token),
                    "postings": [each.token for each in store.postings(CALLS)],
                    "balance": store.balance(CALLS),
                },
                "what was committed is not there for whoever opens the store again",
            )
            decision = used(after(decision), f"c-{turn}")
            sound = "a decision was refused that rests on what was found"
            revision = accept(store, decision, sound, expected=revision)
            given.append(revision)
            tokens.append(decision.token)
            left -= eur("0.05")
    return given
