"""The parts of an offer, as data, and the checks that need nothing but them.

Every number of the help page is a field here, and none is built into a function. What is asked and
what is sold are both kept: a request is normalized first, and whatever comes after is checked
against what is sold. Prices, days of a subscription and balances are not known here.
"""

import enum
import re
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Final

import attrs

from channelplans._splitting import Sizes, least_total, sizes_of, split
from channelplans.calendar import Days, Months, Term, days_after, term_at
from channelplans.checks import bounded, checked, civil_day, instance, whole
from channelplans.errors import (
    BundlesNotAllowed,
    ChangedTooSoon,
    ChannelsOutOfRange,
    InvalidValue,
    TotalNotReachable,
)
from channelplans.money import Rounding, round_ratio
from channelplans.tables import Described, clock, counted

__all__ = [
    "MOST_BUNDLES",
    "MOST_CHANNELS",
    "MOST_PROFILES",
    "BundleRule",
    "CallRule",
    "ChangeRule",
    "Effect",
    "Notice",
    "Quantity",
    "QuantityRule",
    "RefundBasis",
    "RefundRule",
    "Rollover",
    "ShortageRule",
    "Step",
    "TermRule",
    "check_change",
    "normalize_quantity",
    "profiles_for",
    "split_profiles",
    "validate_bundles",
]

#: The largest number of channels that a rule may sell on one profile.
MOST_CHANNELS: Final = 1_000_000

#: The largest number of bundles that any plan may have, and of minutes in one of them.
MOST_BUNDLES: Final = 1_000_000

# A longer way out over several profiles does not fit an error's sentence.
_MOST_TOLD: Final = 6

#: The largest number of profiles that a total is split over.
MOST_PROFILES: Final = 1_000_000

#: So many prefixes are printed one by one.
_FEW_PREFIXES: Final = 12

#: The ISO 3166 code of two letters that names a country.
COUNTRY: Final = re.compile(r"[A-Z]{2}")


@attrs.frozen(field_transformer=checked)
class Step(Described):
    """Above a number of channels, only multiples are sold: above 100, multiples of 10 (H5).

    >>> print(Step(above=100, multiple=10))
    above 100, multiples of 10
    """

    above: int
    multiple: int

    def __attrs_post_init__(self) -> None:
        bounded("above", self.above, 0)
        bounded("multiple", self.multiple, 1)

    def _describe(self) -> tuple[str]:
        return (f"above {self.above}, multiples of {self.multiple}",)


@attrs.frozen(field_transformer=checked)
class QuantityRule(Described):
    """How many channels one profile may have, and what a request is sold as (H2, H5, F 1.1).

    A request lies between ``minimum`` and ``maximum``; the last step below it, if any, rounds it
    to a multiple. Three laws hold for each rule that can be made: what is granted lies within the
    bounds, asking for what is granted grants just that, and whoever asks for more is never granted
    less.

    Raises:
        InvalidValue: the bounds do not hold a number, the steps do not rise, or a step would break
            one of the three laws, such as multiples of 30 above 100, which sell 101 as 90.

    >>> rule = QuantityRule(1, 300, (Step(above=100, multiple=10),), Rounding.DOWN)
    >>> print(rule)
    1 to 300 channels; above 100, multiples of 10, rounded down
    """

    minimum: int
    maximum: int
    steps: tuple[Step, ...] = ()
    rounding: Rounding = Rounding.DOWN

    def __attrs_post_init__(self) -> None:
        bounded("minimum", self.minimum, 1)
        bounded("maximum", self.maximum, self.minimum, MOST_CHANNELS)
        above = [step.above for step in self.steps]
        if sorted(set(above)) != above or (above and above[-1] >= self.maximum):
            expected = f"steps that rise and begin below the maximum, {self.maximum}"
            raise InvalidValue("steps", _listed(self.steps), expected)
        granted = 0
        for first, last, _ in _pieces(self):
            for requested in (first, last):
                granted = self._lawful(requested, granted)

    def _lawful(self, requested: int, least: int) -> int:
        granted = _granted(requested, self)
        if not self.minimum <= granted <= self.maximum:
            wrong = f"leave the bounds, {self.minimum} to {self.maximum}"
        elif granted < least:
            wrong = f"be fewer than the {least} that a smaller request is sold as"
        elif _granted(granted, self) != granted:
            wrong = f"itself be sold as {_granted(granted, self)}"
        else:
            return granted
        expected = (
            "steps that keep to the rule, as one does that begins at a multiple of its own: "
            f"{requested} would be sold as {granted}, and {wrong}"
        )
        raise InvalidValue("steps", _listed(self.steps), expected)

    def _describe(self) -> tuple[str]:
        steps = "".join(f"; {step}, rounded {self.rounding.value}" for step in self.steps)
        least = counted(self.minimum, "channel")
        bounds = f"{self.minimum:,} to {self.maximum:,} channels"
        if self.minimum == self.maximum:
            bounds = f"{least}, no more and no fewer"
        elif self.maximum == MOST_CHANNELS:
            bounds = f"{least} or more"
        return (f"{bounds}{steps}",)


