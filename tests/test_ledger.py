"""Purses, postings, statements, and settlements that move all of the money or none."""

# Identifiers are plain text here, decisions are known to hold a subscription, and wrong types
# are given on purpose.
# mypy: disable-error-code="arg-type"

import copy
import pickle
from datetime import date, datetime
from decimal import Decimal

import attrs
import pytest

from channelplans.calendar import Term
from channelplans.errors import CurrencyMismatch, InsufficientCredit, InvalidValue, WrongType
from channelplans.ledger import Posting, Purse, Reason, Statement, deltas, settle, signed
from channelplans.money import EUR, USD, Currency, Money

DAY = date(2026, 1, 5)
TERM = Term(DAY, date(2026, 2, 4))
ACME = Purse("acme")
BERLIN = Purse("acme", "berlin")
FINE = Currency("EUR", 5)


def euros(amount):
    """Return an amount in euros with cents."""
    return Money.of(amount, EUR)


def posting(amount, purse=ACME, reason=Reason.DEPOSIT, **more):
    """Return a posting on the day of these tests."""
    return Posting(purse, euros(amount), reason, DAY, **more)


class TestPurse:
    """Where credit lies."""

    def test_an_accounts_and_a_profiles_purse_differ(self):
        """The account's purse is none of its profiles' purses, and a profile belongs to one."""
        purses = {ACME, BERLIN, Purse("acme", "paris"), Purse("other", "berlin"), Purse("acme")}

        assert 4 == len(purses)

    @pytest.mark.parametrize(
        ("purse", "expected"),
        [(ACME, "account acme"), (BERLIN, "profile berlin of account acme")],
        ids=["account", "profile"],
    )
    def test_names_itself(self, purse, expected):
        """A purse says whose it is."""

        assert expected == str(purse)

    @pytest.mark.parametrize("parameter", ["account", "profile"])
    @pytest.mark.parametrize("wrong", [5, b"acme", 1.5, True, ("acme",)])
    def test_takes_text_alone(self, parameter, wrong):
        """An identifier that is no text is refused by the name of its parameter."""
        with pytest.raises(WrongType) as caught:
            Purse(**{"account": "acme", parameter: wrong})

        assert parameter == caught.value.parameter

    @pytest.mark.parametrize("parameter", ["account", "profile"])
    @pytest.mark.parametrize("wrong", ["", " ", " acme", "acme ", "ac\nme"])
    def test_takes_plain_text_alone(self, parameter, wrong):
        """An identifier that would look like another one, or like none, is refused."""
        with pytest.raises(InvalidValue) as caught:
            Purse(**{"account": "acme", parameter: wrong})

        assert parameter == caught.value.parameter

    def test_the_account_is_needed(self):
        """There is no purse of nobody."""
        with pytest.raises(WrongType, match="account must be text"):
            Purse(None)


