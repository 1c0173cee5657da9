"""Which deposit, bonus or refund paid for which charge, and which credit expires.

A wallet has one balance; lots are computed from its postings, in the order of booking. A receipt
opens a lot, and a payment draws from the open lots. A rule for each reason says when lots expire
and which lots are drawn first. An expiry is an ordinary posting, so the lots add up to the balance.
"""

from collections import Counter
from collections.abc import Sequence
from datetime import date
from typing import Final

import attrs

from channelplans._checks import civil_day, instance, several
from channelplans._constructors import checked
from channelplans._display import DisplayMixin
from channelplans.calendar import Days, Months, days_after
from channelplans.errors import InvalidValue
from channelplans.money import Money, columns
from channelplans.subscriptions.wallets import Posting, Reason, Statement, insufficient_credit

__all__ = ["Draw", "Lot", "LotRule", "Payment", "expiries", "open_lots", "payments"]

_USES: Final = frozenset({Reason.SUBSCRIPTION, Reason.RENEWAL, Reason.OVERAGE, Reason.CALL})


@checked
@attrs.frozen(repr=False)
class LotRule(DisplayMixin):
    """When the lots of one reason expire, and in which order they are drawn.

    Attributes:
        reason: the reason of the postings that open these lots, such as DEPOSIT or BONUS.
        lasts: how long a lot lasts from its first day; None if it never expires.
        since_use: whether each charge for a subscription or a call restarts that time.
        priority: lots with a lower number are drawn first; among equals, the earliest to expire.

    Raises:
        InvalidValue: ``since_use`` is set, but the lots never expire.

    >>> print(LotRule(Reason.BONUS, Months(3), priority=-1))
    bonus: lasts 3 months, priority -1
    """

    reason: Reason
    lasts: Days | Months | None = None
    since_use: bool = False
    priority: int = 0

    def __attrs_post_init__(self) -> None:
        if self.since_use and self.lasts is None:
            raise InvalidValue("lasts", "None", "Days or Months if since_use is set")

    def _describe(self) -> tuple[str]:
        lasts = "for ever" if self.lasts is None else str(self.lasts)
        suffix = " since the latest use" if self.since_use else ""
        return (f"{self.reason.value}: lasts {lasts}{suffix}, priority {self.priority}",)


@checked
@attrs.frozen(repr=False)
class Lot(DisplayMixin):
    """The unused part of one deposit, bonus, refund or transfer.

    Attributes:
        posting: the posting that opened the lot.
        expires: the first day on which the lot is expired; None if it never expires.
        priority: lots with a lower number are drawn first.
        left: the amount that has not been drawn.
    """

    posting: Posting
    expires: date | None
    priority: int
    left: Money

    def expired(self, on: date) -> bool:
        """Return whether the lot is expired on a day."""
        return self.expires is not None and self.expires <= civil_day("on", on)

    def to_records(self) -> list[dict[str, object]]:
        """Return the lot as one plain row: the columns of its posting and the amount left."""
        (row,) = self.posting.to_records()
        terms = {"expires": self.expires, "priority": self.priority}
        return [{**row, **terms, **columns(left=self.left)}]

    def _describe(self) -> tuple[str]:
        expiry = f", until {self.expires}" if self.expires else ""
        return (f"{self.left} left of {self.posting}{expiry}",)


@checked
@attrs.frozen(repr=False)
class Draw(DisplayMixin):
    """The amount that a payment took from one lot; ``lot`` is the posting that opened the lot."""

    lot: Posting
    amount: Money

    def _describe(self) -> tuple[str]:
        return (f"{self.amount} of {self.lot}",)


