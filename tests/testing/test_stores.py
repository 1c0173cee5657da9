"""The contract suite fails each broken store with a clear message and passes correct stores."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from threading import Barrier, Thread

import pytest
from hypothesis import settings
from tests.testing import broken

from channelplans.errors import WrongType
from channelplans.offers import OFFERS
from channelplans.storage.memory import MemoryStore
from channelplans.storage.ports import Page
from channelplans.subscriptions.subscription import Action, Status
from channelplans.subscriptions.wallets import Wallet
from channelplans.testing.contract import (
    checked_store,
    crowd,
    durability,
    state_machine,
)
from channelplans.testing.contract.helpers import (
    lifecycle_of,
    make_deposit,
    make_purchase,
    open_account,
    open_new_store,
)
from channelplans.testing.stores import AsyncStoreContract, StoreContract

pytestmark = [pytest.mark.slow, pytest.mark.covers]


@contextmanager
def loaded_profile(**changes):
    """Load a profile of Hypothesis with other settings for a while."""
    settings.register_profile("before", settings())
    settings.register_profile("changed", **changes)
    settings.load_profile("changed")
    try:
        yield
    finally:
        settings.load_profile("before")


@pytest.fixture(autouse=True)
def _profile_of_a_user():
    """Run the contract as a user does who has no profile: a broken store must not pass by luck."""
    with loaded_profile(max_examples=100):
        yield


# The broken store, the contract test that must fail, and a part of its message. Where threads may
# fail in different ways, the part is common to all their messages.
SYNC = [
    (
        broken.NoCompareAndSet,
        "commit_refuses_a_stale_revision",
        "accepted a decision for another revision",
    ),
    (
        broken.NoneMatchesEveryRevision,
        "commit_refuses_a_stale_revision",
        "accepted a decision for another revision",
    ),
    (
        broken.NoneMatchesEndedSubscriptions,
        "commit_keeps_an_ended_subscription",
        "but commit accepted a first purchase",
    ),
    (
        broken.ComparesBeforeItLocks,
        "concurrent_commits_accept_a_revision_once",
        "seven raise Conflict",
    ),
    (
        broken.ComparesBeforeItLocks,
        "concurrent_commits_accept_one_purchase_for_a_profile",
        "seven raise Conflict",
    ),
    (broken.NoLock, "concurrent_workers_leave_consistent_books", "AssertionError"),
    (broken.ReusedRevision, "commit_never_returns_a_revision_twice", "a revision was used twice"),
    (broken.RevisionOfValue, "commit_never_returns_a_revision_twice", "a revision was used twice"),
    (
        broken.OneStore,
        "store_agrees_with_a_model_after_any_sequence",
        "make_store returned a store that already holds data: decisions(acme) contains Transfer(",
    ),
    (
        broken.ForgetsSubscriptions,
        "subscription_returns_every_field",
        "subscription('acme', 'berlin') is None, although a decision on it was committed",
    ),
    (
        broken.RevisionsForWallets,
        "commit_ignores_expected_for_a_transfer",
        "commit compared a revision for a transfer",
    ),
    (
        broken.ReturnsRevisionForWallets,
        "commit_stores_an_equal_transfer_once",
        "commit must return None for a transfer",
    ),
    (
        broken.ReturnsRevisionForWallets,
        "store_agrees_with_a_model_after_any_sequence",
        "commit returned 'r1' for a transfer",
    ),
    (
        broken.LostToken,
        "commit_stores_an_equal_transfer_once",
        "an equal decision or transfer was booked twice",
    ),
    (
        broken.LostToken,
        "commit_stores_an_equal_decision_once",
        "an equal decision did not return the revision of the first",
    ),
    (
        broken.ShortMemory,
        "store_agrees_with_a_model_after_any_sequence",
        "state.open_account(amount=",
    ),
    (
        broken.BurntToken,
        "refused_commit_leaves_its_token_unused",
        "but it changed the store",
    ),
    (
        broken.SecretlyBurntToken,
        "refused_commit_leaves_its_token_unused",
        "a refused commit used up its token",
    ),
    (
        broken.TokenAlone,
        "commit_refuses_a_token_of_another_decision",
        "commit accepted a token again for",
    ),
    (
        broken.TokenAlone,
        "commit_refuses_a_token_of_another_subscription",
        "a decision with another 'after'",
    ),
    (broken.TokenAlone, "concurrent_commits_accept_a_token_once", "seven raise TokenReused"),
    (
        broken.TokenUnderWalletLock,
        "concurrent_commits_accept_a_token_once",
        "seven raise TokenReused",
    ),
    (
        broken.TokenAndSums,
        "commit_refuses_a_token_of_another_decision",
        "that differs in its order",
    ),
    (
        broken.TokenAndSums,
        "commit_refuses_a_token_of_another_subscription",
        "a decision with another 'before'",
    ),
    (
        broken.ComparesText,
        "commit_compares_without_the_requested_number",
        "two decisions that differ only in the requested number are equal",
    ),
    (
        broken.TokenPerProfile,
        "commit_refuses_a_token_of_another_profile_or_wallet",
        "commit accepted a token again, for another profile",
    ),
    (
        broken.TokenPerWallet,
        "commit_refuses_a_token_of_another_profile_or_wallet",
        "or another wallet",
    ),
    (
        broken.EqualRefused,
        "commit_stores_an_equal_decision_once",
        "an equal decision did not return the revision of the first",
    ),
    (
        broken.ReturnsCurrentRevision,
        "commit_recognizes_a_decision_after_later_ones",
        "did not return the revision of its first commit",
    ),
    (
        broken.ForgetsTransfers,
        "store_agrees_with_a_model_after_any_sequence",
        "must return what was committed",
    ),
    (
        broken.ForgetsTransfers,
        "decision_returns_every_field_of_a_transfer",
        "the transfer that was read differs from the transfer committed",
    ),
    (
        broken.TokenWithoutAccount,
        "commit_accepts_a_token_of_another_account",
        "commit refused a token that only another account has committed",
    ),
    (
        broken.TokenPrefix,
        "decision_finds_only_committed_tokens",
        "committed nothing with 'call/c'",
    ),
    (
        broken.ShortTokenColumn,
        "longest_identifiers_work_together",
        "an identifier of 255 characters, or a token of such identifiers, is too long",
    ),
    (
        broken.CutsLongNames,
        "longest_identifiers_work_together",
        "an identifier of 255 characters, or a token of such identifiers, is too long",
    ),
    (
        broken.ChecksTokenFirst,
        "concurrent_commits_store_an_equal_decision_once",
        "all must get one answer, it is booked once",
    ),
    (
        broken.TokenBeforeConflict,
        "commit_checks_the_revision_before_the_token",
        "expected Conflict, found TokenReused",
    ),
    (
        broken.CreditBeforeConflict,
        "commit_checks_the_revision_before_the_credit",
        "expected Conflict, found InsufficientCredit",
    ),
    (
        broken.CreditBeforeToken,
        "commit_checks_the_token_before_the_credit",
        "expected TokenReused, found InsufficientCredit",
    ),
    (
        broken.CurrencyFirst,
        "commit_checks_the_revision_before_the_credit",
        "expected Conflict, found CurrencyMismatch",
    ),
    (
        broken.CurrencyFirst,
        "commit_checks_the_token_before_the_credit",
        "expected TokenReused, found CurrencyMismatch",
    ),
    (
        broken.CreditBeforeSeen,
        "commit_checks_the_number_of_postings_before_the_credit",
        "the wallet refuses: check seen first",
    ),
    (
        broken.SeenBeforeToken,
        "commit_checks_the_number_of_postings_before_the_credit",
        "expected TokenReused, found Conflict",
    ),
    (
        broken.IgnoresSeen,
        "commit_refuses_another_number_of_postings",
        "commit accepted a transfer that had seen another number of postings",
    ),
    (
        broken.SeesAllWallets,
        "commit_refuses_another_number_of_postings",
        ".found: expected '3 postings' (str), found '6 postings'",
    ),
    (
        broken.AlwaysPlural,
        "commit_refuses_another_number_of_postings",
        ".expected: expected '1 posting' (str), found '1 postings'",
    ),
    (
        broken.NoThousandsSeparator,
        "commit_refuses_another_number_of_postings",
        ".expected: expected '1,012 postings' (str), found '1012 postings'",
    ),
    (
        broken.SeesCommits,
        "commit_counts_the_postings_of_the_first_wallet",
        "commit must compare seen with the postings of the first posting's wallet",
    ),
    (
        broken.SeenOfRepeats,
        "commit_repeats_a_transfer_that_has_seen_fewer_postings",
        "commit refused the retry of a transfer that it had accepted",
    ),
    (
        broken.PartialCommit,
        "commit_stores_all_or_nothing",
        "finish all checks before the first write",
    ),
    (
        broken.ChecksCreditFirst,
        "concurrent_commits_never_overdraw_a_wallet",
        "of 40 withdrawals of 1 EUR from 20 EUR by eight threads, 20 must succeed",
    ),
    (
        broken.LastWriteWins,
        "concurrent_commits_add_up_on_a_new_wallet",
        "a balance was overwritten",
    ),
    (
        broken.NoBound,
        "commit_reports_missing_credit_exactly",
        "commit took 39.75 EUR from 10.50 EUR",
    ),
    (
        broken.NoBound,
        "commit_overdraws_only_if_the_decision_may",
        "commit accepted a debit below zero without may_overdraw",
    ),
    (
        broken.NeverBelowZero,
        "commit_overdraws_only_if_the_decision_may",
        "commit refused a decision with may_overdraw",
    ),
    (
        broken.OnlyCallsOverdraw,
        "commit_overdraws_only_if_the_decision_may",
        "commit refused a decision with may_overdraw",
    ),
    (
        broken.StaysLocked,
        "commit_to_a_wallet_below_zero",
        "commit must accept a receipt on a wallet below zero, even if it stays below",
    ),
    (
        broken.NoBound,
        "commit_to_a_wallet_below_zero",
        "commit accepted a debit on a wallet below zero without may_overdraw",
    ),
    (
        broken.PostingByPosting,
        "commit_adds_up_the_postings_of_a_wallet",
        "a refund counts towards the charge",
    ),
    (
        broken.NoBound,
        "commit_treats_a_new_wallet_as_empty",
        "commit took credit from a wallet without postings",
    ),
    (
        broken.Deadlock,
        "concurrent_commits_do_not_deadlock",
        "raised RuntimeError('deadlock detected')",
    ),
    (broken.WrongError, "commit_reports_missing_credit_exactly", "raised ValueError('not enough')"),
    (
        broken.WrongPart,
        "commit_reports_missing_credit_exactly",
        ".available: expected Decimal('10.50')",
    ),
    (
        broken.OneCurrency,
        "commit_refuses_another_currency",
        "commit raised CurrencyMismatch, but it changed the store: finish all checks",
    ),
    (broken.HalfDone, "reads_never_show_half_a_transfer", "a reader saw half of a transfer"),
    (
        broken.SoldFirst,
        "reads_show_all_of_a_purchase_or_nothing",
        "a reader saw part of a purchase",
    ),
    (
        broken.PaidFirst,
        "reads_show_all_of_a_purchase_or_nothing",
        "a reader saw part of a purchase",
    ),
    (
        broken.TakenBack,
        "reads_show_all_of_a_purchase_or_nothing",
        "a reader saw subscription/unpaid-1/0/buy in the subscription",
    ),
    (
        broken.Snapshots,
        "reads_show_the_commits_of_other_threads",
        "[balance(account 'acme')]",
    ),
    (
        broken.CachesRows,
        "reads_show_the_commits_of_other_threads",
        "a thread that read before does not see the commit of another thread",
    ),
    (broken.LosesRequested, "subscription_returns_every_field", "quote.plan.requested"),
    (broken.LosesLines, "subscription_returns_every_field", "value.quote.lines"),
    (broken.LosesPending, "subscription_returns_every_field", "value.pending"),
    (broken.WholeSeconds, "subscription_returns_extreme_values", "allowance.granted"),
    (broken.LosesRefund, "decision_returns_every_field", ".refund: expected"),
    (broken.LosesRequest, "decision_returns_every_field", ".request: expected"),
    (broken.LosesCall, "decision_returns_every_field", ".call: expected"),
    (broken.LosesOverdraft, "decision_returns_every_field", ".may_overdraw: expected True"),
    (broken.LosesSeen, "decision_returns_every_field_of_a_transfer", ".seen: expected 0"),
    (broken.LosesValueDate, "postings_return_every_field", ".value_date: expected"),
    (
        broken.ForgetsDefinitions,
        "commit_stores_the_offers_and_tariffs_of_a_decision",
        "store them in the same commit as the value",
    ),
    (
        broken.DefinitionsByName,
        "commit_stores_the_offers_and_tariffs_of_a_decision",
        "under its digest, not under its name",
    ),
    (
        broken.DefinesBeforeTheCommit,
        "refused_commit_stores_no_offer_or_tariff",
        "as stored only after the transaction that stores it",
    ),
    (
        broken.FloatMoney,
        "balance_and_postings_carry_18_digits",
        "'a longer number', 'a whole number of at most 18 digits'); allowed errors: none",
    ),
    (
        broken.ForgetsZero,
        "balance_is_the_sum_of_the_postings",
        "at the end 0, not None",
    ),
    (broken.ZeroUnseen, "reads_find_nothing_in_an_empty_store", "the balance is None, not 0"),
    (broken.UnseenIsAnError, "reads_find_nothing_in_an_empty_store", "raised KeyError(Wallet("),
    (broken.OneWallet, "reads_distinguish_similar_identifiers", "confused it with another wallet"),
    (broken.JoinedKeys, "reads_distinguish_similar_identifiers", "confused it with another wallet"),
    (broken.OneEmoji, "reads_distinguish_similar_identifiers", "confused it with another wallet"),
    (
        broken.CutsLongNames,
        "reads_distinguish_similar_identifiers",
        "confused it with another wallet",
    ),
    (broken.AnyCase, "reads_distinguish_similar_identifiers", "confused it with another wallet"),
    (
        broken.ProfileWithoutAccount,
        "accounts_share_nothing",
        "the account must be a part of every key",
    ),
    (broken.TokenWithoutAccount, "accounts_share_nothing", "must be a part of every key"),
    (broken.WalletOfAllAccounts, "accounts_share_nothing", "must be a part of every key"),
    (
        broken.ByDay,
        "postings_are_in_commit_order",
        "the postings are not in commit order",
    ),
    (
        broken.NumberedEarly,
        "concurrent_commits_book_postings_in_commit_order",
        "account 'acme' would be below zero after transfer/t-",
    ),
    (broken.UntilTheEnd, "postings_and_decisions_select_days", "returned the wrong days"),
    (broken.DayOfDecision, "postings_and_decisions_select_days", "returned the wrong days"),
    (broken.ByBookingDay, "postings_and_decisions_select_days", "limit=1) returned the wrong days"),
    (
        broken.DecisionsByBookingDay,
        "postings_and_decisions_select_days",
        "limit=1) returned the wrong days",
    ),
    (
        broken.BalanceWithTheDay,
        "balance_before_adds_earlier_days",
        "is not the sum of the postings of earlier days",
    ),
    (
        broken.ByBookingDay,
        "balance_before_adds_earlier_days",
        "is not the sum of the postings of earlier days",
    ),
    (
        broken.NoBalanceBefore,
        "balance_before_adds_earlier_days",
        "is not the sum of the postings of earlier days",
    ),
    (
        broken.BalanceOfDecisions,
        "balance_before_counts_each_posting_of_a_decision",
        "must count each posting from its own value date",
    ),
    (
        broken.DecisionsByDay,
        "decisions_are_in_commit_order",
        "the decisions are not in commit order",
    ),
    (
        broken.DecisionsWithMoney,
        "decisions_are_in_commit_order",
        "the decisions are not in commit order",
    ),
    (
        broken.ProfilesInAnyCase,
        "profiles_are_sorted_by_code_point",
        "are not complete, or not sorted by code point",
    ),
    (
        broken.RunningProfiles,
        "profiles_are_sorted_by_code_point",
        "are not complete, or not sorted by code point",
    ),
    (
        broken.ProfilesWithoutWallets,
        "profiles_are_sorted_by_code_point",
        "are not complete, or not sorted by code point",
    ),
    (broken.IndexPerWallet, "postings_return_every_field", ".index: expected"),
    (broken.NoPage, "reads_find_nothing_in_an_empty_store", "but Page was expected"),
    (broken.NoDue, "reads_find_nothing_in_an_empty_store", "the store has no method due"),
    (
        broken.DueTooLate,
        "due_contains_a_subscription_after_its_term",
        "the terms end on 2026-02-04",
    ),
    (
        broken.SecondsIn32Bits,
        "due_contains_a_subscription_after_its_term",
        "due(2099-02-03) is wrong",
    ),
    (
        broken.DueThoughEnded,
        "due_contains_only_running_subscriptions",
        "is wrong about an expired subscription",
    ),
    (
        broken.DueIfActive,
        "due_contains_only_running_subscriptions",
        "a cancelled subscription: it is due too",
    ),
    (
        broken.EndOfPurchase,
        "due_follows_a_change_of_the_term",
        "due is wrong after a change of the term from 2026-01-05 to 2026-02-04 to 2026-01-15 to",
    ),
    (
        broken.DueByName,
        "due_is_sorted_by_end_then_account_then_profile",
        "is not sorted by end of term, account and profile",
    ),
    (
        broken.DueInUtf16,
        "due_is_sorted_by_end_then_account_then_profile",
        "is not sorted by end of term, account and profile",
    ),
    (broken.DueOfEveryAccount, "due_selects_an_account", "due(account='acme', limit=1) is wrong"),
    (broken.DueOfPrefix, "due_selects_an_account", "due(account='acme', limit=1) is wrong"),
    (broken.DueOfEveryShard, "due_selects_a_shard", "due(shard=(0, 2), limit=1) is wrong"),
    (broken.OwnShards, "due_selects_a_shard", "due(shard=(0, 2), limit=1) is wrong"),
    (
        broken.ThousandPostings,
        "pages_return_more_than_a_thousand",
        "the postings of a wallet do not contain all",
    ),
    (
        broken.HundredDue,
        "pages_return_more_than_a_thousand",
        "the pages of due do not contain all",
    ),
    (
        broken.SkipsRows,
        "pages_stay_complete_while_subscriptions_change",
        "miss a profile that was due during the whole walk",
    ),
    (
        broken.ForgetsTheDay,
        "pages_contain_all_due_profiles",
        "do not contain exactly the due profiles",
    ),
    (
        broken.CursorMustBeDue,
        "pages_stay_complete_while_subscriptions_change",
        "miss a profile that was due during the whole walk",
    ),
    (
        broken.LongPages,
        "pages_contain_all_due_profiles",
        "a page of due holds 2 items; the limit is 1",
    ),
    (broken.AnyLimit, "a_limit_below_one_is_refused", "accepted limit=0"),
    (
        broken.RefusesAnotherParameter,
        "a_limit_below_one_is_refused",
        "names another parameter than the limit",
    ),
    (
        broken.CursorOfFullPages,
        "pages_have_no_cursor_after_the_last_item",
        "returned pages of the wrong sizes",
    ),
    (
        broken.SkipsRows,
        "pages_stay_complete_while_others_commit",
        "miss an item or repeat one",
    ),
    (
        broken.EndlessWalk,
        "due_contains_a_subscription_after_its_term",
        "the pages of due never end",
    ),
    (
        broken.EndlessWalk,
        "pages_stay_complete_while_subscriptions_change",
        "the pages of due never end",
    ),
    (
        broken.SlashInCursor,
        "cursors_work_after_any_identifier",
        "the pages of due never end: return no cursor with the last page",
    ),
    (
        broken.AwaitedStore,
        "reads_find_nothing_in_an_empty_store",
        "test an asynchronous store with",
    ),
]
ASYNC = [
    (broken.NotAsync, "reads_find_nothing_in_an_empty_store", "write `async def balance`"),
    (
        broken.MissingAwait,
        "reads_find_nothing_in_an_empty_store",
        "missing inside `async def balance`",
    ),
    (
        broken.CancelledHalfway,
        "cancelled_commit_stores_everything_or_nothing",
        "a commit that was cancelled at await number",
    ),
    (
        broken.DefinesAfterTheCommit,
        "cancelled_commit_stores_everything_or_nothing",
        "store them in the same commit as the value",
    ),
    (
        broken.ForgottenFuture,
        "reads_find_nothing_in_an_empty_store",
        "missing inside `async def balance`",
    ),
    (
        broken.AwaitsInBetween,
        "concurrent_commits_accept_a_revision_once",
        "seven raise Conflict",
    ),
    (
        broken.AwaitsInBetween,
        "concurrent_commits_never_overdraw_a_wallet",
        "of 40 withdrawals of 1 EUR from 20 EUR by eight threads, 20 must succeed",
    ),
]

# The rows with their contract. A run of pytest starts slowly, so it does several rows.
BROKEN = [
    *(("StoreContract", *row) for row in SYNC),
    *(("AsyncStoreContract", *row) for row in ASYNC),
]
ROWS_OF_A_RUN = 8

# The asynchronous contract contains all tests of the synchronous one.
TESTS = [name for name in dir(AsyncStoreContract) if name.startswith("test_")]


@pytest.fixture
def run_contract(pytester, monkeypatch):
    """Return a function that runs a test of a contract, or all of them, and returns the result."""
    # The runs need no plugins, and more than a hundred runs start faster without them.
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")

    def run(contract, class_body, test, *arguments):
        pytester.makepyfile(
            f"""
