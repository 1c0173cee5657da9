"""The reference store, beside the contract that every store keeps: snapshots, cost, cursors."""

# Identifiers are plain text here, decisions are known to hold a subscription, and wrong types
# are given on purpose.
# mypy: disable-error-code="arg-type, union-attr"

import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime, timedelta

import pytest

from channelplans.errors import Conflict, InsufficientCredit, InvalidValue, WrongType
from channelplans.ledger import Purse
from channelplans.lifecycle import (
    assign_credit,
    buy,
    cancel,
    change,
    deposit,
    expire,
    lapse,
    renew,
    terminate,
)
from channelplans.memory import MemoryStore
from channelplans.money import EUR, Money
from channelplans.offers import SKYPE_CONNECT
from channelplans.pricing import Tariff
from channelplans.subscriptions import RUNNING

DAY = date(2026, 1, 5)
END = date(2026, 2, 4)
ACME = Purse("acme")
TARIFF = Tariff("made up", EUR, "6.95", "10", "0.021")
PLAN = SKYPE_CONNECT.plan(channels=5)
BIGGER = SKYPE_CONNECT.plan(channels=7)


def paid_in(amount="50", transfer="p-1", purse=ACME):
    """Return a deposit."""
    return deposit(purse, Money.of(amount, EUR), transfer=transfer, on=DAY)


def bought(profile="berlin", on=DAY):
    """Return a purchase for a profile."""
    ids = {"account": "acme", "profile": profile, "subscription": f"s of {profile}"}
    return buy(PLAN, TARIFF, on=on, **ids)


def store_of(*profiles, on=DAY, credit="1000000"):
    """Return a store with credit, and a subscription for each profile, bought in that order."""
    store = MemoryStore()
    store.commit(paid_in(credit), expected=None)
    for profile in profiles:
        store.commit(bought(profile, on), expected=None)
    return store


def do(store, profile, action, *arguments, **keywords):
    """Decide on what a profile holds, and commit it."""
    stored = store.subscription(profile)
    decision = action(stored.value, *arguments, **keywords)
    return store.commit(decision, expected=stored.revision)


def walk(store, on, limit=1000):
    """Return all that is due, page by page."""
    page = store.due(on, limit=limit)
    found = list(page.profiles)
    while page.next is not None:
        page = store.due(on, cursor=page.next, limit=limit)
        found += page.profiles
    return found


class TestShown:
    """What a store says of itself."""

    def test_an_empty_store(self):
        """It holds none of anything."""

        assert "<MemoryStore: 0 subscriptions, 0 purses, 0 postings>" == repr(MemoryStore())

    def test_one_of_each(self):
        """One is one, and not several."""
        store = store_of("berlin")

        assert "<MemoryStore: 1 subscription, 1 purse, 2 postings>" == repr(store)

    def test_many(self):
        """Thousands are told apart, and what a profile held before does not count."""
        store = store_of("berlin", "paris")
        do(store, "berlin", change, BIGGER, TARIFF, on=DAY)
        for number in range(1000):
            store.commit(paid_in("1", f"t-{number}", Purse("acme", "berlin")), expected=None)

        # One deposit, two purchases, a refund and a payment, and a thousand deposits.
        assert "<MemoryStore: 2 subscriptions, 2 purses, 1,005 postings>" == repr(store)


