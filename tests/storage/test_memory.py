"""MemoryStore beyond the general store contract: snapshots, interruptions, cursors and threads."""

import copy
import pickle
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime, timedelta
from itertools import chain, product
from typing import Any

import attrs
import pytest
from tests.steps import TooManySteps, at_most, run_in_thread, run_within

from channelplans.errors import Conflict, InsufficientCredit, InvalidValue, WrongType
from channelplans.money import EUR, Money
from channelplans.offers import SKYPE_CONNECT
from channelplans.storage.memory import MemoryStore
from channelplans.storage.ports import Page, shard_of
from channelplans.subscriptions.actions import (
    buy,
    cancel,
    change,
    expire,
    lapse,
    renew,
    terminate,
)
from channelplans.subscriptions.subscription import RUNNING, Status
from channelplans.subscriptions.transfers import assign_credit, deposit, expire_credit
from channelplans.subscriptions.wallets import Wallet
from channelplans.tariffs import Tariff

DAY = date(2026, 1, 5)
END = date(2026, 2, 4)
LATE = date(2026, 2, 10)
ACME = Wallet("acme")
TARIFF = Tariff("made up", EUR, "6.95", "10", "0.021")
PLAN = SKYPE_CONNECT.plan(channels=5)
CENT = Money(minor=1, currency=EUR)
BIGGER = SKYPE_CONNECT.plan(channels=7)
CREDIT = Money.of("3", EUR)


def make_deposit(amount="50", transfer="p-1", wallet=ACME):
    """Return a deposit that is not committed yet."""
    return deposit(wallet, Money.of(amount, EUR), transfer=transfer, on=DAY)


def make_purchase(profile="berlin", on=DAY):
    """Return a purchase for a profile that is not committed yet."""
    ids = {"account": "acme", "profile": profile, "subscription": f"s of {profile}"}
    return buy(PLAN, TARIFF, on=on, **ids)


def store_with(*profiles, on=DAY, credit="1000000"):
    """Return a store with credit, and a subscription for each profile, bought in that order."""
    store = MemoryStore()
    store.commit(make_deposit(credit), expected=None)
    for profile in profiles:
        store.commit(make_purchase(profile, on), expected=None)
    return store


def make_account(store, account, profile):
    """Give an account 50 EUR and a subscription of 5 channels for one profile."""
    store.commit(make_deposit("50", "p-1", Wallet(account)), expected=None)
    identifiers = {"account": account, "profile": profile, "subscription": f"s of {profile}"}
    store.commit(buy(PLAN, TARIFF, on=DAY, **identifiers), expected=None)


def make_late(decision):
    """Return a renewal with the value date of a punctual run."""
    (posting,) = decision.postings
    return attrs.evolve(decision, postings=(attrs.evolve(posting, value_date=END),))


def decide_and_commit(store, profile, action, *arguments, **keywords):
    """Apply an action to a profile's stored subscription, commit it, and return the revision."""
    stored = store.subscription("acme", profile)
    decision = action(stored.value, *arguments, **keywords)
    return store.commit(decision, expected=stored.revision)


def due_profiles(store, on, limit=1000):
    """Return the profiles of account acme that are due on a day, read page by page."""
    return [profile for _, profile in read_pages(store.due, on, account="acme", limit=limit)]


def read_pages(read, *arguments, **options):
    """Return the items of all pages."""
    page = read(*arguments, **options)
    items = list(page.items)
    while page.next is not None:
        page = read(*arguments, cursor=page.next, **options)
        items += page.items
    return items


def interrupt(call, step):
    """Raise an error at a step of a call; return False if the call has fewer steps.

    A signal handler raises an error like this, as for Ctrl-C.
    """
    try:
        with at_most(step, opcodes_in=("memory.py", "_memory_index.py")):
            call()
    except TooManySteps:
        return True
    return False


class StoresTwice(MemoryStore):
    """A store that changes its contents twice for each commit, as after an interruption."""

    def _store(self, *change):
        super()._store(*change)
        super()._store(*change)


