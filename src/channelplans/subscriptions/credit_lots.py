"""Which deposit, bonus or refund paid for which charge, and which credit expires.

A wallet has one balance; lots are computed from its postings, in the order of booking. A receipt
opens a lot, and a payment draws from the open lots. A refund returns to the lots that paid, and a
transfer carries parts of lots to another wallet. An expiry is an ordinary posting. So the lots,
less the debts that no lot has paid yet, add up to the balance.

``_lot_replay`` computes the lots, and ``_lot_merge`` puts the histories of wallets into one order.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date

import attrs

from channelplans._checks import civil_day, instance, several
from channelplans._constructors import checked
from channelplans._display import DisplayMixin, Part, RecordsMixin, fold
from channelplans.calendar import Days, Months
from channelplans.errors import InvalidValue, quoted
from channelplans.money import Money, columns, same_currency
from channelplans.subscriptions._lot_merge import merge_histories
from channelplans.subscriptions._lot_replay import AccountReplay, Debit, WalletReplay
from channelplans.subscriptions._lot_shelves import Piece
from channelplans.subscriptions.wallets import Posting, Reason, Wallet

__all__ = [
    "Draw",
    "Lot",
    "LotRule",
    "Payment",
    "expiries",
    "merge_wallets",
    "open_lots",
    "payments",
]


@checked
@attrs.frozen(repr=False)
class LotRule(DisplayMixin):
    """When the lots of one reason expire, and in which order they are drawn.

    Attributes:
        reason: the reason of the postings that open these lots, such as DEPOSIT or BONUS.
        lasts: how long a lot lasts from its first day; None if it never expires.
        since_use: whether each use of the wallet restarts that time. A use is any payment, such as
            a call or a one-off charge, but not a transfer or an expiry.
        priority: lots with a lower number are drawn first; among equals, the earliest to expire.

    Raises:
        InvalidValue: ``since_use`` is set, but the lots never expire.

    >>> from channelplans import Months, Reason
    >>> from channelplans.subscriptions import LotRule
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
class Lot(RecordsMixin):
    """The unused part of one deposit, bonus, refund or transfer in one wallet.

    Attributes:
        posting: the posting that opened the lot, maybe in another wallet.
        wallet: the wallet that holds this part now.
        expires: the first day on which the lot is expired; None if it never expires.
        priority: lots with a lower number are drawn first.
        left: the amount that has not been drawn.
    """

    posting: Posting
    wallet: Wallet
    expires: date | None
    priority: int
    left: Money

    def expired(self, on: date) -> bool:
        """Return whether the lot is expired on a day.

        Args:
            on: the civil day.
        """
        return self.expires is not None and self.expires <= civil_day("on", on)

    def to_records(self) -> list[dict[str, object]]:
        """Return the lot as one plain row: the columns of its posting and the amount left.

        ``held_by`` is the profile whose wallet holds the lot; None for the account's wallet.
        """
        (row,) = self.posting.to_records()
        terms = {
            "held_by": self.wallet.profile,
            "expires": self.expires,
            "priority": self.priority,
        }
        return [{**row, **terms, **columns(left=self.left)}]

    def _describe(self) -> tuple[str]:
        holder = "" if self.wallet == self.posting.wallet else f", held by {self.wallet}"
        expiry = f", until {self.expires}" if self.expires else ""
        return (f"{self.left} left of {self.posting}{holder}{expiry}",)


@checked
@attrs.frozen(repr=False)
class Draw(DisplayMixin):
    """The amount that a payment took from one lot.

    Attributes:
        lot: the posting that opened the lot.
        amount: the amount, above zero.
    """

    lot: Posting
    amount: Money

    def _describe(self) -> tuple[str]:
        return (f"{self.amount} of {self.lot}",)


