"""Properties of the actions on a subscription.

Most properties are tested for every shipped offer. The others are tested for the offers that have
the rule in question.
"""

from datetime import date, timedelta
from decimal import Decimal
from functools import partial
from itertools import dropwhile, islice

import attrs
import pytest
from hypothesis import assume, given, strategies as st

from channelplans.allowances import Allowance
from channelplans.calendar import Days, days_after, term_at
from channelplans.calls import Call, billable, rate_call
from channelplans.errors import MixedChange, OutsideTerm, TransitionNotAllowed
from channelplans.money import EUR, Money
from channelplans.offers import OFFERS
from channelplans.plans import Plan
from channelplans.pricing import amend_quote, refund
from channelplans.rules import ChangeEffect, ChangeRule, NonPaymentRule, Rollover
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
from channelplans.subscriptions.subscription import Subscription
from channelplans.subscriptions.wallets import Reason, Wallet
from channelplans.tariffs import Item, Ladder, LadderMode, Tier
from channelplans.testing import strategies
from channelplans.testing.builders import TARIFF, make_tariff
from channelplans.testing.strategies import days, histories

pytestmark = pytest.mark.slow

SHIPPED_OFFERS = tuple(OFFERS.values())
WITHOUT_MINIMUM_TERM = [offer for offer in SHIPPED_OFFERS if offer.term.minimum_term is None]
WITH_SEVERAL_PLANS = [
    offer for offer in SHIPPED_OFFERS if offer.quantity.minimum < offer.quantity.maximum
]
WITH_BUNDLES = [offer for offer in SHIPPED_OFFERS if offer.bundle is not None]
ALIGNABLE = [
    offer
    for offer in WITH_SEVERAL_PLANS
    if offer.term.billing_day is None and offer.term.minimum_term is None
]
WITHOUT_CALL_LIMIT = [
    offer for offer in SHIPPED_OFFERS if offer.bundle and offer.bundle.longest_call is None
]
ZERO = Money(minor=0, currency=EUR)
PHONE_NUMBERS = {"US": "+12125550100", "DE": "+49305550100", "GB": "+442079460100"}

prices = st.integers(0, 5000).map(lambda cents: Money(minor=cents, currency=EUR).amount)
buy_for_p = partial(buy, account="a", profile="p", subscription="s")
price_fields = ("channel", "bundle", "minute", "setup", "channel_setup")
tariffs = st.builds(make_tariff, **dict.fromkeys(price_fields, prices))
plans = partial(strategies.plans, channels=300, bundles=3)


@st.composite
def subscriptions(draw, offers=SHIPPED_OFFERS):
    """Draw a subscription after a purchase, up to three renewals and one call."""
    offer = draw(st.sampled_from(offers))
    subscription = buy_for_p(draw(plans(offer)), draw(tariffs), on=draw(days())).after
    for _ in range(draw(st.integers(0, 3))):
        subscription = renew(subscription, draw(tariffs), on=subscription.term.end).after
    on = subscription.term.start
    call = make_call(offer, "c-0", on, draw(st.integers(0, 11_000)))
    return record_call(subscription, call, subscription.quote.tariff, on=on).after


@attrs.frozen
class PlannedChange:
    """A subscription, another plan for it, the day of the change, and the effect of the change."""

    subscription: Subscription
    plan: Plan
    on: date
    effect: ChangeEffect


@st.composite
def planned_changes(draw, *effects):
    """Draw a change that has one of the given effects, both for an increase and a reduction.

    ``ChangeEffect.CHARGE_FULL`` is not allowed for reductions, so these changes are increases only.
    """
    effect = draw(st.sampled_from(effects))
    rule = ChangeRule(
        None, effect, ChangeEffect.NO_CHARGE if effect is ChangeEffect.CHARGE_FULL else effect
    )
    offer = draw(st.sampled_from(WITH_SEVERAL_PLANS))
    subscription = draw(subscriptions([attrs.evolve(offer, change=rule)]))
    old_plan = subscription.plan
    plan = draw(plans(old_plan.offer))
    assume(plan != old_plan)
    if effect is ChangeEffect.CHARGE_FULL:
        assume(plan.channels >= old_plan.channels and plan.bundles >= old_plan.bundles)
    on = day_of_term(subscription, draw(st.integers(0, 30)))
    return PlannedChange(subscription, plan, on, effect)


