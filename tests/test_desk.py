"""The desk: what is decided is committed, once, at the price that was confirmed or not at all.

Each test is made with both desks: the asynchronous one is wrapped so that its calls block.
"""

# Identifiers are plain text here, what was committed is known to be there, and wrong types are
# given on purpose.
# mypy: disable-error-code="arg-type, misc, union-attr"

import asyncio
from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime, timedelta
from decimal import Decimal
from itertools import count, islice
from types import MappingProxyType

import attrs
import pytest

from channelplans import lifecycle
from channelplans.calendar import Days, Term
from channelplans.catalogue import Catalogue, Edition, Existing
from channelplans.desk import AsyncDesk, Desk
from channelplans.errors import (
    Conflict,
    InsufficientCredit,
    NotOffered,
    OutsideTerm,
    TokenReused,
    TransitionNotAllowed,
    UnknownEdition,
    WrongType,
)
from channelplans.ledger import Posting, Purse, Reason
from channelplans.memory import MemoryStore
from channelplans.money import EUR, USD, Money
from channelplans.offers import SKYPE_CONNECT
from channelplans.pricing import Tariff
from channelplans.rules import ChangeRule, Effect, RefundBasis, RefundRule, ShortageRule
from channelplans.subscriptions import Action, Status
from channelplans.usage import Call

BOUGHT, DAY = date(2026, 1, 5), date(2026, 1, 15)
ENDS, NEXT_ENDS, THIRD_ENDS = date(2026, 2, 4), date(2026, 3, 6), date(2026, 4, 5)
NOON = datetime(2026, 1, 15, 12)  # noqa: DTZ001 - any datetime is refused
TERM, NEXT_TERM, THIRD_TERM = Term(BOUGHT, ENDS), Term(ENDS, NEXT_ENDS), Term(NEXT_ENDS, THIRD_ENDS)
TARIFF = Tariff("made up", EUR, "6.95", "10", "0.021", {"DE": "0.02"})
DEARER = Tariff("dearer", EUR, "7.50", "11", "0.03", {"DE": "0.05"})
PLAN = SKYPE_CONNECT.plan(channels=5)  # 5 x 6.95 = 34.75
BIGGER = SKYPE_CONNECT.plan(channels=10)  # 69.50
ACME, BERLIN = Purse("acme"), Purse("acme", "berlin")
GRACE = attrs.evolve(SKYPE_CONNECT, edition="grace", shortage=ShortageRule(grace=Days(7)))
DROPPING = attrs.evolve(SKYPE_CONNECT, edition="drop", shortage=ShortageRule(drops_bundles=True))
EXACT = attrs.evolve(
    SKYPE_CONNECT, edition="by time", refund=RefundRule(channels=RefundBasis.EXACT_TIME)
)
LATER_FEWER = attrs.evolve(
    SKYPE_CONNECT,
    edition="fewer later",
    change=ChangeRule(cooldown=None, more=Effect.PRORATE, fewer=Effect.NEXT_TERM),
)


def euros(amount):
    """Return an amount in euros."""
    return Money.of(amount, EUR)


def call(identifier="c-1", *, day=DAY, minutes=3, country="DE"):
    """Return a call; one of 3 minutes to Germany is 0.06."""
    return Call(identifier, "+49 30 5550100", country, day, timedelta(minutes=minutes))


class BusyStore(MemoryStore):
    """Tells what was asked of it, and lets others get on, or fails, before it answers.

    ``before`` holds for a question, or for one of a profile, what is done at its first asking, at
    its second and so on, and likewise before the ``answer`` to a commit; what that asks in turn is
    neither told nor disturbed.
    """

    def __init__(self):
        super().__init__()
        self.asked, self.before, self.page, self._others = [], {}, 1000, False

    def _ask(self, question, profile=None):
        if not self._others:
            self.asked.append(question)
        self._disturb(question, profile)

    def _disturb(self, moment, profile):
        if self._others:
            return
        self._others = True
        try:
            for asked in (moment, f"{moment} of {profile}"):
                next(self.before.get(asked, iter(())), bool)()
        finally:
            self._others = False

    def subscription(self, profile, /):
        """Ask, then answer."""
        self._ask("subscription", profile)
        return super().subscription(profile)

    def committed(self, token, /):
        """Ask, then answer."""
        self._ask("committed")
        return super().committed(token)

    def commit(self, decision, /, *, expected):
        """Ask, then answer; or do it, and fail before it can be told."""
        profile = decision.after and decision.after.profile
        self._ask("commit", profile)
        revision = super().commit(decision, expected=expected)
        self._disturb("answer", profile)
        return revision

    def due(self, on, /, *, cursor=None, limit=1000):
        """Answer in pages of the store's own size."""
        self._ask("due")
        return super().due(on, cursor=cursor, limit=min(limit, self.page))


class LaterStore:
    """Any store, awaited: each answer comes a turn of the loop later."""

    def __init__(self, store):
        self._store = store

    def __getattr__(self, question):
        answer = getattr(self._store, question)

        async def later(*arguments, **named):
            await asyncio.sleep(0)
            return answer(*arguments, **named)

        return later


class Waited:
    """An asynchronous desk, or its preview, whose calls block until they are done."""

    def __init__(self, desk, runner):
        self._desk, self._runner = desk, runner

    def __getattr__(self, action):
        act = getattr(self._desk, action)
        return lambda *arguments, **named: self._runner.run(act(*arguments, **named))

    @property
    def preview(self):
        """Return the preview, waited for."""
        return Waited(self._desk.preview, self._runner)

    def run_due(self, *, on):
        """Yield the outcomes, each waited for."""
        outcomes = self._desk.run_due(on=on)
        try:
            while True:
                yield self._runner.run(anext(outcomes))
        except StopAsyncIteration:
            return
        finally:
            self._runner.run(outcomes.aclose())


def same_for_all(*_):
    """Return the one tariff, for any offer and day."""
    return TARIFF


@pytest.fixture(params=[Desk, AsyncDesk])
def desk_over(request):
    """Return what makes a desk over a store, of either kind, with calls that block."""
    if request.param is Desk:
        yield lambda store, tariff=same_for_all: Desk(store, tariff=tariff)
        return
    with asyncio.Runner() as runner:
        yield lambda store, tariff=same_for_all: Waited(
            AsyncDesk(LaterStore(store), tariff=tariff), runner
        )


@pytest.fixture
def store():
    """Return a store that tells and can be disturbed."""
    return BusyStore()


@pytest.fixture
def desk(desk_over, store):
    """Return a desk of either kind over the store, with one tariff for all."""
    return desk_over(store)


def opened(store, *, credit="1000", plans=None, on=BOUGHT, tariff=same_for_all):
    """Pay credit into acme's purse and buy a plan for each profile; return the store."""
    desk = Desk(store, tariff=tariff)
    desk.deposit(ACME, euros(credit), transfer="opening", on=on)
    for profile, plan in (plans or {"berlin": PLAN}).items():
        desk.buy(plan, account="acme", profile=profile, subscription=f"s of {profile}", on=on)
    return store


def held(store, profile="berlin"):
    """Return what a profile holds."""
    return store.subscription(profile).value


def balance(store, purse=ACME):
    """Return what a purse holds, as text."""
    return str(store.balance(purse).amount)


def paid_terms(store, profile="berlin", purse=ACME):
    """Return the terms that were paid for a profile, in the order of booking."""
    reference = f"s of {profile}"
    booked = (each.posting for each in store.postings(purse))
    return [posting.term for posting in booked if posting.reference == reference]


def taken(store, profile, call, *, on):
    """Take a call of what a profile holds, beside any desk and before what is due."""
    stored = store.subscription(profile)
    store.commit(lifecycle.use(stored.value, call, TARIFF, on=on), expected=stored.revision)


