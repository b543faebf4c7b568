"""The checkout service under real Gunicorn, on a loopback address of its own."""

from __future__ import annotations

import contextlib
import http.client
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from onemachine.processes.ports import free_port
from tests.support.waiting import PATIENCE_SECONDS, eventually

T = TypeVar("T")

APP = Path(__file__).parents[3] / "checkout_app"
ADDRESS = "127.0.0.83"


@dataclass
class Service:
    """One running service."""

    process: subprocess.Popen[bytes]
    port: int
    log: Path

    def get(self, path: str) -> tuple[int, str]:
        """Ask on a connection of its own."""
        connection = http.client.HTTPConnection(ADDRESS, self.port, timeout=PATIENCE_SECONDS)
        try:
            connection.request("GET", path)
            response = connection.getresponse()
            return response.status, response.read().decode()
        finally:
            connection.close()

    def answers(self) -> bool:
        """Whether a worker takes requests and says that it is well."""
        with contextlib.suppress(OSError):
            return self.get("/healthz")[0] == 200
        return False

    def metric(self, name: str, **labels: str) -> float:
        """Sum up a metric's series that have these labels."""
        total = 0.0
        for line in self.get("/metrics")[1].splitlines():
            match = re.fullmatch(rf"{name}(?:\{{(.*)\}})? (\S+)", line)
            if match and all(
                f'{key}="{value}"' in (match[1] or "") for key, value in labels.items()
            ):
                total += float(match[2])
        return total

    def workers(self) -> list[int]:
        """Process ids of the workers."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text()
        return [int(pid) for pid in children.split()]

    def terminate(self) -> None:
        """Send the master SIGTERM, as a kubelet does."""
        self.process.send_signal(signal.SIGTERM)


@contextmanager
def running(folder: Path, **environment: str) -> Iterator[Service]:
    """Run the service while the block lasts; nothing but ``environment`` reaches it."""
    port = free_port(ADDRESS)
    (folder / "tmp").mkdir(exist_ok=True)
    log = folder / "checkout.log"
    with log.open("ab") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "gunicorn", "--config", "gunicorn.conf.py"],
            cwd=APP,
            env={
                "PATH": os.environ["PATH"],
                "HOME": str(folder),
                "TMPDIR": str(folder / "tmp"),
                "POD_IP": ADDRESS,
                "PORT": str(port),
                "DRAIN_SECONDS": "0",
                **environment,
            },
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    service = Service(process, port, log)

    def healthy() -> bool:
        assert process.poll() is None, log.read_text()
        return service.answers()

    try:
        eventually("the service answers", healthy)
        yield service
    finally:
        if process.poll() is None:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
