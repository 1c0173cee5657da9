"""The table of transitions; ``test_actions`` tests that the actions follow it."""

from itertools import product

import pytest

from channelplans.subscriptions.subscription import RUNNING, Action, Status
from channelplans.subscriptions.transitions import AT_END, TRANSITIONS


class TestTransitions:
    """The table of transitions."""

    def test_table_has_exactly_these_rows(self):
        """The table lists these earlier statuses for each action and its result, and no others."""
        sources_by_result: dict[tuple[str, str], list[str | None]] = {
            ("buy", "active"): [None, "lapsed", "ended"],
            ("change", "active"): ["active", "cancelled"],
            ("record call", "active"): ["active"],
            ("record call", "cancelled"): ["cancelled"],
            ("record call", "lapsed"): ["lapsed"],
            ("record call", "ended"): ["ended"],
            ("renew", "active"): ["active"],
            ("renew", "cancelled"): ["cancelled"],
            ("cancel", "cancelled"): ["active"],
            ("resume", "active"): ["cancelled"],
            ("lapse", "lapsed"): ["active", "cancelled"],
            ("expire", "ended"): ["cancelled"],
            ("terminate", "ended"): ["active", "cancelled"],
        }
        expected = {
            (source, action, target)
            for (action, target), sources in sources_by_result.items()
            for source in sources
        }

        assert expected == {
            (source.value if source else None, action.value, target.value)
            for (source, action), target in TRANSITIONS.items()
        }

    def test_table_is_read_only(self):
        """Assigning to the table raises a TypeError."""
        with pytest.raises(TypeError):
            TRANSITIONS[Status.ENDED, Action.RESUME] = Status.ACTIVE  # type: ignore[index]

    def test_at_end_lists_the_actions_after_a_term(self):
        """Only renew, lapse and expire are possible from the end of a term on."""

        assert {"renew", "lapse", "expire"} == {action.value for action in AT_END}

    def test_running_lists_active_and_cancelled(self):
        """A profile is active while its subscription is active or cancelled (H4, H20)."""

        assert {Status.ACTIVE, Status.CANCELLED} == RUNNING

    def test_table_has_no_rows_for_wallet_actions(self):
        """A deposit, a charge, a transfer or an expiry of credit changes no subscription."""
        transfers = {Action.ASSIGN_CREDIT, Action.TAKE_BACK_CREDIT}
        wallet_actions = transfers | {Action.DEPOSIT, Action.CHARGE, Action.EXPIRE_CREDIT}

        assert set(Action) - wallet_actions == {action for _, action in TRANSITIONS}

    def test_every_status_can_be_reached_and_left(self):
        """No status is a dead end: after an ended subscription, a profile can buy again."""

        assert set(Status) == set(TRANSITIONS.values())
        assert {None, *Status} == {source for source, _ in TRANSITIONS}


def test_transitions_have_18_of_all_pairs():
    """The table has a row for 18 pairs of status and action. Actions refuse the others."""
    pairs = set(product([None, *Status], Action))

    assert 18 == len(TRANSITIONS)
    assert pairs > set(TRANSITIONS)
