"""An autoscaler that has made all the pods that it may."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from onemachine.demo.scenarios import parcels
from onemachine.demo.scenarios.ground import Ground
from onemachine.demo.scenarios.record import Scenario
from onemachine.processes.waiting import wait_until
from onemachine.stack.names import NAMESPACE

__all__ = ["AUTOSCALER_MAXIMUM", "AUTOSCALER_PATH", "autoscaler"]

AUTOSCALER_PATH = (
    f"/apis/autoscaling/v2/namespaces/{NAMESPACE}/horizontalpodautoscalers/{parcels.NAME}"
)
_LEAST, _MOST = 2, 4
_UP_SECONDS = 60


def autoscaler(least: int, most: int, of: str = parcels.NAME) -> Mapping[str, Any]:
    """Give the autoscaler of a Deployment.

    This stack has no metrics server, so its controller only keeps to the bounds.
    """
    return {
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": of, "namespace": NAMESPACE},
        "spec": {
            "scaleTargetRef": {
                "apiVersion": "apps/v1",
                "kind": "Deployment",
                "name": of,
            },
            "minReplicas": least,
            "maxReplicas": most,
            "metrics": [
                {
                    "type": "Resource",
                    "resource": {
                        "name": "cpu",
                        "target": {"type": "Utilization", "averageUtilization": 70},
                    },
                }
            ],
        },
    }


def _prepare(ground: Ground) -> None:
    ground.apply(parcels.deployment("1.4.2", replicas=_LEAST))
    ground.apply(autoscaler(_LEAST, _MOST))
    wait_until(lambda: parcels.is_up(ground), "parcels to be up", _UP_SECONDS)


def _fill(ground: Ground) -> None:
    """Bring it to its maximum, as load would through the scale subresource."""
    ground.patch(f"{parcels.DEPLOYMENT_PATH}/scale", {"spec": {"replicas": _MOST}})


def _has_room(ground: Ground) -> str:
    most = ground.get(AUTOSCALER_PATH)["spec"]["maxReplicas"]
    return f"the autoscaler may make {most} pods" if most > _MOST else ""


AUTOSCALER_MAXIMUM = Scenario(
    name="autoscaler-at-maximum",
    breaks=f"the autoscaler of parcels stands at its maximum of {_MOST} pods",
    alert="KubeHpaMaxedOut",
    about={"namespace": NAMESPACE, "horizontalpodautoscaler": parcels.NAME},
    runbook="RaiseAutoscalerMaximum",
    answer="acts",
    action="raise_autoscaler_maximum",
    ends="its maximum is raised by a quarter for as long as it is needed",
    prepare=_prepare,
    breaking=_fill,
    mended=_has_room,
)
