"""Stores that are interrupted, services whose calls block, and an account to start with."""

import asyncio
from datetime import date, timedelta

import attrs

from channelplans.calendar import Days, Term
from channelplans.calls import Call
from channelplans.money import EUR, Money
from channelplans.offers import SKYPE_CONNECT
from channelplans.rules import ChangeEffect, ChangeRule, NonPaymentRule
from channelplans.storage.billing import Billing
from channelplans.storage.memory import MemoryStore
from channelplans.subscriptions.call_records import record_call
from channelplans.subscriptions.decisions import Decision
from channelplans.subscriptions.wallets import Wallet
from channelplans.tariffs import Tariff

PURCHASE_DAY, DAY, FEB_10 = date(2026, 1, 5), date(2026, 1, 15), date(2026, 2, 10)
FIRST_END, SECOND_END, THIRD_END = date(2026, 2, 4), date(2026, 3, 6), date(2026, 4, 5)
FIRST_TERM = Term(PURCHASE_DAY, FIRST_END)
SECOND_TERM = Term(FIRST_END, SECOND_END)
THIRD_TERM = Term(SECOND_END, THIRD_END)
TARIFF = Tariff("made up", EUR, "6.95", "10", "0.021", {"DE": "0.02"})
DEARER = Tariff("dearer", EUR, "7.50", "11", "0.03", {"DE": "0.05"})
PLAN = SKYPE_CONNECT.plan(channels=5)  # 5 x 6.95 = 34.75
BIGGER = SKYPE_CONNECT.plan(channels=10)  # 69.50
ACME, BERLIN = Wallet("acme"), Wallet("acme", "berlin")
WITH_GRACE = attrs.evolve(SKYPE_CONNECT, edition="grace", non_payment=NonPaymentRule(grace=Days(7)))
DROPS_BUNDLES = attrs.evolve(
    SKYPE_CONNECT, edition="drop", non_payment=NonPaymentRule(drops_bundles=True)
)
FEWER_AT_RENEWAL = attrs.evolve(
    SKYPE_CONNECT,
    edition="fewer at renewal",
    change=ChangeRule(cooldown=None, more=ChangeEffect.PRORATE, fewer=ChangeEffect.AT_RENEWAL),
)


def euros(amount):
    """Return an amount in euros."""
    return Money.of(amount, EUR)


def make_call(identifier="c-1", *, day=DAY, minutes=3, destination="DE"):
    """Return a call; the default call of 3 minutes to Germany costs 0.06."""
    return Call(identifier, "+49 30 5550100", destination, day, timedelta(minutes=minutes))


def raising(error):
    """Return a function that raises an error."""

    def fail():
        raise error

    return fail


class InterruptedStore(MemoryStore):
    """A store that records its method calls, and runs other code at chosen moments.

    ``interruptions`` maps a moment to an iterator of functions. Each time the moment comes, the
    store runs the next function. A moment is a method's name (just before the method runs) or
    "after commit"; "commit of berlin" is such a moment for one profile only. Calls that an
    interruption makes to the store are neither recorded nor interrupted. A page has at most
    ``page_size`` items.
    """

    def __init__(self):
        super().__init__()
        self.calls, self.interruptions, self.page_size = [], {}, 1000
        self._interrupting = False

    def _record(self, method, profile=None):
        if not self._interrupting:
            self.calls.append(method)
        self._interrupt(method, profile)

    def _interrupt(self, moment, profile):
        if self._interrupting:
            return
        self._interrupting = True
        try:
            for key in (moment, f"{moment} of {profile}"):
                interruption = next(self.interruptions.get(key, iter(())), None)
                if interruption is not None:
                    interruption()
        finally:
            self._interrupting = False

    def subscription(self, account, profile, /):
        """Record the call, then return the subscription."""
        self._record("subscription", profile)
        return super().subscription(account, profile)

    def balance(self, wallet, /, *, before=None):
        """Record the call, then return the balance."""
        self._record("balance")
        return super().balance(wallet, before=before)

    def decision(self, account, token, /):
        """Record the call, then return the decision."""
        self._record("decision")
        return super().decision(account, token)

    def commit(self, decision, /, *, expected):
        """Record the call, then commit; an interruption after it can hide that it succeeded."""
        profile = decision.after.profile if isinstance(decision, Decision) else None
        self._record("commit", profile)
        revision = super().commit(decision, expected=expected)
        self._interrupt("after commit", profile)
        return revision

    def postings(self, wallet, /, *, limit=1000, **arguments):
        """Return a page of at most ``page_size`` postings."""
        self._record("postings")
        return super().postings(wallet, limit=min(limit, self.page_size), **arguments)

    def due(self, on, /, *, account=None, limit=1000, **arguments):
        """Return a page of at most ``page_size`` profiles."""
        self._record("due" if account is None else "due of one account")
        limit = min(limit, self.page_size)
        return super().due(on, account=account, limit=limit, **arguments)


class AsyncStoreOver:
    """An asynchronous store over a synchronous one; each call first yields to the event loop."""

    def __init__(self, store):
        self._store = store

    def __getattr__(self, method):
        call_store = getattr(self._store, method)

        async def call_later(*arguments, **keywords):
            await asyncio.sleep(0)
            return call_store(*arguments, **keywords)

        return call_later


class BlockingBilling:
    """An asynchronous billing service, or its preview, whose calls block until they are done."""

    def __init__(self, billing, runner):
        self._billing, self._runner = billing, runner

    def __getattr__(self, action):
        start = getattr(self._billing, action)
        return lambda *arguments, **keywords: self._runner.run(start(*arguments, **keywords))

    @property
    def preview(self):
        """Return the preview, with calls that block."""
        return BlockingBilling(self._billing.preview, self._runner)

    def iter_due(self, **keywords):
        """Yield the outcomes; block until each outcome is there."""
        outcomes = self._billing.iter_due(**keywords)
        try:
            while True:
                yield self._runner.run(anext(outcomes))
        except StopAsyncIteration:
            return
        finally:
            self._runner.run(outcomes.aclose())


def open_account(store, *, credit="1000", plans=None, on=PURCHASE_DAY, prices=TARIFF):
    """Deposit credit in acme's wallet, buy a plan for each profile, and return the store."""
    billing = Billing(store, prices=prices)
    billing.deposit(ACME, euros(credit), transfer="opening", on=on)
    for profile, plan in (plans or {"berlin": PLAN}).items():
        billing.buy(plan, account="acme", profile=profile, subscription=f"s of {profile}", on=on)
    return store


def subscription_of(store, profile="berlin"):
    """Return the latest subscription of a profile of acme."""
    return store.subscription("acme", profile).value


def balance(store, wallet=ACME):
    """Return a wallet's balance as text."""
    return str(store.balance(wallet).amount)


def booked_postings(store, wallet=ACME):
    """Return a wallet's postings in the order of booking."""
    return [booked.posting for booked in store.snapshot().postings[wallet]]


def paid_terms(store, profile="berlin", wallet=ACME):
    """Return the terms that were paid for a profile, in the order of booking."""
    reference = f"s of {profile}"
    return [p.term for p in booked_postings(store, wallet) if p.reference == reference]


def record_call_directly(store, profile, call, *, on):
    """Record a call in the store without the billing service, so that nothing is renewed first."""
    stored = store.subscription("acme", profile)
    store.commit(record_call(stored.value, call, TARIFF, on=on), expected=stored.revision)


def profiles_and_actions(outcomes):
    """Return the profile and the action of each outcome; the action is None if nothing was done."""
    return [(outcome.profile, outcome.decision and outcome.decision.action) for outcome in outcomes]
