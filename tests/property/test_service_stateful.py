"""Random sequences of actions on a billing service, under every shipped offer.

Two services do the same actions. The second one retries each action on later days, and splits each
nightly run into shards. Both must end with the same books, in which every price is the one that
the price book gives for the account.
"""

from datetime import date, timedelta

import pytest
from hypothesis import settings, strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)
from tests.property.test_stateful import DIALLED_NUMBERS, TARIFFS, TESTED_OFFERS

from channelplans.calls import Call
from channelplans.errors import ChannelPlansError, TokenReused
from channelplans.money import EUR, Money
from channelplans.plans import Offer
from channelplans.storage.billing import Billing
from channelplans.storage.memory import MemoryStore
from channelplans.subscriptions.wallets import Reason, Wallet

pytestmark = pytest.mark.slow

SHARDS = 3
NOT_INVOICED = {Reason.DEPOSIT, Reason.BONUS, Reason.TRANSFER, Reason.EXPIRY}
LISTED, NEGOTIATED = TARIFFS["usual"], TARIFFS["cheap"]

accounts = st.sampled_from(["acme", "globex", "initech"])
profiles = st.sampled_from(["berlin", "paris"])
cents = st.sampled_from([100, 1_000, 20_000])


def price(account, offer, day):
    """Return the tariff of an account: one account has negotiated prices from a day on."""
    return NEGOTIATED if account == "globex" and day >= date(2026, 2, 10) else LISTED


def contents_of(store):
    """Return what a store contains, without its revisions, which need not be equal."""
    snapshot = store.snapshot()
    subscriptions = {key: stored.value for key, stored in snapshot.subscriptions.items()}
    return subscriptions, snapshot.balances, snapshot.postings


