"""Lots of an account: names of expiries, debts, refunds, transfers between wallets, effort."""

from datetime import date, timedelta

import pytest
from tests.steps import run_within

from channelplans.calendar import Days
from channelplans.errors import CurrencyMismatch, InvalidValue, WrongType
from channelplans.money import EUR, USD, Money
from channelplans.offers import SKYPE_CONNECT
from channelplans.storage.memory import MemoryStore
from channelplans.subscriptions.actions import buy, terminate
from channelplans.subscriptions.credit_lots import (
    Lot,
    LotRule,
    Payment,
    expiries,
    merge_wallets,
    open_lots,
    payments,
)
from channelplans.subscriptions.transfers import assign_credit, deposit, expire_credit
from channelplans.subscriptions.wallets import Posting, Reason, Wallet
from channelplans.testing.builders import DAY, TARIFF

ACME, BERLIN, LYON = Wallet("acme"), Wallet("acme", "berlin"), Wallet("acme", "lyon")
DEPOSIT, BONUS, REFUND, TRANSFER = Reason.DEPOSIT, Reason.BONUS, Reason.REFUND, Reason.TRANSFER
FEE, RENEWAL, CALL, EXPIRY = Reason.SUBSCRIPTION, Reason.RENEWAL, Reason.CALL, Reason.EXPIRY
# A bonus of 5 January expires on 4 February.
BONUS_RULES = (LotRule(BONUS, Days(30)),)
FEB_4 = date(2026, 2, 4)


def euros(amount):
    """Return an amount in euros."""
    return Money.of(amount, EUR)


def posting(amount, reason, month, day, reference=None, *, wallet=ACME):
    """Return a posting in euros on a day of 2026."""
    return Posting(wallet, euros(amount), reason, date(2026, month, day), reference=reference)


def move(amount, transfer, payer, receiver, month, day):
    """Return the two postings of a transfer: the payment and the receipt."""
    return (
        posting(f"-{amount}", TRANSFER, month, day, transfer, wallet=payer),
        posting(amount, TRANSFER, month, day, transfer, wallet=receiver),
    )


def remaining(postings, rules=(), *, on):
    """Return the wallet's profile, the lot's reference and the amount of each lot."""
    return [
        (open_lot.wallet.profile, open_lot.posting.reference, str(open_lot.left.amount))
        for open_lot in open_lots(postings, rules, on=on)
    ]


def draws(payment):
    """Return the reference of each lot that paid, and its amount."""
    return [(draw.lot.reference, str(draw.amount.amount)) for draw in payment.draws]


def due(postings, rules, on):
    """Return the profile, the amount and the reference of each expiry."""
    return [
        (expiry.wallet.profile, str(expiry.amount.amount), expiry.reference)
        for expiry in expiries(postings, rules, on=on)
    ]


