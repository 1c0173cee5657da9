"""Quotes and refunds in columns."""

from collections.abc import Mapping
from datetime import timedelta
from functools import reduce
from math import isqrt
from operator import add, and_, or_
from types import MappingProxyType
from typing import Final, cast

import attrs
import narwhals.stable.v2 as nw
from narwhals.stable.v2.typing import IntoFrameT

from channelplans._checks import NUMBER_LIMIT, instance
from channelplans.calendar import Days
from channelplans.errors import InvalidValue
from channelplans.frames._codes import (
    ALLOWANCE_NEEDED,
    BEYOND_ENGINE,
    CALENDAR_ENDS,
    INVALID_VALUE,
    NOT_OFFERED,
    OUTSIDE_TERM,
    WRONG_TYPE,
)
from channelplans.frames._days import add_first_term, in_calendar, most_days
from channelplans.frames._engines import LARGEST, LARGEST_IN_DOUBLE
from channelplans.frames._expressions import Share, add_shares
from channelplans.frames._prices import Pricing, pricing_of
from channelplans.frames._work import (
    Work,
    column,
    is_missing,
    name_results,
    start_work,
)
from channelplans.frames.quantities import (
    add_granted,
    bundles_check,
    number_checks,
    range_check,
    requested_columns,
)
from channelplans.money import Rounding
from channelplans.plans import Offer
from channelplans.rules import BY_MINUTES, RefundBasis, RefundRule
from channelplans.tariffs import Item, Tariff

__all__ = ["quote_frame", "refund_frame"]

# The allowance of a quote is a timedelta, which holds no more.
_MAX_SECONDS: Final = timedelta.max // timedelta(seconds=1)

_QUOTED: Final = MappingProxyType(
    {
        "granted": "whole",
        "term_end": "day",
        "channels_minor": "whole",
        "bundles_minor": "whole",
        "total_minor": "whole",
        "granted_seconds": "whole",
        "error": "code",
    }
)

_AMOUNTS: Final = ("channels_minor", "bundles_minor", "total_minor")

_REFUNDED: Final = MappingProxyType(
    {"returned_minor": "whole", "kept_minor": "whole", "error": "code"}
)


def quote_frame(
    frame: IntoFrameT,
    offer: Offer,
    tariff: Tariff,
    *,
    channels: str = "channels",
    bundles: str | None = "bundles",
    on: str = "on",
    results: Mapping[str, str] | None = None,
) -> IntoFrameT:
    """Add the price of each plan for its first term (H1, H8, H11): ``quote`` over columns.

    The results are:

    * ``granted``: the number of channels sold.
    * ``term_end``: the first day after the term, on which it renews. The term starts on ``on``.
    * ``channels_minor``, ``bundles_minor``: the prices of the lines, in smallest units.
    * ``total_minor``: the price of all lines together, set-up fees included.
    * ``granted_seconds``: the included minutes of the term, in seconds.
    * ``error``: the code of the error that ``Offer.plan``, ``quote`` or ``Quote.total`` would
      raise, or ``beyond_engine``.

    Args:
        frame: the frame with a row for each purchase.
        offer: the rules.
        tariff: the prices.
        channels: the column with the number of channels requested.
        bundles: the column with the number of bundles requested; None if there are no bundles.
        on: the column with the first day of the term.
        results: the results to add, with the names of their columns; by default all.

    Raises:
        WrongType: the frame is of an unknown engine, or a column has no usable type.
        InvalidValue: a column does not exist, or a result's column exists already.

    >>> from datetime import date
    >>> import polars as pl
    >>> from channelplans import EUR, SKYPE_CONNECT, Tariff
    >>> from channelplans.frames import quote_frame
    >>> tariff = Tariff("made up", EUR, channel="6.95", bundle="10")
    >>> frame = pl.DataFrame(
    ...     {"channels": [20, 105], "bundles": [2, 103], "on": [date(2026, 1, 5)] * 2}
    ... )
    >>> quoted = quote_frame(frame, SKYPE_CONNECT, tariff)
    >>> for row in quoted.select("granted", "total_minor", "error").rows():
    ...     print(row)
    (20, 15900, None)
    (None, None, 'bundles-not-allowed')
    """
    instance("offer", offer, Offer)
    instance("tariff", tariff, Tariff)
    names = name_results(results, _QUOTED)
    whole = requested_columns(channels, bundles)
    work = start_work(frame, whole=whole, days={"on": on}, results=names, keeps_nulls=True)
    has_bundles = bundles is not None and offer.bundle is not None
    prices = _make_prices(offer, tariff, has_bundles=has_bundles, largest=work.largest)
    add_granted(work, offer.quantity)
    no_term = add_first_term(work, offer.term, "on")
    checks = [
        *number_checks(work, *whole),
        range_check(offer.quantity),
        *([bundles_check(offer.bundle)] if bundles is not None else []),
        (is_missing("on"), WRONG_TYPE),
        (no_term, CALENDAR_ENDS),
        *prices.channels.checks(column("granted")),
        *([(column("bundles") > 0, NOT_OFFERED)] if has_bundles and not tariff.bundle else []),
        *prices.bundles.checks(column("bundles")),
        *prices.channel_setup.checks(column("granted")),
    ]
    work.refuse(*checks)
    # Refused rows need no second mask on engines where nulls are kept by arithmetic.
    guarded = ["granted", "term_end", *(["bundles"] if has_bundles else [])]
    work.guard(*guarded)
    _add_amounts(work, offer, prices, has_bundles=has_bundles)
    if prices.highest >= NUMBER_LIMIT:
        work.refuse((column("total_minor") >= NUMBER_LIMIT, INVALID_VALUE))
        return cast(IntoFrameT, work.finish(names, _QUOTED))
    guarded += ["channels_minor", "total_minor", *(["bundles_minor"] if has_bundles else [])]
    guarded += ["granted_seconds"] if has_bundles and offer.bundle is not None else []
    return cast(IntoFrameT, work.finish(names, _QUOTED, guarded))


