"""What a runbook could never do is found before it is published."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, get_args

import pytest
import yaml

from runbook_action.actions import REGISTRY
from runbook_action.request import TargetKind
from srectl import runbooks
from srectl.runbooks.checks import MACHINE_SECONDS
from tests.support.granted import GRANTED_NAMESPACES
from tests.support.machines import machines
from tests.support.template import ROOT

LADDER = """
name: Ladder
description: Restarts checkout, and rolls it back where that does not help.
severities: [critical]
strategy: ladder
target: {kind: deployment, namespace: apps, name: checkout}
on_failure: undo
steps:
  - name: restart
    action: restart_workload
    parameters: {min_ready: 1}
  - name: roll-back
    action: rollback_workload
    on_failure: keep
guard: {cooldown_seconds: 300, max_actions: 3, window_seconds: 3600}
"""
SECOND = "    on_failure: keep\n"
FROM_ALERT = "{from_alert: workload, namespaces: [apps], names: [checkout*]}"
NAMED = "{kind: deployment, namespace: apps, name: checkout}"


def problems(text: str, **limits: Any) -> list[str]:
    definition = yaml.safe_load(text)
    assert runbooks.faults(definition) == []
    runbook = runbooks.Runbook("Ladder", definition, Path("ladder.yaml"))
    return runbooks.problems(runbook, REGISTRY, runbooks.Deployment(**limits))


def test_a_runbook_that_can_do_what_it_says_has_no_problem() -> None:
    assert problems(LADDER) == []
    assert problems(LADDER.replace(NAMED, FROM_ALERT)) == []


@pytest.mark.parametrize(
    ("old", "new", "pointer", "words"),
    [
        (
            SECOND,
            SECOND + "    when: [{fact: replicas, below: 3}, {fact: replicas, at_least: 3}]\n",
            "/steps/1/when/1",
            "this step can never run: no value of replicas is below 3, at_least 3",
        ),
        (SECOND, SECOND + "    when: [{fact: replicas, below: 0}]\n", "/steps/1/when/0", "below 0"),
        (
            SECOND,
            SECOND + "    when: [{fact: replicas, at_least: 1.2}, {fact: replicas, below: 2}]\n",
            "/steps/1/when/1",
            "no value of replicas",
        ),
        (SECOND, SECOND + "    when: [{fact: restarts, is: 1.5}]\n", "/steps/1/when/0", "is 1.5"),
        (
            SECOND,
            SECOND + "    when: [{fact: restarts, is: 1}, {fact: restarts, is: 2}]\n",
            "/steps/1/when/1",
            "is 1, is 2",
        ),
        (
            SECOND,
            SECOND + "    when: [{fact: restarts, is: 5}, {fact: restarts, below: 5}]\n",
            "/steps/1/when/1",
            "is 5, below 5",
        ),
        (
            SECOND,
            SECOND + "    when:\n      - {fact: autoscaler_at_maximum, is: true}\n"
            "      - {fact: autoscaler_at_maximum, is: false}\n",
            "/steps/1/when/1",
            "is true, is false",
        ),
        (
            SECOND,
            SECOND + "    when: [{fact: node_ready, is: true}]\n",
            "/steps/1/when/0",
            "node_ready is known of node, never of a deployment",
        ),
        (
            SECOND,
            SECOND + "    when: [{fact: last_end_reasons, is: OOMKilled}]\n",
            "/steps/1/when/0",
            "cannot be compared by is: use includes",
        ),
        (
            SECOND,
            SECOND + "    when: [{fact: autoscaler_at_maximum, is: 'yes'}]\n",
            "/steps/1/when/0",
            "true or false, never 'yes'",
        ),
        (
            SECOND,
            SECOND + "    when: [{fact: check.queue_depth, below: 7}]\n",
            "/steps/1/when/0",
            "known of invoke_check only",
        ),
        (
            SECOND,
            SECOND + "    when: [{fact: replicas, is: many}]\n",
            "/steps/1/when/0",
            "a number, never 'many'",
        ),
        ("name: roll-back", "name: restart", "/steps/1", "step 2 has the name of step 1, restart"),
        (
            "  - name: roll-back\n    action",
            "  - name: step-3\n    action: rollback_workload\n    on_failure: keep\n"
            "  - parameters: {to_revision: 3}\n    action",
            "/steps/2",
            "has the name of step 2, step-3",
        ),
        (
            "    action: rollback_workload",
            "    action: restart_workload\n    parameters: {min_ready: 1}",
            "/steps/1",
            "does to the same target what step restart did already",
        ),
        (
            "action: rollback_workload",
            "action: drain_node",
            "/target",
            "drain_node acts on a node, not on a deployment",
        ),
        ("min_ready: 1", "min_redy: 1", "/steps/0/parameters/min_redy", "takes no such parameter"),
        (
            "min_ready: 1",
            "to_revision: 3",
            "/steps/0/parameters/to_revision",
            "known: min_ready, min_ready_percent",
        ),
        (
            "    action: rollback_workload\n",
            "    action: scale_workload\n    parameters: {step: 2}\n",
            "/steps/1/parameters",
            "needs the parameter max_replicas",
        ),
        (
            "    action: rollback_workload\n",
            "    action: scale_workload\n    parameters: {max_replicas: 9, step:"
            " {from_label: by, type: integer, minimum: 1, maximum: 500}}\n",
            "/steps/1/parameters/step",
            "must be from 1 to 100, not 500",
        ),
        (
            "    action: rollback_workload\n",
            "    action: scale_workload\n    parameters: {max_replicas: 9, step:"
            " {from_label: by, type: integer, minimum: 5, maximum: 2}}\n",
            "/steps/1/parameters/step",
            "minimum is above maximum",
        ),
        (
            "    action: rollback_workload\n    on_failure: keep\n",
            "    action: probe_cluster\n",
            "/on_failure",
            "what probe_cluster does cannot be undone",
        ),
        (
            "    action: rollback_workload\n",
            "    action: run_automation\n    parameters: {document: D, inputs: {Id: i-1}}\n",
            "/steps/1/approval",
            "cannot be taken back, so it has to ask",
        ),
        (
            "    action: rollback_workload\n",
            "    action: rollback_workload\n    approval:\n      required: true\n      persons: 2\n"
            "      approvers: [arn:aws:sts::1:assumed-role/r/a, arn:aws:sts::1:assumed-role/r/b]\n",
            "/steps/1/approval/persons",
            "its approvers are one person",
        ),
        (
            "    action: rollback_workload\n",
            "    action: rollback_workload\n    approval:\n      required: true\n      persons: 2\n"
            "      approvers: ['arn:aws:sts::1:assumed-role/r/*']\n",
            "/steps/1/approval/persons",
            "its approvers are one person",
        ),
        (
            "guard:",
            "restore: {after_seconds: 60}\nguard:",
            "/restore",
            "nothing that it does is for a time only",
        ),
        (
            "severities: [critical]",
            "severities: [critical, info]",
            "/severities/1",
            "it never acts for info",
        ),
        (NAMED, NAMED.replace("apps", "shop"), "/target/namespace", "shop may not be changed"),
        (
            NAMED,
            FROM_ALERT.replace("[apps]", "[apps, team-*]"),
            "/target/namespaces/1",
            "team-* matches none of AllowedNamespaces (apps)",
        ),
    ],
)
def test_what_could_never_work_is_found_at_its_place(
    old: str, new: str, pointer: str, words: str
) -> None:
    assert old in LADDER
    (problem,) = problems(LADDER.replace(old, new, 1))
    assert problem.startswith(f"{pointer}: ")
    assert words in problem


def test_a_step_without_a_target_is_found() -> None:
    found = problems(LADDER.replace(f"target: {NAMED}\n", ""))
    assert [each.partition(" has no target")[0] for each in found] == [
        "/steps/0: step restart",
        "/steps/1: step roll-back",
    ]


def test_a_target_of_another_kind_than_the_action_acts_on_is_found() -> None:
    found = problems(LADDER.replace(NAMED, "{from_alert: node, names: ['*']}"))
    assert len(found) == 2
    assert all(each.startswith("/target: r") and each.endswith("not on a node") for each in found)


def test_a_target_that_no_step_uses_is_found() -> None:
    own = f"    target: {NAMED}\n"
    text = LADDER.replace("  - name: restart\n", "  - name: restart\n" + own)
    text = text.replace("  - name: roll-back\n", "  - name: roll-back\n" + own)
    assert problems(text) == ["/target: each step has a target of its own: this one is never used"]


def test_only_the_last_step_of_a_sequence_verifies() -> None:
    text = LADDER.replace("strategy: ladder", "strategy: sequence")
    waits = "    parameters: {min_ready: 1}\n    verify_seconds: 60\n"
    text = text.replace("    parameters: {min_ready: 1}\n", waits)
    (problem,) = problems(text)
    assert problem.startswith("/steps/0/verify_seconds: a sequence looks")


def test_a_remediation_that_would_outlast_its_machine_is_found() -> None:
    definition = machines()["incident-response-runbook"].definition()
    assert definition["TimeoutSeconds"] == MACHINE_SECONDS
    asks = "    approval: {required: true, timeout_seconds: 86400}\n"
    steps = "".join(
        f"  - {{name: s{number}, action: restart_workload, parameters: {{min_ready: {number}}},"
        f" approval: {{required: true, timeout_seconds: 86400}}}}\n"
        for number in range(1, 8)
    )
    text = LADDER[: LADDER.index("  - name")] + steps + LADDER[LADDER.index("guard:") :]
    (problem,) = problems(text)
    assert problem.startswith("/steps: its approvals and verifications may take 618240 seconds")
    assert problems(LADDER.replace(SECOND, SECOND + asks)) == []


@pytest.mark.parametrize(
    ("wanted", "fault"),
    [
        ("{promql: 'sum(errors{namespace=\"$namespace\"})', is: below 0.05, for: 5m}", ""),
        ("{for: 90s}", ""),
        ("{promql: 'errors > 0.05', is: below 1}", "/promql: this cannot be asked: it compares"),
        ("{promql: 'sum(errors', is: below 1}", "/promql: this cannot be asked: ( is never"),
        ("{promql: 'errors', is: below 1, for: 7m}", "/for: nobody looks that long: it is"),
        ("{promql: 'errors', is: below 1, for: 40m}", "/for: this is no time between 1 and 1800"),
    ],
)
@pytest.mark.parametrize("place", ["/verify", "/steps/1/verify"])
def test_what_prometheus_could_never_say_is_found(place: str, wanted: str, fault: str) -> None:
    line = f"verify: {wanted}\n"
    old, new = (
        ("guard:", f"{line}guard:") if place == "/verify" else (SECOND, f"{SECOND}    {line}")
    )
    found = problems(LADDER.replace(old, new, 1))
    assert [each[: len(place + fault)] for each in found] == ([place + fault] if fault else [])


def test_a_query_of_a_condition_has_no_comparison_of_its_own_and_may_be_impossible() -> None:
    def found(*conditions: str) -> list[str]:
        return problems(LADDER.replace(SECOND, f"{SECOND}    when: [{', '.join(conditions)}]\n"))

    assert found("{promql: sum(up), below: 3}", "{promql: sum(down), at_least: 5}") == []
    (fault,) = found("{promql: up > 1, below: 3}")
    assert fault.startswith("/steps/1/when/0/promql: this cannot be asked: it compares by >")
    (fault,) = found("{promql: sum(up), below: 3}", "{promql: sum(up), at_least: 5}")
    assert "this step can never run" in fault


def test_a_disabled_runbook_is_not_held_to_the_stacks_limits() -> None:
    text = LADDER.replace("apps", "shop").replace("[critical]", "[info]")
    assert len(problems(text)) == 2
    assert problems(text, namespaces=("shop",), severities=("info",)) == []
    assert problems(text.replace("strategy:", "enabled: false\nstrategy:")) == []


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        (
            "strategy: ladder",
            "strategy: ladder\naction: restart_workload",
            "/action: a runbook with steps has its actions in them",
        ),
        (
            "strategy: ladder",
            "strategy: ladder\napproval: {required: true}",
            "/approval: a runbook with steps asks in them",
        ),
        ("strategy: ladder\n", "", "/: strategy is missing"),
        (
            "strategy: ladder",
            "strategy: both",
            "/strategy: 'both' is none that is known",
        ),
        ("name: restart", "name: Restart", "/steps/0/name"),
        (SECOND, SECOND + "    verify_seconds: 3601\n", "/steps/1/verify_seconds"),
        (SECOND, SECOND + "    when: []\n", "/steps/1/when"),
        (SECOND, SECOND + "    verify: {}\n", "/steps/1/verify"),
        (SECOND, SECOND + "    when: [{promql: up}]\n", "/steps/1/when/0"),
        (
            SECOND,
            SECOND + "    when: [{promql: up, fact: replicas}]\n",
            "/steps/1/when/0/fact: a condition is about a fact or about a query",
        ),
        (
            SECOND,
            SECOND + "    when: [{promql: up, includes: a}]\n",
            "/steps/1/when/0/includes: a query has a number",
        ),
        (SECOND, SECOND + "    verify: {promql: up}\n", "/steps/1/verify"),
        (SECOND, SECOND + "    verify: {promql: up, is: less than 1}\n", "/steps/1/verify/is"),
        (
            SECOND,
            SECOND + "    verify: {promql: up, is: at most 1, for: 1h}\n",
            "/steps/1/verify/for",
        ),
        (SECOND, SECOND + "    when: [{fact: weather, is: bad}]\n", "/steps/1/when/0/fact"),
        (SECOND, SECOND + "    when: [{fact: replicas}]\n", "/steps/1/when/0"),
        (
            SECOND,
            SECOND + "    when: [{fact: replicas, is: 1, below: 3}]\n",
            "/steps/1/when/0",
        ),
        (NAMED, "{from_alert: workload, names: ['*']}", "/target: namespaces is missing"),
        (NAMED, "{from_alert: workload, namespaces: [apps]}", "/target: names is missing"),
        (NAMED, "{from_alert: rollout, namespaces: [a], names: [b]}", "/target/from_alert"),
        (
            NAMED,
            "{from_alert: node, namespaces: [apps], names: ['*']}",
            "/target/namespaces: a node is in no namespace",
        ),
        (
            NAMED,
            "{from_alert: deployment, namespaces: [apps], names: ['*'], resolve_to: workload}",
            "/target/resolve_to: only a pod or a persistentvolumeclaim",
        ),
        (NAMED, "{from_alert: pod, namespaces: [Apps], names: ['*']}", "/target/namespaces/0"),
        (NAMED, "{from_alert: pod, namespaces: [a], names: ['x?']}", "/target/names/0"),
        (NAMED, "{kind: rollout, namespace: apps, name: x}", "/target/kind"),
    ],
)
def test_the_schema_says_what_breaks_the_long_form(old: str, new: str, fault: str) -> None:
    assert old in LADDER
    found = runbooks.faults(yaml.safe_load(LADDER.replace(old, new, 1)))
    assert any(each.startswith(fault) for each in found), found


def test_the_schema_takes_at_most_eight_steps() -> None:
    definition = yaml.safe_load(LADDER)
    definition["steps"] = [{"action": "restart_workload"}] * 9
    (fault,) = runbooks.faults(definition)
    assert fault.startswith("/steps: ")


def test_a_key_that_is_written_twice_is_a_fault(tmp_path: Path) -> None:
    (tmp_path / "ladder.yaml").write_text(LADDER + "on_failure: keep\n")
    with pytest.raises(runbooks.CatalogueInvalid, match=r"on_failure stands here a second time"):
        runbooks.load(tmp_path)


def test_the_catalogue_of_this_checkout_can_do_what_it_says() -> None:
    stack = runbooks.Deployment(namespaces=GRANTED_NAMESPACES)
    for runbook in runbooks.load(ROOT / "runbooks"):
        assert runbooks.problems(runbook, REGISTRY, stack) == [], runbook.name


def test_editors_know_every_action_and_every_kind() -> None:
    """Whoever adds an action adds it to runbooks/runbook.schema.json, too."""
    schema = json.loads(runbooks.SCHEMA_FILE.read_text("utf-8"))["$defs"]
    assert sorted(schema["action"]["enum"]) == sorted(REGISTRY)
    named = set(schema["target_named"]["properties"]["kind"]["enum"]) | {"node"}
    assert named == set(get_args(TargetKind))
    from_alert = set(schema["target_from_alert"]["properties"]["from_alert"]["enum"])
    assert from_alert == named | {"workload"}