def make_call(offer, identifier, on, minutes):
    """Return a call to a destination of the offer's bundles, or to the US if it has none."""
    destination = offer.bundle.area[0] if offer.bundle else "US"
    duration = timedelta(minutes=minutes)
    return Call(identifier, PHONE_NUMBERS[destination], destination, on, duration)


def day_of_term(subscription, number):
    """Return a day of the running term; a number beyond the term starts again at its first day."""
    return subscription.term.start + timedelta(number % subscription.term.days)


def is_mixed(old_plan, plan):
    """Return whether a plan increases channels and reduces bundles, or the reverse."""
    differences = plan.channels - old_plan.channels, plan.bundles - old_plan.bundles
    return min(differences) < 0 < max(differences)


def item_total(paid, item):
    """Return the total that was paid for an item, over all its lines."""
    return sum((line.total for line in paid.lines if line.item is item), start=ZERO)


def wallets_and_amounts(decision):
    """Return the wallet and the amount of each posting of a decision."""
    return [(posting.wallet, posting.amount) for posting in decision.postings]


@given(
    offer=st.sampled_from(ALIGNABLE),
    first_on=days(),
    wait=st.integers(0, 400),
    channels=st.integers(2, 9),
)
def test_aligned_purchase_renews_with_the_subscription_it_is_aligned_to(
    offer, first_on, wait, channels
):
    """After any time, the later purchase has the other's next renewal dates, and costs no more."""
    plan, on = offer.plan(channels=channels), first_on + timedelta(wait)
    other = buy_for_p(plan, TARIFF, on=first_on).after
    alone = buy_for_p(plan, TARIFF, on=on).after
    aligned = buy_for_p(plan, TARIFF, on=on, align_to=first_on).after
    later_dates = dropwhile(lambda day: day <= on, other.renewals())

    assert list(islice(later_dates, 3)) == list(islice(aligned.renewals(), 3))
    assert aligned.term.start == on
    assert aligned.quote.total <= alone.quote.total
    assert aligned.allowance.granted <= timedelta(minutes=plan.minutes)


@given(subscriptions(), st.data())
def test_action_decides_the_same_for_equal_subscriptions(subscription, data):
    """Each action makes equal decisions from equal subscriptions and does not modify them."""
    on = day_of_term(subscription, data.draw(st.integers(0, 30)))
    offer, tariff = subscription.plan.offer, subscription.quote.tariff
    plan, copy = data.draw(plans(offer)), attrs.evolve(subscription)
    actions = [
        lambda value: terminate(value, on=on, refund=offer.term.minimum_term is None),
        lambda value: renew(value, tariff, on=value.term.end),
        lambda value: lapse(value, on=value.lapses_on),
        lambda value: record_call(value, make_call(offer, "c", on, 9), tariff, on=on),
    ]
    actions.append(lambda value: cancel(value, on=on))
    if subscription.term.end >= subscription.minimum_term_end:
        actions.append(lambda value: expire(cancel(value, on=on).after, on=value.term.end))
    same_effect = offer.change.more is offer.change.fewer
    if plan != subscription.plan and (same_effect or not is_mixed(subscription.plan, plan)):
        actions.append(lambda value: change(value, plan, tariff, on=on))

    for action in actions:
        assert action(subscription) == action(copy)
    assert subscription == copy


@given(subscriptions(), st.data())
def test_change_refuses_a_mixed_change_with_two_effects(subscription, data):
    """A mixed change is refused if the offer has different effects for increase and reduction."""
    rule, plan = subscription.plan.offer.change, data.draw(plans(subscription.plan.offer))
    if rule.more is not rule.fewer and is_mixed(subscription.plan, plan):
        with pytest.raises(MixedChange):
            change(subscription, plan, subscription.quote.tariff, on=subscription.term.start)


