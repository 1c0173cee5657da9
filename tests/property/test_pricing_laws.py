"""Laws of prices, for every shipped offer.

- A quote's lines add up to its total. For a whole term each line is its quantity times its price,
  for the first part of an aligned one it is that part of it, rounded once; set-up fees are whole.
- A prorated part of a term, of its price or of its minutes, never exceeds the whole.
- What a refund returns and keeps adds up to what was paid, to the unit, line by line.
- By time never more comes back on a later day; the first day returns all but set-up fees, unless it
  counts. By exact time it is the same from instant to instant.
- The smaller basis returns what the lesser of time and minutes returns.
- By nothing, nothing comes back.
- What a change amends adds up: the lines that were paid stay, and what is added costs the
  difference to what was paid for, in full or for the days that are left. A line for more never
  returns money, one for fewer never costs any, and a kept change adds set-up fees alone.
- A change that is kept and taken back leaves what is paid for as it was.
- The three parts of a rated call add up to what is counted, which is at least its length.
- A charge lies within one unit of its exact price, and within half of one if rounded half up.
- A longer call never costs less, nor does one with fewer minutes left.
- A call of the longest length can be paid; one more microsecond cannot, unless nothing bounds it.
- More credit never shortens the longest call.
- A call to a country without a rate is refused just where no bundle's area has it either.
"""

from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from functools import partial
from itertools import pairwise

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from channelplans.errors import UnknownRate
from channelplans.money import Currency, Money, Rounding
from channelplans.pricing import Item, Payer, Quote, Tariff, amend, longest, quote, rate, refund
from channelplans.rules import CallRule, Effect, RefundBasis, RefundRule
from channelplans.testing import strategies
from channelplans.testing.builders import OFFERS
from channelplans.testing.strategies import days, roundings
from channelplans.usage import Allowance, Call, billable

ALIGNED = [offer for offer in OFFERS if offer.term.aligned]
DAY = date(2026, 1, 5)
MICROSECOND = timedelta(microseconds=1)
HUNDRED_YEARS = timedelta(days=36_500)

currencies = st.sampled_from([Currency("EUR", 2), Currency("EUR", 5), Currency("JPY", 0)])
rates = st.integers(0, 10**6).map(lambda count: Decimal(count).scaleb(-5))
durations = st.integers(0, 2 * 86_400 * 10**6).map(lambda count: timedelta(microseconds=count))
plans = partial(strategies.plans, channels=300, bundles=300)


@st.composite
def tariffs(draw, currency=None, *, setups=True):
    """Draw a tariff whose prices fit its currency; with rates to all countries that are called."""
    currency = currency or draw(currencies)
    channel, bundle = (Money(draw(st.integers(0, 10**6)), currency).amount for _ in range(2))
    most = 10**4 * draw(st.booleans()) if setups else 0
    setup, channel_setup = (Money(draw(st.integers(0, most)), currency).amount for _ in range(2))
    elsewhere = dict.fromkeys(["US", "DE", "GB"], draw(rates))
    return Tariff("t", currency, channel, bundle, draw(rates), elsewhere, setup, channel_setup)


@st.composite
def quotes(draw, of=OFFERS, *, setups=True):
    """Draw a quote under one of the published offers, of its first term."""
    plan = draw(plans(draw(st.sampled_from(of))))
    return quote(plan, draw(tariffs(setups=setups)), on=draw(days()))


@st.composite
def calls(draw):
    """Draw a call to some area, to an excluded prefix of one, or elsewhere."""
    called = [
        ("+12125550100", "US"),
        ("+12186320100", "US"),
        ("+49305550100", "DE"),
        ("+442079460100", "GB"),
        ("+448005550100", "GB"),
    ]
    number, country = draw(st.sampled_from(called))
    return Call("c", number, country, DAY, draw(durations))


