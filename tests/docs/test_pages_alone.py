"""The examples of each page fit the page and run alone: a reader who copies them needs no more.

Each page runs in a new process, with the standard library's doctest, in a folder that has only the
files that the page offers to download. Doctest knows nothing of Sphinx, so it does not run code
that only Sphinx sees.
"""

import re
import shutil
import subprocess
import sys
from doctest import DocTestParser
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGES = {
    path.relative_to(ROOT / "docs").with_suffix("").as_posix(): path
    for path in sorted((ROOT / "docs").rglob("*.rst"))
}
PAGES_WITH_EXAMPLES = [
    name
    for name, path in PAGES.items()
    if DocTestParser().get_examples(path.read_text(encoding="utf-8"))
]

# Directives and options that run code without showing it, and an example in a comment.
HIDDEN = re.compile(
    r"""^\ *(
        \.\.\ +(?:testsetup|testcleanup)::.*
        | :(?:hide|skipif):.*
        | \.\.\ *\n(?:\ *\n)*\ +>>>.*
    )$""",
    re.MULTILINE | re.VERBOSE,
)

# A file that a page offers to download, as a path from the folder of the page.
DOWNLOAD = re.compile(r":download:`[^`]*<(.+?)>`")

# A page shows so many characters of a line of code on a wide screen.
LONGEST_LINE = 88
DOCTEST_OPTION = re.compile(r" +# doctest: .*$")

RUN_PAGE = """
import doctest, sys
strict = doctest.DONT_ACCEPT_TRUE_FOR_1
failed, _ = doctest.testfile(sys.argv[1], module_relative=False, optionflags=strict)
sys.exit(min(failed, 1))
"""
# A few examples show that the laws on a page run; other tests look for counterexamples. A law that
# fails on a page shows no counterexample, so Hypothesis need not look for the smallest.
FEW_EXAMPLES = """
from hypothesis import HealthCheck, Phase, settings
settings.register_profile(
    "pages", max_examples=5, deadline=None, database=None, phases=[Phase.generate],
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("pages")
"""


@pytest.mark.parametrize("name", PAGES)
def test_page_has_no_hidden_code(name):
    """Everything that a page runs is visible on it."""
    hidden = [match[0] for match in HIDDEN.finditer(PAGES[name].read_text(encoding="utf-8"))]

    assert [] == hidden


def test_sphinx_runs_no_hidden_code():
    """Sphinx does not run the examples, so no setting of its own can add code to them."""
    settings = (ROOT / "docs" / "conf.py").read_text(encoding="utf-8")

    assert '"sphinx.ext.doctest"' not in settings


@pytest.mark.parametrize("name", PAGES_WITH_EXAMPLES)
def test_examples_of_page_fit_the_page(name):
    """No line that a reader types is so long that the page breaks it."""
    page = PAGES[name].read_text(encoding="utf-8")
    lines = page.splitlines()
    long_lines = [
        line
        for example in DocTestParser().get_examples(page)
        for line in lines[example.lineno : example.lineno + example.source.count("\n")]
        if len(DOCTEST_OPTION.sub("", line)) > LONGEST_LINE
    ]

    assert [] == long_lines


@pytest.mark.parametrize("name", PAGES_WITH_EXAMPLES)
def test_examples_of_page_run_alone(name, tmp_path):
    """A new process that runs only the examples of one page gets the results on the page."""
    page = PAGES[name].read_text(encoding="utf-8")
    for download in DOWNLOAD.findall(page):
        shutil.copy(PAGES[name].parent / download, tmp_path)
    has_laws = "from hypothesis import" in page
    program = FEW_EXAMPLES + RUN_PAGE if has_laws else RUN_PAGE

    result = subprocess.run(
        [sys.executable, "-W", "error", "-c", program, str(PAGES[name])],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )

    assert result.returncode == 0, result.stdout


@pytest.mark.parametrize(
    "text",
    [
        ".. testsetup::\n\n   import os\n",
        ".. testcleanup:: group\n",
        ".. doctest::\n   :hide:\n\n   >>> 1\n",
        "Text.\n\n..\n   >>> 1\n",
    ],
)
def test_hidden_finds_code_that_a_reader_does_not_see(text):
    """Each way to hide code on a page is found."""
    assert HIDDEN.search(text)
