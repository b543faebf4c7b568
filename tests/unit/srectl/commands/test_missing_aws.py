"""What is missing is told in a line, and what to type in another; never in a traceback."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from moto import mock_aws

from srectl.cli import cli
from srectl.operate import environments
from srectl.operate.account import Account
from tests.unit.srectl.commands.surroundings import (
    COMMANDS,
    ON_A_PLATFORM,
    WITHOUT_AWS,
    Shell,
    leaves,
    refusing,
)

STACK = {"local", "up", "down", "status", "env", "logs", "demo", "drill"}


@pytest.fixture
def shell(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Shell:
    monkeypatch.setattr(environments, "_entries", lambda: ())
    return Shell(monkeypatch, tmp_path)


def run(command: str) -> Result:
    return CliRunner(mix_stderr=False).invoke(cli, command.split())


def told(command: str, *words: str) -> None:
    """Check that a command fails in two lines that hold some words, and prints nothing else."""
    result = run(command)
    assert isinstance(result.exception, SystemExit), repr(result.exception)
    assert result.exit_code == 1
    assert result.stdout == ""
    error, hint, *more = result.stderr.splitlines()
    assert not more
    assert error.startswith("error: ")
    assert hint.startswith("  → ")
    for word in words:
        assert word in f"{error}\n{hint}"


def test_every_command_is_asked() -> None:
    asked = {command.split(" -")[0] for command in COMMANDS}
    for path in leaves(cli):
        name = " ".join(path)
        if path[0] not in STACK and name not in WITHOUT_AWS:
            assert any(each.startswith(name) for each in asked), name


@pytest.mark.parametrize("command", COMMANDS)
def test_no_region(shell: Shell, command: str) -> None:
    told(command, "no AWS region is chosen", "export AWS_REGION=<region>")


@pytest.mark.parametrize("command", COMMANDS)
def test_no_credentials(shell: Shell, command: str) -> None:
    shell.export(AWS_REGION="us-east-1", AWS_EC2_METADATA_DISABLED="true")
    told(command, "no AWS credentials", "export AWS_PROFILE=<profile>")


def test_half_of_the_credentials(shell: Shell) -> None:
    shell.export(AWS_REGION="us-east-1", AWS_ACCESS_KEY_ID="AKIAIOSFODNN7EXAMPLE")
    told("mode", "no AWS credentials", "AWS_SECRET_ACCESS_KEY")


@pytest.mark.parametrize("command", COMMANDS)
def test_an_address_where_nothing_listens(shell: Shell, command: str) -> None:
    shell.account()
    shell.export(AWS_ENDPOINT_URL="http://127.0.0.1:1")
    told(command, "http://127.0.0.1:1", "unset AWS_ENDPOINT_URL")


def test_an_address_that_is_none(shell: Shell) -> None:
    shell.account()
    shell.export(AWS_ENDPOINT_URL="nowhere")
    told("mode", "nowhere", "check the AWS settings")


@pytest.fixture(scope="module")
def expired() -> Iterator[str]:
    with refusing("ExpiredTokenException") as address:
        yield address


@pytest.mark.parametrize("command", COMMANDS)
def test_credentials_that_have_expired(shell: Shell, expired: str, command: str) -> None:
    shell.account()
    shell.export(AWS_ENDPOINT_URL=expired)
    told(command, "have expired", "aws sso login")


def test_credentials_that_aws_does_not_know(shell: Shell) -> None:
    shell.account()
    with refusing("UnrecognizedClientException") as address:
        shell.export(AWS_ENDPOINT_URL=address)
        told("mode", "does not know these credentials", "log in again")


def test_a_right_that_is_missing(shell: Shell) -> None:
    shell.account()
    with refusing("AccessDeniedException") as address:
        shell.export(AWS_ENDPOINT_URL=address)
        told("mode", "AccessDenied", "aws sts get-caller-identity")


@pytest.mark.parametrize("command", ON_A_PLATFORM)
def test_an_account_without_the_platform(shell: Shell, command: str) -> None:
    shell.account()
    with mock_aws():
        told(command, "--prefix its NamePrefix")


@pytest.mark.parametrize("command", COMMANDS)
def test_a_profile_that_is_not_there(shell: Shell, command: str) -> None:
    shell.export(AWS_PROFILE="production")
    told(command, "(production) could not be found", "aws configure list-profiles")


@pytest.mark.parametrize("command", COMMANDS)
def test_a_settings_file_that_cannot_be_read(shell: Shell, command: str) -> None:
    shell.settings("region = us-east-1\n")
    told(command, str(shell.home / ".aws" / "config"), "mend that file")


def test_a_file_that_a_setting_names_is_not_there(shell: Shell) -> None:
    shell.export(
        AWS_REGION="us-east-1",
        AWS_ROLE_ARN="arn:aws:iam::123456789012:role/operator",
        AWS_WEB_IDENTITY_TOKEN_FILE=str(shell.home / "token"),
    )
    told("mode", str(shell.home / "token"), "check the AWS settings")


def test_a_region_is_found_where_the_aws_cli_finds_it(shell: Shell) -> None:
    shell.account()  # AWS_REGION, which boto3 itself does not know
    with mock_aws():
        told("dlq list", "--prefix its NamePrefix")
    shell.settings("[default]\nregion = eu-central-1\n")
    with mock_aws():
        told("dlq list", "--prefix its NamePrefix")


def test_the_region_of_the_environment_goes_before_that_of_a_profile(shell: Shell) -> None:
    shell.account()
    shell.export(AWS_DEFAULT_REGION="eu-west-1")
    shell.settings("[default]\nregion = eu-north-1\n")

    assert Account("").session.region_name == "us-east-1"


def test_files_that_are_not_there_or_no_text(shell: Shell) -> None:
    picture = shell.home / "picture.json"
    picture.write_bytes(b"\xff\xd8\xff")
    told(f"runbooks plan --event {picture}", "is not text in UTF-8", "events/ has samples")
    told(f"runbooks validate --folder {shell.home / 'none'}", "there is no folder", "--folder")
