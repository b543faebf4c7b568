"""``srectl mcp`` as an assistant's program starts it, asked by the protocol's own client."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import anyio
from mcp import Client, StdioServerParameters
from mcp.client.stdio import stdio_client

from tests.support.template import ROOT

__all__ = ["Talk", "spoken_raw", "talk"]


@dataclass
class Talk:
    """What was said."""

    tools: list[Any] = field(default_factory=list)
    capabilities: Any = None
    instructions: str = ""
    answers: dict[str, Any] = field(default_factory=dict)


def spoken_raw(variables: Mapping[str, str], home: Path, lines: list[bytes]) -> list[Any]:
    """Begin a talk and say lines as they are; give the messages that come back, in their order."""
    begin = {
        "protocolVersion": "2025-06-18",
        "capabilities": {},
        "clientInfo": {"name": "raw", "version": "1"},
    }
    hello = [
        {"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": begin},
        {"jsonrpc": "2.0", "method": "notifications/initialized"},
    ]
    told = b"".join(each + b"\n" for each in [*(json.dumps(one).encode() for one in hello), *lines])
    server = subprocess.Popen(
        [sys.executable, "-m", "srectl.cli", "mcp"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=_environment(variables, home),
        cwd=ROOT,
    )
    with server:
        assert server.stdin is not None
        assert server.stdout is not None
        server.stdin.write(told)
        server.stdin.flush()
        # What is asked last is answered last but for tools, which take their time.
        answers: list[Any] = []
        while not any(each.get("id") == "last" for each in answers):
            line = server.stdout.readline()
            assert line, "the server has ended"
            answers.append(json.loads(line))
        server.stdin.close()
    return answers


def _environment(variables: Mapping[str, str], home: Path) -> dict[str, str]:
    return {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(ROOT),
        "HOME": str(home),
        **variables,
    }


def talk(
    variables: Mapping[str, str], errors: Path, asked: dict[str, tuple[str, dict[str, Any]]]
) -> Talk:
    """Start the server with variables that choose a deployment, and ask it.

    Parameters
    ----------
    errors
        Where its standard error goes; its folder is the home.
    asked
        A name of each question → tool and arguments.
    """
    told = Talk()
    server = StdioServerParameters(
        command=sys.executable,
        args=["-m", "srectl.cli", "mcp"],
        env=_environment(variables, errors.parent),
        cwd=ROOT,
    )

    async def run() -> None:
        with errors.open("w") as log:
            async with Client(stdio_client(server, errlog=log)) as client:
                told.tools = (await client.list_tools()).tools
                told.capabilities = client.server_capabilities
                told.instructions = client.instructions or ""
                for name, (tool, arguments) in asked.items():
                    told.answers[name] = await client.call_tool(tool, arguments)

    anyio.run(run)
    return told