def told(outcomes):
    """Return what became of whom, without the terms and the reasons."""
    return [(each.profile, each.decision and each.decision.action) for each in outcomes]


# What an action is called with, and what lifecycle decides of what berlin holds.
BUYING = {"account": "acme", "profile": "berlin", "subscription": "s-2", "on": DAY}
MOVING = {"transfer": "t-1", "on": DAY}
ACTIONS = [
    (
        "change",
        ("berlin", BIGGER),
        {"on": DAY},
        lambda s: lifecycle.change(s, BIGGER, TARIFF, on=DAY),
    ),
    ("cancel", ("berlin",), {"on": DAY}, lambda s: lifecycle.cancel(s, on=DAY)),
    ("terminate", ("berlin",), {"on": DAY}, lambda s: lifecycle.terminate(s, on=DAY)),
    (
        "terminate",
        ("berlin",),
        {"on": DAY, "refund": False},
        lambda s: lifecycle.terminate(s, on=DAY, refund=False),
    ),
    (
        "deposit",
        (BERLIN, euros("5")),
        {**MOVING, "reason": Reason.BONUS},
        lambda _: lifecycle.deposit(BERLIN, euros("5"), reason=Reason.BONUS, **MOVING),
    ),
    (
        "assign_credit",
        ("acme", "berlin", euros("5")),
        MOVING,
        lambda _: lifecycle.assign_credit("acme", "berlin", euros("5"), **MOVING),
    ),
    (
        "take_back_credit",
        ("acme", "berlin", euros("5")),
        MOVING,
        lambda _: lifecycle.take_back_credit("acme", "berlin", euros("5"), **MOVING),
    ),
    (
        "expire_credit",
        (ACME, euros("5")),
        MOVING,
        lambda _: lifecycle.expire_credit(ACME, euros("5"), **MOVING),
    ),
]
EVERY_ACTION = pytest.mark.parametrize(
    ("action", "arguments", "named", "decided"), ACTIONS, ids=[each[0] for each in ACTIONS]
)


@pytest.fixture
def berlin(store):
    """Return what berlin holds in the store: a plan, bought, and 20.00 in a purse of its own."""
    opened(store)
    Desk(store, tariff=same_for_all).assign_credit(
        "acme", "berlin", euros("20"), transfer="assigned", on=BOUGHT
    )
    return held(store)


class TestActions:
    """Every action decides as ``lifecycle`` does, and commits it."""

    @EVERY_ACTION
    def test_an_action_is_decided_and_done(
        self, desk, store, berlin, action, arguments, named, decided
    ):
        """What comes back is lifecycle's decision; what is held and what lies where follow it."""
        expected = decided(berlin)
        balances = {purse: store.balance(purse) for purse in expected.deltas}
        decision = getattr(desk, action)(*arguments, **named)

        assert expected == decision
        assert expected.after or berlin == held(store)
        for purse, delta in expected.deltas.items():
            assert balances[purse] + delta == store.balance(purse)

    @EVERY_ACTION
    def test_a_preview_decides_the_same_and_does_nothing(
        self, desk, store, berlin, action, arguments, named, decided
    ):
        """Until it is committed nothing is stored; then it is what was shown."""
        before = store.snapshot()
        preview = getattr(desk.preview, action)(*arguments, **named)

        assert decided(berlin) == preview.decision
        rests_on = store.subscription("berlin").revision if preview.decision.after else None
        assert rests_on == preview.revision
        assert str(preview.decision) == str(preview)
        assert preview.decision._repr_html_() == preview._repr_html_()
        assert before == store.snapshot()

        assert preview.decision == desk.commit(preview)
        assert (decided(berlin).after or berlin) == held(store)

    def test_a_cancellation_is_taken_back(self, desk, store, berlin):
        """Both are decided from what is stored by then."""
        cancelled = desk.cancel("berlin", on=DAY).after
        previewed = desk.preview.resume("berlin", on=DAY).decision

        assert lifecycle.resume(cancelled, on=DAY) == previewed == desk.resume("berlin", on=DAY)
        assert Status.ACTIVE is held(store).status

    def test_a_first_purchase(self, desk, store):
        """It rests on nothing, and 50.00 less 34.75 is left."""
        Desk(store, tariff=same_for_all).deposit(ACME, euros("50"), transfer="p", on=BOUGHT)
        preview = desk.preview.buy(PLAN, **BUYING)

        assert preview.revision is None
        assert lifecycle.buy(PLAN, TARIFF, **BUYING) == preview.decision
        assert preview.decision == desk.buy(PLAN, **BUYING)
        assert "15.25" == balance(store)

    def test_a_purchase_looks_up_what_was_held(self, desk, store, berlin):
        """Ending and buying again does not give back the one change a day (H15)."""
        desk.change("berlin", BIGGER, on=DAY)
        ended = desk.terminate("berlin", on=DAY).after
        bought = desk.buy(PLAN, **BUYING)

        assert lifecycle.buy(PLAN, TARIFF, previous=ended, **BUYING) == bought
        assert DAY == bought.after.last_changed_on

    @pytest.mark.parametrize(
        ("action", "arguments"), [("change", (EXACT.plan(channels=10),)), ("terminate", ())]
    )
    def test_the_part_of_the_day_is_passed_on(self, desk, store, action, arguments):
        """Of 34.75 for 30 days 19.75 days are left after six hours of the 15th: 22.88."""
        opened(store, plans={"berlin": EXACT.plan(channels=5)})
        act = getattr(desk, action)
        decision = act("berlin", *arguments, on=DAY, passed=timedelta(hours=6))

        assert "22.88" == str(decision.postings[0].amount.amount)

    @pytest.mark.parametrize(
        ("action", "arguments"),
        [
            ("change", (PLAN,)),
            ("cancel", ()),
            ("resume", ()),
            ("terminate", ()),
            ("use", (call(),)),
        ],
    )
    def test_who_never_held_anything_is_told_to_buy(self, desk, action, arguments):
        """The error is the table's, and says what is possible."""
        with pytest.raises(TransitionNotAllowed) as refused:
            getattr(desk, action)("berlin", *arguments, on=DAY)

        sentence = (
            f"{action} is not possible while the subscription is not bought yet; possible: buy"
        )
        assert sentence == str(refused.value)

    def test_what_is_not_paid_is_not_done(self, desk, store):
        """A purse that holds too little refuses the purchase, and the profile holds nothing."""
        Desk(store, tariff=same_for_all).deposit(ACME, euros("30"), transfer="p", on=BOUGHT)
        with pytest.raises(InsufficientCredit, match=r"; 4\.75 EUR more would do$"):
            desk.buy(PLAN, **BUYING)

        assert None is store.subscription("berlin")

    def test_a_transfer_is_done_once(self, desk, store):
        """The same again changes nothing; another amount by the same name is refused."""
        for _ in range(2):
            desk.deposit(ACME, euros("5"), **MOVING)
        with pytest.raises(TokenReused):
            desk.deposit(ACME, euros("6"), **MOVING)

        assert "5.00" == balance(store)

    @pytest.mark.parametrize(
        ("action", "arguments", "named", "parameter"),
        [
            ("buy", ("5",), BUYING, "plan"),
            ("buy", (PLAN,), {**BUYING, "on": NOON}, "on"),
            ("change", ("berlin", "5"), {"on": DAY}, "plan"),
            ("change", ("berlin", BIGGER), {"on": NOON}, "on"),
            ("cancel", (7,), {"on": DAY}, "profile"),
            ("cancel", ("berlin",), {"on": "today"}, "on"),
            ("use", ("berlin", "c-1"), {"on": DAY}, "call"),
            ("use", ("berlin", call()), {"on": NOON}, "on"),
            ("deposit", ("acme", euros("5")), MOVING, "purse"),
            ("statement", ("acme",), {}, "purse"),
            ("statement", (ACME,), {"since": NOON}, "since"),
            ("statement", (ACME,), {"until": "today"}, "until"),
            ("commit", ("all",), {}, "preview"),
        ],
    )
    def test_a_wrong_type_is_named(self, desk, berlin, action, arguments, named, parameter):
        """The error tells which parameter, before a tariff or the store is asked with it."""
        with pytest.raises(WrongType, match=f"^{parameter} must be "):
            getattr(desk, action)(*arguments, **named)

    @pytest.mark.parametrize("kind", [Desk, AsyncDesk])
    def test_a_tariff_alone_tells_no_prices(self, kind):
        """Which offer it is for, and from when, is told by a function or a catalogue."""
        with pytest.raises(WrongType, match="must be a function of an offer and a day, or a Catal"):
            kind(MemoryStore(), tariff=TARIFF)

    def test_what_a_store_raises_is_passed_on(self, desk, store, berlin):
        """A store's own failure is no conflict, and is not tried again."""
        store.before["commit"] = iter([failing(OSError("no space left"))])
        with pytest.raises(OSError, match="no space left"):
            desk.cancel("berlin", on=DAY)

        assert Status.ACTIVE is held(store).status

    def test_a_store_that_stops_is_not_taken_for_an_answer(self, desk, store, berlin):
        """StopIteration ends generators, and must not pass for something that was done."""
        store.before["commit"] = iter([failing(StopIteration("preview"))])
        with pytest.raises(RuntimeError, match="StopIteration"):
            desk.cancel("berlin", on=DAY)


