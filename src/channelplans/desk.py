"""The desk: a thin shell over a store that loads, decides and commits.

What is decided is ``lifecycle``'s affair, and how it is stored the store's. Each operation is
written once, as steps that ask a store and never call it; the two desks differ in whether they wait
for its answers.
"""

from collections.abc import AsyncIterator, Callable, Coroutine, Generator, Iterator
from contextlib import suppress
from datetime import date, timedelta
from functools import partial
from operator import methodcaller
from typing import Any, Final, Generic, ParamSpec, Protocol, TypeAlias, TypeVar

import attrs

from channelplans import lifecycle
from channelplans.calendar import Term
from channelplans.catalogue import Catalogue
from channelplans.checks import civil_day, instance, shown, text
from channelplans.errors import (
    Conflict,
    InsufficientCredit,
    NotOffered,
    TokenReused,
    TransitionNotAllowed,
    WrongType,
)
from channelplans.identifiers import AccountId, Cursor, ProfileId, Revision, SubscriptionId
from channelplans.ledger import Posting, Purse, Reason, Statement
from channelplans.lifecycle import Decision
from channelplans.money import Money
from channelplans.plans import Offer, Plan
from channelplans.pricing import Tariff
from channelplans.storage import AsyncStore, Page, Store, Stored
from channelplans.subscriptions import RUNNING, Action, Status, Subscription
from channelplans.tables import Described
from channelplans.usage import Call

__all__ = ["AsyncDesk", "Desk", "DeskActions", "Outcome", "Preview"]

R_co = TypeVar("R_co", covariant=True)
T = TypeVar("T")
P = ParamSpec("P")

#: Asks of a store, each answered before the next; what they come to is returned.
_Steps: TypeAlias = Generator[Callable[[Any], Any], Any, T]

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


class _Prices(Protocol):
    """Which tariff holds for whom."""

    def sold(self, plan: Plan, on: date) -> Tariff: ...

    def changed(self, subscription: Subscription, plan: Plan, on: date) -> Tariff: ...

    def called(self, subscription: Subscription, on: date) -> Tariff: ...

    def renewal(self, subscription: Subscription) -> tuple[Plan, Tariff]: ...


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


