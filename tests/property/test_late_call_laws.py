"""Laws of late calls and of whole lifecycles, for every shipped offer."""

from datetime import timedelta
from functools import partial

import attrs
import pytest
from hypothesis import given, strategies as st

from channelplans.calendar import Days
from channelplans.calls import Call
from channelplans.errors import RuleError
from channelplans.money import Money
from channelplans.offers import OFFERS
from channelplans.pricing import refund
from channelplans.rules import ChangeRule, NonPaymentRule
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
from channelplans.subscriptions.call_records import minutes_for, record_call
from channelplans.subscriptions.wallets import Reason
from channelplans.testing import strategies
from channelplans.testing.builders import TARIFF
from channelplans.testing.strategies import days

pytestmark = pytest.mark.slow

WITH_BUNDLES = [offer for offer in OFFERS.values() if offer.bundle is not None]
PHONE_NUMBERS = {"US": "+12125550100", "DE": "+49305550100", "GB": "+442079460100"}
DAY = timedelta(days=1)
ZERO = Money.zero(TARIFF.currency)

buy_for_p = partial(buy, account="a", profile="p", subscription="s")
plans = partial(strategies.plans, channels=40, bundles=2)


def make_call(offer, name, day, minutes):
    """Return a call to a destination of the offer's bundles, or to the US if it has none."""
    destination = offer.bundle.area[0] if offer.bundle else "US"
    duration = timedelta(minutes=minutes)
    return Call(str(name), PHONE_NUMBERS[destination], destination, day, duration)


def record_calls(subscription, calls, on=None):
    """Record calls on a day, or each on its own day; return their decisions."""
    decisions = []
    for call in calls:
        decisions.append(record_call(subscription, call, TARIFF, on=on or call.day))
        subscription = decisions[-1].after
    return decisions


#: How a term ends without a refund, so that late calls find the minutes that it had.
ENDS = {
    "renewal": lambda subscription: renew(subscription, TARIFF, on=subscription.term.end),
    "late renewal": lambda subscription: renew(
        subscription, TARIFF, on=subscription.term.end + 40 * DAY
    ),
    "lapse": lambda subscription: lapse(subscription, on=subscription.term.end + DAY),
    "expiry": lambda subscription: expire(
        cancel(subscription, on=subscription.term.end - DAY).after, on=subscription.term.end
    ),
    "termination": lambda subscription: terminate(
        subscription, on=subscription.term.end - DAY, refund=False
    ),
}


@given(
    st.sampled_from(list(OFFERS.values())).flatmap(plans),
    days(),
    st.lists(st.tuples(st.integers(0, 30), st.integers(0, 6000)), max_size=6),
    st.sampled_from(sorted(ENDS)),
    st.booleans(),
)
def test_late_call_costs_what_a_punctual_record_would_have_cost(
    plan, on, drawn_calls, end, buys_again
):
    """Whatever ended the term, the same calls in the same order use and cost the same.

    The term ended without a refund, and no minutes were carried out of it.
    """
    term = attrs.evolve(plan.offer.term, minimum_term=None)
    offer = attrs.evolve(plan.offer, term=term)
    bought = buy_for_p(attrs.evolve(plan, offer=offer), TARIFF, on=on).after
    days_of_term = bought.term.days
    in_order = sorted((number % days_of_term, minutes) for number, minutes in drawn_calls)
    calls = [
        make_call(offer, name, bought.term.start + number * DAY, minutes)
        for name, (number, minutes) in enumerate(in_order)
    ]
    punctual = record_calls(bought, calls)
    ended = ENDS[end](bought).after
    if buys_again and ended.due_on is None:
        ended = buy_for_p(
            ended.plan, TARIFF, subscription="next", on=ended.term.end + DAY, previous=ended
        ).after
    acted_on = ended.acted_on
    assert acted_on is not None
    late = record_calls(ended, calls, on=max(acted_on, ended.term.start, bought.term.end))

    assert [decision.call for decision in punctual] == [decision.call for decision in late]
    assert [decision.deltas for decision in punctual] == [decision.deltas for decision in late]


@given(
    st.sampled_from(WITH_BUNDLES),
    st.none() | strategies.rollovers(),
    days(),
    st.lists(st.tuples(st.booleans(), st.integers(0, 4000)), max_size=8),
    st.booleans(),
    st.data(),
)
def test_minutes_of_two_terms_are_used_once(offer, rollover, on, drawn_calls, restarts, data):
    """Late calls of a term and calls of the next never use more minutes than both granted.

    Late calls alone never use more than their own term granted, nor do carried minutes appear again
    after a change on the first day.
    """
    offer = attrs.evolve(
        offer,
        bundle=attrs.evolve(offer.bundle, rollover=rollover),
        change=ChangeRule(None),
        term=attrs.evolve(offer.term, minimum_term=None),
    )
    first = buy_for_p(data.draw(plans(offer)), TARIFF, on=on).after
    second = renew(first, TARIFF, on=first.term.end).after
    if restarts and second.plan.bundles:
        second = change(second, second.plan.replace(bundles=0), TARIFF, on=first.term.end).after
    granted = [first.quote.allowance.granted, second.quote.allowance.granted]
    used = [timedelta(0), timedelta(0)]
    subscription = second
    for number, (is_late, minutes) in enumerate(drawn_calls):
        day = first.term.end - DAY if is_late else second.term.start
        call = make_call(offer, number, day, minutes)
        decision = record_call(subscription, call, TARIFF, on=second.term.start)
        assert decision.call is not None
        used[not is_late] += decision.call.included
        subscription = decision.after

    assert sum(used, timedelta(0)) <= sum(granted, timedelta(0))
    assert used[0] <= granted[0]


