"""Idempotency keys: the same request returns what was committed, on any later day."""

from datetime import timedelta

import attrs
import pytest

from channelplans.calls import Call
from channelplans.errors import Conflict, InvalidValue, TokenReused
from channelplans.money import EUR, Money
from channelplans.offers import SKYPE_CONNECT
from channelplans.storage.billing import Billing
from channelplans.storage.codec import decode, definitions_of, encode
from channelplans.storage.memory import MemoryStore
from channelplans.storage.ports import Preview
from channelplans.subscriptions.wallets import Wallet
from channelplans.testing.builders import DAY, TARIFF, make_tariff

ACME, BERLIN = Wallet("acme"), Wallet("acme", "berlin")
NEXT_DAY, MUCH_LATER = DAY + timedelta(days=1), DAY + timedelta(days=200)


def eur(amount):
    return Money.of(amount, EUR)


@pytest.fixture
def store():
    return MemoryStore()


@pytest.fixture
def billing(store):
    billing = Billing(store, prices=TARIFF)
    billing.deposit(ACME, eur("1000"), transfer="opening", on=DAY)
    return billing


def buy(billing, **changes):
    arguments = {"account": "acme", "profile": "berlin", "subscription": "s-1", "on": DAY}
    return billing.buy(SKYPE_CONNECT.plan(channels=5), **(arguments | changes))


ACTIONS = {
    "change": lambda billing, on, request: billing.change(
        "acme", "berlin", channels=9, on=on, request=request
    ),
    "cancel": lambda billing, on, request: billing.cancel("acme", "berlin", on=on, request=request),
    "terminate": lambda billing, on, request: billing.terminate(
        "acme", "berlin", on=on, request=request
    ),
}


@pytest.mark.parametrize("act", ACTIONS.values(), ids=ACTIONS)
@pytest.mark.parametrize("retry_day", [DAY, NEXT_DAY, MUCH_LATER], ids=str)
def test_same_request_returns_the_committed_decision_on_any_day(billing, store, act, retry_day):
    """A retry returns the first decision and commits nothing, not even a due renewal."""
    buy(billing)
    decision = act(billing, DAY, "form 17")
    before = store.snapshot()
    assert act(billing, retry_day, "form 17") == decision
    assert store.snapshot() == before


def test_same_purchase_request_returns_the_purchase(billing, store):
    """A web form that is sent twice buys once."""
    purchase = buy(billing, request="form 17")
    assert buy(billing, request="form 17", on=NEXT_DAY) == purchase
    assert store.decision("acme", purchase.token) == purchase
    assert billing.balance(ACME) == eur("960.25")  # 5 x 6.95 and 5.00 for set-up


def test_request_for_something_else_is_refused(billing, store):
    """The same key with another action, profile or argument raises TokenReused."""
    buy(billing, request="form 17")
    before = store.snapshot()
    for attempt in (
        lambda: buy(billing, request="form 17", subscription="s-2"),
        lambda: buy(billing, request="form 17", profile="munich"),
        lambda: buy(billing, request="form 17", start=NEXT_DAY),
        lambda: billing.cancel("acme", "berlin", on=DAY, request="form 17"),
        lambda: billing.preview.cancel("acme", "berlin", on=DAY, request="form 17"),
    ):
        with pytest.raises(TokenReused):
            attempt()
    assert store.snapshot() == before


def test_request_is_unique_within_its_account(billing):
    """Two accounts may use the same key for different things."""
    buy(billing, request="form 17")
    billing.deposit(Wallet("globex"), eur("1000"), transfer="opening", on=DAY)
    other = buy(billing, request="form 17", account="globex", subscription="s-2")
    assert other.after.account == "globex"


def test_request_names_requested_channels_not_only_granted_ones(billing):
    """105 channels are sold as 100, and still are another request than 100."""
    plan = SKYPE_CONNECT.plan(channels=105)
    arguments = {"account": "acme", "profile": "berlin", "subscription": "s-1", "on": DAY}
    billing.buy(plan, **arguments, request="form 17")
    with pytest.raises(TokenReused):
        billing.buy(SKYPE_CONNECT.plan(channels=100), **arguments, request="form 17")


def test_action_without_a_request_is_decided_again(billing):
    """Without a key, a second cancellation is refused as a second one."""
    buy(billing)
    billing.cancel("acme", "berlin", on=DAY)
    with pytest.raises(Exception, match="cancel is not possible while the subscription is cancel"):
        billing.cancel("acme", "berlin", on=DAY)


