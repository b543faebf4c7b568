"""What must become of each body of `bodies/`: rows of bodies that belong together, and a check."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Record = Mapping[str, Any]


@dataclass(frozen=True)
class Case:
    """One situation that systems of users get into.

    Attributes
    ----------
    row
        Its number.
    bodies
        Files without ``.json``, in the order in which they are sent.
    must
        What must become of it, in words.
    holds
        Tells from its records, in the order in which incidents were named, whether it did.
    late
        How many of the last bodies come only after what is ``alert_ingest.firings.JUST_HEARD``: a
        group that was told a moment ago is not told again sooner.
    """

    row: str
    bodies: tuple[str, ...]
    must: str
    holds: Callable[[Sequence[Record]], bool]
    late: int = 0


def _one(check: Callable[[Record], bool]) -> Callable[[Sequence[Record]], bool]:
    return lambda records: len(records) == 1 and check(records[0])


def _untouched(record: Record) -> bool:
    return not record.get("actions_taken")


def _escalated(record: Record) -> bool:
    return record.get("status") == "escalated" and _untouched(record)


CASES = (
    Case(
        "08",
        ("08-am-no-alertname",),
        "taken with a name made of its labels",
        _one(lambda record: str(record["alert_name"]).startswith("Unnamed alert (")),
    ),
    Case(
        "30",
        ("30a-grafana12-firing", "30b-grafana12-resolved-startsAt-is-endsAt"),
        "the end closes the incident of the beginning",
        _one(lambda record: "resolved_at" in record),
    ),
    Case(
        "31",
        ("31a-am-firing", "31b-am-resolved-by-timeout", "31c-am-firing-again-same-startsAt"),
        "a recurrence that names its forerunner, with a runbook of its own",
        lambda records: (
            len(records) == 2
            and records[1].get("forerunner") == records[0]["incident_id"]
            and "runbook_execution" in records[1]
        ),
        late=1,
    ),
    Case(
        "33",
        ("33a-cluster-A", "33b-cluster-B"),
        "the only cluster's, or one with a warning and no action",
        lambda records: len(records) in (1, 2),
    ),
    Case(
        "34",
        ("34-grafana-managed-via-external-am-nodata",),
        "for a human, the rule's runbook is not used",
        _one(lambda record: _escalated(record) and record.get("runbook") is None),
    ),
    Case(
        "35b",
        ("35b-datadog-test-notification-relay-form",),
        "recorded as a test, over at once, no action",
        _one(lambda record: record.get("status") == "resolved" and _untouched(record)),
    ),
    Case(
        "36",
        ("36a-datadog-warn", "36b-datadog-triggered-same-cycle"),
        "the severity rises to critical",
        _one(lambda record: record.get("severity") == "critical"),
    ),
    Case(
        "38",
        ("38-am-staging-namespace-selects-prod-runbook",),
        "for a human: the runbook is about another object",
        _one(
            lambda record: (
                _escalated(record) and "staging/checkout" in str(record.get("escalation_reason"))
            )
        ),
    ),
)
