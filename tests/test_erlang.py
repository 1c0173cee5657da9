"""The formulas of Erlang and Engset agree with published values and with their own definitions."""

import math
import random
from decimal import Decimal
from fractions import Fraction
from functools import partial

import mpmath
import numpy as np
import pytest

from channelplans.erlang import channels_for, engset, erlang_b, log_erlang_b
from channelplans.errors import InvalidValue, WrongType
from channelplans.sizing import (
    DEFAULT_GUIDELINE,
    GUIDELINES,
    Traffic,
    suggest_channels,
)
from tests.steps import run_within

SMALLEST = 5e-324


SMALLEST_NORMAL = 2.0**-1022


MAX_RELATIVE_ERROR = mpmath.mpf("1e-12")


NOT_NUMBERS = [True, False, None, "2", b"2", 2j, Decimal(2), [2], np.bool_(True), np.array([2.0])]


INVALID_LOADS = [
    -1,
    -1e-300,
    math.nan,
    math.inf,
    -math.inf,
    np.float64("nan"),
    10**400,
    -(10**400),
    Fraction(-1, 3),
]


NOT_WHOLE_NUMBERS = [True, 2.0, "2", None, Decimal(2), np.float64(2)]


def reference_erlang_b(erlangs, channels):
    """Return the blocking by the formula's definition, computed with 60 digits."""
    with mpmath.workdps(60):
        load = mpmath.mpf(erlangs)
        return top_state_probability(mpmath.mpf(busy) / load for busy in range(channels, 0, -1))


def reference_engset(load, sources, channels):
    """Return the call congestion by the formula's definition, computed with 60 digits."""
    with mpmath.workdps(60):
        load = mpmath.mpf(load)
        return top_state_probability(
            busy / ((sources - busy) * load) for busy in range(channels, 0, -1)
        )


def top_state_probability(ratios):
    """Return the probability that all channels are busy.

    Each ratio is the probability of a state, divided by the probability of the state with one more
    busy channel. The first ratio is for the state with one idle channel.
    """
    # A weight is the probability of a state relative to the state with all channels busy.
    weight = total = mpmath.mpf(1)
    for ratio in ratios:
        weight *= ratio
        total += weight
        if weight < total * mpmath.mpf(10) ** -50:
            break
    return 1 / total


def find_load(log_blocking, channels):
    """Return a load whose blocking has about this logarithm."""
    low, high = SMALLEST, float(channels)
    for _ in range(60):
        middle = math.sqrt(low) * math.sqrt(high)
        if log_erlang_b(middle, channels) < log_blocking:
            low = middle
        else:
            high = middle
    return low


def find_load_per_source(blocking, sources, channels):
    """Return a load of an idle source that has about this call congestion."""
    low, high = SMALLEST, 1e3
    for _ in range(60):
        middle = math.sqrt(low) * math.sqrt(high)
        if engset(middle, sources, channels) < blocking:
            low = middle
        else:
            high = middle
    return high


def relative_error(actual, expected):
    """Return the relative error of a computed value."""
    return abs(mpmath.mpf(actual) / expected - 1)


