"""Watchdog: the alert that always fires, by which a cluster's monitoring shows that it is alive.

kube-prometheus ships it, Alertmanager repeats it every minute, and here it is counted for its
cluster instead of becoming an incident: what rings is its absence. Clusters are those that the
deployment names, each with the sender that may speak for it: no sender makes metrics without end,
and none covers up the silence of another's cluster (docs/adr/0023-watchdog.md).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from alert_ingest.model import Alert, Reading

_NAME = "Watchdog"
_SENDER_FORMAT = "alertmanager"
# Severity of what is never to call anybody; Watchdog with another one is somebody's own alert.
_SEVERITY = "none"
_ENTRY = re.compile(r"([0-9A-Za-z][0-9A-Za-z_-]{0,99})(?:=([a-z][a-z0-9-]{0,31}))?")


@dataclass(frozen=True, slots=True)
class Heard:
    """What heartbeats a body had.

    Attributes
    ----------
    clusters
        Those whose monitoring is alive, each once, by name.
    ignored
        Why others were not counted, each once.
    """

    clusters: tuple[str, ...] = ()
    ignored: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.clusters or self.ignored)


@dataclass(frozen=True, slots=True)
class Watched:
    """The clusters whose heartbeats are counted.

    Attributes
    ----------
    by_cluster
        Name of the sender that may speak for each; empty for keys without a name.
    """

    by_cluster: Mapping[str, str] = field(default_factory=dict)

    def take(self, reading: Reading, sender_name: str) -> tuple[Reading, Heard]:
        """Take the heartbeats out of what was read.

        Parameters
        ----------
        reading
            Of one body.
        sender_name
            Name that belongs to the key it came with; empty for a key without one.

        Returns
        -------
        tuple
            The reading without them, and what they were.
        """
        beats = [alert for alert in reading.alerts if _is_heartbeat(alert)]
        if not beats:
            return reading, Heard()
        clusters: dict[str, None] = {}
        ignored: dict[str, None] = {}
        for alert in beats:
            cluster = alert.target.cluster
            # The end of one says that its Prometheus is gone: from here on there is silence.
            if alert.status != "firing":
                ignored["it has ended"] = None
            elif cluster is None:
                ignored["it has no label cluster (external_labels of its Prometheus)"] = None
            elif cluster not in self.by_cluster:
                ignored["its cluster is in no parameter Heartbeat1 to Heartbeat4"] = None
            elif self.by_cluster[cluster] != sender_name:
                ignored["the key is not that of the sender that speaks for its cluster"] = None
            else:
                clusters[cluster] = None
        others = tuple(alert for alert in reading.alerts if not _is_heartbeat(alert))
        return replace(reading, alerts=others), Heard(tuple(clusters), tuple(ignored))


def _is_heartbeat(alert: Alert) -> bool:
    return (
        alert.alert_name == _NAME
        and alert.sender == _SENDER_FORMAT
        and alert.labels.get("severity") == _SEVERITY
    )


def watched_from(text: str) -> Watched:
    """Read which clusters are watched.

    Parameters
    ----------
    text
        ``CLUSTER`` or ``CLUSTER=SENDER``, separated by commas; a place may be empty.

    Raises
    ------
    ValueError
        Says which place is wrong.
    """
    found: dict[str, str] = {}
    for place, entry in enumerate(part.strip() for part in text.split(",")):
        if not entry:
            continue
        matched = _ENTRY.fullmatch(entry)
        if matched is None or matched[1] in found:
            raise ValueError(f"place {place + 1}, {entry!r}, is not CLUSTER or CLUSTER=SENDER")
        found[matched[1]] = matched[2] or ""
    return Watched(found)
