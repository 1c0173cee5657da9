"""Invoices: balances, texts, and what is refused."""

from datetime import date, datetime
from decimal import Decimal
from html.parser import HTMLParser

import attrs
import pytest
from tests.subscriptions.invoicing import (
    JANUARY,
    PURCHASE,
    YEAR,
    ZERO,
    invoice_of,
    value_dated,
    with_postings,
)
from tests.subscriptions.samples import (
    ACME,
    ACTIVE,
    BERLIN,
    END,
    FIRST_DAY,
    FIVE_CHANNELS,
    IDENTIFIERS,
    MID_TERM,
    PLAN,
    TARIFF,
    buy_subscription,
    call,
    euros,
)

from channelplans.errors import CurrencyMismatch, InvalidValue, WrongType
from channelplans.money import USD, Money
from channelplans.subscriptions.actions import buy, renew, terminate
from channelplans.subscriptions.call_records import record_call
from channelplans.subscriptions.invoices import Invoice, make_invoice
from channelplans.subscriptions.transfers import (
    assign_credit,
    charge,
    deposit,
    expire_credit,
    take_back_credit,
)
from channelplans.subscriptions.wallets import Posting, Reason
from channelplans.tariffs import Tariff


class TestBalances:
    """The steps from the opening to the closing balance."""

    def test_each_movement_changes_the_closing_balance(self):
        """Deposits and bonuses add credit, charges and expiries remove it, transfers move it."""
        invoice = invoice_of(
            deposit(ACME, euros("100"), transfer="p-1", on=FIRST_DAY),
            deposit(BERLIN, euros("20"), transfer="p-2", on=FIRST_DAY),
            deposit(ACME, euros("10"), transfer="b-1", on=FIRST_DAY, reason=Reason.BONUS),
            PURCHASE,
            assign_credit("acme", "berlin", euros("5"), transfer="t-1", on=FIRST_DAY),
            take_back_credit("acme", "berlin", euros("2"), transfer="t-2", on=MID_TERM),
            expire_credit(ACME, euros("4"), transfer="e-1", on=MID_TERM),
            opening=euros("1.50"),
        )

        assert (euros("120"), euros("10"), euros("4"), ZERO) == (
            invoice.deposits,
            invoice.bonuses,
            invoice.expired,
            invoice.transferred,
        )
        # 1.50 + 120.00 + 10.00 - 30.85 - 4.00
        assert euros("96.65") == invoice.closing

    def test_one_sided_transfer_is_a_step(self):
        """If an application books only one side of a transfer, the closing balance has it."""
        moved = Posting(ACME, euros("7"), Reason.TRANSFER, FIRST_DAY, reference="t-9")
        invoice = invoice_of(with_postings(PURCHASE, moved))

        assert (euros("7"), euros("-23.85")) == (invoice.transferred, invoice.closing)
        assert "transfers          7.00" in str(invoice)

    def test_invoice_without_decisions_is_empty(self):
        """The total is zero, and the balance stays the same."""
        invoice = invoice_of(opening=euros("5"))

        assert ((), [], ZERO, euros("5")) == (
            invoice.lines,
            invoice.to_records(),
            invoice.total,
            invoice.closing,
        )
        assert "Total 0.00 EUR." in str(invoice)

    def test_total_is_below_zero_if_more_is_refunded(self):
        """A month in which a subscription only ends has a negative total."""
        invoice = invoice_of(terminate(ACTIVE, on=MID_TERM))

        assert (euros("-20.57"), euros("20.57")) == (invoice.total, invoice.closing)


