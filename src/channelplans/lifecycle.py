"""Every action as a pure function to a decision: what would happen, and nothing has happened yet.

A preview and the real thing are the same call. A decision is done when a store commits it: the
postings and the new subscription together, or neither. Who pays is fixed by the action (H9, H13,
F 7.3) and no caller can choose it.
"""

from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from itertools import count
from types import MappingProxyType
from typing import Any, Final

import attrs

from channelplans.calendar import Term
from channelplans.checks import checked, civil_day, instance, text
from channelplans.errors import (
    InvalidValue,
    NotOffered,
    OutsideTerm,
    PlanUnchanged,
    TransitionNotAllowed,
)
from channelplans.identifiers import AccountId, ProfileId, SubscriptionId, Token
from channelplans.ledger import Posting, Purse, Reason, deltas, signed
from channelplans.money import Money, same_currency
from channelplans.plans import Plan
from channelplans.pricing import Item, Payer, Quote, Refund, Tariff, amend, quote, rate
from channelplans.rules import Effect, Notice, check_change
from channelplans.subscriptions import AT_END, TRANSITIONS, Action, Status, Subscription
from channelplans.tables import Described
from channelplans.usage import Allowance, Call

__all__ = [
    "Decision",
    "assign_credit",
    "buy",
    "call_token",
    "cancel",
    "change",
    "deposit",
    "expire",
    "expire_credit",
    "lapse",
    "renew",
    "renew_without_bundles",
    "resume",
    "take_back_credit",
    "terminate",
    "use",
]


@attrs.frozen(field_transformer=checked)
class Decision(Described):
    """What an action does, not yet done.

    Attributes:
        action: what was asked.
        on: the civil day of it.
        before: the subscription as it was; None where there was none.
        after: the subscription as it will be; None where the action is about purses alone.
        postings: the money that moves, all of it or none.
        notices: what a person must be told before confirming (H20, H21).
        token: what this decision is known by; deciding it again gives the same.
    """

    action: Action
    on: date
    before: Subscription | None
    after: Subscription | None
    postings: tuple[Posting, ...]
    notices: tuple[Notice, ...]
    token: Token

    @property
    def deltas(self) -> Mapping[Purse, Money]:
        """By how much each purse changes; a refund counts towards the charge beside it.

        >>> from channelplans.offers import SKYPE_CONNECT
        >>> from channelplans.testing.builders import TARIFF, make_subscription
        >>> held = make_subscription(SKYPE_CONNECT.plan(channels=30))  # 208.50 EUR for 30 days
        >>> decision = change(held, SKYPE_CONNECT.plan(channels=40), TARIFF, on=date(2026, 1, 15))
        >>> [str(posting.amount) for posting in decision.postings]
        ['139.00 EUR', '-278.00 EUR']
        >>> print(decision.deltas[Purse("acme")])
        -139.00 EUR
        """
        return MappingProxyType(deltas(self.postings))

    def to_records(self) -> list[dict[str, object]]:
        """Return a plain row for each posting."""
        row = {"token": self.token, "action": self.action.value}
        return [{**row, **record} for posting in self.postings for record in posting.to_records()]

    def _describe(self) -> tuple[str, ...]:
        told = (*self._moves(), *map(str, self.notices))
        if self.after is None:
            return (f"{self.on}: {_TOLD[self.action]}.", *told)
        term, status = self.after.term, self.after.status
        plan = self.after.pending if self.action is Action.CHANGE else None
        act = _TOLD[self.action].format(plan=plan or self.after.plan, profile=self.after.profile)
        end = self.after.lapses_on if status is Status.LAPSED else term.end
        outlook = _OUTLOOKS[status].format(end=end, since=min(self.on, end))
        if status is Status.ACTIVE and self.on >= end:
            outlook = f"Its term ended on {end}: it is due for renewal."
        # In the grace after a term its minutes are for late calls of its own.
        took = self.before is not None and self.before.allowance != self.after.allowance
        shown = self.action is Action.USE and (took or self.on < term.end)
        left = (f"{self.after.allowance}.",) if shown else ()
        return (f"{self.on}: {act}.", *left, outlook, *told)

    def _moves(self) -> tuple[str, ...]:
        if not self.postings:
            return ("No money moves.",)
        moves = []
        for purse, delta in self.deltas.items():
            parts = [
                f"{'pays' if posting.amount.minor < 0 else 'receives'} "
                f"{max(posting.amount, -posting.amount)} ({posting.reason.value})"
                for posting in self.postings
                if posting.purse == purse
            ]
            total = f", {signed(delta)} in all" if len(parts) > 1 else ""
            moves.append(f"The purse of {purse} {' and '.join(parts)}{total}.")
        return tuple(moves)


