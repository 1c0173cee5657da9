"""The contract suite fails every broken store and says why, and passes those that are not."""

# Fixtures and made-up classes say nothing of their types.
# mypy: disable-error-code="attr-defined, union-attr, arg-type"

from functools import partial
from multiprocessing import get_context
from multiprocessing.managers import BaseManager
from threading import Barrier, Thread

import pytest
from hypothesis import settings
from tests.testing import broken

from channelplans.lifecycle import Decision
from channelplans.memory import MemoryStore
from channelplans.subscriptions import Action, Status
from channelplans.testing import _asking, _cases, _machine, _reopening, crowd
from channelplans.testing.builders import OFFERS
from channelplans.testing.stores import AsyncStoreContract, StoreContract

# The store, the test that must fail, and what it must say.
SYNC = [
    (broken.NoCompareAndSet, "a_stale_decision_is_refused", "rests on another revision"),
    (broken.NoneIsAnything, "a_stale_decision_is_refused", "rests on another revision"),
    (
        broken.NoneAfterEnd,
        "what_has_ended_is_stored_still",
        "a purchase that found nothing was stored too",
    ),
    (broken.ComparesFirst, "threads_that_decide_on_one_revision_win_once", "seven raise Conflict"),
    (broken.ComparesFirst, "threads_that_buy_for_one_profile_win_once", "seven raise Conflict"),
    (broken.NoLock, "a_crowd_leaves_the_books_in_order", "AssertionError"),
    (broken.ReusedRevision, "a_revision_is_never_used_twice", "a revision was used twice"),
    (broken.RevisionOfValue, "a_revision_is_never_used_twice", "a revision was used twice"),
    (
        broken.ForgetsSubscriptions,
        "a_subscription_is_read_back_to_the_last_field",
        "subscription('berlin') is None, though a decision about it was committed",
    ),
    (
        broken.GuardsPurses,
        "a_decision_about_purses_guards_no_subscription",
        "purses alone was held to a revision",
    ),
    (
        broken.RevisionOfPurses,
        "the_same_transfer_again_changes_nothing",
        "for a decision about purses alone commit returns None",
    ),
    (
        broken.RevisionOfPurses,
        "any_sequence_of_commits_is_as_the_model_says",
        "for a decision about purses alone commit returned 'r1'",
    ),
    (broken.LostToken, "the_same_transfer_again_changes_nothing", "a transfer was booked twice"),
    (
        broken.LostToken,
        "the_same_decision_again_changes_nothing",
        "an equal decision did not return the revision of the first",
    ),
    (broken.ShortMemory, "any_sequence_of_commits_is_as_the_model_says", "state.opening(amount="),
    (
        broken.BurntToken,
        "a_refused_commit_does_not_use_up_its_token",
        "but something was stored all the same",
    ),
    (
        broken.SecretlyBurntToken,
        "a_refused_commit_does_not_use_up_its_token",
        "a commit that was refused has used its token up",
    ),
    (broken.TokenAlone, "a_token_of_another_decision_is_refused", "a token was used again with"),
    (
        broken.TokenAlone,
        "a_token_of_another_subscription_is_refused",
        "another subscription after the decision",
    ),
    (broken.TokenAlone, "threads_that_use_one_token_win_once", "seven raise TokenReused"),
    (broken.TokenUnderPurseLock, "threads_that_use_one_token_win_once", "seven raise TokenReused"),
    (broken.TokenAndSums, "a_token_of_another_decision_is_refused", "that differs in its order"),
    (
        broken.TokenAndSums,
        "a_token_of_another_subscription_is_refused",
        "another subscription before the decision",
    ),
    (
        broken.ComparesText,
        "an_equal_decision_of_another_request_changes_nothing",
        "of which another number was asked for, was taken for another",
    ),
    (
        broken.TokenPerProfile,
        "a_token_is_taken_for_the_whole_store",
        "a token was used again, for another profile",
    ),
    (
        broken.TokenPerPurse,
        "a_token_is_taken_for_the_whole_store",
        "or another purse",
    ),
    (
        broken.EqualRefused,
        "the_same_decision_again_changes_nothing",
        "an equal decision did not return the revision of the first",
    ),
    (
        broken.RevisionOfNow,
        "the_same_decision_long_after_changes_nothing",
        "was not answered with the revision of then",
    ),
    (
        broken.ForgetsTransfers,
        "any_sequence_of_commits_is_as_the_model_says",
        "told None of what moved purses alone",
    ),
    (broken.ForgetsTransfers, "committed_tells_what_is_known", "committed told None of a deposit"),
    (
        broken.ChecksTokenFirst,
        "threads_that_commit_one_decision_do_it_once",
        "were told different things",
    ),
    (
        broken.TokenBeforeConflict,
        "a_conflict_comes_before_a_reused_token",
        "expected Conflict, found TokenReused",
    ),
    (
        broken.CreditBeforeConflict,
        "a_conflict_comes_before_missing_credit",
        "expected Conflict, found InsufficientCredit",
    ),
    (
        broken.CreditBeforeToken,
        "a_reused_token_comes_before_missing_credit",
        "expected TokenReused, found InsufficientCredit",
    ),
    (
        broken.CurrencyFirst,
        "a_conflict_comes_before_missing_credit",
        "expected Conflict, found CurrencyMismatch",
    ),
    (
        broken.CurrencyFirst,
        "a_reused_token_comes_before_missing_credit",
        "expected TokenReused, found CurrencyMismatch",
    ),
    (broken.PartialCommit, "a_commit_is_all_or_nothing", "a commit is all or nothing"),
    (
        broken.ChecksCreditFirst,
        "threads_take_no_more_than_there_is",
        "something else than 20 times 1 EUR was taken",
    ),
    (
        broken.LastWriteWins,
        "threads_that_post_to_a_new_purse_add_up",
        "a balance was overwritten",
    ),
    (broken.NoBound, "missing_credit_is_told_exactly", "39.75 EUR were taken from 10.50 EUR"),
    (
        broken.PostingByPosting,
        "a_refund_counts_towards_the_charge_beside_it",
        "a refund counts towards the charge",
    ),
    (broken.NoBound, "a_purse_never_seen_holds_nothing", "credit was taken where none was"),
    (
        broken.Deadlock,
        "threads_that_move_credit_both_ways_get_through",
        "raised RuntimeError('deadlock detected')",
    ),
    (broken.WrongError, "missing_credit_is_told_exactly", "raised ValueError('not enough')"),
    (broken.WrongPart, "missing_credit_is_told_exactly", "[available]: expected Decimal('10.50')"),
    (broken.OneCurrency, "a_purse_keeps_its_currency", "a purse holds another currency"),
    (broken.HalfDone, "a_reader_never_sees_half_a_decision", "a reader saw a decision half done"),
    (
        broken.SoldFirst,
        "a_reader_who_sees_a_purchase_sees_all_of_it",
        "it was seen half done",
    ),
    (
        broken.PaidFirst,
        "a_reader_who_sees_a_purchase_sees_all_of_it",
        "it was seen half done",
    ),
    (
        broken.TakenBack,
        "a_reader_who_sees_a_purchase_sees_all_of_it",
        "a reader saw subscription/too dear 1/0/buy in the subscription",
    ),
    (
        broken.Snapshots,
        "what_another_has_committed_is_read_at_once",
        "[balance(account acme)]",
    ),
    (
        broken.CachesRows,
        "what_another_has_committed_is_read_at_once",
        "is not read by whoever has looked before",
    ),
    (broken.LosesRequested, "a_subscription_is_read_back_to_the_last_field", "paid.plan.requested"),
    (broken.LosesLines, "a_subscription_is_read_back_to_the_last_field", "value.paid.sold"),
    (broken.LosesPending, "a_subscription_is_read_back_to_the_last_field", "value.pending"),
    (broken.WholeSeconds, "a_subscription_of_any_fields_is_read_back", "allowance.granted"),
    (broken.FloatMoney, "amounts_have_up_to_60_digits", "an amount is not carried to the unit"),
    (
        broken.ForgetsZero,
        "a_balance_is_the_sum_of_its_postings",
        "which is 0 and not None",
    ),
    (broken.ZeroUnseen, "an_empty_store_holds_nothing", "the balance is None, not 0"),
    (broken.UnseenIsAnError, "an_empty_store_holds_nothing", "raised KeyError(Purse("),
    (
        broken.OnePurse,
        "the_purses_of_an_account_and_a_profile_are_apart",
        "the purse of an account and that of a profile were taken for one",
    ),
    (broken.JoinedKeys, "identifiers_are_told_apart", "was taken for another purse"),
    (broken.OneEmoji, "identifiers_are_told_apart", "was taken for another purse"),
    (broken.CutsLongNames, "identifiers_are_told_apart", "was taken for another purse"),
    (broken.AnyCase, "identifiers_are_told_apart", "was taken for another purse"),
    (
        broken.ByDay,
        "postings_are_in_the_order_of_booking",
        "not in the order in which they were committed",
    ),
    (
        broken.NumberedEarly,
        "threads_that_pay_in_and_take_are_booked_in_their_order",
        "account acme would have been below zero after transfer/t-",
    ),
    (broken.UntilTheEnd, "postings_of_some_days", "holds other days"),
    (broken.DayOfDecision, "postings_of_some_days", "holds other days"),
    (broken.IndexOfPurse, "postings_are_read_back_to_the_last_field", ".index: expected"),
    (broken.NoSequence, "an_empty_store_holds_nothing", "where Sequence was expected"),
    (broken.NoDue, "an_empty_store_holds_nothing", "the store has no method due"),
    (broken.DueTooLate, "a_term_is_due_from_its_end_on", "a term that ends on 2026-02-04"),
    (broken.SecondsIn32Bits, "a_term_is_due_from_its_end_on", "due(2099-02-03) is wrong"),
    (broken.DueThoughEnded, "what_does_not_run_is_not_due", "is wrong about what has ended"),
    (broken.DueIfActive, "what_does_not_run_is_not_due", "what is cancelled: its term ends too"),
    (
        broken.EndOfPurchase,
        "a_change_moves_what_is_due",
        "what is due is wrong after a change from 2026-01-05 to 2026-02-04 to 2026-01-15 to",
    ),
    (
        broken.ThousandPostings,
        "nothing_is_cut_off_after_a_thousand",
        "the postings of a purse are cut off",
    ),
    (broken.HundredDue, "nothing_is_cut_off_after_a_thousand", "what is due is cut off"),
    (
        broken.SkipsRows,
        "a_walk_stands_what_happens_meanwhile",
        "passed by what was due throughout",
    ),
    (broken.ForgetsTheDay, "a_walk_finds_all_that_is_due", "found something else than is due"),
    (
        broken.CursorMustBeDue,
        "a_walk_stands_what_happens_meanwhile",
        "passed by what was due throughout",
    ),
    (broken.LongPages, "a_walk_finds_all_that_is_due", "a page of due holds 2 profiles, over 1"),
    (broken.EndlessWalk, "a_term_is_due_from_its_end_on", "a walk over due does not end"),
    (broken.EndlessWalk, "a_walk_stands_what_happens_meanwhile", "a walk does not end"),
    (broken.SlashInProfile, "what_is_due_is_found_under_any_identifier", "lost a profile"),
    (broken.AwaitedStore, "an_empty_store_holds_nothing", "hold an asynchronous store to"),
]
ASYNC = [
    (broken.NotAsync, "an_empty_store_holds_nothing", "write `async def balance`"),
    (broken.MissingAwait, "an_empty_store_holds_nothing", "missing inside `async def balance`"),
    (
        broken.CancelledHalfway,
        "a_commit_that_is_cancelled_is_whole_or_not_at_all",
        "a commit is half done that was cancelled where it waits",
    ),
    (broken.ForgottenFuture, "an_empty_store_holds_nothing", "missing inside `async def balance`"),
    (
        broken.AwaitsInBetween,
        "threads_that_decide_on_one_revision_win_once",
        "seven raise Conflict",
    ),
    (
        broken.AwaitsInBetween,
        "threads_take_no_more_than_there_is",
        "something else than 20 times 1 EUR was taken",
    ),
]

