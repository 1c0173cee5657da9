"""Properties of Erlang's and Engset's formulas, and of suggested numbers of channels."""

import math
from fractions import Fraction

import attrs
import pytest
from hypothesis import assume, example, given, strategies as st

from channelplans.erlang import (
    channels_for,
    engset,
    engset_by_total_load,
    erlang_b,
    extended_erlang_b,
    load_for,
    log_erlang_b,
)
from channelplans.money import Rounding
from channelplans.offers import OFFERS, SKYPE_CONNECT
from channelplans.quantities import QuantityRule, Step, normalize_quantity
from channelplans.sizing import (
    DEFAULT_GUIDELINE,
    GUIDELINES,
    Guideline,
    Ratio,
    Traffic,
    suggest_channels,
)

pytestmark = pytest.mark.slow

# Each result has a relative error of up to 1e-12, so that two results can differ by twice that.
TOLERANCE_FACTOR = 1 + 2e-12
SMALLEST_NORMAL = 2.0**-1022

counts = st.integers(0, 60) | st.integers(0, 5000)
loads = st.floats(0, 100) | st.floats(0, 6000) | st.floats(0, 1e308)
some_loads = st.floats(1e-3, 100) | st.floats(1e-3, 6000)
blockings = st.floats(1e-300, 1) | st.floats(1e-6, 0.5)
common_blockings = st.floats(1e-6, 0.5) | st.floats(1e-300, 0.9)
shares = st.sampled_from([0.0, 1.0]) | st.floats(0, 1)
employees = st.integers(1, 60) | st.integers(1, 20_000)
ratios = st.builds(
    Ratio, st.fractions(Fraction(1, 50), 3, max_denominator=60), least=st.integers(1, 9)
)
traffics = st.builds(
    Traffic,
    st.fractions(Fraction(1, 50), 1, max_denominator=60),
    blocking=st.floats(1e-4, 0.3),
)
guidelines = st.sampled_from(tuple(GUIDELINES.values())) | st.builds(
    Guideline, st.just("any"), st.just("here"), ratios | traffics
)
offers = st.sampled_from([SKYPE_CONNECT, OFFERS["skype-connect-nearest"]])


@given(loads, counts)
def test_erlang_b_is_a_probability(erlangs, channels):
    """The blocking is from 0 to 1, and the carried load does not exceed the channels."""
    blocking = erlang_b(erlangs, channels)

    assert 0 <= blocking <= 1
    assert blocking >= 1 - channels / erlangs - 1e-12 if erlangs else True


@given(loads, counts, counts)
def test_erlang_b_does_not_rise_with_channels(erlangs, channels, added):
    """More channels never raise the blocking."""
    blocking = erlang_b(erlangs, channels)

    assert erlang_b(erlangs, channels + added) <= blocking * TOLERANCE_FACTOR


@given(loads, loads, counts)
def test_erlang_b_does_not_fall_with_load(erlangs, other_erlangs, channels):
    """A larger load never lowers the blocking."""
    smaller, larger = sorted([erlangs, other_erlangs])

    assert erlang_b(smaller, channels) <= erlang_b(larger, channels) * TOLERANCE_FACTOR


@given(some_loads, st.integers(1, 5000))
def test_erlang_b_follows_its_recursion(erlangs, channels):
    """With load A, B(n) * (n + A * B(n - 1)) equals A * B(n - 1)."""
    previous, blocking = erlang_b(erlangs, channels - 1), erlang_b(erlangs, channels)
    assume(blocking >= SMALLEST_NORMAL)

    expected = blocking * (channels + erlangs * previous)
    assert erlangs * previous == pytest.approx(expected, rel=4e-12)


@given(loads, counts)
def test_log_erlang_b_is_the_logarithm_of_erlang_b(erlangs, channels):
    """``log_erlang_b`` returns the natural logarithm of the blocking."""
    blocking = erlang_b(erlangs, channels)
    assume(blocking >= SMALLEST_NORMAL)

    assert math.log(blocking) == pytest.approx(
        log_erlang_b(erlangs, channels), rel=1e-12, abs=1e-12
    )


@given(loads, counts, counts, counts)
def test_engset_does_not_rise_with_channels(load, sources, channels, added):
    """With the same sources, more channels never raise the blocking."""
    blocking = engset(load, sources, channels)
    upper_bound = blocking * TOLERANCE_FACTOR

    assert 0 <= engset(load, sources, channels + added) <= upper_bound <= TOLERANCE_FACTOR


