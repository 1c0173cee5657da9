"""Due terms: late runs, unpaid terms, and actions that settle due terms first."""

from datetime import date, timedelta
from operator import length_hint

import attrs
import pytest

from channelplans.calendar import Days
from channelplans.calls import Call
from channelplans.errors import (
    InsufficientCredit,
    InvalidValue,
    NotOffered,
    OutsideTerm,
    TransitionNotAllowed,
    UnknownEdition,
    WrongType,
)
from channelplans.money import EUR, Money
from channelplans.offers import SKYPE_CONNECT
from channelplans.rules import ChangeEffect, ChangeRule, NonPaymentRule, TermRule
from channelplans.storage.billing import Billing
from channelplans.storage.memory import MemoryStore
from channelplans.storage.ports import shard_of
from channelplans.subscriptions.catalogue import Catalogue, Edition
from channelplans.subscriptions.subscription import Action, Status
from channelplans.subscriptions.wallets import Posting, Reason, Wallet
from channelplans.tariffs import Tariff

START = date(2026, 1, 5)
END = date(2026, 2, 4)  # 30 days later
ACME, BERLIN = Wallet("acme"), Wallet("acme", "berlin")
#: A channel costs 10 a term, a bundle 5, and there is no set-up fee.
TARIFF = Tariff("made up", EUR, channel="10", bundle="5", minute="0.02")
GRACE = attrs.evolve(SKYPE_CONNECT, edition="grace", non_payment=NonPaymentRule(grace=Days(7)))


def eur(amount):
    return Money.of(amount, EUR)


def day(text):
    return date.fromisoformat(f"2026-{text}")


@pytest.fixture
def billing():
    return Billing(MemoryStore(), prices=TARIFF)


def pay_in(billing, amount, on=START, wallet=ACME):
    billing.deposit(wallet, eur(amount), transfer=f"{amount} on {on}", on=on)


def buy(billing, profile="berlin", channels=1, *, bundles=0, on=START, offer=SKYPE_CONNECT, **more):
    return billing.buy(
        offer.plan(channels=channels, bundles=bundles),
        account="acme",
        profile=profile,
        subscription=f"{profile} {on}",
        on=on,
        **more,
    )


def statuses(billing, *profiles):
    return [billing.subscription("acme", profile).status for profile in profiles]


def decision_of(outcome):
    """Return the decision of an outcome that has one."""
    assert outcome.decision is not None
    return outcome.decision


def actions(outcomes):
    return [(outcome.profile, outcome.decision and outcome.decision.action) for outcome in outcomes]


