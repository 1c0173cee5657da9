"""The room `frames` is tested where narwhals is installed: `tox run -e frames` installs it."""

from importlib.util import find_spec

import pytest
from tests.frames import engines

if find_spec("narwhals") is None:
    collect_ignore_glob = ["test_*.py"]


@pytest.fixture(scope="session", params=engines.ENGINES)
def engine(request):
    """Return the name of each engine that is supported in full."""
    engines.start(request.param)
    return request.param


QUICK_ENGINES = [name for name in engines.ENGINES if name != "pyspark"]


@pytest.fixture(scope="session", params=QUICK_ENGINES)
def quick_engine(request):
    """Return the name of each engine that answers at once; a job of PySpark takes a second."""
    engines.start(request.param)
    return request.param


@pytest.fixture(scope="session")
def quick_engines():
    """Return the names of all engines that answer at once, for tests that draw examples."""
    for name in QUICK_ENGINES:
        engines.start(name)
    return QUICK_ENGINES
