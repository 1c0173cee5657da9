"""The contract of a store, concurrent commits: the result is as if they came one after another."""

from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial
from itertools import chain
from typing import Final, cast

from channelplans.errors import ChannelPlansError, Conflict, TokenReused
from channelplans.offers import SKYPE_CONNECT
from channelplans.storage.ports import AsyncStore, Revision
from channelplans.subscriptions import actions
from channelplans.subscriptions.decisions import Decision, Transfer
from channelplans.subscriptions.wallets import Wallet
from channelplans.testing.builders import DAY, make_tariff
from channelplans.testing.contract.checked_store import (
    DISTANT_DAY,
    CheckedStore,
    Run,
    cancel_at_wait,
    check_equal,
)
from channelplans.testing.contract.crowd import (
    check_books,
    opening_deposit,
    run_threads,
    run_worker,
)
from channelplans.testing.contract.helpers import (
    ACCOUNT,
    ACCOUNT_WALLET,
    BERLIN_WALLET,
    PARIS_WALLET,
    days,
    eur,
    make_call_decision,
    make_deposit,
    make_posting,
    make_purchase,
    make_transfer,
    make_withdrawal,
    open_account,
)

#: The number of threads in each test.
THREADS: Final = 8

#: A commit is cancelled at each of its awaits, up to this number.
MAX_AWAITS: Final = 40


