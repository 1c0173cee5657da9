"""The names that can be imported from ``channelplans``, with what each is.

This module does not import Sphinx, so tests can read the list without it.
"""

import inspect
import re
import sys
from typing import NamedTuple

import channelplans

__all__ = ["Name", "introduce", "list_names"]


class Name(NamedTuple):
    """A name of the package root: where it is documented, and its first line there."""

    name: str
    module: str
    summary: str


def list_names() -> dict[str, list[Name]]:
    """Return the names of the package root by module: the kernel first, then the other rooms."""
    modules: dict[str, list[Name]] = {}
    for name in vars(channelplans)["__all__"]:
        if name != "__version__":
            found = _find(name)
            modules.setdefault(found.module, []).append(found)
    return dict(sorted(modules.items(), key=lambda item: (item[0].count("."), item[0])))


def introduce(module: str) -> str:
    """Return the first line of a module, with a link to its page.

    The link has a text of its own, because a link in reStructuredText can contain no other markup,
    and a module's first line may contain code.
    """
    purpose, *_ = (sys.modules[module].__doc__ or "").splitlines()
    return f"{purpose} More: :doc:`{module.rpartition('.')[2]}`."


def _find(name: str) -> Name:
    value = getattr(channelplans, name)
    if inspect.isclass(value) or inspect.isfunction(value):
        summary, *_ = (inspect.getdoc(value) or "").splitlines()
        return Name(name, value.__module__, summary)
    return _find_constant(name)


def _find_constant(name: str) -> Name:
    """Return a constant, which does not know its module; a comment above it says what it is."""
    description = re.compile(rf"^#: (.*?\.)(?: .*)?\n(?:#: .*\n)*{name}: Final", re.MULTILINE)
    for module_name, module in [*sys.modules.items()]:
        if module_name.startswith("channelplans.") and name in vars(module):
            comment = description.search(inspect.getsource(module))
            if comment:
                return Name(name, module_name, comment[1])
    raise LookupError(f"no module describes {name} in a comment that begins with #:")
