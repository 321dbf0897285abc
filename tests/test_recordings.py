"""The fixture of recordings: complete, free of Codex's own texts, and as long as what it was made of."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from placeholders import LONG, LONG_DATA, MARK, own_texts, without_codex_text
from recordings import Recordings, names, rows

VERSIONS = ("0.20.0", "0.42.0", "0.63.0", "0.98.0", "0.125.0", "0.155.0", "0.169.0")


def strings(value: Any, key: str = "") -> Iterator[tuple[str, str]]:
    """Every string in a message, with the key it stands under."""
    if isinstance(value, str):
        yield key, value
    elif isinstance(value, dict):
        for name, item in value.items():
            yield from strings(item, name)
    elif isinstance(value, list):
        for item in value:
            yield from strings(item, key)


def messages(file: Path) -> Iterator[Any]:
    for row in rows(file):
        if "line" not in row:
            yield row
        elif row["dir"] in {"c2s", "s2c"} and row["line"].startswith("{"):
            yield json.loads(row["line"])


def test_every_release_was_recorded() -> None:
    assert len(names()) == 170
    assert {name.split("/")[0] for name in names()} == set(VERSIONS)


def test_every_recording_has_a_stream_and_the_truth_beside_it(recordings: Recordings) -> None:
    for recording in recordings.like("*"):
        assert "s2c" in {frame.direction for frame in recording.frames()}, recording.name
        asked_nothing = recording.scenario.startswith("v_")
        assert bool(recording.truth()) != asked_nothing, recording.name


def test_frames_keep_the_order_of_the_monotonic_clock(recordings: Recordings) -> None:
    for name in ("0.169.0/a_plain", "0.63.0/b_shell"):
        stamps = [frame.mono_s for frame in recordings.one(name).frames()]
        assert stamps == sorted(stamps)
        assert len(stamps) > 20


def test_no_long_text_without_a_mark_is_left(recordings: Recordings) -> None:
    looked_at = 0
    for file in recordings.folder.rglob("*.jsonl"):
        for message in messages(file):
            for key, text in strings(message):
                looked_at += 1
                if len(text.encode()) >= LONG and key not in LONG_DATA:
                    assert MARK in text, f"{file}: {key}: {text[:60]}"
    assert looked_at > 100_000


@pytest.mark.parametrize("opening", ["You are Codex", "You are a coding agent", "A skill is a set"])
def test_no_instruction_of_codex_is_left(recordings: Recordings, opening: str) -> None:
    for file in recordings.folder.rglob("*.jsonl"):
        assert opening.encode() not in file.read_bytes(), file


def test_offsets_into_a_parents_rollout_still_meet_the_end_of_a_line(
    recordings: Recordings,
) -> None:
    """Codex wrote them before any text was replaced: a placeholder of another length shows."""
    met = 0
    for recording in recordings.like("0.155.0/*", "0.169.0/*"):
        for file in recording.rollouts():
            if file.suffix != ".jsonl":
                continue
            base = next(rows(file))["payload"].get("history_base")
            if base:
                parents = [p for p in recording.rollouts() if base["thread_id"] in p.name]
                ends = [p.read_bytes()[: base["end_byte_offset"]] for p in parents if p != file]
                assert any(end.endswith(b"\n") for end in ends), file
                met += 1
    assert met == 4


ID = "thread-7"


# A text that is the id itself would stand in two places of the line.
@given(st.text(min_size=1).filter(lambda text: text not in ID), st.booleans())
def test_a_placeholder_takes_exactly_the_bytes_of_what_it_replaces(
    text: str, escaped: bool
) -> None:
    line = json.dumps({"base_instructions": {"text": text}, "id": ID}, ensure_ascii=escaped)
    after = without_codex_text(line)
    assert len(after.encode()) == len(line.encode())
    assert json.loads(after)["id"] == ID


def test_context_that_codex_injects_is_still_told_from_a_prompt() -> None:
    injected = (
        "<environment_context>\n  <cwd>/home/canary</cwd>\n  secret ways\n</environment_context>"
    )
    said = "CANARY-PROMPT-1 please"
    parts = [{"type": "input_text", "text": text} for text in (injected, said)]
    line = json.dumps({"type": "message", "role": "user", "content": parts})

    context, prompt = (p["text"] for p in json.loads(without_codex_text(line))["content"])

    assert context.startswith("<environment_context>\n  <cwd>/home/canary</cwd>\n")
    assert context.endswith("\n</environment_context>")
    assert "secret" not in context
    assert prompt == said


def test_data_stays_as_it_is() -> None:
    line = '{"type":"turn_context","cwd":"/home/canary","model":"gpt-5.5","n":1.50}'
    assert without_codex_text(line) == line
    assert list(own_texts({"type": "function_call", "name": "exec", "arguments": "{}"})) == []


def test_making_it_twice_gives_the_same_bytes(tmp_path: Path, recordings: Recordings) -> None:
    made = []
    for again in ("one", "two"):
        copy = tmp_path / again
        copy.mkdir()
        for script in ("make_recordings.py", "placeholders.py"):
            source = Path(__file__).parents[1] / "fixtures" / script
            (copy / script).write_text(source.read_text())
        few = tmp_path / "source"
        if not few.exists():
            scenario = few / "0.169.0"
            scenario.mkdir(parents=True)
            (scenario / "a_plain").symlink_to(recordings.one("0.169.0/a_plain").path)
        subprocess.run([sys.executable, copy / "make_recordings.py", few], check=True)
        made.append((copy / "recordings.tar.xz").read_bytes())
    assert made[0] == made[1]
