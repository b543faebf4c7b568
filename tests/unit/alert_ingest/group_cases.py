"""Alerts that every sender of groups (Alertmanager, Grafana) must treat alike: in, and out.

Each case says what is changed in the sender's firing sample.
"""

from __future__ import annotations

from tests.unit.alert_ingest.bodies import REMOVE

UNNAMED: dict[str, object] = {
    "alert_name": "Unnamed alert (service=checkout, namespace=apps, deployment=checkout)"
}
LONG = "x" * 5000
MISSING = "is required but missing"
MOMENT = "must look like 2026-11-23T15:14:52.704Z"
IMPOSSIBLE = "is not a moment an alert can have started at"
ALERT = "/alerts/0"

# What of the event's `data` must then hold.
VALID: dict[str, tuple[dict[str, object], dict[str, object]]] = {
    "unknown alert field": ({"alerts__0__flavour": ["new"]}, {}),
    "no annotations": ({"alerts__0__annotations": REMOVE}, {"summary": "CheckoutHighErrorRate"}),
    "empty annotations": ({"alerts__0__annotations": {}}, {"annotations": {}}),
    "blank summary": (
        {"alerts__0__annotations__summary": "  "},
        {"summary": "CheckoutHighErrorRate"},
    ),
    "no endsAt": ({"alerts__0__endsAt": REMOVE}, {"ended_at": None}),
    "endsAt in the future while firing": (
        {"alerts__0__endsAt": "2026-11-23T15:20:00Z"},
        {"ended_at": None, "duration_seconds": None},
    ),
    "no generatorURL": ({"alerts__0__generatorURL": REMOVE}, {}),
    "generatorURL that is no web address": ({"alerts__0__generatorURL": "javascript:alert(1)"}, {}),
    "no severity": ({"alerts__0__labels__severity": REMOVE}, {"severity": "warning"}),
    "severity page": ({"alerts__0__labels__severity": "page"}, {"severity": "critical"}),
    "severity in capitals": ({"alerts__0__labels__severity": "CRITICAL"}, {"severity": "critical"}),
    "severity none": ({"alerts__0__labels__severity": "none"}, {"severity": "info"}),
    "severity unknown": ({"alerts__0__labels__severity": "purple"}, {"severity": "warning"}),
    "no runbook": ({"alerts__0__labels__runbook": REMOVE}, {"runbook": None}),
    "blank runbook": ({"alerts__0__labels__runbook": " "}, {"runbook": None}),
    "overlong runbook is not cut into another name": (
        {"alerts__0__labels__runbook": "r" * 129},
        {"runbook": None},
    ),
    "no cluster": (
        {"alerts__0__labels__cluster": REMOVE},
        {
            "target": {
                "cluster": None,
                "namespace": "apps",
                "kind": "deployment",
                "name": "checkout",
            }
        },
    ),
    "no deployment": (
        {"alerts__0__labels__deployment": REMOVE},
        {"target": {"cluster": "sre-platform", "namespace": "apps", "kind": None, "name": None}},
    ),
    "no namespace": (
        {"alerts__0__labels__namespace": REMOVE},
        {"target": {"cluster": "sre-platform", "namespace": None, "kind": None, "name": None}},
    ),
    "deployment that Kubernetes would not accept": (
        {"alerts__0__labels__deployment": "checkout; rm -rf /"},
        {"target": {"cluster": "sre-platform", "namespace": None, "kind": None, "name": None}},
    ),
    "namespace that climbs": (
        {"alerts__0__labels__namespace": "../kube-system"},
        {"target": {"cluster": "sre-platform", "namespace": None, "kind": None, "name": None}},
    ),
    "a deployment goes before a node": (
        {"alerts__0__labels__node": "ip-10-0-0-1.ec2.internal"},
        {
            "target": {
                "cluster": "sre-platform",
                "namespace": "apps",
                "kind": "deployment",
                "name": "checkout",
            }
        },
    ),
    "nanoseconds": (
        {"alerts__0__startsAt": "2026-11-23T15:14:52.704999999Z"},
        {"started_at": "2026-11-23T15:14:52.704Z"},
    ),
    "no fraction": (
        {"alerts__0__startsAt": "2026-11-23T15:14:52Z"},
        {"started_at": "2026-11-23T15:14:52.000Z"},
    ),
    "other time zone": (
        {"alerts__0__startsAt": "2026-11-23T16:14:52.704+01:00"},
        {"started_at": "2026-11-23T15:14:52.704Z"},
    ),
    "long summary": ({"alerts__0__annotations__summary": LONG}, {"summary": "x" * 494 + "…[cut]"}),
    "resolved without an end": (
        {"alerts__0__status": "resolved"},
        {"ended_at": None, "duration_seconds": None},
    ),
    "resolved before it started": (
        {"alerts__0__status": "resolved", "alerts__0__endsAt": "2026-11-23T15:14:00Z"},
        {"duration_seconds": 0},
    ),
    "no labels": ({"alerts__0__labels": REMOVE}, {"alert_name": "Unnamed alert", "labels": {}}),
    "labels null": ({"alerts__0__labels": None}, {"alert_name": "Unnamed alert"}),
    "no alertname": ({"alerts__0__labels__alertname": REMOVE}, UNNAMED),
    "blank alertname": ({"alerts__0__labels__alertname": " "}, UNNAMED),
    "alertname the text null": ({"alerts__0__labels__alertname": "null"}, UNNAMED),
    "label null": (
        {"alerts__0__labels": {"alertname": "A", "a/b~c": None}},
        {"labels": {"alertname": "A"}},
    ),
    "annotations null": (
        {"alerts__0__annotations": None},
        {"summary": "CheckoutHighErrorRate"},
    ),
    "runbook the text null": ({"alerts__0__labels__runbook": "null"}, {"runbook": None}),
    "severity a template's nothing": (
        {"alerts__0__labels__severity": "<no value>"},
        {"severity": "warning"},
    ),
    "no fingerprint": ({"alerts__0__fingerprint": REMOVE}, {}),
    "fingerprint empty": ({"alerts__0__fingerprint": ""}, {}),
    "text in many scripts": (
        {"alerts__0__annotations__summary": "結帳 ошибка 🔥"},
        {"summary": "結帳 ошибка 🔥"},
    ),
    "half a character": ({"alerts__0__annotations__summary": "a\ud800b"}, {"summary": "a?b"}),
    "shell and markup stay text": (
        {"alerts__0__annotations__summary": "$(reboot) <script>'\"`"},
        {"summary": "$(reboot) <script>'\"`"},
    ),
    "empty label value": ({"alerts__0__labels__team": ""}, {}),
    "secret in a label": (
        {"alerts__0__labels": {"alertname": "A", "api_key": "hunter2"}},
        {"labels": {"alertname": "A", "api_key": "[redacted]"}},
    ),
    "secret in a link": (
        {"alerts__0__generatorURL": "https://bob:hunter2@prom/g?token=hunter2"},
        {},
    ),
}

