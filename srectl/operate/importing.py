"""A stack is made of what is there, by an import of CloudFormation."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

from botocore.exceptions import ClientError, WaiterError

from srectl.errors import CommandFailed
from srectl.operate.refusals import calling

__all__ = ["make_stack", "require_free"]

_CHANGE_SET = "adopt"
_WAIT = {"Delay": 2, "MaxAttempts": 150}
#: Nothing is in such a stack any more, or never was; what is kept is not taken away with it.
_DEAD = ("CREATE_FAILED", "ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "DELETE_FAILED")


def make_stack(
    cloudformation: Any,
    stack: str,
    template: dict[str, Any],
    wanted: list[dict[str, Any]],
    values: dict[str, str],
) -> None:
    """Import resources into a stack of their own.

    Parameters
    ----------
    cloudformation
        A client.
    stack
        Its name, which is free.
    template
        What describes them and nothing else.
    wanted
        Each of them, as CreateChangeSet is told.
    values
        Parameters of the template.

    Raises
    ------
    CommandFailed
        Somebody else makes this stack, or CloudFormation refuses.
    """
    arguments = {"StackName": stack, "ChangeSetName": _CHANGE_SET}
    refused = f"what was kept could not be taken into the stack {stack}"
    with calling(refused):
        try:
            cloudformation.create_change_set(
                **arguments,
                ChangeSetType="IMPORT",
                ResourcesToImport=wanted,
                TemplateBody=json.dumps(template),
                Parameters=[
                    {"ParameterKey": name, "ParameterValue": value}
                    for name, value in values.items()
                ],
            )
        except cloudformation.exceptions.AlreadyExistsException:
            raise CommandFailed(
                f"somebody else takes what was kept into the stack {stack}",
                _unless_nobody(stack),
            ) from None
    try:
        waiter = cloudformation.get_waiter("change_set_create_complete")
        waiter.wait(**arguments, WaiterConfig=_WAIT)
    except WaiterError as error:
        # It has nothing in it yet, and would be in the way of another try.
        with suppress(ClientError):
            cloudformation.delete_stack(StackName=stack)
        why = f"{refused}: {_reason(error)}"
        raise CommandFailed(why, "nothing was changed; mend that, then again") from error
    with calling(refused):
        cloudformation.execute_change_set(**arguments)
    try:
        cloudformation.get_waiter("stack_import_complete").wait(StackName=stack, WaiterConfig=_WAIT)
    except WaiterError as error:
        raise CommandFailed(
            f"{refused}: {_reason(error)}",
            f"'aws cloudformation describe-stack-events --stack-name {stack}' says more, and "
            "'srectl adopt' what to do about the stack",
        ) from error


def require_free(cloudformation: Any, stack: str) -> None:
    """See that there is no stack of a name.

    Raises
    ------
    CommandFailed
        There is one, in whatever state.
    """
    with calling(f"stack {stack} could not be looked for"):
        try:
            (found,) = cloudformation.describe_stacks(StackName=stack)["Stacks"]
        except cloudformation.exceptions.ClientError as error:
            if "does not exist" in str(error):
                return
            raise
        status = found["StackStatus"]
        empty = status in _DEAD or (
            status.startswith("IMPORT_ROLLBACK_")
            and not cloudformation.describe_stack_resources(StackName=stack)["StackResources"]
        )
    if status == "REVIEW_IN_PROGRESS":
        raise CommandFailed(
            f"an import into the stack {stack}, or its creation, was begun and not carried out "
            f"({status})",
            _unless_nobody(stack),
        )
    if status.endswith("_IN_PROGRESS"):
        raise CommandFailed(
            f"CloudFormation works on the stack {stack} ({status})",
            f"'aws cloudformation describe-stacks --stack-name {stack}' says when it has ended",
        )
    if empty:
        raise CommandFailed(
            f"the stack {stack} is in {status}",
            f"'sam delete --stack-name {stack}' takes it away; what is kept stays. Then again",
        )
    if status == "IMPORT_COMPLETE":
        raise CommandFailed(
            f"the stack {stack} has taken up what was kept already ({status})",
            "'sam deploy' adds the rest",
        )
    raise CommandFailed(
        f"there is a stack {stack} ({status}), so what it keeps is its own",
        "'sam deploy' updates it; --stack names another",
    )


def _unless_nobody(stack: str) -> str:
    return (
        f"wait for whoever is at it; if nobody is, 'aws cloudformation delete-stack --stack-name "
        f"{stack}' takes it away, which has nothing in it yet. Then again"
    )


def _reason(error: Exception) -> str:
    if isinstance(error, WaiterError) and isinstance(error.last_response, dict):
        answer: Any = error.last_response
        stacks = answer.get("Stacks") or [answer]
        said = [
            stacks[0].get(each) for each in ("StackStatus", "StackStatusReason", "StatusReason")
        ]
        return ": ".join(str(each) for each in said if each) or str(error)
    return str(error)