class DeskActions(Generic[R_co]):
    """What can be done at a desk; it is a preview of it, or done, waited for or not.

    Identifiers, days and amounts are the caller's; the subscription comes from the store and the
    prices from the desk. What is raised is what the action of ``lifecycle`` raises, and
    TransitionNotAllowed where a profile never held anything.
    """

    def __init__(self, prices: _Prices, do: Callable[[_Steps[Preview]], R_co]) -> None:
        self._prices = prices
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
        """Buy a plan for a profile; what it held last, lapsed or ended, is looked up."""
        decide = partial(
            lifecycle.buy, plan, account=account, profile=profile, subscription=subscription, on=on
        )
        return self._do(_buy(decide, self._prices, plan, profile, on))

    def change(
        self, profile: ProfileId, plan: Plan, *, on: date, passed: timedelta | None = None
    ) -> R_co:
        """Change what a profile holds (H15 to H19)."""

        def decide(held: Subscription) -> Decision:
            tariff = self._prices.changed(held, instance("plan", plan, Plan), civil_day("on", on))
            return lifecycle.change(held, plan, tariff, on=on, passed=passed)

        return self._do(_act(Action.CHANGE, profile, decide))

    def cancel(self, profile: ProfileId, *, on: date) -> R_co:
        """Cancel what a profile holds; the decision's notice names the day (H20)."""
        return self._do(_act(Action.CANCEL, profile, partial(lifecycle.cancel, on=on)))

    def resume(self, profile: ProfileId, *, on: date) -> R_co:
        """Take a cancellation back."""
        return self._do(_act(Action.RESUME, profile, partial(lifecycle.resume, on=on)))

    def terminate(
        self,
        profile: ProfileId,
        *,
        on: date,
        refund: bool = True,
        passed: timedelta | None = None,
    ) -> R_co:
        """End what a profile holds at once (F 5.5, F 5.6)."""
        decide = partial(lifecycle.terminate, on=on, refund=refund, passed=passed)
        return self._do(_act(Action.TERMINATE, profile, decide))

    def deposit(
        self,
        purse: Purse,
        amount: Money,
        *,
        transfer: str,
        on: date,
        reason: Reason = Reason.DEPOSIT,
    ) -> R_co:
        """Pay credit into a purse from outside."""
        move = _move(lifecycle.deposit, purse, amount, transfer=transfer, on=on, reason=reason)
        return self._do(move)

    def assign_credit(
        self, account: AccountId, profile: ProfileId, amount: Money, *, transfer: str, on: date
    ) -> R_co:
        """Move credit from an account to one of its profiles (F 7.3, F 7.4)."""
        move = _move(lifecycle.assign_credit, account, profile, amount, transfer=transfer, on=on)
        return self._do(move)

    def take_back_credit(
        self, account: AccountId, profile: ProfileId, amount: Money, *, transfer: str, on: date
    ) -> R_co:
        """Move credit from a profile back to its account (F 7.4)."""
        move = _move(lifecycle.take_back_credit, account, profile, amount, transfer=transfer, on=on)
        return self._do(move)

    def expire_credit(self, purse: Purse, amount: Money, *, transfer: str, on: date) -> R_co:
        """Take credit whose time is over out of a purse."""
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
        super().__init__(_prices(tariff), lambda steps: self._run(_committing(steps)))
        self._store = store

    @property
    def preview(self) -> DeskActions[Preview]:
        """The same actions, decided and not done: ``desk.preview.change("berlin", plan, on=day)``.

        Nobody is bound by a preview; ``commit`` does what it says, or nothing.
        """
        return DeskActions(self._prices, self._run)

    def commit(self, preview: Preview) -> Decision:
        """Do what a preview says, exactly; to do it twice is to do it once.

        Raises:
            Conflict: the subscription is another one by now.
            InsufficientCredit: a purse would end below zero.
            TokenReused: the identifier of a transfer was used for another one.
        """
        return self._run(_committing(_previewed(preview)))

    def use(self, profile: ProfileId, call: Call, *, on: date) -> Decision | None:
        """Take a call from minutes and credit; None where it has been taken already (H13, F 7.3).

        A call that is delivered twice is taken once, also where both are in hand at the same time;
        then both may return the decision.

        Raises:
            Conflict: the profile is so busy that no attempt was in time.
            InsufficientCredit: a purse would end below zero.
            TransitionNotAllowed, OutsideTerm, UnknownRate: as ``lifecycle.use``.
        """
        return self._run(_use(self._prices, profile, call, on))

    def statement(
        self, purse: Purse, *, since: date | None = None, until: date | None = None
    ) -> Statement | None:
        """Return a purse's postings from ``since`` to the day before ``until``, with balances.

        None where nothing was ever posted to it.
        """
        return self._run(_statement(purse, since, until))

    def run_due(self, *, on: date) -> Iterator[Outcome]:
        """Do what is due by a day, and yield what became of each profile and term.

        What is active is renewed, at the tariff of the next term's first day; where credit is
        short, bundles are dropped if the offer lets them be, and after the offer's grace it lapses.
        What was cancelled ends. Terms that were missed are caught up one by one. A profile that
        fails does not keep the others from their turn, and is due again in the next run.

        It may be stopped at any point and started again, and several workers may run at once: each
        term is charged once. Workers who do the same thing at the same time both tell of it.
        """
        civil_day("on", on)
        cursor: Cursor | None = None
        while True:
            page = self._run(_page(on, cursor))
            for profile in page.profiles:
                outcome = self._run(_outcome(self._prices, profile, on))
                while outcome is not None:
                    yield outcome
                    outcome = self._run(_next(outcome, self._prices, on))
            cursor = page.next
            if cursor is None:
                return

    def _run(self, steps: _Steps[T]) -> T:
        try:
            ask = next(steps)
            while True:
                try:
                    answer = ask(self._store)
                except Exception as error:  # noqa: BLE001 - the steps know what to do about it
                    ask = steps.throw(error)
                else:
                    ask = steps.send(answer)
        except StopIteration as done:
            value: T = done.value
            return value


