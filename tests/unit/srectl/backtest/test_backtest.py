"""Two catalogues over the same records, as a table and as JSON; records as lines of a file."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner, Result

from srectl.backtest import records as files
from srectl.backtest.compare import Backtest
from srectl.backtest.judging import judge
from srectl.backtest.markdown import as_markdown
from srectl.cli import cli
from srectl.errors import CommandFailed
from srectl.operate.incidents import readable
from srectl.operate.plans import Limits
from tests.unit.srectl.backtest.past import catalogue, incident, remedied, runbook, unhelped

RECORDS = [remedied(0), unhelped(60), unhelped(120), incident(180, "Other"), incident(240)]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    """Run a backtest of catalogues in folders, without any AWS."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_PROFILE", "AWS_ENDPOINT_URL", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    files.write(tmp_path / "past.jsonl", RECORDS)
    for folder, found in {
        "old": [runbook()],
        "new": [runbook(approval={"required": True}), runbook("Other")],
    }.items():
        (tmp_path / folder).mkdir()
        for each in found:
            (tmp_path / folder / f"{each['name'].lower()}.yaml").write_text(yaml.safe_dump(each))

    def call(*arguments: str) -> Result:
        given = ["backtest", "--records", "past.jsonl", *arguments]
        return CliRunner().invoke(cli, given)

    return call


def test_two_catalogues_are_compared_without_a_deployment(run: Callable[..., Result]) -> None:
    answer = run("--runbooks", "new", "--against", "old")
    assert answer.exit_code == 0, answer.output
    lines = answer.stdout.splitlines()
    assert lines[0] == "## Backtest of `new` against `old`"
    assert lines[2].startswith("5 incidents, from past.jsonl, that began from 2026-11-20T12:00")
    assert "| would have | `old` | `new` |" in lines
    assert "| acts | 4 | 1 |" in lines
    assert "| asks first | 0 | 4 |" in lines
    assert "| nothing to do | 1 | 0 |" in lines
    assert "### 5 incidents differ between the two" in lines
    row = next(each for each in lines if each.startswith("| 2 | Sick |"))
    acts = "acts Sick: restart_workload deployment apps/checkout"
    assert row.split(" | ")[2:8] == [
        "apps/deployment/checkout",
        acts,
        f"{acts.replace('acts', 'asks', 1)} after approval",
        "Sick acted, not over (not-resolved)",
        "Deployment apps/checkout f: 1 → 2",
        f"`{RECORDS[2]['incident_id'][:8]}` |",
    ]


def test_one_catalogue_is_held_against_what_really_happened(run: Callable[..., Result]) -> None:
    answer = run("--runbooks", "old")
    assert "### 1 incidents differ from what really happened" in answer.stdout
    assert "| 1 | Sick |" in answer.stdout
    assert "nothing done, over by itself" in answer.stdout


def test_a_catalogue_against_itself_differs_in_nothing(run: Callable[..., Result]) -> None:
    assert "### 0 incidents differ between the two" in run("--runbooks=old", "--against=old").stdout


def test_a_program_gets_every_verdict(run: Callable[..., Result]) -> None:
    told = json.loads(run("--runbooks", "new", "--against", "old", "--json").stdout)
    assert told["incidents"] == 5
    assert told["catalogues"]["old"]["kinds"]["acts"] == 4
    assert told["really"] == {"acted, helped": 1, "acted, did not help": 2, "nothing done": 2}
    (two, *_) = told["differences"]
    assert (two["before"]["kind"], two["after"]["kind"]) == ("acts", "asks")
    assert len(two["incidents"]) == 2
    assert two["after"]["plan"][0]["to"] == 2
    by_name = [each["catalogues"] for each in told["verdicts"]]
    assert [each["new"]["runbook"] for each in by_name] == ["Sick"] * 3 + ["Other", "Sick"]


@pytest.mark.parametrize("name", ["alert", "really", "timestamp", "incident_id"])
def test_a_catalogue_hides_nothing_whatever_its_folder_is_called(
    run: Callable[..., Result], tmp_path: Path, name: str
) -> None:
    plain = json.loads(run("--runbooks", "new", "--json").stdout)["verdicts"]
    (tmp_path / "new").rename(tmp_path / name)
    named = json.loads(run("--runbooks", name, "--json").stdout)["verdicts"]
    for one, other in zip(plain, named, strict=True):
        assert other["catalogues"].pop(name) == one["catalogues"].pop("new")
        assert other == one


def test_rows_are_bounded_and_that_is_said(run: Callable[..., Result]) -> None:
    answer = run("--runbooks", "new", "--against", "old", "--rows", "1")
    assert "more rows are left out (`--rows`)." in answer.stdout


def test_what_an_alert_says_is_no_markup() -> None:
    hostile = incident(0, "<img src=x> | [a](b) `c`\n# d", target={"name": "x|y", "kind": "`z`"})
    found = Backtest(
        [hostile],
        "new",
        judge([hostile], catalogue(), Limits()),
        "old|`",
        judge([hostile], catalogue(runbook(hostile["alert_name"])), Limits()),
    )
    text = as_markdown(found, "from <b>", 50)
    (row,) = (each for each in text.splitlines() if each.startswith("| 1 |"))
    assert "<" not in row.replace("\\<", "")
    assert row.replace("\\|", "").count("|") == 9
    assert "`old??`" in text


