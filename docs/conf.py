"""How the documentation is built: `tox run -e docs`."""

import doctest
import inspect
import re
import sys
from enum import Enum
from importlib.metadata import version as version_of
from pathlib import Path

from sphinx.application import Sphinx

from channelplans import Offer

sys.path.insert(0, str(Path(__file__).parent / "_ext"))

project = "channelplans"
author = "channelplans contributors"
copyright = "2026, channelplans contributors"
release = version_of("channelplans")
version = release

extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.doctest",
    "sphinx.ext.napoleon",
    "sphinx.ext.viewcode",
    "transitions",
]
exclude_patterns = ["_build"]

# Every reference must lead somewhere.
nitpicky = True
# The standard library's and the dependencies' own pages are not fetched when this is built.
nitpick_ignore_regex = [
    (
        r"py:.*",
        r"(abc|collections|contextlib|dataclasses|datetime|decimal|enum|fractions|functools|itertools"
        r"|numbers|operator|types|typing|zoneinfo)(\..+)?",
    ),
    (r"py:.*", r"(attr|attrs|dateutil|hypothesis|numpy|pytest)(\..+)?"),
    # Type variables have no page of their own.
    (r"py:.*", r"(.+\.)?_?[A-Z][A-Za-z]?(_co)?"),
]

autodoc_default_options = {"members": True, "show-inheritance": True}
autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_typehints_format = "short"
python_use_unqualified_type_names = True
python_maximum_signature_line_length = 88
toc_object_entries_show_parents = "hide"

napoleon_google_docstring = True
napoleon_numpy_docstring = False
# Attributes as text in the class's own docstring: attrs fields are members already.
napoleon_use_ivar = True

# The examples of a page share its names. Those of a docstring know their module's names as well.
doctest_test_doctest_blocks = "default"
trim_doctest_flags = True
# An error's sentence is compared too: what Sphinx takes by itself leaves it out.
doctest_default_flags = doctest.DONT_ACCEPT_TRUE_FOR_1

html_theme = "furo"
html_title = f"channelplans {release}"
html_copy_source = False
html_show_sphinx = False


def _know_own_module(
    app: Sphinx, what: str, name: str, obj: object, options: object, lines: list[str]
) -> None:
    """Let a docstring's examples use the names of the module that they stand in."""
    if any(line.lstrip().startswith(">>> ") for line in lines):
        module = name if what == "module" else getattr(obj, "__module__", None)
        if isinstance(obj, property) and obj.fget:
            module = obj.fget.__module__
        if module:
            names = f"vars(importlib.import_module({module!r})).items()"
            known = f"globals().update({{k: v for k, v in {names} if not k.startswith('__')}})"
            lines += ["", ".. testsetup::", "", "   import importlib", f"   {known}", ""]


class _Named:
    """What stands for a default where it is shown: a name."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __repr__(self) -> str:
        return self._name


def _name_defaults(app: Sphinx, obj: object, bound_method: bool) -> None:
    """Show a default that is long by its constant: TARIFF, and not all of its prices."""
    if not inspect.isfunction(obj):
        return
    constants = vars(sys.modules[obj.__module__]).items()
    public = {name: each for name, each in constants if name.isupper() and name[0] != "_"}
    long = {id(each): name for name, each in public.items() if len(repr(each)) > 20}
    signature = inspect.signature(obj)
    parameters = [
        each.replace(default=_Named(long[id(each.default)])) if id(each.default) in long else each
        for each in signature.parameters.values()
    ]
    if parameters != [*signature.parameters.values()]:
        obj.__signature__ = signature.replace(parameters=parameters)


def _read_as_text(
    app: Sphinx, what: str, name: str, obj: object, options: object, lines: list[str]
) -> None:
    """Keep napoleon from taking what stands before a colon, in the first line, for a type."""
    if what in {"attribute", "data", "property"}:
        lines[:0] = ["..", ""]


def _link_sources(
    app: Sphinx, what: str, name: str, obj: object, options: object, lines: list[str]
) -> None:
    """Make a link of each rule and fact that a docstring cites: H5, F 3.7."""
    example = False
    for number, line in enumerate(lines):
        example = line.lstrip().startswith(">>>") or (example and bool(line.strip()))
        if not example:
            lines[number] = _CITED.sub(r":ref:`\g<0> <\g<0>>`", line)


def _show_offer(
    app: Sphinx, what: str, name: str, obj: object, options: object, lines: list[str]
) -> None:
    """Show below an offer's text what `print` shows of it."""
    if what == "data" and isinstance(obj, Offer):
        lines += ["", ".. code-block:: text", "", *(f"   {line}" for line in str(obj).split("\n"))]


def _keep_enum_members(
    app: Sphinx, what: str, name: str, obj: object, skip: bool, options: object
) -> bool | None:
    """Show the members of an enum, which have no text of their own."""
    return False if isinstance(obj, Enum) else None


_CITED = re.compile(r"\bH[1-9][0-9]?\b|\bF [1-9][0-9]?(?:\.[0-9]+)?\b")


def setup(app: Sphinx) -> None:
    """Connect what is done to signatures, and to docstrings before and after they are read."""
    app.connect("autodoc-before-process-signature", _name_defaults)
    app.connect("autodoc-process-docstring", _read_as_text, priority=400)
    app.connect("autodoc-process-docstring", _link_sources, priority=800)
    app.connect("autodoc-process-docstring", _show_offer, priority=850)
    app.connect("autodoc-process-docstring", _know_own_module, priority=900)
    app.connect("autodoc-skip-member", _keep_enum_members)
