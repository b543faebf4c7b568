"""The runbook catalogue: what is refused, and what publishing changes."""

from __future__ import annotations

import json
import os
from pathlib import Path

import boto3
import pytest
from moto import mock_aws

from onemachine.drill import scene
from srectl import runbooks
from srectl.runbooks.folder import folders_of_tests
from srectl.runbooks.reading import NotReadable, text_of
from tests.support.tables import make_table

ROOT = Path(__file__).resolve().parents[4]
GOOD = """
name: Restart
description: Restarts the checkout service.
severities: [critical]
action: restart_deployment
target: {kind: deployment, namespace: apps, name: checkout}
on_failure: keep
guard: {cooldown_seconds: 300, max_actions: 3, window_seconds: 3600}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "restart.yaml").write_text(GOOD)
    return tmp_path


def test_the_catalogue_of_this_checkout_is_valid() -> None:
    assert runbooks.load(ROOT / "runbooks")


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("action: restart_deployment", "action: format_disk", "/action"),
        ("cooldown_seconds: 300", "cooldown_seconds: -1", "/guard/cooldown_seconds"),
        ("severities: [critical]", "severities: []", "/severities"),
        ("namespace: apps", "namespace: '../kube-system'", "/target"),
        ("on_failure: keep", "on_failure: maybe", "/on_failure"),
        ("on_failure: keep", "parameters: {min_ready: -1}", "/parameters/min_ready"),
        ("on_failure: keep", "parameters: {by: {from_label: n, type: integer}}", "/parameters/by"),
        ("on_failure: keep", "parameters: {by: {from_label: n, type: string}}", "/parameters/by"),
        ("on_failure: keep", "parameters: {min_ready: {from_label: n}}", "/parameters/min_ready"),
        ("name: Restart", "name: 'Restart; rm -rf'", "/name"),
        ("name: Restart", "surprise: 1\nname: Restart", "surprise"),
        ("name: checkout}", "name: {from_label: deployment}}", "/target"),
        ("severities: [critical]", "severities: [critical", "not readable as YAML"),
    ],
)
def test_a_faulty_runbook_is_refused_with_its_place(
    folder: Path, old: str, new: str, problem: str
) -> None:
    assert old in GOOD
    (folder / "restart.yaml").write_text(GOOD.replace(old, new, 1))
    with pytest.raises(runbooks.CatalogueInvalid) as caught:
        runbooks.load(folder)
    assert "restart.yaml" in str(caught.value)
    assert problem in str(caught.value)


def test_one_name_in_two_files_is_refused(folder: Path) -> None:
    (folder / "second.yaml").write_text(GOOD)
    with pytest.raises(runbooks.CatalogueInvalid, match=r"also the name in restart\.yaml"):
        runbooks.load(folder)


def test_the_folder_of_a_team_belongs_to_the_catalogue(folder: Path) -> None:
    for place in ("payments", "payments/batch", "payments/tests", "manifests", ".hidden"):
        (folder / place).mkdir(parents=True)
        name = "Of" + "".join(part.title() for part in place.replace(".", "/").split("/"))
        (folder / place / "restart.yaml").write_text(GOOD.replace("Restart", name, 1))
    found = {one.name: one.file for one in runbooks.load(folder)}
    assert found == {
        "OfPayments": "payments/restart.yaml",
        "OfPaymentsBatch": "payments/batch/restart.yaml",
        "Restart": "restart.yaml",
    }


def test_one_name_for_two_teams_is_refused_with_both_files(folder: Path) -> None:
    for team in ("ledger", "payments"):
        (folder / team).mkdir()
        (folder / team / "second.yaml").write_text(GOOD.replace("Restart", "Second", 1))
    with pytest.raises(runbooks.CatalogueInvalid) as caught:
        runbooks.load(folder)
    faults = str(caught.value)
    assert "payments/second.yaml: /name: Second is also the name in ledger/second.yaml" in faults


def test_a_fault_names_the_folder_of_its_file(folder: Path) -> None:
    (folder / "payments").mkdir()
    (folder / "payments" / "restart.yaml").write_text(GOOD.replace("keep", "maybe"))
    with pytest.raises(runbooks.CatalogueInvalid, match=r"^payments/restart\.yaml:7: /on_failure"):
        runbooks.load(folder)


def test_a_file_that_nothing_reads_because_of_its_name_is_refused(folder: Path) -> None:
    (folder / "payments").mkdir()
    (folder / "payments" / "refund.yml").write_text(GOOD)
    with pytest.raises(runbooks.CatalogueInvalid, match=r"payments/refund\.yml: call it \.yaml"):
        runbooks.load(folder)


def test_a_link_upwards_leads_nowhere(folder: Path) -> None:
    (folder / "again").symlink_to(folder)
    assert [one.name for one in runbooks.load(folder)] == ["Restart"]


def refused(folder: Path) -> str:
    with pytest.raises(runbooks.CatalogueInvalid) as told:
        runbooks.load(folder)
    return str(told.value)


def test_a_link_out_of_the_catalogue_is_refused_and_not_read(
    folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    (elsewhere / "other.yaml").write_text("secret: 1")
    (folder / "linked.yaml").symlink_to(elsewhere / "other.yaml")
    (folder / "team").symlink_to(elsewhere)
    (folder / "tests").symlink_to(elsewhere)
    told = refused(folder)
    assert f"linked.yaml: leads to {elsewhere / 'other.yaml'}, out of {folder}" in told
    for name in ("team", "tests"):
        assert f"{name}: leads to {elsewhere}, out of {folder}" in told
    assert "secret" not in told
    assert folders_of_tests(folder) == []
    inside = folder / "kept"
    for each in (folder / "linked.yaml", folder / "team", folder / "tests"):
        each.unlink()
    inside.mkdir()
    (folder / "restart.yaml").rename(inside / "..data")
    (folder / "restart.yaml").symlink_to(inside / "..data")
    assert [one.name for one in runbooks.load(folder)] == ["Restart"]


def test_a_pipe_a_device_and_a_link_to_itself_are_refused_at_once(folder: Path) -> None:
    os.mkfifo(folder / "pipe.yaml")
    (folder / "loop.yaml").symlink_to(folder / "loop.yaml")
    told = refused(folder)
    assert "pipe.yaml: is no file, but a folder, a pipe or a device" in told
    assert "loop.yaml: cannot be read: Too many levels of symbolic links" in told
    with pytest.raises(NotReadable, match="is no file"):
        text_of(Path("/dev/zero"))


def test_a_file_without_an_end_is_refused(folder: Path) -> None:
    with (folder / "large.yaml").open("wb") as file:
        file.truncate(2**40)  # takes no room
    assert "large.yaml: is larger than 1024 KiB" in refused(folder)


def test_an_empty_catalogue_is_refused(folder: Path) -> None:
    (folder / "restart.yaml").unlink()
    with pytest.raises(runbooks.CatalogueInvalid, match="no runbook here"):
        runbooks.load(folder)


@mock_aws
def test_publishing_writes_only_what_changed(folder: Path) -> None:
    client = boto3.client("dynamodb", region_name="us-east-1")
    make_table(client, "runbooks", "name")
    assert runbooks.publish(client, "runbooks", runbooks.load(folder)) == ["Restart"]
    assert runbooks.publish(client, "runbooks", runbooks.load(folder)) == []
    (folder / "restart.yaml").write_text(GOOD.replace("300", "301"))
    assert runbooks.publish(client, "runbooks", runbooks.load(folder)) == ["Restart"]
    item = client.get_item(TableName="runbooks", Key={"name": {"S": "Restart"}})["Item"]
    assert json.loads(item["definition"]["S"])["guard"]["cooldown_seconds"] == 301


def test_a_file_that_is_no_text_is_a_fault_like_any_other(folder: Path) -> None:
    (folder / "picture.yaml").write_bytes(b"\xff\xd8\xff")
    with pytest.raises(runbooks.CatalogueInvalid, match=r"picture\.yaml: not readable as YAML"):
        runbooks.load(folder)


@mock_aws
def test_publishing_refuses_what_breaks_the_schema_and_writes_nothing(folder: Path) -> None:
    client = boto3.client("dynamodb", region_name="us-east-1")
    make_table(client, "runbooks", "name")
    (good,) = runbooks.load(folder)
    bad = runbooks.Runbook("Bad", {**good.definition, "on_failure": "escalate"}, good.source)
    with pytest.raises(runbooks.CatalogueInvalid, match="Bad: /on_failure: 'escalate'"):
        runbooks.publish(client, "runbooks", [good, bad])
    assert client.scan(TableName="runbooks")["Count"] == 0


def test_the_runbook_of_the_drills_is_valid() -> None:
    assert runbooks.faults(scene.DEFINITION) == []
