"""How many channels a number of employees, or a measured traffic, needs.

A guideline computes channels from employees. The default guideline uses traffic; the others are
published rules of thumb (F 11). This module does not know prices or subscriptions.
"""

from collections.abc import Mapping
from contextlib import suppress
from fractions import Fraction
from itertools import groupby
from math import ceil
from operator import index
from typing import Final, SupportsIndex, TypeVar, cast

import attrs

from channelplans._checks import bounded, short_repr, shown
from channelplans._constructors import checked
from channelplans._display import DisplayMixin, Part, RecordsMixin, Sourced, counted
from channelplans._named_values import NamedValues
from channelplans.erlang import channels_for, checked_blocking, checked_load, erlang_b
from channelplans.errors import InvalidValue, WrongType
from channelplans.money import NUMBER
from channelplans.offers import SKYPE_CONNECT
from channelplans.plans import Offer
from channelplans.quantities import profiles_for

__all__ = [
    "DEFAULT_GUIDELINE",
    "GUIDELINES",
    "MAX_EMPLOYEES",
    "MAX_SUGGESTED",
    "Guideline",
    "Ratio",
    "Suggestion",
    "Traffic",
    "suggest_channels",
]


T = TypeVar("T")


#: The largest number of channels that is suggested.
MAX_SUGGESTED: Final = 10**8


#: The largest number of employees for which channels are suggested.
MAX_EMPLOYEES: Final = 10**7


# Far more digits than any published ratio has. With at most this many, a float can hold the load
# of all employees, and Python can print the fraction.
_MOST_DIGITS: Final = 60


def _checked_employees(employees: int) -> int:
    return bounded("employees", employees, 1, MAX_EMPLOYEES)


def _as_number(value: Fraction | str | T) -> Fraction | T:
    """Convert decimal text or a whole number to a Fraction; return any other value as it is.

    The class that owns the field checks the value afterwards, and its error names the field.
    """
    if isinstance(value, str):
        return Fraction(value) if NUMBER.fullmatch(value) else cast(Fraction, value)
    if not isinstance(value, bool):
        with suppress(TypeError):
            return Fraction(index(cast(SupportsIndex, value)))
    return value


def _as_fraction(value: Fraction | str | int) -> Fraction:
    return cast(Fraction, _as_number(value))


def _as_part(value: Fraction | str | float) -> float:
    return cast(float, _as_number(value))


def _as_load(value: float | None) -> float | None:
    return None if value is None else checked_load("measured_erlangs", value)


def _check_text(parameter: str, value: object) -> None:
    if isinstance(value, str):
        expected = 'a Fraction, or decimal text such as "0.1"'
        raise InvalidValue(parameter, short_repr(value), expected)


def _check_positive(parameter: str, value: Fraction) -> None:
    _check_text(parameter, value)
    if not isinstance(value, Fraction):
        expected = 'a Fraction, a whole number (int) or decimal text such as "0.1"'
        raise WrongType(parameter, shown(value), expected)
    if max(abs(value.numerator), value.denominator) >= 10**_MOST_DIGITS:
        limit = f"a fraction of two numbers with at most {_MOST_DIGITS} digits each"
        raise InvalidValue(parameter, "a longer fraction", limit)
    if value <= 0:
        raise InvalidValue(parameter, f"{value}", "above 0")


def _check_part(parameter: str, value: float) -> float:
    _check_text(parameter, value)
    return checked_blocking(parameter, value)


def _percent(part: float) -> str:
    return f"{100 * part:.3g} %"


def _erlangs(load: float) -> str:
    number = f"{load:,.3f}".rstrip("0").rstrip(".")
    return f"{number} erlang" if number == "1" else f"{number} erlangs"