@checked
@attrs.frozen(repr=False)
class Payment(RecordsMixin):
    """A posting that took money from a wallet, and the lots that paid it.

    Attributes:
        posting: the posting that took the money.
        draws: what each lot paid, in the order of drawing. The draws and ``unpaid`` add up to the
            amount that is paid. A later refund does not change the draws.
    """

    posting: Posting
    draws: tuple[Draw, ...]

    @property
    def unpaid(self) -> Money:
        """The debt: the amount that no lot has paid yet. The next receipt pays it."""
        return sum((-draw.amount for draw in self.draws), start=-self.posting.amount)

    def to_records(self) -> list[dict[str, object]]:
        """Return a plain row for each lot that paid; what is unpaid has no row."""
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

    def _describe(self) -> tuple[Part, ...]:
        unpaid = (f"  {self.unpaid} not paid yet",) if self.unpaid else ()
        draws = [f"  {draw}" for draw in self.draws]
        return (str(self.posting), *fold(draws, "draw"), *unpaid)


def open_lots(
    postings: Sequence[Posting], rules: Sequence[LotRule] = (), *, on: date
) -> tuple[Lot, ...]:
    """Return the lots with credit left at the end of a day, in the order in which they are drawn.

    The account's lots come first, then those of each profile. Lots are drawn by priority, then by
    the day on which they expire, then by age. An expired lot is drawn after all others, until its
    expiry is booked.

    - A payment that exceeds the lots leaves a debt (``Payment.unpaid``). The next receipt pays the
      oldest debt first, and opens a lot with the rest.
    - A refund returns to the lots that paid the subscription, the last drawn first, and keeps their
      expiry dates. If the subscription itself has a debt, the refund reduces that debt first. If
      the wallet has other debts, the returned credit pays them. Only what exceeds the draws opens
      a lot, by the rule for REFUND.
    - A transfer between the wallets keeps the expiry dates of the lots from which it was paid. If
      the paying posting is not among the postings, the transfer opens a lot, by the rule for
      TRANSFER.

    Args:
        postings: all postings of one wallet, from the first, in the order of booking; or those of
            all wallets of one account, in the order of commits, as ``merge_wallets`` returns them.
            Postings after ``on`` are ignored.
        rules: the rules, one for each reason at most. A lot whose reason has no rule never expires
            and has priority 0.
        on: the civil day.

    Raises:
        InvalidValue: the postings belong to several accounts, a transfer is received before it is
            paid, or two rules have the same reason.
        CurrencyMismatch: the postings are in several currencies.
        CalendarEnds: a lot would expire after the year 9999.

    >>> from datetime import date
    >>> from channelplans import EUR, Money, Months, Posting, Reason, Wallet
    >>> from channelplans.subscriptions import LotRule, open_lots
    >>> acme, day = Wallet("acme"), date(2026, 1, 5)
    >>> postings = (
    ...     Posting(acme, Money.of("50", EUR), Reason.DEPOSIT, day),
    ...     Posting(acme, Money.of("10", EUR), Reason.BONUS, day),
    ...     Posting(acme, Money.of("-12.50", EUR), Reason.SUBSCRIPTION, day),
    ... )
    >>> bonus_expires = LotRule(Reason.BONUS, Months(3))
    >>> for lot in open_lots(postings, [bonus_expires], on=day):
    ...     print(lot)
    47.50 EUR left of 2026-01-05 account 'acme': +50.00 EUR, deposit
    """
    civil_day("on", on)
    booked = [posting for posting in _check_postings("postings", postings) if posting.on <= on]
    return tuple(
        Lot(
            piece.origin.posting,
            wallet.wallet,
            piece.expires,
            piece.origin.rule.priority,
            _money_of(piece, piece.left),
        )
        for wallet in _replay(booked, rules).sorted_wallets()
        for piece in wallet.sorted_pieces(on)
    )


