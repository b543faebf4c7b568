"""Checks of the team's own: Lambda functions, and HTTPS addresses, of the allow-list.

An address is asked exactly as the deployment wrote it, with the target in its query: no other
scheme, no redirect, no longer than ``TIMEOUT``, and no more of the answer than ``MOST_BYTES``.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING
from urllib.parse import urlencode

import urllib3

from runbook_action.adapters.aws_errors import translated
from runbook_action.errors import (
    AccessDenied,
    CheckUnavailable,
    ResourceMissing,
    RunbookActionError,
    StateUnknown,
)

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient

MOST_BYTES = 65_536
TIMEOUT = urllib3.Timeout(connect=3, read=8, total=10)


class TeamChecks:
    """Asks checks by their names.

    Parameters
    ----------
    client
        Lambda client of the function's own role.
    functions, urls
        Name of a check → ARN of its function, or its address.
    pool
        What carries requests; replaceable in tests.
    """

    def __init__(
        self,
        client: LambdaClient,
        functions: Mapping[str, str],
        urls: Mapping[str, str],
        pool: urllib3.PoolManager | None = None,
    ) -> None:
        self._client = client
        self._functions = functions
        self._urls = urls
        self._pool = pool or urllib3.PoolManager(retries=False)

    @property
    def names(self) -> frozenset[str]:
        """The checks there are."""
        return frozenset((*self._functions, *self._urls))

    def ask(self, name: str, about: Mapping[str, str | None]) -> object:
        """What a check says of a target, as JSON has it."""
        text = (
            self._invoked(name, self._functions[name], about)
            if name in self._functions
            else self._got(name, self._urls[name], about)
        )
        if len(text) > MOST_BYTES:
            raise StateUnknown(f"check {name} answered more than {MOST_BYTES} bytes")
        try:
            return json.loads(text)
        except ValueError as error:
            raise StateUnknown(f"check {name} answered something that is not JSON") from error

    def _invoked(self, name: str, arn: str, about: Mapping[str, str | None]) -> bytes:
        with translated(f"invoking check {name}"):
            answer = self._client.invoke(
                FunctionName=arn, Payload=json.dumps({"target": about}).encode()
            )
            text = answer["Payload"].read(MOST_BYTES + 1)
        if answer.get("FunctionError"):
            raise CheckUnavailable(
                f"check {name} failed ({answer['FunctionError']}): see the log of {arn}"
            )
        return text

    def _got(self, name: str, url: str, about: Mapping[str, str | None]) -> bytes:
        query = urlencode({key: value for key, value in about.items() if value})
        try:
            answer = self._pool.request(
                "GET",
                f"{url}{'&' if '?' in url else '?'}{query}",
                headers={"Accept": "application/json", "User-Agent": "sre-platform-runbook-action"},
                redirect=False,
                retries=False,
                timeout=TIMEOUT,
                preload_content=False,
            )
            try:
                text: bytes = answer.read(MOST_BYTES + 1, decode_content=False)
            finally:
                answer.close()
        except (urllib3.exceptions.HTTPError, OSError) as error:
            raise CheckUnavailable(
                f"check {name}: no answer ({type(error).__name__}). Is its address reachable from "
                f"the function's subnets?"
            ) from error
        if answer.status != 200:
            raise _error(answer.status, name)
        return text


def _error(status: int, name: str) -> RunbookActionError:
    said = f"check {name} answered {status}"
    if status in (401, 403):
        return AccessDenied(said)
    if status == 404:
        return ResourceMissing(said)
    if status == 429 or status >= 500:
        return CheckUnavailable(said)
    return StateUnknown(f"{said}: only 200 is an answer, and no redirect is followed")