@attrs.frozen(field_transformer=checked)
class Quantity(Described):
    """A number of channels as asked for and as sold, and why they differ (H5).

    Raises:
        ChannelsOutOfRange: the rule sells no such number on one profile.

    >>> rule = QuantityRule(1, 300, (Step(above=100, multiple=10),), Rounding.DOWN)
    >>> print(Quantity(105, rule))
    105 channels asked, 100 sold: above 100, multiples of 10, rounded down
    """

    requested: int
    rule: QuantityRule

    def __attrs_post_init__(self) -> None:
        minimum, maximum = self.rule.minimum, self.rule.maximum
        if not minimum <= self.requested <= maximum:
            split = _split(self.requested, self.rule, most=_MOST_TOLD)
            raise ChannelsOutOfRange(self.requested, minimum, maximum, split or ())

    @property
    def granted(self) -> int:
        """The number that is sold."""
        return _granted(self.requested, self.rule)

    @property
    def adjusted(self) -> bool:
        """Whether what is sold differs from what was asked."""
        return self.granted != self.requested

    def _describe(self) -> tuple[str]:
        if not self.adjusted:
            return (f"{self.requested} channels asked and sold",)
        step = _step_for(self.requested, self.rule)
        why = f"{step}, rounded {self.rule.rounding.value}"
        return (f"{self.requested} channels asked, {self.granted} sold: {why}",)


@attrs.frozen(field_transformer=checked)
class Rollover(Described):
    """How unused minutes are carried into the terms that follow, where they are (F 8.4: not).

    Attributes:
        terms: for how many further terms they last; None is for as long as it renews itself.
        cap: the most minutes that are carried at a time, the youngest first; None is no bound.

    >>> print(Rollover(terms=1, cap=1000))
    unused minutes last for 1 more term, at most 1,000 of them
    """

    terms: int | None = None
    cap: int | None = None

    def __attrs_post_init__(self) -> None:
        for name, bound in {"terms": self.terms, "cap": self.cap}.items():
            if bound is not None:
                bounded(name, bound, 1)

    def _describe(self) -> tuple[str]:
        cap = "" if self.cap is None else f", at most {self.cap:,} of them"
        if self.terms is None:
            return (f"unused minutes are carried on{cap}",)
        return (f"unused minutes last for {counted(self.terms, 'more term')}{cap}",)


