"""Quotes and refunds as one loop that numba compiles: near the limit of one processor.

The loop reads each request once and writes each result once. Nothing is allocated while it runs.
Numbers cannot be missing here. A refused row has zeros, and the place of its code in ``CODES``.
"""

from typing import Any

import numba
import numpy as np
from benchmarks.requests import Arrays

from channelplans.frames._codes import CODES

_ACCEPTED = -1
_WRONG_TYPE = CODES.index("wrong-type")
_INVALID_VALUE = CODES.index("invalid-value")
_CALENDAR_ENDS = CODES.index("calendar-ends")
_CHANNELS_OUT_OF_RANGE = CODES.index("channels-out-of-range")
_BUNDLES_NOT_ALLOWED = CODES.index("bundles-not-allowed")
_OUTSIDE_TERM = CODES.index("outside-term")

_LONGEST = 10**18
_FIRST_DAY, _LAST_DAY = -719_162, 2_932_896

#: The results in the order of the loop's arguments, with their types.
RESULTS = {
    "granted": np.int64,
    "term_end": np.int32,
    "channels_minor": np.int64,
    "bundles_minor": np.int64,
    "total_minor": np.int64,
    "granted_seconds": np.int64,
    "error": np.int8,
    "returned_minor": np.int64,
    "kept_minor": np.int64,
    "refund_error": np.int8,
}


@numba.njit(nogil=True)  # type: ignore[untyped-decorator]
def _fill(  # noqa: C901 - one loop without calls is what is measured
    channels: Any,
    bundles: Any,
    on: Any,
    ended_on: Any,
    granted: Any,
    term_end: Any,
    channels_minor: Any,
    bundles_minor: Any,
    total_minor: Any,
    granted_seconds: Any,
    error: Any,
    returned_minor: Any,
    kept_minor: Any,
    refund_error: Any,
) -> None:
    for row in range(len(channels)):
        requested, bought, day, end = channels[row], bundles[row], on[row], ended_on[row]
        sold = requested // 10 * 10 if requested > 100 else requested
        code = _ACCEPTED
        if (
            requested <= -_LONGEST
            or requested >= _LONGEST
            or bought <= -_LONGEST
            or bought >= _LONGEST
        ):
            code = _INVALID_VALUE
        elif requested < 1 or requested > 300:
            code = _CHANNELS_OUT_OF_RANGE
        elif bought < 0 or bought > sold:
            code = _BUNDLES_NOT_ALLOWED
        elif day < _FIRST_DAY or day > _LAST_DAY - 30:
            code = _CALENDAR_ENDS
        refund_code = _ACCEPTED
        if code != _ACCEPTED:
            refund_code = _WRONG_TYPE
            sold, bought, day, renewal = 0, 0, 0, 0
        else:
            renewal = day + 30
            if end < _FIRST_DAY or end > _LAST_DAY:
                refund_code = _CALENDAR_ENDS
            elif end >= renewal:
                refund_code = _OUTSIDE_TERM
        channels_price, bundles_price = sold * 695, bought * 4900
        total = channels_price + bundles_price
        returned, kept = 0, 0
        if refund_code == _ACCEPTED:
            unused = renewal - end
            returned = (channels_price * unused * 2 + 30) // 60
            returned += (bundles_price * unused * 2 + 30) // 60
            if end < day:
                returned = total
            kept = total - returned
        granted[row], term_end[row] = sold, renewal
        channels_minor[row], bundles_minor[row] = channels_price, bundles_price
        total_minor[row], granted_seconds[row] = total, bought * 300_000
        error[row], refund_error[row] = code, refund_code
        returned_minor[row], kept_minor[row] = returned, kept


class Loop:
    """Runs the loop on requests, again and again into the same results."""

    def __init__(self, arrays: Arrays) -> None:
        days = {name: arrays[name].astype(np.int32) for name in ("on", "ended_on")}
        self._requests = (arrays["channels"], arrays["bundles"], days["on"], days["ended_on"])
        rows = len(arrays["channels"])
        self.results = {name: np.zeros(rows, dtype) for name, dtype in RESULTS.items()}

    def run(self) -> None:
        """Compute all results."""
        _fill(*self._requests, *self.results.values())
