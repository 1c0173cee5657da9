"""Run the tests in parts. At a time, one part runs for each processor.

Usage: ``python .ci/test_in_parts.py [--trace] [an option of pytest or a path, ...]``. Each path is
a part, and all parts get the options. Without a path, each folder of the tests is a part, and so
are the modules beside the folders; the folders that other environments test are left out.

With ``--trace``, coverage traces the tests. Tracing doubles the time, so slow tests that are not
marked ``covers`` run untraced, in processes beside the others, with few examples of each law. In
the tests of ``channelplans.testing``, which draw thousands of values of other rooms, only
``channelplans.testing`` is traced.

Most of our tests are quick. With pytest-xdist, each process collects all of them, and reports each
to another process; that takes as long as the tests.
"""

import sys
from pathlib import Path

from side_by_side import run_all

TESTS = Path("tests")
ELSEWHERE = {"docs", "examples", "frames", "stores"}
# The parts that take longest start first.
LONGEST = ("property", "testing", "")
PYTEST = (sys.executable, "-m", "pytest")
COVERAGE = (sys.executable, "-m", "coverage", "run")
TRACED_TESTS = ("-m", "pytest", "-m", "not slow or covers")
UNTRACED = (*PYTEST, "-m", "slow and not covers", "--hypothesis-profile=fast")
#: The files that are not traced in the tests of ``channelplans.testing``.
OTHER_ROOMS = (
    "*/channelplans/*.py",
    "*/explore/*",
    "*/frames/*",
    "*/storage/*",
    "*/subscriptions/*",
)
#: What pytest returns if it finds no tests, such as no slow ones in a folder.
NO_TESTS = 5


def find_parts() -> list[list[str]]:
    """Return the paths of each part."""
    folders = {path.parent.name for path in TESTS.glob("*/test_*.py")} - ELSEWHERE
    parts = {name: [str(TESTS / name)] for name in sorted(folders)}
    parts[""] = sorted(map(str, TESTS.glob("test_*.py")))
    return [parts.pop(name) for name in LONGEST] + list(parts.values())


def traced_and_untraced(part: list[str]) -> list[tuple[str, ...]]:
    """Return the two commands for a part of the tests: one with coverage, and one without."""
    omitted = (f"--omit={','.join(OTHER_ROOMS)}",) if part == [str(TESTS / "testing")] else ()
    return [(*COVERAGE, *omitted, *TRACED_TESTS), UNTRACED]


def main() -> None:
    """Run pytest on each part; fail if a part fails, or if no part has a test."""
    given = sys.argv[1:]
    paths = [text for text in given if text and Path(text.partition("::")[0]).exists()]
    options = [text for text in given if text not in [*paths, "--trace"]]
    parts = [[path] for path in paths] or find_parts()
    commands = [
        [*run, *options, *part]
        for part in parts
        for run in (traced_and_untraced(part) if "--trace" in given else [PYTEST])
    ]
    statuses = set(run_all(commands))
    if statuses - {0, NO_TESTS} or statuses == {NO_TESTS}:
        raise SystemExit("A part of the tests failed, or there was no test.")


if __name__ == "__main__":
    main()