@attrs.frozen
class _Prices:
    """The prices of a tariff for the quantities that an offer sells."""

    channels: Pricing
    bundles: Pricing
    channel_setup: Pricing
    setup: int

    @property
    def highest(self) -> int:
        """The highest total that no line refuses."""
        lines = (self.channels, self.bundles, self.channel_setup)
        return sum(line.highest for line in lines) + self.setup


def _make_prices(offer: Offer, tariff: Tariff, *, has_bundles: bool, largest: int) -> _Prices:
    limit = offer.quantity.maximum
    most_bundles = 0
    if has_bundles and offer.bundle is not None and tariff.bundle is not None:
        most_bundles = offer.bundle.most(limit)
    prorated = offer.term.billing_day is not None
    currency = tariff.currency

    def read(item: Item, limit: int, *, prorated: bool) -> Pricing:
        price = tariff.price_of(item)
        return pricing_of(price, currency, limit, largest=largest, prorated=prorated)

    bundle_item = Item.BUNDLES if most_bundles else Item.CHANNELS
    return _Prices(
        channels=read(Item.CHANNELS, limit, prorated=prorated),
        bundles=read(bundle_item, most_bundles, prorated=prorated),
        channel_setup=read(Item.CHANNEL_SETUP, limit, prorated=False),
        setup=tariff.units(Item.SETUP, 1),
    )


def _add_amounts(work: Work, offer: Offer, prices: _Prices, *, has_bundles: bool) -> None:
    """Add the amounts and minutes of a quote; those of refused rows are meaningless."""
    granted, rule = column("granted"), offer.bundle
    zero = nw.lit(0, dtype=nw.Int64)
    bundles = column("bundles") if has_bundles else zero
    channels_price = prices.channels.expression(granted)
    bundles_price = prices.bundles.expression(bundles) if has_bundles else zero
    minutes = zero
    if rule is not None:
        minutes = bundles * (60 * rule.minutes)
        if rule.included:
            minutes = granted * (60 * rule.included) + minutes
    amounts = {
        "channels_minor": channels_price,
        "bundles_minor": bundles_price,
        "granted_seconds": minutes,
    }
    if offer.term.billing_day is None:
        work.add(**amounts)
    else:
        _add_prorated(work, offer, prices, amounts)
    if rule is not None and _most_seconds(offer) > _MAX_SECONDS:
        seconds = column("granted_seconds")
        limit = nw.lit(_MAX_SECONDS, dtype=nw.Int64)
        work.add(granted_seconds=nw.when(seconds > limit).then(limit).otherwise(seconds))
    total = column("channels_minor") + column("bundles_minor")
    if prices.channel_setup.highest:
        total = total + prices.channel_setup.expression(granted)
    if prices.setup:
        total = total + prices.setup
    work.add(total_minor=total)


