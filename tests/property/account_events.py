"""Random events on one account, and a player that plays them on a billing service."""

from datetime import date, timedelta
from fractions import Fraction

import attrs
from hypothesis import strategies as st

from channelplans.calendar import Days
from channelplans.calls import Call
from channelplans.errors import ChannelPlansError
from channelplans.money import EUR, Money
from channelplans.offers import SKYPE_CONNECT
from channelplans.rules import (
    BundleRule,
    CallRule,
    ChangeEffect,
    ChangeRule,
    NonPaymentRule,
    Rollover,
    TermRule,
)
from channelplans.storage.billing import Billing
from channelplans.storage.memory import MemoryStore
from channelplans.subscriptions.catalogue import Catalogue, Edition, Migration
from channelplans.subscriptions.wallets import Posting, Reason, Wallet
from channelplans.tariffs import Tariff

FIRST_DAY = date(2026, 1, 5)
LAST_DAY = 75
PROFILES = ("berlin", "munich", "paris")
WALLETS = (Wallet("acme"), *(Wallet("acme", profile) for profile in PROFILES))
TARIFF = Tariff("made up", EUR, "2", "3", "0.5", {"DE": "0.3"}, setup="1")
DEARER = attrs.evolve(TARIFF, name="dearer", channel="3")
#: A bundle of few minutes, so that calls often need more.
BUNDLE = BundleRule("few minutes", 10, ("US",))
SHORT = attrs.evolve(SKYPE_CONNECT, edition="short terms", bundle=BUNDLE, term=TermRule(Days(10)))
OFFERS = (
    SHORT,
    attrs.evolve(SHORT, edition="grace", non_payment=NonPaymentRule(grace=Days(4))),
    attrs.evolve(
        SHORT,
        edition="drops bundles",
        non_payment=NonPaymentRule(drops_bundles=True, grace=Days(2)),
    ),
    attrs.evolve(SHORT, edition="minimum", term=TermRule(Days(10), minimum_term=Days(25))),
    attrs.evolve(
        SHORT,
        edition="waits",
        change=ChangeRule(None, ChangeEffect.PRORATE, ChangeEffect.AT_RENEWAL),
        calls=CallRule(may_overdraw=False),
    ),
    attrs.evolve(
        SHORT,
        edition="rollover",
        bundle=attrs.evolve(BUNDLE, rollover=Rollover(terms=2, cap=15)),
    ),
)


def catalogue_for(offer):
    """Return two editions of an offer; the second is dearer and begins in the middle."""
    middle = FIRST_DAY + timedelta(days=30)
    return Catalogue(
        (
            Edition(offer, TARIFF, date(2026, 1, 1), middle),
            Edition(offer, DEARER, middle, migration=Migration.AT_RENEWAL),
        )
    )


def add_tax(decision):
    """Return a tax of a fifth of each charge."""
    return [
        Posting(posting.wallet, posting.amount.share(Fraction(1, 5)), Reason.CHARGE, decision.on)
        for posting in decision.postings
        if posting.amount.share(Fraction(1, 5))
    ]


def give_cashback(decision):
    """Return more than each charge of one profile, so that its renewals bring credit."""
    if decision.after.profile != "paris":
        return add_tax(decision)
    return [
        Posting(posting.wallet, -posting.amount.share(Fraction(7, 5)), Reason.BONUS, decision.on)
        for posting in decision.postings
    ]


