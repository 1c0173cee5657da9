"""The directive ``transitions``: the lifecycle's diagram and table, from the table that runs."""

from typing import Any, ClassVar

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from diagram import Row, rows, svg

HEAD = Row("from", "action", "to")


class Transitions(SphinxDirective):
    """Draw `channelplans.subscriptions.TRANSITIONS`, and list it below the drawing."""

    has_content: ClassVar[bool] = False

    def run(self) -> list[nodes.Node]:
        """Return the drawing and the table."""
        from channelplans.subscriptions import TRANSITIONS  # noqa: PLC0415 - not before it is used

        return [nodes.raw("", svg(TRANSITIONS), format="html"), _table(rows(TRANSITIONS))]


def _table(listed: list[Row]) -> nodes.table:
    group = nodes.tgroup("", *(nodes.colspec(colwidth=1) for _ in HEAD), cols=len(HEAD))
    group += nodes.thead("", _row(HEAD))
    group += nodes.tbody("", *map(_row, listed))
    return nodes.table("", group)


def _row(row: Row) -> nodes.row:
    return nodes.row("", *(nodes.entry("", nodes.paragraph(text=word)) for word in row))


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the directive."""
    app.add_directive("transitions", Transitions)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
