"""Instants as whole microseconds since 1970, and as datetimes in a time zone."""

from datetime import UTC, datetime, timedelta, tzinfo
from typing import Final

__all__: tuple[str, ...] = ()


EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def to_instant(microseconds: int, zone: tzinfo = UTC) -> datetime:
    """Return the instant that is a number of microseconds after 1970, in a time zone."""
    return (EPOCH + timedelta(microseconds=microseconds)).astimezone(zone)
