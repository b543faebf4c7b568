"""Every alert of kube-prometheus-stack has an answer, and the page of the docs says which."""

from __future__ import annotations

import csv
import json
import re
from pathlib import Path
from typing import Any

import boto3
import pytest
from click.testing import CliRunner
from moto import mock_aws

from srectl import runbooks
from srectl.cli import cli
from srectl.runbooks.answering import Answer, alerts_of, answers_to, page
from tests.support import shipped
from tests.support.tables import make_table
from tests.support.template import ROOT

FOLDER = shipped.RUNBOOKS
LIST = FOLDER / "kubernetes" / "kube-prometheus-stack.csv"
RULES = list(
    csv.DictReader(
        line for line in LIST.read_text("utf-8").splitlines() if not line.startswith("#")
    )
)

CATALOGUE = runbooks.load_all(FOLDER)
ANSWERS = {each.alert: each for each in answers_to(alerts_of(LIST), CATALOGUE)}
SHIPPED = [one for one in CATALOGUE.runbooks if one.source.parent.name == "kubernetes"]
# Rules about the control plane and the monitoring; those of kubelets are about nodes.
PLATFORM = {
    "alertmanager.rules",
    "config-reloaders",
    "GrafanaAlerts",
    "general.rules",
    "kube-apiserver-slos",
    "kube-state-metrics",
    "kubernetes-system",
    "kubernetes-system-apiserver",
    "kubernetes-system-controller-manager",
    "kubernetes-system-scheduler",
    "prometheus",
    "prometheus-operator",
}
# What a label of each name may hold; the others say what they are.
VALUES = {
    "deployment": "checkout",
    "horizontalpodautoscaler": "checkout",
    "instance": "10.0.12.7:9100",
    "job": "kube-state-metrics",
    "job_name": "report",
    "namespace": "apps",
    "node": "ip-10-0-12-7.ec2.internal",
    "persistentvolumeclaim": "data",
    "pod": "checkout-6c9f7d8b5-x2x9q",
    "statefulset": "ledger",
}
GOOD = """
name: Restart
description: Restarts the checkout service.
severities: [critical]
action: restart_deployment
target: {kind: deployment, namespace: apps, name: checkout}
on_failure: keep
guard: {cooldown_seconds: 300, max_actions: 3, window_seconds: 3600}
"""
KNOWN = """
evidence_only:
  - alerts: [Hopeless, Helpless]
    why: Nothing that a runbook could do would help with it.
"""


def body(rules: list[dict[str, str]]) -> dict[str, Any]:
    """Give what Alertmanager would post if all of these rules fired."""
    alerts = []
    for number, rule in enumerate(rules):
        names = rule["labels_named_in_its_text"].split()
        labels = {name: VALUES.get(name, name) for name in names}
        labels |= {"alertname": rule["alert"], "severity": rule["severity"]}
        alerts.append(
            {
                "status": "firing",
                "labels": labels,
                "annotations": {},
                "startsAt": "2026-01-01T12:00:00Z",
                "endsAt": "0001-01-01T00:00:00Z",
                "generatorURL": "",
                "fingerprint": f"{number:016x}",
            }
        )
    group = {"groupKey": "{}", "groupLabels": {}, "commonLabels": {}, "commonAnnotations": {}}
    more = {"receiver": "sre-platform", "externalURL": "", "truncatedAlerts": 0}
    return {"version": "4", "status": "firing", "alerts": alerts, **group, **more}


def test_the_page_of_the_docs_is_what_the_catalogue_of_this_checkout_says() -> None:
    written = (ROOT / "docs" / "alerts.md").read_text("utf-8")
    own = runbooks.load_all(ROOT / "runbooks")
    said = page(own, list(answers_to(alerts_of(LIST), own)))
    assert written == said, "'make answers' writes it anew"


def test_no_alert_is_without_an_answer() -> None:
    assert len(ANSWERS) == 125
    assert {each.answer for each in ANSWERS.values()} == {"acts", "asks", "evidence only"}


def test_a_plan_for_each_of_them_says_what_the_table_says(tmp_path: Path) -> None:
    file = tmp_path / "all.json"
    file.write_text(json.dumps(body(RULES)))
    arguments = ["runbooks", "plan", "--event", str(file), "--folder", str(FOLDER), "--json"]
    printed = CliRunner().invoke(cli, arguments)
    assert printed.exit_code == 0, printed.output
    plans = json.loads(printed.stdout)
    assert [each["alert_name"] for each in plans] == [rule["alert"] for rule in RULES]
    for each in plans:
        answer = ANSWERS[each["alert_name"]]
        if answer.answer == "evidence only":
            assert (each["evidence_only"], each["steps"]) == (answer.why, [])
            continue
        assert (each["runbook"], each["refusals"]) == (answer.runbook, [])
        assert each["observes"]
        asks = {step["approval"]["required"] for step in each["steps"]}
        assert asks == {answer.answer == "asks"}


def test_nothing_acts_on_the_control_plane_on_etcd_or_on_the_monitoring() -> None:
    about = {rule["alert"] for rule in RULES if rule["group"] in PLATFORM}
    assert len(about) > 50
    assert {ANSWERS[alert].answer for alert in about} == {"evidence only"}
    etcd = {one.alert for one in CATALOGUE.evidence_only if one.alert.startswith("etcd")}
    assert {"etcdNoLeader", "etcdInsufficientMembers", "etcdHighFsyncDurations"} <= etcd


