"""CloudFormation: what a template may be written in."""

from __future__ import annotations

from typing import Any

from botocore.exceptions import ClientError

from onemachine.aws.local_aws import LocalAws
from tests.integration.localaws.probes.registry import shows

_QUEUE = "Resources:\n  Queue:\n    Type: AWS::SQS::Queue\n    Properties:\n"
_PROPERTIES = {
    "aliases": "      QueueName: &name {name}\n      Tags: [{{Key: name, Value: *name}}]\n",
    "merges": "      <<: {{QueueName: {name}}}\n",
}


@shows("template_aliases")
def a_template_with_aliases_or_merges_is_refused(aws: LocalAws, name: str) -> None:
    """Whoever deploys resolves them; a template that is uploaded as it is written has none."""
    cloudformation = aws.client("cloudformation")
    for what, properties in _PROPERTIES.items():
        body = _QUEUE + properties.format(name=name)
        told = refusal(cloudformation, f"{name}-{what}", body)
        assert "ValidationError" in told
        assert f"YAML {what} " in told
    plain = _QUEUE + f"      QueueName: &{name} {name}\n"
    cloudformation.create_stack(StackName=name, TemplateBody=plain)
    cloudformation.get_waiter("stack_create_complete").wait(
        StackName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 20}
    )


def refusal(cloudformation: Any, stack: str, body: str) -> str:
    try:
        cloudformation.create_stack(StackName=stack, TemplateBody=body)
    except ClientError as error:
        return str(error)
    return "taken"
