"""Lots of credit as a reading of a ledger: what is left of each sum that came in, and who took it.

A purse holds one balance, and nothing that moves money knows of lots. They are read from all
postings of a purse, in the order of booking: what comes in opens a lot, what goes out is drawn from
the lots that there are. A rule says how long the lots of a reason last and which come first. An
expiry is an ordinary posting, so that the lots always add up to the balance.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Final

import attrs

from channelplans.calendar import Days, Months, days_after
from channelplans.checks import checked, civil_day, instance, several
from channelplans.errors import InvalidValue
from channelplans.ledger import Posting, Reason, Statement, short
from channelplans.money import Money, columns
from channelplans.tables import Described

__all__ = ["Draw", "Lot", "LotRule", "Payment", "expiries", "open_lots", "payments"]

_USES: Final = frozenset({Reason.SUBSCRIPTION, Reason.RENEWAL, Reason.OVERAGE, Reason.CALL})


@attrs.frozen(field_transformer=checked)
class LotRule(Described):
    """How long what comes in for a reason lasts, and when it is drawn.

    Attributes:
        reason: which lots it is for: those bought, given as a bonus, refunded or moved here.
        lasts: how long they last; None is for ever.
        since_use: whether that is counted anew from each use of the purse, a charge for a
            subscription or a call. Otherwise it is from the day on which they came in.
        priority: those of a lower number are drawn first, and among them what expires first.

    Raises:
        InvalidValue: there is nothing to count anew.

    >>> print(LotRule(Reason.BONUS, Months(3), priority=-1))
    bonus: lasts 3 months, priority -1
    """

    reason: Reason
    lasts: Days | Months | None = None
    since_use: bool = False
    priority: int = 0

    def __attrs_post_init__(self) -> None:
        if self.since_use and self.lasts is None:
            raise InvalidValue("lasts", "None", "a length, to be counted from each use")

    def _describe(self) -> tuple[str]:
        lasts = "for ever" if self.lasts is None else str(self.lasts)
        since = " since the latest use" if self.since_use else ""
        return (f"{self.reason.value}: lasts {lasts}{since}, priority {self.priority}",)


@attrs.frozen(field_transformer=checked)
class Lot(Described):
    """What is left of a sum that came in.

    Attributes:
        posting: what brought it; its reason says whether it was bought, a bonus or a refund.
        expires: the first day on which it should no longer be there; None is never.
        priority: lots of a lower number are drawn first.
        left: how much of it is left.
    """

    posting: Posting
    expires: date | None
    priority: int
    left: Money

    def expired(self, on: date) -> bool:
        """Return whether its time is over on a day."""
        return self.expires is not None and self.expires <= civil_day("on", on)

    def to_records(self) -> list[dict[str, object]]:
        """Return the lot as one plain row: its posting's, and what is left."""
        (row,) = self.posting.to_records()
        lot = {"expires": self.expires, "priority": self.priority}
        return [{**row, **lot, **columns(left=self.left)}]

    def _describe(self) -> tuple[str]:
        until = f", until {self.expires}" if self.expires else ""
        return (f"{self.left} left of {self.posting}{until}",)


@attrs.frozen(field_transformer=checked)
class Draw(Described):
    """What a payment took from a lot, which is named by the posting that brought it."""

    lot: Posting
    amount: Money

    def _describe(self) -> tuple[str]:
        return (f"{self.amount} of {self.lot}",)


@attrs.frozen(field_transformer=checked)
class Payment(Described):
    """A posting that took money from a purse, and the lots that it took it from."""

    posting: Posting
    draws: tuple[Draw, ...]

    def to_records(self) -> list[dict[str, object]]:
        """Return a plain row for each lot that was drawn from."""
        (row,) = self.posting.to_records()
        return [
            {
                **row,
                "lot_on": draw.lot.on,
                "lot_reason": draw.lot.reason.value,
                "lot_reference": draw.lot.reference,
                **columns(drawn=draw.amount),
            }
            for draw in self.draws
        ]

    def _describe(self) -> tuple[str, ...]:
        return (str(self.posting), *(f"  {draw}" for draw in self.draws))


