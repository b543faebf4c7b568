"""A version that somebody holds the pods back from is staged, and not rolled out."""

from __future__ import annotations

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any, cast

import pytest

from runbook_action.evidence.ports import Tools
from runbook_action.evidence.scene import Gathered, Scene
from runbook_action.evidence.sources.rollouts import Rollouts
from runbook_action.facts import facts_of
from runbook_action.request import Request, Target, TargetKind
from tests.integration.runbook_action.grants import grant
from tests.integration.runbook_action.support import INCIDENT, NO_SCHEDULER, Place
from tests.support.waiting import eventually

pytestmark = pytest.mark.kubernetes
OLD, NEW, NEWER = "none/shop:1", "none/shop:2", "none/shop:3"
LABELS = {"app": "shop"}
RESTARTED_AT = "kubectl.kubernetes.io/restartedAt"


def template(image: str, **annotations: str) -> dict[str, Any]:
    return {
        "metadata": {"labels": LABELS, "annotations": annotations},
        "spec": {
            "schedulerName": NO_SCHEDULER,
            "terminationGracePeriodSeconds": 0,
            "containers": [{"name": "shop", "image": image}],
        },
    }


class Shop:
    """A workload of two pods of the old version."""

    def __init__(self, place: Place, kind: TargetKind, **spec: Any) -> None:
        self.place, self.kind = place, kind
        rules = [
            {"apiGroups": ["apps"], "resources": ["*"], "verbs": ["get", "list"]},
            {"apiGroups": [""], "resources": ["pods"], "verbs": ["list"]},
        ]
        grant(place.admin, place.namespace, "reads", rules, namespace=place.namespace)
        word = {"deployment": "deployment", "statefulset": "stateful_set"}[kind]
        self.patch = getattr(place.apps, f"patch_namespaced_{word}")
        body = {"replicas": 2, "selector": {"matchLabels": LABELS}, "template": template(OLD)}
        more = {"serviceName": "shop"} if kind == "statefulset" else {}
        getattr(place.apps, f"create_namespaced_{word}")(
            place.namespace, {"metadata": {"name": "shop"}, "spec": {**body, **more, **spec}}
        )
        self.run([OLD, OLD])

    def images(self) -> list[str]:
        found = self.place.core.list_namespaced_pod(self.place.namespace).items
        return sorted(
            each.spec.containers[0].image
            for each in found
            if not each.metadata.deletion_timestamp and each.status.container_statuses
        )

    def run(self, images: list[str]) -> None:
        """Wait until pods of these images are there, and the controller has seen all."""
        eventually(f"{images} run", lambda: self.images() == images and self.workload().observed)

    def write(self, manager: str, **spec: Any) -> None:
        """Another hand writes the workload, and its controller looks at it."""
        body = {"spec": spec}
        self.patch("shop", self.place.namespace, body, field_manager=manager)
        eventually("its controller has seen it", lambda: self.workload().observed)

    def workload(self) -> Any:
        return self.place.cluster.workload(self.kind, self.place.namespace, "shop")

    def age(self) -> int | None:
        target = Target(None, self.place.namespace, self.kind, "shop")
        asked = Request("plan", "restart_workload", target, INCIDENT, {})
        found = facts_of(asked, self.place.services())
        return cast("int | None", found.get("last_rollout_age_seconds"))

    def gathered(self) -> Gathered:
        now = datetime.now(UTC)
        tools = cast(Tools, SimpleNamespace(cluster=self.place.cluster))
        return Rollouts().gather(Scene(tools, {}, now, now, self.workload()))


def findings(gathered: Gathered) -> list[str]:
    return [each.text for each in gathered.findings]


@pytest.mark.parametrize(
    ("strategy", "held_back"),
    [
        ({"type": "OnDelete"}, "update strategy OnDelete"),
        ({"type": "RollingUpdate", "rollingUpdate": {"partition": 2}}, "partition 2"),
    ],
    ids=["OnDelete", "partition"],
)
def test_a_statefulsets_version_that_no_pod_runs_is_staged(
    bare_place: Place, strategy: dict[str, Any], held_back: str
) -> None:
    shop = Shop(bare_place, "statefulset", updateStrategy=strategy)
    assert shop.age() is not None, "of the first version it is known"
    shop.write("ada", template=template(NEW))
    gathered = shop.gathered()
    assert (shop.images(), shop.age()) == ([OLD, OLD], None)
    (told,) = findings(gathered)
    assert told.startswith("image shop:2 staged ")
    assert told.endswith(f"before the alert, by ada: 0 of 2 pods run it ({held_back})")
    assert gathered.facts["images"] == {"shop": OLD}
    assert not {"rolled_out_at", "rolled_out_by"} & set(gathered.facts)
    staged = gathered.facts["staged"]
    assert (staged["images"], staged["by"]) == ({"shop": NEW}, "ada")
    assert (staged["pods_that_run_it"], staged["pods"]) == (0, 2)
    shop.write("ada", template=template(NEW, **{RESTARTED_AT: datetime.now(UTC).isoformat()}))
    asked = next(each for each in findings(shop.gathered()) if "restart" in each)
    assert asked.startswith("a restart of shop was asked for ")
    assert asked.endswith(f": 0 of 2 pods are restarted ({held_back})")


def test_a_partition_that_lets_some_pods_go_tells_how_many_until_all_run_it(
    bare_place: Place,
) -> None:
    def partition(number: int) -> dict[str, Any]:
        return {"type": "RollingUpdate", "rollingUpdate": {"partition": number}}

    shop = Shop(bare_place, "statefulset", updateStrategy=partition(1))
    shop.write("ada", template=template(NEW))
    shop.run([OLD, NEW])
    (told,) = findings(shop.gathered())
    assert told.endswith("by ada: 1 of 2 pods run it (partition 1)")
    assert (shop.gathered().facts["images"], shop.age()) == ({}, None)
    shop.write("ada", updateStrategy=partition(0))
    shop.run([NEW, NEW])
    # It stays until the next version is to be held back.
    shop.write("ada", updateStrategy=partition(1))
    (told,) = findings(shop.gathered())
    assert told.startswith("image shop:2 (before: shop:1) rolled out ")
    assert shop.age() is not None


def test_under_on_delete_nobody_knows_since_when_a_version_is_in_use(bare_place: Place) -> None:
    shop = Shop(bare_place, "statefulset", updateStrategy={"type": "OnDelete"})
    shop.write("ada", template=template(NEW))
    bare_place.core.delete_collection_namespaced_pod(bare_place.namespace)
    shop.run([NEW, NEW])
    (told,) = findings(shop.gathered())
    assert told.endswith("by ada: 2 of 2 pods run it (update strategy OnDelete)")
    assert (shop.gathered().facts["images"], shop.age()) == ({"shop": NEW}, None)


def test_what_a_paused_deployment_has_in_its_template_is_staged(bare_place: Place) -> None:
    shop = Shop(bare_place, "deployment")
    shop.write("ada", template=template(NEW))
    shop.run([NEW, NEW])
    shop.write("bob", paused=True)
    (told,) = findings(shop.gathered())
    assert told.startswith("image shop:2 (before: shop:1) rolled out ")
    assert told.endswith(", by ada")
    shop.write("bob", template=template(NEWER))
    gathered = shop.gathered()
    (told,) = findings(gathered)
    assert told.startswith("image shop:3 staged ")
    assert told.endswith("before the alert, by bob: 0 of 2 pods run it (paused)")
    assert gathered.facts["images"] == {"shop": NEW}
    assert gathered.facts["staged"]["images"] == {"shop": NEWER}
    assert shop.age() is None
