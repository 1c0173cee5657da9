"""Every action on a subscription, as a pure function that returns a decision.

A preview and the real action are the same call. Nothing happens until a store commits the
decision. The action fixes which wallet pays (H9, H13, F 7.3); a caller cannot choose it.
"""

from datetime import date, timedelta
from typing import Any, Final

import attrs

from channelplans._checks import civil_day, identifier, instance
from channelplans._display import counted
from channelplans.allowances import Allowance
from channelplans.calendar import Term
from channelplans.errors import InvalidValue, NotOffered, OutsideTerm, PlanUnchanged, quoted
from channelplans.money import Money, same_currency
from channelplans.plans import Plan
from channelplans.pricing import Refund, amend_quote, price_term, quote, refund as refund_of
from channelplans.rules import ChangeEffect, Notice, check_change
from channelplans.subscriptions.decisions import Decision, join_token
from channelplans.subscriptions.identifiers import AccountId, ProfileId, SubscriptionId
from channelplans.subscriptions.subscription import Action, PreviousTerm, Status, Subscription
from channelplans.subscriptions.transitions import TRANSITIONS, next_status
from channelplans.subscriptions.wallets import Posting, Reason, Wallet
from channelplans.tariffs import Tariff

__all__ = [
    "buy",
    "cancel",
    "change",
    "expire",
    "lapse",
    "renew",
    "resume",
    "terminate",
]

_DAY: Final = timedelta(days=1)


def buy(
    plan: Plan,
    tariff: Tariff,
    *,
    account: AccountId,
    profile: ProfileId,
    subscription: SubscriptionId,
    on: date,
    start: date | None = None,
    align_to: date | None = None,
    previous: Subscription | None = None,
) -> Decision:
    """Buy a plan for a profile without a running one (H3, H4, H8, H14).

    It is active at once, or from a later day on. Until that day ``terminate`` undoes the purchase.

    Args:
        plan: the channels and bundles that are bought.
        tariff: the prices.
        account: the account that pays.
        profile: the profile that gets the subscription.
        subscription: the identifier of the new subscription, never used before.
        on: the day of purchase, on which the price is paid.
        start: the first day of the first term; None means the day of purchase.
        align_to: a day on which a term shall begin or end, such as the renewal date of another
            subscription of the account; see ``quote``. The first term is then shorter and its price
            is prorated. A later change that restarts the term ends the alignment.
        previous: the subscription that the profile held last, lapsed or ended. The new one keeps
            the day of its last change, so ending and buying again does not allow a second change
            on that day (H15). It also keeps the last term, for calls that are reported late.

    Raises:
        TransitionNotAllowed: the previous subscription is still running.
        InvalidValue: the previous subscription belongs to another profile, or has the same
            identifier; ``start`` is before the day of purchase; or ``align_to`` is passed, but the
            offer has a billing day.
        OutsideTerm: the day lies before the latest action on the previous subscription.
        CalendarEnds: the term does not fit the calendar, or the grace period or the minimum term
            ends after the year 9999.

    >>> from datetime import date
    >>> from channelplans import EUR, SKYPE_CONNECT, Tariff, buy
    >>> tariff = Tariff("list", EUR, channel="6.95")
    >>> plan, day = SKYPE_CONNECT.plan(channels=100), date(2026, 1, 5)
    >>> purchase = buy(
    ...     plan, tariff, account="acme", profile="berlin", subscription="berlin 1", on=day
    ... )
    >>> print(purchase)
    2026-01-05: buy 100 channels for profile 'berlin'.
    Runs until 2026-02-04, when it renews itself.
    The wallet of account 'acme' pays 695.00 EUR (subscription).
    Not a telephone replacement: it cannot call emergency numbers.
    """
    civil_day("on", on)
    identifier("subscription", subscription)
    start = on if start is None else civil_day("start", start)
    if start < on:
        raise InvalidValue("start", str(start), f"on or after the day of purchase, {on}")
    status = TRANSITIONS[None, Action.BUY]
    if previous is not None:
        _check_previous(previous, account, profile, subscription)
        status = next_status(previous, Action.BUY, on)
    priced = quote(plan, tariff, on=start, align_to=align_to)
    bought = Subscription(
        id=subscription,
        account=account,
        profile=profile,
        quote=priced,
        anchor=priced.anchor,
        # Terms aligned to the 31st may be counted from a month before the purchase.
        term_number=plan.offer.term.number_ending(priced.anchor, priced.term.end),
        status=status,
        allowance=priced.allowance,
        last_changed_on=previous.last_changed_on if previous else None,
        sequence=1,
        acted_on=on,
        started_on=start,
        previous_term=_last_term(previous, start) if previous else None,
    )
    postings = _payment(bought, Reason.SUBSCRIPTION, on)
    token = join_token("subscription", bought.id, "0", Action.BUY.value)
    return Decision(Action.BUY, on, previous, bought, postings, priced.notices, token)