@attrs.frozen(field_transformer=checked)
class BundleRule(Described):
    """A pack of minutes to one area, and how many of them go with a number of channels.

    Attributes:
        name: what one bundle is called.
        minutes: the minutes that each bundle grants in a term (H10).
        area: the countries that they may be used for, as ISO 3166 codes (H10, F 8.2).
        per_channel: how many bundles each channel allows (H12); None where there is no such bound,
            0 where there are no bundles and the minutes come with the channels.
        longest_call: how much of one call may come from a bundle (F 8.6); None is all of it.
        excluded_prefixes: national numbers beginning so are not covered (F 8.10).
        calling_code: what stands before a national number of the area, taken off before its prefix
            is looked at; one for the whole area.
        included: the minutes that each channel brings with it, without a bundle.
        rollover: how unused minutes are carried on; None where they are gone (F 8.4).

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
    included: int = 0
    rollover: Rollover | None = None

    def __attrs_post_init__(self) -> None:
        sold = self.per_channel != 0
        bounded("included", self.included, int(not sold), MOST_BUNDLES)
        bounded("minutes", self.minutes, int(sold), MOST_BUNDLES if sold else 0)
        if self.per_channel is not None:
            bounded("per_channel", self.per_channel, 0, MOST_BUNDLES)
        if self.longest_call is not None and self.longest_call <= timedelta(0):
            raise InvalidValue("longest_call", str(self.longest_call), "longer than nothing")
        if not self.area:
            raise InvalidValue("area", "()", 'at least one country, such as ("US",)')
        for country in self.area:
            if not COUNTRY.fullmatch(country):
                raise InvalidValue("area", repr(country), 'two capital letters, such as "US"')
        _check_digits("calling_code", self.calling_code)
        for prefix in self.excluded_prefixes:
            _check_digits("excluded_prefixes", prefix)

    def most(self, channels: int) -> int:
        """Return the most bundles that go with a number of channels sold."""
        channels = bounded("channels", channels, 0)
        if self.per_channel is None:
            return MOST_BUNDLES
        return min(self.per_channel * channels, MOST_BUNDLES)

    def _describe(self) -> tuple[str]:
        area, told = ", ".join(self.area), []
        if self.per_channel != 0:
            each = f"at most {self.per_channel} for each channel"
            bound = "any number of them" if self.per_channel is None else each
            told.append(f"{self.minutes:,} minutes to {area}, {bound}")
        if self.included:
            told.append(f"{self.included:,} minutes to {area} with each channel")
        if self.longest_call is not None:
            told.append(f"at most {clock(self.longest_call)} of a call")
        if self.excluded_prefixes:
            count = len(self.excluded_prefixes)
            few = count <= _FEW_PREFIXES
            prefixes = ", ".join(self.excluded_prefixes) if few else counted(count, "beginning")
            told.append(f"not to numbers with {prefixes} after +{self.calling_code}")
        if self.rollover:
            told.append(str(self.rollover))
        return (f"{self.name}: {'; '.join(told)}",)


@attrs.frozen(field_transformer=checked)
class TermRule(Described):
    """How long a term is; it renews itself at its end (H8).

    Attributes:
        length: the length of a term.
        aligned: whether terms begin on the first of a month. The first is then what is left of a
            term that began on the first of the month of purchase, at that share of the price.
            Otherwise they begin on the day of purchase.
        holding: how long a subscription is held at least; it can be cancelled from the term on
            that ends no sooner.

    Raises:
        InvalidValue: terms of days cannot be aligned to months.

    >>> print(TermRule(Days(30)))
    a term of 30 days
    """

    length: Days | Months
    aligned: bool = False
    holding: Days | Months | None = None

    def __attrs_post_init__(self) -> None:
        if self.aligned and not isinstance(self.length, Months):
            raise InvalidValue("length", str(self.length), "months, to be aligned to them")

    def anchor(self, on: date) -> date:
        """Return the day from which the terms of a purchase are counted."""
        return civil_day("on", on).replace(day=1) if self.aligned else on

    def first(self, on: date) -> Term:
        """Return the first term of a purchase, which begins on the day itself.

        >>> print(TermRule(Months(1), aligned=True).first(date(2026, 1, 15)))
        2026-01-15 to 2026-02-01
        """
        whole = self.nth(self.anchor(on), 0)
        return Term(on, whole.end) if self.aligned else whole

    def nth(self, anchor: date, number: int) -> Term:
        """Return the n-th full term from an anchor; number 0 is the first."""
        return term_at(anchor, self.length, number)

    def whole(self, term: Term) -> Term:
        """Return the full term that a term is all or the rest of, which the price is for."""
        return Term(self.anchor(term.start), term.end) if self.aligned else term

    def _describe(self) -> tuple[str]:
        aligned = " from the first of a month" if self.aligned else ""
        holding = f", held for {self.holding} at least" if self.holding else ""
        return (f"a term of {self.length}{aligned}{holding}",)


class Effect(enum.Enum):
    """What a change does to the running term.

    ``REBUY`` refunds what is left and sells the new plan for a term of its own (H16, H17).
    ``PRORATE`` charges or returns the difference for the days that are left of the term, which
    goes on; it asks no ``RefundRule``, so that fewer bring money back whatever that says, and
    however many minutes are used. ``FULL`` charges the difference for all of the running term,
    however late, and nothing where a ladder prices more at less; of a first part of a term, that is
    the part. ``KEEP`` changes at once and moves no money but for the set-up of what is added: what
    was paid stays paid through the term, and what is added brings no minutes until the next.
    ``NEXT_TERM`` waits for the next term.
    """

    REBUY = "refunded and bought anew"
    PRORATE = "the difference prorated"
    FULL = "the full difference"
    KEEP = "at once, at no charge"
    NEXT_TERM = "from the next term on"


@attrs.frozen(field_transformer=checked)
class ChangeRule(Described):
    """When a change may come, and what it does.

    Attributes:
        cooldown: how soon after a change the next one may come (H15); None is at any time (F 4.1).
        more: what a change to more channels or bundles does.
        fewer: what a change to fewer does; never ``FULL``, which only charges.

    >>> print(ChangeRule(cooldown=Days(1)))
    the next change 1 day after a change; refunded and bought anew
    """

    cooldown: Days | Months | None = Days(1)
    more: Effect = Effect.REBUY
    fewer: Effect = Effect.REBUY

    def __attrs_post_init__(self) -> None:
        if self.fewer is Effect.FULL:
            raise InvalidValue("fewer", self.fewer.value, "an effect that fits a smaller plan")

    def _describe(self) -> tuple[str]:
        soon = "a change at any time"
        if self.cooldown is not None:
            soon = f"the next change {self.cooldown} after a change"
        if self.more is self.fewer:
            return (f"{soon}; {self.more.value}",)
        return (f"{soon}; more: {self.more.value}; fewer: {self.fewer.value}",)


@attrs.frozen(field_transformer=checked)
class ShortageRule(Described):
    """What happens where a renewal cannot be paid: it lapses (F 6.3), unless something comes first.

    Attributes:
        drops_bundles: whether the channels may be renewed without the bundles.
        grace: how long the profile goes on without a renewal before it may lapse. Its calls find
            no minutes, and a renewal in time starts where the old term ended, so that nothing is
            owed.

    >>> print(ShortageRule(grace=Days(7)))
    without credit it lapses after 7 days of grace
    """

    drops_bundles: bool = False
    grace: Days | None = None

    def _describe(self) -> tuple[str]:
        grace = f" after {self.grace} of grace" if self.grace else ""
        drops = "loses its bundles, or " if self.drops_bundles else ""
        return (f"without credit it {drops}lapses{grace}",)


class RefundBasis(enum.Enum):
    """What the part that comes back is measured by.

    ``TIME`` is the days of the term that are left (H16), ``EXACT_TIME`` the days and the part of
    the day that is left, ``MINUTES`` the minutes of the allowance that are left (F 4.6),
    ``SMALLER`` the smaller of time and minutes, and with ``NOTHING`` nothing comes back.
    """

    TIME = "time"
    EXACT_TIME = "exact time"
    MINUTES = "minutes"
    SMALLER = "the smaller of time and minutes"
    NOTHING = "nothing"


#: The bases that ask how many minutes are left.
BY_MINUTES: Final = (RefundBasis.MINUTES, RefundBasis.SMALLER)


@attrs.frozen(field_transformer=checked)
class RefundRule(Described):
    """What comes back of a subscription that ends before its term (H16, F 4.3, F 4.6).

    Attributes:
        channels: the basis for the channels, which have no minutes.
        bundles: the basis for the bundles.
        change_day_used: whether the day of the change counts as used. If it does not, a change on
            the first day returns everything.
        rounding: how what comes back is rounded, once for each item; the rest is kept.

    >>> print(RefundRule(bundles=RefundBasis.MINUTES))
    channels by time, bundles by minutes, the day of the change not used, rounded half up
    """

    channels: RefundBasis = RefundBasis.TIME
    bundles: RefundBasis = RefundBasis.TIME
    change_day_used: bool = False
    rounding: Rounding = Rounding.HALF_UP

    def __attrs_post_init__(self) -> None:
        if self.channels in BY_MINUTES:
            expected = "time, exact time or nothing, since channels have no minutes"
            raise InvalidValue("channels", self.channels.value, expected)
        if self.change_day_used and RefundBasis.EXACT_TIME in (self.channels, self.bundles):
            expected = "False where refunds are by exact time, which counts the day by itself"
            raise InvalidValue("change_day_used", "True", expected)

    def _describe(self) -> tuple[str]:
        used = "used" if self.change_day_used else "not used"
        if self.channels is self.bundles is RefundBasis.NOTHING:
            return ("nothing comes back",)
        return (
            f"channels by {self.channels.value}, bundles by {self.bundles.value}, "
            f"the day of the change {used}, rounded {self.rounding.value}",
        )


@attrs.frozen(field_transformer=checked)
class CallRule(Described):
    """How a call is counted: a least length, then steps (F 3.5, F 8.5).

    ``rounding`` is that of its charge, once, to the unit of the currency (F 3.7).

    >>> print(CallRule(timedelta(seconds=30), timedelta(seconds=6)))
    at least 30 s, then steps of 6 s, charges rounded half up
    """

    minimum: timedelta = timedelta(seconds=30)
    step: timedelta = timedelta(seconds=6)
    rounding: Rounding = Rounding.HALF_UP

    def __attrs_post_init__(self) -> None:
        if self.minimum < timedelta(0):
            raise InvalidValue("minimum", str(self.minimum), "0 s or longer")
        if self.step <= timedelta(0):
            raise InvalidValue("step", str(self.step), "longer than nothing")

    def _describe(self) -> tuple[str]:
        least, step = self.minimum.total_seconds(), self.step.total_seconds()
        rounding = self.rounding.value
        return (f"at least {least:g} s, then steps of {step:g} s, charges rounded {rounding}",)


@attrs.frozen(field_transformer=checked)
class Notice(Described):
    """Something that a person must be told, with a code for programs that translate it.

    >>> print(Notice("no-emergency-calls", "This is not a telephone.", "H21"))
    This is not a telephone. (H21)
    """

    code: str
    text: str
    source: str

    def _describe(self) -> tuple[str]:
        return (f"{self.text} ({self.source})",)


def normalize_quantity(requested: int, rule: QuantityRule) -> Quantity:
    """Return what a request for channels is sold as, and why (H5).

    Raises:
        WrongType: the request is not a whole number.
        ChannelsOutOfRange: it lies outside the bounds, before rounding (H2); the error names the
            split over profiles that would do.

    >>> rule = QuantityRule(1, 300, (Step(above=100, multiple=10),), Rounding.DOWN)
    >>> normalize_quantity(109, rule).granted
    100
    """
    return Quantity(requested, rule)


def validate_bundles(bundles: int, *, channels: int, rule: BundleRule) -> None:
    """Refuse a number of bundles that the channels sold do not allow (H12).

    Raises:
        BundlesNotAllowed: there are more than that, or fewer than none.

    >>> validate_bundles(3, channels=2, rule=BundleRule("US minutes", 5000, ("US",)))
    Traceback (most recent call last):
        ...
    channelplans.errors.BundlesNotAllowed: bundles must be 0 to 2, not 3: at most 1 for each of \
