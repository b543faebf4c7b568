"""The stack's foreign binaries: Kubernetes, etcd, Prometheus, Alertmanager.

Looked for in ``KUBEBUILDER_ASSETS``, then in the cache; else built once into the cache from the
pinned Go modules in ``modules/``. ``python -m srectl.local.binaries`` gets all of them.
"""

from srectl.local.binaries.build import ensure
from srectl.local.binaries.components import COMPONENTS, Component
from srectl.local.binaries.errors import BinaryUnavailable
from srectl.local.binaries.locate import find
from srectl.local.binaries.progress import BuildProgress, showing

__all__ = [
    "COMPONENTS",
    "BinaryUnavailable",
    "BuildProgress",
    "Component",
    "ensure",
    "find",
    "showing",
]
