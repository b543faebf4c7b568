"""A stack of some checkout, started and stopped by that checkout's own ``srectl``."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config

_STACK = "sre-platform"
_LONGEST_START_SECONDS = 900


class StackUnusable(SystemExit):
    """A command of the measured checkout failed; ends the measurement with its words."""


@dataclass(frozen=True)
class Checkout:
    """A folder with the project, set up (``make setup``).

    Parameters
    ----------
    root : Path
        The folder.
    """

    root: Path

    def srectl(self, *arguments: str, environment: Mapping[str, str] | None = None) -> str:
        """Run its ``srectl`` and return what it prints.

        Raises
        ------
        StackUnusable
            The command is missing, failed, or took too long.
        """
        command = self.root / ".venv" / "bin" / "srectl"
        if not command.exists():
            raise StackUnusable(f"{command} is missing: run 'make setup' in {self.root}")
        typed = f"'srectl {shlex.join(arguments)}'"
        try:
            done = subprocess.run(
                [str(command), *arguments],
                cwd=self.root,
                env={**os.environ, **(environment or {}), "PYTHONPATH": str(self.root)},
                capture_output=True,
                text=True,
                timeout=_LONGEST_START_SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise StackUnusable(
                f"{typed} was given up in {self.root} after {_LONGEST_START_SECONDS} s: is the "
                "machine busy with other things? Run it again when it is not"
            ) from None
        if done.returncode:
            said = f"{done.stdout}\n{done.stderr}".strip()
            raise StackUnusable(f"{typed} failed in {self.root}:\n{said}")
        return done.stdout

    @property
    def commit(self) -> str:
        """Which version it is, for the table."""
        done = subprocess.run(
            ["git", "-C", str(self.root), "describe", "--always", "--dirty"],
            capture_output=True,
            text=True,
            check=False,
        )
        return done.stdout.strip() or "unknown"


@dataclass(frozen=True)
class Stack:
    """A running stack.

    Parameters
    ----------
    checkout : Checkout
        What it runs.
    name : str
        Its name.
    environment : mapping
        What ``srectl env`` exports.
    """

    checkout: Checkout
    name: str
    environment: Mapping[str, str]

    def client(self, service: str) -> Any:
        """Return a boto3 client of the local AWS that waits for a busy one."""
        session = boto3.session.Session(
            aws_access_key_id=self.environment["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=self.environment["AWS_SECRET_ACCESS_KEY"],
            region_name=self.environment["AWS_REGION"],
        )
        make: Any = session.client
        return make(
            service,
            endpoint_url=self.environment["AWS_ENDPOINT_URL"],
            config=Config(read_timeout=180, retries={"total_max_attempts": 5}),
        )

    @cached_property
    def outputs(self) -> Mapping[str, str]:
        """The outputs of the deployed template."""
        found = self.client("cloudformation").describe_stacks(StackName=_STACK)["Stacks"][0]
        return {each["OutputKey"]: each["OutputValue"] for each in found["Outputs"]}

    def publish(self, runbooks: Mapping[str, str]) -> None:
        """Publish runbooks (file name → YAML) beside those that are there."""
        with tempfile.TemporaryDirectory(prefix="bench-runbooks-") as folder:
            schema = self.checkout.root / "runbooks" / "runbook.schema.json"
            shutil.copy(schema, folder)
            for name, text in runbooks.items():
                (Path(folder) / name).write_text(text, "utf-8")
            self.checkout.srectl(
                *("runbooks", "publish", "--folder", folder), environment=self.environment
            )


@contextmanager
def running(checkout: Checkout, name: str, *options: str) -> Iterator[Stack]:
    """Run a stack of a checkout, with options of ``srectl up``, while the block lasts."""
    # Should this process be killed, the stack ends by itself.
    try:
        checkout.srectl("up", "--name", name, "--ttl", "30m", *options)
        exports = checkout.srectl("env", "--name", name)
        yield Stack(checkout, name, dict(_exported(exports.splitlines())))
    finally:
        checkout.srectl("down", "--name", name)


def _exported(lines: Sequence[str]) -> Iterator[tuple[str, str]]:
    for line in lines:
        words = shlex.split(line)
        if len(words) == 2 and words[0] == "export":
            key, _, value = words[1].partition("=")
            yield key, value
