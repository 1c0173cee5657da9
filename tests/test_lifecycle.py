"""Every action: what it does to the subscription and the purses, and when it is refused."""

# Identifiers are plain text here, decisions are known to hold a subscription, and wrong types
# are given on purpose.
# mypy: disable-error-code="arg-type, index, misc, union-attr"

import copy
import pickle
import typing
from datetime import date, datetime, timedelta
from itertools import product

import attrs
import pytest

from channelplans import lifecycle
from channelplans.calendar import Days, Months, Term
from channelplans.errors import (
    CalendarEnds,
    ChangedTooSoon,
    CurrencyMismatch,
    InsufficientCredit,
    InvalidValue,
    NotOffered,
    OutsideTerm,
    PlanUnchanged,
    TransitionNotAllowed,
    UnknownRate,
    WrongType,
)
from channelplans.ledger import Posting, Purse, Reason, settle
from channelplans.lifecycle import (
    Decision,
    assign_credit,
    buy,
    call_token,
    cancel,
    change,
    deposit,
    expire,
    expire_credit,
    lapse,
    renew,
    renew_without_bundles,
    resume,
    take_back_credit,
    terminate,
    use,
)
from channelplans.lots import LotRule, expiries, open_lots
from channelplans.money import EUR, USD, Currency, Money
from channelplans.offers import SKYPE_CONNECT, SKYPE_CONNECT_2011
from channelplans.pricing import Tariff
from channelplans.rules import ChangeRule, RefundBasis, RefundRule, ShortageRule
from channelplans.subscriptions import AT_END, TRANSITIONS, Action, Status
from channelplans.usage import Allowance, Call

DAY = date(2026, 1, 5)
LATER = date(2026, 1, 15)
LAST = date(2026, 2, 3)
END = date(2026, 2, 4)
MUCH_LATER = date(2026, 4, 10)
TERM = Term(DAY, END)
TARIFF = Tariff("made up", EUR, "6.95", "10", "0.021", {"DE": "0.02"})
DEARER = Tariff("dearer", EUR, "7.50", "11", "0.03", {"DE": "0.05"})
FREE = Tariff("free", EUR, 0, 0, 0, {"DE": 0})
PLAN = SKYPE_CONNECT.plan(channels=3, bundles=1)
BIGGER = SKYPE_CONNECT.plan(channels=5)
ACME = Purse("acme")
BERLIN = Purse("acme", "berlin")
H21 = "Not a telephone replacement: it cannot call emergency numbers. (H21)"
IDS = {"account": "acme", "profile": "berlin", "subscription": "s-1"}


def euros(amount):
    """Return an amount in euros with cents."""
    return Money.of(amount, EUR)


def bought(plan=PLAN, tariff=TARIFF, on=DAY, **more):
    """Return a subscription that was bought."""
    return buy(plan, tariff, on=on, **{**IDS, **more}).after


def call(seconds=31, country="US", day=DAY, identifier="c-1"):
    """Return a call."""
    return Call(identifier, "+12125550100", country, day, timedelta(seconds=seconds))


ACTIVE = bought()
CANCELLED = cancel(ACTIVE, on=DAY).after
HELD = {
    Status.ACTIVE: ACTIVE,
    Status.CANCELLED: CANCELLED,
    Status.LAPSED: lapse(ACTIVE, on=END).after,
    Status.ENDED: expire(CANCELLED, on=END).after,
}
ACT = {
    Action.BUY: lambda held, on: buy(
        PLAN, TARIFF, on=on, previous=held, **{**IDS, "subscription": "s-2"}
    ),
    Action.CHANGE: lambda held, on: change(held, BIGGER, TARIFF, on=on),
    Action.USE: lambda held, on: use(held, call(day=held.term.start), TARIFF, on=on),
    Action.RENEW: lambda held, on: renew(held, TARIFF, on=on),
    Action.CANCEL: lambda held, on: cancel(held, on=on),
    Action.RESUME: lambda held, on: resume(held, on=on),
    Action.LAPSE: lambda held, on: lapse(held, on=on),
    Action.EXPIRE: lambda held, on: expire(held, on=on),
    Action.TERMINATE: lambda held, on: terminate(held, on=on),
}
ROWS = [(held, action) for held, action in TRANSITIONS if held is not None]
WITHIN = [(held, action) for held, action in ROWS if action not in AT_END | {Action.BUY}]
WAITING = [(held, action) for held, action in ROWS if action in AT_END]


def name(value):
    """Name a parameter of a test."""
    return value.value if isinstance(value, (Status, Action)) else str(value)


class TestTransitions:
    """Each row of the table is an action that works, and each missing row one that does not."""

    @pytest.mark.parametrize(("status", "action"), ROWS, ids=name)
    def test_a_row_leads_where_the_table_says(self, status, action):
        """The status after is the table's, the sequence counts on, the day is kept."""
        held = HELD[status]
        on = END if action in AT_END | {Action.BUY} else DAY
        decision = ACT[action](held, on)

        sequence = 1 if action is Action.BUY else held.sequence + 1
        assert (TRANSITIONS[status, action], sequence, on) == (
            decision.after.status,
            decision.after.sequence,
            decision.after.acted_on,
        )
        assert (action, held, on) == (decision.action, decision.before, decision.on)

    @pytest.mark.parametrize(
        ("status", "action"),
        [pair for pair in product(Status, ACT) if pair not in TRANSITIONS],
        ids=name,
    )
    @pytest.mark.parametrize("on", [DAY, LAST, END, MUCH_LATER], ids=str)
    def test_a_missing_row_is_an_error(self, status, action, on):
        """It names the action, the status and all that is possible instead on that day."""
        with pytest.raises(TransitionNotAllowed) as caught:
            ACT[action](HELD[status], on)

        error = caught.value
        possible = [
            row.value
            for held, row in TRANSITIONS
            if held is status and (row is Action.BUY or (row in AT_END) == (on >= END))
        ]
        assert (action.value, status.value, possible) == (
            error.action,
            error.status,
            list(error.allowed),
        )

    def test_the_error_reads_well(self):
        """What was asked, where it stands, what works."""
        with pytest.raises(TransitionNotAllowed) as caught:
            resume(HELD[Status.LAPSED], on=END)

        assert "resume is not possible while the subscription is lapsed; possible: buy" == str(
            caught.value
        )

    def test_what_was_terminated_has_ended(self):
        """Ended at once, it can be bought again on the same day."""
        ended = terminate(ACTIVE, on=LATER).after

        assert Status.ACTIVE is ACT[Action.BUY](ended, LATER).after.status


