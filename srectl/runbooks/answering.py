"""What the catalogue answers to each alert of a list, and the page of the docs that says so."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from srectl.runbooks.answers import EvidenceOnly
from srectl.runbooks.catalogue import Catalogue, Runbook
from srectl.steps import kinds_of, steps_of

__all__ = ["NOTHING", "Alert", "Answer", "ListInvalid", "alerts_of", "answers_to", "page"]

#: The answer of an alert that the catalogue does not know, or not at each of its severities.
NOTHING = "nothing"


class ListInvalid(Exception):
    """A list of alerts cannot be read; the message says what is wrong with it."""


@dataclass(frozen=True)
class Alert:
    """An alert of a list, with the severities of all its rules, the worst first."""

    name: str
    severities: Sequence[str]


@dataclass(frozen=True)
class Answer:
    """What becomes of an alert.

    Attributes
    ----------
    answer
        "acts", "asks", "evidence only" or "nothing".
    runbook
        Name of the runbook that acts or asks; else empty.
    why
        Why none does, or what is missing; else what the runbook does.
    """

    alert: str
    severities: Sequence[str]
    answer: str
    runbook: str
    why: str


def alerts_of(file: Path) -> list[Alert]:
    """Read a list of alerts: CSV with the columns ``alert`` and ``severity``, a line for each rule.

    Raises
    ------
    ListInvalid
        It cannot be read, or has not these columns.
    """
    try:
        lines = [line for line in file.read_text("utf-8").splitlines() if not line.startswith("#")]
    except (OSError, UnicodeDecodeError) as error:
        raise ListInvalid(f"{file} cannot be read: {error}") from error
    rows = csv.DictReader(lines)
    if not {"alert", "severity"} <= set(rows.fieldnames or ()):
        raise ListInvalid(f"{file} has no line with the columns alert and severity")
    found: dict[str, list[str]] = {}
    for row in rows:
        found.setdefault(row["alert"], []).append(row["severity"])
    order = ("critical", "warning", "info", "none")
    return [
        Alert(name, sorted(set(words), key=lambda word: (*order, word).index(word)))
        for name, words in found.items()
    ]


def answers_to(alerts: Iterable[Alert], catalogue: Catalogue) -> list[Answer]:
    """Give the answer to each alert, in the order of the list."""
    by_runbook = {key: one for one in catalogue.runbooks for key in (one.name, *one.answers)}
    evidence = {one.alert: one for one in catalogue.evidence_only}
    return [_answer(each, by_runbook.get(each.name), evidence.get(each.name)) for each in alerts]


def _answer(alert: Alert, runbook: Runbook | None, evidence: EvidenceOnly | None) -> Answer:
    if evidence is not None:
        return Answer(alert.name, alert.severities, "evidence only", "", evidence.why)
    if runbook is None:
        why = "the catalogue does not know it"
        return Answer(alert.name, alert.severities, NOTHING, "", why)
    definition = runbook.definition
    without = [each for each in alert.severities if each not in definition["severities"]]
    if definition.get("enabled") is False or without:
        why = "it is disabled" if not without else f"it is not for {' and '.join(without)}"
        return Answer(alert.name, alert.severities, NOTHING, runbook.name, why)
    return Answer(alert.name, alert.severities, _kind(definition), runbook.name, runbook.actions())


def _kind(definition: Mapping[str, Any]) -> str:
    """Tell whether a runbook acts by itself, or only what a human has said yes to."""
    return "asks" if all(step["approval"]["required"] for step in steps_of(definition)) else "acts"


_HEAD = """\
# What becomes of the alerts of kube-prometheus-stack

<!-- Made by 'make answers' from runbooks/kubernetes/: do not edit. -->

Each alert that the chart brings along has an answer from the first day. **acts**: a runbook
repairs, within its guard, and takes back what did not help. **asks**: it does so once a human has
said yes to its plan. **evidence only**: no runbook acts, for the reason that stands here;
`srectl show` says it of an incident, too. A human is called where the severity may wake one.
Nothing acts on the control plane, on etcd or on the monitoring itself.

All of these runbooks are published in mode `observe`: they record what they would do and call a
human. Switch one on when you have seen enough of that, and off again the same way:

```sh
srectl runbooks enable RollBackYoungRollout
srectl runbooks disable RollBackYoungRollout
```

They act in the namespaces of `AllowedNamespaces` only, and on the object that the alert names.
Those on nodes and volumes need the opt-in ClusterRole of `eks/apps/node-remediation` besides.
"""


def _others(catalogue: Catalogue, answers: Sequence[Answer]) -> str:
    """Name the alerts that the catalogue knows besides, so that two numbers do not contradict."""
    listed = {each.alert for each in answers}
    others = sorted(one.alert for one in catalogue.evidence_only if one.alert not in listed)
    if not others:
        return ""
    return (
        f" `srectl runbooks list` counts {len(others)} more with evidence only, of rules that the "
        f"chart does not install by default: {', '.join(others)}."
    )


def page(catalogue: Catalogue, answers: Sequence[Answer]) -> str:
    """Give docs/alerts.md, which a test keeps equal to this."""
    used = {each.runbook for each in answers if each.runbook}
    return "\n".join(
        [
            _HEAD,
            "## The runbooks\n",
            "| runbook | answer | does | on | only if | taken back | at most |",
            "|---|---|---|---|---|---|---|",
            *(_row(one) for one in catalogue.runbooks if one.name in used),
            "\n## The alerts\n",
            f"{_counted(answers)}{_others(catalogue, answers)}\n",
            "| alert | severity | answer | runbook, or why there is none |",
            "|---|---|---|---|",
            *(
                f"| {each.alert} | {', '.join(each.severities)} | {each.answer} | "
                f"{each.runbook if each.answer in ('acts', 'asks') else each.why} |"
                for each in answers
            ),
            "",
        ]
    )


def _counted(answers: Sequence[Answer]) -> str:
    kinds = [each.answer for each in answers]
    told = ", ".join(
        f"{kinds.count(kind)} {kind}"
        for kind in ("acts", "asks", "evidence only", NOTHING)
        if kind in kinds
    )
    return f"{len(answers)} alerts: {told}."


def _row(runbook: Runbook) -> str:
    definition = runbook.definition
    steps = steps_of(definition)
    conditions = [_spoken(each) for step in steps for each in step["when"]]
    on = dict.fromkeys(kind for step in steps for kind in kinds_of(step["target"]))
    guard = definition["guard"]
    cells = (
        runbook.name,
        _kind(definition),
        runbook.actions(),
        ", ".join(on),
        "; ".join(conditions) or "always",
        ", ".join(_taken_back(definition, steps)) or "never",
        f"{guard['max_actions']} in {guard['window_seconds']} s, "
        f"{guard['cooldown_seconds']} s apart",
    )
    return f"| {' | '.join(cells)} |"


def _taken_back(definition: Mapping[str, Any], steps: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    if any(step["on_failure"] == "undo" for step in steps):
        yield "where it did not help"
    if "restore" in definition:
        yield f"{definition['restore']['after_seconds']} s after the incident"


def _spoken(condition: Mapping[str, Any]) -> str:
    (comparison,) = set(condition) - {"fact"}
    return f"{condition['fact']} {comparison.replace('_', ' ')} {condition[comparison]}"
