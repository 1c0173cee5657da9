"""The hook that Hypothesis calls when it is imported, so that it knows the package's types.

An error that got out of it would break ``import hypothesis`` for whoever has the package installed.
"""

from contextlib import suppress
from importlib import import_module

__all__: tuple[str, ...] = ()


def register() -> None:
    """Import the strategies, which register themselves; what fails here fails there as well."""
    with suppress(Exception):
        import_module("channelplans.testing.strategies")