class TestNamesOfExpiries:
    """The reference of an expiry names one piece of a lot, and no other expiry has it."""

    TWO_BONUSES = (posting("10", BONUS, 1, 5, "a"), posting("5", BONUS, 1, 6, "b"))
    DAY = date(2026, 2, 20)

    def test_expiries_of_one_day_may_be_booked_in_any_order(self):
        """Each expiry takes from the lot that it names, also if the later lot is booked first."""
        first, second = expiries(self.TWO_BONUSES, BONUS_RULES, on=self.DAY)
        booked = [*self.TWO_BONUSES, second, first]

        assert [[("b", "5.00")], [("a", "10.00")]] == [
            draws(payment) for payment in payments(booked, BONUS_RULES)
        ]
        assert [(None, "-10.00", "expiry of bonus a, lot 1")] == due(
            [*self.TWO_BONUSES, second], BONUS_RULES, self.DAY
        )

    def test_rest_of_a_lot_expires_after_a_charge_came_between(self):
        """A charge takes 6 of the first lot after the expiries of 10 and 5 were computed.

        The store refuses the expiry of 10, because the balance is 9. The expiry of the second lot
        is booked, and takes nothing from the first lot. So 4 of the first lot expire later.
        """
        _, second = expiries(self.TWO_BONUSES, BONUS_RULES, on=self.DAY)
        call = posting("-6", CALL, 2, 20, "c-1")
        booked = [*self.TWO_BONUSES, call, second]

        assert [(None, "-4.00", "expiry of bonus a, lot 1")] == due(booked, BONUS_RULES, self.DAY)
        booked += expiries(booked, BONUS_RULES, on=self.DAY)
        assert [] == due(booked, BONUS_RULES, self.DAY)
        assert () == open_lots(booked, BONUS_RULES, on=self.DAY)

    def test_expiry_above_its_lot_takes_nothing_from_other_lots(self):
        """An expiry of 10 is booked after a charge left 4 of its lot: 6 stay open as a debt.

        The other lots are whole. The next deposit pays the debt.
        """
        first, _ = expiries(self.TWO_BONUSES, BONUS_RULES, on=self.DAY)
        postings = [
            *self.TWO_BONUSES,
            posting("-6", CALL, 2, 19, "c-1"),
            posting("20", DEPOSIT, 2, 20, "d"),
            first,
        ]
        *_, expiry = payments(postings, BONUS_RULES)

        assert ([("a", "4.00")], euros("6")) == (draws(expiry), expiry.unpaid)
        assert [(None, "d", "20.00"), (None, "b", "5.00")] == remaining(
            postings, BONUS_RULES, on=self.DAY
        )
        postings.append(posting("7", DEPOSIT, 2, 20, "e"))
        assert [(None, "d", "20.00"), (None, "e", "1.00"), (None, "b", "5.00")] == remaining(
            postings, BONUS_RULES, on=self.DAY
        )

    def test_expiry_of_a_used_up_lot_is_a_debt(self):
        """A charge used up the lot before its expiry was booked: nothing is drawn."""
        first, _ = expiries(self.TWO_BONUSES, BONUS_RULES, on=self.DAY)
        postings = [*self.TWO_BONUSES, posting("-10", CALL, 2, 20, "c-1"), first]
        *_, expiry = payments(postings, BONUS_RULES)

        assert ([], euros("10")) == (draws(expiry), expiry.unpaid)
        assert [(None, "b", "5.00")] == remaining(postings, BONUS_RULES, on=self.DAY)

    def test_expiries_never_exceed_the_balance(self):
        """A store refuses an expiry above the balance, so the debt of 9 leaves 1 to expire."""
        too_large = posting("-10", EXPIRY, 2, 4, "expiry of bonus a, lot 1")
        postings = [
            posting("10", BONUS, 1, 5, "a"),
            posting("10", BONUS, 1, 5, "b"),
            posting("-9", CALL, 1, 6),
            too_large,
        ]

        assert [(None, "-1.00", "expiry of bonus b, lot 1")] == due(postings, BONUS_RULES, FEB_4)
        booked = [*postings, *expiries(postings, BONUS_RULES, on=FEB_4)]
        assert [] == due(booked, BONUS_RULES, FEB_4)

    def test_subscription_and_transfer_with_one_identifier_have_different_names(self):
        """A refund of subscription 1001 and transfer 1001 open lots whose expiries differ."""
        rules = (LotRule(REFUND, Days(10)), LotRule(TRANSFER, Days(10)), LotRule(BONUS, Days(10)))
        refund = posting("5", REFUND, 1, 5, "1001")
        received = posting("5", TRANSFER, 1, 5, "1001", wallet=BERLIN)

        assert {
            "expiry of refund 1001, lot 1",
            "expiry of transfer 1001, lot 1",
        } == {expiry.reference for expiry in expiries([refund, received], rules, on=FEB_4)}

    def test_expiry_with_an_unknown_reference_takes_expired_lots_first(self):
        """An expiry that was booked by hand names no lot, so it takes expired credit first."""
        paid_in = posting("50", DEPOSIT, 1, 1, "d")
        for reference in ("by hand", "expiry of bonus c, lot 1", "expiry of bonus a, lot 2"):
            by_hand = posting("-12", EXPIRY, 2, 20, reference)
            (payment,) = payments([paid_in, *self.TWO_BONUSES, by_hand], BONUS_RULES)

            assert [("a", "10.00"), ("b", "2.00")] == draws(payment)

    def test_expiry_names_a_lot_before_it_is_expired(self):
        """An expiry that is booked too early takes from its lot too, not from expired ones."""
        early = posting("-5", EXPIRY, 2, 4, "expiry of bonus b, lot 1")
        (payment,) = payments([*self.TWO_BONUSES, early], BONUS_RULES)

        assert [("b", "5.00")] == draws(payment)

    def test_second_expiry_of_a_lot_has_another_reference(self):
        """A refund returns 4 to a bonus that has expired: its second expiry is numbered."""
        postings = [posting("10", BONUS, 1, 5, "b-1"), posting("-6", FEE, 1, 6, "s-1")]
        postings += expiries(postings, BONUS_RULES, on=FEB_4)
        postings.append(posting("4", REFUND, 2, 4, "s-1"))

        assert [(None, "-4.00", "expiry 2 of bonus b-1, lot 1")] == due(
            postings, BONUS_RULES, FEB_4
        )
        postings += expiries(postings, BONUS_RULES, on=FEB_4)
        postings.append(posting("1", REFUND, 2, 4, "s-1"))
        assert [(None, "-1.00", "expiry 3 of bonus b-1, lot 1")] == due(
            postings, BONUS_RULES, FEB_4
        )

    @pytest.mark.parametrize("length", [1, 222, 223, 255])
    def test_references_have_at_most_255_characters(self, length):
        """A long identifier is replaced by a digest. Its lot is found again by the reference.

        Three refunds of 4 return 10 to the second lot and 2 to the first. Between the refunds,
        the expired credit is booked.
        """
        bonuses = [posting("10", BONUS, 1, 5, ending.rjust(length, "n")) for ending in "ab"]
        postings = [*bonuses, posting("-20", FEE, 1, 6, "s-1")]
        booked: list[Posting] = []
        for _ in range(3):
            postings.append(posting("4", REFUND, 2, 4, "s-1"))
            computed = expiries(postings, BONUS_RULES, on=FEB_4)
            postings += computed[::-1]
            booked += computed
            assert () == expiries(postings, BONUS_RULES, on=FEB_4)
            assert () == open_lots(postings, BONUS_RULES, on=FEB_4)

        references = [expiry.reference or "" for expiry in booked]
        assert ["-4.00", "-4.00", "-2.00", "-2.00"] == [str(due.amount.amount) for due in booked]
        assert 4 == len(set(references))
        assert all(len(reference) <= 255 for reference in references)
        has_identifier = [bonuses[1].reference in reference for reference in references[:2]]
        assert [length < 223] * 2 == has_identifier


