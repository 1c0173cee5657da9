"""Calls that are delivered repeatedly, late, or by several workers are recorded once."""

from datetime import timedelta
from itertools import chain, count, repeat
from typing import Any

import pytest
from tests.storage.services import (
    ACME,
    BERLIN,
    DAY,
    FIRST_END,
    FIRST_TERM,
    PLAN,
    SECOND_END,
    SECOND_TERM,
    TARIFF,
    balance,
    euros,
    make_call,
    open_account,
    paid_terms,
    record_call_directly,
    subscription_of,
)

from channelplans.errors import (
    Conflict,
    OutsideTerm,
    TokenReused,
    TransitionNotAllowed,
    UnknownRate,
)
from channelplans.offers import SKYPE_CONNECT
from channelplans.storage.billing import Billing
from channelplans.storage.memory import MemoryStore
from channelplans.subscriptions.call_records import record_call
from channelplans.subscriptions.subscription import Action
from channelplans.subscriptions.wallets import Wallet

PURCHASE: dict[str, Any] = {
    "account": "acme",
    "profile": "berlin",
    "subscription": "s-2",
    "on": DAY,
}


class TestRecordCall:
    """``record_call`` returns the decision that recorded the call, now or before."""

    def test_call_is_charged_to_the_profile(self, billing, store, berlin):
        """Three minutes at 0.02 are charged to the profile's 20.00."""
        decision = billing.record_call("acme", "berlin", make_call(), on=DAY)

        assert record_call(berlin, make_call(), TARIFF, on=DAY) == decision
        assert "19.94" == balance(store, BERLIN)

    def test_call_that_the_profile_pays_does_not_settle_the_account(self, billing, store, berlin):
        """Only calls that the account's wallet pays need the account's due terms first."""
        store.calls.clear()
        billing.record_call("acme", "berlin", make_call(), on=DAY)

        assert ["subscription", "decision", "commit"] == store.calls

    def test_repeated_delivery_after_the_renewal_returns_the_decision(self, billing, store, berlin):
        """A recorded call is recognized even if its term and the term after it have ended.

        A new call of that day is refused: only the running term and the term before have minutes.
        """
        decision = billing.record_call("acme", "berlin", make_call(), on=DAY)
        billing.run_due(on=SECOND_END)

        assert decision == billing.record_call("acme", "berlin", make_call(), on=SECOND_END)
        with pytest.raises(OutsideTerm):
            billing.record_call("acme", "berlin", make_call("c-2"), on=SECOND_END)

    @pytest.mark.parametrize("moment", ["subscription", "decision", "commit"])
    def test_call_recorded_by_two_workers_is_charged_once(self, billing, store, berlin, moment):
        """Another worker records the same call just before a step: it is charged once."""
        other_worker = Billing(store, prices=TARIFF)
        store.interruptions[moment] = iter(
            [lambda: other_worker.record_call("acme", "berlin", make_call(), on=DAY)]
        )
        decision = billing.record_call("acme", "berlin", make_call(), on=DAY)

        assert decision == store.decision("acme", decision.token)
        assert "19.94" == balance(store, BERLIN)
        assert berlin.sequence + 1 == subscription_of(store).sequence

    @pytest.mark.parametrize("moment", ["subscription", "decision", "commit"])
    def test_call_recorded_by_another_worker_that_also_renews_is_charged_once(
        self, billing, store, berlin, moment
    ):
        """Another worker records the call and renews the term just before a step: no error."""
        other_worker = Billing(store, prices=TARIFF)

        def record_and_renew():
            other_worker.record_call("acme", "berlin", make_call(), on=DAY)
            other_worker.run_due(on=FIRST_END)

        store.interruptions[moment] = iter([record_and_renew])
        on = FIRST_END - timedelta(days=1)
        decision = billing.record_call("acme", "berlin", make_call(), on=on)

        assert DAY == decision.on
        assert "19.94" == balance(store, BERLIN)

    def test_call_recorded_for_another_profile_is_refused(self, billing, store, berlin):
        """Call identifiers are unique in an account: munich pays the call, and berlin cannot."""
        munich = Wallet("acme", "munich")
        other_worker = Billing(store, prices=TARIFF)
        other_worker.buy(PLAN, **{**PURCHASE, "profile": "munich"})
        other_worker.deposit(munich, euros("1"), transfer="m", on=DAY)
        store.interruptions["commit"] = iter(
            [lambda: other_worker.record_call("acme", "munich", make_call(), on=DAY)]
        )
        with pytest.raises(TokenReused):
            billing.record_call("acme", "berlin", make_call(), on=DAY)

        assert "20.00" == balance(store, BERLIN)
        assert "0.94" == balance(store, munich)

    def test_call_of_another_account_has_its_own_identifier(self, billing, store, berlin):
        """Two providers of call records may number their calls alike, one for each account."""
        billing.deposit(Wallet("globex"), euros("100"), transfer="p", on=DAY)
        billing.buy(PLAN, **{**PURCHASE, "account": "globex"})
        billing.record_call("acme", "berlin", make_call(), on=DAY)
        billing.record_call("globex", "berlin", make_call(), on=DAY)

        assert "19.94" == balance(store, BERLIN)
        assert "-0.06" == balance(store, Wallet("globex", "berlin"))

    def test_call_is_decided_again_after_a_conflict(self, billing, store, berlin):
        """Other calls win the first two attempts; the third attempt uses the latest state."""
        other_worker = Billing(store, prices=TARIFF)
        numbers = count()

        def record_other_call():
            call = make_call(f"other-{next(numbers)}")
            other_worker.record_call("acme", "berlin", call, on=DAY)

        store.interruptions["commit"] = repeat(record_other_call, 2)
        decision = billing.record_call("acme", "berlin", make_call(), on=DAY)

        assert decision.after == subscription_of(store)
        assert berlin.sequence + 3 == decision.after.sequence
        assert "19.82" == balance(store, BERLIN)

    def test_call_raises_conflict_after_twenty_attempts(self, billing, store, berlin):
        """If another call always commits first, the last attempt raises Conflict."""
        other_worker = Billing(store, prices=TARIFF)
        numbers = count()

        def record_other_call():
            call = make_call(f"other-{next(numbers)}")
            other_worker.record_call("acme", "berlin", call, on=DAY)

        store.interruptions["commit"] = repeat(record_other_call)
        store.calls.clear()
        with pytest.raises(Conflict):
            billing.record_call("acme", "berlin", make_call(), on=DAY)

        assert 20 == store.calls.count("commit") == next(numbers)

    def test_call_that_the_account_pays_comes_after_a_due_renewal(self, billing, store):
        """The renewal takes 13.90 of 15.00, and the call beyond the minutes the account's rest.

        The call of 5,010 minutes uses the 5,000 of the bundle; ten minutes at 0.021 are 0.21.
        """
        plans = {"berlin": SKYPE_CONNECT.plan(channels=2), "munich": self.BUNDLE}
        open_account(store, credit="45.85", plans=plans)  # 45.85 - 13.90 - 16.95 = 15.00
        call = make_call(day=FIRST_END, minutes=5010, destination="US")
        billing.deposit(ACME, euros("16.95"), transfer="p", on=FIRST_END)
        billing.record_call("acme", "munich", call, on=FIRST_END)

        assert [FIRST_TERM, SECOND_TERM] == paid_terms(store, "berlin")
        assert "0.89" == balance(store)  # 15.00 + 16.95 - 13.90 - 16.95 - 0.21

    BUNDLE = SKYPE_CONNECT.plan(channels=1, bundles=1)

    def test_refused_call_names_what_was_settled_before_it(self, billing, store):
        """A price is missing for the destination, but berlin was renewed before: ``done``."""
        open_account(store)
        with pytest.raises(UnknownRate) as refusal:
            billing.record_call(
                "acme", "berlin", make_call(day=FIRST_END, destination="FR"), on=FIRST_END
            )

        (token,) = refusal.value.done
        assert Action.RENEW is store.decision("acme", token).action
        (note,) = refusal.value.__notes__
        assert note.endswith(f" committed: {token}")

    def test_refused_call_names_what_was_settled_before_a_conflict(self, billing, store):
        """The first attempt renews berlin and conflicts; the second attempt finds nothing due."""
        open_account(store)
        billing.deposit(BERLIN, euros("1"), transfer="b", on=DAY)
        numbers = count()

        def record_other_call():
            call = make_call(f"other-{next(numbers)}", day=FIRST_END)
            record_call_directly(store, "berlin", call, on=FIRST_END)

        store.interruptions["commit of berlin"] = chain([int], repeat(record_other_call))
        with pytest.raises(Conflict) as refusal:
            billing.record_call("acme", "berlin", make_call(day=FIRST_END), on=FIRST_END)

        assert [f"term/s of berlin/{FIRST_END}"] == list(refusal.value.done)

    @pytest.mark.slow
    def test_identifier_of_another_call_is_refused_at_once(self, billing, store, berlin):
        """The error is certain after one look-up, so the call is not tried again."""
        billing.record_call("acme", "berlin", make_call(), on=DAY)
        store.calls.clear()
        with pytest.raises(TokenReused):
            billing.record_call("acme", "berlin", make_call(minutes=4), on=DAY)

        assert ["subscription", "decision"] == store.calls

    def test_call_raises_the_failure_of_its_profiles_renewal(self, make_billing, store):
        """Without a price for the new term, it is unknown which minutes the call would use."""
        open_account(store)

        def find_no_tariff(_account, _offer, day):
            raise LookupError(f"no prices for {day}")

        with pytest.raises(LookupError, match="no prices for 2026-02-04"):
            make_billing(store, find_no_tariff).record_call(
                "acme", "berlin", make_call(day=FIRST_END), on=FIRST_END
            )

    def test_call_of_a_subscription_that_vanished_while_settling_is_refused(
        self, billing, store, berlin
    ):
        """A restored backup can lack the profile; the commit then finds another revision."""
        empty = MemoryStore().snapshot()
        store.interruptions["due of one account"] = iter([lambda: store.restore(empty)])
        with pytest.raises(TransitionNotAllowed, match="has no subscription"):
            billing.record_call("acme", "berlin", make_call(day=FIRST_END), on=FIRST_END)

        assert "<MemoryStore: 0 subscriptions, 0 wallets, 0 postings>" == repr(store)
