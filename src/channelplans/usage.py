"""Calls: what is counted of them, whether a bundle covers them, what an allowance has left.

Durations only, no prices. A duration is a ``timedelta`` and is counted once, for the whole call.
"""

import re
from datetime import date, timedelta
from fractions import Fraction

import attrs

from channelplans.checks import checked, instance
from channelplans.errors import InvalidValue
from channelplans.rules import COUNTRY, BundleRule, CallRule, Rollover
from channelplans.tables import Described, clock

__all__ = ["Allowance", "Call", "billable", "covered"]

_NOTHING = timedelta(0)
_NUMBER = re.compile(r"\+?\(?[0-9][0-9 ().-]*")


@attrs.frozen(field_transformer=checked)
class Call(Described):
    """An outgoing call: to which number and country, on which day it began, how long it was.

    The caller names the country, as an ISO 3166 code, since a number alone does not always tell;
    and the day, which is the civil day on which the call began.

    Raises:
        InvalidValue: the number or the country cannot be one, or the duration is negative.

    >>> print(Call("c-1", "+1 212 555 0100", "US", date(2026, 1, 5), timedelta(seconds=31)))
    2026-01-05 call c-1 to +1 212 555 0100 (US), 0:00:31
    """

    id: str
    number: str
    country: str
    day: date
    duration: timedelta

    def __attrs_post_init__(self) -> None:
        if not _NUMBER.fullmatch(self.number):
            raise InvalidValue("number", repr(self.number), "digits, such as '+1 212 555 0100'")
        if not COUNTRY.fullmatch(self.country):
            raise InvalidValue("country", repr(self.country), 'two capital letters, such as "US"')
        _not_negative("duration", self.duration)

    def _describe(self) -> tuple[str]:
        to = f"{self.number} ({self.country})"
        return (f"{self.day} call {self.id} to {to}, {clock(self.duration)}",)


@attrs.frozen(field_transformer=checked)
class Allowance(Described):
    """The minutes that a term grants, how many of them are used, and what earlier terms left.

    Attributes:
        granted: what the running term grants (H10).
        used: how much of that is used.
        carried: what is left of earlier terms, the youngest first; used before what is granted,
            the oldest first, since that expires first.

    Raises:
        InvalidValue: a duration is negative, or more is used than granted.

    >>> allowance = Allowance(timedelta(minutes=5000), timedelta(minutes=1250))
    >>> print(allowance, allowance.unused, sep="; ")
    62:30:00 of 83:20:00 left; 3/4
    """

    granted: timedelta
    used: timedelta = _NOTHING
    carried: tuple[timedelta, ...] = ()

    def __attrs_post_init__(self) -> None:
        _not_negative("granted", self.granted)
        _not_negative("used", self.used)
        for left in self.carried:
            _not_negative("carried", left)
        if self.used > self.granted:
            raise InvalidValue("used", str(self.used), f"at most what is granted, {self.granted}")

    @property
    def remaining(self) -> timedelta:
        """What is left, of this term and of earlier ones."""
        return self.granted - self.used + sum(self.carried, _NOTHING)

    @property
    def unused(self) -> Fraction:
        """The part of what the term grants that is left, exactly; nothing is left of nothing."""
        if not self.granted:
            return Fraction(0)
        return Fraction(_microseconds(self.granted - self.used), _microseconds(self.granted))

    def use(self, duration: timedelta) -> "Allowance":
        """Return the allowance after some more of it is used."""
        _not_negative("duration", instance("duration", duration, timedelta))
        carried = []
        for left in reversed(self.carried):
            taken = min(left, duration)
            duration -= taken
            carried.append(left - taken)
        return Allowance(self.granted, self.used + duration, tuple(reversed(carried)))

    def granting(self, granted: timedelta) -> "Allowance":
        """Return the allowance of the same term after more or less of it is paid for."""
        return attrs.evolve(self, granted=max(granted, self.used))

    def next(self, granted: timedelta, rule: Rollover | None) -> "Allowance":
        """Return the allowance of the next term, with what is carried into it.

        >>> left = Allowance(timedelta(minutes=100), timedelta(minutes=30))
        >>> print(left.next(timedelta(minutes=100), Rollover(terms=1, cap=50)))
        2:30:00 of 1:40:00 left, 0:50:00 of it carried
        """
        if rule is None:
            return Allowance(granted)
        lasting = (self.granted - self.used, *self.carried)[: rule.terms]
        if rule.terms is None:
            lasting = (sum(lasting, _NOTHING),)
        carried, room = [], timedelta.max if rule.cap is None else timedelta(minutes=rule.cap)
        for left in lasting:
            carried.append(min(left, room))
            room -= carried[-1]
        while carried and not carried[-1]:
            carried.pop()
        return Allowance(granted, _NOTHING, tuple(carried))

    def _describe(self) -> tuple[str]:
        earlier = sum(self.carried, _NOTHING)
        carried = f", {clock(earlier)} of it carried" if earlier else ""
        return (f"{clock(self.remaining)} of {clock(self.granted)} left{carried}",)


def billable(duration: timedelta, rule: CallRule) -> timedelta:
    """Return what is counted of a call: the least length, then whole steps (F 3.5, F 8.5).

    Counted once for the whole call; a call of no length counts nothing.

    Raises:
        InvalidValue: the duration is negative, or too long for a timedelta once it is rounded.

    >>> billable(timedelta(seconds=31), CallRule()).total_seconds()
    36.0
    """
    _not_negative("duration", instance("duration", duration, timedelta))
    instance("rule", rule, CallRule)
    if not duration:
        return duration
    try:
        steps = max(-((rule.minimum - duration) // rule.step), 0)  # whole ones, rounded up
        return rule.minimum + steps * rule.step
    except OverflowError:
        raise InvalidValue("duration", str(duration), "short enough to be rounded up") from None


def covered(call: Call, rule: BundleRule) -> bool:
    """Return whether a bundle is valid for a call's country and number (H10, F 8.2, F 8.10).

    >>> us = BundleRule("US minutes", 5000, ("US",), excluded_prefixes=("218632",))
    >>> day, minute = date(2026, 1, 5), timedelta(minutes=1)
    >>> covered(Call("a", "+1 212 555 0100", "US", day, minute), us)
    True
    >>> covered(Call("b", "001 218 632 0100", "US", day, minute), us)
    False
    """
    instance("call", call, Call)
    instance("rule", rule, BundleRule)
    national = _national(call.number, rule.calling_code)
    return call.country in rule.area and not national.startswith(rule.excluded_prefixes)


def _national(number: str, calling_code: str) -> str:
    """Return a number without what stands before its national part (F 8.10)."""
    digits = re.sub(r"[^0-9]", "", number)
    if not number.startswith("+"):
        digits = digits.removeprefix("00")
    return digits.removeprefix(calling_code)


def _microseconds(duration: timedelta) -> int:
    return duration // timedelta(microseconds=1)


def _not_negative(parameter: str, duration: timedelta) -> None:
    if duration < _NOTHING:
        raise InvalidValue(parameter, f"-{clock(-duration)}", "0 s or longer")
