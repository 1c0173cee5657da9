"""Properties of lots, which say how much of each deposit, refund or bonus is left."""

from datetime import date, timedelta

import pytest
from hypothesis import given, strategies as st
from tests.property.accounts import WALLETS, accounts

from channelplans.calendar import Days
from channelplans.money import EUR, Money
from channelplans.subscriptions.credit_lots import (
    LotRule,
    expiries,
    merge_wallets,
    open_lots,
    payments,
)
from channelplans.subscriptions.wallets import Posting, Reason, Wallet

pytestmark = pytest.mark.slow

ACCOUNT_WALLET, FIRST_DAY = Wallet("acme"), date(2026, 1, 5)
CREDIT_REASONS = [Reason.DEPOSIT, Reason.BONUS, Reason.REFUND, Reason.TRANSFER]
DEBIT_REASONS = [Reason.SUBSCRIPTION, Reason.CALL, Reason.TRANSFER, Reason.EXPIRY]

validities = st.none() | st.builds(Days, st.integers(1, 60))
run_days = st.integers(0, 250).map(lambda count: FIRST_DAY + timedelta(days=count))


@st.composite
def posting_lists(draw):
    """Draw postings of one wallet in ascending order of days, with a balance of zero or more.

    The reference of each posting is its position.
    """
    postings: list[Posting] = []
    day, balance = FIRST_DAY, 0
    for position in range(draw(st.integers(0, 10))):
        day += timedelta(days=draw(st.integers(0, 20)))
        is_credit = not balance or draw(st.booleans())
        minor = draw(st.integers(1, 100) if is_credit else st.integers(-balance, -1))
        reason = draw(st.sampled_from(CREDIT_REASONS if is_credit else DEBIT_REASONS))
        amount = Money(minor=minor, currency=EUR)
        postings.append(Posting(ACCOUNT_WALLET, amount, reason, day, reference=str(position)))
        balance += minor
    return postings


@st.composite
def rule_lists(draw):
    """Draw lot rules for some of the reasons for which credit arrives."""
    rules = []
    for reason in CREDIT_REASONS:
        if draw(st.booleans()):
            lasts = draw(validities)
            since_use = lasts is not None and draw(st.booleans())
            rules.append(LotRule(reason, lasts, since_use, draw(st.integers(-1, 1))))
    return rules


def sum_minor(amounts):
    """Return the sum of amounts as a plain integer."""
    return sum(amount.minor for amount in amounts)


def split_by_sign(postings):
    """Return the credit and the debit postings, each in the order of booking."""
    credit_postings = [posting for posting in postings if posting.amount.minor > 0]
    debit_postings = [posting for posting in postings if posting.amount.minor < 0]
    return credit_postings, debit_postings


@given(posting_lists(), rule_lists(), run_days)
def test_open_lots_add_up_to_the_balance(postings, rules, on):
    """On each day, the open lots add up to the balance, and none exceeds its credit."""
    lots = open_lots(postings, rules, on=on)

    balance = sum_minor(posting.amount for posting in postings if posting.on <= on)
    assert balance == sum_minor(open_lot.left for open_lot in lots)
    assert all(0 < open_lot.left.minor <= open_lot.posting.amount.minor for open_lot in lots)


@given(posting_lists(), rule_lists())
def test_draws_of_a_payment_add_up_to_its_debit(postings, rules):
    """Each debit is paid exactly by its draws, and no lot pays more than its credit."""
    credit_postings, debit_postings = split_by_sign(postings)
    paid = payments(postings, rules)

    assert debit_postings == [payment.posting for payment in paid]
    for payment in paid:
        assert -payment.posting.amount.minor == sum_minor(draw.amount for draw in payment.draws)
    draws = [draw for payment in paid for draw in payment.draws]
    lots = open_lots(postings, rules, on=date.max)
    remainders = {open_lot.posting: open_lot.left.minor for open_lot in lots}
    for credit in credit_postings:
        drawn = sum_minor(draw.amount for draw in draws if draw.lot == credit)
        assert credit.amount.minor == drawn + remainders.get(credit, 0)


@given(posting_lists(), rule_lists())
def test_payment_draws_from_the_lots_in_order(postings, rules):
    """A charge uses up the open lots one after the other, in the order of ``open_lots``."""
    _, debit_postings = split_by_sign(postings)
    for payment, debit in zip(payments(postings, rules), debit_postings, strict=True):
        if debit.reason is Reason.EXPIRY:
            continue
        earlier_postings = postings[: postings.index(debit)]
        unpaid, expected = -debit.amount.minor, []
        for open_lot in open_lots(earlier_postings, rules, on=debit.on):
            drawn = min(unpaid, open_lot.left.minor)
            expected += [(open_lot.posting, drawn)] if drawn else []
            unpaid -= drawn

        assert expected == [(draw.lot, draw.amount.minor) for draw in payment.draws]