import pytest
from channelplans.testing.stores import {contract}
from tests.testing import broken, test_stores

class TestStore({contract}):
{class_body}
"""
        )
        selection = ["-k", f"test_{test}"] if test else []
        return pytester.runpytest_inprocess("-p", "no:cacheprovider", *selection, *arguments)

    return run


def class_body_for(store_class):
    """Return the body of a test class whose fixture ``make_store`` returns a store class."""
    fixture = "    @pytest.fixture\n    def make_store(self):\n"
    return f"{fixture}        return broken.{store_class.__name__}\n"


def class_name(value):
    """Return a class's name as the id of a parameter, and None for any other value."""
    return getattr(value, "__name__", None)


def outcomes_of(result):
    """Return the counts of a result without the tests that were not selected."""
    outcomes = result.parseoutcomes()
    outcomes.pop("deselected", None)
    return outcomes


def run_contracts(pytester, rows, *options):
    """Run a contract test on the broken store of each row; return the failed reports of each."""
    lines = [
        "import pytest",
        "from channelplans.testing.stores import AsyncStoreContract, StoreContract",
        "from tests.testing import broken, test_stores",
    ]
    tests = {}
    for number, row in enumerate(rows):
        contract, store_class, test, _ = row
        lines += [
            f"class TestStore{number}({contract}):",
            class_body_for(store_class),
            # Without the other tests, pytest collects much faster.
            f"for name in {{*test_stores.TESTS}} - {{'test_{test}'}}:",
            f"    setattr(TestStore{number}, name, None)",
        ]
        tests[f"test_rows.py::TestStore{number}::test_{test}"] = row
    pytester.makepyfile(test_rows="\n".join(lines))
    result = pytester.inline_run("-p", "no:cacheprovider", *options)
    reports = result.getreports("pytest_runtest_logreport")
    failed = [report for report in reports if report.failed]
    assert all(report.when == "call" for report in failed), "a fixture failed"
    return {
        row: [report for report in failed if report.nodeid.partition("[")[0] == test]
        for test, row in tests.items()
    }


