"""Which offer and tariff hold on a day, and for whom: a provider's editions, one after the other.

An edition is sold on its days and says what becomes of those who hold an earlier one. A catalogue
has an edition for each of its days, and only one, in one currency. What is sold at the same time in
another currency, or beside it, is another catalogue. Actions are not known here: a catalogue names
the edition that a renewal comes under, and nothing is renewed by it.
"""

import enum
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from decimal import Decimal
from itertools import pairwise
from typing import Any, Final

import attrs

from channelplans.calendar import Days, Months, renewal_dates
from channelplans.checks import checked, civil_day, instance, several
from channelplans.errors import InvalidValue, NotOffered, RuleError, UnknownEdition
from channelplans.ledger import signed
from channelplans.money import Money, columns, same_currency
from channelplans.plans import Offer, Plan
from channelplans.pricing import Tariff
from channelplans.subscriptions import Status, Subscription
from channelplans.tables import Described, Table

__all__ = [
    "Catalogue",
    "Comparison",
    "Edition",
    "Existing",
    "PriceDifference",
    "RuleDifference",
    "compare",
]


class Existing(enum.Enum):
    """What becomes of those who hold an earlier edition when a new one comes.

    ``PINNED``: they keep theirs. ``AT_RENEWAL``: they take the new one with their next renewal. A
    date in its place is notice: renewals take it from that day on.
    """

    PINNED = "keep theirs"
    AT_RENEWAL = "at their renewal"


