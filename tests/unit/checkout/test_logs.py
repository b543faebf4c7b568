"""One line is one JSON object, and nothing from outside can forge another."""

from __future__ import annotations

import json

import pytest

from tests.unit.checkout.support import Start


def test_a_request_is_one_line_with_its_id(
    start: Start, capsys: pytest.CaptureFixture[str]
) -> None:
    client = start()
    capsys.readouterr()
    client.get("/checkout", headers={"X-Request-Id": "trace-1"})
    (line,) = capsys.readouterr().out.splitlines()
    entry = json.loads(line)
    assert (entry["request_id"], entry["path"], entry["status"]) == ("trace-1", "/checkout", 200)


def test_a_line_break_in_a_path_stays_in_its_line(
    start: Start, capsys: pytest.CaptureFixture[str]
) -> None:
    client = start()
    capsys.readouterr()
    client.get('/x%0a{"level": "INFO"}')
    (line,) = capsys.readouterr().out.splitlines()
    assert json.loads(line)["path"] == '/x\n{"level": "INFO"}'


def test_probes_are_not_logged(start: Start, capsys: pytest.CaptureFixture[str]) -> None:
    client = start()
    capsys.readouterr()
    client.get("/healthz")
    client.get("/metrics")
    assert capsys.readouterr().out == ""
