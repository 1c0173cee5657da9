"""How decisions and transfers become the lines of an invoice."""

from datetime import date, timedelta
from decimal import Decimal

import attrs
import pytest
from tests.subscriptions.invoicing import (
    PURCHASE,
    WITH_SETUP,
    ZERO,
    change_channels,
    invoice_of,
    rows,
    value_dated,
    with_postings,
)
from tests.subscriptions.samples import (
    ACME,
    ACTIVE,
    BERLIN,
    END,
    FIRST_DAY,
    FIVE_CHANNELS,
    FREE_TARIFF,
    IDENTIFIERS,
    MID_TERM,
    PLAN,
    TARIFF,
    TERM,
    buy_subscription,
    call,
    euros,
)

from channelplans.calendar import Days, Term
from channelplans.offers import SKYPE_CONNECT
from channelplans.rules import ChangeEffect, NonPaymentRule
from channelplans.subscriptions.actions import buy, cancel, change, renew, terminate
from channelplans.subscriptions.call_records import record_call
from channelplans.subscriptions.transfers import (
    charge,
)
from channelplans.subscriptions.wallets import Posting, Reason
from channelplans.tariffs import Ladder, LadderMode, Rate, Tier


class TestSales:
    """Purchases and renewals have the lines of their quote."""

    def test_purchase_has_the_lines_of_its_quote(self):
        """Each line of the quote is a line with its quantity, price, term and profile."""
        channels, bundles = invoice_of(PURCHASE).lines

        assert rows(PURCHASE) == [
            ("subscription", "channels", 3, "6.95", "20.85"),
            ("subscription", "bundles", 1, "10.00", "10.00"),
        ]
        assert {TERM} == {channels.term, bundles.term}
        assert {"berlin"} == {channels.profile, bundles.profile}
        assert {FIRST_DAY} == {channels.value_date, bundles.value_date}
        assert {30} == {channels.price_days, bundles.price_days}

    def test_set_up_fee_is_a_line_whose_price_does_not_depend_on_days(self):
        """The fee has a price, and no number of days for which the price is."""
        fee = invoice_of(buy(PLAN, WITH_SETUP, on=FIRST_DAY, **IDENTIFIERS)).lines[-1]

        assert ("set-up", 1, Decimal("5.00"), None) == (
            fee.item,
            fee.quantity,
            fee.price,
            fee.price_days,
        )

    def test_purchase_without_a_price_is_shown_at_zero(self):
        """A free purchase is on the invoice, although no money moves."""
        purchase = buy(FIVE_CHANNELS, FREE_TARIFF, on=FIRST_DAY, **IDENTIFIERS)

        assert [("subscription", "channels", 5, "0.00", "0.00")] == rows(purchase)

    def test_price_of_a_ladder_is_not_shown(self):
        """A ladder prices the quantity as a whole, so there is no price of a single channel."""
        ladder = Ladder((Tier(3, 7), Tier(None, 6)), LadderMode.GRADUATED)
        tariff = attrs.evolve(TARIFF, channel=ladder)
        purchase = buy(FIVE_CHANNELS, tariff, on=FIRST_DAY, **IDENTIFIERS)

        assert [("subscription", "channels", 5, None, "33.00")] == rows(purchase)  # 3 x 7 + 2 x 6

    def test_aligned_first_term_shows_its_days(self):
        """The first term of 10 days costs a third, and the text says 10 of 30 days."""
        purchase = buy(
            FIVE_CHANNELS, TARIFF, on=FIRST_DAY, align_to=date(2026, 2, 14), **IDENTIFIERS
        )

        assert [("subscription", "channels", 5, "6.95", "11.58")] == rows(purchase)
        assert "2026-01-05 to 2026-01-15 (10 of 30 days)" in str(invoice_of(purchase))

    def test_renewal_has_the_lines_of_the_next_term(self):
        """A renewal is charged for the next term, and its reason says that it is a renewal."""
        renewal = renew(buy_subscription(FIVE_CHANNELS), TARIFF, on=END)

        assert [("renewal", "channels", 5, "6.95", "34.75")] == rows(renewal)
        assert Term(END, date(2026, 3, 6)) == invoice_of(renewal).lines[0].term

    def test_second_purchase_has_all_lines_of_its_quote(self):
        """A purchase after a termination on the same day sells a whole plan, not a difference."""
        terminated = terminate(ACTIVE, on=FIRST_DAY)
        second_purchase = buy(
            PLAN,
            TARIFF,
            on=FIRST_DAY,
            previous=terminated.after,
            **{**IDENTIFIERS, "subscription": "s-2"},
        )

        assert ["20.85", "10.00"] == [amount for *_, amount in rows(second_purchase)]


