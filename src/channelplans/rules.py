"""The rules of an offer as data, and the checks that need only one rule.

Every number on the help page is a field of a rule; no function contains such a number. The rule for
channels is in ``quantities``.

This module knows nothing about prices, balances or stored subscriptions.
"""

import enum
import re
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Final

import attrs

from channelplans._checks import bounded, civil_day, instance, whole
from channelplans._constructors import checked
from channelplans._display import DisplayMixin, Folded, Part, Sourced, clock, counted
from channelplans.calendar import (
    Days,
    Months,
    Term,
    days_after,
    nth_term,
    number_of_term_ending,
    term_ends,
)
from channelplans.errors import BundlesNotAllowed, ChangedTooSoon, InvalidValue, quoted
from channelplans.money import Rounding

__all__ = [
    "MAX_BUNDLES",
    "BundleRule",
    "CallRule",
    "ChangeEffect",
    "ChangeRule",
    "NonPaymentRule",
    "Notice",
    "RefundBasis",
    "RefundRule",
    "Rollover",
    "TermRule",
    "check_change",
    "validate_bundles",
]


#: The largest number of bundles in a plan, and of minutes in a bundle.
MAX_BUNDLES: Final = 1_000_000


# A longer list of prefixes would make the description of a bundle too long.
_MAX_PRINTED_PREFIXES: Final = 12


#: The largest number of terms in which carried minutes can be used: a year of daily terms. Each
#: term is remembered, so a larger number would make every renewal slower.
MAX_ROLLOVER_TERMS: Final = 366


#: The largest number of carried minutes, because the bundles of one plan cannot have more.
MAX_CARRIED_MINUTES: Final = MAX_BUNDLES * MAX_BUNDLES


# A country by its ISO 3166 code, or a part of a country, such as "DE-mobile".
_DESTINATION: Final = re.compile(r"[A-Z]{2}(-.+)?")


# A longer minimum or step would be a mistake, and could be longer than the longest call.
_LONGEST_STEP: Final = timedelta(days=1)


@checked
@attrs.frozen(repr=False)
class Rollover(DisplayMixin):
    """How unused minutes are carried over into later terms; the help page has no rollover (F 8.4).

    Attributes:
        terms: the number of further terms in which the minutes can be used, at most 366. None means
            as long as the subscription is renewed.
        cap: the largest number of minutes carried over at a time; the newest minutes are kept. None
            means no limit.

    Raises:
        InvalidValue: a number is below 1 or too large.

    >>> from channelplans import Rollover
    >>> print(Rollover(terms=1, cap=1000))
    unused minutes last for 1 more term, at most 1,000 of them
    """

    terms: int | None = None
    cap: int | None = None

    def __attrs_post_init__(self) -> None:
        if self.terms is not None:
            bounded("terms", self.terms, 1, MAX_ROLLOVER_TERMS)
        if self.cap is not None:
            bounded("cap", self.cap, 1, MAX_CARRIED_MINUTES)

    def _describe(self) -> tuple[str]:
        cap = "" if self.cap is None else f", at most {self.cap:,} of them"
        if self.terms is None:
            return (f"unused minutes are carried over{cap}",)
        return (f"unused minutes last for {counted(self.terms, 'more term')}{cap}",)


def _trunk_prefix(prefix: str) -> str:
    """Return a trunk prefix that is checked; unlike other text, it may be empty."""
    if instance("trunk_prefix", prefix, str):
        _check_digits("trunk_prefix", prefix)
    return prefix


