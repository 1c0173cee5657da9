"""What every test runs under: Hypothesis' profiles, and one printed seed for all that is random."""

import os

import pytest
from hypothesis import HealthCheck, settings

# The suite that holds a store to its contract is itself run on stores that are broken.
pytest_plugins = ["pytester"]

# A failure prints a blob that repeats it anywhere; a slow machine is no failure.
settings.register_profile(
    "default", deadline=None, print_blob=True, suppress_health_check=[HealthCheck.too_slow]
)
# On CI too each run draws other examples; Hypothesis' own profile of that name would draw the same.
settings.register_profile("ci", settings.get_profile("default"), database=None, derandomize=False)
settings.load_profile("ci" if os.environ.get("CI", "").lower() in {"1", "true"} else "default")


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Let Hypothesis draw from the seed that is printed, unless it was given its own."""
    seed = config.getoption("randomly_seed", default=None)
    if isinstance(seed, int) and config.getoption("hypothesis_seed", default=None) is None:
        config.option.hypothesis_seed = str(seed)