class TestText:
    """An invoice as text, as HTML and as records."""

    def test_text_has_lines_total_and_balances(self):
        """The whole text of an invoice with a deposit, a purchase, a bonus and an expiry."""
        invoice = invoice_of(
            deposit(ACME, euros("50"), transfer="p-1", on=FIRST_DAY),
            deposit(ACME, euros("10"), transfer="b-1", on=FIRST_DAY, reason=Reason.BONUS),
            PURCHASE,
            expire_credit(ACME, euros("4"), transfer="e-1", on=MID_TERM),
            **JANUARY,
        )

        assert str(invoice).split("\n") == [
            "Invoice of account 'acme', 2026-01-01 to 2026-02-01, in EUR",
            "day         profile  reason        item      quantity  price  "
            "term                      amount",
            "----------  -------  ------------  --------  --------  -----  "
            "------------------------  ------",
            "2026-01-05  berlin   subscription  channels         3   6.95  "
            "2026-01-05 to 2026-02-04   20.85",
            "2026-01-05  berlin   subscription  bundles          1  10.00  "
            "2026-01-05 to 2026-02-04   10.00",
            "Total 30.85 EUR. Prices are net of tax.",
            "Wallets of account 'acme'",
            "balance          amount",
            "---------------  ------",
            "opening balance    0.00",
            "deposits          50.00",
            "bonuses           10.00",
            "expired credit    -4.00",
            "this invoice     -30.85",
            "closing balance   25.15",
        ]

    def test_line_prints_as_a_sentence(self):
        """A line shows its day, profile, reason, quantity, price, term and amount."""
        fee = charge(ACME, euros("15"), transfer="porting 7", on=FIRST_DAY)

        assert [
            "2026-01-05 profile 'berlin': subscription, 3 channels at 6.95, "
            "2026-01-05 to 2026-02-04, 20.85 EUR",
            "2026-01-05 profile 'berlin': subscription, 1 bundles at 10.00, "
            "2026-01-05 to 2026-02-04, 10.00 EUR",
            "2026-01-05: charge, 1 porting 7 at 15.00, 15.00 EUR",
        ] == [str(line) for line in invoice_of(PURCHASE, fee).lines]

    def test_html_escapes_names(self):
        """Markup in the name of a profile or a reference is text."""
        script = "<script>alert(1)</script>"
        purchase = buy(PLAN, TARIFF, on=FIRST_DAY, **{**IDENTIFIERS, "profile": script})
        fee = charge(ACME, euros("1"), transfer=script, on=FIRST_DAY)
        html = invoice_of(purchase, fee)._repr_html_()

        class Tags(HTMLParser):
            """Collect the names of all tags."""

            def __init__(self):
                super().__init__()
                self.names = set()

            def handle_starttag(self, tag, attributes):
                self.names.add(tag)

        tags = Tags()
        tags.feed(html)
        assert "script" not in tags.names
        assert html.count("&lt;script&gt;") == 3

    def test_long_names_are_cut_in_the_text_and_whole_in_the_records(self):
        """The rows of the table stay in line, and the records have the names as they are."""
        long_name = "x" * 255
        identifiers = {**IDENTIFIERS, "profile": long_name}
        invoice = invoice_of(
            buy(PLAN, TARIFF, on=FIRST_DAY, **identifiers),
            charge(ACME, euros("1"), transfer=long_name, on=FIRST_DAY),
        )

        lines = str(invoice).split("\n")[1:6]
        assert 1 == len({len(line) for line in lines})
        assert len(lines[0]) < 255
        assert [long_name, long_name, None] == [row["profile"] for row in invoice.to_records()]
        assert long_name == invoice.to_records()[2]["item"]

    def test_records_have_a_plain_row_for_each_line(self):
        """Each row has the account and the period of the invoice, and the fields of the line."""
        renewal = renew(buy_subscription(FIVE_CHANNELS), TARIFF, on=date(2026, 2, 10))

        assert invoice_of(value_dated(renewal, END)).to_records() == [
            {
                "account": "acme",
                "since": YEAR["since"],
                "until": YEAR["until"],
                "value_date": END,
                "booked_on": date(2026, 2, 10),
                "profile": "berlin",
                "reason": "renewal",
                "item": "channels",
                "quantity": 5,
                "seconds": None,
                "price": Decimal("6.95"),
                "price_days": 30,
                "minor": 3475,
                "amount": Decimal("34.75"),
                "currency": "EUR",
                "term_start": END,
                "term_end": date(2026, 3, 6),
            }
        ]

    def test_record_of_calls_has_their_charged_seconds(self):
        """The charged length of the calls is a number of seconds."""
        recorded = record_call(buy_subscription(FIVE_CHANNELS), call(90, "DE"), TARIFF, on=MID_TERM)
        (row,) = invoice_of(recorded).to_records()

        assert (90, FIRST_DAY, date(2026, 1, 6)) == (
            row["seconds"],
            row["term_start"],
            row["term_end"],
        )


