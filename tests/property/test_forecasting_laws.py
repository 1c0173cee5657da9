"""A forecast equals what the runs of each day then do.

Each test plays random events on an account, makes a forecast from some day on, and then lets the
billing service run on each day of the forecast. Nothing else happens on these days.
"""

from contextlib import suppress
from datetime import timedelta
from operator import length_hint

import attrs
import pytest
from hypothesis import assume, given, strategies as st
from tests.property.account_events import (
    FIRST_DAY,
    LAST_DAY,
    OFFERS,
    PROFILES,
    TARIFF,
    WALLETS,
    Player,
    add_tax,
    catalogue_for,
    give_cashback,
    timelines,
)

from channelplans.errors import (
    ChannelPlansError,
    InsufficientCredit,
    OutsideTerm,
    TransitionNotAllowed,
)
from channelplans.explore import DailyCalls, forecast, forecast_account, iter_forecast_account
from channelplans.money import EUR, Money
from channelplans.subscriptions.subscription import Action
from channelplans.subscriptions.transfers import deposit
from channelplans.subscriptions.wallets import Wallet, deltas

pytestmark = pytest.mark.slow

ACME = Wallet("acme")
ZERO = Money.zero(EUR)


class Scene:
    """An account after some events, and the days of a forecast."""

    def __init__(self, player, on, length, extra_postings):
        self.player, self.on, self.extra_postings = player, on, extra_postings
        self.until = on + timedelta(days=length)
        self.prices = player.prices
        self.options = {
            "on": on,
            "until": self.until,
            "prices": self.prices,
            "extra_postings": extra_postings,
        }

    @property
    def billing(self):
        return self.player.billing

    @property
    def store(self):
        return self.player.store

    @property
    def days(self):
        """The days of the forecast."""
        return [self.on + timedelta(number) for number in range((self.until - self.on).days)]

    def copy(self):
        """Return the scene with a copy of the store."""
        player = Player(self.player.offer, self.prices, self.extra_postings)
        player.store.restore(self.store.snapshot())
        return Scene(player, self.on, len(self.days), self.extra_postings)

    def forecast(self, **more):
        """Return the forecast of the account."""
        return forecast_account(self.store, "acme", **self.options, **more)

    def decisions(self):
        """Return all decisions and transfers of the account, in the order of their commits."""
        return self.store.decisions("acme", limit=10_000).items

    def balance(self, wallet=ACME):
        return self.store.balance(wallet) or ZERO


@st.composite
def scenes(draw, extra_postings=(None, add_tax, give_cashback)):
    """Draw an account after a number of days; runs may have been forgotten on the last days."""
    offer, timeline = draw(st.sampled_from(OFFERS)), draw(timelines)
    prices = catalogue_for(offer) if draw(st.booleans()) else TARIFF
    added = draw(st.sampled_from(extra_postings))
    player = Player(offer, prices, added)
    last_day = draw(st.integers(0, LAST_DAY))
    missed_runs = draw(st.sampled_from([0, 0, 0, 1, 5, 30]))
    for day in range(last_day + 1):
        on = FIRST_DAY + timedelta(days=day)
        for number, (event_day, event) in enumerate(timeline):
            if event_day == day:
                player.play(number, on, event)
        if day < last_day - missed_runs:
            player.billing.run_due(on=on)
    assume(player.store.balance(ACME) is not None)
    return Scene(player, on, draw(st.integers(1, 70)), added)


def list_done(entries):
    """Return what a forecast says that the runs do."""
    return [
        (entry.day, entry.profile, entry.action, entry.postings)
        for entry in entries
        if entry.action not in (None, Action.RECORD_CALL)
    ]


def run_daily(scene, calls=()):
    """Run on each day, then record calls; return what was settled, and each day's balance."""
    settled, balances = len(scene.decisions()), {}
    for day in scene.days:
        scene.billing.run_due(on=day)
        for daily in calls:
            for number in range(daily.count):
                if scene.billing.subscription("acme", daily.profile).due_on is None:
                    break  # it is over, and a forecast assumes no calls then
                call = attrs.evolve(daily.on(day), id=f"{day} {daily} {number}")
                with suppress(InsufficientCredit, OutsideTerm, TransitionNotAllowed):
                    scene.billing.record_call("acme", daily.profile, call, on=day)
        balances[day] = scene.balance()
    facts = [
        (made.on, made.after.profile, made.action, made.postings)
        for made in scene.decisions()[settled:]
        if made.action is not Action.RECORD_CALL
    ]
    return facts, balances


def has_shortage(scene):
    """Return whether a run on some day of the forecast finds too little credit."""
    errors = (outcome.error for day in scene.days for outcome in scene.billing.run_due(on=day))
    return any(isinstance(error, InsufficientCredit) for error in errors)


@given(scenes())
def test_forecast_equals_a_run_on_each_day(scene):
    """The same actions, postings and balances on the same days."""
    forecasted = scene.forecast()
    facts, balances = run_daily(scene)
    assert list_done(forecasted.entries) == facts
    for day, balance in forecasted.balances.items():
        assert balance == balances[day]


@given(scenes())
def test_forecast_equals_one_late_run(scene):
    """One run after the last day leaves the subscriptions and balances that were forecast."""
    forecasted = scene.forecast()
    scene.billing.run_due(on=scene.days[-1])
    assert scene.balance() == forecasted.opening - forecasted.charged


