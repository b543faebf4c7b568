"""TCP ports for the servers of this machine's stacks, handed out so that no two get the same."""

from __future__ import annotations

import random
import socket
from pathlib import Path

from onemachine.processes.claims import claim

__all__ = ["free_port"]

_FIRST_PORT = 20000
_PORT_TRIES = 500
_claims: list[socket.socket] = []


def free_port(host: str = "127.0.0.1") -> int:
    """Give a TCP port that is free now and that no process was given before, as long as it lives.

    A server binds its port a while after it was chosen, often in another process. Until then the
    port is claimed by the process that asked, so that no stack and no test that runs at the same
    time is given it. Ports of outgoing connections start at 32768 on Linux; the choice is made
    below them, so that no connection of a neighbour takes the port meanwhile.

    Parameters
    ----------
    host : str
        Loopback address to listen on.

    Raises
    ------
    OSError
        No port could be had.
    """
    for _ in range(_PORT_TRIES):
        port = random.randrange(_FIRST_PORT, _first_ephemeral_port())  # noqa: S311 - no secret
        claimed = claim(f"port-{port}")
        if claimed is None:
            continue
        if _can_bind(host, port):
            _claims.append(claimed)
            return port
        claimed.close()
    raise OSError(
        f"no free port on {host} between {_FIRST_PORT} and {_first_ephemeral_port()} in "
        f"{_PORT_TRIES} tries: end what listens there, other stacks first"
    )


def _first_ephemeral_port() -> int:
    try:
        first = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text("ascii").split()[0])
    except OSError:
        first = 32768
    return max(first, _FIRST_PORT + _PORT_TRIES)


def _can_bind(host: str, port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True
