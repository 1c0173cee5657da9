"""The billing service: it decides an action, commits it once, and charges the confirmed price.

Most tests run with both services. The asynchronous service is wrapped so that its calls block.
"""

import re
from datetime import datetime
from typing import Any

import pytest
from tests.storage.services import (
    ACME,
    BERLIN,
    BIGGER,
    DAY,
    PLAN,
    PURCHASE_DAY,
    TARIFF,
    AsyncStoreOver,
    balance,
    euros,
    make_call,
    open_account,
    raising,
    subscription_of,
)

from channelplans.errors import (
    Conflict,
    CurrencyMismatch,
    InsufficientCredit,
    TokenReused,
    TransitionNotAllowed,
    WrongType,
)
from channelplans.money import USD, Money
from channelplans.storage.billing import AsyncBilling, Billing
from channelplans.storage.memory import MemoryStore
from channelplans.storage.ports import Preview, TransferPreview
from channelplans.subscriptions import actions, transfers
from channelplans.subscriptions.subscription import Status
from channelplans.subscriptions.wallets import Reason

NOON = datetime(2026, 1, 15, 12)  # noqa: DTZ001 - any datetime is refused
PURCHASE: dict[str, Any] = {
    "account": "acme",
    "profile": "berlin",
    "subscription": "s-2",
    "on": DAY,
}
TRANSFER: dict[str, Any] = {"transfer": "t-1", "on": DAY}
# The arguments of each action besides the profile and the day, and the decision it commits.
ACTIONS = [
    (
        "change",
        {"plan": BIGGER},
        lambda subscription: actions.change(subscription, BIGGER, TARIFF, on=DAY),
    ),
    ("cancel", {}, lambda subscription: actions.cancel(subscription, on=DAY)),
    ("terminate", {}, lambda subscription: actions.terminate(subscription, on=DAY)),
    (
        "terminate",
        {"refund": False},
        lambda subscription: actions.terminate(subscription, on=DAY, refund=False),
    ),
]
EVERY_ACTION = pytest.mark.parametrize(
    ("action", "keywords", "decide"), ACTIONS, ids=[action for action, *_ in ACTIONS]
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


class TestActions:
    """Each action makes the decision of ``subscriptions.actions``, and commits it."""

    @EVERY_ACTION
    def test_action_commits_its_decision(self, billing, store, berlin, action, keywords, decide):
        """An action returns its decision; the subscription and the balances change accordingly."""
        expected = decide(berlin)
        balances = {wallet: store.balance(wallet) for wallet in (ACME, BERLIN)}
        decision = getattr(billing, action)("acme", "berlin", on=DAY, **keywords)

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
        self, billing, store, berlin, action, keywords, decide
    ):
        """A preview shows the action's decision; committing the preview stores that decision."""
        before = store.snapshot()
        preview = getattr(billing.preview, action)("acme", "berlin", on=DAY, **keywords)

        assert Preview(decide(berlin), store.subscription("acme", "berlin").revision) == preview
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
        cancelled = billing.cancel("acme", "berlin", on=DAY).after
        expected = actions.resume(cancelled, on=DAY)

        assert expected == billing.preview.resume("acme", "berlin", on=DAY).decision
        assert expected == billing.resume("acme", "berlin", on=DAY)
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
        billing.change("acme", "berlin", plan=BIGGER, on=DAY)
        ended = billing.terminate("acme", "berlin", on=DAY).after
        purchase = billing.buy(PLAN, **PURCHASE)

        assert actions.buy(PLAN, TARIFF, previous=ended, **PURCHASE) == purchase
        assert DAY == purchase.after.last_changed_on

    @pytest.mark.parametrize(
        ("action", "arguments"),
        [
            ("change", {"plan": PLAN}),
            ("cancel", {}),
            ("resume", {}),
            ("lapse", {}),
            ("terminate", {}),
            ("record_call", {"call": make_call()}),
        ],
    )
    def test_action_on_a_profile_without_a_subscription_is_refused(
        self, billing, action, arguments
    ):
        """The error names the profile, which may be misspelt, and the only possible action."""
        with pytest.raises(TransitionNotAllowed) as refusal:
            getattr(billing, action)("acme", "berlim", **arguments, on=DAY)

        name = action.replace("_", " ")
        assert (
            f"{name} is not possible because profile 'berlim' of account 'acme' has no "
            "subscription; possible: buy"
        ) == str(refusal.value)
        assert (name, "not bought yet", ("buy",), "acme", "berlim") == refusal.value.args

    def test_purchase_without_enough_credit_is_refused(self, billing, store):
        """If the wallet cannot pay, the purchase fails and the profile gets no subscription."""
        billing.deposit(ACME, euros("30"), transfer="p", on=PURCHASE_DAY)
        with pytest.raises(InsufficientCredit, match=r"; 4\.75 EUR is missing$"):
            billing.buy(PLAN, **PURCHASE)

        assert None is store.subscription("acme", "berlin")

    def test_purchase_in_another_currency_than_the_wallet_is_refused(self, billing, store):
        """A wallet in dollars cannot pay prices in euros, and the profile gets no subscription."""
        billing.deposit(ACME, Money.of("100", USD), transfer="p", on=PURCHASE_DAY)
        with pytest.raises(CurrencyMismatch):
            billing.buy(PLAN, **PURCHASE)

        assert None is store.subscription("acme", "berlin")
        assert "100.00" == balance(store)

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
            ("change", ("acme", "berlin"), {"plan": "5", "on": DAY}, "plan"),
            ("change", ("acme", "berlin"), {"channels": "5", "on": DAY}, "channels"),
            ("change", ("acme", "berlin"), {"plan": BIGGER, "on": NOON}, "on"),
            ("change", ("acme", "berlin"), {"plan": "5", "on": DAY, "request": "r"}, "plan"),
            ("cancel", ("acme", 7), {"on": DAY}, "profile"),
            ("cancel", (7, "berlin"), {"on": DAY}, "account"),
            ("cancel", ("acme", "berlin"), {"on": "today"}, "on"),
            ("record_call", ("acme", "berlin", "c-1"), {"on": DAY}, "call"),
            ("record_call", ("acme", "berlin", make_call()), {"on": NOON}, "on"),
            ("catch_up", (7,), {"on": DAY}, "account"),
            ("catch_up", ("acme",), {"on": NOON}, "on"),
            ("run_due", (), {"on": NOON}, "on"),
            ("run_due", (), {"on": DAY, "shard": ("0", 2)}, "shard[0]"),
            ("subscription", (7, "berlin"), {}, "account"),
            ("balance", ("acme",), {}, "wallet"),
            ("admits", ("acme", "berlin", "1"), {"on": DAY}, "active_calls"),
            ("longest_call", ("acme", "berlin", "c-1"), {"on": DAY}, "call"),
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
        with pytest.raises(WrongType, match=f"^{re.escape(parameter)} must be "):
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

    @pytest.mark.parametrize("billing_class", [Billing, AsyncBilling])
    @pytest.mark.parametrize("methods", [{}, {"due": None, "commit": print, "balance": print}])
    def test_constructor_names_the_missing_methods_of_a_store(self, billing_class, methods):
        """A store that is not finished is refused before an action needs a missing method."""
        store = type("Half", (), methods)()
        with pytest.raises(WrongType) as refusal:
            billing_class(store, prices=TARIFF)

        of_store = ["balance", "commit", "decision", "decisions"]
        of_store += ["due", "postings", "profiles", "subscription"]
        missing = [name for name in of_store if methods.get(name) is None]
        assert (
            f"a store with all methods of storage.Store (missing: {', '.join(missing)})"
            == refusal.value.expected
        )
        assert "store" == refusal.value.parameter

    def test_commit_of_a_previewed_decision_asks_for_the_preview(self, billing, berlin):
        """The decision of a preview lacks the revision that was loaded."""
        preview = billing.preview.cancel("acme", "berlin", on=DAY)
        with pytest.raises(WrongType) as refusal:
            billing.commit(preview.decision)

        assert "a Preview or a TransferPreview (pass the preview itself)" == refusal.value.expected

    def test_action_raises_the_error_of_the_store(self, billing, store, berlin):
        """A failure of the store itself is raised without a retry."""
        store.interruptions["commit"] = iter([raising(OSError("no space left"))])
        with pytest.raises(OSError, match="no space left"):
            billing.cancel("acme", "berlin", on=DAY)

        assert Status.ACTIVE is subscription_of(store).status

    def test_stop_iteration_from_the_store_becomes_runtime_error(self, billing, store, berlin):
        """StopIteration ends a coroutine, so it must not be mistaken for a returned decision."""
        store.interruptions["commit"] = iter([raising(StopIteration("preview"))])
        with pytest.raises(RuntimeError, match="StopIteration"):
            billing.cancel("acme", "berlin", on=DAY)


