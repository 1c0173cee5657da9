"""Laws of the ledger.

- The changes of all purses add up to the sum of all postings, and so do the balances after.
- A settlement is all or nothing: a refusal leaves the balances given as they were.
- No purse that pays ends below zero, and a refusal names what would have sufficed.
- Settling one after the other ends where settling at once does, where each step can be paid.
- A statement's last balance is its opening and all its postings; each balance follows the last.
"""

# Identifiers are plain text here, decisions are known to hold a subscription, and wrong types
# are given on purpose.
# mypy: disable-error-code="arg-type"

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channelplans.errors import InsufficientCredit
from channelplans.ledger import Posting, Purse, Reason, Statement, deltas, settle
from channelplans.money import EUR, Money

DAY = date(2026, 1, 5)
PURSES = [Purse("acme"), Purse("acme", "berlin"), Purse("acme", "paris"), Purse("other")]

amounts = st.integers(-(10**6), 10**6).filter(bool).map(lambda minor: Money(minor, EUR))
postings = st.lists(
    st.builds(Posting, st.sampled_from(PURSES), amounts, st.sampled_from(Reason), st.just(DAY)),
    max_size=12,
)
balances = st.dictionaries(
    st.sampled_from(PURSES), st.integers(0, 10**6).map(lambda minor: Money(minor, EUR))
)


def minor(amounts):
    """Add up amounts as plain integers."""
    return sum(amount.minor for amount in amounts)


def settled(before, moved):
    """Return the balances after, or None where a purse cannot pay."""
    try:
        return settle(before, moved)
    except InsufficientCredit:
        return None


@given(postings)
def test_changes_add_up_to_the_postings(moved):
    """Money comes from nowhere and goes nowhere but by a posting."""
    changes = deltas(moved)

    assert minor(posting.amount for posting in moved) == minor(changes.values())
    for purse, change in changes.items():
        assert minor(each.amount for each in moved if each.purse == purse) == change.minor


@given(balances, postings)
def test_a_settlement_is_all_or_nothing(before, moved):
    """Either every purse has its postings and none that pays is below zero, or nothing moved."""
    held = {purse: before.get(purse, Money(0, EUR)).minor for purse in PURSES}
    wanted = {
        purse: held[purse] + minor(each.amount for each in moved if each.purse == purse)
        for purse in PURSES
    }
    untouched = dict(before)

    after = settled(before, moved)

    assert untouched == before
    assert (after is None) == any(amount < 0 for amount in wanted.values())
    if after is not None:
        assert wanted == {purse: after.get(purse, Money(0, EUR)).minor for purse in PURSES}


@given(balances, postings)
def test_a_refusal_names_what_would_do(before, moved):
    """With what is missing, that purse can pay; with a unit less it cannot."""
    while (after := settled(before, moved)) is None:
        with pytest.raises(InsufficientCredit) as caught:
            settle(before, moved)
        error = caught.value
        purse = next(each for each in PURSES if str(each) == error.purse)
        missing = Money.of(error.missing, EUR)
        held = before.get(purse, Money(0, EUR))
        assert error.needed - error.available == error.missing
        assert settled({**before, purse: held + missing - Money(1, EUR)}, moved) is None
        before = {**before, purse: held + missing}

    assert all(amount.minor >= 0 for amount in after.values())


@given(balances, postings, postings)
def test_one_after_the_other_is_the_same_as_at_once(before, first, second):
    """Where both steps can be paid, so can the whole, and it ends at the same balances."""
    halfway = settled(before, first)
    stepwise = None if halfway is None else settled(halfway, second)

    assert stepwise is None or stepwise == settled(before, first + second)


@given(st.integers(0, 10**6), postings)
def test_a_statement_adds_up(opening, moved):
    """Each balance is the one before it and the posting; the last is the closing."""
    acme = PURSES[0]
    own = tuple(posting for posting in moved if posting.purse == acme)
    statement = Statement(acme, Money(opening, EUR), own)

    running = [opening]
    for posting in own:
        running.append(running[-1] + posting.amount.minor)
    assert running[1:] == [balance.minor for balance in statement.balances]
    assert running[-1] == statement.closing.minor
    assert running[1:] == [row["balance_minor"] for row in statement.to_records()]
