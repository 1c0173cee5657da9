"""The peak, the busy hour and the load of each hour of calls that happened."""

import pickle
from datetime import UTC, date, datetime, timedelta, timezone, tzinfo
from zoneinfo import ZoneInfo

import attrs
import pytest
from tests.steps import run_within

from channelplans.erlang import channels_for
from channelplans.errors import InvalidValue, WrongType
from channelplans.explore import CallInterval, Load, TrafficReport, measure_traffic

WARSAW = ZoneInfo("Europe/Warsaw")
LORD_HOWE = ZoneInfo("Australia/Lord_Howe")
MONDAY = datetime(2026, 1, 5, tzinfo=UTC)
SECOND, MINUTE, HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)
NOTHING = timedelta(0)
SCRIPT = "<script>alert(1)</script>"


def call_at(start, duration, name=None):
    """Return a call that begins some time after Monday, 5 January 2026, 0:00 UTC."""
    return CallInterval(MONDAY + start, duration, name)


def measure(*calls, zone=UTC, **arguments):
    """Return the traffic of calls, in UTC by default."""
    return measure_traffic(calls, zone=zone, **arguments)


# Three calls of half an hour from 10:00, 10:20 and 10:50: 70 minutes before 11:00, 20 after.
THREE_CALLS = [call_at(10 * HOUR + minutes * MINUTE, 30 * MINUTE) for minutes in (0, 20, 50)]


