"""The two deployments: built once, deployed with the parameters of docs/regions.md."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from onemachine.aws.local_aws import LocalAws
from onemachine.project import PROJECT_ROOT
from onemachine.stack.children import Children
from onemachine.stack.deploy import Application, build, deploy, parameter_overrides

EAST, WEST = "us-east-1", "us-west-2"
STANDBY_SECONDS = 8
_WEST_PREFIX, _WEST_STACK = "west-", "sre-platform-west"
_TABLE = "sre-incidents"
# No cluster: every alert is for a human.
_CHANGES = {"RemediationMode": "off", "Canary": "off", "SetApiGatewayRole": "true"}


@dataclass(frozen=True)
class Region:
    """A deployed stack.

    Parameters
    ----------
    aws : LocalAws
        The local AWS, as its region's.
    outputs : mapping
        Of the stack.
    prefix : str
        Its ``NamePrefix``.
    """

    aws: LocalAws
    outputs: dict[str, str]
    prefix: str

    @property
    def webhook(self) -> str:
        """Its address on this machine."""
        api = self.outputs["WebhookApiId"]
        return f"{self.aws.endpoint_url}/_aws/execute-api/{api}/live/webhook"

    @property
    def api_key(self) -> str:
        """The key of everybody."""
        answer = self.aws.client("apigateway").get_api_key(
            apiKey=self.outputs["WebhookApiKeyId"], includeValue=True
        )
        return str(answer["value"])

    def in_hand(self) -> int:
        """Count the incidents that a runbook of this region has claimed."""
        table = self.outputs["GuardTableName"]
        items = self.aws.client("dynamodb").scan(TableName=table, ConsistentRead=True)["Items"]
        return sum("runbook_execution" in item for item in items)


def deploy_both(aws: LocalAws, folder: Path, children: Children) -> tuple[Region, Region]:
    """Deploy the stack that stands by, the one that acts, and what holds alerts."""
    application = Application(
        PROJECT_ROOT, PROJECT_ROOT / "template.yaml", PROJECT_ROOT / "build" / "sam"
    )
    built, _anew = build(application, children)
    there = replace(aws, region=WEST)
    west = _deploy(
        *(application, built, there, children, folder),
        {
            "NamePrefix": _WEST_PREFIX,
            "StandbyFor": EAST,
            "SharedIncidentTable": _TABLE,
        },
    )
    key = there.client("kms").describe_key(KeyId=f"alias/{_WEST_PREFIX}sre-platform")
    key_arn = key["KeyMetadata"]["Arn"]
    east = _deploy(
        *(application, built, aws, children, folder),
        {
            "IncidentReplicaRegion": WEST,
            "IncidentReplicaKeyArn": key_arn,
            "IncidentReplicaWriterArns": f"arn:aws:iam::{aws.account_id}:role/{_WEST_PREFIX}sre-*",
        },
    )
    parameters = {
        "NamePrefix": _WEST_PREFIX,
        "IncidentTableName": _TABLE,
        "StandbySeconds": str(STANDBY_SECONDS),
        "PlatformKeyArn": key_arn,
    }
    stacks, name = there.client("cloudformation"), f"{_WEST_STACK}-standby"
    stacks.create_stack(
        StackName=name,
        TemplateBody=(PROJECT_ROOT / "eks" / "standby.yaml").read_text("utf-8"),
        Parameters=[{"ParameterKey": k, "ParameterValue": v} for k, v in parameters.items()],
        Capabilities=["CAPABILITY_NAMED_IAM"],
    )
    stacks.get_waiter("stack_create_complete").wait(
        StackName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 60}
    )
    return east, west


def _deploy(
    application: Application,
    built: Path,
    aws: LocalAws,
    children: Children,
    folder: Path,
    changes: dict[str, str],
) -> Region:
    # SAM takes the region of its file before that of the environment.
    config = folder / aws.region / "samconfig.toml"
    config.parent.mkdir(exist_ok=True)
    text = application.config_file.read_text("utf-8")
    # Roles are of all regions, and the local IAM makes their names from the stack's.
    stack = "sre-platform" if aws.region == EAST else _WEST_STACK
    for old, new in ((f'"{EAST}"', f'"{aws.region}"'), ('"sre-platform"', f'"{stack}"')):
        text = text.replace(old, new)
    config.write_text(text, "utf-8")
    here = _Elsewhere(application.root, application.template, application.builds, config)
    outputs = deploy(
        here, built, aws, children, parameter_overrides(application, {**_CHANGES, **changes})
    )
    return Region(aws, dict(outputs.values), changes.get("NamePrefix", ""))


@dataclass(frozen=True)
class _Elsewhere(Application):
    """The project, deployed by another configuration than its own."""

    config: Path

    @property
    def config_file(self) -> Path:
        return self.config
