"""Tests of how an offer's rules act on a subscription: terms, changes, non-payment, refunds, fees.

The prices are made up: a month costs 31.00 for a channel and 62.00 for a bundle. So a day of
January costs 1.00 for a channel and 2.00 for a bundle.
"""

from datetime import date, timedelta
from functools import partial
from typing import Any

import attrs
import pytest
from tests.steps import run_within
from tests.subscriptions.samples import IDENTIFIERS

from channelplans.calendar import Days, Months, Term
from channelplans.calls import Call
from channelplans.errors import (
    CalendarEnds,
    CurrencyMismatch,
    InvalidValue,
    MixedChange,
    NotOffered,
    OutsideTerm,
    PlanUnchanged,
    TransitionNotAllowed,
)
from channelplans.money import EUR, USD
from channelplans.offers import SKYPE_CONNECT
from channelplans.pricing import amend_quote, quote, refund
from channelplans.quantities import QuantityRule
from channelplans.rules import (
    BundleRule,
    ChangeEffect,
    ChangeRule,
    NonPaymentRule,
    RefundBasis,
    RefundRule,
    TermRule,
)
from channelplans.subscriptions.actions import (
    buy,
    cancel,
    change,
    expire,
    lapse,
    renew,
    resume,
    terminate,
)
from channelplans.subscriptions.call_records import record_call
from channelplans.subscriptions.subscription import Status
from channelplans.subscriptions.wallets import Reason, Wallet
from channelplans.tariffs import Item, Ladder, Tariff, Tier

TARIFF = Tariff("made up", EUR, "31", "62", "0.10")
ACME = Wallet("acme")
PROFILE = Wallet("acme", "berlin")
JAN_1, JAN_16, JAN_22 = date(2026, 1, 1), date(2026, 1, 16), date(2026, 1, 22)
FEB_1, MAR_1, APR_1 = date(2026, 2, 1), date(2026, 3, 1), date(2026, 4, 1)
HOUR = timedelta(hours=1)


def make_offer(*, more=ChangeEffect.RESTART, fewer=None, **rules):
    """Return an offer with monthly terms, changes at any time, and the given rules.

    By default a change to fewer restarts. It is free if a change to more is charged in full.
    """
    full = more is ChangeEffect.CHARGE_FULL
    fewer = fewer or (ChangeEffect.NO_CHARGE if full else ChangeEffect.RESTART)
    return attrs.evolve(
        SKYPE_CONNECT,
        name="made up",
        **{
            "quantity": QuantityRule(1, 300),
            "term": TermRule(Months(1)),
            "change": ChangeRule(cooldown=None, more=more, fewer=fewer),
            **rules,
        },
    )


def purchase(offer, channels=10, bundles=0, *, on=JAN_1, tariff=TARIFF):
    """Return the decision to buy a plan of the offer."""
    return buy(offer.plan(channels=channels, bundles=bundles), tariff, on=on, **IDENTIFIERS)


def subscribe(offer, channels=10, bundles=0, *, on=JAN_1, tariff=TARIFF):
    """Return the subscription after a purchase."""
    return purchase(offer, channels, bundles, on=on, tariff=tariff).after


def change_plan(subscription, channels, bundles=0, *, on=JAN_16, tariff=TARIFF):
    """Return the decision to change to another plan of the same offer."""
    plan = subscription.plan.offer.plan(channels=channels, bundles=bundles)
    return change(subscription, plan, tariff, on=on)


def account_cents(decision):
    """Return the change of the account's balance in cents, or 0 if there is none."""
    delta = decision.deltas.get(ACME)
    return 0 if delta is None else delta.minor


# Terms


def test_renew_counts_each_monthly_term_from_the_day_of_purchase():
    """A purchase on 31 January renews on 28 February and on 31 March, not on 28 March."""
    first = purchase(make_offer(), on=date(2026, 1, 31))
    second = renew(first.after, TARIFF, on=date(2026, 2, 28))
    third = renew(second.after, TARIFF, on=date(2026, 3, 31))

    assert [
        Term(date(2026, 2, 28), date(2026, 3, 31)),
        Term(date(2026, 3, 31), date(2026, 4, 30)),
    ] == [
        second.after.term,
        third.after.term,
    ]


def test_first_aligned_term_is_prorated():
    """The first term ends with the month. Its price and its minutes shrink in proportion.

    16 of 31 days: 10 x 31 x 16/31 = 160, 62 x 16/31 = 32, and 300,000 s x 16/31 = 154,838 s.
    """
    first = purchase(make_offer(term=TermRule(Months(1), billing_day=1)), 10, 1, on=JAN_16)
    second = renew(first.after, TARIFF, on=FEB_1)

    assert (Term(JAN_16, FEB_1), Term(FEB_1, MAR_1)) == (first.after.term, second.after.term)
    assert (-19_200, -37_200) == (account_cents(first), account_cents(second))
    assert timedelta(seconds=154_838) == first.after.allowance.granted
    assert timedelta(minutes=5000) == second.after.allowance.granted


def test_first_aligned_term_is_a_full_term_if_bought_on_the_first():
    """A purchase on 1 January pays for all of January."""
    decision = purchase(make_offer(term=TermRule(Months(1), billing_day=1)))

    assert (Term(JAN_1, FEB_1), -31_000) == (decision.after.term, account_cents(decision))


def test_aligned_quarter_begins_in_the_month_of_purchase():
    """January to March have 90 days. From 16 January 75 days are left: 310 x 75/90 = 258.33."""
    first = purchase(make_offer(term=TermRule(Months(3), billing_day=1)), on=JAN_16)
    second = renew(first.after, TARIFF, on=date(2026, 4, 1))
    second_quarter = Term(date(2026, 4, 1), date(2026, 7, 1))

    assert (Term(JAN_16, date(2026, 4, 1)), -25_833) == (first.after.term, account_cents(first))
    assert (second_quarter, -31_000) == (second.after.term, account_cents(second))


def test_terminate_refunds_a_short_first_term_by_its_own_days():
    """160 was paid for 16 days. With ten of these days left, 100 is refunded."""
    subscription = subscribe(make_offer(term=TermRule(Months(1), billing_day=1)), on=JAN_16)

    assert 10_000 == account_cents(terminate(subscription, on=JAN_22))


def test_term_rule_refuses_to_align_terms_of_days():
    """Only terms of months can be aligned to the month."""
    with pytest.raises(InvalidValue, match="in months if a billing day is set"):
        TermRule(Days(30), billing_day=1)


@pytest.mark.parametrize(
    ("rule", "text"),
    [
        (TermRule(Months(1), billing_day=1), "a term of 1 month from day 1 of a month"),
        (
            TermRule(Months(1), minimum_term=Months(12)),
            "a term of 1 month, for a minimum of 12 months",
        ),
        (
            ChangeRule(None, ChangeEffect.PRORATE, ChangeEffect.AT_RENEWAL),
            "a change at any time; more: prorate the difference; fewer: from the next term on",
        ),
        (
            ChangeRule(None, other_offer=ChangeEffect.AT_RENEWAL),
            "a change at any time; restart with a refund; another offer: from the next term on",
        ),
        (NonPaymentRule(), "without credit it lapses"),
        (NonPaymentRule(grace=Days(1)), "without credit it lapses after 1 day of grace"),
    ],
)
def test_str_of_a_rule_describes_it(rule, text):
    """The text of a rule is a sentence for a person."""
    assert text == str(rule)


