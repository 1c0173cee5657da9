"""Threads and processes that do business on one account at once, and a check of the result.

The contract of a store uses a small group of workers. Use the same functions for a larger group or
for your own workers. This module needs only the package.
"""

import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import nullcontext
from datetime import date
from itertools import chain, count, groupby, islice
from multiprocessing import get_context
from typing import Any, Final, TypeVar, cast

import attrs

from channelplans.errors import ChannelPlansError
from channelplans.offers import OFFERS
from channelplans.plans import Plan
from channelplans.storage.billing import Billing
from channelplans.storage.ports import Booked, Revision, Store
from channelplans.subscriptions.decisions import Decision, Transfer
from channelplans.subscriptions.identifiers import ProfileId, Token
from channelplans.subscriptions.subscription import RUNNING
from channelplans.subscriptions.wallets import Wallet
from channelplans.testing.builders import DAY, TARIFF
from channelplans.testing.contract.checked_store import (
    TIMEOUT,
    background_loop,
    check_equal,
    open_store,
)
from channelplans.testing.contract.helpers import (
    ACCOUNT,
    ACCOUNT_WALLET,
    days,
    eur,
    make_call,
    make_deposit,
)

__all__ = [
    "WALLETS",
    "WorkerReport",
    "check_books",
    "opening_deposit",
    "run_processes",
    "run_threads",
    "run_worker",
]

T = TypeVar("T")

PROFILES: Final = ("p-0", "p-1", "p-2", "p-3")

#: No worker changes the subscription of this profile, so it is renewed at the end of each term.
UNCHANGED_PROFILE: Final = PROFILES[-1]

#: If this is the random number of channels, the worker ends the subscription and changes nothing.
ENDING_NUMBER: Final = 9

#: Every wallet that the workers post to.
WALLETS: Final = (ACCOUNT_WALLET, *(Wallet(ACCOUNT, profile) for profile in PROFILES))


@attrs.frozen
class WorkerReport:
    """What one or more workers did.

    Attributes:
        committed: the decisions and transfers that ``commit`` accepted. If several workers
            committed equal decisions, each of them is listed.
        refused: the number of refused actions, by the name of the error. The store or the rules
            refused them.
    """

    committed: tuple[Decision | Transfer, ...]
    refused: Counter[str]

    @property
    def attempted(self) -> int:
        """The number of commits that were accepted, or refused with an error of ``commit``."""
        store_errors = ("Conflict", "InsufficientCredit", "TokenReused")
        return len(self.committed) + sum(self.refused[error] for error in store_errors)

    def __add__(self, other: "WorkerReport") -> "WorkerReport":
        return WorkerReport(self.committed + other.committed, self.refused + other.refused)


def run_worker(store: Store, *, worker: int, actions: int) -> WorkerReport:
    """Do a number of actions on one account, and return which were committed and which refused.

    All workers do the same kinds of actions on the same four profiles: deposit, buy, change, move
    credit, record calls, renew and end. Each worker starts at another profile. The credit is too
    small for all of it.

    Args:
        store: the store that all workers use.
        worker: the number of the worker, from 0; each worker has its own.
        actions: the number of actions.

    Raises:
        AssertionError: the store failed in a way that its contract does not allow.
    """
    recording = _RecordingStore(store)
    # Attributes are looked up at run time, so a type checker does not see a Store.
    billing = Billing(cast("Store", recording), prices=TARIFF)
    refused: Counter[str] = Counter()
    rounds = (_round_of_actions(store, billing, worker, number) for number in count())
    for act in islice(chain.from_iterable(rounds), actions):
        try:
            act()
        except ChannelPlansError as error:
            refused[type(error).__name__] += 1
    return WorkerReport(tuple(recording.accepted), refused)


