"""Properties of quotes, refunds, changed quotes and rated calls."""

from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from functools import partial
from itertools import pairwise

import attrs
import pytest
from hypothesis import given, strategies as st

from channelplans.allowances import Allowance
from channelplans.calls import Call, Payer, billable, longest_call, rate_call
from channelplans.errors import UnknownRate
from channelplans.money import Currency, Money, Rounding
from channelplans.offers import OFFERS
from channelplans.pricing import Quote, amend_quote, price_term, quote, refund
from channelplans.rules import CallRule, ChangeEffect, RefundBasis, RefundRule
from channelplans.tariffs import Item, Rate, Tariff
from channelplans.testing import strategies
from channelplans.testing.strategies import days, roundings

SHIPPED_OFFERS = tuple(OFFERS.values())
ALIGNED_OFFERS = [offer for offer in SHIPPED_OFFERS if offer.term.billing_day]
RECURRING_ITEMS = {Item.CHANNELS, Item.BUNDLES}
DAY = date(2026, 1, 5)
MICROSECOND = timedelta(microseconds=1)
HUNDRED_YEARS = timedelta(days=36_500)
HALF = Fraction(1, 2)

currencies = st.sampled_from([Currency("EUR", 2), Currency("EUR", 5), Currency("JPY", 0)])
rates = st.integers(0, 10**6).map(lambda count: Decimal(count).scaleb(-5))
durations = st.integers(0, 2 * 86_400 * 10**6).map(lambda count: timedelta(microseconds=count))
plans = partial(strategies.plans, channels=300, bundles=300)


# Made once, because Hypothesis analyses each new strategy.
minimums = st.integers(0, 90).map(lambda count: timedelta(seconds=count))
steps = st.sampled_from([1, 100_000, 1_000_000, 6_000_000, 60_000_000]).map(
    lambda count: timedelta(microseconds=count)
)
call_rules = st.builds(CallRule, rounding=roundings()) | st.builds(
    CallRule, minimums, steps, roundings()
)
fees = st.just(Decimal(0)) | rates
#: The prices of calls, some with connection fees, minimum charges or their own rule.
call_rates = rates.map(Rate) | st.builds(Rate, rates, fees, fees, st.none() | call_rules)
rates_of_prefixes = st.dictionaries(st.sampled_from(["1", "1218", "44800"]), call_rates)


@st.composite
def tariffs(draw, *, setup_fees=True):
    """Draw a tariff with prices that fit its currency and a rate for each destination in use.

    Some numbers have another rate than their destination.
    """
    currency = draw(currencies)
    channel, bundle = (
        Money(minor=draw(st.integers(0, 10**6)), currency=currency).amount for _ in range(2)
    )
    maximum_fee = 10**4 if setup_fees and draw(st.booleans()) else 0
    setup, channel_setup = (
        Money(minor=draw(st.integers(0, maximum_fee)), currency=currency).amount for _ in range(2)
    )
    destination_rates = {key: draw(call_rates) for key in ("US", "DE", "GB")}
    prefix_rates = draw(rates_of_prefixes)
    all_rates = {**destination_rates, **prefix_rates}
    return Tariff("t", currency, channel, bundle, draw(rates), all_rates, setup, channel_setup)


@st.composite
def quotes(draw, offers=SHIPPED_OFFERS, *, setup_fees=True):
    """Draw a quote for a first term under one of the offers."""
    plan = draw(plans(draw(st.sampled_from(offers))))
    return quote(plan, draw(tariffs(setup_fees=setup_fees)), on=draw(days()))


@st.composite
def calls(draw):
    """Draw a call to a bundle's destination, to an excluded prefix, or to another destination."""
    numbers = [
        ("+12125550100", "US"),
        ("+12186320100", "US"),
        ("+49305550100", "DE"),
        ("+442079460100", "GB"),
        ("+448005550100", "GB"),
    ]
    number, destination = draw(st.sampled_from(numbers))
    return Call("c", number, destination, DAY, draw(durations))


@st.composite
def allowances(draw):
    """Draw an allowance, often with no minutes, with all minutes used or with none used."""
    granted = timedelta(minutes=draw(st.sampled_from([0, 5000, 10_000])))
    remaining = draw(st.one_of(durations, st.just(timedelta(0)), st.just(granted)))
    return Allowance(granted, granted - min(granted, remaining))