_TOLD: Final = MappingProxyType(
    {
        Action.BUY: "buy {plan} for profile {profile}",
        Action.CHANGE: "change profile {profile} to {plan}",
        Action.USE: "take a call of profile {profile} from its minutes and credit",
        Action.RENEW: "renew the subscription of profile {profile}, {plan}",
        Action.CANCEL: "cancel the subscription of profile {profile}, {plan}",
        Action.RESUME: "resume the subscription of profile {profile}, {plan}",
        Action.LAPSE: "let the subscription of profile {profile} lapse, {plan}",
        Action.EXPIRE: "end the cancelled subscription of profile {profile}, {plan}",
        Action.TERMINATE: "end the subscription of profile {profile} at once, {plan}",
        Action.DEPOSIT: "pay in from outside",
        Action.ASSIGN_CREDIT: "assign credit to a profile",
        Action.TAKE_BACK_CREDIT: "take back credit from a profile",
        Action.EXPIRE_CREDIT: "let credit expire",
    }
)

_OUTLOOKS: Final = MappingProxyType(
    {
        Status.ACTIVE: "Runs until {end}, when it renews itself.",
        Status.CANCELLED: "Runs until {end}, when it ends.",
        Status.LAPSED: "Not active since {since}.",
        Status.ENDED: "Not active since {since}.",
    }
)


def buy(
    plan: Plan,
    tariff: Tariff,
    *,
    account: AccountId,
    profile: ProfileId,
    subscription: SubscriptionId,
    on: date,
    previous: Subscription | None = None,
) -> Decision:
    """Buy a plan for a profile that has none running; it is active at once (H3, H4, H8, H14).

    ``previous`` is what the profile held last, lapsed or ended; it keeps the day of its last
    change, so that ending and buying again does not give that day back (H15).

    Raises:
        TransitionNotAllowed: the previous subscription is still running.
        InvalidValue: the previous one is another profile's, or the identifier is used again.
        OutsideTerm: the day lies before the previous one's latest action.
        CalendarEnds: the term does not fit the calendar.

    >>> from channelplans.money import EUR
    >>> from channelplans.offers import SKYPE_CONNECT
    >>> tariff = Tariff("made up", EUR, channel="6.95", bundle="10", minute="0.021")
    >>> print(
    ...     buy(
    ...         SKYPE_CONNECT.plan(channels=105),
    ...         tariff,
    ...         account="acme",
    ...         profile="berlin",
    ...         subscription="s-1",
    ...         on=date(2026, 1, 5),
    ...     )
    ... )
    2026-01-05: buy 100 channels for profile berlin.
    Runs until 2026-02-04, when it renews itself.
    The purse of account acme pays 695.00 EUR (subscription).
    Not a telephone replacement: it cannot call emergency numbers. (H21)
    """
    civil_day("on", on)
    text("subscription", subscription)
    status = TRANSITIONS[None, Action.BUY]
    if previous is not None:
        _check_previous(previous, account, profile, subscription)
        status = _next_status(previous, Action.BUY, on)
    paid = quote(plan, instance("tariff", tariff, Tariff), on=on)
    bought = Subscription(
        id=subscription,
        account=account,
        profile=profile,
        paid=paid,
        anchor=plan.offer.term.anchor(on),
        number=0,
        status=status,
        allowance=paid.allowance,
        last_changed_on=previous.last_changed_on if previous else None,
        sequence=1,
        acted_on=on,
        since=on,
    )
    postings = _payment(bought, Reason.SUBSCRIPTION, on)
    token = _token("subscription", bought.id, "0", Action.BUY.value)
    return Decision(Action.BUY, on, previous, bought, postings, paid.notices, token)