class TestLateRun:
    """One late run gives what a run on every day would have given."""

    def test_credit_that_arrived_after_the_due_date_does_not_revive_a_term(self, billing):
        """Berlin takes the last credit on its due date, and munich lapses before the deposit."""
        pay_in(billing, "30")
        buy(billing, "berlin", on=day("01-05"))
        buy(billing, "munich", on=day("01-10"))  # due on 9 February
        pay_in(billing, "10", on=day("02-15"))
        outcomes = billing.run_due(on=day("02-20"))
        assert actions(outcomes) == [("berlin", Action.RENEW), ("munich", Action.LAPSE)]
        assert billing.balance(ACME) == eur("10")
        assert billing.subscription("acme", "berlin").term.end == day("03-06")

    def test_terms_in_grace_are_tried_on_each_day_in_the_order_of_their_ends(self, billing):
        """Berlin waits for 20 in its grace period, while munich takes the 10 that are there."""
        pay_in(billing, "40")
        buy(billing, "berlin", 2, offer=GRACE)
        buy(billing, "munich", on=day("01-07"))  # due on 6 February; 10 are left
        pay_in(billing, "10", on=day("02-08"))
        outcomes = billing.run_due(on=day("02-20"))
        assert actions(outcomes) == [("munich", Action.RENEW), ("berlin", Action.LAPSE)]
        assert billing.balance(ACME) == eur("10")

    @pytest.mark.parametrize("late_days", [0, 40])
    def test_credit_that_a_renewal_brings_on_the_day_pays_another_term(self, late_days):
        """Paris brings a bonus of 30 when it is renewed; berlin is tried once more with it."""

        def give_bonus(decision):
            if decision.after.profile != "paris" or decision.action is not Action.RENEW:
                return []
            return [Posting(ACME, eur("30"), Reason.BONUS, decision.on)]

        billing = Billing(MemoryStore(), prices=TARIFF, extra_postings=give_bonus)
        pay_in(billing, "50")
        buy(billing, "berlin", 2)
        buy(billing, "paris", 2)  # 10 are left
        outcomes = billing.run_due(on=END + timedelta(days=late_days))[:2]
        assert actions(outcomes) == [("paris", Action.RENEW), ("berlin", Action.RENEW)]
        assert {posting.counts_from for posting in decision_of(outcomes[1]).postings} == {END}

    def test_a_run_after_54_days_charges_no_dead_term(self, billing):
        """A term that nobody paid in time stays unpaid, however much credit comes later."""
        pay_in(billing, "10")
        buy(billing)
        pay_in(billing, "100", on=END + timedelta(days=54))
        (outcome,) = billing.run_due(on=END + timedelta(days=54))
        assert outcome.decision.action is Action.LAPSE
        assert billing.balance(ACME) == eur("100")

    def test_late_posting_has_the_value_date_of_a_punctual_run(self, billing):
        """It is booked on the day of the run, and counts from the day on which it was due."""
        pay_in(billing, "20")
        buy(billing)
        (outcome,) = billing.run_due(on=day("02-20"))
        assert outcome.decision is not None
        (posting,) = outcome.decision.postings
        assert (posting.on, posting.value_date) == (day("02-20"), END)
        statement = billing.statement(ACME, since=END, until=day("02-05"))
        assert (statement.opening, statement.postings) == (eur("10"), (posting,))

    def test_late_postings_of_the_application_have_the_same_value_date(self):
        """The tax of a late renewal counts from the day of the renewal."""

        def add_tax(decision):
            return [Posting(ACME, eur("-1"), Reason.CHARGE, decision.on, reference="tax")]

        for on, value_date in ((END, None), (day("02-20"), END)):
            billing = Billing(MemoryStore(), prices=TARIFF, extra_postings=add_tax)
            pay_in(billing, "22")
            buy(billing)
            (outcome,) = billing.run_due(on=on)
            dates = [posting.value_date for posting in decision_of(outcome).postings]
            assert dates == [value_date, value_date]

    def test_credit_that_arrives_on_the_due_date_counts(self, billing):
        """A morning run finds no credit; the run on the next day renews from the due date."""
        pay_in(billing, "10")
        buy(billing)
        (waiting,) = billing.run_due(on=END)
        assert (waiting.decision, waiting.failed) == (None, False)
        pay_in(billing, "10", on=END)
        (renewed,) = billing.run_due(on=END + timedelta(days=1))
        assert renewed.decision.postings[0].value_date == END

    def test_renewal_that_was_unpaid_at_first_is_an_ordinary_renewal(self, billing):
        """The outcome has no error, although the credit was missing on an earlier day."""
        pay_in(billing, "10")
        buy(billing, offer=GRACE)
        pay_in(billing, "10", on=day("02-06"))
        (outcome,) = billing.run_due(on=day("02-08"))
        assert (outcome.decision.action, outcome.error) == (Action.RENEW, None)
        assert outcome.decision.postings[0].value_date == day("02-06")

    def test_bundles_are_dropped_on_the_day_on_which_only_the_channels_could_be_paid(self):
        """The credit that arrives later does not pay for the bundles of that term."""
        offer = attrs.evolve(
            SKYPE_CONNECT, edition="drops", non_payment=NonPaymentRule(drops_bundles=True)
        )
        billing = Billing(MemoryStore(), prices=TARIFF)
        pay_in(billing, "25")
        buy(billing, bundles=1, offer=offer)
        pay_in(billing, "100", on=day("02-10"))
        (outcome,) = billing.run_due(on=day("02-20"))
        assert decision_of(outcome).after.plan.bundles == 0
        assert isinstance(outcome.error, InsufficientCredit)
        assert outcome.error.missing == eur("5").amount

    def test_missed_terms_are_renewed_one_by_one(self, billing):
        """Each term is charged once, from the day on which it was due."""
        pay_in(billing, "35")
        buy(billing)
        outcomes = billing.run_due(on=day("06-01"))
        assert actions(outcomes) == [
            *[("berlin", Action.RENEW)] * 2,
            ("berlin", Action.LAPSE),
        ]
        dates = [o.decision.postings[0].value_date for o in outcomes if o.decision.postings]
        assert dates == [END, day("03-06")]