def test_the_page_and_the_list_of_the_catalogue_do_not_contradict_each_other() -> None:
    told = re.search(
        r"(\d+) evidence only\. `srectl runbooks list` counts (\d+) more",
        page(CATALOGUE, list(ANSWERS.values())),
    )
    assert told is not None
    assert int(told[1]) + int(told[2]) == len(CATALOGUE.evidence_only)


@pytest.mark.parametrize("runbook", SHIPPED, ids=lambda one: one.name)
def test_each_is_shipped_to_observe_and_to_act_on_what_the_alert_names(
    runbook: runbooks.Runbook,
) -> None:
    assert runbook.definition["mode"] == "observe"
    assert "from_alert" in runbook.definition["target"]
    assert set(runbook.answers) <= set(ANSWERS)


def test_what_is_not_said_of_an_alert_is_told(tmp_path: Path) -> None:
    (tmp_path / "restart.yaml").write_text(GOOD)
    (tmp_path / "list.csv").write_text("alert,severity\nRestart,critical\nNew,warning\n")
    printed = CliRunner().invoke(
        cli,
        ["runbooks", "answers", "--folder", str(tmp_path), "--alerts", f"{tmp_path}/list.csv"],
        env={"COLUMNS": "200"},
    )
    assert printed.exit_code == 1
    assert "the catalogue does not know it" in printed.output
    (tmp_path / "list.csv").write_text("alert,severity\nRestart,critical\nRestart,warning\n")
    (only,) = answers_to(alerts_of(tmp_path / "list.csv"), runbooks.load_all(tmp_path))
    assert only == Answer(
        "Restart", ["critical", "warning"], "nothing", "Restart", "it is not for warning"
    )


@pytest.mark.parametrize("text", ["name,level\nA,critical\n", None])
def test_a_list_that_is_none_is_refused(tmp_path: Path, text: str | None) -> None:
    (tmp_path / "restart.yaml").write_text(GOOD)
    if text:
        (tmp_path / "list.csv").write_text(text)
    printed = CliRunner().invoke(
        cli, ["runbooks", "answers", "--folder", str(tmp_path), "--alerts", f"{tmp_path}/list.csv"]
    )
    assert printed.exit_code == 1
    assert "list.csv" in printed.output
    assert "--alerts" in printed.output


@pytest.mark.parametrize(
    ("second", "evidence", "said"),
    [
        ("Other", "Hopeless", "Hopeless is evidence only, and is answered by Restart"),
        ("Hopeless", "Lost", "Hopeless is answered by Restart, and is the name of Hopeless"),
        ("Restart2", "Restart2", "Restart2 is evidence only, and is the name of Restart2"),
    ],
)
def test_an_alert_with_two_answers_is_refused(
    tmp_path: Path, second: str, evidence: str, said: str
) -> None:
    (tmp_path / "restart.yaml").write_text(f"{GOOD}answers: [Hopeless]\n")
    (tmp_path / "second.yaml").write_text(GOOD.replace("Restart\n", f"{second}\n", 1))
    (tmp_path / "evidence-only.yaml").write_text(KNOWN.replace("Hopeless", evidence))
    with pytest.raises(runbooks.CatalogueInvalid, match=said):
        runbooks.load_all(tmp_path)


def test_a_file_of_evidence_is_held_to_its_schema(tmp_path: Path) -> None:
    (tmp_path / "restart.yaml").write_text(GOOD)
    (tmp_path / "evidence-only.yaml").write_text("evidence_only: [{alerts: [A], why: no}]\n")
    with pytest.raises(
        runbooks.CatalogueInvalid, match=r"evidence-only\.yaml:1: /evidence_only/0/why"
    ):
        runbooks.load_all(tmp_path)


@mock_aws
def test_an_answered_alert_finds_its_runbook_until_it_is_answered_no_more(tmp_path: Path) -> None:
    client = boto3.client("dynamodb", region_name="us-east-1")
    make_table(client, "runbooks", "name")

    def published(answers: str, known: str = "") -> dict[str, Any]:
        (tmp_path / "restart.yaml").write_text(f"{GOOD}{answers}")
        (tmp_path / "evidence-only.yaml").write_text(known or KNOWN)
        there = runbooks.load_all(tmp_path)
        runbooks.publish(client, "runbooks", there.runbooks, there.evidence_only)
        items = client.scan(TableName="runbooks")["Items"]
        return {item["name"]["S"]: json.loads(item["definition"]["S"]) for item in items}

    first = published("answers: [Down, Slow]\n")
    assert {key: each.get("name") for key, each in first.items()} == {
        "Restart": "Restart",
        "Down": "Restart",
        "Slow": "Restart",
        "Hopeless": None,
        "Helpless": None,
    }
    assert first["Down"] == first["Restart"]
    assert first["Hopeless"] == {
        "evidence_only": "Nothing that a runbook could do would help with it."
    }
    # One is answered no more, the other with evidence only from now on.
    second = published("", KNOWN.replace("Helpless", "Slow"))
    assert sorted(second) == ["Helpless", "Hopeless", "Restart", "Slow"]
    assert second["Slow"] == second["Hopeless"]
    # What another folder has published is left alone.
    (tmp_path / "restart.yaml").write_text(GOOD.replace("Restart\n", "Else\n", 1) + "answers: [Up]")
    runbooks.publish(client, "runbooks", runbooks.load(tmp_path))
    assert runbooks.publish(client, "runbooks", []) == []
    assert "Up" in {item["name"]["S"] for item in client.scan(TableName="runbooks")["Items"]}
