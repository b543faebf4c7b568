"""Where nothing chooses an AWS account, a command talks to the one stack of this machine."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from srectl.cli import cli
from srectl.operate import environments
from srectl.operate.environments import Environment
from tests.support import shipped
from tests.unit.srectl.commands.surroundings import Shell, answering


@pytest.fixture(scope="module")
def aws() -> Iterator[str]:
    """Serve an AWS in which remediation is only observed."""
    with answering(
        {"Parameter": {"Name": "mode", "Type": "String", "Value": "observe"}}
    ) as address:
        yield address


UNREACHABLE = "http://127.0.0.1:1"


class Entry:
    """An entry point that gives stacks."""

    def __init__(self, stacks: list[Environment]) -> None:
        self.stacks = stacks

    def load(self) -> Entry:
        return self

    def __call__(self) -> list[Environment]:
        return self.stacks


def stack(name: str, address: str) -> Environment:
    choose = f"'eval \"$(srectl local env --name {name})\"'"
    return Environment(
        f"the stack {name!r} on this machine", choose, "us-east-1", address, "a", "b"
    )


@pytest.fixture
def shell(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Shell:
    return Shell(monkeypatch, tmp_path)


@pytest.fixture
def entry(monkeypatch: pytest.MonkeyPatch, aws: str) -> Entry:
    made = Entry([stack("default", aws)])
    monkeypatch.setattr(environments, "_entries", lambda: (made,))
    return made


def run(*words: str) -> Result:
    return CliRunner(mix_stderr=False).invoke(cli, words)


def test_the_one_stack_is_used_and_named_and_json_stays_clean(shell: Shell, entry: Entry) -> None:
    result = run("mode", "--json")
    assert result.exit_code == 0, result.stderr
    assert json.loads(result.stdout)["mode"] == "observe"
    assert result.stderr == (
        "no AWS account is chosen: this is the stack 'default' on this machine\n"
    )


def test_two_stacks_are_named_and_none_is_used(shell: Shell, entry: Entry, aws: str) -> None:
    entry.stacks.append(stack("other", aws))
    result = run("mode", "off")
    assert result.exit_code == 1
    assert "'default'" in result.stderr
    assert 'eval "$(srectl local env --name other)"' in result.stderr
    assert len(result.stderr.splitlines()) == 2
    del entry.stacks[1:]
    assert json.loads(run("mode", "--json").stdout)["mode"] == "observe"


def assert_kept_out(entry: Entry) -> None:
    """Check that a command fails of what is chosen, without a word to the stack."""
    entry.stacks[:] = [stack("default", UNREACHABLE)]
    result = run("mode", "off")
    assert result.exit_code == 1
    assert UNREACHABLE not in result.stderr
    assert "no AWS account is chosen" not in result.stderr


@pytest.mark.parametrize(
    "variable",
    [
        "AWS_PROFILE",
        "AWS_REGION",
        "AWS_DEFAULT_REGION",
        "AWS_ACCESS_KEY_ID",
        "AWS_CONFIG_FILE",
        "AWS_X",
    ],
)
def test_a_setting_of_aws_keeps_every_stack_out(shell: Shell, entry: Entry, variable: str) -> None:
    shell.export(**{variable: "production", "AWS_EC2_METADATA_DISABLED": "true"})
    assert_kept_out(entry)


@pytest.mark.parametrize("name", ["config", "credentials"])
def test_a_settings_file_of_aws_keeps_every_stack_out(
    shell: Shell, entry: Entry, name: str
) -> None:
    file = shell.home / ".aws" / name
    file.parent.mkdir()
    file.write_text("[production]\naws_access_key_id = a\naws_secret_access_key = b\n")
    assert_kept_out(entry)


def test_what_is_chosen_and_fails_names_the_stack_that_could_be(shell: Shell, entry: Entry) -> None:
    shell.export(AWS_REGION="eu-central-1", AWS_EC2_METADATA_DISABLED="true")
    result = run("mode")
    assert result.exit_code == 1
    assert (
        "'eval \"$(srectl local env --name default)\"' chooses the stack 'default'" in result.stderr
    )


def test_the_stack_that_is_used_is_not_offered_once_more(shell: Shell, entry: Entry) -> None:
    entry.stacks[:] = [stack("default", UNREACHABLE)]
    shell.export(SRECTL_PREFIX="t-")
    result = run("mode")
    assert result.exit_code == 1
    assert UNREACHABLE in result.stderr
    assert "srectl local env" not in result.stderr


def test_how_aws_is_asked_is_no_choice_of_an_account(shell: Shell, entry: Entry) -> None:
    shell.export(AWS_CA_BUNDLE="/etc/ssl/certs/ca-certificates.crt", AWS_PAGER="less")
    assert run("mode").exit_code == 0


def test_an_empty_settings_file_chooses_nothing(shell: Shell, entry: Entry) -> None:
    shell.settings("\n")
    assert run("mode").exit_code == 0


def test_without_a_stack_the_region_is_asked_for(shell: Shell, entry: Entry) -> None:
    entry.stacks.clear()
    result = run("mode")
    assert result.exit_code == 1
    assert "no AWS region is chosen" in result.stderr
    assert "no stack runs on this machine: 'srectl local up' starts one" in result.stderr


def test_a_stack_that_cannot_run_here_is_not_offered(
    shell: Shell, entry: Entry, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    entry.stacks.clear()
    monkeypatch.setattr(environments, "PROJECT_ROOT", tmp_path)
    assert "srectl local up" not in run("mode").stderr


def test_who_has_chosen_an_account_is_not_offered_to_start_a_stack(
    shell: Shell, entry: Entry
) -> None:
    entry.stacks.clear()
    shell.export(AWS_PROFILE="production", AWS_EC2_METADATA_DISABLED="true")
    result = run("mode")
    assert result.exit_code == 1
    assert "srectl local up" not in result.stderr


def test_a_command_that_asks_no_aws_says_nothing(shell: Shell, entry: Entry) -> None:
    result = run("runbooks", "validate", "--folder", str(shipped.RUNBOOKS))
    assert result.exit_code == 0
    assert result.stderr == ""