@checked
@attrs.frozen(repr=False)
class Traffic(DisplayMixin):
    """A need by traffic: the smallest number of channels that refuses few enough calls.

    The need is never more channels than employees, because an employee has one call at a time.

    Attributes:
        erlangs: the load of each employee: the part of the busy hour that calls take. Pass a
            Fraction, decimal text or an int. Above 0, with at most 60 digits in the numerator and
            60 in the denominator.
        blocking: the part of calls that may be refused, from 1e-300 to 1. Pass a Fraction, decimal
            text, an int or a float; the field is a float.

    Raises:
        WrongType: the load or the blocking is of another type.
        InvalidValue: the load or the blocking is out of bounds, or is text that is not a decimal.

    >>> from channelplans.sizing import Traffic
    >>> print(Traffic("0.1", blocking="0.02").needed(30))  # 3 erlangs
    8
    """

    erlangs: Fraction = attrs.field(converter=_as_fraction)
    blocking: float = attrs.field(converter=_as_part)

    def __attrs_post_init__(self) -> None:
        _check_positive("erlangs", self.erlangs)
        object.__setattr__(self, "blocking", _check_part("blocking", self.blocking))

    def needed(self, employees: int) -> int:
        """Return the number of channels for a number of employees.

        Args:
            employees: the number of employees, from 1 to ten million.

        Raises:
            WrongType: ``employees`` is not a whole number.
            InvalidValue: the number of employees is out of bounds, or their load is more than ten
                million erlangs.
        """
        employees = _checked_employees(employees)
        erlangs = float(employees * self.erlangs)
        fewest = channels_for(erlangs, blocking=self.blocking)
        return min(max(fewest, 1), employees)

    def _describe(self) -> tuple[str]:
        return (
            f"{float(self.erlangs):g} erlang for each employee, "
            f"at most {_percent(self.blocking)} of calls refused, "
            "no more channels than employees",
        )


@checked
@attrs.frozen(repr=False)
class Ratio(DisplayMixin):
    """A need by ratio: a number of channels for each employee, rounded up.

    Attributes:
        channels: the channels for each employee; 1/3 is a channel for three employees. Pass a
            Fraction, decimal text or an int. Above 0, with at most 60 digits in the numerator and
            60 in the denominator.
        least: the smallest number of channels, however few the employees are. At least 1, with at
            most 60 digits.
        erlangs: the load of each employee, used only to compute the expected blocking. The sources
            of ratios state no load, so this is the load of the default guideline. The types and
            bounds are those of ``channels``.
        blocking: the part of calls that may be refused, used only to size measured traffic. It is
            that of the default guideline too. The types and bounds are those of
            ``Traffic.blocking``.

    Raises:
        WrongType: a value is of another type.
        InvalidValue: a value is out of bounds, or is text that is not a decimal.

    >>> from fractions import Fraction
    >>> from channelplans.sizing import Ratio
    >>> print(Ratio(Fraction(8, 25), least=4))
    8 channels for 25 employees, rounded up, at least 4
    """

    channels: Fraction = attrs.field(converter=_as_fraction)
    least: int = 1
    erlangs: Fraction = attrs.field(default=Fraction(1, 10), converter=_as_fraction)
    blocking: float = attrs.field(default=0.02, converter=_as_part)

    def __attrs_post_init__(self) -> None:
        _check_positive("channels", self.channels)
        bounded("least", self.least, 1)
        _check_positive("erlangs", self.erlangs)
        object.__setattr__(self, "blocking", _check_part("blocking", self.blocking))

    def needed(self, employees: int) -> int:
        """Return the number of channels for a number of employees.

        Args:
            employees: the number of employees, from 1 to ten million.

        Raises:
            WrongType: ``employees`` is not a whole number.
            InvalidValue: the number of employees is out of bounds.
        """
        return max(ceil(_checked_employees(employees) * self.channels), self.least)

    def _describe(self) -> tuple[str]:
        channels, employees = self.channels.as_integer_ratio()
        least = f", at least {self.least}" if self.least > 1 else ""
        rule = f"{counted(channels, 'channel')} for {counted(employees, 'employee')}"
        return (f"{rule}, rounded up{least}",)


@checked
@attrs.frozen(repr=False)
class Guideline(DisplayMixin):
    """A published rule for the number of channels.

    Attributes:
        name: the publisher and the rule. If the source gives a range, the name says which end is
            used.
        source: the address of the publication.
        need: the rule as data.

    Raises:
        WrongType: a value is of another type.
        InvalidValue: the name or the source is not one line of text.

    >>> from channelplans.sizing import GUIDELINES
    >>> print(GUIDELINES["telxi"])  # doctest: +NORMALIZE_WHITESPACE
    Telxi, 2 channels for 5 employees: 2 channels for 5 employees, rounded up
    (https://telxi.com/?p=6842)
    """

    name: str
    source: str
    need: Traffic | Ratio

    def _describe(self) -> tuple[Sourced]:
        return (Sourced(f"{self.name}: {self.need}", self.source, printed=True),)


#: The default guideline uses traffic. 0.1 erlang for each employee is two calls of three minutes in
#: the busy hour, and 2 % blocking is the usual target of a business. The source gives the target.
#: The two calls come from ``GUIDELINES["lync-medium"]``; the three minutes are our assumption.
DEFAULT_GUIDELINE: Final = Guideline(
    "two calls of three minutes in the busy hour",
    "https://erlangcalculator.pages.dev/blog/how-to-calculate-trunk-lines",
    Traffic(Fraction(1, 10), blocking=0.02),
)


