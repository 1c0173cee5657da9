"""The hook that Hypothesis calls when it is imported, so that it knows the package's types.

It is a module of its own, outside the package: an error here would break ``import hypothesis`` for
everyone who has the package installed.
"""

from contextlib import suppress
from importlib import import_module

__all__: tuple[str, ...] = ()


def register() -> None:
    """Import the strategies, which register themselves; an error is ignored."""
    with suppress(Exception):
        import_module("channelplans.testing.strategies")
