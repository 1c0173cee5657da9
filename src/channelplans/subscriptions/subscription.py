"""A subscription, its statuses, and the days on which it is active.

Which action is possible in which status is known to ``transitions``, not here.
"""

import enum
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Final

import attrs

from channelplans._checks import bounded, civil_day, instance, short_identifier
from channelplans._constructors import checked
from channelplans._display import DisplayMixin
from channelplans.allowances import Allowance
from channelplans.calendar import Term, days_after
from channelplans.calls import Call
from channelplans.errors import InvalidValue, OutsideTerm, quoted
from channelplans.plans import Plan
from channelplans.pricing import Quote
from channelplans.subscriptions.identifiers import AccountId, ProfileId, SubscriptionId

__all__ = ["RUNNING", "Action", "PreviousTerm", "Status", "Subscription"]

_DAY: Final = timedelta(days=1)


class Status(enum.Enum):
    """The state of a subscription. Before the purchase there is no subscription and no status.

    ``ACTIVE`` renews itself. ``CANCELLED`` runs to the end of its last term (H20). ``LAPSED`` was
    not renewed, because the renewal was not paid or the plan is not sold any more (F 6.3).
    ``ENDED`` was cancelled or terminated, and is over.
    """

    ACTIVE = "active"
    CANCELLED = "cancelled"
    LAPSED = "lapsed"
    ENDED = "ended"


class Action(enum.Enum):
    """An action on a subscription or, the last five, on wallets."""

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


#: The statuses in which a profile is active on the days of the term (H4).
RUNNING: Final = frozenset({Status.ACTIVE, Status.CANCELLED})


