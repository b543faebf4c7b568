"""The commands say what is, what went wrong and what to do next, with the documented exit codes."""

from __future__ import annotations

import json
import os
import shlex
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from onemachine.commands import env as env_command
from onemachine.commands import options as options_module
from onemachine.stack import exports as exports_module
from onemachine.stack.__main__ import parse_arguments
from onemachine.stack.control import StackRequest, spawn_supervisor, stop_stack
from onemachine.stack.exports import NAMES, exports
from onemachine.stack.state import StackFolder, StackState
from srectl.cli import cli
from srectl.private_files import write_private
from tests.support import shipped
from tests.support.waiting import PATIENCE_SECONDS
from tests.unit.onemachine.stack.trivial_stack import REPOSITORY, command

Run = Callable[..., Result]

ENDPOINTS = {
    "aws_endpoint_url": "http://127.0.0.1:4566",
    "webhook_url": "http://127.0.0.1:4566/_aws/execute-api/abc/live/webhook",
    "findings_url": "http://127.0.0.1:4566/_aws/execute-api/abc/live/findings",
    "kubeconfig": "/stack/admin.kubeconfig",
    "prometheus_url": "http://127.0.0.1:9090",
    "alertmanager_url": "http://127.0.0.1:9093",
}
SETTINGS = {"region": "us-east-1", "aws_access_key_id": "LOCALOPERATOR"}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[StackFolder]:
    monkeypatch.setenv("SRECTL_STATE_DIR", str(tmp_path))
    made = StackFolder.named("trivial")
    yield made
    stop_stack(made, lambda _: None)


