"""A subscription, its statuses, and the table of transitions between them.

The table is data: an action without a row for a status is refused. What an action does to money and
days is not known here.
"""

import enum
from collections.abc import Iterator, Mapping
from datetime import date
from types import MappingProxyType
from typing import Final

import attrs

from channelplans._checks import bounded, civil_day, instance
from channelplans._constructors import checked
from channelplans._display import DisplayMixin
from channelplans.allowances import Allowance
from channelplans.calendar import Term, days_after
from channelplans.errors import InvalidValue, OutsideTerm, TransitionNotAllowed, quoted
from channelplans.plans import Plan
from channelplans.pricing import Quote
from channelplans.subscriptions.identifiers import AccountId, ProfileId, SubscriptionId

__all__ = ["AT_END", "RUNNING", "TRANSITIONS", "Action", "Status", "Subscription"]


class Status(enum.Enum):
    """The state of a subscription. Before the purchase there is no subscription and no status."""

    ACTIVE = "active"
    CANCELLED = "cancelled"
    LAPSED = "lapsed"
    ENDED = "ended"


class Action(enum.Enum):
    """What can be done: to a subscription, or, the last five, to wallets."""

    BUY = "buy"
    CHANGE = "change"
    RECORD_CALL = "record call"
    RENEW = "renew"
    CANCEL = "cancel"
    RESUME = "resume"
    LAPSE = "lapse"
    EXPIRE = "expire"
    TERMINATE = "terminate"
    DEPOSIT = "deposit"
    CHARGE = "charge"
    ASSIGN_CREDIT = "assign credit"
    TAKE_BACK_CREDIT = "take back credit"
    EXPIRE_CREDIT = "expire credit"


#: The status after an action, by status and action; a missing row is an error. None means that
#: there is no subscription.
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
        (Status.CANCELLED, Action.EXPIRE): Status.ENDED,
        (Status.CANCELLED, Action.TERMINATE): Status.ENDED,
    }
)

#: The actions that are possible from the end of the term on; all others come before it.
AT_END: Final = frozenset({Action.RENEW, Action.LAPSE, Action.EXPIRE})

#: The statuses in which a profile is active on the days of the term (H4).
RUNNING: Final = frozenset({Status.ACTIVE, Status.CANCELLED})


