"""How often a call is refused: Erlang's B (1917) and Engset's (1918) formulas.

The ITU's Teletraffic Engineering Handbook has both, in its part on loss systems. This module does
not know offers or employees.
"""

from math import inf, lgamma, log, log1p, pi
from numbers import Real
from typing import Final

from channelplans._checks import bounded, shown
from channelplans.errors import InvalidValue, WrongType

__all__ = [
    "channels_for",
    "engset",
    "erlang_b",
    "log_erlang_b",
]


_MOST_CHANNELS: Final = 10**8


_MOST_ERLANGS: Final = 10**7


_LEAST_BLOCKING: Final = 1e-300


# The sums below can reach 1 / blocking, which is larger than the largest float if the blocking is
# near the smallest. So sums are scaled by this factor. A power of two adds no rounding error.
_SCALE: Final = 2.0**-128


# A sum stops at a term that is this small relative to the sum. The terms shrink faster and faster,
# so the remaining terms do not change the result.
_NEGLIGIBLE: Final = 1e-20


# A relative difference far above the rounding error of a sum. Within it, channels_for compares
# with erlang_b itself.
_TOLERANCE: Final = 1e-11


def erlang_b(erlangs: float, channels: int) -> float:
    """Return the part of calls that a number of channels refuses, by Erlang's B formula.

    The relative error is at most 1e-12 if the result is a normal float. The result is 0.0 only if
    it is below the smallest float; use ``log_erlang_b`` for such values.

    Args:
        erlangs: the offered load, from 0 to 1.7e308: the calls per hour times their mean length in
            hours.
        channels: the number of channels, from 0 to a hundred million.

    Raises:
        WrongType: a value is not a number, or ``channels`` is not a whole number.
        InvalidValue: a value is negative, not finite or too large.

    >>> from channelplans import erlang_b
    >>> erlang_b(2, 3)
    0.21052631578947367
    >>> f"{erlang_b(500, 555):.6f}"
    '0.000920'
    """
    erlangs, channels = _load("erlangs", erlangs), bounded("channels", channels, 0, _MOST_CHANNELS)
    if not erlangs:
        return 0.0 if channels else 1.0
    return _SCALE / (_SCALE + _carried_per_refused(erlangs, channels, _SCALE))


def log_erlang_b(erlangs: float, channels: int) -> float:
    """Return the natural logarithm of ``erlang_b``, even if that is below the smallest float.

    The result is minus infinity if no call is refused, that is, without any load. A fraction that
    rounds to the float 0.0 counts as no load.

    Args:
        erlangs: the offered load, from 0 to 1.7e308: the calls per hour times their mean length in
            hours.
        channels: the number of channels, from 0 to a hundred million.

    Raises:
        WrongType: a value is not a number, or ``channels`` is not a whole number.
        InvalidValue: a value is negative, not finite or too large.

    >>> from channelplans import erlang_b
    >>> from channelplans.erlang import log_erlang_b
    >>> erlang_b(200, 10_000), f"{log_erlang_b(200, 10_000):.7f}"
    (0.0, '-29325.7541713')
    """
    erlangs, channels = _load("erlangs", erlangs), bounded("channels", channels, 0, _MOST_CHANNELS)
    if not (erlangs and channels):
        return -inf if channels else 0.0
    carried = _carried_per_refused(erlangs, channels, 1.0)
    return -log1p(carried) if carried < inf else _log_poisson(erlangs, channels)


