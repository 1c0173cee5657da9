#!/usr/bin/env bash
# A PostgreSQL for the tests, in a folder of its own and reached through a socket in it alone.
#
#     export CHANNELPLANS_POSTGRES="$(.ci/postgres.sh start FOLDER)"
#     .ci/postgres.sh stop FOLDER
#
# `start` makes the folder, which must be new or empty, and prints where the server is. It installs
# Debian's package where there is none. What is stored there does not survive a failure of the power.
set -euo pipefail

command="${1:-}" folder="${2:-}"
if [[ ! "$command" =~ ^(start|stop)$ || -z "$folder" ]]; then
    echo "usage: $0 start|stop FOLDER" >&2
    exit 2
fi

# PostgreSQL refuses root, and so the package's own user runs it then.
as_owner() {
    if ((EUID == 0)); then runuser -u postgres -- "$@"; else "$@"; fi
}

programs() {
    local found
    found="$(command -v initdb || ls -v /usr/lib/postgresql/*/bin/initdb 2>/dev/null | tail -1)"
    [[ "$found" ]] && dirname "$(readlink -f "$found")"
}

install_package() {
    local sudo=()
    ((EUID == 0)) || sudo=(sudo)
    "${sudo[@]}" apt-get update -qq
    "${sudo[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -qq -y postgresql
}

start() {
    programs >/dev/null || install_package >&2
    mkdir -p "$folder"
    folder="$(readlink -f "$folder")"
    if ((EUID == 0)); then chown postgres "$folder"; fi
    chmod 700 "$folder"
    cd "$folder"
    as_owner "$(programs)/initdb" -D "$folder/data" -U postgres -A trust -E UTF8 --locale=C -N >&2
    as_owner "$(programs)/pg_ctl" -D "$folder/data" -l "$folder/log" -w -s \
        -o "-c listen_addresses='' -c unix_socket_directories='$folder' -c fsync=off" start >&2
    echo "postgresql://postgres@/postgres?host=$folder"
}

stop() {
    cd "$folder"
    as_owner "$(programs)/pg_ctl" -D "$PWD/data" -m fast -w -s stop >&2
}

"$command"