# Those for a store that is awaited are all that there are.
TESTS = [name for name in dir(AsyncStoreContract) if name.startswith("test_")]


@pytest.fixture
def hold(pytester):
    """Give a function that holds a store to one test of a contract, and returns what came of it."""

    def run(contract, body, test, *arguments):
        pytester.makepyfile(
            f"""
import pytest
from channelplans.testing.stores import {contract}
from tests.testing import broken, test_stores

class TestStore({contract}):
{body}
"""
        )
        chosen = ["-k", f"test_{test}"] if test else []
        plugins = ["-p", "no:randomly", "-p", "no:cacheprovider"]
        return pytester.runpytest_inprocess(*plugins, *chosen, *arguments)

    return run


def made_by(name):
    """Return the body of a class whose fixture gives a class of this name."""
    return f"    @pytest.fixture\n    def make_store(self):\n        return {name}\n"


def name_of(value):
    """Return what a parameter is called."""
    return getattr(value, "__name__", None)


@pytest.mark.parametrize(
    ("contract", "store", "test", "sentence"),
    [
        *(("StoreContract", *row) for row in SYNC),
        *(("AsyncStoreContract", *row) for row in ASYNC),
    ],
    ids=name_of,
)
def test_a_broken_store_fails_with_what_is_wrong(hold, contract, store, test, sentence):
    """The test that it breaks fails, says what it found, and where to look."""
    result = hold(contract, made_by(f"broken.{store.__name__}"), test)
    told = result.stdout.str()

    assert 0 == result.parseoutcomes().get("errors", 0)
    assert 1 <= result.parseoutcomes().get("failed", 0)
    assert sentence in told
    assert "If it fails" in told


