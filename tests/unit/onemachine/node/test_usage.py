"""The CPU of containers: what their processes used, the ended ones included."""

from __future__ import annotations

import os
import subprocess
import time
from pathlib import Path

from onemachine.node.usage import CpuUsage, cpu_by_session, exposition
from onemachine.processes.waiting import wait_until

# A child computes and ends, then its parent waits: what it used must not be lost with it.
_BURNS = "sh -c 'i=0; while [ $i -lt 200000 ]; do i=$((i+1)); done'; exec sleep 60"


def test_what_a_child_used_is_counted_to_its_session_after_its_end() -> None:
    with subprocess.Popen(["sh", "-c", _BURNS], start_new_session=True) as process:
        try:
            children = Path(f"/proc/{process.pid}/cmdline")
            wait_until(lambda: b"sleep" in children.read_bytes()[:6], "the child to have ended", 30)
            assert cpu_by_session()[process.pid] > 0.02
        finally:
            process.kill()


def test_the_times_are_read_behind_any_name(tmp_path: Path) -> None:
    (tmp_path / "7").mkdir()
    ticks = os.sysconf("SC_CLK_TCK")
    fields = ["S", "1", "7", "7", *["0"] * 7, str(ticks), str(2 * ticks), str(ticks), "0"]
    (tmp_path / "7" / "stat").write_text(f"7 (a ) b) {' '.join(fields)}")
    (tmp_path / "self").mkdir()
    assert cpu_by_session(tmp_path) == {7: 4.0}


def test_a_container_is_told_of_while_it_runs() -> None:
    usage = CpuUsage()
    usage.begin(os.getsid(0), "apps", "checkout-1", "checkout")
    time.sleep(0.01)
    labels = '{namespace="apps",pod="checkout-1",container="checkout"}'
    assert f"container_cpu_usage_seconds_total{labels} " in usage.exposition()
    usage.end(os.getsid(0))
    assert "checkout" not in usage.exposition()


def test_a_process_that_is_gone_is_left_out() -> None:
    assert "checkout" not in exposition({5: ("apps", "checkout-1", "checkout")}, {})
