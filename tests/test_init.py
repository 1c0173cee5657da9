"""The package's root exports the names that most programs need, and loads them when first used."""

import ast
import re
import subprocess
import sys
import tomllib
from importlib import import_module
from pathlib import Path

import pytest

import channelplans

ROOT = Path(channelplans.__file__)
ROOMS = ("subscriptions", "storage", "explore", "frames")
EXPORTED = vars(channelplans)["__all__"]


def imports_for_type_checkers():
    """Return the names that the root imports for type checkers, with their modules."""
    block = next(
        node for node in ast.parse(ROOT.read_text("utf-8")).body if isinstance(node, ast.If)
    )
    return {
        alias.name: statement.module
        for statement in block.body
        if isinstance(statement, ast.ImportFrom)
        for alias in statement.names
    }


def run_python(code):
    """Return what a fresh interpreter prints."""
    command = [sys.executable, "-c", code]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()


def test_the_root_exports_at_most_110_names():
    """The root is small enough to read, and lists each name once."""

    assert len(EXPORTED) == len(set(EXPORTED))
    assert len(EXPORTED) <= 110


def test_the_root_exports_the_same_object_as_the_module():
    """A name means the same object in the root, in its module, and for a type checker."""
    modules = imports_for_type_checkers()
    for name in {*EXPORTED} - {"__version__"}:
        module = import_module(modules[name])

        assert getattr(module, name) is getattr(channelplans, name), name
        assert name in module.__all__


def test_type_checkers_see_exactly_the_exported_names():
    """The imports for type checkers name every exported name and no other."""
    expected = {*EXPORTED} - {"__version__"}

    assert expected == set(imports_for_type_checkers())


def test_dir_lists_every_exported_name():
    """Autocompletion shows a name that is not loaded yet."""
    names = run_python("import channelplans; print(*dir(channelplans))")

    assert set(EXPORTED) <= set(names)


def test_an_unknown_name_raises_attribute_error():
    """The root raises the error of any module for a name that it does not have."""
    with pytest.raises(AttributeError, match="module 'channelplans' has no attribute 'Purse'"):
        getattr(channelplans, "Purse")  # noqa: B009 - a type checker knows better


def test_importing_the_root_loads_no_other_module_of_the_package():
    """A room is loaded when one of its names is first used, not before."""
    code = (
        "import sys, channelplans; "
        "print(*(name for name in sys.modules if name.startswith('channelplans.')))"
    )

    assert [] == run_python(code)


def test_importing_a_kernel_name_loads_no_room():
    """A program that only prices plans does not load subscriptions, storage or testing."""
    code = (
        "import sys; from channelplans import quote; "
        "print(*(name for name in sys.modules if name.startswith('channelplans.')))"
    )
    loaded = run_python(code)

    assert "channelplans.pricing" in loaded
    assert [] == [name for name in loaded if name.split(".")[1] in {*ROOMS, "testing"}]


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_exports_the_public_names_of_its_modules(room):
    """A room's ``__all__`` has every public name of its modules and no other, each once."""
    package = import_module(f"channelplans.{room}")
    modules = [
        import_module(f"channelplans.{room}.{path.stem}")
        for path in (ROOT.parent / room).glob("*.py")
        if path.stem != "__init__"
    ]
    public_names = {name: module for module in modules for name in module.__all__}

    assert sorted(public_names) == sorted(package.__all__)
    for name, module in public_names.items():
        assert getattr(module, name) is getattr(package, name)


@pytest.mark.parametrize("room", [*ROOMS, "testing", "testing.contract"])
def test_a_room_says_what_may_live_in_it(room):
    """The docstring of a room says what it contains and what it does not know."""
    docstring = import_module(f"channelplans.{room}").__doc__ or ""

    assert re.search(r"\bknows? \w+", docstring)
    assert re.search(r"\bnot\b|\bnothing\b", docstring)


def test_the_version_is_the_version_of_the_distribution():
    """``__version__`` is the one source of the version: the build reads it from there."""
    pyproject = Path(__file__).parents[1] / "pyproject.toml"
    project = tomllib.loads(pyproject.read_text("utf-8"))["project"]

    assert "version" in project["dynamic"]
    assert channelplans.__version__.count(".") == 2
