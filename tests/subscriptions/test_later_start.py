"""Purchases for a later day, which can be undone before the first term starts."""

from datetime import date, timedelta

import attrs
import pytest
from tests.subscriptions.samples import (
    ACME,
    END,
    FIRST_DAY,
    IDENTIFIERS,
    PLAN,
    TARIFF,
    TERM,
    call,
    euros,
)

from channelplans.calendar import Days, Term
from channelplans.errors import InvalidValue, OutsideTerm, WrongType
from channelplans.offers import SKYPE_CONNECT
from channelplans.rules import RefundBasis, RefundRule, TermRule
from channelplans.subscriptions.actions import buy, cancel, change, renew, terminate
from channelplans.subscriptions.call_records import record_call
from channelplans.subscriptions.subscription import Status
from channelplans.subscriptions.wallets import Posting, Reason

PURCHASE_DAY = date(2025, 12, 20)
EVE = date(2026, 1, 4)
WITH_SETUP = attrs.evolve(TARIFF, setup="5", channel_setup="2")


def purchase(plan=PLAN, **arguments):
    """Return the purchase on 20 December for a term from 5 January on, with set-up fees."""
    arguments = {"on": PURCHASE_DAY, "start": FIRST_DAY, **arguments}
    return buy(plan, WITH_SETUP, **arguments, **IDENTIFIERS)


def test_price_is_paid_on_the_day_of_purchase():
    """3 x 6.95, 10, and set-ups of 5 and 3 x 2, posted in December for the term in January."""
    bought = purchase()

    assert (
        Posting(ACME, euros("-41.85"), Reason.SUBSCRIPTION, PURCHASE_DAY, TERM, "s-1"),
    ) == bought.postings
    assert (Status.ACTIVE, PURCHASE_DAY, FIRST_DAY, FIRST_DAY) == (
        bought.after.status,
        bought.after.acted_on,
        bought.after.started_on,
        bought.after.anchor,
    )


def test_profile_is_active_from_the_first_day_on():
    """It carries no calls before."""
    after = purchase().after

    assert [False, False, True] == [after.active_on(day) for day in (PURCHASE_DAY, EVE, FIRST_DAY)]
    assert not after.admits(0, on=EVE)
    with pytest.raises(OutsideTerm, match="from 2026-01-05 until"):
        record_call(after, call(day=EVE), TARIFF, on=EVE)


def test_str_names_the_first_day():
    """A buyer sees from which day on the profile is active."""
    lines = str(purchase()).split("\n")

    assert [
        "2025-12-20: buy 3 channels and 1 bundle of 5,000 minutes for profile 'berlin'.",
        "Starts on 2026-01-05. Runs until 2026-02-04, when it renews itself.",
    ] == lines[:2]


@pytest.mark.parametrize("on", [PURCHASE_DAY, EVE], ids=str)
@pytest.mark.parametrize(
    "rules",
    [
        {},
        {"term": TermRule(Days(30), minimum_term=Days(90))},
        {"refund": RefundRule(RefundBasis.NOTHING, RefundBasis.NOTHING)},
        {"refund": RefundRule(bundles=RefundBasis.MINUTES, change_day_used=True)},
    ],
    ids=["help page", "minimum term", "no refund", "by minutes"],
)
def test_terminate_refunds_everything_before_the_first_day(on, rules):
    """The purchase is undone, with its set-up fees, whatever the refund rule says."""
    offer = attrs.evolve(SKYPE_CONNECT, edition="later", **rules)
    bought = purchase(offer.plan(channels=3, bundles=1))
    undone = terminate(bought.after, on=on)

    assert undone.refund is not None
    assert {ACME: euros("41.85")} == dict(undone.deltas)
    assert (euros("41.85"), euros("0")) == (undone.refund.returned, undone.refund.kept)
    assert (Status.ENDED, None) == (undone.after.status, undone.after.due_on)
    assert timedelta(0) == undone.after.allowance.remaining
    assert [
        f"{on}: end the subscription of profile 'berlin' at once, "
        "3 channels and 1 bundle of 5,000 minutes.",
        "It would have started on 2026-01-05.",
        "The wallet of account 'acme' receives 41.85 EUR (refund).",
    ] == str(undone).split("\n")


