"""Requests for channels and bundles in columns."""

from collections.abc import Mapping
from typing import cast

import narwhals.stable.v2 as nw
from narwhals.stable.v2.typing import IntoFrameT

from channelplans._checks import NUMBER_LIMIT, instance
from channelplans.frames._codes import (
    BUNDLES_NOT_ALLOWED,
    CHANNELS_OUT_OF_RANGE,
    INVALID_VALUE,
    WRONG_TYPE,
)
from channelplans.frames._expressions import Division, add_divisions, choose
from channelplans.frames._work import (
    Work,
    column,
    is_missing,
    name_results,
    start_work,
)
from channelplans.plans import Offer
from channelplans.quantities import QuantityRule
from channelplans.rules import MAX_BUNDLES, BundleRule

__all__ = ["normalize_frame", "violations_frame"]


def normalize_frame(
    frame: IntoFrameT,
    rule: QuantityRule,
    *,
    channels: str = "channels",
    results: Mapping[str, str] | None = None,
) -> IntoFrameT:
    """Add the number of channels sold for each request (H5): ``normalize_quantity`` over columns.

    The results are ``granted``, ``adjusted`` (whether it differs from the request) and ``error``.

    Args:
        frame: the frame with the requests.
        rule: the numbers that are sold, and how a request is rounded.
        channels: the column with the number of channels requested.
        results: the results to add, with the names of their columns; by default all.

    Raises:
        WrongType: the frame is of an unknown engine, or a column has no usable type.
        InvalidValue: a column does not exist, or a result's column exists already.

    >>> import polars as pl
    >>> from channelplans import SKYPE_CONNECT
    >>> from channelplans.frames import normalize_frame
    >>> frame = pl.DataFrame({"channels": [20, 105, 350]})
    >>> for row in normalize_frame(frame, SKYPE_CONNECT.quantity).rows():
    ...     print(row)
    (20, 20, False, None)
    (105, 100, True, None)
    (350, None, None, 'channels-out-of-range')
    """
    instance("rule", rule, QuantityRule)
    kinds = {"granted": "whole", "adjusted": "flag", "error": "code"}
    names = name_results(results, kinds)
    work = start_work(frame, whole={"channels": channels}, results=names)
    add_granted(work, rule)
    work.add(adjusted=column("granted") != column("channels"))
    work.refuse(*number_checks(work, "channels"), range_check(rule))
    return cast(IntoFrameT, work.finish(names, kinds))


def violations_frame(
    frame: IntoFrameT,
    offer: Offer,
    *,
    channels: str = "channels",
    bundles: str | None = "bundles",
    results: Mapping[str, str] | None = None,
) -> IntoFrameT:
    """Add the code of each rule that a request breaks: ``violations`` over columns.

    The results are ``channels_error`` and ``bundles_error``, the codes of broken rules, and
    ``error``, the code if a number is missing or too long. A legal request has no code.

    Args:
        frame: the frame with the requests.
        offer: the rules.
        channels: the column with the number of channels requested.
        bundles: the column with the number of bundles requested; None if there are no bundles.
        results: the results to add, with the names of their columns; by default all.

    Raises:
        WrongType: the frame is of an unknown engine, or a column has no usable type.
        InvalidValue: a column does not exist, or a result's column exists already.

    >>> import polars as pl
    >>> from channelplans import SKYPE_CONNECT
    >>> from channelplans.frames import violations_frame
    >>> frame = pl.DataFrame({"channels": [105, 350], "bundles": [103, -1]})
    >>> for row in violations_frame(frame, SKYPE_CONNECT).rows():
    ...     print(row)
    (105, 103, None, 'bundles-not-allowed', None)
    (350, -1, 'channels-out-of-range', 'bundles-not-allowed', None)
    """
    instance("offer", offer, Offer)
    kinds = {"channels_error": "code", "bundles_error": "code", "error": "code"}
    names = name_results(results, kinds)
    requested = requested_columns(channels, bundles)
    work = start_work(frame, whole=requested, results=names)
    add_granted(work, offer.quantity)
    work.refuse(*number_checks(work, *requested))
    is_number = work.is_accepted()
    outside, code = range_check(offer.quantity)
    work.refuse((is_number & outside, code), name="channels_error")
    checks = []
    if bundles is not None:
        # Where the channels are not legal, only errors that do not depend on them are reported.
        count, rule = column("bundles"), offer.bundle
        checks.append((is_number & (count < 0), BUNDLES_NOT_ALLOWED))
        legal_channels = work.is_accepted("channels_error")
        if rule is None:
            checks.append((is_number & (count != 0), BUNDLES_NOT_ALLOWED))
        else:
            checks.append((is_number & legal_channels & _too_many(rule), BUNDLES_NOT_ALLOWED))
    work.refuse(*checks, name="bundles_error")
    return cast(IntoFrameT, work.finish(names, kinds))


def requested_columns(channels: str, bundles: str | None) -> dict[str, str]:
    """Return the columns of a request by parameter."""
    return {"channels": channels} if bundles is None else {"channels": channels, "bundles": bundles}


def add_granted(work: Work, rule: QuantityRule) -> None:
    """Add the number of channels sold, as ``granted``; for illegal requests it is meaningless."""
    name = "channels"
    if not work.wraps:
        requested, least = column(name), nw.lit(rule.minimum, dtype=nw.Int64)
        is_legal = (requested >= rule.minimum) & (requested <= rule.maximum)
        name = "legal"
        work.add(legal=nw.when(is_legal).then(requested).otherwise(least))
    steps = {f"step_{place}": step for place, step in enumerate(rule.steps)}
    add_divisions(
        work,
        [Division(result, name, step.multiple, rule.rounding) for result, step in steps.items()],
    )
    requested = column(name)
    rounded = [
        (requested > step.above, column(result) * step.multiple)
        for result, step in reversed(steps.items())
    ]
    work.add(granted=choose(rounded, requested))


def number_checks(work: Work, *parameters: str) -> list[tuple[nw.Expr, int]]:
    """Return the conditions under which columns have no number, or a number that is too long."""
    checks = []
    for parameter in parameters:
        number = column(parameter)
        too_long = (number <= -NUMBER_LIMIT) | (number >= NUMBER_LIMIT)
        checks.append((is_missing(parameter), WRONG_TYPE))
        if parameter not in work.narrow:
            checks.append((too_long, INVALID_VALUE))
    return checks


def range_check(rule: QuantityRule) -> tuple[nw.Expr, int]:
    """Return the condition under which a number of channels is not sold, with its code."""
    requested = column("channels")
    return (requested < rule.minimum) | (requested > rule.maximum), CHANNELS_OUT_OF_RANGE


def bundles_check(rule: BundleRule | None) -> tuple[nw.Expr, int]:
    """Return the condition under which bundles are not legal with legal channels, with its code."""
    count = column("bundles")
    illegal = count != 0 if rule is None else (count < 0) | _too_many(rule)
    return illegal, BUNDLES_NOT_ALLOWED


def _too_many(rule: BundleRule) -> nw.Expr:
    count = column("bundles")
    if rule.per_channel is None:
        return count > MAX_BUNDLES
    if rule.per_channel in {0, 1}:
        return count > column("granted") * rule.per_channel
    return (count > column("granted") * rule.per_channel) | (count > MAX_BUNDLES)