class ListsTwice:
    """A store that lists each due profile twice, as if it was renewed during the walk."""

    def __init__(self, store):
        self.store = store

    def __getattr__(self, name):
        return getattr(self.store, name)

    def commit(self, decision, /, *, expected):
        """Commit as the other store does."""
        return self.store.commit(decision, expected=expected)

    def due(self, on, /, **options):
        """Return each due profile twice."""
        page = self.store.due(on, **options)
        return attrs.evolve(page, items=page.items * 2)


def test_profile_that_is_listed_twice_is_settled_once():
    """Both profiles are renewed for 10.00, and there is one outcome of each."""
    billing = Billing(ListsTwice(MemoryStore()), prices=TARIFF)
    pay_in(billing, "40")
    for profile in ("berlin", "munich"):
        buy(billing, profile)
    outcomes = billing.run_due(on=END)
    assert actions(outcomes) == [("berlin", Action.RENEW), ("munich", Action.RENEW)]
    assert billing.balance(ACME) == eur("0")


class TestPrices:
    """A price that is missing, and a plan that is not sold any more."""

    NO_BUNDLES = attrs.evolve(SKYPE_CONNECT, edition="2027", bundle=None)

    def sell(self, *editions):
        return Billing(MemoryStore(), prices=Catalogue(editions))

    def test_a_term_without_an_edition_stays_due_and_can_be_ended(self):
        """Cancel, terminate and lapse need no price, so nobody is locked in."""
        january = Edition(SKYPE_CONNECT, TARIFF, day("01-01"), day("02-01"))
        for act, status in (
            (lambda billing: billing.cancel("acme", "berlin", on=END), Status.ENDED),
            (lambda billing: billing.terminate("acme", "berlin", on=END), Status.ENDED),
            (lambda billing: billing.lapse("acme", "berlin", on=END), Status.LAPSED),
        ):
            billing = self.sell(january)
            pay_in(billing, "100")
            buy(billing)
            (outcome,) = billing.run_due(on=END)
            assert outcome.failed
            assert isinstance(outcome.error, UnknownEdition)
            act(billing)
            assert statuses(billing, "berlin") == [status]
            assert billing.run_due(on=day("03-01")) == ()
            assert billing.balance(ACME) == eur("90")

    def test_a_plan_that_is_not_sold_any_more_lapses_at_the_end_of_its_term(self):
        """The run waits for the day after the due date, then the notice says why it lapses."""
        billing = self.sell(
            Edition(SKYPE_CONNECT, TARIFF, day("01-01"), day("02-01")),
            Edition(self.NO_BUNDLES, attrs.evolve(TARIFF, name="2027"), day("02-01")),
        )
        pay_in(billing, "100")
        buy(billing, bundles=1)
        (waiting,) = billing.run_due(on=END)
        assert isinstance(waiting.error, NotOffered)
        (lapsed,) = billing.run_due(on=END + timedelta(days=1))
        assert [notice.code for notice in lapsed.decision.notices] == ["plan-not-sold"]
        assert billing.balance(ACME) == eur("85")

    def test_a_plan_that_is_not_sold_any_more_can_be_changed_to_one_that_is(self):
        """On the due date, the new plan takes the place of the renewal."""
        billing = self.sell(
            Edition(SKYPE_CONNECT, TARIFF, day("01-01"), day("02-01")),
            Edition(self.NO_BUNDLES, attrs.evolve(TARIFF, name="2027"), day("02-01")),
        )
        pay_in(billing, "100")
        buy(billing, bundles=1)
        changed = billing.change("acme", "berlin", plan=self.NO_BUNDLES.plan(channels=1), on=END)
        assert (changed.after.term.start, changed.after.plan.offer) == (END, self.NO_BUNDLES)
        assert billing.balance(ACME) == eur("75")

    def test_a_pending_plan_is_applied_under_a_new_edition(self):
        """The downgrade comes with the next term, at the prices of the new edition."""
        waits = ChangeRule(None, ChangeEffect.PRORATE, ChangeEffect.AT_RENEWAL)
        old = attrs.evolve(SKYPE_CONNECT, edition="old", change=waits)
        new = attrs.evolve(old, edition="new")
        dearer = attrs.evolve(TARIFF, name="dearer", channel="12")
        billing = self.sell(
            Edition(old, TARIFF, day("01-01"), day("02-01")), Edition(new, dearer, day("02-01"))
        )
        pay_in(billing, "100")
        buy(billing, channels=5, offer=old)
        billing.change("acme", "berlin", channels=2, on=day("01-10"))
        (outcome,) = billing.run_due(on=END)
        assert (outcome.decision.after.plan, outcome.decision.notices) == (
            new.plan(channels=2),
            (),
        )
        assert billing.balance(ACME) == eur("26")  # 100 - 5 x 10 - 2 x 12

    def test_a_pending_plan_that_will_not_be_sold_is_refused_at_once(self):
        """The price book knows it already, so the change itself is refused."""
        waits = ChangeRule(None, ChangeEffect.AT_RENEWAL, ChangeEffect.AT_RENEWAL)
        old = attrs.evolve(SKYPE_CONNECT, edition="old", change=waits)
        new = attrs.evolve(self.NO_BUNDLES, change=waits)
        billing = self.sell(
            Edition(old, TARIFF, day("01-01"), day("02-01")),
            Edition(new, attrs.evolve(TARIFF, name="2027"), day("02-01")),
        )
        pay_in(billing, "100")
        buy(billing, channels=2, offer=old)
        with pytest.raises(NotOffered, match="bundles must be 0"):
            billing.change("acme", "berlin", channels=2, bundles=1, on=day("01-10"))

    def test_a_pending_plan_that_is_not_sold_any_more_gives_way_to_the_held_plan(self):
        """An edition that is announced later does not sell the pending plan; a notice says so."""
        waits = ChangeRule(None, ChangeEffect.AT_RENEWAL, ChangeEffect.AT_RENEWAL)
        old = attrs.evolve(SKYPE_CONNECT, edition="old", change=waits)
        new = attrs.evolve(self.NO_BUNDLES, change=waits)
        store, january = MemoryStore(), Edition(old, TARIFF, day("01-01"), day("02-01"))
        billing = Billing(store, prices=Catalogue((january,)))
        pay_in(billing, "100")
        buy(billing, channels=2, offer=old)
        billing.change("acme", "berlin", bundles=1, on=day("01-10"))
        february = Edition(new, attrs.evolve(TARIFF, name="2027"), day("02-01"))
        (outcome,) = Billing(store, prices=Catalogue((january, february))).run_due(on=END)
        decision = decision_of(outcome)
        assert decision.after.plan == new.plan(channels=2)
        assert [notice.code for notice in decision.notices] == ["pending-dropped"]