@given(loads, loads, counts, counts, counts)
def test_engset_does_not_fall_with_load_or_sources(load, other_load, sources, added, channels):
    """More load from each source, or more sources, never lowers the blocking."""
    smaller, larger = sorted([load, other_load])
    by_larger_load = engset(larger, sources, channels)
    by_more_sources = engset(load, sources + added, channels)

    assert engset(smaller, sources, channels) <= by_larger_load * TOLERANCE_FACTOR
    assert engset(load, sources, channels) <= by_more_sources * TOLERANCE_FACTOR


@given(st.floats(1e-3, 100), st.integers(2, 5000), st.data())
def test_engset_follows_its_recursion(load, sources, data):
    """Engset's values follow Erlang's recursion, with the load of the idle sources."""
    channels = data.draw(st.integers(1, sources - 1))
    previous, blocking = engset(load, sources, channels - 1), engset(load, sources, channels)
    assume(blocking >= SMALLEST_NORMAL)
    offered = (sources - channels) * load * previous

    assert offered == pytest.approx(blocking * (channels + offered), rel=4e-12)


@given(st.floats(0, 100), st.integers(1, 5000), counts)
def test_engset_is_at_most_erlang_b(load, sources, channels):
    """Engset's value for s sources is at most Erlang's B for the load of s - 1 sources."""
    upper_bound = erlang_b((sources - 1) * load, channels)

    assert engset(load, sources, channels) <= upper_bound * TOLERANCE_FACTOR


@given(st.floats(0.1, 50), st.integers(0, 60))
def test_engset_tends_to_erlang_b(erlangs, channels):
    """With very many sources that share a load, Engset's value is close to Erlang's B."""
    sources = 10**8
    expected = erlang_b(erlangs, channels)

    assert expected == pytest.approx(engset(erlangs / sources, sources, channels), rel=1e-4)


@given(st.floats(0, 100) | st.floats(0, 1e5), blockings)
def test_channels_for_returns_the_smallest_sufficient_number(erlangs, blocking):
    """The returned number of channels keeps to the blocking, and one channel fewer does not."""
    channels = channels_for(erlangs, blocking=blocking)

    assert erlang_b(erlangs, channels) <= blocking
    assert channels == 0 or erlang_b(erlangs, channels - 1) > blocking


@given(some_loads, some_loads, blockings, blockings)
def test_channels_for_never_falls_with_stricter_targets(
    erlangs, other_erlangs, blocking, other_blocking
):
    """A smaller blocking or a larger load never needs fewer channels."""
    smaller, larger = sorted([erlangs, other_erlangs])
    strict, loose = sorted([blocking, other_blocking])
    # Nearly equal values are skipped: rounding errors could exchange their results.
    assume(loose > strict * TOLERANCE_FACTOR or loose == strict)
    assume(larger > smaller * 1.0001 or larger == smaller)

    assert channels_for(smaller, blocking=loose) <= channels_for(smaller, blocking=strict)
    assert channels_for(smaller, blocking=loose) <= channels_for(larger, blocking=loose)


@given(st.integers(1, 5000), common_blockings, st.none() | counts)
def test_load_for_is_the_inverse_of_the_formulas(channels, blocking, more_sources):
    """The largest load has exactly the blocking, by Erlang's B or by Engset's formula."""
    if more_sources is None:
        actual = erlang_b(load_for(channels, blocking=blocking), channels)
    else:
        sources = channels + 1 + more_sources
        load = load_for(channels, blocking=blocking, sources=sources)
        actual = engset_by_total_load(load, sources, channels)

    # The blocking can change by many more digits than the load: here by up to 1e5 times as many.
    assert blocking == pytest.approx(actual, rel=1e-10)


@given(st.integers(1, 5000), common_blockings, shares)
def test_load_for_is_the_inverse_of_extended_erlang_b(channels, blocking, retries):
    """The largest load has exactly the blocking, by Extended Erlang B."""
    load = load_for(channels, blocking=blocking, retries=retries)

    expected = pytest.approx(blocking, rel=1e-10)
    assert expected == extended_erlang_b(load, channels, retries=retries)