@st.composite
def allowances(draw):
    """Draw an allowance that is untouched, used up, nearly so, or nothing at all."""
    granted = timedelta(minutes=draw(st.sampled_from([0, 5000, 10_000])))
    left = min(granted, draw(st.one_of(durations, st.just(timedelta(0)), st.just(granted))))
    return Allowance(granted, granted - left)


@st.composite
def counted_offers(draw):
    """Draw an offer that counts and rounds calls in some way."""
    seconds = st.integers(0, 90).map(lambda count: timedelta(seconds=count))
    steps = st.sampled_from([1, 100_000, 1_000_000, 6_000_000, 60_000_000])
    step = timedelta(microseconds=draw(steps))
    rule = draw(
        st.one_of(
            st.builds(CallRule, rounding=roundings()),
            st.builds(CallRule, seconds, st.just(step), roundings()),
        )
    )
    return attrs.evolve(draw(st.sampled_from(OFFERS)), calls=rule)


def refunds():
    """Refunds by any rule, at any time of the term, of a quote with a price for each."""
    return quotes().flatmap(strategies.refunds)


@st.composite
def changes(draw, effect):
    """Draw what was paid, a plan to change to in the middle, and what is paid then."""
    paid = draw(quotes())
    on = paid.term.start + timedelta(draw(st.integers(0, paid.term.days - 1)))
    plan = draw(plans(paid.plan.offer))
    return paid, amend(paid, plan, on=on, effect=effect), on


def whole(term, offer):
    """Return how many days the full term has, of which a term is all or the last part."""
    start = term.start.replace(day=1) if offer.term.aligned else term.start
    return (term.end - start).days


@given(quotes())
def test_lines_add_up_to_the_total(quoted):
    """And each is its quantity times its price, or that part of it that is left of the term."""
    plan, term = quoted.plan, quoted.term
    part = Fraction(term.days, whole(term, plan.offer))

    assert quoted.total.minor == sum(line.total.minor for line in quoted.lines)
    assert part == 1 or plan.offer.term.aligned
    counts = dict.fromkeys(Item, 0)
    for line in quoted.lines:
        counts[line.item] += line.quantity
        recurs = line.item in {Item.CHANNELS, Item.BUNDLES}
        exact = line.quantity * line.unit.minor * (part if recurs else 1)
        assert term == line.term
        assert -Fraction(1, 2) < line.total.minor - exact <= Fraction(1, 2)
        assert part != 1 or line.total == line.unit * line.quantity
    tariff = quoted.tariff
    assert counts == {
        Item.CHANNELS: plan.channels,
        Item.BUNDLES: plan.bundles,
        Item.SETUP: 1 if tariff.setup else 0,
        Item.CHANNEL_SETUP: plan.channels if tariff.channel_setup else 0,
    }


@given(quotes(ALIGNED, setups=False))
def test_a_prorated_part_never_exceeds_the_whole(part):
    """Neither in price nor in minutes; a part without a day missing is the whole."""
    full = Quote(part.plan, part.tariff, part.plan.offer.term.whole(part.term))

    assert full.term.end == part.term.end
    assert part.total <= full.total
    assert part.allowance.granted <= full.allowance.granted
    assert full.allowance.granted == timedelta(minutes=part.plan.minutes)
    assert part.term != full.term or (part.total, part.allowance) == (full.total, full.allowance)


@given(refunds())
def test_returned_and_kept_add_up_to_what_was_paid(back):
    """To the unit, line by line, and neither is negative; a set-up fee is kept."""
    for line in back.lines:
        assert line.line.total == line.returned + line.kept
        assert line.returned.minor >= 0
        assert line.kept.minor >= 0
        assert line.line.item in {Item.CHANNELS, Item.BUNDLES} or not line.returned

    assert back.paid.lines == tuple(line.line for line in back.lines)
    assert back.paid.total == back.returned + back.kept
    assert back.returned.minor == sum(line.returned.minor for line in back.lines)


