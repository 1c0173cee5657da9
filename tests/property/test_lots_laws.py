"""Laws of lots.

- What is left of all lots adds up to the balance, on each day.
- Each posting that took money is paid by its parts, to the unit, and no lot pays more than it was.
- A charge takes nothing from a lot while one that comes before it, by expiry and priority, holds
  anything; what is over comes last.
- Once the expiries of a day are booked, none are due, and what is not over has lost nothing.
- Without rules the first to come is the first to go.
"""

# Identifiers are plain text here.
# mypy: disable-error-code="arg-type"

from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from channelplans.calendar import Days
from channelplans.ledger import Posting, Purse, Reason
from channelplans.lots import LotRule, expiries, open_lots, payments
from channelplans.money import EUR, Money

ACME, FIRST = Purse("acme"), date(2026, 1, 5)
RECEIVED = [Reason.DEPOSIT, Reason.BONUS, Reason.REFUND, Reason.TRANSFER]
PAID = [Reason.SUBSCRIPTION, Reason.CALL, Reason.TRANSFER, Reason.EXPIRY]


@st.composite
def ledgers(draw):
    """Postings of one purse that never end below zero, day by day."""
    postings: list[Posting] = []
    day, balance = FIRST, 0
    for _ in range(draw(st.integers(0, 10))):
        day += timedelta(days=draw(st.integers(0, 20)))
        received = not balance or draw(st.booleans())
        minor = draw(st.integers(1, 100) if received else st.integers(-balance, -1))
        reason = draw(st.sampled_from(RECEIVED if received else PAID))
        postings.append(Posting(ACME, Money(minor, EUR), reason, day, reference=str(len(postings))))
        balance += minor
    return postings


def rules():
    """A rule for some of the reasons that money comes in for."""
    lengths = st.none() | st.builds(Days, st.integers(1, 60))
    each = [
        st.none()
        | st.builds(
            lambda reason, lasts, since_use, priority: LotRule(
                reason, lasts, since_use and lasts is not None, priority
            ),
            st.just(reason),
            lengths,
            st.booleans(),
            st.integers(-1, 1),
        )
        for reason in RECEIVED
    ]
    return st.tuples(*each).map(lambda drawn: [rule for rule in drawn if rule])


days = st.integers(0, 250).map(lambda count: FIRST + timedelta(days=count))


def minor(amounts):
    """Add up amounts as plain integers."""
    return sum(amount.minor for amount in amounts)


@given(ledgers(), rules(), days)
def test_lots_add_up_to_the_balance(postings, known, on):
    """No money is in no lot, and no lot has money that is not there."""
    held = open_lots(postings, known, on=on)

    assert minor(each.amount for each in postings if each.on <= on) == minor(
        lot.left for lot in held
    )
    assert all(0 < lot.left.minor <= lot.posting.amount.minor for lot in held)


@given(ledgers(), rules())
def test_each_payment_is_paid_by_its_parts(postings, known):
    """What went out is told once, in order, and what came in went out at most once."""
    paid = payments(postings, known)

    assert [each for each in postings if each.amount.minor < 0] == [each.posting for each in paid]
    for payment in paid:
        assert -payment.posting.amount.minor == minor(draw.amount for draw in payment.draws)
    drawn = [draw for payment in paid for draw in payment.draws]
    held = {lot.posting: lot.left.minor for lot in open_lots(postings, known, on=date.max)}
    for received in (each for each in postings if each.amount.minor > 0):
        taken = minor(draw.amount for draw in drawn if draw.lot == received)
        assert received.amount.minor == taken + held.get(received, 0)


@given(ledgers(), rules())
def test_a_charge_takes_the_lots_in_their_order(postings, known):
    """The lots before the charge, in the order they are told in, are used up from the front."""
    for number, payment in enumerate(each for each in postings if each.amount.minor < 0):
        if payment.reason is Reason.EXPIRY:
            continue
        before = open_lots(postings[: postings.index(payment)], known, on=payment.on)
        wanted, expected = -payment.amount.minor, []
        for lot in before:
            taken = min(wanted, lot.left.minor)
            expected += [(lot.posting, taken)] if taken else []
            wanted -= taken
        paid = payments(postings, known)[number]

        assert expected == [(draw.lot, draw.amount.minor) for draw in paid.draws]


@given(ledgers(), rules(), days)
def test_lots_are_told_by_what_is_over_priority_and_expiry(postings, known, on):
    """What is over comes last; else the lower priority first, then what expires first."""
    keys = [
        (lot.expired(on), lot.priority, lot.expires or date.max, int(lot.posting.reference))
        for lot in open_lots(postings, known, on=on)
    ]

    assert sorted(keys) == keys


@given(ledgers(), rules(), st.integers(0, 100))
def test_booked_expiries_are_not_due_again(postings, known, later):
    """They take what is over, all of it, and nothing else."""
    on = (postings[-1].on if postings else FIRST) + timedelta(days=later)
    before = open_lots(postings, known, on=on)
    due = expiries(postings, known, on=on)

    booked = [*postings, *due]

    assert minor(lot.left for lot in before if lot.expired(on)) == -minor(
        each.amount for each in due
    )
    assert () == expiries(booked, known, on=on)
    assert tuple(lot for lot in before if not lot.expired(on)) == open_lots(booked, known, on=on)


@given(ledgers())
def test_without_rules_the_first_to_come_is_the_first_to_go(postings):
    """What was drawn so far is the beginning of what came in."""
    received = [each for each in postings if each.amount.minor > 0]
    spent = -minor(each.amount for each in postings if each.amount.minor < 0)
    expected = []
    for each in received:
        rest = max(each.amount.minor - spent, 0)
        spent = max(spent - each.amount.minor, 0)
        expected += [(each, rest)] if rest else []

    assert expected == [(lot.posting, lot.left.minor) for lot in open_lots(postings, on=date.max)]
