"""Which offer and tariff are in force on a day, and for whom.

An edition is sold on its days and says what happens to subscriptions of earlier editions. A
catalogue has exactly one edition for each of its days, all in one currency.
"""

import enum
from collections.abc import Sequence
from datetime import date
from itertools import pairwise

import attrs

from channelplans._checks import civil_day, instance, several
from channelplans._constructors import checked
from channelplans._display import RecordsMixin, Table
from channelplans.errors import (
    ChannelsNotSellable,
    InvalidValue,
    NotOffered,
    RuleError,
    UnknownEdition,
    quoted,
)
from channelplans.money import Money, same_currency
from channelplans.plans import Offer, Plan
from channelplans.subscriptions.subscription import Subscription
from channelplans.tariffs import Tariff

__all__ = [
    "Catalogue",
    "Edition",
    "Migration",
]


class Migration(enum.Enum):
    """When subscriptions of earlier editions move to a new edition.

    ``PINNED``: never. ``AT_RENEWAL``: at their next renewal. Pass a date instead to move them at
    their first renewal on or after that day.
    """

    PINNED = "keep theirs"
    AT_RENEWAL = "at their renewal"


@checked
@attrs.frozen(repr=False)
class Edition(RecordsMixin):
    """An offer and a tariff, and the days on which they are sold together.

    Attributes:
        offer: the rules.
        tariff: the prices.
        start: the first day of sale.
        end: the first day without sale; None if no end is planned.
        migration: when subscriptions of earlier editions move to this edition.

    Raises:
        InvalidValue: the end is not after the start, or the migration is before the start.

    >>> from datetime import date
    >>> from channelplans import EUR, SKYPE_CONNECT, Edition, Tariff
    >>> prices = Tariff("2026", EUR, channel="6.95", bundle="10", minute="0.021")
    >>> edition = Edition(SKYPE_CONNECT, prices, date(2026, 1, 1), date(2027, 1, 1))
    >>> date(2026, 12, 31) in edition, date(2027, 1, 1) in edition
    (True, False)
    """

    offer: Offer
    tariff: Tariff
    start: date
    end: date | None = None
    migration: Migration | date = Migration.AT_RENEWAL

    def __attrs_post_init__(self) -> None:
        if self.end is not None and self.end <= self.start:
            raise InvalidValue("end", str(self.end), f"after the start, {self.start}")
        if isinstance(self.migration, date) and civil_day("migration", self.migration) < self.start:
            expected = f"on or after the start, {self.start}"
            raise InvalidValue("migration", str(self.migration), expected)

    @property
    def moves_from(self) -> date | None:
        """The first day on which renewals move to this edition; None if they never do."""
        if isinstance(self.migration, date):
            return self.migration
        return None if self.migration is Migration.PINNED else self.start

    def __contains__(self, day: date) -> bool:
        return self.start <= civil_day("day", day) and (self.end is None or day < self.end)

    def holds(self, subscription: Subscription) -> bool:
        """Return whether a subscription has this offer and was paid at this tariff.

        Args:
            subscription: the subscription.

        >>> from datetime import date
        >>> from channelplans import EUR, SKYPE_CONNECT, Edition, Tariff, buy
        >>> tariff = Tariff("2026", EUR, channel="6.95")
        >>> plan, day = SKYPE_CONNECT.plan(channels=5), date(2026, 1, 5)
        >>> berlin = buy(
        ...     plan, tariff, account="acme", profile="berlin", subscription="s-1", on=day
        ... ).after
        >>> paid = Edition(SKYPE_CONNECT, tariff, date(2026, 1, 1))
        >>> dearer = Tariff("2027", EUR, channel="7.25")
        >>> paid.holds(berlin), Edition(SKYPE_CONNECT, dearer, date(2027, 1, 1)).holds(berlin)
        (True, False)
        """
        paid = instance("subscription", subscription, Subscription).quote
        return paid.plan.offer == self.offer and paid.tariff == self.tariff

    def price(self, plan: Plan) -> Money:
        """Return the price of a plan's channels and bundles for a full term at this tariff.

        Args:
            plan: a plan of any offer.

        >>> from datetime import date
        >>> from channelplans import EUR, SKYPE_CONNECT, Edition, Tariff
        >>> prices = Tariff("2026", EUR, channel="6.95", bundle="10", minute="0.021")
        >>> edition = Edition(SKYPE_CONNECT, prices, date(2026, 1, 1))
        >>> print(edition.price(SKYPE_CONNECT.plan(channels=100, bundles=2)))  # 695 + 20
        715.00 EUR
        """
        instance("plan", plan, Plan)
        return self.tariff.channels(plan.channels) + self.tariff.bundles(plan.bundles)

    def plan_for(self, plan: Plan) -> Plan:
        """Return the plan of this offer with the same channels and bundles; a renewal sells it.

        Args:
            plan: a plan of any offer.

        Raises:
            NotOffered: this offer has no such plan; the error says why, and names the nearest plan.

        >>> from datetime import date
        >>> import attrs
        >>> from channelplans import EUR, SKYPE_CONNECT, Edition, Tariff
        >>> no_bundles = attrs.evolve(SKYPE_CONNECT, edition="2027", bundle=None)
        >>> prices = Tariff("2027", EUR, channel="6.95")
        >>> edition = Edition(no_bundles, prices, date(2027, 1, 1))
        >>> print(edition.plan_for(SKYPE_CONNECT.plan(channels=5)))
        5 channels
        >>> plan = SKYPE_CONNECT.plan(channels=5, bundles=2)
        >>> edition.plan_for(plan)  # doctest: +NORMALIZE_WHITESPACE
        Traceback (most recent call last):
            ...
        channelplans.errors.NotOffered: 'Skype Connect (2027)' has no plan of 5 channels and
        2 bundles of 5,000 minutes; bundles must be 0, not 2: 'Skype Connect' has no
        bundles; the nearest plan is 5 channels
        """
        if instance("plan", plan, Plan).offer == self.offer:
            return plan
        try:
            return self._plan_with_same_numbers(plan)
        except RuleError as error:
            works = f"{error}; the nearest plan is {self.nearest(plan)}"
            raise NotOffered(f"plan of {plan}", self.offer.full_name, works) from error

    def _plan_with_same_numbers(self, plan: Plan) -> Plan:
        channels_only = Plan(self.offer, plan.channels)
        if channels_only.channels != plan.channels:
            raise ChannelsNotSellable(plan.channels, channels_only.channels)
        return channels_only.replace(bundles=plan.bundles)

    def nearest(self, plan: Plan) -> Plan:
        """Return the plan of this offer that is nearest to a plan of another offer.

        The number of channels is moved to the nearest limit of the offer and then rounded as a
        request is. Bundles above the new limit are left out. Ask the buyer before you sell it.

        Args:
            plan: a plan of any offer.

        >>> from datetime import date
        >>> from channelplans import EUR, SKYPE_CONNECT, Edition, Tariff
        >>> from channelplans.offers import OFFERS
        >>> small = OFFERS["easybell-basic"]  # 2 to 50 channels, no bundles
        >>> edition = Edition(small, Tariff("list", EUR, channel="6.95"), date(2026, 1, 1))
        >>> print(edition.nearest(SKYPE_CONNECT.plan(channels=60, bundles=3)))
        50 channels
        """
        rule, bundles = self.offer.quantity, self.offer.bundle
        requested = min(max(instance("plan", plan, Plan).channels, rule.minimum), rule.maximum)
        channels = self.offer.plan(channels=requested).channels
        maximum = bundles.most(channels) if bundles else 0
        return Plan(self.offer, channels, min(plan.bundles, maximum))

    def to_records(self) -> list[dict[str, object]]:
        """Return the edition as one plain row."""
        return [
            {
                "offer": self.offer.name,
                "edition": self.offer.edition,
                "tariff": self.tariff.name,
                "currency": self.tariff.currency.code,
                "start": self.start,
                "end": self.end,
                "moves_from": self.moves_from,
            }
        ]

    def _describe(self) -> tuple[str]:
        return (f"{_format_edition(self)}; migration: {_format_migration(self)}",)


