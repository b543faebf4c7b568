"""A manifest that no API server would take is refused at its place, whatever is wrong with it."""

from __future__ import annotations

import copy
import dataclasses
import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner

from srectl import runbooks
from srectl.cli import cli
from srectl.errors import CommandFailed
from srectl.rehearsal import cases
from srectl.rehearsal.manifests import ManifestRefused, objects_of
from srectl.rehearsal.rehearse import rehearse
from srectl.runbooks.schema import faults_of
from tests.support.shipped import RUNBOOKS, checkout

REVISION = {
    "apiVersion": "apps/v1",
    "kind": "ReplicaSet",
    "metadata": {
        "name": "checkout-1",
        "namespace": "apps",
        "labels": {"app": "checkout"},
        "creationTimestamp": "2026-01-01T08:00:00Z",
        "ownerReferences": [{"kind": "Deployment", "name": "checkout"}],
    },
    "spec": {"template": {"spec": {"containers": [{"name": "c", "image": "c:1"}]}}},
}
TEST = {
    "objects": [REVISION],
    "tests": [
        {
            "name": "it restarts",
            "alert": {"name": "CheckoutDown", "severity": "critical", "labels": {}},
            "expect": {"runbook": "CheckoutDown"},
        }
    ],
}


def said(folder: Path, tests: str, manifest: str | None = None) -> str:
    """All that ``srectl runbooks test`` prints of a faulty file, in one line."""
    (folder / "tests").mkdir()
    (folder / "down.yaml").write_text((RUNBOOKS / "checkout-down.yaml").read_text())
    (folder / "tests" / "t.yaml").write_text(tests)
    if manifest is not None:
        (folder / "tests" / "m.yaml").write_text(manifest)
    answer = CliRunner().invoke(
        cli, ["runbooks", "test", "--folder", str(folder)], env={"COLUMNS": "500"}
    )
    assert answer.exit_code == 1, answer.output
    assert answer.exception is None or isinstance(answer.exception, SystemExit)
    return " ".join(answer.output.split())


def changed(path: str, value: Any) -> dict[str, Any]:
    document = copy.deepcopy(TEST)
    *way, last = path.split("/")
    at: Any = document
    for key in way:
        at = at[int(key) if isinstance(at, list) else key]
    at[last] = value
    return document


@pytest.mark.parametrize(
    ("path", "value", "words"),
    [
        ("objects/0/metadata/creationTimestamp", "2026-01-01", "a time of the API, with its zone"),
        ("objects/0/metadata", "x", "has to be a mapping (key: value), not 'x'"),
        ("objects/0/metadata/labels", ["app"], "names with a text each"),
        ("objects/0/metadata/ownerReferences", [{"name": "x"}], "/0: kind is missing"),
        ("objects/0/spec/template", "x", "has to be a mapping (key: value), not 'x'"),
        (
            "objects/0/spec/template/spec/containers",
            {"name": "c"},
            "has to be a list ([a, b])",
        ),
    ],
)
def test_what_is_malformed_is_refused_in_one_line_with_file_and_place(
    tmp_path: Path, path: str, value: Any, words: str
) -> None:
    answer = said(tmp_path, yaml.safe_dump(changed(path, value)))
    assert f"t.yaml: /{path}" in answer
    assert words in answer


@pytest.mark.parametrize(
    ("manifest", "words"),
    [
        ("{a: 1}\n---\n[1]", "m.yaml: document 2: /: a manifest: apiVersion, kind, metadata"),
        (
            "{apiVersion: v1, kind: Pod, metadata: {name: a, creationTimestamp: 2026-01-01}}",
            "m.yaml: document 1: /metadata/creationTimestamp: a time of the API, with its zone",
        ),
        (
            "{apiVersion: apps/v1, kind: Deployment, metadata: {name: a}, spec: {replicas: .nan}}",
            "m.yaml line 1: .nan is no number",
        ),
        (
            "{apiVersion: autoscaling/v2, kind: HorizontalPodAutoscaler, metadata: {name: a}}",
            "m.yaml: document 1: /: spec is missing",
        ),
        (
            "{kind: List, items: [{apiVersion: v1, kind: Node, spec: {unschedulable: 'yes'}}]}",
            "m.yaml: document 1: /items/0/spec/unschedulable: has to be true or false, not 'yes'",
        ),
        (
            "{apiVersion: v1, kind: Node, status: {conditions: [{type: Ready, status: true}]}}",
            '/status/conditions/0/status: "True", "False" or "Unknown", in quotes',
        ),
    ],
)
def test_a_file_of_manifests_is_held_to_the_same(tmp_path: Path, manifest: str, words: str) -> None:
    document = {**TEST, "objects": [], "files": ["m.yaml"]}
    answer = said(tmp_path, yaml.safe_dump(document), manifest)
    assert "t.yaml: /files: m.yaml" in answer
    assert words in answer


def test_a_time_that_no_cluster_will_see_is_refused(tmp_path: Path) -> None:
    far = yaml.safe_dump({**TEST, "now": "9999-12-31T23:59:00Z"})
    assert "t.yaml: /now: 9999 is too far away" in said(tmp_path, far)


def test_what_is_null_is_not_there_as_for_the_api(tmp_path: Path) -> None:
    document = changed("objects/0/metadata/creationTimestamp", None)
    document["objects"][0]["spec"]["selector"] = None
    (tmp_path / "t.yaml").write_text(yaml.safe_dump(document))
    (case,), _ = cases.cases_in(tmp_path)
    assert "creationTimestamp" not in case.objects[0]["metadata"]
    assert "selector" not in case.objects[0]["spec"]


def _places(value: Any, way: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    inside = value.items() if isinstance(value, dict) else enumerate(value)
    for key, each in inside:
        yield (*way, key)
        if isinstance(each, dict | list):
            yield from _places(each, (*way, key))


def test_whatever_is_put_anywhere_is_refused_or_understood(tmp_path: Path) -> None:
    """One strange value in turn at every third place of one object of each kind, in three tests."""
    folder = checkout(tmp_path)
    catalogue = {one.name: one.definition for one in runbooks.load(folder)}
    strange = itertools.cycle(["x", 7, -1, [], {}, [{}], True, 1.5, "²", {"x": 7}, ["x"]])
    shipped, _ = cases.cases_in(folder / "tests")
    refused = understood = 0
    for name in ("WorkloadCrashLooping", "CheckoutSaturation", "NodeNotReady"):
        case = next(
            each
            for each in shipped
            if each.expect.get("runbook") == name and each.expect.get("steps")
        )
        objects = list(objects_of(case.files, case.objects).values())
        kinds = [each["kind"] for each in objects]
        for index, one in enumerate(objects):
            if kinds.index(one["kind"]) != index:
                continue
            for *way, last in itertools.islice(_places(one), index % 3, None, 3):
                changed = copy.deepcopy(objects)
                at: Any = changed[index]
                for key in way:
                    at = at[key]
                at[last] = next(strange)
                if faults_of(changed[index], cases.MANIFESTS):
                    refused += 1
                    continue
                try:
                    rehearse(dataclasses.replace(case, files=[], objects=changed), catalogue)
                except (ManifestRefused, CommandFailed):
                    refused += 1
                else:
                    understood += 1
    assert refused > understood > 20
