"""The benchmark of alert-ingest measures what it says; how fast anything is, no test judges."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.load import bench_ingest

pytestmark = pytest.mark.rie


def test_the_benchmark_prints_every_ratio(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["bench", "--cold-rounds", "1", "--rounds", "1"])
    assert bench_ingest.main() == 0
    printed = capsys.readouterr().out
    for row in (
        "cold start, wall",
        "cold start, CPU",
        "warm CPU, 1 alert ",
        "warm CPU, 50 alerts",
        "warm CPU, 500 alerts",
        "peak memory, 500 alerts",
        "first call, 500 alerts",
        "artifact",
    ):
        assert row in printed


def test_what_cannot_be_measured_is_an_error(tmp_path: Path) -> None:
    bench = bench_ingest.Bench(tmp_path, {"PATH": "/usr/bin:/bin"})
    with pytest.raises(SystemExit, match="alert_ingest"):
        bench.cold("init-handler")
    with pytest.raises(SystemExit, match="failed"):
        bench.run("warm", "no-such-file", "1", "1")


def test_every_run_has_bodies_of_its_own() -> None:
    text = bench_ingest.body_of(3)
    assert text.count("@RUN@") >= 3 * 4
