"""Calls whose records arrive after the end of their term, whatever ended it."""

from datetime import date, timedelta
from functools import partial

import attrs
import pytest
from tests.subscriptions.samples import (
    ACME,
    ACTIVE,
    BERLIN,
    CANCELLED,
    DEARER_TARIFF,
    END,
    FIRST_DAY,
    FIVE_CHANNELS,
    IDENTIFIERS,
    LAST_DAY,
    MID_TERM,
    PLAN,
    TARIFF,
    TERM,
    buy_subscription,
    call,
    euros,
)

from channelplans.allowances import Allowance
from channelplans.calendar import Days
from channelplans.calls import rate_call
from channelplans.errors import OutsideTerm
from channelplans.offers import SKYPE_CONNECT
from channelplans.rules import BundleRule, NonPaymentRule, Rollover
from channelplans.subscriptions.actions import buy, change, expire, lapse, renew, terminate
from channelplans.subscriptions.call_records import minutes_for, quote_for, record_call
from channelplans.subscriptions.subscription import PreviousTerm
from channelplans.subscriptions.wallets import Posting, Reason

DAY = timedelta(days=1)
EVENING_BEFORE_CHANGE = MID_TERM - DAY


def buy_again(previous, on=END, start=None):
    """Buy the plan again, as the subscription that follows an earlier one of the profile."""
    ids = {**IDENTIFIERS, "subscription": f"{previous.id} next"}
    return buy(PLAN, DEARER_TARIFF, on=on, start=start, previous=previous, **ids).after


#: What ended the term, the last day of its calls, and the day on which they are reported.
ENDS_OF_TERM = {
    "renewal": (renew(ACTIVE, DEARER_TARIFF, on=END).after, LAST_DAY, END),
    "late renewal": (renew(ACTIVE, DEARER_TARIFF, on=date(2026, 2, 9)).after, LAST_DAY, None),
    "change": (
        change(ACTIVE, FIVE_CHANNELS, DEARER_TARIFF, on=MID_TERM).after,
        EVENING_BEFORE_CHANGE,
        MID_TERM,
    ),
    "termination": (terminate(ACTIVE, on=MID_TERM).after, MID_TERM, MID_TERM + DAY),
    "expiry": (expire(CANCELLED, on=END).after, LAST_DAY, END),
    "lapse": (lapse(ACTIVE, on=END).after, LAST_DAY, END),
    "termination and purchase": (
        buy_again(terminate(ACTIVE, on=MID_TERM).after, MID_TERM + DAY),
        MID_TERM,
        MID_TERM + DAY,
    ),
    "expiry and purchase": (buy_again(expire(CANCELLED, on=END).after), LAST_DAY, END),
    "lapse and purchase": (buy_again(lapse(ACTIVE, on=END).after), LAST_DAY, END),
    "lapse and purchase for later": (
        buy_again(lapse(ACTIVE, on=END).after, start=date(2026, 3, 1)),
        LAST_DAY,
        END,
    ),
}

each_end_of_term = pytest.mark.parametrize(
    ("after", "day", "on"), ENDS_OF_TERM.values(), ids=ENDS_OF_TERM
)


@each_end_of_term
def test_late_call_outside_the_bundle_is_charged_to_the_profile(after, day, on):
    """Ten minutes to Germany cost 10 x 0.02, at the tariff that the caller passes for the term."""
    on = on or after.acted_on
    late = call(600, "DE", day)
    recorded = record_call(after, late, TARIFF, on=on)

    charge = Posting(BERLIN, euros("-0.20"), Reason.CALL, on, TERM, "c-1")
    assert (charge,) == recorded.postings
    assert (after.status, after.term) == (recorded.after.status, recorded.after.term)
    assert TERM == quote_for(after, late).term


def included_in(decision):
    """Return the part of the recorded call that minutes covered."""
    assert decision.call is not None
    return decision.call.included


@each_end_of_term
def test_late_call_uses_the_minutes_of_the_term_in_which_it_began(after, day, on):
    """A call of ten minutes takes them from the old term, not from the running one."""
    on = on or after.acted_on
    recorded = record_call(after, call(600, day=day), TARIFF, on=on)

    assert () == recorded.postings
    ten_minutes = timedelta(minutes=10)
    assert ten_minutes == included_in(recorded)
    if after.previous_term is None:
        assert after.allowance.remaining - ten_minutes == recorded.after.allowance.remaining
    else:
        previous, previous_after = after.previous_term, recorded.after.previous_term
        assert previous_after is not None
        assert previous.allowance.remaining - ten_minutes == previous_after.allowance.remaining
        assert after.allowance == recorded.after.allowance