class TestErlangB:
    @pytest.mark.parametrize(
        ("erlangs", "channels", "expected"),
        [
            (1, 1, Fraction(1, 2)),
            (1, 2, Fraction(1, 5)),
            (2, 3, Fraction(4, 19)),
            (Fraction(1, 2), 1, Fraction(1, 3)),
            (3, 0, Fraction(1)),
        ],
    )
    def test_erlang_b_of_few_channels_matches_fractions_computed_by_hand(
        self, erlangs, channels, expected
    ):
        """The blocking is ``load**n / n!`` divided by the sum of such terms for 0 to n."""
        assert float(expected) == pytest.approx(erlang_b(erlangs, channels), rel=1e-15)

    def test_erlang_b_without_traffic(self):
        """A load of zero has a blocking of 0, or of 1 if there is no channel."""
        assert (1.0, 0.0, 0.0) == (erlang_b(0, 0), erlang_b(0, 1), erlang_b(0.0, 10**8))

    @pytest.mark.slow
    @pytest.mark.parametrize("channels", [1, 2, 3, 7, 64, 170, 171, 300, 1000, 10_000])
    @pytest.mark.parametrize("share", [1e-6, 0.3, 0.9, 0.999, 1.0, 1.001, 3, 1e9, 1e280])
    def test_erlang_b_is_precise_for_every_size(self, channels, share):
        """The relative error is below 1e-12 for loads below, near and above the channels."""
        expected = reference_erlang_b(share * channels, channels)
        actual = erlang_b(share * channels, channels)

        if expected < SMALLEST_NORMAL:
            assert abs(actual - expected) <= MAX_RELATIVE_ERROR * expected + SMALLEST
        else:
            assert MAX_RELATIVE_ERROR > relative_error(actual, expected)

    @pytest.mark.parametrize(
        ("erlangs", "channels"),
        [(0.01, 10), (1, 1), (270.3, 300), (9900.5, 10_000), (12_000, 10_000), (999_499.75, 10**6)],
    )
    def test_erlang_b_agrees_with_the_incomplete_gamma_function(self, erlangs, channels):
        """The blocking is a Poisson probability divided by the cumulative Poisson probability."""
        with mpmath.workdps(60):
            load = mpmath.mpf(erlangs)
            numerator = mpmath.exp(channels * mpmath.log(load) - load)
            expected = numerator / mpmath.gammainc(channels + 1, load)

        assert MAX_RELATIVE_ERROR > relative_error(erlang_b(erlangs, channels), expected)

    @pytest.mark.slow
    @pytest.mark.parametrize("attempt", range(4))
    def test_erlang_b_is_precise_near_underflow(self, attempt):
        """The relative error is below 1e-12 for the smallest blockings that are normal floats."""
        channels = random.choice([1, 2, 9, 30, 100, 300, 2000, 20_000])
        erlangs = find_load(random.uniform(-708.3, -690), channels)
        expected = reference_erlang_b(erlangs, channels)

        assert expected > SMALLEST_NORMAL
        assert MAX_RELATIVE_ERROR > relative_error(erlang_b(erlangs, channels), expected)

    @pytest.mark.slow
    @pytest.mark.parametrize("attempt", range(4))
    def test_erlang_b_is_a_subnormal_float_below_the_normal_floats(self, attempt):
        """A blocking below the normal floats is not 0, and only its last digit is uncertain."""
        channels = random.choice([1, 2, 9, 30, 100, 300, 2000, 20_000])
        erlangs = find_load(random.uniform(-744, -708.5), channels)
        expected = reference_erlang_b(erlangs, channels)
        actual = erlang_b(erlangs, channels)

        assert SMALLEST <= actual < SMALLEST_NORMAL
        assert abs(actual - expected) <= MAX_RELATIVE_ERROR * expected + SMALLEST

    @pytest.mark.parametrize("erlangs", [SMALLEST, 1e-310, SMALLEST_NORMAL, 1e-300])
    def test_erlang_b_of_a_tiny_load_on_one_channel(self, erlangs):
        """On one channel, the blocking of a tiny load equals the load."""
        assert erlangs == erlang_b(erlangs, 1)

    @pytest.mark.parametrize(
        ("erlangs", "channels"),
        [(SMALLEST, 2), (1e-3, 150), (1, 200), (960_000, 10**6), (1, 10**6), (1, 10**8)],
    )
    def test_erlang_b_below_the_smallest_float_is_zero(self, erlangs, channels):
        """A blocking below the smallest float is 0.0, but its logarithm is finite."""
        assert 0.0 == erlang_b(erlangs, channels)
        assert math.log(SMALLEST) > log_erlang_b(erlangs, channels) > -math.inf

    @pytest.mark.slow
    @pytest.mark.parametrize("erlangs", [1e6, 969_642.7])
    def test_erlang_b_is_precise_for_a_million_channels(self, erlangs):
        """The relative error is below 1e-12 for a million channels."""
        expected = reference_erlang_b(erlangs, 10**6)

        assert MAX_RELATIVE_ERROR > relative_error(erlang_b(erlangs, 10**6), expected)

    @pytest.mark.slow
    @pytest.mark.parametrize("erlangs", [1e-300, 1, 5e5, 9.6e5, 9.65e5, 1e6, 2e6, 1e300])
    def test_erlang_b_does_not_visit_each_of_a_million_channels(self, erlangs):
        """Both functions together take fewer steps than there are channels, for any load."""
        blocking = run_within(250_000, lambda: erlang_b(erlangs, 10**6))
        log_blocking = run_within(250_000, lambda: log_erlang_b(erlangs, 10**6))

        assert blocking == pytest.approx(math.exp(log_blocking), rel=1e-9, abs=1e-300)

    def test_erlang_b_of_the_largest_load_is_one(self):
        """Almost the largest float is a valid load, and every call is refused."""
        assert 1.0 == erlang_b(1.7e308, 10**8) == erlang_b(1.7e308, 1)

    @pytest.mark.parametrize(
        "erlangs", [2, 2.0, np.float64(2), np.float32(2), np.int64(2), Fraction(2)]
    )
    def test_erlang_b_accepts_any_real_number_as_a_load(self, erlangs):
        """An int, a float, a Fraction and a NumPy number give the same result, a float."""
        assert erlang_b(2.0, 3) == erlang_b(erlangs, 3)
        assert float is type(erlang_b(erlangs, 3))

    @pytest.mark.parametrize("channels", [np.int8(3), np.uint64(3), np.int64(3)])
    def test_functions_accept_numpy_integers(self, channels):
        """A NumPy integer is a number of channels, sources or employees."""
        assert erlang_b(2, 3) == erlang_b(2, channels)
        assert engset(2, 5, 3) == engset(2, channels + 2, channels)
        assert suggest_channels(3) == suggest_channels(channels)


