"""``Billing`` and ``AsyncBilling``: load, decide, commit over a store.

Every action is written once, as a coroutine over an asynchronous store (``_work``).
``AsyncBilling`` returns the coroutine. ``Billing`` runs it at once over a store whose answers never
wait, so it needs no event loop.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator
from datetime import date
from functools import partial
from typing import Any, Generic, ParamSpec, TypeAlias, TypeVar, cast, overload

import attrs

from channelplans._checks import civil_day, instance, text
from channelplans.calls import Call
from channelplans.money import Money
from channelplans.plans import Plan
from channelplans.rules import ChangeEffect
from channelplans.storage._extra_postings import ExtraPostings, check_extra_postings
from channelplans.storage._work import Work, check_asynchronous, check_synchronous
from channelplans.storage.ports import AsyncStore, Outcome, Preview, Store, TransferPreview
from channelplans.subscriptions import actions, transfers
from channelplans.subscriptions.decisions import Decision, Transfer
from channelplans.subscriptions.identifiers import AccountId, ProfileId, SubscriptionId
from channelplans.subscriptions.price_books import Prices, make_price_book
from channelplans.subscriptions.subscription import Action, Subscription
from channelplans.subscriptions.wallets import Reason, Statement, Wallet

__all__ = ["AsyncBilling", "Billing", "BillingActions"]

P = ParamSpec("P")
T = TypeVar("T")
D_co = TypeVar("D_co", covariant=True)
T_co = TypeVar("T_co", covariant=True)

_Steps: TypeAlias = Coroutine[Any, Any, T]


class BillingActions(Generic[D_co, T_co]):
    """The actions of a billing service; each returns a preview or what was committed.

    Identifiers, days and amounts come from the caller, the subscription from the store, the prices
    from the service. An action on a profile that never held a subscription raises
    TransitionNotAllowed. An action that commits also raises what the store's ``commit`` raises:
    Conflict, InsufficientCredit, TokenReused or CurrencyMismatch.

    If the term of the profile has ended by the day of the action, the service first renews or ends
    the subscription, as ``run_due`` does. If that fails, or credit is missing in a grace period,
    the error is raised. A preview does not renew: it raises OutsideTerm until somebody has.
    """

    def __init__(
        self,
        work: Work,
        finish: Callable[[_Steps[Preview]], D_co],
        finish_transfer: Callable[[_Steps[TransferPreview]], T_co],
    ) -> None:
        self._work = work
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
        align_to: date | None = None,
    ) -> D_co:
        """Buy a plan for a profile; its last subscription, lapsed or ended, is looked up.

        With ``align_to``, such as the renewal date of another profile, the first term ends on a
        day of that grid of terms, and its price is prorated. So an account can have one bill day.

        Raises:
            NotOffered, UnknownEdition: the price book does not sell the plan on that day; a
                catalogue sells another offer, or nothing.
            TransitionNotAllowed, InvalidValue, OutsideTerm, CalendarEnds: see ``buy`` in
                ``channelplans.subscriptions``.
        """

        def decide(previous: Subscription | None) -> Decision:
            instance("plan", plan, Plan)
            civil_day("on", on)
            tariff = self._work.prices.for_sale(
                plan, account=text("account", account), profile=profile, on=on, previous=previous
            )
            return actions.buy(
                plan,
                tariff,
                account=account,
                profile=profile,
                subscription=subscription,
                on=on,
                align_to=align_to,
                previous=previous,
            )

        return self._finish(self._work.preview_purchase(profile, on, decide))

    def change(self, profile: ProfileId, plan: Plan, *, on: date) -> D_co:
        """Change the plan of a profile (H15 to H19).

        Raises:
            NotOffered, UnknownEdition: the plan needs a new term, and the price book does not sell
                it on that day. A catalogue sells the offer of the edition which
                ``Catalogue.for_term`` names, and the offer of the day.
            PlanUnchanged, MixedChange, ChangedTooSoon, CurrencyMismatch, TransitionNotAllowed,
                OutsideTerm, CalendarEnds: see ``change`` in ``channelplans.subscriptions``.
        """

        def decide(current: Subscription) -> Decision:
            tariff = current.quote.tariff
            if current.plan.effect_of(plan) is ChangeEffect.RESTART:
                tariff = self._work.prices.for_change(current, plan, on=civil_day("on", on))
            return actions.change(current, plan, tariff, on=on)

        return self._finish(self._work.preview_action(Action.CHANGE, profile, on, decide))

    def cancel(self, profile: ProfileId, *, on: date) -> D_co:
        """Cancel the subscription of a profile; a notice names the expiry date (H20).

        Raises:
            TransitionNotAllowed, OutsideTerm: see ``cancel`` in ``channelplans.subscriptions``.
        """
        decide = partial(actions.cancel, on=on)
        return self._finish(self._work.preview_action(Action.CANCEL, profile, on, decide))

    def resume(self, profile: ProfileId, *, on: date) -> D_co:
        """Undo a cancellation.

        Raises:
            TransitionNotAllowed, OutsideTerm: see ``resume`` in ``channelplans.subscriptions``.
        """
        decide = partial(actions.resume, on=on)
        return self._finish(self._work.preview_action(Action.RESUME, profile, on, decide))

    def terminate(self, profile: ProfileId, *, on: date, refund: bool = True) -> D_co:
        """End the subscription of a profile at once (F 5.5, F 5.6).

        ``refund=False`` keeps everything that was paid, and so ignores the offer's minimum term.

        Raises:
            TransitionNotAllowed, OutsideTerm: see ``terminate`` in ``channelplans.subscriptions``.
        """
        decide = partial(actions.terminate, on=on, refund=refund)
        return self._finish(self._work.preview_action(Action.TERMINATE, profile, on, decide))

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

        Raises:
            InvalidValue: see ``deposit`` in ``channelplans.subscriptions``.
        """
        deposit = partial(transfers.deposit, transfer=transfer, on=on, reason=reason)
        return self._finish_transfer(_preview_transfer(deposit, wallet, amount))

    def charge(
        self,
        wallet: Wallet,
        amount: Money,
        *,
        transfer: str,
        on: date,
        reason: Reason = Reason.CHARGE,
    ) -> T_co:
        """Charge a wallet for something that no subscription charges, such as a one-off fee.

        Raises:
            InvalidValue: see ``charge`` in ``channelplans.subscriptions``.
        """
        charge = partial(transfers.charge, transfer=transfer, on=on, reason=reason)
        return self._finish_transfer(_preview_transfer(charge, wallet, amount))

    def assign_credit(
        self, account: AccountId, profile: ProfileId, amount: Money, *, transfer: str, on: date
    ) -> T_co:
        """Move credit from an account to one of its profiles (F 7.3, F 7.4).

        Raises:
            InvalidValue: see ``assign_credit`` in ``channelplans.subscriptions``.
        """
        assign = partial(transfers.assign_credit, transfer=transfer, on=on)
        return self._finish_transfer(_preview_transfer(assign, account, profile, amount))

    def take_back_credit(
        self, account: AccountId, profile: ProfileId, amount: Money, *, transfer: str, on: date
    ) -> T_co:
        """Move credit from a profile back to its account (F 7.4).

        Raises:
            InvalidValue: see ``take_back_credit`` in ``channelplans.subscriptions``.
        """
        take_back = partial(transfers.take_back_credit, transfer=transfer, on=on)
        return self._finish_transfer(_preview_transfer(take_back, account, profile, amount))

    def expire_credit(self, wallet: Wallet, amount: Money, *, transfer: str, on: date) -> T_co:
        """Take expired credit out of a wallet.

        Raises:
            InvalidValue: see ``expire_credit`` in ``channelplans.subscriptions``.
        """
        expire = partial(transfers.expire_credit, transfer=transfer, on=on)
        return self._finish_transfer(_preview_transfer(expire, wallet, amount))


