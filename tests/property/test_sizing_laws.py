"""Laws of sizing.

Erlang's B, up to rounding:

1. A blocking lies between 0 and 1, and carries no more than there are channels.
2. More channels never refuse more; more load never refuses less.
3. The recursion holds: B(n) (n + A B(n - 1)) = A B(n - 1).
4. The logarithm is the logarithm.

Engset's formula, up to rounding:

5. More channels never refuse more; more load or more sources never refuse less.
6. The recursion holds, with the load of the sources that are idle.
7. Sources refuse no more than the same load from countless ones: engset(a, s, n) is at most
   erlang_b((s - 1) a, n), and with ever more sources of ever less load it tends to it.

Channels for a load:

8. What is returned meets the blocking, and one channel fewer does not.
9. A stricter blocking never needs fewer channels, and neither does a larger load.

Suggestions:

10. Each profile can be bought, together they are at least what is needed, and no fewer profiles
    would do.
11. More employees never need fewer channels.
12. By traffic there are never more channels needed than employees, and what is bought keeps to the
    guideline's blocking or is a channel for each.
"""

import math
from fractions import Fraction

import attrs
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from channelplans.money import Rounding
from channelplans.offers import SKYPE_CONNECT, SKYPE_CONNECT_NEAREST
from channelplans.rules import QuantityRule, Step, normalize_quantity
from channelplans.sizing import (
    DEFAULT,
    GUIDELINES,
    Guideline,
    Ratio,
    Traffic,
    channels_for,
    engset,
    erlang_b,
    log_erlang_b,
    suggest_channels,
)

# The formulas are right to a relative 1e-12; two of them side by side differ by twice that.
SLACK = 1 + 2e-12
SMALLEST_NORMAL = 2.0**-1022

counts = st.integers(0, 60) | st.integers(0, 5000)
loads = st.floats(0, 100) | st.floats(0, 6000) | st.floats(0, 1e308)
some_loads = st.floats(1e-3, 100) | st.floats(1e-3, 6000)
blockings = st.floats(1e-300, 1) | st.floats(1e-6, 0.5)
employees = st.integers(1, 60) | st.integers(1, 20_000)
ratios = st.builds(
    Ratio, st.fractions(Fraction(1, 50), 3, max_denominator=60), least=st.integers(1, 9)
)
traffics = st.builds(
    Traffic,
    st.fractions(Fraction(1, 50), 1, max_denominator=60),
    blocking=st.floats(1e-4, 0.3),
)
guidelines = st.sampled_from(GUIDELINES) | st.builds(
    Guideline, st.just("any"), st.just("here"), ratios | traffics
)
offers = st.sampled_from([SKYPE_CONNECT, SKYPE_CONNECT_NEAREST])


@given(loads, counts)
def test_a_part_of_the_calls(erlangs, channels):
    """A blocking lies between 0 and 1, and carries no more than there are channels (law 1)."""
    blocking = erlang_b(erlangs, channels)

    assert 0 <= blocking <= 1
    assert blocking >= 1 - channels / erlangs - 1e-12 if erlangs else True


@given(loads, counts, counts)
def test_more_channels_never_refuse_more(erlangs, channels, more):
    """More channels never refuse more (law 2)."""
    assert erlang_b(erlangs, channels + more) <= erlang_b(erlangs, channels) * SLACK


@given(loads, loads, counts)
def test_more_load_never_refuses_less(erlangs, other, channels):
    """More load never refuses less (law 2)."""
    less, more = sorted([erlangs, other])

    assert erlang_b(less, channels) <= erlang_b(more, channels) * SLACK


@given(some_loads, st.integers(1, 5000))
def test_the_recursion(erlangs, channels):
    """The blocking of one channel more follows from that of one fewer (law 3)."""
    before, after = erlang_b(erlangs, channels - 1), erlang_b(erlangs, channels)
    assume(after >= SMALLEST_NORMAL)

    assert erlangs * before == pytest.approx(after * (channels + erlangs * before), rel=4e-12)


@given(loads, counts)
def test_the_logarithm(erlangs, channels):
    """The logarithm of the blocking is that of the blocking itself (law 4)."""
    blocking = erlang_b(erlangs, channels)
    assume(blocking >= SMALLEST_NORMAL)

    assert math.log(blocking) == pytest.approx(
        log_erlang_b(erlangs, channels), rel=1e-12, abs=1e-12
    )


@given(loads, counts, counts, counts)
def test_more_channels_for_the_same_sources(load, sources, channels, more):
    """More channels never refuse more of what few people call (law 5)."""
    blocking = engset(load, sources, channels)

    assert 0 <= engset(load, sources, channels + more) <= blocking * SLACK <= SLACK