@pytest.mark.parametrize("first", range(0, len(BROKEN), ROWS_OF_A_RUN))
def test_contract_says_what_is_wrong_with_a_broken_store(pytester, monkeypatch, first):
    """The contract test of each row fails and names the mistake."""
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    # For other tracebacks, pytest parses all source files again at each failure.
    failures = run_contracts(pytester, BROKEN[first : first + ROWS_OF_A_RUN], "--tb=native")

    for row, reports in failures.items():
        _, store_class, test, message = row
        assert reports, f"test_{test} passed {store_class.__name__}"
        output = "".join(report.longreprtext + report.capstdout for report in reports)
        assert message in output, store_class.__name__


@pytest.mark.parametrize("row", [BROKEN[0], BROKEN[-1]], ids=["store", "asynchronous store"])
def test_failed_contract_test_prints_its_advice(pytester, monkeypatch, row):
    """pytest shows the docstring of the test, which ends with the advice."""
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    ((report,),) = run_contracts(pytester, [row]).values()

    assert "If it fails" in report.longreprtext


def test_contract_passes_a_correct_store(run_contract):
    """The base class of the synchronous broken stores passes all tests of the contract."""
    class_body = class_body_for(broken.PlainStore)
    outcomes = run_contract("StoreContract", class_body, "").parseoutcomes()

    assert {"passed", "skipped"} == outcomes.keys()
    assert 2 == outcomes["skipped"]


