"""Drill: alert-ingest fails; then the bus refuses what it sends."""

from __future__ import annotations

import json

from onemachine.drill.scene import Alert, Scene
from srectl.operate.incidents import opened

NAME = "ingest"
WHAT = "alert-ingest fails on every call; then the bus refuses what it sends"

_FUNCTION = "alert-ingest"
_HANDLER = "alert_ingest.handler.handler"
_POLICY = "alert-ingest"
_GRANT = "PublishAlerts"
_MIN_ATTEMPTS = 2
_UNAVAILABLE = 500


def run(scene: Scene) -> None:
    """Break it, see it, bring it back.

    Raises
    ------
    NotMet
        An expectation did not hold.
    """
    scene.calm("sre-ingest-errors", "sre-parked-events")
    before = scene.target()
    first = _function_fails(scene)
    first_id = scene.expect_remediated(first, "prove")
    scene.expect_closed(first, first_id)
    second = _bus_refuses(scene)
    second_id = scene.expect_remediated(second, "prove")
    scene.expect_closed(second, second_id)
    scene.expect_once([first_id, second_id], before)
    scene.expect_empty()


def _function_fails(scene: Scene) -> Alert:
    functions = scene.client("lambda")
    scene.heal_with(
        "alert-ingest has its handler again",
        lambda: functions.update_function_configuration(FunctionName=_FUNCTION, Handler=_HANDLER),
    )
    scene.do(
        "break",
        "alert-ingest gets a handler that is not there, as by a bad release",
        *("aws", "lambda", "update-function-configuration"),
        *("--function-name", _FUNCTION, "--handler", "alert_ingest.handler.gone"),
    )
    status = scene.post_webhook({"drill": "is anybody there?"})
    scene.check(
        "detect",
        "a sender is answered 5xx, so it keeps the alert and tries again",
        status >= _UNAVAILABLE,
        f"HTTP {status}",
        where="'srectl local logs alert-ingest'",
        next_step="a sender that is answered 4xx may drop the alert: look at the GatewayResponses",
    )
    sent, failed = scene.delivery_attempts()
    alert = scene.fire("Ingest")

    def tries_again() -> str | None:
        sent_now, failed_now = scene.delivery_attempts()
        enough = min(sent_now - sent, failed_now - failed) >= _MIN_ATTEMPTS
        return f"{failed_now - failed} attempts failed" if enough else None

    scene.expect(
        "detect",
        "Alertmanager cannot deliver and tries again",
        tries_again,
        within=60,
        where="'srectl local logs alertmanager'",
        next_step="Alertmanager has no webhook, or took another answer for a success",
    )
    scene.expect_alarm("sre-ingest-errors")
    scene.do(
        "recover",
        "the good handler is back",
        *("aws", "lambda", "update-function-configuration"),
        *("--function-name", _FUNCTION, "--handler", _HANDLER),
    )
    scene.healed()
    return alert


def _bus_refuses(scene: Scene) -> Alert:
    role = scene.role_of("AlertIngestRole")
    good = scene.policy_of(role, _POLICY)
    bad = {**good, "Statement": [one for one in good["Statement"] if one["Sid"] != _GRANT]}
    put = ("aws", "iam", "put-role-policy", "--role-name", role, "--policy-name", _POLICY)
    iam = scene.client("iam")
    scene.heal_with(
        "alert-ingest may publish again",
        lambda: iam.put_role_policy(
            RoleName=role, PolicyName=_POLICY, PolicyDocument=json.dumps(good)
        ),
    )
    scene.do(
        "break",
        f"the role of alert-ingest loses its statement {_GRANT}",
        *(*put, "--policy-document", json.dumps(bad)),
    )
    alert = scene.fire("Bus")
    scene.expect(
        "detect",
        "alert-ingest takes the alert and parks it",
        lambda: scene.queued("parked"),
        within=60,
        where="'srectl local logs alert-ingest'",
        next_step="an alert that can be neither published nor parked is answered 503: the sender "
        "keeps it",
        shown=lambda count: f"{count} in sre-parked-events",
    )
    scene.expect_alarm("sre-parked-events")
    scene.do(
        "recover",
        "the role has the template's policy again",
        *(*put, "--policy-document", json.dumps(good)),
    )
    scene.healed()
    answer = opened(
        scene.do(
            "recover", "parked events go to the bus", "srectl", "dlq", "redrive", "parked", "--json"
        )
    )
    scene.did("recover", "the queue was redriven", f"{len(answer[0]['delivered'])} delivered")
    return alert
