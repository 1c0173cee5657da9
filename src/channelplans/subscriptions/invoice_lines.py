"""The lines of an invoice, computed from the decisions and transfers that they belong to.

The lines of a decision always add up to its postings. A posting that no quote, refund or call
explains, such as tax that the application added, has a line with its reason and reference. How
lines become an invoice is not known here.
"""

from collections.abc import Hashable, Iterator, Sequence
from datetime import date, timedelta
from decimal import Decimal
from types import MappingProxyType
from typing import Final

import attrs

from channelplans._constructors import checked
from channelplans._display import RecordsMixin, clock
from channelplans.calendar import Days, Term, days_after
from channelplans.calls import Call, Charge, Payer
from channelplans.errors import cut, quoted
from channelplans.money import Money
from channelplans.pricing import Line
from channelplans.subscriptions.decisions import Decision, Transfer
from channelplans.subscriptions.identifiers import ProfileId
from channelplans.subscriptions.subscription import Action
from channelplans.subscriptions.wallets import Posting, Reason, Wallet
from channelplans.tariffs import Item

__all__ = ["InvoiceLine"]

#: The reasons of postings that are not on an invoice: they move credit, and charge nothing.
_NOT_CHARGED: Final = frozenset({Reason.DEPOSIT, Reason.BONUS, Reason.TRANSFER, Reason.EXPIRY})

#: The reason of the posting that pays for the quote of an action.
_SALES: Final = MappingProxyType(
    {
        Action.BUY: Reason.SUBSCRIPTION,
        Action.CHANGE: Reason.SUBSCRIPTION,
        Action.RENEW: Reason.RENEWAL,
    }
)

#: The items whose price is for a number of days. Fees do not depend on days.
_PER_TERM: Final = (Item.CHANNELS, Item.BUNDLES)


@checked
@attrs.frozen(repr=False)
class InvoiceLine(RecordsMixin):
    """A quantity of an item that a profile was charged or refunded.

    Attributes:
        value_date: the value date of the postings. For calls, the value date of the first call.
        profile: the profile; None for a charge on the account's wallet without a subscription.
        reason: the reason for the postings. The account paid for OVERAGE, the profile for CALL.
        item: the item of the quote, such as ``channels``. For calls, the destination. For other
            postings, the reference; None if the posting has no reference.
        quantity: how many; for calls, the number of calls. A refund has a negative quantity.
        price: the price of a single item, or of a minute of the calls, in whole units of the
            currency. None if a ladder prices the quantity as a whole, or if the calls have several
            prices.
        amount: the amount charged. A refund has a negative amount.
        term: the days that the line pays for. For calls, it starts on the day of the first call,
            and the last call began on its last day. None if the posting has no term.
        price_days: the days that the price pays for. The price of a term with fewer days is
            prorated. None if the price does not depend on days.
        duration: the charged length of the calls; None for all other lines.
        booked_on: the day of booking; None if that is the value date.

    >>> from datetime import date
    >>> from decimal import Decimal
    >>> from channelplans import EUR, Money, Reason
    >>> from channelplans.subscriptions import InvoiceLine
    >>> line = InvoiceLine(
    ...     value_date=date(2026, 1, 5),
    ...     profile="berlin",
    ...     reason=Reason.RENEWAL,
    ...     item="channels",
    ...     quantity=12,
    ...     price=Decimal("6.95"),
    ...     amount=Money.of("83.40", EUR),
    ... )
    >>> print(line)
    2026-01-05 profile 'berlin': renewal, 12 channels at 6.95, 83.40 EUR
    """

    value_date: date
    profile: ProfileId | None
    reason: Reason
    item: str | None
    quantity: int
    price: Decimal | None
    amount: Money
    term: Term | None = None
    price_days: int | None = None
    duration: timedelta | None = None
    booked_on: date | None = None

    def to_records(self) -> list[dict[str, object]]:
        """Return the line as one plain row."""
        return [
            {
                "value_date": self.value_date,
                "booked_on": self.booked_on or self.value_date,
                "profile": self.profile,
                "reason": self.reason.value,
                "item": self.item,
                "quantity": self.quantity,
                "seconds": None if self.duration is None else self.duration.total_seconds(),
                "price": self.price,
                "price_days": self.price_days,
                "minor": self.amount.minor,
                "amount": self.amount.amount,
                "currency": self.amount.currency.code,
                "term_start": self.term and self.term.start,
                "term_end": self.term and self.term.end,
            }
        ]

    def _describe(self) -> tuple[str]:
        profile = "" if self.profile is None else f" profile {quoted(self.profile)}"
        item = f"{self.quantity} {_item_text(self)}".rstrip()
        price = f" at {_price_text(self)}" if self.price is not None else ""
        parts = (self.reason.value, f"{item}{price}", _term_text(self), str(self.amount))
        return (f"{self.value_date}{profile}: {', '.join(filter(None, parts))}",)


