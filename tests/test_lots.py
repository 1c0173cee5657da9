"""Lots of credit, read from a purse's postings: what is left of each, and who took it."""

# Identifiers are plain text here, and wrong types are given on purpose.
# mypy: disable-error-code="arg-type"

from datetime import date, datetime, timedelta
from decimal import Decimal

import attrs
import pytest

from channelplans.calendar import Days, Months
from channelplans.errors import CurrencyMismatch, InsufficientCredit, InvalidValue, WrongType
from channelplans.ledger import Posting, Purse, Reason
from channelplans.lots import Draw, Lot, LotRule, Payment, expiries, open_lots, payments
from channelplans.money import EUR, USD, Money

ACME = Purse("acme")
DEPOSIT, BONUS, REFUND, TRANSFER = Reason.DEPOSIT, Reason.BONUS, Reason.REFUND, Reason.TRANSFER
FEE, RENEWAL, CALL, EXPIRY = Reason.SUBSCRIPTION, Reason.RENEWAL, Reason.CALL, Reason.EXPIRY


def posting(amount, reason, month, day, reference=None, *, purse=ACME):
    """Return a posting of 2026, in euros."""
    booked = date(2026, month, day)
    return Posting(purse, Money.of(amount, EUR), reason, booked, reference=reference)


def left(postings, rules=(), *, on):
    """Return each lot's reference and what is left of it, the next to be drawn first."""
    return [
        (lot.posting.reference, str(lot.left.amount)) for lot in open_lots(postings, rules, on=on)
    ]


def drawn(postings, rules=()):
    """Return, for each posting that took money, the lots and what it took of each."""
    return [
        [(draw.lot.reference, str(draw.amount.amount)) for draw in payment.draws]
        for payment in payments(postings, rules)
    ]


class TestLotRule:
    """How long what comes in lasts, and when it is drawn."""

    def test_lasts_for_ever_unless_it_is_said(self):
        """A rule of a reason alone changes nothing."""
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
    def test_says_what_it_is(self, rule, expected):
        """The reason, how long, and the priority."""

        assert expected == str(rule)

    def test_what_lasts_for_ever_cannot_be_counted_anew(self):
        """A time since the latest use needs a length."""
        with pytest.raises(InvalidValue, match="lasts must be a length"):
            LotRule(DEPOSIT, since_use=True)

    @pytest.mark.parametrize(
        ("parameter", "wrong"),
        [("reason", "deposit"), ("lasts", 30), ("since_use", 1), ("priority", "first")],
    )
    def test_wrong_types_are_named(self, parameter, wrong):
        """Each field refuses what it does not take, by its name."""
        with pytest.raises(WrongType) as caught:
            attrs.evolve(LotRule(DEPOSIT, Days(1)), **{parameter: wrong})

        assert parameter == caught.value.parameter


