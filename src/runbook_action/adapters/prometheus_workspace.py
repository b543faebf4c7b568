"""A workspace of Amazon Managed Prometheus, asked with the function's own signature.

The address and the signature:
https://docs.aws.amazon.com/prometheus/latest/userguide/AMP-compatible-APIs.html
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import Any
from urllib.parse import quote, urlencode

import urllib3
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest

from runbook_action.adapters.eks import dns_suffix_of
from runbook_action.prometheus.port import Unanswered

_SERVICE = "aps"
_CONNECT_SECONDS = 3.0
#: As every AWS SDK has them: another address for one service, or for all.
_ENDPOINT_VARIABLES = ("AWS_ENDPOINT_URL_AMP", "AWS_ENDPOINT_URL")


class Workspace:
    """One workspace.

    Parameters
    ----------
    arn
        Its ARN.
    credentials
        Gives those of the function's role, which botocore renews.
    pool
        What carries requests; replaceable in tests.
    """

    def __init__(
        self, arn: str, credentials: Callable[[], Any], pool: urllib3.PoolManager | None = None
    ) -> None:
        _, partition, _, self._region, _, workspace = arn.split(":")
        self._path = f"/workspaces/{workspace.removeprefix('workspace/')}"
        self.place = f"Amazon Managed Prometheus{self._path.replace('/workspaces/', ' ')}"
        given = next(filter(None, map(os.environ.get, _ENDPOINT_VARIABLES)), None)
        suffix = dns_suffix_of(partition)
        self._endpoint = given or f"https://aps-workspaces.{self._region}.{suffix}"
        self._credentials = credentials
        self._pool = pool or urllib3.PoolManager(retries=False)

    def get(
        self, path: str, query: Sequence[tuple[str, str]], most_bytes: int, seconds: float
    ) -> tuple[int, bytes]:
        """Send a GET, and give status and body; see ``port.Transport``."""
        asked = urlencode(sorted(query), quote_via=quote, safe="-_.~")
        url = f"{self._endpoint.rstrip('/')}{self._path}{path}?{asked}"
        request = AWSRequest("GET", url)
        credentials = self._credentials()
        if credentials is None:
            raise Unanswered(f"{self.place}: the function has no AWS credentials")
        SigV4Auth(credentials.get_frozen_credentials(), _SERVICE, self._region).add_auth(request)
        try:
            answer = self._pool.request(
                "GET",
                url,
                headers=dict(request.headers.items()),
                redirect=False,
                timeout=urllib3.Timeout(connect=_CONNECT_SECONDS, total=seconds),
                preload_content=False,
            )
            try:
                body: bytes = answer.read(most_bytes + 1, decode_content=True)
            finally:
                answer.close()
        except (urllib3.exceptions.HTTPError, OSError) as error:
            # Not its message, which may hold the address.
            raise Unanswered(
                f"{self.place} did not answer ({type(error).__name__}): do the function's subnets "
                f"reach it (VPC endpoint aps-workspaces, or a NAT)?"
            ) from None
        if len(body) > most_bytes:
            raise Unanswered(f"{self.place} answered more than {most_bytes} bytes")
        return answer.status, body