def test_contract_passes_a_correct_asynchronous_store(run_contract):
    """The base class of the asynchronous broken stores passes the tests that these stores fail.

    ``test_memory_contract`` runs all tests of the asynchronous contract.
    """
    tests = sorted({test for _, test, _ in ASYNC})
    class_body = class_body_for(broken.AwaitedStore)
    result = run_contract("AsyncStoreContract", class_body, " or test_".join(tests))

    assert {"passed": len(tests)} == outcomes_of(result)


def test_contract_finds_a_lock_that_a_cancelled_task_kept(run_contract, monkeypatch):
    """The next commit waits for the lock, and the suite stops waiting for the commit."""

    commit_valid = checked_store.CheckedStore.commit_valid

    def commit_valid_with_short_timeout(*arguments):
        # Nothing else is cut short, however slow the machine is.
        monkeypatch.setattr(checked_store, "TIMEOUT", 0.1)
        return commit_valid(*arguments)

    monkeypatch.setattr(checked_store.CheckedStore, "commit_valid", commit_valid_with_short_timeout)
    result = run_contract(
        "AsyncStoreContract", class_body_for(broken.LockedForEver), "cancelled_commit"
    )

    assert 1 == result.parseoutcomes()["failed"]
    result.stdout.fnmatch_lines(["*raised TimeoutError()*such as a lock*"])


