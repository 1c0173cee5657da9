"""Properties of measured traffic and of replays, compared with plain counting on small logs."""

from array import array
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, strategies as st

from channelplans.explore import (
    CallInterval,
    fewest_channels,
    measure_traffic,
    read_calls,
    replay,
)
from channelplans.explore._timeline import Timeline

pytestmark = pytest.mark.slow

NOTHING, HOUR = timedelta(0), timedelta(hours=1)
STEP = timedelta(minutes=10)
SECOND = timedelta(seconds=1)
ZONES = [UTC, *map(ZoneInfo, ("Europe/Warsaw", "Australia/Lord_Howe", "Asia/Kathmandu"))]
# In each of these days, the clock of one of the zones changes.
DAYS = [date(2026, 3, 28), date(2026, 10, 24), date(2026, 4, 4), date(2026, 1, 5)]


@st.composite
def logs(draw, max_calls=12, longest=40):
    """Draw calls that start at multiples of ten minutes, within four days."""
    midnight = datetime.combine(draw(st.sampled_from(DAYS)), datetime.min.time(), UTC)
    places = st.tuples(st.integers(0, 4 * 144), st.integers(0, longest))
    near_places = st.tuples(st.integers(0, 20), st.integers(0, longest))
    drawn = draw(st.lists(places | near_places, min_size=1, max_size=max_calls))
    return [
        CallInterval(midnight + start * STEP, length * STEP, f"c-{number}")
        for number, (start, length) in enumerate(drawn)
    ]


def count_running(calls, moment):
    """Return how many calls run at a moment."""
    return sum(call.start <= moment < call.end for call in calls)


