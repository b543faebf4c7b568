"""A stack is made of what is there, or it is said what is in the way; nothing is half-made."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError, WaiterError

from srectl.errors import CommandFailed
from srectl.operate import importing


class AlreadyThere(ClientError):
    """What CloudFormation says of a second change set of one name."""


class Stacks:
    """Stands for CloudFormation."""

    class exceptions:  # noqa: N801 - as boto3 calls it
        ClientError = ClientError
        AlreadyExistsException = AlreadyThere

    def __init__(self, status: str = "", resources: int = 0) -> None:
        self.status, self.resources = status, resources
        self.did: list[str] = []
        self.refusing: dict[str, Exception] = {}

    def describe_stacks(self, StackName: str) -> dict[str, Any]:  # noqa: N803 - boto3's name
        if not self.status:
            said = f"Stack with id {StackName} does not exist"
            raise ClientError({"Error": {"Code": "ValidationError", "Message": said}}, "x")
        return {"Stacks": [{"StackStatus": self.status}]}

    def describe_stack_resources(self, StackName: str) -> dict[str, Any]:  # noqa: N803
        return {"StackResources": [{}] * self.resources}

    def _do(self, what: str) -> None:
        self.did.append(what)
        if what in self.refusing:
            raise self.refusing[what]

    def create_change_set(self, **_: Any) -> None:
        self._do("create")

    def execute_change_set(self, **_: Any) -> None:
        self._do("execute")

    def delete_stack(self, **_: Any) -> None:
        self._do("delete")

    def get_waiter(self, name: str) -> Any:
        stacks = self

        class Waiter:
            def wait(self, **_: Any) -> None:
                stacks._do(name)

        return Waiter()


def make(stacks: Stacks) -> None:
    importing.require_free(stacks, "s")
    importing.make_stack(stacks, "s", {"Resources": {}}, [], {})


def test_it_is_described_looked_at_and_done() -> None:
    stacks = Stacks()
    make(stacks)
    assert stacks.did == [
        "create",
        "change_set_create_complete",
        "execute",
        "stack_import_complete",
    ]


@pytest.mark.parametrize(
    ("status", "resources", "said", "hint"),
    [
        ("REVIEW_IN_PROGRESS", 0, "was begun and not carried out", "delete-stack"),
        ("IMPORT_IN_PROGRESS", 0, "CloudFormation works on", "when it has ended"),
        ("IMPORT_ROLLBACK_COMPLETE", 0, "is in IMPORT_ROLLBACK_COMPLETE", "sam delete"),
        ("IMPORT_ROLLBACK_COMPLETE", 9, "there is a stack", "sam deploy"),
        ("ROLLBACK_COMPLETE", 0, "is in ROLLBACK_COMPLETE", "sam delete"),
        ("IMPORT_COMPLETE", 9, "has taken up what was kept already", "adds the rest"),
        ("UPDATE_COMPLETE", 9, "there is a stack", "updates it"),
    ],
)
def test_a_stack_that_is_in_the_way_is_told_with_what_helps(
    status: str, resources: int, said: str, hint: str
) -> None:
    stacks = Stacks(status, resources)
    with pytest.raises(CommandFailed, match=said) as caught:
        make(stacks)
    assert hint in caught.value.hint
    assert stacks.did == []


def test_of_two_at_once_one_is_told_and_takes_nothing_away() -> None:
    stacks = Stacks()
    stacks.refusing = {"create": AlreadyThere({"Error": {"Code": "AlreadyExistsException"}}, "x")}
    with pytest.raises(CommandFailed, match="somebody else takes"):
        make(stacks)
    assert stacks.did == ["create"]


def test_what_is_refused_leaves_no_stack_that_is_in_the_way_of_the_next_try() -> None:
    stacks = Stacks()
    answer: Any = {"Status": "FAILED", "StatusReason": "sre-runbooks belongs to a stack"}
    stacks.refusing = {"change_set_create_complete": WaiterError("w", "failed", answer)}
    with pytest.raises(CommandFailed, match="sre-runbooks belongs to a stack"):
        make(stacks)
    assert stacks.did == ["create", "change_set_create_complete", "delete"]


def test_who_may_not_import_is_told_so_in_one_line() -> None:
    stacks = Stacks()
    denied: Any = {"Error": {"Code": "AccessDenied", "Message": "not authorized"}}
    stacks.refusing = {"create": ClientError(denied, "CreateChangeSet")}
    with pytest.raises(CommandFailed, match=r"could not be taken into the stack s.*not auth"):
        make(stacks)


def test_an_import_that_is_taken_back_is_told_with_its_state() -> None:
    stacks = Stacks()
    answer: Any = {
        "Stacks": [{"StackStatus": "IMPORT_ROLLBACK_COMPLETE", "StackStatusReason": "no"}]
    }
    stacks.refusing = {"stack_import_complete": WaiterError("w", "failed", answer)}
    with pytest.raises(CommandFailed, match="IMPORT_ROLLBACK_COMPLETE: no"):
        make(stacks)
    assert "delete" not in stacks.did
