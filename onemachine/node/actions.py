"""What probes and lifecycle hooks do: an HTTP request, a TCP connection, a command."""

import contextlib
import http.client
import os
import signal
import socket
import ssl
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_MAX_OUTPUT = 1024


@dataclass(frozen=True)
class Surroundings:
    """What an action needs to know of its container.

    Attributes
    ----------
    address : str
        Address of the pod, the default host of requests.
    ports : Mapping[str, int]
        Named ports of the container.
    env : Mapping[str, str]
        Environment of the container.
    workdir : Path
        Working directory of the container.
    """

    address: str
    ports: Mapping[str, int]
    env: Mapping[str, str]
    workdir: Path


@dataclass(frozen=True)
class Outcome:
    """Whether an action worked, and why not."""

    success: bool
    message: str = ""


def perform(action: Mapping[str, Any], where: Surroundings, seconds: float) -> Outcome:
    """Carry out a probe's or hook's handler.

    Parameters
    ----------
    action : Mapping
        Object with one of ``httpGet``, ``tcpSocket`` and ``exec``.
    where : Surroundings
        The container.
    seconds : float
        Time limit.

    Returns
    -------
    Outcome
        Never raises for anything the container does; an unsupported handler fails.
    """
    if "httpGet" in action:
        return _http_get(action["httpGet"], where, seconds)
    if "tcpSocket" in action:
        return _tcp(action["tcpSocket"], where, seconds)
    if "exec" in action:
        return _command(action["exec"].get("command") or [], where, seconds)
    return Outcome(False, f"handler {sorted(action)} is not supported by this node agent")


def _port(value: int | str, where: Surroundings) -> int:
    if isinstance(value, int):
        return value
    if value in where.ports:
        return where.ports[value]
    return int(value)  # "8080"; anything else is a name the container does not have


def _http_get(spec: Mapping[str, Any], where: Surroundings, seconds: float) -> Outcome:
    host = spec.get("host") or where.address
    connection: http.client.HTTPConnection | None = None
    try:
        port = _port(spec["port"], where)
        if spec.get("scheme", "HTTP").upper() == "HTTPS":
            # a kubelet does not verify either: the certificate is not made for the pod's address
            context = ssl._create_unverified_context()  # noqa: S323 - the kubelet's own rule
            connection = http.client.HTTPSConnection(host, port, timeout=seconds, context=context)
        else:
            connection = http.client.HTTPConnection(host, port, timeout=seconds)
        headers = {"User-Agent": "kube-probe/srectl", "Accept": "*/*", "Connection": "close"}
        headers |= {item["name"]: item["value"] for item in spec.get("httpHeaders") or []}
        connection.request("GET", spec.get("path") or "/", headers=headers)
        status = connection.getresponse().status
    except (OSError, ValueError, http.client.HTTPException) as error:
        return Outcome(False, f"Get http://{host}:{spec['port']}{spec.get('path', '')}: {error}")
    finally:
        if connection is not None:
            connection.close()
    if 200 <= status < 400:
        return Outcome(True)
    return Outcome(False, f"HTTP probe failed with statuscode: {status}")


def _tcp(spec: Mapping[str, Any], where: Surroundings, seconds: float) -> Outcome:
    host = spec.get("host") or where.address
    try:
        socket.create_connection((host, _port(spec["port"], where)), timeout=seconds).close()
    except (OSError, ValueError) as error:
        return Outcome(False, f"dial tcp {host}:{spec['port']}: {error}")
    return Outcome(True)


def _command(argv: Sequence[str], where: Surroundings, seconds: float) -> Outcome:
    try:
        process = subprocess.Popen(
            list(argv),
            env=dict(where.env),
            cwd=where.workdir,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    except (OSError, ValueError, IndexError) as error:
        return Outcome(False, f"exec {list(argv)}: {error}")
    try:
        output, _ = process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        return Outcome(False, f"command {list(argv)} timed out after {seconds:g}s")
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        if process.stdout is not None:
            process.stdout.close()
    if process.returncode == 0:
        return Outcome(True)
    return Outcome(False, output[:_MAX_OUTPUT].decode(errors="replace").strip())
