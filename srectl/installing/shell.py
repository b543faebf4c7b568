"""The shell that commands of steps run in: bash, in the project's folder."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from srectl.errors import CommandFailed
from srectl.installing import script
from srectl.installing.plan import Plan

__all__ = ["Shell"]

#: Seconds after which a check, or a tool that is asked for its version, is no answer any more.
_CHECK_SECONDS = 300.0
_VERSION_SECONDS = 60.0


@dataclass(frozen=True)
class Shell:
    """Runs shell text with the settings in its environment, where no other user sees them.

    Parameters
    ----------
    plan
        What the commands have in common.
    root
        The project.
    settings
        Values of the settings, secret ones included.
    lock
        A descriptor that commands inherit, so that a lock is held as long as one of them runs.
    """

    plan: Plan
    root: Path
    settings: Mapping[str, str]
    lock: int | None = None

    def run(self, command: str) -> int:
        """Run a command with the terminal as its own and give its exit code.

        An interruption reaches what runs by the terminal; what was told to end goes on until this
        one command has ended, so that nothing is cut off halfway.
        """
        text = script.command(self.plan, command)
        inherited = () if self.lock is None else (self.lock,)
        process = self._start(["bash", "-c", text], pass_fds=inherited)
        try:
            return process.wait()
        except KeyboardInterrupt:
            process.wait()
            raise

    def holds(self, check: str) -> bool:
        """Whether a check succeeds; what it prints is nobody's.

        Raises
        ------
        CommandFailed
            It does not end, or nobody can tell.
        """
        words = " ".join(check.split())
        code, said = self._asked(["-c", script.check(self.plan, check)], _CHECK_SECONDS)
        if code is None:
            raise CommandFailed(
                f"nothing answers within {_CHECK_SECONDS:.0f} seconds: {words}",
                "is what it asks (the cluster, Docker) out of reach from here, or stopped?",
            )
        if code == script.UNSEEN:
            raise CommandFailed(
                f"nobody can tell whether this is there: {words}: {said[-500:].strip()}",
                "a right that is missing, or something out of reach; mend that, then again",
            )
        return code == 0

    def version(self, command: str) -> str:
        """Give what a tool prints about itself; empty where it could not be used."""
        code, said = self._asked(["-o", "pipefail", "-c", command], _VERSION_SECONDS)
        return said if code == 0 else ""

    def _asked(self, words: list[str], seconds: float) -> tuple[int | None, str]:
        """Run what changes nothing, and give its exit code (None: it did not end) and its words."""
        process = self._start(
            ["bash", *words],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # so that all that it has started can be ended
        )
        try:
            said, _ = process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            _end(process)
            return None, ""
        except BaseException:
            _end(process)
            raise
        return process.returncode, said.decode(errors="replace")

    def _start(self, words: list[str], **more: Any) -> subprocess.Popen[bytes]:
        try:
            return subprocess.Popen(words, env=self._environment(), cwd=self.root, **more)
        except OSError as error:
            raise CommandFailed(f"bash cannot be run: {error}", "install bash") from None

    def _environment(self) -> dict[str, str]:
        # What lies beside this Python comes last: a shell's own 'sam' and 'srectl' go before.
        path = os.pathsep.join(
            (os.environ.get("PATH", os.defpath), str(Path(sys.executable).parent))
        )
        return {**os.environ, "AWS_PAGER": "", "PATH": path, **self.settings}


def _end(process: subprocess.Popen[bytes]) -> None:
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
