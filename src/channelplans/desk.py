"""The desk: a thin shell over a store that loads, decides and commits.

What is decided is ``lifecycle``'s affair, and how it is stored the store's. Each operation is
written once, as a coroutine over an asynchronous store. ``AsyncDesk`` hands it out; ``Desk`` runs
it over a store whose answers are there at once, so that it never waits and needs no event loop.
"""

from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Coroutine, Iterator
from contextlib import suppress
from datetime import date, timedelta
from functools import partial
from typing import Any, Final, Generic, ParamSpec, TypeAlias, TypeVar, cast

import attrs

from channelplans import lifecycle
from channelplans.calendar import Term
from channelplans.catalogue import Catalogue
from channelplans.checks import civil_day, instance, shown, text
from channelplans.errors import (
    ChannelPlansError,
    Conflict,
    InsufficientCredit,
    NotOffered,
    TokenReused,
    TransitionNotAllowed,
    WrongType,
)
from channelplans.identifiers import AccountId, Cursor, ProfileId, Revision, SubscriptionId
from channelplans.ledger import Purse, Reason, Statement
from channelplans.lifecycle import Decision
from channelplans.money import Money
from channelplans.plans import Offer, Plan
from channelplans.pricing import Tariff
from channelplans.rules import Effect
from channelplans.storage import AsyncStore, Store, Stored
from channelplans.subscriptions import Action, Status, Subscription
from channelplans.tables import Described
from channelplans.usage import Call

__all__ = ["AsyncDesk", "Desk", "DeskActions", "Outcome", "Preview"]

R_co = TypeVar("R_co", covariant=True)
T = TypeVar("T")
P = ParamSpec("P")

_Steps: TypeAlias = Coroutine[Any, Any, T]

#: How often what nobody confirmed is decided before it is given up, where another decision always
#: came between. Each time another worker got on, so that only a very busy profile is given up.
_ATTEMPTS: Final = 20

_CAME_BETWEEN: Final = (Conflict, TokenReused)


@attrs.frozen
class Preview(Described):
    """A decision to be confirmed, and the revision of the subscription that it rests on.

    Attributes:
        decision: what would happen; nothing has.
        revision: what the store must still be at when it is committed; None where the profile held
            nothing, or the decision is about purses alone.

    >>> from channelplans.memory import MemoryStore
    >>> from channelplans.money import EUR
    >>> from channelplans.testing.builders import DAY, TARIFF
    >>> desk, acme = Desk(MemoryStore(), tariff=lambda offer, day: TARIFF), Purse("acme")
    >>> print(desk.preview.deposit(acme, Money.of("50", EUR), transfer="p-1", on=DAY))
    2026-01-05: pay in from outside.
    The purse of account acme receives 50.00 EUR (deposit).
    >>> desk.statement(acme) is None  # nothing has been paid in
    True
    """

    decision: Decision
    revision: Revision | None

    def _describe(self) -> tuple[str, ...]:
        return tuple(str(self.decision).splitlines())


@attrs.frozen
class Outcome(Described):
    """What became of one profile at the end of one of its terms.

    Attributes:
        profile: whose term ended.
        term: the term that ended; None where not even that could be loaded.
        decision: what was done; None where nothing was, and it is still due.
        error: why it is not an ordinary renewal: credit that was missing, or what failed.

    >>> term = Term(date(2026, 1, 5), date(2026, 2, 4))
    >>> outcome = Outcome("berlin", term, None, LookupError("no price for 2026-02-04"))
    >>> print(outcome)
    berlin, 2026-01-05 to 2026-02-04: failed; LookupError: no price for 2026-02-04
    >>> outcome.failed
    True
    """

    profile: ProfileId
    term: Term | None
    decision: Decision | None
    error: Exception | None = None

    @property
    def failed(self) -> bool:
        """Whether nothing was done for another reason than credit; someone should look into it."""
        return self.decision is None and not isinstance(self.error, InsufficientCredit)

    def _describe(self) -> tuple[str]:
        done = "failed" if self.failed else "waits for credit"
        if self.decision is not None:
            dropped = self.decision.action is Action.RENEW and self.error
            done = f"{self.decision.action.value}{' without bundles' if dropped else ''}"
        term = f", {self.term}" if self.term else ""
        kind = f"{type(self.error).__name__}: " if self.failed else ""
        reason = f"; {kind}{self.error}" if self.error else ""
        return (f"{self.profile}{term}: {done}{reason}",)


