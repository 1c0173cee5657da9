"""Channels suggested for a number of employees, by traffic and by published guidelines."""

import math
import pickle
from collections.abc import Callable, Mapping
from contextlib import suppress
from decimal import Decimal
from fractions import Fraction
from typing import Any

import attrs
import mpmath
import numpy as np
import pytest

from channelplans import erlang, sizing
from channelplans.erlang import (
    channels_for,
    engset,
    engset_by_total_load,
    erlang_b,
    extended_erlang_b,
    load_for,
    log_erlang_b,
)
from channelplans.errors import ChannelPlansError, InvalidValue, TotalNotReachable, WrongType
from channelplans.money import Rounding
from channelplans.offers import SKYPE_CONNECT
from channelplans.quantities import QuantityRule, Step
from channelplans.sizing import (
    DEFAULT_GUIDELINE,
    GUIDELINES,
    Guideline,
    Ratio,
    Suggestion,
    Traffic,
    suggest_channels,
)

SMALLEST = 5e-324


EXTREME_VALUES = [
    *(0, 1, -1, 3, 10**7, 10**400, -(10**400), 10**5000),
    *(0.0, -0.0, 0.02, 1e-320, 1e308, math.inf, -math.inf, math.nan),
    *(Fraction(0), Fraction(1, 3), Fraction(-1, 3), Fraction(1.0000001)),
    *(Fraction(10**59), Fraction(1, 10**59), Fraction(10**59 + 1, 10**59)),
    *(Fraction(10**400), Fraction(1, 10**400), Fraction(10**400 + 1, 10**400)),
    *(Fraction(-(10**5000)), Fraction(10**5000), Fraction(1, 10**5000)),
    *(
        np.int64(1),
        np.int64(3),
        np.float64(0.02),
        np.float64("nan"),
        np.float32(0.5),
        np.longdouble(0.5),
    ),
    *(np.bool_(True), np.array(3), np.array([0.5]), Decimal("0.02"), Decimal("nan")),
    *(True, None, "1/3", "nan", b"2", 2j, [1], (), object()),
]


MAX_RELATIVE_ERROR = mpmath.mpf("1e-12")


def reference_erlang_b(erlangs, channels):
    """Return the blocking by the formula's definition, computed with 60 digits."""
    with mpmath.workdps(60):
        load = mpmath.mpf(erlangs)
        return top_state_probability(mpmath.mpf(busy) / load for busy in range(channels, 0, -1))


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


def make_offer(*limits):
    """Return the Skype offer with another quantity rule, made from the given arguments."""
    return attrs.evolve(SKYPE_CONNECT, quantity=QuantityRule(*limits))


def make_guideline(need):
    """Return a guideline with a need."""
    return Guideline("any", "here", need)


PUBLIC_CLASSES = (Guideline, Ratio, Suggestion, Traffic)


