"""Two catalogues over the same incidents, or one against what really happened: what differs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from srectl.backtest.judging import KINDS, Verdict
from srectl.backtest.reality import Reality, reality_of

__all__ = ["Backtest", "Difference"]

Record = Mapping[str, Any]


@dataclass(frozen=True)
class Difference:
    """Incidents that differ in the same way.

    Attributes
    ----------
    alert, place
        Name of the alert, and what it is about.
    before
        What the other catalogue would have done; None where there is none.
    incidents
        Their ids, oldest first.
    """

    alert: str
    place: str
    before: Verdict | None
    after: Verdict
    really: str
    incidents: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """Give it for other programs."""
        before = {"before": self.before.as_json()} if self.before else {}
        return {
            "alert": self.alert,
            "place": self.place,
            **before,
            "after": self.after.as_json(),
            "really": self.really,
            "incidents": list(self.incidents),
        }


@dataclass(frozen=True)
class Backtest:
    """What was found.

    Attributes
    ----------
    records
        The incidents, oldest first.
    name, other
        What the catalogues are called; ``other`` is empty where there is one.
    after, before
        Their verdicts, by incident; ``before`` is empty where there is one catalogue.
    """

    records: Sequence[Record]
    name: str
    after: Mapping[str, Verdict]
    other: str = ""
    before: Mapping[str, Verdict] | None = None

    @property
    def catalogues(self) -> Mapping[str, Mapping[str, Verdict]]:
        """The verdicts of each catalogue by its name, of the other one first."""
        mine = {self.name: self.after}
        return mine if self.before is None else {self.other: self.before, **mine}

    def kinds(self, verdicts: Mapping[str, Verdict]) -> dict[str, int]:
        """Count verdicts by their kind."""
        counted = Counter(each.kind for each in verdicts.values())
        return {kind: counted[kind] for kind in KINDS}

    def guards(self, verdicts: Mapping[str, Verdict]) -> Counter[str]:
        """Count what was stopped, by the guard that stopped it."""
        return Counter(each.why for each in verdicts.values() if each.kind == "stopped")

    def really(self) -> Counter[str]:
        """Count what really became of the incidents."""
        found = [reality_of(each) for each in self.records]
        return Counter(_in_short(each) for each in found)

    def differences(self) -> list[Difference]:
        """Give what differs, the most frequent first; incidents that differ alike are one."""
        found: dict[Difference, list[str]] = {}
        for record in self.records:
            incident = str(record["incident_id"])
            after = self.after[incident]
            before = self.before[incident] if self.before is not None else None
            real = reality_of(record)
            if after == before if before is not None else _as_it_was(after, real):
                continue
            alike = Difference(
                str(record.get("alert_name", "")), _place(record), before, after, str(real)
            )
            found.setdefault(alike, []).append(incident)
        return sorted(
            (replace(each, incidents=tuple(ids)) for each, ids in found.items()),
            key=lambda each: (-len(each.incidents), each.alert, each.place),
        )

    def as_json(self) -> dict[str, Any]:
        """Give all of it for other programs."""
        both = self.catalogues
        return {
            "incidents": len(self.records),
            "catalogues": {
                name: {"kinds": self.kinds(each), "guards": dict(self.guards(each))}
                for name, each in both.items()
            },
            "really": dict(self.really()),
            "differences": [each.as_json() for each in self.differences()],
            "verdicts": [
                {
                    "incident_id": each["incident_id"],
                    "timestamp": each["timestamp"],
                    "alert": each.get("alert_name", ""),
                    "really": str(reality_of(each)),
                    "catalogues": {
                        name: told[each["incident_id"]].as_json() for name, told in both.items()
                    },
                }
                for each in self.records
            ],
        }


def _as_it_was(verdict: Verdict, real: Reality) -> bool:
    """Say whether a verdict is what really came of an incident."""
    if verdict.kind == "acts":
        return real.acted and real.runbook == verdict.runbook
    if verdict.kind == "asks":
        return real.runbook == verdict.runbook
    return not real.acted


def _in_short(real: Reality) -> str:
    if real.acted:
        return "acted, helped" if real.helped else "acted, did not help"
    return "nothing done"


def _place(record: Record) -> str:
    target = record.get("target")
    if not isinstance(target, dict):
        return ""
    parts = (target.get(key) for key in ("namespace", "kind", "name"))
    return "/".join(str(each) for each in parts if each)
