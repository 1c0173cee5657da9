"""Pages of due subscriptions: cursors, limits, and changes between two pages."""

import pytest

from channelplans.storage.ports import Store
from channelplans.subscriptions import actions
from channelplans.testing.builders import DAY, TARIFF
from channelplans.testing.contract.checked_store import check_equal, walk_due
from channelplans.testing.contract.helpers import (
    ACCOUNT_WALLET,
    DISTANT_DAY,
    UNUSUAL_IDENTIFIERS,
    buy_for,
    commit_decision,
    days,
    make_deposit,
    make_purchase,
)


class PagingTests:
    """``due`` returns all due profiles, page by page."""

    @pytest.mark.parametrize("limit", range(1, 9))
    def test_pages_contain_all_due_profiles(self, store: Store, limit: int) -> None:
        """All pages together contain exactly the due profiles, whatever the limit is.

        If it fails: sort by a key that is unique, such as the end of the term and the profile.
        Start a page after the last profile of the page before. Return no cursor with the last page.
        """
        store.commit(make_deposit("1000"), expected=None)
        # Sorted by name, the profiles are in another order than by the end of the term.
        profiles = [f"p-{number * 5 % 9}" for number in range(9)]
        for number, profile in enumerate(profiles):
            buy_for(store, profile, on=DAY + days(number // 3))
        pages = set(walk_due(store, DAY + days(31), limit))
        message = f"the pages with limit {limit} do not contain exactly the due profiles"
        check_equal(set(profiles[:6]), pages, message)
        message = f"a page with limit {limit} contains a profile that is not due"
        check_equal([], walk_due(store, DAY + days(29), limit), message)

    def test_due_and_postings_return_more_than_a_thousand(self, store: Store) -> None:
        """Postings are returned without a limit, and due profiles in as many pages as needed.

        If it fails: look for a limit that the database, its driver or a service sets by default.
        Return a cursor with each page of ``due`` but the last.
        """
        store.commit(make_deposit("100000"), expected=None)
        purchases = [make_purchase(f"p-{number}", f"s-{number}") for number in range(1010)]
        for purchase in purchases:
            store.commit(purchase, expected=None)
        profiles = sorted(purchase.after.profile for purchase in purchases)
        message = "the pages of due do not contain all of 1010 profiles"
        check_equal(profiles, sorted(walk_due(store, DISTANT_DAY)), message)
        tokens = [booked.token for booked in store.postings(ACCOUNT_WALLET)[1:]]
        message = "the postings of a wallet do not contain all of 1010 purchases"
        check_equal([purchase.token for purchase in purchases], tokens, message)

    @pytest.mark.parametrize("limit", [1, 2, 3, 5])
    def test_pages_stay_complete_while_subscriptions_change(self, store: Store, limit: int) -> None:
        """A profile that is due during the whole walk appears, whatever happens between two pages.

        If it fails: let the cursor hold a position in the order. Do not count rows to skip, and do
        not look up the last profile, which may have been renewed.
        """
        store.commit(make_deposit("10000"), expected=None)
        subscriptions = {
            f"p-{number}": buy_for(store, f"p-{number}", DAY + days(number % 3))
            for number in range(12)
        }
        unchanged = set(subscriptions)
        on, cursor = DAY + days(35), None
        walked: list[str] = []
        for page_number in range(40):
            page = store.due(on, cursor=cursor, limit=limit)
            walked += page.profiles
            cursor = page.next
            if cursor is None:
                break
            # Renew the profiles of this page, but let its last one lapse, and one of a later page.
            on_later_pages = sorted(unchanged - set(walked))
            lapsing = {*page.profiles[-1:], *on_later_pages[-1:]}
            for profile in {*page.profiles, *lapsing} & unchanged:
                stored = subscriptions[profile]
                if profile in lapsing:
                    decision = actions.lapse(stored.value, on=on)
                else:
                    decision = actions.renew(stored.value, TARIFF, on=on)
                commit_decision(store, decision, stored.revision)
                unchanged.remove(profile)
            buy_for(store, f"due {page_number}", DAY - days(page_number % 2))
            buy_for(store, f"not due {page_number}", DAY + days(20))
        else:
            raise AssertionError("the pages of due never end: return no cursor with the last page")
        missed = sorted(unchanged - set(walked))
        message = f"the pages with limit {limit} miss a profile that was due during the whole walk"
        check_equal([], missed, message)
        never_due = sorted(profile for profile in walked if profile.startswith("not due"))
        message = f"the pages with limit {limit} contain a profile that was never due"
        check_equal([], never_due, message)

    def test_cursors_work_after_any_identifier(self, store: Store) -> None:
        """A page may end with a profile whose identifier is any text.

        If it fails: check how the cursor is encoded and decoded. Compare profiles in the same order
        everywhere, in the database and in Python.
        """
        store.commit(make_deposit("10000"), expected=None)
        for profile in UNUSUAL_IDENTIFIERS:
            buy_for(store, profile)
        for limit in (1, 4):
            profiles = set(walk_due(store, DISTANT_DAY, limit))
            message = f"the pages with limit {limit} miss a profile with an unusual identifier"
            check_equal(set(UNUSUAL_IDENTIFIERS), profiles, message)
