"""Crowd one account with workers, and audit what is left: python benchmarks/stress.py --help.

Several workers buy, change, use, move credit, cancel and renew on the six profiles of one account
at once, with too little credit for all. What each draws follows from the seed; who comes first does
not. Each keeps the decisions that the store took from it: what is stored in the end must be those,
each once, and nothing else.
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
    PREMITEL,
    SKYPE_CONNECT,
    VOIP_YONDER,
    AccountId,
    Action,
    Call,
    ChannelPlansError,
    Conflict,
    Decision,
    Desk,
    InsufficientCredit,
    Money,
    Plan,
    ProfileId,
    Purse,
    Reason,
    Revision,
    Store,
    SubscriptionId,
    TokenReused,
)
from channelplans.testing.builders import DAY, TARIFF
from channelplans.testing.crowd import audit as crowd_audit
from channelplans.testing.crowd import threads

# The other modules are found from the root, wherever this is run from.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.stores import KINDS, opened, place

ACCOUNT = Purse(AccountId("acme"))
PROFILES = tuple(map(ProfileId, ("berlin", "gdynia", "leeds", "lyon", "oslo", "york")))
PURSES = (ACCOUNT, *(Purse(ACCOUNT.account, profile) for profile in PROFILES))

# Rules that differ in what a change does, and in what happens where credit is short.
OFFERS = (SKYPE_CONNECT, PREMITEL, VOIP_YONDER)

# What is printed, of what is counted.
TOLD = (
    "attempted commits",
    "  done",
    "  done before, told again",
    f"  {Conflict.code}",
    f"  {InsufficientCredit.code}",
    f"  {TokenReused.code}",
    "calls found taken",
    "refused by a rule",
    "terms renewed",
    "postings",
)

# A crowd that takes longer, in seconds, is stuck.
PATIENCE = 900


class Watched:
    """A store that counts what is tried and keeps what was done."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.tally: Counter[str] = Counter()
        self.done: list[Decision] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def commit(self, decision: Decision, /, *, expected: Revision | None) -> Revision | None:
        """Commit, and note what came of it."""
        self.tally["attempted commits"] += 1
        try:
            revision = self._store.commit(decision, expected=expected)
        except (Conflict, InsufficientCredit, TokenReused) as error:
            self.tally[error.code] += 1
            raise
        self.done.append(decision)
        return revision


@attrs.frozen
class Work:
    """What was done: how often each thing happened, and the decisions that the store took."""

    tally: Counter[str]
    done: tuple[Decision, ...]


class Worker:
    """One of those who crowd the account; each of its steps is a day's."""

    def __init__(self, store: Store, seed: int, number: int) -> None:
        self.store = Watched(store)
        self.draw = Random(f"{seed}, worker {number}")  # noqa: S311 - it is to be repeatable
        self.number = number
        self.steps = 0
        self.day = DAY
        # Only what it is asked for must be there: the proxy is no store to a type checker.
        self.desk = Desk(cast("Store", self.store), tariff=lambda _offer, _day: TARIFF)

    def work(self, commits: int) -> Work:
        """Do one thing after the other, until so many commits were attempted."""
        tally = self.store.tally
        while tally["attempted commits"] < commits:
            self.steps += 1
            self.day += timedelta(days=1)
            (act,) = self.draw.choices(tuple(ACTS), tuple(ACTS.values()))
            try:
                act(self)
            except (Conflict, InsufficientCredit):
                pass  # counted where it was raised
            except ChannelPlansError:
                tally["refused by a rule"] += 1
        return Work(tally, tuple(self.store.done))

    @property
    def name(self) -> str:
        """A name that nobody used before."""
        return f"{self.number}-{self.steps}"

    def profile(self) -> ProfileId:
        """Draw a profile, and go on to the day on which another worker acted on it."""
        profile = self.draw.choice(PROFILES)
        stored = self.store.subscription(profile)
        if stored is not None:
            self.day = max(self.day, stored.value.acted_on)
        return profile

    def plan(self) -> Plan:
        """Draw a plan of any offer."""
        channels, bundles = self.draw.randint(1, 6), self.draw.choice((0, 0, 1))
        offer = self.draw.choice(OFFERS)
        return offer.plan(channels=channels, bundles=bundles if offer is not PREMITEL else 0)

    def buy(self) -> None:
        """Buy for a profile that may hold something already."""
        self.desk.buy(
            self.plan(),
            account=ACCOUNT.account,
            profile=self.profile(),
            subscription=SubscriptionId(self.name),
            on=self.day,
        )

    def change(self) -> None:
        """Change to another plan, maybe of another offer."""
        self.desk.change(self.profile(), self.plan(), on=self.day)

    def use(self) -> None:
        """Take one of the day's calls, at times twice; other workers take it as well."""
        number = self.draw.randrange(20)
        country, profile = ("US", "PL")[number % 2], PROFILES[number % len(PROFILES)]
        length = timedelta(minutes=7 * number + 1)
        call = Call(f"{number} of {self.day}", "+1 212 555 0100", country, self.day, length)
        for _ in range(self.draw.choice((1, 1, 2))):
            if self.desk.use(profile, call, on=self.day) is None:
                self.store.tally["calls found taken"] += 1

    def deposit(self) -> None:
        """Pay in; one payment a day is every worker's."""
        transfer = self.draw.choice((self.name, f"payment of {self.day}"))
        self.desk.deposit(ACCOUNT, Money.of("9", EUR), transfer=transfer, on=self.day)

    def move(self) -> None:
        """Give a profile credit for its calls, or take it back."""
        move = self.draw.choice((self.desk.assign_credit, self.desk.take_back_credit))
        amount = Money.of(self.draw.randint(1, 9), EUR)
        move(ACCOUNT.account, self.profile(), amount, transfer=self.name, on=self.day)

    def give_up(self) -> None:
        """Cancel, take that back, or end at once."""
        act = self.draw.choice((self.desk.cancel, self.desk.resume, self.desk.terminate))
        act(self.profile(), on=self.day)

    def run_due(self) -> None:
        """Do what is due; where another worker's day is later, the rules refuse it."""
        for outcome in self.desk.run_due(on=self.day):
            if isinstance(outcome.error, ChannelPlansError) and outcome.failed:
                self.store.tally["refused by a rule"] += 1
            elif outcome.failed:
                raise outcome.error or AssertionError(outcome)