def test_str_of_offer_mentions_non_payment_only_if_the_rule_differs_from_the_default():
    """By default a subscription lapses, and the offer's text does not mention it."""
    assert "without credit" not in str(make_offer())
    assert "after 7 days of grace" in str(make_offer(non_payment=NonPaymentRule(grace=Days(7))))


# Minimum term


@pytest.fixture
def with_minimum_term():
    """Return a subscription with a minimum term of three months, in its first month."""
    return subscribe(make_offer(term=TermRule(Months(1), minimum_term=Months(3))))


def test_notice_in_a_minimum_term_takes_effect_at_its_end(with_minimum_term):
    """Cancelled in January, it is renewed in February and March, and ends on 1 April."""
    notice = cancel(with_minimum_term, on=JAN_16)
    february = renew(notice.after, TARIFF, on=FEB_1).after
    march = renew(february, TARIFF, on=MAR_1).after

    assert "It is not available from 2026-04-01 on." in notice.notices[0].text
    assert "Runs until 2026-04-01, when it ends." in str(notice)
    assert [Status.CANCELLED] * 3 == [item.status for item in (notice.after, february, march)]
    with pytest.raises(TransitionNotAllowed, match=r"possible: .*renew, lapse"):
        expire(february, on=MAR_1)
    with pytest.raises(TransitionNotAllowed, match="possible: record call, expire"):
        renew(march, TARIFF, on=APR_1)
    assert Status.ENDED is expire(march, on=APR_1).after.status


def test_notice_in_a_minimum_term_can_be_withdrawn(with_minimum_term):
    """After ``resume`` the subscription renews itself beyond its minimum term."""
    cancelled = cancel(with_minimum_term, on=JAN_16).after
    february = renew(cancelled, TARIFF, on=FEB_1).after
    resumed = resume(february, on=date(2026, 2, 20)).after
    march = renew(resumed, TARIFF, on=MAR_1).after

    assert Status.ACTIVE is renew(march, TARIFF, on=APR_1).after.status


def test_notice_takes_effect_at_the_first_end_of_a_term_after_the_minimum():
    """A minimum of 100 days from 1 January ends on 11 April, within a term that ends on 1 May."""
    subscription = subscribe(make_offer(term=TermRule(Months(1), minimum_term=Days(100))))

    assert "from 2026-05-01 on" in cancel(subscription, on=JAN_16).notices[0].text


def test_cancelled_subscription_in_its_minimum_term_lapses_if_it_is_not_paid(with_minimum_term):
    """The notice does not protect it from a lapse."""
    cancelled = cancel(with_minimum_term, on=JAN_16).after
    lapsed = lapse(cancelled, on=date(2026, 2, 2))

    assert Status.LAPSED is lapsed.after.status
    assert "Not active since 2026-02-01." in str(lapsed)


def test_terminate_refunds_only_after_the_minimum_term(with_minimum_term):
    """Within it, the error says that a termination without a refund is possible."""
    with pytest.raises(OutsideTerm) as caught:
        terminate(with_minimum_term, on=JAN_16)
    ended = terminate(with_minimum_term, on=JAN_16, refund=False)

    assert (
        "terminate is possible from 2026-04-01 on, not on 2026-01-16; the minimum term runs until "
        "2026-04-01; terminate(..., refund=False) ends it before, without a refund"
        == str(caught.value)
    )
    assert (Status.ENDED, ()) == (ended.after.status, ended.postings)


def test_cancel_computes_the_last_term_of_a_long_minimum():
    """With terms of one day and a minimum of 7,916 years the term is computed, not walked."""
    subscription = subscribe(make_offer(term=TermRule(Days(1), minimum_term=Months(95_000))))
    # 2.9 million terms would be walked.
    cancelled = run_within(20_000, lambda: cancel(subscription, on=JAN_1))

    # 95,000 months are 7,916 years and 8 months.
    assert "from 9942-09-01 on" in cancelled.notices[0].text


@pytest.mark.parametrize(
    ("length", "on", "minimum"),
    [
        (Days(30), date(9999, 11, 20), Days(35)),
        (Months(1), date(9999, 11, 20), Days(35)),
        (Months(5), date(9999, 1, 20), Days(320)),
    ],
)
def test_last_term_of_the_minimum_may_end_after_the_calendar(length, on, minimum):
    """Only the notice to cancel needs that term; all other actions are possible without it."""
    last = subscribe(make_offer(term=TermRule(length, minimum_term=minimum)), on=on)
    call = Call("c-1", "+12125550100", "US", on, HOUR)

    with pytest.raises(CalendarEnds):
        cancel(last, on=on)
    with pytest.raises(CalendarEnds):
        attrs.evolve(last, status=Status.CANCELLED)
    with pytest.raises(OutsideTerm, match="the minimum term runs until 9999-12"):
        terminate(last, on=on + timedelta(1))
    assert Status.ENDED is terminate(last, on=on, refund=False).after.status
    assert on == record_call(last, call, TARIFF, on=on).on
    assert [True, False] == [last.active_on(day) for day in (on, date.max)]


LATE_RULES: dict[str, dict[str, Any]] = {
    "grace period": {"non_payment": NonPaymentRule(grace=Days(60))},
    "minimum term": {"term": TermRule(Months(1), minimum_term=Months(12))},
}


@pytest.mark.parametrize("rule", LATE_RULES)
def test_grace_period_and_minimum_term_must_end_within_the_calendar(rule):
    """A purchase, a change and a renewal refuse what would end after the year 9999."""
    late_offer = make_offer(**LATE_RULES[rule])
    day = date(9999, 10, 15)
    held = subscribe(attrs.evolve(make_offer(), edition="held"), on=day)
    plan = late_offer.plan(channels=10)

    with pytest.raises(CalendarEnds):
        purchase(late_offer, on=date(9999, 11, 15))
    with pytest.raises(CalendarEnds):
        change(held, plan, TARIFF, on=date(9999, 11, 14))
    with pytest.raises(CalendarEnds):
        renew(held, TARIFF, on=date(9999, 11, 15), plan=plan)


def test_grace_period_may_end_on_the_last_day_of_the_calendar():
    """Every query and action of a subscription works until 31 December 9999."""
    on = date(9999, 11, 1)
    rules = {"term": TermRule(Days(30)), "non_payment": NonPaymentRule(grace=Days(30))}
    last = subscribe(make_offer(**rules), on=on)
    in_grace = date(9999, 12, 30)
    call = Call("c-1", "+12125550100", "US", in_grace, HOUR)

    assert [True, False] == [last.active_on(day) for day in (in_grace, date.max)]
    assert Status.CANCELLED is cancel(last, on=on).after.status
    assert Status.ENDED is terminate(last, on=on).after.status
    assert in_grace == record_call(last, call, TARIFF, on=in_grace).on