class TestInAStore:
    """Expiries that a store commits once each."""

    RULES = (LotRule(REFUND, Days(10)), LotRule(TRANSFER, Days(10)), *BONUS_RULES)

    def read(self, store):
        """Return the postings of the account and of the profile, in one order."""
        return merge_wallets(
            [
                [booked.posting for booked in store.postings(wallet).items]
                for wallet in (ACME, BERLIN)
            ]
        )

    def book_expired(self, store, on):
        """Commit the expiries of a day, the last one first."""
        for expiry in reversed(expiries(self.read(store), self.RULES, on=on)):
            transfer = expire_credit(
                expiry.wallet, -expiry.amount, transfer=expiry.reference or "", on=on
            )
            store.commit(transfer, expected=None)

    def test_store_commits_all_expiries_of_an_account(self):
        """A bonus pays a subscription and moves to a profile, under the identifier 1001.

        After the expiries of two days, the wallets are empty.
        """
        store = MemoryStore()
        bonus = deposit(ACME, euros("100"), transfer="b", on=DAY, reason=BONUS)
        store.commit(bonus, expected=None)
        purchase = buy(
            SKYPE_CONNECT.plan(channels=2),
            TARIFF,
            account="acme",
            profile="berlin",
            subscription="1001",
            on=DAY,
        )
        revision = store.commit(purchase, expected=None)
        assigned = assign_credit("acme", "berlin", euros("5"), transfer="1001", on=DAY)
        store.commit(assigned, expected=None)

        self.book_expired(store, FEB_4)
        assert [euros("0"), euros("0")] == [store.balance(ACME), store.balance(BERLIN)]
        # Two channels at 6.95 EUR for 30 days: ended on the first day, all of it is refunded.
        store.commit(terminate(purchase.after, on=DAY), expected=revision)
        assert euros("13.90") == store.balance(ACME)
        self.book_expired(store, FEB_4)
        assert [euros("0"), euros("0")] == [store.balance(ACME), store.balance(BERLIN)]


class TestDebts:
    """Payments that no lot has paid yet."""

    def test_payment_without_credit_stays_open_as_a_debt(self):
        """Charges above the credit leave a debt, and no error is raised."""
        postings = [posting("40", DEPOSIT, 1, 5, "a"), posting("-100", FEE, 1, 6, "s-1")]
        (payment,) = payments(postings)

        assert ([("a", "40.00")], euros("60")) == (draws(payment), payment.unpaid)
        assert () == open_lots(postings, on=date(2026, 1, 6))

    def test_receipt_pays_the_oldest_debt_first_and_opens_a_lot_with_the_rest(self):
        """A deposit of 8 pays debts of 5 and 2. A lot of 1 is left."""
        postings = [
            posting("-5", CALL, 1, 5, "c-1"),
            posting("-3", CALL, 1, 6, "c-2"),
            posting("1", BONUS, 1, 7, "b"),
            posting("8", DEPOSIT, 1, 8, "d"),
        ]

        assert [[("b", "1.00"), ("d", "4.00")], [("d", "3.00")]] == [
            draws(payment) for payment in payments(postings)
        ]
        assert [] == remaining(postings, on=date(2026, 1, 7))
        assert [(None, "d", "1.00")] == remaining(postings, on=date(2026, 1, 8))

    def test_charge_dated_before_the_deposit_that_paid_it_is_a_debt_until_then(self):
        """A worker whose day is behind books a call for the 9th after the deposit of the 10th."""
        postings = [posting("5", DEPOSIT, 1, 10, "d"), posting("-0.05", CALL, 1, 9, "c")]

        assert () == open_lots(postings, on=date(2026, 1, 9))
        assert [(None, "d", "4.95")] == remaining(postings, on=date(2026, 1, 10))

    def test_received_transfer_pays_the_debt_of_its_wallet(self):
        """A profile owes 3 for a call. It receives 5, and 2 are left."""
        postings = [
            posting("-3", CALL, 1, 5, "c", wallet=BERLIN),
            posting("10", BONUS, 1, 5, "b"),
            *move("5", "t", ACME, BERLIN, 1, 6),
        ]

        assert [(None, "b", "5.00"), ("berlin", "b", "2.00")] == remaining(postings, on=FEB_4)
        assert [("b", "3.00")] == draws(payments(postings)[0])

    def test_transfer_that_no_lot_pays_opens_a_lot(self):
        """The payer has 2 of the 5 that it assigns: 3 are its debt, and a lot of the receiver."""
        postings = [posting("2", BONUS, 1, 5, "b"), *move("5", "t", ACME, BERLIN, 1, 6)]

        assert [("berlin", "b", "2.00"), ("berlin", "t", "3.00")] == remaining(
            postings, BONUS_RULES, on=date(2026, 1, 6)
        )
        assert [euros("3")] == [payment.unpaid for payment in payments(postings, BONUS_RULES)]

    def test_payment_prints_what_is_unpaid(self):
        """The last line is the debt. Records have a row for each lot only."""
        (payment,) = payments([posting("4", BONUS, 1, 5), posting("-6", FEE, 1, 6)])

        assert [
            "2026-01-06 account 'acme': -6.00 EUR, subscription",
            "  4.00 EUR of 2026-01-05 account 'acme': +4.00 EUR, bonus",
            "  2.00 EUR not paid yet",
        ] == str(payment).split("\n")
        assert 1 == len(payment.to_records())
        assert euros("6") == Payment(payment.posting, ()).unpaid


