"""The room `frames` is tested where narwhals is installed: `tox run -e frames` installs it."""

from importlib.util import find_spec
from pathlib import Path

import pytest
from tests.frames import engines

if find_spec("narwhals") is None:
    collect_ignore_glob = ["test_*.py"]


@pytest.fixture(scope="session")
def engine(request):
    """Return a kind of frames; the test runs on each kind that the run compares."""
    engines.start(request.param)
    return request.param


@pytest.fixture(scope="session")
def quick_engine(request):
    """Return a kind that answers at once; a job of PySpark takes a second."""
    engines.start(request.param)
    return request.param


@pytest.fixture(scope="session")
def eager_engine(request):
    """Return a kind whose operations compute their results without a query."""
    engines.start(request.param)
    return request.param


@pytest.fixture(scope="session")
def pyspark():
    """Return the name of the engine PySpark."""
    engines.start("pyspark")
    return "pyspark"


KINDS_OF_FIXTURES = {
    "engine": engines.KINDS,
    "quick_engine": engines.QUICK_KINDS,
    "eager_engine": engines.EAGER_KINDS,
}


def find_seed(config):
    """Return the seed of pytest-randomly, or 1 without it."""
    return config.getoption("randomly_seed", default=1)


@pytest.fixture(scope="session")
def seed(request):
    """Return the seed of the run."""
    return find_seed(request.config)


@pytest.hookimpl(tryfirst=True)
def pytest_generate_tests(metafunc):
    """Run a test on each kind that the run compares; for ``in_turn``, see ``engines.in_turn``."""
    seed = find_seed(metafunc.config)
    for name, kinds in KINDS_OF_FIXTURES.items():
        if name not in metafunc.fixturenames:
            continue
        is_slow = metafunc.definition.get_closest_marker("slow") is not None
        compared = engines.compared(seed, kinds, is_slow=is_slow)
        mark = metafunc.definition.get_closest_marker("in_turn")
        if mark is None:
            metafunc.parametrize(name, compared, indirect=True)
        else:
            item_name, items = mark.args
            pairs = [*engines.in_turn(items, kinds, compared, seed)]
            metafunc.parametrize((item_name, name), pairs, indirect=[name], ids=str)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    """Mark the tests with PySpark: Java takes long to start, so tox runs them in one process."""
    for item in items:
        if item.path.parent != Path(__file__).parent:
            continue
        values = getattr(item, "callspec", None)
        used = [*item.fixturenames, *(values.params.values() if values else ())]
        if "pyspark" in used:
            item.add_marker(pytest.mark.pyspark)
