"""The notebooks of the docs as files that a reader downloads and runs.

myst-nb runs each page below ``docs/notebooks`` and keeps the result as a file of Jupyter. This
extension copies the file beside the page, and links it below the page's first paragraph.
"""

import re
from pathlib import Path
from typing import Any

import nbformat
from docutils import nodes
from sphinx.application import Sphinx

FOLDER = "notebooks/"

# A link to another page, which the downloaded file cannot follow; its text stays.
PAGE_LINK = re.compile(r"\[([^\]]+)\]\((?!https?:)[^)]+\)")


def add_download_link(app: Sphinx, doctree: nodes.document) -> None:
    """Add a line with the link below the first paragraph of a notebook."""
    page = app.env.docname
    if not page.startswith(FOLDER):
        return
    file = f"{page.removeprefix(FOLDER)}.ipynb"
    link = nodes.reference("", "Download this notebook", refuri=file, internal=False)
    sentence = nodes.Text(" and run it in Jupyter, from top to bottom. It needs the library with ")
    extra = nodes.literal("", "channelplans[charts]")
    # The page with the install line, which every build has.
    how = nodes.reference("", "Install it", refuri="../quickstart.html#install", internal=True)
    problem = next(doctree.findall(nodes.paragraph))
    place = problem.parent.index(problem) + 1
    parts = (link, sentence, extra, nodes.Text(". "), how, nodes.Text(" first."))
    problem.parent.insert(place, nodes.paragraph("", "", *parts))


def write_notebooks(app: Sphinx, error: Exception | None) -> None:
    """Write the notebooks that myst-nb ran into the folder of their pages."""
    if error is not None:
        return
    run_folder = Path(app.env.mystnb_config.output_folder)
    for page in app.env.found_docs:
        if page.startswith(FOLDER):
            notebook = nbformat.read(run_folder / f"{page}.ipynb", as_version=4)
            for cell in notebook.cells:
                if cell.cell_type == "markdown":
                    cell.source = PAGE_LINK.sub(r"\1", cell.source)
            nbformat.validate(notebook)
            nbformat.write(notebook, app.outdir / f"{page}.ipynb")


def setup(app: Sphinx) -> dict[str, Any]:
    """Connect the functions to the events of Sphinx."""
    app.connect("doctree-read", add_download_link)
    app.connect("build-finished", write_notebooks)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
