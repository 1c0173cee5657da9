"""Every action on a subscription, as a pure function that returns a decision.

A preview and the real action are the same call. Nothing happens until a store commits the
decision. The action fixes which wallet pays (H9, H13, F 7.3); a caller cannot choose it.
"""

from datetime import date, timedelta
from typing import Any

import attrs

from channelplans._checks import civil_day, instance, text
from channelplans.allowances import Allowance
from channelplans.calendar import Term
from channelplans.calls import Call, Payer, rate_call
from channelplans.errors import InvalidValue, NotOffered, OutsideTerm, PlanUnchanged, quoted
from channelplans.money import Money, same_currency
from channelplans.plans import Plan
from channelplans.pricing import amend_quote, price_term, quote, refund as refund_of
from channelplans.rules import ChangeEffect, Notice, check_change
from channelplans.subscriptions.decisions import Decision, join_token
from channelplans.subscriptions.identifiers import AccountId, ProfileId, SubscriptionId, Token
from channelplans.subscriptions.subscription import (
    AT_END,
    TRANSITIONS,
    Action,
    Subscription,
    next_status,
)
from channelplans.subscriptions.wallets import Posting, Reason, Wallet
from channelplans.tariffs import Tariff

__all__ = [
    "buy",
    "call_token",
    "cancel",
    "change",
    "expire",
    "lapse",
    "record_call",
    "renew",
    "resume",
    "terminate",
]


def buy(
    plan: Plan,
    tariff: Tariff,
    *,
    account: AccountId,
    profile: ProfileId,
    subscription: SubscriptionId,
    on: date,
    align_to: date | None = None,
    previous: Subscription | None = None,
) -> Decision:
    """Buy a plan for a profile without a running one; it is active at once (H3, H4, H8, H14).

    Args:
        plan: the channels and bundles that are bought.
        tariff: the prices.
        account: the account that pays.
        profile: the profile that gets the subscription.
        subscription: the identifier of the new subscription, never used before.
        on: the day of purchase, and the first day of the first term.
        align_to: a day on which a term shall begin or end, such as the renewal date of another
            subscription of the account; see ``quote``. The first term is then shorter and its price
            is prorated. A later change that restarts the term ends the alignment.
        previous: the subscription that the profile held last, lapsed or ended. The new one keeps
            the day of its last change, so ending and buying again does not allow a second change
            on that day (H15).

    Raises:
        TransitionNotAllowed: the previous subscription is still running.
        InvalidValue: the previous subscription belongs to another profile, or has the same
            identifier; or ``align_to`` is passed, but the offer has a billing day.
        OutsideTerm: the day lies before the latest action on the previous subscription.
        CalendarEnds: the term does not fit the calendar, or the grace period or the minimum term
            ends after the year 9999.

    >>> from channelplans.money import EUR
    >>> from channelplans.offers import SKYPE_CONNECT
    >>> tariff = Tariff("made up", EUR, channel="6.95", bundle="10", minute="0.021")
    >>> print(
    ...     buy(
    ...         SKYPE_CONNECT.plan(channels=100),
    ...         tariff,
    ...         account="acme",
    ...         profile="berlin",
    ...         subscription="s-1",
    ...         on=date(2026, 1, 5),
    ...     )
    ... )
    2026-01-05: buy 100 channels for profile 'berlin'.
    Runs until 2026-02-04, when it renews itself.
    The wallet of account 'acme' pays 695.00 EUR (subscription).
    Not a telephone replacement: it cannot call emergency numbers.
    """
    civil_day("on", on)
    text("subscription", subscription)
    status = TRANSITIONS[None, Action.BUY]
    if previous is not None:
        _check_previous(previous, account, profile, subscription)
        status = next_status(previous, Action.BUY, on)
    priced = quote(plan, tariff, on=on, align_to=align_to)
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
        started_on=on,
    )
    postings = _payment(bought, Reason.SUBSCRIPTION, on)
    token = join_token("subscription", bought.id, "0", Action.BUY.value)
    return Decision(Action.BUY, on, previous, bought, postings, priced.notices, token)


