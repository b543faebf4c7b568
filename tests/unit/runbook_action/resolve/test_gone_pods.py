"""Whose a pod was that has gone: its name, and who is there that gives such names."""

from __future__ import annotations

from typing import Any

import pytest

from runbook_action.errors import ActionRefused
from runbook_action.kinds import KindWord
from tests.unit.runbook_action.resolve.scene import (
    CHECKOUT,
    from_alert,
    owner,
    resolved,
    runbook,
    scene,
    thing,
)

OURS = owner("Deployment", "checkout", "u1")
ROLLOUT = owner("Rollout", "checkout", "r1", "argoproj.io/v1alpha1")
JOB = {"kind": "job", "namespace": "apps", "name": "export-1"}
DAEMONS = {"kind": "daemonset", "namespace": "apps", "name": "agent"}


def acted_on(target: dict[str, Any], pod: str, *there: tuple[KindWord, dict[str, Any]]) -> str:
    """The target of an alert that tells of a pod, beside what is there."""
    world = scene()
    for kind, raw in there:
        world.cluster.put(kind, raw)
    labels = {"namespace": "apps", "pod": pod, "deployment": "checkout"}
    if target["kind"] != "deployment":
        del labels["deployment"]
    return str(resolved(world, runbook(target), labels)["target"]["name"])


@pytest.mark.parametrize(
    ("target", "pod", "there", "whose"),
    [
        (CHECKOUT, "checkout-db-x7k2p", ("job", thing("checkout-db")), "Job apps/checkout-db"),
        (
            CHECKOUT,
            "checkout-cdf-x7k2p",
            ("daemonset", thing("checkout-cdf")),
            "DaemonSet apps/checkout-cdf",
        ),
        # An Indexed Job of the Deployment's own name.
        (CHECKOUT, "checkout-7-x7k2p", ("job", thing("checkout")), "Job apps/checkout"),
        (
            CHECKOUT,
            "checkout-6c9f7d-x7k2p",
            ("replicaset", thing("checkout-6c9f7d", ROLLOUT)),
            "ReplicaSet apps/checkout-6c9f7d",
        ),
        (DAEMONS, "agent-x7k2p", ("job", thing("agent")), "Job apps/agent"),
        (JOB, "export-1-x7k2p", ("daemonset", thing("export-1")), "DaemonSet apps/export-1"),
        (JOB, "export-1-4-x7k2p", ("job", thing("export-1-4")), "Job apps/export-1-4"),
    ],
)
def test_it_is_not_the_targets_where_another_is_there_that_gives_such_names(
    target: dict[str, Any], pod: str, there: tuple[KindWord, dict[str, Any]], whose: str
) -> None:
    assert acted_on(target, pod) == target["name"]
    said = f"pod apps/{pod}, which is not there and by its name is of {whose}, and"
    with pytest.raises(ActionRefused, match=said):
        acted_on(target, pod, there)


def test_neither_is_it_where_the_target_is_taken_from_the_alert() -> None:
    world = scene()
    world.cluster.put("job", thing("checkout-db"))
    labels = {"namespace": "apps", "deployment": "checkout", "pod": "checkout-db-x7k2p"}
    for kind in ("workload", "deployment"):
        with pytest.raises(ActionRefused, match="by its name is of Job apps/checkout-db"):
            resolved(world, runbook(from_alert(kind)), labels)


def test_a_replicaset_that_is_there_knows_its_owner() -> None:
    there: tuple[KindWord, dict[str, Any]] = ("replicaset", thing("checkout-6c9f7d", OURS))
    assert acted_on(CHECKOUT, "checkout-6c9f7d-x7k2p", there) == "checkout"


@pytest.mark.parametrize("word", ["29944256", "gc", "v2", "grpc", "dns", "worker", "2468"])
def test_a_word_that_no_replicaset_is_called_by_is_another_objects(word: str) -> None:
    with pytest.raises(ActionRefused, match="by its name is no pod of it"):
        acted_on(CHECKOUT, f"checkout-{word}-x7k2p")