@each_end_of_term
def test_older_call_is_refused_with_advice_to_charge_it(after, day, on):
    """A call of the day before the old term belongs to neither of the two terms."""
    with pytest.raises(
        OutsideTerm, match=r"; charge\(\) books what you decide to charge"
    ) as caught:
        record_call(after, call(day=FIRST_DAY - DAY), TARIFF, on=on or after.acted_on)

    assert FIRST_DAY == caught.value.start


def test_previous_term_holds_the_quote_and_the_minutes_of_the_old_term():
    """After a renewal it is the quote that was paid first, and the minutes that were left."""
    used = record_call(ACTIVE, call(600), TARIFF, on=FIRST_DAY).after
    previous = renew(used, DEARER_TARIFF, on=END).after.previous_term

    allowance = Allowance(timedelta(minutes=5000), timedelta(minutes=10))
    assert PreviousTerm(ACTIVE.quote, allowance, END) == previous
    assert [False, True, True, False] == [
        day in previous for day in (FIRST_DAY - DAY, FIRST_DAY, LAST_DAY, END)
    ]
    assert (
        "3 channels and 1 bundle of 5,000 minutes, 2026-01-05 to 2026-02-04, "
        "83:10:00 of 83:20:00 left" == str(previous)
    )


def test_first_subscription_has_no_previous_term():
    """There is no term before the first purchase of a profile."""
    assert ACTIVE.previous_term is None
    assert change(ACTIVE, FIVE_CHANNELS, TARIFF, on=FIRST_DAY).after.previous_term is None


def test_call_of_the_day_of_a_change_belongs_to_the_new_term():
    """Two terms share the day of a change, and the later term has its calls."""
    more = SKYPE_CONNECT.plan(channels=5, bundles=1)
    changed = change(ACTIVE, more, TARIFF, on=MID_TERM).after
    recorded = record_call(changed, call(600, day=MID_TERM), TARIFF, on=MID_TERM).after

    assert timedelta(minutes=10) == recorded.allowance.used
    assert changed.previous_term == recorded.previous_term


def test_call_of_the_day_of_a_termination_belongs_to_a_purchase_of_that_day():
    """If the profile buys again on the day of the termination, the new term has its calls."""
    ended = terminate(ACTIVE, on=MID_TERM).after
    bought = buy_again(ended, MID_TERM)
    recorded = record_call(bought, call(600, day=MID_TERM), TARIFF, on=MID_TERM).after

    assert timedelta(minutes=10) == recorded.allowance.used
    assert MID_TERM == bought.previous_term.end


@pytest.mark.parametrize(
    "act",
    [
        partial(change, plan=SKYPE_CONNECT.plan(channels=4, bundles=1), tariff=TARIFF),
        terminate,
        lambda subscription, on: lapse(
            renew(subscription, TARIFF, on=subscription.term.end).after, on=date(2026, 4, 5)
        ),
    ],
    ids=["change", "termination", "lapse of a third term"],
)
def test_call_of_yesterday_is_accepted_after_an_action_of_this_morning(act):
    """On 4 February the subscription is renewed and then changed or ended; the call was before."""
    renewed = renew(ACTIVE, TARIFF, on=END).after
    decision = act(renewed, on=END)
    evening = decision.after.term.start - DAY
    recorded = record_call(decision.after, call(600, day=evening), TARIFF, on=decision.on)

    assert timedelta(minutes=10) == included_in(recorded)
    assert () == recorded.postings


def test_call_of_yesterday_is_accepted_after_a_termination_and_a_purchase_of_this_morning():
    """A term that began and ended this morning is not the previous term."""
    renewed = renew(ACTIVE, TARIFF, on=END).after
    bought = buy_again(terminate(renewed, on=END).after)

    assert TERM == bought.previous_term.quote.term
    assert () == record_call(bought, call(600, day=LAST_DAY), TARIFF, on=END).postings


