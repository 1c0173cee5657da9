"""The rules and prices that differ between two editions, and each subscription's new price."""

import enum
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any, Final

import attrs

from channelplans._checks import instance, several
from channelplans._constructors import checked
from channelplans._display import Part, RecordsMixin, Table, fold
from channelplans.calendar import Days, Months
from channelplans.errors import NotOffered, quoted
from channelplans.money import Currency, Money, columns, same_currency
from channelplans.plans import Plan
from channelplans.subscriptions.catalogue import Edition, name_edition
from channelplans.subscriptions.subscription import Status, Subscription
from channelplans.subscriptions.wallets import signed
from channelplans.tariffs import format_price

__all__ = [
    "Comparison",
    "PriceDifference",
    "RuleDifference",
    "compare_editions",
]


@checked
@attrs.frozen(repr=False)
class RuleDifference(RecordsMixin):
    """A rule or price that differs between two editions.

    Attributes:
        field: the path to the value, such as ``tariff.channel``.
        old: the value in the current edition, as text.
        new: the value in the new edition, as text.

    >>> from channelplans.subscriptions import RuleDifference
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


@checked
@attrs.frozen(repr=False)
class PriceDifference(RecordsMixin):
    """The price of a subscription's full term under two editions, and the day of its move.

    Attributes:
        subscription: the subscription.
        plan: the plan of its next renewal.
        old: the price under its current edition.
        new: the price under the new edition; None if that edition has no such plan.
        old_term: the length of a term under its current edition.
        new_term: the length of a term under the new edition.
        moves_on: the first day of its first term under the new edition; None if it does not move,
            or does not renew itself.
        problem: why the new edition has no such plan, and the nearest plan; None if it has one.
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
        """The new price minus the old price.

        None if there is no new price, or if the terms have different lengths.
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
        change = self.problem
        if self.difference is not None:
            change = f"{self.old} -> {self.new}, {signed(self.difference)} a term"
        elif self.new is not None:
            change = f"{self.old} for {self.old_term} -> {self.new} for {self.new_term}"
        move = f"from {self.moves_on}" if self.moves_on else "does not move"
        return (f"{_name(self.subscription)}, {move}: {change}",)


@checked
@attrs.frozen(repr=False)
class Comparison(RecordsMixin):
    """The rules, tariff prices and subscription prices that differ between two editions.

    Attributes:
        old: the current edition.
        new: the edition that would replace it.
        subscriptions: the subscriptions to compare; those of another edition are left out.

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
        """The rules and tariff prices that differ."""
        currency = self.new.tariff.currency
        offers = _differences("offer", self.old.offer, self.new.offer, currency)
        tariffs = _differences("tariff", self.old.tariff, self.new.tariff, currency)
        return (*offers, *tariffs)

    @property
    def prices(self) -> tuple[PriceDifference, ...]:
        """The old and the new price of each subscription of the old edition."""
        return tuple(map(self._price, filter(self.old.holds, self.subscriptions)))

    def to_records(self) -> list[dict[str, object]]:
        """Return a plain row for each subscription of the old edition."""
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

    def _describe(self) -> Iterator[Part]:
        old = name_edition(self.old.offer, self.old.tariff)
        new = name_edition(self.new.offer, self.new.tariff)
        yield f"From {old} to {new}"
        if self.rules:
            rows = tuple((rule.field, rule.old, rule.new) for rule in self.rules)
            caption = "Rules and prices that differ"
            yield Table(("rule", "old", "new"), rows, caption=caption, figures=("old", "new"))
        else:
            yield "No rule and no price differs."
        prices = self.prices
        if prices:
            headings = ("subscription", "plan", "from", "old", "new", "difference")
            caption = f"Prices of a full term, in {self.old.tariff.currency.code}"
            yield Table(headings, tuple(map(_row, prices)), right=headings[3:], caption=caption)
        problems = [f"{_name(row.subscription)}: {row.problem}" for row in prices if row.problem]
        yield from fold(problems, "subscription")


def compare_editions(
    old: Edition, new: Edition, subscriptions: Sequence[Subscription] = ()
) -> Comparison:
    """Return the rules and prices that differ between two editions, and the subscriptions' prices.

    Args:
        old: the current edition.
        new: the edition that would replace it.
        subscriptions: the subscriptions to compare; those of another edition are left out.

    Raises:
        CurrencyMismatch: the editions are in different currencies.

    >>> from datetime import date
    >>> from channelplans import EUR, SKYPE_CONNECT, Edition, Tariff, compare_editions
    >>> prices = Tariff("list", EUR, channel="6.95", bundle="10", minute="0.021")
    >>> dearer = Tariff("dearer", EUR, channel="7.25", bundle="10", minute="0.021")
    >>> old = Edition(SKYPE_CONNECT, prices, date(2025, 1, 1))
    >>> new = Edition(SKYPE_CONNECT, dearer, date(2026, 1, 1))
    >>> print(*compare_editions(old, new).rules)
    tariff.channel: 6.95 -> 7.25
    """
    items = several(
        "subscriptions", subscriptions, lambda name, item: instance(name, item, Subscription)
    )
    return Comparison(old, new, items)


#: Fields that always differ between two editions and are not rules.
_NAMES: Final = frozenset({"offer.name", "offer.edition", "offer.source", "tariff.name"})


def _moves_on(edition: Edition, subscription: Subscription) -> date | None:
    """Return the first day of the first term under an edition; None if there is none."""
    if edition.moves_from is None or subscription.status is not Status.ACTIVE:
        return None
    earliest = max(edition.moves_from, subscription.term.end)
    rule, anchor = subscription.plan.offer.term, subscription.anchor
    return next(rule.ends(anchor, rule.number_ending(anchor, earliest)), None)


def _name(subscription: Subscription) -> str:
    return f"Subscription {quoted(subscription.id)}"


def _row(price: PriceDifference) -> tuple[str, ...]:
    new = "" if price.new is None else f"{price.new.amount:f}"
    difference = "" if price.difference is None else f"{price.difference.amount:+f}"
    move = "does not move" if price.moves_on is None else str(price.moves_on)
    old = f"{price.old.amount:f}"
    return (price.subscription.id, str(price.plan), move, old, new, difference)


def _differences(field: str, old: Any, new: Any, currency: Currency) -> Iterator[RuleDifference]:
    """Yield the differences, down to the fields of a rule and the entries of a mapping."""
    if old == new or field in _NAMES:
        return
    old_fields, new_fields = _fields(old), _fields(new)
    has_fields = old_fields or new_fields
    if type(old) is not type(new) or not has_fields or field.count(".") > 1:
        yield RuleDifference(field, _format(old, currency), _format(new, currency))
        return
    for name in {**old_fields, **new_fields}:
        old_value, new_value = old_fields.get(name), new_fields.get(name)
        yield from _differences(f"{field}.{name}", old_value, new_value, currency)


def _fields(value: Any) -> Mapping[str, Any]:
    if isinstance(value, Mapping):
        return value
    fields = attrs.fields(type(value)) if attrs.has(type(value)) else ()
    return {field.name: getattr(value, field.name) for field in fields if field.eq}


def _format(value: Any, currency: Currency) -> str:
    if isinstance(value, enum.Enum):
        return str(value.value)
    if isinstance(value, Decimal):  # a price
        return format_price(value, currency)
    if isinstance(value, tuple):
        return "; ".join(map(str, value)) or "none"
    return "none" if value in {None, ""} else str(value)
