"""Wallets, postings and statements, and settlements that book all postings or none."""

import copy
import pickle
from datetime import date, datetime
from decimal import Decimal

import attrs
import pytest

from channelplans.calendar import Term
from channelplans.errors import CurrencyMismatch, InsufficientCredit, InvalidValue, WrongType
from channelplans.money import EUR, USD, Currency, Money
from channelplans.subscriptions.wallets import (
    Posting,
    Reason,
    Statement,
    Wallet,
    deltas,
    settle,
    signed,
)

DAY = date(2026, 1, 5)
TERM = Term(DAY, date(2026, 2, 4))
ACME = Wallet("acme")
BERLIN = Wallet("acme", "berlin")
FIVE_DECIMALS = Currency("EUR", 5)


def euros(amount):
    """Return an amount in euros and cents."""
    return Money.of(amount, EUR)


def posting(amount, wallet=ACME, reason=Reason.DEPOSIT, **fields):
    """Return a posting on the day that these tests use."""
    return Posting(wallet, euros(amount), reason, DAY, **fields)


class TestWallet:
    """The wallet of an account or of one profile."""

    def test_wallets_differ_by_account_and_profile(self):
        """Two wallets are equal only if both the account and the profile are the same."""
        wallets = {ACME, BERLIN, Wallet("acme", "paris"), Wallet("other", "berlin"), Wallet("acme")}

        assert 4 == len(wallets)

    @pytest.mark.parametrize(
        ("wallet", "expected"),
        [(ACME, "account 'acme'"), (BERLIN, "profile 'berlin' of account 'acme'")],
        ids=["account", "profile"],
    )
    def test_prints_its_owner(self, wallet, expected):
        """A wallet prints the account, or the profile and its account."""

        assert expected == str(wallet)

    @pytest.mark.parametrize("parameter", ["account", "profile"])
    @pytest.mark.parametrize("value", [5, b"acme", 1.5, True, ("acme",)])
    def test_refuses_identifiers_that_are_not_text(self, parameter, value):
        """The error for an identifier of a wrong type names the parameter."""
        with pytest.raises(WrongType) as caught:
            Wallet(**{"account": "acme", parameter: value})

        assert parameter == caught.value.parameter

    @pytest.mark.parametrize("parameter", ["account", "profile"])
    @pytest.mark.parametrize("value", ["", " ", " acme", "acme ", "ac\nme"])
    def test_refuses_identifiers_with_odd_whitespace(self, parameter, value):
        """An identifier cannot be empty, start or end with a space, or contain a line break."""
        with pytest.raises(InvalidValue) as caught:
            Wallet(**{"account": "acme", parameter: value})

        assert parameter == caught.value.parameter

    def test_refuses_a_missing_account(self):
        """Each wallet belongs to an account."""
        with pytest.raises(WrongType, match="account must be text"):
            Wallet(None)  # type: ignore[arg-type]


class TestPosting:
    """A signed amount on a wallet."""

    def test_refuses_an_amount_of_zero(self):
        """A posting moves money, so its amount is not zero."""
        with pytest.raises(InvalidValue, match=r"amount must be above or below zero, not 0.00 EUR"):
            posting("0")

    def test_prints_its_sign_and_its_term(self):
        """A posting prints its amount with a plus or minus, and its term if it has one."""
        deposit = posting("50")
        fee = posting("-69.50", reason=Reason.SUBSCRIPTION, term=TERM)

        assert "2026-01-05 account 'acme': +50.00 EUR, deposit" == str(deposit)
        assert (
            "2026-01-05 account 'acme': -69.50 EUR, subscription for 2026-01-05 to 2026-02-04"
            == str(fee)
        )

    def test_to_records_returns_one_plain_row(self):
        """The row holds plain values, with the amount both in cents and as a Decimal."""
        fee = posting("-0.13", BERLIN, Reason.CALL, term=TERM, reference="c-1")

        assert [
            {
                "on": DAY,
                "value_date": DAY,
                "account": "acme",
                "profile": "berlin",
                "reason": "call",
                "reference": "c-1",
                "minor": -13,
                "amount": Decimal("-0.13"),
                "currency": "EUR",
                "term_start": DAY,
                "term_end": date(2026, 2, 4),
            }
        ] == fee.to_records()

    def test_value_date_is_the_day_of_booking_unless_the_run_was_late(self):
        """A late run books on 5 January what was due on the 3rd; the text names both days."""
        late = attrs.evolve(posting("-69.50"), value_date=date(2026, 1, 3))

        assert [DAY, date(2026, 1, 3)] == [posting("5").counts_from, late.counts_from]
        assert "2026-01-05 account 'acme': -69.50 EUR, deposit, as of 2026-01-03" == str(late)
        assert [(DAY, date(2026, 1, 3))] == [
            (row["on"], row["value_date"]) for row in late.to_records()
        ]

    def test_value_date_may_not_follow_the_day_of_booking(self):
        """Nothing is booked before it happens."""
        with pytest.raises(
            InvalidValue,
            match="value_date must be at most 2026-01-05, the day of booking, not 2026-",
        ):
            attrs.evolve(posting("5"), value_date=date(2026, 1, 6))

    def test_to_records_fills_missing_values_with_none(self):
        """The row holds None if the posting has no term, profile or reference."""
        (row,) = posting("50").to_records()

        assert (None, None, None, None) == (
            row["profile"],
            row["reference"],
            row["term_start"],
            row["term_end"],
        )

    @pytest.mark.parametrize(
        ("parameter", "value"),
        [
            ("wallet", "acme"),
            ("amount", 5),
            ("amount", Decimal(5)),
            ("reason", "deposit"),
            ("on", datetime(2026, 1, 5)),  # noqa: DTZ001 - any datetime is refused
            ("on", "2026-01-05"),
            ("term", (DAY, DAY)),
            ("reference", 5),
        ],
    )
    def test_fields_refuse_wrong_types(self, parameter, value):
        """The error for a value of a wrong type names the field."""
        with pytest.raises(WrongType) as caught:
            attrs.evolve(posting("50"), **{parameter: value})

        assert parameter == caught.value.parameter

    def test_evolve_refuses_an_amount_of_zero(self):
        """Evolving a posting checks its amount again."""
        with pytest.raises(InvalidValue, match="amount"):
            attrs.evolve(posting("50"), amount=euros("0"))


