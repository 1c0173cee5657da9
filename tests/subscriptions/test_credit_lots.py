"""Lots of credit, computed from a wallet's postings: remaining amounts, payments and expiries."""

from datetime import date, datetime, timedelta
from decimal import Decimal

import attrs
import pytest

from channelplans.calendar import Days, Months
from channelplans.errors import CurrencyMismatch, InvalidValue, WrongType
from channelplans.money import EUR, USD, Money
from channelplans.subscriptions.credit_lots import (
    Draw,
    Lot,
    LotRule,
    Payment,
    expiries,
    open_lots,
    payments,
)
from channelplans.subscriptions.wallets import Posting, Reason, Wallet

ACME = Wallet("acme")
DEPOSIT, BONUS, REFUND, TRANSFER = Reason.DEPOSIT, Reason.BONUS, Reason.REFUND, Reason.TRANSFER
FEE, RENEWAL, CALL, EXPIRY = Reason.SUBSCRIPTION, Reason.RENEWAL, Reason.CALL, Reason.EXPIRY


def posting(amount, reason, month, day, reference=None, *, wallet=ACME):
    """Return a posting in euros on a day of 2026."""
    booked_on = date(2026, month, day)
    return Posting(wallet, Money.of(amount, EUR), reason, booked_on, reference=reference)


def remaining(postings, rules=(), *, on):
    """Return the reference and the remaining amount of each lot, in the order of drawing."""
    return [
        (lot.posting.reference, str(lot.left.amount)) for lot in open_lots(postings, rules, on=on)
    ]


def draws_by_charge(postings, rules=()):
    """Return, for each posting below zero, the lots that paid it and their amounts."""
    return [
        [(draw.lot.reference, str(draw.amount.amount)) for draw in payment.draws]
        for payment in payments(postings, rules)
    ]


class TestLotRule:
    """How long the lots of one reason last, and in which order they are drawn."""

    def test_lots_never_expire_by_default(self):
        """A rule with only a reason has no expiry and priority 0."""
        rule = LotRule(DEPOSIT)

        assert (None, False, 0) == (rule.lasts, rule.since_use, rule.priority)

    @pytest.mark.parametrize(
        ("rule", "expected"),
        [
            (LotRule(DEPOSIT), "deposit: lasts for ever, priority 0"),
            (LotRule(BONUS, Months(3), priority=-1), "bonus: lasts 3 months, priority -1"),
            (
                LotRule(TRANSFER, Days(180), since_use=True),
                "transfer: lasts 180 days since the latest use, priority 0",
            ),
        ],
    )
    def test_prints_its_fields(self, rule, expected):
        """A rule prints its reason, how long its lots last, and their priority."""

        assert expected == str(rule)

    def test_since_use_needs_a_length(self):
        """Counting from the latest use is refused for lots that never expire."""
        with pytest.raises(InvalidValue, match="lasts must be Days or Months"):
            LotRule(DEPOSIT, since_use=True)

    @pytest.mark.parametrize(
        ("parameter", "value"),
        [("reason", "deposit"), ("lasts", 30), ("since_use", 1), ("priority", "first")],
    )
    def test_fields_refuse_wrong_types(self, parameter, value):
        """The error for a value of a wrong type names the field."""
        with pytest.raises(WrongType) as caught:
            attrs.evolve(LotRule(DEPOSIT, Days(1)), **{parameter: value})

        assert parameter == caught.value.parameter


