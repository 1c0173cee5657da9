"""Simulated calls are refused as often as the formulas say, within a confidence interval.

Each simulation has its own random numbers with a fixed seed, so its result never changes. The mean
length of a call is the unit of time, so a load in erlangs is a number of calls in a unit of time.
"""

import random
from collections import Counter
from heapq import heappop, heappush
from statistics import mean, stdev
from typing import Any

import pytest

from channelplans.erlang import (
    channels_for,
    engset,
    engset_by_total_load,
    erlang_b,
    extended_erlang_b,
    load_for,
)

pytestmark = pytest.mark.slow

BATCHES = 20


ATTEMPTS_IN_A_BATCH = 4000


# The mean delay of a retry, in mean lengths of a call. The formula assumes that the channels have
# forgotten the refused attempt.
RETRY_DELAY = 30.0


def simulate(start_events, react, channels):
    """Return the part of refused attempts and the attempts in a unit of time, for each batch.

    An event is a time and a caller; the caller None is the end of a call whose caller is not known.
    ``react`` gets the time, the caller and whether the call was accepted, and returns new events.
    The first batch is not returned, because the simulation begins without calls.
    """
    events: list[Any] = []
    ends: list[float] = []
    batches: list[Any] = []
    for event in start_events:
        heappush(events, event)
    for _ in range(BATCHES + 1):
        counts: Counter[Any] = Counter()
        started_at = events[0][0]
        for _ in range(ATTEMPTS_IN_A_BATCH):
            now, caller = heappop(events)
            while ends and ends[0] <= now:
                heappop(ends)
            is_accepted = len(ends) < channels
            counts[is_accepted] += 1
            call_end, new_events = react(now, caller, is_accepted)
            if is_accepted:
                heappush(ends, call_end)
            for event in new_events:
                heappush(events, event)
        duration = events[0][0] - started_at
        batches.append((counts[False] / ATTEMPTS_IN_A_BATCH, ATTEMPTS_IN_A_BATCH / duration))
    return batches[1:]


def simulate_many_sources(erlangs, channels, retries=0.0):
    """Simulate first attempts that arrive at random, of which a refused one may try again."""
    chance = random.Random(1917)

    def react(now, caller, is_accepted):
        new_events = []
        if caller == "first attempt":
            new_events.append((now + chance.expovariate(erlangs), "first attempt"))
        if not is_accepted and chance.random() < retries:
            new_events.append((now + chance.expovariate(1 / RETRY_DELAY), "retry"))
        return now + chance.expovariate(1), new_events

    return simulate([(0.0, "first attempt")], react, channels)


def simulate_few_sources(load_per_idle_source, sources, channels):
    """Simulate sources that each begin a call some time after the last call or refused attempt."""
    chance = random.Random(1918)

    def react(now, caller, is_accepted):
        call_end = now + chance.expovariate(1)
        idle_since = call_end if is_accepted else now
        return call_end, [(idle_since + chance.expovariate(load_per_idle_source), caller)]

    starts = [(chance.expovariate(load_per_idle_source), source) for source in range(sources)]
    return simulate(starts, react, channels)


def confidence_interval(values):
    """Return a wide confidence interval: five standard errors of the mean of the batches."""
    center, error = mean(values), stdev(values) / len(values) ** 0.5
    return center - 5 * error, center + 5 * error


def assert_inside(expected, values):
    """Assert that the interval of the simulated values is narrow and has the expected value."""
    low, high = confidence_interval(values)

    assert low < expected < high
    assert (high - low) < 0.5 * expected


@pytest.mark.parametrize(("erlangs", "channels"), [(3, 5), (8, 10), (25, 30)])
def test_erlang_b_agrees_with_a_simulation(erlangs, channels):
    """Calls that arrive at random are refused as often as Erlang's B says."""
    blockings, _ = zip(*simulate_many_sources(erlangs, channels), strict=True)

    assert_inside(erlang_b(erlangs, channels), blockings)


@pytest.mark.parametrize(("channels", "blocking"), [(5, 0.1), (10, 0.05), (30, 0.2)])
def test_load_for_agrees_with_a_simulation(channels, blocking):
    """The largest load of the channels is refused as often as allowed."""
    load = load_for(channels, blocking=blocking)
    blockings, _ = zip(*simulate_many_sources(load, channels), strict=True)

    assert_inside(blocking, blockings)


@pytest.mark.parametrize(
    ("erlangs", "channels", "retries"), [(3, 5, 0.5), (8, 10, 0.8), (12, 10, 0.6)]
)
def test_extended_erlang_b_agrees_with_a_simulation(erlangs, channels, retries):
    """With retries, attempts are refused as often as Extended Erlang B says.

    The interval does not have Erlang's B without retries.
    """
    blockings, attempts = zip(*simulate_many_sources(erlangs, channels, retries), strict=True)
    expected = extended_erlang_b(erlangs, channels, retries=retries)

    assert_inside(expected, blockings)
    assert_inside(erlangs / (1 - retries * expected), attempts)
    assert erlang_b(erlangs, channels) < confidence_interval(blockings)[0]


@pytest.mark.parametrize(("load", "sources", "channels"), [(0.3, 12, 4), (1, 8, 6), (0.1, 60, 7)])
def test_engset_agrees_with_a_simulation(load, sources, channels):
    """Calls of few sources are refused as often as Engset's formula says."""
    blockings, _ = zip(*simulate_few_sources(load, sources, channels), strict=True)

    assert_inside(engset(load, sources, channels), blockings)


@pytest.mark.parametrize(("erlangs", "sources", "channels"), [(4, 20, 5), (3, 10, 4), (6, 8, 5)])
def test_engset_by_total_load_agrees_with_a_simulation(erlangs, sources, channels):
    """Sources that offer the total load are refused as often as the formula says.

    The simulated sources attempt as many calls as the total load says, refused calls included.
    """
    expected = engset_by_total_load(erlangs, sources, channels)
    each = erlangs / sources
    load = each / (1 - each * (1 - expected))
    blockings, attempts = zip(*simulate_few_sources(load, sources, channels), strict=True)

    assert_inside(expected, blockings)
    assert_inside(erlangs, attempts)


def test_channels_for_few_sources_agree_with_a_simulation():
    """The channels for 10 sources keep to the blocking, and one channel fewer does not."""
    channels = channels_for(3, blocking=0.05, sources=10)
    load = 0.3 / (1 - 0.3 * 0.95)
    enough, too_few = (
        confidence_interval([part for part, _ in simulate_few_sources(load, 10, number)])
        for number in (channels, channels - 1)
    )

    assert enough[1] < 0.05 < too_few[0]


def test_channels_for_retries_agree_with_a_simulation():
    """The channels for callers who try again keep to the blocking, and one fewer does not."""
    channels = channels_for(8, blocking=0.08, retries=0.7)
    enough, too_few = (
        confidence_interval([part for part, _ in simulate_many_sources(8, number, 0.7)])
        for number in (channels, channels - 1)
    )

    assert enough[1] < 0.08 < too_few[0]
