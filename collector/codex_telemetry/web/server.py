"""Serve the pages on this machine until Ctrl-C."""

import socket
import sys

import uvicorn

from codex_telemetry.errors import UserError
from codex_telemetry.web.app import made
from codex_telemetry.web.guard import HOST, Doors
from codex_telemetry.web.source import Source

CLOSING_S = 2
"""How long a page that is being made is waited for at the end."""

AT_ONCE = 64
"""Connections."""

TURN_S = 0.0005
"""So long a view keeps the others waiting, which Python would let it do ten times as long: a page that was
begun asks for its styles while the rest of it is worked out."""


def listen(port: int) -> socket.socket:
    """Port 0: any that is free. Raises `UserError` where it is taken."""
    # asyncio lets go of Nagle's algorithm only where a socket says that it is TCP: else a body that
    # follows its headers waits 40 ms for the browser to acknowledge those.
    made = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        made.bind((HOST, port))
        # Whoever reads the address may come before the server runs: they wait.
        made.listen(AT_ONCE)
    except OSError as error:
        made.close()
        raise UserError(
            f"can't listen on {HOST}:{port}: {error.strerror}", hint="take another --port"
        ) from None
    return made


def serve(at: socket.socket, source: Source, doors: Doors) -> None:
    pages, changes = made(source, doors)
    server = uvicorn.Server(
        uvicorn.Config(
            pages,
            log_config=None,
            access_log=False,
            lifespan="off",
            server_header=False,
            proxy_headers=False,
            ws="none",
            limit_concurrency=AT_ONCE,
            timeout_graceful_shutdown=CLOSING_S,
        )
    )
    sys.setswitchinterval(TURN_S)
    changes.closing = lambda: server.should_exit
    server.run(sockets=[at])