@attrs.frozen(field_transformer=checked)
class Edition(Described):
    """An offer and its tariff, for the days on which they are sold.

    Attributes:
        offer: the rules.
        tariff: the prices.
        start: the first day on which it is sold.
        end: the first day on which it is not; None where no end is known.
        existing: what becomes of those who hold an earlier edition.

    Raises:
        InvalidValue: it ends before it begins, or existing subscriptions would come before it.

    >>> from channelplans.money import EUR
    >>> from channelplans.offers import SKYPE_CONNECT
    >>> prices = Tariff("2026", EUR, channel="6.95", bundle="10", minute="0.021")
    >>> print(Edition(SKYPE_CONNECT, prices, date(2026, 1, 1), existing=date(2026, 3, 1)))
    Skype Connect (help page), tariff 2026, from 2026-01-01 on; existing: from 2026-03-01
    """

    offer: Offer
    tariff: Tariff
    start: date
    end: date | None = None
    existing: Existing | date = Existing.AT_RENEWAL

    def __attrs_post_init__(self) -> None:
        if self.end is not None and self.end <= self.start:
            raise InvalidValue("end", str(self.end), f"after the start, {self.start}")
        if isinstance(self.existing, date) and civil_day("existing", self.existing) < self.start:
            expected = f"a day from the start, {self.start}, on"
            raise InvalidValue("existing", str(self.existing), expected)

    @property
    def moves_from(self) -> date | None:
        """The day from which renewals of earlier editions take it; None where they never do."""
        if isinstance(self.existing, date):
            return self.existing
        return None if self.existing is Existing.PINNED else self.start

    def __contains__(self, day: date) -> bool:
        return self.start <= civil_day("day", day) and (self.end is None or day < self.end)

    def holds(self, subscription: Subscription) -> bool:
        """Return whether a subscription is held under this offer and was paid by this tariff.

        >>> from channelplans.offers import SKYPE_CONNECT
        >>> from channelplans.testing.builders import TARIFF, make_subscription, make_tariff
        >>> paid = Edition(SKYPE_CONNECT, TARIFF, date(2026, 1, 1))
        >>> dearer = attrs.evolve(paid, tariff=make_tariff(name="dearer", channel="7.25"))
        >>> paid.holds(make_subscription()), dearer.holds(make_subscription())
        (True, False)
        """
        paid = instance("subscription", subscription, Subscription).paid
        return paid.plan.offer == self.offer and paid.tariff == self.tariff

    def price(self, plan: Plan) -> Money:
        """Return what the channels and bundles of a plan cost for a full term by this tariff.

        >>> from channelplans.money import EUR
        >>> from channelplans.offers import SKYPE_CONNECT
        >>> prices = Tariff("2026", EUR, channel="6.95", bundle="10", minute="0.021", setup="5")
        >>> edition = Edition(SKYPE_CONNECT, prices, date(2026, 1, 1))
        >>> print(edition.price(SKYPE_CONNECT.plan(channels=100, bundles=2)))  # 695 + 20
        715.00 EUR
        """
        instance("plan", plan, Plan)
        return self.tariff.channels(plan.channels) + self.tariff.bundles(plan.bundles)

    def plan_for(self, plan: Plan) -> Plan:
        """Return the same channels and bundles as a plan of this offer: what a renewal sells.

        Raises:
            NotOffered: this offer has no such plan; the error says why, and which is nearest.

        >>> from channelplans.money import EUR
        >>> from channelplans.offers import SKYPE_CONNECT
        >>> fewer = attrs.evolve(SKYPE_CONNECT, edition="2027", bundles=None)
        >>> prices = Tariff("2027", EUR, channel="6.95", bundle="0", minute="0.021")
        >>> edition = Edition(fewer, prices, date(2027, 1, 1))
        >>> edition.plan_for(SKYPE_CONNECT.plan(channels=5, bundles=2))
        Traceback (most recent call last):
            ...
        channelplans.errors.NotOffered: Skype Connect (2027) has no plan of 5 channels and \
2 bundles of 5,000 minutes; bundles must be 0, not 2: Skype Connect has no bundles; \
the nearest that it has is 5 channels
        """
        if instance("plan", plan, Plan).offer == self.offer:
            return plan
        try:
            return Plan(self.offer, plan.channels, plan.bundles)
        except RuleError as error:
            works = f"{error}; the nearest that it has is {self.nearest(plan)}"
            raise NotOffered(f"plan of {plan}", _named(self.offer), works) from error

    def nearest(self, plan: Plan) -> Plan:
        """Return the plan of this offer that comes nearest, for a buyer to be asked about.

        It is sold as a request for as many channels as the offer's bounds allow, with as many of
        the bundles as go with those.

        >>> from channelplans.offers import EASYBELL_BASIC, SKYPE_CONNECT
        >>> from channelplans.testing.builders import TARIFF
        >>> lines = Edition(EASYBELL_BASIC, TARIFF, date(2026, 1, 1))  # 2 to 50 lines, no bundles
        >>> print(lines.nearest(SKYPE_CONNECT.plan(channels=60, bundles=3)))
        50 channels
        """
        rule, bundles = self.offer.quantity, self.offer.bundles
        asked = min(max(instance("plan", plan, Plan).channels, rule.minimum), rule.maximum)
        channels = self.offer.plan(channels=asked).channels
        most = bundles.most(channels) if bundles else 0
        return Plan(self.offer, channels, min(plan.bundles, most))

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
        return (f"{_reach(self)}; existing: {_existing(self)}",)


def _in_order(editions: Sequence[Edition]) -> tuple[Edition, ...]:
    known = several("editions", editions, lambda name, each: instance(name, each, Edition))
    return tuple(sorted(known, key=lambda edition: edition.start))


