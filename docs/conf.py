"""How the documentation is built: `tox run -e docs`."""

import sys
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
    (r"py:.*", r"(attr|attrs|dateutil|numpy)(\..+)?"),
    # Type variables have no page of their own.
    (r"py:.*", r"(.+\.)?_?[A-Z][A-Za-z]?"),
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


def setup(app: Sphinx) -> None:
    """Connect what is done to docstrings, after their sections were read."""
    app.connect("autodoc-process-docstring", _know_own_module, priority=900)
