"""Whether a process of the monitoring serves yet."""

from __future__ import annotations

import http.client
from typing import ClassVar

from onemachine.processes.waiting import LogTail, wait_until

__all__ = ["HOST", "Monitor"]

HOST = "127.0.0.1"


class Monitor:
    """What the monitoring processes of the one-machine stack have in common.

    Attributes
    ----------
    name : str
        Name of the process, lower case.
    port : int
        Port on 127.0.0.1.
    ready_path : str
        What answers 200 once it serves.
    """

    name: ClassVar[str]
    port: int
    ready_path: ClassVar[str] = "/-/ready"

    def ready(self) -> bool:
        """Ask once whether it serves.

        Raises
        ------
        OSError, http.client.HTTPException
            Nobody answers, or not in HTTP.
        """
        connection = http.client.HTTPConnection(HOST, self.port, timeout=5)
        try:
            connection.request("GET", self.ready_path)
            return connection.getresponse().status == http.client.OK
        finally:
            connection.close()

    def wait_ready(self, process: LogTail | None = None, timeout_seconds: float = 90.0) -> None:
        """Wait until it serves.

        Raises
        ------
        StartFailed
            It ended, or time is up.
        """
        what = f"{self.name.capitalize()} to be ready"
        wait_until(self.ready, what, timeout_seconds, process)
