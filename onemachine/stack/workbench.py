"""What the stages of a plan work with: the stack's folder, its processes and its state file."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from onemachine.stack.children import Children
from onemachine.stack.stages import Stage
from onemachine.stack.state import ProcessRecord, StackFolder, StackState

__all__ = ["Plan", "Workbench"]


@dataclass
class Workbench:
    """What the stages of a plan work with.

    Parameters
    ----------
    folder : StackFolder
        The stack's folder.
    children : Children
        Starts processes.
    state : StackState
        Endpoints and settings are entered here as they become known.
    """

    folder: StackFolder
    children: Children
    state: StackState
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False)

    def publish(
        self, endpoints: Mapping[str, str] | None = None, settings: Mapping[str, str] | None = None
    ) -> None:
        """Enter endpoints and settings into the state file."""
        with self._lock:
            self.state.endpoints.update(endpoints or {})
            self.state.settings.update(settings or {})
        self.save()

    def save(self) -> None:
        """Write the state file, with the processes as they are now."""
        with self._lock:
            for name, process in self.children.services().items():
                if process.identity is None:
                    continue
                self.state.processes[name] = ProcessRecord(
                    process.identity.pid,
                    process.identity.start_time,
                    str(process.log_path),
                    process.exit_code if self.state.phase != "stopping" else None,
                )
            self.state.write(self.folder)


Plan = Callable[[Workbench], Sequence[Stage]]
"""Gives the stages that bring a stack up."""
