"""The billing service: it decides an action, commits it once, and charges the confirmed price.

Most tests run with both services. The asynchronous service is wrapped so that its calls block.
"""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime, timedelta
from decimal import Decimal
from itertools import count, islice, repeat
from types import MappingProxyType
from typing import Any

import attrs
import pytest

from channelplans.calendar import Days, Term
from channelplans.calls import Call
from channelplans.errors import (
    Conflict,
    InsufficientCredit,
    NotOffered,
    OutsideTerm,
    TokenReused,
    TransitionNotAllowed,
    UnknownEdition,
    WrongType,
)
from channelplans.money import EUR, USD, Money
from channelplans.offers import SKYPE_CONNECT
from channelplans.rules import ChangeEffect, ChangeRule, NonPaymentRule
from channelplans.storage.billing import AsyncBilling, Billing
from channelplans.storage.memory import MemoryStore
from channelplans.storage.ports import Preview, TransferPreview
from channelplans.subscriptions import actions, transfers
from channelplans.subscriptions.catalogue import Catalogue, Edition, Migration
from channelplans.subscriptions.decisions import Decision
from channelplans.subscriptions.subscription import Action, Status
from channelplans.subscriptions.wallets import Posting, Reason, Wallet
from channelplans.tariffs import Tariff

PURCHASE_DAY, DAY, FEB_10 = date(2026, 1, 5), date(2026, 1, 15), date(2026, 2, 10)
FIRST_END, SECOND_END, THIRD_END = date(2026, 2, 4), date(2026, 3, 6), date(2026, 4, 5)
FIRST_TERM = Term(PURCHASE_DAY, FIRST_END)
SECOND_TERM = Term(FIRST_END, SECOND_END)
THIRD_TERM = Term(SECOND_END, THIRD_END)
NOON = datetime(2026, 1, 15, 12)  # noqa: DTZ001 - any datetime is refused
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
    interruption makes to the store are neither recorded nor interrupted.
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

    def subscription(self, profile, /):
        """Record the call, then return the subscription."""
        self._record("subscription", profile)
        return super().subscription(profile)

    def committed(self, token, /):
        """Record the call, then return the revision."""
        self._record("committed")
        return super().committed(token)

    def commit(self, decision, /, *, expected):
        """Record the call, then commit; an interruption after it can hide that it succeeded."""
        profile = decision.after.profile if isinstance(decision, Decision) else None
        self._record("commit", profile)
        revision = super().commit(decision, expected=expected)
        self._interrupt("after commit", profile)
        return revision

    def due(self, on, /, *, cursor=None, limit=1000):
        """Return a page of at most ``page_size`` profiles."""
        self._record("due")
        return super().due(on, cursor=cursor, limit=min(limit, self.page_size))


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

    def run_due(self, *, on):
        """Yield the outcomes; block until each outcome is there."""
        outcomes = self._billing.run_due(on=on)
        try:
            while True:
                yield self._runner.run(anext(outcomes))
        except StopAsyncIteration:
            return
        finally:
            self._runner.run(outcomes.aclose())


@pytest.fixture(params=[Billing, AsyncBilling])
def make_billing(request):
    """Return a factory of one of the two billing services; its calls block."""
    if request.param is Billing:
        yield lambda store, prices=TARIFF: Billing(store, prices=prices)
        return
    with asyncio.Runner() as runner:
        yield lambda store, prices=TARIFF: BlockingBilling(
            AsyncBilling(AsyncStoreOver(store), prices=prices), runner
        )


@pytest.fixture
def store():
    """Return an empty store that records calls and can be interrupted."""
    return InterruptedStore()


@pytest.fixture
def billing(make_billing, store):
    """Return a billing service over the store, with the same tariff for everyone."""
    return make_billing(store)


def open_account(store, *, credit="1000", plans=None, on=PURCHASE_DAY, prices=TARIFF):
    """Deposit credit in acme's wallet, buy a plan for each profile, and return the store."""
    billing = Billing(store, prices=prices)
    billing.deposit(ACME, euros(credit), transfer="opening", on=on)
    for profile, plan in (plans or {"berlin": PLAN}).items():
        billing.buy(plan, account="acme", profile=profile, subscription=f"s of {profile}", on=on)
    return store


def subscription_of(store, profile="berlin"):
    """Return a profile's latest subscription."""
    return store.subscription(profile).value


def balance(store, wallet=ACME):
    """Return a wallet's balance as text."""
    return str(store.balance(wallet).amount)


def paid_terms(store, profile="berlin", wallet=ACME):
    """Return the terms that were paid for a profile, in the order of booking."""
    reference = f"s of {profile}"
    postings = (booked.posting for booked in store.postings(wallet))
    return [posting.term for posting in postings if posting.reference == reference]


def record_call_directly(store, profile, call, *, on):
    """Record a call in the store without the billing service, so that nothing is renewed first."""
    stored = store.subscription(profile)
    store.commit(actions.record_call(stored.value, call, TARIFF, on=on), expected=stored.revision)


def profiles_and_actions(outcomes):
    """Return the profile and the action of each outcome; the action is None if nothing was done."""
    return [(outcome.profile, outcome.decision and outcome.decision.action) for outcome in outcomes]


PURCHASE: dict[str, Any] = {
    "account": "acme",
    "profile": "berlin",
    "subscription": "s-2",
    "on": DAY,
}
TRANSFER: dict[str, Any] = {"transfer": "t-1", "on": DAY}
# The arguments of each action after the profile, and the decision that the action commits.
ACTIONS = [
    (
        "change",
        (BIGGER,),
        {},
        lambda subscription: actions.change(subscription, BIGGER, TARIFF, on=DAY),
    ),
    ("cancel", (), {}, lambda subscription: actions.cancel(subscription, on=DAY)),
    ("terminate", (), {}, lambda subscription: actions.terminate(subscription, on=DAY)),
    (
        "terminate",
        (),
        {"refund": False},
        lambda subscription: actions.terminate(subscription, on=DAY, refund=False),
    ),
]
EVERY_ACTION = pytest.mark.parametrize(
    ("action", "arguments", "keywords", "decide"), ACTIONS, ids=[action for action, *_ in ACTIONS]
)
# The arguments of each movement of credit, and the transfer that it commits.
MOVEMENTS = [
    (
        "deposit",
        (BERLIN, euros("5")),
        {"reason": Reason.BONUS},
        transfers.deposit(BERLIN, euros("5"), reason=Reason.BONUS, **TRANSFER),
    ),
    ("charge", (ACME, euros("5")), {}, transfers.charge(ACME, euros("5"), **TRANSFER)),
    (
        "charge",
        (BERLIN, euros("5")),
        {"reason": Reason.CALL},
        transfers.charge(BERLIN, euros("5"), reason=Reason.CALL, **TRANSFER),
    ),
    (
        "assign_credit",
        ("acme", "berlin", euros("5")),
        {},
        transfers.assign_credit("acme", "berlin", euros("5"), **TRANSFER),
    ),
    (
        "take_back_credit",
        ("acme", "berlin", euros("5")),
        {},
        transfers.take_back_credit("acme", "berlin", euros("5"), **TRANSFER),
    ),
    (
        "expire_credit",
        (ACME, euros("5")),
        {},
        transfers.expire_credit(ACME, euros("5"), **TRANSFER),
    ),
]
EVERY_MOVEMENT = pytest.mark.parametrize(
    ("action", "arguments", "keywords", "expected"),
    MOVEMENTS,
    ids=[action for action, *_ in MOVEMENTS],
)


def check_balances(store, before, deltas):
    """Check that each of the balances before has changed by its wallet's delta, or not at all."""
    for wallet, earlier_balance in before.items():
        assert earlier_balance + deltas.get(wallet, euros("0")) == store.balance(wallet)


@pytest.fixture
def berlin(store):
    """Buy a plan for berlin, assign 20.00 to berlin's wallet, and return the subscription."""
    open_account(store)
    Billing(store, prices=TARIFF).assign_credit(
        "acme", "berlin", euros("20"), transfer="assigned", on=PURCHASE_DAY
    )
    return subscription_of(store)


