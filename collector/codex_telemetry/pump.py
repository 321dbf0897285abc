"""Start the wrapped program, then the collector, before anything heavy is imported; then relay.

Up to the child's start only what the interpreter has loaded anyway and `struct` may be imported:
every further import is a delay the client feels. The rest comes with `relay`.
"""

import os
import sys
import time

from codex_telemetry.frames import START, frame, monotonic_ns

TYPE_CHECKING = False
if TYPE_CHECKING:
    import signal
else:
    # The half of `signal` that is loaded anyway. The other half makes its numbers enums, and to
    # import what it takes to do so takes half as long as the interpreter's start.
    import _signal as signal

# Python ignores these two when it starts; the child must find them as it would without us.
IGNORED_BY_PYTHON = (signal.SIGPIPE, signal.SIGXFSZ)
FORWARDED = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT)

NOT_FOUND = 127
NOT_RUNNABLE = 126


def run(command: list[str], options: list[str], collector: list[str] | None = None) -> int:
    """Run `command` behind the tap and return the exit code to leave with.

    Leave by `os._exit`: a thread may be sitting in read() on our stdin. `options` are the
    collector's; `collector` replaces its whole command line.
    """
    sits_there = _is_one_terminal(0, 1)
    _occupy_standard_descriptors()
    wake, mask = _listen_to_signals()
    if sits_there:
        from codex_telemetry import terminal  # noqa: PLC0415  only where there is one

        try:
            session = terminal.start(command, _environment(), mask, IGNORED_BY_PYTHON)
        except OSError as error:
            return _complain(command[0], error)
        if session is not None:
            collectors = _Collectors(command, session.child, collector, options)
            copies = collectors.first()

            from codex_telemetry import terminal_relay  # noqa: PLC0415  threads, poll: only now

            return terminal_relay.relay(session, copies, wake, collectors.another)
    child_stdin, to_child = os.pipe()
    from_child, child_stdout = os.pipe()
    try:
        child = os.posix_spawnp(
            command[0],
            command,
            _environment(),
            file_actions=[
                (os.POSIX_SPAWN_DUP2, child_stdin, 0),
                (os.POSIX_SPAWN_DUP2, child_stdout, 1),
            ],
            setpgroup=0,
            setsigmask=mask,
            setsigdef=IGNORED_BY_PYTHON,
        )
    except OSError as error:
        return _complain(command[0], error)
    os.close(child_stdin)
    os.close(child_stdout)

    collectors = _Collectors(command, child, collector, options)
    copies = collectors.first()

    from codex_telemetry.relay import relay  # noqa: PLC0415  threads, poll: only now

    return relay(child, to_child, from_child, copies, wake, collectors.another)


class _Collectors:
    """Starts one, where there is something to hear, and another in the place of one that died."""

    def __init__(
        self, command: list[str], child: int, collector: list[str] | None, options: list[str]
    ) -> None:
        from codex_telemetry import wrapped  # noqa: PLC0415  the child runs by now

        self._command, self._options = collector, options
        self._at = time.time_ns(), monotonic_ns()
        self.wanted = not wrapped.holds_no_session(command)
        launch = f"{self._at[0] // 1_000_000:x}-{os.urandom(4).hex()}"
        name = _json_string(os.path.basename(command[0]))
        codex = "false" if wrapped.codex_words(command) is None else "true"
        new = "true" if wrapped.begins_a_thread(command) else "false"
        self._start = (
            f'"launch":"{launch}","program":{name},"codex":{codex},"new_thread":{new},'
            f'"child_pid":{child}'
        )

    def first(self) -> int | None:
        """The pipe to it."""
        return self._begin("") if self.wanted else None

    def another(self) -> int | None:
        return self._begin(f',"again_ms":{time.time_ns() // 1_000_000}')

    def _begin(self, more: str) -> int | None:
        copies = _start_collector(self._command, self._options)
        if copies is not None:
            _announce(copies, frame(START, *self._at, f"{{{self._start}{more}}}".encode()))
        return copies


def _is_one_terminal(stdin: int, stdout: int) -> bool:
    """Whether both are, so that a person sits there. Where one of them isn't, pipes stay pipes."""
    try:
        return (
            os.isatty(stdin)
            and os.isatty(stdout)
            and os.fstat(stdin).st_rdev == os.fstat(stdout).st_rdev
        )
    except OSError:
        return False


def _occupy_standard_descriptors() -> None:
    """If we were started with 0, 1 or 2 closed, a pipe of ours must not become one of them.

    /dev/null there is end-of-file to read and no one to write to. It is closed on exec, so the child
    still finds its stderr as closed as we found ours.
    """
    while (fd := os.open("/dev/null", os.O_RDWR)) <= 2:
        pass
    os.close(fd)


