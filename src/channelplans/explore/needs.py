"""A need of channels and minutes, and the products that can serve it.

A month is 30 days and a year 365, so that terms of different lengths can be compared. This module
computes the minutes of a term; it does not choose profiles or bundles.
"""

from collections.abc import Mapping
from decimal import Decimal
from fractions import Fraction
from typing import Final, NamedTuple, cast

import attrs

from channelplans._checks import bounded, shown, text
from channelplans._constructors import checked
from channelplans._display import DisplayMixin, counted
from channelplans._numbers import ByNumber
from channelplans.calendar import Days
from channelplans.erlang import channels_for
from channelplans.errors import InvalidValue, UnknownRate, WrongType, quoted
from channelplans.explore.traffic import TrafficReport
from channelplans.money import Rounding, exact, round_ratio
from channelplans.plans import Offer
from channelplans.sizing import DEFAULT_GUIDELINE, Guideline, Traffic
from channelplans.subscriptions.catalogue import name_edition
from channelplans.tariffs import Tariff

__all__ = ["Need", "Product"]


#: The largest need, in channels.
MOST_NEEDED: Final = 5_000

#: The days of a month and of a year.
MONTH: Final = 30
YEAR: Final = 365

#: The largest number of minutes to one destination.
_MOST_MINUTES: Final = 10**9

#: The largest denominator of a number of minutes.
_MOST_PARTS: Final = 10**9

_DEFAULT_BLOCKING: Final = cast(Traffic, DEFAULT_GUIDELINE.need).blocking


@checked
@attrs.frozen(repr=False)
class Product(DisplayMixin):
    """An offer with a tariff: the rules and the prices of one provider.

    Attributes:
        offer: the rules.
        tariff: the prices.

    >>> from channelplans import EUR, SKYPE_CONNECT, Tariff
    >>> from channelplans.explore import Product
    >>> print(Product(SKYPE_CONNECT, Tariff("made up", EUR, channel="6.95")))
    'Skype Connect (help page)', tariff 'made up'
    """

    offer: Offer
    tariff: Tariff

    @property
    def term_days(self) -> int:
        """The days of a term: 365 for 12 months, 30 for each other month."""
        length = self.offer.term.length
        if isinstance(length, Days):
            return length.count
        years, months = divmod(length.count, 12)
        return years * YEAR + months * MONTH

    def _describe(self) -> tuple[str]:
        return (name_edition(self.offer, self.tariff),)


def _as_erlangs(
    value: TrafficReport | Fraction | Decimal | float | str | None,
) -> float | None:
    if isinstance(value, TrafficReport):
        return value.erlangs
    if value is None or isinstance(value, (float, Fraction)):
        return None if value is None else float(value)
    return float(exact("traffic", value))


def _as_minutes(value: Mapping[str, Fraction | Decimal | str | int]) -> Mapping[str, Fraction]:
    if not isinstance(value, Mapping):
        expected = 'a mapping of destinations to minutes a month, such as {"US": 500}'
        raise WrongType("minutes", shown(value), expected)
    return ByNumber(
        {
            text("minutes", destination): _read_minutes(f"minutes[{quoted(destination)}]", minutes)
            for destination, minutes in value.items()
        }
    )


def _read_minutes(parameter: str, value: Fraction | Decimal | str | int) -> Fraction:
    try:
        minutes = value if isinstance(value, Fraction) else exact(parameter, value)
    except WrongType:
        expected = (
            'an exact number of minutes: an int, a Fraction, a Decimal or text such as "12.5"'
        )
        raise WrongType(parameter, shown(value), expected) from None
    if not 0 <= minutes <= _MOST_MINUTES or minutes.denominator > _MOST_PARTS:
        expected = f"minutes from 0 to {_MOST_MINUTES:,}, with at most 9 decimals"
        raise InvalidValue(parameter, shown(value), expected)
    return minutes


