"""Was it really repaired, and by the platform? Judged from what was measured."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from onemachine.demo.milestones import ACTION

__all__ = ["Check", "Evidence", "judge"]

_BROKEN_RATIO = 0.05  # the alert's threshold: more than this is a broken service
_RECOVERED_SHARE = 0.5  # "really fell": to less than this share of the worst


@dataclass(frozen=True)
class Evidence:
    """What was measured.

    Parameters
    ----------
    record : mapping
        The incident record at the end.
    pods_before, pods_after : mapping
        Pod name → UID.
    ratio_before, ratio_peak, ratio_after : float or None
        Share of failed checkouts before the fault, at the worst, and at the end.
    """

    record: Mapping[str, Any]
    pods_before: Mapping[str, str]
    pods_after: Mapping[str, str]
    ratio_before: float | None
    ratio_peak: float | None
    ratio_after: float | None


@dataclass(frozen=True)
class Check:
    """One claim and whether it holds."""

    name: str
    passed: bool
    detail: str


def judge(evidence: Evidence) -> Sequence[Check]:
    """Check every claim of the demonstration."""
    record = evidence.record
    status = str(record.get("status"))
    actions = [
        f"{each.get('action')}:{each.get('operation')} {each.get('status')}"
        for each in record.get("actions_taken") or []
    ]
    kept = set(evidence.pods_before.values()) & set(evidence.pods_after.values())
    return (
        Check("the record says resolved", status == "resolved", f"status is {status}"),
        Check(
            f"{ACTION} is in actions_taken",
            f"{ACTION}:execute succeeded" in actions,
            "; ".join(actions) or "no action was recorded",
        ),
        Check(
            "the record has an MTTR",
            isinstance(record.get("mttr_seconds"), int | float),
            f"{record.get('mttr_seconds')} s",
        ),
        Check(
            "every pod was replaced",
            bool(evidence.pods_after)
            and not kept
            and len(evidence.pods_after) == len(evidence.pods_before),
            f"{len(evidence.pods_before)} before, {len(evidence.pods_after)} after, "
            f"{len(kept)} of them the same",
        ),
        _ratio_check(evidence),
    )


def _ratio_check(evidence: Evidence) -> Check:
    before, peak, after = evidence.ratio_before, evidence.ratio_peak, evidence.ratio_after
    detail = " → ".join(
        "unknown" if each is None else f"{each:.1%}" for each in (before, peak, after)
    )
    measured = before is not None and peak is not None and after is not None
    fell = measured and (
        before < _BROKEN_RATIO < peak  # type: ignore[operator] # none of them is None here
        and after < min(_BROKEN_RATIO, peak * _RECOVERED_SHARE)  # type: ignore[operator]
    )
    return Check("the error ratio rose and really fell", bool(fell), detail)
