"""Docstrings are complete: each example imports what it uses, each parameter and field has a text.

The texts of parameters are in the section ``Args`` of a function, those of fields in the section
``Attributes`` of a class.
"""

import doctest
import importlib.util
import inspect
import pkgutil
import re
from pathlib import Path

import attrs
import pytest

import channelplans

pytestmark = pytest.mark.slow

REFERENCE = Path(__file__).resolve().parents[1] / "docs" / "reference"

# The modules that have a page.
WITH_PAGE = {
    name
    for page in REFERENCE.glob("*.rst")
    for name in re.findall(
        r"^\.\. automodule:: (\S+)$", page.read_text(encoding="utf-8"), re.MULTILINE
    )
}

MODULES = [
    importlib.import_module(module.name)
    for module in pkgutil.walk_packages(channelplans.__path__, "channelplans.")
    if not module.ispkg
]


def find_examples():
    """Yield each docstring with examples; private modules have some too.

    The examples of frames show a library that is not installed for all tests.
    """
    finder = doctest.DocTestFinder(exclude_empty=True)
    shows_frames = importlib.util.find_spec("polars") is not None
    for module in MODULES:
        if module.__name__.startswith("channelplans.frames.") and not shows_frames:
            continue
        yield from (docstring for docstring in finder.find(module) if docstring.examples)


def find_public():
    """Yield each public name with its function or class, and the methods of each class."""
    for module in MODULES:
        if module.__name__ in WITH_PAGE:
            for name in module.__all__:
                item = getattr(module, name)
                yield f"{module.__name__}.{name}", item
                if inspect.isclass(item):
                    yield from find_methods(f"{module.__name__}.{name}", item)


def find_methods(class_name, kind):
    """Yield the public methods that a class defines; pytest passes the arguments of tests."""
    for name, member in vars(kind).items():
        method = member.__func__ if isinstance(member, (classmethod, staticmethod)) else member
        if inspect.isfunction(method) and not name.startswith(("_", "test_")):
            yield f"{class_name}.{name}", method


def parameters_of(function):
    """Return the names of a function's parameters; a method's own object is none."""
    return [name for name in inspect.signature(function).parameters if name not in {"self", "cls"}]


def fields_of(kind):
    """Return the names of a class's public fields: those of attrs or, of an error, its own."""
    if attrs.has(kind):
        return [field.name for field in attrs.fields(kind) if not field.name.startswith("_")]
    return list(getattr(kind, "_fields", ()))


def described(item, section):
    """Return the names that a section of a docstring has a text for."""
    docstring = f"{inspect.getdoc(item)}\n"
    lines = re.search(rf"^{section}:\n((?:(?: {{4}}.*)?\n)*)", docstring, re.MULTILINE)
    return re.findall(r"^ {4}\*{0,2}(\w+): \S", lines[1], re.MULTILINE) if lines else []


def find_description(name):
    """Return the function with a name, or the method to which its docstring refers instead."""
    function = FUNCTIONS[name]
    reference = re.match(r"See ``(\w+\.\w+)``", inspect.getdoc(function) or "")
    if not reference:
        return function
    methods = (item for path, item in FUNCTIONS.items() if path.endswith(f".{reference[1]}"))
    return next(methods, function)


EXAMPLES = list(find_examples())
PUBLIC = dict(find_public())
FUNCTIONS = {name: item for name, item in PUBLIC.items() if inspect.isfunction(item)}
CLASSES = {name: item for name, item in PUBLIC.items() if inspect.isclass(item)}


def test_public_names_come_from_the_reference():
    """The functions, methods and classes of a module with a page are found, and only those."""
    assert {"channelplans.rules.check_change", "channelplans.money.Money.share"} <= set(FUNCTIONS)
    assert "channelplans.money.Money" in CLASSES
    assert "channelplans.rules.check_bundles" not in FUNCTIONS


def sample(count, *others, **options):
    """Return nothing.

    Args:
        count: a number,
            which is described on two lines: here.
        others: more numbers.

    Raises:
        ValueError: never.
    """


def test_described_reads_the_names_of_one_section():
    """A section has a name for each entry; its other lines and other sections have none."""
    assert ["count", "others"] == described(sample, "Args")
    assert ["ValueError"] == described(sample, "Raises")
    assert [] == described(sample, "Attributes")
    assert ["count", "others", "options"] == parameters_of(sample)


@pytest.mark.parametrize("docstring", EXAMPLES, ids=lambda docstring: docstring.name)
def test_examples_run_when_copied_alone(docstring):
    """The examples of a docstring run in a fresh interpreter, which has imported nothing."""
    docstring.globs = {"__name__": "__main__"}
    report: list[str] = []
    runner = doctest.DocTestRunner(optionflags=doctest.DONT_ACCEPT_TRUE_FOR_1)

    failures = runner.run(docstring, out=report.append).failed

    assert failures == 0, "".join(report)


def test_functions_describe_their_parameters():
    """The docstring of a public function has a text for each parameter, and for nothing else.

    A method that has the same parameters as a method of another class can refer to that.
    """
    parameters = {name: parameters_of(function) for name, function in FUNCTIONS.items()}
    texts = {name: described(find_description(name), "Args") for name in FUNCTIONS}
    wrong = [name for name in FUNCTIONS if texts[name] != parameters[name]]

    message = "describe these parameters in the section Args, in this order"
    assert wrong == [], f"{message}: { {name: parameters[name] for name in wrong} }"


def test_classes_describe_their_fields():
    """The docstring of a public class has a text for each field."""
    missing = {
        f"{name}.{field}"
        for name, kind in CLASSES.items()
        for field in set(fields_of(kind)) - set(described(kind, "Attributes"))
    }

    assert missing == set(), "describe these fields in the section Attributes of their class"


def test_classes_describe_only_what_they_have():
    """The docstring of a public class has a text only for fields and for members of an enum."""
    unknown = {
        f"{name}.{text}"
        for name, kind in CLASSES.items()
        for text in set(described(kind, "Attributes")) - {*fields_of(kind), *dir(kind)}
    }

    assert unknown == set(), "these texts in a section Attributes describe nothing"
