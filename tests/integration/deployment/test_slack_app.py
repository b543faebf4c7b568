"""A deployment that names a Slack app has its route and its function; Slack needs no key of ours.

The real SAM CLI, the whole template, and the function with its own role on a local AWS that
enforces it.
"""

from __future__ import annotations

import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from chat_actions.incoming import button_value
from onemachine.aws.local_aws import LocalAws
from onemachine.project import PROJECT_ROOT
from onemachine.stack.children import Children
from onemachine.stack.deploy import Application, build, deploy, parameter_overrides
from onemachine.stack.state import StackFolder
from tests.support.slack import pressed, signed, slack_app
from tests.support.waiting import eventually

pytestmark = pytest.mark.localaws

INCIDENT = "edc4574d-f844-58cc-b5c9-dc4169c35240"


def _post(url: str, event: dict[str, Any]) -> int:
    request = urllib.request.Request(url, event["body"].encode(), event["headers"])
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=60) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code


def test_slack_is_taken_in_by_its_signature_and_what_it_asks_is_done_later(
    local_aws: LocalAws, tmp_path: Path
) -> None:
    children = Children(StackFolder(tmp_path / "stack"))
    children.folder.logs.mkdir(parents=True)
    application = Application(
        PROJECT_ROOT, PROJECT_ROOT / "template.yaml", PROJECT_ROOT / "build" / "sam"
    )
    app = slack_app(local_aws)
    built, _anew = build(application, children)
    outputs = deploy(application, built, local_aws, children, parameter_overrides(application, app))
    api = f"{local_aws.endpoint_url}/_aws/execute-api/{outputs['WebhookApiId']}/live"
    button = {"action_id": "sre-approve", "value": button_value(INCIDENT, 1, "00ff")}
    good = signed(pressed(button, "1.000001"))
    assert _post(f"{api}/slack", {**good, "body": good["body"] + " "}) == 401
    assert _post(f"{api}/slack", good) == 200
    # The alerts' own route has its key as before.
    assert _post(f"{api}/webhook", good) == 403

    def refused() -> bool:
        events = local_aws.client("logs").filter_log_events(logGroupName="/aws/lambda/chat-actions")
        lines = [each["message"] for each in events["events"]]
        return any("An answer was refused" in one and INCIDENT in one for one in lines)

    assert eventually("the second call to judge the answer", lambda: refused() or None)
