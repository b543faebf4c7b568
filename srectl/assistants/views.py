"""What an assistant may look at: each a question to the deployment, and no call that writes."""

from __future__ import annotations

import datetime
from typing import Any

from srectl.console import handover as handovers
from srectl.console import story
from srectl.errors import CommandFailed
from srectl.operate import catalogue, evidence, incidents, naming, plans, recent, spans, switches
from srectl.operate.account import Account

__all__ = ["evidence_of", "handover", "latest", "one", "plan_of", "runbooks"]

_LISTED = (
    *("incident_id", "timestamp", "status", "severity", "alert_name", "summary", "target"),
    *("acknowledged_by", "escalation_reason", "caused_by", "resolved_at", "mttr_seconds"),
)


def now() -> datetime.datetime:
    """Give the time."""
    return datetime.datetime.now(datetime.UTC)


def latest(account: Account, *, status: str | None = None, limit: int = 20) -> dict[str, Any]:
    """Give the incidents of the last 30 days in short, newest first, without heartbeats."""
    since, limit = now() - spans.OPEN, int(limit)  # 5.0 is a whole number, too
    records: list[dict[str, Any]] = []
    more = False
    for each in (status,) if status else incidents.STATUSES:
        found = recent.recent(account.dynamodb, account.incidents_table, each, since, most=limit)
        records += found.records
        more |= found.more
    records.sort(key=lambda record: str(record["timestamp"]), reverse=True)
    return {
        "incidents": [
            {key: record[key] for key in _LISTED if key in record} for record in records[:limit]
        ],
        "more": more or len(records) > limit,
    }


def one(account: Account, *, incident: str) -> dict[str, Any]:
    """Give the record of one incident, without what answers for a person."""
    return incidents.shown(_read(account, incident))


def evidence_of(account: Account, *, incident: str) -> dict[str, Any]:
    """Give the whole evidence of one incident."""
    return evidence.read(account, _read(account, incident))


def runbooks(account: Account, *, name: str | None = None) -> dict[str, Any]:
    """Give the published runbooks and whether each acts; of one, its definition, too."""
    there = catalogue.published(account.dynamodb, account.runbooks_table)
    switched = switches.read_own_modes(account.ssm, account.own_modes_parameter)
    if name is not None:
        found = there.get(name)
        if found is None:
            raise CommandFailed(
                f"no runbook or alert {name!r} is published", "runbooks without a name lists them"
            )
        answered_by = {"answered_by": found.answered_by} if found.answered_by else {}
        mode = plans.own_mode(found.definition, switched)
        return {
            **{"name": name, "mode": mode, "published_at": found.published_at},
            **answered_by,
            "definition": found.definition,
        }
    own = [each for each in there.values() if not each.answered_by]
    return {
        "mode": switches.read_mode(account.ssm, account.mode_parameter),
        "runbooks": [
            {
                "name": each.name,
                "mode": plans.own_mode(each.definition, switched),
                "actions": catalogue.actions_told(each.definition),
            }
            for each in sorted(own, key=lambda one: one.name)
            if "evidence_only" not in each.definition
        ],
        "evidence_only": sorted(each.name for each in own if "evidence_only" in each.definition),
    }


def plan_of(account: Account, *, incident: str) -> dict[str, Any]:
    """Say what is asked and was planned for an incident, and what its alert would set off now.

    The last is decided as ``srectl runbooks plan`` does, by catalogue, modes and windows; neither
    the cluster nor the lock of the target is asked.
    """
    record = _read(account, incident)
    there = catalogue.published(account.dynamodb, account.runbooks_table)
    at = now()
    windows = switches.windows(account.ssm, account.maintenance_parameter)
    decision = plans.decide(
        record,
        {name: each.definition for name, each in there.items()},
        plans.Limits(
            namespaces=None,  # the function knows them
            mode=switches.read_mode(account.ssm, account.mode_parameter),
            maintenance=switches.reason_for_all(windows, at),
            held=switches.reasons_by_target(windows, at),
            own_modes=switches.read_own_modes(account.ssm, account.own_modes_parameter),
        ),
    )
    approval = incidents.shown(record).get("approval")
    deadline = story.deadline(record) if story.is_asked(record) else None
    return {
        "incident_id": record["incident_id"],
        "approval": approval,
        "waits_for_an_answer_until": deadline.isoformat() if deadline else None,
        "recorded": [
            {key: step.get(key) for key in ("operation", "action", "status", "summary", "result")}
            for step in record.get("actions_taken") or []
        ],
        "now": {
            **vars(decision),
            "eligible": decision.eligible,
        },
    }


def handover(account: Account) -> dict[str, Any]:
    """Give what the next shift has to know."""
    return handovers.page(account, now)


def _read(account: Account, begin: str) -> dict[str, Any]:
    client, table = account.dynamodb, account.incidents_table
    return incidents.read(client, table, naming.full_id(client, table, begin))
