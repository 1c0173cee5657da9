"""Workers that are killed in the middle of a run, and the run after them."""

# Loaded with this module: where a run of pytest within a test loads it first, and unloads it again,
# half of it is loaded twice, and its values cannot be sent to another process any more.
import multiprocessing.sharedctypes  # noqa: F401
from collections import Counter
from ctypes import c_int
from datetime import timedelta
from multiprocessing import get_context
from random import Random
from signal import SIGKILL
from typing import Any

from benchmarks.stores import opened, place
from tests.stores.worker import run_due

from channelplans import EUR, SKYPE_CONNECT, Desk, Money, Page, Purse, Reason, Term
from channelplans.identifiers import AccountId
from channelplans.testing.builders import DAY, TARIFF, make_account

ACCOUNT = Purse(AccountId("acme"))
PROFILES = ("berlin", "gdynia", "oslo", "york")
TERM = timedelta(days=30)
POINTS = 50

# Each worker is a fork of one process that has loaded what it needs.
CONTEXT = get_context("forkserver")
CONTEXT.set_forkserver_preload(["channelplans.testing.builders", "psycopg", "sqlalchemy"])


def worker(*arguments):
    """Let a worker run, and return how it ended: 0, or less if it was killed."""
    process = CONTEXT.Process(target=run_due, args=arguments)
    process.start()
    process.join(120)
    return process.exitcode


def survive(kind):
    """Kill 50 workers, each followed by a whole run, and look at what was charged in the end.

    Before each, one or two terms of every profile have ended. It dies before a statement that is
    drawn at random, or up to 4 ms later. The plan costs 34.75 EUR a term, 5 channels at 6.95, and
    5 EUR to set up.
    """
    draw, terms = Random(2026), 2
    passed: Any = CONTEXT.Value(c_int, lock=False)
    with place(kind) as address, opened(kind, address) as store:
        desk = Desk(store, tariff=lambda _offer, _day: TARIFF)
        plans = dict.fromkeys(PROFILES, SKYPE_CONNECT.plan(channels=5))
        for decision in make_account(plans, credit="100000"):
            store.commit(decision, expected=None)

        assert 0 == worker(kind, address, DAY + TERM, passed)
        statements = passed.value
        for _ in range(POINTS):
            ended = draw.choice((1, 2))
            terms += ended
            on = DAY + TERM * (terms - 1)
            point = draw.randint(1, ended * (statements - 1))
            delay = draw.choice((0, draw.uniform(0, 0.004)))

            assert -SIGKILL == worker(kind, address, on, passed, point, delay)
            assert [] == [outcome for outcome in desk.run_due(on=on) if outcome.error]
            assert Page(()) == store.due(on)
        charged = Counter(
            (each.posting.reference, each.posting.term, each.posting.amount)
            for each in store.postings(ACCOUNT)
            if each.posting.reason is Reason.RENEWAL
        )
        balance = store.balance(ACCOUNT)

    starts = [DAY + TERM * number for number in range(1, terms)]
    price, setup = Money.of("34.75", EUR), Money.of("5", EUR)
    # make_account names a subscription after its profile and its first day.
    assert charged == dict.fromkeys(
        (
            (f"{profile} {DAY}", Term(start, start + TERM), -price)
            for profile in PROFILES
            for start in starts
        ),
        1,
    )
    assert Money.of("100000", EUR) - (price * terms + setup) * len(PROFILES) == balance


def test_on_sqlite_each_due_term_is_charged_once_whoever_is_killed():
    """Wherever a worker is killed, in a commit or between two, the next run does what is left."""
    survive("sqlite")


def test_on_postgres_each_due_term_is_charged_once_whoever_is_killed(postgres):
    """A transaction whose client is gone is taken back, and the next run waits until it is."""
    survive("postgres")
