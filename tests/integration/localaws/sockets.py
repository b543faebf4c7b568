"""Which addresses a process listens on, read from the kernel's own tables."""

from __future__ import annotations

import ipaddress
import struct
from pathlib import Path

_LISTEN = "0A"


def _sockets_of(pid: int) -> set[str]:
    inodes = set()
    for descriptor in Path(f"/proc/{pid}/fd").iterdir():
        try:
            target = str(descriptor.readlink())
        except FileNotFoundError:
            continue
        if target.startswith("socket:["):
            inodes.add(target.removeprefix("socket:[").removesuffix("]"))
    return inodes


def _address(text: str) -> str:
    # The kernel prints each 32-bit word in the machine's own byte order.
    words = [int(text[i : i + 8], 16) for i in range(0, len(text), 8)]
    return str(ipaddress.ip_address(b"".join(struct.pack("=I", word) for word in words)))


def _descendants(pid: int) -> list[int]:
    found = [pid]
    for task in Path(f"/proc/{pid}/task").iterdir():
        for child in (task / "children").read_text().split():
            found += _descendants(int(child))
    return found


def listening_addresses(pid: int) -> list[tuple[str, int]]:
    """Return ``(address, port)`` of every listening TCP socket of a process and its children."""
    inodes = {inode for process in _descendants(pid) for inode in _sockets_of(process)}
    found = []
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/{pid}/net/{table}").read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == _LISTEN and fields[9] in inodes:
                address, port = fields[1].rsplit(":", 1)
                found.append((_address(address), int(port, 16)))
    return found
