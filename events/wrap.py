"""Wraps the raw sample bodies as the events that a Lambda receives from API Gateway and SNS.

``python events/wrap.py`` rewrites every ``api-*.json`` and ``topic-*.json``; ``--check`` only says
which disagree with their raw body. The wrapped files are committed so that
``sam local invoke AlertIngestFunction -e events/alertmanager/api-firing.json`` works as it is.
Those of ``cloudwatch`` and ``aws_health`` are what EventBridge hands over, and need no wrapping.
"""

from __future__ import annotations

import argparse
import base64
import json
import sys
import uuid
from pathlib import Path
from typing import Any

EVENTS = Path(__file__).parent
SENDERS = ("alertmanager", "datadog", "grafana", "unknown", "investigator")
# Where bodies are posted that are no alerts; all others are to /webhook.
ROUTES = {"investigator": "/findings"}
# Messages of a topic: what is published to it, before SNS puts its envelope around it.
TOPIC = "sns"
# Also wrapped with a base64 body, as API Gateway does for binary media types.
ALSO_BASE64 = ("alertmanager/firing",)
USER_AGENTS = {
    "alertmanager": "Alertmanager/0.31.1",
    "datadog": "Datadog/Webhooks",
    "grafana": "Grafana",
}
_API_ID = "a1b2c3d4e5"


def raw_files() -> list[Path]:
    """List the raw bodies, without Datadog's template, whose variables nobody has filled in."""
    return sorted(
        path
        for sender in SENDERS
        for path in (EVENTS / sender).glob("*.json")
        if not path.name.startswith("api-") and path.name != "webhook-template.json"
    )


def proxy_event(
    body: str, name: str, user_agent: str, as_base64: bool = False, route: str = "/webhook"
) -> dict[str, Any]:
    """Return an API Gateway REST proxy event (payload version 1.0) with this body.

    Parameters
    ----------
    body
        The request's text, exactly as it was sent.
    name
        Decides the request id, so that the same sample always wraps to the same event.
    user_agent
        What the sender calls itself.
    as_base64
        Encode the body and say so.
    route
        Path of the API that it was posted to.
    """
    host = f"{_API_ID}.execute-api.us-east-1.amazonaws.com"
    headers = {
        "Accept": "*/*",
        "Content-Type": "application/json",
        "Host": host,
        "User-Agent": user_agent,
        "X-Amzn-Trace-Id": "Root=1-6564c21c-4f1c2d3e4f5a6b7c8d9e0f1a",
        "X-Api-Key": "example-key-not-a-secret",
        "X-Forwarded-For": "203.0.113.10",
        "X-Forwarded-Port": "443",
        "X-Forwarded-Proto": "https",
    }
    return {
        "resource": route,
        "path": route,
        "httpMethod": "POST",
        "headers": headers,
        "multiValueHeaders": {key: [value] for key, value in headers.items()},
        "queryStringParameters": None,
        "multiValueQueryStringParameters": None,
        "pathParameters": None,
        "stageVariables": None,
        "requestContext": {
            "accountId": "000000000000",
            "apiId": _API_ID,
            "domainName": host,
            "domainPrefix": _API_ID,
            "extendedRequestId": "JKJaXmPLvHcESHA=",
            "httpMethod": "POST",
            "identity": {
                "accessKey": None,
                "accountId": None,
                "apiKey": "example-key-not-a-secret",
                "apiKeyId": "k1l2m3n4o5",
                "caller": None,
                "cognitoAuthenticationProvider": None,
                "cognitoAuthenticationType": None,
                "cognitoIdentityId": None,
                "cognitoIdentityPoolId": None,
                "principalOrgId": None,
                "sourceIp": "203.0.113.10",
                "user": None,
                "userAgent": user_agent,
                "userArn": None,
            },
            "path": f"/prod{route}",
            "protocol": "HTTP/1.1",
            "requestId": str(uuid.uuid5(uuid.NAMESPACE_URL, f"https://{host}/{name}")),
            "requestTime": "23/Nov/2026:15:15:03 +0000",
            "requestTimeEpoch": 1795446903000,
            "resourceId": "w3bh0k",
            "resourcePath": route,
            "stage": "prod",
        },
        "body": base64.b64encode(body.encode()).decode() if as_base64 else body,
        "isBase64Encoded": as_base64,
    }


