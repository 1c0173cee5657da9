"""Compare the sizing formulas with the textbook recursion: python benchmarks/sizing.py.

Each round times everything, so the ratios stay right when the speed of the machine changes.
"""

from collections.abc import Callable
from statistics import median
from timeit import timeit

from channelplans import channels_for, engset, erlang_b, load_for, suggest_channels
from channelplans.erlang import engset_by_total_load, extended_erlang_b

ROUNDS = 15


def recursion(erlangs: float, channels: int) -> float:
    """Return Erlang's B by the textbook recursion from the first channel up."""
    blocking = 1.0
    for busy in range(1, channels + 1):
        blocking = erlangs * blocking / (busy + erlangs * blocking)
    return blocking


def channels_by_recursion(erlangs: float, blocking: float) -> int:
    """Return the channels for a load, by the same recursion."""
    channels, blocked_share = 0, 1.0
    while blocked_share > blocking:
        channels += 1
        blocked_share = erlangs * blocked_share / (channels + erlangs * blocked_share)
    return channels


# A formula, its number of runs in a round, and the recursion to compare it with.
TIMED: dict[str, tuple[Callable[[], float], int, Callable[[], float] | None]] = {
    "erlang_b(270, 300)": (
        lambda: erlang_b(270.0, 300),
        500,
        lambda: recursion(270.0, 300),
    ),
    "erlang_b(9_900, 10_000)": (
        lambda: erlang_b(9900.0, 10_000),
        50,
        lambda: recursion(9900.0, 10_000),
    ),
    "erlang_b(1_000_000, 1_000_000)": (
        lambda: erlang_b(1e6, 10**6),
        3,
        lambda: recursion(1e6, 10**6),
    ),
    "erlang_b(970_000, 1_000_000), near underflow": (
        lambda: erlang_b(970_000.0, 10**6),
        3,
        lambda: recursion(970_000.0, 10**6),
    ),
    "channels_for(500, blocking=0.001)": (
        lambda: channels_for(500.0, blocking=0.001),
        300,
        lambda: channels_by_recursion(500.0, 0.001),
    ),
    "channels_for(10_000, blocking=0.001)": (
        lambda: channels_for(10_000.0, blocking=0.001),
        50,
        lambda: channels_by_recursion(10_000.0, 0.001),
    ),
    "engset(0.2, 300, 50)": (lambda: engset(0.2, 300, 50), 500, None),
    "engset(1, 1_000_000, 500_000)": (lambda: engset(1.0, 10**6, 500_000), 3, None),
    "engset_by_total_load(270, 1000, 300)": (
        lambda: engset_by_total_load(270.0, 1000, 300),
        100,
        None,
    ),
    "engset_by_total_load, a million channels": (
        lambda: engset_by_total_load(1e6, 2 * 10**6, 10**6),
        1,
        None,
    ),
    "extended_erlang_b(270, 300, retries=0.5)": (
        lambda: extended_erlang_b(270.0, 300, retries=0.5),
        100,
        None,
    ),
    "extended_erlang_b, a million channels": (
        lambda: extended_erlang_b(1e6, 10**6, retries=0.5),
        1,
        None,
    ),
    "load_for(300, blocking=0.01)": (lambda: load_for(300, blocking=0.01), 100, None),
    "load_for(1_000_000, blocking=0.01)": (lambda: load_for(10**6, blocking=0.01), 1, None),
    "channels_for(30, blocking=0.02, sources=300)": (
        lambda: channels_for(30.0, blocking=0.02, sources=300),
        300,
        None,
    ),
    "suggest_channels(30)": (lambda: suggest_channels(30).channels, 300, None),
}


def microseconds(run: Callable[[], object], number: int) -> float:
    """Return the time of one run."""
    return timeit(run, number=number) / number * 1e6


def main() -> None:
    """Print the median times, and the median ratios of the pairs."""
    times: dict[str, list[float]] = {name: [] for name in TIMED}
    ratios: dict[str, list[float]] = {name: [] for name in TIMED}
    for _ in range(ROUNDS):
        for name, (run_formula, number, run_recursion) in TIMED.items():
            formula_time = microseconds(run_formula, number)
            times[name].append(formula_time)
            if run_recursion:
                recursion_time = microseconds(run_recursion, max(number // 10, 1))
                ratios[name].append(recursion_time / formula_time)
    for name in TIMED:
        comparison = ""
        if ratios[name]:
            comparison = f"   recursion: {median(ratios[name]):6.1f} times as long"
        print(f"{name:44} {median(times[name]):9.1f} µs{comparison}")


if __name__ == "__main__":
    main()
