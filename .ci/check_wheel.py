"""Build the published archives, inspect them, install each into an empty environment, use it."""

import re
import subprocess
import sys
import tarfile
import tempfile
import tomllib
import zipfile
from configparser import ConfigParser
from pathlib import Path

from build.util import project_wheel_metadata
from packaging.metadata import Metadata

ROOT = Path(__file__).resolve().parents[1]
PUBLISHED = {
    ".ci",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "LICENSE",
    "PKG-INFO",
    "README.md",
    "benchmarks",
    "docs",
    "examples",
    "pyproject.toml",
    "src",
    "tests",
    "tox.ini",
}
# hatchling adds this file for tools that build from the source archive.
TOLERATED = {".gitignore"}
# The start of a relative link as the setting in pyproject.toml writes it, and what it says unset.
SETTING = "](unset:"
TEST_ADDRESS = "https://example.org/channelplans/files/"
LINK = re.compile(r"\]\(([^)\s]+)\)")
HOOK = "_channelplans_hypothesis.py"
# The dependencies of each extra, such as `channelplans[testing]`; the rest of the package does not
# need them.
EXTRAS = {"charts": {"matplotlib"}, "frames": {"narwhals"}, "testing": {"hypothesis", "pytest"}}
PLAIN = f"""
from importlib import import_module
from importlib.util import find_spec
import channelplans
import channelplans.explore
import channelplans.testing.builders

for name in {sorted(set().union(*EXTRAS.values()))}:
    assert find_spec(name) is None, name
for module, extra in [("channelplans.explore.charts", "charts"), ("channelplans.frames", "frames")]:
    try:
        import_module(module)
    except ImportError as error:
        assert f"channelplans[{{extra}}]" in str(error), error
    else:
        raise AssertionError(f"{{module}} needs {{extra}}")
"""
# Importing Hypothesis is enough: its entry point registers the strategies of the package.
WITH_EXTRA = """
from hypothesis import given, settings, strategies
from channelplans import Plan

@settings(deadline=None)
@given(strategies.from_type(Plan))
def check(plan):
    assert plan == plan.offer.plan(channels=plan.channels, bundles=plan.bundles)

check()

import channelplans.testing.stores
"""


def run(*command: str | Path, cwd: Path) -> None:
    """Run a command and stop at its failure."""
    print("+", *command, flush=True)
    subprocess.run([str(part) for part in command], cwd=cwd, check=True)


def refuse(condition: bool, sentence: str) -> None:
    """Stop with a sentence if a condition is true."""
    if condition:
        sys.exit(f"check_wheel: {sentence}")


def check_source_archive(archive: Path) -> None:
    """Check that the source archive has exactly the listed files and folders."""
    with tarfile.open(archive) as opened:
        tops = {Path(name).parts[1] for name in opened.getnames() if len(Path(name).parts) > 1}
    refuse(
        tops - TOLERATED != PUBLISHED,
        f"{archive.name} differs from the list by {sorted((tops - TOLERATED) ^ PUBLISHED)}",
    )


