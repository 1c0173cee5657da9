"""Calls: how long a call counts, what part a bundle covers, and what the rest costs.

A duration is a ``timedelta``, and the counting rule is applied once to the whole call. This module
names the payer of a call; it does not know any wallet.
"""

import enum
import re
from bisect import bisect_right
from collections.abc import Mapping
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from types import MappingProxyType
from typing import Final

import attrs

from channelplans._checks import instance, short_identifier
from channelplans._constructors import checked
from channelplans._display import DisplayMixin, RecordsMixin, clock
from channelplans._numbers import dialled_digits, national_digits
from channelplans.allowances import Allowance, not_negative
from channelplans.errors import BarredNumber, InvalidValue, quoted
from channelplans.money import Currency, Money, round_ratio, same_currency
from channelplans.plans import Offer
from channelplans.rules import BundleRule, CallRule
from channelplans.tariffs import Rate, Tariff, format_rate

__all__ = [
    "Call",
    "Charge",
    "Payer",
    "RatedCall",
    "billable",
    "covered",
    "longest_call",
    "rate_call",
]


_NOTHING = timedelta(0)


_NUMBER = re.compile(r"\+?\(?[0-9][0-9 ().-]*")


_MICROSECOND: Final = timedelta(microseconds=1)


_MINUTE: Final = timedelta(minutes=1)


_LONGEST_CALL: Final = timedelta(days=36_500)


@checked
@attrs.frozen(repr=False)
class Call(DisplayMixin):
    """An outgoing call: the number and destination, the day on which it began, its duration.

    Attributes:
        id: your identifier of the call.
        number: the number that was dialled, such as ``+1 212 555 0100``.
        destination: a name for where the call goes, such as the country's ISO 3166 code or
            ``DE-mobile``. The bundle's area and the tariff's rates must use the same names. You
            pass it because a number does not always identify its country.
        day: the civil day on which the call began.
        duration: how long the call lasted.

    Raises:
        InvalidValue: the number is not a telephone number, the duration is negative, or the
            identifier is longer than 255 characters.

    >>> from datetime import date, timedelta
    >>> from channelplans import Call
    >>> day, length = date(2026, 1, 5), timedelta(seconds=31)
    >>> print(Call("c-1", "+1 212 555 0100", "US", day, length))
    2026-01-05 call 'c-1' to +1 212 555 0100 ('US'), 0:00:31
    """

    id: str
    number: str
    destination: str
    day: date
    duration: timedelta

    def __attrs_post_init__(self) -> None:
        short_identifier("id", self.id)
        if not _NUMBER.fullmatch(self.number):
            raise InvalidValue("number", quoted(self.number), "digits, such as '+1 212 555 0100'")
        not_negative("duration", self.duration)

    def _describe(self) -> tuple[str]:
        called = f"{self.number} ({quoted(self.destination)})"
        return (f"{self.day} call {quoted(self.id)} to {called}, {clock(self.duration)}",)