class TestDays:
    """On which days an action is possible."""

    @pytest.mark.parametrize(("status", "action"), WITHIN, ids=name)
    @pytest.mark.parametrize("on", [date.min, date(2026, 1, 4)], ids=str)
    def test_nothing_happens_before_the_term_starts(self, status, action, on):
        """The error names the days on which it is possible."""
        with pytest.raises(OutsideTerm) as caught:
            ACT[action](HELD[status], on)

        error = caught.value
        assert (action.value, on, DAY, END, "") == (
            error.what,
            error.day,
            error.start,
            error.end,
            error.advice,
        )

    @pytest.mark.parametrize(("status", "action"), WITHIN, ids=name)
    @pytest.mark.parametrize("on", [END, date(2026, 2, 5), date.max], ids=str)
    def test_from_the_end_on_something_else_comes_first(self, status, action, on):
        """On the day it ends and after it, the error says which of the three must come first."""
        first = {"active": "renew or lapse", "cancelled": "expire"}[status.value]

        with pytest.raises(OutsideTerm) as caught:
            ACT[action](HELD[status], on)

        assert (
            f"{action.value} is possible from 2026-01-05 until the day before 2026-02-04, "
            f"not on {on}; first {first} the term that ended" == str(caught.value)
        )

    @pytest.mark.parametrize(("status", "action"), WITHIN, ids=name)
    @pytest.mark.parametrize("on", [DAY, LAST], ids=str)
    def test_the_first_and_the_last_day_are_days_of_the_term(self, status, action, on):
        """A term is half-open: its first day belongs to it, and so does the day before its end."""

        assert on == ACT[action](HELD[status], on).after.acted_on

    @pytest.mark.parametrize(("status", "action"), WAITING, ids=name)
    @pytest.mark.parametrize("on", [date.min, DAY, LAST], ids=str)
    def test_what_waits_for_the_end_waits(self, status, action, on):
        """Renew, lapse and expire need the term to be over, and the error says from when on."""
        with pytest.raises(OutsideTerm) as caught:
            ACT[action](HELD[status], on)

        assert (
            f"{action.value} is possible from 2026-02-04 on, not on {on}; the term runs until then"
            == str(caught.value)
        )

    @pytest.mark.parametrize(("status", "action"), WITHIN, ids=name)
    def test_the_latest_action_is_not_overtaken(self, status, action):
        """A day before it is refused, the same day is fine."""
        held = attrs.evolve(HELD[status], acted_on=LATER)

        with pytest.raises(OutsideTerm) as caught:
            ACT[action](held, date(2026, 1, 14))

        assert (
            f"{action.value} is possible from 2026-01-15 on, not on 2026-01-14; "
            "2026-01-15 is the day of the latest action" == str(caught.value)
        )
        assert LATER == ACT[action](held, LATER).on

    @pytest.mark.parametrize(("status", "action"), WAITING, ids=name)
    def test_late_work_is_not_overtaken_either(self, status, action):
        """After a renewal on 10 April nothing is done on the 9th."""
        held = attrs.evolve(HELD[status], acted_on=MUCH_LATER)

        with pytest.raises(OutsideTerm, match="2026-04-10 is the day of the latest action"):
            ACT[action](held, date(2026, 4, 9))
        assert MUCH_LATER == ACT[action](held, MUCH_LATER).on

    @pytest.mark.parametrize("status", [Status.LAPSED, Status.ENDED])
    def test_nobody_buys_again_before_the_latest_action(self, status):
        """What lapsed or expired on the 4th is not bought again on the 3rd."""
        with pytest.raises(OutsideTerm, match="buy is possible from 2026-02-04 on, not on 2026-02"):
            ACT[Action.BUY](HELD[status], LAST)

    @pytest.mark.parametrize("action", [Action.USE, Action.CANCEL, Action.CHANGE])
    def test_a_subscription_that_knows_no_latest_action(self, action):
        """Its term's first day is the earliest day then."""
        held = attrs.evolve(ACTIVE, acted_on=None)

        assert DAY == ACT[action](held, DAY).on

    @pytest.mark.parametrize("action", list(ACT), ids=name)
    @pytest.mark.parametrize(
        "on",
        [datetime(2026, 1, 15), "2026-01-15", None, 20260115],  # noqa: DTZ001 - any is refused
        ids=str,
    )
    def test_a_day_is_a_date(self, action, on):
        """A datetime is refused, since only its zone tells its day."""
        status = next(status for status, row in ROWS if row is action)

        with pytest.raises(WrongType, match="on must be a date"):
            ACT[action](HELD[status], on)

    @pytest.mark.parametrize(
        "action", [each for each in ACT if each not in {Action.BUY, Action.USE}], ids=name
    )
    @pytest.mark.parametrize("wrong", ["s-1", None, ACTIVE.paid], ids=["text", "none", "quote"])
    def test_a_subscription_is_one(self, action, wrong):
        """An identifier is no subscription."""
        with pytest.raises(WrongType, match="subscription must be a Subscription"):
            ACT[action](wrong, LATER)


class TestBuy:
    """H3, H4, H8, H14."""

    def test_is_active_at_once_for_thirty_days(self):
        """The plan, the term from the day of purchase, the minutes, and who pays what."""
        decision = buy(PLAN, TARIFF, on=DAY, **IDS)
        after = decision.after

        assert (None, Status.ACTIVE, TERM, PLAN, 0, DAY) == (
            decision.before,
            after.status,
            after.term,
            after.plan,
            after.number,
            after.anchor,
        )
        assert (Allowance(timedelta(minutes=5000)), None, 1) == (
            after.allowance,
            after.last_changed_on,
            after.sequence,
        )
        # 3 x 6.95 = 20.85, and 10
        payment = Posting(ACME, euros("-30.85"), Reason.SUBSCRIPTION, DAY, TERM, "s-1")
        assert ((payment,), SKYPE_CONNECT.notices) == (decision.postings, decision.notices)

    def test_what_costs_nothing_moves_no_money(self):
        """There is no posting of zero."""
        decision = buy(PLAN, FREE, on=DAY, **IDS)

        assert ((), {}) == (decision.postings, dict(decision.deltas))

    @pytest.mark.parametrize(
        ("end", "expected"),
        [
            (lambda held: terminate(held, on=LATER), LATER),
            (lambda held: expire(cancel(held, on=LATER).after, on=date(2026, 2, 14)), LATER),
            (lambda held: lapse(held, on=date(2026, 2, 14)), LATER),
        ],
        ids=["terminated", "expired", "lapsed"],
    )
    def test_ending_and_buying_again_does_not_give_the_day_back(self, end, expected):
        """What the profile held last hands on when it was changed (H15)."""
        changed = change(ACTIVE, BIGGER, TARIFF, on=LATER).after
        ended = end(changed).after
        again = buy(PLAN, TARIFF, on=ended.acted_on, previous=ended, **IDS | {"subscription": "2"})

        assert expected == again.after.last_changed_on

    def test_a_profile_changed_today_cannot_change_after_buying_again(self):
        """Changed, terminated, bought and changed on one day: the last is one too many."""
        changed = change(ACTIVE, BIGGER, TARIFF, on=LATER).after
        ended = terminate(changed, on=LATER).after
        again = ACT[Action.BUY](ended, LATER).after

        with pytest.raises(ChangedTooSoon, match="the next change is possible from 2026-01-16"):
            change(again, BIGGER, TARIFF, on=LATER)
        assert change(again, BIGGER, TARIFF, on=date(2026, 1, 16)).after.plan == BIGGER

    @pytest.mark.parametrize("other", [{"account": "other"}, {"profile": "paris"}])
    def test_what_another_profile_held_is_no_help(self, other):
        """The previous subscription is of the same profile of the same account."""
        ended = HELD[Status.ENDED]

        with pytest.raises(InvalidValue) as caught:
            buy(PLAN, TARIFF, on=END, previous=ended, **{**IDS, "subscription": "s-2", **other})

        owner = {**IDS, **other}
        assert (
            "previous must be what profile {profile} of account {account} held last, "
            "not of profile berlin of account acme".format(**owner)
            == str(caught.value)
        )

    def test_an_identifier_is_used_once(self):
        """Not even for the same profile again."""
        with pytest.raises(InvalidValue, match="subscription must be an identifier never used"):
            buy(PLAN, TARIFF, on=END, previous=HELD[Status.ENDED], **IDS)

    @pytest.mark.parametrize(
        ("parameter", "wrong"),
        [
            ("plan", "100 channels"),
            ("tariff", None),
            ("account", 5),
            ("profile", None),
            ("subscription", 5),
            ("previous", "s-0"),
        ],
    )
    def test_wrong_types_are_named(self, parameter, wrong):
        """Each parameter refuses what it does not take, by its own name."""
        arguments = {"plan": PLAN, "tariff": TARIFF, "on": DAY, **IDS, parameter: wrong}

        with pytest.raises(WrongType) as caught:
            buy(arguments.pop("plan"), arguments.pop("tariff"), **arguments)

        assert parameter == caught.value.parameter

    @pytest.mark.parametrize("parameter", ["account", "profile", "subscription"])
    @pytest.mark.parametrize("wrong", ["", " x", "x\n"])
    def test_identifiers_are_plain_text(self, parameter, wrong):
        """Nothing that looks like another identifier, or like none."""
        with pytest.raises(InvalidValue) as caught:
            buy(PLAN, TARIFF, on=DAY, **{**IDS, parameter: wrong})

        assert parameter == caught.value.parameter

    def test_near_the_end_of_the_calendar(self):
        """The last term of 30 days begins on 1 December 9999 and is never renewed."""
        held = bought(on=date(9999, 12, 1))

        with pytest.raises(CalendarEnds):
            bought(on=date(9999, 12, 2))
        with pytest.raises(CalendarEnds):
            renew(held, TARIFF, on=date.max)
        with pytest.raises(CalendarEnds):
            change(held, BIGGER, TARIFF, on=date(9999, 12, 2))
        assert Status.LAPSED is lapse(held, on=date.max).after.status
        assert Status.CANCELLED is cancel(held, on=date(9999, 12, 30)).after.status


