"""One late run gives the same subscriptions and balances as a run on every day.

Each test plays the same random events twice: once with a run at the end of every day, and once with
one run after the last day. Then it compares everything that a customer can see.
"""

from datetime import timedelta

import pytest
from hypothesis import given, strategies as st
from tests.property.account_events import (
    FIRST_DAY,
    LAST_DAY,
    OFFERS,
    TARIFF,
    Player,
    add_tax,
    catalogue_for,
    give_cashback,
    timelines,
)

pytestmark = pytest.mark.slow


def play(timeline, offer, prices, extra_postings, *, runs_daily):
    player = Player(offer, prices, extra_postings)
    numbered = list(enumerate(timeline))
    for day in range(LAST_DAY + 1):
        on = FIRST_DAY + timedelta(days=day)
        for number, (event_day, event) in numbered:
            if event_day == day:
                player.play(number, on, event)
        if runs_daily or day == LAST_DAY:
            failures = [outcome for outcome in player.billing.run_due(on=on) if outcome.failed]
            assert not failures
    return player.visible()


@given(
    timelines,
    st.sampled_from(OFFERS),
    st.booleans(),
    st.sampled_from([None, add_tax, give_cashback]),
)
def test_one_late_run_equals_a_run_on_every_day(timeline, offer, has_editions, extra_postings):
    """Subscriptions, refusals and the balances of every past day are equal."""
    prices = catalogue_for(offer) if has_editions else TARIFF
    punctual = play(timeline, offer, prices, extra_postings, runs_daily=True)
    late = play(timeline, offer, prices, extra_postings, runs_daily=False)
    assert late == punctual
