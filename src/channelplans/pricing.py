"""The price of a plan for a term, and the refund when the term ends early.

Each line of a quote has its own term, and its refund is computed from that term. This works for
every kind of change. This module does not know wallets or subscriptions.
"""

from datetime import date, timedelta
from fractions import Fraction
from itertools import takewhile
from typing import Final

import attrs

from channelplans._checks import checked, civil_day, instance
from channelplans._display import DisplayMixin, Table, clock
from channelplans.calendar import Term
from channelplans.calls import Allowance
from channelplans.errors import AllowanceNeeded, InvalidValue, OutsideTerm
from channelplans.money import Money, Rounding, columns, round_ratio, same_currency
from channelplans.plans import Plan
from channelplans.rules import BY_MINUTES, ChangeEffect, Notice, RefundBasis, RefundRule
from channelplans.tariffs import Item, Tariff

__all__ = [
    "Line",
    "Quote",
    "Refund",
    "RefundLine",
    "amend_quote",
    "quote",
    "refund",
]


_NOTHING: Final = timedelta(0)


# The largest plan would grant more minutes than a timedelta can hold.
_MAX_SECONDS: Final = timedelta.max // timedelta(seconds=1)


_REFUNDABLE: Final = (Item.CHANNELS, Item.BUNDLES)


@attrs.frozen(field_transformer=checked)
class Line(DisplayMixin):
    """A quantity of an item for a term, with its price.

    Attributes:
        item: channels, bundles or a set-up fee.
        quantity: how many. A negative quantity reduces the quantity of earlier lines.
        unit: the price of a single channel, bundle or set-up for a full term; None if a ladder
            prices the quantity as a whole.
        total: the price of the line. A negative total is a refund.
        term: the days that the line pays for.

    Raises:
        CurrencyMismatch: ``unit`` and ``total`` are in different currencies.
    """

    item: Item
    quantity: int
    unit: Money | None
    total: Money
    term: Term

    def __attrs_post_init__(self) -> None:
        if self.unit is not None:
            same_currency(self.total.currency, self.unit.currency)

    def to_records(self) -> list[dict[str, object]]:
        """Return the line as one plain row."""
        return [
            {
                "item": self.item.value,
                "quantity": self.quantity,
                **columns(unit=self.unit),
                "minor": self.total.minor,
                "amount": self.total.amount,
                "currency": self.total.currency.code,
                "term_start": self.term.start,
                "term_end": self.term.end,
            }
        ]

    def _describe(self) -> tuple[str]:
        unit = f" at {self.unit}" if self.unit is not None else ""
        return (f"{self.quantity} {self.item.value}{unit}, {self.term}: {self.total}",)