def test_contract_refuses_the_class_of_a_store():
    """If ``make_store`` returns a function that returns a class, the error shows how to call it."""
    with pytest.raises(WrongType, match=r"^store must be a store, such as MemoryStore\(\), not "):
        checked_store.open_store(lambda: MemoryStore)


@pytest.mark.parametrize(
    ("account", "found"),
    [
        ("acme", "decisions(acme) contains Transfer("),
        ("globex", "decisions(globex) contains Transfer("),
        ("other", "due(2090-01-01) contains ('other', 'berlin')"),
    ],
)
def test_contract_refuses_a_store_that_holds_something(account, found):
    """A store that was used before would fail tests with messages that mislead."""
    used_store = MemoryStore()
    used_store.commit(make_deposit("50", wallet=Wallet(account)), expected=None)
    used_store.commit(make_purchase(account=account), expected=None)
    with pytest.raises(AssertionError) as raised:
        open_new_store(lambda: used_store)

    assert str(raised.value).startswith(
        f"make_store returned a store that already holds data: {found}"
    )
    assert str(raised.value).endswith("; return a new, empty store at each call")


def test_contract_refuses_the_same_store_in_its_fixtures(run_contract):
    """The fixture ``store`` and a sequence that is written by hand check the store too."""
    class_body = """
    @pytest.fixture
    def make_store(self):
        store = broken.PlainStore()
        store.commit(test_stores.make_deposit("1"), expected=None)
        return lambda: store

    def test_mine(self, Machine):
        Machine()
"""
    result = run_contract("StoreContract", class_body, "mine or test_reads_find_nothing")

    assert {"failed": 1, "errors": 1} == outcomes_of(result)
    result.stdout.fnmatch_lines(["*make_store returned a store that already holds data*"] * 2)


