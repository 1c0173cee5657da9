"""An offer as data, and the plans that are legal under it.

A plan that breaks a rule of its offer cannot be constructed. ``violations`` lists every broken rule
of a request.

This module knows nothing about prices or days.
"""

import attrs

from channelplans._checks import checked, instance, whole
from channelplans._display import DisplayMixin, counted
from channelplans.errors import (
    BundlesNotAllowed,
    ChannelsNotSellable,
    ChannelsOutOfRange,
    MixedChange,
    RuleError,
)
from channelplans.quantities import QuantityRule, normalize_quantity
from channelplans.rules import (
    BundleRule,
    CallRule,
    ChangeEffect,
    ChangeRule,
    NonPaymentRule,
    Notice,
    RefundRule,
    TermRule,
    validate_bundles,
)

__all__ = ["Offer", "Plan", "violations"]


@attrs.frozen(field_transformer=checked)
class Offer(DisplayMixin):
    """A provider's rules as data, without prices.

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

    >>> from channelplans.offers import SKYPE_CONNECT
    >>> print(attrs.evolve(SKYPE_CONNECT, edition="small", quantity=QuantityRule(1, 20)))
    Skype Connect (small)
    1 to 20 channels
    US minute bundle: 5,000 minutes to US, at most 1 for each channel
    a term of 30 days
    the next change 1 day after a change; restart with a refund
    refund of channels by time, of bundles by time; the day of the change counts as unused; \
rounded half up
    at least 30 s, then steps of 6 s, charges rounded half up; no calls to 112, 911, 999
    Not a telephone replacement: it cannot call emergency numbers. (H21)
    """

    name: str
    edition: str
    source: str
    quantity: QuantityRule
    bundle: BundleRule | None
    term: TermRule
    change: ChangeRule
    refund: RefundRule
    calls: CallRule
    notices: tuple[Notice, ...] = ()
    non_payment: NonPaymentRule = attrs.field(factory=NonPaymentRule)

    def plan(self, *, channels: int, bundles: int = 0) -> "Plan":
        """Return the plan that is sold for a request (H5, H12).

        The channels are rounded first. The bundles are then checked against the channels sold.

        Raises:
            WrongType: a number is not a whole number.
            ChannelsOutOfRange: the number of channels is outside the bounds for one profile.
            BundlesNotAllowed: the channels sold do not allow the number of bundles.

        >>> from channelplans.offers import SKYPE_CONNECT
        >>> plan = SKYPE_CONNECT.plan(channels=105, bundles=2)
        >>> plan.requested, plan.channels
        (105, 100)
        """
        quantity = normalize_quantity(whole("channels", channels), self.quantity)
        return Plan(self, quantity.granted, bundles, quantity.requested)

    def _describe(self) -> tuple[str, ...]:
        rules = (self.quantity, self.bundle, self.term, self.change, self.refund, self.calls)
        non_payment = (self.non_payment,) if self.non_payment != NonPaymentRule() else ()
        lines = (str(rule) for rule in (*rules, *non_payment) if rule is not None)
        return (f"{self.name} ({self.edition})", *lines, *map(str, self.notices))


@attrs.frozen(field_transformer=checked)
class Plan(DisplayMixin):
    """A legal combination of channels and bundles under an offer.

    ``channels`` is the number sold; ``requested`` is the number requested, if it was passed. Two
    plans are equal if their offers, channels and bundles are equal; ``requested`` is not compared.

    Raises:
        ChannelsOutOfRange: the number of channels is outside the bounds for one profile (H2).
        ChannelsNotSellable: ``channels`` is not the number sold for the request (H5).
        BundlesNotAllowed: the channels sold do not allow the number of bundles (H12).

    >>> from channelplans.offers import SKYPE_CONNECT
    >>> print(Plan(SKYPE_CONNECT, 100, 2))
    100 channels and 2 bundles of 5,000 minutes
    """

    offer: Offer
    channels: int
    bundles: int = 0
    requested: int | None = attrs.field(default=None, eq=False)

    def __attrs_post_init__(self) -> None:
        requested = self.channels if self.requested is None else self.requested
        granted = normalize_quantity(requested, self.offer.quantity).granted
        if granted != self.channels:
            raise ChannelsNotSellable(self.channels, requested, granted)
        _validate_bundles(self.offer, self.bundles, self.channels)

    @property
    def minutes(self) -> int:
        """The minutes included in a full term, by the bundles (H10) and by the channels."""
        rule = self.offer.bundle
        return self.bundles * rule.minutes + self.channels * rule.included if rule else 0

    def effect_of(self, plan: "Plan") -> ChangeEffect:
        """Return the effect of a change from this plan to another plan.

        The offer's rule gives the effect of a change to more and of a change to fewer. A change to
        a plan of another offer is a ``RESTART``. An equal plan has the effect ``NO_CHARGE``.

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
        if instance("plan", plan, Plan).offer != self.offer:
            return ChangeEffect.RESTART
        rule = self.offer.change
        differences = (plan.channels - self.channels, plan.bundles - self.bundles)
        if min(differences) < 0 < max(differences) and rule.more is not rule.fewer:
            raise MixedChange(str(self), str(plan))
        if not any(differences):
            return ChangeEffect.NO_CHARGE
        return rule.fewer if min(differences) < 0 else rule.more

    def _describe(self) -> tuple[str]:
        channels = counted(self.channels, "channel")
        if self.offer.bundle is None or not self.bundles:
            return (channels,)
        bundles = counted(self.bundles, "bundle")
        return (f"{channels} and {bundles} of {self.offer.bundle.minutes:,} minutes",)


def violations(offer: Offer, *, channels: int, bundles: int = 0) -> tuple[RuleError, ...]:
    """Return the error for each rule that a request breaks; an empty tuple if the plan is legal.

    The errors are returned, not raised. If the number of channels is not legal, bundles are checked
    only for errors that do not depend on the channels, such as a negative number.

    Raises:
        WrongType: a number is not a whole number.

    >>> from channelplans.offers import SKYPE_CONNECT
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
        granted = normalize_quantity(channels, offer.quantity).granted
    except ChannelsOutOfRange as error:
        errors.append(error)
    try:
        _validate_bundles(offer, bundles, granted)
    except BundlesNotAllowed as error:
        errors.append(error)
    return tuple(errors)


def _validate_bundles(offer: Offer, bundles: int, channels: int | None) -> None:
    """Raise an error if the bundles are not legal; ``channels`` is None if they are not legal."""
    if bundles < 0:
        raise BundlesNotAllowed(bundles, None, "the number of bundles cannot be negative")
    if bundles and offer.bundle is None:
        raise BundlesNotAllowed(bundles, 0, f"{offer.name} has no bundles")
    if offer.bundle is not None and channels is not None:
        validate_bundles(bundles, channels=channels, rule=offer.bundle)