@checked
@attrs.frozen(kw_only=True, repr=False)
class Need(DisplayMixin):
    """What a business needs: channels, and minutes of calls in a month of 30 days.

    The channels are given as a number, as a number of employees or as traffic; pass one of them.

    Attributes:
        channels: the number of simultaneous calls.
        employees: the number of employees; the guideline computes the channels (H7).
        traffic: the load of the busy hour in erlangs: an int, a Fraction, a Decimal, text, a float,
            or the report of ``measure_traffic``, whose busy hour counts. The channels are the
            smallest number that refuses at most the guideline's part of the calls; a guideline
            without such a part has that of the default guideline.
        minutes: the minutes of calls to each destination in 30 days: an int, a Fraction, a Decimal
            or text. Use the names of the bundle's area and of the tariff's rates, such as ``US``.
        guideline: the rule for the channels of employees and of traffic.
        needed: the smallest number of channels that is enough.

    Raises:
        WrongType: a number is inexact or of another type.
        InvalidValue: none or several of channels, employees and traffic are passed; more than
            5,000 channels are needed; or a number of minutes is negative or more than a billion.

    >>> from channelplans.explore import Need
    >>> Need(employees=30).needed, Need(traffic="4.37").needed
    (8, 10)
    >>> print(Need(channels=20, minutes={"US": 30_000, "DE": "12.5"}))
    20 channels; in 30 days 30,000 minutes to 'US', 12.5 minutes to 'DE'

    Measured traffic is passed as it is:

    >>> from datetime import datetime, timedelta, timezone
    >>> from channelplans.explore import CallInterval, measure_traffic
    >>> ten = datetime(2026, 1, 5, 10, 0, tzinfo=timezone.utc)
    >>> calls = [CallInterval(ten, timedelta(minutes=45))] * 4
    >>> print(Need(traffic=measure_traffic(calls, zone=timezone.utc)))
    8 channels for 3 erlangs
    """

    channels: int | None = None
    employees: int | None = None
    traffic: float | None = attrs.field(default=None, converter=_as_erlangs)
    minutes: Mapping[str, Fraction] = attrs.field(default=ByNumber({}), converter=_as_minutes)
    guideline: Guideline = DEFAULT_GUIDELINE
    needed: int = attrs.field(init=False, eq=False, repr=False)

    def __attrs_post_init__(self) -> None:
        passed = [
            name for name in ("channels", "employees", "traffic") if getattr(self, name) is not None
        ]
        if len(passed) != 1:
            expected = "exactly one of channels, employees and traffic"
            raise InvalidValue("need", " and ".join(passed) or "none", expected)
        needed = bounded(passed[0], self._count_channels(), 1, MOST_NEEDED)
        object.__setattr__(self, "needed", needed)

    def _count_channels(self) -> int:
        if self.employees is not None:
            return self.guideline.need.needed(self.employees)
        if self.traffic is not None:
            need = self.guideline.need
            blocking = need.blocking if isinstance(need, Traffic) else _DEFAULT_BLOCKING
            return max(1, channels_for(self.traffic, blocking=blocking))
        return self.channels or 0

    def _describe(self) -> tuple[str]:
        sentence = counted(self.needed, "channel")
        if self.employees is not None:
            sentence += f" for {counted(self.employees, 'employee')}"
        if self.traffic is not None:
            sentence += f" for {self.traffic:g} erlangs"
        listed = [
            f"{format_minutes(minutes)} minutes to {quoted(destination)}"
            for destination, minutes in self.minutes.items()
        ]
        return (f"{sentence}; in 30 days {', '.join(listed)}" if listed else sentence,)


def format_minutes(minutes: Fraction) -> str:
    """Return a number of minutes with at most two decimals, rounded half up."""
    hundredths = round_ratio(minutes.numerator * 100, minutes.denominator, Rounding.HALF_UP)
    return f"{Decimal(hundredths).scaleb(-2):,.2f}".rstrip("0").rstrip(".")


class Usage(NamedTuple):
    """The minutes of a term that bundles can cover, their price, and the cost of all other_calls.

    A price is in smallest units of the tariff's currency.
    """

    minutes: Fraction
    rate: Fraction  # the average price of a minute
    other_calls: Fraction
    missing: UnknownRate | None  # the error for a destination of the area without a rate


def measure(need: Need, product: Product) -> Usage:
    """Return the minutes of a term and their prices.

    Raises:
        UnknownRate: the tariff has no rate for a destination outside the area of the bundles.
    """
    offer, tariff = product.offer, product.tariff
    area = offer.bundle.area if offer.bundle else ()
    covered, covered_cost, other_calls = Fraction(0), Fraction(0), Fraction(0)
    missing: UnknownRate | None = None
    for destination, monthly in need.minutes.items():
        minutes = monthly * product.term_days / MONTH
        if not minutes:
            continue
        price = Fraction(0)
        try:
            price = Fraction(tariff.rate_for(destination, offer).minute) * tariff.currency.units
        except UnknownRate as error:
            if destination not in area:
                raise
            missing = missing or error
        if destination in area:
            covered += minutes
            covered_cost += minutes * price
        else:
            other_calls += minutes * price
    average = covered_cost / covered if covered else Fraction(0)
    return Usage(covered, average, other_calls, missing)
