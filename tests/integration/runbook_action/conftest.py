"""A namespace with a ready Deployment and the remediation's own rights in it."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from kubernetes import client

from runbook_action.adapters.cluster import KubernetesCluster
from tests.integration.kubernetes_fixtures import KubernetesApi
from tests.integration.runbook_action.admission.held import REMEDIATION_ACCOUNT, hold_remediation
from tests.integration.runbook_action.grants import grant, take_back
from tests.integration.runbook_action.node_scene import node_of
from tests.integration.runbook_action.support import (
    Place,
    PodStatuses,
    TokenAccess,
    admin_api,
    shipped,
)

_numbers = itertools.count(1)
APPS = Path(__file__).parents[3] / "eks" / "apps"


@pytest.fixture(scope="session")
def admin(control_plane: KubernetesApi) -> Any:
    """The API as its admin; remediation is held there by the shipped policies."""
    found = admin_api(control_plane.kubeconfig)
    hold_remediation(control_plane.kubeconfig)
    return found


@pytest.fixture(scope="session")
def open_place(
    control_plane: KubernetesApi, admin: Any
) -> Callable[[], AbstractContextManager[Place]]:
    """Opens a namespace for as long as it is needed."""
    return partial(_opened, control_plane, admin)


@pytest.fixture
def place(control_plane: KubernetesApi, admin: Any) -> Iterator[Place]:
    """A namespace of the test's own."""
    with _opened(control_plane, admin) as found:
        yield found


@pytest.fixture
def bare_place(control_plane: KubernetesApi, admin: Any) -> Iterator[Place]:
    """A namespace of the test's own with nothing in it."""
    with _opened(control_plane, admin, deployment=False) as found:
        yield found


@pytest.fixture(scope="module")
def unchanged_place(control_plane: KubernetesApi, admin: Any) -> Iterator[Place]:
    """A namespace that tests only look at."""
    with _opened(control_plane, admin) as found:
        yield found


@contextmanager
def _opened(
    control_plane: KubernetesApi, admin: Any, *, deployment: bool = True
) -> Iterator[Place]:
    namespace = f"remediation-{next(_numbers)}"
    core: Any = client.CoreV1Api(admin)
    core.create_namespace({"metadata": {"name": namespace}})
    rules = shipped("base/remediation-rbac.yaml", "Role")["rules"]
    grant(admin, namespace, "checkout-remediation", rules, namespace=namespace)
    token = core.create_namespaced_service_account_token(
        REMEDIATION_ACCOUNT["name"],
        REMEDIATION_ACCOUNT["namespace"],
        {"spec": {"audiences": [], "expirationSeconds": 3600}},
    ).status.token
    access = TokenAccess(control_plane.endpoint, control_plane.ca_pem, token)
    statuses = PodStatuses(control_plane.kubeconfig, namespace)
    found = Place(admin, namespace, access, KubernetesCluster(access, "test"), statuses)
    statuses.start()
    if deployment:
        found.create_deployment()
        found.wait_until_ready()
    yield found
    statuses.stop()
    take_back(admin, namespace)
    if control_plane.given:
        core.delete_namespace(namespace)
    else:
        _empty(admin, namespace)


def _empty(admin: Any, namespace: str) -> None:
    """Take away what makes pods; the namespace ends with its API server.

    To delete it, Kubernetes looks for objects of each of its seventy kinds, twice: a fifth of the
    time that these tests compute.
    """
    scaling: Any = client.AutoscalingV2Api(admin)
    apps: Any = client.AppsV1Api(admin)
    batch: Any = client.BatchV1Api(admin)
    core: Any = client.CoreV1Api(admin)
    for delete in (
        scaling.delete_collection_namespaced_horizontal_pod_autoscaler,
        apps.delete_collection_namespaced_deployment,
        apps.delete_collection_namespaced_stateful_set,
        apps.delete_collection_namespaced_daemon_set,
        batch.delete_collection_namespaced_cron_job,
        batch.delete_collection_namespaced_job,
        core.delete_collection_namespaced_pod,
    ):
        delete(namespace, propagation_policy="Background", grace_period_seconds=0)


@pytest.fixture
def node(place: Place) -> Iterator[str]:
    """A ready node that the remediation may drain: the opt-in ClusterRole is installed for it."""
    with node_of(place) as name:
        yield name