class Billing(BillingActions[Decision, Transfer]):
    """A billing service over a store: each action returns what it committed.

    A person confirms a price. So an action raises Conflict if the subscription has changed since
    it was loaded, and so does ``commit`` of a preview. Only ``record_call`` and ``run_due``, which
    nobody confirms, decide again.

    Args:
        store: where subscriptions, postings and decisions are kept.
        prices: a ``PriceBook``, a ``Tariff``, a ``Catalogue``, or a function of an account, an
            offer and a day that returns a ``Tariff``; ``make_price_book`` says what each means.
        extra_postings: a function that returns postings of the application for a decision, such as
            tax. They are committed together with the decision, and the wallets must be able to pay
            all of it. They are on wallets of the decision's account, on the decision's day and in
            the subscription's currency. The function is asked for previews, actions, calls and
            renewals, and must return equal postings for equal decisions. It is asked for a lapse
            too: return no payment for it, or the unpaid subscription never lapses.

    Raises:
        WrongType: ``store`` is a class or an asynchronous store; ``prices`` or ``extra_postings``
            has the wrong type. An action raises it if one of the two returns a wrong type.

    >>> from channelplans import EUR, SKYPE_CONNECT, MemoryStore, Money, Tariff, Wallet
    >>> tariff = Tariff("made up", EUR, channel="6.95", bundle="10", minute="0.021")
    >>> billing = Billing(MemoryStore(), prices=tariff)
    >>> acme, day = Wallet("acme"), date(2026, 1, 5)
    >>> deposit = billing.deposit(acme, Money.of("50", EUR), transfer="p-1", on=day)
    >>> purchase = billing.buy(
    ...     SKYPE_CONNECT.plan(channels=5),
    ...     account="acme",
    ...     profile="berlin",
    ...     subscription="s-1",
    ...     on=day,
    ... )
    >>> print(*billing.run_due(on=date(2026, 2, 4)))
    profile 'berlin', 2026-01-05 to 2026-02-04: lapse; account 'acme' holds 15.25 EUR, but \
34.75 EUR is needed; 19.50 EUR is missing
    """

    def __init__(
        self, store: Store, *, prices: Prices, extra_postings: ExtraPostings | None = None
    ) -> None:
        awaitable = cast("AsyncStore", _Awaitable(check_synchronous(store)))
        extra = check_extra_postings(extra_postings)
        work = Work(awaitable, make_price_book(prices), extra)
        super().__init__(work, self._decide_and_commit, self._transfer_and_commit)

    @property
    def preview(self) -> BillingActions[Preview, TransferPreview]:
        """The same actions without the commit: ``billing.preview.change("berlin", plan, on=day)``.

        A preview binds nobody; ``commit`` does exactly what it says, or nothing.
        """
        work = attrs.evolve(self._work, settles_due=False)
        return BillingActions(work, _run, _run)

    @overload
    def commit(self, preview: Preview) -> Decision: ...
    @overload
    def commit(self, preview: TransferPreview) -> Transfer: ...
    def commit(self, preview: Preview | TransferPreview) -> Decision | Transfer:
        """Commit a preview exactly as it is; committing it twice has the effect of once.

        Raises:
            Conflict: the subscription has changed since the preview.
            InsufficientCredit: a wallet would end below zero.
            TokenReused: the identifier of a transfer was used for another transfer.
        """
        return _run(_commit(self._work.store, preview))

    def record_call(self, profile: ProfileId, call: Call, *, on: date) -> Decision | None:
        """Record a call, and return its decision; None if it was recorded before (H13, F 7.3).

        A call that is delivered twice is recorded once. If both deliveries are processed at the
        same time, both may return the decision.

        Raises:
            Conflict: other commits to the profile came first at every attempt.
            InsufficientCredit: a wallet would end below zero.
            TransitionNotAllowed, OutsideTerm, UnknownRate: see ``record_call`` in
                ``channelplans.subscriptions``.
        """
        return _run(self._work.record_call(profile, call, on))

    def statement(
        self, wallet: Wallet, *, since: date | None = None, until: date | None = None
    ) -> Statement | None:
        """Return a wallet's postings and balances from ``since`` to the day before ``until``.

        None if the wallet has no postings at all.
        """
        return _run(self._work.statement(wallet, since, until))

    def run_due(self, *, on: date) -> Iterator[Outcome]:
        """Renew or end every due subscription, and yield an outcome for each profile and term.

        An active subscription is renewed at the tariff of the new term's first day. If credit is
        missing, the bundles are dropped if the offer allows it; after the grace period the
        subscription lapses. A cancelled subscription ends. Missed terms are settled one by one. A
        profile that fails does not stop the run, and is due again in the next run.

        The run can be stopped at any point and started again. Several workers can run at once: each
        term is charged once, though two workers may both yield an outcome for it.
        """
        outcomes = self._work.run_due(on)
        try:
            while True:
                yield _run(anext(outcomes))
        except StopAsyncIteration:
            return
        finally:
            _run(outcomes.aclose())

    def _decide_and_commit(self, steps: _Steps[Preview]) -> Decision:
        return self.commit(_run(steps))

    def _transfer_and_commit(self, steps: _Steps[TransferPreview]) -> Transfer:
        return self.commit(_run(steps))


