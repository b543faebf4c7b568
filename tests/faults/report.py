"""Puts into words what a campaign has shown: faults by stages, and each violation by name."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from tests.faults.history import History, Violation
from tests.faults.kinds import DELIVERED, STAGES

__all__ = ["KINDS", "delivered", "lines", "table"]

#: What the campaign promises none of, in the words of the table.
KINDS = {
    "lost": ("lost", "refused"),
    "doubled": ("doubled", "acted-twice"),
    "stuck": ("stuck", "untold", "queue-left", "went-back"),
    "leases left": ("lease-left", "lock-left", "object-changed"),
    "two hands": ("two-hands",),
    "other": ("poison", "forged", "hole"),
}


def delivered(history: History) -> Mapping[str, Counter[str]]:
    """Count the faults that lie in how the sender delivered, by what they were made to."""
    found: dict[str, Counter[str]] = {}
    sent = {entry["delivery"] for entry in history.of("sent")}
    for number, delivery in enumerate(history.plan.deliveries):
        for fault in delivery.faults:
            if number in sent:
                row = found.setdefault(fault, Counter())
                row["times"] += 1
                row["intake"] += max(1, len(delivery.firings))
    return found


def table(counts: Mapping[str, Counter[str]]) -> list[str]:
    """Give the table of faults by stages: how many incidents each fault met where."""
    width = max([len(name) for name in counts] + [5])
    head = f"{'fault':<{width}}  times  " + "  ".join(f"{stage:>7}" for stage in STAGES)
    made = [head, "-" * len(head)]
    struck = [name for name in counts if name not in DELIVERED]
    for name in [*sorted(struck), *(each for each in DELIVERED if each in counts)]:
        row = counts[name]
        cells = "  ".join(f"{row[stage] or '.':>7}" for stage in STAGES)
        made.append(f"{name:<{width}}  {row['times']:>5}  {cells}")
    return made


def lines(
    history: History, violations: Sequence[Violation], counts: Mapping[str, Counter[str]]
) -> list[str]:
    """Give the whole report."""
    by_kind = Counter(violation.kind for violation in violations)
    statuses = Counter(str(record.get("status")) for record in history.records)
    codes = Counter(
        str(record.get("escalation_code"))
        for record in history.records
        if record.get("escalated_at")
    )
    answers = Counter(entry["code"] for entry in history.of("answered"))
    made = [f"seed {history.plan.seed}", "", *table(counts), ""]
    made.append(
        f"{len(history.plan.firings)} firings, {len(history.of('sent'))} bodies sent, answered "
        + ", ".join(f"{code or 'not'}: {n}" for code, n in sorted(answers.items()))
    )
    made.append(
        f"{len(history.records)} records: "
        + ", ".join(f"{status} {n}" for status, n in sorted(statuses.items()))
        + "; once escalated for: "
        + (", ".join(f"{code} {n}" for code, n in codes.most_common()) or "nothing")
    )
    made.append(
        f"{len(history.steps)} steps ran, {len(history.of('changed'))} changes of objects were seen"
    )
    made.append("")
    made += [
        f"{words:<12} {sum(by_kind[kind] for kind in kinds)}" for words, kinds in KINDS.items()
    ]
    if history.handed:
        made.append(f"handed to a human with what they changed: {len(history.handed)}")
    for violation in violations:
        made += [
            "",
            f"{violation.kind}: {violation.about}",
            f"  {violation.what}",
            f"  look at: {violation.look_at}",
        ]
    return made
