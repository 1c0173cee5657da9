"""An offer as data, and the plans that are legal under it.

A plan that breaks a rule of its offer cannot be constructed. ``violations`` lists every broken rule
of a request.

This module knows nothing about prices or days.
"""

from datetime import timedelta
from typing import Final

import attrs

from channelplans._checks import instance, whole
from channelplans._constructors import checked
from channelplans._display import (
    DisplayMixin,
    Folded,
    Part,
    RecordsMixin,
    Sourced,
    counted,
    one_line,
)
from channelplans.calendar import Months
from channelplans.errors import (
    BundlesNotAllowed,
    ChannelsOutOfRange,
    InvalidValue,
    MixedChange,
    RuleError,
    quoted,
)
from channelplans.quantities import Quantity, QuantityRule, grant
from channelplans.rules import (
    BY_MINUTES,
    BundleRule,
    CallRule,
    ChangeEffect,
    ChangeRule,
    NonPaymentRule,
    Notice,
    RefundBasis,
    RefundRule,
    TermRule,
    check_bundles,
)

__all__ = ["Offer", "Plan", "violations"]

# The neutral defaults of an offer: nobody uses channels that are not paid for, and no refund is
# invented.
_MONTHLY: Final = TermRule(Months(1))
_PRORATE_MORE: Final = ChangeRule(
    cooldown=None, more=ChangeEffect.PRORATE, fewer=ChangeEffect.AT_RENEWAL
)
_NO_REFUND: Final = RefundRule(channels=RefundBasis.NOTHING, bundles=RefundBasis.NOTHING)
_BY_THE_SECOND: Final = CallRule(minimum=timedelta(0), step=timedelta(seconds=1))
_LAPSE: Final = NonPaymentRule()


@checked
@attrs.frozen(repr=False)
class Offer(DisplayMixin):
    """A provider's rules as data, without prices.

    What most offers leave out has a neutral default, which is not Skype's: terms of a month, no
    refund, changes at any time (more is prorated, fewer waits for the next term), calls counted by
    the second.

    Attributes:
        name: the provider's name for the offer.
        edition: the version or interpretation of the offer. Name and edition identify an offer.
        source: where the rules are published.
        quantity: the numbers of channels that are sold.
        bundle: the bundle of minutes; None if the offer has no bundles.
        term: the length of a term.
        change: how often a subscription can be changed, and the effect of a change.
        refund: what is refunded after a change or an early end.
        calls: how calls are counted.
        notices: texts for the buyer (H21).
        non_payment: what happens if the wallet cannot pay a renewal (F 6.3).

    Raises:
        InvalidValue: the refund of the channels is by minutes, but channels include none.

    >>> from channelplans import Offer, QuantityRule
    >>> print(Offer("made up", "2026", "https://example.com", QuantityRule(1, 20)))
    made up (2026)
    1 to 20 channels
    a term of 1 month
    a change at any time; more: prorate the difference; fewer: from the next term on
    no refund
    at least 0 s, then steps of 1 s, charges rounded half up
    """

    name: str
    edition: str
    source: str
    quantity: QuantityRule
    bundle: BundleRule | None = None
    term: TermRule = _MONTHLY
    change: ChangeRule = _PRORATE_MORE
    refund: RefundRule = _NO_REFUND
    calls: CallRule = _BY_THE_SECOND
    notices: tuple[Notice, ...] = ()
    non_payment: NonPaymentRule = _LAPSE

    def __attrs_post_init__(self) -> None:
        included = self.bundle.included if self.bundle else 0
        if self.refund.channels in BY_MINUTES and not included:
            expected = "with channels by time or by nothing, because they include no minutes"
            raise InvalidValue("refund", str(self.refund), expected)

    def __repr__(self) -> str:
        return one_line(f"<Offer {self.full_name}", ">")

    @property
    def full_name(self) -> str:
        """The name and the edition, which identify the offer.

        >>> from channelplans import SKYPE_CONNECT
        >>> SKYPE_CONNECT.full_name
        'Skype Connect (help page)'
        """
        return f"{self.name} ({self.edition})"

    def plan(self, *, channels: int, bundles: int = 0) -> "Plan":
        """Return the plan that is sold for a request (H5, H12).

        Args:
            channels: the number of channels requested. It is rounded first.
            bundles: the number of bundles. It is checked against the channels sold.

        Raises:
            WrongType: a number is not a whole number.
            ChannelsOutOfRange: the number of channels is outside the bounds for one profile.
            BundlesNotAllowed: the channels sold do not allow the number of bundles.

        >>> from channelplans import SKYPE_CONNECT
        >>> plan = SKYPE_CONNECT.plan(channels=105, bundles=2)
        >>> plan.requested, plan.channels
        (105, 100)
        """
        if type(channels) is not int:
            channels = whole("channels", channels)
        return Plan(self, channels, bundles)

    def _describe(self) -> tuple[Part, ...]:
        all_rules = (self.quantity, self.bundle, self.term, self.change, self.refund, self.calls)
        non_payment = (self.non_payment,) if self.non_payment != NonPaymentRule() else ()
        rules = tuple(rule for rule in (*all_rules, *non_payment) if rule is not None)
        folded = Folded(counted(len(rules), "rule"), rules)
        return (Sourced(self.full_name, self.source), folded, *self.notices)


