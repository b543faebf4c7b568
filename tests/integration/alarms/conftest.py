"""The shipped template on a local AWS whose alarms' clock runs quicker."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from onemachine.aws.local_aws import LocalAws
from onemachine.project import PROJECT_ROOT
from onemachine.receiver import INVESTIGATOR_URL, PAGERDUTY_URL, ReceiverServer
from onemachine.stack.children import Children
from onemachine.stack.deploy import Application, build, deploy, parameter_overrides
from onemachine.stack.state import StackFolder
from srectl import runbooks
from tests.integration.alarms.platform import PACE, Deployment
from tests.integration.local_aws_fixtures import running_local_aws
from tests.support.shipped import RUNBOOKS
from tests.support.slack import slack_app


@contextmanager
def _pager(aws: LocalAws, file: Path) -> Iterator[None]:
    """Stand in for PagerDuty and an investigator; what they are told is kept beside ``file``."""
    with ReceiverServer(("127.0.0.1", 0), file, aws.endpoint_url) as server:
        here = f"http://127.0.0.1:{server.server_port}"
        known = {PAGERDUTY_URL: f"{here}/pagerduty", INVESTIGATOR_URL: f"{here}/investigator"}
        aws.outbound_file.write_text(json.dumps(known), "utf-8")
        threading.Thread(target=server.serve_forever, args=(0.1,), daemon=True).start()
        try:
            yield
        finally:
            server.shutdown()


@pytest.fixture(scope="package")
def deployment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    """Return the deployed platform; it has no cluster, so remediation is switched off.

    Nothing of the template is changed, only its parameters; the functions are the built artifacts.
    """
    folder = tmp_path_factory.mktemp("alarms")
    children = Children(StackFolder(folder / "stack"))
    children.folder.logs.mkdir(parents=True)
    template = PROJECT_ROOT / "template.yaml"
    application = Application(PROJECT_ROOT, template, PROJECT_ROOT / "build" / "sam")
    built, _anew = build(application, children)
    changes = {"RemediationMode": "off", "StabilizationSeconds": "1", "VerifyTimeoutSeconds": "30"}
    changes |= {"Sender1": "busy=alertmanager", "Heartbeat1": "east", "Heartbeat2": "west=busy"}
    changes |= {"PagerKind": "pagerduty", "PagerUrl": PAGERDUTY_URL, "PagerSecret": "0" * 32}
    changes["NotificationEmail"] = "oncall@example.com"
    changes |= {"AcknowledgeMinutes": "60", "SecondContactEmail": "second@example.com"}
    changes |= {"Team1": "payments", "Team1Email": "payments@example.com"}
    changes["Team1PagerSecret"] = "1" * 32
    changes |= {"InvestigatorUrl": INVESTIGATOR_URL, "InvestigatorSecret": "token-of-nobody"}
    changes["InvestigatorKind"] = "devops-agent"
    changes["MorningDigestHour"] = "7"
    told = folder / "notifications.jsonl"
    local_aws = running_local_aws(folder / "aws", alarm_pace=PACE, alarm_interval=0.5)
    with local_aws as (aws, _process), _pager(aws, told):
        changes |= slack_app(aws)
        outputs = deploy(
            application, built, aws, children, parameter_overrides(application, changes)
        )
        # Slack is away here, which is another test's subject: nothing is told there.
        aws.client("events").disable_rule(
            Name="sre-chat-cards", EventBusName=outputs["EventBusName"]
        )
        catalogue = runbooks.load(RUNBOOKS)
        runbooks.publish(aws.client("dynamodb"), outputs["RunbookTableName"], catalogue)
        yield Deployment(aws, outputs, told)
