"""Run the tests in parts, as many at once as there are processors.

Usage: ``python .ci/test_in_parts.py [--cover] [an option of pytest or a path, ...]``. Each path is
a part, and all parts get the options. Without a path, there are four parts: the tests of
``channelplans.testing``, the laws, the modules beside the folders, and all other folders but those
that other environments test.

With ``--cover``, and if CHANNELPLANS_REQUIRE names coverage, as in CI, the tests must cover every
line and branch of all rooms but ``channelplans.frames``. Tracing doubles the time, so slow tests
that are not marked ``covers`` run untraced. One process traces the tests of
``channelplans.testing``, which draw thousands of values of other rooms, so it traces only that
room; one process traces the tests of all other parts.

pytest-xdist would take longer: each of its processes collects all tests, and reports each test to
another process, and most of our tests are quick.
"""

import os
import subprocess
import sys
from pathlib import Path

from side_by_side import run_all

TESTS = Path("tests")
ELSEWHERE = {"docs", "examples", "frames", "stores"}
LAWS, TESTING = "tests/property", "tests/testing"
PYTEST = (sys.executable, "-m", "pytest")
COVERAGE = (sys.executable, "-m", "coverage")
# The profile `ci` draws more examples than `fast`, so the strategies reach all of their lines.
TRACED_TESTS = ("-m", "pytest", "-m", "not slow or covers", "--hypothesis-profile=ci")
UNTRACED = (*PYTEST, "-m", "slow and not covers")
#: The files that are not traced in the tests of ``channelplans.testing``.
OTHER_ROOMS = (
    "*/channelplans/*.py",
    "*/explore/*",
    "*/frames/*",
    "*/storage/*",
    "*/subscriptions/*",
)
REPORTS = [
    (*COVERAGE, "combine", "--quiet"),
    (*COVERAGE, "report", "--omit=*/channelplans/frames/*"),
]
#: What pytest returns if it finds no tests, such as no slow ones in a part.
NO_TESTS = 5


def find_parts() -> list[list[str]]:
    """Return the paths of each part; the parts that take longest come first."""
    folders = {path.parent for path in TESTS.glob("*/test_*.py")}
    names = {str(folder) for folder in folders if folder.name not in ELSEWHERE}
    modules = sorted(map(str, TESTS.glob("test_*.py")))
    return [[TESTING], sorted(names - {LAWS, TESTING}), modules, [LAWS]]


def traced_and_untraced(parts: list[list[str]]) -> list[list[str]]:
    """Return the commands that trace the tests, and then those for the untraced tests."""
    others = [path for part in parts if part != [TESTING] for path in part]
    run = (*COVERAGE, "run")
    traced = [[*run, *TRACED_TESTS, *others]] if others else []
    if [TESTING] in parts:
        traced.append([*run, f"--omit={','.join(OTHER_ROOMS)}", *TRACED_TESTS, TESTING])
    return traced + [[*UNTRACED, *part] for part in parts]


def main() -> None:
    """Run pytest on each part; fail if a part fails, if none has a test, or if a line is missed."""
    given = sys.argv[1:]
    paths = [text for text in given if text and Path(text.partition("::")[0]).exists()]
    options = [text for text in given if text not in [*paths, "--cover"]]
    parts = [[path] for path in paths] or find_parts()
    required = os.environ.get("CHANNELPLANS_REQUIRE", "").split(",")
    traces = "--cover" in given and "coverage" in required
    commands = traced_and_untraced(parts) if traces else [[*PYTEST, *part] for part in parts]
    statuses = set(run_all([[*command, *options] for command in commands]))
    if statuses - {0, NO_TESTS} or statuses == {NO_TESTS}:
        raise SystemExit("A part of the tests failed, or there was no test.")
    if traces and any(subprocess.run(report, check=False).returncode for report in REPORTS):
        raise SystemExit("The tests do not cover every line and branch.")


if __name__ == "__main__":
    main()
