"""What both billing services do, written once over an asynchronous store.

``billing`` awaits these coroutines, or runs them at once over a synchronous store. Which decision
an action makes is known to ``subscriptions``, how due terms are settled to ``_settlement``, and
how a retry is recognized to ``_steps``.
"""

from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import suppress
from datetime import date, timedelta
from typing import Final

import attrs

from channelplans._checks import bounded, civil_day, identifier, instance
from channelplans.calls import Call, longest_call
from channelplans.errors import (
    ChannelPlansError,
    Conflict,
    InsufficientCredit,
    NotOffered,
    OutsideTerm,
    TokenReused,
    TransitionNotAllowed,
    UnknownEdition,
)
from channelplans.money import Currency, Money
from channelplans.storage._account_days import CONFLICTS, is_due
from channelplans.storage._extra_postings import ExtraPostings, add_extra_postings
from channelplans.storage._pages import Walk
from channelplans.storage._reading import postings_of_account
from channelplans.storage._settlement import ATTEMPTS, Settlement
from channelplans.storage._steps import (
    Step,
    request_token,
    same_call,
    same_request,
    same_transfer,
)
from channelplans.storage.ports import (
    AsyncStore,
    Outcome,
    Preview,
    Shard,
    Stored,
    TransferPreview,
    check_shard,
)
from channelplans.subscriptions.call_records import (
    call_token,
    minutes_for,
    quote_for,
    record_call,
)
from channelplans.subscriptions.credit_lots import LotRule, expiries, merge_wallets
from channelplans.subscriptions.decisions import Decision, Transfer
from channelplans.subscriptions.identifiers import AccountId, ProfileId, Token
from channelplans.subscriptions.price_books import PriceBook
from channelplans.subscriptions.subscription import Action, Subscription
from channelplans.subscriptions.transfers import expire_credit
from channelplans.subscriptions.wallets import Wallet

__all__: tuple[str, ...] = ()

#: The reasons for which a term is unpaid while its subscription can still be acted on.
_UNPAID: Final = (InsufficientCredit, NotOffered, UnknownEdition)