def test_checked_store_answers_as_the_store_does():
    """A test that a store's author adds can read profiles and decisions in pages, too."""
    plain_store = MemoryStore()
    store = checked_store.open_store(lambda: plain_store)
    store.commit(make_deposit("50"))
    store.commit(make_purchase())

    assert Page(("berlin",)) == store.profiles("acme")
    assert plain_store.decisions("acme", limit=1) == store.decisions("acme", limit=1)
    assert make_deposit("50") == store.decisions("acme").items[0]


def test_each_test_of_the_contract_fails_a_broken_store():
    """Two contract tests need a second process. Their broken stores stand further down."""
    failing_tests = {f"test_{test}" for _, test, _ in [*SYNC, *ASYNC]}

    assert {
        "test_processes_keep_the_books_consistent",
        "test_store_keeps_its_contents_when_it_is_reopened",
    } == {*TESTS} - failing_tests


def test_contract_passes_a_store_that_encodes_its_values(run_contract):
    """The base class of the stores that lose definitions passes the tests that these fail."""
    tests = "definition or offers_and_tariffs or offer_or_tariff or returns_every_field"
    class_body = class_body_for(broken.EncodedStore)
    result = run_contract("StoreContract", class_body, tests)

    assert {"passed"} == outcomes_of(result).keys()


@pytest.mark.parametrize("name", TESTS)
def test_each_test_of_the_contract_gives_advice(name):
    """The docstring states the behaviour, and then how to repair a store."""
    behaviour, _, advice = getattr(AsyncStoreContract, name).__doc__.partition("\n\n")

    assert behaviour.endswith(".")
    assert advice.strip().startswith("If it fails")


# Several processes


def run_workers_in_this_process(reopen, *, workers, actions, awaited):
    """Do the work of ``run_processes`` without the time that it takes to start processes."""
    reports = (
        crowd._run_reopened(reopen, worker, actions, awaited=awaited) for worker in range(workers)
    )
    return sum(reports, start=crowd.WorkerReport((), Counter()))


def class_body_for_processes(reopened_store):
    """Return the body of a test class whose processes open a store by an expression."""
    return f"""
    several_processes = True

    def reopen(self, store):
        return lambda: {reopened_store}

{class_body_for(broken.PlainStore)}"""


def test_contract_passes_a_store_that_processes_share(run_contract, monkeypatch):
    """The store contains the decisions of all workers. ``tests/stores`` uses real processes."""
    monkeypatch.setattr(durability, "run_processes", run_workers_in_this_process)
    result = run_contract("StoreContract", class_body_for_processes("store"), "processes")

    assert {"passed": 1} == outcomes_of(result)


def test_contract_fails_a_store_that_processes_do_not_share(run_contract, monkeypatch):
    """The store of the test does not contain the decisions of the processes."""
    monkeypatch.setattr(durability, "run_processes", run_workers_in_this_process)
    class_body = class_body_for_processes("broken.PlainStore()")
    result = run_contract("StoreContract", class_body, "processes")

    assert 1 == result.parseoutcomes()["failed"]
    result.stdout.fnmatch_lines(["*the stored postings differ from those of the decisions*"])


@pytest.mark.parametrize(
    ("open_store", "awaited"),
    [(broken.PlainStore, False), (broken.AwaitedStore, True)],
    ids=class_name,
)
def test_process_does_the_work_of_one_worker(open_store, awaited):
    """The process opens the store, synchronous or asynchronous, and works like one thread."""
    worker, actions = 3, 20
    expected_report = crowd.run_worker(MemoryStore(), worker=worker, actions=actions)

    assert expected_report == crowd._run_reopened(open_store, worker, actions, awaited=awaited)


def test_run_processes_returns_the_work_of_all_workers():
    """Each process opens a store of its own here, so the result is the same in every run."""
    reports = [crowd.run_worker(MemoryStore(), worker=worker, actions=20) for worker in range(2)]
    expected_report = sum(reports, start=crowd.WorkerReport((), Counter()))

    assert expected_report == crowd.run_processes(MemoryStore, workers=2, actions=20)


def test_process_waits_for_the_other_processes():
    """No process begins before all of them are ready."""
    start = Barrier(2)
    other = Thread(target=start.wait)
    other.start()
    crowd._wait_for_all(start)
    other.join()

    assert not start.broken


