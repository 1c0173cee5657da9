"""How many channels are sold for a request, and how a total is split over profiles.

A request is rounded to the granted number; all later checks use the granted number.

This module knows nothing about bundles, terms or prices.
"""

from collections.abc import Iterator
from itertools import islice
from typing import Final

import attrs

from channelplans._checks import bounded, instance, whole
from channelplans._constructors import checked
from channelplans._display import DisplayMixin, counted
from channelplans._splitting import Sizes, find_least_total, find_split, make_sizes
from channelplans.errors import ChannelsOutOfRange, InvalidValue, TotalNotReachable
from channelplans.money import Rounding, round_ratio

__all__ = [
    "MAX_CHANNELS",
    "MAX_PROFILES",
    "Quantity",
    "QuantityRule",
    "Step",
    "normalize_quantity",
    "profiles_for",
    "split_profiles",
]


#: The largest number of channels that a rule may sell on one profile.
MAX_CHANNELS: Final = 1_000_000


#: The largest number of profiles over which a total is split.
MAX_PROFILES: Final = 1_000_000


# A longer split would make the error message too long.
_MAX_PROFILES_IN_ERROR: Final = 6


@checked
@attrs.frozen(repr=False)
class Step(DisplayMixin):
    """Above ``above`` channels, only multiples of ``multiple`` are sold (H5).

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


@checked
@attrs.frozen(repr=False)
class QuantityRule(DisplayMixin):
    """How many channels one profile may have, and how a request is rounded (H2, H5, F 1.1).

    A request is between ``minimum`` and ``maximum``, both included. The last step that begins
    below the request rounds it to a multiple. Every rule guarantees three things:

    1. The granted number is within the bounds.
    2. A request for a granted number is granted unchanged.
    3. A larger request is never granted fewer channels.

    Raises:
        InvalidValue: the maximum is below the minimum, the steps do not rise, or a step breaks a
            guarantee. For example, multiples of 30 above 100 would sell a request for 101 as 90.

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
        bounded("maximum", self.maximum, self.minimum, MAX_CHANNELS)
        starts = [step.above for step in self.steps]
        if sorted(set(starts)) != starts or (starts and starts[-1] >= self.maximum):
            expected = f"steps that rise and begin below the maximum, {self.maximum}"
            raise InvalidValue("steps", _format_steps(self.steps), expected)
        granted = 0
        # Within a range, a larger request is granted at least as many, so its ends are enough.
        for first, last, _ in _yield_ranges(self):
            for requested in (first, last):
                granted = self._check_granted(requested, previous=granted)

    def _check_granted(self, requested: int, *, previous: int) -> int:
        granted = _round_request(requested, self)
        if not self.minimum <= granted <= self.maximum:
            problem = f"outside the bounds, {self.minimum} to {self.maximum}"
        elif granted < previous:
            problem = f"fewer than the {previous} sold for a smaller request"
        elif _round_request(granted, self) != granted:
            problem = f"but {granted} would itself be sold as {_round_request(granted, self)}"
        else:
            return granted
        expected = (
            "consistent steps, such as steps that begin at one of their multiples: "
            f"{requested} would be sold as {granted}, {problem}"
        )
        raise InvalidValue("steps", _format_steps(self.steps), expected)

    def _describe(self) -> tuple[str]:
        steps = "".join(f"; {step}, rounded {self.rounding.value}" for step in self.steps)
        minimum = counted(self.minimum, "channel")
        bounds = f"{self.minimum:,} to {self.maximum:,} channels"
        if self.minimum == self.maximum:
            bounds = f"exactly {minimum}"
        elif self.maximum == MAX_CHANNELS:
            bounds = f"{minimum} or more"
        return (f"{bounds}{steps}",)


@checked
@attrs.frozen(repr=False)
class Quantity(DisplayMixin):
    """A number of channels as requested and as sold, and why the two differ (H5).

    Raises:
        ChannelsOutOfRange: the request is outside the rule's bounds.

    >>> rule = QuantityRule(1, 300, (Step(above=100, multiple=10),), Rounding.DOWN)
    >>> print(Quantity(105, rule))
    105 channels requested, 100 sold: above 100, multiples of 10, rounded down
    """

    requested: int
    rule: QuantityRule

    def __attrs_post_init__(self) -> None:
        grant(self.requested, self.rule)

    @property
    def granted(self) -> int:
        """The number of channels sold."""
        return _round_request(self.requested, self.rule)

    @property
    def adjusted(self) -> bool:
        """Whether the granted number differs from the requested number."""
        return self.granted != self.requested

    @property
    def reason(self) -> str:
        """Why the granted number differs from the requested number; empty if it does not."""
        if not self.adjusted:
            return ""
        return f"{_find_step(self.requested, self.rule)}, rounded {self.rule.rounding.value}"

    def _describe(self) -> tuple[str]:
        if not self.adjusted:
            return (f"{self.requested} channels requested and sold",)
        return (f"{self.requested} channels requested, {self.granted} sold: {self.reason}",)


