"""Does the webhook answer, and does it know the key? Asked with a body that makes no incident.

The body goes the whole way of an alert through the API into alert-ingest, which knows it and
answers 200 with a correlation id: nothing is recorded, published or counted as refused, however
often it is asked. A key that is wrong is refused as a sender's would be, and counts as that: a
refusal in each of three five-minute windows rings ``sre-webhook-refusing``.
"""

from __future__ import annotations

import json
import os
import re
import select
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

from srectl.errors import CommandFailed
from srectl.operate.doctor.check import Check, Grant
from srectl.operate.doctor.deployment import Deployment
from srectl.operate.doctor.finding import Finding, failed, fine, not_checked, warning
from srectl.operate.doctor.http import Answer, NoAnswer, ask
from srectl.operate.refusals import calling

__all__ = ["CHECK", "webhook_url"]

# That of alert_ingest.request, whose code is not here where srectl is installed by itself.
_BODY = json.dumps({"srectl_doctor": "probe"}).encode()
_ANSWERED = 200
_REFUSED = 400
_FORBIDDEN = 403
_FULL_OR_FAILING = 500
_KEY = "AWS::ApiGateway::ApiKey"
_KEY_LOOKS = re.compile("[!-~]+")
_LONGEST_KEY = 1000
_READ_SECONDS = 5.0
# How the template's own answer to a wrong key begins, in contrast to what else is a 403.
_WRONG_KEY = "The X-Api-Key header"


def look(deployment: Deployment) -> Iterator[Finding]:
    """Call the webhook with the stack's key, and with that of a file; look at the other keys."""
    url = webhook_url(deployment)
    key_id = deployment.output("WebhookApiKeyId")
    yield from _disabled(deployment, key_id)
    with calling(f"API key {key_id} of the stack could not be read"):
        value = deployment.apigateway.get_api_key(apiKey=key_id, includeValue=True)["value"]
    whose = f"API key {key_id} of the stack"
    yield _asked(deployment, url, value, whose, _how_to_attach(deployment, key_id))
    if deployment.key_file is not None:
        yield _asked(
            deployment,
            url,
            _read(deployment.key_file),
            f"API key in {deployment.key_file}",
            f"give the sender a key that is known: aws apigateway get-api-key --include-value "
            f"--api-key {key_id} --query value --output text",
        )


def webhook_url(deployment: Deployment) -> str:
    """Give the address of the webhook, as it is reached from here."""
    url = deployment.output("WebhookUrl")
    if not deployment.endpoint:
        return url
    return f"{deployment.endpoint}/_aws/execute-api/{deployment.output('WebhookApiId')}" + (
        urlsplit(url).path
    )


def _read(file: Path) -> str:
    try:
        key = _read_within(file, _READ_SECONDS).decode().strip()
    except (OSError, UnicodeDecodeError) as error:
        raise CommandFailed(
            f"the key file cannot be read: {error}", "name it with --key-file"
        ) from error
    # What cannot stand in a header would be quoted in the error of whoever puts it there.
    if not _KEY_LOOKS.fullmatch(key):
        raise CommandFailed(
            f"the key file {file} does not hold a key alone: one line without spaces",
            "write nothing but the key into it",
        )
    return key


def _read_within(file: Path, seconds: float) -> bytes:
    """Read what a file, a pipe or a device gives, and wait for none of them for longer."""
    until = time.monotonic() + seconds
    descriptor = os.open(file, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY)
    found = b""
    try:
        while len(found) < _LONGEST_KEY:
            ready, _, _ = select.select([descriptor], [], [], max(0, until - time.monotonic()))
            if not ready:
                raise TimeoutError(f"{file} gives nothing within {seconds:.0f} seconds")
            part = os.read(descriptor, _LONGEST_KEY - len(found))
            if not part:
                break
            found += part
    finally:
        os.close(descriptor)
    return found


