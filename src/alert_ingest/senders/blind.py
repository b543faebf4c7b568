"""Alerts that say that nobody can tell how a service is: no verdict, so no runbook is for them.

A rule of Grafana that could not be evaluated fires as `DatasourceError`, one that got nothing as
`DatasourceNoData`, with all labels of the rule and its own name in the label `rulename`
(grafana/grafana, ngalert/state/compat.go). Grafana hands them to its own contact points and, as it
may be told to, to an Alertmanager outside. Datadog calls it the transition No Data.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType

from alert_ingest.model import Alert
from alert_ingest.senders.base import NAME_LIMIT, SUMMARY_LIMIT, tidy_text
from alert_ingest.text import cut

# Alert name -> what happened to the rule.
BLIND: Mapping[str, str] = MappingProxyType(
    {"DatasourceError": "could not be evaluated", "DatasourceNoData": "got no data"}
)


def without_a_verdict(alert: Alert) -> Alert:
    """Return an alert, worded anew and without its rule's runbook if it has no verdict."""
    happened = BLIND.get(alert.alert_name)
    if happened is None:
        return alert
    why = alert.annotations.get("Error", "")
    rule = cut(alert.labels.get("rulename", ""), NAME_LIMIT) or "without a name"
    told = f"Grafana rule {rule} {happened}"
    return replace(
        alert,
        runbook=None,
        summary=tidy_text(f"{told}: {why}" if why else f"{told}.", SUMMARY_LIMIT),
        notes=(*alert.notes, *not_for_that(alert.runbook, told)),
    )


def not_for_that(runbook: str | None, told: str) -> tuple[str, ...]:
    """Note that the runbook that an alert names is not used, if it names one."""
    return () if runbook is None else (f"{told}: runbook {runbook} is not for that",)