class TestRefunds:
    """A refund returns to the lots that paid the subscription."""

    BONUS_THEN_DEPOSIT = (
        posting("10", BONUS, 1, 5, "b"),
        posting("10", DEPOSIT, 1, 5, "d"),
        posting("-15", FEE, 1, 6, "s-1"),
    )

    @pytest.mark.parametrize(
        ("refunded", "expected"),
        [
            ("2", [("d", "7.00")]),
            ("5", [("d", "10.00")]),
            ("8", [("b", "3.00"), ("d", "10.00")]),
            ("15", [("b", "10.00"), ("d", "10.00")]),
            ("16", [("b", "10.00"), ("d", "10.00"), ("s-1", "1.00")]),
        ],
    )
    def test_refund_returns_to_the_lot_drawn_last_first(self, refunded, expected):
        """The fee drew 10 of the bonus, then 5 of the deposit. Only what exceeds 15 is new."""
        postings = [*self.BONUS_THEN_DEPOSIT, posting(refunded, REFUND, 1, 7, "s-1")]
        lots = open_lots(postings, BONUS_RULES, on=date(2026, 1, 7))

        assert expected == [
            (open_lot.posting.reference, str(open_lot.left.amount)) for open_lot in lots
        ]
        assert {open_lot.expires for open_lot in lots if open_lot.posting.reason is BONUS} <= {
            FEB_4
        }

    def test_two_refunds_continue_where_the_first_ended(self):
        """Refunds of 3 and 4 return 5 to the deposit and 2 to the bonus, like one of 7."""
        postings = [
            *self.BONUS_THEN_DEPOSIT,
            posting("3", REFUND, 1, 7, "s-1"),
            posting("4", REFUND, 1, 8, "s-1"),
        ]

        assert [(None, "b", "2.00"), (None, "d", "10.00")] == remaining(
            postings, BONUS_RULES, on=date(2026, 1, 8)
        )

    def test_buying_and_terminating_does_not_make_a_bonus_permanent(self):
        """The refunded bonus expires on the day on which it expired before."""
        postings = [
            posting("10", BONUS, 1, 5, "b"),
            posting("-10", FEE, 1, 6, "s-1"),
            posting("10", REFUND, 1, 6, "s-1"),
        ]

        assert [(None, "-10.00", "expiry of bonus b, lot 1")] == due(postings, BONUS_RULES, FEB_4)

    def test_refund_of_a_renewal_returns_to_the_lot_that_paid_it(self):
        """The renewal was drawn last, so its lot gets the refund, and not that of the purchase."""
        postings = [
            posting("10", BONUS, 1, 5, "b"),
            posting("-10", FEE, 1, 5, "s-1"),
            posting("20", DEPOSIT, 2, 1, "d"),
            posting("-10", RENEWAL, 2, 4, "s-1"),
            posting("6", REFUND, 2, 5, "s-1"),
        ]

        assert [(None, "d", "16.00")] == remaining(postings, BONUS_RULES, on=date(2026, 2, 5))

    @pytest.mark.parametrize("reason", [CALL, Reason.OVERAGE, Reason.CHARGE, TRANSFER])
    def test_refund_does_not_return_what_another_payment_drew(self, reason):
        """A call or a transfer may have the identifier of the subscription."""
        postings = [
            posting("10", BONUS, 1, 5, "b"),
            posting("-10", reason, 1, 6, "s-1"),
            posting("10", REFUND, 1, 7, "s-1"),
        ]

        assert [(None, "s-1", "10.00")] == remaining(postings, BONUS_RULES, on=date(2026, 1, 7))

    def test_refund_without_a_reference_opens_a_lot(self):
        """It does not say which subscription it refunds."""
        postings = [
            posting("10", BONUS, 1, 5, "b"),
            posting("-10", FEE, 1, 6),
            posting("10", REFUND, 1, 7),
        ]

        assert [(None, None, "10.00")] == remaining(postings, BONUS_RULES, on=date(2026, 1, 7))

    def test_refund_reduces_the_debt_of_its_own_subscription_first(self):
        """The fee of 100 was paid to 40, so a refund of 70 returns 10 to the deposit.

        A second refund finds the 30 of the deposit that are left.
        """
        postings = [
            posting("40", DEPOSIT, 1, 5, "d"),
            posting("-1", CALL, 1, 5, "c"),
            posting("-100", FEE, 1, 6, "s-1"),
            posting("-2", CALL, 1, 6, "c"),
            posting("71", REFUND, 1, 7, "s-1"),
        ]
        _, fee, call = payments(postings)

        assert [("d", "39.00"), ("s-1", "61.00")] == draws(fee)
        assert [("d", "2.00")] == draws(call)
        assert [(None, "d", "8.00")] == remaining(postings, on=date(2026, 1, 7))
        postings.append(posting("30", REFUND, 1, 8, "s-1"))
        assert [(None, "d", "37.00"), (None, "s-1", "1.00")] == remaining(
            postings, on=date(2026, 1, 8)
        )

    def test_refund_reduces_the_latest_debt_of_its_subscription_first(self):
        """Two unpaid terms of 5: a refund of 7 leaves 3 of the first to be paid."""
        postings = [
            posting("-5", FEE, 1, 5, "s-1"),
            posting("-5", RENEWAL, 2, 4, "s-1"),
            posting("1", DEPOSIT, 2, 4, "d"),
            posting("7", REFUND, 2, 5, "s-1"),
        ]

        assert [euros("2"), euros("0")] == [payment.unpaid for payment in payments(postings)]

    def test_refund_pays_other_debts_with_the_credit_that_returns(self):
        """The returned bonus pays a call of 3 that was not paid. 7 of it are left, and expire."""
        postings = [
            posting("10", BONUS, 1, 5, "b"),
            posting("-10", FEE, 1, 6, "s-1"),
            posting("-3", Reason.OVERAGE, 1, 7, "c"),
            posting("10", REFUND, 1, 8, "s-1"),
        ]

        assert [[("b", "10.00")], [("b", "3.00")]] == [
            draws(payment) for payment in payments(postings, BONUS_RULES)
        ]
        assert [(None, "-7.00", "expiry of bonus b, lot 1")] == due(postings, BONUS_RULES, FEB_4)

    def test_refund_returns_what_a_receipt_paid_later(self):
        """A deposit paid the debt of the purchase, so the refund returns to the deposit."""
        postings = [
            posting("-10", FEE, 1, 5, "s-1"),
            posting("10", DEPOSIT, 1, 6, "d"),
            posting("4", REFUND, 1, 7, "s-1"),
        ]

        assert [(None, "d", "4.00")] == remaining(postings, on=date(2026, 1, 7))

    def test_refund_returns_to_a_lot_whose_time_each_use_restarts(self):
        """Uses restart the time of a used-up lot too: its owner has not left the wallet unused."""
        rules = [LotRule(DEPOSIT, Days(10), since_use=True)]
        postings = [
            posting("10", DEPOSIT, 1, 5, "d"),
            posting("-10", FEE, 1, 14, "s-1"),
            posting("5", BONUS, 1, 20, "b"),
            posting("-1", CALL, 1, 20, "c"),
            posting("4", REFUND, 1, 25, "s-1"),
        ]
        lots = open_lots(postings, rules, on=date(2026, 1, 25))

        assert [("d", date(2026, 1, 30)), ("b", None)] == [
            (open_lot.posting.reference, open_lot.expires) for open_lot in lots
        ]


