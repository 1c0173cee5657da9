"""Every action: its effect on the subscription and the wallets, and when it is refused."""

from datetime import date, datetime, timedelta
from itertools import islice, product

import attrs
import pytest
from tests.subscriptions.samples import (
    ACME,
    ACTIVE,
    BERLIN,
    CANCELLED,
    DEARER_TARIFF,
    END,
    FIRST_DAY,
    FIVE_CHANNELS,
    FREE_TARIFF,
    IDENTIFIERS,
    LAST_DAY,
    LATE_RUN,
    MID_TERM,
    PLAN,
    TARIFF,
    TERM,
    buy_subscription,
    call,
    euros,
)

from channelplans.allowances import Allowance
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
from channelplans.money import EUR, USD, Currency
from channelplans.offers import OFFERS, SKYPE_CONNECT
from channelplans.rules import ChangeRule, NonPaymentRule, RefundBasis, RefundRule, TermRule
from channelplans.subscriptions.actions import (
    buy,
    cancel,
    change,
    expire,
    lapse,
    renew,
    resume,
    terminate,
)
from channelplans.subscriptions.call_records import call_token, record_call
from channelplans.subscriptions.subscription import RUNNING, Action, Status
from channelplans.subscriptions.transfers import (
    deposit,
)
from channelplans.subscriptions.transitions import AT_END, TRANSITIONS
from channelplans.subscriptions.wallets import Posting, Reason, Wallet, settle
from channelplans.tariffs import Tariff

SUBSCRIPTIONS = {
    Status.ACTIVE: ACTIVE,
    Status.CANCELLED: CANCELLED,
    Status.LAPSED: lapse(ACTIVE, on=END).after,
    Status.ENDED: expire(CANCELLED, on=END).after,
}


ACTIONS = {
    Action.BUY: lambda previous, on: buy(
        PLAN, TARIFF, on=on, previous=previous, **{**IDENTIFIERS, "subscription": "s-2"}
    ),
    Action.CHANGE: lambda subscription, on: change(subscription, FIVE_CHANNELS, TARIFF, on=on),
    Action.RECORD_CALL: lambda subscription, on: record_call(
        subscription, call(day=subscription.term.start), TARIFF, on=on
    ),
    Action.RENEW: lambda subscription, on: renew(subscription, TARIFF, on=on),
    Action.CANCEL: lambda subscription, on: cancel(subscription, on=on),
    Action.RESUME: lambda subscription, on: resume(subscription, on=on),
    Action.LAPSE: lambda subscription, on: lapse(subscription, on=on),
    Action.EXPIRE: lambda subscription, on: expire(subscription, on=on),
    Action.TERMINATE: lambda subscription, on: terminate(subscription, on=on),
}


TABLE_ROWS = [(status, action) for status, action in TRANSITIONS if status is not None]


ROWS_WITHIN_TERM = [
    (status, action)
    for status, action in TABLE_ROWS
    if action not in AT_END | {Action.BUY, Action.RECORD_CALL}
]


ROWS_AFTER_TERM = [(status, action) for status, action in TABLE_ROWS if action in AT_END]


#: A subscription that was cancelled in the first of the two terms of its minimum term.
CANCELLED_IN_MINIMUM_TERM = cancel(
    buy_subscription(
        attrs.evolve(
            SKYPE_CONNECT, edition="minimum", term=TermRule(Days(30), minimum_term=Days(60))
        ).plan(channels=3, bundles=1)
    ),
    on=FIRST_DAY,
).after


def subscription_for(status, action):
    """Return a subscription with a status that allows an action; it ends on 4 February."""
    if status is Status.CANCELLED and action in {Action.RENEW, Action.LAPSE}:
        return CANCELLED_IN_MINIMUM_TERM
    return SUBSCRIPTIONS[status]


#: The possible actions by status: within the term, on its end, and after a late run.
POSSIBLE_ACTIONS = {
    (Status.ACTIVE, LAST_DAY): {"change", "record call", "cancel", "terminate"},
    (Status.ACTIVE, END): {"change", "record call", "renew", "cancel", "lapse", "terminate"},
    (Status.ACTIVE, LATE_RUN): {"record call", "renew", "lapse"},
    (Status.CANCELLED, LAST_DAY): {"change", "resume", "record call", "terminate"},
    (Status.CANCELLED, END): {"record call", "expire"},
    (Status.CANCELLED, LATE_RUN): {"record call", "expire"},
    (Status.LAPSED, END): {"buy", "record call"},
    (Status.LAPSED, LATE_RUN): {"buy", "record call"},
    (Status.ENDED, END): {"buy", "record call"},
    (Status.ENDED, LATE_RUN): {"buy", "record call"},
}


def make_id(value):
    """Return the id of a test parameter."""
    return value.value if isinstance(value, (Status, Action)) else str(value)


class TestTransitions:
    """Actions with a row in the table of transitions are possible, and all others are refused."""

    @pytest.mark.parametrize(("status", "action"), TABLE_ROWS, ids=make_id)
    def test_action_leads_to_the_status_in_the_table(self, status, action):
        """The decision has the table's status, the next sequence number and the action's day."""
        before = subscription_for(status, action)
        is_over = action in AT_END or status not in RUNNING
        on = END if is_over else FIRST_DAY
        decision = ACTIONS[action](before, on)
        sequence = 1 if action is Action.BUY else before.sequence + 1

        assert (TRANSITIONS[status, action], sequence, on) == (
            decision.after.status,
            decision.after.sequence,
            decision.after.acted_on,
        )
        assert (action, before, on) == (decision.action, decision.before, decision.on)

    @pytest.mark.parametrize(
        ("status", "on", "action"),
        [
            (status, on, action)
            for (status, on), action in product(POSSIBLE_ACTIONS, ACTIONS)
            if (status, action) not in TRANSITIONS
        ],
        ids=make_id,
    )
    def test_action_without_a_row_is_refused(self, status, on, action):
        """The error names the action, the status and the possible actions on that day."""
        with pytest.raises(TransitionNotAllowed) as caught:
            ACTIONS[action](SUBSCRIPTIONS[status], on)

        error = caught.value
        assert (action.value, status.value, POSSIBLE_ACTIONS[status, on]) == (
            error.action,
            error.status,
            set(error.allowed),
        )

    @pytest.mark.parametrize("action", [Action.RENEW, Action.LAPSE], ids=make_id)
    def test_cancelled_subscription_without_a_minimum_term_only_expires(self, action):
        """It is neither renewed nor lapsed at the end of its term."""
        with pytest.raises(TransitionNotAllowed, match=r"possible: record call, expire$"):
            ACTIONS[action](CANCELLED, END)

    def test_cancelled_subscription_does_not_expire_within_its_minimum_term(self):
        """It is renewed or lapses, or it is changed or terminated before the next run."""
        with pytest.raises(
            TransitionNotAllowed, match=r"possible: change, record call, renew, lapse, terminate$"
        ):
            expire(CANCELLED_IN_MINIMUM_TERM, on=END)

    def test_error_message_lists_the_possible_actions(self):
        """The message states the action, the status and the possible actions."""
        with pytest.raises(TransitionNotAllowed) as caught:
            resume(SUBSCRIPTIONS[Status.LAPSED], on=END)

        assert (
            "resume is not possible while the subscription is lapsed; possible: buy, record call"
            == str(caught.value)
        )

    def test_a_profile_can_buy_again_on_the_day_of_termination(self):
        """After a termination, the profile can buy a new subscription on the same day."""
        ended = terminate(ACTIVE, on=MID_TERM).after

        assert Status.ACTIVE is ACTIONS[Action.BUY](ended, MID_TERM).after.status