class ConcurrencyTests:
    """Threads that commit and read at the same time.

    Each test collects the answers of all threads before it compares them. So the message does not
    depend on which thread was first.
    """

    def test_concurrent_commits_never_overdraw_a_wallet(self, store: CheckedStore) -> None:
        """If 8 threads try 40 withdrawals of 1 EUR from 20 EUR, 20 succeed and 20 are refused.

        If it fails: check and change the balance in one transaction that no other commit
        interrupts. Use a lock, ``BEGIN IMMEDIATE``, ``SELECT ... FOR UPDATE`` or ``UPDATE ...
        WHERE balance >= amount``.
        """
        opening = make_deposit("20")
        store.commit(opening)
        withdrawals = [make_withdrawal("1", f"t-{number}") for number in range(THREADS * 5)]
        outcomes = _commit_at_once(store, withdrawals)
        expected = {"outcomes": {"stored": 20, "InsufficientCredit": 20}, "balance": eur("0")}
        found = {"outcomes": _count(outcomes), "balance": store.balance(ACCOUNT_WALLET)}
        message = "of 40 withdrawals of 1 EUR from 20 EUR by eight threads, 20 must succeed"
        check_equal(expected, found, message)
        results = zip(withdrawals, outcomes, strict=True)
        stored = [withdrawal for withdrawal, outcome in results if outcome is None]
        check_books(store, [ACCOUNT_WALLET], committed=[opening, *stored])

    def test_concurrent_commits_accept_a_revision_once(self, store: CheckedStore) -> None:
        """If eight threads commit calls decided on one revision, one call is committed.

        If it fails: compare the revision and write the subscription in one step. Use ``UPDATE ...
        WHERE revision = expected`` and its row count, or a lock.

        The other seven commits raise Conflict.
        """
        open_account(store)
        for call_count in range(1, 5):
            stored = store.stored_subscription(ACCOUNT, "berlin")
            calls = [
                make_call_decision(stored.value, f"c-{call_count}-{thread}")
                for thread in range(THREADS)
            ]
            outcomes = _commit_at_once(store, calls, stored.revision)
            _check_one_stored(outcomes, Conflict, "calls decided on one revision")
            message = "a call was booked though commit raised Conflict"
            check_equal(call_count + 1, len(store.all_postings(BERLIN_WALLET)), message)

    def test_concurrent_commits_store_an_equal_decision_once(self, store: CheckedStore) -> None:
        """If eight threads commit equal decisions, all get the same answer; it is booked once.

        If it fails: check and store the token in the transaction of the decision. If another
        thread stores the token at the same moment, compare the decisions again.
        """
        opening, purchase = make_deposit("39.75"), make_purchase()
        store.commit(opening)
        payment = make_deposit("7", "t-1")
        message = "eight threads committed one decision: all must get one answer, it is booked once"
        for decision in (purchase, payment):
            outcomes = _commit_at_once(store, [decision] * THREADS)
            answer = None
            if decision is purchase:
                answer = store.stored_subscription(ACCOUNT, "berlin").revision
            check_equal([str(answer)], sorted({*map(str, outcomes)}), message)
        check_equal(eur("7"), store.balance(ACCOUNT_WALLET), message)
        check_books(store, [ACCOUNT_WALLET], committed=[opening, purchase, payment])

    def test_concurrent_commits_accept_one_purchase_for_a_profile(
        self, store: CheckedStore
    ) -> None:
        """If eight threads buy for one new profile, one purchase is committed.

        If it fails: a missing row cannot be locked. Insert under a unique key, and raise Conflict
        if the key exists.

        The other seven commits raise Conflict.
        """
        store.commit(make_deposit("1000"))
        purchases = [make_purchase("berlin", f"s-{thread}") for thread in range(THREADS)]
        outcomes = _commit_at_once(store, purchases)
        _check_one_stored(outcomes, Conflict, "purchases for one new profile")
        message = "the wallet paid for a purchase though commit raised Conflict"
        check_equal(eur("960.25"), store.balance(ACCOUNT_WALLET), message)

    def test_concurrent_commits_accept_a_token_once(self, store: CheckedStore) -> None:
        """If eight threads commit different deposits with one token, one deposit is committed.

        If it fails: put a unique key on the token. If the key exists, read the stored decision and
        compare: return its answer or raise TokenReused. A lock on the wallet is not enough.

        The other seven commits raise TokenReused. The deposits go to one wallet first, and then to
        eight wallets.
        """
        profile_wallets = [Wallet(ACCOUNT, f"p-{thread}") for thread in range(THREADS)]
        for transfer, wallets in (("t-1", [ACCOUNT_WALLET] * THREADS), ("t-2", profile_wallets)):
            deposits = [
                make_deposit(str(amount), transfer, wallet=wallet)
                for amount, wallet in enumerate(wallets, 1)
            ]
            outcomes = _commit_at_once(store, deposits)
            _check_one_stored(outcomes, TokenReused, "different deposits with one token")
            check_books(store, {*wallets}, committed=[deposits[outcomes.index(None)]])

    def test_concurrent_commits_add_up_on_a_new_wallet(self, store: CheckedStore) -> None:
        """If eight threads post to a new wallet, all postings are booked and add up.

        If it fails: a missing row cannot be locked. Insert the row or add to it in one statement,
        such as ``INSERT ... ON CONFLICT ... DO UPDATE``, or hold a lock.
        """
        for number in range(3):
            wallet = Wallet(ACCOUNT, f"p-{number}")
            deposits = [
                make_deposit("1", f"t-{number}-{thread}", wallet=wallet)
                for thread in range(THREADS)
            ]
            outcomes = _commit_at_once(store, deposits)
            expected = {"outcomes": {"stored": THREADS}, "balance": eur("8")}
            found = {"outcomes": _count(outcomes), "balance": store.balance(wallet)}
            message = (
                "eight deposits of 1 EUR to a new wallet must add up to 8 EUR: a deposit was "
                "refused, or a balance was overwritten"
            )
            check_equal(expected, found, message)
            check_books(store, [wallet], committed=deposits)

    def test_concurrent_commits_book_postings_in_commit_order(self, store: CheckedStore) -> None:
        """If threads deposit and withdraw, postings are numbered in the order of their commits.

        If it fails: number postings while you hold the lock of the wallet. A number that is drawn
        before the lock may be smaller than the number of an earlier commit.

        So the wallet is never below zero when the postings are added up in that order.
        """
        makers = (make_withdrawal, make_deposit, make_withdrawal)
        transfers = [makers[number % 3]("1", f"t-{number}") for number in range(THREADS * 9)]
        _commit_at_once(store, transfers)
        check_books(store, [ACCOUNT_WALLET])

    def test_concurrent_commits_do_not_deadlock(self, store: CheckedStore) -> None:
        """If threads move credit between wallets in both directions, all transfers are committed.

        If it fails: lock the wallets of a decision in one fixed order, such as sorted by key, or
        retry after a deadlock.
        """
        wallets = (ACCOUNT_WALLET, BERLIN_WALLET, PARIS_WALLET)
        deposits = [make_deposit("100", f"to {wallet}", wallet=wallet) for wallet in wallets]
        for deposit in deposits:
            store.commit(deposit)
        moves = [
            _make_move(wallets, thread, number) for thread in range(THREADS) for number in range(6)
        ]
        outcomes = _commit_at_once(store, moves)
        message = "a transfer was refused while eight threads moved credit between three wallets"
        check_equal({"stored": len(moves)}, _count(outcomes), message)
        check_books(store, wallets, committed=[*deposits, *moves])

    def test_reads_never_show_half_a_transfer(self, store: CheckedStore) -> None:
        """A reader sees all postings of a transfer or none, and nothing of a refused transfer.

        If it fails: write a decision in one transaction, and read only committed data.
        """
        opening = make_deposit("10")
        store.commit(opening)
        debit, credit = make_posting("-7"), make_posting("7")
        unpaid = make_posting("-7", BERLIN_WALLET)
        neutral = [make_transfer(f"neutral {number}", debit, credit) for number in range(24)]
        refused = [make_transfer(f"refused {number}", unpaid, credit) for number in range(24)]
        transfers = list(chain(*zip(neutral, refused, strict=True)))

        def check_transfers() -> None:
            balance = store.balance(ACCOUNT_WALLET)
            counts = Counter(booked.token for booked in store.all_postings(ACCOUNT_WALLET)[1:])
            incomplete = sorted(token for token, count in counts.items() if count != 2)
            expected = {"balance": eur("10"), "incomplete transfers": []}
            found = {"balance": balance, "incomplete transfers": incomplete}
            message = "a reader saw half of a transfer, or a transfer that was refused"
            check_equal(expected, found, message)

        outcomes = _commit_at_once(store, transfers, writers=4, readers=[check_transfers] * 4)
        message = "of 48 transfers, the 24 that leave the balance as it is must be stored"
        check_equal({"stored": 24, "InsufficientCredit": 24}, _count(outcomes), message)
        check_books(store, [ACCOUNT_WALLET], committed=[opening, *neutral])

    def test_reads_show_all_of_a_purchase_or_nothing(self, store: CheckedStore) -> None:
        """A purchase that one read shows is shown by every later read; a refused one by none.

        If it fails: write token, subscription, balance and postings in one transaction. Check the
        credit before other threads can see the data, and read only committed data.
        """
        store.commit(make_deposit("200"))
        unpaid_plan = SKYPE_CONNECT.plan(channels=300)
        # There are five places to read. Distances 1 to 4 compare each place with all the others.
        for distance in range(1, 5):
            profile = f"p-{distance}"
            for purchase in (
                make_purchase(profile, f"unpaid-{distance}", plan=unpaid_plan),
                make_purchase(profile, f"s-{distance}"),
            ):
                _commit_while_comparing(store, purchase, distance)
        message = "four of eight purchases must be stored, for 39.75 EUR each"
        check_equal(eur("41"), store.balance(ACCOUNT_WALLET), message)

    def test_reads_show_the_commits_of_other_threads(self, store: CheckedStore) -> None:
        """A read shows what another thread has committed, even if this thread read before.

        If it fails: end the transaction of each read. Under REPEATABLE READ, an open transaction
        repeats its first answer. Also look for a session or a cache that belongs to one thread.
        """
        decision, revision = open_account(store)
        termination = actions.terminate(decision.after, on=DAY + days(3))

        def write() -> dict[str, object]:
            store.commit(termination, expected=revision)
            return store.read_affected(termination)

        store.read_affected(termination)
        (expected,) = run_threads([write])
        message = "a thread that read before does not see the commit of another thread"
        check_equal(expected, store.read_affected(termination), message)

    def test_concurrent_workers_leave_consistent_books(self, store: CheckedStore) -> None:
        """If eight threads do business on one account at once, the stored data adds up.

        If it fails: look at the other tests of ``ConcurrencyTests`` first; they name the cause.

        The threads buy, change, record calls, deposit, renew and end. The credit is too small for
        all of it.
        """
        opening = opening_deposit()
        store.commit(opening)
        works = [partial(run_worker, store, worker=thread, actions=40) for thread in range(THREADS)]
        try:
            reports = run_threads(works)
            committed = [decision for report in reports for decision in report.committed]
            check_books(store, committed=[opening, *committed])
        except AssertionError as error:
            message = "eight threads did business on one account, and the store failed"
            raise AssertionError(f"{message}\n{error}") from None


