"""The directives ``offer`` and ``guidelines``: published rules, as the library prints them."""

from collections.abc import Iterable
from typing import Any, ClassVar

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from channelplans.offers import OFFERS
from channelplans.sizing import GUIDELINES


class PrintedOffer(SphinxDirective):
    """Show one entry of `channelplans.offers.OFFERS`: its name, source and printed rules."""

    required_arguments: ClassVar[int] = 1
    has_content: ClassVar[bool] = False

    def run(self) -> list[nodes.Node]:
        """Return a line with the name and the source, then what ``print`` shows."""
        key = self.arguments[0]
        if key not in OFFERS:
            raise self.error(f"OFFERS has no {key!r}; it has: {', '.join(OFFERS)}")
        offer = OFFERS[key]
        heading = nodes.paragraph()
        heading += nodes.strong(text=f"{offer.name}, {offer.edition}")
        heading += nodes.Text(". Source: ")
        heading += nodes.reference(text=offer.source, refuri=offer.source)
        return [heading, nodes.literal_block(str(offer), str(offer), language="text")]


class GuidelineTable(SphinxDirective):
    """List the entries of `channelplans.sizing.GUIDELINES` in a table."""

    has_content: ClassVar[bool] = False

    def run(self) -> list[nodes.Node]:
        """Return a table with the key, the name, the rule and the source of each guideline."""
        headings = ("key", "name, with a link to the source", "rule")
        group = nodes.tgroup("", *(nodes.colspec(colwidth=1) for _ in headings), cols=3)
        heading_cells = (nodes.paragraph(text=heading) for heading in headings)
        group += nodes.thead("", _make_row(heading_cells))
        body = nodes.tbody()
        for key, guideline in GUIDELINES.items():
            link = nodes.reference(text=guideline.name, refuri=guideline.source)
            name = nodes.paragraph("", "", link)
            code = nodes.paragraph("", "", nodes.literal(text=key))
            body += _make_row((code, name, nodes.paragraph(text=str(guideline.need))))
        group += body
        return [nodes.table("", group)]


def _make_row(paragraphs: Iterable[nodes.Node]) -> nodes.row:
    return nodes.row("", *(nodes.entry("", paragraph) for paragraph in paragraphs))


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the directives."""
    app.add_directive("offer", PrintedOffer)
    app.add_directive("guidelines", GuidelineTable)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