class TestDays:
    """The days on which each action is possible."""

    @pytest.mark.parametrize(
        ("action", "advice"),
        [
            (Action.CHANGE, "terminate undoes the purchase before its first day"),
            (Action.CANCEL, "terminate undoes the purchase before its first day"),
            (Action.RENEW, "the term runs until then"),
            (Action.LAPSE, "the term runs until then"),
        ],
        ids=make_id,
    )
    def test_action_is_refused_before_the_first_term_starts(self, action, advice):
        """A purchase on 1 January for 5 January can only be undone before it starts."""
        bought = buy(PLAN, TARIFF, on=date(2026, 1, 1), start=FIRST_DAY, **IDENTIFIERS).after

        with pytest.raises(OutsideTerm, match=f"not on 2026-01-04; {advice}$"):
            ACTIONS[action](bought, date(2026, 1, 4))

    @pytest.mark.parametrize(
        ("status", "action", "on"),
        [
            (status, action, on)
            for (status, action), on in product(ROWS_WITHIN_TERM, [END, date(2026, 2, 5), date.max])
            # On its due date an active subscription may be unpaid.
            if (status, on) != (Status.ACTIVE, END)
        ],
        ids=make_id,
    )
    def test_action_is_refused_after_the_term(self, status, action, on):
        """The error says whether renew, lapse or expire must come first."""
        end, required_action = {
            Status.ACTIVE: ("2026-02-05", "renew or lapse"),
            Status.CANCELLED: ("2026-02-04", "expire"),
        }[status]

        with pytest.raises(OutsideTerm) as caught:
            ACTIONS[action](SUBSCRIPTIONS[status], on)

        assert (
            f"{action.value} is possible from 2026-01-05 until the day before {end}, "
            f"not on {on}; first {required_action} the term that ended" == str(caught.value)
        )

    @pytest.mark.parametrize("status", Status, ids=make_id)
    @pytest.mark.parametrize("on", [END, LATE_RUN, date.max], ids=str)
    def test_call_is_recorded_on_any_later_day(self, status, on):
        """A call of the term is accepted after its end, in every status."""

        assert on == record_call(SUBSCRIPTIONS[status], call(day=LAST_DAY), TARIFF, on=on).on

    @pytest.mark.parametrize(("status", "action"), ROWS_WITHIN_TERM, ids=make_id)
    @pytest.mark.parametrize("on", [FIRST_DAY, LAST_DAY], ids=str)
    def test_action_is_possible_on_the_first_and_last_day_of_the_term(self, status, action, on):
        """The term includes its first day and the day before its end."""

        assert on == ACTIONS[action](SUBSCRIPTIONS[status], on).after.acted_on

    @pytest.mark.parametrize(("status", "action"), ROWS_AFTER_TERM, ids=make_id)
    @pytest.mark.parametrize("on", [FIRST_DAY, LAST_DAY], ids=str)
    def test_renew_lapse_and_expire_are_refused_within_the_term(self, status, action, on):
        """The error names the end of the term, from which on the action is possible."""
        with pytest.raises(OutsideTerm) as caught:
            ACTIONS[action](subscription_for(status, action), on)

        assert (
            f"{action.value} is possible from 2026-02-04 on, not on {on}; the term runs until then"
            == str(caught.value)
        )

    @pytest.mark.parametrize(("status", "action"), ROWS_WITHIN_TERM, ids=make_id)
    def test_action_is_refused_before_the_latest_action(self, status, action):
        """An action is possible on the day of the latest action, but not on an earlier day."""
        subscription = attrs.evolve(SUBSCRIPTIONS[status], acted_on=MID_TERM)

        with pytest.raises(OutsideTerm) as caught:
            ACTIONS[action](subscription, date(2026, 1, 14))

        assert (
            f"{action.value} is possible from 2026-01-15 on, not on 2026-01-14; "
            "2026-01-15 is the day of the latest action" == str(caught.value)
        )
        assert MID_TERM == ACTIONS[action](subscription, MID_TERM).on

    @pytest.mark.parametrize(("status", "action"), ROWS_AFTER_TERM, ids=make_id)
    def test_renew_lapse_and_expire_are_refused_before_the_latest_action(self, status, action):
        """After an action on 10 April, none is possible on 9 April."""
        subscription = attrs.evolve(subscription_for(status, action), acted_on=LATE_RUN)

        with pytest.raises(OutsideTerm, match="2026-04-10 is the day of the latest action"):
            ACTIONS[action](subscription, date(2026, 4, 9))
        assert LATE_RUN == ACTIONS[action](subscription, LATE_RUN).on

    @pytest.mark.parametrize("status", [Status.LAPSED, Status.ENDED])
    def test_buy_is_refused_before_the_latest_action(self, status):
        """After a lapse or an expiry on 4 February, a purchase on 3 February is refused."""
        with pytest.raises(OutsideTerm, match="buy is possible from 2026-02-04 on, not on 2026-02"):
            ACTIONS[Action.BUY](SUBSCRIPTIONS[status], LAST_DAY)

    @pytest.mark.parametrize("action", [Action.RECORD_CALL, Action.CANCEL, Action.CHANGE])
    def test_action_is_possible_from_the_first_day_if_no_action_is_stored(self, action):
        """If `acted_on` is None, the earliest day is the first day of the term."""
        subscription = attrs.evolve(ACTIVE, acted_on=None)

        assert FIRST_DAY == ACTIONS[action](subscription, FIRST_DAY).on

    @pytest.mark.parametrize("action", list(ACTIONS), ids=make_id)
    @pytest.mark.parametrize(
        "on",
        [datetime(2026, 1, 15), "2026-01-15", None, 20260115],  # noqa: DTZ001 - any is refused
        ids=str,
    )
    def test_action_refuses_a_day_that_is_not_a_date(self, action, on):
        """A datetime is refused, because its day depends on the time zone."""
        status = next(status for status, row_action in TABLE_ROWS if row_action is action)

        with pytest.raises(WrongType, match="on must be a date"):
            ACTIONS[action](SUBSCRIPTIONS[status], on)

    @pytest.mark.parametrize(
        "action",
        [action for action in ACTIONS if action not in {Action.BUY, Action.RECORD_CALL}],
        ids=make_id,
    )
    @pytest.mark.parametrize("value", ["s-1", None, ACTIVE.quote], ids=["text", "none", "quote"])
    def test_action_refuses_values_that_are_not_subscriptions(self, action, value):
        """An action expects a subscription, not its identifier or its quote."""
        with pytest.raises(WrongType, match="subscription must be a Subscription"):
            ACTIONS[action](value, MID_TERM)


