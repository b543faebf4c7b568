"""A ready node that the remediation may close and drain."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from runbook_action.objects import GROUP_LABELS
from tests.integration.runbook_action.drain_scene import beside, kept_ready
from tests.integration.runbook_action.grants import grant, take_back
from tests.integration.runbook_action.support import Place, shipped


@contextmanager
def node_of(place: Place) -> Iterator[str]:
    """Make it, beside another one of its group; the opt-in ClusterRole is installed for it."""
    core = place.core
    name = f"node-of-{place.namespace}"
    rules = shipped("node-remediation/node-remediation-rbac.yaml", "ClusterRole")["rules"]
    # A group of its own: other tests leave nodes behind that nobody runs.
    core.create_node({"metadata": {"name": name, "labels": {GROUP_LABELS[-1]: name}}})
    grant(place.admin, place.namespace, name, rules)
    events = shipped("node-remediation/node-remediation-rbac.yaml", "Role")
    in_default = events["metadata"]["namespace"]
    grant(place.admin, place.namespace, name, events["rules"], namespace=in_default)
    with kept_ready(place, name), beside(place, name):
        # The taints of a node that is not ready come off by themselves: a change under the drain.
        while core.read_node(name).spec.taints:
            time.sleep(0.1)
        yield name
    take_back(place.admin, place.namespace)
    core.delete_node(name)
