"""Movements of credit between wallets and from outside."""

import typing
from datetime import date, datetime
from typing import Any

import attrs
import pytest

from channelplans.calendar import Months
from channelplans.errors import (
    InsufficientCredit,
    InvalidValue,
    WrongType,
)
from channelplans.money import EUR, Money
from channelplans.subscriptions import actions, transfers
from channelplans.subscriptions.credit_lots import LotRule, expiries, open_lots
from channelplans.subscriptions.decisions import Transfer
from channelplans.subscriptions.subscription import Action
from channelplans.subscriptions.transfers import (
    assign_credit,
    charge,
    deposit,
    expire_credit,
    take_back_credit,
)
from channelplans.subscriptions.wallets import Posting, Reason, Wallet, settle

FIRST_DAY = date(2026, 1, 5)


MID_TERM = date(2026, 1, 15)


LATE_RUN = date(2026, 4, 10)


ACME = Wallet("acme")


BERLIN = Wallet("acme", "berlin")


def euros(amount):
    """Return an amount in euros and cents."""
    return Money.of(amount, EUR)


class TestCredit:
    """Deposits, and credit moved between an account and its profiles (F 7.3)."""

    @pytest.mark.parametrize("wallet", [ACME, BERLIN], ids=str)
    @pytest.mark.parametrize("reason", [Reason.CHARGE, Reason.CALL, Reason.OVERAGE])
    def test_charge_takes_credit_from_a_wallet(self, wallet, reason):
        """A charge is a transfer with one negative posting, whose reference names the charge."""
        transfer = charge(wallet, euros("15"), transfer="f-1", on=FIRST_DAY, reason=reason)
        posting = Posting(wallet, euros("-15"), reason, FIRST_DAY, None, "f-1")

        assert Transfer(Action.CHARGE, FIRST_DAY, (posting,), "transfer/f-1") == transfer

    @pytest.mark.parametrize("reason", [Reason.DEPOSIT, Reason.RENEWAL, Reason.REFUND, "charge"])
    def test_charge_refuses_the_reason_of_another_action(self, reason):
        """A renewal names a term, and a refund pays back; a charge does neither."""
        with pytest.raises(InvalidValue, match=r"^reason must be Reason\.CHARGE, Reason\.CALL or"):
            charge(ACME, euros("15"), transfer="f-1", on=FIRST_DAY, reason=reason)

    def test_settle_refuses_a_charge_that_the_wallet_cannot_pay(self):
        """The wallet holds 14.99, and the charge is 15.00."""
        transfer = charge(ACME, euros("15"), transfer="f-1", on=FIRST_DAY)

        with pytest.raises(InsufficientCredit, match=r"0\.01 EUR is missing"):
            settle({ACME: euros("14.99")}, transfer.postings)

    @pytest.mark.parametrize("wallet", [ACME, BERLIN], ids=str)
    def test_deposit_adds_credit_to_a_wallet(self, wallet):
        """A deposit is a transfer with one positive posting."""
        transfer = deposit(wallet, euros("50"), transfer="p-1", on=FIRST_DAY)
        posting = Posting(wallet, euros("50"), Reason.DEPOSIT, FIRST_DAY, None, "p-1")

        assert Transfer(Action.DEPOSIT, FIRST_DAY, (posting,), "transfer/p-1") == transfer

    @pytest.mark.parametrize(("move", "sign"), [(assign_credit, 1), (take_back_credit, -1)])
    def test_transfer_moves_credit_between_an_account_and_its_profile(self, move, sign):
        """One wallet pays and the other receives the same amount."""
        transfer = move("acme", "berlin", euros("5"), transfer="t-1", on=FIRST_DAY)

        assert {ACME: euros("5") * -sign, BERLIN: euros("5") * sign} == dict(transfer.deltas)
        assert {(Reason.TRANSFER, FIRST_DAY, "t-1")} == {
            (posting.reason, posting.on, posting.reference) for posting in transfer.postings
        }

    @pytest.mark.parametrize(
        ("move", "balances"),
        [
            (assign_credit, {ACME: euros("4.99"), BERLIN: euros("99")}),
            (take_back_credit, {ACME: euros("99"), BERLIN: euros("4.99")}),
        ],
    )
    def test_settle_refuses_a_transfer_that_the_wallet_cannot_pay(self, move, balances):
        """The balance of the paying wallet must cover the transfer."""
        transfer = move("acme", "berlin", euros("5"), transfer="t-1", on=FIRST_DAY)

        with pytest.raises(InsufficientCredit, match=r"0\.01 EUR is missing"):
            settle(balances, transfer.postings)

    @pytest.mark.parametrize("amount", ["0", "-5"])
    @pytest.mark.parametrize(
        "act",
        [
            lambda amount: deposit(ACME, amount, transfer="t", on=FIRST_DAY),
            lambda amount: assign_credit("acme", "berlin", amount, transfer="t", on=FIRST_DAY),
            lambda amount: take_back_credit("acme", "berlin", amount, transfer="t", on=FIRST_DAY),
            lambda amount: expire_credit(ACME, amount, transfer="t", on=FIRST_DAY),
            lambda amount: charge(ACME, amount, transfer="t", on=FIRST_DAY),
        ],
        ids=["deposit", "assign", "take back", "expire", "charge"],
    )
    def test_action_refuses_an_amount_that_is_not_above_zero(self, act, amount):
        """A negative deposit would charge any wallet, and a negative expiry would create credit."""
        with pytest.raises(InvalidValue, match="amount must be above zero"):
            act(euros(amount))

    @pytest.mark.parametrize("act", [deposit, charge, expire_credit])
    @pytest.mark.parametrize(
        ("parameter", "value"),
        [
            ("wallet", "acme"),
            ("amount", 50),
            ("transfer", 5),
            ("transfer", None),
            ("on", datetime(2026, 1, 5)),  # noqa: DTZ001 - any datetime is refused
        ],
    )
    def test_deposit_charge_and_expiry_refuse_wrong_types(self, act, parameter, value):
        """The error for a value of a wrong type names the parameter."""
        arguments = {"wallet": ACME, "amount": euros("5"), "transfer": "t", "on": FIRST_DAY}

        with pytest.raises(WrongType) as caught:
            act(**{**arguments, parameter: value})

        assert parameter == caught.value.parameter

    @pytest.mark.parametrize("move", [assign_credit, take_back_credit])
    @pytest.mark.parametrize(
        ("parameter", "value"),
        [
            ("account", ACME),
            ("profile", None),  # without a profile, the account would pay itself
            ("profile", 5),
            ("amount", "5"),
            ("transfer", 5),
            ("on", "2026-01-05"),
        ],
    )
    def test_transfer_refuses_wrong_types(self, move, parameter, value):
        """The error for a value of a wrong type names the parameter."""
        arguments = {
            "account": "acme",
            "profile": "berlin",
            "amount": euros("5"),
            "transfer": "t",
            "on": FIRST_DAY,
        }

        with pytest.raises(WrongType) as caught:
            move(**{**arguments, parameter: value})

        assert parameter == caught.value.parameter

    @pytest.mark.parametrize("act", [deposit, charge, expire_credit])
    @pytest.mark.parametrize("transfer", ["", " t", "t\n"])
    def test_deposit_charge_and_expiry_refuse_identifiers_with_odd_whitespace(self, act, transfer):
        """A transfer's identifier cannot be empty, start with a space or contain a line break."""
        with pytest.raises(InvalidValue, match="transfer"):
            act(ACME, euros("5"), transfer=transfer, on=FIRST_DAY)

    def test_only_deposit_charge_and_expiry_accept_a_wallet(self):
        """No other action lets its caller choose the wallet, so a plan has one payer (H9)."""
        functions = [
            getattr(module, name) for module in (actions, transfers) for name in module.__all__
        ]
        accept_a_wallet = {
            function.__name__
            for function in functions
            if Wallet in typing.get_type_hints(function).values()
        }

        assert {"deposit", "charge", "expire_credit"} == accept_a_wallet

    def test_charge_may_overdraw_if_the_application_says_so(self):
        """A deposit that the bank took back leaves a debt; by default a charge leaves none."""
        arguments: dict[str, Any] = {"transfer": "bank 7", "on": FIRST_DAY}
        taken_back = charge(ACME, euros("50"), may_overdraw=True, **arguments)

        assert taken_back.may_overdraw
        assert not charge(ACME, euros("50"), **arguments).may_overdraw
        balances = settle(
            {ACME: euros("5")}, taken_back.postings, may_overdraw=taken_back.may_overdraw
        )
        assert {ACME: euros("-45")} == balances
        with pytest.raises(WrongType, match="may_overdraw must be a bool"):
            charge(ACME, euros("50"), may_overdraw="yes", **arguments)  # type: ignore[arg-type]

    def test_expiry_keeps_the_number_of_postings_that_it_was_computed_from(self):
        """A store compares it, and a negative number is refused."""
        arguments: dict[str, Any] = {"transfer": "e-1", "on": FIRST_DAY}

        assert 12 == expire_credit(ACME, euros("5"), seen=12, **arguments).seen
        assert expire_credit(ACME, euros("5"), **arguments).seen is None
        with pytest.raises(InvalidValue, match="seen must be at least 0, not -1"):
            expire_credit(ACME, euros("5"), seen=-1, **arguments)

    def test_transfer_refuses_to_move_nothing(self):
        """A transfer without postings belongs to no account."""
        with pytest.raises(
            InvalidValue, match=r"^postings must be at least one posting, not \(\)$"
        ):
            Transfer(Action.DEPOSIT, FIRST_DAY, (), "transfer/t-1")

    def test_transfer_refuses_wallets_of_several_accounts(self):
        """Credit cannot move from one account to another."""
        postings = tuple(
            Posting(wallet, euros(amount), Reason.TRANSFER, FIRST_DAY)
            for wallet, amount in ((ACME, "-5"), (Wallet("other"), "5"))
        )

        with pytest.raises(InvalidValue, match=r"on wallets of account 'acme', not .* 'other'"):
            Transfer(Action.ASSIGN_CREDIT, FIRST_DAY, postings, "transfer/t-1")

    def test_transfer_has_an_account_and_counts_from_its_first_value_date(self):
        """Both are those of its first posting."""
        transfer = deposit(BERLIN, euros("5"), transfer="t-1", on=MID_TERM)
        (posting,) = transfer.postings
        late = attrs.evolve(posting, value_date=FIRST_DAY)

        assert ("acme", MID_TERM) == (transfer.account, transfer.counts_from)
        assert FIRST_DAY == attrs.evolve(transfer, postings=(late,)).counts_from


