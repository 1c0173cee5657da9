"""Measure stores: python benchmarks/storage.py [commits] [due] [workers] [long]; by default, all.

``commits`` counts commits per second. ``due`` times ``run_due`` with the same number of due
subscriptions among ever more stored ones, and measures the memory of a million subscriptions.
``workers`` compares one worker with eight workers on PostgreSQL if each call of the store takes two
milliseconds more; see ``workers.py``. ``long`` times a statement of a large wallet in memory, and a
run there that is 20 years late.
Each round measures all stores, so the ratios stay right when the speed of the machine changes.
PostgreSQL is included if CHANNELPLANS_POSTGRES has the address of a server.
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

import attrs
import psycopg
from psycopg_pool import AsyncConnectionPool

from channelplans import (
    EUR,
    SKYPE_CONNECT,
    AsyncBilling,
    Billing,
    Call,
    Days,
    Decision,
    MemoryStore,
    Money,
    Store,
    TermRule,
    Transfer,
    Wallet,
)
from channelplans.subscriptions import AccountId, ProfileId
from channelplans.subscriptions.transfers import deposit
from channelplans.testing.builders import DAY, TARIFF, make_account

# Python finds the other modules from any working directory.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks import workers
from benchmarks.stores import open_pool, opened, place
from examples.stores.psycopg_store import PsycopgStore

ROUNDS = 7
STORES = ("memory", "sqlite", *(("postgres",) if "CHANNELPLANS_POSTGRES" in os.environ else ()))

# The commits of a crowd in one round, and for each crowd the numbers of workers and accounts.
COMMITS = 480
CROWDS = {
    "one worker": (1, 1),
    "eight workers, eight accounts": (8, 8),
    "eight workers, one account": (8, 1),
}

# The number of due subscriptions, and the numbers of stored ones.
DUE = 100
SIZES = (1_000, 10_000, 100_000, 1_000_000)

# The postings of the large wallet, and 20 years of daily terms that no run has renewed.
POSTINGS = 100_000
MISSED_DAYS = 20 * 365

CREDIT = Money.of("10", EUR)

#: Lets a number of workers commit on a number of accounts, whose names start with a prefix. Returns
#: the seconds.
Crowd: TypeAlias = Callable[[int, int, str], float]


def names(worker: int, accounts: int, prefix: str) -> tuple[AccountId, ProfileId]:
    """Return the names of a worker's account and profile."""
    return f"{prefix} {worker % accounts}", f"{prefix} {worker}"


def openings(workers: int, accounts: int, prefix: str) -> Iterator[Decision | Transfer]:
    """Yield what gives each worker a profile with a plan and credit for calls."""
    for worker in range(workers):
        account, profile = names(worker, accounts, prefix)
        account_deposit, purchase = make_account(
            {profile: SKYPE_CONNECT.plan(channels=5)}, account=account
        )
        is_first_worker_of_account = worker < accounts
        if is_first_worker_of_account:
            yield account_deposit
        yield purchase
        wallet = Wallet(account, profile)
        yield deposit(wallet, CREDIT * 100, transfer=f"for calls of {profile}", on=DAY)


def paid_call(call_id: str) -> Call:
    """Return a call that no bundle covers, so the profile's wallet pays for it."""
    return Call(call_id, "+48 22 555 0100", "PL", DAY, timedelta(minutes=3))


