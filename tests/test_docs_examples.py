"""The Python on the pages of the docs type-checks, as a user would write it.

The examples of a page become one module, which mypy and pyright check in strict mode. Each line of
the module has the number of its line on the page, so an error names a line of the page.
"""

import json
import os
import re
import subprocess
import sys
from doctest import DocTestParser
from pathlib import Path
from textwrap import dedent

import pytest

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[1]
# A page imports a store that the reader downloads from it.
STORES = ROOT / "examples" / "stores"
# The page about a cluster shows only commands.
WITHOUT_CODE = ROOT / "docs" / "howto" / "renewals-on-a-cluster.rst"
PAGES = (
    ROOT / "README.md",
    *(ROOT / "docs" / f"{page}.rst" for page in ("index", "quickstart", "tutorial")),
    *sorted({*(ROOT / "docs" / "howto").glob("*.rst")} - {WITHOUT_CODE}),
    *sorted((ROOT / "docs" / "notebooks").glob("*.md")),
)

# The entries of these pages are independent: each imports what it needs, also if an earlier entry
# imports it too.
ENTRY_PAGES = (ROOT / "docs" / "cookbook.rst", ROOT / "docs" / "faq.rst")

# A directive that holds Python, and the indented lines below it.
BLOCK = re.compile(r"^\.\. code-block:: python\n((?:\n|   .*\n)+)", re.MULTILINE)
# A cell of a notebook, without the description of its picture.
CELL = re.compile(
    r"^```\{code-cell\}\n(?:---\n(?:(?!---).*\n)+---\n)?((?:(?!```).*\n)+)", re.MULTILINE
)
TYPE_ERRORS = ("TypeError", "channelplans.errors.WrongType")

PYRIGHT_CONFIG = {
    "typeCheckingMode": "strict",
    "pythonVersion": "3.11",
    "extraPaths": [str(STORES)],
    # A line that only displays a value is normal in a session, but not in a module.
    "reportUnusedExpression": False,
}


def find_code(page):
    """Yield the index of the first line and the text of each piece of Python on a page.

    Two kinds are left out: an example that shows how the library refuses a wrong type, and a block
    that does not import what it uses, because it is only a part of a program.
    """
    for example in DocTestParser().get_examples(page):
        if not (example.exc_msg or "").startswith(TYPE_ERRORS):
            yield example.lineno, example.source
    for cell in CELL.finditer(page):
        yield page.count("\n", 0, cell.start(1)), cell[1]
    for block in BLOCK.finditer(page):
        code = dedent(block[1])
        if code.lstrip().startswith(("import ", "from ")):
            yield page.count("\n", 0, block.start(1)), code


def make_module(page):
    """Return the Python of a page as one module, with each line where it is on the page."""
    lines = [""] * (page.count("\n") + 1)
    for first, code in find_code(page):
        code_lines = code.splitlines()
        lines[first : first + len(code_lines)] = code_lines
    return "\n".join(lines) + "\n"


def split_entries(page):
    """Return the entries of a page, each after as many empty lines as it has lines before it."""
    starts = [match.start() for match in re.finditer(r"^.+\n\^{4,}$", page, re.MULTILINE)]
    ends = [*starts[1:], len(page)]
    return [
        "\n" * page.count("\n", 0, start) + page[start:end]
        for start, end in zip(starts, ends, strict=True)
    ]


@pytest.fixture
def check_pages(tmp_path):
    """Return a function that runs a type checker on all pages, and on each independent entry."""
    texts = [(page, page.read_text(encoding="utf-8")) for page in PAGES]
    for page in ENTRY_PAGES:
        entries = split_entries(page.read_text(encoding="utf-8"))
        texts += [(page, entry) for entry in entries]
    names = {}
    for number, (page, text) in enumerate(texts):
        name = str(page.relative_to(ROOT))
        path = tmp_path / f"{re.sub('[^a-z]', '_', name.rsplit('.', 1)[0].lower())}_{number}.py"
        path.write_text(make_module(text), encoding="utf-8")
        names[path] = name
    (tmp_path / "pyrightconfig.json").write_text(json.dumps(PYRIGHT_CONFIG))
    search_path = os.pathsep.join(filter(None, [str(STORES), os.environ.get("MYPYPATH")]))

    def run(checker, *options):
        result = subprocess.run(
            [sys.executable, "-m", checker, *options],
            cwd=tmp_path,
            env={**os.environ, "MYPYPATH": search_path},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        output = result.stdout
        for path, name in names.items():
            output = output.replace(str(path), name).replace(path.name, name)
        assert result.returncode == 0, f"{checker} finds errors in the examples:\n{output}"

    return run


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_module_has_each_line_of_the_page_in_its_place(page):
    """The lines of a module are lines of the page without prompts, at the same line numbers."""
    text = page.read_text(encoding="utf-8")
    pairs = zip(make_module(text).splitlines(), text.splitlines(), strict=False)
    code = [(module_line, page_line) for module_line, page_line in pairs if module_line.strip()]

    assert len(code) > 3
    assert [page_line for module_line, page_line in code if module_line not in page_line] == []


@pytest.mark.parametrize("page", ENTRY_PAGES, ids=lambda page: page.stem)
def test_split_entries_keeps_the_lines_of_the_page(page):
    """The first line of an entry has the same number as on the page."""
    text = page.read_text(encoding="utf-8")
    entries = split_entries(text)

    assert len(entries) == text.count("\nMore: ")
    for entry in entries:
        number = len(entry) - len(entry.lstrip("\n"))
        assert entry.splitlines()[number] == text.splitlines()[number]


def test_mypy_accepts_the_examples(check_pages):
    """``mypy --strict`` finds no error in the examples of the docs."""
    pytest.importorskip("mypy", reason="mypy is not installed; `tox run -e full` runs this test")

    # With the package's own settings, mypy can use what it found before about all imports.
    shared = (f"--config-file={ROOT / 'pyproject.toml'}", f"--cache-dir={ROOT / '.mypy_cache'}")
    check_pages("mypy", "--strict", *shared, "--no-pretty", ".")


def test_pyright_accepts_the_examples(check_pages):
    """Pyright in strict mode finds no error in the examples of the docs."""
    reason = "pyright is not installed; `tox run -e full` runs this test"
    pytest.importorskip("pyright", reason=reason)

    check_pages("pyright", "--pythonpath", sys.executable)
