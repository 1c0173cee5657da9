"""The settings of Sphinx; `tox run -e docs` builds the pages."""

import os
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
    "myst_nb",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx.ext.viewcode",
    "sphinx_copybutton",
    "docstrings",
    "drawn",
    "navigation",
    "notebooks",
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
    (r"py:.*", r"(attr|attrs|dateutil|hypothesis|matplotlib|narwhals|numpy|pytest)(\..+)?"),
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

# Run the notebooks at each build; the first error of one stops the build.
nb_execution_mode = "force"
nb_execution_raise_on_error = True
nb_merge_streams = True

html_theme = "furo"
html_title = f"channelplans {release}"
html_copy_source = False
html_show_sphinx = False
# The files that the page "Try it" runs in a browser. .ci/browser_runtime.sh makes the last folder.
html_static_path = [
    "_static",
    *(f"_ext/{name}.py" for name in ("drawing", "try_it", "try_it_form", "try_it_picture")),
]
if "CHANNELPLANS_BROWSER_RUNTIME" in os.environ:
    html_static_path.append(os.environ["CHANNELPLANS_BROWSER_RUNTIME"])
    tags.add("browser_runtime")  # noqa: F821 - Sphinx defines `tags` for this file
html_css_files = ["pages.css"]
html_favicon = "_static/favicon.svg"
# The dark counterpart of Furo's light style; Furo's own dark style underlines the modules' names.
pygments_dark_style = "a11y-dark"
# The copy button leaves out the prompts, and what Python prints.
copybutton_prompt_text = r">>> |\.\.\. ?"
copybutton_prompt_is_regexp = True
# Not on what a cell of a notebook prints.
copybutton_selector = "div:not(.output) > div.highlight pre"
