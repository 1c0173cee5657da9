"""Properties of invoices: the lines always add up to the postings, and the balances to each other.

The decisions of an account are those of two profiles, mixed with movements of credit. Some have
postings that the application added, such as tax, and some are booked later than their value date.
"""

from datetime import timedelta
from itertools import chain

import attrs
import pytest
from hypothesis import given, strategies as st

from channelplans.money import Money
from channelplans.subscriptions.invoices import make_invoice
from channelplans.subscriptions.transfers import (
    assign_credit,
    charge,
    deposit,
    expire_credit,
    take_back_credit,
)
from channelplans.subscriptions.wallets import Posting, Reason, Wallet
from channelplans.tariffs import Item
from channelplans.testing import strategies

pytestmark = pytest.mark.slow

ONE_DAY = timedelta(days=1)
PROFILES = ("berlin", "paris")
WALLETS = [Wallet("acme"), *(Wallet("acme", profile) for profile in PROFILES)]
NOT_CHARGED = {Reason.DEPOSIT, Reason.BONUS, Reason.TRANSFER, Reason.EXPIRY}

names = strategies.names()


def amounts(currency):
    """Draw amounts above zero."""
    return strategies.money(currency, least=1, most=10**9)


#: What an application adds to a decision: the wallet, amount, reason and reference of postings.
additions = st.lists(
    st.tuples(
        st.sampled_from(WALLETS),
        st.integers(-(10**9), 10**9).filter(bool),
        st.sampled_from(Reason),
        st.none() | names | st.just("berlin's"),
    ),
    max_size=2,
)


@st.composite
def transfers(draw, currency):
    """Draw a movement of credit on the wallets of account acme."""
    action = draw(st.sampled_from([deposit, charge, expire_credit]))
    move = draw(st.sampled_from([assign_credit, take_back_credit, None]))
    arguments = {"transfer": draw(names), "on": draw(strategies.days())}
    amount = draw(amounts(currency))
    if move is not None:
        return move("acme", draw(st.sampled_from(PROFILES)), amount, **arguments)
    return action(draw(st.sampled_from(WALLETS)), amount, **arguments)


@st.composite
def accounts(draw):
    """Draw the decisions of account acme in commit order, and the currency of its wallets."""
    tariff = draw(strategies.tariffs())
    history_lists = [
        draw(strategies.histories(tariff=tariff, steps=5, profile=profile)) for profile in PROFILES
    ]
    movements = draw(st.lists(transfers(tariff.currency), max_size=4))
    committed = sorted(chain(*history_lists, movements), key=lambda decision: decision.on)
    return [draw(as_booked(decision, tariff.currency)) for decision in committed], tariff.currency


@st.composite
def as_booked(draw, decision, currency):
    """Draw a decision as an application commits it: with other postings too, or booked late."""
    added = [
        Posting(
            wallet, Money(minor=minor, currency=currency), reason, decision.on, reference=reference
        )
        for wallet, minor, reason, reference in draw(additions)
    ]
    earlier_day = decision.on - draw(st.integers(1, 60)) * ONE_DAY
    value_date = draw(st.sampled_from([None, earlier_day]))
    postings = [*decision.postings, *added]
    return attrs.evolve(
        decision,
        postings=tuple(attrs.evolve(posting, value_date=value_date) for posting in postings),
    )


def sum_minor(items):
    """Return the sum of the amounts of lines or postings as a plain integer."""
    return sum(item.amount.minor for item in items)


def charged_postings(decisions):
    """Return the postings that an invoice charges or refunds."""
    postings = chain.from_iterable(decision.postings for decision in decisions)
    return [posting for posting in postings if posting.reason not in NOT_CHARGED]


def period_of(decisions):
    """Return the shortest period that has the value dates of all decisions."""
    days = [decision.counts_from for decision in decisions]
    return {"since": min(days), "until": max(days) + ONE_DAY}


def select(decisions, since, until):
    """Return the decisions with a value date in a period, in commit order."""
    return [decision for decision in decisions if since <= decision.counts_from < until]


@given(accounts(), st.integers(-(10**12), 10**12))
def test_total_is_minus_the_sum_of_the_charged_postings(account, opening_minor):
    """The total and the closing balance follow from the postings alone, whatever they are."""
    decisions, currency = account
    opening = Money(minor=opening_minor, currency=currency)

    invoice = make_invoice("acme", decisions, opening=opening, **period_of(decisions))

    postings = [posting for decision in decisions for posting in decision.postings]
    assert -sum_minor(charged_postings(decisions)) == invoice.total.minor
    assert opening_minor + sum_minor(postings) == invoice.closing.minor
    assert invoice.total.minor == sum_minor(invoice.lines)
    assert sorted(line.value_date for line in invoice.lines) == [
        line.value_date for line in invoice.lines
    ]
    assert str(invoice)


@given(accounts())
def test_lines_of_each_decision_add_up_to_its_postings(account):
    """An invoice of a single decision has a total of minus its charged postings."""
    decisions, currency = account

    for decision in decisions:
        invoice = make_invoice(
            "acme", [decision], opening=Money.zero(currency), **period_of([decision])
        )
        assert -sum_minor(charged_postings([decision])) == invoice.total.minor


@given(strategies.histories())
def test_quotes_refunds_and_calls_explain_all_postings_of_the_actions(history):
    """If an application adds no posting, no line is named by a reference: all are explained."""
    currency = history[0].after.quote.tariff.currency

    invoice = make_invoice("acme", history, opening=Money.zero(currency), **period_of(history))

    references = {posting.reference for posting in charged_postings(history)}
    items = {item.value for item in Item}
    destinations = {decision.call.call.destination for decision in history if decision.call}
    assert references.isdisjoint(line.item for line in invoice.lines)
    assert {line.item for line in invoice.lines if line.duration is None} <= items
    assert {line.item for line in invoice.lines if line.duration is not None} <= destinations


@given(strategies.histories())
def test_calls_are_one_line_for_each_destination_and_payer(history):
    """The lines of calls have the number and the length of all charged calls."""
    currency = history[0].after.quote.tariff.currency

    invoice = make_invoice("acme", history, opening=Money.zero(currency), **period_of(history))

    call_lines = [line for line in invoice.lines if line.duration is not None]
    keys = [(line.item, line.reason) for line in call_lines]
    lengths = [line.duration for line in invoice.lines if line.duration is not None]
    charges = [charge for item in history if item.call for charge in item.call.charges]
    assert len(keys) == len(set(keys))
    assert len(charges) == sum(line.quantity for line in call_lines)
    assert sum((charge.duration for charge in charges), timedelta(0)) == sum(lengths, timedelta(0))


@given(accounts(), st.data())
def test_two_halves_of_a_period_add_up_to_the_whole(account, data):
    """The totals add up, and the first closing balance is the second opening balance."""
    decisions, currency = account
    period, opening = period_of(decisions), data.draw(strategies.money(currency))
    since, until = period["since"], period["until"] + ONE_DAY
    middle = since + data.draw(st.integers(1, (until - since).days - 1)) * ONE_DAY

    whole = make_invoice("acme", decisions, opening=opening, since=since, until=until)
    first = make_invoice(
        "acme", select(decisions, since, middle), opening=opening, since=since, until=middle
    )
    second = make_invoice(
        "acme", select(decisions, middle, until), opening=first.closing, since=middle, until=until
    )

    assert whole.total == first.total + second.total
    assert whole.closing == second.closing
    assert whole.deposits == first.deposits + second.deposits
    assert whole.bonuses == first.bonuses + second.bonuses
    assert whole.expired == first.expired + second.expired