def test_contract_skips_processes_without_the_flag(run_contract):
    """The reason says what to write."""
    result = run_contract("StoreContract", class_body_for(broken.PlainStore), "processes", "-rs")

    assert 1 == result.parseoutcomes()["skipped"]
    result.stdout.fnmatch_lines(["*set several_processes = True and define reopen*"])


def test_flag_for_processes_requires_reopen(run_contract):
    """The message says what to write."""
    class_body = f"    several_processes = True\n{class_body_for(broken.PlainStore)}"
    result = run_contract("StoreContract", class_body, "processes")

    assert 1 == result.parseoutcomes()["failed"]
    result.stdout.fnmatch_lines(["*several_processes = True needs `def reopen(self, store)`*"])


# Reopened


REOPENED = "store_keeps_its_contents_when_it_is_reopened"


def class_body_in_file(store_class):
    """Return the body of a test class whose stores are written to a file."""
    return f"""
    @pytest.fixture
    def make_store(self, tmp_path):
        return lambda: broken.{store_class.__name__}(tmp_path / "store")

    def reopen(self, store):
        path = getattr(store, "store", store).path
        return test_stores.partial(broken.{store_class.__name__}, path)
"""


@pytest.mark.parametrize(
    ("contract", "store_class", "message"),
    [
        ("StoreContract", broken.FileStore, None),
        ("AsyncStoreContract", broken.AwaitedFile, None),
        (
            "StoreContract",
            broken.RestartsRevisionCount,
            "a reopened store used a revision twice",
        ),
        (
            "StoreContract",
            broken.DefinitionsInMemory,
            "store them in the same commit as the value",
        ),
        (
            "StoreContract",
            broken.ForgetsTokens,
            "[decision(subscription/s-1/0/buy)]: expected",
        ),
    ],
    ids=class_name,
)
def test_contract_reopens_a_store(run_contract, monkeypatch, contract, store_class, message):
    """The test needs ``reopen`` only, not the flag ``several_processes``.

    A thread stands in for the other process here: a process takes seconds to start.
    """
    monkeypatch.setattr(
        durability, "ProcessPoolExecutor", lambda workers, _context: ThreadPoolExecutor(workers)
    )
    result = run_contract(contract, class_body_in_file(store_class), REOPENED)

    assert {"failed" if message else "passed": 1} == outcomes_of(result)
    assert not message or message in result.stdout.str()


def test_contract_reopens_a_store_in_another_process(run_contract):
    """The message of the other process appears in the output."""
    result = run_contract("StoreContract", class_body_in_file(broken.NeverCommits), REOPENED)

    assert {"failed": 1} == outcomes_of(result)
    result.stdout.fnmatch_lines(["*a reopened store does not contain what was committed*"])


def test_reopened_store_accepts_four_calls_in_sequence(tmp_path):
    """Each call uses the subscription that the previous decision stored."""
    open_store = partial(broken.FileStore, tmp_path / "store")
    store = checked_store.open_store(open_store)
    decision, _ = open_account(store)
    contents = store.read_affected(decision)

    revisions = durability.reopen_and_record_calls(open_store, decision, contents)

    assert ["r4", "r5", "r6", "r7"] == revisions
    assert decision.after.sequence + 4 == open_store().stored["acme", "berlin"].value.sequence


def test_contract_skips_the_reopening_without_reopen(run_contract):
    """The reason says what to write."""
    class_body = class_body_for(broken.PlainStore)
    result = run_contract("StoreContract", class_body, "store_keeps_its_contents", "-rs")

    assert 1 == result.parseoutcomes()["skipped"]
    result.stdout.fnmatch_lines(
        ["*define reopen if the contents of the store outlive the process*"]
    )


# Use of the suite


@pytest.mark.parametrize("contract", [StoreContract, AsyncStoreContract], ids=class_name)
def test_contract_without_make_store_shows_an_example(run_contract, contract):
    """The message shows the fixture for this contract."""
    result = run_contract(contract.__name__, "    pass", "reads_find_nothing")

    assert 1 == result.parseoutcomes()["errors"]
    result.stdout.fnmatch_lines(
        [
            "make_store must return a function that makes an empty store:",
            f"    class TestMyStore({contract.__name__}):",
            "        @pytest.fixture",
            "        def make_store(self):",
            "            return MyStore",
        ]
    )


def test_make_store_opens_and_closes_a_store_on_the_loop(run_contract):
    """``make_store`` may return a coroutine function. The fixture ``run`` closes the store."""
    class_body = """
    @pytest.fixture
    def make_store(self, run):
        closed = []
        async def make():
            return broken.AwaitedStore()
        async def close():
            closed.append(True)
        yield make
        run(close())
        assert closed
"""
    result = run_contract("AsyncStoreContract", class_body, "balance_is_the_sum")
    outcomes = result.parseoutcomes()

    assert 1 == outcomes["passed"]
    assert "errors" not in outcomes


@pytest.mark.parametrize("contract", [StoreContract, AsyncStoreContract], ids=class_name)
@pytest.mark.parametrize(
    ("name", "attribute"),
    [
        ("test_commit_stores_all_or_nothing", lambda self: None),
        ("test_commit_stores_all_or_nothing", None),
        ("store", pytest.fixture(lambda self: None)),
        ("new_store", None),
    ],
)
def test_contract_refuses_an_override(contract, name, attribute):
    """A subclass cannot replace or remove a test or a fixture. The message names it."""
    with pytest.raises(TypeError) as raised:
        type("TestMine", (contract,), {name: attribute})

    assert (
        f"TestMine overrides {name} of {contract.__name__}; "
        "a subclass may define make_store, several_processes, reopen and tests with other "
        "names"
    ) == str(raised.value)


