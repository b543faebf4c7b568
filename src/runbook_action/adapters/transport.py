"""TLS and a pool of connections to the API of one cluster.

The official client brings these, too, from the same urllib3, with its generated classes, its
configuration files and its logins: none is used here, and to import it was a quarter of what a cold
start computes.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from urllib.parse import quote, urlencode, urlsplit
from urllib.request import getproxies, proxy_bypass

import urllib3

from runbook_action.adapters.eks import Endpoint

_CONNECTIONS = 10  # a drain asks with several threads


class Transport:
    """Sends requests to one endpoint, which its own CA vouches for and no other.

    Parameters
    ----------
    endpoint
        Address and CA.
    """

    def __init__(self, endpoint: Endpoint) -> None:
        self.endpoint = endpoint
        proxy = _proxy_to(endpoint.url)
        manager = urllib3.ProxyManager(proxy) if proxy else urllib3.PoolManager()
        manager.connection_pool_kw.update(
            maxsize=_CONNECTIONS,
            cert_reqs="CERT_REQUIRED",
            ca_cert_data=endpoint.ca_pem,
            # The state machine retries, by the name of the error and with a wait in between.
            retries=False,
        )
        self._pool = manager

    def send(
        self,
        method: str,
        path: str,
        query: Sequence[tuple[str, str]],
        headers: Mapping[str, str],
        body: object,
        timeout: tuple[float, float],
    ) -> urllib3.BaseHTTPResponse:
        """Send a request.

        Parameters
        ----------
        path
            Quoted already.
        body
            What becomes JSON; None for no body.
        timeout
            Seconds to connect, and to wait for each part of the answer.

        Returns
        -------
        urllib3.BaseHTTPResponse
            Its body is not read yet.

        Raises
        ------
        urllib3.exceptions.HTTPError, OSError
            There was no answer.
        """
        url = self.endpoint.url.rstrip("/") + path
        if query:
            url += "?" + urlencode(query, quote_via=quote)
        return self._pool.request(
            method,
            url,
            headers=dict(headers),
            body=None if body is None else json.dumps(body),
            timeout=urllib3.Timeout(connect=timeout[0], read=timeout[1]),
            preload_content=False,
            # A token is for nobody else.
            redirect=False,
        )


def _proxy_to(url: str) -> str | None:
    """Give the proxy that the environment names for an address, as botocore reads it."""
    parts = urlsplit(url)
    return None if proxy_bypass(parts.netloc) else getproxies().get(parts.scheme)