def change(
    subscription: Subscription,
    plan: Plan,
    tariff: Tariff,
    *,
    on: date,
    passed: timedelta | None = None,
) -> Decision:
    """Change channels, bundles or both, as the offer says of more and of fewer (H15 to H19).

    On the help page a change refunds what is left and sells the new plan, active at once, for a
    term of its own; refund and price are one settlement. Other offers prorate the difference, or
    wait for the next term (``Effect``); such a change gives way to a later one, and a notice says
    so. ``tariff`` is what a plan is bought anew by; a term that goes on keeps the one it was bought
    by. A cancelled subscription that is changed renews itself again. ``passed`` is how much of the
    day has passed, where refunds are by exact time.

    Raises:
        PlanUnchanged: the plan is held already.
        MixedChange: it is more of one and fewer of another, which the offer treats differently.
        ChangedTooSoon: the profile was changed too short a time ago (H15).
        CurrencyMismatch: the tariff is in another currency than what was paid.
        InvalidValue: ``passed`` is missing where refunds are by exact time, or not a part of a day.
        TransitionNotAllowed, OutsideTerm: the subscription is not running on that day.
        CalendarEnds: the term of the new plan does not fit the calendar.

    >>> from channelplans.offers import SKYPE_CONNECT
    >>> from channelplans.testing.builders import TARIFF, make_subscription
    >>> held = make_subscription(SKYPE_CONNECT.plan(channels=30))  # 30 x 6.95 EUR for 30 days
    >>> more = SKYPE_CONNECT.plan(channels=40)
    >>> for posting in change(held, more, TARIFF, on=date(2026, 1, 15)).postings:
    ...     print(posting)
    2026-01-15 account acme: +139.00 EUR, refund for 2026-01-05 to 2026-02-04
    2026-01-15 account acme: -278.00 EUR, subscription for 2026-01-15 to 2026-02-14
    """
    status = _next_status(subscription, Action.CHANGE, on)
    held = subscription.plan
    if instance("plan", plan, Plan) == (subscription.pending or held):
        raise PlanUnchanged(str(plan), subscription.status.value)
    check_change(subscription.last_changed_on, on=on, rule=held.offer.change)
    _check_currency(subscription, tariff)
    changed = _after(subscription, on, status=status, last_changed_on=on, pending=None)
    effect, dropped = held.effect_of(plan), _dropped(subscription)
    if plan.offer != held.offer and on < subscription.held_until:
        raise _held_longer(subscription, Action.CHANGE, on, subscription.held_until)
    if plan == held:  # instead of the plan that was pending
        return _decide(Action.CHANGE, on, subscription, changed, notices=dropped)
    if effect is Effect.NEXT_TERM:
        later = f"The change comes with the next term, on {subscription.term.end}."
        notice = Notice("pending", later, held.offer.source)
        after = attrs.evolve(changed, pending=plan)
        return _decide(Action.CHANGE, on, subscription, after, notices=(*dropped, notice))
    if effect is Effect.REBUY:
        paid = quote(plan, tariff, on=on, instead=held)
        anchor = plan.offer.term.anchor(on)
        after = attrs.evolve(changed, paid=paid, anchor=anchor, number=0, allowance=paid.allowance)
        refunded = _refund(subscription, on, passed)
        postings = (*refunded, *_payment(after, Reason.SUBSCRIPTION, on))
        notices = (*dropped, *paid.notices)
        return _decide(Action.CHANGE, on, subscription, after, postings, notices)
    paid = amend(subscription.paid, plan, on=on, effect=effect)
    allowance = subscription.allowance.granting(paid.allowance.granted)
    after = attrs.evolve(changed, paid=paid, allowance=allowance)
    due = paid.total - subscription.paid.total
    reason = Reason.REFUND if due.minor < 0 else Reason.SUBSCRIPTION
    postings = _posting(after, -due, reason, on)
    notices = (*dropped, *paid.notices)
    return _decide(Action.CHANGE, on, subscription, after, postings, notices)


def renew(
    subscription: Subscription, tariff: Tariff, *, on: date, plan: Plan | None = None
) -> Decision:
    """Renew for the next term of its grid, at the tariff in force on that term's first day (H8).

    One renewal is one term, also when it is processed late: its posting is booked on the day of
    processing and names the term that it pays for. A plan that a change left pending is renewed
    with, and each channel that it adds is set up for what the tariff asks once. Unused minutes are
    gone (F 8.4) unless the offer carries them on. ``plan`` moves the subscription to another offer,
    such as a new edition; where its terms are of another length, they are counted from this renewal
    on.

    Raises:
        InvalidValue: the plan given is another one of the same offer, which is a change.
        OutsideTerm: the running term has not ended yet.
        CurrencyMismatch: the tariff is in another currency than what was paid.
        TransitionNotAllowed: the subscription is not active.
        CalendarEnds: the next term does not fit the calendar.

    >>> from channelplans.testing.builders import TARIFF, make_subscription
    >>> held = make_subscription()  # 5 channels, until 2026-02-04
    >>> print(*renew(held, TARIFF, on=date(2026, 2, 6)).postings)
    2026-02-06 account acme: -34.75 EUR, renewal for 2026-02-04 to 2026-03-06
    """
    instance("subscription", subscription, Subscription)
    return _renewal(subscription, _renewed(subscription, plan), tariff, on)