class TestInterruptions:
    """A commit that is interrupted at any point stores everything or nothing."""

    def test_change_made_twice_has_the_effect_of_one(self):
        """A purchase, a change that moves the end of the term, and two transfers on one wallet."""
        once, twice = MemoryStore(), StoresTwice()
        for store in (once, twice):
            store.commit(make_deposit("1", "p-0", Wallet("globex")), expected=None)
            store.commit(make_deposit(), expected=None)
            store.commit(make_deposit("50", "p-2"), expected=None)
            store.commit(make_purchase(), expected=None)
            decide_and_commit(store, "berlin", change, BIGGER, TARIFF, on=date(2026, 1, 15))

        assert once.snapshot() == twice.snapshot()
        assert due_profiles(once, date(2026, 3, 1)) == due_profiles(twice, date(2026, 3, 1))
        for day in (DAY, date(2026, 1, 15), date(2026, 1, 16)):
            assert once.balance(ACME, before=day) == twice.balance(ACME, before=day)
            assert once.postings(ACME, until=day) == twice.postings(ACME, until=day)
            assert once.decisions("acme", until=day) == twice.decisions("acme", until=day)

    @pytest.mark.slow
    @pytest.mark.parametrize(
        "kind", ["deposit", "new account", "transfer", "purchase", "late renewal", "restore"]
    )
    def test_interrupted_call_has_all_of_its_effect_or_none(self, kind):
        """The contents are those before or after the call, and the same call again completes it."""

        # Each store gets the same objects, so that equal contents are compared fast.
        purchase = make_purchase()
        openings = (make_deposit("1000"), purchase, make_deposit("5", "p-2"))
        earlier = store_with("berlin", credit="1000").snapshot()
        decision = {
            "deposit": make_deposit("7", "p-3"),
            "transfer": assign_credit("acme", "berlin", CREDIT, transfer="t", on=DAY),
            "purchase": make_purchase("munich"),
            "late renewal": make_late(renew(purchase.after, TARIFF, on=LATE)),
            "new account": make_deposit("7", "p-3", Wallet("globex", "berlin")),
            "restore": None,
        }[kind]

        def prepare():
            store = MemoryStore()
            for opening in openings:
                store.commit(opening, expected=None)
            if decision is None:
                return store, lambda: store.restore(earlier)
            berlin = store.subscription("acme", "berlin")
            expected = berlin.revision if berlin and kind == "late renewal" else None
            return store, lambda: store.commit(decision, expected=expected)

        def contents_of(store):
            return (
                store.snapshot(),
                store.due(LATE),
                store.profiles("acme"),
                store.decisions("acme", since=DAY, until=LATE),
                store.postings(ACME, since=DAY, until=LATE),
                store.balance(ACME, before=LATE),
            )

        def interrupt_at_each_step():
            """Return the contents after each interruption, and after the same call again."""
            found: list[Any] = []
            completed: list[Any] = []
            store, call = prepare()
            while interrupt(call, len(found)):
                found.append(contents_of(store))
                call()
                completed.append(contents_of(store))
                store, call = prepare()
            return found, completed

        store, call = prepare()
        before = contents_of(store)
        call()
        after = contents_of(store)
        found, completed = run_in_thread(interrupt_at_each_step)

        assert before in found
        assert after in found
        assert all(contents in (before, after) for contents in found)
        assert all(contents == after for contents in completed)


class TestRepr:
    """repr() counts what a store contains."""

    def test_repr_of_an_empty_store_shows_zeros(self):
        """An empty store has no subscriptions, wallets or postings."""

        assert "<MemoryStore: 0 subscriptions, 0 wallets, 0 postings>" == repr(MemoryStore())

    def test_repr_uses_the_singular_for_one(self):
        """A count of one takes a singular noun."""
        store = store_with("berlin")

        assert "<MemoryStore: 1 subscription, 1 wallet, 2 postings>" == repr(store)

    @pytest.mark.slow
    def test_repr_groups_thousands_and_counts_only_latest_subscriptions(self):
        """Thousands are separated by commas; a profile's earlier subscription is not counted."""
        store = store_with("berlin", "paris")
        decide_and_commit(store, "berlin", change, BIGGER, TARIFF, on=DAY)
        for number in range(1000):
            transfer = make_deposit("1", f"t-{number}", Wallet("acme", "berlin"))
            store.commit(transfer, expected=None)

        # One deposit, two purchases, the change's refund and charge, and a thousand deposits.
        assert "<MemoryStore: 2 subscriptions, 2 wallets, 1,005 postings>" == repr(store)


