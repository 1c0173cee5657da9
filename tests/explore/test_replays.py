"""Calls that happened, replayed with another number of channels."""

from datetime import UTC, datetime, timedelta
from fractions import Fraction
from operator import length_hint

import attrs
import pytest
from tests.steps import run_within

from channelplans.errors import InvalidValue, WrongType
from channelplans.explore import (
    CallInterval,
    Replay,
    ReplayedCall,
    fewest_channels,
    iter_replay,
    replay,
)

MONDAY = datetime(2026, 1, 5, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
SCRIPT = "<script>alert(1)</script>"


def call_at(start, minutes, name=None):
    """Return a call that begins some minutes after midnight."""
    return CallInterval(MONDAY + start * MINUTE, minutes * MINUTE, name)


# One channel: a is carried until 10, so b and c are lost, and d starts when a ends.
CALLS = [
    call_at(0, 10, "a"),
    call_at(2, 20, "b"),
    call_at(5, 1, "c"),
    call_at(10, 5, "d"),
    call_at(11, 1, "e"),
]


def refused_ids(calls, channels):
    """Return the identifiers of the calls that a number of channels refuses."""
    return [call.id for call in replay(calls, channels=channels).refused]


class TestReplay:
    """A log with another number of channels."""

    @pytest.mark.parametrize(
        ("channels", "expected"), [(0, "abcde"), (1, "bce"), (2, "ce"), (3, ""), (9, "")]
    )
    def test_lists_the_refused_calls_in_order(self, channels, expected):
        """A call is lost if all channels are busy at its start, and it does not try again."""
        assert [*expected] == refused_ids(CALLS, channels)

    @pytest.mark.parametrize("channels", [1, 2])
    def test_does_not_depend_on_the_order_of_the_rows(self, channels):
        """The calls are sorted by their start."""
        assert replay(CALLS, channels=channels) == replay(CALLS[::-1], channels=channels)

    def test_a_call_takes_the_free_channel_with_the_lowest_number(self):
        """Channel 1 carries a and d; channel 2 carries b; channel 3 carries c and e."""
        replayed = replay(CALLS, channels=5)

        assert (2, 1, 2, 0, 0) == replayed.carried
        assert (4, 5) == replayed.unused_channels
        assert () == replay(CALLS, channels=3).unused_channels

    def test_blocking_is_the_share_of_refused_calls(self):
        """Three of five calls are refused by one channel."""
        replayed = replay(CALLS, channels=1)

        assert (5, 0.6) == (replayed.offered, replayed.blocking)
        assert 0.0 == replay(CALLS, channels=3).blocking

    def test_of_calls_that_start_together_the_shorter_is_carried(self):
        """The identifier decides between equal calls. A call without identifier comes first."""
        assert ["a"] == refused_ids([call_at(0, 10, "a"), call_at(0, 9, "z")], 1)
        assert ["a", "b"] == refused_ids(
            [call_at(0, 10, "b"), call_at(0, 10), call_at(0, 10, "a")], 1
        )

    def test_a_call_of_length_zero_needs_no_channel(self):
        """It is offered, but neither refused nor carried by a channel."""
        replayed = replay([call_at(0, 10), call_at(5, 0)], channels=1)

        assert (2, (), (1,)) == (replayed.offered, replayed.refused, replayed.carried)
        assert 0 == len(replay([call_at(5, 0)], channels=0).refused)

    def test_replays_calls_before_1970(self):
        """Instants before the epoch are ordered like all others."""
        old = [
            CallInterval(datetime(1969, 12, 31, 23, minute, tzinfo=UTC), 5 * MINUTE)
            for minute in (50, 54, 55)
        ]

        assert (old[1],) == replay(old, channels=1).refused

    def test_reads_a_generator_once(self):
        """The calls need not be a list."""
        assert replay(CALLS, channels=2) == replay(iter(CALLS), channels=2)

    @pytest.mark.parametrize(
        ("calls", "channels", "error", "message"),
        [
            ([], 1, InvalidValue, "at least one call, not an empty log"),
            ([call_at(0, 9, "a"), call_at(1, 1, "a")], 1, InvalidValue, r"calls\[1\].id must be"),
            (CALLS, -1, InvalidValue, "channels must be at least 0 and at most 1,000,000"),
            (CALLS, 10**7, InvalidValue, "channels must be at least 0 and at most 1,000,000"),
            (CALLS, 1.5, WrongType, "channels must be a whole number"),
            (7, 1, WrongType, "calls must be an iterable of CallInterval"),
            ([7], 1, WrongType, r"calls\[0\] must be a CallInterval"),
        ],
    )
    def test_refuses_wrong_arguments(self, calls, channels, error, message):
        """The error names the parameter, with the index of a call."""
        with pytest.raises(error, match=message):
            replay(calls, channels=channels)

    def test_describes_itself(self):
        """The text has the share, the unused channels, and the refused calls."""
        assert [
            "1 channel: 3 of 5 calls refused, 60.000%",
            "Refused calls",
            "refused at                 id   length",
            "-------------------------  --  -------",
            "2026-01-05 00:02:00+00:00  b   0:20:00",
            "2026-01-05 00:05:00+00:00  c   0:01:00",
            "2026-01-05 00:11:00+00:00  e   0:01:00",
        ] == str(replay(CALLS, channels=1)).splitlines()
        assert [
            "5 channels: 0 of 5 calls refused, 0.000%",
            "2 channels never used",
        ] == str(replay(CALLS, channels=5)).splitlines()

    def test_shows_at_most_20_refused_calls(self):
        """The others are counted, and an identifier is shown as text."""
        replayed = replay(
            [call_at(0, 10, f"{SCRIPT}{number:02}") for number in range(23)], channels=1
        )

        assert "and 2 more rows; refused has all" == str(replayed).splitlines()[-1]
        assert 22 == replayed._repr_html_().count("0:10:00")
        assert SCRIPT in str(replayed)
        assert SCRIPT not in replayed._repr_html_()

    def test_to_records_has_a_row_for_each_channel(self):
        """Each row has the number of calls that the channel carried."""
        assert [{"channel": 1, "calls": 2}, {"channel": 2, "calls": 1}] == replay(
            CALLS, channels=2
        ).to_records()

    @pytest.mark.parametrize(
        ("field", "value"), [("channels", -1), ("offered", 0), ("offered", 2), ("carried", ())]
    )
    def test_refuses_numbers_that_do_not_fit(self, field, value):
        """No more calls are refused than offered, and each channel has a number of calls."""
        replayed = replay(CALLS, channels=1)

        with pytest.raises(InvalidValue) as caught:
            attrs.evolve(replayed, **{field: value})

        assert field == caught.value.parameter
        assert isinstance(replayed, Replay)

    def test_takes_few_steps_for_each_call(self):
        """The steps do not grow with the number of simultaneous calls."""
        crowd = [call_at(number, 1000) for number in range(3000)]
        replayed = run_within(150_000, lambda: replay(crowd, channels=900))

        assert 300 == len(replayed.refused)


class TestFewestChannels:
    """The smallest number of channels for a share of refused calls."""

    @pytest.mark.parametrize(
        ("blocking", "expected"),
        [(0, 3), (0.39, 3), (0.4, 2), (0.6, 1), (Fraction(3, 5), 1), (0.99, 1), (1, 0), (1.0, 0)],
    )
    def test_is_the_smallest_number_that_meets_the_share(self, blocking, expected):
        """One channel refuses 3 of 5 calls, two refuse 2, and three refuse none."""
        assert expected == fewest_channels(CALLS, blocking=blocking)

    def test_calls_of_length_zero_need_no_channel(self):
        """A log of such calls needs none at all."""
        assert 0 == fewest_channels([call_at(0, 0)], blocking=0)

    @pytest.mark.parametrize(
        ("calls", "blocking", "error", "message"),
        [
            ([], 0.1, InvalidValue, "at least one call"),
            (CALLS, -0.1, InvalidValue, "blocking must be at least 0 and at most 1, not -0.1"),
            (CALLS, 1.1, InvalidValue, "blocking must be at least 0 and at most 1"),
            (CALLS, float("nan"), InvalidValue, "blocking must be at least 0 and at most 1"),
            (CALLS, "2 %", WrongType, "blocking must be a number"),
            (CALLS, True, WrongType, "blocking must be a number"),
        ],
    )
    def test_refuses_wrong_arguments(self, calls, blocking, error, message):
        """A share is a number from 0 to 1."""
        with pytest.raises(error, match=message):
            fewest_channels(calls, blocking=blocking)


class TestIterReplay:
    """``iter_replay`` yields each call with its channel."""

    def test_yields_the_channel_of_each_call_in_order(self):
        """The second call finds channel 1 busy, and the third finds both busy."""
        calls = [call_at(0, 10, "a"), call_at(2, 10, "b"), call_at(3, 10, "c"), call_at(3, 0)]
        run = iter_replay(reversed(calls), channels=2)

        assert [("a", 1), ("b", 2), (None, 0), ("c", None)] == [
            (call.call.id, call.channel) for call in run
        ]

    def test_length_hint_is_the_number_of_calls_left(self):
        """The number is known before the first call, and 0 after the last."""
        run = iter_replay(iter(CALLS), channels=1)
        hints = [length_hint(run), *(length_hint(run) for _ in run)]

        assert [5, 4, 3, 2, 1, 0] == hints

    def test_result_is_the_replay_of_the_calls_so_far(self):
        """After the last call, it equals the result of ``replay``."""
        run = iter_replay(CALLS, channels=1)
        next(run)
        next(run)
        assert replay(CALLS[:2], channels=1) == run.result

        assert [] != list(run)
        assert replay(CALLS, channels=1) == run.result

    def test_result_needs_a_call(self):
        """Before the first call, there is no share of refused calls."""
        with pytest.raises(InvalidValue, match="offered must be at least 1"):
            _ = iter_replay(CALLS, channels=1).result

    @pytest.mark.parametrize(
        ("calls", "channels", "error"), [(7, 1, WrongType), (CALLS, -1, InvalidValue)]
    )
    def test_refuses_wrong_arguments_before_the_first_call(self, calls, channels, error):
        """An error is raised at once, and not when the first call is asked for."""
        with pytest.raises(error):
            iter_replay(calls, channels=channels)

    @pytest.mark.parametrize(
        ("channel", "expected"), [(None, "refused"), (0, "channel 0"), (3, "channel 3")]
    )
    def test_call_describes_itself(self, channel, expected):
        """The text names the channel, or says that the call is refused."""
        replayed = ReplayedCall(call_at(0, 1, "a"), channel)

        assert f"{replayed.call}: {expected}" == str(replayed)
        assert [{**replayed.call.to_records()[0], "channel": channel}] == replayed.to_records()