@checked
@attrs.frozen(repr=False)
class BundleRule(DisplayMixin):
    """The minutes in a bundle, the area in which they are valid, and how many bundles are allowed.

    Attributes:
        name: the name of one bundle.
        minutes: the minutes in each bundle, for one term (H10).
        area: the destinations for which the minutes are valid (H10, F 8.2). A destination is an
            ISO 3166 code, such as ``DE``, or a part of a country, such as ``DE-mobile``.
        per_channel: the number of bundles that each channel allows (H12). None means no limit. With
            0, no bundles are sold and the minutes come with the channels.
        longest_call: the part of one call that the minutes can cover (F 8.6). None means all of it.
        excluded_prefixes: the minutes are not valid for national numbers with these prefixes
            (F 8.10).
        calling_code: the calling code of the area, one for all its countries. Before the prefixes
            are compared, it is removed from an international number, which begins with + or 00.
        trunk_prefix: the digits that are dialled before a national number within the area, such as
            0 in Germany and 1 in the US. Before the prefixes are compared, it is removed from a
            number without + or 00. By default it is empty.
        included: the minutes that each channel includes without a bundle.
        rollover: how unused minutes are carried over; None if they are lost (F 8.4).

    Raises:
        InvalidValue: a number is out of bounds, the area is empty, or a destination, calling code
            or prefix is malformed.

    >>> from channelplans import BundleRule
    >>> print(BundleRule("US minutes", minutes=5000, area=("US",)))
    US minutes: 5,000 minutes to US, at most 1 for each channel
    """

    name: str
    minutes: int
    area: tuple[str, ...]
    per_channel: int | None = 1
    longest_call: timedelta | None = None
    excluded_prefixes: tuple[str, ...] = ()
    calling_code: str = "1"
    trunk_prefix: str = attrs.field(default="", converter=_trunk_prefix)
    included: int = 0
    rollover: Rollover | None = None

    def __attrs_post_init__(self) -> None:
        bundles_sold = self.per_channel != 0
        bounded("included", self.included, int(not bundles_sold), MAX_BUNDLES)
        bounded("minutes", self.minutes, int(bundles_sold), MAX_BUNDLES if bundles_sold else 0)
        if self.per_channel is not None:
            bounded("per_channel", self.per_channel, 0, MAX_BUNDLES)
        if self.longest_call is not None and self.longest_call <= timedelta(0):
            raise InvalidValue("longest_call", str(self.longest_call), "longer than 0 s")
        if not self.area:
            raise InvalidValue("area", "()", 'at least one country, such as ("US",)')
        for destination in self.area:
            if not _DESTINATION.fullmatch(destination):
                expected = 'a code of two capital letters, such as "US", or a part, as "US-mobile"'
                raise InvalidValue("area", quoted(destination), expected)
        _check_digits("calling_code", self.calling_code)
        if self.calling_code.startswith("0"):
            expected = 'without a leading 0, such as "49"'
            raise InvalidValue("calling_code", quoted(self.calling_code), expected)
        for prefix in self.excluded_prefixes:
            _check_digits("excluded_prefixes", prefix)

    def most(self, channels: int) -> int:
        """Return the largest number of bundles that a number of channels allows (H12).

        Args:
            channels: the number of channels sold.

        Raises:
            InvalidValue: the number of channels is negative.

        >>> from channelplans import BundleRule
        >>> BundleRule("US minutes", minutes=5000, area=("US",)).most(10)
        10
        """
        return _most_bundles(self, bounded("channels", channels, 0))

    def _describe(self) -> Iterator[Part]:
        area, parts = ", ".join(self.area), []
        limit = f"at most {self.per_channel} for each channel"
        if self.per_channel is None:
            limit = "any number of bundles"
        if self.per_channel != 0:
            parts.append(f"{self.minutes:,} minutes to {area}, {limit}")
        if self.included:
            parts.append(f"{self.included:,} minutes to {area} with each channel")
        if self.longest_call is not None:
            parts.append(f"at most {clock(self.longest_call)} of a call")
        if self.excluded_prefixes:
            prefixes = ", ".join(self.excluded_prefixes)
            if len(self.excluded_prefixes) > _MAX_PRINTED_PREFIXES:
                prefixes = f"{len(self.excluded_prefixes):,} prefixes"
            parts.append(f"not to numbers with {prefixes} after +{self.calling_code}")
        if self.rollover:
            parts.append(str(self.rollover))
        yield f"{self.name}: {'; '.join(parts)}"
        if len(self.excluded_prefixes) > _MAX_PRINTED_PREFIXES:
            listed = ", ".join(self.excluded_prefixes)
            yield Folded("All excluded prefixes", (listed,), printed=False)


