"""Checkout has too little CPU for its orders, and an autoscaler owns the number of its pods."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

from onemachine.demo.scenarios.autoscaler_maximum import autoscaler
from onemachine.demo.scenarios.ground import Ground
from onemachine.demo.scenarios.record import Scenario
from onemachine.demo.world import World
from onemachine.processes.waiting import wait_until
from onemachine.stack.names import NAMESPACE

__all__ = ["AUTOSCALED_SATURATION"]

_NAME = "checkout"
_PATH = f"/apis/apps/v1/namespaces/{NAMESPACE}/deployments/{_NAME}"
_AUTOSCALER_PATH = f"/apis/autoscaling/v2/namespaces/{NAMESPACE}/horizontalpodautoscalers/{_NAME}"
# As the manifests of a real cluster have it.
_LEAST, _MOST = 3, 10
_STEP = 2
_ORDERS_PER_SECOND = 20.0
_USED = (
    f'sum(rate(container_cpu_usage_seconds_total{{namespace="{NAMESPACE}", container="{_NAME}"}}'
    "[20s]))"
)
_WATCHED = f'kube_horizontalpodautoscaler_spec_max_replicas{{horizontalpodautoscaler="{_NAME}"}}'
_SETTLED_SECONDS = 90


def _prepare(ground: Ground) -> None:
    ground.apply(autoscaler(_LEAST, _MOST, _NAME))
    world = World(ground.folder, ground.state)
    wait_until(
        lambda: world.query(_USED) is not None and world.query(_WATCHED) == _MOST,
        "the CPU of checkout to be measured",
        _SETTLED_SECONDS,
    )


def _limit(ground: Ground) -> None:
    """Give its pods together as much CPU as they use now: a limit that fitted another day."""
    used = World(ground.folder, ground.state).query(_USED) or 0.0
    limit = f"{max(1, round(1000 * used / _LEAST))}m"
    containers: list[dict[str, Any]] = deepcopy(
        ground.get(_PATH)["spec"]["template"]["spec"]["containers"]
    )
    for each in containers:
        if each["name"] == _NAME:
            each["resources"]["limits"]["cpu"] = limit
            each["resources"]["requests"]["cpu"] = limit
    ground.patch(_PATH, {"spec": {"template": {"spec": {"containers": containers}}}})


def _has_more(ground: Ground) -> str:
    least = ground.get(_AUTOSCALER_PATH)["spec"]["minReplicas"]
    ready = ground.get(_PATH).get("status", {}).get("availableReplicas", 0)
    if not least == ready == _LEAST + _STEP:
        return ""
    return f"the autoscaler makes at least {least} pods, and {ready} are available"


AUTOSCALED_SATURATION = Scenario(
    name="autoscaled-saturation",
    breaks=f"the {_LEAST} pods of checkout have no more CPU than its orders take",
    alert="CheckoutSaturation",
    about={"namespace": NAMESPACE, "deployment": _NAME},
    runbook="CheckoutSaturation",
    answer="acts",
    action="scale_deployment",
    ends=(
        "an autoscaler owns the number of pods, so not that is changed but its minimum, by "
        f"{_STEP}; the controller makes them, and each has less to do"
    ),
    prepare=_prepare,
    breaking=_limit,
    mended=_has_more,
    orders_per_second=_ORDERS_PER_SECOND,
)
