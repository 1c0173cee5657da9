"""The price of a plan for a term, and the refund when the term ends early.

Each line of a quote has its own term, and its refund is computed from that term. This works for
every kind of change. This module does not know wallets or subscriptions.
"""

from collections.abc import Iterator
from datetime import date, timedelta
from fractions import Fraction
from itertools import takewhile
from typing import Final, cast

import attrs

from channelplans._checks import NUMBER_LIMIT, instance
from channelplans._constructors import checked, trusted
from channelplans._display import DisplayMixin, RecordsMixin, Table, clock
from channelplans.allowances import Allowance
from channelplans.calendar import Term, nth_term
from channelplans.errors import AllowanceNeeded, InvalidValue, OutsideTerm
from channelplans.money import (
    Currency,
    Money,
    Rounding,
    columns,
    make_money,
    round_ratio,
    same_currency,
    too_large,
)
from channelplans.plans import Plan, quantity_columns
from channelplans.rules import ChangeEffect, Notice, RefundBasis, RefundRule
from channelplans.tariffs import Item, Ladder, Tariff

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


# Enum members are looked up often; a module's own name is faster to find.
_CHANNELS: Final = Item.CHANNELS
_BUNDLES: Final = Item.BUNDLES
_BY_TIME: Final = RefundBasis.TIME
_NO_REFUND: Final = RefundBasis.NOTHING

#: The refunds that do not depend on the minutes used.
_WITHOUT_MINUTES: Final = (RefundBasis.TIME, RefundBasis.NOTHING)

#: The items that are priced for a term; fees are not.
_PRORATED: Final = (_CHANNELS, _BUNDLES)

#: The effects that keep the running term.
_WITHIN_TERM: Final = (ChangeEffect.PRORATE, ChangeEffect.CHARGE_FULL, ChangeEffect.NO_CHARGE)

# The largest plan would grant more minutes than a timedelta can hold.
_MAX_SECONDS: Final = timedelta.max // timedelta(seconds=1)


@checked
@attrs.frozen(repr=False)
class Line(RecordsMixin):
    """A quantity of an item for a term, with its price.

    Attributes:
        item: channels, bundles or a set-up fee.
        quantity: how many. A negative quantity reduces the quantity of earlier lines.
        unit_minor: the price of a single channel, bundle or set-up for a full term, in smallest
            units; None if a ladder prices the quantity as a whole.
        minor: the price of the line in smallest units. A negative price is a refund.
        currency: the currency of both prices.
        term: the days that the line pays for.
    """

    item: Item
    quantity: int
    unit_minor: int | None
    minor: int
    currency: Currency
    term: Term

    @property
    def unit(self) -> Money | None:
        """The price of a single channel, bundle or set-up; None if a ladder prices them all."""
        return None if self.unit_minor is None else make_money(self.unit_minor, self.currency)

    @property
    def total(self) -> Money:
        """The price of the line."""
        return make_money(self.minor, self.currency)

    def to_records(self) -> list[dict[str, object]]:
        """Return the line as one plain row.

        >>> from datetime import date
        >>> from channelplans import EUR, SKYPE_CONNECT, Tariff, quote
        >>> tariff = Tariff("made up", EUR, channel="6.95")
        >>> priced = quote(SKYPE_CONNECT.plan(channels=20), tariff, on=date(2026, 1, 5))
        >>> print(*priced.lines[0].to_records()[0])
        item quantity unit_minor unit minor amount currency term_start term_end
        """
        return [
            {
                "item": self.item.value,
                "quantity": self.quantity,
                **columns(unit=self.unit),
                "minor": self.minor,
                "amount": self.total.amount,
                "currency": self.currency.code,
                "term_start": self.term.start,
                "term_end": self.term.end,
            }
        ]

    def _describe(self) -> tuple[str]:
        unit = f" at {self.unit}" if self.unit is not None else ""
        return (f"{self.quantity} {self.item.value}{unit}, {self.term}: {self.total}",)


_trusted_line = trusted(Line)