class TestSnapshots:
    """All that is stored at one moment, kept and gone back to."""

    def test_the_same_history_is_the_same_snapshot(self):
        """Two stores that committed the same decisions hold the same."""

        assert store_of("berlin", "paris").snapshot() == store_of("berlin", "paris").snapshot()

    @pytest.mark.parametrize(
        "more",
        [
            lambda store: store.commit(paid_in("1", "p-2"), expected=None),
            lambda store: do(store, "berlin", cancel, on=DAY),
            lambda store: store.commit(bought("paris"), expected=None),
        ],
        ids=["money", "subscription", "both"],
    )
    def test_whatever_is_committed_makes_it_another(self, more):
        """What is stored later is in the later snapshot, and not in the earlier one."""
        store = store_of("berlin")
        before, twin = store.snapshot(), store.snapshot()
        more(store)

        assert before != store.snapshot()
        assert before == twin

    def test_what_is_refused_or_repeated_changes_nothing(self):
        """Neither a conflict nor a repetition nor missing credit leaves a trace."""
        store = MemoryStore()
        store.commit(paid_in("40"), expected=None)
        store.commit(bought(), expected=None)
        before = store.snapshot()
        held = store.subscription("berlin").value
        with pytest.raises(Conflict):
            store.commit(cancel(held, on=DAY), expected=None)
        with pytest.raises(InsufficientCredit):
            store.commit(bought("paris"), expected=None)
        store.commit(bought(), expected=None)

        assert before == store.snapshot()

    def test_it_tells_what_was_stored(self):
        """Subscriptions, balances and postings can be read from it, as the store told them."""
        store = store_of("berlin", credit="50")
        snapshot = store.snapshot()

        assert {"berlin": store.subscription("berlin")} == snapshot.subscriptions
        # 50.00 less five channels at 6.95.
        assert {ACME: Money(1525, EUR)} == snapshot.balances
        assert {ACME: store.postings(ACME)} == snapshot.postings

    def test_going_back_forgets_what_came_after(self):
        """All that came in between is gone: what was held, what was booked, what was known."""
        store = store_of("berlin", credit="100")
        before = store.snapshot()
        later = bought("paris")
        store.commit(later, expected=None)
        do(store, "berlin", cancel, on=DAY)
        store.restore(before)

        assert before == store.snapshot()
        assert (None, None) == (store.subscription("paris"), store.committed(later.token))
        # 100.00 less five channels at 6.95, once.
        assert Money(6525, EUR) == store.balance(ACME)

    def test_the_same_token_can_be_committed_again(self):
        """What was forgotten is not known: it is done again, once."""
        store = store_of(credit="10")
        before = store.snapshot()
        for _ in range(3):
            store.restore(before)
            store.commit(paid_in("5", "p-2"), expected=None)
            store.commit(paid_in("5", "p-2"), expected=None)

        assert Money(1500, EUR) == store.balance(ACME)
        assert [1000, 500] == [each.posting.amount.minor for each in store.postings(ACME)]

    def test_what_was_known_then_is_known_again(self):
        """What had been committed before the snapshot is not done a second time."""
        store = MemoryStore()
        decisions = (paid_in("40"), bought())
        before = [store.commit(each, expected=None) for each in decisions]
        snapshot = store.snapshot()
        store.restore(snapshot)

        assert before == [store.commit(each, expected=None) for each in decisions]
        assert snapshot == store.snapshot()

    def test_a_snapshot_outlives_what_is_done_after_going_back(self):
        """It can be gone back to again and again; the store does not write into it."""
        store = store_of("berlin", "paris")
        before = store.snapshot()
        for _ in range(2):
            store.restore(before)
            do(store, "berlin", renew, TARIFF, on=END)
            do(store, "paris", terminate, on=DAY)
            store.commit(paid_in("5", "p-2"), expected=None)
        store.restore(before)

        assert before == store.snapshot()
        assert ["berlin", "paris"] == walk(store, END)

    def test_revisions_go_on(self):
        """A revision that was given before going back is not given again for something else."""
        store = store_of("berlin")
        before = store.snapshot()
        seen = {store.subscription("berlin").revision}
        for channels in (7, 8, 9):
            plan = SKYPE_CONNECT.plan(channels=channels)
            revision = do(store, "berlin", change, plan, TARIFF, on=DAY)
            assert revision not in seen
            seen.add(revision)
            store.restore(before)

        assert 4 == len(seen)

    def test_revisions_go_on_in_another_store(self):
        """One that was empty gives none of those that it took over."""
        first, second = store_of("berlin"), MemoryStore()
        second.restore(first.snapshot())
        seen = second.subscription("berlin")
        for day, channels in enumerate((6, 7, 8)):
            plan, on = SKYPE_CONNECT.plan(channels=channels), DAY + timedelta(day)
            do(second, "berlin", change, plan, TARIFF, on=on)

            with pytest.raises(Conflict):
                second.commit(cancel(seen.value, on=on), expected=seen.revision)

    def test_who_saw_what_was_undone_is_refused(self):
        """A decision that rests on a state that is gone is a conflict, whatever came since."""
        store = store_of("berlin")
        before = store.snapshot()
        do(store, "berlin", change, BIGGER, TARIFF, on=DAY)
        gone = store.subscription("berlin")
        store.restore(before)
        do(store, "berlin", change, SKYPE_CONNECT.plan(channels=8), TARIFF, on=DAY)

        with pytest.raises(Conflict):
            store.commit(cancel(gone.value, on=DAY), expected=gone.revision)

    def test_what_is_due_is_right_at_once(self):
        """Who was due then is due again, who was not is not, and moving on works from there."""
        store = store_of("berlin", "paris", "rome")
        do(store, "rome", terminate, on=DAY)
        before = store.snapshot()
        do(store, "berlin", renew, TARIFF, on=END)
        do(store, "paris", cancel, on=DAY)
        do(store, "paris", expire, on=END)
        store.commit(bought("oslo"), expected=None)
        assert ["oslo"] == walk(store, END)
        store.restore(before)
        assert ["berlin", "paris"] == walk(store, END)
        do(store, "berlin", renew, TARIFF, on=END)
        do(store, "paris", lapse, on=END)

        assert [] == walk(store, END)
        assert ["berlin"] == walk(store, END + timedelta(30))

    def test_stores_share_nothing(self):
        """What one store is told, another does not hear, not even where it took its snapshot."""
        first, second = store_of("berlin"), MemoryStore()
        second.restore(first.snapshot())
        do(second, "berlin", renew, TARIFF, on=END)
        second.commit(paid_in("5", "p-2"), expected=None)

        assert store_of("berlin").snapshot() == first.snapshot()
        assert (["berlin"], []) == (walk(first, END), walk(second, END))


