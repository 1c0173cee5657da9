"""Every exception of the package.

An error carries plain fields (int, str, date, Decimal) and builds its sentence from them;
each class has a stable ``code`` for programs that translate or log it.
The sentence names what was wrong and what would work.
This module knows no other module of the package.
"""

from datetime import date
from decimal import Decimal
from typing import ClassVar

import attrs

__all__ = [
    "AllowanceNeeded",
    "BundlesNotAllowed",
    "CalendarEnds",
    "ChangedTooSoon",
    "ChannelPlansError",
    "ChannelsNotSellable",
    "ChannelsOutOfRange",
    "Conflict",
    "CurrencyMismatch",
    "InsufficientCredit",
    "InvalidValue",
    "MixedChange",
    "NotDecodable",
    "NotOffered",
    "OutsideTerm",
    "PlanUnchanged",
    "RuleError",
    "TokenReused",
    "TotalNotReachable",
    "TransitionNotAllowed",
    "UnknownEdition",
    "UnknownRate",
    "WrongType",
]


class ChannelPlansError(Exception):
    """The root of the package's errors; never raised itself."""

    #: A stable name for programs; the sentence may change, the code does not.
    code: ClassVar[str] = "error"


@attrs.frozen
class WrongType(ChannelPlansError, TypeError):
    """A value is of a type that the parameter does not take."""

    code: ClassVar[str] = "wrong-type"
    parameter: str
    value: str
    expected: str

    def __str__(self) -> str:
        return f"{self.parameter} must be {self.expected}, not {self.value}"


@attrs.frozen
class InvalidValue(ChannelPlansError, ValueError):
    """A value is of the right type, but cannot be what the parameter means."""

    code: ClassVar[str] = "invalid-value"
    parameter: str
    value: str
    expected: str

    def __str__(self) -> str:
        return f"{self.parameter} must be {self.expected}, not {self.value}"


@attrs.frozen
class CurrencyMismatch(ChannelPlansError, ValueError):
    """Two amounts, or an amount and a tariff, are in different currencies."""

    code: ClassVar[str] = "currency-mismatch"
    expected: str
    actual: str

    def __str__(self) -> str:
        given = f"{self.expected} was expected, {self.actual} was given"
        told = f"amounts must be in one currency: {given}"
        if self.expected[:3] == self.actual[:3]:
            return f"{told}; Money.to changes the number of decimals"
        return f"{told}; nothing here converts one currency into another"


@attrs.frozen
class CalendarEnds(ChannelPlansError, ValueError):
    """A term would end after the last day that a date can hold."""

    code: ClassVar[str] = "calendar-ends"
    anchor: date
    length: str
    number: int

    def __str__(self) -> str:
        return (
            f"term {self.number} of {self.length} from {self.anchor} would not fit the calendar, "
            f"which ends on {date.max}; an earlier day works"
        )


class RuleError(ChannelPlansError, ValueError):
    """A request breaches a rule of an offer; never raised itself."""

    code: ClassVar[str] = "rule"


@attrs.frozen
class ChannelsOutOfRange(RuleError):
    """The number of channels asked for is not sold on one profile (H2, F 1.1)."""

    code: ClassVar[str] = "channels-out-of-range"
    requested: int
    minimum: int
    maximum: int
    split: tuple[int, ...] = ()

    def __str__(self) -> str:
        limits = f"channels must be at least {self.minimum} and at most {self.maximum}"
        if not self.split:
            return f"{limits}, not {self.requested}"
        return f"{limits}; {self.requested} needs {_profiles(self.split)}"


@attrs.frozen
class ChannelsNotSellable(RuleError):
    """A plan names a number of channels that no request is sold as (H5)."""

    code: ClassVar[str] = "channels-not-sellable"
    channels: int
    requested: int
    sold_as: int

    def __str__(self) -> str:
        if self.channels == self.requested:
            return (
                f"{self.channels} channels are not sold: a request for {self.requested} "
                f"is sold as {self.sold_as}; offer.plan(channels={self.requested}) rounds for you"
            )
        return (
            f"a request for {self.requested} channels is sold as {self.sold_as}, "
            f"not as {self.channels}; leave it out (requested=None), or give the request "
            f"that {self.channels} was sold for"
        )


@attrs.frozen
class BundlesNotAllowed(RuleError):
    """The number of bundles is not legal with the channels sold (H12)."""

    code: ClassVar[str] = "bundles-not-allowed"
    bundles: int
    most: int | None
    reason: str

    def __str__(self) -> str:
        bounds = {None: "at least 0", 0: "0"}.get(self.most, f"0 to {self.most}")
        return f"bundles must be {bounds}, not {self.bundles}: {self.reason}"


@attrs.frozen
class TotalNotReachable(RuleError):
    """No number of profiles adds up to a total, or it would need too many of them (H6)."""

    code: ClassVar[str] = "total-not-reachable"
    total: int
    most_profiles: int
    nearest: tuple[int, ...]

    def __str__(self) -> str:
        works = " and ".join(f"{total:,}" for total in self.nearest)
        nearest = f"the nearest total{'s' * (len(self.nearest) != 1)} that can: {works}"
        most = f"at most {self.most_profiles:,} profiles"
        return f"{self.total:,} channels cannot be split over {most}; {nearest}"


@attrs.frozen
class ChangedTooSoon(RuleError):
    """A profile's subscription was changed too short a time ago (H15)."""

    code: ClassVar[str] = "changed-too-soon"
    last_changed_on: date
    on: date
    possible_from: date

    def __str__(self) -> str:
        return (
            f"the profile was changed on {self.last_changed_on} and cannot change on {self.on}; "
            f"the next change is possible from {self.possible_from}"
        )


