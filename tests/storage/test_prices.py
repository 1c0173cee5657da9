"""What a billing service charges with an application's own prices and postings."""

import asyncio
from datetime import date, timedelta
from fractions import Fraction

import attrs
import pytest
from tests.storage.services import AsyncStoreOver

from channelplans.calendar import Days, term_at
from channelplans.calls import Call
from channelplans.errors import InsufficientCredit, InvalidValue, NotOffered, WrongType
from channelplans.money import EUR, USD, Money
from channelplans.offers import SKYPE_CONNECT
from channelplans.rules import ChangeEffect, ChangeRule, NonPaymentRule, TermRule
from channelplans.storage.billing import AsyncBilling, Billing
from channelplans.storage.memory import MemoryStore
from channelplans.subscriptions.subscription import Action, Status
from channelplans.subscriptions.wallets import Posting, Reason, Wallet
from channelplans.tariffs import Tariff

START, MID_TERM = date(2026, 1, 5), date(2026, 1, 15)
FIRST_END, SECOND_END = date(2026, 2, 4), date(2026, 3, 6)
TARIFF = Tariff("list", EUR, channel="7", bundle="10", minute="0.02", rates={"DE": "0.04"})
HALF = TARIFF.scaled(Fraction(1, 2), name="half price")  # 3.50 a channel
FREE = Tariff("free trial", EUR, channel=0, bundle=0, minute="0.02")
AGREED = attrs.evolve(TARIFF, name="agreed", channel="5")
PLAN = SKYPE_CONNECT.plan(channels=10)
TRIAL = attrs.evolve(
    SKYPE_CONNECT,
    edition="trial",
    term=TermRule(Days(14)),
    change=ChangeRule(more=ChangeEffect.NO_CHARGE, fewer=ChangeEffect.NO_CHARGE),
)
ACME, BERLIN = Wallet("acme"), Wallet("acme", "berlin")
CALL = Call("c-1", "+49 30 5550100", "DE", MID_TERM, timedelta(minutes=3))  # 3 x 0.04 = 0.12


def euros(amount):
    """Return an amount in euros."""
    return Money.of(amount, EUR)


class OwnPrices:
    """A price book with one tariff for all; the classes below change one answer each."""

    def for_sale(self, plan, *, account, profile, on, previous):
        """Return the list price."""
        return TARIFF

    def for_change(self, subscription, plan, *, on):
        """Return the list price."""
        return TARIFF

    def for_call(self, subscription, call, quote):
        """Return the tariff of the term."""
        return quote.tariff

    def for_renewal(self, subscription):
        """Return the pending or held plan at the list price."""
        return subscription.pending or subscription.plan, TARIFF


class HalfPriceAtFirst(OwnPrices):
    """Half price for terms that start in the first 90 days after the first purchase."""

    def for_sale(self, plan, *, account, profile, on, previous):
        """Return half the price for the profile's first purchase."""
        return HALF if previous is None else TARIFF

    def for_change(self, subscription, plan, *, on):
        """Return half the price in the first 90 days."""
        return HALF if on < term_at(subscription.started_on, Days(30), 3).start else TARIFF

    def for_renewal(self, subscription):
        """Return half the price if the next term starts in the first 90 days."""
        plan = subscription.pending or subscription.plan
        return plan, self.for_change(subscription, plan, on=subscription.term.end)


class TrialFirst(OwnPrices):
    """A free trial, which renews as Skype Connect."""

    def for_sale(self, plan, *, account, profile, on, previous):
        """Return no price for the profile's first trial."""
        if plan.offer == TRIAL and previous is not None:
            raise NotOffered("second trial", TRIAL.full_name, "buy Skype Connect")
        return FREE if plan.offer == TRIAL else TARIFF

    def for_renewal(self, subscription):
        """Return the same channels of Skype Connect at the list price."""
        plan = subscription.pending or subscription.plan
        return SKYPE_CONNECT.plan(channels=plan.requested, bundles=plan.bundles), TARIFF


