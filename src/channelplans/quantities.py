"""How many channels are sold for a request, and how a total is split over profiles.

A request is rounded to the granted number; all later checks use the granted number.

This module knows nothing about bundles, terms or prices.
"""

from bisect import bisect_left
from collections.abc import Iterator
from operator import attrgetter
from typing import TYPE_CHECKING, Final

import attrs

from channelplans._checks import bounded, instance, whole
from channelplans._constructors import checked
from channelplans._display import DisplayMixin, counted
from channelplans.errors import ChannelsOutOfRange, InvalidValue, TotalNotReachable
from channelplans.money import Rounding, round_ratio

# Loaded in functions, because most programs split no totals.
if TYPE_CHECKING:
    from channelplans._splitting import Sizes

__all__ = [
    "MAX_CHANNELS",
    "MAX_PROFILES",
    "MAX_STEPS",
    "Quantity",
    "QuantityRule",
    "Step",
    "normalize_quantity",
    "profiles_for",
    "split_profiles",
]


#: The largest number of channels that a rule may sell on one profile. A gigabit line carries about
#: 10,000 calls, so the limit is far above any published maximum.
MAX_CHANNELS: Final = 1_000_000


#: The largest number of steps that a rule may have. Known rules have at most one.
MAX_STEPS: Final = 100


#: The largest number of profiles over which a total is split.
MAX_PROFILES: Final = 1_000_000


# A longer list of steps would make the error message too long.
_MAX_STEPS_IN_ERROR: Final = 6


# A global constant is read faster than a member of an enumeration.
_DOWN: Final = Rounding.DOWN


# With at most this maximum, every total is split fast, so the search need not be loaded to check.
_NEVER_TOO_IRREGULAR: Final = 500


_STEP_BEGINNING: Final = attrgetter("above")


# A longer split would make the error message too long.
_MAX_PROFILES_IN_ERROR: Final = 6


