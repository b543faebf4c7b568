"""What a workload says that it depends on.

As a label, one workload of its own namespace; as an annotation, several, and elsewhere:
``sre-platform/depends-on: "orders, statefulset/stock, data/statefulset/ledger"``.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from runbook_action.objects import KubernetesObject
from runbook_action.request import NAME, NAMESPACE
from runbook_action.rights import WORKLOADS
from runbook_action.steps import WORKLOADS as KINDS

#: Key of both, the label and the annotation.
DEPENDS_ON = "sre-platform/depends-on"
#: So many entries of one workload count; what comes after them is left out.
MOST = 8
_ENTRY = re.compile(r"(?:(?:([^/]+)/)?([^/]+)/)?([^/]+)")


@dataclass(frozen=True)
class Dependency:
    """One workload that is named: nobody has looked whether it is there."""

    kinds: Sequence[str]
    namespace: str
    name: str


def dependencies(subject: KubernetesObject) -> Sequence[Dependency]:
    """Give what an object depends on, in the order it says; what is no name is left out.

    Examples
    --------
    >>> web = {"kind": "Deployment", "metadata": {"namespace": "apps", "name": "web",
    ...     "labels": {"sre-platform/depends-on": "orders"}}}
    >>> dependencies(KubernetesObject(web))[0].name
    'orders'
    """
    texts = (subject.labels.get(DEPENDS_ON), subject.annotations.get(DEPENDS_ON))
    entries = [entry.strip() for text in texts if text for entry in str(text).split(",")]
    found = (_read(entry, subject.namespace) for entry in entries)
    return [each for each in dict.fromkeys(found) if each is not None][:MOST]


def _read(entry: str, own: str) -> Dependency | None:
    parts = _ENTRY.fullmatch(entry)
    if not parts:
        return None
    namespace, kind, name = parts[1] or own, parts[2], parts[3]
    if not NAME.fullmatch(name) or not NAMESPACE.fullmatch(namespace):
        return None
    if kind is None:
        return Dependency(KINDS, namespace, name)
    return Dependency((kind,), namespace, name) if kind in WORKLOADS else None