def read_setting() -> str:
    """Return how the build writes the start of a relative link, from pyproject.toml."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    hook = settings["tool"]["hatch"]["metadata"]["hooks"]["fancy-pypi-readme"]
    return hook["substitutions"][0]["replacement"]


def check_links(description: str, setting: str) -> None:
    """Check that the description has the links of README.md, absolute, or none while unset."""
    readme = LINK.findall((ROOT / "README.md").read_text(encoding="utf-8"))
    address = setting.removeprefix("](")
    expected = [
        link if link.startswith("https://") else address + link
        for link in readme
        if link.startswith("https://") or setting != SETTING
    ]
    links = LINK.findall(description)
    refuse(
        [link.removesuffix("?raw=true") for link in links] != expected,
        f"the description has the links {links}, not {expected}",
    )
    pictures = [link for link in links if ".svg" in link and not link.endswith("?raw=true")]
    refuse(bool(pictures), f"the description links to the pages of the pictures {pictures}")


def check_address(archive: Path, folder: Path) -> None:
    """Check the description that a build would have with an address for the relative links."""
    with tarfile.open(archive) as opened:
        opened.extractall(folder, filter="data")
    (project,) = folder.iterdir()
    # hatchling would take the description from this file.
    (project / "PKG-INFO").unlink()
    settings = project / "pyproject.toml"
    text = settings.read_text(encoding="utf-8")
    setting = f"]({TEST_ADDRESS}"
    changed = text.replace(f"replacement = '{read_setting()}'", f"replacement = '{setting}'")
    refuse(changed == text, "pyproject.toml writes the setting for relative links in another way")
    settings.write_text(changed, encoding="utf-8")
    metadata = project_wheel_metadata(project, isolated=False)
    check_links(metadata["Description"], setting)


def check_wheel(wheel: Path) -> None:
    """Check that the wheel has every source file, valid metadata, and nothing else."""
    with zipfile.ZipFile(wheel) as opened:
        names = set(opened.namelist())
        metadata = next(name for name in names if name.endswith(".dist-info/METADATA"))
        described = Metadata.from_email(opened.read(metadata), validate=True)
        information = metadata.partition("/")[0]
        entry_points = ConfigParser()
        entry_points.read_string(opened.read(f"{information}/entry_points.txt").decode())
    sources = {
        path.relative_to(ROOT / "src").as_posix()
        for pattern in ("*.py", "py.typed")
        for path in (ROOT / "src").rglob(pattern)
    }
    modules = {name for name in names if not name.startswith(f"{information}/")}
    difference = sorted(modules ^ sources)
    refuse(bool(difference), f"{wheel.name} differs from the sources by {difference}")
    refuse(HOOK not in modules, f"{wheel.name} lacks the hook for Hypothesis")
    refuse(f"{information}/licenses/LICENSE" not in names, f"{wheel.name} lacks its licence")
    refuse(not described.description, f"{wheel.name} lacks its description")
    check_links(described.description or "", read_setting())
    runtime = {need.name for need in described.requires_dist or [] if need.marker is None}
    refuse(
        runtime != {"attrs", "python-dateutil"}, f"{wheel.name} needs {sorted(runtime)} at run time"
    )
    extras = {
        extra: {
            need.name
            for need in described.requires_dist or []
            if need.marker is not None and need.marker.evaluate({"extra": extra})
        }
        for extra in described.provides_extra or []
    }
    refuse(extras != EXTRAS, f"{wheel.name} needs {extras} for its extras")
    hooks = dict(entry_points["hypothesis"]) if "hypothesis" in entry_points else {}
    refuse(
        hooks != {"channelplans": "_channelplans_hypothesis:register"},
        f"{wheel.name} declares {hooks} to Hypothesis",
    )


def main() -> None:
    """Build, check, install and use the archives, as a user's machine would."""
    with tempfile.TemporaryDirectory() as name:
        scratch = Path(name)
        # tox builds with what pyproject.toml asks for; here the same is installed already.
        build = (sys.executable, "-m", "build", "--no-isolation", "--outdir", scratch, ROOT)
        run(*build, cwd=scratch)
        (archive,) = scratch.glob("*.tar.gz")
        (wheel,) = scratch.glob("*.whl")
        check_source_archive(archive)
        check_wheel(wheel)
        check_address(archive, scratch / "source")
        # virtualenv, because some systems ship Python without ensurepip.
        run(sys.executable, "-m", "virtualenv", "--quiet", "user", cwd=scratch)
        python = scratch / "user" / ("Scripts" if sys.platform == "win32" else "bin") / "python"
        run(python, "-m", "pip", "install", "--quiet", wheel, cwd=scratch)
        run(python, "-I", "-W", "error", "-c", PLAIN, cwd=scratch)
        run(python, ROOT / "examples" / "tour.py", cwd=scratch)
        run(python, "-m", "pip", "install", "--quiet", f"{wheel}[testing]", cwd=scratch)
        run(python, "-I", "-W", "error", "-c", WITH_EXTRA, cwd=scratch)


if __name__ == "__main__":
    main()
