"""How many channels a number of employees needs, and how often a call is then refused.

Two formulas of teletraffic theory, Erlang's B (1917) and Engset's (1918), and guidelines that turn
a number of employees into channels: traffic by default, published rules of thumb (F 11) beside it.
Both formulas can be found in the ITU's Teletraffic Engineering Handbook, among the loss systems.
Prices and subscriptions are not known here.
"""

from fractions import Fraction
from itertools import groupby
from math import ceil, inf, lgamma, log, log1p, pi
from numbers import Real
from typing import Final

import attrs

from channelplans.checks import bounded, checked, shown
from channelplans.errors import InvalidValue, WrongType
from channelplans.offers import SKYPE_CONNECT
from channelplans.plans import Offer
from channelplans.rules import profiles_for
from channelplans.tables import Described, counted

__all__ = [
    "CAZNET",
    "DEFAULT",
    "EUPHORIA",
    "GUIDELINES",
    "IMRUNNING",
    "LYNC_HEAVY",
    "LYNC_LIGHT",
    "LYNC_MEDIUM",
    "NETZSCHRAUBER",
    "SIPTRUNK",
    "TELXI",
    "UNITALK",
    "UNITY_CONNECTED",
    "VICISTACK_AGENTS",
    "VICISTACK_OFFICE",
    "VOIP_DE",
    "VOIP_SHOP",
    "Guideline",
    "Ratio",
    "Suggestion",
    "Traffic",
    "channels_for",
    "engset",
    "erlang_b",
    "log_erlang_b",
    "suggest_channels",
]

_MOST_CHANNELS: Final = 10**8
_MOST_ERLANGS: Final = 10**7
_MOST_EMPLOYEES: Final = 10**7
_LEAST_BLOCKING: Final = 1e-300

# Sums are kept in this unit, a power of two, so that they reach past the largest float: far enough
# for 1 / blocking wherever the blocking is a float, down to the smallest.
_UNIT: Final = 2.0**-128

# What a sum leaves out: terms fall ever faster, so that all that follow one this small matter not.
_NEGLIGIBLE: Final = 1e-20

# Far more than the error of a blocking, so that beyond it no second look is needed.
_DOUBT: Final = 1e-11


def erlang_b(erlangs: float, channels: int) -> float:
    """Return the part of calls that is refused by a number of channels: Erlang's B formula.

    The load is what all calls together would keep busy if none were refused: calls an hour times
    their mean length in hours. Right to a relative 1e-12 wherever the result is a normal float,
    and 0.0 only below the smallest float; ``log_erlang_b`` goes on from there.

    Args:
        erlangs: the offered load, 0 or more.
        channels: how many there are, from 0 to a hundred million.

    Raises:
        WrongType: a value is not a number, or channels not a whole one.
        InvalidValue: a value is negative, not finite, or beyond its bound.

    >>> erlang_b(2, 3)
    0.21052631578947367
    >>> f"{erlang_b(500, 555):.6f}"
    '0.000920'
    """
    erlangs, channels = _load("erlangs", erlangs), bounded("channels", channels, 0, _MOST_CHANNELS)
    if not erlangs:
        return 0.0 if channels else 1.0
    return _UNIT / (_UNIT + _carried(erlangs, channels, _UNIT))


def log_erlang_b(erlangs: float, channels: int) -> float:
    """Return the natural logarithm of ``erlang_b``, also where that is below the smallest float.

    It is minus infinity where no call is ever refused, since there is none.

    Raises:
        WrongType: a value is not a number, or channels not a whole one.
        InvalidValue: a value is negative, not finite, or beyond its bound.

    >>> erlang_b(200, 10_000), f"{log_erlang_b(200, 10_000):.7f}"
    (0.0, '-29325.7541713')
    """
    erlangs, channels = _load("erlangs", erlangs), bounded("channels", channels, 0, _MOST_CHANNELS)
    if not (erlangs and channels):
        return -inf if channels else 0.0
    carried = _carried(erlangs, channels, 1.0)
    return -log1p(carried) if carried < inf else _log_poisson(erlangs, channels)