def _disabled(deployment: Deployment, own: str) -> Iterator[Finding]:
    """Name the keys that are switched off or gone: the stack's own, and those of senders."""
    keys = {each.physical_id for each in deployment.of_kind(_KEY)} | {own}
    with calling("the API keys could not be listed"):
        pages = deployment.apigateway.get_paginator("get_api_keys").paginate()
        known = {key["id"]: key for page in pages for key in page["items"]}
    for key_id in sorted(keys):
        key = known.get(key_id)
        if key is None:
            yield failed(
                f"API key {key_id}",
                "is not there any more: whoever uses it is refused",
                "aws apigateway create-api-key --name NEW --enabled, then create-usage-plan-key "
                "for it; or delete the stack's key resource and deploy: docs/operations.md",
            )
        elif not key.get("enabled", True):
            yield failed(
                f"API key {key.get('name', key_id)}",
                "is disabled: whoever uses it is refused with 403",
                f"aws apigateway update-api-key --api-key {key_id} --patch-operations "
                "op=replace,path=/enabled,value=true",
            )


def _how_to_attach(deployment: Deployment, key_id: str) -> str:
    plans = deployment.of_kind("AWS::ApiGateway::UsagePlan")
    own = [each.physical_id for each in plans if not each.logical_id.startswith("SenderPlan")]
    plan = own[0] if own else "PLAN"
    return (
        f"is it in its usage plan? aws apigateway get-usage-plan-keys --usage-plan-id {plan}; if "
        f"not: aws apigateway create-usage-plan-key --usage-plan-id {plan} --key-type API_KEY "
        f"--key-id {key_id}"
    )


def _asked(deployment: Deployment, url: str, key: str, whose: str, if_wrong: str) -> Finding:
    try:
        answer = ask("POST", url, {"X-Api-Key": key, "Content-Type": "application/json"}, _BODY)
    except NoAnswer as error:
        return failed(
            url, f"does not answer: {error}", f"curl -v {url}; is the API deleted, a proxy between?"
        )
    return _judged(deployment, url, answer, whose, if_wrong)


def _judged(deployment: Deployment, url: str, answer: Answer, whose: str, if_wrong: str) -> Finding:
    said = _said(answer)
    if answer.status == _ANSWERED and "correlation_id" in said and "probe" in said:
        return fine(url, f"takes the {whose}; alert-ingest answers")
    if answer.status == _REFUSED and "correlation_id" in said and "errors" in said:
        return warning(
            url,
            f"takes the {whose}; alert-ingest is of a release that refuses this probe, so that "
            "each look counts as a refused call (sre-webhook-refusing)",
            deployment.deploy_again,
        )
    message = str(said.get("error") or said.get("message") or "no reason given")[:300]
    told = f"answers {answer.status} to the {whose}: {message}"
    logs = f"sam logs -n AlertIngestFunction --stack-name {deployment.stack.name}"
    if answer.status == _FORBIDDEN and message.startswith(_WRONG_KEY):
        return failed(url, told, if_wrong)
    if answer.status == _FORBIDDEN and "not authorized" in message:
        return not_checked(
            url,
            f"{told} (WebhookAllowedCidrs may keep this machine out)",
            "run it from an address that the senders use",
        )
    if answer.status >= _FULL_OR_FAILING:
        return failed(
            url, f"{told}; senders try again", f"{logs}; the finding on concurrency below, if any"
        )
    if answer.status == _REFUSED:
        return warning(url, f"{told}: not alert-ingest's own refusal", logs)
    return failed(
        url,
        f"{told}: the API or its stage 'live' is not there",
        f"aws apigateway get-stages --rest-api-id {deployment.output('WebhookApiId')}; "
        f"{deployment.deploy_again} makes a new deployment of the API",
    )


def _said(answer: Answer) -> dict[str, object]:
    try:
        body = json.loads(answer.body)
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}


CHECK = Check(
    "intake",
    "the webhook and its API keys, by a body that alert-ingest knows: no incident is made",
    (
        Grant(
            ("apigateway:GET",),
            "arn:{partition}:apigateway:{region}::/apikeys",
        ),
        Grant(
            ("apigateway:GET",),
            "arn:{partition}:apigateway:{region}::/apikeys/*",
        ),
    ),
    look,
)
