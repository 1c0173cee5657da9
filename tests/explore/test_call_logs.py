"""Calls that happened, and rows that are read as calls or refused with a reason."""

import sqlite3
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from html import unescape
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from tests.steps import run_within

from channelplans.errors import InvalidValue, WrongType
from channelplans.explore import CallInterval, CallLog, RefusedRow, read_calls

WARSAW = ZoneInfo("Europe/Warsaw")
TEN = datetime(2026, 1, 5, 10, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
SCRIPT = "<script>alert(1)</script>"


def read_one(row, **columns):
    """Return the only call of a row; a refused row is an error."""
    log = read_calls([row], **columns)
    assert log.refused == ()
    return log.calls[0]


def find_reason(row, **columns):
    """Return the reason for which a row is refused."""
    log = read_calls([row], **columns)
    assert log.calls == ()
    return log.refused[0].reason


class TestCallInterval:
    """A call that happened."""

    def test_keeps_the_instant_in_utc(self):
        """A start in another zone is the same instant, and the end is counted in real time."""
        before_change = datetime(2026, 3, 29, 1, 30, tzinfo=WARSAW)
        call = CallInterval(before_change, 60 * MINUTE)

        assert datetime(2026, 3, 29, 0, 30, tzinfo=UTC) == call.start
        assert UTC is call.start.tzinfo
        assert datetime(2026, 3, 29, 3, 30, tzinfo=WARSAW) == call.end.astimezone(WARSAW)

    def test_distinguishes_the_two_parts_of_a_repeated_hour(self):
        """2:30 comes twice when the clock is put back, and the two calls are not equal."""
        first = datetime(2026, 10, 25, 2, 30, tzinfo=WARSAW)
        second = first.replace(fold=1)

        assert CallInterval(first, MINUTE) != CallInterval(second, MINUTE)
        assert timedelta(hours=1) == (
            CallInterval(second, MINUTE).start - CallInterval(first, MINUTE).start
        )

    @pytest.mark.parametrize(
        ("start", "duration", "message"),
        [
            (datetime(2026, 1, 5), MINUTE, "start must be a datetime with a time zone, such as"),  # noqa: DTZ001
            (TEN, -MINUTE, "duration must be 0 s or longer, not -0:01:00"),
            (datetime(1, 6, 1, tzinfo=UTC), MINUTE, "start must be in the years 2 to 9998"),
            (TEN, timedelta.max, "duration must be in the years 2 to 9998"),
            (
                datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=1))),
                MINUTE,
                "start must be in the years 2 to 9998",
            ),
            (datetime(9999, 1, 1, tzinfo=UTC), MINUTE, "duration must be in the years 2 to 9998"),
        ],
    )
    def test_refuses_wrong_times(self, start, duration, message):
        """The error names the field and what would be right."""
        with pytest.raises(InvalidValue) as caught:
            CallInterval(start, duration)

        assert str(caught.value).startswith(message)

    def test_refuses_wrong_types_and_long_ids(self):
        """A day is no start, a number is no duration, and an identifier has 255 characters."""
        with pytest.raises(WrongType, match="start must be a datetime"):
            CallInterval(TEN.date(), MINUTE)  # type: ignore[arg-type]
        with pytest.raises(WrongType, match="duration must be a timedelta"):
            CallInterval(TEN, 60)  # type: ignore[arg-type]
        with pytest.raises(InvalidValue, match="at most 255 characters"):
            CallInterval(TEN, MINUTE, "x" * 256)

    def test_describes_itself(self):
        """The identifier is quoted, and a call without one is only a call."""
        assert "2026-01-05 10:00:00+00:00 call 'c-1', 0:01:00" == str(
            CallInterval(TEN, MINUTE, "c-1")
        )
        assert "2026-01-05 10:00:00+00:00 call, 0:01:00" == str(CallInterval(TEN, MINUTE))
        assert SCRIPT not in CallInterval(TEN, MINUTE, SCRIPT)._repr_html_()

    def test_to_records_is_read_again(self):
        """The rows of calls are rows for ``read_calls``."""
        calls = (CallInterval(TEN, MINUTE, "c-1"), CallInterval(TEN, MINUTE / 7))
        rows = [row for call in calls for row in call.to_records()]

        assert calls == read_calls(rows, seconds="seconds", id="id").calls