@checked
@attrs.frozen(repr=False)
class TermRule(DisplayMixin):
    """The length of a term, after which a subscription is renewed automatically (H8).

    Attributes:
        length: the length of a term.
        billing_day: the day of the month on which terms begin, 1 to 31; the last day in a shorter
            month. The first term is then shorter, and its price and minutes shrink in proportion.
            None if terms begin on the day of purchase.
        minimum_term: how long a subscription lasts at least. A cancellation takes effect at the
            first end of a term on or after this time. None if there is no minimum.

    Raises:
        InvalidValue: the billing day is not 1 to 31, or there is a billing day and the length is
            not in months.

    >>> from channelplans import Days, Months, TermRule
    >>> print(TermRule(Days(30)))
    a term of 30 days
    >>> print(TermRule(Months(1), billing_day=15))
    a term of 1 month from day 15 of a month
    """

    length: Days | Months
    billing_day: int | None = None
    minimum_term: Days | Months | None = None

    def __attrs_post_init__(self) -> None:
        if self.billing_day is None:
            return
        bounded("billing_day", self.billing_day, 1, 31)
        if not isinstance(self.length, Months):
            raise InvalidValue("length", str(self.length), "in months if a billing day is set")

    def anchor(self, on: date) -> date:
        """Return the day from which the terms of a purchase are counted.

        It is the day of purchase, or the latest billing day on or before it.

        Args:
            on: the day of purchase.

        Raises:
            CalendarEnds: that billing day lies before the year 1.
        """
        if type(on) is not date:
            civil_day("on", on)
        if self.billing_day is None:
            return on
        months = Months(1)
        number = number_of_term_ending(on, months, on, self.billing_day)
        term = nth_term(on, months, number, self.billing_day)
        return term.end if term.end == on else term.start

    def anchor_aligned_to(self, day: date, on: date) -> date:
        """Return the day from which the terms of a purchase are counted if they align to a day.

        The terms then begin on the day and on the days that lie whole terms before and after it.
        The result is such a day on or before the purchase. In months, it has the same day of the
        month, so that terms aligned to the 31st return to the 31st after a shorter month.

        Args:
            day: a day on which a term shall begin, such as the renewal date of another
                subscription. It may lie before or after the purchase.
            on: the day of purchase.

        Raises:
            InvalidValue: the rule has a billing day.
            CalendarEnds: no such day lies in the calendar.

        >>> from datetime import date
        >>> from channelplans import Months, TermRule
        >>> TermRule(Months(1)).anchor_aligned_to(date(2026, 1, 31), date(2026, 4, 30))
        datetime.date(2026, 3, 31)
        """
        if self.billing_day is not None:
            expected = f"None, because all terms begin on day {self.billing_day} of a month"
            raise InvalidValue("align_to", str(day), expected)
        number = self.number_containing(civil_day("align_to", day), civil_day("on", on))
        anchor = self.nth(day, number).start
        while isinstance(self.length, Months) and anchor.day != day.day:
            number -= 1
            anchor = self.nth(day, number).start
        return anchor

    def first(self, on: date) -> Term:
        """Return the first term of a purchase on a day.

        Args:
            on: the day of purchase, which is the first day of the term.

        Raises:
            CalendarEnds: the term does not fit the calendar.

        >>> from datetime import date
        >>> from channelplans import Months, TermRule
        >>> print(TermRule(Months(1), billing_day=1).first(date(2026, 1, 15)))
        2026-01-15 to 2026-02-01
        """
        return Term(on, self.nth(self.anchor(on), 0).end)

    def renewals(self, on: date) -> Iterator[date]:
        """Return an iterator over the due dates of renewals of a purchase on a day (H8).

        Args:
            on: the day of purchase.

        Raises:
            CalendarEnds: the billing day on or before the purchase lies before the year 1.

        >>> from datetime import date
        >>> from itertools import islice
        >>> from channelplans import Months, TermRule
        >>> renewals = TermRule(Months(1), billing_day=31).renewals(date(2026, 1, 15))
        >>> [str(day) for day in islice(renewals, 3)]
        ['2026-01-31', '2026-02-28', '2026-03-31']
        """
        return self.ends(self.anchor(on), 0)

    def ends(self, anchor: date, number: int) -> Iterator[date]:
        """Return an iterator over the ends of the full terms from a number on.

        Args:
            anchor: the day from which the terms are counted.
            number: the number of the first term whose end is returned; 0 is the first term.
        """
        return term_ends(anchor, self.length, number, self.billing_day)

    def nth(self, anchor: date, number: int) -> Term:
        """Return the n-th full term from an anchor.

        Args:
            anchor: the day from which the terms are counted.
            number: the number of the term; 0 is the first, and -1 is the term before the anchor.

        Raises:
            CalendarEnds: the term does not fit the calendar.
        """
        return nth_term(anchor, self.length, number, self.billing_day)

    def number_ending(self, anchor: date, day: date) -> int:
        """Return the number of the first full term that ends on or after a day.

        Args:
            anchor: the day from which the terms are counted.
            day: the day; before the end of the anchor's first term, the number can be negative.
        """
        return number_of_term_ending(anchor, self.length, day, self.billing_day)

    def number_containing(self, anchor: date, day: date) -> int:
        """Return the number of the full term that contains a day.

        Args:
            anchor: the day from which the terms are counted.
            day: the day; before the anchor, the number is negative.

        Raises:
            CalendarEnds: a term that ends on or after the day does not fit the calendar.
        """
        number = self.number_ending(anchor, day)
        return number + (self.nth(anchor, number).end == day)

    def _describe(self) -> tuple[str]:
        day = "" if self.billing_day is None else f" from day {self.billing_day} of a month"
        minimum = f", for a minimum of {self.minimum_term}" if self.minimum_term else ""
        return (f"a term of {self.length}{day}{minimum}",)


