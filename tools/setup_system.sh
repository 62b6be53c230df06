#!/usr/bin/env bash
# Installs what the tests need from Debian: only what is missing, and only as root.
# `setup_system.sh run` asks for less: what `make setup` and `make run` need.
# Without root it names the missing packages and stops.
set -euo pipefail

purpose="${1:-test}"
missing=()

need() { # need PACKAGE TEST…: the package is missing unless the test passes
    local package="$1"
    shift
    "$@" >/dev/null 2>&1 || missing+=("$package")
}

is_command() { command -v "$1"; }
is_there() { compgen -G "$1"; }

need python3 is_command python3
need python3-venv python3 -c 'import ensurepip, venv'
need nodejs is_command node
need npm is_command npm
if [ "$purpose" = test ]; then
    need gcc is_command cc
    need python3-dev python3 -c 'import os, sysconfig; os.stat(os.path.join(sysconfig.get_path("include"), "Python.h"))'
    need chromium is_command chromium
    need redis-server is_command redis-server
    need espeak-ng is_command espeak-ng
    need sox is_command sox
    need coturn is_command turnserver
    need janus is_command janus
    need pocketsphinx-testdata is_there '/usr/share/pocketsphinx/test/data/*'
    need fonts-wqy-microhei is_there '/usr/share/fonts/truetype/wqy/*'
fi

if [ "${#missing[@]}" -gt 0 ]; then
    if [ "$(id -u)" -ne 0 ] || ! is_command apt-get >/dev/null; then
        echo "Missing for 'make $purpose': ${missing[*]}" >&2
        echo "As root, on Debian: apt-get update && apt-get install -y ${missing[*]}" >&2
        exit 1
    fi
    echo "Installing ${missing[*]}"
    export DEBIAN_FRONTEND=noninteractive
    if [ ! -e /usr/sbin/policy-rc.d ]; then # tests start their own servers; no daemon is wanted
        printf '#!/bin/sh\nexit 101\n' >/usr/sbin/policy-rc.d
        chmod +x /usr/sbin/policy-rc.d
        trap 'rm -f /usr/sbin/policy-rc.d' EXIT
    fi
    apt-get update -qq
    apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
fi

python3 - <<'PYTHON'
import sys

if sys.version_info < (3, 11):
    sys.exit(f"Python 3.11 or newer is needed; python3 is {sys.version.split()[0]}.")
PYTHON
node_major="$(node --version | sed 's/^v\([0-9]*\).*/\1/')"
if [ "$node_major" -lt 20 ]; then
    echo "Node 20 or newer is needed to build the pages; node is $(node --version)." >&2
    exit 1
fi