class AsyncBilling(BillingActions[_Steps[Decision], _Steps[Transfer]]):
    """``Billing`` over an asynchronous store: the same actions, awaited.

    Raises:
        WrongType: ``store`` is a class or a synchronous store; or as for ``Billing``.
    """

    def __init__(
        self, store: AsyncStore, *, prices: Prices, extra_postings: ExtraPostings | None = None
    ) -> None:
        extra = check_extra_postings(extra_postings)
        work = Work(check_asynchronous(store), make_price_book(prices), extra)
        super().__init__(work, self._decide_and_commit, self._transfer_and_commit)

    @property
    def preview(self) -> BillingActions[_Steps[Preview], _Steps[TransferPreview]]:
        """See ``Billing.preview``."""
        work = attrs.evolve(self._work, settles_due=False)
        return BillingActions(work, lambda steps: steps, lambda steps: steps)

    @overload
    async def commit(self, preview: Preview) -> Decision: ...
    @overload
    async def commit(self, preview: TransferPreview) -> Transfer: ...
    async def commit(self, preview: Preview | TransferPreview) -> Decision | Transfer:
        """See ``Billing.commit``."""
        return await _commit(self._work.store, preview)

    async def record_call(self, profile: ProfileId, call: Call, *, on: date) -> Decision | None:
        """See ``Billing.record_call``."""
        return await self._work.record_call(profile, call, on)

    async def statement(
        self, wallet: Wallet, *, since: date | None = None, until: date | None = None
    ) -> Statement | None:
        """See ``Billing.statement``."""
        return await self._work.statement(wallet, since, until)

    def run_due(self, *, on: date) -> AsyncIterator[Outcome]:
        """See ``Billing.run_due``."""
        return self._work.run_due(on)

    async def _decide_and_commit(self, steps: _Steps[Preview]) -> Decision:
        return await self.commit(await steps)

    async def _transfer_and_commit(self, steps: _Steps[TransferPreview]) -> Transfer:
        return await self.commit(await steps)