class TestBuy:
    """Buying a subscription (H3, H4, H8, H14)."""

    def test_starts_a_term_of_thirty_days_at_once(self):
        """The term starts on the day of purchase, and the account pays."""
        decision = buy(PLAN, TARIFF, on=FIRST_DAY, **IDENTIFIERS)
        after = decision.after

        assert (None, Status.ACTIVE, TERM, PLAN, 0, FIRST_DAY) == (
            decision.before,
            after.status,
            after.term,
            after.plan,
            after.term_number,
            after.anchor,
        )
        assert (Allowance(timedelta(minutes=5000)), None, 1) == (
            after.allowance,
            after.last_changed_on,
            after.sequence,
        )
        # 3 x 6.95 = 20.85, and 10
        payment = Posting(ACME, euros("-30.85"), Reason.SUBSCRIPTION, FIRST_DAY, TERM, "s-1")
        assert ((payment,), SKYPE_CONNECT.notices) == (decision.postings, decision.notices)

    def test_aligned_purchase_renews_on_the_days_of_another_subscription(self):
        """The first term has 20 of 30 days; then both subscriptions renew on the same days."""
        other = buy_subscription(profile="munich", subscription="s-0")
        decision = buy(PLAN, TARIFF, on=MID_TERM, align_to=other.term.end, **IDENTIFIERS)
        after = decision.after

        assert Term(MID_TERM, END) == after.term
        assert list(islice(other.renewals(), 3)) == list(islice(after.renewals(), 3))
        # 20.85 x 20/30 = 13.90, and 10 x 20/30 = 6.67
        assert {ACME: euros("-20.57")} == dict(decision.deltas)
        # 5,000 minutes x 20/30
        assert Allowance(timedelta(minutes=3333, seconds=20)) == after.allowance
        # From the second term on, the price is the full one.
        assert {ACME: euros("-30.85")} == dict(renew(after, TARIFF, on=END).deltas)

    def test_purchase_aligned_to_the_31st_returns_to_it_after_a_shorter_month(self):
        """Bought on 15 March: the terms end on 31 March, 30 April and 31 May."""
        monthly = attrs.evolve(SKYPE_CONNECT, edition="monthly", term=TermRule(Months(1)))
        last_of_january, day = date(2026, 1, 31), date(2026, 3, 15)
        bought = buy(
            monthly.plan(channels=1), TARIFF, on=day, align_to=last_of_january, **IDENTIFIERS
        ).after
        second = renew(bought, TARIFF, on=date(2026, 3, 31)).after

        assert (date(2026, 1, 31), 1, 2) == (bought.anchor, bought.term_number, second.term_number)
        assert [date(2026, 3, 31), date(2026, 4, 30), date(2026, 5, 31)] == list(
            islice(bought.renewals(), 3)
        )
        assert Term(date(2026, 3, 31), date(2026, 4, 30)) == second.term

    def test_minimum_term_of_an_aligned_purchase_starts_on_the_day_of_purchase(self):
        """30 days from 15 January end on 14 February, within the second term."""
        rule = TermRule(Days(30), minimum_term=Days(30))
        offer = attrs.evolve(SKYPE_CONNECT, edition="minimum", term=rule)
        bought = buy(offer.plan(channels=1), TARIFF, on=MID_TERM, align_to=END, **IDENTIFIERS).after

        assert date(2026, 2, 14) == bought.minimum_term_end

    def test_restart_leaves_the_days_of_an_aligned_purchase(self):
        """The new term has 30 days from the change, although the first term was aligned."""
        bought = buy(PLAN, TARIFF, on=FIRST_DAY, align_to=date(2026, 1, 20), **IDENTIFIERS).after
        restarted = change(bought, FIVE_CHANNELS, TARIFF, on=MID_TERM).after

        assert date(2026, 1, 20) == bought.term.end
        assert (Term(MID_TERM, date(2026, 2, 14)), MID_TERM, 0) == (
            restarted.term,
            restarted.anchor,
            restarted.term_number,
        )

    def test_align_to_is_refused_together_with_a_billing_day(self):
        """All subscriptions of such an offer have the same bill day already."""
        rule = TermRule(Months(1), billing_day=1)
        monthly = attrs.evolve(SKYPE_CONNECT, edition="monthly", term=rule)

        with pytest.raises(InvalidValue, match=r"^align_to must be None, because all terms begin"):
            buy(monthly.plan(channels=1), TARIFF, on=MID_TERM, align_to=END, **IDENTIFIERS)

    def test_books_nothing_for_a_free_plan(self):
        """A price of zero gives no posting."""
        decision = buy(PLAN, FREE_TARIFF, on=FIRST_DAY, **IDENTIFIERS)

        assert ((), {}) == (decision.postings, dict(decision.deltas))

    @pytest.mark.parametrize(
        "end",
        [
            lambda changed: terminate(changed, on=MID_TERM),
            lambda changed: expire(cancel(changed, on=MID_TERM).after, on=date(2026, 2, 14)),
            lambda changed: lapse(changed, on=date(2026, 2, 14)),
        ],
        ids=["terminated", "expired", "lapsed"],
    )
    def test_keeps_the_day_of_the_profiles_last_change(self, end):
        """Ending a subscription and buying again does not allow a second change on a day (H15)."""
        changed = change(ACTIVE, FIVE_CHANNELS, TARIFF, on=MID_TERM).after
        ended = end(changed).after
        identifiers = {**IDENTIFIERS, "subscription": "s-2"}
        bought_again = buy(PLAN, TARIFF, on=ended.acted_on, previous=ended, **identifiers).after

        assert MID_TERM == bought_again.last_changed_on

    def test_does_not_allow_a_second_change_on_the_same_day(self):
        """A profile that was changed, terminated and bought again cannot be changed that day."""
        changed = change(ACTIVE, FIVE_CHANNELS, TARIFF, on=MID_TERM).after
        ended = terminate(changed, on=MID_TERM).after
        bought_again = ACTIONS[Action.BUY](ended, MID_TERM).after

        with pytest.raises(ChangedTooSoon, match="the next change is possible from 2026-01-16"):
            change(bought_again, FIVE_CHANNELS, TARIFF, on=MID_TERM)
        assert (
            FIVE_CHANNELS
            == change(bought_again, FIVE_CHANNELS, TARIFF, on=date(2026, 1, 16)).after.plan
        )

    @pytest.mark.parametrize("other_owner", [{"account": "other"}, {"profile": "paris"}])
    def test_refuses_another_profiles_previous_subscription(self, other_owner):
        """The previous subscription must belong to the same profile of the same account."""
        ended = SUBSCRIPTIONS[Status.ENDED]
        identifiers = {**IDENTIFIERS, "subscription": "s-2", **other_owner}
        account, profile = identifiers["account"], identifiers["profile"]

        with pytest.raises(InvalidValue) as caught:
            buy(PLAN, TARIFF, on=END, previous=ended, **identifiers)

        assert (
            f"previous must be the last subscription of {Wallet(account, profile)}, "
            "not of profile 'berlin' of account 'acme'" == str(caught.value)
        )

    def test_refuses_the_previous_subscriptions_identifier(self):
        """A subscription's identifier cannot be used again, even for the same profile."""
        with pytest.raises(InvalidValue, match="subscription must be an identifier never used"):
            buy(PLAN, TARIFF, on=END, previous=SUBSCRIPTIONS[Status.ENDED], **IDENTIFIERS)

    @pytest.mark.parametrize(
        ("parameter", "value"),
        [
            ("plan", "100 channels"),
            ("tariff", None),
            ("account", 5),
            ("profile", None),
            ("subscription", 5),
            ("previous", "s-0"),
        ],
    )
    def test_refuses_wrong_types(self, parameter, value):
        """The error for a value of a wrong type names the parameter."""
        arguments = {
            "plan": PLAN,
            "tariff": TARIFF,
            "on": FIRST_DAY,
            **IDENTIFIERS,
            parameter: value,
        }

        with pytest.raises(WrongType) as caught:
            buy(**arguments)

        assert parameter == caught.value.parameter

    @pytest.mark.parametrize("parameter", ["account", "profile", "subscription"])
    @pytest.mark.parametrize("value", ["", " x", "x\n"])
    def test_refuses_identifiers_with_odd_whitespace(self, parameter, value):
        """An identifier cannot be empty, start with a space, or contain a line break."""
        with pytest.raises(InvalidValue) as caught:
            buy(PLAN, TARIFF, on=FIRST_DAY, **{**IDENTIFIERS, parameter: value})

        assert parameter == caught.value.parameter

    def test_refuses_a_term_beyond_the_calendar(self):
        """The last possible term of 30 days starts on 1 December 9999 and cannot be renewed."""
        subscription = buy_subscription(on=date(9999, 12, 1))

        with pytest.raises(CalendarEnds):
            buy_subscription(on=date(9999, 12, 2))
        with pytest.raises(CalendarEnds):
            renew(subscription, TARIFF, on=date.max)
        with pytest.raises(CalendarEnds):
            change(subscription, FIVE_CHANNELS, TARIFF, on=date(9999, 12, 2))
        assert Status.LAPSED is lapse(subscription, on=date.max).after.status
        assert Status.CANCELLED is cancel(subscription, on=date(9999, 12, 30)).after.status