class TestGracePeriod:
    """An unpaid subscription in its grace period can be changed and ended."""

    IN_GRACE = END + timedelta(days=3)

    @pytest.fixture
    def billing(self):
        billing = Billing(MemoryStore(), prices=TARIFF)
        pay_in(billing, "35")
        buy(billing, channels=3, offer=GRACE)  # 5 are left
        return billing

    @pytest.mark.parametrize(
        ("act", "status"),
        [
            (lambda billing, on: billing.cancel("acme", "berlin", on=on), Status.ENDED),
            (lambda billing, on: billing.terminate("acme", "berlin", on=on), Status.ENDED),
            (lambda billing, on: billing.lapse("acme", "berlin", on=on), Status.LAPSED),
        ],
        ids=["cancel", "terminate", "lapse"],
    )
    def test_unpaid_subscription_can_be_ended_without_a_charge(self, billing, act, status):
        """Nothing is charged and nothing refunded, and later credit is not taken."""
        decision = act(billing, self.IN_GRACE)
        assert (decision.after.status, decision.postings) == (status, ())
        pay_in(billing, "100", on=self.IN_GRACE)
        assert billing.run_due(on=self.IN_GRACE + timedelta(days=9)) == ()
        assert billing.balance(ACME) == eur("105")

    def test_unpaid_subscription_can_be_changed_to_an_affordable_plan(self, billing):
        """The new plan is bought for the term that was due."""
        pay_in(billing, "10", on=self.IN_GRACE)
        changed = billing.change("acme", "berlin", channels=1, on=self.IN_GRACE)
        assert (changed.after.term.start, changed.after.plan.channels) == (END, 1)
        assert billing.balance(ACME) == eur("5")

    def test_unpaid_subscription_is_first_renewed_if_the_wallet_can_pay(self, billing):
        """Then the action is one of the new term: here it cancels the term that was just paid."""
        pay_in(billing, "30", on=self.IN_GRACE)
        decision = billing.cancel("acme", "berlin", on=self.IN_GRACE)
        assert decision.after.status is Status.CANCELLED
        assert billing.balance(ACME) == eur("5")

    def test_cancel_within_a_minimum_term_only_records_the_notice(self):
        """The unpaid subscription is kept, and is renewed when the credit comes."""
        offer = attrs.evolve(
            GRACE, edition="minimum", term=TermRule(Days(30), minimum_term=Days(50))
        )
        billing = Billing(MemoryStore(), prices=TARIFF)
        pay_in(billing, "10")
        buy(billing, offer=offer)
        decision = billing.cancel("acme", "berlin", on=self.IN_GRACE)
        assert decision.after.status is Status.CANCELLED
        pay_in(billing, "10", on=self.IN_GRACE)
        outcomes = billing.run_due(on=day("03-06"))
        assert actions(outcomes) == [("berlin", Action.RENEW), ("berlin", Action.EXPIRE)]

    def test_profile_is_admitted_in_its_grace_period(self, billing):
        """The minutes are used up, but the profile carries calls."""
        assert billing.admits("acme", "berlin", 2, on=self.IN_GRACE)
        assert not billing.admits("acme", "berlin", 3, on=self.IN_GRACE)

    def test_longest_call_has_no_minutes_in_a_grace_period(self):
        """Only the profile's credit is left: 6.00 pay ten minutes at 0.60."""
        billing = Billing(MemoryStore(), prices=attrs.evolve(TARIFF, minute="0.6"))
        pay_in(billing, "15")
        pay_in(billing, "6", wallet=BERLIN)
        buy(billing, bundles=1, offer=GRACE)
        for on, minutes in ((END - timedelta(days=1), 5000), (self.IN_GRACE, 10)):
            call = Call("c-1", "+12125550100", "US", on, timedelta(0))
            length = billing.longest_call("acme", "berlin", call, on=on)
            assert length == timedelta(minutes=minutes)
        call = Call("c-1", "+12125550100", "US", day("03-01"), timedelta(0))
        assert billing.longest_call("acme", "berlin", call, on=day("03-01")) == timedelta(0)