class TestActions:
    """Each action makes the decision of ``subscriptions.actions``, and commits it."""

    @EVERY_ACTION
    def test_action_commits_its_decision(
        self, billing, store, berlin, action, arguments, keywords, decide
    ):
        """An action returns its decision; the subscription and the balances change accordingly."""
        expected = decide(berlin)
        balances = {wallet: store.balance(wallet) for wallet in (ACME, BERLIN)}
        decision = getattr(billing, action)("berlin", *arguments, on=DAY, **keywords)

        assert expected == decision
        assert expected.after == subscription_of(store)
        check_balances(store, balances, expected.deltas)

    @EVERY_MOVEMENT
    def test_movement_of_credit_commits_its_transfer(
        self, billing, store, berlin, action, arguments, keywords, expected
    ):
        """A movement returns its transfer; only the balances change."""
        balances = {wallet: store.balance(wallet) for wallet in (ACME, BERLIN)}
        transfer = getattr(billing, action)(*arguments, **TRANSFER, **keywords)

        assert expected == transfer
        assert berlin == subscription_of(store)
        check_balances(store, balances, expected.deltas)

    @EVERY_ACTION
    def test_preview_decides_the_same_and_changes_nothing_until_committed(
        self, billing, store, berlin, action, arguments, keywords, decide
    ):
        """A preview shows the action's decision; committing the preview stores that decision."""
        before = store.snapshot()
        preview = getattr(billing.preview, action)("berlin", *arguments, on=DAY, **keywords)

        assert Preview(decide(berlin), store.subscription("berlin").revision) == preview
        assert str(preview.decision) == str(preview)
        assert preview.decision._repr_html_() == preview._repr_html_()
        assert before == store.snapshot()

        assert preview.decision == billing.commit(preview)
        assert decide(berlin).after == subscription_of(store)

    @EVERY_MOVEMENT
    def test_preview_of_a_movement_changes_nothing_until_committed(
        self, billing, store, berlin, action, arguments, keywords, expected
    ):
        """A preview shows the transfer; committing the preview books that transfer."""
        before = store.snapshot()
        balances = {wallet: store.balance(wallet) for wallet in (ACME, BERLIN)}
        preview = getattr(billing.preview, action)(*arguments, **TRANSFER, **keywords)

        assert TransferPreview(expected) == preview
        assert str(expected) == str(preview)
        assert expected._repr_html_() == preview._repr_html_()
        assert before == store.snapshot()

        assert expected == billing.commit(preview)
        assert berlin == subscription_of(store)
        check_balances(store, balances, expected.deltas)

    def test_resume_undoes_a_cancellation(self, billing, store, berlin):
        """resume() and its preview both decide on the stored cancelled subscription."""
        cancelled = billing.cancel("berlin", on=DAY).after
        expected = actions.resume(cancelled, on=DAY)

        assert expected == billing.preview.resume("berlin", on=DAY).decision
        assert expected == billing.resume("berlin", on=DAY)
        assert Status.ACTIVE is subscription_of(store).status

    def test_first_purchase_expects_no_revision(self, billing, store):
        """The preview of a profile's first purchase has no revision; 50.00 - 34.75 = 15.25."""
        billing.deposit(ACME, euros("50"), transfer="p", on=PURCHASE_DAY)
        preview = billing.preview.buy(PLAN, **PURCHASE)

        assert preview.revision is None
        assert actions.buy(PLAN, TARIFF, **PURCHASE) == preview.decision
        assert preview.decision == billing.buy(PLAN, **PURCHASE)
        assert "15.25" == balance(store)

    def test_purchase_can_be_aligned_to_another_subscription(self, billing, store, berlin):
        """The first term of munich ends when that of berlin does, and costs only its days."""
        purchase = {**PURCHASE, "profile": "munich", "subscription": "s-9", "on": DAY}
        expected = actions.buy(PLAN, TARIFF, align_to=berlin.term.end, **purchase)
        decision = billing.buy(PLAN, align_to=berlin.term.end, **purchase)

        assert expected == decision
        assert berlin.term.end == decision.after.term.end
        assert DAY == decision.after.term.start

    def test_purchase_uses_the_previous_subscription(self, billing, store, berlin):
        """Ending and buying again does not reset the limit of one change a day (H15)."""
        billing.change("berlin", BIGGER, on=DAY)
        ended = billing.terminate("berlin", on=DAY).after
        purchase = billing.buy(PLAN, **PURCHASE)

        assert actions.buy(PLAN, TARIFF, previous=ended, **PURCHASE) == purchase
        assert DAY == purchase.after.last_changed_on

    @pytest.mark.parametrize(
        ("action", "arguments"),
        [
            ("change", (PLAN,)),
            ("cancel", ()),
            ("resume", ()),
            ("terminate", ()),
            ("record_call", (make_call(),)),
        ],
    )
    def test_action_on_a_profile_without_a_subscription_is_refused(
        self, billing, action, arguments
    ):
        """The error says that the only possible action is to buy."""
        with pytest.raises(TransitionNotAllowed) as refusal:
            getattr(billing, action)("berlin", *arguments, on=DAY)

        name = action.replace("_", " ")
        message = f"{name} is not possible while the subscription is not bought yet; possible: buy"
        assert message == str(refusal.value)

    def test_purchase_without_enough_credit_is_refused(self, billing, store):
        """If the wallet cannot pay, the purchase fails and the profile gets no subscription."""
        billing.deposit(ACME, euros("30"), transfer="p", on=PURCHASE_DAY)
        with pytest.raises(InsufficientCredit, match=r"; 4\.75 EUR is missing$"):
            billing.buy(PLAN, **PURCHASE)

        assert None is store.subscription("berlin")

    def test_repeated_transfer_is_booked_once(self, billing, store):
        """Repeating a transfer changes nothing; reusing its identifier for 6.00 is refused."""
        for _ in range(2):
            billing.deposit(ACME, euros("5"), **TRANSFER)
        with pytest.raises(TokenReused):
            billing.deposit(ACME, euros("6"), **TRANSFER)

        assert "5.00" == balance(store)

    @pytest.mark.parametrize(
        ("action", "arguments", "keywords", "parameter"),
        [
            ("buy", ("5",), PURCHASE, "plan"),
            ("buy", (PLAN,), {**PURCHASE, "on": NOON}, "on"),
            ("change", ("berlin", "5"), {"on": DAY}, "plan"),
            ("change", ("berlin", BIGGER), {"on": NOON}, "on"),
            ("cancel", (7,), {"on": DAY}, "profile"),
            ("cancel", ("berlin",), {"on": "today"}, "on"),
            ("record_call", ("berlin", "c-1"), {"on": DAY}, "call"),
            ("record_call", ("berlin", make_call()), {"on": NOON}, "on"),
            ("deposit", ("acme", euros("5")), TRANSFER, "wallet"),
            ("statement", ("acme",), {}, "wallet"),
            ("statement", (ACME,), {"since": NOON}, "since"),
            ("statement", (ACME,), {"until": "today"}, "until"),
            ("commit", ("all",), {}, "preview"),
        ],
    )
    def test_action_names_the_argument_of_a_wrong_type(
        self, billing, berlin, action, arguments, keywords, parameter
    ):
        """The error names the parameter whose argument has the wrong type."""
        with pytest.raises(WrongType, match=f"^{parameter} must be "):
            getattr(billing, action)(*arguments, **keywords)

    @pytest.mark.parametrize(
        ("billing_class", "make_store"),
        [(Billing, MemoryStore), (AsyncBilling, lambda: AsyncStoreOver(MemoryStore()))],
    )
    def test_constructor_refuses_an_amount_as_prices(self, billing_class, make_store):
        """One amount does not say what a channel, a bundle and a minute cost."""
        with pytest.raises(WrongType, match=r"^prices must be a Tariff, a Catalogue, a price book"):
            billing_class(make_store(), prices=euros("6.95"))

    def test_constructor_refuses_an_asynchronous_store(self):
        """Its commits would be coroutines that never run, and so be reported without effect."""
        with pytest.raises(WrongType, match=r"^store must be a synchronous store; AsyncBilling wo"):
            Billing(AsyncStoreOver(MemoryStore()), prices=TARIFF)

    def test_asynchronous_service_refuses_a_synchronous_store(self):
        """Its commit would store a deposit before the missing coroutine is noticed."""
        with pytest.raises(WrongType, match=r"^store must be an asynchronous store \(async def\)"):
            AsyncBilling(MemoryStore(), prices=TARIFF)  # type: ignore[arg-type]

    @pytest.mark.parametrize("billing_class", [Billing, AsyncBilling])
    def test_constructor_refuses_the_class_of_a_store(self, billing_class):
        """The error shows the class and how to make a store of it."""
        with pytest.raises(WrongType) as refusal:
            billing_class(MemoryStore, prices=TARIFF)

        assert "store" == refusal.value.parameter
        assert "a store, such as MemoryStore()" == refusal.value.expected
        assert refusal.value.value.endswith("MemoryStore'> (type)")

    def test_action_raises_the_error_of_the_store(self, billing, store, berlin):
        """A failure of the store itself is raised without a retry."""
        store.interruptions["commit"] = iter([raising(OSError("no space left"))])
        with pytest.raises(OSError, match="no space left"):
            billing.cancel("berlin", on=DAY)

        assert Status.ACTIVE is subscription_of(store).status

    def test_stop_iteration_from_the_store_becomes_runtime_error(self, billing, store, berlin):
        """StopIteration ends a coroutine, so it must not be mistaken for a returned decision."""
        store.interruptions["commit"] = iter([raising(StopIteration("preview"))])
        with pytest.raises(RuntimeError, match="StopIteration"):
            billing.cancel("berlin", on=DAY)


