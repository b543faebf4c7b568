"""A start without an order that was answered well says what became of them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from onemachine.processes.errors import StartFailed
from onemachine.traffic.tally import OUTCOMES
from onemachine.traffic.traffic import Traffic


@pytest.mark.parametrize(
    ("counts", "said"),
    [
        ({}, "none was sent: is the machine busy?"),
        (
            {"error": 3, "not_sent": 1},
            r"of 4 orders none was answered well \(error: 3, not sent: 1",
        ),
    ],
)
def test_the_orders_until_then_are_told(tmp_path: Path, counts: dict[str, int], said: str) -> None:
    traffic = Traffic(tmp_path / "kubeconfig", tmp_path / "traffic.jsonl")
    second = dict.fromkeys(OUTCOMES, 0) | counts
    traffic.output.write_text(json.dumps(second) + "\n", "utf-8")
    with pytest.raises(StartFailed, match=said):
        traffic.wait_ready(timeout_seconds=0)
