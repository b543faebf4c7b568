"""What an earlier deployment has left behind, and a stack that takes it up again.

Tables, log groups and the key outlive a stack, and have names that the next one would give. So a
stack is made of them first, by an import (nothing is created and nothing is changed); the next
``sam deploy`` then finds them in it, and adds the rest.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from botocore.exceptions import WaiterError

from srectl.errors import CommandFailed
from srectl.operate.account import Account
from srectl.operate.doctor import template_text

__all__ = ["Kept", "adopt", "find_kept", "import_template", "kept_resources", "read_template"]

_KEY = "AWS::KMS::Key"
#: What is kept has its name in this property, by which AWS also knows what is imported.
_NAMES = {"AWS::DynamoDB::Table": "TableName", "AWS::Logs::LogGroup": "LogGroupName"}
_WAIT = {"Delay": 2, "MaxAttempts": 150}


@dataclass(frozen=True)
class Kept:
    """What is there.

    Parameters
    ----------
    names : mapping
        Name of each table and log group by its logical id in the template.
    key_id : str
        The key that they are encrypted with.
    protected : bool
        Whether the tables are protected against deletion.
    """

    names: Mapping[str, str]
    key_id: str
    protected: bool


def read_template(path: Path) -> dict[str, Any]:
    """Read the template of the platform.

    Raises
    ------
    CommandFailed
        There is none, or it is no template.
    """
    hint = "run this where template.yaml is, or name it with --template"
    try:
        read = template_text.read(path.read_text("utf-8"))
    except (OSError, template_text.Unreadable) as error:
        raise CommandFailed(f"the template cannot be read: {error}", hint) from error
    if "Resources" not in read:
        raise CommandFailed(f"{path} is no template of CloudFormation", hint)
    return read


def kept_resources(template: Mapping[str, Any], prefix: str) -> dict[str, str]:
    """Give the name of each table and log group that outlives its stack, by logical id."""
    found = {}
    for logical_id, resource in template["Resources"].items():
        name = resource.get("Properties", {}).get(_NAMES.get(resource["Type"], ""))
        if name and str(resource.get("DeletionPolicy", "")).startswith("Retain"):
            found[logical_id] = str(name["Fn::Sub"]).replace("${NamePrefix}", prefix)
    return found


def find_kept(account: Account, template: Mapping[str, Any]) -> Kept:
    """Look for what was left behind.

    Raises
    ------
    CommandFailed
        Nothing was, not all of it has one key, or a table has replicas in other regions.
    """
    names, keys, protected = {}, set(), False
    for logical_id, name in kept_resources(template, account.prefix).items():
        if template["Resources"][logical_id]["Type"] == "AWS::DynamoDB::Table":
            try:
                table: Any = account.dynamodb.describe_table(TableName=name)["Table"]
            except account.dynamodb.exceptions.ResourceNotFoundException:
                continue
            if table.get("Replicas"):
                raise CommandFailed(
                    f"{name} is a global table, which this does not take up",
                    "import it by hand as an AWS::DynamoDB::GlobalTable, or deploy under another "
                    "NamePrefix",
                )
            keys.add(table.get("SSEDescription", {}).get("KMSMasterKeyArn"))
            protected = protected or bool(table.get("DeletionProtectionEnabled"))
        else:
            groups: Any = account.logs.describe_log_groups(logGroupNamePrefix=name)["logGroups"]
            group = next((each for each in groups if each["logGroupName"] == name), None)
            if group is None:
                continue
            keys.add(group.get("kmsKeyId"))
        names[logical_id] = name
    if not names:
        raise CommandFailed(
            "nothing of an earlier deployment was found in this account and region",
            "'sam deploy' makes everything; is --prefix its NamePrefix?",
        )
    if len(keys) != 1 or None in keys:
        told = ", ".join(sorted(str(each) for each in keys))
        raise CommandFailed(
            f"what was left behind does not have one key but {told}",
            "deploy under another NamePrefix, or delete by hand what is not of this deployment",
        )
    return Kept(names, str(keys.pop()).rpartition("/")[2], protected)


def import_template(template: Mapping[str, Any], kept: Kept) -> dict[str, Any]:
    """Give the part of the template that describes what was kept, the key included."""
    resources = template["Resources"]
    key = _key_of(template)
    # It is there, whatever the parameters of the next deployment will say of it.
    chosen = {
        name: {word: each for word, each in resources[name].items() if word != "Condition"}
        for name in (key, *kept.names)
    }
    used = set(_references(chosen))
    parameters = {name: each for name, each in template["Parameters"].items() if name in used}
    return {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Description": template.get("Description", ""),
        "Parameters": parameters,
        "Resources": chosen,
    }


def adopt(account: Account, stack: str, template: Mapping[str, Any], kept: Kept) -> None:
    """Make a stack of what was kept.

    Raises
    ------
    CommandFailed
        There is such a stack, or CloudFormation refuses.
    """
    cloudformation = account.cloudformation
    _require_free(cloudformation, stack)
    body = import_template(template, kept)
    resources = body["Resources"]
    wanted = [
        {
            "ResourceType": resources[name]["Type"],
            "LogicalResourceId": name,
            "ResourceIdentifier": {"KeyId": kept.key_id}
            if resources[name]["Type"] == _KEY
            else {_NAMES[resources[name]["Type"]]: kept.names[name]},
        }
        for name in resources
    ]
    values = {"NamePrefix": account.prefix, "DeletionProtection": str(kept.protected).lower()}
    arguments = {"StackName": stack, "ChangeSetName": "adopt"}
    cloudformation.create_change_set(
        **arguments,
        ChangeSetType="IMPORT",
        ResourcesToImport=wanted,
        TemplateBody=json.dumps(body),
        Parameters=[
            {"ParameterKey": name, "ParameterValue": value}
            for name, value in values.items()
            if name in body["Parameters"]
        ],
    )
    try:
        waiter = cloudformation.get_waiter("change_set_create_complete")
        waiter.wait(**arguments, WaiterConfig=_WAIT)
        cloudformation.execute_change_set(**arguments)
        cloudformation.get_waiter("stack_import_complete").wait(StackName=stack, WaiterConfig=_WAIT)
    except WaiterError as error:
        reason = error.last_response.get("StatusReason", "") if error.last_response else ""
        raise CommandFailed(
            f"what was kept was not taken into the stack {stack}: {reason or error}",
            f"'aws cloudformation describe-stack-events --stack-name {stack}' says more",
        ) from error


def _require_free(cloudformation: Any, stack: str) -> None:
    try:
        (found,) = cloudformation.describe_stacks(StackName=stack)["Stacks"]
    except cloudformation.exceptions.ClientError as error:
        if "does not exist" in str(error):
            return
        raise
    status = found["StackStatus"]
    if status in ("CREATE_FAILED", "ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "DELETE_FAILED"):
        raise CommandFailed(
            f"the stack {stack} is in {status}",
            f"'sam delete --stack-name {stack}' takes it away; what is kept stays. Then again",
        )
    raise CommandFailed(
        f"there is a stack {stack} ({status}), so what it keeps is its own",
        "'sam deploy' updates it; --stack names another",
    )


def _key_of(template: Mapping[str, Any]) -> str:
    (key,) = (name for name, each in template["Resources"].items() if each["Type"] == _KEY)
    return str(key)


def _references(node: Any) -> Iterator[str]:
    """Give the name of everything that a part of a template refers to."""
    if isinstance(node, list):
        for each in node:
            yield from _references(each)
    elif isinstance(node, dict):
        for key, value in node.items():
            if key == "Ref":
                yield value
            elif key == "Fn::Sub":
                yield from re.findall(r"\$\{([\w:]+)", json.dumps(value))
            yield from _references(value)