@checked
@attrs.frozen(repr=False)
class Payment(DisplayMixin):
    """A posting that took money from a wallet, and the lots that paid it."""

    posting: Posting
    draws: tuple[Draw, ...]

    def to_records(self) -> list[dict[str, object]]:
        """Return a plain row for each lot that paid."""
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
    """Return the lots with credit left at the end of a day, in the order in which they are drawn.

    Pass all postings of one wallet, from the first, in the order of booking. Postings after the day
    are ignored. Lots are drawn by priority, then by the day on which they expire, then by age. A
    lot whose reason has no rule never expires and has priority 0. An expired lot is drawn after all
    others, until its expiry is booked.

    Raises:
        InvalidValue: the postings belong to several wallets, or two rules have the same reason.
        CurrencyMismatch: the postings are in several currencies.
        InsufficientCredit: the payments exceed the receipts, so some postings are missing.

    >>> from channelplans.subscriptions.wallets import Wallet
    >>> from channelplans.money import EUR
    >>> acme, day = Wallet("acme"), date(2026, 1, 5)
    >>> postings = (
    ...     Posting(acme, Money.of("50", EUR), Reason.DEPOSIT, day),
    ...     Posting(acme, Money.of("10", EUR), Reason.BONUS, day),
    ...     Posting(acme, Money.of("-12.50", EUR), Reason.SUBSCRIPTION, day),
    ... )
    >>> rules = (LotRule(Reason.BONUS, Months(3)),)
    >>> print(*open_lots(postings, rules, on=day), sep="; ")
    47.50 EUR left of 2026-01-05 account 'acme': +50.00 EUR, deposit
    """
    civil_day("on", on)
    lots, _ = _replay(postings, rules, on)
    return tuple(
        Lot(lot.posting, lot.expires, lot.rule.priority, lot.money_left)
        for lot in sorted(lots, key=lambda lot: lot.drawing_order(on))
    )


def payments(postings: Sequence[Posting], rules: Sequence[LotRule] = ()) -> tuple[Payment, ...]:
    """Return each posting that took money, with the lots that paid it, in the order of booking.

    Raises:
        InvalidValue, CurrencyMismatch, InsufficientCredit: see ``open_lots``.

    >>> from channelplans.subscriptions.wallets import Wallet
    >>> from channelplans.money import EUR
    >>> acme, day = Wallet("acme"), date(2026, 1, 5)
    >>> postings = (
    ...     Posting(acme, Money.of("50", EUR), Reason.DEPOSIT, day),
    ...     Posting(acme, Money.of("10", EUR), Reason.BONUS, day),
    ...     Posting(acme, Money.of("-12.50", EUR), Reason.SUBSCRIPTION, day),
    ... )
    >>> print(*payments(postings, (LotRule(Reason.BONUS, Months(3)),)))
    2026-01-05 account 'acme': -12.50 EUR, subscription
      10.00 EUR of 2026-01-05 account 'acme': +10.00 EUR, bonus
      2.50 EUR of 2026-01-05 account 'acme': +50.00 EUR, deposit
    """
    _, debits = _replay(postings, rules, date.max)
    return tuple(Payment(debit.posting, tuple(debit.draws)) for debit in debits)


def expiries(
    postings: Sequence[Posting], rules: Sequence[LotRule], *, on: date
) -> tuple[Posting, ...]:
    """Return the postings that take the credit that is expired on a day out of a wallet.

    Postings after the day are read too, so credit that was spent later does not expire as well.
    After the expiries are booked, the same call returns nothing. Book each expiry with
    ``expire_credit``, and pass its reference as ``transfer``. The reference names the lot:
    the second lot that ``s-1`` opened expires as ``expiry of s-1, lot 2``. It is None if the
    posting that opened the lot has no reference.

    Raises:
        InvalidValue, CurrencyMismatch, InsufficientCredit: see ``open_lots``.

    >>> from channelplans.subscriptions.wallets import Wallet
    >>> from channelplans.money import EUR
    >>> acme, ten = Wallet("acme"), Money.of("10", EUR)
    >>> bonus = Posting(acme, ten, Reason.BONUS, date(2026, 1, 5), reference="b-1")
    >>> (expiry,) = expiries([bonus], [LotRule(Reason.BONUS, Months(3))], on=date(2026, 4, 5))
    >>> print(expiry, expiry.reference, sep="; ")
    2026-04-05 account 'acme': -10.00 EUR, expiry; expiry of b-1, lot 1
    """
    civil_day("on", on)
    lots, _ = _replay(postings, rules, date.max)
    expired = [lot for lot in lots if lot.expired(on)]
    expired.sort(key=lambda lot: lot.drawing_order(on))
    return tuple(lot.expiry(on) for lot in expired)


