"""Whatever a line holds, it costs no more than itself: the turn around it is known as if it weren't."""

import json
from pathlib import Path

from codex_telemetry.frames import CLIENT, SERVER, frame
from collecting import Place, a_plain_turn, ended, finish, started
from recordings import Recordings
from saved import contents, query

HUGE = (1 << 63, 1 << 64, 10**30, -(10**30), 1e308, -1, 0.5)


def about(method: str, **told: object) -> bytes:
    params = {"threadId": "another-thread", "turnId": "another-turn", **told}
    return json.dumps({"method": method, "params": params}).encode()


def poison() -> list[bytes]:
    """Lines that no Codex ever sent."""
    lines = [
        b"",
        b"\0" * 100,
        b"\xff\xfe\x00{",
        b"null",
        b"[" * 100_000,
        b'{"method":' * 50_000,
        b'{"method":"turn/started","params":{"threadId":"\\ud800","turn":{"id":"\\ud800"}}}',
        b'{"method":"turn/started","params":{"threadId":"\xed\xa0\x80","turn":{"id":"x"}}}',
        b'{"method":"' + b"x" * 5_000_000 + b'"}',
        b'{"method":"\\u0000","params":{}}',
        b'{"id":99999999999999999999999999,"result":{"thread":{"id":"a"}}}',
    ]
    for number in HUGE:
        lines += [
            about(
                "item/completed",
                item={
                    "id": "i",
                    "type": "commandExecution",
                    "exitCode": number,
                    "durationMs": number,
                },
                completedAtMs=number,
            ),
            about("turn/completed", turn={"id": "another-turn", "durationMs": number}),
            about(
                "account/rateLimits/updated",
                rateLimits={"primary": {"usedPercent": number, "resetsAt": number}},
            ),
            about(
                "thread/tokenUsage/updated",
                tokenUsage={"total": {"totalTokens": number}, "last": {"totalTokens": number}},
            ),
        ]
    return lines


def framed(lines: list[bytes], ms: int) -> bytes:
    return b"".join(
        frame(kind, ms * 1_000_000, ms * 1_000_000, line + b"\n")
        for line in lines
        for kind in (SERVER, CLIENT)
    )


def test_poisoned_lines_cost_only_themselves(tmp_path: Path, recordings: Recordings) -> None:
    clean, poisoned = Place(tmp_path / "clean"), Place(tmp_path / "poisoned")
    for place in (clean, poisoned):
        place.folder.mkdir()
    story = a_plain_turn(recordings)
    finish(clean.collector(), started() + story.before + story.end + ended())
    noise = framed(poison(), 0)
    finish(
        poisoned.collector(), started() + noise + story.before + noise + story.end + noise + ended()
    )
    want, found = contents(clean.database), contents(poisoned.database)
    for table in ("turns", "items", "responses"):
        its = [row for row in found[table] if "another" not in repr(row)]
        assert its == want[table]
    (session,) = [row for row in found["sessions"] if row["session_id"] == story.thread]
    (clean_session,) = want["sessions"]
    assert session["total_tokens"] == clean_session["total_tokens"]
    assert poisoned.spooled == []
    assert query(poisoned.database, "SELECT count(*) FROM drift") > [(0,)]
