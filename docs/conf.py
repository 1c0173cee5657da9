"""The settings of Sphinx; `tox run -e docs` builds the pages."""

import doctest
import inspect
import re
import sys
from enum import Enum
from importlib.metadata import version as version_of
from pathlib import Path

from sphinx.application import Sphinx

sys.path.insert(0, str(Path(__file__).parent / "_ext"))

project = "channelplans"
author = "channelplans contributors"
copyright = "2026, channelplans contributors"
release = version_of("channelplans")
version = release

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.doctest",
    "sphinx.ext.napoleon",
    "sphinx.ext.viewcode",
    "published",
    "root_names",
    "transitions",
]
exclude_patterns = ["_build"]

# Report every reference without a target.
nitpicky = True
# The build does not fetch the pages of these packages, so references to them have no target.
nitpick_ignore_regex = [
    (
        r"py:.*",
        r"(abc|collections|contextlib|dataclasses|datetime|decimal|enum|fractions|functools|itertools"
        r"|numbers|operator|types|typing|zoneinfo)(\..+)?",
    ),
    (r"py:.*", r"(attr|attrs|dateutil|hypothesis|numpy|pytest)(\..+)?"),
    # Fixtures of the store contract have these types, which have no page.
    (r"py:.*", r"channelplans\.testing\.contract\.checked_store\..+"),
    # Type variables have no page.
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
# Show a docstring's "Attributes" as a list of fields: autodoc lists the attrs fields already.
napoleon_use_ivar = True

# The examples of one page share their variables.
doctest_test_doctest_blocks = "default"
trim_doctest_flags = True
# Compare error messages too: Sphinx's default flags include IGNORE_EXCEPTION_DETAIL.
doctest_default_flags = doctest.DONT_ACCEPT_TRUE_FOR_1
# A few examples show that the laws on the pages run; the tests look for counterexamples.
doctest_global_setup = """
from hypothesis import settings
settings.register_profile("pages", max_examples=5, deadline=None, database=None)
settings.load_profile("pages")
del settings
"""

html_theme = "furo"
html_title = f"channelplans {release}"
html_copy_source = False
html_show_sphinx = False


def _import_module_names(
    app: Sphinx, what: str, name: str, obj: object, options: object, lines: list[str]
) -> None:
    """Let the examples of a docstring use the names of its module."""
    if not any(line.lstrip().startswith(">>> ") for line in lines):
        return
    module = name if what == "module" else getattr(obj, "__module__", None)
    if isinstance(obj, property) and obj.fget:
        module = obj.fget.__module__
    if module:
        names = f"vars(importlib.import_module({module!r})).items()"
        update = f"globals().update({{k: v for k, v in {names} if not k.startswith('__')}})"
        lines += ["", ".. testsetup::", "", "   import importlib", f"   {update}", ""]


class _ConstantName:
    """A default value in a signature that is shown by the name of a constant."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __repr__(self) -> str:
        return self._name


def _shorten_defaults(app: Sphinx, obj: object, bound_method: bool) -> None:
    """Show a long default by its constant, such as ``TARIFF``, or as ``...`` if that is private.

    The text of a long default can be cut, and Sphinx then could not read the signature.
    """
    if not inspect.isfunction(obj):
        return
    module_names = vars(sys.modules[obj.__module__]).items()
    constants = {name: value for name, value in module_names if re.match("_?[A-Z][A-Z_]*$", name)}
    long_values = {
        id(value): "..." if name.startswith("_") else name
        for name, value in constants.items()
        if len(repr(value)) > 20
    }
    signature = inspect.signature(obj)
    parameters = dict(signature.parameters)
    for name, parameter in signature.parameters.items():
        if id(parameter.default) in long_values:
            constant = _ConstantName(long_values[id(parameter.default)])
            parameters[name] = parameter.replace(default=constant)
    if parameters != signature.parameters:
        obj.__signature__ = signature.replace(parameters=[*parameters.values()])


def _keep_first_line(
    app: Sphinx, what: str, name: str, obj: object, options: object, lines: list[str]
) -> None:
    """Stop napoleon from reading the words before a colon in the first line as a type."""
    if what in {"attribute", "data", "property"}:
        lines[:0] = ["..", ""]


def _link_citations(
    app: Sphinx, what: str, name: str, obj: object, options: object, lines: list[str]
) -> None:
    """Link each rule and fact that a docstring cites, such as H5 or F 3.7."""
    in_example = False
    for number, line in enumerate(lines):
        in_example = line.lstrip().startswith(">>>") or (in_example and bool(line.strip()))
        if not in_example:
            lines[number] = _CITATION.sub(r":ref:`\g<0> <\g<0>>`", line)


def _hide_private_bases(
    app: Sphinx, name: str, obj: object, options: object, bases: list[type]
) -> None:
    """Leave out base classes from private modules, which have no page."""
    public = [base for base in bases if "._" not in getattr(base, "__module__", "")]
    bases[:] = public or [object]


def _keep_enum_members(
    app: Sphinx, what: str, name: str, obj: object, skip: bool, options: object
) -> bool | None:
    """Show the members of an enum, although they have no docstrings."""
    return False if isinstance(obj, Enum) else None


_CITATION = re.compile(r"\bH[1-9][0-9]?\b|\bF [1-9][0-9]?(?:\.[0-9]+)?\b")


def setup(app: Sphinx) -> None:
    """Connect the functions above to the events of autodoc."""
    app.connect("autodoc-process-bases", _hide_private_bases)
    app.connect("autodoc-before-process-signature", _shorten_defaults)
    # Napoleon has priority 500: before it, then after it.
    app.connect("autodoc-process-docstring", _keep_first_line, priority=400)
    app.connect("autodoc-process-docstring", _link_citations, priority=800)
    app.connect("autodoc-process-docstring", _import_module_names, priority=900)
    app.connect("autodoc-skip-member", _keep_enum_members)