# A call for each argument of each public callable, with the value in that argument.
CALLS: dict[str, Callable[[Any], object]] = {
    "erlang_b erlangs": lambda value: erlang_b(value, 3),
    "erlang_b channels": lambda value: erlang_b(2, value),
    "log_erlang_b erlangs": lambda value: log_erlang_b(value, 3),
    "log_erlang_b channels": lambda value: log_erlang_b(2, value),
    "engset load_per_idle_source": lambda value: engset(value, 5, 3),
    "engset sources": lambda value: engset(0.1, value, 3),
    "engset channels": lambda value: engset(0.1, 5, value),
    "engset_by_total_load erlangs": lambda value: engset_by_total_load(value, 5, 3),
    "engset_by_total_load sources": lambda value: engset_by_total_load(2, value, 3),
    "engset_by_total_load channels": lambda value: engset_by_total_load(2, 5, value),
    "extended_erlang_b erlangs": lambda value: extended_erlang_b(value, 3, retries=0.5),
    "extended_erlang_b channels": lambda value: extended_erlang_b(2, value, retries=0.5),
    "extended_erlang_b retries": lambda value: extended_erlang_b(2, 3, retries=value),
    "load_for channels": lambda value: load_for(value, blocking=0.02),
    "load_for blocking": lambda value: load_for(3, blocking=value),
    "load_for retries": lambda value: load_for(3, blocking=0.02, retries=value),
    "load_for sources": lambda value: load_for(3, blocking=0.02, sources=value),
    "channels_for retries": lambda value: channels_for(3, blocking=0.02, retries=value),
    "channels_for sources": lambda value: channels_for(3, blocking=0.02, sources=value),
    "channels_for erlangs": lambda value: channels_for(value, blocking=0.02),
    "channels_for blocking": lambda value: channels_for(3, blocking=value),
    "Traffic erlangs": lambda value: Traffic(value, 0.02),
    "Traffic blocking": lambda value: Traffic(Fraction(1, 10), value),
    "Traffic.needed employees": Traffic(Fraction(1, 10), 0.02).needed,
    "Traffic.needed erlangs": lambda value: Traffic(value, 0.02).needed(10**7),
    "Traffic.needed blocking": lambda value: Traffic(Fraction(1, 10), value).needed(30),
    "Ratio channels": Ratio,
    "Ratio least": lambda value: Ratio(Fraction(1, 3), least=value),
    "Ratio erlangs": lambda value: Ratio(Fraction(1, 3), erlangs=value),
    "Ratio blocking": lambda value: Ratio(Fraction(1, 3), blocking=value),
    "Ratio.needed employees": Ratio(Fraction(1, 3)).needed,
    "Ratio.needed channels": lambda value: Ratio(value).needed(10**7),
    "Ratio.needed least": lambda value: Ratio(Fraction(1, 3), least=value).needed(1),
    "Guideline name": lambda value: Guideline(value, "here", Ratio(Fraction(1, 3))),
    "Guideline source": lambda value: Guideline("any", value, Ratio(Fraction(1, 3))),
    "Guideline need": make_guideline,
    "Suggestion employees": Suggestion,
    "Suggestion guideline": lambda value: Suggestion(30, value),
    "Suggestion offer": lambda value: Suggestion(30, offer=value),
    "Suggestion load": lambda value: Suggestion(30, make_guideline(Traffic(value, 0.02))),
    "Suggestion blocking": lambda value: Suggestion(
        30, make_guideline(Traffic(Fraction(1, 10), value))
    ),
    "Suggestion ratio": lambda value: Suggestion(30, make_guideline(Ratio(value))),
    "Suggestion least": lambda value: Suggestion(
        30, make_guideline(Ratio(Fraction(1, 3), least=value))
    ),
    "Suggestion load of a ratio": lambda value: Suggestion(
        30, make_guideline(Ratio(Fraction(1, 3), erlangs=value))
    ),
    "suggest_channels employees": suggest_channels,
    "suggest_channels erlangs": lambda value: suggest_channels(erlangs=value),
    "suggest_channels erlangs and employees": lambda value: suggest_channels(30, erlangs=value),
    "suggest_channels employees and erlangs": lambda value: suggest_channels(value, erlangs=3),
    "Suggestion measured_erlangs": lambda value: Suggestion(measured_erlangs=value),
    "suggest_channels load of a guideline": lambda value: suggest_channels(
        erlangs=3, guideline=make_guideline(Ratio(Fraction(1, 3), erlangs=value))
    ),
    "suggest_channels guideline": lambda value: suggest_channels(30, guideline=value),
    "suggest_channels offer": lambda value: suggest_channels(30, offer=value),
}


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
    def test_suggestion_uses_traffic_by_default(self, employees, needed, profiles):
        """The default is 0.1 erlang for each employee and a blocking of 2 % (H7)."""
        suggestion = suggest_channels(employees)

        assert (needed, profiles) == (suggestion.needed, suggestion.profiles)
        assert sum(profiles) == suggestion.channels
        assert employees / 10 == suggestion.erlangs
        assert DEFAULT_GUIDELINE == suggestion.guideline

    @pytest.mark.parametrize("employees", [10, 30, 300, 3000, 4221, 5000])
    def test_default_guideline_needs_the_fewest_channels_for_two_percent(self, employees):
        """The needed channels refuse at most 2 % of calls, and one channel fewer refuses more."""
        erlangs = employees / 10
        needed = suggest_channels(employees).needed

        assert reference_erlang_b(erlangs, needed) <= mpmath.mpf("0.02")
        assert reference_erlang_b(erlangs, needed - 1) > mpmath.mpf("0.02")

    @pytest.mark.parametrize(
        ("employees", "blocking"), [(1, Fraction(1, 11)), (2, Fraction(1, 61))]
    )
    def test_blocking_of_the_smallest_firms(self, employees, blocking):
        """One employee with one channel has 0.1 / 1.1; two employees with two have 0.02 / 1.22."""
        assert float(blocking) == pytest.approx(suggest_channels(employees).blocking, rel=1e-15)

    def test_suggestion_has_at_most_one_channel_for_each_employee(self):
        """One employee has one call at a time, so one channel is enough for one employee."""
        assert 2 == channels_for(0.1, blocking=0.02)
        assert 1 == suggest_channels(1).needed

    def test_suggestion_has_at_least_one_channel(self):
        """A guideline that allows every call to be refused still needs one channel."""
        guideline = Guideline("refuse all", "here", Traffic(Fraction(1, 10), blocking=1.0))

        assert 1 == suggest_channels(50, guideline=guideline).needed

    @pytest.mark.slow
    @pytest.mark.parametrize("guideline", GUIDELINES.values(), ids=GUIDELINES)
    @pytest.mark.parametrize("employees", [1, 30, 5000])
    def test_suggestion_names_its_guideline_and_the_blocking(self, guideline, employees):
        """A suggestion shows the guideline and its source.

        It states the blocking at 0.1 erlang for each employee.
        """
        erlangs = employees / 10
        suggestion = suggest_channels(employees, guideline=guideline)
        expected = reference_erlang_b(erlangs, suggestion.channels)

        assert guideline.name in str(suggestion)
        assert guideline.source in str(suggestion)
        assert guideline.source.startswith("https://")
        assert erlangs == suggestion.erlangs
        assert abs(suggestion.blocking - expected) <= MAX_RELATIVE_ERROR * expected + SMALLEST

    def test_guidelines_have_unique_names(self):
        """``GUIDELINES`` holds the default first, and 15 others (F 11)."""
        names = {guideline.name for guideline in GUIDELINES.values()}

        assert 16 == len(GUIDELINES) == len(names)
        assert DEFAULT_GUIDELINE == next(iter(GUIDELINES.values()))

    @pytest.mark.parametrize("key", GUIDELINES)
    def test_every_guideline_names_its_source(self, key):
        """Each entry of the mapping has the address of its source."""
        assert GUIDELINES[key].source.startswith("https://")

    @pytest.mark.parametrize(
        ("guideline", "employees", "expected"),
        [
            (GUIDELINES["caznet"], 30, 10),
            (GUIDELINES["siptrunk"], 30, 10),
            (GUIDELINES["siptrunk"], 31, 11),
            (GUIDELINES["lync-light"], 30, 2),
            (GUIDELINES["lync-light"], 1, 1),
            (GUIDELINES["lync-medium"], 30, 3),
            (GUIDELINES["lync-heavy"], 30, 6),
            (GUIDELINES["unity-connected"], 30, 8),
            (GUIDELINES["voip-de"], 10, 4),
            (GUIDELINES["netzschrauber"], 20, 5),
            (GUIDELINES["euphoria"], 25, 8),
            (GUIDELINES["euphoria"], 1, 4),
            (GUIDELINES["vicistack-office"], 50, 15),
            (GUIDELINES["vicistack-agents"], 50, 125),
            (GUIDELINES["telxi"], 5, 2),
            (GUIDELINES["voip-shop"], 10, 4),
            (GUIDELINES["voip-shop"], 15, 6),
            (GUIDELINES["imrunning"], 300, 100),
            (GUIDELINES["unitalk"], 5, 5),
        ],
    )
    def test_guideline_needs_the_channels_of_its_source(self, guideline, employees, expected):
        """Each guideline needs the number of channels in its source, rounded up (F 11)."""
        assert expected == suggest_channels(employees, guideline=guideline).needed

    def test_suggestion_splits_channels_over_profiles(self):
        """A need of 437 channels becomes 300 + 140, the least total of two profiles (H6)."""
        guideline = Guideline("exact", "here", Ratio(Fraction(437)))
        suggestion = suggest_channels(1, guideline=guideline)

        assert (437, (300, 140), 440) == (
            suggestion.needed,
            suggestion.profiles,
            suggestion.channels,
        )

    @pytest.mark.parametrize(
        ("limits", "employees", "needed", "profiles"),
        [
            ((10, 50), 30, 8, (10,)),
            ((2, 50, (Step(0, 5),), Rounding.UP), 30, 8, (10,)),
            ((1, 20), 300, 39, (20, 19)),
            ((1, 1), 30, 8, (1,) * 8),
            ((1, 1000), 5000, 514, (514,)),
        ],
    )
    def test_suggestion_follows_the_quantity_rule_of_the_offer(
        self, limits, employees, needed, profiles
    ):
        """Each profile of a suggestion has a number of channels that the offer sells."""
        suggestion = suggest_channels(employees, offer=make_offer(*limits))

        assert (needed, profiles) == (suggestion.needed, suggestion.profiles)

    def test_suggestion_refuses_more_than_a_million_profiles(self):
        """Ten million channels do not fit in a million profiles of at most 9 channels (H6)."""
        with pytest.raises(TotalNotReachable, match=r"10,000,000 channels .* 1,000,000 profiles"):
            suggest_channels(10**7, guideline=GUIDELINES["unitalk"], offer=make_offer(1, 9))

    def test_suggestion_refuses_more_than_a_hundred_million_channels(self):
        """A guideline that needs 110 million channels is refused."""
        guideline = Guideline("too many", "here", Ratio(Fraction(11)))

        with pytest.raises(InvalidValue, match=r"channels must be .* at most 100,000,000"):
            suggest_channels(10**7, guideline=guideline, offer=make_offer(1, 10**6))

    def test_suggestion_uses_the_traffic_of_the_guideline(self):
        """A guideline with its own traffic states the blocking at that traffic."""
        busy = Guideline("busy", "here", Traffic(Fraction(1, 3), blocking=0.01))
        suggestion = suggest_channels(30, guideline=busy)

        assert (18, 10.0) == (suggestion.needed, suggestion.erlangs)
        assert erlang_b(10, 18) == suggestion.blocking <= 0.01

    @pytest.mark.parametrize(
        "make_need",
        [
            lambda: Ratio(Fraction(0)),
            lambda: Ratio(Fraction(-1, 3)),
            lambda: Ratio(Fraction(1, 3), least=0),
            lambda: Ratio(Fraction(1, 3), erlangs=Fraction(0)),
            lambda: Traffic(Fraction(0), blocking=0.02),
            lambda: Traffic(Fraction(-1), blocking=0.02),
        ],
    )
    def test_needs_of_zero_or_less_are_refused(self, make_need):
        """A ratio, a load and the least number of channels are above 0."""
        with pytest.raises(InvalidValue, match=r"must be (above 0|at least 1), not"):
            make_need()

    @pytest.mark.parametrize(
        ("function", "arguments"),
        [
            (Ratio, {"channels": 0.3}),
            (Ratio, {"channels": None}),
            (Traffic, {"erlangs": 0.1, "blocking": 0.02}),
            (Traffic, {"erlangs": Fraction(1, 10), "blocking": None}),
            (Guideline, {"name": "name", "source": "source", "need": Fraction(1, 3)}),
            (suggest_channels, {"employees": 3, "guideline": "caznet"}),
            (suggest_channels, {"employees": 3, "guideline": None}),
            (suggest_channels, {"employees": 3, "offer": "skype"}),
        ],
    )
    def test_arguments_of_wrong_types_are_refused(self, function, arguments):
        """A need, a guideline and an offer refuse arguments of other types."""
        with pytest.raises(WrongType, match=r"must be an? "):
            function(**arguments)