class AsyncDesk(DeskActions[Coroutine[Any, Any, Decision]]):
    """``Desk`` over an asynchronous store: the same, awaited."""

    def __init__(
        self, store: AsyncStore, *, tariff: Callable[[Offer, date], Tariff] | Catalogue
    ) -> None:
        super().__init__(_prices(tariff), lambda steps: self._run(_committing(steps)))
        self._store = store

    @property
    def preview(self) -> DeskActions[Coroutine[Any, Any, Preview]]:
        """As ``Desk.preview``."""
        return DeskActions(self._prices, self._run)

    async def commit(self, preview: Preview) -> Decision:
        """As ``Desk.commit``."""
        return await self._run(_committing(_previewed(preview)))

    async def use(self, profile: ProfileId, call: Call, *, on: date) -> Decision | None:
        """As ``Desk.use``."""
        return await self._run(_use(self._prices, profile, call, on))

    async def statement(
        self, purse: Purse, *, since: date | None = None, until: date | None = None
    ) -> Statement | None:
        """As ``Desk.statement``."""
        return await self._run(_statement(purse, since, until))

    async def run_due(self, *, on: date) -> AsyncIterator[Outcome]:
        """As ``Desk.run_due``."""
        civil_day("on", on)
        cursor: Cursor | None = None
        while True:
            page = await self._run(_page(on, cursor))
            for profile in page.profiles:
                outcome = await self._run(_outcome(self._prices, profile, on))
                while outcome is not None:
                    yield outcome
                    outcome = await self._run(_next(outcome, self._prices, on))
            cursor = page.next
            if cursor is None:
                return

    async def _run(self, steps: _Steps[T]) -> T:
        try:
            ask = next(steps)
            while True:
                try:
                    answer = await ask(self._store)
                except Exception as error:  # noqa: BLE001 - the steps know what to do about it
                    ask = steps.throw(error)
                else:
                    ask = steps.send(answer)
        except StopIteration as done:
            value: T = done.value
            return value


def _prices(tariff: Callable[[Offer, date], Tariff] | Catalogue) -> _Prices:
    if isinstance(tariff, Catalogue):
        return _PricesOfEdition(tariff)
    if callable(tariff):
        return _PricesOfDay(tariff)
    raise WrongType("tariff", shown(tariff), "a function of an offer and a day, or a Catalogue")


def _move(decide: Callable[P, Decision], *moved: P.args, **named: P.kwargs) -> _Steps[Preview]:
    """Preview a decision about purses alone, for which nothing is looked up."""
    yield from ()
    return Preview(decide(*moved, **named), None)


def _previewed(preview: Preview) -> _Steps[Preview]:
    yield from ()
    return instance("preview", preview, Preview)


def _committing(steps: _Steps[Preview]) -> _Steps[Decision]:
    preview = yield from steps
    yield methodcaller("commit", preview.decision, expected=preview.revision)
    return preview.decision


def _load(profile: ProfileId) -> _Steps[Stored[Subscription] | None]:
    stored: Stored[Subscription] | None
    stored = yield methodcaller("subscription", text("profile", profile))
    return stored


def _held(action: Action, profile: ProfileId) -> _Steps[Stored[Subscription]]:
    stored = yield from _load(profile)
    if stored is None:
        raise TransitionNotAllowed(action.value, "not bought yet", (Action.BUY.value,))
    return stored