def test_change_does_not_restart_the_minimum_term(with_minimum_term):
    """A change restarts the term, but the minimum term still counts from the purchase."""
    restarted = change_plan(with_minimum_term, 12, on=JAN_16).after

    assert (date(2026, 4, 1), JAN_1) == (restarted.minimum_term_end, restarted.started_on)


def test_cancel_is_possible_on_the_first_day_without_a_minimum_term():
    """By default an offer has no minimum term."""
    assert Status.CANCELLED is cancel(subscribe(make_offer()), on=JAN_1).after.status


# Effects of a change to more or fewer channels. On 16 January 16 of the 31 days are left.


@pytest.mark.parametrize(
    ("effect", "cents", "end"),
    [
        # The refund is 10 x 31 x 16/31 = 160, the charge 15 x 31 = 465.
        (ChangeEffect.RESTART, 16_000 - 46_500, date(2026, 2, 16)),
        # 5 x 31 x 16/31 = 80
        (ChangeEffect.PRORATE, -8_000, FEB_1),
        # 5 x 31 = 155
        (ChangeEffect.CHARGE_FULL, -15_500, FEB_1),
        (ChangeEffect.NO_CHARGE, 0, FEB_1),
    ],
)
def test_change_to_more_charges_as_the_effect_says(effect, cents, end):
    """The larger plan applies from the day of the change, whatever it costs."""
    decision = change_plan(subscribe(make_offer(more=effect)), 15)
    subscription = decision.after

    assert cents == account_cents(decision)
    assert (15, end) == (subscription.plan.channels, subscription.term.end)


@pytest.mark.parametrize(
    ("effect", "cents", "end"),
    [
        # The refund is 160, the charge 4 x 31 = 124.
        (ChangeEffect.RESTART, 16_000 - 12_400, date(2026, 2, 16)),
        # 6 x 31 x 16/31 = 96
        (ChangeEffect.PRORATE, 9_600, FEB_1),
        (ChangeEffect.NO_CHARGE, 0, FEB_1),
    ],
)
def test_change_to_fewer_refunds_as_the_effect_says(effect, cents, end):
    """The smaller plan applies from the day of the change, whatever is refunded."""
    decision = change_plan(subscribe(make_offer(fewer=effect)), 4)
    subscription = decision.after

    assert cents == account_cents(decision)
    assert (4, end) == (subscription.plan.channels, subscription.term.end)


@pytest.mark.parametrize("channels", [15, 4])
def test_next_term_change_takes_effect_at_the_renewal(channels):
    """Until the renewal only the pending plan changes, and a notice names the day."""
    subscription = subscribe(
        make_offer(more=ChangeEffect.AT_RENEWAL, fewer=ChangeEffect.AT_RENEWAL)
    )
    requested = change_plan(subscription, channels)
    plan = subscription.plan.offer.plan(channels=channels)

    assert (0, subscription.plan, subscription.term, plan) == (
        account_cents(requested),
        requested.after.plan,
        requested.after.term,
        requested.after.pending,
    )
    assert "The change comes with the next term, on 2026-02-01." == requested.notices[0].text
    assert f"change profile 'berlin' to {channels} channels" in str(requested)
    assert f"{channels} channels from then on" in str(requested.after)

    renewed = renew(requested.after, TARIFF, on=FEB_1)

    assert (-channels * 3100, plan, None) == (
        account_cents(renewed),
        renewed.after.plan,
        renewed.after.pending,
    )


def test_many_small_changes_on_one_day_gain_nothing():
    """Changes of one day are rounded as one sum.

    On the last of 31 days a channel costs 1.45 / 31 = 0.0468, so a hundred channels cost 4.68.
    Rounded one by one, they would cost 5.00, and a reduction by all of them would refund 4.68.
    """
    cheap_tariff = attrs.evolve(TARIFF, channel="1.45")
    offer = make_offer(change=ChangeRule(None, ChangeEffect.PRORATE, ChangeEffect.PRORATE))
    subscription = subscribe(offer, 1, tariff=cheap_tariff)
    last_day = date(2026, 1, 31)
    cents = []
    for channels in (*range(2, 102), 1):
        decision = change_plan(subscription, channels, on=last_day)
        cents.append(account_cents(decision))
        subscription = decision.after
    increases, reduction = cents[:-1], cents[-1]

    assert (-468, 468) == (sum(increases), reduction)
    # 1.45 remains paid for one channel; 1.45 / 31 for its last day is refunded.
    assert 145 == subscription.quote.total.minor
    assert 5 == account_cents(terminate(subscription, on=last_day))


def test_full_effect_never_refunds():
    """A change to more that lowers the price under a ladder charges and refunds nothing.

    A channel costs 8.00 up to 9 channels and 6.00 from 10 channels on. So 9 cost 72.00, 10 cost
    60.00, 11 cost 66.00, and 13 cost 78.00, which is 6.00 more than was paid.
    """
    ladder = Ladder((Tier(9, "8"), Tier(None, "6")))
    tariff = attrs.evolve(TARIFF, channel=ladder)
    subscription = subscribe(make_offer(more=ChangeEffect.CHARGE_FULL), 9, tariff=tariff)
    cents = []
    for channels in (10, 11, 13):
        decision = change_plan(subscription, channels, on=date(2026, 1, 31))
        cents.append(account_cents(decision))
        subscription = decision.after

    assert [0, 0, -600] == cents
    assert 7_800 == subscription.quote.total.minor


def test_change_rule_refuses_the_full_effect_for_fewer():
    """``CHARGE_FULL`` only charges, and a change to fewer has nothing to charge."""
    with pytest.raises(InvalidValue, match="smaller plan"):
        ChangeRule(fewer=ChangeEffect.CHARGE_FULL)


def test_effects_apply_to_bundles_as_to_channels():
    """One more bundle costs 62 x 16/31 = 32 and grants 300,000 s x 16/31 = 154,838 s."""
    subscription = subscribe(
        make_offer(more=ChangeEffect.PRORATE, fewer=ChangeEffect.NO_CHARGE), 10, 1
    )
    increase = change_plan(subscription, 10, 2)
    reduction = change_plan(increase.after, 10, 1, on=JAN_22)

    assert -3_200 == account_cents(increase)
    assert timedelta(seconds=300_000 + 154_838) == increase.after.allowance.granted
    assert (0, 1) == (account_cents(reduction), reduction.after.plan.bundles)


def test_mixed_change_is_refused_if_the_effects_differ():
    """More of one item and fewer of the other need two changes, and the error says so."""
    subscription = subscribe(
        make_offer(more=ChangeEffect.PRORATE, fewer=ChangeEffect.AT_RENEWAL), 10, 2
    )

    for channels, bundles in (12, 1), (9, 3):
        with pytest.raises(MixedChange, match="change channels and bundles separately"):
            change_plan(subscription, channels, bundles)


@pytest.mark.parametrize(
    "effect",
    [ChangeEffect.RESTART, ChangeEffect.PRORATE, ChangeEffect.NO_CHARGE, ChangeEffect.AT_RENEWAL],
)
def test_mixed_change_is_one_change_if_the_effects_are_equal(effect):
    """More channels and fewer bundles are changed together."""
    subscription = subscribe(make_offer(more=effect, fewer=effect), 10, 2)
    decision = change_plan(subscription, 12, 1)
    plan = decision.after.pending or decision.after.plan

    assert (12, 1) == (plan.channels, plan.bundles)
    if effect is ChangeEffect.PRORATE:
        # Two channels for 16 days cost 32, and one bundle for 16 days refunds 32.
        assert 0 == account_cents(decision)
        assert [2, -1] == [line.quantity for line in decision.after.quote.lines[2:]]