def change(subscription: Subscription, plan: Plan, tariff: Tariff, *, on: date) -> Decision:
    """Change the channels, the bundles or both (H15 to H19).

    The offer says what a change to more, to fewer and to another offer does (``ChangeEffect``). On
    the help page a change restarts the subscription: it refunds the unused days and sells the new
    plan for a new term; refund and charge are one settlement. Other offers prorate the difference
    or wait for the next term. A later change replaces a waiting one, and a notice says so. If the
    profile has fewer bundles after the change, a notice says so too.

    A cancelled subscription that is changed renews itself again. If the renewal is unpaid, on the
    due date or in a grace period, the new plan is bought for the term that was due.

    Args:
        subscription: the running subscription.
        plan: the new plan, of the same or another offer.
        tariff: the prices of a term that the change starts. A term that continues keeps the tariff
            it was bought by.
        on: the day of the change.

    Raises:
        PlanUnchanged: the subscription already has this plan.
        MixedChange: the plan has more of one thing and fewer of another, and the offer treats the
            two differently.
        ChangedTooSoon: the last change of the profile was too short a time ago (H15).
        CurrencyMismatch: the tariff is in another currency than the quote that was paid.
        TransitionNotAllowed, OutsideTerm: the subscription is not running on that day.
        CalendarEnds: the term of the new plan does not fit the calendar, or its grace period or
            minimum term ends after the year 9999.

    >>> from datetime import date
    >>> from channelplans import EUR, SKYPE_CONNECT, Tariff, buy, change
    >>> tariff = Tariff("list", EUR, channel="6.95")
    >>> plan, day = SKYPE_CONNECT.plan(channels=30), date(2026, 1, 5)
    >>> berlin = buy(
    ...     plan, tariff, account="acme", profile="berlin", subscription="s-1", on=day
    ... ).after  # 208.50 EUR for 30 days
    >>> more = SKYPE_CONNECT.plan(channels=40)
    >>> for posting in change(berlin, more, tariff, on=date(2026, 1, 15)).postings:
    ...     print(posting)
    2026-01-15 account 'acme': +139.00 EUR, refund for 2026-01-05 to 2026-02-04
    2026-01-15 account 'acme': -278.00 EUR, subscription for 2026-01-15 to 2026-02-14
    """
    status = next_status(subscription, Action.CHANGE, on)
    current, end = subscription.plan, subscription.term.end
    if instance("plan", plan, Plan) == (subscription.pending or current):
        raise PlanUnchanged(str(plan), subscription.status.value)
    check_change(subscription.last_changed_on, on=on, rule=current.offer.change)
    _check_currency(subscription, tariff)
    effect = ChangeEffect.AT_RENEWAL if on >= end else current.effect_of(plan)
    applies_on = end if effect is ChangeEffect.AT_RENEWAL else on
    if plan.offer != current.offer and applies_on < subscription.minimum_term_end:
        raise _in_minimum_term(subscription, Action.CHANGE, on)
    changed = _after(subscription, on, status=status, last_changed_on=on, pending=None)
    dropped = _pending_dropped(subscription)
    if on >= end:
        after = _next(subscription, plan, tariff, on, status=status, last_changed_on=on)
        notices = (*dropped, *_fewer_bundles(subscription, plan, end), *after.quote.notices)
        postings = _payment(after, Reason.RENEWAL, on)
        return _decide(Action.CHANGE, on, subscription, after, postings, notices)
    if plan == current:  # undoes the pending change
        return _decide(Action.CHANGE, on, subscription, changed, notices=dropped)
    notices = (*dropped, *_fewer_bundles(subscription, plan, applies_on))
    if effect is ChangeEffect.AT_RENEWAL:
        message = f"The change comes with the next term, on {end}."
        pending = Notice("pending", message, current.offer.source)
        after = attrs.evolve(changed, pending=plan)
        return _decide(Action.CHANGE, on, subscription, after, notices=(*notices, pending))
    if effect is ChangeEffect.RESTART:
        after, postings, refund = _restart(subscription, changed, plan, tariff, on)
    else:
        after, postings = _amend(subscription, changed, plan, effect, on)
        refund = None
    notices = (*notices, *after.quote.notices)
    return _decide(Action.CHANGE, on, subscription, after, postings, notices, refund)