class TestChange:
    """Changing the plan of a subscription (H15 to H19)."""

    def test_refunds_the_unused_days_and_starts_a_new_term(self):
        """The unused part is refunded, and the new plan runs for 30 days at once (H16, H17).

        The decision holds the refund line by line: 13.90 for channels, 6.67 for the bundle.
        """
        decision = change(ACTIVE, FIVE_CHANNELS, DEARER_TARIFF, on=MID_TERM)
        after = decision.after

        # 20 of 30 days: 20.85 x 2/3 = 13.90, 10 x 2/3 = 6.67; 5 x 7.50 = 37.50
        new_term = Term(MID_TERM, date(2026, 2, 14))
        assert (
            Posting(ACME, euros("20.57"), Reason.REFUND, MID_TERM, TERM, "s-1"),
            Posting(ACME, euros("-37.50"), Reason.SUBSCRIPTION, MID_TERM, new_term, "s-1"),
        ) == decision.postings
        assert {ACME: euros("-16.93")} == dict(decision.deltas)
        assert (FIVE_CHANNELS, DEARER_TARIFF, new_term, MID_TERM, 0, MID_TERM, "s-1") == (
            after.plan,
            after.quote.tariff,
            after.term,
            after.anchor,
            after.term_number,
            after.last_changed_on,
            after.id,
        )
        assert ("fewer-bundles", *SKYPE_CONNECT.notices) == (
            decision.notices[0].code,
            *decision.notices[1:],
        )
        refund = decision.refund
        assert refund is not None
        assert [euros("13.90"), euros("6.67")] == [line.returned for line in refund.lines]
        assert ACTIVE.quote.total == refund.returned + refund.kept

    def test_refunds_everything_on_the_first_day(self):
        """The day of the change does not count as used."""
        refund, _ = change(ACTIVE, FIVE_CHANNELS, TARIFF, on=FIRST_DAY).postings

        assert euros("30.85") == refund.amount

    def test_refunds_nothing_on_the_last_day_if_the_day_counts_as_used(self):
        """With `change_day_used`, no day is left on the last day, and no refund is booked."""
        rule = RefundRule(change_day_used=True)
        offer = attrs.evolve(SKYPE_CONNECT, refund=rule)
        subscription = buy_subscription(offer.plan(channels=3))

        decision = change(subscription, offer.plan(channels=5), TARIFF, on=LAST_DAY)

        assert [Reason.SUBSCRIPTION] == [posting.reason for posting in decision.postings]

    def test_books_no_refund_for_a_free_plan(self):
        """A change from a free plan to a paid one has a charge and no refund."""
        decision = change(buy_subscription(tariff=FREE_TARIFF), FIVE_CHANNELS, TARIFF, on=MID_TERM)

        assert [Reason.SUBSCRIPTION] == [posting.reason for posting in decision.postings]

    def test_starts_with_unused_minutes(self):
        """The old allowance ends, and the new one is full."""
        plan = SKYPE_CONNECT.plan(channels=5, bundles=2)
        after_call = record_call(ACTIVE, call(3600), TARIFF, on=FIRST_DAY).after
        changed = change(after_call, plan, TARIFF, on=FIRST_DAY).after

        assert Allowance(timedelta(minutes=10_000)) == changed.allowance

    def test_treats_a_change_of_bundles_like_any_other(self):
        """A change of only the bundles refunds, starts a new term and is the day's change (H19)."""
        plan = SKYPE_CONNECT.plan(channels=3, bundles=2)
        decision = change(ACTIVE, plan, TARIFF, on=MID_TERM)

        # 20.85 + 2 x 10 - 20.57 = 20.28
        assert ({ACME: euros("-20.28")}, MID_TERM) == (
            dict(decision.deltas),
            decision.after.last_changed_on,
        )
        with pytest.raises(ChangedTooSoon):
            change(decision.after, PLAN, TARIFF, on=MID_TERM)

    def test_refuses_a_second_change_on_one_day(self):
        """The error names the next day on which a change is possible (H15)."""
        changed = change(ACTIVE, FIVE_CHANNELS, TARIFF, on=MID_TERM).after

        with pytest.raises(ChangedTooSoon) as caught:
            change(changed, PLAN, TARIFF, on=MID_TERM)

        assert date(2026, 1, 16) == caught.value.possible_from
        assert PLAN == change(changed, PLAN, TARIFF, on=caught.value.possible_from).after.plan

    def test_is_possible_twice_a_day_under_the_contract_of_2011(self):
        """The contract's offer allows changes at any time (F 4.1)."""
        one_channel, two_channels = (
            OFFERS["skype-connect-2011"].plan(channels=count) for count in (1, 2)
        )
        changed = change(buy_subscription(one_channel), two_channels, TARIFF, on=MID_TERM).after

        assert one_channel == change(changed, one_channel, TARIFF, on=MID_TERM).after.plan

    @pytest.mark.parametrize(
        "act",
        [
            lambda subscription: subscription,
            lambda subscription: cancel(subscription, on=FIRST_DAY).after,
            lambda subscription: (
                resume(cancel(subscription, on=FIRST_DAY).after, on=FIRST_DAY).after
            ),
            lambda subscription: record_call(subscription, call(), TARIFF, on=FIRST_DAY).after,
        ],
        ids=["buy", "cancel", "resume", "record a call"],
    )
    def test_is_possible_on_the_day_of_another_action(self, act):
        """Only a change counts as the day's change."""

        assert (
            FIRST_DAY
            == change(act(ACTIVE), FIVE_CHANNELS, TARIFF, on=FIRST_DAY).after.last_changed_on
        )

    def test_refunds_a_renewal_of_the_same_day(self):
        """A renewal is not the day's change, and its whole price is refunded."""
        renewed = renew(ACTIVE, DEARER_TARIFF, on=END).after
        refund, _ = change(renewed, FIVE_CHANNELS, TARIFF, on=END).postings

        # 3 x 7.50 + 11 = 33.50
        assert (None, euros("33.50")) == (renewed.last_changed_on, refund.amount)

    def test_counts_the_days_between_changes_across_a_renewal(self):
        """A renewal keeps the day of the last change, so a long cool-down reaches the next term."""
        offer = attrs.evolve(SKYPE_CONNECT, change=ChangeRule(cooldown=Days(40)))
        one_channel, two_channels = (offer.plan(channels=count) for count in (1, 2))
        changed = change(buy_subscription(one_channel), two_channels, TARIFF, on=FIRST_DAY).after
        renewed = renew(changed, TARIFF, on=END).after

        with pytest.raises(ChangedTooSoon, match="possible from 2026-02-14"):
            change(renewed, one_channel, TARIFF, on=date(2026, 2, 13))
        assert one_channel == change(renewed, one_channel, TARIFF, on=date(2026, 2, 14)).after.plan

    @pytest.mark.parametrize(
        ("subscription", "advice"),
        [
            (ACTIVE, "renew extends the subscription at the end of its term"),
            (CANCELLED, "resume undoes the cancellation"),
        ],
        ids=["active", "cancelled"],
    )
    def test_refuses_the_current_plan(self, subscription, advice):
        """The error suggests renew, or resume if the subscription is cancelled."""
        with pytest.raises(PlanUnchanged) as caught:
            change(subscription, PLAN, TARIFF, on=MID_TERM)

        message = str(caught.value)
        assert "3 channels and 1 bundle of 5,000 minutes" in message
        assert message.endswith(f"{advice}")

    def test_error_uses_the_singular_for_one_channel(self):
        """The error for a plan of one channel does not say `channel are`."""
        plan = SKYPE_CONNECT.plan(channels=1)

        with pytest.raises(PlanUnchanged) as caught:
            change(buy_subscription(plan), plan, TARIFF, on=MID_TERM)

        assert "already 1 channel;" in str(caught.value)
        assert "channel are" not in str(caught.value)

    def test_compares_the_granted_number_of_channels(self):
        """A request for 109 is granted as 100, which is the current plan (H5)."""
        subscription = buy_subscription(SKYPE_CONNECT.plan(channels=100))

        with pytest.raises(PlanUnchanged):
            change(subscription, SKYPE_CONNECT.plan(channels=109), TARIFF, on=MID_TERM)

    def test_refunds_by_the_rule_of_the_old_offer(self):
        """The old offer's refund rule applies to a change to another offer."""
        contract_plan = OFFERS["skype-connect-2011"].plan(channels=3, bundles=1)
        without_minutes = record_call(ACTIVE, call(5000 * 60), TARIFF, on=FIRST_DAY).after
        to_contract = change(without_minutes, contract_plan, TARIFF, on=MID_TERM)
        refund, _ = to_contract.postings

        # The help page's offer refunds by time. A month of the new offer ends on 15 February.
        assert (euros("20.57"), date(2026, 2, 15)) == (refund.amount, to_contract.after.term.end)

        long_call = call(5000 * 60, day=MID_TERM)
        after_call = record_call(to_contract.after, long_call, TARIFF, on=MID_TERM).after
        refund, _ = change(after_call, PLAN, TARIFF, on=MID_TERM).postings

        # The contract refunds by minutes. Only twelve hours of the call were included, so 4,280 of
        # 5,000 minutes are left: 20.85 for the channels and 8.56 of 10.00 for the bundle.
        assert euros("29.41") == refund.amount

    def test_makes_a_cancelled_subscription_renew_again(self):
        """A cancelled subscription can be changed within its term, and is active afterwards."""
        after = change(CANCELLED, FIVE_CHANNELS, TARIFF, on=MID_TERM).after

        assert Status.ACTIVE is after.status
        assert 1 == renew(after, TARIFF, on=date(2026, 2, 14)).after.term_number

    def test_counts_the_refund_towards_the_charge(self):
        """A charge of 34.75 with a refund of 20.57 needs a balance of 14.18."""
        decision = change(ACTIVE, FIVE_CHANNELS, TARIFF, on=MID_TERM)

        assert {ACME: euros("0")} == settle({ACME: euros("14.18")}, decision.postings)
        with pytest.raises(InsufficientCredit, match=r"14.18 EUR is needed; 0.01 EUR is missing"):
            settle({ACME: euros("14.17")}, decision.postings)

    @pytest.mark.parametrize(
        ("basis", "balance"),
        [
            # -11 + (0.97 + 9.67) - 12 + (1.93 + 9.67) - 11: the used bundles cost only 0.66
            (RefundBasis.TIME, "-11.76"),
            # Used bundles are not refunded: -11 + 0.97 - 12 + 1.93 - 11
            (RefundBasis.MINUTES, "-31.10"),
            (RefundBasis.SMALLER, "-31.10"),
        ],
    )
    def test_refund_by_time_can_be_exploited(self, basis, balance):
        """A buyer who uses all minutes and then changes gets 10,000 minutes in two days.

        A refund by time pays back most of the used bundles. A refund by minutes pays nothing back.
        """
        offer = attrs.evolve(SKYPE_CONNECT, refund=RefundRule(bundles=basis))
        tariff = Tariff("t", EUR, 1, 10, 0)
        one_channel, two_channels = (offer.plan(channels=count, bundles=1) for count in (1, 2))
        all_minutes = 5000 * 60
        second_day, third_day = date(2026, 1, 6), date(2026, 1, 7)

        purchase = buy(one_channel, tariff, on=FIRST_DAY, **IDENTIFIERS)
        first_call = record_call(purchase.after, call(all_minutes), tariff, on=FIRST_DAY)
        first_change = change(first_call.after, two_channels, tariff, on=second_day)
        second_call = record_call(
            first_change.after, call(all_minutes, day=second_day), tariff, on=second_day
        )
        second_change = change(second_call.after, one_channel, tariff, on=third_day)

        decisions = (purchase, first_call, first_change, second_call, second_change)
        amounts = [posting.amount for decision in decisions for posting in decision.postings]
        assert euros(balance) == sum(amounts, start=euros("0"))


