"""Properties of lots, which say how much of each deposit, refund or bonus is left."""

from datetime import date, timedelta

import pytest
from hypothesis import given, strategies as st

from channelplans.calendar import Days
from channelplans.money import EUR, Money
from channelplans.subscriptions.credit_lots import LotRule, expiries, open_lots, payments
from channelplans.subscriptions.wallets import Posting, Reason, Wallet

pytestmark = pytest.mark.slow

ACCOUNT_WALLET, FIRST_DAY = Wallet("acme"), date(2026, 1, 5)
CREDIT_REASONS = [Reason.DEPOSIT, Reason.BONUS, Reason.REFUND, Reason.TRANSFER]
DEBIT_REASONS = [Reason.SUBSCRIPTION, Reason.CALL, Reason.TRANSFER, Reason.EXPIRY]

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
            lasts = draw(st.none() | st.builds(Days, st.integers(1, 60)))
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