class _RecordingStore:
    """A store that records each accepted commit, also those that a billing service adds."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.accepted: list[Decision | Transfer] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def commit(self, decision: Decision | Transfer, /, **options: Any) -> Revision | None:
        revision = self._store.commit(decision, **options)
        self.accepted.append(decision)
        return revision


def _round_of_actions(
    store: Store, billing: Billing, worker: int, number: int
) -> Iterator[Callable[[], object]]:
    """Yield the actions of one worker in one round, each as a function without arguments."""
    day, name = DAY + days(10 * number), f"{worker}-{number}"
    # In one round all workers meet at the shared profile, and also work at different profiles.
    shared_profile, own_profile = PROFILES[number % 4], PROFILES[(number + worker) % 4]
    channels = 2 + (3 * number + worker) % 8
    plan = OFFERS["skype-connect-2011"].plan(channels=channels)
    assigned, returned = eur("0.50"), eur("0.30")
    yield lambda: billing.deposit(ACCOUNT_WALLET, eur("3.50"), transfer=f"in {name}", on=day)
    yield lambda: _buy_or_change(store, billing, own_profile, plan, name, day)
    yield lambda: billing.assign_credit(
        ACCOUNT, shared_profile, assigned, transfer=f"to {name}", on=day
    )
    yield lambda: _record_call(store, billing, own_profile, f"of {name}", day)
    # All workers deliver the call with this identifier.
    yield lambda: _record_call(store, billing, shared_profile, f"{number}", day)
    yield lambda: billing.take_back_credit(
        ACCOUNT, shared_profile, returned, transfer=f"of {name}", on=day
    )
    yield lambda: _buy_or_change(store, billing, shared_profile, plan, f"{name}-b", day)
    yield lambda: _run_due(billing, day)


def _earliest_day(store: Store, profile: ProfileId, day: date) -> date:
    """Return the day, or the day of the latest action on the profile if that is later."""
    stored = store.subscription(ACCOUNT, profile)
    return max(day, stored.value.acted_on or day) if stored else day


def _buy_or_change(
    store: Store, billing: Billing, profile: ProfileId, plan: Plan, name: str, day: date
) -> None:
    """Buy if the profile has no running subscription; otherwise change it or end it."""
    stored, on = store.subscription(ACCOUNT, profile), _earliest_day(store, profile, day)
    if stored is None or stored.value.status not in RUNNING:
        if profile == UNCHANGED_PROFILE:
            plan = plan.offer.plan(channels=1)
        billing.buy(plan, account=ACCOUNT, profile=profile, subscription=name, on=on)
    elif profile != UNCHANGED_PROFILE:
        if plan.channels == ENDING_NUMBER:
            billing.terminate(ACCOUNT, profile, on=on)
        else:
            billing.change(ACCOUNT, profile, plan=plan, on=on)


def _record_call(store: Store, billing: Billing, profile: ProfileId, name: str, day: date) -> None:
    on = _earliest_day(store, profile, day)
    billing.record_call(ACCOUNT, profile, make_call(name, on), on=on)


def _run_due(billing: Billing, on: date) -> None:
    for outcome in billing.run_due(on=on):
        # On its due day, a subscription may wait for credit.
        if outcome.failed:
            raise cast("Exception", outcome.error)


def opening_deposit(credit: str = "60") -> Transfer:
    """Return the deposit that the workers start with, which is too small for all their actions.

    Args:
        credit: the amount of the deposit, in euros.
    """
    return make_deposit(credit, "opening of the crowd")


def check_books(
    store: Store,
    wallets: Iterable[Wallet] = WALLETS,
    *,
    committed: Iterable[Decision | Transfer] | None = None,
) -> None:
    """Check that the stored data adds up. Call it when no thread uses the store.

    - Each balance is the sum of the wallet's postings.
    - Add up a wallet's postings in their order. The sum is below zero only after a decision that
      may overdraw the wallet, or after an incoming posting.
    - No posting is booked twice.

    With ``committed``, two more things are checked:

    - Exactly the postings of these decisions are booked.
    - No two decisions change the same state of a subscription, and each profile holds the result
      of the last decision.

    Args:
        store: the store to check.
        wallets: the wallets to check; by default those of the workers.
        committed: all decisions and transfers that were ever committed; repeated entries count
            once. None if they are not known.

    Raises:
        AssertionError: the data does not add up. The message lists all problems, always in the
            same order.
    """
    booked: list[Booked] = []
    problems: list[str] = []
    for wallet in wallets:
        postings = tuple(_read_postings(store, wallet))
        problems += _find_wallet_problems(store, wallet, postings)
        booked += postings
    counts = Counter(map(_key, booked))
    repeated = [key for key, number in counts.items() if number > 1]
    problems += _find_differences([], repeated, "postings are booked twice (token, index)")
    if committed is not None:
        decisions = {decision.token: decision for decision in committed}
        problems += _find_decision_problems(store, booked, decisions)
    if problems:
        raise AssertionError("\n".join(["the stored data does not add up", *problems]))


def _find_differences(expected: object, found: object, sentence: str) -> Iterator[str]:
    try:
        check_equal(expected, found, sentence)
    except AssertionError as error:
        yield str(error)


def _read_postings(store: Store, wallet: Wallet) -> Iterator[Booked]:
    """Yield the postings of all pages."""
    page = store.postings(wallet)
    yield from page.items
    while page.next is not None:
        page = store.postings(wallet, cursor=page.next)
        yield from page.items


def _find_wallet_problems(
    store: Store, wallet: Wallet, postings: Sequence[Booked]
) -> Iterator[str]:
    amounts = [booked.posting.amount for booked in postings]
    total = sum(amounts[1:], start=amounts[0]) if amounts else None
    balance = store.balance(wallet)
    if total != balance:
        sentence = (
            f"the balance of {wallet} is not the sum of its postings: a posting was lost or booked "
            "twice, or a balance was computed from an old value"
        )
        yield from _find_differences(total, balance, sentence)
        return
    overdrawing_token = _find_overdraft(store, wallet, postings)
    if overdrawing_token is not None and balance is not None and balance.minor < 0:
        yield (
            f"{wallet} holds {balance}: another commit changed the balance after the credit was "
            "checked; check and change a balance in one transaction"
        )
    elif overdrawing_token is not None:
        yield (
            f"the postings of {wallet} are not in commit order, because it would be below zero "
            "after one of them; number postings while you hold the lock of the wallet\n"
            f"  {wallet} would be below zero after {overdrawing_token}"
        )


def _find_overdraft(store: Store, wallet: Wallet, postings: Sequence[Booked]) -> Token | None:
    """Return the token of the first decision that overdraws a wallet and may not; or None.

    The postings are added up in their order, decision by decision.
    """
    balance = 0
    token: Token
    for token, booked_together in groupby(postings, key=lambda booked: booked.token):
        delta = sum(booked.posting.amount.minor for booked in booked_together)
        balance += delta
        if delta < 0 and balance < 0:
            decision = store.decision(wallet.account, token)
            if decision is None or not decision.may_overdraw:
                return token
    return None


def _find_decision_problems(
    store: Store, booked: Sequence[Booked], decisions: dict[Token, Decision | Transfer]
) -> Iterator[str]:
    expected = {
        (decision.token, index): Booked(posting, decision.token, index)
        for decision in decisions.values()
        for index, posting in enumerate(decision.postings)
    }
    found = {_key(posting): posting for posting in booked}
    sentence = "the stored postings differ from those of the decisions that commit accepted"
    yield from _find_differences(expected, found, sentence)
    successors: dict[ProfileId, dict[object, Decision]] = {}
    conflicts: list[str] = []
    for decision in decisions.values():
        if isinstance(decision, Transfer):
            continue
        profile_successors = successors.setdefault(decision.after.profile, {})
        before = decision.before and (decision.before.id, decision.before.sequence)
        if before in profile_successors:
            conflicts.append(f"  {profile_successors[before].token} and {decision.token}")
        profile_successors[before] = decision
    if conflicts:
        yield (
            "two decisions on the same subscription were stored: compare the revision and write in "
            "one step, by `UPDATE ... WHERE revision = expected` or under a lock"
        )
        yield from conflicts
    for profile, profile_successors in successors.items():
        results = [decision.after for decision in profile_successors.values()]
        latest = [
            result for result in results if (result.id, result.sequence) not in profile_successors
        ]
        stored = store.subscription(ACCOUNT, profile)
        sentence = f"{profile} does not hold the subscription that was committed last"
        yield from _find_differences(latest, [stored and stored.value], sentence)


def _key(booked: Booked) -> tuple[Token, int]:
    return booked.token, booked.index


def run_threads(works: Sequence[Callable[[], T]], *, patience: float = TIMEOUT) -> list[T]:
    """Run each function in its own thread at the same time, and return the results in their order.

    Args:
        works: the functions, one for each thread.
        patience: the number of seconds to wait for each thread.

    Raises:
        AssertionError: a thread does not finish in time.
        Exception: a function failed. If several failed, the error is that of the first in
            ``works``.
    """
    # Threads are started one by one: Python 3.11 may fail if a tracer attaches to two at once.
    ready, start = threading.Semaphore(0), threading.Event()
    results: list[Future[T]] = [Future() for _ in works]

    def run(work: Callable[[], T], result: Future[T]) -> None:
        try:
            ready.release()
            start.wait()
            result.set_result(work())
        except BaseException as error:  # noqa: BLE001 - raised again in the calling thread
            result.set_exception(error)

    threads = [
        threading.Thread(target=run, args=arguments, daemon=True)
        for arguments in zip(works, results, strict=True)
    ]
    for thread in threads:
        thread.start()
        ready.acquire()
    interval = sys.getswitchinterval()
    # Switch between threads as often as possible, so that they interrupt each other's work.
    sys.setswitchinterval(1e-6)
    try:
        start.set()
        for thread in threads:
            thread.join(patience)
    finally:
        sys.setswitchinterval(interval)
    finished = [result.result() for result in results if result.done()]
    if len(finished) < len(works):
        raise AssertionError(
            f"{len(works) - len(finished)} of {len(works)} threads did not finish in "
            f"{patience:g} s: look for a lock that is not released after a refusal, or for two "
            "locks that are taken in different orders"
        )
    return finished


def run_processes(
    reopen: Callable[[], Any], *, workers: int, actions: int, awaited: bool = False
) -> WorkerReport:
    """Run a number of workers, each in its own process, and return what they did together.

    Args:
        reopen: opens the store in each process: the result of ``StoreContract.reopen``. It is
            pickled.
        workers: the number of processes.
        actions: the number of actions of each worker.
        awaited: whether the store is asynchronous.
    """
    context = get_context("spawn")
    start = context.Barrier(workers)
    with ProcessPoolExecutor(
        workers, mp_context=context, initializer=_wait_for_all, initargs=(start,)
    ) as pool:
        reports = [
            pool.submit(_run_reopened, reopen, worker, actions, awaited=awaited)
            for worker in range(workers)
        ]
        return sum((report.result() for report in reports), start=WorkerReport((), Counter()))


def _wait_for_all(start: threading.Barrier) -> None:
    """Wait until all processes have imported their modules."""
    start.wait(TIMEOUT)


def _run_reopened(
    reopen: Callable[[], Any], worker: int, actions: int, *, awaited: bool = False
) -> WorkerReport:
    """Open the store, and do the work of one process."""
    with background_loop() if awaited else nullcontext() as run:
        return run_worker(open_store(reopen, run), worker=worker, actions=actions)
