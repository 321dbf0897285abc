"""What the pump hands to the collector: stamped copies of the traffic, one frame after another.

A frame is a 24-byte header (kind, payload length, wall and monotonic time in ns) and a payload.
The pump imports this before anything heavy, so only `struct` and `time` may be used here.
"""

import struct
import time

HEADER = struct.Struct("<BxxxIqq")

CLIENT = 1
"""Bytes on their way from the client to Codex."""
SERVER = 2
"""Bytes on their way from Codex to the client."""
GAP_CLIENT = 3
GAP_SERVER = 4
"""Copies of that direction were dropped here; the payload is their number of bytes (`COUNT`)."""
START = 5
"""First frame: JSON `{"launch", "program", "codex", "new_thread", "child_pid"}`: whether a Codex was named,
and whether it can't go on with a thread. Never the arguments: they may hold a prompt.

Once more, with the same stamps and `"again_ms"` (Unix time), for a collector that takes the place of one
that died: what was heard from when that died to then is lost."""
END = 6
"""Last frame, once the child is gone: JSON `{"exit_code"}`."""
SCREEN = 7
"""Bytes on their way to the terminal that the child and a person share."""
SIZE = 8
"""How large that terminal is from here on: `WINDOW`."""
GAP_SCREEN = 9
"""As the other gaps, of what reached the terminal."""

COUNT = struct.Struct("<Q")
WINDOW = struct.Struct("<HH")
"""Rows, columns."""

# Linux's CLOCK_MONOTONIC stands still while the machine sleeps; macOS's doesn't.
_CLOCK = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


def monotonic_ns() -> int:
    """The machine's monotonic clock (ns), which runs on while it sleeps and which nobody can set."""
    return time.clock_gettime_ns(_CLOCK)


def frame(kind: int, wall_ns: int, mono_ns: int, payload: bytes) -> bytes:
    """One frame, ready to be written. `wall_ns`: Unix time; `mono_ns`: that of `monotonic_ns()`."""
    return HEADER.pack(kind, len(payload), wall_ns, mono_ns) + payload