@given(
    st.sampled_from(WITH_BUNDLES),
    days(),
    st.integers(0, 29),
    st.integers(0, 9000),
    st.integers(0, 9000),
    st.booleans(),
    st.data(),
)
def test_refunded_minutes_are_not_there_for_late_calls(
    offer, on, day_number, early_minutes, late_minutes, changes, data
):
    """After a refund, a late call finds at most the minutes that were neither used nor refunded."""
    offer = attrs.evolve(
        offer, change=ChangeRule(None), term=attrs.evolve(offer.term, minimum_term=None)
    )
    bought = buy_for_p(data.draw(plans(offer)), TARIFF, on=on).after
    day = bought.term.start + day_number % bought.term.days * DAY
    used = record_call(bought, make_call(offer, 1, on, early_minutes), TARIFF, on=on).after
    if changes and bought.plan.channels < offer.quantity.maximum:
        more = bought.plan.replace(channels=offer.quantity.maximum)
        decision = change(used, more, TARIFF, on=day)
    else:
        decision = terminate(used, on=day)
    refunded = refund(bought.quote, on=day, allowance=used.allowance)
    late = make_call(offer, 2, day - DAY, late_minutes)
    left = max(used.allowance.remaining - refunded.minutes, timedelta(0))

    assert refunded == decision.refund
    assert timedelta(0) <= refunded.minutes <= bought.quote.allowance.granted
    if day > bought.term.start:
        assert left == minutes_for(decision.after, late).remaining
        recorded = record_call(decision.after, late, TARIFF, on=day)
        assert recorded.call is not None
        assert recorded.call.included <= left


@st.composite
def requests(draw):
    """Draw what somebody asks for: an action, days to wait since the latest action, a choice."""
    names = sorted(REQUESTS)
    return draw(st.sampled_from(names)), draw(st.integers(-2, 40)), draw(st.integers(0, 5))


REQUESTS = {
    "buy": lambda current, plan, on, choice: buy_for_p(
        plan,
        TARIFF,
        subscription=f"{current.id}+",
        on=on,
        start=on + choice * DAY,
        previous=current,
    ),
    "change": lambda current, plan, on, _choice: change(current, plan, TARIFF, on=on),
    "record call": lambda current, _plan, on, choice: record_call(
        current,
        make_call(current.plan.offer, on, on - choice * 8 * DAY, choice * 1000),
        TARIFF,
        on=on,
    ),
    "renew": lambda current, _plan, on, _choice: renew(current, TARIFF, on=on),
    "cancel": lambda current, _plan, on, _choice: cancel(current, on=on),
    "resume": lambda current, _plan, on, _choice: resume(current, on=on),
    "lapse": lambda current, _plan, on, _choice: lapse(current, on=on),
    "expire": lambda current, _plan, on, _choice: expire(current, on=on),
    "terminate": lambda current, _plan, on, choice: terminate(current, on=on, refund=choice > 0),
}


@given(
    st.sampled_from(list(OFFERS.values())),
    st.none() | st.integers(1, 45),
    st.none() | st.integers(1, 100),
    days(),
    st.lists(requests(), max_size=15),
    st.data(),
)
def test_lifecycle_raises_only_rule_errors(offer, grace, minimum, on, drawn_requests, data):
    """Whatever somebody asks for on whatever day is done, or refused by a rule of the offer.

    Each refund and the rest that is kept add up to what was paid, and each posting is explained.
    """
    offer = attrs.evolve(
        offer,
        non_payment=NonPaymentRule(grace=grace and Days(grace)),
        term=attrs.evolve(offer.term, minimum_term=minimum and Days(minimum)),
    )
    current = buy_for_p(data.draw(plans(offer)), TARIFF, on=on).after
    for name, wait, choice in drawn_requests:
        day = (current.acted_on or current.term.start) + wait * DAY
        try:
            decision = REQUESTS[name](current, data.draw(plans(offer)), day, choice)
        except RuleError:
            continue
        assert all(map(str, (decision, decision.after, *decision.notices)))
        assert (day, current) == (decision.on, decision.before)
        check_refund(decision)
        assert decision.after.sequence == (1 if name == "buy" else current.sequence + 1)
        current = decision.after


def check_refund(decision):
    """Check that a decision's refund is that of the paid quote, and is booked once."""
    if decision.refund is None:
        return
    refunds = [item.amount for item in decision.postings if item.reason is Reason.REFUND]
    paid = decision.before.quote.total

    assert decision.refund.returned + decision.refund.kept == paid
    assert ZERO <= decision.refund.returned <= paid
    assert decision.refund.returned == sum(refunds, start=ZERO)
    assert all(posting.amount for posting in decision.postings)