# What workers do, and how often beside each other.
ACTS = {
    Worker.buy: 6,
    Worker.change: 3,
    Worker.use: 8,
    Worker.deposit: 6,
    Worker.move: 4,
    Worker.give_up: 1,
    Worker.run_due: 4,
}


def crowd(store: Store, seed: int, commits: int, numbers: Iterable[int] = range(8)) -> list[Work]:
    """Let workers share one store, each in a thread of its own, for so many commits of each."""
    works = [partial(Worker(store, seed, number).work, commits) for number in numbers]
    return threads(works, patience=PATIENCE)


def crowd_of_processes(
    kind: str, address: str, seed: int, commits: int, *, processes: int = 4, workers: int = 8
) -> list[Work]:
    """Let workers share one place from several processes; all begin at once."""
    context = get_context("spawn")
    begin = context.Barrier(processes).wait
    shares = [range(workers)[first::processes] for first in range(processes)]
    part = partial(crowd_at, kind, address, seed, commits)
    with ProcessPoolExecutor(processes, context, initializer=begin, initargs=(60,)) as pool:
        return [work for works in pool.map(part, shares) for work in works]


def crowd_at(
    kind: str, address: str, seed: int, commits: int, numbers: Iterable[int]
) -> list[Work]:
    """Let workers share the store of a place."""
    with opened(kind, address) as store:
        return crowd(store, seed, commits, numbers)


def audit(store: Store, works: Sequence[Work]) -> None:
    """Hold what is stored to what was done, and to what must hold after each commit.

    Raises:
        AssertionError: something does not add up, or is there twice or not at all; a purse was
            below zero once; a term was charged twice.
    """
    crowd_audit(store, PURSES, committed=[decision for work in works for decision in work.done])
    renewals = Counter(
        (each.posting.reference, each.posting.term)
        for each in store.postings(ACCOUNT)
        if each.posting.reason is Reason.RENEWAL
    )
    assert set(renewals.values()) == {1}, "a term was charged twice, or none was renewed"


def total(works: Iterable[Work]) -> Counter[str]:
    """Tell how often each thing happened."""
    done = [decision for work in works for decision in work.done]
    once = {decision.token: decision for decision in done}
    tally = sum((work.tally for work in works), start=Counter[str]())
    tally["done"] = len(once)
    tally["done before, told again"] = len(done) - len(once)
    tally["terms renewed"] = sum(each.action is Action.RENEW for each in once.values())
    tally["postings"] = sum(len(each.postings) for each in once.values())
    return tally


def main() -> None:
    """Crowd a store as the command line says, audit it, and print what happened."""
    parser = argparse.ArgumentParser(description=__doc__.split(":")[0])
    parser.add_argument("--store", choices=KINDS, default="memory")
    parser.add_argument("--processes", type=int, default=1, help="more than one not in memory")
    parser.add_argument("--workers", type=int, default=8, help="threads, in all processes")
    parser.add_argument("--commits", type=int, default=20_000, help="to attempt, in all")
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    if given.store == "memory" and given.processes > 1:
        parser.error("memory is of one process")
    each = ceil(given.commits / given.workers)
    with place(given.store) as address, opened(given.store, address) as store:
        began = perf_counter()
        if given.processes == 1:
            works = crowd(store, given.seed, each, range(given.workers))
        else:
            shared = {"processes": given.processes, "workers": given.workers}
            works = crowd_of_processes(given.store, address, given.seed, each, **shared)
        seconds = perf_counter() - began
        audit(store, works)
    where = f"{given.workers} threads in {given.processes} process(es)"
    print(f"{given.store}, {where}, seed {given.seed}: {seconds:.0f} s, nothing amiss")
    tally = total(works)
    for what in TOLD:
        print(f"{what:34} {tally[what.strip()]:7,}")


if __name__ == "__main__":
    main()
