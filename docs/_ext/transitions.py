"""The directive ``transitions``: the lifecycle as a diagram and a table."""

from typing import Any, ClassVar

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from channelplans.subscriptions.transitions import TRANSITIONS
from diagram import Row, rows, svg

HEADINGS = Row("from", "action", "to")


class Transitions(SphinxDirective):
    """Draw `channelplans.subscriptions.transitions.TRANSITIONS`, and list it below the diagram.

    The actions read the same table, so the page always shows what the library does.
    """

    has_content: ClassVar[bool] = False

    def run(self) -> list[nodes.Node]:
        """Return the diagram and the table."""
        diagram = f'<div class="diagram">{svg(TRANSITIONS)}</div>'
        return [nodes.raw("", diagram, format="html"), _make_table(rows(TRANSITIONS))]


def _make_table(transitions: list[Row]) -> nodes.table:
    columns = [nodes.colspec(colwidth=1) for _ in HEADINGS]
    group = nodes.tgroup("", *columns, cols=len(HEADINGS))
    group += nodes.thead("", _make_row(HEADINGS))
    group += nodes.tbody("", *map(_make_row, transitions))
    return nodes.table("", group)


def _make_row(transition: Row) -> nodes.row:
    cells = (nodes.entry("", nodes.paragraph(text=word)) for word in transition)
    return nodes.row("", *cells)


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the directive."""
    app.add_directive("transitions", Transitions)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