class TestCommit:
    """commit() stores exactly the decision that was previewed, or raises."""

    def test_commit_of_the_same_preview_twice_charges_once(self, billing, store, berlin):
        """The second commit returns the same decision and changes nothing."""
        preview = billing.preview.change("berlin", BIGGER, on=DAY)
        billing.commit(preview)
        after = store.snapshot()

        assert preview.decision == billing.commit(preview)
        assert after == store.snapshot()

    def test_commit_of_the_same_transfer_twice_books_it_once(self, billing, store, berlin):
        """A transfer has no revision to compare, but its preview is still booked only once."""
        preview = billing.preview.take_back_credit("acme", "berlin", euros("5"), **TRANSFER)
        billing.commit(preview)
        billing.commit(preview)

        assert "15.00" == balance(store, BERLIN)

    def test_commit_refuses_a_stale_preview(self, billing, store, berlin):
        """If a call was recorded after the preview, the confirmed change is a conflict."""
        preview = billing.preview.change("berlin", BIGGER, on=DAY)
        Billing(store, prices=TARIFF).record_call("berlin", make_call(), on=DAY)
        before = store.snapshot()
        with pytest.raises(Conflict, match=r"profile 'berlin' .* confirm again"):
            billing.commit(preview)

        assert before == store.snapshot()

    def test_action_is_not_decided_again_after_a_conflict(self, billing, store, berlin):
        """If another worker commits first, change() raises; a person has to look again."""
        other_worker = Billing(store, prices=TARIFF)
        store.interruptions["commit"] = iter(
            [lambda: other_worker.record_call("berlin", make_call(), on=DAY)]
        )
        with pytest.raises(Conflict):
            billing.change("berlin", BIGGER, on=DAY)

        assert PLAN == subscription_of(store).plan
        # The deposit, the purchase, the assigned credit and one attempt of the change.
        assert 4 == store.calls.count("commit")

    def test_only_one_of_two_previewed_purchases_can_be_committed(self, billing, store):
        """Both previews expect no subscription, so the second commit is a conflict."""
        billing.deposit(ACME, euros("500"), transfer="p", on=PURCHASE_DAY)
        smaller = billing.preview.buy(PLAN, **PURCHASE)
        larger = billing.preview.buy(BIGGER, **{**PURCHASE, "subscription": "s-3"})
        billing.commit(larger)
        with pytest.raises(Conflict, match="for revision none"):
            billing.commit(smaller)

        assert BIGGER == subscription_of(store).plan
        assert "430.50" == balance(store)

    def test_preview_refused_for_lack_of_credit_can_be_committed_after_a_deposit(
        self, billing, store
    ):
        """Missing credit does not invalidate a preview."""
        open_account(store, credit="50")
        preview = billing.preview.change("berlin", BIGGER, on=DAY)
        with pytest.raises(InsufficientCredit):
            billing.commit(preview)
        billing.deposit(ACME, euros("40"), transfer="more", on=DAY)
        billing.commit(preview)

        # 50.00 - 34.75 + 40.00 + 23.17 - 69.50; the refund is 20 of 30 days of 34.75.
        assert "8.92" == balance(store)


class TestRecordCall:
    """A call is recorded once, even if it is delivered repeatedly or by several workers."""

    def test_call_is_charged_to_the_profile(self, billing, store, berlin):
        """Three minutes at 0.02 are charged to the profile's 20.00."""
        decision = billing.record_call("berlin", make_call(), on=DAY)

        assert actions.record_call(berlin, make_call(), TARIFF, on=DAY) == decision
        assert "19.94" == balance(store, BERLIN)

    def test_repeated_delivery_returns_none(self, billing, store, berlin):
        """The second delivery of a call returns None and charges nothing."""
        billing.record_call("berlin", make_call(), on=DAY)

        assert None is billing.record_call("berlin", make_call(), on=DAY)
        assert "19.94" == balance(store, BERLIN)

    def test_repeated_delivery_after_the_renewal_returns_none(self, billing, store, berlin):
        """A recorded call returns None even if its term has ended; a new call is refused."""
        billing.record_call("berlin", make_call(), on=DAY)
        list(billing.run_due(on=FIRST_END))

        assert None is billing.record_call("berlin", make_call(), on=FIRST_END)
        with pytest.raises(OutsideTerm):
            billing.record_call("berlin", make_call("c-2"), on=FIRST_END)

    @pytest.mark.parametrize("moment", ["subscription", "committed", "commit"])
    def test_call_recorded_by_two_workers_is_charged_once(self, billing, store, berlin, moment):
        """Another worker records the same call just before a step: it is charged once."""
        other_worker = Billing(store, prices=TARIFF)
        store.interruptions[moment] = iter(
            [lambda: other_worker.record_call("berlin", make_call(), on=DAY)]
        )
        billing.record_call("berlin", make_call(), on=DAY)

        assert "19.94" == balance(store, BERLIN)
        assert berlin.sequence + 1 == subscription_of(store).sequence

    @pytest.mark.parametrize("moment", ["subscription", "committed", "commit"])
    def test_call_recorded_by_another_worker_that_also_renews_returns_none(
        self, billing, store, berlin, moment
    ):
        """Another worker records the call and renews the term just before a step: no error."""
        other_worker = Billing(store, prices=TARIFF)

        def record_and_renew():
            other_worker.record_call("berlin", make_call(), on=DAY)
            list(other_worker.run_due(on=FIRST_END))

        store.interruptions[moment] = iter([record_and_renew])

        assert None is billing.record_call("berlin", make_call(), on=FIRST_END - timedelta(days=1))
        assert "19.94" == balance(store, BERLIN)

    def test_call_recorded_for_another_profile_is_not_charged_again(self, billing, store, berlin):
        """Call identifiers are unique in the store: munich pays the call, so berlin does not."""
        munich = Wallet("acme", "munich")
        other_worker = Billing(store, prices=TARIFF)
        other_worker.buy(PLAN, **{**PURCHASE, "profile": "munich"})
        other_worker.deposit(munich, euros("1"), transfer="m", on=DAY)
        store.interruptions["commit"] = iter(
            [lambda: other_worker.record_call("munich", make_call(), on=DAY)]
        )

        assert None is billing.record_call("berlin", make_call(), on=DAY)
        assert "20.00" == balance(store, BERLIN)
        assert "0.94" == balance(store, munich)

    def test_call_is_decided_again_after_a_conflict(self, billing, store, berlin):
        """Other calls win the first two attempts; the third attempt uses the latest state."""
        other_worker = Billing(store, prices=TARIFF)
        numbers = count()

        def record_other_call():
            other_worker.record_call("berlin", make_call(f"other-{next(numbers)}"), on=DAY)

        store.interruptions["commit"] = repeat(record_other_call, 2)
        decision = billing.record_call("berlin", make_call(), on=DAY)

        assert decision.after == subscription_of(store)
        assert berlin.sequence + 3 == decision.after.sequence
        assert "19.82" == balance(store, BERLIN)

    def test_call_raises_conflict_after_a_limited_number_of_attempts(self, billing, store, berlin):
        """If another call always commits first, the last attempt raises Conflict."""
        other_worker = Billing(store, prices=TARIFF)
        billing.deposit(BERLIN, euros("90"), transfer="b", on=DAY)
        numbers = count()

        def record_other_call():
            other_worker.record_call("berlin", make_call(f"other-{next(numbers)}"), on=DAY)

        store.interruptions["commit"] = repeat(record_other_call)
        store.calls.clear()
        with pytest.raises(Conflict):
            billing.record_call("berlin", make_call(), on=DAY)

        assert 1 < store.calls.count("commit") == next(numbers) < 100

    def test_call_without_credit_can_be_recorded_after_a_deposit(self, billing, store):
        """A call that the wallet cannot pay is refused; it is recorded when delivered again."""
        open_account(store)
        with pytest.raises(InsufficientCredit, match=r"^profile 'berlin' .* 0\.06 EUR is missing$"):
            billing.record_call("berlin", make_call(), on=DAY)
        billing.deposit(BERLIN, euros("1"), transfer="b", on=DAY)
        (charge,) = billing.record_call("berlin", make_call(), on=DAY).postings

        assert make_call().id == charge.reference