def test_terminate_on_the_first_day_keeps_the_set_up_fees():
    """From the first day on, the offer's refund rule says what is refunded."""
    assert {ACME: euros("30.85")} == dict(terminate(purchase().after, on=FIRST_DAY).deltas)


def test_terminate_without_a_refund_keeps_the_price():
    """A person may still keep everything that was paid."""
    undone = terminate(purchase().after, on=EVE, refund=False)

    assert ((), Status.ENDED, None) == (undone.postings, undone.after.status, undone.refund)


def test_terminate_before_the_purchase_is_refused():
    """The purchase is the latest action."""
    with pytest.raises(OutsideTerm, match=r"2025-12-20 is the day of the latest action$"):
        terminate(purchase().after, on=date(2025, 12, 19))


@pytest.mark.parametrize(
    "act",
    [cancel, lambda subscription, on: change(subscription, PLAN.replace(bundles=0), TARIFF, on=on)],
    ids=["cancel", "change"],
)
def test_cancel_and_change_wait_for_the_first_day(act):
    """The error says that terminate undoes the purchase."""
    with pytest.raises(OutsideTerm, match=r"from 2026-01-05 .*terminate undoes the purchase"):
        act(purchase().after, on=EVE)
    assert FIRST_DAY == act(purchase().after, on=FIRST_DAY).on


def test_profile_can_buy_at_once_after_an_undone_purchase():
    """The subscription has ended, so another one may start on that day."""
    undone = terminate(purchase().after, on=EVE).after
    ids = {**IDENTIFIERS, "subscription": "s-2"}
    bought = buy(PLAN, TARIFF, on=EVE, previous=undone, **ids).after

    assert (EVE, None) == (bought.term.start, bought.previous_term)


def test_minimum_term_counts_from_the_first_day_of_the_first_term():
    """A minimum of 60 days from 5 January ends on 6 March."""
    offer = attrs.evolve(
        SKYPE_CONNECT, edition="later", term=TermRule(Days(30), minimum_term=Days(60))
    )

    assert date(2026, 3, 6) == purchase(offer.plan(channels=3)).after.minimum_term_end


def test_aligned_purchase_may_start_later():
    """From 5 January to 20 January, when the other subscription renews: half of each price."""
    bought = purchase(align_to=date(2026, 2, 19))

    # 20.85 / 2 = 10.43, 10 / 2 = 5, and set-ups of 5 and 3 x 2.
    assert (Term(FIRST_DAY, date(2026, 1, 20)), {ACME: euros("-26.43")}) == (
        bought.after.term,
        dict(bought.deltas),
    )


def test_restart_leaves_the_days_of_an_aligned_purchase():
    """A change on 10 January starts 30 days of its own; a renewal stays with the other days."""
    bought = purchase(align_to=date(2026, 2, 19)).after
    renewed = renew(bought, TARIFF, on=date(2026, 1, 20)).after
    restarted = change(bought, PLAN.replace(bundles=0), TARIFF, on=date(2026, 1, 10)).after

    assert [date(2026, 2, 19), date(2026, 2, 9)] == [renewed.term.end, restarted.term.end]


def test_start_may_not_precede_the_day_of_purchase():
    """Nobody buys a term that has begun."""
    with pytest.raises(
        InvalidValue,
        match=r"^start must be on or after the day of purchase, 2026-02-04, not 2026-01-05$",
    ):
        purchase(on=END)


@pytest.mark.parametrize("start", ["2026-01-05", 5])
def test_start_must_be_a_date(start):
    """The error names the parameter."""
    with pytest.raises(WrongType, match="start must be a date"):
        purchase(start=start)
