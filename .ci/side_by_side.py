"""Run commands, each given as one argument. At a time, one runs for each processor.

The commands start in their order, so the longest come first. If one fails, the script fails.
"""

import os
import shlex
import subprocess
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from time import monotonic


def run_all(commands: Sequence[Sequence[str]]) -> Iterator[int]:
    """Print what each command printed and how long it took, in order, and yield its exit status."""
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for command, (done, seconds) in zip(commands, pool.map(_run, commands), strict=True):
            output = done.stdout.decode(errors="replace")
            print(f"$ {shlex.join(command)}", f"{output}({seconds:.0f} s)\n", sep="\n", flush=True)
            yield done.returncode


def _run(command: Sequence[str]) -> tuple[subprocess.CompletedProcess[bytes], float]:
    started = monotonic()
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    return done, monotonic() - started


def main() -> None:
    """Run all commands, and name those that failed."""
    commands = sys.argv[1:]
    statuses = run_all([shlex.split(command) for command in commands])
    failed = [command for command, status in zip(commands, statuses, strict=True) if status]
    if failed:
        raise SystemExit(f"failed: {'; '.join(failed)}")


if __name__ == "__main__":
    main()