class TestTransfers:
    """Credit keeps its expiry when it moves between the wallets of an account."""

    def test_assigned_credit_keeps_its_expiry(self):
        """5 of a bonus move to a profile. Both parts expire on 4 February, each in its wallet."""
        bonus = posting("10", BONUS, 1, 5, "b")
        postings = [bonus, *move("5", "t", ACME, BERLIN, 1, 20)]

        assert (
            Lot(bonus, ACME, FEB_4, 0, euros("5")),
            Lot(bonus, BERLIN, FEB_4, 0, euros("5")),
        ) == open_lots(postings, BONUS_RULES, on=date(2026, 1, 20))
        assert [
            (None, "-5.00", "expiry of bonus b, lot 1"),
            ("berlin", "-5.00", "expiry of transfer t, lot 1"),
        ] == due(postings, BONUS_RULES, FEB_4)

    def test_assigning_and_taking_back_does_not_make_a_bonus_permanent(self):
        """The credit that returns is added to the lot that it came from."""
        postings = [
            posting("10", BONUS, 1, 5, "b"),
            *move("10", "t-1", ACME, BERLIN, 1, 20),
            *move("4", "t-2", BERLIN, ACME, 1, 21),
        ]

        assert [(None, "b", "4.00"), ("berlin", "b", "6.00")] == remaining(
            postings, BONUS_RULES, on=date(2026, 1, 21)
        )
        assert [
            (None, "-4.00", "expiry of bonus b, lot 1"),
            ("berlin", "-6.00", "expiry of transfer t-1, lot 1"),
        ] == due(postings, BONUS_RULES, FEB_4)

    def test_credit_returns_after_the_expiry_of_its_lot_was_booked(self):
        """The expired credit that is taken back expires with a second reference."""
        postings = [posting("10", BONUS, 1, 5, "b"), *move("4", "t-1", ACME, BERLIN, 1, 20)]
        in_account, _ = expiries(postings, BONUS_RULES, on=FEB_4)
        postings += [in_account, *move("4", "t-2", BERLIN, ACME, 2, 4)]

        assert [(None, "-4.00", "expiry 2 of bonus b, lot 1")] == due(postings, BONUS_RULES, FEB_4)

    def test_booked_expiries_of_several_wallets_are_not_returned_again(self):
        """Each expiry is booked on the wallet that holds the credit, and has its own token."""
        postings = [
            posting("10", BONUS, 1, 5, "b-1"),
            posting("10", BONUS, 1, 5, "b-2"),
            *move("15", "t-1", ACME, BERLIN, 1, 20),
            posting("3", BONUS, 1, 4, "b-3", wallet=LYON),
        ]
        transfers = [
            expire_credit(expiry.wallet, -expiry.amount, transfer=expiry.reference or "", on=FEB_4)
            for expiry in expiries(postings, BONUS_RULES, on=FEB_4)
        ]

        assert [
            (None, "-5.00", "expiry of bonus b-2, lot 1"),
            ("berlin", "-10.00", "expiry of transfer t-1, lot 1"),
            ("berlin", "-5.00", "expiry of transfer t-1, lot 2"),
            ("lyon", "-3.00", "expiry of bonus b-3, lot 1"),
        ] == due(postings, BONUS_RULES, FEB_4)
        assert 4 == len({transfer.token for transfer in transfers})
        for transfer in reversed(transfers):
            postings += transfer.postings
        assert () == expiries(postings, BONUS_RULES, on=FEB_4)
        assert () == open_lots(postings, BONUS_RULES, on=FEB_4)

    def test_postings_of_one_wallet_open_a_lot_for_a_received_transfer(self):
        """Without the account's postings, the origin is unknown: the rule for TRANSFER applies."""
        _, received = move("5", "t", ACME, BERLIN, 1, 20)
        rules = [*BONUS_RULES, LotRule(TRANSFER, Days(180), since_use=True)]
        (open_lot,) = open_lots([received], rules, on=date(2026, 1, 20))

        assert (received, BERLIN, date(2026, 7, 19)) == (
            open_lot.posting,
            open_lot.wallet,
            open_lot.expires,
        )
        assert [("berlin", "-5.00", "expiry of transfer t, lot 1")] == due(
            [received], rules, date(2026, 7, 19)
        )

    def test_transfer_within_one_wallet_opens_a_lot(self):
        """Two postings of one wallet are not a transfer, even if they have one reference."""
        postings = [
            posting("10", BONUS, 1, 5, "b"),
            *move("4", "t", ACME, ACME, 1, 6),
            posting("-1", TRANSFER, 1, 7, "t"),
        ]

        assert [(None, "b", "5.00"), (None, "t", "4.00")] == remaining(
            postings, BONUS_RULES, on=date(2026, 1, 7)
        )

    def test_receipt_above_the_payment_opens_a_lot_with_the_rest(self):
        """A transfer that was booked by hand may be unequal. The rest has the rule for TRANSFER."""
        paid, _ = move("4", "t", ACME, BERLIN, 1, 6)
        bonuses = [posting("1", BONUS, 1, 5, "a"), posting("10", BONUS, 1, 5, "b")]
        larger = posting("6", TRANSFER, 1, 6, "t", wallet=BERLIN)
        smaller = posting("1", TRANSFER, 1, 6, "t", wallet=BERLIN)

        day = date(2026, 1, 6)
        assert [
            (None, "b", "7.00"),
            ("berlin", "a", "1.00"),
            ("berlin", "b", "3.00"),
            ("berlin", "t", "2.00"),
        ] == remaining([*bonuses, paid, larger], BONUS_RULES, on=day)
        assert [(None, "b", "7.00"), ("berlin", "a", "1.00")] == remaining(
            [*bonuses, paid, smaller], BONUS_RULES, on=day
        )

    def test_receipt_before_its_payment_is_refused(self):
        """Postings that are not in the order of commits would hide where credit came from."""
        paid, received = move("5", "t", ACME, BERLIN, 1, 20)
        postings = [posting("10", BONUS, 1, 5, "b"), received, paid]
        with pytest.raises(InvalidValue) as caught:
            open_lots(postings, BONUS_RULES, on=date(2026, 1, 20))

        assert (
            "postings must be in the order of commits, as merge_wallets() does, "
            "not a receipt of transfer 't' before its payment"
        ) == str(caught.value)

    def test_uses_restart_the_time_in_their_own_wallet(self):
        """A call of a profile restarts the time of the credit there, and not in the account.

        The credit that returns with a later expiry stays apart, and has its own reference.
        """
        rules = [LotRule(DEPOSIT, Days(10), since_use=True)]
        postings = [
            posting("10", DEPOSIT, 1, 5, "d"),
            *move("4", "t-1", ACME, BERLIN, 1, 6),
            posting("-1", CALL, 1, 10, "c", wallet=BERLIN),
            *move("2", "t-2", BERLIN, ACME, 1, 11),
        ]

        lots = open_lots(postings, rules, on=date(2026, 1, 11))
        assert [
            (None, date(2026, 1, 15), euros("6")),
            (None, date(2026, 1, 20), euros("2")),
            ("berlin", date(2026, 1, 20), euros("1")),
        ] == [(open_lot.wallet.profile, open_lot.expires, open_lot.left) for open_lot in lots]
        assert [
            (None, "-6.00", "expiry of deposit d, lot 1"),
            (None, "-2.00", "expiry of transfer t-2, lot 1"),
            ("berlin", "-1.00", "expiry of transfer t-1, lot 1"),
        ] == due(postings, rules, date(2026, 1, 20))

    def test_moved_lot_prints_the_wallet_that_holds_it(self):
        """The text and the row of a moved lot name the profile."""
        postings = [posting("10", BONUS, 1, 5, "b"), *move("10", "t", ACME, BERLIN, 1, 20)]
        (open_lot,) = open_lots(postings, BONUS_RULES, on=date(2026, 1, 20))
        (row,) = open_lot.to_records()

        assert (
            "10.00 EUR left of 2026-01-05 account 'acme': +10.00 EUR, bonus, "
            "held by profile 'berlin' of account 'acme', until 2026-02-04"
        ) == str(open_lot)
        assert (None, "berlin") == (row["profile"], row["held_by"])


