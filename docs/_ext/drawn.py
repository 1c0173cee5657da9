"""The directive ``drawn`` shows the picture that the examples above it on the page draw.

The picture is made when the page is built, from the Axes that the examples call ``ax``. So it
always shows what the code on the page does.
"""

import base64
import doctest
import io
from html import escape
from pathlib import Path
from typing import Any, ClassVar

import matplotlib as mpl
from docutils import nodes
from docutils.parsers.rst import directives
from matplotlib import pyplot as plt
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

# Twice the width at which a page shows the picture, for screens with many pixels.
DOTS_PER_INCH = 200
SHOWN_WIDTH = 560


class Drawn(SphinxDirective):
    """The picture of the latest ``ax`` above this line; ``alt`` describes it in words."""

    option_spec: ClassVar = {"alt": directives.unchanged_required}

    def run(self) -> list[nodes.Node]:
        """Return the picture as a part of the page."""
        source, line = self.get_source_info()
        lines = Path(source).read_text(encoding="utf-8").splitlines()
        picture = base64.b64encode(draw("\n".join(lines[: line - 1]))).decode()
        image = (
            f'<img class="drawn" src="data:image/png;base64,{picture}"'
            f' alt="{escape(self.options["alt"])}" width="{SHOWN_WIDTH}">'
        )
        return [nodes.raw("", f"<p>{image}</p>", format="html")]


def draw(page: str) -> bytes:
    """Run the examples of a page, and return the picture of their latest ``ax`` as PNG."""
    mpl.use("agg")
    names: dict[str, Any] = {}
    test = doctest.DocTestParser().get_doctest(page, names, "page", None, 0)
    report: list[str] = []
    failures = doctest.DocTestRunner().run(test, out=report.append, clear_globs=False).failed
    if failures or "ax" not in test.globs:
        raise ValueError("".join(report) or "the examples above the picture have no `ax`")
    picture = io.BytesIO()
    test.globs["ax"].figure.savefig(picture, format="png", dpi=DOTS_PER_INCH)
    plt.close("all")
    return picture.getvalue()


def setup(app: Sphinx) -> dict[str, bool]:
    """Add the directive."""
    app.add_directive("drawn", Drawn)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
