"""Due subscriptions: which subscriptions ``due`` returns, and in which order."""

from datetime import date

import pytest

from channelplans.offers import OFFERS, SKYPE_CONNECT
from channelplans.storage.ports import shard_of
from channelplans.subscriptions import actions
from channelplans.testing.builders import DAY, TARIFF
from channelplans.testing.contract.checked_store import DISTANT_DAY, CheckedStore, check_equal
from channelplans.testing.contract.helpers import (
    ACCOUNT,
    OTHER_ACCOUNT,
    UNSORTED_NAMES,
    buy_for,
    buy_in_accounts,
    days,
    make_deposit,
    make_purchase,
)


class DueTests:
    """Which subscriptions are due, and their order; for cursors and limits, see ``PagingTests``."""

    def test_due_contains_a_subscription_after_its_term(self, store: CheckedStore) -> None:
        """A subscription is due from the day after the last day of its term.

        If it fails: select ``term.end <= on``; ``term.end`` is the first day after the term. Use a
        type for days that reaches 2099: 32-bit seconds do not.
        """
        store.commit(make_deposit("1000"))
        berlin_end = buy_for(store, "berlin").value.term.end
        paris_end = buy_for(store, "paris", date(2099, 1, 5)).value.term.end
        for end in (berlin_end, paris_end):
            for on in (end - days(1), end, end + days(1), end + days(4000)):
                expected = ["berlin"] * (berlin_end <= on) + ["paris"] * (paris_end <= on)
                message = f"due({on}) is wrong: the terms end on {berlin_end} and {paris_end}"
                check_equal(expected, sorted(store.due_names(on)), message)

    def test_due_contains_only_running_subscriptions(self, store: CheckedStore) -> None:
        """Active and cancelled subscriptions become due; lapsed and ended ones never do.

        If it fails: look at the latest subscription of each profile. Return the profile only if the
        status is ACTIVE or CANCELLED.
        """
        store.commit(make_deposit("1000"))
        berlin, paris = buy_for(store, "berlin"), buy_for(store, "paris")
        end = berlin.value.term.end

        def check(expected: list[str], case: str, on: date = end) -> None:
            check_equal(expected, sorted(store.due_names(on)), f"due({on}) is wrong about {case}")

        berlin = store.act(berlin, actions.cancel, on=DAY)
        check(["berlin", "paris"], "a cancelled subscription: it is due too")
        berlin = store.act(berlin, actions.expire, on=end)
        check(["paris"], "an expired subscription")
        store.act(paris, actions.lapse, on=end)
        check([], "a lapsed subscription", DISTANT_DAY)
        purchase = make_purchase("berlin", "s-9", on=end, previous=berlin.value)
        berlin = store.commit_decision(purchase, berlin.revision)
        check([], "a second subscription, in its first term")
        end_of_first_term = berlin.value.term.end
        check(["berlin"], "a second subscription, after its first term", end_of_first_term)
        berlin = store.act(berlin, actions.renew, TARIFF, on=end_of_first_term)
        check([], "a renewed subscription, in its second term", end_of_first_term)
        store.act(berlin, actions.terminate, on=end_of_first_term)
        check([], "a terminated subscription", DISTANT_DAY)

    def test_due_follows_a_change_of_the_term(self, store: CheckedStore) -> None:
        """After a change that starts a new term, a subscription is due at the end of that term.

        If it fails: with every decision, write the two columns that ``due`` reads: the status and
        the end of the term. A change that waits for the next term does not move the end.
        """
        store.commit(make_deposit("1000"))
        for offer, starts_term in ((SKYPE_CONNECT, True), (OFFERS["easybell-basic"], False)):
            plan, larger_plan = (offer.plan(channels=channels) for channels in (5, 7))
            bought = store.commit_decision(make_purchase(offer.name, offer.name, plan=plan))
            changed = store.act(bought, actions.change, larger_plan, TARIFF, on=DAY + days(10))
            old_term, new_term = bought.value.term, changed.value.term
            message = f"due is wrong after a change of the term from {old_term} to {new_term}"
            is_due_at_old_end = offer.name in store.due_names(old_term.end)
            check_equal(not starts_term, is_due_at_old_end, message)
            check_equal([], store.due_names(new_term.end - days(1)), message)
            check_equal([offer.name], store.due_names(new_term.end), message)
            store.act(changed, actions.lapse, on=changed.value.lapses_on)

    # The order, and the selection of accounts

    @pytest.mark.parametrize("limit", [1, 3, 1000])
    def test_due_is_sorted_by_end_then_account_then_profile(
        self, store: CheckedStore, limit: int
    ) -> None:
        """The profile whose term ended first comes first, then the order of accounts and names.

        If it fails: sort by ``term.end``, then by account, then by profile, by code point as Python
        sorts ``str``. In PostgreSQL that is ``COLLATE "C"``, in SQLite ``BINARY``.
        """
        names = (*UNSORTED_NAMES, "p/1", "p%2F1")
        bought = [
            *((name, "z", DAY + days(1)) for name in names),
            *((name, "a", DAY + days(1)) for name in reversed(names)),
            *(("m", name, DAY) for name in reversed(names)),
            *((f"{name}/a", "later", DAY + days(2)) for name in names),
        ]
        expected = buy_in_accounts(store, bought)
        message = f"due with limit {limit} is not sorted by end of term, account and profile"
        check_equal(expected, store.walk_due(DISTANT_DAY, limit=limit), message)

    @pytest.mark.parametrize("limit", [1, 3, 1000])
    def test_due_selects_an_account(self, store: CheckedStore, limit: int) -> None:
        """With ``account``, only profiles of this account appear, in the same order.

        If it fails: compare the whole account. The cursor must work with ``account`` too.
        """
        accounts = (ACCOUNT, OTHER_ACCOUNT, f"{ACCOUNT}/a", "Acme", "acm")
        bought = [
            (account, profile, DAY + days(later))
            for profile, later in (("a", 2), ("b", 0), ("c", 1), ("d", 1))
            for account in accounts
        ]
        order = buy_in_accounts(store, bought)
        for account in (*accounts, "nobody"):
            expected = [due_profile for due_profile in order if due_profile[0] == account]
            found = store.walk_due(DISTANT_DAY, account=account, limit=limit)
            message = f"due(account={account!r}, limit={limit}) is wrong"
            check_equal(expected, found, message)
        found = store.walk_due(DAY + days(30), account=ACCOUNT, limit=limit)
        check_equal([(ACCOUNT, "b")], found, "due with an account must compare term.end too")

    @pytest.mark.parametrize("limit", [1, 3, 1000])
    def test_due_selects_a_shard(self, store: CheckedStore, limit: int) -> None:
        """With ``shard=(k, n)``, only accounts appear for which ``shard_of`` returns k.

        If it fails: call ``shard_of(account, n)``, and do not write a hash of your own. To select
        in the database, store ``zlib.crc32(account.encode())`` in a column and compare it modulo n.
        """
        accounts = (*UNSORTED_NAMES, *(f"account {number}" for number in range(8)))
        order = buy_in_accounts(store, [(account, "berlin", DAY) for account in accounts])
        for count in (1, 2, 5):
            for number in range(count):
                expected = [
                    (account, profile)
                    for account, profile in order
                    if shard_of(account, count) == number
                ]
                shard = (number, count)
                found = store.walk_due(DISTANT_DAY, shard=shard, limit=limit)
                check_equal(expected, found, f"due(shard={shard}, limit={limit}) is wrong")
        account, profile = order[0]
        for number in range(3):
            found = store.walk_due(DISTANT_DAY, account=account, shard=(number, 3), limit=limit)
            expected = [(account, profile)] * (shard_of(account, 3) == number)
            check_equal(expected, found, "due with an account and a shard must select by both")
