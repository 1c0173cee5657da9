"""Every exception of the package.

An error carries plain fields (int, str, date, Decimal) and builds its message from them. The
message says what was wrong and what would work. Each class has a stable ``code`` for programs that
translate or log the error.

This module imports no other module of the package.
"""

import inspect
import re
from datetime import date
from decimal import Decimal
from inspect import Parameter
from typing import ClassVar, Final, dataclass_transform

__all__ = [
    "AllowanceNeeded",
    "BarredNumber",
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
    "UnknownWallet",
    "WrongType",
]


#: The number of characters of a name or another text that a sentence shows.
_LONGEST_TEXT: Final = 80


def cut(text: str) -> str:
    """Return a text, or the beginning of a long text, for a sentence.

    >>> from channelplans.errors import cut
    >>> cut("6.95"), cut("6" * 81)[-8:]
    ('6.95', '66666...')
    """
    return text if len(text) <= _LONGEST_TEXT else f"{text[:_LONGEST_TEXT]}..."


def quoted(name: str | bytes) -> str:
    """Return a name in quotes, for a sentence; quotes inside are escaped, a long name is cut.

    So no name can pass for a part of the sentence.

    >>> from channelplans.errors import quoted
    >>> print(quoted("o'brien"), quoted("berlin' and 'paris"))
    "o'brien" "berlin' and 'paris"
    >>> print(quoted("b" * 81)[-8:])
    bbbb'...
    """
    beginning = repr(name[:_LONGEST_TEXT])
    return beginning if len(name) <= _LONGEST_TEXT else f"{beginning}..."


@dataclass_transform(frozen_default=True)
class ChannelPlansError(Exception):
    """The base class of the package's errors; only subclasses are raised.

    Programs can rely on ``code`` and on the fields. The message may change.

    Attributes:
        code: the words of the class name without ``Error``, such as ``wrong-type``.
        done: the tokens of the decisions that a billing service committed before it raised the
            error. Before an action, the service renews or ends what is due. That is not undone if
            the action itself is refused.
    """

    done: tuple[str, ...] = ()

    code: ClassVar[str] = "error"
    _fields: ClassVar[tuple[str, ...]] = ()
    __signature__: ClassVar[inspect.Signature] = inspect.Signature()

    def __init_subclass__(cls) -> None:
        words = re.findall("[A-Z][a-z]*", cls.__name__.removesuffix("Error"))
        cls.code = "-".join(words).lower()
        cls._fields = tuple(inspect.get_annotations(cls))
        kind, required = Parameter.POSITIONAL_OR_KEYWORD, Parameter.empty
        defaults = {name: getattr(cls, name, required) for name in cls._fields}
        parameters = [Parameter(name, kind, default=value) for name, value in defaults.items()]
        cls.__signature__ = inspect.Signature(parameters)

    def __init__(self, *values: object, **named_values: object) -> None:
        bound = self.__signature__.bind(*values, **named_values)
        bound.apply_defaults()
        self.__dict__.update(bound.arguments)
        super().__init__(*bound.arguments.values())

    def __reduce__(self) -> tuple[type, tuple[object, ...], dict[str, object] | None]:
        # The fields are in the arguments; ``done`` and notes are not.
        state = {name: value for name, value in vars(self).items() if name not in self._fields}
        return type(self), self.args, state or None

    def __setattr__(self, name: str, value: object) -> None:
        if name in self._fields:
            raise AttributeError(f"{name} of an error cannot be changed")
        super().__setattr__(name, value)


class WrongType(ChannelPlansError, TypeError):
    """A value has a type that the parameter does not accept.

    Every class and function checks the types of its arguments, so most docstrings do not repeat
    this error.

    Attributes:
        parameter: the parameter or field, such as ``channels`` or ``weights[0]``.
        value: the refused value as text, with its type.
        expected: the accepted values, in English.
    """

    parameter: str
    value: str
    expected: str

    def __str__(self) -> str:
        return f"{self.parameter} must be {self.expected}, not {self.value}"


