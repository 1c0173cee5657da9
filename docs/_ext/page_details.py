"""What each page gets: a description for previews of a link, and classes on printed tables."""

import re
from html import escape
from typing import Any

from docutils import nodes
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.util import logging

# Two dashed columns or more, such as "----------  -------", are the line below a table's head.
BELOW_HEAD = re.compile(r"^ *-+(?: +-+)+ *$", re.MULTILINE)
# The columns of text that fit between the margins of a page, into the right margin too, and in
# small type. Each description of a class or a function is indented.
MARGIN, SMALL, LIMIT = 90, 96, 115
INDENT = 4

LONGEST_DESCRIPTION = 200

logger = logging.getLogger(__name__)


def add_description(
    app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: nodes.document | None
) -> None:
    """Describe the page by its first paragraph, as search engines and chat programs show it."""
    paragraph = next(doctree.findall(nodes.paragraph), None) if doctree else None
    if paragraph is None:
        return
    description = shorten(paragraph.astext())
    properties = {
        "og:title": context["title"],
        "og:description": description,
        "og:site_name": app.config.project,
        "og:type": "website",
    }
    context["metatags"] += f'<meta name="description" content="{escape(description)}" />\n'
    for name, text in properties.items():
        context["metatags"] += f'<meta property="{name}" content="{escape(text)}" />\n'


def shorten(text: str) -> str:
    """Return as many words from the beginning of a text as a description may have."""
    text = " ".join(text.split())
    if len(text) <= LONGEST_DESCRIPTION:
        return text
    return text[:LONGEST_DESCRIPTION].rpartition(" ")[0] + " ..."


def mark_printed_tables(app: Sphinx, doctree: nodes.document) -> None:
    """Give each block with a printed table classes for the style; report a table that is cut."""
    for kind in (nodes.literal_block, nodes.doctest_block):
        for block in doctree.findall(kind):
            widths = [len(line) for line in BELOW_HEAD.findall(block.astext())]
            if not widths:
                continue
            columns = max(widths) + INDENT * count_descriptions(block)
            block["classes"].append("printed-table")
            if columns > MARGIN:
                block["classes"].append("wide")
            if columns > SMALL:
                block["classes"].append("very-wide")
            if columns > LIMIT:
                message = "a printed table of %s columns does not fit the page; print fewer"
                logger.warning(message, columns, location=block)


def count_descriptions(node: nodes.Element) -> int:
    """Return how many descriptions of classes and functions contain a node."""
    count = 0
    while node.parent is not None:
        node = node.parent
        count += isinstance(node, addnodes.desc_content)
    return count


def setup(app: Sphinx) -> dict[str, Any]:
    """Connect the functions to the events of Sphinx."""
    app.connect("html-page-context", add_description)
    app.connect("doctree-read", mark_printed_tables)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