class CancellationTests:
    """Commits that are cancelled, as by a web server whose client has disconnected."""

    def test_cancelled_commit_stores_everything_or_nothing(
        self, store: CheckedStore, run: Run
    ) -> None:
        """If a commit is cancelled at any of its awaits, the same commit can be repeated.

        If it fails: handle ``asyncio.CancelledError``, which is not an ``Exception``. Let ``async
        with`` roll back the transaction, release the lock and return the connection. Store the
        offers and tariffs of a decision in the same transaction as the decision.

        The decision is then stored once, and no lock is left behind.
        """
        balance, point, is_reached = eur("10000"), 0, True
        store.commit(make_deposit(balance))
        commit = cast("AsyncStore", store.store).commit
        while is_reached and point < MAX_AWAITS:
            point += 1
            tariff = make_tariff(name=f"cancelled at await number {point}")
            purchase = make_purchase(f"p-{point}", f"s-{point}", tariff=tariff)
            is_reached = run(cancel_at_wait(partial(commit, purchase, expected=None), point))
            message = f"a commit that was cancelled at await number {point} was stored in part"
            revision = store.commit_valid(purchase, message)
            balance += purchase.postings[0].amount
            store.check_stored(purchase.after, revision, message)
            check_equal(purchase, store.decision(ACCOUNT, purchase.token), message)
            check_equal(balance, store.balance(ACCOUNT_WALLET), message)
            check_equal(point + 1, len(store.all_postings(ACCOUNT_WALLET)), message)