_LYNC: Final = (
    "https://www.manualshelf.com/manual/hp/hp-procurve-switch-xl-access-controller-module/"
    "hp-survivable-branch-communication-zl-module-powered-by-microsoft-lync-planning-and-design-"
    "guide-2011-02/page-42.html"
)

#: All guidelines by short name: the default first, the others in the order of F 11.
GUIDELINES: Final[Mapping[str, Guideline]] = NamedValues(
    {
        "default": DEFAULT_GUIDELINE,
        # For an office: 1 channel for 3 to 4 staff; 1 for 3 is on the safe side. The page's example
        # for 30 staff, 8 to 12 channels, exceeds this ratio at its upper end.
        "caznet": Guideline(
            "Caznet, 1 channel for 3 to 4 office staff, the highest value",
            "https://caznet.com.au/blog/how-many-phone-lines-does-your-business-need",
            Ratio(Fraction(1, 3)),
        ),
        # The old rule. The page itself calls it a possible wrong answer.
        "siptrunk": Guideline(
            "SIPTRUNK.com, 1 trunk for 3 employees",
            "https://www.siptrunk.com/2017/12/many-sip-trunks-need-small-business/",
            Ratio(Fraction(1, 3)),
        ),
        # About 1 call an hour for each user.
        "lync-light": Guideline(
            "HP on Microsoft Lync, light use, 1 for 15 users", _LYNC, Ratio(Fraction(1, 15))
        ),
        # 2 calls an hour for each user.
        "lync-medium": Guideline(
            "HP on Microsoft Lync, medium use, 1 for 10 users", _LYNC, Ratio(Fraction(1, 10))
        ),
        # 3 calls an hour for each user.
        "lync-heavy": Guideline(
            "HP on Microsoft Lync, heavy use, 1 for 5 users", _LYNC, Ratio(Fraction(1, 5))
        ),
        # The page says: often 1 in 4 or 1 in 5 users; 1 in 4 is on the safe side.
        "unity-connected": Guideline(
            "Unity Connected, 1 in 4 or 5 users, the highest value",
            "https://unityconnected.com/blog/how-to-calculate-your-sip-trunk-requirements",
            Ratio(Fraction(1, 4)),
        ),
        # For an average firm: up to 4 lines for 10 extensions; 4 lines are on the safe side.
        "voip-de": Guideline(
            "voip.de, up to 4 lines for 10 extensions, the highest value",
            "https://voip.de/wissen/anzahl-gleichzeitige-telefonate-in-unternehmen",
            Ratio(Fraction(4, 10)),
        ),
        # 20 % to 25 % of the desks call at the same time; 25 % is on the safe side. The page's
        # example for 20 desks, 4 to 6 channels, exceeds this ratio at its upper end.
        "netzschrauber": Guideline(
            "netzschrauber.de, channels for 20 % to 25 % of the desks, the highest value",
            "https://netzschrauber.de/?p=1846",
            Ratio(Fraction(25, 100)),
        ),
        # The page requires at least 4 channels on a cloud PBX.
        "euphoria": Guideline(
            "Euphoria, 8 channels for 25 people",
            "https://support.euphoria.co.za/support/solutions/articles/60264-what-is-a-channel-",
            Ratio(Fraction(8, 25), least=4),
        ),
        # About 15 channels for an office of 50.
        "vicistack-office": Guideline(
            "ViciStack, 15 channels for an office of 50",
            "https://dev.to/gamlin/vicidial-sip-trunk-capacity-planning-4f3j",
            Ratio(Fraction(15, 50)),
        ),
        # 75 to 125 channels for a call centre of 50 agents; 125 is on the safe side.
        "vicistack-agents": Guideline(
            "ViciStack, 75 to 125 channels for 50 agents of a call centre, the highest value",
            "https://dev.to/gamlin/vicidial-sip-trunk-capacity-planning-4f3j",
            Ratio(Fraction(125, 50)),
        ),
        # For an office. For call centres the page wants a channel for each simultaneous call.
        "telxi": Guideline(
            "Telxi, 2 channels for 5 employees", "https://telxi.com/?p=6842", Ratio(Fraction(2, 5))
        ),
        # The page also gives 6 lines for 15 users, which is the same ratio.
        "voip-shop": Guideline(
            "The VoIP Shop, 4 lines for 10 users",
            "https://www.thevoipshop.co.uk/blog/what-is-voip-phone-systems-explained-users-lines-and-call-channels",
            Ratio(Fraction(4, 10)),
        ),
        # For larger firms. The page says that smaller firms need more for each employee, but gives
        # no number.
        "imrunning": Guideline(
            "imrunning.org, 3 to 1",
            "https://imrunning.org/de/mehr-anrufe-mehr-sips-wie-viele-sip-trunks-ben%c3%b6tigt-ein-kleines-unternehmen",
            Ratio(Fraction(1, 3)),
        ),
        # For a team that makes only outgoing calls. For other teams the page wants more channels
        # than employees.
        "unitalk": Guideline(
            "Unitalk, a channel for each manager who calls out",
            "https://unitalk.cloud/knowledge-base-articles/quantity-calculation-of-lines-of-a-multichannel-number/",
            Ratio(Fraction(1)),
        ),
    },
    ("guideline", "channels"),
    lambda guideline: (guideline.name, str(guideline.need)),
    "Guidelines",
)


