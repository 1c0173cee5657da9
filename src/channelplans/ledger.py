"""Purses, the postings that move money between them, and what they add up to.

A purse is an account's or one profile's (H9, F 7.3). Its balance is the sum of its postings, and a
settlement that would take a purse below zero is refused whole. Which purse pays for what is decided
by the actions, not here.
"""

import enum
from collections.abc import Iterable, Mapping
from datetime import date
from itertools import accumulate

import attrs

from channelplans.calendar import Term
from channelplans.checks import checked, instance, shown
from channelplans.errors import InsufficientCredit, InvalidValue, WrongType
from channelplans.identifiers import AccountId, ProfileId
from channelplans.money import Money, columns, same_currency
from channelplans.tables import Described, Table

__all__ = ["Posting", "Purse", "Reason", "Statement", "deltas", "settle"]


@attrs.frozen(field_transformer=checked)
class Purse(Described):
    """Where credit lies: an account's purse, or with ``profile`` that of one of its profiles.

    Subscriptions, bundles and overage are paid from the account's, other calls from the profile's
    (H9, H13, F 7.3).

    >>> print(Purse(AccountId("acme")), Purse(AccountId("acme"), ProfileId("berlin")), sep="; ")
    account acme; profile berlin of account acme
    """

    account: AccountId
    profile: ProfileId | None = None

    def _describe(self) -> tuple[str]:
        if self.profile is None:
            return (f"account {self.account}",)
        return (f"profile {self.profile} of account {self.account}",)


class Reason(enum.Enum):
    """Why money was posted."""

    DEPOSIT = "deposit"
    BONUS = "bonus"
    TRANSFER = "transfer"
    SUBSCRIPTION = "subscription"
    RENEWAL = "renewal"
    REFUND = "refund"
    OVERAGE = "overage"
    CALL = "call"
    EXPIRY = "expiry"


