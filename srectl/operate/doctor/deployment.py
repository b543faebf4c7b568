"""The deployment that is examined: its stack as CloudFormation tells it, asked for once."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from botocore.exceptions import ClientError

from srectl.errors import CommandFailed
from srectl.operate.account import Account
from srectl.operate.doctor import template_text
from srectl.operate.doctor.inspection import inspected
from srectl.operate.refusals import calling

if TYPE_CHECKING:
    from mypy_boto3_apigateway import APIGatewayClient
    from mypy_boto3_cloudformation import CloudFormationClient
    from mypy_boto3_cloudwatch import CloudWatchClient

__all__ = ["Deployment", "NoStack", "Resource", "Stack"]

_USUAL_NAME = "sre-platform"
# The last ones are those that speak IPv6, too (AWS_USE_DUALSTACK_ENDPOINT).
_OF_AWS = (".amazonaws.com", ".amazonaws.com.cn", ".api.aws", ".api.amazonwebservices.com.cn")


@dataclass(frozen=True)
class Resource:
    """One resource of the stack, by the name that AWS has for it."""

    logical_id: str
    kind: str
    physical_id: str


@dataclass(frozen=True)
class Stack:
    """The stack as it was deployed.

    Attributes
    ----------
    status, reason
        Of CloudFormation.
    changed_at
        When it was created or last updated.
    """

    name: str
    status: str
    reason: str
    changed_at: datetime.datetime
    parameters: Mapping[str, str]
    outputs: Mapping[str, str]

    def parameter(self, name: str, otherwise: str = "") -> str:
        """Give a parameter; a template of before it has none."""
        return self.parameters.get(name, otherwise)


class NoStack(CommandFailed):
    """There is nothing to examine."""


class Deployment:
    """What the checks look at.

    Parameters
    ----------
    account
        Where it is.
    root
        The checkout that it is compared with.
    stack_name
        Name of its CloudFormation stack; None: the stack that the function alert-ingest is of.
    key_file
        File with an API key that a sender uses, to be tried as well.
    now
        Gives this machine's time.
    """

    def __init__(
        self,
        account: Account,
        root: Path,
        *,
        stack_name: str | None = None,
        key_file: Path | None = None,
        now: Callable[[], datetime.datetime] = lambda: datetime.datetime.now(datetime.UTC),
    ) -> None:
        self.account = account
        self.root = root
        self.key_file = key_file
        self.now = now
        self._stack_name = stack_name

    @cached_property
    def cloudformation(self) -> CloudFormationClient:
        """Client for the stack."""
        return cast("CloudFormationClient", self.account.client("cloudformation"))

    @cached_property
    def cloudwatch(self) -> CloudWatchClient:
        """Client for the alarms."""
        return cast("CloudWatchClient", self.account.client("cloudwatch"))

    @cached_property
    def apigateway(self) -> APIGatewayClient:
        """Client for the API and its keys."""
        return cast("APIGatewayClient", self.account.client("apigateway"))

    @property
    def endpoint(self) -> str:
        """Address of an AWS that is none, such as the one-machine stack's; empty for AWS."""
        url = str(self.cloudformation.meta.endpoint_url)
        host = url.partition("://")[2].partition("/")[0].partition(":")[0]
        return "" if host.endswith(_OF_AWS) else url

    @property
    def deploy_again(self) -> str:
        """What one types to bring the deployment to what the checkout says."""
        return (
            "'srectl local down', then 'srectl local up'"
            if self.endpoint
            else "'sam build && sam deploy'"
        )

    def deploy_with(self, parameter: str, value: str) -> str:
        """Give what one types to deploy with another value of a parameter."""
        if self.endpoint:
            return f"'srectl local down', then 'srectl local up --set {parameter}={value}'"
        return f"deploy with {parameter}={value}"

    @property
    def namespaces(self) -> list[str]:
        """AllowedNamespaces of the stack."""
        given = self.stack.parameter("AllowedNamespaces", "apps")
        return [each.strip() for each in given.split(",") if each.strip()]

    def bring_back(self, resource: str) -> str:
        """Say how a resource is made again that somebody has deleted: CloudFormation cannot see it.

        Parameters
        ----------
        resource
            Its logical id, or what it is.
        """
        if self.endpoint:
            return self.deploy_again
        return (
            f"CloudFormation does not see that: deploy once without {resource} in template.yaml "
            f"and once with it ({self.deploy_again})"
        )

    @cached_property
    def stack(self) -> Stack:
        """The stack.

        Raises
        ------
        CommandFailed
            It cannot be read, or is not there.
        """
        name = self._stack_name or self._name_by_function()
        with calling(f"stack {name} could not be read"):
            try:
                found = self.cloudformation.describe_stacks(StackName=name)["Stacks"][0]
            except ClientError as error:
                if error.response.get("Error", {}).get("Code") != "ValidationError":
                    raise
                raise NoStack(
                    f"there is no stack {name}",
                    "is the platform deployed in this account and region, and is --prefix its "
                    "NamePrefix? --stack names another stack, 'aws cloudformation list-stacks' all",
                ) from error
        return Stack(
            name=found["StackName"],
            status=found["StackStatus"],
            reason=found.get("StackStatusReason", ""),
            changed_at=found.get("LastUpdatedTime") or found["CreationTime"],
            parameters={
                each["ParameterKey"]: each.get("ParameterValue", "")
                for each in found.get("Parameters", [])
            },
            outputs={
                each["OutputKey"]: each.get("OutputValue", "") for each in found.get("Outputs", [])
            },
        )

    def find(self) -> None:
        """See that there is something to examine; who may not see that is told so by each check.

        Raises
        ------
        NoStack
            There is no such stack.
        CommandFailed
            No client of AWS can be made.
        """
        _ = self.cloudformation
        try:
            _ = self.stack
        except NoStack:
            raise
        except CommandFailed:
            return

    @cached_property
    def template(self) -> dict[str, Any]:
        """The template as it was sent to CloudFormation.

        Raises
        ------
        CommandFailed
            It cannot be read.
        """
        name = self.stack.name
        with calling(f"the template of stack {name} could not be read"):
            body: Any = self.cloudformation.get_template(StackName=name, TemplateStage="Original")[
                "TemplateBody"
            ]
        try:
            return template_text.read(body)
        except template_text.Unreadable as error:
            raise CommandFailed(f"of stack {name}: {error}", self.deploy_again) from error

    def _name_by_function(self) -> str:
        """Ask whose the function is; who may not ask that, or cannot, has the usual name."""
        try:
            found = self.cloudformation.describe_stack_resources(
                PhysicalResourceId=self.account.ingest_function
            )["StackResources"]
        except ClientError:
            return _USUAL_NAME
        names = [each["StackName"] for each in found if "StackName" in each]
        return names[0] if names else _USUAL_NAME

    @cached_property
    def resources(self) -> list[Resource]:
        """Every resource of the stack that was made."""
        name = self.stack.name
        with calling(f"the resources of stack {name} could not be listed"):
            pages = self.cloudformation.get_paginator("list_stack_resources").paginate(
                StackName=name
            )
            return [
                Resource(
                    each["LogicalResourceId"], each["ResourceType"], each["PhysicalResourceId"]
                )
                for page in pages
                for each in page["StackResourceSummaries"]
                if each.get("PhysicalResourceId")
            ]

    def of_kind(self, *kinds: str) -> list[Resource]:
        """Give the resources of some CloudFormation types, by their logical ids."""
        return sorted(
            (each for each in self.resources if each.kind in kinds),
            key=lambda each: each.logical_id,
        )

    def output(self, name: str) -> str:
        """Give an output of the stack.

        Raises
        ------
        CommandFailed
            The stack has none of that name.
        """
        value = self.stack.outputs.get(name)
        if not value:
            raise CommandFailed(
                f"stack {self.stack.name} has no output {name}", f"{self.deploy_again} brings it"
            )
        return value

    @cached_property
    def clusters(self) -> list[str]:
        """Names of the EKS clusters that runbook-action may act on, the default one first."""
        listed = self.stack.parameter("MoreClusterArns").split(",")
        more = [each.strip().rpartition("/")[2] for each in listed if each.strip()]
        return [self.stack.parameter("ClusterName", "sre-platform"), *more]

    @cached_property
    def inspections(self) -> dict[str, dict[str, Any]]:
        """What runbook-action itself says of each cluster; a failed call has an ``errorType``.

        Raises
        ------
        CommandFailed
            The function cannot be called at all.
        """
        return {cluster: inspected(self.account, cluster) for cluster in self.clusters}