# Every error the answer must then name.
INVALID: dict[str, tuple[dict[str, object], dict[str, str]]] = {
    "alert null": ({"alerts__0": None}, {ALERT: "must be object but is null"}),
    "alert a text": ({"alerts__0": "x"}, {ALERT: "must be object but is string"}),
    "alert true": ({"alerts__0": True}, {ALERT: "must be object but is boolean"}),
    "alert a list": ({"alerts__0": []}, {ALERT: "must be object but is array"}),
    "alert empty": (
        {"alerts__0": {}},
        {f"{ALERT}/{name}": MISSING for name in ("startsAt", "status")},
    ),
    "no status": ({"alerts__0__status": REMOVE}, {f"{ALERT}/status": MISSING}),
    "status unknown": (
        {"alerts__0__status": "x"},
        {f"{ALERT}/status": "must be one of firing, resolved"},
    ),
    "labels a list": (
        {"alerts__0__labels": []},
        {f"{ALERT}/labels": "must be object but is array"},
    ),
    "alertname a number": (
        {"alerts__0__labels__alertname": 7},
        {f"{ALERT}/labels/alertname": "must be string but is integer"},
    ),
    "label a number": (
        {"alerts__0__labels__n": 1.5},
        {f"{ALERT}/labels/n": "must be string but is number"},
    ),
    "label an object": (
        {"alerts__0__labels__n": {"password": "p"}},
        {f"{ALERT}/labels/n": "must be string but is object"},
    ),
    "label with a slash and a tilde": (
        {"alerts__0__labels": {"alertname": "A", "a/b~c": True}},
        {f"{ALERT}/labels/a~1b~0c": "must be string but is boolean"},
    ),
    "annotation false": (
        {"alerts__0__annotations__x": False},
        {f"{ALERT}/annotations/x": "must be string but is boolean"},
    ),
    "no startsAt": ({"alerts__0__startsAt": REMOVE}, {f"{ALERT}/startsAt": MISSING}),
    "startsAt a number": (
        {"alerts__0__startsAt": 1},
        {f"{ALERT}/startsAt": "must be string but is integer"},
    ),
    "startsAt prose": ({"alerts__0__startsAt": "yesterday"}, {f"{ALERT}/startsAt": MOMENT}),
    "startsAt without zone": (
        {"alerts__0__startsAt": "2026-11-23T15:14:52"},
        {f"{ALERT}/startsAt": MOMENT},
    ),
    "startsAt in month 13": (
        {"alerts__0__startsAt": "2026-13-23T15:14:52Z"},
        {f"{ALERT}/startsAt": IMPOSSIBLE},
    ),
    "startsAt on February 30th": (
        {"alerts__0__startsAt": "2026-02-30T00:00:00Z"},
        {f"{ALERT}/startsAt": IMPOSSIBLE},
    ),
    "startsAt never": (
        {"alerts__0__startsAt": "0001-01-01T00:00:00Z"},
        {f"{ALERT}/startsAt": IMPOSSIBLE},
    ),
    "startsAt before the calendar": (
        {"alerts__0__startsAt": "0001-01-01T00:00:00+23:00"},
        {f"{ALERT}/startsAt": IMPOSSIBLE},
    ),
    "startsAt with a line break": (
        {"alerts__0__startsAt": "2026-11-23T15:14:52Z\n"},
        {f"{ALERT}/startsAt": MOMENT},
    ),
    "endsAt prose": ({"alerts__0__endsAt": "soon"}, {f"{ALERT}/endsAt": MOMENT}),
    "fingerprint too long": (
        {"alerts__0__fingerprint": "f" * 129},
        {f"{ALERT}/fingerprint": "must have at most 128 characters"},
    ),
    "generatorURL a number": (
        {"alerts__0__generatorURL": 1},
        {f"{ALERT}/generatorURL": "must be string but is integer"},
    ),
    "four things wrong": (
        {
            "alerts__0__status": 1,
            "alerts__0__labels__alertname": [],
            "alerts__0__startsAt": None,
            "alerts__0__fingerprint": [],
        },
        {
            f"{ALERT}/fingerprint": "must be string but is array",
            f"{ALERT}/labels/alertname": "must be string but is array",
            f"{ALERT}/startsAt": "must be string but is null",
            f"{ALERT}/status": "must be one of firing, resolved",
        },
    ),
}
