"""The repository keeps its own rules, and speaks of nothing but itself."""

import ast
import re
import tomllib
from configparser import ConfigParser
from importlib import import_module
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
MODULES = sorted((ROOT / "src" / "channelplans").glob("[a-z]*.py"))
TEST_MODULES = sorted((ROOT / "tests").rglob("test_*.py"))
SUFFIXES = {"", *".cfg .csv .ini .json .md .py .rst .sh .toml .txt".split()}
FOLDERS = ("benchmarks", "docs", "examples", "src", "tests")
TEXTS = sorted(
    path
    for pattern in ("*", ".ci/*", *(f"{folder}/**/*" for folder in FOLDERS))
    for path in ROOT.glob(pattern)
    if path.is_file()
    and path.suffix in SUFFIXES
    and not path.name.startswith(".")
    and not {"_build", "__pycache__"} & set(path.parts)
)

# Put together here, so that this file does not hold what it looks for.
BANNED = re.compile(
    "|".join(
        [
            r"(?<![\w./:-])/(?:" + "|".join(["wo" + "rk", "ro" + "ot", "ho" + "me"]) + r")/\w",
            r"pypi\." + "org",
            "python" + "hosted",
            r"registry\." + "npm",
            r"\b(?:TO" + "DO|FIX" + "ME|XX" + r"X)\b",
        ]
    )
)


def relative(path: Path) -> str:
    """Name a file as it is named from the root."""
    return path.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("module", MODULES, ids=relative)
def test_each_module_has_a_test_module(module: Path):
    """A module with public names has a test module of its name."""
    public = import_module(f"channelplans.{module.stem}").__all__

    assert not public or (ROOT / "tests" / f"test_{module.stem}.py").is_file()


@pytest.mark.parametrize("module", TEST_MODULES, ids=relative)
def test_each_test_says_what_it_holds(module: Path):
    """Every test has a docstring that states the behaviour."""
    tests = [
        node
        for node in ast.walk(ast.parse(module.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
    ]

    assert [] == [test.name for test in tests if not ast.get_docstring(test)]


@pytest.mark.parametrize("path", TEXTS, ids=relative)
def test_texts_speak_of_the_project_alone(path: Path):
    """No file holds a path of some machine, a package registry's host, or a note of work to do."""
    found = BANNED.findall(path.read_text(encoding="utf-8"))

    assert [] == found


def test_the_oldest_dependencies_tested_are_the_oldest_allowed():
    """The versions that tox pins are the lower bounds that the package declares."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    tox = ConfigParser(interpolation=None)
    tox.read(ROOT / "tox.ini", encoding="utf-8")
    pinned = [pin.split("==") for pin in tox["testenv:oldest"]["deps"].split()]
    allowed = dict(need.split(">=") for need in project["dependencies"])

    assert allowed.keys() == {name for name, _ in pinned}
    for name, version in pinned:
        assert version.removesuffix(".0") == allowed[name]


def test_one_command_runs_the_tests_everywhere():
    """CI calls exactly what README.md tells a reader to call."""
    command = "python -m pip install tox && tox run"

    assert f"    {command}\n" in (ROOT / "README.md").read_text(encoding="utf-8")
    assert f"\n{command}\n" in (ROOT / ".ci" / "run").read_text(encoding="utf-8")


def test_what_ci_exports_reaches_the_tests():
    """tox hands on where PostgreSQL is and that it is required, so that nothing is skipped."""
    tox = ConfigParser(interpolation=None)
    tox.read(ROOT / "tox.ini", encoding="utf-8")
    exported = "export CHANNELPLANS_POSTGRES CHANNELPLANS_REQUIRE=postgres"

    assert exported in (ROOT / ".ci" / "run").read_text(encoding="utf-8").splitlines()
    assert "CHANNELPLANS_*" in tox["testenv"]["pass_env"].split()
    assert ["testenv"] == [name for name in tox.sections() if "pass_env" in tox[name]]


def test_the_first_screen_ends_in_a_refusal():
    """README.md's session has at most twelve lines, and the last is an error's sentence."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    session = readme.split("```python\n")[1].split("```")[0].strip().splitlines()

    assert len(session) <= 12
    assert session[-1].startswith("channelplans.errors.")