class ChangeEffect(enum.Enum):
    """What a change does to the running term.

    Attributes:
        RESTART: refund the unused part and sell the new plan for a new term (H16, H17).
        PRORATE: keep the term, and charge or refund the difference for its remaining days. The
            ``RefundRule`` and the minutes used are ignored: a reduction always pays back the
            remaining days.
        CHARGE_FULL: keep the term, and charge the difference for the whole of it, however late
            the change comes. Nothing is refunded, even if the larger number is cheaper. In a
            shorter first term the difference shrinks in proportion.
        NO_CHARGE: change the plan at once. Only the set-up of added channels is charged, and
            nothing is refunded. Added bundles include no minutes until the next term.
        AT_RENEWAL: wait for the next term.
    """

    RESTART = "restart with a refund"
    PRORATE = "prorate the difference"
    CHARGE_FULL = "charge the full difference"
    NO_CHARGE = "at once, at no charge"
    AT_RENEWAL = "from the next term on"


_BETWEEN_OFFERS: Final = (ChangeEffect.RESTART, ChangeEffect.AT_RENEWAL)

_REFUNDING: Final = (ChangeEffect.RESTART, ChangeEffect.PRORATE)


@checked
@attrs.frozen(repr=False)
class ChangeRule(DisplayMixin):
    """How soon a plan can be changed again, and the effect of a change.

    Attributes:
        cooldown: the time between a change and the next change (H15). None means that a change is
            possible at any time (F 4.1).
        more: the effect of a change to more channels or bundles.
        fewer: the effect of a change to fewer channels or bundles.
        other_offer: the effect of a change to another offer: ``RESTART`` or ``AT_RENEWAL``.

    Raises:
        InvalidValue: ``fewer`` is ``CHARGE_FULL``, which never refunds; or ``more`` is
            ``CHARGE_FULL`` and ``fewer`` refunds. Then three changes on one day could cost more
            than the most expensive plan. Or ``other_offer`` is neither ``RESTART`` nor
            ``AT_RENEWAL``.

    >>> from channelplans import ChangeRule, Days
    >>> print(ChangeRule(cooldown=Days(1)))
    the next change 1 day after a change; restart with a refund
    """

    cooldown: Days | Months | None = Days(1)
    more: ChangeEffect = ChangeEffect.RESTART
    fewer: ChangeEffect = ChangeEffect.RESTART
    other_offer: ChangeEffect = ChangeEffect.RESTART

    def __attrs_post_init__(self) -> None:
        if self.fewer is ChangeEffect.CHARGE_FULL:
            raise InvalidValue("fewer", self.fewer.value, "an effect that fits a smaller plan")
        if self.more is ChangeEffect.CHARGE_FULL and self.fewer in _REFUNDING:
            expected = "NO_CHARGE or AT_RENEWAL if more is CHARGE_FULL"
            raise InvalidValue("fewer", self.fewer.value, expected)
        if self.other_offer not in _BETWEEN_OFFERS:
            expected = "RESTART or AT_RENEWAL: two offers have no difference to charge"
            raise InvalidValue("other_offer", self.other_offer.value, expected)

    def _describe(self) -> tuple[str]:
        timing = "a change at any time"
        if self.cooldown is not None:
            timing = f"the next change {self.cooldown} after a change"
        effects = f"more: {self.more.value}; fewer: {self.fewer.value}"
        if self.more is self.fewer:
            effects = self.more.value
        other_offer = ""
        if self.other_offer is ChangeEffect.AT_RENEWAL:
            other_offer = f"; another offer: {self.other_offer.value}"
        return (f"{timing}; {effects}{other_offer}",)


