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

from botocore.exceptions import ClientError

from srectl.errors import CommandFailed
from srectl.operate import importing, kept_tables
from srectl.operate.account import Account
from srectl.operate.doctor import template_text
from srectl.operate.refusals import calling

__all__ = ["Kept", "adopt", "find_kept", "import_template", "kept_resources", "read_template"]

_KEY = "AWS::KMS::Key"
#: What is kept has its name in this property, by which AWS also knows what is imported.
_NAMES = {
    "AWS::DynamoDB::Table": "TableName",
    "AWS::Logs::LogGroup": "LogGroupName",
    "AWS::S3::Bucket": "BucketName",
}
_TABLE, _BUCKET = "AWS::DynamoDB::Table", "AWS::S3::Bucket"


@dataclass(frozen=True)
class Kept:
    """What is there.

    Parameters
    ----------
    names : mapping
        Name of each table, log group and bucket by its logical id in the template.
    key_id : str
        The key that they are encrypted with.
    protected : bool
        Whether the tables are protected against deletion.
    switched_off
        What one types afterwards, for each setting of a table that somebody has switched off.
    """

    names: Mapping[str, str]
    key_id: str
    protected: bool
    switched_off: tuple[str, ...] = ()


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
    """Give the name of everything that outlives its stack, by logical id.

    Parameters
    ----------
    template
        Of the platform.
    prefix
        Begins the names of a deployment. A bucket's name has account and region in it besides,
        which stay as the template writes them.
    """
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
        Nothing was; not all of it has one key, or one that can be used; a table is none of ours, or
        has replicas in other regions; or AWS cannot be asked.
    """
    names: dict[str, str] = {}
    keys: dict[str | None, list[str]] = {}
    off: list[str] = []
    protected = False
    with calling("what an earlier deployment has left could not be looked for"):
        for logical_id, name in kept_resources(template, account.prefix).items():
            resource = template["Resources"][logical_id]
            if resource["Type"] == _TABLE:
                try:
                    table: Any = account.dynamodb.describe_table(TableName=name)["Table"]
                except account.dynamodb.exceptions.ResourceNotFoundException:
                    continue
                _refuse(name, table, resource["Properties"])
                off += kept_tables.switched_off(account.dynamodb, name, resource["Properties"])
                key = table.get("SSEDescription", {}).get("KMSMasterKeyArn")
                protected = protected or bool(table.get("DeletionProtectionEnabled"))
            elif resource["Type"] == _BUCKET:
                name = account.evidence_bucket
                try:
                    key = _key_of_bucket(account.client("s3"), name)
                except LookupError:
                    continue
            else:
                groups: Any = account.logs.describe_log_groups(logGroupNamePrefix=name)["logGroups"]
                group = next((each for each in groups if each["logGroupName"] == name), None)
                if group is None:
                    continue
                key = group.get("kmsKeyId")
            keys.setdefault(key, []).append(name)
            names[logical_id] = name
    if not names:
        raise CommandFailed(
            "nothing of an earlier deployment was found in this account and region",
            "'sam deploy' makes everything; is --prefix its NamePrefix, and is this its account "
            "('aws sts get-caller-identity') and region?",
        )
    (key, *others) = keys
    if others or key is None:
        told = "; ".join(f"{each or 'none of ours'}: {', '.join(keys[each])}" for each in keys)
        raise CommandFailed(
            f"what was left behind does not have one key but {told}",
            "deploy under another NamePrefix, or delete by hand what is not of this deployment",
        )
    _require_usable(account, key)
    return Kept(names, key.rpartition("/")[2], protected, tuple(off))


def _key_of_bucket(s3: Any, name: str) -> str | None:
    """Give the key that a bucket encrypts with by default; LookupError where there is none."""
    try:
        found = s3.get_bucket_encryption(Bucket=name)["ServerSideEncryptionConfiguration"]
    except ClientError as error:
        if error.response["Error"]["Code"] in ("NoSuchBucket", "404"):
            raise LookupError(name) from None
        if error.response["Error"]["Code"] == "ServerSideEncryptionConfigurationNotFoundError":
            return None
        raise
    (rule, *_) = found["Rules"]
    key = rule["ApplyServerSideEncryptionByDefault"].get("KMSMasterKeyID")
    return None if key is None else str(key)


def _refuse(name: str, table: Mapping[str, Any], properties: Mapping[str, Any]) -> None:
    if table.get("Replicas"):
        raise CommandFailed(
            f"{name} is a global table, which this does not take up",
            "import it by hand as an AWS::DynamoDB::GlobalTable, or deploy under another "
            "NamePrefix",
        )
    found = kept_tables.misfits(properties, table)
    if found:
        raise CommandFailed(
            f"{name} is no table of this platform: {'; '.join(found)}",
            "deploy under another NamePrefix, or with the release that made it first",
        )


def _require_usable(account: Account, key: str) -> None:
    """See that what was kept can be read: without its key it cannot, and would be imported."""
    with calling(f"the key {key} could not be read"):
        state = account.client("kms").describe_key(KeyId=key)["KeyMetadata"]["KeyState"]
    if state == "PendingDeletion":
        raise CommandFailed(
            f"the key {key} of what was left behind is about to be deleted",
            f"'aws kms cancel-key-deletion --key-id {key}', then 'aws kms enable-key --key-id "
            f"{key}' keep it",
        )
    if state != "Enabled":
        raise CommandFailed(
            f"the key {key} of what was left behind is {state}",
            f"'aws kms enable-key --key-id {key}'",
        )


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
    importing.require_free(account.cloudformation, stack)
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
    values = {name: value for name, value in values.items() if name in body["Parameters"]}
    importing.make_stack(account.cloudformation, stack, body, wanted, values)


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