class TestRenew:
    """Renewing a subscription for its next term (H8, F 3.9, F 6.3)."""

    def test_starts_one_more_term_under_the_given_tariff(self):
        """The posting names the new term, and the new term's minutes are unused."""
        after_call = record_call(ACTIVE, call(3600), TARIFF, on=FIRST_DAY).after
        decision = renew(after_call, DEARER_TARIFF, on=END)
        after = decision.after

        # 3 x 7.50 + 11 = 33.50
        next_term = Term(END, date(2026, 3, 6))
        payment = Posting(ACME, euros("-33.50"), Reason.RENEWAL, END, next_term, "s-1")
        assert (payment,) == decision.postings
        assert (next_term, 1, FIRST_DAY, PLAN, Allowance(timedelta(minutes=5000))) == (
            after.term,
            after.term_number,
            after.anchor,
            after.plan,
            after.allowance,
        )
        assert () == decision.notices

    def test_late_renewal_has_the_value_date_of_a_punctual_run(self):
        """The value date lies between the end of the term and the day of processing."""
        on = END + timedelta(days=9)
        (posting,) = renew(ACTIVE, TARIFF, on=on, value_date=END).postings

        assert (on, END) == (posting.on, posting.value_date)
        (punctual,) = renew(ACTIVE, TARIFF, on=END, value_date=END).postings
        assert punctual.value_date is None
        for day in (END - timedelta(days=1), on + timedelta(days=1)):
            with pytest.raises(InvalidValue, match="value_date must be from 2026-02-04 to 2026-02"):
                renew(ACTIVE, TARIFF, on=on, value_date=day)

    def test_renews_one_term_at_a_time_in_a_late_run(self):
        """Each term starts where the last one ended, and is booked on the day of the run."""
        renewed, payments = ACTIVE, []
        for _ in range(3):
            decision = renew(renewed, TARIFF, on=LATE_RUN)
            renewed = decision.after
            (payment,) = decision.postings
            payments.append((payment.on, payment.term, renewed.term))

        first_term = Term(date(2026, 2, 4), date(2026, 3, 6))
        second_term = Term(date(2026, 3, 6), date(2026, 4, 5))
        third_term = Term(date(2026, 4, 5), date(2026, 5, 5))
        assert [
            (LATE_RUN, first_term, first_term),
            (LATE_RUN, second_term, second_term),
            (LATE_RUN, third_term, third_term),
        ] == payments
        with pytest.raises(OutsideTerm, match="renew is possible from 2026-05-05 on"):
            renew(renewed, TARIFF, on=LATE_RUN)

    def test_lapses_at_the_end_of_the_last_paid_term(self):
        """In a late run, the first of two due terms is paid; the profile is then inactive."""
        renewed = renew(ACTIVE, TARIFF, on=LATE_RUN).after
        lapsed = lapse(renewed, on=LATE_RUN)

        assert (date(2026, 3, 6), Status.LAPSED, ()) == (
            lapsed.after.term.end,
            lapsed.after.status,
            lapsed.postings,
        )
        assert not lapsed.after.active_on(date(2026, 3, 5))
        assert not lapsed.after.active_on(LATE_RUN)

    def test_months_do_not_drift(self):
        """Terms that start on 31 January end on 28 February, 31 March and 30 April."""
        subscription = buy_subscription(
            OFFERS["skype-connect-2011"].plan(channels=1), on=date(2026, 1, 31)
        )
        term_ends = [subscription.term.end]
        for _ in range(2):
            subscription = renew(subscription, TARIFF, on=subscription.term.end).after
            term_ends.append(subscription.term.end)

        assert [date(2026, 2, 28), date(2026, 3, 31), date(2026, 4, 30)] == term_ends

    def test_counts_terms_from_the_day_of_a_change(self):
        """After a change on 15 January, terms of 30 days are counted from that day."""
        changed = change(ACTIVE, FIVE_CHANNELS, TARIFF, on=MID_TERM).after
        renewed = renew(changed, TARIFF, on=date(2026, 2, 14)).after

        assert (Term(date(2026, 2, 14), date(2026, 3, 16)), 1) == (
            renewed.term,
            renewed.term_number,
        )

    def test_books_nothing_under_a_free_tariff(self):
        """A price of zero gives no posting."""

        assert () == renew(ACTIVE, FREE_TARIFF, on=END).postings

    @pytest.mark.parametrize(
        ("on", "outlook"),
        [
            (date(2026, 3, 5), "Runs until 2026-03-06, when it renews itself."),
            (date(2026, 3, 6), "Its term ended on 2026-03-06: it is due for renewal."),
            (LATE_RUN, "Its term ended on 2026-03-06: it is due for renewal."),
        ],
        ids=str,
    )
    def test_prints_that_a_term_is_due_if_it_is_already_over(self, on, outlook):
        """A late renewal may pay for a term that is already over. Then the next term is due."""
        _, second_line, *_ = str(renew(ACTIVE, TARIFF, on=on)).split("\n")

        assert outlook == second_line