@attrs.frozen(field_transformer=checked)
class Catalogue(Described):
    """Editions that follow one another without a gap, in the order of their days.

    A subscription's next term is renewed under the latest edition that calls on those who hold an
    earlier one to take it by then, and otherwise under the one that it holds. Days before the first
    edition, and from the end of the last one on, have none; nothing is renewed on them.

    Raises:
        InvalidValue: there is no edition, two of them overlap or leave a gap, or one name stands
            for two different offers or tariffs.
        CurrencyMismatch: two of them are in different currencies.

    >>> from channelplans.money import EUR
    >>> from channelplans.offers import SKYPE_CONNECT
    >>> old = Tariff("2025", EUR, channel="6.95", bundle="10", minute="0.021")
    >>> new = attrs.evolve(old, name="2026", channel="7.25")
    >>> catalogue = Catalogue(
    ...     (
    ...         Edition(SKYPE_CONNECT, old, date(2025, 1, 1), date(2026, 1, 1)),
    ...         Edition(SKYPE_CONNECT, new, date(2026, 1, 1), existing=date(2026, 3, 1)),
    ...     )
    ... )
    >>> print(catalogue)
    offer                      tariff  currency  from        until       existing
    -------------------------  ------  --------  ----------  ----------  ----------------
    Skype Connect (help page)  2025    EUR       2025-01-01  2026-01-01  at their renewal
    Skype Connect (help page)  2026    EUR       2026-01-01              from 2026-03-01
    >>> catalogue.on(date(2025, 12, 31)).tariff.name
    '2025'
    """

    editions: tuple[Edition, ...] = attrs.field(converter=_in_order)

    def __attrs_post_init__(self) -> None:
        if not self.editions:
            raise InvalidValue("editions", "()", "at least one edition")
        for earlier, later in pairwise(self.editions):
            _check_joined(earlier, later)
            same_currency(earlier.tariff.currency, later.tariff.currency)
        _check_names(self.editions)

    def on(self, day: date) -> Edition:
        """Return the edition that is sold on a day.

        Raises:
            UnknownEdition: the day lies before the first edition, or not before the end of the
                last.

        >>> from channelplans.offers import SKYPE_CONNECT
        >>> from channelplans.testing.builders import TARIFF
        >>> january = Edition(SKYPE_CONNECT, TARIFF, date(2026, 1, 1), date(2026, 2, 1))
        >>> Catalogue((january,)).on(date(2026, 1, 31)) is january
        True
        >>> Catalogue((january,)).on(date(2026, 2, 1))
        Traceback (most recent call last):
            ...
        channelplans.errors.UnknownEdition: the catalogue has no edition on 2026-02-01; it has: \
Skype Connect (help page), tariff plausible, 2026-01-01 to 2026-02-01
        """
        civil_day("day", day)
        for edition in self.editions:
            if day in edition:
                return edition
        raise UnknownEdition(f"on {day}", tuple(map(_reach, self.editions)))

    def held_by(self, subscription: Subscription) -> Edition:
        """Return the edition that a subscription holds, by its offer and the tariff it paid by.

        Where the same offer and tariff come back later, it is the one of the term's first day.

        Raises:
            UnknownEdition: no edition has that offer and that tariff.

        >>> from channelplans.offers import SKYPE_CONNECT
        >>> from channelplans.testing.builders import TARIFF, make_subscription, make_tariff
        >>> old = Edition(SKYPE_CONNECT, TARIFF, date(2026, 1, 1), date(2026, 2, 1))
        >>> new = Edition(SKYPE_CONNECT, make_tariff(name="dearer"), date(2026, 2, 1))
        >>> Catalogue((old, new)).held_by(make_subscription()) is old
        True
        """
        matching = [edition for edition in self.editions if edition.holds(subscription)]
        if not matching:
            held = _named(subscription.plan.offer, subscription.paid.tariff)
            wanted = f"that subscription {subscription.id} holds, {held}"
            raise UnknownEdition(wanted, tuple(map(_reach, self.editions)))
        begun = [each for each in matching if each.start <= subscription.term.start]
        return begun[-1] if begun else matching[0]

    def for_renewal(self, subscription: Subscription) -> Edition:
        """Return the edition that a subscription's next term comes under.

        The first day of that term decides, also where the renewal is processed late (F 3.9).

        Raises:
            UnknownEdition: no edition is what the subscription holds, or none is for that day.

        >>> from channelplans.offers import SKYPE_CONNECT
        >>> from channelplans.testing.builders import TARIFF, make_subscription, make_tariff
        >>> dearer, held = make_tariff(name="dearer"), make_subscription()  # until 2026-02-04
        >>> old = Edition(SKYPE_CONNECT, TARIFF, date(2026, 1, 1), date(2026, 2, 1))
        >>> for notice in (date(2026, 2, 4), date(2026, 2, 5)):
        ...     new = Edition(SKYPE_CONNECT, dearer, date(2026, 2, 1), existing=notice)
        ...     print(notice, Catalogue((old, new)).for_renewal(held).tariff.name)
        2026-02-04 dearer
        2026-02-05 plausible
        """
        return self.for_term(subscription, subscription.term.end)

    def for_term(self, subscription: Subscription, start: date) -> Edition:
        """Return the edition that a term comes under which a subscription begins on a day.

        It is the one that it holds, or the latest that calls on those who hold an earlier one to
        take it by then: a change that buys anew does not keep what a renewal would not.

        Raises:
            UnknownEdition: no edition is what the subscription holds, or none is for that day.

        >>> from channelplans.offers import SKYPE_CONNECT
        >>> from channelplans.testing.builders import TARIFF, make_subscription, make_tariff
        >>> dearer, notice = make_tariff(name="dearer"), date(2026, 3, 1)
        >>> old = Edition(SKYPE_CONNECT, TARIFF, date(2026, 1, 1), date(2026, 2, 1))
        >>> new = Edition(SKYPE_CONNECT, dearer, date(2026, 2, 1), existing=notice)
        >>> for start in (date(2026, 2, 28), date(2026, 3, 1)):
        ...     print(start, Catalogue((old, new)).for_term(make_subscription(), start).tariff.name)
        2026-02-28 plausible
        2026-03-01 dearer
        """
        held = self.held_by(subscription)
        self.on(start)
        later = self.editions[self.editions.index(held) + 1 :]
        calling = (each for each in later if each.moves_from and each.moves_from <= start)
        return (held, *calling)[-1]

    def to_records(self) -> list[dict[str, object]]:
        """Return a plain row for each edition."""
        return [row for edition in self.editions for row in edition.to_records()]

    def _describe(self) -> tuple[Table]:
        headings = ("offer", "tariff", "currency", "from", "until", "existing")
        rows = tuple(
            (
                _named(each.offer),
                each.tariff.name,
                each.tariff.currency.code,
                str(each.start),
                str(each.end or ""),
                _existing(each),
            )
            for each in self.editions
        )
        return (Table(headings, rows),)


