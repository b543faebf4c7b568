"""``invoke_check``: ask a check of the team's own, a Lambda or an HTTPS address of the allow-list.

It answers ``{"healthy": true, "facts": {"queue_depth": 7}}``. A plan knows it as the facts
``check`` (true) and ``check.queue_depth``, for the conditions of the step; ``healthy`` is the
verdict of ``verify``. A check changes nothing here, and is asked anew each time.

The answer is somebody else's: it is bounded, only plain values of it are taken, and anything else
is refused.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import get_args

from runbook_action.actions.base import Defaults
from runbook_action.errors import ActionRefused, StateUnknown
from runbook_action.fields import Field, TextField
from runbook_action.outcome import Outcome
from runbook_action.ports import Right, Services
from runbook_action.request import Request, TargetKind

Fact = bool | int | float | str
MOST_FACTS = 20
LONGEST_TEXT = 200
_FACT = re.compile(r"[a-z][a-z0-9_]{0,62}")


@dataclass(frozen=True)
class Answer:
    """What a check said, as far as it is taken."""

    healthy: bool
    facts: Mapping[str, Fact]


@dataclass(frozen=True)
class InvokeCheck(Defaults):
    """Ask, and believe what was said within bounds."""

    name: str = "invoke_check"

    @property
    def target_kinds(self) -> frozenset[TargetKind]:
        """Any: the check is told of it."""
        return frozenset(get_args(TargetKind))

    @property
    def rights(self) -> Mapping[TargetKind, Sequence[Right]]:
        """None: it does not look at the cluster."""
        return {}

    @property
    def aws_rights(self) -> Sequence[str]:
        """A check may be a Lambda."""
        return ("lambda:InvokeFunction",)

    @property
    def fields(self) -> Mapping[str, Field]:
        """Its name on the allow-list."""
        return {"check": TextField(64, required=True)}

    @property
    def changes(self) -> bool:
        """No: it asks."""
        return False

    def plan(self, request: Request, services: Services) -> Outcome:
        """Ask, for the facts."""
        return _asked(request, services)

    def execute(self, request: Request, services: Services) -> Outcome:
        """Ask; nothing is changed by it."""
        return _asked(request, services)

    def verify(self, request: Request, services: Services) -> Outcome:
        """Healthy: the check says so."""
        answer = _ask(request, services)
        check = request.parameters["check"]
        return Outcome(
            "succeeded" if answer.healthy else "unhealthy",
            f"check {check} finds {request.target} {'' if answer.healthy else 'not '}healthy.",
            details={"facts": dict(answer.facts)},
            healthy=answer.healthy,
        )

    def undo(self, request: Request, services: Services) -> Outcome:  # noqa: ARG002 - needs neither
        """Nothing was changed."""
        return Outcome("unchanged", "a check changes nothing, so there is nothing to undo.")


def _asked(request: Request, services: Services) -> Outcome:
    answer = _ask(request, services)
    return Outcome(
        "unchanged",
        f"change nothing: check {request.parameters['check']} finds {request.target} "
        f"{'' if answer.healthy else 'not '}healthy.",
        details={"healthy": answer.healthy, "facts": dict(answer.facts)},
        facts={
            "check": answer.healthy,
            **{f"check.{name}": value for name, value in answer.facts.items()},
        },
    )


def _ask(request: Request, services: Services) -> Answer:
    check, checks = str(request.parameters["check"]), services.checks
    if checks is None or check not in checks.names:
        known = sorted(checks.names) if checks else []
        raise ActionRefused(
            f"check {check} is not on the deployment's list ({', '.join(known) or 'it is empty'}). "
            f"The stack's parameters CheckFunctionArns and CheckUrls add one."
        )
    return _read(checks.ask(check, request.target.to_json()), check)


def _read(said: object, check: str) -> Answer:
    if not isinstance(said, Mapping) or not isinstance(said.get("healthy"), bool):
        raise StateUnknown(
            f'check {check} did not answer {{"healthy": true or false, "facts": {{…}}}}: what it '
            f"said is not used."
        )
    facts = said.get("facts") or {}
    if not isinstance(facts, Mapping) or len(facts) > MOST_FACTS:
        raise StateUnknown(f"the facts of check {check} are no object of up to {MOST_FACTS}.")
    for name, value in facts.items():
        if not isinstance(name, str) or not _FACT.fullmatch(name) or not _is_plain(value):
            raise StateUnknown(
                f"fact {str(name)[:LONGEST_TEXT]!r} of check {check} is not a small letter word "
                f"with a number, true, false or a text of up to {LONGEST_TEXT} characters."
            )
    return Answer(said["healthy"], dict(facts))


def _is_plain(value: object) -> bool:
    if isinstance(value, str):
        return len(value) <= LONGEST_TEXT and value.isprintable()
    if isinstance(value, float):
        return value == value and abs(value) != float("inf")
    return isinstance(value, bool | int)


ACTION = InvokeCheck()
