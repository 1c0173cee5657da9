"""Calls in columns: the minutes that an allowance pays, and the price of the rest."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from fractions import Fraction
from math import lcm
from types import MappingProxyType
from typing import Final, cast

import attrs
import narwhals.stable.v2 as nw
from narwhals.stable.v2.typing import IntoFrameT

from channelplans._checks import NUMBER_LIMIT, instance, several, text as check_text
from channelplans._numbers import is_prefix
from channelplans.errors import InvalidValue, WrongType, quoted
from channelplans.frames._codes import (
    BARRED_NUMBER,
    BEYOND_ENGINE,
    INVALID_VALUE,
    UNKNOWN_RATE,
    WRONG_TYPE,
)
from channelplans.frames._expressions import choose, look_up, ratio
from channelplans.frames._texts import (
    add_digits,
    add_international,
    is_number,
    is_text,
    remove_prefix,
)
from channelplans.frames._work import (
    Work,
    column,
    is_missing,
    name_results,
    start_work,
)
from channelplans.money import Currency, Rounding
from channelplans.plans import Offer
from channelplans.rules import BundleRule, CallRule
from channelplans.tariffs import Rate, Tariff, format_rate

__all__ = ["rate_calls_frame"]

_RATED: Final = MappingProxyType(
    {
        "counted_seconds": "whole",
        "included_seconds": "whole",
        "overage_seconds": "whole",
        "other_seconds": "whole",
        "charge_minor": "whole",
        "error": "code",
    }
)

_SECOND: Final = timedelta(seconds=1)

# The most seconds of a call and of an allowance, which are 68 years. The sum of 2^31 of them fits
# 64 bits, so the calls of a subscription can be added up.
_MOST_SECONDS: Final = 2**31

# The counted length of a call: its seconds, a minimum and a step.
_MOST_COUNTED: Final = 2 * _MOST_SECONDS


def rate_calls_frame(
    frame: IntoFrameT,
    offer: Offer,
    tariff: Tariff,
    *,
    number: str = "number",
    destination: str = "destination",
    seconds: str = "seconds",
    granted_seconds: str | None = "granted_seconds",
    used_seconds: str | None = None,
    subscription: str | None = "subscription",
    order: Sequence[str] = ("day", "call"),
    results: Mapping[str, str] | None = None,
) -> IntoFrameT:
    """Add the included minutes and the charge of each call (H13): ``rate_call`` over columns.

    The calls of a subscription use its allowance in their order, as if ``Allowance.use`` followed
    each ``rate_call``. A refused call uses no minutes. The results are:

    * ``counted_seconds``: the counted length of the call.
    * ``included_seconds``: the part that comes from the allowance.
    * ``overage_seconds``: the part that a bundle covers after its minutes are used up. The account
      pays it.
    * ``other_seconds``: the part that no bundle covers. The profile pays it.
    * ``charge_minor``: the charge for overage or for the other part, in smallest units.
    * ``error``: the code of the error that ``Call``, ``Allowance`` or ``rate_call`` would raise, or
      ``beyond_engine``.

    A call or an allowance of more than 68 years has the error ``beyond_engine``. Such a call uses
    all minutes that are left.

    Args:
        frame: the frame with a row for each call.
        offer: the rules for counting calls and for bundles, in whole seconds.
        tariff: the prices.
        number: the column with the number that was dialled.
        destination: the column with the destination, named as in the offer and the tariff.
        seconds: the column with the duration in whole seconds. Round a part of a second up: the
            rules count whole seconds, rounded up, so this changes no result.
        granted_seconds: the column with the included time of the subscription for the term, in
            seconds, with the time carried over. It must be the same for all calls of a
            subscription. None if no subscription has included time.
        used_seconds: the column with the included time that was used before the first of the
            calls, in seconds, the same for all calls of a subscription. None if none was used.
        subscription: the column with the subscription that a call belongs to; None if all calls
            belong to one.
        order: the columns that put the calls of a subscription in order. Together they must be
            different for each of its calls.
        results: the results to add, with the names of their columns; by default all.

    Raises:
        WrongType: the frame is of an unknown engine, or a column has no usable type. Or the frame
            is a table of pyarrow, and ``subscription`` is not None.
        InvalidValue: a column does not exist, or a result's column exists already. Or a rule counts
            parts of a second, or a price of calls is too high for 64 bits.

    >>> from datetime import date
    >>> import polars as pl
    >>> from channelplans import EUR, SKYPE_CONNECT, Tariff
    >>> from channelplans.frames import rate_calls_frame
    >>> tariff = Tariff("made up", EUR, channel="6.95", bundle="10", minute="0.021")
    >>> calls = pl.DataFrame(
    ...     {
    ...         "subscription": ["s-1"] * 3,
    ...         "call": ["c-1", "c-2", "c-3"],
    ...         "day": [date(2026, 1, 5)] * 3,
    ...         "number": ["+1 212 555 0100", "+1 212 555 0100", "911"],
    ...         "destination": ["US"] * 3,
    ...         "seconds": [600, 600, 60],
    ...         "granted_seconds": [900] * 3,
    ...     }
    ... )
    >>> rated = rate_calls_frame(calls, SKYPE_CONNECT, tariff)
    >>> for row in rated.select("included_seconds", "overage_seconds", "charge_minor").rows():
    ...     print(row)
    (600, 0, 0)
    (300, 300, 11)
    (None, None, None)
    >>> rated["error"].to_list()
    [None, None, 'barred-number']
    """
    instance("offer", offer, Offer)
    prices = _make_rate_index(offer, instance("tariff", tariff, Tariff))
    names = name_results(results, _RATED)
    ordered = {f"order[{place}]": name for place, name in enumerate(_check_order(order))}
    kept = ordered if subscription is None else {"subscription": subscription, **ordered}
    allowance = {"granted_seconds": granted_seconds, "used_seconds": used_seconds}
    whole = {"seconds": seconds, **{key: name for key, name in allowance.items() if name}}
    texts = {"number": number, "destination": destination}
    work = start_work(frame, whole=whole, texts=texts, kept=kept, results=names)
    if work.engine.is_pyarrow() and subscription is not None:
        expected = "a frame of another engine, or subscription=None, because pyarrow has no windows"
        raise WrongType("frame", "a table of pyarrow", expected)
    charges = [_make_charge(rate, offer, tariff.currency, work.largest) for rate in prices.rates]
    add_digits(work, "number")
    _add_rate(work, offer.bundle, prices)
    unordered = [(nw.col(name).is_null(), WRONG_TYPE) for name in kept.values()]
    work.refuse(*unordered, *_call_checks(whole), *_rate_checks(offer))
    _add_counted(work, charges)
    _add_included(work, offer, whole, subscription, tuple(ordered.values()))
    _add_charge(work, charges)
    return cast(IntoFrameT, work.finish(names, _RATED))


def _check_order(order: Sequence[str]) -> tuple[str, ...]:
    names = several("order", order, check_text)
    if not names:
        expected = 'at least one column, such as ("started_at",)'
        raise InvalidValue("order", "no column", expected)
    return names


@attrs.frozen
class _RateIndex:
    """The rates of a tariff, and where each of them applies.

    Attributes:
        rates: the different rates, at least one.
        prefixes: the index of the rate of each prefix.
        destinations: the index of the rate of each destination.
        area: the index of the rate of the other destinations in the area; None without such a rate.
    """

    rates: tuple[Rate, ...]
    prefixes: Mapping[str, int]
    destinations: Mapping[str, int]
    area: int | None


def _make_rate_index(offer: Offer, tariff: Tariff) -> _RateIndex:
    area_rate = None if tariff.minute is None or offer.bundle is None else Rate(tariff.minute)
    listed = [*tariff.rates.values(), *([] if area_rate is None else [area_rate])]
    # Without any rate, every call is refused, and none uses this one.
    rates = tuple(dict.fromkeys(listed)) or (Rate(0),)
    indexes = {key: rates.index(rate) for key, rate in tariff.rates.items()}
    return _RateIndex(
        rates=rates,
        prefixes={key: index for key, index in indexes.items() if is_prefix(key)},
        destinations={key: index for key, index in indexes.items() if not is_prefix(key)},
        area=None if area_rate is None else rates.index(area_rate),
    )


@attrs.frozen
class _Charge:
    """How a rate counts a call and charges what the allowance does not cover, in whole numbers.

    The charge is max(``least``, ``connection`` + seconds x ``second``) / ``denominator``.

    Attributes:
        minimum: the shortest counted length.
        step: the length to which a longer call is rounded up.
        second: the price of a second before the division.
        connection: the price of a call before the division.
        least: the smallest charge before the division.
        denominator: the denominator of the prices.
        rounding: how the charge is rounded.
        longest: the most seconds that the engine can charge exactly; -1 if there are none.
    """

    minimum: int
    step: int
    second: int
    connection: int
    least: int
    denominator: int
    rounding: Rounding
    longest: int


def _make_charge(rate: Rate, offer: Offer, currency: Currency, largest: int) -> _Charge:
    rule = offer.calls if rate.counting is None else rate.counting
    second = Fraction(rate.minute) * currency.units / 60
    connection = Fraction(rate.connection) * currency.units
    least = Fraction(rate.minimum_charge) * currency.units
    if max(least, connection + second * _MOST_COUNTED) >= NUMBER_LIMIT - 1:
        expected = f"prices at which {_MOST_COUNTED:,} seconds cost less than 18 digits"
        raise InvalidValue("tariff", format_rate(rate, currency.code), expected)
    common = lcm(second.denominator, connection.denominator, least.denominator)
    limit = largest - common
    per_second, once, at_least = (int(price * common) for price in (second, connection, least))
    longest = _MOST_COUNTED
    if max(per_second, once, at_least) > limit:
        per_second, once, at_least, longest = 0, 0, 0, -1
    elif per_second:
        longest = min(longest, (limit - once) // per_second)
    return _Charge(
        minimum=_whole_seconds(rule, rule.minimum),
        step=_whole_seconds(rule, rule.step),
        second=per_second,
        connection=once,
        least=at_least,
        denominator=common,
        rounding=rule.rounding,
        longest=longest,
    )


def _whole_seconds(rule: CallRule | BundleRule, length: timedelta) -> int:
    """Return a length in seconds; refuse parts of a second, which the frame does not have."""
    if length % _SECOND:
        raise InvalidValue("offer", quoted(str(rule)), "rules in whole seconds")
    return length // _SECOND


def _add_rate(work: Work, bundle: BundleRule | None, prices: _RateIndex) -> None:
    """Add the place of the rate of each call, or -1, and whether bundles cover it.

    The columns are ``rate`` and ``covered``.
    """
    zero = nw.lit(0, dtype=nw.Int64)
    area = column("destination").is_in(bundle.area) if bundle else zero == 1
    work.add(in_area=area)
    excluded = bundle.excluded_prefixes if bundle else ()
    if excluded or prices.prefixes:
        add_international(work, "number")
    covered = column("in_area")
    if bundle and (excluded or prices.prefixes):
        international = column("international")
        national = nw.when(international == "").then(
            remove_prefix(column("digits"), bundle.trunk_prefix)
        )
        work.add(
            national=national.otherwise(remove_prefix(international, bundle.calling_code)),
            is_national=column("in_area") & (international == ""),
        )
        for prefix in excluded:
            covered = covered & ~column("national").str.starts_with(prefix)
    rates = [*_add_prefix_rates(work, bundle, prices.prefixes)]
    if prices.destinations:
        work.add(destination_rate=look_up(column("destination"), prices.destinations, -1))
        rates.append(column("destination_rate"))
    otherwise = nw.lit(-1, dtype=nw.Int64)
    if prices.area is not None:
        place = nw.lit(prices.area, dtype=nw.Int64)
        otherwise = nw.when(column("in_area")).then(place).otherwise(otherwise)
    work.add(covered=covered, rate=choose([(rate >= 0, rate) for rate in rates], otherwise))


def _add_prefix_rates(
    work: Work, bundle: BundleRule | None, prefixes: Mapping[str, int]
) -> list[nw.Expr]:
    """Add the place of the rate of the prefix of each length; the longest comes first."""
    if not prefixes:
        return []
    dialled = column("international")
    if bundle:
        completed = nw.concat_str(nw.lit(bundle.calling_code), column("national"))
        dialled = nw.when(column("is_national")).then(completed).otherwise(dialled)
    work.add(dialled=dialled)
    lengths = sorted({*map(len, prefixes)}, reverse=True)
    for length in lengths:
        of_length = {key: place for key, place in prefixes.items() if len(key) == length}
        key = column("dialled").str.slice(0, length)
        work.add(**{f"prefix_{length}_rate": look_up(key, of_length, -1)})
    return [column(f"prefix_{length}_rate") for length in lengths]


def _call_checks(whole: Mapping[str, str]) -> list[tuple[nw.Expr, int]]:
    """Return the checks of a ``Call`` and of an ``Allowance``, in their order."""
    checks = [
        (is_missing("number"), WRONG_TYPE),
        (~is_text("number"), INVALID_VALUE),
        (is_missing("destination"), WRONG_TYPE),
        (~is_text("destination"), INVALID_VALUE),
        (is_missing("seconds"), WRONG_TYPE),
        (~is_number("number"), INVALID_VALUE),
        (column("seconds") < 0, INVALID_VALUE),
    ]
    allowance = [name for name in ("granted_seconds", "used_seconds") if name in whole]
    checks += [(is_missing(name), WRONG_TYPE) for name in allowance]
    checks += [(column(name) < 0, INVALID_VALUE) for name in allowance]
    if "used_seconds" in whole:
        granted = column("granted_seconds") if "granted_seconds" in whole else 0
        checks.append((column("used_seconds") > granted, INVALID_VALUE))
    return checks


def _rate_checks(offer: Offer) -> list[tuple[nw.Expr, int]]:
    """Return the checks of a call's number and rate."""
    unknown = (column("rate") < 0, UNKNOWN_RATE)
    barred = offer.calls.barred_numbers
    return [(column("digits").is_in(barred), BARRED_NUMBER), unknown] if barred else [unknown]