@attrs.frozen(field_transformer=checked)
class Posting(Described):
    """A signed amount on a purse: what came in is above zero, what was paid is below.

    Attributes:
        purse: the purse whose balance it changes.
        amount: how much, never nothing.
        reason: why.
        on: the day on which it is booked.
        term: the term that it pays for or gives back, which may lie before that day.
        reference: what it belongs to: a subscription, a call, a transfer.

    Raises:
        InvalidValue: the amount is zero.

    >>> from channelplans.money import EUR
    >>> print(Posting(Purse("acme"), Money.of("50", EUR), Reason.DEPOSIT, date(2026, 1, 5)))
    2026-01-05 account acme: +50.00 EUR, deposit
    """

    purse: Purse
    amount: Money
    reason: Reason
    on: date
    term: Term | None = None
    reference: str | None = None

    def __attrs_post_init__(self) -> None:
        if not self.amount:
            raise InvalidValue("amount", str(self.amount), "above or below zero")

    def to_records(self) -> list[dict[str, object]]:
        """Return the posting as one plain row."""
        return [
            {
                "on": self.on,
                "account": self.purse.account,
                "profile": self.purse.profile,
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
        return (f"{self.on} {self.purse}: {signed(self.amount)}, {self.reason.value}{term}",)


@attrs.frozen(field_transformer=checked)
class Statement(Described):
    """The postings of one purse in the order of booking, with a running balance.

    Raises:
        InvalidValue: a posting is of another purse.
        CurrencyMismatch: a posting is in another currency than the opening balance.

    >>> from channelplans.money import EUR
    >>> acme = Purse("acme")
    >>> paid_in = Posting(acme, Money.of("50", EUR), Reason.DEPOSIT, date(2026, 1, 5))
    >>> Statement(acme, Money(0, EUR), (paid_in,)).closing.amount
    Decimal('50.00')
    """

    purse: Purse
    opening: Money
    postings: tuple[Posting, ...]

    def __attrs_post_init__(self) -> None:
        for posting in self.postings:
            if posting.purse != self.purse:
                raise InvalidValue("postings", str(posting), f"postings of {self.purse}")
            same_currency(self.opening.currency, posting.amount.currency)

    @property
    def balances(self) -> tuple[Money, ...]:
        """The balance after each posting."""
        amounts = (posting.amount for posting in self.postings)
        return tuple(accumulate(amounts, initial=self.opening))[1:]

    @property
    def closing(self) -> Money:
        """The balance after the last posting: what was there, and all that was posted."""
        return sum((posting.amount for posting in self.postings), start=self.opening)

    def to_records(self) -> list[dict[str, object]]:
        """Return a plain row for each posting, with the balance after it."""
        return [
            {**row, **columns(balance=balance)}
            for posting, balance in zip(self.postings, self.balances, strict=True)
            for row in posting.to_records()
        ]

    def _describe(self) -> tuple[str | Table, ...]:
        rows = [("", "balance brought forward", "", "", "", f"{self.opening.amount:f}")]
        for posting, balance in zip(self.postings, self.balances, strict=True):
            amount, after = f"{posting.amount.amount:+f}", f"{balance.amount:f}"
            what = (str(posting.on), posting.reason.value, posting.reference or "")
            rows.append((*what, str(posting.term or ""), amount, after))
        headings = ("day", "what", "of", "term", "amount", "balance")
        title = f"Purse of {self.purse}, in {self.opening.currency.code}"
        return (title, Table(headings, tuple(rows), right=("amount", "balance")))


def signed(amount: Money) -> str:
    """Return an amount as text with its sign always shown."""
    return f"{instance('amount', amount, Money).amount:+f} {amount.currency.code}"


def deltas(postings: Iterable[Posting]) -> dict[Purse, Money]:
    """Return by how much each purse changes, in the order in which the purses first appear.

    Raises:
        CurrencyMismatch: one purse is posted to in two currencies.

    >>> from channelplans.money import EUR
    >>> acme, day = Purse("acme"), date(2026, 1, 15)
    >>> back = Posting(acme, Money.of("55.60", EUR), Reason.REFUND, day)
    >>> fee = Posting(acme, Money.of("-139", EUR), Reason.SUBSCRIPTION, day)
    >>> print(deltas([back, fee])[acme])
    -83.40 EUR
    """
    if not isinstance(postings, Iterable):
        raise WrongType("postings", shown(postings), "postings")
    changes: dict[Purse, Money] = {}
    for posting in postings:
        instance("postings", posting, Posting)
        before = changes.get(posting.purse)
        changes[posting.purse] = posting.amount if before is None else before + posting.amount
    return changes


def settle(balances: Mapping[Purse, Money], postings: Iterable[Posting]) -> dict[Purse, Money]:
    """Return the balances after some postings, taken as one settlement: all of them or none.

    What a purse receives counts towards what it pays. A purse never seen holds nothing.

    Raises:
        InsufficientCredit: a purse that pays more than it receives would end below zero.
        CurrencyMismatch: a posting is in another currency than its purse.

    >>> from channelplans.money import EUR
    >>> acme, credit = Purse("acme"), Money.of("50", EUR)
    >>> fee = Posting(acme, -Money.of("69.50", EUR), Reason.SUBSCRIPTION, date(2026, 1, 5))
    >>> settle({acme: credit}, [fee])
    Traceback (most recent call last):
        ...
    channelplans.errors.InsufficientCredit: account acme holds 50.00 EUR, but 69.50 EUR is needed; \
19.50 EUR more would do
    """
    if not isinstance(balances, Mapping):
        raise WrongType("balances", shown(balances), "a mapping of purses to money")
    after = dict(balances)
    for purse, balance in after.items():
        instance("balances", purse, Purse)
        instance("balances", balance, Money)
    for purse, delta in deltas(postings).items():
        before = after.get(purse, Money(0, delta.currency))
        after[purse] = before + delta
        if delta.minor < 0 and after[purse].minor < 0:
            raise short(purse, needed=-delta, available=before)
    return after


def short(purse: Purse, *, needed: Money, available: Money) -> InsufficientCredit:
    """Return the error of a purse that holds less than is needed."""
    missing, code = needed - available, needed.currency.code
    return InsufficientCredit(str(purse), needed.amount, available.amount, missing.amount, code)
