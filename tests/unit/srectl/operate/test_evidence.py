"""Evidence as the operator reads it, and that it goes with its incident."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from srectl.operate.account import Account
from srectl.operate.evidence import picture_of

ID = "0f3c0c0e-6a3b-5d0e-9a55-2f1f4f0e8b11"
KEY = f"incidents/{ID}.json"
NOTED = {
    "status": "collected",
    "findings": ["image checkout:1.4.3 rolled out 4 minutes before the alert", "[red]odd[/]"],
    "sources": {"rollouts": "read", "logs": "AccessDenied: 403", "measurements": "not asked"},
    "key": KEY,
    "why_not": None,
}
Put = Callable[..., dict[str, Any]]
Run = Callable[..., Result]


def kept(account: Account) -> Any:
    s3 = account.client("s3")
    s3.create_bucket(Bucket=account.evidence_bucket)
    s3.put_bucket_versioning(
        Bucket=account.evidence_bucket, VersioningConfiguration={"Status": "Enabled"}
    )
    for version in (1, 2):
        s3.put_object(
            Bucket=account.evidence_bucket, Key=KEY, Body=json.dumps({"version": version})
        )
    return s3


def test_findings_are_told_with_what_is_missing_and_where_the_whole_is(
    put_incident: Put, srectl: Run
) -> None:
    put_incident(evidence=NOTED)
    told = srectl("incidents", "show", ID).output
    assert "  - image checkout:1.4.3 rolled out 4 minutes before the alert\n" in told
    assert "  - [red]odd[/]\n" in told
    assert "without logs: AccessDenied: 403" in told
    assert "measurements" not in told
    assert f"srectl incidents evidence {ID}" in told


def test_what_was_not_collected_is_told_with_its_reason(put_incident: Put, srectl: Run) -> None:
    put_incident(evidence={"status": "not collected", "why_not": "too many alerts at once"})
    assert (
        "evidence not collected: too many alerts at once" in srectl("incidents", "show", ID).output
    )
    refused = srectl("incidents", "evidence", ID)
    assert refused.exit_code != 0


def test_the_newest_version_is_printed_as_json(
    account: Account, put_incident: Put, srectl: Run
) -> None:
    put_incident(evidence=NOTED)
    kept(account)
    printed = srectl("incidents", "evidence", ID)
    assert json.loads(printed.output) == {"version": 2}


def test_an_alert_that_leads_nowhere_is_told_so(
    account: Account, put_incident: Put, srectl: Run
) -> None:
    put_incident(evidence={**NOTED, "findings": []})
    s3 = kept(account)
    nowhere = json.dumps({"no_target_because": "no labels name\nan [bold]object[/]"})
    s3.put_object(Bucket=account.evidence_bucket, Key=KEY, Body=nowhere)
    told = srectl("incidents", "show", ID).output
    assert "the alert leads to no object: no labels name an [bold]object[/]" in told
    s3.put_object(Bucket=account.evidence_bucket, Key=KEY, Body="{}")
    assert "leads to no object" not in srectl("incidents", "show", ID).output


@pytest.mark.parametrize(
    ("numbers", "state", "said"),
    [
        ({"why_not": "Prometheus has no active alert"}, "read", "Prometheus has no active alert"),
        ({"series": []}, "read", "Prometheus was asked and gave no number"),
        (None, "not asked", "of measurements the record says 'not asked'"),
    ],
)
def test_what_has_no_picture_says_why(
    account: Account, put_incident: Put, srectl: Run, numbers: Any, state: str, said: str
) -> None:
    put_incident(evidence={**NOTED, "sources": {"measurements": state}})
    facts = {} if numbers is None else {"measurements": {"numbers": numbers}}
    kept(account).put_object(
        Bucket=account.evidence_bucket, Key=KEY, Body=json.dumps({"facts": facts})
    )
    answer = srectl("incidents", "evidence", ID, "--picture", "-")
    assert answer.exit_code == 1
    assert f"there are no numbers to draw: {said}" in " ".join(answer.output.split())


def measured(*series: Any) -> dict[str, Any]:
    numbers = {"query": "</svg><script>alert(1)</script>", "series": list(series)}
    facts = {"measurements": {"numbers": numbers, "picture": "<svg onload='alert(1)'/>"}}
    return {"alert_began_at": "1970-01-01T00:00:10+00:00", "facts": facts}


LABELLED = {
    "labels": {"<b>": "<script>"},
    "points": [[0, 1.0], [10, None], [15, 1e999], [20, 3.0]],
}


def test_the_picture_is_drawn_anew_from_numbers_and_has_nobodys_text() -> None:
    picture = picture_of(measured(LABELLED))
    assert 'points="0.0,53.3 320.0,0.0"' in picture
    assert '<line x1="160.0"' in picture
    assert set(re.findall(r"<(/?\w+)", picture)) == {"svg", "/svg", "polyline", "line"}
    assert "alert" not in picture
    assert "script" not in picture


def test_the_picture_is_small_however_much_there_is() -> None:
    many = {"points": [[at, at % 7] for at in range(100_000)]}
    assert len(picture_of(measured(*[many] * 100))) < 20_000


@pytest.mark.parametrize(
    "odd",
    [
        {},
        measured(),
        measured("text"),
        measured({"points": [["now", "much"]]}),
        measured({"points": [[1, 2, 3]]}),
        {**measured(LABELLED), "alert_began_at": None},
        {**measured(LABELLED), "facts": []},
    ],
)
def test_where_there_are_no_numbers_there_is_no_picture(odd: dict[str, Any]) -> None:
    assert picture_of(odd) == ""


def test_the_picture_is_written_to_a_file(
    account: Account, put_incident: Put, srectl: Run, tmp_path: Path
) -> None:
    put_incident(evidence=NOTED)
    s3, file = kept(account), tmp_path / "errors.svg"
    refused = srectl("incidents", "evidence", ID, "--picture", str(file))
    assert refused.exit_code != 0
    assert "not asked" in refused.output
    assert not file.exists()
    body = json.dumps(measured({**LABELLED, "points": [[0, 1.0], [20, 3.0]]}))
    s3.put_object(Bucket=account.evidence_bucket, Key=KEY, Body=body)
    assert srectl("incidents", "evidence", ID, "--picture", str(file)).output == ""
    assert srectl("incidents", "evidence", ID, "--picture", "-").output == file.read_text()
    assert file.read_text().startswith("<svg ")


def test_an_incident_is_erased_with_every_version_of_its_evidence(
    account: Account, put_incident: Put, srectl: Run
) -> None:
    put_incident(status="resolved", evidence=NOTED)
    s3 = kept(account)
    assert srectl("incidents", "erase", ID, "--yes").exit_code == 0
    assert "Versions" not in s3.list_object_versions(Bucket=account.evidence_bucket)


def test_the_evidence_of_what_is_not_over_stays(
    account: Account, put_incident: Put, srectl: Run
) -> None:
    put_incident(status="escalated", evidence=NOTED)
    s3 = kept(account)
    assert srectl("incidents", "erase", ID, "--yes").exit_code != 0
    assert len(s3.list_object_versions(Bucket=account.evidence_bucket)["Versions"]) == 2