class TestRenewWithoutBundles:
    """Renewing only the channels, perhaps under another offer."""

    OFFER = attrs.evolve(
        SKYPE_CONNECT, edition="drops bundles", non_payment=NonPaymentRule(drops_bundles=True)
    )

    def test_moves_to_another_offer_without_bundles(self):
        """The new plan's 4 channels are renewed for 4 x 6.95 = 27.80, without its bundles."""
        plan = self.OFFER.plan(channels=4, bundles=2)
        decision = renew(ACTIVE, TARIFF, on=END, plan=plan, keep_bundles=False)

        assert self.OFFER.plan(channels=4) == decision.after.plan
        assert (Term(END, date(2026, 3, 6)), 1) == (decision.after.term, decision.after.term_number)
        assert {ACME: euros("-27.80")} == dict(decision.deltas)
        assert timedelta(0) == decision.after.allowance.remaining
        assert ["bundles-dropped"] == [notice.code for notice in decision.notices]

    def test_has_the_token_of_the_whole_renewal(self):
        """A term is renewed only once, with its bundles or without them."""
        plan = self.OFFER.plan(channels=4, bundles=2)
        whole_renewal = renew(ACTIVE, TARIFF, on=END, plan=plan)
        channels_only = renew(ACTIVE, TARIFF, on=END, plan=plan, keep_bundles=False)

        assert whole_renewal.token == channels_only.token

    def test_applies_the_non_payment_rule_of_the_new_offer(self):
        """Bundles cannot be dropped if only the old offer allows it."""
        subscription = buy_subscription(self.OFFER.plan(channels=3, bundles=1))

        assert 0 == renew(subscription, TARIFF, on=END, keep_bundles=False).after.plan.bundles
        with pytest.raises(NotOffered, match="renewal without bundles"):
            renew(subscription, TARIFF, on=END, plan=PLAN, keep_bundles=False)

    def test_refuses_a_plan_without_bundles(self):
        """A plan without bundles can only be renewed whole."""
        with pytest.raises(NotOffered, match="renewal without bundles"):
            renew(ACTIVE, TARIFF, on=END, plan=self.OFFER.plan(channels=4), keep_bundles=False)

    @pytest.mark.parametrize(("channels", "bundles"), [(4, 1), (2, 1), (3, 2), (3, 0)])
    def test_refuses_another_plan_of_the_same_offer(self, channels, bundles):
        """Another plan of the same offer needs a change, as with `renew`."""
        subscription = buy_subscription(self.OFFER.plan(channels=3, bundles=1))
        plan = self.OFFER.plan(channels=channels, bundles=bundles)

        with pytest.raises(InvalidValue, match=r"^plan must be .* change\(\) changes it, not "):
            renew(subscription, TARIFF, on=END, plan=plan, keep_bundles=False)

    def test_uses_the_current_plan_by_default(self):
        """Passing the current plan has the same result as passing no plan."""
        subscription = buy_subscription(self.OFFER.plan(channels=3, bundles=1))
        with_plan = renew(subscription, TARIFF, on=END, plan=subscription.plan, keep_bundles=False)

        assert renew(subscription, TARIFF, on=END, keep_bundles=False) == with_plan

    @pytest.mark.parametrize("plan", [OFFER, 4, "4 channels"])
    def test_refuses_values_that_are_not_plans(self, plan):
        """`plan` must be a plan, not an offer, a number or text."""
        with pytest.raises(WrongType, match="plan must be a Plan"):
            renew(ACTIVE, TARIFF, on=END, plan=plan, keep_bundles=False)

    @pytest.mark.parametrize("value", [1, 0, None, "no"])
    def test_refuses_keep_bundles_that_is_not_a_bool(self, value):
        """`keep_bundles` must be True or False."""
        with pytest.raises(WrongType, match="keep_bundles must be a bool"):
            renew(ACTIVE, TARIFF, on=END, keep_bundles=value)


class TestCancelAndResume:
    """Cancelling a subscription, resuming it, and its expiry (H20)."""

    def test_cancel_warns_of_the_expiry_date_and_refunds_nothing(self):
        """The term runs to its end, even if it is cancelled on its first day (F 5.2)."""
        decision = cancel(ACTIVE, on=FIRST_DAY)

        assert ((), TERM, Status.CANCELLED) == (
            decision.postings,
            decision.after.term,
            decision.after.status,
        )
        assert [
            "This cancels the subscription of profile 'berlin'. "
            "It is not available from 2026-02-04 on."
        ] == list(map(str, decision.notices))

    def test_resume_undoes_the_cancellation(self):
        """The subscription is as it was before the cancellation, except for its sequence number."""
        decision = resume(CANCELLED, on=FIRST_DAY)

        assert attrs.evolve(ACTIVE, sequence=3) == decision.after
        assert ((), ()) == (decision.postings, decision.notices)

    def test_expire_ends_without_a_refund_or_a_notice(self):
        """A cancelled subscription expires without postings and notices."""
        decision = expire(CANCELLED, on=LATE_RUN)

        assert (Status.ENDED, (), ()) == (
            decision.after.status,
            decision.postings,
            decision.notices,
        )


