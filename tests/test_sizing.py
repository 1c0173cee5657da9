"""How employees become channels, and how precise the formulas behind it are."""

import math
import pickle
import random
from decimal import Decimal
from fractions import Fraction
from time import perf_counter

import attrs
import mpmath
import numpy as np
import pytest

from channelplans import sizing
from channelplans.errors import InvalidValue, TotalNotReachable, WrongType
from channelplans.money import Rounding
from channelplans.offers import SKYPE_CONNECT
from channelplans.rules import QuantityRule, Step
from channelplans.sizing import (
    CAZNET,
    DEFAULT,
    EUPHORIA,
    GUIDELINES,
    LYNC_LIGHT,
    LYNC_MEDIUM,
    SIPTRUNK,
    VICISTACK_AGENTS,
    VOIP_SHOP,
    Guideline,
    Ratio,
    Suggestion,
    Traffic,
    channels_for,
    engset,
    erlang_b,
    log_erlang_b,
    suggest_channels,
)

SMALLEST = 5e-324
SMALLEST_NORMAL = 2.0**-1022
PROMISED = mpmath.mpf("1e-12")

NO_NUMBERS = [True, False, None, "2", b"2", 2j, Decimal(2), [2], np.bool_(True), np.array([2.0])]
NO_LOADS = [
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
NO_WHOLE_NUMBERS = [True, 2.0, "2", None, Decimal(2), np.float64(2)]


def true_erlang_b(erlangs, channels):
    """Tell the blocking by the sums of its definition, at 60 digits."""
    with mpmath.workdps(60):
        load = mpmath.mpf(erlangs)
        return from_the_top(mpmath.mpf(busy) / load for busy in range(channels, 0, -1))


def true_engset(load, sources, channels):
    """Tell the call congestion by the sums of its definition, at 60 digits."""
    with mpmath.workdps(60):
        load = mpmath.mpf(load)
        return from_the_top(busy / ((sources - busy) * load) for busy in range(channels, 0, -1))


def from_the_top(ratios):
    """Tell the chance of the top state, from the ratios of each state below to the one above."""
    term = total = mpmath.mpf(1)
    for ratio in ratios:
        term *= ratio
        total += term
        if term < total * mpmath.mpf(10) ** -50:
            break
    return 1 / total


def load_with(log_blocking, channels):
    """Find a load at which so many channels have a blocking with about that logarithm."""
    low, high = SMALLEST, float(channels)
    for _ in range(100):
        middle = math.sqrt(low) * math.sqrt(high)
        if log_erlang_b(middle, channels) < log_blocking:
            low = middle
        else:
            high = middle
    return low


def load_per_source_with(blocking, sources, channels):
    """Find a load of an idle source at which the call congestion is about that."""
    low, high = SMALLEST, 1e3
    for _ in range(100):
        middle = math.sqrt(low) * math.sqrt(high)
        if engset(middle, sources, channels) < blocking:
            low = middle
        else:
            high = middle
    return high


def error(actual, expected):
    """Tell the relative error."""
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
    def test_small_cases_by_hand(self, erlangs, channels, expected):
        """The load to the power of the channels over its factorial, as a part of all such terms."""
        assert float(expected) == pytest.approx(erlang_b(erlangs, channels), rel=1e-15)

    def test_no_traffic_is_never_refused(self):
        """Without traffic nothing is refused, but for what no channel at all would carry."""
        assert (1.0, 0.0, 0.0) == (erlang_b(0, 0), erlang_b(0, 1), erlang_b(0.0, 10**8))

    @pytest.mark.parametrize("channels", [1, 2, 3, 7, 64, 170, 171, 300, 1000, 10_000])
    @pytest.mark.parametrize("share", [1e-6, 0.3, 0.9, 0.999, 1.0, 1.001, 3, 1e9, 1e280])
    def test_right_for_every_size(self, channels, share):
        """Right to a relative 1e-12 for loads far below, near and far above the channels."""
        expected = true_erlang_b(share * channels, channels)
        actual = erlang_b(share * channels, channels)

        if expected < SMALLEST_NORMAL:
            assert abs(actual - expected) <= PROMISED * expected + SMALLEST
        else:
            assert PROMISED > error(actual, expected)

    @pytest.mark.parametrize(
        ("erlangs", "channels"),
        [(0.01, 10), (1, 1), (270.3, 300), (9900.5, 10_000), (12_000, 10_000), (999_499.75, 10**6)],
    )
    def test_the_same_by_the_incomplete_gamma_function(self, erlangs, channels):
        """Another way to the same figure: the Poisson chance as a part of the sum of them."""
        with mpmath.workdps(60):
            load = mpmath.mpf(erlangs)
            top = mpmath.exp(channels * mpmath.log(load) - load)
            expected = top / mpmath.gammainc(channels + 1, load)

        assert PROMISED > error(erlang_b(erlangs, channels), expected)

    @pytest.mark.parametrize("attempt", range(30))
    def test_right_near_the_edge_of_underflow(self, attempt):
        """Right to a relative 1e-12 for the smallest blockings that are normal floats."""
        channels = random.choice([1, 2, 9, 30, 100, 300, 2000, 20_000])
        erlangs = load_with(random.uniform(-708.3, -690), channels)
        expected = true_erlang_b(erlangs, channels)

        assert expected > SMALLEST_NORMAL
        assert PROMISED > error(erlang_b(erlangs, channels), expected)

    @pytest.mark.parametrize("attempt", range(30))
    def test_what_is_below_the_normal_floats_is_not_lost(self, attempt):
        """A blocking below the normal floats is off by the last digit that is left, and not 0."""
        channels = random.choice([1, 2, 9, 30, 100, 300, 2000, 20_000])
        erlangs = load_with(random.uniform(-744, -708.5), channels)
        expected = true_erlang_b(erlangs, channels)
        actual = erlang_b(erlangs, channels)

        assert SMALLEST <= actual < SMALLEST_NORMAL
        assert abs(actual - expected) <= PROMISED * expected + SMALLEST

    @pytest.mark.parametrize("erlangs", [SMALLEST, 1e-310, SMALLEST_NORMAL, 1e-300])
    def test_the_smallest_load_on_one_channel(self, erlangs):
        """On one channel the blocking of next to nothing is that load itself."""
        assert erlangs == erlang_b(erlangs, 1)

    @pytest.mark.parametrize(
        ("erlangs", "channels"),
        [(SMALLEST, 2), (1e-3, 150), (1, 200), (960_000, 10**6), (1, 10**6), (1, 10**8)],
    )
    def test_nothing_is_left_below_the_smallest_float(self, erlangs, channels):
        """A blocking below the smallest float is 0.0, and its logarithm tells it still."""
        assert 0.0 == erlang_b(erlangs, channels)
        assert math.log(SMALLEST) > log_erlang_b(erlangs, channels) > -math.inf

    @pytest.mark.parametrize("erlangs", [1e6 + 5000, 1e6, 1e6 - 777.7, 969_642.7])
    def test_right_at_a_million_channels(self, erlangs):
        """A million channels are as precise as a few."""
        assert PROMISED > error(erlang_b(erlangs, 10**6), true_erlang_b(erlangs, 10**6))

    @pytest.mark.parametrize("erlangs", [1e-300, 1, 5e5, 9.6e5, 9.65e5, 1e6, 2e6, 1e300])
    def test_a_million_channels_take_no_time(self, erlangs):
        """Neither many channels nor a small load make for a long loop."""
        before = perf_counter()
        erlang_b(erlangs, 10**6)
        log_erlang_b(erlangs, 10**6)

        assert 1 > perf_counter() - before

    def test_a_huge_load_refuses_everything(self):
        """The largest float is a load like any other."""
        assert 1.0 == erlang_b(1.7e308, 10**8) == erlang_b(1.7e308, 1)

    @pytest.mark.parametrize(
        "erlangs", [2, 2.0, np.float64(2), np.float32(2), np.int64(2), Fraction(2)]
    )
    def test_any_real_number_is_a_load(self, erlangs):
        """Whole numbers, floats, fractions and numpy's numbers are all the same."""
        assert erlang_b(2.0, 3) == erlang_b(erlangs, 3)
        assert float is type(erlang_b(erlangs, 3))

    @pytest.mark.parametrize("channels", [np.int8(3), np.uint64(3), np.int64(3)])
    def test_numpys_whole_numbers_are_channels(self, channels):
        """numpy's integers are whole numbers too."""
        assert erlang_b(2, 3) == erlang_b(2, channels)
        assert engset(2, 5, 3) == engset(2, channels + 2, channels)
        assert suggest_channels(3) == suggest_channels(channels)


class TestLogErlangB:
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
    def test_right_wherever_it_is_asked(self, erlangs, channels):
        """The logarithm is right to a relative 1e-12, above and far below the floats."""
        with mpmath.workdps(60):
            expected = mpmath.log(true_erlang_b(erlangs, channels))

        assert PROMISED > error(log_erlang_b(erlangs, channels), expected)

    @pytest.mark.parametrize("erlangs", [1e-300, 1e7, 9.5e7, 9.96e7])
    def test_right_at_the_most_channels(self, erlangs):
        """At a hundred million channels too, where only Stirling's series is left."""
        channels = 10**8
        with mpmath.workdps(60):
            load = mpmath.mpf(erlangs)
            expected = channels * mpmath.log(load) - load - mpmath.loggamma(channels + 1)

        assert PROMISED > error(log_erlang_b(erlangs, channels), expected)

    def test_without_traffic_or_channels(self):
        """Never refused is minus infinity; always refused is 0, and not minus 0."""
        assert -math.inf == log_erlang_b(0, 1)
        assert "0.0 0.0" == f"{log_erlang_b(0, 0)} {log_erlang_b(5, 0)}"

    def test_a_load_that_refuses_nearly_everything(self):
        """What is carried of the largest loads is not lost beside what is refused."""
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
    def test_small_cases_by_hand(self, load, sources, channels, expected):
        """The chance that all channels are busy, as the other sources alone would have them."""
        assert float(expected) == pytest.approx(engset(load, sources, channels), rel=1e-15)

    @pytest.mark.parametrize(("sources", "channels"), [(0, 0), (1, 1), (5, 5), (5, 10**8)])
    def test_a_channel_for_each_refuses_nothing(self, sources, channels):
        """Where each source finds a channel, no call is refused."""
        assert 0.0 == engset(1e300, sources, channels)

    def test_sources_that_never_call(self):
        """Without traffic nothing is refused, but for what no channel at all would carry."""
        assert (0.0, 1.0) == (engset(0, 5, 2), engset(0, 5, 0))

    @pytest.mark.parametrize(("sources", "channels"), [(2, 1), (10, 9), (50, 20), (3000, 300)])
    @pytest.mark.parametrize("load", [1e-9, 0.01, 0.1, 1, 30, 1e9, 1e300])
    def test_right_for_every_size(self, load, sources, channels):
        """Right to a relative 1e-12 for small and large loads of few and many sources."""
        expected = true_engset(load, sources, channels)
        actual = engset(load, sources, channels)

        if expected < SMALLEST_NORMAL:
            assert abs(actual - expected) <= PROMISED * expected + SMALLEST
        else:
            assert PROMISED > error(actual, expected)

    @pytest.mark.parametrize(
        ("load", "sources", "channels"),
        [(0.001, 3, 1), (0.25, 20, 6), (3, 40, 35), (0.1, 3000, 300), (1, 10**6, 500_000)],
    )
    def test_the_same_by_the_incomplete_beta_function(self, load, sources, channels):
        """Another way to the same figure: the binomial chance as a part of the sum of them."""
        with mpmath.workdps(60):
            others, exact = sources - 1, mpmath.mpf(load)
            busy, idle = exact / (1 + exact), 1 / (1 + exact)
            if sources < 10_000:
                beta = mpmath.betainc(others - channels, channels + 1, 0, idle)
            else:
                beta = mpmath.quad(
                    lambda x: x ** (others - channels - 1) * (1 - x) ** channels,
                    mpmath.linspace(idle - mpmath.mpf("0.01"), idle, 30),
                )
            expected = busy**channels * idle ** (others - channels) / (others - channels) / beta

        assert PROMISED > error(engset(load, sources, channels), expected)

    @pytest.mark.parametrize("attempt", range(20))
    def test_right_near_the_edge_of_underflow(self, attempt):
        """Right to a relative 1e-12 for the smallest values that are normal floats."""
        sources, channels = random.choice(
            [(3, 2), (40, 12), (400, 390), (5000, 900), (10**5, 5000)]
        )
        load = load_per_source_with(10 ** random.uniform(-307.6, -300), sources, channels)
        expected = true_engset(load, sources, channels)

        assert expected > SMALLEST_NORMAL
        assert PROMISED > error(engset(load, sources, channels), expected)

    @pytest.mark.parametrize("attempt", range(20))
    def test_what_is_below_the_normal_floats_is_not_lost(self, attempt):
        """A value below the normal floats is off by the last digit that is left, and not 0."""
        sources, channels = random.choice(
            [(3, 2), (40, 12), (400, 390), (5000, 900), (10**5, 5000)]
        )
        load = load_per_source_with(10 ** random.uniform(-322, -308), sources, channels)
        expected = true_engset(load, sources, channels)
        actual = engset(load, sources, channels)

        assert SMALLEST <= actual < SMALLEST_NORMAL
        assert abs(actual - expected) <= PROMISED * expected + SMALLEST

    @pytest.mark.parametrize(
        ("load", "channels"), [(1, 500_000), (1, 518_000), (0.1, 100_000), (1e-6, 30), (9, 902_000)]
    )
    def test_right_for_a_million_sources(self, load, channels):
        """A million sources are as precise as a few."""
        expected = true_engset(load, 10**6, channels)

        assert PROMISED > error(engset(load, 10**6, channels), expected)

    @pytest.mark.parametrize("load", [5e-324, 1e-6, 0.9, 1, 1.1, 1e6, 1.7e308])
    def test_a_million_sources_take_no_time(self, load):
        """Neither many sources nor an odd load make for a long loop."""
        before = perf_counter()
        blockings = [engset(load, 10**6, channels) for channels in (1, 500_000, 520_000, 999_999)]

        assert sorted(blockings, reverse=True) == blockings
        assert 1 > perf_counter() - before

    def test_the_largest_load(self):
        """Sources that never rest are refused whenever a channel is missing."""
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
    def test_known_answers(self, erlangs, blocking, expected):
        """The least number that meets the blocking, also where it is met exactly."""
        assert expected == channels_for(erlangs, blocking=blocking)

    @pytest.mark.parametrize("channels", [1, 2, 5, 64, 65, 300, 555, 4000])
    @pytest.mark.parametrize("share", [0.01, 0.5, 0.95, 1.5, 20])
    def test_just_what_the_formula_tells(self, channels, share):
        """A blocking that the formula gives is met by the channels it was given for."""
        erlangs = share * channels
        blocking = erlang_b(erlangs, channels)

        if blocking >= 1e-300:
            assert channels == channels_for(erlangs, blocking=blocking)
            assert channels + 1 == channels_for(erlangs, blocking=math.nextafter(blocking, 0))

    def test_ten_million_erlangs(self):
        """The largest load is answered too, and at once."""
        before = perf_counter()
        channels = channels_for(1e7, blocking=1e-300)

        assert erlang_b(1e7, channels) <= 1e-300 < erlang_b(1e7, channels - 1)
        assert 8 > perf_counter() - before

    @pytest.mark.parametrize("blocking", [0, 1e-301, 1.000001, 2, -0.1, math.nan, math.inf])
    def test_a_blocking_that_no_channels_can_promise(self, blocking):
        """A blocking is a part of the calls; none at all can be promised by no number."""
        with pytest.raises(InvalidValue, match="blocking must be at"):
            channels_for(3, blocking=blocking)
        with pytest.raises(InvalidValue, match="blocking must be at"):
            Traffic(Fraction(1, 10), blocking=float(blocking))

    def test_a_load_beyond_the_bound(self):
        """More than ten million erlangs are refused."""
        with pytest.raises(InvalidValue, match="erlangs must be at most 10,000,000, not 10000001"):
            channels_for(10_000_001, blocking=0.1)


class TestBadNumbers:
    @pytest.mark.parametrize("value", NO_NUMBERS, ids=repr)
    def test_a_load_is_a_number(self, value):
        """Truth values, text, Decimal and arrays are no loads; the error names the parameter."""
        for parameter, formula in {
            "erlangs": lambda: erlang_b(value, 3),
            "erlangs ": lambda: log_erlang_b(value, 3),
            "erlangs  ": lambda: channels_for(value, blocking=0.1),
            "load_per_idle_source": lambda: engset(value, 3, 1),
            "blocking": lambda: channels_for(3, blocking=value),
        }.items():
            with pytest.raises(WrongType, match=r"must be a number \(int or float\)") as caught:
                formula()
            assert parameter.strip() == caught.value.parameter

    @pytest.mark.parametrize("value", NO_LOADS, ids=repr)
    def test_a_load_is_finite_and_not_negative(self, value):
        """Negative, infinite and undefined loads are refused."""
        for formula in (
            lambda: erlang_b(value, 3),
            lambda: log_erlang_b(value, 3),
            lambda: channels_for(value, blocking=0.1),
            lambda: engset(value, 3, 1),
        ):
            with pytest.raises(InvalidValue, match="must be a finite number of at least 0, not"):
                formula()

    @pytest.mark.parametrize("value", NO_WHOLE_NUMBERS, ids=repr)
    def test_channels_are_whole(self, value):
        """Channels, sources and employees are whole numbers; the error names the parameter."""
        for parameter, formula in {
            "channels": lambda: erlang_b(3, value),
            "channels ": lambda: log_erlang_b(3, value),
            "channels  ": lambda: engset(3, 2, value),
            "sources": lambda: engset(3, value, 2),
            "employees": lambda: suggest_channels(value),
            "employees ": lambda: CAZNET.need.needed(value),
            "employees  ": lambda: DEFAULT.need.needed(value),
        }.items():
            with pytest.raises(WrongType, match="must be a whole number") as caught:
                formula()
            assert parameter.strip() == caught.value.parameter

    @pytest.mark.parametrize("value", [-1, 10**8 + 1, 10**30])
    def test_channels_have_bounds(self, value):
        """Channels and sources are 0 to a hundred million."""
        for formula in (
            lambda: erlang_b(3, value),
            lambda: log_erlang_b(3, value),
            lambda: engset(3, 2, value),
            lambda: engset(3, value, 2),
        ):
            with pytest.raises(InvalidValue, match="at least 0 and at most 100,000,000, not"):
                formula()

    @pytest.mark.parametrize("value", [0, -1, -30, 10**7 + 1])
    def test_employees_have_bounds(self, value):
        """There is at least one employee, and no firm has more than ten million."""
        for guideline in (DEFAULT, CAZNET):
            with pytest.raises(
                InvalidValue, match="employees must be at least 1 and at most 10,000,000"
            ):
                suggest_channels(value, guideline=guideline)


def offer_of(*rule):
    """Make an offer with other numbers of channels."""
    return attrs.evolve(SKYPE_CONNECT, quantity=QuantityRule(*rule))


class TestSuggestions:
    @pytest.mark.parametrize(
        ("employees", "needed", "profiles"),
        [
            (1, 1, (1,)),
            (2, 2, (2,)),
            (10, 4, (4,)),
            (30, 8, (8,)),
            (300, 39, (39,)),
            (1000, 113, (120,)),
            (3000, 315, (300, 15)),
            (4221, 437, (300, 140)),
            (5000, 514, (300, 220)),
        ],
    )
    def test_by_default_traffic_decides(self, employees, needed, profiles):
        """0.1 erlang for each employee at 2 %, in numbers that can be bought."""
        suggestion = suggest_channels(employees)

        assert (needed, profiles) == (suggestion.needed, suggestion.profiles)
        assert sum(profiles) == suggestion.channels
        assert employees / 10 == suggestion.erlangs
        assert DEFAULT == suggestion.guideline

    @pytest.mark.parametrize("employees", [10, 30, 300, 3000, 4221, 5000])
    def test_the_default_is_the_least_that_keeps_to_two_percent(self, employees):
        """One channel fewer than needed would refuse more than 2 % of the calls."""
        needed = suggest_channels(employees).needed

        assert true_erlang_b(employees / 10, needed) <= mpmath.mpf("0.02")
        assert true_erlang_b(employees / 10, needed - 1) > mpmath.mpf("0.02")

    @pytest.mark.parametrize(
        ("employees", "blocking"), [(1, Fraction(1, 11)), (2, Fraction(1, 61))]
    )
    def test_the_blocking_of_the_smallest_firms_by_hand(self, employees, blocking):
        """One employee on one channel: 0.1 / 1.1; two on two: 0.02 / 1.22."""
        assert float(blocking) == pytest.approx(suggest_channels(employees).blocking, rel=1e-15)

    def test_never_more_channels_than_employees(self):
        """One employee would need two channels for 2 %, but has only one call at a time."""
        assert 2 == channels_for(0.1, blocking=0.02)
        assert 1 == suggest_channels(1).needed

    def test_at_least_one_channel(self):
        """Where every call may be refused, there is one channel all the same."""
        anything = Guideline("anything", "here", Traffic(Fraction(1, 10), blocking=1.0))

        assert 1 == suggest_channels(50, guideline=anything).needed

    @pytest.mark.parametrize("guideline", GUIDELINES, ids=lambda each: each.name)
    @pytest.mark.parametrize("employees", [1, 2, 10, 30, 300, 3000, 5000])
    def test_every_guideline_states_what_to_expect(self, guideline, employees):
        """Each names itself and its source, and states the blocking at the default's traffic."""
        suggestion = suggest_channels(employees, guideline=guideline)
        expected = true_erlang_b(employees / 10, suggestion.channels)

        assert guideline.name in str(suggestion)
        assert guideline.source in str(suggestion)
        assert guideline.source.startswith("https://")
        assert employees / 10 == suggestion.erlangs
        assert abs(suggestion.blocking - expected) <= PROMISED * expected + SMALLEST

    def test_guidelines_are_told_apart_by_their_names(self):
        """There are fifteen beside the default, each a public name of the module."""
        constants = [value for value in vars(sizing).values() if isinstance(value, Guideline)]

        assert 16 == len({guideline.name for guideline in GUIDELINES})
        assert set(GUIDELINES) == set(constants)
        assert DEFAULT == GUIDELINES[0]

    @pytest.mark.parametrize(
        ("guideline", "employees", "expected"),
        [
            (CAZNET, 30, 10),
            (SIPTRUNK, 30, 10),
            (SIPTRUNK, 31, 11),
            (LYNC_LIGHT, 30, 2),
            (LYNC_LIGHT, 1, 1),
            (LYNC_MEDIUM, 30, 3),
            (sizing.LYNC_HEAVY, 30, 6),
            (sizing.UNITY_CONNECTED, 30, 8),
            (sizing.VOIP_DE, 10, 4),
            (sizing.NETZSCHRAUBER, 20, 5),
            (EUPHORIA, 25, 8),
            (EUPHORIA, 1, 4),
            (sizing.VICISTACK_OFFICE, 50, 15),
            (VICISTACK_AGENTS, 50, 125),
            (sizing.TELXI, 5, 2),
            (VOIP_SHOP, 10, 4),
            (VOIP_SHOP, 15, 6),
            (sizing.IMRUNNING, 300, 100),
            (sizing.UNITALK, 5, 5),
        ],
    )
    def test_what_the_published_rules_say(self, guideline, employees, expected):
        """Each rule gives the number that its source gives, rounded up (F 11)."""
        assert expected == suggest_channels(employees, guideline=guideline).needed

    def test_more_than_a_profile_holds(self):
        """437 channels are 300 + 140, the least total that two profiles can hold (H6)."""
        rule = Guideline("exact", "here", Ratio(Fraction(437)))
        suggestion = suggest_channels(1, guideline=rule)

        assert (437, (300, 140), 440) == (
            suggestion.needed,
            suggestion.profiles,
            suggestion.channels,
        )

    @pytest.mark.parametrize(
        ("rule", "employees", "needed", "profiles"),
        [
            ((10, 50), 30, 8, (10,)),
            ((2, 50, (Step(0, 5),), Rounding.UP), 30, 8, (10,)),
            ((1, 20), 300, 39, (20, 19)),
            ((1, 1), 30, 8, (1,) * 8),
            ((1, 1000), 5000, 514, (514,)),
        ],
    )
    def test_other_offers_sell_other_numbers(self, rule, employees, needed, profiles):
        """What is suggested can be bought of the offer that is named."""
        suggestion = suggest_channels(employees, offer=offer_of(*rule))

        assert (needed, profiles) == (suggestion.needed, suggestion.profiles)

    def test_an_offer_that_is_too_small(self):
        """Where more than a million profiles would be needed, the split's own error says so."""
        with pytest.raises(TotalNotReachable, match=r"10,000,000 channels .* 1,000,000 profiles"):
            suggest_channels(10**7, guideline=sizing.UNITALK, offer=offer_of(1, 9))

    def test_more_channels_than_can_be_computed_with(self):
        """A rule of one's own that asks for too many is refused when the suggestion is made."""
        rule = Guideline("too many", "here", Ratio(Fraction(11)))

        with pytest.raises(InvalidValue, match=r"channels must be .* at most 100,000,000"):
            suggest_channels(10**7, guideline=rule, offer=offer_of(1, 10**6))

    def test_traffic_of_ones_own(self):
        """A guideline by traffic states the blocking at its own traffic."""
        busy = Guideline("busy", "here", Traffic(Fraction(1, 3), blocking=0.01))
        suggestion = suggest_channels(30, guideline=busy)

        assert (18, 10.0) == (suggestion.needed, suggestion.erlangs)
        assert erlang_b(10, 18) == suggestion.blocking <= 0.01

    @pytest.mark.parametrize(
        "make",
        [
            lambda: Ratio(Fraction(0)),
            lambda: Ratio(Fraction(-1, 3)),
            lambda: Ratio(Fraction(1, 3), least=0),
            lambda: Ratio(Fraction(1, 3), erlangs=Fraction(0)),
            lambda: Traffic(Fraction(0), blocking=0.02),
            lambda: Traffic(Fraction(-1), blocking=0.02),
        ],
    )
    def test_guidelines_that_mean_nothing(self, make):
        """A ratio, a least number and a load are above 0."""
        with pytest.raises(InvalidValue, match=r"must be (above 0|at least 1), not"):
            make()

    @pytest.mark.parametrize(
        ("kind", "arguments"),
        [
            (Ratio, {"channels": 0.3}),
            (Ratio, {"channels": "1/3"}),
            (Traffic, {"erlangs": 0.1, "blocking": 0.02}),
            (Traffic, {"erlangs": Fraction(1, 10), "blocking": "2 %"}),
            (Guideline, {"name": "name", "source": "source", "need": Fraction(1, 3)}),
            (suggest_channels, {"employees": 3, "guideline": "caznet"}),
            (suggest_channels, {"employees": 3, "guideline": None}),
            (suggest_channels, {"employees": 3, "offer": "skype"}),
        ],
    )
    def test_wrong_types(self, kind, arguments):
        """What is not a guideline, an offer or an exact ratio is refused by name."""
        with pytest.raises(WrongType, match=r"must be an? "):
            kind(**arguments)


class TestHowItReads:
    def test_a_suggestion_in_words(self):
        """It names guideline and source, what to buy, and whose blocking it states."""
        suggestion = suggest_channels(4221)

        assert (
            "4,221 employees: buy 440 channels on 2 profiles, 300 + 140; 437 needed\n"
            "by two calls of three minutes in the busy hour: 0.1 erlang for each employee, "
            "at most 2 % of calls refused, no more channels than employees "
            "(https://erlangcalculator.pages.dev/blog/how-to-calculate-trunk-lines)\n"
            "blocking to expect at 422.1 erlangs: 1.6 %, that of the pool of all channels: "
            "a call refused on one profile tries the next"
        ) == str(suggestion)

    def test_one_of_each(self):
        """One employee, one channel, one profile."""
        assert str(suggest_channels(1)).startswith(
            "1 employee: buy 1 channel on 1 profile; 1 needed\n"
        )

    def test_next_to_nothing_in_words(self):
        """A blocking that no person cares for is not told to the last digit."""
        rare = str(suggest_channels(30, guideline=VICISTACK_AGENTS))

        assert "blocking to expect at 3 erlangs: below 0.001 %, that of the pool" in rare

    def test_many_profiles_are_counted(self):
        """Profiles that are alike are told as a number of them."""
        first = str(suggest_channels(10_000)).splitlines()[0]

        assert (
            "10,000 employees: buy 1,010 channels on 4 profiles, 3 × 300 + 110; 1,009 needed"
            == first
        )

    def test_in_a_notebook(self):
        """What comes from outside is escaped."""
        evil = Guideline("<script>", "a&b", Ratio(Fraction(1, 3)))
        page = suggest_channels(3, guideline=evil)._repr_html_()

        assert "&lt;script&gt;" in page
        assert "a&amp;b" in page
        assert "<script>" not in page

    def test_as_rows(self):
        """A row for each profile, with what holds for all of them beside it."""
        suggestion = suggest_channels(4221)
        shared = {
            "employees": 4221,
            "guideline": DEFAULT.name,
            "source": DEFAULT.source,
            "needed": 437,
            "erlangs": 422.1,
            "blocking": suggestion.blocking,
        }

        assert [
            {"profile": 1, "channels": 300, **shared},
            {"profile": 2, "channels": 140, **shared},
        ] == suggestion.to_records()

    @pytest.mark.parametrize(
        ("need", "expected"),
        [
            (Ratio(Fraction(1, 3)), "1 channel for 3 employees, rounded up"),
            (Ratio(Fraction(5, 2)), "5 channels for 2 employees, rounded up"),
            (Ratio(Fraction(1)), "1 channel for 1 employee, rounded up"),
            (EUPHORIA.need, "8 channels for 25 employees, rounded up, at least 4"),
        ],
    )
    def test_a_need_in_words(self, need, expected):
        """A ratio reads as its source would put it."""
        assert expected == str(need)

    def test_suggestions_are_values(self):
        """Equal by what was asked, and the same after a pickle."""
        suggestion = suggest_channels(30)
        again = pickle.loads(pickle.dumps(suggestion))

        assert Suggestion(30, DEFAULT, SKYPE_CONNECT) == suggestion == again
        assert suggestion != suggest_channels(30, guideline=CAZNET)
        assert suggestion.profiles == again.profiles