def renew(
    subscription: Subscription,
    tariff: Tariff,
    *,
    on: date,
    plan: Plan | None = None,
    keep_bundles: bool = True,
    value_date: date | None = None,
) -> Decision:
    """Renew for the next term, at the tariff in force on that term's first day (H8).

    One renewal is one term, also when it is processed late: its posting is booked on the day of
    processing and names the term that it pays for. A pending plan is applied, and each channel that
    it adds is charged its set-up. Unused minutes are lost (F 8.4) unless the offer has a rollover.
    A cancelled subscription is renewed until its minimum term is over.

    Args:
        subscription: the subscription whose term is over.
        tariff: the prices of the next term.
        on: the day of processing.
        plan: a plan of another offer, such as a new edition, to which the subscription moves. If
            the terms of that offer have another length or billing day, they are counted from this
            renewal on. If the plan does not have the numbers of a pending plan, the pending plan is
            dropped, and a notice says so. None keeps the offer.
        keep_bundles: False renews the channels alone, if the offer drops bundles that cannot be
            paid (``NonPaymentRule.drops_bundles``, F 6.3).
        value_date: the day from which the posting counts, if a punctual run would have renewed the
            subscription before ``on``; None means ``on``.

    Raises:
        InvalidValue: ``plan`` is another plan of the same offer, which is a change; or
            ``value_date`` is after ``on`` or before the end of the running term.
        NotOffered: bundles are to be dropped, but the offer does not drop bundles, or the plan has
            none.
        OutsideTerm: the running term has not ended yet.
        CurrencyMismatch: the tariff is in another currency than the quote that was paid.
        TransitionNotAllowed: the subscription is not renewed.
        CalendarEnds: the next term does not fit the calendar, or its grace period or a minimum
            term ends after the year 9999.

    >>> from datetime import date
    >>> from channelplans import EUR, Tariff, buy, renew
    >>> from channelplans.offers import OFFERS
    >>> tariff = Tariff("list", EUR, channel="6.95", bundle="10", minute="0.021")
    >>> plan, day = OFFERS["voip-yonder"].plan(channels=2, bundles=1), date(2026, 2, 1)
    >>> berlin = buy(
    ...     plan, tariff, account="acme", profile="berlin", subscription="s-1", on=day
    ... ).after
    >>> print(*renew(berlin, tariff, on=date(2026, 3, 1)).postings)
    2026-03-01 account 'acme': -23.90 EUR, renewal for 2026-03-01 to 2026-04-01
    >>> print(*renew(berlin, tariff, on=date(2026, 3, 1), keep_bundles=False).postings)
    2026-03-01 account 'acme': -13.90 EUR, renewal for 2026-03-01 to 2026-04-01
    """
    next_status(subscription, Action.RENEW, on)
    _check_currency(subscription, tariff)
    instance("keep_bundles", keep_bundles, bool)
    if value_date is not None and not subscription.term.end <= value_date <= on:
        expected = f"from {subscription.term.end} to {on}"
        raise InvalidValue("value_date", str(value_date), expected)
    plan = _renewal_plan(subscription, plan)
    notices = _pending_not_applied(subscription, plan)
    if not keep_bundles:
        plan, bundles_dropped = _without_bundles(subscription, plan)
        notices = (*notices, *bundles_dropped)
    after = _next(subscription, plan, tariff, on)
    postings = _payment(after, Reason.RENEWAL, on, None if value_date == on else value_date)
    return _decide(Action.RENEW, on, subscription, after, postings, notices)