@given(st.integers(1, 3000), common_blockings, shares, st.none() | st.integers(0, 9000))
def test_channels_for_is_the_inverse_of_load_for(channels, blocking, retries, more_sources):
    """The largest load of some channels needs exactly these channels."""
    callers = (
        {"retries": retries} if more_sources is None else {"sources": channels + 1 + more_sources}
    )
    load = load_for(channels, blocking=blocking, **callers)

    assert channels == channels_for(load, blocking=blocking, **callers)


@given(counts, counts, common_blockings, common_blockings, shares, shares)
def test_load_for_rises_with_channels_and_blocking_and_falls_with_retries(
    channels, added, blocking, other_blocking, retries, other_retries
):
    """More channels, a higher blocking or fewer retries never lower the largest load."""
    strict, loose = sorted([blocking, other_blocking])
    few, many = sorted([retries, other_retries])
    load = load_for(channels, blocking=strict, retries=many)

    assert load <= load_for(channels + added, blocking=strict, retries=many) * TOLERANCE_FACTOR
    assert load <= load_for(channels, blocking=strict, retries=few) * TOLERANCE_FACTOR
    assert load_for(channels, blocking=strict) <= (
        load_for(channels, blocking=loose) * TOLERANCE_FACTOR
    )


@given(loads, counts, shares, shares)
def test_extended_erlang_b_is_a_probability_that_rises_with_retries(
    erlangs, channels, retries, other_retries
):
    """More retries never lower the blocking; without retries it is Erlang's B."""
    few, many = sorted([retries, other_retries])
    lowest = extended_erlang_b(erlangs, channels, retries=0)
    lower = extended_erlang_b(erlangs, channels, retries=few)
    higher = extended_erlang_b(erlangs, channels, retries=many)

    assert erlang_b(erlangs, channels) == lowest
    assert 0 <= lowest <= lower * TOLERANCE_FACTOR
    assert lower <= higher * TOLERANCE_FACTOR <= TOLERANCE_FACTOR


@given(some_loads, st.integers(1, 3000), st.floats(0, 0.99))
def test_extended_erlang_b_solves_its_equation(erlangs, channels, retries):
    """The blocking is Erlang's B for the load that includes the retries."""
    blocking = extended_erlang_b(erlangs, channels, retries=retries)
    assume(blocking >= SMALLEST_NORMAL)

    expected = erlang_b(erlangs / (1 - retries * blocking), channels)
    assert expected == pytest.approx(blocking, rel=1e-9)


@given(some_loads, st.integers(1, 3000), st.integers(1, 5000))
def test_engset_by_total_load_solves_its_equation(erlangs, channels, more_sources):
    """The blocking is Engset's formula for the load of an idle source."""
    sources = channels + more_sources
    blocking = engset_by_total_load(erlangs, sources, channels)
    idle_sources = sources - erlangs * (1 - blocking)
    # Nearer to zero, the subtraction loses too many digits for this comparison.
    assume(blocking >= SMALLEST_NORMAL and idle_sources > 1e-3 * sources)

    expected = engset(erlangs / idle_sources, sources, channels)
    assert expected == pytest.approx(blocking, rel=1e-8)


@given(some_loads, some_loads, counts, counts, counts)
def test_engset_by_total_load_falls_with_channels_and_rises_with_load(
    erlangs, other_erlangs, sources, channels, added
):
    """More channels never raise the blocking, and more load never lowers it."""
    smaller, larger = sorted([erlangs, other_erlangs])
    blocking = engset_by_total_load(smaller, sources, channels)
    by_more_channels = engset_by_total_load(smaller, sources, channels + added)
    by_more_load = engset_by_total_load(larger, sources, channels)

    assert 0 <= by_more_channels <= blocking * TOLERANCE_FACTOR
    assert blocking <= by_more_load * TOLERANCE_FACTOR <= TOLERANCE_FACTOR


@given(some_loads, counts, counts)
def test_engset_by_total_load_is_at_most_erlang_b(erlangs, sources, channels):
    """Few sources are refused less often than many with the same total load."""
    upper_bound = erlang_b(erlangs, channels)

    assert engset_by_total_load(erlangs, sources, channels) <= upper_bound * TOLERANCE_FACTOR