def billable(duration: timedelta, rule: CallRule) -> timedelta:
    """Return the counted length of a call: the rule's minimum, then whole steps (F 3.5, F 8.5).

    A started step counts as a whole step. The counted length of an empty call is zero.

    Args:
        duration: how long the call lasted.
        rule: the minimum and the step.

    Raises:
        InvalidValue: the duration is negative, or its counted length does not fit a timedelta.

    >>> from datetime import timedelta
    >>> from channelplans import CallRule, billable
    >>> billable(timedelta(seconds=31), CallRule()).total_seconds()
    36.0
    """
    not_negative("duration", instance("duration", duration, timedelta))
    instance("rule", rule, CallRule)
    if not duration:
        return duration
    try:
        started_steps = max(-((rule.minimum - duration) // rule.step), 0)
        return rule.minimum + started_steps * rule.step
    except OverflowError:
        raise InvalidValue("duration", str(duration), "short enough to be rounded up") from None


def covered(call: Call, rule: BundleRule | Offer) -> bool:
    """Return whether a bundle is valid for a call's destination and number (H10, F 8.2, F 8.10).

    Args:
        call: the call; its number and its destination count.
        rule: the bundle's rule, or the offer, to check the offer's barred numbers too. An offer
            without bundles covers nothing.

    Raises:
        BarredNumber: the offer cannot call the number, such as an emergency number (H21).

    >>> from datetime import date, timedelta
    >>> from channelplans import BundleRule, Call, covered
    >>> us = BundleRule("US minutes", 5000, ("US",), excluded_prefixes=("218632",))
    >>> day, minute = date(2026, 1, 5), timedelta(minutes=1)
    >>> covered(Call("a", "+1 212 555 0100", "US", day, minute), us)
    True
    >>> covered(Call("b", "001 218 632 0100", "US", day, minute), us)
    False
    """
    instance("call", call, Call)
    if isinstance(rule, Offer):
        _refuse_barred(call, rule)
        return rule.bundle is not None and covered(call, rule.bundle)
    instance("rule", rule, BundleRule, Offer)
    national_number = national_digits(call.number, rule.calling_code, rule.trunk_prefix)
    excluded = national_number.startswith(rule.excluded_prefixes)
    return call.destination in rule.area and not excluded


class Payer(enum.Enum):
    """Whose wallet pays for a call.

    Attributes:
        ACCOUNT: the account's wallet pays for overage (H13).
        PROFILE: the profile's wallet pays for every other call (F 7.3).
    """

    ACCOUNT = "account"
    PROFILE = "profile"


@checked
@attrs.frozen(repr=False)
class Charge(RecordsMixin):
    """The price of a part of a call, and who pays it.

    Attributes:
        duration: the part of the call that is charged.
        rate: the prices of the call.
        amount: the charge by the rate, rounded once to the unit of the currency.
        payer: whose wallet pays.

    Raises:
        InvalidValue: the duration is negative.
    """

    duration: timedelta
    rate: Rate
    amount: Money
    payer: Payer

    def __attrs_post_init__(self) -> None:
        not_negative("duration", self.duration)

    def to_records(self) -> list[dict[str, object]]:
        """Return the charge as one plain row.

        >>> from datetime import timedelta
        >>> from channelplans import EUR, Money, Rate
        >>> from channelplans.calls import Charge, Payer
        >>> amount = Money.of("0.13", EUR)
        >>> charge = Charge(timedelta(minutes=6), Rate("0.021"), amount, Payer.ACCOUNT)
        >>> print(*charge.to_records()[0])
        payer per_minute connection minimum_charge minor amount currency
        """
        return [
            {
                "payer": self.payer.value,
                "per_minute": self.rate.minute,
                "connection": self.rate.connection,
                "minimum_charge": self.rate.minimum_charge,
                "minor": self.amount.minor,
                "amount": self.amount.amount,
                "currency": self.amount.currency.code,
            }
        ]

    def _describe(self) -> tuple[str]:
        prices = attrs.evolve(self.rate, counting=None)  # the call is counted already
        rate = format_rate(prices, self.amount.currency.code)
        return (f"{clock(self.duration)} at {rate}: {self.amount}, paid by the {self.payer.value}",)


@checked
@attrs.frozen(repr=False)
class RatedCall(RecordsMixin):
    """A call, the three parts of its counted length, and the charges.

    Attributes:
        call: the call.
        included: the part that comes from the allowance.
        overage: the part that a bundle covers after its minutes are used up (H13).
        other: the part that no bundle covers.
        charges: a charge for each part that is not included.

    Raises:
        InvalidValue: a part is negative, or the parts together are too long for a timedelta.
    """

    call: Call
    included: timedelta
    overage: timedelta
    other: timedelta
    charges: tuple[Charge, ...]

    def __attrs_post_init__(self) -> None:
        not_negative("included", self.included)
        not_negative("overage", self.overage)
        not_negative("other", self.other)
        try:
            _ = self.counted
        except OverflowError:
            expected = f"at most {timedelta.max} together with included and overage"
            raise InvalidValue("other", str(self.other), expected) from None

    @property
    def counted(self) -> timedelta:
        """The counted length of the call: included, overage and other together."""
        return self.included + self.overage + self.other

    def to_records(self) -> list[dict[str, object]]:
        """Return a plain row for each charge; for a call without charges, a row without a price.

        A row has the call's ``call``, ``on``, ``number``, ``destination``, ``seconds`` and
        ``included_seconds``, and the columns of the charge.
        """
        call_columns: dict[str, object] = {
            "call": self.call.id,
            "on": self.call.day,
            "number": self.call.number,
            "destination": self.call.destination,
            "seconds": self.counted.total_seconds(),
            "included_seconds": self.included.total_seconds(),
        }
        charges = [row for charge in self.charges for row in charge.to_records()]
        return [{**call_columns, **row} for row in charges] or [{**call_columns, **_NO_CHARGE}]

    def _describe(self) -> tuple[str, ...]:
        counted = f"{self.call}: {clock(self.counted)} counted, {clock(self.included)} included"
        return (counted, *map(str, self.charges))


#: The columns of a charge, for a call that costs nothing.
_NO_CHARGE: Final[Mapping[str, object]] = MappingProxyType(
    {
        "payer": None,
        "per_minute": None,
        "connection": None,
        "minimum_charge": None,
        "minor": 0,
        "amount": Decimal(0),
        "currency": None,
    }
)


def rate_call(call: Call, allowance: Allowance, tariff: Tariff, *, offer: Offer) -> RatedCall:
    """Return the minutes that a call takes from an allowance, and the price of the rest.

    One rule counts the whole call: the rule of its rate, or else the offer's rule. If a bundle
    covers the call, the allowance pays first, as long as it has minutes. The rest is charged at the
    rate that ``Tariff.rate_for`` finds (H13). The parts are exact; the charge is rounded once, to
    the currency's unit (F 8.5).

    Args:
        call: the call, after it has ended.
        allowance: the minutes of the running term. It is not changed; see ``Allowance.use``.
        tariff: the prices.
        offer: the rules for counting calls and for bundles.

    Raises:
        BarredNumber: the offer cannot call the number, such as an emergency number (H21).
        UnknownRate: the tariff has no rate for the call.

    >>> from datetime import date, timedelta
    >>> from channelplans import EUR, SKYPE_CONNECT, Allowance, Call, Tariff, rate_call
    >>> tariff = Tariff("made up", EUR, channel="6.95", bundle="10", minute="0.021")
    >>> day, length = date(2026, 1, 5), timedelta(minutes=10)
    >>> call = Call("c-1", "+12125550100", "US", day, length)
    >>> allowance = Allowance(timedelta(minutes=5000), used=timedelta(minutes=4996))
    >>> rated = rate_call(call, allowance, tariff, offer=SKYPE_CONNECT)
    >>> print(rated.included, rated.charges[0], sep=" included, ")
    0:04:00 included, 0:06:00 at 0.021 EUR a minute: 0.13 EUR, paid by the account
    """
    rate, payer, available = _conditions(call, allowance, tariff, offer)
    rule = offer.calls if rate.counting is None else rate.counting
    counted = billable(call.duration, rule)
    included = min(counted, available)
    rest = counted - included
    minor = _cost(rest, rate, rule, tariff.currency)
    charge = Charge(rest, rate, Money(minor=minor, currency=tariff.currency), payer)
    overage, other = (rest, _NOTHING) if payer is Payer.ACCOUNT else (_NOTHING, rest)
    return RatedCall(call, included, overage, other, (charge,) if rest else ())


def longest_call(
    call: Call,
    allowance: Allowance,
    tariff: Tariff,
    *,
    offer: Offer,
    account: Money,
    profile: Money,
) -> timedelta:
    """Return the longest counted length that the allowance and the credit can pay (F 3.5).

    Use it when a call begins. The rule that counts the call defines the possible lengths. The
    result is zero if the credit cannot pay the shortest of them, and a hundred years if nothing
    limits the call.

    Args:
        call: the call that begins. Its duration is ignored.
        allowance: the minutes of the running term.
        tariff: the prices.
        offer: the rules for counting calls and for bundles.
        account: the balance of the account's wallet.
        profile: the balance of the profile's wallet.

    Raises:
        BarredNumber: the offer cannot call the number, such as an emergency number (H21).
        UnknownRate: the tariff has no rate for the call.
        CurrencyMismatch: a balance is in another currency than the tariff.

    >>> from datetime import date, timedelta
    >>> from channelplans import EUR, SKYPE_CONNECT, Allowance, Call, Money, Tariff
    >>> from channelplans import longest_call
    >>> tariff = Tariff("made up", EUR, channel="6.95", bundle="10", minute="0.021")
    >>> call = Call("c-1", "+12125550100", "US", date(2026, 1, 5), timedelta(0))
    >>> minutes, credit = Allowance(timedelta(0)), Money.of("0.10", EUR)
    >>> longest = longest_call(
    ...     call, minutes, tariff, offer=SKYPE_CONNECT, account=credit, profile=credit
    ... )
    >>> print(longest)
    0:04:54
    """
    rate, payer, available = _conditions(call, allowance, tariff, offer)
    for parameter, balance in (("account", account), ("profile", profile)):
        same_currency(tariff.currency, instance(parameter, balance, Money).currency)
    credit = account if payer is Payer.ACCOUNT else profile
    rule = offer.calls if rate.counting is None else rate.counting

    def cost_of_steps(steps: int) -> int:
        rest = max(rule.minimum + steps * rule.step - available, _NOTHING)
        return _cost(rest, rate, rule, tariff.currency)

    # The cost never falls with more steps, so the payable lengths come first.
    possible_steps = range((_LONGEST_CALL - rule.minimum) // rule.step + 1)
    payable = bisect_right(possible_steps, max(credit.minor, 0), key=cost_of_steps)
    return rule.minimum + (payable - 1) * rule.step if payable else _NOTHING


def _conditions(
    call: Call, allowance: Allowance, tariff: Tariff, offer: Offer
) -> tuple[Rate, Payer, timedelta]:
    """Return a call's rate, its payer, and the minutes that the allowance pays."""
    instance("call", call, Call)
    instance("allowance", allowance, Allowance)
    instance("tariff", tariff, Tariff)
    has_bundle = covered(call, instance("offer", offer, Offer))
    rate = tariff.rate_for(call.destination, offer, number=call.number)
    has_minutes = allowance.granted or any(allowance.carried)
    if offer.bundle is None or not has_bundle or not has_minutes:
        return rate, Payer.PROFILE, _NOTHING
    available = allowance.remaining
    if offer.bundle.longest_call is not None:
        available = min(available, offer.bundle.longest_call)
    return rate, Payer.ACCOUNT, available


def _refuse_barred(call: Call, offer: Offer) -> None:
    """Refuse a call to a number that the offer's service cannot call (H21)."""
    dialled = dialled_digits(call.number)
    if dialled in offer.calls.barred_numbers:
        raise BarredNumber(dialled, offer.name)


def _cost(duration: timedelta, rate: Rate, rule: CallRule, currency: Currency) -> int:
    """Return the charge for a duration, in units of the currency; nothing costs nothing."""
    if not duration:
        return 0
    minutes = Fraction(duration // _MICROSECOND, _MINUTE // _MICROSECOND)
    charge = Fraction(rate.minute) * minutes
    if rate.connection:
        charge += Fraction(rate.connection)
    if rate.minimum_charge:
        charge = max(charge, Fraction(rate.minimum_charge))
    exact_units = charge * currency.units
    return round_ratio(exact_units.numerator, exact_units.denominator, rule.rounding)
