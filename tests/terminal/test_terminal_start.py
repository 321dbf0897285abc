"""Before the child is on its terminal nothing heavy is imported, and a collector that died is replaced."""

import json
import sys

from casts import cast
from codex_telemetry.formats.screen import Screen
from codex_telemetry.inputs.live import Lines, Meta, Pending, Sized
from codex_telemetry.sight import Sight
from on_screen import terminal

AT_THE_FIRST_FORK = """
import os, sys
bare = set(sys.modules)
def forked():
    os.write(1, repr(sorted(set(sys.modules) - bare)).replace("'", '"').encode() + b"\\n")
    os._exit(0)
os.fork = forked
sys.argv = ["codex-telemetry", "run", "--", "true"]
from codex_telemetry.main import main
main()
"""

LIGHT = {
    "_struct", "codex_telemetry", "codex_telemetry.frames", "codex_telemetry.main", "codex_telemetry.pump",
    "codex_telemetry.terminal", "codex_telemetry.terminal_leader", "enum", "errno", "fcntl", "operator", "_operator",
    "select", "signal", "struct", "termios", "types", "functools", "_functools", "collections", "_collections",
    "keyword", "reprlib", "itertools", "time", "_signal",
}  # fmt: skip
"""What `signal` needs (enum and what that stands on), and a terminal."""


def test_nothing_heavy_is_imported_before_the_child_is_on_its_terminal() -> None:
    with terminal([sys.executable, "-P", "-c", AT_THE_FIRST_FORK]) as at:
        assert at.leave() == 0
    loaded = json.loads(bytes(at.raw))
    assert set(loaded) - LIGHT == set()


def test_who_takes_the_place_of_a_collector_that_died_does_not_know_the_screen() -> None:
    for again, knows in (("", True), (',"again_ms":5', False)):
        sight = Sight()
        for heard in (Meta(True, 0, f'{{"launch":"l"{again}}}'.encode()), Sized(45, 110)):
            assert list(sight.take(heard)) == []
        assert sight._screen is not None
        assert sight._screen._heard_all is knows


def test_a_screen_is_told_from_its_frames() -> None:
    shown = cast("0.63.0-45x110")
    pending = Pending()
    pending.feed(shown.frames())
    sight, told = Sight(), list[object]()
    for heard in Lines().of(pending.all()):
        told += [fact for fact, _ in sight.take(heard)]
    assert len(told) == len(shown.facts())
    assert isinstance(sight._screen, Screen)