class TestDueTermFirst:
    """An action on or after the end of a term first renews or ends that term."""

    def test_change_first_renews(self, billing, store, berlin):
        """The second term is charged, and then refunded in full by a change on its first day."""
        billing.change("berlin", BIGGER, on=FIRST_END)

        assert BIGGER == subscription_of(store).plan
        # 1,000.00 - 20.00 for berlin - 34.75 for the first term - 34.75 + 34.75 - 69.50.
        assert "875.75" == balance(store)

    def test_cancellation_first_renews(self, billing, store, berlin):
        """On the first day after a term, the next term is charged and then cancelled."""
        billing.cancel("berlin", on=FIRST_END)
        subscription = subscription_of(store)

        assert (Status.CANCELLED, SECOND_TERM) == (subscription.status, subscription.term)
        assert [FIRST_TERM, SECOND_TERM] == paid_terms(store)

    def test_call_first_renews_all_missed_terms(self, billing, store, berlin):
        """Two missed renewals are made before the call is recorded in the third term."""
        billing.record_call("berlin", make_call(day=SECOND_END), on=SECOND_END)

        assert [FIRST_TERM, SECOND_TERM, THIRD_TERM] == paid_terms(store)
        assert "19.94" == balance(store, BERLIN)

    def test_purchase_first_lets_an_unpaid_subscription_lapse(self, billing, store):
        """The old plan is not renewed, so a smaller one can be bought: 44.75 - 34.75 - 6.95."""
        open_account(store, credit="44.75")
        billing.buy(SKYPE_CONNECT.plan(channels=1), **{**PURCHASE, "on": FIRST_END})
        subscription = subscription_of(store)

        assert ("s-2", Status.ACTIVE) == (subscription.id, subscription.status)
        assert "3.05" == balance(store)

    @pytest.mark.parametrize(
        "action",
        [
            lambda billing: billing.cancel("berlin", on=FIRST_END),
            lambda billing: billing.change("berlin", BIGGER, on=FIRST_END),
            lambda billing: billing.terminate("berlin", on=FIRST_END),
            lambda billing: billing.buy(PLAN, **{**PURCHASE, "on": FIRST_END}),
        ],
        ids=["cancel", "change", "terminate", "buy"],
    )
    def test_action_in_a_grace_period_is_refused_until_the_renewal_is_paid(
        self, billing, store, action
    ):
        """The error states how much credit the renewal needs, and nothing changes."""
        open_account(store, credit="34.75", plans={"berlin": WITH_GRACE.plan(channels=5)})
        before = store.snapshot()
        with pytest.raises(InsufficientCredit, match=r"34\.75 EUR is missing"):
            action(billing)

        assert before == store.snapshot()

    def test_call_in_a_grace_period_is_recorded_without_a_renewal(self, billing, store):
        """The profile pays three minutes at 0.02 while the renewal waits for credit."""
        open_account(store, credit="35.75", plans={"berlin": WITH_GRACE.plan(channels=5)})
        billing.assign_credit("acme", "berlin", euros("1"), transfer="b", on=DAY)
        billing.record_call("berlin", make_call(day=FIRST_END), on=FIRST_END)

        assert "0.94" == balance(store, BERLIN)
        assert FIRST_TERM == subscription_of(store).term

    def test_late_call_of_the_ended_term_uses_its_minutes(self, billing, store):
        """A call of the ended term is recorded before the renewal, which would end its minutes."""
        open_account(store, plans={"berlin": WITH_GRACE.plan(channels=1, bundles=1)})
        late_call = make_call(day=FIRST_END - timedelta(days=1), destination="US")
        billing.record_call("berlin", late_call, on=FIRST_END)
        subscription = subscription_of(store)

        assert FIRST_TERM == subscription.term
        assert timedelta(minutes=3) == subscription.allowance.used

    def test_action_raises_the_error_of_a_failed_renewal(self, make_billing, store):
        """If the renewal has no price, the action raises that error and changes nothing."""
        before = open_account(store).snapshot()

        def find_no_tariff(_account, _offer, day):
            raise LookupError(f"no prices for {day}")

        with pytest.raises(LookupError, match="no prices for 2026-02-04"):
            make_billing(store, find_no_tariff).cancel("berlin", on=FIRST_END)
        assert before == store.snapshot()

    def test_preview_does_not_renew_first(self, billing, store, berlin):
        """A preview changes nothing; its error says which action must come first."""
        before = store.snapshot()
        with pytest.raises(OutsideTerm, match="first renew or lapse the term that ended"):
            billing.preview.cancel("berlin", on=FIRST_END)

        assert before == store.snapshot()


class TestStatement:
    """A statement lists a wallet's postings between an opening and a closing balance."""

    @pytest.fixture(autouse=True)
    def history(self, store):
        """Deposit 100.00 and charge 34.75 on 5 January, deposit 10.00 on the 15th, and renew."""
        open_account(store, credit="100")
        billing = Billing(store, prices=TARIFF)
        billing.deposit(ACME, euros("10"), transfer="second", on=DAY)
        list(billing.run_due(on=FIRST_END))

    @pytest.mark.parametrize(
        ("since", "until", "opening", "amounts", "closing"),
        [
            (None, None, "0.00", ["100.00", "-34.75", "10.00", "-34.75"], "40.50"),
            (DAY, None, "65.25", ["10.00", "-34.75"], "40.50"),
            (None, FIRST_END, "0.00", ["100.00", "-34.75", "10.00"], "75.25"),
            (DAY, FIRST_END, "65.25", ["10.00"], "75.25"),
            (date(2026, 1, 16), FIRST_END, "75.25", [], "75.25"),
            (date(2027, 1, 1), None, "40.50", [], "40.50"),
            (None, PURCHASE_DAY, "0.00", [], "0.00"),
        ],
    )
    def test_statement_covers_the_days_from_since_to_before_until(
        self, billing, since, until, opening, amounts, closing
    ):
        """The opening balance comes from days before ``since``; ``until`` itself is excluded."""
        statement = billing.statement(ACME, since=since, until=until)

        assert (opening, closing) == (str(statement.opening.amount), str(statement.closing.amount))
        assert amounts == [str(posting.amount.amount) for posting in statement.postings]

    def test_statement_of_an_unused_wallet_is_none(self, billing):
        """A wallet without postings has no statement, because its currency is unknown."""
        assert None is billing.statement(BERLIN)

    def test_statement_opens_in_the_currency_of_the_wallet(self, billing):
        """Before the first posting of a wallet in dollars, its opening balance is 0.00 USD."""
        wallet = Wallet("usa")
        billing.deposit(wallet, Money.of("3", USD), transfer="u", on=DAY)

        assert Money(minor=0, currency=USD) == billing.statement(wallet, until=DAY).opening


def two_editions(*, migration=Migration.AT_RENEWAL, offer=SKYPE_CONNECT, start=date(2026, 2, 1)):
    """Return a catalogue: Skype Connect at 6.95 a channel, and from a day an offer at 7.50."""
    first = Edition(SKYPE_CONNECT, TARIFF, date(2025, 1, 1), start)
    return Catalogue((first, Edition(offer, DEARER, start, migration=migration)))


def billing_by_catalogue(make_billing, store, catalogue, **opening):
    """Return a billing service that uses a catalogue; berlin bought by it on 5 January."""
    open_account(store, prices=catalogue, **opening)
    return make_billing(store, catalogue)