@given(posting_lists(), rule_lists(), run_days)
def test_open_lots_are_sorted_by_priority_and_expiry(postings, rules, on):
    """Lots are sorted by priority, then expiry, then booking; expired lots come last."""
    sort_keys = [
        (
            open_lot.expired(on),
            open_lot.priority,
            open_lot.expires or date.max,
            postings.index(open_lot.posting),
        )
        for open_lot in open_lots(postings, rules, on=on)
    ]

    assert sorted(sort_keys) == sort_keys


@given(posting_lists(), rule_lists(), st.integers(0, 100))
def test_booked_expiries_are_not_returned_again(postings, rules, days_later):
    """Booked expiries remove all expired lots, leave the other lots alone, and are not repeated."""
    on = (postings[-1].on if postings else FIRST_DAY) + timedelta(days=days_later)
    lots = open_lots(postings, rules, on=on)
    expired_lots = [open_lot for open_lot in lots if open_lot.expired(on)]
    valid_lots = tuple(open_lot for open_lot in lots if not open_lot.expired(on))
    expiry_postings = expiries(postings, rules, on=on)

    postings_with_expiries = [*postings, *expiry_postings]

    expired_minor = sum_minor(expired_lot.left for expired_lot in expired_lots)
    assert expired_minor == -sum_minor(posting.amount for posting in expiry_postings)
    assert () == expiries(postings_with_expiries, rules, on=on)
    assert valid_lots == open_lots(postings_with_expiries, rules, on=on)


@given(posting_lists())
def test_oldest_credit_is_spent_first_by_default(postings):
    """Without rules, lots are used up in the order in which their credit arrived."""
    credit_postings, debit_postings = split_by_sign(postings)
    spent = -sum_minor(debit.amount for debit in debit_postings)
    expected = []
    for credit in credit_postings:
        remainder = max(credit.amount.minor - spent, 0)
        spent = max(spent - credit.amount.minor, 0)
        expected += [(credit, remainder)] if remainder else []

    lots = open_lots(postings, on=date.max)
    assert expected == [(open_lot.posting, open_lot.left.minor) for open_lot in lots]


# Only bonus credit expires, so nothing else may ever expire, and no bonus may outlive its 20 days.
BONUS_RULES = st.just([LotRule(Reason.BONUS, Days(20), priority=1)])


def debts(postings, rules, wallet):
    """Return what a wallet owes: the unpaid part of its payments."""
    return sum_minor(
        payment.unpaid for payment in payments(postings, rules) if payment.posting.wallet == wallet
    )


@given(accounts(rule_lists(), days_behind=4))
def test_lots_minus_debts_are_the_balance_of_each_wallet(account):
    """On each day, also if postings are dated back: open lots - debts = balance."""
    postings, rules = account.postings, account.rules
    for on in {posting.on for posting in postings}:
        booked = [posting for posting in postings if posting.on <= on]
        lots = open_lots(postings, rules, on=on)
        for wallet in WALLETS:
            credit = sum_minor(open_lot.left for open_lot in lots if open_lot.wallet == wallet)
            balance = sum_minor(posting.amount for posting in booked if posting.wallet == wallet)
            assert balance == credit - debts(booked, rules, wallet)


@given(accounts(rule_lists(), days_behind=4))
def test_wallet_below_zero_has_no_open_lot(account):
    """A wallet has lots or debts, not both: each receipt pays the debts first."""
    lots = open_lots(account.postings, account.rules, on=date.max)

    for wallet in WALLETS:
        has_lots = any(open_lot.wallet == wallet for open_lot in lots)
        assert not (has_lots and debts(account.postings, account.rules, wallet))


@given(accounts(rule_lists(), days_behind=4))
def test_draws_and_debt_of_a_payment_add_up_to_its_amount(account):
    """The draws of a payment are the amount paid, and the rest is its debt."""
    for payment in payments(account.postings, account.rules):
        paid = sum_minor(draw.amount for draw in payment.draws)
        assert all(draw.amount.minor > 0 for draw in payment.draws)
        assert payment.unpaid.minor >= 0
        assert -payment.posting.amount.minor == paid + payment.unpaid.minor


@given(accounts(rule_lists(), days_behind=4), st.integers(0, 80))
def test_no_expired_lot_is_open_after_the_expiries_are_booked(account, days_later):
    """The wallets can pay all expiries, no lot is expired after them, and none is due again."""
    latest = max((posting.on for posting in account.postings), default=FIRST_DAY)
    on = latest + timedelta(days=days_later)
    account.expire(WALLETS[0], days_later, on)

    lots = open_lots(account.postings, account.rules, on=on)
    assert [] == [open_lot for open_lot in lots if open_lot.expired(on)]
    assert () == expiries(account.postings, account.rules, on=on)


