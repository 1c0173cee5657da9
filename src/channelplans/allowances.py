"""The minutes that a term grants, how many of them are used, and what the next term gets of them.

This module does not know calls; ``calls`` says how long a call counts.
"""

from collections.abc import Sequence
from datetime import timedelta
from fractions import Fraction
from typing import Final

import attrs

from channelplans._checks import instance, several
from channelplans._constructors import checked
from channelplans._display import DisplayMixin, clock
from channelplans.errors import InvalidValue
from channelplans.rules import Rollover

__all__ = ["Allowance"]

_NOTHING: Final = timedelta(0)

_MICROSECOND: Final = timedelta(microseconds=1)


def _as_durations(value: Sequence[timedelta]) -> tuple[timedelta, ...]:
    """Return durations as a checked tuple; a tuple of durations is not checked one by one."""
    if type(value) is tuple and {*map(type, value)} <= {timedelta}:
        return value
    return several("carried", value, lambda name, item: instance(name, item, timedelta))


@checked
@attrs.frozen(repr=False)
class Allowance(DisplayMixin):
    """The minutes that a term grants, the minutes used, and the minutes carried into the term.

    Attributes:
        granted: the minutes that the running term grants (H10).
        used: the part of ``granted`` that is used.
        carried: the unused minutes of each earlier term, the most recent term first. A call uses
            them before ``granted``. It starts with the oldest, because they expire first.

    Raises:
        InvalidValue: a duration is negative, ``used`` is more than ``granted``, or ``granted`` and
            ``carried`` together do not fit a timedelta.

    >>> from datetime import timedelta
    >>> from channelplans import Allowance
    >>> allowance = Allowance(timedelta(minutes=5000), timedelta(minutes=1250))
    >>> print(allowance, allowance.unused, sep="; ")
    62:30:00 of 83:20:00 left; 3/4
    """

    granted: timedelta
    used: timedelta = _NOTHING
    carried: tuple[timedelta, ...] = attrs.field(default=(), converter=_as_durations)

    def __attrs_post_init__(self) -> None:
        not_negative("granted", self.granted)
        not_negative("used", self.used)
        not_negative("carried", min(self.carried, default=_NOTHING))
        if self.used > self.granted:
            expected = f"at most the minutes granted, {self.granted}"
            raise InvalidValue("used", str(self.used), expected)
        try:
            sum(self.carried, self.granted)
        except OverflowError:
            expected = f"at most {timedelta.max}, together with the minutes granted"
            raise InvalidValue("carried", "longer", expected) from None

    @property
    def remaining(self) -> timedelta:
        """The minutes left: the rest of ``granted``, and ``carried``."""
        return self.granted - self.used + sum(self.carried, _NOTHING)

    @property
    def unused(self) -> Fraction:
        """The exact part of ``granted`` that is not used; 0 if the term grants no minutes."""
        if not self.granted:
            return Fraction(0)
        left = self.granted - self.used
        return Fraction(left // _MICROSECOND, self.granted // _MICROSECOND)

    def use(self, duration: timedelta) -> "Allowance":
        """Return the allowance after a call has used a duration of it.

        Args:
            duration: the minutes that the call uses, at most ``remaining``.

        Raises:
            InvalidValue: the duration is negative, or longer than ``remaining``.

        >>> from datetime import timedelta
        >>> from channelplans import Allowance
        >>> allowance = Allowance(timedelta(minutes=100))
        >>> print(allowance.use(timedelta(minutes=30)))
        1:10:00 of 1:40:00 left
        """
        not_negative("duration", instance("duration", duration, timedelta))
        if duration > self.remaining:
            expected = f"at most the minutes left, {clock(self.remaining)}"
            raise InvalidValue("duration", clock(duration), expected)
        carried = list(self.carried)
        for oldest in reversed(range(len(carried))):
            if not duration:
                break
            taken = min(carried[oldest], duration)
            carried[oldest] -= taken
            duration -= taken
        return Allowance(self.granted, self.used + duration, tuple(carried))

    def give_back(self, duration: timedelta) -> "Allowance":
        """Return the allowance with more minutes left; the reverse of ``use``.

        Args:
            duration: the minutes to give back. Minutes beyond ``used`` were carried, and are
                carried again.

        Raises:
            InvalidValue: the duration is negative, or the minutes do not fit a timedelta.

        >>> from datetime import timedelta
        >>> from channelplans import Allowance
        >>> used = Allowance(timedelta(minutes=100), timedelta(minutes=30))
        >>> print(used.give_back(timedelta(minutes=45)))
        1:55:00 of 1:40:00 left, 0:15:00 of it carried
        """
        not_negative("duration", instance("duration", duration, timedelta))
        not_carried = min(duration, self.used)
        again = (duration - not_carried,) if duration > not_carried else ()
        return Allowance(self.granted, self.used - not_carried, (*again, *self.carried))

    def granting(self, granted: timedelta) -> "Allowance":
        """Return the allowance after the running term's minutes were changed.

        Args:
            granted: the minutes that the term grants now. Minutes that are already used stay
                granted.

        Raises:
            InvalidValue: the minutes are negative, or do not fit a timedelta with ``carried``.
        """
        not_negative("granted", instance("granted", granted, timedelta))
        return attrs.evolve(self, granted=max(granted, self.used))

    def next(self, granted: timedelta, rule: Rollover | None) -> "Allowance":
        """Return the allowance of the next term, with the minutes that the rule carries into it.

        If the granted and the carried minutes are together longer than ``timedelta.max``, only as
        many minutes are carried as fit.

        Args:
            granted: the minutes that the next term grants.
            rule: how unused minutes are carried over; None if they are lost (F 8.4).

        Raises:
            InvalidValue: the granted minutes are negative.

        >>> from datetime import timedelta
        >>> from channelplans import Allowance, Rollover
        >>> left = Allowance(timedelta(minutes=100), timedelta(minutes=30))
        >>> print(left.next(timedelta(minutes=100), Rollover(terms=1, cap=50)))
        2:30:00 of 1:40:00 left, 0:50:00 of it carried
        """
        not_negative("granted", instance("granted", granted, timedelta))
        if rule is None:
            return Allowance(granted)
        cap, room = instance("rule", rule, Rollover).cap, timedelta.max - granted
        if cap is not None:
            room = min(room, timedelta(minutes=cap))
        carried = [self.granted - self.used, *self.carried][: rule.terms]
        if rule.terms is None:  # these minutes never expire, so their ages do not matter
            carried = [self.remaining]
        if sum(carried, _NOTHING) > room:
            carried = _newest(carried, room)
        # Drop the oldest terms if no minutes of them are left, so that equal minutes are equal.
        while carried and not carried[-1]:
            carried.pop()
        return Allowance(granted, _NOTHING, tuple(carried))

    def _describe(self) -> tuple[str]:
        total_carried = sum(self.carried, _NOTHING)
        carried = f", {clock(total_carried)} of it carried" if total_carried else ""
        return (f"{clock(self.remaining)} of {clock(self.granted)} left{carried}",)


def _newest(carried: Sequence[timedelta], room: timedelta) -> list[timedelta]:
    """Return the carried minutes that fit the room, the most recent term first."""
    fitting = []
    for minutes in carried:
        fitting.append(min(minutes, room))
        room -= fitting[-1]
    return fitting


def not_negative(parameter: str, duration: timedelta) -> None:
    """Refuse a negative duration; ``parameter`` is its name in the error message."""
    if duration < _NOTHING:
        raise InvalidValue(parameter, f"-{clock(-duration)}", "0 s or longer")
