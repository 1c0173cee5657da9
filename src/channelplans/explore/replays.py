"""Calls that happened, replayed with another number of channels: which would have been refused.

This module does not know prices. It takes the calls as they were: a refused call is lost, and
nobody tries again.
"""

from array import array
from collections import Counter, deque
from collections.abc import Iterable, Iterator, Sequence
from heapq import heappop, heappush
from itertools import groupby
from numbers import Real
from typing import Final

import attrs

from channelplans._checks import bounded, shown
from channelplans._constructors import checked, trusted
from channelplans._display import RecordsMixin, Table, clock, counted, make_long_table
from channelplans.errors import InvalidValue, WrongType
from channelplans.explore.call_logs import (
    CallInterval,
    measure_intervals,
    refuse_duplicates,
)

__all__ = ["Replay", "ReplayRun", "ReplayedCall", "fewest_channels", "iter_replay", "replay"]


_MOST_CHANNELS: Final = 10**6


_CHANNEL_BITS: Final = 40


_CHANNEL_MASK: Final = (1 << _CHANNEL_BITS) - 1


@checked
@attrs.frozen(repr=False)
class Replay(RecordsMixin):
    """What a number of channels would have done with calls that happened.

    Attributes:
        channels: the number of channels.
        offered: the number of calls, with those of length zero.
        refused: the calls for which no channel was free, in the order of their starts.
        carried: the number of calls that each channel carried: first channel 1, then channel 2.
            A call of length zero is in no channel.

    Raises:
        InvalidValue: there are no calls, or ``carried`` has not one number for each channel.
    """

    channels: int
    offered: int
    refused: tuple[CallInterval, ...]
    carried: tuple[int, ...]

    def __attrs_post_init__(self) -> None:
        bounded("channels", self.channels, 0, _MOST_CHANNELS)
        bounded("offered", self.offered, max(1, len(self.refused)))
        if len(self.carried) != self.channels:
            found = (
                f"{counted(len(self.carried), 'number')} for {counted(self.channels, 'channel')}"
            )
            raise InvalidValue("carried", found, "one number for each channel")

    @property
    def blocking(self) -> float:
        """The share of the calls that was refused, rounded to a float."""
        return len(self.refused) / self.offered

    @property
    def unused_channels(self) -> tuple[int, ...]:
        """The numbers of the channels that carried no call; the first channel is 1."""
        return tuple(number for number, calls in enumerate(self.carried, 1) if not calls)

    def to_records(self) -> list[dict[str, object]]:
        """Return a plain row for each channel, with the number of calls that it carried."""
        return [{"channel": number, "calls": calls} for number, calls in enumerate(self.carried, 1)]

    def _describe(self) -> Iterator[str | Table]:
        yield (
            f"{counted(self.channels, 'channel')}: {len(self.refused):,} of "
            f"{counted(self.offered, 'call')} refused, {self.blocking:.3%}"
        )
        unused = self.unused_channels
        if unused:
            yield f"{counted(len(unused), 'channel')} never used"
        if self.refused:
            yield make_long_table(
                ("refused at", "id", "length"),
                self.refused,
                lambda call: (str(call.start), call.id or "", clock(call.duration)),
                right=("length",),
                caption="Refused calls",
                source="refused",
            )