def renew_without_bundles(
    subscription: Subscription, tariff: Tariff, *, on: date, plan: Plan | None = None
) -> Decision:
    """Renew the channels alone, where the offer drops bundles that cannot be paid.

    Raises:
        NotOffered: the offer does not drop bundles, or none are held.
        InvalidValue, OutsideTerm, CurrencyMismatch, TransitionNotAllowed, CalendarEnds: as
            ``renew``.

    >>> from channelplans.offers import VOIP_YONDER
    >>> from channelplans.testing.builders import TARIFF, make_subscription
    >>> held = make_subscription(VOIP_YONDER.plan(channels=2, bundles=1), on=date(2026, 2, 1))
    >>> for way in (renew, renew_without_bundles):
    ...     print(*way(held, TARIFF, on=date(2026, 3, 1)).postings)
    2026-03-01 account acme: -23.90 EUR, renewal for 2026-03-01 to 2026-04-01
    2026-03-01 account acme: -13.90 EUR, renewal for 2026-03-01 to 2026-04-01
    """
    _next_status(subscription, Action.RENEW, on)
    plan = _renewed(subscription, plan)
    if not (plan.offer.shortage.drops_bundles and plan.bundles):
        works = "renew it whole, or let it lapse"
        raise NotOffered("renewal without bundles", plan.offer.name, works)
    dropped = Notice(
        "bundles-dropped",
        f"The credit did not do for the bundles of profile {subscription.profile}.",
        plan.offer.source,
    )
    fewer = attrs.evolve(plan, bundles=0)
    return _renewal(subscription, fewer, tariff, on, notices=(dropped,))


def cancel(subscription: Subscription, *, on: date) -> Decision:
    """Cancel: it runs to the end of its term, nothing comes back, it does not renew (H20).

    The decision's notice is the warning that names the day, to be shown before it is confirmed. A
    change that was to come with the next term is dropped, and another notice says so.

    Raises:
        TransitionNotAllowed, OutsideTerm: the subscription is not active on that day, or its term
            ends before it has been held for as long as the offer asks.

    >>> from channelplans.testing.builders import make_subscription
    >>> print(cancel(make_subscription(), on=date(2026, 1, 15)).notices[0].text)
    This cancels the subscription of profile berlin: from 2026-02-04 on it is no longer available.
    """
    status = _next_status(subscription, Action.CANCEL, on)
    if subscription.term.end < subscription.held_until:
        raise _held_longer(subscription, Action.CANCEL, on, _last_held_term(subscription).start)
    after = _after(subscription, on, status=status, pending=None)
    warning = Notice(
        "expires",
        f"This cancels the subscription of profile {subscription.profile}: "
        f"from {subscription.term.end} on it is no longer available.",
        "H20",
    )
    notices = (warning, *_dropped(subscription))
    return _decide(Action.CANCEL, on, subscription, after, notices=notices)


def resume(subscription: Subscription, *, on: date) -> Decision:
    """Undo a cancellation before the term's end; the subscription renews itself again.

    Raises:
        TransitionNotAllowed, OutsideTerm: the subscription is not cancelled and running.

    >>> from channelplans.testing.builders import make_subscription
    >>> cancelled = cancel(make_subscription(), on=date(2026, 1, 15)).after
    >>> print(resume(cancelled, on=date(2026, 2, 3)))
    2026-02-03: resume the subscription of profile berlin, 5 channels.
    Runs until 2026-02-04, when it renews itself.
    No money moves.
    """
    after = _after(subscription, on, status=_next_status(subscription, Action.RESUME, on))
    return _decide(Action.RESUME, on, subscription, after)