@attrs.frozen
class _Awaitable:
    """A synchronous store whose methods can be awaited; the answers are there at once."""

    store: Store

    def __getattr__(self, name: str) -> Callable[..., _Steps[Any]]:
        method = getattr(self.store, name)

        async def call(*arguments: Any, **keywords: Any) -> Any:
            return method(*arguments, **keywords)

        return call


def _run(steps: Awaitable[T]) -> T:
    """Return the result of steps that never wait: they are done after the first step."""
    try:
        next(steps.__await__())
    except StopIteration as done:
        result: T = done.value
        return result
    raise AssertionError("a synchronous store answers at once")  # pragma: no cover


async def _preview_transfer(
    transfer: Callable[P, Transfer], *arguments: P.args, **keywords: P.kwargs
) -> TransferPreview:
    """Return a preview of the transfer; a wrong argument is refused when this is awaited."""
    return TransferPreview(transfer(*arguments, **keywords))


async def _commit(store: AsyncStore, preview: Preview | TransferPreview) -> Decision | Transfer:
    instance("preview", preview, Preview, TransferPreview)
    if isinstance(preview, TransferPreview):
        await store.commit(preview.transfer, expected=None)
        return preview.transfer
    await store.commit(preview.decision, expected=preview.revision)
    return preview.decision
