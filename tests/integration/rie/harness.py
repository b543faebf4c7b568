"""Runs a built Lambda artifact under the Runtime Interface Emulator that the SAM CLI brings along.

The artifact is built by the same Makefile target as `sam build` uses. The function's process sees
that artifact and what the managed runtime has (boto3 and the runtime client), and nothing else of
this machine's Python environment: what was forgotten in an artifact is missing here too.
"""

from __future__ import annotations

import fcntl
import hashlib
import importlib.util
import json
import os
import platform
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from onemachine.aws.managed_runtime import SDK, isolated_python, linked
from onemachine.processes.ports import free_port
from tests.support.waiting import PATIENCE_SECONDS

ROOT = Path(__file__).parents[3]
CACHE = ROOT / "build" / "test-artifacts"

# Besides the SDK.
RUNTIME_CLIENT = ("awslambdaric", "runtime_client", "snapshot_restore_py", "simplejson")


@dataclass(frozen=True)
class Function:
    """One Lambda function of this repository.

    Attributes
    ----------
    package
        Folder under ``src`` and name of the Python package.
    build_target
        Target of that folder's Makefile.
    timeout_seconds, memory_mb
        As template.yaml sets them.
    """

    package: str
    build_target: str
    timeout_seconds: int
    memory_mb: int

    @property
    def handler(self) -> str:
        """Handler string, the same as in template.yaml."""
        return f"{self.package}.handler.handler"

    @property
    def source(self) -> Path:
        """Folder that ``CodeUri`` names."""
        return ROOT / "src" / self.package


ALERT_INGEST = Function("alert_ingest", "build-AlertIngestFunction", 30, 256)
RUNBOOK_ACTION = Function("runbook_action", "build-RunbookActionFunction", 120, 512)
CHAT_ACTIONS = Function("chat_actions", "build-ChatActionsFunction", 60, 512)


def build(function: Function) -> Path:
    """Build a function's artifact, or reuse the one built from exactly these sources.

    Raises
    ------
    subprocess.CalledProcessError
        The build failed; its output is in the exception's notes.
    """
    folder = CACHE / f"{function.package}-{_digest(function.source)}"
    CACHE.mkdir(parents=True, exist_ok=True)
    # Several lanes of tests want it at the same time; one builds, the others wait for it.
    with (CACHE / f".{function.package}.lock").open("ab") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.is_dir():
            _build(function, folder)
    return folder


def _build(function: Function, folder: Path) -> None:
    with tempfile.TemporaryDirectory(dir=CACHE) as scratch:
        # As `sam build` does: a copy of the source folder, an empty artifact folder.
        source, artifact = Path(scratch) / "source", Path(scratch) / "artifact"
        shutil.copytree(function.source, source, ignore=shutil.ignore_patterns("__pycache__", ".*"))
        artifact.mkdir()
        try:
            subprocess.run(
                ["make", f"PYTHON={sys.executable}", function.build_target],
                cwd=source,
                env={**os.environ, "ARTIFACTS_DIR": str(artifact)},
                capture_output=True,
                text=True,
                check=True,
            )
        except subprocess.CalledProcessError as error:
            error.add_note(f"{error.stdout}\n{error.stderr}")
            raise
        artifact.rename(folder)


def runtime_folder(folder: Path) -> Path:
    """Fill a folder with links to the modules that the managed runtime has."""
    return linked(folder, (*RUNTIME_CLIENT, *SDK))


def function_environment(
    function: Function, artifact: Path, runtime: Path, variables: Mapping[str, str]
) -> dict[str, str]:
    """Return the environment of the function's process, and nothing of this one's."""
    return {
        "PATH": "/usr/bin:/bin",
        "LANG": "en_US.UTF-8",
        "TZ": ":UTC",
        "PYTHONPATH": f"{artifact}:{runtime}",
        "PYTHONNOUSERSITE": "1",
        "PYTHONDONTWRITEBYTECODE": "1",  # the code folder of a Lambda is read-only
        "LAMBDA_TASK_ROOT": str(artifact),
        "_HANDLER": function.handler,
        "AWS_LAMBDA_FUNCTION_NAME": function.package.replace("_", "-"),
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(function.memory_mb),
        "AWS_LAMBDA_FUNCTION_TIMEOUT": str(function.timeout_seconds),
        "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
        **variables,
    }


