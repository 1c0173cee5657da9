"""Loads for channels, few sources and retries agree with published values and with definitions."""

import math
import random
from functools import partial
from itertools import product

import mpmath
import pytest

from channelplans.erlang import (
    channels_for,
    engset,
    engset_by_total_load,
    erlang_b,
    extended_erlang_b,
    load_for,
)
from channelplans.errors import InvalidValue, WrongType
from tests.steps import run_within

MAX_RELATIVE_ERROR = mpmath.mpf("1e-12")


SMALLEST = 5e-324


LOADS_NEAR = [1e-3, 0.3, 0.9, 0.999, 1.0, 1.001, 1.1, 3, 1e3]


def top_state(ratios):
    """Return the probability that all channels are busy, and the mean number of idle channels.

    Each ratio is the probability of a state, divided by the probability of the state with one more
    busy channel. The first ratio is for the state with one idle channel.
    """
    weight = total = mpmath.mpf(1)
    idle_sum = mpmath.mpf(0)
    for idle, ratio in enumerate(ratios, 1):
        weight *= ratio
        total += weight
        idle_sum += idle * weight
        if weight < total * mpmath.mpf(10) ** -45:
            break
    return 1 / total, idle_sum / total


def state_ratios(load, channels, sources=None):
    """Return the ratios of the states of Erlang's B, or of Engset's formula with sources."""
    return (
        mpmath.mpf(busy) / (load if sources is None else (sources - busy) * load)
        for busy in range(channels, 0, -1)
    )


def reference_extended_erlang_b(erlangs, channels, retries):
    """Return Extended Erlang B by its definition: Newton's method with 50 digits."""
    first_attempts, retries = mpmath.mpf(erlangs), mpmath.mpf(retries)
    load, step = first_attempts, mpmath.mpf(1)
    while abs(step) > mpmath.mpf(10) ** -30 * load:
        blocking, idle = top_state(state_ratios(load, channels))
        excess = load * (1 - retries * blocking) - first_attempts
        step = excess / (1 - retries * blocking * (1 + idle))
        load -= step
    return top_state(state_ratios(load, channels))[0]


def reference_engset_by_total_load(erlangs, sources, channels):
    """Return Engset's formula for the total load by its definition: Newton's method, 50 digits."""
    erlangs = mpmath.mpf(erlangs)
    load, step = erlangs / (sources - min(channels, erlangs)), mpmath.mpf(1)
    while abs(step) > mpmath.mpf(10) ** -25:
        blocking, idle = top_state(state_ratios(load, channels, sources))
        attempts = load * (sources - erlangs * (1 - blocking))
        step = (attempts - erlangs) / (attempts + load * erlangs * blocking * idle)
        load *= 1 - step
    return top_state(state_ratios(load, channels, sources))[0]


def relative_error_of_load(load, channels, blocking, sources=None):
    """Return the relative error of the largest load, from the error of its blocking."""
    load = mpmath.mpf(load)
    if sources is not None:
        load = load / (sources - load * (1 - mpmath.mpf(blocking)))
    actual, idle = top_state(state_ratios(load, channels, sources))
    expected = mpmath.mpf(blocking)
    # A percent more load raises the blocking by as many percent as channels are idle. The error of
    # the total load is not larger than that of the load of an idle source.
    return abs(mpmath.log(actual / (1 - actual) * (1 - expected) / expected)) / (
        idle / (1 - actual)
    )


@pytest.fixture(autouse=True)
def _fifty_digits():
    with mpmath.workdps(50):
        yield