def cancel(subscription: Subscription, *, on: date) -> Decision:
    """Cancel: the subscription runs to the end of its last term, without a refund (H20).

    The last term is the running one. Within a minimum term it is the first that ends on or after
    the minimum term; until then the subscription is renewed. If the renewal is unpaid, on the due
    date or in a grace period, the subscription ends at once, and nothing is charged.

    The notice ``expires`` is the warning with the expiry date; show it before the confirmation. A
    pending change is dropped, and a second notice says so.

    Args:
        subscription: the active subscription.
        on: the day of the cancellation.

    Raises:
        TransitionNotAllowed, OutsideTerm: the subscription is not active on that day.
        CalendarEnds: the last term ends after the year 9999.

    >>> from datetime import date
    >>> from channelplans import EUR, SKYPE_CONNECT, Tariff, buy, cancel
    >>> tariff = Tariff("list", EUR, channel="6.95")
    >>> plan, day = SKYPE_CONNECT.plan(channels=5), date(2026, 1, 5)
    >>> berlin = buy(
    ...     plan, tariff, account="acme", profile="berlin", subscription="s-1", on=day
    ... ).after
    >>> cancellation = cancel(berlin, on=date(2026, 1, 15))
    >>> print(cancellation.after.status)
    Status.CANCELLED
    >>> print(cancellation.notices[0].text)  # doctest: +NORMALIZE_WHITESPACE
    This cancels the subscription of profile 'berlin'. It is not available
    from 2026-02-04 on.
    """
    status = next_status(subscription, Action.CANCEL, on)
    after, expiry = _after(subscription, on, status=status, pending=None), subscription.term.end
    if subscription.term.end < subscription.minimum_term_end:
        expiry = subscription.last_term_end
    elif on >= subscription.term.end:
        after = _over(subscription, on, Status.ENDED)
    warning = Notice(
        "expires",
        f"This cancels the subscription of profile {quoted(subscription.profile)}. "
        f"It is not available from {expiry} on.",
        subscription.plan.offer.source,
    )
    notices = (warning, *_pending_dropped(subscription))
    return _decide(Action.CANCEL, on, subscription, after, notices=notices)


def resume(subscription: Subscription, *, on: date) -> Decision:
    """Undo a cancellation before the end of the term; the subscription renews itself again.

    Args:
        subscription: the cancelled subscription.
        on: the day of the action.

    Raises:
        TransitionNotAllowed, OutsideTerm: the subscription is not cancelled and running.

    >>> from datetime import date
    >>> from channelplans import EUR, SKYPE_CONNECT, Tariff, buy, cancel, resume
    >>> tariff = Tariff("list", EUR, channel="6.95")
    >>> plan, day = SKYPE_CONNECT.plan(channels=5), date(2026, 1, 5)
    >>> berlin = buy(
    ...     plan, tariff, account="acme", profile="berlin", subscription="s-1", on=day
    ... ).after
    >>> cancelled = cancel(berlin, on=date(2026, 1, 15)).after
    >>> print(resume(cancelled, on=date(2026, 2, 3)))
    2026-02-03: resume the subscription of profile 'berlin', 5 channels.
    Runs until 2026-02-04, when it renews itself.
    No money moves.
    """
    after = _after(subscription, on, status=next_status(subscription, Action.RESUME, on))
    return _decide(Action.RESUME, on, subscription, after)


def lapse(
    subscription: Subscription, *, on: date, not_offered: NotOffered | None = None
) -> Decision:
    """Let an unpaid subscription lapse as of the end of its term or grace period (F 6.3).

    A run waits for the end of the grace period. A person may end the grace period before.

    Args:
        subscription: the subscription whose term is over.
        on: the day of processing.
        not_offered: the reason, if the subscription lapses because its plan is not sold any more;
            None if the renewal was not paid.

    Raises:
        TransitionNotAllowed: the subscription is not renewed.
        OutsideTerm: the running term has not ended yet.

    >>> from datetime import date
    >>> from channelplans import EUR, SKYPE_CONNECT, Tariff, buy, lapse
    >>> tariff = Tariff("list", EUR, channel="6.95")
    >>> plan, day = SKYPE_CONNECT.plan(channels=5), date(2026, 1, 5)
    >>> berlin = buy(
    ...     plan, tariff, account="acme", profile="berlin", subscription="s-1", on=day
    ... ).after
    >>> print(lapse(berlin, on=date(2026, 2, 6)))
    2026-02-06: let the subscription of profile 'berlin' lapse, 5 channels.
    Not active since 2026-02-04.
    No money moves.
    The renewal was not paid: profile 'berlin' carries no calls since 2026-02-04.
    """
    after = _over(subscription, on, next_status(subscription, Action.LAPSE, on))
    code, cause = "lapsed", "The renewal was not paid"
    if not_offered is not None:
        instance("not_offered", not_offered, NotOffered)
        code, cause = "plan-not-sold", f"The plan is not sold any more ({not_offered})"
    profile, since = quoted(subscription.profile), min(on, subscription.lapses_on)
    message = f"{cause}: profile {profile} carries no calls since {since}."
    warning = Notice(code, message, subscription.plan.offer.source)
    return _decide(Action.LAPSE, on, subscription, after, notices=(warning,))