class TestChange:
    """H15 to H19."""

    def test_returns_a_part_and_starts_anew(self):
        """The old plan's rest comes back, the new plan runs 30 days from the day (H16, H17)."""
        decision = change(ACTIVE, BIGGER, DEARER, on=LATER)
        after = decision.after

        # 20 of 30 days: 20.85 x 2/3 = 13.90, 10 x 2/3 = 6.67; 5 x 7.50 = 37.50
        anew = Term(LATER, date(2026, 2, 14))
        assert (
            Posting(ACME, euros("20.57"), Reason.REFUND, LATER, TERM, "s-1"),
            Posting(ACME, euros("-37.50"), Reason.SUBSCRIPTION, LATER, anew, "s-1"),
        ) == decision.postings
        assert {ACME: euros("-16.93")} == dict(decision.deltas)
        assert (BIGGER, DEARER, anew, LATER, 0, LATER, "s-1") == (
            after.plan,
            after.paid.tariff,
            after.term,
            after.anchor,
            after.number,
            after.last_changed_on,
            after.id,
        )
        assert SKYPE_CONNECT.notices == decision.notices

    def test_on_the_first_day_everything_comes_back(self):
        """The day of the change is not used."""
        decision = change(ACTIVE, BIGGER, TARIFF, on=DAY)

        assert euros("30.85") == decision.postings[0].amount

    def test_nothing_comes_back_where_the_day_counts_as_used(self):
        """On the last day then nothing is left, and no posting of zero is made."""
        rule = RefundRule(change_day_used=True)
        offer = attrs.evolve(SKYPE_CONNECT, refund=rule)
        held = bought(offer.plan(channels=3))

        decision = change(held, offer.plan(channels=5), TARIFF, on=LAST)

        assert [Reason.SUBSCRIPTION] == [posting.reason for posting in decision.postings]

    def test_what_cost_nothing_returns_nothing(self):
        """From a free plan to a paid one: there is a charge and no refund."""
        decision = change(bought(tariff=FREE), BIGGER, TARIFF, on=LATER)

        assert [Reason.SUBSCRIPTION] == [posting.reason for posting in decision.postings]

    def test_the_minutes_are_fresh(self):
        """The old allowance is gone and the new one unused."""
        used = use(ACTIVE, call(3600), TARIFF, on=DAY).after
        after = change(used, SKYPE_CONNECT.plan(channels=5, bundles=2), TARIFF, on=DAY).after

        assert Allowance(timedelta(minutes=10_000)) == after.allowance

    def test_bundles_alone_are_a_change_like_any_other(self):
        """It refunds, starts anew and uses up the day (H19)."""
        plan = SKYPE_CONNECT.plan(channels=3, bundles=2)
        decision = change(ACTIVE, plan, TARIFF, on=LATER)

        # 20.85 + 2 x 10, less 20.57
        assert ({ACME: euros("-20.28")}, LATER) == (
            dict(decision.deltas),
            decision.after.last_changed_on,
        )
        with pytest.raises(ChangedTooSoon):
            change(decision.after, PLAN, TARIFF, on=LATER)

    def test_a_second_change_on_one_day_is_refused(self):
        """The error says from which day on it is possible, and that day works (H15)."""
        changed = change(ACTIVE, BIGGER, TARIFF, on=LATER).after

        with pytest.raises(ChangedTooSoon) as caught:
            change(changed, PLAN, TARIFF, on=LATER)
        assert caught.value.possible_from == date(2026, 1, 16)
        assert PLAN == change(changed, PLAN, TARIFF, on=caught.value.possible_from).after.plan

    def test_the_contract_changes_at_any_time(self):
        """Twice on one day is fine there (F 4.1)."""
        small, large = (SKYPE_CONNECT_2011.plan(channels=count) for count in (1, 2))
        changed = change(bought(small), large, TARIFF, on=LATER).after

        assert small == change(changed, small, TARIFF, on=LATER).after.plan

    @pytest.mark.parametrize(
        "prepare",
        [
            lambda held: held,
            lambda held: cancel(held, on=DAY).after,
            lambda held: resume(cancel(held, on=DAY).after, on=DAY).after,
            lambda held: use(held, call(), TARIFF, on=DAY).after,
        ],
        ids=["buying", "cancelling", "resuming", "using"],
    )
    def test_what_does_not_use_up_the_day(self, prepare):
        """Only a change does."""

        assert DAY == change(prepare(ACTIVE), BIGGER, TARIFF, on=DAY).after.last_changed_on

    def test_a_renewal_does_not_use_up_the_day(self):
        """On the first day of a renewed term everything comes back, at the renewal's price."""
        renewed = renew(ACTIVE, DEARER, on=END).after
        decision = change(renewed, BIGGER, TARIFF, on=END)

        # 3 x 7.50 + 11
        assert (None, euros("33.50")) == (renewed.last_changed_on, decision.postings[0].amount)

    def test_a_renewal_keeps_the_day_of_the_last_change(self):
        """A longer cool-down reaches into the next term."""
        offer = attrs.evolve(SKYPE_CONNECT, change=ChangeRule(cooldown=Days(40)))
        small, large = (offer.plan(channels=count) for count in (1, 2))
        changed = change(bought(small), large, TARIFF, on=DAY).after
        renewed = renew(changed, TARIFF, on=END).after

        with pytest.raises(ChangedTooSoon, match="possible from 2026-02-14"):
            change(renewed, small, TARIFF, on=date(2026, 2, 13))
        assert small == change(renewed, small, TARIFF, on=date(2026, 2, 14)).after.plan

    @pytest.mark.parametrize(
        ("held", "works"),
        [(ACTIVE, "renew extends it at its end"), (CANCELLED, "resume keeps it")],
        ids=["active", "cancelled"],
    )
    def test_what_is_held_already_is_refused(self, held, works):
        """It would only restart the term and charge; while cancelled, the error says resume."""
        with pytest.raises(PlanUnchanged) as caught:
            change(held, PLAN, TARIFF, on=LATER)

        told = str(caught.value)
        assert "3 channels and 1 bundle of 5,000 minutes" in told
        assert told.endswith(f"a change must change something; {works}")

    def test_one_channel_is_already_held(self):
        """The sentence is right for one of a thing too."""
        plan = SKYPE_CONNECT.plan(channels=1)

        with pytest.raises(PlanUnchanged) as caught:
            change(bought(plan), plan, TARIFF, on=LATER)

        assert "1 channel " in str(caught.value)
        assert "channel are" not in str(caught.value)

    def test_what_is_sold_counts_not_what_is_asked(self):
        """109 asked is 100 sold, which is held already (H5)."""
        held = bought(SKYPE_CONNECT.plan(channels=100))

        with pytest.raises(PlanUnchanged):
            change(held, SKYPE_CONNECT.plan(channels=109), TARIFF, on=LATER)

    def test_the_held_offers_rules_hold(self):
        """Going over to another offer, the old one says what comes back and how soon."""
        used = use(ACTIVE, call(5000 * 60), TARIFF, on=DAY).after
        over = change(used, SKYPE_CONNECT_2011.plan(channels=3, bundles=1), TARIFF, on=LATER)

        # By time, though the new offer measures by minutes; and a month from the 15th.
        assert (euros("20.57"), date(2026, 2, 15)) == (
            over.postings[0].amount,
            over.after.term.end,
        )
        emptied = use(over.after, call(5000 * 60, day=LATER), TARIFF, on=LATER).after
        back = change(emptied, PLAN, TARIFF, on=LATER)
        # Twelve hours were included, so that 4,280 minutes are left: 20.85, and 8.56 of 10.00.
        assert euros("29.41") == back.postings[0].amount

    def test_a_cancelled_subscription_renews_itself_again(self):
        """A change while cancelled and still running is allowed."""
        after = change(CANCELLED, BIGGER, TARIFF, on=LATER).after

        assert Status.ACTIVE is after.status
        assert 1 == renew(after, TARIFF, on=date(2026, 2, 14)).after.number

    def test_refund_and_charge_are_one_settlement(self):
        """14.18 is enough for a charge of 34.75 with 20.57 coming back; a cent less is not."""
        decision = change(ACTIVE, BIGGER, TARIFF, on=LATER)

        assert {ACME: euros("0")} == settle({ACME: euros("14.18")}, decision.postings)
        with pytest.raises(InsufficientCredit, match=r"14.18 EUR is needed; 0.01 EUR more"):
            settle({ACME: euros("14.17")}, decision.postings)

    @pytest.mark.parametrize(
        ("basis", "account"),
        [
            # -11 + (0.97 + 9.67) - 12 + (1.93 + 9.67) - 11: the minutes came at 0.66
            (RefundBasis.TIME, "-11.76"),
            # Of the bundles nothing comes back: -11 + 0.97 - 12 + 1.93 - 11
            (RefundBasis.MINUTES, "-31.10"),
            (RefundBasis.SMALLER, "-31.10"),
        ],
    )
    def test_by_time_can_be_milked(self, basis, account):
        """Use all minutes, change, be paid back, again tomorrow: 10,000 minutes in two days."""
        offer = attrs.evolve(SKYPE_CONNECT, refund=RefundRule(bundles=basis))
        tariff = Tariff("t", EUR, 1, 10, 0)
        one, two = (offer.plan(channels=count, bundles=1) for count in (1, 2))
        minutes = 5000 * 60
        second, third = date(2026, 1, 6), date(2026, 1, 7)

        first = buy(one, tariff, on=DAY, **IDS)
        used = use(first.after, call(minutes), tariff, on=DAY)
        again = change(used.after, two, tariff, on=second)
        used_again = use(again.after, call(minutes, day=second), tariff, on=second)
        last = change(used_again.after, one, tariff, on=third)

        decisions = (first, used, again, used_again, last)
        moved = sum((each.amount for made in decisions for each in made.postings), start=euros("0"))
        assert euros(account) == moved


