"""What evidence is gathered with, beside the cluster: logs, numbers of a monitoring, a store.

All of them raise only the errors of ``runbook_action.errors``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from runbook_action.ports import Catalogue, Cluster


class Logs(Protocol):
    """The logs of a cluster's containers: a right of its own, which may be missing."""

    def tail(
        self, namespace: str, pod: str, container: str, *, previous: bool, lines: int, most: int
    ) -> str:
        """Read the end of a container's log.

        Parameters
        ----------
        previous
            Of the run before the current one.
        lines
            How many from the end, each with its time.
        most
            Bytes of them at most, counted from the first of these lines.

        Raises
        ------
        AccessDenied
            If the deployment leaves out the right to read logs.
        ClusterRejected, TargetNotFound
            If there is no such log (any more).
        """


@dataclass(frozen=True)
class Measured:
    """What a monitoring says of an alert.

    Attributes
    ----------
    numbers
        JSON-able: the alert's own query and its neighbours.
    picture
        A small SVG, or empty.
    finding
        The most telling of it as a plain sentence without a full stop, or empty.
    """

    numbers: Mapping[str, Any]
    picture: str = ""
    finding: str = ""


class Measurements(Protocol):
    """A monitoring that can be asked for the numbers around an alert."""

    def about(self, alert: Mapping[str, Any], since: datetime) -> Measured:
        """Ask for them.

        Parameters
        ----------
        alert
            ``data`` of ``incident.created``: text of others, never a part of a query as it stands.
        since
            When the alert began.
        """


class Store(Protocol):
    """Where the whole evidence of an incident is kept."""

    def keep(self, incident_id: str, document: bytes) -> str:
        """Keep it, over what was kept of the incident before; give the key that it lies under."""


@dataclass(frozen=True)
class Tools:
    """What a collection uses.

    Attributes
    ----------
    measurements
        None where no monitoring can be asked.
    store
        None where the deployment keeps no evidence: then there are findings only.
    """

    cluster: Cluster
    logs: Logs
    catalogue: Catalogue
    measurements: Measurements | None = None
    store: Store | None = None