class TestLogErlangB:
    @pytest.mark.slow
    @pytest.mark.parametrize(
        ("erlangs", "channels"),
        [
            (1e30, 1),
            (5000, 3),
            (300, 300),
            (270, 300),
            (5e-324, 1),
            (1e-300, 2),
            (1e-200, 31),
            (1e-100, 32),
            (1e-5, 1000),
            (200, 10_000),
            (9000, 20_000),
            (10_001, 20_000),
            (19_000, 20_000),
        ],
    )
    def test_log_erlang_b_is_precise_for_every_size(self, erlangs, channels):
        """The relative error of the logarithm is below 1e-12, even if the blocking underflows."""
        with mpmath.workdps(60):
            expected = mpmath.log(reference_erlang_b(erlangs, channels))

        assert MAX_RELATIVE_ERROR > relative_error(log_erlang_b(erlangs, channels), expected)

    @pytest.mark.parametrize("erlangs", [1e-300, 1e7, 9.5e7, 9.96e7])
    def test_log_erlang_b_is_precise_for_the_most_channels(self, erlangs):
        """The relative error is below 1e-12 for a hundred million channels."""
        channels = 10**8
        with mpmath.workdps(60):
            load = mpmath.mpf(erlangs)
            expected = channels * mpmath.log(load) - load - mpmath.loggamma(channels + 1)

        assert MAX_RELATIVE_ERROR > relative_error(log_erlang_b(erlangs, channels), expected)

    def test_log_erlang_b_without_traffic_or_channels(self):
        """The logarithm is minus infinity for a blocking of 0, and 0.0 (not -0.0) for 1."""
        assert -math.inf == log_erlang_b(0, 1)
        assert "0.0 0.0" == f"{log_erlang_b(0, 0)} {log_erlang_b(5, 0)}"

    @pytest.mark.parametrize("erlangs", [Fraction(1, 10**324), Fraction(1, 10**400)])
    def test_log_erlang_b_counts_a_load_that_rounds_to_zero_as_none(self, erlangs):
        """A positive fraction that rounds to the float 0.0 has the logarithm of a load of 0."""
        assert -math.inf == log_erlang_b(0, 1) == log_erlang_b(erlangs, 1)

    def test_log_erlang_b_of_a_huge_load_is_not_zero(self):
        """The logarithm is a tiny negative number if almost every call is refused."""
        assert -1e-308 == pytest.approx(log_erlang_b(1e308, 1), rel=1e-15)