@checked
@attrs.frozen(repr=False)
class Subscription(DisplayMixin):
    """A plan held by a profile for a term, and the quote that was paid for it.

    Attributes:
        id: the identifier, never used twice.
        account: the account that pays (H9).
        profile: the profile that holds the subscription.
        quote: the quote that was paid for the running term.
        anchor: the day from which the terms are counted, as in the quote.
        term_number: the number of the running term, counted from 0.
        status: the state of the subscription.
        allowance: the minutes of the running term.
        last_changed_on: the day of the profile's last change (H15); None if there was none.
        sequence: how many decisions have been applied.
        acted_on: the day of the latest decision; None means the first day of the running term.
        started_on: the day of purchase, from which a minimum term is counted; None means the
            anchor.
        pending: the plan of the next term; None means the current plan.

    Raises:
        InvalidValue: the term of the quote is not the term with this number from the anchor.
        CalendarEnds: the grace period or the minimum term ends after the year 9999.
    """

    id: SubscriptionId
    account: AccountId
    profile: ProfileId
    quote: Quote
    anchor: date
    term_number: int
    status: Status
    allowance: Allowance
    last_changed_on: date | None
    sequence: int
    acted_on: date | None = None
    started_on: date | None = None
    pending: Plan | None = None

    def __attrs_post_init__(self) -> None:
        bounded("term_number", self.term_number, 0)
        bounded("sequence", self.sequence, 1)
        expected = self.plan.offer.term.nth(self.anchor, self.term_number)
        if self.term.end != expected.end or not expected.start <= self.term.start:
            grid = f"{expected}, which is term {self.term_number} from {self.anchor}"
            raise InvalidValue("quote", f"for {self.term}", f"for {grid}")
        if self.anchor != self.quote.anchor:
            raise InvalidValue("anchor", str(self.anchor), f"{self.quote.anchor}, as in the quote")
        # Both raise an error here if they do not fit the calendar, and so never later.
        _ = (self.lapses_on, self.minimum_term_end)

    @property
    def plan(self) -> Plan:
        """The plan of the running term."""
        return self.quote.plan

    @property
    def term(self) -> Term:
        """The running term."""
        return self.quote.term

    @property
    def due_on(self) -> date | None:
        """The due date of the renewal or the expiry; None if the subscription is over."""
        return self.term.end if self.status in RUNNING else None

    @property
    def lapses_on(self) -> date:
        """The first day on which the subscription may lapse: after the grace period, if any."""
        grace = self.plan.offer.non_payment.grace
        return self.term.end if grace is None else days_after(self.term.end, grace)

    @property
    def minimum_term_end(self) -> date:
        """The first day after the minimum term; without one, the day of purchase."""
        start, minimum = self.started_on or self.anchor, self.plan.offer.term.minimum_term
        return start if minimum is None else days_after(start, minimum)

    @property
    def active_until(self) -> date:
        """The first day on which the profile carries no calls, unless it is renewed."""
        return self.lapses_on if self.status is Status.ACTIVE else self.term.end

    def renewals(self) -> Iterator[date]:
        """Return an iterator over the due dates of renewals from the end of the term on (H8).

        The dates are those of an active subscription that is always renewed.

        >>> from itertools import islice
        >>> from channelplans.testing.builders import make_subscription
        >>> berlin = make_subscription()  # from 2026-01-05, for 30 days
        >>> [str(day) for day in islice(berlin.renewals(), 2)]
        ['2026-02-04', '2026-03-06']
        """
        return self.quote.renewals()

    def active_on(self, day: date) -> bool:
        """Return whether the profile is active on a day, in the term or the grace period (H4).

        >>> from channelplans.testing.builders import make_subscription
        >>> berlin = make_subscription()  # from 2026-01-05, for 30 days
        >>> berlin.active_on(date(2026, 2, 3)), berlin.active_on(date(2026, 2, 4))
        (True, False)
        """
        running = self.status in RUNNING
        return running and self.term.start <= civil_day("day", day) < self.active_until

    def admits(self, active_calls: int, *, on: date) -> bool:
        """Return whether the profile can carry one more call: n channels carry n calls (H2).

        >>> from channelplans.testing.builders import make_subscription
        >>> berlin, day = make_subscription(), date(2026, 1, 5)  # 5 channels
        >>> berlin.admits(4, on=day), berlin.admits(5, on=day)
        (True, False)
        """
        free = bounded("active_calls", active_calls, 0) < self.plan.channels
        return self.active_on(civil_day("on", on)) and free

    def _describe(self) -> tuple[str, ...]:
        subject = f"Subscription {quoted(self.id)} on profile {quoted(self.profile)}"
        pending = f"; {self.pending} from then on" if self.pending else ""
        return (f"{subject}: {self.plan}, {self.term}, {self.status.value}{pending}",)


def next_status(subscription: Subscription, action: Action, on: date) -> Status:
    """Return the status after an action on a day.

    Raises:
        TransitionNotAllowed: the table has no row for the action.
        OutsideTerm: the action comes too early, too late, or before the latest action.
    """
    status = instance("subscription", subscription, Subscription).status
    civil_day("on", on)
    after = TRANSITIONS.get((status, action))
    if after is None:
        possible = tuple(action.value for action in _possible_actions(subscription, on))
        raise TransitionNotAllowed(action.value, status.value, possible)
    if not _in_time(subscription, action, on):
        advice = _advice(subscription, action, on)
        raise OutsideTerm(action.value, on, *_possible_days(subscription, action), advice)
    earliest = subscription.acted_on or subscription.term.start
    if on < earliest:
        advice = f"{earliest} is the day of the latest action"
        raise OutsideTerm(action.value, on, earliest, None, advice)
    return after


def _possible_days(subscription: Subscription, action: Action) -> tuple[date, date | None]:
    """Return the first day on which an action is possible, and the first day after them."""
    term = subscription.term
    if action is Action.BUY:
        return date.min, None
    if action in AT_END:
        return (subscription.lapses_on if action is Action.LAPSE else term.end), None
    return term.start, (subscription.active_until if action is Action.RECORD_CALL else term.end)


def _possible_actions(subscription: Subscription, on: date) -> Iterator[Action]:
    """Yield the actions that are possible on a day."""
    for status, action in TRANSITIONS:
        if status is subscription.status and _in_time(subscription, action, on):
            yield action


def _in_time(subscription: Subscription, action: Action, on: date) -> bool:
    start, end = _possible_days(subscription, action)
    return start <= on and (end is None or on < end)


def _advice(subscription: Subscription, action: Action, on: date) -> str:
    """Return what would work if an action comes on the wrong day; empty if nothing is known."""
    end = subscription.term.end
    if action in AT_END:
        in_grace_period = _possible_days(subscription, action) != (end, None)
        return "the grace period runs until then" if in_grace_period else "the term runs until then"
    if on < end:
        return ""
    possible = _possible_actions(subscription, on)
    required = " or ".join(action.value for action in possible if action in AT_END)
    return f"first {required} the term that ended"