class TestLots:
    """What is left of each sum that came in."""

    def test_without_rules_the_first_to_come_is_the_first_to_go(self):
        """80 of the first 50 and the second 50 leave 20 of the second, and the third whole."""
        postings = [
            posting("50", DEPOSIT, 1, 5, "a"),
            posting("50", DEPOSIT, 1, 6, "b"),
            posting("-80", FEE, 1, 7),
            posting("30", DEPOSIT, 1, 8, "c"),
        ]

        assert [("b", "20.00"), ("c", "30.00")] == left(postings, on=date(2026, 1, 8))

    def test_a_day_is_read_to_its_end(self):
        """What is booked on the day counts, and what is booked later does not."""
        postings = [
            posting("50", DEPOSIT, 1, 5, "a"),
            posting("-20", FEE, 1, 7),
            posting("-20", FEE, 1, 8),
        ]
        days = [date(2026, 1, day) for day in (4, 5, 7, 8)]

        assert [[], [("a", "50.00")], [("a", "30.00")], [("a", "10.00")]] == [
            left(postings, on=day) for day in days
        ]

    def test_no_postings_hold_nothing(self):
        """A purse that was never seen has no lots, no payments and no expiries."""

        assert ((), (), ()) == (
            open_lots((), on=date(2026, 1, 5)),
            payments(()),
            expiries((), (), on=date(2026, 1, 5)),
        )

    def test_what_expires_first_is_drawn_first(self):
        """A bonus of three months goes before the deposit that never expires."""
        postings = [
            posting("50", DEPOSIT, 1, 5, "bought"),
            posting("10", BONUS, 1, 6, "bonus"),
            posting("-15", FEE, 1, 7),
        ]
        rules = [LotRule(BONUS, Months(3))]

        assert [("bought", "45.00")] == left(postings, rules, on=date(2026, 1, 7))

    def test_of_two_that_expire_the_sooner_is_drawn_first(self):
        """A later bonus that lasts for a shorter time goes before an earlier refund."""
        postings = [
            posting("10", REFUND, 1, 5, "refund"),
            posting("10", BONUS, 1, 20, "bonus"),
            posting("-12", FEE, 1, 21),
        ]
        # The refund is over on 5 March, the bonus on 20 February.
        rules = [LotRule(REFUND, Months(2)), LotRule(BONUS, Months(1))]

        assert [("refund", "8.00")] == left(postings, rules, on=date(2026, 1, 21))

    def test_priority_comes_before_expiry(self):
        """What is to be kept is drawn last, even if it expires first."""
        postings = [
            posting("10", BONUS, 1, 5, "bonus"),
            posting("50", DEPOSIT, 1, 6, "bought"),
            posting("-15", FEE, 1, 7),
        ]
        rules = [LotRule(BONUS, Months(3), priority=1)]

        assert [("bought", "35.00"), ("bonus", "10.00")] == left(
            postings, rules, on=date(2026, 1, 7)
        )

    def test_a_lot_tells_its_kind_expiry_and_priority(self):
        """The kind is its posting's reason; three months from 30 November end with February."""
        given = Posting(ACME, Money.of("10", EUR), BONUS, date(2025, 11, 30), reference="b-1")
        (lot,) = open_lots([given], [LotRule(BONUS, Months(3), priority=-1)], on=date(2026, 1, 5))

        assert (BONUS, date(2026, 2, 28), -1) == (lot.posting.reason, lot.expires, lot.priority)

    def test_is_over_on_the_day_that_it_expires(self):
        """Like a term's end, the day itself is the first without."""
        (lot,) = open_lots(
            [posting("10", BONUS, 1, 5)], [LotRule(BONUS, Days(30))], on=date(2026, 1, 5)
        )

        assert [False, True] == [lot.expired(on) for on in (date(2026, 2, 3), date(2026, 2, 4))]
        assert not attrs.evolve(lot, expires=None).expired(date.max)

    def test_says_what_it_is(self):
        """What is left of what, and until when if it is not for ever."""
        given = posting("10", BONUS, 1, 5)

        assert (
            "10.00 EUR left of 2026-01-05 account acme: +10.00 EUR, bonus, until 2026-02-04"
            == str(*open_lots([given], [LotRule(BONUS, Days(30))], on=date(2026, 1, 5)))
        )
        assert "10.00 EUR left of 2026-01-05 account acme: +10.00 EUR, bonus" == str(
            *open_lots([given], on=date(2026, 1, 5))
        )

    def test_is_one_plain_row(self):
        """The posting's row, with what is left in units and as a Decimal."""
        postings = [posting("10", BONUS, 1, 5, "b-1"), posting("-4", FEE, 1, 5)]
        (lot,) = open_lots(postings, [LotRule(BONUS, Days(30))], on=date(2026, 1, 5))

        (row,) = lot.to_records()

        assert {
            **postings[0].to_records()[0],
            "expires": date(2026, 2, 4),
            "priority": 0,
            "left_minor": 600,
            "left": Decimal("6.00"),
        } == row

    def test_what_is_paid_before_it_is_received_is_paid_once_it_is_there(self):
        """A settlement is taken as one, so that a charge may stand before its refund."""
        postings = [
            posting("40", DEPOSIT, 1, 5, "a"),
            posting("-100", FEE, 1, 6),
            posting("60", REFUND, 1, 6, "b"),
            posting("5", DEPOSIT, 1, 6, "c"),
        ]

        assert [("c", "5.00")] == left(postings, on=date(2026, 1, 6))
        assert [[("a", "40.00"), ("b", "60.00")]] == drawn(postings)

    def test_more_out_than_in_is_refused(self):
        """A reading that does not begin with the first posting cannot add up."""
        postings = [posting("40", DEPOSIT, 1, 5), posting("-100", FEE, 1, 6)]
        with pytest.raises(InsufficientCredit) as caught:
            open_lots(postings, on=date(2026, 1, 6))

        assert (
            "account acme holds 40.00 EUR, but 100.00 EUR is needed; 60.00 EUR more would do"
            == str(caught.value)
        )
        assert [(None, "40.00")] == left(postings, on=date(2026, 1, 5))

    def test_postings_of_another_purse_are_refused(self):
        """Lots are those of one purse."""
        other = posting("10", TRANSFER, 1, 5, purse=Purse("acme", "berlin"))
        with pytest.raises(InvalidValue, match="postings of account acme"):
            open_lots([posting("50", DEPOSIT, 1, 5), other], on=date(2026, 1, 5))

    def test_postings_in_another_currency_are_refused(self):
        """Nothing is converted."""
        dollars = Posting(ACME, Money.of("10", USD), DEPOSIT, date(2026, 1, 5))
        with pytest.raises(CurrencyMismatch):
            open_lots([posting("50", DEPOSIT, 1, 5), dollars], on=date(2026, 1, 5))

    def test_two_rules_for_one_reason_are_refused(self):
        """Nobody could say which of the two it is."""
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
    def test_wrong_types_are_named(self, postings, rules, on, parameter):
        """Each parameter refuses what it does not take, by its name."""
        with pytest.raises(WrongType) as caught:
            open_lots(postings, rules, on=on)

        assert parameter == caught.value.parameter

    @pytest.mark.parametrize(
        ("parameter", "wrong"), [("posting", 5), ("expires", 5), ("priority", None), ("left", 5)]
    )
    def test_a_lot_of_wrong_types_is_refused(self, parameter, wrong):
        """Each field refuses what it does not take, by its name."""
        lot = Lot(posting("10", BONUS, 1, 5), None, 0, Money.of("10", EUR))
        with pytest.raises(WrongType) as caught:
            attrs.evolve(lot, **{parameter: wrong})

        assert parameter == caught.value.parameter


