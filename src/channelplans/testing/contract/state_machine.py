"""Arbitrary sequences of commits and reads, compared with a model of plain dicts.

Hypothesis draws only text, numbers, days, booleans and None. So a printed sequence can be pasted
into a test and run.
"""

from collections import Counter
from collections.abc import Callable
from datetime import date, timedelta
from functools import partial
from typing import Any, Final, TypeAlias

import attrs
from hypothesis import HealthCheck, Phase, settings, strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from channelplans.errors import ChannelPlansError, Conflict, InsufficientCredit, TokenReused
from channelplans.offers import OFFERS
from channelplans.plans import Plan
from channelplans.storage.ports import Booked, Revision, Stored
from channelplans.subscriptions import actions, call_records
from channelplans.subscriptions.decisions import Decision, Transfer
from channelplans.subscriptions.identifiers import AccountId, ProfileId, Token
from channelplans.subscriptions.subscription import RUNNING, Status, Subscription
from channelplans.subscriptions.transfers import assign_credit, take_back_credit
from channelplans.subscriptions.wallets import Posting, Wallet
from channelplans.testing.builders import DAY, TARIFF
from channelplans.testing.contract.checked_store import CheckedStore, check_equal, expect_error
from channelplans.testing.contract.helpers import (
    ACCOUNT,
    ACCOUNT_WALLET,
    BERLIN_WALLET,
    OTHER_ACCOUNT,
    PARIS_WALLET,
    UNKNOWN_REVISION,
    cents,
    days,
    make_call,
    make_deposit,
    make_purchase,
    make_withdrawal,
    nearest_plan,
)

__all__ = ["Machine", "run_machine"]

PROFILES: Final = ("berlin", "paris")
OFFERS_BY_TITLE: Final = {f"{offer.name}, {offer.edition}": offer for offer in OFFERS.values()}
#: Everything happens on the first account; the second has a subscription of the same name.
ACCOUNTS: Final = (ACCOUNT, OTHER_ACCOUNT)
WALLETS: Final = (ACCOUNT_WALLET, BERLIN_WALLET, PARIS_WALLET, Wallet(OTHER_ACCOUNT))
MOVES: Final = {"assign_credit": assign_credit, "take_back_credit": take_back_credit}

#: The title of an offer, a number of channels and a number of bundles; ``make_plan`` adjusts them.
PlanValues: TypeAlias = tuple[str, int, int]

# The number of sequences under Hypothesis' own profile, which has 100 examples, and the least
# number under any profile.
EXAMPLES: Final = 20
LEAST_EXAMPLES: Final = 5
STEPS: Final = 30