class TestNumbersOfNeeds:
    @pytest.mark.parametrize("number", ["0.25", Fraction(1, 4), Fraction("0.250"), "+0.250"])
    def test_needs_take_a_fraction_or_decimal_text(self, number):
        """Decimal text is read exactly, so both forms give equal needs."""
        assert Fraction(1, 4) == Traffic(number, blocking=number).erlangs == Ratio(number).channels
        assert Traffic(Fraction(1, 4), blocking=0.25) == Traffic(number, blocking=number)
        assert Ratio(Fraction(1, 4), erlangs=Fraction(1, 4), blocking=0.25) == Ratio(
            number, erlangs=number, blocking=number
        )

    @pytest.mark.parametrize("number", [1, "1", Fraction(1), np.int64(1)])
    def test_needs_take_a_whole_number(self, number):
        """An int is a load, a ratio and a blocking; the blocking is kept as a float."""
        traffic = Traffic(number, blocking=number)

        assert Traffic(Fraction(1), blocking=1.0) == traffic
        assert (Fraction, float) == (type(traffic.erlangs), type(traffic.blocking))
        assert Ratio(Fraction(1), erlangs=Fraction(1)) == Ratio(number, erlangs=number)

    @pytest.mark.parametrize("text", ["1/3", "2 %", "", " 0.1", "1e-2", "nan", "0,1"])
    def test_needs_refuse_text_that_is_not_decimal(self, text):
        """The error names the field and shows what works."""
        for parameter, make_need in (
            ("erlangs", lambda: Traffic(text, 0.02)),
            ("blocking", lambda: Traffic("0.1", text)),
            ("channels", lambda: Ratio(text)),
            ("erlangs", lambda: Ratio("0.1", erlangs=text)),
            ("blocking", lambda: Ratio("0.1", blocking=text)),
        ):
            with pytest.raises(InvalidValue, match='decimal text such as "0') as caught:
                make_need()

            assert parameter == caught.value.parameter

    @pytest.mark.parametrize("value", [0.1, True, None, Decimal("0.1")])
    def test_needs_refuse_other_loads(self, value):
        """A float is not exact, so it is no load or ratio; the error says what works."""
        for make_need in (lambda: Traffic(value, 0.02), lambda: Ratio(value)):
            with pytest.raises(
                WrongType, match=r"must be a Fraction, a whole number \(int\) or dec"
            ):
                make_need()


