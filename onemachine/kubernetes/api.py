"""The few HTTPS calls that starting a control plane needs.

Standard library only: the official client takes half a second to import, and readiness is asked
for many times a second.
"""

from __future__ import annotations

import http.client
import json
import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from onemachine.kubernetes.pki import KeyPair

__all__ = ["ApiAnswer", "ApiClient"]


@dataclass(frozen=True)
class ApiAnswer:
    """Status and decoded body of one call; ``body`` is a string where it was no JSON."""

    status: int
    body: Any


class ApiClient:
    """Calls one API server, a new connection for each call.

    Parameters
    ----------
    endpoint : str
        ``https://host:port`` of the API server.
    ca_file : Path
        Certificate authority to trust.
    credentials : KeyPair, optional
        Client certificate to authenticate with.
    token : str, optional
        Bearer token to authenticate with.
    timeout_seconds : float
        For connecting and for each read.
    """

    def __init__(
        self,
        endpoint: str,
        ca_file: Path,
        credentials: KeyPair | None = None,
        *,
        token: str | None = None,
        timeout_seconds: float = 10.0,
    ) -> None:
        parts = urlsplit(endpoint)
        if parts.scheme != "https" or parts.hostname is None:
            raise ValueError(f"the API server's address must be https://host:port, not {endpoint}")
        self._host = parts.hostname
        self._port = parts.port or 443
        self._timeout = timeout_seconds
        self._token = token
        self._tls = ssl.create_default_context(cafile=str(ca_file))
        if credentials is not None:
            self._tls.load_cert_chain(credentials.certificate, credentials.key)

    def call(
        self,
        method: str,
        path: str,
        body: object | None = None,
        *,
        content_type: str = "application/json",
    ) -> ApiAnswer:
        """Make one call.

        Parameters
        ----------
        method, path : str
            As in HTTP; the path carries the query.
        body : object, optional
            Sent as JSON.
        content_type : str
            Media type of the body; patches have types of their own.

        Raises
        ------
        OSError
            The server could not be reached.
        http.client.HTTPException
            It answered something that is not HTTP.
        """
        headers = {"Accept": "application/json"}
        if self._token is not None:
            headers["Authorization"] = f"Bearer {self._token}"
        payload = None
        if body is not None:
            payload = json.dumps(body).encode("utf-8")
            headers["Content-Type"] = content_type
        connection = http.client.HTTPSConnection(
            self._host, self._port, timeout=self._timeout, context=self._tls
        )
        try:
            connection.request(method, path, body=payload, headers=headers)
            response = connection.getresponse()
            text = response.read().decode("utf-8", "replace")
        finally:
            connection.close()
        try:
            return ApiAnswer(response.status, json.loads(text))
        except json.JSONDecodeError:
            return ApiAnswer(response.status, text)
