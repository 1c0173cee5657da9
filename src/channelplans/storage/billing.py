"""``Billing`` and ``AsyncBilling``: load, decide, commit over a store.

Every action is written once, as a coroutine over an asynchronous store. ``AsyncBilling`` returns
the coroutine. ``Billing`` runs it at once over a synchronous store, so it needs no event loop.
"""

from collections.abc import AsyncIterator, Coroutine, Iterator, Sequence
from datetime import date, timedelta
from typing import Any, TypeAlias, TypeVar, overload

from channelplans._checks import instance, several, shown
from channelplans.calls import Call
from channelplans.errors import WrongType
from channelplans.money import Currency, Money
from channelplans.storage import _reading
from channelplans.storage._billing_actions import BillingActions
from channelplans.storage._extra_postings import ExtraPostings, check_extra_postings
from channelplans.storage._outcomes import Outcomes
from channelplans.storage._store_checks import check_asynchronous, check_synchronous
from channelplans.storage._synchronous import make_awaitable, run_at_once
from channelplans.storage._work import Work
from channelplans.storage.ports import (
    AsyncStore,
    Outcome,
    Preview,
    Shard,
    Store,
    TransferPreview,
)
from channelplans.subscriptions.credit_lots import LotRule
from channelplans.subscriptions.decisions import Decision, Transfer
from channelplans.subscriptions.identifiers import AccountId, ProfileId
from channelplans.subscriptions.invoices import Invoice
from channelplans.subscriptions.price_books import Prices, make_price_book
from channelplans.subscriptions.subscription import Subscription
from channelplans.subscriptions.wallets import Statement, Wallet

__all__ = ["AsyncBilling", "Billing", "BillingActions"]

T = TypeVar("T")

_Steps: TypeAlias = Coroutine[Any, Any, T]


