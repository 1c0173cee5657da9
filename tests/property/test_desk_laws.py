"""Laws of the desk, over a store that anybody else may use between any two questions to it.

- However the turns of several workers fall, each due term is charged once, and what is stored in
  the end is what one worker alone would have left, where there is credit for all.
- Where there is not, no purse ends below zero, and nothing stays due but what its grace keeps.
- A purse holds what was posted to it.
- A worker that is stopped at any point leaves nothing half done: the next run ends where one that
  was never stopped would have.
- A call is charged once, however often and to whichever workers it is delivered; where its term is
  renewed meanwhile, all of its deliveries are refused or none is.
- A preview that is committed, an action at the desk and lifecycle's own decision are the same,
  once nothing is due; where something is, an action does it first, as a run would.
"""

# Identifiers are plain text here, and what was bought and paid in is known to be there.
# mypy: disable-error-code="arg-type, operator, union-attr"

from collections import Counter
from datetime import date, timedelta
from itertools import chain, count, repeat, takewhile
from types import coroutine
from typing import Any

import attrs
from hypothesis import given
from hypothesis import strategies as st

from channelplans import lifecycle
from channelplans.calendar import Days
from channelplans.desk import AsyncDesk, Desk
from channelplans.errors import ChannelPlansError, OutsideTerm, TransitionNotAllowed
from channelplans.ledger import Purse, settle
from channelplans.lifecycle import Decision
from channelplans.memory import MemoryStore
from channelplans.money import EUR, Money
from channelplans.offers import SKYPE_CONNECT, SKYPE_CONNECT_2011
from channelplans.pricing import Tariff
from channelplans.rules import ShortageRule
from channelplans.subscriptions import RUNNING, Status
from channelplans.usage import Call

TARIFF = Tariff("made up", EUR, "6.95", "10", "0.02", {"DE": "0.03"})
DAY = date(2026, 1, 5)
ACME = Purse("acme")
PLENTY = 10**7
GRACE = attrs.evolve(
    SKYPE_CONNECT, edition="grace", shortage=ShortageRule(drops_bundles=True, grace=Days(9))
)
OFFERS = [SKYPE_CONNECT, SKYPE_CONNECT_2011, GRACE]


@coroutine
def a_turn():
    """Let the others have a turn."""
    yield


class TurnStore:
    """A store in memory, with a turn for the others before each answer and after it."""

    def __init__(self, store, page=1000):
        self._store, self._page = store, page

    def __getattr__(self, question):
        answer = getattr(self._store, question)

        async def in_turn(*arguments, **named):
            await a_turn()
            answered = answer(*arguments, **named)
            await a_turn()
            return answered

        return in_turn

    async def due(self, on, /, *, cursor=None):
        """Answer in small pages."""
        await a_turn()
        return self._store.due(on, cursor=cursor, limit=self._page)


STOP = -1


def take_turns(workers, turns=()):
    """Let workers go on in turn, by their place among those left; return what each came to.

    After ``turns`` each goes on to its end. ``STOP`` stops the first of them where it is.
    """
    left, results = dict(enumerate(workers)), {}
    for turn in chain(turns, repeat(0)):
        if not left:
            break
        name = list(left)[max(turn, 0) % len(left)]
        if turn == STOP:
            left.pop(name).close()
            continue
        try:
            left[name].send(None)
        except StopIteration as done:
            results[name] = done.value
            del left[name]
    return list(results.values())


def turns(*, stop=False):
    """Draw whose turn it is, for so many turns, again and again; and, if asked for, to stop."""
    runs = st.tuples(st.integers(0, 3), st.integers(1, 14)).map(lambda run: [run[0]] * run[1])
    stops = st.just([STOP]) if stop else st.nothing()
    return st.lists(runs | stops, max_size=25).map(lambda each: list(chain.from_iterable(each)))


def prices(*_):
    """Return the one tariff, for any offer and day."""
    return TARIFF


@attrs.frozen
class Holding:
    """What one profile bought, when, and whether it was cancelled at once."""

    plan: object
    on: date
    cancelled: bool


