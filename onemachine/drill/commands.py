"""The guide's commands, carried out on a stack: ``aws …`` and ``srectl …`` as somebody types them.

``aws`` need not be installed: a command is looked up in botocore's own model of the service, which
is where the AWS CLI has its commands from, and becomes the same API call. What the model does not
know is refused, so a command with a typing error fails here and not in the night.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import botocore.session
import jmespath
from botocore import xform_name
from botocore.exceptions import BotoCoreError, ClientError, WaiterError
from botocore.model import OperationModel, Shape

from onemachine.processes.environment import base_environment
from onemachine.project import PROJECT_ROOT
from onemachine.stack.clients import client_of
from onemachine.stack.exports import exports
from onemachine.stack.state import StackFolder, StackState

__all__ = ["AwsCommand", "CommandUnknown", "Refused", "Terminal", "parse_aws"]

_SECONDS = 180.0


class CommandUnknown(ValueError):
    """The AWS CLI has no such command, or it has no such option."""


class Refused(RuntimeError):
    """A command failed.

    Parameters
    ----------
    command : str
        As it was typed.
    answer : str
        What it said.
    """

    def __init__(self, command: str, answer: str) -> None:
        self.command = command
        self.answer = answer
        super().__init__(f"'{command}' failed: {answer}")


@dataclass(frozen=True)
class AwsCommand:
    """An ``aws`` command as the API call that it is.

    Parameters
    ----------
    service : str
        boto3's name of the service.
    method : str
        The client's method, or the waiter's name.
    parameters : dict
        By the API's names.
    query : str
        JMESPath of ``--query``, empty without.
    waiter : bool
        Whether it is ``aws SERVICE wait …``.
    """

    service: str
    method: str
    parameters: dict[str, Any]
    query: str = ""
    waiter: bool = False


def parse_aws(words: Sequence[str]) -> AwsCommand:
    """Read an ``aws`` command.

    Parameters
    ----------
    words : sequence of str
        Everything after ``aws``.

    Raises
    ------
    CommandUnknown
        botocore's model has no such service, operation or parameter.
    """
    session = botocore.session.get_session()
    service, *rest = words
    if service not in session.get_available_services():
        raise CommandUnknown(f"aws {service}: no such service")
    model = session.get_service_model(service)
    waiter = bool(rest) and rest[0] == "wait"
    if waiter:
        waiters = session.get_waiter_model(service)
        names = {xform_name(name, "-"): name for name in waiters.waiter_names}
        name = names.get(rest[1])
        if name is None:
            raise CommandUnknown(f"aws {service} wait {rest[1]}: no such waiter")
        operation = model.operation_model(waiters.get_waiter(name).operation)
        method, options = xform_name(name), rest[2:]
    else:
        operations = {xform_name(name, "-"): name for name in model.operation_names}
        if not rest or rest[0] not in operations:
            raise CommandUnknown(f"aws {' '.join(words[:2])}: no such command")
        operation = model.operation_model(operations[rest[0]])
        method, options = xform_name(operations[rest[0]]), rest[1:]
    parameters, query = _parameters(operation, options)
    return AwsCommand(service, method, parameters, query, waiter)


def _parameters(operation: OperationModel, options: Sequence[str]) -> tuple[dict[str, Any], str]:
    members = operation.input_shape.members if operation.input_shape else {}
    by_option = {f"--{xform_name(name, '-')}": (name, shape) for name, shape in members.items()}
    found: dict[str, Any] = {}
    query = ""
    words = list(options)
    while words:
        option = words.pop(0)
        values = []
        while words and not words[0].startswith("--"):
            values.append(words.pop(0))
        if option == "--query":
            query = values[0]
        elif option == "--output":
            continue
        elif option.startswith("--no-") and f"--{option[5:]}" in by_option:
            found[by_option[f"--{option[5:]}"][0]] = False
        elif option in by_option:
            name, shape = by_option[option]
            found[name] = _value(shape, values)
        else:
            raise CommandUnknown(f"{operation.name} has no option {option}")
    return found, query


def _value(shape: Shape, values: Sequence[str]) -> Any:
    """Read an option's value: a flag, a text, a number, JSON, or ``Name=value,Name=value``."""
    if shape.type_name == "boolean":
        return True
    if not values:
        raise CommandUnknown(f"an option of type {shape.type_name} has no value")
    text = values[0]
    if shape.type_name in ("structure", "map"):
        return json.loads(text) if text.startswith("{") else _shorthand(text)
    if shape.type_name == "list":
        return json.loads(text) if text.startswith("[") else list(values)
    if shape.type_name in ("integer", "long"):
        return int(text)
    return text


def _shorthand(text: str) -> dict[str, Any]:
    words = {"true": True, "false": False}
    pairs = (pair.split("=", 1) for pair in text.split(","))
    return {name: words.get(value, value) for name, value in pairs}


@dataclass(frozen=True)
class Terminal:
    """Types commands on a running stack.

    Parameters
    ----------
    folder : StackFolder
        The stack.
    state : StackState
        Where its parts are.
    """

    folder: StackFolder
    state: StackState

    def run(self, words: Sequence[str]) -> Any:
        """Run ``aws …`` or ``srectl …``.

        Returns
        -------
        object
            Of ``aws``: its answer, or what ``--query`` selects of it. Of ``srectl``: what it
            printed.

        Raises
        ------
        Refused
            It failed.
        CommandUnknown
            There is no such command.
        """
        program, *rest = words
        if program == "aws":
            return self._aws(rest)
        if program == "srectl":
            return self._srectl(rest)
        raise CommandUnknown(f"{program}: neither aws nor srectl")

    def _aws(self, words: Sequence[str]) -> Any:
        command = parse_aws(words)
        client = client_of(self.state, command.service)
        try:
            if command.waiter:
                client.get_waiter(command.method).wait(
                    **command.parameters, WaiterConfig={"Delay": 1, "MaxAttempts": 60}
                )
                return None
            answer: Mapping[str, Any] = getattr(client, command.method)(**command.parameters)
        except (ClientError, BotoCoreError, WaiterError) as error:
            raise Refused(f"aws {' '.join(words[:2])}", str(error)) from error
        return jmespath.search(command.query, answer) if command.query else answer

    def _srectl(self, words: Sequence[str]) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "srectl.cli", *words],
            env={**base_environment(), **exports(self.folder, self.state)},
            cwd=PROJECT_ROOT,
            capture_output=True,
            text=True,
            timeout=_SECONDS,
            check=False,
        )
        if done.returncode:
            raise Refused(f"srectl {' '.join(words)}", (done.stderr or done.stdout).strip())
        return done.stdout.strip()