def _add_prorated(
    work: Work, offer: Offer, prices: _Prices, amounts: Mapping[str, nw.Expr]
) -> None:
    """Add the part of each amount that is for the days from the purchase to the end of the term."""
    end = column("term_end")
    work.add(
        part=end - column("on"),
        full=end - column("anchor"),
        **{f"{name}_full": amount for name, amount in amounts.items()},
    )
    highest = {
        "channels_minor": prices.channels.highest,
        "bundles_minor": prices.bundles.highest,
        "granted_seconds": _most_seconds(offer),
    }
    add_shares(
        work,
        [
            Share(
                name,
                column(f"{name}_full"),
                column("part"),
                "full",
                Rounding.DOWN if name == "granted_seconds" else Rounding.HALF_UP,
                is_small=(highest[name] + 1) * most_days(offer.term.length) <= LARGEST,
            )
            for name in amounts
        ],
    )


def _most_seconds(offer: Offer) -> int:
    """Return the most included seconds of a plan."""
    rule, limit = offer.bundle, offer.quantity.maximum
    return 60 * (limit * rule.included + rule.most(limit) * rule.minutes) if rule else 0


def refund_frame(
    frame: IntoFrameT,
    offer: Offer,
    *,
    on: str = "ended_on",
    term_start: str = "on",
    term_end: str | None = "term_end",
    channels_minor: str = "channels_minor",
    bundles_minor: str = "bundles_minor",
    total_minor: str = "total_minor",
    bundles: str = "bundles",
    granted_seconds: str = "granted_seconds",
    used_seconds: str | None = None,
    rule: RefundRule | None = None,
    results: Mapping[str, str] | None = None,
) -> IntoFrameT:
    """Add the refund of each paid term that ends early (H16): ``refund`` over columns.

    A row is a paid quote with one line for channels and at most one for bundles, such as a row of
    ``quote_frame``. The results are ``returned_minor``, ``kept_minor`` and ``error``: the code of
    the error that ``refund`` would raise, or ``beyond_engine``.

    Args:
        frame: the frame with a row for each paid term.
        offer: the rules.
        on: the column with the day on which the term ends.
        term_start: the column with the first day of the term.
        term_end: the column with the first day after the term. None if each term is a first term,
            bought on its first day; with terms in days this is much faster.
        channels_minor: the column with the price that was paid for channels, in smallest units.
        bundles_minor: the column with the price that was paid for bundles.
        total_minor: the column with the price that was paid, set-up fees included.
        bundles: the column with the number of bundles. Only a rule that refunds bundles by minutes
            needs it (F 4.6), and ``granted_seconds`` and ``used_seconds``.
        granted_seconds: the column with the minutes that the quote grants, in seconds. They are not
            compared with the plan.
        used_seconds: the column with the seconds that are used.
        rule: how the refund is computed; by default the rule of the offer.
        results: the results to add, with the names of their columns; by default all.

    Raises:
        WrongType: the frame is of an unknown engine, or a column has no usable type.
        InvalidValue: a column does not exist, a result's column exists already, or the rule needs
            ``used_seconds``.

    >>> from datetime import date
    >>> import polars as pl
    >>> from channelplans import EUR, SKYPE_CONNECT, Tariff
    >>> from channelplans.frames import quote_frame, refund_frame
    >>> frame = pl.DataFrame(
    ...     {
    ...         "channels": [100, 100],
    ...         "on": [date(2026, 1, 5)] * 2,
    ...         "ended_on": [date(2026, 1, 15), date(2026, 2, 4)],
    ...     }
    ... )
    >>> tariff = Tariff("made up", EUR, channel="6.95")
    >>> quoted = quote_frame(frame, SKYPE_CONNECT, tariff, bundles=None)
    >>> refunded = refund_frame(
    ...     quoted,
    ...     SKYPE_CONNECT,
    ...     results={"returned_minor": "returned_minor", "error": "refund_error"},
    ... )
    >>> for row in refunded.select("returned_minor", "refund_error").rows():
    ...     print(row)
    (46333, None)
    (None, 'outside-term')
    """
    rule = instance("offer", offer, Offer).refund if rule is None else rule
    instance("rule", rule, RefundRule)
    names = name_results(results, _REFUNDED)
    whole = dict(zip(_AMOUNTS, (channels_minor, bundles_minor, total_minor), strict=True))
    by_minutes = rule.channels in BY_MINUTES or rule.bundles in BY_MINUTES
    if by_minutes:
        if used_seconds is None:
            expected = "a column, because the rule refunds by minutes"
            raise InvalidValue("used_seconds", "None", expected)
        whole |= {"granted_seconds": granted_seconds, "used_seconds": used_seconds}
        whole |= {"bundles": bundles} if rule.channels not in BY_MINUTES else {}
    days = {"on": on, "term_start": term_start}
    days |= {} if term_end is None else {"term_end": term_end}
    work = start_work(frame, whole=whole, days=days, results=names, keeps_nulls=True)
    if term_end is None:
        no_term = [(add_first_term(work, offer.term, "term_start"), CALENDAR_ENDS)]
    else:
        no_term = _term_checks(most_days(offer.term.length))
    checks = [
        (_any(*map(is_missing, (*_AMOUNTS, *[name for name in days if name != "on"]))), WRONG_TYPE),
        *no_term,
        *_amount_checks(work, rule, offer),
        *(_allowance_checks() if by_minutes else []),
        (is_missing("on"), WRONG_TYPE),
        (~in_calendar(column("on")), CALENDAR_ENDS),
        (column("on") >= column("term_end"), OUTSIDE_TERM),
        *(_use_checks(work, rule) if by_minutes else []),
    ]
    work.refuse(*checks)
    # Where these are null, each unused part is null, and so is what is multiplied by it.
    work.guard("on", "total_minor", *(["granted_seconds", "used_seconds"] if by_minutes else []))
    length = offer.term.length
    constant = length.count if term_end is None and isinstance(length, Days) else None
    _add_refund(work, rule, constant, is_small=_is_small(offer))
    returns_part = {rule.channels, rule.bundles} != {RefundBasis.NOTHING}
    guarded = ["returned_minor"] if returns_part else []
    return cast(IntoFrameT, work.finish(names, _REFUNDED, [*guarded, "kept_minor"]))


