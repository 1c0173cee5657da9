"""Strategies and helpers of the property tests, beside ``channelplans.testing.strategies``."""

from fractions import Fraction

from hypothesis import strategies as st

from channelplans.money import Rounding
from channelplans.quantities import QuantityRule, Step
from channelplans.testing.strategies import roundings


def attempt(error_class, call, /, *args, **kwargs):
    """Return the result of a call, or the error of the given class that it raises."""
    try:
        return call(*args, **kwargs)
    except error_class as error:
        return error


def shares():
    """Draw exact shares from 0 to 1."""
    return st.fractions(0, 1, max_denominator=400) | st.sampled_from([Fraction(0), Fraction(1)])


@st.composite
def rules_of_two_sizes(draw, *, maximum=40):
    """Draw valid quantity rules that sell exactly two numbers."""
    low, high = sorted(draw(st.sets(st.integers(1, maximum), min_size=2, max_size=2)))
    return QuantityRule(low, high, (Step(low, high),), Rounding.UP)


@st.composite
def rule_arguments(draw, *, highest_maximum=24):
    """Draw arguments of small quantity rules, with bounds and steps in order.

    The rule can still be invalid, for example because it rounds a request beyond its bounds.
    """
    maximum = draw(st.integers(2, highest_maximum))
    minimum = draw(st.integers(1, maximum))
    thresholds = sorted(draw(st.sets(st.integers(0, maximum - 1), max_size=3)))
    steps = tuple(Step(threshold, draw(st.integers(1, 9))) for threshold in thresholds)
    return minimum, maximum, steps, draw(roundings())
