#!/bin/sh
# codex-telemetry shim: written by `codex-telemetry shim install`, removed by `shim uninstall`.
#
# It starts Codex under `codex-telemetry run`, which passes everything on and looks at a copy. Where
# codex-telemetry is broken or gone, it starts Codex alone. Name this file in an editor's setting for
# the Codex executable.

ct_python=@PYTHON@
ct_start=@START@
# The Codex to start and no other; empty: the first on the PATH.
ct_fixed=@FIXED@
# Where it was when this was written: an editor's PATH may be shorter than a shell's.
ct_known=@KNOWN@

# Whether it is a shim like this, or a script around one: to start that would go in circles.
ct_is_ours() {
    {
        IFS= read -r ct_line || return 1
        case $ct_line in
        '#!'*) ;;
        *) return 1 ;;
        esac
        ct_left=10
        while [ "$ct_left" -gt 0 ] && IFS= read -r ct_line; do
            case $ct_line in
            *codex-telemetry*) return 0 ;;
            esac
            ct_left=$((ct_left - 1))
        done
        return 1
    } 2>/dev/null <"$1"
}

ct_is_codex() {
    [ -f "$1" ] && [ -x "$1" ] && ! ct_is_ours "$1"
}

# Not in folders named relative to the current one: that is whatever project is open.
ct_search() {
    ct_rest=$PATH:
    while [ -n "$ct_rest" ]; do
        ct_codex=${ct_rest%%:*}/codex
        ct_rest=${ct_rest#*:}
        case $ct_codex in
        /*) ct_is_codex "$ct_codex" && return 0 ;;
        esac
    done
    return 1
}

ct_refuse() {
    printf '%s: %s\n' "${0##*/}" "$2" >&2
    exit "$1"
}

if [ -n "$ct_fixed" ] || ! ct_search; then
    ct_codex=${ct_fixed:-$ct_known}
    ct_next='codex-telemetry shim install --codex PATH names another'
    if ! ct_is_codex "$ct_codex"; then
        [ -f "$ct_codex" ] && ! ct_is_ours "$ct_codex" &&
            ct_refuse 126 "Codex can't be run: $ct_codex; $ct_next"
        ct_refuse 127 "there is no Codex${ct_codex:+ at $ct_codex}; $ct_next"
    fi
fi

# Whether the interpreter starts is tried first: once it has taken our place, nobody could help.
if [ -f "$ct_start" ] && [ -x "$ct_python" ] &&
    "$ct_python" -I -S -c '' </dev/null >/dev/null 2>&1; then
    exec "$ct_python" -I -S "$ct_start"@OPTIONS@ -- "$ct_codex" "$@"
fi
exec "$ct_codex" "$@"
