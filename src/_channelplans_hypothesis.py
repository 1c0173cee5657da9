"""The hook that Hypothesis calls when it is imported, so that it knows the package's types.

It is a module of its own, outside the package: an error here would break ``import hypothesis`` for
everyone who has the package installed.
"""

import sys
from contextlib import suppress
from importlib import import_module


def register() -> None:
    """Import the strategies, which register themselves; an error is ignored.

    Before the package is imported, do nothing; the package calls this function again.
    """
    if "channelplans" in sys.modules:
        with suppress(Exception):
            import_module("channelplans.testing.strategies")