def _add_counted(work: Work, charges: Sequence[_Charge]) -> None:
    """Add the counted length of each call; that of refused calls is 0."""
    seconds = column("seconds")
    zero, longest = nw.lit(0, dtype=nw.Int64), nw.lit(_MOST_SECONDS, dtype=nw.Int64)
    too_long = seconds > _MOST_SECONDS
    shortened = nw.when(too_long).then(longest).otherwise(seconds)
    work.add(
        length=work.zero_if_refused(shortened),
        rate=work.zero_if_refused(column("rate")),
    )
    work.refuse((too_long, BEYOND_ENGINE))
    work.add(minimum=_fact(charges, "minimum"), step=_fact(charges, "step"))
    length, minimum, step = map(column, ("length", "minimum", "step"))
    work.add(above=nw.when(length > minimum).then(length - minimum).otherwise(zero))
    counted = (column("above") + step - 1) // step * step + minimum
    work.add(counted_seconds=nw.when(length > 0).then(counted).otherwise(zero))


def _fact(charges: Sequence[_Charge], name: str) -> nw.Expr:
    """Return one number of the rate of each call."""
    numbers = {place: getattr(charge, name) for place, charge in enumerate(charges)}
    return look_up(column("rate"), numbers, numbers[0])


def _add_included(
    work: Work,
    offer: Offer,
    whole: Mapping[str, str],
    subscription: str | None,
    order: Sequence[str],
) -> None:
    """Add the part of each call that the allowance pays.

    Earlier calls have used the sum of the minutes that they would use alone, or all minutes.
    """
    zero, bundle = nw.lit(0, dtype=nw.Int64), offer.bundle
    if bundle is None or "granted_seconds" not in whole:
        work.add(has_minutes=zero == 1, included_seconds=zero)
        return
    granted = column("granted_seconds")
    work.refuse((granted > _MOST_SECONDS, BEYOND_ENGINE))
    used = column("used_seconds") if "used_seconds" in whole else zero
    longest = nw.lit(_MOST_SECONDS, dtype=nw.Int64)
    work.add(available=nw.when(granted > _MOST_SECONDS).then(longest).otherwise(granted - used))
    has_minutes = column("covered") & (granted > 0)
    counted, available = column("counted_seconds"), column("available")
    alone = counted
    if bundle.longest_call is not None:
        limit = _whole_seconds(bundle, bundle.longest_call)
        alone = nw.when(alone > limit).then(nw.lit(limit, dtype=nw.Int64)).otherwise(alone)
    work.add(has_minutes=has_minutes, alone=nw.when(has_minutes).then(alone).otherwise(zero))
    work.add(alone=nw.when(column("alone") > available).then(available).otherwise(column("alone")))
    together = column("alone").cum_sum()
    groups = [] if subscription is None else [subscription]
    work.add(together=together.over(*groups, order_by=list(order)).cast(nw.Int64))
    left = available - (column("together") - column("alone"))
    work.add(left=nw.when(left > 0).then(left).otherwise(zero))
    left, alone = column("left"), column("alone")
    work.add(included_seconds=nw.when(alone > left).then(left).otherwise(alone))


