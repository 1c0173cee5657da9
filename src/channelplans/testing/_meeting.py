"""The contract of a store, fifth part: any number at once, and it is as if one came after one."""

from collections import Counter
from collections.abc import Callable
from functools import partial
from itertools import chain
from threading import Event
from typing import Final

from channelplans import lifecycle
from channelplans.errors import ChannelPlansError, Conflict, InsufficientCredit, TokenReused
from channelplans.identifiers import ProfileId, Revision
from channelplans.ledger import Purse
from channelplans.lifecycle import Decision
from channelplans.offers import SKYPE_CONNECT
from channelplans.storage import Store
from channelplans.testing._asking import expect, walk
from channelplans.testing._cases import (
    ACCOUNT,
    ACME,
    BERLIN,
    CALLS,
    FAR,
    PARIS,
    after,
    bought,
    days,
    eur,
    held_by,
    moved,
    open_account,
    paid_in,
    picture,
    posting,
    taken,
    used,
)
from channelplans.testing.builders import DAY
from channelplans.testing.crowd import audit, opening, threads, work

#: How many are at it at once.
MANY: Final = 8


class Meeting:
    """Threads that meet."""

    def test_threads_take_no_more_than_there_is(self, store: Store) -> None:
        """Of 40 that take 1 EUR each from 20 EUR, 20 get it, and 20 are told that there is none.

        If it fails: check and change a balance in one transaction that nobody comes between: under
        a lock, ``BEGIN IMMEDIATE``, ``SELECT ... FOR UPDATE``, or ``UPDATE ... WHERE held >= x``.
        """
        opening = paid_in("20")
        store.commit(opening, expected=None)
        wanted = [[taken("1", f"t-{each}-{turn}") for turn in range(5)] for each in range(MANY)]
        found = chain(*threads([partial(_outcomes, store, mine) for mine in wanted]))
        done = list(zip(chain(*wanted), found, strict=True))
        counted = Counter(outcome for _, outcome in done)
        each_once = "of 20 EUR something else than 20 times 1 EUR was taken, by eight threads"
        expect({None: 20, InsufficientCredit: 20}, dict(counted), each_once)
        stored = [decision for decision, outcome in done if outcome is None]
        audit(store, [ACME], committed=[opening, *stored])

    def test_threads_that_decide_on_one_revision_win_once(self, store: Store) -> None:
        """Of eight calls decided on one subscription, one is stored, and seven meet a conflict.

        If it fails: compare the revision and write the subscription in one step, by ``UPDATE ...
        WHERE revision = expected`` and its count of rows, or under a lock.
        """
        open_account(store)
        store.commit(paid_in("1000", "t-1", purse=CALLS), expected=None)
        for turn in range(4):
            stored = held_by(store, BERLIN)
            calls = [used(stored.value, f"c-{turn}-{each}") for each in range(MANY)]
            found = _at_once(store, calls, stored.revision)
            _one_wins(found, Conflict, "calls decided on one subscription")
            expect(turn + 1, len(store.postings(CALLS)) - 1, "a call was booked that lost")

    def test_threads_that_commit_one_decision_do_it_once(self, store: Store) -> None:
        """Eight that commit the same are all told the same, and it is booked once.

        If it fails: the token is checked and stored in the transaction of the decision. Where
        another one stores it at the same moment, look again at what is known.
        """
        store.commit(paid_in("39.75"), expected=None)
        found = _at_once(store, [bought()] * MANY, None)
        told = "eight threads committed one decision, and were told different things"
        expect(dict.fromkeys([store.committed(bought().token)], MANY), dict(Counter(found)), told)
        found = _at_once(store, [paid_in("7", "t-1")] * MANY, None)
        expect({None: MANY}, dict(Counter(found)), told)
        expect(
            eur("7"), store.balance(ACME), "what was committed by several was done several times"
        )
        audit(store, [ACME])

    def test_threads_that_buy_for_one_profile_win_once(self, store: Store) -> None:
        """Of eight that find nothing stored, one buys, and seven meet a conflict.

        If it fails: where no row is there yet, none can be locked: let a unique key decide, and
        raise Conflict for whoever comes second.
        """
        store.commit(paid_in("1000"), expected=None)
        buys = [bought("berlin", f"s-{each}") for each in range(MANY)]
        _one_wins(_at_once(store, buys, None), Conflict, "purchases for one new profile")
        expect(eur("960.25"), store.balance(ACME), "what was not bought was paid for")

    def test_threads_that_use_one_token_win_once(self, store: Store) -> None:
        """Of eight transfers by one identifier, one is stored, and seven are told of its use.

        If it fails: let a unique key over tokens decide, and raise TokenReused, or return what is
        known, after a look at the decision that came first. The lock of a purse does not do: the
        transfers are on one purse first, and then on eight.
        """
        purses = [Purse(ACCOUNT, ProfileId(f"p-{each}")) for each in range(MANY)]
        for transfer, owners in (("t-1", [ACME] * MANY), ("t-2", purses)):
            transfers = [
                paid_in(f"{each}", transfer, purse=purse) for each, purse in enumerate(owners, 1)
            ]
            found = _at_once(store, transfers, None)
            _one_wins(found, TokenReused, "different deposits by one identifier")
            audit(store, {*owners}, committed=[transfers[found.index(None)]])

    def test_threads_that_post_to_a_new_purse_add_up(self, store: Store) -> None:
        """Eight that are each the first to post to a purse: nothing is lost, nobody is refused.

        If it fails: where no row is there yet, insert one or add to it in one statement, such as
        ``INSERT ... ON CONFLICT ... DO UPDATE``, or under a lock.
        """
        for turn in range(3):
            purse = Purse(ACCOUNT, ProfileId(f"p-{turn}"))
            deposits = [paid_in("1", f"t-{turn}-{each}", purse=purse) for each in range(MANY)]
            found = _at_once(store, deposits, None)
            expect({None: MANY}, dict(Counter(found)), "a deposit was refused")
            expect(eur("8"), store.balance(purse), "a deposit was lost: a balance was overwritten")
            audit(store, [purse], committed=deposits)

    def test_threads_that_pay_in_and_take_are_booked_in_their_order(self, store: Store) -> None:
        """From a purse that holds next to nothing, what is taken stands after what was paid in.

        If it fails: number postings under the purse's lock. What draws its number before it waits
        for the lock is booked before what came first.
        """
        acts = (taken, paid_in, taken)
        wanted = [
            [
                act("1", f"t-{each}-{turn}-{place}")
                for turn in range(3)
                for place, act in enumerate(acts)
            ]
            for each in range(MANY)
        ]
        threads([partial(_outcomes, store, mine) for mine in wanted])
        audit(store, [ACME])

    def test_threads_that_move_credit_both_ways_get_through(self, store: Store) -> None:
        """Between two purses, in either order, nobody waits for ever, and nothing is lost.

        If it fails: take the locks of purses in one order, such as sorted by their keys, or try
        again after a deadlock.
        """
        purses = (ACME, CALLS, Purse(ACCOUNT, PARIS))
        begun = [paid_in("100", f"of {purse}", purse=purse) for purse in purses]
        for decision in begun:
            store.commit(decision, expected=None)
        moves = [
            [
                moved(f"m-{each}-{turn}", posting("-1", source), posting("1", target))
                for turn in range(6)
                for source, target in [
                    (purses[(each + turn) % 3], purses[(2 * each + turn + 1 + each % 2) % 3])
                ]
            ]
            for each in range(MANY)
        ]
        found = threads([partial(_outcomes, store, mine) for mine in moves])
        expect({None: MANY * 6}, dict(Counter(chain(*found))), "a transfer was refused")
        audit(store, purses, committed=[*begun, *chain(*moves)])

    def test_a_reader_never_sees_half_a_decision(self, store: Store) -> None:
        """While others commit what cancels out, or are refused, readers see nothing of it.

        If it fails: write all of a decision in one transaction, and read what is committed only.
        """
        store.commit(paid_in("10"), expected=None)
        writing = set(range(0, MANY, 2))

        def write(each: int) -> None:
            try:
                for turn in range(6):
                    name = f"w-{each}-{turn}"
                    store.commit(moved(name, posting("-7"), posting("7")), expected=None)
                    _outcomes(store, [moved(f"{name}-x", posting("-7", CALLS), posting("7"))])
            finally:
                writing.discard(each)

        def read(_: int) -> None:
            while writing:
                half = "a reader saw a decision half done, or one that was refused"
                expect(eur("10"), store.balance(ACME), half)
                seen = Counter(each.token for each in store.postings(ACME)[1:])
                expect(set(), {token for token, count in seen.items() if count != 2}, half)

        threads([partial((write, read)[each % 2], each) for each in range(MANY)])
        audit(store, [ACME])

    def test_a_reader_who_sees_a_purchase_sees_all_of_it(self, store: Store) -> None:
        """Whoever has seen it in one place sees it in all, and what is refused is seen in none.

        If it fails: write token, subscription, balance and postings in one transaction, check the
        credit before any of them can be seen, and read only what is committed.
        """
        store.commit(paid_in("200"), expected=None)
        dear = SKYPE_CONNECT.plan(channels=300)
        # Five places: in four turns each of them is looked at right after each other.
        for turn in range(1, 5):
            _watch(store, bought(f"p-{turn}", f"too dear {turn}", plan=dear), turn)
            _watch(store, bought(f"p-{turn}", f"s-{turn}"), turn)
        four = "of eight purchases, something else than the four for 39.75 EUR was stored"
        expect(eur("41"), store.balance(ACME), four)

    def test_what_another_has_committed_is_read_at_once(self, store: Store) -> None:
        """Also by who has looked before, and has committed nothing since.

        If it fails: a read leaves its transaction open, and later reads see what that saw, as under
        REPEATABLE READ; or a session or a cache of the thread answers in the database's place.
        """
        decision, revision = open_account(store)
        end = lifecycle.terminate(after(decision), on=DAY + days(3))

        def write() -> dict[str, object]:
            store.commit(end, expected=revision)
            return picture(store, end)

        picture(store, end)
        (seen,) = threads([write])
        stale = "what another thread has committed is not read by whoever has looked before"
        expect(seen, picture(store, end), stale)

    def test_a_crowd_leaves_the_books_in_order(self, store: Store) -> None:
        """Eight threads buy, change, use, pay in, renew and end, with too little credit for all.

        If it fails: see which of the tests above fail along with it; they tell the cause.
        """
        begun = opening()
        store.commit(begun, expected=None)
        works = threads([partial(work, store, worker=each, actions=40) for each in range(MANY)])
        done = [decision for each in works for decision in each.committed]
        audit(store, committed=[begun, *done])


