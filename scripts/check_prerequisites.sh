#!/bin/sh
# Name what this machine lacks, in one line with the command that installs it.
# Usage: check_prerequisites.sh [npm]     PYTHON: the interpreter to use (python3)
set -eu
python=${PYTHON:-python3}
missing='' packages=''

lack() { # what it is called, the package that brings it
    missing="${missing:+$missing, }$1"
    packages="$packages $2"
}

if ! command -v "$python" >/dev/null 2>&1; then
    lack "$python (3.11 or newer)" "python3 python3-venv"
elif ! "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
    lack "Python 3.11 or newer ($python is $("$python" -V 2>&1 | cut -d' ' -f2); PYTHON=… picks another)" \
        "python3 python3-venv"
# Debian has `venv` in the standard library and `ensurepip`, which it needs, in a package of its own.
elif ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
    lack "Python's venv" python3-venv
fi
for need in "$@"; do
    case $need in
        npm) command -v npm >/dev/null 2>&1 || lack npm npm ;;
        *) echo "check_prerequisites.sh: unknown prerequisite: $need" >&2; exit 2 ;;
    esac
done

[ -z "$missing" ] && exit 0
echo "missing: $missing. Install with: sudo apt-get install -y$packages" >&2
exit 1
