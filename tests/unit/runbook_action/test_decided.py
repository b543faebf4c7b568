"""What was planned is what is done: else nothing is, and it is planned anew."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from runbook_action import handler as module
from runbook_action.actions import REGISTRY
from runbook_action.decided import plan_hash
from runbook_action.errors import ActionRefused, InvalidRequest, PlanChanged
from runbook_action.history import digest_of
from runbook_action.operate import operate
from runbook_action.outcome import Change, Outcome, Undo
from runbook_action.request import Request
from runbook_action.when import parse_when
from tests.unit.runbook_action.about import about
from tests.unit.runbook_action.fakes import PARAMETER, World, request
from tests.unit.runbook_action.invocations import Context, event
from tests.unit.runbook_action.resolve.scene import scene, stored
from tests.unit.runbook_action.revisions import image, revision, template

REPLICAS_3 = parse_when([{"fact": "replicas", "is": 3}])


def to_roll_back() -> World:
    """A bad revision 4, after a good 2."""
    world = World.new()
    bad = template("shop:bad")
    world.cluster.raw["spec"]["template"] = bad
    world.cluster.raw["metadata"]["annotations"] = {"deployment.kubernetes.io/revision": "4"}
    world.cluster.history = [revision(2, template("shop:good")), revision(4, bad)]
    world.cluster.settle()
    return world


def deployed(world: World, changed: dict[str, Any]) -> None:
    """A human deploys a hotfix, as revision 5."""
    cluster = world.cluster
    cluster.raw["spec"]["template"] = changed
    cluster.raw["metadata"]["annotations"]["deployment.kubernetes.io/revision"] = "5"
    cluster.raw["metadata"]["generation"] += 1
    cluster.touch()
    cluster.history.append(revision(5, copy.deepcopy(changed)))
    cluster.settle()


def hotfix(world: World) -> None:
    deployed(world, template("shop:hotfix"))


def hotfix_of_a_variable(world: World) -> None:
    """Of which no plan tells: it may be a secret."""
    changed = template("shop:bad")
    changed["spec"]["containers"][0]["env"] = [{"name": "POOL", "value": "9"}]
    deployed(world, changed)


@pytest.mark.parametrize("deploy", [hotfix, hotfix_of_a_variable])
def test_a_hotfix_between_plan_and_act_is_not_rolled_back(deploy: Callable[[World], None]) -> None:
    world, roll_back = to_roll_back(), REGISTRY["rollback_workload"]
    asked = request("rollback_workload")
    planned = operate(roll_back, replace(asked, operation="plan"), world.services)
    deploy(world)
    before = copy.deepcopy(world.cluster.raw)
    with pytest.raises(PlanChanged, match=r"By now the plan is: roll .* from revision 5 to 4"):
        operate(roll_back, replace(asked, plan_hash=plan_hash(planned)), world.services)
    assert world.cluster.raw == before
    assert image(world) != "shop:good"


def as_resolved(world: World, **changes: Any) -> Request:
    """The step as the runbook makes it, minutes after its incident was taken up."""
    asked = replace(request("rollback_workload"), **changes)
    return replace(asked, template=digest_of(world.cluster.raw["spec"]["template"]))


@pytest.mark.parametrize("deploy", [hotfix, hotfix_of_a_variable])
def test_what_somebody_deployed_since_the_incident_was_taken_up_is_not_rolled_back(
    deploy: Callable[[World], None],
) -> None:
    """Also where nobody was asked and no condition chose: a rung of a ladder comes late."""
    world, roll_back = to_roll_back(), REGISTRY["rollback_workload"]
    asked = as_resolved(world)
    deploy(world)
    for operation in ("plan", "execute"):
        with pytest.raises(ActionRefused, match="somebody has deployed another pod template"):
            operate(roll_back, replace(asked, operation=operation), world.services)
    assert world.calls.writes() == []


def test_what_the_incident_itself_has_put_is_rolled_back_further() -> None:
    world, roll_back = to_roll_back(), REGISTRY["rollback_workload"]
    world.cluster.history.append(revision(1, template("shop:old")))
    first = as_resolved(world)
    restarted = replace(first, action="restart_workload")
    operate(REGISTRY["restart_workload"], restarted, world.services)
    assert operate(roll_back, replace(first, step=2), world.services).changed
    assert image(world) == "shop:good"
    deployed(world, {**world.cluster.raw["spec"]["template"]})  # the revision that it became
    further = replace(first, step=3, parameters={"to_revision": 1})
    assert operate(roll_back, further, world.services).changed
    assert image(world) == "shop:old"


def replicas(world: World) -> None:
    world.cluster.raw["spec"]["replicas"] = 5


def switched(world: World) -> None:
    world.parameters.values[PARAMETER] = "true"


def maximum(world: World) -> None:
    stored(world, "horizontalpodautoscaler", "checkout")["spec"]["maxReplicas"] += 1


@pytest.mark.parametrize(
    ("action", "meanwhile"),
    [
        ("scale_workload", replicas),
        ("enable_degraded_mode", switched),
        ("raise_autoscaler_maximum", maximum),
    ],
)
def test_what_somebody_changed_meanwhile_is_planned_anew(
    action: str, meanwhile: Callable[[World], None]
) -> None:
    world = scene() if "autoscaler" in action else World.new()
    asked = about(action, "execute", None)
    planned = operate(REGISTRY[action], replace(asked, operation="plan"), world.services)
    meanwhile(world)
    with pytest.raises(PlanChanged, match="nothing was done"):
        operate(REGISTRY[action], replace(asked, plan_hash=plan_hash(planned)), world.services)
    assert world.calls.writes() == []
    anew = operate(REGISTRY[action], replace(asked, operation="plan"), world.services)
    done = operate(REGISTRY[action], replace(asked, plan_hash=plan_hash(anew)), world.services)
    assert done.status == "succeeded"


@pytest.mark.parametrize(
    "action",
    [
        "cordon_node",
        "disable_degraded_mode",
        "drain_node",
        "enable_degraded_mode",
        "probe_cluster",
        "raise_autoscaler_maximum",
        "restart_workload",
        "rollback_workload",
        "scale_workload",
    ],
)
def test_where_nothing_has_changed_the_plan_is_carried_out_and_watched(action: str) -> None:
    world = scene() if "autoscaler" in action else to_roll_back()
    asked = about(action, "execute", None)
    planned = operate(REGISTRY[action], replace(asked, operation="plan"), world.services)
    world.clock.sleep(2)
    asked = replace(asked, plan_hash=plan_hash(planned))
    for _ in range(2):  # what has begun is held to no plan
        assert operate(REGISTRY[action], asked, world.services).status != "planned"


def test_conditions_hold_when_a_step_begins_and_no_longer_matter_then() -> None:
    world, restart = World.new(), REGISTRY["restart_workload"]
    asked = replace(request("restart_workload"), when=REPLICAS_3)
    planned = operate(restart, replace(asked, operation="plan"), world.services)
    world.cluster.raw["spec"]["replicas"] = 4
    for given in (plan_hash(planned), ""):
        with pytest.raises(PlanChanged, match=r"replicas is 3: it is 4"):
            operate(restart, replace(asked, plan_hash=given), world.services)
    assert world.calls.writes() == []
    world.cluster.raw["spec"]["replicas"] = 3
    begun = replace(asked, plan_hash=plan_hash(planned))
    assert operate(restart, begun, world.services).changed
    world.cluster.raw["spec"]["replicas"] = 4
    assert operate(restart, begun, world.services).changed


def test_the_conditions_of_an_execution_are_those_of_the_catalogue(world: World) -> None:
    runbook = {
        "name": "Few",
        "action": "restart_deployment",
        "target": {"kind": "deployment", "namespace": "apps", "name": "checkout"},
        "on_failure": "undo",
        "when": [{"fact": "replicas", "below": 3}],
    }
    world.catalogue.runbooks = (runbook,)
    asked = event(action="restart_deployment", runbook="Few", when=[])
    with pytest.raises(PlanChanged, match="replicas below 3: it is 3"):
        module.handler(asked, Context())
    runbook["when"] = [{"fact": "replicas", "below": 4}]
    planned = module.handler({**asked, "operation": "plan", "when": runbook["when"]}, Context())
    asked["plan_hash"] = planned["plan_hash"]
    assert module.handler(asked, Context())["status"] == "succeeded"


@pytest.mark.parametrize("value", [7, "x", "0" * 63, ["0" * 64]])
def test_what_no_plan_has_answered_is_no_hash(world: World, value: Any) -> None:
    with pytest.raises(InvalidRequest, match="plan_hash"):
        module.handler(event(plan_hash=value), Context())
    assert world.calls.log == []


@pytest.mark.parametrize("value", [7, "x", [7], ["x"], ["0" * 31], ["0" * 32] * 1001])
def test_what_no_plan_has_answered_is_no_part_of_one(world: World, value: Any) -> None:
    with pytest.raises(InvalidRequest, match="plan_parts"):
        module.handler(event(plan_parts=value), Context())
    assert world.calls.log == []


def test_times_make_no_other_plan_and_all_else_does() -> None:
    def plan(at: str, to: Any = 3, said: str = "do it.", before: int = 1) -> str:
        changes = [Change("Pod", "a", "restartedAt", None, at), Change("Pod", "a", "x", 1, to)]
        return plan_hash(Outcome("planned", said, plan=changes, undo=Undo("a", {"b": before})))

    at = "2026-11-27T06:00:00Z"
    assert plan(at) == plan("2026-11-27T06:00:07.5Z")
    assert len({plan(at), plan(at, 4), plan(at, said="do that."), plan(at, before=2)}) == 4