@attrs.frozen(field_transformer=checked)
class RuleDifference(Described):
    """A rule or price that two editions have in one place and differ in.

    >>> print(RuleDifference("offer.quantity.maximum", "300", "100"))
    offer.quantity.maximum: 300 -> 100
    """

    field: str
    old: str
    new: str

    def to_records(self) -> list[dict[str, object]]:
        """Return the difference as one plain row."""
        return [attrs.asdict(self)]

    def _describe(self) -> tuple[str]:
        return (f"{self.field}: {self.old} -> {self.new}",)


@attrs.frozen(field_transformer=checked)
class PriceDifference(Described):
    """What a full term of a subscription costs under two editions, and when it moves.

    Attributes:
        subscription: what would move.
        plan: what it would be renewed with.
        old: the price under the edition that it holds.
        new: the price under the other one; None where that has no such plan.
        old_term: the length of a term under the edition that it holds.
        new_term: that of one under the other.
        moves_on: the first day of the first term under the other edition; None where it keeps its
            own, or does not renew itself.
        problem: why the other edition has no such plan, and what would do.
    """

    subscription: Subscription
    plan: Plan
    old: Money
    new: Money | None
    old_term: Days | Months
    new_term: Days | Months
    moves_on: date | None
    problem: str | None

    @property
    def difference(self) -> Money | None:
        """What a term costs more, or below zero less.

        None where there is no new price, or where the terms are not of the same length.
        """
        if self.new is None or self.old_term != self.new_term:
            return None
        return self.new - self.old

    def to_records(self) -> list[dict[str, object]]:
        """Return the difference as one plain row."""
        row = {
            "subscription": self.subscription.id,
            "profile": self.subscription.profile,
            "channels": self.plan.channels,
            "bundles": self.plan.bundles,
            "moves_on": self.moves_on,
            "old_term": str(self.old_term),
            "new_term": str(self.new_term),
        }
        amounts = columns(old=self.old, new=self.new, difference=self.difference)
        return [{**row, **amounts, "currency": self.old.currency.code, "problem": self.problem}]

    def _describe(self) -> tuple[str]:
        change = f": {self.problem}"
        if self.difference is not None:
            change = f": {self.old} -> {self.new}, {signed(self.difference)} a term"
        elif self.new is not None:
            change = f": {self.old} for {self.old_term} -> {self.new} for {self.new_term}"
        when = f", from {self.moves_on}" if self.moves_on else ", which keeps its own"
        return (f"{self.subscription.id}{when}{change}",)


