"""The door of standard input: what is no message of the protocol is answered with its error.

The SDK drops such a line without a word, and who has sent it waits for an answer for ever. One line
is one message; several in one array are a batch, which the protocol has no more.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any, BinaryIO, Protocol

import anyio
from anyio import to_thread
from mcp import types
from mcp.shared.message import SessionMessage
from pydantic import ValidationError

__all__ = ["MOST_BYTES", "Door"]

#: Of one line: no question to a tool is nearly as long.
MOST_BYTES = 4 * 1024 * 1024


class _Outgoing(Protocol):
    async def send(self, item: SessionMessage, /) -> None: ...


class Door:
    """Lines of standard input of which each is a message.

    Parameters
    ----------
    lines
        Standard input.
    """

    def __init__(self, lines: BinaryIO) -> None:
        self._lines = lines
        self._outgoing: _Outgoing | None = None
        self._is_open = anyio.Event()

    def answer_by(self, outgoing: _Outgoing) -> None:
        """Say where errors go; nothing is read before."""
        self._outgoing = outgoing
        self._is_open.set()

    async def __aiter__(self) -> AsyncIterator[str]:
        await self._is_open.wait()
        while line := await self._line():
            if not line.endswith(b"\n") and len(line) == MOST_BYTES:
                await self._skip()
                await self._refuse(None, types.INVALID_REQUEST, f"longer than {MOST_BYTES} bytes")
            elif not line.strip():
                continue
            elif fault := fault_of(line):
                await self._refuse(*fault)
            else:
                yield line.decode()

    async def _line(self) -> bytes:
        return await to_thread.run_sync(self._lines.readline, MOST_BYTES)

    async def _skip(self) -> None:
        """Read to the end of a line that is too long."""
        while line := await self._line():
            if line.endswith(b"\n"):
                return

    async def _refuse(self, request_id: int | str | None, code: int, message: str) -> None:
        error = types.JSONRPCError(
            jsonrpc="2.0", id=request_id, error=types.ErrorData(code=code, message=message)
        )
        if self._outgoing is not None:
            await self._outgoing.send(SessionMessage(error))


def fault_of(line: bytes) -> tuple[int | str | None, int, str] | None:
    """Give what is wrong with a line: of which request, the protocol's code, and words.

    None of what was sent is repeated but the request's id.

    Returns
    -------
    tuple or None
        None where the SDK takes it for a message.
    """
    try:
        message = types.jsonrpc_message_adapter.validate_json(line, by_name=False)
    except ValidationError:
        message = None
    # A request whose id is none is taken for a notification, which nobody answers.
    if message and not (isinstance(message, types.JSONRPCNotification) and b'"id"' in line):
        return None
    try:
        told = json.loads(line)
    except (ValueError, RecursionError):
        return None, types.PARSE_ERROR, "Parse error: the line is no JSON that can be read"
    if message and "id" not in told:
        return None
    if isinstance(told, list):
        return None, types.INVALID_REQUEST, "Invalid Request: one message a line, and no batch"
    why = "Invalid Request: no message of JSON-RPC 2.0, or a text in it is no Unicode"
    return _id_of(told), types.INVALID_REQUEST, why


def _id_of(told: Any) -> int | str | None:
    """Give the id of a request, if it has one that can be written."""
    found = told.get("id") if isinstance(told, dict) else None
    if isinstance(found, bool) or not isinstance(found, int | str):
        return None
    try:
        str(found).encode()
    except ValueError:  # half of a character, or more digits than Python writes
        return None
    return found
