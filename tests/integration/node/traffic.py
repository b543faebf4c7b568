"""Clients that send requests to the pods that are ready and not ending.

That is the rule by which a Service's endpoints become ready. EndpointSlices themselves stay empty
on one machine: the API server refuses loopback addresses in them.
"""

from __future__ import annotations

import http.client
import itertools
import threading
import time
from dataclasses import dataclass, field
from typing import Self

from tests.integration.node.support import Api

_REFRESH_SECONDS = 0.1


@dataclass
class Traffic:
    """Sends requests in the background; a context manager."""

    kube: Api
    namespace: str
    path: str = "/"
    failures: list[str] = field(default_factory=list)
    answers: dict[str, int] = field(default_factory=dict)
    _addresses: list[str] = field(default_factory=list)
    _stop: threading.Event = field(default_factory=threading.Event)
    _threads: list[threading.Thread] = field(default_factory=list)

    def __enter__(self) -> Self:
        self._refresh()
        self._threads = [
            threading.Thread(target=self._follow),
            *(threading.Thread(target=self._send, args=(start,)) for start in range(3)),
        ]
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _refresh(self) -> None:
        self._addresses = [pod.status.pod_ip for pod in self.kube.ready_pods(self.namespace)]

    def _follow(self) -> None:
        while not self._stop.wait(_REFRESH_SECONDS):
            self._refresh()

    def _send(self, start: int) -> None:
        for number in itertools.count(start):
            if self._stop.wait(0.03):
                return
            addresses = self._addresses
            if not addresses:
                self.failures.append("no ready pod")
                continue
            address = addresses[number % len(addresses)]
            connection = http.client.HTTPConnection(address, 8080, timeout=10)
            try:
                connection.request("GET", self.path)
                response = connection.getresponse()
                name = response.read().decode()
                if response.status != 200:
                    self.failures.append(f"{address}: {response.status}")
                self.answers[name] = self.answers.get(name, 0) + 1
            except (OSError, http.client.HTTPException) as error:
                self.failures.append(f"{time.monotonic():.1f} {address}: {error!r}")
            finally:
                connection.close()