class TestReadCalls:
    """Rows of an export."""

    @pytest.mark.parametrize(
        "start",
        [
            TEN,
            TEN.astimezone(WARSAW),
            "2026-01-05T10:00:00Z",
            " 2026-01-05 11:00:00+01:00 ",
            1767607200,
            1767607200.0,
            Decimal("1767607200.000"),
            "1767607200",
            "1767607200.0000",
        ],
    )
    def test_reads_a_start_in_each_form(self, start):
        """A datetime, ISO text, and seconds since 1970 as a number or as text are the same."""
        assert CallInterval(TEN, MINUTE) == read_one({"start": start, "s": 60}, seconds="s")

    @pytest.mark.parametrize("seconds", [90, "90", " 90.0", 90.0, Decimal(90), 1.5 * MINUTE])
    def test_reads_a_length_in_each_form(self, seconds):
        """A number, text and a timedelta are the same length."""
        row = {"start": TEN, "s": seconds}

        assert CallInterval(TEN, 1.5 * MINUTE) == read_one(row, seconds="s")

    def test_rounds_fractions_to_the_microsecond(self):
        """Text is read exactly, and half a microsecond is rounded to the even one."""
        row = {"start": "1767607200.1234565", "s": "0.0000016"}
        call = read_one(row, seconds="s")

        assert (123456, timedelta(microseconds=2)) == (call.start.microsecond, call.duration)

    def test_reads_a_start_and_an_end(self):
        """The length is the time between the two, also if they are in two zones."""
        row = {"from": "2026-01-05T11:00:00+01:00", "to": "2026-01-05T10:05:00+00:00"}

        assert CallInterval(TEN, 5 * MINUTE) == read_one(row, start="from", end="to")

    def test_reads_local_times_in_the_zone_passed(self):
        """Over a change of the clock, the length is counted in real time."""
        row = {"start": "2026-03-29 01:30:00", "end": "2026-03-29 03:30:00"}
        call = read_one(row, end="end", zone=WARSAW)

        assert 60 * MINUTE == call.duration

    @pytest.mark.parametrize(
        ("value", "expected"), [("c-1", "c-1"), (7, "7"), (" ", None), ("", None), (None, None)]
    )
    def test_reads_identifiers(self, value, expected):
        """A number becomes text, and an empty cell is a call without an identifier."""
        row = {"start": TEN, "s": 60, "uniqueid": value}

        assert expected == read_one(row, seconds="s", id="uniqueid").id

    def test_reads_rows_of_a_database(self):
        """A row that is no mapping can be read if it finds its columns by name."""
        connection = sqlite3.connect(":memory:")
        connection.row_factory = sqlite3.Row
        rows = connection.execute("SELECT 1767607200 AS calldate, 60 AS billsec").fetchall()
        connection.close()

        assert (CallInterval(TEN, MINUTE),) == read_calls(
            rows, start="calldate", seconds="billsec"
        ).calls
        assert "a row with a column 'start'" in find_reason(rows[0], seconds="billsec")

    @pytest.mark.parametrize(
        ("row", "message"),
        [
            ({"s": 60}, "row must be a row with a column 'start', not {'s': 60} (dict)"),
            (None, "row must be a row with a column 'start', not None (NoneType)"),
            ({"start": TEN}, "row must be a row with a column 's'"),
            ({"start": "soon", "s": 60}, "start must be a time in ISO format, such as '2026-"),
            ({"start": "", "s": 60}, "start must be a time in ISO format, such as '2026-"),
            ({"start": "2026-01-05 10:00:00", "s": 60}, "start must be a time with an offset, unl"),
            ({"start": None, "s": 60}, "start must be a number of seconds, not None (NoneType)"),
            ({"start": True, "s": 60}, "start must be a number of seconds, not True (bool)"),
            ({"start": float("nan"), "s": 60}, "start must be a number of seconds, not nan (flo"),
            ({"start": 1767607200000, "s": 60}, "start must be seconds since 1970 (milliseconds"),
            ({"start": "-99999999999", "s": 60}, "start must be in the years 2 to 9998, not '-99"),
            ({"start": TEN, "s": "-60"}, "duration must be 0 s or longer, not -0:01:00"),
            ({"start": TEN, "s": "3:00"}, "s must be a number of seconds, not '3:00' (str)"),
            ({"start": TEN, "s": Decimal("1e999999999")}, "s must be a number of seconds, not Dec"),
            ({"start": TEN, "s": Decimal("sNaN")}, "s must be a number of seconds, not Decimal("),
            ({"start": TEN, "s": float("inf")}, "s must be a number of seconds, not inf (float)"),
            ({"start": TEN, "s": 1e300}, "s must be a length in seconds that fits a call, not 1e"),
            ({"start": TEN, "s": 10**18}, "s must be a length in seconds that fits a call, not"),
            ({"start": TEN, "s": 10**12}, "duration must be in the years 2 to 9998, not "),
        ],
    )
    def test_refuses_a_row_with_its_reason(self, row, message):
        """The reason names the column, the value and what would be right."""
        assert find_reason(row, seconds="s").startswith(message)

    def test_refuses_a_call_that_ends_before_it_starts(self):
        """The reason names the column of the end."""
        row = {"start": TEN, "hangup": TEN - MINUTE}

        assert (
            "hangup must be at or after the start, not 2026-01-05 09:59:00+00:00 "
            "(the start is 2026-01-05 10:00:00+00:00)"
        ) == find_reason(row, end="hangup")

    def test_refuses_an_end_outside_the_calendar(self):
        """The reason names the end, not the start."""
        new_year = datetime(9999, 12, 31, 23, 0, tzinfo=timezone(-timedelta(hours=2)))

        assert find_reason({"start": TEN, "end": new_year}, end="end").startswith(
            "end must be in the"
        )

    def test_refuses_wrong_identifiers(self):
        """An identifier is one line of text or a short whole number."""
        for value in ("a\nb", True, 10**18, "x" * 256):
            reason = find_reason({"start": TEN, "s": 60, "id": value}, seconds="s", id="id")
            assert reason.startswith("id must be")

    def test_refuses_the_later_of_two_calls_with_one_id(self):
        """Two calls with one identifier may follow each other, but not overlap."""
        rows: list[dict[str, object]] = [
            {"start": TEN + 2 * MINUTE, "s": 60, "id": "a"},
            {"start": None, "s": 60, "id": "a"},
            {"start": TEN, "s": 121, "id": "a"},
            {"start": TEN + 3 * MINUTE, "s": 60, "id": "a"},
            {"start": TEN, "s": 121, "id": "b"},
            {"start": TEN, "s": 121, "id": None},
            {"start": TEN, "s": 121, "id": ""},
        ]
        log = read_calls(rows, seconds="s", id="id")

        assert [
            "row 1: the call overlaps row 3, which has the same id, 'a'",
            "row 2: start must be a number of seconds, not None (NoneType)",
        ] == list(map(str, log.refused))
        assert 5 == len(log.calls)

    def test_refuses_a_repeated_call_of_length_zero(self):
        """A repeated row is one call, even if the call occupies no channel."""
        rows = [{"start": TEN, "s": 0, "id": "a"}] * 2

        assert 1 == len(read_calls(rows, seconds="s", id="id").calls)

    @pytest.mark.parametrize("columns", [{}, {"seconds": "s", "end": "e"}], ids=["none", "both"])
    def test_needs_a_length_or_an_end(self, columns):
        """Exactly one of the two columns is named."""
        with pytest.raises(InvalidValue, match="or else seconds, not both"):
            read_calls([], **columns)

    def test_refuses_wrong_arguments(self):
        """Rows are several, and a zone is a tzinfo, not its name."""
        for rows in ("start", {"start": TEN}, 7):
            with pytest.raises(WrongType, match="rows must be an iterable of rows"):
                read_calls(rows, seconds="s")  # type: ignore[arg-type]
        with pytest.raises(WrongType, match="zone must be a tzinfo"):
            read_calls([], seconds="s", zone="UTC")  # type: ignore[arg-type]

    def test_takes_few_steps_for_many_calls_with_one_id(self):
        """A column of trunk names as the identifier does not take the square of the rows."""
        rows = [{"start": TEN + number * MINUTE, "s": 90, "id": "trunk"} for number in range(2000)]
        log = run_within(300_000, lambda: read_calls(reversed(rows), seconds="s", id="id"))

        assert 1000 == len(log.calls)