def failing(error):
    """Return an act that raises an error."""

    def fail():
        raise error

    return fail


class TestCommit:
    """A preview is committed exactly, or not at all."""

    def test_twice_is_once(self, desk, store, berlin):
        """The second time is answered as the first, and charges nothing."""
        preview = desk.preview.change("berlin", BIGGER, on=DAY)
        desk.commit(preview)
        after = store.snapshot()

        assert preview.decision == desk.commit(preview)
        assert after == store.snapshot()

    def test_a_transfer_twice_is_once(self, desk, store, berlin):
        """A preview of what no subscription guards is done once as well."""
        preview = desk.preview.take_back_credit("acme", "berlin", euros("5"), **MOVING)
        desk.commit(preview)
        desk.commit(preview)

        assert "15.00" == balance(store, BERLIN)

    def test_what_came_between_is_a_conflict(self, desk, store, berlin):
        """Who confirmed 69.50 less a refund for 5 channels is not charged for what is held now."""
        preview = desk.preview.change("berlin", BIGGER, on=DAY)
        Desk(store, tariff=same_for_all).use("berlin", call(), on=DAY)
        before = store.snapshot()
        with pytest.raises(Conflict, match=r"profile berlin .* confirm again"):
            desk.commit(preview)

        assert before == store.snapshot()

    def test_an_action_does_not_decide_again(self, desk, store, berlin):
        """What was asked for was asked of what was held then; a person has to look again."""
        other = Desk(store, tariff=same_for_all)
        store.before["commit"] = iter([lambda: other.use("berlin", call(), on=DAY)])
        with pytest.raises(Conflict):
            desk.change("berlin", BIGGER, on=DAY)

        assert PLAN == held(store).plan
        assert 4 == store.asked.count("commit")  # the deposit, the purchase, the credit and this

    def test_one_of_two_purchases(self, desk, store):
        """Two previews rest on nothing; what is committed first is what the other did not see."""
        Desk(store, tariff=same_for_all).deposit(ACME, euros("500"), transfer="p", on=BOUGHT)
        small = desk.preview.buy(PLAN, **BUYING)
        large = desk.preview.buy(BIGGER, **{**BUYING, "subscription": "s-3"})
        desk.commit(large)
        with pytest.raises(Conflict, match="at revision none"):
            desk.commit(small)

        assert BIGGER == held(store).plan
        assert "430.50" == balance(store)

    def test_it_can_be_paid_later(self, desk, store):
        """What was refused for want of credit is still what it was, once there is some."""
        opened(store, credit="50")
        preview = desk.preview.change("berlin", BIGGER, on=DAY)
        with pytest.raises(InsufficientCredit):
            desk.commit(preview)
        desk.deposit(ACME, euros("40"), transfer="more", on=DAY)
        desk.commit(preview)

        # 50.00 - 34.75 + 40.00; 20 of 30 days of 34.75 come back, 23.17; 69.50 is paid.
        assert "8.92" == balance(store)


class TestUse:
    """A call is taken once, however often and wherever it is delivered."""

    def test_a_call_is_taken(self, desk, store, berlin):
        """3 minutes at 0.02 are taken from the profile's 20.00."""
        decision = desk.use("berlin", call(), on=DAY)

        assert lifecycle.use(berlin, call(), TARIFF, on=DAY) == decision
        assert "19.94" == balance(store, BERLIN)

    def test_delivered_again(self, desk, store, berlin):
        """The second delivery is told by None."""
        desk.use("berlin", call(), on=DAY)

        assert None is desk.use("berlin", call(), on=DAY)
        assert "19.94" == balance(store, BERLIN)

    def test_delivered_again_after_the_renewal(self, desk, store, berlin):
        """It is told by None as well, although the call lies outside the term by now."""
        desk.use("berlin", call(), on=DAY)
        list(desk.run_due(on=ENDS))

        assert None is desk.use("berlin", call(), on=ENDS)
        with pytest.raises(OutsideTerm):
            desk.use("berlin", call("c-2"), on=ENDS)

    @pytest.mark.parametrize("question", ["subscription", "committed", "commit"])
    def test_delivered_twice_at_once(self, desk, store, berlin, question):
        """Another worker takes the same call at whatever moment: it is charged once."""
        other = Desk(store, tariff=same_for_all)
        store.before[question] = iter([lambda: other.use("berlin", call(), on=DAY)])
        desk.use("berlin", call(), on=DAY)

        assert "19.94" == balance(store, BERLIN)
        assert berlin.sequence + 1 == held(store).sequence

    @pytest.mark.parametrize("question", ["subscription", "committed", "commit"])
    def test_taken_and_renewed_meanwhile(self, desk, store, berlin, question):
        """Another worker takes the call and renews the term at whatever moment: it is no error."""
        other = Desk(store, tariff=same_for_all)

        def get_on():
            other.use("berlin", call(), on=DAY)
            list(other.run_due(on=ENDS))

        store.before[question] = iter([get_on])

        assert None is desk.use("berlin", call(), on=ENDS - timedelta(days=1))
        assert "19.94" == balance(store, BERLIN)

    def test_a_call_of_another_profile(self, desk, store, berlin):
        """A call's identifier is unique in the store: what munich took, berlin does not."""
        other = Desk(store, tariff=same_for_all)
        other.buy(PLAN, **{**BUYING, "profile": "munich"})
        other.deposit(Purse("acme", "munich"), euros("1"), transfer="m", on=DAY)
        store.before["commit"] = iter([lambda: other.use("munich", call(), on=DAY)])

        assert None is desk.use("berlin", call(), on=DAY)
        assert ("20.00", "0.94") == (
            balance(store, BERLIN),
            balance(store, Purse("acme", "munich")),
        )

    def test_decided_again_after_a_conflict(self, desk, store, berlin):
        """Two other calls come between; the third attempt is in time, from the newest state."""
        other = Desk(store, tariff=same_for_all)
        calls = (call(f"other-{number}") for number in range(2))
        store.before["commit"] = ((lambda: other.use("berlin", next(calls), on=DAY)) for _ in "12")
        decision = desk.use("berlin", call(), on=DAY)

        assert decision.after == held(store)
        assert berlin.sequence + 3 == decision.after.sequence
        assert "19.82" == balance(store, BERLIN)

    def test_it_gives_up(self, desk, store, berlin):
        """After a bounded number of attempts the conflict of a busy profile is raised."""
        other = Desk(store, tariff=same_for_all)
        Desk(store, tariff=same_for_all).deposit(BERLIN, euros("90"), transfer="b", on=DAY)
        numbers = count()
        store.before["commit"] = iter(
            lambda: lambda: other.use("berlin", call(f"other-{next(numbers)}"), on=DAY), None
        )
        store.asked.clear()
        with pytest.raises(Conflict):
            desk.use("berlin", call(), on=DAY)

        assert 1 < store.asked.count("commit") == next(numbers) < 100

    def test_without_credit(self, desk, store):
        """What cannot be paid is not tried again, and its delivery after a deposit is taken."""
        opened(store)
        with pytest.raises(
            InsufficientCredit, match=r"^profile berlin .* 0\.06 EUR more would do$"
        ):
            desk.use("berlin", call(), on=DAY)
        desk.deposit(BERLIN, euros("1"), transfer="b", on=DAY)

        assert call().id == desk.use("berlin", call(), on=DAY).postings[0].reference


