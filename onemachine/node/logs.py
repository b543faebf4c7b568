"""Container logs: one file per container, of bounded size."""

import threading
from pathlib import Path
from typing import IO

from onemachine.node.recent_lines import RecentLines, Run


class ContainerLog:
    """Copies a container's output to a file that never outgrows its limit.

    At the limit the file becomes ``<name>.log.1``, replacing the one before, so that between
    one and two limits of the newest output are kept.

    Parameters
    ----------
    path : Path
        The log file; it is appended to.
    max_bytes : int
        Size at which the file is turned over.
    """

    def __init__(self, path: Path, max_bytes: int) -> None:
        self._path = path
        self._max_bytes = max_bytes
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = path.open("ab", buffering=0)
        self._lock = threading.Lock()
        #: For who asks the kubelet.
        self.recent = RecentLines()

    def write(self, data: bytes, run: Run | None = None) -> None:
        """Append output of a run (the one that goes on), turning a file that is full over first."""
        self.recent.write(data, run)
        with self._lock:
            if self._file.closed:
                return
            if self._file.tell() + len(data) > self._max_bytes and self._file.tell() > 0:
                self._file.close()
                self._path.replace(self._path.with_name(self._path.name + ".1"))
                self._file = self._path.open("ab", buffering=0)
            self._file.write(data[-self._max_bytes :])

    def follow(self, stream: IO[bytes], name: str) -> threading.Thread:
        """Copy a run's pipe into the log until it closes, in a thread of its own."""
        # The next run may begin before the last output of this one is read.
        run = self.recent.newest()

        def copy() -> None:
            with stream:
                while data := stream.read1(65536):  # type: ignore[attr-defined]  # BufferedReader
                    self.write(data, run)

        thread = threading.Thread(target=copy, name=f"log {name}", daemon=True)
        thread.start()
        return thread

    def close(self) -> None:
        """Close the file; later output is dropped."""
        with self._lock:
            self._file.close()