profiles = st.sampled_from(PROFILES)
amounts = st.integers(1, 30).map(lambda euros: Money(minor=100 * euros, currency=EUR))
events = st.one_of(
    st.tuples(st.just("deposit"), amounts),
    st.tuples(st.just("deposit"), amounts),
    st.tuples(st.just("deposit for"), profiles, amounts),
    st.tuples(st.just("assign"), profiles, amounts),
    st.tuples(st.just("charge"), amounts),
    st.tuples(st.just("buy"), profiles, st.integers(1, 5), st.integers(0, 2), st.integers(0, 3)),
    st.tuples(st.just("change"), profiles, st.integers(1, 5), st.integers(0, 2)),
    st.tuples(st.just("cancel"), profiles),
    st.tuples(st.just("resume"), profiles),
    st.tuples(st.just("terminate"), profiles, st.booleans()),
    st.tuples(st.just("lapse"), profiles),
    st.tuples(
        st.just("call"),
        profiles,
        st.sampled_from([("US", "+12125550100"), ("DE", "+49301234567")]),
        st.integers(1, 15),
        st.integers(0, 3),
    ),
)
days = st.integers(0, LAST_DAY)
purchases = st.tuples(
    st.just("buy"), profiles, st.integers(1, 5), st.integers(0, 1), st.sampled_from([0, 0, 2])
)
#: A first deposit and first purchases, so that most later events find a running subscription.
openings = st.tuples(
    st.tuples(st.just(0), st.tuples(st.just("deposit"), amounts)),
    st.tuples(st.integers(0, 5), purchases),
    st.tuples(st.integers(0, 9), purchases),
)
timelines = st.tuples(openings, st.lists(st.tuples(days, events), max_size=20)).map(
    lambda parts: sorted([*parts[0], *parts[1]], key=lambda entry: entry[0])
)


class Player:
    """Plays events on a billing service."""

    def __init__(self, offer, prices, extra_postings=None):
        self.offer, self.prices = offer, prices
        self.store = MemoryStore()
        self.billing = Billing(self.store, prices=prices, extra_postings=extra_postings)
        self.refusals = []

    def play(self, number, on, event):
        """Play an event, and note the kind of error if it is refused."""
        kind, *arguments = event
        try:
            getattr(self, kind.replace(" ", "_"))(f"n{number}", on, *arguments)
        except ChannelPlansError as error:
            self.refusals.append((number, type(error)))

    def deposit(self, name, on, amount):
        self.billing.deposit(Wallet("acme"), amount, transfer=name, on=on)

    def deposit_for(self, name, on, profile, amount):
        self.billing.deposit(Wallet("acme", profile), amount, transfer=name, on=on)

    def assign(self, name, on, profile, amount):
        self.billing.assign_credit("acme", profile, amount, transfer=name, on=on)

    def charge(self, name, on, amount):
        self.billing.charge(Wallet("acme"), amount, transfer=name, on=on)

    def buy(self, name, on, profile, channels, bundles, delay):
        plan = self.offer.plan(channels=channels, bundles=bundles)
        self.billing.buy(
            plan,
            account="acme",
            profile=profile,
            subscription=name,
            on=on,
            start=on + timedelta(days=delay),
        )

    def change(self, _, on, profile, channels, bundles):
        self.billing.change("acme", profile, channels=channels, bundles=bundles, on=on)

    def cancel(self, _, on, profile):
        self.billing.cancel("acme", profile, on=on)

    def resume(self, _, on, profile):
        self.billing.resume("acme", profile, on=on)

    def terminate(self, _, on, profile, refund):
        self.billing.terminate("acme", profile, on=on, refund=refund)

    def lapse(self, _, on, profile):
        self.billing.lapse("acme", profile, on=on)

    def call(self, name, on, profile, number, minutes, age):
        destination, digits = number
        day, duration = on - timedelta(days=age), timedelta(minutes=minutes)
        call = Call(name, digits, destination, day, duration)
        self.billing.record_call("acme", profile, call, on=on)

    def visible(self):
        """Return what a customer can see: subscriptions, and the balances at the end of each day.

        The day of the latest action is that of the run, so it is left out.
        """
        subscriptions = [self.billing.subscription("acme", profile) for profile in PROFILES]
        balances = [
            self.store.balance(wallet, before=FIRST_DAY + timedelta(days=day))
            for wallet in WALLETS
            for day in range(LAST_DAY + 2)
        ]
        comparable = [
            subscription and attrs.evolve(subscription, acted_on=None, sequence=1)
            for subscription in subscriptions
        ]
        return comparable, balances, self.refusals