class TestRenew:
    """H8, F 3.9, F 6.3."""

    def test_is_one_more_term_at_the_price_of_the_day(self):
        """The tariff given holds, the posting names the term it pays for, the minutes are fresh."""
        used = use(ACTIVE, call(3600), TARIFF, on=DAY).after
        decision = renew(used, DEARER, on=END)
        after = decision.after

        # 3 x 7.50 + 11
        term = Term(END, date(2026, 3, 6))
        payment = Posting(ACME, euros("-33.50"), Reason.RENEWAL, END, term, "s-1")
        assert (payment,) == decision.postings
        assert (term, 1, DAY, PLAN, Allowance(timedelta(minutes=5000))) == (
            after.term,
            after.number,
            after.anchor,
            after.plan,
            after.allowance,
        )
        assert () == decision.notices

    def test_late_renewals_come_one_by_one(self):
        """Each starts where the last ended, and is booked on the day of processing."""
        held, terms, booked = ACTIVE, [], []
        for _ in range(3):
            decision = renew(held, TARIFF, on=MUCH_LATER)
            held = decision.after
            terms.append((held.term.start, held.term.end))
            (payment,) = decision.postings
            booked.append((payment.on, payment.term == held.term))

        assert [
            (date(2026, 2, 4), date(2026, 3, 6)),
            (date(2026, 3, 6), date(2026, 4, 5)),
            (date(2026, 4, 5), date(2026, 5, 5)),
        ] == terms
        assert [(MUCH_LATER, True)] * 3 == booked
        with pytest.raises(OutsideTerm, match="renew is possible from 2026-05-05 on"):
            renew(held, TARIFF, on=MUCH_LATER)

    def test_a_late_renewal_that_cannot_be_paid_lapses_as_of_its_terms_end(self):
        """The first of two was paid; the profile is inactive since the end of the second term."""
        renewed = renew(ACTIVE, TARIFF, on=MUCH_LATER).after
        lapsed = lapse(renewed, on=MUCH_LATER)

        assert (date(2026, 3, 6), Status.LAPSED, ()) == (
            lapsed.after.term.end,
            lapsed.after.status,
            lapsed.postings,
        )
        assert not any(lapsed.after.active_on(day) for day in (date(2026, 3, 5), MUCH_LATER))

    def test_months_do_not_drift(self):
        """From 31 January: 28 February, 31 March, 30 April."""
        held = bought(SKYPE_CONNECT_2011.plan(channels=1), on=date(2026, 1, 31))
        ends = [held.term.end]
        for _ in range(2):
            held = renew(held, TARIFF, on=held.term.end).after
            ends.append(held.term.end)

        assert [date(2026, 2, 28), date(2026, 3, 31), date(2026, 4, 30)] == ends

    def test_after_a_change_the_grid_starts_at_the_change(self):
        """30 days from the 15th, and again."""
        changed = change(ACTIVE, BIGGER, TARIFF, on=LATER).after
        renewed = renew(changed, TARIFF, on=date(2026, 2, 14)).after

        assert (Term(date(2026, 2, 14), date(2026, 3, 16)), 1) == (renewed.term, renewed.number)

    def test_what_costs_nothing_renews_without_a_posting(self):
        """A free tariff moves no money."""

        assert () == renew(ACTIVE, FREE, on=END).postings

    @pytest.mark.parametrize(
        ("on", "outlook"),
        [
            (date(2026, 3, 5), "Runs until 2026-03-06, when it renews itself."),
            (date(2026, 3, 6), "Its term ended on 2026-03-06: it is due for renewal."),
            (MUCH_LATER, "Its term ended on 2026-03-06: it is due for renewal."),
        ],
        ids=str,
    )
    def test_a_late_renewal_does_not_speak_of_a_past_day_as_to_come(self, on, outlook):
        """A term that is over already when it is paid does not run any more."""
        decision = renew(ACTIVE, TARIFF, on=on)

        assert outlook == str(decision).split("\n")[1]


class TestRenewWithoutBundles:
    """The channels alone, under another offer too."""

    DROPPING = attrs.evolve(
        SKYPE_CONNECT, edition="dropping", shortage=ShortageRule(drops_bundles=True)
    )

    def test_moves_to_the_channels_of_another_offer(self):
        """The plan given loses its bundles: 4 x 6.95 = 27.80, for the next term of the grid."""
        plan = self.DROPPING.plan(channels=4, bundles=2)
        decision = renew_without_bundles(ACTIVE, TARIFF, on=END, plan=plan)

        assert self.DROPPING.plan(channels=4) == decision.after.plan
        assert (Term(END, date(2026, 3, 6)), 1) == (decision.after.term, decision.after.number)
        assert {ACME: euros("-27.80")} == dict(decision.deltas)
        assert timedelta(0) == decision.after.allowance.remaining
        assert ["bundles-dropped"] == [notice.code for notice in decision.notices]

    def test_is_the_same_end_of_a_term(self):
        """It shares its token with the renewal that could not be paid."""
        plan = self.DROPPING.plan(channels=4, bundles=2)
        whole = renew(ACTIVE, TARIFF, on=END, plan=plan)

        assert whole.token == renew_without_bundles(ACTIVE, TARIFF, on=END, plan=plan).token

    def test_asks_the_offer_that_it_moves_to(self):
        """What the old one dropped the new one may not."""
        held = bought(self.DROPPING.plan(channels=3, bundles=1))

        assert 0 == renew_without_bundles(held, TARIFF, on=END).after.plan.bundles
        with pytest.raises(NotOffered, match="renewal without bundles"):
            renew_without_bundles(held, TARIFF, on=END, plan=PLAN)

    def test_needs_bundles_in_the_plan_that_it_is_given(self):
        """A plan of channels alone is renewed whole, or not."""
        with pytest.raises(NotOffered, match="renewal without bundles"):
            renew_without_bundles(ACTIVE, TARIFF, on=END, plan=self.DROPPING.plan(channels=4))

    @pytest.mark.parametrize(("channels", "bundles"), [(4, 1), (2, 1), (3, 2), (3, 0)])
    def test_is_no_way_round_a_change(self, channels, bundles):
        """Another plan of the same offer is refused, as by a renewal."""
        held = bought(self.DROPPING.plan(channels=3, bundles=1))
        plan = self.DROPPING.plan(channels=channels, bundles=bundles)

        with pytest.raises(InvalidValue, match=r"^plan must be .* change\(\) changes it, not "):
            renew_without_bundles(held, TARIFF, on=END, plan=plan)

    def test_the_plan_that_is_due_is_no_other(self):
        """To name what is held, or what is pending, is to name nothing."""
        held = bought(self.DROPPING.plan(channels=3, bundles=1))
        named = renew_without_bundles(held, TARIFF, on=END, plan=held.plan)

        assert renew_without_bundles(held, TARIFF, on=END) == named

    @pytest.mark.parametrize("plan", [DROPPING, 4, "4 channels"])
    def test_a_plan_is_a_plan(self, plan):
        """An offer is none yet, and neither is a number."""
        with pytest.raises(WrongType, match="plan must be a Plan"):
            renew_without_bundles(ACTIVE, TARIFF, on=END, plan=plan)


