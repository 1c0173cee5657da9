"""The sums behind the formulas of loss systems: Erlang's B and Engset's formula.

All sums have only positive terms, so that no digits cancel. This module checks no arguments.
"""

from math import lgamma, log, log1p, pi
from typing import Final, NamedTuple

__all__ = ["SCALE", "carried_per_refused", "log_poisson", "refused_part", "sum_states"]


#: The sums can reach 1 / blocking, which is larger than the largest float if the blocking is near
#: the smallest. So sums are scaled by this factor. A power of two adds no rounding error.
SCALE: Final = 2.0**-128


# A sum stops at a term that is this small relative to the sum. The terms shrink faster and faster,
# so the remaining terms do not change the result.
_NEGLIGIBLE: Final = 1e-20


class LossSums(NamedTuple):
    """Sums over the states of a loss system, from its top state down.

    A state is a number of busy channels. Its weight is its probability relative to that of the top
    state, in which all channels are busy, times ``SCALE``.

    Attributes:
        carried: the sum of the weights of all states below the top state.
        idle: the same sum, each weight times the number of idle channels.
        squares: the same sum, each weight times the square of that number.
    """

    carried: float
    idle: float
    squares: float

    @property
    def refused(self) -> float:
        """The part of calls that is refused."""
        return refused_part(self.carried)

    @property
    def accepted(self) -> float:
        """The part of calls that is not refused."""
        return self.carried / (SCALE + self.carried)

    @property
    def mean_idle(self) -> float:
        """The mean number of idle channels.

        It also says how the refused part grows with the load: by this many percent for a percent.
        """
        return self.idle / (SCALE + self.carried)

    @property
    def idle_variance(self) -> float:
        """The variance of the number of idle channels."""
        return self.squares / (SCALE + self.carried) - self.mean_idle**2


def refused_part(carried: float) -> float:
    """Return the part of calls that is refused, from the scaled number of carried calls for each.

    >>> from channelplans._loss_sums import SCALE, refused_part
    >>> refused_part(3 * SCALE)
    0.25
    """
    # The second form is more precise near 1.
    total = SCALE + carried
    return SCALE / total if carried > SCALE else 1 - carried / total


def carried_per_refused(erlangs: float, channels: int, scale: float) -> float:
    """Return the number of carried calls for each refused call by Erlang's B, times a scale.

    The number is 1 / blocking - 1. It is a sum with a term for each number of busy channels below
    ``channels``: its probability, relative to the probability that all channels are busy.
    """
    term, total, busy = scale, 0.0, float(channels)
    while term > total * _NEGLIGIBLE:
        term = term * busy / erlangs
        total += term
        busy -= 1.0
    return total


def sum_states(load: float, channels: int, sources: int | None) -> LossSums:
    """Return the sums over the states of a system with few sources, or of Erlang's B without.

    Args:
        load: the load of each idle source, or the whole load if there are no ``sources``.
        channels: the number of channels, at least 1.
        sources: the number of sources, more than ``channels``; None for an unlimited number.
    """
    # The load is constant with an unlimited number of sources, and else grows with the idle ones.
    idle_sources, growth = (1.0, 0.0) if sources is None else (float(sources - channels), 1.0)
    term, carried, idle, squares = SCALE, 0.0, 0.0, 0.0
    busy, idle_channels = float(channels), 1.0
    while term > carried * _NEGLIGIBLE:
        term = term * busy / (idle_sources * load)
        carried += term
        idle += term * idle_channels
        squares += term * idle_channels * idle_channels
        busy -= 1.0
        idle_channels += 1.0
        idle_sources += growth
    return LossSums(carried, idle, squares)


def log_poisson(erlangs: float, channels: int) -> float:
    """Return the logarithm of the Poisson probability of exactly this many calls at a time.

    Erlang's B divides this probability by the probability of at most ``channels`` calls. If the
    blocking is below the smallest float, the divisor is so near to 1 that it does not matter.
    """
    n, surplus = channels, channels - erlangs
    growth = log1p(surplus / erlangs) if surplus < erlangs else log(n) - log(erlangs)
    if n < 32:
        stirling_term = lgamma(n + 1) - n * log(n) + n
    else:
        stirling_term = log(2 * pi * n) / 2 + 1 / (12 * n) - 1 / (360 * n**3) + 1 / (1260 * n**5)
    return surplus - n * growth - stirling_term
