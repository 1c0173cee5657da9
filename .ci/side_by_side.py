"""Run commands at the same time, each given as one argument; fail if one of them fails.

On two processors this takes half the time if each command uses one.
"""

import shlex
import subprocess
import sys


def main() -> None:
    """Start all commands, then print what each of them printed, in their order."""
    processes = [
        (
            command,
            subprocess.Popen(
                shlex.split(command), stdout=subprocess.PIPE, stderr=subprocess.STDOUT
            ),
        )
        for command in sys.argv[1:]
    ]
    failed = []
    for command, process in processes:
        output, _ = process.communicate()
        print(f"$ {command}", output.decode(errors="replace"), sep="\n", flush=True)
        if process.returncode:
            failed.append(command)
    if failed:
        raise SystemExit(f"failed: {'; '.join(failed)}")


if __name__ == "__main__":
    main()
