"""Does the bus lead where it should: is each rule enabled, each connection authorized?

Of a stack that stands by for another region one rule is of a stack beside it. Without that rule
every alert is answered with 202 and taken by nobody, while the heartbeat, which is never held, goes
through.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from srectl.operate.doctor.check import Check, Grant
from srectl.operate.doctor.deployment import Deployment
from srectl.operate.doctor.finding import Finding, failed, fine
from srectl.operate.refusals import calling

if TYPE_CHECKING:
    from mypy_boto3_events.type_defs import RuleTypeDef

__all__ = ["CHECK"]

_RULE = "AWS::Events::Rule"
_BUS = "AWS::Events::EventBus"
_CONNECTION = "AWS::Events::Connection"
#: Of eks/standby.yaml.
_HOLDS = "sre-standby"
# Good ones, as EventBridge has them; the others say that it has no way to authorize.
_AUTHORIZED = frozenset({"AUTHORIZED", "ACTIVE"})


def look(deployment: Deployment) -> Iterator[Finding]:
    """Look at each rule and connection of the stack."""
    events, bus = deployment.account.events, deployment.account.bus
    rules: dict[str, RuleTypeDef] = {}
    alarm_buses = (each.physical_id for each in deployment.of_kind(_BUS))
    for each in dict.fromkeys((bus, "default", *alarm_buses)):
        with calling(f"the rules of bus {each} could not be listed"):
            pages = events.get_paginator("list_rules").paginate(
                EventBusName=each, NamePrefix=f"{deployment.account.prefix}sre-"
            )
            rules |= {rule["Name"]: rule for page in pages for rule in page["Rules"]}
    bad = 0
    wanted = deployment.of_kind(_RULE)
    for resource in wanted:
        name = resource.physical_id.rpartition("/")[2].rpartition("|")[2]
        rule = rules.get(name)
        if rule is not None and rule.get("State") == "ENABLED":
            continue
        bad += 1
        if rule is None:
            yield failed(
                f"rule {name}",
                "is not there any more: what it leads to hears of nothing",
                deployment.bring_back(resource.logical_id),
            )
            continue
        option = f" --event-bus-name {rule.get('EventBusName', bus)}"
        yield failed(
            f"rule {name}",
            "is disabled: what it leads to hears of nothing",
            f"aws events enable-rule --name {name}{option}; then 'srectl replay --from' when it "
            "was disabled brings back what is missing in the records",
        )
    other = deployment.stack.parameter("StandbyFor")
    name = f"{deployment.account.prefix}{_HOLDS}"
    if other and rules.get(name, {}).get("State") != "ENABLED":
        bad += 1
        yield failed(
            f"rule {name}",
            f"is not there, or disabled: this stack stands by for {other}, and nothing takes what "
            "it is sent",
            "deploy eks/standby.yaml beside it (docs/regions.md), or this one with StandbyFor= "
            f"(empty); if it is there: aws events enable-rule --name {name} --event-bus-name {bus}",
        )
    connections = deployment.of_kind(_CONNECTION)
    for resource in connections:
        name = resource.physical_id
        with calling(f"connection {name} could not be read"):
            state = events.describe_connection(Name=name)["ConnectionState"]
        if state not in _AUTHORIZED:
            bad += 1
            yield failed(
                f"connection {name}",
                f"is {state}: nothing is sent over it",
                f"aws events describe-connection --name {name} says why",
            )
    if not bad:
        yield fine(bus, f"{len(wanted)} rules enabled, {len(connections)} connections authorized")


CHECK = Check(
    "routes",
    "the rules of the bus and the connections out of it",
    (
        Grant(("events:ListRules",)),
        Grant(
            ("events:DescribeConnection",),
            "arn:{partition}:events:{region}:{account}:connection/*",
        ),
    ),
    look,
)