class TestExpiryOfCredit:
    """Booking the expiries that are computed from the lots of a wallet."""

    RULES = (LotRule(Reason.BONUS, Months(3)),)
    # Three months from 5 January.
    EXPIRY_DATE = date(2026, 4, 5)

    def wallet_postings(self):
        """Return a wallet's postings: a deposit of 20, a bonus of 10 and a charge of 4.

        The charge is drawn from the bonus, because the bonus expires. 6 of the bonus are left.
        """
        paid_in = deposit(ACME, euros("20"), transfer="p-1", on=FIRST_DAY)
        bonus = deposit(ACME, euros("10"), transfer="b-1", on=FIRST_DAY, reason=Reason.BONUS)
        charge = Posting(ACME, euros("-4"), Reason.SUBSCRIPTION, MID_TERM)
        return (*paid_in.postings, *bonus.postings, charge)

    def expire_bonus(self):
        """Return the transfer that books the expiry of the bonus."""
        (expiry,) = expiries(self.wallet_postings(), self.RULES, on=self.EXPIRY_DATE)
        assert expiry.reference is not None
        return expire_credit(expiry.wallet, -expiry.amount, transfer=expiry.reference, on=expiry.on)

    def test_books_the_computed_expiry(self):
        """The transfer has only the posting that `expiries` returned."""
        transfer = self.expire_bonus()
        posting = Posting(
            ACME, euros("-6"), Reason.EXPIRY, self.EXPIRY_DATE, None, "expiry of bonus b-1, lot 1"
        )

        assert (Action.EXPIRE_CREDIT, (posting,)) == (transfer.action, transfer.postings)
        assert transfer.postings == expiries(
            self.wallet_postings(), self.RULES, on=self.EXPIRY_DATE
        )

    def test_draws_only_the_expired_lot(self):
        """The deposit remains, the lots add up to the balance, and no other expiry is due."""
        postings = (*self.wallet_postings(), *self.expire_bonus().postings)
        (deposit_lot,) = open_lots(postings, self.RULES, on=self.EXPIRY_DATE)

        assert ("p-1", euros("20")) == (deposit_lot.posting.reference, deposit_lot.left)
        assert {ACME: euros("20")} == settle({}, postings)
        assert () == expiries(postings, self.RULES, on=LATE_RUN)

    def test_has_the_same_token_if_it_is_decided_again(self):
        """The token depends only on the transfer, not on the amount or the day."""
        transfer = "expiry of bonus b-1, lot 1"
        first_expiry = self.expire_bonus()
        second_expiry = expire_credit(ACME, euros("1"), transfer=transfer, on=LATE_RUN)

        assert first_expiry == self.expire_bonus()
        assert first_expiry != second_expiry
        assert first_expiry.token == second_expiry.token
        assert "transfer/expiry of bonus b-1, lot 1" == first_expiry.token

    def test_token_differs_from_that_of_the_expired_bonus(self):
        """An expiry needs its own identifier, because the bonus already uses its identifier."""
        bonus = deposit(ACME, euros("10"), transfer="b-1", on=FIRST_DAY, reason=Reason.BONUS)

        assert bonus.token == expire_credit(ACME, euros("6"), transfer="b-1", on=MID_TERM).token
        assert bonus.token != self.expire_bonus().token

    def test_settle_refuses_an_expiry_above_the_balance(self):
        """An expiry cannot take a balance below zero."""
        with pytest.raises(InsufficientCredit, match=r"0\.01 EUR is missing"):
            settle({ACME: euros("5.99")}, self.expire_bonus().postings)

    def test_expires_credit_of_a_profile(self):
        """Credit that was assigned to a profile expires from the profile's wallet."""
        transfer = expire_credit(BERLIN, euros("2"), transfer="e-1", on=FIRST_DAY)

        assert {BERLIN: euros("-2")} == dict(transfer.deltas)