def normalize_quantity(requested: int, rule: QuantityRule) -> Quantity:
    """Return the number of channels sold for a request, and why it differs (H5).

    Raises:
        WrongType: the request is not a whole number.
        ChannelsOutOfRange: the request is outside the bounds, before rounding (H2). The error names
            a split over several profiles, if there is one.

    >>> rule = QuantityRule(1, 300, (Step(above=100, multiple=10),), Rounding.DOWN)
    >>> normalize_quantity(109, rule).granted
    100
    """
    return Quantity(requested, rule)


def grant(requested: int, rule: QuantityRule) -> int:
    """Return the number of channels sold for a whole number requested (H5).

    Raises:
        ChannelsOutOfRange: see ``normalize_quantity``.
    """
    if rule.minimum <= requested <= rule.maximum:
        return _round_request(requested, rule)
    split = _split(requested, rule, max_profiles=_MAX_PROFILES_IN_ERROR)
    raise ChannelsOutOfRange(requested, rule.minimum, rule.maximum, split or ())


def split_profiles(total: int, rule: QuantityRule) -> tuple[int, ...]:
    """Return the channels of the fewest profiles that add up to a total, the largest first (H6).

    Among several such splits, the result is the lexicographically greatest.

    Raises:
        TotalNotReachable: sellable numbers do not add up to the total, or more than a million
            profiles are needed. The error names the nearest totals that work.

    >>> rule = QuantityRule(1, 300, (Step(above=100, multiple=10),), Rounding.DOWN)
    >>> split_profiles(350, rule), split_profiles(437, rule)
    ((300, 50), (300, 130, 7))
    """
    total = whole("total", total)
    split = _split(total, instance("rule", rule, QuantityRule))
    if split is None:
        raise TotalNotReachable(total, MAX_PROFILES, _find_nearest(total, rule))
    return split


def profiles_for(needed: int, rule: QuantityRule) -> tuple[int, ...]:
    """Return the channels of the fewest profiles that together have at least ``needed`` channels.

    With that number of profiles, the total is the smallest possible.

    Raises:
        TotalNotReachable: more than a million profiles would be needed.

    >>> rule = QuantityRule(1, 300, (Step(above=100, multiple=10),), Rounding.DOWN)
    >>> profiles_for(437, rule)
    (300, 140)
    """
    needed = bounded("needed", needed, 1)
    sizes = _sizes(instance("rule", rule, QuantityRule), MAX_CHANNELS)
    profiles = -(-needed // sizes.largest)
    if profiles > MAX_PROFILES:
        raise TotalNotReachable(needed, MAX_PROFILES, (MAX_PROFILES * sizes.largest,))
    return split_profiles(find_least_total(needed, profiles, sizes), rule)


def _format_steps(steps: tuple[Step, ...]) -> str:
    return f"({'; '.join(map(str, steps))})"


def _find_step(requested: int, rule: QuantityRule) -> Step | None:
    return next((step for step in reversed(rule.steps) if requested > step.above), None)


def _round_request(requested: int, rule: QuantityRule) -> int:
    step = _find_step(requested, rule)
    if step is None:
        return requested
    return step.multiple * round_ratio(requested, step.multiple, rule.rounding)


def _yield_ranges(rule: QuantityRule) -> Iterator[tuple[int, int, int]]:
    """Yield the first and last request of each step, and the step's multiple."""
    steps = (Step(0, 1), *rule.steps)
    ends = (*(step.above for step in rule.steps), rule.maximum)
    for step, last in zip(steps, ends, strict=True):
        first = max(step.above + 1, rule.minimum)
        if first <= last:
            yield first, last, step.multiple


def _sizes(rule: QuantityRule, limit: int) -> Sizes:
    """Return the sellable numbers up to a limit; at least the smallest must be within it."""
    ranges = [
        range(_round_request(first, rule), min(_round_request(last, rule), limit) + 1, multiple)
        for first, last, multiple in _yield_ranges(rule)
    ]
    return make_sizes([sizes for sizes in ranges if sizes])


def _split(
    total: int, rule: QuantityRule, max_profiles: int = MAX_PROFILES
) -> tuple[int, ...] | None:
    if total < _round_request(rule.minimum, rule):
        return None
    return find_split(total, _sizes(rule, total), max_profiles)


def _find_nearest(total: int, rule: QuantityRule) -> tuple[int, ...]:
    sizes = _sizes(rule, MAX_CHANNELS)
    largest_total = MAX_PROFILES * sizes.largest
    next_below = min(total - 1, largest_total) // sizes.divisor * sizes.divisor
    next_above = max(total // sizes.divisor + 1, 1) * sizes.divisor
    below = range(next_below, sizes.smallest - 1, -sizes.divisor)
    above = range(max(next_above, sizes.smallest), largest_total + 1, sizes.divisor)
    splittable = (filter(lambda total: _split(total, rule), totals) for totals in (below, above))
    return tuple(nearest for totals in splittable for nearest in islice(totals, 1))
