"""How long our drain takes against ``kubectl drain``: the same node, budgets and control plane.

Run by ``make bench-drain``. Both drain a node with thirty pods under three disruption budgets,
in turns, and the other one first in every second round. It starts a control plane of its own. It
prints numbers and judges none: a busy machine is slow for both.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from kubernetes import client

from onemachine.binaries import find
from onemachine.kubernetes import ControlPlane
from runbook_action.actions import REGISTRY
from runbook_action.adapters.cluster import KubernetesCluster
from runbook_action.objects import GROUP_LABELS
from runbook_action.request import Target
from tests.integration.kubernetes_fixtures import start_control_plane
from tests.integration.runbook_action.drain_scene import (
    BUDGETS,
    PODS_EACH,
    beside,
    kept_ready,
    populate,
)
from tests.integration.runbook_action.support import Place, PodStatuses, TokenAccess, admin_api

TIMEOUT_SECONDS = 600


@contextmanager
def scene(plane: ControlPlane, name: str) -> Iterator[Place]:
    """A namespace, a node of the same name with the pods on it, and an admin's token."""
    admin = admin_api(plane.admin_kubeconfig)
    core: Any = client.CoreV1Api(admin)
    rbac: Any = client.RbacAuthorizationV1Api(admin)
    core.create_namespace({"metadata": {"name": name}})
    core.create_namespaced_service_account(name, {"metadata": {"name": "drainer"}})
    role = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "cluster-admin"}
    subjects = [{"kind": "ServiceAccount", "name": "drainer", "namespace": name}]
    rbac.create_cluster_role_binding(
        {"metadata": {"name": name}, "roleRef": role, "subjects": subjects}
    )
    token = core.create_namespaced_service_account_token(
        "drainer", name, {"spec": {"audiences": [], "expirationSeconds": 3600}}
    ).status.token
    access = TokenAccess(plane.endpoint, plane.ca_pem, token)
    statuses = PodStatuses(plane.admin_kubeconfig, name)
    place = Place(admin, name, access, KubernetesCluster(access, "bench"), statuses)
    core.create_node({"metadata": {"name": name, "labels": {GROUP_LABELS[-1]: name}}})
    statuses.start()
    try:
        with kept_ready(place, name), beside(place, name):
            populate(place, name)
            yield place
    finally:
        # The pods first, while there is still something that lets them go.
        for app in BUDGETS:
            place.apps.delete_namespaced_deployment(app, name)
        while core.list_namespaced_pod(name).items:
            time.sleep(0.2)
        statuses.stop()
        core.delete_namespace(name)
        core.delete_node(name)


def ours(plane: ControlPlane, place: Place) -> None:
    """Drain with the action, in one call."""
    action = REGISTRY["drain_node"]
    asked = place.request(action.name, parameters={"deadline_seconds": TIMEOUT_SECONDS})
    asked = replace(asked, target=Target(None, None, "node", place.namespace))
    outcome = action.execute(asked, place.services(seconds=TIMEOUT_SECONDS))
    if outcome.status != "succeeded":
        raise SystemExit(f"our drain did not come to its end: {outcome.summary}")


def kubectl_drain(plane: ControlPlane, place: Place) -> None:
    """Drain with kubectl, by its defaults."""
    kubectl = str(find("kubernetes") / "kubectl")
    command = [kubectl, f"--kubeconfig={plane.admin_kubeconfig}", "drain", place.namespace]
    command += ["--ignore-daemonsets", f"--timeout={TIMEOUT_SECONDS}s"]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"kubectl drain failed: {done.stderr}")


def main() -> None:
    """Run the rounds and print each one, the medians and their ratio."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--rounds", type=int, default=3, help="rounds of both (default: 3)")
    rounds: int = parser.parse_args().rounds
    drains: dict[str, Callable[[ControlPlane, Place], None]] = {
        "runbook-action": ours,
        "kubectl drain": kubectl_drain,
    }
    seconds: dict[str, list[float]] = {name: [] for name in drains}
    pods = PODS_EACH * len(BUDGETS)
    print(f"A node with {pods} pods under {len(BUDGETS)} disruption budgets, seconds to drain it:")
    with tempfile.TemporaryDirectory(prefix="bench-drain-") as folder:
        started = start_control_plane(Path(folder))
        try:
            for number in range(rounds):
                turns = list(drains) if number % 2 == 0 else list(reversed(drains))
                for turn, name in enumerate(turns):
                    with scene(started.plane, f"bench-{number}-{turn}") as place:
                        began = time.perf_counter()
                        drains[name](started.plane, place)
                        seconds[name].append(time.perf_counter() - began)
                    print(f"  round {number + 1}  {name:<15} {seconds[name][-1]:6.1f}", flush=True)
        finally:
            started.launcher.stop()
    medians = {name: statistics.median(each) for name, each in seconds.items()}
    for name, median in medians.items():
        print(f"  median   {name:<15} {median:6.1f}")
    ratio = medians["runbook-action"] / medians["kubectl drain"]
    print(f"  ratio    {ratio:.2f} (below 1: runbook-action is faster)")


if __name__ == "__main__":
    main()