@attrs.frozen
class _PricesOfDay:
    """The same prices for all who have an offer."""

    tariff: Callable[[Offer, date], Tariff]

    def sold(self, plan: Plan, on: date) -> Tariff:
        return self.tariff(plan.offer, on)

    def changed(self, _: Subscription, plan: Plan, on: date) -> Tariff:
        return self.tariff(plan.offer, on)

    def called(self, subscription: Subscription, on: date) -> Tariff:
        return self.tariff(subscription.plan.offer, on)

    def renewal(self, subscription: Subscription) -> tuple[Plan, Tariff]:
        plan = subscription.pending or subscription.plan
        return plan, self.tariff(plan.offer, subscription.term.end)


@attrs.frozen
class _PricesOfEdition:
    """What a subscription holds until a renewal moves it; for buyers what is sold on the day."""

    catalogue: Catalogue

    def sold(self, plan: Plan, on: date) -> Tariff:
        edition = self.catalogue.on(on)
        if edition.offer != plan.offer:
            sold = f"sold on that day: {edition}"
            raise NotOffered(f"sale on {on}", f"{plan.offer.name} ({plan.offer.edition})", sold)
        return edition.tariff

    def changed(self, subscription: Subscription, plan: Plan, on: date) -> Tariff:
        edition = self.catalogue.for_term(subscription, on)
        return edition.tariff if edition.offer == plan.offer else self.sold(plan, on)

    def called(self, subscription: Subscription, _: date) -> Tariff:
        return self.catalogue.held_by(subscription).tariff

    def renewal(self, subscription: Subscription) -> tuple[Plan, Tariff]:
        edition = self.catalogue.for_renewal(subscription)
        return edition.plan_for(subscription.pending or subscription.plan), edition.tariff


#: Which tariff holds for whom.
_Prices: TypeAlias = _PricesOfDay | _PricesOfEdition


