"""A subscription, its statuses, and the table of its transitions."""

# Identifiers are plain text here, decisions are known to hold a subscription, and wrong types
# are given on purpose.
# mypy: disable-error-code="arg-type, index, misc"

import copy
import pickle
from datetime import date, datetime, timedelta
from itertools import product

import attrs
import pytest

from channelplans.errors import InvalidValue, WrongType
from channelplans.money import EUR
from channelplans.offers import SKYPE_CONNECT
from channelplans.pricing import Tariff, quote
from channelplans.subscriptions import (
    AT_END,
    RUNNING,
    TRANSITIONS,
    Action,
    Status,
    Subscription,
)

DAY = date(2026, 1, 5)
END = date(2026, 2, 4)
TARIFF = Tariff("made up", EUR, "6.95", "10", "0.021")
PAID = quote(SKYPE_CONNECT.plan(channels=3, bundles=1), TARIFF, on=DAY)
HELD = Subscription(
    id="s-1",
    account="acme",
    profile="berlin",
    paid=PAID,
    anchor=DAY,
    number=0,
    status=Status.ACTIVE,
    allowance=PAID.allowance,
    last_changed_on=None,
    sequence=1,
    acted_on=DAY,
)


class TestTransitions:
    """The table."""

    def test_is_the_published_one(self):
        """Each row of the rules' table, and no other."""
        published: dict[tuple[str, str], list[str | None]] = {
            ("buy", "active"): [None, "lapsed", "ended"],
            ("change", "active"): ["active", "cancelled"],
            ("use", "active"): ["active"],
            ("use", "cancelled"): ["cancelled"],
            ("renew", "active"): ["active"],
            ("cancel", "cancelled"): ["active"],
            ("resume", "active"): ["cancelled"],
            ("lapse", "lapsed"): ["active"],
            ("expire", "ended"): ["cancelled"],
            ("terminate", "ended"): ["active", "cancelled"],
        }
        expected = {
            (source, action, target)
            for (action, target), sources in published.items()
            for source in sources
        }

        assert expected == {
            (source.value if source else None, action.value, target.value)
            for (source, action), target in TRANSITIONS.items()
        }

    def test_cannot_be_changed(self):
        """The table is data for everyone, and nobody's to edit."""
        with pytest.raises(TypeError):
            TRANSITIONS[Status.ENDED, Action.RESUME] = Status.ACTIVE

    def test_what_waits_for_the_end_of_a_term(self):
        """Renewing, lapsing and expiring; everything else comes before the end."""

        assert {"renew", "lapse", "expire"} == {action.value for action in AT_END}

    def test_in_which_statuses_a_profile_is_active(self):
        """A cancelled subscription runs to its end (H4, H20)."""

        assert {Status.ACTIVE, Status.CANCELLED} == RUNNING

    def test_actions_about_purses_alone_have_no_row(self):
        """A deposit, a transfer or an expiry of credit changes no subscription."""
        transfers = {Action.ASSIGN_CREDIT, Action.TAKE_BACK_CREDIT}
        purses_alone = transfers | {Action.DEPOSIT, Action.EXPIRE_CREDIT}

        assert set(Action) - purses_alone == {action for _, action in TRANSITIONS}

    def test_every_status_can_be_reached_and_left(self):
        """No status is a dead end: what has ended can be bought again."""

        assert set(Status) == set(TRANSITIONS.values())
        assert {None, *Status} == {source for source, _ in TRANSITIONS}


