"""A field that the API of Kubernetes does not have is no field of a manifest."""

from __future__ import annotations

from typing import Any

import pytest
from kubernetes.client import models

from srectl.rehearsal.cases import MANIFESTS
from srectl.runbooks.api_fields import FIELDS
from srectl.runbooks.schema import faults_of

DEPLOYMENT = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "a"}}


@pytest.mark.parametrize("model", FIELDS)
def test_the_fields_are_those_of_the_client(model: str) -> None:
    assert FIELDS[model] == set(getattr(models, model).attribute_map.values())


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"spec": {"replica": 3}}, "/spec/replica: {}did you mean replicas?"),
        ({"spec": {}, "stauts": {}}, "/stauts: {}did you mean status?"),
        ({"spec": {}, "status": {"x": 0}}, "/status/x: {}there is availableReplicas, "),
        (
            {"spec": {"template": {"spec": {"containers": [{"name": "a", "imag": "x"}]}}}},
            "/spec/template/spec/containers/0/imag: {}did you mean image?",
        ),
        (
            {"spec": {"strategy": {"rollingUpdate": {"maxSurges": 1}}}},
            "/spec/strategy/rollingUpdate/maxSurges: {}did you mean maxSurge?",
        ),
    ],
)
def test_an_unknown_field_is_refused_at_its_place(more: dict[str, Any], said: str) -> None:
    (fault,) = faults_of({**DEPLOYMENT, **more}, MANIFESTS)
    assert str(fault).startswith(said.format("the API of Kubernetes has no such field here: "))


def test_what_no_action_looks_at_is_a_field_all_the_same() -> None:
    spec = {"revisionHistoryLimit": 3, "template": {"spec": {"affinity": {"anything": 1}}}}
    assert faults_of({**DEPLOYMENT, "spec": spec}, MANIFESTS) == []