class TestMeasureTraffic:
    """The traffic of some calls."""

    def test_finds_the_peak_and_its_first_moment(self):
        """Two calls run together from 10:20 on. At 10:50 one ends and another starts."""
        report = measure(*THREE_CALLS)

        assert (2, MONDAY + 10 * HOUR + 20 * MINUTE) == (report.peak, report.peak_at)

    def test_a_call_does_not_overlap_one_that_starts_at_its_end(self):
        """The end of a call is the first moment after it."""
        report = measure(call_at(NOTHING, MINUTE), call_at(MINUTE, MINUTE))

        assert (1, MONDAY) == (report.peak, report.peak_at)

    def test_counts_calls_and_their_mean_length(self):
        """Calls of length zero are calls, but they occupy no channel."""
        report = measure(call_at(NOTHING, 3 * MINUTE), call_at(MINUTE, NOTHING))

        assert (2, 3 * MINUTE, 1.5 * MINUTE) == (
            report.calls,
            report.talk_time,
            report.mean_length,
        )
        assert 1 == report.peak

    def test_calls_of_length_zero_have_no_peak(self):
        """The first moment without a call is then that of the first call."""
        report = measure(call_at(HOUR, NOTHING), call_at(NOTHING, NOTHING))

        assert (0, MONDAY, 0.0, 0) == (
            report.peak,
            report.peak_at,
            report.erlangs,
            report.busy_hour,
        )
        assert (MONDAY, 0.0) == (report.sliding_start, report.sliding_erlangs)
        assert 0.0 == report.share_above(0)

    def test_averages_each_hour_over_all_days(self):
        """Days without calls count: 70 minutes in the hour from 10:00 on three days."""
        third_day = call_at(48 * HOUR, 3 * HOUR)
        report = measure(*THREE_CALLS, third_day)

        assert Load(70 * MINUTE, 3 * HOUR) == report.hours[10]
        assert Load(20 * MINUTE, 3 * HOUR) == report.hours[11]
        assert [Load(60 * MINUTE, 3 * HOUR)] * 3 == [*report.hours[:3]]
        assert (3, 10) == (report.days, report.busy_hour)
        assert 70 / 180 == report.erlangs

    def test_the_earliest_of_equal_hours_is_the_busy_hour(self):
        """The hour from 9:00 is as busy as that from 14:00."""
        assert 9 == measure(call_at(14 * HOUR, MINUTE), call_at(9 * HOUR, MINUTE)).busy_hour

    def test_a_call_over_midnight_counts_in_both_days(self):
        """40 minutes of Monday and 20 minutes of Tuesday."""
        report = measure(call_at(23 * HOUR + 20 * MINUTE, HOUR))

        assert (date(2026, 1, 5), date(2026, 1, 6)) == (report.first_day, report.last_day)
        assert [Load(40 * MINUTE, 24 * HOUR), Load(20 * MINUTE, 24 * HOUR)] == [
            *report.weekdays[:2]
        ]
        assert (Load(20 * MINUTE, 2 * HOUR), Load(40 * MINUTE, 2 * HOUR)) == (
            report.hours[0],
            report.hours[23],
        )

    def test_a_call_that_ends_at_midnight_does_not_reach_the_next_day(self):
        """The last day is the day of the last moment of a call."""
        assert 1 == measure(call_at(23 * HOUR, HOUR)).days

    def test_counts_only_the_weekdays_passed_in_the_hours(self):
        """An office that is closed at weekends has the load of its five days."""
        friday_to_monday = [call_at(day * 24 * HOUR + 10 * HOUR, HOUR) for day in (4, 7)]
        saturday = call_at(5 * 24 * HOUR + 12 * HOUR, 9 * HOUR)
        all_days = measure(*friday_to_monday, saturday)
        working_days = measure(*friday_to_monday, saturday, weekdays=range(5))

        assert Load(2 * HOUR, 4 * HOUR) == all_days.hours[10]
        assert Load(2 * HOUR, 2 * HOUR) == working_days.hours[10]
        assert Load(NOTHING, 2 * HOUR) == working_days.hours[12]
        assert Load(9 * HOUR, 24 * HOUR) == working_days.weekdays[5]
        assert 1.0 == working_days.share_above(0)
        assert 0.5 == all_days.share_above(0)

    def test_a_missing_hour_is_not_observed(self):
        """On 29 March 2026 the clock goes from 2:00 to 3:00 in Warsaw."""
        start = datetime(2026, 3, 29, 1, 30, tzinfo=WARSAW)
        report = measure(CallInterval(start, HOUR), zone=WARSAW)

        assert Load(30 * MINUTE, HOUR) == report.hours[1] == report.hours[3]
        assert Load(NOTHING, NOTHING) == report.hours[2]
        assert 23 * HOUR == report.weekdays[6].observed

    def test_a_missing_hour_is_not_the_busy_hour(self):
        """On 4 November 2018 the clock of São Paulo went from 0:00 to 1:00."""
        call = CallInterval(datetime(2018, 11, 4, 12, tzinfo=UTC), NOTHING)

        assert 1 == measure(call, zone=ZoneInfo("America/Sao_Paulo")).busy_hour

    def test_a_repeated_hour_counts_twice(self):
        """On 25 October 2026 the hour from 2:00 comes twice in Warsaw."""
        start = datetime(2026, 10, 25, 2, 30, tzinfo=WARSAW)
        report = measure(CallInterval(start, HOUR), zone=WARSAW)

        assert Load(HOUR, 2 * HOUR) == report.hours[2]
        assert 25 * HOUR == report.weekdays[6].observed
        assert 0.5 == report.share_above(0)

    def test_a_change_by_half_an_hour_lengthens_an_hour(self):
        """On 5 April 2026 the clock of Lord Howe goes from 2:00 back to 1:30."""
        start = datetime(2026, 4, 5, 1, 0, tzinfo=LORD_HOWE)
        report = measure(CallInterval(start, 2 * HOUR), zone=LORD_HOWE)

        assert Load(1.5 * HOUR, 1.5 * HOUR) == report.hours[1]
        assert Load(0.5 * HOUR, HOUR) == report.hours[2]

    def test_a_day_can_come_again_after_midnight(self):
        """On 29 October 2006 St. John's clock went from 0:01 back to 23:01 of the day before."""
        start = datetime(2006, 10, 29, 2, 30, 30, tzinfo=UTC)
        report = measure(CallInterval(start, MINUTE), zone=ZoneInfo("America/St_Johns"))

        assert (date(2006, 10, 28), date(2006, 10, 29)) == (report.first_day, report.last_day)
        assert Load(30 * SECOND, 2 * HOUR + MINUTE) == report.hours[0]
        assert Load(30 * SECOND, 3 * HOUR - MINUTE) == report.hours[23]
        assert 49 * HOUR == sum((load.observed for load in report.weekdays), NOTHING)

    def test_hours_follow_an_offset_with_minutes(self):
        """In a zone of 5:45 the hour begins at a quarter past the hour of UTC."""
        zone = timezone(timedelta(hours=5, minutes=45))
        report = measure(call_at(4 * HOUR, HOUR), zone=zone)

        assert (Load(15 * MINUTE, HOUR), Load(45 * MINUTE, HOUR)) == (
            report.hours[9],
            report.hours[10],
        )

    def test_the_sliding_hour_begins_at_any_moment(self):
        """The 60 minutes end with the two later calls: 10:20 of the first, 2 x 30:00."""
        first = call_at(10 * HOUR + 30 * SECOND, 20 * MINUTE)
        second = call_at(10 * HOUR + 40 * MINUTE + 10 * SECOND, 30 * MINUTE)
        report = measure(first, second, second)

        assert MONDAY + 10 * HOUR + 10 * MINUTE + 10 * SECOND == report.sliding_start
        assert 70 * MINUTE + 20 * SECOND == report.sliding_talk_time
        assert 4220 / 3600 == report.sliding_erlangs

    def test_the_first_of_equal_sliding_hours_counts(self):
        """A single short call is in many windows; the first begins with the call."""
        short = call_at(HOUR, MINUTE)

        assert MONDAY + HOUR == measure(short, call_at(9 * HOUR, MINUTE)).sliding_start

    def test_share_above_is_the_time_with_more_calls(self):
        """Two calls run for 10 of the 60 minutes from 10:00, and one call for 50."""
        report = measure(*THREE_CALLS)

        assert [1.0, 1 / 6, 0.0, 0.0] == [report.share_above(calls) for calls in (0, 1, 2, 99)]
        with pytest.raises(InvalidValue, match="calls must be at least 0"):
            report.share_above(-1)

    def test_moments_are_shown_in_the_zone(self):
        """The instants are the same, and their text has the offset of the zone."""
        report = measure(*THREE_CALLS, zone=WARSAW)

        assert "2026-01-05 11:20:00+01:00" == str(report.peak_at)
        assert "2026-01-05 11:00:00+01:00" == str(report.sliding_start)

    def test_the_load_is_that_of_the_formulas(self):
        """By printed tables, 4 channels carry 1.09 erlangs at 2 % and 5 carry 1.66."""
        assert 5 == channels_for(measure(*THREE_CALLS).erlangs, blocking=0.02)

    def test_reads_a_generator_once(self):
        """The calls need not be a list."""
        assert measure(*THREE_CALLS) == measure_traffic(iter(THREE_CALLS), zone=UTC)

    @pytest.mark.parametrize(
        ("calls", "arguments", "message"),
        [
            ([], {}, "calls must be at least one call, not an empty log"),
            (
                [
                    call_at(HOUR, MINUTE, "a"),
                    call_at(NOTHING, HOUR, "b"),
                    call_at(HOUR + 59 * SECOND, MINUTE, "a"),
                ],
                {},
                "calls[2].id must be another id, or None, not 'a' again, while calls[0] runs",
            ),
            (
                [call_at(HOUR, MINUTE), CallInterval(datetime(1970, 1, 1, tzinfo=UTC), MINUTE)],
                {},
                "calls must be within 3,660 days, not calls[1], which starts on 1970-01-01, "
                "and calls[0], which ends on 2026-01-05",
            ),
            (
                THREE_CALLS,
                {"weekdays": [5, 6]},
                "weekdays must be weekdays between 2026-01-05 and 2026-01-05, not [5, 6]",
            ),
            (THREE_CALLS, {"weekdays": []}, "weekdays must be weekdays between"),
            (THREE_CALLS, {"weekdays": [7]}, "weekdays must be at least 0 and at most 6, not 7"),
        ],
    )
    def test_refuses_wrong_values(self, calls, arguments, message):
        """The error names the rows, or the weekdays, and what would be right."""
        with pytest.raises(InvalidValue) as caught:
            measure_traffic(calls, zone=UTC, **arguments)

        assert str(caught.value).startswith(message)

    @pytest.mark.parametrize(
        ("calls", "arguments", "message"),
        [
            ([*THREE_CALLS, "x"], {}, r"calls\[3\] must be a CallInterval, not 'x'"),
            (7, {}, "calls must be an iterable of CallInterval"),
            ("abc", {}, "calls must be an iterable of CallInterval"),
            (THREE_CALLS, {"zone": "UTC"}, "zone must be a tzinfo"),
            (THREE_CALLS, {"weekdays": 5}, "weekdays must be several weekdays"),
        ],
    )
    def test_refuses_wrong_types(self, calls, arguments, message):
        """The error names the parameter, with the index of a call."""
        with pytest.raises(WrongType, match=message):
            measure_traffic(calls, **{"zone": UTC, **arguments})

    def test_refuses_more_talk_time_than_a_timedelta_holds(self):
        """300,000 calls of ten years are an error of the log."""
        decade = call_at(NOTHING, timedelta(days=3650))

        with pytest.raises(InvalidValue, match="at most 999,999,999 days of talk time"):
            measure_traffic([decade] * 300_000, zone=UTC)

    def test_takes_few_steps_for_each_hour_of_a_quiet_log(self):
        """Two calls with 300 days between them take at most 50 steps for each hour."""
        calls = [call_at(NOTHING, MINUTE), call_at(timedelta(days=300), MINUTE)]
        report = run_within(50 * 24 * 300, lambda: measure(*calls))

        assert 301 == report.days

    def test_takes_few_steps_for_each_of_many_simultaneous_calls(self):
        """The steps grow with the calls, not with their square, in a crowded and a flat log."""
        crowd = [call_at(number * SECOND, 900 * SECOND) for number in range(4000)]
        report = run_within(300_000, lambda: str(measure(*crowd)) and measure(*crowd))

        assert 900 == report.peak