@attrs.frozen
class _Work:
    """What the desks do, written once, over an asynchronous store.

    Before it does anything it catches up with what is due; for a preview it does nothing at all.
    """

    store: AsyncStore
    prices: _Prices
    catches_up: bool = True

    async def buy(
        self, profile: ProfileId, on: date, decide: Callable[[Subscription | None], Decision]
    ) -> Preview:
        stored = await self._current(profile, on)
        if stored is None:
            return Preview(decide(None), None)
        return Preview(decide(stored.value), stored.revision)

    async def act(
        self,
        action: Action,
        profile: ProfileId,
        on: date,
        decide: Callable[[Subscription], Decision],
    ) -> Preview:
        stored = _bought(action, await self._current(profile, on))
        return Preview(decide(stored.value), stored.revision)

    async def commit(self, preview: Preview) -> Decision:
        decision = instance("preview", preview, Preview).decision
        await self.store.commit(decision, expected=preview.revision)
        return decision

    async def do(self, steps: _Steps[Preview]) -> Decision:
        return await self.commit(await steps)

    async def use(self, profile: ProfileId, call: Call, on: date) -> Decision | None:
        for _ in range(_ATTEMPTS - 1):
            with suppress(*_CAME_BETWEEN):
                return await self._take(profile, call, on)
        return await self._take(profile, call, on)

    async def statement(
        self, purse: Purse, since: date | None, until: date | None
    ) -> Statement | None:
        for parameter, day in {"since": since, "until": until}.items():
            if day is not None:
                civil_day(parameter, day)
        balance = await self.store.balance(instance("purse", purse, Purse))
        if balance is None:
            return None
        postings = [each.posting for each in await self.store.postings(purse, until=until)]
        first = since or date.min
        listed = tuple(each for each in postings if each.on >= first)
        before = (each.amount for each in postings if each.on < first)
        return Statement(purse, sum(before, start=Money(0, balance.currency)), listed)

    async def run_due(self, on: date) -> AsyncGenerator[Outcome, None]:
        civil_day("on", on)
        left = set[ProfileId]()
        cursor: Cursor | None = None
        while True:
            page = await self.store.due(on, cursor=cursor)
            for profile in page.profiles:
                if profile in left:
                    continue
                outcome = await self._outcome(profile, on)
                while outcome is not None:
                    yield outcome
                    if outcome.decision is None:
                        left.add(profile)
                    outcome = await self._next(outcome, on)
            cursor = page.next
            if cursor is None:
                return

    async def _load(self, profile: ProfileId) -> Stored[Subscription] | None:
        return await self.store.subscription(ProfileId(text("profile", profile)))

    async def _current(
        self, profile: ProfileId, on: date, *, call: Call | None = None
    ) -> Stored[Subscription] | None:
        """Load what a profile holds; what is due of it is done first.

        A call of a term that has ended still finds its minutes while there is grace, and where
        credit is short for the next term it is taken all the same.
        """
        stored = await self._load(profile)
        by = civil_day("on", on) if call is None else min(call.day, on)
        if stored is None or not _is_due(stored.value, by) or not self.catches_up:
            return stored
        outcome = await self._outcome(profile, on)
        while outcome is not None:
            if outcome.error and (outcome.failed or (call is None and outcome.decision is None)):
                raise outcome.error
            outcome = await self._next(outcome, on)
        return await self._load(profile)

    async def _take(self, profile: ProfileId, call: Call, on: date) -> Decision | None:
        token = lifecycle.call_token(call)
        civil_day("on", on)
        stored = _bought(Action.USE, await self._current(profile, on, call=call))
        # Asked after loading: whoever takes the call from now on changes the revision.
        if await self.store.committed(token) is not None:
            return None
        held = stored.value
        decision = lifecycle.use(held, call, self.prices.called(held, call.day), on=on)
        await self.store.commit(decision, expected=stored.revision)
        return decision

    async def _outcome(self, profile: ProfileId, on: date) -> Outcome | None:
        """Do what is due of a profile's running term, and say what; None where nothing is."""
        for _ in range(_ATTEMPTS):
            outcome = await self._attempt(profile, on)
            if outcome is None or not isinstance(outcome.error, _CAME_BETWEEN):
                break
        return outcome

    async def _attempt(self, profile: ProfileId, on: date) -> Outcome | None:
        term: Term | None = None
        decision: Decision | None = None
        error: Exception | None
        try:
            stored = await self._load(profile)
            if stored is None or not _is_due(stored.value, on):
                return None
            term = stored.value.term
            decision, error = await self._end_term(stored, on)
        except Exception as failure:  # noqa: BLE001 - it is this profile's, and the others go on
            error = failure
        return Outcome(profile, term, decision, error)

    async def _next(self, outcome: Outcome, on: date) -> Outcome | None:
        """Go on with the profile's next term, where this one is done and that has ended too."""
        held = None if outcome.decision is None else outcome.decision.after
        if held is None or not _is_due(held, on):
            return None
        return await self._outcome(outcome.profile, on)

    async def _end_term(
        self, stored: Stored[Subscription], on: date
    ) -> tuple[Decision | None, InsufficientCredit | None]:
        """Commit the first thing that there is credit for; return it, and what was missing."""
        short = None
        for decision in _ways(stored.value, self.prices, on):
            try:
                await self._surely(decision, stored.revision)
            except InsufficientCredit as error:
                short = error
            else:
                return decision, short
        return None, short

    async def _surely(self, decision: Decision, expected: Revision) -> None:
        """Commit, and once more where the store breaks down: it may have been done before that."""
        try:
            await self.store.commit(decision, expected=expected)
        except ChannelPlansError:
            raise
        except Exception:  # noqa: BLE001 - what breaks twice is raised
            await self.store.commit(decision, expected=expected)


def _bought(action: Action, stored: Stored[Subscription] | None) -> Stored[Subscription]:
    if stored is None:
        raise TransitionNotAllowed(action.value, "not bought yet", (Action.BUY.value,))
    return stored


def _is_due(held: Subscription, on: date) -> bool:
    return held.due_on is not None and held.due_on <= on