class TestWhatIsDueFirst:
    """An action on or after the end of a term does first what is due of the profile."""

    def test_a_change(self, desk, store, berlin):
        """On the first day of the next term that is paid, comes back whole, and is bought anew."""
        desk.change("berlin", BIGGER, on=ENDS)

        assert BIGGER == held(store).plan
        # 1,000 less 20 for berlin, 34.75 for each of two terms, of which one comes back, and 69.50.
        assert "875.75" == balance(store)

    def test_a_cancellation(self, desk, store, berlin):
        """It is of the next term, which has begun and is paid."""
        desk.cancel("berlin", on=ENDS)

        assert (Status.CANCELLED, NEXT_TERM) == (held(store).status, held(store).term)
        assert [TERM, NEXT_TERM] == paid_terms(store)

    def test_a_call(self, desk, store, berlin):
        """Terms that were missed are caught up; the call is of the last one."""
        desk.use("berlin", call(day=NEXT_ENDS), on=NEXT_ENDS)

        assert [TERM, NEXT_TERM, THIRD_TERM] == paid_terms(store)
        assert "19.94" == balance(store, BERLIN)

    def test_a_purchase(self, desk, store):
        """What cannot be paid lapses, and makes room for a smaller plan: 44.75 - 34.75 - 6.95."""
        opened(store, credit="44.75")
        desk.buy(SKYPE_CONNECT.plan(channels=1), **{**BUYING, "on": ENDS})

        assert ("s-2", Status.ACTIVE) == (held(store).id, held(store).status)
        assert "3.05" == balance(store)

    @pytest.mark.parametrize(
        "act",
        [
            lambda desk: desk.cancel("berlin", on=ENDS),
            lambda desk: desk.change("berlin", BIGGER, on=ENDS),
            lambda desk: desk.terminate("berlin", on=ENDS),
            lambda desk: desk.buy(PLAN, **{**BUYING, "on": ENDS}),
        ],
        ids=["cancel", "change", "terminate", "buy"],
    )
    def test_what_waits_for_credit(self, desk, store, act):
        """In the grace nothing else can be done before the renewal, and the error says it lacks."""
        opened(store, credit="34.75", plans={"berlin": GRACE.plan(channels=5)})
        before = store.snapshot()
        with pytest.raises(InsufficientCredit, match=r"34\.75 EUR more would do"):
            act(desk)

        assert before == store.snapshot()

    def test_a_call_does_not_wait_for_credit(self, desk, store):
        """In the grace the profile pays for it, three minutes at 0.02, while the renewal waits."""
        opened(store, credit="35.75", plans={"berlin": GRACE.plan(channels=5)})
        desk.assign_credit("acme", "berlin", euros("1"), transfer="b", on=DAY)
        desk.use("berlin", call(day=ENDS), on=ENDS)

        assert ("0.94", TERM) == (balance(store, BERLIN), held(store).term)

    def test_a_late_call_in_the_grace(self, desk, store):
        """One of the term that ended is taken from its minutes, which the renewal would end."""
        opened(store, plans={"berlin": GRACE.plan(channels=1, bundles=1)})
        late = attrs.evolve(call(day=ENDS - timedelta(days=1)), country="US")
        desk.use("berlin", late, on=ENDS)

        assert (TERM, timedelta(minutes=3)) == (held(store).term, held(store).allowance.used)

    def test_what_fails(self, desk_over, store):
        """Why it failed is what is raised, and nothing is done."""
        before = opened(store).snapshot()

        def no_prices(offer, day):
            raise LookupError(f"no prices for {day}")

        with pytest.raises(LookupError, match="no prices for 2026-02-04"):
            desk_over(store, no_prices).cancel("berlin", on=ENDS)
        assert before == store.snapshot()

    def test_not_for_a_preview(self, desk, store, berlin):
        """It does nothing, and says what must be done."""
        before = store.snapshot()
        with pytest.raises(OutsideTerm, match="first renew or lapse the term that ended"):
            desk.preview.cancel("berlin", on=ENDS)

        assert before == store.snapshot()


class TestStatement:
    """A purse's postings with what was there before them."""

    @pytest.fixture(autouse=True)
    def history(self, store):
        """100.00 comes in and 34.75 is paid on 5 January, 10.00 comes in on the 15th; a renewal."""
        opened(store, credit="100")
        desk = Desk(store, tariff=same_for_all)
        desk.deposit(ACME, euros("10"), transfer="second", on=DAY)
        list(desk.run_due(on=ENDS))

    @pytest.mark.parametrize(
        ("since", "until", "opening", "amounts", "closing"),
        [
            (None, None, "0.00", ["100.00", "-34.75", "10.00", "-34.75"], "40.50"),
            (DAY, None, "65.25", ["10.00", "-34.75"], "40.50"),
            (None, ENDS, "0.00", ["100.00", "-34.75", "10.00"], "75.25"),
            (DAY, ENDS, "65.25", ["10.00"], "75.25"),
            (date(2026, 1, 16), ENDS, "75.25", [], "75.25"),
            (date(2027, 1, 1), None, "40.50", [], "40.50"),
            (None, BOUGHT, "0.00", [], "0.00"),
        ],
    )
    def test_a_part_of_the_history(self, desk, since, until, opening, amounts, closing):
        """It begins with what came before ``since``, and ends the day before ``until``."""
        statement = desk.statement(ACME, since=since, until=until)

        assert (opening, closing) == (str(statement.opening.amount), str(statement.closing.amount))
        assert amounts == [str(posting.amount.amount) for posting in statement.postings]

    def test_a_purse_never_seen(self, desk):
        """It has no statement, not even one of nothing: its currency is unknown."""
        assert None is desk.statement(BERLIN)

    def test_a_purse_of_another_currency(self, desk):
        """What was there before the first posting is nothing, of the purse's own currency."""
        purse = Purse("usa")
        desk.deposit(purse, Money.of("3", USD), transfer="u", on=DAY)

        assert Money(0, USD) == desk.statement(purse, until=DAY).opening


def catalogue(*, existing=Existing.AT_RENEWAL, offer=SKYPE_CONNECT, start=date(2026, 2, 1)):
    """Return Skype Connect at 6.95 a channel until a day, and then an offer at 7.50."""
    first = Edition(SKYPE_CONNECT, TARIFF, date(2025, 1, 1), start)
    return Catalogue((first, Edition(offer, DEARER, start, existing=existing)))


