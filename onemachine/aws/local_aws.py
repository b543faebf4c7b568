"""How the local AWS is started and reached: command line, environment, readiness, clients."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import hmac
import json
import os
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config

from onemachine.aws.admin import PREFIX, SECRET_HEADER, webhook_secret
from onemachine.aws.variables import (
    ALARM_INTERVAL_VARIABLE,
    ALARM_PACE_VARIABLE,
    DENIALS_FILE_VARIABLE,
    GOES_FIRST_VARIABLE,
    MAIL_FILE_VARIABLE,
    MAX_WORKERS_VARIABLE,
    MENDS_OFF_VARIABLE,
    METER_FILE_VARIABLE,
    OUTBOUND_FILE_VARIABLE,
    SECRET_VARIABLE,
    STEPS_ASIDE_VARIABLE,
    workspaces_address,
)
from onemachine.project import PROJECT_ROOT

#: The account's root user. Its secret is another for each stack: whoever has it may do everything.
OPERATOR_ACCESS_KEY_ID = "LOCALOPERATOR"

_POLL_SECONDS = 0.1
_making_clients = threading.Lock()


class LocalAwsError(RuntimeError):
    """The local AWS did not start, or refused an admin request."""


@lru_cache(maxsize=16)
def _session(region: str, *credentials: tuple[str, str]) -> Any:
    """Give the one session of these credentials: each reads the models of services anew."""
    keys: Any = dict(credentials)
    return boto3.session.Session(region_name=region, **keys)


@dataclass(frozen=True)
class LocalAws:
    """One local AWS: an emulator process on a loopback address.

    Parameters
    ----------
    host : str
        Loopback address to listen on.
    port : int
        TCP port to listen on.
    state_dir : pathlib.Path
        Folder of its temporary files; made by :meth:`environment`.
    secret : str
        Guards the admin routes and the token webhooks. One for each stack, never logged.
    account_id, region : str
        Where the stack is deployed.
    max_lambda_workers : int
        Functions that run at once; each takes about 65 MB.
    alarm_interval_seconds : float
        Time between two evaluations of the alarms.
    alarm_pace : float
        How many times quicker than on AWS the alarms' periods pass (for tests).
    mends_off : sequence of str
        Mends to leave out (for tests).
    extra_environment : mapping
        Further variables for the server process.
    metered : bool
        Count what AWS would charge for, in :attr:`meter_file`.
    steps_aside, goes_first : sequence of str
        State machines that let the others go first where this machine is busy, and such as go
        before all others.
    operator_secret : str
        Secret access key of the operator. Empty: made from ``secret``, which it does not tell.
    """

    host: str
    port: int
    state_dir: Path
    secret: str = field(repr=False)
    account_id: str = "000000000000"
    region: str = "us-east-1"
    max_lambda_workers: int = 12
    alarm_interval_seconds: float = 5.0
    alarm_pace: float = 1.0
    mends_off: Sequence[str] = ()
    extra_environment: Mapping[str, str] = field(default_factory=dict)
    metered: bool = False
    steps_aside: Sequence[str] = ()
    goes_first: Sequence[str] = ()
    operator_secret: str = field(default="", repr=False)

    def __post_init__(self) -> None:
        """Make the operator's secret where it is not given."""
        if not self.operator_secret:
            made = hmac.new(self.secret.encode(), b"operator", hashlib.sha256).hexdigest()
            object.__setattr__(self, "operator_secret", made)

    @property
    def endpoint_url(self) -> str:
        """URL of every AWS service."""
        return f"http://{self.host}:{self.port}"

    @property
    def mail_file(self) -> Path:
        """What e-mail subscriptions were sent, one line of JSON each."""
        return self.state_dir / "mail.jsonl"

    @property
    def denials_file(self) -> Path:
        """Which calls were refused for want of a grant, one line of JSON each."""
        return self.state_dir / "denials.jsonl"

    @property
    def outbound_file(self) -> Path:
        """Which outside address (a prefix) stands for which one on loopback: a JSON object."""
        return self.state_dir / "outbound.json"

    @property
    def workspaces_address(self) -> str:
        """Where workspaces of Amazon Managed Prometheus are asked; the outbound file names one."""
        return workspaces_address(self.region)

    @property
    def meter_file(self) -> Path:
        """What was counted (:mod:`onemachine.aws.meter`), where this AWS is metered."""
        return self.state_dir / "metered.json"

    def command(self) -> list[str]:
        """Return the command line of the server process."""
        return [sys.executable, "-m", "onemachine.aws.server"]

    def environment(self) -> dict[str, str]:
        """Return the whole environment of the server process; makes its folders."""
        temporary = self.state_dir / "tmp"
        temporary.mkdir(parents=True, exist_ok=True)
        nowhere = str(self.state_dir / "none")
        return {
            "PATH": os.environ.get("PATH", os.defpath),
            "LANG": "C.UTF-8",
            "PYTHONPATH": str(PROJECT_ROOT),
            "PYTHONUNBUFFERED": "1",
            "PYTHONDONTWRITEBYTECODE": "1",
            "HOME": nowhere,
            "TMPDIR": str(temporary),
            # Everything on loopback, and none of the listeners that would not be.
            "BIND_HOST": self.host,
            "MINISTACK_HOST": self.host,
            "GATEWAY_PORT": str(self.port),
            "IOT_MTLS_ENABLED": "0",
            "SFTP_ENABLED": "0",
            "AUTH": "true",
            "MINISTACK_ACCOUNT_ID": self.account_id,
            "MINISTACK_REGION": self.region,
            "AWS_ACCESS_KEY_ID": OPERATOR_ACCESS_KEY_ID,
            "AWS_SECRET_ACCESS_KEY": self.operator_secret,
            "LAMBDA_EXECUTOR": "local",
            # The emulator would clear away containers that other users of a Docker daemon own.
            "DOCKER_HOST": f"unix://{nowhere}/docker.sock",
            "STATE_DIR": str(self.state_dir / "persisted"),
            "S3_DATA_DIR": str(self.state_dir / "s3"),
            SECRET_VARIABLE: self.secret,
            MAX_WORKERS_VARIABLE: str(self.max_lambda_workers),
            ALARM_INTERVAL_VARIABLE: str(self.alarm_interval_seconds),
            ALARM_PACE_VARIABLE: str(self.alarm_pace),
            MENDS_OFF_VARIABLE: ",".join(self.mends_off),
            MAIL_FILE_VARIABLE: str(self.mail_file),
            DENIALS_FILE_VARIABLE: str(self.denials_file),
            OUTBOUND_FILE_VARIABLE: str(self.outbound_file),
            STEPS_ASIDE_VARIABLE: ",".join(self.steps_aside),
            GOES_FIRST_VARIABLE: ",".join(self.goes_first),
            METER_FILE_VARIABLE: str(self.meter_file) if self.metered else "",
            **self.extra_environment,
        }

    def operator_environment(self) -> dict[str, str]:
        """Return the variables that point ``sam``, ``aws`` and every SDK at this AWS as root."""
        return {
            "AWS_ENDPOINT_URL": self.endpoint_url,
            "AWS_ACCESS_KEY_ID": OPERATOR_ACCESS_KEY_ID,
            "AWS_SECRET_ACCESS_KEY": self.operator_secret,
            "AWS_DEFAULT_REGION": self.region,
            "AWS_REGION": self.region,
            "AWS_DISABLE_HOST_PREFIX_INJECTION": "true",
            "AWS_EC2_METADATA_DISABLED": "true",
        }

    def client(self, service: str, **credentials: str) -> Any:
        """Return a boto3 client, as root unless credentials are given.

        Parameters
        ----------
        service : str
            boto3's name of the service.
        **credentials : str
            ``aws_access_key_id``, ``aws_secret_access_key`` and ``aws_session_token`` of someone
            else, e.g. from AssumeRole.

        Returns
        -------
        botocore.client.BaseClient
            Typed ``Any``: annotate with the client type of boto3-stubs where it helps.
        """
        keys = credentials or {
            "aws_access_key_id": OPERATOR_ACCESS_KEY_ID,
            "aws_secret_access_key": self.operator_secret,
        }
        # A session may not be used by two threads at once, the clients that it makes may.
        with _making_clients:
            return _session(self.region, *sorted(keys.items())).client(
                service,
                endpoint_url=self.endpoint_url,
                config=Config(
                    inject_host_prefix=False,
                    proxies={},  # whatever the environment names: this is loopback
                    retries={"total_max_attempts": 2},
                    s3={"addressing_style": "path"},
                    read_timeout=120,
                ),
            )

    def webhook_token_url(self, cluster: str) -> str:
        """Return the URL that a Kubernetes API server sends TokenReviews of ``cluster`` to.

        Known before the cluster is registered; it is a secret like the stack's.
        """
        secret = webhook_secret(self.secret, cluster)
        return (
            f"{self.endpoint_url}/_ministack/eks-auth/"
            f"{self.account_id}/{self.region}/{cluster}/{secret}"
        )

    def register_cluster(
        self,
        name: str,
        *,
        endpoint: str,
        certificate_authority_pem: bytes,
        version: str,
        access_entries: Mapping[str, Sequence[str]] | None = None,
    ) -> dict[str, Any]:
        """Describe a running control plane as an EKS cluster; may be repeated.

        Parameters
        ----------
        name : str
            EKS name of the cluster.
        endpoint : str
            ``https://`` URL of its API server.
        certificate_authority_pem : bytes
            PEM certificate that the API server's certificate is signed by.
        version : str
            Kubernetes version, e.g. ``"1.36"``.
        access_entries : mapping, optional
            Principal ARN → Kubernetes groups. The principals need not exist yet.

        Returns
        -------
        dict
            The cluster as DescribeCluster gives it.

        Raises
        ------
        LocalAwsError
            If the local AWS refuses.
        """
        answer = self._admin(
            "PUT",
            f"clusters/{name}",
            {
                "role_arn": self._cluster_role(name),
                "endpoint": endpoint,
                "certificate_authority": base64.b64encode(certificate_authority_pem).decode(),
                "version": version,
            },
        )
        eks = self.client("eks")
        for principal, groups in (access_entries or {}).items():
            entry = {
                "clusterName": name,
                "principalArn": principal,
                "kubernetesGroups": list(groups),
            }
            try:
                eks.create_access_entry(**entry, type="STANDARD")
            except eks.exceptions.ResourceInUseException:
                eks.update_access_entry(**entry)
        cluster: dict[str, Any] = answer["cluster"]
        return cluster

    def wait_ready(
        self, timeout: float = 30.0, alive: Callable[[], bool] = lambda: True
    ) -> tuple[str, ...]:
        """Wait until the server answers.

        Parameters
        ----------
        timeout : float
            Longest wait in seconds.
        alive : callable
            Tells whether the process still runs, so that a dead one is not waited for.

        Returns
        -------
        tuple of str
            Names of the mends that are applied.

        Raises
        ------
        LocalAwsError
            If it does not answer in time or ended.
        """
        deadline = time.monotonic() + timeout
        while True:
            try:
                return tuple(self._admin("GET", "ready")["mends"])
            except urllib.error.URLError as error:
                if not alive():
                    raise LocalAwsError(
                        "the local AWS ended while it was starting; its log says why"
                    ) from error
                if time.monotonic() >= deadline:
                    raise LocalAwsError(
                        f"the local AWS does not answer on {self.endpoint_url} after {timeout:g} s"
                    ) from error
                time.sleep(_POLL_SECONDS)

    def _cluster_role(self, cluster: str) -> str:
        """Return the ARN of the role that EKS itself would use; made where it is missing."""
        trust = {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Effect": "Allow",
                    "Principal": {"Service": "eks.amazonaws.com"},
                    "Action": "sts:AssumeRole",
                }
            ],
        }
        iam = self.client("iam")
        name = f"{cluster}-cluster"
        with contextlib.suppress(iam.exceptions.EntityAlreadyExistsException):
            iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(trust))
        return str(iam.get_role(RoleName=name)["Role"]["Arn"])

    def _admin(
        self, method: str, route: str, body: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        request = urllib.request.Request(  # noqa: S310 - always http:// on loopback
            f"{self.endpoint_url}{PREFIX}{route}",
            data=None if body is None else json.dumps(body).encode(),
            headers={SECRET_HEADER: self.secret, "Content-Type": "application/json"},
            method=method,
        )
        # No proxy: the address is this machine's own.
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(request, timeout=10) as response:
                answer: dict[str, Any] = json.load(response)
        except urllib.error.HTTPError as error:
            raise LocalAwsError(
                f"the local AWS refused {method} {PREFIX}{route}: {error.code} "
                f"{error.read().decode(errors='replace')}"
            ) from error
        return answer