@checked
@attrs.frozen(repr=False)
class Suggestion(RecordsMixin):
    """The channels to buy for a number of employees or a measured traffic (H7).

    The measured traffic decides if it is known. Then the text compares it with the guideline.

    Attributes:
        employees: the number of employees; None if only the traffic is known.
        guideline: the rule for the number of channels. Measured traffic uses its ``blocking``.
        offer: the offer that says which numbers of channels can be bought.
        measured_erlangs: the measured load of the busy hour, from 0 to ten million; None if it is
            not known.
        advised: the number of channels for the employees by the guideline; None without employees.
        needed: the number of channels by the measured traffic, or by the guideline without it.
        profiles: the channels to buy on each profile. The profiles are as few as possible. The
            total is the smallest that these profiles can hold and that reaches ``needed`` (H6).

    Raises:
        WrongType: a value is of another type, or there are neither employees nor erlangs.
        InvalidValue: there are no employees, or more than ten million. Or they need more than a
            hundred million channels, or their load exceeds the limit of ``Traffic.needed``. Or the
            measured load is negative, not finite or too large.
        TotalNotReachable: the offer would need more than a million profiles.

    >>> from channelplans import Suggestion
    >>> suggestion = Suggestion(30)
    >>> suggestion.channels, suggestion.erlangs, f"{suggestion.blocking:.4f}"
    (8, 3.0, '0.0081')
    """

    employees: int | None = None
    guideline: Guideline = DEFAULT_GUIDELINE
    offer: Offer = SKYPE_CONNECT
    measured_erlangs: float | None = attrs.field(default=None, converter=_as_load, kw_only=True)
    advised: int | None = attrs.field(init=False, eq=False)
    needed: int = attrs.field(init=False, eq=False)
    profiles: tuple[int, ...] = attrs.field(init=False, eq=False)

    def __attrs_post_init__(self) -> None:
        advised, needed = self._count_channels()
        object.__setattr__(self, "advised", advised)
        object.__setattr__(self, "needed", needed)
        object.__setattr__(self, "profiles", profiles_for(needed, self.offer.quantity))
        bounded("channels", self.channels, 1, MAX_SUGGESTED)

    def _count_channels(self) -> tuple[int | None, int]:
        """Return the advised and the needed number of channels."""
        need, measured = self.guideline.need, self.measured_erlangs
        advised = None if self.employees is None else need.needed(self.employees)
        if measured is not None:
            return advised, max(channels_for(measured, blocking=need.blocking), 1)
        if advised is None:
            expected = "a whole number (int) if there are no erlangs"
            raise WrongType("employees", shown(None), expected)
        return advised, advised

    @property
    def channels(self) -> int:
        """The number of channels to buy, on all profiles together."""
        return sum(self.profiles)

    @property
    def erlangs(self) -> float:
        """The load in the busy hour: as measured, or else by the guideline for all employees."""
        if self.measured_erlangs is not None:
            return self.measured_erlangs
        return float((self.employees or 0) * self.guideline.need.erlangs)

    @property
    def blocking(self) -> float:
        """The part of calls that is refused in the busy hour, by Erlang's B.

        The channels of all profiles count as one pool: a call that one profile refuses must try
        the next.
        """
        return erlang_b(self.erlangs, self.channels)

    def to_records(self) -> list[dict[str, object]]:
        """Return a plain row for each profile; each row repeats the values of the suggestion.

        >>> from channelplans import suggest_channels
        >>> print(*suggest_channels(30).to_records()[0])  # doctest: +NORMALIZE_WHITESPACE
        profile channels employees measured_erlangs guideline source advised needed
        erlangs blocking
        """
        shared_columns = {
            "employees": self.employees,
            "measured_erlangs": self.measured_erlangs,
            "guideline": self.guideline.name,
            "source": self.guideline.source,
            "advised": self.advised,
            "needed": self.needed,
            "erlangs": self.erlangs,
            "blocking": self.blocking,
        }
        return [
            {"profile": number, "channels": channels, **shared_columns}
            for number, channels in enumerate(self.profiles, 1)
        ]

    def _describe(self) -> tuple[Part, ...]:
        groups = [(size, len(list(profiles))) for size, profiles in groupby(self.profiles)]
        summands = [f"{count} × {size}" if count > 1 else f"{size}" for size, count in groups]
        sizes = f", {' + '.join(summands)}" if len(self.profiles) > 1 else ""
        name, source, need = attrs.astuple(self.guideline, recurse=False)
        refused = _percent(self.blocking) if self.blocking >= 1e-5 else f"below {_percent(1e-5)}"
        return (
            f"{self._describe_demand()}: buy {counted(self.channels, 'channel')} "
            f"on {counted(len(self.profiles), 'profile')}{sizes}; {self.needed:,} needed",
            Sourced(f"guideline: {name}: {need}", source, printed=True),
            *self._compare(),
            f"expected blocking at {_erlangs(self.erlangs)}: {refused}, "
            "if a call refused on one profile tries the next",
        )

    def _describe_demand(self) -> str:
        employees = "" if self.employees is None else counted(self.employees, "employee")
        if self.measured_erlangs is None:
            return employees
        return f"{_erlangs(self.measured_erlangs)} measured{employees and f' for {employees}'}"

    def _compare(self) -> tuple[str, ...]:
        """Return a line that compares the measured traffic with the guideline, or no line."""
        if self.measured_erlangs is None:
            return ()
        each = f"{float(self.guideline.need.erlangs):g} erlang each"
        if self.employees is None or self.advised is None:
            equal_employees = round(self.measured_erlangs / float(self.guideline.need.erlangs))
            return (
                f"comparison: the traffic is that of about {counted(equal_employees, 'employee')} "
                f"with {each}, as in the guideline",
            )
        measured_each = f"{self.measured_erlangs / self.employees:.2g} erlang each"
        difference = self.advised - self.needed
        more = f"{abs(difference):,} {'more' if difference > 0 else 'fewer'} than"
        return (
            f"comparison: the guideline advises {counted(self.advised, 'channel')} for "
            f"{counted(self.employees, 'employee')}, {more if difference else 'as many as'} the "
            f"measured traffic needs; {measured_each} measured, {each} assumed",
        )