class InvalidValue(ChannelPlansError, ValueError):
    """A value has the right type, but is not valid for the parameter.

    Attributes:
        parameter: the parameter or field, such as ``channels`` or ``weights[0]``.
        value: the refused value as text.
        expected: the accepted values, in English.
    """

    parameter: str
    value: str
    expected: str

    def __str__(self) -> str:
        return f"{self.parameter} must be {self.expected}, not {self.value}"


class CurrencyMismatch(ChannelPlansError, ValueError):
    """Two amounts, or an amount and a tariff, are in different currencies.

    Attributes:
        expected: the code of the expected currency, with the decimals if only they differ.
        actual: the currency that was passed, in the same form.
        advice: an alternative, in English; empty if there is no special one.
    """

    expected: str
    actual: str
    advice: str = ""

    def __str__(self) -> str:
        advice = self.advice or "channelplans does not convert currencies"
        if not self.advice and self.expected[:3] == self.actual[:3]:
            advice = "Money.to changes the number of decimals"
        currencies = f"{self.expected} was expected, {self.actual} was given"
        return f"amounts must be in one currency: {currencies}; {advice}"


class CalendarEnds(ChannelPlansError, ValueError):
    """A term would begin before ``date.min`` or end after ``date.max``.

    Attributes:
        anchor: the day from which the terms are counted.
        length: the length of a term, in English, such as ``30 days``.
        number: the number of the term, from 0.
    """

    anchor: date
    length: str
    number: int

    def __str__(self) -> str:
        return (
            f"term {self.number} of {self.length} from {self.anchor} would not fit the calendar, "
            f"which has the days from {date.min} to {date.max}"
        )


class RuleError(ChannelPlansError, ValueError):
    """The base class of errors about an offer's rules; only subclasses are raised."""


class ChannelsOutOfRange(RuleError):
    """One profile cannot have the requested number of channels (H2, F 1.1).

    Attributes:
        requested: the number of channels requested.
        minimum: the smallest number that is sold on one profile.
        maximum: the largest number that is sold on one profile.
        split: the channels of each profile if several profiles can provide the number. Empty if
            they cannot, or if too many profiles are needed to list them.
    """

    requested: int
    minimum: int
    maximum: int
    split: tuple[int, ...] = ()

    def __str__(self) -> str:
        limits = f"channels must be at least {self.minimum} and at most {self.maximum}"
        if not self.split:
            return f"{limits}, not {self.requested}"
        number = {2: "two", 3: "three", 4: "four", 5: "five", 6: "six"}.get(len(self.split))
        if number is None:
            return f"{limits}; {self.requested} needs {len(self.split):,} profiles"
        channels = " + ".join(map(str, self.split))
        return f"{limits}; {self.requested} needs {number} profiles, {channels}"


class ChannelsNotSellable(RuleError):
    """An offer does not sell exactly the number of channels that a subscription has (H5).

    Attributes:
        channels: the number of channels.
        sold_as: the number of channels that the offer sells if that number is requested.
    """

    channels: int
    sold_as: int

    def __str__(self) -> str:
        return (
            f"{self.channels} channels are not sold: a request for them is sold as {self.sold_as}"
        )


class BundlesNotAllowed(RuleError):
    """The number of bundles is not legal with the channels sold (H12).

    Attributes:
        bundles: the number of bundles requested.
        most: the largest legal number; None if it was not computed.
        reason: why the number is not legal, in English.
    """

    bundles: int
    most: int | None
    reason: str

    def __str__(self) -> str:
        bounds = {None: "at least 0", 0: "0"}.get(self.most, f"0 to {self.most}")
        return f"bundles must be {bounds}, not {self.bundles}: {self.reason}"


class TotalNotReachable(RuleError):
    """A total of channels cannot be split over profiles, or needs too many profiles (H6).

    Attributes:
        total: the number of channels requested.
        most_profiles: the largest number of profiles allowed.
        nearest: the nearest totals that can be split, below and above.
    """

    total: int
    most_profiles: int
    nearest: tuple[int, ...]

    def __str__(self) -> str:
        works = " and ".join(f"{total:,}" for total in self.nearest)
        nearest = f"the nearest total{'s' * (len(self.nearest) != 1)} that can: {works}"
        profiles = f"at most {self.most_profiles:,} profiles"
        return f"{self.total:,} channels cannot be split over {profiles}; {nearest}"


