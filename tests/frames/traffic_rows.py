"""Records of calls for the tests, and what ``measure_traffic`` answers for each customer."""

import random
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from channelplans.errors import ChannelPlansError
from channelplans.explore import CallInterval, measure_traffic
from channelplans.frames._codes import CODES

COLUMNS = ("customer", "start", "seconds")
HOURS = tuple(f"erlangs_{hour}" for hour in range(24))
MEASURED = (
    *("calls", "talk_seconds", "first_day", "last_day", "peak", "peak_at", "busy_hour", "erlangs"),
    *HOURS,
    "error",
)

#: Zones whose clocks change at 1:00 UTC, at midnight, by half an hour, by days, and not at all; and
#: one that puts its clock back over midnight.
ZONES = {
    "UTC": UTC,
    **{
        key: ZoneInfo(key)
        for key in (
            "Europe/Warsaw",
            "America/Havana",
            "Australia/Lord_Howe",
            "Pacific/Apia",
            "Asia/Kathmandu",
            "America/St_Johns",
        )
    },
}


def measure(rows, zone, weekdays=range(7)):
    """Return the row of each customer, by customer."""
    customers: dict[str, list[tuple[datetime, int]]] = {}
    for customer, start, seconds in rows:
        customers.setdefault(customer, []).append((start, seconds))
    return {name: _measure_one(calls, zone, weekdays) for name, calls in customers.items()}


def _as_duration(seconds):
    return None if seconds is None else timedelta(seconds=seconds)


def _measure_one(calls, zone, weekdays):
    codes, intervals = [], []
    for start, seconds in calls:
        try:
            intervals.append(CallInterval(start, _as_duration(seconds)))
        except ChannelPlansError as error:
            codes.append(error.code)
    if codes:
        return (*[None] * (len(MEASURED) - 1), min(codes, key=CODES.index))
    try:
        report = measure_traffic(intervals, zone=zone, weekdays=weekdays)
    except ChannelPlansError as error:
        return (*[None] * (len(MEASURED) - 1), error.code)
    return (
        report.calls,
        report.talk_time // timedelta(seconds=1),
        report.first_day,
        report.last_day,
        report.peak,
        report.peak_at.astimezone(UTC),
        report.busy_hour,
        report.erlangs,
        *(load.erlangs if load.observed else None for load in report.hours),
        None,
    )


def long_rows():
    """Return calls of the longest log, for which the scalar function takes long."""
    start = datetime(2026, 1, 5, 10, tzinfo=UTC)
    return [("longest", start, 0), ("longest", start + timedelta(3660), 0)]


def random_rows(seed, count, *, customers=12, first=datetime(2025, 3, 20, tzinfo=UTC), days=20):
    """Return calls of some customers; some begin together, or when another call ends."""
    chance = random.Random(seed)
    rows = []
    for _ in range(count):
        start = first + timedelta(minutes=5 * chance.randrange(days * 288))
        if chance.random() < 0.5:
            start += timedelta(microseconds=chance.randrange(300_000_000))
        lengths = (
            0,
            300,
            chance.randrange(4000),
            chance.randrange(300),
            86_400 * chance.randrange(4),
        )
        rows.append((f"c-{chance.randrange(customers)}", start, chance.choice(lengths)))
    return rows


def _offset(instant, zone):
    return instant.astimezone(zone).utcoffset()


def edge_rows(zone):
    """Return calls around the edges of days, years and changes of a zone's clock, and bad calls."""
    changes = [
        *(datetime(2026, 3, 29, 1, tzinfo=UTC), datetime(2026, 10, 25, 1, tzinfo=UTC)),
        *(datetime(2026, 3, 8, 5, tzinfo=UTC), datetime(2026, 11, 1, 5, tzinfo=UTC)),
        *(datetime(2026, 4, 4, 15, tzinfo=UTC), datetime(2026, 10, 3, 15, 30, tzinfo=UTC)),
        *(datetime(2011, 12, 30, 10, tzinfo=UTC), datetime(2012, 4, 1, tzinfo=UTC)),
        *(datetime(1999, 12, 31, 23, tzinfo=UTC), datetime(2024, 2, 29, tzinfo=UTC)),
    ]
    day = timedelta(1)
    changes = [
        change
        for place, change in enumerate(changes)
        # The last ones are the ends of a year and of a February.
        if (change - day).astimezone(zone).utcoffset()
        != (change + day).astimezone(zone).utcoffset()
        or place >= len(changes) - 2
    ]
    rows = []
    for place, change in enumerate(changes):
        for before in (0, 1, 1800, 3600, 86_400):
            for length in (0, 1, 1800, 7200, 200_000):
                rows.append(
                    (f"{place}-{before}-{length}", change - timedelta(seconds=before), length)
                )
                rows.append((f"{place}", change - timedelta(seconds=before), length))
    start = datetime(2026, 1, 5, 10, tzinfo=UTC)
    return [
        *rows,
        *(("zero", start, 0), ("zero", start + timedelta(1), 0)),
        *(("negative", start, -1), ("negative", start, 60)),
        *(("missing", start, None), ("missing", start, -1), ("no start", None, 60)),
        *(("longer", start, 0), ("longer", start + timedelta(3660), 1)),
        ("saturday", datetime(2026, 1, 10, 12, tzinfo=UTC), 60),
        *(
            ("early", datetime(1, 12, 31, tzinfo=UTC), 60),
            ("late", datetime(9998, 12, 31, tzinfo=UTC), 1),
        ),
        *(("huge", start, 10**12), ("unknown", datetime(2120, 1, 1, tzinfo=UTC), 60)),
    ]
