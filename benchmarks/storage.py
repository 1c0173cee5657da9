"""Measure stores: python benchmarks/storage.py [commits] [due]; both unless one is named.

``commits`` are commits a second; ``due`` is what ``run_due`` takes where ever more is stored and as
much is due, and with it what a million subscriptions take in memory. What is compared is measured
in turn, round by round, so that ratios hold when the machine's speed drifts. PostgreSQL takes part
where CHANNELPLANS_POSTGRES names one.
"""

import asyncio
import os
import sqlite3
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from datetime import timedelta
from functools import partial
from pathlib import Path
from resource import RUSAGE_SELF, getrusage
from statistics import median
from time import perf_counter
from typing import TypeAlias

import psycopg
from psycopg_pool import AsyncConnectionPool

from channelplans import (
    EUR,
    SKYPE_CONNECT,
    AccountId,
    AsyncDesk,
    Call,
    Decision,
    Desk,
    Money,
    Offer,
    ProfileId,
    Purse,
    Store,
    SubscriptionId,
    Tariff,
)
from channelplans.lifecycle import deposit
from channelplans.testing.builders import CATALOGUE, DAY, TARIFF, make_account

# The other modules are found from the root, wherever this is run from.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.stores import opened, place
from examples.stores.psycopg_store import PsycopgStore

ROUNDS = 7
STORES = ("memory", "sqlite", *(("postgres",) if "CHANNELPLANS_POSTGRES" in os.environ else ()))

# Commits of a crowd in one round, and the crowds: how many work, on how many accounts.
COMMITS = 480
CROWDS = {
    "one worker": (1, 1),
    "eight workers, an account each": (8, 8),
    "eight workers on one account": (8, 1),
}

# How many are due, and how many are stored.
DUE = 100
SIZES = (1_000, 10_000, 100_000, 1_000_000)

CREDIT = Money.of("10", EUR)

#: Does so many commits on one account and profile, under names that begin so; tells the seconds.
Crowd: TypeAlias = Callable[[int, int, str], float]


def price(_offer: Offer, _day: object) -> Tariff:
    """Name the tariff of everything."""
    return TARIFF


def names(worker: int, accounts: int, name: str) -> tuple[AccountId, ProfileId]:
    """Name a worker's account and profile."""
    return AccountId(f"{name} {worker % accounts}"), ProfileId(f"{name} {worker}")


def openings(workers: int, accounts: int, name: str) -> Iterator[Decision]:
    """Yield what gives each worker a profile with a plan, and credit for its calls."""
    for worker in range(workers):
        account, profile = names(worker, accounts, name)
        paid_in, bought = make_account({profile: SKYPE_CONNECT.plan(channels=5)}, account=account)
        yield from (paid_in, bought) if worker < accounts else (bought,)
        purse = Purse(account, profile)
        yield deposit(purse, CREDIT * 100, transfer=f"for calls of {profile}", on=DAY)


def call(name: str) -> Call:
    """Return a call that its profile pays for."""
    return Call(name, "+48 22 555 0100", "PL", DAY, timedelta(minutes=3))


