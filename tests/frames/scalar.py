"""What the scalar functions answer for a row: the results, and the code of the error."""

from datetime import timedelta

from channelplans import quote, refund, suggest_channels, violations
from channelplans._checks import civil_day
from channelplans.allowances import Allowance
from channelplans.calendar import Term
from channelplans.errors import ChannelPlansError
from channelplans.quantities import normalize_quantity
from channelplans.tariffs import Item

#: There is no window; None is a missing day.
WITHOUT = "without"

QUOTED = (
    "granted",
    "term_end",
    "channels_minor",
    "bundles_minor",
    "total_minor",
    "granted_seconds",
    "error",
)
REFUNDED = ("returned_minor", "kept_minor", "error")


def answer(compute, number_of_results):
    """Return the results of a computation and no code, or no results and a code."""
    try:
        return (*compute(), None)
    except ChannelPlansError as error:
        return (*[None] * number_of_results, error.code)


def normalize_row(rule, channels):
    """Return what ``normalize_frame`` must add to a row."""

    def compute():
        quantity = normalize_quantity(channels, rule)
        return quantity.granted, quantity.adjusted

    return answer(compute, 2)


def violations_row(offer, channels, bundles):
    """Return what ``violations_frame`` must add to a row."""

    def compute():
        codes = [error.code for error in violations(offer, channels=channels, bundles=bundles)]
        wanted = ("channels-out-of-range", "bundles-not-allowed")
        return tuple(code if code in codes else None for code in wanted)

    return answer(compute, 2)


def quote_of(offer, tariff, channels, bundles, on):
    """Return the quote of a row."""
    return quote(offer.plan(channels=channels, bundles=bundles), tariff, on=on)


def quoted_values(paid):
    """Return the results of ``quote_frame`` for a quote."""
    prices = dict.fromkeys(Item, 0)
    for line in paid.lines:
        prices[line.item] += line.minor
    return (
        paid.plan.channels,
        paid.term.end,
        prices[Item.CHANNELS],
        prices[Item.BUNDLES],
        paid.total.minor,
        paid.allowance.granted // timedelta(seconds=1),
    )


def quote_row(offer, tariff, channels, bundles, on):
    """Return what ``quote_frame`` must add to a row."""
    return answer(lambda: quoted_values(quote_of(offer, tariff, channels, bundles, on)), 6)


def refund_row(paid, on, used=None, rule=None):
    """Return what ``refund_frame`` must add to the row of a quote."""

    def compute():
        allowance = None
        if used is not None:
            allowance = Allowance(paid.allowance.granted, timedelta(seconds=used))
        refunded = refund(paid, on=on, allowance=allowance, rule=rule)
        return refunded.returned.minor, refunded.kept.minor

    return answer(compute, 2)


def renewals_row(offer, bought_on, on, until=WITHOUT):
    """Return what ``renewals_frame`` must add to a row; the terms of a window are walked over."""

    def compute():
        days = (bought_on, on) if until is WITHOUT else (bought_on, on, until)
        for day in days:
            civil_day("day", day)
        rule = offer.term
        anchor, since = rule.anchor(bought_on), max(bought_on, on)
        renewal = rule.nth(anchor, max(rule.number_ending(anchor, since), 0)).end
        if until is WITHOUT:
            return (renewal,)
        Term(on, until)
        window = list(terms_between(rule, bought_on, since, until))
        if not window:
            return renewal, 0, None, None
        return renewal, len(window), window[0].start, window[-1].end

    return answer(compute, 1 if until is WITHOUT else 4)


def terms_between(rule, bought_on, since, until):
    """Yield the terms of a purchase that have a day from ``since`` up to ``until``."""
    anchor = rule.anchor(bought_on)
    number = max(rule.number_ending(anchor, since), 0)
    number += rule.nth(anchor, number).end == since
    start = rule.nth(anchor, number - 1).end if number else bought_on
    while start < until:
        term = Term(start, rule.nth(anchor, number).end)
        yield term
        start, number = term.end, number + 1


def size_row(employees, guideline, offer):
    """Return what ``size_frame`` must add to a row."""

    def compute():
        suggestion = suggest_channels(employees, guideline=guideline, offer=offer)
        return suggestion.needed, suggestion.channels, len(suggestion.profiles)

    return answer(compute, 3)
