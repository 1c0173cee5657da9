"""Invoices: what an account was charged in a period, line by line, and how its balance changed.

An invoice is computed from the committed decisions and transfers of one account. How a decision
becomes lines is known to ``invoice_lines``, not here.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import date

import attrs

from channelplans._checks import civil_day, identifier, instance, several
from channelplans._constructors import checked
from channelplans._display import RecordsMixin, Table
from channelplans.calendar import Term
from channelplans.errors import CurrencyMismatch, InvalidValue, quoted
from channelplans.money import Currency, Money, same_currency
from channelplans.subscriptions.decisions import Decision, Transfer
from channelplans.subscriptions.identifiers import AccountId
from channelplans.subscriptions.invoice_lines import (
    InvoiceLine,
    decision_lines,
    line_cells,
    sum_calls,
)
from channelplans.subscriptions.wallets import Reason

__all__ = ["Invoice", "make_invoice"]


@checked
@attrs.frozen(repr=False)
class Invoice(RecordsMixin):
    """What an account was charged in a period, and how the balance of all its wallets changed.

    Postings count by their value date. An account pays in advance, so an invoice asks for no
    payment. ``make_invoice`` makes an invoice.

    Attributes:
        account: the account.
        period: the days of the invoice; the end is excluded.
        opening: the sum of the balances of all wallets before the period.
        lines: the charges and refunds, by value date and then in commit order. The calls of a
            profile to a destination are one line, at the value date of the first call.
        deposits: the sum of the deposits.
        bonuses: the sum of the bonuses.
        expired: the credit that expired.
        transferred: the sum of the transfers; 0.00 if each of them was between two wallets of the
            account.

    Raises:
        CurrencyMismatch: the amounts are in several currencies.
    """

    account: AccountId
    period: Term
    opening: Money
    lines: tuple[InvoiceLine, ...]
    deposits: Money
    bonuses: Money
    expired: Money
    transferred: Money

    def __attrs_post_init__(self) -> None:
        identifier("account", self.account)
        charges = (line.amount for line in self.lines)
        for amount in (self.deposits, self.bonuses, self.expired, self.transferred, *charges):
            same_currency(self.currency, amount.currency)

    @property
    def currency(self) -> Currency:
        """The currency of all amounts."""
        return self.opening.currency

    @property
    def total(self) -> Money:
        """The sum of the lines; below zero if more was refunded than charged.

        Prices are net of tax. Tax that the application books with a decision has a line, and is a
        part of the total.
        """
        return sum((line.amount for line in self.lines), start=Money.zero(self.currency))

    @property
    def closing(self) -> Money:
        """The sum of the balances of all wallets after the period."""
        received = self.deposits + self.bonuses + self.transferred
        return self.opening + received - self.expired - self.total

    def to_records(self) -> list[dict[str, object]]:
        """Return a plain row for each line, with the account and the period of the invoice."""
        invoice = {
            "account": self.account,
            "since": self.period.start,
            "until": self.period.end,
        }
        return [{**invoice, **row} for line in self.lines for row in line.to_records()]

    def _steps(self) -> Iterator[tuple[str, Money]]:
        """Yield the name and amount of each step from the opening to the closing balance."""
        yield "opening balance", self.opening
        yield "deposits", self.deposits
        optional = (
            ("bonuses", self.bonuses),
            ("transfers", self.transferred),
            ("expired credit", -self.expired),
        )
        yield from (step for step in optional if step[1])
        yield "this invoice", -self.total
        yield "closing balance", self.closing

    def _describe(self) -> tuple[str | Table, ...]:
        headings = ("day", "profile", "reason", "item", "quantity", "price", "term", "amount")
        rows = tuple(map(line_cells, self.lines))
        steps = tuple((step, f"{amount.amount:f}") for step, amount in self._steps())
        account = f"account {quoted(self.account)}"
        caption = f"Invoice of {account}, {self.period}, in {self.currency.code}"
        return (
            Table(headings, rows, right=("quantity", "price", "amount"), caption=caption),
            f"Total {self.total}. Prices are net of tax.",
            Table(("balance", "amount"), steps, right=("amount",), caption=f"Wallets of {account}"),
        )


def make_invoice(
    account: AccountId,
    decisions: Sequence[Decision | Transfer],
    *,
    opening: Money,
    since: date,
    until: date,
) -> Invoice:
    """Return the invoice of an account for a period, from its committed decisions and transfers.

    The total is minus the sum of the postings other than deposits, bonuses, transfers and expiries.
    Calls are summed by profile, destination and payer. Calls without a charge, because included
    minutes covered them, are not on the invoice. A line of calls shows the price of a minute; its
    amount contains connection fees and minimum charges, and each call is rounded alone.

    Args:
        account: the account.
        decisions: all committed decisions and transfers of the account whose value date
            (``counts_from``) is in the period, in commit order.
        opening: the sum of the balances of all wallets of the account before ``since``, by value
            date.
        since: the first day of the invoice.
        until: the first day after the invoice.

    Raises:
        InvalidValue: ``until`` is not after ``since``, or a decision has another account or a value
            date outside the period.
        CurrencyMismatch: a decision has amounts in another currency than ``opening``. Make an
            invoice for each currency.

    >>> from datetime import date
    >>> from channelplans import EUR, SKYPE_CONNECT, Money, Tariff, Wallet, buy, deposit
    >>> from channelplans.subscriptions import make_invoice
    >>> tariff = Tariff("list", EUR, channel="6.95", setup="5")
    >>> plan, day = SKYPE_CONNECT.plan(channels=5), date(2026, 1, 5)
    >>> paid_in = deposit(Wallet("acme"), Money.of("50", EUR), transfer="p-1", on=day)
    >>> purchase = buy(
    ...     plan, tariff, account="acme", profile="berlin", subscription="berlin 1", on=day
    ... )
    >>> january = {"since": date(2026, 1, 1), "until": date(2026, 2, 1)}
    >>> committed, empty = (paid_in, purchase), Money.zero(EUR)
    >>> invoice = make_invoice("acme", committed, opening=empty, **january)
    >>> for line in invoice.lines:
    ...     print(line.item, line.quantity, line.price, line.amount, sep="; ")
    channels; 5; 6.95; 34.75 EUR
    set-up; 1; 5.00; 5.00 EUR
    >>> print(invoice.deposits, invoice.total, invoice.closing, sep="; ")
    50.00 EUR; 39.75 EUR; 10.25 EUR
    """
    identifier("account", account)
    period = _period(since, until)
    zero = Money.zero(instance("opening", opening, Money).currency)
    lines: list[InvoiceLine] = []
    sums = dict.fromkeys(Reason, zero)
    committed = several("decisions", decisions, _check_kind)
    for number, decision in enumerate(committed):
        _check_decision(f"decisions[{number}]", decision, account, period)
        new_lines = tuple(decision_lines(decision))
        _check_currency(zero.currency, (posting.amount for posting in decision.postings))
        _check_currency(zero.currency, (line.amount for line in new_lines))
        lines += new_lines
        for posting in decision.postings:
            sums[posting.reason] += posting.amount
    lines.sort(key=lambda line: line.value_date)
    return Invoice(
        account=account,
        period=period,
        opening=opening,
        lines=sum_calls(lines),
        deposits=sums[Reason.DEPOSIT],
        bonuses=sums[Reason.BONUS],
        expired=-sums[Reason.EXPIRY],
        transferred=sums[Reason.TRANSFER],
    )


def _period(since: date, until: date) -> Term:
    if civil_day("until", until) <= civil_day("since", since):
        raise InvalidValue("until", str(until), f"after since, {since}")
    return Term(since, until)


def _check_kind(parameter: str, value: Decision | Transfer) -> Decision | Transfer:
    instance(parameter, value, Decision, Transfer)
    return value


def _check_decision(
    parameter: str, decision: Decision | Transfer, account: AccountId, period: Term
) -> None:
    if decision.account != account:
        expected = f"a decision about account {quoted(account)}"
        raise InvalidValue(parameter, f"about account {quoted(decision.account)}", expected)
    if decision.counts_from not in period:
        expected = f"a decision with a value date in {period}"
        raise InvalidValue(parameter, f"of {decision.counts_from}", expected)


def _check_currency(currency: Currency, amounts: Iterable[Money]) -> None:
    for amount in amounts:
        try:
            same_currency(currency, amount.currency)
        except CurrencyMismatch as error:
            advice = "make an invoice for each currency, from the decisions in that currency"
            raise CurrencyMismatch(error.expected, error.actual, advice) from None
