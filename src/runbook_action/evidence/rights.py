"""What of a cluster evidence reads: every source's rights, and what finds the alert's object.

``srectl runbooks rbac`` writes them down as Roles. The logs of containers are a right of their own.
"""

from __future__ import annotations

from collections.abc import Sequence

from runbook_action.evidence.scene import Source
from runbook_action.evidence.sources import SOURCES
from runbook_action.evidence.sources.last_words import LastWords
from runbook_action.kinds import KindWord
from runbook_action.ports import Right
from runbook_action.rights import WORKLOADS, rights

_FINDING = "subject"
# What labels of an alert may name, and what owns a pod.
_NAMED: Sequence[KindWord] = (
    *WORKLOADS,
    "replicaset",
    "job",
    "pod",
    "persistentvolumeclaim",
    "horizontalpodautoscaler",
)
FOUND = (
    *(right for kind in _NAMED for right in rights(kind, "get")),
    *rights("node", "get", "list"),  # an exporter's address is looked for among all of them
)


def needs(*, logs: bool) -> dict[Right, list[str]]:
    """Give each right with the sources that need it.

    Parameters
    ----------
    logs
        Of the logs alone, or of all the rest.
    """
    found: dict[Right, list[str]] = {}
    sources: Sequence[Source] = [each for each in SOURCES if (each.name == LastWords.name) == logs]
    for right in () if logs else FOUND:
        found.setdefault(right, []).append(_FINDING)
    for source in sources:
        for right in source.rights:
            found.setdefault(right, []).append(source.name)
    return found