@checked
@attrs.frozen(repr=False)
class Step(DisplayMixin):
    """Above a number of channels, only multiples are sold (H5).

    Attributes:
        above: the number of channels above which the step begins, at least 0.
        multiple: the number whose multiples are sold from there on, at least 1.

    Raises:
        InvalidValue: a number is out of bounds.

    >>> from channelplans import Step
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

    The last step that begins below a request rounds it to a multiple. Every rule guarantees three
    things:

    1. The granted number is within the bounds.
    2. A request for a granted number is granted unchanged.
    3. A larger request is never granted fewer channels.

    Limits keep splits over profiles fast; no known provider comes near the limits. The maximum is
    at most ``MAX_CHANNELS``. A rule has at most ``MAX_STEPS`` steps. A rule is refused if some
    totals would need very many profiles of different numbers. For example, a rule that sells only
    1, 2 and 10,000 channels would need 5,000 profiles for a total of 9,999. A rule without steps,
    or with a maximum of up to 500, is never refused for this reason.

    Attributes:
        minimum: the smallest number of channels of a profile, at least 1.
        maximum: the largest number of channels of a profile.
        steps: the numbers above which only multiples are sold, in rising order.
        rounding: how a request is rounded to a multiple.

    Raises:
        InvalidValue: the maximum is below the minimum, the steps do not rise, a step breaks a
            guarantee, or a limit is exceeded. For example, multiples of 30 above 100 would sell a
            request for 101 as 90.

    >>> from channelplans import QuantityRule, Rounding, Step
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
        if len(self.steps) > MAX_STEPS:
            found = f"{len(self.steps):,} steps"
            raise InvalidValue("steps", found, f"at most {MAX_STEPS} steps")
        starts = [step.above for step in self.steps]
        if sorted(set(starts)) != starts or (starts and starts[-1] >= self.maximum):
            expected = f"steps that rise and begin below the maximum, {self.maximum}"
            raise InvalidValue("steps", _format_steps(self.steps), expected)
        granted = 0
        # Within a range, a larger request is granted at least as many, so its ends are enough.
        for first, last, _ in _yield_ranges(self):
            for requested in (first, last):
                granted = self._check_granted(requested, previous=granted)
        if self.steps and self.maximum > _NEVER_TOO_IRREGULAR and _is_too_irregular(self):
            expected = (
                "steps that leave smaller gaps between the numbers that they sell: to add up to "
                "a total, too many profiles of different numbers would be needed"
            )
            raise InvalidValue("steps", _format_steps(self.steps), expected)

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

    Attributes:
        requested: the number of channels requested.
        rule: the rule that rounds the request.

    Raises:
        ChannelsOutOfRange: the request is outside the rule's bounds.

    >>> from channelplans import SKYPE_CONNECT, Quantity
    >>> print(Quantity(105, SKYPE_CONNECT.quantity))
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
        return f"{_find_step(self.requested, self.rule.steps)}, rounded {self.rule.rounding.value}"

    def _describe(self) -> tuple[str]:
        if not self.adjusted:
            return (f"{self.requested} channels requested and sold",)
        return (f"{self.requested} channels requested, {self.granted} sold: {self.reason}",)


def normalize_quantity(requested: int, rule: QuantityRule) -> Quantity:
    """Return the number of channels sold for a request, and why it differs (H5).

    Args:
        requested: the number of channels requested for one profile.
        rule: the numbers that are sold, and how a request is rounded.

    Raises:
        WrongType: the request is not a whole number.
        ChannelsOutOfRange: the request is outside the bounds, before rounding (H2). The error names
            a split over several profiles, if there is one.

    >>> from channelplans import SKYPE_CONNECT, normalize_quantity
    >>> print(normalize_quantity(109, SKYPE_CONNECT.quantity))
    109 channels requested, 100 sold: above 100, multiples of 10, rounded down
    """
    return Quantity(requested, rule)


def grant(requested: int, rule: QuantityRule) -> int:
    """Return the number of channels sold for a whole number requested (H5).

    Raises:
        ChannelsOutOfRange: see ``normalize_quantity``.
    """
    if rule.minimum <= requested <= rule.maximum:
        return _round_request(requested, rule)
    from channelplans._splitting import find_split

    split = find_split(requested, _find_sizes(rule), _MAX_PROFILES_IN_ERROR)
    raise ChannelsOutOfRange(requested, rule.minimum, rule.maximum, split or ())


def split_profiles(total: int, rule: QuantityRule) -> tuple[int, ...]:
    """Return the channels of the fewest profiles that add up to a total, the largest first (H6).

    Among several such splits, the result is the lexicographically greatest.

    Args:
        total: the number of channels of all profiles together.
        rule: the numbers of channels that one profile may have.

    Raises:
        TotalNotReachable: sellable numbers do not add up to the total, or more than a million
            profiles are needed. The error names the nearest totals that work.

    >>> from channelplans import SKYPE_CONNECT, split_profiles
    >>> split_profiles(350, SKYPE_CONNECT.quantity)
    (300, 50)
    >>> split_profiles(437, SKYPE_CONNECT.quantity)
    (300, 130, 7)
    """
    from channelplans._splitting import find_nearest, find_split

    total = whole("total", total)
    sizes = _find_sizes(instance("rule", rule, QuantityRule))
    split = find_split(total, sizes, MAX_PROFILES)
    if split is None:
        raise TotalNotReachable(total, MAX_PROFILES, find_nearest(total, sizes, MAX_PROFILES))
    return split


def profiles_for(needed: int, rule: QuantityRule) -> tuple[int, ...]:
    """Return the channels of the fewest profiles that together have at least a number of channels.

    With that number of profiles, the total is the smallest possible.

    Args:
        needed: the smallest number of channels of all profiles together, at least 1.
        rule: the numbers of channels that one profile may have.

    Raises:
        InvalidValue: ``needed`` is below 1.
        TotalNotReachable: more than a million profiles would be needed.

    >>> from channelplans import SKYPE_CONNECT, profiles_for
    >>> profiles_for(437, SKYPE_CONNECT.quantity)
    (300, 140)
    """
    from channelplans._splitting import find_sufficient_split

    needed = bounded("needed", needed, 1)
    sizes = _find_sizes(instance("rule", rule, QuantityRule))
    profiles = -(-needed // sizes.largest)
    if profiles > MAX_PROFILES:
        raise TotalNotReachable(needed, MAX_PROFILES, (MAX_PROFILES * sizes.largest,))
    return find_sufficient_split(needed, profiles, sizes)


def _format_steps(steps: tuple[Step, ...]) -> str:
    listed = [*map(str, steps[:_MAX_STEPS_IN_ERROR])]
    if len(steps) > _MAX_STEPS_IN_ERROR:
        listed.append(f"{len(steps) - _MAX_STEPS_IN_ERROR:,} more")
    return f"({'; '.join(listed)})"


def _find_step(requested: int, steps: tuple[Step, ...]) -> Step:
    """Return the last step that begins below a request; at least the first step must."""
    return steps[bisect_left(steps, requested, key=_STEP_BEGINNING) - 1]


def _round_request(requested: int, rule: QuantityRule) -> int:
    steps = rule.steps
    if not steps or requested <= steps[0].above:
        return requested
    step = steps[-1] if requested > steps[-1].above else _find_step(requested, steps)
    multiple = step.multiple
    if rule.rounding is _DOWN:
        return requested - requested % multiple
    return multiple * round_ratio(requested, multiple, rule.rounding)


def _yield_ranges(rule: QuantityRule) -> Iterator[tuple[int, int, int]]:
    """Yield the first and last request of each step, and the step's multiple."""
    steps = (Step(0, 1), *rule.steps)
    ends = (*(step.above for step in rule.steps), rule.maximum)
    for step, last in zip(steps, ends, strict=True):
        first = max(step.above + 1, rule.minimum)
        if first <= last:
            yield first, last, step.multiple


def _is_too_irregular(rule: QuantityRule) -> bool:
    from channelplans._splitting import is_too_irregular

    return is_too_irregular(_find_sizes(rule))


def _find_sizes(rule: QuantityRule) -> "Sizes":
    """Return the numbers of channels that a rule sells."""
    from channelplans._splitting import make_sizes

    ranges = [
        range(_round_request(first, rule), _round_request(last, rule) + 1, multiple)
        for first, last, multiple in _yield_ranges(rule)
    ]
    return make_sizes(ranges)