class Billing(BillingActions[Decision, Transfer]):
    """A billing service over a store: each action returns what it committed.

    A person confirms a price. So an action raises Conflict if the subscription has changed since
    it was loaded, and so does ``commit`` of a preview. Only ``record_call``, ``catch_up`` and the
    runs, which nobody confirms, decide again.

    Args:
        store: where subscriptions, postings and decisions are kept.
        prices: a ``PriceBook``, a ``Tariff``, a ``Catalogue``, or a function of an account, an
            offer and a day that returns a ``Tariff``; ``make_price_book`` says what each means.
        extra_postings: a function that returns postings of the application for a decision, such as
            tax. They are committed together with the decision, and the wallets must be able to pay
            all of it. Each posting must have a wallet of the decision's account, the decision's day
            and the subscription's currency. The function is asked for previews, actions, calls and
            renewals, and must return equal postings for equal decisions. It is asked for a lapse
            too: return no payment for it, or the unpaid subscription never lapses.
        lot_rules: when credit expires, for ``expire_credit``; by default it never does.

    Raises:
        WrongType: ``store`` is a class, lacks methods of ``Store`` or is asynchronous; ``prices``,
            ``extra_postings`` or ``lot_rules`` has the wrong type. An action raises it if the
            prices or the function return a wrong type.

    >>> from datetime import date
    >>> from channelplans import EUR, SKYPE_CONNECT, Billing, MemoryStore, Money
    >>> from channelplans import Tariff, Wallet
    >>> tariff = Tariff("list", EUR, channel="6.95", bundle="10", minute="0.021")
    >>> billing = Billing(MemoryStore(), prices=tariff)
    >>> acme, fifty, day = Wallet("acme"), Money.of("50", EUR), date(2026, 1, 5)
    >>> paid_in = billing.deposit(acme, fifty, transfer="p-1", on=day)
    >>> plan = SKYPE_CONNECT.plan(channels=5)
    >>> purchase = billing.buy(
    ...     plan, account="acme", profile="berlin", subscription="berlin 1", on=day
    ... )
    >>> print(billing.balance(acme))
    15.25 EUR
    >>> outcomes = billing.run_due(on=date(2026, 2, 5))
    >>> print(*outcomes)  # doctest: +NORMALIZE_WHITESPACE
    profile 'berlin' of account 'acme', 2026-01-05 to 2026-02-04: lapse;
    account 'acme' holds 15.25 EUR, but 34.75 EUR is needed; 19.50 EUR is missing
    """

    def __init__(
        self,
        store: Store,
        *,
        prices: Prices,
        extra_postings: ExtraPostings | None = None,
        lot_rules: Sequence[LotRule] = (),
    ) -> None:
        awaitable = make_awaitable(check_synchronous(store))
        self._work = work = _make_work(awaitable, prices, extra_postings, lot_rules)
        super().__init__(
            work.prices,
            lambda step: run_at_once(work.perform(step)),
            lambda make: run_at_once(work.transfer(make)),
        )

    @property
    def preview(self) -> BillingActions[Preview, TransferPreview]:
        """The same actions without the commit: ``billing.preview.cancel("acme", ...)``.

        A preview binds nobody; ``commit`` does exactly what it says, or nothing.

        >>> from datetime import date
        >>> from channelplans import EUR, SKYPE_CONNECT, Billing, MemoryStore, Tariff
        >>> billing = Billing(MemoryStore(), prices=Tariff("list", EUR, channel="6.95"))
        >>> plan, day = SKYPE_CONNECT.plan(channels=5), date(2026, 1, 5)
        >>> preview = billing.preview.buy(
        ...     plan, account="acme", profile="berlin", subscription="berlin 1", on=day
        ... )
        >>> print(preview.decision.after.quote.total)
        34.75 EUR
        >>> billing.subscription("acme", "berlin") is None  # nothing has been bought
        True
        """
        work = self._work
        return BillingActions(
            work.prices,
            lambda step: run_at_once(work.preview(step)),
            lambda make: run_at_once(work.preview_transfer(make)),
        )

    @overload
    def commit(self, preview: Preview) -> Decision: ...
    @overload
    def commit(self, preview: TransferPreview) -> Transfer: ...
    def commit(self, preview: Preview | TransferPreview) -> Decision | Transfer:
        """Commit a preview exactly as it is; committing it twice has the effect of once.

        If the account's wallet pays, its due subscriptions are settled first, as of the day of the
        preview. If the commit is then refused, ``error.done`` lists the tokens of what was settled.

        Args:
            preview: what an action of ``preview`` returned.

        Returns:
            The committed decision or transfer. A second commit of a preview returns the same.

        Raises:
            Conflict: the subscription has changed since the preview.
            InsufficientCredit: a wallet would end below zero.
            TokenReused: the identifier of a transfer or a request was used for something else.
        """
        return run_at_once(_commit(self._work, preview))

    def record_call(
        self, account: AccountId, profile: ProfileId, call: Call, *, on: date
    ) -> Decision:
        """Record a call, and return its decision, also if it was recorded before (H13, F 7.3).

        A call of the running term or of the term before is taken from that term's minutes, then
        from the wallets. A call that is delivered twice is recorded once. If the profile is due, or
        the account's wallet pays, the due subscriptions of the account are settled first. They stay
        settled if the call is then refused.

        Args:
            account: the account of the profile.
            profile: the profile that made the call.
            call: the call. Its id is unique within the account.
            on: the day of processing, on or after the day of the call.

        Raises:
            Conflict: other commits to the profile came first at every attempt.
            InsufficientCredit: a wallet would end below zero, and the offer does not allow it.
            TokenReused: the call's identifier was used for another call.
            TransitionNotAllowed, OutsideTerm, UnknownRate: see ``record_call`` in
                ``channelplans.subscriptions``.
        """
        return run_at_once(self._work.record_call(account, profile, call, on))

    def catch_up(self, account: AccountId, *, on: date) -> tuple[Outcome, ...]:
        """Renew or end every due subscription of an account, as ``run_due`` does for all accounts.

        A task queue can give each worker one account.

        Args:
            account: the account.
            on: the civil day of the run.

        Returns:
            An outcome for each profile and term that was due, which ``print`` shows as a table.
        """
        return Outcomes(run_at_once(self._work.catch_up(account, on)))

    def run_due(self, *, on: date, shard: Shard | None = None) -> tuple[Outcome, ...]:
        """Renew or end every due subscription; return an outcome for each profile and term.

        An active subscription is renewed at the tariff of the new term's first day. If credit is
        missing, the bundles are dropped if the offer allows it. The subscription lapses on the day
        after its due date, or after its grace period. A cancelled subscription ends. A late run
        gives the same subscriptions and balances as a run on each day: it replays the days of each
        account, and its postings have a value date. A profile or an account that fails does not
        stop the run, and is due again in the next run.

        The run can be stopped at any point and started again. Several workers can run at once: each
        term is charged once, though two workers may both return an outcome for it.

        Args:
            on: the civil day of the run; all workers of one run pass the same day.
            shard: ``(k, n)`` gives one of n workers its own accounts, with k from 0 to n - 1. None
                means all accounts.

        Returns:
            The outcomes, which ``print`` and a notebook show as a table.

        Raises:
            InvalidValue: the shard does not exist.

        >>> from datetime import date
        >>> from channelplans import EUR, SKYPE_CONNECT, Billing, MemoryStore, Money, Tariff, Wallet
        >>> billing = Billing(MemoryStore(), prices=Tariff("made up", EUR, channel="6.95"))
        >>> acme, day = Wallet("acme"), date(2026, 1, 5)
        >>> paid_in = billing.deposit(acme, Money.of("100", EUR), transfer="p-1", on=day)
        >>> purchase = billing.buy(
        ...     SKYPE_CONNECT.plan(channels=5),
        ...     account="acme",
        ...     profile="berlin",
        ...     subscription="s-1",
        ...     on=day,
        ... )
        >>> print(billing.run_due(on=date(2026, 2, 4)))
        1 outcome; renew: 1
        What the run did
        account  profile  term                      result  reason
        -------  -------  ------------------------  ------  ------
        acme     berlin   2026-01-05 to 2026-02-04  renew
        """
        return Outcomes(self.iter_due(on=on, shard=shard))

    def iter_due(self, *, on: date, shard: Shard | None = None) -> Iterator[Outcome]:
        """Do what ``run_due`` does while it is iterated, and yield each outcome as it is committed.

        The iterator has a length hint, for progress bars: the due profiles that the store has
        listed and that are not settled yet. A store lists them page by page, so the hint is an
        estimate that rises with each page.

        Args:
            on: as for ``run_due``.
            shard: as for ``run_due``.

        Raises:
            InvalidValue: the shard does not exist.
        """
        return DueRun(self._work.run_due(on, shard))

    def subscription(self, account: AccountId, profile: ProfileId) -> Subscription | None:
        """Return the latest subscription of a profile, ended ones included; None if there is none.

        A due subscription is returned as it is stored; it is not settled before.

        Args:
            account: the account of the profile.
            profile: the profile.
        """
        return run_at_once(self._work.subscription(account, profile))

    def balance(self, wallet: Wallet) -> Money:
        """Return the balance of a wallet.

        Args:
            wallet: the wallet of an account or of a profile.

        Raises:
            UnknownWallet: the wallet has no postings.
        """
        return run_at_once(_reading.balance(self._work.store, wallet))

    def statement(
        self,
        wallet: Wallet,
        *,
        since: date | None = None,
        until: date | None = None,
        currency: Currency | None = None,
    ) -> Statement:
        """Return a wallet's postings, sorted by value date, with the balance after each.

        The postings of one day are in commit order.

        Args:
            wallet: the wallet of an account or of a profile.
            since: the first value date; None means from the first posting on.
            until: the first value date to leave out; None means up to the last posting.
            currency: the currency of the empty statement of a wallet without postings.

        Raises:
            UnknownWallet: the wallet has no postings, and no currency was passed.
        """
        return run_at_once(_reading.statement(self._work.store, wallet, since, until, currency))

    def invoice(
        self, account: AccountId, *, since: date, until: date, currency: Currency | None = None
    ) -> Invoice:
        """Return what an account was charged in a period, and how its balance changed.

        Settle due subscriptions before, with ``run_due`` or ``catch_up``: a late run books postings
        of past days, and an invoice of these days then has more lines.

        Args:
            account: the account.
            since: the first value date.
            until: the first value date to leave out.
            currency: the currency of the empty invoice of an account without postings.

        Raises:
            UnknownWallet: the account has no postings, and no currency was passed.
            InvalidValue: ``until`` is not after ``since``.
            CurrencyMismatch: the wallets of the account are in several currencies.
        """
        return run_at_once(_reading.invoice(self._work.store, account, since, until, currency))

    def expire_credit(self, wallet: Wallet, *, on: date) -> tuple[Transfer, ...]:
        """Take the credit that is expired on a day out of a wallet; return what was committed.

        The ``lot_rules`` of the service say when credit expires. The wallets of the whole account
        are read, because credit keeps its expiry when it moves between them. If postings come in
        meanwhile, the expiries are computed again, so credit that was used does not expire.

        Args:
            wallet: the wallet of an account or of a profile.
            on: the civil day of the expiries.

        Raises:
            Conflict: other postings came in at every attempt.
        """
        return tuple(run_at_once(self._work.expire_credit(wallet, on)))

    def admits(
        self, account: AccountId, profile: ProfileId, active_calls: int, *, on: date
    ) -> bool:
        """Return whether a profile can carry one more call on a day (H2).

        The due subscriptions of the account are settled first, so that a profile with enough credit
        is not refused between the end of its term and the nightly run.

        Args:
            account: the account of the profile.
            profile: the profile.
            active_calls: the number of calls that the profile carries now.
            on: the civil day of the new call.

        Raises:
            InvalidValue: the number of calls is below zero.
        """
        return run_at_once(self._work.admits(account, profile, active_calls, on))

    def longest_call(
        self, account: AccountId, profile: ProfileId, call: Call, *, on: date
    ) -> timedelta:
        """Return how long a call that begins can last with the present minutes and credit (F 3.5).

        The due subscriptions of the account are settled first. The length is zero if the profile
        is not active on the day of the call. In a grace period there are no minutes.

        Args:
            account: the account of the profile.
            profile: the profile that makes the call.
            call: the call that begins; its own duration is ignored.
            on: the civil day on which the question is asked.

        Raises:
            BarredNumber, UnknownRate: see ``longest_call`` in ``channelplans``.
        """
        return run_at_once(self._work.longest_call(account, profile, call, on))


