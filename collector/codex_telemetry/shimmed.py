"""What a shim starts: `run`; or the bare program, where `run` fails before it has started anything.

By its path, without `site` (-S) and without Python's variables (-I): what an editor sets for a Python
of its own can't break this one.
"""

import os
import sys

STARTS = ("os.posix_spawn", "os.fork", "os.forkpty", "os.exec")
"""What Python tells its audit hooks when a process is about to be started, by whomever of us."""


def main() -> None:
    """`[OPTION…] -- PROGRAM ARG…`, as the shim says it."""
    command = sys.argv[sys.argv.index("--") + 1 :]
    begun: list[str] = []
    sys.addaudithook(lambda event, _: begun.append(event) if event in STARTS else None)
    try:
        sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
        sys.argv[:] = ["codex-telemetry", "run", *sys.argv[1:]]
        from codex_telemetry.main import main as run

        run()
    except KeyboardInterrupt:
        _end_as_if_alone()
    except BaseException:
        # To start the program twice would be worse than not at all.
        if begun:
            raise
        _start(command)


def _end_as_if_alone() -> None:
    """Ctrl-C before anything was started."""
    import signal

    signal.signal(signal.SIGINT, signal.SIG_DFL)
    os.kill(os.getpid(), signal.SIGINT)


def _start(command: list[str]) -> None:
    """Become the program. What Python or the pump listened to is as before by itself, on exec."""
    import signal

    environment: dict[bytes, bytes] = dict(os.environb)
    try:
        # In the C locale Python sets LC_CTYPE for all it starts (PEP 538). This is as it was.
        with open("/proc/self/environ", "rb") as file:
            entries = file.read().split(b"\0")
        environment = {
            name: value for name, _, value in (e.partition(b"=") for e in entries) if name
        }
    except OSError:  # only Linux tells
        pass
    for number in (signal.SIGPIPE, signal.SIGXFSZ):  # Python ignores them
        signal.signal(number, signal.SIG_DFL)
    try:
        os.execve(command[0], command, environment)
    except OSError as error:
        sys.exit(f"codex-telemetry: {command[0]}: {error.strerror}")


if __name__ == "__main__":
    main()
