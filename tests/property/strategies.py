"""What the laws are tried on beside ``channelplans.testing.strategies``."""

from fractions import Fraction

from hypothesis import strategies as st

from channelplans.money import Rounding
from channelplans.rules import QuantityRule, Step
from channelplans.testing.strategies import roundings


def attempt(error, call, /, *arguments, **named):
    """Return what a call returns, or the error of this kind that it raises."""
    try:
        return call(*arguments, **named)
    except error as raised:
        return raised


def shares():
    """Exact parts from nothing to all."""
    return st.fractions(0, 1, max_denominator=400) | st.sampled_from([Fraction(0), Fraction(1)])


@st.composite
def rules_of_two_sizes(draw, *, most=40):
    """Legal rules that sell two numbers, far apart or near."""
    low, high = sorted(draw(st.sets(st.integers(1, most), min_size=2, max_size=2)))
    return QuantityRule(low, high, (Step(low, high),), Rounding.UP)


def rule_arguments(*, most=24):
    """Arguments of small quantity rules, legal or not, whose bounds and steps are in order."""

    @st.composite
    def arguments(draw):
        maximum = draw(st.integers(2, most))
        minimum = draw(st.integers(1, maximum))
        above = sorted(draw(st.sets(st.integers(0, maximum - 1), max_size=3)))
        steps = tuple(Step(each, draw(st.integers(1, 9))) for each in above)
        return minimum, maximum, steps, draw(roundings())

    return arguments()