the 2 channels sold
    """
    bundles = whole("bundles", bundles)
    most = instance("rule", rule, BundleRule).most(channels)
    if bundles < 0:
        raise BundlesNotAllowed(bundles, most, "nobody can be sold fewer than none")
    if bundles > most:
        reason = f"at most {rule.per_channel} for each of the {channels} channels sold"
        if most == MOST_BUNDLES:
            reason = "no plan has more"
        raise BundlesNotAllowed(bundles, most, reason)


def check_change(last_changed_on: date | None, *, on: date, rule: ChangeRule) -> None:
    """Refuse a change that comes too soon after the profile's last one (H15).

    Raises:
        ChangedTooSoon: the rule's cool-down has not passed; the error names the first day.

    >>> day = date(2026, 1, 5)
    >>> check_change(day, on=date(2026, 1, 6), rule=ChangeRule(cooldown=Days(1)))
    >>> check_change(day, on=day, rule=ChangeRule(cooldown=Days(1)))
    Traceback (most recent call last):
        ...
    channelplans.errors.ChangedTooSoon: the profile was changed on 2026-01-05 and cannot change \
on 2026-01-05; the next change is possible from 2026-01-06
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


def split_profiles(total: int, rule: QuantityRule) -> tuple[int, ...]:
    """Return the fewest profiles whose channels add up to a total, the largest first (H6).

    Of all splits over that few, it is the lexicographically greatest.

    Raises:
        TotalNotReachable: no sum of sellable numbers is the total, or it takes more than a million
            of them; the error names the nearest totals that work.

    >>> rule = QuantityRule(1, 300, (Step(above=100, multiple=10),), Rounding.DOWN)
    >>> split_profiles(350, rule), split_profiles(437, rule)
    ((300, 50), (300, 130, 7))
    """
    total = whole("total", total)
    split = _split(total, instance("rule", rule, QuantityRule))
    if split is None:
        raise TotalNotReachable(total, MOST_PROFILES, _nearest(total, rule))
    return split