class TestLots:
    """The remaining amount of each lot."""

    def test_without_rules_the_oldest_lot_is_drawn_first(self):
        """A charge of 80 takes all of the first 50 and 30 of the second 50.

        20 remain of the second lot. The third lot is not drawn.
        """
        postings = [
            posting("50", DEPOSIT, 1, 5, "a"),
            posting("50", DEPOSIT, 1, 6, "b"),
            posting("-80", FEE, 1, 7),
            posting("30", DEPOSIT, 1, 8, "c"),
        ]

        assert [("b", "20.00"), ("c", "30.00")] == remaining(postings, on=date(2026, 1, 8))

    def test_open_lots_reads_the_postings_of_the_day_itself(self):
        """Postings up to and including the day are read, and later postings are not."""
        postings = [
            posting("50", DEPOSIT, 1, 5, "a"),
            posting("-20", FEE, 1, 7),
            posting("-20", FEE, 1, 8),
        ]
        days = [date(2026, 1, day) for day in (4, 5, 7, 8)]

        assert [[], [("a", "50.00")], [("a", "30.00")], [("a", "10.00")]] == [
            remaining(postings, on=day) for day in days
        ]

    def test_a_wallet_without_postings_has_no_lots(self):
        """Without postings there are no lots, no payments and no expiries."""

        assert ((), (), ()) == (
            open_lots((), on=date(2026, 1, 5)),
            payments(()),
            expiries((), (), on=date(2026, 1, 5)),
        )

    def test_a_lot_that_expires_is_drawn_before_one_that_does_not(self):
        """A bonus that lasts three months is drawn before a deposit that never expires."""
        postings = [
            posting("50", DEPOSIT, 1, 5, "bought"),
            posting("10", BONUS, 1, 6, "bonus"),
            posting("-15", FEE, 1, 7),
        ]
        rules = [LotRule(BONUS, Months(3))]

        assert [("bought", "45.00")] == remaining(postings, rules, on=date(2026, 1, 7))

    def test_the_lot_that_expires_first_is_drawn_first(self):
        """A newer bonus is drawn before an older refund that expires later."""
        postings = [
            posting("10", REFUND, 1, 5, "refund"),
            posting("10", BONUS, 1, 20, "bonus"),
            posting("-12", FEE, 1, 21),
        ]
        # The refund expires on 5 March, the bonus on 20 February.
        rules = [LotRule(REFUND, Months(2)), LotRule(BONUS, Months(1))]

        assert [("refund", "8.00")] == remaining(postings, rules, on=date(2026, 1, 21))

    def test_priority_comes_before_expiry(self):
        """A lot with a higher priority number is drawn last, even if it expires first."""
        postings = [
            posting("10", BONUS, 1, 5, "bonus"),
            posting("50", DEPOSIT, 1, 6, "bought"),
            posting("-15", FEE, 1, 7),
        ]
        rules = [LotRule(BONUS, Months(3), priority=1)]

        assert [("bought", "35.00"), ("bonus", "10.00")] == remaining(
            postings, rules, on=date(2026, 1, 7)
        )

    def test_a_lot_has_its_reason_expiry_and_priority(self):
        """Three months from 30 November end on 28 February, the last day of that month."""
        bonus = Posting(ACME, Money.of("10", EUR), BONUS, date(2025, 11, 30), reference="b-1")
        (lot,) = open_lots([bonus], [LotRule(BONUS, Months(3), priority=-1)], on=date(2026, 1, 5))

        assert (BONUS, date(2026, 2, 28), -1) == (lot.posting.reason, lot.expires, lot.priority)

    def test_a_lot_is_expired_on_its_expiry_date(self):
        """The expiry date is the first day on which the lot is expired, like the end of a term."""
        (expiring_lot,) = open_lots(
            [posting("10", BONUS, 1, 5)], [LotRule(BONUS, Days(30))], on=date(2026, 1, 5)
        )
        lasting_lot = attrs.evolve(expiring_lot, expires=None)

        assert not expiring_lot.expired(date(2026, 2, 3))
        assert expiring_lot.expired(date(2026, 2, 4))
        assert not lasting_lot.expired(date.max)

    def test_a_lot_prints_its_remaining_amount_posting_and_expiry(self):
        """A lot that never expires prints no expiry date."""
        bonus = posting("10", BONUS, 1, 5)
        (expiring_lot,) = open_lots([bonus], [LotRule(BONUS, Days(30))], on=date(2026, 1, 5))
        (lasting_lot,) = open_lots([bonus], on=date(2026, 1, 5))

        assert (
            "10.00 EUR left of 2026-01-05 account 'acme': +10.00 EUR, bonus, until 2026-02-04"
            == str(expiring_lot)
        )
        assert "10.00 EUR left of 2026-01-05 account 'acme': +10.00 EUR, bonus" == str(lasting_lot)

    def test_a_lot_returns_one_plain_row(self):
        """The row extends the posting's row by the remaining amount, in cents and as a Decimal."""
        postings = [posting("10", BONUS, 1, 5, "b-1"), posting("-4", FEE, 1, 5)]
        (bonus_lot,) = open_lots(postings, [LotRule(BONUS, Days(30))], on=date(2026, 1, 5))

        (row,) = bonus_lot.to_records()

        assert {
            **postings[0].to_records()[0],
            "held_by": None,
            "expires": date(2026, 2, 4),
            "priority": 0,
            "left_minor": 600,
            "left": Decimal("6.00"),
        } == row

    def test_a_charge_may_be_booked_before_the_refund_that_pays_it(self):
        """The part of a charge that the lots do not cover is drawn from the refund after it.

        A settlement books several postings at once, so the charge may come first.
        """
        postings = [
            posting("40", DEPOSIT, 1, 5, "a"),
            posting("-100", FEE, 1, 6),
            posting("60", REFUND, 1, 6, "b"),
            posting("5", DEPOSIT, 1, 6, "c"),
        ]

        assert [("c", "5.00")] == remaining(postings, on=date(2026, 1, 6))
        assert [[("a", "40.00"), ("b", "60.00")]] == draws_by_charge(postings)

    def test_open_lots_refuses_postings_of_two_accounts(self):
        """All postings belong to the wallets of one account."""
        other_posting = posting("10", DEPOSIT, 1, 5, wallet=Wallet("globex"))
        with pytest.raises(InvalidValue, match="postings of account 'acme'"):
            open_lots([posting("50", DEPOSIT, 1, 5), other_posting], on=date(2026, 1, 5))

    def test_open_lots_refuses_postings_in_two_currencies(self):
        """All postings are in one currency, because amounts are not converted."""
        dollars = Posting(ACME, Money.of("10", USD), DEPOSIT, date(2026, 1, 5))
        with pytest.raises(CurrencyMismatch):
            open_lots([posting("50", DEPOSIT, 1, 5), dollars], on=date(2026, 1, 5))

    def test_open_lots_refuses_two_rules_for_one_reason(self):
        """Each reason has at most one rule."""
        rules = [LotRule(BONUS), LotRule(BONUS, Days(1))]
        with pytest.raises(InvalidValue, match="one for each reason, not two for bonus"):
            open_lots([], rules, on=date(2026, 1, 5))

    @pytest.mark.parametrize(
        ("postings", "rules", "on", "parameter"),
        [
            (5, (), date(2026, 1, 5), "postings"),
            ([5], (), date(2026, 1, 5), "postings[0]"),
            ((), 5, date(2026, 1, 5), "rules"),
            ((), [BONUS], date(2026, 1, 5), "rules[0]"),
            ((), (), datetime(2026, 1, 5), "on"),  # noqa: DTZ001 - any datetime is refused
        ],
    )
    def test_open_lots_refuses_wrong_types(self, postings, rules, on, parameter):
        """The error for a value of a wrong type names the parameter."""
        with pytest.raises(WrongType) as caught:
            open_lots(postings, rules, on=on)

        assert parameter == caught.value.parameter

    @pytest.mark.parametrize(
        ("parameter", "value"),
        [("posting", 5), ("wallet", "acme"), ("expires", 5), ("priority", None), ("left", 5)],
    )
    def test_fields_of_a_lot_refuse_wrong_types(self, parameter, value):
        """The error for a value of a wrong type names the field."""
        lot = Lot(posting("10", BONUS, 1, 5), ACME, None, 0, Money.of("10", EUR))
        with pytest.raises(WrongType) as caught:
            attrs.evolve(lot, **{parameter: value})

        assert parameter == caught.value.parameter


