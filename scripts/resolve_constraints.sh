#!/bin/sh
# Resolve what the project and its tests need to the newest versions and write them to constraints.txt.
# Linters change their minds between releases: without this, a good checkout fails a year later.
set -eu
cd "$(dirname "$0")/.."
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
trap 'exit 130' INT TERM

cp constraints.txt "$scratch/before"
: >constraints.txt
if scripts/make_environment.sh "$scratch/venv" dev; then
    {
        echo "# What make demo, make test and the wheel's test install: written by make constraints."
        "$scratch/venv/bin/python" -m pip freeze --disable-pip-version-check --exclude-editable
    } >constraints.txt
else
    cp "$scratch/before" constraints.txt
    exit 1
fi
