"""The settings of Sphinx; `tox run -e docs` builds the pages."""

import sys
from importlib.metadata import version as version_of
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "_ext"))

project = "channelplans"
author = "channelplans contributors"
copyright = "2026, channelplans contributors"
release = version_of("channelplans")
version = release

# Not sphinx.ext.doctest: tests run the examples, and no directive can hide code from the reader.
extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx.ext.viewcode",
    "sphinx_copybutton",
    "docstrings",
    "page_details",
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
    (r"py:.*", r"(attr|attrs|dateutil|hypothesis|narwhals|numpy|pytest)(\..+)?"),
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
# Each page says which module it describes, and a short name fits a narrow screen.
add_module_names = False

napoleon_google_docstring = True
napoleon_numpy_docstring = False

html_theme = "furo"
html_title = f"channelplans {release}"
html_copy_source = False
html_show_sphinx = False
html_static_path = ["_static"]
html_css_files = ["pages.css"]
html_favicon = "_static/favicon.svg"
# The dark counterpart of Furo's light style; Furo's own dark style underlines the modules' names.
pygments_dark_style = "a11y-dark"
# The copy button leaves out the prompts, and what Python prints.
copybutton_prompt_text = r">>> |\.\.\. ?"
copybutton_prompt_is_regexp = True
