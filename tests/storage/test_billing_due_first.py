"""An action on or after the end of a term first settles the account's due terms."""

import copy
import pickle
from datetime import date, timedelta
from typing import Any

import pytest
from tests.storage.services import (
    ACME,
    BERLIN,
    BIGGER,
    DAY,
    FIRST_END,
    FIRST_TERM,
    PLAN,
    SECOND_END,
    SECOND_TERM,
    TARIFF,
    THIRD_TERM,
    WITH_GRACE,
    balance,
    euros,
    make_call,
    open_account,
    paid_terms,
    raising,
    subscription_of,
)

from channelplans.errors import InsufficientCredit, OutsideTerm, TransitionNotAllowed
from channelplans.offers import SKYPE_CONNECT
from channelplans.subscriptions.catalogue import Catalogue, Edition
from channelplans.subscriptions.subscription import Action, Status

PURCHASE: dict[str, Any] = {
    "account": "acme",
    "profile": "berlin",
    "subscription": "s-2",
    "on": DAY,
}


class TestDueTermFirst:
    """An action on or after the end of a term first renews or ends that term."""

    def test_change_first_renews(self, billing, store, berlin):
        """The second term is charged, and then refunded in full by a change on its first day."""
        billing.change("acme", "berlin", plan=BIGGER, on=FIRST_END)

        assert BIGGER == subscription_of(store).plan
        # 1,000.00 - 20.00 for berlin - 34.75 for the first term - 34.75 + 34.75 - 69.50.
        assert "875.75" == balance(store)

    def test_cancellation_first_renews(self, billing, store, berlin):
        """On the first day after a term, the next term is charged and then cancelled."""
        billing.cancel("acme", "berlin", on=FIRST_END)
        subscription = subscription_of(store)

        assert (Status.CANCELLED, SECOND_TERM) == (subscription.status, subscription.term)
        assert [FIRST_TERM, SECOND_TERM] == paid_terms(store)

    def test_call_first_renews_all_missed_terms(self, billing, store, berlin):
        """Two missed renewals are made before the call is recorded in the third term."""
        billing.record_call("acme", "berlin", make_call(day=SECOND_END), on=SECOND_END)

        assert [FIRST_TERM, SECOND_TERM, THIRD_TERM] == paid_terms(store)
        assert "19.94" == balance(store, BERLIN)

    def test_purchase_first_lets_an_unpaid_subscription_lapse(self, billing, store):
        """On the due date the credit may still come; on the next day the old plan lapses.

        So a smaller plan can be bought then: 44.75 - 34.75 - 6.95 = 3.05.
        """
        open_account(store, credit="44.75")
        plan, next_day = SKYPE_CONNECT.plan(channels=1), FIRST_END + timedelta(days=1)
        with pytest.raises(
            TransitionNotAllowed, match="buy is not possible because profile 'berlin'"
        ):
            billing.buy(plan, **{**PURCHASE, "on": FIRST_END})
        billing.buy(plan, **{**PURCHASE, "on": next_day})
        subscription = subscription_of(store)

        assert ("s-2", Status.ACTIVE) == (subscription.id, subscription.status)
        assert "3.05" == balance(store)

    def test_call_in_a_grace_period_is_recorded_without_a_renewal(self, billing, store):
        """The profile pays three minutes at 0.02 while the renewal waits for credit."""
        open_account(store, credit="35.75", plans={"berlin": WITH_GRACE.plan(channels=5)})
        billing.assign_credit("acme", "berlin", euros("1"), transfer="b", on=DAY)
        billing.record_call("acme", "berlin", make_call(day=FIRST_END), on=FIRST_END)

        assert "0.94" == balance(store, BERLIN)
        assert FIRST_TERM == subscription_of(store).term

    @pytest.mark.parametrize(
        "ask",
        [
            lambda billing: billing.cancel("acme", "berlin", on=FIRST_END),
            lambda billing: billing.terminate("acme", "berlin", on=FIRST_END),
            lambda billing: billing.change("acme", "berlin", plan=BIGGER, on=FIRST_END),
            lambda billing: billing.buy(PLAN, **{**PURCHASE, "on": FIRST_END}),
            lambda billing: billing.admits("acme", "berlin", 0, on=FIRST_END),
            lambda billing: billing.longest_call(
                "acme", "berlin", make_call(day=FIRST_END), on=FIRST_END
            ),
        ],
        ids=["cancel", "terminate", "change", "buy", "admits", "longest call"],
    )
    def test_action_raises_the_error_of_a_failed_renewal(self, make_billing, store, ask):
        """A price book that fails is no reason to treat the subscription as unpaid."""
        before = open_account(store).snapshot()

        def find_no_tariff(_account, _offer, day):
            raise LookupError(f"no prices for {day}")

        with pytest.raises(LookupError, match="no prices for 2026-02-04") as failure:
            ask(make_billing(store, find_no_tariff))
        assert not hasattr(failure.value, "__notes__")
        assert before == store.snapshot()

    def test_action_raises_the_error_of_a_subscription_that_cannot_be_loaded(self, billing, store):
        """Its term may be due, so the action is refused without it."""
        open_account(store)
        store.interruptions["subscription of berlin"] = iter([raising(OSError("a broken row"))])
        with pytest.raises(OSError, match="a broken row"):
            billing.cancel("acme", "berlin", on=FIRST_END)

        assert Status.ACTIVE is subscription_of(store).status

    def test_failure_of_another_profile_does_not_stop_an_action(self, billing, store):
        """Only a due term of the action's own profile must be settled first."""
        open_account(store, plans={"berlin": PLAN, "munich": PLAN})
        store.interruptions["subscription of munich"] = iter([raising(OSError("a broken row"))])

        assert Status.CANCELLED is billing.cancel("acme", "berlin", on=FIRST_END).after.status

    def test_error_of_any_kind_notes_what_was_settled(self, billing, store):
        """``done`` belongs to the package's errors; others get a note with the same tokens."""
        open_account(store)
        lost = raising(ConnectionError("the line is dead"))
        store.interruptions["commit of berlin"] = iter([int, lost])
        with pytest.raises(ConnectionError) as failure:
            billing.cancel("acme", "berlin", on=FIRST_END)

        (note,) = failure.value.__notes__
        assert note.endswith(f" committed: term/s of berlin/{FIRST_END}")
        assert not hasattr(failure.value, "done")
        assert [FIRST_TERM, SECOND_TERM] == paid_terms(store)

    def test_error_keeps_what_was_settled_in_another_process(self, billing, store):
        """A task queue pickles an error; ``done`` and the note are pickled with it."""
        open_account(store)
        with pytest.raises(InsufficientCredit) as refusal:
            billing.charge(ACME, euros("990"), transfer="fee", on=FIRST_END)
        (token,) = refusal.value.done
        for carried in (pickle.loads(pickle.dumps(refusal.value)), copy.copy(refusal.value)):
            assert refusal.value.args == carried.args
            assert (token,) == carried.done
            assert refusal.value.__notes__ == carried.__notes__

        assert Action.RENEW is store.decision("acme", token).action

    @pytest.mark.parametrize(
        ("credit", "cancels", "required"),
        [("1000", False, "renew"), ("1000", True, "expire"), ("40", False, "lapse")],
    )
    def test_preview_does_not_settle_first(self, billing, store, credit, cancels, required):
        """A preview changes nothing; its error says which action must come first."""
        open_account(store, credit=credit)
        if cancels:
            billing.cancel("acme", "berlin", on=DAY)
        before = store.snapshot()
        with pytest.raises(OutsideTerm, match=f"first {required} the term that ended; catch_up"):
            billing.preview.terminate("acme", "berlin", on=FIRST_END + timedelta(days=1))

        assert before == store.snapshot()

    def test_preview_is_possible_while_another_profile_is_due(self, billing, store):
        """Only the due term of the preview's own profile would change what it shows."""
        open_account(store)
        plan = {**PURCHASE, "profile": "munich", "on": FIRST_END}
        preview = billing.preview.buy(PLAN, **plan)

        assert [FIRST_TERM] == paid_terms(store)
        assert preview.decision == billing.commit(preview)
        assert [FIRST_TERM, SECOND_TERM] == paid_terms(store)

    def test_commit_of_a_preview_does_not_take_the_credit_of_a_due_renewal(self, billing, store):
        """A wallet with 45.25 pays the renewal of 34.75 that is due, so it cannot pay 20.00."""
        open_account(store, credit="80")
        preview = billing.preview.charge(ACME, euros("20"), transfer="c-1", on=FIRST_END)
        with pytest.raises(InsufficientCredit) as refused:
            billing.commit(preview)

        assert [FIRST_TERM, SECOND_TERM] == paid_terms(store)
        assert "10.50" == balance(store)
        assert 1 == len(refused.value.done)

    def test_commit_of_a_preview_that_receives_credit_settles_nothing(self, billing, store):
        """A deposit can be committed although a renewal is due; the next run renews."""
        open_account(store)
        preview = billing.preview.deposit(ACME, euros("20"), transfer="p-2", on=FIRST_END)
        billing.commit(preview)

        assert [FIRST_TERM] == paid_terms(store)

    def test_refused_commit_of_a_preview_says_what_was_settled(self, billing, store):
        """A purchase that is too dear after the renewal is refused; the renewal stays done."""
        open_account(store, credit="80")
        preview = billing.preview.buy(PLAN, **{**PURCHASE, "profile": "munich", "on": FIRST_END})
        with pytest.raises(InsufficientCredit) as refused:
            billing.commit(preview)

        assert [FIRST_TERM, SECOND_TERM] == paid_terms(store)
        assert 1 == len(refused.value.done)

    def test_preview_of_an_unpaid_renewal_needs_no_price(self, make_billing, store):
        """If no price is known for the new term, a cancellation can still be shown."""
        january = Edition(SKYPE_CONNECT, TARIFF, date(2026, 1, 1), date(2026, 2, 1))
        billing = make_billing(open_account(store), Catalogue((january,)))
        preview = billing.preview.cancel("acme", "berlin", on=FIRST_END)

        assert Status.ENDED is preview.decision.after.status
