"""What both billing services do, written once over an asynchronous store.

``billing`` awaits these coroutines, or runs them at once over a synchronous store. Which decision
an action makes is known to ``subscriptions.actions``, not here.
"""

from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import suppress
from datetime import date
from inspect import iscoroutinefunction
from typing import Final, TypeVar

import attrs

from channelplans._checks import civil_day, instance, shown, text
from channelplans.calendar import Term
from channelplans.calls import Call
from channelplans.errors import (
    ChannelPlansError,
    Conflict,
    InsufficientCredit,
    TokenReused,
    TransitionNotAllowed,
    WrongType,
)
from channelplans.money import Money
from channelplans.storage._extra_postings import ExtraPostings, add_extra_postings
from channelplans.storage.ports import AsyncStore, Cursor, Outcome, Preview, Revision, Stored
from channelplans.subscriptions import actions
from channelplans.subscriptions.decisions import Decision
from channelplans.subscriptions.identifiers import ProfileId
from channelplans.subscriptions.price_books import PriceBook
from channelplans.subscriptions.subscription import Action, Status, Subscription
from channelplans.subscriptions.wallets import Statement, Wallet

__all__: tuple[str, ...] = ()

T = TypeVar("T")

#: How often an action that nobody confirms is decided again before it is given up. Each conflict
#: means that another worker succeeded, so only a very busy profile reaches this number.
_ATTEMPTS: Final = 20

_CONFLICTS: Final = (Conflict, TokenReused)


def check_store(store: T) -> T:
    """Return a store; refuse a class, which is often passed by mistake instead of an instance."""
    if isinstance(store, type):
        raise WrongType("store", shown(store), f"a store, such as {store.__name__}()")
    return store


def check_synchronous(store: T) -> T:
    """Return a store; refuse an asynchronous one, whose commits would never run."""
    if iscoroutinefunction(getattr(check_store(store), "commit", None)):
        expected = "a synchronous store; AsyncBilling works over an asynchronous one"
        raise WrongType("store", shown(store), expected)
    return store


def check_asynchronous(store: T) -> T:
    """Return a store; refuse one whose ``commit`` is not ``async def``, before it commits."""
    if not iscoroutinefunction(getattr(check_store(store), "commit", None)):
        expected = "an asynchronous store (async def); Billing works over a synchronous one"
        raise WrongType("store", shown(store), expected)
    return store