@checked
@attrs.frozen(repr=False)
class Plan(RecordsMixin):
    """A legal combination of channels and bundles under an offer.

    Two plans are equal if their offers, channels and bundles are equal; ``requested`` is not
    compared.

    Attributes:
        offer: the rules.
        requested: the number of channels requested.
        bundles: the number of bundles.
        channels: the number of channels that the offer sells for the request (H5).

    Raises:
        ChannelsOutOfRange: the number of channels is outside the bounds for one profile (H2).
        BundlesNotAllowed: the channels sold do not allow the number of bundles (H12).

    >>> from channelplans import SKYPE_CONNECT, Plan
    >>> print(Plan(SKYPE_CONNECT, requested=105))
    100 channels (105 requested: above 100, multiples of 10, rounded down)
    >>> print(Plan(SKYPE_CONNECT, requested=20, bundles=2))
    20 channels and 2 bundles of 5,000 minutes
    """

    offer: Offer
    requested: int = attrs.field(eq=False)
    bundles: int = 0
    channels: int = attrs.field(init=False, repr=False)

    def __attrs_post_init__(self) -> None:
        channels = grant(self.requested, self.offer.quantity)
        object.__setattr__(self, "channels", channels)
        if self.bundles:
            _check_bundles(self.offer, self.bundles, channels)

    @property
    def reason(self) -> str:
        """Why fewer or more channels are sold than requested (H5); empty if it is the request."""
        return Quantity(self.requested, self.offer.quantity).reason

    def replace(self, *, channels: int | None = None, bundles: int | None = None) -> "Plan":
        """Return the plan of the same offer with other channels, other bundles or both (H18, H19).

        Args:
            channels: the number of channels requested; by default as requested before.
            bundles: the number of bundles; by default as before.

        Raises:
            WrongType: a number is not a whole number.
            ChannelsOutOfRange: the number of channels is outside the bounds for one profile.
            BundlesNotAllowed: the channels sold do not allow the number of bundles.

        >>> from channelplans import SKYPE_CONNECT
        >>> plan = SKYPE_CONNECT.plan(channels=10, bundles=2)
        >>> print(plan.replace(channels=15), plan.replace(bundles=0), sep="; ")
        15 channels and 2 bundles of 5,000 minutes; 10 channels
        """
        return Plan(
            self.offer,
            self.requested if channels is None else whole("channels", channels),
            self.bundles if bundles is None else bundles,
        )

    @property
    def minutes(self) -> int:
        """The minutes included in a full term, by the bundles (H10) and by the channels."""
        rule = self.offer.bundle
        return self.bundles * rule.minutes + self.channels * rule.included if rule else 0

    def effect_of(self, plan: "Plan") -> ChangeEffect:
        """Return the effect of a change from this plan to another plan.

        The rule of this plan's offer gives the effect of a change to more, to fewer, and to another
        offer. An equal plan has the effect ``NO_CHARGE``.

        Args:
            plan: the new plan, of this or of another offer.

        Raises:
            MixedChange: the other plan has more channels and fewer bundles, or the reverse, and the
                offer has different effects for more and for fewer.

        >>> from channelplans.offers import OFFERS
        >>> offer = OFFERS["voip-yonder"]
        >>> print(offer.plan(channels=10).effect_of(offer.plan(channels=12)))
        ChangeEffect.CHARGE_FULL
        >>> print(offer.plan(channels=10).effect_of(offer.plan(channels=8)))
        ChangeEffect.AT_RENEWAL
        """
        rule = self.offer.change
        if instance("plan", plan, Plan).offer != self.offer:
            return rule.other_offer
        differences = (plan.channels - self.channels, plan.bundles - self.bundles)
        if min(differences) < 0 < max(differences) and rule.more is not rule.fewer:
            raise MixedChange(str(self), str(plan))
        if not any(differences):
            return ChangeEffect.NO_CHARGE
        return rule.fewer if min(differences) < 0 else rule.more

    def to_records(self) -> list[dict[str, object]]:
        """Return the plan as one plain row.

        >>> from channelplans import SKYPE_CONNECT
        >>> print(*SKYPE_CONNECT.plan(channels=105).to_records()[0])
        offer edition requested granted granted_reason bundles minutes
        """
        return [
            {
                "offer": self.offer.name,
                "edition": self.offer.edition,
                **quantity_columns(self),
                "bundles": self.bundles,
                "minutes": self.minutes,
            }
        ]

    def _describe(self) -> tuple[str]:
        channels = counted(self.channels, "channel")
        if self.channels != self.requested:
            channels += f" ({self.requested} requested: {self.reason})"
        if self.offer.bundle is None or not self.bundles:
            return (channels,)
        bundles = counted(self.bundles, "bundle")
        return (f"{channels} and {bundles} of {self.offer.bundle.minutes:,} minutes",)