class TestLoadFor:
    @pytest.mark.parametrize(
        ("channels", "blocking", "expected"),
        [
            (1, 0.5, 1.0),
            (1, 0.2, 0.25),
            (2, 0.2, 1.0),
            (3, 4 / 19, 2.0),
            (8, 0.02, 3.627),
            (60, 0.001, 40.795),
            (10**6, 0.5, 1_999_998.000004),
        ],
    )
    def test_load_for_known_numbers_of_channels(self, channels, blocking, expected):
        """The load is that of Erlang's formula computed by hand, or of a printed table."""
        digits = 1e-15 if channels < 4 else 5e-5

        assert expected == pytest.approx(load_for(channels, blocking=blocking), rel=digits)

    @pytest.mark.slow
    @pytest.mark.parametrize("channels", [1, 2, 7, 30, 300])
    def test_load_for_is_precise_for_every_size(self, channels):
        """The relative error is below 1e-12, with few or many channels, sources or neither."""
        all_sources = (None, channels + 1, 2 * channels + 50, 10**7)
        blockings = (1e-300, 1e-100, 1e-9, 0.02, 0.3, 0.9, 0.999, 1 - 1e-9, 1 - 2**-53)
        for sources, blocking in product(all_sources, blockings):
            load = load_for(channels, blocking=blocking, sources=sources)
            error = relative_error_of_load(load, channels, blocking, sources)

            assert MAX_RELATIVE_ERROR > error, (sources, blocking)

    @pytest.mark.slow
    @pytest.mark.parametrize("channels", [1, 2, 5, 64, 300, 4000])
    @pytest.mark.parametrize(
        "callers", [{}, {"retries": 0.5}, {"retries": 1}, {"sources": 4001}, {"sources": 10**8}]
    )
    def test_channels_for_is_the_inverse_of_load_for(self, channels, callers):
        """The largest load of n channels needs n channels; slightly more needs one more."""
        for blocking in (1e-300, 1e-30, 0.001, 0.02, 0.5, 0.9, 1 - 1e-6, 1 - 1e-12):
            load = load_for(channels, blocking=blocking, **callers)

            if load < 9e6:
                assert channels == channels_for(load, blocking=blocking, **callers), blocking
                # The blocking of slightly more rounds to the same float if nearly all is refused.
                if blocking < 0.99:
                    more_channels = channels_for(load * (1 + 1e-11), blocking=blocking, **callers)
                    assert channels + 1 == more_channels, blocking

    def test_load_for_never_exceeds_the_blocking(self):
        """Erlang's B of the result is at most the blocking, to the last digit."""
        for blocking in (0.1 * random.random() ** 9 + 1e-300 for _ in range(200)):
            assert erlang_b(load_for(20, blocking=blocking), 20) <= blocking

    @pytest.mark.parametrize("blocking", [1e-300, 1e-200])
    def test_load_for_of_a_tiny_blocking(self, blocking):
        """Next to no call of 3,000 channels may be refused, and Erlang's B refuses as many."""
        load = load_for(3000, blocking=blocking)

        assert blocking == pytest.approx(erlang_b(load, 3000), rel=1e-9)

    def test_load_for_without_channels_is_zero(self):
        """Without channels, every call is refused."""
        assert 0.0 == load_for(0, blocking=0.02) == load_for(0, blocking=0.9, sources=3)

    def test_load_for_is_infinite_if_no_load_is_too_large(self):
        """Any load is allowed if all calls may be refused, or if each source has a channel."""
        assert math.inf == load_for(3, blocking=1) == load_for(0, blocking=1)
        assert math.inf == load_for(3, blocking=0.02, sources=3)

    @pytest.mark.slow
    @pytest.mark.parametrize("blocking", [1e-300, 0.02, 0.5])
    @pytest.mark.parametrize("sources", [None, 10**6 + 1, 10**8])
    def test_load_for_does_not_visit_each_of_a_million_channels_often(self, blocking, sources):
        """A million channels take fewer steps than two visits of each channel."""
        solve = partial(load_for, 10**6, blocking=blocking, sources=sources)

        assert 0 < run_within(4_000_000, solve)

    def test_load_for_of_the_most_channels(self):
        """A hundred million channels at 2 % carry a load for which they are just enough."""
        load = load_for(10**8, blocking=0.02)

        assert erlang_b(load, 10**8) <= 0.02 < erlang_b(load * (1 + 1e-12), 10**8)


class TestExtendedErlangB:
    @pytest.mark.parametrize(
        ("erlangs", "channels", "retries", "expected"),
        [
            # With one channel, B = E'/(1 + E') and E' = E + r E' B, so E' is a quadratic's root.
            (1, 1, 1, 1.0),
            (0.5, 1, 1, 0.5),
            (1, 1, 0.5, math.sqrt(2) / (1 + math.sqrt(2))),
            (3, 0, 0.7, 1.0),
            (0, 0, 0.7, 1.0),
            (0, 4, 1, 0.0),
            (5, 4, 1, 1.0),
        ],
    )
    def test_extended_erlang_b_of_few_channels(self, erlangs, channels, retries, expected):
        """The blocking is that of the load with the retries, computed by hand."""
        actual = extended_erlang_b(erlangs, channels, retries=retries)

        assert expected == pytest.approx(actual, rel=1e-15)

    @pytest.mark.slow
    @pytest.mark.parametrize("share", LOADS_NEAR)
    @pytest.mark.parametrize("channels", [1, 2, 9, 64])
    def test_extended_erlang_b_is_precise_for_every_size(self, share, channels):
        """The relative error is below 1e-12 for small and large loads and all recall factors."""
        erlangs = share * channels
        for retries in (0.01, 0.5, 1 - 1e-6, 1 - 1e-12, 1):
            actual = extended_erlang_b(erlangs, channels, retries=retries)
            if retries == 1 and share >= 1:
                assert 1.0 == actual
            elif actual >= 1e-307:
                expected = reference_extended_erlang_b(erlangs, channels, retries)

                assert MAX_RELATIVE_ERROR > abs(actual / expected - 1), retries

    @pytest.mark.parametrize(
        "erlangs", [1e-300, 1e-160, 5.0, 9.0, 10.0, 15.0, 300.0, 1e18, 1.7e308]
    )
    def test_extended_erlang_b_without_retries_is_erlang_b(self, erlangs):
        """A recall factor of 0 gives exactly Erlang's B."""
        assert erlang_b(erlangs, 10) == extended_erlang_b(erlangs, 10, retries=0)

    @pytest.mark.parametrize("erlangs", [1e17, 1e300, 1.7e308])
    def test_extended_erlang_b_of_the_largest_load_is_one(self, erlangs):
        """Every attempt is refused if the load is huge."""
        assert 1.0 == extended_erlang_b(erlangs, 1, retries=0.999)

    @pytest.mark.slow
    @pytest.mark.parametrize(("erlangs", "retries"), [(1e6, 0.5), (999_999, 1), (2e6, 0.999)])
    def test_extended_erlang_b_does_not_visit_each_of_a_million_channels_often(
        self, erlangs, retries
    ):
        """A million channels take fewer steps than one visit of each channel."""
        blocking = run_within(1_000_000, lambda: extended_erlang_b(erlangs, 10**6, retries=retries))

        assert erlang_b(erlangs, 10**6) < blocking < 1