def _sort_editions(editions: Sequence[Edition]) -> tuple[Edition, ...]:
    items = several("editions", editions, lambda name, item: instance(name, item, Edition))
    return tuple(sorted(items, key=lambda edition: edition.start))


@checked
@attrs.frozen(repr=False)
class Catalogue(RecordsMixin):
    """The editions of a product, sorted by day, one for each day and all in one currency.

    A renewal keeps the edition of the subscription, or moves to the latest edition whose migration
    has begun. Nothing is sold or renewed before the first edition or after the last.

    Attributes:
        editions: the editions. They may be passed in any order.

    Raises:
        InvalidValue: there is no edition, two editions overlap or leave a gap, or two different
            offers or tariffs have the same name: people could not tell them apart in a table.
        CurrencyMismatch: two editions are in different currencies.

    >>> from datetime import date
    >>> from channelplans import EUR, SKYPE_CONNECT, Catalogue, Edition, Tariff
    >>> cheap = Tariff("2025", EUR, channel="6.95", bundle="10", minute="0.021")
    >>> dear = Tariff("2026", EUR, channel="7.25", bundle="10", minute="0.021")
    >>> new_year = date(2026, 1, 1)
    >>> old = Edition(SKYPE_CONNECT, cheap, date(2025, 1, 1), new_year)
    >>> new = Edition(SKYPE_CONNECT, dear, new_year, migration=date(2026, 3, 1))
    >>> print(Catalogue((old, new)))
    Editions, in the order of their days
    offer                      tariff  currency  from        until       migration
    -------------------------  ------  --------  ----------  ----------  ----------------
    Skype Connect (help page)  2025    EUR       2025-01-01  2026-01-01  at their renewal
    Skype Connect (help page)  2026    EUR       2026-01-01              from 2026-03-01
    """

    editions: tuple[Edition, ...] = attrs.field(converter=_sort_editions)

    def __attrs_post_init__(self) -> None:
        if not self.editions:
            raise InvalidValue("editions", "()", "at least one edition")
        for previous, following in pairwise(self.editions):
            _check_joined(previous, following)
            same_currency(previous.tariff.currency, following.tariff.currency)
        _check_names(self.editions)

    def on(self, day: date) -> Edition:
        """Return the edition that is sold on a day.

        Args:
            day: the civil day of the sale.

        Raises:
            UnknownEdition: the day is before the first edition, or on or after the end of the last.

        >>> from datetime import date
        >>> from channelplans import EUR, SKYPE_CONNECT, Catalogue, Edition, Tariff
        >>> prices = Tariff("list", EUR, channel="6.95")
        >>> january = Edition(SKYPE_CONNECT, prices, date(2026, 1, 1), date(2026, 2, 1))
        >>> catalogue = Catalogue((january,))
        >>> print(catalogue.on(date(2026, 1, 31)).tariff)
        list: 6.95 EUR a channel
        >>> catalogue.on(date(2026, 2, 1))  # doctest: +NORMALIZE_WHITESPACE
        Traceback (most recent call last):
            ...
        channelplans.errors.UnknownEdition: the catalogue has no edition on 2026-02-01;
        it has: 'Skype Connect (help page)', tariff 'list', 2026-01-01 to 2026-02-01
        """
        civil_day("day", day)
        for edition in self.editions:
            if day in edition:
                return edition
        raise UnknownEdition(f"on {day}", tuple(map(_format_edition, self.editions)))

    def held_by(self, subscription: Subscription) -> Edition:
        """Return the edition with the offer and the tariff of a subscription.

        If several editions have both, return the latest that had started on the term's first day.

        Args:
            subscription: the subscription.

        Raises:
            UnknownEdition: no edition has this offer and this tariff.

        >>> from datetime import date
        >>> from channelplans import EUR, SKYPE_CONNECT, Catalogue, Edition, Tariff, buy
        >>> cheap = Tariff("old", EUR, channel="6.95")
        >>> dear = Tariff("new", EUR, channel="7.25")
        >>> old = Edition(SKYPE_CONNECT, cheap, date(2026, 1, 1), date(2026, 2, 1))
        >>> catalogue = Catalogue((old, Edition(SKYPE_CONNECT, dear, date(2026, 2, 1))))
        >>> plan, day = SKYPE_CONNECT.plan(channels=5), date(2026, 1, 5)
        >>> berlin = buy(
        ...     plan, cheap, account="acme", profile="berlin", subscription="s-1", on=day
        ... ).after
        >>> print(catalogue.held_by(berlin).tariff)
        old: 6.95 EUR a channel
        """
        matching = [edition for edition in self.editions if edition.holds(subscription)]
        if not matching:
            held = name_edition(subscription.plan.offer, subscription.quote.tariff)
            wanted = f"that subscription {quoted(subscription.id)} holds, {held}"
            raise UnknownEdition(wanted, tuple(map(_format_edition, self.editions)))
        started = [edition for edition in matching if edition.start <= subscription.term.start]
        return started[-1] if started else matching[0]

    def for_renewal(self, subscription: Subscription) -> Edition:
        """Return the edition that applies to the next term of a subscription.

        The first day of that term decides, even if the renewal is processed late (F 3.9).

        Args:
            subscription: the subscription before the renewal.

        Raises:
            UnknownEdition: no edition has the subscription's offer and tariff, or none is sold on
                that day.

        >>> from datetime import date
        >>> from channelplans import EUR, SKYPE_CONNECT, Catalogue, Edition, Tariff, buy
        >>> cheap = Tariff("old", EUR, channel="6.95")
        >>> dear = Tariff("new", EUR, channel="7.25")
        >>> old = Edition(SKYPE_CONNECT, cheap, date(2026, 1, 1), date(2026, 2, 1))
        >>> catalogue = Catalogue((old, Edition(SKYPE_CONNECT, dear, date(2026, 2, 1))))
        >>> plan, day = SKYPE_CONNECT.plan(channels=5), date(2026, 1, 5)
        >>> berlin = buy(
        ...     plan, cheap, account="acme", profile="berlin", subscription="s-1", on=day
        ... ).after  # its term ends on 2026-02-04
        >>> print(catalogue.for_renewal(berlin).tariff)
        new: 7.25 EUR a channel
        """
        return self.for_term(subscription, subscription.term.end)

    def for_term(self, subscription: Subscription, start: date) -> Edition:
        """Return the edition that applies to a term of a subscription that starts on a day.

        The subscription keeps its edition, unless the migration of a later edition has begun by
        that day; then the latest such edition applies. A renewal and a restart use the same
        rule, so nobody keeps old prices by changing every month.

        Args:
            subscription: the subscription.
            start: the first day of the term.

        Raises:
            UnknownEdition: no edition has the subscription's offer and tariff, or none is sold on
                that day.

        >>> from datetime import date
        >>> from channelplans import EUR, SKYPE_CONNECT, Catalogue, Edition, Tariff, buy
        >>> cheap = Tariff("old", EUR, channel="6.95")
        >>> dear = Tariff("new", EUR, channel="7.25")
        >>> end, migration = date(2026, 2, 1), date(2026, 3, 1)
        >>> old = Edition(SKYPE_CONNECT, cheap, date(2026, 1, 1), end)
        >>> new = Edition(SKYPE_CONNECT, dear, end, migration=migration)
        >>> plan, day = SKYPE_CONNECT.plan(channels=5), date(2026, 1, 5)
        >>> berlin = buy(
        ...     plan, cheap, account="acme", profile="berlin", subscription="s-1", on=day
        ... ).after
        >>> for start in (date(2026, 2, 28), date(2026, 3, 1)):
        ...     print(start, Catalogue((old, new)).for_term(berlin, start).tariff)
        2026-02-28 old: 6.95 EUR a channel
        2026-03-01 new: 7.25 EUR a channel
        """
        current = self.held_by(subscription)
        self.on(start)  # raises UnknownEdition if nothing is sold on that day
        for edition in self.editions[self.editions.index(current) + 1 :]:
            if edition.moves_from and edition.moves_from <= start:
                current = edition
        return current

    def to_records(self) -> list[dict[str, object]]:
        """Return a plain row for each edition."""
        return [row for edition in self.editions for row in edition.to_records()]

    def _describe(self) -> tuple[Table]:
        headings = ("offer", "tariff", "currency", "from", "until", "migration")
        rows = tuple(
            (
                edition.offer.full_name,
                edition.tariff.name,
                edition.tariff.currency.code,
                str(edition.start),
                str(edition.end or ""),
                _format_migration(edition),
            )
            for edition in self.editions
        )
        return (Table(headings, rows, caption="Editions, in the order of their days"),)