@given(subscriptions(), st.integers(1, 5), st.integers(0, 40), st.data())
def test_renewals_leave_no_gap_between_terms(subscription, renewals, days_late, data):
    """Each renewal starts where the last term ended, even if all are processed late."""
    length = subscription.plan.offer.term.length
    last_number = subscription.term_number + renewals
    late_day = term_at(subscription.anchor, length, last_number).start + timedelta(days_late)
    on_time = data.draw(st.booleans())

    for _ in range(renewals):
        end = subscription.term.end
        renewal = renew(subscription, subscription.quote.tariff, on=end if on_time else late_day)
        subscription = renewal.after
        assert end == subscription.term.start
        assert term_at(subscription.anchor, length, subscription.term_number) == subscription.term
        # No shipped offer carries unused minutes over to the next term.
        assert subscription.quote.allowance == subscription.allowance
        payments = [(posting.term, -posting.amount) for posting in renewal.postings]
        total = subscription.quote.total
        assert payments == [(subscription.term, total)] * bool(total)


@given(st.sampled_from(SHIPPED_OFFERS).flatmap(plans), days(), tariffs)
def test_first_term_starts_on_the_day_of_purchase(plan, on, tariff):
    """A first term starts on the day of purchase.

    If terms are aligned to the month, the first one has its anchor on the first of the month and
    ends with a month.
    """
    rule = plan.offer.term
    subscription = buy_for_p(plan, tariff, on=on).after

    assert on == subscription.term.start
    expected_anchor = on.replace(day=1) if rule.billing_day else on
    assert expected_anchor == subscription.anchor
    assert term_at(subscription.anchor, rule.length, 0).end == subscription.term.end
    assert subscription.term.end.day == 1 or not rule.billing_day


@given(planned_changes(ChangeEffect.RESTART), tariffs)
def test_restart_refunds_the_old_term_and_charges_the_new(planned, tariff):
    """A restart refunds at most the price of the old term and charges the new term in full.

    Both postings are booked on the account's wallet, and the new term starts on the day.
    """
    subscription, on = planned.subscription, planned.on
    rule = planned.plan.offer.term

    decision = change(subscription, planned.plan, tariff, on=on)

    amounts = {posting.reason: posting.amount for posting in decision.postings}
    refunded = amounts.get(Reason.REFUND, ZERO)
    assert ZERO <= refunded <= subscription.quote.total
    assert -decision.after.quote.total == amounts.get(Reason.SUBSCRIPTION, ZERO)
    assert {posting.wallet for posting in decision.postings} <= {Wallet("a")}
    assert rule.first(on) == decision.after.term
    assert (rule.anchor(on), 0) == (decision.after.anchor, decision.after.term_number)
    if on >= subscription.minimum_term_end:
        refund_postings = terminate(subscription, on=on).postings
        assert refunded == sum((posting.amount for posting in refund_postings), start=ZERO)


@given(
    planned_changes(ChangeEffect.PRORATE, ChangeEffect.CHARGE_FULL, ChangeEffect.NO_CHARGE), tariffs
)
def test_change_without_restart_keeps_the_term(planned, tariff):
    """Without a restart, a change keeps the term, its tariff and the used minutes.

    One posting on the account's wallet books the difference in price, if there is any. A later
    refund never exceeds the total paid, even if the tariff has changed.
    """
    subscription, plan, on = planned.subscription, planned.plan, planned.on

    decision = change(subscription, plan, tariff, on=on)

    old_quote, after = subscription.quote, decision.after
    assert plan == after.plan
    assert amend_quote(old_quote, plan, on=on, effect=planned.effect) == after.quote
    assert old_quote.tariff == after.quote.tariff
    assert (subscription.term, subscription.anchor, subscription.term_number) == (
        after.term,
        after.anchor,
        after.term_number,
    )
    difference = after.quote.total - old_quote.total
    expected_postings = [(Wallet("a"), -difference)] if difference else []
    assert expected_postings == wallets_and_amounts(decision)
    assert old_quote.lines == after.quote.lines[: len(old_quote.lines)]
    assert subscription.allowance.used == after.allowance.used
    added_channels = max(0, plan.channels - subscription.plan.channels)
    setup_fees = Money.of(old_quote.tariff.channel_setup * added_channels, EUR)
    assert planned.effect is not ChangeEffect.NO_CHARGE or difference == setup_fees
    assert planned.effect is not ChangeEffect.CHARGE_FULL or difference.minor >= 0
    refunded = refund(after.quote, on=on, allowance=after.allowance)
    assert ZERO <= refunded.returned <= after.quote.total