@given(scenes())
def test_lazy_forecast_has_the_entries_of_the_forecast(scene):
    """It also gives the same sums, and its length hint is never below zero."""
    forecasted = scene.forecast()
    run = iter_forecast_account(scene.store, "acme", **scene.options)
    entries = []
    for entry in run:
        entries.append(entry)
        assert length_hint(run) >= 0
    assert (tuple(entries), length_hint(run)) == (forecasted.entries, 0)
    assert run.charged == forecasted.charged
    assert run.fails_first == forecasted.fails_first
    assert run.runs_dry_on == forecasted.runs_dry_on
    assert run.opening == forecasted.opening


@given(scenes())
def test_values_give_the_forecast_of_the_store(scene):
    """If nothing is overdue, subscriptions and balances are all that a forecast needs."""
    scene.billing.run_due(on=scene.on)
    found = [scene.billing.subscription("acme", profile) for profile in PROFILES]
    subscriptions = [subscription for subscription in found if subscription is not None]
    assume(subscriptions)
    assume(all(not one.due_on or one.due_on >= scene.on for one in subscriptions))
    balances = {wallet: scene.balance(wallet) for wallet in WALLETS}
    known = {
        wallet: balance
        for wallet, balance in balances.items()
        if wallet.profile in {None, *(one.profile for one in subscriptions)}
    }
    assert forecast(subscriptions, balances=known, **scene.options) == scene.forecast()


@given(scenes(extra_postings=(None, add_tax)))
def test_top_up_is_the_smallest_deposit_that_pays_everything(scene):
    """With it, no run finds too little credit; with one unit less, a run does."""
    scene.billing.run_due(on=scene.on)  # a deposit cannot save a term that was due before
    top_up = scene.forecast().top_up
    short, funded = scene.copy(), scene.copy()
    unit = Money(minor=1, currency=EUR)
    if top_up:
        funded.billing.deposit(ACME, top_up, transfer="top-up", on=scene.on)
        if top_up > unit:
            short.billing.deposit(ACME, top_up - unit, transfer="top-up", on=scene.on)
        assert short.forecast().fails_first is not None
        assert has_shortage(short)
    assert funded.forecast().runs_dry_on is None
    assert not has_shortage(funded)


@given(scenes(), st.sampled_from(PROFILES), st.integers(1, 5), st.integers(0, 2), st.booleans())
def test_forecast_after_a_preview_is_that_after_its_commit(
    scene, profile, channels, bundles, changes
):
    """A refused commit is a refused forecast."""
    preview_of = scene.billing.preview
    try:
        if changes:
            preview = preview_of.change(
                "acme", profile, channels=channels, bundles=bundles, on=scene.on
            )
        else:
            plan = scene.player.offer.plan(channels=channels, bundles=min(bundles, channels))
            preview = preview_of.buy(
                plan, account="acme", profile=profile, subscription="new", on=scene.on
            )
    except ChannelPlansError:
        assume(False)
    before = scene.copy()
    try:
        scene.billing.commit(preview)
    except InsufficientCredit:
        with pytest.raises(InsufficientCredit):
            before.forecast(after=preview)
    else:
        assert before.forecast(after=preview) == scene.forecast()
        assert scene.forecast(after=preview) == scene.forecast()  # it is committed already


@given(scenes(), st.integers(1, 20), st.booleans())
def test_forecast_after_a_transfer_is_that_after_its_commit(scene, euros, is_deposit):
    """A deposit can be tried out, and so can a charge."""
    amount = Money(minor=100 * euros, currency=EUR)
    move = scene.billing.preview.deposit if is_deposit else scene.billing.preview.charge
    preview, before = move(ACME, amount, transfer="tried", on=scene.on), scene.copy()
    try:
        scene.billing.commit(preview)
    except InsufficientCredit:
        with pytest.raises(InsufficientCredit):
            before.forecast(after=preview)
    else:
        assert before.forecast(after=preview) == scene.forecast()


daily_calls = st.lists(
    st.builds(
        DailyCalls,
        st.sampled_from(PROFILES),
        st.sampled_from(["US", "DE"]),
        st.integers(1, 15).map(lambda minutes: timedelta(minutes=minutes)),
        st.integers(1, 6),
    ),
    max_size=3,
    unique_by=lambda calls: (calls.profile, calls.destination),
)


@given(scenes(), daily_calls)
def test_forecast_with_assumed_calls_equals_runs_and_calls(scene, calls):
    """Recording the calls after the run of each day has the same effect on all wallets."""
    held = {profile for profile in PROFILES if scene.billing.subscription("acme", profile)}
    calls = [daily for daily in calls if daily.profile in held]
    forecasted = scene.forecast(calls_per_day=calls)
    before = {wallet: scene.balance(wallet) for wallet in WALLETS}
    facts, balances = run_daily(scene, calls)
    assert list_done(forecasted.entries) == facts
    for day, balance in forecasted.balances.items():
        assert balance == balances[day]
    charged = deltas(forecasted.postings)
    for wallet in WALLETS:
        assert scene.balance(wallet) == before[wallet] + charged.get(wallet, ZERO)


@given(scenes(), st.lists(st.tuples(st.integers(1, 60), st.integers(1, 20)), max_size=3))
def test_postings_of_later_days_count_from_their_days(scene, deposits):
    """A store may already have payments with a later day; a forecast knows them."""
    for number, (days, euros) in enumerate(deposits):
        amount, on = Money(minor=100 * euros, currency=EUR), scene.on + timedelta(days=days)
        scene.store.commit(deposit(ACME, amount, transfer=f"later {number}", on=on), expected=None)
    forecasted = scene.forecast()
    facts, _ = run_daily(scene)
    assert list_done(forecasted.entries) == facts
