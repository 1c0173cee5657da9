"""Many at once: threads and processes that do business on one account, and an audit of it.

The contract of a store has a small crowd; a larger one, or one of your own, is made of the same
parts. Needs nothing but the package.
"""

import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager, nullcontext
from datetime import date, timedelta
from itertools import chain, count, groupby, islice
from multiprocessing import get_context
from typing import Any, Final, TypeVar, cast

import attrs

from channelplans.desk import Desk
from channelplans.errors import ChannelPlansError
from channelplans.identifiers import ProfileId, Revision, SubscriptionId, Token
from channelplans.ledger import Purse
from channelplans.lifecycle import Decision
from channelplans.money import Money
from channelplans.offers import SKYPE_CONNECT_2011
from channelplans.plans import Plan
from channelplans.storage import Booked, Store
from channelplans.subscriptions import RUNNING
from channelplans.testing._asking import PATIENCE, background, expect, opened
from channelplans.testing._cases import ACCOUNT, ACME, days, eur, paid_in
from channelplans.testing.builders import DAY, TARIFF
from channelplans.usage import Call

__all__ = ["PURSES", "Work", "audit", "opening", "processes", "threads", "work"]

T = TypeVar("T")

PROFILES: Final = tuple(map(ProfileId, ("p-0", "p-1", "p-2", "p-3")))

#: The profile whose subscription nobody changes, so that its terms end and renew.
LEFT_ALONE: Final = PROFILES[-1]

#: Every purse that a crowd posts to.
PURSES: Final = (ACME, *(Purse(ACCOUNT, profile) for profile in PROFILES))


@attrs.frozen
class Work:
    """What some workers did.

    Attributes:
        committed: the decisions that the store said were done, one that several did several times.
        refused: how often something was refused, by the name of the error: by the store, or by
            the rules before the store was asked.
    """

    committed: tuple[Decision, ...]
    refused: Counter[str]

    @property
    def attempted(self) -> int:
        """How many commits the store was asked for, so far as they can be told from outside."""
        asked = ("Conflict", "InsufficientCredit", "TokenReused")
        return len(self.committed) + sum(self.refused[each] for each in asked)

    def __add__(self, other: "Work") -> "Work":
        return Work(self.committed + other.committed, self.refused + other.refused)


def work(store: Store, *, worker: int, actions: int) -> Work:
    """Do so many actions on one account as one worker of a crowd, and return what became of them.

    Every worker does the same kinds of things to the same four profiles, each beginning at another
    one: paying in, buying, changing, moving credit, using, renewing and ending. There is too little
    credit for all of it. Two workers of one crowd have different numbers.

    Raises:
        AssertionError: the store failed otherwise than its contract lets it.
    """
    noted = _Noted(store)
    # Only what it is asked for must be there: what stands for the store is none to a type checker.
    desk = Desk(cast("Store", noted), tariff=lambda _offer, _day: TARIFF)
    refused: Counter[str] = Counter()
    turns = (_turn(store, desk, worker, number) for number in count())
    for act in islice(chain.from_iterable(turns), actions):
        try:
            act()
        except ChannelPlansError as error:
            refused[type(error).__name__] += 1
    return Work(tuple(noted.done), refused)