def change(subscription: Subscription, plan: Plan, tariff: Tariff, *, on: date) -> Decision:
    """Change the channels, the bundles or both (H15 to H19).

    The offer says what a change to more and a change to fewer does (``ChangeEffect``). On the help
    page a change restarts the subscription: it refunds the unused days and sells the new plan for
    a new term; refund and charge are one settlement. Other offers prorate the difference or wait
    for the next term. A later change replaces a waiting one, and a notice says so.

    A restart uses ``tariff``; a term that continues keeps the tariff it was bought by. A cancelled
    subscription that is changed renews itself again.

    Raises:
        PlanUnchanged: the subscription already has this plan.
        MixedChange: the plan has more of one thing and fewer of another, and the offer treats the
            two differently.
        ChangedTooSoon: the last change of the profile was too short a time ago (H15).
        CurrencyMismatch: the tariff is in another currency than the quote that was paid.
        TransitionNotAllowed, OutsideTerm: the subscription is not running on that day.
        CalendarEnds: the term of the new plan does not fit the calendar, or its grace period or
            minimum term ends after the year 9999.

    >>> from channelplans.offers import SKYPE_CONNECT
    >>> from channelplans.testing.builders import TARIFF, make_subscription
    >>> berlin = make_subscription(SKYPE_CONNECT.plan(channels=30))  # 30 x 6.95 EUR for 30 days
    >>> more = SKYPE_CONNECT.plan(channels=40)
    >>> for posting in change(berlin, more, TARIFF, on=date(2026, 1, 15)).postings:
    ...     print(posting)
    2026-01-15 account 'acme': +139.00 EUR, refund for 2026-01-05 to 2026-02-04
    2026-01-15 account 'acme': -278.00 EUR, subscription for 2026-01-15 to 2026-02-14
    """
    status = next_status(subscription, Action.CHANGE, on)
    current = subscription.plan
    if instance("plan", plan, Plan) == (subscription.pending or current):
        raise PlanUnchanged(str(plan), subscription.status.value)
    check_change(subscription.last_changed_on, on=on, rule=current.offer.change)
    _check_currency(subscription, tariff)
    changed = _after(subscription, on, status=status, last_changed_on=on, pending=None)
    effect, dropped = current.effect_of(plan), _pending_dropped(subscription)
    if plan.offer != current.offer and on < subscription.minimum_term_end:
        raise _in_minimum_term(subscription, Action.CHANGE, on, subscription.minimum_term_end)
    if plan == current:  # undoes the pending change
        return _decide(Action.CHANGE, on, subscription, changed, notices=dropped)
    if effect is ChangeEffect.AT_RENEWAL:
        message = f"The change comes with the next term, on {subscription.term.end}."
        notice = Notice("pending", message, current.offer.source)
        after = attrs.evolve(changed, pending=plan)
        return _decide(Action.CHANGE, on, subscription, after, notices=(*dropped, notice))
    if effect is ChangeEffect.RESTART:
        priced = quote(plan, tariff, on=on, replacing=current)
        after = attrs.evolve(
            changed,
            quote=priced,
            anchor=priced.anchor,
            term_number=0,
            allowance=priced.allowance,
        )
        refunded = _refund(subscription, on)
        postings = (*refunded, *_payment(after, Reason.SUBSCRIPTION, on))
    else:
        priced = amend_quote(subscription.quote, plan, on=on, effect=effect)
        allowance = subscription.allowance.granting(priced.allowance.granted)
        after = attrs.evolve(changed, quote=priced, allowance=allowance)
        difference = priced.total - subscription.quote.total
        reason = Reason.REFUND if difference.minor < 0 else Reason.SUBSCRIPTION
        postings = _posting(after, -difference, reason, on)
    notices = (*dropped, *priced.notices)
    return _decide(Action.CHANGE, on, subscription, after, postings, notices)


