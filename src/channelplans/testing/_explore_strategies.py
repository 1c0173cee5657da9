"""Strategies for calls that happened, and for reports about them.

Import these functions from ``channelplans.testing.strategies``.
"""

# ruff: noqa: D417 - Hypothesis passes `draw`, so it is not an argument of the caller.

from datetime import UTC, datetime, time, timedelta, timezone

from hypothesis import strategies as st

from channelplans.explore.call_logs import CallInterval, CallLog, RefusedRow
from channelplans.explore.replays import Replay, ReplayedCall, replay
from channelplans.explore.traffic import Load, TrafficReport, measure_traffic
from channelplans.testing._kernel_strategies import days, names
from channelplans.testing._made_once import lists, made_once, one_of, timedeltas

_ZERO = timedelta(0)


@made_once
@st.composite
def call_intervals(
    draw: st.DrawFn,
    *,
    first: datetime | None = None,
    within: timedelta = timedelta(days=7),
    longest: timedelta = timedelta(hours=3),
) -> CallInterval:
    """Calls that happened, some of length zero, without an identifier.

    Args:
        first: the earliest start; None generates a midnight in UTC.
        within: how long after ``first`` a call can start.
        longest: the greatest length of a call.
    """
    first = first or datetime.combine(draw(days()), time(), UTC)
    # Whole minutes, so that calls often start at the same moment or when another ends.
    start = first + draw(one_of(_minutes(within), timedeltas(_ZERO, within)))
    return CallInterval(start, draw(one_of(_minutes(longest), timedeltas(_ZERO, longest))))


@made_once
def _minutes(most: timedelta) -> st.SearchStrategy[timedelta]:
    return st.integers(0, most // timedelta(minutes=1)).map(lambda count: timedelta(minutes=count))


@made_once
@st.composite
def call_logs(draw: st.DrawFn, *, calls: int = 8) -> CallLog:
    """Logs of at least one call within a week, with some refused rows.

    Args:
        calls: the largest number of calls.
    """
    first = datetime.combine(draw(days()), time(), UTC)
    drawn = draw(st.lists(call_intervals(first=first), min_size=1, max_size=calls))
    refused = draw(lists(refused_rows(), max_size=2))
    return CallLog(tuple(drawn), tuple(refused))


@made_once
def refused_rows() -> st.SearchStrategy[RefusedRow]:
    """Refused rows with a number and any reason."""
    return st.builds(RefusedRow, st.integers(1, 999), names())


@made_once
def loads() -> st.SearchStrategy[Load]:
    """Loads with observed time."""
    lengths = st.timedeltas(_ZERO, timedelta(days=99))
    observed = st.timedeltas(timedelta(hours=1), timedelta(days=99))
    return st.builds(Load, lengths, observed)


@made_once
def traffic_reports() -> st.SearchStrategy[TrafficReport]:
    """Reports of generated logs, in zones whose offset is whole hours or not."""
    offsets = st.sampled_from([timedelta(hours=-8), _ZERO, timedelta(hours=5, minutes=45)])
    return st.builds(
        lambda log, offset: measure_traffic(log.calls, zone=timezone(offset)), call_logs(), offsets
    )


@made_once
def replayed_calls() -> st.SearchStrategy[ReplayedCall]:
    """Calls with a channel from 1 on, with 0 if they need none, or with None if refused."""
    return st.builds(ReplayedCall, call_intervals(), st.none() | st.integers(0, 300))


@made_once
def replays() -> st.SearchStrategy[Replay]:
    """Replays of generated logs with a few channels."""
    return st.builds(
        lambda log, channels: replay(log.calls, channels=channels), call_logs(), st.integers(0, 5)
    )