class TestChanges:
    """A change has the lines that it refunds and sells."""

    def test_restart_refunds_the_old_lines_and_sells_the_new_plan(self):
        """Two thirds of each line are refunded as negative lines, then the new plan is sold."""
        changed = change(ACTIVE, FIVE_CHANNELS, TARIFF, on=MID_TERM)

        assert rows(changed) == [
            ("refund", "channels", -3, "6.95", "-13.90"),
            ("refund", "bundles", -1, "10.00", "-6.67"),
            ("subscription", "channels", 5, "6.95", "34.75"),
        ]
        assert [TERM, TERM, Term(MID_TERM, date(2026, 2, 14))] == [
            line.term for line in invoice_of(changed).lines
        ]

    def test_lines_without_a_refund_are_left_out(self):
        """A set-up fee is not refunded, so the refund has no line for it."""
        bought = buy_subscription(FIVE_CHANNELS, WITH_SETUP)
        changed = change(bought, SKYPE_CONNECT.plan(channels=6), TARIFF, on=MID_TERM)

        assert ["channels", "channels"] == [item for _, item, *_ in rows(changed)]

    def test_restart_on_the_first_day_refunds_everything(self):
        """The new term has the same days as the old term, and both are on the invoice."""
        changed = change(ACTIVE, FIVE_CHANNELS, TARIFF, on=FIRST_DAY)

        assert ["-20.85", "-10.00", "34.75"] == [amount for *_, amount in rows(changed)]

    @pytest.mark.parametrize(
        ("effect", "amount", "days"),
        [
            (ChangeEffect.PRORATE, "23.17", " (20 of 30 days)"),  # 5 x 6.95 x 20 / 30
            (ChangeEffect.CHARGE_FULL, "34.75", ""),
        ],
    )
    def test_change_within_the_term_has_only_the_added_line(self, effect, amount, days):
        """Five more channels are a line; the channels that were paid are not charged again."""
        _, changed = change_channels(effect, 5, 10, fewer=ChangeEffect.NO_CHARGE)

        assert [("subscription", "channels", 5, "6.95", amount)] == rows(changed)
        assert f"2026-02-04{days}  " in str(invoice_of(changed))

    def test_prorated_reduction_is_a_refund(self):
        """Five channels fewer are refunded for 20 of 30 days."""
        _, changed = change_channels(ChangeEffect.PRORATE, 10, 5)

        assert [("refund", "channels", -5, "6.95", "-23.17")] == rows(changed)

    @pytest.mark.parametrize("effect", [ChangeEffect.NO_CHARGE, ChangeEffect.AT_RENEWAL])
    def test_change_without_a_charge_has_no_line(self, effect):
        """A change that moves no money is not on the invoice."""
        _, changed = change_channels(effect, 5, 10)

        assert [] == rows(changed)

    def test_pending_change_is_charged_at_the_renewal(self):
        """The renewal has the quantity of the pending plan."""
        _, changed = change_channels(ChangeEffect.AT_RENEWAL, 5, 10)
        renewal = renew(changed.after, TARIFF, on=END)

        assert [("renewal", "channels", 10, "6.95", "69.50")] == rows(changed, renewal)

    def test_free_change_shows_a_set_up_fee_that_it_charges(self):
        """A change without a charge for channels can still charge their set-up."""
        tariff = attrs.evolve(TARIFF, channel_setup="2")
        _, changed = change_channels(ChangeEffect.NO_CHARGE, 5, 10, tariff=tariff)

        assert [("subscription", "set-up of channels", 5, "2.00", "10.00")] == rows(changed)

    def test_change_in_a_grace_period_is_a_renewal(self):
        """The new plan is bought for the term that was due."""
        offer = attrs.evolve(SKYPE_CONNECT, non_payment=NonPaymentRule(grace=Days(7)))
        bought = buy_subscription(offer.plan(channels=10))
        changed = change(bought, offer.plan(channels=4), TARIFF, on=date(2026, 2, 6))

        assert [("renewal", "channels", 4, "6.95", "27.80")] == rows(changed)
        assert Term(END, date(2026, 3, 6)) == invoice_of(changed).lines[0].term

    def test_changed_quote_is_refunded_line_by_line(self):
        """A termination refunds the lines of the purchase and of each change within the term."""
        _, changed = change_channels(ChangeEffect.PRORATE, 10, 5)
        terminated = terminate(changed.after, on=date(2026, 1, 25))

        # A third of 69.50 is 23.17. A half of the refunded 23.17 is 11.585.
        # Both together are 11.58, rounded once, so the second line has 11.59.
        assert rows(terminated) == [
            ("refund", "channels", -10, "6.95", "-23.17"),
            ("refund", "channels", 5, "6.95", "11.59"),
        ]

    def test_termination_refunds_the_lines(self):
        """Two thirds of each line are refunded."""
        terminated = terminate(ACTIVE, on=MID_TERM)

        assert rows(terminated) == [
            ("refund", "channels", -3, "6.95", "-13.90"),
            ("refund", "bundles", -1, "10.00", "-6.67"),
        ]

    def test_termination_before_the_first_day_refunds_the_fee_too(self):
        """Before the term begins, everything is refunded."""
        purchase = buy(FIVE_CHANNELS, WITH_SETUP, on=FIRST_DAY, start=MID_TERM, **IDENTIFIERS)
        terminated = terminate(purchase.after, on=date(2026, 1, 6))

        assert ["34.75", "5.00", "-34.75", "-5.00"] == [
            amount for *_, amount in rows(purchase, terminated)
        ]
        assert ZERO == invoice_of(purchase, terminated).total

    @pytest.mark.parametrize(
        "decision",
        [terminate(ACTIVE, on=MID_TERM, refund=False), cancel(ACTIVE, on=MID_TERM)],
        ids=["terminate without a refund", "cancel"],
    )
    def test_decision_without_money_has_no_line(self, decision):
        """A cancellation, or a termination without a refund, is not on the invoice."""
        assert [] == rows(decision)