@pytest.mark.parametrize("store", [broken.PlainStore, broken.AwaitedStore], ids=name_of)
def test_a_healthy_store_passes(hold, store):
    """The stores that the broken ones are made of hold to all of it."""
    contract = "AsyncStoreContract" if store is broken.AwaitedStore else "StoreContract"
    outcomes = hold(contract, made_by(f"broken.{store.__name__}"), "").parseoutcomes()

    assert {"passed", "skipped"} == outcomes.keys()
    assert 2 == outcomes["skipped"]


def test_a_lock_that_a_cancelled_task_keeps_is_found(hold, monkeypatch):
    """Whoever commits next waits for it, and not for ever."""
    monkeypatch.setattr(_asking, "PATIENCE", 0.5)
    result = hold("AsyncStoreContract", made_by("broken.LockedForEver"), "a_commit_that_is_cancel")

    assert 1 == result.parseoutcomes()["failed"]
    result.stdout.fnmatch_lines(["*raised TimeoutError()*such as a lock, is the store's*"])


def test_every_test_of_the_contract_fails_some_store():
    """None is there that no broken store was seen to break; those of processes come below."""
    broken_by = {f"test_{test}" for _, test, _ in [*SYNC, *ASYNC]}

    assert {
        "test_processes_leave_the_books_in_order",
        "test_what_is_stored_is_there_when_it_is_opened_again",
    } == {*TESTS} - broken_by