@given(loads, loads, counts, counts, counts)
def test_more_load_or_sources(load, other, sources, more, channels):
    """More load of each source, or more sources, never refuse less (law 5)."""
    small, large = sorted([load, other])

    assert engset(small, sources, channels) <= engset(large, sources, channels) * SLACK
    assert engset(load, sources, channels) <= engset(load, sources + more, channels) * SLACK


@given(st.floats(1e-3, 100), st.integers(2, 5000), st.data())
def test_the_recursion_of_few_sources(load, sources, data):
    """The value of one channel more follows from that of one fewer (law 6)."""
    channels = data.draw(st.integers(1, sources - 1))
    before, after = engset(load, sources, channels - 1), engset(load, sources, channels)
    assume(after >= SMALLEST_NORMAL)
    offered = (sources - channels) * load * before

    assert offered == pytest.approx(after * (channels + offered), rel=4e-12)


@given(st.floats(0, 100), st.integers(1, 5000), counts)
def test_few_sources_refuse_less(load, sources, channels):
    """Few sources refuse no more than countless ones with the load of all but one (law 7)."""
    assert engset(load, sources, channels) <= erlang_b((sources - 1) * load, channels) * SLACK


@given(st.floats(0.1, 50), st.integers(0, 60))
def test_ever_more_sources(erlangs, channels):
    """Ever more sources of ever less load are refused as Erlang's B tells (law 7)."""
    sources = 10**8
    expected = erlang_b(erlangs, channels)

    assert expected == pytest.approx(engset(erlangs / sources, sources, channels), rel=1e-4)


@given(st.floats(0, 100) | st.floats(0, 1e5), blockings)
def test_the_least_that_meets_it(erlangs, blocking):
    """The number returned meets the blocking, and one fewer does not (law 8)."""
    channels = channels_for(erlangs, blocking=blocking)

    assert erlang_b(erlangs, channels) <= blocking
    assert channels == 0 or erlang_b(erlangs, channels - 1) > blocking


@given(some_loads, some_loads, blockings, blockings)
def test_stricter_needs_more(erlangs, other_erlangs, blocking, other_blocking):
    """A stricter blocking or a larger load never needs fewer channels (law 9)."""
    less, more = sorted([erlangs, other_erlangs])
    strict, loose = sorted([blocking, other_blocking])
    # Blockings that differ by rounding alone may be met by one another's channels.
    assume(loose > strict * SLACK or loose == strict)
    assume(more > less * 1.0001 or more == less)

    assert channels_for(less, blocking=loose) <= channels_for(less, blocking=strict)
    assert channels_for(less, blocking=loose) <= channels_for(more, blocking=loose)


@given(employees, guidelines, offers)
def test_what_is_suggested_can_be_bought(people, guideline, offer):
    """Each profile can be bought, and no fewer would hold what is needed (law 10)."""
    suggestion = suggest_channels(people, guideline=guideline, offer=offer)

    assert all(
        size == normalize_quantity(size, offer.quantity).granted for size in suggestion.profiles
    )
    assert sum(suggestion.profiles) == suggestion.channels >= suggestion.needed >= 1
    assert (len(suggestion.profiles) - 1) * offer.quantity.maximum < suggestion.needed
    assert list(suggestion.profiles) == sorted(suggestion.profiles, reverse=True)
    assert erlang_b(suggestion.erlangs, suggestion.channels) == suggestion.blocking


@given(employees, st.integers(1, 40), st.integers(2, 30))
def test_what_is_suggested_of_any_offer_can_be_bought(people, tens, tenth):
    """The same where other numbers are sold: from some minimum on, in steps (law 10)."""
    rule = QuantityRule(1, 10 * (tens + tenth), (Step(10 * tens, 10),), Rounding.DOWN)
    offer = attrs.evolve(SKYPE_CONNECT, quantity=rule)
    suggestion = suggest_channels(people, offer=offer)

    assert all(size == normalize_quantity(size, rule).granted for size in suggestion.profiles)
    assert (len(suggestion.profiles) - 1) * rule.maximum < suggestion.needed <= suggestion.channels


@given(employees, employees, guidelines)
def test_more_employees_never_need_fewer(people, others, guideline):
    """More employees never need fewer channels (law 11)."""
    fewer, more = sorted([people, others])

    assert guideline.need.needed(fewer) <= guideline.need.needed(more)


@given(employees, st.just(DEFAULT) | st.builds(Guideline, st.just("a"), st.just("b"), traffics))
def test_traffic_keeps_its_promise(people, guideline):
    """By traffic the blocking is kept to, or each employee has a channel (law 12)."""
    suggestion = suggest_channels(people, guideline=guideline)

    assert suggestion.needed <= people
    assert suggestion.needed == people or suggestion.blocking <= guideline.need.blocking
