"""Loopback addresses for nodes and pods.

All of 127.0.0.0/8 is the loopback interface on Linux, so every pod can have an address of its
own and every pod can listen on the same port, as in a cluster. One stack takes one /16.
"""

import ipaddress
import socket
import threading
import zlib

from onemachine.node.errors import SettingsError
from onemachine.processes.claims import claim

_FIRST_STACK = 16  # 127.0 to 127.15 stay free for whatever else uses loopback
_LAST_STACK = 250
_chosen: dict[str, tuple[str, socket.socket]] = {}
_choosing = threading.Lock()
_NODE_SLOTS = 256  # the first /24 of a range belongs to the nodes


def parse_range(text: str) -> ipaddress.IPv4Network:
    """Parse and check the ``--pod-range`` flag.

    Parameters
    ----------
    text : str
        A network in CIDR notation, inside 127.0.0.0/8 and at least a /22.

    Raises
    ------
    SettingsError
        If it is no such network.
    """
    try:
        network = ipaddress.IPv4Network(text)
    except ValueError as error:
        raise SettingsError(f"pod range {text!r} is not a network: {error}") from error
    if not network.subnet_of(ipaddress.IPv4Network("127.0.0.0/8")) or network.prefixlen > 22:
        raise SettingsError(
            f"pod range {text} must lie in 127.0.0.0/8 and be a /22 or larger, e.g. 127.20.0.0/16"
        )
    return network


def lock_range(network: ipaddress.IPv4Network) -> socket.socket:
    """Claim a range, as the node agent that uses it, as long as the returned socket stays open.

    Raises
    ------
    SettingsError
        If another node agent on this machine holds the range.
    """
    holder = claim(f"node-agent-{network}")
    if holder is None:
        raise SettingsError(
            f"pod range {network} is in use by another node agent on this machine; "
            "give this stack another --pod-range"
        )
    return holder


def choose_pod_range(stack_name: str) -> str:
    """Find a /16 for a stack that no running node agent holds and no other process has chosen.

    It stays chosen until this process ends, so that another stack that starts at the same time
    chooses another one before this one's agent runs.

    Parameters
    ----------
    stack_name : str
        The same name gets the same range as long as it is free.

    Returns
    -------
    str
        A value for ``--pod-range``.

    Raises
    ------
    SettingsError
        If every range is taken.
    """
    count = _LAST_STACK - _FIRST_STACK + 1
    start = zlib.crc32(stack_name.encode()) % count
    for step in range(count):
        text = f"127.{_FIRST_STACK + (start + step) % count}.0.0/16"
        if _choose(text, stack_name):
            return text
    raise SettingsError("no free pod range left in 127.0.0.0/8: stop another stack first")


def _choose(text: str, stack_name: str) -> bool:
    with _choosing:
        chosen_before = _chosen.get(text)
        if chosen_before is not None and chosen_before[0] != stack_name:
            return False
        claimed = chosen_before[1] if chosen_before else claim(f"pod-range-{text}")
        if claimed is None:
            return False
        _chosen[text] = (stack_name, claimed)
        try:
            lock_range(parse_range(text)).close()
        except SettingsError:  # an agent outlived the process that chose for it
            return False
        return True


class AddressPool:
    """Hands out the addresses of one range.

    Parameters
    ----------
    network : ipaddress.IPv4Network
        The range; its first 256 addresses are for nodes.
    """

    def __init__(self, network: ipaddress.IPv4Network) -> None:
        self._base = int(network.network_address)
        self._size = network.num_addresses
        self._taken: set[int] = set()
        self._next = _NODE_SLOTS
        self._lock = threading.Lock()

    def node(self, index: int) -> str:
        """Return the address of the node with this index (0-based)."""
        return str(ipaddress.IPv4Address(self._base + 1 + index))

    def take(self) -> str:
        """Return an address no running pod has.

        Addresses go round the whole range before one is used again, so that a client holding
        a stale address meets a closed port and not somebody else's pod.
        """
        with self._lock:
            for _ in range(self._size - _NODE_SLOTS):
                offset = self._next
                self._next += 1
                if self._next >= self._size - 1:
                    self._next = _NODE_SLOTS
                # .0 and .255 read like network and broadcast addresses
                if offset % 256 in (0, 255) or offset in self._taken:
                    continue
                self._taken.add(offset)
                return str(ipaddress.IPv4Address(self._base + offset))
        raise SettingsError("the pod range has no free address left")

    def give_back(self, address: str) -> None:
        """Free the address of a pod that is gone."""
        with self._lock:
            self._taken.discard(int(ipaddress.IPv4Address(address)) - self._base)