def _add_charge(work: Work, charges: Sequence[_Charge]) -> None:
    """Add the parts that are not included, and their charge."""
    zero = nw.lit(0, dtype=nw.Int64)
    work.add(
        rest=work.zero_if_refused(column("counted_seconds") - column("included_seconds")),
        longest=_fact(charges, "longest"),
        **{name: _fact(charges, name) for name in ("second", "connection", "least")},
    )
    rest, has_minutes = column("rest"), column("has_minutes")
    too_much = (rest > 0) & (rest > column("longest"))
    work.add(
        overage_seconds=nw.when(has_minutes).then(rest).otherwise(zero),
        other_seconds=nw.when(has_minutes).then(zero).otherwise(rest),
        charged=nw.when(too_much).then(zero).otherwise(rest),
    )
    work.refuse((too_much, BEYOND_ENGINE))
    charged, least = column("charged"), column("least")
    work.add(
        price=column("connection") + charged * column("second"),
        denominator=_fact(charges, "denominator"),
    )
    work.add(price=nw.when(column("price") < least).then(least).otherwise(column("price")))
    work.add(charge_minor=nw.when(charged > 0).then(_round(charges)).otherwise(zero))


def _round(charges: Sequence[_Charge]) -> nw.Expr:
    """Return the price, divided and rounded as the rate says."""
    roundings = [*dict.fromkeys(charge.rounding for charge in charges)]
    places = {place: roundings.index(charge.rounding) for place, charge in enumerate(charges)}
    price, denominator = column("price"), column("denominator")
    *rounded, last = [ratio(price, denominator, rounding) for rounding in roundings]
    if not rounded:
        return last
    kind = look_up(column("rate"), places, 0)
    return choose([(kind == place, value) for place, value in enumerate(rounded)], last)
