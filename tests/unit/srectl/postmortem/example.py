"""A crash loop after a bad rollout as the platform recorded it, shortened."""

from __future__ import annotations

from typing import Any

ID = "5d51412f-2030-5dff-809a-a4339425755e"
BEGAN = "2026-11-28T06:42:19.178Z"
TARGET = {"cluster": "prod", "namespace": "apps", "kind": "deployment", "name": "parcels"}


def record(**changes: Any) -> dict[str, Any]:
    """Give the record, as ``incidents.read`` does."""
    return {
        "incident_id": ID,
        "timestamp": BEGAN,
        "status": "resolved",
        "alert_name": "KubePodCrashLooping",
        "severity": "warning",
        "summary": "A container crashes again and again",
        "sender": "alertmanager",
        "fingerprint": "f580d4905e998775",
        "target": {"cluster": "prod", "namespace": "apps", "kind": None, "name": None},
        "received_at": "2026-11-28T06:42:21.817Z",
        "mttr_seconds": 26,
        "resolved_at": 1795848165,
        "verified_at": "2026-11-28T06:42:46.385Z",
        "target_health": "deployment apps/parcels is healthy: 2 of 2 replicas are ready.",
        "in_hand": (
            '{"runbook": "RollBackYoungRollout", "steps": [{"index": 1, '
            '"when": [{"fact": "last_rollout_age_seconds", "below": 7200}]}]}'
        ),
        "actions_taken": [
            {
                "runbook": "RollBackYoungRollout",
                "operation": "execute",
                "action": "rollback_workload",
                "status": "succeeded",
                "summary": "Revision 2 was replaced by the template of revision 1.",
                "target": TARGET,
                "step": {"index": 1, "name": "roll-back", "of": 1},
                "started_at": "2026-11-28T06:42:23.751Z",
                "completed_at": "2026-11-28T06:42:31.120Z",
                "error": None,
                "approved_by": None,
                "result": {
                    "plan": [
                        {
                            "kind": "Deployment",
                            "name": "apps/parcels",
                            "field": "image",
                            "from": "parcels:1.4.3",
                            "to": "parcels:1.4.2",
                        }
                    ]
                },
            }
        ],
        "evidence": {
            "at": "2026-11-28T06:42:23.982Z",
            "status": "collected",
            "findings": ["image parcels:1.4.3 rolled out 1 minute before the alert, by kubectl"],
            "key": f"incidents/{ID}.json",
            "sources": {"rollouts": "read", "logs": "AccessDenied: 403", "nodes": "not asked"},
        },
        **changes,
    }


def evidence(**changes: Any) -> dict[str, Any]:
    """Give its evidence."""
    return {
        "incident_id": ID,
        "facts": {
            "rollouts": {
                "rolled_out_at": "2026-11-28T06:41:16+00:00",
                "rolled_out_by": "kubectl",
                "changes": [
                    {
                        "container": "parcels",
                        "field": "image",
                        "before": "parcels:1.4.2",
                        "after": "parcels:1.4.3",
                    }
                ],
                "revisions": [
                    {
                        "revision": 2,
                        "made_at": "2026-11-28T06:41:16Z",
                        "images": {"parcels": "parcels:1.4.3"},
                    }
                ],
            },
            **changes,
        },
    }


def notified(at: str = "2026-11-28T06:42:24.168Z", incident_id: str = ID) -> dict[str, Any]:
    """Give an event of the audit log."""
    return {
        "detail-type": "incident.notified",
        "detail": {
            "metadata": {"event_id": "afb1c251", "occurred_at": at},
            "data": {"incident_id": incident_id, "headline": "WARN apps/parcels: crashes"},
        },
    }