class DueRun(Iterator[Outcome]):
    """The outcomes of a run, one at a time; the run pauses until you ask for the next one."""

    def __init__(self, outcomes: AsyncIterator[tuple[Outcome | None, int]]) -> None:
        self._outcomes = outcomes
        self._hint: int | None = None
        self._error: Exception | None = None

    def __next__(self) -> Outcome:
        if self._error is not None:
            error, self._error = self._error, None
            raise error
        outcome = None
        while outcome is None:
            outcome = self._advance()
        return outcome

    def __length_hint__(self) -> int:
        if self._hint is None:
            try:
                self._advance()  # reads the first page, and settles nothing
            except Exception as error:  # noqa: BLE001 - list() would ignore a TypeError from here
                self._hint, self._error = 0, error  # the next outcome raises it
        return self._hint or 0

    def _advance(self) -> Outcome | None:
        """Return the next outcome, or None if a page was read."""
        try:
            outcome, self._hint = run_at_once(anext(self._outcomes))
        except StopAsyncIteration:
            self._hint = 0
            raise StopIteration from None
        return outcome


class AsyncBilling(BillingActions[_Steps[Decision], _Steps[Transfer]]):
    """``Billing`` over an asynchronous store: the same actions, awaited.

    The constructor and the methods take the arguments of ``Billing``, and raise the same errors.

    Raises:
        WrongType: ``store`` is synchronous; or as for ``Billing``.
    """

    def __init__(
        self,
        store: AsyncStore,
        *,
        prices: Prices,
        extra_postings: ExtraPostings | None = None,
        lot_rules: Sequence[LotRule] = (),
    ) -> None:
        checked_store = check_asynchronous(store)
        self._work = _make_work(checked_store, prices, extra_postings, lot_rules)
        super().__init__(self._work.prices, self._work.perform, self._work.transfer)

    @property
    def preview(self) -> BillingActions[_Steps[Preview], _Steps[TransferPreview]]:
        """See ``Billing.preview``."""
        work = self._work
        return BillingActions(work.prices, work.preview, work.preview_transfer)

    @overload
    async def commit(self, preview: Preview) -> Decision: ...
    @overload
    async def commit(self, preview: TransferPreview) -> Transfer: ...
    async def commit(self, preview: Preview | TransferPreview) -> Decision | Transfer:
        """See ``Billing.commit``."""
        return await _commit(self._work, preview)

    async def record_call(
        self, account: AccountId, profile: ProfileId, call: Call, *, on: date
    ) -> Decision:
        """See ``Billing.record_call``."""
        return await self._work.record_call(account, profile, call, on)

    async def catch_up(self, account: AccountId, *, on: date) -> tuple[Outcome, ...]:
        """See ``Billing.catch_up``."""
        return Outcomes(await self._work.catch_up(account, on))

    async def run_due(self, *, on: date, shard: Shard | None = None) -> tuple[Outcome, ...]:
        """See ``Billing.run_due``."""
        return Outcomes([outcome async for outcome in self.iter_due(on=on, shard=shard)])

    async def iter_due(self, *, on: date, shard: Shard | None = None) -> AsyncIterator[Outcome]:
        """See ``Billing.iter_due``; an asynchronous iterator has no length hint."""
        async for outcome, _ in self._work.run_due(on, shard):
            if outcome is not None:
                yield outcome

    async def subscription(self, account: AccountId, profile: ProfileId) -> Subscription | None:
        """See ``Billing.subscription``."""
        return await self._work.subscription(account, profile)

    async def balance(self, wallet: Wallet) -> Money:
        """See ``Billing.balance``."""
        return await _reading.balance(self._work.store, wallet)

    async def statement(
        self,
        wallet: Wallet,
        *,
        since: date | None = None,
        until: date | None = None,
        currency: Currency | None = None,
    ) -> Statement:
        """See ``Billing.statement``."""
        return await _reading.statement(self._work.store, wallet, since, until, currency)

    async def invoice(
        self, account: AccountId, *, since: date, until: date, currency: Currency | None = None
    ) -> Invoice:
        """See ``Billing.invoice``."""
        return await _reading.invoice(self._work.store, account, since, until, currency)

    async def expire_credit(self, wallet: Wallet, *, on: date) -> tuple[Transfer, ...]:
        """See ``Billing.expire_credit``."""
        return tuple(await self._work.expire_credit(wallet, on))

    async def admits(
        self, account: AccountId, profile: ProfileId, active_calls: int, *, on: date
    ) -> bool:
        """See ``Billing.admits``."""
        return await self._work.admits(account, profile, active_calls, on)

    async def longest_call(
        self, account: AccountId, profile: ProfileId, call: Call, *, on: date
    ) -> timedelta:
        """See ``Billing.longest_call``."""
        return await self._work.longest_call(account, profile, call, on)


async def _commit(work: Work, preview: Preview | TransferPreview) -> Decision | Transfer:
    if not isinstance(preview, (Preview, TransferPreview)):
        expected = "a Preview or a TransferPreview (pass the preview itself)"
        raise WrongType("preview", shown(preview), expected)
    if isinstance(preview, TransferPreview):
        return await work.confirm_transfer(preview.transfer)
    return await work.confirm(preview)


def _make_work(
    store: AsyncStore,
    prices: Prices,
    extra_postings: ExtraPostings | None,
    lot_rules: Sequence[LotRule],
) -> Work:
    rules = several("lot_rules", lot_rules, lambda name, rule: instance(name, rule, LotRule))
    return Work(store, make_price_book(prices), check_extra_postings(extra_postings), rules)
