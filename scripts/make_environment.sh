#!/bin/sh
# Make the virtual environment and install the project into it, editable. Quick when nothing changed.
# Usage: make_environment.sh VENV runtime|dev     PYTHON: the interpreter to use (python3)
set -eu
cd "$(dirname "$0")/.."
venv=$1 level=$2
python=${PYTHON:-python3}

# Scripts in a virtual environment hold its absolute path, and a system upgrade takes the interpreter
# away from under it: the same place and the same Python, or a new one.
home="$PWD $venv $("$python" -c 'import sys; print(sys.version, sys.prefix)')"
if [ "$(cat "$venv/.home" 2>/dev/null || true)" != "$home" ]; then
    if [ -e "$venv" ] && [ ! -e "$venv/pyvenv.cfg" ]; then
        echo "$venv is in the way and is not a virtual environment: move it, or set VENV" >&2
        exit 1
    fi
    echo "making a virtual environment in $venv"
    "$python" -m venv --clear "$venv"
    printf '%s\n' "$home" >"$venv/.home"
fi

wanted=$(cat pyproject.toml constraints.txt | cksum)
done_at() { [ "$(cat "$venv/.installed-$1" 2>/dev/null || true)" = "$wanted" ]; }
if done_at "$level" || { [ "$level" = runtime ] && done_at dev; }; then exit 0; fi

set -- --editable .
if [ "$level" = dev ]; then
    # pip reads dependency groups from 25.1 on; Debian 12 has 23.0.
    "$venv/bin/python" - >"$venv/.dev-requirements.txt" <<'PY'
import pathlib, tomllib
print(*tomllib.loads(pathlib.Path("pyproject.toml").read_text())["dependency-groups"]["dev"], sep="\n")
PY
    set -- "$@" --requirement "$venv/.dev-requirements.txt"
fi
echo "installing the project and what it needs ($level)"
"$venv/bin/python" -m pip install -qq --disable-pip-version-check --constraint constraints.txt "$@"
printf '%s\n' "$wanted" >"$venv/.installed-$level"
