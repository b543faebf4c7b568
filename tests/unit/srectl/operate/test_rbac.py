"""srectl runbooks rbac: exactly the rights of the actions of a catalogue, in its namespaces."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner

from runbook_action.actions import REGISTRY
from runbook_action.rights import looked_at, needed
from srectl.cli import cli
from srectl.errors import CommandFailed
from srectl.operate import function_code
from srectl.operate.rbac import manifests
from tests.support.granted import GRANTED_NAMESPACES, MADE

ROOT = Path(__file__).resolve().parents[4]
APPS = ROOT / "eks" / "apps"
GROUP = "sre:checkout-remediation"


RBAC = ["runbooks", "rbac", "--namespaces", ",".join(GRANTED_NAMESPACES), "--folder"]


def runbook(action: str, target: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"name": "A", "action": action, "target": target, "on_failure": "keep", **more}


def deployment(namespace: str) -> dict[str, Any]:
    return {"kind": "deployment", "namespace": namespace, "name": "checkout"}


def granted(text: str, kind: str) -> set[tuple[str, str, str, str]]:
    """(namespace, group, resource, verb) of every rule."""
    return {
        (document["metadata"].get("namespace", ""), group, resource, verb)
        for document in yaml.safe_load_all(text)
        if document and document["kind"] == kind
        for rule in document["rules"]
        for group in rule["apiGroups"]
        for resource in rule["resources"]
        for verb in rule["verbs"]
    }


@pytest.mark.parametrize(
    ("file", "part"),
    MADE.items(),
)
def test_the_manifests_of_a_checkout_are_what_it_prints(file: str, part: str) -> None:
    arguments = [*RBAC, str(ROOT / "runbooks"), "--part", part]
    printed = CliRunner().invoke(cli, arguments)
    assert printed.exit_code == 0, printed.output
    assert printed.output == (APPS / file).read_text("utf-8"), "'make manifests' writes them anew"


def test_both_parts_are_printed_as_one_stream() -> None:
    printed = CliRunner().invoke(cli, [*RBAC, str(ROOT / "runbooks")])
    kinds = {document["kind"] for document in yaml.safe_load_all(printed.output)}
    assert kinds >= {"Role", "RoleBinding", "ClusterRole", "ClusterRoleBinding"}


@pytest.mark.parametrize("name", sorted(set(REGISTRY) - {"probe_cluster"}))
def test_a_catalogue_of_one_action_is_granted_what_it_declares_and_what_finds_its_target(
    name: str,
) -> None:
    action = REGISTRY[name]
    declared = set(action.rights)
    assert declared in (action.target_kinds, set()), "rights for each kind, and for no other"
    for kind in action.target_kinds:
        target = {"from_alert": kind, "namespaces": ["apps"], "names": ["*"]}
        text = "---\n".join(
            manifests([runbook(name, target)], ["apps"], part) for part in ("namespaces", "cluster")
        )
        wanted: dict[str, set[tuple[str, str, str, str]]] = {"Role": set(), "ClusterRole": set()}
        for right in (*needed(action, kind), *looked_at(target)):
            of = "ClusterRole" if right.where == "cluster" else "Role"
            namespace = {"target": "apps", "default": "default", "cluster": ""}[right.where]
            wanted[of].add((namespace, right.group, right.resource, right.verb))
        assert granted(text, "Role") == wanted["Role"]
        assert granted(text, "ClusterRole") == wanted["ClusterRole"]


def test_a_pattern_means_the_allowed_namespaces_and_no_others() -> None:
    target = {"from_alert": "deployment", "namespaces": ["team-*", "shop"], "names": ["*"]}
    text = manifests(
        [runbook("restart_deployment", target)], ["apps", "team-a", "team-b"], "namespaces"
    )
    assert {place for place, *_ in granted(text, "Role")} == {"team-a", "team-b"}
    assert "values: [team-a, team-b]" in text


@pytest.mark.parametrize("part", [[], ["--part", "namespaces"]])
def test_a_namespace_that_would_get_no_rights_is_said_and_nothing_printed(
    tmp_path: Path, part: list[str]
) -> None:
    target = {"from_alert": "deployment", "namespaces": ["apps", "shop"], "names": ["*"]}
    written = {
        **runbook("restart_deployment", target),
        "description": "Restarts what is there.",
        "severities": ["critical"],
        "guard": {"cooldown_seconds": 300, "max_actions": 3, "window_seconds": 3600},
    }
    (tmp_path / "a.yaml").write_text(yaml.safe_dump(written))
    refused = CliRunner(mix_stderr=False).invoke(
        cli, ["runbooks", "rbac", "--folder", str(tmp_path), *part]
    )
    assert (refused.exit_code, refused.stdout) == (1, "")
    assert "shop matches none of AllowedNamespaces (apps)" in refused.stderr
    assert "--namespaces" in refused.stderr
    allowed = ["--namespaces", "apps,shop"]
    printed = CliRunner().invoke(cli, ["runbooks", "rbac", "--folder", str(tmp_path), *allowed])
    # Evidence reads events of nodes where they lie.
    places = {place for place, *_ in granted(printed.output, "Role")}
    assert places == {"apps", "shop", "default"}
    # What reaches beyond namespaces has none to be named.
    nodes = ["runbooks", "rbac", "--folder", str(tmp_path), "--part", "cluster"]
    assert CliRunner().invoke(cli, nodes).exit_code == 0
    (tmp_path / "a.yaml").write_text(yaml.safe_dump({**written, "enabled": False}))
    off = CliRunner().invoke(cli, ["runbooks", "rbac", "--folder", str(tmp_path), *part])
    assert off.exit_code == 0, "a runbook that is off needs no rights"


def test_each_namespace_has_the_rights_of_its_own_runbooks() -> None:
    definitions = [
        runbook("restart_deployment", deployment("apps")),
        runbook("scale_deployment", deployment("team-a")),
    ]
    rights = granted(manifests(definitions, ["apps", "team-a"], "namespaces"), "Role")
    assert ("team-a", "autoscaling", "horizontalpodautoscalers", "patch") in rights
    assert ("apps", "autoscaling", "horizontalpodautoscalers", "patch") not in rights


def test_every_step_of_a_long_runbook_counts_and_a_runbook_that_is_off_does_not() -> None:
    steps = [{"action": "restart_deployment"}, {"action": "rollback_deployment"}]
    long = {"name": "A", "target": deployment("apps"), "on_failure": "undo", "steps": steps}
    rights = granted(manifests([long], ["apps"], "namespaces"), "Role")
    assert ("apps", "apps", "replicasets", "list") in rights
    assert granted(manifests([{**long, "enabled": False}], ["apps"], "namespaces"), "Role") == set()


def test_only_the_group_reaches_nodes_the_service_account_does_not() -> None:
    text = manifests([runbook("drain_node", {"from_alert": "node", "names": ["*"]})], [], "cluster")
    bindings = [one for one in yaml.safe_load_all(text) if one["kind"].endswith("Binding")]
    assert len(bindings) == 2
    for binding in bindings:
        assert [subject["name"] for subject in binding["subjects"]] == [GROUP]


def test_an_installed_srectl_without_the_functions_says_where_to_go(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(function_code, "PROJECT_ROOT", tmp_path)
    with pytest.raises(CommandFailed, match="runbook-action's own code, which is not installed"):
        manifests([], ["apps"], "namespaces")


def test_a_condition_is_granted_what_its_fact_takes() -> None:
    """Else it would be unknown, and the step never be done."""
    plain = runbook("restart_deployment", deployment("apps"))
    step = {"action": "restart_deployment", "when": [{"fact": "autoscaler_at_maximum", "is": True}]}
    asking = {
        "name": "A",
        "strategy": "ladder",
        "target": deployment("apps"),
        "on_failure": "keep",
        "steps": [step, {**step, "when": [{"fact": "last_rollout_age_seconds", "below": 9}]}],
    }
    without, with_them = (
        granted(manifests([each], ["apps"], "namespaces"), "Role") for each in (plain, asking)
    )
    assert with_them - without == {("apps", "autoscaling", "horizontalpodautoscalers", "list")}
    # A restart has that one anyway: which pods are the new ones is said by the ReplicaSets.
    assert ("apps", "apps", "replicasets", "list") in with_them & without
