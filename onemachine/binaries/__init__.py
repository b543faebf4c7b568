"""The stack's foreign binaries: Kubernetes, etcd, Prometheus, Alertmanager, kube-state-metrics.

Looked for in ``KUBEBUILDER_ASSETS``, then in the cache; else brought into the cache once, from the
publishers' official releases or, where those cannot be had, built from the pinned Go modules in
``modules/``; kube-state-metrics, of which its publisher releases no binary, is always built.
``python -m onemachine.binaries`` gets all of them.
"""

from onemachine.binaries.components import COMPONENTS, Component
from onemachine.binaries.errors import BinaryUnavailable
from onemachine.binaries.locate import find
from onemachine.binaries.progress import BuildProgress, showing
from onemachine.binaries.provide import ensure

__all__ = [
    "COMPONENTS",
    "BinaryUnavailable",
    "BuildProgress",
    "Component",
    "ensure",
    "find",
    "showing",
]
