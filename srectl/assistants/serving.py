"""The server: over standard input and output, as an assistant's program starts it."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Callable
from importlib import metadata
from typing import Any, BinaryIO, cast

import anyio
from anyio import to_thread
from botocore.exceptions import BotoCoreError, ClientError
from mcp import types
from mcp.server.lowlevel.server import Server
from mcp.server.stdio import stdio_server

from srectl.assistants.door import Door
from srectl.assistants.given import NOTE, plain
from srectl.assistants.tools import TOOLS, Tool, answer
from srectl.errors import CommandFailed
from srectl.operate.account import Account
from srectl.operate.refusals import explained

__all__ = ["serve"]

_INSTRUCTIONS = (
    "Incidents, evidence, runbooks and plans of an event-driven SRE platform, to be read. " + NOTE
)
_READ_ONLY = types.ToolAnnotations(
    read_only_hint=True, destructive_hint=False, idempotent_hint=True, open_world_hint=False
)
_log = logging.getLogger(__name__)


class _Deployment:
    """Answers one question after the other, and begins anew after a failure.

    Credentials that have expired are kept by the clients of a session: whoever has logged in again
    is to be known without starting the assistant again.
    """

    def __init__(self, make: Callable[[], Account]) -> None:
        self._make = make
        self._account = make()

    def ask(self, name: str, arguments: dict[str, Any]) -> types.CallToolResult:
        try:
            try:
                found = answer(self._account, name, arguments)
            except (BotoCoreError, ClientError) as error:
                raise explained(f"{name} could not be read", error) from error
        except CommandFailed as error:
            self._account = self._make()
            return _refused(f"{plain(error.message)}\nTo do: {plain(error.hint) or 'ask again'}")
        except Exception as error:  # noqa: BLE001  # whatever a record holds, the next is answered
            _log.error("%s failed: %s", plain(name, 40), type(error).__name__)
            return _refused(
                f"srectl has a fault in {plain(name, 40)} ({type(error).__name__}).\n"
                "To do: ask a person to run the command of that name."
            )
        return types.CallToolResult(
            content=[types.TextContent(type="text", text=json.dumps(found))],
            structured_content=found,
        )


def _refused(text: str) -> types.CallToolResult:
    return types.CallToolResult(content=[types.TextContent(type="text", text=text)], is_error=True)


def _listed(tool: Tool) -> types.Tool:
    return types.Tool(
        name=tool.name,
        description=f"{tool.description} {NOTE}",
        input_schema=tool.schema,
        annotations=_READ_ONLY,
    )


def serve(make: Callable[[], Account]) -> None:
    """Answer until standard input ends.

    Parameters
    ----------
    make
        Gives the deployment; called again after a failure.
    """
    deployment = _Deployment(make)
    one_at_a_time = anyio.CapacityLimiter(1)

    async def list_tools(_context: Any, _params: Any) -> types.ListToolsResult:
        return types.ListToolsResult(tools=[_listed(tool) for tool in TOOLS.values()])

    async def call_tool(_context: Any, params: Any) -> types.CallToolResult:
        return await to_thread.run_sync(
            deployment.ask, params.name, params.arguments or {}, limiter=one_at_a_time
        )

    server: Server[Any] = Server(
        "srectl",
        version=metadata.version("srectl"),
        instructions=_INSTRUCTIONS,
        on_list_tools=list_tools,
        on_call_tool=call_tool,
    )

    async def run() -> None:
        door = Door(_standard_input())
        async with stdio_server(stdin=cast("anyio.AsyncFile[str]", door)) as (incoming, outgoing):
            door.answer_by(outgoing)
            await server.run(incoming, outgoing, server.create_initialization_options())

    anyio.run(run)


def _standard_input() -> BinaryIO:
    """Give what is said to the server, and nothing to a process that it starts."""
    said = os.fdopen(os.dup(0), "rb")
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    return said