class TestLoad:
    """Talk time in observed time."""

    def test_erlangs_are_talk_time_by_observed_time(self):
        """Without observed time there are no erlangs."""
        assert 1.5 == Load(90 * MINUTE, HOUR).erlangs
        assert 0.0 == Load(NOTHING, NOTHING).erlangs
        assert "1.500 erlangs: 1:30:00 of calls in 1:00:00" == str(Load(90 * MINUTE, HOUR))
        assert [{"talk_seconds": 5400.0, "observed_seconds": 3600.0, "erlangs": 1.5}] == Load(
            90 * MINUTE, HOUR
        ).to_records()

    @pytest.mark.parametrize(
        ("talk_time", "observed", "field"),
        [
            (-MINUTE, HOUR, "talk_time"),
            (MINUTE, -HOUR, "observed"),
            (MINUTE, NOTHING, "observed"),
        ],
    )
    def test_refuses_lengths_that_cannot_be(self, talk_time, observed, field):
        """A length is not negative, and there is no talk time outside the observed time."""
        with pytest.raises(InvalidValue) as caught:
            Load(talk_time, observed)

        assert field == caught.value.parameter


class ScriptZone(tzinfo):
    """A zone whose name is a script."""

    def utcoffset(self, _):
        """Return UTC's offset."""
        return NOTHING

    def dst(self, _):
        """Return no summer time."""
        return NOTHING

    def tzname(self, _):
        """Return no short name."""
        return SCRIPT

    def __str__(self):
        return SCRIPT