class TestPrices:
    """Which tariff applies to a purchase, a change, a call and a renewal."""

    def test_tariff_function_gets_the_account_the_offer_and_the_day(self, make_billing, store):
        """A purchase passes its day, a renewal the new term's first day.

        A prorated change and a call keep the tariff of the running term, so neither calls the
        function.
        """
        requests = []

        def find_tariff(account, offer, day):
            requests.append((account, offer, day))
            return TARIFF

        billing = make_billing(store, find_tariff)
        billing.deposit(ACME, euros("500"), transfer="p", on=PURCHASE_DAY)
        billing.deposit(BERLIN, euros("1"), transfer="b", on=PURCHASE_DAY)
        billing.buy(FEWER_AT_RENEWAL.plan(channels=5), **{**PURCHASE, "on": PURCHASE_DAY})
        billing.change("berlin", FEWER_AT_RENEWAL.plan(channels=6), on=DAY)
        billing.record_call("berlin", make_call(day=date(2026, 1, 20)), on=date(2026, 1, 31))
        list(billing.run_due(on=date(2026, 2, 20)))

        days = [PURCHASE_DAY, FIRST_END]
        assert [("acme", FEWER_AT_RENEWAL, day) for day in days] == requests

    def test_change_to_another_offer_uses_the_tariff_of_that_offer(self, make_billing, store):
        """The new offer costs 7.50 a channel, so 10 channels cost 75.00."""

        def find_tariff(_account, offer, _day):
            return TARIFF if offer == SKYPE_CONNECT else DEARER

        billing = make_billing(open_account(store), find_tariff)
        decision = billing.change("berlin", WITH_GRACE.plan(channels=10), on=DAY)

        assert "75.00" == str(decision.after.quote.total.amount)

    def test_renewal_charges_the_pending_plan(self, make_billing, store):
        """A reduction to 3 channels waits for the renewal, which charges 3 x 6.95 = 20.85."""
        open_account(store, plans={"berlin": FEWER_AT_RENEWAL.plan(channels=5)})
        billing = make_billing(store)
        billing.change("berlin", FEWER_AT_RENEWAL.plan(channels=3), on=DAY)
        (outcome,) = billing.run_due(on=FIRST_END)
        (posting,) = outcome.decision.postings

        assert 3 == outcome.decision.after.plan.channels
        assert "-20.85" == str(posting.amount.amount)

    def test_purchase_uses_the_edition_of_its_day(self, make_billing, store):
        """A channel costs 6.95 before 1 February and 7.50 from that day on."""
        billing = billing_by_catalogue(make_billing, store, two_editions())
        purchase = billing.buy(PLAN, **{**PURCHASE, "profile": "paris", "on": FEB_10})

        assert "34.75" == str(subscription_of(store).quote.total.amount)
        assert "37.50" == str(purchase.after.quote.total.amount)

    def test_purchase_of_an_offer_not_sold_on_the_day_is_refused(self, make_billing, store):
        """The error names the offer and the tariff that are sold on that day."""
        billing = billing_by_catalogue(make_billing, store, two_editions(offer=WITH_GRACE))
        message = (
            "no sale on 2026-02-10; sold on that day: 'Skype Connect (grace)', tariff 'dearer'"
        )
        with pytest.raises(NotOffered) as refusal:
            billing.buy(PLAN, **{**PURCHASE, "profile": "paris", "on": FEB_10})

        assert message in str(refusal.value)

    def test_pinned_subscription_keeps_its_tariff(self, make_billing, store):
        """Renewal, call and change all use the old tariff, although a new edition is in force."""
        catalogue = two_editions(migration=Migration.PINNED)
        billing = billing_by_catalogue(make_billing, store, catalogue)
        billing.deposit(BERLIN, euros("1"), transfer="b", on=FIRST_END)
        (renewal,) = billing.run_due(on=FIRST_END)
        call = billing.record_call("berlin", make_call(day=FEB_10), on=FEB_10)
        change = billing.change("berlin", BIGGER, on=FEB_10)
        (renewal_charge,) = renewal.decision.postings
        (call_charge,) = call.postings
        _, change_charge = change.postings

        assert "-34.75" == str(renewal_charge.amount.amount)
        assert "-0.06" == str(call_charge.amount.amount)
        assert "-69.50" == str(change_charge.amount.amount)

    def test_restart_uses_the_edition_in_force_on_its_day(self, make_billing, store):
        """A restart on 10 January uses the old edition; a restart on 6 February uses the new one.

        A call between the two uses the tariff of the running term.
        """
        billing = billing_by_catalogue(make_billing, store, two_editions())
        change_in_january = billing.change("berlin", BIGGER, on=date(2026, 1, 10))
        billing.deposit(BERLIN, euros("1"), transfer="b", on=FIRST_END)
        call = billing.record_call("berlin", make_call(day=date(2026, 2, 5)), on=date(2026, 2, 5))
        change_in_february = billing.change("berlin", PLAN, on=date(2026, 2, 6))
        _, january_charge = change_in_january.postings
        (call_charge,) = call.postings
        _, february_charge = change_in_february.postings

        assert "-69.50" == str(january_charge.amount.amount)
        assert "-0.06" == str(call_charge.amount.amount)
        assert "-37.50" == str(february_charge.amount.amount)

    @pytest.mark.parametrize("has_next", [True, False], ids=["next edition", "no next edition"])
    def test_change_without_a_restart_needs_no_edition(self, make_billing, store, has_next):
        """More channels use the running term's tariff, even if no edition is in force on the day.

        5 x 6.95 for 2 of 30 days are 2.3167. A reduction at the renewal is accepted as well.
        """
        next_start = date(2026, 2, 1)
        first = Edition(FEWER_AT_RENEWAL, TARIFF, date(2025, 1, 1), next_start)
        next_edition = Edition(SKYPE_CONNECT, DEARER, next_start)
        catalogue = Catalogue((first, next_edition) if has_next else (first,))
        plans = {"berlin": FEWER_AT_RENEWAL.plan(channels=5)}
        billing = billing_by_catalogue(make_billing, store, catalogue, plans=plans)
        increase = billing.change("berlin", FEWER_AT_RENEWAL.plan(channels=10), on=date(2026, 2, 2))
        billing.change("berlin", FEWER_AT_RENEWAL.plan(channels=4), on=date(2026, 2, 3))

        assert ["-2.32"] == [str(posting.amount.amount) for posting in increase.postings]
        assert 4 == subscription_of(store).pending.channels

    def test_restart_under_a_replaced_offer_is_refused(self, make_billing, store):
        """A restart on or after the new edition's first day needs a plan of the new offer."""
        billing = billing_by_catalogue(make_billing, store, two_editions(offer=WITH_GRACE))
        with pytest.raises(NotOffered, match="sold on that day: 'Skype Connect \\(grace\\)'"):
            billing.change("berlin", BIGGER, on=date(2026, 2, 2))

        change = billing.change("berlin", WITH_GRACE.plan(channels=10), on=date(2026, 2, 2))
        assert "75.00" == str(change.after.quote.total.amount)

    def test_pinned_subscription_can_change_to_the_offer_of_the_day(self, make_billing, store):
        """A change to the offer that is sold on the day uses the tariff of the day."""
        catalogue = two_editions(migration=Migration.PINNED, offer=WITH_GRACE)
        billing = billing_by_catalogue(make_billing, store, catalogue)
        list(billing.run_due(on=FIRST_END))
        change = billing.change("berlin", WITH_GRACE.plan(channels=10), on=FEB_10)
        _, charge = change.postings

        assert "-75.00" == str(charge.amount.amount)
        assert WITH_GRACE == subscription_of(store).plan.offer

    def test_renewal_moves_to_the_next_edition(self, make_billing, store):
        """The renewal takes offer and tariff of the next edition, and keeps the channels."""
        billing = billing_by_catalogue(make_billing, store, two_editions(offer=WITH_GRACE))
        (outcome,) = billing.run_due(on=FIRST_END)
        (posting,) = outcome.decision.postings
        subscription = subscription_of(store)

        assert WITH_GRACE.plan(channels=5) == subscription.plan
        assert DEARER == subscription.quote.tariff
        assert "-37.50" == str(posting.amount.amount)

    def test_renewal_uses_the_edition_of_the_first_day_of_the_new_term(self, make_billing, store):
        """A late renewal from 4 February ignores an edition that starts on 10 February."""
        billing = billing_by_catalogue(make_billing, store, two_editions(start=FEB_10))
        list(billing.run_due(on=SECOND_END))
        amounts = [str(booked.posting.amount.amount) for booked in store.postings(ACME)]

        assert ["1000.00", "-34.75", "-34.75", "-37.50"] == amounts

    def test_renewals_move_from_the_announced_day_on(self, make_billing, store):
        """If holders move on 1 March, the renewal of 4 February keeps the old tariff."""
        catalogue = two_editions(migration=date(2026, 3, 1))
        billing = billing_by_catalogue(make_billing, store, catalogue)
        outcomes = [*billing.run_due(on=FIRST_END), *billing.run_due(on=SECOND_END)]
        postings = [posting for outcome in outcomes for posting in outcome.decision.postings]

        assert ["-34.75", "-37.50"] == [str(posting.amount.amount) for posting in postings]

    def test_renewal_fails_if_the_next_edition_does_not_sell_the_plan(self, make_billing, store):
        """The outcome has the error, the term stays due, and no smaller plan is sold instead."""
        four_channels_at_most = attrs.evolve(
            SKYPE_CONNECT,
            edition="small",
            quantity=attrs.evolve(SKYPE_CONNECT.quantity, maximum=4, steps=()),
        )
        catalogue = two_editions(offer=four_channels_at_most)
        billing = billing_by_catalogue(make_billing, store, catalogue)
        for _ in range(2):
            (outcome,) = billing.run_due(on=FIRST_END)

            assert outcome.failed
            assert (FIRST_TERM, NotOffered) == (outcome.term, type(outcome.error))
        assert PLAN == subscription_of(store).plan
        assert [FIRST_TERM] == paid_terms(store)

    def test_pending_plan_moves_to_the_next_edition(self, make_billing, store):
        """The pending 3 channels are renewed under the next edition: 3 x 7.50 = 22.50."""
        next_offer = attrs.evolve(FEWER_AT_RENEWAL, edition="still fewer at renewal")
        catalogue = Catalogue(
            (
                Edition(FEWER_AT_RENEWAL, TARIFF, date(2025, 1, 1), FIRST_END),
                Edition(next_offer, DEARER, FIRST_END),
            )
        )
        plans = {"berlin": FEWER_AT_RENEWAL.plan(channels=5)}
        billing = billing_by_catalogue(make_billing, store, catalogue, plans=plans)
        billing.change("berlin", FEWER_AT_RENEWAL.plan(channels=3), on=DAY)
        (outcome,) = billing.run_due(on=FIRST_END)
        (posting,) = outcome.decision.postings

        assert next_offer.plan(channels=3) == subscription_of(store).plan
        assert "-22.50" == str(posting.amount.amount)

    def test_renewal_fails_if_no_edition_is_in_force(self, make_billing, store):
        """Without an edition for the new term the outcome is failed, and nothing lapses."""
        catalogue = Catalogue((Edition(SKYPE_CONNECT, TARIFF, date(2025, 1, 1), FIRST_END),))
        billing = billing_by_catalogue(make_billing, store, catalogue)
        (outcome,) = billing.run_due(on=FIRST_END)

        assert outcome.failed
        assert UnknownEdition is type(outcome.error)
        assert Status.ACTIVE is subscription_of(store).status

    def test_renewal_uses_the_non_payment_rule_of_the_next_edition(self, make_billing, store):
        """The next edition drops bundles: 3 channels at 7.50 without the bundle at 11.00.

        After the first term, 60.00 - 30.85 = 29.15 is left, which pays 22.50 but not 33.50.
        """
        plans = {"berlin": SKYPE_CONNECT.plan(channels=3, bundles=1)}
        catalogue = two_editions(offer=DROPS_BUNDLES)
        billing = billing_by_catalogue(make_billing, store, catalogue, credit="60", plans=plans)
        (outcome,) = billing.run_due(on=FIRST_END)

        assert DROPS_BUNDLES.plan(channels=3) == subscription_of(store).plan
        assert "6.65" == balance(store)
        assert "33.50" == str(outcome.error.needed)


