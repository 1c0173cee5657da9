"""Compare one worker with eight on PostgreSQL: python benchmarks/storage.py workers.

Each call of the store takes two milliseconds more, as over a network. One worker waits for each of
its calls. Eight workers wait at the same time, so the processors limit them: eight workers take at
least the time in which the processors do the work of the clients and of the server. So the CPU
seconds of both are printed. They are read from Linux, so the server must run on the same machine.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Coroutine, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import date, timedelta
from functools import partial
from multiprocessing import get_context
from multiprocessing.queues import Queue
from pathlib import Path
from statistics import median
from time import perf_counter, process_time
from typing import Any, TypeAlias, cast

import attrs
import psycopg
from benchmarks.stores import open_pool, place
from examples.stores.psycopg_store import PsycopgStore

from channelplans import SKYPE_CONNECT, AsyncBilling, AsyncStore, Reason, Wallet
from channelplans.subscriptions import AccountId
from channelplans.testing.builders import DAY, TARIFF, make_account

# The due accounts, and the seconds that each call of the store takes more.
ACCOUNTS = 1024
LATENCY = 0.002

WORKERS = 8
PROCESSES = 2

#: Renews due subscriptions on a day, with one or more workers.
Task: TypeAlias = Callable[[AsyncBilling, date], Coroutine[Any, Any, None]]


@attrs.frozen
class Cost:
    """The seconds of a renewal, and the CPU seconds of the clients and of the server."""

    seconds: float
    client_cpu: float
    server_cpu: float


class DistantStore:
    """An asynchronous store whose every call takes some seconds more, as over a network."""

    def __init__(self, store: AsyncStore, seconds: float) -> None:
        self._store, self._seconds = store, seconds

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._store, name)

        async def call(*arguments: Any, **options: Any) -> Any:
            await asyncio.sleep(self._seconds)
            return await method(*arguments, **options)

        return call


@attrs.frozen
class Client:
    """A store in this process, and a billing service for which the store is distant."""

    store: PsycopgStore
    billing: AsyncBilling
    runner: asyncio.Runner

    def perform(self, task: Task, on: date) -> float:
        """Perform a task, and return the CPU seconds of this process."""
        started_at = process_time()
        self.runner.run(task(self.billing, on))
        return process_time() - started_at


@contextmanager
def open_client(address: str) -> Iterator[Client]:
    """Open a store with eight connections."""
    with asyncio.Runner() as runner:
        pool = open_pool(address)
        runner.run(pool.open(wait=True))
        store = PsycopgStore(pool)
        runner.run(store.create_tables())
        distant = cast("AsyncStore", DistantStore(store, LATENCY))
        yield Client(store, AsyncBilling(distant, prices=TARIFF), runner)
        runner.run(pool.close())


async def renew_alone(billing: AsyncBilling, on: date) -> None:
    """Renew all due subscriptions with one worker."""
    await billing.run_due(on=on)


async def renew_shards(billing: AsyncBilling, on: date, shards: Sequence[int]) -> None:
    """Renew the due subscriptions of some of the eight shards, with a worker for each shard."""
    await asyncio.gather(*(billing.run_due(on=on, shard=(part, WORKERS)) for part in shards))


async def renew_accounts(
    billing: AsyncBilling, on: date, accounts: Sequence[AccountId], workers: int
) -> None:
    """Renew the due subscriptions of accounts; each worker takes the next account of a queue."""
    queue = iter(accounts)

    async def work() -> None:
        for account in queue:
            await billing.catch_up(account, on=on)

    await asyncio.gather(*(work() for _ in range(workers)))


def perform_tasks(
    address: str, tasks: "Queue[tuple[Task, date] | None]", cpu_seconds: "Queue[float]"
) -> None:
    """Perform the tasks of a queue in this process; None is the end of the queue."""
    with open_client(address) as client:
        cpu_seconds.put(0.0)  # this process is ready
        for task, on in iter(tasks.get, None):
            cpu_seconds.put(client.perform(task, on))


class Processes:
    """Two processes that are ready, so that a measurement contains no start of a process."""

    def __init__(self, address: str) -> None:
        context = get_context("spawn")
        self._cpu_seconds: Queue[float] = context.Queue()
        self._tasks: list[Queue[tuple[Task, date] | None]] = [
            context.Queue() for _ in range(PROCESSES)
        ]
        self._processes = [
            context.Process(target=perform_tasks, args=(address, tasks, self._cpu_seconds))
            for tasks in self._tasks
        ]
        for process in self._processes:
            process.start()
        self._wait_for_all()

    def perform(self, parts: Sequence[Task], on: date) -> float:
        """Perform a task in each process at once, and return the CPU seconds of both."""
        for tasks, part in zip(self._tasks, parts, strict=True):
            tasks.put((part, on))
        return self._wait_for_all()

    def close(self) -> None:
        """End the processes."""
        for tasks, process in zip(self._tasks, self._processes, strict=True):
            tasks.put(None)
            process.join()

    def _wait_for_all(self) -> float:
        return sum(self._cpu_seconds.get(timeout=60) for _ in self._tasks)


def server_cpu(address: str) -> float:
    """Return the CPU seconds that the processes of the server have used, except this connection."""
    query = "SELECT pid FROM pg_stat_activity WHERE pid != pg_backend_pid()"
    with psycopg.connect(address) as connection:
        pids = [pid for (pid,) in connection.execute(query)]
    statistics = (Path(f"/proc/{pid}/schedstat").read_text() for pid in pids)
    return sum(int(text.split()[0]) for text in statistics) / 1e9


def measure(perform: Callable[[date], float], on: date, address: str) -> Cost:
    """Renew on a day, and return what it cost."""
    server_before, started_at = server_cpu(address), perf_counter()
    client_cpu = perform(on)
    seconds = perf_counter() - started_at
    return Cost(seconds, client_cpu, server_cpu(address) - server_before)


async def open_accounts(store: PsycopgStore, accounts: Iterable[AccountId]) -> None:
    """Give each account credit and a plan."""
    for account in accounts:
        plans = {f"profile of {account}": SKYPE_CONNECT.plan(channels=5)}
        for decision in make_account(plans, account=account):
            await store.commit(decision, expected=None)


async def check_charges(store: PsycopgStore, accounts: Iterable[AccountId], terms: int) -> None:
    """Raise AssertionError unless each account was charged once for each renewed term."""
    for account in accounts:
        statement = await AsyncBilling(store, prices=TARIFF).statement(Wallet(account))
        reasons = Counter(posting.reason for posting in statement.postings)
        assert reasons[Reason.RENEWAL] == terms, f"{account} was not charged once for each term"


def make_ways(
    client: Client, processes: Processes, accounts: Sequence[AccountId]
) -> dict[str, Callable[[date], float]]:
    """Return the ways to renew all accounts; each returns the CPU seconds of the clients."""
    all_shards = partial(renew_shards, shards=range(WORKERS))
    all_accounts = partial(renew_accounts, accounts=accounts, workers=WORKERS)
    every = [slice(part, None, PROCESSES) for part in range(PROCESSES)]
    some_shards = [partial(renew_shards, shards=range(WORKERS)[part]) for part in every]
    some_accounts = [
        partial(renew_accounts, accounts=accounts[part], workers=WORKERS // PROCESSES)
        for part in every
    ]
    return {
        "one worker": partial(client.perform, renew_alone),
        "eight workers, shards": partial(client.perform, all_shards),
        "eight workers, queue": partial(client.perform, all_accounts),
        "eight workers in two processes, shards": partial(processes.perform, some_shards),
        "eight workers in two processes, queue": partial(processes.perform, some_accounts),
    }


def measure_round(
    address: str, client: Client, processes: Processes, prefix: str
) -> dict[str, Cost]:
    """Open accounts, renew them in each of the ways, and return what each way cost."""
    accounts = [f"{prefix} {number}" for number in range(ACCOUNTS)]
    client.runner.run(open_accounts(client.store, accounts))
    costs = {}
    for number, (way, perform) in enumerate(make_ways(client, processes, accounts).items(), 1):
        costs[way] = measure(perform, DAY + timedelta(days=30 * number), address)
        client.runner.run(check_charges(client.store, accounts, number))
    return costs


def measure_workers(rounds: int) -> None:
    """Print how much faster eight workers renew than one, and the CPU seconds of each way."""
    costs: dict[str, list[Cost]] = {}
    with (
        place("postgres") as address,
        open_client(address) as client,
        closing(Processes(address)) as processes,
    ):
        for number in range(rounds):
            prefix = f"round {number}:"
            for way, cost in measure_round(address, client, processes, prefix).items():
                costs.setdefault(way, []).append(cost)
    print(f"{ACCOUNTS} due accounts, {LATENCY * 1000:g} ms added to each call of the store")
    print(f"{'':40}{'ms':>8}{'times as fast':>16}{'CPU ms: clients':>18}{'server':>8}")
    for way, measured in costs.items():
        pairs = zip(costs["one worker"], measured, strict=True)
        factor = median(alone.seconds / cost.seconds for alone, cost in pairs)
        seconds, client_cpu, server_cpu = (
            median(values) * 1000 for values in zip(*map(attrs.astuple, measured), strict=True)
        )
        print(f"{way:40}{seconds:8,.0f}{factor:16.1f}{client_cpu:18,.0f}{server_cpu:8,.0f}")
