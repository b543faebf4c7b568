"""Fixtures for tests that need a running local AWS (four functions at once, quick alarms).

``local_aws`` is started once for the whole test session. Tests share it: each test names its
resources after itself (``unique``) and leaves no rule behind that strikes another test.
"""

from __future__ import annotations

import secrets
import subprocess
import uuid
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest

from onemachine.aws.local_aws import LocalAws
from onemachine.processes.ports import free_port
from tests.support.waiting import PATIENCE_SECONDS

StartLocalAws = Callable[..., AbstractContextManager[LocalAws]]


@contextmanager
def running_local_aws(
    state_dir: Path,
    mends_off: tuple[str, ...] = (),
    extra_environment: dict[str, str] | None = None,
    *,
    alarm_pace: float = 1.0,
    alarm_interval: float = 1.0,
) -> Iterator[tuple[LocalAws, subprocess.Popen[bytes]]]:
    """Run a local AWS while the block lasts; its output goes to ``state_dir/aws.log``."""
    aws = LocalAws(
        host="127.0.0.1",
        port=free_port(),
        state_dir=state_dir,
        secret=secrets.token_urlsafe(24),
        max_lambda_workers=4,
        alarm_interval_seconds=alarm_interval,
        alarm_pace=alarm_pace,
        mends_off=mends_off,
        extra_environment=extra_environment or {},
    )
    state_dir.mkdir(parents=True, exist_ok=True)
    log_path = state_dir / "aws.log"
    with log_path.open("wb") as log:
        process = subprocess.Popen(
            aws.command(), env=aws.environment(), stdout=log, stderr=subprocess.STDOUT
        )
    try:
        try:
            aws.wait_ready(PATIENCE_SECONDS, alive=lambda: process.poll() is None)
        except RuntimeError as error:
            pytest.fail(f"{error}\n{log_path.read_text(errors='replace')[-4000:]}")
        yield aws, process
    finally:
        process.terminate()
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@pytest.fixture(scope="session")
def _local_aws_process(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[tuple[LocalAws, subprocess.Popen[bytes]]]:
    with running_local_aws(tmp_path_factory.mktemp("aws")) as running:
        yield running


@pytest.fixture(scope="session")
def local_aws(_local_aws_process: tuple[LocalAws, subprocess.Popen[bytes]]) -> LocalAws:
    """Return the session's local AWS, all mends applied: ``local_aws.client("sqs")``."""
    return _local_aws_process[0]


@pytest.fixture(scope="session")
def local_aws_pid(_local_aws_process: tuple[LocalAws, subprocess.Popen[bytes]]) -> int:
    """Return the process id of the session's local AWS."""
    return _local_aws_process[1].pid


@pytest.fixture(scope="session")
def start_local_aws(
    tmp_path_factory: pytest.TempPathFactory,
) -> StartLocalAws:
    """Return a context manager factory for a local AWS of the test's own."""

    @contextmanager
    def start(*mends_off: str, **extra_environment: str) -> Iterator[LocalAws]:
        state_dir = tmp_path_factory.mktemp("aws")
        with running_local_aws(state_dir, mends_off, extra_environment) as (aws, _process):
            yield aws

    return start


@pytest.fixture
def unique(request: pytest.FixtureRequest) -> str:
    """Return a name for this test's resources, valid for every AWS service."""
    return f"t-{uuid.uuid4().hex[:10]}"