@st.composite
def offers_with_call_rules(draw):
    """Draw a published offer with another rule for counting and rounding calls."""
    return attrs.evolve(draw(st.sampled_from(SHIPPED_OFFERS)), calls=draw(call_rules))


def refunds():
    """Draw refunds of any quote, by any refund rule and on any day of the term."""
    return quotes().flatmap(strategies.refunds)


@attrs.frozen
class ChangedQuote:
    """A quote before and after a change of the plan on a day of its term."""

    paid: Quote
    amended: Quote
    on: date

    @property
    def added_lines(self):
        """The lines that the change added."""
        return self.amended.lines[len(self.paid.lines) :]


@st.composite
def changed_quotes(draw, effect):
    """Draw a quote that is changed to another plan on a day of its term, by the given effect."""
    paid = draw(quotes())
    on = paid.term.start + timedelta(draw(st.integers(0, paid.term.days - 1)))
    plan = draw(plans(paid.plan.offer))
    return ChangedQuote(paid, amend_quote(paid, plan, on=on, effect=effect), on)


def days_of_whole_term(term, offer):
    """Return the days of the whole term, of which an aligned first term can be a part."""
    start = term.start.replace(day=1) if offer.term.billing_day else term.start
    return (term.end - start).days


@given(quotes())
def test_quote_total_is_the_sum_of_its_lines(quoted):
    """The lines add up to the total, and each line is its quantity times its price.

    In a first term that is aligned to the month, recurring prices are prorated and rounded once.
    Set-up fees are never prorated.
    """
    plan, term = quoted.plan, quoted.term
    term_share = Fraction(term.days, days_of_whole_term(term, plan.offer))

    assert quoted.total.minor == sum(line.total.minor for line in quoted.lines)
    assert term_share == 1 or plan.offer.term.billing_day
    quantities = dict.fromkeys(Item, 0)
    for line in quoted.lines:
        quantities[line.item] += line.quantity
        line_share = term_share if line.item in RECURRING_ITEMS else 1
        exact_price = line.quantity * line.unit.minor * line_share
        assert term == line.term
        assert -HALF < line.total.minor - exact_price <= HALF
        assert term_share != 1 or line.total == line.unit * line.quantity
    tariff = quoted.tariff
    assert quantities == {
        Item.CHANNELS: plan.channels,
        Item.BUNDLES: plan.bundles,
        Item.SETUP: 1 if tariff.setup else 0,
        Item.CHANNEL_SETUP: plan.channels if tariff.channel_setup else 0,
    }


@given(quotes(ALIGNED_OFFERS, setup_fees=False))
def test_aligned_first_term_never_exceeds_the_whole_term(quoted):
    """An aligned first term has at most the price and the minutes of the whole term.

    They are equal if the first term is the whole term.
    """
    whole_term = quoted.full_term
    whole_quote = price_term(quoted.plan, quoted.tariff, whole_term, quoted.anchor)

    assert whole_term.end == quoted.term.end
    assert quoted.total <= whole_quote.total
    assert quoted.allowance.granted <= whole_quote.allowance.granted
    assert whole_quote.allowance.granted == timedelta(minutes=quoted.plan.minutes)
    expected = (whole_quote.total, whole_quote.allowance)
    assert quoted.term != whole_term or expected == (quoted.total, quoted.allowance)


@given(refunds())
def test_refund_returned_and_kept_add_up_to_the_paid_amount(result):
    """On each line and in total, the returned and the kept amount add up to the paid amount.

    Neither is negative, and set-up fees are never returned.
    """
    for line in result.lines:
        assert line.line.total == line.returned + line.kept
        assert line.returned.minor >= 0
        assert line.kept.minor >= 0
        assert line.line.item in RECURRING_ITEMS or not line.returned

    assert result.paid.lines == tuple(line.line for line in result.lines)
    assert result.paid.total == result.returned + result.kept
    assert result.returned.minor == sum(line.returned.minor for line in result.lines)