class TestCalls:
    """The calls of a profile to a destination are one line for each payer."""

    def record(self, *calls, plan=FIVE_CHANNELS, tariff=TARIFF, profile="berlin"):
        """Return the decisions that record calls on their days."""
        subscription = buy_subscription(plan, tariff, profile=profile)
        decisions = []
        for recorded_call in calls:
            decisions.append(record_call(subscription, recorded_call, tariff, on=recorded_call.day))
            subscription = decisions[-1].after
        return decisions

    def test_calls_are_summed_by_destination(self):
        """The number of calls, their charged length and their amounts are added."""
        calls = [
            call(120, "DE", date(2026, 1, 9), "c-1"),
            call(60, "US", date(2026, 1, 10), "c-2"),
            call(95, "DE", date(2026, 1, 12), "c-3"),  # counted as 96 seconds
        ]
        german, american = invoice_of(*self.record(*calls)).lines

        assert ("DE", 2, timedelta(seconds=216), euros("0.07")) == (
            german.item,
            german.quantity,
            german.duration,
            german.amount,  # 0.04 + 0.03
        )
        assert ("US", 1, Decimal("0.021"), euros("0.02")) == (
            american.item,
            american.quantity,
            american.price,
            american.amount,
        )
        assert Decimal("0.02") == german.price
        assert (date(2026, 1, 9), Term(date(2026, 1, 9), date(2026, 1, 13))) == (
            german.value_date,
            german.term,
        )

    def test_text_shows_the_length_and_the_price_of_a_minute(self):
        """The item of a line of calls is the destination and the charged length."""
        text = str(invoice_of(*self.record(call(3600, "DE"), call(60, "DE", identifier="c-2"))))

        assert "call    calls to DE, 1:01:00         2  0.02 a minute  " in text

    def test_overage_and_other_calls_are_separate_lines(self):
        """The account pays overage, the profile pays other calls to the same destination."""
        bundled = self.record(
            call(5000 * 60, "US", identifier="c-1"),
            call(60, "US", identifier="c-2"),
            plan=PLAN,
        )
        other = self.record(call(60, "US", identifier="c-3"))

        assert [("overage", "US", 1), ("call", "US", 1)] == [
            row[:3] for row in rows(*bundled, *other)
        ]

    def test_included_call_is_not_on_the_invoice(self):
        """A call that costs nothing because of its minutes has no line."""
        assert [] == rows(*self.record(call(60, "US"), plan=PLAN))

    def test_only_the_charged_part_of_a_call_counts(self):
        """The length of the line is the part after the included minutes."""
        (line,) = invoice_of(*self.record(call(5001 * 60, "US"), plan=PLAN)).lines

        assert (Reason.OVERAGE, timedelta(minutes=1)) == (line.reason, line.duration)

    def test_call_at_a_price_of_zero_is_on_the_invoice(self):
        """A charged call that costs 0.00 is counted, although no money moves."""
        assert [("call", "DE", 1, "0", "0.00")] == rows(
            *self.record(call(60, "DE"), tariff=FREE_TARIFF)
        )

    def test_calls_at_several_prices_show_no_price(self):
        """If the calls of a line have several prices, the line shows none of them."""
        tariff = attrs.evolve(TARIFF, rates={"DE": "0.02", "4915": Rate("0.20")})
        mobile = attrs.evolve(call(60, "DE", identifier="c-2"), number="+49 151 555 0100")
        landline = attrs.evolve(call(60, "DE"), number="+49 30 555 0100")

        assert [("call", "DE", 2, None, "0.22")] == rows(
            *self.record(landline, mobile, tariff=tariff)
        )

    def test_profiles_have_separate_lines(self):
        """Each profile has its own lines."""
        berlin = self.record(call(60, "DE", identifier="c-1"))
        paris = self.record(call(60, "DE", identifier="c-2"), profile="paris")

        assert ["berlin", "paris"] == [line.profile for line in invoice_of(*berlin, *paris).lines]


