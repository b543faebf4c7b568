"""A Deployment with a history of revisions, for the tests of who rolls back."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from tests.unit.runbook_action.fakes import World


def template(image: str, **annotations: str) -> dict[str, Any]:
    return {
        "metadata": {"labels": {"app": "checkout"}, "annotations": annotations},
        "spec": {"containers": [{"name": "checkout", "image": image}]},
    }


def revision(number: int, of: dict[str, Any], owner: str = "u1") -> dict[str, Any]:
    of = copy.deepcopy(of)
    of["metadata"]["labels"]["pod-template-hash"] = f"hash{number}"
    return {
        "metadata": {
            "name": f"checkout-{number}",
            "namespace": "apps",
            "labels": {"app": "checkout"},
            "annotations": {"deployment.kubernetes.io/revision": str(number)},
            "ownerReferences": [{"uid": owner, "controller": True}],
        },
        "spec": {"template": of},
    }


@pytest.fixture
def world() -> World:
    """Revision 4 is broken, 3 is a restart of it, 2 is good, 1 is older."""
    world = World.new()
    broken = template("shop:bad", **{"sre-platform/restarted-for": "x"})
    world.cluster.raw["spec"]["template"] = broken
    world.cluster.raw["metadata"]["annotations"] = {"deployment.kubernetes.io/revision": "4"}
    world.cluster.history = [
        revision(2, template("shop:good")),
        revision(4, broken),
        revision(1, template("shop:old")),
        revision(3, template("shop:bad")),
        revision(3, template("shop:foreign"), owner="somebody else"),
    ]
    world.cluster.settle()
    return world


def image(world: World) -> str:
    return str(world.cluster.raw["spec"]["template"]["spec"]["containers"][0]["image"])