def payments(postings: Sequence[Posting], rules: Sequence[LotRule] = ()) -> tuple[Payment, ...]:
    """Return each posting that took money, with the lots that paid it, in the order of booking.

    Args:
        postings: the postings of one wallet or of one account, as for ``open_lots``.
        rules: the rules, as for ``open_lots``.

    Raises:
        InvalidValue, CurrencyMismatch, CalendarEnds: see ``open_lots``.

    >>> from datetime import date
    >>> from channelplans import EUR, Money, Months, Posting, Reason, Wallet
    >>> from channelplans.subscriptions import LotRule, payments
    >>> acme, day = Wallet("acme"), date(2026, 1, 5)
    >>> postings = (
    ...     Posting(acme, Money.of("10", EUR), Reason.DEPOSIT, day),
    ...     Posting(acme, Money.of("1", EUR), Reason.BONUS, day),
    ...     Posting(acme, Money.of("-12.50", EUR), Reason.OVERAGE, day),
    ... )
    >>> print(*payments(postings, [LotRule(Reason.BONUS, Months(3))]))
    2026-01-05 account 'acme': -12.50 EUR, overage
      1.00 EUR of 2026-01-05 account 'acme': +1.00 EUR, bonus
      10.00 EUR of 2026-01-05 account 'acme': +10.00 EUR, deposit
      1.50 EUR not paid yet
    """
    debits = _replay(_check_postings("postings", postings), rules).debits
    return tuple(Payment(debit.posting, tuple(_draws(debit))) for debit in debits)


def expiries(
    postings: Sequence[Posting], rules: Sequence[LotRule], *, on: date
) -> tuple[Posting, ...]:
    """Return the postings that take the credit that is expired on a day out of its wallets.

    Each expiry is a posting on the wallet that holds the credit, and all expiries of a wallet
    together never exceed its balance. After the expiries are booked, the same call returns nothing.

    Book each expiry with ``expire_credit``, and pass its reference as ``transfer``. The reference
    names the lot by the posting that brought it into the wallet: the second lot that the transfer
    ``t-1`` brought expires as ``expiry of transfer t-1, lot 2``. If credit returns to a lot after
    its expiry was booked, the next reference is ``expiry 2 of transfer t-1, lot 2``. A booked
    expiry takes from the lot that its reference names, never from another lot. A reference has at
    most 255 characters; a long identifier is replaced by its SHA-256 digest. The reference is None
    if that posting has none.

    Args:
        postings: the postings of one wallet or of one account, as for ``open_lots``. Postings after
            ``on`` are read too, so credit that was spent later does not expire as well.
        rules: the rules, as for ``open_lots``.
        on: the civil day of the expiries.

    Raises:
        InvalidValue, CurrencyMismatch, CalendarEnds: see ``open_lots``.

    >>> from datetime import date
    >>> from channelplans import EUR, Money, Months, Posting, Reason, Wallet
    >>> from channelplans.subscriptions import LotRule, expiries
    >>> acme, ten, day = Wallet("acme"), Money.of("10", EUR), date(2026, 1, 5)
    >>> bonus = Posting(acme, ten, Reason.BONUS, day, reference="b-1")
    >>> rule = LotRule(Reason.BONUS, Months(3))
    >>> (expiry,) = expiries([bonus], [rule], on=date(2026, 4, 5))
    >>> print(expiry, expiry.reference, sep="; ")
    2026-04-05 account 'acme': -10.00 EUR, expiry; expiry of bonus b-1, lot 1
    """
    civil_day("on", on)
    wallets = _replay(_check_postings("postings", postings), rules).sorted_wallets()
    return tuple(expiry for wallet in wallets for expiry in _expiries_of(wallet, on))