@given(accounts(rule_lists()))
def test_each_expiry_has_a_reference_that_no_other_has(account):
    """No two expiries of an account have one reference, so no two have one token."""
    references = [
        posting.reference for posting in account.postings if posting.reason is Reason.EXPIRY
    ]

    assert len(set(references)) == len(references)


@given(accounts(rule_lists()))
def test_each_expiry_takes_expired_credit_only(account):
    """An expiry that is booked as it was computed is paid by one lot, which was expired."""
    for position, posting in enumerate(account.postings):
        if posting.reason is not Reason.EXPIRY:
            continue
        before = account.postings[:position]
        *_, payment = payments(account.postings[: position + 1], account.rules)
        (draw,) = payment.draws
        assert any(
            open_lot.posting == draw.lot
            and open_lot.wallet == posting.wallet
            and open_lot.expired(posting.on)
            for open_lot in open_lots(before, account.rules, on=posting.on)
        )


@given(accounts(BONUS_RULES))
def test_moves_and_refunds_keep_the_expiry_of_bonus_credit(account):
    """Only deposits and bonuses open lots, and a bonus expires 20 days after it was given.

    No move, purchase or refund opens a lot, so none makes bonus credit permanent.
    """
    lots = open_lots(account.postings, account.rules, on=date.max)
    drawn = [
        draw.lot for payment in payments(account.postings, account.rules) for draw in payment.draws
    ]

    assert {open_lot.posting.reason for open_lot in lots} <= {Reason.DEPOSIT, Reason.BONUS}
    assert {posting.reason for posting in drawn} <= {Reason.DEPOSIT, Reason.BONUS}
    for open_lot in lots:
        if open_lot.posting.reason is Reason.BONUS:
            assert open_lot.posting.on + timedelta(days=20) == open_lot.expires


@given(accounts(BONUS_RULES))
def test_account_never_keeps_more_than_its_deposits(account):
    """When all bonus credit is expired and booked, at most the deposits are left."""
    account.expire(WALLETS[0], 0, date(2030, 1, 1))

    deposits = [posting for posting in account.postings if posting.reason is Reason.DEPOSIT]
    balances = sum(balance for balance in account.balances.values() if balance > 0)
    assert balances <= sum_minor(posting.amount for posting in deposits)


@given(accounts(rule_lists(), days_behind=4))
def test_parts_of_a_lot_never_exceed_its_credit(account):
    """The parts of one lot in all wallets together are at most the credit that opened it."""
    lots = open_lots(account.postings, account.rules, on=date.max)

    for posting in {open_lot.posting for open_lot in lots}:
        assert (
            sum_minor(open_lot.left for open_lot in lots if open_lot.posting == posting)
            <= posting.amount.minor
        )


@given(accounts(rule_lists(), days_behind=4))
def test_merged_histories_give_the_lots_of_the_order_of_commits(account):
    """Merged wallets give the same lots and expiries as the order in which they were committed."""
    histories = [
        [posting for posting in account.postings if posting.wallet == wallet] for wallet in WALLETS
    ]
    merged, day = merge_wallets(histories), date(2026, 6, 1)

    assert list(map(id, sorted(merged, key=id))) == sorted(map(id, account.postings))
    for wallet, history in zip(WALLETS, histories, strict=True):
        assert history == [posting for posting in merged if posting.wallet == wallet]
    assert merged == merge_wallets(histories[::-1])
    assert open_lots(merged, account.rules, on=day) == open_lots(
        account.postings, account.rules, on=day
    )
    assert expiries(merged, account.rules, on=day) == expiries(
        account.postings, account.rules, on=day
    )


@given(posting_lists(), rule_lists(), st.randoms())
def test_each_use_restarts_the_time_of_a_lot(postings, rules, random):
    """The expiry of a lot follows from the uses after it, one by one, in any order of days."""
    shuffled = [*postings]
    random.shuffle(shuffled)
    rule_of = {rule.reason: rule for rule in rules}
    for open_lot in open_lots(shuffled, rules, on=date.max):
        rule = rule_of.get(open_lot.posting.reason, LotRule(open_lot.posting.reason))
        expires = rule.lasts and open_lot.posting.on + timedelta(days=rule.lasts.count)
        for use in shuffled[shuffled.index(open_lot.posting) :]:
            is_use = use.amount.minor < 0 and use.reason in {Reason.SUBSCRIPTION, Reason.CALL}
            if rule.since_use and is_use and expires > use.on:
                expires = max(expires, use.on + timedelta(days=rule.lasts.count))

        assert expires == open_lot.expires