class TestPayments:
    """The lots that paid each charge."""

    def test_a_charge_may_be_paid_from_two_lots(self):
        """The charge of 40 takes the last 20 of the first deposit and 20 of the second."""
        postings = [
            posting("50", DEPOSIT, 1, 5, "a"),
            posting("50", DEPOSIT, 1, 6, "b"),
            posting("-30", FEE, 1, 7),
            posting("-40", RENEWAL, 2, 6),
            posting("-30", CALL, 2, 7),
        ]

        assert [
            [("a", "30.00")],
            [("a", "20.00"), ("b", "20.00")],
            [("b", "30.00")],
        ] == draws_by_charge(postings)

    def test_equal_charges_are_separate_payments(self):
        """Two equal charges are returned as two payments."""
        charge = posting("-5", CALL, 1, 6)

        assert [[("a", "5.00")], [("a", "5.00")]] == draws_by_charge(
            [posting("50", DEPOSIT, 1, 5, "a"), charge, charge]
        )

    def test_a_transfer_is_drawn_like_a_charge(self):
        """Credit that is assigned to a profile is drawn from the account's oldest lot first."""
        postings = [
            posting("50", DEPOSIT, 1, 5, "a"),
            posting("50", DEPOSIT, 1, 6, "b"),
            posting("-60", TRANSFER, 1, 7),
        ]

        assert [[("a", "50.00"), ("b", "10.00")]] == draws_by_charge(postings)

    def test_prints_the_charge_and_each_lot(self):
        """A payment prints its posting, and below it a line for each lot."""
        (payment,) = payments([posting("10", BONUS, 1, 5), posting("-4", FEE, 1, 6)])

        assert [
            "2026-01-06 account 'acme': -4.00 EUR, subscription",
            "  4.00 EUR of 2026-01-05 account 'acme': +10.00 EUR, bonus",
        ] == str(payment).split("\n")

    def test_to_records_returns_a_row_for_each_lot(self):
        """Each row extends the charge's row by the lot and the amount taken from it."""
        charge = posting("-15", FEE, 1, 7, "s-1")
        postings = [
            posting("10", BONUS, 1, 5, "b-1"),
            posting("50", DEPOSIT, 1, 6, "p-1"),
            charge,
        ]
        (payment,) = payments(postings)
        (charge_row,) = charge.to_records()

        assert [
            {
                **charge_row,
                "lot_on": date(2026, 1, 5),
                "lot_reason": "bonus",
                "lot_reference": "b-1",
                "drawn_minor": 1000,
                "drawn": Decimal("10.00"),
            },
            {
                **charge_row,
                "lot_on": date(2026, 1, 6),
                "lot_reason": "deposit",
                "lot_reference": "p-1",
                "drawn_minor": 500,
                "drawn": Decimal("5.00"),
            },
        ] == payment.to_records()

    def test_fields_refuse_wrong_types(self):
        """The error for a value of a wrong type names the field. A list of draws is accepted."""
        draw = Draw(posting("10", BONUS, 1, 5), Money.of("4", EUR))
        payment = Payment(posting("-4", FEE, 1, 6), [draw])  # type: ignore[arg-type]

        assert (draw,) == payment.draws
        with pytest.raises(WrongType, match=r"draws\[0\]"):
            attrs.evolve(payment, draws=[5])  # type: ignore[arg-type]
        with pytest.raises(WrongType, match="lot"):
            attrs.evolve(draw, lot=5)  # type: ignore[arg-type]