class DeskActions(Generic[R_co]):
    """What can be done at a desk; it is a preview of it, or done, waited for or not.

    Identifiers, days and amounts are the caller's; the subscription comes from the store and the
    prices from the desk. An action on what a profile holds raises TransitionNotAllowed where it
    never held anything. What is done, and not a preview, raises what the store's ``commit`` raises
    as well: Conflict, InsufficientCredit, TokenReused or CurrencyMismatch.

    Where a term has ended by the day of an action, what is due of that profile comes first, as
    ``run_due`` does it; what that fails with is raised, or in a grace the credit that it lacks. A
    call is taken in the grace all the same. A preview does nothing, and raises OutsideTerm until
    that has been done.
    """

    def __init__(self, work: _Work, do: Callable[[_Steps[Preview]], R_co]) -> None:
        self._work = work
        self._do = do

    def buy(
        self,
        plan: Plan,
        *,
        account: AccountId,
        profile: ProfileId,
        subscription: SubscriptionId,
        on: date,
    ) -> R_co:
        """Buy a plan for a profile; what it held last, lapsed or ended, is looked up.

        Raises:
            NotOffered: by a catalogue, another offer is sold on that day.
            UnknownEdition: by a catalogue, nothing is sold on that day.
            TransitionNotAllowed, InvalidValue, OutsideTerm, CalendarEnds: as ``lifecycle.buy``.
        """

        def decide(previous: Subscription | None) -> Decision:
            return lifecycle.buy(
                plan,
                self._work.prices.sold(instance("plan", plan, Plan), civil_day("on", on)),
                account=account,
                profile=profile,
                subscription=subscription,
                on=on,
                previous=previous,
            )

        return self._do(self._work.buy(profile, on, decide))

    def change(
        self, profile: ProfileId, plan: Plan, *, on: date, passed: timedelta | None = None
    ) -> R_co:
        """Change what a profile holds (H15 to H19).

        ``passed`` is how much of the day has passed, where refunds are by exact time.

        Raises:
            NotOffered: by a catalogue, a plan is bought anew whose offer is neither that of the
                edition which ``Catalogue.for_term`` names nor sold on that day.
            UnknownEdition: by a catalogue, a plan is bought anew where nothing is sold on that day,
                or no edition is what the profile holds.
            PlanUnchanged, MixedChange, ChangedTooSoon, CurrencyMismatch: as ``lifecycle.change``.
            InvalidValue, TransitionNotAllowed, OutsideTerm, CalendarEnds: as ``lifecycle.change``.
        """

        def decide(held: Subscription) -> Decision:
            tariff = held.paid.tariff  # which a term that goes on keeps
            if held.plan.effect_of(plan) is Effect.REBUY:
                tariff = self._work.prices.changed(held, plan, civil_day("on", on))
            return lifecycle.change(held, plan, tariff, on=on, passed=passed)

        return self._do(self._work.act(Action.CHANGE, profile, on, decide))

    def cancel(self, profile: ProfileId, *, on: date) -> R_co:
        """Cancel what a profile holds; the decision's notice names the day (H20).

        Raises:
            TransitionNotAllowed, OutsideTerm: as ``lifecycle.cancel``.
        """
        return self._do(
            self._work.act(Action.CANCEL, profile, on, partial(lifecycle.cancel, on=on))
        )

    def resume(self, profile: ProfileId, *, on: date) -> R_co:
        """Take a cancellation back.

        Raises:
            TransitionNotAllowed, OutsideTerm: as ``lifecycle.resume``.
        """
        return self._do(
            self._work.act(Action.RESUME, profile, on, partial(lifecycle.resume, on=on))
        )

    def terminate(
        self,
        profile: ProfileId,
        *,
        on: date,
        refund: bool = True,
        passed: timedelta | None = None,
    ) -> R_co:
        """End what a profile holds at once (F 5.5, F 5.6).

        ``passed`` is how much of the day has passed, where refunds are by exact time. With
        ``refund=False`` the offer's minimum holding is not looked at: all that was paid is kept.

        Raises:
            InvalidValue, TransitionNotAllowed, OutsideTerm: as ``lifecycle.terminate``.
        """
        decide = partial(lifecycle.terminate, on=on, refund=refund, passed=passed)
        return self._do(self._work.act(Action.TERMINATE, profile, on, decide))

    def deposit(
        self,
        purse: Purse,
        amount: Money,
        *,
        transfer: str,
        on: date,
        reason: Reason = Reason.DEPOSIT,
    ) -> R_co:
        """Pay credit into a purse from outside.

        Raises:
            InvalidValue: as ``lifecycle.deposit``.
        """
        move = _move(lifecycle.deposit, purse, amount, transfer=transfer, on=on, reason=reason)
        return self._do(move)

    def assign_credit(
        self, account: AccountId, profile: ProfileId, amount: Money, *, transfer: str, on: date
    ) -> R_co:
        """Move credit from an account to one of its profiles (F 7.3, F 7.4).

        Raises:
            InvalidValue: as ``lifecycle.assign_credit``.
        """
        move = _move(lifecycle.assign_credit, account, profile, amount, transfer=transfer, on=on)
        return self._do(move)

    def take_back_credit(
        self, account: AccountId, profile: ProfileId, amount: Money, *, transfer: str, on: date
    ) -> R_co:
        """Move credit from a profile back to its account (F 7.4).

        Raises:
            InvalidValue: as ``lifecycle.take_back_credit``.
        """
        move = _move(lifecycle.take_back_credit, account, profile, amount, transfer=transfer, on=on)
        return self._do(move)

    def expire_credit(self, purse: Purse, amount: Money, *, transfer: str, on: date) -> R_co:
        """Take credit whose time is over out of a purse.

        Raises:
            InvalidValue: as ``lifecycle.expire_credit``.
        """
        move = _move(lifecycle.expire_credit, purse, amount, transfer=transfer, on=on)
        return self._do(move)