def _commit(
    store: CheckedStore, decision: Decision | Transfer, expected: Revision | None = None
) -> object:
    """Return the outcome: the answer of ``commit``, or the class of the error that it raises."""
    try:
        return store.commit(decision, expected=expected)
    except ChannelPlansError as error:
        return type(error)


def _commit_at_once(
    store: CheckedStore,
    decisions: Sequence[Decision | Transfer],
    expected: Revision | None = None,
    *,
    writers: int = THREADS,
    readers: Sequence[Callable[[], None]] = (),
) -> list[object]:
    """Share the decisions out to threads, and return the outcomes in the given order.

    Meanwhile, other threads call the functions in ``readers`` again and again.
    """
    share, writing = len(decisions) // writers, set(range(writers))

    def write(thread: int) -> list[object]:
        try:
            own_decisions = decisions[thread * share : (thread + 1) * share]
            return [_commit(store, decision, expected) for decision in own_decisions]
        finally:
            writing.discard(thread)

    def read(check: Callable[[], None]) -> list[object]:
        while writing:
            check()
        return []

    works = [partial(write, thread) for thread in range(writers)]
    return list(chain(*run_threads([*works, *(partial(read, check) for check in readers)])))


def _count(outcomes: Sequence[object]) -> dict[str, int]:
    """Count the outcomes: ``stored``, and each error by its name."""
    names = (outcome.__name__ if isinstance(outcome, type) else "stored" for outcome in outcomes)
    return dict(sorted(Counter(names).items()))


def _check_one_stored(
    outcomes: Sequence[object], error: type[ChannelPlansError], decisions: str
) -> None:
    """Check that one decision was committed, and that all other commits raised the error."""
    message = (
        f"eight threads committed {decisions}: one must be stored, and seven raise {error.__name__}"
    )
    check_equal({"stored": 1, error.__name__: THREADS - 1}, _count(outcomes), message)


def _make_move(wallets: Sequence[Wallet], thread: int, number: int) -> Transfer:
    """Move 1 EUR between two of three wallets."""
    source = (thread + number) % 3
    # The direction alternates, so threads 0 and 1 move credit between the same two wallets in
    # opposite directions, and so do 2 and 3, 4 and 5, 6 and 7. A store
    # that locks wallets in the order of the postings deadlocks.
    direction = 1 if thread % 2 == 0 else -1
    target = (source + direction) % 3
    debit, credit = make_posting("-1", wallets[source]), make_posting("1", wallets[target])
    return make_transfer(f"m-{thread}-{number}", debit, credit)


def _commit_while_comparing(store: CheckedStore, purchase: Decision, distance: int) -> None:
    """Commit a purchase while five threads each compare two of the places where it appears.

    Each thread reads one place until the purchase appears there. Then it reads the place that
    comes ``distance`` places later.
    """
    profile = purchase.after.profile
    balance_before = store.balance(ACCOUNT_WALLET)
    places: dict[str, Callable[[], bool]] = {
        "the subscription": lambda: store.subscription(ACCOUNT, profile) is not None,
        "the balance": lambda: store.balance(ACCOUNT_WALLET) != balance_before,
        "the postings": lambda: (
            purchase.token in {booked.token for booked in store.all_postings(ACCOUNT_WALLET)}
        ),
        "the tokens": lambda: store.decision(ACCOUNT, purchase.token) is not None,
        "the due profiles": lambda: profile in store.due_names(DISTANT_DAY),
    }

    def compare(first: str, second: str) -> None:
        if places[first]() and not places[second]():
            raise AssertionError(
                "a reader saw part of a purchase, or a purchase that was refused\n"
                f"  a reader saw {purchase.token} in {first}, and after that not in {second}"
            )

    names = list(places)
    pairs = zip(names, names[distance:] + names[:distance], strict=True)
    readers = [partial(compare, first, second) for first, second in pairs]
    _commit_at_once(store, [purchase], writers=1, readers=readers)