def replay(calls: Iterable[CallInterval], *, channels: int) -> Replay:
    """Return which calls a number of channels would have refused, in order.

    A call takes the free channel with the lowest number. If no channel is free, the call is lost:
    it is not tried again. A channel is free again at the moment at which its call ends.

    If calls start at the same moment, the shorter call comes first. Calls of the same length are
    sorted by their identifiers. So the order of the calls in the log does not matter.

    A call that n channels carry is carried by n + 1 channels too. So more channels never refuse
    more calls.

    Args:
        calls: the calls, in any order.
        channels: the number of channels, from 0 to a million.

    Raises:
        WrongType: a call is not a CallInterval, or ``channels`` is not a whole number.
        InvalidValue: there are no calls, two calls with one identifier overlap, or the number of
            channels is out of bounds.

    >>> from datetime import datetime, timedelta, timezone
    >>> from channelplans.explore import CallInterval, replay
    >>> ten = datetime(2026, 1, 5, 10, 0, tzinfo=timezone.utc)
    >>> calls = [
    ...     CallInterval(ten, timedelta(minutes=30), "a"),
    ...     CallInterval(ten + timedelta(minutes=20), timedelta(minutes=30), "b"),
    ...     CallInterval(ten + timedelta(minutes=50), timedelta(minutes=30), "c"),
    ... ]
    >>> print(replay(calls, channels=1))
    1 channel: 1 of 3 calls refused, 33.333%
    Refused calls
    refused at                 id   length
    -------------------------  --  -------
    2026-01-05 10:20:00+00:00  b   0:30:00
    >>> replay(calls, channels=4).unused_channels
    (3, 4)
    """
    run = iter_replay(calls, channels=channels)
    deque(run, maxlen=0)
    return run.result


def iter_replay(calls: Iterable[CallInterval], *, channels: int) -> "ReplayRun":
    """Do what ``replay`` does while it is iterated, and yield each call with its channel.

    The log is read and checked first, so the iterator has a length hint from the beginning: the
    number of calls that are left.

    Args:
        calls: as for ``replay``.
        channels: as for ``replay``.

    Raises:
        WrongType: as for ``replay``.
        InvalidValue: as for ``replay``.

    >>> from datetime import datetime, timedelta, timezone
    >>> from operator import length_hint
    >>> from channelplans.explore import CallInterval, iter_replay
    >>> ten = datetime(2026, 1, 5, 10, 0, tzinfo=timezone.utc)
    >>> run = iter_replay([CallInterval(ten, timedelta(minutes=30))] * 2, channels=1)
    >>> length_hint(run)
    2
    >>> [call.channel for call in run]
    [1, None]
    >>> run.result.blocking
    0.5
    """
    channels = bounded("channels", channels, 0, _MOST_CHANNELS)
    log = [*calls] if isinstance(calls, Iterable) else calls  # the check refuses the latter
    starts, ends, ids = _read_log(log)
    order = _sort_calls(starts, ends, ids)
    numbers = _assign_channels((starts[index], ends[index]) for index in order)
    return ReplayRun(zip((log[index] for index in order), numbers, strict=True), len(log), channels)


@checked
@attrs.frozen(repr=False)
class ReplayedCall(RecordsMixin):
    """A call, and the channel that carries it.

    Attributes:
        call: the call.
        channel: the number of the channel, from 1 on. 0 for a call of length zero, which needs no
            channel; None for a call that is refused.
    """

    call: CallInterval
    channel: int | None

    def to_records(self) -> list[dict[str, object]]:
        """Return the call as one plain row, with its channel."""
        (row,) = self.call.to_records()
        return [{**row, "channel": self.channel}]

    def _describe(self) -> tuple[str]:
        carrier = "refused" if self.channel is None else f"channel {self.channel:,}"
        return (f"{self.call}: {carrier}",)


_trusted_call = trusted(ReplayedCall)


class ReplayRun(Iterator[ReplayedCall]):
    """The calls of a replay in order, each with its channel; ``iter_replay`` returns it."""

    def __init__(
        self, calls: Iterator[tuple[CallInterval, int]], count: int, channels: int
    ) -> None:
        self._calls, self._left, self._channels = calls, count, channels
        self._refused: list[CallInterval] = []
        self._carried: Counter[int] = Counter()

    def __next__(self) -> ReplayedCall:
        call, number = next(self._calls)
        self._left -= 1
        if number > self._channels:
            self._refused.append(call)
            return _trusted_call(call, None)
        self._carried[number] += 1
        return _trusted_call(call, number)

    def __length_hint__(self) -> int:
        return self._left

    @property
    def result(self) -> Replay:
        """The replay of the calls so far; after the last call, what ``replay`` returns.

        Raises:
            InvalidValue: no call was iterated yet.
        """
        carried = tuple(self._carried[number] for number in range(1, self._channels + 1))
        offered = len(self._refused) + self._carried.total()
        return Replay(self._channels, offered, tuple(self._refused), carried)


