"""An MCP server whose one tool asks the person at the client, and ends when it has an answer."""

import json
import sys
from typing import Any

ASKED = "elicitation"
TOOL = {
    "name": "ask",
    "description": "ask the user",
    "inputSchema": {"type": "object", "properties": {"word": {"type": "string"}}},
    # What changes nothing needs no permission: the only wait is for the answer.
    "annotations": {"readOnlyHint": True, "destructiveHint": False, "openWorldHint": False},
}
QUESTION = {
    "message": "CANARY-OUT are you sure?",
    "requestedSchema": {
        "type": "object",
        "properties": {"confirmed": {"type": "boolean"}},
        "required": ["confirmed"],
    },
}
OFFERED = {"capabilities": {"tools": {}}, "serverInfo": {"name": "asking", "version": "1"}}
DONE = {"content": [{"type": "text", "text": "CANARY-OUT asked"}], "isError": False}


def main() -> None:
    call: Any = None
    for line in sys.stdin:
        message = json.loads(line)
        number, method = message.get("id"), message.get("method")
        if number == ASKED:
            say(id=call, result=DONE)
        elif method == "tools/call":
            call = number
            say(id=ASKED, method="elicitation/create", params=QUESTION)
        elif number is not None:
            version = message.get("params", {}).get("protocolVersion")
            results = {
                "initialize": {**OFFERED, "protocolVersion": version},
                "tools/list": {"tools": [TOOL]},
            }
            say(id=number, result=results.get(method, {}))


def say(**message: Any) -> None:
    sys.stdout.write(json.dumps({"jsonrpc": "2.0", **message}) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
