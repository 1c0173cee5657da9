"""The table of rules names, for each of H1 to H21, a part of the library, a test and a page."""

import ast
import re
from importlib import import_module
from operator import attrgetter
from pathlib import Path

import attrs
import pytest

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "reference" / "rules-table.rst"
RULES = [f"H{number}" for number in range(1, 22)]

MODULES = {
    ".".join(path.relative_to(ROOT / "src").with_suffix("").parts)
    for path in (ROOT / "src" / "channelplans").rglob("*.py")
}

# The cells of a row: the rule, what implements it and a page, a test.
ROW = re.compile(
    r"^   \* - :ref:`(H\d+) <\1>`: .+\n     - \| (.+)\n       \| :doc:`(.+)`\n     - ``(.+)``\n",
    re.MULTILINE,
)
ROWS = {row[0]: row[1:] for row in ROW.findall(PAGE.read_text(encoding="utf-8"))}

# A link such as :class:`~channelplans.rules.ChangeRule`, then perhaps fields: ``.cooldown``.
LINK = re.compile(r":\w+:`~([\w.]+)`((?:,? ``\.\w+``)*)")


def find_object(path):
    """Return the object with a dotted path: a module's path, then the names inside the module."""
    names = path.split(".")
    modules = [".".join(names[:length]) for length in range(1, len(names))]
    # `channelplans.calls.Call` is no module, and neither is anything below it.
    module = [name for name in modules if name in MODULES][-1]
    return attrgetter(path.removeprefix(f"{module}."))(import_module(module))


def find_test(name):
    """Return the docstrings of a test and of the classes around it; fail if it does not exist."""
    path, *names = name.split("::")
    node = ast.parse((ROOT / path).read_text(encoding="utf-8"))
    docstrings = []
    for part in names:
        (node,) = [found for found in node.body if getattr(found, "name", None) == part]
        docstrings.append(ast.get_docstring(node) or "")
    return " ".join(docstrings)


def test_table_has_a_row_for_each_rule():
    """The table has the rules H1 to H21, once each, in order."""
    rules = re.findall(r"^   \* - :ref:`(H\d+) ", PAGE.read_text(encoding="utf-8"), re.MULTILINE)

    assert RULES == rules
    assert RULES == [*ROWS]


@pytest.mark.parametrize("rule", ROWS)
def test_row_names_parts_of_the_library(rule):
    """The functions, classes and fields in a row exist."""
    links = LINK.findall(ROWS[rule][0])

    assert links
    for path, names in links:
        fields = re.findall(r"\w+", names)
        found = find_object(path)
        assert callable(found) or isinstance(found, property)
        assert not fields or set(fields) <= set(attrs.fields_dict(found))


@pytest.mark.parametrize("rule", ROWS)
def test_row_names_a_test_that_cites_the_rule(rule):
    """The test in a row exists, and its docstring or its class's docstring cites the rule."""
    citations = re.findall(r"\bH\d+\b", find_test(ROWS[rule][2]))

    assert rule in citations


@pytest.mark.parametrize("rule", ROWS)
def test_row_names_a_page(rule):
    """The page in a row exists; a name without a slash is a page of the reference."""
    page = ROWS[rule][1]
    folder = ROOT / "docs" if page.startswith("/") else PAGE.parent

    assert (folder / f"{page.lstrip('/')}.rst").is_file()
