"""What only one process of this machine may have: claimed by name, freed by the kernel.

An abstract Unix socket is the claim. Whoever binds its name first has it, and the kernel frees it
when the process ends in whatever way; it leaves no file. Linux only.
"""

from __future__ import annotations

import socket

__all__ = ["claim"]


def claim(what: str) -> socket.socket | None:
    """Claim something for as long as the socket that is given stays open.

    Parameters
    ----------
    what : str
        Its name, the same in every process.

    Returns
    -------
    socket.socket or None
        None where this process or another one of this machine has it.
    """
    holder = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        holder.bind(f"\0srectl-{what}")
    except OSError:
        holder.close()
        return None
    return holder