@attrs.frozen
class Work:
    """The steps of every action: load the subscription, decide, commit.

    Unless ``settles_due`` is False, as for a preview, a due subscription is settled first.
    """

    store: AsyncStore
    prices: PriceBook
    extra_postings: ExtraPostings | None = None
    settles_due: bool = True

    async def preview_purchase(
        self, profile: ProfileId, on: date, decide: Callable[[Subscription | None], Decision]
    ) -> Preview:
        stored = await self._current(profile, on)
        if stored is None:
            return Preview(self._complete(decide(None)), None)
        return Preview(self._complete(decide(stored.value)), stored.revision)

    async def preview_action(
        self,
        action: Action,
        profile: ProfileId,
        on: date,
        decide: Callable[[Subscription], Decision],
    ) -> Preview:
        stored = _require_subscription(action, await self._current(profile, on))
        return Preview(self._complete(decide(stored.value)), stored.revision)

    async def record_call(self, profile: ProfileId, call: Call, on: date) -> Decision | None:
        for _ in range(_ATTEMPTS - 1):
            with suppress(*_CONFLICTS):
                return await self._record_call_once(profile, call, on)
        return await self._record_call_once(profile, call, on)

    async def statement(
        self, wallet: Wallet, since: date | None, until: date | None
    ) -> Statement | None:
        for parameter, day in {"since": since, "until": until}.items():
            if day is not None:
                civil_day(parameter, day)
        balance = await self.store.balance(instance("wallet", wallet, Wallet))
        if balance is None:
            return None
        booked = await self.store.postings(wallet, until=until)
        opening, listed = Money(minor=0, currency=balance.currency), []
        for posting in (entry.posting for entry in booked):
            if since is not None and posting.on < since:
                opening += posting.amount
            else:
                listed.append(posting)
        return Statement(wallet, opening, tuple(listed))

    async def run_due(self, on: date) -> AsyncGenerator[Outcome, None]:
        civil_day("on", on)
        still_due = set[ProfileId]()
        cursor: Cursor | None = None
        while True:
            page = await self.store.due(on, cursor=cursor)
            for profile in page.profiles:
                if profile in still_due:
                    continue
                outcome = await self._settle_term(profile, on)
                while outcome is not None:
                    yield outcome
                    if outcome.decision is None:
                        still_due.add(profile)
                    outcome = await self._settle_next_term(outcome, on)
            cursor = page.next
            if cursor is None:
                return

    def _complete(self, decision: Decision) -> Decision:
        """Return a decision with the application's postings."""
        return add_extra_postings(decision, self.extra_postings)

    async def _load(self, profile: ProfileId) -> Stored[Subscription] | None:
        return await self.store.subscription(text("profile", profile))

    async def _current(
        self, profile: ProfileId, on: date, *, call: Call | None = None
    ) -> Stored[Subscription] | None:
        """Load the subscription of a profile, after settling what is due.

        A call that began before the end of the term finds its minutes in the grace period too. A
        call is recorded even if the credit for the next term is missing.
        """
        stored = await self._load(profile)
        due_by = civil_day("on", on) if call is None else min(call.day, on)
        if stored is None or not _is_due(stored.value, due_by) or not self.settles_due:
            return stored
        outcome = await self._settle_term(profile, on)
        while outcome is not None:
            lacks_credit = outcome.decision is None
            if outcome.error and (outcome.failed or (call is None and lacks_credit)):
                raise outcome.error
            outcome = await self._settle_next_term(outcome, on)
        return await self._load(profile)

    async def _record_call_once(self, profile: ProfileId, call: Call, on: date) -> Decision | None:
        token = actions.call_token(call)
        civil_day("on", on)
        current = await self._current(profile, on, call=call)
        stored = _require_subscription(Action.RECORD_CALL, current)
        # Look the token up after loading: a later commit of the same call changes the revision.
        if await self.store.committed(token) is not None:
            return None
        tariff = self.prices.for_call(stored.value, call, stored.value.quote)
        decision = self._complete(actions.record_call(stored.value, call, tariff, on=on))
        await self.store.commit(decision, expected=stored.revision)
        return decision

    async def _settle_term(self, profile: ProfileId, on: date) -> Outcome | None:
        """Renew or end the due term of a profile, and return the outcome; None if none is due."""
        for _ in range(_ATTEMPTS):
            outcome = await self._settle_term_once(profile, on)
            if outcome is None or not isinstance(outcome.error, _CONFLICTS):
                break
        return outcome

    async def _settle_term_once(self, profile: ProfileId, on: date) -> Outcome | None:
        term: Term | None = None
        decision: Decision | None = None
        error: Exception | None
        try:
            stored = await self._load(profile)
            if stored is None or not _is_due(stored.value, on):
                return None
            term = stored.value.term
            decision, error = await self._commit_renewal(stored, on)
        except Exception as failure:  # noqa: BLE001 - one profile's failure must not stop the run
            error = failure
        return Outcome(profile, term, decision, error)

    async def _settle_next_term(self, outcome: Outcome, on: date) -> Outcome | None:
        """Settle the profile's next term, if this one was settled and the next has ended too."""
        if outcome.decision is None or not _is_due(outcome.decision.after, on):
            return None
        return await self._settle_term(outcome.profile, on)

    async def _commit_renewal(
        self, stored: Stored[Subscription], on: date
    ) -> tuple[Decision | None, InsufficientCredit | None]:
        """Commit the first candidate that the wallet can pay; return it and what was missing."""
        missing = None
        for candidate in _renewal_candidates(stored.value, self.prices, on):
            decision = self._complete(candidate)
            try:
                await self._commit_with_retry(decision, stored.revision)
            except InsufficientCredit as error:
                missing = error
            else:
                return decision, missing
        return None, missing

    async def _commit_with_retry(self, decision: Decision, expected: Revision) -> None:
        """Commit, and once more if the store fails: the first commit may have succeeded."""
        try:
            await self.store.commit(decision, expected=expected)
        except ChannelPlansError:
            raise
        except Exception:  # noqa: BLE001 - a second failure is raised
            await self.store.commit(decision, expected=expected)


def _require_subscription(
    action: Action, stored: Stored[Subscription] | None
) -> Stored[Subscription]:
    if stored is None:
        raise TransitionNotAllowed(action.value, "not bought yet", (Action.BUY.value,))
    return stored


def _is_due(subscription: Subscription, on: date) -> bool:
    return subscription.due_on is not None and subscription.due_on <= on


def _renewal_candidates(
    subscription: Subscription, prices: PriceBook, on: date
) -> Iterator[Decision]:
    """Yield what can be done at the end of a term; try the next if the wallet cannot pay one."""
    if subscription.status is Status.CANCELLED:
        yield actions.expire(subscription, on=on)
    else:
        plan, tariff = prices.for_renewal(subscription)
        yield actions.renew(subscription, tariff, on=on, plan=plan)
        if plan.offer.non_payment.drops_bundles and plan.bundles:
            yield actions.renew(subscription, tariff, on=on, plan=plan, keep_bundles=False)
        if on >= subscription.lapses_on:
            yield actions.lapse(subscription, on=on)