@st.composite
def quantity_prices(draw):
    """Draw a price per item in cents, or a ladder by which more items may cost less in total."""
    price, price_above = (Decimal(draw(st.integers(0, 30))).scaleb(-2) for _ in range(2))
    tiers = (Tier(draw(st.integers(1, 20)), price), Tier(None, price_above))
    ladder = Ladder(tiers, draw(st.sampled_from(LadderMode)))
    return draw(st.sampled_from([price, ladder]))


@st.composite
def change_sequences(draw, increase_effects, reduction_effects):
    """Draw a bought subscription, and the days and plans of changes within its first term."""
    increase_effect = draw(st.sampled_from(increase_effects))
    reduction_effect = draw(st.sampled_from(reduction_effects))
    if increase_effect is ChangeEffect.CHARGE_FULL and reduction_effect is ChangeEffect.PRORATE:
        reduction_effect = ChangeEffect.NO_CHARGE  # a rule cannot combine these two
    rule = ChangeRule(None, increase_effect, reduction_effect)
    offer = attrs.evolve(draw(st.sampled_from(WITH_SEVERAL_PLANS)), change=rule)
    tariff = make_tariff(channel=draw(quantity_prices()), bundle=draw(quantity_prices()))
    small_plans = strategies.plans(offer, channels=40, bundles=3)
    subscription = buy_for_p(draw(small_plans), tariff, on=draw(days())).after
    last_day = subscription.term.end - timedelta(1)
    plan_sequence = draw(st.lists(small_plans, min_size=1, max_size=12))
    size = len(plan_sequence)
    offsets = sorted(draw(st.lists(st.integers(0, 90), min_size=size, max_size=size)))
    return subscription, [
        (min(subscription.term.start + timedelta(offset), last_day), plan)
        for offset, plan in zip(offsets, plan_sequence, strict=True)
    ]


@given(
    change_sequences(
        increase_effects=[ChangeEffect.PRORATE, ChangeEffect.CHARGE_FULL, ChangeEffect.NO_CHARGE],
        reduction_effects=[ChangeEffect.PRORATE, ChangeEffect.NO_CHARGE],
    )
)
def test_changes_never_refund_more_than_was_paid(sequence):
    """No sequence of changes, ended by a refund, returns more than was paid, by any ladder."""
    subscription, changes = sequence
    rule = subscription.plan.offer.change
    has_two_effects = rule.more is not rule.fewer

    for on, plan in changes:
        old_plan = subscription.plan
        if plan == old_plan or (has_two_effects and is_mixed(old_plan, plan)):
            continue
        subscription = change(subscription, plan, subscription.quote.tariff, on=on).after
        paid, allowance = subscription.quote, subscription.allowance
        refunded = refund(paid, on=on, allowance=allowance)

        assert ZERO <= refunded.returned <= paid.total
        assert all(ZERO <= item_total(paid, item) for item in Item)


@given(
    change_sequences(
        increase_effects=[ChangeEffect.PRORATE], reduction_effects=[ChangeEffect.PRORATE]
    ),
    st.integers(0, 30),
)
def test_prorated_changes_back_to_the_old_plan_cost_nothing(sequence, day_number):
    """Prorated changes on one day cost nothing in total if they end with the old plan.

    The changes of one day are rounded as one sum, however many there are.
    """
    bought, changes = sequence
    on, subscription = day_of_term(bought, day_number), bought

    for _, plan in [*changes, (on, bought.plan)]:
        if plan != subscription.plan:
            subscription = change(subscription, plan, subscription.quote.tariff, on=on).after

    for item in (Item.CHANNELS, Item.BUNDLES):
        assert item_total(bought.quote, item) == item_total(subscription.quote, item)


