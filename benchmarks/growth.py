"""Draw how the time of quotes and refunds grows with the rows, as docs/_static/growth.svg.

Run ``python -m benchmarks.growth``. Both axes are logarithmic: one step to the right is ten times
the rows, and one step up is ten times the time.
"""

from collections.abc import Callable, Sequence
from functools import partial
from math import log10
from pathlib import Path
from statistics import median

import polars as pl
from benchmarks.figures import seconds
from benchmarks.requests import TARIFF, make_arrays, with_dates, with_library

from channelplans import SKYPE_CONNECT, quote, refund
from channelplans.errors import ChannelPlansError

PICTURE = Path(__file__).resolve().parents[1] / "docs" / "_static" / "growth.svg"

_SIZES = [round(10 ** (3 + step / 2)) for step in range(9)]
# Larger tables take a loop minutes; its line goes on straight.
_LOOP_SIZES = [size for size in _SIZES if size <= 10_000]

_WIDTH, _HEIGHT, _LEFT, _TOP, _RIGHT, _BOTTOM = 670, 420, 90, 30, 60, 60
_FEWEST, _MOST = 3, 7  # powers of ten
_SHORTEST, _LONGEST = -3, 3

_STYLE = """
.card { fill: #ffffff; stroke: #8c959f; }
.grid { stroke: #d0d7de; }
.line { fill: none; stroke: #1f2328; stroke-width: 2.5; }
.dashed { stroke-dasharray: 7 5; }
.dot { fill: #1f2328; }
text { fill: #1f2328; font-family: sans-serif; font-size: 16px; }
.middle { text-anchor: middle; }
.end { text-anchor: end; }
"""

Point = tuple[float, float]


def run_loop(requests: Sequence[tuple[int, int, object, object]]) -> None:
    """Quote and refund each request with the functions for one value."""
    for channels, bundles, on, ended_on in requests:
        try:
            paid = quote(SKYPE_CONNECT.plan(channels=channels, bundles=bundles), TARIFF, on=on)  # type: ignore[arg-type]
            refund(paid, on=ended_on)  # type: ignore[arg-type]
        except ChannelPlansError as error:
            _ = error.code


def run_columns(table: pl.DataFrame) -> None:
    """Quote and refund all requests at once; the time includes planning the query."""
    with_library(table.lazy()).collect(engine="streaming")


def measure(size: int, run: Callable[[], object]) -> Point:
    """Return the size and the median time of several runs."""
    rounds = 5 if size < 100_000 else 3
    run()
    return size, median(seconds(run) for _ in range(rounds))


def measure_all() -> tuple[list[Point], list[Point]]:
    """Return the points of the columns and of the loop."""
    columns, loop = [], []
    for size in _SIZES:
        table = with_dates(pl.DataFrame(make_arrays(size)))
        columns.append(measure(size, partial(run_columns, table)))
        if size in _LOOP_SIZES:
            loop.append(measure(size, partial(run_loop, table.rows())))
    return columns, loop


def find_crossing(columns: Sequence[Point], loop: Sequence[Point]) -> float:
    """Return the number of rows at which a call costs as much as the loop."""
    (_, call), (size, time) = columns[0], loop[-1]
    return call / (time / size)


def place(point: Point) -> Point:
    """Return where a point is in the picture."""
    size, time = point
    right = (log10(size) - _FEWEST) / (_MOST - _FEWEST)
    up = (log10(time) - _SHORTEST) / (_LONGEST - _SHORTEST)
    x = _LEFT + right * (_WIDTH - _LEFT - _RIGHT)
    return x, _HEIGHT - _BOTTOM - up * (_HEIGHT - _TOP - _BOTTOM)


def draw_line(points: Sequence[Point], kind: str) -> str:
    """Return a line through points."""
    places = " ".join(f"{x:.1f},{y:.1f}" for x, y in map(place, points))
    return f'<polyline class="{kind}" points="{places}"/>'


def draw_text(point: Point, text: str, kind: str, *, right: int = 0, down: int = 0) -> str:
    """Return a text near a point."""
    x, y = place(point)
    return f'<text class="{kind}" x="{x + right:.1f}" y="{y + down:.1f}">{text}</text>'


def draw(columns: Sequence[Point], loop: Sequence[Point]) -> str:
    """Return the picture."""
    fewest, most = 10**_FEWEST, 10**_MOST
    parts = [f'<rect class="card" x="1" y="1" width="{_WIDTH - 2}" height="{_HEIGHT - 2}" rx="8"/>']
    for power in range(_SHORTEST, _LONGEST + 1):
        time = 10.0**power
        label = f"{time:,.0f} s" if power >= 0 else f"{time * 1000:,.0f} ms"
        parts.append(draw_line([(fewest, time), (most, time)], "grid"))
        parts.append(draw_text((fewest, time), label, "end", right=-8, down=5))
    for power in range(_FEWEST, _MOST + 1):
        bottom = (10**power, 10.0**_SHORTEST)
        parts.append(draw_line([bottom, (10**power, 10.0**_LONGEST)], "grid"))
        parts.append(draw_text(bottom, f"{10**power:,}", "middle", down=22))
    parts.append(draw_text((10**5, 10.0**_SHORTEST), "rows", "middle", down=46))
    size, time = loop[-1]
    further = [(size, time), (most, time / size * most)]
    parts += [
        draw_line(loop, "line"),
        draw_line(further, "line dashed"),
        draw_line(columns, "line"),
    ]
    # A crossing before the first size is marked at the edge.
    x, y = place((max(find_crossing(columns, loop), fewest), columns[0][1]))
    parts.append(f'<circle class="dot" cx="{x:.1f}" cy="{y:.1f}" r="6"/>')
    beside = (10**5, time / size * 10**5)
    parts.append(draw_text(beside, "loop over quote and refund", "end", right=-12, down=-4))
    parts.append(draw_text(columns[-3], "quote_frame and refund_frame", "middle", down=40))
    body = "\n".join(parts)
    box = f'viewBox="0 0 {_WIDTH} {_HEIGHT}" width="{_WIDTH}" height="{_HEIGHT}"'
    title = "<title>Time against the number of rows, both axes logarithmic</title>"
    head = f'<svg xmlns="http://www.w3.org/2000/svg" {box} role="img">'
    return f"{head}\n{title}\n<style>{_STYLE}</style>\n{body}\n</svg>\n"


def main() -> None:
    """Measure, write the picture and print the points."""
    columns, loop = measure_all()
    PICTURE.write_text(draw(columns, loop), encoding="utf-8")
    for name, points in (("columns", columns), ("loop", loop)):
        for size, time in points:
            print(f"{name:8} {size:12,} rows {time:10.4f} s")
    print(f"a call costs as much as a loop over {find_crossing(columns, loop):,.0f} rows")


if __name__ == "__main__":
    main()
