"""What a check is, and how the examination goes on when one cannot look."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from botocore.exceptions import BotoCoreError, ClientError

from srectl.errors import CommandFailed
from srectl.operate.doctor.deployment import Deployment
from srectl.operate.doctor.finding import Finding, not_checked
from srectl.operate.refusals import explained

__all__ = ["OF_THE_STACK", "TEMPLATE", "Check", "Grant", "examine"]

# What an answer that is not as documented makes of code that reads it.
_ODD = (AttributeError, IndexError, KeyError, TypeError, ValueError)


@dataclass(frozen=True)
class Grant:
    """Rights of IAM on one sort of resource.

    Attributes
    ----------
    actions
        As IAM spells them: ``cloudwatch:DescribeAlarms``.
    resource
        Its ARN, with ``{partition}``, ``{region}``, ``{account}``, ``{prefix}`` and ``{stack}`` in
        it; ``*`` for what has no resources to name.
    """

    actions: tuple[str, ...]
    resource: str = "*"


#: What ``Deployment`` needs to know the stack: every check may use it.
OF_THE_STACK = Grant(
    (
        "cloudformation:DescribeStacks",
        "cloudformation:DescribeStackResources",
        "cloudformation:ListStackResources",
    ),
    "arn:{partition}:cloudformation:{region}:{account}:stack/{stack}/*",
)


#: What ``Deployment.template`` needs.
TEMPLATE = Grant(("cloudformation:GetTemplate",), OF_THE_STACK.resource)


@dataclass(frozen=True)
class Check:
    """One question to a deployment.

    Attributes
    ----------
    name
        What it is called in the output and after ``--only``.
    about
        What it looks at, in a line.
    grants
        What it needs of IAM besides ``OF_THE_STACK``.
    look
        Looks, and gives what it found: at least one finding.
    """

    name: str
    about: str
    grants: Sequence[Grant]
    look: Callable[[Deployment], Iterable[Finding]]


def examine(deployment: Deployment, checks: Iterable[Check]) -> Iterator[Finding]:
    """Run checks, one after the other; what one of them cannot see is a finding, too.

    Parameters
    ----------
    deployment
        What is examined.
    checks
        In the order in which they are to be read.
    """
    for check in checks:
        found = 0
        for finding in _looked(deployment, check):
            found += 1
            yield replace(finding, check=check.name)
        if not found:
            why = "the check gave no answer, which is a fault of srectl"
            yield replace(not_checked(check.name, why, "report it"), check=check.name)


def _looked(deployment: Deployment, check: Check) -> Iterator[Finding]:
    try:
        yield from check.look(deployment)
    except CommandFailed as error:
        lacks = isinstance(error.__cause__, ClientError) and _is_denied(error.__cause__)
        then = _rights(check) if lacks or not error.hint else error.hint
        yield not_checked(check.name, error.message, then)
    except ClientError as error:
        known = explained("AWS refused", error)
        yield not_checked(check.name, known.message, _rights(check))
    except (BotoCoreError, OSError) as error:
        known = explained("AWS was not asked", error)
        yield not_checked(check.name, known.message, known.hint)
    except _ODD as error:
        why = f"an answer could not be read ({type(error).__name__}: {error})"
        yield not_checked(
            check.name,
            why,
            f"report it, with what 'srectl doctor --only {check.name} --output json' prints",
        )


def _is_denied(error: ClientError) -> bool:
    code = str(error.response.get("Error", {}).get("Code"))
    return "AccessDenied" in code or "AuthorizationError" in code or code == "Forbidden"


def _rights(check: Check) -> str:
    grants = (*check.grants, OF_THE_STACK)
    actions = ", ".join(dict.fromkeys(action for grant in grants for action in grant.actions))
    return f"this check needs {actions}; 'srectl doctor --policy' prints a policy for all"