class Model:
    """What a store must hold after a sequence of commits, in dicts and plain numbers."""

    def __init__(self) -> None:
        self.stored: dict[tuple[AccountId, ProfileId], Stored[Subscription]] = {}
        self.balances: dict[Wallet, int] = {}
        self.postings: dict[Wallet, list[Booked]] = {wallet: [] for wallet in WALLETS}
        #: In commit order.
        self.commits: dict[tuple[AccountId, Token], tuple[Decision | Transfer, Revision | None]]
        self.commits = {}
        self.revisions: list[Revision] = []

    def revision_of(self, account: AccountId, profile: ProfileId) -> Revision | None:
        """Return the current revision of a profile's subscription."""
        stored = self.stored.get((account, profile))
        return stored.revision if stored else None

    def expected_error(
        self, decision: Decision | Transfer, expected: Revision | None
    ) -> type[ChannelPlansError] | None:
        """Return the error that ``commit`` must raise for a new decision; None if it is valid."""
        account = decision.account
        subscription = decision.after if isinstance(decision, Decision) else None
        if subscription and self.revision_of(account, subscription.profile) != expected:
            return Conflict
        if (account, decision.token) in self.commits:
            return TokenReused
        seen = decision.seen if isinstance(decision, Transfer) else None
        if seen is not None and seen != len(self.postings[decision.postings[0].wallet]):
            return Conflict
        deltas = Counter[Wallet]()
        for posting in decision.postings:
            deltas[posting.wallet] += posting.amount.minor
        for wallet, delta in deltas.items():
            is_overdrawn = delta < 0 and delta + self.balances.get(wallet, 0) < 0
            if is_overdrawn and not decision.may_overdraw:
                return InsufficientCredit
        return None

    def add(self, decision: Decision | Transfer, revision: Revision | None) -> None:
        """Add a decision that the store accepted."""
        self.commits[decision.account, decision.token] = decision, revision
        for index, posting in enumerate(decision.postings):
            wallet = posting.wallet
            self.balances[wallet] = self.balances.get(wallet, 0) + posting.amount.minor
            self.postings[wallet].append(Booked(posting, decision.token, index))
        if isinstance(decision, Decision) and revision is not None:
            owner = (decision.account, decision.after.profile)
            self.stored[owner] = Stored(decision.after, revision)
            self.revisions.append(revision)

    def due_profiles(self, on: date) -> list[tuple[AccountId, ProfileId]]:
        """Return the profiles that are due on a day, sorted as ``due`` sorts them."""
        due = [
            (stored.value.term.end, *owner)
            for owner, stored in self.stored.items()
            if stored.value.status in RUNNING and stored.value.term.end <= on
        ]
        return [(account, profile) for _, account, profile in sorted(due)]

    def profiles(self, account: AccountId) -> list[ProfileId]:
        """Return the profiles of an account with a subscription or a posting, sorted."""
        with_subscription = {profile for owner, profile in self.stored if owner == account}
        with_posting = {
            wallet.profile
            for wallet, booked in self.postings.items()
            if wallet.account == account and wallet.profile is not None and booked
        }
        return sorted(with_subscription | with_posting)

    def decisions(self, account: AccountId) -> list[Decision | Transfer]:
        """Return the decisions and transfers of an account, in commit order."""
        return [decision for (owner, _), (decision, _) in self.commits.items() if owner == account]


_profiles = st.sampled_from(PROFILES)
#: The profile that owns a wallet, or None for the wallet of the account.
_owners = st.sampled_from((None, *PROFILES))
_cents = st.one_of(st.integers(1, 900), st.integers(1, 90_000))
_transfers = st.integers(0, 30).map("t-{}".format)
#: Usually False.
_rarely = st.sampled_from([False, False, False, True])
#: The index of an item in a list, modulo the length of the list.
_indexes = st.integers(0, 200)
#: Small plans, which the credit covers, are more frequent than large plans. The values are short
#: because Hypothesis prints them.
_plan_values = st.tuples(
    st.sampled_from(sorted(OFFERS_BY_TITLE)),
    st.one_of(st.integers(1, 5), st.integers(1, 140)),
    st.integers(0, 2),
)


def make_plan(values: PlanValues) -> Plan:
    """Return the nearest plan that the offer sells."""
    title, channels, bundles = values
    return nearest_plan(OFFERS_BY_TITLE[title], channels, bundles)