def under(desk_over, store, editions, **opening):
    """Return a desk by a catalogue over a store in which berlin bought by it on 5 January."""
    opened(store, tariff=editions, **opening)
    return desk_over(store, editions)


FEB_10 = date(2026, 2, 10)


class TestPrices:
    """Whose prices they are, and of which day."""

    def test_a_function_is_asked_for_an_offer_and_a_day(self, desk_over, store):
        """Of a purchase the day, of a call its own, of a renewal its first day.

        A change within the term is of the tariff that it was bought by, and asks for none.
        """
        asked = []

        def prices(offer, day):
            asked.append((offer, day))
            return TARIFF

        desk = desk_over(store, prices)
        desk.deposit(ACME, euros("500"), transfer="p", on=BOUGHT)
        desk.deposit(BERLIN, euros("1"), transfer="b", on=BOUGHT)
        desk.buy(LATER_FEWER.plan(channels=5), **{**BUYING, "on": BOUGHT})
        desk.change("berlin", LATER_FEWER.plan(channels=6), on=DAY)
        desk.use("berlin", call(day=date(2026, 1, 20)), on=date(2026, 1, 31))
        list(desk.run_due(on=date(2026, 2, 20)))

        days = [BOUGHT, date(2026, 1, 20), ENDS]
        assert [(LATER_FEWER, day) for day in days] == asked

    def test_a_function_is_asked_for_the_new_offer(self, desk_over, store):
        """Whoever changes to another offer pays that one's prices: 10 times 7.50."""

        def prices(offer, _):
            return TARIFF if offer == SKYPE_CONNECT else DEARER

        desk = desk_over(opened(store), prices)
        decision = desk.change("berlin", GRACE.plan(channels=10), on=DAY)

        assert "75.00" == str(decision.after.paid.total.amount)

    def test_a_pending_offer_is_priced_as_its_own(self, desk_over, store):
        """A renewal with what a change left pending is at that plan's price: 3 times 6.95."""
        opened(store, plans={"berlin": LATER_FEWER.plan(channels=5)})
        desk = desk_over(store)
        desk.change("berlin", LATER_FEWER.plan(channels=3), on=DAY)
        (outcome,) = desk.run_due(on=ENDS)

        assert (3, "-20.85") == (
            outcome.decision.after.plan.channels,
            str(outcome.decision.postings[0].amount.amount),
        )

    def test_a_buyer_gets_what_is_sold_on_the_day(self, desk_over, store):
        """Before 1 February 6.95 a channel, and 7.50 from then on."""
        desk = under(desk_over, store, catalogue())
        bought = desk.buy(PLAN, **{**BUYING, "profile": "paris", "on": FEB_10})

        assert ("34.75", "37.50") == (
            str(held(store).paid.total.amount),
            str(bought.after.paid.total.amount),
        )

    def test_what_is_not_sold_on_the_day_is_refused(self, desk_over, store):
        """The error names what is sold instead."""
        desk = under(desk_over, store, catalogue(offer=GRACE))
        refused = "no sale on 2026-02-10; sold on that day: Skype Connect (grace), tariff dearer"
        with pytest.raises(NotOffered) as error:
            desk.buy(PLAN, **{**BUYING, "profile": "paris", "on": FEB_10})

        assert refused in str(error.value)

    def test_a_pinned_subscriber_keeps_its_tariff(self, desk_over, store):
        """At its renewal, for its calls and for its changes, whatever is sold by then."""
        desk = under(desk_over, store, catalogue(existing=Existing.PINNED))
        desk.deposit(BERLIN, euros("1"), transfer="b", on=ENDS)
        (renewed,) = desk.run_due(on=ENDS)
        used = desk.use("berlin", call(day=FEB_10), on=FEB_10)
        changed = desk.change("berlin", BIGGER, on=FEB_10)

        amounts = [renewed.decision.postings[0], used.postings[0], changed.postings[1]]
        assert ["-34.75", "-0.06", "-69.50"] == [str(each.amount.amount) for each in amounts]

    def test_a_change_comes_under_what_a_renewal_would(self, desk_over, store):
        """On 10 January the old edition is sold; on 10 February its holders are called on."""
        desk = under(desk_over, store, catalogue())
        before = desk.change("berlin", BIGGER, on=date(2026, 1, 10))
        desk.deposit(BERLIN, euros("1"), transfer="b", on=ENDS)
        used = desk.use("berlin", call(day=date(2026, 2, 5)), on=date(2026, 2, 5))
        after = desk.change("berlin", PLAN, on=date(2026, 2, 6))

        amounts = [before.postings[1], used.postings[0], after.postings[1]]
        assert ["-69.50", "-0.06", "-37.50"] == [str(each.amount.amount) for each in amounts]

    @pytest.mark.parametrize("end", [None, date(2026, 3, 1)], ids=["an edition", "nothing"])
    def test_a_term_that_goes_on_asks_for_no_edition(self, desk_over, store, end):
        """Whatever is sold by then: five more channels, and the tariff that the term was bought by.

        5 x 6.95 for 2 of 30 days are 2.3167. What comes with the next term is noted as well.
        """
        first = Edition(LATER_FEWER, TARIFF, date(2025, 1, 1), date(2026, 2, 1))
        later = Edition(SKYPE_CONNECT, DEARER, first.end, end)
        editions = Catalogue((first, later) if end is None else (first,))
        plans = {"berlin": LATER_FEWER.plan(channels=5)}
        desk = under(desk_over, store, editions, plans=plans)
        more = desk.change("berlin", LATER_FEWER.plan(channels=10), on=date(2026, 2, 2))
        desk.change("berlin", LATER_FEWER.plan(channels=4), on=date(2026, 2, 3))

        assert ["-2.32"] == [str(each.amount.amount) for each in more.postings]
        assert 4 == held(store).pending.channels

    def test_an_offer_that_its_holders_leave_is_not_bought_anew(self, desk_over, store):
        """From the new edition's first day on, what is bought anew is of what that one sells."""
        desk = under(desk_over, store, catalogue(offer=GRACE))
        with pytest.raises(NotOffered, match="sold on that day: Skype Connect \\(grace\\)"):
            desk.change("berlin", BIGGER, on=date(2026, 2, 2))

        changed = desk.change("berlin", GRACE.plan(channels=10), on=date(2026, 2, 2))
        assert "75.00" == str(changed.after.paid.total.amount)

    def test_a_pinned_subscriber_may_take_what_is_sold(self, desk_over, store):
        """A change to the offer of the day is at the tariff of the day."""
        desk = under(desk_over, store, catalogue(existing=Existing.PINNED, offer=GRACE))
        list(desk.run_due(on=ENDS))
        changed = desk.change("berlin", GRACE.plan(channels=10), on=FEB_10)

        assert ("-75.00", GRACE) == (
            str(changed.postings[1].amount.amount),
            held(store).plan.offer,
        )

    def test_a_renewal_moves(self, desk_over, store):
        """The next edition calls on its holders to take it: offer and tariff, the same channels."""
        desk = under(desk_over, store, catalogue(offer=GRACE))
        (outcome,) = desk.run_due(on=ENDS)

        assert (GRACE.plan(channels=5), DEARER, "-37.50") == (
            held(store).plan,
            held(store).paid.tariff,
            str(outcome.decision.postings[0].amount.amount),
        )

    def test_the_next_term_s_first_day_decides(self, desk_over, store):
        """An edition from 10 February on is not that of the term from 4 February, paid late."""
        desk = under(desk_over, store, catalogue(start=FEB_10))
        list(desk.run_due(on=NEXT_ENDS))
        paid = [str(each.posting.amount.amount) for each in store.postings(ACME)]

        assert ["1000.00", "-34.75", "-34.75", "-37.50"] == paid

    def test_with_notice(self, desk_over, store):
        """Renewals before the day of the notice keep the old tariff; those from it on do not."""
        desk = under(desk_over, store, catalogue(existing=date(2026, 3, 1)))
        outcomes = [*desk.run_due(on=ENDS), *desk.run_due(on=NEXT_ENDS)]
        paid = [str(each.decision.postings[0].amount.amount) for each in outcomes]

        assert ["-34.75", "-37.50"] == paid

    def test_an_edition_without_the_plan(self, desk_over, store):
        """It is told of and stays due: nobody is moved to something smaller in silence."""
        small = attrs.evolve(
            SKYPE_CONNECT,
            edition="small",
            quantity=attrs.evolve(SKYPE_CONNECT.quantity, maximum=4, steps=()),
        )
        desk = under(desk_over, store, catalogue(offer=small))
        for _ in range(2):
            (outcome,) = desk.run_due(on=ENDS)

            assert (True, TERM, NotOffered) == (outcome.failed, outcome.term, type(outcome.error))
        assert PLAN == held(store).plan
        assert [TERM] == paid_terms(store)

    def test_a_pending_plan_moves(self, desk_over, store):
        """What waits for the next term is what moves to the next edition: 3 x 7.50."""
        waiting = attrs.evolve(LATER_FEWER, edition="still fewer later")
        editions = Catalogue(
            (
                Edition(LATER_FEWER, TARIFF, date(2025, 1, 1), ENDS),
                Edition(waiting, DEARER, ENDS),
            )
        )
        plans = {"berlin": LATER_FEWER.plan(channels=5)}
        desk = under(desk_over, store, editions, plans=plans)
        desk.change("berlin", LATER_FEWER.plan(channels=3), on=DAY)
        (outcome,) = desk.run_due(on=ENDS)

        assert (waiting.plan(channels=3), "-22.50") == (
            held(store).plan,
            str(outcome.decision.postings[0].amount.amount),
        )

    def test_a_catalogue_that_ends(self, desk_over, store):
        """A term for which there is no edition fails, and lapses nobody."""
        editions = Catalogue((Edition(SKYPE_CONNECT, TARIFF, date(2025, 1, 1), ENDS),))
        desk = under(desk_over, store, editions)
        (outcome,) = desk.run_due(on=ENDS)

        assert (True, UnknownEdition) == (outcome.failed, type(outcome.error))
        assert Status.ACTIVE is held(store).status

    def test_moved_and_short_of_credit(self, desk_over, store):
        """The rules of the edition it moves to apply: 3 x 7.50 without the bundle of 11.00.

        30.85 of 60.00 was paid for the first term; 29.15 does for 22.50, and not for 33.50.
        """
        plans = {"berlin": SKYPE_CONNECT.plan(channels=3, bundles=1)}
        desk = under(desk_over, store, catalogue(offer=DROPPING), credit="60", plans=plans)
        (outcome,) = desk.run_due(on=ENDS)

        assert (DROPPING.plan(channels=3), "6.65") == (held(store).plan, balance(store))
        assert "33.50" == str(outcome.error.needed)


