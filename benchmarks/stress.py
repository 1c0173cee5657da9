"""Let workers act on one account at once, then audit the store: python benchmarks/stress.py --help.

The workers buy, change, record calls, move credit, cancel and renew on the account's six profiles.
There is too little credit for all actions. The seed decides the actions of each worker, but not the
order of the workers. Each worker keeps the decisions and transfers that it committed. In the end,
the store must contain exactly these, each of them once.
"""

import argparse
import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from datetime import timedelta
from functools import partial
from math import ceil
from multiprocessing import get_context
from pathlib import Path
from random import Random
from time import perf_counter
from typing import Any, cast

import attrs

from channelplans import (
    EUR,
    SKYPE_CONNECT,
    Action,
    Billing,
    Call,
    ChannelPlansError,
    Conflict,
    Decision,
    InsufficientCredit,
    Money,
    Plan,
    Reason,
    Store,
    TokenReused,
    Transfer,
    Wallet,
)
from channelplans.offers import OFFERS
from channelplans.storage import Revision
from channelplans.subscriptions import ProfileId
from channelplans.testing.builders import DAY, TARIFF
from channelplans.testing.contract.crowd import check_books, run_threads

# Python finds the other modules from any working directory.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.stores import KINDS, opened, place

ACCOUNT = Wallet("acme")
PROFILES = ("berlin", "gdynia", "leeds", "lyon", "oslo", "york")
WALLETS = (ACCOUNT, *(Wallet(ACCOUNT.account, profile) for profile in PROFILES))

# The offers differ in the effect of a change and in the rules for non-payment.
SOLD_OFFERS = (SKYPE_CONNECT, OFFERS["premitel"], OFFERS["voip-yonder"])

# The printed counts. The indented lines are the results of the commits.
PRINTED_COUNTS = (
    "attempted commits",
    "  done",
    "  repeated",
    f"  {Conflict.code}",
    f"  {InsufficientCredit.code}",
    f"  {TokenReused.code}",
    "refused by a rule",
    "terms renewed",
    "postings",
)

# A crowd that needs more seconds than this is stuck.
PATIENCE = 900


class CountingStore:
    """Counts the commits of a store and keeps the committed decisions and transfers."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.tally: Counter[str] = Counter()
        self.accepted: list[Decision | Transfer] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def commit(
        self, decision: Decision | Transfer, /, *, expected: Revision | None
    ) -> Revision | None:
        """Commit a decision or a transfer, and count the result."""
        self.tally["attempted commits"] += 1
        try:
            revision = self._store.commit(decision, expected=expected)
        except (Conflict, InsufficientCredit, TokenReused) as error:
            self.tally[error.code] += 1
            raise
        self.accepted.append(decision)
        return revision


@attrs.frozen
class WorkerResult:
    """The counts of a worker, and the decisions and transfers that it committed."""

    tally: Counter[str]
    committed: tuple[Decision | Transfer, ...]


class Worker:
    """Acts on the account, one action per day."""

    def __init__(self, store: Store, seed: int, number: int) -> None:
        self.store = CountingStore(store)
        self.random = Random(f"{seed}, worker {number}")  # noqa: S311 - a seed repeats it
        self.number = number
        self.steps = 0
        self.day = DAY
        # The proxy has all methods of a store, but a type checker does not see them.
        self.billing = Billing(cast("Store", self.store), prices=TARIFF)

    def run(self, commits: int) -> WorkerResult:
        """Act until a number of commits were attempted."""
        tally = self.store.tally
        while tally["attempted commits"] < commits:
            self.steps += 1
            self.day += timedelta(days=1)
            (act,) = self.random.choices(tuple(ACTS), tuple(ACTS.values()))
            try:
                act(self)
            except (Conflict, InsufficientCredit):
                pass  # the store has counted it
            except ChannelPlansError:
                tally["refused by a rule"] += 1
        return WorkerResult(tally, tuple(self.store.accepted))

    @property
    def name(self) -> str:
        """A name that no worker has used before."""
        return f"{self.number}-{self.steps}"

    def profile(self) -> ProfileId:
        """Draw a profile, and advance to the day of the latest action on it."""
        profile = self.random.choice(PROFILES)
        stored = self.store.subscription(ACCOUNT.account, profile)
        if stored is not None:
            self.day = max(self.day, stored.value.acted_on or self.day)
        return profile

    def plan(self) -> Plan:
        """Draw a plan of any offer."""
        channels, bundles = self.random.randint(1, 6), self.random.choice((0, 0, 1))
        offer = self.random.choice(SOLD_OFFERS)
        if offer is OFFERS["premitel"]:
            return offer.plan(channels=channels)
        return offer.plan(channels=channels, bundles=bundles)

    def buy(self) -> None:
        """Buy a plan for a profile that may have a subscription already."""
        self.billing.buy(
            self.plan(),
            account=ACCOUNT.account,
            profile=self.profile(),
            subscription=self.name,
            on=self.day,
        )

    def change(self) -> None:
        """Change to another plan, perhaps of another offer."""
        self.billing.change(ACCOUNT.account, self.profile(), plan=self.plan(), on=self.day)

    def record_call(self) -> None:
        """Record one of the day's calls, sometimes twice. Other workers record it too."""
        number = self.random.randrange(20)
        country, profile = ("US", "PL")[number % 2], PROFILES[number % len(PROFILES)]
        length = timedelta(minutes=7 * number + 1)
        call = Call(f"{number} of {self.day}", "+1 212 555 0100", country, self.day, length)
        for _ in range(self.random.choice((1, 1, 2))):
            self.billing.record_call(ACCOUNT.account, profile, call, on=self.day)

    def deposit(self) -> None:
        """Deposit credit. All workers may deliver the same daily payment."""
        transfer = self.random.choice((self.name, f"payment of {self.day}"))
        self.billing.deposit(ACCOUNT, Money.of("9", EUR), transfer=transfer, on=self.day)

    def move(self) -> None:
        """Assign credit to a profile, or return credit to the account."""
        move = self.random.choice((self.billing.assign_credit, self.billing.take_back_credit))
        amount = Money.of(self.random.randint(1, 9), EUR)
        move(ACCOUNT.account, self.profile(), amount, transfer=self.name, on=self.day)

    def give_up(self) -> None:
        """Cancel a subscription, undo its cancellation, or terminate it."""
        act = self.random.choice((self.billing.cancel, self.billing.resume, self.billing.terminate))
        act(ACCOUNT.account, self.profile(), on=self.day)

    def run_due(self) -> None:
        """Renew or end due subscriptions. The rules refuse a day before the latest action."""
        for outcome in self.billing.run_due(on=self.day):
            if isinstance(outcome.error, ChannelPlansError) and outcome.failed:
                self.store.tally["refused by a rule"] += 1
            elif outcome.failed:
                raise outcome.error or AssertionError(outcome)