def renew(
    subscription: Subscription,
    tariff: Tariff,
    *,
    on: date,
    plan: Plan | None = None,
    keep_bundles: bool = True,
) -> Decision:
    """Renew for the next term, at the tariff in force on that term's first day (H8).

    One renewal is one term, also when it is processed late: its posting is booked on the day of
    processing and names the term that it pays for. A pending plan is applied, and each channel that
    it adds is charged its set-up. Unused minutes are lost (F 8.4) unless the offer has a rollover.

    ``plan`` moves the subscription to another offer, such as a new edition. If the terms of that
    offer have another length or billing day, they are counted from this renewal on.
    ``keep_bundles=False`` renews the channels alone, if the offer drops bundles that cannot be paid
    (``NonPaymentRule.drops_bundles``).

    Raises:
        InvalidValue: ``plan`` is another plan of the same offer; that is a change.
        NotOffered: bundles are to be dropped, but the offer does not drop bundles, or the plan has
            none.
        OutsideTerm: the running term has not ended yet.
        CurrencyMismatch: the tariff is in another currency than the quote that was paid.
        TransitionNotAllowed: the subscription is not active.
        CalendarEnds: the next term does not fit the calendar, or its grace period or a minimum
            term ends after the year 9999.

    >>> from channelplans.offers import OFFERS
    >>> from channelplans.testing.builders import TARIFF, make_subscription
    >>> berlin = make_subscription()  # 5 channels, until 2026-02-04
    >>> print(*renew(berlin, TARIFF, on=date(2026, 2, 6)).postings)
    2026-02-06 account 'acme': -34.75 EUR, renewal for 2026-02-04 to 2026-03-06
    >>> plan = OFFERS["voip-yonder"].plan(channels=2, bundles=1)
    >>> berlin = make_subscription(plan, on=date(2026, 2, 1))
    >>> for keep in (True, False):
    ...     print(*renew(berlin, TARIFF, on=date(2026, 3, 1), keep_bundles=keep).postings)
    2026-03-01 account 'acme': -23.90 EUR, renewal for 2026-03-01 to 2026-04-01
    2026-03-01 account 'acme': -13.90 EUR, renewal for 2026-03-01 to 2026-04-01
    """
    next_status(subscription, Action.RENEW, on)
    _check_currency(subscription, tariff)
    instance("keep_bundles", keep_bundles, bool)
    notices: tuple[Notice, ...] = ()
    plan = _renewal_plan(subscription, plan)
    if not keep_bundles:
        plan, notices = _without_bundles(subscription, plan)
    anchor, number, term = _next_term(subscription, plan)
    added = plan.channels - subscription.plan.channels
    priced = price_term(plan, tariff, term, anchor, added_channels=added)
    bundle = plan.offer.bundle
    rollover = bundle.rollover if bundle and bundle == subscription.plan.offer.bundle else None
    after = _after(
        subscription,
        on,
        quote=priced,
        anchor=anchor,
        term_number=number,
        allowance=subscription.allowance.next(priced.allowance.granted, rollover),
        pending=None,
    )
    postings = _payment(after, Reason.RENEWAL, on)
    return _decide(Action.RENEW, on, subscription, after, postings, notices)


def cancel(subscription: Subscription, *, on: date) -> Decision:
    """Cancel: the subscription runs to the end of its term, without a refund (H20).

    The notice ``expires`` is the warning with the expiry date; show it before the confirmation. A
    pending change is dropped, and a second notice says so.

    Raises:
        TransitionNotAllowed, OutsideTerm: the subscription is not active on that day, or its term
            ends before the minimum term.

    >>> from channelplans.testing.builders import make_subscription
    >>> print(cancel(make_subscription(), on=date(2026, 1, 15)).notices[0].text)
    This cancels the subscription of profile 'berlin'. It is not available from 2026-02-04 on.
    """
    status = next_status(subscription, Action.CANCEL, on)
    if subscription.term.end < subscription.minimum_term_end:
        start = _last_term_start(subscription)
        raise _in_minimum_term(subscription, Action.CANCEL, on, start)
    after = _after(subscription, on, status=status, pending=None)
    warning = Notice(
        "expires",
        f"This cancels the subscription of profile {quoted(subscription.profile)}. "
        f"It is not available from {subscription.term.end} on.",
        subscription.plan.offer.source,
    )
    notices = (warning, *_pending_dropped(subscription))
    return _decide(Action.CANCEL, on, subscription, after, notices=notices)


def resume(subscription: Subscription, *, on: date) -> Decision:
    """Undo a cancellation before the end of the term; the subscription renews itself again.

    Raises:
        TransitionNotAllowed, OutsideTerm: the subscription is not cancelled and running.

    >>> from channelplans.testing.builders import make_subscription
    >>> cancelled = cancel(make_subscription(), on=date(2026, 1, 15)).after
    >>> print(resume(cancelled, on=date(2026, 2, 3)))
    2026-02-03: resume the subscription of profile 'berlin', 5 channels.
    Runs until 2026-02-04, when it renews itself.
    No money moves.
    """
    after = _after(subscription, on, status=next_status(subscription, Action.RESUME, on))
    return _decide(Action.RESUME, on, subscription, after)