def refund_shares(result):
    """Return the exact share of a line that a refund returns, for each basis."""
    term, rule = result.paid.term, result.rule
    unused_minutes = result.allowance.unused
    days_left = Fraction((term.end - result.on).days)
    unused_days = (days_left - rule.change_day_used) / term.days
    return {
        RefundBasis.TIME: unused_days,
        RefundBasis.MINUTES: unused_minutes,
        RefundBasis.SMALLER: min(unused_days, unused_minutes),
        RefundBasis.NOTHING: Fraction(0),
    }


@given(refunds())
def test_refund_of_a_line_is_rounded_once(result):
    """Each line returns its exact share by days or minutes, rounded once by the rule."""
    rule, shares = result.rule, refund_shares(result)
    bases = {Item.CHANNELS: rule.channels, Item.BUNDLES: rule.bundles}

    for line in result.lines:
        basis = bases.get(line.line.item, RefundBasis.NOTHING)
        difference = line.returned.minor - shares[basis] * line.line.total.minor
        assert abs(difference) < 1
        if rule.rounding is Rounding.HALF_UP:
            assert -HALF < difference <= HALF
        elif rule.rounding is Rounding.HALF_EVEN:
            assert abs(difference) <= HALF
            assert abs(difference) != HALF or line.returned.minor % 2 == 0
        elif rule.rounding is Rounding.DOWN:
            assert difference <= 0
        else:
            assert difference >= 0


@given(quotes(setup_fees=False), st.booleans(), roundings())
def test_refund_by_time_never_rises_on_a_later_day(paid, change_day_used, rounding):
    """By time, a later day never returns more.

    If the day of change counts as used, the last day returns nothing. Otherwise the first day
    returns everything.
    """
    rule = RefundRule(change_day_used=change_day_used, rounding=rounding)
    returned = [
        refund(paid, on=paid.term.start + timedelta(number), rule=rule).returned
        for number in range(paid.term.days)
    ]

    assert all(amount >= next_amount for amount, next_amount in pairwise(returned))
    assert change_day_used or returned[0] == paid.total
    assert not change_day_used or not returned[-1]


@given(refunds())
def test_refund_by_the_smaller_basis_is_the_minimum(result):
    """``SMALLER`` returns on each line the smaller amount of ``TIME`` and ``MINUTES``."""
    smaller_lines, time_lines, minutes_lines = (
        attrs.evolve(result, rule=attrs.evolve(result.rule, bundles=basis)).lines
        for basis in (RefundBasis.SMALLER, RefundBasis.TIME, RefundBasis.MINUTES)
    )

    for smaller, by_time, by_minutes in zip(smaller_lines, time_lines, minutes_lines, strict=True):
        assert smaller.returned == min(by_time.returned, by_minutes.returned)


@given(quotes(), st.integers(0, 30))
def test_refund_by_nothing_returns_nothing(paid, number):
    """``NOTHING`` keeps the whole amount on any day, and needs no minutes and no time of day."""
    rule = RefundRule(RefundBasis.NOTHING, RefundBasis.NOTHING)
    on = paid.term.start + timedelta(number % paid.term.days)

    result = refund(paid, on=on, rule=rule)

    assert not result.returned
    assert result.kept == paid.total


@given(
    st.sampled_from(
        [ChangeEffect.PRORATE, ChangeEffect.CHARGE_FULL, ChangeEffect.NO_CHARGE]
    ).flatmap(changed_quotes)
)
def test_amend_keeps_the_paid_lines(changed):
    """A change keeps the term and its paid lines, and adds its new lines to the total."""
    paid, amended = changed.paid, changed.amended

    added_minor = sum(line.total.minor for line in changed.added_lines)
    assert paid.lines == amended.lines[: len(paid.lines)]
    assert amended.total.minor == paid.total.minor + added_minor
    assert paid.term == amended.term
    for line in changed.added_lines:
        assert line.term.end == paid.term.end
        assert line.term.start in {changed.on, paid.term.start}


