"""The stack's foreign binaries: Kubernetes, etcd, Prometheus, Alertmanager.

Looked for in ``KUBEBUILDER_ASSETS``, then in the cache; else built once into the cache from the
pinned Go modules in ``modules/``.
"""

from srectl.local.binaries.components import COMPONENTS, Component
from srectl.local.binaries.errors import BinaryUnavailable
from srectl.local.binaries.locate import find

__all__ = ["COMPONENTS", "BinaryUnavailable", "Component", "find"]
