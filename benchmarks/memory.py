"""Print the memory that quotes and refunds with polars need above requests and results, in MB.

The process has run the same on a small table before. Linux tells the largest memory of a process.
"""

import gc
import sys
from pathlib import Path

import polars as pl
from benchmarks.requests import make_arrays, with_dates, with_library

_PROCESS = Path("/proc/self")
_KILOBYTE = 1024


def read_status(field: str) -> int:
    """Return a field of the process's status, in bytes."""
    for line in (_PROCESS / "status").read_text(encoding="utf-8").splitlines():
        name, value = line.split(":", 1)
        if name == field:
            return int(value.split()[0]) * _KILOBYTE
    raise LookupError(field)


def measure(rows: int) -> float:
    """Return the megabytes that a run needs above its requests and results."""
    with_library(make_requests(1_000).lazy()).collect(engine="streaming")
    requests = make_requests(rows)
    gc.collect()
    before = read_status("VmRSS")
    (_PROCESS / "clear_refs").write_text("5", encoding="utf-8")  # forget the largest memory so far
    results = with_library(requests.lazy()).collect(engine="streaming")
    largest = read_status("VmHWM")
    added: int = results.estimated_size() - requests.estimated_size()
    return (largest - before - added) / 1_000_000


def make_requests(rows: int) -> pl.DataFrame:
    """Return a table of requests with dates."""
    return with_dates(pl.DataFrame(make_arrays(rows)))


if __name__ == "__main__":
    print(measure(int(sys.argv[1])))