def open_lots(
    postings: Sequence[Posting], rules: Sequence[LotRule] = (), *, on: date
) -> tuple[Lot, ...]:
    """Return the lots that hold something at the end of a day, the next to be drawn first.

    All postings of one purse are given, from its first, in the order of booking; those of later
    days are not read. Lots are drawn by priority, then by which expires first, then by which came
    first. What comes in for a reason without a rule lasts for ever, with priority 0. A lot whose
    time is over is drawn after all others, until its expiry is booked.

    Raises:
        InvalidValue: the postings are of several purses, or two rules of one reason.
        CurrencyMismatch: the postings are in several currencies.
        InsufficientCredit: more went out than came in, so that some postings are missing.

    >>> from channelplans.ledger import Purse
    >>> from channelplans.money import EUR
    >>> acme, day = Purse("acme"), date(2026, 1, 5)
    >>> postings = (
    ...     Posting(acme, Money.of("50", EUR), Reason.DEPOSIT, day),
    ...     Posting(acme, Money.of("10", EUR), Reason.BONUS, day),
    ...     Posting(acme, Money.of("-12.50", EUR), Reason.SUBSCRIPTION, day),
    ... )
    >>> rules = (LotRule(Reason.BONUS, Months(3)),)
    >>> print(*open_lots(postings, rules, on=day), sep="; ")
    47.50 EUR left of 2026-01-05 account acme: +50.00 EUR, deposit
    """
    civil_day("on", on)
    opened, _ = _read(postings, rules, on)
    return tuple(lot.frozen() for lot in sorted(opened, key=lambda lot: lot.order(on)))


def payments(postings: Sequence[Posting], rules: Sequence[LotRule] = ()) -> tuple[Payment, ...]:
    """Return what each posting that took money was paid from, in the order of booking.

    Raises:
        InvalidValue, CurrencyMismatch, InsufficientCredit: as ``open_lots``.

    >>> from channelplans.ledger import Purse
    >>> from channelplans.money import EUR
    >>> acme, day = Purse("acme"), date(2026, 1, 5)
    >>> postings = (
    ...     Posting(acme, Money.of("50", EUR), Reason.DEPOSIT, day),
    ...     Posting(acme, Money.of("10", EUR), Reason.BONUS, day),
    ...     Posting(acme, Money.of("-12.50", EUR), Reason.SUBSCRIPTION, day),
    ... )
    >>> print(*payments(postings, (LotRule(Reason.BONUS, Months(3)),)))
    2026-01-05 account acme: -12.50 EUR, subscription
      10.00 EUR of 2026-01-05 account acme: +10.00 EUR, bonus
      2.50 EUR of 2026-01-05 account acme: +50.00 EUR, deposit
    """
    _, paid = _read(postings, rules, date.max)
    return tuple(Payment(owed.posting, tuple(owed.draws)) for owed in paid)


def expiries(
    postings: Sequence[Posting], rules: Sequence[LotRule], *, on: date
) -> tuple[Posting, ...]:
    """Return the postings that take the lots whose time is over on a day from their purse.

    All postings are read, so that what a later day paid from such a lot is not taken again. Once
    they are booked, none are due any more. The reference is the transfer to book each by, and names
    the lot: the second that ``s-1`` brought expires as ``expiry of s-1, lot 2``. It is None where
    what brought the lot has none.

    Raises:
        InvalidValue, CurrencyMismatch, InsufficientCredit: as ``open_lots``.

    >>> from channelplans.ledger import Purse
    >>> from channelplans.money import EUR
    >>> acme, ten = Purse("acme"), Money.of("10", EUR)
    >>> given = Posting(acme, ten, Reason.BONUS, date(2026, 1, 5), reference="b-1")
    >>> (due,) = expiries([given], [LotRule(Reason.BONUS, Months(3))], on=date(2026, 4, 5))
    >>> print(due, due.reference, sep="; ")
    2026-04-05 account acme: -10.00 EUR, expiry; expiry of b-1, lot 1
    """
    civil_day("on", on)
    opened, _ = _read(postings, rules, date.max)
    due = sorted((lot for lot in opened if lot.expired(on)), key=lambda lot: lot.order(on))
    return tuple(lot.expiry(on) for lot in due)