class TestBeforeAnAction:
    """The account's due terms are settled before an action, and errors name the decisions."""

    def test_profile_with_credit_is_admitted_before_the_nightly_run(self, billing):
        """The renewal that was due is made first."""
        pay_in(billing, "20")
        buy(billing)
        assert billing.admits("acme", "berlin", 0, on=END)
        assert billing.balance(ACME) == eur("0")
        assert not billing.admits("acme", "rome", 0, on=END)

    def test_another_profiles_renewal_comes_before_a_purchase(self, billing):
        """The purchase cannot take the credit that was needed on an earlier day."""
        pay_in(billing, "20")
        buy(billing)
        with pytest.raises(InsufficientCredit) as caught:
            buy(billing, "munich", on=END)
        (token,) = caught.value.done
        assert billing.subscription("acme", "berlin").term.start == END
        assert token == f"term/berlin {START}/{END}"
        assert token in caught.value.__notes__[0]

    @pytest.mark.parametrize(
        "act",
        [
            lambda billing: billing.charge(ACME, eur("15"), transfer="t", on=END),
            lambda billing: billing.assign_credit(
                "acme", "berlin", eur("15"), transfer="t", on=END
            ),
        ],
        ids=["charge", "assign"],
    )
    def test_renewal_comes_before_a_transfer_from_the_accounts_wallet(self, billing, act):
        """The transfer finds only the credit that the renewal leaves."""
        pay_in(billing, "20")
        buy(billing)
        with pytest.raises(InsufficientCredit) as caught:
            act(billing)
        assert len(caught.value.done) == 1
        assert billing.balance(ACME) == eur("0")

    def test_refused_action_without_settlement_has_done_nothing(self, billing):
        """``done`` is empty if nothing was due."""
        with pytest.raises(TransitionNotAllowed) as caught:
            billing.cancel("acme", "berlin", on=START)
        assert caught.value.done == ()

    def test_preview_of_a_due_subscription_says_what_comes_first(self, billing):
        """A preview commits nothing, so it asks for the renewal."""
        pay_in(billing, "20")
        buy(billing)
        with pytest.raises(OutsideTerm, match="first renew the term that ended; catch_up does it"):
            billing.preview.cancel("acme", "berlin", on=END)
        assert billing.balance(ACME) == eur("10")

    def test_preview_of_an_unpaid_subscription_shows_the_change(self, billing):
        """The renewal cannot be paid, so the new plan would take its place."""
        pay_in(billing, "50")
        buy(billing, channels=3)
        preview = billing.preview.change("acme", "berlin", channels=2, on=END)
        assert preview.decision.after.term.start == END
        assert billing.commit(preview) == preview.decision

    def test_change_that_names_only_channels_keeps_the_bundles(self, billing):
        """On the help page, changing the bundles is a separate, optional step (H18, H19)."""
        pay_in(billing, "500")
        buy(billing, channels=5, bundles=2)
        changed = billing.change("acme", "berlin", channels=20, on=day("01-06"))
        assert (changed.after.plan.channels, changed.after.plan.bundles) == (20, 2)
        fewer = billing.change("acme", "berlin", bundles=1, on=day("01-07"))
        assert (fewer.after.plan.channels, fewer.after.plan.bundles) == (20, 1)
        assert "fewer-bundles" in [notice.code for notice in fewer.notices]

    @pytest.mark.parametrize(
        ("arguments", "passed"),
        [
            ({}, "nothing"),
            ({"plan": SKYPE_CONNECT.plan(channels=2), "bundles": 2}, "a plan and a number"),
        ],
    )
    def test_change_needs_a_plan_or_a_number(self, billing, arguments, passed):
        """Both together would be ambiguous, and neither asks for nothing; the error says so."""
        pay_in(billing, "500")
        buy(billing)
        with pytest.raises(InvalidValue) as refusal:
            billing.change("acme", "berlin", on=START, **arguments)

        expected = "channels, bundles or both, or a plan alone"
        assert f"arguments of change must be {expected}, not {passed}" == str(refusal.value)