class TestSubscription:
    """A plan held by a profile for a term."""

    def test_plan_and_term_are_those_paid_for(self):
        """Nothing is stored twice."""

        assert (PAID.plan, PAID.term) == (HELD.plan, HELD.term)

    @pytest.mark.parametrize(
        ("day", "in_term"),
        [
            (date(2026, 1, 4), False),
            (DAY, True),
            (date(2026, 2, 3), True),
            (END, False),
            (date.min, False),
            (date.max, False),
        ],
    )
    @pytest.mark.parametrize("status", Status)
    def test_a_profile_is_active_on_the_days_of_the_term(self, status, day, in_term):
        """From the first day until the day before the end, while active or cancelled (H4)."""
        held = attrs.evolve(HELD, status=status)

        expected = in_term and status in {Status.ACTIVE, Status.CANCELLED}
        assert expected is held.active_on(day)

    @pytest.mark.parametrize(
        ("active", "on", "expected"),
        [(0, DAY, True), (2, DAY, True), (3, DAY, False), (0, END, False), (4, DAY, False)],
    )
    def test_as_many_calls_as_channels(self, active, on, expected):
        """Three channels carry three calls, on the days of the term (H1)."""

        assert expected is HELD.admits(active, on=on)

    @pytest.mark.parametrize("on", [DAY, END])
    def test_a_count_of_calls_is_checked_on_every_day(self, on):
        """A mistake is a mistake whether the profile is active or not."""
        with pytest.raises(InvalidValue, match="active_calls must be at least 0, not -1"):
            HELD.admits(-1, on=on)
        with pytest.raises(WrongType, match="active_calls must be a whole number"):
            HELD.admits("1", on=on)

    @pytest.mark.parametrize("wrong", [datetime(2026, 1, 5), "2026-01-05", None])  # noqa: DTZ001
    def test_a_day_is_a_date(self, wrong):
        """A datetime's day depends on its zone, and is refused."""
        with pytest.raises(WrongType, match="day must be a date"):
            HELD.active_on(wrong)
        with pytest.raises(WrongType) as caught:
            HELD.admits(0, on=wrong)
        assert "on" == caught.value.parameter

    @pytest.mark.parametrize(
        ("parameter", "wrong"),
        [
            ("id", 5),
            ("account", None),
            ("profile", None),
            ("paid", TARIFF),
            ("anchor", datetime(2026, 1, 5)),  # noqa: DTZ001 - any datetime is refused
            ("number", 1.0),
            ("number", True),
            ("status", "active"),
            ("allowance", timedelta(0)),
            ("last_changed_on", "2026-01-05"),
            ("last_changed_on", datetime(2026, 1, 5)),  # noqa: DTZ001
            ("sequence", "1"),
            ("acted_on", 5),
        ],
    )
    def test_wrong_types_are_named(self, parameter, wrong):
        """Each field refuses what it does not take, by its name, also when evolved."""
        with pytest.raises(WrongType) as caught:
            attrs.evolve(HELD, **{parameter: wrong})

        assert parameter == caught.value.parameter

    @pytest.mark.parametrize(
        ("parameter", "wrong"),
        [("number", -1), ("sequence", 0), ("id", ""), ("account", " "), ("profile", " x")],
    )
    def test_impossible_values_are_named(self, parameter, wrong):
        """Terms count from 0, decisions from 1, and identifiers are plain text."""
        with pytest.raises(InvalidValue) as caught:
            attrs.evolve(HELD, **{parameter: wrong})

        assert parameter == caught.value.parameter

    @pytest.mark.parametrize(
        "named", [{"number": 1}, {"anchor": date(2026, 1, 4)}], ids=["number", "anchor"]
    )
    def test_the_term_lies_on_the_grid(self, named):
        """What was paid for is the term that anchor and number say (H8)."""
        with pytest.raises(InvalidValue, match=r"^paid must be for 2026-0.*, which is term "):
            attrs.evolve(HELD, **named)

    @pytest.mark.parametrize("status", Status)
    def test_says_what_it_is(self, status):
        """Identifier, profile, plan, term and status."""

        assert (
            "Subscription s-1 on profile berlin: 3 channels and 1 bundle of 5,000 minutes, "
            f"2026-01-05 to 2026-02-04, {status.value}" == str(attrs.evolve(HELD, status=status))
        )

    @pytest.mark.parametrize(
        "copied",
        [copy.copy, copy.deepcopy, attrs.evolve, lambda value: pickle.loads(pickle.dumps(value))],
        ids=["copy", "deepcopy", "evolve", "pickle"],
    )
    def test_copies(self, copied):
        """A copy, a pickle and an unchanged evolution are equal and hash the same."""
        twin = copied(HELD)

        assert (HELD, hash(HELD)) == (twin, hash(twin))

    def test_cannot_be_changed(self):
        """A status changes by a decision alone."""
        with pytest.raises(attrs.exceptions.FrozenInstanceError):
            HELD.status = Status.ENDED

    def test_html_is_escaped(self):
        """A profile's name that holds markup shows as text in a notebook."""
        nasty = attrs.evolve(HELD, profile="<script>")

        assert "&lt;script&gt;" in nasty._repr_html_()
        assert "<script>" not in nasty._repr_html_()

    @pytest.mark.parametrize("status", Status)
    @pytest.mark.parametrize("action", Action)
    def test_statuses_and_actions_are_singletons(self, status, action):
        """After a pickle a status is the same object, so that ``is`` works."""
        twins = pickle.loads(pickle.dumps((status, action)))

        assert twins[0] is status
        assert twins[1] is action


def test_every_pair_of_status_and_action_is_decided():
    """Of all pairs 14 have a row; all others are refused by the lifecycle."""
    pairs = set(product([None, *Status], Action))

    assert 14 == len(TRANSITIONS)
    assert pairs > set(TRANSITIONS)