def _outcome(store: Store, decision: Decision, expected: Revision | None) -> object:
    """Return what commit returns, or the class of the error that it raises."""
    try:
        return store.commit(decision, expected=expected)
    except ChannelPlansError as error:
        return type(error)


def _outcomes(store: Store, decisions: list[Decision]) -> list[object]:
    return [_outcome(store, decision, None) for decision in decisions]


def _at_once(store: Store, decisions: list[Decision], expected: Revision | None) -> list[object]:
    return threads([partial(_outcome, store, decision, expected) for decision in decisions])


def _watch(store: Store, decision: Decision, turn: int) -> None:
    """Commit a purchase while others wait to see it somewhere, and then look so many places on."""
    profile, before, over = after(decision).profile, store.balance(ACME), Event()
    places: dict[str, Callable[[], bool]] = {
        "the subscription": lambda: store.subscription(profile) is not None,
        "the balance": lambda: store.balance(ACME) != before,
        "the postings": lambda: decision.token in {each.token for each in store.postings(ACME)},
        "the tokens": lambda: store.committed(decision.token) is not None,
        "what is due": lambda: profile in walk(store, FAR),
    }

    def write() -> None:
        try:
            _outcome(store, decision, None)
        finally:
            over.set()

    def look(first: str, then: str) -> None:
        while not over.is_set():
            if places[first]() and not places[then]():
                raise AssertionError(
                    f"a reader saw {decision.token} in {first}, and after that not in {then}: "
                    "it was seen half done, or it was taken back"
                )

    names = list(places)
    pairs = zip(names, names[turn:] + names[:turn], strict=True)
    works: list[Callable[[], None]] = [write, *(partial(look, *pair) for pair in pairs)]
    threads(works)


def _one_wins(found: list[object], error: type[ChannelPlansError], what: str) -> None:
    """Check that all but one were refused, and by which error."""
    others = [each for each in found if each is not error]
    if len(others) != 1 or isinstance(others[0], type):
        told = [getattr(each, "__name__", each) for each in found]
        raise AssertionError(
            f"of eight {what} at once, one is stored and seven raise {error.__name__}; "
            f"these threads were told: {', '.join(map(str, told))}"
        )
