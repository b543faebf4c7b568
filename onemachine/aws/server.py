"""Start the local AWS: ``python -m onemachine.aws.server``.

The environment is the whole configuration (:meth:`onemachine.aws.local_aws.LocalAws.environment`
makes it), because the emulator reads it while it is imported. ``SRECTL_LOCAL_AWS_MENDS_OFF`` holds
the comma-separated names of mends to leave out.
"""

from __future__ import annotations

import gc
import ipaddress
import os
import shutil
import sys
import tempfile
from pathlib import Path

from onemachine.aws import durable
from onemachine.aws.variables import MENDS_OFF_VARIABLE, SECRET_VARIABLE

#: After how long a thread that computes lets another go on. Who asks for an answer is served by one
#: thread among those that run executions, and would wait for each of them ten times as long.
_HANDOVER_SECONDS = 0.0005
#: Objects made, and collections of the younger ones, after which Python looks for cycles. Nearly
#: nothing here is one, and what is kept of executions is looked through each time.
_COLLECTED_AFTER = (50_000, 20, 100)


def _check_environment() -> None:
    """Refuse to start where the emulator would listen beyond loopback or without IAM."""
    host = os.environ.get("BIND_HOST", "")
    if not host or not ipaddress.ip_address(host).is_loopback:
        raise SystemExit(f"BIND_HOST must be a loopback address, not {host!r}")
    wanted = {"AUTH": "true", "IOT_MTLS_ENABLED": "0", "SFTP_ENABLED": "0"}
    for name, value in wanted.items():
        if os.environ.get(name) != value:
            raise SystemExit(f"{name} must be {value!r}; start the local AWS through LocalAws")
    if not os.environ.get(SECRET_VARIABLE):
        raise SystemExit(f"{SECRET_VARIABLE} must hold the stack's secret")
    if os.environ.get("AWS_SECRET_ACCESS_KEY", "test") == "test":
        raise SystemExit("AWS_SECRET_ACCESS_KEY must hold the operator's secret access key")


def _clear_worker_folders() -> None:
    """Empty the private TMPDIR of unpacked functions; a killed server leaves them behind."""
    folder = Path(tempfile.gettempdir())
    for leftover in (*folder.glob("ministack-lambda-*"), *folder.glob("lambda-runtime-*")):
        shutil.rmtree(leftover, ignore_errors=True)


def _end_workers() -> None:
    from ministack.core import lambda_runtime

    lambda_runtime.reset()


def main() -> None:
    """Apply the mends and serve until SIGTERM."""
    _check_environment()
    _clear_worker_folders()
    if durable.was_killed():
        os.environ[durable.PERSIST_VARIABLE] = "1"

    from ministack import app as emulator

    from onemachine.aws import denials, meter
    from onemachine.aws.admin import AdminRoutes
    from onemachine.aws.guard import Guard
    from onemachine.aws.memo import remember
    from onemachine.aws.mends import apply_mends
    from onemachine.aws.workspaces import Workspaces

    sys.setswitchinterval(_HANDOVER_SECONDS)
    gc.freeze()
    gc.set_threshold(*_COLLECTED_AFTER)
    remember()
    off = [name for name in os.environ.get(MENDS_OFF_VARIABLE, "").split(",") if name]
    try:
        applied = apply_mends(off)
    except ValueError as error:
        raise SystemExit(str(error)) from error
    denials.watch()
    meter.arm()
    durable.arm()
    secret = os.environ[SECRET_VARIABLE]
    port = os.environ["GATEWAY_PORT"]
    admin = AdminRoutes(
        emulator.app,
        secret=secret,
        account_id=os.environ["MINISTACK_ACCOUNT_ID"],
        region=os.environ["MINISTACK_REGION"],
        mends=applied,
    )
    hosts = [f"{name}:{port}" for name in (os.environ["BIND_HOST"], "localhost")]
    # An approval is signed for STS itself, whoever is asked about it.
    hosts.append(f"sts.{os.environ['MINISTACK_REGION']}.amazonaws.com")
    workspaces = Workspaces(
        admin,
        account_id=os.environ["MINISTACK_ACCOUNT_ID"],
        region=os.environ["MINISTACK_REGION"],
    )
    emulator.app = Guard(workspaces, secret=secret, hosts=hosts)
    sys.argv = sys.argv[:1]
    try:
        emulator.main()
    finally:
        _end_workers()
        _clear_worker_folders()


if __name__ == "__main__":
    main()