class TestEngset:
    @pytest.mark.parametrize(
        ("load", "sources", "channels", "expected"),
        [
            (1, 3, 2, Fraction(1, 4)),
            (1, 2, 1, Fraction(1, 2)),
            (Fraction(1, 2), 4, 2, Fraction(3, 13)),
            (7, 5, 0, Fraction(1)),
        ],
    )
    def test_engset_of_few_sources_matches_fractions_computed_by_hand(
        self, load, sources, channels, expected
    ):
        """The result is the probability that the other sources keep all channels busy."""
        assert float(expected) == pytest.approx(engset(load, sources, channels), rel=1e-15)

    @pytest.mark.parametrize(("sources", "channels"), [(0, 0), (1, 1), (5, 5), (5, 10**8)])
    def test_engset_is_zero_with_a_channel_for_each_source(self, sources, channels):
        """No call is refused if each source has its own channel."""
        assert 0.0 == engset(1e300, sources, channels)

    def test_engset_without_traffic(self):
        """A load of zero gives 0, or 1 if there is no channel."""
        assert (0.0, 1.0) == (engset(0, 5, 2), engset(0, 5, 0))

    @pytest.mark.parametrize(("sources", "channels"), [(2, 1), (10, 9), (50, 20), (3000, 300)])
    @pytest.mark.parametrize("load", [1e-9, 0.01, 0.1, 1, 30, 1e9, 1e300])
    def test_engset_is_precise_for_every_size(self, load, sources, channels):
        """The relative error is below 1e-12 for small and large loads, and few and many sources."""
        expected = reference_engset(load, sources, channels)
        actual = engset(load, sources, channels)

        if expected < SMALLEST_NORMAL:
            assert abs(actual - expected) <= MAX_RELATIVE_ERROR * expected + SMALLEST
        else:
            assert MAX_RELATIVE_ERROR > relative_error(actual, expected)

    @pytest.mark.parametrize(
        ("load", "sources", "channels"),
        [(0.001, 3, 1), (0.25, 20, 6), (3, 40, 35), (0.1, 3000, 300), (1, 10**6, 500_000)],
    )
    def test_engset_agrees_with_the_incomplete_beta_function(self, load, sources, channels):
        """The result is a binomial probability divided by the cumulative binomial probability."""
        with mpmath.workdps(60):
            exact_load = mpmath.mpf(load)
            busy, idle = exact_load / (1 + exact_load), 1 / (1 + exact_load)
            # A caller competes with the other sources only; when all channels are busy, the rest
            # of the other sources are idle.
            idle_sources = sources - 1 - channels
            if sources < 10_000:
                beta = mpmath.betainc(idle_sources, channels + 1, 0, idle)
            else:
                beta = mpmath.quad(
                    lambda x: x ** (idle_sources - 1) * (1 - x) ** channels,
                    mpmath.linspace(idle - mpmath.mpf("0.01"), idle, 30),
                )
            expected = busy**channels * idle**idle_sources / idle_sources / beta

        assert MAX_RELATIVE_ERROR > relative_error(engset(load, sources, channels), expected)

    @pytest.mark.slow
    @pytest.mark.parametrize("attempt", range(4))
    def test_engset_is_precise_near_underflow(self, attempt):
        """The relative error is below 1e-12 for the smallest results that are normal floats."""
        sources, channels = random.choice(
            [(3, 2), (40, 12), (400, 390), (5000, 900), (10**5, 5000)]
        )
        load = find_load_per_source(10 ** random.uniform(-307.6, -300), sources, channels)
        expected = reference_engset(load, sources, channels)

        assert expected > SMALLEST_NORMAL
        assert MAX_RELATIVE_ERROR > relative_error(engset(load, sources, channels), expected)

    @pytest.mark.slow
    @pytest.mark.parametrize("attempt", range(4))
    def test_engset_is_a_subnormal_float_below_the_normal_floats(self, attempt):
        """A result below the normal floats is not 0, and only its last digit is uncertain."""
        sources, channels = random.choice(
            [(3, 2), (40, 12), (400, 390), (5000, 900), (10**5, 5000)]
        )
        load = find_load_per_source(10 ** random.uniform(-322, -308), sources, channels)
        expected = reference_engset(load, sources, channels)
        actual = engset(load, sources, channels)

        assert SMALLEST <= actual < SMALLEST_NORMAL
        assert abs(actual - expected) <= MAX_RELATIVE_ERROR * expected + SMALLEST

    @pytest.mark.slow
    @pytest.mark.parametrize(("load", "channels"), [(1, 518_000), (0.1, 100_000), (1e-6, 30)])
    def test_engset_is_precise_for_a_million_sources(self, load, channels):
        """The relative error is below 1e-12 for a million sources."""
        expected = reference_engset(load, 10**6, channels)

        assert MAX_RELATIVE_ERROR > relative_error(engset(load, 10**6, channels), expected)

    @pytest.mark.parametrize("load", [5e-324, 1e-6, 0.9, 1, 1.1, 1e6, 1.7e308])
    def test_engset_does_not_visit_each_of_a_million_channels(self, load):
        """A result takes fewer steps than there are channels; results fall with the channels."""
        blockings = [
            run_within(250_000, partial(engset, load, 10**6, channels))
            for channels in (1, 500_000, 520_000, 999_999)
        ]

        assert sorted(blockings, reverse=True) == blockings

    def test_engset_of_the_largest_load_is_one(self):
        """Every call is refused if the sources call all the time and one channel is missing."""
        assert 1.0 == engset(1.7e308, 10**8, 10**8 - 1)


