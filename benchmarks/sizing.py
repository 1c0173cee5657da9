"""Time the formulas of sizing beside the plain recursion: python benchmarks/sizing.py.

All are timed in turn, round by round, so that the ratios hold when the machine's speed drifts.
"""

from collections.abc import Callable
from statistics import median
from timeit import timeit

from channelplans import channels_for, engset, erlang_b, suggest_channels

ROUNDS = 15


def recursion(erlangs: float, channels: int) -> float:
    """Tell Erlang's B from the first channel up, as textbooks do."""
    blocking = 1.0
    for busy in range(1, channels + 1):
        blocking = erlangs * blocking / (busy + erlangs * blocking)
    return blocking


def walk(erlangs: float, blocking: float) -> int:
    """Tell the channels for a load by that recursion, from the first channel up."""
    channels, refused = 0, 1.0
    while refused > blocking:
        channels += 1
        refused = erlangs * refused / (channels + erlangs * refused)
    return channels


# What is timed, how often in a round, and what it is timed beside.
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
        lambda: walk(500.0, 0.001),
    ),
    "channels_for(10_000, blocking=0.001)": (
        lambda: channels_for(10_000.0, blocking=0.001),
        50,
        lambda: walk(10_000.0, 0.001),
    ),
    "engset(0.2, 300, 50)": (lambda: engset(0.2, 300, 50), 500, None),
    "engset(1, 1_000_000, 500_000)": (lambda: engset(1.0, 10**6, 500_000), 3, None),
    "suggest_channels(30)": (lambda: suggest_channels(30).channels, 300, None),
}


def microseconds(run: Callable[[], object], number: int) -> float:
    """Tell how long one run takes."""
    return timeit(run, number=number) / number * 1e6


def main() -> None:
    """Print medians of interleaved rounds, and ratios pair by pair."""
    ours: dict[str, list[float]] = {name: [] for name in TIMED}
    ratios: dict[str, list[float]] = {name: [] for name in TIMED}
    for _ in range(ROUNDS):
        for name, (run, number, plain) in TIMED.items():
            ours[name].append(microseconds(run, number))
            if plain:
                ratios[name].append(microseconds(plain, max(number // 10, 1)) / ours[name][-1])
    for name, times in ours.items():
        beside = f"   recursion {median(ratios[name]):6.1f} times that" if ratios[name] else ""
        print(f"{name:44} {median(times):9.1f} µs{beside}")


if __name__ == "__main__":
    main()