@attrs.frozen(field_transformer=checked)
class Comparison(Described):
    """Two editions side by side: what changes, for which subscription, and by how much.

    Attributes:
        old: the edition that is held.
        new: the edition that would come in its place.
        subscriptions: those to compare; what does not hold the old edition is left out.

    Raises:
        CurrencyMismatch: the editions are in different currencies.
    """

    old: Edition
    new: Edition
    subscriptions: tuple[Subscription, ...] = ()

    def __attrs_post_init__(self) -> None:
        same_currency(self.old.tariff.currency, self.new.tariff.currency)

    @property
    def rules(self) -> tuple[RuleDifference, ...]:
        """The rules and prices that differ, each by the field that it is written in."""
        offers = _differences("offer", self.old.offer, self.new.offer)
        tariffs = _differences("tariff", self.old.tariff, self.new.tariff)
        return (*offers, *tariffs)

    @property
    def prices(self) -> tuple[PriceDifference, ...]:
        """What each subscription that holds the old edition would pay for a term."""
        return tuple(map(self._price, filter(self.old.holds, self.subscriptions)))

    def to_records(self) -> list[dict[str, object]]:
        """Return a plain row for each subscription that holds the old edition."""
        return [row for price in self.prices for row in price.to_records()]

    def _price(self, subscription: Subscription) -> PriceDifference:
        plan = subscription.pending or subscription.plan
        new, problem = None, None
        try:
            new = self.new.price(self.new.plan_for(plan))
        except NotOffered as error:
            problem = str(error)
        moves_on = _moves_on(self.new, subscription)
        return PriceDifference(
            subscription,
            plan,
            self.old.price(plan),
            new,
            self.old.offer.term.length,
            self.new.offer.term.length,
            moves_on,
            problem,
        )

    def _describe(self) -> Iterator[str | Table]:
        old, new = (_named(each.offer, each.tariff) for each in (self.old, self.new))
        yield f"From {old} to {new}"
        if self.rules:
            rows = tuple((each.field, each.old, each.new) for each in self.rules)
            yield Table(("rule", "old", "new"), rows)
        else:
            yield "No rule and no price differs."
        prices = self.prices
        if prices:
            headings = ("subscription", "plan", "from", "old", "new", "difference")
            yield Table(headings, tuple(map(_row, prices)), right=headings[3:])
        yield from (f"{each.subscription.id}: {each.problem}" for each in prices if each.problem)


def compare(old: Edition, new: Edition, subscriptions: Sequence[Subscription] = ()) -> Comparison:
    """Compare two editions: the rules and prices that differ, and what that means for whom.

    Raises:
        CurrencyMismatch: the editions are in different currencies.

    >>> from channelplans.money import EUR
    >>> from channelplans.offers import SKYPE_CONNECT, SKYPE_CONNECT_2011
    >>> prices = Tariff("list", EUR, channel="6.95", bundle="10", minute="0.021")
    >>> dearer = attrs.evolve(prices, name="dearer", channel="7.25")
    >>> old = Edition(SKYPE_CONNECT, prices, date(2025, 1, 1))
    >>> new = Edition(SKYPE_CONNECT, dearer, date(2026, 1, 1))
    >>> print(compare(old, new))
    From Skype Connect (help page), tariff list to Skype Connect (help page), tariff dearer
    rule            old   new
    --------------  ----  ----
    tariff.channel  6.95  7.25
    """
    held = several(
        "subscriptions", subscriptions, lambda name, each: instance(name, each, Subscription)
    )
    return Comparison(old, new, held)