@given(changed_quotes(ChangeEffect.PRORATE) | changed_quotes(ChangeEffect.CHARGE_FULL))
def test_amend_rounds_the_lines_of_the_same_days_as_one_sum(changed):
    """Lines of one item and the same days are prorated together and rounded once.

    A line for an increase never returns money, and a line for a reduction never charges any. No
    line exceeds its price for the whole term.
    """
    paid, amended = changed.paid, changed.amended
    whole_days = days_of_whole_term(paid.term, paid.plan.offer)

    for line in changed.added_lines:
        if line.item in RECURRING_ITEMS:
            term_share = Fraction(line.term.days, whole_days)
            lines_of_same_days = [
                other_line
                for other_line in amended.lines
                if (other_line.item, other_line.term) == (line.item, line.term)
            ]
        else:
            term_share, lines_of_same_days = Fraction(1), [line]
        quantity = sum(other_line.quantity for other_line in lines_of_same_days)
        total = sum(other_line.total.minor for other_line in lines_of_same_days)
        exact_price = quantity * line.unit.minor * term_share
        assert abs(total - exact_price) <= HALF
        assert abs(line.total.minor) <= abs(line.quantity * line.unit.minor)
        assert (line.total.minor >= 0) if line.quantity > 0 else (line.total.minor <= 0)


@given(changed_quotes(ChangeEffect.PRORATE))
def test_prorated_quantities_add_up_to_the_plan(changed):
    """After a prorated change, the quantities of each item add up to the new plan."""
    amended = changed.amended
    quantities = {
        Item.CHANNELS: amended.plan.channels,
        Item.BUNDLES: amended.plan.bundles,
    }
    for item, quantity in quantities.items():
        assert quantity == sum(line.quantity for line in amended.lines if line.item is item)


@given(changed_quotes(ChangeEffect.CHARGE_FULL))
def test_full_change_never_reduces_money_or_minutes(changed):
    """A change with ``CHARGE_FULL`` lowers neither the total nor the granted minutes."""
    assert changed.amended.total >= changed.paid.total
    assert changed.amended.allowance.granted >= changed.paid.allowance.granted


@given(changed_quotes(ChangeEffect.NO_CHARGE), st.integers(0, 30))
def test_change_back_after_a_kept_change_costs_nothing(changed, days_later):
    """A change with ``NO_CHARGE`` adds only set-up fees, and a later change back adds nothing."""
    paid, amended = changed.paid, changed.amended
    assert {line.item for line in changed.added_lines} <= {Item.CHANNEL_SETUP}
    assert paid.allowance == amended.allowance

    last_day = paid.term.end - timedelta(1)
    later_day = min(changed.on + timedelta(days_later), last_day)
    reverted = amend_quote(amended, paid.plan, on=later_day, effect=ChangeEffect.PRORATE)

    assert amended.total == reverted.total
    assert amended.lines == reverted.lines


@given(durations, st.builds(CallRule, rounding=roundings()))
def test_billable_rounds_up_to_the_minimum_and_the_step(duration, rule):
    """A call counts at least its duration and the minimum, and less than one step more than both.

    A call of no duration counts nothing, and a counted duration is not rounded up again.
    """
    counted = billable(duration, rule)

    assert counted >= duration
    assert counted == (timedelta(0) if not duration else max(counted, rule.minimum))
    assert duration <= rule.minimum or counted - duration < rule.step
    assert counted == billable(counted, rule)


def counting_rule(call, tariff, offer):
    """Return the rule that counts a call."""
    return tariff.rate_for(call.destination, offer, number=call.number).counting or offer.calls


@given(calls(), allowances(), tariffs(), offers_with_call_rules())
def test_parts_of_a_rated_call_add_up_to_the_counted_duration(call, allowance, tariff, offer):
    """Included minutes, overage and other minutes add up to the counted duration.

    No more minutes are included than remain. A call has either overage, which the account pays, or
    other minutes, which the profile pays.
    """
    rated = rate_call(call, allowance, tariff, offer=offer)
    charged_duration = rated.overage + rated.other

    assert billable(call.duration, counting_rule(call, tariff, offer)) == rated.counted
    assert rated.counted == rated.included + charged_duration
    assert timedelta(0) <= rated.included <= allowance.remaining
    assert not (rated.overage and rated.other)
    expected_charges = [charged_duration] if charged_duration else []
    assert expected_charges == [charge.duration for charge in rated.charges]
    for charge in rated.charges:
        assert (charge.payer is Payer.ACCOUNT) == bool(rated.overage)


