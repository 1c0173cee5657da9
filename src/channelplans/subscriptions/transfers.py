"""Pure functions that move credit into, between and out of wallets.

Each returns a transfer. No balance changes until a store commits the transfer.
"""

from collections.abc import Mapping
from datetime import date

import attrs

from channelplans._checks import bounded, identifier, instance
from channelplans.errors import InvalidValue
from channelplans.money import Money
from channelplans.subscriptions.decisions import Transfer, join_token
from channelplans.subscriptions.identifiers import AccountId, ProfileId
from channelplans.subscriptions.subscription import Action
from channelplans.subscriptions.wallets import Posting, Reason, Wallet

__all__ = [
    "assign_credit",
    "charge",
    "deposit",
    "expire_credit",
    "take_back_credit",
]


def deposit(
    wallet: Wallet, amount: Money, *, transfer: str, on: date, reason: Reason = Reason.DEPOSIT
) -> Transfer:
    """Pay credit into a wallet from outside, as a deposit or as a bonus.

    Args:
        wallet: the wallet that receives the credit.
        amount: the credit, above zero.
        transfer: the identifier of the payment, unique among the transfers of the account.
        on: the day of booking.
        reason: DEPOSIT, or BONUS for credit that is a gift.

    Raises:
        InvalidValue: the amount is not above zero, or the reason is neither DEPOSIT nor BONUS.

    >>> from datetime import date
    >>> from channelplans import EUR, Money, Wallet, deposit
    >>> fifty, day = Money.of("50", EUR), date(2026, 1, 5)
    >>> print(deposit(Wallet("acme"), fifty, transfer="p-1", on=day))
    2026-01-05: pay in from outside.
    The wallet of account 'acme' receives 50.00 EUR (deposit).
    """
    instance("wallet", wallet, Wallet)
    if reason not in (Reason.DEPOSIT, Reason.BONUS):
        raise InvalidValue("reason", str(reason), "Reason.DEPOSIT or Reason.BONUS")
    return _move(Action.DEPOSIT, reason, {wallet: 1}, amount, transfer, on)


def charge(
    wallet: Wallet,
    amount: Money,
    *,
    transfer: str,
    on: date,
    reason: Reason = Reason.CHARGE,
    may_overdraw: bool = False,
) -> Transfer:
    """Charge a wallet for something that no subscription charges, such as a one-off fee.

    A charge can also book what the application decides about a call whose record arrived too late
    for ``record_call``, or a deposit that the payer's bank took back.

    Args:
        wallet: the wallet that pays.
        amount: the charge, above zero.
        transfer: the identifier of the charge, unique among the transfers of the account.
        on: the day of booking.
        reason: CHARGE, or CALL or OVERAGE for a call (H13, F 7.3).
        may_overdraw: whether the wallet may end below zero, as for a deposit that was taken back.

    Raises:
        InvalidValue: the amount is not above zero, or the reason is another one.

    >>> from datetime import date
    >>> from channelplans import EUR, Money, Wallet, charge
    >>> fee, day = Money.of("15", EUR), date(2026, 1, 5)
    >>> print(charge(Wallet("acme"), fee, transfer="porting 7", on=day))
    2026-01-05: charge a wallet.
    The wallet of account 'acme' pays 15.00 EUR (charge).
    """
    instance("wallet", wallet, Wallet)
    if reason not in (Reason.CHARGE, Reason.CALL, Reason.OVERAGE):
        raise InvalidValue("reason", str(reason), "Reason.CHARGE, Reason.CALL or Reason.OVERAGE")
    charged = _move(Action.CHARGE, reason, {wallet: -1}, amount, transfer, on)
    return attrs.evolve(charged, may_overdraw=may_overdraw)


