"""What belongs to the program: styles, scripts, the icon. Nothing of a session is in it.

It is answered from memory and by no thread of its own: a page isn't painted before its style is there, and
is asked for while a view is at work.
"""

from pathlib import PurePath

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from codex_telemetry.web.rendering import STATIC

TYPES = {
    ".css": "text/css",
    ".js": "text/javascript",
    ".svg": "image/svg+xml",
    ".txt": "text/plain",
}

FILES = {path.name: path.read_bytes() for path in STATIC.iterdir()}


async def answer(request: Request) -> Response:
    name = request.path_params["name"]
    if name not in FILES:
        raise HTTPException(404)
    return Response(FILES[name], media_type=TYPES[PurePath(name).suffix])
