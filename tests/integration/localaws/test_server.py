"""The server process: where it listens, who may use its admin routes, how it starts and ends."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from onemachine.aws.local_aws import LocalAws
from onemachine.aws.mends import MENDS
from onemachine.processes.identity import ProcessIdentity
from tests.integration.local_aws_fixtures import running_local_aws
from tests.integration.localaws.probes.support import eventually, invoke, make_function
from tests.integration.localaws.sockets import listening_addresses
from tests.support.waiting import PATIENCE_SECONDS

pytestmark = pytest.mark.localaws


def test_nothing_listens_beyond_loopback(local_aws: LocalAws, local_aws_pid: int) -> None:
    addresses = listening_addresses(local_aws_pid)

    assert ("127.0.0.1", local_aws.port) in addresses
    assert [address for address, _port in addresses if not address.startswith("127.")] == []


def test_a_socket_beyond_loopback_would_be_seen() -> None:
    with socket.socket() as open_socket:
        open_socket.bind(("0.0.0.0", 0))  # noqa: S104 - the very thing to be seen
        open_socket.listen()

        assert open_socket.getsockname() in listening_addresses(os.getpid())


def test_every_mend_is_applied_unless_switched_off(local_aws: LocalAws) -> None:
    assert local_aws.wait_ready(1) == MENDS


def test_admin_routes_refuse_a_wrong_secret(local_aws: LocalAws) -> None:
    request = urllib.request.Request(
        f"{local_aws.endpoint_url}/_srectl/ready", headers={"X-Srectl-Secret": "guess"}
    )

    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(request)

    assert refused.value.code == 403
    assert "mends" not in json.load(refused.value)


@pytest.mark.parametrize(
    ("variable", "value"),
    [("BIND_HOST", "0.0.0.0"), ("BIND_HOST", ""), ("AUTH", "false"), ("SFTP_ENABLED", "1")],  # noqa: S104 - it must be refused
)
def test_an_open_or_unguarded_server_does_not_start(
    tmp_path: Path, variable: str, value: str
) -> None:
    aws = LocalAws("127.0.0.1", 1, tmp_path, "secret", extra_environment={variable: value})

    ended = subprocess.run(
        aws.command(), env=aws.environment(), capture_output=True, text=True, check=False
    )

    assert ended.returncode == 1
    assert variable in ended.stderr


def test_a_mistyped_mend_name_is_refused(tmp_path: Path) -> None:
    aws = LocalAws("127.0.0.1", 1, tmp_path, "secret", mends_off=("event_archiv",))

    ended = subprocess.run(
        aws.command(), env=aws.environment(), capture_output=True, text=True, check=False
    )

    assert ended.returncode == 1
    assert "no such mend of the local AWS: event_archiv" in ended.stderr


def test_the_secret_is_not_in_the_repr(tmp_path: Path) -> None:
    assert "s3cr3t" not in repr(LocalAws("127.0.0.1", 1, tmp_path, "s3cr3t"))


@pytest.mark.parametrize("kill_signal", [signal.SIGTERM, signal.SIGKILL])
def test_no_worker_process_outlives_the_server(
    tmp_path: Path, unique: str, kill_signal: signal.Signals
) -> None:
    with running_local_aws(tmp_path) as (aws, server):
        make_function(
            aws, unique, "import os\ndef handler(event, context):\n    return os.getpid()\n"
        )
        _error, pid = invoke(aws, unique)
        worker = ProcessIdentity.of(pid)
        assert worker is not None
        assert worker.alive()

        server.send_signal(kill_signal)
        server.wait(PATIENCE_SECONDS)

        eventually(lambda: not worker.alive(), "the worker process ends")


def test_unpacked_functions_are_cleared_away(tmp_path: Path, unique: str) -> None:
    folders = tmp_path / "tmp"
    with running_local_aws(tmp_path) as (aws, server):
        make_function(aws, unique, "def handler(event, context):\n    return 1\n")
        invoke(aws, unique)
        server.kill()
        server.wait(PATIENCE_SECONDS)
        assert list(folders.glob("ministack-lambda-*"))

    with running_local_aws(tmp_path):
        assert list(folders.glob("ministack-lambda-*")) == []
        (folders / "ministack-lambda-left").mkdir()
    assert list(folders.glob("ministack-lambda-*")) == []