class TestRunDue:
    """What is due is done, one outcome for each profile and term."""

    def test_nothing_is_due(self, desk, store):
        """The day before the term's end there is nothing to do, nor in an empty store."""
        assert [] == list(desk.run_due(on=ENDS))
        opened(store)
        assert [] == list(desk.run_due(on=date(2026, 2, 3)))

    def test_it_renews(self, desk, store):
        """34.75 of the 965.25 that are left is paid for the term that begins."""
        opened(store)
        (outcome,) = desk.run_due(on=ENDS)

        assert ("berlin", TERM, None, False) == (
            outcome.profile,
            outcome.term,
            outcome.error,
            outcome.failed,
        )
        renewal = Posting(ACME, -euros("34.75"), Reason.RENEWAL, ENDS, NEXT_TERM, "s of berlin")
        assert (renewal,) == outcome.decision.postings
        assert outcome.decision.after == held(store)
        assert "930.50" == balance(store)
        assert "berlin, 2026-01-05 to 2026-02-04: renew" == str(outcome)
        assert [] == list(desk.run_due(on=ENDS))

    def test_it_drops_bundles(self, desk, store):
        """Where the offer lets them be dropped, the channels go on: 24.15 less 20.85."""
        opened(store, credit="55", plans={"berlin": DROPPING.plan(channels=3, bundles=1)})
        (outcome,) = desk.run_due(on=ENDS)

        assert ("3.30", DROPPING.plan(channels=3)) == (balance(store), held(store).plan)
        sentence = (
            "berlin, 2026-01-05 to 2026-02-04: renew without bundles; "
            "account acme holds 24.15 EUR, but 30.85 EUR is needed; 6.70 EUR more would do"
        )
        assert (sentence, False) == (str(outcome), outcome.failed)

    @pytest.mark.parametrize(
        ("credit", "bundles", "status"),
        [
            ("51.70", 0, Status.ACTIVE),  # 30.85 + 20.85: the channels and not a cent more
            ("51.69", 1, Status.LAPSED),
            ("61.70", 1, Status.ACTIVE),  # twice 30.85: no need to drop anything
        ],
    )
    def test_it_drops_no_more_than_it_must(self, desk, store, credit, bundles, status):
        """Bundles go before the channels, and only where they must."""
        plan = DROPPING.plan(channels=3, bundles=1)
        opened(store, credit=credit, plans={"berlin": plan})
        list(desk.run_due(on=ENDS))

        assert (bundles, status) == (held(store).plan.bundles, held(store).status)

    def test_it_lapses(self, desk, store):
        """Without credit and grace it lapses at the end of its term, and is due no more."""
        opened(store, credit="50")
        (outcome,) = desk.run_due(on=ENDS)

        assert (Action.LAPSE, Status.LAPSED) == (outcome.decision.action, held(store).status)
        sentence = (
            "berlin, 2026-01-05 to 2026-02-04: lapse; "
            "account acme holds 15.25 EUR, but 34.75 EUR is needed; 19.50 EUR more would do"
        )
        assert (sentence, False) == (str(outcome), outcome.failed)
        assert "15.25" == balance(store)
        desk.deposit(ACME, euros("100"), transfer="late", on=ENDS)
        assert [] == list(desk.run_due(on=ENDS))

    def test_it_waits_in_the_grace(self, desk, store):
        """On each day of the grace it is tried and left due; on the day after it lapses."""
        opened(store, credit="50", plans={"berlin": GRACE.plan(channels=5)})
        last = ENDS + timedelta(days=6)
        for day in (ENDS, ENDS, last):
            (outcome,) = desk.run_due(on=day)

            assert (None, False, TERM) == (outcome.decision, outcome.failed, outcome.term)
            assert str(outcome).startswith("berlin, 2026-01-05 to 2026-02-04: waits for credit; ")
        (outcome,) = desk.run_due(on=ENDS + timedelta(days=7))

        assert Action.LAPSE is outcome.decision.action
        assert "15.25" == balance(store)

    def test_a_deposit_in_the_grace(self, desk, store):
        """The renewal starts where the old term ended, so that no day is owed or given."""
        opened(store, credit="50", plans={"berlin": GRACE.plan(channels=5)})
        list(desk.run_due(on=ENDS))
        paid = date(2026, 2, 7)
        desk.deposit(ACME, euros("20"), transfer="late", on=paid)
        (outcome,) = desk.run_due(on=paid)

        assert (NEXT_TERM, paid) == (outcome.decision.after.term, outcome.decision.postings[0].on)
        assert "0.50" == balance(store)

    def test_it_ends_what_was_cancelled(self, desk, store):
        """It costs nothing, and the profile may buy again."""
        opened(store)
        desk.cancel("berlin", on=DAY)
        (outcome,) = desk.run_due(on=FEB_10)

        assert (Action.EXPIRE, Status.ENDED) == (outcome.decision.action, held(store).status)
        assert "berlin, 2026-01-05 to 2026-02-04: expire" == str(outcome)
        assert "965.25" == balance(store)
        assert [] == list(desk.run_due(on=FEB_10))
        assert Action.BUY is desk.buy(PLAN, **{**BUYING, "on": FEB_10}).action

    def test_missed_terms_one_by_one(self, desk, store):
        """Three terms have ended, and there is credit for two: 104.25 less three times 34.75."""
        opened(store, credit="104.25")
        outcomes = list(desk.run_due(on=THIRD_ENDS))

        assert [TERM, NEXT_TERM, THIRD_TERM] == [each.term for each in outcomes]
        actions = [each.decision.action for each in outcomes]
        assert [Action.RENEW, Action.RENEW, Action.LAPSE] == actions
        assert [TERM, NEXT_TERM, THIRD_TERM] == paid_terms(store)
        assert "0.00" == balance(store)

    def test_missed_terms_up_to_the_grace(self, desk, store):
        """The last of them waits: its grace runs from its own end."""
        opened(store, credit="69.50", plans={"berlin": GRACE.plan(channels=5)})
        outcomes = list(desk.run_due(on=date(2026, 3, 7)))

        assert [TERM, NEXT_TERM] == [each.term for each in outcomes]
        assert [("berlin", Action.RENEW), ("berlin", None)] == told(outcomes)

    def test_a_cancelled_term_is_not_followed_by_another(self, desk, store):
        """However late it is noticed, what was cancelled ends once."""
        opened(store)
        desk.cancel("berlin", on=DAY)

        assert [("berlin", Action.EXPIRE)] == told(desk.run_due(on=date(2027, 1, 1)))

    def test_a_progress_bar_may_wrap_it(self, desk, store):
        """Nothing is done before the first outcome is asked for, and each is done when it comes."""
        opened(store, plans=dict.fromkeys(["a", "b", "c"], PLAN))
        outcomes, seen = iter(desk.run_due(on=NEXT_ENDS)), []
        assert "895.75" == balance(store)
        for number, outcome in enumerate(outcomes, 1):
            seen.append((outcome.profile, outcome.term))
            assert euros("895.75") - euros("34.75") * number == store.balance(ACME)

        assert [(profile, term) for profile in "abc" for term in (TERM, NEXT_TERM)] == seen

    def test_what_a_run_asks(self, desk, store):
        """A renewal is loaded and committed; that nothing more is due follows from the decision."""
        opened(store)
        store.asked.clear()
        list(desk.run_due(on=ENDS))

        assert ["due", "subscription", "commit"] == store.asked

    @pytest.mark.parametrize("on", [NOON, "2026-02-04", None])
    def test_a_wrong_day_is_refused(self, desk, store, on):
        """A datetime tells its day only with a zone."""
        opened(store)
        with pytest.raises(WrongType, match=r"^on must be a date"):
            list(desk.run_due(on=on))

        assert "due" not in store.asked

    @pytest.mark.parametrize("page", [1, 2, 3])
    def test_over_several_pages(self, desk, store, page):
        """Who waits, who lapses and who missed terms are each met once, on whatever page.

        215.45 less 5 x 34.75 is 41.70, and 6.95 for the small one 34.75: that does for a, once.
        """
        small = SKYPE_CONNECT.plan(channels=1)
        waiting = GRACE.plan(channels=5)
        plans = {"a": PLAN, "b": waiting, "c": PLAN, "d": waiting, "e": PLAN, "f": small}
        opened(store, credit="215.45", plans=plans)
        store.page = page

        expected = [
            ("a", Action.RENEW),
            ("b", None),
            ("c", Action.LAPSE),
            ("d", None),
            ("e", Action.LAPSE),
            ("f", Action.LAPSE),
        ]
        assert expected == told(desk.run_due(on=ENDS))
        assert [("b", None), ("d", None)] == told(desk.run_due(on=ENDS))

    def test_more_than_a_store_s_page(self, desk, store):
        """A thousand and one profiles are renewed, each once."""
        profiles = [f"p-{number:04}" for number in range(1001)]
        opened(store, credit="20000", plans=dict.fromkeys(profiles, SKYPE_CONNECT.plan(channels=1)))
        renewed = [(profile, Action.RENEW) for profile in profiles]

        assert renewed == told(desk.run_due(on=ENDS))
        assert 2 == store.asked.count("due")
        # 20,000.00 less 2 x 1,001 x 6.95
        assert "6086.10" == balance(store)

    def test_once_for_each_profile_and_term(self, desk, store):
        """Who moved on in the store's order and waits there is not told of again."""
        paid_for_three = str(3 * Decimal("34.75"))
        opened(store, credit=paid_for_three, plans=dict.fromkeys("ab", GRACE.plan(channels=5)))
        store.page = 1
        outcomes = told(desk.run_due(on=NEXT_ENDS))

        assert [("a", Action.RENEW), ("a", None), ("b", Action.LAPSE)] == outcomes