def profiles_for(needed: int, rule: QuantityRule) -> tuple[int, ...]:
    """Return the profiles to buy for a need: the least total that the fewest profiles can hold.

    Raises:
        TotalNotReachable: more than a million profiles would be needed.

    >>> rule = QuantityRule(1, 300, (Step(above=100, multiple=10),), Rounding.DOWN)
    >>> profiles_for(437, rule)
    (300, 140)
    """
    needed = bounded("needed", needed, 1)
    sizes = _sizes(instance("rule", rule, QuantityRule), MOST_CHANNELS)
    profiles = -(-needed // sizes.largest)
    if profiles > MOST_PROFILES:
        raise TotalNotReachable(needed, MOST_PROFILES, (MOST_PROFILES * sizes.largest,))
    return split_profiles(least_total(needed, profiles, sizes), rule)


def _check_digits(parameter: str, value: str) -> None:
    if not (value.isascii() and value.isdigit()):
        raise InvalidValue(parameter, repr(value), "digits only")


def _listed(steps: tuple[Step, ...]) -> str:
    return f"({'; '.join(map(str, steps))})"


def _step_for(requested: int, rule: QuantityRule) -> Step | None:
    for step in reversed(rule.steps):
        if requested > step.above:
            return step
    return None


def _granted(requested: int, rule: QuantityRule) -> int:
    step = _step_for(requested, rule)
    if step is None:
        return requested
    return step.multiple * round_ratio(requested, step.multiple, rule.rounding)


def _pieces(rule: QuantityRule) -> Iterator[tuple[int, int, int]]:
    """Yield the stretches of requests that one multiple rounds: first, last, multiple."""
    steps = (Step(0, 1), *rule.steps)
    ends = (*(step.above for step in rule.steps), rule.maximum)
    for step, last in zip(steps, ends, strict=True):
        first = max(step.above + 1, rule.minimum)
        if first <= last:
            yield first, last, step.multiple


def _sizes(rule: QuantityRule, most: int) -> Sizes:
    """Return the sellable sizes up to a number that is sold, or above."""
    runs = [
        range(_granted(first, rule), min(_granted(last, rule), most) + 1, multiple)
        for first, last, multiple in _pieces(rule)
    ]
    return sizes_of([run for run in runs if run])


def _split(total: int, rule: QuantityRule, most: int = MOST_PROFILES) -> tuple[int, ...] | None:
    if total < _granted(rule.minimum, rule):
        return None
    return split(total, _sizes(rule, total), most)


def _nearest(total: int, rule: QuantityRule) -> tuple[int, ...]:
    sizes = _sizes(rule, MOST_CHANNELS)
    most = MOST_PROFILES * sizes.largest
    next_below = min(total - 1, most) // sizes.divisor * sizes.divisor
    next_above = max(total // sizes.divisor + 1, 1) * sizes.divisor
    below = range(next_below, sizes.least - 1, -sizes.divisor)
    above = range(max(next_above, sizes.least), most + 1, sizes.divisor)
    found = (next((each for each in way if _split(each, rule)), 0) for way in (below, above))
    return tuple(each for each in found if each)