@checked
@attrs.frozen(repr=False)
class NonPaymentRule(DisplayMixin):
    """What happens if the wallet cannot pay a renewal; by default the subscription lapses (F 6.3).

    Attributes:
        drops_bundles: whether the channels can be renewed without the bundles.
        grace: the grace period after the term, before the subscription lapses. None: it lapses on
            the day after its due date. Calls in the grace period use no included minutes. A renewal
            in the grace period starts at the end of the old term, so no day is left unpaid.

    >>> from channelplans import Days, NonPaymentRule
    >>> print(NonPaymentRule(grace=Days(7)))
    without credit it lapses after 7 days of grace
    """

    drops_bundles: bool = False
    grace: Days | None = None

    def _describe(self) -> tuple[str]:
        grace = f" after {self.grace} of grace" if self.grace else ""
        drops = "loses its bundles, or " if self.drops_bundles else ""
        return (f"without credit it {drops}lapses{grace}",)


class RefundBasis(enum.Enum):
    """How the refunded part is measured.

    Attributes:
        TIME: the share of unused days in the term (H16).
        MINUTES: the share of unused minutes in the allowance (F 4.6).
        SMALLER: the smaller of the two shares.
        NOTHING: nothing is refunded.
    """

    TIME = "time"
    MINUTES = "minutes"
    SMALLER = "the smaller of time and minutes"
    NOTHING = "nothing"


#: The bases that depend on the unused minutes.
BY_MINUTES: Final = (RefundBasis.MINUTES, RefundBasis.SMALLER)


@checked
@attrs.frozen(repr=False)
class RefundRule(DisplayMixin):
    """What is refunded if a subscription ends before its term is over (H16, F 4.3, F 4.6).

    Attributes:
        channels: the basis for the channels. By minutes needs channels that include minutes.
        bundles: the basis for the bundles.
        change_day_used: whether the day of the change counts as used. If it does not, a change on
            the first day refunds everything.
        rounding: how the refund of each item is rounded. The provider keeps the remainder.

    All minutes of a term are one allowance. If channels include minutes, and a restart refunds the
    channels by time, used minutes are granted again: refund such channels by minutes too.

    >>> from channelplans import RefundBasis, RefundRule
    >>> print(RefundRule(bundles=RefundBasis.MINUTES))  # doctest: +NORMALIZE_WHITESPACE
    refund of channels by time, of bundles by minutes;
    the day of the change counts as unused; rounded half up
    """

    channels: RefundBasis = RefundBasis.TIME
    bundles: RefundBasis = RefundBasis.TIME
    change_day_used: bool = False
    rounding: Rounding = Rounding.HALF_UP

    def _describe(self) -> tuple[str]:
        day = "used" if self.change_day_used else "unused"
        if self.channels is self.bundles is RefundBasis.NOTHING:
            return ("no refund",)
        return (
            f"refund of channels by {self.channels.value}, of bundles by {self.bundles.value}; "
            f"the day of the change counts as {day}; rounded {self.rounding.value}",
        )


@checked
@attrs.frozen(repr=False)
class CallRule(DisplayMixin):
    """How the length of a call is counted, and how its charge is rounded (F 3.5, F 8.5).

    Attributes:
        minimum: the shortest length that is counted.
        step: a longer call is rounded up to whole steps of this length.
        rounding: how the charge is rounded, once, to the currency's smallest unit (F 3.7).
        barred_numbers: the numbers that the service cannot call, such as emergency numbers (H21),
            in digits. A call is barred if exactly these digits were dialled.
        may_overdraw: whether a finished call that the wallet cannot pay is recorded. The balance is
            then below zero until the next deposit. If not, such a call is refused as a whole, as in
            Skype's contract (F 3.5).

    Raises:
        InvalidValue: the minimum is negative, the step is not longer than 0 s, one of them is
            longer than a day, or a barred number is not written in digits.

    >>> from datetime import timedelta
    >>> from channelplans import CallRule
    >>> print(CallRule(timedelta(seconds=30), timedelta(seconds=6)))
    at least 30 s, then steps of 6 s, charges rounded half up
    """

    minimum: timedelta = timedelta(seconds=30)
    step: timedelta = timedelta(seconds=6)
    rounding: Rounding = Rounding.HALF_UP
    barred_numbers: tuple[str, ...] = ()
    may_overdraw: bool = True

    def __attrs_post_init__(self) -> None:
        if not timedelta(0) <= self.minimum <= _LONGEST_STEP:
            raise InvalidValue("minimum", str(self.minimum), "0 s or longer, at most a day")
        if not timedelta(0) < self.step <= _LONGEST_STEP:
            raise InvalidValue("step", str(self.step), "longer than 0 s, at most a day")
        for number in self.barred_numbers:
            _check_digits("barred_numbers", number)

    def _describe(self) -> tuple[str]:
        minimum, step = self.minimum.total_seconds(), self.step.total_seconds()
        rounding, barred = self.rounding.value, ""
        if self.barred_numbers:
            barred = f"; no calls to {', '.join(self.barred_numbers)}"
        counting = f"at least {minimum:g} s, then steps of {step:g} s"
        refused = "" if self.may_overdraw else "; a call without credit is refused"
        return (f"{counting}, charges rounded {rounding}{barred}{refused}",)


