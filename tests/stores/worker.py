"""A worker process that runs the due renewals and can be killed in the middle of the run."""

import os
import sqlite3
from collections.abc import Callable
from ctypes import c_int
from datetime import date
from signal import SIGKILL
from threading import Event, Timer
from typing import Any

from benchmarks.stores import opened

from channelplans import Billing
from channelplans.testing.builders import TARIFF


class StatementCounter:
    """Counts the SQL statements of this process, and kills the process at a given statement."""

    def __init__(self, count: c_int, delay: float) -> None:
        self.count = count
        self.kill_at = 0
        self.delay = delay

    def __call__(self, *_: Any) -> None:
        """Count one statement; at the statement ``kill_at``, kill the process after the delay."""
        self.count.value += 1
        if self.count.value != self.kill_at:
            return
        if self.delay:
            Timer(self.delay, kill).start()
        else:
            kill()


def kill() -> None:
    """Kill this process at once, so that it rolls back nothing and closes nothing."""
    os.kill(os.getpid(), SIGKILL)


def watch_sqlite(on_statement: Callable[..., None]) -> None:
    """Call a function before each statement of every SQLite connection."""
    connect = sqlite3.connect

    def connect_and_watch(*arguments: Any, **options: Any) -> sqlite3.Connection:
        connection: sqlite3.Connection = connect(*arguments, **options)
        connection.set_trace_callback(on_statement)
        return connection

    sqlite3.connect = connect_and_watch  # type: ignore[assignment]


def watch_postgres(on_statement: Callable[..., None]) -> None:
    """Call a function before each statement and each commit of every SQLAlchemy engine."""
    from sqlalchemy import Engine, event

    event.listen(Engine, "before_cursor_execute", on_statement)
    event.listen(Engine, "commit", on_statement)


WATCH = {"sqlite": watch_sqlite, "postgres": watch_postgres}


def run_due(
    kind: str,
    address: str,
    on: date,
    statement_count: c_int,
    kill_at: int = 0,
    delay: float = 0,
) -> None:
    """Run the renewals due on a day.

    Args:
        kind: which database the store uses, ``sqlite`` or ``postgres``.
        address: where the store is.
        on: the day of the run.
        statement_count: a shared number; the process counts its statements in it.
        kill_at: the number of the statement at which the process is killed; 0 for never.
        delay: the seconds between that statement and the kill.
    """
    counter = StatementCounter(statement_count, delay)
    WATCH[kind](counter)
    with opened(kind, address) as store:
        # Opening the store runs statements too. Count only the statements of the run.
        statement_count.value = 0
        counter.kill_at = kill_at
        Billing(store, prices=TARIFF).run_due(on=on)
        if kill_at:
            Event().wait(60)  # the run can end before the delayed kill