class ChangedTooSoon(RuleError):
    """A change comes too soon after the profile's last change (H15).

    Attributes:
        last_changed_on: the day of the last change.
        on: the day of the refused change.
        possible_from: the first day on which the next change is possible.
    """

    last_changed_on: date
    on: date
    possible_from: date

    def __str__(self) -> str:
        return (
            f"the profile was changed on {self.last_changed_on} and cannot change on {self.on}; "
            f"the next change is possible from {self.possible_from}"
        )


class PlanUnchanged(RuleError):
    """A change asks for the plan that the subscription already has.

    It would only restart the term and charge for it.

    Attributes:
        held: the current plan, or the plan of the next term if a change is pending, in English.
        status: the value of the subscription's ``Status``.
    """

    held: str
    status: str

    def __str__(self) -> str:
        advice = "renew extends the subscription at the end of its term"
        if self.status == "cancelled":
            advice = "resume undoes the cancellation"
        return f"the plan is already {self.held}; {advice}"


class MixedChange(RuleError):
    """A change adds channels and removes bundles, or the reverse, and the effects differ.

    The offer treats a change to more differently from a change to fewer, so the change as a whole
    has no single effect.

    Attributes:
        held: the current plan, in English.
        plan: the requested plan, in English.
    """

    held: str
    plan: str

    def __str__(self) -> str:
        return (
            f"from {self.held} to {self.plan} is more of one and fewer of another, which this "
            "offer treats differently; change channels and bundles separately, "
            "the immediate change first"
        )


class NotOffered(RuleError):
    """An offer does not have the requested item, such as bundles.

    Attributes:
        what: the missing item, in English.
        offer: the name of the offer or tariff, with the offer's edition if the edition matters.
        works: what would work, in English.
    """

    what: str
    offer: str
    works: str

    def __str__(self) -> str:
        return f"{quoted(self.offer)} has no {self.what}; {self.works}"


class TransitionNotAllowed(RuleError):
    """An action is not possible in the subscription's status.

    Attributes:
        action: the value of the ``Action``.
        status: the value of the ``Status``, or ``not bought yet``.
        allowed: the values of the possible actions.
        account: the account, if the profile never had a subscription or the action is ``buy``;
            None otherwise.
        profile: the profile in the same cases; None otherwise.
    """

    action: str
    status: str
    allowed: tuple[str, ...]
    account: str | None = None
    profile: str | None = None

    def __str__(self) -> str:
        reason = f"while the subscription is {self.status}"
        if self.account is not None:
            owner = _name_owner(self.account, self.profile)
            reason = f"because {owner} has no subscription"
            if self.action == "buy":
                reason = f"because {owner} has a subscription, which is {self.status}"
                reason += "; change it, or buy for another profile"
        return f"{self.action} is not possible {reason}; possible: {', '.join(self.allowed)}"


