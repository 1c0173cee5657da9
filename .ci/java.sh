#!/usr/bin/env bash
# Install Debian's Java where there is none. The tests of frames need it for PySpark.
set -euo pipefail

if command -v java; then exit; fi >/dev/null

sudo=()
((EUID == 0)) || sudo=(sudo)
"${sudo[@]}" apt-get update -qq
"${sudo[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends \
    default-jre-headless
