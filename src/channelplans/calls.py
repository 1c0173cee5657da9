"""Calls: how long a call counts, what part a bundle covers, and what the rest costs.

A duration is a ``timedelta``, and the counting rule is applied once to the whole call. This module
names the payer of a call; it does not know any wallet.
"""

import enum
import re
from bisect import bisect_right
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Final

import attrs

from channelplans._checks import instance
from channelplans._constructors import checked
from channelplans._display import DisplayMixin, clock
from channelplans.errors import InvalidValue
from channelplans.money import Money, round_ratio, same_currency
from channelplans.plans import Offer
from channelplans.rules import COUNTRY, BundleRule, CallRule, Rollover
from channelplans.tariffs import Tariff

__all__ = [
    "Allowance",
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
    """An outgoing call: the number and country called, the day on which it began, its duration.

    Attributes:
        id: your identifier of the call.
        number: the number that was dialled, such as ``+1 212 555 0100``.
        destination: the country called, as an ISO 3166 code. You pass it because a number does not
            always identify its country.
        day: the civil day on which the call began.
        duration: how long the call lasted.

    Raises:
        InvalidValue: the number is not a telephone number, the country is not a code of two capital
            letters, or the duration is negative.

    >>> print(Call("c-1", "+1 212 555 0100", "US", date(2026, 1, 5), timedelta(seconds=31)))
    2026-01-05 call c-1 to +1 212 555 0100 (US), 0:00:31
    """

    id: str
    number: str
    destination: str
    day: date
    duration: timedelta

    def __attrs_post_init__(self) -> None:
        if not _NUMBER.fullmatch(self.number):
            raise InvalidValue("number", repr(self.number), "digits, such as '+1 212 555 0100'")
        if not COUNTRY.fullmatch(self.destination):
            raise InvalidValue(
                "destination", repr(self.destination), 'two capital letters, such as "US"'
            )
        _not_negative("duration", self.duration)

    def _describe(self) -> tuple[str]:
        called = f"{self.number} ({self.destination})"
        return (f"{self.day} call {self.id} to {called}, {clock(self.duration)}",)


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
        InvalidValue: a duration is negative, or ``used`` is more than ``granted``.

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
        for minutes in self.carried:
            _not_negative("carried", minutes)
        if self.used > self.granted:
            expected = f"at most the minutes granted, {self.granted}"
            raise InvalidValue("used", str(self.used), expected)

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

        Raises:
            InvalidValue: the duration is negative, or longer than ``remaining``.
        """
        _not_negative("duration", instance("duration", duration, timedelta))
        carried = []
        for minutes in reversed(self.carried):
            taken = min(minutes, duration)
            duration -= taken
            carried.append(minutes - taken)
        return Allowance(self.granted, self.used + duration, tuple(reversed(carried)))

    def granting(self, granted: timedelta) -> "Allowance":
        """Return the allowance after the running term's minutes were changed.

        Minutes that are already used stay granted.
        """
        return attrs.evolve(self, granted=max(granted, self.used))

    def next(self, granted: timedelta, rule: Rollover | None) -> "Allowance":
        """Return the allowance of the next term, with the minutes that the rule carries into it.

        >>> left = Allowance(timedelta(minutes=100), timedelta(minutes=30))
        >>> print(left.next(timedelta(minutes=100), Rollover(terms=1, cap=50)))
        2:30:00 of 1:40:00 left, 0:50:00 of it carried
        """
        if rule is None:
            return Allowance(granted)
        kept = (self.granted - self.used, *self.carried)[: rule.terms]
        if rule.terms is None:  # these minutes never expire, so their ages do not matter
            kept = (sum(kept, _NOTHING),)
        carried, room = [], timedelta.max if rule.cap is None else timedelta(minutes=rule.cap)
        for minutes in kept:
            carried.append(min(minutes, room))
            room -= carried[-1]
        # Drop the oldest terms without minutes, so that allowances of the same minutes are equal.
        while carried and not carried[-1]:
            carried.pop()
        return Allowance(granted, _NOTHING, tuple(carried))

    def _describe(self) -> tuple[str]:
        total_carried = sum(self.carried, _NOTHING)
        carried = f", {clock(total_carried)} of it carried" if total_carried else ""
        return (f"{clock(self.remaining)} of {clock(self.granted)} left{carried}",)


def billable(duration: timedelta, rule: CallRule) -> timedelta:
    """Return the counted length of a call: the rule's minimum, then whole steps (F 3.5, F 8.5).

    A started step counts as a whole step. The counted length of an empty call is zero.

    Raises:
        InvalidValue: the duration is negative, or its counted length does not fit a timedelta.

    >>> billable(timedelta(seconds=31), CallRule()).total_seconds()
    36.0
    """
    _not_negative("duration", instance("duration", duration, timedelta))
    instance("rule", rule, CallRule)
    if not duration:
        return duration
    try:
        started_steps = max(-((rule.minimum - duration) // rule.step), 0)
        return rule.minimum + started_steps * rule.step
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
    national_number = _remove_calling_code(call.number, rule.calling_code)
    excluded = national_number.startswith(rule.excluded_prefixes)
    return call.destination in rule.area and not excluded


class Payer(enum.Enum):
    """Whose wallet pays for a call.

    The account pays for overage (H13). The profile pays for every other call (F 7.3).
    """

    ACCOUNT = "account"
    PROFILE = "profile"


@checked
@attrs.frozen(repr=False)
class Charge(DisplayMixin):
    """The price of a part of a call, and who pays it.

    Attributes:
        duration: the part of the call that is charged.
        per_minute: the price of a minute.
        amount: the price of the duration, rounded once to the unit of the currency.
        payer: whose wallet pays.
    """

    duration: timedelta
    per_minute: Decimal
    amount: Money
    payer: Payer

    def _describe(self) -> tuple[str]:
        rate = f"{self.per_minute:f} {self.amount.currency.code} a minute"
        return (f"{clock(self.duration)} at {rate}: {self.amount}, paid by the {self.payer.value}",)


@checked
@attrs.frozen(repr=False)
class RatedCall(DisplayMixin):
    """A call, its counted length by source, and the charges.

    Attributes:
        call: the call.
        included: the part that comes from the allowance.
        overage: the part that a bundle covers after its minutes are used up (H13).
        other: the part that no bundle covers.
        charges: the price of the parts that are not included.
    """

    call: Call
    included: timedelta
    overage: timedelta
    other: timedelta
    charges: tuple[Charge, ...]

    @property
    def counted(self) -> timedelta:
        """The counted length of the call: included, overage and other together."""
        return self.included + self.overage + self.other

    def to_records(self) -> list[dict[str, object]]:
        """Return a plain row for each charge; for a call without charges, a row without a price."""
        call_columns: dict[str, object] = {
            "call": self.call.id,
            "on": self.call.day,
            "number": self.call.number,
            "destination": self.call.destination,
            "seconds": self.counted.total_seconds(),
            "included_seconds": self.included.total_seconds(),
        }
        return [
            {
                **call_columns,
                "payer": charge.payer.value,
                "minor": charge.amount.minor,
                "amount": charge.amount.amount,
                "currency": charge.amount.currency.code,
            }
            for charge in self.charges
        ] or [{**call_columns, "payer": None, "minor": 0, "amount": Decimal(0), "currency": None}]

    def _describe(self) -> tuple[str, ...]:
        counted = f"{self.call}: {clock(self.counted)} counted, {clock(self.included)} included"
        return (counted, *map(str, self.charges))


def rate_call(call: Call, allowance: Allowance, tariff: Tariff, *, offer: Offer) -> RatedCall:
    """Return the minutes that a call takes from an allowance, and the price of the rest.

    If a bundle covers the call, the allowance pays first, as long as it has minutes. The rest is
    charged at the tariff's price for the country. The parts are exact; the charge is rounded once,
    to the currency's unit (H13, F 8.5). The allowance itself is not changed; see ``Allowance.use``.

    Raises:
        UnknownRate: the tariff has no price for calls to the country.

    >>> from channelplans.money import EUR
    >>> from channelplans.offers import SKYPE_CONNECT
    >>> tariff = Tariff("made up", EUR, channel="6.95", bundle="10", minute="0.021")
    >>> call = Call("c-1", "+12125550100", "US", date(2026, 1, 5), timedelta(minutes=10))
    >>> left = Allowance(timedelta(minutes=5000), used=timedelta(minutes=4996))
    >>> print(rate_call(call, left, tariff, offer=SKYPE_CONNECT))
    2026-01-05 call c-1 to +12125550100 (US), 0:10:00: 0:10:00 counted, 0:04:00 included
    0:06:00 at 0.021 EUR a minute: 0.13 EUR, paid by the account
    """
    per_minute, payer, available = _conditions(call, allowance, tariff, offer)
    counted = billable(call.duration, offer.calls)
    included = min(counted, available)
    rest = counted - included
    charge = Charge(rest, per_minute, _cost(rest, per_minute, tariff, offer), payer)
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

    Use it when a call begins. The call's own duration is ignored. The result is zero if the credit
    cannot pay the rule's minimum, and a hundred years if nothing limits the call.

    Args:
        call: the call that begins.
        allowance: the minutes of the running term.
        tariff: the prices.
        offer: the rules for counting calls and for bundles.
        account: the balance of the account's wallet.
        profile: the balance of the profile's wallet.

    Raises:
        UnknownRate: the tariff has no price for calls to the country.
        CurrencyMismatch: a balance is in another currency than the tariff.

    >>> from channelplans.money import EUR
    >>> from channelplans.offers import SKYPE_CONNECT
    >>> tariff = Tariff("made up", EUR, channel="6.95", bundle="10", minute="0.021")
    >>> call = Call("c-1", "+12125550100", "US", date(2026, 1, 5), timedelta(0))
    >>> no_minutes, credit = Allowance(timedelta(0)), Money.of("0.10", EUR)
    >>> str(
    ...     longest_call(
    ...         call, no_minutes, tariff, offer=SKYPE_CONNECT, account=credit, profile=credit
    ...     )
    ... )
    '0:04:54'
    """
    per_minute, payer, available = _conditions(call, allowance, tariff, offer)
    for parameter, balance in (("account", account), ("profile", profile)):
        same_currency(tariff.currency, instance(parameter, balance, Money).currency)
    credit = account if payer is Payer.ACCOUNT else profile
    minimum, step = offer.calls.minimum, offer.calls.step

    def cost_of_steps(steps: int) -> int:
        rest = max(minimum + steps * step - available, _NOTHING)
        return _cost(rest, per_minute, tariff, offer).minor

    possible_steps = range((_LONGEST_CALL - minimum) // step + 1)
    payable = bisect_right(possible_steps, max(credit.minor, 0), key=cost_of_steps)
    return minimum + (payable - 1) * step if payable else _NOTHING


def _conditions(
    call: Call, allowance: Allowance, tariff: Tariff, offer: Offer
) -> tuple[Decimal, Payer, timedelta]:
    """Return a call's price for a minute, its payer, and the minutes that the allowance pays."""
    instance("call", call, Call)
    instance("allowance", allowance, Allowance)
    per_minute = instance("tariff", tariff, Tariff).per_minute(call.destination, offer)
    bundle = offer.bundle
    has_bundles = allowance.granted or any(allowance.carried)
    if bundle is None or not has_bundles or not covered(call, bundle):
        return per_minute, Payer.PROFILE, _NOTHING
    available = allowance.remaining
    if bundle.longest_call is not None:
        available = min(available, bundle.longest_call)
    return per_minute, Payer.ACCOUNT, available


def _cost(duration: timedelta, per_minute: Decimal, tariff: Tariff, offer: Offer) -> Money:
    numerator, denominator = per_minute.as_integer_ratio()
    minor = round_ratio(
        numerator * tariff.currency.units * (duration // _MICROSECOND),
        denominator * (_MINUTE // _MICROSECOND),
        offer.calls.rounding,
    )
    return Money(minor=minor, currency=tariff.currency)


def _remove_calling_code(number: str, calling_code: str) -> str:
    """Return the digits of a number without the international prefix and calling code (F 8.10)."""
    digits = re.sub(r"[^0-9]", "", number)
    if not number.startswith("+"):
        digits = digits.removeprefix("00")
    return digits.removeprefix(calling_code)


def _not_negative(parameter: str, duration: timedelta) -> None:
    if duration < _NOTHING:
        raise InvalidValue(parameter, f"-{clock(-duration)}", "0 s or longer")