def name_edition(offer: Offer, tariff: Tariff) -> str:
    """Return the quoted names of an offer and a tariff, for a sentence."""
    return f"{quoted(offer.full_name)}, tariff {quoted(tariff.name)}"


def _format_edition(edition: Edition) -> str:
    start, end = edition.start, edition.end
    days = f"from {start} on" if end is None else f"{start} to {end}"
    return f"{name_edition(edition.offer, edition.tariff)}, {days}"


def _format_migration(edition: Edition) -> str:
    migration = edition.migration
    return migration.value if isinstance(migration, Migration) else f"from {migration}"


def _check_joined(previous: Edition, following: Edition) -> None:
    if previous.end == following.start:
        return
    has_gap = previous.end is not None and previous.end < following.start
    fault = "a gap" if has_gap else "an overlap"
    actual = f"with {fault} between {_format_edition(previous)} and {_format_edition(following)}"
    expected = "one after the other, each sold until the next edition starts"
    if not has_gap and previous.start < following.start:
        day = following.start
        example = f"end=date({day.year}, {day.month}, {day.day})"
        expected += f" (pass {example} to the edition of tariff {quoted(previous.tariff.name)})"
    raise InvalidValue("editions", actual, expected)


def _check_names(editions: tuple[Edition, ...]) -> None:
    value_of: dict[tuple[str, str], object] = {}
    for edition in editions:
        offer, tariff = edition.offer, edition.tariff
        values = {("offer", offer.full_name): offer, ("tariff", tariff.name): tariff}
        for (kind, name), value in values.items():
            if value_of.setdefault((kind, name), value) != value:
                actual = f"two different ones called {kind} {quoted(name)}"
                expected = "named differently if their rules or prices differ"
                raise InvalidValue("editions", actual, expected)
