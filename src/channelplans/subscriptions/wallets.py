"""Wallets, the postings that change their balances, and the settlement of several postings.

A wallet belongs to an account or to one of its profiles (H9, F 7.3). Its balance is the sum of its
postings. The actions decide which wallet pays; ``settle`` decides whether it can.
"""

import enum
from collections.abc import Iterable, Mapping
from datetime import date
from itertools import accumulate

import attrs

from channelplans._checks import instance, short_identifier, shown
from channelplans._constructors import checked
from channelplans._display import DisplayMixin, RecordsMixin, Table
from channelplans.calendar import Term
from channelplans.errors import InsufficientCredit, InvalidValue, WrongType, quoted
from channelplans.money import Money, columns, same_currency
from channelplans.subscriptions.identifiers import AccountId, ProfileId

__all__ = ["Posting", "Reason", "Statement", "Wallet", "deltas", "settle"]


@checked
@attrs.frozen(repr=False)
class Wallet(DisplayMixin):
    """The wallet of an account or, with ``profile``, of one profile of the account.

    The account's wallet pays for subscriptions, bundles and overage. The profile's wallet pays for
    all other calls (H9, H13, F 7.3).

    Attributes:
        account: the account that owns the wallet.
        profile: the profile that the wallet belongs to; None for the account's own wallet.

    Raises:
        InvalidValue: an identifier is longer than 255 characters.

    >>> from channelplans import Wallet
    >>> print(Wallet("acme"), Wallet("acme", "berlin"), sep="; ")
    account 'acme'; profile 'berlin' of account 'acme'
    """

    account: AccountId
    profile: ProfileId | None = None

    def __attrs_post_init__(self) -> None:
        short_identifier("account", self.account)
        if self.profile is not None:
            short_identifier("profile", self.profile)

    def _describe(self) -> tuple[str]:
        if self.profile is None:
            return (f"account {quoted(self.account)}",)
        return (f"profile {quoted(self.profile)} of account {quoted(self.account)}",)


class Reason(enum.Enum):
    """The reason for a posting.

    ``DEPOSIT`` and ``BONUS`` bring credit from outside. ``TRANSFER`` moves credit between wallets
    of one account. ``EXPIRY`` removes credit that is expired.

    ``SUBSCRIPTION`` pays for a purchase or a change, and ``RENEWAL`` for a renewal. ``REFUND``
    pays back what was not used (H16). ``OVERAGE`` is a call that the account pays, and ``CALL`` a
    call that the profile pays (H13, F 7.3). ``CHARGE`` is any other charge.
    """

    DEPOSIT = "deposit"
    BONUS = "bonus"
    TRANSFER = "transfer"
    SUBSCRIPTION = "subscription"
    RENEWAL = "renewal"
    REFUND = "refund"
    OVERAGE = "overage"
    CALL = "call"
    CHARGE = "charge"
    EXPIRY = "expiry"


@checked
@attrs.frozen(repr=False)
class Posting(RecordsMixin):
    """A signed amount booked on a wallet: above zero for a receipt, below zero for a payment.

    Attributes:
        wallet: the wallet whose balance changes.
        amount: the amount, above or below zero.
        reason: the reason for the posting.
        on: the day of booking.
        term: the term that the posting pays for or refunds; it may end before the day of booking.
        reference: the identifier of the subscription, call or transfer that caused the posting.
        value_date: the day on which a punctual run would have booked the posting; None if that is
            ``on``. A late run renews a subscription on a later day than the day it was due, and
            balances of past days are sums by value date.

    Raises:
        InvalidValue: the amount is zero, the value date is after the day of booking, or the
            reference is longer than 255 characters.

    >>> from datetime import date
    >>> from channelplans import EUR, Money, Posting, Reason, Wallet
    >>> fifty, day = Money.of("50", EUR), date(2026, 1, 5)
    >>> print(Posting(Wallet("acme"), fifty, Reason.DEPOSIT, day))
    2026-01-05 account 'acme': +50.00 EUR, deposit
    """

    wallet: Wallet
    amount: Money
    reason: Reason
    on: date
    term: Term | None = None
    reference: str | None = None
    value_date: date | None = None

    def __attrs_post_init__(self) -> None:
        if not self.amount:
            raise InvalidValue("amount", str(self.amount), "above or below zero")
        if self.value_date is not None and self.value_date > self.on:
            expected = f"at most {self.on}, the day of booking"
            raise InvalidValue("value_date", str(self.value_date), expected)
        if self.reference is not None:
            short_identifier("reference", self.reference)

    @property
    def counts_from(self) -> date:
        """The first day whose balance contains the posting: the value date, or ``on``."""
        return self.on if self.value_date is None else self.value_date

    def to_records(self) -> list[dict[str, object]]:
        """Return the posting as one plain row."""
        return [
            {
                "on": self.on,
                "value_date": self.counts_from,
                "account": self.wallet.account,
                "profile": self.wallet.profile,
                "reason": self.reason.value,
                "reference": self.reference,
                "minor": self.amount.minor,
                "amount": self.amount.amount,
                "currency": self.amount.currency.code,
                "term_start": self.term and self.term.start,
                "term_end": self.term and self.term.end,
            }
        ]

    def _describe(self) -> tuple[str]:
        term = f" for {self.term}" if self.term else ""
        late = f", as of {self.value_date}" if self.value_date else ""
        movement = f"{signed(self.amount)}, {self.reason.value}{term}{late}"
        return (f"{self.on} {self.wallet}: {movement}",)


