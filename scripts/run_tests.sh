#!/usr/bin/env bash
# All tests, or those that pytest's own options pick: PYTHON WORKERS [OPTION…]
# What measures time (`alone`) has the machine to itself; the rest is shared by some processes: by more
# where they mostly wait for the real Codex. The last line of each part says what had to be skipped.
set -u
python=$1 workers=$2
shift 2

part() {
    "$python" -m pytest "$@"
    code=$?
    # 5: the options picked no test of this part.
    [ $code = 5 ] && return
    ran=1
    [ $code = 0 ] || status=$code
}

status=0 ran=0
part -m "not codex and not alone" -n "$workers" --dist worksteal "$@"
part -m "codex and not alone" -n $((workers + 1)) --dist worksteal "$@"
part -m alone "$@"
[ $ran = 1 ] || exit 5
exit $status