class TestPosting:
    """A signed amount on a purse."""

    def test_an_amount_of_nothing_is_refused(self):
        """What moves no money is no posting."""
        with pytest.raises(InvalidValue, match=r"amount must be above or below zero, not 0.00 EUR"):
            posting("0")

    def test_says_what_it_is_with_its_sign(self):
        """What came in is printed with a plus, and the term that it belongs to is named."""
        paid_in = posting("50")
        fee = posting("-69.50", reason=Reason.SUBSCRIPTION, term=TERM)

        assert "2026-01-05 account acme: +50.00 EUR, deposit" == str(paid_in)
        assert (
            "2026-01-05 account acme: -69.50 EUR, subscription for 2026-01-05 to 2026-02-04"
            == str(fee)
        )

    def test_is_one_plain_row(self):
        """A row holds plain values, the amount both as units and as a Decimal."""
        fee = posting("-0.13", BERLIN, Reason.CALL, term=TERM, reference="c-1")

        assert [
            {
                "on": DAY,
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

    def test_a_row_without_a_term(self):
        """Where there is no term, profile or reference, the row says None."""
        (row,) = posting("50").to_records()

        assert (None, None, None, None) == (
            row["profile"],
            row["reference"],
            row["term_start"],
            row["term_end"],
        )

    @pytest.mark.parametrize(
        ("parameter", "wrong"),
        [
            ("purse", "acme"),
            ("amount", 5),
            ("amount", Decimal(5)),
            ("reason", "deposit"),
            ("on", datetime(2026, 1, 5)),  # noqa: DTZ001 - any datetime is refused
            ("on", "2026-01-05"),
            ("term", (DAY, DAY)),
            ("reference", 5),
        ],
    )
    def test_wrong_types_are_named(self, parameter, wrong):
        """Each field refuses what it does not take, by its name."""
        with pytest.raises(WrongType) as caught:
            attrs.evolve(posting("50"), **{parameter: wrong})

        assert parameter == caught.value.parameter

    def test_evolving_keeps_the_checks(self):
        """A posting of nothing cannot be made by changing one either."""
        with pytest.raises(InvalidValue, match="amount"):
            attrs.evolve(posting("50"), amount=euros("0"))


class TestStatement:
    """The postings of one purse, with a running balance."""

    def test_the_running_balance_adds_up(self):
        """After each posting stands what was there and all that was posted until then."""
        amounts = ["50", "-69.50", "20", "-0.13"]
        statement = Statement(ACME, euros("100"), tuple(map(posting, amounts)))

        # 100 + 50 = 150; - 69.50 = 80.50; + 20 = 100.50; - 0.13 = 100.37
        assert ["150.00", "80.50", "100.50", "100.37"] == [
            str(balance.amount) for balance in statement.balances
        ]
        assert euros("100.37") == statement.closing

    def test_without_postings_the_opening_is_the_closing(self):
        """A purse that nothing was posted to holds what it held."""
        statement = Statement(ACME, euros("7"), ())

        assert ((), euros("7"), []) == (
            statement.balances,
            statement.closing,
            statement.to_records(),
        )

    def test_prints_a_table(self):
        """From the balance brought forward on: what was posted, of what, and the balance after."""
        fee = posting("-69.50", reason=Reason.RENEWAL, term=TERM, reference="s-1")
        statement = Statement(ACME, euros("100"), (posting("50"), fee))

        assert [
            "Purse of account acme, in EUR",
            "day         what                     of   term                      amount  balance",
            "----------  -----------------------  ---  ------------------------  ------  -------",
            "            balance brought forward                                          100.00",
            "2026-01-05  deposit                                                 +50.00   150.00",
            "2026-01-05  renewal                  s-1  2026-01-05 to 2026-02-04  -69.50    80.50",
        ] == str(statement).split("\n")

    def test_rows_carry_the_balance(self):
        """A row for each posting, with the balance after it in units and as a Decimal."""
        statement = Statement(ACME, euros("100"), (posting("50"), posting("-0.13")))

        assert [(5000, 15000, Decimal("150.00")), (-13, 14987, Decimal("149.87"))] == [
            (row["minor"], row["balance_minor"], row["balance"]) for row in statement.to_records()
        ]

    def test_a_posting_of_another_purse_is_refused(self):
        """A statement is of one purse, and names the posting that is not."""
        with pytest.raises(InvalidValue, match="must be postings of account acme, not 2026"):
            Statement(ACME, euros("0"), (posting("50"), posting("1", BERLIN)))

    @pytest.mark.parametrize("other", [USD, FINE])
    def test_a_posting_in_another_currency_is_refused(self, other):
        """The opening balance says the currency; the same code with other decimals is another."""
        foreign = Posting(ACME, Money(1, other), Reason.DEPOSIT, DAY)

        with pytest.raises(CurrencyMismatch):
            Statement(ACME, euros("0"), (foreign,))

    def test_a_list_of_postings_is_taken(self):
        """A list is as good as a tuple, and is kept as one."""
        statement = Statement(ACME, euros("0"), [posting("50")])

        assert (posting("50"),) == statement.postings

    @pytest.mark.parametrize(
        ("parameter", "wrong", "named"),
        [
            ("purse", "acme", "purse"),
            ("opening", 0, "opening"),
            ("postings", 5, "postings"),
            ("postings", (5,), "postings[0]"),
        ],
    )
    def test_wrong_types_are_named(self, parameter, wrong, named):
        """Each field refuses what it does not take, by its name."""
        with pytest.raises(WrongType) as caught:
            attrs.evolve(Statement(ACME, euros("0"), ()), **{parameter: wrong})

        assert named == caught.value.parameter

    def test_evolving_keeps_the_checks(self):
        """A statement with another purse does not keep the first one's postings."""
        statement = Statement(ACME, euros("0"), (posting("50"),))

        with pytest.raises(InvalidValue, match="postings of profile berlin"):
            attrs.evolve(statement, purse=BERLIN)


class TestSigned:
    """Amounts as text with their sign."""

    @pytest.mark.parametrize(
        ("amount", "expected"),
        [("6.95", "+6.95 EUR"), ("-6.95", "-6.95 EUR"), ("0", "+0.00 EUR")],
    )
    def test_always_shows_the_sign(self, amount, expected):
        """A plus is shown like a minus."""

        assert expected == signed(euros(amount))

    def test_keeps_small_amounts_in_plain_digits(self):
        """An amount below a millionth is written out, without an exponent."""

        assert "-0.0000000001 EUR" == signed(Money(-1, Currency("EUR", 10)))

    def test_takes_money_alone(self):
        """A bare number has no currency."""
        with pytest.raises(WrongType, match="amount"):
            signed(5)


class TestDeltas:
    """By how much each purse changes."""

    def test_adds_up_each_purse(self):
        """Postings of one purse add up; purses come in the order of their first posting."""
        postings = [posting("-5", BERLIN), posting("7"), posting("2", BERLIN), posting("-10")]

        assert [(BERLIN, euros("-3")), (ACME, euros("-3"))] == list(deltas(postings).items())

    def test_a_purse_that_evens_out_is_named_with_zero(self):
        """What comes in and goes out again is a change of zero, not a missing purse."""

        assert {ACME: euros("0")} == deltas([posting("5"), posting("-5")])

    def test_nothing_changes_nothing(self):
        """No postings, no changes."""

        assert {} == deltas([])

    def test_two_currencies_on_one_purse_are_refused(self):
        """Nothing is converted."""
        with pytest.raises(CurrencyMismatch):
            deltas([posting("5"), Posting(ACME, Money(5, USD), Reason.DEPOSIT, DAY)])

    @pytest.mark.parametrize("wrong", [5, None, [5], ["acme"], [None]])
    def test_takes_postings_alone(self, wrong):
        """What is no posting is refused by the name of the parameter."""
        with pytest.raises(WrongType, match="postings"):
            deltas(wrong)


class TestSettle:
    """All of the postings or none."""

    def test_moves_each_purse_by_its_postings(self):
        """The balances after are the balances before and the postings; other purses stay."""
        paris = Purse("acme", "paris")
        before = {ACME: euros("100"), paris: euros("1")}

        after = settle(before, [posting("-30"), posting("30", BERLIN)])

        assert {ACME: euros("70"), paris: euros("1"), BERLIN: euros("30")} == after

    def test_a_purse_may_end_at_zero(self):
        """Credit may be spent to the last cent."""

        assert {ACME: euros("0")} == settle({ACME: euros("5")}, [posting("-5")])

    def test_a_cent_too_much_is_refused_and_says_what_would_do(self):
        """The error names the purse, what it holds, what is needed and what is missing."""
        with pytest.raises(InsufficientCredit) as caught:
            settle({ACME: euros("50")}, [posting("-50.01")])

        error = caught.value
        assert ("account acme", Decimal("50.01"), Decimal("50.00"), Decimal("0.01"), "EUR") == (
            error.purse,
            error.needed,
            error.available,
            error.missing,
            error.currency,
        )
        assert (
            "account acme holds 50.00 EUR, but 50.01 EUR is needed; 0.01 EUR more would do"
            == str(error)
        )

    def test_what_is_received_counts_towards_what_is_paid(self):
        """A refund of 60 and a charge of 100 need 40."""
        postings = [posting("-100"), posting("60", reason=Reason.REFUND)]

        assert {ACME: euros("0")} == settle({ACME: euros("40")}, postings)
        with pytest.raises(InsufficientCredit) as caught:
            settle({ACME: euros("39.99")}, postings)
        assert Decimal("40.00") == caught.value.needed

    def test_a_refused_settlement_leaves_everything_as_it_was(self):
        """One purse without credit stops the whole; the balances given are not touched."""
        before = {ACME: euros("100")}

        with pytest.raises(InsufficientCredit, match=r"profile berlin of account acme holds 0.00"):
            settle(before, [posting("-30"), posting("-1", BERLIN)])

        assert {ACME: euros("100")} == before

    def test_a_settlement_does_not_touch_the_balances_given(self):
        """The answer is a new mapping."""
        before = {ACME: euros("100")}
        settle(before, [posting("-30")])

        assert {ACME: euros("100")} == before

    def test_a_purse_in_debt_can_be_paid_into(self):
        """Money that comes in is never refused, even where it does not suffice."""

        assert {ACME: euros("-5")} == settle({ACME: euros("-10")}, [posting("5")])

    def test_a_purse_in_debt_pays_nothing(self):
        """What is missing includes the debt."""
        with pytest.raises(InsufficientCredit) as caught:
            settle({ACME: euros("-10")}, [posting("-1")])

        assert Decimal("11.00") == caught.value.missing

    def test_another_currency_is_refused(self):
        """A purse in dollars cannot pay euros."""
        with pytest.raises(CurrencyMismatch, match="USD was expected, EUR was given"):
            settle({ACME: Money(100, USD)}, [posting("-1")])

    def test_the_same_code_with_other_decimals_is_another_currency(self):
        """Cents and thousandths of a cent do not mix, and the error tells them apart."""
        with pytest.raises(CurrencyMismatch, match=r"EUR with 5 decimals.*EUR with 2 decimals"):
            settle({ACME: Money(100, FINE)}, [posting("-1")])

    @pytest.mark.parametrize(
        ("balances", "postings", "named"),
        [
            (None, [], "balances"),
            ([], [], "balances"),
            ({ACME: 5}, [posting("1")], "balances"),
            ({}, 5, "postings"),
            ({}, ["acme"], "postings"),
        ],
    )
    def test_wrong_types_are_named(self, balances, postings, named):
        """Each parameter refuses what it does not take, by its name."""
        with pytest.raises(WrongType) as caught:
            settle(balances, postings)

        assert caught.value.parameter.startswith(named)


VALUES = [BERLIN, posting("-1", term=TERM), Statement(ACME, euros("1"), (posting("50"),))]


@pytest.mark.parametrize("value", VALUES, ids=lambda value: type(value).__name__)
@pytest.mark.parametrize(
    "copied",
    [copy.copy, copy.deepcopy, attrs.evolve, lambda value: pickle.loads(pickle.dumps(value))],
    ids=["copy", "deepcopy", "evolve", "pickle"],
)
def test_values_copy(value, copied):
    """A copy, a pickle and an unchanged evolution are equal to the value, and hash the same."""
    twin = copied(value)

    assert (value, hash(value)) == (twin, hash(twin))


@pytest.mark.parametrize("value", VALUES, ids=lambda value: type(value).__name__)
def test_values_cannot_be_changed(value):
    """No field can be set."""
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        value.purse = ACME


def test_html_is_escaped():
    """A name that holds markup shows as text in a notebook."""
    nasty = Purse("<script>", "a&b")
    statement = Statement(nasty, euros("0"), ())

    assert "<p>profile a&amp;b of account &lt;script&gt;</p>" == nasty._repr_html_()
    assert "<script>" not in statement._repr_html_()
