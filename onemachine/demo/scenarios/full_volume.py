"""A volume that fills up."""

from __future__ import annotations

from onemachine.demo.scenarios.ground import Ground
from onemachine.demo.scenarios.record import Scenario
from onemachine.processes.waiting import wait_until
from onemachine.stack.names import NAMESPACE

__all__ = ["FULL_VOLUME"]

_NAME = "ledger"
_CLAIM = f"data-{_NAME}-0"
_CLASS = "directory"
_SIZE = "1Gi"
_FULL_BYTES = 1024**3 * 98 // 100
_CLAIM_PATH = f"/api/v1/namespaces/{NAMESPACE}/persistentvolumeclaims/{_CLAIM}"
_SET_PATH = f"/apis/apps/v1/namespaces/{NAMESPACE}/statefulsets/{_NAME}"
_UP_SECONDS = 60
# Writes as much as the setting says, and reserves the blocks for real.
_WRITES = (
    'while :; do [ ! -e "$VOLUME_DATA/grow" ] || fallocate -l "$(cat "$VOLUME_DATA/grow")" '
    '"$VOLUME_DATA/entries"; sleep 1; done'
)


def _prepare(ground: Ground) -> None:
    labels = {"app.kubernetes.io/name": _NAME}
    ground.apply(
        {
            "apiVersion": "storage.k8s.io/v1",
            "kind": "StorageClass",
            "metadata": {"name": _CLASS},
            "provisioner": "kubernetes.io/no-provisioner",
            "allowVolumeExpansion": True,
        },
        {
            "apiVersion": "v1",
            "kind": "PersistentVolume",
            "metadata": {"name": _NAME},
            "spec": {
                "capacity": {"storage": _SIZE},
                "accessModes": ["ReadWriteOnce"],
                "storageClassName": _CLASS,
                "hostPath": {"path": str(ground.volume(_CLAIM))},
            },
        },
        {
            "apiVersion": "apps/v1",
            "kind": "StatefulSet",
            "metadata": {"name": _NAME, "namespace": NAMESPACE, "labels": labels},
            "spec": {
                "replicas": 1,
                "serviceName": _NAME,
                "selector": {"matchLabels": labels},
                "template": {
                    "metadata": {"labels": labels},
                    "spec": {
                        "terminationGracePeriodSeconds": 1,
                        "securityContext": {
                            "runAsNonRoot": True,
                            "runAsUser": 10001,
                            "seccompProfile": {"type": "RuntimeDefault"},
                        },
                        "containers": [
                            {
                                "name": _NAME,
                                "image": f"registry.example/{_NAME}:2.0.0",
                                "command": ["/bin/sh", "-c", _WRITES],
                                "volumeMounts": [{"name": "data", "mountPath": "/data"}],
                                "securityContext": {
                                    "allowPrivilegeEscalation": False,
                                    "capabilities": {"drop": ["ALL"]},
                                },
                            }
                        ],
                    },
                },
                "volumeClaimTemplates": [
                    {
                        "metadata": {"name": "data"},
                        "spec": {
                            "accessModes": ["ReadWriteOnce"],
                            "storageClassName": _CLASS,
                            "resources": {"requests": {"storage": _SIZE}},
                        },
                    }
                ],
            },
        },
    )

    def is_up() -> bool:
        return bool(ground.get(_SET_PATH).get("status", {}).get("readyReplicas") == 1)

    wait_until(is_up, f"{_NAME} to be up", _UP_SECONDS)


def _fill(ground: Ground) -> None:
    (ground.volume(_CLAIM) / "grow").write_text(str(_FULL_BYTES), "ascii")


def _has_grown(ground: Ground) -> str:
    room = ground.get(_CLAIM_PATH)["status"]["capacity"]["storage"]
    return f"{_CLAIM} has {room}" if room != _SIZE else ""


FULL_VOLUME = Scenario(
    name="full-volume",
    breaks=f"{_NAME} fills its volume of {_SIZE} to 98 %",
    alert="KubePersistentVolumeFillingUp",
    about={"namespace": NAMESPACE, "persistentvolumeclaim": _CLAIM},
    runbook="ExpandVolume",
    answer="asks",
    action="expand_volume",
    ends="a claim never shrinks again, so a human is asked first; then it grows, and has room",
    prepare=_prepare,
    breaking=_fill,
    mended=_has_grown,
    needs_nodes=True,
)