def expire(subscription: Subscription, *, on: date) -> Decision:
    """End a cancelled subscription whose term is over.

    Args:
        subscription: the cancelled subscription.
        on: the day of processing, on or after the end of the last term.

    Raises:
        TransitionNotAllowed: the subscription is not cancelled, or its minimum term is not over.
        OutsideTerm: the running term has not ended yet.

    >>> from datetime import date
    >>> from channelplans import EUR, SKYPE_CONNECT, Tariff, buy, cancel, expire
    >>> tariff = Tariff("list", EUR, channel="6.95")
    >>> plan, day = SKYPE_CONNECT.plan(channels=5), date(2026, 1, 5)
    >>> berlin = buy(
    ...     plan, tariff, account="acme", profile="berlin", subscription="s-1", on=day
    ... ).after
    >>> cancelled = cancel(berlin, on=date(2026, 1, 15)).after
    >>> print(expire(cancelled, on=date(2026, 2, 4)))
    2026-02-04: end the cancelled subscription of profile 'berlin', 5 channels.
    Not active since 2026-02-04.
    No money moves.
    """
    after = _over(subscription, on, next_status(subscription, Action.EXPIRE, on))
    return _decide(Action.EXPIRE, on, subscription, after)


def terminate(subscription: Subscription, *, on: date, refund: bool = True) -> Decision:
    """End a subscription at once, with a refund of the unused part or without (F 5.5, F 5.6).

    Before the first day of the first term, everything is refunded. If the renewal is unpaid, on the
    due date or in a grace period, the subscription ends as of the end of its term.

    Args:
        subscription: the running subscription.
        on: the day of the action.
        refund: False keeps everything that was paid, and so ignores the offer's minimum term.

    Raises:
        TransitionNotAllowed, OutsideTerm: the subscription is not running on that day, or a refund
            is asked for within the minimum term.

    >>> from datetime import date
    >>> from channelplans import EUR, SKYPE_CONNECT, Tariff, buy, terminate
    >>> tariff = Tariff("list", EUR, channel="6.95", setup="5")
    >>> plan, day = SKYPE_CONNECT.plan(channels=5), date(2026, 1, 5)
    >>> berlin = buy(
    ...     plan, tariff, account="acme", profile="berlin", subscription="s-1", on=day
    ... ).after  # 34.75 EUR for 30 days, and 5.00 EUR once
    >>> print(*terminate(berlin, on=date(2026, 1, 15)).postings)
    2026-01-15 account 'acme': +23.17 EUR, refund for 2026-01-05 to 2026-02-04
    >>> terminate(berlin, on=date(2026, 1, 15), refund=False).postings
    ()
    """
    instance("refund", refund, bool)
    status = next_status(subscription, Action.TERMINATE, on)
    term = subscription.term
    if refund and term.start <= on and min(on, term.end) < subscription.minimum_term_end:
        works = "; terminate(..., refund=False) ends it before, without a refund"
        raise _in_minimum_term(subscription, Action.TERMINATE, on, works=works)
    after = _over(subscription, on, status)
    if not refund or on >= term.end:
        return _decide(Action.TERMINATE, on, subscription, after)
    refunded = refund_of(subscription.quote, on=on, allowance=subscription.allowance)
    after = attrs.evolve(after, allowance=_without_refunded(subscription, refunded))
    postings = _posting(subscription, refunded.returned, Reason.REFUND, on)
    return _decide(Action.TERMINATE, on, subscription, after, postings, refund=refunded)