@checked
@attrs.frozen(repr=False)
class Statement(RecordsMixin):
    """The postings of one wallet, with the balance after each posting.

    The text shows the value date of each posting, and its day of booking if a posting was late.

    Attributes:
        wallet: the wallet.
        opening: the balance before the first posting.
        postings: the postings in their order; a billing service sorts them by value date.

    Raises:
        InvalidValue: a posting belongs to another wallet.
        CurrencyMismatch: a posting is in another currency than the opening balance.

    >>> from datetime import date
    >>> from channelplans import EUR, Money, Posting, Reason, Statement, Wallet
    >>> acme, day = Wallet("acme"), date(2026, 1, 5)
    >>> paid_in = Posting(acme, Money.of("50", EUR), Reason.DEPOSIT, day)
    >>> paid = Posting(acme, Money.of("-34.75", EUR), Reason.SUBSCRIPTION, day)
    >>> statement = Statement(acme, Money.zero(EUR), (paid_in, paid))
    >>> print(*statement.balances, sep=", ")
    50.00 EUR, 15.25 EUR
    """

    wallet: Wallet
    opening: Money
    postings: tuple[Posting, ...]

    def __attrs_post_init__(self) -> None:
        for posting in self.postings:
            if posting.wallet != self.wallet:
                raise InvalidValue("postings", str(posting), f"postings of {self.wallet}")
            same_currency(self.opening.currency, posting.amount.currency)

    @property
    def balances(self) -> tuple[Money, ...]:
        """The balance after each posting."""
        amounts = (posting.amount for posting in self.postings)
        return tuple(accumulate(amounts, initial=self.opening))[1:]

    @property
    def closing(self) -> Money:
        """The balance after the last posting; the opening balance if there are no postings."""
        return sum((posting.amount for posting in self.postings), start=self.opening)

    def to_records(self) -> list[dict[str, object]]:
        """Return a plain row for each posting, with the balance after the posting."""
        return [
            {**row, **columns(balance=balance)}
            for posting, balance in zip(self.postings, self.balances, strict=True)
            for row in posting.to_records()
        ]

    def _describe(self) -> tuple[Table]:
        is_late = any(posting.on != posting.counts_from for posting in self.postings)
        rows: list[tuple[str, ...]] = [
            ("", "balance brought forward", "", "", "", f"{self.opening.amount:f}")
        ]
        for posting, balance in zip(self.postings, self.balances, strict=True):
            origin = (str(posting.counts_from), posting.reason.value, posting.reference or "")
            term, amount = str(posting.term or ""), f"{posting.amount.amount:+f}"
            rows.append((*origin, term, amount, f"{balance.amount:f}"))
        headings: tuple[str, ...] = ("day", "reason", "for", "term", "amount", "balance")
        if is_late:
            headings = (*headings, "booked on")
            booked = ("", *(str(posting.on) for posting in self.postings))
            rows = [(*row, day) for row, day in zip(rows, booked, strict=True)]
        caption = f"Wallet of {self.wallet}, in {self.opening.currency.code}"
        return (Table(headings, tuple(rows), right=("amount", "balance"), caption=caption),)