class Looked(list[str]):
    """A list that counts the entries that are looked at."""

    looks = 0

    def __getitem__(self, index):
        found = super().__getitem__(index)
        Looked.looks += len(found) if isinstance(index, slice) else 1
        return found

    def __iter__(self):
        Looked.looks += len(self)
        return super().__iter__()


class TestCost:
    """What it takes to answer follows from what is asked for, and not from what is stored."""

    @staticmethod
    def looks_of(store, ask):
        """Return how many entries of the store's order of ends an answer looks at."""
        ends = store._ends
        ends.update({day: Looked(each) for day, each in ends.items()})
        Looked.looks = 0
        ask(store)
        return Looked.looks

    @pytest.mark.parametrize("stored", [10, 100, 1000])
    def test_what_is_not_due_is_not_walked(self, stored):
        """Three are due, and any number ends on later days: a handful of entries are looked at."""
        store = store_of("a", "b", "c")
        for number in range(stored):
            later = DAY + timedelta(1 + number)
            store.commit(bought(f"later {number:04}", later), expected=None)
        looks = self.looks_of(store, lambda store: store.due(END))

        assert ["a", "b", "c"] == walk(store, END)
        # The one day and its three profiles, and two searches by halves among the days.
        assert looks <= 4 + 2 * (stored + 1).bit_length()

    @pytest.mark.parametrize("stored", [10, 100, 1000])
    def test_a_page_costs_what_is_on_it(self, stored):
        """Where many are due on one day, a page of three looks at four of them and no more."""
        store = store_of(*(f"profile {number:04}" for number in range(stored)))
        cursor = store.due(END, limit=3).next
        looks = self.looks_of(store, lambda store: store.due(END, cursor=cursor, limit=3))

        # The day found twice, where to go on among its profiles, and four of them.
        assert looks <= 4 + 4 + stored.bit_length()

    @pytest.mark.parametrize("stored", [10, 100, 1000])
    def test_a_commit_moves_one_entry(self, stored):
        """A renewal finds its old place and its new one by halves."""
        store = store_of(*(f"profile {number:04}" for number in range(stored)))
        looks = self.looks_of(store, lambda store: do(store, "profile 0005", renew, TARIFF, on=END))

        assert looks <= 4 + 2 * stored.bit_length()

    def test_a_balance_is_not_added_up(self):
        """It is there without its postings."""
        store = store_of("berlin", credit="50")
        del store._postings

        assert Money(1525, EUR) == store.balance(ACME)

    def test_days_on_which_nothing_ends_are_let_go(self):
        """After each step, the days are those on which something that runs ends, in order."""
        store = store_of("berlin", "paris", "rome", on=DAY)
        store.commit(bought("oslo", DAY + timedelta(1)), expected=None)
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
            do(store, profile, action, *arguments, on=on)
            running = [
                stored.value
                for stored in store.snapshot().subscriptions.values()
                if stored.value.status in RUNNING
            ]
            ends = sorted({str(held.term.end) for held in running})
            assert ends == sorted(store._ends)
            assert all(store._ends.values())
            sizes.append(len(ends))

        # Of two days: berlin leaves for a third; paris and then rome leave theirs, which goes;
        # rome has a new one; oslo's goes, rome's, and at last berlin's.
        assert [3, 3, 3, 3, 2, 1, 0] == sizes