class TestCalls:
    """Calls that are reported late, and calls that the wallet cannot pay."""

    TO_US = Call("c-1", "+12125550100", "US", END - timedelta(days=1), timedelta(minutes=10))

    def test_call_of_the_last_evening_is_charged_after_the_renewal(self, billing):
        """Ten minutes at 0.02 cost 0.20, at the tariff of the term in which the call began."""
        pay_in(billing, "20")
        pay_in(billing, "1", wallet=BERLIN)
        buy(billing)
        billing.run_due(on=END)
        decision = billing.record_call("acme", "berlin", self.TO_US, on=END)
        assert [str(posting.amount) for posting in decision.postings] == ["-0.20 EUR"]
        assert decision.postings[0].term.end == END

    def test_call_of_the_last_evening_uses_the_minutes_of_its_term(self, billing):
        """The renewal has new minutes, and the late call leaves them alone."""
        pay_in(billing, "30")
        buy(billing, bundles=1)
        billing.run_due(on=END)
        after = billing.record_call("acme", "berlin", self.TO_US, on=END).after
        assert after.allowance.remaining == timedelta(minutes=5000)
        assert after.previous_term.allowance.remaining == timedelta(minutes=4990)

    def test_finished_calls_that_the_wallet_cannot_pay_are_all_recorded(self, billing):
        """30 simultaneous calls of 1.00 are booked, and the balance goes below zero."""
        pay_in(billing, "100")
        pay_in(billing, "1", wallet=BERLIN)
        buy(billing)
        for number in range(30):
            call = Call(f"c-{number}", "+12125550100", "US", START, timedelta(minutes=50))
            billing.record_call("acme", "berlin", call, on=START)
        assert billing.balance(BERLIN) == eur("-29")
        pay_in(billing, "5", wallet=BERLIN)  # a wallet below zero accepts what does not lower it
        assert billing.balance(BERLIN) == eur("-24")

    def test_call_beyond_the_minutes_uses_all_minutes_and_charges_the_rest(self, billing):
        """5,001 minutes on 5,000 use the bundle up; the account's empty wallet owes 0.02."""
        pay_in(billing, "15")
        buy(billing, bundles=1)
        call = Call("c-1", "+12125550100", "US", START, timedelta(minutes=5001))
        after = billing.record_call("acme", "berlin", call, on=START).after
        assert after.allowance.remaining == timedelta(0)
        assert billing.balance(ACME) == eur("-0.02")

    def test_contract_refuses_a_call_without_credit_as_a_whole(self, billing):
        """With ``may_overdraw=False`` nothing of the call is recorded (F 3.5)."""
        calls = attrs.evolve(SKYPE_CONNECT.calls, may_overdraw=False)
        pay_in(billing, "10")
        buy(billing, offer=attrs.evolve(SKYPE_CONNECT, edition="strict", calls=calls))
        call = Call("c-1", "+12125550100", "US", START, timedelta(minutes=1))
        with pytest.raises(InsufficientCredit):
            billing.record_call("acme", "berlin", call, on=START)
        assert billing.subscription("acme", "berlin").sequence == 1


