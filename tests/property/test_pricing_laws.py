"""Laws of prices.

- A quote's lines add up to its total, and each line is its quantity times its price.
- What a refund returns and keeps adds up to what was paid, to the unit, line by line.
- By time never more comes back on a later day; the first day returns all, unless it counts.
- The smaller basis returns what the lesser of time and minutes returns.
- The three parts of a rated call add up to what is counted, which is at least its length.
- A charge lies within one unit of its exact price, and within half of one if rounded half up.
- A longer call never costs less, nor does one with fewer minutes left.
- A call of the longest length can be paid; one more microsecond cannot, unless nothing bounds it.
- More credit never shortens the longest call.
"""

from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise

import attrs
from hypothesis import given
from hypothesis import strategies as st

from channelplans import offers
from channelplans.money import Currency, Money, Rounding
from channelplans.plans import Offer
from channelplans.pricing import Item, Payer, Tariff, longest, quote, rate, refund
from channelplans.rules import CallRule, RefundBasis, RefundRule
from channelplans.usage import Allowance, Call, billable

OFFERS = [value for value in vars(offers).values() if isinstance(value, Offer)]
DAY = date(2026, 1, 5)
MICROSECOND = timedelta(microseconds=1)
HUNDRED_YEARS = timedelta(days=36_500)

currencies = st.sampled_from([Currency("EUR", 2), Currency("EUR", 5), Currency("JPY", 0)])
rates = st.integers(0, 10**6).map(lambda count: Decimal(count).scaleb(-5))
days = st.dates(date(1990, 1, 1), date(2090, 1, 1))
durations = st.integers(0, 2 * 86_400 * 10**6).map(lambda count: timedelta(microseconds=count))
roundings = st.sampled_from(Rounding)
bases = st.sampled_from(RefundBasis)


@st.composite
def tariffs(draw):
    """Draw a tariff whose prices fit its currency."""
    currency = draw(currencies)
    channel, bundle = (Money(draw(st.integers(0, 10**6)), currency).amount for _ in range(2))
    return Tariff("t", currency, channel, bundle, draw(rates), {"DE": draw(rates)})


@st.composite
def quotes(draw):
    """Draw a quote under one of the published offers."""
    offer = draw(st.sampled_from(OFFERS))
    channels = draw(st.integers(1, 300))
    sold = offer.plan(channels=channels).channels
    plan = offer.plan(channels=channels, bundles=draw(st.integers(0, sold)))
    return quote(plan, draw(tariffs()), on=draw(days))


@st.composite
def calls(draw):
    """Draw a call to the US, to an excluded prefix of it, or elsewhere."""
    number = draw(st.sampled_from(["+12125550100", "+12186320100"]))
    country = draw(st.sampled_from(["US", "DE"]))
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
            st.builds(CallRule, rounding=roundings),
            st.builds(CallRule, seconds, st.just(step), roundings),
        )
    )
    return attrs.evolve(draw(st.sampled_from(OFFERS)), calls=rule)


@st.composite
def refunds(draw, basis=bases):
    """Draw a refund by some rule on some day of the term."""
    paid = draw(quotes())
    term = paid.term
    on = term.start + timedelta(draw(st.integers(0, term.days - 1)))
    granted = paid.allowance.granted
    used = granted * draw(st.integers(0, 64)) / 64
    rule = RefundRule(
        bundles=draw(basis), change_day_used=draw(st.booleans()), rounding=draw(roundings)
    )
    return refund(paid, on=on, allowance=Allowance(granted, used), rule=rule)


@given(quotes())
def test_lines_add_up_to_the_total(quoted):
    """And each is its quantity times its price."""
    tariff, plan = quoted.tariff, quoted.plan
    units = tariff.currency.units

    assert quoted.total.minor == sum(line.total.minor for line in quoted.lines)
    assert (plan.channels * tariff.channel + plan.bundles * tariff.bundle) * units == (
        quoted.total.minor
    )
    for line in quoted.lines:
        assert (line.quantity * line.unit, quoted.term) == (line.total, line.term)


@given(refunds())
def test_returned_and_kept_add_up_to_what_was_paid(back):
    """To the unit, line by line, and neither is negative."""
    for line in back.lines:
        assert line.line.total == line.returned + line.kept
        assert line.returned.minor >= 0
        assert line.kept.minor >= 0

    assert back.paid.lines == tuple(line.line for line in back.lines)
    assert back.paid.total == back.returned + back.kept
    assert back.returned.minor == sum(line.returned.minor for line in back.lines)


@given(refunds())
def test_each_line_is_its_exact_share_rounded_once(back):
    """The share follows from days and minutes; what comes back is less than a unit away."""
    term, rule, unused = back.paid.term, back.rule, back.allowance.unused
    by_time = Fraction((term.end - back.on).days - rule.change_day_used, term.days)
    by = {
        RefundBasis.TIME: by_time,
        RefundBasis.MINUTES: unused,
        RefundBasis.SMALLER: min(by_time, unused),
    }

    for line in back.lines:
        part = by_time if line.line.item is Item.CHANNELS else by[rule.bundles]
        share = part * line.line.total.minor
        off = line.returned.minor - share
        assert abs(off) < 1
        if rule.rounding is Rounding.HALF_UP:
            assert -Fraction(1, 2) < off <= Fraction(1, 2)
        elif rule.rounding is Rounding.HALF_EVEN:
            assert abs(off) <= Fraction(1, 2)
            assert abs(off) != Fraction(1, 2) or line.returned.minor % 2 == 0
        else:
            assert (off <= 0) if rule.rounding is Rounding.DOWN else (off >= 0)


@given(quotes(), st.booleans(), roundings)
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


@given(refunds(basis=st.just(RefundBasis.SMALLER)))
def test_the_smaller_basis_is_the_lesser_of_the_two(back):
    """Line by line."""
    others = [
        attrs.evolve(back, rule=attrs.evolve(back.rule, bundles=basis)).lines
        for basis in (RefundBasis.TIME, RefundBasis.MINUTES)
    ]

    for line, *alternatives in zip(back.lines, *others, strict=True):
        assert line.returned == min(each.returned for each in alternatives)


@given(durations, st.builds(CallRule, rounding=roundings))
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
