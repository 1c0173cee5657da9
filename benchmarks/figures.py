"""Figures of the benchmark suite: a ratio of two times, measured pair by pair in one run.

The speed of a machine changes while a benchmark runs. So each round times both sides, one directly
after the other, and a figure is the median of the ratios of the rounds.
"""

import os
import platform
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from statistics import median
from time import perf_counter

import attrs


@attrs.frozen
class Figure:
    """A ratio, and the bound that it must keep.

    Attributes:
        name: what is measured.
        against: what it is compared with.
        bound: the bound of the ratio.
        at_least: True if the ratio must not be below the bound, False if it must not be above.
        measure: a function that yields the ratio of each round.
        summary: which ratio counts; by default the median.
    """

    name: str
    against: str
    bound: float
    measure: Callable[[], Iterable[float]]
    at_least: bool = attrs.field(default=False, kw_only=True)
    summary: Callable[[Sequence[float]], float] = attrs.field(default=median, kw_only=True)

    def is_met(self, ratio: float) -> bool:
        """Return whether a ratio keeps the bound."""
        return ratio >= self.bound if self.at_least else ratio <= self.bound


def seconds(run: Callable[[], object], number: int = 1) -> float:
    """Return the time of a number of runs."""
    start = perf_counter()
    for _ in range(number):
        run()
    return perf_counter() - start


def paired(
    run: Callable[[], object],
    other: Callable[[], object],
    *,
    rounds: int = 15,
    number: int = 1,
    other_number: int = 1,
) -> Iterator[float]:
    """Yield for each round the time of one run, divided by the time of one run of the other.

    Args:
        run: what is measured.
        other: what it is compared with.
        rounds: how many ratios to yield. An earlier round fills caches and is not counted.
        number: how many runs are timed together.
        other_number: how many runs of the other are timed together.
    """
    for round_number in range(rounds + 1):
        # The order alternates, so that none profits from being second.
        if round_number % 2:
            other_time = seconds(other, other_number) / other_number
            time = seconds(run, number) / number
        else:
            time = seconds(run, number) / number
            other_time = seconds(other, other_number) / other_number
        if round_number:
            yield time / other_time


def times_faster(ratios: Iterable[float]) -> Iterator[float]:
    """Yield how many times as long the other takes."""
    return (1 / ratio for ratio in ratios)


def describe_machine() -> str:
    """Return the processor, the number of cores and the version of Python."""
    processor = platform.processor() or platform.machine()
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        models = [line.split(":")[1].strip() for line in lines if line.startswith("model name")]
        processor = models[0]
    except (OSError, IndexError):
        pass
    python = f"{platform.python_implementation()} {platform.python_version()}"
    return f"{processor}, {os.cpu_count()} cores, {python}"


def format_ratio(ratio: float) -> str:
    """Return a ratio with three significant digits, or as a whole number from 100 on."""
    return f"{ratio:,.0f}" if ratio >= 100 else f"{ratio:.3g}"


def print_figure(figure: Figure) -> bool:
    """Measure a figure, print its row and return whether it is met."""
    ratios = list(figure.measure())
    ratio = figure.summary(ratios)
    spread = f"{format_ratio(min(ratios))} to {format_ratio(max(ratios))}"
    bound = f"{'at least' if figure.at_least else 'at most'} {format_ratio(figure.bound)}"
    met = "met" if figure.is_met(ratio) else "not met"
    compared = f"{figure.name:46} {figure.against:38}"
    print(f"{compared} {format_ratio(ratio):>7}  {spread:18} {bound:14} {met}", flush=True)
    return figure.is_met(ratio)
