"""The repository's own rules about its modules, texts, dependencies and commands."""

import ast
import re
import tomllib
from configparser import ConfigParser
from pathlib import Path

import pytest

import channelplans

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "src" / "channelplans"
ROOMS = ("subscriptions", "storage", "explore", "frames")
MODULES = sorted(
    module
    for folder in (PACKAGE, *(PACKAGE / room for room in ROOMS))
    for module in folder.glob("[a-z]*.py")
)
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
    and not {"_build", "__pycache__", ".hypothesis"} & set(path.parts)
)

# The patterns are put together here, so that this file does not match them.
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
    """Return a path relative to the repository's root."""
    return path.relative_to(ROOT).as_posix()


def test_each_module_has_a_test_module():
    """A module has a test module with the same name, in the same folder below tests."""
    test_modules = {
        module: ROOT / "tests" / module.parent.relative_to(PACKAGE) / f"test_{module.stem}.py"
        for module in MODULES
    }

    assert [] == [relative(module) for module, path in test_modules.items() if not path.is_file()]


def find_tests(module: Path) -> list[ast.FunctionDef]:
    """Return the test functions and the test methods of a module."""
    top_level = ast.parse(module.read_text(encoding="utf-8")).body
    classes = [node for node in top_level if isinstance(node, ast.ClassDef)]
    return [
        node
        for body in (top_level, *(test_class.body for test_class in classes))
        for node in body
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
    ]


def test_each_test_has_a_docstring():
    """Every test states the expected behaviour in a docstring."""
    tests = [(relative(module), test) for module in TEST_MODULES for test in find_tests(module)]

    assert len(tests) > 1000
    assert [] == [(module, test.name) for module, test in tests if not ast.get_docstring(test)]


def test_no_file_contains_banned_text():
    """No file contains a machine's path, a package registry's host, or a note of work to do."""
    banned = {relative(path): BANNED.findall(path.read_text(encoding="utf-8")) for path in TEXTS}

    assert {} == {path: texts for path, texts in banned.items() if texts}


def test_tox_tests_the_oldest_allowed_dependencies():
    """The versions that tox pins are the minimum versions that the package declares."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    tox = ConfigParser(interpolation=None)
    tox.read(ROOT / "tox.ini", encoding="utf-8")
    pinned = dict(pin.split("==") for pin in tox["testenv:oldest"]["deps"].split())
    minimum = dict(dependency.split(">=") for dependency in project["dependencies"])

    assert minimum == {name: version.removesuffix(".0") for name, version in pinned.items()}


def test_ci_runs_the_test_command_of_the_readme():
    """CI runs exactly the test command that README.md gives."""
    command = "python -m pip install tox && tox run"

    assert f"    {command}\n" in (ROOT / "README.md").read_text(encoding="utf-8")
    assert f"\n{command}\n" in (ROOT / ".ci" / "run").read_text(encoding="utf-8")


def test_install_lines_name_the_wheel_of_this_version():
    """A reader who copies an install line has a file of that name."""
    texts = [path.read_text(encoding="utf-8") for path in TEXTS]
    names = {
        name for text in texts for name in re.findall(r"channelplans-[0-9][^-\s]*-py\S+?whl", text)
    }

    assert {f"channelplans-{channelplans.__version__}-py3-none-any.whl"} == names


def test_tox_passes_the_variables_of_ci_to_the_tests():
    """CI names the server, a folder, a group to install and its requirements; tox passes all."""
    tox = ConfigParser(interpolation=None)
    tox.read(ROOT / "tox.ini", encoding="utf-8")
    exports = (ROOT / ".ci" / "run").read_text(encoding="utf-8").splitlines()

    required = "postgres,chromium,pyodide,java,engines,coverage"
    assert f"export CHANNELPLANS_POSTGRES CHANNELPLANS_REQUIRE={required}" in exports
    assert "export CHANNELPLANS_GROUP=spark" in exports
    assert 'export CHANNELPLANS_BROWSER_RUNTIME="$scratch/browser"' in exports
    assert "CHANNELPLANS_*" in tox["testenv"]["pass_env"].split()
    assert ["testenv"] == [name for name in tox.sections() if "pass_env" in tox[name]]


@pytest.mark.parametrize("path", [path for path in TEXTS if path.suffix == ".md"], ids=relative)
def test_each_relative_link_leads_to_a_file(path: Path):
    """A link from one of the repository's Markdown files to another file leads to a file."""
    links = re.findall(r"\]\(([^)\s]+)\)", path.read_text(encoding="utf-8"))
    relative_links = [link for link in links if not link.startswith("https://")]

    assert [] == [link for link in relative_links if not (path.parent / link).is_file()]


def test_the_first_example_of_the_readme_ends_with_an_error():
    """README.md's first example has at most twelve lines, and the last line shows an error."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    _, example, *_ = readme.split("```python\n")
    lines = example.split("```")[0].strip().splitlines()

    assert len(lines) <= 12
    assert lines[-1].startswith("channelplans.errors.")
