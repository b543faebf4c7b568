"""The shipped admission policy, write by write: what an action writes passes, anything else not.

Remediation is made an admin here, so that nothing but the policy can refuse. Every write is a dry
run: it is admitted or refused as a real one, and changes nothing.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from kubernetes import client

from tests.integration.kubernetes_fixtures import KubernetesApi
from tests.integration.runbook_action.admission.copies import run_again
from tests.integration.runbook_action.admission.held import shipped_policies
from tests.integration.runbook_action.admission.scene import (
    Scene,
    spec_of_a_workload,
    template,
)
from tests.integration.runbook_action.admission.writes import ALLOWED, FORBIDDEN, TEMPLATE
from tests.integration.runbook_action.support import admin_api

pytestmark = pytest.mark.kubernetes


def refused(write: Callable[[], Any]) -> str:
    with pytest.raises(client.ApiException) as caught:
        write()
    said = str(caught.value.body)
    assert caught.value.status == 403, said
    assert "ValidatingAdmissionPolicy 'sre-remediation-" in said
    return said


@pytest.mark.parametrize("write", list(ALLOWED))
def test_what_an_action_writes_is_let_through(scene: Scene, write: str) -> None:
    ALLOWED[write](scene)


@pytest.mark.parametrize("write", list(FORBIDDEN))
def test_what_no_action_writes_is_refused(scene: Scene, write: str) -> None:
    why, act = FORBIDDEN[write]
    assert why in refused(lambda: act(scene))


def test_what_another_writes_is_none_of_its_business(scene: Scene) -> None:
    scene.put_template("deployment", template("evil.example/any:1"), by=scene.admin)


def test_where_no_job_is_run_again_there_is_nothing_to_copy(scene: Scene) -> None:
    with pytest.raises(client.ApiException, match=r"sre-remediation-copies.*no params found"):
        run_again(scene, where="default")


def test_the_group_of_the_access_entry_is_held_like_the_account(
    control_plane: KubernetesApi, scene: Scene
) -> None:
    rbac: Any = client.RbacAuthorizationV1Api(scene.admin)
    api = "rbac.authorization.k8s.io"
    group = "sre:checkout-remediation"
    rbac.create_namespaced_role_binding(
        scene.namespace,
        {
            "metadata": {"name": "too-much"},
            "roleRef": {"apiGroup": api, "kind": "ClusterRole", "name": "admin"},
            "subjects": [{"kind": "Group", "name": group, "apiGroup": api}],
        },
    )
    caller = admin_api(control_plane.kubeconfig)
    caller.set_default_header("Impersonate-User", "arn:aws:sts::000000000000:assumed-role/x/y")
    caller.set_default_header("Impersonate-Group", group)
    scene.patch("deployment", {"spec": {"replicas": 4}}, by=caller)
    write = copy.deepcopy(template("evil.example/any:1"))
    assert TEMPLATE in refused(lambda: scene.put_template("deployment", write, by=caller))


def test_the_last_five_templates_are_written_down_and_each_once(scene: Scene) -> None:
    apps: Any = client.AppsV1Api(scene.admin)
    apps.create_namespaced_deployment(
        scene.namespace, {"metadata": {"name": "often"}, **spec_of_a_workload()}
    )

    def release(number: int) -> dict[str, str]:
        body = [
            {"op": "replace", "path": "/spec/template", "value": template(f"t.example/a:{number}")}
        ]
        done = apps.patch_namespaced_deployment("often", scene.namespace, body)
        return {
            key: value
            for key, value in done.metadata.annotations.items()
            if key.startswith("sre-platform/ran-")
        }

    for number in range(1, 8):
        ran = release(number)
    assert [f't.example/a:{n}"' in ran[f"sre-platform/ran-{7 - n}"] for n in range(6, 1, -1)] == [
        True
    ] * 5
    assert len(ran) == 5
    assert release(6).keys() == ran.keys()
    again = release(7)
    assert len(set(again.values())) == 5, "what is written down already is not written twice"


def test_what_the_pods_say_to_this_platform_is_not_taken_away(scene: Scene) -> None:
    apps: Any = client.AppsV1Api(scene.admin)
    body: dict[str, Any] = {"metadata": {"name": "refusing"}, **spec_of_a_workload()}
    body["spec"]["template"]["metadata"]["annotations"] = {"sre-platform/remediation": "off"}
    apps.create_namespaced_deployment(scene.namespace, body)
    held: Any = client.AppsV1Api(scene.held)

    def annotate(annotations: dict[str, str | None]) -> Any:
        pods = {"spec": {"template": {"metadata": {"annotations": annotations}}}}
        return held.patch_namespaced_deployment("refusing", scene.namespace, pods, dry_run="All")

    annotate({"sre-platform/restarted-for": "x", "sre-platform/undone-for": "x"})
    for value in (None, "on"):
        write = partial(annotate, {"sre-platform/remediation": value})
        assert "says to this platform" in refused(write)


def test_remediation_rolls_back_with_five_written_down_and_forgets_none_of_its_own(
    scene: Scene,
) -> None:
    apps: Any = client.AppsV1Api(scene.admin)
    held: Any = client.AppsV1Api(scene.held)
    apps.create_namespaced_deployment(
        scene.namespace, {"metadata": {"name": "full"}, **spec_of_a_workload()}
    )

    def release(number: int, by: Any) -> Any:
        wanted = template(f"t.example/a:{number}")
        body = [{"op": "replace", "path": "/spec/template", "value": wanted}]
        return by.patch_namespaced_deployment("full", scene.namespace, body).metadata.annotations

    for number in range(1, 7):
        release(number, apps)
    newest = release(7, apps)["sre-platform/ran-1"]
    for value in (newest, None):
        body = {"metadata": {"annotations": {f"sre-platform/ran-{n}": value for n in range(1, 6)}}}
        write = partial(held.patch_namespaced_deployment, "full", scene.namespace, body)
        assert "takes nothing away" in refused(write)
    release(4, held)
    release(6, held)


def test_it_fails_closed_and_says_why() -> None:
    policies = [each for each in shipped_policies() if each["kind"] == "ValidatingAdmissionPolicy"]
    assert len(policies) == 2
    for policy in policies:
        assert policy["spec"]["failurePolicy"] == "Fail"
        assert all(rule["reason"] == "Forbidden" for rule in policy["spec"]["validations"])
