"""Which alerts are noisy, and the list of incidents that is looked at all night."""

from __future__ import annotations

import datetime
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from click.testing import Result

from srectl.commands.watching import watched
from srectl.errors import CommandFailed
from srectl.operate.announcing import stamp
from srectl.operate.noise import noisiest
from tests.support.template import ROOT
from tests.unit.srectl.commands.surroundings import answering

Put = Callable[..., dict[str, Any]]
Run = Callable[..., Result]
DONE = {"operation": "execute", "status": "succeeded"}


def test_each_alert_is_counted_by_what_became_of_it() -> None:
    record = {"alert_name": "A", "status": "resolved", "timestamp": "2026-11-23T15:00:00.000Z"}
    checkout, orders = {"kind": "deployment", "name": "checkout"}, {"kind": "deployment"}
    records: list[dict[str, Any]] = [
        {**record, "actions_taken": [DONE], "mttr_seconds": 10, "target": checkout},
        {**record, "mttr_seconds": 30, "target": orders},
        {**record, "escalated_at": "x", "mttr_seconds": 50, "target": checkout, "closed_by": "b"},
        {**record, "status": "open", "timestamp": "2026-11-24T15:00:00.000Z"},
        {"alert_name": "B", "status": "escalated", "escalated_at": "x", "timestamp": "2026"},
        {"alert_name": "C", "status": "open", "timestamp": "2026", "mttr_seconds": "long"},
    ]
    first, second, third = noisiest(records)
    assert first.as_json() == {
        "alert": "A",
        "count": 4,
        "called": 1,
        "helped": 1,
        "itself": 1,
        "mttr_seconds": 30,
        "last": "2026-11-24T15:00:00.000Z",
        "mostly_on": checkout,
    }
    assert (second.alert, second.called) == ("B", 1)  # before C, which called nobody
    assert (third.alert, third.mttr_seconds) == ("C", None)


@pytest.fixture
def week(put_incident: Put) -> None:
    at = datetime.datetime.now(datetime.UTC)
    for number, (name, days) in enumerate([("Noisy", 1), ("Noisy", 2), ("Calm", 3), ("Old", 9)]):
        began = stamp(at - datetime.timedelta(days=days))
        put_incident(incident_id=f"{number}", timestamp=began, alert_name=name)


@pytest.mark.usefixtures("week")
def test_the_noisy_ones_of_a_week_are_listed_first(srectl: Run) -> None:
    told = json.loads(srectl("alerts", "top", "--json").output)
    assert [(each["alert"], each["count"]) for each in told["alerts"]] == [
        ("Noisy", 2),
        ("Calm", 1),
    ]
    assert (told["incidents"], told["more"]) == (3, False)
    shown = srectl("alerts", "top", "--limit", "1", "--since", "30d").output
    assert "Noisy" in shown
    assert "Calm" not in shown
    assert "4 incidents of 3 alerts since" in shown


class Away:
    """Shows something, is away once, and is ended by Ctrl-C."""

    def __init__(self, *becomes: Exception | type[BaseException] | None) -> None:
        self._becomes = list(becomes)
        self.paused: list[float] = []

    def __call__(self) -> None:
        now = self._becomes.pop(0)
        if now is not None:
            raise now

    def pause(self, seconds: float) -> None:
        self.paused.append(seconds)


def test_what_is_away_for_a_moment_does_not_end_it(capsys: pytest.CaptureFixture[str]) -> None:
    away = Away(None, CommandFailed("no net\x1b[2J"), None, KeyboardInterrupt)
    watched(away, 7, away.pause)
    assert away.paused == [7, 7, 7]
    assert "not read no net [2J" in capsys.readouterr().out


def test_what_cannot_be_read_at_all_fails_at_once() -> None:
    with pytest.raises(CommandFailed, match="no net"):
        watched(Away(CommandFailed("no net")), 5)


@pytest.fixture
def nothing_yet() -> Iterator[str]:
    with answering({"Items": [], "Count": 0, "ScannedCount": 0}) as address:
        yield address


@pytest.mark.parametrize("words", [("watch", "--every", "2"), ("list", "--watch")])
def test_ctrl_c_ends_it_without_a_traceback(nothing_yet: str, words: tuple[str, ...]) -> None:
    variables = {
        **{"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "AWS_ENDPOINT_URL": nothing_yet},
        **{"AWS_REGION": "us-east-1", "AWS_ACCESS_KEY_ID": "t", "AWS_SECRET_ACCESS_KEY": "t"},
        "PYTHONUNBUFFERED": "1",
    }
    with subprocess.Popen(
        [sys.executable, "-m", "srectl.cli", "incidents", *words],
        cwd=ROOT,
        env=variables,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        first = [process.stdout.readline(), process.stdout.readline()]
        assert "no incidents" in first[0]
        assert "Ctrl-C ends it" in first[1]
        time.sleep(0.2)
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=60)
    assert (process.returncode, errors) == (0, "")