class TestChannelsFor:
    @pytest.mark.parametrize(
        ("erlangs", "blocking", "expected"),
        [
            (500, 0.001, 555),
            (10, 0.02, 17),
            (3, 0.02, 8),
            (1, 0.5, 1),
            (1, 0.2, 2),
            (0.5, 1, 0),
            (0, 1, 0),
            (0, 0.999, 1),
            (SMALLEST, 1e-300, 1),
            (1e7, 0.9, 1_000_001),
        ],
    )
    def test_channels_for_known_loads(self, erlangs, blocking, expected):
        """The result is the least number of channels with at most the given blocking."""
        assert expected == channels_for(erlangs, blocking=blocking)

    @pytest.mark.parametrize("channels", [1, 2, 5, 64, 65, 300, 555, 4000])
    @pytest.mark.parametrize("share", [0.01, 0.5, 0.95, 1.5, 20])
    def test_channels_for_is_the_inverse_of_erlang_b(self, channels, share):
        """The blocking of n channels needs n channels, and the next smaller float needs n + 1."""
        erlangs = share * channels
        blocking = erlang_b(erlangs, channels)

        if blocking >= 1e-300:
            assert channels == channels_for(erlangs, blocking=blocking)
            assert channels + 1 == channels_for(erlangs, blocking=math.nextafter(blocking, 0))

    def test_channels_for_does_not_visit_each_channel_for_ten_million_erlangs(self):
        """The largest load at the least blocking takes a tenth of a step for each channel."""
        channels = run_within(1_000_000, lambda: channels_for(1e7, blocking=1e-300))

        assert erlang_b(1e7, channels) <= 1e-300 < erlang_b(1e7, channels - 1)

    @pytest.mark.parametrize("blocking", [0, 1e-301, 1.000001, 2, -0.1, math.nan, math.inf])
    def test_blocking_outside_its_bounds_is_refused(self, blocking):
        """A blocking is at least 1e-300 and at most 1, because no channels can promise 0."""
        with pytest.raises(InvalidValue, match="blocking must be at"):
            channels_for(3, blocking=blocking)
        with pytest.raises(InvalidValue, match="blocking must be at"):
            Traffic(Fraction(1, 10), blocking=float(blocking))

    def test_channels_for_refuses_too_large_a_load(self):
        """A load of more than ten million erlangs is refused."""
        with pytest.raises(InvalidValue, match="erlangs must be at most 10,000,000, not 10000001"):
            channels_for(10_000_001, blocking=0.1)


