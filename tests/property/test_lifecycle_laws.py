"""Laws of the lifecycle, for every shipped offer unless a law names the rule that it holds for.

- Deciding again from the same values gives an equal decision, and changes none of them.
- Renewals tile: each term starts where the last ended, on the grid of the anchor, however late
  they are processed; an aligned first term is the last part of its month.
- Bought anew, a change keeps what it does not return: old and new payments less the refund are
  what was paid, and the new term is the first of a grid from that day.
- Prorated, in full or kept, a change leaves term and grid as they are, and moves what the amended
  quote is more or less than the old one.
- A change that waits moves nothing until the renewal, which is priced by it; taken back or
  cancelled, it is gone.
- What is returned is never more than what was paid; nothing else ever comes back, in however many
  steps a plan is changed; and there and back on one day moves nothing where both are prorated.
- Cancelling and resuming leaves everything but the sequence as it was, where nothing is pending.
- Before it was held for as long as the offer asks, nobody cancels into it or ends it for a refund.
- Calls use up the allowance and never more of it, in whatever order they come, where a bundle may
  be used for a whole call.
- Rollover never creates minutes, nor do they outlive their terms or their cap.
- In its grace a subscription does not lapse, has no minutes, and renews at the end of its old term.
- Two decisions that follow one another, at whatever distance, never share a token.
"""

# Identifiers are plain text here, decisions are known to hold a subscription, and wrong types
# are given on purpose.
# mypy: disable-error-code="arg-type, misc, union-attr"

from datetime import timedelta
from decimal import Decimal
from functools import partial

import attrs
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from channelplans.calendar import Days, days_after, term_at
from channelplans.errors import MixedChange, OutsideTerm
from channelplans.ladders import Ladder, Tier
from channelplans.ledger import Purse, Reason
from channelplans.lifecycle import buy, cancel, change, expire, lapse, renew, resume, terminate, use
from channelplans.money import EUR, Money
from channelplans.pricing import Item, amend, rate, refund
from channelplans.rules import ChangeRule, Effect, Rollover, ShortageRule
from channelplans.testing import strategies
from channelplans.testing.builders import OFFERS, TARIFF, make_tariff
from channelplans.testing.strategies import days, histories
from channelplans.usage import Allowance, Call, billable

FREE = [offer for offer in OFFERS if offer.term.holding is None]
CHOICES = [offer for offer in OFFERS if offer.quantity.minimum < offer.quantity.maximum]
WITH_BUNDLES = [offer for offer in OFFERS if offer.bundles is not None]
WHOLE_CALLS = [offer for offer in WITH_BUNDLES if offer.bundles.longest_call is None]
NOTHING = Money(0, EUR)
NUMBERS = {"US": "+12125550100", "DE": "+49305550100", "GB": "+442079460100"}

prices = st.integers(0, 5000).map(lambda cents: Money(cents, EUR).amount)
fields = ("channel", "bundle", "minute", "setup", "channel_setup")
tariffs = st.builds(make_tariff, **dict.fromkeys(fields, prices))
plans = partial(strategies.plans, channels=300, bundles=3)


@st.composite
def subscriptions(draw, of=OFFERS):
    """Draw a subscription that was bought, renewed a few times, and has used some minutes."""
    offer = draw(st.sampled_from(of))
    ids = {"account": "a", "profile": "p", "subscription": "s"}
    held = buy(draw(plans(offer)), draw(tariffs), on=draw(days()), **ids).after
    for _ in range(draw(st.integers(0, 3))):
        held = renew(held, draw(tariffs), on=held.term.end).after
    on = held.term.start
    call = call_of(offer, "c-0", on, draw(st.integers(0, 11_000)))
    return use(held, call, held.paid.tariff, on=on).after


