"""The room `frames` is tested where narwhals is installed: `tox run -e frames` installs it."""

from importlib.util import find_spec
from pathlib import Path

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


@pytest.fixture(scope="session")
def seed(request):
    """Return the seed of pytest-randomly, or 1 without it."""
    return request.config.getoption("randomly_seed", default=1)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    """Mark the tests with PySpark, and let one process run what shares an expensive answer.

    Java takes long to start, so one process runs all tests with PySpark. The scalar functions take
    long for random rows, so one process compares them with all other engines.
    """
    for item in items:
        if item.path.parent != Path(__file__).parent:
            continue
        values = getattr(item, "callspec", None)
        used = [*item.fixturenames, *(values.params.values() if values else ())]
        if "pyspark" in used:
            item.add_marker(pytest.mark.pyspark)
            item.add_marker(pytest.mark.xdist_group("pyspark"))
        else:
            item.add_marker(pytest.mark.xdist_group(f"{item.path.name}:{item.originalname}"))
