"""Workers are killed in the middle of a run; the next run completes the work."""

# Import this module before any test runs. If a pytester run inside another test imports it first,
# pytester unloads it afterwards. Half of the module is then imported a second time, and its shared
# values can no longer be sent to another process.
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

from channelplans import EUR, SKYPE_CONNECT, Billing, Money, Reason, Term, Wallet
from channelplans.storage import Page
from channelplans.testing.builders import DAY, TARIFF, make_account

ACCOUNT_WALLET = Wallet("acme")
PROFILES = ("berlin", "gdynia", "oslo", "york")
LENGTH = timedelta(days=30)
KILLS = 25
DEPOSIT = Money.of("100000", EUR)
TERM_PRICE = Money.of("34.75", EUR)  # 5 channels at 6.95
SETUP_FEE = Money.of("5", EUR)

# Each worker is a fork of one server process, which has imported these modules in advance.
CONTEXT = get_context("forkserver")
CONTEXT.set_forkserver_preload(["channelplans.testing.builders", "psycopg", "sqlalchemy"])


def run_worker(*arguments):
    """Run a worker process, and return its exit code: 0, or -SIGKILL if it was killed."""
    process = CONTEXT.Process(target=run_due, args=arguments)
    process.start()
    process.join(120)
    return process.exitcode


def check_that_each_term_is_charged_once(kind):
    """Kill 25 workers in turn, complete the run after each kill, and then audit the charges.

    Before each run, one or two terms of every profile have ended. The worker is killed at a random
    statement of its run, or up to 4 ms after that statement.
    """
    random, terms = Random(2026), 1
    statement_count: Any = CONTEXT.Value(c_int, lock=False)
    statements: dict[int, int] = {}
    with place(kind) as address, opened(kind, address) as store:
        billing = Billing(store, prices=TARIFF)
        plans = dict.fromkeys(PROFILES, SKYPE_CONNECT.plan(channels=5))
        for decision in make_account(plans, credit="100000"):
            store.commit(decision, expected=None)

        # No worker is killed in the first two runs. They count the statements for 1 and 2 terms.
        for ended_terms in (1, 2):
            terms += ended_terms
            assert 0 == run_worker(kind, address, DAY + LENGTH * (terms - 1), statement_count)
            statements[ended_terms] = statement_count.value
        for _ in range(KILLS):
            ended_terms = random.choice((1, 2))
            terms += ended_terms
            on = DAY + LENGTH * (terms - 1)
            kill_at = random.randint(1, statements[ended_terms])
            delay = random.choice((0, random.uniform(0, 0.004)))

            exit_code = run_worker(kind, address, on, statement_count, kill_at, delay)
            outcomes = billing.run_due(on=on)

            assert -SIGKILL == exit_code
            assert [] == [outcome for outcome in outcomes if outcome.error]
            assert Page(()) == store.due(on)
        charges = Counter(
            (posting.reference, posting.term, posting.amount)
            for posting in billing.statement(ACCOUNT_WALLET).postings
            if posting.reason is Reason.RENEWAL
        )
        balance = store.balance(ACCOUNT_WALLET)

    renewal_days = [DAY + LENGTH * number for number in range(1, terms)]
    # make_account names a subscription after its profile and its first day.
    expected_charges = dict.fromkeys(
        (
            (f"{profile} {DAY}", Term(day, day + LENGTH), -TERM_PRICE)
            for profile in PROFILES
            for day in renewal_days
        ),
        1,
    )
    paid_by_each_profile = TERM_PRICE * terms + SETUP_FEE

    assert expected_charges == charges
    assert DEPOSIT - paid_by_each_profile * len(PROFILES) == balance


def test_sqlite_store_charges_each_due_term_once_when_workers_are_killed():
    """On SQLite each due term is charged once, even if workers are killed within a commit."""
    check_that_each_term_is_charged_once("sqlite")


def test_postgres_store_charges_each_due_term_once_when_workers_are_killed(postgres):
    """On PostgreSQL each due term is charged once, even if workers are killed within a commit.

    The server rolls a killed worker's transaction back, and the next run waits for the rollback.
    """
    check_that_each_term_is_charged_once("postgres")