def test_records_come_back_as_they_were_written_without_what_answers_for_others(
    tmp_path: Path,
) -> None:
    asked = incident(5, approval={"token": "secret", "first": {"proof": "secret", "by": "ada"}})
    beat = incident(6, "PlatformCanary", sender_name="platform-canary")
    mine = incident(7, "PlatformCanary")
    path = tmp_path / "past.jsonl"
    assert files.write(path, [asked, RECORDS[0], beat, mine]) == 4
    assert "secret" not in path.read_text()
    found = files.read(path)
    assert [each["incident_id"] for each in found] == [
        RECORDS[0]["incident_id"],
        asked["incident_id"],
        mine["incident_id"],
    ]
    assert found[0] == readable(dict(RECORDS[0]))


def test_a_record_with_anything_in_the_place_of_anything_is_judged_by_what_is_left(
    tmp_path: Path,
) -> None:
    odd: dict[str, Any] = {
        "labels": ["x"],
        "target": "checkout",
        "actions_taken": {"a": 1},
        "in_hand": "3",
        "approval": [],
        "resolved_at": "soon",
        "received_at": {},
    }
    records = [incident(n, **{key: value}) for n, (key, value) in enumerate(odd.items())]
    files.write(tmp_path / "past.jsonl", [*records, incident(99, **odd)])
    found = files.read(tmp_path / "past.jsonl")
    told = judge(found, catalogue(runbook()), Limits())
    assert len(told) == len(odd) + 1
    assert as_markdown(Backtest(found, "new", told), "from a file", 50)


def test_the_last_line_of_an_incident_counts(tmp_path: Path) -> None:
    path = tmp_path / "past.jsonl"
    files.write(path, [incident(0, status="open"), incident(0)])
    (found,) = files.read(path)
    assert found["status"] == "resolved"


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ("{", "line 2 of"),
        ("[" * 100_000, "recursion depth"),
        ("[]", "it has no incident_id, timestamp"),
        ('{"incident_id": "a", "timestamp": 3}', "it has no timestamp"),
    ],
)
def test_a_line_that_is_no_record_is_named(tmp_path: Path, line: str, fault: str) -> None:
    path = tmp_path / "past.jsonl"
    path.write_text(f"{json.dumps(incident(0))}\n{line}\n")
    with pytest.raises(CommandFailed) as caught:
        files.read(path)
    assert "line 2 of" in str(caught.value.message)
    assert fault in str(caught.value.message)


def test_ends_of_lines_within_the_text_of_an_alert_are_none_of_the_file(tmp_path: Path) -> None:
    path = tmp_path / "past.jsonl"
    odd = incident(0, "one\u2028two\x85three")
    path.write_text(f"{json.dumps(odd, ensure_ascii=False)}\r\n", "utf-8", newline="")
    assert [each["alert_name"] for each in files.read(path)] == ["one\u2028two\x85three"]


def test_a_file_that_is_no_text_or_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"\xff\xfe")
    with pytest.raises(CommandFailed, match="could not be read"):
        files.read(tmp_path / "x")
    with pytest.raises(CommandFailed, match="could not be written"):
        files.write(tmp_path / "x" / "y", RECORDS)


def test_an_export_makes_no_folder(tmp_path: Path) -> None:
    with pytest.raises(CommandFailed, match="No such file or directory") as caught:
        files.write(tmp_path / "nowhere" / "x.jsonl", RECORDS)
    assert "a folder that is there" in caught.value.hint
    assert not (tmp_path / "nowhere").exists()


@pytest.mark.parametrize(
    "command", [["backtest", "--runbooks", "old"], ["incidents", "export", "x.jsonl"]]
)
@pytest.mark.usefixtures("run")
def test_a_time_that_ends_before_it_begins_is_refused(command: list[str]) -> None:
    answer = CliRunner().invoke(cli, [*command, "--from", "1h", "--to", "2h"])
    assert answer.exit_code == 2
    assert "is not after --from" in answer.output
    assert not Path("x.jsonl").exists()


def test_a_catalogue_that_is_not_there_is_told(run: Callable[..., Result]) -> None:
    answer = run("--runbooks", "nowhere")
    assert answer.exit_code != 0
    assert "there is no folder nowhere" in answer.output
    assert "name its folder with --runbooks" in answer.output
    answer = run("--runbooks", "old", "--against", "nowhere")
    assert "name its folder with --against" in answer.output
    # Nor is anything read first, or a deployment asked for.
    alone = CliRunner().invoke(cli, ["backtest", "--runbooks", "nowhere"])
    assert "there is no folder nowhere" in alone.output
    empty: Any = run("--runbooks", "old", "--from", "1h")
    assert empty.exit_code == 0
