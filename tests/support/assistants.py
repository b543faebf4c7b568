"""``srectl mcp`` as an assistant's program starts it, asked by the protocol's own client."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import anyio
from mcp import Client, StdioServerParameters
from mcp.client.stdio import stdio_client

from tests.support.template import ROOT

__all__ = ["Talk", "talk"]


@dataclass
class Talk:
    """What was said."""

    tools: list[Any] = field(default_factory=list)
    capabilities: Any = None
    instructions: str = ""
    answers: dict[str, Any] = field(default_factory=dict)


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
        env={
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(ROOT),
            "HOME": str(errors.parent),
            **variables,
        },
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
