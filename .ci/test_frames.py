"""Test the room `frames`: quickly, or in full if CHANNELPLANS_REQUIRE names engines, as in CI.

In full, the tests compare all engines, and they must cover every line and branch of the room.
PySpark needs Java. Otherwise they compare polars and one other engine, and most slow tests run only
on polars.
"""

import os
import subprocess
import sys
from importlib.util import find_spec

from side_by_side import run_all

FOLDER = "tests/frames"
TRAFFIC, PRICING = f"{FOLDER}/test_traffic.py", f"{FOLDER}/test_pricing.py"
CALLS, ENGINES = f"{FOLDER}/test_calls.py", f"{FOLDER}/test_engines.py"
# The examples of the room are among those of the docstrings.
DOCSTRINGS = "tests/test_docs_docstrings.py"
REST = (FOLDER, DOCSTRINGS, f"--ignore={TRAFFIC}", f"--ignore={PRICING}")
PYTEST = (sys.executable, "-m", "pytest")
COVERAGE = (sys.executable, "-m", "coverage")
# Tracing slows down the scalar functions, so they are not traced, nor are slow tests. Those with
# PySpark are traced, because they run in one process with the other tests with PySpark.
UNTRACED_FILES = ("*/channelplans/*.py", "*/channelplans/explore/*", "*/channelplans/testing/*")
TRACED = (*COVERAGE, "run", f"--omit={','.join(UNTRACED_FILES)}", "-m", "pytest", FOLDER)

# The two runs take about the same time.
SECOND_HALF = (CALLS, ENGINES, TRAFFIC)
QUICK_RUNS = [
    (*PYTEST, FOLDER, DOCSTRINGS, *(f"--ignore={path}" for path in SECOND_HALF)),
    (*PYTEST, *SECOND_HALF),
]
# The tests with PySpark take longest, so they start first.
SLOW = ("-m", "slow and not pyspark")
FULL_RUNS = [
    (*TRACED, "-m", "pyspark"),
    (*TRACED, "-m", "not slow and not pyspark"),
    (*PYTEST, *REST, *SLOW),
    (*PYTEST, TRAFFIC, *SLOW),
    (*PYTEST, PRICING, *SLOW),
]
REPORTS = [
    (*COVERAGE, "combine", "--quiet"),
    (*COVERAGE, "report", "--include=*/channelplans/frames/*"),
]


def main() -> None:
    """Run the tests, and report their coverage if they run in full."""
    in_full = "engines" in os.environ.get("CHANNELPLANS_REQUIRE", "").split(",")
    runs = FULL_RUNS if in_full else QUICK_RUNS
    if find_spec("pyspark") and not in_full:
        # Only this process starts Java.
        runs = [(*PYTEST, FOLDER, "-m", "pyspark")]
        runs += [(*run, "-m", "not pyspark") for run in QUICK_RUNS]
    statuses = [*run_all(runs)]
    if in_full:
        statuses += [subprocess.run(report, check=False).returncode for report in REPORTS]
    if any(statuses):
        sys.exit("The tests of frames failed, or their coverage is not full.")


if __name__ == "__main__":
    main()
