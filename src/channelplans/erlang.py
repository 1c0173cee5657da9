"""How often a call is refused: Erlang's B (1917), Engset's (1918) and Extended Erlang B (1980).

The ITU's Teletraffic Engineering Handbook has the first two, in its part on loss systems. Extended
Erlang B is from "Designing Optimal Voice Networks for Businesses, Government, and Telephone
Companies" by Jewett, Shrago and Yomtov (1980). This module does not know offers or employees.
"""

from fractions import Fraction
from math import exp, inf, log, log1p, nextafter, sqrt
from numbers import Real
from typing import Final

from channelplans._checks import bounded, shown
from channelplans._loss_sums import (
    SCALE,
    carried_per_refused,
    log_poisson,
    refused_part,
    sum_states,
)
from channelplans.errors import InvalidValue, WrongType

__all__ = [
    "channels_for",
    "engset",
    "engset_by_total_load",
    "erlang_b",
    "extended_erlang_b",
    "load_for",
    "log_erlang_b",
]


_MOST_CHANNELS: Final = 10**8


_MOST_ERLANGS: Final = 10**7


_LEAST_BLOCKING: Final = 1e-300


_SMALLEST: Final = nextafter(0.0, 1.0)


_SMALLEST_NORMAL: Final = 2.0**-1022


# A relative difference far above the rounding error of a sum. Within it, channels_for compares
# with erlang_b or engset itself. Newton's method ends with a relative step that is not larger: the
# error after the step has the size of its square.
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
    erlangs, channels = checked_load("erlangs", erlangs), _count("channels", channels)
    if not erlangs:
        return 0.0 if channels else 1.0
    return refused_part(carried_per_refused(erlangs, channels, SCALE))


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
    erlangs, channels = checked_load("erlangs", erlangs), _count("channels", channels)
    if not (erlangs and channels):
        return -inf if channels else 0.0
    carried = carried_per_refused(erlangs, channels, 1.0)
    return -log1p(carried) if carried < inf else log_poisson(erlangs, channels)


def extended_erlang_b(erlangs: float, channels: int, *, retries: float) -> float:
    """Return the part of attempts that is refused if a part of the refused calls tries again.

    This is Extended Erlang B (EEB). A retry is refused as often as a first attempt, and can be
    repeated. With the blocking B, the offered load including retries is
    ``erlangs / (1 - retries * B)``, and B is Erlang's B for that load. The result is as precise as
    ``erlang_b``.

    Args:
        erlangs: the load of the first attempts, from 0 to 1.7e308.
        channels: the number of channels, from 0 to a hundred million.
        retries: the recall factor: the part of refused attempts that is tried again, from 0 to 1.
            With 1, everyone tries until the call is accepted. Then the blocking is 1.0 if the
            channels cannot carry the load.

    Raises:
        WrongType: a value is not a number, or ``channels`` is not a whole number.
        InvalidValue: a value is negative, not finite or too large.

    >>> from channelplans.erlang import erlang_b, extended_erlang_b
    >>> f"{erlang_b(8, 10):.4f}", f"{extended_erlang_b(8, 10, retries=0.5):.4f}"
    ('0.1217', '0.1520')
    """
    refused, retries = erlang_b(erlangs, channels), _checked_retries(retries)
    erlangs, channels = float(erlangs), int(channels)
    if not (0 < refused < 1 and retries):
        return refused
    if retries == 1 and erlangs >= channels:
        return 1.0
    # Newton's method for the load including retries. The load that is carried is a concave
    # function of that load, so each step increases the load and none goes too far.
    load = erlangs
    while True:
        sums = sum_states(load, channels, None)
        refused, idle = sums.refused, sums.mean_idle
        retried = retries * load * refused
        # Both branches compute the same numbers. The first has more digits if few channels are
        # idle: the first attempts are the carried calls and those that are not tried again.
        if idle < retried:
            excess = (channels - erlangs) - idle + (1 - retries) * load * refused
            slope = (1 - retries) + retries * sums.idle_variance / load
        else:
            excess = (load - erlangs) - retried
            slope = 1 - retries * refused * (1 + idle)
        step = excess / (load * slope)
        if abs(step) < _TOLERANCE:
            return refused * (1 - idle * step)
        load *= 1 - step


def engset(load_per_idle_source: float, sources: int, channels: int) -> float:
    """Return the part of calls that is refused if few sources make them, by Engset's formula.

    A source, such as a person, does not begin a call during another call. So fewer calls are
    refused than by Erlang's B for the same load. The result is the call congestion: refused calls
    divided by attempted calls. It is as precise as ``erlang_b``, and 0.0 if there is a channel for
    each source.

    Args:
        load_per_idle_source: the load, from 0 to 1.7e308: the calls per hour that an idle source
            begins, times their mean length in hours. If no call is refused and a source is busy
            for a part p of the time, its load is p / (1 - p). Use ``engset_by_total_load`` if you
            know the load of all sources together.
        sources: the number of sources, from 0 to a hundred million.
        channels: the number of channels, from 0 to a hundred million.

    Raises:
        WrongType: a value is not a number, or a count is not a whole number.
        InvalidValue: a value is negative, not finite or too large.

    >>> from channelplans import engset
    >>> engset(1, 3, 2), engset(1, 3, 3)
    (0.25, 0.0)
    """
    load = checked_load("load_per_idle_source", load_per_idle_source)
    sources, channels = _count("sources", sources), _count("channels", channels)
    if channels >= sources:
        return 0.0
    if not load:
        return 0.0 if channels else 1.0
    return sum_states(load, channels, sources).refused


