"""Build what would be published, look through it, install it where nothing else is, use it."""

import subprocess
import sys
import tarfile
import tempfile
import zipfile
from configparser import ConfigParser
from pathlib import Path

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
# hatchling adds it, for the sake of tools that build from the source archive.
TOLERATED = {".gitignore"}
# What `channelplans[testing]` brings; nothing else of the package needs it.
EXTRA = {"hypothesis", "pytest"}
PLAIN = f"""
from importlib.util import find_spec
import channelplans
import channelplans.testing.builders

for name in {sorted(EXTRA)}:
    assert find_spec(name) is None, name
"""
# Only Hypothesis is imported, whose hook makes the package's types known to it.
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
    """Stop with a sentence where a condition holds."""
    if condition:
        sys.exit(f"check_wheel: {sentence}")


def check_source_archive(archive: Path) -> None:
    """The source archive holds what is listed, and nothing that lay around."""
    with tarfile.open(archive) as opened:
        tops = {Path(name).parts[1] for name in opened.getnames() if len(Path(name).parts) > 1}
    refuse(
        tops - TOLERATED != PUBLISHED,
        f"{archive.name} differs from the list by {sorted((tops - TOLERATED) ^ PUBLISHED)}",
    )


def check_wheel(wheel: Path) -> None:
    """The wheel holds the package, all of it, with valid metadata, and nothing else."""
    with zipfile.ZipFile(wheel) as opened:
        names = set(opened.namelist())
        metadata = next(name for name in names if name.endswith(".dist-info/METADATA"))
        described = Metadata.from_email(opened.read(metadata), validate=True)
        information = metadata.partition("/")[0]
        entry_points = ConfigParser()
        entry_points.read_string(opened.read(f"{information}/entry_points.txt").decode())
    strays = {name for name in names if name.partition("/")[0] not in {"channelplans", information}}
    refuse(bool(strays), f"{wheel.name} holds strays: {sorted(strays)}")
    sources = {
        path.relative_to(ROOT / "src").as_posix()
        for pattern in ("*.py", "py.typed")
        for path in (ROOT / "src" / "channelplans").rglob(pattern)
    }
    held = {name for name in names if name.startswith("channelplans/")}
    refuse(held != sources, f"{wheel.name} differs from the sources by {sorted(held ^ sources)}")
    refuse(f"{information}/licenses/LICENSE" not in names, f"{wheel.name} lacks its licence")
    refuse(not described.description, f"{wheel.name} lacks its description")
    runtime = {need.name for need in described.requires_dist or [] if need.marker is None}
    refuse(
        runtime != {"attrs", "python-dateutil"}, f"{wheel.name} needs {sorted(runtime)} at run time"
    )
    extra = {
        need.name
        for need in described.requires_dist or []
        if need.marker is not None and need.marker.evaluate({"extra": "testing"})
    }
    refuse(extra != EXTRA, f"{wheel.name} needs {sorted(extra)} for its extra")
    hooks = dict(entry_points["hypothesis"]) if "hypothesis" in entry_points else {}
    refuse(
        hooks != {"channelplans": "channelplans._hypothesis:register"},
        f"{wheel.name} declares {hooks} to Hypothesis",
    )


def main() -> None:
    """Go the way from the sources to a user's machine."""
    with tempfile.TemporaryDirectory() as name:
        scratch = Path(name)
        run(sys.executable, "-m", "build", "--outdir", scratch, ROOT, cwd=scratch)
        (archive,) = scratch.glob("*.tar.gz")
        (wheel,) = scratch.glob("*.whl")
        check_source_archive(archive)
        check_wheel(wheel)
        # virtualenv, since some systems ship Python without what venv needs for pip.
        run(sys.executable, "-m", "virtualenv", "--quiet", "user", cwd=scratch)
        python = scratch / "user" / ("Scripts" if sys.platform == "win32" else "bin") / "python"
        run(python, "-m", "pip", "install", "--quiet", wheel, cwd=scratch)
        run(python, "-I", "-W", "error", "-c", PLAIN, cwd=scratch)
        run(python, ROOT / "examples" / "tour.py", cwd=scratch)
        run(python, "-m", "pip", "install", "--quiet", f"{wheel}[testing]", cwd=scratch)
        run(python, "-I", "-W", "error", "-c", WITH_EXTRA, cwd=scratch)


if __name__ == "__main__":
    main()