def assign_credit(
    account: AccountId, profile: ProfileId, amount: Money, *, transfer: str, on: date
) -> Transfer:
    """Move credit from an account to one of its profiles, to pay for calls (F 7.3, F 7.4).

    Args:
        account: the account whose own wallet pays.
        profile: the profile whose wallet receives the credit.
        amount: the credit, above zero.
        transfer: the identifier of the movement, unique among the transfers of the account.
        on: the day of booking.

    Raises:
        InvalidValue: the amount is not above zero, or an identifier is empty.

    >>> from datetime import date
    >>> from channelplans import EUR, Money, assign_credit
    >>> five, day = Money.of("5", EUR), date(2026, 1, 5)
    >>> print(assign_credit("acme", "berlin", five, transfer="p-2", on=day))
    2026-01-05: assign credit to a profile.
    The wallet of account 'acme' pays 5.00 EUR (transfer).
    The wallet of profile 'berlin' of account 'acme' receives 5.00 EUR (transfer).
    """
    moves = {Wallet(account): -1, Wallet(account, identifier("profile", profile)): 1}
    return _move(Action.ASSIGN_CREDIT, Reason.TRANSFER, moves, amount, transfer, on)


def take_back_credit(
    account: AccountId, profile: ProfileId, amount: Money, *, transfer: str, on: date
) -> Transfer:
    """Move credit from a profile back to its account (F 7.4).

    Args:
        account: the account whose own wallet receives the credit.
        profile: the profile whose wallet pays.
        amount: the credit, above zero.
        transfer: the identifier of the movement, unique among the transfers of the account.
        on: the day of booking.

    Raises:
        InvalidValue: the amount is not above zero, or an identifier is empty.

    >>> from datetime import date
    >>> from channelplans import EUR, Money, take_back_credit
    >>> two, day = Money.of("2", EUR), date(2026, 1, 9)
    >>> print(take_back_credit("acme", "berlin", two, transfer="p-3", on=day))
    2026-01-09: take back credit from a profile.
    The wallet of profile 'berlin' of account 'acme' pays 2.00 EUR (transfer).
    The wallet of account 'acme' receives 2.00 EUR (transfer).
    """
    moves = {Wallet(account, identifier("profile", profile)): -1, Wallet(account): 1}
    return _move(Action.TAKE_BACK_CREDIT, Reason.TRANSFER, moves, amount, transfer, on)


def expire_credit(
    wallet: Wallet, amount: Money, *, transfer: str, on: date, seen: int | None = None
) -> Transfer:
    """Take expired credit out of a wallet; ``expiries`` finds the expired credit.

    Args:
        wallet: the wallet that holds the credit.
        amount: the credit that expires, above zero.
        transfer: the identifier of the expiry, unique within the account. Pass the reference of the
            posting that ``expiries`` returned: then a retry does not expire it twice.
        on: the day of booking.
        seen: the number of the wallet's postings that ``expiries`` was computed from. A store
            refuses the expiry if the wallet has another number by then, because the other
            postings may have used the credit. None skips this check.

    Raises:
        InvalidValue: the amount is not above zero, or ``seen`` is negative.

    >>> from datetime import date
    >>> from channelplans import EUR, Money, Wallet, expire_credit
    >>> expired, day = Money.of("10", EUR), date(2026, 7, 5)
    >>> name = "expiry of deposit p-1, lot 1"
    >>> print(expire_credit(Wallet("acme"), expired, transfer=name, on=day))
    2026-07-05: let credit expire.
    The wallet of account 'acme' pays 10.00 EUR (expiry).
    """
    moves = {instance("wallet", wallet, Wallet): -1}
    expiry = _move(Action.EXPIRE_CREDIT, Reason.EXPIRY, moves, amount, transfer, on)
    return attrs.evolve(expiry, seen=None if seen is None else bounded("seen", seen, 0))


def _move(
    action: Action,
    reason: Reason,
    signs: Mapping[Wallet, int],
    amount: Money,
    transfer: str,
    on: date,
) -> Transfer:
    if instance("amount", amount, Money).minor <= 0:
        raise InvalidValue("amount", str(amount), "above zero")
    token = join_token("transfer", identifier("transfer", transfer))
    postings = tuple(
        Posting(wallet, amount * sign, reason, on, reference=transfer)
        for wallet, sign in signs.items()
    )
    return Transfer(action, on, postings, token)