@attrs.frozen(field_transformer=checked)
class Quote(DisplayMixin):
    """A plan priced by a tariff for a term. One confirmation buys all of it (H14).

    >>> from channelplans.money import EUR
    >>> from channelplans.offers import SKYPE_CONNECT
    >>> tariff = Tariff("made up", EUR, channel="6.95", bundle="10", minute="0.021")
    >>> print(quote(SKYPE_CONNECT.plan(channels=100, bundles=2), tariff, on=date(2026, 1, 5)))
    100 channels and 2 bundles of 5,000 minutes, 2026-01-05 to 2026-02-04
    item      quantity  price each   total
    --------  --------  ----------  ------
    channels       100        6.95  695.00
    bundles          2       10.00   20.00
    Total 715.00 EUR; renews on 2026-02-04.
    Not a telephone replacement: it cannot call emergency numbers. (H21)

    Attributes:
        plan: the channels and bundles that are sold.
        tariff: the prices.
        term: the days for which the plan is sold.
        sold: the lines of a quote with a set-up fee or with a change within the term. None for
            other quotes; their lines are computed from plan, tariff and term.

    Raises:
        CurrencyMismatch: a line is in another currency than the tariff.
        InvalidValue: a line has days outside the term.
    """

    plan: Plan
    tariff: Tariff
    term: Term
    sold: tuple[Line, ...] | None = None

    def __attrs_post_init__(self) -> None:
        if self.plan.bundles and self.tariff.bundle is None:
            self.tariff.unit(Item.BUNDLES)  # raises NotOffered
        for line in self.sold or ():
            same_currency(self.tariff.currency, line.total.currency)
            if line.term.start < self.term.start or self.term.end < line.term.end:
                raise InvalidValue("sold", str(line), f"lines within {self.term}")

    @property
    def lines(self) -> tuple[Line, ...]:
        """The lines for channels, bundles and fees, and for changes within the term."""
        if self.sold is not None:
            return self.sold
        currency = self.tariff.currency
        return tuple(
            Line(item, count, self.tariff.unit(item), Money(minor=minor, currency=currency), term)
            for item, count, minor, term in self.parts()
        )

    @property
    def total(self) -> Money:
        """The price of all lines together."""
        return Money(
            minor=sum(minor for _, _, minor, _ in self.parts()), currency=self.tariff.currency
        )

    def parts(self) -> list[tuple[Item, int, int, Term]]:
        """Return the item, quantity, total and term of each line; the total is in units.

        It makes no Money and no Line, because late runs and refunds call it most.
        """
        if self.sold is not None:
            return [(line.item, line.quantity, line.total.minor, line.term) for line in self.sold]
        plan, term, units = self.plan, self.term, self.tariff.units
        parts = [(Item.CHANNELS, plan.channels, units(Item.CHANNELS, plan.channels), term)]
        if plan.bundles:
            parts.append((Item.BUNDLES, plan.bundles, units(Item.BUNDLES, plan.bundles), term))
        rule = plan.offer.term
        if not rule.billing_day:
            return parts
        whole_days = rule.whole(term).days
        return [
            (item, count, _prorate(minor, term.days, whole_days), term)
            for item, count, minor, term in parts
        ]

    @property
    def notices(self) -> tuple[Notice, ...]:
        """The notices that the buyer must see, such as the missing emergency calls (H21)."""
        return self.plan.offer.notices

    @property
    def renews_on(self) -> date:
        """The next renewal date: the first day after the term (H8)."""
        return self.term.end

    @property
    def allowance(self) -> Allowance:
        """The minutes granted for the term, none of them used (H10).

        A line for a part of a term grants the same part of the minutes, rounded down to a second.
        No term grants more than a timedelta can hold, which is about 2.7 million years.
        """
        rule = self.plan.offer.bundle
        if rule is None:
            return Allowance(_NOTHING)
        minutes = {Item.CHANNELS: rule.included, Item.BUNDLES: rule.minutes}
        minute_days = sum(
            quantity * minutes.get(item, 0) * term.days for item, quantity, _, term in self.parts()
        )
        whole_days = self.plan.offer.term.whole(self.term).days
        seconds = min(60 * minute_days // whole_days, _MAX_SECONDS)
        return Allowance(timedelta(seconds=seconds))

    def adding(self, *fees: tuple[Item, int]) -> "Quote":
        """Return the quote with a line for each set-up fee that the tariff has.

        A fee is an item and a quantity; quantities of zero or less add nothing.
        """
        if not (self.tariff.setup or self.tariff.channel_setup):
            return self
        fee_lines = tuple(
            Line(item, count, unit, unit * count, self.term)
            for item, count in fees
            if count > 0 and (unit := self.tariff.unit(item))
        )
        return attrs.evolve(self, sold=(*self.lines, *fee_lines)) if fee_lines else self

    def to_records(self) -> list[dict[str, object]]:
        """Return a plain row for each line."""
        return [row for line in self.lines for row in line.to_records()]

    def _describe(self) -> tuple[str | Table, ...]:
        table: list[tuple[str, ...]] = [("item", "quantity", "term", "price each", "total")]
        for line in self.lines:
            price = "" if line.unit is None else f"{line.unit.amount:f}"
            total = f"{line.total.amount:f}"
            table.append((line.item.value, str(line.quantity), str(line.term), price, total))
        if all(line.term == self.term for line in self.lines):
            table = [(item, quantity, *prices) for item, quantity, _, *prices in table]
        headings, *rows = table
        whole = self.plan.offer.term.whole(self.term)
        part = f" ({self.term.days} of {whole.days} days)" if whole != self.term else ""
        return (
            f"{self.plan}, {self.term}{part}",
            Table(headings, tuple(rows), right=("quantity", "price each", "total")),
            f"Total {self.total}; renews on {self.renews_on}.",
            *map(str, self.notices),
        )


@attrs.frozen(field_transformer=checked)
class RefundLine(DisplayMixin):
    """The refund of a quoted line, and the rest that the seller keeps.

    ``returned`` and ``kept`` add up to the line's total.
    """

    line: Line
    returned: Money
    kept: Money

    def _describe(self) -> tuple[str]:
        return (f"{self.line.item.value}: {self.returned} returned, {self.kept} kept",)


@attrs.frozen(field_transformer=checked)
class Refund(DisplayMixin):
    """The refund of a paid quote whose term ends early, line by line (H16).

    Attributes:
        paid: the quote that was paid.
        on: the day on which the term ends.
        allowance: the minutes of the term and how many are used, if the rule needs them.
        rule: how the refund is computed.

    Raises:
        OutsideTerm: the day is not in the quote's term.
        AllowanceNeeded: the rule refunds bundles by minutes, and ``allowance`` is None.
        InvalidValue: the allowance grants fewer minutes than the quote.
    """

    paid: Quote
    on: date
    allowance: Allowance | None
    rule: RefundRule

    def __attrs_post_init__(self) -> None:
        term = self.paid.term
        if self.on not in term:
            raise OutsideTerm("a refund", self.on, term.start, term.end)
        sells_bundles = any(item is Item.BUNDLES for item, *_ in self.paid.parts())
        if self.rule.bundles not in BY_MINUTES or not sells_bundles:
            return
        if self.allowance is None:
            raise AllowanceNeeded(self.rule.bundles.value)
        granted = self.paid.allowance.granted
        if self.allowance.granted < granted:
            expected = f"at least the {clock(granted)} that the quote grants"
            raise InvalidValue("allowance", str(self.allowance), expected)

    @property
    def lines(self) -> tuple[RefundLine, ...]:
        """The refund of each quoted line."""
        refunds = (
            Money(minor=minor, currency=self.paid.tariff.currency) for minor in self._refund_units()
        )
        return tuple(
            RefundLine(line, returned, line.total - returned)
            for line, returned in zip(self.paid.lines, refunds, strict=True)
        )

    @property
    def returned(self) -> Money:
        """The refund of all lines together."""
        return Money(minor=sum(self._refund_units()), currency=self.paid.tariff.currency)

    @property
    def kept(self) -> Money:
        """The part of the paid total that is not refunded."""
        return self.paid.total - self.returned

    def _refund_units(self) -> list[int]:
        """Return the refund of each line, in units.

        The refunds of an item add up to their exact sum, rounded once. Each line gets the
        difference to the rounded sum of the lines before it.
        """
        sums: dict[Item, tuple[int, int, int]] = {}
        refunds = []
        for item, _, minor, term in self.paid.parts():
            unused, whole = self._unused_part(item, term)
            numerator, denominator, rounded_before = sums.get(item, (0, 1, 0))
            numerator = numerator * whole + minor * unused * denominator
            denominator *= whole
            rounded = max(0, round_ratio(numerator, denominator, self.rule.rounding))
            sums[item] = numerator, denominator, rounded
            refunds.append(rounded - rounded_before)
        return refunds

    def _unused_part(self, item: Item, term: Term) -> tuple[int, int]:
        """Return the part of a line that is refunded, as numerator and denominator."""
        basis = self.rule.bundles if item is Item.BUNDLES else self.rule.channels
        if basis is RefundBasis.NOTHING or item not in _REFUNDABLE:
            return 0, 1
        unused_days = term.remaining(self.on) - self.rule.change_day_used
        if basis is RefundBasis.TIME:
            return unused_days, term.days
        part = self.allowance.unused if self.allowance else Fraction(0)
        if basis is RefundBasis.SMALLER:
            part = min(part, Fraction(unused_days, term.days))
        return part.as_integer_ratio()

    def to_records(self) -> list[dict[str, object]]:
        """Return a plain row for each quoted line."""
        return [
            {**row, **columns(returned=line.returned, kept=line.kept)}
            for line in self.lines
            for row in line.line.to_records()
        ]

    def _describe(self) -> tuple[str | Table, ...]:
        rows = tuple(
            (
                line.line.item.value,
                f"{line.line.total.amount:f}",
                f"{line.returned.amount:f}",
                f"{line.kept.amount:f}",
            )
            for line in self.lines
        )
        headings = ("item", "paid", "returned", "kept")
        return (
            f"{self.paid.plan}, {self.paid.term}, ended on {self.on}",
            Table(headings, rows, right=headings[1:]),
            f"Returned {self.returned}, kept {self.kept}.",
        )


def quote(plan: Plan, tariff: Tariff, *, on: date, replacing: Plan | None = None) -> Quote:
    """Return the price of a plan for its first term, which begins on a day (H1, H8, H11).

    Args:
        plan: the channels and bundles to price.
        tariff: the prices.
        on: the first day of the term.
        replacing: the plan that the new plan replaces, if any. Then only the added channels are
            charged a set-up fee.

    Raises:
        CalendarEnds: the term does not fit the calendar.

    >>> from channelplans.money import EUR
    >>> from channelplans.offers import SKYPE_CONNECT
    >>> tariff = Tariff("made up", EUR, channel="9", bundle="10", minute="0", channel_setup="2")
    >>> ten, more = SKYPE_CONNECT.plan(channels=10), SKYPE_CONNECT.plan(channels=15)
    >>> print(quote(more, tariff, on=date(2026, 1, 5)).total)  # 15 x 9 + 15 x 2
    165.00 EUR
    >>> print(quote(more, tariff, on=date(2026, 1, 5), replacing=ten).total)  # 15 x 9 + 5 x 2
    145.00 EUR
    """
    term = instance("plan", plan, Plan).offer.term.first(civil_day("on", on))
    priced = Quote(plan, tariff, term)
    if replacing is not None:
        return priced.adding((Item.CHANNEL_SETUP, plan.channels - replacing.channels))
    return priced.adding((Item.SETUP, 1), (Item.CHANNEL_SETUP, plan.channels))


def amend_quote(paid: Quote, plan: Plan, *, on: date, effect: ChangeEffect) -> Quote:
    """Return the quote of the running term after its plan was changed within the term.

    The paid lines stay. A line is added for the difference: prorated for the days that are left
    (``PRORATE``) or in full (``CHARGE_FULL``). ``NO_CHARGE`` adds no line. The tariff stays the one
    of the paid quote.

    A paid quantity stays paid until the term ends. After a change to fewer without a refund, a
    change back to more costs nothing up to the paid quantity.

    With a volume ladder a larger quantity can cost less. ``PRORATE`` then refunds the difference,
    at most the amount paid for the item; ``CHARGE_FULL`` refunds nothing. All changes of an item
    on one day are rounded as one sum, so that many small changes save nothing.

    Args:
        paid: the quote of the running term.
        plan: the new plan.
        on: the day of the change.
        effect: ``PRORATE``, ``CHARGE_FULL`` or ``NO_CHARGE``.

    Raises:
        OutsideTerm: the day is not in the quote's term.

    >>> from channelplans.money import EUR
    >>> from channelplans.offers import SKYPE_CONNECT
    >>> tariff = Tariff("made up", EUR, channel="9", bundle="10", minute="0")
    >>> paid = quote(SKYPE_CONNECT.plan(channels=10), tariff, on=date(2026, 1, 5))
    >>> more, day = SKYPE_CONNECT.plan(channels=15), date(2026, 1, 15)
    >>> print(amend_quote(paid, more, on=day, effect=ChangeEffect.PRORATE).lines[1])
    5 channels at 9.00 EUR, 2026-01-15 to 2026-02-04: 30.00 EUR
    """
    if on not in instance("paid", paid, Quote).term:
        raise OutsideTerm("a change", on, paid.term.start, paid.term.end)
    charged_term = Term(on, paid.term.end) if effect is ChangeEffect.PRORATE else paid.term
    paid_counts = {
        item: sum(line.quantity for line in paid.lines if line.item is item) for item in Item
    }
    changes = (
        (Item.CHANNELS, paid.plan.channels, plan.channels),
        (Item.BUNDLES, paid.plan.bundles, plan.bundles),
    )
    differences = (
        _difference_line(paid, item, count, charged_term, effect)
        for item, old_count, count in changes
        if _moves_money(effect, above_paid=count - paid_counts[item], above_old=count - old_count)
    )
    amended = Quote(plan, paid.tariff, paid.term, (*paid.lines, *differences))
    channels_set_up = max(paid_counts[Item.CHANNELS], paid.plan.channels)
    return amended.adding((Item.CHANNEL_SETUP, plan.channels - channels_set_up))


def refund(
    paid: Quote,
    *,
    on: date,
    allowance: Allowance | None = None,
    rule: RefundRule | None = None,
) -> Refund:
    """Return the refund of a paid quote whose term ends early (H16).

    Args:
        paid: the quote that was paid.
        on: the day on which the term ends.
        allowance: the minutes of the term and how many are used. Only a rule that refunds bundles
            by minutes needs it (F 4.6).
        rule: how the refund is computed; by default the rule of the offer.

    Raises:
        OutsideTerm: the day is not in the quote's term.
        AllowanceNeeded: the rule refunds bundles by minutes, and no allowance was passed.
        InvalidValue: the allowance grants fewer minutes than the quote.

    >>> from channelplans.money import EUR
    >>> from channelplans.offers import SKYPE_CONNECT
    >>> tariff = Tariff("made up", EUR, channel="6.95", bundle="10", minute="0.021")
    >>> paid = quote(SKYPE_CONNECT.plan(channels=100), tariff, on=date(2026, 1, 5))
    >>> print(refund(paid, on=date(2026, 1, 15)).returned)
    463.33 EUR
    """
    rule = instance("paid", paid, Quote).plan.offer.refund if rule is None else rule
    return Refund(paid, on, allowance, rule)


def _moves_money(effect: ChangeEffect, *, above_paid: int, above_old: int) -> bool:
    """Return whether a change of quantity is charged or refunded.

    A larger quantity is charged only above the paid quantity, a smaller one refunded only below it.
    """
    if effect is ChangeEffect.NO_CHARGE or above_paid * above_old <= 0:
        return False
    return above_paid > 0 or effect is ChangeEffect.PRORATE


def _difference_line(paid: Quote, item: Item, count: int, term: Term, effect: ChangeEffect) -> Line:
    """Return the line that brings an item from the paid quantity to a new quantity."""
    tariff, whole = paid.tariff, paid.plan.offer.term.whole(paid.term)
    lines = [line for line in paid.lines if line.item is item]
    paid_count = sum(line.quantity for line in lines)
    # Round the day's changes as one sum: price the whole day, then subtract its earlier lines.
    same_day = list(takewhile(lambda line: line.term == term, reversed(lines)))
    count_before_day = paid_count - sum(line.quantity for line in same_day)
    full_price = tariff.units(item, count) - tariff.units(item, count_before_day)
    price_of_day = _prorate(full_price, term.days, whole.days)
    difference = price_of_day - sum(line.total.minor for line in same_day)
    paid_amount = sum(line.total.minor for line in lines)
    lowest = 0 if effect is ChangeEffect.CHARGE_FULL else -paid_amount
    total = Money(minor=max(difference, lowest), currency=tariff.currency)
    return Line(item, count - paid_count, tariff.unit(item), total, term)


def _prorate(minor: int, days: int, whole_days: int) -> int:
    return round_ratio(minor * days, whole_days, Rounding.HALF_UP)
