"""One record with anything in it takes no view from whoever is on call."""

from __future__ import annotations

import datetime
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from srectl.assistants import views
from srectl.assistants.given import given
from srectl.cli import cli
from srectl.operate.account import Account
from tests.support import shipped
from tests.support.console_scene import NEEDS, Scene, deployment

_TIMES = (
    *("received_at", "heard_at", "escalated_at", "acknowledged_at", "released_at", "risen_at"),
    *("resolved_at", "closed_at", "verified_at", "stopped_at", "let_go_at", "lent_until"),
    *("silenced_at", "silenced_until", "undo_asked_at", "alert_ended_at"),
)
_WORDS = (
    *("severity", "alert_name", "summary", "sender", "sender_name", "fingerprint", "runbook"),
    *("correlation_id", "escalation_reason", "escalation_code", "acknowledged_by", "closed_by"),
    *(
        "closed_reason",
        "restoration",
        "caused_by",
        "forerunner",
        "in_flight",
        "abandoned",
        "subject",
    ),
    *("runbook_execution", "attached_to", "target_health", "ending", "risen_from", "stopped_by"),
    *("acknowledged_because", "stopped_because", "silenced_target", "silenced_because", "wakes"),
    *("undo_asked_by", "released_by", "stopped_execution", "heard_severity", "mttr_seconds"),
)
_PARTS = (
    *("target", "labels", "annotations", "links", "warnings", "children", "investigations"),
    *("evidence", "approval", "in_hand", "actions_taken", "climbed", "findings"),
)
_EVERY = (*_TIMES, *_WORDS, *_PARTS)
ODD: dict[str, dict[str, Any]] = {
    "a day that there is not": {"timestamp": "2026-19-39T03:00:00.000Z"},
    "no time at all": {"timestamp": "soon"},
    "no words": dict.fromkeys(("severity", "alert_name", "summary", "sender", "target")),
    **{
        f"{kind} in the place of every {what}": dict.fromkeys(names, value)
        for kind, value in {
            "a number": 7,
            "a huge number": 10**30,
            "a truth": True,
            "a map": {"a": {"b": [7]}},
            "a list": [[7], {"a": 7}],
            "a text": "2026-19-39T03:00:00.000Z",
        }.items()
        for what, names in {"time": _TIMES, "word": _WORDS, "part": _PARTS, "value": _EVERY}.items()
    },
}
MARK = "8888"


@pytest.fixture(scope="module")
def scene() -> Iterator[Scene]:
    """A night with the oddest records in it, of every status."""
    with pytest.MonkeyPatch.context() as patch, deployment(patch) as account:
        made = Scene(account, datetime.datetime.now(datetime.UTC))
        made.night()
        for at, changes in enumerate(ODD.values()):
            for number, status in enumerate(("open", "remediating", "escalated", "resolved")):
                made.put(
                    f"{MARK}{at:02}{number:02}-0000-4000-8000-000000000000",
                    status=status,
                    **changes,
                )
        yield made


@pytest.fixture
def srectl(scene: Scene) -> Callable[..., Result]:
    env = {"SRECTL_PREFIX": scene.account.prefix, "COLUMNS": "250"}
    return lambda *words: CliRunner(env=env).invoke(cli, words)


@pytest.mark.parametrize("form", ["text", "json"])
@pytest.mark.parametrize(
    "words",
    [
        "handover",
        "incidents list --limit 200",
        "alerts top --since 2d",
        "runbooks report --since 2d",
        f"show {NEEDS}",
    ],
)
def test_a_page_of_all_tells_the_others(
    srectl: Callable[..., Result], words: str, form: str
) -> None:
    answer = srectl(*words.split(), "--output", form)
    assert answer.exit_code == 0, (answer.output[-300:], answer.exception)
    assert "CheckoutHighErrorRate" in answer.output
    if form == "json":
        json.loads(answer.stdout)


@pytest.mark.parametrize("at", range(len(ODD)), ids=[*ODD])
def test_each_is_shown_itself(
    srectl: Callable[..., Result], scene: Scene, at: int, tmp_path: Path
) -> None:
    for number in range(4):
        incident_id = f"{MARK}{at:02}{number:02}-0000-4000-8000-000000000000"
        for words in (
            ("show", incident_id),
            ("show", incident_id, "--json"),
            ("incidents", "postmortem", incident_id, "--to", str(tmp_path)),
        ):
            answer = srectl(*words)
            assert answer.exit_code == 0, (words, answer.output, answer.exception)
            assert incident_id[:8] in answer.output
        assert given(views.one(scene.account, incident=incident_id)).data


@pytest.mark.parametrize("at", [0, 1])
def test_one_whose_time_is_none_is_settled_as_any_other(
    srectl: Callable[..., Result], scene: Scene, at: int
) -> None:
    incident_id = f"{MARK}{at:02}02-0000-4000-8000-000000000000"
    answer = srectl("close", incident_id, "--reason", "settled")
    assert answer.exit_code == 0, (answer.output, answer.exception)
    closed = views.one(scene.account, incident=incident_id)
    assert (closed["status"], closed["closed_reason"]) == ("resolved", "settled")
    assert "mttr_seconds" not in closed


def test_they_are_exported_and_judged(srectl: Callable[..., Result], tmp_path: Path) -> None:
    path = tmp_path / "past.jsonl"
    answer = srectl("incidents", "export", str(path), "--from", "2d", "--json")
    assert answer.exit_code == 0, answer.output
    lines = [json.loads(each) for each in path.read_text("utf-8").splitlines()]
    assert len(lines) == json.loads(answer.stdout)["incidents"] > 4 * (len(ODD) - 1)
    judged = srectl(
        "backtest", "--records", str(path), "--runbooks", str(shipped.RUNBOOKS), "--json"
    )
    assert judged.exit_code == 0, judged.output
    assert any(
        each["alert"] == "CheckoutHighErrorRate" for each in json.loads(judged.stdout)["verdicts"]
    )


def test_the_console_and_its_files_have_them_all(
    srectl: Callable[..., Result], tmp_path: Path
) -> None:
    answer = srectl("console", "export", str(tmp_path / "pages"))
    assert answer.exit_code == 0, answer.output
    pages = {each.name: each.read_text("utf-8") for each in (tmp_path / "pages").glob("*.html")}
    assert [name for name, text in pages.items() if "Internal Server Error" in text] == []
    assert "not read" not in pages["index.html"].lower()
    assert sum(f"incidents-{MARK}" in name for name in pages) > len(ODD)


def test_an_assistant_is_told_of_them(scene: Scene) -> None:
    account: Account = scene.account
    for found in (views.latest(account, limit=200), views.handover(account)):
        assert NEEDS in json.dumps(given(found).data)