def _buy(
    decide: Callable[..., Decision], prices: _Prices, plan: Plan, profile: ProfileId, on: date
) -> _Steps[Preview]:
    tariff = prices.sold(instance("plan", plan, Plan), civil_day("on", on))
    stored = yield from _load(profile)
    if stored is None:
        return Preview(decide(tariff), None)
    return Preview(decide(tariff, previous=stored.value), stored.revision)


def _act(
    action: Action, profile: ProfileId, decide: Callable[[Subscription], Decision]
) -> _Steps[Preview]:
    stored = yield from _held(action, profile)
    return Preview(decide(stored.value), stored.revision)


def _use(prices: _Prices, profile: ProfileId, call: Call, on: date) -> _Steps[Decision | None]:
    for _ in range(_ATTEMPTS - 1):
        with suppress(*_CAME_BETWEEN):
            return (yield from _take(prices, profile, call, on))
    return (yield from _take(prices, profile, call, on))


def _take(prices: _Prices, profile: ProfileId, call: Call, on: date) -> _Steps[Decision | None]:
    token = lifecycle.call_token(call)
    stored = yield from _held(Action.USE, profile)
    # Asked after loading: whoever takes the call from now on changes the revision.
    if (yield methodcaller("committed", token)) is not None:
        return None
    held = stored.value
    decision = lifecycle.use(held, call, prices.called(held, call.day), on=on)
    yield methodcaller("commit", decision, expected=stored.revision)
    return decision


def _statement(purse: Purse, since: date | None, until: date | None) -> _Steps[Statement | None]:
    for parameter, day in {"since": since, "until": until}.items():
        if day is not None:
            civil_day(parameter, day)
    balance = yield methodcaller("balance", instance("purse", purse, Purse))
    if balance is None:
        return None
    booked = yield methodcaller("postings", purse, until=until)
    postings: list[Posting] = [each.posting for each in booked]
    listed = tuple(each for each in postings if since is None or since <= each.on)
    before = (each.amount for each in postings if since is not None and each.on < since)
    return Statement(purse, sum(before, start=Money(0, balance.currency)), listed)


def _page(on: date, cursor: Cursor | None) -> _Steps[Page]:
    page: Page = yield methodcaller("due", on, cursor=cursor)
    return page


def _is_due(held: Subscription, on: date) -> bool:
    return held.status in RUNNING and held.term.end <= on


def _outcome(prices: _Prices, profile: ProfileId, on: date) -> _Steps[Outcome | None]:
    """Do what is due of a profile's running term, and say what; None where nothing is."""
    for _ in range(_ATTEMPTS):
        outcome = yield from _attempt(prices, profile, on)
        if outcome is None or not isinstance(outcome.error, _CAME_BETWEEN):
            break
    return outcome


def _attempt(prices: _Prices, profile: ProfileId, on: date) -> _Steps[Outcome | None]:
    term: Term | None = None
    decision: Decision | None = None
    error: Exception | None
    try:
        stored = yield from _load(profile)
        if stored is None or not _is_due(stored.value, on):
            return None
        term = stored.value.term
        decision, error = yield from _end_term(stored, prices, on)
    except Exception as failure:  # noqa: BLE001 - it is this profile's, and the others go on
        error = failure
    return Outcome(profile, term, decision, error)


def _next(outcome: Outcome, prices: _Prices, on: date) -> _Steps[Outcome | None]:
    """Go on with the profile's next term, where this one is done and that has ended too."""
    held = None if outcome.decision is None else outcome.decision.after
    if held is None or not _is_due(held, on):
        return None
    return (yield from _outcome(prices, outcome.profile, on))


def _end_term(
    stored: Stored[Subscription], prices: _Prices, on: date
) -> _Steps[tuple[Decision | None, InsufficientCredit | None]]:
    """Commit the first thing that there is credit for; return it, and what was missing before."""
    short = None
    for decision in _ways(stored.value, prices, on):
        try:
            yield methodcaller("commit", decision, expected=stored.revision)
        except InsufficientCredit as error:
            short = error
        else:
            return decision, short
    return None, short


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