class TestCancelAndResume:
    """H20."""

    def test_cancelling_names_the_day_and_returns_nothing(self):
        """It runs to its end, on the first day too (F 5.2); the notice is the warning."""
        decision = cancel(ACTIVE, on=DAY)

        assert ((), TERM, Status.CANCELLED) == (
            decision.postings,
            decision.after.term,
            decision.after.status,
        )
        assert [
            "This cancels the subscription of profile berlin: "
            "from 2026-02-04 on it is no longer available. (H20)"
        ] == list(map(str, decision.notices))

    def test_resuming_undoes_it(self):
        """It renews itself again, and nothing else differs from before."""
        resumed = resume(CANCELLED, on=DAY)

        assert attrs.evolve(ACTIVE, sequence=3) == resumed.after
        assert ((), ()) == (resumed.postings, resumed.notices)

    def test_a_cancelled_subscription_expires_without_money(self):
        """Nothing comes back and nothing is told."""
        decision = expire(CANCELLED, on=MUCH_LATER)

        assert (Status.ENDED, (), ()) == (
            decision.after.status,
            decision.postings,
            decision.notices,
        )


class TestTerminate:
    """F 5.5, F 5.6."""

    @pytest.mark.parametrize(("on", "expected"), [(DAY, "30.85"), (LATER, "20.57"), (LAST, "1.03")])
    @pytest.mark.parametrize("held", [ACTIVE, CANCELLED], ids=["active", "cancelled"])
    def test_returns_what_is_left(self, held, on, expected):
        """The offer's refund rule holds: 1/30 of 20.85 is 0.695, of 10 is 0.33."""
        decision = terminate(held, on=on)

        assert (
            Posting(ACME, euros(expected), Reason.REFUND, on, TERM, "s-1"),
        ) == decision.postings
        assert not decision.after.active_on(on)

    def test_without_a_refund_nothing_comes_back(self):
        """The remedy for misuse (F 5.6)."""

        assert () == terminate(ACTIVE, on=DAY, refund=False).postings

    def test_what_cost_nothing_returns_nothing(self):
        """There is no posting of zero."""

        assert () == terminate(bought(tariff=FREE), on=DAY).postings

    def test_the_contract_returns_bundles_by_minutes(self):
        """By what is left of the subscription's own allowance (F 4.6)."""
        plan = SKYPE_CONNECT_2011.plan(channels=3, bundles=1)
        used = use(bought(plan), call(600 * 60), TARIFF, on=DAY).after

        # 4,400 of 5,000 minutes of 10.00; 16 of 31 days of 20.85 are 10.7613
        assert euros("19.56") == terminate(used, on=date(2026, 1, 20)).postings[0].amount

    @pytest.mark.parametrize("wrong", [1, 0, None, "no"])
    def test_refund_is_yes_or_no(self, wrong):
        """Neither a number nor a rule is taken for it."""
        with pytest.raises(WrongType, match="refund must be a bool"):
            terminate(ACTIVE, on=DAY, refund=wrong)


class TestUse:
    """H13, F 7.3."""

    def test_the_minutes_come_first_and_cost_nothing(self):
        """31 s count as 36 s of the allowance."""
        decision = use(ACTIVE, call(31), TARIFF, on=DAY)

        assert ((), timedelta(seconds=36), ()) == (
            decision.postings,
            decision.after.allowance.used,
            decision.notices,
        )
        assert decision.after == attrs.evolve(
            ACTIVE, sequence=2, allowance=Allowance(timedelta(minutes=5000), timedelta(seconds=36))
        )

    def test_overage_is_the_accounts(self):
        """The rest of a call that straddles the end of the minutes, exactly."""
        used = use(ACTIVE, call(5000 * 60 - 10 * 60), TARIFF, on=DAY).after
        decision = use(used, call(20 * 60, identifier="c-2"), TARIFF, on=DAY)

        # 10 minutes are left, 10 more at 0.021
        overage = Posting(ACME, euros("-0.21"), Reason.OVERAGE, DAY, TERM, "c-2")
        assert ((overage,), timedelta(0)) == (
            decision.postings,
            decision.after.allowance.remaining,
        )

    @pytest.mark.parametrize(
        ("plan", "country", "cost"),
        [
            (PLAN, "DE", "-0.20"),  # ten minutes at 0.02
            (BIGGER, "US", "-0.21"),  # no bundle is held
        ],
    )
    def test_everything_else_is_the_profiles(self, plan, country, cost):
        """No bundle covers it: the minutes stay, the profile's purse pays."""
        held = bought(plan)
        decision = use(held, call(600, country), TARIFF, on=DAY)

        other = Posting(BERLIN, euros(cost), Reason.CALL, DAY, TERM, "c-1")
        assert ((other,), held.allowance) == (decision.postings, decision.after.allowance)

    @pytest.mark.parametrize(
        ("currency", "expected"), [(EUR, []), (Currency("EUR", 5), ["-0.00200 EUR"])], ids=str
    )
    def test_a_charge_below_half_a_unit_is_no_posting(self, currency, expected):
        """30 s at 0.004 a minute in cents; in thousandths of a cent it is one."""
        tariff = Tariff("t", currency, 0, 0, 0, {"DE": "0.004"})
        decision = use(bought(BIGGER, tariff), call(30, "DE"), tariff, on=DAY)

        assert expected == [str(posting.amount) for posting in decision.postings]

    def test_a_call_of_no_length_changes_nothing_but_the_sequence(self):
        """It has been processed, and its token keeps it from being processed twice."""
        decision = use(ACTIVE, call(0), TARIFF, on=DAY)

        assert attrs.evolve(ACTIVE, sequence=2) == decision.after
        assert () == decision.postings

    def test_a_call_of_a_day_is_taken_as_a_whole(self):
        """1,440 of 5,000 minutes."""

        assert timedelta(days=1) == use(ACTIVE, call(86_400), TARIFF, on=DAY).after.allowance.used

    def test_a_cancelled_subscription_carries_calls_to_its_end(self):
        """The minutes stay usable (F 5.3)."""
        after = use(CANCELLED, call(), TARIFF, on=LAST).after

        assert (Status.CANCELLED, timedelta(seconds=36)) == (after.status, after.allowance.used)

    @pytest.mark.parametrize("day", [DAY, LAST])
    def test_a_call_may_be_processed_later_in_its_term(self, day):
        """The posting is booked on the day of processing."""
        decision = use(ACTIVE, call(600, "DE", day), TARIFF, on=LAST)

        assert [LAST] == [posting.on for posting in decision.postings]

    @pytest.mark.parametrize("day", [date(2026, 1, 4), END], ids=str)
    def test_a_call_of_another_term_is_refused(self, day):
        """The error says how it can be priced."""
        with pytest.raises(OutsideTerm) as caught:
            use(ACTIVE, call(day=day), TARIFF, on=DAY)

        assert (
            "a call of this term is possible from 2026-01-05 until the day before 2026-02-04, "
            f"not on {day}; rate(call, allowance, tariff, offer=...) prices a call of another term"
            == str(caught.value)
        )

    def test_a_call_that_is_yet_to_come_is_refused(self):
        """It cannot be processed before it began."""
        with pytest.raises(InvalidValue, match=r"call.day must be at most 2026-01-05"):
            use(ACTIVE, call(day=date(2026, 1, 6)), TARIFF, on=DAY)

    def test_a_destination_without_a_rate_is_refused(self):
        """Nothing moves."""
        with pytest.raises(UnknownRate, match="'FR'"):
            use(ACTIVE, call(country="FR"), TARIFF, on=DAY)

    @pytest.mark.parametrize(
        ("held", "made", "balances"),
        [
            # Six minutes beyond the allowance cost 12.6 cents.
            (ACTIVE, call(5006 * 60), {ACME: euros("0.12"), BERLIN: euros("99")}),
            (ACTIVE, call(600, "DE"), {ACME: euros("99"), BERLIN: euros("0.19")}),
        ],
        ids=["overage", "other"],
    )
    def test_a_call_that_its_purse_cannot_pay(self, held, made, balances):
        """Whole or nothing: the other purse does not help, neither minutes nor money move."""
        decision = use(held, made, TARIFF, on=DAY)

        with pytest.raises(InsufficientCredit, match=r"0\.01 EUR more would do"):
            settle(balances, decision.postings)
        assert timedelta(0) == held.allowance.used

    def test_the_decision_tells_what_is_left(self):
        """A person sees what the call took, also where no money moves."""
        text = str(use(ACTIVE, call(60), TARIFF, on=DAY))

        assert "83:19:00 of 83:20:00 left" in text

    @pytest.mark.parametrize(
        ("parameter", "wrong"),
        [("subscription", "s-1"), ("call", "c-1"), ("tariff", None), ("on", "2026-01-05")],
    )
    def test_wrong_types_are_named(self, parameter, wrong):
        """Each parameter refuses what it does not take, by its name."""
        arguments = {
            "subscription": ACTIVE,
            "call": call(),
            "tariff": TARIFF,
            "on": DAY,
            parameter: wrong,
        }

        with pytest.raises(WrongType) as caught:
            use(**arguments)

        assert parameter == caught.value.parameter