THREE = MappingProxyType({"amiens": PLAN, "berlin": GRACE.plan(channels=5), "calais": PLAN})
FIVE = MappingProxyType(dict.fromkeys("abcde", PLAN))


class TestFailures:
    """One profile's failure is told, and does not keep the others from their turn."""

    @pytest.fixture(autouse=True)
    def three(self, store):
        """Three profiles are due on one day."""
        opened(store, plans=THREE)

    @staticmethod
    def check(outcomes, term, error):
        """Expect the second of three to have failed, and to be due still."""
        outcomes = list(outcomes)
        renewed = Action.RENEW

        assert [("amiens", renewed), ("berlin", None), ("calais", renewed)] == told(outcomes)
        assert [False, True, False] == [each.failed for each in outcomes]
        assert (term, error) == (outcomes[1].term, type(outcomes[1].error))
        return str(outcomes[1])

    def test_prices_that_fail(self, desk_over, store):
        """Where there is no tariff nobody is charged, and nobody lapses."""

        def prices(offer, _):
            if offer == GRACE:
                raise LookupError("nobody wrote that down")
            return TARIFF

        sentence = self.check(desk_over(store, prices).run_due(on=ENDS), TERM, LookupError)

        expected = "berlin, 2026-01-05 to 2026-02-04: failed; LookupError: nobody wrote that down"
        assert expected == sentence
        assert [("berlin", Action.RENEW)] == told(desk_over(store).run_due(on=ENDS))

    def test_a_subscription_that_cannot_be_loaded(self, desk, store):
        """Not even its term is known then."""
        store.before["subscription of berlin"] = iter([failing(RuntimeError("a broken row"))])
        sentence = self.check(desk.run_due(on=ENDS), None, RuntimeError)

        assert "berlin: failed; RuntimeError: a broken row" == sentence
        assert [("berlin", Action.RENEW)] == told(desk.run_due(on=ENDS))

    @pytest.mark.parametrize("lost", ["commit of berlin", "answer of berlin"])
    def test_a_commit_that_breaks_down_once(self, desk, store, lost):
        """Tried once more, it is done once and told, whether it had been done before or not."""
        store.before[lost] = iter([failing(ConnectionError("the line is dead"))])
        outcomes = list(desk.run_due(on=ENDS))

        assert [(profile, Action.RENEW) for profile in THREE] == told(outcomes)
        assert [TERM, NEXT_TERM] == paid_terms(store)
        assert [] == list(desk.run_due(on=ENDS))

    def test_a_commit_that_fails(self, desk, store):
        """Where it fails again, it is left to the next run."""
        store.before["commit of berlin"] = iter([failing(RuntimeError("a full disk"))] * 2)
        sentence = self.check(desk.run_due(on=ENDS), TERM, RuntimeError)

        assert "berlin, 2026-01-05 to 2026-02-04: failed; RuntimeError: a full disk" == sentence
        assert [("berlin", Action.RENEW)] == told(desk.run_due(on=ENDS))

    def test_a_store_that_stops(self, desk, store):
        """StopIteration is a failure like any other, and ends no run."""
        store.before["subscription of berlin"] = iter([failing(StopIteration())])

        self.check(desk.run_due(on=ENDS), None, RuntimeError)

    def test_a_profile_that_is_always_busier(self, desk, store):
        """After a bounded number of conflicts it is left to the next run."""
        numbers = count()
        Desk(store, tariff=same_for_all).deposit(BERLIN, euros("100"), transfer="b", on=BOUGHT)
        store.before["commit of berlin"] = iter(
            lambda: lambda: taken(store, "berlin", call(f"c-{next(numbers)}", day=ENDS), on=ENDS),
            None,
        )
        self.check(desk.run_due(on=ENDS), TERM, Conflict)

        assert 1 < next(numbers) < 100

    def test_a_profile_that_is_busy_once(self, desk, store):
        """A call in the grace comes between: the renewal is decided again, from what is left."""
        Desk(store, tariff=same_for_all).deposit(BERLIN, euros("1"), transfer="b", on=BOUGHT)
        late = call(day=ENDS)
        store.before["commit of berlin"] = iter([lambda: taken(store, "berlin", late, on=ENDS)])
        outcomes = list(desk.run_due(on=ENDS))

        assert [(profile, Action.RENEW) for profile in THREE] == told(outcomes)
        # Bought, called, renewed.
        assert 3 == held(store).sequence

    def test_another_worker_was_faster(self, desk, store):
        """What somebody else has renewed by then is passed over, and charged once."""
        other = Desk(store, tariff=same_for_all)
        store.before["commit of berlin"] = iter([lambda: list(other.run_due(on=FEB_10))])

        assert [("amiens", Action.RENEW)] == told(desk.run_due(on=ENDS))
        for profile in THREE:
            assert [TERM, NEXT_TERM] == paid_terms(store, profile)

    def test_another_worker_did_the_same(self, desk, store):
        """Both tell of what both decided; it is charged once."""
        other = Desk(store, tariff=same_for_all)
        store.before["commit of amiens"] = iter([lambda: list(other.run_due(on=ENDS))])

        assert [("amiens", Action.RENEW)] == told(desk.run_due(on=ENDS))
        for profile in THREE:
            assert [TERM, NEXT_TERM] == paid_terms(store, profile)

    def test_a_store_that_cannot_tell_what_is_due(self, desk, store):
        """That is no profile's failure, and is raised."""
        store.before["due"] = iter([failing(RuntimeError("away"))])
        with pytest.raises(RuntimeError, match="away"):
            list(desk.run_due(on=ENDS))

    def test_a_day_before_the_latest_action(self, desk, store):
        """A worker whose day is behind the others' leaves what they did alone."""
        desk.deposit(BERLIN, euros("1"), transfer="b", on=BOUGHT)
        taken(store, "berlin", call(day=FEB_10), on=FEB_10)

        self.check(desk.run_due(on=ENDS), TERM, OutsideTerm)