class TestStatement:
    """The postings of one wallet, with a running balance."""

    def test_balances_add_up(self):
        """Each balance is the opening balance plus all postings so far."""
        amounts = ["50", "-69.50", "20", "-0.13"]
        statement = Statement(ACME, euros("100"), tuple(map(posting, amounts)))

        # 100 + 50 = 150; - 69.50 = 80.50; + 20 = 100.50; - 0.13 = 100.37
        assert ["150.00", "80.50", "100.50", "100.37"] == [
            str(balance.amount) for balance in statement.balances
        ]
        assert euros("100.37") == statement.closing

    def test_without_postings_closes_with_the_opening_balance(self):
        """The closing balance equals the opening balance if there are no postings."""
        statement = Statement(ACME, euros("7"), ())

        assert ((), euros("7"), []) == (
            statement.balances,
            statement.closing,
            statement.to_records(),
        )

    def test_prints_a_table(self):
        """The table starts with the opening balance and has a row for each posting."""
        fee = posting("-69.50", reason=Reason.RENEWAL, term=TERM, reference="s-1")
        statement = Statement(ACME, euros("100"), (posting("50"), fee))

        assert [
            "Wallet of account 'acme', in EUR",
            "day         reason                   for  term                      amount  balance",
            "----------  -----------------------  ---  ------------------------  ------  -------",
            "            balance brought forward                                          100.00",
            "2026-01-05  deposit                                                 +50.00   150.00",
            "2026-01-05  renewal                  s-1  2026-01-05 to 2026-02-04  -69.50    80.50",
        ] == str(statement).split("\n")

    def test_prints_the_value_date_of_a_late_posting_and_the_day_of_its_booking(self):
        """The first column is the value date; a last column is added if a posting was late."""
        fee = Posting(ACME, euros("-30"), Reason.RENEWAL, date(2026, 2, 9), value_date=DAY)
        statement = Statement(ACME, euros("100"), (fee, posting("50")))

        assert [
            "day         reason                   for  term  amount  balance  booked on",
            "            balance brought forward                      100.00",
            "2026-01-05  renewal                             -30.00    70.00  2026-02-09",
            "2026-01-05  deposit                             +50.00   120.00  2026-01-05",
        ] == [line.rstrip() for line in str(statement).split("\n") if "-----" not in line][1:]

    def test_to_records_returns_the_balance_after_each_posting(self):
        """Each row holds the balance after its posting, in cents and as a Decimal."""
        statement = Statement(ACME, euros("100"), (posting("50"), posting("-0.13")))

        assert [(5000, 15000, Decimal("150.00")), (-13, 14987, Decimal("149.87"))] == [
            (row["minor"], row["balance_minor"], row["balance"]) for row in statement.to_records()
        ]

    def test_refuses_a_posting_of_another_wallet(self):
        """The error names the posting that belongs to another wallet."""
        with pytest.raises(InvalidValue, match="must be postings of account 'acme', not 2026"):
            Statement(ACME, euros("0"), (posting("50"), posting("1", BERLIN)))

    @pytest.mark.parametrize("currency", [USD, FIVE_DECIMALS])
    def test_refuses_a_posting_in_another_currency(self, currency):
        """All postings are in the opening balance's currency, with the same number of decimals."""
        other_posting = Posting(ACME, Money(minor=1, currency=currency), Reason.DEPOSIT, DAY)

        with pytest.raises(CurrencyMismatch):
            Statement(ACME, euros("0"), (other_posting,))

    def test_keeps_a_list_of_postings_as_a_tuple(self):
        """The postings may be passed as a list and are stored as a tuple."""
        statement = Statement(ACME, euros("0"), [posting("50")])  # type: ignore[arg-type]

        assert (posting("50"),) == statement.postings

    @pytest.mark.parametrize(
        ("parameter", "value", "reported"),
        [
            ("wallet", "acme", "wallet"),
            ("opening", 0, "opening"),
            ("postings", 5, "postings"),
            ("postings", (5,), "postings[0]"),
        ],
    )
    def test_fields_refuse_wrong_types(self, parameter, value, reported):
        """The error for a value of a wrong type names the field, and the index in a list."""
        with pytest.raises(WrongType) as caught:
            attrs.evolve(Statement(ACME, euros("0"), ()), **{parameter: value})

        assert reported == caught.value.parameter

    def test_evolve_refuses_another_wallet(self):
        """Evolving a statement to another wallet is refused, because its postings do not fit."""
        statement = Statement(ACME, euros("0"), (posting("50"),))

        with pytest.raises(InvalidValue, match="postings of profile 'berlin'"):
            attrs.evolve(statement, wallet=BERLIN)