class TestCurrencies:
    """A new tariff in another currency is refused."""

    @pytest.mark.parametrize(
        "act",
        [
            lambda tariff: change(ACTIVE, BIGGER, tariff, on=LATER),
            lambda tariff: renew(ACTIVE, tariff, on=END),
            lambda tariff: use(ACTIVE, call(), tariff, on=DAY),
        ],
        ids=["change", "renew", "use"],
    )
    @pytest.mark.parametrize(
        ("currency", "told"),
        [
            (USD, "EUR was expected, USD was given"),
            (Currency("EUR", 5), "EUR with 2 decimals was expected, EUR with 5 decimals was given"),
        ],
        ids=name,
    )
    def test_another_currency_is_refused(self, act, currency, told):
        """The same code with other decimals is another currency too."""
        with pytest.raises(CurrencyMismatch, match=told):
            act(attrs.evolve(TARIFF, currency=currency))

    @pytest.mark.parametrize(
        "act",
        [
            lambda: change(ACTIVE, BIGGER, "6.95", on=LATER),
            lambda: change(ACTIVE, 5, TARIFF, on=LATER),
            lambda: renew(ACTIVE, None, on=END),
        ],
        ids=["change tariff", "change plan", "renew tariff"],
    )
    def test_wrong_types_are_named(self, act):
        """A price is no tariff and a number no plan."""
        with pytest.raises(WrongType, match=r"^(tariff must be a Tariff|plan must be a Plan), not"):
            act()


class TestCredit:
    """Deposits from outside, and credit moved between an account and its profiles (F 7.3)."""

    @pytest.mark.parametrize("purse", [ACME, BERLIN], ids=str)
    def test_a_deposit_comes_in(self, purse):
        """One posting above zero, and no subscription."""
        decision = deposit(purse, euros("50"), transfer="p-1", on=DAY)

        assert (Posting(purse, euros("50"), Reason.DEPOSIT, DAY, None, "p-1"),) == decision.postings
        assert (None, None, ()) == (decision.before, decision.after, decision.notices)

    @pytest.mark.parametrize(("move", "sign"), [(assign_credit, 1), (take_back_credit, -1)])
    def test_credit_moves_between_an_account_and_its_profile(self, move, sign):
        """What one purse pays the other receives."""
        decision = move("acme", "berlin", euros("5"), transfer="t-1", on=DAY)

        assert {ACME: euros("5") * -sign, BERLIN: euros("5") * sign} == dict(decision.deltas)
        assert {(Reason.TRANSFER, DAY, "t-1")} == {
            (posting.reason, posting.on, posting.reference) for posting in decision.postings
        }

    @pytest.mark.parametrize(
        ("move", "balances"),
        [
            (assign_credit, {ACME: "4.99", BERLIN: "99"}),
            (take_back_credit, {ACME: "99", BERLIN: "4.99"}),
        ],
    )
    def test_what_is_not_there_does_not_move(self, move, balances):
        """The purse that pays must hold it."""
        decision = move("acme", "berlin", euros("5"), transfer="t-1", on=DAY)

        with pytest.raises(InsufficientCredit, match=r"0\.01 EUR more"):
            settle({purse: euros(each) for purse, each in balances.items()}, decision.postings)

    @pytest.mark.parametrize("amount", ["0", "-5"])
    @pytest.mark.parametrize(
        "act",
        [
            lambda amount: deposit(ACME, amount, transfer="t", on=DAY),
            lambda amount: assign_credit("acme", "berlin", amount, transfer="t", on=DAY),
            lambda amount: take_back_credit("acme", "berlin", amount, transfer="t", on=DAY),
            lambda amount: expire_credit(ACME, amount, transfer="t", on=DAY),
        ],
        ids=["deposit", "assign", "take back", "expire"],
    )
    def test_amounts_are_above_zero(self, act, amount):
        """A negative deposit would be a payment that its caller chose the purse of.

        A negative expiry would be credit out of nothing.
        """
        with pytest.raises(InvalidValue, match="amount must be above zero"):
            act(euros(amount))

    @pytest.mark.parametrize("act", [deposit, expire_credit])
    @pytest.mark.parametrize(
        ("parameter", "wrong"),
        [
            ("purse", "acme"),
            ("amount", 50),
            ("transfer", 5),
            ("transfer", None),
            ("on", datetime(2026, 1, 5)),  # noqa: DTZ001 - any datetime is refused
        ],
    )
    def test_what_takes_a_purse_names_wrong_types(self, act, parameter, wrong):
        """Each parameter refuses what it does not take, by its name."""
        arguments = {"purse": ACME, "amount": euros("5"), "transfer": "t", "on": DAY}

        with pytest.raises(WrongType) as caught:
            act(**{**arguments, parameter: wrong})

        assert parameter == caught.value.parameter

    @pytest.mark.parametrize("move", [assign_credit, take_back_credit])
    @pytest.mark.parametrize(
        ("parameter", "wrong"),
        [
            ("account", ACME),
            ("profile", None),  # the account would pay itself
            ("profile", 5),
            ("amount", "5"),
            ("transfer", 5),
            ("on", "2026-01-05"),
        ],
    )
    def test_a_transfer_names_wrong_types(self, move, parameter, wrong):
        """Each parameter refuses what it does not take, by its name."""
        arguments = {
            "account": "acme",
            "profile": "berlin",
            "amount": euros("5"),
            "transfer": "t",
            "on": DAY,
        }

        with pytest.raises(WrongType) as caught:
            move(**{**arguments, parameter: wrong})

        assert parameter == caught.value.parameter

    @pytest.mark.parametrize("act", [deposit, expire_credit])
    @pytest.mark.parametrize("wrong", ["", " t", "t\n"])
    def test_a_transfer_is_plain_text(self, act, wrong):
        """It identifies the payment, or the expiry."""
        with pytest.raises(InvalidValue, match="transfer"):
            act(ACME, euros("5"), transfer=wrong, on=DAY)

    def test_no_action_lets_its_caller_choose_the_purse_that_pays(self):
        """Only a deposit, which pays nothing, and an expiry, which buys nothing, take a purse."""
        actions = [getattr(lifecycle, each) for each in lifecycle.__all__ if each.islower()]
        takes_purse = {
            action.__name__ for action in actions if Purse in typing.get_type_hints(action).values()
        }

        assert {"deposit", "expire_credit"} == takes_purse


