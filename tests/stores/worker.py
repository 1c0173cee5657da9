"""A process that does what is due, and is killed in the middle of it."""

import os
import sqlite3
from collections.abc import Callable
from ctypes import c_int
from datetime import date
from signal import SIGKILL
from threading import Event, Timer
from typing import Any

from benchmarks.stores import opened

from channelplans import Desk
from channelplans.testing.builders import TARIFF


class Fate:
    """Counts the statements that a database is given, and kills the process after one of them."""

    def __init__(self, passed: c_int, delay: float) -> None:
        self.passed = passed
        self.point = 0
        self.delay = delay

    def __call__(self, *_: Any) -> None:
        """Let one statement pass, or be the last."""
        self.passed.value += 1
        if self.passed.value != self.point:
            return
        if self.delay:
            Timer(self.delay, kill).start()
        else:
            kill()


def kill() -> None:
    """End this process at once: nothing is rolled back, closed or said."""
    os.kill(os.getpid(), SIGKILL)


def watch_sqlite(statement: Callable[..., None]) -> None:
    """Have every connection tell of a statement before it runs."""
    connect = sqlite3.connect

    def watched(*arguments: Any, **options: Any) -> sqlite3.Connection:
        connection: sqlite3.Connection = connect(*arguments, **options)
        connection.set_trace_callback(statement)
        return connection

    sqlite3.connect = watched  # type: ignore[assignment]


def watch_postgres(statement: Callable[..., None]) -> None:
    """Have every engine tell of a statement, and of a commit, before it runs."""
    from sqlalchemy import Engine, event

    event.listen(Engine, "before_cursor_execute", statement)
    event.listen(Engine, "commit", statement)


WATCH = {"sqlite": watch_sqlite, "postgres": watch_postgres}


def run_due(
    kind: str, address: str, on: date, passed: c_int, point: int = 0, delay: float = 0
) -> None:
    """Do what is due by a day; with a point, the process dies so many seconds after it."""
    fate = Fate(passed, delay)
    WATCH[kind](fate)
    with opened(kind, address) as store:
        passed.value, fate.point = 0, point
        for _ in Desk(store, tariff=lambda _offer, _day: TARIFF).run_due(on=on):
            pass
        if point:
            Event().wait(60)