@st.composite
def changes(draw, *effects):
    """Draw a subscription, a day of it and another plan, where a change has one of these effects.

    The effect holds for more and for fewer, over the other rules of any shipped offer that sells
    more than one plan; in full there are only changes to more.
    """
    effect = draw(st.sampled_from(effects))
    rule = ChangeRule(None, effect, Effect.KEEP if effect is Effect.FULL else effect)
    offer = draw(st.sampled_from(CHOICES))
    held = draw(subscriptions([attrs.evolve(offer, change=rule)]))
    plan = draw(plans(held.plan.offer))
    assume(plan != held.plan)
    if effect is Effect.FULL:
        assume(plan.channels >= held.plan.channels and plan.bundles >= held.plan.bundles)
    return held, plan, day_of(held, draw(st.integers(0, 30))), effect


def call_of(offer, name, on, minutes):
    """Return a call to the area of the offer's bundles, or anywhere."""
    country = offer.bundles.area[0] if offer.bundles else "US"
    return Call(name, NUMBERS[country], country, on, timedelta(minutes=minutes))


def day_of(held, number):
    """Return a day of the running term, by a number that may be too great."""
    return held.term.start + timedelta(number % held.term.days)


def is_mixed(held, plan):
    """Return whether a plan is more of one and fewer of another."""
    steps = plan.channels - held.plan.channels, plan.bundles - held.plan.bundles
    return min(steps) < 0 < max(steps)


@given(subscriptions(), st.data())
def test_deciding_again_decides_the_same(held, data):
    """From equal values, on the same day; and the values stay as they are."""
    on = day_of(held, data.draw(st.integers(0, 30)))
    offer, tariff = held.plan.offer, held.paid.tariff
    plan, twin = data.draw(plans(offer)), attrs.evolve(held)
    acts = [
        lambda held: terminate(held, on=on, refund=offer.term.holding is None),
        lambda held: renew(held, tariff, on=held.term.end),
        lambda held: lapse(held, on=held.lapses_on),
        lambda held: use(held, call_of(offer, "c", on, 9), tariff, on=on),
    ]
    if held.term.end >= held.held_until:
        acts.append(lambda held: cancel(held, on=on))
        acts.append(lambda held: expire(cancel(held, on=on).after, on=held.term.end))
    alike = offer.change.more is offer.change.fewer
    if plan != held.plan and (alike or not is_mixed(held, plan)):
        acts.append(lambda held: change(held, plan, tariff, on=on))

    for act in acts:
        assert act(held) == act(twin)
    assert held == twin


@given(subscriptions(), st.data())
def test_a_mixed_change_is_refused_where_more_and_fewer_differ(held, data):
    """More of one and fewer of another has no one effect then."""
    rule, plan = held.plan.offer.change, data.draw(plans(held.plan.offer))
    if rule.more is not rule.fewer and is_mixed(held, plan):
        with pytest.raises(MixedChange):
            change(held, plan, held.paid.tariff, on=held.term.start)


@given(subscriptions(), st.integers(1, 5), st.integers(0, 40), st.data())
def test_renewals_tile(held, count, late, data):
    """Without gap or overlap, on the grid of the anchor, on time or all of them late."""
    length = held.plan.offer.term.length
    processed = term_at(held.anchor, length, held.number + count).start + timedelta(late)
    on_time = data.draw(st.booleans())

    for _ in range(count):
        end = held.term.end
        renewal = renew(held, held.paid.tariff, on=end if on_time else processed)
        held = renewal.after
        assert end == held.term.start
        assert term_at(held.anchor, length, held.number) == held.term
        assert held.paid.allowance == held.allowance  # no shipped offer carries minutes on
        paid = [(posting.term, -posting.amount) for posting in renewal.postings]
        assert paid == [(held.term, held.paid.total)] * bool(held.paid.total)


@given(st.sampled_from(OFFERS).flatmap(plans), days(), tariffs)
def test_a_first_term_is_what_is_left_of_its_month_where_terms_are_aligned(plan, on, tariff):
    """Otherwise it is whole, from the day itself."""
    rule = plan.offer.term
    held = buy(plan, tariff, account="a", profile="p", subscription="s", on=on).after

    assert on == held.term.start
    assert (held.anchor == on.replace(day=1)) if rule.aligned else (held.anchor == on)
    assert term_at(held.anchor, rule.length, 0).end == held.term.end
    assert held.term.end.day == 1 or not rule.aligned


