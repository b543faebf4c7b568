"""Does anybody hear of incidents: is each subscription there, and confirmed?"""

from __future__ import annotations

from collections.abc import Iterator

from srectl.operate.doctor.check import Check, Grant
from srectl.operate.doctor.deployment import Deployment
from srectl.operate.doctor.finding import Finding, failed, fine, note
from srectl.operate.refusals import calling

__all__ = ["CHECK"]

_PENDING = "PendingConfirmation"
_DELETED = "Deleted"


def look(deployment: Deployment) -> Iterator[Finding]:
    """List who listens to the topic, and who was meant to."""
    topic = deployment.output("NotificationTopicArn")
    with calling(f"the subscriptions of {topic} could not be listed"):
        pages = deployment.account.sns.get_paginator("list_subscriptions_by_topic").paginate(
            TopicArn=topic
        )
        there = [each for page in pages for each in page["Subscriptions"]]
    confirmed = 0
    for each in there:
        if each["SubscriptionArn"] in (_PENDING, _DELETED):
            yield failed(
                f"{each['Protocol']} {each['Endpoint']}",
                "has not confirmed its subscription: it is told nothing",
                "open the link that AWS sent; to have it sent anew: "
                + _subscribe(topic, each["Protocol"], each["Endpoint"]),
            )
        else:
            confirmed += 1
    missing = list(_missing(deployment, topic, {(e["Protocol"], e["Endpoint"]) for e in there}))
    yield from missing
    if confirmed:
        yield fine(topic.rpartition(":")[2], f"{confirmed} confirmed subscriptions")
    elif not there and not missing:
        yield _nobody(deployment, topic)


def _missing(deployment: Deployment, topic: str, there: set[tuple[str, str]]) -> Iterator[Finding]:
    """Name the subscriptions of the parameters that somebody has deleted since."""
    mail = deployment.stack.parameter("NotificationEmail")
    if mail and ("email", mail) not in there:
        yield failed(
            f"email {mail}",
            "is not subscribed any more, though the stack has it as NotificationEmail",
            _subscribe(topic, "email", mail),
        )
    made = {each.logical_id for each in deployment.of_kind("AWS::SNS::Subscription")}
    for which in ("SecondContact", "ThirdContact"):
        mail = deployment.stack.parameter(f"{which}Email")
        if f"{which}Subscription" in made and ("email", mail) not in there:
            yield failed(
                f"email {mail}",
                f"is not subscribed any more, though the stack has it as {which}Email: nobody is "
                "told by it of incidents that nobody has taken",
                f"deploy once with {which}Email empty, then again with the address: CloudFormation "
                "does not see that it is gone",
            )
    for number in (1, 2, 3):
        mail = deployment.stack.parameter(f"Team{number}Email")
        if f"Team{number}Subscription" in made and ("email", mail) not in there:
            team = deployment.stack.parameter(f"Team{number}")
            yield failed(
                f"email {mail}",
                f"is not subscribed any more, though the stack has it as Team{number}Email: team "
                f"{team} is told nothing by mail",
                f"deploy once with Team{number}Email empty, then again with the address: "
                "CloudFormation does not see that it is gone",
            )
    if "PagerDutySubscription" in made and not any(kind == "https" for kind, _ in there):
        yield failed(
            "https PagerDutyEndpoint",
            "is not subscribed any more: nobody is paged",
            "deploy once with PagerDutyEndpoint empty, then again with the address: CloudFormation "
            "does not see that it is gone",
        )


def _nobody(deployment: Deployment, topic: str) -> Finding:
    rules = {each.logical_id for each in deployment.of_kind("AWS::Events::Rule")}
    if "PagerRule" in rules:
        return note(
            topic.rpartition(":")[2],
            "nobody is subscribed: only the pager is called, and for what PagerSeverities names",
            _subscribe(topic, "email", "ADDRESS"),
        )
    if "SlackRule" in rules:
        return note(
            topic.rpartition(":")[2],
            "nobody is subscribed: only the chat hears of incidents, and nobody of alarms",
            _subscribe(topic, "email", "ADDRESS"),
        )
    return failed(
        topic.rpartition(":")[2],
        "nobody is subscribed: nobody hears of incidents and alarms",
        _subscribe(topic, "email", "ADDRESS"),
    )


def _subscribe(topic: str, protocol: str, endpoint: str) -> str:
    return (
        f"aws sns subscribe --topic-arn {topic} --protocol {protocol} --notification-endpoint "
        f"'{endpoint}'"
    )


CHECK = Check(
    "subscriptions",
    "who is told: subscriptions of the topic, and whether they are confirmed",
    (
        Grant(
            ("sns:ListSubscriptionsByTopic",),
            "arn:{partition}:sns:{region}:{account}:{prefix}sre-incident-notifications",
        ),
    ),
    look,
)