@given(planned_changes(ChangeEffect.AT_RENEWAL), tariffs, tariffs)
def test_pending_change_takes_effect_at_the_renewal(planned, tariff, renewal_tariff):
    """A pending change moves no money; the renewal has the new plan at its own tariff.

    A change back to the held plan, or a cancellation, drops the pending change.
    """
    subscription, plan, on = planned.subscription, planned.plan, planned.on

    decision = change(subscription, plan, tariff, on=on)

    pending = decision.after
    assert () == decision.postings
    marks_of_change = {
        "sequence": subscription.sequence + 1,
        "acted_on": on,
        "last_changed_on": on,
    }
    assert attrs.evolve(subscription, pending=plan, **marks_of_change) == pending

    renewal = renew(pending, renewal_tariff, on=subscription.term.end)
    assert (plan, None) == (renewal.after.plan, renewal.after.pending)
    added_channels = max(0, plan.channels - subscription.plan.channels)
    setup_fees = Money.of(renewal_tariff.channel_setup * added_channels, EUR)
    channels_price = renewal_tariff.channels(plan.channels)
    bundles_price = renewal_tariff.bundles(plan.bundles)
    assert (
        -sum(posting.amount.minor for posting in renewal.postings)
        == (channels_price + bundles_price + setup_fees).minor
    )

    reverted = change(pending, subscription.plan, tariff, on=on)
    assert () == reverted.postings
    assert reverted.after.pending is None
    assert cancel(pending, on=on).after.pending is None


@given(subscriptions(WITHOUT_MINIMUM_TERM), st.lists(st.integers(0, 30), min_size=2, max_size=2))
def test_resume_undoes_a_cancellation(subscription, day_numbers):
    """Cancelling and resuming changes only the sequence and the day of the latest action."""
    cancel_day, resume_day = sorted(day_of_term(subscription, number) for number in day_numbers)
    cancelled = cancel(subscription, on=cancel_day)
    resumed = resume(cancelled.after, on=resume_day)

    assert () == cancelled.postings + resumed.postings
    expected = attrs.evolve(subscription, sequence=subscription.sequence + 2, acted_on=resume_day)
    assert expected == resumed.after
    assert cancelled.after.term == subscription.term


@given(st.sampled_from(SHIPPED_OFFERS), st.integers(1, 90), days(), tariffs, st.data())
def test_minimum_term_delays_cancellation_and_refund(offer, minimum_days, on, tariff, data):
    """After notice on the first day, a subscription is renewed as long as its minimum term runs.

    It then expires on the day that the notice names. It can be terminated with a refund only after
    the minimum term, without a refund at any time.
    """
    rule = attrs.evolve(offer.term, minimum_term=Days(minimum_days))
    offer_with_minimum = attrs.evolve(offer, term=rule)
    bought = buy_for_p(data.draw(plans(offer_with_minimum)), tariff, on=on).after
    minimum_end = on + timedelta(minimum_days)
    notice = cancel(bought, on=on)
    subscription = notice.after

    while subscription.term.end < minimum_end:
        with pytest.raises(OutsideTerm):
            terminate(subscription, on=subscription.term.start)
        terminated = terminate(subscription, on=subscription.term.start, refund=False)
        assert () == terminated.postings
        with pytest.raises(TransitionNotAllowed):
            expire(subscription, on=subscription.term.end)
        subscription = renew(subscription, tariff, on=subscription.term.end).after

    assert f"from {subscription.term.end} on" in notice.notices[0].text
    with pytest.raises(TransitionNotAllowed):
        renew(subscription, tariff, on=subscription.term.end)
    ended = expire(subscription, on=subscription.term.end)
    assert ended.after.term == subscription.term
    if minimum_end in subscription.term:
        assert terminate(subscription, on=minimum_end).after.term == subscription.term


@given(
    subscriptions(WITHOUT_CALL_LIMIT),
    st.lists(st.integers(0, 3000), max_size=6),
    st.randoms(use_true_random=False),
)
def test_calls_use_the_same_minutes_in_any_order(subscription, call_minutes, random):
    """The used minutes are the counted minutes of all calls, up to the allowance, in any order.

    The offers have no limit for the included minutes of one call; with such a limit, the order of
    the calls matters.
    """
    offer, on = subscription.plan.offer, subscription.term.start
    calls = [
        make_call(offer, f"c-{number}", on, minutes)
        for number, minutes in enumerate(call_minutes, start=1)
    ]
    random.shuffle(calls)
    remaining = subscription.allowance.remaining
    for call in calls:
        subscription = record_call(subscription, call, subscription.quote.tariff, on=on).after

    counted = sum((billable(call.duration, offer.calls) for call in calls), timedelta(0))
    assert max(remaining - counted, timedelta(0)) == subscription.allowance.remaining


