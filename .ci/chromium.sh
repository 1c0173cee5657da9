#!/usr/bin/env bash
# Install Debian's Chromium and its driver where one of them is lacking. The test of the example
# service's confirm page drives them.
set -euo pipefail

if command -v chromium && command -v chromedriver; then exit; fi >/dev/null

sudo=()
((EUID == 0)) || sudo=(sudo)
"${sudo[@]}" apt-get update -qq
"${sudo[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends \
    chromium chromium-driver
