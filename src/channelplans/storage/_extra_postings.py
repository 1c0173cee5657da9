"""Postings that the application adds to a decision, such as tax.

They are committed with the decision or not at all. What they are for is not known here.
"""

from collections.abc import Callable, Iterable
from typing import TypeAlias

import attrs

from channelplans._checks import instance, shown
from channelplans.errors import InvalidValue, WrongType, quoted
from channelplans.subscriptions.decisions import Decision
from channelplans.subscriptions.wallets import Posting

__all__: tuple[str, ...] = ()

ExtraPostings: TypeAlias = Callable[[Decision], Iterable[Posting]]


def check_extra_postings(function: ExtraPostings | None) -> ExtraPostings | None:
    """Return the function that gives the extra postings; None if there are none."""
    if function is None or callable(function):
        return function
    raise WrongType("extra_postings", shown(function), "a function of a Decision, or None")


def add_extra_postings(decision: Decision, function: ExtraPostings | None) -> Decision:
    """Return a decision with the application's postings after its own."""
    if function is None:
        return decision
    postings: object = function(decision)
    if not isinstance(postings, Iterable):
        expected = "postings, such as a list; an empty list adds none"
        raise WrongType("extra_postings()", shown(postings), expected)
    added = tuple(_check_posting(posting, decision) for posting in postings)
    return attrs.evolve(decision, postings=decision.postings + added)


def _check_posting(posting: object, decision: Decision) -> Posting:
    """Return a posting; refuse one that a store could not book together with the decision."""
    parameter, after = "extra_postings()", decision.after
    checked = instance(parameter, posting, Posting)
    if checked.wallet.account != after.account:
        expected = f"on wallets of account {quoted(after.account)}"
        raise InvalidValue(parameter, f"on the wallet of {checked.wallet}", expected)
    if checked.on != decision.on:
        raise InvalidValue(parameter, f"on {checked.on}", f"on {decision.on}, as the decision")
    if checked.value_date not in (None, decision.counts_from):
        expected = "left out: the service gives all postings of a late run their value date"
        raise InvalidValue(f"{parameter}.value_date", str(checked.value_date), expected)
    currency, code = after.quote.tariff.currency, checked.amount.currency
    if code != currency:
        raise InvalidValue(parameter, f"in {code}", f"in {currency}, as the subscription")
    return checked
