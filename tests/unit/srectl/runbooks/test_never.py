"""A step that its own action always refuses, and one that nothing ever fits, are found before."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner

from runbook_action.actions import REGISTRY
from runbook_action.errors import RunbookActionError
from runbook_action.facts import facts_of
from runbook_action.request import parse_request
from runbook_action.when import parse_when, why_not
from srectl import runbooks
from srectl.cli import cli
from srectl.rehearsal.manifests import objects_of
from srectl.rehearsal.world import World
from srectl.runbooks.own_refusals import needs_of
from tests.unit.srectl.rehearsal.worlds import case_of

NAMED = {"kind": "deployment", "namespace": "apps", "name": "checkout"}
NODE = {"kind": "node", "name": "n1"}
CLAIM = {"kind": "persistentvolumeclaim", "namespace": "apps", "name": "data"}
HPA = {"kind": "horizontalpodautoscaler", "namespace": "apps", "name": "checkout"}
MORE = {"from_label": "by", "minimum": 2, "maximum": 3}


def book(action: str, parameters: dict[str, Any], *when: dict[str, Any], **other: Any) -> str:
    target = {"drain": NODE, "uncor": NODE, "raise": HPA, "expan": CLAIM}.get(action[:5], NAMED)
    step = {"action": action, "parameters": parameters, **({"when": list(when)} if when else {})}
    if action == "expand_volume":
        step["approval"] = {"required": True}
    definition = {
        "name": "Never",
        "description": "What could never work.",
        "severities": ["critical"],
        "strategy": "ladder",
        "target": target,
        "on_failure": "keep",
        "steps": [step],
        "guard": {"cooldown_seconds": 300, "max_actions": 3, "window_seconds": 3600},
        **other,
    }
    return yaml.safe_dump(definition)


def said(text: str, folder: Path) -> str:
    """All that ``validate`` prints, in one line."""
    (folder / "never.yaml").write_text(text)
    answer = CliRunner().invoke(
        cli, ["runbooks", "validate", "--folder", str(folder)], env={"COLUMNS": "500"}
    )
    assert answer.exit_code == 1, answer.output
    assert not isinstance(answer.exception, Exception) or isinstance(answer.exception, SystemExit)
    return " ".join(answer.output.split())


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (
            book("scale_workload", {"max_replicas": 9}),
            "/steps/0/parameters: scale_workload needs exactly one of step and factor, and has",
        ),
        (
            book("scale_workload", {"max_replicas": 9, "step": 1, "factor": 2}),
            "/steps/0/parameters: scale_workload needs exactly one of step and factor, not step",
        ),
        (
            book("raise_autoscaler_maximum", {"max_replicas": 9}),
            "/steps/0/parameters: raise_autoscaler_maximum needs exactly one of step and factor",
        ),
        (
            book("expand_volume", {"max_gib": 9, "step_gib": 1, "percent": 10}),
            "/steps/0/parameters: expand_volume needs exactly one of step_gib and percent",
        ),
        (
            book(
                "scale_workload",
                {
                    "max_replicas": 9,
                    "factor": {**MORE, "type": "integer", "minimum": 1.2, "maximum": 1.8},
                },
            ),
            "/steps/0/parameters/factor: no whole number is from 1.2 to 1.8: say 'type: number'",
        ),
        (
            book("scale_workload", {"max_replicas": 9, "step": {**MORE, "type": "number"}}),
            "/steps/0/parameters/step: only a whole number is taken",
        ),
        (
            book("scale_workload", {"max_replicas": 1, "factor": 2}),
            "/steps/0/parameters: this step can never run: scale_workload refuses it",
        ),
        (
            book("restart_workload", {"min_ready": 1}, {"fact": "ready_replicas", "below": 1}),
            "/steps/0/when/0: this step can never run: restart_workload refuses it, min_ready or "
            "min_ready_percent wants 1 to stay ready",
        ),
        (
            book(
                "rollback_workload",
                {"min_ready_percent": 50},
                {"fact": "replicas", "at_least": 4},
                {"fact": "ready_replicas", "below": 2},
            ),
            "/steps/0/when/1: this step can never run: rollback_workload refuses it",
        ),
        (
            book("restart_workload", {"min_ready": 5}, {"fact": "replicas", "below": 5}),
            "/steps/0/when/0: this step can never run: restart_workload refuses it",
        ),
        (
            book("restart_workload", {}, {"fact": "replicas", "is": 0}),
            "/steps/0/when/0: this step can never run: restart_workload refuses it, where none",
        ),
        (
            book("enable_degraded_mode", {}, {"fact": "replicas", "below": 1}),
            "/steps/0/when/0: this step can never run: enable_degraded_mode refuses it",
        ),
        (
            book(
                "scale_workload",
                {"max_replicas": 3, "step": 1},
                {"fact": "replicas", "at_least": 3},
            ),
            "/steps/0/when/0: this step can never run: scale_workload refuses it, max_replicas 3",
        ),
        (
            book("scale_workload", {"max_replicas": 9, "step": 2}, {"fact": "replicas", "is": 0}),
            "/steps/0/when/0: this step can never run: scale_workload refuses it, where none",
        ),
        (
            book("uncordon_node", {}, {"fact": "node_ready", "is": False}),
            "/steps/0/when/0: this step can never run: uncordon_node refuses it",
        ),
        (
            book("invoke_check", {"check": "queue"}, {"fact": "check", "is": 5}),
            "/steps/0/when/0: this step can never run: check is true or false, never 5",
        ),
        (
            book("invoke_check", {"check": "queue"}, {"fact": "check", "below": 5}),
            "/steps/0/when/0: this step can never run: check cannot be compared by below: use is",
        ),
        (
            book("invoke_check", {"check": "queue"}, {"fact": "check.NoSuch", "is": 5}),
            "/steps/0/when/0/fact: no fact of this name: last_rollout",
        ),
        (
            book("invoke_check", {"check": "queue"}, {"fact": "check.depth", "includes": "x"}),
            "check.depth cannot be compared by includes: use at_least or below or is",
        ),
        (
            book(
                "invoke_check",
                {"check": "queue"},
                {"fact": "check.depth", "is": "deep"},
                {"fact": "check.depth", "below": 3},
            ),
            "no value of check.depth is is deep, below 3",
        ),
        (
            book("restart_workload", {}, {"fact": "last_end_reasons", "includes": "oomkilled"}),
            "/steps/0/when/0: this step can never run: no container ends for the reason "
            "'oomkilled': write OOMKilled",
        ),
        (
            book("restart_workload", {}, {"fact": "last_end_reasons", "includes": "out of memory"}),
            "'out of memory': write a word such as Completed",
        ),
        (
            book("restart_workload", {}, target={**NAMED, "name": "a..b"}),
            "/target/name: no object of Kubernetes has such a name: small letters",
        ),
        (
            book("restart_workload", {}, target={**NAMED, "name": "checkout\n"}),
            "/target/name: no object of Kubernetes has such a name",
        ),
        (
            book("restart_workload", {}, target={**NAMED, "name": "a.-b"}),
            "/target/name: no object of Kubernetes has such a name",
        ),
        (
            book(
                "restart_workload",
                {},
                target={"from_alert": "workload", "namespaces": ["*"], "names": ["a..*"]},
            ),
            "/target/names/0: no object of Kubernetes has such a name",
        ),
        (
            book("drain_node", {}, target={**NODE, "name": "n1..example"}),
            "/target/name: write the node's name",
        ),
    ],
)
def test_what_never_works_is_refused_with_what_to_write(
    tmp_path: Path, text: str, words: str
) -> None:
    assert words in said(text, tmp_path)


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (".nan", "line 14: .nan is no number to compare or to count with"),
        (".inf", "line 14: .inf is no number"),
        ("-.Inf", "line 14: -.Inf is no number"),
        ("!!int x", "line 14: x is no int that can be read"),
        pytest.param("9" * 5000, "99… is no int that can be read", id="digits"),
        ("!!timestamp 2026-01-01", "line 14: !!timestamp is nothing that JSON has: write a text"),
        ("!!binary aGk=", "line 14: !!binary is nothing that JSON has"),
        ("!!set {a}", "line 14: !!set is nothing that JSON has"),
        ("&a [*a]", "an alias (*name) stands inside of what it names"),
        ("[", "not readable as YAML: line "),
        pytest.param("[" * 20_000, "nested too deep", id="deep"),
    ],
)
def test_what_json_has_not_is_refused_with_its_line(tmp_path: Path, value: str, words: str) -> None:
    text = book("restart_workload", {}, {"fact": "replicas", "at_least": 77})
    assert words in said(text.replace("77", value), tmp_path)


@pytest.mark.parametrize("comparison", ["is", "at_least"])
@pytest.mark.parametrize(
    ("fact", "most"),
    [
        ("replicas", 2147483647),
        ("ready_replicas", 2147483647),
        ("restarts", 2147483647),
        ("last_rollout_age_seconds", 3162240000),
    ],
)
def test_a_number_that_no_cluster_reaches_is_refused(
    tmp_path: Path, fact: str, most: int, comparison: str
) -> None:
    text = book("restart_workload", {}, {"fact": fact, comparison: 77})
    for value in ("1.0e+300", f"{most + 1}"):
        told = said(text.replace("77", value), tmp_path)
        assert f"{fact} is never more than {most}, and this asks for" in told
    definition = yaml.safe_load(text.replace("77", f"{most}"))
    assert [
        *runbooks.problems(runbooks.Runbook("Never", definition, tmp_path), REGISTRY, None)
    ] == []


def test_a_key_that_is_no_text_counts_as_json_has_it(tmp_path: Path) -> None:
    assert "1 has no meaning here" in said(book("restart_workload", {}) + "1: x\n", tmp_path)
    assert "true stands here a second time" in said("on: 1\ntrue: 2\n", tmp_path)


@pytest.mark.parametrize("number", [float("nan"), float("inf")])
@pytest.mark.parametrize("fact", ["replicas", "last_rollout_age_seconds"])
def test_a_condition_on_no_number_is_a_fault_wherever_it_comes_from(
    fact: str, number: float
) -> None:
    definition = yaml.safe_load(book("restart_workload", {}, {"fact": fact, "at_least": 1}))
    definition["steps"][0]["when"][0]["at_least"] = number
    runbook = runbooks.Runbook("Never", definition, Path("never.yaml"))
    (problem,) = runbooks.problems(runbook, REGISTRY, None)
    assert "is a number, never" in problem


@pytest.mark.parametrize(
    ("action", "parameters", "replicas", "ready"),
    [
        ("restart_workload", {}, 0, 0),
        ("rollback_deployment", {}, 0, 0),
        ("enable_degraded_mode", {}, 0, 0),
        ("restart_deployment", {"min_ready": 1}, 2, 0),
        ("disable_degraded_mode", {"min_ready_percent": 60}, 4, 2),
        ("restart_workload", {"min_ready": 3}, 2, 3),
        ("scale_workload", {"step": 1, "max_replicas": 3}, 3, 3),
        ("scale_workload", {"step": 1, "max_replicas": 3}, 0, 0),
        ("scale_deployment", {"factor": 2.0, "max_replicas": 3}, 0, 0),
        ("uncordon_node", {}, 1, 1),
    ],
)
def test_the_action_itself_refuses_what_validate_says_of_it(
    action: str, parameters: dict[str, Any], replicas: int, ready: int
) -> None:
    target = NODE if action.endswith("_node") else NAMED
    objects = [
        {"apiVersion": "v1", "kind": "Node", "metadata": {"name": "n1"},
         "spec": {"unschedulable": True},
         "status": {"conditions": [{"type": "Ready", "status": "False"}]}},
        {"apiVersion": "apps/v1", "kind": "Deployment",
         "metadata": {"name": "checkout", "namespace": "apps"},
         "spec": {"replicas": replicas, "selector": {"matchLabels": {"app": "checkout"}}},
         "status": {"readyReplicas": ready}},
    ]  # fmt: skip
    world = World(objects_of([], objects), case_of())
    event = {
        "operation": "plan",
        "action": action,
        "target": {"cluster": None, "namespace": None, **target},
        "parameters": parameters,
        "incident_id": "00000000-0000-5000-8000-000000000000",
    }
    request = parse_request(event, REGISTRY, frozenset({"apps"}))
    exact = [{"fact": "replicas", "is": replicas}]
    needs = [dict(need) for need, _ in needs_of(action, parameters, exact)]
    assert why_not(parse_when(needs), facts_of(request, world.services))
    with pytest.raises(RunbookActionError):
        REGISTRY[action].plan(request, world.services)


@pytest.mark.parametrize("name", [name for name in REGISTRY if REGISTRY[name].either])
def test_the_action_itself_wants_exactly_one_of_them(name: str) -> None:
    first, second = REGISTRY[name].either
    kinds: dict[str, tuple[str, str, dict[str, Any]]] = {
        "scale_workload": ("apps/v1", "StatefulSet", {"replicas": 1}),
        "scale_deployment": ("apps/v1", "Deployment", {"replicas": 1}),
        "raise_autoscaler_maximum": (
            "autoscaling/v2",
            "HorizontalPodAutoscaler",
            {"maxReplicas": 3, "scaleTargetRef": {"kind": "Deployment", "name": "x"}},
        ),
        "expand_volume": ("v1", "PersistentVolumeClaim", {}),
    }
    version, spelled, spec = kinds[name]
    metadata = {"name": "x", "namespace": "apps"}
    raw = {"apiVersion": version, "kind": spelled, "metadata": metadata, "spec": spec}
    world = World(objects_of([], [raw]), case_of())
    most = next(each for each, field in REGISTRY[name].fields.items() if field.required)
    for chosen in ({}, {first: 2, second: 2}):
        event = {
            "operation": "plan",
            "action": name,
            "target": {"namespace": "apps", "kind": spelled.lower(), "name": "x"},
            "parameters": {most: 9, **chosen},
            "incident_id": "00000000-0000-5000-8000-000000000000",
        }
        request = parse_request(event, REGISTRY, frozenset({"apps"}))
        with pytest.raises(RunbookActionError, match=f"either {first} or {second}"):
            REGISTRY[name].plan(request, world.services)