class TestSnapshots:
    """snapshot() keeps the whole state of a store, and restore() returns to it."""

    def test_stores_with_the_same_commits_have_equal_snapshots(self):
        """Two stores that committed the same decisions have equal snapshots."""
        store, other_store = store_with("berlin", "paris"), store_with("berlin", "paris")

        assert store.snapshot() == other_store.snapshot()

    @pytest.mark.parametrize(
        "commit",
        [
            lambda store: store.commit(make_deposit("1", "p-2"), expected=None),
            lambda store: decide_and_commit(store, "berlin", cancel, on=DAY),
            lambda store: store.commit(make_purchase("paris"), expected=None),
        ],
        ids=["money", "subscription", "both"],
    )
    def test_commit_changes_later_snapshots_only(self, commit):
        """A commit appears in the next snapshot and leaves an earlier snapshot unchanged."""
        store = store_with("berlin")
        before, copy_of_before = store.snapshot(), store.snapshot()
        commit(store)

        assert before != store.snapshot()
        assert before == copy_of_before

    def test_refused_or_repeated_commit_leaves_the_snapshot_unchanged(self):
        """A conflict, missing credit and a repeated decision change nothing in the store."""
        store = MemoryStore()
        store.commit(make_deposit("40"), expected=None)
        store.commit(make_purchase(), expected=None)
        before = store.snapshot()
        stored = store.subscription("acme", "berlin")
        assert stored is not None
        with pytest.raises(Conflict):
            store.commit(cancel(stored.value, on=DAY), expected=None)
        with pytest.raises(InsufficientCredit):
            store.commit(make_purchase("paris"), expected=None)
        store.commit(make_purchase(), expected=None)

        assert before == store.snapshot()

    def test_snapshot_shows_subscriptions_balances_and_postings(self):
        """A snapshot has the same subscriptions, balances and postings as the store."""
        store = store_with("berlin", credit="50")
        snapshot = store.snapshot()

        assert {("acme", "berlin"): store.subscription("acme", "berlin")} == snapshot.subscriptions
        # 50.00 less five channels at 6.95.
        assert {ACME: Money(minor=1525, currency=EUR)} == snapshot.balances
        assert {ACME: store.postings(ACME).items} == snapshot.postings

    @pytest.mark.parametrize("name", ["subscriptions", "balances", "postings"])
    def test_mappings_of_a_snapshot_cannot_be_changed(self, name):
        """A snapshot is a value."""
        contents = getattr(store_with("berlin").snapshot(), name)

        with pytest.raises(TypeError):
            contents[ACME] = None

    @pytest.mark.parametrize(
        "copy_of", [copy.copy, copy.deepcopy, lambda value: pickle.loads(pickle.dumps(value))]
    )
    def test_copy_of_a_snapshot_can_be_restored(self, copy_of):
        """A snapshot can be kept in a file; what is read back cannot be changed either."""
        store = store_with("berlin")
        snapshot = copy_of(store.snapshot())
        other = MemoryStore()
        other.restore(snapshot)

        assert store.snapshot() == snapshot == other.snapshot()
        with pytest.raises(TypeError):
            snapshot.balances[ACME] = None

    def test_restore_forgets_later_commits(self):
        """restore() removes subscriptions, postings and tokens committed after the snapshot."""
        store = store_with("berlin", credit="100")
        before = store.snapshot()
        purchase = make_purchase("paris")
        store.commit(purchase, expected=None)
        decide_and_commit(store, "berlin", cancel, on=DAY)
        store.restore(before)

        assert before == store.snapshot()
        assert store.subscription("acme", "paris") is None
        assert store.decision("acme", purchase.token) is None
        # 100.00 less five channels at 6.95, once.
        assert Money(minor=6525, currency=EUR) == store.balance(ACME)

    def test_token_committed_after_the_snapshot_can_be_committed_again(self):
        """After restore(), a forgotten decision is booked again, and only once."""
        store = store_with(credit="10")
        before = store.snapshot()
        for _ in range(3):
            store.restore(before)
            store.commit(make_deposit("5", "p-2"), expected=None)
            store.commit(make_deposit("5", "p-2"), expected=None)
        amounts = [booked.posting.amount.minor for booked in store.postings(ACME).items]

        assert Money(minor=1500, currency=EUR) == store.balance(ACME)
        assert [1000, 500] == amounts

    def test_restore_keeps_the_tokens_committed_before_the_snapshot(self):
        """A decision that was committed before the snapshot is not booked a second time."""
        store = MemoryStore()
        decisions = (make_deposit("40"), make_purchase())
        revisions = [store.commit(decision, expected=None) for decision in decisions]
        snapshot = store.snapshot()
        store.restore(snapshot)

        assert revisions == [store.commit(decision, expected=None) for decision in decisions]
        assert snapshot == store.snapshot()

    def test_snapshot_can_be_restored_repeatedly(self):
        """Commits after restore() do not change the snapshot, so it can be restored again."""
        store = store_with("berlin", "paris")
        before = store.snapshot()
        for _ in range(2):
            store.restore(before)
            decide_and_commit(store, "berlin", renew, TARIFF, on=END)
            decide_and_commit(store, "paris", terminate, on=DAY)
            store.commit(make_deposit("5", "p-2"), expected=None)
        store.restore(before)

        assert before == store.snapshot()
        assert ["berlin", "paris"] == due_profiles(store, END)

    def test_restore_does_not_reuse_revisions(self):
        """A revision that restore() discarded is not used for another state."""
        store = store_with("berlin")
        before = store.snapshot()
        used_revisions = {store.subscription("acme", "berlin").revision}
        for channels in (7, 8, 9):
            plan = SKYPE_CONNECT.plan(channels=channels)
            revision = decide_and_commit(store, "berlin", change, plan, TARIFF, on=DAY)
            assert revision not in used_revisions
            used_revisions.add(revision)
            store.restore(before)

        assert 4 == len(used_revisions)

    def test_restore_into_another_store_does_not_reuse_revisions(self):
        """An empty store does not reuse the revisions of a snapshot that it restores."""
        original, restored = store_with("berlin"), MemoryStore()
        restored.restore(original.snapshot())
        stored = restored.subscription("acme", "berlin")
        assert stored is not None
        for day, channels in enumerate((6, 7, 8)):
            plan, on = SKYPE_CONNECT.plan(channels=channels), DAY + timedelta(day)
            decide_and_commit(restored, "berlin", change, plan, TARIFF, on=on)

            with pytest.raises(Conflict):
                restored.commit(cancel(stored.value, on=on), expected=stored.revision)

    def test_commit_refuses_a_decision_on_an_undone_state(self):
        """A decision based on a state that restore() discarded is a conflict."""
        store = store_with("berlin")
        before = store.snapshot()
        decide_and_commit(store, "berlin", change, BIGGER, TARIFF, on=DAY)
        undone = store.subscription("acme", "berlin")
        store.restore(before)
        decide_and_commit(store, "berlin", change, SKYPE_CONNECT.plan(channels=8), TARIFF, on=DAY)

        with pytest.raises(Conflict):
            store.commit(cancel(undone.value, on=DAY), expected=undone.revision)

    def test_due_is_correct_after_restore(self):
        """restore() also restores which profiles are due, and later commits update them."""
        store = store_with("berlin", "paris", "rome")
        decide_and_commit(store, "rome", terminate, on=DAY)
        before = store.snapshot()
        decide_and_commit(store, "berlin", renew, TARIFF, on=END)
        decide_and_commit(store, "paris", cancel, on=DAY)
        decide_and_commit(store, "paris", expire, on=END)
        store.commit(make_purchase("oslo"), expected=None)
        assert ["oslo"] == due_profiles(store, END)
        store.restore(before)
        assert ["berlin", "paris"] == due_profiles(store, END)
        decide_and_commit(store, "berlin", renew, TARIFF, on=END)
        decide_and_commit(store, "paris", lapse, on=END)

        assert [] == due_profiles(store, END)
        assert ["berlin"] == due_profiles(store, END + timedelta(30))

    def test_restored_store_is_independent_of_the_original(self):
        """Commits to one store do not change the store that its snapshot came from."""
        original, restored = store_with("berlin"), MemoryStore()
        restored.restore(original.snapshot())
        decide_and_commit(restored, "berlin", renew, TARIFF, on=END)
        restored.commit(make_deposit("5", "p-2"), expected=None)

        assert store_with("berlin").snapshot() == original.snapshot()
        assert ["berlin"] == due_profiles(original, END)
        assert [] == due_profiles(restored, END)