def _restart(
    subscription: Subscription, changed: Subscription, plan: Plan, tariff: Tariff, on: date
) -> tuple[Subscription, tuple[Posting, ...], Refund]:
    """Refund the unused part of the term, and sell the new plan for a new term (H16, H17)."""
    priced = quote(plan, tariff, on=on, replacing=subscription.plan)
    refund = refund_of(subscription.quote, on=on, allowance=subscription.allowance)
    ended = attrs.evolve(subscription, allowance=_without_refunded(subscription, refund))
    after = attrs.evolve(
        changed,
        quote=priced,
        anchor=priced.anchor,
        term_number=0,
        allowance=priced.allowance,
        previous_term=ended.term_to_keep(on),
    )
    refunded = _posting(subscription, refund.returned, Reason.REFUND, on)
    return after, (*refunded, *_payment(after, Reason.SUBSCRIPTION, on)), refund


def _amend(
    subscription: Subscription, changed: Subscription, plan: Plan, effect: ChangeEffect, on: date
) -> tuple[Subscription, tuple[Posting, ...]]:
    """Keep the term, and charge or refund the difference."""
    priced = amend_quote(subscription.quote, plan, on=on, effect=effect)
    allowance = subscription.allowance.granting(priced.allowance.granted)
    after = attrs.evolve(changed, quote=priced, allowance=allowance)
    difference = priced.total - subscription.quote.total
    reason = Reason.REFUND if difference.minor < 0 else Reason.SUBSCRIPTION
    return after, _posting(after, -difference, reason, on)


def _in_minimum_term(
    subscription: Subscription, action: Action, on: date, *, works: str = ""
) -> OutsideTerm:
    end = subscription.minimum_term_end
    return OutsideTerm(action.value, on, end, None, f"the minimum term runs until {end}{works}")


def _without_refunded(subscription: Subscription, refund: Refund) -> Allowance:
    """Return the allowance after a refund: minutes for which money was refunded count as used."""
    allowance = subscription.allowance
    used = min(allowance.used + refund.minutes, allowance.granted)
    return attrs.evolve(allowance, used=used)


def _last_term(previous: Subscription, start: date) -> PreviousTerm | None:
    """Return the last term of a subscription that is over, for one that starts on a day."""
    return previous.term_to_keep(min(previous.active_until, start))


def _over(subscription: Subscription, on: date, status: Status) -> Subscription:
    """Return a subscription that is over.

    The calls of the day of the action still belong to it, unless it was over before.
    """
    last_day = min(on, subscription.active_until - _DAY)
    calls_end = max(subscription.term.start, last_day + _DAY)
    return _after(subscription, on, status=status, pending=None, calls_end=calls_end)


def _next(
    subscription: Subscription, plan: Plan, tariff: Tariff, on: date, **changes: Any
) -> Subscription:
    """Return the subscription with the term that follows the running one, and other changes."""
    anchor, number, term = _next_term(subscription, plan)
    added = plan.channels - subscription.plan.channels
    priced = price_term(plan, tariff, term, anchor, added_channels=added)
    bundle = plan.offer.bundle
    rollover = bundle.rollover if bundle and bundle == subscription.plan.offer.bundle else None
    allowance = subscription.allowance.next(priced.allowance.granted, rollover)
    left_behind = subscription.allowance
    if allowance.carried:
        left_behind = left_behind.use(sum(allowance.carried, timedelta(0)))
    return _after(
        subscription,
        on,
        quote=priced,
        anchor=anchor,
        term_number=number,
        allowance=allowance,
        pending=None,
        previous_term=PreviousTerm(subscription.quote, left_behind, term.start),
        **changes,
    )


def _fewer_bundles(subscription: Subscription, plan: Plan, on: date) -> tuple[Notice, ...]:
    """Return the notice that a profile has fewer bundles from a day on, if it has."""
    current = subscription.plan
    if plan.bundles >= current.bundles:
        return ()
    profile, bundles = quoted(subscription.profile), counted(plan.bundles, "bundle")
    message = f"Profile {profile} has {bundles} from {on} on, instead of {current.bundles}."
    return (Notice("fewer-bundles", message, current.offer.source),)