class TestCommit:
    """commit() stores exactly the decision that was previewed, or raises."""

    def test_commit_of_the_same_preview_twice_charges_once(self, billing, store, berlin):
        """The second commit returns the same decision and changes nothing."""
        preview = billing.preview.change("acme", "berlin", plan=BIGGER, on=DAY)
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

    @pytest.mark.parametrize("is_preview", [False, True])
    def test_transfer_that_another_worker_books_meanwhile_is_returned(
        self, billing, store, is_preview
    ):
        """A payment is delivered to two workers, before and after midnight: it is booked once."""
        other_worker = Billing(store, prices=TARIFF)
        store.interruptions["commit"] = iter(
            [lambda: other_worker.deposit(ACME, euros("5"), transfer="t-1", on=PURCHASE_DAY)]
        )
        if is_preview:
            transfer = billing.commit(billing.preview.deposit(ACME, euros("5"), **TRANSFER))
        else:
            transfer = billing.deposit(ACME, euros("5"), **TRANSFER)

        assert PURCHASE_DAY == transfer.on
        assert "5.00" == balance(store)

    def test_used_identifier_of_a_transfer_that_is_nowhere_is_raised(self, billing, store):
        """A store that knows the token and not the transfer is broken; nothing was booked."""
        unknown = raising(TokenReused("transfer/t-1"))
        store.interruptions["commit"] = iter([unknown])
        with pytest.raises(TokenReused):
            billing.deposit(ACME, euros("5"), **TRANSFER)

        assert None is store.balance(ACME)

    def test_preview_of_a_committed_request_shows_the_committed_decision(
        self, billing, store, berlin
    ):
        """A form that is opened again shows what was done, and confirming it changes nothing."""
        decision = billing.cancel("acme", "berlin", on=DAY, request="form 17")
        after = store.snapshot()
        preview = billing.preview.cancel("acme", "berlin", on=DAY, request="form 17")

        assert decision == preview.decision == billing.commit(preview)
        assert after == store.snapshot()

    def test_stale_preview_with_a_request_conflicts(self, billing, store, berlin):
        """The request was not committed by anyone, so the conflict is not a retry."""
        preview = billing.preview.cancel("acme", "berlin", on=DAY, request="form 17")
        billing.change("acme", "berlin", plan=BIGGER, on=DAY)
        with pytest.raises(Conflict):
            billing.commit(preview)

        assert Status.ACTIVE is subscription_of(store).status

    def test_commit_refuses_a_stale_preview(self, billing, store, berlin):
        """If a call was recorded after the preview, the confirmed change is a conflict."""
        preview = billing.preview.change("acme", "berlin", plan=BIGGER, on=DAY)
        Billing(store, prices=TARIFF).record_call("acme", "berlin", make_call(), on=DAY)
        before = store.snapshot()
        with pytest.raises(Conflict, match=r"profile 'berlin' .* confirm again"):
            billing.commit(preview)

        assert before == store.snapshot()

    def test_action_is_not_decided_again_after_a_conflict(self, billing, store, berlin):
        """If another worker commits first, change() raises; a person has to look again."""
        other_worker = Billing(store, prices=TARIFF)
        store.interruptions["commit"] = iter(
            [lambda: other_worker.record_call("acme", "berlin", make_call(), on=DAY)]
        )
        with pytest.raises(Conflict):
            billing.change("acme", "berlin", plan=BIGGER, on=DAY)

        assert PLAN == subscription_of(store).plan
        # The deposit, the purchase, the assigned credit and one attempt of the change.
        assert 4 == store.calls.count("commit")

    def test_only_one_of_two_previewed_purchases_can_be_committed(self, billing, store):
        """Both previews expect no subscription, so the second commit is a conflict."""
        billing.deposit(ACME, euros("500"), transfer="p", on=PURCHASE_DAY)
        smaller = billing.preview.buy(PLAN, **PURCHASE)
        larger = billing.preview.buy(BIGGER, **{**PURCHASE, "subscription": "s-3"})
        billing.commit(larger)
        with pytest.raises(Conflict, match="was made for nothing, but the store has revision"):
            billing.commit(smaller)

        assert BIGGER == subscription_of(store).plan
        assert "430.50" == balance(store)

    def test_preview_refused_for_lack_of_credit_can_be_committed_after_a_deposit(
        self, billing, store
    ):
        """Missing credit does not invalidate a preview."""
        open_account(store, credit="50")
        preview = billing.preview.change("acme", "berlin", plan=BIGGER, on=DAY)
        with pytest.raises(InsufficientCredit):
            billing.commit(preview)
        billing.deposit(ACME, euros("40"), transfer="more", on=DAY)
        billing.commit(preview)

        # 50.00 - 34.75 + 40.00 + 23.17 - 69.50; the refund is 20 of 30 days of 34.75.
        assert "8.92" == balance(store)