def fewest_channels(calls: Iterable[CallInterval], *, blocking: float) -> int:
    """Return the smallest number of channels that would have refused at most a share of the calls.

    The calls are counted as in ``replay``, whose ``blocking`` is compared with the share.

    Args:
        calls: the calls, in any order; a generator is read once.
        blocking: the share of the calls that may be refused, from 0 to 1.

    Raises:
        WrongType: a call is not a CallInterval, or ``blocking`` is not a number.
        InvalidValue: there are no calls, two calls with one identifier overlap, or the share is
            out of bounds.

    >>> from datetime import datetime, timedelta, timezone
    >>> from channelplans.explore import CallInterval, fewest_channels
    >>> ten = datetime(2026, 1, 5, 10, 0, tzinfo=timezone.utc)
    >>> calls = [
    ...     CallInterval(ten + timedelta(minutes=5 * number), timedelta(minutes=12))
    ...     for number in range(100)
    ... ]
    >>> fewest_channels(calls, blocking=0), fewest_channels(calls, blocking=0.35)
    (3, 2)
    """
    if not isinstance(blocking, Real) or isinstance(blocking, bool):
        raise WrongType("blocking", shown(blocking), "a number (int or float)")
    if not 0 <= blocking <= 1:
        raise InvalidValue("blocking", f"{blocking}", "at least 0 and at most 1")
    starts, ends, _ = _read_log(calls)
    # Identifiers decide only which of two equal calls is refused, not how many.
    order = _sort_calls(starts, ends, None)
    carried = Counter(_assign_channels((starts[index], ends[index]) for index in order))
    channels, refused = 0, len(starts) - carried[0]
    while refused / len(starts) > blocking:
        channels += 1
        refused -= carried[channels]
    return channels


def _read_log(
    calls: Iterable[CallInterval],
) -> "tuple[array[int], array[int], list[str | None]]":
    starts, ends, ids = measure_intervals(calls)
    if not starts:
        raise InvalidValue("calls", "an empty log", "at least one call")
    refuse_duplicates(starts, ends, ids)
    return starts, ends, ids


def _sort_calls(
    starts: Sequence[int], ends: Sequence[int], ids: Sequence[str | None] | None
) -> list[int]:
    """Return the indices of the calls by start, then by end, then by identifier."""

    def read_rest(index: int) -> tuple[int, str]:
        return ends[index], (ids[index] if ids else None) or ""

    by_start = sorted(range(len(starts)), key=starts.__getitem__)
    order: list[int] = []
    for _, group in groupby(by_start, key=starts.__getitem__):
        indices = [*group]
        order += sorted(indices, key=read_rest) if len(indices) > 1 else indices
    return order


def _assign_channels(intervals: Iterable[tuple[int, int]]) -> Iterator[int]:
    """Yield the number of the channel of each call, as if there was no limit; 0 is no channel.

    A call takes the free channel with the lowest number. So the channels from 1 to n carry exactly
    the calls that n channels carry: they do not depend on the channels above them.
    """
    opened = 0
    free: list[int] = []
    busy: list[int] = []  # the end of the call above the lower bits, which are the channel
    for start, end in intervals:
        while busy and busy[0] >> _CHANNEL_BITS <= start:
            heappush(free, heappop(busy) & _CHANNEL_MASK)
        if start == end:
            yield 0
            continue
        if free:
            number = heappop(free)
        else:
            number = opened = opened + 1
        heappush(busy, end << _CHANNEL_BITS | number)
        yield number