@attrs.define
class _Open:
    """A lot while the postings are read."""

    posting: Posting
    number: int
    rule: LotRule
    expires: date | None
    left: int

    def expired(self, on: date) -> bool:
        return self.expires is not None and self.expires <= on

    def order(self, on: date, reason: Reason | None = None) -> tuple[bool, int, date]:
        """Return what it is sorted by among the lots of a day, the first to be drawn first."""
        expired_first = reason is Reason.EXPIRY
        rank = self.expired(on) is not expired_first
        return rank, self.rule.priority, self.expires or date.max

    def frozen(self) -> Lot:
        left = Money(self.left, self.posting.amount.currency)
        return Lot(self.posting, self.expires, self.rule.priority, left)

    def expiry(self, on: date) -> Posting:
        posting, left = self.posting, Money(self.left, self.posting.amount.currency)
        name = posting.reference and f"expiry of {posting.reference}, lot {self.number}"
        return Posting(posting.purse, -left, Reason.EXPIRY, on, reference=name)


@attrs.define
class _Owed:
    """A payment while the postings are read."""

    posting: Posting
    left: int
    draws: list[Draw]


def _read(
    postings: Sequence[Posting], rules: Sequence[LotRule], on: date
) -> tuple[list[_Open], list[_Owed]]:
    """Return the lots that hold something at the end of a day, and what was paid until then.

    A settlement may book what it pays before what it receives: that is paid once it is there.
    """
    by_reason = _by_reason(rules)
    brought: Counter[str | None] = Counter()
    opened: list[_Open] = []
    paid: list[_Owed] = []
    owing: list[_Owed] = []
    for posting in _of_one_purse(postings):
        if posting.on > on:
            continue
        if posting.amount.minor > 0:
            brought[posting.reference] += 1
            number = brought[posting.reference]
            opened.append(_open(posting, number, by_reason.get(posting.reason)))
        else:
            paid.append(_Owed(posting, -posting.amount.minor, []))
            owing.append(paid[-1])
        for payment in owing:
            _draw(payment, opened)
        opened = [lot for lot in opened if lot.left]
        owing = [payment for payment in owing if payment.left]
        if posting.reason in _USES:
            _use(opened, by_reason, posting.on)
    if owing:
        posting = owing[0].posting
        missing = Money(owing[0].left, posting.amount.currency)
        raise short(posting.purse, needed=-posting.amount, available=-posting.amount - missing)
    return opened, paid


def _draw(payment: _Owed, opened: list[_Open]) -> None:
    """Take what is owed from the lots in their order, as far as they reach."""
    on, reason = payment.posting.on, payment.posting.reason
    for lot in sorted(opened, key=lambda lot: lot.order(on, reason)):
        drawn = min(lot.left, payment.left)
        if drawn:
            amount = Money(drawn, lot.posting.amount.currency)
            payment.draws.append(Draw(lot.posting, amount))
            lot.left -= drawn
            payment.left -= drawn


def _use(opened: list[_Open], rules: Mapping[Reason, LotRule], on: date) -> None:
    """Count anew the time of lots whose rule says so, where it is not over."""
    until = {
        rule.reason: days_after(on, rule.lasts)
        for rule in rules.values()
        if rule.lasts and rule.since_use
    }
    for lot in opened:
        expires = until.get(lot.posting.reason)
        if expires and lot.expires and not lot.expired(on):
            lot.expires = max(lot.expires, expires)


def _open(posting: Posting, number: int, rule: LotRule | None) -> _Open:
    rule = rule or LotRule(posting.reason)
    expires = None if rule.lasts is None else days_after(posting.on, rule.lasts)
    return _Open(posting, number, rule, expires, posting.amount.minor)


def _by_reason(rules: Sequence[LotRule]) -> dict[Reason, LotRule]:
    known: dict[Reason, LotRule] = {}
    for rule in several("rules", rules, lambda name, each: instance(name, each, LotRule)):
        if rule.reason in known:
            raise InvalidValue("rules", f"two for {rule.reason.value}", "one for each reason")
        known[rule.reason] = rule
    return known


def _of_one_purse(postings: Sequence[Posting]) -> tuple[Posting, ...]:
    each = several("postings", postings, lambda name, value: instance(name, value, Posting))
    if each:
        Statement(each[0].purse, Money(0, each[0].amount.currency), each)
    return each