def engset(load_per_idle_source: float, sources: int, channels: int) -> float:
    """Return the part of calls that is refused if few sources make them, by Engset's formula.

    A source, such as a person, does not begin a call during another call. So fewer calls are
    refused than by Erlang's B for the same load. The result is the call congestion: refused calls
    divided by attempted calls. It is as precise as ``erlang_b``, and 0.0 if there is a channel for
    each source.

    Args:
        load_per_idle_source: the load, from 0 to 1.7e308: the calls per hour that an idle source
            begins, times their mean length in hours. If no call is refused and a source is busy
            for a part p of the time, its load is p / (1 - p).
        sources: the number of sources, from 0 to a hundred million.
        channels: the number of channels, from 0 to a hundred million.

    Raises:
        WrongType: a value is not a number, or a count is not a whole number.
        InvalidValue: a value is negative, not finite or too large.

    >>> from channelplans import engset
    >>> engset(1, 3, 2), engset(1, 3, 3)
    (0.25, 0.0)
    """
    load = _load("load_per_idle_source", load_per_idle_source)
    sources = bounded("sources", sources, 0, _MOST_CHANNELS)
    channels = bounded("channels", channels, 0, _MOST_CHANNELS)
    if channels >= sources:
        return 0.0
    if not load:
        return 0.0 if channels else 1.0
    # The same sum as _carried_per_refused, but the load grows with the number of idle sources.
    term, carried, busy, idle = _SCALE, 0.0, float(channels), float(sources - channels)
    while term > carried * _NEGLIGIBLE:
        term = term * busy / (idle * load)
        carried += term
        busy -= 1.0
        idle += 1.0
    return _SCALE / (_SCALE + carried)


def channels_for(erlangs: float, *, blocking: float) -> int:
    """Return the smallest number of channels that refuses at most a given part of the calls.

    The result is the smallest number of channels for which ``erlang_b`` is at most ``blocking``.

    Args:
        erlangs: the offered load, from 0 to ten million.
        blocking: the part of calls that may be refused, from 1e-300 to 1. It cannot be 0: no
            number of channels guarantees that no call is refused.

    Raises:
        WrongType: a value is not a number.
        InvalidValue: a value is negative, not finite, too small or too large.

    >>> from channelplans import channels_for
    >>> channels_for(3, blocking=0.02), channels_for(500, blocking=0.001)
    (8, 555)
    """
    erlangs, blocking = _load("erlangs", erlangs), checked_blocking("blocking", blocking)
    if erlangs > _MOST_ERLANGS:
        raise InvalidValue("erlangs", f"{erlangs}", f"at most {_MOST_ERLANGS:,}")
    if not erlangs:
        return int(blocking < 1)
    # The channels must be able to carry the load that is not refused, so no smaller number is
    # enough. Start there and add channels one by one.
    channels = int(erlangs * (1 - blocking))
    carried = _carried_per_refused(erlangs, channels, _SCALE)
    needed = _SCALE * (1 - blocking) / blocking
    while carried < needed * (1 - _TOLERANCE) or (
        carried < needed * (1 + _TOLERANCE) and erlang_b(erlangs, channels) > blocking
    ):
        channels += 1
        carried = (_SCALE + carried) * channels / erlangs
    return channels


def _carried_per_refused(erlangs: float, channels: int, scale: float) -> float:
    """Return the number of carried calls for each refused call, times a scale.

    The number is 1 / blocking - 1. It is a sum with a term for each number of busy channels below
    ``channels``: its probability, relative to the probability that all channels are busy.
    """
    term, total, busy = scale, 0.0, float(channels)
    while term > total * _NEGLIGIBLE:
        term = term * busy / erlangs
        total += term
        busy -= 1.0
    return total


def _log_poisson(erlangs: float, channels: int) -> float:
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


def _load(parameter: str, value: float) -> float:
    load = _number(parameter, value)
    if not 0 <= load < inf:
        raise InvalidValue(parameter, f"{load}", "a finite number of at least 0")
    return load


def checked_blocking(parameter: str, value: float) -> float:
    """Return the part of calls that may be refused, as a float from 1e-300 to 1."""
    part = _number(parameter, value)
    if not _LEAST_BLOCKING <= part <= 1:
        raise InvalidValue(parameter, f"{part}", f"at least {_LEAST_BLOCKING} and at most 1")
    return part


def _number(parameter: str, value: float) -> float:
    if not isinstance(value, Real) or isinstance(value, bool):
        raise WrongType(parameter, shown(value), "a number (int or float)")
    try:
        return float(value)
    except OverflowError:
        return inf if value > 0 else -inf