@checked
@attrs.frozen(repr=False)
class PreviousTerm(DisplayMixin):
    """The term before the running one, for calls that are reported late.

    A renewal, a change, a termination, an expiry or a lapse may have ended it.

    Attributes:
        quote: the quote that was paid for the term.
        allowance: the minutes left behind in the term. Minutes for which money was refunded and
            minutes carried into the running term count as used.
        end: the first day whose calls do not belong to the term.
    """

    quote: Quote
    allowance: Allowance
    end: date

    def __contains__(self, day: date) -> bool:
        return self.quote.term.start <= day < self.end

    def _describe(self) -> tuple[str]:
        return (f"{self.quote.plan}, {self.quote.term.start} to {self.end}, {self.allowance}",)


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
        sequence: the number of decisions that led to this state, from 1 on.
        acted_on: the day of the latest decision; None means the first day of the running term.
        started_on: the first day of the first term, from which a minimum term is counted; None
            means the anchor.
        pending: the plan of the next term; None means the current plan.
        previous_term: the term before the running one, also that of an earlier subscription of the
            profile; None if there was none.
        calls_end: the first day whose calls do not belong to the running term, if the subscription
            was over before the end of the term or in a grace period; None means the end of the
            term.

    Raises:
        InvalidValue: the term of the quote is not the term with this number from the anchor, or an
            identifier is longer than 255 characters.
        CalendarEnds: the grace period, the minimum term or, if the subscription is cancelled, its
            last term ends after the year 9999.

    >>> from datetime import date
    >>> from channelplans import EUR, SKYPE_CONNECT, Tariff, buy
    >>> tariff = Tariff("list", EUR, channel="6.95")
    >>> plan, day = SKYPE_CONNECT.plan(channels=5), date(2026, 1, 5)
    >>> berlin = buy(
    ...     plan, tariff, account="acme", profile="berlin", subscription="s-1", on=day
    ... ).after
    >>> print(berlin)
    Subscription 's-1' on profile 'berlin': 5 channels, 2026-01-05 to 2026-02-04, active
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
    previous_term: PreviousTerm | None = None
    calls_end: date | None = None

    def __attrs_post_init__(self) -> None:
        short_identifier("id", self.id)
        short_identifier("account", self.account)
        short_identifier("profile", self.profile)
        bounded("term_number", self.term_number, 0)
        bounded("sequence", self.sequence, 1)
        expected = self.plan.offer.term.nth(self.anchor, self.term_number)
        if self.term.end != expected.end or not expected.start <= self.term.start:
            grid = f"{expected}, which is term {self.term_number} from {self.anchor}"
            raise InvalidValue("quote", f"for {self.term}", f"for {grid}")
        if self.anchor != self.quote.anchor:
            raise InvalidValue("anchor", str(self.anchor), f"{self.quote.anchor}, as in the quote")
        # All raise an error here if they do not fit the calendar, and so never later.
        _ = (self.lapses_on, self.minimum_term_end)
        if self.status is Status.CANCELLED:
            _ = self.last_term_end

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
        """The first day after the grace period; without one, the end of the term."""
        grace = self.plan.offer.non_payment.grace
        return self.term.end if grace is None else days_after(self.term.end, grace)

    @property
    def kept_until(self) -> date:
        """The first day on which a run lets an unpaid subscription lapse.

        Credit that arrives on the due date still counts, so that is the day after the due date, or
        the first day after the grace period. At the end of the calendar it is the due date.
        """
        end = self.quote.term.end
        return end if end == date.max else max(end + _DAY, self.lapses_on)

    @property
    def renews(self) -> bool:
        """Whether a term follows the running one.

        An active subscription renews itself. A cancelled one does until its minimum term is over.
        """
        in_minimum_term = self.term.end < self.minimum_term_end
        return self.status is Status.ACTIVE or (self.status is Status.CANCELLED and in_minimum_term)

    @property
    def last_term_end(self) -> date:
        """The end of the last term if the subscription is or was cancelled today (H20).

        That is the end of the running term, or of the first term that ends on or after the minimum
        term.

        Raises:
            CalendarEnds: that term ends after the year 9999.
        """
        if self.minimum_term_end <= self.term.end:
            return self.term.end
        rule = self.plan.offer.term
        number = rule.number_ending(self.anchor, self.minimum_term_end)
        return rule.nth(self.anchor, number).end

    @property
    def minimum_term_end(self) -> date:
        """The first day after the minimum term; without one, the first day of the first term."""
        start, minimum = self.started_on or self.anchor, self.plan.offer.term.minimum_term
        return start if minimum is None else days_after(start, minimum)

    @property
    def active_until(self) -> date:
        """The first day on which the profile carries no calls, unless it is renewed."""
        if self.status in RUNNING:
            return self.lapses_on if self.renews else self.term.end
        return self.calls_end or self.term.end

    def renewals(self) -> Iterator[date]:
        """Return an iterator over the due dates of renewals from the end of the term on (H8).

        The dates are those of an active subscription that is always renewed.

        >>> from datetime import date
        >>> from itertools import islice
        >>> from channelplans import EUR, SKYPE_CONNECT, Tariff, buy
        >>> tariff = Tariff("list", EUR, channel="6.95")
        >>> plan, day = SKYPE_CONNECT.plan(channels=5), date(2026, 1, 5)
        >>> berlin = buy(
        ...     plan, tariff, account="acme", profile="berlin", subscription="s-1", on=day
        ... ).after  # its terms have 30 days
        >>> print(*islice(berlin.renewals(), 3), sep=", ")
        2026-02-04, 2026-03-06, 2026-04-05
        """
        return self.quote.renewals()

    def active_on(self, day: date) -> bool:
        """Return whether the profile is active on a day, in the term or the grace period (H4).

        Args:
            day: the civil day.

        >>> from datetime import date
        >>> from channelplans import EUR, SKYPE_CONNECT, Tariff, buy
        >>> tariff = Tariff("list", EUR, channel="6.95")
        >>> plan, day = SKYPE_CONNECT.plan(channels=5), date(2026, 1, 5)
        >>> berlin = buy(
        ...     plan, tariff, account="acme", profile="berlin", subscription="s-1", on=day
        ... ).after  # its terms have 30 days
        >>> berlin.active_on(date(2026, 2, 3)), berlin.active_on(date(2026, 2, 4))
        (True, False)
        """
        running = self.status in RUNNING
        return running and self.term.start <= civil_day("day", day) < self.active_until

    def admits(self, active_calls: int, *, on: date) -> bool:
        """Return whether the profile can carry one more call: n channels carry n calls (H2).

        Args:
            active_calls: the number of calls that the profile carries now.
            on: the civil day of the new call.

        Raises:
            InvalidValue: the number of calls is below zero.

        >>> from datetime import date
        >>> from channelplans import EUR, SKYPE_CONNECT, Tariff, buy
        >>> tariff = Tariff("list", EUR, channel="6.95")
        >>> plan, day = SKYPE_CONNECT.plan(channels=5), date(2026, 1, 5)
        >>> berlin = buy(
        ...     plan, tariff, account="acme", profile="berlin", subscription="s-1", on=day
        ... ).after
        >>> berlin.admits(4, on=day), berlin.admits(5, on=day)
        (True, False)
        """
        free = bounded("active_calls", active_calls, 0) < self.plan.channels
        return self.active_on(civil_day("on", on)) and free

    def term_of(self, call: Call) -> PreviousTerm | None:
        """Return the previous term if a call belongs to it, and None if the running term has it.

        A call belongs to the term of the day on which it began. A day that two terms share belongs
        to the later term. A call in a grace period belongs to the running term.

        Args:
            call: the call; only its day counts.

        Raises:
            OutsideTerm: the call belongs to neither.

        >>> from datetime import date, timedelta
        >>> from channelplans import EUR, SKYPE_CONNECT, Call, Tariff, buy, renew
        >>> tariff = Tariff("list", EUR, channel="6.95")
        >>> plan, day = SKYPE_CONNECT.plan(channels=5), date(2026, 1, 5)
        >>> berlin = buy(
        ...     plan, tariff, account="acme", profile="berlin", subscription="s-1", on=day
        ... ).after
        >>> renewed = renew(berlin, tariff, on=date(2026, 2, 4)).after
        >>> late = Call("c-1", "+12125550100", "US", date(2026, 2, 3), timedelta(minutes=9))
        >>> print(renewed.term_of(late).quote.term)
        2026-01-05 to 2026-02-04
        """
        day, previous = instance("call", call, Call).day, self.previous_term
        if self.term.start <= day < self.active_until:
            return None
        if previous is not None and day in previous:
            return previous
        start, advice = self.term.start, "charge() books what you decide to charge for other calls"
        if previous is not None and day < previous.end:
            start = previous.quote.term.start
        if self.active_until <= day and self.renews:
            advice = "first renew the term that ended"
        raise OutsideTerm("record call", day, start, self.active_until, advice)

    def term_to_keep(self, end: date) -> PreviousTerm | None:
        """Return the previous term of the term that follows on a day, for late calls.

        It is the running term, up to that day. If that term has no day before, it is the previous
        term, and minutes that were carried out of it are its own again.

        Args:
            end: the first day of the term that follows.
        """
        if self.term.start < end:
            return PreviousTerm(self.quote, self.allowance, end)
        previous = self.previous_term
        if previous is None:
            return None
        allowance = previous.allowance.give_back(sum(self.allowance.carried, timedelta(0)))
        return PreviousTerm(previous.quote, allowance, min(previous.end, end))

    def _describe(self) -> tuple[str, ...]:
        subject = f"Subscription {quoted(self.id)} on profile {quoted(self.profile)}"
        pending = f"; {self.pending} from then on" if self.pending else ""
        return (f"{subject}: {self.plan}, {self.term}, {self.status.value}{pending}",)
