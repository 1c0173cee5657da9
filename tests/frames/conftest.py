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


@pytest.fixture(scope="session", params=engines.QUICK_ENGINES)
def quick_engine(request):
    """Return the name of each engine that answers at once."""
    engines.start(request.param)
    return request.param


@pytest.fixture(scope="session")
def pyspark():
    """Return the name of the engine PySpark."""
    engines.start("pyspark")
    return "pyspark"


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    """Mark the tests with PySpark. One process runs them, because Java takes long to start."""
    for item in items:
        values = getattr(item, "callspec", None)
        used = [*item.fixturenames, *(values.params.values() if values else ())]
        if "pyspark" in used:
            item.add_marker(pytest.mark.pyspark)
