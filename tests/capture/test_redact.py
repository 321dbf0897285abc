"""Secrets are replaced by what kind they were, wherever in the content they stand."""

from pathlib import Path
from typing import Any

import msgspec
import pytest

from capture.granting import grant, kept, tell
from codex_telemetry.core.content_text import BORDER, MOST_READ, text_of
from codex_telemetry.core.gate import MOST_KEPT, Heard, Sealed
from codex_telemetry.core.redact import redacted
from codex_telemetry.core.secret_patterns import PATTERNS
from codex_telemetry.core.secret_tokens import Pattern

TABLE = [pytest.param(p, id=f"{n}-{p.name}") for n, p in enumerate(PATTERNS)]
KEY = "ghp_" + "a1B2" * 9
PRIVATE = (
    f"-----BEGIN {'PRIVATE'} KEY-----\n" + ("aB3d" * 16 + "\n") * 50 + "-----END PRIVATE KEY-----"
)


@pytest.mark.parametrize("pattern", TABLE)
def test_each_pattern_matches_what_stands_beside_it(pattern: Pattern) -> None:
    assert pattern.matches
    for example in pattern.matches:
        assert pattern.regex.search(example), example
        assert any(hint in example.lower() for hint in pattern.hints)
        told = redacted(example)
        assert told.redactions >= 1, example
        assert "[redacted: " in told.text


@pytest.mark.parametrize("pattern", TABLE)
def test_each_pattern_leaves_what_it_must(pattern: Pattern) -> None:
    for example in pattern.spares:
        assert not pattern.regex.search(example), example
        assert redacted(example) == (example, 0)


def test_a_text_without_secrets_is_as_it_was() -> None:
    text = (
        Path(__file__).read_text()[:1_000] + "\nto-do: 0a1b2c3d4e5f60718293a4b5c6d7e8f901234567 ok"
    )
    assert redacted(text).text == text


def shown(kind: str, *pieces: Any) -> str:
    return text_of(kind, list(pieces)).redacted


def test_the_rest_of_a_line_stays() -> None:
    assert redacted(f"use {KEY}, please") == ("use [redacted: github token], please", 1)
    assert redacted("postgres://me:hunter2@db/x").text == (
        "postgres://me:[redacted: password in a url]@db/x"
    )


@pytest.mark.parametrize(
    "pieces",
    [
        [KEY],
        [f"a\n{KEY}\nb"],
        [[{"type": "text", "text": KEY}]],
        [["bash", "-lc", f"export X={KEY}"]],
        [{"cmd": f"echo a\n{KEY}"}],
        [f'{{"cmd":"echo a\\n{KEY}\\n"}}'],
        [{"deep": [{"er": [f'{{"x":"\\n{KEY}"}}']}]}],
        [{KEY: 1}],
        [[{"path": "x", "diff": f"+{KEY}"}]],
        [{"content": [{"type": "text", "text": KEY}], "structuredContent": {"k": KEY}}],
    ],
    ids=repr,
)
@pytest.mark.parametrize("kind", ["prompt", "tool_args", "tool_output"])
def test_a_secret_is_found_in_whatever_shape_it_comes(kind: str, pieces: list[Any]) -> None:
    told = text_of(kind, pieces)
    assert KEY not in told.redacted
    assert "a1B2a1B2" not in told.redacted
    assert told.redactions >= 1


def test_the_name_of_a_field_says_that_it_is_a_secret() -> None:
    told = shown(
        "tool_args", {"password": "plain", "pin": {"api_key": "plain"}, "access_token": 12}
    )
    assert "plain" not in told
    assert "12" not in told
    assert (
        shown("tool_args", {"max_tokens": 4096, "key": "name"})
        == '{"max_tokens":4096,"key":"name"}'
    )


def test_a_words_of_a_command_belong_together() -> None:
    assert "hunter2" not in shown("tool_args", ["mysql", "--password", "hunter2"])


def test_a_picture_is_only_said_to_be_one() -> None:
    parts = [
        {"type": "text", "text": "look"},
        {"type": "image", "url": "data:image/png;base64,AAAA"},
        {"type": "mention", "name": "x"},
    ]
    assert shown("prompt", parts) == 'look\n[image]\n{"type":"mention","name":"x"}'


@pytest.mark.parametrize("secret", [KEY, PRIVATE], ids=["token", "private key"])
def test_no_half_of_a_secret_survives_a_cut(tmp_path: Path, secret: str) -> None:
    """Wherever the border falls in it: what is cut is what was redacted."""
    database = tmp_path / "t.db"
    grant(database, tmp_path)
    said = []
    for n, inside in enumerate(range(0, len(secret), max(1, len(secret) // 12))):
        text = "x " * ((MOST_KEPT - inside) // 2) + secret + " y" * 100
        said.append(told(tmp_path, text, f"i{n}"))
    for n, inside in enumerate(range(0, len(secret), max(1, len(secret) // 4))):
        text = "x " * ((MOST_READ - inside) // 2) + secret + " y" * 100
        said.append(told(tmp_path, text, f"j{n}"))
    tell(database, *said)
    texts = kept(database)
    assert len(texts) == len(said)
    for text in texts:
        assert len(text) <= MOST_KEPT
        assert secret[:24] not in text
        assert secret[-24:] not in text
        assert text.startswith("x x ")


@pytest.mark.parametrize("inside", range(1, len(KEY), 3))
def test_no_half_of_a_secret_survives_where_looking_ends(inside: int) -> None:
    """Redaction may make a text so short that what stood at its far end would be kept."""
    block = PRIVATE.replace("-----END", "aB3d" * 2_000 + "\n-----END") + "\n"
    blocks = "x " * 10_000 + block * ((MOST_READ - 40_000) // len(block))
    text = blocks + "y " * ((MOST_READ - inside - len(blocks)) // 2 - 1)
    text += " " * (MOST_READ - inside - len(text)) + KEY + " the end"
    cut = text_of("prompt", [text])
    assert 10_000 < len(cut.redacted) < MOST_KEPT
    assert "gh" not in cut.redacted
    assert "the end" not in cut.redacted
    assert cut.unread_bytes >= BORDER


def test_of_one_item_only_so_much_is_looked_at() -> None:
    """However many strings it is in: what isn't looked at is counted, and not kept."""
    told = text_of("tool_args", [{str(n): "word " * 20_000 + KEY for n in range(9)}])
    assert len(told.redacted) < MOST_READ + 1_000
    assert told.unread_bytes > 600_000
    assert "a1B2" not in told.redacted


def test_what_has_too_many_pieces_is_not_kept() -> None:
    with pytest.raises(ValueError, match="too many"):
        text_of("tool_args", [{str(n): "x" for n in range(20_001)}])


def told(folder: Path, text: str, item: str) -> Heard:
    from capture.granting import heard

    one = heard("", folder, item=item)
    content = Sealed(msgspec.json.encode(text))
    return Heard(one.session_id, one.turn_id, one.item_id, "prompt", one.at, one.cwd, content)
