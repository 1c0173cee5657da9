"""The notebooks show all their code, and the downloaded files run from top to bottom."""

import json
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest
from tests.docs.test_pages_alone import LONGEST_LINE

FOLDER = Path(__file__).resolve().parents[2] / "docs" / "notebooks"
NOTEBOOKS = sorted(path.stem for path in FOLDER.glob("*.md"))

# A cell may begin with the text of its picture for readers who cannot see it.
ALT = r"---\nmystnb:\n  image:\n    alt: >-\n(?P<alt>(?:      \S[^\n]*\n)+)---\n"
CELL = re.compile(rf"^```\{{code-cell\}}\n(?:{ALT})?(?P<code>.*?)^```$", re.MULTILINE | re.DOTALL)
# Tags can hide a cell or its code, and a line that begins with % or ! works only in Jupyter.
HIDDEN = re.compile(r"^(:tags:|---\ntags|%|!)", re.MULTILINE)
# What only the pages can show, such as {doc}`tutorial`.
ROLE = re.compile(r"\{[a-z:-]+\}`")


class Images(HTMLParser):
    """The sources and the alternative texts of the pictures of a page."""

    def __init__(self, html):
        super().__init__()
        self.found = []
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        """Store an image."""
        if tag == "img":
            self.found.append((dict(attrs)["src"], dict(attrs).get("alt")))


def find_cells(name):
    """Return each cell of a notebook's text: its code, and the text of its picture."""
    text = (FOLDER / f"{name}.md").read_text(encoding="utf-8")
    return [(cell["code"], " ".join((cell["alt"] or "").split())) for cell in CELL.finditer(text)]


def read_cells(name):
    """Return the code of each cell of a notebook's text."""
    return [code for code, _ in find_cells(name)]


@pytest.fixture(params=NOTEBOOKS)
def download(request, html):
    """Return the name of a notebook, and the content of the file that a reader downloads."""
    path = html / "notebooks" / f"{request.param}.ipynb"
    return request.param, json.loads(path.read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_notebook_shows_all_its_code(name):
    """No cell is hidden, and each line fits the page."""
    cells = read_cells(name)
    lines = [line for cell in cells for line in cell.splitlines()]

    assert [] == [cell for cell in cells if HIDDEN.search(cell)]
    assert [] == [line for line in lines if len(line) > LONGEST_LINE]


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_each_picture_has_a_text(name, html):
    """A reader who cannot see a picture gets a sentence that says what it shows."""
    texts = [alt for code, alt in find_cells(name) if "charts.plot_" in code]
    page = (html / "notebooks" / f"{name}.html").read_text(encoding="utf-8")
    pictures = [alt for source, alt in Images(page).found if source.startswith("../_images/")]

    assert pictures == texts
    assert [] == [text for text in texts if not text.endswith(".")]


def test_downloaded_notebook_has_the_cells_of_the_page(download):
    """The file has the same code as the page, with its results, and no markup of the pages."""
    name, notebook = download
    code_cells = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    texts = [cell["source"] for cell in notebook["cells"] if cell["cell_type"] == "markdown"]

    assert [cell.strip() for cell in read_cells(name)] == [
        "".join(cell["source"]).strip() for cell in code_cells
    ]
    assert any(cell["outputs"] for cell in code_cells)
    assert [] == [text for text in map("".join, texts) if ROLE.search(text) or "](.." in text]


def test_downloaded_notebook_runs_from_top_to_bottom(download, tmp_path):
    """The code runs in a new process, in an empty folder, without an edit or a warning."""
    _, notebook = download
    cells = ["".join(cell["source"]) for cell in notebook["cells"] if cell["cell_type"] == "code"]
    (tmp_path / "notebook.py").write_text("\n\n".join(cells), encoding="utf-8")

    result = subprocess.run(
        [sys.executable, "-W", "error", "notebook.py"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )

    assert 0 == result.returncode, result.stderr


@pytest.mark.parametrize("cell", [":tags: [hide-input]\n1", "---\ntags: [x]\n---\n1", "%pip x\n"])
def test_hidden_finds_a_cell_that_hides_code(cell):
    """Each way to hide the code of a cell, or to leave Python, is found."""
    assert HIDDEN.search(cell)
