"""Every exception of the package.

An error carries plain fields (int, str, date, Decimal) and builds its sentence from them;
each class has a stable ``code`` for programs that translate or log it.
The sentence names what was wrong and what would work.
This module knows no other module of the package.
"""

import re
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
    """The root of the package's errors; never raised itself.

    Each class has a ``code``, a stable name for programs: its sentence may change, the code and the
    fields do not.
    """

    #: The words of the class's name, such as ``wrong-type``; a last word ``Error`` is left out.
    code: ClassVar[str] = "error"

    def __init_subclass__(cls) -> None:
        words = re.findall("[A-Z][a-z]*", cls.__name__.removesuffix("Error"))
        cls.code = "-".join(words).lower()


@attrs.frozen
class WrongType(ChannelPlansError, TypeError):
    """A value is of a type that the parameter does not take.

    Attributes:
        parameter: the parameter or field, such as ``channels`` or ``weights[0]``.
        value: what was given, as text, with its type.
        expected: what is taken, in English.
    """

    parameter: str
    value: str
    expected: str

    def __str__(self) -> str:
        return f"{self.parameter} must be {self.expected}, not {self.value}"


@attrs.frozen
class InvalidValue(ChannelPlansError, ValueError):
    """A value is of the right type, but cannot be what the parameter means.

    Attributes:
        parameter: the parameter or field, such as ``channels`` or ``weights[0]``.
        value: what was given, as text.
        expected: what would do, in English.
    """

    parameter: str
    value: str
    expected: str

    def __str__(self) -> str:
        return f"{self.parameter} must be {self.expected}, not {self.value}"


@attrs.frozen
class CurrencyMismatch(ChannelPlansError, ValueError):
    """Two amounts, or an amount and a tariff, are in different currencies.

    Attributes:
        expected: the currency that was expected: its code, with its decimals where they matter.
        actual: the one that was given, likewise.
    """

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
    """A term would end after the last day that a date can hold.

    Attributes:
        anchor: the day from which the terms are counted.
        length: how long a term is, in English, such as ``30 days``.
        number: which term does not fit, counted from 0.
    """

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


@attrs.frozen
class ChannelsOutOfRange(RuleError):
    """The number of channels asked for is not sold on one profile (H2, F 1.1).

    Attributes:
        requested: the number asked for.
        minimum: the least that is sold on one profile.
        maximum: the most that is sold on one profile.
        split: the channels of several profiles that would do together; empty where none would, or
            too many to be told.
    """

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
    """A plan names a number of channels that no request is sold as (H5).

    Attributes:
        channels: the number in the plan.
        requested: the request that it was to be sold for; the same number where none was given.
        sold_as: what that request is sold as.
    """

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
    """The number of bundles is not legal with the channels sold (H12).

    Attributes:
        bundles: the number asked for.
        most: the most that would be legal; None where that was not looked up.
        reason: why, in English.
    """

    bundles: int
    most: int | None
    reason: str

    def __str__(self) -> str:
        bounds = {None: "at least 0", 0: "0"}.get(self.most, f"0 to {self.most}")
        return f"bundles must be {bounds}, not {self.bundles}: {self.reason}"


@attrs.frozen
class TotalNotReachable(RuleError):
    """No number of profiles adds up to a total, or it would need too many of them (H6).

    Attributes:
        total: the number asked for.
        most_profiles: how many profiles there may be.
        nearest: the totals next to it that can be reached.
    """

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
    """A profile's subscription was changed too short a time ago (H15).

    Attributes:
        last_changed_on: the day of the last change.
        on: the day asked for.
        possible_from: the first day on which it can be changed again.
    """

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
    """A change would sell what is already held, and only restart the term and charge for it.

    Attributes:
        held: the plan that is held, or comes with the next term, in English.
        status: where the subscription stands, as the value of its ``Status``.
    """

    held: str
    status: str

    def __str__(self) -> str:
        works = "resume keeps it" if self.status == "cancelled" else "renew extends it at its end"
        verb = "is" if self.held == "1 channel" else "are"
        return f"{self.held} {verb} already held, and a change must change something; {works}"


