"""Arbitrary sequences of commits and reads, against a model of plain dicts.

What is drawn is text, numbers, days, booleans and None, so that a sequence that is printed can be
pasted and run.
"""

from collections.abc import Callable
from datetime import date
from functools import partial
from types import MappingProxyType
from typing import Any, Final

import attrs
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from channelplans import lifecycle
from channelplans.errors import (
    ChannelPlansError,
    Conflict,
    InsufficientCredit,
    TokenReused,
)
from channelplans.identifiers import ProfileId, Revision, SubscriptionId, Token
from channelplans.ledger import Purse
from channelplans.lifecycle import Decision
from channelplans.money import EUR, Money
from channelplans.plans import Plan
from channelplans.storage import Booked, Store
from channelplans.subscriptions import Subscription
from channelplans.testing._asking import expect, refused, walk
from channelplans.testing._cases import (
    ACCOUNT,
    ACME,
    BERLIN,
    CALLS,
    NEVER,
    PARIS,
    accept,
    days,
    nearest_plan,
    paid_in,
    taken,
)
from channelplans.testing.builders import DAY, OFFERS, TARIFF
from channelplans.usage import Call

__all__ = ["Machine", "run_machine"]

PROFILES: Final = (BERLIN, PARIS)
NAMED: Final = MappingProxyType({f"{offer.name}, {offer.edition}": offer for offer in OFFERS})
PURSES: Final = (ACME, CALLS, Purse(ACCOUNT, PARIS))
EXAMPLES: Final = 20
STEPS: Final = 30


class Model:
    """What a store must hold, as its contract says it, in dicts and bare numbers."""

    def __init__(self) -> None:
        self.held: dict[ProfileId, tuple[Subscription, Revision]] = {}
        self.balances: dict[Purse, int] = {}
        self.booked: dict[Purse, list[Booked]] = {purse: [] for purse in PURSES}
        self.known: dict[Token, tuple[Decision, Revision | None]] = {}
        self.given: list[Revision] = []

    def at(self, profile: ProfileId) -> Revision | None:
        """Return the revision that a profile's subscription is at."""
        return self.held[profile][1] if profile in self.held else None

    def refusal(
        self, decision: Decision, expected: Revision | None
    ) -> type[ChannelPlansError] | None:
        """Predict by which error a decision that is not known is refused, if it is."""
        if decision.after is not None and self.at(decision.after.profile) != expected:
            return Conflict
        if decision.token in self.known:
            return TokenReused
        for purse in {posting.purse for posting in decision.postings}:
            amounts = [each.amount.minor for each in decision.postings if each.purse == purse]
            if sum(amounts) < 0 and sum(amounts) + self.balances.get(purse, 0) < 0:
                return InsufficientCredit
        return None

    def store(self, decision: Decision, revision: Revision | None) -> None:
        """Take a decision over that was stored."""
        self.known[decision.token] = decision, revision
        for index, posting in enumerate(decision.postings):
            purse = posting.purse
            self.balances[purse] = self.balances.get(purse, 0) + posting.amount.minor
            self.booked[purse].append(Booked(posting, decision.token, index))
        if decision.after is not None and revision is not None:
            self.held[decision.after.profile] = decision.after, revision
            self.given.append(revision)

    def due(self, on: date) -> set[ProfileId]:
        """Return what is due on a day."""
        return {
            profile
            for profile, (held, _) in self.held.items()
            if held.status.value in {"active", "cancelled"} and held.term.end <= on
        }


profiles = st.sampled_from(PROFILES)
#: Whose purse: a profile's, or the account's.
owners = st.sampled_from((None, *PROFILES))
cents = st.one_of(st.integers(1, 900), st.integers(1, 90_000))
transfers = st.integers(0, 30).map("t-{}".format)
#: Which of what there is by then, counted round and round.
places = st.integers(0, 200)
#: An offer's name, and numbers that are brought into its bounds: small ones that credit is enough
#: for, and some large ones. What is drawn is printed, and so it is short.
wanted = st.tuples(
    st.sampled_from(sorted(NAMED)),
    st.one_of(st.integers(1, 5), st.integers(1, 140)),
    st.integers(0, 2),
)


def plan_of(wanted: tuple[str, int, int]) -> Plan:
    """Return the plan that was drawn."""
    name, channels, bundles = wanted
    return nearest_plan(NAMED[name], channels, bundles)


