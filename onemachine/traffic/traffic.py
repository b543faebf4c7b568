"""The traffic generator as a process of the stack."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from onemachine.processes.errors import StartFailed
from onemachine.processes.waiting import LogTail, wait_until
from onemachine.project import PROJECT_ROOT
from onemachine.traffic.tally import OUTCOMES

__all__ = ["DEMO_ORDERS_PER_SECOND", "FEW_ORDERS_PER_SECOND", "ORDERS_PER_SECOND", "Traffic"]

#: A shop on an ordinary day.
ORDERS_PER_SECOND = 20.0
#: Enough that a rate of errors is known within seconds.
DEMO_ORDERS_PER_SECOND = 10.0
#: Enough where nobody looks at a rate of errors: an order costs the machine some 15 ms.
FEW_ORDERS_PER_SECOND = 2.0


@dataclass(frozen=True)
class Traffic:
    """One generator.

    Parameters
    ----------
    kubeconfig : Path
        Whom to ask for the pods of the Service; needs to get services and list pods.
    output : Path
        File that a line is appended to each second.
    requests_per_second : float
        How many orders are sent, whatever becomes of them.
    namespace, service : str
        Whose pods get them.
    """

    kubeconfig: Path
    output: Path
    requests_per_second: float = ORDERS_PER_SECOND
    namespace: str = "apps"
    service: str = "checkout"

    name = "traffic"

    def prepare(self) -> None:
        """Make the folder of the output; starts nothing."""
        self.output.parent.mkdir(parents=True, exist_ok=True)

    def command(self) -> tuple[str, ...]:
        """Give the command line."""
        return (
            sys.executable,
            "-m",
            "onemachine.traffic",
            f"--kubeconfig={self.kubeconfig}",
            f"--output={self.output}",
            f"--rate={self.requests_per_second:g}",
            f"--namespace={self.namespace}",
            f"--service={self.service}",
        )

    def environment(self) -> dict[str, str]:
        """Give the variables that the command needs besides the usual ones."""
        return {"PYTHONPATH": str(PROJECT_ROOT)}

    def seconds(self) -> list[dict[str, Any]]:
        """Give all lines written so far; see :class:`onemachine.traffic.tally.Second`."""
        try:
            text = self.output.read_text("utf-8")
        except FileNotFoundError:
            return []
        # A last line without its end is still being written.
        return [json.loads(line) for line in text.splitlines(keepends=True) if line.endswith("\n")]

    def wait_ready(self, process: LogTail | None = None, timeout_seconds: float = 90.0) -> None:
        """Wait until an order has been answered well.

        Raises
        ------
        StartFailed
            It ended, or time is up: with what became of the orders until then.
        """

        def served() -> bool:
            return any(second["ok"] for second in self.seconds())

        try:
            wait_until(served, "the first order to be answered", timeout_seconds, process)
        except StartFailed as failed:
            if process is not None and not process.alive():
                raise
            reason = f"not within {timeout_seconds:g} s; {self._told()}"
            raise StartFailed(failed.what, reason, failed.log_path, failed.log_tail) from None

    def _told(self) -> str:
        """Say what became of the orders so far, none of which was answered well."""
        seconds = self.seconds()
        counts = {name: sum(second[name] for second in seconds) for name in OUTCOMES}
        if not any(counts.values()):
            return (
                "none was sent: is the machine busy? 'srectl local up --orders 2' asks less of it"
            )
        found = ", ".join(f"{name.replace('_', ' ')}: {n}" for name, n in counts.items() if n)
        return f"of {sum(counts.values())} orders none was answered well ({found})"
