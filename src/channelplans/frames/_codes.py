"""The codes of refused rows, and their places in a list, which frames at work use instead."""

from typing import Final

from channelplans.errors import (
    AllowanceNeeded,
    BarredNumber,
    BundlesNotAllowed,
    CalendarEnds,
    ChannelsOutOfRange,
    InvalidValue,
    NotOffered,
    OutsideTerm,
    TotalNotReachable,
    UnknownRate,
    WrongType,
)

__all__: tuple[str, ...] = ()

#: Every code that a column of errors can hold. A polars column of errors has this list as its type.
CODES: Final = (
    WrongType.code,
    InvalidValue.code,
    CalendarEnds.code,
    ChannelsOutOfRange.code,
    BundlesNotAllowed.code,
    NotOffered.code,
    OutsideTerm.code,
    AllowanceNeeded.code,
    TotalNotReachable.code,
    UnknownRate.code,
    BarredNumber.code,
    "beyond_engine",
)

# The places of the codes in CODES.
WRONG_TYPE: Final = CODES.index(WrongType.code)
INVALID_VALUE: Final = CODES.index(InvalidValue.code)
CALENDAR_ENDS: Final = CODES.index(CalendarEnds.code)
CHANNELS_OUT_OF_RANGE: Final = CODES.index(ChannelsOutOfRange.code)
BUNDLES_NOT_ALLOWED: Final = CODES.index(BundlesNotAllowed.code)
NOT_OFFERED: Final = CODES.index(NotOffered.code)
OUTSIDE_TERM: Final = CODES.index(OutsideTerm.code)
ALLOWANCE_NEEDED: Final = CODES.index(AllowanceNeeded.code)
TOTAL_NOT_REACHABLE: Final = CODES.index(TotalNotReachable.code)

#: The engine cannot compute the row's numbers exactly. Only frames have this code.
BEYOND_ENGINE: Final = CODES.index("beyond_engine")
