"""Properties of postings, settlements and statements."""

from datetime import date

import pytest
from hypothesis import given, strategies as st

from channelplans.errors import InsufficientCredit
from channelplans.money import EUR, Money
from channelplans.subscriptions.wallets import Posting, Reason, Statement, Wallet, deltas, settle

DAY = date(2026, 1, 5)
WALLETS = [Wallet("acme"), Wallet("acme", "berlin"), Wallet("acme", "paris"), Wallet("other")]
CENT = Money(minor=1, currency=EUR)

amounts = (
    st.integers(-(10**6), 10**6).filter(bool).map(lambda minor: Money(minor=minor, currency=EUR))
)
posting_lists = st.lists(
    st.builds(Posting, st.sampled_from(WALLETS), amounts, st.sampled_from(Reason), st.just(DAY)),
    max_size=12,
)
balance_tables = st.dictionaries(
    st.sampled_from(WALLETS),
    st.integers(0, 10**6).map(lambda minor: Money(minor=minor, currency=EUR)),
)


def sum_minor(amounts):
    """Return the sum of amounts as a plain integer."""
    return sum(amount.minor for amount in amounts)


def sum_of_wallet(postings, wallet):
    """Return the sum of a wallet's postings as a plain integer."""
    return sum_minor(posting.amount for posting in postings if posting.wallet == wallet)


def try_settle(balances, postings):
    """Return the balances after the postings, or None if a wallet cannot pay."""
    try:
        return settle(balances, postings)
    except InsufficientCredit:
        return None


@given(posting_lists)
def test_deltas_add_up_to_the_postings(postings):
    """The delta of a wallet is the sum of its postings, so all deltas add up to all postings."""
    wallet_deltas = deltas(postings)

    assert sum_minor(posting.amount for posting in postings) == sum_minor(wallet_deltas.values())
    for wallet, delta in wallet_deltas.items():
        assert sum_of_wallet(postings, wallet) == delta.minor


@given(balance_tables, posting_lists)
def test_settle_books_all_postings_or_none(balances, postings):
    """Settling books every posting, or changes nothing if any wallet would end below zero."""
    expected = {
        wallet: balances.get(wallet, Money(minor=0, currency=EUR)).minor
        + sum_of_wallet(postings, wallet)
        for wallet in WALLETS
    }
    original_balances = dict(balances)

    new_balances = try_settle(balances, postings)

    assert original_balances == balances
    assert (new_balances is None) == any(amount < 0 for amount in expected.values())
    if new_balances is not None:
        assert expected == {
            wallet: new_balances.get(wallet, Money(minor=0, currency=EUR)).minor
            for wallet in WALLETS
        }


@given(balance_tables, posting_lists)
def test_insufficient_credit_names_the_missing_amount(balances, postings):
    """A wallet can pay after a deposit of the missing amount, but not with a cent less."""
    while (new_balances := try_settle(balances, postings)) is None:
        with pytest.raises(InsufficientCredit) as caught:
            settle(balances, postings)
        error = caught.value
        wallet = next(wallet for wallet in WALLETS if str(wallet) == error.wallet)
        sufficient = balances.get(wallet, Money(minor=0, currency=EUR)) + Money.of(
            error.missing, EUR
        )

        assert error.needed - error.available == error.missing
        assert try_settle({**balances, wallet: sufficient - CENT}, postings) is None
        balances = {**balances, wallet: sufficient}

    assert all(balance.minor >= 0 for balance in new_balances.values())


@given(balance_tables, posting_lists, posting_lists)
def test_settling_in_two_steps_equals_settling_at_once(balances, first_postings, second_postings):
    """If both steps can be paid, settling all postings at once gives the same balances."""
    halfway = try_settle(balances, first_postings)
    stepwise = None if halfway is None else try_settle(halfway, second_postings)

    assert stepwise is None or stepwise == try_settle(balances, first_postings + second_postings)


@given(st.integers(0, 10**6), posting_lists)
def test_statement_balances_add_up(opening_minor, postings):
    """Each balance is the balance before plus the posting, and the last is the closing balance."""
    account_wallet = WALLETS[0]
    account_postings = tuple(posting for posting in postings if posting.wallet == account_wallet)
    statement = Statement(
        account_wallet, Money(minor=opening_minor, currency=EUR), account_postings
    )

    running = [opening_minor]
    for posting in account_postings:
        running.append(running[-1] + posting.amount.minor)
    assert running[1:] == [balance.minor for balance in statement.balances]
    assert running[-1] == statement.closing.minor
    assert running[1:] == [row["balance_minor"] for row in statement.to_records()]