def engset(load_per_idle_source: float, sources: int, channels: int) -> float:
    """Return the part of calls that is refused when few people make them: Engset's formula.

    Each source makes calls only while it has none, so that fewer are refused than Erlang's B tells
    for the same load. This is the call congestion, what callers meet, and not the time for which
    all channels are busy. As precise as ``erlang_b``; 0.0 where each source finds a channel.

    Args:
        load_per_idle_source: calls an hour that a source begins while it has none, times their
            mean length in hours. Where no call is refused, a source that is busy for a part p of
            its time has p / (1 - p).
        sources: how many make calls, from 0 to a hundred million.
        channels: how many there are, from 0 to a hundred million.

    Raises:
        WrongType: a value is not a number, or not a whole one.
        InvalidValue: a value is negative, not finite, or beyond its bound.

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
    return _UNIT / (_UNIT + _carried_of_few(load, sources, channels, _UNIT))


def channels_for(erlangs: float, *, blocking: float) -> int:
    """Return the least number of channels that refuses at most a part of the calls.

    It is the least that ``erlang_b`` says so of.

    Args:
        erlangs: the offered load, from 0 to ten million.
        blocking: the part of calls that may be refused, from 1e-300 to 1.

    Raises:
        WrongType: a value is not a number.
        InvalidValue: a value is beyond its bounds; that no call at all be refused, no number of
            channels can promise.

    >>> channels_for(3, blocking=0.02), channels_for(500, blocking=0.001)
    (8, 555)
    """
    erlangs, blocking = _load("erlangs", erlangs), _part("blocking", blocking)
    if erlangs > _MOST_ERLANGS:
        raise InvalidValue("erlangs", f"{erlangs}", f"at most {_MOST_ERLANGS:,}")
    if not erlangs:
        return int(blocking < 1)
    # What is carried cannot exceed the channels: so many are too few, or just enough.
    channels = int(erlangs * (1 - blocking))
    carried = _carried(erlangs, channels, _UNIT)
    wanted = _UNIT * (1 - blocking) / blocking
    while carried < wanted * (1 - _DOUBT) or (
        carried < wanted * (1 + _DOUBT) and erlang_b(erlangs, channels) > blocking
    ):
        channels += 1
        carried = (_UNIT + carried) * channels / erlangs
    return channels


def _carried(erlangs: float, channels: int, unit: float) -> float:
    """Return 1 / blocking - 1, the calls carried for each that is refused, times a unit.

    It is the sum of the chances that fewer channels are busy, each relative to that of all, from
    the top down.
    """
    term, total, busy = unit, 0.0, float(channels)
    while term > total * _NEGLIGIBLE:
        term = term * busy / erlangs
        total += term
        busy -= 1.0
    return total


def _carried_of_few(load: float, sources: int, channels: int, unit: float) -> float:
    """Return the same where the load grows with the sources that are idle."""
    term, total, busy, idle = unit, 0.0, float(channels), float(sources - channels)
    while term > total * _NEGLIGIBLE:
        term = term * busy / (idle * load)
        total += term
        busy -= 1.0
        idle += 1.0
    return total


def _log_poisson(erlangs: float, channels: int) -> float:
    """Return the logarithm of the chance of so many calls without a bound, by Stirling's series.

    Where a blocking is below the floats, more calls than that are too rare to tell the two apart.
    """
    n, surplus = channels, channels - erlangs
    growth = log1p(surplus / erlangs) if surplus < erlangs else log(n) - log(erlangs)
    if n < 32:
        factorial = lgamma(n + 1) - n * log(n) + n
    else:
        factorial = log(2 * pi * n) / 2 + 1 / (12 * n) - 1 / (360 * n**3) + 1 / (1260 * n**5)
    return surplus - n * growth - factorial


def _load(parameter: str, value: float) -> float:
    load = _number(parameter, value)
    if not 0 <= load < inf:
        raise InvalidValue(parameter, f"{load}", "a finite number of at least 0")
    return load


def _part(parameter: str, value: float) -> float:
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


def _people(employees: int) -> int:
    return bounded("employees", employees, 1, _MOST_EMPLOYEES)


def _above_zero(parameter: str, value: Fraction) -> None:
    if value <= 0:
        raise InvalidValue(parameter, f"{value}", "above 0")


def _percent(part: float) -> str:
    return f"{100 * part:.3g} %"


@attrs.frozen(field_transformer=checked)
class Traffic(Described):
    """A need by traffic: the fewest channels that refuse at most a part of the calls.

    An employee has one call at a time, so there are never more channels than employees.

    Attributes:
        erlangs: the load of each employee in the busy hour, which is also how much of that hour
            an employee is on the telephone.
        blocking: the part of calls that may be refused.

    Raises:
        InvalidValue: the load is not above 0, or the blocking not between 1e-300 and 1.

    >>> print(Traffic(Fraction(1, 10), blocking=0.02))
    0.1 erlang for each employee, at most 2 % of calls refused, no more channels than employees
    """

    erlangs: Fraction
    blocking: float

    def __attrs_post_init__(self) -> None:
        _above_zero("erlangs", self.erlangs)
        _part("blocking", self.blocking)

    def needed(self, employees: int) -> int:
        """Return the channels that so many employees need, at most ten million of them."""
        erlangs = float(_people(employees) * self.erlangs)
        fewest = channels_for(erlangs, blocking=self.blocking)
        return min(max(fewest, 1), employees)

    def _describe(self) -> tuple[str]:
        return (
            f"{float(self.erlangs):g} erlang for each employee, "
            f"at most {_percent(self.blocking)} of calls refused, "
            "no more channels than employees",
        )


@attrs.frozen(field_transformer=checked)
class Ratio(Described):
    """A need that is so many channels for each employee, rounded up, whatever the traffic.

    Attributes:
        channels: how many for each employee; 1/3 is one for three.
        least: what even the fewest employees need.
        erlangs: the load of each employee at which the blocking is stated; a ratio names none, so
            it is the default's.

    Raises:
        InvalidValue: a number is not above 0.

    >>> print(Ratio(Fraction(8, 25), least=4))
    8 channels for 25 employees, rounded up, at least 4
    """

    channels: Fraction
    least: int = 1
    erlangs: Fraction = Fraction(1, 10)

    def __attrs_post_init__(self) -> None:
        _above_zero("channels", self.channels)
        bounded("least", self.least, 1)
        _above_zero("erlangs", self.erlangs)

    def needed(self, employees: int) -> int:
        """Return the channels that so many employees need, at most ten million of them."""
        return max(ceil(_people(employees) * self.channels), self.least)

    def _describe(self) -> tuple[str]:
        channels, employees = self.channels.as_integer_ratio()
        least = f", at least {self.least}" if self.least > 1 else ""
        rule = f"{counted(channels, 'channel')} for {counted(employees, 'employee')}"
        return (f"{rule}, rounded up{least}",)


@attrs.frozen(field_transformer=checked)
class Guideline(Described):
    """A published way from employees to channels.

    Attributes:
        name: what it is called, and what was taken where its source gives a range.
        source: where it is published.
        need: what it says, as data.

    >>> print(VOIP_SHOP)
    The VoIP Shop, 4 lines for 10 users: 2 channels for 5 employees, rounded up \