class TestPayments:
    """Which lots paid a charge."""

    def test_each_charge_is_paid_by_its_parts(self):
        """Deposits of 50 and 50 pay 30, then 40 as 20 and 20, then 30."""
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
        ] == drawn(postings)

    def test_two_alike_are_two_payments(self):
        """Charges that look the same are told one by one."""
        charge = posting("-5", CALL, 1, 6)

        assert [[("a", "5.00")], [("a", "5.00")]] == drawn(
            [posting("50", DEPOSIT, 1, 5, "a"), charge, charge]
        )

    def test_a_transfer_is_drawn_like_a_charge(self):
        """What is assigned to a profile leaves the account's earliest lot."""
        postings = [
            posting("50", DEPOSIT, 1, 5, "a"),
            posting("50", DEPOSIT, 1, 6, "b"),
            posting("-60", TRANSFER, 1, 7),
        ]

        assert [[("a", "50.00"), ("b", "10.00")]] == drawn(postings)

    def test_says_what_it_is(self):
        """The posting, and a line for each lot."""
        postings = [posting("10", BONUS, 1, 5), posting("-4", FEE, 1, 6)]

        assert [
            "2026-01-06 account acme: -4.00 EUR, subscription",
            "  4.00 EUR of 2026-01-05 account acme: +10.00 EUR, bonus",
        ] == str(*payments(postings)).split("\n")

    def test_has_a_row_for_each_lot(self):
        """The posting's row, with the lot and what was taken from it."""
        charge = posting("-15", FEE, 1, 7, "s-1")
        postings = [
            posting("10", BONUS, 1, 5, "b-1"),
            posting("50", DEPOSIT, 1, 6, "p-1"),
            charge,
        ]
        (paid,) = payments(postings)

        (row,) = charge.to_records()
        assert [
            {
                **row,
                "lot_on": date(2026, 1, 5),
                "lot_reason": "bonus",
                "lot_reference": "b-1",
                "drawn_minor": 1000,
                "drawn": Decimal("10.00"),
            },
            {
                **row,
                "lot_on": date(2026, 1, 6),
                "lot_reason": "deposit",
                "lot_reference": "p-1",
                "drawn_minor": 500,
                "drawn": Decimal("5.00"),
            },
        ] == paid.to_records()

    def test_wrong_types_are_named(self):
        """A payment holds a posting and what it drew."""
        draw = Draw(posting("10", BONUS, 1, 5), Money.of("4", EUR))
        payment = Payment(posting("-4", FEE, 1, 6), [draw])

        assert (draw,) == payment.draws
        with pytest.raises(WrongType, match=r"draws\[0\]"):
            attrs.evolve(payment, draws=[5])
        with pytest.raises(WrongType, match="lot"):
            attrs.evolve(draw, lot=5)