class TestUses:
    """Uses that restart the time of many lots at once."""

    RULES = (LotRule(DEPOSIT, Days(10), since_use=True),)

    def deposits(self, *days):
        """Return a deposit of 10 on each day of January, named after its position."""
        return [posting("10", DEPOSIT, 1, day, str(place)) for place, day in enumerate(days)]

    def test_restarted_lots_are_drawn_by_age(self):
        """After a use on the 10th, both lots expire on the 20th, and the older is drawn first."""
        postings = [*self.deposits(5, 10), posting("-1", CALL, 1, 10), posting("-30", CALL, 1, 11)]
        _, payment = payments(postings, self.RULES)

        assert ([("0", "9.00"), ("1", "10.00")], euros("11")) == (draws(payment), payment.unpaid)
        lots = open_lots(postings[:3], self.RULES, on=date(2026, 1, 10))
        assert [date(2026, 1, 20)] * 2 == [open_lot.expires for open_lot in lots]

    def test_lots_are_restarted_several_times(self):
        """The third lot joins two older lots on the 7th, and all join four newer on the 8th."""
        postings = [
            *self.deposits(5, 5, 6),
            posting("-1", CALL, 1, 7),
            *self.deposits(8, 8, 8, 8),
            posting("-1", CALL, 1, 8),
        ]
        lots = open_lots(postings, self.RULES, on=date(2026, 1, 8))

        assert ["0", "1", "2", "0", "1", "2", "3"] == [
            open_lot.posting.reference for open_lot in lots
        ]
        assert {date(2026, 1, 18)} == {open_lot.expires for open_lot in lots}

    def test_use_of_an_earlier_day_shortens_no_time(self):
        """A call of the 6th is booked last: it restarts the first lot, which expired on the 15th.

        The second lot expires on the 20th, as before.
        """
        postings = [*self.deposits(5, 10), posting("-1", CALL, 1, 6)]
        lots = open_lots(postings, self.RULES, on=date(2026, 1, 10))

        assert [date(2026, 1, 16), date(2026, 1, 20)] == [open_lot.expires for open_lot in lots]

    def test_used_up_lots_are_restarted_too(self):
        """No credit is left on the 15th. The refund of the 20th returns to a lot until the 25th."""
        postings = [
            *self.deposits(5, 6),
            posting("-20", FEE, 1, 8, "s-1"),
            posting("-1", CALL, 1, 15),
            posting("-1", CALL, 1, 15),
            posting("20", REFUND, 1, 20, "s-1"),
        ]
        lots = open_lots(postings, self.RULES, on=date(2026, 1, 20))

        assert [("0", euros("10")), ("1", euros("8"))] == [
            (open_lot.posting.reference, open_lot.left) for open_lot in lots
        ]
        assert {date(2026, 1, 25)} == {open_lot.expires for open_lot in lots}


