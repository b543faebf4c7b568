"""Every grant of every role, as the template gives it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

from tests.support.template import deployed, listed

#: Statements of which kinds of keys are tried one by one, beside the whole.
BY_KEY = {
    "IncidentRecorderRole.SettleIncidentKeys": ("incident#*", "target#*", "thing#*"),
    "RunbookActionRole.ReadLocksLeasesAndPlaces": ("incident#*",),
}


@dataclass(frozen=True)
class Grant:
    """One action, on one of the resources where a statement names several.

    Parameters
    ----------
    role : str
        Logical id of the role, or of the policy that is attached to it.
    policy : str
        Name of the inline policy.
    sid : str
        The statement.
    action : str
        The action.
    resource : int
        Position of the resource in the statement; -1 where there is one only.
    name : str
        ``Role.Sid``, with the action and the resource where the statement has several.
    key : str
        The one kind of partition key that it is about; empty for all that the statement names.
    """

    role: str
    policy: str
    sid: str
    action: str
    resource: int
    name: str
    key: str = ""

    @property
    def statement(self) -> str:
        """``Role.Sid``."""
        return f"{self.role}.{self.sid}"


@cache
def template() -> dict[str, Any]:
    """Return the template as it is deployed, for everybody here to read."""
    return deployed()


def policies() -> list[tuple[str, str, dict[str, Any]]]:
    """Give logical id, policy name and policy of every inline policy."""
    found = []
    for name, resource in template()["Resources"].items():
        properties = resource.get("Properties", {})
        if resource["Type"] == "AWS::IAM::Role":
            found += [
                (name, each["PolicyName"], each["PolicyDocument"])
                for each in properties.get("Policies", [])
            ]
        elif resource["Type"] == "AWS::IAM::Policy":
            found.append((name, properties["PolicyName"], properties["PolicyDocument"]))
    return found


def grants() -> list[Grant]:
    """Give every grant of the template."""
    found = []
    for role, policy, document in policies():
        for statement in document["Statement"]:
            actions, resources = listed(statement["Action"]), listed(statement["Resource"])
            for action in actions:
                for position, resource in enumerate(resources):
                    name = f"{role}.{statement['Sid']}"
                    name += f":{action}" if len(actions) > 1 else ""
                    name += f"@{referred(resource)}" if len(resources) > 1 else ""
                    one = position if len(resources) > 1 else -1
                    whole = Grant(role, policy, statement["Sid"], action, one, name)
                    found.append(whole)
                    found += [
                        replace(whole, name=f"{name}#{key.partition('#')[0]}", key=key)
                        for key in BY_KEY.get(whole.statement, ())
                    ]
    return found


def keys_of(statement: Mapping[str, Any]) -> list[str]:
    """Give the partition keys that a statement is limited to; empty where it is not."""
    condition = statement.get("Condition", {}).get("ForAllValues:StringLike", {})
    return listed(condition.get("dynamodb:LeadingKeys", []))


def of_keys(statement: Mapping[str, Any], keys: Sequence[str]) -> dict[str, Any]:
    """Give a statement that is limited to other keys."""
    like = {"ForAllValues:StringLike": {"dynamodb:LeadingKeys": [*keys]}}
    return {**statement, "Condition": like}


def referred(resource: Any) -> str:
    """Give the logical id that an ARN is made from, or the end of the ARN."""
    if "Ref" in resource:
        return str(resource["Ref"])
    if "Fn::GetAtt" in resource:
        return str(resource["Fn::GetAtt"][0])
    return str(resource["Fn::Sub"]).rsplit("${", 1)[-1].rstrip("}").rsplit("/", 1)[-1]
