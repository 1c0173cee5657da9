"""The lifecycle's diagram, drawn from its table of transitions.

The states have fixed places, everything else follows from the table.
Nothing here knows Sphinx, so that tests can read what is drawn.
"""

from collections.abc import Iterator, Mapping
from enum import Enum
from html import escape
from math import hypot
from typing import NamedTuple, TypeVar

__all__ = ["NOTHING", "Row", "arrows", "rows", "svg"]

S = TypeVar("S", bound=Enum)
A = TypeVar("A", bound=Enum)

NOTHING = "nothing"
"""What the diagram calls the state before the first subscription, the table's None."""

WIDTH, HEIGHT = 840, 440
HALF_WIDTH, HALF_HEIGHT = 64, 22
BOW = 76

PLACES: Mapping[str, tuple[float, float]] = {
    NOTHING: (100, 90),
    "active": (400, 130),
    "cancelled": (730, 130),
    "lapsed": (100, 330),
    "ended": (565, 390),
}

# The page's own colours where the theme names them, the browser's for light and dark elsewhere.
STYLE = """
.transitions { color: var(--color-foreground-primary, CanvasText); max-width: 100%; height: auto; }
.transitions path { fill: none; stroke: currentColor; stroke-width: 1.4; }
.transitions marker path { fill: currentColor; stroke: none; }
.transitions rect { fill: var(--color-background-secondary, Canvas); stroke: currentColor; }
.transitions text { fill: currentColor; font-family: sans-serif; font-size: 15px;
  text-anchor: middle; dominant-baseline: central; paint-order: stroke;
  stroke-width: 10px; stroke-linejoin: round; stroke: var(--color-background-primary, Canvas); }
.transitions .state text { font-weight: 600; stroke: none; }
"""


class Row(NamedTuple):
    """One transition, in words."""

    source: str
    action: str
    target: str


class Point(NamedTuple):
    """A place in the picture."""

    x: float
    y: float


def rows(transitions: Mapping[tuple[S | None, A], S]) -> list[Row]:
    """The table's rows in words, in the table's order."""
    return [
        Row(NOTHING if source is None else str(source.value), str(action.value), str(target.value))
        for (source, action), target in transitions.items()
    ]


def arrows(table: list[Row]) -> dict[tuple[str, str], list[str]]:
    """The actions that lead from one state to another: an arrow each, with their names."""
    grouped: dict[tuple[str, str], list[str]] = {}
    for row in table:
        grouped.setdefault((row.source, row.target), []).append(row.action)
    return grouped


def svg(transitions: Mapping[tuple[S | None, A], S]) -> str:
    """The diagram as SVG that stands in a page."""
    table = rows(transitions)
    drawn = arrows(table)
    states = dict.fromkeys(state for row in table for state in (row.source, row.target))
    lost = [state for state in states if state not in PLACES]
    if lost:
        message = f"the diagram has no place for {', '.join(lost)}; give it one in PLACES"
        raise ValueError(message)
    return "\n".join(
        [
            f'<svg class="transitions" xmlns="http://www.w3.org/2000/svg" role="img"'
            f' viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}">',
            "<title>The lifecycle of a subscription</title>",
            f"<style>{STYLE}</style>",
            '<defs><marker id="transitions-head" viewBox="0 0 10 10" refX="9" refY="5"'
            ' markerWidth="8" markerHeight="8" orient="auto">'
            '<path d="M0 1 L10 5 L0 9 z"/></marker></defs>',
            *_arrows(drawn),
            *(_state(state) for state in states),
            "</svg>",
        ]
    )


def _arrows(drawn: Mapping[tuple[str, str], list[str]]) -> Iterator[str]:
    for (source, target), actions in drawn.items():
        if source == target:
            path, label = _loop(source)
        else:
            path, label = _curve(source, target, bow=BOW if (target, source) in drawn else 0)
        yield (
            f'<g class="arrow" data-source="{escape(source)}" data-target="{escape(target)}">'
            f'<path d="{path}" marker-end="url(#transitions-head)"/>'
            f'<text x="{label.x:g}" y="{label.y:g}">{escape(", ".join(actions))}</text></g>'
        )


def _state(state: str) -> str:
    x, y = PLACES[state]
    return (
        f'<g class="state"><rect x="{x - HALF_WIDTH:g}" y="{y - HALF_HEIGHT:g}" rx="9"'
        f' width="{2 * HALF_WIDTH}" height="{2 * HALF_HEIGHT}"/>'
        f'<text x="{x:g}" y="{y:g}">{escape(state)}</text></g>'
    )


def _loop(state: str) -> tuple[str, Point]:
    x, y = PLACES[state]
    top = y - HALF_HEIGHT
    high = top - 76
    path = f"M{x - 34:g} {top:g} C{x - 60:g} {high:g} {x + 60:g} {high:g} {x + 34:g} {top:g}"
    return path, Point(x, top - 70)


def _curve(source: str, target: str, *, bow: float) -> tuple[str, Point]:
    """A curve that bows to one side, so that the way back, bowing to its own, lies beside it."""
    start, end = Point(*PLACES[source]), Point(*PLACES[target])
    length = hypot(end.x - start.x, end.y - start.y)
    aside = Point((end.y - start.y) / length, (start.x - end.x) / length)
    pull = Point(
        (start.x + end.x) / 2 + bow * aside.x,
        (start.y + end.y) / 2 + bow * aside.y,
    )
    first, last = _edge(start, pull), _edge(end, pull)
    label = Point(
        (first.x + 2 * pull.x + last.x) / 4,
        (first.y + 2 * pull.y + last.y) / 4,
    )
    path = f"M{first.x:.1f} {first.y:.1f} Q{pull.x:.1f} {pull.y:.1f} {last.x:.1f} {last.y:.1f}"
    return path, Point(round(label.x, 1), round(label.y, 1))


def _edge(centre: Point, towards: Point) -> Point:
    """Where the way from a state's centre leaves its box, with a gap for the arrow's head."""
    x, y = towards.x - centre.x, towards.y - centre.y
    across = abs(x) / (HALF_WIDTH + 4)
    down = abs(y) / (HALF_HEIGHT + 4)
    scale = 1 / max(across, down)
    return Point(centre.x + x * scale, centre.y + y * scale)