class TestRunDue:
    """run_due() renews or ends each due term, and yields one outcome for each profile and term."""

    def test_run_without_due_terms_yields_nothing(self, billing, store):
        """Nothing is due in an empty store, or on the day before a term ends."""
        assert [] == list(billing.run_due(on=FIRST_END))
        open_account(store)
        assert [] == list(billing.run_due(on=date(2026, 2, 3)))

    def test_run_renews_a_due_term(self, billing, store):
        """The renewal charges 34.75 of the remaining 965.25 for the next term."""
        open_account(store)
        (outcome,) = billing.run_due(on=FIRST_END)
        renewal = Posting(
            ACME, -euros("34.75"), Reason.RENEWAL, FIRST_END, SECOND_TERM, "s of berlin"
        )

        assert ("berlin", FIRST_TERM) == (outcome.profile, outcome.term)
        assert outcome.error is None
        assert outcome.failed is False
        assert (renewal,) == outcome.decision.postings
        assert outcome.decision.after == subscription_of(store)
        assert "930.50" == balance(store)
        assert "profile 'berlin', 2026-01-05 to 2026-02-04: renew" == str(outcome)
        assert [] == list(billing.run_due(on=FIRST_END))

    def test_run_drops_bundles_that_cannot_be_paid(self, billing, store):
        """If the offer allows it, only the channels are renewed: 24.15 - 20.85 = 3.30."""
        open_account(
            store, credit="55", plans={"berlin": DROPS_BUNDLES.plan(channels=3, bundles=1)}
        )
        (outcome,) = billing.run_due(on=FIRST_END)
        message = (
            "profile 'berlin', 2026-01-05 to 2026-02-04: renew without bundles; "
            "account 'acme' holds 24.15 EUR, but 30.85 EUR is needed; 6.70 EUR is missing"
        )

        assert "3.30" == balance(store)
        assert DROPS_BUNDLES.plan(channels=3) == subscription_of(store).plan
        assert message == str(outcome)
        assert outcome.failed is False

    @pytest.mark.parametrize(
        ("credit", "bundles", "status"),
        [
            ("51.70", 0, Status.ACTIVE),  # 30.85 + 20.85: exactly enough for the channels
            ("51.69", 1, Status.LAPSED),
            ("61.70", 1, Status.ACTIVE),  # 2 x 30.85: enough for channels and bundle
        ],
    )
    def test_run_drops_bundles_only_if_that_makes_the_renewal_possible(
        self, billing, store, credit, bundles, status
    ):
        """Bundles are kept if they can be paid, or if not even the channels can be paid."""
        plan = DROPS_BUNDLES.plan(channels=3, bundles=1)
        open_account(store, credit=credit, plans={"berlin": plan})
        list(billing.run_due(on=FIRST_END))
        subscription = subscription_of(store)

        assert (bundles, status) == (subscription.plan.bundles, subscription.status)

    def test_run_lets_an_unpaid_subscription_lapse(self, billing, store):
        """Without credit and grace period the subscription lapses and is no longer due."""
        open_account(store, credit="50")
        (outcome,) = billing.run_due(on=FIRST_END)
        message = (
            "profile 'berlin', 2026-01-05 to 2026-02-04: lapse; "
            "account 'acme' holds 15.25 EUR, but 34.75 EUR is needed; 19.50 EUR is missing"
        )

        assert Action.LAPSE is outcome.decision.action
        assert Status.LAPSED is subscription_of(store).status
        assert message == str(outcome)
        assert outcome.failed is False
        assert "15.25" == balance(store)
        billing.deposit(ACME, euros("100"), transfer="late", on=FIRST_END)
        assert [] == list(billing.run_due(on=FIRST_END))

    def test_run_waits_for_credit_until_the_grace_period_ends(self, billing, store):
        """During the grace period the term stays due; on the day after it, it lapses."""
        open_account(store, credit="50", plans={"berlin": WITH_GRACE.plan(channels=5)})
        last_day_of_grace = FIRST_END + timedelta(days=6)
        for day in (FIRST_END, FIRST_END, last_day_of_grace):
            (outcome,) = billing.run_due(on=day)

            assert outcome.decision is None
            assert outcome.failed is False
            assert FIRST_TERM == outcome.term
            assert str(outcome).startswith(
                "profile 'berlin', 2026-01-05 to 2026-02-04: waits for credit; "
            )
        (outcome,) = billing.run_due(on=FIRST_END + timedelta(days=7))

        assert Action.LAPSE is outcome.decision.action
        assert "15.25" == balance(store)

    def test_run_renews_from_the_end_of_the_term_after_a_deposit_in_the_grace_period(
        self, billing, store
    ):
        """The new term starts where the old one ended; the charge is booked on the later day."""
        open_account(store, credit="50", plans={"berlin": WITH_GRACE.plan(channels=5)})
        list(billing.run_due(on=FIRST_END))
        deposit_day = date(2026, 2, 7)
        billing.deposit(ACME, euros("20"), transfer="late", on=deposit_day)
        (outcome,) = billing.run_due(on=deposit_day)
        (posting,) = outcome.decision.postings

        assert SECOND_TERM == outcome.decision.after.term
        assert deposit_day == posting.on
        assert "0.50" == balance(store)

    def test_run_ends_a_cancelled_subscription(self, billing, store):
        """The end costs nothing, and the profile can buy again."""
        open_account(store)
        billing.cancel("berlin", on=DAY)
        (outcome,) = billing.run_due(on=FEB_10)

        assert Action.EXPIRE is outcome.decision.action
        assert Status.ENDED is subscription_of(store).status
        assert "profile 'berlin', 2026-01-05 to 2026-02-04: expire" == str(outcome)
        assert "965.25" == balance(store)
        assert [] == list(billing.run_due(on=FEB_10))
        assert Action.BUY is billing.buy(PLAN, **{**PURCHASE, "on": FEB_10}).action

    def test_run_renews_missed_terms_one_by_one(self, billing, store):
        """The third renewal cannot be paid, so the subscription lapses: 104.25 = 3 x 34.75."""
        open_account(store, credit="104.25")
        outcomes = list(billing.run_due(on=THIRD_END))
        actions = [outcome.decision.action for outcome in outcomes]

        assert [FIRST_TERM, SECOND_TERM, THIRD_TERM] == [outcome.term for outcome in outcomes]
        assert [Action.RENEW, Action.RENEW, Action.LAPSE] == actions
        assert [FIRST_TERM, SECOND_TERM, THIRD_TERM] == paid_terms(store)
        assert "0.00" == balance(store)

    def test_run_counts_the_grace_period_from_the_end_of_the_unpaid_term(self, billing, store):
        """The first missed term is renewed; the second one waits in its own grace period."""
        open_account(store, credit="69.50", plans={"berlin": WITH_GRACE.plan(channels=5)})
        outcomes = list(billing.run_due(on=date(2026, 3, 7)))

        assert [FIRST_TERM, SECOND_TERM] == [outcome.term for outcome in outcomes]
        assert [("berlin", Action.RENEW), ("berlin", None)] == profiles_and_actions(outcomes)

    def test_late_run_does_not_renew_a_cancelled_subscription(self, billing, store):
        """A run that is almost a year late ends the subscription once."""
        open_account(store)
        billing.cancel("berlin", on=DAY)
        outcomes = billing.run_due(on=date(2027, 1, 1))

        assert [("berlin", Action.EXPIRE)] == profiles_and_actions(outcomes)

    def test_run_commits_each_decision_just_before_it_yields_the_outcome(self, billing, store):
        """Nothing is charged before the first outcome is requested, so a progress bar is exact."""
        open_account(store, plans=dict.fromkeys(["a", "b", "c"], PLAN))
        renewed = []
        outcomes = billing.run_due(on=SECOND_END)
        assert "895.75" == balance(store)
        for number, outcome in enumerate(outcomes, 1):
            renewed.append((outcome.profile, outcome.term))
            assert euros("895.75") - euros("34.75") * number == store.balance(ACME)

        expected = [(profile, term) for profile in "abc" for term in (FIRST_TERM, SECOND_TERM)]
        assert expected == renewed

    def test_run_loads_and_commits_once_for_each_renewal(self, billing, store):
        """The committed decision shows that no further term is due, so nothing is loaded again."""
        open_account(store)
        store.calls.clear()
        list(billing.run_due(on=FIRST_END))

        assert ["due", "subscription", "commit"] == store.calls

    @pytest.mark.parametrize("on", [NOON, "2026-02-04", None])
    def test_run_refuses_a_day_that_is_no_date(self, billing, store, on):
        """A datetime is refused too: its day depends on a time zone."""
        open_account(store)
        with pytest.raises(WrongType, match=r"^on must be a date"):
            list(billing.run_due(on=on))

        assert "due" not in store.calls

    @pytest.mark.parametrize("page_size", [1, 2, 3])
    def test_run_handles_each_profile_once_over_several_pages(self, billing, store, page_size):
        """With any page size, waiting, lapsed and renewed profiles appear once.

        215.45 - 5 x 34.75 - 6.95 = 34.75, which pays one renewal: the renewal of a.
        """
        one_channel = SKYPE_CONNECT.plan(channels=1)
        with_grace = WITH_GRACE.plan(channels=5)
        plans = {
            "a": PLAN,
            "b": with_grace,
            "c": PLAN,
            "d": with_grace,
            "e": PLAN,
            "f": one_channel,
        }
        open_account(store, credit="215.45", plans=plans)
        store.page_size = page_size

        expected = [
            ("a", Action.RENEW),
            ("b", None),
            ("c", Action.LAPSE),
            ("d", None),
            ("e", Action.LAPSE),
            ("f", Action.LAPSE),
        ]
        assert expected == profiles_and_actions(billing.run_due(on=FIRST_END))
        still_due = [("b", None), ("d", None)]
        assert still_due == profiles_and_actions(billing.run_due(on=FIRST_END))

    def test_run_reads_more_than_one_full_page(self, billing, store):
        """1,001 profiles need two pages of 1,000, and each profile is renewed once."""
        profiles = [f"p-{number:04}" for number in range(1001)]
        plans = dict.fromkeys(profiles, SKYPE_CONNECT.plan(channels=1))
        open_account(store, credit="20000", plans=plans)
        expected = [(profile, Action.RENEW) for profile in profiles]

        assert expected == profiles_and_actions(billing.run_due(on=FIRST_END))
        assert 2 == store.calls.count("due")
        # 20,000.00 - 2 x 1,001 x 6.95
        assert "6086.10" == balance(store)

    def test_run_reports_each_term_once_if_a_renewed_profile_is_due_again(self, billing, store):
        """Profile a is renewed and waits for credit; its new place on a later page is skipped."""
        three_terms = str(3 * Decimal("34.75"))
        plans = dict.fromkeys("ab", WITH_GRACE.plan(channels=5))
        open_account(store, credit=three_terms, plans=plans)
        store.page_size = 1
        outcomes = profiles_and_actions(billing.run_due(on=SECOND_END))

        assert [("a", Action.RENEW), ("a", None), ("b", Action.LAPSE)] == outcomes


