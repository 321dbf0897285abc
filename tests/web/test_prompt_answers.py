"""An answer leaves when it is written."""

import asyncio
import contextlib
import socket

from codex_telemetry.web.server import listen


def test_a_body_does_not_wait_until_its_headers_have_arrived() -> None:
    async def answered() -> bool:
        asked: asyncio.Queue[asyncio.StreamWriter] = asyncio.Queue()
        at = listen(0)
        server = await asyncio.start_server(lambda _, writer: asked.put_nowait(writer), sock=at)
        async with server:
            with contextlib.closing(socket.create_connection(at.getsockname())):
                writer = await asked.get()
                line = writer.get_extra_info("socket")
                sends_at_once = line.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
                writer.close()
        return bool(sends_at_once)

    assert asyncio.run(answered())