class TestEngsetByTotalLoad:
    @pytest.mark.parametrize(
        ("erlangs", "sources", "channels", "expected"),
        [
            # With two sources and a channel, P = x/(1 + x) and x = a/(1 - a(1 - P)), a = E/2.
            (1, 2, 1, math.sqrt(2) - 1),
            (4, 20, 5, 0.181),
            (8, 20, 5, 0.471),
            (16, 20, 5, 0.709),
            (2, 10, 4, 0.06495282643260683),
            (3, 0, 0, 0.0),
            (3, 2, 0, 1.0),
            (0, 2, 0, 1.0),
            (0, 2, 1, 0.0),
            (9, 5, 5, 0.0),
        ],
    )
    def test_engset_by_total_load_of_known_values(self, erlangs, sources, channels, expected):
        """The result is that of a calculation by hand, or a published value."""
        digits = 5e-4 if f"{expected}".startswith(("0.181", "0.471", "0.709")) else 1e-14
        actual = engset_by_total_load(erlangs, sources, channels)

        assert expected == pytest.approx(actual, abs=digits)

    @pytest.mark.slow
    @pytest.mark.parametrize("share", LOADS_NEAR)
    @pytest.mark.parametrize("channels", [1, 2, 9, 64])
    def test_engset_by_total_load_is_precise_for_every_size(self, share, channels):
        """The relative error is below 1e-12 for small and large loads, few and many sources."""
        erlangs = share * channels
        for sources in (channels + 1, channels + 2, channels + 40, channels + 10**5):
            actual = engset_by_total_load(erlangs, sources, channels)
            if actual >= 1e-307:
                expected = reference_engset_by_total_load(erlangs, sources, channels)

                assert MAX_RELATIVE_ERROR > abs(actual / expected - 1), sources

    @pytest.mark.slow
    @pytest.mark.parametrize("gap", [0, 1e-9, 1e-3, 0.5, 1])
    @pytest.mark.parametrize("channels", [5, 199])
    def test_engset_by_total_load_is_precise_if_sources_are_always_busy(self, gap, channels):
        """The relative error is below 1e-12 if the sources offer about an erlang each."""
        erlangs = 200 - gap
        expected = reference_engset_by_total_load(erlangs, 200, channels)

        assert MAX_RELATIVE_ERROR > abs(engset_by_total_load(erlangs, 200, channels) / expected - 1)

    @pytest.mark.parametrize("erlangs", [SMALLEST, 3 * SMALLEST, 1e-318, 1e-310, 1e-300])
    @pytest.mark.parametrize("sources", [2, 1000, 10**8])
    def test_engset_by_total_load_of_a_tiny_load_on_one_channel(self, erlangs, sources):
        """The other sources keep the channel busy for their part of a tiny load."""
        expected = erlangs * ((sources - 1) / sources)
        actual = engset_by_total_load(erlangs, sources, 1)

        assert abs(actual - expected) <= 1e-12 * expected + SMALLEST

    def test_engset_by_total_load_below_the_smallest_float_is_zero(self):
        """A result below the smallest float is 0.0."""
        assert 0.0 == engset_by_total_load(1, 10**6, 10**5) == engset_by_total_load(SMALLEST, 9, 3)

    def test_engset_by_total_load_of_the_largest_load_is_one(self):
        """Every call is refused if the load is huge."""
        assert 1.0 == engset_by_total_load(1.7e308, 10**8, 10**8 - 1)
        assert 1.0 == engset_by_total_load(1.7e308, 2, 1)

    @pytest.mark.slow
    @pytest.mark.parametrize("erlangs", [9.8e5, 1e6, 1.5e6, 3e6])
    @pytest.mark.parametrize("sources", [10**6 + 1, 2 * 10**6, 10**8])
    def test_engset_by_total_load_does_not_visit_each_of_a_million_channels(self, erlangs, sources):
        """A million channels take fewer steps than one visit of each channel."""
        blocking = run_within(1_000_000, lambda: engset_by_total_load(erlangs, sources, 10**6))

        assert 0 <= blocking <= erlang_b(erlangs, 10**6)

    @pytest.mark.slow
    def test_engset_by_total_load_agrees_with_engset(self):
        """The result is Engset's formula for the load of an idle source that it implies."""
        blocking = engset_by_total_load(4, 20, 5)
        load = 0.2 / (1 - 0.2 * (1 - blocking))

        assert blocking == pytest.approx(engset(load, 20, 5), rel=1e-14)