class TestTerminate:
    """Ending a subscription at once (F 5.5, F 5.6)."""

    @pytest.mark.parametrize(
        ("on", "expected"), [(FIRST_DAY, "30.85"), (MID_TERM, "20.57"), (LAST_DAY, "1.03")]
    )
    @pytest.mark.parametrize("subscription", [ACTIVE, CANCELLED], ids=["active", "cancelled"])
    def test_refunds_the_unused_days(self, subscription, on, expected):
        """On the last day 1/30 is refunded: 0.70 of 20.85 and 0.33 of 10.00."""
        decision = terminate(subscription, on=on)

        assert (
            Posting(ACME, euros(expected), Reason.REFUND, on, TERM, "s-1"),
        ) == decision.postings
        assert not decision.after.active_on(on)

    def test_refunds_nothing_if_refund_is_false(self):
        """A termination for misuse keeps the whole price (F 5.6)."""

        assert () == terminate(ACTIVE, on=FIRST_DAY, refund=False).postings

    def test_books_no_refund_for_a_free_plan(self):
        """A refund of zero gives no posting."""

        assert () == terminate(buy_subscription(tariff=FREE_TARIFF), on=FIRST_DAY).postings

    def test_refunds_bundles_by_unused_minutes_under_the_contract(self):
        """The contract's offer refunds bundles by the minutes left of the allowance (F 4.6)."""
        plan = OFFERS["skype-connect-2011"].plan(channels=3, bundles=1)
        after_call = record_call(buy_subscription(plan), call(600 * 60), TARIFF, on=FIRST_DAY).after
        (refund,) = terminate(after_call, on=date(2026, 1, 20)).postings

        # 4,400 of 5,000 minutes of 10.00 are 8.80; 16 of 31 days of 20.85 are 10.76
        assert euros("19.56") == refund.amount

    @pytest.mark.parametrize("value", [1, 0, None, "no"])
    def test_refuses_a_refund_that_is_not_a_bool(self, value):
        """`refund` must be True or False."""
        with pytest.raises(WrongType, match="refund must be a bool"):
            terminate(ACTIVE, on=FIRST_DAY, refund=value)


class TestRecordCall:
    """Recording a call against the allowance and the wallets (H13, F 7.3)."""

    def test_takes_included_minutes_at_no_charge(self):
        """A call of 31 s takes 36 s from the allowance."""
        decision = record_call(ACTIVE, call(31), TARIFF, on=FIRST_DAY)

        assert ((), timedelta(seconds=36), ()) == (
            decision.postings,
            decision.after.allowance.used,
            decision.notices,
        )
        allowance = Allowance(timedelta(minutes=5000), timedelta(seconds=36))
        assert attrs.evolve(ACTIVE, sequence=2, allowance=allowance) == decision.after

    def test_charges_overage_to_the_account(self):
        """The account pays the part of the call after the included minutes are used up."""
        after_call = record_call(ACTIVE, call(5000 * 60 - 10 * 60), TARIFF, on=FIRST_DAY).after
        decision = record_call(after_call, call(20 * 60, identifier="c-2"), TARIFF, on=FIRST_DAY)

        # 10 minutes are left. The other 10 minutes cost 10 x 0.021 = 0.21.
        overage = Posting(ACME, euros("-0.21"), Reason.OVERAGE, FIRST_DAY, TERM, "c-2")
        assert ((overage,), timedelta(0)) == (
            decision.postings,
            decision.after.allowance.remaining,
        )

    @pytest.mark.parametrize(
        ("plan", "destination", "cost"),
        [
            (PLAN, "DE", "-0.20"),  # ten minutes at 0.02, outside the bundle's area
            (FIVE_CHANNELS, "US", "-0.21"),  # ten minutes at 0.021, without a bundle
        ],
    )
    def test_charges_calls_without_a_bundle_to_the_profile(self, plan, destination, cost):
        """The profile pays a call that no bundle covers, and the allowance does not change."""
        subscription = buy_subscription(plan)
        decision = record_call(subscription, call(600, destination), TARIFF, on=FIRST_DAY)

        charge = Posting(BERLIN, euros(cost), Reason.CALL, FIRST_DAY, TERM, "c-1")
        assert ((charge,), subscription.allowance) == (decision.postings, decision.after.allowance)

    @pytest.mark.parametrize(
        ("currency", "expected"), [(EUR, []), (Currency("EUR", 5), ["-0.00200 EUR"])], ids=str
    )
    def test_books_nothing_for_a_charge_that_rounds_to_zero(self, currency, expected):
        """30 s at 0.004 per minute cost 0.002: nothing in cents, but 0.00200 in five decimals."""
        tariff = Tariff("t", currency, 0, 0, 0, {"DE": "0.004"})
        decision = record_call(
            buy_subscription(FIVE_CHANNELS, tariff), call(30, "DE"), tariff, on=FIRST_DAY
        )

        assert expected == [str(posting.amount) for posting in decision.postings]

    def test_records_a_call_of_zero_seconds(self):
        """The sequence number increases, so the call's token is stored. Nothing else changes."""
        decision = record_call(ACTIVE, call(0), TARIFF, on=FIRST_DAY)

        assert attrs.evolve(ACTIVE, sequence=2) == decision.after
        assert () == decision.postings

    def test_takes_all_minutes_of_a_call_of_24_hours(self):
        """A call of 24 hours takes 1,440 of 5,000 minutes."""

        assert (
            timedelta(days=1)
            == record_call(ACTIVE, call(86_400), TARIFF, on=FIRST_DAY).after.allowance.used
        )

    def test_takes_minutes_of_a_cancelled_subscription(self):
        """The minutes of a cancelled subscription can be used until its term ends (F 5.3)."""
        after = record_call(CANCELLED, call(), TARIFF, on=LAST_DAY).after

        assert (Status.CANCELLED, timedelta(seconds=36)) == (after.status, after.allowance.used)

    @pytest.mark.parametrize("day", [FIRST_DAY, LAST_DAY])
    def test_books_the_charge_on_the_day_of_processing(self, day):
        """A call may be recorded on a later day of its term."""
        decision = record_call(ACTIVE, call(600, "DE", day), TARIFF, on=LAST_DAY)

        assert [LAST_DAY] == [posting.on for posting in decision.postings]

    @pytest.mark.parametrize(
        ("day", "advice"),
        [
            (date(2026, 1, 4), "charge() books what you decide to charge for other calls"),
            (END, "first renew the term that ended"),
        ],
        ids=str,
    )
    def test_refuses_a_call_of_another_term(self, day, advice):
        """The error names the days whose calls are accepted, and what would work."""
        with pytest.raises(OutsideTerm) as caught:
            record_call(ACTIVE, call(day=day), TARIFF, on=END)

        assert (
            "record call is possible from 2026-01-05 until the day before 2026-02-04, "
            f"not on {day}; {advice}" == str(caught.value)
        )

    def test_refuses_a_call_after_the_day_of_processing(self):
        """A call cannot be recorded before the day on which it began."""
        with pytest.raises(InvalidValue, match=r"call.day must be at most 2026-01-05"):
            record_call(ACTIVE, call(day=date(2026, 1, 6)), TARIFF, on=FIRST_DAY)

    def test_refuses_a_destination_without_a_rate(self):
        """The error names the destination."""
        with pytest.raises(UnknownRate, match="'FR'"):
            record_call(ACTIVE, call(destination="FR"), TARIFF, on=FIRST_DAY)

    @pytest.mark.parametrize(
        ("subscription", "unpaid_call", "balances"),
        [
            # Six minutes after the included minutes cost 0.126, rounded to 0.13.
            (ACTIVE, call(5006 * 60), {ACME: euros("0.12"), BERLIN: euros("99")}),
            (ACTIVE, call(600, "DE"), {ACME: euros("99"), BERLIN: euros("0.19")}),
        ],
        ids=["overage", "call without a bundle"],
    )
    def test_settle_refuses_a_call_that_its_wallet_cannot_pay(
        self, subscription, unpaid_call, balances
    ):
        """The other wallet does not pay, and the subscription's minutes do not change."""
        decision = record_call(subscription, unpaid_call, TARIFF, on=FIRST_DAY)

        with pytest.raises(InsufficientCredit, match=r"0\.01 EUR is missing"):
            settle(balances, decision.postings)
        assert timedelta(0) == subscription.allowance.used

    def test_decision_prints_the_remaining_minutes(self):
        """The decision prints the remaining minutes even if the call costs no money."""
        message = str(record_call(ACTIVE, call(60), TARIFF, on=FIRST_DAY))

        assert "83:19:00 of 83:20:00 left" in message

    @pytest.mark.parametrize(
        ("parameter", "value"),
        [("subscription", "s-1"), ("call", "c-1"), ("tariff", None), ("on", "2026-01-05")],
    )
    def test_refuses_wrong_types(self, parameter, value):
        """The error for a value of a wrong type names the parameter."""
        arguments = {
            "subscription": ACTIVE,
            "call": call(),
            "tariff": TARIFF,
            "on": FIRST_DAY,
            parameter: value,
        }

        with pytest.raises(WrongType) as caught:
            record_call(**arguments)

        assert parameter == caught.value.parameter