@checked
@attrs.frozen(repr=False)
class Notice(DisplayMixin):
    """A text for the person who buys or changes, with a code for programs that translate it.

    Attributes:
        code: a stable code.
        text: the text, in English.
        source: where the rule behind the text is published. The text does not name the source.

    >>> from channelplans import Notice
    >>> print(Notice("no-emergency-calls", "This is not a telephone.", "H21"))
    This is not a telephone.
    """

    code: str
    text: str
    source: str

    def _describe(self) -> tuple[Sourced]:
        return (Sourced(self.text, self.source),)


def validate_bundles(bundles: int, *, channels: int, rule: BundleRule) -> None:
    """Raise an error if the channels sold do not allow the number of bundles (H12).

    Args:
        bundles: the number of bundles requested.
        channels: the number of channels sold, not the number requested.
        rule: how many bundles each channel allows.

    Raises:
        BundlesNotAllowed: there are too many bundles, or the number is negative.
        InvalidValue: the number of channels is negative.

    >>> from channelplans import BundleRule, validate_bundles
    >>> rule = BundleRule("US minutes", 5000, ("US",))
    >>> validate_bundles(3, channels=2, rule=rule)  # doctest: +NORMALIZE_WHITESPACE
    Traceback (most recent call last):
        ...
    channelplans.errors.BundlesNotAllowed: bundles must be 0 to 2, not 3: at most 1
    for each of the 2 channels sold
    """
    instance("rule", rule, BundleRule)
    check_bundles(whole("bundles", bundles), bounded("channels", channels, 0), rule)


def check_bundles(bundles: int, channels: int, rule: BundleRule) -> None:
    """Do the same as ``validate_bundles`` for numbers that are already checked."""
    per_channel = rule.per_channel
    if 0 <= bundles <= MAX_BUNDLES and (per_channel is None or bundles <= per_channel * channels):
        return
    maximum = _most_bundles(rule, channels)
    if bundles < 0:
        raise BundlesNotAllowed(bundles, maximum, "the number of bundles cannot be negative")
    reason = f"at most {rule.per_channel} for each of the {channels} channels sold"
    if maximum == MAX_BUNDLES:
        reason = "no plan can have more"
    raise BundlesNotAllowed(bundles, maximum, reason)


def _most_bundles(rule: BundleRule, channels: int) -> int:
    if rule.per_channel is None:
        return MAX_BUNDLES
    return min(rule.per_channel * channels, MAX_BUNDLES)


def check_change(last_changed_on: date | None, *, on: date, rule: ChangeRule) -> None:
    """Raise an error if a change comes too soon after the profile's last change (H15).

    Args:
        last_changed_on: the day of the profile's last change; None if it was never changed.
        on: the day of the next change.
        rule: the time between two changes.

    Raises:
        ChangedTooSoon: the rule's cooldown has not passed. The error names the first day on which
            a change is possible.
        CalendarEnds: the cooldown ends after the year 9999.

    >>> from datetime import date
    >>> from channelplans import ChangeRule, Days, check_change
    >>> day, rule = date(2026, 1, 5), ChangeRule(cooldown=Days(1))
    >>> check_change(day, on=date(2026, 1, 6), rule=rule)
    >>> check_change(day, on=day, rule=rule)  # doctest: +NORMALIZE_WHITESPACE
    Traceback (most recent call last):
        ...
    channelplans.errors.ChangedTooSoon: the profile was changed on 2026-01-05 and
    cannot change on 2026-01-05; the next change is possible from 2026-01-06
    """
    civil_day("on", on)
    cooldown = instance("rule", rule, ChangeRule).cooldown
    if last_changed_on is None:
        return
    civil_day("last_changed_on", last_changed_on)
    if cooldown is None:
        return
    possible_from = days_after(last_changed_on, cooldown)
    if on < possible_from:
        raise ChangedTooSoon(last_changed_on, on, possible_from)


def _check_digits(parameter: str, value: str) -> None:
    if not (value.isascii() and value.isdigit()):
        raise InvalidValue(parameter, quoted(value), "digits only")
