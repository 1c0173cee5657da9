"""Instants as whole microseconds since 1970, and as datetimes in a time zone."""

from datetime import UTC, datetime, timedelta, tzinfo
from typing import Final

from channelplans._checks import shown
from channelplans.errors import WrongType

__all__: tuple[str, ...] = ()


EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def check_zone(zone: tzinfo) -> None:
    """Refuse the name of a time zone, because zones are read from files."""
    if not isinstance(zone, tzinfo):
        expected = 'a tzinfo, such as zoneinfo.ZoneInfo("Europe/Warsaw")'
        raise WrongType("zone", shown(zone), expected)


def to_instant(microseconds: int, zone: tzinfo = UTC) -> datetime:
    """Return the instant that is a number of microseconds after 1970, in a time zone."""
    return (EPOCH + timedelta(microseconds=microseconds)).astimezone(zone)
