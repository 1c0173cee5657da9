"""Runs that meet failures, that are stopped, and that run at the same time."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from itertools import count, islice, repeat
from types import MappingProxyType

import pytest
from tests.storage.services import (
    ACME,
    BERLIN,
    DAY,
    FEB_10,
    FIRST_END,
    FIRST_TERM,
    PLAN,
    PURCHASE_DAY,
    SECOND_END,
    SECOND_TERM,
    TARIFF,
    THIRD_TERM,
    WITH_GRACE,
    AsyncStoreOver,
    balance,
    euros,
    make_call,
    open_account,
    paid_terms,
    profiles_and_actions,
    raising,
    record_call_directly,
    subscription_of,
)

from channelplans.errors import (
    Conflict,
    OutsideTerm,
)
from channelplans.storage.billing import AsyncBilling, Billing
from channelplans.storage.memory import MemoryStore
from channelplans.subscriptions.subscription import Action
from channelplans.subscriptions.wallets import Wallet

THREE_PLANS = MappingProxyType(
    {"amiens": PLAN, "berlin": WITH_GRACE.plan(channels=5), "calais": PLAN}
)
OF_BERLIN = "profile 'berlin' of account 'acme', 2026-01-05 to 2026-02-04"
FIVE_PLANS = MappingProxyType(dict.fromkeys("abcde", PLAN))


class TestFailures:
    """One profile's failure is reported, and the other profiles are still renewed."""

    @pytest.fixture(autouse=True)
    def three_due_profiles(self, store):
        """Buy plans for amiens, berlin and calais; all three are due on the same day."""
        open_account(store, plans=THREE_PLANS)

    @staticmethod
    def check_only_berlin_failed(outcomes, term, error):
        """Check that berlin failed with an error and the others renewed; return berlin's text."""
        outcomes = list(outcomes)
        *_, berlin = outcomes
        expected = [("amiens", Action.RENEW), ("calais", Action.RENEW), ("berlin", None)]

        assert expected == profiles_and_actions(outcomes)
        assert [False, False, True] == [outcome.failed for outcome in outcomes]
        assert (term, error) == (berlin.term, type(berlin.error))
        return str(berlin)

    def test_missing_tariff_is_reported_and_the_term_stays_due(self, make_billing, store):
        """Without a tariff nothing is charged and nothing lapses; a later run renews."""

        def find_tariff(_account, offer, _day):
            if offer == WITH_GRACE:
                raise LookupError("nobody wrote that down")
            return TARIFF

        outcomes = make_billing(store, find_tariff).run_due(on=FIRST_END)
        message = self.check_only_berlin_failed(outcomes, FIRST_TERM, LookupError)

        assert f"{OF_BERLIN}: failed; LookupError: nobody wrote that down" == message
        outcomes = make_billing(store).run_due(on=FIRST_END)
        assert [("berlin", Action.RENEW)] == profiles_and_actions(outcomes)

    def test_failure_to_load_is_reported_without_a_term(self, billing, store):
        """If the subscription cannot be loaded, its term is unknown; a later run renews."""
        broken_row = raising(RuntimeError("a broken row"))
        store.interruptions["subscription of berlin"] = iter([broken_row])
        outcomes = billing.run_due(on=FIRST_END)
        message = self.check_only_berlin_failed(outcomes, None, RuntimeError)

        expected = "profile 'berlin' of account 'acme': failed; RuntimeError: a broken row"
        assert expected == message
        outcomes = billing.run_due(on=FIRST_END)
        assert [("berlin", Action.RENEW)] == profiles_and_actions(outcomes)

    @pytest.mark.parametrize("moment", ["commit of berlin", "after commit of berlin"])
    def test_commit_that_fails_once_is_retried(self, billing, store, moment):
        """The retry charges once, whether the connection failed before or after the commit."""
        store.interruptions[moment] = iter([raising(ConnectionError("the line is dead"))])
        outcomes = billing.run_due(on=FIRST_END)

        expected = [(profile, Action.RENEW) for profile in THREE_PLANS]
        assert expected == profiles_and_actions(outcomes)
        assert [FIRST_TERM, SECOND_TERM] == paid_terms(store)
        assert () == billing.run_due(on=FIRST_END)

    def test_commit_that_fails_twice_is_left_to_the_next_run(self, billing, store):
        """The second failure is reported, and the next run renews."""
        store.interruptions["commit of berlin"] = repeat(raising(RuntimeError("a full disk")), 2)
        outcomes = billing.run_due(on=FIRST_END)
        message = self.check_only_berlin_failed(outcomes, FIRST_TERM, RuntimeError)

        assert f"{OF_BERLIN}: failed; RuntimeError: a full disk" == message
        outcomes = billing.run_due(on=FIRST_END)
        assert [("berlin", Action.RENEW)] == profiles_and_actions(outcomes)

    def test_stop_iteration_from_the_store_does_not_end_the_run(self, billing, store):
        """StopIteration is reported as a failure like any other error."""
        store.interruptions["subscription of berlin"] = iter([raising(StopIteration())])

        self.check_only_berlin_failed(billing.run_due(on=FIRST_END), None, RuntimeError)

    def test_profile_with_endless_conflicts_is_left_to_the_next_run(self, billing, store):
        """After twenty conflicts, the conflict is reported, and the others are still settled."""
        numbers = count()
        billing.deposit(BERLIN, euros("100"), transfer="b", on=PURCHASE_DAY)

        def record_next_call():
            call = make_call(f"c-{next(numbers)}", day=FIRST_END)
            record_call_directly(store, "berlin", call, on=FIRST_END)

        store.interruptions["commit of berlin"] = repeat(record_next_call)
        outcomes = billing.run_due(on=FIRST_END)
        self.check_only_berlin_failed(outcomes, FIRST_TERM, Conflict)

        assert 20 == next(numbers)

    def test_failed_profile_is_reported_once_if_another_one_conflicts(self, billing, store):
        """After the conflict of berlin, the account is read again, and calais fails again."""
        billing.deposit(BERLIN, euros("1"), transfer="b", on=PURCHASE_DAY)
        call = make_call(day=FIRST_END)
        store.interruptions["subscription of calais"] = repeat(raising(OSError("a broken row")))
        store.interruptions["commit of berlin"] = iter(
            [lambda: record_call_directly(store, "berlin", call, on=FIRST_END)]
        )
        outcomes = billing.run_due(on=FIRST_END)

        expected = [("amiens", Action.RENEW), ("berlin", Action.RENEW), ("calais", None)]
        assert expected == profiles_and_actions(outcomes)

    def test_renewal_is_decided_again_after_a_conflict(self, billing, store):
        """A call in the grace period is recorded just before the renewal; both are committed."""
        billing.deposit(BERLIN, euros("1"), transfer="b", on=PURCHASE_DAY)
        call = make_call(day=FIRST_END)

        def record_call():
            record_call_directly(store, "berlin", call, on=FIRST_END)

        store.interruptions["commit of berlin"] = iter([record_call])
        outcomes = billing.run_due(on=FIRST_END)

        expected = [(profile, Action.RENEW) for profile in THREE_PLANS]
        assert expected == profiles_and_actions(outcomes)
        # The purchase, the call and the renewal.
        assert 3 == subscription_of(store).sequence

    def test_terms_renewed_by_a_worker_with_a_later_day_are_skipped(self, billing, store):
        """Another worker renews berlin and calais first; they are charged once and not reported."""
        other_worker = Billing(store, prices=TARIFF)
        store.interruptions["commit of berlin"] = iter([lambda: other_worker.run_due(on=FEB_10)])
        outcomes = billing.run_due(on=FIRST_END)

        assert [("amiens", Action.RENEW)] == profiles_and_actions(outcomes)
        for profile in THREE_PLANS:
            assert [FIRST_TERM, SECOND_TERM] == paid_terms(store, profile)

    def test_renewal_committed_by_two_workers_is_charged_once(self, billing, store):
        """Two workers make the same decisions; both report them, and each profile pays once."""
        other_worker = Billing(store, prices=TARIFF)
        store.interruptions["commit of amiens"] = iter([lambda: other_worker.run_due(on=FIRST_END)])
        outcomes = billing.run_due(on=FIRST_END)

        expected = [(profile, Action.RENEW) for profile in THREE_PLANS]
        assert expected == profiles_and_actions(outcomes)
        for profile in THREE_PLANS:
            assert [FIRST_TERM, SECOND_TERM] == paid_terms(store, profile)

    def test_failure_to_list_due_profiles_is_raised(self, billing, store):
        """An error of due() belongs to no profile, so run_due() raises it."""
        store.interruptions["due"] = iter([raising(RuntimeError("away"))])
        with pytest.raises(RuntimeError, match="away"):
            billing.run_due(on=FIRST_END)

    def test_failure_to_list_one_account_does_not_stop_the_run(self, billing, store):
        """The outcome has no profile and no term; the account is settled by the next run."""
        billing.deposit(Wallet("globex"), euros("100"), transfer="opening", on=PURCHASE_DAY)
        billing.buy(PLAN, account="globex", profile="g", subscription="s of g", on=PURCHASE_DAY)
        store.interruptions["due of one account"] = iter([raising(RuntimeError("away"))])
        failure, success = billing.run_due(on=FIRST_END)

        assert ("acme", None, None) == (failure.account, failure.profile, failure.term)
        assert failure.failed
        assert "account 'acme': failed; RuntimeError: away" == str(failure)
        assert ("globex", Action.RENEW) == (success.account, success.decision.action)
        assert 3 == len(billing.run_due(on=FIRST_END))

    def test_conflict_of_a_question_is_raised_after_twenty_attempts(self, billing, store):
        """A store that answers due() with a conflict is broken; no attempt can succeed."""
        conflict = Conflict("acme", "berlin", None, None)
        store.calls.clear()
        store.interruptions["due of one account"] = repeat(raising(conflict))
        with pytest.raises(Conflict):
            billing.catch_up("acme", on=FIRST_END)

        assert 20 == store.calls.count("due of one account")

    def test_run_on_a_day_before_the_latest_action_is_reported_as_failed(self, billing, store):
        """A worker with an older day does not change a subscription with a later call."""
        billing.deposit(BERLIN, euros("1"), transfer="b", on=PURCHASE_DAY)
        record_call_directly(store, "berlin", make_call(day=FEB_10), on=FEB_10)

        outcomes = billing.run_due(on=FIRST_END)
        self.check_only_berlin_failed(outcomes, FIRST_TERM, OutsideTerm)


