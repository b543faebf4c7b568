"""When a real Alertmanager tells of an end, with its default route, and what is decided by that.

Its defaults are group_wait 30 s, group_interval 5 min, repeat_interval 4 h and resolve_timeout
5 min; here each is a sixtieth, which its configuration allows. Alerts are posted as Prometheus does
(again and again, to end by themselves after four times its resend delay), in sixtieths, too. With
the defaults as they are it takes eleven minutes: ``SRECTL_ALERTMANAGER_PACE=1 pytest`` this file.
"""

from __future__ import annotations

import json
import os
import threading
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from onemachine.binaries import find
from onemachine.monitoring import Alertmanager
from onemachine.processes.managed import ManagedProcess
from onemachine.processes.ports import free_port
from tests.integration.monitoring.shop import API_KEY, Webhook
from tests.support.template import deployed
from tests.support.verification import END_HEARD, decided
from tests.support.waiting import PATIENCE_SECONDS, eventually

SCALE = int(os.environ.get("SRECTL_ALERTMANAGER_PACE", "60"))
GROUP_INTERVAL = 300 / SCALE
ROUTE = {
    "receiver": "sre-platform",
    "group_by": ["alertname"],
    "group_wait": f"{30_000 // SCALE}ms",
    "group_interval": f"{300 // SCALE}s",
    "repeat_interval": f"{240 // SCALE}m",
}
#: What Prometheus says of an alert that it sends: if nothing more comes, it is over by then.
LASTS = timedelta(minutes=4) / SCALE
#: Patience with one piece of news.
SECONDS = 30 + 2 * GROUP_INTERVAL

pytestmark = [pytest.mark.monitoring, pytest.mark.timeout(3 * SECONDS)]


@dataclass
class Scene:
    """An Alertmanager, its webhook, and the alerts that are firing."""

    url: str
    webhook: Webhook
    firing: dict[str, str] = field(default_factory=dict)

    def post(self, path: str, body: Any) -> None:
        request = urllib.request.Request(
            f"{self.url}/api/v2/{path}",
            json.dumps(body).encode(),
            {"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=PATIENCE_SECONDS) as answer:
            assert answer.status == 200

    def send(self, name: str, ends_at: datetime) -> None:
        start = self.firing.setdefault(name, _iso(datetime.now(UTC)))
        alert = {"labels": {"alertname": name}, "startsAt": start, "endsAt": _iso(ends_at)}
        self.post("alerts", [alert])

    def end(self, name: str) -> float:
        self.send(name, datetime.now(UTC))
        del self.firing[name]
        return time.monotonic()

    def silence(self, name: str) -> None:
        now = datetime.now(UTC)
        matcher = {"name": "alertname", "value": name, "isRegex": False, "isEqual": True}
        span = {"startsAt": _iso(now), "endsAt": _iso(now + timedelta(hours=1))}
        self.post("silences", {"matchers": [matcher], "createdBy": "t", "comment": "t", **span})

    def heard(self, status: str, name: str) -> float:
        """When it was first seen here; waits for it, and lets what fires fire on meanwhile."""

        def looked() -> bool:
            self.keep_firing()
            return bool(self.webhook.alerts(status, name))

        eventually(f"{name} is told as {status}", looked, SECONDS)
        return time.monotonic()

    def keep_firing(self) -> None:
        for name in list(self.firing):
            self.send(name, datetime.now(UTC) + LASTS)


def _iso(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    webhook = Webhook()
    threading.Thread(target=webhook.serve_forever, daemon=True).start()
    to_us = {"url_file": "", "http_config": {"http_headers": {}}}
    config = {
        "global": {"resolve_timeout": f"{300 // SCALE}s"},
        "route": ROUTE,
        "receivers": [{"name": "sre-platform", "webhook_configs": [to_us]}],
    }
    shipped = tmp_path / "defaults.yaml"
    shipped.write_text(yaml.safe_dump(config), "utf-8")
    alertmanager = Alertmanager(
        bin_folder=find("alertmanager"),
        state_dir=tmp_path / "alertmanager",
        port=free_port(),
        webhook_url=webhook.url,
        api_key=API_KEY,
        shipped=shipped,
    )
    alertmanager.prepare()
    process = ManagedProcess("alertmanager", alertmanager.command(), {}, tmp_path / "log").start()
    try:
        alertmanager.wait_ready(process)
        yield Scene(alertmanager.url, webhook)
    finally:
        process.stop()
        webhook.shutdown()
        webhook.server_close()


def test_an_end_is_told_a_group_interval_late_and_what_is_silenced_never_is(scene: Scene) -> None:
    """Each alert is a group of its own; one ends right after its group was told of it."""
    names = ("Repaired", "GoesOn", "Silenced", "RuleDeleted")
    for name in names:
        scene.send(name, datetime.now(UTC) + LASTS)
    for name in names:
        scene.heard("firing", name)
    scene.silence("Silenced")
    scene.end("Silenced")
    del scene.firing["RuleDeleted"]  # Prometheus does not speak of it any more
    ended = scene.end("Repaired")
    late = scene.heard("resolved", "Repaired") - ended
    assert GROUP_INTERVAL - 1.5 < late < GROUP_INTERVAL + 1

    # As it would be in production, for a remediation by which the alert ended after two minutes:
    # it is due to have ended after six, and then its end has not been told yet.
    parameters = deployed()["Parameters"]
    due = sum(int(parameters[f"{n}Seconds"]["Default"]) for n in ("Stabilization", "VerifyTimeout"))
    told = 120 + late * SCALE
    assert due - 10 < told < due + END_HEARD
    assert decided(1, healthy=True)[0] == "WaitToVerifyAgain"
    assert decided(told - due, healthy=True, resolved=True) == ("UpdateStatus", "")

    # What nobody speaks of any more ends by itself, and is told at the next turn.
    forgotten = scene.heard("resolved", "RuleDeleted") - ended
    assert forgotten < LASTS.total_seconds() + GROUP_INTERVAL + 1
    # Twice its turn has come for the others since: one is silenced, one fires as it did. Nothing is
    # told of either, so that nothing can be concluded from it.

    def had_their_turns() -> bool:
        scene.keep_firing()
        return time.monotonic() > ended + 2 * GROUP_INTERVAL + 0.5

    eventually("their turns", had_their_turns, SECONDS)
    assert len(scene.webhook.alerts("firing", "GoesOn")) == 1
    assert scene.webhook.alerts("resolved", "GoesOn") == []
    assert scene.webhook.alerts("resolved", "Silenced") == []
    assert decided(END_HEARD + 1, healthy=True) == ("NeedsUndo", "end-not-heard")