@given(refunds())
def test_each_line_is_its_exact_share_rounded_once(back):
    """The share follows from days and minutes; what comes back is less than a unit away."""
    term, rule, unused = back.paid.term, back.rule, back.allowance.unused
    left = Fraction((term.end - back.on).days)
    by_time = (left - rule.change_day_used) / term.days
    by = {
        RefundBasis.TIME: by_time,
        RefundBasis.EXACT_TIME: (left - Fraction(back.passed // MICROSECOND, 86_400_000_000))
        / term.days,
        RefundBasis.MINUTES: unused,
        RefundBasis.SMALLER: min(by_time, unused),
        RefundBasis.NOTHING: Fraction(0),
    }
    bases = {Item.CHANNELS: rule.channels, Item.BUNDLES: rule.bundles}

    for line in back.lines:
        share = by[bases.get(line.line.item, RefundBasis.NOTHING)] * line.line.total.minor
        off = line.returned.minor - share
        assert abs(off) < 1
        if rule.rounding is Rounding.HALF_UP:
            assert -Fraction(1, 2) < off <= Fraction(1, 2)
        elif rule.rounding is Rounding.HALF_EVEN:
            assert abs(off) <= Fraction(1, 2)
            assert abs(off) != Fraction(1, 2) or line.returned.minor % 2 == 0
        else:
            assert (off <= 0) if rule.rounding is Rounding.DOWN else (off >= 0)


@given(quotes(setups=False), st.booleans(), roundings())
def test_by_time_a_later_day_never_returns_more(paid, used, rounding):
    """From the first day to the last; the first returns everything unless it counts as used."""
    rule = RefundRule(change_day_used=used, rounding=rounding)
    returned = [
        refund(paid, on=paid.term.start + timedelta(number), rule=rule).returned
        for number in range(paid.term.days)
    ]

    assert all(later <= earlier for earlier, later in pairwise(returned))
    assert used or returned[0] == paid.total
    assert not used or not returned[-1]


@given(quotes(setups=False), st.integers(0, 86_398), roundings())
def test_by_exact_time_a_later_instant_never_returns_more(paid, seconds, rounding):
    """Within a day and from day to day; the first instant returns what the day alone does."""
    exact = RefundRule(RefundBasis.EXACT_TIME, RefundBasis.EXACT_TIME, rounding=rounding)
    instants = [timedelta(0), timedelta(seconds=seconds), timedelta(seconds=seconds + 1)]
    by_day = RefundRule(rounding=rounding)
    day_of = [paid.term.start + timedelta(number) for number in range(paid.term.days)]
    returned = [
        refund(paid, on=on, rule=exact, passed=passed).returned
        for on in day_of
        for passed in instants
    ]

    assert all(later <= earlier for earlier, later in pairwise(returned))
    assert returned[::3] == [refund(paid, on=on, rule=by_day).returned for on in day_of]


@given(refunds())
def test_the_smaller_basis_is_the_lesser_of_the_two(back):
    """Line by line, where each item has one."""
    smaller, *others = (
        attrs.evolve(back, rule=attrs.evolve(back.rule, bundles=basis)).lines
        for basis in (RefundBasis.SMALLER, RefundBasis.TIME, RefundBasis.MINUTES)
    )

    for line, *alternatives in zip(smaller, *others, strict=True):
        assert line.returned == min(each.returned for each in alternatives)


@given(quotes(), st.integers(0, 30))
def test_by_nothing_nothing_comes_back(paid, number):
    """On no day, and neither minutes nor a time are asked for."""
    rule = RefundRule(RefundBasis.NOTHING, RefundBasis.NOTHING)
    on = paid.term.start + timedelta(number % paid.term.days)

    back = refund(paid, on=on, rule=rule)

    assert not back.returned
    assert back.kept == paid.total


@given(st.sampled_from([Effect.PRORATE, Effect.FULL, Effect.KEEP]).flatmap(changes))
def test_what_was_paid_stays_and_what_is_amended_adds_up(changed):
    """The total is the old one and the lines added; the term and its end stay."""
    paid, amended, on = changed

    old, added = amended.lines[: len(paid.lines)], amended.lines[len(paid.lines) :]
    assert paid.lines == old
    assert amended.total.minor == paid.total.minor + sum(line.total.minor for line in added)
    assert paid.term == amended.term
    for line in added:
        assert line.term.end == paid.term.end
        assert line.term.start in {on, paid.term.start}


@given(changes(Effect.PRORATE) | changes(Effect.FULL))
def test_what_an_item_costs_for_the_same_days_is_rounded_once(changed):
    """Prorated to the days that its own term has of the whole one, and never more than that."""
    paid, amended, _ = changed
    of = whole(paid.term, paid.plan.offer)

    for line in amended.lines[len(paid.lines) :]:
        recurs = line.item in {Item.CHANNELS, Item.BUNDLES}
        alike = [
            each
            for each in amended.lines
            if recurs and (each.item, each.term) == (line.item, line.term)
        ]
        full = sum(each.quantity for each in alike or [line]) * line.unit.minor
        exact = full * (Fraction(line.term.days, of) if recurs else 1)
        assert abs(sum(each.total.minor for each in alike or [line]) - exact) <= Fraction(1, 2)
        assert abs(line.total.minor) <= abs(line.quantity * line.unit.minor)
        assert (line.total.minor >= 0) if line.quantity > 0 else (line.total.minor <= 0)


@given(changes(Effect.PRORATE))
def test_prorated_the_lines_hold_what_the_plan_says(changed):
    """After a first change, the quantities of each item add up to those of the plan."""
    _, amended, _ = changed
    for item, count in {
        Item.CHANNELS: amended.plan.channels,
        Item.BUNDLES: amended.plan.bundles,
    }.items():
        assert count == sum(line.quantity for line in amended.lines if line.item is item)


@given(changes(Effect.FULL))
def test_in_full_the_minutes_and_money_never_shrink(changed):
    """A charge in full only charges: nothing is taken off what was paid for."""
    paid, amended, _ = changed
    assert amended.total >= paid.total
    assert amended.allowance.granted >= paid.allowance.granted


@given(changes(Effect.KEEP), st.integers(0, 30))
def test_a_kept_change_that_is_taken_back_costs_nothing(changed, number):
    """Fewer and then as many again: it was paid for; only the set-up of more is charged."""
    paid, amended, on = changed
    added = amended.lines[len(paid.lines) :]
    assert {line.item for line in added} <= {Item.CHANNEL_SETUP}
    assert paid.allowance == amended.allowance

    later = min(on + timedelta(number), paid.term.end - timedelta(1))
    back = amend(amended, paid.plan, on=later, effect=Effect.PRORATE)

    assert amended.total == back.total
    assert amended.lines == back.lines


@given(durations, st.builds(CallRule, rounding=roundings()))
def test_counting_is_fair(duration, rule):
    """Never less than the length, less than a step more beyond the least, and stable."""
    counted = billable(duration, rule)

    assert counted >= duration
    assert counted == (timedelta(0) if not duration else max(counted, rule.minimum))
    assert duration <= rule.minimum or counted - duration < rule.step
    assert counted == billable(counted, rule)


@given(calls(), allowances(), tariffs(), counted_offers())
def test_the_parts_of_a_call_add_up_to_what_is_counted(call, allowance, tariff, offer):
    """And no more is included than is left; one of overage and other at most is charged."""
    rated = rate(call, allowance, tariff, offer=offer)

    assert billable(call.duration, offer.calls) == rated.counted
    assert rated.counted == rated.included + rated.overage + rated.other
    assert timedelta(0) <= rated.included <= allowance.remaining
    assert not (rated.overage and rated.other)
    assert [rated.overage + rated.other] * bool(rated.overage or rated.other) == [
        charge.duration for charge in rated.charges
    ]
    for charge in rated.charges:
        assert (charge.payer is Payer.ACCOUNT) == bool(rated.overage)


@given(calls(), allowances(), tariffs(), counted_offers())
def test_a_charge_is_its_exact_price_rounded_once(call, allowance, tariff, offer):
    """Less than a unit away, half a unit at most if rounded to the nearest."""
    for charge in rate(call, allowance, tariff, offer=offer).charges:
        minutes = Fraction(charge.duration // MICROSECOND, 60_000_000)
        exact = Fraction(charge.per_minute) * minutes * tariff.currency.units
        off = charge.amount.minor - exact
        assert abs(off) < 1
        if offer.calls.rounding is Rounding.HALF_UP:
            assert -Fraction(1, 2) < off <= Fraction(1, 2)
        if offer.calls.rounding is Rounding.HALF_EVEN:
            assert abs(off) <= Fraction(1, 2)
        assert (off <= 0) if offer.calls.rounding is Rounding.DOWN else True
        assert (off >= 0) if offer.calls.rounding is Rounding.UP else True


def cost(call, allowance, tariff, offer):
    """Return what a call costs, in units."""
    rated = rate(call, allowance, tariff, offer=offer)
    return sum(charge.amount.minor for charge in rated.charges)


@given(calls(), durations, allowances(), tariffs(), counted_offers())
def test_a_longer_call_never_costs_less(call, more, allowance, tariff, offer):
    """Nor does the same call with fewer minutes left of those granted."""
    longer = attrs.evolve(call, duration=call.duration + more)
    used_up = Allowance(allowance.granted, allowance.granted)

    assert cost(call, allowance, tariff, offer) <= cost(longer, allowance, tariff, offer)
    assert cost(call, allowance, tariff, offer) <= cost(call, used_up, tariff, offer)


@given(
    calls(),
    allowances(),
    tariffs(),
    counted_offers(),
    st.integers(0, 10**6),
    st.integers(0, 10**6),
)
def test_the_longest_call_can_be_paid_and_a_microsecond_more_cannot(
    call, allowance, tariff, offer, account, profile
):
    """The payer is the one that the rating names; a hundred years mean that nothing bounds it."""
    purses = {Payer.ACCOUNT: account, Payer.PROFILE: profile}
    length = longest(
        call,
        allowance,
        tariff,
        offer=offer,
        account=Money(account, tariff.currency),
        profile=Money(profile, tariff.currency),
    )

    def payable(duration):
        made = attrs.evolve(call, duration=duration)
        charges = rate(made, allowance, tariff, offer=offer).charges
        return all(charge.amount.minor <= purses[charge.payer] for charge in charges)

    assert billable(length, offer.calls) == length
    assert payable(length)
    if length <= HUNDRED_YEARS - offer.calls.step:
        assert not payable(length + MICROSECOND)


@given(
    calls(), allowances(), tariffs(), counted_offers(), st.integers(0, 10**4), st.integers(0, 99)
)
def test_more_credit_never_shortens_the_longest_call(call, allowance, tariff, offer, credit, more):
    """Whichever purse it is on."""
    lengths = [
        longest(
            call,
            allowance,
            tariff,
            offer=offer,
            account=Money(amount, tariff.currency),
            profile=Money(amount, tariff.currency),
        )
        for amount in (credit, credit + more)
    ]

    assert lengths == sorted(lengths)


@given(calls(), allowances(), tariffs(), counted_offers())
def test_a_call_without_a_rate_is_refused(call, allowance, tariff, offer):
    """Unless the country is in the bundles' area, where the tariff always has a price."""
    bare = attrs.evolve(tariff, rates={})
    inside = offer.bundles is not None and call.country in offer.bundles.area

    if inside:
        rated, known = (rate(call, allowance, each, offer=offer) for each in (bare, tariff))
        assert rated == known
    else:
        with pytest.raises(UnknownRate):
            rate(call, allowance, bare, offer=offer)