class TestChannelsForCallers:
    @pytest.mark.parametrize(
        ("erlangs", "blocking", "callers", "expected"),
        [
            # The load of each source is too small for a float.
            (5e-324, 0.5, {"sources": 2}, 1),
            (8, 0.001, {"retries": 0.5}, 18),
            (2, 0.03, {"retries": 0.5}, 6),
            (12, 0.001, {"retries": 0.5}, 24),
            (2, 0.017, {"sources": 10}, 5),
            (3, 0.02, {"retries": 0}, 8),
            (3, 0.02, {"sources": 10**8}, 8),
            (3, 0.02, {"sources": 2}, 2),
            (3, 1e-300, {"sources": 5}, 5),
            (1e7, 0.5, {"sources": 10}, 10),
            (0, 0.5, {"sources": 0}, 0),
            (0, 0.5, {"sources": 3}, 1),
            (0, 1, {"retries": 1}, 0),
            (9, 1, {"retries": 1}, 0),
            (9, 1, {"sources": 4}, 0),
            (9, 0.5, {"sources": 0}, 0),
        ],
    )
    def test_channels_for_few_sources_or_retries(self, erlangs, blocking, callers, expected):
        """The result is a published number, or follows from the number of sources."""
        assert expected == channels_for(erlangs, blocking=blocking, **callers)

    def test_channels_for_does_not_visit_each_channel_with_sources_or_retries(self):
        """The largest load takes a tenth of a step for each channel, with any callers."""
        for callers in ({"retries": 1}, {"sources": 3 * 10**7}, {"sources": 10**8}):
            size = partial(channels_for, 1e7, blocking=1e-300, **callers)

            assert run_within(1_500_000, size) > 10**7


class TestInvalidCallers:
    @pytest.mark.parametrize("retries", [-0.1, 1.1, math.nan, math.inf])
    def test_retries_outside_their_bounds_are_refused(self, retries):
        """A recall factor is from 0 to 1; the error says so."""
        for call in (
            lambda: channels_for(3, blocking=0.1, retries=retries),
            lambda: load_for(3, blocking=0.1, retries=retries),
            lambda: extended_erlang_b(3, 3, retries=retries),
        ):
            with pytest.raises(InvalidValue, match="retries must be at least 0 and at most 1, not"):
                call()

    def test_retries_together_with_sources_are_refused(self):
        """There is no formula for both, so the error asks for one of them."""
        for function in (channels_for, load_for):
            with pytest.raises(InvalidValue, match=r"retries must be 0 if there are sources, not"):
                function(3, blocking=0.1, retries=0.5, sources=10)

    @pytest.mark.parametrize("sources", [-1, 10**8 + 1])
    def test_sources_outside_their_bounds_are_refused(self, sources):
        """The number of sources is at least 0 and at most a hundred million."""
        for call in (
            lambda: channels_for(3, blocking=0.1, sources=sources),
            lambda: load_for(3, blocking=0.1, sources=sources),
            lambda: engset_by_total_load(3, sources, 2),
        ):
            with pytest.raises(InvalidValue, match="at least 0 and at most 100,000,000, not"):
                call()

    @pytest.mark.parametrize("value", [True, "2", None, 2j])
    def test_loads_and_recall_factors_of_wrong_types_are_refused(self, value):
        """A bool and text are not numbers; the error names the parameter."""
        for parameter, call in (
            ("erlangs", lambda: engset_by_total_load(value, 3, 1)),
            ("erlangs", lambda: extended_erlang_b(value, 3, retries=0.5)),
            ("retries", lambda: extended_erlang_b(3, 3, retries=value)),
            ("retries", lambda: channels_for(3, blocking=0.1, retries=value)),
            ("blocking", lambda: load_for(3, blocking=value)),
        ):
            with pytest.raises(WrongType, match=r"must be a number \(int or float\)") as caught:
                call()

            assert parameter == caught.value.parameter
