#!/bin/sh
# Fetch releases of the real Codex from npm into CACHE/<version>. What is there already is left alone.
# Usage: fetch_codex.sh CACHE VERSION...     Exit code 1 if any could not be had; the rest are fetched.
set -eu
cache=$1
shift
mkdir -p "$cache"
cache=$(cd "$cache" && pwd)
failed=0
trap 'exit 130' INT TERM

fetch() {
    version=$1
    [ -x "$cache/$version/node_modules/.bin/codex" ] && return 0
    echo "fetching Codex $version from npm"
    # Into a folder of its own, then one rename: what has its final name is complete.
    partial="$cache/.partial-$version-$$"
    trap 'rm -rf "$partial"' EXIT
    mkdir -p "$partial"
    log="$cache/$version.log"
    if npm install "@openai/codex@$version" --prefix "$partial" --no-audit --no-fund --ignore-scripts \
        --no-save --no-package-lock --loglevel=error \
        --fetch-retries=1 --fetch-retry-mintimeout=1000 \
        >"$log" 2>&1 </dev/null &&
        # The native program is an optional dependency: npm calls it a success without one.
        "$partial/node_modules/.bin/codex" --version >>"$log" 2>&1 &&
        grep -qF "$version" "$log"; then
        rm -rf "${cache:?}/$version"
        mv "$partial" "$cache/$version"
        rm -f "$log"
    else
        echo "Codex $version could not be fetched from npm (see $log): $(grep -v '^ *$' "$log" | head -n 1)" >&2
        rm -rf "$partial"
        return 1
    fi
}

for version in "$@"; do
    fetch "$version" || failed=1
done
exit $failed
