"""The actions of a billing service, once for commits and previews, awaited or not.

Each action builds a step, and the service finishes it: it previews or commits the step.
"""

from collections.abc import Callable
from contextlib import suppress
from datetime import date
from functools import partial
from typing import Generic, TypeVar

import attrs

from channelplans._checks import instance
from channelplans.errors import InvalidValue, UnknownEdition
from channelplans.money import Money
from channelplans.plans import Plan
from channelplans.rules import ChangeEffect
from channelplans.storage._steps import Step
from channelplans.subscriptions import actions, transfers
from channelplans.subscriptions.decisions import Decision, Transfer
from channelplans.subscriptions.identifiers import AccountId, ProfileId, SubscriptionId
from channelplans.subscriptions.price_books import PriceBook
from channelplans.subscriptions.subscription import Action, Subscription
from channelplans.subscriptions.wallets import Reason, Wallet

__all__: tuple[str, ...] = ()

D_co = TypeVar("D_co", covariant=True)
T_co = TypeVar("T_co", covariant=True)


class BillingActions(Generic[D_co, T_co]):
    """The actions of a billing service; each returns a preview or what was committed.

    Identifiers, days and amounts come from the caller, the subscription from the store, the prices
    from the price book. An action on a profile that never held a subscription raises
    TransitionNotAllowed. An action that commits also raises what the store's ``commit`` raises:
    Conflict, InsufficientCredit, TokenReused or CurrencyMismatch.

    Before an action on a subscription, and before a transfer that the account's wallet pays, the
    service settles the due subscriptions of the account, as ``catch_up`` does. If the action is
    then refused, ``error.done`` lists the tokens that were committed. If the renewal of the profile
    is unpaid, the profile can still be changed, cancelled, terminated or left to lapse.

    A preview settles nothing. If the profile's term would be renewed or ended first, the preview
    raises OutsideTerm. Its commit settles due subscriptions first, if the account's wallet pays.

    ``request`` is an idempotency key. The same key returns the decision that was committed with it,
    also on a later day. The same key with other arguments raises TokenReused. A transfer is
    recognized by its ``transfer`` in the same way.
    """

    def __init__(
        self,
        prices: PriceBook,
        finish: Callable[[Step], D_co],
        finish_transfer: Callable[[Callable[[], Transfer]], T_co],
    ) -> None:
        self._prices = prices
        self._finish = finish
        self._finish_transfer = finish_transfer

    def buy(
        self,
        plan: Plan,
        *,
        account: AccountId,
        profile: ProfileId,
        subscription: SubscriptionId,
        on: date,
        start: date | None = None,
        align_to: date | None = None,
        request: str | None = None,
    ) -> D_co:
        """Buy a plan for a profile that has no running subscription (H3, H14).

        Args:
            plan: the channels and bundles that are bought.
            account: the account that pays.
            profile: the profile that gets the subscription; it is new or has none that is running.
            subscription: the identifier of the new subscription, never used before.
            on: the day of purchase, on which the price is paid.
            start: the first day of the first term; None means the day of purchase. ``terminate``
                undoes the purchase until then.
            align_to: a day on which a term shall begin or end, such as the renewal date of another
                profile, so that an account has one renewal day. The first term is then shorter, and
                its price is prorated. None aligns to nothing.
            request: an idempotency key, unique within the account; None means no key.

        Raises:
            NotOffered, UnknownEdition: the price book does not sell the plan on that day; a
                catalogue sells another offer, or nothing.
            TransitionNotAllowed, InvalidValue, OutsideTerm, CalendarEnds: see ``buy`` in
                ``channelplans.subscriptions``.
        """

        def decide(previous: Subscription | None) -> Decision:
            instance("plan", plan, Plan)
            tariff = self._prices.for_sale(
                plan, account=account, profile=profile, on=on, previous=previous
            )
            return actions.buy(
                plan,
                tariff,
                account=account,
                profile=profile,
                subscription=subscription,
                on=on,
                start=start,
                align_to=align_to,
                previous=previous,
            )

        arguments = {
            "plan": plan,
            "subscription": subscription,
            "start": start,
            "align_to": align_to,
        }
        return self._finish(Step(Action.BUY, account, profile, on, decide, request, arguments))

    def change(
        self,
        account: AccountId,
        profile: ProfileId,
        *,
        channels: int | None = None,
        bundles: int | None = None,
        plan: Plan | None = None,
        on: date,
        request: str | None = None,
    ) -> D_co:
        """Change the channels, the bundles or both, or move to a plan of any offer (H15 to H19).

        Pass ``channels``, ``bundles`` or both, or pass ``plan`` alone. If the renewal is unpaid,
        the new plan is bought for the term that was due.

        Args:
            account: the account of the profile.
            profile: the profile whose subscription changes.
            channels: the new number of channels; None keeps the present one (H18, H19).
            bundles: the new number of bundles; None keeps the present one (H18, H19).
            plan: the new plan, of the same or another offer.
            on: the day of the change.
            request: an idempotency key, unique within the account; None means no key.

        Raises:
            InvalidValue: neither a plan nor a number was passed, or a plan and a number.
            NotOffered, UnknownEdition: the price book does not sell the plan for the new term, or
                a plan that would wait for the next term is not sold then.
            ChannelsOutOfRange, BundlesNotAllowed: the offer has no such plan.
            PlanUnchanged, MixedChange, ChangedTooSoon, CurrencyMismatch: see ``change`` in
                ``channelplans.subscriptions``.
            TransitionNotAllowed, OutsideTerm, CalendarEnds: see ``change`` too.
        """

        def decide(current: Subscription) -> Decision:
            return self._decide_change(current, _new_plan(current, plan, channels, bundles), on)

        arguments = {"channels": channels, "bundles": bundles, "plan": plan}
        return self._finish(Step(Action.CHANGE, account, profile, on, decide, request, arguments))

    def cancel(
        self, account: AccountId, profile: ProfileId, *, on: date, request: str | None = None
    ) -> D_co:
        """Cancel the subscription of a profile; a notice names the expiry date (H20).

        Args:
            account: the account of the profile.
            profile: the profile whose subscription is cancelled.
            on: the day of the cancellation.
            request: an idempotency key, unique within the account; None means no key.

        Raises:
            TransitionNotAllowed, OutsideTerm, CalendarEnds: see ``cancel`` in
                ``channelplans.subscriptions``.
        """
        decide = partial(actions.cancel, on=on)
        return self._finish(Step(Action.CANCEL, account, profile, on, decide, request))

    def resume(
        self, account: AccountId, profile: ProfileId, *, on: date, request: str | None = None
    ) -> D_co:
        """Undo a cancellation before the end of the term; the subscription renews itself again.

        Args:
            account: the account of the profile.
            profile: the profile whose subscription is cancelled.
            on: the day of the action.
            request: an idempotency key, unique within the account; None means no key.

        Raises:
            TransitionNotAllowed, OutsideTerm: see ``resume`` in ``channelplans.subscriptions``.
        """
        decide = partial(actions.resume, on=on)
        return self._finish(Step(Action.RESUME, account, profile, on, decide, request))

    def lapse(
        self, account: AccountId, profile: ProfileId, *, on: date, request: str | None = None
    ) -> D_co:
        """Let an unpaid subscription lapse at once, without waiting for its grace period to end.

        Args:
            account: the account of the profile.
            profile: the profile whose renewal is unpaid (F 6.3).
            on: the day of the action.
            request: an idempotency key, unique within the account; None means no key.

        Raises:
            TransitionNotAllowed, OutsideTerm: see ``lapse`` in ``channelplans.subscriptions``.
        """
        decide = partial(actions.lapse, on=on)
        return self._finish(Step(Action.LAPSE, account, profile, on, decide, request))

    def terminate(
        self,
        account: AccountId,
        profile: ProfileId,
        *,
        on: date,
        refund: bool = True,
        request: str | None = None,
    ) -> D_co:
        """End the subscription of a profile at once (F 5.5, F 5.6).

        Before the first day of the first term, everything is refunded.

        Args:
            account: the account of the profile.
            profile: the profile whose subscription ends.
            on: the day of the action.
            refund: False keeps everything that was paid, and so ignores the offer's minimum term.
            request: an idempotency key, unique within the account; None means no key.

        Raises:
            TransitionNotAllowed, OutsideTerm: see ``terminate`` in ``channelplans.subscriptions``.
        """
        decide = partial(actions.terminate, on=on, refund=refund)
        arguments = {"refund": refund}
        return self._finish(
            Step(Action.TERMINATE, account, profile, on, decide, request, arguments)
        )

    def deposit(
        self,
        wallet: Wallet,
        amount: Money,
        *,
        transfer: str,
        on: date,
        reason: Reason = Reason.DEPOSIT,
    ) -> T_co:
        """Pay credit into a wallet from outside.

        Args:
            wallet: the wallet that receives the credit.
            amount: the credit, above zero.
            transfer: the identifier of the payment, unique among the transfers of the account.
            on: the day of booking.
            reason: DEPOSIT, or BONUS for credit that is a gift.

        Raises:
            InvalidValue: see ``deposit`` in ``channelplans.subscriptions``.
        """
        return self._finish_transfer(
            partial(transfers.deposit, wallet, amount, transfer=transfer, on=on, reason=reason)
        )

    def charge(
        self,
        wallet: Wallet,
        amount: Money,
        *,
        transfer: str,
        on: date,
        reason: Reason = Reason.CHARGE,
        may_overdraw: bool = False,
    ) -> T_co:
        """Charge a wallet for something that no subscription charges, such as a one-off fee.

        Args:
            wallet: the wallet that pays.
            amount: the charge, above zero.
            transfer: the identifier of the charge, unique among the transfers of the account.
            on: the day of booking.
            reason: CHARGE, or CALL or OVERAGE for a call (H13, F 7.3).
            may_overdraw: whether the wallet may end below zero, as for a deposit that was taken
                back.

        Raises:
            InvalidValue: see ``charge`` in ``channelplans.subscriptions``.
        """
        return self._finish_transfer(
            partial(
                transfers.charge,
                wallet,
                amount,
                transfer=transfer,
                on=on,
                reason=reason,
                may_overdraw=may_overdraw,
            )
        )

    def assign_credit(
        self, account: AccountId, profile: ProfileId, amount: Money, *, transfer: str, on: date
    ) -> T_co:
        """Move credit from an account to one of its profiles (F 7.3, F 7.4).

        Args:
            account: the account whose own wallet pays.
            profile: the profile whose wallet receives the credit.
            amount: the credit, above zero.
            transfer: the identifier of the movement, unique among the transfers of the account.
            on: the day of booking.

        Raises:
            InvalidValue: see ``assign_credit`` in ``channelplans.subscriptions``.
        """
        return self._finish_transfer(
            partial(transfers.assign_credit, account, profile, amount, transfer=transfer, on=on)
        )

    def take_back_credit(
        self, account: AccountId, profile: ProfileId, amount: Money, *, transfer: str, on: date
    ) -> T_co:
        """Move credit from a profile back to its account (F 7.4).

        Args:
            account: the account whose own wallet receives the credit.
            profile: the profile whose wallet pays.
            amount: the credit, above zero.
            transfer: the identifier of the movement, unique among the transfers of the account.
            on: the day of booking.

        Raises:
            InvalidValue: see ``take_back_credit`` in ``channelplans.subscriptions``.
        """
        return self._finish_transfer(
            partial(transfers.take_back_credit, account, profile, amount, transfer=transfer, on=on)
        )

    def _decide_change(self, current: Subscription, plan: Plan, on: date) -> Decision:
        """Decide a change at the tariff of the term that it is for."""
        if on >= current.term.end:  # the renewal is unpaid: the new plan takes its place
            new, tariff = self._prices.for_renewal(_with_pending(current, plan))
            return actions.change(current, new, tariff, on=on)
        effect, tariff = current.plan.effect_of(plan), current.quote.tariff
        if effect is ChangeEffect.RESTART:
            tariff = self._prices.for_change(current, plan, on=on)
        decision = actions.change(current, plan, tariff, on=on)
        if decision.after.pending is not None:
            self._check_sold(decision.after)
        return decision

    def _check_sold(self, subscription: Subscription) -> None:
        """Refuse a pending plan that the price book does not sell for the next term.

        A price book that does not know yet what is sold then raises UnknownEdition; that is no
        reason to refuse the change.
        """
        with suppress(UnknownEdition):
            self._prices.for_renewal(subscription)


def _with_pending(subscription: Subscription, plan: Plan) -> Subscription:
    pending = None if plan == subscription.plan else plan
    return attrs.evolve(subscription, pending=pending)


def _new_plan(
    current: Subscription, plan: Plan | None, channels: int | None, bundles: int | None
) -> Plan:
    """Return the plan that was passed, or the held plan with other numbers."""
    if (plan is None) is (channels is None and bundles is None):
        actual = "nothing" if plan is None else "a plan and a number"
        expected = "channels, bundles or both, or a plan alone"
        raise InvalidValue("arguments of change", actual, expected)
    if plan is None:
        return current.plan.replace(channels=channels, bundles=bundles)
    return instance("plan", plan, Plan)