class TestStopping:
    """A run is stopped and started again, and several run at once: each term is charged once."""

    @pytest.mark.parametrize("done", range(11))
    def test_stopped_and_started_again(self, desk, store, done):
        """After any number of outcomes the next run goes on where the last one stopped."""
        opened(store, plans=FIVE)
        first = desk.run_due(on=NEXT_ENDS)
        outcomes = list(islice(first, done))
        first.close()
        outcomes += desk.run_due(on=NEXT_ENDS)

        terms = [(profile, term) for profile in "abcde" for term in (TERM, NEXT_TERM)]
        assert terms == sorted(
            ((each.profile, each.term) for each in outcomes),
            key=lambda of: (of[0], of[1].start),
        )
        for profile in "abcde":
            assert [TERM, NEXT_TERM, THIRD_TERM] == paid_terms(store, profile)

    def test_interrupted(self, desk, store):
        """A worker that is interrupted between loading and committing leaves nothing half done."""
        opened(store, plans=FIVE)
        store.before["commit of c"] = iter([failing(KeyboardInterrupt())])
        with pytest.raises(KeyboardInterrupt):
            list(desk.run_due(on=ENDS))

        assert [(profile, Action.RENEW) for profile in "cde"] == told(desk.run_due(on=ENDS))

    def test_threads(self):
        """Four threads on one store: each term is charged once, and told of at least once."""
        profiles = [f"p-{number:02}" for number in range(60)]
        store = opened(MemoryStore(), credit="9000", plans=dict.fromkeys(profiles, PLAN))
        desk = Desk(store, tariff=same_for_all)
        with ThreadPoolExecutor(4) as pool:
            runs = list(pool.map(lambda _: list(desk.run_due(on=NEXT_ENDS)), range(4)))

        assert {(profile, term) for profile in profiles for term in (TERM, NEXT_TERM)} == {
            (outcome.profile, outcome.term) for run in runs for outcome in run
        }
        for profile in profiles:
            assert [TERM, NEXT_TERM, THIRD_TERM] == paid_terms(store, profile)
        # 9,000.00 less 60 x 3 x 34.75
        assert "2745.00" == balance(store)

    def test_tasks(self):
        """Tasks of one loop that take turns at every question to the store do the same."""
        store = opened(MemoryStore(), plans=FIVE)
        desk = AsyncDesk(LaterStore(store), tariff=same_for_all)

        async def work():
            return [outcome async for outcome in desk.run_due(on=NEXT_ENDS)]

        async def together():
            return await asyncio.gather(work(), work(), work())

        runs = asyncio.run(together())

        assert not any(outcome.failed for run in runs for outcome in run)
        for profile in FIVE:
            assert [TERM, NEXT_TERM, THIRD_TERM] == paid_terms(store, profile)

    @pytest.mark.parametrize("turns", range(11))
    def test_a_cancelled_task(self, turns):
        """After any number of turns a cancelled task leaves what another run finishes."""
        store = opened(MemoryStore(), plans=FIVE)
        desk = AsyncDesk(LaterStore(store), tariff=same_for_all)

        async def work():
            return [outcome async for outcome in desk.run_due(on=ENDS)]

        async def cancelled():
            task = asyncio.create_task(work())
            for _ in range(turns):
                await asyncio.sleep(0)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            await work()

        asyncio.run(cancelled())

        for profile in FIVE:
            assert [TERM, NEXT_TERM] == paid_terms(store, profile)

    def test_an_error_comes_when_it_is_awaited(self):
        """What is wrong of one of several actions does not keep the others from their turn."""
        store = opened(MemoryStore())
        desk = AsyncDesk(LaterStore(store), tariff=same_for_all)

        async def together():
            return await asyncio.gather(
                desk.deposit(ACME, euros("-5"), transfer="wrong", on=DAY),
                desk.buy("5", **{**BUYING, "profile": "paris"}),
                desk.change("berlin", "5", on=DAY),
                desk.cancel("berlin", on=DAY),
                return_exceptions=True,
            )

        *wrong, cancelled = asyncio.run(together())

        assert ["amount", "plan", "plan"] == [error.parameter for error in wrong]
        assert cancelled.after == held(store)
