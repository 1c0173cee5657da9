"""Limit how many steps a computation takes: unlike seconds, steps are the same on every machine."""

import gc
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager


class TooManySteps(BaseException):
    """The code inside ``at_most`` takes more steps; ``except Exception`` does not catch it."""


def run_in_thread(call):
    """Run a call in a new thread, which has its own trace function; return the result.

    So a test can count steps, and coverage goes on tracing the test's own thread.
    """
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(call).result()


def run_within(steps, call):
    """Return the result of a call; raise TooManySteps if it takes more than a number of steps."""

    def count_and_run():
        with at_most(steps):
            return call()

    return run_in_thread(count_and_run)


@contextmanager
def at_most(steps, *, opcodes_in=None):
    """Raise TooManySteps at the step after a number of steps of the code inside.

    A step is a line of Python code in a called function; in the files whose names end with
    ``opcodes_in``, text or a tuple of texts, an opcode too.
    """
    steps_left = steps

    def trace(frame, event, _):
        nonlocal steps_left
        if opcodes_in:
            frame.f_trace_opcodes = frame.f_code.co_filename.endswith(opcodes_in)
        if event in {"line", "opcode"}:
            steps_left -= 1
            if steps_left < 0:
                sys.settrace(None)
                raise TooManySteps(f"more than {steps:,} steps")
        return trace

    # The collector calls a function of Hypothesis, whose steps would count, too.
    gc.disable()
    sys.settrace(trace)
    try:
        yield
    finally:
        sys.settrace(None)
        gc.enable()