def lapse(subscription: Subscription, *, on: date) -> Decision:
    """Let a subscription lapse that could not be renewed, as of the end of its term (F 6.3).

    Raises:
        TransitionNotAllowed: the subscription is not active.
        OutsideTerm: the running term has not ended yet, or its grace has not.

    >>> from channelplans.testing.builders import make_subscription
    >>> print(lapse(make_subscription(), on=date(2026, 2, 6)))
    2026-02-06: let the subscription of profile berlin lapse, 5 channels.
    Not active since 2026-02-04.
    No money moves.
    The renewal was not paid: profile berlin carries no calls since 2026-02-04. (F 6.3)
    """
    status = _next_status(subscription, Action.LAPSE, on)
    after = _after(subscription, on, status=status, pending=None)
    warning = Notice(
        "lapsed",
        f"The renewal was not paid: profile {subscription.profile} carries no calls "
        f"since {subscription.lapses_on}.",
        "F 6.3",
    )
    return _decide(Action.LAPSE, on, subscription, after, notices=(warning,))


def expire(subscription: Subscription, *, on: date) -> Decision:
    """End a cancelled subscription whose term is over.

    Raises:
        TransitionNotAllowed: the subscription is not cancelled.
        OutsideTerm: the running term has not ended yet.

    >>> from channelplans.testing.builders import make_subscription
    >>> cancelled = cancel(make_subscription(), on=date(2026, 1, 15)).after
    >>> print(expire(cancelled, on=date(2026, 2, 4)))
    2026-02-04: end the cancelled subscription of profile berlin, 5 channels.
    Not active since 2026-02-04.
    No money moves.
    """
    after = _after(subscription, on, status=_next_status(subscription, Action.EXPIRE, on))
    return _decide(Action.EXPIRE, on, subscription, after)


def terminate(
    subscription: Subscription,
    *,
    on: date,
    refund: bool = True,
    passed: timedelta | None = None,
) -> Decision:
    """End a subscription at once, with or without what is left of it coming back (F 5.5, F 5.6).

    ``passed`` is how much of the day has passed, where refunds are by exact time. With
    ``refund=False`` the offer's minimum holding is not looked at: all that was paid is kept.

    Raises:
        InvalidValue: ``passed`` is missing where refunds are by exact time, or not a part of a day.
        TransitionNotAllowed, OutsideTerm: the subscription is not running on that day, or is to be
            refunded and has not been held for as long as the offer asks.

    >>> from channelplans.testing.builders import make_subscription
    >>> held = make_subscription()  # 5 x 6.95 EUR for 30 days, and 5.00 EUR once
    >>> print(*terminate(held, on=date(2026, 1, 15)).postings)
    2026-01-15 account acme: +23.17 EUR, refund for 2026-01-05 to 2026-02-04
    >>> terminate(held, on=date(2026, 1, 15), refund=False).postings
    ()
    """
    instance("refund", refund, bool)
    status = _next_status(subscription, Action.TERMINATE, on)
    if refund and on < subscription.held_until:
        raise _held_longer(subscription, Action.TERMINATE, on, subscription.held_until)
    after = _after(subscription, on, status=status, pending=None)
    postings = _refund(subscription, on, passed) if refund else ()
    return _decide(Action.TERMINATE, on, subscription, after, postings)