def line_cells(line: InvoiceLine) -> tuple[str, ...]:
    """Return the cells of a line in the table of an invoice; long names are cut."""
    origin = (str(line.value_date), cut(line.profile or ""), line.reason.value)
    quantity, amount = str(line.quantity), f"{line.amount.amount:f}"
    return (*origin, _item_text(line), quantity, _price_text(line), _term_text(line), amount)


def _item_text(line: InvoiceLine) -> str:
    item = cut(line.item or "")
    if line.duration is not None:
        item = f"calls to {item}, {clock(line.duration)}"
    booked = "" if line.booked_on is None else f"booked on {line.booked_on}"
    return ", ".join(filter(None, (item, booked)))


def _price_text(line: InvoiceLine) -> str:
    per_minute = "" if line.duration is None else " a minute"
    return "" if line.price is None else f"{line.price:f}{per_minute}"


def _term_text(line: InvoiceLine) -> str:
    if line.term is None or line.price_days in (None, line.term.days):
        return str(line.term or "")
    return f"{line.term} ({line.term.days} of {line.price_days} days)"


@attrs.frozen
class _Part:
    """The posting that an action books, and the lines that explain it."""

    wallet: Wallet
    reason: Reason
    reference: str
    lines: tuple[InvoiceLine, ...]

    @property
    def minor(self) -> int:
        """The amount of the posting in smallest units; 0 if there is no posting."""
        return -sum(line.amount.minor for line in self.lines)

    def find_posting(self, postings: Sequence[Posting]) -> Posting | None:
        """Return the first of the postings that this part explains."""
        expected = (self.wallet, self.reason, self.reference, self.minor)
        for posting in postings:
            booked = (posting.wallet, posting.reason, posting.reference, posting.amount.minor)
            if booked == expected:
                return posting
        return None


def decision_lines(decision: Decision | Transfer) -> Iterator[InvoiceLine]:
    """Yield lines that add up to the charges and refunds among the postings of a decision."""
    postings = [posting for posting in decision.postings if posting.reason not in _NOT_CHARGED]
    for part in _parts(decision) if isinstance(decision, Decision) else ():
        posting = part.find_posting(postings)
        if posting is not None:
            postings.remove(posting)
        # The application may have replaced the posting. Then the lines of the others are enough.
        if posting is not None or not part.minor:
            yield from part.lines
    yield from (_posting_line(decision, posting) for posting in postings)


def _parts(decision: Decision) -> Iterator[_Part]:
    """Yield the refund, the sale and the charges of the call of a decision."""
    payer, reference = Wallet(decision.account), decision.after.id
    if decision.refund is not None:
        days = decision.refund.paid.full_term.days
        refunded = tuple(
            _quote_line(decision, Reason.REFUND, line.line, days, refunded=line.returned)
            for line in decision.refund.lines
            if line.returned
        )
        yield _Part(payer, Reason.REFUND, reference, refunded)
    if decision.action in _SALES:
        reason, lines = _sale(decision)
        days = decision.after.quote.full_term.days
        sold = tuple(_quote_line(decision, reason, line, days) for line in lines)
        yield _Part(payer, reason, reference, sold)
    if decision.call is not None:
        for charge in decision.call.charges:
            yield _call_part(decision, decision.call.call, charge)