def test_contract_refuses_an_override_by_a_mixin():
    """A mixin before the contract cannot replace a test either."""

    class Lenient:
        def test_commit_refuses_another_currency(self):
            """Accept any currency."""

    with pytest.raises(TypeError, match="Mixed overrides test_commit_refuses_another_currency"):
        type("Mixed", (Lenient, StoreContract), {})


def test_contract_accepts_its_settings_and_new_tests():
    """A subclass may define the three names of the message, and tests with new names."""
    attributes = {"make_store": None, "several_processes": True, "reopen": None, "test_mine": None}
    subclass = type("TestMine", (StoreContract,), attributes)

    assert attributes.items() <= vars(subclass).items()


# Test data of the suite


def test_lives_contain_all_actions_statuses_and_offers():
    """They also contain the values that a store loses easily, such as a pending change."""
    decisions = [decision for offer in OFFERS.values() for decision in lifecycle_of(offer)]
    subscriptions = [decision.after for decision in decisions]
    wallet_actions = {
        Action.DEPOSIT,
        Action.CHARGE,
        Action.ASSIGN_CREDIT,
        Action.TAKE_BACK_CREDIT,
        Action.EXPIRE_CREDIT,
    }

    assert set(Action) - wallet_actions == {decision.action for decision in decisions}
    assert set(Status) == {subscription.status for subscription in subscriptions}
    assert {*OFFERS.values()} == {subscription.plan.offer for subscription in subscriptions}
    assert any(subscription.pending for subscription in subscriptions)
    assert any(len(subscription.quote.lines) > 1 for subscription in subscriptions)
    assert any(subscription.allowance.used for subscription in subscriptions)
    assert any(
        subscription.plan.requested != subscription.plan.channels for subscription in subscriptions
    )
    assert {True, False} == {
        any(posting.reason.value == "refund" for posting in decision.postings)
        for decision in decisions
    }


@pytest.mark.parametrize(
    ("max_examples", "minimum", "maximum"),
    [(1, 7, 12), (100, 22, 41), (200, 42, 81)],
)
def test_profile_of_hypothesis_sets_the_number_of_sequences(
    monkeypatch, max_examples, minimum, maximum
):
    """The suite tries 20 sequences for each 100 examples of the profile, and at least five.

    Two more stores show that each store is new.
    """
    # Short sequences are enough to count them.
    monkeypatch.setattr(state_machine, "STEPS", 2)
    stores = []

    def make_store():
        stores.append(checked_store.open_store(MemoryStore))
        return stores[-1]

    with loaded_profile(max_examples=max_examples):
        state_machine.run_machine(make_store)

    assert minimum <= len(stores) <= maximum


def open_machine():
    """Return a store and its model, with 400 euros and a subscription of 5 channels."""
    machine = state_machine.Machine(partial(checked_store.open_store, MemoryStore))
    machine.open_account(amount="400", plan=("Skype Connect, help page", 5, 1))
    return machine


@pytest.mark.parametrize(
    ("cancelled", "lapses", "status"),
    [(True, False, Status.ENDED), (False, True, Status.LAPSED), (False, False, Status.ACTIVE)],
)
def test_sequence_ends_a_term_in_each_way(cancelled, lapses, status):
    """A cancelled subscription expires; an active one lapses or is renewed."""
    machine = open_machine()
    if cancelled:
        machine.change_status("berlin", "cancel")
    machine.end_term("berlin", lapses=lapses)
    machine.check_against_model()

    assert status is machine.model.stored["acme", "berlin"].value.status


def test_correct_store_passes_each_step_of_a_sequence():
    """Every step agrees with the model, also where the store must refuse a commit."""
    machine = open_machine()
    plan = ("Skype Connect, help page", 7, 0)
    machine.deposit("paris", 500)
    machine.expire_credit(None, 10**9, may_overdraw=False, missed=None)  # more than it holds
    machine.expire_credit(None, 100, may_overdraw=False, missed=0)
    machine.expire_credit(None, 100, may_overdraw=False, missed=1)  # has seen too few postings
    machine.expire_credit("paris", 900, may_overdraw=True, missed=None)
    machine.deposit_late("paris", 1400, 10)
    machine.move_credit("assign_credit", "paris", 100, "t-1")
    machine.move_credit("take_back_credit", "paris", 100, "t-1")  # the token is taken
    machine.wait(1)
    machine.change("paris", plan)  # paris has no subscription yet, so nothing is committed
    machine.record_call("berlin", "US", 10)
    machine.change("berlin", plan)
    machine.change("berlin", plan)  # the plan is held already, so nothing is committed
    for index in range(3):  # no revision, an unknown one, the first one
        machine.act_on_any_revision("berlin", plan, index)
        machine.act_on_any_revision("paris", plan, index)
    for index in range(6):
        machine.commit_again(index, index)
        machine.reuse_token(index, is_current=True)
        machine.reuse_token(index, is_current=False)
    machine.buy("paris", plan)
    machine.change_status("paris", "terminate")
    machine.check_due(40, 1)
    machine.check_days(20, 30, 2)
    machine.check_against_model()

    assert {
        ("acme", "berlin"),
        ("acme", "paris"),
        ("globex", "berlin"),
    } == machine.model.stored.keys()
    assert Status.ENDED is machine.model.stored["acme", "paris"].value.status
