"""Each invariant is judged: a history in which it is broken is named, a good one is not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from alert_ingest.identity import incident_id
from alert_ingest.model import iso
from tests.faults.checker import check
from tests.faults.final import handed, records
from tests.faults.history import History, Lock, StepRun
from tests.faults.kinds import Delivery, Firing, Plan

_START = 1_800_000_000.0
_A, _B = ("11111111-0000-5000-8000-00000000000a", "22222222-0000-5000-8000-00000000000b")
#: What alert-ingest makes of _A, which ended nine seconds after the beginning, when it goes on.
_AGAIN = incident_id("recurrence", _A, iso(datetime.fromtimestamp(_START + 9, UTC)))
_OBJECT = "deployment/apps/faults-00"


def _firing(number: int, kind: str = "scale") -> Firing:
    target = "faults-00" if kind == "scale" else ""
    return Firing(number, kind, target, "critical", 1.0, 9.0, 0.0, f"f{number}")


_PLAN = Plan(
    seed=1,
    seconds=20.0,
    targets=("faults-00",),
    firings=(_firing(0), _firing(1)),
    deliveries=(Delivery(1.0, (0,), "firing"), Delivery(9.0, (0,), "resolved")),
    strikes=(),
)
_SPEC = {"replicas": 1, "template": "t"}


def _answered(delivery: int, number: int, *incidents: str, **changes: Any) -> dict[str, Any]:
    return {
        "at": _START + 1,
        "what": "answered",
        "delivery": delivery,
        "firings": [number],
        "status": "firing",
        "poison": "",
        "code": 202,
        "incidents": list(incidents),
        "text": "",
    } | changes


def _changed(at: float, incident: str, before: Any, after: Any, **other: str) -> dict[str, Any]:
    return {
        "at": _START + at,
        "what": "changed",
        "object": "faults-00",
        "field": "replicas",
        "before": before,
        "after": after,
        "incident": incident,
        "restarted_by": "",
        "undone_for": "",
    } | other


def _seen(incident: str, status: str) -> dict[str, Any]:
    return {"at": _START + 5, "what": "seen", "incident": incident, "status": status}


def _run(incident: str, do: str, start: float, stop: float) -> StepRun:
    return StepRun(incident, do, _OBJECT, _START + start, _START + stop, f"{incident}-1-{do}")


def _record(incident: str, number: int = 0, **changes: Any) -> dict[str, Any]:
    return {
        "incident_id": incident,
        "fingerprint": f"f{number}",
        "status": "resolved",
        "resolved_at": 1_800_000_009,
    } | changes


_GOOD = History(
    plan=_PLAN,
    entries=[
        {"at": _START, "what": "began", "seed": 1},
        _answered(0, 0, _A),
        _answered(1, 0, _A, status="resolved"),
        _changed(3, _A, 1, 2),
        _changed(12, _A, 2, 1),
        _seen(_A, "open"),
        _seen(_A, "remediating"),
        _seen(_A, "resolved"),
    ],
    fingerprints={"f0": 0, "f1": 1},
    records=[_record(_A)],
    before={"faults-00": _SPEC},
    after={"faults-00": _SPEC},
    steps=[_run(_A, "execute", 2, 4), _run(_A, "restore", 11, 13)],
)


def _with(*entries: Mapping[str, Any], **changes: Any) -> History:
    return replace(_GOOD, **({"entries": [*_GOOD.entries, *entries]} | changes))


def test_a_good_history_has_no_violation() -> None:
    assert check(_GOOD) == []


_BROKEN = {
    "an accepted end does not stand in the record": (
        _with(records=[_record(_A, resolved_at=None)]),
        "lost",
        _A,
    ),
    "an accepted alert has neither record nor message": (_with(records=[]), "lost", _A),
    "a good alert was refused for good": (
        _with(_answered(2, 1, code=400, text="no")),
        "refused",
        "delivery 2",
    ),
    "a good alert was never taken": (_with(_answered(2, 1, code=0)), "refused", "delivery 2"),
    "a poisoned body was taken": (_with(_answered(2, 1, poison="no-json")), "poison", "delivery 2"),
    "a poisoned body broke the intake": (
        _with(_answered(2, 1, code=503, poison="no-json")),
        "poison",
        "delivery 2",
    ),
    "another sender's key told its end": (
        _with(_answered(2, 0, _A, status="resolved", forged=True)),
        "forged",
        _A,
    ),
    "a repetition was answered as another incident": (
        _with(_answered(2, 0, _B), records=[_record(_A)], queued={}),
        "doubled",
        _A,
    ),
    "a repetition long after the end was answered as an incident that is no recurrence": (
        _with(
            _answered(2, 0, _B, at=_START + 9 + 320), records=[_record(_A), _record(_B)], queued={}
        ),
        "doubled",
        _A,
    ),
    "a recurrence came within five minutes of the end": (
        _with(_answered(2, 0, _AGAIN, at=_START + 9 + 290), records=[_record(_A), _record(_AGAIN)]),
        "doubled",
        _A,
    ),
    "a recurrence came within a minute of when the end was heard": (
        _with(
            entries=[
                *_GOOD.entries[:2],
                _answered(1, 0, _A, status="resolved", at=_START + 500),
                *_GOOD.entries[3:],
                _answered(2, 0, _AGAIN, at=_START + 550),
            ],
            records=[_record(_A), _record(_AGAIN)],
        ),
        "doubled",
        _A,
    ),
    "a recurrence of an incident whose end was never told": (
        _with(
            entries=[
                *_GOOD.entries[:2],
                *_GOOD.entries[3:],
                _answered(2, 0, _AGAIN, at=_START + 550),
            ],
            records=[_record(_A), _record(_AGAIN)],
        ),
        "doubled",
        _A,
    ),
    "a record beside a recurrence": (
        _with(
            _answered(2, 0, _AGAIN, at=_START + 9 + 320),
            records=[_record(_A), _record(_AGAIN), _record(_B)],
        ),
        "doubled",
        _A,
    ),
    "one firing has two records": (_with(records=[_record(_A), _record(_B)]), "doubled", _A),
    "an incident scaled twice": (_with(_changed(4, _A, 2, 3)), "acted-twice", _A),
    "an incident restarted twice": (
        _with(
            _changed(3, _A, "", "t1", field="restarted_at"),
            _changed(4, _A, "t1", "t2", field="restarted_at"),
        ),
        "acted-twice",
        _A,
    ),
    "two incidents had a step on one object at once": (
        _with(steps=[*_GOOD.steps, _run(_B, "execute", 3, 6)]),
        "two-hands",
        _B,
    ),
    "a step began while a restoring one ran": (
        _with(steps=[*_GOOD.steps, _run(_B, "execute", 12, 14)]),
        "two-hands",
        _B,
    ),
    "an incident acted before and after another one": (
        _with(
            _changed(5, _B, 2, 3),
            _changed(6, _A, "", "t1", field="restarted_at", restarted_by=f"{_A}/1"),
        ),
        "two-hands",
        _A,
    ),
    "a record is left open": (_with(records=[_record(_A, status="open")]), "stuck", _A),
    "a record is left in hand": (_with(records=[_record(_A, status="remediating")]), "stuck", _A),
    "a record has no status": (_with(records=[_record(_A, status=None)]), "stuck", _A),
    "an execution still runs": (_with(running=["abc-1-execute"]), "stuck", "abc-1-execute"),
    "nobody was told of an escalation": (
        _with(records=[_record(_A, status="escalated", escalated_at="t", escalation_code="x")]),
        "untold",
        _A,
    ),
    "a status went back": (_with(_seen(_A, "remediating")), "went-back", _A),
    "an escalation went back": (_with(_seen(_B, "escalated"), _seen(_B, "open")), "went-back", _B),
    "a lease is left": (
        _with(locks=[Lock("lease#deployment/faults-00", (_A,))]),
        "lease-left",
        _A,
    ),
    "a lock is left": (_with(locks=[Lock("target#faults-00", (_A,))]), "lock-left", _A),
    "a lease is left by one that was handed over and one that was not": (
        _with(
            locks=[Lock("lease#deployment/faults-00", (_A, _B))],
            handed=frozenset({_A}),
        ),
        "lease-left",
        _A,
    ),
    "a queue keeps a message": (_with(queued={"recorder": ["text"]}), "queue-left", "recorder"),
    "replicas were not brought back": (
        _with(after={"faults-00": {**_SPEC, "replicas": 2}}),
        "object-changed",
        "faults-00",
    ),
    "a template is another one": (
        _with(after={"faults-00": {**_SPEC, "template": "u"}}),
        "object-changed",
        "faults-00",
    ),
    "an object is gone": (_with(after={}), "object-changed", "faults-00"),
    "the watch has a hole": (
        _with({"at": _START, "what": "hole", "text": "forgotten"}),
        "hole",
        "audit",
    ),
}


@pytest.mark.parametrize("broken", _BROKEN)
def test_a_broken_invariant_is_named_with_what_it_is_about(broken: str) -> None:
    history, kind, about = _BROKEN[broken]
    found = [each for each in check(history) if each.kind == kind]
    assert [each.about for each in found] == [about] or about in {each.about for each in found}
    assert all(each.what and each.look_at for each in found)


_ESCALATED = _record(_A, status="escalated", escalated_at="t", escalation_code="runbook-abandoned")
_HARMLESS = {
    "a human was called for what an abandoned runbook holds": _with(
        records=[_ESCALATED],
        told=frozenset({_A}),
        handed=handed([_ESCALATED], {_A: "runbook-abandoned"}),
        locks=[Lock("lease#deployment/faults-00", (_A,)), Lock("target#faults-00", (_A,))],
        entries=[*_GOOD.entries[:4], *_GOOD.entries[5:]],
        after={"faults-00": {**_SPEC, "replicas": 2}},
    ),
    "a human was called for one of two, and the other has let go": _with(
        entries=[
            *_GOOD.entries[:4],
            *_GOOD.entries[5:],
            _changed(14, _B, 2, 3),
            _changed(15, _B, 3, 2),
        ],
        records=[_ESCALATED, _record(_B, number=1)],
        steps=[*_GOOD.steps, _run(_B, "execute", 14, 14.5), _run(_B, "undo", 15, 15.5)],
        told=frozenset({_A}),
        handed=frozenset({_A}),
        locks=[Lock("lease#c#apps#deployment#faults-00#replicas", (_A,))],
        after={"faults-00": {**_SPEC, "replicas": 2}},
    ),
    "what is accepted waits in a queue that is watched": _with(
        records=[], queued={"recorder": [f"… {_A} …"]}
    ),
    "an accepted end waits in a queue that is watched": _with(
        records=[_record(_A, resolved_at=None)], queued={"recorder": [f"… {_A} …"]}
    ),
    "another sender's key told of an incident of its own": _with(
        _answered(2, 0, _B, status="resolved", forged=True), records=[_record(_A), _record(_B)]
    ),
    "an answer was lost, and the repetition is the same incident": _with(
        _answered(2, 0, code=0), _answered(2, 0, _A)
    ),
    "it went on five minutes after its end": _with(
        _answered(2, 0, _AGAIN, at=_START + 9 + 320), records=[_record(_A), _record(_AGAIN)]
    ),
    "an undo brought back the restart of before": _with(
        _changed(3, _A, "", "t1", field="restarted_at"),
        _changed(4, _A, "t1", "", field="restarted_at", undone_for=f"{_A}/1"),
    ),
    "degraded mode ends with a restart of its own": _with(
        _changed(3, _A, "", "t1", field="restarted_at"),
        _changed(12, _A, "t1", "t2", field="restarted_at", undone_for=f"{_A}/1"),
    ),
    "an escalation was told": _with(
        records=[_record(_A, status="escalated", escalated_at="t", escalation_code="x")],
        told=frozenset({_A}),
    ),
    "two incidents came one after the other": _with(
        _changed(5, _B, 1, 2), steps=[*_GOOD.steps, _run(_B, "execute", 4, 6)]
    ),
    "two plans were made at once": _with(
        steps=[*_GOOD.steps, _run(_A, "plan", 20, 24), _run(_B, "plan", 21, 25)]
    ),
}


@pytest.mark.parametrize("harmless", _HARMLESS)
def test_what_only_looks_like_a_violation_is_none(harmless: str) -> None:
    kinds = {each.kind for each in check(_HARMLESS[harmless])}
    assert kinds <= {"queue-left"}


@pytest.mark.parametrize(
    ("changes", "is_handed"),
    [
        ({"escalation_code": "runbook-abandoned"}, True),
        ({"escalation_code": "not-resolved"}, False),
        ({"actions_taken": [{"operation": "undo", "status": "failed"}]}, True),
        ({"actions_taken": [{"operation": "undo", "status": "succeeded"}]}, False),
        ({"escalation_reason": "… The undo ended without an answer; …"}, True),
    ],
)
def test_a_change_is_handed_over_only_where_it_stands_and_somebody_was_told(
    changes: dict[str, Any], is_handed: bool
) -> None:
    record = _record(_A, **changes)
    assert (_A in handed([record], {_A: "not-resolved"})) is is_handed
    assert _A not in handed([record], {})


def test_the_canarys_incident_is_handed_over_though_it_is_none_of_the_campaigns() -> None:
    canary = {"incident_id": _A, "fingerprint": "canary", "alert_name": "PlatformCanary"}
    assert records([canary], {"f1": 1}) == []
    assert handed([canary], {_A: "runbook-abandoned"}) == {_A}