class TestMeasuredTraffic:
    @pytest.mark.parametrize(
        ("erlangs", "expected"), [(3, 8), (4.2, 9), (Fraction(21, 5), 9), (0, 1), (500, 514)]
    )
    def test_suggestion_from_measured_traffic_needs_the_channels_for_it(self, erlangs, expected):
        """The channels refuse at most 2 % of the measured traffic, and there is at least one."""
        suggestion = suggest_channels(erlangs=erlangs)

        assert expected == suggestion.needed
        assert float(erlangs) == suggestion.erlangs == suggestion.measured_erlangs
        assert (None, None) == (suggestion.employees, suggestion.advised)
        assert erlang_b(erlangs, suggestion.channels) == suggestion.blocking <= 0.02

    def test_measured_traffic_uses_the_blocking_of_the_guideline(self):
        """A stricter guideline needs more channels, and so does a ratio with its own blocking."""
        strict = Guideline("strict", "here", Traffic("0.1", blocking="0.001"))
        strict_ratio = Guideline("strict", "here", Ratio("0.1", blocking="0.001"))

        assert 12 == suggest_channels(erlangs=4, guideline=strict).needed
        assert 12 == suggest_channels(erlangs=4, guideline=strict_ratio).needed
        assert 9 == suggest_channels(erlangs=4, guideline=GUIDELINES["lync-light"]).needed

    def test_measured_traffic_decides_and_employees_are_compared(self):
        """With both, the channels come from the traffic; the guideline's number is shown."""
        suggestion = suggest_channels(30, erlangs=4.2)

        assert (30, 8, 9) == (suggestion.employees, suggestion.advised, suggestion.needed)
        assert Suggestion(30, measured_erlangs=4.2) == suggestion != suggest_channels(30)
        assert suggestion == pickle.loads(pickle.dumps(suggestion))

    def test_without_measured_traffic_the_advised_channels_are_needed(self):
        """The guideline decides if nothing was measured."""
        suggestion = suggest_channels(30)

        assert (8, 8, None) == (
            suggestion.advised,
            suggestion.needed,
            suggestion.measured_erlangs,
        )

    def test_measured_traffic_as_text(self):
        """The text compares the traffic with the employees that would make it by the guideline."""
        first_line, guideline, comparison, blocking = str(suggest_channels(erlangs=4.2)).split("\n")

        assert "4.2 erlangs measured: buy 9 channels on 1 profile; 9 needed" == first_line
        assert guideline.startswith("guideline: two calls of three minutes")
        assert (
            "comparison: the traffic is that of about 42 employees with 0.1 erlang each, "
            "as in the guideline"
        ) == comparison
        assert blocking.startswith("expected blocking at 4.2 erlangs: 1.7 %")

    @pytest.mark.parametrize(
        ("erlangs", "expected"),
        [
            (4.2, "1 fewer than the measured traffic needs; 0.14 erlang each"),
            (3, "as many as the measured traffic needs; 0.1 erlang each"),
            (1, "4 more than the measured traffic needs; 0.033 erlang each"),
        ],
    )
    def test_measured_traffic_with_employees_as_text(self, erlangs, expected):
        """The text compares the measured with the assumed traffic, in channels and erlangs."""
        text = str(suggest_channels(30, erlangs=erlangs))
        unit = "erlang" if erlangs == 1 else "erlangs"

        assert text.startswith(f"{erlangs} {unit} measured for 30 employees: buy ")
        assert (
            f"comparison: the guideline advises 8 channels for 30 employees, {expected} measured, "
            "0.1 erlang each assumed"
        ) in text

    def test_to_records_have_the_measured_traffic(self):
        """Each row has the measured load, the advised and the needed channels."""
        (row,) = suggest_channels(30, erlangs=4.2).to_records()

        assert (4.2, 4.2, 8, 9) == (
            row["measured_erlangs"],
            row["erlangs"],
            row["advised"],
            row["needed"],
        )

    def test_suggestion_without_employees_and_traffic_is_refused(self):
        """The error says that one of the two is needed."""
        for call in (suggest_channels, Suggestion):
            with pytest.raises(WrongType, match="if there are no erlangs, not None") as caught:
                call()

            assert "employees" == caught.value.parameter

    @pytest.mark.parametrize("erlangs", [-1, math.inf, math.nan, 10**7 + 1])
    def test_measured_traffic_out_of_bounds_is_refused(self, erlangs):
        """The error names the parameter of the function that was called."""
        with pytest.raises(InvalidValue, match=r"^erlangs must be "):
            suggest_channels(erlangs=erlangs)

    def test_employees_are_checked_beside_measured_traffic(self):
        """A wrong number of employees is refused, although the traffic decides."""
        with pytest.raises(InvalidValue, match="employees must be at least 1"):
            suggest_channels(0, erlangs=3)