class TestMergeWallets:
    """Histories of wallets in one order."""

    def test_receipt_waits_for_its_payment(self):
        """The account's receipt of t-2 comes after the profile's payment, whatever the days."""
        bonus = posting("10", BONUS, 1, 5, "b")
        paid_1, received_1 = move("5", "t-1", ACME, BERLIN, 1, 20)
        paid_2, received_2 = move("5", "t-2", BERLIN, ACME, 1, 10)
        deposit = posting("1", DEPOSIT, 1, 11, "d")

        expected = (bonus, paid_1, received_1, paid_2, received_2, deposit)
        histories = [[bonus, paid_1, received_2, deposit], [received_1, paid_2]]
        assert expected == merge_wallets(histories) == merge_wallets(histories[::-1])

    def test_otherwise_the_earlier_day_comes_first(self):
        """On one day, the account comes before its profiles, and these are sorted by name."""
        on_9th, on_5th = posting("1", DEPOSIT, 1, 9, "a"), posting("1", DEPOSIT, 1, 5, "b")
        lyon = posting("1", DEPOSIT, 1, 5, "c", wallet=LYON)
        berlin = posting("1", DEPOSIT, 1, 5, "d", wallet=BERLIN)
        same_day = posting("1", DEPOSIT, 1, 5, "e")

        assert (berlin, lyon, on_9th, on_5th) == merge_wallets([[lyon], [berlin], [on_9th, on_5th]])
        assert (same_day, berlin, lyon) == merge_wallets([[lyon], [berlin], [same_day]])

    def test_receipt_from_a_wallet_that_is_missing_does_not_wait(self):
        """Nobody pays the transfer in these histories, or the same wallet does so later."""
        _, received = move("5", "t", ACME, BERLIN, 1, 20)
        returned = posting("-5", TRANSFER, 1, 21, "t", wallet=BERLIN)
        nameless = posting("5", TRANSFER, 1, 22, wallet=BERLIN)
        nameless_payment = posting("-5", TRANSFER, 1, 22)

        assert (received,) == merge_wallets([[received], []])
        assert (received, returned) == merge_wallets([[received, returned]])
        assert (nameless_payment, nameless) == merge_wallets([[nameless], [nameless_payment]])
        assert () == merge_wallets([]) == merge_wallets([[], []])

    def test_transfers_that_wait_for_each_other_are_refused(self):
        """Each wallet receives before it pays, so one history is not in the order of commits."""
        paid_1, received_1 = move("5", "t-1", ACME, BERLIN, 1, 20)
        paid_2, received_2 = move("5", "t-2", BERLIN, ACME, 1, 20)
        with pytest.raises(InvalidValue, match="histories must be in the order of commits"):
            merge_wallets([[received_2, paid_1], [received_1, paid_2]])

    @pytest.mark.parametrize(
        ("histories", "message"),
        [
            (
                [[posting("1", DEPOSIT, 1, 5)], [posting("1", DEPOSIT, 1, 6)]],
                "histories must be one for each wallet, not two of account 'acme'",
            ),
            (
                [[posting("1", DEPOSIT, 1, 5), posting("1", DEPOSIT, 1, 6, wallet=BERLIN)]],
                r"histories\[0\] must be postings of account 'acme', not .* profile 'berlin'",
            ),
            (
                [[posting("1", DEPOSIT, 1, 5)], [posting("1", DEPOSIT, 1, 6, wallet=Wallet("b"))]],
                "histories must be postings of account 'acme', not .* account 'b'",
            ),
        ],
    )
    def test_histories_of_other_wallets_are_refused(self, histories, message):
        """There is one history for each wallet of one account."""
        with pytest.raises(InvalidValue, match=message):
            merge_wallets(histories)

    def test_histories_in_two_currencies_are_refused(self):
        """Amounts are not converted, neither within a wallet nor between wallets."""
        dollars = Posting(BERLIN, Money.of("1", USD), DEPOSIT, date(2026, 1, 5))
        euro_posting = posting("1", DEPOSIT, 1, 5, wallet=BERLIN)
        for histories in ([[dollars, euro_posting]], [[dollars], [posting("1", DEPOSIT, 1, 5)]]):
            with pytest.raises(CurrencyMismatch):
                merge_wallets(histories)

    @pytest.mark.parametrize(
        ("histories", "parameter"),
        [(5, "histories"), ([5], "histories[0]"), ([[5]], "histories[0][0]")],
    )
    def test_wrong_types_are_refused(self, histories, parameter):
        """The error names the history and the posting."""
        with pytest.raises(WrongType) as caught:
            merge_wallets(histories)

        assert parameter == caught.value.parameter


