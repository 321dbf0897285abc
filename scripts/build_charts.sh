#!/bin/sh
# Bundle what the dashboard needs of Apache ECharts into FILE, by the lockfile.
# Usage: build_charts.sh FILE [FOLDER]     FOLDER keeps what npm fetched (and axe-core, for the tests).
set -eu
file=$(cd "$(dirname "$1")" && pwd)/$(basename "$1")
cd "$(dirname "$0")/../collector/codex_telemetry/web/charts"
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
trap 'exit 130' INT TERM
folder=${2:-$scratch}
mkdir -p "$folder"
cp package.json package-lock.json charts.src.js "$folder"
cd "$folder"
npm ci --no-audit --no-fund --ignore-scripts --loglevel=error >/dev/null
npx --no-install esbuild charts.src.js --bundle --minify --format=iife --target=es2020 \
    --legal-comments=none --log-level=warning --outfile="$file"