def _listen_to_signals() -> tuple[tuple[int, int], set[int]]:
    """Have every signal we act on written to a pipe; also the mask we were started with.

    Before the child's start, so that none falls between. What we were started to ignore (nohup, a
    job in the background of a script) stays ignored, here and in the child.
    """
    wake = os.pipe()
    os.set_blocking(wake[1], False)
    signal.set_wakeup_fd(wake[1], warn_on_full_buffer=False)
    for number in (*FORWARDED, signal.SIGTSTP):
        if signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, _noted)
    # Unlike those, this one must arrive even if our parent ignored or blocked it: an ignored
    # SIGCHLD would lose the child's exit code, a blocked one would leave us waiting for ever.
    signal.signal(signal.SIGCHLD, _noted)
    mask = signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGCHLD])
    return wake, set(mask)


def _noted(number: int, frame: object) -> None:
    """The number is in the wake-up pipe already; `relay` acts on it."""


def _environment() -> dict[str, str]:
    """The environment as we were given it.

    In the C locale Python sets LC_CTYPE for itself and for all it starts (PEP 538). Only Linux shows
    what was there before; elsewhere that one variable stays.
    """
    given = dict(os.environ)
    if "LC_CTYPE" in given:
        try:
            with open("/proc/self/environ", "rb") as file:
                inherited = file.read()
        except OSError:
            return given
        if not any(entry.startswith(b"LC_CTYPE=") for entry in inherited.split(b"\0")):
            del given["LC_CTYPE"]
    return given


def _complain(program: str, error: OSError) -> int:
    name = program if program.isprintable() else ascii(program)
    try:  # noqa: SIM105  contextlib would be one more import
        os.write(2, os.fsencode(f"codex-telemetry: {name}: {error.strerror}\n"))
    except OSError:
        pass
    return NOT_FOUND if isinstance(error, FileNotFoundError) else NOT_RUNNABLE


def _start_collector(command: list[str] | None, options: list[str]) -> int | None:
    """Start the collector and return the pipe it reads copies from; None if it can't be started.

    Nothing in here may disturb the child, which is running already.
    """
    try:
        command = command or _collector_command(options)
        read_end, write_end = os.pipe()
        try:
            _spawn_collector(command, read_end)
        except BaseException:
            os.close(write_end)
            raise
        finally:
            os.close(read_end)
    except Exception:
        return None
    return write_end


def _collector_command(options: list[str]) -> list[str]:
    """This interpreter with this very package, whatever lies in the current folder.

    -P keeps `-m` from looking there first; only where the current folder is the one we were
    imported from does it have to.
    """
    root = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    try:
        here = os.path.samefile(root, os.curdir)
    except OSError:
        here = False
    safe = [] if here else ["-P"]
    # Behind a shim, that is: an editor's own PYTHONHOME, say, would break the collector alone.
    safe += ["-E"] if sys.flags.ignore_environment else []
    return [sys.executable, *safe, "-m", "codex_telemetry", "collect", *options]


def _spawn_collector(command: list[str], copies: int) -> None:
    """In a session of its own, so that neither Ctrl-C nor the terminal's end reaches it.

    It outlives us, so it may hold nothing a client waits on: not our output, not our stderr, and no
    further descriptor that we were given to pass on to the child.
    """
    actions: list[tuple[int, int] | tuple[int, int, int] | tuple[int, int, str, int, int]] = [
        (os.POSIX_SPAWN_DUP2, copies, 0),
        (os.POSIX_SPAWN_OPEN, 1, "/dev/null", os.O_WRONLY, 0),
        (os.POSIX_SPAWN_OPEN, 2, "/dev/null", os.O_WRONLY, 0),
    ]
    actions += [(os.POSIX_SPAWN_CLOSE, fd) for fd in _further_descriptors()]
    try:
        os.posix_spawn(
            command[0], command, os.environ,
            file_actions=actions, setsid=True, setsigmask=[], setsigdef=IGNORED_BY_PYTHON,
        )  # fmt: skip
    except NotImplementedError:  # an old libc or macOS: a group of its own is the next best
        os.posix_spawn(
            command[0], command, os.environ,
            file_actions=actions, setpgroup=0, setsigmask=[], setsigdef=IGNORED_BY_PYTHON,
        )  # fmt: skip


def _further_descriptors() -> list[int]:
    """What we were given beside stdin, stdout and stderr, and the child has inherited."""
    try:
        open_ones = [int(name) for name in os.listdir("/dev/fd")]
    except OSError:  # no such folder
        return []
    return [fd for fd in open_ones if fd > 2 and _survives_exec(fd)]


def _survives_exec(fd: int) -> bool:
    try:
        return os.get_inheritable(fd)
    except OSError:  # the listing's own, closed by now
        return False


def _announce(copies: int, start: bytes) -> None:
    """The first frame. The pipe is empty, so this can't wait."""
    try:  # noqa: SIM105  contextlib would be one more import
        os.write(copies, start)
    except OSError:
        pass


def _json_string(text: str) -> str:
    """Plain ASCII as it is, all else as \\u escapes of UTF-16; what is no text at all becomes `?`.

    By hand: json isn't loaded yet.
    """
    if text.isascii() and text.isprintable() and '"' not in text and "\\" not in text:
        return f'"{text}"'
    units = text.encode("utf-16-be", "replace").hex("-", 2).split("-")
    return '"' + "".join(f"\\u{unit}" for unit in units) + '"'