# The actions of a worker and their relative frequency.
ACTS = {
    Worker.buy: 6,
    Worker.change: 3,
    Worker.record_call: 8,
    Worker.deposit: 6,
    Worker.move: 4,
    Worker.give_up: 1,
    Worker.run_due: 4,
}


def crowd(
    store: Store, seed: int, commits: int, numbers: Iterable[int] = range(8)
) -> list[WorkerResult]:
    """Let workers share one store, one thread per worker, for a number of commits per worker."""
    workers = [Worker(store, seed, number) for number in numbers]
    return run_threads([partial(worker.run, commits) for worker in workers], patience=PATIENCE)


def crowd_of_processes(
    kind: str, address: str, seed: int, commits: int, *, processes: int = 4, workers: int = 8
) -> list[WorkerResult]:
    """Let workers in several processes share the store at an address. All start together."""
    context = get_context("spawn")
    wait_for_all = context.Barrier(processes).wait
    shares = [range(workers)[first::processes] for first in range(processes)]
    run_share = partial(crowd_at, kind, address, seed, commits)
    with ProcessPoolExecutor(processes, context, initializer=wait_for_all, initargs=(60,)) as pool:
        return [result for results in pool.map(run_share, shares) for result in results]


def crowd_at(
    kind: str, address: str, seed: int, commits: int, numbers: Iterable[int]
) -> list[WorkerResult]:
    """Let workers share the store at an address."""
    with opened(kind, address) as store:
        return crowd(store, seed, commits, numbers)


def audit(store: Store, results: Sequence[WorkerResult]) -> None:
    """Check that the store contains exactly what was committed, and is consistent.

    Raises:
        AssertionError: a posting is missing or booked twice; a balance is not the sum of its
            postings; a wallet that may not be overdrawn was below zero; a term was charged twice.
    """
    committed = [decision for result in results for decision in result.committed]
    check_books(store, WALLETS, committed=committed)
    renewals = Counter(
        (posting.reference, posting.term)
        for posting in Billing(store, prices=TARIFF).statement(ACCOUNT).postings
        if posting.reason is Reason.RENEWAL
    )
    assert set(renewals.values()) == {1}, "a term was charged twice, or none was renewed"


def total(results: Sequence[WorkerResult]) -> Counter[str]:
    """Return the counts of all workers together.

    ``done`` counts each decision and transfer once. ``repeated`` counts the further commits of one.
    """
    committed = [decision for result in results for decision in result.committed]
    decisions = {decision.token: decision for decision in committed}
    tally = sum((result.tally for result in results), start=Counter[str]())
    tally["done"] = len(decisions)
    tally["repeated"] = len(committed) - len(decisions)
    tally["terms renewed"] = sum(decision.action is Action.RENEW for decision in decisions.values())
    tally["postings"] = sum(len(decision.postings) for decision in decisions.values())
    return tally


def main() -> None:
    """Run the crowd of the command line, audit its store, and print the counts."""
    parser = argparse.ArgumentParser(description=__doc__.split(":")[0])
    parser.add_argument("--store", choices=KINDS, default="memory")
    parser.add_argument("--processes", type=int, default=1, help="memory allows only one")
    parser.add_argument("--workers", type=int, default=8, help="threads in all processes together")
    parser.add_argument("--commits", type=int, default=20_000, help="commits to attempt in all")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    if options.store == "memory" and options.processes > 1:
        parser.error("several processes cannot share a store in memory")
    commits_per_worker = ceil(options.commits / options.workers)
    with place(options.store) as address, opened(options.store, address) as store:
        started_at = perf_counter()
        if options.processes == 1:
            results = crowd(store, options.seed, commits_per_worker, range(options.workers))
        else:
            results = crowd_of_processes(
                options.store,
                address,
                options.seed,
                commits_per_worker,
                processes=options.processes,
                workers=options.workers,
            )
        seconds = perf_counter() - started_at
        audit(store, results)
    threads_and_processes = f"{options.workers} threads in {options.processes} process(es)"
    print(f"{options.store}, {threads_and_processes}, seed {options.seed}")
    print(f"{seconds:.0f} s, no errors found")
    tally = total(results)
    for label in PRINTED_COUNTS:
        print(f"{label:34} {tally[label.strip()]:7,}")


if __name__ == "__main__":
    main()
