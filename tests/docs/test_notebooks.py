"""The notebooks show all their code, and the downloaded files run from top to bottom."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from tests.docs.test_pages_alone import LONGEST_LINE

FOLDER = Path(__file__).resolve().parents[2] / "docs" / "notebooks"
NOTEBOOKS = sorted(path.stem for path in FOLDER.glob("*.md"))

CELL = re.compile(r"^```\{code-cell\}\n(.*?)^```$", re.MULTILINE | re.DOTALL)
# Tags can hide a cell or its code, and a line that begins with % or ! works only in Jupyter.
HIDDEN = re.compile(r"^(:tags:|---\ntags|%|!)", re.MULTILINE)
# What only the pages can show, such as {doc}`tutorial`.
ROLE = re.compile(r"\{[a-z:-]+\}`")


def read_cells(name):
    """Return the code of each cell of a notebook's text."""
    return CELL.findall((FOLDER / f"{name}.md").read_text(encoding="utf-8"))


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
