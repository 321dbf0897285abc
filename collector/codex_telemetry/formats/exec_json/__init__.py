"""What `codex exec --json` says: events of one thread, one a line, without times or turn ids.

What its client says is the prompt and isn't looked at. Content is left to the thread's log: no event
says in which folder a turn runs.
"""

from codex_telemetry.formats.base import StreamFormat
from codex_telemetry.formats.exec_json import events, raw

STREAMS: tuple[StreamFormat, ...] = (events, raw)
"""Its forms: from 0.44 on, and before."""