class TestCallLog:
    """The calls that were read, and the refused rows."""

    def test_lists_the_refused_rows(self):
        """The text shows 20 rows and counts the others; the records have all."""
        refused = tuple(RefusedRow(number, f"{SCRIPT} {number}") for number in range(1, 23))
        log = CallLog((CallInterval(TEN, MINUTE),), refused)
        lines = str(log).splitlines()

        assert "1 call, 22 rows refused" == lines[0]
        assert [f" 20  {SCRIPT} 20", "and 2 more rows; to_records() has all"] == lines[-2:]
        assert 22 == len(log.to_records())
        assert SCRIPT not in log._repr_html_()
        assert "22</td></tr></tbody></table></details>" in log._repr_html_()

    def test_shows_rows_that_fail_alike_together(self):
        """The reason is that of the first row; a notebook can open a list of all rows."""
        good = {"start": TEN, "s": 60}
        bad = [{"start": f"{number}.1.2026", "s": 60} for number in range(1, 51)]
        log = read_calls([*bad, good, {"start": TEN, "s": -1}, good, bad[0]], seconds="s")
        reason = "start must be a time in ISO format, such as '2026-01-05T10:30:00+01:00', not"

        assert [
            "Refused rows; the reason is that of the first row",
            "       rows  reason",
            "-----------  " + "-" * len(f"{reason} '1.1.2026'"),
            f"1 to 50, 54  {reason} '1.1.2026'",
            "         52  duration must be 0 s or longer, not -0:00:01",
        ] == str(log).splitlines()[1:]
        folded = log._repr_html_().partition("<summary>Each of the 52 refused rows</summary>")[2]
        assert f"{reason} '50.1.2026'" in unescape(folded)

    def test_rows_that_overlap_or_end_too_early_fail_alike(self):
        """The times and the identifiers of the rows do not matter."""
        overlapping = [{"start": TEN, "end": TEN + MINUTE, "id": name} for name in "aabb"]
        early = [{"start": TEN + number * MINUTE, "end": TEN, "id": None} for number in (1, 2)]
        log = read_calls([*overlapping, *early], end="end", id="id")

        assert ["2, 4", "5, 6"] == [line.split("  ")[0] for line in str(log).splitlines()[4:]]

    @pytest.mark.parametrize(
        ("numbers", "expected"),
        [
            ([1, 2, 3], "1 to 3"),
            ([1, 3, 5], "1, 3, 5"),
            ([1, 3, 5, 6, 8], "1, 3, 5, 6 and 1 more"),
            ([*range(1, 2001), 3000, 4000, 5000, 5001], "1 to 2,000, 3,000, 4,000 and 2 more"),
        ],
    )
    def test_lists_three_ranges_of_rows_and_counts_the_others(self, numbers, expected):
        """Consecutive rows are a range; two of them are listed."""
        refused = tuple(RefusedRow(number, "wrong") for number in numbers)

        assert f"{expected}  wrong" == str(CallLog((), refused)).splitlines()[-1]

    def test_without_refused_rows_is_one_sentence(self):
        """A clean log says so."""
        assert "1 call, 0 rows refused" == str(CallLog((CallInterval(TEN, MINUTE),)))


def test_numpy_numbers_are_read():
    """The cells of a table in a notebook are numpy's numbers."""
    row = {"start": np.float64(1767607200), "s": np.int64(60), "id": np.int64(7)}

    assert CallInterval(TEN, MINUTE, "7") == read_one(row, seconds="s", id="id")