class _Noted:
    """A store that notes what it was told was done: also what a desk does before it is asked to."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.done: list[Decision] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def commit(self, decision: Decision, /, *, expected: Revision | None) -> Revision | None:
        revision = self._store.commit(decision, expected=expected)
        self.done.append(decision)
        return revision


def _turn(store: Store, desk: Desk, worker: int, number: int) -> Iterator[Callable[[], object]]:
    day, name = DAY + days(10 * number), f"{worker}-{number}"
    mine, ours = PROFILES[(number + worker) % 4], PROFILES[number % 4]
    plan = SKYPE_CONNECT_2011.plan(channels=2 + (3 * number + worker) % 8)
    some, less = eur("0.50"), eur("0.30")
    yield lambda: desk.deposit(ACME, eur("3.50"), transfer=f"in {name}", on=day)
    yield lambda: _sell(store, desk, mine, plan, name, day)
    yield lambda: desk.assign_credit(ACCOUNT, ours, some, transfer=f"to {name}", on=day)
    yield lambda: _use(store, desk, mine, f"of {name}", day)
    # All workers deliver this call.
    yield lambda: _use(store, desk, ours, f"{number}", day)
    yield lambda: desk.take_back_credit(ACCOUNT, ours, less, transfer=f"of {name}", on=day)
    yield lambda: _sell(store, desk, ours, plan, f"{name}-b", day)
    yield lambda: _run_due(desk, day)


def _today(store: Store, profile: ProfileId, day: date) -> date:
    """Return the day, or a later one on which another worker has acted already."""
    stored = store.subscription(profile)
    return max(day, stored.value.acted_on or day) if stored else day


def _sell(store: Store, desk: Desk, profile: ProfileId, plan: Plan, name: str, day: date) -> None:
    """Buy where nothing runs, and change or end what does, unless it is left alone."""
    stored, on = store.subscription(profile), _today(store, profile, day)
    if stored is None or stored.value.status not in RUNNING:
        sold = SubscriptionId(name)
        if profile == LEFT_ALONE:
            plan = plan.offer.plan(channels=1)
        desk.buy(plan, account=ACCOUNT, profile=profile, subscription=sold, on=on)
    elif profile != LEFT_ALONE:
        if plan.channels == 9:
            desk.terminate(profile, on=on)
        else:
            desk.change(profile, plan, on=on)


def _use(store: Store, desk: Desk, profile: ProfileId, name: str, day: date) -> None:
    on = _today(store, profile, day)
    desk.use(profile, Call(name, "+49 30 555 0100", "DE", on, timedelta(minutes=3)), on=on)


def _run_due(desk: Desk, on: date) -> None:
    for outcome in desk.run_due(on=on):
        if outcome.decision is None:
            # The offer has no grace, so that nothing waits for credit: this failed.
            raise cast("Exception", outcome.error)


def opening(credit: str = "60") -> Decision:
    """Return the deposit that a crowd begins with: far too little for all."""
    return paid_in(credit, "opening of the crowd")


def audit(
    store: Store, purses: Iterable[Purse] = PURSES, *, committed: Iterable[Decision] | None = None
) -> None:
    """Check that what is stored adds up, once nobody is at work.

    No purse is below zero, or was after any decision in the order of its postings; each holds their
    sum, and no posting of a decision is booked twice. With ``committed``, all the decisions that
    were ever committed (one may be there several times), each posting of theirs is booked and no
    other, and for each profile they are one chain: each decision rests on the one before it, and
    the last is what is stored.

    Raises:
        AssertionError: something does not add up; the message says what.
    """
    booked: list[Booked] = []
    for purse in purses:
        there = tuple(store.postings(purse))
        balance, amounts = store.balance(purse), [each.posting.amount for each in there]
        total = sum(amounts[1:], start=amounts[0]) if amounts else None
        expect(
            total,
            balance,
            f"the balance of {purse} is not the sum of its postings: a posting was lost or doubled,"
            " or a balance was written that rests on one read too early",
        )
        if balance is not None and balance < Money(0, balance.currency):
            raise AssertionError(
                f"{purse} holds {balance}: it was checked that there is enough credit, and then "
                "more was taken; check and change a balance in one transaction"
            )
        _audit_order(purse, there)
        booked += there
    again = [key for key, count in Counter(map(_key, booked)).items() if count > 1]
    expect([], again, "postings are booked twice, by their token and index")
    if committed is not None:
        _audit_decisions(store, booked, {each.token: each for each in committed})


def _audit_order(purse: Purse, there: Sequence[Booked]) -> None:
    """Add the postings up in their order, decision by decision."""
    held = 0
    for token, booked in groupby(there, key=lambda each: each.token):
        held += sum(each.posting.amount.minor for each in booked)
        if held < 0:
            raise AssertionError(
                f"{purse} would have been below zero after {token}: its postings are not in the "
                "order in which they were committed; number them under the purse's lock"
            )


def _audit_decisions(
    store: Store, booked: Sequence[Booked], decisions: dict[Token, Decision]
) -> None:
    wanted = {
        _key(each): each
        for decision in decisions.values()
        for index, posting in enumerate(decision.postings)
        for each in [Booked(posting, decision.token, index)]
    }
    expect(
        wanted,
        {_key(each): each for each in booked},
        "the postings stored are not those of the decisions that commit said it had stored",
    )
    last: dict[ProfileId, dict[object, Decision]] = {}
    for decision in decisions.values():
        if decision.after is None:
            continue
        rest = last.setdefault(decision.after.profile, {})
        before = decision.before and (decision.before.id, decision.before.sequence)
        if before in rest:
            raise AssertionError(
                f"{decision.token} and {rest[before].token} rest on the same subscription, and "
                "both were stored: commit compares the revision and writes in one step, by "
                "`UPDATE ... WHERE revision = expected` or under a lock"
            )
        rest[before] = decision
    for profile, rest in last.items():
        after = [each.after for each in rest.values() if each.after is not None]
        final = [each for each in after if (each.id, each.sequence) not in rest]
        stored = store.subscription(profile)
        expect(final, [stored and stored.value], f"{profile} holds not what was committed last")


def _key(booked: Booked) -> tuple[Token, int]:
    return booked.token, booked.index


def threads(works: Sequence[Callable[[], T]], *, patience: float = PATIENCE) -> list[T]:
    """Do several things at once, each in a thread, and return what each returns.

    Raises:
        AssertionError: one of them takes too long.
        Exception: what the first that failed raised.
    """
    # One by one until all are ready: Python 3.11 may fail where two begin to be traced at once.
    ready, start = threading.Semaphore(0), threading.Event()
    done: dict[int, T] = {}
    failed: list[BaseException] = []

    def work(number: int) -> None:
        try:
            ready.release()
            start.wait()
            done[number] = works[number]()
        except BaseException as error:  # noqa: BLE001 - it is raised where it can be seen
            failed.append(error)

    running = [
        threading.Thread(target=work, args=(number,), daemon=True) for number in range(len(works))
    ]
    for thread in running:
        thread.start()
        ready.acquire()
    with _often():
        start.set()
        for thread in running:
            thread.join(patience)
    if failed:
        raise failed[0]
    if len(done) < len(works):
        raise AssertionError(
            f"{len(works) - len(done)} of {len(works)} threads did not come back in "
            f"{patience:g} s: look for a lock that is not released after a refusal, or two "
            "that are taken in different orders"
        )
    return [done[number] for number in range(len(works))]


@contextmanager
def _often() -> Iterator[None]:
    """Let threads take turns as often as can be, so that they meet in the middle of things."""
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        yield
    finally:
        sys.setswitchinterval(interval)


def processes(
    reopen: Callable[[], Any], *, workers: int, actions: int, awaited: bool = False
) -> Work:
    """Let a crowd work in so many processes at once, each with the store opened anew.

    ``reopen`` is what ``StoreContract.reopen`` returns, and is pickled.
    """
    context = get_context("spawn")
    start = context.Barrier(workers)
    with ProcessPoolExecutor(
        workers, mp_context=context, initializer=_meet, initargs=(start,)
    ) as pool:
        parts = [
            pool.submit(_elsewhere, reopen, worker, actions, awaited=awaited)
            for worker in range(workers)
        ]
        return sum((part.result() for part in parts), start=Work((), Counter()))


def _meet(start: threading.Barrier) -> None:
    """Wait until all processes have loaded what they need."""
    start.wait(PATIENCE)


def _elsewhere(
    reopen: Callable[[], Any], worker: int, actions: int, *, awaited: bool = False
) -> Work:
    """Do the work of one of several processes, with a store of its own."""
    with background() if awaited else nullcontext() as run:
        return work(opened(reopen, run), worker=worker, actions=actions)
