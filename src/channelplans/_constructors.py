"""Constructors of attrs classes that check each argument.

``checked`` stands above ``attrs.frozen``. It reads the annotations of the fields once and writes
one ``__init__``. There each argument gets a short test, such as ``type(minor) is int``. Only an
argument that fails the test goes to its check in ``_checks``, which converts it or raises an error.
``trusted`` gives a constructor without tests, for arguments that are known to be right.

Type checkers see only ``attrs.frozen``, so the signature and the converters stay visible to them.
"""

import typing
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from functools import partial, update_wrapper
from operator import attrgetter
from types import MappingProxyType, NoneType, UnionType
from typing import Any, Final, ParamSpec, TypeVar, cast

import attrs

from channelplans._checks import NUMBER_LIMIT, civil_day, instance, several, text, whole

__all__ = ["checked", "trusted"]

P = ParamSpec("P")
T = TypeVar("T")

_Check = Callable[[str, Any], Any]

_COPIED: Final = ("__annotations__", "__doc__", "__module__", "__qualname__")

#: The test that an argument must pass, by annotation, and the check if it does not.
_TESTS: Final[Mapping[Any, tuple[str, _Check]]] = MappingProxyType(
    {
        int: (f"type({{0}}) is int and -{NUMBER_LIMIT} < {{0}} < {NUMBER_LIMIT}", whole),
        str: ("type({0}) is str and {0}.isprintable() and {0} and {0} == {0}.strip()", text),
        date: ("type({0}) is date", civil_day),
    }
)


def checked(kind: type[T]) -> type[T]:
    """Give an attrs class an ``__init__`` that checks each field.

    A field whose annotation has no check here needs a converter, which checks and converts the
    argument. Fields may have default values, but no default factories: all values are immutable.
    """
    generated = kind.__init__
    parameters, statements, names = _write_fields(kind, tests=True)
    if hasattr(kind, "__attrs_post_init__"):
        statements.append("self.__attrs_post_init__()")
    constructor = _compile("__init__", ["self", *parameters], statements, names)
    # Keep the annotations that attrs wrote, so that users and Sphinx see the types of the fields.
    update_wrapper(constructor, generated, assigned=_COPIED)
    type.__setattr__(kind, "__init__", constructor)
    return kind


def trusted(kind: Callable[P, T]) -> Callable[P, T]:
    """Return a constructor of an attrs class that checks nothing, and takes all by position too.

    The caller is responsible for the arguments, and for what ``__attrs_post_init__`` checks.
    """
    parameters, statements, names = _write_fields(kind, tests=False)
    names |= {"new": object.__new__, "kind": kind}
    statements = ["self = new(kind)", *statements, "return self"]
    return cast(Callable[P, T], _compile("make", parameters, statements, names))


def _write_fields(kind: Any, *, tests: bool) -> tuple[list[str], list[str], dict[str, Any]]:
    """Return the parameters, the statements, and the values of the names in the statements."""
    parameters: list[str] = []
    statements: list[str] = []
    names: dict[str, Any] = {"date": date}
    fields = [field for field in attrs.fields(kind) if field.init]
    for field in sorted(fields, key=attrgetter("kw_only")):
        name, default = field.alias, field.default
        names |= {f"default_{name}": default, f"set_{name}": getattr(kind, field.name).__set__}
        if tests and field.kw_only and "*" not in parameters:
            parameters.append("*")
        parameters.append(name if default is attrs.NOTHING else f"{name}=default_{name}")
        if tests and field.converter:
            names[f"convert_{name}"] = field.converter
            statements.append(f"{name} = convert_{name}({name})")
        elif tests:
            test, check, classes = _test_for(field.type)
            names |= {f"check_{name}": partial(check, name), **classes}
            statements.append(f"if not ({test.format(name)}): {name} = check_{name}({name})")
        statements.append(f"set_{name}(self, {name})")
    return parameters, statements, names


def _test_for(annotation: Any) -> tuple[str, _Check, dict[str, type]]:
    """Return the test of an annotation, the check, and the classes that the test names."""
    annotation = getattr(annotation, "__supertype__", annotation)  # of a NewType
    if annotation in _TESTS:
        return (*_TESTS[annotation], {})
    if isinstance(annotation, type):
        return _test_for_classes([annotation])
    arguments = typing.get_args(annotation)
    kinds = [argument for argument in arguments if argument is not NoneType]
    if typing.get_origin(annotation) is tuple and arguments[1:] == (...,):
        # The test accepts tuples without items or with one right item; most are short.
        item_test, item_check, classes = _test_for(arguments[0])
        test = f"not {{0}} or len({{0}}) == 1 and ({item_test.format('{0}[0]')})"
        return f"type({{0}}) is tuple and ({test})", partial(_check_items, item_check), classes
    if typing.get_origin(annotation) not in (UnionType, typing.Union):
        raise NotImplementedError(f"no check for {annotation}, so the field needs a converter")
    test, check, classes = _test_for(kinds[0]) if len(kinds) == 1 else _test_for_classes(kinds)
    return f"{{0}} is None or {test}" if NoneType in arguments else test, check, classes


def _test_for_classes(kinds: Sequence[type]) -> tuple[str, _Check, dict[str, type]]:
    test = " or ".join(f"type({{0}}) is {kind.__name__}" for kind in kinds)
    return test, partial(_check_class, kinds), {kind.__name__: kind for kind in kinds}


def _check_items(item_check: _Check, parameter: str, value: Any) -> tuple[Any, ...]:
    return several(parameter, value, item_check)


def _check_class(kinds: Sequence[type], parameter: str, value: Any) -> Any:
    return instance(parameter, value, *kinds)


def _compile(
    name: str, parameters: Sequence[str], statements: Sequence[str], names: dict[str, Any]
) -> Callable[..., Any]:
    source = "\n    ".join([f"def {name}({', '.join(parameters)}):", *statements])
    exec(source, names)  # noqa: S102 - the source is made of field names and the tests above
    return cast(Callable[..., Any], names[name])