class TestExtremeValues:
    def test_every_public_callable_is_called(self):
        """``CALLS`` has each public callable of the two modules."""
        called = {name.split()[0].split(".")[0] for name in CALLS}
        public = {
            name
            for module in (erlang, sizing)
            for name in module.__all__
            if not isinstance(getattr(module, name), Guideline | Mapping | int)
        }

        assert public == called

    @pytest.mark.slow
    @pytest.mark.parametrize("name", CALLS)
    def test_only_library_errors_are_raised(self, name):
        """Each extreme value is accepted, or refused with a library error.

        The error message is short. A result can be printed, hashed and shown as rows.
        """
        longest_message = ""
        for value in EXTREME_VALUES:
            try:
                result = CALLS[name](value)
            except ChannelPlansError as error:
                longest_message = max(longest_message, str(error), key=len)
            else:
                assert str(result)
                assert repr(result)
                assert hash(result) == hash(result)
                assert not isinstance(result, Suggestion) or result.to_records()

        assert 0 < len(longest_message) < 250

    @pytest.mark.parametrize("name", CALLS)
    def test_results_are_plain_numbers(self, name):
        """A NumPy argument never gives a NumPy result."""
        for value in EXTREME_VALUES:
            with suppress(ChannelPlansError):
                assert type(CALLS[name](value)) in {int, float, *PUBLIC_CLASSES}

    @pytest.mark.parametrize("parameter", ["erlangs", "channels"])
    @pytest.mark.parametrize(
        "value",
        [
            Fraction(10**60),
            Fraction(-(10**60)),
            Fraction(1, 10**60),
            Fraction(10**60 + 1, 10**60),
            Fraction(10**5000),
        ],
    )
    def test_needs_refuse_fractions_of_more_than_60_digits(self, parameter, value):
        """A need refuses a long fraction when the need is made, and the error names the field."""
        arguments = {"channels": Fraction(1, 3), parameter: value}
        with pytest.raises(
            InvalidValue, match="a fraction of two numbers with at most 60"
        ) as caught:
            Ratio(**arguments)
        if parameter == "erlangs":
            with pytest.raises(InvalidValue, match="a fraction of two numbers with at most 60"):
                Traffic(value, 0.02)

        assert parameter == caught.value.parameter

    @pytest.mark.parametrize("value", [Fraction(10**60 - 1), Fraction(1, 10**60 - 1)])
    def test_needs_accept_fractions_of_60_digits(self, value):
        """A need accepts 60 digits in the numerator and in the denominator, and prints them."""
        ratio = Ratio(value, erlangs=value)
        traffic = Traffic(value, 0.02)

        assert f"{10**60 - 1:,}" in str(ratio)
        assert f"{float(value):g} erlang" in str(traffic)

    def test_needed_refuses_more_than_ten_million_erlangs(self):
        """The load of all employees is at most ten million erlangs."""
        with pytest.raises(InvalidValue, match="erlangs must be at most 10,000,000, not 2"):
            Traffic(Fraction(2), 0.02).needed(10**7)


