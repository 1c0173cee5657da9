"""Record a call: take it from the minutes of its term, then from the wallets.

Call records arrive late. So the running term and the term before it accept calls, whatever ended
that term. How a call is counted and priced is known to ``calls``, not here.
"""

from datetime import date, timedelta
from typing import Any, Final

import attrs

from channelplans._checks import instance
from channelplans.allowances import Allowance
from channelplans.calendar import Term
from channelplans.calls import Call, Payer, RatedCall, rate_call
from channelplans.errors import InvalidValue
from channelplans.money import same_currency
from channelplans.pricing import Quote
from channelplans.subscriptions.decisions import Decision, join_token
from channelplans.subscriptions.identifiers import Token
from channelplans.subscriptions.subscription import Action, PreviousTerm, Subscription
from channelplans.subscriptions.transitions import next_status
from channelplans.subscriptions.wallets import Posting, Reason, Wallet
from channelplans.tariffs import Tariff

__all__ = ["call_token", "record_call"]

_NO_MINUTES: Final = Allowance(timedelta(0))


def record_call(subscription: Subscription, call: Call, tariff: Tariff, *, on: date) -> Decision:
    """Take a call from the minutes, then from the wallets (H13, F 7.3).

    A call belongs to the term of the day on which it began: the running term, or the term before
    it, whatever ended that term. A lapsed or ended subscription accepts calls of its last term. A
    call in a grace period finds no minutes. The account pays overage, the profile pays everything
    else. The offer says whether a wallet may end below zero (``CallRule.may_overdraw``).

    Args:
        subscription: the subscription that the profile holds, or held last.
        call: the call. Its id is unique in the account.
        tariff: the prices of the call's term.
        on: the day of processing.

    Raises:
        UnknownRate: the tariff has no price for the destination.
        CurrencyMismatch: the tariff is in another currency than the quote that was paid.
        InvalidValue: the call began after ``on``.
        OutsideTerm: the call began in neither of the two terms, or ``on`` is before the latest
            action.

    >>> from datetime import date, timedelta
    >>> from channelplans import EUR, SKYPE_CONNECT, Call, Tariff, buy, record_call
    >>> rates = {"DE": "0.017"}
    >>> tariff = Tariff("list", EUR, channel=7, bundle=10, minute="0.021", rates=rates)
    >>> plan, day = SKYPE_CONNECT.plan(channels=1, bundles=1), date(2026, 1, 5)
    >>> berlin = buy(
    ...     plan, tariff, account="acme", profile="berlin", subscription="s-1", on=day
    ... ).after  # 5,000 minutes to the US, which are 83:20 hours
    >>> to_us = Call("c-1", "+1 212 555 0100", "US", day, timedelta(minutes=10))
    >>> recorded = record_call(berlin, to_us, tariff, on=day)
    >>> print(recorded.after.allowance)
    83:10:00 of 83:20:00 left
    >>> to_germany = Call("c-2", "+49 30 23125 000", "DE", day, timedelta(minutes=10))
    >>> (payment,) = record_call(recorded.after, to_germany, tariff, on=day).postings
    >>> print(payment.wallet, payment.amount, sep=": ")
    profile 'berlin' of account 'acme': -0.17 EUR
    """
    status = next_status(subscription, Action.RECORD_CALL, on)
    if instance("call", call, Call).day > on:
        raise InvalidValue("call.day", str(call.day), f"at most {on}, the day of processing")
    previous = subscription.term_of(call)
    paid = subscription.quote if previous is None else previous.quote
    same_currency(paid.tariff.currency, instance("tariff", tariff, Tariff).currency)
    offer = paid.plan.offer
    rated = rate_call(call, minutes_for(subscription, call), tariff, offer=offer)
    after = attrs.evolve(
        subscription,
        sequence=subscription.sequence + 1,
        acted_on=on,
        status=status,
        **_use_minutes(subscription, previous, rated.included),
    )
    return Decision(
        Action.RECORD_CALL,
        on,
        subscription,
        after,
        _book_charges(subscription, rated, paid.term, on),
        (),
        call_token(call),
        call=rated,
        may_overdraw=offer.calls.may_overdraw,
    )


def call_token(call: Call) -> Token:
    """Return the token of the decision that records a call; look it up to see if one exists.

    Args:
        call: the call; only its id counts.

    >>> from datetime import date, timedelta
    >>> from channelplans import Call
    >>> from channelplans.subscriptions import call_token
    >>> day, duration = date(2026, 1, 5), timedelta(minutes=3)
    >>> call_token(Call("c-1", "+1 212 555 0100", "US", day, duration))
    'call/c-1'
    """
    return join_token("call", instance("call", call, Call).id)


def quote_for(subscription: Subscription, call: Call) -> Quote:
    """Return the quote that was paid for the term of a call.

    Raises:
        OutsideTerm: see ``Subscription.term_of``.
    """
    previous = subscription.term_of(call)
    return subscription.quote if previous is None else previous.quote


def minutes_for(subscription: Subscription, call: Call) -> Allowance:
    """Return the minutes that a call finds; a call in a grace period finds none.

    Minutes that were carried into the running term are still there for calls of the term before.

    Raises:
        OutsideTerm: see ``Subscription.term_of``.
    """
    previous = subscription.term_of(call)
    paid = subscription.quote if previous is None else previous.quote
    if call.day not in paid.term:
        return _NO_MINUTES
    if previous is None:
        return subscription.allowance
    return previous.allowance.give_back(sum(subscription.allowance.carried, timedelta(0)))


def _use_minutes(
    subscription: Subscription, previous: PreviousTerm | None, duration: timedelta
) -> dict[str, Any]:
    """Return the fields of the subscription that change if a call uses minutes of its term."""
    if not duration:
        return {}
    if previous is None:
        return {"allowance": subscription.allowance.use(duration)}
    left_behind = min(duration, previous.allowance.remaining)
    used = attrs.evolve(previous, allowance=previous.allowance.use(left_behind))
    allowance = subscription.allowance.use(duration - left_behind)
    return {"previous_term": used, "allowance": allowance}


def _book_charges(
    subscription: Subscription, rated: RatedCall, term: Term, on: date
) -> tuple[Posting, ...]:
    """Return a posting for each charge of a call that costs something."""
    postings = []
    for charge in rated.charges:
        if charge.amount:
            wallet, reason = _payer(subscription, charge.payer)
            postings.append(Posting(wallet, -charge.amount, reason, on, term, rated.call.id))
    return tuple(postings)


def _payer(subscription: Subscription, payer: Payer) -> tuple[Wallet, Reason]:
    if payer is Payer.ACCOUNT:
        return Wallet(subscription.account), Reason.OVERAGE
    return Wallet(subscription.account, subscription.profile), Reason.CALL
