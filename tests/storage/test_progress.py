"""Every loop of the service makes progress or stops, whatever a broken store answers."""

from itertools import count

import pytest
from tests.steps import run_within
from tests.storage.services import (
    ACME,
    BERLIN,
    DAY,
    FIRST_END,
    PLAN,
    SECOND_END,
    TARIFF,
    WITH_GRACE,
    euros,
    make_call,
    open_account,
)

from channelplans.calendar import Days
from channelplans.errors import ChannelPlansError, Conflict
from channelplans.storage._pages import Walk
from channelplans.storage.billing import Billing
from channelplans.storage.memory import MemoryStore
from channelplans.storage.ports import Cursor, Page, Revision, Stored
from channelplans.subscriptions.credit_lots import LotRule
from channelplans.subscriptions.wallets import Reason

#: The broken stores below need at most about a fifth of these lines of Python code.
STEPS = 300_000


class OverStore:
    """A store that answers like a store in memory; each class below breaks one answer."""

    def __init__(self):
        plans = {"berlin": PLAN, "munich": WITH_GRACE.plan(channels=90), "paris": PLAN}
        self.store = open_account(MemoryStore(), plans=plans)

    def __getattr__(self, name):
        return getattr(self.store, name)

    def commit(self, decision, /, *, expected):
        """Commit as the other store does."""
        return self.store.commit(decision, expected=expected)


class StoresNothing(OverStore):
    """A store that says that each decision is committed, and stores none."""

    def commit(self, decision, /, *, expected):
        """Return a revision, and store nothing."""
        return Revision("done")


class AlwaysConflicts(OverStore):
    """A store that refuses each commit of a decision."""

    def commit(self, decision, /, *, expected):
        """Raise a conflict."""
        raise Conflict("acme", "berlin", expected, "another")


class Forgets(OverStore):
    """A store that lists due profiles, and has none of their subscriptions."""

    def subscription(self, account, profile, /):
        """Return no subscription."""
        return


class NeverMovesOn(OverStore):
    """A store whose subscriptions stay as they are, at the revision that was committed last."""

    def subscription(self, account, profile, /):
        """Return the first subscription at the latest revision."""
        first = self.store.decision(account, f"subscription/s of {profile}/0/buy")
        stored = self.store.subscription(account, profile)
        return stored and Stored(first.after, stored.revision)


class RepeatsCursor(OverStore):
    """A store that ignores the cursor, and returns one again."""

    cursors: tuple[str, ...] = ("a", "b")

    def __init__(self):
        super().__init__()
        self._numbers = count()

    def _cursor(self):
        return Cursor(self.cursors[next(self._numbers) % len(self.cursors)])

    def due(self, on, /, *, cursor=None, **options):
        """Return the first page, with a cursor."""
        return Page(self.store.due(on, **options).items, self._cursor())

    def postings(self, wallet, /, *, cursor=None, **options):
        """Return the first page, with a cursor."""
        return Page(self.store.postings(wallet, **options).items, self._cursor())

    def decisions(self, account, /, *, cursor=None, **options):
        """Return the first page, with a cursor."""
        return Page(self.store.decisions(account, **options).items, self._cursor())

    def profiles(self, account, /, *, cursor=None, **options):
        """Return the first page, with a cursor."""
        return Page(self.store.profiles(account, **options).items, self._cursor())


class RepeatsOneCursor(RepeatsCursor):
    """A store that returns the same cursor for each page."""

    cursors = ("a",)


class RepeatsPage(RepeatsCursor):
    """A store that returns the same page for ever, each time with a new cursor."""

    def _cursor(self):
        return Cursor(str(next(self._numbers)))


class HasEmptyPages(RepeatsPage):
    """A store that returns empty pages for ever."""

    def due(self, on, /, *, cursor=None, **options):
        """Return no profile, and a cursor."""
        return Page((), self._cursor())

    postings = decisions = profiles = due