class TestCurrencies:
    """Tariffs in another currency than the subscription's."""

    @pytest.mark.parametrize(
        "act",
        [
            lambda tariff: change(ACTIVE, FIVE_CHANNELS, tariff, on=MID_TERM),
            lambda tariff: renew(ACTIVE, tariff, on=END),
            lambda tariff: record_call(ACTIVE, call(), tariff, on=FIRST_DAY),
        ],
        ids=["change", "renew", "record a call"],
    )
    @pytest.mark.parametrize(
        ("currency", "message"),
        [
            (USD, "EUR was expected, USD was given"),
            (Currency("EUR", 5), "EUR with 2 decimals was expected, EUR with 5 decimals was given"),
        ],
        ids=make_id,
    )
    def test_action_refuses_a_tariff_in_another_currency(self, act, currency, message):
        """The same code with another number of decimals is also another currency."""
        with pytest.raises(CurrencyMismatch, match=message):
            act(attrs.evolve(TARIFF, currency=currency))

    @pytest.mark.parametrize(
        "act",
        [
            lambda: change(ACTIVE, FIVE_CHANNELS, "6.95", on=MID_TERM),  # type: ignore[arg-type]
            lambda: change(ACTIVE, 5, TARIFF, on=MID_TERM),  # type: ignore[arg-type]
            lambda: renew(ACTIVE, None, on=END),  # type: ignore[arg-type]
        ],
        ids=["tariff of a change", "plan of a change", "tariff of a renewal"],
    )
    def test_action_refuses_values_that_are_not_tariffs_or_plans(self, act):
        """A price is not a tariff, and a number of channels is not a plan."""
        with pytest.raises(WrongType, match=r"^(tariff must be a Tariff|plan must be a Plan), not"):
            act()


class TestTokens:
    """The token that identifies a decision."""

    def test_renew_lapse_and_expire_of_one_term_share_a_token(self):
        """Only one of renew, lapse and expire can be committed for a term."""
        tokens = {
            renew(ACTIVE, TARIFF, on=END).token,
            renew(ACTIVE, DEARER_TARIFF, on=LATE_RUN).token,
            lapse(ACTIVE, on=END).token,
            expire(CANCELLED, on=LATE_RUN).token,
        }

        assert 1 == len(tokens)

    def test_renewals_of_two_terms_have_different_tokens(self):
        """A late run may renew two terms on one day, each with its own token."""
        first_renewal = renew(ACTIVE, TARIFF, on=LATE_RUN)
        second_renewal = renew(first_renewal.after, TARIFF, on=LATE_RUN)

        assert first_renewal.token != second_renewal.token

    def test_repeated_actions_have_different_tokens(self):
        """The sequence number distinguishes two cancellations on one day."""
        first_cancellation = cancel(ACTIVE, on=FIRST_DAY)
        resumption = resume(first_cancellation.after, on=FIRST_DAY)
        second_cancellation = cancel(resumption.after, on=FIRST_DAY)
        decisions = (first_cancellation, resumption, second_cancellation)

        assert 3 == len({decision.token for decision in decisions})

    def test_a_call_has_one_token(self):
        """The token depends on the call's identifier, not on the subscription or the day."""
        first_recording = record_call(ACTIVE, call(), TARIFF, on=FIRST_DAY)
        second_recording = record_call(CANCELLED, call(), TARIFF, on=MID_TERM)
        other_call = record_call(ACTIVE, call(identifier="c-2"), TARIFF, on=FIRST_DAY)

        assert first_recording.token == second_recording.token
        assert first_recording.token != other_call.token

    @pytest.mark.parametrize(
        "identifier", ["c-1", "a/b", "a%2Fb", "50%", "/", "2026/01/05 #7", "ż"]
    )
    def test_call_token_equals_the_token_of_the_recorded_call(self, identifier):
        """A service can look up a call in its store before it records the call."""
        token = call_token(call(identifier=identifier))

        assert token == record_call(ACTIVE, call(identifier=identifier), TARIFF, on=FIRST_DAY).token
        assert (
            token
            == record_call(CANCELLED, call(identifier=identifier), DEARER_TARIFF, on=MID_TERM).token
        )

    def test_call_tokens_escape_slashes_and_percent_signs(self):
        """Calls with different identifiers have different tokens."""
        identifiers = ["a/b", "a%2Fb", "a%252Fb", "a", "b", "a%b", "a%25b"]
        tokens = {call_token(call(identifier=identifier)) for identifier in identifiers}

        assert "call/a%2Fb" == call_token(call(identifier="a/b"))
        assert "call/a%252Fb" == call_token(call(identifier="a%2Fb"))
        assert len(identifiers) == len(tokens)

    @pytest.mark.parametrize("value", ["c-1", None, ACTIVE])
    def test_call_token_refuses_values_that_are_not_calls(self, value):
        """`call_token` expects a call, because an identifier may belong to something else."""
        with pytest.raises(WrongType, match="call must be a Call"):
            call_token(value)

    def test_a_transfer_has_one_token(self):
        """The token depends on the transfer's identifier, and differs from the token of a call."""
        first_deposit = deposit(ACME, euros("1"), transfer="c-1", on=FIRST_DAY)
        second_deposit = deposit(ACME, euros("1"), transfer="c-1", on=MID_TERM)
        recorded_call = record_call(ACTIVE, call(identifier="c-1"), TARIFF, on=FIRST_DAY)

        assert first_deposit.token == second_deposit.token
        assert first_deposit.token != recorded_call.token

    def test_tokens_with_slashes_do_not_collide(self):
        """Different decisions have different tokens, even if identifiers contain separators."""
        identifiers = [
            "s",
            "s/0",
            "s/0/buy",
            "s%2F0",
            "s%252F0",
            "s%",
            "s/",
            "%2F",
            "s/1/cancel",
            "s|0",
        ]
        tokens = []
        for identifier in identifiers:
            subscription = buy_subscription(subscription=identifier)
            tokens += [
                buy(
                    PLAN, TARIFF, on=FIRST_DAY, **{**IDENTIFIERS, "subscription": identifier}
                ).token,
                cancel(subscription, on=FIRST_DAY).token,
                terminate(subscription, on=FIRST_DAY).token,
                change(subscription, FIVE_CHANNELS, TARIFF, on=FIRST_DAY).token,
                renew(subscription, TARIFF, on=END).token,
                record_call(subscription, call(identifier=identifier), TARIFF, on=FIRST_DAY).token,
                deposit(ACME, euros("1"), transfer=identifier, on=FIRST_DAY).token,
            ]

        assert len(tokens) == len(set(tokens))

    def test_two_purchases_of_a_profile_have_different_tokens(self):
        """The token of a purchase contains the new subscription's identifier."""
        first_purchase = buy(PLAN, TARIFF, on=FIRST_DAY, **IDENTIFIERS)
        second_purchase = ACTIONS[Action.BUY](SUBSCRIPTIONS[Status.ENDED], END)

        assert first_purchase.token != second_purchase.token