class Desk(DeskActions[Decision]):
    """Does what can be done, over a store, and returns the decision that was committed.

    ``tariff`` tells the prices: a function of an offer and a day, by which all who have the offer
    pay the same, or a catalogue. By a catalogue a buyer gets what is sold on the day; a renewal or
    a change comes under the edition that ``Catalogue.for_term`` names for its day, or a change
    under what is sold; a call is charged by the tariff that was paid for its term.

    What a person confirms is confirmed at a price: an action raises Conflict where the subscription
    is another one by then, and so does ``commit`` of a preview. Only ``use`` and ``run_due``, where
    nobody confirms, decide again.

    >>> from channelplans.memory import MemoryStore
    >>> from channelplans.money import EUR
    >>> from channelplans.offers import SKYPE_CONNECT
    >>> tariff = Tariff("made up", EUR, channel="6.95", bundle="10", minute="0.021")
    >>> desk = Desk(MemoryStore(), tariff=lambda offer, day: tariff)
    >>> acme, day = Purse("acme"), date(2026, 1, 5)
    >>> paid_in = desk.deposit(acme, Money.of("50", EUR), transfer="p-1", on=day)
    >>> berlin = {"account": "acme", "profile": "berlin", "subscription": "s-1"}
    >>> bought = desk.buy(SKYPE_CONNECT.plan(channels=5), on=day, **berlin)
    >>> print(*desk.run_due(on=date(2026, 2, 4)))
    berlin, 2026-01-05 to 2026-02-04: lapse; account acme holds 15.25 EUR, but 34.75 EUR is \
needed; 19.50 EUR more would do
    """

    def __init__(
        self, store: Store, *, tariff: Callable[[Offer, date], Tariff] | Catalogue
    ) -> None:
        work = _Work(cast(AsyncStore, _Awaited(store)), _prices(tariff))
        super().__init__(work, lambda steps: _run(work.do(steps)))

    @property
    def preview(self) -> DeskActions[Preview]:
        """The same actions, decided and not done: ``desk.preview.change("berlin", plan, on=day)``.

        Nobody is bound by a preview; ``commit`` does what it says, or nothing.
        """
        return DeskActions(attrs.evolve(self._work, catches_up=False), _run)

    def commit(self, preview: Preview) -> Decision:
        """Do what a preview says, exactly; to do it twice is to do it once.

        Raises:
            Conflict: the subscription is another one by now.
            InsufficientCredit: a purse would end below zero.
            TokenReused: the identifier of a transfer was used for another one.
        """
        return _run(self._work.commit(preview))

    def use(self, profile: ProfileId, call: Call, *, on: date) -> Decision | None:
        """Take a call from minutes and credit; None where it has been taken already (H13, F 7.3).

        A call that is delivered twice is taken once, also where both are in hand at the same time;
        then both may return the decision.

        Raises:
            Conflict: the profile is so busy that no attempt was in time.
            InsufficientCredit: a purse would end below zero.
            TransitionNotAllowed, OutsideTerm, UnknownRate: as ``lifecycle.use``.
        """
        return _run(self._work.use(profile, call, on))

    def statement(
        self, purse: Purse, *, since: date | None = None, until: date | None = None
    ) -> Statement | None:
        """Return a purse's postings from ``since`` to the day before ``until``, with balances.

        None where nothing was ever posted to it.
        """
        return _run(self._work.statement(purse, since, until))

    def run_due(self, *, on: date) -> Iterator[Outcome]:
        """Do what is due by a day, and yield what became of each profile and term.

        What is active is renewed, at the tariff of the next term's first day; where credit is
        short, bundles are dropped if the offer lets them be, and after the offer's grace it lapses.
        What was cancelled ends. Terms that were missed are caught up one by one. A profile that
        fails does not keep the others from their turn, and is due again in the next run.

        It may be stopped at any point and started again, and several workers may run at once: each
        term is charged once. Workers who do the same thing at the same time both tell of it.
        """
        outcomes = self._work.run_due(on)
        try:
            while True:
                yield _run(anext(outcomes))
        except StopAsyncIteration:
            return
        finally:
            _run(outcomes.aclose())


