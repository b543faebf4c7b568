"""What the schema cannot say of a runbook: whether it could ever do what it is written for.

Each check looks for one way in which a runbook that looks right would never act, act on nothing,
or promise an undo that there is none of. On call at night is the wrong moment to find that out.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from srectl.runbooks.approvers import too_few
from srectl.runbooks.catalogue import Runbook
from srectl.runbooks.conditions import FACTS, impossible
from srectl.runbooks.limits import namespaces_out, severities_out
from srectl.runbooks.own_refusals import needs_of
from srectl.runbooks.parameters import parameter_faults
from srectl.runbooks.places import at
from srectl.runbooks.proof import unaskable, unprovable
from srectl.steps import kinds_of, steps_of, strategy_of

__all__ = ["MACHINE_SECONDS", "Action", "Deployment", "problems"]

# TimeoutSeconds of incident-response-runbook: longer no remediation may take.
MACHINE_SECONDS = 604_800
Found = Iterator[tuple[str, str]]


class Action(Protocol):
    """What must be known of an action of ``runbook_action`` to judge a step that uses it."""

    @property
    def target_kinds(self) -> frozenset[Any]:
        """The kinds of objects it acts on."""

    @property
    def fields(self) -> Mapping[str, Any]:
        """Its parameters, each a ``Field``."""

    @property
    def either(self) -> Sequence[str]:
        """Parameters of which exactly one has to be given."""

    @property
    def asks(self) -> bool:
        """Whether a runbook must have it approved."""

    @property
    def can_undo(self) -> bool:
        """Whether what it did can be taken back."""

    @property
    def lends(self) -> bool:
        """Whether it changes something for a time, which ``restore`` brings back."""


@dataclass(frozen=True)
class Deployment:
    """What a stack's parameters allow, and how long its steps take at most.

    Attributes
    ----------
    severities, namespaces
        EligibleSeverities and AllowedNamespaces.
    action_seconds, stabilization_seconds, verify_seconds, heard_seconds
        ActionTimeoutSeconds, StabilizationSeconds, VerifyTimeoutSeconds and EndHeardSeconds.
    """

    severities: Sequence[str] = ("critical", "warning")
    namespaces: Sequence[str] = ("apps",)
    action_seconds: int = 600
    stabilization_seconds: int = 60
    verify_seconds: int = 300
    heard_seconds: int = 360


def problems(
    runbook: Runbook, actions: Mapping[str, Action] | None, stack: Deployment | None
) -> list[str]:
    """Find what keeps a runbook from doing what it says.

    Parameters
    ----------
    runbook
        One that fits the schema.
    actions
        Registry of ``runbook_action``; None where its code is not at hand, then nothing is said
        about actions.
    stack
        Where it is to be published; None: anywhere, then nothing is said about limits of a stack.
        A disabled runbook is not held to them.

    Returns
    -------
    list of str
        A JSON pointer and a message for each, in the order of the file.
    """
    definition = runbook.definition
    found = [*_names(definition), *_targets(definition), *_order(definition)]
    if not found:  # what follows relies on each step having a target
        found += _conditions(definition, actions)
        if actions is not None:
            found += _of_actions(definition, actions)
        found += unaskable(definition)
        usual = stack or Deployment()
        found += unprovable(definition, usual.stabilization_seconds, usual.verify_seconds)
        found += _time(definition, usual)
        if stack is not None and definition.get("enabled", True):
            found += severities_out(definition, stack.severities)
            found += namespaces_out(definition, stack.namespaces)
    return [f"{pointer}: {text}" for pointer, text in found]


def _names(definition: Mapping[str, Any]) -> Found:
    seen: dict[str, int] = {}
    for step in steps_of(definition):
        name, index = step["name"], step["index"]
        if name in seen:
            yield (
                f"/steps/{index - 1}",
                f"step {index} has the name of step {seen[name]}, {name}: give each its own",
            )
        seen.setdefault(name, index)


def _targets(definition: Mapping[str, Any]) -> Found:
    steps = steps_of(definition)
    for step in steps:
        if step["target"] is None:
            yield (
                at(definition, step),
                f"step {step['name']} has no target, and the runbook has none for its steps",
            )
    used = any("target" not in step for step in definition.get("steps", [{}]))
    if "target" in definition and not used:
        yield "/target", "each step has a target of its own: this one is never used"


def _order(definition: Mapping[str, Any]) -> Found:
    steps = steps_of(definition)
    same: dict[str, str] = {}
    for step in steps:
        what = repr((step["action"], step["target"], sorted(step["parameters"].items(), key=str)))
        if what in same and not step["when"]:
            yield (
                at(definition, step),
                f"does to the same target what step {same[what]} did already: it would do again "
                f"what did not help, or nothing. Give it a condition (when), or leave it out",
            )
        same.setdefault(what, step["name"])
    if strategy_of(definition) == "sequence":
        for step in steps[:-1]:
            if step["verify_seconds"] is not None:
                yield (
                    at(definition, step, "verify_seconds"),
                    "a sequence looks whether it helped after its last step only: put it there",
                )


def _conditions(definition: Mapping[str, Any], actions: Mapping[str, Action] | None) -> Found:
    for step in steps_of(definition):
        kinds = frozenset(kinds_of(step["target"]))
        if actions is not None and step["action"] in actions:
            kinds = (kinds & actions[step["action"]].target_kinds) or kinds
        for index, condition in enumerate(step["when"]):
            if condition["fact"].startswith("check") and step["action"] != "invoke_check":
                yield (
                    f"{at(definition, step)}/when/{index}",
                    f"this step can never run: {condition['fact']} is known of invoke_check only",
                )
        faults = list(impossible(step["when"], kinds))
        for index, text in faults:
            yield f"{at(definition, step)}/when/{index}", f"this step can never run: {text}"
        if not faults:
            for place, text in _excluded(step, kinds):
                yield f"{at(definition, step)}{place}", f"this step can never run: {text}"


def _excluded(step: Mapping[str, Any], kinds: frozenset[str]) -> Found:
    """Where the conditions or the limits of a step exclude what its action needs."""
    when = step["when"]
    needs = [
        each
        for each in needs_of(step["action"], step["parameters"], when)
        if FACTS[each[0]["fact"]].kinds & kinds
    ]
    for need, why in needs:
        mine = [index for index, each in enumerate(when) if each["fact"] == need["fact"]]
        others = [each for each, _ in needs if each["fact"] == need["fact"]]
        if mine and any(impossible([*when, need], kinds)):
            yield (
                f"/when/{mine[-1]}",
                f"{step['action']} refuses it, {why}: change the one or the other",
            )
        elif not mine and need is others[-1] and any(impossible(others, kinds)):
            yield "/parameters", f"{step['action']} refuses it, {why}: change the limit"


def _of_actions(definition: Mapping[str, Any], actions: Mapping[str, Action]) -> Found:
    lends = False
    for step in steps_of(definition):
        name = step["action"]
        action = actions.get(name)
        if action is None:
            yield at(definition, step, "action"), f"there is no action {name}"
            continue
        kinds = frozenset(kinds_of(step["target"]))
        if not kinds & action.target_kinds:
            yield (
                at(definition, step, "target"),
                f"{name} acts on {_listed(action.target_kinds)}, not on {_listed(kinds)}",
            )
        place = at(definition, step, "parameters")
        for name_of, fault in parameter_faults(step, action.fields, action.either):
            yield f"{place}/{name_of}" if name_of else place, fault
        if step["on_failure"] == "undo" and not action.can_undo:
            yield (
                at(definition, step, "on_failure"),
                f"what {name} does cannot be undone: say 'on_failure: keep'",
            )
        if action.asks and not step["approval"]["required"]:
            yield (
                at(definition, step, "approval"),
                f"{name} cannot be taken back, so it has to ask: say 'approval: "
                f"{{required: true}}'",
            )
        if too_few(step["approval"]):
            yield (
                f"{at(definition, step, 'approval')}/persons",
                "its approvers are one person, so nobody could ever be the second",
            )
        lends = lends or action.lends
    if "restore" in definition and not lends:
        yield (
            "/restore",
            "nothing that it does is for a time only, so there is nothing to bring back",
        )


def _time(definition: Mapping[str, Any], stack: Deployment) -> Found:
    seconds = 0
    for step in steps_of(definition):
        approval = step["approval"]
        seconds += approval["timeout_seconds"] if approval["required"] else 0
        # Each action may take its time twice: once to be done, once to be undone.
        seconds += 2 * stack.action_seconds + stack.stabilization_seconds
        seconds += (step["verify_seconds"] or stack.verify_seconds) + stack.heard_seconds
    if seconds > MACHINE_SECONDS:
        yield (
            "/steps" if "steps" in definition else "/approval",
            f"its approvals and verifications may take {seconds} seconds in all, and a "
            f"remediation ends after {MACHINE_SECONDS}: shorten them",
        )


def _listed(kinds: frozenset[Any]) -> str:
    return " or ".join(f"a {kind}" for kind in sorted(kinds))
