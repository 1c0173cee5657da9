"""Eight workers on one account at once, with too little credit for all.

All of these together attempt a tenth of the commits that ``benchmarks/stress.py``, which is the
same code, attempts by itself.
"""

from random import randrange

import pytest
from benchmarks.stores import opened, place
from benchmarks.stress import audit, crowd, crowd_of_processes, total

COMMITS = 50


def check(store, works, commits=COMMITS):
    """Audit what eight workers left, and see that there was something to share."""
    audit(store, works)
    tally = total(works)

    assert 8 * commits <= tally["attempted commits"]
    assert 0 < tally["insufficient-credit"]
    assert 0 < tally["terms renewed"]


@pytest.mark.parametrize(("kind", "commits"), [("memory", 150), ("sqlite", COMMITS)])
def test_eight_threads_keep_the_books_right(kind, commits):
    """No purse is below zero at any time, no posting lost or doubled, and all balances add up."""
    with place(kind) as address, opened(kind, address) as store:
        check(store, crowd(store, randrange(10**6), commits), commits)


def test_eight_threads_keep_the_books_right_on_postgres(postgres):
    """The same where the database's rows are locked, and not a whole file."""
    with place("postgres") as address, opened("postgres", address) as store:
        check(store, crowd(store, randrange(10**6), COMMITS))


def test_four_processes_keep_the_books_right_on_postgres(postgres):
    """Workers of several processes are kept apart by the database, not by a lock of one of them."""
    with place("postgres") as address, opened("postgres", address) as store:
        check(store, crowd_of_processes("postgres", address, randrange(10**6), COMMITS))