class TestExpiries:
    """The postings that remove expired lots."""

    RULES = (LotRule(BONUS, Days(30)),)

    def test_the_remaining_amount_expires_on_the_expiry_date(self):
        """4 of a bonus of 10 were spent, so 6 expire on 4 February and not a day earlier."""
        postings = [posting("10", BONUS, 1, 5, "b-1"), posting("-4", FEE, 1, 6)]

        assert () == expiries(postings, self.RULES, on=date(2026, 2, 3))
        assert (posting("-6", EXPIRY, 2, 4, "expiry of bonus b-1, lot 1"),) == expiries(
            postings, self.RULES, on=date(2026, 2, 4)
        )

    def test_lasting_and_spent_lots_have_no_expiry(self):
        """A deposit without a rule never expires, and a spent bonus has nothing left to expire."""
        postings = [
            posting("50", DEPOSIT, 1, 5),
            posting("10", BONUS, 1, 5),
            posting("-10", FEE, 1, 6),
        ]

        assert () == expiries(postings, self.RULES, on=date(2026, 12, 31))

    def test_a_booked_expiry_is_not_returned_again(self):
        """A booked expiry is drawn from the expired lot and not from the others."""
        postings = [posting("50", DEPOSIT, 1, 1, "a"), posting("10", BONUS, 1, 5, "b")]
        day = date(2026, 2, 4)
        booked = [*postings, *expiries(postings, self.RULES, on=day)]

        assert () == expiries(booked, self.RULES, on=day)
        assert [("a", "50.00")] == remaining(booked, self.RULES, on=day)
        assert [[("b", "10.00")]] == draws_by_charge(booked, self.RULES)

    def test_a_late_expiry_takes_the_same_amount(self):
        """Expired lots are drawn last, so a charge before the late expiry does not use them up."""
        postings = [
            posting("50", DEPOSIT, 1, 1, "a"),
            posting("10", BONUS, 1, 5, "b"),
            posting("-20", FEE, 2, 10),
        ]
        day = date(2026, 2, 20)

        assert (posting("-10", EXPIRY, 2, 20, "expiry of bonus b, lot 1"),) == expiries(
            postings, self.RULES, on=day
        )
        assert [("a", "30.00"), ("b", "10.00")] == remaining(postings, self.RULES, on=day)

    def test_a_charge_draws_an_expired_lot_if_no_other_credit_is_left(self):
        """Until its expiry is booked, an expired lot can still pay a charge."""
        postings = [
            posting("50", DEPOSIT, 1, 1, "a"),
            posting("10", BONUS, 1, 5, "b"),
            posting("-55", FEE, 2, 10),
        ]

        assert [[("a", "50.00"), ("b", "5.00")]] == draws_by_charge(postings, self.RULES)

    def test_an_expiry_above_the_expired_amount_draws_other_lots(self):
        """An expiry booked by hand may be too large; the rest is drawn in the usual order."""
        postings = [
            posting("50", DEPOSIT, 1, 1, "a"),
            posting("10", BONUS, 1, 5, "b"),
            posting("-15", EXPIRY, 2, 4),
        ]

        assert [[("b", "10.00"), ("a", "5.00")]] == draws_by_charge(postings, self.RULES)

    def test_each_expired_lot_has_its_own_posting(self):
        """The lot that expired first comes first."""
        postings = [posting("10", BONUS, 1, 5, "a"), posting("7", BONUS, 1, 9, "b")]

        assert ["expiry of bonus a, lot 1", "expiry of bonus b, lot 1"] == [
            expiry.reference for expiry in expiries(postings, self.RULES, on=date(2026, 2, 8))
        ]

    def test_lots_of_one_reference_have_different_expiry_references(self):
        """Two refunds of s-1 have different references, also after the first is spent."""
        rules = (LotRule(REFUND, Days(3)),)
        postings = [posting("5", REFUND, 1, 6, "s-1"), posting("7", REFUND, 1, 8, "s-1")]
        charge = posting("-5", CALL, 1, 8)
        first_expiry = posting("-5", EXPIRY, 1, 15, "expiry of refund s-1, lot 1")
        second_expiry = posting("-7", EXPIRY, 1, 15, "expiry of refund s-1, lot 2")

        assert (first_expiry, second_expiry) == expiries(postings, rules, on=date(2026, 1, 15))
        assert (second_expiry,) == expiries([*postings, charge], rules, on=date(2026, 1, 15))

    def test_a_lot_without_a_reference_expires_without_one(self):
        """The caller who books the expiry of such a lot chooses its reference."""
        (expiry,) = expiries([posting("5", BONUS, 1, 5)], self.RULES, on=date(2026, 2, 4))

        assert expiry.reference is None

    def test_a_missed_expiry_takes_no_more_than_is_left(self):
        """A later charge used 55 of an expired bonus of 60, so its expiry is 5 and not 60.

        The charge of 105 on 10 February took the deposit of 50 and 55 of the expired bonus. An
        expiry of 60, dated 4 February, would take 55 of the 100 deposited later. The expiry is 5,
        whether it is booked for 4 February or later.
        """
        postings = [
            posting("50", DEPOSIT, 1, 4, "p-1"),
            posting("60", BONUS, 1, 5, "b-1"),
            posting("-105", FEE, 2, 10),
            posting("100", DEPOSIT, 2, 12, "p-2"),
        ]

        for day in (date(2026, 2, 4), date(2026, 2, 20)):
            (expiry,) = expiries(postings, self.RULES, on=day)
            booked = [*postings, expiry]

            assert (Money(minor=-500, currency=EUR), day) == (expiry.amount, expiry.on)
            assert () == expiries(booked, self.RULES, on=date(2026, 2, 20))
            assert [("p-2", "100.00")] == remaining(booked, self.RULES, on=date(2026, 2, 20))