# Names that a cursor could stumble over: its own separator, a day, what sorts oddly.
ODD = ["a/b", "a", "a/", "/", "//", "2026-02-04/a", "2026-02-05", "ż", "z", "%2F", "日本", "😀"]


class TestCursors:
    """A walk page by page, whatever the profiles are called and whatever happens meanwhile."""

    @pytest.mark.parametrize("limit", [1, 2, 5, 11, 12, 13])
    def test_odd_names_are_each_met_once(self, limit):
        """A page of any size goes on behind the last of the page before."""
        store = store_of(*ODD)

        assert sorted(ODD) == walk(store, END, limit)

    @pytest.mark.parametrize("limit", [1, 2, 3])
    def test_a_walk_crosses_days(self, limit):
        """What ended first comes first, and on one day the names are in order."""
        store = store_of("z", "a/b", "ż")
        for profile, later in [("b", 1), ("a", 1), ("/", 3)]:
            store.commit(bought(profile, DAY + timedelta(later)), expected=None)

        assert ["a/b", "z", "ż", "a", "b", "/"] == walk(store, END + timedelta(3), limit)
        assert ["a/b", "z", "ż", "a", "b"] == walk(store, END + timedelta(2), limit)
        assert [] == walk(store, END - timedelta(1), limit)

    @pytest.mark.parametrize(
        ("stored", "limit", "more"), [(2, 3, False), (3, 3, False), (4, 3, True)]
    )
    def test_the_last_page_says_so(self, stored, limit, more):
        """There is a cursor where there is more, also where a page is just full."""
        store = store_of(*ODD[:stored])

        assert more is (store.due(END, limit=limit).next is not None)

    def test_the_last_of_a_page_may_be_gone_meanwhile(self):
        """A worker renews what it was given; the walk goes on behind it, and misses nobody."""
        store = store_of(*ODD)
        found: list[str] = []
        cursor = None
        while not found or cursor is not None:
            page = store.due(END, cursor=cursor, limit=2)
            for profile in page.profiles:
                do(store, profile, renew, TARIFF, on=END)
                found.append(profile)
            cursor = page.next

        assert sorted(ODD) == found

    def test_a_cursor_is_good_for_a_later_day(self):
        """It is a place in the order, and no list of who was due when it was given."""
        store = store_of("a", "b")
        store.commit(bought("c", DAY + timedelta(1)), expected=None)
        cursor = store.due(END, limit=1).next
        page = store.due(END + timedelta(1), cursor=cursor)

        assert (("b", "c"), None) == (page.profiles, page.next)


