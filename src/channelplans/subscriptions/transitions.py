"""Which action is possible in which status, and on which days.

The table is data: an action without a row for a status is refused. What an action does to money and
days is not known here.
"""

from collections.abc import Iterator, Mapping
from datetime import date
from types import MappingProxyType
from typing import Final

from channelplans._checks import civil_day, instance
from channelplans.errors import OutsideTerm, TransitionNotAllowed
from channelplans.subscriptions.subscription import Action, Status, Subscription

__all__ = ["AT_END", "TRANSITIONS"]

#: The status after an action, by status and action; a missing row is an error. None means that
#: there is no subscription. A cancelled subscription is renewed or lapses only until its minimum
#: term is over, and then it expires. To cancel a subscription whose renewal is unpaid ends it at
#: once, unless its minimum term runs.
TRANSITIONS: Final[Mapping[tuple[Status | None, Action], Status]] = MappingProxyType(
    {
        (None, Action.BUY): Status.ACTIVE,
        (Status.LAPSED, Action.BUY): Status.ACTIVE,
        (Status.ENDED, Action.BUY): Status.ACTIVE,
        (Status.ACTIVE, Action.CHANGE): Status.ACTIVE,
        (Status.ACTIVE, Action.RECORD_CALL): Status.ACTIVE,
        (Status.ACTIVE, Action.RENEW): Status.ACTIVE,
        (Status.ACTIVE, Action.CANCEL): Status.CANCELLED,
        (Status.ACTIVE, Action.LAPSE): Status.LAPSED,
        (Status.ACTIVE, Action.TERMINATE): Status.ENDED,
        (Status.CANCELLED, Action.CHANGE): Status.ACTIVE,
        (Status.CANCELLED, Action.RESUME): Status.ACTIVE,
        (Status.CANCELLED, Action.RECORD_CALL): Status.CANCELLED,
        (Status.CANCELLED, Action.RENEW): Status.CANCELLED,
        (Status.CANCELLED, Action.LAPSE): Status.LAPSED,
        (Status.CANCELLED, Action.EXPIRE): Status.ENDED,
        (Status.CANCELLED, Action.TERMINATE): Status.ENDED,
        (Status.LAPSED, Action.RECORD_CALL): Status.LAPSED,
        (Status.ENDED, Action.RECORD_CALL): Status.ENDED,
    }
)

#: The actions that are possible from the end of the term on.
AT_END: Final = frozenset({Action.RENEW, Action.LAPSE, Action.EXPIRE})

#: The actions on a subscription whose days do not depend on its term.
_ON_ANY_DAY: Final = frozenset({Action.BUY, Action.RECORD_CALL})

#: The actions that are possible while the renewal is unpaid.
_WHILE_UNPAID: Final = frozenset({Action.CHANGE, Action.CANCEL, Action.TERMINATE})


def next_status(subscription: Subscription, action: Action, on: date) -> Status:
    """Return the status after an action on a day.

    Raises:
        TransitionNotAllowed: the status does not allow the action.
        OutsideTerm: the action comes too early, too late, or before the latest action.
    """
    status = instance("subscription", subscription, Subscription).status
    civil_day("on", on)
    if not is_allowed(subscription, action):
        possible = tuple(action.value for action in _possible_actions(subscription, on))
        owner = (subscription.account, subscription.profile) if action is Action.BUY else ()
        raise TransitionNotAllowed(action.value, status.value, possible, *owner)
    latest = _latest_action_on(subscription)
    if on < latest:
        advice = f"{latest} is the day of the latest action"
        earliest = max(latest, possible_days(subscription, action)[0])
        raise OutsideTerm(action.value, on, earliest, None, advice)
    if not _is_in_time(subscription, action, on):
        advice = _advice(subscription, action, on)
        raise OutsideTerm(action.value, on, *possible_days(subscription, action), advice)
    return TRANSITIONS[status, action]


def _latest_action_on(subscription: Subscription) -> date:
    return subscription.acted_on or subscription.term.start


def is_allowed(subscription: Subscription, action: Action) -> bool:
    """Return whether the status allows the action, on whatever day."""
    status = subscription.status
    if status is Status.CANCELLED and action in AT_END:
        return subscription.renews is not (action is Action.EXPIRE)
    return (status, action) in TRANSITIONS


def possible_days(subscription: Subscription, action: Action) -> tuple[date, date | None]:
    """Return the first day on which an action is possible, and the first day after them."""
    term = subscription.term
    if action in _ON_ANY_DAY:
        return date.min, None
    if action in AT_END:
        return term.end, None
    # Only ``terminate`` is possible before the first day: it undoes the purchase.
    is_undo = action is Action.TERMINATE and _latest_action_on(subscription) < term.start
    while_unpaid = action in _WHILE_UNPAID and subscription.renews
    start = _latest_action_on(subscription) if is_undo else term.start
    return start, (subscription.kept_until if while_unpaid else term.end)


def _possible_actions(subscription: Subscription, on: date) -> Iterator[Action]:
    """Yield the actions that are possible on a day."""
    for status, action in TRANSITIONS:
        is_possible = status is subscription.status and is_allowed(subscription, action)
        if is_possible and _is_in_time(subscription, action, on):
            yield action


def _is_in_time(subscription: Subscription, action: Action, on: date) -> bool:
    start, end = possible_days(subscription, action)
    return start <= on and (end is None or on < end)


def _advice(subscription: Subscription, action: Action, on: date) -> str:
    """Return what would work if an action comes on the wrong day; empty if nothing is known."""
    if action in AT_END:
        return "the term runs until then"
    if on < subscription.term.end:
        return "terminate undoes the purchase before its first day"
    possible = _possible_actions(subscription, on)
    required = " or ".join(action.value for action in possible if action in AT_END)
    return f"first {required} the term that ended"