def test_purchase_that_was_undone_keeps_the_term_before_it():
    """Bought for 10 February and undone on the 5th: the call of 3 February is still accepted."""
    planned = buy_again(expire(CANCELLED, on=END).after, start=date(2026, 2, 10))
    undone = terminate(planned, on=date(2026, 2, 5)).after
    bought = buy_again(undone, date(2026, 2, 6))

    for subscription in (undone, bought):
        late = call(600, day=LAST_DAY)
        assert () == record_call(subscription, late, TARIFF, on=date(2026, 2, 6)).postings
    with pytest.raises(OutsideTerm):
        record_call(undone, call(day=date(2026, 2, 10)), TARIFF, on=date(2026, 2, 10))


def test_call_between_two_subscriptions_is_refused():
    """Lapsed on 4 February and bought again on the 10th: nobody carried a call on the 6th."""
    bought = buy_again(lapse(ACTIVE, on=END).after, date(2026, 2, 10))

    with pytest.raises(OutsideTerm, match=r"from 2026-02-10 .* not on 2026-02-06; charge\(\)"):
        record_call(bought, call(day=date(2026, 2, 6)), TARIFF, on=date(2026, 2, 10))


def test_call_after_a_termination_is_refused():
    """The last calls of a subscription that was terminated are those of that day."""
    ended = terminate(ACTIVE, on=MID_TERM).after

    with pytest.raises(OutsideTerm, match="until the day before 2026-01-16, not on 2026-01-16"):
        record_call(ended, call(day=date(2026, 1, 16)), TARIFF, on=date(2026, 1, 16))


@pytest.mark.parametrize("act", [terminate, None], ids=["termination", "change"])
def test_minutes_for_which_money_was_refunded_count_as_used(act):
    """On 15 January, 6.67 of the bundle's 10.00 are refunded, and so 3,335 of 5,000 minutes.

    A call of 1,700 minutes on the evening before takes the other 1,665. The account pays 35 minutes
    at 0.021, which are 0.74. Nothing is left for a second call.
    """
    decision = (
        act(ACTIVE, on=MID_TERM) if act else change(ACTIVE, FIVE_CHANNELS, TARIFF, on=MID_TERM)
    )
    late = call(1700 * 60, day=EVENING_BEFORE_CHANGE)
    recorded = record_call(decision.after, late, TARIFF, on=MID_TERM)
    second = call(60, day=EVENING_BEFORE_CHANGE, identifier="c-2")

    assert decision.refund is not None
    assert timedelta(minutes=3335) == decision.refund.minutes
    assert timedelta(minutes=1665) == included_in(recorded)
    assert {ACME: euros("-0.74")} == dict(recorded.deltas)
    assert timedelta(0) == minutes_for(recorded.after, second).remaining


def test_refund_of_minutes_that_were_used_leaves_none():
    """2,000 minutes are used when 3,335 are refunded: the old term has none left."""
    used = record_call(ACTIVE, call(2000 * 60), TARIFF, on=FIRST_DAY).after
    changed = change(used, FIVE_CHANNELS, TARIFF, on=MID_TERM).after

    assert changed.previous_term is not None
    assert timedelta(0) == changed.previous_term.allowance.remaining


def test_termination_without_a_refund_leaves_the_minutes():
    """Everything was paid, so late calls can use all minutes."""
    ended = terminate(ACTIVE, on=MID_TERM, refund=False).after

    assert ACTIVE.allowance == ended.allowance


# Rollover


def subscribe_with_rollover(cap=None):
    """Buy one channel and 100 minutes, which are carried for one term, and renew it."""
    bundle = BundleRule("pack", 100, ("US",), rollover=Rollover(1, cap))
    offer = attrs.evolve(SKYPE_CONNECT, edition="rollover", bundle=bundle)
    return renew(buy_subscription(offer.plan(channels=1, bundles=1)), TARIFF, on=END).after


