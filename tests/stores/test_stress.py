"""Eight workers use one account at once, with too little credit for all of them.

The tests run ``benchmarks/stress.py`` with a tenth of its commits.
"""

from random import randrange

import pytest
from benchmarks.stores import opened, place
from benchmarks.stress import audit, crowd, crowd_of_processes, total

COMMITS = 50


def check_consistency(store, works, commits=COMMITS):
    """Audit what the workers stored, and check that they competed for the account's credit."""
    audit(store, works)
    tally = total(works)

    assert 8 * commits <= tally["attempted commits"]
    assert 0 < tally["insufficient-credit"]
    assert 0 < tally["terms renewed"]


@pytest.mark.parametrize(("kind", "commits"), [("memory", 150), ("sqlite", COMMITS)])
def test_eight_threads_keep_the_store_consistent(kind, commits):
    """Eight threads lose and double no posting, and never take a wallet below zero."""
    with place(kind) as address, opened(kind, address) as store:
        check_consistency(store, crowd(store, randrange(10**6), commits), commits)


def test_eight_threads_keep_postgres_consistent(postgres):
    """Eight threads keep the store consistent if the database locks rows, not a whole file."""
    with place("postgres") as address, opened("postgres", address) as store:
        check_consistency(store, crowd(store, randrange(10**6), COMMITS))


def test_four_processes_keep_postgres_consistent(postgres):
    """Four processes keep the store consistent without a lock in any of the processes."""
    with place("postgres") as address, opened("postgres", address) as store:
        works = crowd_of_processes("postgres", address, randrange(10**6), COMMITS)
        check_consistency(store, works)