@given(changes(Effect.REBUY), tariffs)
def test_bought_anew_a_change_keeps_what_it_does_not_return(changed, tariff):
    """One refund of at most what was paid, one payment of the new price, both the account's."""
    held, plan, on, _ = changed
    rule = plan.offer.term

    decision = change(held, plan, tariff, on=on)

    moved = {posting.reason: posting.amount for posting in decision.postings}
    returned = moved.get(Reason.REFUND, NOTHING)
    assert NOTHING <= returned <= held.paid.total
    assert -decision.after.paid.total == moved.get(Reason.SUBSCRIPTION, NOTHING)
    assert {posting.purse for posting in decision.postings} <= {Purse("a")}
    assert rule.first(on) == decision.after.term
    assert (rule.anchor(on), 0) == (decision.after.anchor, decision.after.number)
    if on >= held.held_until:
        back = terminate(held, on=on).postings
        assert returned == sum((posting.amount for posting in back), start=NOTHING)


@given(changes(Effect.PRORATE, Effect.FULL, Effect.KEEP), tariffs)
def test_otherwise_a_change_leaves_the_term_and_moves_the_difference(changed, tariff):
    """One posting of the account's, unless it is nothing; minutes used stay used."""
    held, plan, on, effect = changed

    decision = change(held, plan, tariff, on=on)

    after = decision.after
    assert plan == after.plan
    assert amend(held.paid, plan, on=on, effect=effect) == after.paid
    assert held.paid.tariff == after.paid.tariff
    assert (held.term, held.anchor, held.number) == (after.term, after.anchor, after.number)
    due = after.paid.total - held.paid.total
    assert [(posting.purse, posting.amount) for posting in decision.postings] == (
        [(Purse("a"), -due)] if due else []
    )
    assert held.paid.lines == after.paid.lines[: len(held.paid.lines)]
    assert held.allowance.used == after.allowance.used
    more = max(0, plan.channels - held.plan.channels)
    assert effect is not Effect.KEEP or due == Money.of(held.paid.tariff.channel_setup * more, EUR)
    assert effect is not Effect.FULL or due.minor >= 0
    # However prices have moved since, no more comes back than was paid.
    back = refund(after.paid, on=on, allowance=after.allowance, passed=timedelta(hours=12))
    assert NOTHING <= back.returned <= after.paid.total


@st.composite
def prices_by_quantity(draw):
    """Draw a price of some cents, or a ladder by which more may cost less than fewer."""
    first, then = (Decimal(draw(st.integers(0, 30))).scaleb(-2) for _ in range(2))
    ladder = Ladder((Tier(draw(st.integers(1, 20)), first), Tier(None, then)), draw(st.booleans()))
    return draw(st.sampled_from([first, ladder]))


@st.composite
def chains(draw, more, fewer):
    """Draw what was bought, and days and plans that it is changed to on them, one by one."""
    rule = ChangeRule(None, draw(st.sampled_from(more)), draw(st.sampled_from(fewer)))
    offer = attrs.evolve(draw(st.sampled_from(CHOICES)), change=rule)
    by_quantity = {name: draw(prices_by_quantity()) for name in ("channel", "bundle")}
    sold = strategies.plans(offer, channels=40, bundles=3)
    ids = {"account": "a", "profile": "p", "subscription": "s"}
    held = buy(draw(sold), make_tariff(**by_quantity), on=draw(days()), **ids).after
    last = held.term.end - timedelta(1)
    steps = draw(st.lists(st.tuples(st.integers(0, 90), sold), min_size=1, max_size=12))
    ahead = sorted(days for days, _ in steps)
    plans_on = [plan for _, plan in steps]
    return held, [
        (min(held.term.start + timedelta(days), last), plan)
        for days, plan in zip(ahead, plans_on, strict=True)
    ]