def signed(amount: Money) -> str:
    """Return an amount as text, always with its sign."""
    return f"{instance('amount', amount, Money).amount:+f} {amount.currency.code}"


def deltas(postings: Iterable[Posting]) -> dict[Wallet, Money]:
    """Return the sum of the postings on each wallet, in the order of each wallet's first posting.

    Args:
        postings: the postings, on any wallets.

    Raises:
        CurrencyMismatch: the postings on one wallet are in two currencies.

    >>> from datetime import date
    >>> from channelplans import EUR, Money, Posting, Reason, Wallet
    >>> from channelplans.subscriptions import deltas
    >>> acme, day = Wallet("acme"), date(2026, 1, 15)
    >>> refunded = Posting(acme, Money.of("55.60", EUR), Reason.REFUND, day)
    >>> charged = Posting(acme, Money.of("-139", EUR), Reason.SUBSCRIPTION, day)
    >>> print(deltas([refunded, charged])[acme])
    -83.40 EUR
    """
    if not isinstance(postings, Iterable):
        raise WrongType("postings", shown(postings), "postings")
    sums: dict[Wallet, Money] = {}
    for posting in postings:
        wallet, amount = instance("postings", posting, Posting).wallet, posting.amount
        sums[wallet] = sums[wallet] + amount if wallet in sums else amount
    return sums


def settle(
    balances: Mapping[Wallet, Money], postings: Iterable[Posting], *, may_overdraw: bool = False
) -> dict[Wallet, Money]:
    """Return the balances after a settlement, in which all postings are booked or none is.

    The sum of a wallet's postings decides, so a refund counts towards a charge. A wallet that is
    already below zero may receive credit.

    Args:
        balances: the balance of each wallet before. A wallet that is missing has zero.
        postings: the postings to book.
        may_overdraw: whether a wallet may end below zero, as for a call that is over.

    Raises:
        InsufficientCredit: a wallet pays more than it receives, and would end below zero.
        CurrencyMismatch: a posting is in another currency than its wallet.

    >>> from datetime import date
    >>> from channelplans import EUR, Money, Posting, Reason, Wallet, settle
    >>> acme, price = Wallet("acme"), Money.of("69.50", EUR)
    >>> payment = Posting(acme, -price, Reason.SUBSCRIPTION, date(2026, 1, 5))
    >>> print(settle({acme: Money.of("80", EUR)}, [payment])[acme])
    10.50 EUR
    >>> settle({acme: Money.of("50", EUR)}, [payment])  # doctest: +NORMALIZE_WHITESPACE
    Traceback (most recent call last):
        ...
    channelplans.errors.InsufficientCredit: account 'acme' holds 50.00 EUR, but
    69.50 EUR is needed; 19.50 EUR is missing
    """
    if not isinstance(balances, Mapping):
        example = '{Wallet("acme"): Money.of("500", EUR)}'
        expected = f"a mapping of wallets to money, such as {example}"
        raise WrongType("balances", shown(balances), expected)
    after = dict(balances)
    for wallet, balance in after.items():
        instance("balances", wallet, Wallet)
        instance("balances", balance, Money)
    for wallet, delta in deltas(postings).items():
        before = after.get(wallet)
        after[wallet] = settle_wallet(wallet, before, delta, may_overdraw=may_overdraw)
    return after


def settle_wallet(
    wallet: Wallet, balance: Money | None, delta: Money, *, may_overdraw: bool
) -> Money:
    """Return the balance of one wallet after a settlement; None is a wallet without postings."""
    before = Money(minor=0, currency=delta.currency) if balance is None else balance
    after = before + delta
    if delta.minor < 0 and after.minor < 0 and not may_overdraw:
        raise insufficient_credit(wallet, needed=-delta, available=before)
    return after


def insufficient_credit(wallet: Wallet, *, needed: Money, available: Money) -> InsufficientCredit:
    """Return the error for a wallet whose balance is smaller than the amount needed."""
    missing, code = needed - available, needed.currency.code
    return InsufficientCredit(str(wallet), needed.amount, available.amount, missing.amount, code)
