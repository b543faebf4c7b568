"""The shipped Role: the probe asks for each right of it, and it grants nothing beyond."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import Any

import pytest
from kubernetes import client

from runbook_action.actions import REGISTRY
from runbook_action.errors import AccessDenied
from runbook_action.outcome import Outcome
from tests.integration.runbook_action.support import Place, shipped
from tests.support.waiting import eventually

pytestmark = pytest.mark.kubernetes


def probe(place: Place) -> Outcome:
    action = REGISTRY["probe_cluster"]
    return action.execute(place.request("probe_cluster"), place.services())


def rules() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = shipped("base/remediation-rbac.yaml", "Role")["rules"]
    return copy.deepcopy(found)


def set_rules(place: Place, wanted: list[dict[str, Any]]) -> None:
    rbac: Any = client.RbacAuthorizationV1Api(place.admin)
    rbac.patch_namespaced_role("checkout-remediation", place.namespace, {"rules": wanted})


@pytest.fixture(scope="module")
def ruled_place(open_place: Callable[[], AbstractContextManager[Place]]) -> Iterator[Place]:
    """A namespace in which tests change the Role, one after the other."""
    with open_place() as place:
        yield place


def refusal(place: Place) -> str:
    """What the probe finds missing; empty where it has all."""
    try:
        probe(place)
    except AccessDenied as error:
        return str(error)
    return ""


@pytest.mark.parametrize(
    ("resource", "verb"),
    [
        (resource, verb)
        for rule in rules()
        for resource in rule["resources"]
        for verb in rule["verbs"]
    ],
)
def test_without_one_right_of_the_shipped_role_the_probe_says_which(
    ruled_place: Place, resource: str, verb: str
) -> None:
    fewer = rules()
    for rule in fewer:
        if resource in rule["resources"]:
            rule["verbs"].remove(verb)
    set_rules(ruled_place, [rule for rule in fewer if rule["verbs"]])
    # The API server takes up what it is told of Roles a moment later.
    said = f"let remediation {verb} {resource}."
    eventually("the probe misses it, and nothing else", lambda: said in refusal(ruled_place))


def test_with_the_shipped_role_the_probe_finds_every_right(ruled_place: Place) -> None:
    set_rules(ruled_place, rules())
    eventually("the probe misses nothing", lambda: not refusal(ruled_place))
    assert probe(ruled_place).status == "unchanged"


@pytest.mark.parametrize(
    ("verb", "group", "resource", "namespace"),
    [
        ("delete", "apps", "deployments", None),
        ("create", "apps", "deployments", None),
        ("update", "apps", "deployments", None),
        ("list", "events.k8s.io", "events", None),
        ("create", "events.k8s.io", "events", "default"),
        ("get", "", "secrets", None),
        ("list", "", "secrets", None),
        ("delete", "", "pods", None),
        ("create", "", "pods/exec", None),
        ("create", "", "pods", None),
        ("create", "", "pods/eviction", "kube-system"),
        ("patch", "", "pods", None),
        ("create", "", "persistentvolumeclaims", None),
        ("delete", "", "persistentvolumeclaims", None),
        ("delete", "batch", "jobs", None),
        ("create", "batch", "cronjobs", None),
        ("patch", "apps", "daemonsets", None),
        ("get", "apps", "deployments", "default"),
        ("patch", "apps", "deployments", "kube-system"),
        ("patch", "", "nodes", ""),
        ("create", "rbac.authorization.k8s.io", "rolebindings", None),
    ],
)
def test_nothing_beyond_it_is_allowed(
    unchanged_place: Place, verb: str, group: str, resource: str, namespace: str | None
) -> None:
    place = unchanged_place
    access: Any = client.AuthorizationV1Api(place.admin)
    name, _, subresource = resource.partition("/")
    review = access.create_subject_access_review(
        {
            "spec": {
                "user": "system:serviceaccount:apps:checkout-remediation",
                "resourceAttributes": {
                    "verb": verb,
                    "group": group,
                    "resource": name,
                    "subresource": subresource,
                    "namespace": place.namespace if namespace is None else namespace,
                },
            }
        }
    )
    assert not review.status.allowed