@given(calls(), allowances(), tariffs(), offers_with_call_rules())
def test_call_charge_is_rounded_once(call, allowance, tariff, offer):
    """A charge differs from its exact price by less than a unit, in the rounding's direction."""
    for charge in rate_call(call, allowance, tariff, offer=offer).charges:
        minutes = Fraction(charge.duration // MICROSECOND, 60_000_000)
        rate, rounding = charge.rate, counting_rule(call, tariff, offer).rounding
        price = Fraction(rate.connection) + Fraction(rate.minute) * minutes
        exact_price = max(price, Fraction(rate.minimum_charge)) * tariff.currency.units
        difference = charge.amount.minor - exact_price
        assert abs(difference) < 1
        if rounding is Rounding.HALF_UP:
            assert -HALF < difference <= HALF
        if rounding is Rounding.HALF_EVEN:
            assert abs(difference) <= HALF
        assert (difference <= 0) if rounding is Rounding.DOWN else True
        assert (difference >= 0) if rounding is Rounding.UP else True


def call_cost(call, allowance, tariff, offer):
    """Return the charge of a call, in the smallest units of its currency."""
    rated = rate_call(call, allowance, tariff, offer=offer)
    return sum(charge.amount.minor for charge in rated.charges)


@given(calls(), durations, allowances(), tariffs(), offers_with_call_rules())
def test_longer_call_never_costs_less(call, added_duration, allowance, tariff, offer):
    """A longer call never costs less, nor does a call with fewer minutes remaining."""
    longer_call = attrs.evolve(call, duration=call.duration + added_duration)
    used_up = Allowance(allowance.granted, allowance.granted)
    cost = call_cost(call, allowance, tariff, offer)

    assert cost <= call_cost(longer_call, allowance, tariff, offer)
    assert cost <= call_cost(call, used_up, tariff, offer)


@given(
    calls(),
    allowances(),
    tariffs(),
    offers_with_call_rules(),
    st.integers(0, 10**6),
    st.integers(0, 10**6),
)
def test_longest_call_is_the_longest_that_can_be_paid(
    call, allowance, tariff, offer, account_minor, profile_minor
):
    """The longest call can be paid, and a microsecond or a step more cannot.

    The credit of the payer is decisive. If nothing limits a call, the result is 100 years.
    """
    rule = counting_rule(call, tariff, offer)
    credit_minor = {Payer.ACCOUNT: account_minor, Payer.PROFILE: profile_minor}
    length = longest_call(
        call,
        allowance,
        tariff,
        offer=offer,
        account=Money(minor=account_minor, currency=tariff.currency),
        profile=Money(minor=profile_minor, currency=tariff.currency),
    )

    def is_payable(duration):
        timed_call = attrs.evolve(call, duration=duration)
        charges = rate_call(timed_call, allowance, tariff, offer=offer).charges
        return all(charge.amount.minor <= credit_minor[charge.payer] for charge in charges)

    assert billable(length, rule) == length
    assert is_payable(length)
    if length <= HUNDRED_YEARS - rule.step:
        assert not is_payable(length + MICROSECOND)
        assert not is_payable(max(length + rule.step, rule.minimum))


@given(
    calls(),
    allowances(),
    tariffs(),
    offers_with_call_rules(),
    st.integers(0, 10**4),
    st.integers(0, 99),
)
def test_longest_call_does_not_fall_with_more_credit(
    call, allowance, tariff, offer, credit_minor, added_minor
):
    """More credit on both wallets never shortens the longest call."""
    lengths = [
        longest_call(
            call,
            allowance,
            tariff,
            offer=offer,
            account=Money(minor=minor, currency=tariff.currency),
            profile=Money(minor=minor, currency=tariff.currency),
        )
        for minor in (credit_minor, credit_minor + added_minor)
    ]

    assert lengths == sorted(lengths)


@given(calls(), allowances(), tariffs(), offers_with_call_rules())
def test_rate_refuses_a_destination_without_a_rate(call, allowance, tariff, offer):
    """Without rates, only calls to the bundles' area have a price: the price of a minute."""
    tariff_without_rates = attrs.evolve(tariff, rates={})

    if offer.bundle is not None and call.destination in offer.bundle.area:
        rated = rate_call(call, allowance, tariff_without_rates, offer=offer)
        assert {Rate(tariff.minute)} >= {charge.rate for charge in rated.charges}
    else:
        with pytest.raises(UnknownRate):
            rate_call(call, allowance, tariff_without_rates, offer=offer)