class TestRefusals:
    """An invoice is made for one account, one period and one currency."""

    @pytest.mark.parametrize("until", [JANUARY["since"], date(2025, 12, 31)])
    def test_refuses_a_period_without_days(self, until):
        """The end of the period is after its first day."""
        with pytest.raises(InvalidValue, match="until must be after since, 2026-01-01"):
            invoice_of(since=JANUARY["since"], until=until)

    @pytest.mark.parametrize("parameter", ["since", "until"])
    def test_refuses_an_instant_as_a_day(self, parameter):
        """A datetime has no civil day without a time zone."""
        with pytest.raises(WrongType, match=parameter):
            invoice_of(**{**JANUARY, parameter: datetime(2026, 1, 5)})  # noqa: DTZ001

    def test_refuses_a_decision_of_another_account(self):
        """The error names the position of the decision, and both accounts."""
        other = deposit(attrs.evolve(ACME, account="other"), euros("1"), transfer="p", on=FIRST_DAY)

        with pytest.raises(InvalidValue, match=r"decisions\[1\] .* 'acme', not about .* 'other'"):
            invoice_of(PURCHASE, other)

    @pytest.mark.parametrize("day", [date(2025, 12, 31), date(2026, 2, 1)])
    def test_refuses_a_decision_outside_the_period(self, day):
        """The value date decides, and the end of the period is excluded."""
        fee = charge(ACME, euros("1"), transfer="f", on=day)

        with pytest.raises(InvalidValue, match=rf"2026-01-01 to 2026-02-01, not of {day}"):
            invoice_of(fee, **JANUARY)

    def test_accepts_a_decision_that_was_booked_after_the_period(self):
        """A late run books in February a charge that was due in January."""
        fee = value_dated(charge(ACME, euros("1"), transfer="f", on=date(2026, 2, 3)), FIRST_DAY)

        assert euros("1") == invoice_of(fee, **JANUARY).total

    @pytest.mark.parametrize(
        "decision",
        [
            deposit(BERLIN, Money.of("5", USD), transfer="p-9", on=FIRST_DAY),
            buy(
                FIVE_CHANNELS,
                Tariff("free", USD, 0),
                on=FIRST_DAY,
                **{**IDENTIFIERS, "profile": "boston"},
            ),
        ],
        ids=["posting", "line without a posting"],
    )
    def test_refuses_a_second_currency(self, decision):
        """The error says that each currency needs another invoice."""
        with pytest.raises(CurrencyMismatch, match="USD was given; make an invoice for each"):
            invoice_of(PURCHASE, decision)

    @pytest.mark.parametrize("decisions", [PURCHASE, [PURCHASE.postings[0]]])
    def test_refuses_other_values_than_decisions(self, decisions):
        """Decisions are a sequence of decisions and transfers."""
        with pytest.raises(WrongType, match="decisions"):
            make_invoice("acme", decisions, opening=ZERO, **JANUARY)

    def test_refuses_an_opening_balance_that_is_not_money(self):
        """The opening balance also gives the currency of the invoice."""
        with pytest.raises(WrongType, match="opening"):
            make_invoice("acme", [], opening=0, **JANUARY)  # type: ignore[arg-type]

    @pytest.mark.parametrize("field", ["deposits", "bonuses", "expired", "transferred", "opening"])
    def test_invoice_has_one_currency(self, field):
        """An invoice cannot be built from amounts in two currencies."""
        with pytest.raises(CurrencyMismatch):
            attrs.evolve(invoice_of(PURCHASE), **{field: Money.zero(USD)})

    def test_invoice_is_a_frozen_value(self):
        """Equal decisions give equal invoices, which can be keys of a dict."""
        assert {invoice_of(PURCHASE)} == {invoice_of(PURCHASE)}
        assert isinstance(invoice_of(PURCHASE), Invoice)