def topic_event(message: dict[str, Any], name: str) -> dict[str, Any]:
    """Return what SNS hands a function for one message.

    Parameters
    ----------
    message
        Subject (or null) and Message, as they were published.
    name
        Decides the message id, so that the same sample always wraps to the same event.
    """
    arn = "arn:aws:sns:us-east-1:000000000000:sre-notices"
    signed = "https://sns.us-east-1.amazonaws.com/SimpleNotificationService-0000.pem"
    return {
        "Records": [
            {
                "EventSource": "aws:sns",
                "EventVersion": "1.0",
                "EventSubscriptionArn": f"{arn}:5be21ac2-1c31-4f0b-9a4b-6f1f63f3a111",
                "Sns": {
                    "Type": "Notification",
                    "MessageId": str(uuid.uuid5(uuid.NAMESPACE_URL, f"{arn}/{name}")),
                    "TopicArn": arn,
                    "Subject": message["Subject"],
                    "Message": message["Message"],
                    "Timestamp": "2026-11-23T15:30:02.114Z",
                    "SignatureVersion": "1",
                    "Signature": "EXAMPLE",
                    "SigningCertUrl": signed,
                    "UnsubscribeUrl": "https://sns.us-east-1.amazonaws.com/?Action=Unsubscribe",
                    "MessageAttributes": {},
                },
            }
        ]
    }


def wrapped() -> dict[Path, str]:
    """Return what every wrapped file must contain."""
    files: dict[Path, str] = {}
    for raw in raw_files():
        name = f"{raw.parent.name}/{raw.stem}"
        # Senders write compact JSON; the raw samples are indented for people.
        body = json.dumps(json.loads(raw.read_text("utf-8")), separators=(",", ":"))
        agent = USER_AGENTS.get(raw.parent.name, "curl/8.5.0")
        route = ROUTES.get(raw.parent.name, "/webhook")
        event = proxy_event(body, name, agent, route=route)
        files[raw.with_name(f"api-{raw.name}")] = _dump(event)
        if name in ALSO_BASE64:
            path = raw.with_name(f"api-{raw.stem}-base64.json")
            files[path] = _dump(proxy_event(body, path.stem, agent, as_base64=True))
    for raw in (EVENTS / TOPIC).glob("*.json"):
        if not raw.name.startswith("topic-"):
            event = topic_event(json.loads(raw.read_text("utf-8")), raw.stem)
            files[raw.with_name(f"topic-{raw.name}")] = _dump(event)
    path = EVENTS / "unknown" / "api-invalid-not-json.json"
    files[path] = _dump(proxy_event('{"alerts": [', path.stem, "curl/8.5.0"))
    return files


def disagreements() -> list[Path]:
    """List wrapped files that are missing, stale, or wrap nothing."""
    expected = wrapped()
    present = {path for sender in SENDERS for path in (EVENTS / sender).glob("api-*.json")}
    present |= set((EVENTS / TOPIC).glob("topic-*.json"))
    return sorted(
        path
        for path in expected.keys() | present
        if path not in expected or path not in present or path.read_text("utf-8") != expected[path]
    )


def _dump(event: dict[str, Any]) -> str:
    return json.dumps(event, indent=2) + "\n"


def main() -> int:
    """Run the command line."""
    parser = argparse.ArgumentParser(description="Wrap the raw samples as events of a Lambda.")
    parser.add_argument("--check", action="store_true", help="only list files that disagree")
    check = parser.parse_args().check
    stale = disagreements()
    for path in stale:
        sys.stdout.write(f"{'disagrees' if check else 'rewritten'}: {path.relative_to(EVENTS)}\n")
    if check:
        return 1 if stale else 0
    expected = wrapped()
    for path in stale:
        if path in expected:
            path.write_text(expected[path], "utf-8")
        else:
            path.unlink()
    return 0


if __name__ == "__main__":
    sys.exit(main())