def _any(*conditions: nw.Expr) -> nw.Expr:
    return reduce(or_, conditions)


def _term_checks(limit: int) -> list[tuple[nw.Expr, int]]:
    """Return the checks of terms that the caller passes."""
    start, end = column("term_start"), column("term_end")
    outside = ~in_calendar(start) | ~in_calendar(end)
    return [(outside, CALENDAR_ENDS), ((end <= start) | (end - start > limit), INVALID_VALUE)]


def _largest_amount(offer: Offer) -> int:
    """Return the largest amount whose product with the days of a term can be rounded exactly."""
    return LARGEST // most_days(offer.term.length) - 1


def _is_small(offer: Offer) -> bool:
    """Return whether all amounts up to 2^53 can be multiplied by the days of a term."""
    return _largest_amount(offer) >= LARGEST_IN_DOUBLE


def _amount_checks(work: Work, rule: RefundRule, offer: Offer) -> list[tuple[nw.Expr, int]]:
    """Return the checks of paid amounts, and of the largest amount that can be divided."""
    amounts = [*map(column, _AMOUNTS)]
    illegal = _any(*((amount < 0) | (amount >= NUMBER_LIMIT) for amount in amounts))
    limit = _largest_amount(offer) if _is_small(offer) else work.largest
    bases = (rule.channels, rule.bundles, RefundBasis.NOTHING)
    divided = [
        (amount > limit, BEYOND_ENGINE)
        for amount, basis in zip(amounts, bases, strict=True)
        if basis is not RefundBasis.NOTHING and limit < NUMBER_LIMIT
    ]
    return [(illegal, INVALID_VALUE), *divided]


