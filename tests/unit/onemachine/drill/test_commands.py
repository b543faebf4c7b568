"""The commands of drills and of the guide are commands that the AWS CLI and srectl have."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import click
import pytest

from onemachine.drill.commands import AwsCommand, CommandUnknown, parse_aws
from srectl.cli import cli

GUIDE = Path(__file__).resolve().parents[4] / "docs" / "disaster-recovery.md"


def typed(program: str) -> list[str]:
    """Give every line of the guide's code blocks that begins with a program, without its remark."""
    blocks = re.findall(r"```sh\n(.*?)```", GUIDE.read_text("utf-8"), re.DOTALL)
    lines = [line for block in blocks for line in block.splitlines()]
    return [re.sub(r"\s+#.*", "", line) for line in lines if line.startswith(f"{program} ")]


@pytest.mark.parametrize("line", typed("aws"))
def test_every_aws_command_of_the_guide_is_one(line: str) -> None:
    assert parse_aws(shlex.split(line)[1:]).parameters


@pytest.mark.parametrize("line", typed("srectl"))
def test_every_srectl_command_of_the_guide_is_one(line: str) -> None:
    words = [word.replace("ID", "5c1a") for word in shlex.split(line)[1:]]
    command: click.Command = cli
    with click.Context(cli) as context:
        while isinstance(command, click.Group):
            found = command.get_command(context, words[0])
            assert found is not None, line
            command, words = found, words[1:]
        command.make_context(command.name, words)


@pytest.mark.parametrize(
    ("line", "wanted"),
    [
        (
            "dynamodb update-table --table-name t --no-deletion-protection-enabled",
            AwsCommand(
                "dynamodb", "update_table", {"TableName": "t", "DeletionProtectionEnabled": False}
            ),
        ),
        (
            "dynamodb update-time-to-live --table-name t "
            "--time-to-live-specification Enabled=true,AttributeName=expires_at",
            AwsCommand(
                "dynamodb",
                "update_time_to_live",
                {
                    "TableName": "t",
                    "TimeToLiveSpecification": {"Enabled": True, "AttributeName": "expires_at"},
                },
            ),
        ),
        (
            "cloudwatch describe-alarms --alarm-names a b --query MetricAlarms[].StateValue",
            AwsCommand(
                "cloudwatch",
                "describe_alarms",
                {"AlarmNames": ["a", "b"]},
                "MetricAlarms[].StateValue",
            ),
        ),
        (
            "dynamodb wait table-exists --table-name t",
            AwsCommand("dynamodb", "table_exists", {"TableName": "t"}, waiter=True),
        ),
    ],
)
def test_a_command_is_the_call_that_the_aws_cli_makes(line: str, wanted: AwsCommand) -> None:
    assert parse_aws(line.split()) == wanted


@pytest.mark.parametrize(
    "line",
    [
        "dynamo list-tables",
        "dynamodb restore-table",
        "dynamodb delete-table --name t",
        "dynamodb wait table-restored --table-name t",
        "dynamodb delete-table --table-name",
    ],
)
def test_a_command_with_a_typing_error_is_refused(line: str) -> None:
    with pytest.raises(CommandUnknown):
        parse_aws(line.split())
