"""The hook makes the package's types known to Hypothesis, and never raises an error."""

import os
import subprocess
import sys
import tomllib
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

import _channelplans_hypothesis
import channelplans

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]

DRAW = """
from hypothesis import HealthCheck, Phase, given, settings, strategies as st
from channelplans import Plan

@settings(
    max_examples=1,
    phases=[Phase.generate],
    database=None,
    deadline=None,
    # A slow machine is no failure.
    suppress_health_check=[HealthCheck.too_slow],
)
@given(st.from_type(Plan))
def draw(plan):
    print(type(plan).__name__)

# Hypothesis takes seconds to print an error.
try:
    draw()
except Exception as error:
    print(type(error).__name__)
"""


def declared_hooks():
    """Return the entry points for Hypothesis in pyproject.toml."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return project["entry-points"]["hypothesis"]


@pytest.fixture
def python(tmp_path):
    """Return a function that runs code as if the package were installed."""
    metadata = tmp_path / "site" / "channelplans-0.dist-info"
    metadata.mkdir(parents=True)
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: channelplans\nVersion: 0\n")
    lines = "".join(f"{name} = {value}\n" for name, value in declared_hooks().items())
    (metadata / "entry_points.txt").write_text(f"[hypothesis]\n{lines}")
    paths = [metadata.parent, Path(channelplans.__file__).parents[1]]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, paths))}
    environment.pop("HYPOTHESIS_NO_PLUGINS", None)

    def run(code, **variables):
        return subprocess.run(
            [sys.executable, "-W", "error", "-c", code],
            capture_output=True,
            text=True,
            check=False,
            cwd=tmp_path,
            env={**environment, **variables},
        )

    return run


def test_entry_point_names_the_hook():
    """The package declares one entry point, and it loads the hook."""
    (value,) = declared_hooks().values()

    assert (
        _channelplans_hypothesis.register is EntryPoint("channelplans", value, "hypothesis").load()
    )


@pytest.mark.parametrize("order", ["hypothesis, channelplans", "channelplans, hypothesis"])
def test_hypothesis_draws_a_legal_plan_from_its_type(python, order):
    """The hook is enough, in either order: the code does not import the strategies."""
    process = python(f"import {order}\n{DRAW}")

    assert ("Plan\n", "") == (process.stdout, process.stderr)


def test_hypothesis_without_the_hook_draws_no_legal_plan(python):
    """So the previous test passes because of the hook."""
    process = python(DRAW, HYPOTHESIS_NO_PLUGINS="1")

    assert "InvalidValue\n" == process.stdout


def test_hook_works_if_the_strategies_are_imported_first(python):
    """The strategies import Hypothesis, whose hook then finds the strategies half loaded."""
    process = python(f"import channelplans.testing.strategies\n{DRAW}")

    assert ("Plan\n", "") == (process.stdout, process.stderr)


def test_hypothesis_alone_does_not_load_the_package(python):
    """Whoever does not use the package does not wait for it."""
    process = python("import hypothesis, sys; print('channelplans' in sys.modules)")

    assert ("False\n", "") == (process.stdout, process.stderr)


@pytest.mark.parametrize("attrs_module", ["raise RuntimeError", "frozen = None", "import missing"])
def test_hypothesis_can_be_imported_with_a_broken_attrs(python, tmp_path, attrs_module):
    """A wrong version of attrs, or none, breaks the package but not Hypothesis."""
    (tmp_path / "attrs.py").write_text(attrs_module)
    use = """
import hypothesis
try:
    import channelplans.plans
except Exception:
    print("broken")
"""

    process = python(use)

    assert ("broken\n", "") == (process.stdout, process.stderr)


@pytest.mark.parametrize("module", ["strategies", "_kernel_strategies", "builders"])
def test_hook_ignores_a_module_that_cannot_be_imported(python, module):
    """Hypothesis and the package can still be imported and used."""
    sabotage = f"import sys; sys.modules['channelplans.testing.{module}'] = None"
    use = "import channelplans; from hypothesis import strategies; print(strategies.integers())"
    process = python(f"{sabotage}\n{use}")

    assert ("integers()\n", "") == (process.stdout, process.stderr)


def test_strategies_raise_for_a_module_that_cannot_be_imported(python):
    """So the previous test passes because the hook catches the error."""
    sabotage = "import sys; sys.modules['channelplans.testing._kernel_strategies'] = None"
    process = python(f"{sabotage}\nimport hypothesis, channelplans.testing.strategies")

    assert "ModuleNotFoundError" in process.stderr


@pytest.mark.parametrize(
    "error", [ImportError, AttributeError, SyntaxError, UserWarning, ValueError]
)
def test_hook_catches_any_error(monkeypatch, error):
    """It catches all errors of an import or a registration, and warnings raised as errors."""
    imported_names = []

    def fail(name):
        imported_names.append(name)
        raise error(name)

    monkeypatch.setattr("_channelplans_hypothesis.import_module", fail)
    _channelplans_hypothesis.register()

    assert ["channelplans.testing.strategies"] == imported_names