@attrs.frozen
class Work:
    """The steps of every action: settle due terms, load the subscription, decide, commit."""

    store: AsyncStore
    prices: PriceBook
    extra_postings: ExtraPostings | None = None
    lot_rules: tuple[LotRule, ...] = ()

    # Actions on a subscription

    async def perform(self, step: Step) -> Decision:
        """Settle due terms, decide and commit; a retry returns the decision of the first try."""
        step.check()
        committed = await self._find_request(step)
        if committed is not None:
            return committed
        outcomes = await self.catch_up(step.account, step.on)
        try:
            _raise_failure(outcomes, step.profile)
            return await self.commit(await self._decide(step))
        except Exception as error:
            _note_done(error, outcomes)
            raise

    async def preview(self, step: Step) -> Preview:
        """Decide and commit nothing, not even a due renewal."""
        step.check()
        committed = await self._find_request(step)
        if committed is not None:
            return Preview(committed, None)
        await self._refuse_if_due(step)
        return await self._decide(step)

    async def confirm(self, preview: Preview) -> Decision:
        """Settle due terms if the account's wallet pays, and commit a preview exactly as it is."""
        outcomes = await self._settle_before(preview.decision)
        try:
            return await self.commit(preview)
        except Exception as error:
            _note_done(error, outcomes)
            raise

    async def commit(self, preview: Preview) -> Decision:
        """Commit a preview; if its request was committed in the meantime, return that decision."""
        decision = preview.decision
        try:
            await self.store.commit(decision, expected=preview.revision)
        except CONFLICTS:
            if decision.request is None:
                raise
            found = await self._find(decision.account, decision.token)
            committed = same_request(found, decision.request)
            if committed is None:
                raise
            return committed
        return decision

    async def record_call(
        self, account: AccountId, profile: ProfileId, call: Call, on: date
    ) -> Decision:
        """Record a call, or return the decision that recorded it before."""
        civil_day("on", on)
        outcomes: list[Outcome] = []
        try:
            return await self._record_call(account, profile, call, on, outcomes)
        except Exception as error:
            _note_done(error, outcomes)
            raise

    # Movements of credit

    async def transfer(self, make: Callable[[], Transfer]) -> Transfer:
        """Make a transfer and commit it, as ``confirm_transfer`` does."""
        return await self.confirm_transfer(make())

    async def confirm_transfer(self, transfer: Transfer) -> Transfer:
        """Settle due terms if the account's wallet pays, and commit the transfer."""
        found = await self._find(transfer.account, transfer.token)
        committed = same_transfer(found, transfer)
        if committed is not None:
            return committed
        outcomes = await self._settle_before(transfer)
        try:
            return await self.commit_transfer(transfer)
        except Exception as error:
            _note_done(error, outcomes)
            raise

    async def preview_transfer(self, make: Callable[[], Transfer]) -> TransferPreview:
        """Make the transfer and commit nothing."""
        transfer = make()
        found = await self._find(transfer.account, transfer.token)
        return TransferPreview(same_transfer(found, transfer) or transfer)

    async def commit_transfer(self, transfer: Transfer) -> Transfer:
        """Commit a transfer; if it was committed in the meantime, return that one."""
        try:
            await self.store.commit(transfer, expected=None)
        except TokenReused:
            found = await self._find(transfer.account, transfer.token)
            committed = same_transfer(found, transfer)
            if committed is None:
                raise
            return committed
        return transfer

    async def expire_credit(self, wallet: Wallet, on: date) -> list[Transfer]:
        """Commit an expiry for each expired lot of a wallet; compute again if postings came in."""
        civil_day("on", on)
        instance("wallet", wallet, Wallet)
        outcomes: Sequence[Outcome] = ()
        if wallet.profile is None:
            outcomes = await self.catch_up(wallet.account, on)
        committed: list[Transfer] = []
        try:
            for _ in range(ATTEMPTS - 1):
                with suppress(Conflict):
                    return await self._expire_once(wallet, on, committed)
            return await self._expire_once(wallet, on, committed)
        except Exception as error:
            _note_done(error, outcomes, committed)
            raise

    async def _expire_once(
        self, wallet: Wallet, on: date, committed: list[Transfer]
    ) -> list[Transfer]:
        histories = await postings_of_account(self.store, wallet)
        seen = len(histories[wallet])
        merged = merge_wallets([*histories.values()])
        for expiry in expiries(merged, self.lot_rules, on=on):
            if expiry.wallet == wallet:
                name = expiry.reference or f"expiry on {on} after {seen} postings"
                transfer = expire_credit(wallet, -expiry.amount, transfer=name, on=on, seen=seen)
                committed.append(await self.commit_transfer(transfer))
                seen += 1
        return committed

    # Due terms

    async def catch_up(self, account: AccountId, on: date) -> list[Outcome]:
        """Settle everything that is due of an account."""
        civil_day("on", on)
        outcomes = self._settlement.settle(identifier("account", account), on)
        return [outcome async for outcome in outcomes]

    async def run_due(
        self, on: date, shard: Shard | None
    ) -> AsyncIterator[tuple[Outcome | None, int]]:
        """Settle every due account; yield each outcome and the number of due profiles to come.

        The number counts the profiles of the page that was read last. When a page is read, None is
        yielded with the number, before the first profile is settled.
        """
        civil_day("on", on)
        check_shard(shard)
        settled = set[AccountId]()
        walk, cursor = Walk(), None
        while True:
            page = await self.store.due(on, shard=shard, cursor=cursor)
            to_come = len(page.items)
            yield None, to_come
            for account, count in Counter(account for account, _ in page.items).items():
                to_come -= count
                if account in settled:
                    continue
                settled.add(account)
                profiles = set[ProfileId | None]()
                async for outcome in _settle_or_fail(self._settlement, account, on):
                    profiles.add(outcome.profile)
                    yield outcome, to_come + max(0, count - len(profiles))
            cursor = walk.next_cursor(page)
            if cursor is None:
                return

    # Questions

    async def subscription(self, account: AccountId, profile: ProfileId) -> Subscription | None:
        """Return the latest subscription of a profile; None if it never had one."""
        stored = await self._load(account, profile)
        return None if stored is None else stored.value

    async def admits(
        self, account: AccountId, profile: ProfileId, active_calls: int, on: date
    ) -> bool:
        """Settle due terms, and return whether the profile can carry one more call."""
        bounded("active_calls", active_calls, 0)
        subscription = await self._settled(account, profile, on)
        return subscription is not None and subscription.admits(active_calls, on=on)

    async def longest_call(
        self, account: AccountId, profile: ProfileId, call: Call, on: date
    ) -> timedelta:
        """Settle due terms, and return the longest length that minutes and credit can pay."""
        instance("call", call, Call)
        subscription = await self._settled(account, profile, on)
        if subscription is None or not subscription.active_on(call.day):
            return timedelta(0)
        paid = quote_for(subscription, call)
        tariff = self.prices.for_call(subscription, call, paid)
        return longest_call(
            call,
            minutes_for(subscription, call),
            tariff,
            offer=paid.plan.offer,
            account=await self._balance(Wallet(account), tariff.currency),
            profile=await self._balance(Wallet(account, profile), tariff.currency),
        )

    # Parts of the above

    @property
    def _settlement(self) -> Settlement:
        return Settlement(self.store, self.prices, self.extra_postings)

    async def _settle_before(self, debit: Decision | Transfer) -> Sequence[Outcome]:
        """Settle the due terms of an account before its wallet pays for something else."""
        delta = debit.deltas.get(Wallet(debit.account))
        if delta is None or delta.minor >= 0:
            return ()
        return await self.catch_up(debit.account, debit.on)

    async def _balance(self, wallet: Wallet, currency: Currency) -> Money:
        """Return the balance of a wallet; zero in the currency if it has no postings."""
        balance = await self.store.balance(wallet)
        return Money.zero(currency) if balance is None else balance

    async def _load(self, account: AccountId, profile: ProfileId) -> Stored[Subscription] | None:
        return await self.store.subscription(
            identifier("account", account), identifier("profile", profile)
        )

    async def _find(self, account: AccountId, token: Token) -> Decision | Transfer | None:
        return await self.store.decision(account, token)

    async def _find_request(self, step: Step) -> Decision | None:
        """Return the decision that was committed for the idempotency key, if there is one."""
        key = step.key
        if key is None:
            return None
        return same_request(await self._find(step.account, request_token(key)), key)

    async def _settled(
        self, account: AccountId, profile: ProfileId, on: date
    ) -> Subscription | None:
        """Settle the due terms of the account, and return the subscription of a profile."""
        outcomes = await self.catch_up(account, on)
        try:
            _raise_failure(outcomes, profile)
            return await self.subscription(account, profile)
        except Exception as error:
            _note_done(error, outcomes)
            raise

    async def _decide(self, step: Step) -> Preview:
        stored = await self._load(step.account, step.profile)
        if step.action is not Action.BUY:
            stored = _bought(stored, step.action, step.account, step.profile)
        decision = step.decide(None if stored is None else stored.value)
        key = step.key
        if key is not None:
            decision = attrs.evolve(decision, request=key, token=request_token(key))
        complete = add_extra_postings(decision, self.extra_postings)
        return Preview(complete, None if stored is None else stored.revision)

    async def _refuse_if_due(self, step: Step) -> None:
        """Refuse a preview if the action would first renew or end the profile's term."""
        settlement = attrs.evolve(self._settlement, dry_run=True)
        async for outcome in settlement.settle(step.account, step.on):
            if outcome.profile == step.profile and outcome.decision and outcome.term:
                required, term = outcome.decision.action.value, outcome.term
                advice = f"first {required} the term that ended; catch_up does it"
                raise OutsideTerm(step.action.value, step.on, term.start, term.end, advice)

    async def _record_call(
        self,
        account: AccountId,
        profile: ProfileId,
        call: Call,
        on: date,
        outcomes: list[Outcome],
    ) -> Decision:
        """Record a call; decide again after a conflict. Add what is settled to the outcomes."""
        for _ in range(ATTEMPTS):
            found = await self._find_or_load(account, profile, call)
            if isinstance(found, Decision):
                return found
            preview = await self._preview_call(found, call, on, outcomes)
            try:
                return await self.commit(preview)
            except CONFLICTS as error:
                conflict = error
        raise conflict

    async def _find_or_load(
        self, account: AccountId, profile: ProfileId, call: Call
    ) -> Decision | Stored[Subscription]:
        """Return the decision that recorded a call, or the subscription if there is none."""
        stored = await self._load(account, profile)
        # Look the token up after loading: a later commit of the same call changes the revision.
        found = await self._find(account, call_token(call))
        committed = same_call(found, profile, call)
        if committed is not None:
            return committed
        return _bought(stored, Action.RECORD_CALL, account, profile)

    async def _preview_call(
        self, stored: Stored[Subscription], call: Call, on: date, outcomes: list[Outcome]
    ) -> Preview:
        """Settle due terms if the subscription is due or the account pays; decide the call."""
        account, profile = stored.value.account, stored.value.profile
        decision = None
        if not is_due(stored.value, on):
            decision = self._decide_call(stored.value, call, on)
        if decision is None or Wallet(account) in decision.deltas:
            settled = await self.catch_up(account, on)
            outcomes += settled
            _raise_failure(settled, profile)
            loaded = await self._load(account, profile)
            stored = _bought(loaded, Action.RECORD_CALL, account, profile)
            decision = self._decide_call(stored.value, call, on)
        return Preview(decision, stored.revision)

    def _decide_call(self, subscription: Subscription, call: Call, on: date) -> Decision:
        paid = quote_for(subscription, call)
        tariff = self.prices.for_call(subscription, call, paid)
        decision = record_call(subscription, call, tariff, on=on)
        return add_extra_postings(decision, self.extra_postings)