@pytest.fixture
def run(folder: StackFolder, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run a command of srectl whose stacks are trivial ones."""
    for name in [each for each in os.environ if each.startswith(("AWS_", "BOTO_"))]:
        monkeypatch.delenv(name)  # what chooses an account is no stack of this machine
    monkeypatch.setattr(options_module, "COMPONENTS", {})
    monkeypatch.setattr(
        StackRequest, "command", lambda self: command(self.folder.name, self.template.stem)
    )
    runner = CliRunner()

    def invoke(*arguments: str) -> Result:
        return runner.invoke(cli, arguments, catch_exceptions=False)

    return invoke


def up(run: Run, tmp_path: Path, mode: str = "ok") -> Result:
    template = tmp_path / f"{mode}.yaml"
    template.touch()
    return run("up", "--name", "trivial", "--template", str(template))


def test_up_returns_when_the_stack_is_ready_and_leaves_it_running(
    run: Run, folder: StackFolder, tmp_path: Path
) -> None:
    result = up(run, tmp_path)
    assert result.exit_code == 0
    assert "ready" in result.output
    assert folder.is_supervised()


def test_up_twice_says_that_it_is_running(run: Run, tmp_path: Path) -> None:
    up(run, tmp_path)
    again = up(run, tmp_path)
    assert again.exit_code == 0
    assert "the stack trivial is already running (ready)" in again.output
    assert "'srectl local down --name trivial' stops it" in " ".join(again.output.split())


def test_what_it_says_when_it_is_ready_can_be_typed(run: Run, tmp_path: Path) -> None:
    told = up(run, tmp_path).output
    for command_ in ("env", "status", "down"):
        assert f"local {command_} --name trivial" in told


def test_parameters_are_looked_up_and_not_changed_under_a_running_stack(
    run: Run, folder: StackFolder, tmp_path: Path
) -> None:
    template = tmp_path / "ok.yaml"
    template.write_text("Parameters:\n  PageAfterMinutes: {}\nResources:\n  Topic: {}\n")

    def given(setting: str) -> Result:
        return run("up", "--name", "trivial", "--set", setting, "--template", str(template))

    for setting, said in (
        ("PageAfterMinutes", "write NAME=VALUE"),
        ("PageAfterMinuts=2", "see PageAfterMinutes"),
        ("Topic=2", "ok.yaml has no parameter 'Topic'"),
    ):
        refused = given(setting)
        assert refused.exit_code == 2
        assert said in refused.output
        assert not folder.is_supervised()
    assert given("PageAfterMinutes=2").exit_code == 0
    again = given("PageAfterMinutes=5")
    assert again.exit_code == 1
    assert "with the parameters that it was started with" in " ".join(again.output.split())


def test_the_supervisor_is_told_of_parameters(folder: StackFolder, tmp_path: Path) -> None:
    request = StackRequest(folder, tmp_path, False, 60, parameters=("A=1", "B=x=y"))
    parsed = parse_arguments(StackRequest.command(request)[3:])
    assert parsed.set == ["A=1", "B=x=y"]


def test_a_failed_start_says_where_and_what_next(
    run: Run, folder: StackFolder, tmp_path: Path
) -> None:
    result = up(run, tmp_path, "fails")
    assert result.exit_code == 1
    assert "second" in result.output
    assert "no space left on device" in result.output
    assert str(folder.logs) in result.output


def test_status_tells_ready_degraded_and_stopped_apart(
    run: Run, folder: StackFolder, tmp_path: Path
) -> None:
    assert run("status", "--name", "trivial").exit_code == 3
    up(run, tmp_path)
    assert run("status", "--name", "trivial").exit_code == 0
    state = StackState.read(folder)
    assert state is not None
    state.processes["web"].identity.signal(signal.SIGKILL)
    assert state.processes["web"].identity.wait_gone(5)
    degraded = run("status", "--name", "trivial")
    assert degraded.exit_code == 4
    assert "died" in degraded.output
    run("down", "--name", "trivial")
    stopped = run("status", "--name", "trivial", "--json")
    assert stopped.exit_code == 3
    assert json.loads(stopped.output)["phase"] == "stopped"


def test_down_says_whether_there_was_anything_to_stop(
    run: Run, folder: StackFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:4566")
    monkeypatch.setenv("KUBECONFIG", "k")
    unknown = run("down", "--name", "trivial")
    assert unknown.exit_code == 1
    assert "there is no stack named 'trivial'" in unknown.output
    assert run("down").exit_code == 0  # before the first start
    up(run, tmp_path)
    for mistyped in (("--name", "trivail"), ()):
        refused = run("down", *mistyped)
        assert refused.exit_code == 1
        assert "srectl local down --name trivial" in " ".join(refused.output.split())
    result = run("down", "--name", "trivial")
    assert result.exit_code == 0
    assert "the stack trivial is down" in result.output
    (hint,) = (line for line in result.output.splitlines() if "unset" in line)
    assert {"AWS_ENDPOINT_URL", "KUBECONFIG"} <= set(hint.split())
    assert not folder.is_supervised()


@pytest.mark.parametrize("name", ["env", "status", "logs"])
def test_what_needs_a_stack_says_that_there_is_none(run: Run, name: str) -> None:
    result = run(name, "--name", "nobody")
    assert result.exit_code == 3
    assert "there is no stack named 'nobody'" in result.output
    assert "srectl local up --name nobody" in result.output


@pytest.mark.parametrize("name", ["status", "env", "logs", "down"])
def test_a_state_that_cannot_be_read_is_told_in_two_lines(
    run: Run, folder: StackFolder, name: str
) -> None:
    folder.path.mkdir()
    folder.state_file.write_text("{")
    result = run(name, "--name", "trivial")
    folder.state_file.unlink()
    assert result.exit_code == 1
    error, hint = result.output.splitlines()
    assert error.startswith(f"error: {folder.state_file} cannot be read")
    assert hint.endswith(f"rm -r {folder.path}")


def test_env_of_a_stack_whose_kubernetes_died_gives_the_rest(folder: StackFolder) -> None:
    write_private(folder.api_key_file, "key")
    write_private(folder.investigator_key_file, "its key")
    write_private(folder.aws_secret_file, "secret")
    (folder.path / "pki").mkdir()
    endpoints = {
        **with_files(folder),
        "kubernetes_url": "https://127.0.0.1:1",
        "kubeconfig": str(folder.path / "admin.kubeconfig"),
    }
    settings = {**SETTINGS, "namespace": "apps", "deployment": "checkout"}
    state = StackState("trivial", phase="degraded", endpoints=endpoints, settings=settings)
    given = exports(folder, state)
    assert tuple(given) == NAMES
    assert given["CHECKOUT_URL"] == ""
    assert given["FINDINGS_URL"] == ENDPOINTS["findings_url"]
    assert given["INVESTIGATOR_API_KEY"] == "its key"
    # Where nothing investigates there is neither.
    del endpoints["findings_url"], endpoints["investigator_api_key_file"]
    given = exports(folder, state)
    assert (given["FINDINGS_URL"], given["INVESTIGATOR_API_KEY"]) == ("", "")
    assert given["AWS_ENDPOINT_URL"] == ENDPOINTS["aws_endpoint_url"]


def test_a_name_that_cannot_be_is_a_wrong_command_line(run: Run) -> None:
    result = run("up", "--name", "../etc")
    assert result.exit_code == 2
    assert "cannot be a stack's name" in result.output


@pytest.mark.parametrize("ttl", ["8", "h", "-1h", "8 h"])
def test_a_time_without_unit_is_a_wrong_command_line(run: Run, ttl: str) -> None:
    result = run("up", "--ttl", ttl)
    assert result.exit_code == 2
    assert "write 90s, 30m or 8h" in result.output


def test_env_needs_a_running_stack(run: Run, tmp_path: Path) -> None:
    up(run, tmp_path)
    run("down", "--name", "trivial")
    result = run("env", "--name", "trivial")
    assert result.exit_code == 3
    assert "is not running" in result.output


def test_env_gives_every_export_and_quotes_it_for_the_shell(
    folder: StackFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exports_module, "checkout_url", lambda *_: "http://127.20.1.1:8080")
    write_private(folder.api_key_file, "a key; with $(blanks)\n")
    write_private(folder.investigator_key_file, "its key")
    write_private(folder.aws_secret_file, "the stack's secret\n")
    state = StackState("trivial", phase="ready", endpoints=with_files(folder), settings=SETTINGS)
    monkeypatch.setattr(env_command, "running_state", lambda _: state)
    output = CliRunner().invoke(cli, ["env", "--name", "trivial"]).output
    shown = subprocess.run(
        [
            "sh",
            "-c",
            f"{output}\n"
            'printf "%s|%s|%s" "$WEBHOOK_API_KEY" "$AWS_SECRET_ACCESS_KEY" "$CHECKOUT_URL"',
        ],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert shown == "a key; with $(blanks)|the stack's secret|http://127.20.1.1:8080"
    names = {line.removeprefix("export ").partition("=")[0] for line in output.splitlines()}
    assert names == {
        "AWS_ENDPOINT_URL", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_REGION",
        "AWS_DEFAULT_REGION", "WEBHOOK_URL", "WEBHOOK_API_KEY", "FINDINGS_URL",
        "INVESTIGATOR_API_KEY", "KUBECONFIG", "PROMETHEUS_URL", "ALERTMANAGER_URL", "CHECKOUT_URL",
    }  # fmt: skip
    assert shlex.split(output)[0] == "export"


@pytest.mark.parametrize("gone", ["api_key_file", "aws_secret_file", "investigator_key_file"])
def test_a_secret_that_is_gone_is_told(
    folder: StackFolder, monkeypatch: pytest.MonkeyPatch, gone: str
) -> None:
    monkeypatch.setattr(exports_module, "checkout_url", lambda *_: "")
    for name in {"api_key_file", "aws_secret_file", "investigator_key_file"} - {gone}:
        write_private(getattr(folder, name), "kept")
    state = StackState("trivial", phase="ready", endpoints=with_files(folder), settings=SETTINGS)
    with pytest.raises(Exception, match="a secret of the stack cannot be read") as told:
        exports(folder, state)
    assert getattr(folder, gone).name in str(told.value)


def with_files(folder: StackFolder) -> dict[str, str]:
    """The endpoints of a stack, with the files of its secrets."""
    return {
        **ENDPOINTS,
        "webhook_api_key_file": str(folder.api_key_file),
        "aws_secret_access_key_file": str(folder.aws_secret_file),
        "investigator_api_key_file": str(folder.investigator_key_file),
    }


def test_logs_lists_names_and_shows_the_end_of_one(
    run: Run, folder: StackFolder, tmp_path: Path
) -> None:
    up(run, tmp_path)
    pod = folder.path / "node-agent" / "pods" / "apps_checkout-1" / "checkout.log"
    pod.parent.mkdir(parents=True)
    pod.write_text("one\ntwo\n")
    names = run("logs", "--name", "trivial").output.split()
    assert {"second", "web", "supervisor", "pod/checkout-1", "alert-ingest"} <= set(names)
    assert run("logs", "second", "--name", "trivial").output == "up\n"
    assert run("logs", "pod/checkout-1", "--tail", "1", "--name", "trivial").output == "two\n"
    unknown = run("logs", "nobody", "--name", "trivial")
    assert unknown.exit_code == 1
    assert "'srectl local logs' lists the names" in unknown.output


def test_every_command_explains_itself(run: Run) -> None:
    listed = run("--help").output
    assert "Exit codes" in listed
    for name, known in cli.commands.items():
        # The old names of `srectl local` stay, and stand in no list.
        assert (f"\n  {name} " in listed) is not known.hidden
        assert run(name, "--help").exit_code == 0


def test_a_wrong_runbook_is_shown_with_its_faults(run: Run, tmp_path: Path) -> None:
    assert run("runbooks", "validate", "--folder", str(shipped.RUNBOOKS)).exit_code == 0
    (tmp_path / "bad.yaml").write_text("name: Bad\n")
    result = run("runbooks", "validate", "--folder", str(tmp_path))
    assert result.exit_code == 1
    assert "bad.yaml" in result.output


def test_ctrl_c_has_an_exit_code_of_its_own() -> None:
    script = (
        "import click, os, signal, sys, time\n"
        "from srectl import cli\n"
        "@click.command()\n"
        "def hang():\n"
        "    print('hanging', flush=True); time.sleep(600)\n"
        "cli.cli.add_command(hang)\n"
        "sys.argv = ['srectl', 'hang']\n"
        "cli.main()\n"
    )
    for number in (signal.SIGINT, signal.SIGTERM):
        child = subprocess.Popen(
            [sys.executable, "-c", script], cwd=REPOSITORY, stdout=subprocess.PIPE, text=True,
            stderr=subprocess.DEVNULL,
        )  # fmt: skip
        assert child.stdout is not None
        assert child.stdout.readline() == "hanging\n"
        child.send_signal(number)
        child.communicate(timeout=PATIENCE_SECONDS)
        assert child.returncode == 130


def test_a_supervisor_is_started_without_the_users_aws_account(
    folder: StackFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_PROFILE", "production")
    state = spawn_supervisor(folder, command("trivial", "ok"), lambda _: None)
    assert state.supervisor is not None
    environment = Path(f"/proc/{state.supervisor.pid}/environ").read_bytes()
    assert b"AWS_PROFILE" not in environment


def test_the_only_stack_that_runs_is_meant_where_none_is_named(
    run: Run, folder: StackFolder, tmp_path: Path
) -> None:
    assert "there is no stack named 'default'" in run("logs").output
    assert up(run, tmp_path).exit_code == 0
    for words in (("logs",), ("local", "status"), ("status", "--json")):
        found = run(*words)
        assert found.exit_code == 0, found.output
    assert "trivial" in run("local", "status").output
    # What ends a stack ends the one that it is told, and says which there are.
    told = run("down").output
    assert "here runs what 'srectl local down --name trivial' stops" in told
    assert folder.is_supervised()
    missing = run("logs", "--name", "nobody").output
    assert "here runs '--name trivial'; or start it with 'srectl local up --name nobody'" in missing