@attrs.define
class _OpenLot:
    """A lot during the replay; ``number`` counts the lots with the same reference from 1."""

    posting: Posting
    number: int
    rule: LotRule
    expires: date | None
    left: int

    def expired(self, on: date) -> bool:
        return self.expires is not None and self.expires <= on

    @property
    def money_left(self) -> Money:
        return Money(minor=self.left, currency=self.posting.amount.currency)

    def drawing_order(self, on: date, reason: Reason | None = None) -> tuple[bool, int, date]:
        """Return the sort key of the lot for a payment on a day, smallest drawn first."""
        expired_first = reason is Reason.EXPIRY
        drawn_late = self.expired(on) is not expired_first
        return drawn_late, self.rule.priority, self.expires or date.max

    def expiry(self, on: date) -> Posting:
        origin = self.posting.reference
        reference = origin and f"expiry of {origin}, lot {self.number}"
        wallet = self.posting.wallet
        return Posting(wallet, -self.money_left, Reason.EXPIRY, on, reference=reference)


@attrs.define
class _Debit:
    """A payment during the replay; ``unpaid`` is the part that no lot has paid yet."""

    posting: Posting
    unpaid: int
    draws: list[Draw]


def _replay(
    postings: Sequence[Posting], rules: Sequence[LotRule], on: date
) -> tuple[list[_OpenLot], list[_Debit]]:
    """Return the lots with credit left at the end of a day, and all payments up to that day.

    A settlement may book a payment before the receipt that covers it, so a debit may wait for a
    later lot.
    """
    rule_of = _rules_by_reason(rules)
    lots_opened: Counter[str | None] = Counter()
    lots: list[_OpenLot] = []
    debits: list[_Debit] = []
    unpaid_debits: list[_Debit] = []
    for posting in _check_postings(postings):
        if posting.on > on:
            continue
        if posting.amount.minor > 0:
            lots_opened[posting.reference] += 1
            rule = rule_of.get(posting.reason) or LotRule(posting.reason)
            lots.append(_open_lot(posting, lots_opened[posting.reference], rule))
        else:
            debits.append(_Debit(posting, -posting.amount.minor, []))
            unpaid_debits.append(debits[-1])
        for debit in unpaid_debits:
            _pay(debit, lots)
        lots = [lot for lot in lots if lot.left]
        unpaid_debits = [debit for debit in unpaid_debits if debit.unpaid]
        if posting.reason in _USES:
            _postpone_expiry(lots, posting.on)
    if unpaid_debits:
        debit = unpaid_debits[0]
        needed = -debit.posting.amount
        available = needed - Money(minor=debit.unpaid, currency=needed.currency)
        raise insufficient_credit(debit.posting.wallet, needed=needed, available=available)
    return lots, debits


def _pay(debit: _Debit, lots: list[_OpenLot]) -> None:
    """Pay a debit from the lots in the order of drawing, until it is paid or the lots are empty."""
    on, reason = debit.posting.on, debit.posting.reason
    for lot in sorted(lots, key=lambda lot: lot.drawing_order(on, reason)):
        drawn = min(lot.left, debit.unpaid)
        if drawn:
            amount = Money(minor=drawn, currency=lot.posting.amount.currency)
            debit.draws.append(Draw(lot.posting, amount))
            lot.left -= drawn
            debit.unpaid -= drawn


def _postpone_expiry(lots: list[_OpenLot], on: date) -> None:
    """Restart the time of the lots that last since the latest use, unless they are expired."""
    for lot in lots:
        rule = lot.rule
        if rule.since_use and rule.lasts and lot.expires and not lot.expired(on):
            lot.expires = max(lot.expires, days_after(on, rule.lasts))


def _open_lot(posting: Posting, number: int, rule: LotRule) -> _OpenLot:
    expires = None if rule.lasts is None else days_after(posting.on, rule.lasts)
    return _OpenLot(posting, number, rule, expires, posting.amount.minor)


def _rules_by_reason(rules: Sequence[LotRule]) -> dict[Reason, LotRule]:
    by_reason: dict[Reason, LotRule] = {}
    for rule in several("rules", rules, lambda name, item: instance(name, item, LotRule)):
        if rule.reason in by_reason:
            raise InvalidValue("rules", f"two for {rule.reason.value}", "one for each reason")
        by_reason[rule.reason] = rule
    return by_reason


def _check_postings(postings: Sequence[Posting]) -> tuple[Posting, ...]:
    """Return the postings, all of one wallet and in one currency."""
    items = several("postings", postings, lambda name, item: instance(name, item, Posting))
    if items:
        first = items[0]
        Statement(first.wallet, Money(minor=0, currency=first.amount.currency), items)
    return items
