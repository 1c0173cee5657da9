"""The hook: once Hypothesis is imported it knows the package's types, and nothing can break it."""

import os
import subprocess
import sys
import tomllib
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

import channelplans
from channelplans import _hypothesis

ROOT = Path(__file__).resolve().parents[2]
SOURCE = Path(_hypothesis.__file__)

DRAW = """
from hypothesis import Phase, given, settings, strategies as st
from channelplans import Plan

@settings(max_examples=1, phases=[Phase.generate], database=None, deadline=None)
@given(st.from_type(Plan))
def draw(plan):
    print(type(plan).__name__)

draw()
"""


def declared():
    """Return what pyproject.toml declares to Hypothesis."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return project["entry-points"]["hypothesis"]


@pytest.fixture
def python(tmp_path):
    """Return a function that runs code with the package installed, or as good as that."""
    metadata = tmp_path / "site" / "channelplans-0.dist-info"
    metadata.mkdir(parents=True)
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: channelplans\nVersion: 0\n")
    lines = "".join(f"{name} = {value}\n" for name, value in declared().items())
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


def test_it_is_short():
    """Fewer than 20 lines in all."""
    assert len(SOURCE.read_text(encoding="utf-8").splitlines()) < 20


def test_it_is_what_is_declared():
    """The entry point names the hook."""
    (value,) = declared().values()

    assert _hypothesis.register is EntryPoint("channelplans", value, "hypothesis").load()


def test_types_are_known_once_hypothesis_is_imported(python):
    """Nobody imports the strategies; a plan of its type is legal."""
    ran = python(DRAW)

    assert ("Plan\n", "") == (ran.stdout, ran.stderr)


def test_without_the_hook_they_are_not_known(python):
    """A control: it is the hook that makes them known."""
    ran = python(DRAW, HYPOTHESIS_NO_PLUGINS="1")

    assert 0 != ran.returncode
    assert "channelplans.errors.InvalidValue" in ran.stderr


def test_types_are_known_where_the_strategies_come_first(python):
    """They import Hypothesis, whose hook then finds them half loaded."""
    ran = python(f"import channelplans.testing.strategies\n{DRAW}")

    assert ("Plan\n", "") == (ran.stdout, ran.stderr)


@pytest.mark.parametrize("module", ["strategies", "_values", "builders"])
def test_a_module_that_cannot_be_imported_breaks_nothing(python, module):
    """Hypothesis is imported all the same."""
    sabotage = f"import sys; sys.modules['channelplans.testing.{module}'] = None"
    use = "from hypothesis import strategies; print(strategies.integers())"
    ran = python(f"{sabotage}\n{use}")

    assert ("integers()\n", "") == (ran.stdout, ran.stderr)


def test_without_the_hook_such_a_module_does_break_it(python):
    """A control: importing the strategies raises there, and the hook is what catches it."""
    sabotage = "import sys; sys.modules['channelplans.testing._values'] = None"
    ran = python(f"{sabotage}\nimport hypothesis, channelplans.testing.strategies")

    assert "ModuleNotFoundError" in ran.stderr


@pytest.mark.parametrize(
    "error", [ImportError, AttributeError, SyntaxError, UserWarning, ValueError]
)
def test_whatever_is_raised_stays_inside(monkeypatch, error):
    """Any error of an import or of a registration, and a warning that was made one."""
    tried = []

    def fail(name):
        tried.append(name)
        raise error(name)

    monkeypatch.setattr(_hypothesis, "import_module", fail)
    _hypothesis.register()

    assert ["channelplans.testing.strategies"] == tried
