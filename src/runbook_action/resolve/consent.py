"""Whether the owners of an object let the platform repair it."""

from __future__ import annotations

from collections.abc import Sequence

from runbook_action.errors import ActionRefused
from runbook_action.objects import KubernetesObject
from runbook_action.resolve.owners import name_of

ANNOTATION = "sre-platform/remediation"


def refuse_without_consent(objects: Sequence[KubernetesObject], *, only_annotated: bool) -> None:
    """Stop where an annotation says so, or where one that must be there is missing.

    Parameters
    ----------
    objects
        The target, what it belongs to or governs (``kin.kin_of``), and its namespace: any of them
        may refuse, also by the template of its pods.
    only_annotated
        Whether an annotation is needed (stack parameter RemediateOnlyAnnotated).

    Raises
    ------
    ActionRefused
        If one of them refuses, if an annotation is neither ``on`` nor ``off``, or if one is needed
        and none is there.
    """
    for each in objects:
        for value in _answers(each):
            if value == "off":
                raise ActionRefused(
                    f"{name_of(each)} refuses automatic remediation (annotation {ANNOTATION}: "
                    f'"off"): a human has to act'
                )
            if value != "on":
                # Somebody meant something by it. In doubt nothing acts.
                raise ActionRefused(
                    f'annotation {ANNOTATION} of {name_of(each)} must be "on" or "off", not '
                    f"{str(value)[:80]!r}"
                )
    if only_annotated and not any("on" in _answers(each) for each in objects):
        raise ActionRefused(
            f'{name_of(objects[0])} is not annotated with {ANNOTATION}: "on", and this platform '
            f"acts on nothing else (stack parameter RemediateOnlyAnnotated)"
        )


def _answers(found: KubernetesObject) -> Sequence[object]:
    """What it says itself, and what its pods say: charts often annotate only these."""
    job = (found.spec.get("jobTemplate") or {}).get("spec") or {}  # of a CronJob
    template = found.spec.get("template") or job.get("template") or {}
    said = (found.metadata, template.get("metadata") or {})
    annotations = [each.get("annotations") or {} for each in said]
    return [each[ANNOTATION] for each in annotations if ANNOTATION in each]
