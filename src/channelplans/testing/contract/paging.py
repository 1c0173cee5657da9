"""Pages: cursors, limits, and commits between two pages."""

from collections import Counter
from typing import Any, Final

import pytest

from channelplans.errors import InvalidValue
from channelplans.subscriptions import actions
from channelplans.testing.builders import DAY, TARIFF
from channelplans.testing.contract.checked_store import (
    DISTANT_DAY,
    CheckedStore,
    check_equal,
    expect_error,
)
from channelplans.testing.contract.helpers import (
    ACCOUNT,
    ACCOUNT_WALLET,
    UNUSUAL_IDENTIFIERS,
    buy_for,
    buy_in_accounts,
    days,
    make_deposit,
    make_purchase,
    open_account,
)

#: The methods that return pages, each with a subject that ``open_account`` creates.
PAGED_METHODS: Final[dict[str, Any]] = {
    "profiles": ACCOUNT,
    "postings": ACCOUNT_WALLET,
    "decisions": ACCOUNT,
    "due": DISTANT_DAY,
}


class PagingTests:
    """Every method that can return many items returns all of them, page by page."""

    @pytest.mark.parametrize("method", PAGED_METHODS)
    @pytest.mark.parametrize("limit", [0, -1])
    def test_a_limit_below_one_is_refused(
        self, store: CheckedStore, method: str, limit: int
    ) -> None:
        """A paged method raises InvalidValue for a limit of 0 or less.

        If it fails: raise ``InvalidValue("limit", str(limit), "at least 1")`` before you read. An
        empty page with a cursor would never end, and in SQL a negative limit may mean no limit.
        """
        open_account(store)
        error = expect_error(
            InvalidValue,
            lambda: store.call(method, PAGED_METHODS[method], limit=limit),
            f"{method} accepted limit={limit}",
        )
        message = f"the InvalidValue of {method} names another parameter than the limit"
        check_equal("limit", error.parameter, message)

    @pytest.mark.parametrize("limit", range(1, 8))
    def test_pages_have_no_cursor_after_the_last_item(
        self, store: CheckedStore, limit: int
    ) -> None:
        """All pages but the last are followed by a page with an item, for any limit.

        If it fails: read one item more than ``limit``, and return a cursor only if it exists. Do
        not return the additional item.
        """
        store.commit(make_deposit("1000"))
        for number in range(5):
            buy_for(store, f"p-{number}")
        numbers = {"profiles": 5, "postings": 6, "decisions": 6, "due": 5}
        for method, subject in PAGED_METHODS.items():
            pages = list(store.pages(method, subject, limit=limit))
            sizes = [min(limit, rest) for rest in range(numbers[method], 0, -limit)]
            message = f"{method} with limit {limit} returned pages of the wrong sizes"
            check_equal(sizes, [len(page.items) for page in pages], message)

    @pytest.mark.parametrize("limit", [1, 2, 5])
    def test_pages_stay_complete_while_others_commit(self, store: CheckedStore, limit: int) -> None:
        """What was stored before the first page appears once, even if others commit meanwhile.

        If it fails: let the cursor of ``postings`` and ``decisions`` hold the number of the next
        item in commit order, and that of ``profiles`` the last name. Do not count rows to skip.
        """
        store.commit(make_deposit("10000"))
        for number in range(6):
            buy_for(store, f"p-{number}", DAY + days(number % 3))
        for method, subject in PAGED_METHODS.items():
            bounds: dict[str, Any] = {"since": DAY} if method in {"postings", "decisions"} else {}
            before = store.call(method, subject, **bounds).items
            walked: list[object] = []
            pages = store.pages(method, subject, limit=limit, max_pages=100, **bounds)
            for page_number, page in enumerate(pages):
                walked += page.items
                if page_number < 8:
                    # Some sort before and some after what is on the pages so far.
                    name = f"{'az'[page_number % 2]} {method} {page_number}"
                    buy_for(store, name, DAY + days(page_number % 4))
            found = [item for item in walked if item in before]
            message = f"while others commit, the pages of {method} miss an item or repeat one"
            check_equal(list(before), found, message)
            check_equal([], [item for item in walked if walked.count(item) > 1], message)

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
        pages = store.due_names(DAY + days(31), limit=limit)
        message = f"the pages with limit {limit} do not contain exactly the due profiles"
        check_equal([*sorted(profiles[:3]), *sorted(profiles[3:6])], pages, message)
        message = f"a page with limit {limit} contains a profile that is not due"
        check_equal([], store.due_names(DAY + days(29), limit=limit), message)

    def test_pages_return_more_than_a_thousand(self, store: CheckedStore) -> None:
        """A page has at most 1000 items if no limit is passed, and no item is lost.

        If it fails: look for a limit that the database, its driver or a service sets by default.
        Use 1000 as the default of ``limit``, and return a cursor with each page but the last.
        """
        store.commit(make_deposit("100000"))
        purchases = [make_purchase(f"p-{number}", f"s-{number}") for number in range(1010)]
        for purchase in purchases:
            store.commit(purchase)
        profiles = sorted(purchase.after.profile for purchase in purchases)
        tokens = ["transfer/opening", *(purchase.token for purchase in purchases)]
        message = "the pages of due do not contain all of 1010 profiles"
        check_equal(profiles, store.due_names(DISTANT_DAY), message)
        message = "the pages of profiles do not contain all of 1010 profiles"
        check_equal(profiles, store.all_profiles(ACCOUNT), message)
        message = "the postings of a wallet do not contain all of 1010 purchases"
        found = [booked.token for booked in store.all_postings(ACCOUNT_WALLET)]
        check_equal(tokens, found, message)
        message = "the decisions of an account do not contain all of 1010 purchases"
        check_equal(tokens, [entry.token for entry in store.all_decisions(ACCOUNT)], message)

    @pytest.mark.parametrize("limit", [1, 2, 3, 5])
    def test_pages_stay_complete_while_subscriptions_change(
        self, store: CheckedStore, limit: int
    ) -> None:
        """A profile that is due during the whole walk appears once, whatever others commit.

        If it fails: let the cursor hold a position in the order: the end of the term, the account
        and the profile. Do not count rows to skip, and do not look up the last profile, which may
        have been renewed.
        """
        store.commit(make_deposit("10000"))
        profiles = [f"p-{number}" for number in range(12)]
        subscriptions = {
            profile: buy_for(store, profile, DAY + days(number % 3))
            for number, profile in enumerate(profiles)
        }
        unchanged, walked = set(profiles), Counter[str]()
        on = DAY + days(35)
        for page_number, page in enumerate(store.pages("due", on, max_pages=40, limit=limit)):
            on_page = [profile for _, profile in page.items]
            walked.update(on_page)
            # Renew the profiles of this page, but let its last one lapse, and one of a later page.
            on_later_pages = sorted(unchanged - walked.keys())
            lapsing = {*on_page[-1:], *on_later_pages[-1:]}
            for profile in {*on_page, *lapsing} & unchanged:
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
        repeated = sorted(profile for profile, number in walked.items() if number > 1)
        message = f"the pages with limit {limit} contain a profile twice"
        check_equal([], repeated, message)
        never_due = sorted(profile for profile in walked if profile.startswith("not due"))
        message = f"the pages with limit {limit} contain a profile that was never due"
        check_equal([], never_due, message)

    @pytest.mark.parametrize("limit", [1, 4])
    def test_cursors_work_after_any_identifier(self, store: CheckedStore, limit: int) -> None:
        """A page may end with an account and a profile whose identifiers are any text.

        If it fails: check how the cursor is encoded and decoded. Compare identifiers in the same
        order everywhere, in the database and in Python.
        """
        store.commit(make_deposit("10000"))
        for profile in UNUSUAL_IDENTIFIERS:
            buy_for(store, profile)
        message = f"pages with limit {limit} miss a profile with an unusual identifier"
        expected = sorted(UNUSUAL_IDENTIFIERS)
        check_equal(expected, store.due_names(DISTANT_DAY, account=ACCOUNT, limit=limit), message)
        check_equal(expected, store.all_profiles(ACCOUNT, limit=limit), message)
        accounts = [name for name in UNUSUAL_IDENTIFIERS if name != ACCOUNT]
        in_accounts = [(account, account, DAY) for account in accounts]
        of_account = [(ACCOUNT, profile) for profile in UNUSUAL_IDENTIFIERS]
        expected_pairs = sorted([*of_account, *buy_in_accounts(store, in_accounts)])
        message = f"pages with limit {limit} miss an account with an unusual identifier"
        check_equal(expected_pairs, store.walk_due(DISTANT_DAY, limit=limit), message)