class TestStoppedAndParallelRuns:
    """Stopped runs, later runs and parallel runs together charge each term once."""

    @pytest.mark.slow
    @pytest.mark.parametrize("done", range(11))
    def test_next_run_continues_where_an_iteration_stopped(self, billing, store, done):
        """An iteration that stops after any number of outcomes leaves the other terms due."""
        open_account(store, plans=FIVE_PLANS)
        outcomes = list(islice(billing.iter_due(on=SECOND_END), done))
        outcomes += billing.run_due(on=SECOND_END)
        outcomes.sort(key=lambda outcome: (outcome.profile, outcome.term.start))

        expected = [(profile, term) for profile in "abcde" for term in (FIRST_TERM, SECOND_TERM)]
        assert expected == [(outcome.profile, outcome.term) for outcome in outcomes]
        for profile in "abcde":
            assert [FIRST_TERM, SECOND_TERM, THIRD_TERM] == paid_terms(store, profile)

    def test_next_run_continues_after_an_interrupt(self, billing, store):
        """A KeyboardInterrupt between loading and committing leaves the profile due."""
        open_account(store, plans=FIVE_PLANS)
        store.interruptions["commit of c"] = iter([raising(KeyboardInterrupt())])
        with pytest.raises(KeyboardInterrupt):
            billing.run_due(on=FIRST_END)

        expected = [(profile, Action.RENEW) for profile in "cde"]
        assert expected == profiles_and_actions(billing.run_due(on=FIRST_END))

    @pytest.mark.slow
    def test_runs_in_four_threads_charge_each_term_once(self):
        """Each term is charged once, and at least one of the threads reports it."""
        profiles = [f"p-{number:02}" for number in range(60)]
        plans = dict.fromkeys(profiles, PLAN)
        store = open_account(MemoryStore(), credit="9000", plans=plans)
        billing = Billing(store, prices=TARIFF)
        with ThreadPoolExecutor(4) as threads:
            runs = list(threads.map(lambda _: billing.run_due(on=SECOND_END), range(4)))
        reported = {(outcome.profile, outcome.term) for run in runs for outcome in run}

        assert {
            (profile, term) for profile in profiles for term in (FIRST_TERM, SECOND_TERM)
        } == reported
        for profile in profiles:
            assert [FIRST_TERM, SECOND_TERM, THIRD_TERM] == paid_terms(store, profile)
        # 9,000.00 - 60 x 3 x 34.75
        assert "2745.00" == balance(store)

    def test_runs_in_three_tasks_charge_each_term_once(self):
        """Three tasks that take turns at each call to the store report no failure."""
        store = open_account(MemoryStore(), plans=FIVE_PLANS)
        billing = AsyncBilling(AsyncStoreOver(store), prices=TARIFF)

        async def run():
            return [outcome async for outcome in billing.iter_due(on=SECOND_END)]

        async def run_three_times():
            return await asyncio.gather(run(), run(), run())

        runs = asyncio.run(run_three_times())

        assert not any(outcome.failed for outcomes in runs for outcome in outcomes)
        for profile in FIVE_PLANS:
            assert [FIRST_TERM, SECOND_TERM, THIRD_TERM] == paid_terms(store, profile)

    def test_wrong_argument_is_refused_when_the_action_is_awaited(self):
        """In gather(), the refused actions do not stop the valid one."""
        store = open_account(MemoryStore())
        billing = AsyncBilling(AsyncStoreOver(store), prices=TARIFF)

        async def run_all():
            return await asyncio.gather(
                billing.deposit(ACME, euros("-5"), transfer="wrong", on=DAY),
                billing.buy(
                    "5",  # type: ignore[arg-type]
                    account="acme",
                    profile="paris",
                    subscription="s",
                    on=DAY,
                ),
                billing.change("acme", "berlin", plan="5", on=DAY),  # type: ignore[arg-type]
                billing.cancel("acme", "berlin", on=DAY),
                return_exceptions=True,
            )

        *errors, cancellation = asyncio.run(run_all())

        assert ["amount", "plan", "plan"] == [error.parameter for error in errors]
        assert cancellation.after == subscription_of(store)
