"""The client: sends each planned body until it is taken, as Alertmanager does, and notes it."""

from __future__ import annotations

import http.client
import json
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from tests.faults.bodies import Bodies, poisoned
from tests.faults.journal import Journal
from tests.faults.kinds import Delivery, Plan

__all__ = ["NO_ANSWER", "Sender"]

#: What is written down where an answer never came: the body may have been taken, or not.
NO_ANSWER = 0
_ACCEPTED = 202
_CLIENTS = 16
#: Longer than the platform is ever down: a body that is answered by nobody then was not refused.
_POISON_ATTEMPTS = 20
_TIMEOUT_SECONDS = 40.0
#: Seconds until a body is sent again, and what they grow by, as Alertmanager backs off.
_RETRY_SECONDS, _GROWS, _LONGEST_RETRY_SECONDS = 1.0, 1.6, 15.0


@dataclass
class Sender:
    """Sends a plan's deliveries at their times.

    Parameters
    ----------
    url, api_key : str
        Of the webhook.
    other_key : str
        Another sender's, for what is forged.
    bodies : Bodies
        Words them.
    journal : Journal
        Is told of every attempt and answer.
    """

    url: str
    api_key: str
    other_key: str
    bodies: Bodies
    journal: Journal
    _stopped: threading.Event = field(default_factory=threading.Event, init=False)

    def send_all(self, plan: Plan, now: Callable[[], float]) -> list[Future[None]]:
        """Send everything; returns once the last was begun.

        Parameters
        ----------
        plan : Plan
            What is to be sent.
        now : callable
            Seconds since the campaign's beginning.

        Returns
        -------
        list of Future
            One for each delivery; done once it was taken or refused for good.
        """
        pool = ThreadPoolExecutor(_CLIENTS, thread_name_prefix="sender")
        begun = []
        for number, delivery in enumerate(plan.deliveries):
            if self._stopped.wait(max(0.0, delivery.at - now())):
                break
            begun.append(pool.submit(self._deliver, number, delivery, plan))
        pool.shutdown(wait=False)
        return begun

    def stop(self) -> None:
        """Begin nothing more and repeat nothing more."""
        self._stopped.set()

    def _deliver(self, number: int, delivery: Delivery, plan: Plan) -> None:
        firings = [plan.firings[each] for each in delivery.firings]
        attempt = 0
        while not self._stopped.is_set():
            attempt += 1
            body = (
                poisoned(delivery.poison)
                if delivery.poison
                else self.bodies.of(firings, delivery.status)
            )
            self.journal.note(
                "sent",
                delivery=number,
                firings=list(delivery.firings),
                status=delivery.status,
                poison=delivery.poison,
                attempt=attempt,
            )
            cut = attempt == 1 and "connection-cut" in delivery.faults
            key = self.other_key if delivery.forged else self.api_key
            code, incident_ids, text = self._post(body, key, cut=cut)
            self.journal.note(
                "answered",
                delivery=number,
                firings=list(delivery.firings),
                status=delivery.status,
                poison=delivery.poison,
                forged=delivery.forged,
                code=code,
                incidents=list(incident_ids),
                text=text,
            )
            if code != NO_ANSWER and code < 500 and code != 429:
                return
            if delivery.poison and code == NO_ANSWER and attempt >= _POISON_ATTEMPTS:
                return
            self._stopped.wait(min(_LONGEST_RETRY_SECONDS, _RETRY_SECONDS * _GROWS**attempt))

    def _post(self, body: bytes, key: str, *, cut: bool) -> tuple[int, Sequence[str], str]:
        parts = urlsplit(self.url)
        connection = http.client.HTTPConnection(
            str(parts.hostname), parts.port, timeout=_TIMEOUT_SECONDS
        )
        headers = {"X-Api-Key": key, "Content-Type": "application/json"}
        try:
            connection.request("POST", parts.path, body, headers)
            if cut:  # the body is there, and its answer is never heard
                time.sleep(0.05)
                return NO_ANSWER, (), "cut by the client"
            response = connection.getresponse()
            answer = response.read()
        except (OSError, http.client.HTTPException) as error:
            return NO_ANSWER, (), f"{type(error).__name__}: {error}"
        finally:
            connection.close()
        if response.status != _ACCEPTED:
            return response.status, (), answer.decode(errors="replace")[:300]
        return response.status, tuple(json.loads(answer)["incident_ids"]), ""