def _allowance_checks() -> list[tuple[nw.Expr, int]]:
    """Return the checks of an ``Allowance``."""
    granted, used = column("granted_seconds"), column("used_seconds")
    illegal = (used < 0) | (granted < 0) | (granted > _MAX_SECONDS) | (used > granted)
    return [(is_missing("granted_seconds"), WRONG_TYPE), (illegal, INVALID_VALUE)]


def _use_checks(work: Work, rule: RefundRule) -> list[tuple[nw.Expr, int]]:
    """Return the checks of the minutes used within a term."""
    begun = column("on") >= column("term_start")
    # A line for channels always exists, a line for bundles only if there are any.
    has_line = [] if rule.channels in BY_MINUTES else [column("bundles") > 0]
    needed = reduce(and_, [begun, is_missing("used_seconds"), *has_line])
    # Two numbers up to the seconds granted are multiplied, and half the seconds granted is added.
    too_large = begun & (column("granted_seconds") >= isqrt(work.largest))
    return [(needed, ALLOWANCE_NEEDED), (too_large, BEYOND_ENGINE)]


def _add_refund(work: Work, rule: RefundRule, days: int | None, *, is_small: bool) -> None:
    """Add what is refunded and kept; ``days`` is the length of all terms, or None if it varies."""
    start, end, on = map(column, ("term_start", "term_end", "on"))
    undone, accepted = on < start, work.is_accepted()
    zero, one = nw.lit(0, dtype=nw.Int64), nw.lit(1, dtype=nw.Int64)
    bases = (rule.channels, rule.bundles)
    unused_days = end - on - int(rule.change_day_used) if rule.change_day_used else end - on
    if not work.wraps:
        unused_days = nw.when(undone).then(zero).otherwise(unused_days)
    columns = {"unused_days": unused_days.cast(nw.Int64)}
    if days is None:
        columns["days"] = nw.when(accepted).then((end - start).cast(nw.Int64)).otherwise(one)
    if rule.channels in BY_MINUTES or rule.bundles in BY_MINUTES:
        granted = column("granted_seconds")
        # A row without bundles needs no minutes.
        used = nw.when(is_missing("used_seconds")).then(zero).otherwise(column("used_seconds"))
        columns["seconds"] = nw.when(accepted & (granted > 0)).then(granted).otherwise(one)
        columns["unused_seconds"] = nw.when(undone).then(zero).otherwise(granted - used)
    work.add(**columns)
    whole = "days" if days is None else days
    shares = []
    for item, basis in zip(_AMOUNTS, bases, strict=False):
        amount = column(item)
        if basis in {RefundBasis.TIME, RefundBasis.SMALLER}:
            unused = column("unused_days")
            shares.append(
                Share(f"{item}_by_time", amount, unused, whole, rule.rounding, is_small=is_small)
            )
        if basis in BY_MINUTES:
            unused = column("unused_seconds")
            shares.append(Share(f"{item}_by_minutes", amount, unused, "seconds", rule.rounding))
    add_shares(work, shares)
    refunds = [
        _refund_of(item, basis)
        for item, basis in zip(_AMOUNTS, bases, strict=False)
        if basis is not RefundBasis.NOTHING
    ]
    returned, total = reduce(add, refunds) if refunds else zero, column("total_minor")
    work.add(returned_minor=nw.when(undone).then(total).otherwise(returned))
    work.add(kept_minor=total - column("returned_minor"))


def _refund_of(item: str, basis: RefundBasis) -> nw.Expr:
    by_time, by_minutes = column(f"{item}_by_time"), column(f"{item}_by_minutes")
    if basis is RefundBasis.SMALLER:
        # Rounding keeps the order, so the smaller part gives the smaller refund.
        return nw.when(by_time < by_minutes).then(by_time).otherwise(by_minutes)
    return by_time if basis is RefundBasis.TIME else by_minutes