class TestTrafficReport:
    """The report as text, as records and as a value."""

    def test_describes_itself(self):
        """The text has the peak, both busy hours, the shares, the hours and the weekdays."""
        lines = str(measure(*THREE_CALLS)).splitlines()

        assert lines[:8] == [
            "3 calls, mean length 0:30:00, 2026-01-05 to 2026-01-05, 1 day in the zone 'UTC'",
            "peak: 2 simultaneous calls, first at 2026-01-05 10:20:00+00:00",
            "busy hour: 10:00 to 11:00, 1.167 erlangs on average; "
            "busiest 60 minutes: from 2026-01-05 10:00:00+00:00, 1.167 erlangs",
            "Within the busy hour",
            "more calls than  share of the busy hour",
            "---------------  ----------------------",
            "              1                  16.67%",
            "              2                   0.00%",
        ]
        assert "Average load of each hour of the day" in lines
        assert "10:00 to 11:00    1.167" in lines
        assert "Monday            0.062" in lines
        assert "Tuesday    not observed" in lines

    def test_shows_the_name_of_a_zone_as_text(self):
        """A hostile name is escaped in a notebook."""
        html = measure(*THREE_CALLS, zone=ScriptZone())._repr_html_()

        assert SCRIPT not in html
        assert "&lt;script&gt;" in html

    def test_to_records_has_a_row_for_each_hour_and_weekday(self):
        """24 hours, then 7 weekdays, all with the same columns."""
        rows = measure(*THREE_CALLS).to_records()

        assert {
            "hour": 10,
            "weekday": None,
            "talk_seconds": 4200.0,
            "observed_seconds": 3600.0,
            "erlangs": 4200 / 3600,
        } == rows[10]
        assert [0, 1, 2, 3, 4, 5, 6] == [row["weekday"] for row in rows[24:]]
        assert 1 == len({tuple(row) for row in rows})

    def test_is_a_value(self):
        """It can be compared and pickled, and its repr is one line."""
        report = measure(*THREE_CALLS, zone=WARSAW)

        assert report == pickle.loads(pickle.dumps(report))
        assert len(repr(report)) <= 120

    @pytest.mark.parametrize(
        "change",
        [
            {"calls": 0},
            {"hours": ()},
            {"weekdays": ()},
            {"levels": ()},
            {"hours": (Load(NOTHING, NOTHING),) * 24},
        ],
        ids=str,
    )
    def test_refuses_a_report_without_calls_or_hours(self, change):
        """Each property can be computed for every report that exists."""
        report = measure(*THREE_CALLS)

        with pytest.raises(InvalidValue) as caught:
            attrs.evolve(report, **change)

        assert [*change] == [caught.value.parameter]
        assert isinstance(report, TrafficReport)
