"""Set up all tests: Hypothesis' profiles, and one printed seed for everything random."""

import os

import pytest
from hypothesis import HealthCheck, settings

# pytester runs the store contract's tests on broken stores.
pytest_plugins = ["pytester"]

# A failure prints a blob that reproduces it on any machine. Slow examples are no failure.
settings.register_profile(
    "default",
    deadline=None,
    max_examples=20,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow],
)
# Hypothesis' built-in "ci" profile repeats the same examples; ours draws new ones in each run.
settings.register_profile("ci", settings.get_profile("default"), database=None, derandomize=False)
BASE_PROFILE = "ci" if os.environ.get("CI", "").lower() in {"1", "true"} else "default"
# Between the oldest and the newest interpreter, a few examples of each law are enough.
settings.register_profile("fast", settings.get_profile(BASE_PROFILE), max_examples=10)
# HYPOTHESIS_PROFILE=thorough, after a change to the rules and before a release.
settings.register_profile("thorough", settings.get_profile(BASE_PROFILE), max_examples=300)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", BASE_PROFILE))


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Make Hypothesis use pytest-randomly's printed seed, unless --hypothesis-seed is passed."""
    seed = config.getoption("randomly_seed", default=None)
    if isinstance(seed, int) and config.getoption("hypothesis_seed", default=None) is None:
        config.option.hypothesis_seed = str(seed)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark laws and published examples as slow: two interpreters are enough for them."""
    for item in items:
        if item.nodeid.startswith(("tests/peers/", "tests/property/")):
            item.add_marker(pytest.mark.slow)