@checked
@attrs.frozen(repr=False)
class Quote(RecordsMixin):
    """A plan priced by a tariff for a term. One confirmation buys all of it (H14).

    Attributes:
        plan: the channels and bundles that are sold.
        tariff: the prices.
        term: the days for which the plan is sold.
        anchor: the day from which the terms are counted. The first term begins on it, unless the
            terms align to another day.
        lines: the prices of channels, bundles and fees, and of changes within the term.

    Raises:
        CurrencyMismatch: a line is in another currency than the tariff.
        NotOffered: the plan has bundles, and the tariff has no price for them.
        InvalidValue: there are no lines, a line has days outside the term, the anchor is not a
            billing day, or the term is not one of the terms from the anchor.

    >>> from datetime import date
    >>> from channelplans import EUR, SKYPE_CONNECT, Tariff, quote
    >>> tariff = Tariff("made up", EUR, channel="6.95", bundle="10", minute="0.021")
    >>> plan = SKYPE_CONNECT.plan(channels=20, bundles=2)
    >>> print(quote(plan, tariff, on=date(2026, 1, 5)))
    20 channels and 2 bundles of 5,000 minutes, 2026-01-05 to 2026-02-04
    item      calculation   total
    --------  -----------  ------
    channels    20 x 6.95  139.00
    bundles     2 x 10.00   20.00
    Total 159.00 EUR; renews on 2026-02-04.
    Not a telephone replacement: it cannot call emergency numbers.
    """

    plan: Plan
    tariff: Tariff
    term: Term
    anchor: date
    lines: tuple[Line, ...]

    def __attrs_post_init__(self) -> None:
        if not self.lines:
            raise InvalidValue("lines", "()", "at least one line")
        if self.plan.bundles:
            self.tariff.price_of(_BUNDLES)  # raises an error if the tariff sells no bundles
        for line in self.lines:
            same_currency(self.tariff.currency, line.currency)
            if line.term.start < self.term.start or self.term.end < line.term.end:
                raise InvalidValue("lines", str(line), f"lines within {self.term}")
        first_day = self.plan.offer.term.anchor(self.anchor)
        if self.anchor != first_day:
            expected = f"a day on which terms begin, such as {first_day}"
            raise InvalidValue("anchor", str(self.anchor), expected)
        full_term = self.full_term
        if self.term.end != full_term.end or self.term.start < full_term.start:
            expected = f"within {full_term}, which is a term from {self.anchor}, up to its end"
            raise InvalidValue("term", str(self.term), expected)

    @property
    def full_term(self) -> Term:
        """The term for which the prices hold; an aligned first term is the last part of it."""
        rule = self.plan.offer.term
        return rule.nth(self.anchor, rule.number_ending(self.anchor, self.term.end))

    @property
    def total(self) -> Money:
        """The price of all lines together."""
        minor = 0
        for line in self.lines:
            minor += line.minor
        return make_money(minor, self.tariff.currency)

    @property
    def notices(self) -> tuple[Notice, ...]:
        """The notices that the buyer must see, such as the missing emergency calls (H21)."""
        return self.plan.offer.notices

    @property
    def renews_on(self) -> date:
        """The next renewal date: the first day after the term (H8)."""
        return self.term.end

    def renewals(self) -> Iterator[date]:
        """Return an iterator over the due dates of renewals from the end of the term on (H8).

        The dates are computed from the anchor. Bought on 31 January for a month, a quote of the
        second term renews on 31 March.

        >>> from datetime import date
        >>> from itertools import islice
        >>> from channelplans import EUR, Tariff, quote
        >>> from channelplans.offers import OFFERS
        >>> plan = OFFERS["skype-connect-2011"].plan(channels=5)  # terms of a month
        >>> tariff = Tariff("made up", EUR, channel="6.95")
        >>> renewals = quote(plan, tariff, on=date(2026, 1, 31)).renewals()
        >>> [str(day) for day in islice(renewals, 3)]
        ['2026-02-28', '2026-03-31', '2026-04-30']
        """
        rule = self.plan.offer.term
        return rule.ends(self.anchor, rule.number_ending(self.anchor, self.term.end))

    @property
    def allowance(self) -> Allowance:
        """The minutes granted for the term, none of them used (H10).

        A line for a part of a term grants the same part of the minutes, rounded down to a second.
        No term grants more than a timedelta can hold, which is about 2.7 million years.
        """
        rule = self.plan.offer.bundle
        if rule is None:
            return Allowance(_NOTHING)
        minute_days = 0
        for line in self.lines:
            if line.item is _CHANNELS:
                minute_days += line.quantity * rule.included * line.term.days
            elif line.item is _BUNDLES:
                minute_days += line.quantity * rule.minutes * line.term.days
        seconds = min(60 * minute_days // self.full_term.days, _MAX_SECONDS)
        return Allowance(timedelta(seconds=seconds))

    def to_records(self) -> list[dict[str, object]]:
        """Return a plain row for each line, with the number of channels requested and sold.

        A row has the columns of the line, and ``requested``, ``granted`` and ``granted_reason``.
        """
        channels = quantity_columns(self.plan)
        return [{**row, **channels} for line in self.lines for row in line.to_records()]

    def _describe(self) -> tuple[str | Table, ...]:
        full_days = self.full_term.days
        headings: tuple[str, ...] = ("item", "term", "calculation", "total")
        rows: list[tuple[str, ...]] = [
            (
                line.item.value,
                str(line.term),
                _explain(line, earlier, self.tariff, full_days),
                f"{line.total.amount:f}",
            )
            for line, earlier in _with_earlier_quantity(self.lines)
        ]
        if all(line.term == self.term for line in self.lines):
            headings = ("item", "calculation", "total")
            rows = [(item, *amounts) for item, _, *amounts in rows]
        days = f" ({self.term.days} of {full_days} days)" if self.term.days != full_days else ""
        caption = f"{self.plan}, {self.term}{days}"
        return (
            Table(headings, tuple(rows), right=("calculation", "total"), caption=caption),
            f"Total {self.total}; renews on {self.renews_on}.",
            *map(str, self.notices),
        )


_trusted_quote = trusted(Quote)


@checked
@attrs.frozen(repr=False)
class RefundLine(DisplayMixin):
    """The refund of a quoted line, and the rest that the seller keeps.

    Attributes:
        line: the line of the paid quote.
        returned: the amount that is refunded.
        kept: the amount that the seller keeps; with ``returned``, it adds up to the line's total.
    """

    line: Line
    returned: Money
    kept: Money

    def _describe(self) -> tuple[str]:
        return (f"{self.line.item.value}: {self.returned} returned, {self.kept} kept",)


@checked
@attrs.frozen(repr=False)
class Refund(RecordsMixin):
    """The refund of a paid quote whose term ends early, line by line (H16).

    If the term ends before its first day, everything is refunded.

    Attributes:
        paid: the quote that was paid.
        on: the day on which the term ends.
        allowance: the minutes of the term and how many are used, if the rule needs them.
        rule: how the refund is computed.

    Raises:
        OutsideTerm: the day is not before the end of the quote's term.
        AllowanceNeeded: the rule refunds bundles by minutes, and ``allowance`` is None.
        InvalidValue: the allowance grants fewer minutes than the quote.
    """

    paid: Quote
    on: date
    allowance: Allowance | None
    rule: RefundRule

    def __attrs_post_init__(self) -> None:
        term = self.paid.term
        if self.on >= term.end:
            raise OutsideTerm("a refund", self.on, term.start, term.end)
        basis = self._basis_by_minutes()
        if basis is None or self._is_undone:
            return
        if self.allowance is None:
            raise AllowanceNeeded(basis.value)
        granted = self.paid.allowance.granted
        if self.allowance.granted < granted:
            expected = f"at least the {clock(granted)} that the quote grants"
            raise InvalidValue("allowance", str(self.allowance), expected)

    def _basis_by_minutes(self) -> RefundBasis | None:
        """Return the basis that needs the allowance, if a line has one."""
        for item, basis in ((_CHANNELS, self.rule.channels), (_BUNDLES, self.rule.bundles)):
            if basis not in _WITHOUT_MINUTES and any(line.item is item for line in self.paid.lines):
                return basis
        return None

    @property
    def lines(self) -> tuple[RefundLine, ...]:
        """The refund of each quoted line."""
        currency = self.paid.tariff.currency
        pairs = zip(self.paid.lines, self._refund_units(), strict=True)
        refunds = ((line, make_money(minor, currency)) for line, minor in pairs)
        return tuple(
            RefundLine(line, returned, line.total - returned) for line, returned in refunds
        )

    @property
    def returned(self) -> Money:
        """The refund of all lines together."""
        return make_money(sum(self._refund_units()), self.paid.tariff.currency)

    @property
    def kept(self) -> Money:
        """The part of the paid total that is not refunded."""
        return self.paid.total - self.returned

    @property
    def minutes(self) -> timedelta:
        """The included minutes for which money is refunded; nobody can use them any more.

        They are the same share of an item's minutes as the refund is of the item's price.
        """
        rule = self.paid.plan.offer.bundle
        if rule is None:
            return _NOTHING
        minute_days = Fraction(0)
        for item, minutes in ((_CHANNELS, rule.included), (_BUNDLES, rule.minutes)):
            lines = [line for line in self.lines if line.line.item is item]
            paid = sum(line.line.minor for line in lines)
            if paid > 0:
                granted = sum(line.line.quantity * line.line.term.days for line in lines) * minutes
                minute_days += Fraction(sum(line.returned.minor for line in lines), paid) * granted
        seconds = min(int(60 * minute_days / self.paid.full_term.days), _MAX_SECONDS)
        return timedelta(seconds=seconds)

    @property
    def _is_undone(self) -> bool:
        """Whether the term ends before its first day, as if it had never been bought."""
        return self.on < self.paid.term.start

    def _refund_units(self) -> list[int]:
        """Return the refund of each line, in units.

        The refunds of an item add up to their exact sum, rounded once. Each line gets the
        difference to the rounded sum of the lines before it.
        """
        if self._is_undone:
            return [line.minor for line in self.paid.lines]
        rule = self.rule
        # By item: the exact refund of the lines so far, as a fraction, and its rounded value.
        channels, bundles = [0, 1, 0], [0, 1, 0]
        refunds = []
        for line in self.paid.lines:
            if line.item is _CHANNELS:
                basis, sums = rule.channels, channels
            elif line.item is _BUNDLES:
                basis, sums = rule.bundles, bundles
            else:
                basis = _NO_REFUND
            if basis is _NO_REFUND:
                refunds.append(0)
                continue
            unused, whole = self._unused_part(basis, line.term)
            numerator, denominator, refunded = sums
            numerator = numerator * whole + line.minor * unused * denominator
            denominator *= whole
            rounded = round_ratio(numerator, denominator, rule.rounding) if numerator > 0 else 0
            refunds.append(rounded - refunded)
            sums[:] = numerator, denominator, rounded
        return refunds

    def _unused_part(self, basis: RefundBasis, term: Term) -> tuple[int, int]:
        """Return the part of a line that is refunded, as numerator and denominator."""
        unused_days = term.remaining(self.on) - self.rule.change_day_used
        if basis is _BY_TIME:
            return unused_days, (term.end - term.start).days
        part = self.allowance.unused if self.allowance else Fraction(0)
        if basis is RefundBasis.SMALLER:
            part = min(part, Fraction(unused_days, term.days))
        return part.as_integer_ratio()

    def to_records(self) -> list[dict[str, object]]:
        """Return a plain row for each quoted line.

        A row has the columns of the line, and the two amounts as ``returned_minor``, ``returned``,
        ``kept_minor`` and ``kept``.
        """
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
        caption = f"{self.paid.plan}, {self.paid.term}, ended on {self.on}"
        return (
            Table(headings, rows, right=headings[1:], caption=caption),
            f"Returned {self.returned}, kept {self.kept}.",
        )


def quote(
    plan: Plan,
    tariff: Tariff,
    *,
    on: date,
    replacing: Plan | None = None,
    align_to: date | None = None,
) -> Quote:
    """Return the price of a plan for its first term, which begins on a day (H1, H8, H11).

    Args:
        plan: the channels and bundles to price.
        tariff: the prices.
        on: the first day of the term.
        replacing: the plan that the new plan replaces, if any. Then only the added channels are
            charged a set-up fee.
        align_to: a day on which a term shall begin or end, such as the renewal date of another
            subscription. The first term then ends on the next day that lies whole terms before or
            after it, and its price shrinks in proportion.

    Raises:
        CalendarEnds: the term does not fit the calendar.
        InvalidValue: ``align_to`` is passed, but the offer has a billing day.
        NotOffered: the plan has bundles, and the tariff has no price for them.

    >>> from datetime import date
    >>> from channelplans import EUR, SKYPE_CONNECT, Tariff, quote
    >>> tariff = Tariff("made up", EUR, channel="9", channel_setup="2")
    >>> day = date(2026, 1, 5)
    >>> ten, more = SKYPE_CONNECT.plan(channels=10), SKYPE_CONNECT.plan(channels=15)
    >>> print(quote(more, tariff, on=day).total)  # 15 x 9 + 15 x 2
    165.00 EUR
    >>> print(quote(more, tariff, on=day, replacing=ten).total)  # 15 x 9 + 5 x 2
    145.00 EUR
    >>> aligned = quote(ten, tariff, on=day, align_to=date(2026, 2, 14))
    >>> print(aligned.lines[0])  # 10 x 9 for 10 of 30 days
    10 channels at 9.00 EUR, 2026-01-05 to 2026-01-15: 30.00 EUR
    """
    if type(plan) is not Plan:
        instance("plan", plan, Plan)
    if type(tariff) is not Tariff:
        instance("tariff", tariff, Tariff)
    rule = plan.offer.term
    if align_to is None:
        anchor, number = rule.anchor(on), 0
    else:
        anchor = rule.anchor_aligned_to(align_to, on)
        number = rule.number_containing(anchor, on)
    full_term = nth_term(anchor, rule.length, number, rule.billing_day)
    term = full_term if full_term.start == on else Term(on, full_term.end)
    setups, added_channels = 1, plan.channels
    if replacing is not None:
        setups, added_channels = 0, plan.channels - instance("replacing", replacing, Plan).channels
    lines = _price_lines(plan, tariff, term, full_term, setups, added_channels)
    return _trusted_quote(plan, tariff, term, anchor, lines)


def price_term(
    plan: Plan, tariff: Tariff, term: Term, anchor: date, *, added_channels: int = 0
) -> Quote:
    """Return the price of a plan for a term from an anchor, without the fee for a purchase.

    If fewer channels than before are sold, ``added_channels`` is negative, and costs nothing.
    """
    rule = plan.offer.term
    full_term = rule.nth(anchor, rule.number_ending(anchor, term.end))
    lines = _price_lines(plan, tariff, term, full_term, 0, added_channels)
    return _trusted_quote(plan, tariff, term, anchor, lines)


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
        plan: the new plan, of the same offer.
        on: the day of the change.
        effect: ``PRORATE``, ``CHARGE_FULL`` or ``NO_CHARGE``.

    Raises:
        OutsideTerm: the day is not in the quote's term.
        InvalidValue: the effect does not keep the running term, or the plan is of another offer.

    >>> from datetime import date
    >>> from channelplans import EUR, SKYPE_CONNECT, ChangeEffect, Tariff
    >>> from channelplans import amend_quote, quote
    >>> tariff = Tariff("made up", EUR, channel="9", bundle="10", minute="0")
    >>> paid = quote(SKYPE_CONNECT.plan(channels=10), tariff, on=date(2026, 1, 5))
    >>> more, day = SKYPE_CONNECT.plan(channels=15), date(2026, 1, 15)
    >>> print(amend_quote(paid, more, on=day, effect=ChangeEffect.PRORATE).lines[1])
    5 channels at 9.00 EUR, 2026-01-15 to 2026-02-04: 30.00 EUR
    """
    if on not in instance("paid", paid, Quote).term:
        raise OutsideTerm("a change", on, paid.term.start, paid.term.end)
    if instance("plan", plan, Plan).offer != paid.plan.offer:
        raise InvalidValue("plan", f"of {plan.offer!r}", f"of {paid.plan.offer!r}")
    if instance("effect", effect, ChangeEffect) not in _WITHIN_TERM:
        expected = "prorate, charge full or no charge; quote() prices a new term"
        raise InvalidValue("effect", effect.value, expected)
    charged_term = Term(on, paid.term.end) if effect is ChangeEffect.PRORATE else paid.term
    paid_counts = {
        item: sum(line.quantity for line in paid.lines if line.item is item) for item in Item
    }
    changes = (
        (_CHANNELS, paid.plan.channels, plan.channels),
        (_BUNDLES, paid.plan.bundles, plan.bundles),
    )
    differences = [
        _difference_line(paid, item, count, charged_term, effect)
        for item, old_count, count in changes
        if _moves_money(effect, above_paid=count - paid_counts[item], above_old=count - old_count)
    ]
    channels_set_up = max(paid_counts[_CHANNELS], paid.plan.channels)
    fees = _fee_lines(paid.tariff, paid.term, 0, plan.channels - channels_set_up)
    lines = (*paid.lines, *differences, *fees)
    return _trusted_quote(plan, paid.tariff, paid.term, paid.anchor, lines)


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
        on: the day on which the term ends. Before the first day of the term, everything is
            refunded, set-up fees included.
        allowance: the minutes of the term and how many are used. Only a rule that refunds bundles
            by minutes needs it (F 4.6).
        rule: how the refund is computed; by default the rule of the offer.

    Raises:
        OutsideTerm: the day is not before the end of the quote's term.
        AllowanceNeeded: the rule refunds bundles by minutes, and no allowance was passed.
        InvalidValue: the allowance grants fewer minutes than the quote.

    >>> from datetime import date
    >>> from channelplans import EUR, SKYPE_CONNECT, Tariff, quote, refund
    >>> tariff = Tariff("made up", EUR, channel="6.95", bundle="10", minute="0.021")
    >>> paid = quote(SKYPE_CONNECT.plan(channels=100), tariff, on=date(2026, 1, 5))
    >>> print(refund(paid, on=date(2026, 1, 15)).returned)
    463.33 EUR
    """
    if rule is None:
        rule = instance("paid", paid, Quote).plan.offer.refund
    return Refund(paid, on, allowance, rule)


def _price_lines(
    plan: Plan, tariff: Tariff, term: Term, full_term: Term, setups: int, added_channels: int
) -> tuple[Line, ...]:
    lines: tuple[Line, ...] = (_price_line(_CHANNELS, plan.channels, tariff, term, full_term),)
    if plan.bundles:
        lines = (*lines, _price_line(_BUNDLES, plan.bundles, tariff, term, full_term))
    if tariff.setup or tariff.channel_setup:
        lines = (*lines, *_fee_lines(tariff, term, setups, added_channels))
    return lines


def _price_line(item: Item, count: int, tariff: Tariff, term: Term, full_term: Term) -> Line:
    price, currency = tariff.price_of(item), tariff.currency
    if isinstance(price, Ladder):
        unit_minor, minor = None, price.units(count, currency)
    else:
        unit_minor = price.minor
        minor = count * unit_minor
    if term is not full_term:
        minor = _prorate(minor, term.days, full_term.days)
    if minor >= NUMBER_LIMIT:
        raise too_large(currency)
    return _trusted_line(item, count, unit_minor, minor, currency, term)


def _fee_lines(tariff: Tariff, term: Term, setups: int, added_channels: int) -> list[Line]:
    """Return a line for each set-up fee that the tariff has and that is due."""
    fees = ((Item.SETUP, setups), (Item.CHANNEL_SETUP, added_channels))
    lines = (_price_line(item, count, tariff, term, term) for item, count in fees if count > 0)
    return [line for line in lines if line.unit_minor]


def _moves_money(effect: ChangeEffect, *, above_paid: int, above_old: int) -> bool:
    """Return whether a change of quantity is charged or refunded.

    A larger quantity is charged only above the paid quantity, a smaller one refunded only below it.
    """
    if effect is ChangeEffect.NO_CHARGE or above_paid * above_old <= 0:
        return False
    return above_paid > 0 or effect is ChangeEffect.PRORATE


def _difference_line(paid: Quote, item: Item, count: int, term: Term, effect: ChangeEffect) -> Line:
    """Return the line that brings an item from the paid quantity to a new quantity."""
    tariff, full_days = paid.tariff, paid.full_term.days
    lines = [line for line in paid.lines if line.item is item]
    paid_count = sum(line.quantity for line in lines)
    # Round the day's changes as one sum: price the whole day, then subtract its earlier lines.
    same_day = list(takewhile(lambda line: line.term == term, reversed(lines)))
    count_before_day = paid_count - sum(line.quantity for line in same_day)
    full_price = tariff.units(item, count) - tariff.units(item, count_before_day)
    price_of_day = _prorate(full_price, term.days, full_days)
    difference = price_of_day - sum(line.minor for line in same_day)
    paid_amount = sum(line.minor for line in lines)
    lowest = 0 if effect is ChangeEffect.CHARGE_FULL else -paid_amount
    price = tariff.price_of(item)
    unit_minor = None if isinstance(price, Ladder) else price.minor
    minor = max(difference, lowest)
    return Line(item, count - paid_count, unit_minor, minor, tariff.currency, term)


def _prorate(minor: int, days: int, whole_days: int) -> int:
    return round_ratio(minor * days, whole_days, Rounding.HALF_UP)


def _with_earlier_quantity(lines: tuple[Line, ...]) -> Iterator[tuple[Line, int]]:
    """Yield each line and the quantity of the item's lines before it."""
    quantities = dict.fromkeys(Item, 0)
    for line in lines:
        yield line, quantities[line.item]
        quantities[line.item] += line.quantity


def _explain(line: Line, earlier_quantity: int, tariff: Tariff, full_days: int) -> str:
    """Return the calculation of a line, such as ``7 x 3.00 for 22 of 31 days``."""
    if line.unit is not None:
        calculation = f"{line.quantity} x {line.unit.amount:f}"
    elif earlier_quantity:
        calculation = f"{earlier_quantity + line.quantity} instead of {earlier_quantity}"
    else:
        ladder = cast(Ladder, tariff.price_of(line.item))
        calculation = ladder.explain(line.quantity, tariff.currency)
    prorated = line.item in _PRORATED and line.term.days != full_days
    return f"{calculation} for {line.term.days} of {full_days} days" if prorated else calculation