@given(chains(more=[Effect.PRORATE, Effect.FULL, Effect.KEEP], fewer=[Effect.PRORATE, Effect.KEEP]))
def test_in_however_many_steps_no_more_comes_back_than_was_paid(chain):
    """Neither by changes nor by ending it after them, whatever quantities cost."""
    held, steps = chain
    rule = held.plan.offer.change

    for on, plan in steps:
        if plan == held.plan or (rule.more is not rule.fewer and is_mixed(held, plan)):
            continue
        held = change(held, plan, held.paid.tariff, on=on).after
        back = refund(held.paid, on=on, allowance=held.allowance, passed=timedelta(hours=12))

        assert NOTHING <= back.returned <= held.paid.total
        assert all(NOTHING <= sum_of(held.paid, item) for item in Item)


@given(chains(more=[Effect.PRORATE], fewer=[Effect.PRORATE]), st.integers(0, 30))
def test_there_and_back_on_one_day_moves_nothing(chain, number):
    """However many steps it takes, what they cost is rounded as one sum."""
    bought, steps = chain
    on, held = day_of(bought, number), bought

    for _, plan in [*steps, (on, bought.plan)]:
        if plan != held.plan:
            held = change(held, plan, held.paid.tariff, on=on).after

    for item in (Item.CHANNELS, Item.BUNDLES):
        assert sum_of(bought.paid, item) == sum_of(held.paid, item)


def sum_of(paid, item):
    """Return what was paid for an item, all its lines together."""
    return sum((line.total for line in paid.lines if line.item is item), start=NOTHING)


@given(changes(Effect.NEXT_TERM), tariffs, tariffs)
def test_a_change_that_waits_changes_nothing_until_the_renewal(changed, tariff, later):
    """Nothing but what is pending; the renewal is priced by it, at the tariff in force then."""
    held, plan, on, _ = changed

    decision = change(held, plan, tariff, on=on)

    waiting = decision.after
    assert () == decision.postings
    unchanged = {"sequence": held.sequence + 1, "acted_on": on, "last_changed_on": on}
    assert attrs.evolve(held, pending=plan, **unchanged) == waiting

    renewed = renew(waiting, later, on=held.term.end)
    assert (plan, None) == (renewed.after.plan, renewed.after.pending)
    more = max(0, plan.channels - held.plan.channels)
    set_up = Money.of(later.channel_setup * more, EUR)
    assert (
        -sum(posting.amount.minor for posting in renewed.postings)
        == (later.channels(plan.channels) + later.bundles(plan.bundles) + set_up).minor
    )

    back = change(waiting, held.plan, tariff, on=on)
    assert () == back.postings
    assert back.after.pending is None
    if held.term.end >= held.held_until:
        assert cancel(waiting, on=on).after.pending is None


@given(subscriptions(FREE), st.lists(st.integers(0, 30), min_size=2, max_size=2))
def test_cancelling_and_resuming_changes_nothing(held, numbers):
    """But the sequence and the day of the latest action; and no money moves."""
    first, second = sorted(day_of(held, number) for number in numbers)
    cancelled = cancel(held, on=first)
    resumed = resume(cancelled.after, on=second)

    assert () == cancelled.postings + resumed.postings
    assert attrs.evolve(held, sequence=held.sequence + 2, acted_on=second) == resumed.after
    assert cancelled.after.term == held.term


@given(st.sampled_from(OFFERS), st.integers(1, 90), days(), tariffs, st.data())
def test_it_is_held_for_as_long_as_the_offer_asks(offer, holding, on, tariff, data):
    """Cancelled only in a term that reaches the end of the holding, refunded only after it."""
    held_offer = attrs.evolve(offer, term=attrs.evolve(offer.term, holding=Days(holding)))
    plan, ids = data.draw(plans(held_offer)), {"profile": "p", "subscription": "s"}
    held = buy(plan, tariff, account="a", on=on, **ids).after
    until = on + timedelta(holding)

    while held.term.end < until:
        for act in (cancel, terminate):
            with pytest.raises(OutsideTerm):
                act(held, on=held.term.start)
        assert () == terminate(held, on=held.term.start, refund=False).postings
        held = renew(held, tariff, on=held.term.end).after

    assert cancel(held, on=held.term.start).after.term == held.term
    if until in held.term:
        assert terminate(held, on=until).after.term == held.term


