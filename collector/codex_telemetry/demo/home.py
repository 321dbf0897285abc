"""A temporary home for a Codex: no account, no network, and nothing of it left afterwards."""

import contextlib
import json
import os
import shutil
import signal
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

import codex_telemetry

_KEPT = ("PATH", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "SYSTEMROOT")
_LEAVE = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")

_CONFIG = """\
{model}model_provider = "stub"
approval_policy = "on-request"
sandbox_mode = "danger-full-access"
model_reasoning_summary = "detailed"
check_for_update_on_startup = false

[model_providers.stub]
name = "stub"
base_url = {base_url}
wire_api = "responses"
env_key = "STUB_KEY"
requires_openai_auth = false
request_max_retries = 0
stream_max_retries = 2

[analytics]
enabled = false

# Each of these would look at the network, or at the shell of whoever is here.
[features]
plugins = false
remote_plugin = false
apps = false
shell_snapshot = false

[projects.{work}]
trust_level = "trusted"
"""


@dataclass(frozen=True, slots=True)
class Home:
    """Where everything of one run lives."""

    root: Path
    codex: Path
    """CODEX_HOME."""
    work: Path
    """The folder the thread works in."""
    database: Path
    env: dict[str, str]


@contextmanager
def temporary_home(origin: str, *, model: str | None = None, config: str = "") -> Iterator[Home]:
    """A home whose model is the stub at `origin`; removed at the end, however that comes.

    `config`: tables of TOML to add to Codex's own.
    """
    with _ended_by_signals():
        root = Path(tempfile.mkdtemp(prefix="codex-telemetry-demo-")).resolve()
        patience = 0.2  # After an error, a Ctrl-C: what is still being written is of no use.
        try:
            yield _furnish(root, origin, model, config)
            patience = 5.0
        finally:
            _ignore_signals()
            _remove(root, patience)


def _furnish(root: Path, origin: str, model: str | None, more: str) -> Home:
    # Codex won't put its own tools on the PATH when its home is inside the temp folder it sees.
    codex, work, user, temp = folders = [root / n for n in ("codex", "work", "user", "tmp")]
    for folder in folders:
        folder.mkdir(mode=0o700)
    config = _CONFIG.format(
        model=f"model = {json.dumps(model)}\n" if model else "",
        base_url=json.dumps(f"{origin}/v1"),
        work=json.dumps(str(work)),
    )
    (codex / "config.toml").write_text(config + more)
    env = {name: value for name, value in os.environ.items() if name in _KEPT}
    env |= {
        "HOME": str(user),
        "CODEX_HOME": str(codex),
        "CODEX_TELEMETRY_HOME": str(root / "telemetry"),
        "GIT_CONFIG_GLOBAL": os.devnull,
        "PYTHONPATH": _python_path(),
        "STUB_KEY": "not-a-key",
        "TERM": "dumb",
        "TMPDIR": str(temp),
        # Whatever some release still wants from the network asks the stub for it, which refuses:
        # nothing leaves this machine, and no lookup of a name waits for its time-out.
        **{name: origin for proxy in _PROXIES for name in (proxy, proxy.lower())},
        "NO_PROXY": "127.0.0.1,localhost",
        "no_proxy": "127.0.0.1,localhost",
    }
    return Home(root, codex, work, root / "telemetry" / "telemetry.db", env)


def _python_path() -> str:
    """So that a child finds this very package, also in a checkout that isn't installed."""
    source = str(Path(codex_telemetry.__file__).resolve().parents[1])
    # Never the site-packages: at the front they would come before the standard library.
    found = [] if source.endswith(("site-packages", "dist-packages")) else [source]
    return os.pathsep.join([*found, *filter(None, [os.environ.get("PYTHONPATH")])])


def _remove(root: Path, patience: float) -> None:
    """Once nobody lives there any more: who still writes would put things back."""
    _wait_until_left(root, patience)
    for pid in inhabitants(root):
        with contextlib.suppress(OSError):
            os.kill(pid, signal.SIGKILL)
    _wait_until_left(root, 5.0)
    shutil.rmtree(root, ignore_errors=True)
    if root.exists():
        shutil.rmtree(root)  # Once more, and say what's in the way.


def _wait_until_left(root: Path, seconds: float) -> None:
    end = time.monotonic() + seconds
    while inhabitants(root) and time.monotonic() < end:
        time.sleep(0.02)


def inhabitants(root: Path) -> list[int]:
    """Living processes that were started with this home, however far from us by now.

    The collector leaves our session and outlives the wrapper, so there is no one to wait for.
    Only Linux shows the environment of a process; elsewhere nobody is found.
    """
    mark = f"CODEX_TELEMETRY_HOME={root}/".encode()
    found = []
    for environ in Path("/proc").glob("[0-9]*/environ"):
        with contextlib.suppress(OSError):  # Another's, or gone meanwhile.
            if mark in environ.read_bytes():
                found.append(int(environ.parent.name))
    return found


@contextmanager
def _ended_by_signals() -> Iterator[None]:
    """Let a hang-up or a SIGTERM unwind as Ctrl-C does."""
    if threading.current_thread() is not threading.main_thread():
        yield  # Only the main thread may handle signals.
        return

    def leave(number: int, _: FrameType | None) -> None:
        raise SystemExit(128 + number)

    before = {number: signal.getsignal(number) for number in _LEAVE}
    for number in _LEAVE[1:]:
        signal.signal(number, leave)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _ignore_signals() -> None:
    """From here on it's only tidying up, and a second Ctrl-C must not leave half of it."""
    if threading.current_thread() is threading.main_thread():
        for number in _LEAVE:
            signal.signal(number, signal.SIG_IGN)