THREE_PLANS = MappingProxyType(
    {"amiens": PLAN, "berlin": WITH_GRACE.plan(channels=5), "calais": PLAN}
)
FIVE_PLANS = MappingProxyType(dict.fromkeys("abcde", PLAN))


class TestFailures:
    """One profile's failure is reported, and the other profiles are still renewed."""

    @pytest.fixture(autouse=True)
    def three_due_profiles(self, store):
        """Buy plans for amiens, berlin and calais; all three are due on the same day."""
        open_account(store, plans=THREE_PLANS)

    @staticmethod
    def check_only_berlin_failed(outcomes, term, error):
        """Check that berlin failed with an error and the others renewed; return berlin's text."""
        outcomes = list(outcomes)
        _, berlin, _ = outcomes
        expected = [("amiens", Action.RENEW), ("berlin", None), ("calais", Action.RENEW)]

        assert expected == profiles_and_actions(outcomes)
        assert [False, True, False] == [outcome.failed for outcome in outcomes]
        assert (term, error) == (berlin.term, type(berlin.error))
        return str(berlin)

    def test_missing_tariff_is_reported_and_the_term_stays_due(self, make_billing, store):
        """Without a tariff nothing is charged and nothing lapses; a later run renews."""

        def find_tariff(_account, offer, _day):
            if offer == WITH_GRACE:
                raise LookupError("nobody wrote that down")
            return TARIFF

        outcomes = make_billing(store, find_tariff).run_due(on=FIRST_END)
        message = self.check_only_berlin_failed(outcomes, FIRST_TERM, LookupError)

        term = "2026-01-05 to 2026-02-04"
        expected = f"profile 'berlin', {term}: failed; LookupError: nobody wrote that down"
        assert expected == message
        outcomes = make_billing(store).run_due(on=FIRST_END)
        assert [("berlin", Action.RENEW)] == profiles_and_actions(outcomes)

    def test_failure_to_load_is_reported_without_a_term(self, billing, store):
        """If the subscription cannot be loaded, its term is unknown; a later run renews."""
        broken_row = raising(RuntimeError("a broken row"))
        store.interruptions["subscription of berlin"] = iter([broken_row])
        outcomes = billing.run_due(on=FIRST_END)
        message = self.check_only_berlin_failed(outcomes, None, RuntimeError)

        assert "profile 'berlin': failed; RuntimeError: a broken row" == message
        outcomes = billing.run_due(on=FIRST_END)
        assert [("berlin", Action.RENEW)] == profiles_and_actions(outcomes)

    @pytest.mark.parametrize("moment", ["commit of berlin", "after commit of berlin"])
    def test_commit_that_fails_once_is_retried(self, billing, store, moment):
        """The retry charges once, whether the connection failed before or after the commit."""
        store.interruptions[moment] = iter([raising(ConnectionError("the line is dead"))])
        outcomes = list(billing.run_due(on=FIRST_END))

        expected = [(profile, Action.RENEW) for profile in THREE_PLANS]
        assert expected == profiles_and_actions(outcomes)
        assert [FIRST_TERM, SECOND_TERM] == paid_terms(store)
        assert [] == list(billing.run_due(on=FIRST_END))

    def test_commit_that_fails_twice_is_left_to_the_next_run(self, billing, store):
        """The second failure is reported, and the next run renews."""
        store.interruptions["commit of berlin"] = repeat(raising(RuntimeError("a full disk")), 2)
        outcomes = billing.run_due(on=FIRST_END)
        message = self.check_only_berlin_failed(outcomes, FIRST_TERM, RuntimeError)

        assert (
            "profile 'berlin', 2026-01-05 to 2026-02-04: failed; RuntimeError: a full disk"
            == message
        )
        outcomes = billing.run_due(on=FIRST_END)
        assert [("berlin", Action.RENEW)] == profiles_and_actions(outcomes)

    def test_stop_iteration_from_the_store_does_not_end_the_run(self, billing, store):
        """StopIteration is reported as a failure like any other error."""
        store.interruptions["subscription of berlin"] = iter([raising(StopIteration())])

        self.check_only_berlin_failed(billing.run_due(on=FIRST_END), None, RuntimeError)

    def test_profile_with_endless_conflicts_is_left_to_the_next_run(self, billing, store):
        """After a limited number of conflicts, the conflict is reported."""
        numbers = count()
        billing.deposit(BERLIN, euros("100"), transfer="b", on=PURCHASE_DAY)

        def record_next_call():
            call = make_call(f"c-{next(numbers)}", day=FIRST_END)
            record_call_directly(store, "berlin", call, on=FIRST_END)

        store.interruptions["commit of berlin"] = repeat(record_next_call)
        outcomes = billing.run_due(on=FIRST_END)
        self.check_only_berlin_failed(outcomes, FIRST_TERM, Conflict)

        assert 1 < next(numbers) < 100

    def test_renewal_is_decided_again_after_a_conflict(self, billing, store):
        """A call in the grace period is recorded just before the renewal; both are committed."""
        billing.deposit(BERLIN, euros("1"), transfer="b", on=PURCHASE_DAY)
        call = make_call(day=FIRST_END)

        def record_call():
            record_call_directly(store, "berlin", call, on=FIRST_END)

        store.interruptions["commit of berlin"] = iter([record_call])
        outcomes = list(billing.run_due(on=FIRST_END))

        expected = [(profile, Action.RENEW) for profile in THREE_PLANS]
        assert expected == profiles_and_actions(outcomes)
        # The purchase, the call and the renewal.
        assert 3 == subscription_of(store).sequence

    def test_terms_renewed_by_a_worker_with_a_later_day_are_skipped(self, billing, store):
        """Another worker renews berlin and calais first; they are charged once and not reported."""
        other_worker = Billing(store, prices=TARIFF)
        store.interruptions["commit of berlin"] = iter(
            [lambda: list(other_worker.run_due(on=FEB_10))]
        )
        outcomes = billing.run_due(on=FIRST_END)

        assert [("amiens", Action.RENEW)] == profiles_and_actions(outcomes)
        for profile in THREE_PLANS:
            assert [FIRST_TERM, SECOND_TERM] == paid_terms(store, profile)

    def test_renewal_committed_by_two_workers_is_charged_once(self, billing, store):
        """Two workers make the same decision for amiens; both report it, and amiens pays once."""
        other_worker = Billing(store, prices=TARIFF)
        store.interruptions["commit of amiens"] = iter(
            [lambda: list(other_worker.run_due(on=FIRST_END))]
        )
        outcomes = billing.run_due(on=FIRST_END)

        assert [("amiens", Action.RENEW)] == profiles_and_actions(outcomes)
        for profile in THREE_PLANS:
            assert [FIRST_TERM, SECOND_TERM] == paid_terms(store, profile)

    def test_failure_to_list_due_profiles_is_raised(self, billing, store):
        """An error of due() belongs to no profile, so run_due() raises it."""
        store.interruptions["due"] = iter([raising(RuntimeError("away"))])
        with pytest.raises(RuntimeError, match="away"):
            list(billing.run_due(on=FIRST_END))

    def test_run_on_a_day_before_the_latest_action_is_reported_as_failed(self, billing, store):
        """A worker with an older day does not change a subscription with a later call."""
        billing.deposit(BERLIN, euros("1"), transfer="b", on=PURCHASE_DAY)
        record_call_directly(store, "berlin", make_call(day=FEB_10), on=FEB_10)

        outcomes = billing.run_due(on=FIRST_END)
        self.check_only_berlin_failed(outcomes, FIRST_TERM, OutsideTerm)