def use(subscription: Subscription, call: Call, tariff: Tariff, *, on: date) -> Decision:
    """Take a call from the minutes, then from the purses (H13, F 7.3).

    The call belongs to the term of the day on which it began; a call of an earlier term is
    refused here, and can be rated by hand against the allowance kept from then. Overage is paid by
    the account, everything else by the profile. In the grace after a term a call finds no minutes.
    The call's id is unique among all of one store.

    Raises:
        UnknownRate: the tariff has no price for calls to the country.
        CurrencyMismatch: the tariff is in another currency than what was paid.
        InvalidValue: the call began after the day it is processed on.
        TransitionNotAllowed, OutsideTerm: the subscription is not running on that day, or the
            call did not begin in its term.

    >>> from channelplans.offers import SKYPE_CONNECT
    >>> from channelplans.testing.builders import TARIFF, make_subscription
    >>> held = make_subscription(SKYPE_CONNECT.plan(channels=1, bundles=1))  # 5,000 minutes, US
    >>> day, length = date(2026, 1, 6), timedelta(minutes=10)
    >>> taken = use(held, Call("c-1", "+1 212 555 0100", "US", day, length), TARIFF, on=day)
    >>> print(taken.after.allowance, taken.postings)
    83:10:00 of 83:20:00 left ()
    >>> abroad = Call("c-2", "+49 30 23125 000", "DE", day, length)  # 0.017 EUR a minute
    >>> print(*use(taken.after, abroad, TARIFF, on=day).postings)
    2026-01-06 profile berlin of account acme: -0.17 EUR, call for 2026-01-05 to 2026-02-04
    """
    status = _next_status(subscription, Action.USE, on)
    term = subscription.term
    if not term.start <= instance("call", call, Call).day < subscription.active_until:
        advice = "rate(call, allowance, tariff, offer=...) prices a call of another term"
        raise OutsideTerm("a call of this term", call.day, term.start, term.end, advice)
    if call.day > on:
        raise InvalidValue("call.day", str(call.day), f"at most {on}, the day of processing")
    _check_currency(subscription, tariff)
    minutes = subscription.allowance if call.day in term else Allowance(timedelta(0))
    rated = rate(call, minutes, tariff, offer=subscription.plan.offer)
    allowance = subscription.allowance.use(rated.included)
    after = _after(subscription, on, status=status, allowance=allowance)
    postings = tuple(
        Posting(purse, -charge.amount, reason, on, term, call.id)
        for charge in rated.charges
        for purse, reason in [_payer(subscription, charge.payer)]
        if charge.amount
    )
    return Decision(Action.USE, on, subscription, after, postings, (), call_token(call))


def call_token(call: Call) -> Token:
    """Return what the decision about a call is known by, to ask whether it was taken already.

    >>> call_token(Call("c-1", "+1 212 555 0100", "US", date(2026, 1, 5), timedelta(minutes=3)))
    'call/c-1'
    """
    return _token("call", instance("call", call, Call).id)


def deposit(
    purse: Purse, amount: Money, *, transfer: str, on: date, reason: Reason = Reason.DEPOSIT
) -> Decision:
    """Pay credit into a purse from outside; as a bonus, it is given.

    ``transfer`` identifies the payment, and is unique among all transfers of one store.

    Raises:
        InvalidValue: the amount is not above zero, or the reason is neither of the two.

    >>> from channelplans.money import EUR
    >>> print(deposit(Purse("acme"), Money.of("50", EUR), transfer="p-1", on=date(2026, 1, 5)))
    2026-01-05: pay in from outside.
    The purse of account acme receives 50.00 EUR (deposit).
    """
    instance("purse", purse, Purse)
    if reason not in (Reason.DEPOSIT, Reason.BONUS):
        raise InvalidValue("reason", str(reason), "Reason.DEPOSIT or Reason.BONUS")
    return _move(Action.DEPOSIT, reason, {purse: 1}, amount, transfer, on)


def assign_credit(
    account: AccountId, profile: ProfileId, amount: Money, *, transfer: str, on: date
) -> Decision:
    """Move credit from an account to one of its profiles, for its calls (F 7.3, F 7.4).

    Raises:
        InvalidValue: the amount is not above zero, or an identifier is empty.

    >>> from channelplans.money import EUR
    >>> five, day = Money.of("5", EUR), date(2026, 1, 5)
    >>> print(assign_credit("acme", "berlin", five, transfer="p-2", on=day))
    2026-01-05: assign credit to a profile.
    The purse of account acme pays 5.00 EUR (transfer).
    The purse of profile berlin of account acme receives 5.00 EUR (transfer).
    """
    moves = {Purse(account): -1, Purse(account, _profile(profile)): 1}
    return _move(Action.ASSIGN_CREDIT, Reason.TRANSFER, moves, amount, transfer, on)


def take_back_credit(
    account: AccountId, profile: ProfileId, amount: Money, *, transfer: str, on: date
) -> Decision:
    """Move credit from a profile back to its account (F 7.4).

    Raises:
        InvalidValue: the amount is not above zero, or an identifier is empty.

    >>> from channelplans.money import EUR
    >>> two, day = Money.of("2", EUR), date(2026, 1, 9)
    >>> print(take_back_credit("acme", "berlin", two, transfer="p-3", on=day))
    2026-01-09: take back credit from a profile.
    The purse of profile berlin of account acme pays 2.00 EUR (transfer).
    The purse of account acme receives 2.00 EUR (transfer).
    """
    moves = {Purse(account, _profile(profile)): -1, Purse(account): 1}
    return _move(Action.TAKE_BACK_CREDIT, Reason.TRANSFER, moves, amount, transfer, on)