def _pending_not_applied(subscription: Subscription, plan: Plan) -> tuple[Notice, ...]:
    """Return the notice that a pending change is dropped, unless the plan has its numbers."""
    pending = subscription.pending
    if pending and (pending.channels, pending.bundles) == (plan.channels, plan.bundles):
        return ()
    return _pending_dropped(subscription)


def _pending_dropped(subscription: Subscription) -> tuple[Notice, ...]:
    """Return the notice that a pending change is dropped, if there is one."""
    pending, term = subscription.pending, subscription.term
    if pending is None:
        return ()
    message = f"The change to {pending}, which was to come on {term.end}, is dropped."
    return (Notice("pending-dropped", message, subscription.plan.offer.source),)


def _renewal_plan(subscription: Subscription, plan: Plan | None) -> Plan:
    """Return the plan of the next term: the pending or the current one, or of another offer."""
    current, due = subscription.plan, subscription.pending or subscription.plan
    if plan is None or instance("plan", plan, Plan) in (due, current):
        return plan or due
    if plan.offer in (due.offer, current.offer):
        raise InvalidValue("plan", str(plan), f"{due}, or of another offer: change() changes it")
    return plan


def _without_bundles(subscription: Subscription, plan: Plan) -> tuple[Plan, tuple[Notice, ...]]:
    """Return the plan without its bundles, and the notice that says so."""
    if not (plan.offer.non_payment.drops_bundles and plan.bundles):
        works = "renew it whole, or let it lapse"
        raise NotOffered("renewal without bundles", plan.offer.name, works)
    notice = Notice(
        "bundles-dropped",
        f"The balance did not cover the bundles of profile {quoted(subscription.profile)}, "
        "so only the channels were renewed.",
        plan.offer.source,
    )
    return plan.replace(bundles=0), (notice,)


def _next_term(subscription: Subscription, plan: Plan) -> tuple[date, int, Term]:
    """Return the anchor, the number and the days of the term that follows the running one."""
    rule, current_rule = plan.offer.term, subscription.plan.offer.term
    if (rule.length, rule.billing_day) == (current_rule.length, current_rule.billing_day):
        anchor, number = subscription.anchor, subscription.term_number + 1
        return anchor, number, rule.nth(anchor, number)
    start = subscription.term.end
    return rule.anchor(start), 0, rule.first(start)


def _check_currency(subscription: Subscription, tariff: Tariff) -> None:
    same_currency(subscription.quote.tariff.currency, instance("tariff", tariff, Tariff).currency)


def _check_previous(
    previous: Subscription, account: AccountId, profile: ProfileId, subscription: SubscriptionId
) -> None:
    instance("previous", previous, Subscription)
    if (previous.account, previous.profile) != (account, profile):
        owner = f"of {Wallet(previous.account, previous.profile)}"
        expected = f"the last subscription of {Wallet(account, profile)}"
        raise InvalidValue("previous", owner, expected)
    if previous.id == subscription:
        raise InvalidValue("subscription", quoted(subscription), "an identifier never used before")


def _after(subscription: Subscription, on: date, **changes: Any) -> Subscription:
    sequence = subscription.sequence + 1
    return attrs.evolve(subscription, sequence=sequence, acted_on=on, **changes)


def _payment(
    subscription: Subscription, reason: Reason, on: date, value_date: date | None = None
) -> tuple[Posting, ...]:
    return _posting(subscription, -subscription.quote.total, reason, on, value_date)


def _posting(
    subscription: Subscription,
    amount: Money,
    reason: Reason,
    on: date,
    value_date: date | None = None,
) -> tuple[Posting, ...]:
    if not amount:
        return ()
    wallet, term = Wallet(subscription.account), subscription.term
    return (Posting(wallet, amount, reason, on, term, subscription.id, value_date),)


def _decide(
    action: Action,
    on: date,
    before: Subscription,
    after: Subscription,
    postings: tuple[Posting, ...] = (),
    notices: tuple[Notice, ...] = (),
    refund: Refund | None = None,
) -> Decision:
    if on >= before.term.end and after.due_on != before.due_on:
        # One token for every action that ends a term that is over: only one of them is committed.
        token = join_token("term", before.id, str(before.term.end))
    else:
        token = join_token("subscription", before.id, str(before.sequence), action.value)
    return Decision(action, on, before, after, postings, notices, token, refund)
