"""A stack of trivial children under the real supervisor, to be run with ``python -m``.

The modes are what can happen to a stack: it gets ready, a part of it dies at the start or refuses
to get ready, a child brings workers of its own, a child does not listen to SIGTERM.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from onemachine.processes.identity import ProcessIdentity
from onemachine.processes.managed import ManagedProcess
from onemachine.processes.ports import free_port
from onemachine.processes.waiting import wait_until
from onemachine.stack.stages import Report, Stage
from onemachine.stack.state import StackFolder
from onemachine.stack.supervisor import Supervisor, serve
from onemachine.stack.workbench import Workbench

REPOSITORY = str(Path(__file__).resolve().parents[4])
WORKER = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(600)"
WITH_WORKER = (
    f"import subprocess, sys, time; subprocess.Popen([sys.executable, '-c', {WORKER!r}],"
    " start_new_session=True); print('up', flush=True); time.sleep(600)"
)


def command(name: str, mode: str, *more: str) -> list[str]:
    """Return the command line of a supervisor of such a stack."""
    argv = [sys.executable, "-m", "tests.unit.onemachine.stack.trivial_stack"]
    return [*argv, "--name", name, "--mode", mode, *more]


def plan(bench: Workbench, mode: str) -> Sequence[Stage]:
    """Give the stages: a web server, then something that needs it."""
    port = free_port()

    def web(_report: Report) -> None:
        argv = [sys.executable, "-m", "http.server", str(port), "--bind", "127.0.0.1"]
        child = bench.children.launch("web", argv, wave=1)
        wait_until(lambda: _listens(port), "the web server", 20, child)
        bench.publish({"web_url": f"http://127.0.0.1:{port}"})

    def second(report: Report) -> None:
        code = {
            "fails": "print('no space left on device'); raise SystemExit(7)",
            "workers": WITH_WORKER,
            "short-lived": "import time; print('up', flush=True); time.sleep(1.5)",
        }.get(mode, "import time; print('up', flush=True); time.sleep(600)")
        argv = [sys.executable, "-c", code]
        child: ManagedProcess = bench.children.launch("second", argv, wave=2)
        report("almost there")
        never = mode == "hangs"
        wait_until(lambda: not never and "up" in child.log_tail(), "the second part", 60, child)

    return (
        Stage("web", "web server", web),
        Stage("second", "second part", second, needs=("web",)),
    )


def _listens(port: int) -> bool:
    import urllib.request

    with urllib.request.urlopen(f"http://127.0.0.1:{port}", timeout=1) as answer:
        return bool(answer.status == 200)


def main() -> int:
    """Supervise."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--name", required=True)
    parser.add_argument("--mode", required=True)
    parser.add_argument("--ttl", type=float, default=600)
    parser.add_argument("--owner", type=int)
    arguments = parser.parse_args()
    owner = ProcessIdentity.of(arguments.owner) if arguments.owner else None
    folder = StackFolder.named(arguments.name)
    return serve(
        Supervisor(
            folder,
            lambda bench: plan(bench, arguments.mode),
            ttl_seconds=arguments.ttl,
            owner=owner,
        )
    )


if __name__ == "__main__":
    sys.exit(main())