def _sale(decision: Decision) -> tuple[Reason, tuple[Line, ...]]:
    """Return the lines that a decision sells, and the reason of their posting.

    A change within the term sells only the lines that it added to the quote.
    """
    before, after = decision.before, decision.after
    reason, lines = _SALES[decision.action], after.quote.lines
    if decision.action is not Action.CHANGE or decision.refund is not None or before is None:
        return reason, lines
    if before.term != after.term:  # the change renewed an unpaid subscription
        return Reason.RENEWAL, lines
    added = lines[len(before.quote.lines) :]
    return (Reason.REFUND if sum(line.minor for line in added) < 0 else reason), added


def _quote_line(
    decision: Decision, reason: Reason, line: Line, days: int, *, refunded: Money | None = None
) -> InvoiceLine:
    """Return the invoice line for a line of a quote, or for the refund of that line."""
    return InvoiceLine(
        value_date=decision.counts_from,
        profile=decision.after.profile,
        reason=reason,
        item=line.item.value,
        quantity=line.quantity if refunded is None else -line.quantity,
        price=None if line.unit is None else line.unit.amount,
        amount=line.total if refunded is None else -refunded,
        term=line.term,
        price_days=days if line.item in _PER_TERM else None,
        booked_on=_booked_on(decision),
    )


def _call_part(decision: Decision, call: Call, charge: Charge) -> _Part:
    account, profile = decision.account, decision.after.profile
    wallet, reason = Wallet(account, profile), Reason.CALL
    if charge.payer is Payer.ACCOUNT:
        wallet, reason = Wallet(account), Reason.OVERAGE
    line = InvoiceLine(
        value_date=decision.counts_from,
        profile=profile,
        reason=reason,
        item=call.destination,
        quantity=1,
        price=charge.rate.minute,
        amount=charge.amount,
        term=Term(call.day, days_after(call.day, Days(1))),
        duration=charge.duration,
        booked_on=_booked_on(decision),
    )
    return _Part(wallet, reason, call.id, (line,))


def _posting_line(decision: Decision | Transfer, posting: Posting) -> InvoiceLine:
    """Return the line for a posting that no quote, refund or call explains."""
    profile = posting.wallet.profile
    return InvoiceLine(
        value_date=decision.counts_from,
        profile=decision.after.profile if isinstance(decision, Decision) else profile,
        reason=posting.reason,
        item=posting.reference,
        quantity=1 if posting.amount.minor < 0 else -1,
        price=abs(posting.amount).amount,
        amount=-posting.amount,
        term=posting.term,
        booked_on=_booked_on(decision),
    )


def _booked_on(decision: Decision | Transfer) -> date | None:
    return None if decision.on == decision.counts_from else decision.on


def sum_calls(lines: Sequence[InvoiceLine]) -> tuple[InvoiceLine, ...]:
    """Return the lines, with one line for the calls of a profile to a destination by a payer."""
    groups: dict[Hashable, list[InvoiceLine]] = {}
    for number, line in enumerate(lines):
        call_key = (line.profile, line.reason, line.item, line.booked_on)
        groups.setdefault(number if line.duration is None else call_key, []).append(line)
    return tuple(group[0] if len(group) == 1 else _add_calls(group) for group in groups.values())


def _add_calls(calls: Sequence[InvoiceLine]) -> InvoiceLine:
    """Return one line for several calls; the first line has the earliest value date."""
    first, prices = calls[0], {line.price for line in calls}
    terms = [line.term for line in calls if line.term is not None]
    return attrs.evolve(
        first,
        quantity=len(calls),
        price=first.price if len(prices) == 1 else None,
        amount=sum((line.amount for line in calls), start=Money.zero(first.amount.currency)),
        term=Term(min(term.start for term in terms), max(term.end for term in terms)),
        duration=sum((line.duration for line in calls if line.duration), start=timedelta(0)),
    )