def list_steps(calls):
    """Return the beginning of each ten minutes from the first start to the last end."""
    first, last = min(call.start for call in calls), max(call.end for call in calls)
    return [first + number * STEP for number in range((last - first) // STEP + 1)]


@given(logs(), st.sampled_from(ZONES))
def test_talk_time_of_hours_and_weekdays_is_the_talk_time_of_the_calls(calls, zone):
    """No part of a call is lost or counted twice, whatever the clock does."""
    report = measure_traffic(calls, zone=zone)
    total = sum((call.duration for call in calls), NOTHING)

    assert total == report.talk_time
    assert total == sum((load.talk_time for load in report.hours), NOTHING)
    assert total == sum((load.talk_time for load in report.weekdays), NOTHING)
    observed = sum((load.observed for load in report.hours), NOTHING)
    assert observed == sum((load.observed for load in report.weekdays), NOTHING)


@given(logs(), st.sampled_from(ZONES))
def test_hours_are_those_of_counting_each_ten_minutes(calls, zone):
    """Ten minutes have the same number of calls and the same hour of the clock throughout."""
    report = measure_traffic(calls, zone=zone)
    talk = [NOTHING] * 24
    weekday_talk = [NOTHING] * 7
    # The clocks of all zones are at multiples of five minutes when an hour begins.
    for moment in list_steps(calls):
        for half in (moment, moment + STEP / 2):
            local = half.astimezone(zone)
            talk[local.hour] += count_running(calls, half) * STEP / 2
            weekday_talk[local.weekday()] += count_running(calls, half) * STEP / 2

    assert talk == [load.talk_time for load in report.hours]
    assert weekday_talk == [load.talk_time for load in report.weekdays]
    averages = [
        Fraction(load.talk_time // SECOND, max(load.observed // SECOND, 1)) for load in report.hours
    ]
    assert averages.index(max(averages)) == report.busy_hour


@given(logs(), st.sampled_from(ZONES))
def test_observed_time_is_that_of_whole_days(calls, zone):
    """The days from the first to the last begin and end at midnight of the zone."""
    report = measure_traffic(calls, zone=zone)
    begin = datetime.combine(report.first_day, datetime.min.time(), zone)
    end = datetime.combine(report.last_day + timedelta(1), datetime.min.time(), zone)
    observed = sum((load.observed for load in report.hours), NOTHING)

    assert observed == end.astimezone(UTC) - begin.astimezone(UTC)


@given(logs())
def test_peak_is_the_largest_count(calls):
    """No moment has more calls, and no earlier moment has as many."""
    report = measure_traffic(calls, zone=UTC)
    counts = [(count_running(calls, moment), moment) for moment in list_steps(calls)]
    peak = max(count for count, _ in counts)

    assert peak == report.peak
    assert min(moment for count, moment in counts if count == peak) == report.peak_at


@given(logs())
def test_sliding_hour_is_the_best_of_all_windows(calls):
    """With events at multiples of ten minutes, the best window begins at one of them."""
    report = measure_traffic(calls, zone=UTC)
    talk_times = [
        (sum(count_running(calls, begin + part * STEP) for part in range(6)), begin)
        for begin in list_steps(calls)
    ]
    largest_talk = max(talk for talk, _ in talk_times)

    assert largest_talk * STEP == report.sliding_talk_time
    assert min(begin for talk, begin in talk_times if talk == largest_talk) == report.sliding_start
    assert (
        report.sliding_talk_time
        >= max((load.talk_time for load in report.hours), default=NOTHING) / report.days
    )


@given(st.lists(st.tuples(st.integers(0, 7000), st.integers(0, 5000)), min_size=60, max_size=150))
def test_busiest_window_of_a_crowded_log_is_the_best_of_all(places):
    """A window that is cut into parts gives the same result as trying each possible beginning."""
    starts = sorted(start for start, _ in places)
    ends = sorted(start + length for start, length in places)
    timeline = Timeline(array("q", starts), array("q", ends))
    length = 3600
    candidates = sorted({*starts, *(end - length for end in ends if end - length >= starts[0])})
    talk_times = [
        (
            sum(
                max(0, min(start + talk, begin + length) - max(start, begin))
                for start, talk in places
            ),
            begin,
        )
        for begin in candidates
    ]
    largest_talk = max(talk for talk, _ in talk_times)

    expected = (largest_talk, min(begin for talk, begin in talk_times if talk == largest_talk))
    assert expected == timeline.find_busiest(length)


@given(logs())
def test_levels_are_those_of_counting_each_ten_minutes(calls):
    """The time with each number of calls, within the busy hours of all days."""
    report = measure_traffic(calls, zone=UTC)
    moments = [
        datetime.combine(report.first_day, datetime.min.time(), UTC)
        + timedelta(days=day)
        + report.busy_hour * HOUR
        + part * STEP
        for day in range(report.days)
        for part in range(6)
    ]
    for calls_above in range(len(calls) + 1):
        above = sum(count_running(calls, moment) > calls_above for moment in moments)
        assert above / len(moments) == report.share_above(calls_above)


@given(logs(), st.randoms(use_true_random=False), st.integers(0, 6))
def test_order_of_rows_does_not_matter(calls, random, channels):
    """A shuffled log has the same traffic and the same refused calls."""
    shuffled = random.sample(calls, len(calls))

    assert measure_traffic(calls, zone=UTC) == measure_traffic(shuffled, zone=UTC)
    assert replay(calls, channels=channels) == replay(shuffled, channels=channels)


def carry_calls(calls, channels):
    """Return the refused calls, and the number of calls of each channel, by plain search."""
    occupied: list[list[CallInterval]] = [[] for _ in range(channels)]
    refused: list[CallInterval] = []
    for call in sorted(calls, key=lambda call: (call.start, call.end, call.id)):
        if not call.duration:
            continue
        free = [held for held in occupied if not held or held[-1].end <= call.start]
        (free[0] if free else refused).append(call)
    return tuple(refused), tuple(map(len, occupied))


@given(logs(max_calls=30), st.integers(0, 8))
def test_replay_is_that_of_a_plain_search(calls, channels):
    """Each call takes the first channel whose last call is over."""
    replayed = replay(calls, channels=channels)

    assert carry_calls(calls, channels) == (replayed.refused, replayed.carried)


@given(logs(max_calls=30))
def test_replay_with_the_peak_refuses_no_call(calls):
    """As many channels as simultaneous calls are enough, and one fewer is not."""
    peak = measure_traffic(calls, zone=UTC).peak

    assert () == replay(calls, channels=peak).refused
    assert () == replay(calls, channels=peak).unused_channels
    assert peak == fewest_channels(calls, blocking=0)
    if peak:
        assert replay(calls, channels=peak - 1).refused


@given(logs(max_calls=30), st.integers(0, 8))
def test_a_carried_call_is_carried_by_one_more_channel_too(calls, channels):
    """So the calls that more channels refuse are a part of those that fewer refuse."""
    refused = {call.id for call in replay(calls, channels=channels).refused}

    assert refused >= {call.id for call in replay(calls, channels=channels + 1).refused}


@given(logs(max_calls=30), st.floats(0, 1))
def test_fewest_channels_is_the_first_number_that_meets_the_share(calls, blocking):
    """The number itself refuses few enough calls, and one fewer refuses too many."""
    fewest = fewest_channels(calls, blocking=blocking)

    assert replay(calls, channels=fewest).blocking <= blocking
    if fewest:
        assert replay(calls, channels=fewest - 1).blocking > blocking


@given(logs())
def test_read_calls_reads_each_form_of_a_log(calls):
    """Rows with a length and rows with an end are the same calls."""
    by_length = [row for call in calls for row in call.to_records()]
    by_end = [
        {"id": call.id, "start": call.start.isoformat(), "end": f"{call.end.timestamp()}"}
        for call in calls
    ]

    assert tuple(calls) == read_calls(by_length, seconds="seconds", id="id").calls
    assert tuple(calls) == read_calls(by_end, end="end", id="id").calls