(https://www.thevoipshop.co.uk/blog/what-is-voip-phone-systems-explained-users-lines-and-call-channels)
    """

    name: str
    source: str
    need: Traffic | Ratio

    def _describe(self) -> tuple[str]:
        return (f"{self.name}: {self.need} ({self.source})",)


#: The default goes by traffic. 0.1 erlang for each employee is two calls of three minutes in the
#: busy hour, and 2 % blocking is the usual aim of a business. The source gives the aim; the two
#: calls are those of ``LYNC_MEDIUM``, and the three minutes are this library's.
DEFAULT: Final = Guideline(
    "two calls of three minutes in the busy hour",
    "https://erlangcalculator.pages.dev/blog/how-to-calculate-trunk-lines",
    Traffic(Fraction(1, 10), blocking=0.02),
)


#: 1 channel for 3 to 4 staff of an office, of which 1 for 3 is the careful end. Its example for 30
#: staff, 8 to 12 channels, goes further.
CAZNET: Final = Guideline(
    "Caznet, 1 channel for 3 to 4 office staff, the most taken",
    "https://caznet.com.au/blog/how-many-phone-lines-does-your-business-need",
    Ratio(Fraction(1, 3)),
)

#: The old rule; the page itself calls it a possible wrong answer.
SIPTRUNK: Final = Guideline(
    "SIPTRUNK.com, 1 trunk for 3 employees",
    "https://www.siptrunk.com/2017/12/many-sip-trunks-need-small-business/",
    Ratio(Fraction(1, 3)),
)

_LYNC: Final = (
    "https://www.manualshelf.com/manual/hp/hp-procurve-switch-xl-access-controller-module/"
    "hp-survivable-branch-communication-zl-module-powered-by-microsoft-lync-planning-and-design-"
    "guide-2011-02/page-42.html"
)

#: About one call an hour for each user.
LYNC_LIGHT: Final = Guideline(
    "HP on Microsoft Lync, light use, 1 for 15 users", _LYNC, Ratio(Fraction(1, 15))
)

#: Two calls an hour for each user.
LYNC_MEDIUM: Final = Guideline(
    "HP on Microsoft Lync, medium use, 1 for 10 users", _LYNC, Ratio(Fraction(1, 10))
)

#: Three calls an hour for each user.
LYNC_HEAVY: Final = Guideline(
    "HP on Microsoft Lync, heavy use, 1 for 5 users", _LYNC, Ratio(Fraction(1, 5))
)

#: Often 1 in 4 or 1 in 5 users, of which 1 in 4 is the careful end.
UNITY_CONNECTED: Final = Guideline(
    "Unity Connected, 1 in 4 or 5 users, the most taken",
    "https://unityconnected.com/blog/how-to-calculate-your-sip-trunk-requirements",
    Ratio(Fraction(1, 4)),
)

#: Up to 4 lines for 10 extensions of an average firm, of which all 4 is the careful end.
VOIP_DE: Final = Guideline(
    "voip.de, up to 4 lines for 10 extensions, the most taken",
    "https://voip.de/wissen/anzahl-gleichzeitige-telefonate-in-unternehmen",
    Ratio(Fraction(4, 10)),
)

#: 20 % to 25 % of the desks at once, of which 25 % is the careful end. Its example for 20 desks, 4
#: to 6 channels, goes further.
NETZSCHRAUBER: Final = Guideline(
    "netzschrauber.de, channels for 20 % to 25 % of the desks, the most taken",
    "https://netzschrauber.de/?p=1846",
    Ratio(Fraction(25, 100)),
)

#: Never fewer than 4 on a cloud PBX.
EUPHORIA: Final = Guideline(
    "Euphoria, 8 channels for 25 people",
    "https://support.euphoria.co.za/support/solutions/articles/60264-what-is-a-channel-",
    Ratio(Fraction(8, 25), least=4),
)

#: About 15 for an office of 50.
VICISTACK_OFFICE: Final = Guideline(
    "ViciStack, 15 channels for an office of 50",
    "https://dev.to/gamlin/vicidial-sip-trunk-capacity-planning-4f3j",
    Ratio(Fraction(15, 50)),
)

#: 75 to 125 for a call centre of 50 agents, of which 125 is the careful end.
VICISTACK_AGENTS: Final = Guideline(
    "ViciStack, 75 to 125 channels for 50 agents of a call centre, the most taken",
    "https://dev.to/gamlin/vicidial-sip-trunk-capacity-planning-4f3j",
    Ratio(Fraction(125, 50)),
)

#: For an office; the page's call centres have a channel for each call at a time.
TELXI: Final = Guideline(
    "Telxi, 2 channels for 5 employees", "https://telxi.com/?p=6842", Ratio(Fraction(2, 5))
)

#: Also 6 for 15, which is the same ratio.
VOIP_SHOP: Final = Guideline(
    "The VoIP Shop, 4 lines for 10 users",
    "https://www.thevoipshop.co.uk/blog/what-is-voip-phone-systems-explained-users-lines-and-call-channels",
    Ratio(Fraction(4, 10)),
)

#: For larger firms; the page adds, without a number, that smaller ones need more for each.
IMRUNNING: Final = Guideline(
    "imrunning.org, 3 to 1",
    "https://imrunning.org/de/mehr-anrufe-mehr-sips-wie-viele-sip-trunks-ben%c3%b6tigt-ein-kleines-unternehmen",
    Ratio(Fraction(1, 3)),
)

#: For a team that only calls out; for others the page wants more channels than employees.
UNITALK: Final = Guideline(
    "Unitalk, a channel for each manager who calls out",
    "https://unitalk.cloud/knowledge-base-articles/quantity-calculation-of-lines-of-a-multichannel-number/",
    Ratio(Fraction(1)),
)

#: Every guideline here, the default first, the others in the order of F 11.
GUIDELINES: Final = (
    DEFAULT,
    CAZNET,
    SIPTRUNK,
    LYNC_LIGHT,
    LYNC_MEDIUM,
    LYNC_HEAVY,
    UNITY_CONNECTED,
    VOIP_DE,
    NETZSCHRAUBER,
    EUPHORIA,
    VICISTACK_OFFICE,
    VICISTACK_AGENTS,
    TELXI,
    VOIP_SHOP,
    IMRUNNING,
    UNITALK,
)


@attrs.frozen(field_transformer=checked)
class Suggestion(Described):
    """What to buy for a number of employees, and how many calls are then refused (H7).

    The blocking is Erlang's B of all channels together: a call that is refused on one profile is
    taken to try the next.

    Attributes:
        employees: who is to call.
        guideline: how they become channels.
        offer: whose numbers of channels can be bought.
        needed: the channels that the guideline asks for.
        profiles: the channels to buy on each profile, at least as many as needed: the least total
            that the fewest profiles can hold (H6).

    Raises:
        InvalidValue: there are no employees, or too many to compute with.
        TotalNotReachable: the offer would need more than a million profiles.

    >>> print(Suggestion(30))
    30 employees: buy 8 channels on 1 profile; 8 needed
    by two calls of three minutes in the busy hour: 0.1 erlang for each employee, at most 2 % of \
calls refused, no more channels than employees \
(https://erlangcalculator.pages.dev/blog/how-to-calculate-trunk-lines)
    blocking to expect at 3 erlangs: 0.813 %, that of the pool of all channels: a call refused on \
one profile tries the next
    """

    employees: int
    guideline: Guideline = DEFAULT
    offer: Offer = SKYPE_CONNECT
    needed: int = attrs.field(init=False, eq=False)
    profiles: tuple[int, ...] = attrs.field(init=False, eq=False)

    @needed.default
    def _needed(self) -> int:
        return self.guideline.need.needed(self.employees)

    @profiles.default
    def _profiles(self) -> tuple[int, ...]:
        return profiles_for(self.needed, self.offer.quantity)

    def __attrs_post_init__(self) -> None:
        bounded("channels", self.channels, 1, _MOST_CHANNELS)

    @property
    def channels(self) -> int:
        """How many to buy, on all profiles together."""
        return sum(self.profiles)

    @property
    def erlangs(self) -> float:
        """The load in the busy hour; where the guideline is a ratio, at the default's traffic."""
        return float(self.employees * self.guideline.need.erlangs)

    @property
    def blocking(self) -> float:
        """The part of calls that is refused in the busy hour, on all profiles together."""
        return erlang_b(self.erlangs, self.channels)

    def to_records(self) -> list[dict[str, object]]:
        """Return a row for each profile, with what holds for all of them beside it."""
        shared = {
            "employees": self.employees,
            "guideline": self.guideline.name,
            "source": self.guideline.source,
            "needed": self.needed,
            "erlangs": self.erlangs,
            "blocking": self.blocking,
        }
        return [
            {"profile": number, "channels": channels, **shared}
            for number, channels in enumerate(self.profiles, 1)
        ]

    def _describe(self) -> tuple[str, ...]:
        alike = [(size, len(list(same))) for size, same in groupby(self.profiles)]
        sizes = " + ".join(f"{count} × {size}" if count > 1 else f"{size}" for size, count in alike)
        each = f", {sizes}" if len(self.profiles) > 1 else ""
        erlangs = f"{self.erlangs:,.3f}".rstrip("0").rstrip(".")
        refused = _percent(self.blocking) if self.blocking >= 1e-5 else f"below {_percent(1e-5)}"
        return (
            f"{counted(self.employees, 'employee')}: buy {counted(self.channels, 'channel')} "
            f"on {counted(len(self.profiles), 'profile')}{each}; {self.needed:,} needed",
            f"by {self.guideline}",
            f"blocking to expect at {erlangs} erlangs: {refused}, "
            "that of the pool of all channels: a call refused on one profile tries the next",
        )


def suggest_channels(
    employees: int, *, guideline: Guideline = DEFAULT, offer: Offer = SKYPE_CONNECT
) -> Suggestion:
    """Return how many channels to buy for a number of employees, on how many profiles (H7).

    Skype's own table is published nowhere (F 2.2), and this does not claim to be it.

    Args:
        employees: how many, from 1 to ten million.
        guideline: how they become channels: by traffic unless another is named (F 11).
        offer: whose numbers of channels can be bought.

    Raises:
        WrongType: a value is of another type.
        InvalidValue: there are no employees, or too many to compute with.
        TotalNotReachable: the offer would need more than a million profiles.

    >>> suggestion = suggest_channels(4700)
    >>> suggestion.needed, suggestion.profiles
    (484, (300, 190))
    """
    return Suggestion(employees, guideline, offer)