def engset_by_total_load(erlangs: float, sources: int, channels: int) -> float:
    """Return the part of calls that is refused, by Engset's formula for the total offered load.

    The total load of all sources includes the refused calls, as in printed tables and calculators.
    If the part P is refused, a source with the load ``a = erlangs / sources`` is busy for the part
    ``a * (1 - P)`` of the time, so an idle source has the load ``a / (1 - a * (1 - P))``. P is
    ``engset`` for this load; the ITU's handbook and "Fast Engset computation" by Azimzadeh and
    Carpenter (2016) have the equation. The result is as precise as ``erlang_b``, and 0.0 if there
    is a channel for each source.

    Args:
        erlangs: the offered load of all sources together, from 0 to 1.7e308.
        sources: the number of sources, from 0 to a hundred million.
        channels: the number of channels, from 0 to a hundred million.

    Raises:
        WrongType: a value is not a number, or a count is not a whole number.
        InvalidValue: a value is negative, not finite or too large.

    >>> from channelplans.erlang import engset_by_total_load
    >>> f"{engset_by_total_load(4, sources=20, channels=5):.3f}"
    '0.181'
    """
    erlangs = checked_load("erlangs", erlangs)
    sources, channels = _count("sources", sources), _count("channels", channels)
    if channels >= sources:
        return 0.0
    if not (erlangs and channels):
        return 0.0 if channels else 1.0
    # Newton's method for the load of an idle source. It starts at the largest possible load, and
    # each step decreases the load. The fractions keep the digits that would cancel if nearly all
    # sources are busy.
    load, total = max(erlangs / (sources - min(channels, erlangs)), _SMALLEST), Fraction(erlangs)
    while True:
        sums = sum_states(load, channels, sources)
        refused, idle = sums.refused, sums.mean_idle
        if not refused:
            return 0.0
        accepted = 1 - Fraction(refused) if refused < 0.5 else Fraction(sums.accepted)
        excess = float(Fraction(load) * (sources - total * accepted) / total - 1)
        step = excess / (1 + excess + load * refused * idle)
        # A smaller load has too few digits for another step.
        if abs(step) < _TOLERANCE or load < _SMALLEST_NORMAL:
            return refused * (1 - idle * step)
        load *= 1 - step


def channels_for(
    erlangs: float, *, blocking: float, retries: float = 0, sources: int | None = None
) -> int:
    """Return the smallest number of channels that refuses at most a given part of the calls.

    The result is the smallest number of channels for which ``erlang_b`` is at most ``blocking``.
    With ``retries``, it is the smallest number by ``extended_erlang_b``; with ``sources``, by
    ``engset_by_total_load``.

    Args:
        erlangs: the offered load, from 0 to ten million: that of the first attempts if there are
            ``retries``, that of all sources together if there are ``sources``.
        blocking: the part of calls that may be refused, from 1e-300 to 1. It cannot be 0: no
            number of channels guarantees that no call is refused.
        retries: the recall factor: the part of refused attempts that is tried again, from 0 to 1.
        sources: the number of sources, such as persons who call, from 0 to a hundred million; by
            default unlimited. The result is at most this number.

    Raises:
        WrongType: a value is not a number.
        InvalidValue: a value is negative, not finite, too small or too large. Or there are both
            ``retries`` and ``sources``, for which there is no formula.

    >>> from channelplans import channels_for
    >>> channels_for(3, blocking=0.02), channels_for(500, blocking=0.001)
    (8, 555)
    >>> channels_for(30, blocking=0.1), channels_for(30, blocking=0.1, retries=0.5)
    (32, 34)
    >>> channels_for(3, blocking=0.02, sources=10)
    7
    """
    erlangs, blocking = checked_load("erlangs", erlangs), checked_blocking("blocking", blocking)
    if erlangs > _MOST_ERLANGS:
        raise InvalidValue("erlangs", f"{erlangs}", f"at most {_MOST_ERLANGS:,}")
    retries, sources = _checked_callers(retries, sources)
    most_channels = inf if sources is None else sources
    if not erlangs or blocking == 1:
        return int(min(blocking < 1, most_channels))
    load = _load_at_blocking(erlangs, blocking, retries, sources)
    if not load:  # too small for a float, so the first channel refuses next to nothing
        return int(min(1, most_channels))
    # The channels must be able to carry the load that is not refused, so no smaller number is
    # enough. Start there and add channels one by one.
    channels = int(min(erlangs / (1 - retries * blocking) * (1 - blocking), most_channels))
    idle_sources, growth = (1.0, 0.0) if sources is None else (float(sources - channels), 1.0)
    if not channels < most_channels:
        return channels
    if sources is None:
        carried = carried_per_refused(load, channels, SCALE)
    else:
        carried = sum_states(load, channels, sources).carried
    needed = SCALE * (1 - blocking) / blocking
    while carried < needed * (1 - _TOLERANCE) or (
        carried < needed * (1 + _TOLERANCE) and _refused(load, channels, sources) > blocking
    ):
        channels += 1
        idle_sources -= growth
        if not idle_sources:
            break
        carried = (SCALE + carried) * channels / (idle_sources * load)
    return channels