def crowd(store: Store, workers: int, accounts: int, prefix: str) -> float:
    """Let each worker, in a thread, commit deposits and calls. Return the seconds."""
    for decision in openings(workers, accounts, prefix):
        store.commit(decision, expected=None)
    billing = Billing(store, prices=TARIFF)

    def work(worker: int) -> None:
        account, profile = names(worker, accounts, prefix)
        for number in range(COMMITS // workers // 2):
            unique_name = f"{profile} {number}"
            billing.deposit(Wallet(account), CREDIT, transfer=unique_name, on=DAY)
            billing.record_call(account, profile, paid_call(unique_name), on=DAY)

    with ThreadPoolExecutor(workers) as pool:
        started_at = perf_counter()
        list(pool.map(work, range(workers)))
        return perf_counter() - started_at


async def crowd_of_tasks(
    pool: AsyncConnectionPool, workers: int, accounts: int, prefix: str
) -> float:
    """Let each worker commit deposits and calls as a task of one thread. Return the seconds."""
    store = PsycopgStore(pool)
    for decision in openings(workers, accounts, prefix):
        await store.commit(decision, expected=None)
    billing = AsyncBilling(store, prices=TARIFF)

    async def work(worker: int) -> None:
        account, profile = names(worker, accounts, prefix)
        for number in range(COMMITS // workers // 2):
            unique_name = f"{profile} {number}"
            await billing.deposit(Wallet(account), CREDIT, transfer=unique_name, on=DAY)
            await billing.record_call(account, profile, paid_call(unique_name), on=DAY)

    started_at = perf_counter()
    await asyncio.gather(*map(work, range(workers)))
    return perf_counter() - started_at


@contextmanager
def open_crowd_of_tasks() -> Iterator[Crowd]:
    """Open an asynchronous store, and yield a function that runs a crowd of tasks on it."""
    with place("postgres") as address, asyncio.Runner() as runner:
        pool = open_pool(address)
        runner.run(pool.open())
        runner.run(PsycopgStore(pool).create_tables())
        yield lambda workers, accounts, prefix: runner.run(
            crowd_of_tasks(pool, workers, accounts, prefix)
        )
        runner.run(pool.close())


def measure_commits() -> None:
    """Print the median commits per second of each crowd and store."""
    with ExitStack() as stack:
        crowds: dict[str, Crowd] = {}
        for kind in STORES:
            address = stack.enter_context(place(kind))
            crowds[kind] = partial(crowd, stack.enter_context(opened(kind, address)))
        if "postgres" in STORES:
            crowds["postgres, async"] = stack.enter_context(open_crowd_of_tasks())
        rates: dict[tuple[str, str], list[float]] = {}
        for number in range(ROUNDS):
            for crowd_name, (workers, accounts) in CROWDS.items():
                for kind, run_crowd in crowds.items():
                    seconds = run_crowd(workers, accounts, f"{crowd_name}, {number}:")
                    rates.setdefault((crowd_name, kind), []).append(COMMITS / seconds)
    print(f"{'commits per second':32}", *(f"{kind:>16}" for kind in crowds))
    for crowd_name in CROWDS:
        medians = (median(rates[crowd_name, kind]) for kind in crowds)
        print(f"{crowd_name:32}", *(f"{rate:16,.0f}" for rate in medians))


def buy(store: Store, number: int, prefix: str, *, days: range) -> None:
    """Buy a plan for a number of profiles, on the given days after ``DAY`` in turn.

    A thousand profiles share an account.
    """
    billing = Billing(store, prices=TARIFF)
    for index in range(number):
        account = f"{prefix} {index // 1000}"
        if index % 1000 == 0:
            billing.deposit(Wallet(account), CREDIT * 100_000, transfer=account, on=DAY)
        billing.buy(
            SKYPE_CONNECT.plan(channels=5),
            account=account,
            profile=f"{prefix} {index}",
            subscription=f"{prefix} {index}",
            on=DAY + timedelta(days=days[index % len(days)]),
        )


def fill(kind: str, address: str, store: Store, size: int) -> None:
    """Store a number of subscriptions that are not due: in memory by commits, elsewhere by SQL."""
    if kind == "memory":
        buy(store, size, "stored", days=range(1, 30))
        return
    buy(store, 1, "stored", days=range(1))
    if kind == "sqlite":
        with closing(sqlite3.connect(address)) as connection:
            connection.executescript(MULTIPLY_SQLITE.format(size=size))
    else:
        with psycopg.connect(address, autocommit=True) as server:
            server.execute(MULTIPLY_POSTGRES.format(size=size))


# ``run_due`` reads due subscriptions only, so the others may be copies of one subscription. The
# copies end on other days. The tables and indexes become as large as after as many purchases.
MULTIPLY_SQLITE = """
    CREATE TEMP TABLE copies AS
        WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers LIMIT {size})
        SELECT n FROM numbers;
    INSERT INTO decisions (account, number, token, day, body)
        SELECT 'copy ' || n / 1000, n, 'copy/' || n, '2026-01-05', '{{}}' FROM copies;
    INSERT INTO subscriptions (account, profile, revision, ends, checksum, body)
        SELECT 'copy ' || n / 1000, 'copy ' || n, 'copy/' || n,
            date(ends, (1 + n % 29) || ' days'), checksum, body
        FROM copies, subscriptions;
    DELETE FROM subscriptions WHERE profile = 'stored 0';
    ANALYZE;
"""
MULTIPLY_POSTGRES = """
    INSERT INTO decisions (account, number, token_digest, day, body)
        SELECT 'copy ' || n / 1000, n, 'copy/' || n, '2026-01-05', '{{}}'
        FROM generate_series(1, {size}) AS n;
    INSERT INTO subscriptions (account, profile, revision, ends, checksum, body)
        SELECT 'copy ' || n / 1000, 'copy ' || n, 'copy/' || n,
            ends + (1 + n % 29)::integer, checksum, body
        FROM generate_series(1, {size}) AS n, subscriptions;
    DELETE FROM subscriptions WHERE profile = 'stored 0';
    ANALYZE decisions, subscriptions;
"""


def renew(store: Store, prefix: str) -> float:
    """Buy plans, renew them a term later, and return the seconds of the renewal."""
    buy(store, DUE, prefix, days=range(1))
    started_at = perf_counter()
    outcomes = Billing(store, prices=TARIFF).run_due(on=DAY + timedelta(days=30))
    seconds = perf_counter() - started_at
    assert sum(outcome.decision is not None for outcome in outcomes) == DUE
    return seconds


def measure_workers() -> None:
    """Print how much faster eight workers renew than one, on PostgreSQL with added latency."""
    if "postgres" in STORES:
        workers.measure_workers(ROUNDS)
    else:
        print("workers: set CHANNELPLANS_POSTGRES to the address of a server")


def measure_long() -> None:
    """Print the time of one day's statement of a large wallet, and of a run 20 years late."""
    store, wallet = MemoryStore(), Wallet("acme")
    for number in range(POSTINGS):
        day = DAY + timedelta(days=number // 100)
        store.commit(deposit(wallet, CREDIT, transfer=f"p-{number}", on=day), expected=None)
    billing, times = Billing(store, prices=TARIFF), []
    for number in range(0, POSTINGS // 100, 10):
        since = DAY + timedelta(days=number)
        started_at = perf_counter()
        statement = billing.statement(wallet, since=since, until=since + timedelta(days=1))
        times.append(perf_counter() - started_at)
        assert len(statement.postings) == 100
    worst, middle = max(times) * 1000, median(times) * 1000
    print(f"memory: one day of {POSTINGS:,} postings in {middle:.2f} ms, at most {worst:.2f} ms")

    daily = attrs.evolve(SKYPE_CONNECT, term=TermRule(Days(1)))
    store = MemoryStore()
    for decision in make_account({"berlin": daily.plan(channels=1)}, credit="1000000"):
        store.commit(decision, expected=None)
    started_at = perf_counter()
    outcomes = Billing(store, prices=TARIFF).run_due(on=DAY + timedelta(days=MISSED_DAYS))
    seconds = perf_counter() - started_at
    renewed = sum(outcome.decision is not None for outcome in outcomes)
    assert renewed == MISSED_DAYS, outcomes[-1]
    print(f"memory: {renewed:,} missed daily terms in one run in {seconds:.2f} s")


def peak_memory() -> int:
    """Return the largest memory of this process so far, in bytes."""
    return getrusage(RUSAGE_SELF).ru_maxrss * 1024


def measure_due() -> None:
    """Print the median time of a renewal for each store and number of stored subscriptions."""
    with ExitStack() as stack:
        stores: dict[tuple[str, int], Store] = {}
        # The largest store comes first, so the peak of memory is caused by this store alone.
        for size in reversed(SIZES):
            for kind in STORES:
                address = stack.enter_context(place(kind))
                store = stores[kind, size] = stack.enter_context(opened(kind, address))
                memory_before, started_at = peak_memory(), perf_counter()
                fill(kind, address, store, size)
                if (kind, size) == ("memory", SIZES[-1]):
                    seconds = perf_counter() - started_at
                    size_in_bytes = (peak_memory() - memory_before) / size
                    print(
                        f"memory: {size:,} subscriptions in {seconds:.0f} s, "
                        f"{size_in_bytes:,.0f} bytes each"
                    )
        times: dict[tuple[str, int], list[float]] = {key: [] for key in stores}
        for number in range(ROUNDS):
            for key, store in stores.items():
                times[key].append(renew(store, f"due {number}") / DUE * 1e6)
    print(f"{f'µs per renewal, {DUE} due of':24}", *(f"{kind:>10}" for kind in STORES))
    for size in SIZES:
        print(f"{size:24,}", *(f"{median(times[kind, size]):10,.0f}" for kind in STORES))


MEASURES = {
    "commits": measure_commits,
    "due": measure_due,
    "workers": measure_workers,
    "long": measure_long,
}


def main() -> None:
    """Run the measurements named on the command line, or all of them."""
    for name in sys.argv[1:] or MEASURES:
        MEASURES[name]()


if __name__ == "__main__":
    main()