class TestExpiryOfCredit:
    """Credit whose time is over leaves its purse, as the reading in lots tells."""

    RULES = (LotRule(Reason.BONUS, Months(3)),)
    # Three months from 5 January.
    OVER = date(2026, 4, 5)

    def booked(self):
        """Return the postings of a purse: 20 bought, a bonus of 10, and 4 of it spent on a term.

        The bonus expires, and so comes first: 6 of it are left.
        """
        paid_in = deposit(ACME, euros("20"), transfer="p-1", on=DAY)
        given = deposit(ACME, euros("10"), transfer="b-1", on=DAY, reason=Reason.BONUS)
        spent = Posting(ACME, euros("-4"), Reason.SUBSCRIPTION, LATER)
        return (*paid_in.postings, *given.postings, spent)

    def expired(self):
        """Return the decision that books what is over."""
        (due,) = expiries(self.booked(), self.RULES, on=self.OVER)
        return expire_credit(due.purse, -due.amount, transfer=due.reference, on=due.on)

    def test_one_posting_goes_out(self):
        """The one that was due; no subscription is touched and nothing comes in."""
        decision = self.expired()
        posting = Posting(ACME, euros("-6"), Reason.EXPIRY, self.OVER, None, "expiry of b-1, lot 1")

        assert (posting,) == decision.postings
        assert decision.postings == expiries(self.booked(), self.RULES, on=self.OVER)
        assert (Action.EXPIRE_CREDIT, None, None, ()) == (
            decision.action,
            decision.before,
            decision.after,
            decision.notices,
        )

    def test_takes_the_lot_whose_time_is_over(self):
        """The bonus is gone and nothing else, lots add up to the balance, and none is due."""
        postings = (*self.booked(), *self.expired().postings)
        lots = open_lots(postings, self.RULES, on=self.OVER)

        assert [("p-1", euros("20"))] == [(lot.posting.reference, lot.left) for lot in lots]
        assert {ACME: euros("20")} == settle({}, postings)
        assert () == expiries(postings, self.RULES, on=MUCH_LATER)

    def test_happens_once(self):
        """Decided again, late and from other postings, it has the token of the first time."""
        first = self.expired()
        again = expire_credit(ACME, euros("1"), transfer="expiry of b-1, lot 1", on=MUCH_LATER)

        assert first == self.expired()
        assert (first.token, True) == (again.token, first != again)
        assert "transfer/expiry of b-1, lot 1" == first.token

    def test_is_named_apart_from_what_it_takes(self):
        """All transfers of a store share their names: that of the bonus itself is taken."""
        given = deposit(ACME, euros("10"), transfer="b-1", on=DAY, reason=Reason.BONUS)

        assert given.token == expire_credit(ACME, euros("6"), transfer="b-1", on=LATER).token
        assert given.token != self.expired().token

    def test_what_is_spent_cannot_expire(self):
        """A purse does not go below zero for it."""
        with pytest.raises(InsufficientCredit, match=r"0\.01 EUR more"):
            settle({ACME: euros("5.99")}, self.expired().postings)

    def test_a_profiles_purse_has_lots_too(self):
        """What was assigned and rests is taken from the profile."""
        decision = expire_credit(BERLIN, euros("2"), transfer="e-1", on=DAY)

        assert {BERLIN: euros("-2")} == dict(decision.deltas)


class TestTokens:
    """What a decision is known by."""

    def test_what_can_happen_at_the_end_of_a_term_shares_a_token(self):
        """Only one of renew, lapse and expire happens to a term."""
        tokens = {
            renew(ACTIVE, TARIFF, on=END).token,
            renew(ACTIVE, DEARER, on=MUCH_LATER).token,
            lapse(ACTIVE, on=END).token,
            expire(CANCELLED, on=MUCH_LATER).token,
        }

        assert 1 == len(tokens)

    def test_each_term_has_its_own(self):
        """Two late renewals on one day are two."""
        first = renew(ACTIVE, TARIFF, on=MUCH_LATER)
        second = renew(first.after, TARIFF, on=MUCH_LATER)

        assert first.token != second.token

    def test_the_sequence_tells_actions_apart(self):
        """Cancelling, resuming and cancelling again on one day are three."""
        first = cancel(ACTIVE, on=DAY)
        second = resume(first.after, on=DAY)
        third = cancel(second.after, on=DAY)

        assert 3 == len({first.token, second.token, third.token})

    def test_a_call_is_used_once(self):
        """The token is the call's, whatever happened to the subscription in between."""
        before = use(ACTIVE, call(), TARIFF, on=DAY)
        after = use(CANCELLED, call(), TARIFF, on=LATER)

        assert before.token == after.token
        assert before.token != use(ACTIVE, call(identifier="c-2"), TARIFF, on=DAY).token

    @pytest.mark.parametrize(
        "identifier", ["c-1", "a/b", "a%2Fb", "50%", "/", "2026/01/05 #7", "ż"]
    )
    def test_a_calls_token_is_known_before_it_is_used(self, identifier):
        """To ask a store for a call is to ask for what using it would be known by."""
        asked = call_token(call(identifier=identifier))

        assert use(ACTIVE, call(identifier=identifier), TARIFF, on=DAY).token == asked
        assert use(CANCELLED, call(identifier=identifier), DEARER, on=LATER).token == asked

    def test_calls_with_slashes_do_not_collide(self):
        """A slash and a percent sign are escaped, so that no name looks like another."""
        names = ["a/b", "a%2Fb", "a%252Fb", "a", "b", "a%b", "a%25b"]

        assert "call/a%2Fb" == call_token(call(identifier="a/b"))
        assert "call/a%252Fb" == call_token(call(identifier="a%2Fb"))
        assert len(names) == len({call_token(call(identifier=each)) for each in names})

    @pytest.mark.parametrize("wrong", ["c-1", None, ACTIVE])
    def test_only_a_call_has_a_calls_token(self, wrong):
        """An identifier alone may be that of something else."""
        with pytest.raises(WrongType, match="call must be a Call"):
            call_token(wrong)

    def test_a_transfer_happens_once(self):
        """Its own identifier is the token; a call of that name is another thing."""
        first = deposit(ACME, euros("1"), transfer="c-1", on=DAY)
        second = deposit(ACME, euros("1"), transfer="c-1", on=LATER)

        assert first.token == second.token
        assert first.token != use(ACTIVE, call(identifier="c-1"), TARIFF, on=DAY).token

    def test_names_with_slashes_do_not_collide(self):
        """Whatever an identifier holds, different decisions have different tokens."""
        names = ["s", "s/0", "s/0/buy", "s%2F0", "s%252F0", "s%", "s/", "%2F", "s/1/cancel", "s|0"]
        tokens = []
        for identifier in names:
            held = bought(subscription=identifier)
            tokens += [
                buy(PLAN, TARIFF, on=DAY, **{**IDS, "subscription": identifier}).token,
                cancel(held, on=DAY).token,
                terminate(held, on=DAY).token,
                change(held, BIGGER, TARIFF, on=DAY).token,
                renew(held, TARIFF, on=END).token,
                use(held, call(identifier=identifier), TARIFF, on=DAY).token,
                deposit(ACME, euros("1"), transfer=identifier, on=DAY).token,
            ]

        assert len(tokens) == len(set(tokens))

    def test_a_profile_bought_twice_has_two(self):
        """The new subscription's identifier is in it."""
        again = ACT[Action.BUY](HELD[Status.ENDED], END)

        assert buy(PLAN, TARIFF, on=DAY, **IDS).token != again.token


