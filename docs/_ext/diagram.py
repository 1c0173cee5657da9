"""The diagram of the lifecycle, drawn from the table of transitions.

Each state has a fixed place; the arrows and labels are computed from the table.
This module does not import Sphinx, so tests can read the diagram without it.
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
"""The diagram's name for the state before the first subscription, which the table calls None."""

WIDTH, HEIGHT = 840, 440
# Half the size of a state's box.
HALF_WIDTH, HALF_HEIGHT = 64, 22
# How far two opposite arrows between the same states bend apart.
BEND = 76
LOOP_HEIGHT = 76
LOOP_LABEL_HEIGHT = 70
# The distance between a box and the ends of its arrows, so that the arrowhead is visible.
GAP = 4

PLACES: Mapping[str, tuple[float, float]] = {
    NOTHING: (100, 90),
    "active": (400, 130),
    "cancelled": (730, 130),
    "lapsed": (100, 330),
    "ended": (565, 390),
}

# The colours of the theme, or the browser's light and dark colours if the theme defines none.
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
    """One transition: the state before, the action and the state after."""

    source: str
    action: str
    target: str


class Point(NamedTuple):
    """A position in the diagram."""

    x: float
    y: float


def rows(transitions: Mapping[tuple[S | None, A], S]) -> list[Row]:
    """Return the transitions as words, in the order of the table."""
    return [
        Row(NOTHING if source is None else str(source.value), str(action.value), str(target.value))
        for (source, action), target in transitions.items()
    ]


def arrows(table: list[Row]) -> dict[tuple[str, str], list[str]]:
    """Return the actions of each arrow: of each pair of a source state and a target state."""
    actions: dict[tuple[str, str], list[str]] = {}
    for row in table:
        actions.setdefault((row.source, row.target), []).append(row.action)
    return actions


def svg(transitions: Mapping[tuple[S | None, A], S]) -> str:
    """Return the diagram as an SVG element that a page can contain."""
    table = rows(transitions)
    states = dict.fromkeys(state for row in table for state in (row.source, row.target))
    unplaced = [state for state in states if state not in PLACES]
    if unplaced:
        message = f"the diagram has no place for {', '.join(unplaced)}; add it to PLACES"
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
            *_draw_arrows(arrows(table)),
            *(_draw_state(state) for state in states),
            "</svg>",
        ]
    )


def _draw_arrows(grouped: Mapping[tuple[str, str], list[str]]) -> Iterator[str]:
    for (source, target), actions in grouped.items():
        if source == target:
            path, label = _plan_loop(source)
        else:
            bend = BEND if (target, source) in grouped else 0
            path, label = _plan_curve(source, target, bend=bend)
        yield (
            f'<g class="arrow" data-source="{escape(source)}" data-target="{escape(target)}">'
            f'<path d="{path}" marker-end="url(#transitions-head)"/>'
            f'<text x="{label.x:g}" y="{label.y:g}">{escape(", ".join(actions))}</text></g>'
        )


def _draw_state(state: str) -> str:
    x, y = PLACES[state]
    return (
        f'<g class="state"><rect x="{x - HALF_WIDTH:g}" y="{y - HALF_HEIGHT:g}" rx="9"'
        f' width="{2 * HALF_WIDTH}" height="{2 * HALF_HEIGHT}"/>'
        f'<text x="{x:g}" y="{y:g}">{escape(state)}</text></g>'
    )


def _plan_loop(state: str) -> tuple[str, Point]:
    """Return the path of an arrow from a state to itself, and the place of its label."""
    x, y = PLACES[state]
    top = y - HALF_HEIGHT
    control = top - LOOP_HEIGHT
    path = f"M{x - 34:g} {top:g} C{x - 60:g} {control:g} {x + 60:g} {control:g} {x + 34:g} {top:g}"
    return path, Point(x, top - LOOP_LABEL_HEIGHT)


def _plan_curve(source: str, target: str, *, bend: float) -> tuple[str, Point]:
    """Return the path of an arrow between two states, and the place of its label.

    The curve bends to its left, so an arrow in the opposite direction bends to the other side.
    """
    start, end = Point(*PLACES[source]), Point(*PLACES[target])
    length = hypot(end.x - start.x, end.y - start.y)
    sideways = Point((end.y - start.y) / length, (start.x - end.x) / length)
    control = Point(
        (start.x + end.x) / 2 + bend * sideways.x,
        (start.y + end.y) / 2 + bend * sideways.y,
    )
    tail, head = _leave_box(start, control), _leave_box(end, control)
    # The middle of a quadratic curve is a quarter of each end and half of the control point.
    label = Point(
        (tail.x + 2 * control.x + head.x) / 4,
        (tail.y + 2 * control.y + head.y) / 4,
    )
    path = f"M{tail.x:.1f} {tail.y:.1f} Q{control.x:.1f} {control.y:.1f} {head.x:.1f} {head.y:.1f}"
    return path, Point(round(label.x, 1), round(label.y, 1))


def _leave_box(centre: Point, towards: Point) -> Point:
    """Return the point at which a line from the centre leaves the state's box, with a gap."""
    x, y = towards.x - centre.x, towards.y - centre.y
    across = abs(x) / (HALF_WIDTH + GAP)
    down = abs(y) / (HALF_HEIGHT + GAP)
    scale = 1 / max(across, down)
    return Point(centre.x + x * scale, centre.y + y * scale)
