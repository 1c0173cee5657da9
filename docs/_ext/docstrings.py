"""How autodoc shows docstrings: fields that one can link to, citations, defaults and bases."""

import inspect
import pkgutil
import re
import sys
from collections.abc import Mapping
from enum import Enum, EnumType
from functools import cache, partial
from importlib import import_module
from pathlib import Path

from docutils import nodes
from sphinx import addnodes
from sphinx.application import Sphinx

# A field as napoleon writes it: a directive with the text, and a line with the type.
_FIELD = re.compile(
    r"^\.\. attribute:: (?P<name>\w+)\n"
    r"(?P<text>(?:\n|   (?!:type: ).*\n)*)"
    r"(?:   :type: (?P<type>.*)\n)?\n*",
    re.MULTILINE,
)

# The start of a name with a module, such as ``datetime.date``.
_MODULE = re.compile(r"(?<![\w.])(?=\w+\.\w)")

# A name in a sentence, if it is not an ordinary word that is also the name of a parameter.
_NAME = re.compile(r"``((?=[a-z]*[A-Z_])\w+(?:\.\w+)?)``")

_CITATION = re.compile(r"\bH[1-9][0-9]?\b|\bF [1-9][0-9]?(?:\.[0-9]+)?\b")


# The longest text of a default value that a signature shows.
_LONGEST_DEFAULT = 40


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
        if len(repr(value)) > _LONGEST_DEFAULT and not isinstance(value, Enum)
    }
    signature = inspect.signature(obj)
    parameters = dict(signature.parameters)
    for name, parameter in signature.parameters.items():
        if id(parameter.default) in long_values:
            constant = _ConstantName(long_values[id(parameter.default)])
            parameters[name] = parameter.replace(default=constant)
    if parameters != signature.parameters:
        obj.__signature__ = signature.replace(parameters=[*parameters.values()])


def _hide_enum_call(
    app: Sphinx,
    what: str,
    name: str,
    obj: object,
    options: object,
    signature: str | None,
    returned: str | None,
) -> tuple[str, None] | None:
    """Leave out the parameter of an enum: programs name its members."""
    return ("", None) if isinstance(obj, EnumType) else None


def _keep_first_line(
    app: Sphinx, what: str, name: str, obj: object, options: object, lines: list[str]
) -> None:
    """Stop napoleon from reading the words before a colon in the first line as a type."""
    if what in {"attribute", "data", "property"}:
        lines[:0] = ["..", ""]


def _list_fields(
    app: Sphinx, what: str, name: str, obj: object, options: object, lines: list[str]
) -> None:
    """Show the fields that a class's docstring describes like attributes, after the docstring."""
    if what in {"class", "exception"}:
        text = "\n".join([*lines, ""])
        fields = [_write_field(obj, *field.groups()) for field in _FIELD.finditer(text)]
        lines[:] = "\n".join([_FIELD.sub("", text), *fields]).splitlines()


def _write_field(kind: object, name: str, text: str, type_name: str | None) -> str:
    """Return the directive of a field of a class."""
    options = [":no-contents-entry:"]
    if type_name:
        # The tilde hides the module, as in signatures.
        options.append(f":type: {_MODULE.sub('~', type_name)}")
    if isinstance(kind, EnumType):
        options.append(f":value: {kind[name].value!r}")
    head = "\n   ".join([f".. attribute:: {name}", *options])
    text = text.strip()
    return f"{head}\n\n   {text[:1].upper()}{text[1:]}\n"


def _skip_listed_members(
    app: Sphinx, what: str, name: str, obj: object, skip: bool, options: object
) -> bool | None:
    """Show the members of an enum, but not twice if its docstring describes them."""
    if not isinstance(obj, Enum):
        return None
    return bool(re.search(rf"^ +{name}: ", type(obj).__doc__ or "", re.MULTILINE))


def _link_citations(
    app: Sphinx, what: str, name: str, obj: object, options: object, lines: list[str]
) -> None:
    """Link each rule and fact that a docstring cites, such as H5 or F 3.7."""
    in_example = False
    for number, line in enumerate(lines):
        in_example = line.lstrip().startswith(">>>") or (in_example and bool(line.strip()))
        if not in_example:
            lines[number] = _CITATION.sub(r":ref:`\g<0> <\g<0>>`", line)


def _link_names(
    app: Sphinx, what: str, name: str, obj: object, options: object, lines: list[str]
) -> None:
    """Link each public name that a docstring mentions, such as ``Money`` or ``Money.share``."""
    owner = obj if inspect.isclass(obj) else pkgutil.resolve_name(name.rpartition(".")[0])
    members = dir(owner) if inspect.isclass(owner) else ()
    # A class can have a method with the name of a function.
    entries = _find_entries(Path(app.srcdir) / "reference")
    others = {name: entry for name, entry in entries.items() if name not in members}
    lines[:] = [_NAME.sub(partial(_link_name, others), line) for line in lines]


@cache
def _find_entries(folder: Path) -> dict[str, str]:
    """Return the full name of each public name of the modules that have a page."""
    pages = (page.read_text(encoding="utf-8") for page in sorted(folder.glob("*.rst")))
    modules = re.findall(r"^\.\. automodule:: (\S+)$", "\n".join(pages), re.MULTILINE)
    return {
        name: f"{module}.{name}" for module in modules for name in import_module(module).__all__
    }


def _link_name(entries: Mapping[str, str], mention: re.Match[str]) -> str:
    """Return a link to a name that has an entry in the reference; leave another text as it is."""
    name, _, member = mention[1].partition(".")
    target = entries.get(name)
    if target and member:
        # A member has its entry below the class that defines it.
        bases = getattr(pkgutil.resolve_name(target), "__mro__", ())
        definer = next((base.__name__ for base in bases if _defines(base, member)), "")
        target = f"{entries[definer]}.{member}" if definer in entries else None
    return f":py:obj:`{mention[1]} <{target}>`" if target else mention[0]


def _defines(kind: type, member: str) -> bool:
    return member in vars(kind) or member in inspect.get_annotations(kind)


def _hide_private_bases(
    app: Sphinx, name: str, obj: object, options: object, bases: list[type]
) -> None:
    """Leave out base classes from private modules, which have no page."""
    public = [base for base in bases if "._" not in getattr(base, "__module__", "")]
    bases[:] = public or [object]


def _hide_object(app: Sphinx, domain: str, kind: str, content: addnodes.desc_content) -> None:
    """Remove the line of base classes if it says only that the class is an object."""
    for paragraph in [*content.findall(nodes.paragraph)][:1]:
        if paragraph.astext() == "Bases: object":
            paragraph.parent.remove(paragraph)


def setup(app: Sphinx) -> dict[str, bool]:
    """Connect the functions above to the events of autodoc."""
    app.connect("autodoc-process-bases", _hide_private_bases)
    app.connect("object-description-transform", _hide_object)
    app.connect("autodoc-before-process-signature", _shorten_defaults)
    app.connect("autodoc-process-signature", _hide_enum_call)
    app.connect("autodoc-skip-member", _skip_listed_members)
    # Napoleon has priority 500: before it, then after it.
    app.connect("autodoc-process-docstring", _keep_first_line, priority=400)
    app.connect("autodoc-process-docstring", _list_fields, priority=700)
    app.connect("autodoc-process-docstring", _link_citations, priority=800)
    app.connect("autodoc-process-docstring", _link_names, priority=800)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
