"""Pages of due subscriptions: cursors, limits, and changes between two pages."""

import pytest

from channelplans.subscriptions import actions
from channelplans.testing.builders import DAY, TARIFF
from channelplans.testing.contract.checked_store import DISTANT_DAY, CheckedStore, check_equal
from channelplans.testing.contract.helpers import (
    ACCOUNT_WALLET,
    UNUSUAL_IDENTIFIERS,
    buy_for,
    days,
    make_deposit,
    make_purchase,
)


class PagingTests:
    """``due`` returns all due profiles, page by page."""

    @pytest.mark.parametrize("limit", range(1, 9))
    def test_pages_contain_all_due_profiles(self, store: CheckedStore, limit: int) -> None:
        """All pages together contain exactly the due profiles, whatever the limit is.

        If it fails: sort by a key that is unique, such as the end of the term and the profile.
        Start a page after the last profile of the page before. Return no cursor with the last page.
        """
        store.commit(make_deposit("1000"))
        # Sorted by name, the profiles are in another order than by the end of the term.
        profiles = [f"p-{number * 5 % 9}" for number in range(9)]
        for number, profile in enumerate(profiles):
            buy_for(store, profile, on=DAY + days(number // 3))
        pages = set(store.walk_due(DAY + days(31), limit=limit))
        message = f"the pages with limit {limit} do not contain exactly the due profiles"
        check_equal(set(profiles[:6]), pages, message)
        message = f"a page with limit {limit} contains a profile that is not due"
        check_equal([], store.walk_due(DAY + days(29), limit=limit), message)

    def test_due_and_postings_return_more_than_a_thousand(self, store: CheckedStore) -> None:
        """Postings are returned without a limit, and due profiles in as many pages as needed.

        If it fails: look for a limit that the database, its driver or a service sets by default.
        Return a cursor with each page of ``due`` but the last.
        """
        store.commit(make_deposit("100000"))
        purchases = [make_purchase(f"p-{number}", f"s-{number}") for number in range(1010)]
        for purchase in purchases:
            store.commit(purchase)
        profiles = sorted(purchase.after.profile for purchase in purchases)
        message = "the pages of due do not contain all of 1010 profiles"
        check_equal(profiles, sorted(store.walk_due(DISTANT_DAY)), message)
        tokens = [booked.token for booked in store.postings(ACCOUNT_WALLET)[1:]]
        message = "the postings of a wallet do not contain all of 1010 purchases"
        check_equal([purchase.token for purchase in purchases], tokens, message)

    @pytest.mark.parametrize("limit", [1, 2, 3, 5])
    def test_pages_stay_complete_while_subscriptions_change(
        self, store: CheckedStore, limit: int
    ) -> None:
        """A profile that is due during the whole walk appears, whatever happens between two pages.

        If it fails: let the cursor hold a position in the order. Do not count rows to skip, and do
        not look up the last profile, which may have been renewed.
        """
        store.commit(make_deposit("10000"))
        profiles = [f"p-{number}" for number in range(12)]
        subscriptions = {
            profile: buy_for(store, profile, DAY + days(number % 3))
            for number, profile in enumerate(profiles)
        }
        unchanged, walked = set(profiles), set[str]()
        on = DAY + days(35)
        for page_number, page in enumerate(store.due_pages(on, max_pages=40, limit=limit)):
            walked.update(page.profiles)
            # Renew the profiles of this page, but let its last one lapse, and one of a later page.
            on_later_pages = sorted(unchanged - walked)
            lapsing = {*page.profiles[-1:], *on_later_pages[-1:]}
            for profile in {*page.profiles, *lapsing} & unchanged:
                if profile in lapsing:
                    store.act(subscriptions[profile], actions.lapse, on=on)
                else:
                    store.act(subscriptions[profile], actions.renew, TARIFF, on=on)
                unchanged.remove(profile)
            buy_for(store, f"due {page_number}", DAY - days(page_number % 2))
            buy_for(store, f"not due {page_number}", DAY + days(20))
        # There is no later page after the last one.
        message = f"the pages with limit {limit} miss a profile that was due during the whole walk"
        check_equal([], on_later_pages, message)
        never_due = sorted(profile for profile in walked if profile.startswith("not due"))
        message = f"the pages with limit {limit} contain a profile that was never due"
        check_equal([], never_due, message)

    def test_cursors_work_after_any_identifier(self, store: CheckedStore) -> None:
        """A page may end with a profile whose identifier is any text.

        If it fails: check how the cursor is encoded and decoded. Compare profiles in the same order
        everywhere, in the database and in Python.
        """
        store.commit(make_deposit("10000"))
        for profile in UNUSUAL_IDENTIFIERS:
            buy_for(store, profile)
        for limit in (1, 4):
            profiles = set(store.walk_due(DISTANT_DAY, limit=limit))
            message = f"the pages with limit {limit} miss a profile with an unusual identifier"
            check_equal(set(UNUSUAL_IDENTIFIERS), profiles, message)
