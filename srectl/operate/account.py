"""The account to work on: its clients, and the names of the template in it."""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import boto3
import click
from botocore.config import Config

from srectl.operate import environments
from srectl.operate.environments import Environment
from srectl.operate.refusals import calling, explained

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_events import EventBridgeClient
    from mypy_boto3_lambda import LambdaClient
    from mypy_boto3_logs import CloudWatchLogsClient
    from mypy_boto3_sns import SNSClient
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_ssm import SSMClient
    from mypy_boto3_stepfunctions import SFNClient
    from mypy_boto3_sts import STSClient

# One plan may take as long as the function's own timeout (120 s) before it is given up.
_CONFIG = Config(connect_timeout=5, read_timeout=130, retries={"mode": "standard"})


@dataclass(frozen=True)
class Account:
    """An AWS account with one deployment of template.yaml in it.

    Parameters
    ----------
    prefix
        NamePrefix of the deployment.
    shared
        SharedIncidentTable of the deployment; empty where it has a table of incidents of its own.
    """

    prefix: str = ""
    shared: str = ""

    @property
    def incidents_table(self) -> str:
        """Name of the table of incident records."""
        return self.shared or f"{self.prefix}sre-incidents"

    @property
    def runbooks_table(self) -> str:
        """Name of the published catalogue."""
        return f"{self.prefix}sre-runbooks"

    @property
    def guard_table(self) -> str:
        """Name of the table of locks and cooldowns."""
        return f"{self.prefix}sre-remediation-guard"

    @property
    def evidence_bucket(self) -> str:
        """Name of the bucket with the evidence of incidents.

        Raises
        ------
        CommandFailed
            Who the caller is cannot be found out.
        """
        return f"{self.prefix}sre-evidence-{self._identity[1]}-{self.sts.meta.region_name}"

    @property
    def mode_parameter(self) -> str:
        """Name of the kill switch."""
        return f"/{self.prefix}sre-platform/remediation-mode"

    @property
    def maintenance_parameter(self) -> str:
        """Name of the list of maintenance windows."""
        return f"/{self.prefix}sre-platform/maintenance-windows"

    @property
    def own_modes_parameter(self) -> str:
        """Name of the modes that single runbooks were switched to."""
        return f"/{self.prefix}sre-platform/runbook-modes"

    @property
    def bus(self) -> str:
        """Name of the bus."""
        return f"{self.prefix}sre-platform-events"

    @property
    def audit_log_group(self) -> str:
        """Name of the audit log."""
        return f"/aws/events/{self.prefix}sre-platform-audit"

    @property
    def ingest_function(self) -> str:
        """Name of the function that takes alerts in."""
        return f"{self.prefix}alert-ingest"

    @property
    def action_function(self) -> str:
        """Name of the function that acts."""
        return f"{self.prefix}runbook-action"

    def arn(self, service: str, resource: str) -> str:
        """Give an ARN in this account and region.

        Raises
        ------
        CommandFailed
            Who the caller is cannot be found out.
        """
        partition, account_id = self._identity
        region = self.sts.meta.region_name
        return f"arn:{partition}:{service}:{region}:{account_id}:{resource}"

    @property
    def recorder_arn(self) -> str:
        """ARN of the state machine that keeps the records."""
        return self.arn("states", f"stateMachine:{self.prefix}incident-recorder")

    @property
    def runbook_arn(self) -> str:
        """ARN of the state machine that remediates."""
        return self.arn("states", f"stateMachine:{self.prefix}incident-response-runbook")

    @property
    def step_arn(self) -> str:
        """ARN of the state machine of which each step of a runbook is an execution."""
        return self.arn("states", f"stateMachine:{self.prefix}remediation-step")

    @property
    def restorer_arn(self) -> str:
        """ARN of the state machine that brings back what steps took away."""
        return self.arn("states", f"stateMachine:{self.prefix}incident-restorer")

    @property
    def notifier_arn(self) -> str:
        """ARN of the state machine that tells people of incidents."""
        return self.arn("states", f"stateMachine:{self.prefix}incident-notifier")

    @property
    def morning_digest_arn(self) -> str:
        """ARN of the state machine that tells by mail what a night was."""
        return self.arn("states", f"stateMachine:{self.prefix}morning-digest")

    @property
    def climber_arn(self) -> str:
        """ARN of the state machine that waits for somebody, or for a runbook's verdict."""
        return self.arn("states", f"stateMachine:{self.prefix}incident-climber")

    @property
    def topic_arn(self) -> str:
        """ARN of the topic of all notifications."""
        return self.arn("sns", f"{self.prefix}sre-incident-notifications")

    @property
    def notice_topic_arn(self) -> str:
        """ARN of the topic that services of AWS tell what needs no runbook."""
        return self.arn("sns", f"{self.prefix}sre-notices")

    @property
    def bus_arn(self) -> str:
        """ARN of the bus."""
        return self.arn("events", f"event-bus/{self.bus}")

    @property
    def archive_arn(self) -> str:
        """ARN of the archive, which is named like the bus."""
        return self.arn("events", f"archive/{self.bus}")

    @cached_property
    def caller(self) -> str:
        """ARN of who calls, as AWS says it."""
        with calling("who you are could not be found out"):
            return str(self.sts.get_caller_identity()["Arn"])

    def rule_arn(self, rule: str) -> str:
        """Give the ARN of a rule by its name without the prefix."""
        return self.arn("events", f"rule/{self.bus}/{self.prefix}{rule}")

    @cached_property
    def _identity(self) -> tuple[str, str]:
        with calling("the AWS account could not be found out"):
            caller = self.sts.get_caller_identity()
        return caller["Arn"].split(":")[1], caller["Account"]

    @cached_property
    def dynamodb(self) -> DynamoDBClient:
        """Client for the tables."""
        client: DynamoDBClient = self._client("dynamodb")
        return client

    @cached_property
    def cloudformation(self) -> Any:
        """Client for the stack."""
        return self._client("cloudformation")

    @cached_property
    def events(self) -> EventBridgeClient:
        """Client for the bus, its rules and its archive."""
        client: EventBridgeClient = self._client("events")
        return client

    @cached_property
    def functions(self) -> LambdaClient:
        """Client for the functions."""
        client: LambdaClient = self._client("lambda")
        return client

    @cached_property
    def logs(self) -> CloudWatchLogsClient:
        """Client for the log groups."""
        client: CloudWatchLogsClient = self._client("logs")
        return client

    @cached_property
    def sns(self) -> SNSClient:
        """Client for the topic."""
        client: SNSClient = self._client("sns")
        return client

    @cached_property
    def sqs(self) -> SQSClient:
        """Client for the queues."""
        client: SQSClient = self._client("sqs")
        return client

    @cached_property
    def ssm(self) -> SSMClient:
        """Client for the switches."""
        client: SSMClient = self._client("ssm")
        return client

    @cached_property
    def states(self) -> SFNClient:
        """Client for the state machines."""
        client: SFNClient = self._client("stepfunctions")
        return client

    @cached_property
    def sts(self) -> STSClient:
        """Client that tells who we are."""
        client: STSClient = self._client("sts")
        return client

    @cached_property
    def _environment(self) -> Environment | None:
        found = environments.nearest()
        if found is not None:
            click.echo(f"no AWS account is chosen: this is {found.what}", err=True)
        return found

    @property
    def session(self) -> boto3.session.Session:
        """The credentials and the region that are used, to sign with."""
        return self._session

    @cached_property
    def _session(self) -> boto3.session.Session:
        here = self._environment
        if here is None:
            chosen = boto3.session.Session()
            # The AWS CLI and the other SDKs prefer AWS_REGION, which boto3 does not know.
            return boto3.session.Session(
                region_name=os.environ.get("AWS_REGION") or chosen.region_name
            )
        return boto3.session.Session(here.access_key_id, here.secret_access_key, None, here.region)

    def client(self, service: str) -> Any:
        """Give the client for a service that has no property of its own here."""
        made: dict[str, Any] = self._made
        if service not in made:
            made[service] = self._client(service)
        return made[service]

    @cached_property
    def _made(self) -> dict[str, Any]:
        return {}

    def _client(self, service: Any) -> Any:
        endpoint = self._environment.endpoint_url if self._environment else None
        with calling("AWS cannot be used"):
            try:
                return self._session.client(service, endpoint_url=endpoint, config=_CONFIG)
            except ValueError as error:  # a setting that the SDK cannot read, such as an address
                raise explained("AWS cannot be used", error) from error