async def _settle_or_fail(
    settlement: Settlement, account: AccountId, on: date
) -> AsyncIterator[Outcome]:
    """Settle an account; a failure is an outcome, so that other accounts are settled too."""
    try:
        async for outcome in settlement.settle(account, on):
            yield outcome
    except Exception as error:  # noqa: BLE001 - one account must not stop the run
        yield Outcome(account, None, None, None, error)


def _bought(
    stored: Stored[Subscription] | None, action: Action, account: AccountId, profile: ProfileId
) -> Stored[Subscription]:
    """Return a stored subscription; refuse an action on a profile that never had one."""
    if stored is None:
        possible = (Action.BUY.value,)
        raise TransitionNotAllowed(action.value, "not bought yet", possible, account, profile)
    return stored


def _raise_failure(outcomes: Sequence[Outcome], profile: ProfileId) -> None:
    """Raise the error of a profile whose term could not be settled, unless it is only unpaid."""
    for outcome in outcomes:
        is_unsettled = outcome.profile == profile and outcome.decision is None
        if is_unsettled and outcome.error and not isinstance(outcome.error, _UNPAID):
            raise outcome.error


def _note_done(
    error: Exception, outcomes: Sequence[Outcome], transfers: Sequence[Transfer] = ()
) -> None:
    """Let an error say which decisions and transfers were committed before it."""
    settled = (outcome.decision.token for outcome in outcomes if outcome.decision)
    tokens = (*settled, *(transfer.token for transfer in transfers))
    if not tokens:
        return
    if isinstance(error, ChannelPlansError):
        error.done = (*error.done, *tokens)
    error.add_note(f"Before this error was raised, this was committed: {', '.join(tokens)}")