RUNS = "Runs until 2026-02-04, when it renews itself."
TEXTS = {
    "buy": (
        buy(PLAN, TARIFF, on=DAY, **IDS),
        [
            "2026-01-05: buy 3 channels and 1 bundle of 5,000 minutes for profile berlin.",
            RUNS,
            "The purse of account acme pays 30.85 EUR (subscription).",
            H21,
        ],
    ),
    "buy for nothing": (
        buy(BIGGER, FREE, on=DAY, **IDS),
        ["2026-01-05: buy 5 channels for profile berlin.", RUNS, "No money moves.", H21],
    ),
    "change": (
        change(CANCELLED, BIGGER, TARIFF, on=LATER),
        [
            "2026-01-15: change profile berlin to 5 channels.",
            "Runs until 2026-02-14, when it renews itself.",
            # 5 x 6.95 = 34.75
            "The purse of account acme receives 20.57 EUR (refund) "
            "and pays 34.75 EUR (subscription), -14.18 EUR in all.",
            H21,
        ],
    ),
    "change with money back": (
        change(ACTIVE, SKYPE_CONNECT.plan(channels=1), TARIFF, on=DAY),
        [
            "2026-01-05: change profile berlin to 1 channel.",
            RUNS,
            "The purse of account acme receives 30.85 EUR (refund) "
            "and pays 6.95 EUR (subscription), +23.90 EUR in all.",
            H21,
        ],
    ),
    "renew": (
        renew(bought(BIGGER), TARIFF, on=END),
        [
            "2026-02-04: renew the subscription of profile berlin, 5 channels.",
            "Runs until 2026-03-06, when it renews itself.",
            "The purse of account acme pays 34.75 EUR (renewal).",
        ],
    ),
    "cancel": (
        cancel(bought(BIGGER), on=LATER),
        [
            "2026-01-15: cancel the subscription of profile berlin, 5 channels.",
            "Runs until 2026-02-04, when it ends.",
            "No money moves.",
            "This cancels the subscription of profile berlin: "
            "from 2026-02-04 on it is no longer available. (H20)",
        ],
    ),
    "resume": (
        resume(cancel(bought(BIGGER), on=LATER).after, on=LATER),
        [
            "2026-01-15: resume the subscription of profile berlin, 5 channels.",
            RUNS,
            "No money moves.",
        ],
    ),
    "lapse": (
        lapse(bought(BIGGER), on=MUCH_LATER),
        [
            "2026-04-10: let the subscription of profile berlin lapse, 5 channels.",
            "Not active since 2026-02-04.",
            "No money moves.",
            "The renewal was not paid: profile berlin carries no calls since 2026-02-04. (F 6.3)",
        ],
    ),
    "expire": (
        expire(cancel(bought(BIGGER), on=LATER).after, on=MUCH_LATER),
        [
            "2026-04-10: end the cancelled subscription of profile berlin, 5 channels.",
            "Not active since 2026-02-04.",
            "No money moves.",
        ],
    ),
    "terminate": (
        terminate(bought(BIGGER), on=LATER),
        [
            "2026-01-15: end the subscription of profile berlin at once, 5 channels.",
            "Not active since 2026-01-15.",
            # 34.75 x 2/3 = 23.1667
            "The purse of account acme receives 23.17 EUR (refund).",
        ],
    ),
    "deposit": (
        deposit(BERLIN, euros("50"), transfer="p-1", on=DAY),
        [
            "2026-01-05: pay in from outside.",
            "The purse of profile berlin of account acme receives 50.00 EUR (deposit).",
        ],
    ),
    "assign": (
        assign_credit("acme", "berlin", euros("5"), transfer="t-1", on=DAY),
        [
            "2026-01-05: assign credit to a profile.",
            "The purse of account acme pays 5.00 EUR (transfer).",
            "The purse of profile berlin of account acme receives 5.00 EUR (transfer).",
        ],
    ),
    "take back": (
        take_back_credit("acme", "berlin", euros("5"), transfer="t-1", on=DAY),
        [
            "2026-01-05: take back credit from a profile.",
            "The purse of profile berlin of account acme pays 5.00 EUR (transfer).",
            "The purse of account acme receives 5.00 EUR (transfer).",
        ],
    ),
    "let expire": (
        expire_credit(BERLIN, euros("5"), transfer="e-1", on=DAY),
        [
            "2026-01-05: let credit expire.",
            "The purse of profile berlin of account acme pays 5.00 EUR (expiry).",
        ],
    ),
}
DECISIONS = {each: decision for each, (decision, _) in TEXTS.items()}
DECISIONS["use"] = use(ACTIVE, call(600, "DE"), TARIFF, on=DAY)


class TestDecision:
    """What an action does, not yet done."""

    @pytest.mark.parametrize("each", TEXTS)
    def test_prints_as_a_person_would_want_to_be_told(self, each):
        """What happens, until when, what it costs or returns and from which purse, and a notice."""
        decision, expected = TEXTS[each]

        assert expected == str(decision).split("\n")

    def test_a_call_prints_what_it_costs(self):
        """The profile's purse pays ten minutes at 0.02."""

        assert "The purse of profile berlin of account acme pays 0.20 EUR (call)." in str(
            DECISIONS["use"]
        )

    def test_plain_rows(self):
        """A row for each posting, with the token and the action."""
        decision = change(ACTIVE, BIGGER, TARIFF, on=LATER)

        assert [("change", "refund", 2057), ("change", "subscription", -3475)] == [
            (row["action"], row["reason"], row["minor"]) for row in decision.to_records()
        ]
        assert {decision.token} == {row["token"] for row in decision.to_records()}

    def test_changes_of_the_purses_cannot_be_changed(self):
        """They follow from the postings."""
        with pytest.raises(TypeError):
            DECISIONS["buy"].deltas[ACME] = euros("0")

    @pytest.mark.parametrize("each", DECISIONS)
    @pytest.mark.parametrize(
        "copied",
        [copy.copy, copy.deepcopy, attrs.evolve, lambda value: pickle.loads(pickle.dumps(value))],
        ids=["copy", "deepcopy", "evolve", "pickle"],
    )
    def test_copies(self, each, copied):
        """A copy, a pickle and an unchanged evolution are equal, hash and print alike."""
        decision = DECISIONS[each]
        twin = copied(decision)

        assert (decision, hash(decision), str(decision)) == (twin, hash(twin), str(twin))

    @pytest.mark.parametrize(
        ("parameter", "wrong"),
        [
            ("action", "buy"),
            ("on", datetime(2026, 1, 5)),  # noqa: DTZ001 - any datetime is refused
            ("before", "nothing"),
            ("after", PLAN),
            ("postings", 5),
            ("notices", "told"),
            ("token", 5),
        ],
    )
    def test_evolving_keeps_the_checks(self, parameter, wrong):
        """Each field refuses what it does not take, by its name."""
        with pytest.raises(WrongType) as caught:
            attrs.evolve(DECISIONS["buy"], **{parameter: wrong})

        assert parameter == caught.value.parameter

    def test_cannot_be_changed(self):
        """What was decided stays so."""
        with pytest.raises(attrs.exceptions.FrozenInstanceError):
            DECISIONS["buy"].postings = ()

    def test_is_only_values(self):
        """Deciding changes neither what it was decided from nor anything else."""
        before = pickle.dumps(ACTIVE)
        change(ACTIVE, BIGGER, TARIFF, on=LATER)

        assert before == pickle.dumps(ACTIVE)
        assert isinstance(DECISIONS["buy"], Decision)

    def test_html_is_escaped(self):
        """A profile's name that holds markup shows as text in a notebook, in notices too."""
        nasty = bought(profile="<script>", account="<b>")
        html = cancel(nasty, on=DAY)._repr_html_() + terminate(nasty, on=DAY)._repr_html_()

        assert "of profile &lt;script&gt;" in html
        assert "<script>" not in html
        assert "<b>" not in html
