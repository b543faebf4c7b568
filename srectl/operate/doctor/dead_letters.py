"""Does anything wait that could not be delivered?"""

from __future__ import annotations

from collections.abc import Iterator

from srectl.errors import CommandFailed
from srectl.operate import queues
from srectl.operate.doctor.check import Check, Grant
from srectl.operate.doctor.deployment import Deployment
from srectl.operate.doctor.finding import Finding, failed, fine

__all__ = ["CHECK"]


def look(deployment: Deployment) -> Iterator[Finding]:
    """Count what is in each queue."""
    account, empty = deployment.account, 0
    option = f" --prefix {account.prefix}" if account.prefix else ""
    for queue, name in queues.QUEUES.items():
        try:
            depth = queues.depth(account.sqs, queue, account.prefix)
        except CommandFailed as error:
            if "NonExistent" not in error.message:
                raise
            yield failed(
                account.prefix + name,
                f"is not there any more, and so are {queues.CONTENT[queue]}",
                deployment.bring_back(f"queue {name}"),
            )
            continue
        held = depth.waiting + depth.in_flight
        if not held:
            empty += 1
            continue
        yield failed(
            depth.name,
            f"holds {held} message{'s'[: held != 1]}: {queues.CONTENT[queue]}",
            f"srectl dlq show {queue}{option}; once the cause is mended: "
            f"srectl dlq redrive {queue}{option}",
        )
    if empty == len(queues.QUEUES):
        yield fine("dead-letter queues", f"all {empty} are empty")


CHECK = Check(
    "dead-letters",
    "the queues of what could not be delivered",
    tuple(
        Grant(
            ("sqs:GetQueueUrl", "sqs:GetQueueAttributes"),
            "arn:{partition}:sqs:{region}:{account}:{prefix}" + name,
        )
        for name in queues.QUEUES.values()
    ),
    look,
)
