"""A backtest of a deployment's own incidents, and of the same ones from the file of an export."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from click.testing import Result

from tests.support import shipped
from tests.unit.srectl.operate.remediations import APPS, HELPED, incident

Run = Callable[..., Result]
CATALOGUE = ("--runbooks", str(shipped.RUNBOOKS), "--json")
ALERT: dict[str, Any] = {
    "alert_name": "CheckoutHighErrorRate",
    "severity": "critical",
    "labels": {"namespace": "apps", "deployment": "checkout"},
    "target": APPS,
}


def test_what_an_export_writes_is_judged_as_what_the_deployment_has(
    put_incident: Callable[..., Any], srectl: Run, tmp_path: Path
) -> None:
    acted = put_incident(**incident(30, **ALERT, **HELPED))
    put_incident(**incident(20, **{**ALERT, "alert_name": "Unheard"}))
    put_incident(**incident(1, **ALERT))
    put_incident(**incident(24 * 40, **ALERT))
    put_incident(**incident(3, **ALERT, sender_name="platform-canary"))
    told = json.loads(srectl("backtest", "--from", "3d", "--to", "2h", *CATALOGUE).stdout)
    assert [each["alert"] for each in told["verdicts"]] == ["CheckoutHighErrorRate", "Unheard"]
    first = told["verdicts"][0]
    (name,) = told["catalogues"]
    assert first["incident_id"] == acted["incident_id"]
    judged = first["catalogues"][name]
    assert (judged["kind"], judged["runbook"]) == ("acts", "CheckoutHighErrorRate")
    assert "no runbook named Unheard" in told["verdicts"][1]["catalogues"][name]["why"]

    path = tmp_path / "past.jsonl"
    written = srectl("incidents", "export", str(path), "--from", "3d", "--to", "2h", "--json")
    assert json.loads(written.stdout) == {"incidents": 2, "file": str(path)}
    again = json.loads(srectl("backtest", "--records", str(path), *CATALOGUE).stdout)
    assert again == told
    assert path.stat().st_mode & 0o077 == 0

    kept = path.read_bytes()
    refused = srectl("incidents", "export", str(path), "--from", "1d")
    assert (refused.exit_code, path.read_bytes()) == (1, kept)
    assert "--overwrite" in refused.output
    anew = srectl("incidents", "export", str(path), "--from", "1d", "--overwrite")
    assert (anew.exit_code, path.read_bytes() != kept) == (0, True)