holdings = st.builds(
    lambda offer, channels, bundles, day, cancelled: Holding(
        offer.plan(channels=channels, bundles=bundles), DAY + timedelta(day), cancelled
    ),
    st.sampled_from(OFFERS),
    st.integers(1, 4),
    st.integers(0, 1),
    st.integers(0, 40),
    st.sampled_from([False, False, False, True]),
)
accounts = st.lists(holdings, min_size=1, max_size=4)
days = st.integers(20, 140).map(lambda number: DAY + timedelta(number))


def opened(account, cents):
    """Return a store in which acme's profiles hold an account's plans, and so much credit is left.

    Profiles are named from the last one on, so that their order is not that of the purchases.
    """
    store = MemoryStore()
    desk = Desk(store, tariff=prices)
    paid = Money(PLENTY, EUR)
    desk.deposit(ACME, paid, transfer="opening", on=DAY)
    for number, each in enumerate(account):
        profile = f"p-{9 - number}"
        bought = {"account": "acme", "profile": profile, "subscription": f"s of {profile}"}
        desk.buy(each.plan, on=each.on, **bought)
        if each.cancelled:
            desk.cancel(profile, on=each.on)
    spent = Money(PLENTY - cents, EUR) - (paid - store.balance(ACME))
    if spent:
        desk.expire_credit(ACME, spent, transfer="spent", on=DAY)
    return store


async def renewing(store, on, page=1000):
    """Run what is due, as one of several workers."""
    desk = AsyncDesk(TurnStore(store, page), tariff=prices)
    return [outcome async for outcome in desk.run_due(on=on)]


def state(store):
    """Return what is held and what lies where and why, without the order and the revisions."""
    kept = store.snapshot()
    held = {profile: stored.value for profile, stored in kept.subscriptions.items()}
    booked = {purse: Counter(map(str, each)) for purse, each in kept.postings.items()}
    return held, kept.balances, booked


def check_sums(store):
    """Expect each purse to hold what was posted to it, and no purse to hold less than nothing."""
    kept = store.snapshot()
    for purse, balance in kept.balances.items():
        amounts = [each.posting.amount for each in kept.postings[purse]]

        assert sum(amounts, start=Money(0, EUR)) == balance
        assert balance >= Money(0, EUR)


def charged(store):
    """Return which terms were paid for which subscription, and how often."""
    postings = [each.posting for each in store.postings(ACME) if each.posting.term]
    return Counter((each.reference, each.term) for each in postings)


def terms_until(holding, on):
    """Return the terms of a holding that begin by a day: those that are charged for."""
    terms = (holding.plan.offer.term.nth(holding.on, number) for number in count())
    begun = list(takewhile(lambda term: term.start <= on, terms))
    return begun[:1] if holding.cancelled else begun