BROKEN_STORES = [
    StoresNothing,
    AlwaysConflicts,
    Forgets,
    NeverMovesOn,
    RepeatsCursor,
    RepeatsOneCursor,
    RepeatsPage,
    HasEmptyPages,
]
PAGING_STORES = [RepeatsCursor, RepeatsOneCursor, RepeatsPage, HasEmptyPages]
ON = SECOND_END
ACTIONS = {
    "run_due": lambda billing: billing.run_due(on=ON),
    "iter_due": lambda billing: list(billing.iter_due(on=ON)),
    "catch_up": lambda billing: billing.catch_up("acme", on=ON),
    "buy": lambda billing: billing.buy(
        PLAN, account="acme", profile="rome", subscription="s", on=ON, request="r"
    ),
    "change": lambda billing: billing.change("acme", "berlin", channels=6, on=ON),
    "cancel": lambda billing: billing.cancel("acme", "munich", on=ON),
    "terminate": lambda billing: billing.terminate("acme", "berlin", on=ON),
    "record_call": lambda billing: billing.record_call("acme", "berlin", make_call(day=ON), on=ON),
    "charge": lambda billing: billing.charge(ACME, euros("1"), transfer="t", on=ON),
    "deposit": lambda billing: billing.deposit(BERLIN, euros("1"), transfer="t", on=ON),
    "expire_credit": lambda billing: billing.expire_credit(ACME, on=ON),
    "preview": lambda billing: billing.preview.cancel("acme", "munich", on=FIRST_END),
    "statement": lambda billing: billing.statement(ACME),
    "invoice": lambda billing: billing.invoice("acme", since=DAY, until=ON),
    "admits": lambda billing: billing.admits("acme", "berlin", 0, on=ON),
}


def open_billing(store):
    """Return a service whose credit expires, over a store."""
    return Billing(store, prices=TARIFF, lot_rules=[LotRule(Reason.DEPOSIT, Days(20))])


@pytest.mark.slow
@pytest.mark.parametrize("act", ACTIONS.values(), ids=ACTIONS)
@pytest.mark.parametrize("broken_store", BROKEN_STORES, ids=lambda store: store.__name__)
def test_action_over_a_broken_store_ends(broken_store, act):
    """The action returns something or raises an error, after a limited number of steps."""
    billing = open_billing(broken_store())

    def try_action():
        try:
            return act(billing)
        except (ChannelPlansError, RuntimeError) as error:
            return error

    assert run_within(STEPS, try_action) is not None


@pytest.mark.parametrize("name", ["run_due", "iter_due", "catch_up", "statement", "invoice"])
@pytest.mark.parametrize("broken_store", PAGING_STORES, ids=lambda store: store.__name__)
def test_walk_over_pages_that_does_not_move_on_is_an_error(broken_store, name):
    """The error says what the store returned, so its author finds the mistake."""
    billing = open_billing(broken_store())
    with pytest.raises(RuntimeError, match=r"the store returned the (cursor '.'|same page)"):
        run_within(STEPS, lambda: ACTIONS[name](billing))


def test_walk_accepts_pages_that_move_on():
    """Cursors that differ are no mistake, also after an empty page or an equal one."""
    walk = Walk()
    for number, items in enumerate([("a",), (), ("b",), ("b",), ()]):
        assert str(number) == walk.next_cursor(Page(items, Cursor(str(number))))
    assert None is walk.next_cursor(Page(("c",)))


@pytest.mark.parametrize(
    ("cursors", "message"),
    [
        ("aa", "the cursor 'a' a second time"),
        ("abca", "the cursor 'a' a second time"),
        (map(str, range(1000)), "the same page 100 times in a row"),
    ],
)
def test_walk_stops_if_the_pages_do_not_move_on(cursors, message):
    """The error says whether a cursor or a page was repeated."""
    walk = Walk()

    def follow():
        for cursor in cursors:
            walk.next_cursor(Page(("berlin",), Cursor(cursor)))

    with pytest.raises(RuntimeError, match=message):
        follow()


def test_run_over_a_store_that_stores_nothing_reports_each_term_once():
    """Two terms of each of the two paid profiles; munich lapses, because 625.50 is missing."""
    outcomes = open_billing(StoresNothing()).run_due(on=ON)
    terms = [(outcome.profile, outcome.term) for outcome in outcomes]

    assert len(set(terms)) == len(terms) == 5
