"""Is the stack whole, and did its last deployment succeed?"""

from __future__ import annotations

from collections.abc import Iterator

from srectl.operate.doctor.check import Check
from srectl.operate.doctor.deployment import Deployment
from srectl.operate.doctor.finding import Finding, failed, fine, warning

__all__ = ["CHECK"]

_GOOD = frozenset({"CREATE_COMPLETE", "UPDATE_COMPLETE", "IMPORT_COMPLETE"})
# What runs is the deployment before the one that failed.
_TAKEN_BACK = frozenset({"UPDATE_ROLLBACK_COMPLETE", "IMPORT_ROLLBACK_COMPLETE"})
_WANTED = (
    "CanaryArn",
    "NotificationTopicArn",
    "RemediationRoleArn",
    "RunbookArn",
    "WebhookApiId",
    "WebhookApiKeyId",
    "WebhookUrl",
)


def look(deployment: Deployment) -> Iterator[Finding]:
    """Read the stack's status and its outputs."""
    stack = deployment.stack
    why = (
        f"aws cloudformation describe-stack-events --stack-name {stack.name} --query "
        "\"StackEvents[?ends_with(ResourceStatus, 'FAILED')].[LogicalResourceId, "
        'ResourceStatusReason]"'
    )
    said = stack.status + (f" ({stack.reason})" if stack.reason else "")
    if stack.status in _TAKEN_BACK:
        yield warning(
            stack.name,
            f"{said}: the last deployment failed, and what runs is the one before it",
            f"{why}; once mended, {deployment.deploy_again}",
        )
    elif stack.status.endswith("_IN_PROGRESS"):
        yield warning(
            stack.name,
            f"{said}: it is being changed right now",
            f"wait for its end: aws cloudformation wait stack-update-complete --stack-name "
            f"{stack.name}; then 'srectl doctor' again",
        )
    elif stack.status not in _GOOD:
        yield failed(stack.name, said, f"{why}; once mended, {deployment.deploy_again}")
    missing = [name for name in _WANTED if not stack.outputs.get(name)]
    if missing:
        yield failed(
            stack.name, f"has no output {', '.join(missing)}", f"{deployment.deploy_again} adds it"
        )
    if stack.status in _GOOD and not missing:
        yield fine(stack.name, f"{stack.status}, {len(stack.outputs)} outputs")


CHECK = Check("stack", "status and outputs of the CloudFormation stack", (), look)
