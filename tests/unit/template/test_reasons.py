"""docs/operations.md says of every reason why a human is called what he is to do."""

from __future__ import annotations

import re

from runbook_action import errors
from tests.support.template import ROOT

_CODE = re.compile(r"'?\b(?:reason_)?code'?: *'?([a-z]+(?:-[a-z]+)*)\b'?(?=[,}\s])")
# Of errors, and of what a step was doing when it failed.
_CODES = re.compile(r"\$codes := \{(.*?)\}", re.DOTALL)
_LAST = re.compile(r"'(action-timeout|approval-denied)'")


def codes() -> set[str]:
    """Give every code with which a machine escalates or ends."""
    found: set[str] = set()
    for file in sorted((ROOT / "statemachine").glob("*.asl.yaml")):
        if file.name.startswith("platform-canary"):  # the heartbeat's own, which calls nobody
            continue
        text = file.read_text("utf-8")
        found |= set(_CODE.findall(text)) | set(_LAST.findall(text))
        for mapping in _CODES.findall(text):
            found |= set(re.findall(r": '([a-z-]+)'", mapping))
            found |= set(re.findall(r": '([a-z]+-failed)'", text))
        if "& '-failed'" in text:  # state of remediation-step in which it failed
            found |= {"plan-failed", "action-failed", "undo-failed"}
    return found


def table() -> str:
    """Give the table of reasons in the guide for the night."""
    guide = (ROOT / "docs/operations.md").read_text("utf-8")
    return guide.partition("| reason | what to do |")[2].partition("\n\n")[0]


def test_every_code_of_a_reason_is_in_the_table() -> None:
    found = codes()
    assert {"flood", "target-not-found", "runbook-stopped", "end-not-heard"} <= found
    assert {each for each in found if f"`{each}`" not in table()} == set()


def test_every_error_of_an_action_is_in_the_table() -> None:
    names = {
        name
        for name, each in vars(errors).items()
        if isinstance(each, type)
        and issubclass(each, errors.RunbookActionError)
        and not each.__subclasses__()
    }
    assert {"TargetNotFound", "AccessDenied", "RolloutFailed"} <= names
    assert {each for each in names if f"`{each}`" not in table()} == set()
