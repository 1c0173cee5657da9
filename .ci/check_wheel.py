"""Build what would be published, look through it, install it where nothing else is, use it."""

import subprocess
import sys
import tarfile
import tempfile
import zipfile
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
    "docs",
    "examples",
    "pyproject.toml",
    "src",
    "tests",
    "tox.ini",
}
# hatchling adds it, for the sake of tools that build from the source archive.
TOLERATED = {".gitignore"}


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
    """The wheel holds the package with its marker and valid metadata, and nothing else."""
    with zipfile.ZipFile(wheel) as opened:
        names = set(opened.namelist())
        metadata = next(name for name in names if name.endswith(".dist-info/METADATA"))
        described = Metadata.from_email(opened.read(metadata), validate=True)
    information = metadata.partition("/")[0]
    strays = {name for name in names if name.partition("/")[0] not in {"channelplans", information}}
    refuse(bool(strays), f"{wheel.name} holds strays: {sorted(strays)}")
    refuse("channelplans/py.typed" not in names, f"{wheel.name} lacks channelplans/py.typed")
    refuse(f"{information}/licenses/LICENSE" not in names, f"{wheel.name} lacks its licence")
    refuse(not described.description, f"{wheel.name} lacks its description")
    runtime = {need.name for need in described.requires_dist or [] if need.marker is None}
    refuse(
        runtime != {"attrs", "python-dateutil"}, f"{wheel.name} needs {sorted(runtime)} at run time"
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
        run(python, "-I", "-W", "error", "-c", "import channelplans", cwd=scratch)
        run(python, ROOT / "examples" / "tour.py", cwd=scratch)


if __name__ == "__main__":
    main()