class TestInvalidNumbers:
    @pytest.mark.parametrize("value", NOT_NUMBERS, ids=repr)
    def test_loads_of_wrong_types_are_refused(self, value):
        """A bool, text, a Decimal and an array are not loads; the error names the parameter."""
        for parameter, call in (
            ("erlangs", lambda: erlang_b(value, 3)),
            ("erlangs", lambda: log_erlang_b(value, 3)),
            ("erlangs", lambda: channels_for(value, blocking=0.1)),
            ("load_per_idle_source", lambda: engset(value, 3, 1)),
            ("blocking", lambda: channels_for(3, blocking=value)),
        ):
            with pytest.raises(WrongType, match=r"must be a number \(int or float\)") as caught:
                call()

            assert parameter == caught.value.parameter

    @pytest.mark.parametrize("value", INVALID_LOADS, ids=repr)
    def test_negative_or_infinite_loads_are_refused(self, value):
        """A load that is negative, infinite or NaN is refused."""
        for call in (
            lambda: erlang_b(value, 3),
            lambda: log_erlang_b(value, 3),
            lambda: channels_for(value, blocking=0.1),
            lambda: engset(value, 3, 1),
        ):
            with pytest.raises(InvalidValue, match="must be a finite number of at least 0, not"):
                call()

    @pytest.mark.parametrize("value", NOT_WHOLE_NUMBERS, ids=repr)
    def test_counts_of_wrong_types_are_refused(self, value):
        """Channels, sources and employees are whole numbers; the error names the parameter."""
        for parameter, call in (
            ("channels", lambda: erlang_b(3, value)),
            ("channels", lambda: log_erlang_b(3, value)),
            ("channels", lambda: engset(3, 2, value)),
            ("sources", lambda: engset(3, value, 2)),
            ("employees", lambda: suggest_channels(value)),
            ("employees", lambda: GUIDELINES["caznet"].need.needed(value)),
            ("employees", lambda: DEFAULT_GUIDELINE.need.needed(value)),
        ):
            with pytest.raises(WrongType, match="must be a whole number") as caught:
                call()

            assert parameter == caught.value.parameter

    @pytest.mark.parametrize("value", [-1, 10**8 + 1, 10**17])
    def test_channels_and_sources_outside_their_bounds_are_refused(self, value):
        """The number of channels or sources is at least 0 and at most a hundred million."""
        for call in (
            lambda: erlang_b(3, value),
            lambda: log_erlang_b(3, value),
            lambda: engset(3, 2, value),
            lambda: engset(3, value, 2),
        ):
            with pytest.raises(InvalidValue, match="at least 0 and at most 100,000,000, not"):
                call()

    @pytest.mark.parametrize("value", [0, -1, -30, 10**7 + 1])
    def test_employees_outside_their_bounds_are_refused(self, value):
        """The number of employees is at least 1 and at most ten million."""
        for guideline in (DEFAULT_GUIDELINE, GUIDELINES["caznet"]):
            with pytest.raises(
                InvalidValue, match="employees must be at least 1 and at most 10,000,000"
            ):
                suggest_channels(value, guideline=guideline)