class CountingList(list[tuple[str, str]]):
    """A list that counts how many entries are read."""

    reads = 0

    def __getitem__(self, index):
        entries = super().__getitem__(index)
        CountingList.reads += len(entries) if isinstance(index, slice) else 1
        return entries

    def __iter__(self):
        CountingList.reads += len(self)
        return super().__iter__()


@pytest.mark.slow
class TestCost:
    """The cost of an operation depends on the size of its result, not on the size of the store."""

    @staticmethod
    def count_reads(store, operation):
        """Return how many entries of the store's index of term ends an operation reads."""
        index = store._ends.profiles
        index.update({day: CountingList(profiles) for day, profiles in index.items()})
        CountingList.reads = 0
        operation(store)
        return CountingList.reads

    @pytest.mark.parametrize("stored", [10, 100, 1000])
    def test_due_does_not_read_profiles_that_are_not_due(self, stored):
        """Three profiles are due; those whose terms end later add almost no reads."""
        store = store_with("a", "b", "c")
        for number in range(stored):
            purchase = make_purchase(f"later {number:04}", DAY + timedelta(1 + number))
            store.commit(purchase, expected=None)
        reads = self.count_reads(store, lambda store: store.due(END))

        assert ["a", "b", "c"] == due_profiles(store, END)
        # Three profiles; the bound leaves room for the day and two binary searches among the days.
        assert reads <= 4 + 2 * (stored + 1).bit_length()

    @pytest.mark.parametrize("stored", [10, 100, 1000])
    def test_due_reads_only_the_profiles_of_the_page(self, stored):
        """If many profiles are due on one day, a page of three reads only four of them."""
        store = store_with(*(f"profile {number:04}" for number in range(stored)))
        cursor = store.due(END, limit=3).next
        reads = self.count_reads(store, lambda store: store.due(END, cursor=cursor, limit=3))

        # Four profiles, a binary search for the cursor's position, and four reads to spare.
        assert reads <= 4 + 4 + stored.bit_length()

    @pytest.mark.parametrize("stored", [10, 100, 1000])
    def test_commit_moves_one_index_entry(self, stored):
        """A renewal finds the old and the new place of its entry by binary search."""
        store = store_with(*(f"profile {number:04}" for number in range(stored)))
        reads = self.count_reads(
            store, lambda store: decide_and_commit(store, "profile 0005", renew, TARIFF, on=END)
        )

        assert reads <= 4 + 2 * stored.bit_length()

    @pytest.mark.parametrize("account", [None, "acme"])
    def test_due_of_an_account_does_not_read_other_accounts(self, account):
        """Of 301 profiles that are due on one day, a search by account reads a few."""
        store = store_with(*(f"profile {number:04}" for number in range(300)))
        make_account(store, "globex", "berlin")
        reads = self.count_reads(store, lambda store: store.due(END, account=account, limit=1))
        reads_of_last = self.count_reads(store, lambda store: store.due(END, account="globex"))

        # One or two profiles, and a binary search.
        assert reads <= 2 + 10
        assert reads_of_last <= 2 + 10

    def test_statement_of_one_day_does_not_walk_the_postings(self):
        """The balance before a day and the postings of the day take few steps of many postings."""
        store = MemoryStore()
        for number in range(2000):
            day = DAY + timedelta(number // 20)
            store.commit(deposit(ACME, CENT, transfer=f"t-{number}", on=day), expected=None)
        day = DAY + timedelta(50)

        def read_statement():
            postings = store.postings(ACME, since=day, until=day + timedelta(1))
            return store.balance(ACME, before=day), len(postings.items)

        assert (CENT * 1000, 20) == run_within(250, read_statement)

    def test_balance_does_not_read_postings(self):
        """The balance of 2000 postings takes as few steps as that of one."""
        store = MemoryStore()
        for number in range(2000):
            store.commit(make_deposit("0.01", f"t-{number}"), expected=None)

        assert CENT * 2000 == run_within(20, lambda: store.balance(ACME))

    def test_index_drops_days_on_which_no_term_ends(self):
        """After each step, the index has exactly the days on which a running term ends."""
        store = store_with("berlin", "paris", "rome", on=DAY)
        store.commit(make_purchase("oslo", DAY + timedelta(1)), expected=None)
        steps = [
            ("berlin", change, (BIGGER, TARIFF), DAY + timedelta(9)),
            ("paris", cancel, (), DAY + timedelta(9)),
            ("paris", expire, (), END),
            ("rome", renew, (TARIFF,), END),
            ("oslo", terminate, (), DAY + timedelta(9)),
            ("rome", lapse, (), END + timedelta(30)),
            ("berlin", lapse, (), DAY + timedelta(39)),
        ]
        sizes = []
        for profile, action, arguments, on in steps:
            decide_and_commit(store, profile, action, *arguments, on=on)
            subscriptions = [stored.value for stored in store.snapshot().subscriptions.values()]
            running = [
                subscription for subscription in subscriptions if subscription.status in RUNNING
            ]
            ends = sorted({str(subscription.term.end) for subscription in running})
            assert ends == [str(day) for day in store._ends.days]
            assert store._ends.days == sorted(store._ends.profiles)
            assert all(store._ends.profiles.values())
            sizes.append(len(ends))

        # Terms end on two days at first. Berlin's change adds a third day. Paris and then rome
        # leave END, which is dropped, but rome's renewal adds a day. Then oslo's day, rome's and
        # berlin's are dropped.
        assert [3, 3, 3, 3, 2, 1, 0] == sizes


def commit_days(store):
    """Commit one deposit of a cent on each of eight days, in this order of days, from 1 to 4."""
    days = (1, 2, 2, 4, 3, 2, 4, 1)
    for number, day in enumerate(days):
        on = DAY + timedelta(day)
        store.commit(deposit(ACME, CENT, transfer=f"t-{number}", on=on), expected=None)
    return days


class TestValueDates:
    """Postings, decisions and balances are found by value date, in commit order."""

    @pytest.mark.parametrize("limit", [1, 3, 100])
    def test_pages_have_the_items_of_the_days_in_commit_order(self, limit):
        """Any range of days and any page size gives the items that a walk over all would find."""
        store = MemoryStore()
        days = commit_days(store)
        for since, until in product([None, 0, 1, 2, 3, 4, 5], repeat=2):
            expected = [
                f"transfer/t-{number}"
                for number, day in enumerate(days)
                if (since is None or since <= day) and (until is None or day < until)
            ]
            bounds = {
                name: None if day is None else DAY + timedelta(day)
                for name, day in [("since", since), ("until", until)]
            }
            postings = read_pages(store.postings, ACME, limit=limit, **bounds)
            decisions = read_pages(store.decisions, "acme", limit=limit, **bounds)

            assert expected == [booked.token for booked in postings], bounds
            assert expected == [decision.token for decision in decisions], bounds

    @pytest.mark.parametrize(("day", "cents"), [(0, 0), (1, 0), (2, 2), (3, 5), (4, 6), (5, 8)])
    def test_balance_before_adds_earlier_days(self, day, cents):
        """Two deposits are on day 1, three on day 2, one on day 3, two on day 4."""
        store = MemoryStore()
        commit_days(store)

        assert CENT * cents == store.balance(ACME, before=DAY + timedelta(day))

    def test_late_posting_counts_from_its_value_date(self):
        """A renewal on 10 February with the value date 4 February belongs to 4 February."""
        store = store_with("berlin", credit="100")
        berlin = store.subscription("acme", "berlin")
        renewal = make_late(renew(berlin.value, TARIFF, on=LATE))
        store.commit(make_deposit("1", "p-2"), expected=None)
        store.commit(renewal, expected=berlin.revision)
        day = {"since": END, "until": END + timedelta(1)}

        assert renewal.postings == tuple(
            booked.posting for booked in store.postings(ACME, **day).items
        )
        assert (renewal,) == store.decisions("acme", **day).items
        # 100 + 1 - 34.75, and 34.75 less from 5 February on.
        assert Money.of("66.25", EUR) == store.balance(ACME, before=END)
        assert Money.of("31.50", EUR) == store.balance(ACME, before=END + timedelta(1))

    def test_cursor_stays_valid_while_items_are_committed(self):
        """A later commit on an early day appears on a later page, and no item appears twice."""
        store = MemoryStore()
        commit_days(store)
        bounds: dict[str, Any] = {"since": DAY + timedelta(1), "until": DAY + timedelta(3)}
        first = store.postings(ACME, limit=2, **bounds)
        on = DAY + timedelta(1)
        store.commit(deposit(ACME, CENT, transfer="new", on=on), expected=None)
        rest = read_pages(store.postings, ACME, cursor=first.next, **bounds)
        tokens = [booked.token for booked in [*first.items, *rest]]

        assert [f"transfer/{name}" for name in ("t-0", "t-1", "t-2", "t-5", "t-7", "new")] == tokens

    def test_unknown_wallet_and_account_have_nothing(self):
        """There are no postings, decisions, profiles or balances, and nothing is created."""
        store = store_with("berlin")
        before = repr(store)

        assert Page(()) == store.postings(Wallet("globex"), since=DAY)
        assert Page(()) == store.postings(Wallet("acme", "berlin"))
        assert Page(()) == store.decisions("globex")
        assert Page(()) == store.profiles("globex")
        assert store.balance(Wallet("globex"), before=DAY) is None
        assert store.balance(Wallet("acme", "berlin")) is None
        assert store.decision("globex", "transfer/p-1") is None
        assert before == repr(store)


class TestAccounts:
    """Two accounts share nothing."""

    def test_accounts_may_use_the_same_identifiers(self):
        """Both accounts have a profile berlin, a subscription of one name and a deposit p-1."""
        store = MemoryStore()
        for account in ("acme", "globex"):
            make_account(store, account, "berlin")
        decide_and_commit(store, "berlin", terminate, on=DAY)

        for account, status in (("globex", Status.ACTIVE), ("acme", Status.ENDED)):
            stored = store.subscription(account, "berlin")
            assert stored is not None
            assert status is stored.value.status
        assert Money.of("15.25", EUR) == store.balance(Wallet("globex"))
        assert Money.of("50", EUR) == store.balance(ACME)
        assert (("globex", "berlin"),) == store.due(END).items
        for account in ("acme", "globex"):
            assert ("berlin",) == store.profiles(account).items
            decision = store.decision(account, "transfer/p-1")
            assert decision is not None
            assert account == decision.account

    def test_snapshot_keeps_the_accounts_apart(self):
        """A restored store has the contents of both accounts."""
        store, other = MemoryStore(), MemoryStore()
        for account in ("acme", "globex"):
            make_account(store, account, "berlin")
        other.restore(store.snapshot())

        assert store.snapshot() == other.snapshot()
        for account in ("acme", "globex"):
            wallet = Wallet(account)
            assert store.subscription(account, "berlin") == other.subscription(account, "berlin")
            assert store.decisions(account) == other.decisions(account)
            assert store.postings(wallet) == other.postings(wallet)
            assert store.balance(wallet, before=END) == other.balance(wallet, before=END)
            assert store.profiles(account) == other.profiles(account)
        assert store.due(END) == other.due(END)

    def test_conflict_names_the_account(self):
        """The error has the account, the profile and both revisions."""
        store = store_with("berlin")
        stored = store.subscription("acme", "berlin")
        with pytest.raises(Conflict) as raised:
            store.commit(cancel(stored.value, on=DAY), expected=None)

        assert ("acme", "berlin", None, stored.revision) == (
            raised.value.account,
            raised.value.profile,
            raised.value.expected,
            raised.value.found,
        )

    @pytest.mark.parametrize(
        ("seen", "expected"), [(0, "0 postings"), (1, "1 posting"), (3, "3 postings")]
    )
    def test_conflict_names_the_numbers_of_postings(self, seen, expected):
        """An expiry that was computed from another number of postings is refused."""
        store = store_with("berlin")
        expiry = expire_credit(ACME, CENT, transfer="e-1", on=DAY, seen=seen)
        with pytest.raises(Conflict) as raised:
            store.commit(expiry, expected=None)

        assert (None, expected, "2 postings") == (
            raised.value.profile,
            raised.value.expected,
            raised.value.found,
        )
        assert store.decision("acme", expiry.token) is None

    def test_transfer_with_the_right_number_of_postings_is_committed(self):
        """The number counts the postings of the first posting's wallet, 0 for an unused wallet."""
        store = store_with("berlin")
        opening = attrs.evolve(make_deposit("1", "p-2", Wallet("acme", "berlin")), seen=0)
        expiry = expire_credit(ACME, CENT, transfer="e-1", on=DAY, seen=2)
        for transfer in (opening, expiry):
            store.commit(transfer, expected=None)

            assert transfer == store.decision("acme", transfer.token)


# Profile names that could confuse a cursor: its separator, days, and unusual characters.
ODD_NAMES = [
    "a/b",
    "a",
    "a/",
    "/",
    "//",
    "2026-02-04/a",
    "2026-02-05",
    "ż",
    "z",
    "%2F",
    "日本",
    "😀",
]


class TestCursors:
    """Paging works with any profile name, and while subscriptions change between two pages."""

    @pytest.mark.parametrize("limit", [1, 2, 5, 11, 12, 13])
    def test_paging_returns_each_odd_name_once(self, limit):
        """With any page size, each page starts after the last profile of the previous page."""
        store = store_with(*ODD_NAMES)

        assert sorted(ODD_NAMES) == due_profiles(store, END, limit)

    @pytest.mark.parametrize("limit", [1, 2, 5, 11, 12, 13])
    def test_paging_of_accounts_with_odd_names_returns_each_once(self, limit):
        """A cursor keeps the account and the profile apart, whatever their names contain."""
        store = MemoryStore()
        for name in ODD_NAMES:
            make_account(store, name, "a/b")
            make_account(store, f"{name}/a", "b")
        expected = [
            *((name, "a/b") for name in ODD_NAMES),
            *((f"{name}/a", "b") for name in ODD_NAMES),
        ]

        assert sorted(expected) == read_pages(store.due, END, limit=limit)

    @pytest.mark.parametrize("limit", [1, 2, 5, 11, 12, 13])
    def test_profiles_are_sorted_and_appear_once(self, limit):
        """Ended subscriptions are included, and a profile that buys again appears once."""
        store = store_with(*ODD_NAMES)
        decide_and_commit(store, "a", terminate, on=DAY)
        decide_and_commit(store, "z", cancel, on=DAY)

        assert sorted(ODD_NAMES) == read_pages(store.profiles, "acme", limit=limit)

    @pytest.mark.parametrize("limit", [1, 2, 100])
    def test_due_of_all_shards_is_due_of_all_accounts(self, limit):
        """Each account belongs to exactly one shard, in the same order as without shards."""
        store = MemoryStore()
        accounts = [f"account {number}" for number in range(12)]
        for account in accounts:
            make_account(store, account, "berlin")
        shards = [read_pages(store.due, END, shard=(k, 3), limit=limit) for k in range(3)]

        assert all(shards)
        assert {(account, "berlin") for account in accounts} == set(chain(*shards))
        for k, found in enumerate(shards):
            assert found == sorted(set(found))
            assert {k} == {shard_of(account, 3) for account, _ in found}

    @pytest.mark.parametrize("limit", [1, 2, 3])
    def test_due_orders_profiles_by_end_of_term_then_name(self, limit):
        """Profiles are ordered by the end of the term, and by name within one day."""
        store = store_with("z", "a/b", "ż")
        for profile, days_later in [("b", 1), ("a", 1), ("/", 3)]:
            store.commit(make_purchase(profile, DAY + timedelta(days_later)), expected=None)

        assert ["a/b", "z", "ż", "a", "b", "/"] == due_profiles(store, END + timedelta(3), limit)
        assert ["a/b", "z", "ż", "a", "b"] == due_profiles(store, END + timedelta(2), limit)
        assert [] == due_profiles(store, END - timedelta(1), limit)

    @pytest.mark.parametrize(
        ("stored", "limit", "has_next"), [(2, 3, False), (3, 3, False), (4, 3, True)]
    )
    def test_only_a_page_before_the_last_has_a_next_cursor(self, stored, limit, has_next):
        """A page has a next cursor only if more profiles are due, even if the page is full."""
        store = store_with(*ODD_NAMES[:stored])

        assert has_next is (store.due(END, limit=limit).next is not None)

    def test_paging_continues_after_the_profiles_of_a_page_are_renewed(self):
        """A worker that renews each page before it reads the next one misses no profile."""
        store = store_with(*ODD_NAMES)
        profiles: list[str] = []
        cursor = None
        while not profiles or cursor is not None:
            page = store.due(END, cursor=cursor, limit=2)
            for _, profile in page.items:
                decide_and_commit(store, profile, renew, TARIFF, on=END)
                profiles.append(profile)
            cursor = page.next

        assert sorted(ODD_NAMES) == profiles

    def test_cursor_can_be_used_with_a_later_day(self):
        """A cursor is a position in the order, so it also finds profiles that become due later."""
        store = store_with("a", "b")
        store.commit(make_purchase("c", DAY + timedelta(1)), expected=None)
        cursor = store.due(END, limit=1).next
        page = store.due(END + timedelta(1), cursor=cursor)

        assert (("acme", "b"), ("acme", "c")) == page.items
        assert page.next is None


class TestRefusals:
    """due() and commit() refuse wrong arguments."""

    @pytest.mark.parametrize("name", ["due", "postings", "decisions", "profiles"])
    @pytest.mark.parametrize("limit", [0, -1])
    def test_paged_method_refuses_a_limit_below_one(self, name, limit):
        """Paging with empty pages would never end."""
        subject = {"due": END, "postings": ACME}.get(name, "acme")
        with pytest.raises(InvalidValue, match="limit must be at least 1"):
            getattr(store_with("berlin"), name)(subject, limit=limit)

    @pytest.mark.parametrize("limit", ["5", 5.0, True, None])
    def test_due_refuses_a_limit_that_is_no_integer(self, limit):
        """Text, floats, booleans and None are refused as a limit."""
        with pytest.raises(WrongType, match="limit"):
            store_with("berlin").due(END, limit=limit)

    @pytest.mark.parametrize("shard", [(2, 2), (-1, 2), (0, 0)])
    def test_due_refuses_a_shard_that_no_account_belongs_to(self, shard):
        """A worker with such a shard would never find a due profile."""
        with pytest.raises(InvalidValue, match="shard"):
            store_with("berlin").due(END, shard=shard)

    @pytest.mark.parametrize("on", [datetime(2026, 2, 4, 12), "2026-02-04", None])  # noqa: DTZ001
    def test_due_refuses_a_day_that_is_no_date(self, on):
        """A datetime is refused too: its day depends on a time zone that a store does not know."""
        with pytest.raises(WrongType, match="on must be"):
            store_with("berlin").due(on)

    @pytest.mark.parametrize("decision", [None, "transfer/p-1", PLAN])
    def test_commit_refuses_anything_but_a_decision_or_a_transfer(self, decision):
        """A value of another type is refused, and the store stays empty."""
        store = MemoryStore()
        with pytest.raises(WrongType, match="decision must be a Decision or a Transfer"):
            store.commit(decision, expected=None)

        assert MemoryStore().snapshot() == store.snapshot()


@pytest.fixture
def frequent_thread_switches():
    """Make the interpreter switch between threads as often as it can."""
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(interval)


@pytest.mark.usefixtures("frequent_thread_switches")
class TestThreads:
    """Operations from several threads have the same result as one after another."""

    def test_snapshot_never_contains_half_a_commit(self):
        """In each snapshot the balances add up, while other threads commit transfers."""
        store = store_with(credit="1000")

        def assign_repeatedly(worker):
            profile = f"p-{worker}"
            for number in range(50):
                identifier = f"{worker}/{number}"
                credit = Money(minor=100, currency=EUR)
                transfer = assign_credit("acme", profile, credit, transfer=identifier, on=DAY)
                store.commit(transfer, expected=None)

        def take_snapshots(_):
            return [store.snapshot() for _ in range(50)]

        with ThreadPoolExecutor(8) as threads:
            futures = [threads.submit(take_snapshots, number) for number in range(2)]
            list(threads.map(assign_repeatedly, range(6)))
            snapshots = [snapshot for future in futures for snapshot in future.result()]

        for snapshot in [*snapshots, store.snapshot()]:
            assert 100_000 == sum(balance.minor for balance in snapshot.balances.values())
            for wallet, balance in snapshot.balances.items():
                amounts = [booked.posting.amount.minor for booked in snapshot.postings[wallet]]
                assert balance.minor == sum(amounts)
        # Six workers assigned fifty euros each.
        assert Money(minor=70_000, currency=EUR) == store.balance(ACME)

    @pytest.mark.slow
    def test_one_of_eight_commits_on_the_same_revision_succeeds(self):
        """Eight threads decide on one revision: one commit succeeds, seven raise Conflict."""
        store = store_with("berlin")
        revisions = [store.subscription("acme", "berlin").revision]

        def attempt_change(channels):
            plan = SKYPE_CONNECT.plan(channels=channels)
            decision = change(stored.value, plan, TARIFF, on=on)
            try:
                return store.commit(decision, expected=stored.revision)
            except Conflict:
                return None

        with ThreadPoolExecutor(8) as threads:
            for number in range(25):
                stored, on = store.subscription("acme", "berlin"), DAY + timedelta(number)
                # Alternate between 10 to 17 and 18 to 25 channels: a change to the held plan fails.
                smallest = 10 + number % 2 * 8
                results = threads.map(attempt_change, range(smallest, smallest + 8))
                committed = [revision for revision in results if revision]
                assert [store.subscription("acme", "berlin").revision] == committed
                revisions += committed

        assert 26 == len(set(revisions))

    def test_index_stays_ordered_when_threads_renew_profiles(self):
        """After eight threads renew each profile once, the index of term ends is in order."""
        profiles = [f"profile {number:03}" for number in range(120)]
        store = store_with(*profiles)

        def renew_profile(profile):
            return decide_and_commit(store, profile, renew, TARIFF, on=END)

        with ThreadPoolExecutor(8) as threads:
            list(threads.map(renew_profile, profiles))

        assert [] == due_profiles(store, END)
        assert profiles == due_profiles(store, END + timedelta(30), limit=7)
        owners = [("acme", profile) for profile in profiles]
        assert [owners] == list(store._ends.profiles.values())
