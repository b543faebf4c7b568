"""A status that moves is outrun; a spec or a mark that moves is a conflict."""

from __future__ import annotations

import pytest

from runbook_action.errors import ClusterConflict
from runbook_action.objects import KubernetesObject
from runbook_action.unchanged import unless_changed
from tests.unit.runbook_action.fakes import World


class Busy:
    """A Deployment whose status is updated before each of the first so many writes."""

    def __init__(self, updates: int, spec_changes_at: int = -1) -> None:
        self.world = World.new()
        self.updates = updates
        self.spec_changes_at = spec_changes_at
        self.writes = 0
        self.slept: list[float] = []

    def read(self) -> KubernetesObject:
        return self.world.cluster.read("deployment", "apps", "checkout")

    def write(self, current: KubernetesObject) -> KubernetesObject:
        self.writes += 1
        if self.writes <= self.updates:
            if self.writes == self.spec_changes_at:
                self.world.cluster.raw["spec"]["replicas"] += 1
            self.world.cluster.touch()
        return self.world.cluster.patch(current, {"metadata": {"annotations": {"a": "b"}}})

    def run(self) -> None:
        unless_changed(self.read(), self.read, self.write, self.slept.append)


@pytest.mark.parametrize("updates", range(7))
def test_a_status_that_moves_for_a_while_is_outrun(updates: int) -> None:
    busy = Busy(updates)
    busy.run()
    assert busy.writes == updates + 1
    assert busy.slept == sorted(busy.slept)
    assert sum(busy.slept) < 2


def test_one_that_never_rests_is_a_conflict_in_the_end() -> None:
    with pytest.raises(ClusterConflict):
        Busy(1000).run()


def test_a_spec_that_moves_is_a_conflict_at_once() -> None:
    busy = Busy(2, spec_changes_at=2)
    with pytest.raises(ClusterConflict):
        busy.run()
    assert busy.writes == 2


def _node(*taints: str) -> KubernetesObject:
    spec: dict[str, object] = {"unschedulable": True}
    if taints:
        spec["taints"] = [{"key": key} for key in taints]
    return KubernetesObject({"kind": "Node", "metadata": {"name": "node-1"}, "spec": spec})


def _written_after(before: KubernetesObject, now: KubernetesObject) -> KubernetesObject:
    def write(current: KubernetesObject) -> KubernetesObject:
        if current is not now:
            raise ClusterConflict("moved")
        return current

    return unless_changed(before, lambda: now, write, lambda _seconds: None)


OF_A_CORDON = "node.kubernetes.io/unschedulable"


@pytest.mark.parametrize(
    ("before", "now"),
    [((), (OF_A_CORDON,)), ((OF_A_CORDON, "kept"), ("kept",)), (("kept",), (OF_A_CORDON, "kept"))],
)
def test_the_taint_that_kubernetes_gives_to_a_cordoned_node_is_no_change(
    before: tuple[str, ...], now: tuple[str, ...]
) -> None:
    found = _node(*now)
    assert _written_after(_node(*before), found) is found


def test_a_taint_that_somebody_gives_to_it_is_a_conflict() -> None:
    with pytest.raises(ClusterConflict):
        _written_after(_node(OF_A_CORDON), _node(OF_A_CORDON, "theirs"))