@given(accounts, days, st.integers(1, 4), st.integers(1, 3), turns())
def test_several_workers_do_what_one_does(account, on, workers, page, schedule):
    """With credit for all, each term that has begun is charged once, by whomever."""
    store, alone = (opened(account, PLENTY // 2) for _ in "12")
    runs = take_turns([renewing(store, on, page) for _ in range(workers)], schedule)
    (lone,) = take_turns([renewing(alone, on)])

    expected = {
        (f"s of p-{9 - number}", term)
        for number, holding in enumerate(account)
        for term in {*terms_until(holding, on), *terms_until(holding, holding.on)}
    }
    assert dict.fromkeys(expected, 1) == charged(store)
    assert state(alone) == state(store)
    told = {(each.profile, each.term, each.decision.token) for run in runs for each in run}
    assert {(each.profile, each.term, each.decision.token) for each in lone} == told
    check_sums(store)


@given(accounts, days, st.integers(0, 30_000), st.integers(1, 4), st.integers(1, 3), turns())
def test_several_workers_without_credit_for_all(account, on, cents, workers, page, schedule):
    """Whoever is served, no term is charged twice, and only grace keeps anything due."""
    store = opened(account, cents)
    runs = take_turns([renewing(store, on, page) for _ in range(workers)], schedule)

    check_sums(store)
    assert not any(outcome.failed for run in runs for outcome in run)
    assert {1} == set(charged(store).values())
    for stored in store.snapshot().subscriptions.values():
        held = stored.value
        if held.status in RUNNING and held.term.end <= on:
            assert (Status.ACTIVE, True) == (held.status, on < held.lapses_on)


@given(holdings, days, st.integers(0, 30_000), st.integers(1, 4), turns(stop=True))
def test_one_profile_s_credit_goes_where_one_worker_s_would(holding, on, cents, workers, schedule):
    """What is renewed, dropped or lapses does not depend on how many try, or are stopped."""
    store, alone = (opened([holding], cents) for _ in "12")
    take_turns([renewing(store, on) for _ in range(workers)], schedule)
    take_turns([renewing(store, on)])
    take_turns([renewing(alone, on)])

    assert state(alone) == state(store)


@given(accounts, days, st.integers(1, 4), st.integers(1, 3), turns(stop=True))
def test_stopped_at_any_point(account, on, workers, page, schedule):
    """Whoever is stopped wherever, the next run finishes what one never stopped does."""
    store, alone = (opened(account, PLENTY // 2) for _ in "12")
    take_turns([renewing(store, on, page) for _ in range(workers)], schedule)
    check_sums(store)
    take_turns([renewing(store, on, page)])
    take_turns([renewing(alone, on)])

    assert state(alone) == state(store)


# Minutes, whether they are Germany's or the bundle's, and to which worker each delivery goes.
deliveries = st.tuples(
    st.integers(1, 9), st.booleans(), st.lists(st.integers(0, 2), min_size=1, max_size=3)
)


@given(st.lists(deliveries, min_size=1, max_size=5), st.booleans(), turns())
def test_a_call_is_charged_once(delivered, renewed, schedule):
    """Calls to Germany are 0.03 a minute from the profile's purse, and others use up minutes."""
    store = opened([Holding(SKYPE_CONNECT.plan(channels=1, bundles=1), DAY, cancelled=False)], 5000)
    berlin, profile = Purse("acme", "p-9"), "p-9"
    desk = AsyncDesk(TurnStore(store), tariff=prices)
    Desk(store, tariff=prices).assign_credit(
        "acme", profile, Money(3000, EUR), transfer="t", on=DAY
    )
    last = DAY + timedelta(29)
    calls = [
        Call(
            f"c-{number}", "+1 212 555 0100", ("US", "DE")[german], last, timedelta(minutes=minutes)
        )
        for number, (minutes, german, _) in enumerate(delivered)
    ]

    async def taking(worker):
        taken = []
        for call, (_, _, workers) in zip(calls, delivered, strict=True):
            for _ in range(workers.count(worker)):
                try:
                    taken.append((call, await desk.use(profile, call, on=last), False))
                except OutsideTerm:
                    taken.append((call, None, True))
        return taken

    workers = [*map(taking, range(3)), *([renewing(store, DAY + timedelta(30))] if renewed else [])]
    results = [each for run in take_turns(workers, schedule) for each in run]
    answers = [each for each in results if isinstance(each, tuple)]
    refused = {call.id: {each[2] for each in answers if each[0] == call} for call in calls}

    assert all(len(answer) == 1 for answer in refused.values())
    in_time = [call for call in calls if refused[call.id] == {False}]
    assert renewed or calls == in_time
    for call in in_time:
        assert any(each[0] == call and each[1] is not None for each in answers)
    minutes = {
        country: sum((each.duration for each in in_time if each.country == country), timedelta())
        for country in ("US", "DE")
    }
    assert Money(3000 - 3 * (minutes["DE"] // timedelta(minutes=1)), EUR) == store.balance(berlin)
    held = store.subscription(profile).value
    assert (minutes["US"] if held.number == 0 else timedelta()) == held.allowance.used
    assert 1 + renewed + len(in_time) == held.sequence


ACTIONS = ["buy", "change", "cancel", "resume", "terminate", "deposit", "assign_credit"]
steps = st.tuples(st.sampled_from(ACTIONS), st.integers(1, 12), st.integers(0, 12))


def asked(action, amount, name):
    """Return what an action is called with, but for the day."""
    plan, moved = SKYPE_CONNECT.plan(channels=amount), {"transfer": name}
    bought = {"account": "acme", "profile": "berlin", "subscription": name}
    special: dict[str, Any] = {
        "buy": ((plan,), bought),
        "change": (("berlin", plan), {}),
        "deposit": ((ACME, Money(amount * 1000, EUR)), moved),
        "assign_credit": (("acme", "berlin", Money(amount * 100, EUR)), moved),
    }
    return special.get(action, (("berlin",), {}))


def decided(action, held, arguments, named):
    """Return what lifecycle decides of what is held, asked for the same."""
    act = getattr(lifecycle, action)
    if action == "buy":
        return act(*arguments, TARIFF, previous=held, **named)
    if "transfer" in named:
        return act(*arguments, **named)
    if held is None:
        raise TransitionNotAllowed(action, "not bought yet", ("buy",))
    return act(held, *arguments[1:], *([TARIFF] if action == "change" else []), **named)


def told(call, *arguments, **named):
    """Return what a call returns, or which error it raises and what that says."""
    try:
        return call(*arguments, **named)
    except ChannelPlansError as error:
        return type(error), str(error)


@given(st.lists(steps, max_size=12))
def test_a_preview_that_is_committed_is_lifecycle_s_decision(actions):
    """Three ways to the same decisions, the same errors and the same state, step by step."""
    direct, confirmed = MemoryStore(), MemoryStore()
    desk, confirming = Desk(direct, tariff=prices), AsyncDesk(TurnStore(confirmed), tariff=prices)
    held, balances, day = None, direct.snapshot().balances, DAY

    def by_hand(action, arguments, named):
        decision = decided(action, held, arguments, named)
        return decision, settle(balances, decision.postings)

    def confirm(action, arguments, named):
        (preview,) = take_turns([getattr(confirming.preview, action)(*arguments, **named)])
        (decision,) = take_turns([confirming.commit(preview)])
        return decision

    for number, (action, amount, later) in enumerate(actions):
        day += timedelta(later)
        arguments, named = asked(action, amount, f"id-{number}")
        named["on"] = day
        for store in direct, confirmed:
            list(Desk(store, tariff=prices).run_due(on=day))
        stored = direct.subscription("berlin")
        held, balances = stored and stored.value, direct.snapshot().balances
        done = told(getattr(desk, action), *arguments, **named)
        expected = told(by_hand, action, arguments, named)

        assert done == told(confirm, action, arguments, named)
        if isinstance(done, Decision):
            decision, balances = expected
            held = decision.after or held

            assert decision == done
        else:
            assert expected == done
        stored = direct.subscription("berlin")

        assert held == (stored and stored.value)
        assert balances == direct.snapshot().balances
        assert state(direct) == state(confirmed)


@given(st.lists(steps, max_size=12))
def test_an_action_does_first_what_is_due(actions):
    """It comes to the same as the same action after a run for its day, an error included."""
    alone, after_a_run, day = MemoryStore(), MemoryStore(), DAY
    begun = [("deposit", 5, 0), ("buy", 1, 0)]

    for number, (action, amount, later) in enumerate([*begun, *actions]):
        day += timedelta(5 * later)
        arguments, named = asked(action, amount, f"id-{number}")
        named["on"] = day
        run = Desk(after_a_run, tariff=prices)
        # A movement of credit looks at no subscription.
        if "transfer" not in named:
            list(run.run_due(on=day))
        done = told(getattr(Desk(alone, tariff=prices), action), *arguments, **named)

        assert done == told(getattr(run, action), *arguments, **named)
        assert state(alone) == state(after_a_run)
