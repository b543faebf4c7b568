"""From a failing pod to the webhook and back, with nothing in between but what is shipped."""

from __future__ import annotations

import json
import re
import socket
import urllib.request
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from onemachine.monitoring.rules import MONITORING_FOLDER
from tests.integration.monitoring.shop import API_KEY, Shop
from tests.support.waiting import PATIENCE_SECONDS, eventually

pytestmark = [pytest.mark.kubernetes, pytest.mark.monitoring]


def _query(shop: Shop, expression: str) -> list[Any]:
    url = f"{shop.prometheus.url}/api/v1/query?query={quote(expression)}"
    with urllib.request.urlopen(url, timeout=PATIENCE_SECONDS) as answer:
        results: list[Any] = json.load(answer)["data"]["result"]
    return results


def test_every_pod_is_scraped_and_labelled_as_in_production(shop: Shop) -> None:
    def seen() -> list[Any]:
        up = _query(shop, 'up{service="checkout"} == 1')
        return up if len(up) == 3 else []

    labels = [each["metric"] for each in eventually("three pods are scraped", seen)]
    assert {each["pod"] for each in labels} == shop.pods()
    for each in labels:
        assert {name: each[name] for name in ("namespace", "service", "job", "endpoint")} == {
            "namespace": "apps",
            "service": "checkout",
            "job": "checkout",
            "endpoint": "http",
        }


def test_every_panel_of_the_dashboards_is_answered(shop: Shop) -> None:
    asked = [
        target["expr"].replace("$__rate_interval", "10s")
        for file in (MONITORING_FOLDER / "dashboards").glob("checkout-*.json")
        for panel in json.loads(file.read_text())["panels"]
        for target in panel["targets"]
    ]
    # What only exporters know is empty here, nothing is wrong yet, and an hour has not been seen;
    # the rest must be there.
    of_others = re.compile(
        r"kube_|container_|ALERTS|checkout_parameter_failures_total|ratio_rate(1h|2h|6h|1d|3d)"
    )

    def unanswered() -> list[str]:
        empty = [expression for expression in asked if not _query(shop, expression)]
        return [expression for expression in empty if not of_others.search(expression)]

    eventually("panels have data", lambda: not unanswered())
    assert _query(shop, "sum(checkout_order_threads)")[0]["value"][1] == "18"


def test_a_rolling_restart_loses_no_order(shop: Shop) -> None:
    before, began = shop.pods(), len(shop.traffic.seconds())
    shop.kubectl("rollout", "restart", "deployment/checkout")
    shop.rolled_out()
    assert len(shop.pods()) == 3
    assert not before & shop.pods()
    # The last of the old pods is still draining.
    eventually("three more seconds", lambda: len(shop.traffic.seconds()) >= began + 3)
    during = shop.traffic.seconds()[began:]
    assert sum(second["ok"] for second in during) > 0
    assert {name: sum(s[name] for s in during) for name in ("lost", "not_sent", "error")} == {
        "lost": 0,
        "not_sent": 0,
        "error": 0,
    }


def test_errors_reach_the_webhook_with_its_key_and_resolve(shop: Shop) -> None:
    name = "CheckoutHighErrorRate"
    assert not shop.webhook.alerts("firing", name)
    shop.kubectl("set", "env", "deployment/checkout", "ERROR_RATE=0.4")
    firing = eventually("the alert fires", lambda: shop.webhook.alerts("firing", name))[0]
    assert firing["labels"] == {
        "alertname": name,
        "severity": "critical",
        "cluster": "sre-platform",
        "namespace": "apps",
        "service": "checkout",
        "deployment": "checkout",
        "runbook": name,
    }
    assert re.fullmatch(r"Checkout fails [\d.]+% of its requests", firing["annotations"]["summary"])
    shop.rolled_out()
    shop.kubectl("set", "env", "deployment/checkout", "ERROR_RATE-")
    shop.rolled_out()
    resolved = eventually(
        "the alert resolves",
        lambda: [
            alert
            for alert in shop.webhook.alerts("resolved", name)
            if (alert["fingerprint"], alert["startsAt"])
            == (firing["fingerprint"], firing["startsAt"])
        ],
    )
    assert resolved[0]["endsAt"] > firing["startsAt"]
    assert {key for key, _body in shop.webhook.posts} == {API_KEY}


def test_nothing_listens_on_more_than_loopback(shop: Shop) -> None:
    listening = [each for process in shop.processes for each in _listening(process.pid)]
    assert listening
    assert all(each.startswith("127.") for each in listening), listening


def _listening(pid: int | None) -> list[str]:
    """Addresses that a process listens on: its sockets in state 0A of proc(5)'s tcp and tcp6."""
    sockets = {str(fd.readlink()) for fd in Path(f"/proc/{pid}/fd").iterdir()}
    rows = [
        line.split()
        for table in ("tcp", "tcp6")
        for line in Path(f"/proc/{pid}/net/{table}").read_text().splitlines()[1:]
    ]
    return [
        _address(row[1].partition(":")[0])
        for row in rows
        if row[3] == "0A" and f"socket:[{row[9]}]" in sockets
    ]


def _address(text: str) -> str:
    if len(text) != 8:
        return f"IPv6 {text}"
    return socket.inet_ntoa(bytes.fromhex(text)[::-1])