@given(st.floats(0.1, 50), st.integers(0, 60), common_blockings)
def test_many_sources_tend_to_erlang_b(erlangs, channels, blocking):
    """With very many sources, all three functions give nearly the results of Erlang's B."""
    sources = 10**8
    by_sources = engset_by_total_load(erlangs, sources, channels)
    load = load_for(channels, blocking=blocking)

    assert erlang_b(erlangs, channels) == pytest.approx(by_sources, rel=1e-4)
    assert load == pytest.approx(load_for(channels, blocking=blocking, sources=sources), rel=1e-4)
    few, many = (
        channels_for(part * erlangs, blocking=blocking, sources=sources) for part in (0.999, 1.001)
    )
    assert few <= channels_for(erlangs, blocking=blocking) <= many


@given(st.floats(0, 100), blockings, shares, counts)
@example(5e-324, 0.5, 0.0, 2)  # the load of each source is too small for a float
def test_channels_for_callers_never_exceeds_its_bounds(erlangs, blocking, retries, sources):
    """Retries never need fewer channels; few sources never need more, nor more than sources."""
    channels = channels_for(erlangs, blocking=blocking)

    assert channels <= channels_for(erlangs * 1.0001, blocking=blocking, retries=retries)
    by_sources = channels_for(erlangs, blocking=blocking, sources=sources)
    assert by_sources <= min(sources, channels_for(erlangs * 1.0001, blocking=blocking))


@given(employees | st.none(), st.floats(0, 5000), guidelines)
def test_measured_traffic_keeps_the_blocking_of_the_guideline(employee_count, erlangs, guideline):
    """The channels for measured traffic do not depend on the number of employees."""
    suggestion = suggest_channels(employee_count, erlangs=erlangs, guideline=guideline)

    assert suggestion.blocking <= guideline.need.blocking
    assert suggestion.needed == suggest_channels(erlangs=erlangs, guideline=guideline).needed
    assert suggestion.needed == max(1, channels_for(erlangs, blocking=guideline.need.blocking))


@given(employees, guidelines, offers)
def test_suggested_profiles_can_be_bought(employee_count, guideline, offer):
    """Each suggested profile is a sellable number, and the fewest profiles cover the need."""
    suggestion = suggest_channels(employee_count, guideline=guideline, offer=offer)

    assert all(
        size == normalize_quantity(size, offer.quantity).granted for size in suggestion.profiles
    )
    assert sum(suggestion.profiles) == suggestion.channels >= suggestion.needed >= 1
    assert (len(suggestion.profiles) - 1) * offer.quantity.maximum < suggestion.needed
    assert list(suggestion.profiles) == sorted(suggestion.profiles, reverse=True)
    assert erlang_b(suggestion.erlangs, suggestion.channels) == suggestion.blocking


@given(employees, st.integers(1, 40), st.integers(2, 30))
def test_suggested_profiles_follow_any_quantity_rule(employee_count, step_tens, further_tens):
    """Suggested profiles are sellable under a rule that sells tens above some number."""
    step = Step(10 * step_tens, 10)
    rule = QuantityRule(1, 10 * (step_tens + further_tens), (step,), Rounding.DOWN)
    offer = attrs.evolve(SKYPE_CONNECT, quantity=rule)
    suggestion = suggest_channels(employee_count, offer=offer)

    assert all(size == normalize_quantity(size, rule).granted for size in suggestion.profiles)
    assert (len(suggestion.profiles) - 1) * rule.maximum < suggestion.needed <= suggestion.channels


@given(employees, employees, guidelines)
def test_more_employees_never_need_fewer_channels(employee_count, other_count, guideline):
    """A guideline never needs fewer channels for more employees."""
    smaller, larger = sorted([employee_count, other_count])

    assert guideline.need.needed(smaller) <= guideline.need.needed(larger)


@given(
    employees,
    st.just(DEFAULT_GUIDELINE) | st.builds(Guideline, st.just("a"), st.just("b"), traffics),
)
def test_traffic_guideline_keeps_its_blocking(employee_count, guideline):
    """By traffic, either the guideline's blocking is kept or each employee has a channel.

    There are never more channels needed than employees.
    """
    suggestion = suggest_channels(employee_count, guideline=guideline)

    assert suggestion.needed <= employee_count
    assert suggestion.needed == employee_count or suggestion.blocking <= guideline.need.blocking
