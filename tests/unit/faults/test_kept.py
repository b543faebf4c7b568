"""What a campaign leaves can be tried on another catalogue: records and runbooks fit together."""

from __future__ import annotations

from pathlib import Path

from srectl.backtest import records as files
from srectl.backtest.judging import judge
from srectl.operate.plans import Limits
from srectl.runbooks import load_all
from tests.faults.__main__ import _catalogue
from tests.faults.bodies import runbook_of
from tests.faults.kinds import Firing
from tests.faults.nemesis import FAULTS, SHORT
from tests.faults.plan import Sizes, make
from tests.faults.targets import NAMESPACE, definitions


def record_of(firing: Firing) -> dict[str, object]:
    """The record of a firing that was acted on, as far as a selection looks at it."""
    name = runbook_of(firing.kind, firing.target)
    evicts = firing.kind == "evict"
    labels = {"pod": f"{firing.target}-1-a"} if evicts else {"deployment": firing.target}
    target = {"cluster": None, "namespace": NAMESPACE, "kind": "deployment", "name": firing.target}
    return {
        "incident_id": f"i-{firing.number}",
        "timestamp": f"2026-11-20T12:{firing.number // 60:02}:{firing.number % 60:02}.000Z",
        "alert_name": name,
        "runbook": name,
        "severity": firing.severity,
        "labels": {"namespace": NAMESPACE, **labels},
        "target": target,
    }


def test_the_runbooks_of_a_campaign_are_a_catalogue_that_its_records_select(tmp_path: Path) -> None:
    plan = make(
        7, Sizes(24, 45.0, 3), {name: (FAULTS[name].stages, FAULTS[name].seconds) for name in SHORT}
    )
    acts = [each for each in plan.firings if each.acts and each.target != "checkout"]
    path = tmp_path / "past.jsonl"
    files.write(path, [record_of(each) for each in acts])
    there = load_all(_catalogue(path, definitions(plan))).selected()
    found = judge(files.read(path), there, Limits())
    assert len(found) == len(acts) > 5
    assert {each.runbook for each in found.values()} <= {*there}
    assert {each.kind: each.why for each in found.values() if each.kind == "nothing"} == {}