def suggest_channels(
    employees: int | None = None,
    *,
    erlangs: float | None = None,
    guideline: Guideline = DEFAULT_GUIDELINE,
    offer: Offer = SKYPE_CONNECT,
) -> Suggestion:
    """Return the channels to buy, split into profiles, for employees or measured traffic (H7).

    Pass ``erlangs`` if you have measured your traffic. Then the channels are the smallest number
    that refuses at most the guideline's ``blocking`` of the calls. The text compares the traffic
    with the guideline: with ``employees``, with the channels that it advises for them.

    The result can differ from Skype's own suggestion, because Skype's table is not published
    (F 2.2).

    Args:
        employees: the number of employees, from 1 to ten million.
        erlangs: the measured load of the busy hour, from 0 to ten million.
        guideline: the rule for the number of channels; by default traffic (F 11).
        offer: the offer that says which numbers of channels can be bought.

    Raises:
        WrongType: a value is of another type, or there are neither employees nor erlangs.
        InvalidValue: there are no employees, or more than ten million. Or they need more than a
            hundred million channels, or their load exceeds the limit of ``Traffic.needed``. Or
            ``erlangs`` is negative, not finite or too large.
        TotalNotReachable: the offer would need more than a million profiles.

    >>> from channelplans import suggest_channels
    >>> suggestion = suggest_channels(4700)
    >>> suggestion.needed, suggestion.profiles
    (484, (300, 190))
    >>> suggestion = suggest_channels(30, erlangs=4.2)
    >>> suggestion.needed, suggestion.advised
    (9, 8)
    """
    if erlangs is not None:
        erlangs = checked_load("erlangs", erlangs)
    return Suggestion(employees, guideline, offer, measured_erlangs=erlangs)