def tax_subscriptions(decision):
    """Return 19 % of what the account pays or gets back for subscriptions."""
    reasons = {Reason.SUBSCRIPTION, Reason.RENEWAL, Reason.REFUND}
    taxed = [posting.amount for posting in decision.postings if posting.reason in reasons]
    tax = sum(taxed, start=euros("0")).share(Fraction(19, 100))
    if tax == euros("0"):
        return ()
    reason = Reason.CHARGE if tax < euros("0") else Reason.REFUND
    return (Posting(ACME, tax, reason, decision.on),)


def open_billing(prices=TARIFF, *, credit="1000", extra_postings=None):
    """Return a service over an empty store with credit in acme's and berlin's wallets."""
    billing = Billing(MemoryStore(), prices=prices, extra_postings=extra_postings)
    billing.deposit(ACME, euros(credit), transfer="p-1", on=START)
    billing.deposit(BERLIN, euros("5"), transfer="p-2", on=START)
    return billing


def buy(billing, plan=PLAN, *, profile="berlin", subscription="s-1", on=START):
    """Buy a plan for a profile of acme."""
    return billing.buy(plan, account="acme", profile=profile, subscription=subscription, on=on)


def renewed_amounts(billing, on):
    """Run until a day, and return the amount of each posting."""
    outcomes = billing.run_due(on=on)
    assert [None] * len(outcomes) == [outcome.error for outcome in outcomes]
    return [
        str(posting.amount.amount) for outcome in outcomes for posting in outcome.decision.postings
    ]


def amounts(decision):
    """Return the amounts of a decision's postings."""
    return [str(posting.amount.amount) for posting in decision.postings]