def load_for(
    channels: int, *, blocking: float, retries: float = 0, sources: int | None = None
) -> float:
    """Return the largest offered load of which a number of channels refuses at most a given part.

    It is the inverse of ``erlang_b``; with ``retries``, of ``extended_erlang_b``; with ``sources``,
    of ``engset_by_total_load``. The relative error is at most 1e-12, and ``channels_for`` needs
    ``channels`` for the result, not more. The result is infinite if no load is too large: if every
    call may be refused, or if there is a channel for each source. It is 0.0 without channels.

    Args:
        channels: the number of channels, from 0 to a hundred million.
        blocking: the part of calls that may be refused, from 1e-300 to 1.
        retries: the recall factor: the part of refused attempts that is tried again, from 0 to 1.
        sources: the number of sources, such as persons who call, from 0 to a hundred million; by
            default unlimited.

    Raises:
        WrongType: a value is not a number.
        InvalidValue: a value is negative, not finite, too small or too large. Or there are both
            ``retries`` and ``sources``, for which there is no formula.

    >>> from channelplans import load_for
    >>> f"{load_for(8, blocking=0.02):.3f}"
    '3.627'
    >>> f"{load_for(5, blocking=0.017, sources=10) / 10:.5f} erlang for each source"
    '0.20198 erlang for each source'
    """
    channels, blocking = _count("channels", channels), checked_blocking("blocking", blocking)
    retries, sources = _checked_callers(retries, sources)
    if blocking == 1 or (sources is not None and channels >= sources):
        return inf
    if not channels:
        return 0.0
    load = _largest_load(channels, blocking, sources)
    if sources is None:
        erlangs = load * (1 - retries * blocking)
    else:
        erlangs = sources * load / (1 + load * (1 - blocking))
    # The last digits can be too high by a rounding error.
    while (
        _refused(_load_at_blocking(erlangs, blocking, retries, sources), channels, sources)
        > blocking
    ):
        erlangs = nextafter(erlangs, 0)
    return erlangs


def _largest_load(channels: int, blocking: float, sources: int | None) -> float:
    """Return the load for which Erlang's B, or Engset's formula, gives a blocking below 1."""
    # Newton's method for the logarithms. The start is a load that is too large: there, the sum is
    # smaller than a geometric series. A parabola instead of a straight line keeps the step from
    # going much too far. If the sum exceeds the largest float, the step is halved.
    load = channels / ((1 if sources is None else sources - channels) * (1 - blocking))
    needed, step = SCALE * (1 - blocking) / blocking, inf
    while abs(step) >= _TOLERANCE:
        sums = sum_states(load, channels, sources)
        if sums.squares == inf:
            step /= 2
            load *= exp(step)
            continue
        missing, slope = log(needed / sums.carried), sums.idle / sums.carried
        curvature = max(sums.squares / sums.carried - slope**2, 0.0)
        step = 2 * missing / (slope + sqrt(slope**2 + 2 * curvature * max(missing, 0.0)))
        load *= exp(-step)
    return load


def _load_at_blocking(
    erlangs: float, blocking: float, retries: float, sources: int | None
) -> float:
    """Return the load with retries, or that of an idle source, if a blocking is reached exactly.

    The channels are enough if Erlang's B or Engset's formula for this load is at most the blocking.
    The load is infinite if so few calls are refused that the sources are always busy.
    """
    if sources is None:
        return erlangs / (1 - retries * blocking)
    idle_sources = sources - erlangs * (1 - blocking)
    return erlangs / idle_sources if idle_sources > 0 else inf


def _refused(load: float, channels: int, sources: int | None) -> float:
    return erlang_b(load, channels) if sources is None else engset(load, sources, channels)


def _count(parameter: str, value: int) -> int:
    return bounded(parameter, value, 0, _MOST_CHANNELS)


def checked_load(parameter: str, value: float) -> float:
    """Return a load, as a finite float of at least 0."""
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


def _checked_callers(retries: float, sources: int | None) -> tuple[float, int | None]:
    retries = _checked_retries(retries)
    if sources is not None:
        sources = _count("sources", sources)
        if retries:
            raise InvalidValue("retries", f"{retries}", "0 if there are sources")
    return retries, sources


def _checked_retries(value: float) -> float:
    retries = _number("retries", value)
    if not 0 <= retries <= 1:
        raise InvalidValue("retries", f"{retries}", "at least 0 and at most 1")
    return retries


def _number(parameter: str, value: float) -> float:
    if not isinstance(value, Real) or isinstance(value, bool):
        raise WrongType(parameter, shown(value), "a number (int or float)")
    try:
        return float(value)
    except OverflowError:
        return inf if value > 0 else -inf
