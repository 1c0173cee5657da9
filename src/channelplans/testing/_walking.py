"""The contract of a store, fourth part: what is due is found, whatever happens meanwhile."""

from datetime import date

import pytest

from channelplans import lifecycle
from channelplans.identifiers import Revision
from channelplans.offers import EASYBELL_BASIC, SKYPE_CONNECT
from channelplans.storage import Store
from channelplans.subscriptions import Subscription
from channelplans.testing._asking import expect, walk
from channelplans.testing._cases import ACME, FAR, after, bought, days, paid_in
from channelplans.testing._reading import ODD
from channelplans.testing.builders import DAY, TARIFF


class Walking:
    """Walks over what is due."""

    def test_a_term_is_due_from_its_end_on(self, store: Store) -> None:
        """The day after the last day of the term is the first on which it is due.

        If it fails: due is ``term.end <= on``, and ``term.end`` is no day of the term. It may be in
        2099, which seconds in 32 bits do not reach.
        """
        store.commit(paid_in("1000"), expected=None)
        sold = _buy(store, "berlin"), _buy(store, "paris", date(2099, 1, 5))
        first, second = (held.term.end for held, _ in sold)
        for on in (end + days(count) for end in (first, second) for count in (-1, 0, 1, 4000)):
            wanted = ["berlin"] * (first <= on) + ["paris"] * (second <= on)
            wrong = f"due({on}) is wrong about a term that ends on {first} or {second}"
            expect(wanted, sorted(walk(store, on)), wrong)

    def test_what_does_not_run_is_not_due(self, store: Store) -> None:
        """What is active or cancelled is; what has lapsed or ended never is, whatever its term.

        If it fails: due are the statuses ACTIVE and CANCELLED, of what is stored last.
        """
        store.commit(paid_in("1000"), expected=None)
        (berlin, at), (paris, there) = (_buy(store, name) for name in ("berlin", "paris"))
        end = berlin.term.end

        def check(wanted: list[str], what: str, on: date = end) -> None:
            expect(wanted, sorted(walk(store, on)), f"due({on}) is wrong about {what}")

        berlin, at = _commit(store, lifecycle.cancel(berlin, on=DAY), at)
        check(["berlin", "paris"], "what is cancelled: its term ends too")
        berlin, at = _commit(store, lifecycle.expire(berlin, on=end), at)
        check(["paris"], "what has ended")
        _commit(store, lifecycle.lapse(paris, on=end), there)
        check([], "what has lapsed", FAR)
        berlin, at = _commit(store, bought("berlin", "s-9", on=end, previous=berlin), at)
        check([], "what was bought again: its first term runs")
        check(["berlin"], "what was bought again, whose first term has ended", berlin.term.end)
        berlin, at = _commit(store, lifecycle.renew(berlin, TARIFF, on=berlin.term.end), at)
        check([], "what was renewed: its second term runs", berlin.term.start)
        _commit(store, lifecycle.terminate(berlin, on=berlin.term.start), at)
        check([], "what was ended before its term was over", FAR)

    def test_a_change_moves_what_is_due(self, store: Store) -> None:
        """To the end of the new term where one begins at once, and not where the change waits.

        If it fails: what ``due`` looks for is written with every decision about a subscription, a
        change too, and is the end of the term that runs.
        """
        store.commit(paid_in("1000"), expected=None)
        for offer, moves in ((SKYPE_CONNECT, True), (EASYBELL_BASIC, False)):
            few, many = (offer.plan(channels=channels) for channels in (5, 7))
            held, at = _commit(store, bought(offer.name, offer.name, plan=few), None)
            change = lifecycle.change(held, many, TARIFF, on=DAY + days(10))
            now, at = _commit(store, change, at)
            wrong = f"what is due is wrong after a change from {held.term} to {now.term}"
            expect(not moves, offer.name in walk(store, held.term.end), wrong)
            expect([], walk(store, now.term.end - days(1)), wrong)
            expect([offer.name], walk(store, now.term.end), wrong)
            _commit(store, lifecycle.lapse(now, on=now.lapses_on), at)

    @pytest.mark.parametrize("limit", range(1, 9))
    def test_a_walk_finds_all_that_is_due(self, store: Store, limit: int) -> None:
        """In pages of any size, of which none is larger, and the last has no cursor.

        If it fails: the next page begins behind the last profile of the one before, in an order in
        which no two profiles are equal, such as that of term's end and profile.
        """
        store.commit(paid_in("1000"), expected=None)
        for number in range(9):
            _buy(store, f"p-{number * 5 % 9}", on=DAY + days(number // 3))
        ends = DAY + days(31)
        due = {f"p-{number * 5 % 9}" for number in range(6)}
        found = walk(store, ends, limit)
        expect(due, set(found), f"a walk in pages of {limit} found something else than is due")
        expect([], walk(store, DAY + days(29), limit), "a walk found what is not due")

    def test_nothing_is_cut_off_after_a_thousand(self, store: Store) -> None:
        """A purse's postings come at once, however many; what is due, in pages that go on.

        If it fails: look for a bound that the database, its driver or a service in between sets by
        itself. ``postings`` has none, and where a page of ``due`` is cut it has a cursor.
        """
        store.commit(paid_in("100000"), expected=None)
        sold = [bought(f"p-{number}", f"s-{number}") for number in range(1010)]
        for decision in sold:
            store.commit(decision, expected=None)
        cut = "after a thousand or fewer, what is due is cut off"
        expect(sorted(after(each).profile for each in sold), sorted(walk(store, FAR)), cut)
        cut = "after a thousand or fewer, the postings of a purse are cut off"
        tokens = [each.token for each in store.postings(ACME)]
        expect([each.token for each in sold], tokens[1:], cut)

    @pytest.mark.parametrize("limit", [1, 2, 3, 5])
    def test_a_walk_stands_what_happens_meanwhile(self, store: Store, limit: int) -> None:
        """Of what others renew, end and buy between two pages it may tell; the rest it must.

        If it fails: a cursor is a place in the order and neither a number of rows to skip nor
        a profile that must still be due.
        """
        store.commit(paid_in("10000"), expected=None)
        held = {
            f"p-{number}": _buy(store, f"p-{number}", DAY + days(number % 3))
            for number in range(12)
        }
        on, cursor = DAY + days(35), None
        found, moved = list[str](), set[str]()
        for page_number in range(40):
            page = store.due(on, cursor=cursor, limit=limit)
            found += page.profiles
            cursor = page.next
            if cursor is None:
                break
            # What was just told is renewed, the last of it lapses, and something else does.
            waiting = sorted(held.keys() - moved - set(found))
            for name in {*page.profiles, *waiting[-1:]} & held.keys() - moved:
                subscription, at = held[name]
                last = name in (page.profiles[-1], *waiting[-1:])
                decision = (
                    lifecycle.lapse(subscription, on=on)
                    if last
                    else lifecycle.renew(subscription, TARIFF, on=on)
                )
                _commit(store, decision, at)
                moved.add(name)
            _buy(store, f"due {page_number}", DAY - days(page_number % 2))
            _buy(store, f"not due {page_number}", DAY + days(20))
        else:
            raise AssertionError("a walk does not end: each page has a cursor")
        missed = sorted(held.keys() - moved - set(found))
        expect([], missed, f"a walk in pages of {limit} passed by what was due throughout")
        wrong = sorted(name for name in found if name.startswith("not due"))
        expect([], wrong, f"a walk in pages of {limit} found what was never due")

    def test_what_is_due_is_found_under_any_identifier(self, store: Store) -> None:
        """Whatever text a profile is called by, also where a page ends with it.

        If it fails: look at how a cursor is written and read again, and that profiles are compared
        in one order everywhere.
        """
        store.commit(paid_in("10000"), expected=None)
        for name in ODD:
            _buy(store, name)
        for limit in (1, 4):
            found = set(walk(store, FAR, limit))
            expect(set(ODD), found, f"a walk in pages of {limit} lost a profile by its name")


def _commit(
    store: Store, decision: lifecycle.Decision, expected: Revision | None
) -> tuple[Subscription, Revision | None]:
    return after(decision), store.commit(decision, expected=expected)


def _buy(store: Store, profile: str, on: date = DAY) -> tuple[Subscription, Revision | None]:
    return _commit(store, bought(profile, f"of {profile}", on=on), None)