@pytest.mark.parametrize("name", TESTS)
def test_every_test_of_the_contract_says_where_to_look(name):
    """Its docstring states the behaviour, and then what to look at."""
    behaviour, _, advice = getattr(AsyncStoreContract, name).__doc__.partition("\n\n")

    assert behaviour.endswith(".")
    assert advice.strip().startswith("If it fails")


# Several processes


class Served(BaseManager):
    """Keeps a store in a process of its own, which any other can ask."""


Served.register("Store", MemoryStore)

SPAWN = get_context("spawn")

PROCESSES = """
    several_processes = True

    @pytest.fixture
    def make_store(self):
        with test_stores.Served(ctx=test_stores.SPAWN) as served:
            yield served.Store

    def reopen(self, store):
        return {opens}
"""


def itself(store):
    """Return a store, which is a proxy that can be sent anywhere."""
    return store


def test_a_store_that_several_processes_share_passes(hold):
    """The suite starts four processes, which open the store by what ``reopen`` returns."""
    body = PROCESSES.format(opens="test_stores.partial(test_stores.itself, store)")

    assert {"passed": 1} == {
        key: count
        for key, count in hold("StoreContract", body, "processes").parseoutcomes().items()
        if key != "deselected"
    }


def test_a_store_that_each_process_has_for_itself_fails(hold):
    """What the others did is not in it."""
    result = hold("StoreContract", PROCESSES.format(opens="broken.PlainStore"), "processes")

    assert 1 == result.parseoutcomes()["failed"]
    result.stdout.fnmatch_lines(["*the postings stored are not those of the decisions*"])