def crowd(store: Store, workers: int, accounts: int, name: str) -> float:
    """Let workers pay in and use in turn, each in a thread; tell the seconds."""
    for decision in openings(workers, accounts, name):
        store.commit(decision, expected=None)
    desk = Desk(store, tariff=price)

    def work(worker: int) -> None:
        account, profile = names(worker, accounts, name)
        for number in range(COMMITS // workers // 2):
            unique = f"{profile} {number}"
            desk.deposit(Purse(account), CREDIT, transfer=unique, on=DAY)
            desk.use(profile, call(unique), on=DAY)

    with ThreadPoolExecutor(workers) as pool:
        began = perf_counter()
        list(pool.map(work, range(workers)))
        return perf_counter() - began


async def crowd_of_tasks(
    pool: AsyncConnectionPool, workers: int, accounts: int, name: str
) -> float:
    """Do the same in tasks of one thread."""
    store = PsycopgStore(pool, CATALOGUE)
    for decision in openings(workers, accounts, name):
        await store.commit(decision, expected=None)
    desk = AsyncDesk(store, tariff=price)

    async def work(worker: int) -> None:
        account, profile = names(worker, accounts, name)
        for number in range(COMMITS // workers // 2):
            unique = f"{profile} {number}"
            await desk.deposit(Purse(account), CREDIT, transfer=unique, on=DAY)
            await desk.use(profile, call(unique), on=DAY)

    began = perf_counter()
    await asyncio.gather(*map(work, range(workers)))
    return perf_counter() - began


@contextmanager
def tasks() -> Iterator[Crowd]:
    """Open an asynchronous store, and give what lets a crowd of tasks work on it."""
    with place("postgres") as address, asyncio.Runner() as runner:
        pool = AsyncConnectionPool(address, min_size=8, max_size=8, open=False)
        runner.run(pool.open())
        runner.run(PsycopgStore(pool, CATALOGUE).create_tables())
        yield lambda *given: runner.run(crowd_of_tasks(pool, *given))
        runner.run(pool.close())


def measure_commits() -> None:
    """Print commits a second, medians of interleaved rounds."""
    with ExitStack() as stack:
        crowds: dict[str, Crowd] = {}
        for kind in STORES:
            address = stack.enter_context(place(kind))
            crowds[kind] = partial(crowd, stack.enter_context(opened(kind, address)))
        if "postgres" in STORES:
            crowds["postgres, async"] = stack.enter_context(tasks())
        rates: dict[tuple[str, str], list[float]] = {}
        for number in range(ROUNDS):
            for who, (workers, accounts) in CROWDS.items():
                for kind, run in crowds.items():
                    seconds = run(workers, accounts, f"{who}, {number}:")
                    rates.setdefault((who, kind), []).append(COMMITS / seconds)
    print(f"{'commits a second':32}", *(f"{kind:>16}" for kind in crowds))
    for who in CROWDS:
        print(f"{who:32}", *(f"{median(rates[who, kind]):16,.0f}" for kind in crowds))


def buy(store: Store, number: int, name: str, *, days: range) -> None:
    """Sell to so many profiles, a thousand to an account, on each of some days after the first."""
    desk = Desk(store, tariff=price)
    for index in range(number):
        account = AccountId(f"{name} {index // 1000}")
        if index % 1000 == 0:
            desk.deposit(Purse(account), CREDIT * 100_000, transfer=account, on=DAY)
        desk.buy(
            SKYPE_CONNECT.plan(channels=5),
            account=account,
            profile=ProfileId(f"{name} {index}"),
            subscription=SubscriptionId(f"{name} {index}"),
            on=DAY + timedelta(days=days[index % len(days)]),
        )


def fill(kind: str, address: str, store: Store, size: int) -> None:
    """Store so many that are not due: by commits in memory, elsewhere behind the store's back."""
    if kind == "memory":
        buy(store, size, "stored", days=range(1, 30))
        return
    buy(store, 1, "stored", days=range(1))
    if kind == "sqlite":
        with closing(sqlite3.connect(address)) as file:
            file.executescript(MULTIPLY_SQLITE.format(size=size))
    else:
        with psycopg.connect(address, autocommit=True) as connection:
            connection.execute(MULTIPLY_POSTGRES.format(size=size))


# What is not due is not read: copies of one subscription that end on other days, and as many
# tokens, make the tables and their indexes as large as if each had been sold.
MULTIPLY_SQLITE = """
    CREATE TEMP TABLE copies AS
        WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers LIMIT {size})
        SELECT n FROM numbers;
    INSERT INTO decisions SELECT 'copy/' || n, '{{}}' FROM copies;
    INSERT INTO subscriptions (profile, revision, ends, body)
        SELECT 'copy ' || n, 'copy/' || n, date(ends, (1 + n % 29) || ' days'), body
        FROM copies, subscriptions;
    DELETE FROM subscriptions WHERE profile = 'stored 0';
    ANALYZE;
"""
MULTIPLY_POSTGRES = """
    INSERT INTO decisions SELECT 'copy/' || n, '{{}}' FROM generate_series(1, {size}) AS n;
    INSERT INTO subscriptions (profile, revision, ends, body)
        SELECT 'copy ' || n, 'copy/' || n, ends + (1 + n % 29)::integer, body
        FROM generate_series(1, {size}) AS n, subscriptions;
    DELETE FROM subscriptions WHERE profile = 'stored 0';
    ANALYZE decisions, subscriptions;
"""


def renew(store: Store, name: str) -> float:
    """Sell to some profiles, renew them a term later, and tell the seconds of the renewal."""
    buy(store, DUE, name, days=range(1))
    began = perf_counter()
    outcomes = list(Desk(store, tariff=price).run_due(on=DAY + timedelta(days=30)))
    seconds = perf_counter() - began
    assert sum(outcome.decision is not None for outcome in outcomes) == DUE
    return seconds


def peak() -> int:
    """Tell how much memory this process has taken at most, in bytes."""
    return getrusage(RUSAGE_SELF).ru_maxrss * 1024


def measure_due() -> None:
    """Print what renewing takes by what is stored, medians of interleaved rounds."""
    with ExitStack() as stack:
        stores: dict[tuple[str, int], Store] = {}
        # The largest first, so that the peak of memory is its own.
        for size in reversed(SIZES):
            for kind in STORES:
                address = stack.enter_context(place(kind))
                store = stores[kind, size] = stack.enter_context(opened(kind, address))
                before, began = peak(), perf_counter()
                fill(kind, address, store, size)
                if (kind, size) == ("memory", SIZES[-1]):
                    each = (peak() - before) / size
                    seconds = perf_counter() - began
                    print(
                        f"memory: {size:,} subscriptions in {seconds:.0f} s, {each:,.0f} bytes each"
                    )
        times: dict[tuple[str, int], list[float]] = {key: [] for key in stores}
        for number in range(ROUNDS):
            for key, store in stores.items():
                times[key].append(renew(store, f"due {number}") / DUE * 1e6)
    print(f"{f'µs a renewal, {DUE} due of':24}", *(f"{kind:>10}" for kind in STORES))
    for size in SIZES:
        print(f"{size:24,}", *(f"{median(times[kind, size]):10,.0f}" for kind in STORES))


MEASURES = {"commits": measure_commits, "due": measure_due}


def main() -> None:
    """Measure what the command line names."""
    for name in sys.argv[1:] or MEASURES:
        MEASURES[name]()


if __name__ == "__main__":
    main()