class TestSigned:
    """Amounts as text with a sign."""

    @pytest.mark.parametrize(
        ("amount", "expected"),
        [("6.95", "+6.95 EUR"), ("-6.95", "-6.95 EUR"), ("0", "+0.00 EUR")],
    )
    def test_always_shows_the_sign(self, amount, expected):
        """A plus is shown too, also for zero."""

        assert expected == signed(euros(amount))

    def test_writes_small_amounts_without_an_exponent(self):
        """An amount below a millionth is written with all its zeros."""

        assert "-0.0000000001 EUR" == signed(Money(minor=-1, currency=Currency("EUR", 10)))

    def test_refuses_a_bare_number(self):
        """The amount must be `Money`, because a bare number has no currency."""
        with pytest.raises(WrongType, match="amount"):
            signed(5)  # type: ignore[arg-type]


class TestDeltas:
    """The change of each wallet's balance."""

    def test_adds_up_each_wallet(self):
        """The postings of one wallet are added up. Wallets are ordered by their first posting."""
        postings = [posting("-5", BERLIN), posting("7"), posting("2", BERLIN), posting("-10")]

        assert [(BERLIN, euros("-3")), (ACME, euros("-3"))] == list(deltas(postings).items())

    def test_includes_a_wallet_whose_postings_cancel_out(self):
        """A wallet with postings of 5 and -5 has a change of zero and is not left out."""

        assert {ACME: euros("0")} == deltas([posting("5"), posting("-5")])

    def test_without_postings_is_empty(self):
        """Without postings no wallet changes."""

        assert {} == deltas([])

    def test_refuses_two_currencies_on_one_wallet(self):
        """Amounts in different currencies are not converted or added up."""
        with pytest.raises(CurrencyMismatch):
            deltas([posting("5"), Posting(ACME, Money(minor=5, currency=USD), Reason.DEPOSIT, DAY)])

    @pytest.mark.parametrize("value", [5, None, [5], ["acme"], [None]])
    def test_refuses_values_that_are_not_postings(self, value):
        """The error for a value of a wrong type names the parameter."""
        with pytest.raises(WrongType, match="postings"):
            deltas(value)