#: What tells two editions apart and is no rule.
_NAMES: Final = frozenset({"offer.name", "offer.edition", "offer.source", "tariff.name"})


def _named(offer: Offer, tariff: Tariff | None = None) -> str:
    paid_by = f", tariff {tariff.name}" if tariff else ""
    return f"{offer.name} ({offer.edition}){paid_by}"


def _reach(edition: Edition) -> str:
    start, end = edition.start, edition.end
    reach = f"from {start} on" if end is None else f"{start} to {end}"
    return f"{_named(edition.offer, edition.tariff)}, {reach}"


def _existing(edition: Edition) -> str:
    existing = edition.existing
    return existing.value if isinstance(existing, Existing) else f"from {existing}"


def _check_joined(earlier: Edition, later: Edition) -> None:
    if earlier.end == later.start:
        return
    gap = earlier.end is not None and earlier.end < later.start
    wrong = f"with {'a gap' if gap else 'an overlap'} between {_reach(earlier)} and {_reach(later)}"
    expected = "one after the other, each sold until the next one's start"
    raise InvalidValue("editions", wrong, expected)


def _check_names(editions: tuple[Edition, ...]) -> None:
    known: dict[str, object] = {}
    for each in editions:
        offer, tariff = f"offer {_named(each.offer)}", f"tariff {each.tariff.name}"
        for name, value in ((offer, each.offer), (tariff, each.tariff)):
            if known.setdefault(name, value) != value:
                expected = "named apart where they differ"
                raise InvalidValue("editions", f"two that are called {name}", expected)


def _moves_on(edition: Edition, subscription: Subscription) -> date | None:
    """Return the first day of the first term under an edition; None where there is none."""
    if edition.moves_from is None or subscription.status is not Status.ACTIVE:
        return None
    earliest = max(edition.moves_from, subscription.term.end)
    length = subscription.plan.offer.term.length
    renewals = renewal_dates(subscription.anchor, length)
    return next((day for day in renewals if day >= earliest), None)


def _row(price: PriceDifference) -> tuple[str, ...]:
    amounts = (price.old, price.new, price.difference)
    told = ["" if amount is None else f"{amount.amount:f}" for amount in amounts[:2]]
    difference = "" if price.difference is None else f"{price.difference.amount:+f}"
    when = "keeps its own" if price.moves_on is None else str(price.moves_on)
    return (price.subscription.id, str(price.plan), when, *told, difference)


def _differences(field: str, old: Any, new: Any) -> Iterator[RuleDifference]:
    """Yield what differs, down to the fields of a rule and the entries of a mapping."""
    if old == new or field in _NAMES:
        return
    before, after = _fields(old), _fields(new)
    if type(old) is not type(new) or not (before or after) or field.count(".") > 1:
        yield RuleDifference(field, _told(old), _told(new))
        return
    for name in {**before, **after}:
        yield from _differences(f"{field}.{name}", before.get(name), after.get(name))


def _fields(value: Any) -> Mapping[str, Any]:
    if isinstance(value, Mapping):
        return value
    fields = attrs.fields(type(value)) if attrs.has(type(value)) else ()
    return {field.name: getattr(value, field.name) for field in fields if field.eq}


def _told(value: Any) -> str:
    if isinstance(value, enum.Enum):
        return str(value.value)
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, tuple):
        return "; ".join(map(str, value)) or "none"
    return "none" if value is None else str(value)