def record(subscription, *calls):
    """Record calls on 5 February, and return the included minutes of each and the subscription."""
    included = []
    for number, (day, minutes) in enumerate(calls):
        made = call(minutes * 60, day=day, identifier=f"c-{number}")
        decision = record_call(subscription, made, TARIFF, on=date(2026, 2, 5))
        included.append(included_in(decision) // timedelta(minutes=1))
        subscription = decision.after
    return included, subscription.allowance.remaining // timedelta(minutes=1)


@pytest.mark.parametrize(
    ("cap", "calls", "included", "left"),
    [
        # 100 minutes are carried, and 100 are granted.
        (None, [(LAST_DAY, 60)], [60], 140),
        (None, [(LAST_DAY, 60), (END, 150)], [60, 140], 0),
        (None, [(LAST_DAY, 130), (END, 150)], [100, 100], 0),
        (None, [(END, 150), (LAST_DAY, 60)], [150, 0], 50),
        (None, [(END, 70), (LAST_DAY, 60)], [70, 30], 100),
        # 30 minutes are carried, and 70 are left behind.
        (30, [(LAST_DAY, 60)], [60], 130),
        (30, [(LAST_DAY, 80)], [80], 120),
        (30, [(LAST_DAY, 80), (LAST_DAY, 80), (END, 200)], [80, 20, 100], 0),
        (30, [(END, 20), (LAST_DAY, 100)], [20, 80], 100),
    ],
)
def test_carried_minutes_are_not_used_twice(cap, calls, included, left):
    """A late call uses the minutes left behind, then the carried ones that are still there."""
    assert (included, left) == record(subscribe_with_rollover(cap), *calls)


@pytest.mark.parametrize("cap", [None, 30])
def test_restart_on_the_first_day_returns_carried_minutes_to_their_term(cap):
    """The new allowance has none of them, so all 100 are there for late calls."""
    renewed = subscribe_with_rollover(cap)
    more = renewed.plan.offer.plan(channels=2, bundles=1)
    restarted = change(renewed, more, TARIFF, on=END).after

    assert Allowance(timedelta(minutes=100)) == restarted.allowance
    assert ([100, 100], 0) == record(restarted, (LAST_DAY, 130), (END, 130))


# Grace periods


@pytest.fixture
def with_grace_period():
    """Return a subscription that ends on 4 February and has a grace period of ten days."""
    offer = attrs.evolve(SKYPE_CONNECT, edition="grace", non_payment=NonPaymentRule(grace=Days(10)))
    return buy_subscription(offer.plan(channels=3, bundles=1))


GRACE_DAY = date(2026, 2, 6)


def test_call_in_a_grace_period_finds_no_minutes(with_grace_period):
    """The profile pays ten minutes at 0.021, and no minutes of the term that ended are used."""
    recorded = record_call(with_grace_period, call(600, day=GRACE_DAY), TARIFF, on=GRACE_DAY)

    assert {BERLIN: euros("-0.21")} == dict(recorded.deltas)
    assert with_grace_period.allowance == recorded.after.allowance


def test_late_renewal_does_not_rate_a_call_of_the_grace_period_again(with_grace_period):
    """The call was paid. The renewal books its own price only, and all its minutes are left."""
    paid = record_call(with_grace_period, call(600, day=GRACE_DAY), TARIFF, on=GRACE_DAY).after
    renewal = renew(paid, TARIFF, on=date(2026, 2, 8))

    assert {ACME: euros("-30.85")} == dict(renewal.deltas)
    assert timedelta(minutes=5000) == renewal.after.allowance.remaining


def test_call_of_the_grace_period_that_is_reported_after_the_renewal_uses_its_minutes(
    with_grace_period,
):
    """The renewed term begins on 4 February, so it has the minutes of that day."""
    renewed = renew(with_grace_period, TARIFF, on=date(2026, 2, 8)).after
    recorded = record_call(renewed, call(600, day=GRACE_DAY), TARIFF, on=date(2026, 2, 8))

    assert () == recorded.postings
    assert timedelta(minutes=10) == recorded.after.allowance.used


@pytest.mark.parametrize("buys_again", [False, True])
@pytest.mark.parametrize("lapse_day", [GRACE_DAY, date(2026, 2, 14)], ids=str)
def test_call_of_a_grace_period_that_ended_finds_no_minutes(
    with_grace_period, lapse_day, buys_again
):
    """After a lapse, and after a new purchase, the profile pays for it too."""
    subscription = lapse(with_grace_period, on=lapse_day).after
    if buys_again:
        subscription = buy_again(subscription, date(2026, 2, 14))
    late = call(600, day=GRACE_DAY)
    recorded = record_call(subscription, late, TARIFF, on=date(2026, 2, 14))

    assert {BERLIN: euros("-0.21")} == dict(recorded.deltas)
    assert Allowance(timedelta(0)) == minutes_for(subscription, late)
    evening = call(600, day=LAST_DAY, identifier="c-2")
    assert () == record_call(recorded.after, evening, TARIFF, on=date(2026, 2, 14)).postings


def test_call_after_a_lapse_in_the_grace_period_is_refused(with_grace_period):
    """It lapsed on 6 February, so the calls of 7 February are not its own."""
    lapsed = lapse(with_grace_period, on=GRACE_DAY).after

    with pytest.raises(OutsideTerm, match="until the day before 2026-02-07"):
        record_call(lapsed, call(day=date(2026, 2, 7)), TARIFF, on=date(2026, 2, 7))


# The decision


@pytest.mark.parametrize("may_overdraw", [True, False])
def test_call_rule_says_whether_a_wallet_may_end_below_zero(may_overdraw):
    """By default a call that is over is recorded, even if the wallet cannot pay it."""
    calls = attrs.evolve(SKYPE_CONNECT.calls, may_overdraw=may_overdraw)
    offer = attrs.evolve(SKYPE_CONNECT, edition="calls", calls=calls)
    subscription = buy_subscription(offer.plan(channels=1))

    assert SKYPE_CONNECT.calls.may_overdraw
    decision = record_call(subscription, call(), TARIFF, on=FIRST_DAY)
    assert may_overdraw is decision.may_overdraw
    late = record_call(renew(subscription, TARIFF, on=END).after, call(), TARIFF, on=END)
    assert may_overdraw is late.may_overdraw


def test_only_calls_may_overdraw():
    """A renewal that cannot be paid lapses, and a purchase is refused."""
    decisions = [renew(ACTIVE, TARIFF, on=END), change(ACTIVE, FIVE_CHANNELS, TARIFF, on=MID_TERM)]

    assert [False, False] == [decision.may_overdraw for decision in decisions]


def test_decision_holds_the_rated_call():
    """An invoice can list the call and its charges."""
    made = call(600, "DE")
    decision = record_call(ACTIVE, made, TARIFF, on=FIRST_DAY)

    assert rate_call(made, ACTIVE.allowance, TARIFF, offer=SKYPE_CONNECT) == decision.call
    assert renew(ACTIVE, TARIFF, on=END).call is None


def test_str_of_a_late_call_names_the_minutes_of_its_term():
    """The minutes of the running term are not mentioned, because the call does not use them."""
    renewed = renew(ACTIVE, TARIFF, on=END).after
    decision = record_call(renewed, call(600, day=LAST_DAY), TARIFF, on=END)

    assert [
        "2026-02-04: record a call of profile 'berlin'.",
        "It takes 0:10:00 of the previous term, which ended on 2026-02-04.",
        "Runs until 2026-03-06, when it renews itself.",
        "No money moves.",
    ] == str(decision).split("\n")
    charged = record_call(renewed, call(600, "DE", day=LAST_DAY), TARIFF, on=END)
    assert "It takes no minutes of the previous term, which ended on 2026-02-04." in str(charged)


@pytest.mark.parametrize(
    ("after", "outlook"),
    [
        (lapse(ACTIVE, on=END).after, "The subscription is over: lapsed."),
        (terminate(ACTIVE, on=LAST_DAY, refund=False).after, "The subscription is over: ended."),
    ],
    ids=["lapsed", "ended"],
)
def test_str_of_a_call_of_a_subscription_that_is_over(after, outlook):
    """The text names the status and the minutes that are left for other late calls."""
    decision = record_call(after, call(600, day=LAST_DAY), TARIFF, on=END)

    assert [
        "2026-02-04: record a call of profile 'berlin'.",
        "83:10:00 of 83:20:00 left.",
        outlook,
        "No money moves.",
    ] == str(decision).split("\n")


def test_str_of_a_call_says_nothing_of_minutes_if_the_term_has_none():
    """A term without bundles has no minutes that could be left."""
    decision = record_call(buy_subscription(FIVE_CHANNELS), call(600), TARIFF, on=FIRST_DAY)

    assert [
        "2026-01-05: record a call of profile 'berlin'.",
        "Runs until 2026-02-04, when it renews itself.",
    ] == str(decision).split("\n")[:2]