class TestPublished:
    """The expiry rules of Skype's contract."""

    def test_deposits_do_not_expire(self):
        """An account's deposits never expire (F 7.5)."""

        assert () == expiries([posting("50", DEPOSIT, 1, 5)], (), on=date.max)

    def test_deposits_in_japan_expire_after_six_months(self):
        """In Japan a deposit of 5 January can be used up to and including 4 July (F 7.5)."""
        rules = [LotRule(DEPOSIT, Months(6))]
        postings = [posting("50", DEPOSIT, 1, 5, "p-1"), posting("-20", CALL, 6, 30)]

        assert () == expiries(postings, rules, on=date(2026, 7, 4))
        assert (posting("-30", EXPIRY, 7, 5, "expiry of deposit p-1, lot 1"),) == expiries(
            postings, rules, on=date(2026, 7, 5)
        )

    # 180 days from 5 January end on 4 July, and 180 days from 1 March on 28 August.

    def test_assigned_lot_expires_after_180_days(self):
        """Credit expires 180 days after it was assigned, if the wallet is not used (F 7.5)."""
        rules = [LotRule(TRANSFER, Days(180), since_use=True)]
        postings = [posting("50", TRANSFER, 1, 5)]

        assert () == expiries(postings, rules, on=date(2026, 7, 3))
        assert 1 == len(expiries(postings, rules, on=date(2026, 7, 4)))

    @pytest.mark.parametrize("reason", [FEE, RENEWAL, CALL, Reason.OVERAGE, Reason.CHARGE])
    def test_a_charge_restarts_the_180_days(self, reason):
        """Each payment for a subscription, a call or a one-off charge is a use (F 7.5)."""
        rules = [LotRule(TRANSFER, Days(180), since_use=True)]
        postings = [posting("50", TRANSFER, 1, 5), posting("-20", reason, 3, 1)]

        assert () == expiries(postings, rules, on=date(2026, 8, 27))
        assert 1 == len(expiries(postings, rules, on=date(2026, 8, 28)))

    @pytest.mark.parametrize("reason", [TRANSFER, EXPIRY, DEPOSIT])
    def test_other_postings_do_not_restart_the_180_days(self, reason):
        """A transfer, an expiry or a deposit is not a use of the wallet."""
        rules = [LotRule(TRANSFER, Days(180), since_use=True)]
        amount = "5" if reason is DEPOSIT else "-5"
        postings = [posting("50", TRANSFER, 1, 5), posting(amount, reason, 3, 1)]

        assert 1 == len(expiries(postings, rules, on=date(2026, 7, 4)))

    def test_a_charge_does_not_restart_an_expired_lot(self):
        """A lot remains expired even if a charge comes before its expiry is booked."""
        rules = [LotRule(TRANSFER, Days(180), since_use=True)]
        postings = [posting("50", TRANSFER, 1, 5), posting("-5", CALL, 7, 4)]

        assert 1 == len(expiries(postings, rules, on=date(2026, 7, 4)))

    def test_a_charge_for_an_earlier_day_does_not_shorten_the_180_days(self):
        """The 180 days count from the latest day of use, whatever the order of booking."""
        rules = [LotRule(TRANSFER, Days(180), since_use=True)]
        postings = [
            posting("50", TRANSFER, 1, 5),
            posting("-5", CALL, 1, 8),
            posting("-5", CALL, 1, 6),
        ]
        (assigned_lot,) = open_lots(postings, rules, on=date(2026, 1, 8))

        # 180 days from 8 January
        assert date(2026, 7, 7) == assigned_lot.expires

    def test_open_lots_show_what_is_refundable_within_30_days(self):
        """Credit assigned to profiles is taken from the oldest deposit first (F 7.6).

        70 are assigned of two deposits of 50, so 30 of the second deposit are left. They can be
        refunded up to and including 18 February, because 30 days from 20 January end on the 19th.
        """
        postings = [
            posting("50", DEPOSIT, 1, 5, "a"),
            posting("50", DEPOSIT, 1, 20, "b"),
            posting("-70", TRANSFER, 1, 25),
        ]

        def refundable(on):
            return [
                (lot.posting.reference, str(lot.left.amount))
                for lot in open_lots(postings, on=on)
                if on < lot.posting.on + timedelta(days=30)
            ]

        assert [("a", "50.00"), ("b", "50.00")] == refundable(date(2026, 1, 24))
        assert [("b", "30.00")] == refundable(date(2026, 2, 18))
        assert [] == refundable(date(2026, 2, 19))
