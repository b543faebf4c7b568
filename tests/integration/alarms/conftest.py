"""The shipped template on a local AWS whose alarms' clock runs quicker."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from onemachine.project import PROJECT_ROOT
from onemachine.stack.children import Children
from onemachine.stack.deploy import Application, build, deploy, parameter_overrides
from onemachine.stack.state import StackFolder
from srectl import runbooks
from tests.integration.alarms.platform import PACE, Deployment
from tests.integration.local_aws_fixtures import running_local_aws


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
    changes["Sender1"] = "busy=alertmanager"
    with running_local_aws(folder / "aws", alarm_pace=PACE, alarm_interval=0.5) as (aws, _process):
        outputs = deploy(
            application, built, aws, children, parameter_overrides(application, changes)
        )
        catalogue = runbooks.load(PROJECT_ROOT / "runbooks")
        runbooks.publish(aws.client("dynamodb"), outputs["RunbookTableName"], catalogue)
        deployment = Deployment(aws, outputs)
        yield deployment
        deployment.close()
