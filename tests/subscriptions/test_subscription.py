"""Subscriptions and their statuses."""

import copy
import pickle
from datetime import date, datetime, timedelta
from itertools import islice

import attrs
import pytest

from channelplans.errors import InvalidValue, WrongType
from channelplans.money import EUR
from channelplans.offers import SKYPE_CONNECT
from channelplans.pricing import quote
from channelplans.subscriptions.subscription import (
    Action,
    Status,
    Subscription,
)
from channelplans.tariffs import Tariff

DAY = date(2026, 1, 5)
END = date(2026, 2, 4)
TARIFF = Tariff("made up", EUR, "6.95", "10", "0.021")
PAID_QUOTE = quote(SKYPE_CONNECT.plan(channels=3, bundles=1), TARIFF, on=DAY)
SUBSCRIPTION = Subscription(
    id="s-1",
    account="acme",
    profile="berlin",
    quote=PAID_QUOTE,
    anchor=DAY,
    term_number=0,
    status=Status.ACTIVE,
    allowance=PAID_QUOTE.allowance,
    last_changed_on=None,
    sequence=1,
    acted_on=DAY,
)


class TestSubscription:
    """A plan held by a profile for a term."""

    def test_plan_and_term_come_from_the_paid_quote(self):
        """A subscription reads its plan and its term from the quote that was paid."""

        assert (PAID_QUOTE.plan, PAID_QUOTE.term) == (SUBSCRIPTION.plan, SUBSCRIPTION.term)

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
    def test_active_on_the_days_of_the_term(self, status, day, in_term):
        """An active or cancelled subscription is active on the days of its term (H4)."""
        subscription = attrs.evolve(SUBSCRIPTION, status=status)
        expected = in_term and status in {Status.ACTIVE, Status.CANCELLED}

        assert expected is subscription.active_on(day)

    @pytest.mark.parametrize(
        ("active_calls", "on", "expected"),
        [(0, DAY, True), (2, DAY, True), (3, DAY, False), (0, END, False), (4, DAY, False)],
    )
    def test_admits_one_call_for_each_channel(self, active_calls, on, expected):
        """Three channels carry three calls on the days of the term (H1)."""

        assert expected is SUBSCRIPTION.admits(active_calls, on=on)

    @pytest.mark.parametrize("on", [DAY, END])
    def test_admits_refuses_an_impossible_number_of_calls(self, on):
        """`admits` checks the number of calls even if the profile is inactive on that day."""
        with pytest.raises(InvalidValue, match="active_calls must be at least 0, not -1"):
            SUBSCRIPTION.admits(-1, on=on)
        with pytest.raises(WrongType, match="active_calls must be a whole number"):
            SUBSCRIPTION.admits("1", on=on)  # type: ignore[arg-type]

    @pytest.mark.parametrize("value", [datetime(2026, 1, 5), "2026-01-05", None])  # noqa: DTZ001
    def test_queries_refuse_a_day_that_is_not_a_date(self, value):
        """`active_on` and `admits` refuse a datetime, because its day depends on the time zone."""
        with pytest.raises(WrongType, match="day must be a date"):
            SUBSCRIPTION.active_on(value)
        with pytest.raises(WrongType) as caught:
            SUBSCRIPTION.admits(0, on=value)

        assert "on" == caught.value.parameter

    @pytest.mark.parametrize(
        ("parameter", "value"),
        [
            ("id", 5),
            ("account", None),
            ("profile", None),
            ("quote", TARIFF),
            ("anchor", datetime(2026, 1, 5)),  # noqa: DTZ001 - any datetime is refused
            ("term_number", 1.0),
            ("term_number", True),
            ("status", "active"),
            ("allowance", timedelta(0)),
            ("last_changed_on", "2026-01-05"),
            ("last_changed_on", datetime(2026, 1, 5)),  # noqa: DTZ001
            ("sequence", "1"),
            ("acted_on", 5),
            ("started_on", "2026-01-05"),
            ("pending", SKYPE_CONNECT),
        ],
    )
    def test_fields_refuse_wrong_types(self, parameter, value):
        """The error for a value of a wrong type names the field."""
        with pytest.raises(WrongType) as caught:
            attrs.evolve(SUBSCRIPTION, **{parameter: value})

        assert parameter == caught.value.parameter

    @pytest.mark.parametrize(
        ("parameter", "value"),
        [("term_number", -1), ("sequence", 0), ("id", ""), ("account", " "), ("profile", " x")],
    )
    def test_fields_refuse_impossible_values(self, parameter, value):
        """Terms count from 0, decisions from 1, and identifiers are plain text."""
        with pytest.raises(InvalidValue) as caught:
            attrs.evolve(SUBSCRIPTION, **{parameter: value})

        assert parameter == caught.value.parameter

    @pytest.mark.parametrize(
        "other_term",
        [{"term_number": 1}, {"anchor": date(2026, 1, 4)}],
        ids=["term number", "anchor"],
    )
    def test_term_of_the_quote_must_match_anchor_and_term_number(self, other_term):
        """The paid quote is for the term that the anchor and the term's number determine (H8)."""
        with pytest.raises(InvalidValue, match=r"^quote must be for 2026-0.*, which is term "):
            attrs.evolve(SUBSCRIPTION, **other_term)

    def test_anchor_must_be_that_of_the_quote(self):
        """Another anchor is refused, even if its second term is the term of the quote."""
        with pytest.raises(
            InvalidValue, match=r"^anchor must be 2026-01-05, as in the quote, not 2025-12-06$"
        ):
            attrs.evolve(SUBSCRIPTION, anchor=date(2025, 12, 6), term_number=1)

    def test_renewals_begin_at_the_end_of_the_term(self):
        """30 days after 5 January come 4 February, 6 March and 5 April."""
        assert [END, date(2026, 3, 6), date(2026, 4, 5)] == list(islice(SUBSCRIPTION.renewals(), 3))

    @pytest.mark.parametrize("status", Status)
    def test_prints_its_main_fields(self, status):
        """A subscription prints its identifier, profile, plan, term and status."""
        subscription = attrs.evolve(SUBSCRIPTION, status=status)

        assert (
            "Subscription 's-1' on profile 'berlin': 3 channels and 1 bundle of 5,000 minutes, "
            f"2026-01-05 to 2026-02-04, {status.value}" == str(subscription)
        )

    @pytest.mark.parametrize(
        "make_copy",
        [copy.copy, copy.deepcopy, attrs.evolve, lambda value: pickle.loads(pickle.dumps(value))],
        ids=["copy", "deepcopy", "evolve", "pickle"],
    )
    def test_copies_are_equal(self, make_copy):
        """Copying, pickling or evolving without changes gives an equal value with the same hash."""
        copied = make_copy(SUBSCRIPTION)

        assert (SUBSCRIPTION, hash(SUBSCRIPTION)) == (copied, hash(copied))

    def test_fields_are_read_only(self):
        """Assigning to a field raises an error."""
        with pytest.raises(attrs.exceptions.FrozenInstanceError):
            SUBSCRIPTION.status = Status.ENDED  # type: ignore[misc]

    def test_html_is_escaped(self):
        """A notebook shows markup in a profile's name as text."""
        html = attrs.evolve(SUBSCRIPTION, profile="<script>")._repr_html_()

        assert "&lt;script&gt;" in html
        assert "<script>" not in html

    @pytest.mark.parametrize("status", Status)
    @pytest.mark.parametrize("action", Action)
    def test_statuses_and_actions_are_singletons(self, status, action):
        """A pickled and restored status is the same object, so `is` works."""
        restored_status, restored_action = pickle.loads(pickle.dumps((status, action)))

        assert restored_status is status
        assert restored_action is action


def test_subscription_renews_on_the_days_of_its_quote():
    """The renewals of a subscription are the ends of its terms, from the running term on."""

    assert [END, date(2026, 3, 6)] == list(islice(SUBSCRIPTION.renewals(), 2))


def test_subscription_refuses_another_anchor_than_its_quote():
    """The terms of a subscription and of its quote are counted from one day."""
    earlier_anchor = attrs.evolve(PAID_QUOTE, anchor=date(2025, 12, 6))

    with pytest.raises(
        InvalidValue, match=r"^anchor must be 2025-12-06, as in the quote, not 2026"
    ):
        attrs.evolve(SUBSCRIPTION, quote=earlier_anchor)
