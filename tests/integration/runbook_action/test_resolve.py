"""From an alert to its object on a real API server, with the shipped rights and nothing more."""

from __future__ import annotations

from typing import Any

import pytest
from kubernetes import client

from runbook_action.actions import REGISTRY
from runbook_action.errors import ActionRefused, TargetNotFound
from runbook_action.facts import facts_of
from runbook_action.resolve import Policy, parse_resolve, resolve
from tests.integration.runbook_action.support import INCIDENT, Place

pytestmark = pytest.mark.kubernetes


def resolved(place: Place, labels: dict[str, str], **target: Any) -> dict[str, Any]:
    wanted = target or {
        "from_alert": "workload",
        "namespaces": [place.namespace],
        "names": ["check*"],
    }
    asked = parse_resolve(
        {
            "runbook": {
                "name": "Mend",
                "action": "restart_workload",
                "target": wanted,
                "on_failure": "undo",
            },
            "alert": {"labels": {"namespace": place.namespace, **labels}},
            "incident_id": INCIDENT,
        }
    )
    policy = Policy({"c": "c"}, "c", frozenset({place.namespace}))
    return resolve(asked, REGISTRY, policy, lambda _: place.services())


def pod_of(place: Place) -> str:
    return str(place.core.list_namespaced_pod(place.namespace).items[0].metadata.name)


def test_a_pod_leads_through_its_replicaset_to_its_deployment(unchanged_place: Place) -> None:
    place = unchanged_place
    answer = resolved(place, {"pod": pod_of(place)})
    assert answer["locks"] == [f"target#c#{place.namespace}#deployment#checkout"]
    assert answer == resolved(place, {"deployment": "checkout"})


def test_a_pod_that_has_gone_leads_nowhere(unchanged_place: Place) -> None:
    with pytest.raises(TargetNotFound, match="checkout-gone has gone"):
        resolved(unchanged_place, {"pod": "checkout-gone"})


def test_a_named_target_is_compared_with_the_pod_of_the_alert(unchanged_place: Place) -> None:
    place = unchanged_place
    named = {"kind": "deployment", "namespace": place.namespace, "name": "checkout"}
    assert resolved(place, {"pod": pod_of(place)}, **named)["target"]["name"] == "checkout"
    with pytest.raises(ActionRefused, match=rf"staging.* acts on deployment {place.namespace}/"):
        resolved(place, {"namespace": "staging"}, **named)


def test_a_pod_that_has_gone_is_of_who_is_there_and_gives_such_names(place: Place) -> None:
    named = {"kind": "deployment", "namespace": place.namespace, "name": "checkout"}
    (hash_of,) = {
        each.metadata.labels["pod-template-hash"]
        for each in place.core.list_namespaced_pod(place.namespace).items
    }
    for middle in (hash_of, "db"):
        gone = {"pod": f"checkout-{middle}-x7k2p"}
        assert resolved(place, gone, **named)["target"]["name"] == "checkout"
    pods = {"restartPolicy": "Never", "containers": [{"name": "main", "image": "none/none:1"}]}
    batch: Any = client.BatchV1Api(place.admin)
    batch.create_namespaced_job(
        place.namespace,
        {
            "metadata": {"name": "checkout-db"},
            "spec": {"suspend": True, "template": {"spec": pods}},
        },
    )
    with pytest.raises(ActionRefused, match=rf"is of Job {place.namespace}/checkout-db, and"):
        resolved(place, {"pod": "checkout-db-x7k2p"}, **named)


def test_a_namespace_may_refuse_and_the_shipped_rights_let_it_be_asked(place: Place) -> None:
    labels = {"deployment": "checkout"}
    assert resolved(place, labels)["status"] == "resolved"
    place.core.patch_namespace(
        place.namespace, {"metadata": {"annotations": {"sre-platform/remediation": "off"}}}
    )
    with pytest.raises(ActionRefused, match=f"Namespace {place.namespace} refuses"):
        resolved(place, labels)


def test_the_facts_of_a_deployment_are_known_with_the_shipped_rights(
    unchanged_place: Place,
) -> None:
    place = unchanged_place
    facts = facts_of(place.request("restart_deployment", "plan"), place.services())
    assert 0 <= facts.pop("last_rollout_age_seconds") < 600
    assert facts == {
        "replicas": 3,
        "ready_replicas": 3,
        "last_end_reasons": [],
        "restarts": 0,
        "autoscaler_at_maximum": False,
    }