class OutsideTerm(RuleError):
    """An action or a look-up is not possible on the day.

    Attributes:
        what: the action or look-up, in English, such as ``a refund`` or the value of an ``Action``.
        day: the refused day.
        start: the first possible day.
        end: the day after the last possible day; None if there is no last day.
        advice: an alternative, in English; empty if there is none.
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


class AllowanceNeeded(RuleError):
    """A refund by minutes needs the minutes granted and used (F 4.6).

    Attributes:
        basis: the value of the rule's ``RefundBasis``.
    """

    basis: str

    def __str__(self) -> str:
        return (
            f"this offer refunds its bundles by {self.basis}: "
            "pass the minutes granted and used as refund(..., allowance=...)"
        )


class UnknownEdition(ChannelPlansError, LookupError):
    """A catalogue has no edition for a day or for a subscription.

    Attributes:
        wanted: the edition that was looked up, in English.
        known: the catalogue's editions with their days, in English.
    """

    wanted: str
    known: tuple[str, ...]

    def __str__(self) -> str:
        return f"the catalogue has no edition {self.wanted}; it has: {'; '.join(self.known)}"


class UnknownRate(ChannelPlansError, LookupError):
    """A tariff has no price for calls to a destination.

    Attributes:
        destination: the destination of the call.
        tariff: the tariff's name.
        known: the destinations that have a price.
    """

    destination: str
    tariff: str
    known: tuple[str, ...]

    def __str__(self) -> str:
        known = ", ".join(self.known) or "none"
        return (
            f"tariff {quoted(self.tariff)} has no rate for calls to {quoted(self.destination)}; "
            f"it has rates for: {known}. Give the destination a price in rates, because minute is "
            "the price in the area of the offer's bundles only"
        )


class NotDecodable(ChannelPlansError, ValueError):
    """Plain data cannot be decoded into a value.

    Attributes:
        path: where the data is wrong, such as ``offer.quantity.steps[0].multiple``.
        problem: what is wrong with the data, in English.
    """

    path: str
    problem: str

    def __str__(self) -> str:
        return f"{self.path}: {self.problem}"


class InsufficientCredit(ChannelPlansError, ValueError):
    """A wallet's balance would go below zero; no money was moved (F 7.3).

    Attributes:
        wallet: the wallet's owner, in English, such as ``account 'acme'``.
        needed: the net debit: the charges less the credits booked with them.
        available: the wallet's balance.
        missing: the amount by which ``needed`` exceeds ``available``.
        currency: the currency code of the three amounts.
    """

    wallet: str
    needed: Decimal
    available: Decimal
    missing: Decimal
    currency: str

    def __str__(self) -> str:
        return (
            f"{self.wallet} holds {self.available:f} {self.currency}, "
            f"but {self.needed:f} {self.currency} is needed; "
            f"{self.missing:f} {self.currency} is missing"
        )


class Conflict(ChannelPlansError, RuntimeError):
    """A subscription or a wallet has changed since the decision was made.

    Attributes:
        account: the account's identifier.
        profile: the profile's identifier; None for the account's wallet.
        expected: the revision for which the decision was made, or the number of postings, such as
            ``12 postings``; None if nothing was stored.
        found: the revision that is stored now, or the number of postings; None if nothing is
            stored.
    """

    account: str
    profile: str | None
    expected: str | None
    found: str | None

    def __str__(self) -> str:
        owner = _name_owner(self.account, self.profile)
        expected, found = map(_name_version, (self.expected, self.found))
        return (
            f"the decision for {owner} was made for {expected}, but the store has {found}; "
            "it was not committed: load the latest values, decide again and confirm again"
        )


def _name_owner(account: str, profile: str | None) -> str:
    """Return an account, or a profile with its account, for a sentence."""
    owner = f"account {quoted(account)}"
    return owner if profile is None else f"profile {quoted(profile)} of {owner}"


def _name_version(version: str | None) -> str:
    """Return a revision or a number of postings for a sentence."""
    if version is None:
        return "nothing"
    return version if version.endswith(("posting", "postings")) else f"revision {version}"


class TokenReused(ChannelPlansError, ValueError):
    """A token was already committed with a different decision.

    Attributes:
        token: the token.
    """

    token: str

    def __str__(self) -> str:
        return (
            f"token {quoted(self.token)} belongs to another decision, so nothing was committed; "
            "a new decision needs a new identifier or request key"
        )


class BarredNumber(RuleError):
    """The service cannot call a number, such as an emergency number (H21).

    Attributes:
        number: the number that was dialled.
        offer: the offer's name.
    """

    number: str
    offer: str

    def __str__(self) -> str:
        return (
            f"{quoted(self.offer)} cannot call {quoted(self.number)}: the number is barred, "
            "such as an emergency number (H21); call it from another telephone"
        )


class UnknownWallet(ChannelPlansError, LookupError):
    """A wallet has no postings, so its currency is not known.

    Attributes:
        wallet: the wallet, in English.
    """

    wallet: str

    def __str__(self) -> str:
        return (
            f"{self.wallet} has no postings yet: pay credit in, or pass the currency of an empty "
            "statement"
        )
