"""A subscription, the statuses it passes through, and the table of its transitions.

The table is data: an action that has no row from a status does not exist there. What an action does
to money and days is not known here.
"""

import enum
from collections.abc import Mapping
from datetime import date
from types import MappingProxyType
from typing import Final

import attrs

from channelplans.calendar import Term, days_after
from channelplans.checks import bounded, checked, civil_day
from channelplans.errors import InvalidValue
from channelplans.identifiers import AccountId, ProfileId, SubscriptionId
from channelplans.plans import Plan
from channelplans.pricing import Quote
from channelplans.tables import Described
from channelplans.usage import Allowance

__all__ = ["AT_END", "RUNNING", "TRANSITIONS", "Action", "Status", "Subscription"]


class Status(enum.Enum):
    """Where a subscription stands; before it is bought there is none."""

    ACTIVE = "active"
    CANCELLED = "cancelled"
    LAPSED = "lapsed"
    ENDED = "ended"


class Action(enum.Enum):
    """What can be done: to a subscription, or, the last four, to purses alone."""

    BUY = "buy"
    CHANGE = "change"
    USE = "use"
    RENEW = "renew"
    CANCEL = "cancel"
    RESUME = "resume"
    LAPSE = "lapse"
    EXPIRE = "expire"
    TERMINATE = "terminate"
    DEPOSIT = "deposit"
    ASSIGN_CREDIT = "assign credit"
    TAKE_BACK_CREDIT = "take back credit"
    EXPIRE_CREDIT = "expire credit"


#: From which status an action leads to which; a missing row is an error. None is no subscription.
TRANSITIONS: Final[Mapping[tuple[Status | None, Action], Status]] = MappingProxyType(
    {
        (None, Action.BUY): Status.ACTIVE,
        (Status.LAPSED, Action.BUY): Status.ACTIVE,
        (Status.ENDED, Action.BUY): Status.ACTIVE,
        (Status.ACTIVE, Action.CHANGE): Status.ACTIVE,
        (Status.ACTIVE, Action.USE): Status.ACTIVE,
        (Status.ACTIVE, Action.RENEW): Status.ACTIVE,
        (Status.ACTIVE, Action.CANCEL): Status.CANCELLED,
        (Status.ACTIVE, Action.LAPSE): Status.LAPSED,
        (Status.ACTIVE, Action.TERMINATE): Status.ENDED,
        (Status.CANCELLED, Action.CHANGE): Status.ACTIVE,
        (Status.CANCELLED, Action.RESUME): Status.ACTIVE,
        (Status.CANCELLED, Action.USE): Status.CANCELLED,
        (Status.CANCELLED, Action.EXPIRE): Status.ENDED,
        (Status.CANCELLED, Action.TERMINATE): Status.ENDED,
    }
)

#: The actions that wait for the end of the term; all others come before it.
AT_END: Final = frozenset({Action.RENEW, Action.LAPSE, Action.EXPIRE})

#: The statuses in which a profile is active on the days of the term (H4).
RUNNING: Final = frozenset({Status.ACTIVE, Status.CANCELLED})


@attrs.frozen(field_transformer=checked)
class Subscription(Described):
    """A plan held by a profile for a term, and what was paid for it.

    Attributes:
        id: never used twice.
        account: pays for it (H9).
        profile: holds it.
        paid: the quote that was paid for the running term.
        anchor: the first day of the first term; the n-th term is computed from it.
        number: which term runs, counted from 0.
        status: where it stands.
        allowance: the minutes of the running term.
        last_changed_on: when the profile's subscription was last changed (H15).
        sequence: how many decisions have been applied to it.
        acted_on: the day of the latest of them; None is the first day of the running term.
        since: the first day of all; None is the anchor. A minimum holding counts from it.
        pending: the plan that the next term is renewed with; None is the one held.
    """

    id: SubscriptionId
    account: AccountId
    profile: ProfileId
    paid: Quote
    anchor: date
    number: int
    status: Status
    allowance: Allowance
    last_changed_on: date | None
    sequence: int
    acted_on: date | None = None
    since: date | None = None
    pending: Plan | None = None

    def __attrs_post_init__(self) -> None:
        bounded("number", self.number, 0)
        bounded("sequence", self.sequence, 1)
        expected = self.plan.offer.term.nth(self.anchor, self.number)
        if self.term.end != expected.end or not expected.start <= self.term.start:
            grid = f"{expected}, which is term {self.number} from {self.anchor}"
            raise InvalidValue("paid", f"for {self.term}", f"for {grid}")

    @property
    def plan(self) -> Plan:
        """The plan that is held."""
        return self.paid.plan

    @property
    def term(self) -> Term:
        """The running term."""
        return self.paid.term

    @property
    def due_on(self) -> date | None:
        """The day from which it is due, to be renewed or ended; None where it runs no more."""
        return self.term.end if self.status in RUNNING else None

    @property
    def lapses_on(self) -> date:
        """The first day on which it may lapse unless it is renewed: after the grace, if any."""
        grace = self.plan.offer.shortage.grace
        return self.term.end if grace is None else days_after(self.term.end, grace)

    @property
    def held_until(self) -> date:
        """The day before which it cannot be given up, where the offer has a minimum holding."""
        holding, since = self.plan.offer.term.holding, self.since or self.anchor
        return since if holding is None else days_after(since, holding)

    @property
    def active_until(self) -> date:
        """The first day on which a running one carries no calls, unless it is renewed."""
        return self.lapses_on if self.status is Status.ACTIVE else self.term.end

    def active_on(self, day: date) -> bool:
        """Return whether the profile is active on a day of the running term or its grace (H4).

        >>> from channelplans.testing.builders import make_subscription
        >>> held = make_subscription()  # from 2026-01-05, for 30 days
        >>> held.active_on(date(2026, 2, 3)), held.active_on(date(2026, 2, 4))
        (True, False)
        """
        running = self.status in RUNNING
        return running and self.term.start <= civil_day("day", day) < self.active_until

    def admits(self, active_calls: int, *, on: date) -> bool:
        """Return whether the profile can carry one more call: n channels carry n calls (H2).

        >>> from channelplans.testing.builders import make_subscription
        >>> held, day = make_subscription(), date(2026, 1, 5)  # 5 channels
        >>> held.admits(4, on=day), held.admits(5, on=day)
        (True, False)
        """
        free = bounded("active_calls", active_calls, 0) < self.plan.channels
        return self.active_on(civil_day("on", on)) and free

    def _describe(self) -> tuple[str, ...]:
        held = f"{self.id} on profile {self.profile}: {self.plan}"
        pending = f"; {self.pending} from then on" if self.pending else ""
        return (f"Subscription {held}, {self.term}, {self.status.value}{pending}",)
