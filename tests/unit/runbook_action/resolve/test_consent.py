"""An annotation refuses remediation, or with a stack parameter allows it."""

from __future__ import annotations

import pytest

from runbook_action.errors import AccessDenied, ActionRefused
from runbook_action.kinds import KindWord
from tests.unit.runbook_action.resolve.scene import (
    CHECKOUT,
    annotate,
    from_alert,
    resolved,
    runbook,
    scene,
    stored,
)

POD = {"namespace": "apps", "pod": "checkout-1-a"}


@pytest.mark.parametrize("value", ["off", "false", "Off", ""])
@pytest.mark.parametrize(
    ("kind", "name"),
    [("deployment", "checkout"), ("namespace", "apps"), ("pod", "checkout-1-a")],
)
def test_what_refuses_is_not_acted_on(kind: KindWord, name: str, value: str) -> None:
    world = scene()
    annotate(world, kind, name, value)
    with pytest.raises(ActionRefused, match="sre-platform/remediation"):
        resolved(world, runbook(from_alert("pod")), POD)


def test_a_named_target_may_refuse_too() -> None:
    world = scene()
    annotate(world, "deployment", "checkout", "off")
    with pytest.raises(ActionRefused, match="Deployment apps/checkout refuses"):
        resolved(world, runbook(CHECKOUT), {})


# What is acted on → what has a say in it: its owners, and what it governs.
FAMILIES: list[tuple[KindWord, str, KindWord, str]] = [
    ("job", "export-1", "cronjob", "export"),
    ("pod", "export-1-x", "job", "export-1"),
    ("pod", "export-1-x", "cronjob", "export"),
    ("pod", "db-0", "statefulset", "db"),
    ("horizontalpodautoscaler", "checkout", "deployment", "checkout"),
    ("persistentvolumeclaim", "data-db-0", "statefulset", "db"),
    ("persistentvolumeclaim", "data-db-0", "pod", "db-0"),
    ("persistentvolumeclaim", "data-db-7", "statefulset", "db"),  # its pod is not there now
    ("persistentvolumeclaim", "shared", "daemonset", "agent"),
    ("persistentvolumeclaim", "shared", "statefulset", "db"),
    ("persistentvolumeclaim", "work", "cronjob", "export"),
]


@pytest.mark.parametrize(("kind", "name", "asked", "whose"), FAMILIES)
def test_whom_it_belongs_to_and_what_it_governs_may_refuse(
    kind: KindWord, name: str, asked: KindWord, whose: str
) -> None:
    label: str = "job_name" if kind == "job" else kind
    for target in ({"kind": kind, "namespace": "apps", "name": name}, from_alert(kind)):
        world, labels = scene(), {"namespace": "apps", label: name}
        assert resolved(world, runbook(target), labels)["status"] == "resolved"
        annotate(world, asked, whose, "off")
        with pytest.raises(ActionRefused, match=f"apps/{whose} refuses"):
            resolved(world, runbook(target), labels)


@pytest.mark.parametrize(("kind", "name", "asked", "whose"), FAMILIES)
def test_the_yes_of_whom_it_belongs_to_is_one(
    kind: KindWord, name: str, asked: KindWord, whose: str
) -> None:
    world = scene()
    annotate(world, asked, whose, "on")
    target = {"kind": kind, "namespace": "apps", "name": name}
    assert resolved(world, runbook(target), {}, only_annotated=True)["status"] == "resolved"


def test_pods_refuse_by_their_template_too() -> None:
    no = {"metadata": {"annotations": {"sre-platform/remediation": "off"}}}
    world = scene()
    world.cluster.raw["spec"]["template"] = no
    with pytest.raises(ActionRefused, match="Deployment apps/checkout refuses"):
        resolved(world, runbook(CHECKOUT), {})
    world = scene()
    stored(world, "cronjob", "export")["spec"] = {"jobTemplate": {"spec": {"template": no}}}
    target = {"kind": "job", "namespace": "apps", "name": "export-1"}
    with pytest.raises(ActionRefused, match="CronJob apps/export refuses"):
        resolved(world, runbook(target), {})


def test_a_node_is_asked_itself() -> None:
    world = scene()
    annotate(world, "node", "node-1", "off")
    with pytest.raises(ActionRefused, match="Node node-1 refuses"):
        resolved(world, runbook(from_alert("node"), action="drain_node"), {"node": "node-1"})


@pytest.mark.parametrize(("kind", "name"), [("deployment", "checkout"), ("namespace", "apps")])
def test_only_what_is_annotated_is_acted_on_where_the_stack_says_so(
    kind: KindWord, name: str
) -> None:
    world = scene()
    with pytest.raises(ActionRefused, match="RemediateOnlyAnnotated"):
        resolved(world, runbook(CHECKOUT), {}, only_annotated=True)
    annotate(world, kind, name, "on")
    assert resolved(world, runbook(CHECKOUT), {}, only_annotated=True)["status"] == "resolved"


def test_the_owner_refuses_whatever_its_namespace_allows() -> None:
    world = scene()
    annotate(world, "namespace", "apps", "on")
    annotate(world, "deployment", "checkout", "off")
    with pytest.raises(ActionRefused):
        resolved(world, runbook(CHECKOUT), {}, only_annotated=True)


def test_where_nobody_can_be_asked_nothing_acts() -> None:
    world = scene()
    world.calls.fail_at(2, AccessDenied("403"))
    with pytest.raises(AccessDenied):
        resolved(world, runbook(CHECKOUT), {})
