"""The shell that commands of steps run in: bash, in the project's folder."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from srectl.errors import CommandFailed
from srectl.installing import script
from srectl.installing.plan import Plan

__all__ = ["Shell"]


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
    """

    plan: Plan
    root: Path
    settings: Mapping[str, str]

    def run(self, command: str) -> int:
        """Run a command with the terminal as its own and give its exit code.

        An interruption reaches what runs by the terminal; what was told to end goes on until this
        one command has ended, so that nothing is cut off halfway.
        """
        process = self._start(script.command(self.plan, command))
        try:
            return process.wait()
        except KeyboardInterrupt:
            process.wait()
            raise

    def holds(self, check: str) -> bool:
        """Whether a check succeeds; what it prints is nobody's."""
        return self._start(script.check(self.plan, check), subprocess.DEVNULL).wait() == 0

    def version(self, command: str) -> str:
        """Give what a tool prints about itself; empty where it could not be used."""
        done = subprocess.run(
            ["bash", "-o", "pipefail", "-c", command],
            env=self._environment(),
            cwd=self.root,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
        )
        return done.stdout + done.stderr if done.returncode == 0 else ""

    def _start(self, text: str, stdin: int | None = None) -> subprocess.Popen[bytes]:
        try:
            return subprocess.Popen(
                ["bash", "-c", text], env=self._environment(), cwd=self.root, stdin=stdin
            )
        except OSError as error:
            raise CommandFailed(f"bash cannot be run: {error}", "install bash") from None

    def _environment(self) -> dict[str, str]:
        # What lies beside this Python comes last: a shell's own 'sam' and 'srectl' go before.
        path = os.pathsep.join(
            (os.environ.get("PATH", os.defpath), str(Path(sys.executable).parent))
        )
        return {**os.environ, "AWS_PAGER": "", "PATH": path, **self.settings}