class Machine(RuleBasedStateMachine):
    """A store and a model; each rule does the same to both."""

    def __init__(self, make_store: Callable[[], CheckedStore]) -> None:
        super().__init__()
        self.store: CheckedStore = make_store()
        self.model: Model = Model()
        self.today: date = DAY
        self.names: int = 0

    @initialize(amount=st.sampled_from(["40", "400", "4000"]), plan=_plan_values)
    def open_account(self, amount: str, plan: PlanValues) -> None:
        """Deposit some credit, and buy a plan if the credit covers it."""
        self.commit(make_deposit(amount))
        self.commit(make_deposit("5", self.new_name(), wallet=BERLIN_WALLET))
        self.commit(make_deposit("50", wallet=Wallet(OTHER_ACCOUNT)))
        self.commit(make_purchase("berlin", "n-2", account=OTHER_ACCOUNT))
        self.buy("berlin", plan)

    def commit(self, decision: Decision | Transfer, expected: Revision | None = None) -> None:
        """Commit a decision, and compare the answer with the model's."""
        first_decision, first_answer = self.model.commits.get(
            (decision.account, decision.token), (None, None)
        )
        if first_decision == decision:
            message = "commit must return its first answer for a decision that is already stored"
            answer = self.store.commit_valid(decision, message, expected=expected)
            check_equal(first_answer, answer, message)
            return
        error = self.model.expected_error(decision, expected)
        if error is not None:
            message = "commit must refuse this decision, with the first error that applies"
            expect_error(error, lambda: self.store.commit(decision, expected=expected), message)
            return
        message = "commit refused a valid decision"
        revision = self.store.commit_valid(decision, message, expected=expected)
        is_transfer = isinstance(decision, Transfer)
        if (revision is None) != is_transfer or revision in self.model.revisions:
            kind = "transfer" if is_transfer else "decision"
            raise AssertionError(
                f"commit returned {revision!r} for a {kind}: return a new revision for each "
                "decision, and None for a transfer"
            )
        self.model.add(decision, revision)

    def commit_if_possible(self, revision: Revision | None, decide: Callable[[], Decision]) -> None:
        """Commit a decision on a revision, unless the rules refuse the action."""
        try:
            decision = decide()
        except ChannelPlansError:
            return
        self.commit(decision, revision)

    def act(self, profile: ProfileId, decide: Callable[[Subscription], Decision]) -> None:
        """Act on the stored subscription of a profile, if it has one."""
        stored = self.store.subscription(ACCOUNT, profile)
        if stored is not None:
            self.commit_if_possible(stored.revision, lambda: decide(stored.value))

    def new_name(self) -> str:
        """Return an identifier that was never used."""
        self.names += 1
        return f"n-{self.names}"

    @rule(count=st.sampled_from([1, 2, 29]))
    def wait(self, count: int) -> None:
        """Move the current day forward."""
        self.today += days(count)

    @rule(profile=_owners, amount=_cents)
    def deposit(self, profile: ProfileId | None, amount: int) -> None:
        """Deposit credit."""
        wallet = Wallet(ACCOUNT, profile)
        self.commit(make_deposit(cents(amount), self.new_name(), wallet=wallet, on=self.today))

    @rule(
        profile=_owners, amount=_cents, may_overdraw=_rarely, missed=st.sampled_from([None, 0, 1])
    )
    def expire_credit(
        self, profile: ProfileId | None, amount: int, *, may_overdraw: bool, missed: int | None
    ) -> None:
        """Take credit out of a wallet, often more than it holds.

        ``missed`` is the number of postings that came after those from which it was computed; None
        if the number does not matter.
        """
        wallet = Wallet(ACCOUNT, profile)
        expiry = make_withdrawal(cents(amount), self.new_name(), wallet=wallet, on=self.today)
        seen = None if missed is None else max(0, len(self.model.postings[wallet]) - missed)
        self.commit(attrs.evolve(expiry, may_overdraw=may_overdraw, seen=seen))

    @rule(profile=_owners, amount=_cents, days_late=st.integers(1, 40))
    def deposit_late(self, profile: ProfileId | None, amount: int, days_late: int) -> None:
        """Deposit credit with an earlier value date."""
        wallet = Wallet(ACCOUNT, profile)
        transfer = make_deposit(cents(amount), self.new_name(), wallet=wallet, on=self.today)
        (posting,) = transfer.postings
        late = attrs.evolve(posting, value_date=self.today - days(days_late))
        self.commit(attrs.evolve(transfer, postings=(late,)))

    @rule(
        move=st.sampled_from(sorted(MOVES)), profile=_profiles, amount=_cents, transfer=_transfers
    )
    def move_credit(self, move: str, profile: ProfileId, amount: int, transfer: str) -> None:
        """Move credit between two wallets, sometimes with the identifier of another transfer."""
        decide = MOVES[move]
        self.commit(decide(ACCOUNT, profile, cents(amount), transfer=transfer, on=self.today))

    @rule(profile=_profiles, plan=_plan_values)
    def buy(self, profile: ProfileId, plan: PlanValues) -> None:
        """Buy a plan, if the profile has no running subscription."""
        stored = self.store.subscription(ACCOUNT, profile)
        previous, revision = (stored.value, stored.revision) if stored else (None, None)
        self.commit_if_possible(revision, lambda: self.decide_purchase(profile, plan, previous))

    def decide_purchase(
        self, profile: ProfileId, plan: PlanValues, previous: Subscription | None
    ) -> Decision:
        """Return a purchase with a new subscription identifier."""
        return make_purchase(
            profile, self.new_name(), plan=make_plan(plan), on=self.today, previous=previous
        )

    @rule(profile=_profiles, plan=_plan_values)
    def change(self, profile: ProfileId, plan: PlanValues) -> None:
        """Change the plan, usually to another offer."""
        new_plan = make_plan(plan)
        self.act(profile, lambda current: actions.change(current, new_plan, TARIFF, on=self.today))

    @rule(profile=_profiles, action=st.sampled_from(["cancel", "resume", "terminate"]))
    def change_status(self, profile: ProfileId, action: str) -> None:
        """Cancel, resume or end a subscription."""
        self.act(profile, lambda current: getattr(actions, action)(current, on=self.today))

    @rule(profile=_profiles, country=st.sampled_from(["DE", "US"]), minutes=st.integers(1, 90))
    def record_call(self, profile: ProfileId, country: str, minutes: int) -> None:
        """Record a call."""
        call = make_call(self.new_name(), self.today, country, timedelta(minutes=minutes))
        self.act(
            profile, lambda current: call_records.record_call(current, call, TARIFF, on=self.today)
        )

    @rule(profile=_profiles, lapses=st.booleans())
    def end_term(self, profile: ProfileId, *, lapses: bool) -> None:
        """Move to the end of the term; then renew, lapse or expire the subscription."""

        def decide(current: Subscription) -> Decision:
            self.today = max(self.today, current.lapses_on)
            if current.status is Status.CANCELLED:
                return actions.expire(current, on=self.today)
            if lapses:
                return actions.lapse(current, on=self.today)
            return actions.renew(current, TARIFF, on=self.today)

        self.act(profile, decide)

    @rule(profile=_profiles, plan=_plan_values, index=_indexes)
    def act_on_any_revision(self, profile: ProfileId, plan: PlanValues, index: int) -> None:
        """Record a call or buy, on a revision that is old, unknown, None or current."""
        call, revision = make_call(self.new_name(), self.today), self.pick_revision(index)
        stored = self.model.stored.get((ACCOUNT, profile))
        current = stored.value if stored else None

        def decide() -> Decision:
            if current is not None and current.status in RUNNING:
                return call_records.record_call(current, call, TARIFF, on=self.today)
            return self.decide_purchase(profile, plan, current)

        self.commit_if_possible(revision, decide)

    def pick_revision(self, index: int) -> Revision | None:
        """Return None, an unknown revision or one that ``commit`` returned."""
        revisions = [None, UNKNOWN_REVISION, *self.model.revisions]
        return revisions[index % len(revisions)]

    @rule(commit_index=_indexes, revision_index=_indexes)
    def commit_again(self, commit_index: int, revision_index: int) -> None:
        """Commit a stored decision again, with any expected revision."""
        decision, _ = self.pick_commit(commit_index)
        self.commit(decision, self.pick_revision(revision_index))

    @rule(commit_index=_indexes, is_current=st.booleans())
    def reuse_token(self, commit_index: int, *, is_current: bool) -> None:
        """Commit a different decision with the token of a stored decision."""
        decision, revision = self.pick_commit(commit_index)
        if is_current and isinstance(decision, Decision):
            revision = self.model.revision_of(decision.account, decision.after.profile)
        self.commit(attrs.evolve(decision, on=decision.on + days(1)), revision)

    def pick_commit(self, index: int) -> tuple[Decision | Transfer, Revision | None]:
        """Return a stored decision or transfer, and the answer of its commit."""
        commits = list(self.model.commits.values())
        return commits[index % len(commits)]

    @rule(days_ahead=st.integers(0, 40), limit=st.integers(1, 3))
    def check_due(self, days_ahead: int, limit: int) -> None:
        """Compare the due profiles, read page by page, with the model."""
        on = self.today + days(days_ahead)
        message = f"due({on}) in pages of {limit} returned the wrong profiles, or another order"
        expected = self.model.due_profiles(on)
        check_equal(expected, self.store.walk_due(on, limit=limit), message)
        for account in ACCOUNTS:
            of_account = [due_profile for due_profile in expected if due_profile[0] == account]
            found = self.store.walk_due(on, account=account, limit=limit)
            check_equal(of_account, found, f"{message}, for account {account!r}")

    @rule(days_ago=st.integers(-1, 60), length=st.integers(1, 30), limit=st.integers(1, 20))
    def check_days(self, days_ago: int, length: int, limit: int) -> None:
        """Compare the postings, balances and decisions of some days with the model."""
        since = self.today - days(days_ago)
        until = since + days(length)
        options: dict[str, Any] = {"since": since, "until": until, "limit": limit}
        for wallet in WALLETS:
            booked = self.model.postings[wallet]
            expected = tuple(entry for entry in booked if _is_between(entry.posting, since, until))
            message = f"the postings of {wallet} from {since} to {until} are wrong"
            check_equal(expected, self.store.all_postings(wallet, **options), message)
            amounts = [
                entry.posting.amount.minor for entry in booked if entry.posting.counts_from < since
            ]
            balance = self.store.balance(wallet, before=since)
            message = f"the balance of {wallet} before {since} is wrong"
            check_equal(cents(sum(amounts)) if booked else None, balance, message)
        decisions = [
            decision
            for decision in self.model.decisions(ACCOUNT)
            if _is_between(decision, since, until)
        ]
        message = f"the decisions of the account from {since} to {until} are wrong"
        check_equal(decisions, self.store.all_decisions(ACCOUNT, **options), message)

    @invariant()
    def check_against_model(self) -> None:
        """Compare subscriptions, wallets and the latest tokens with the model after each step."""
        for account in ACCOUNTS:
            for profile in PROFILES:
                message = f"{profile} does not hold the subscription that was committed last"
                found = self.store.subscription(account, profile)
                check_equal(self.model.stored.get((account, profile)), found, message)
            message = f"the profiles of {account} are wrong"
            found_profiles = self.store.all_profiles(account)
            check_equal(self.model.profiles(account), found_profiles, message)
        for wallet in WALLETS:
            balance = self.store.balance(wallet)
            minor = None if balance is None else balance.minor
            message = f"the balance of {wallet} is not the sum of its postings"
            check_equal(self.model.balances.get(wallet), minor, message)
            message = f"the postings of {wallet} differ from the committed postings or their order"
            expected = tuple(self.model.postings[wallet])
            check_equal(expected, self.store.all_postings(wallet), message)
        for (account, token), (decision, _) in list(self.model.commits.items())[-3:]:
            message = f"decision({account!r}, {token!r}) must return what was committed"
            check_equal(decision, self.store.decision(account, token), message)


def _is_between(item: Decision | Transfer | Posting, since: date, until: date) -> bool:
    return since <= item.counts_from < until


def run_machine(make_store: Callable[[], CheckedStore]) -> None:
    """Run sequences of steps, each on its own empty store, and compare each step with the model.

    ``EXAMPLES`` sequences are run for each 100 ``max_examples`` of the loaded profile of
    Hypothesis, and at least ``LEAST_EXAMPLES``.

    Raises:
        AssertionError: the store and the model differ, or a store is not new.
    """
    # In a sequence of Hypothesis, a store that is not new would only look like a flaky test.
    make_store().commit(make_deposit("1"))
    make_store()
    machine: Any = partial(Machine, make_store)
    machine_settings = settings(
        max_examples=max(LEAST_EXAMPLES, EXAMPLES * settings().max_examples // 100),
        stateful_step_count=STEPS,
        deadline=None,
        # Explaining a shrunk sequence takes longer than finding it.
        phases=set(Phase) - {Phase.explain},
        report_multiple_bugs=False,
        suppress_health_check=list(HealthCheck),
    )
    run_state_machine_as_test(machine, settings=machine_settings)