@dataclass
class Emulator:
    """A running function; invoke it from one thread only (two invocations at once crash it)."""

    function: Function
    port: int
    log_path: Path
    process: subprocess.Popen[bytes]

    def invoke(self, event: object) -> Any:
        """Invoke the function and return its decoded result.

        A handler that raised gives its error document, with ``errorType`` and ``errorMessage``.
        """
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}/2015-03-31/functions/function/invocations",
            data=json.dumps(event).encode(),
            method="POST",
        )
        try:
            with urllib.request.urlopen(
                request, timeout=self.function.timeout_seconds + 10
            ) as answer:
                return json.loads(answer.read())
        except (urllib.error.URLError, ConnectionError) as error:
            error.add_note(f"status {self.process.poll()}, log:\n{self.log()[-4000:]}")
            raise

    def log(self) -> str:
        """Return everything the function and the emulator have written so far."""
        return self.log_path.read_text("utf-8", "replace")


@contextmanager
def emulator(
    function: Function, artifact: Path, variables: Mapping[str, str], folder: Path
) -> Iterator[Emulator]:
    """Run a function while the block lasts.

    Parameters
    ----------
    function, artifact
        What to run, and the folder that `build` returned.
    variables
        The function's environment variables, region and credentials included.
    folder
        For the log and the links to the runtime's modules.
    """
    port, api_port = free_port(), free_port()
    log_path = folder / f"{function.package}.log"
    runtime = runtime_folder(folder / "runtime")
    with log_path.open("wb") as log:
        process = subprocess.Popen(
            [
                str(_emulator_binary()),
                "--runtime-interface-emulator-address",
                f"127.0.0.1:{port}",
                "--runtime-api-address",
                f"127.0.0.1:{api_port}",
                *isolated_python(),
                "-m",
                "awslambdaric",
                function.handler,
            ],
            cwd=artifact,
            env=function_environment(function, artifact, runtime, variables),
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    running = Emulator(function, port, log_path, process)
    try:
        _wait_until_listening(running)
        yield running
    finally:
        children = _children(process.pid)
        process.terminate()
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        for pid in children:  # the function's own process, which the emulator started
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue


def _digest(source: Path) -> str:
    digest = hashlib.sha256(sys.version.encode())
    for path in sorted(source.rglob("*")):
        if path.is_file() and "__pycache__" not in path.parts:
            digest.update(str(path.relative_to(source)).encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:16]


def _emulator_binary() -> Path:
    spec = importlib.util.find_spec("samcli")
    if spec is None or spec.origin is None:
        raise RuntimeError("the SAM CLI is not installed: run 'make setup'")
    machine = {"x86_64": "x86_64", "aarch64": "arm64"}[platform.machine()]
    binary = Path(spec.origin).parent / "local" / "rapid" / f"aws-lambda-rie-{machine}"
    binary.chmod(binary.stat().st_mode | 0o111)  # wheels do not carry the executable bit
    return binary


def _wait_until_listening(running: Emulator) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        if running.process.poll() is not None:
            break
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", running.port)) == 0:
                return
        time.sleep(0.05)
    raise RuntimeError(f"the emulator did not start:\n{running.log()[-4000:]}")


def _children(pid: int) -> list[int]:
    path = Path(f"/proc/{pid}/task/{pid}/children")
    try:
        direct = [int(child) for child in path.read_text().split()]
    except (FileNotFoundError, ProcessLookupError):
        return []
    return [*direct, *(grandchild for child in direct for grandchild in _children(child))]