class TestPresentation:
    def test_suggestion_as_text(self):
        """The text states what to buy, the guideline with its source, and the blocking."""
        suggestion = suggest_channels(4221)

        assert (
            "4,221 employees: buy 440 channels on 2 profiles, 300 + 140; 437 needed\n"
            "guideline: two calls of three minutes in the busy hour: 0.1 erlang for each employee, "
            "at most 2 % of calls refused, no more channels than employees "
            "(https://erlangcalculator.pages.dev/blog/how-to-calculate-trunk-lines)\n"
            "expected blocking at 422.1 erlangs: 1.6 %, if "
            "a call refused on one profile tries the next"
        ) == str(suggestion)

    def test_text_uses_the_singular_for_one(self):
        """One employee, one channel and one profile are written in the singular."""
        text = str(suggest_channels(1))

        assert text.startswith("1 employee: buy 1 channel on 1 profile; 1 needed\n")

    def test_text_rounds_a_tiny_blocking(self):
        """The text shows a blocking below 0.001 % only as "below 0.001 %"."""
        text = str(suggest_channels(30, guideline=GUIDELINES["vicistack-agents"]))

        assert "expected blocking at 3 erlangs: below 0.001 %, if a call refused" in text

    def test_text_groups_equal_profiles(self):
        """Profiles with the same number of channels are counted, as in "3 × 300"."""
        first_line, *_ = str(suggest_channels(10_000)).splitlines()

        assert (
            "10,000 employees: buy 1,010 channels on 4 profiles, 3 × 300 + 110; 1,009 needed"
            == first_line
        )

    def test_html_escapes_a_guideline(self):
        """The name and the source of a guideline are escaped in a notebook."""
        guideline = Guideline("<script>", "a&b", Ratio(Fraction(1, 3)))
        html = suggest_channels(3, guideline=guideline)._repr_html_()

        assert "&lt;script&gt;" in html
        assert "a&amp;b" in html
        assert "<script>" not in html

    def test_to_records_has_a_row_for_each_profile(self):
        """Each row holds the channels of one profile and repeats the columns of the suggestion."""
        suggestion = suggest_channels(4221)
        shared_columns = {
            "employees": 4221,
            "measured_erlangs": None,
            "advised": 437,
            "guideline": DEFAULT_GUIDELINE.name,
            "source": DEFAULT_GUIDELINE.source,
            "needed": 437,
            "erlangs": 422.1,
            "blocking": suggestion.blocking,
        }

        assert [
            {"profile": 1, "channels": 300, **shared_columns},
            {"profile": 2, "channels": 140, **shared_columns},
        ] == suggestion.to_records()

    @pytest.mark.parametrize(
        ("need", "expected"),
        [
            (Ratio(Fraction(1, 3)), "1 channel for 3 employees, rounded up"),
            (Ratio(Fraction(5, 2)), "5 channels for 2 employees, rounded up"),
            (Ratio(Fraction(1)), "1 channel for 1 employee, rounded up"),
            (GUIDELINES["euphoria"].need, "8 channels for 25 employees, rounded up, at least 4"),
        ],
    )
    def test_ratio_as_text(self, need, expected):
        """The text states a ratio in whole channels and employees."""
        assert expected == str(need)

    def test_suggestions_compare_by_value_and_pickle(self):
        """Suggestions are equal if their arguments are equal, and an unpickled copy is equal."""
        suggestion = suggest_channels(30)
        unpickled = pickle.loads(pickle.dumps(suggestion))

        assert Suggestion(30, DEFAULT_GUIDELINE, SKYPE_CONNECT) == suggestion == unpickled
        assert suggestion != suggest_channels(30, guideline=GUIDELINES["caznet"])
        assert suggestion.profiles == unpickled.profiles