class Machine(RuleBasedStateMachine):
    """A store and the model, which each rule moves alike."""

    def __init__(self, make_store: Callable[[], Store]) -> None:
        super().__init__()
        self.store = make_store()
        self.model = Model()
        self.today = DAY
        self.names = 0

    @initialize(amount=st.sampled_from(["40", "400", "4000"]), plan=wanted)
    def opening(self, amount: str, plan: tuple[str, int, int]) -> None:
        """Begin with some credit, and with a plan where it does for one."""
        self.commit(paid_in(amount), None)
        self.commit(paid_in("5", self.name(), purse=CALLS), None)
        self.buy(BERLIN, plan)

    def commit(self, decision: Decision, expected: Revision | None) -> None:
        """Commit a decision, and compare what becomes of it with what the model says."""
        known = self.model.known.get(decision.token)
        if known is not None and known[0] == decision:
            then = "a decision that is known was not answered as it was then"
            expect(known[1], accept(self.store, decision, then, expected=expected), then)
            return
        refusal = self.model.refusal(decision, expected)
        if refusal is not None:
            why = "commit did not refuse what it must, or by another error than comes first"
            refused(refusal, lambda: self.store.commit(decision, expected=expected), why)
            return
        sound = "a decision was refused that nothing speaks against"
        revision = accept(self.store, decision, sound, expected=expected)
        about = "a subscription" if decision.after else "purses alone"
        if (revision is None) != (decision.after is None) or revision in self.model.given:
            raise AssertionError(
                f"for a decision about {about} commit returned {revision!r}: a new revision for "
                "each subscription stored, and None for purses"
            )
        self.model.store(decision, revision)

    def act(self, profile: ProfileId, decide: Callable[[Subscription], Decision]) -> None:
        """Commit what is decided on what the store says a profile holds, if anything can be."""
        stored = self.store.subscription(profile)
        if stored is not None:
            self.act_at(stored.revision, lambda: decide(stored.value))

    def name(self) -> str:
        """Return an identifier that was never used."""
        self.names += 1
        return f"n-{self.names}"

    @rule(count=st.sampled_from([1, 2, 29]))
    def wait(self, count: int) -> None:
        """Let days pass."""
        self.today += days(count)

    @rule(profile=owners, amount=cents)
    def deposit(self, profile: ProfileId | None, amount: int) -> None:
        """Pay credit in."""
        purse = Purse(ACCOUNT, profile)
        self.commit(paid_in(Money(amount, EUR), self.name(), purse=purse, on=self.today), None)

    @rule(profile=owners, amount=cents)
    def expire_credit(self, profile: ProfileId | None, amount: int) -> None:
        """Take credit out, often more than there is."""
        purse = Purse(ACCOUNT, profile)
        self.commit(taken(Money(amount, EUR), self.name(), purse=purse, on=self.today), None)

    @rule(
        move=st.sampled_from(["assign_credit", "take_back_credit"]),
        profile=profiles,
        amount=cents,
        transfer=transfers,
    )
    def move(self, move: str, profile: ProfileId, amount: int, transfer: str) -> None:
        """Move credit between two purses, by an identifier that may be another transfer's."""
        act, money = getattr(lifecycle, move), Money(amount, EUR)
        self.commit(act(ACCOUNT, profile, money, transfer=transfer, on=self.today), None)

    @rule(profile=profiles, plan=wanted)
    def buy(self, profile: ProfileId, plan: tuple[str, int, int]) -> None:
        """Buy, where nothing runs."""
        stored = self.store.subscription(profile)
        held, revision = (stored.value, stored.revision) if stored else (None, None)
        self.act_at(revision, lambda: self.purchase(profile, plan, held))

    def purchase(
        self, profile: ProfileId, plan: tuple[str, int, int], held: Subscription | None
    ) -> Decision:
        """Decide to buy, by an identifier that was never used."""
        return lifecycle.buy(
            plan_of(plan),
            TARIFF,
            account=ACCOUNT,
            profile=profile,
            subscription=SubscriptionId(self.name()),
            on=self.today,
            previous=held,
        )

    @rule(profile=profiles, plan=wanted)
    def change(self, profile: ProfileId, plan: tuple[str, int, int]) -> None:
        """Change, mostly to another offer."""
        self.act(profile, lambda held: lifecycle.change(held, plan_of(plan), TARIFF, on=self.today))

    @rule(profile=profiles, act=st.sampled_from(["cancel", "resume", "terminate"]))
    def end(self, profile: ProfileId, act: str) -> None:
        """Cancel, take that back, or end at once."""
        self.act(profile, lambda held: getattr(lifecycle, act)(held, on=self.today))

    @rule(profile=profiles, country=st.sampled_from(["DE", "US"]), minutes=st.integers(1, 90))
    def use(self, profile: ProfileId, country: str, minutes: int) -> None:
        """Take a call."""
        number = {"DE": "+49 30 555 0100", "US": "+1 212 555 0100"}[country]
        call = Call(self.name(), number, country, self.today, days(1) * minutes / 1440)
        self.act(profile, lambda held: lifecycle.use(held, call, TARIFF, on=self.today))

    @rule(profile=profiles, lapses=st.booleans())
    def end_term(self, profile: ProfileId, *, lapses: bool) -> None:
        """Let a term end, and do one of the things that follow it."""

        def decide(held: Subscription) -> Decision:
            self.today = max(self.today, held.lapses_on)
            if held.status.value == "cancelled":
                return lifecycle.expire(held, on=self.today)
            if lapses:
                return lifecycle.lapse(held, on=self.today)
            return lifecycle.renew(held, TARIFF, on=self.today)

        self.act(profile, decide)

    @rule(profile=profiles, plan=wanted, place=places)
    def stale(self, profile: ProfileId, plan: tuple[str, int, int], place: int) -> None:
        """Call or buy on what was held at another time, or on nothing, or on what never was."""
        call = Call(self.name(), "+49 30 555 0100", "DE", self.today, days(1) / 1440)
        held, _ = self.model.held.get(profile, (None, None))
        if held is not None and held.status.value in {"active", "cancelled"}:
            self.act_at(self.any(place), lambda: lifecycle.use(held, call, TARIFF, on=self.today))
        else:
            self.act_at(self.any(place), lambda: self.purchase(profile, plan, held))

    def any(self, place: int) -> Revision | None:
        """Return a revision that something was at, or None, or one that never was."""
        revisions = [None, NEVER, *self.model.given]
        return revisions[place % len(revisions)]

    def act_at(self, revision: Revision | None, decide: Callable[[], Decision]) -> None:
        """Commit what is decided, if anything can be, at some revision."""
        try:
            decision = decide()
        except ChannelPlansError:
            return
        self.commit(decision, revision)

    @rule(known=places, place=places)
    def again(self, known: int, place: int) -> None:
        """Commit what is known again, whatever revision it is said to rest on."""
        decision, _ = self.known(known)
        self.commit(decision, self.any(place))

    @rule(known=places, current=st.booleans())
    def reuse(self, known: int, *, current: bool) -> None:
        """Commit another decision with a token that is known."""
        decision, revision = self.known(known)
        if current and decision.after is not None:
            revision = self.model.at(decision.after.profile)
        self.commit(attrs.evolve(decision, on=decision.on + days(1)), revision)

    def known(self, place: int) -> tuple[Decision, Revision | None]:
        """Return one of the decisions that were committed, and what it returned."""
        decisions = list(self.model.known.values())
        return decisions[place % len(decisions)]

    @rule(later=st.integers(0, 40), limit=st.integers(1, 3))
    def due(self, later: int, limit: int) -> None:
        """Walk over what is due, page by page."""
        on = self.today + days(later)
        found = set(walk(self.store, on, limit))
        expect(self.model.due(on), found, f"due on {on}, in pages of {limit}, is not what is due")

    @invariant()
    def all_is_as_the_model_says(self) -> None:
        """After each step: subscriptions, purses, and the tokens of late."""
        self._check_subscriptions()
        self._check_purses()
        self._check_tokens()

    def _check_subscriptions(self) -> None:
        for profile in PROFILES:
            stored = self.store.subscription(profile)
            found = None if stored is None else (stored.value, stored.revision)
            latest = f"{profile} holds not what was committed last"
            expect(self.model.held.get(profile), found, latest)

    def _check_purses(self) -> None:
        for purse in PURSES:
            minor, balance = self.model.balances.get(purse), self.store.balance(purse)
            found = None if balance is None else balance.minor
            expect(minor, found, f"the balance of {purse} is not the sum of its postings")
            booked = tuple(self.store.postings(purse))
            missing = f"the postings of {purse} are not those that were committed, in that order"
            expect(tuple(self.model.booked[purse]), booked, missing)

    def _check_tokens(self) -> None:
        for token, (_, revision) in list(self.model.known.items())[-3:]:
            found = self.store.committed(token)
            if revision is None and (found is None or found in self.model.given):
                raise AssertionError(
                    f"committed({token!r}) told {found!r} of what moved purses alone: a revision "
                    "that nothing stored is at was expected"
                )
            known = f"committed({token!r}) does not tell what commit returned"
            expect(revision or found, found, known)


def run_machine(make_store: Callable[[], Store]) -> None:
    """Try sequences on one empty store each.

    There are more of them where the profile of Hypothesis that is loaded asks for more than usual,
    and never fewer.
    """
    examples = max(EXAMPLES, EXAMPLES * settings().max_examples // 100)
    tried = settings(
        max_examples=examples,
        stateful_step_count=STEPS,
        deadline=None,
        # To explain what it shrank takes longer than to find it.
        phases=set(Phase) - {Phase.explain},
        report_multiple_bugs=False,
        suppress_health_check=list(HealthCheck),
    )
    machine: Any = partial(Machine, make_store)
    run_state_machine_as_test(machine, settings=tried)
