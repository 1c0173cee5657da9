"""An offer as data, and the plans that are legal under it.

A plan that breaks its offer's rules cannot be made. Whoever wants to know all that is wrong with a
request asks ``problems``; nothing here knows prices or days.
"""

import attrs

from channelplans.checks import checked, instance, whole
from channelplans.errors import (
    BundlesNotAllowed,
    ChannelsNotSellable,
    ChannelsOutOfRange,
    MixedChange,
    RuleError,
)
from channelplans.rules import (
    BundleRule,
    CallRule,
    ChangeRule,
    Effect,
    Notice,
    QuantityRule,
    RefundRule,
    ShortageRule,
    TermRule,
    normalize_quantity,
    validate_bundles,
)
from channelplans.tables import Described, counted

__all__ = ["Offer", "Plan", "problems"]


@attrs.frozen(field_transformer=checked)
class Offer(Described):
    """A provider's rules as data: what may be sold, for how long, how it may change. No prices.

    Attributes:
        name: what the provider calls it.
        edition: which reading or version of it this is; name and edition together tell it apart.
        source: where the rules are published.
        quantity: the numbers of channels that are sold.
        bundles: the bundles of minutes; None where the offer has none.
        term: how long a term is.
        change: how often a subscription may be changed.
        refund: what comes back when it is.
        calls: how calls are counted.
        notices: what a buyer must be told (H21).
        shortage: what happens where a renewal cannot be paid (F 6.3).

    >>> from channelplans.offers import SKYPE_CONNECT
    >>> print(attrs.evolve(SKYPE_CONNECT, edition="small", quantity=QuantityRule(1, 20)))
    Skype Connect (small)
    1 to 20 channels
    US minute bundle: 5,000 minutes to US, at most 1 for each channel
    a term of 30 days
    the next change 1 day after a change; refunded and bought anew
    channels by time, bundles by time, the day of the change not used, rounded half up
    at least 30 s, then steps of 6 s, charges rounded half up
    Not a telephone replacement: it cannot call emergency numbers. (H21)
    """

    name: str
    edition: str
    source: str
    quantity: QuantityRule
    bundles: BundleRule | None
    term: TermRule
    change: ChangeRule
    refund: RefundRule
    calls: CallRule
    notices: tuple[Notice, ...] = ()
    shortage: ShortageRule = attrs.field(factory=ShortageRule)

    def plan(self, *, channels: int, bundles: int = 0) -> "Plan":
        """Return the plan that a request is sold as: normalized first, then checked (H5, H12).

        Raises:
            WrongType: a number is not a whole number.
            ChannelsOutOfRange: no such number of channels is sold on one profile.
            BundlesNotAllowed: the channels sold do not allow so many bundles.

        >>> from channelplans.offers import SKYPE_CONNECT
        >>> plan = SKYPE_CONNECT.plan(channels=105, bundles=2)
        >>> plan.requested, plan.channels
        (105, 100)
        """
        quantity = normalize_quantity(whole("channels", channels), self.quantity)
        return Plan(self, quantity.granted, bundles, quantity.requested)

    def _describe(self) -> tuple[str, ...]:
        rules = (self.quantity, self.bundles, self.term, self.change, self.refund, self.calls)
        shortage = (self.shortage,) if self.shortage != ShortageRule() else ()
        lines = (str(rule) for rule in (*rules, *shortage) if rule is not None)
        return (f"{self.name} ({self.edition})", *lines, *map(str, self.notices))


