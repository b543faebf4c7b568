"""Free TCP ports on loopback."""

from __future__ import annotations

import random
import socket
import threading
from pathlib import Path

__all__ = ["free_port"]

_FIRST_PORT = 20000
_PORT_TRIES = 200

_given_ports: set[tuple[str, int]] = set()
_ports_lock = threading.Lock()


def free_port(host: str = "127.0.0.1") -> int:
    """Find a TCP port that is free now and that this process has not been given before.

    Ports of outgoing connections start at 32768 on Linux; the choice is made below them, so that no
    connection of a neighbour takes the port before its server has bound it.

    Parameters
    ----------
    host : str
        Loopback address to listen on.

    Raises
    ------
    OSError
        No port could be bound.
    """
    with _ports_lock:
        for _ in range(_PORT_TRIES):
            port = random.randrange(_FIRST_PORT, _first_ephemeral_port())  # noqa: S311 - no secret
            if (host, port) not in _given_ports and _can_bind(host, port):
                _given_ports.add((host, port))
                return port
        with socket.socket() as probe:
            probe.bind((host, 0))
            chosen: int = probe.getsockname()[1]
            return chosen


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