class AsyncDesk(DeskActions[Coroutine[Any, Any, Decision]]):
    """``Desk`` over an asynchronous store: the same, awaited."""

    def __init__(
        self, store: AsyncStore, *, tariff: Callable[[Offer, date], Tariff] | Catalogue
    ) -> None:
        work = _Work(store, _prices(tariff))
        super().__init__(work, work.do)

    @property
    def preview(self) -> DeskActions[Coroutine[Any, Any, Preview]]:
        """As ``Desk.preview``."""
        return DeskActions(attrs.evolve(self._work, catches_up=False), lambda steps: steps)

    async def commit(self, preview: Preview) -> Decision:
        """As ``Desk.commit``."""
        return await self._work.commit(preview)

    async def use(self, profile: ProfileId, call: Call, *, on: date) -> Decision | None:
        """As ``Desk.use``."""
        return await self._work.use(profile, call, on)

    async def statement(
        self, purse: Purse, *, since: date | None = None, until: date | None = None
    ) -> Statement | None:
        """As ``Desk.statement``."""
        return await self._work.statement(purse, since, until)

    def run_due(self, *, on: date) -> AsyncIterator[Outcome]:
        """As ``Desk.run_due``."""
        return self._work.run_due(on)


@attrs.frozen
class _Awaited:
    """A plain store as an asynchronous one, whose answers are there at once."""

    plain: Store

    def __getattr__(self, name: str) -> Callable[..., Coroutine[Any, Any, Any]]:
        ask = getattr(self.plain, name)

        async def answer(*asked: Any, **named: Any) -> Any:
            return ask(*asked, **named)

        return answer


def _run(steps: Awaitable[T]) -> T:
    """Return what steps come to that never wait: they are done the first time they are run."""
    try:
        next(steps.__await__())
    except StopIteration as done:
        value: T = done.value
        return value
    raise AssertionError("a plain store answers at once")  # pragma: no cover


def _prices(tariff: Callable[[Offer, date], Tariff] | Catalogue) -> _Prices:
    if isinstance(tariff, Catalogue):
        return _PricesOfEdition(tariff)
    if callable(tariff):
        return _PricesOfDay(tariff)
    raise WrongType("tariff", shown(tariff), "a function of an offer and a day, or a Catalogue")


async def _move(decide: Callable[P, Decision], *moved: P.args, **named: P.kwargs) -> Preview:
    """Preview a decision about purses alone, for which nothing is looked up."""
    return Preview(decide(*moved, **named), None)


def _ways(held: Subscription, prices: _Prices, on: date) -> Iterator[Decision]:
    """Yield what can be done at the end of a term, the next where there is no credit for one."""
    if held.status is Status.CANCELLED:
        yield lifecycle.expire(held, on=on)
    else:
        plan, tariff = prices.renewal(held)
        yield lifecycle.renew(held, tariff, on=on, plan=plan)
        if plan.offer.shortage.drops_bundles and plan.bundles:
            yield lifecycle.renew_without_bundles(held, tariff, on=on, plan=plan)
        if on >= held.lapses_on:
            yield lifecycle.lapse(held, on=on)