@given(
    st.sampled_from(WITH_BUNDLES),
    st.builds(Rollover, st.integers(1, 3), st.none() | st.integers(1, 9000)),
    st.lists(st.integers(0, 12_000), min_size=1, max_size=6),
    days(),
    st.data(),
)
def test_rollover_never_creates_minutes(offer, rollover, call_minutes, on, data):
    """The used and the remaining minutes never exceed the granted minutes of all terms.

    Carried minutes last for the number of terms that the rollover rule allows, and keep to its cap.
    """
    bundle_rule = attrs.evolve(offer.bundle, rollover=rollover)
    rollover_offer = attrs.evolve(offer, bundle=bundle_rule)
    plan, tariff = data.draw(plans(rollover_offer)), data.draw(tariffs)
    subscription = buy_for_p(plan, tariff, on=on).after
    granted, used = subscription.allowance.granted, timedelta(0)

    for number, minutes in enumerate(call_minutes):
        day = subscription.term.start
        call = make_call(rollover_offer, f"c-{number}", day, minutes)
        rated = rate_call(call, subscription.allowance, tariff, offer=rollover_offer)
        after_call = record_call(subscription, call, tariff, on=day).after
        remaining = after_call.allowance.remaining
        assert subscription.allowance.remaining - rated.included == remaining
        with_call = attrs.evolve(subscription, allowance=after_call.allowance)
        subscription = renew(with_call, tariff, on=with_call.term.end).after
        new_minutes, allowance = subscription.quote.allowance.granted, subscription.allowance
        used += rated.included
        granted += new_minutes

        assert allowance.remaining <= remaining + new_minutes
        assert used + allowance.remaining <= granted
        assert len(allowance.carried) <= rollover.terms
        carried_minutes = sum(allowance.carried, timedelta(0))
        assert rollover.cap is None or carried_minutes <= timedelta(minutes=rollover.cap)
        assert allowance.used == timedelta(0)


@given(
    st.sampled_from(SHIPPED_OFFERS),
    st.integers(1, 20),
    st.integers(0, 19),
    days(),
    tariffs,
    st.data(),
)
def test_grace_period_keeps_the_subscription_without_minutes(
    offer, grace_days, day_number, on, tariff, data
):
    """In its grace period a subscription is active and has no included minutes.

    A renewal then starts at the end of the old term. After the grace period it is not active.
    """
    grace_offer = attrs.evolve(offer, non_payment=NonPaymentRule(grace=Days(grace_days)))
    subscription = buy_for_p(data.draw(plans(grace_offer)), tariff, on=on).after
    end = subscription.term.end
    grace_day = end + timedelta(day_number % grace_days)

    grace_end = days_after(end, Days(grace_days))
    assert subscription.active_on(grace_day)
    assert not subscription.active_on(grace_end)
    call = make_call(grace_offer, "c", grace_day, 5)
    recorded = record_call(subscription, call, tariff, on=grace_day)
    without_minutes = rate_call(call, Allowance(timedelta(0)), tariff, offer=grace_offer)
    assert subscription.allowance == recorded.after.allowance
    assert [-posting.amount for posting in recorded.postings] == [
        charge.amount for charge in without_minutes.charges if charge.amount
    ]
    assert end == renew(subscription, tariff, on=grace_day).after.term.start
    lapsed = lapse(subscription, on=grace_end)
    assert lapsed.after.term == subscription.term


@given(st.sampled_from(SHIPPED_OFFERS).flatmap(partial(histories, tariff=TARIFF)))
def test_tokens_are_unique(history):
    """No two decisions about a profile have the same token."""
    tokens = [decision.token for decision in history]

    assert len(tokens) == len(set(tokens))