class TestRefusals:
    """What is no decision, no day and no number of profiles."""

    @pytest.mark.parametrize("limit", [0, -1])
    def test_a_page_holds_something(self, limit):
        """A page of none would never end a walk."""
        with pytest.raises(InvalidValue, match="limit must be at least 1"):
            store_of("berlin").due(END, limit=limit)

    @pytest.mark.parametrize("limit", ["5", 5.0, True, None])
    def test_a_limit_is_a_whole_number(self, limit):
        """As everywhere, neither text nor a float nor a truth is one."""
        with pytest.raises(WrongType, match="limit"):
            store_of("berlin").due(END, limit=limit)

    @pytest.mark.parametrize("on", [datetime(2026, 2, 4, 12), "2026-02-04", None])  # noqa: DTZ001
    def test_a_day_is_a_date(self, on):
        """What is due at an instant depends on a zone, which a store does not know."""
        with pytest.raises(WrongType, match="on must be"):
            store_of("berlin").due(on)

    @pytest.mark.parametrize("decision", [None, "transfer/p-1", PLAN])
    def test_only_decisions_are_committed(self, decision):
        """Anything else is refused before it is looked into."""
        store = MemoryStore()
        with pytest.raises(WrongType, match="decision"):
            store.commit(decision, expected=None)

        assert MemoryStore().snapshot() == store.snapshot()


@pytest.fixture
def impatient():
    """Let threads take turns as often as the interpreter can."""
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(interval)


@pytest.mark.usefixtures("impatient")
class TestThreads:
    """Several threads at once; between them, all is as if one came after the other."""

    def test_every_snapshot_adds_up(self):
        """Whenever one is taken, no commit is half in it."""
        store = store_of(credit="1000")

        def move(worker):
            purse = f"p-{worker}"
            for number in range(50):
                transfer = f"{worker}/{number}"
                credit = Money(100, EUR)
                decision = assign_credit("acme", purse, credit, transfer=transfer, on=DAY)
                store.commit(decision, expected=None)

        def look(_):
            return [store.snapshot() for _ in range(50)]

        with ThreadPoolExecutor(8) as threads:
            looking = [threads.submit(look, number) for number in range(2)]
            list(threads.map(move, range(6)))
            taken = [snapshot for each in looking for snapshot in each.result()]

        for snapshot in [*taken, store.snapshot()]:
            assert 100_000 == sum(balance.minor for balance in snapshot.balances.values())
            for purse, balance in snapshot.balances.items():
                booked = [each.posting.amount.minor for each in snapshot.postings[purse]]
                assert balance.minor == sum(booked)
        # Six workers, fifty euros each.
        assert Money(70_000, EUR) == store.balance(ACME)

    def test_one_of_those_who_saw_the_same_gets_on(self):
        """Of eight that decide from one state, one is stored and the others hear of it."""
        store = store_of("berlin")
        given = [store.subscription("berlin").revision]

        def attempt(channels):
            plan = SKYPE_CONNECT.plan(channels=channels)
            decision = change(seen.value, plan, TARIFF, on=on)
            try:
                return store.commit(decision, expected=seen.revision)
            except Conflict:
                return None

        with ThreadPoolExecutor(8) as threads:
            for number in range(25):
                seen, on = store.subscription("berlin"), DAY + timedelta(number)
                # None of the eight is what is held already: 10 to 17 channels, then 18 to 25.
                first = 10 + number % 2 * 8
                won = [each for each in threads.map(attempt, range(first, first + 8)) if each]
                assert [store.subscription("berlin").revision] == won
                given += won

        assert 26 == len(set(given))

    def test_what_is_moved_by_many_stays_in_order(self):
        """Renewed by several threads at once, each profile once, the order of ends is whole."""
        profiles = [f"profile {number:03}" for number in range(120)]
        store = store_of(*profiles)
        with ThreadPoolExecutor(8) as threads:
            list(threads.map(lambda each: do(store, each, renew, TARIFF, on=END), profiles))

        assert [] == walk(store, END)
        assert profiles == walk(store, END + timedelta(30), limit=7)
        assert [profiles] == list(store._ends.values())