@attrs.frozen
class PlanUnchanged(RuleError):
    """A change would sell what is already held, and only restart the term and charge for it."""

    code: ClassVar[str] = "plan-unchanged"
    held: str
    status: str

    def __str__(self) -> str:
        works = "resume keeps it" if self.status == "cancelled" else "renew extends it at its end"
        verb = "is" if self.held == "1 channel" else "are"
        return f"{self.held} {verb} already held, and a change must change something; {works}"


@attrs.frozen
class MixedChange(RuleError):
    """A change to more of one and fewer of another, where the offer treats the two differently."""

    code: ClassVar[str] = "mixed-change"
    held: str
    plan: str

    def __str__(self) -> str:
        return (
            f"from {self.held} to {self.plan} is more of one and fewer of another, which this "
            "offer treats differently; change the one first, and then the other"
        )


@attrs.frozen
class NotOffered(RuleError):
    """An offer does not have what was asked for."""

    code: ClassVar[str] = "not-offered"
    what: str
    offer: str
    works: str

    def __str__(self) -> str:
        return f"{self.offer} has no {self.what}; {self.works}"


@attrs.frozen
class TransitionNotAllowed(RuleError):
    """An action does not exist from the status that a subscription is in."""

    code: ClassVar[str] = "transition-not-allowed"
    action: str
    status: str
    allowed: tuple[str, ...]

    def __str__(self) -> str:
        works = ", ".join(self.allowed)
        return (
            f"{self.action} is not possible while the subscription is {self.status}; "
            f"possible: {works}"
        )


@attrs.frozen
class OutsideTerm(RuleError):
    """A day lies where the action or the look-up does not reach."""

    code: ClassVar[str] = "outside-term"
    what: str
    day: date
    start: date
    end: date | None
    advice: str = ""

    def __str__(self) -> str:
        reach = (
            f"from {self.start} on"
            if self.end is None
            else (f"from {self.start} until the day before {self.end}")
        )
        advice = f"; {self.advice}" if self.advice else ""
        return f"{self.what} is possible {reach}, not on {self.day}{advice}"


@attrs.frozen
class AllowanceNeeded(RuleError):
    """A refund by minutes was asked for without saying how many minutes are left (F 4.6)."""

    code: ClassVar[str] = "allowance-needed"
    basis: str

    def __str__(self) -> str:
        return (
            f"this offer refunds its bundles by {self.basis}: "
            "give refund(..., allowance=...) the minutes granted and used, none are assumed"
        )


@attrs.frozen
class UnknownEdition(ChannelPlansError, LookupError):
    """A catalogue has no edition for a day, or none that a subscription could hold."""

    code: ClassVar[str] = "unknown-edition"
    wanted: str
    known: tuple[str, ...]

    def __str__(self) -> str:
        return f"the catalogue has no edition {self.wanted}; it has: {'; '.join(self.known)}"


@attrs.frozen
class UnknownRate(ChannelPlansError, LookupError):
    """A tariff has no price for calls to a country."""

    code: ClassVar[str] = "unknown-rate"
    country: str
    tariff: str
    known: tuple[str, ...]

    def __str__(self) -> str:
        known = ", ".join(self.known) or "none"
        return (
            f"tariff {self.tariff!r} has no rate for calls to {self.country!r}; "
            f"it has rates for: {known}"
        )


@attrs.frozen
class NotDecodable(ChannelPlansError, ValueError):
    """Plain data does not stand for a value; the path leads to the fault."""

    code: ClassVar[str] = "not-decodable"
    path: str
    problem: str

    def __str__(self) -> str:
        return f"{self.path}: {self.problem}"


@attrs.frozen
class InsufficientCredit(ChannelPlansError, ValueError):
    """A purse would end below zero; nothing was moved (F 7.3)."""

    code: ClassVar[str] = "insufficient-credit"
    purse: str
    needed: Decimal
    available: Decimal
    missing: Decimal
    currency: str

    def __str__(self) -> str:
        return (
            f"{self.purse} holds {self.available:f} {self.currency}, "
            f"but {self.needed:f} {self.currency} is needed; "
            f"{self.missing:f} {self.currency} more would do"
        )


@attrs.frozen
class Conflict(ChannelPlansError, RuntimeError):
    """A profile's subscription is another one by now than what a decision rests on."""

    code: ClassVar[str] = "conflict"
    profile: str
    expected: str | None
    found: str | None

    def __str__(self) -> str:
        return (
            f"the subscription of profile {self.profile} was decided on at revision "
            f"{self.expected or 'none'} and is at {self.found or 'none'} by now; "
            "nothing was done: load it, decide again and confirm again"
        )


@attrs.frozen
class TokenReused(ChannelPlansError, ValueError):
    """A token is known by another decision than the one that was committed with it."""

    code: ClassVar[str] = "token-reused"
    token: str

    def __str__(self) -> str:
        return (
            f"{self.token} has been committed with another decision, and nothing was done; "
            "what is new needs an identifier of its own"
        )


def _profiles(split: tuple[int, ...]) -> str:
    if len(split) > 6:
        return f"{len(split):,} profiles"
    words = {2: "two", 3: "three", 4: "four", 5: "five", 6: "six"}
    return f"{words[len(split)]} profiles, {' + '.join(map(str, split))}"
