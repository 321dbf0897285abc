#!/bin/sh
# Chromium, which the tests look at the dashboard with: Debian's, where there is none and root asks.
set -eu
command -v chromium >/dev/null && exit 0
if [ "$(id -u)" != 0 ]; then
    echo "chromium is not installed, and only root can install it" >&2
    exit 1
fi
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq
apt-get install -y -qq --no-install-recommends chromium >/dev/null
