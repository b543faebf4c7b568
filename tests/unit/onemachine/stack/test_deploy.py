"""A build is used again exactly as long as nothing changes that goes into it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from onemachine.processes.errors import StartFailed
from onemachine.stack import deploy
from onemachine.stack.children import Children
from onemachine.stack.deploy import (
    Application,
    StackOutputs,
    build,
    parameter_overrides,
    source_hash,
)
from onemachine.stack.state import StackFolder
from tests.support.template import read

CONFIG = """
version = 0.1
[local.global.parameters]
stack_name = "sre-platform"
[local.deploy.parameters]
parameter_overrides = ["DeletionProtection=false", "StabilizationSeconds=3"]
"""


@pytest.fixture
def application(tmp_path: Path) -> Application:
    root = tmp_path / "project"
    for name, text in {
        "src/alert_ingest/handler.py": "x = 1",
        "statemachine/runbook.asl.yaml": "{}",
        "dashboards/sre.yaml": "{}",
        "template.yaml": "Resources: {}",
        "samconfig.toml": CONFIG,
    }.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return Application(root, root / "template.yaml", tmp_path / "builds")


class Sam:
    """Stands in for the SAM CLI: notes its command lines and leaves a built template."""

    def __init__(self, *, works: bool = True) -> None:
        self.runs: list[Sequence[str]] = []
        self._works = works

    def run(
        self,
        name: str,
        argv: Sequence[str],
        env: Mapping[str, str] | None = None,
        *,
        cwd: Path | None = None,
        what: str,
        timeout: float = 0,
    ) -> None:
        self.runs.append(argv)
        target = Path(argv[argv.index("--build-dir") + 1])
        target.mkdir()
        if not self._works:
            raise StartFailed(what, "ended with exit code 1")
        (target / "template.yaml").write_text("Resources: {A: {Role: !GetAtt B.Arn}}\n")


def built_with(sam: Sam, application: Application) -> tuple[Path, bool]:
    return build(application, sam)  # type: ignore[arg-type] # has the one method that is used


def test_the_built_template_is_json_which_is_read_at_no_cost(application: Application) -> None:
    built, _anew = built_with(Sam(), application)
    what = json.loads(built.read_text("utf-8"))
    assert what == {"Resources": {"A": {"Role": {"Fn::GetAtt": ["B", "Arn"]}}}}


def test_an_unchanged_source_is_built_once(application: Application) -> None:
    sam = Sam()
    first, anew = built_with(sam, application)
    assert anew
    assert json.loads(first.read_text("utf-8"))["Resources"]
    assert built_with(sam, application) == (first, False)
    assert len(sam.runs) == 1


@pytest.mark.parametrize(
    "changed",
    [
        "src/alert_ingest/handler.py",
        "statemachine/runbook.asl.yaml",
        "dashboards/sre.yaml",
        "template.yaml",
    ],
)
def test_a_change_of_anything_that_goes_into_it_is_built(
    application: Application, changed: str
) -> None:
    sam = Sam()
    built_with(sam, application)
    path = application.root / changed
    # The same length: neither the size nor the name tells of the change.
    path.write_text(path.read_text().swapcase().translate(str.maketrans("{}1", "[]2")))
    assert built_with(sam, application)[1]
    assert len(sam.runs) == 2


def test_every_file_that_the_template_names_goes_into_a_build() -> None:
    named = set(_paths(read()))
    assert len(named) > 5
    assert {path.split("/")[0] for path in named} == set(deploy._SOURCES)


def _paths(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        for key, value in node.items():
            if key in {"CodeUri", "DefinitionS3Location", "Location"}:
                yield value
            else:
                yield from _paths(value)
    elif isinstance(node, list):
        for each in node:
            yield from _paths(each)


def test_leftovers_of_the_interpreter_are_no_change(application: Application) -> None:
    before = source_hash(application)
    cache = application.root / "src" / "alert_ingest" / "__pycache__"
    cache.mkdir()
    (cache / "handler.cpython-311.pyc").write_bytes(b"\0")
    assert source_hash(application) == before


def test_a_renamed_file_is_a_change(application: Application) -> None:
    before = source_hash(application)
    source = application.root / "src" / "alert_ingest"
    (source / "handler.py").rename(source / "other.py")
    assert source_hash(application) != before


def test_a_failed_build_is_not_taken_for_one(application: Application) -> None:
    with pytest.raises(StartFailed):
        built_with(Sam(works=False), application)
    assert built_with(Sam(), application)[1]


def test_a_template_from_elsewhere_is_built_from_the_projects_sources(
    application: Application, tmp_path: Path
) -> None:
    other = tmp_path / "elsewhere.yaml"
    other.write_text("Resources: {Other: {}}")
    sam = Sam()
    built_with(sam, Application(application.root, other, application.builds))
    argv = sam.runs[0]
    base = argv[argv.index("--base-dir") + 1]
    # The work folder has moved to its place by now.
    source = application.builds / Path(base).parent.name.removeprefix(".") / "source"
    assert (source / "template.yaml").read_text() == other.read_text()
    assert (source / "src" / "alert_ingest" / "handler.py").read_text() == "x = 1"


def test_old_builds_are_forgotten(
    application: Application, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deploy, "_BUILDS_KEPT", 2)
    for number in range(4):
        application.template.write_text(f"Resources: {number}")
        built_with(Sam(), application)
    assert len([each for each in application.builds.iterdir() if each.is_dir()]) == 2


def test_overrides_keep_what_they_do_not_change(application: Application) -> None:
    assert parameter_overrides(application, {"StabilizationSeconds": "60"}) == {
        "DeletionProtection": "false",
        "StabilizationSeconds": "60",
    }


def test_a_missing_output_is_named() -> None:
    with pytest.raises(StartFailed, match=r"output WebhookApiId .*only EventBusName"):
        StackOutputs({"EventBusName": "bus"})["WebhookApiId"]


def test_a_command_that_fails_shows_its_last_words(tmp_path: Path) -> None:
    children = Children(StackFolder(tmp_path))
    with pytest.raises(StartFailed, match=r"(?s)'sam build'.*exit code 3.*no such runtime"):
        children.run("sam", ["sh", "-c", "echo no such runtime; exit 3"], what="'sam build'")


def test_the_users_aws_account_does_not_reach_a_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_PROFILE", "production")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "of-the-real-account")
    children = Children(StackFolder(tmp_path))
    process = children.run("env", ["env"], deploy._build_environment(), what="env")
    variables = dict(line.split("=", 1) for line in process.log_tail(200).splitlines())
    assert "AWS_PROFILE" not in variables
    assert "AWS_ACCESS_KEY_ID" not in variables
    assert variables["AWS_SHARED_CREDENTIALS_FILE"] == "/dev/null"
    assert json.dumps(variables)