def merge_wallets(histories: Sequence[Sequence[Posting]]) -> tuple[Posting, ...]:
    """Return the postings of an account's wallets in one order, for ``open_lots`` and the others.

    The result keeps the order within each wallet. The receipt of a transfer comes after the payment
    with the same reference. Otherwise the earlier day comes first, then the account's wallet, then
    the name of the profile. The lots do not depend on this choice.

    Args:
        histories: the postings of each wallet, from the first, in the order of commits.

    Raises:
        InvalidValue: the histories belong to several accounts, a history has postings of two
            wallets, two histories belong to one wallet, or the order within them is not the order
            of commits, so two transfers would wait for each other.
        CurrencyMismatch: the postings are in several currencies.

    >>> from datetime import date
    >>> from channelplans import EUR, Days, Money, Reason, Wallet, assign_credit, deposit
    >>> from channelplans.subscriptions import LotRule, merge_wallets, open_lots
    >>> ten, four, day = Money.of("10", EUR), Money.of("4", EUR), date(2026, 1, 5)
    >>> (bonus,) = deposit(
    ...     Wallet("acme"), ten, transfer="b-1", on=day, reason=Reason.BONUS
    ... ).postings
    >>> assigned = assign_credit("acme", "berlin", four, transfer="t-1", on=day)
    >>> paid, received = assigned.postings
    >>> merged = merge_wallets([[received], [bonus, paid]])
    >>> merged == (bonus, paid, received)
    True
    >>> for lot in open_lots(merged, [LotRule(Reason.BONUS, Days(30))], on=day):
    ...     print(f"{lot.wallet}: {lot.left} until {lot.expires}")
    account 'acme': 6.00 EUR until 2026-02-04
    profile 'berlin' of account 'acme': 4.00 EUR until 2026-02-04
    """
    by_wallet: dict[Wallet, tuple[Posting, ...]] = {}
    for history in several("histories", histories, _check_history):
        if history and by_wallet.setdefault(history[0].wallet, history) is not history:
            value = f"two of {history[0].wallet}"
            raise InvalidValue("histories", value, "one for each wallet")
    _check_account("histories", [history[0] for history in by_wallet.values()])
    return merge_histories(by_wallet)


def _expiries_of(wallet: WalletReplay, on: date) -> Iterator[Posting]:
    """Return the expiries of one wallet; with a debt, the lots exceed the balance."""
    balance = wallet.balance()
    for piece in wallet.sorted_pieces(on):
        amount = min(piece.left, balance)
        if piece.expired(on) and amount > 0:
            balance -= amount
            reference = piece.next_expiry()
            expired = -_money_of(piece, amount)
            yield Posting(wallet.wallet, expired, Reason.EXPIRY, on, reference=reference)


def _draws(debit: Debit) -> Iterator[Draw]:
    for piece, amount in debit.draws:
        yield Draw(piece.origin.posting, _money_of(piece, amount))


def _money_of(piece: Piece, minor: int) -> Money:
    return Money(minor=minor, currency=piece.origin.posting.amount.currency)


def _replay(postings: Sequence[Posting], rules: Sequence[LotRule]) -> AccountReplay:
    replay = AccountReplay(_rules_by_reason(rules))
    for posting in postings:
        replay.book(posting)
    return replay


def _rules_by_reason(rules: Sequence[LotRule]) -> Mapping[Reason, LotRule]:
    """Return the rule of each reason; without a rule, lots never expire."""
    by_reason: dict[Reason, LotRule] = {}
    for rule in several("rules", rules, lambda name, item: instance(name, item, LotRule)):
        if rule.reason in by_reason:
            raise InvalidValue("rules", f"two for {rule.reason.value}", "one for each reason")
        by_reason[rule.reason] = rule
    return {reason: LotRule(reason) for reason in Reason} | by_reason


def _check_postings(name: str, postings: object) -> tuple[Posting, ...]:
    """Return the postings, all of one account and in one currency."""
    items = several(name, postings, lambda item_name, item: instance(item_name, item, Posting))
    _check_account(name, items)
    return items


def _check_account(name: str, postings: Sequence[Posting]) -> None:
    for posting in postings:
        account = postings[0].wallet.account
        if posting.wallet.account != account:
            expected = f"postings of account {quoted(account)}"
            raise InvalidValue(name, str(posting), expected)
        same_currency(postings[0].amount.currency, posting.amount.currency)


def _check_history(name: str, history: object) -> tuple[Posting, ...]:
    """Return the postings, all of one wallet and in one currency."""
    items = _check_postings(name, history)
    for posting in items:
        if posting.wallet != items[0].wallet:
            raise InvalidValue(name, str(posting), f"postings of {items[0].wallet}")
    return items