@pytest.mark.parametrize(
    ("opens", "awaited"), [(broken.PlainStore, False), (broken.AwaitedStore, True)], ids=name_of
)
def test_what_a_process_does(opens, awaited):
    """Its work is that of one worker, on a store that it opens itself, awaited or not."""
    store = MemoryStore()

    assert crowd.work(store, worker=3, actions=20) == crowd._elsewhere(
        opens, 3, 20, awaited=awaited
    )


def test_a_process_waits_for_the_others():
    """None begins before all are there."""
    start = Barrier(2)
    other = Thread(target=start.wait)
    other.start()
    crowd._meet(start)
    other.join()

    assert not start.broken


def test_without_the_flag_several_processes_are_skipped(hold):
    """With a sentence that says what to write."""
    result = hold("StoreContract", made_by("broken.PlainStore"), "processes", "-rs")

    assert 1 == result.parseoutcomes()["skipped"]
    result.stdout.fnmatch_lines(["*set several_processes = True and define reopen*"])


def test_the_flag_needs_a_way_to_open_the_store_again(hold):
    """The sentence says what to write."""
    body = f"    several_processes = True\n{made_by('broken.PlainStore')}"
    result = hold("StoreContract", body, "processes")

    assert 1 == result.parseoutcomes()["failed"]
    result.stdout.fnmatch_lines(["*several_processes = True needs `def reopen(self, store)`*"])


# Opened again


@pytest.mark.parametrize(
    ("contract", "store", "sentence"),
    [
        ("StoreContract", broken.FileStore, None),
        ("AsyncStoreContract", broken.AwaitedFile, None),
        ("StoreContract", broken.NeverCommits, "what was committed is not there for whoever opens"),
        ("StoreContract", broken.CountsAnew, "a revision was used twice, by a store opened anew"),
        ("StoreContract", broken.ForgetsTokens, "[committed]: expected 'r2'"),
    ],
    ids=name_of,
)
def test_what_outlives_the_process_is_found_by_the_next(hold, contract, store, sentence):
    """By ``reopen`` alone, whether or not several processes may work at once."""
    body = f"""
    @pytest.fixture
    def make_store(self, tmp_path):
        return lambda: broken.{store.__name__}(tmp_path / "store")

    def reopen(self, store):
        path = getattr(store, "store", store).path
        return test_stores.partial(broken.{store.__name__}, path)
"""
    result = hold(contract, body, "what_is_stored_is_there_when_it_is_opened_again")

    assert {"failed" if sentence else "passed": 1} == {
        key: number for key, number in result.parseoutcomes().items() if key != "deselected"
    }
    assert not sentence or sentence in result.stdout.str()


def test_what_another_process_does_to_a_store_that_it_opens(tmp_path):
    """It goes on from the purchase, with four calls; each is decided on the one before."""
    open_store = partial(broken.FileStore, tmp_path / "store")
    store = open_store()
    decision, revision = _cases.open_account(store)
    store.commit(_reopening.CREDIT, expected=None)

    assert ["r4", "r5", "r6", "r7"] == _reopening.go_on(open_store, decision, revision)
    assert decision.after.sequence + 4 == open_store().held["berlin"].value.sequence


def test_without_reopen_a_store_is_not_opened_again(hold):
    """With a sentence that says what to write."""
    result = hold("StoreContract", made_by("broken.PlainStore"), "what_is_stored", "-rs")

    assert 1 == result.parseoutcomes()["skipped"]
    result.stdout.fnmatch_lines(["*define reopen if what is stored outlives it*"])


# How the suite is used


@pytest.mark.parametrize("contract", [StoreContract, AsyncStoreContract], ids=name_of)
def test_without_make_store_the_sentence_shows_one(hold, contract):
    """Whoever forgets it reads what to write, for the contract in question."""
    result = hold(contract.__name__, "    pass", "an_empty_store")

    assert 1 == result.parseoutcomes()["errors"]
    result.stdout.fnmatch_lines(
        [
            "make_store must give a callable that makes an empty store:",
            f"    class TestMyStore({contract.__name__}):",
            "        @pytest.fixture",
            "        def make_store(self):",
            "            return MyStore",
        ]
    )


