"""Posting bodies to the webhook as several Alertmanagers would, and what came of it."""

from __future__ import annotations

import http.client
import json
import threading
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from urllib.parse import urlsplit

_TIMEOUT_SECONDS = 90
_ACCEPTED = 202
_RETRY_SECONDS = 1.0


@dataclass(frozen=True)
class Delivery:
    """What became of one body.

    Parameters
    ----------
    sent_at : float
        When it was first sent (``time.monotonic``).
    answered_at : float
        When the last answer was there.
    statuses : tuple of int
        Every answer, 0 for a connection that broke.
    incident_ids : tuple of str
        Those of a body that was accepted.
    """

    sent_at: float
    answered_at: float
    statuses: tuple[int, ...]
    incident_ids: tuple[str, ...]

    @property
    def accepted(self) -> bool:
        """Whether the platform took it in the end."""
        return self.statuses[-1:] == (_ACCEPTED,)


class Webhook:
    """The platform's webhook; each thread keeps one connection.

    Parameters
    ----------
    url : str
        Its address.
    api_key : str
        Key of a sender.
    """

    def __init__(self, url: str, api_key: str) -> None:
        self._url = urlsplit(url)
        self._headers = {"X-Api-Key": api_key, "Content-Type": "application/json"}
        self._local = threading.local()

    def post(self, body: bytes) -> tuple[int, tuple[str, ...]]:
        """Post a body once; returns the status (0: no answer) and the incident ids."""
        connection = getattr(self._local, "connection", None)
        if connection is None:
            connection = http.client.HTTPConnection(
                str(self._url.hostname), self._url.port, timeout=_TIMEOUT_SECONDS
            )
            self._local.connection = connection
        try:
            connection.request("POST", self._url.path, body, self._headers)
            response = connection.getresponse()
            answer = response.read()
        except (OSError, http.client.HTTPException):
            connection.close()
            return 0, ()
        if response.status != _ACCEPTED:
            return response.status, ()
        return response.status, tuple(json.loads(answer)["incident_ids"])

    def deliver(self, body: bytes, *, until: float = 0.0) -> Delivery:
        """Post a body, and again after a refusal as Alertmanager does, until a moment."""
        sent_at = time.monotonic()
        statuses = []
        while True:
            status, incident_ids = self.post(body)
            statuses.append(status)
            now = time.monotonic()
            if status == _ACCEPTED or now + _RETRY_SECONDS > until:
                return Delivery(sent_at, now, tuple(statuses), incident_ids)
            time.sleep(_RETRY_SECONDS)

    def deliver_all(
        self, bodies: Sequence[bytes], *, clients: int, until: float = 0.0
    ) -> list[Delivery]:
        """Deliver bodies from several clients at once, in order."""
        with ThreadPoolExecutor(clients) as pool:
            return list(pool.map(lambda body: self.deliver(body, until=until), bodies))


def answers(deliveries: Sequence[Delivery]) -> str:
    """Say in words how a batch was answered, e.g. ``202: 40, 503: 3``."""
    counted = Counter(status for each in deliveries for status in each.statuses)
    return ", ".join(f"{status or 'broken'}: {n}" for status, n in sorted(counted.items()))