class TestSettle:
    """Booking all of the postings or none."""

    def test_adds_the_postings_to_each_wallet(self):
        """Each wallet's postings are added to its balance. Other wallets keep their balances."""
        paris = Wallet("acme", "paris")
        before = {ACME: euros("100"), paris: euros("1")}

        after = settle(before, [posting("-30"), posting("30", BERLIN)])

        assert {ACME: euros("70"), paris: euros("1"), BERLIN: euros("30")} == after

    def test_accepts_a_balance_of_zero_afterwards(self):
        """A wallet can spend all of its credit."""

        assert {ACME: euros("0")} == settle({ACME: euros("5")}, [posting("-5")])

    def test_refuses_a_balance_below_zero(self):
        """The error names the wallet, and the available, needed and missing amounts."""
        with pytest.raises(InsufficientCredit) as caught:
            settle({ACME: euros("50")}, [posting("-50.01")])

        error = caught.value
        assert ("account 'acme'", Decimal("50.01"), Decimal("50.00"), Decimal("0.01"), "EUR") == (
            error.wallet,
            error.needed,
            error.available,
            error.missing,
            error.currency,
        )
        assert (
            "account 'acme' holds 50.00 EUR, but 50.01 EUR is needed; 0.01 EUR is missing"
            == str(error)
        )

    def test_counts_a_refund_towards_a_charge(self):
        """A charge of 100 and a refund of 60 need a balance of 40."""
        postings = [posting("-100"), posting("60", reason=Reason.REFUND)]

        assert {ACME: euros("0")} == settle({ACME: euros("40")}, postings)
        with pytest.raises(InsufficientCredit) as caught:
            settle({ACME: euros("39.99")}, postings)

        assert Decimal("40.00") == caught.value.needed

    def test_books_nothing_if_one_wallet_cannot_pay(self):
        """One wallet without credit refuses the whole settlement, and no balance changes."""
        before = {ACME: euros("100")}

        with pytest.raises(
            InsufficientCredit, match=r"profile 'berlin' of account 'acme' holds 0.00"
        ):
            settle(before, [posting("-30"), posting("-1", BERLIN)])

        assert {ACME: euros("100")} == before

    def test_returns_a_new_mapping(self):
        """The mapping of balances that was passed in does not change."""
        before = {ACME: euros("100")}
        settle(before, [posting("-30")])

        assert {ACME: euros("100")} == before

    def test_accepts_a_deposit_on_a_negative_balance(self):
        """A deposit is accepted even if the balance remains below zero."""

        assert {ACME: euros("-5")} == settle({ACME: euros("-10")}, [posting("5")])

    def test_refuses_a_charge_on_a_negative_balance(self):
        """The missing amount is the charge plus the negative balance."""
        with pytest.raises(InsufficientCredit) as caught:
            settle({ACME: euros("-10")}, [posting("-1")])

        assert Decimal("11.00") == caught.value.missing

    def test_refuses_another_currency(self):
        """A wallet in dollars cannot pay euros."""
        with pytest.raises(CurrencyMismatch, match="USD was expected, EUR was given"):
            settle({ACME: Money(minor=100, currency=USD)}, [posting("-1")])

    def test_refuses_the_same_currency_with_other_decimals(self):
        """EUR with 5 decimals differs from EUR with 2, and the error shows both numbers."""
        with pytest.raises(CurrencyMismatch, match=r"EUR with 5 decimals.*EUR with 2 decimals"):
            settle({ACME: Money(minor=100, currency=FIVE_DECIMALS)}, [posting("-1")])

    @pytest.mark.parametrize(
        ("balances", "postings", "parameter"),
        [
            (None, [], "balances"),
            ([], [], "balances"),
            ({ACME: 5}, [posting("1")], "balances"),
            ({}, 5, "postings"),
            ({}, ["acme"], "postings"),
        ],
    )
    def test_refuses_wrong_types(self, balances, postings, parameter):
        """The error for a value of a wrong type names the parameter."""
        with pytest.raises(WrongType) as caught:
            settle(balances, postings)

        assert caught.value.parameter.startswith(parameter)


VALUES = [BERLIN, posting("-1", term=TERM), Statement(ACME, euros("1"), (posting("50"),))]


@pytest.mark.parametrize("value", VALUES, ids=lambda value: type(value).__name__)
@pytest.mark.parametrize(
    "make_copy",
    [copy.copy, copy.deepcopy, attrs.evolve, lambda value: pickle.loads(pickle.dumps(value))],
    ids=["copy", "deepcopy", "evolve", "pickle"],
)
def test_copies_are_equal(value, make_copy):
    """Copying, pickling or evolving without changes gives an equal value with the same hash."""
    copied = make_copy(value)

    assert (value, hash(value)) == (copied, hash(copied))


@pytest.mark.parametrize("value", VALUES, ids=lambda value: type(value).__name__)
def test_fields_are_read_only(value):
    """Assigning to a field raises an error."""
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        value.wallet = ACME


def test_html_is_escaped():
    """A notebook shows markup in a name as text."""
    wallet = Wallet("<script>", "a&b")
    statement = Statement(wallet, euros("0"), ())

    assert (
        "<p>profile &#x27;a&amp;b&#x27; of account &#x27;&lt;script&gt;&#x27;</p>"
        == wallet._repr_html_()
    )
    assert "<script>" not in statement._repr_html_()