def test_change_to_another_offer_always_restarts_the_term():
    """A difference between two offers cannot be prorated."""
    subscription = subscribe(make_offer(more=ChangeEffect.PRORATE, fewer=ChangeEffect.NO_CHARGE))
    other_offer = attrs.evolve(subscription.plan.offer, edition="another")
    decision = change(subscription, other_offer.plan(channels=11), TARIFF, on=JAN_16)

    assert 16_000 - 34_100 == account_cents(decision)


def test_prorated_change_on_the_first_day_charges_the_full_term():
    """On the first day all days of the term are left."""
    subscription = subscribe(make_offer(more=ChangeEffect.PRORATE))

    assert -15_500 == account_cents(change_plan(subscription, 15, on=JAN_1))


def test_prorated_change_in_a_short_first_term_divides_by_the_full_month():
    """The price is for the month, even if only 16 days were bought: 5 x 31 x 10/31 = 50."""
    offer = make_offer(term=TermRule(Months(1), billing_day=1), more=ChangeEffect.PRORATE)
    subscription = subscribe(offer, on=JAN_16)

    assert -5_000 == account_cents(change_plan(subscription, 15, on=JAN_22))


def test_bundle_removed_on_its_first_day_leaves_no_minutes():
    """30/31 of 5,000 minutes is not a whole number of seconds, but no rest remains."""
    offer = make_offer(
        term=TermRule(Months(1), billing_day=1),
        more=ChangeEffect.PRORATE,
        fewer=ChangeEffect.PRORATE,
    )
    first_day = date(2026, 1, 2)
    with_bundle = subscribe(offer, bundles=1, on=first_day)
    without_bundle = change(with_bundle, offer.plan(channels=10), TARIFF, on=first_day).after

    assert timedelta(seconds=5_000 * 60 * 30 // 31) == with_bundle.allowance.granted
    assert timedelta(0) == without_bundle.allowance.granted


def test_full_change_in_a_short_first_term_charges_all_of_that_term():
    """The first term has 16 of 31 days: 5 x 31 x 16/31 = 80, on any of its days."""
    offer = make_offer(term=TermRule(Months(1), billing_day=1), more=ChangeEffect.CHARGE_FULL)
    subscription = subscribe(offer, on=JAN_16)

    assert -8_000 == account_cents(change_plan(subscription, 15, on=JAN_22))


def test_refund_divides_added_channels_by_their_own_days():
    """With ten days left, 310 x 10/31 = 100 and 80 x 10/16 = 50 are refunded."""
    subscription = change_plan(subscribe(make_offer(more=ChangeEffect.PRORATE)), 15).after

    assert 15_000 == account_cents(terminate(subscription, on=JAN_22))
    assert 15_000 == refund(subscription.quote, on=JAN_22).returned.minor


def test_prorated_change_uses_the_prices_at_which_the_term_was_bought():
    """A new tariff does not change the prices of a running term."""
    offer = make_offer(more=ChangeEffect.PRORATE, fewer=ChangeEffect.PRORATE)
    subscription = subscribe(offer)
    new_tariff = attrs.evolve(TARIFF, name="dearer", channel="93")
    reduction = change_plan(subscription, 1, tariff=new_tariff)
    increase = change_plan(subscription, 20, tariff=new_tariff)

    # Nine fewer: 9 x 31 x 16/31 = 144
    assert (14_400, TARIFF) == (account_cents(reduction), reduction.after.quote.tariff)
    # Ten more: 10 x 31 x 16/31 = 160
    assert -16_000 == account_cents(increase)
    # The last channel: 1 x 31 x 10/31 = 10
    assert 1_000 == account_cents(terminate(reduction.after, on=JAN_22))


def test_terminate_does_not_refund_a_prorated_reduction_again():
    """The reduction refunded 96 for 6 channels. Later 4 x 31 x 10/31 = 40 is refunded for 4."""
    subscription = change_plan(subscribe(make_offer(fewer=ChangeEffect.PRORATE)), 4).after

    assert 4_000 == account_cents(terminate(subscription, on=JAN_22))


def test_prorated_change_under_a_volume_ladder_charges_the_difference_of_the_totals():
    """10 cost 310 and 12 cost 12 x 28 = 336, so 16 of 31 days cost 26 x 16/31 = 13.419..."""
    volume = Ladder((Tier(10, unit=31), Tier(None, unit=28)))
    tariff = Tariff("volume", EUR, channel=volume, bundle=0, minute=0)
    subscription = subscribe(make_offer(more=ChangeEffect.PRORATE), tariff=tariff)

    assert -1_342 == account_cents(change_plan(subscription, 12, tariff=tariff))


def test_first_bundle_is_charged_the_flat_fee_of_its_tier():
    """No bundles cost nothing, and one bundle costs 10 + 1."""
    tariff = Tariff("flat", EUR, channel=0, bundle=Ladder((Tier(None, 1, flat=10),)), minute=0)
    subscription = subscribe(make_offer(more=ChangeEffect.CHARGE_FULL), tariff=tariff)

    assert -1_100 == account_cents(change_plan(subscription, 10, 1, tariff=tariff))


def test_change_refuses_a_tariff_in_another_currency():
    """A term is paid in one currency."""
    subscription = subscribe(make_offer(more=ChangeEffect.PRORATE))
    dollars = attrs.evolve(TARIFF, currency=USD)

    with pytest.raises(CurrencyMismatch):
        change_plan(subscription, 15, tariff=dollars)


def test_amend_refuses_a_day_outside_the_term():
    """The day before the term and the end of the term are both refused."""
    subscription = subscribe(make_offer())

    for day in date(2025, 12, 31), FEB_1:
        with pytest.raises(OutsideTerm):
            amend_quote(subscription.quote, subscription.plan, on=day, effect=ChangeEffect.PRORATE)


def test_amend_in_full_to_fewer_keeps_the_paid_lines():
    """With ``CHARGE_FULL`` only the plan of the quote changes."""
    paid = subscribe(make_offer()).quote
    smaller_plan = paid.plan.offer.plan(channels=4)
    amended = amend_quote(paid, smaller_plan, on=JAN_16, effect=ChangeEffect.CHARGE_FULL)

    assert (smaller_plan, paid.lines) == (amended.plan, amended.lines)


def test_prorated_change_posts_a_charge_or_a_refund():
    """More channels post a charge for the subscription, and fewer channels post a refund."""
    subscription = subscribe(make_offer(more=ChangeEffect.PRORATE, fewer=ChangeEffect.PRORATE))
    decisions = [change_plan(subscription, channels) for channels in (15, 4)]

    assert [Reason.SUBSCRIPTION, Reason.REFUND] == [
        decision.postings[0].reason for decision in decisions
    ]


# The largest number paid for stays paid for until the term ends


@pytest.mark.parametrize(
    ("effect", "cents"), [(ChangeEffect.CHARGE_FULL, -15_500), (ChangeEffect.PRORATE, -5_000)]
)
def test_change_charges_only_channels_above_the_number_paid_for(effect, cents):
    """10, then 5, then 15 channels: the last change pays for 5.

    5 x 31 = 155 in full, or 5 x 31 x 10/31 = 50 for ten days.
    """
    subscription = subscribe(make_offer(more=effect, fewer=ChangeEffect.NO_CHARGE))
    five = change_plan(subscription, 5).after
    fifteen = change_plan(five, 15, on=JAN_22)

    assert (5, cents) == (five.plan.channels, account_cents(fifteen))
    assert -46_500 == account_cents(renew(fifteen.after, TARIFF, on=FEB_1))


@pytest.mark.parametrize("effect", [ChangeEffect.CHARGE_FULL, ChangeEffect.PRORATE])
@pytest.mark.parametrize("channels", [7, 10])
def test_change_up_to_the_number_paid_for_is_free(effect, channels):
    """10, then 5, then 7 or 10 channels: ten are paid for, so nothing is charged or refunded."""
    five = change_plan(subscribe(make_offer(more=effect, fewer=ChangeEffect.NO_CHARGE)), 5).after
    increase = change_plan(five, channels, on=JAN_22)
    fifteen_after_five = change_plan(five, 15, on=JAN_22)
    fifteen_after_increase = change_plan(increase.after, 15, on=JAN_22)

    assert (0, channels) == (account_cents(increase), increase.after.plan.channels)
    assert account_cents(fifteen_after_five) == account_cents(fifteen_after_increase)


def test_reduction_refunds_only_channels_below_the_number_paid_for():
    """10 are paid for and 15 are used until the next term, so a change to 12 refunds nothing."""
    subscription = subscribe(make_offer(more=ChangeEffect.NO_CHARGE, fewer=ChangeEffect.PRORATE))
    fifteen = change_plan(subscription, 15).after
    twelve = change_plan(fifteen, 12, on=JAN_22)

    assert (0, 12) == (account_cents(twelve), twelve.after.plan.channels)

    # 8 are two fewer than the 10 paid for: 2 x 31 x 10/31 = 20.
    assert 2_000 == account_cents(change_plan(fifteen, 8, on=JAN_22))


def test_change_of_channels_does_not_refund_bundles_paid_for():
    """2 bundles, then 1 bundle, then one more channel: only the channel is charged."""
    subscription = subscribe(
        make_offer(more=ChangeEffect.PRORATE, fewer=ChangeEffect.NO_CHARGE), 10, 2
    )
    one_bundle = change_plan(subscription, 10, 1).after
    decision = change_plan(one_bundle, 11, 1, on=JAN_22)

    assert (-1_000, 1) == (account_cents(decision), decision.after.plan.bundles)


def test_renew_charges_the_current_plan_and_not_the_number_paid_for():
    """After a change from 10 to 5, the next month costs 5 x 31, and so do 5 more in that month."""
    five = change_plan(
        subscribe(make_offer(more=ChangeEffect.CHARGE_FULL, fewer=ChangeEffect.NO_CHARGE)), 5
    ).after
    renewed = renew(five, TARIFF, on=FEB_1)

    assert -15_500 == account_cents(renewed)
    assert -15_500 == account_cents(change_plan(renewed.after, 10, on=date(2026, 2, 5)))


# Pending changes


@pytest.fixture
def with_pending_change():
    """Return a subscription of 10 channels that changes to 5 at the next renewal."""
    subscription = subscribe(make_offer(more=ChangeEffect.PRORATE, fewer=ChangeEffect.AT_RENEWAL))
    return change_plan(subscription, 5).after


def test_cancel_drops_the_pending_change(with_pending_change):
    """Resuming the cancelled subscription does not restore the pending change."""
    cancelled = cancel(with_pending_change, on=JAN_22).after
    resumed = resume(cancelled, on=JAN_22).after

    assert (None, None) == (cancelled.pending, resumed.pending)
    assert -31_000 == account_cents(renew(resumed, TARIFF, on=FEB_1))


@pytest.mark.parametrize(
    "end",
    [
        lambda subscription: terminate(subscription, on=JAN_22),
        lambda subscription: lapse(subscription, on=FEB_1),
    ],
    ids=["terminate", "lapse"],
)
def test_end_of_a_subscription_drops_the_pending_change(with_pending_change, end):
    """A subscription that has ended or lapsed has no next term."""
    assert None is end(with_pending_change).after.pending


def test_recording_a_call_keeps_the_pending_change(with_pending_change):
    """A call does not affect the plan."""
    call = Call("c-1", "+49 30 555 0100", "DE", JAN_22, timedelta(minutes=1))
    tariff = attrs.evolve(TARIFF, rates={"DE": 0})
    recorded = record_call(with_pending_change, call, tariff, on=JAN_22)

    assert with_pending_change.pending == recorded.after.pending


def test_change_replaces_the_pending_change(with_pending_change):
    """A change to 3 is pending too. A change to 12 is immediate and costs 2 x 31 x 10/31 = 20."""
    reduction = change_plan(with_pending_change, 3, on=JAN_22)
    increase = change_plan(with_pending_change, 12, on=JAN_22)
    increased = increase.after

    assert (3, 0) == (reduction.after.pending.channels, account_cents(reduction))
    assert (None, 12) == (increased.pending, increased.plan.channels)
    assert -2_000 == account_cents(increase)


@pytest.mark.parametrize(
    "action",
    [
        lambda subscription: change_plan(subscription, 3, on=JAN_22),
        lambda subscription: change_plan(subscription, 12, on=JAN_22),
        lambda subscription: change_plan(subscription, 10, on=JAN_22),
        lambda subscription: change(
            subscription, SKYPE_CONNECT.plan(channels=5), TARIFF, on=JAN_22
        ),
        lambda subscription: cancel(subscription, on=JAN_22),
    ],
    ids=["pending change", "immediate change", "withdrawal", "other offer", "cancel"],
)
def test_notice_says_that_a_pending_change_is_dropped(with_pending_change, action):
    """The notice appears only if a change was pending."""
    expected = "The change to 5 channels, which was to come on 2026-02-01, is dropped."
    decision = action(with_pending_change)

    assert [expected] == [notice.text for notice in decision.notices if "dropped" in notice.code]
    if decision.after.plan.channels != 10:
        without_pending = action(attrs.evolve(with_pending_change, pending=None))
        assert not [notice for notice in without_pending.notices if "dropped" in notice.code]


def test_change_refuses_the_plan_that_is_already_pending(with_pending_change):
    """The same request again would change nothing."""
    with pytest.raises(PlanUnchanged):
        change_plan(with_pending_change, 5, on=JAN_22)


@pytest.mark.parametrize(
    "more",
    [
        ChangeEffect.RESTART,
        ChangeEffect.PRORATE,
        ChangeEffect.CHARGE_FULL,
        ChangeEffect.NO_CHARGE,
        ChangeEffect.AT_RENEWAL,
    ],
)
def test_change_to_the_current_plan_withdraws_the_pending_change(more):
    """A withdrawal charges nothing and keeps the term."""
    subscription = subscribe(make_offer(more=more, fewer=ChangeEffect.AT_RENEWAL))
    with_pending_change = change_plan(subscription, 5).after
    withdrawal = change_plan(with_pending_change, 10, on=JAN_22)

    assert (0, None, Term(JAN_1, FEB_1)) == (
        account_cents(withdrawal),
        withdrawal.after.pending,
        withdrawal.after.term,
    )


def test_pending_change_makes_a_cancelled_subscription_active():
    """Like any change, a pending change undoes a cancellation."""
    cancelled = cancel(subscribe(make_offer(fewer=ChangeEffect.AT_RENEWAL)), on=JAN_16).after
    subscription = change_plan(cancelled, 5, on=JAN_22).after

    assert (Status.ACTIVE, 5) == (subscription.status, subscription.pending.channels)


def test_pending_change_starts_the_cooldown():
    """The cooldown counts from the day of the request, not from the renewal."""
    offer = make_offer(change=ChangeRule(Days(7), ChangeEffect.PRORATE, ChangeEffect.AT_RENEWAL))
    subscription = change_plan(subscribe(offer), 5, on=JAN_16).after

    assert JAN_16 == subscription.last_changed_on


# Non-payment


@pytest.fixture
def with_grace_period():
    """Return a subscription that ends on 1 February and has a grace period of ten days."""
    return subscribe(make_offer(non_payment=NonPaymentRule(grace=Days(10))), 10, 1)


@pytest.mark.parametrize(
    ("on", "since"),
    [
        (FEB_1, "2026-02-01"),
        (date(2026, 2, 4), "2026-02-04"),
        (date(2026, 2, 11), "2026-02-11"),
        (date(2026, 4, 1), "2026-02-11"),
    ],
    ids=str,
)
def test_lapse_may_end_the_grace_period(with_grace_period, on, since):
    """A person may let it lapse from 1 February; the grace period ends on 11 February."""
    lapsed = lapse(with_grace_period, on=on)

    assert (Status.LAPSED, ()) == (lapsed.after.status, lapsed.postings)
    assert f"carries no calls since {since}" in lapsed.notices[0].text
    assert f"Not active since {since}." in str(lapsed)


def test_profile_is_active_during_the_grace_period_unless_cancelled(with_grace_period):
    """A cancelled subscription has no grace period."""
    days = [date(2026, 1, 31), FEB_1, date(2026, 2, 10), date(2026, 2, 11)]
    cancelled = cancel(with_grace_period, on=JAN_16).after

    assert [True, True, True, False] == [with_grace_period.active_on(day) for day in days]
    assert [True, False] == [with_grace_period.admits(calls, on=FEB_1) for calls in (9, 10)]
    assert [True, False, False, False] == [cancelled.active_on(day) for day in days]


def test_call_in_the_grace_period_uses_no_minutes(with_grace_period):
    """The old term's minutes are not available, so the profile pays 2 x 0.10."""
    call = Call("c-1", "+1 212 555 0100", "US", date(2026, 2, 3), timedelta(minutes=2))
    recorded = record_call(with_grace_period, call, TARIFF, on=date(2026, 2, 3))

    assert with_grace_period.allowance == recorded.after.allowance
    assert {PROFILE: -20} == {wallet: delta.minor for wallet, delta in recorded.deltas.items()}
    assert "due for renewal" in str(recorded)


def test_late_call_record_uses_the_minutes_of_its_term(with_grace_period):
    """A call of 31 January that is recorded in the grace period belongs to January's term."""
    call = Call("c-1", "+1 212 555 0100", "US", date(2026, 1, 31), timedelta(minutes=2))
    recorded = record_call(with_grace_period, call, TARIFF, on=date(2026, 2, 3))

    assert timedelta(minutes=4998) == recorded.after.allowance.remaining
    assert {} == dict(recorded.deltas)


def test_call_after_the_grace_period_is_refused(with_grace_period):
    """The subscription must be renewed or lapse before it can record another call."""
    call = Call("c-1", "+1 212 555 0100", "US", date(2026, 2, 11), timedelta(minutes=2))

    with pytest.raises(OutsideTerm):
        record_call(with_grace_period, call, TARIFF, on=date(2026, 2, 11))


def test_renewal_in_the_grace_period_starts_at_the_end_of_the_old_term(with_grace_period):
    """The new term pays for the days of the grace period, so no debt remains."""
    renewed = renew(with_grace_period, TARIFF, on=date(2026, 2, 9))

    assert (Term(FEB_1, MAR_1), -37_200) == (renewed.after.term, account_cents(renewed))
    assert timedelta(minutes=5000) == renewed.after.allowance.remaining


def test_str_of_a_recorded_call_mentions_minutes_only_if_the_call_used_them(with_grace_period):
    """A call in the grace period uses no minutes; a late record of 31 January uses two."""
    late_text, grace_period_text = (
        str(
            record_call(
                with_grace_period,
                Call(f"c-{day}", "+1 212 555 0100", "US", day, timedelta(minutes=2)),
                TARIFF,
                on=date(2026, 2, 3),
            )
        )
        for day in (date(2026, 1, 31), date(2026, 2, 3))
    )

    assert "83:18:00 of 83:20:00 left." in late_text
    assert "left" not in grace_period_text


def test_errors_before_the_end_of_the_term_say_how_long_to_wait(with_grace_period):
    """A renewal and a lapse wait for the end of the term."""
    for action in (lapse, partial(renew, tariff=TARIFF)):
        with pytest.raises(OutsideTerm, match=r"from 2026-02-01 on.*; the term runs until then$"):
            action(with_grace_period, on=date(2026, 1, 31))


@pytest.mark.parametrize(
    ("on", "allowed"),
    [
        (FEB_1, {"change", "record call", "renew", "cancel", "lapse", "terminate"}),
        (date(2026, 2, 10), {"change", "record call", "renew", "cancel", "lapse", "terminate"}),
        (date(2026, 2, 11), {"record call", "renew", "lapse"}),
    ],
)
def test_errors_in_the_grace_period_name_the_possible_actions(with_grace_period, on, allowed):
    """Before the grace period ends, almost all actions are possible."""
    with pytest.raises(TransitionNotAllowed) as caught:
        resume(with_grace_period, on=on)

    assert allowed == set(caught.value.allowed)


UNPAID_ACTIONS = {
    "change": lambda subscription, on: change_plan(subscription, 12, 1, on=on),
    "cancel": lambda subscription, on: cancel(subscription, on=on),
    "terminate": lambda subscription, on: terminate(subscription, on=on),
}


@pytest.mark.parametrize("action", UNPAID_ACTIONS.values(), ids=UNPAID_ACTIONS)
def test_change_cancel_and_terminate_are_refused_after_the_grace_period(with_grace_period, action):
    """A run lets it lapse on 11 February, or it is renewed."""
    with pytest.raises(OutsideTerm, match=r"; first renew or lapse the term that ended$"):
        action(with_grace_period, date(2026, 2, 11))


@pytest.mark.parametrize("action", UNPAID_ACTIONS.values(), ids=UNPAID_ACTIONS)
def test_offer_without_a_grace_period_is_unpaid_on_its_due_date(action):
    """Credit of the due date counts, so the actions are possible on 1, but not on 2 February."""
    subscription = subscribe(make_offer(), 10, 1)

    assert FEB_1 == action(subscription, FEB_1).after.acted_on
    with pytest.raises(OutsideTerm, match="until the day before 2026-02-02, not on 2026-02-02"):
        action(subscription, date(2026, 2, 2))


@pytest.mark.parametrize("action", [cancel, terminate, partial(terminate, refund=False)])
def test_cancel_and_terminate_end_an_unpaid_subscription(with_grace_period, action):
    """It has ended since the end of its term. Nothing is charged and nothing is refunded."""
    ended = action(with_grace_period, on=date(2026, 2, 3))

    assert (Status.ENDED, Term(JAN_1, FEB_1), ()) == (
        ended.after.status,
        ended.after.term,
        ended.postings,
    )
    assert "Not active since 2026-02-01." in str(ended)
    assert [False, False] == [ended.after.active_on(day) for day in (FEB_1, date(2026, 2, 3))]


def test_change_renews_an_unpaid_subscription_with_the_new_plan(with_grace_period):
    """The new plan is bought for the term that was due: 8 x 31, without the bundle."""
    changed = change_plan(with_grace_period, 8, 0, on=date(2026, 2, 3))
    after = changed.after

    assert (Term(FEB_1, MAR_1), 8, Status.ACTIVE, date(2026, 2, 3)) == (
        after.term,
        after.plan.channels,
        after.status,
        after.last_changed_on,
    )
    assert [(Reason.RENEWAL, -24_800)] == [
        (posting.reason, posting.amount.minor) for posting in changed.postings
    ]
    assert "fewer-bundles" == changed.notices[0].code
    assert str(changed).startswith(
        "2026-02-03: change profile 'berlin' to 8 channels.\n"
        "Runs until 2026-03-01, when it renews itself.\n"
        "The wallet of account 'acme' pays 248.00 EUR (renewal).\n"
        "Profile 'berlin' has 0 bundles from 2026-02-01 on, instead of 1."
    )


def test_change_of_an_unpaid_subscription_may_be_mixed():
    """At a renewal, more channels and fewer bundles are no contradiction."""
    grace = NonPaymentRule(grace=Days(10))
    offer = make_offer(fewer=ChangeEffect.AT_RENEWAL, non_payment=grace)
    changed = change_plan(subscribe(offer, 10, 2), 12, 1, on=FEB_1).after

    assert (12, 1) == (changed.plan.channels, changed.plan.bundles)


def test_change_back_drops_the_pending_change_of_an_unpaid_subscription():
    """5 channels were to come on 1 February, but 10 are renewed then."""
    offer = make_offer(fewer=ChangeEffect.AT_RENEWAL)
    pending = change_plan(subscribe(offer, 10), 5).after
    changed = change_plan(pending, 10, on=FEB_1)

    assert (10, Term(FEB_1, MAR_1), "pending-dropped") == (
        changed.after.plan.channels,
        changed.after.term,
        changed.notices[0].code,
    )


def test_cancel_in_a_grace_period_within_a_minimum_term_only_records_the_notice():
    """It stays due, and a later renewal has a token of its own."""
    offer = make_offer(
        term=TermRule(Months(1), minimum_term=Months(3)),
        non_payment=NonPaymentRule(grace=Days(10)),
    )
    notice = cancel(subscribe(offer), on=date(2026, 2, 3))
    renewal = renew(notice.after, TARIFF, on=date(2026, 2, 5))

    assert (Status.CANCELLED, FEB_1) == (notice.after.status, notice.after.due_on)
    assert "not available from 2026-04-01 on" in notice.notices[0].text
    assert "Its term ended on 2026-02-01: it is due for renewal." in str(notice)
    assert (Status.CANCELLED, Term(FEB_1, MAR_1)) == (renewal.after.status, renewal.after.term)
    assert notice.token != renewal.token
    with pytest.raises(OutsideTerm, match="the minimum term runs until 2026-04-01"):
        terminate(notice.after, on=date(2026, 2, 5))
    assert Status.ENDED is terminate(notice.after, on=date(2026, 2, 5), refund=False).after.status


def test_actions_that_end_an_unpaid_term_share_the_token_of_its_renewal(with_grace_period):
    """So only one of them is committed for a term."""
    on = date(2026, 2, 3)
    decisions = [
        renew(with_grace_period, TARIFF, on=on),
        lapse(with_grace_period, on=on),
        *(action(with_grace_period, on) for action in UNPAID_ACTIONS.values()),
    ]

    assert 1 == len({decision.token for decision in decisions})


def test_str_of_a_late_call_of_a_cancelled_subscription_says_that_it_is_due():
    """After its term, a cancelled subscription waits for its expiry."""
    cancelled = cancel(subscribe(make_offer()), on=JAN_16).after
    call = Call("c-1", "+1 212 555 0100", "US", date(2026, 1, 31), timedelta(minutes=2))
    recorded = record_call(cancelled, call, TARIFF, on=FEB_1)

    assert "Its term ended on 2026-02-01: it is due for expiry." in str(recorded)


def test_renew_without_bundles_charges_the_channels_only():
    """The notice says that the bundles were dropped."""
    subscription = subscribe(make_offer(non_payment=NonPaymentRule(drops_bundles=True)), 10, 2)
    full_renewal = renew(subscription, TARIFF, on=FEB_1)
    renewal = renew(subscription, TARIFF, on=FEB_1, keep_bundles=False)

    assert (-43_400, -31_000) == (account_cents(full_renewal), account_cents(renewal))
    assert (0, timedelta(0)) == (renewal.after.plan.bundles, renewal.after.allowance.remaining)
    assert "bundles-dropped" == renewal.notices[0].code
    assert full_renewal.token == renewal.token


def test_renew_without_bundles_drops_them_from_the_pending_plan():
    """Like any renewal, it uses the pending plan: 5 x 31 = 155."""
    offer = make_offer(
        fewer=ChangeEffect.AT_RENEWAL, non_payment=NonPaymentRule(drops_bundles=True)
    )
    subscription = change_plan(subscribe(offer, 10, 2), 5, 2).after

    assert -15_500 == account_cents(renew(subscription, TARIFF, on=FEB_1, keep_bundles=False))


@pytest.mark.parametrize(("drops", "bundles"), [(False, 2), (True, 0)])
def test_renew_without_bundles_needs_a_rule_and_bundles_to_drop(drops, bundles):
    """It is refused if the offer does not allow it or the plan has no bundles."""
    offer = make_offer(non_payment=NonPaymentRule(drops_bundles=drops))
    subscription = subscribe(offer, 10, bundles)

    with pytest.raises(NotOffered, match="renewal without bundles"):
        renew(subscription, TARIFF, on=FEB_1, keep_bundles=False)


def test_renew_without_bundles_has_the_conditions_of_a_renewal():
    """It waits for the end of the term, and a cancelled subscription cannot be renewed."""
    subscription = subscribe(make_offer(non_payment=NonPaymentRule(drops_bundles=True)), 10, 2)
    cancelled = cancel(subscription, on=JAN_16).after

    with pytest.raises(OutsideTerm):
        renew(subscription, TARIFF, on=JAN_16, keep_bundles=False)
    with pytest.raises(TransitionNotAllowed):
        renew(cancelled, TARIFF, on=FEB_1, keep_bundles=False)


# Refunds


@pytest.mark.parametrize(
    ("rule", "cents"),
    [
        (RefundRule(RefundBasis.NOTHING, RefundBasis.NOTHING), 0),
        (RefundRule(channels=RefundBasis.NOTHING), 3_200),
    ],
    ids=["no refund", "bundles only"],
)
def test_terminate_refunds_nothing_if_the_rule_says_so(rule, cents):
    """Channels and bundles have separate refund rules."""
    subscription = subscribe(make_offer(refund=rule), 10, 1)

    assert cents == account_cents(terminate(subscription, on=JAN_16))


INCLUSIVE = BundleRule("inclusive", 0, ("US",), per_channel=0, included=1500)


@pytest.mark.parametrize(
    ("basis", "used", "cents"),
    [
        (RefundBasis.MINUTES, 0, 31_000),
        (RefundBasis.MINUTES, 6_000, 18_600),  # 3/5 of 310
        (RefundBasis.MINUTES, 15_000, 0),
        (RefundBasis.SMALLER, 0, 16_000),  # 16 of 31 days
        (RefundBasis.SMALLER, 12_000, 6_200),  # 1/5 of 310
    ],
)
def test_channels_can_be_refunded_by_the_minutes_that_they_include(basis, used, cents):
    """Used minutes are not refunded: 10 channels cost 310.00 and include 15,000 minutes."""
    subscription = subscribe(make_offer(bundle=INCLUSIVE, refund=RefundRule(channels=basis)))
    allowance = subscription.allowance.use(timedelta(minutes=used))
    subscription = attrs.evolve(subscription, allowance=allowance)

    assert cents == account_cents(terminate(subscription, on=JAN_16))


@pytest.mark.parametrize("basis", [RefundBasis.MINUTES, RefundBasis.SMALLER])
def test_used_minutes_cannot_be_granted_again_by_changing_daily(basis):
    """A buyer who uses all minutes before each change pays the price of each channel in full."""
    offer = make_offer(bundle=INCLUSIVE, refund=RefundRule(channels=basis))
    subscription, cents = subscribe(offer, 1), -3_100
    for days, channels in enumerate((2, 1, 2, 1)):
        unused = subscription.allowance.remaining
        used_up = attrs.evolve(subscription, allowance=subscription.allowance.use(unused))
        decision = change_plan(used_up, channels, on=JAN_1 + timedelta(days))
        subscription, cents = decision.after, cents + account_cents(decision)

    assert -3_100 * (1 + 2 + 1 + 2 + 1) == cents


# Set-up fees


FEES = attrs.evolve(TARIFF, setup="5", channel_setup="1")


def test_purchase_charges_the_set_up_fees_once():
    """The first term costs 10 x 31 + 5 + 10 x 1 = 325, and the next term 310."""
    first = purchase(make_offer(), tariff=FEES)
    second = renew(first.after, FEES, on=FEB_1)

    assert (-32_500, -31_000) == (account_cents(first), account_cents(second))
    assert [Item.CHANNELS, Item.SETUP, Item.CHANNEL_SETUP] == [
        line.item for line in first.after.quote.lines
    ]
    assert "31.00 EUR a channel, 62.00 EUR a bundle, 0.1 EUR a minute, 5 EUR once, " in str(FEES)


def test_set_up_fees_are_not_prorated():
    """A first term of 16 days costs 160 + 5 + 10."""
    offer = make_offer(term=TermRule(Months(1), billing_day=1))

    assert -17_500 == account_cents(purchase(offer, on=JAN_16, tariff=FEES))


def test_set_up_fees_are_not_refunded():
    """On the first day everything except the set-up fees is refunded."""
    subscription = subscribe(make_offer(), tariff=FEES)

    assert 31_000 == account_cents(terminate(subscription, on=JAN_1))


def test_change_charges_set_up_fees_for_added_channels():
    """5 more cost 5 x 31 x 16/31 + 5 x 1 = 85. A change to fewer has no set-up fee."""
    offer = make_offer(more=ChangeEffect.PRORATE, fewer=ChangeEffect.PRORATE)
    subscription = subscribe(offer, tariff=FEES)

    assert -8_500 == account_cents(change_plan(subscription, 15, tariff=FEES))
    assert 9_600 == account_cents(change_plan(subscription, 4, tariff=FEES))


def test_renewal_with_a_pending_change_charges_set_up_fees_for_added_channels():
    """From 10 to 12 channels at 31: the renewal costs 12 x 31 and a fee of 1 for each of the two.

    The next renewal costs 12 x 31. A change to fewer channels charges no fee.
    """
    offer = make_offer(more=ChangeEffect.AT_RENEWAL, fewer=ChangeEffect.AT_RENEWAL)
    requested = change_plan(subscribe(offer, tariff=FEES), 12, tariff=FEES)
    twelve = renew(requested.after, FEES, on=FEB_1)
    four_pending = change_plan(twelve.after, 4, on=FEB_1, tariff=FEES).after

    assert (0, -37_400) == (account_cents(requested), account_cents(twelve))
    assert -37_200 == account_cents(renew(twelve.after, FEES, on=MAR_1))
    assert -12_400 == account_cents(renew(four_pending, FEES, on=MAR_1))


def test_keep_effect_charges_each_set_up_fee_once():
    """10, then 15, then 20 channels: each change charges the set-up of five channels."""
    subscription = subscribe(make_offer(more=ChangeEffect.NO_CHARGE), tariff=FEES)
    fifteen = change_plan(subscription, 15, tariff=FEES)
    twenty = change_plan(fifteen.after, 20, on=JAN_22, tariff=FEES)

    assert (-500, -500) == (account_cents(fifteen), account_cents(twenty))


def test_restart_charges_set_up_fees_for_added_channels_only():
    """The fees of the purchase and of the ten existing channels are not charged again.

    160 is refunded; 12 x 31 = 372 and 2 x 1 are charged.
    """
    subscription = subscribe(make_offer(), tariff=FEES)

    assert 16_000 - 37_200 - 200 == account_cents(change_plan(subscription, 12, tariff=FEES))


def test_str_of_quote_lists_set_up_fees_on_separate_lines():
    """The table has one line for the purchase's fee and one for the channels' fees."""
    text = str(quote(make_offer().plan(channels=10), FEES, on=JAN_1))

    assert "set-up                 1 x 5.00    5.00" in text
    assert "set-up of channels    10 x 1.00   10.00" in text


# Offers without bundles


def test_offer_with_included_minutes_may_sell_no_bundles():
    """With ``per_channel=0`` the minutes come with the channels, and no bundles are sold."""
    rule = BundleRule("inclusive", 0, ("US",), per_channel=0, included=200)
    offer = make_offer(bundle=rule)

    assert (0, 2000) == (rule.most(10), offer.plan(channels=10).minutes)
    with pytest.raises(ValueError, match="bundles must be 0"):
        offer.plan(channels=10, bundles=1)