class TestPriceBook:
    """An application's own price book."""

    def test_negotiated_prices_apply_to_one_account(self):
        """The account acme pays 5.00 a channel, and the account other pays 7.00."""

        def find_tariff(account, _offer, _day):
            return AGREED if account == "acme" else TARIFF

        billing = open_billing(find_tariff)
        billing.deposit(Wallet("other"), euros("500"), transfer="p-3", on=START)
        buy(billing)
        billing.buy(PLAN, account="other", profile="paris", subscription="s-2", on=START)

        assert ["-50.00", "-70.00"] == sorted(renewed_amounts(billing, FIRST_END))
        change = billing.change("acme", "berlin", channels=20, on=FIRST_END)
        assert ["50.00", "-100.00"] == amounts(change)

    def test_discount_ends_after_three_terms(self):
        """10 channels at 3.50 for three terms, and at 7.00 from the fourth term on."""
        billing = open_billing(HalfPriceAtFirst())

        assert ["-35.00"] == amounts(buy(billing))
        expected = ["-35.00", "-35.00", "-70.00", "-70.00"]
        assert expected == renewed_amounts(billing, date(2026, 5, 5))

    def test_change_does_not_renew_the_discount(self):
        """The term that starts with the change costs half; the renewal on 26 April costs it all.

        The change starts terms on 25 February, 27 March and 26 April. The discount ends on 5 April.
        """
        billing = open_billing(HalfPriceAtFirst())
        buy(billing)
        billing.run_due(on=FIRST_END)
        change = billing.change("acme", "berlin", channels=20, on=date(2026, 2, 25))

        assert "-70.00" == amounts(change)[-1]
        assert ["-70.00", "-140.00"] == renewed_amounts(billing, date(2026, 4, 26))

    def test_second_purchase_of_a_profile_gets_no_discount(self):
        """The price book is asked with the profile's last subscription."""
        billing = open_billing(HalfPriceAtFirst())
        buy(billing)
        billing.terminate("acme", "berlin", on=MID_TERM)

        assert ["-70.00"] == amounts(buy(billing, subscription="s-2", on=MID_TERM))

    def test_renewal_moves_a_trial_to_the_paid_offer(self):
        """14 free days, then terms of 30 days at 70.00, with the channels of the trial."""
        billing = open_billing(TrialFirst())

        assert [] == amounts(buy(billing, TRIAL.plan(channels=10)))
        assert ["-70.00", "-70.00"] == renewed_amounts(billing, date(2026, 2, 18))
        expired = billing.cancel("acme", "berlin", on=date(2026, 2, 18)).after
        assert PLAN == expired.plan
        assert (date(2026, 2, 18), date(2026, 3, 20)) == (expired.term.start, expired.term.end)

    def test_trial_without_credit_lapses(self):
        """The renewal on 19 January costs 70.00, and the wallet holds 69.99."""
        billing = open_billing(TrialFirst(), credit="69.99")
        buy(billing, TRIAL.plan(channels=10))
        (outcome,) = billing.run_due(on=date(2026, 1, 20))

        assert Status.LAPSED is outcome.decision.after.status

    def test_purchase_raises_the_error_of_the_price_book(self):
        """A second trial of the profile is refused, and nothing is committed."""
        billing = open_billing(TrialFirst())
        buy(billing, TRIAL.plan(channels=10))
        billing.terminate("acme", "berlin", on=START)
        with pytest.raises(NotOffered, match="has no second trial; buy Skype Connect"):
            buy(billing, TRIAL.plan(channels=10), subscription="s-2")

    def test_call_is_charged_by_the_price_book(self):
        """The call of 3 minutes costs 0.12 at the list price, although the term was half price."""

        class ListPriceForCalls(HalfPriceAtFirst):
            def for_call(self, subscription, call, quote):
                assert (subscription.quote, CALL) == (quote, call)
                return TARIFF

        billing = open_billing(ListPriceForCalls())
        buy(billing)

        assert ["-0.12"] == amounts(billing.record_call("acme", "berlin", CALL, on=MID_TERM))

    def test_call_is_charged_by_the_tariff_of_its_term(self):
        """A function whose prices rise on 10 January does not change a term that was paid."""

        def find_tariff(_account, _offer, day):
            return HALF if day < date(2026, 1, 10) else TARIFF

        billing = open_billing(find_tariff)
        buy(billing)

        assert ["-0.06"] == amounts(billing.record_call("acme", "berlin", CALL, on=MID_TERM))

    def test_change_within_the_term_does_not_ask_the_price_book(self):
        """A change of the trial is free and continues the term."""

        class NoChanges(TrialFirst):
            def for_change(self, subscription, plan, *, on):
                raise AssertionError("asked")

        billing = open_billing(NoChanges())
        trial = buy(billing, TRIAL.plan(channels=10))
        change = billing.change("acme", "berlin", channels=20, on=date(2026, 1, 10))

        assert [] == amounts(change)
        assert trial.after.term == change.after.term

    def test_wrong_answer_for_a_renewal_fails_only_that_profile(self):
        """The outcome names the method, and the term stays due."""

        class ForgetsThePlan(OwnPrices):
            def for_renewal(self, subscription):
                return TARIFF

        billing = open_billing(ForgetsThePlan())
        buy(billing)
        (outcome,) = billing.run_due(on=FIRST_END)

        assert outcome.failed
        assert str(outcome.error).startswith("prices.for_renewal() must be a Plan and a Tariff")

    @pytest.mark.parametrize("method", ["for_sale", "for_change", "for_call"])
    def test_answer_that_is_no_tariff_names_the_method(self, method):
        """Each action raises a WrongType that names the method of the price book."""
        prices = OwnPrices()
        billing = open_billing(prices)
        if method != "for_sale":
            buy(billing)
        setattr(prices, method, lambda *_, **__: "6.95")
        actions = {
            "for_sale": lambda: buy(billing),
            "for_change": lambda: billing.change("acme", "berlin", channels=20, on=MID_TERM),
            "for_call": lambda: billing.record_call("acme", "berlin", CALL, on=MID_TERM),
        }
        with pytest.raises(WrongType, match=rf"^prices\.{method}\(\) must be a Tariff, not '6.95'"):
            actions[method]()