@attrs.frozen(field_transformer=checked)
class Plan(Described):
    """A legal combination of channels and bundles under an offer; the numbers are those sold.

    Two plans are equal when offer, channels and bundles are; ``requested``, the number that was
    asked for, is kept and takes no part in it.

    Raises:
        ChannelsOutOfRange: no such number of channels is sold on one profile (H2).
        ChannelsNotSellable: channels is not a number that a request is sold as, or not what the
            number requested is sold as (H5).
        BundlesNotAllowed: the channels sold do not allow so many bundles (H12).

    >>> from channelplans.offers import SKYPE_CONNECT
    >>> print(Plan(SKYPE_CONNECT, 100, 2))
    100 channels and 2 bundles of 5,000 minutes
    """

    offer: Offer
    channels: int
    bundles: int = 0
    requested: int | None = attrs.field(default=None, eq=False)

    def __attrs_post_init__(self) -> None:
        asked = self.channels if self.requested is None else self.requested
        sold = normalize_quantity(asked, self.offer.quantity).granted
        if sold != self.channels:
            raise ChannelsNotSellable(self.channels, asked, sold)
        _validate_bundles(self.offer, self.bundles, self.channels)

    @property
    def minutes(self) -> int:
        """The minutes that it grants in a term: those of its bundles (H10), and of its channels."""
        rule = self.offer.bundles
        return self.bundles * rule.minutes + self.channels * rule.included if rule else 0

    def effect_of(self, plan: "Plan") -> Effect:
        """Return what a change to another plan does, as the offer says of more and of fewer.

        A change to another offer's plan buys anew; the plan itself keeps what there is.

        Raises:
            MixedChange: it is more of one and fewer of another, which the offer treats differently.

        >>> from channelplans.offers import VOIP_YONDER
        >>> held = VOIP_YONDER.plan(channels=10)
        >>> for channels in (12, 8):
        ...     print(held.effect_of(VOIP_YONDER.plan(channels=channels)))
        Effect.FULL
        Effect.NEXT_TERM
        """
        if instance("plan", plan, Plan).offer != self.offer:
            return Effect.REBUY
        rule = self.offer.change
        steps = (plan.channels - self.channels, plan.bundles - self.bundles)
        if min(steps) < 0 < max(steps) and rule.more is not rule.fewer:
            raise MixedChange(str(self), str(plan))
        if not any(steps):
            return Effect.KEEP
        return rule.fewer if min(steps) < 0 else rule.more

    def _describe(self) -> tuple[str]:
        channels = counted(self.channels, "channel")
        if self.offer.bundles is None or not self.bundles:
            return (channels,)
        bundles = counted(self.bundles, "bundle")
        return (f"{channels} and {bundles} of {self.offer.bundles.minutes:,} minutes",)


def problems(offer: Offer, *, channels: int, bundles: int = 0) -> tuple[RuleError, ...]:
    """Return every breach of a request for a plan, none of them raised.

    Where no channels can be sold, the bundles are not held against them: only what is wrong with
    any number of channels, such as fewer bundles than none, is told beside it.

    Raises:
        WrongType: a number is not a whole number.

    >>> from channelplans.offers import SKYPE_CONNECT
    >>> for problem in problems(SKYPE_CONNECT, channels=350, bundles=-1):
    ...     print(problem)
    channels must be at least 1 and at most 300; 350 needs two profiles, 300 + 50
    bundles must be at least 0, not -1: nobody can be sold fewer than none
    """
    instance("offer", offer, Offer)
    channels, bundles = whole("channels", channels), whole("bundles", bundles)
    found: list[RuleError] = []
    sold = None
    try:
        sold = normalize_quantity(channels, offer.quantity).granted
    except ChannelsOutOfRange as error:
        found.append(error)
    try:
        _validate_bundles(offer, bundles, sold)
    except BundlesNotAllowed as error:
        found.append(error)
    return tuple(found)


def _validate_bundles(offer: Offer, bundles: int, channels: int | None) -> None:
    if bundles < 0:
        raise BundlesNotAllowed(bundles, None, "nobody can be sold fewer than none")
    if bundles and offer.bundles is None:
        raise BundlesNotAllowed(bundles, 0, f"{offer.name} has no bundles")
    if offer.bundles is not None and channels is not None:
        validate_bundles(bundles, channels=channels, rule=offer.bundles)