# A wallet that is used each day, with lots that are never used up.
FIRST_DAY = date(2000, 1, 1)


def many_postings(count, kind):
    """Return a number of postings, four on each day, most of which open lots that stay open."""
    postings: list[Posting] = []
    for position in range(count // 4):
        on, name = FIRST_DAY + timedelta(days=position), f"n-{position}"
        bonus = Posting(ACME, euros("10"), BONUS, on, reference=name)
        deposit = Posting(ACME, euros("10"), DEPOSIT, on, reference=f"d-{position}")
        fee = Posting(ACME, euros("-3"), FEE, on, reference=name)
        call = Posting(ACME, euros("-1"), CALL, on, reference=name)
        refund = Posting(ACME, euros("2"), REFUND, on, reference=name)
        debt = Posting(ACME, euros("-40"), CALL, on, reference=name)
        paid = Posting(ACME, euros("-2"), TRANSFER, on, reference=name)
        received = Posting(BERLIN, euros("2"), TRANSFER, on, reference=name)
        by_kind = {
            "uses": (bonus, deposit, call, call),
            "refunds": (bonus, deposit, fee, refund),
            "debts": (debt, debt, bonus, refund),
            "transfers": (bonus, deposit, paid, received),
        }
        postings += by_kind[kind]
    return postings


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["uses", "refunds", "debts", "transfers"])
@pytest.mark.parametrize("since_use", [False, True])
@pytest.mark.parametrize("count", [200, 800])
def test_lots_are_read_in_few_steps_for_each_posting(kind, since_use, count):
    """The steps for one posting are as few among 400 open lots as among 100.

    If each payment looked at all open lots, it would take at least as many steps as there are lots.
    """
    rules = [LotRule(BONUS, Days(3000), since_use), LotRule(DEPOSIT, Days(2000), since_use)]
    postings = many_postings(count, kind)
    for compute in (
        lambda: open_lots(postings, rules, on=date.max),
        lambda: payments(postings, rules),
        lambda: expiries(postings, rules, on=date.max),
    ):
        run_within(200 * count, compute)


@pytest.mark.parametrize("count", [100, 1_000])
def test_wallets_are_merged_in_few_steps_for_each_posting(count):
    """The steps for one posting do not grow with the number of wallets."""
    transfers = [
        move("1", f"t-{position}", ACME, Wallet("acme", f"p-{position}"), 1, 5)
        for position in range(count)
    ]
    histories = [[paid for paid, _ in transfers], *([received] for _, received in transfers)]

    merged = run_within(200 * count, lambda: merge_wallets(histories))
    assert 2 * count == len(merged)