class TestStoppedAndParallelRuns:
    """Stopped runs, later runs and parallel runs together charge each term once."""

    @pytest.mark.parametrize("done", range(11))
    def test_next_run_continues_where_a_closed_run_stopped(self, billing, store, done):
        """A run that is closed after any number of outcomes leaves the other terms due."""
        open_account(store, plans=FIVE_PLANS)
        closed_run = billing.run_due(on=SECOND_END)
        outcomes = list(islice(closed_run, done))
        closed_run.close()
        outcomes += billing.run_due(on=SECOND_END)
        outcomes.sort(key=lambda outcome: (outcome.profile, outcome.term.start))

        expected = [(profile, term) for profile in "abcde" for term in (FIRST_TERM, SECOND_TERM)]
        assert expected == [(outcome.profile, outcome.term) for outcome in outcomes]
        for profile in "abcde":
            assert [FIRST_TERM, SECOND_TERM, THIRD_TERM] == paid_terms(store, profile)

    def test_next_run_continues_after_an_interrupt(self, billing, store):
        """A KeyboardInterrupt between loading and committing leaves the profile due."""
        open_account(store, plans=FIVE_PLANS)
        store.interruptions["commit of c"] = iter([raising(KeyboardInterrupt())])
        with pytest.raises(KeyboardInterrupt):
            list(billing.run_due(on=FIRST_END))

        expected = [(profile, Action.RENEW) for profile in "cde"]
        assert expected == profiles_and_actions(billing.run_due(on=FIRST_END))

    def test_runs_in_four_threads_charge_each_term_once(self):
        """Each term is charged once, and at least one of the threads reports it."""
        profiles = [f"p-{number:02}" for number in range(60)]
        plans = dict.fromkeys(profiles, PLAN)
        store = open_account(MemoryStore(), credit="9000", plans=plans)
        billing = Billing(store, prices=TARIFF)
        with ThreadPoolExecutor(4) as threads:
            runs = list(threads.map(lambda _: list(billing.run_due(on=SECOND_END)), range(4)))
        reported = {(outcome.profile, outcome.term) for run in runs for outcome in run}

        assert {
            (profile, term) for profile in profiles for term in (FIRST_TERM, SECOND_TERM)
        } == reported
        for profile in profiles:
            assert [FIRST_TERM, SECOND_TERM, THIRD_TERM] == paid_terms(store, profile)
        # 9,000.00 - 60 x 3 x 34.75
        assert "2745.00" == balance(store)

    def test_runs_in_three_tasks_charge_each_term_once(self):
        """Three tasks that take turns at each call to the store report no failure."""
        store = open_account(MemoryStore(), plans=FIVE_PLANS)
        billing = AsyncBilling(AsyncStoreOver(store), prices=TARIFF)

        async def run():
            return [outcome async for outcome in billing.run_due(on=SECOND_END)]

        async def run_three_times():
            return await asyncio.gather(run(), run(), run())

        runs = asyncio.run(run_three_times())

        assert not any(outcome.failed for outcomes in runs for outcome in outcomes)
        for profile in FIVE_PLANS:
            assert [FIRST_TERM, SECOND_TERM, THIRD_TERM] == paid_terms(store, profile)

    @pytest.mark.parametrize("loop_turns", range(11))
    def test_next_run_continues_after_a_cancelled_task(self, loop_turns):
        """A task that is cancelled after any number of loop turns leaves the other terms due."""
        store = open_account(MemoryStore(), plans=FIVE_PLANS)
        billing = AsyncBilling(AsyncStoreOver(store), prices=TARIFF)

        async def run():
            return [outcome async for outcome in billing.run_due(on=FIRST_END)]

        async def cancel_and_run_again():
            task = asyncio.create_task(run())
            for _ in range(loop_turns):
                await asyncio.sleep(0)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            await run()

        asyncio.run(cancel_and_run_again())

        for profile in FIVE_PLANS:
            assert [FIRST_TERM, SECOND_TERM] == paid_terms(store, profile)

    def test_wrong_argument_is_refused_when_the_action_is_awaited(self):
        """In gather(), the refused actions do not stop the valid one."""
        store = open_account(MemoryStore())
        billing = AsyncBilling(AsyncStoreOver(store), prices=TARIFF)

        async def run_all():
            return await asyncio.gather(
                billing.deposit(ACME, euros("-5"), transfer="wrong", on=DAY),
                billing.buy("5", **{**PURCHASE, "profile": "paris"}),  # type: ignore[arg-type]
                billing.change("berlin", "5", on=DAY),  # type: ignore[arg-type]
                billing.cancel("berlin", on=DAY),
                return_exceptions=True,
            )

        *errors, cancellation = asyncio.run(run_all())

        assert ["amount", "plan", "plan"] == [error.parameter for error in errors]
        assert cancellation.after == subscription_of(store)