class TestExpiries:
    """The postings that take what is over."""

    RULES = (LotRule(BONUS, Days(30)),)

    def test_what_is_left_is_taken_on_the_day(self):
        """Of a bonus of 10, 4 were spent: 6 go on 4 February, and not a day before."""
        postings = [posting("10", BONUS, 1, 5, "b-1"), posting("-4", FEE, 1, 6)]

        assert () == expiries(postings, self.RULES, on=date(2026, 2, 3))
        assert (posting("-6", EXPIRY, 2, 4, "expiry of b-1, lot 1"),) == expiries(
            postings, self.RULES, on=date(2026, 2, 4)
        )

    def test_what_lasts_for_ever_and_what_is_spent_are_not_due(self):
        """A deposit stays, and nothing is left to take of a bonus that was used up."""
        postings = [
            posting("50", DEPOSIT, 1, 5),
            posting("10", BONUS, 1, 5),
            posting("-10", FEE, 1, 6),
        ]

        assert () == expiries(postings, self.RULES, on=date(2026, 12, 31))

    def test_once_booked_it_is_not_due_again(self):
        """The expiry takes the lot that is over, and leaves the others alone."""
        postings = [posting("50", DEPOSIT, 1, 1, "a"), posting("10", BONUS, 1, 5, "b")]
        day = date(2026, 2, 4)

        booked = [*postings, *expiries(postings, self.RULES, on=day)]

        assert () == expiries(booked, self.RULES, on=day)
        assert [("a", "50.00")] == left(booked, self.RULES, on=day)
        assert [[("b", "10.00")]] == drawn(booked, self.RULES)

    def test_booked_late_it_takes_the_same(self):
        """What is over is drawn last, so that a charge in between does not use it up."""
        postings = [
            posting("50", DEPOSIT, 1, 1, "a"),
            posting("10", BONUS, 1, 5, "b"),
            posting("-20", FEE, 2, 10),
        ]
        day = date(2026, 2, 20)

        assert (posting("-10", EXPIRY, 2, 20, "expiry of b, lot 1"),) == expiries(
            postings, self.RULES, on=day
        )
        assert [("a", "30.00"), ("b", "10.00")] == left(postings, self.RULES, on=day)

    def test_a_charge_that_needs_what_is_over_is_paid_from_it(self):
        """The balance had it, and the ledger is what happened."""
        postings = [
            posting("50", DEPOSIT, 1, 1, "a"),
            posting("10", BONUS, 1, 5, "b"),
            posting("-55", FEE, 2, 10),
        ]

        assert [[("a", "50.00"), ("b", "5.00")]] == drawn(postings, self.RULES)

    def test_an_expiry_that_takes_more_than_is_over_takes_the_rest_in_order(self):
        """What was booked by hand is read all the same."""
        postings = [
            posting("50", DEPOSIT, 1, 1, "a"),
            posting("10", BONUS, 1, 5, "b"),
            posting("-15", EXPIRY, 2, 4),
        ]

        assert [[("b", "10.00"), ("a", "5.00")]] == drawn(postings, self.RULES)

    def test_several_are_taken_one_by_one(self):
        """Each lot has a posting of its own, the first to have expired first."""
        postings = [posting("10", BONUS, 1, 5, "a"), posting("7", BONUS, 1, 9, "b")]

        assert ["expiry of a, lot 1", "expiry of b, lot 1"] == [
            each.reference for each in expiries(postings, self.RULES, on=date(2026, 2, 8))
        ]

    def test_each_lot_of_one_reference_has_a_name_of_its_own(self):
        """Two refunds of s-1 expire as two transfers, also when the first was spent before."""
        rules = (LotRule(REFUND, Days(3)),)
        postings = [posting("5", REFUND, 1, 6, "s-1"), posting("7", REFUND, 1, 8, "s-1")]
        spent = posting("-5", CALL, 1, 8)
        second = posting("-7", EXPIRY, 1, 15, "expiry of s-1, lot 2")

        assert (posting("-5", EXPIRY, 1, 15, "expiry of s-1, lot 1"), second) == expiries(
            postings, rules, on=date(2026, 1, 15)
        )
        assert (second,) == expiries([*postings, spent], rules, on=date(2026, 1, 15))

    def test_what_has_no_name_gives_none(self):
        """A lot without a reference is named by whoever books its expiry."""
        (due,) = expiries([posting("5", BONUS, 1, 5)], self.RULES, on=date(2026, 2, 4))

        assert due.reference is None

    def test_a_day_that_was_missed_takes_no_more_than_is_left(self):
        """Of a bonus of 60 a charge of 105 left 5, whether it is taken for that day or later.

        The charge of 10 February needed all 50 that were bought, and 55 of what was over. Taken
        for 4 February, 60 would be 55 of the 100 that were bought since.
        """
        postings = [
            posting("50", DEPOSIT, 1, 4, "p-1"),
            posting("60", BONUS, 1, 5, "b-1"),
            posting("-105", FEE, 2, 10),
            posting("100", DEPOSIT, 2, 12, "p-2"),
        ]

        for day in (date(2026, 2, 4), date(2026, 2, 20)):
            (due,) = expiries(postings, self.RULES, on=day)
            booked = [*postings, due]

            assert (Money(-500, EUR), day) == (due.amount, due.on)
            assert () == expiries(booked, self.RULES, on=date(2026, 2, 20))
            assert [("p-2", "100.00")] == left(booked, self.RULES, on=date(2026, 2, 20))