def lapse(subscription: Subscription, *, on: date) -> Decision:
    """Let an unpaid subscription lapse as of the end of its term or grace period (F 6.3).

    Raises:
        TransitionNotAllowed: the subscription is not active.
        OutsideTerm: the running term, or the grace period after it, has not ended yet.

    >>> from channelplans.testing.builders import make_subscription
    >>> print(lapse(make_subscription(), on=date(2026, 2, 6)))
    2026-02-06: let the subscription of profile 'berlin' lapse, 5 channels.
    Not active since 2026-02-04.
    No money moves.
    The renewal was not paid: profile 'berlin' carries no calls since 2026-02-04.
    """
    status = next_status(subscription, Action.LAPSE, on)
    after = _after(subscription, on, status=status, pending=None)
    warning = Notice(
        "lapsed",
        f"The renewal was not paid: profile {quoted(subscription.profile)} carries no calls "
        f"since {subscription.lapses_on}.",
        subscription.plan.offer.source,
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
    2026-02-04: end the cancelled subscription of profile 'berlin', 5 channels.
    Not active since 2026-02-04.
    No money moves.
    """
    after = _after(subscription, on, status=next_status(subscription, Action.EXPIRE, on))
    return _decide(Action.EXPIRE, on, subscription, after)


def terminate(subscription: Subscription, *, on: date, refund: bool = True) -> Decision:
    """End a subscription at once, with a refund of the unused part or without (F 5.5, F 5.6).

    ``refund=False`` keeps everything that was paid, and so ignores the offer's minimum term.

    Raises:
        TransitionNotAllowed, OutsideTerm: the subscription is not running on that day, or a refund
            is asked for within the minimum term.

    >>> from channelplans.testing.builders import make_subscription
    >>> berlin = make_subscription()  # 5 x 6.95 EUR for 30 days, and 5.00 EUR once
    >>> print(*terminate(berlin, on=date(2026, 1, 15)).postings)
    2026-01-15 account 'acme': +23.17 EUR, refund for 2026-01-05 to 2026-02-04
    >>> terminate(berlin, on=date(2026, 1, 15), refund=False).postings
    ()
    """
    instance("refund", refund, bool)
    status = next_status(subscription, Action.TERMINATE, on)
    if refund and on < subscription.minimum_term_end:
        raise _in_minimum_term(subscription, Action.TERMINATE, on, subscription.minimum_term_end)
    after = _after(subscription, on, status=status, pending=None)
    postings = _refund(subscription, on) if refund else ()
    return _decide(Action.TERMINATE, on, subscription, after, postings)


def record_call(subscription: Subscription, call: Call, tariff: Tariff, *, on: date) -> Decision:
    """Take a call from the minutes, then from the wallets (H13, F 7.3).

    A call belongs to the term of the day on which it began. This function refuses a call of an
    earlier term; ``rate_call`` prices it against that term's allowance. The account pays overage,
    the profile pays everything else. A call in a grace period finds no minutes. The call's id is
    unique in the store.

    Raises:
        UnknownRate: the tariff has no price for the destination.
        CurrencyMismatch: the tariff is in another currency than the quote that was paid.
        InvalidValue: the call began after ``on``, the day of processing.
        TransitionNotAllowed, OutsideTerm: the subscription is not running on that day, or the
            call did not begin in its term.

    >>> from channelplans.offers import SKYPE_CONNECT
    >>> from channelplans.testing.builders import TARIFF, make_subscription
    >>> berlin = make_subscription(SKYPE_CONNECT.plan(channels=1, bundles=1))  # 5,000 minutes, US
    >>> day, duration = date(2026, 1, 6), timedelta(minutes=10)
    >>> to_us = Call("c-1", "+1 212 555 0100", "US", day, duration)
    >>> recorded = record_call(berlin, to_us, TARIFF, on=day)
    >>> print(recorded.after.allowance, recorded.postings)
    83:10:00 of 83:20:00 left ()
    >>> to_germany = Call("c-2", "+49 30 23125 000", "DE", day, duration)  # 0.017 EUR a minute
    >>> print(*record_call(recorded.after, to_germany, TARIFF, on=day).postings)
    2026-01-06 profile 'berlin' of account 'acme': -0.17 EUR, call for 2026-01-05 to 2026-02-04
    """
    status = next_status(subscription, Action.RECORD_CALL, on)
    term = subscription.term
    if not term.start <= instance("call", call, Call).day < subscription.active_until:
        advice = "rate_call(call, allowance, tariff, offer=...) prices a call of another term"
        raise OutsideTerm("a call of this term", call.day, term.start, term.end, advice)
    if call.day > on:
        raise InvalidValue("call.day", str(call.day), f"at most {on}, the day of processing")
    _check_currency(subscription, tariff)
    minutes = subscription.allowance if call.day in term else Allowance(timedelta(0))
    rated = rate_call(call, minutes, tariff, offer=subscription.plan.offer)
    allowance = subscription.allowance.use(rated.included)
    after = _after(subscription, on, status=status, allowance=allowance)
    postings = []
    for charge in rated.charges:
        if charge.amount:
            wallet, reason = _payer(subscription, charge.payer)
            postings.append(Posting(wallet, -charge.amount, reason, on, term, call.id))
    return Decision(
        Action.RECORD_CALL, on, subscription, after, tuple(postings), (), call_token(call)
    )


def call_token(call: Call) -> Token:
    """Return the token of the decision that records a call; look it up to see if one exists.

    >>> call_token(Call("c-1", "+1 212 555 0100", "US", date(2026, 1, 5), timedelta(minutes=3)))
    'call/c-1'
    """
    return join_token("call", instance("call", call, Call).id)


def _in_minimum_term(
    subscription: Subscription, action: Action, on: date, start: date
) -> OutsideTerm:
    advice = f"the minimum term runs until {subscription.minimum_term_end}"
    return OutsideTerm(action.value, on, start, None, advice)


def _last_term_start(subscription: Subscription) -> date:
    """Return the start of the first term that ends on or after the minimum term: cancel it then.

    It is the end of the term before. The term itself may end after the calendar.
    """
    rule, anchor = subscription.plan.offer.term, subscription.anchor
    number = rule.number_ending(anchor, subscription.minimum_term_end)
    return rule.nth(anchor, number - 1).end


def _pending_dropped(subscription: Subscription) -> tuple[Notice, ...]:
    """Return the notice that a pending change is dropped, if there is one."""
    pending, term = subscription.pending, subscription.term
    if pending is None:
        return ()
    message = f"The change to {pending}, which was to come on {term.end}, is dropped."
    return (Notice("pending-dropped", message, subscription.plan.offer.source),)


def _renewal_plan(subscription: Subscription, plan: Plan | None) -> Plan:
    """Return the plan of the next term: the pending or the current one, or of another offer."""
    due = subscription.pending or subscription.plan
    if plan is None:
        return due
    if instance("plan", plan, Plan).offer == due.offer and plan != due:
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


def _payment(subscription: Subscription, reason: Reason, on: date) -> tuple[Posting, ...]:
    return _posting(subscription, -subscription.quote.total, reason, on)


def _refund(subscription: Subscription, on: date) -> tuple[Posting, ...]:
    refund = refund_of(subscription.quote, on=on, allowance=subscription.allowance)
    return _posting(subscription, refund.returned, Reason.REFUND, on)


def _posting(
    subscription: Subscription, amount: Money, reason: Reason, on: date
) -> tuple[Posting, ...]:
    if not amount:
        return ()
    wallet, term = Wallet(subscription.account), subscription.term
    return (Posting(wallet, amount, reason, on, term, subscription.id),)


def _payer(subscription: Subscription, payer: Payer) -> tuple[Wallet, Reason]:
    if payer is Payer.ACCOUNT:
        return Wallet(subscription.account), Reason.OVERAGE
    return Wallet(subscription.account, subscription.profile), Reason.CALL


def _decide(
    action: Action,
    on: date,
    before: Subscription,
    after: Subscription,
    postings: tuple[Posting, ...] = (),
    notices: tuple[Notice, ...] = (),
) -> Decision:
    if action in AT_END:
        # One token for every action at the end of a term, so that only one of them is committed.
        token = join_token("term", before.id, str(before.term.end))
    else:
        token = join_token("subscription", before.id, str(before.sequence), action.value)
    return Decision(action, on, before, after, postings, notices, token)