class TestOtherPostings:
    """Charges, and postings that an application adds, have separate lines."""

    def test_charge_is_named_by_its_reference(self):
        """A charge on the account's wallet has no profile."""
        fee = charge(ACME, euros("15"), transfer="porting 7", on=FIRST_DAY)

        assert [("charge", "porting 7", 1, "15.00", "15.00")] == rows(fee)
        assert None is invoice_of(fee).lines[0].profile

    def test_charge_on_a_profile_names_the_profile(self):
        """A call that is charged as a transfer has the reason for the charge."""
        late_call = charge(BERLIN, euros("2"), transfer="c-9", on=FIRST_DAY, reason=Reason.CALL)
        (line,) = invoice_of(late_call).lines

        assert ("berlin", Reason.CALL, "c-9", None) == (
            line.profile,
            line.reason,
            line.item,
            line.duration,
        )

    def test_added_tax_is_a_line_after_the_lines_of_the_quote(self):
        """A posting that no line explains has a line with its reason and reference."""
        tax = Posting(ACME, -euros("5.86"), Reason.CHARGE, FIRST_DAY, TERM, "VAT 19 %")
        taxed = with_postings(PURCHASE, tax)

        assert rows(taxed)[2:] == [("charge", "VAT 19 %", 1, "5.86", "5.86")]
        assert euros("36.71") == invoice_of(taxed).total
        line = invoice_of(taxed).lines[-1]
        assert ("berlin", TERM) == (line.profile, line.term)

    def test_added_posting_with_the_reason_of_the_quote_is_a_line(self):
        """Tax with the same reason and subscription has another amount, so it is not the price."""
        tax = attrs.evolve(PURCHASE.postings[0], amount=-euros("5.86"))
        taxed = attrs.evolve(PURCHASE, postings=(tax, *PURCHASE.postings))

        assert rows(taxed)[2:] == [("subscription", "s-1", 1, "5.86", "5.86")]

    def test_refunded_tax_is_a_negative_line(self):
        """Credit without a line of the refund has a negative quantity and amount."""
        tax = Posting(ACME, euros("3.91"), Reason.REFUND, MID_TERM)
        taxed = with_postings(terminate(ACTIVE, on=MID_TERM), tax)

        assert rows(taxed)[2:] == [("refund", None, -1, "3.91", "-3.91")]

    def test_replaced_posting_is_shown_instead_of_the_quote(self):
        """If the application books another amount than the quote, the invoice has that amount."""
        discounted = attrs.evolve(PURCHASE.postings[0], amount=-euros("25"))
        purchase = attrs.evolve(PURCHASE, postings=(discounted,))

        assert [("subscription", "s-1", 1, "25.00", "25.00")] == rows(purchase)

    def test_deposit_that_is_added_to_a_decision_is_not_a_line(self):
        """Credit that arrives with a purchase is paid in, and does not change the total."""
        top_up = Posting(ACME, euros("100"), Reason.DEPOSIT, FIRST_DAY, reference="p-1")
        invoice = invoice_of(with_postings(PURCHASE, top_up))

        assert (euros("30.85"), euros("100")) == (invoice.total, invoice.deposits)


