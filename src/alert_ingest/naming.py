"""A name for an alert that comes without one: valid in Alertmanager, and no reason to refuse it."""

from __future__ import annotations

from collections.abc import Mapping

from alert_ingest.text import cut

# What an alert without a name is most likely about, the widest first.
_TELLING = ("service", "job", "namespace", "deployment", "node", "instance", "pod")
# Says how bad it is, or what to do, and not what it is about.
_SILENT = frozenset({"severity", "priority", "runbook", "cluster", "team"})
_SHOWN = 3


def name_of(labels: Mapping[str, str], limit: int) -> tuple[str, str | None]:
    """Return an alert's name, and a note if another had to stand in.

    Parameters
    ----------
    labels
        Those that say something, cleaned.
    limit
        Longest name in characters.

    Examples
    --------
    >>> name_of({"node": "bar", "severity": "critical"}, 256)[0]
    'Unnamed alert (node=bar)'
    """
    name = labels.get("alertname", "").strip()
    if name:
        return cut(name, limit), None
    telling = [key for key in _TELLING if key in labels]
    others = sorted(labels.keys() - set(telling) - _SILENT - {"alertname"})
    shown = ", ".join(f"{key}={labels[key]}" for key in (telling + others)[:_SHOWN])
    stand_in = cut(f"Unnamed alert ({shown})" if shown else "Unnamed alert", limit)
    return stand_in, "no label alertname, a name made of the other labels stands in"
