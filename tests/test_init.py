"""The package's root: the public names of floors 0 to 9, imported plainly, and nothing else."""

import ast
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType

import pytest

import channelplans

FLOORS_0_TO_9 = (
    "errors",
    "identifiers",
    "calendar",
    "money",
    "rules",
    "ladders",
    "ledger",
    "plans",
    "usage",
    "lots",
    "offers",
    "pricing",
    "sizing",
    "subscriptions",
    "catalogue",
    "lifecycle",
    "storage",
    "codec",
    "forecast",
    "memory",
    "desk",
)

TREE = ast.parse(Path(channelplans.__file__).read_text(encoding="utf-8"))


def public_names():
    """Return the names that users are meant to have, by the modules that are there."""
    return {
        name: module
        for module in FLOORS_0_TO_9
        if find_spec(f"channelplans.{module}")
        for name in import_module(f"channelplans.{module}").__all__
    }


def test_exports_exactly_the_public_names():
    """Each public name of a module is importable from the root, and no other."""

    assert sorted(public_names()) == sorted(channelplans.__all__)


@pytest.mark.parametrize(("name", "module"), sorted(public_names().items()))
def test_a_name_is_the_modules_own(name, module):
    """What the root calls by a name is what the module calls by it."""

    assert getattr(import_module(f"channelplans.{module}"), name) is getattr(channelplans, name)


def test_no_name_is_listed_twice():
    """A name in the list stands there once, and no two modules share one."""
    names = [
        name
        for module in FLOORS_0_TO_9
        if find_spec(f"channelplans.{module}")
        for name in import_module(f"channelplans.{module}").__all__
    ]

    assert len(names) == len(set(names))
    assert len(channelplans.__all__) == len(set(channelplans.__all__))


def test_is_plain_imports_and_the_list_alone():
    """A docstring, imports from the package's own modules, and the list; no code runs."""
    docstring, *statements, listed = TREE.body

    assert isinstance(docstring, ast.Expr)
    assert isinstance(listed, ast.Assign)
    assert ["__all__"] == [ast.unparse(target) for target in listed.targets]
    for statement in statements:
        assert isinstance(statement, ast.ImportFrom)
        assert statement.level == 0
        assert str(statement.module).startswith("channelplans.")
        assert not [alias.asname for alias in statement.names if alias.asname]


def test_what_is_imported_is_what_is_listed():
    """Nothing is imported for another reason, and nothing is left in the namespace."""
    imported = [
        alias.name
        for statement in TREE.body
        if isinstance(statement, ast.ImportFrom)
        for alias in statement.names
    ]
    visible = {
        name
        for name, value in vars(channelplans).items()
        if not name.startswith("_") and not isinstance(value, ModuleType)
    }

    assert sorted(channelplans.__all__) == sorted(imported)
    assert set(channelplans.__all__) == visible