class ServiceMachine(RuleBasedStateMachine):
    """Three accounts on two services: a plain one, and one that retries and splits its runs."""

    offer: Offer

    def __init__(self):
        super().__init__()
        self.today = date(2026, 1, 29)
        self.names = 0
        self.stores = MemoryStore(), MemoryStore()
        self.plain, self.retrying = (Billing(store, prices=price) for store in self.stores)

    def next_name(self):
        """Return an identifier that was never used before."""
        self.names += 1
        return f"n-{self.names}"

    def act(self, act):
        """Do an action on both services, and on the second one again on a later day."""
        results = [self.answer_of(act, billing, 0) for billing in (self.plain, self.retrying)]
        assert results[0] == results[1]
        before = self.stores[1].snapshot()
        if not isinstance(results[0], tuple):
            for days_later in (0, 1, 40):
                assert results[0] == act(self.retrying, self.today + timedelta(days_later))
        assert before == self.stores[1].snapshot()

    def answer_of(self, act, billing, days_later):
        """Return the decision of an action, or the class and the text of its error."""
        try:
            return act(billing, self.today + timedelta(days_later))
        except ChannelPlansError as error:
            return type(error), str(error)

    @initialize(account=accounts)
    def open_account(self, account):
        """Pay in, so that the first purchases succeed."""
        self.deposit(account, None, 20_000)

    @rule(account=accounts, profile=st.one_of(st.none(), profiles), amount=cents)
    def deposit(self, account, profile, amount):
        """Pay into a wallet; the payment provider delivers its message again on later days."""
        wallet, name = Wallet(account, profile), self.next_name()
        money = Money(minor=amount, currency=EUR)
        self.act(lambda billing, on: billing.deposit(wallet, money, transfer=name, on=on))

    @rule(account=accounts, profile=profiles, channels=st.integers(1, 4), bundles=st.integers(0, 2))
    def buy(self, account, profile, channels, bundles):
        """Buy a plan, or the smallest one if the offer does not sell these numbers."""
        name, request = self.next_name(), self.next_name()
        channels = max(channels, self.offer.quantity.minimum)
        try:
            plan = self.offer.plan(channels=channels, bundles=bundles)
        except ChannelPlansError:
            plan = self.offer.plan(channels=channels)
        ids = {"account": account, "profile": profile, "subscription": name}
        self.act(lambda billing, on: billing.buy(plan, **ids, on=on, request=request))

    @rule(account=accounts, profile=profiles, channels=st.integers(1, 6))
    def change(self, account, profile, channels):
        """Change the number of channels, and keep the bundles."""
        request = self.next_name()
        channels = max(channels, self.offer.quantity.minimum)
        self.act(
            lambda billing, on: billing.change(
                account, profile, channels=channels, on=on, request=request
            )
        )

    @rule(
        account=accounts,
        profile=profiles,
        action=st.sampled_from(["cancel", "resume", "lapse", "terminate"]),
    )
    def change_status(self, account, profile, action):
        """Cancel, resume, terminate, or let a subscription lapse."""
        request = self.next_name()
        self.act(
            lambda billing, on: getattr(billing, action)(account, profile, on=on, request=request)
        )

    @rule(
        account=accounts,
        profile=profiles,
        dialled=st.sampled_from(DIALLED_NUMBERS),
        days_earlier=st.sampled_from([0, 0, 1, 5, 30]),
    )
    def record_call(self, account, profile, dialled, days_earlier):
        """Record a call, also a late one; the switch delivers the record again."""
        day = self.today - timedelta(days_earlier)
        duration = timedelta(minutes=10)
        call = Call(self.next_name(), dialled.number, dialled.destination, day, duration)
        self.act(lambda billing, on: billing.record_call(account, profile, call, on=on))

    @rule(account=accounts, profile=profiles, other=profiles)
    def use_a_request_twice(self, account, profile, other):
        """A key that was used for one action is refused for another, and nothing changes."""
        request = self.next_name()
        for billing in (self.plain, self.retrying):
            first = self.answer_of(
                lambda service, on: service.cancel(account, profile, on=on, request=request),
                billing,
                0,
            )
        if isinstance(first, tuple):
            return
        before = self.stores[0].snapshot()
        with pytest.raises(TokenReused):
            self.plain.terminate(account, other, on=self.today, request=request)
        assert before == self.stores[0].snapshot()

    @rule(days=st.sampled_from([1, 2, 7, 30, 45]))
    def run(self, days):
        """Let days go by, then renew: at once, or in shards in any order."""
        self.today += timedelta(days)
        outcomes = list(self.plain.run_due(on=self.today))
        sharded = [
            outcome
            for part in reversed(range(SHARDS))
            for outcome in self.retrying.run_due(on=self.today, shard=(part, SHARDS))
        ]
        assert sorted(map(str, outcomes)) == sorted(map(str, sharded))

    @invariant()
    def both_services_have_the_same_books(self):
        """Retries and shards change nothing."""
        assert contents_of(self.stores[0]) == contents_of(self.stores[1])

    @invariant()
    def balances_are_the_sums_of_the_postings(self):
        """No balance changes without a posting, and an invoice explains all charges."""
        snapshot = self.stores[0].snapshot()
        charged: dict[str, int] = {}
        for wallet, entries in snapshot.postings.items():
            postings = [entry.posting for entry in entries]
            assert snapshot.balances[wallet].minor == sum(p.amount.minor for p in postings)
            charged.setdefault(wallet.account, 0)
            charged[wallet.account] -= sum(
                p.amount.minor for p in postings if p.reason not in NOT_INVOICED
            )
        for account, minor in charged.items():
            tomorrow = self.today + timedelta(days=1)
            invoice = self.plain.invoice(account, since=date(2026, 1, 1), until=tomorrow)
            assert minor == invoice.total.minor

    @invariant()
    def each_term_has_the_price_of_its_account(self):
        """A running term was bought or renewed at the account's price of a day before its end."""
        for (account, _), stored in self.stores[0].snapshot().subscriptions.items():
            quote = stored.value.quote
            days = {quote.term.start, *(line.term.start for line in quote.lines)}
            assert quote.tariff in {price(account, quote.plan.offer, day) for day in days}

    @invariant()
    def no_term_is_charged_twice(self):
        """Each renewal of a subscription is booked once."""
        for entries in self.stores[0].snapshot().postings.values():
            renewals = [
                (entry.posting.reference, entry.posting.term)
                for entry in entries
                if entry.posting.reason is Reason.RENEWAL
            ]
            assert len(renewals) == len(set(renewals))


@pytest.mark.parametrize("name", sorted(TESTED_OFFERS))
def test_service_that_retries_and_splits_its_runs_has_the_same_books(name):
    """Under each offer, for any sequence of actions."""
    machine = type("ServiceMachine", (ServiceMachine,), {"offer": TESTED_OFFERS[name]})

    run_state_machine_as_test(machine, settings=settings(max_examples=4, stateful_step_count=25))
