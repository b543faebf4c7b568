"""A Prometheus whose answers are written down, in the shape of its HTTP API."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from runbook_action.prometheus.port import Unanswered
from runbook_action.prometheus.reader import Reader

NOW = 1_795_446_892.0  # as FakeClock has it, 2026-11-23 15:14:52
LABELS = {
    "alertname": "CheckoutHighErrorRate",
    "namespace": "apps",
    "deployment": "checkout",
    "severity": "critical",
}


@dataclass
class Canned:
    """Answers by path; each may be a body, bytes, a status with a body, or an error to raise."""

    answers: dict[str, Any] = field(default_factory=dict)
    asked: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    place = "the canned Prometheus"

    def get(
        self, path: str, query: Sequence[tuple[str, str]], most_bytes: int, seconds: float
    ) -> tuple[int, bytes]:
        self.asked.append((path, dict(query)))
        answer = self.answers[path]
        if callable(answer):
            answer = answer(dict(query))
        if isinstance(answer, Unanswered):
            raise answer
        status, body = answer if isinstance(answer, tuple) else (200, answer)
        return status, body if isinstance(body, bytes) else json.dumps(body).encode()

    @property
    def reader(self) -> Reader:
        return Reader(self)


def matrix(*series: tuple[Mapping[str, str], Sequence[float | str]]) -> Callable[..., Any]:
    """The range answer with these values at the times that were asked for, the last one last."""

    def answer(query: Mapping[str, str]) -> dict[str, Any]:
        end, step = float(query["end"]), float(query["step"])
        found = []
        for labels, values in series:
            first = end - step * (len(values) - 1)
            points = [[first + step * n, str(value)] for n, value in enumerate(values)]
            found.append({"metric": dict(labels), "values": points})
        return {"status": "success", "data": {"resultType": "matrix", "result": found}}

    return answer


def rules(*alerts: Mapping[str, Any], **changes: Any) -> dict[str, Any]:
    """The answer about one rule, with its active alerts."""
    rule = {
        "type": "alerting",
        "name": LABELS["alertname"],
        "query": "errors > 0.05",
        "labels": {"severity": "critical"},
        "health": "ok",
        "lastEvaluation": "2026-11-23T15:14:40.123456789Z",
        "alerts": list(alerts),
        **changes,
    }
    group = {"name": "checkout", "file": "rules.yaml", "interval": 15, "rules": [rule]}
    return {"status": "success", "data": {"groups": [group]}}


def active(state: str = "firing", **labels: str) -> dict[str, Any]:
    """One active alert of it."""
    return {"labels": {**LABELS, **labels}, "state": state, "activeAt": "", "value": "1"}