@attrs.frozen
class MixedChange(RuleError):
    """A change to more of one and fewer of another, where the offer treats the two differently.

    Attributes:
        held: the plan that is held, in English.
        plan: the plan asked for, in English.
    """

    held: str
    plan: str

    def __str__(self) -> str:
        return (
            f"from {self.held} to {self.plan} is more of one and fewer of another, which this "
            "offer treats differently; change one at a time, and last what waits for the next term"
        )


@attrs.frozen
class NotOffered(RuleError):
    """An offer does not have what was asked for.

    Attributes:
        what: what was asked for, in English.
        offer: the offer's name, with its edition where that matters.
        works: what would work, in English.
    """

    what: str
    offer: str
    works: str

    def __str__(self) -> str:
        return f"{self.offer} has no {self.what}; {self.works}"


@attrs.frozen
class TransitionNotAllowed(RuleError):
    """An action does not exist from the status that a subscription is in.

    Attributes:
        action: the value of the ``Action``.
        status: the value of the ``Status``, or ``not bought yet``.
        allowed: the values of the actions that are possible.
    """

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
    """A day lies where the action or the look-up does not reach.

    Attributes:
        what: what was asked for, in English, such as ``a refund`` or the value of an ``Action``.
        day: the day asked for.
        start: the first day on which it is possible.
        end: the first day on which it is not any more; None where there is none.
        advice: what else would work, in English; empty where nothing is known.
    """

    what: str
    day: date
    start: date
    end: date | None
    advice: str = ""

    def __str__(self) -> str:
        until = f"until the day before {self.end}" if self.end else "on"
        advice = f"; {self.advice}" if self.advice else ""
        return f"{self.what} is possible from {self.start} {until}, not on {self.day}{advice}"


@attrs.frozen
class AllowanceNeeded(RuleError):
    """A refund by minutes was asked for without saying how many minutes are left (F 4.6).

    Attributes:
        basis: the value of the rule's ``RefundBasis``.
    """

    basis: str

    def __str__(self) -> str:
        return (
            f"this offer refunds its bundles by {self.basis}: "
            "give refund(..., allowance=...) the minutes granted and used, none are assumed"
        )


@attrs.frozen
class UnknownEdition(ChannelPlansError, LookupError):
    """A catalogue has no edition for a day, or none that a subscription could hold.

    Attributes:
        wanted: what was looked for, in English.
        known: the editions that there are, each in English, with its days.
    """

    wanted: str
    known: tuple[str, ...]

    def __str__(self) -> str:
        return f"the catalogue has no edition {self.wanted}; it has: {'; '.join(self.known)}"


@attrs.frozen
class UnknownRate(ChannelPlansError, LookupError):
    """A tariff has no price for calls to a country.

    Attributes:
        country: the country of the call.
        tariff: the tariff's name.
        known: the countries that have a price.
    """

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
    """Plain data does not stand for a value; the path leads to the fault.

    Attributes:
        path: where the fault is, such as ``offer.quantity.steps[0].multiple``.
        problem: what is wrong there, in English.
    """

    path: str
    problem: str

    def __str__(self) -> str:
        return f"{self.path}: {self.problem}"


@attrs.frozen
class InsufficientCredit(ChannelPlansError, ValueError):
    """A purse would end below zero; nothing was moved (F 7.3).

    Attributes:
        purse: whose it is, in English, such as ``account acme``.
        needed: what it would have to pay, after what it would receive at once.
        available: what it holds.
        missing: how much more would do.
        currency: the code of their currency.
    """

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
    """A profile's subscription is another one by now than what a decision rests on.

    Attributes:
        profile: the profile's identifier.
        expected: the revision that was decided on; None where nothing was stored.
        found: the revision that is stored; None where nothing is.
    """

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
    """A token is known by another decision than the one that was committed with it.

    Attributes:
        token: the token.
    """

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