def quantity_columns(plan: Plan) -> dict[str, object]:
    """Return the channels requested and sold, and why the two differ, as columns of a row (H5)."""
    return {
        "requested": plan.requested,
        "granted": plan.channels,
        "granted_reason": plan.reason,
    }


def violations(offer: Offer, *, channels: int, bundles: int = 0) -> tuple[RuleError, ...]:
    """Return the error for each rule that a request breaks; an empty tuple if the plan is legal.

    The errors are returned, not raised. If the number of channels is not legal, bundles are checked
    only for errors that do not depend on the channels, such as a negative number.

    Args:
        offer: the rules.
        channels: the number of channels requested.
        bundles: the number of bundles requested.

    Raises:
        WrongType: a number is not a whole number.

    >>> from channelplans import SKYPE_CONNECT, violations
    >>> for error in violations(SKYPE_CONNECT, channels=350, bundles=-1):
    ...     print(error)
    channels must be at least 1 and at most 300; 350 needs two profiles, 300 + 50
    bundles must be at least 0, not -1: the number of bundles cannot be negative
    """
    instance("offer", offer, Offer)
    channels, bundles = whole("channels", channels), whole("bundles", bundles)
    errors: list[RuleError] = []
    granted = None
    try:
        granted = grant(channels, offer.quantity)
    except ChannelsOutOfRange as error:
        errors.append(error)
    try:
        _check_bundles(offer, bundles, granted)
    except BundlesNotAllowed as error:
        errors.append(error)
    return tuple(errors)


def _check_bundles(offer: Offer, bundles: int, channels: int | None) -> None:
    """Raise an error if the bundles are not legal; ``channels`` is None if they are not legal."""
    if bundles < 0:
        raise BundlesNotAllowed(bundles, None, "the number of bundles cannot be negative")
    if bundles and offer.bundle is None:
        raise BundlesNotAllowed(bundles, 0, f"{quoted(offer.name)} has no bundles")
    if offer.bundle is not None and channels is not None:
        check_bundles(bundles, channels, offer.bundle)