def test_request_key_has_at_most_255_characters(billing):
    """A longer key is refused before anything is committed."""
    with pytest.raises(InvalidValue, match="at most 255 characters"):
        buy(billing, request="x" * 256)
    assert buy(billing, request="x" * 255).request.key == "x" * 255


def test_deposit_that_is_delivered_after_midnight_returns_the_first_deposit(billing, store):
    """A payment webhook may be delivered again on the next day."""
    first = billing.deposit(ACME, eur("50"), transfer="p-1", on=DAY)
    before = store.snapshot()
    assert billing.deposit(ACME, eur("50"), transfer="p-1", on=NEXT_DAY) == first
    assert billing.preview.deposit(ACME, eur("50"), transfer="p-1", on=NEXT_DAY).transfer == first
    assert store.snapshot() == before
    for wallet, amount in ((ACME, "51"), (BERLIN, "50")):
        with pytest.raises(TokenReused):
            billing.deposit(wallet, eur(amount), transfer="p-1", on=NEXT_DAY)


def test_call_that_is_delivered_again_returns_the_first_decision(billing, store):
    """A call is recorded once; another call with its identifier is refused."""
    buy(billing)
    call = Call("c-1", "+4930123456", "DE", DAY, timedelta(minutes=3))
    first = billing.record_call("acme", "berlin", call, on=DAY)
    before = store.snapshot()
    assert billing.record_call("acme", "berlin", call, on=NEXT_DAY) == first
    longer = Call("c-1", "+4930123456", "DE", DAY, timedelta(minutes=4))
    with pytest.raises(TokenReused):
        billing.record_call("acme", "berlin", longer, on=DAY)
    assert store.snapshot() == before


def test_preview_is_carried_by_a_form_and_confirmed_once(billing, store):
    """H20: the warning is shown first, and the second confirmation commits exactly that preview."""
    buy(billing)
    preview = billing.preview.cancel("acme", "berlin", on=DAY, request="form 17")
    assert "not available from 2026-02-04" in str(preview)
    carried = decode(Preview, encode(preview), definitions=definitions_of(preview))
    assert carried == preview
    decision = billing.commit(carried)
    assert billing.commit(carried) == decision
    assert store.decision("acme", decision.token) == decision


def test_two_previews_with_one_request_commit_one_decision(billing):
    """Two open forms have one key: the second returns the decision that the first committed."""
    buy(billing)
    first = billing.preview.cancel("acme", "berlin", on=DAY, request="form 17")
    second = billing.preview.cancel("acme", "berlin", on=NEXT_DAY, request="form 17")
    decision = billing.commit(first)
    assert billing.commit(second) == decision


def test_stale_preview_without_a_request_conflicts(billing):
    """A preview without a key is refused if the subscription has changed since."""
    buy(billing)
    stale = billing.preview.cancel("acme", "berlin", on=DAY)
    billing.change("acme", "berlin", channels=6, on=DAY)
    with pytest.raises(Conflict):
        billing.commit(stale)


def test_request_with_prices_that_changed_returns_the_old_price(store):
    """A retry does not ask for prices again."""
    cheap = Billing(store, prices=TARIFF)
    cheap.deposit(ACME, eur("1000"), transfer="opening", on=DAY)
    purchase = buy(cheap, request="form 17")
    dear = Billing(store, prices=make_tariff(name="dear", channel="69"))
    assert buy(dear, request="form 17") == purchase


class RaceStore:
    """A store in which another worker commits the same deposit first, or does not keep it."""

    def __init__(self, store, *, keeps_it):
        self.store, self.keeps_it = store, keeps_it

    def __getattr__(self, name):
        return getattr(self.store, name)

    def commit(self, decision, /, *, expected):
        if self.keeps_it:
            moved = attrs.evolve(decision, on=NEXT_DAY)
            self.store.commit(moved, expected=expected)
            return self.store.commit(decision, expected=expected)
        raise TokenReused(decision.token)


def test_deposit_that_another_worker_commits_first_returns_that_deposit(store):
    """The webhook is delivered to two workers at once, on both sides of midnight."""
    billing = Billing(RaceStore(store, keeps_it=True), prices=TARIFF)
    first = billing.deposit(ACME, eur("50"), transfer="p-1", on=DAY)
    assert first.on == NEXT_DAY
    assert billing.balance(ACME) == eur("50")


def test_deposit_is_not_reported_if_the_store_does_not_have_it(store):
    """A token that is reused but not found is an error, and not a success."""
    billing = Billing(RaceStore(store, keeps_it=False), prices=TARIFF)
    with pytest.raises(TokenReused):
        billing.deposit(ACME, eur("50"), transfer="p-1", on=DAY)
    assert store.balance(ACME) is None