class TestRun:
    """``run_due``, ``iter_due`` and ``catch_up``."""

    @pytest.fixture
    def billing(self):
        billing = Billing(MemoryStore(), prices=TARIFF)
        for account in map(str, range(8)):
            billing.deposit(Wallet(account), eur("100"), transfer="opening", on=START)
            for profile in ("berlin", "munich"):
                billing.buy(
                    SKYPE_CONNECT.plan(channels=1),
                    account=account,
                    profile=profile,
                    subscription=profile,
                    on=START,
                )
        return billing

    def test_run_returns_all_outcomes_at_once(self, billing):
        """The run happens when it is called, and not when its result is read."""
        outcomes = billing.run_due(on=END)
        assert len(outcomes) == 16
        assert billing.run_due(on=END) == ()

    def test_iteration_commits_as_it_goes_and_counts_down(self, billing):
        """Each outcome lowers the number of profiles to come."""
        outcomes = billing.iter_due(on=END)
        first = next(outcomes)
        assert billing.subscription(first.account, first.profile).term.start == END
        assert length_hint(outcomes) == 15
        assert len(list(outcomes)) == 15
        assert length_hint(outcomes) == 0

    def test_length_hint_counts_the_first_page_before_anything_is_settled(self, billing):
        """A progress bar asks for the length first; that reads due profiles and commits nothing."""
        before = billing._work.store.store.snapshot()
        outcomes = billing.iter_due(on=END)

        assert length_hint(outcomes) == 16
        assert length_hint(outcomes) == 16
        assert before == billing._work.store.store.snapshot()
        assert len(list(outcomes)) == 16

    def test_error_of_the_first_page_is_raised_by_the_iteration(self, billing):
        """``list`` asks for the length, and ignores a TypeError that it gets as an answer."""
        outcomes = billing.iter_due(on="2026-02-04")

        assert length_hint(outcomes) == 0
        with pytest.raises(WrongType, match="on must be a date"):
            list(outcomes)

    def test_iteration_counts_profiles_and_not_their_missed_terms(self, billing):
        """Two missed terms of a profile are two outcomes, but one profile less to come."""
        hints: dict[str, list[int]] = {}
        outcomes = billing.iter_due(on=day("03-06"))
        for outcome in outcomes:
            hints.setdefault(outcome.account, []).append(length_hint(outcomes))
        left = 16
        for hints_of_account in hints.values():  # two terms of berlin and of munich, day by day
            left -= 2
            assert hints_of_account == [left + 1, left, left, left]
        assert left == 0

    def test_catch_up_settles_one_account(self, billing):
        """Other accounts are left alone."""
        assert len(billing.catch_up("3", on=END)) == 2
        assert len(billing.run_due(on=END)) == 14

    def test_shards_share_all_accounts(self, billing):
        """Each account belongs to one of the workers."""
        accounts = [
            {outcome.account for outcome in billing.run_due(on=END, shard=(part, 3))}
            for part in range(3)
        ]
        assert sorted(account for part in accounts for account in part) == list("01234567")
        assert all(shard_of(a, 3) == part for part, names in enumerate(accounts) for a in names)

    @pytest.mark.parametrize("shard", [(3, 3), (-1, 3), (0, 0)])
    def test_shard_that_does_not_exist_is_refused(self, billing, shard):
        """The first number is from 0 to the second minus one."""
        with pytest.raises(InvalidValue, match="shard"):
            billing.run_due(on=END, shard=shard)
