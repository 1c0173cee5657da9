"""The same rules over columns: one call prices, refunds, renews or sizes a whole table.

A function takes a frame and the same offer, tariff or guideline as the scalar function, and returns
a frame of the same type with more columns. Every result equals the scalar result of its row.

**Columns.** The names of the caller's columns are arguments. ``results`` chooses the results and
names their columns; by default all are added under their own names. A result never replaces a
column.

**Numbers and days.** Counts, seconds and amounts are whole numbers of at most 64 bits; amounts are
in smallest units of the currency (``_minor``). Days are dates, or whole numbers that count the days
since 1970-01-01, which are faster. Resulting days are of the same kind.

**Errors.** The column ``error`` has the code of the exception that the scalar function would raise,
or null. The other results of a refused row are null. A missing value has the code ``wrong-type``.

**Engines.** polars (eager and lazy), pandas (with numpy or pyarrow), DuckDB and PySpark are
supported in full, and tables of pyarrow as best effort. What a rule cannot do on an engine is
refused before the run. Amounts are exact up to 2^53 everywhere, and on all engines but PySpark far
beyond. A row whose numbers the engine cannot compute exactly has the code ``beyond_engine``. It
never has a wrong number.

**How it works.** ``_engines`` reads the caller's columns as whole numbers without nulls, and writes
the results; only this module knows engines. ``_work`` checks a frame and adds columns step by step.
The rules in between are expressions of narwhals: no Python function is called for each row.

This room may use the kernel. It does not know subscriptions, stores or call records in Python, and
nothing else in the package knows this room.
"""

from channelplans.frames import pricing, quantities, renewals, sizing
from channelplans.frames.pricing import *
from channelplans.frames.quantities import *
from channelplans.frames.renewals import *
from channelplans.frames.sizing import *

__all__: list[str] = []
__all__ += pricing.__all__
__all__ += quantities.__all__
__all__ += renewals.__all__
__all__ += sizing.__all__