def expire_credit(purse: Purse, amount: Money, *, transfer: str, on: date) -> Decision:
    """Take credit whose time is over out of a purse; ``lots.expiries`` tells which it is.

    ``transfer`` identifies the expiry, and is unique among all transfers of one store. ``expiries``
    gives one for each lot, so that it expires once, however often that is tried.

    Raises:
        InvalidValue: the amount is not above zero.

    >>> from channelplans.money import EUR
    >>> old = Money.of("10", EUR)
    >>> expiry = "expiry of p-1, lot 1"
    >>> print(expire_credit(Purse("acme"), old, transfer=expiry, on=date(2026, 7, 5)))
    2026-07-05: let credit expire.
    The purse of account acme pays 10.00 EUR (expiry).
    """
    moves = {instance("purse", purse, Purse): -1}
    return _move(Action.EXPIRE_CREDIT, Reason.EXPIRY, moves, amount, transfer, on)


def _next_status(subscription: Subscription, action: Action, on: date) -> Status:
    """Return the status that an action on a day leads to, or refuse it."""
    status = instance("subscription", subscription, Subscription).status
    civil_day("on", on)
    after = TRANSITIONS.get((status, action))
    if after is None:
        possible = tuple(each.value for each in _possible(subscription, on))
        raise TransitionNotAllowed(action.value, status.value, possible)
    if not _in_time(subscription, action, on):
        advice = _advice(subscription, action, on)
        raise OutsideTerm(action.value, on, *_days(subscription, action), advice)
    earliest = subscription.acted_on or subscription.term.start
    if on < earliest:
        advice = f"{earliest} is the day of the latest action"
        raise OutsideTerm(action.value, on, earliest, None, advice)
    return after


def _days(subscription: Subscription, action: Action) -> tuple[date, date | None]:
    """Return the first day on which an action is possible, and the first on which it is no more."""
    term = subscription.term
    if action is Action.BUY:
        return date.min, None
    if action in AT_END:
        return (subscription.lapses_on if action is Action.LAPSE else term.end), None
    return term.start, (subscription.active_until if action is Action.USE else term.end)


def _possible(subscription: Subscription, on: date) -> Iterator[Action]:
    """Yield the actions that are possible on a day, as things stand."""
    for status, action in TRANSITIONS:
        if status is subscription.status and _in_time(subscription, action, on):
            yield action


def _in_time(subscription: Subscription, action: Action, on: date) -> bool:
    start, end = _days(subscription, action)
    return start <= on and (end is None or on < end)


def _advice(subscription: Subscription, action: Action, on: date) -> str:
    """Return what would work where an action comes on the wrong day, if anything is known."""
    end = subscription.term.end
    if action in AT_END:
        in_grace = _days(subscription, action) != (end, None)
        return "until then there is grace" if in_grace else "the term runs until then"
    if on < end:
        return ""
    first = (each.value for each in _possible(subscription, on) if each in AT_END)
    return f"first {' or '.join(first)} the term that ended"


def _held_longer(subscription: Subscription, action: Action, on: date, start: date) -> OutsideTerm:
    advice = f"it is held until {subscription.held_until} at least"
    return OutsideTerm(action.value, on, start, None, advice)


def _last_held_term(subscription: Subscription) -> Term:
    """Return the first term that ends no sooner than the holding: it can be cancelled in it."""
    rule, first = subscription.plan.offer.term, subscription.number
    terms = (rule.nth(subscription.anchor, number) for number in count(first))
    return next(term for term in terms if term.end >= subscription.held_until)


def _dropped(subscription: Subscription) -> tuple[Notice, ...]:
    """Tell that the change which was to come with the next term will not."""
    pending, term = subscription.pending, subscription.term
    if pending is None:
        return ()
    told = f"The change to {pending}, which was to come on {term.end}, is dropped."
    return (Notice("pending-dropped", told, subscription.plan.offer.source),)