@given(
    subscriptions(WHOLE_CALLS),
    st.lists(st.integers(0, 3000), max_size=6),
    st.randoms(use_true_random=False),
)
def test_calls_use_up_the_minutes_in_any_order(held, minutes, random):
    """What is used is what was counted, up to what is granted; the rest is charged."""
    # Without a longest call included, the order cannot matter to what is used.
    offer, on = held.plan.offer, held.term.start
    calls = [
        call_of(offer, f"c-{number}", on, length) for number, length in enumerate(minutes, start=1)
    ]
    random.shuffle(calls)
    left = held.allowance.remaining
    for call in calls:
        held = use(held, call, held.paid.tariff, on=on).after

    counted = sum((billable(call.duration, offer.calls) for call in calls), timedelta(0))
    assert max(left - counted, timedelta(0)) == held.allowance.remaining


@given(
    st.sampled_from(WITH_BUNDLES),
    st.builds(Rollover, st.integers(1, 3), st.none() | st.integers(1, 9000)),
    st.lists(st.integers(0, 12_000), min_size=1, max_size=6),
    days(),
    st.data(),
)
def test_rollover_never_creates_minutes(offer, rule, minutes, on, data):
    """What is there in a term is what is granted and no more than was left of earlier ones."""
    rolling = attrs.evolve(offer, bundles=attrs.evolve(offer.bundles, rollover=rule))
    plan, tariff = data.draw(plans(rolling)), data.draw(tariffs)
    ids = {"account": "a", "profile": "p", "subscription": "s"}
    held = buy(plan, tariff, on=on, **ids).after
    granted, used = held.allowance.granted, timedelta(0)

    for number, length in enumerate(minutes):
        call = call_of(rolling, f"c-{number}", held.term.start, length)
        rated = rate(call, held.allowance, tariff, offer=rolling)
        left = use(held, call, tariff, on=held.term.start).after.allowance
        assert held.allowance.remaining - rated.included == left.remaining
        held = renew(attrs.evolve(held, allowance=left), tariff, on=held.term.end).after
        used, carried = used + rated.included, held.allowance.carried
        granted += held.paid.allowance.granted

        assert held.allowance.remaining <= left.remaining + held.paid.allowance.granted
        assert used + held.allowance.remaining <= granted
        assert len(carried) <= rule.terms
        assert rule.cap is None or sum(carried, timedelta(0)) <= timedelta(minutes=rule.cap)
        assert held.allowance.used == timedelta(0)


@given(st.sampled_from(OFFERS), st.integers(1, 20), st.integers(0, 19), days(), tariffs, st.data())
def test_in_its_grace_it_runs_without_minutes_and_renews_at_the_old_end(
    offer, grace, number, on, tariff, data
):
    """So no day goes unpaid; once the grace is over it may lapse."""
    patient = attrs.evolve(offer, shortage=ShortageRule(grace=Days(grace)))
    plan, ids = data.draw(plans(patient)), {"account": "a", "profile": "p", "subscription": "s"}
    held = buy(plan, tariff, on=on, **ids).after
    end = held.term.end
    late = end + timedelta(number % grace)

    with pytest.raises(OutsideTerm):
        lapse(held, on=late)
    call = call_of(patient, "c", late, 5)
    used = use(held, call, tariff, on=late)
    without = rate(call, Allowance(timedelta(0)), tariff, offer=patient)
    assert held.allowance == used.after.allowance
    assert [-posting.amount for posting in used.postings] == [
        charge.amount for charge in without.charges if charge.amount
    ]
    assert end == renew(held, tariff, on=late).after.term.start
    assert lapse(held, on=days_after(end, Days(grace))).after.term == held.term


@given(st.sampled_from(OFFERS).flatmap(partial(histories, tariff=TARIFF)))
def test_tokens_are_unique(decided):
    """Whatever follows whatever, two decisions that both happened have two tokens."""
    tokens = [decision.token for decision in decided]

    assert len(tokens) == len(set(tokens))