def test_what_is_opened_on_the_loop_is_closed_there(hold):
    """``make_store`` may be a coroutine function, and opens and closes by ``run``."""
    body = """
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
    outcomes = hold("AsyncStoreContract", body, "a_balance_is_the_sum").parseoutcomes()

    assert 1 == outcomes["passed"]
    assert "errors" not in outcomes


def overridden(contract, **parts):
    """Make a subclass of a contract."""
    return type("TestMine", (contract,), parts)


@pytest.mark.parametrize("contract", [StoreContract, AsyncStoreContract], ids=name_of)
@pytest.mark.parametrize(
    ("name", "part"),
    [
        ("test_a_commit_is_all_or_nothing", lambda self: None),
        ("test_a_commit_is_all_or_nothing", None),
        ("store", pytest.fixture(lambda self: None)),
        ("new_store", None),
    ],
)
def test_the_contract_cannot_be_overridden(contract, name, part):
    """A test that is replaced or taken away is refused by its name, and so is a fixture."""
    with pytest.raises(TypeError) as raised:
        overridden(contract, **{name: part})

    assert (
        f"TestMine overrides {name} of {contract.__name__}, and a store holds to all of it or not "
        "at all; what may be defined is make_store, several_processes, reopen, and tests by other "
        "names"
    ) == str(raised.value)


def test_the_contract_cannot_be_overridden_by_what_is_mixed_in():
    """Nor by a class between the contract and the one that is run."""

    class Lenient:
        def test_a_purse_keeps_its_currency(self):
            """Whatever it holds."""

    with pytest.raises(TypeError, match="Mixed overrides test_a_purse_keeps_its_currency"):
        type("Mixed", (Lenient, StoreContract), {})


def test_what_may_be_defined():
    """The three of the sentence, and tests by other names."""
    parts = {"make_store": None, "several_processes": True, "reopen": None, "test_mine": None}

    assert parts.items() <= vars(overridden(StoreContract, **parts)).items()


# What the suite is made of


def lives():
    """Return every decision of a life under each shipped offer."""
    decisions = []
    for offer in OFFERS:
        steps = _cases.life(offer)
        decision: Decision | None = next(steps)
        while decision is not None:
            decisions.append(decision)
            try:
                decision = steps.send(decision.after)
            except StopIteration:
                decision = None
    return decisions


def test_the_lives_go_through_all_that_can_happen():
    """Every action on a subscription and every status; what is easily lost; every offer."""
    decisions = lives()
    after = [decision.after for decision in decisions]
    on_purses = {
        Action.DEPOSIT,
        Action.ASSIGN_CREDIT,
        Action.TAKE_BACK_CREDIT,
        Action.EXPIRE_CREDIT,
    }

    assert set(Action) - on_purses == {decision.action for decision in decisions}
    assert set(Status) == {held.status for held in after}
    assert set(OFFERS) == {held.plan.offer for held in after}
    assert any(held.pending for held in after)
    assert any(held.paid.sold for held in after)
    assert any(held.allowance.used for held in after)
    assert any(held.plan.requested not in {None, held.plan.channels} for held in after)
    assert any(held.plan.requested is None for held in after)
    assert {True, False} == {
        any(posting.reason.value == "refund" for posting in decision.postings)
        for decision in decisions
    }


@pytest.mark.parametrize(("asked", "least", "most"), [(1, 20, 39), (200, 40, 79)])
def test_more_sequences_are_tried_where_more_are_asked_for(asked, least, most):
    """By a profile of Hypothesis; and never fewer than 20, whatever is loaded."""
    stores = []

    def make_store():
        stores.append(_asking.opened(MemoryStore))
        return stores[-1]

    settings.register_profile("before", settings())
    settings.register_profile("asked", max_examples=asked)
    try:
        settings.load_profile("asked")
        _machine.run_machine(make_store)
    finally:
        settings.load_profile("before")

    assert least <= len(stores) <= most