def _renewal(
    subscription: Subscription,
    plan: Plan,
    tariff: Tariff,
    on: date,
    notices: tuple[Notice, ...] = (),
) -> Decision:
    _next_status(subscription, Action.RENEW, on)
    _check_currency(subscription, tariff)
    held, offer = subscription.plan.offer, plan.offer
    rule, start = offer.term, subscription.term.end
    if (rule.length, rule.aligned) == (held.term.length, held.term.aligned):
        anchor, number = subscription.anchor, subscription.number + 1
        term = rule.nth(anchor, number)
    else:
        anchor, number, term = rule.anchor(start), 0, rule.first(start)
    added = plan.channels - subscription.plan.channels
    paid = Quote(plan, tariff, term).adding((Item.CHANNEL_SETUP, added))
    rollover = offer.bundles.rollover if offer.bundles and offer.bundles == held.bundles else None
    allowance = subscription.allowance.next(paid.allowance.granted, rollover)
    after = _after(
        subscription, on, paid=paid, anchor=anchor, number=number, allowance=allowance, pending=None
    )
    postings = _payment(after, Reason.RENEWAL, on)
    return _decide(Action.RENEW, on, subscription, after, postings, notices)


def _renewed(subscription: Subscription, plan: Plan | None) -> Plan:
    """Return what it is renewed with: the plan given, if any, which moves it to another offer."""
    due = subscription.pending or subscription.plan
    if plan is None:
        return due
    if instance("plan", plan, Plan).offer == due.offer and plan != due:
        raise InvalidValue("plan", str(plan), f"{due}, or of another offer: change() changes it")
    return plan


def _check_currency(subscription: Subscription, tariff: Tariff) -> None:
    same_currency(subscription.paid.tariff.currency, instance("tariff", tariff, Tariff).currency)


def _check_previous(
    previous: Subscription, account: AccountId, profile: ProfileId, subscription: SubscriptionId
) -> None:
    instance("previous", previous, Subscription)
    if (previous.account, previous.profile) != (account, profile):
        owner = f"of profile {previous.profile} of account {previous.account}"
        expected = f"what profile {profile} of account {account} held last"
        raise InvalidValue("previous", owner, expected)
    if previous.id == subscription:
        raise InvalidValue("subscription", repr(subscription), "an identifier never used before")


def _after(subscription: Subscription, on: date, **changes: Any) -> Subscription:
    sequence = subscription.sequence + 1
    return attrs.evolve(subscription, sequence=sequence, acted_on=on, **changes)


def _payment(subscription: Subscription, reason: Reason, on: date) -> tuple[Posting, ...]:
    return _posting(subscription, -subscription.paid.total, reason, on)


def _refund(subscription: Subscription, on: date, passed: timedelta | None) -> tuple[Posting, ...]:
    rule = subscription.plan.offer.refund
    returned = Refund(subscription.paid, on, subscription.allowance, rule, passed).returned
    return _posting(subscription, returned, Reason.REFUND, on)


def _posting(
    subscription: Subscription, amount: Money, reason: Reason, on: date
) -> tuple[Posting, ...]:
    if not amount:
        return ()
    purse, term = Purse(subscription.account), subscription.term
    return (Posting(purse, amount, reason, on, term, subscription.id),)


def _payer(subscription: Subscription, payer: Payer) -> tuple[Purse, Reason]:
    if payer is Payer.ACCOUNT:
        return Purse(subscription.account), Reason.OVERAGE
    return Purse(subscription.account, subscription.profile), Reason.CALL


def _move(
    action: Action,
    reason: Reason,
    signs: Mapping[Purse, int],
    amount: Money,
    transfer: str,
    on: date,
) -> Decision:
    if instance("amount", amount, Money).minor <= 0:
        raise InvalidValue("amount", str(amount), "above zero")
    token = _token("transfer", text("transfer", transfer))
    postings = tuple(
        Posting(purse, amount * sign, reason, on, reference=transfer)
        for purse, sign in signs.items()
    )
    return Decision(action, on, None, None, postings, (), token)


def _decide(
    action: Action,
    on: date,
    before: Subscription,
    after: Subscription,
    postings: tuple[Posting, ...] = (),
    notices: tuple[Notice, ...] = (),
) -> Decision:
    if action in AT_END:
        # One token for all that can happen at the end of a term, so that only one of them does.
        token = _token("term", before.id, str(before.term.end))
    else:
        token = _token("subscription", before.id, str(before.sequence), action.value)
    return Decision(action, on, before, after, postings, notices, token)


def _token(*parts: str) -> Token:
    """Join parts so that different parts never give the same token."""
    return Token("/".join(part.replace("%", "%25").replace("/", "%2F") for part in parts))


def _profile(profile: ProfileId) -> ProfileId:
    """Return the profile: without one the account would pay itself."""
    return ProfileId(text("profile", profile))