class TestOrder:
    """Lines are sorted by value date, then in commit order."""

    def test_lines_are_sorted_by_value_date_and_then_by_commit(self):
        """A later commit with an earlier value date comes first; equal days keep their order."""
        fees = [
            charge(ACME, euros("1"), transfer=name, on=day)
            for name, day in (("z", END), ("b", MID_TERM), ("a", MID_TERM))
        ]
        early = value_dated(charge(ACME, euros("1"), transfer="c", on=END), FIRST_DAY)

        assert ["c", "b", "a", "z"] == [item for _, item, *_ in rows(*fees, early)]

    def test_late_posting_shows_its_value_date_and_its_booking(self):
        """A renewal of a late run has the day it was due, and the text says when it was booked."""
        renewal = renew(buy_subscription(FIVE_CHANNELS), TARIFF, on=date(2026, 2, 10))
        invoice = invoice_of(value_dated(renewal, END))

        (line,) = invoice.lines
        assert (END, date(2026, 2, 10)) == (line.value_date, line.booked_on)
        assert "2026-02-04  berlin   renewal  channels, booked on 2026-02-10  " in str(invoice)

    def test_late_posting_without_a_reference_shows_its_booking(self):
        """The day of booking is shown also if the line has no name."""
        tax = Posting(ACME, euros("3.91"), Reason.REFUND, MID_TERM)
        taxed = with_postings(terminate(ACTIVE, on=MID_TERM), tax)

        assert "refund  booked on 2026-01-15  " in str(invoice_of(value_dated(taxed, FIRST_DAY)))

    def test_late_calls_are_a_separate_line(self):
        """Calls that were booked late are not added to calls that were booked in time."""
        subscription = buy_subscription(FIVE_CHANNELS)
        recorded = [
            record_call(subscription, call(60, "DE", FIRST_DAY, name), TARIFF, on=MID_TERM)
            for name in ("c-1", "c-2")
        ]

        lines = invoice_of(recorded[0], value_dated(recorded[1], FIRST_DAY)).lines
        assert [MID_TERM, None] == [line.booked_on for line in lines]