class TestPublished:
    """The rules of Skype's contract, written down."""

    def test_what_was_bought_does_not_expire(self):
        """Credit of the account stays for ever (F 7.5)."""

        assert () == expiries([posting("50", DEPOSIT, 1, 5)], (), on=date.max)

    def test_six_months_from_purchase(self):
        """In Japan what is bought on 5 January is there until 4 July (F 7.5)."""
        rules = [LotRule(DEPOSIT, Months(6))]
        postings = [posting("50", DEPOSIT, 1, 5, "p-1"), posting("-20", CALL, 6, 30)]

        assert () == expiries(postings, rules, on=date(2026, 7, 4))
        assert (posting("-30", EXPIRY, 7, 5, "expiry of p-1, lot 1"),) == expiries(
            postings, rules, on=date(2026, 7, 5)
        )

    # 180 days from 5 January end on 4 July, those from 1 March on 28 August.

    def test_180_days_without_use(self):
        """Credit that nobody uses is over after 180 days (F 7.5)."""
        rules = [LotRule(TRANSFER, Days(180), since_use=True)]
        postings = [posting("50", TRANSFER, 1, 5)]

        assert () == expiries(postings, rules, on=date(2026, 7, 3))
        assert 1 == len(expiries(postings, rules, on=date(2026, 7, 4)))

    @pytest.mark.parametrize("reason", [FEE, RENEWAL, CALL, Reason.OVERAGE])
    def test_a_use_gives_180_days_more(self, reason):
        """Whatever the purse is charged for is a use of it (F 7.5)."""
        rules = [LotRule(TRANSFER, Days(180), since_use=True)]
        postings = [posting("50", TRANSFER, 1, 5), posting("-20", reason, 3, 1)]

        assert () == expiries(postings, rules, on=date(2026, 8, 27))
        assert 1 == len(expiries(postings, rules, on=date(2026, 8, 28)))

    @pytest.mark.parametrize("reason", [TRANSFER, EXPIRY, DEPOSIT])
    def test_what_is_no_charge_is_no_use(self, reason):
        """Credit that is moved, taken or paid in was not used."""
        rules = [LotRule(TRANSFER, Days(180), since_use=True)]
        amount = "5" if reason is DEPOSIT else "-5"
        postings = [posting("50", TRANSFER, 1, 5), posting(amount, reason, 3, 1)]

        assert 1 == len(expiries(postings, rules, on=date(2026, 7, 4)))

    def test_a_use_wakes_nothing_that_is_over(self):
        """From the day that the time is over, it is over, though its expiry is not booked yet."""
        rules = [LotRule(TRANSFER, Days(180), since_use=True)]
        postings = [posting("50", TRANSFER, 1, 5), posting("-5", CALL, 7, 4)]

        assert 1 == len(expiries(postings, rules, on=date(2026, 7, 4)))

    def test_a_use_that_is_booked_for_an_earlier_day_shortens_nothing(self):
        """The time is counted from the latest use, in whatever order they were booked."""
        rules = [LotRule(TRANSFER, Days(180), since_use=True)]
        postings = [
            posting("50", TRANSFER, 1, 5),
            posting("-5", CALL, 1, 8),
            posting("-5", CALL, 1, 6),
        ]
        (lot,) = open_lots(postings, rules, on=date(2026, 1, 8))

        # 180 days from 8 January
        assert date(2026, 7, 7) == lot.expires

    def test_what_can_be_refunded_within_30_days_of_payment(self):
        """Assignments count against the earliest purchase first (F 7.6).

        Of 50 bought on 5 January and 50 on 20 January, 70 are assigned: 30 of the second are left.
        They can be refunded until 18 February; 30 days from 20 January end on the 19th.
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