class TestExtraPostings:
    """Postings that the application adds to each decision."""

    def test_preview_purchase_and_refund_have_symmetric_tax(self):
        """19 % of 70.00 is 13.30. Ending on the first day refunds both amounts."""
        billing = open_billing(extra_postings=tax_subscriptions)
        preview = billing.preview.buy(
            PLAN, account="acme", profile="berlin", subscription="s-1", on=START
        )

        assert ["-70.00", "-13.30"] == amounts(preview.decision)
        assert preview.decision == billing.commit(preview)
        assert ["70.00", "13.30"] == amounts(billing.terminate("acme", "berlin", on=START))

    def test_change_is_taxed_once_on_its_sum(self):
        """20 of 30 days of 70.00 are 46.67; 140.00 - 46.67 = 93.33, and 19 % are 17.7327."""
        billing = open_billing(extra_postings=tax_subscriptions)
        buy(billing)
        change = billing.change("acme", "berlin", channels=20, on=MID_TERM)

        assert ["46.67", "-140.00", "-17.73"] == amounts(change)

    def test_renewal_in_a_run_is_taxed(self):
        """Two late renewals are charged with their tax, and the wallet's balance includes both."""
        billing = open_billing(credit="300", extra_postings=tax_subscriptions)
        buy(billing)

        expected = ["-70.00", "-13.30", "-70.00", "-13.30"]
        assert expected == renewed_amounts(billing, SECOND_END)
        assert euros("50.10") == billing.statement(ACME).closing

    def test_renewal_that_cannot_pay_its_tax_lapses(self):
        """The wallet holds 83.29 after the purchase, and the renewal costs 83.30 with its tax."""
        billing = open_billing(credit="166.59", extra_postings=tax_subscriptions)
        buy(billing)
        (outcome,) = billing.run_due(on=FIRST_END + timedelta(days=1))

        assert Action.LAPSE is outcome.decision.action
        assert euros("83.30") == Money.of(outcome.error.needed, EUR)
        assert euros("83.29") == billing.statement(ACME).closing

    def test_tax_of_a_late_renewal_counts_from_the_day_of_the_renewal(self):
        """Both postings are booked on the day of the run, and count from 4 February."""
        billing = open_billing(credit="300", extra_postings=tax_subscriptions)
        buy(billing)
        (outcome,) = billing.run_due(on=FIRST_END + timedelta(days=9))
        days = [(posting.on, posting.value_date) for posting in outcome.decision.postings]

        assert [(date(2026, 2, 13), FIRST_END)] * 2 == days

    def test_renewal_that_a_profiles_wallet_cannot_pay_waits_and_lapses(self):
        """Each renewal takes 3.00 of berlin's 5.00 too, so the second one is unpaid."""

        def charge_profile(decision):
            if decision.action is Action.RENEW:
                yield Posting(BERLIN, euros("-3"), Reason.CHARGE, decision.on)

        billing = open_billing(extra_postings=charge_profile)
        buy(billing)
        renewed, waiting = billing.run_due(on=SECOND_END)
        (lapsed,) = billing.run_due(on=SECOND_END + timedelta(days=1))

        assert ["-70.00", "-3.00"] == amounts(renewed.decision)
        assert (None, False) == (waiting.decision, waiting.failed)
        assert "profile 'berlin' of account 'acme' holds 2.00 EUR" in str(lapsed)
        assert Action.LAPSE is lapsed.decision.action
        assert euros("2") == billing.balance(BERLIN)

    def test_lapse_that_cannot_pay_its_own_charge_stays_due(self):
        """A fee for the lapse is refused like every charge, so return none for a lapse."""

        def charge_for_lapse(decision):
            if decision.action is Action.LAPSE:
                yield Posting(ACME, euros("-5"), Reason.CHARGE, decision.on)

        billing = open_billing(credit="70", extra_postings=charge_for_lapse)
        buy(billing)
        for days in (1, 9):
            (outcome,) = billing.run_due(on=FIRST_END + timedelta(days=days))

            assert (None, False) == (outcome.decision, outcome.failed)
            assert euros("5") == Money.of(outcome.error.needed, EUR)

    def test_bundles_are_dropped_if_the_tax_of_all_cannot_be_paid(self):
        """80.00 and 15.20 of tax cannot be paid with 95.00; the channels cost 83.30."""
        offer = attrs.evolve(
            SKYPE_CONNECT, edition="drop", non_payment=NonPaymentRule(drops_bundles=True)
        )
        billing = open_billing(credit="190.20", extra_postings=tax_subscriptions)
        buy(billing, offer.plan(channels=10, bundles=1))
        (outcome,) = billing.run_due(on=FIRST_END)

        assert ["-70.00", "-13.30"] == amounts(outcome.decision)

    def test_purchase_that_cannot_pay_its_tax_is_refused(self):
        """70.00 do not pay 83.30, and no part of it is booked."""
        billing = open_billing(credit="70", extra_postings=tax_subscriptions)
        with pytest.raises(InsufficientCredit):
            buy(billing)
        assert euros("70") == billing.statement(ACME).closing

    def test_call_carries_a_surcharge(self):
        """Each recorded call costs 0.05 more, once, even if it is delivered twice."""

        def add_surcharge(decision):
            if decision.action is Action.RECORD_CALL:
                yield Posting(BERLIN, euros("-0.05"), Reason.CHARGE, decision.on)

        billing = open_billing(extra_postings=add_surcharge)
        buy(billing)

        for _ in range(2):
            decision = billing.record_call("acme", "berlin", CALL, on=MID_TERM)
            assert ["-0.12", "-0.05"] == amounts(decision)
        assert euros("4.83") == billing.statement(BERLIN).closing

    def test_asynchronous_service_adds_them_too(self):
        """A purchase over an asynchronous store is charged with its tax."""
        store = MemoryStore()

        async def purchase():
            billing = AsyncBilling(
                AsyncStoreOver(store), prices=TARIFF, extra_postings=tax_subscriptions
            )
            await billing.deposit(ACME, euros("100"), transfer="p-1", on=START)
            return await billing.buy(
                PLAN, account="acme", profile="berlin", subscription="s-1", on=START
            )

        assert ["-70.00", "-13.30"] == amounts(asyncio.run(purchase()))
        assert euros("16.70") == store.balance(ACME)

    @pytest.mark.parametrize(
        ("returned", "message"),
        [
            (None, r"^extra_postings\(\) must be postings, such as a list; .*, not None"),
            (Posting(ACME, euros("-1"), Reason.CHARGE, START), r"^extra_postings\(\) must be post"),
            ([euros("-1")], r"^extra_postings\(\) must be a Posting, not "),
            ("tax", r"^extra_postings\(\) must be a Posting, not 't'"),
        ],
    )
    def test_wrong_type_is_refused(self, returned, message):
        """The error names ``extra_postings``, and nothing is committed."""
        billing = open_billing(extra_postings=lambda _: returned)
        with pytest.raises(WrongType, match=message):
            buy(billing)
        assert euros("1000") == billing.statement(ACME).closing

    @pytest.mark.parametrize(
        ("posting", "message"),
        [
            (
                Posting(Wallet("other"), euros("-1"), Reason.CHARGE, START),
                r"^extra_postings\(\) must be on wallets of account 'acme', not on the wallet of "
                "account 'other'$",
            ),
            (
                Posting(ACME, euros("-1"), Reason.CHARGE, MID_TERM),
                r"^extra_postings\(\) must be on 2026-01-05, as the decision, not on 2026-01-15$",
            ),
            (
                Posting(BERLIN, Money.of("-1", USD), Reason.CHARGE, START),
                r"^extra_postings\(\) must be in EUR.*, as the subscription, not in USD",
            ),
            (
                Posting(ACME, euros("-1"), Reason.CHARGE, START, value_date=date(2026, 1, 4)),
                r"^extra_postings\(\)\.value_date must be left out: .*, not 2026-01-04$",
            ),
        ],
    )
    def test_posting_that_does_not_fit_the_decision_is_refused(self, posting, message):
        """The error says which account, day or currency fits, and nothing is committed."""
        billing = open_billing(extra_postings=lambda _: [posting])
        with pytest.raises(InvalidValue, match=message):
            buy(billing)
        assert euros("1000") == billing.statement(ACME).closing

    @pytest.mark.parametrize("billing_class", [Billing, AsyncBilling])
    def test_constructor_refuses_postings_instead_of_a_function(self, billing_class):
        """A list of postings cannot know which decision it belongs to."""
        store = MemoryStore() if billing_class is Billing else AsyncStoreOver(MemoryStore())
        with pytest.raises(WrongType, match=r"^extra_postings must be a function of a Decision"):
            billing_class(store, prices=TARIFF, extra_postings=[])
