"""The function's environment, checked once when the container starts.

A wrong environment stops the function at once with every fault named, instead of failing in the
middle of a remediation.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import cast

from runbook_action.gitops import POLICIES, Policy

_LABEL_VALUE = re.compile(r"[A-Za-z0-9]([A-Za-z0-9_.-]{0,98}[A-Za-z0-9])?")
_CLUSTER_ARN = re.compile(r"arn:[a-z-]+:eks:[a-z0-9-]+:\d{12}:cluster/([A-Za-z0-9_-]{1,100})")
_DOCUMENT_ARN = re.compile(
    r"arn:[a-z-]+:ssm:[a-z0-9-]+:(\d{12})?:automation-definition/([A-Za-z0-9_.-]{3,128})"
    r"(?::(\*|\$DEFAULT|\$LATEST|[1-9]\d{0,9}))?"
)
_DEFAULT_VERSION = "$DEFAULT"
_FUNCTION_ARN = re.compile(r"arn:[a-z-]+:lambda:[a-z0-9-]+:\d{12}:function:([A-Za-z0-9_-]{1,64})")
_CHECK_URL = re.compile(r"([A-Za-z0-9_-]{1,64})=(https://[A-Za-z0-9.-]+(:\d+)?(/[^\s#@]*)?)")
_WORKSPACE_ARN = re.compile(r"arn:[a-z-]+:aps:[a-z0-9-]+:\d{12}:workspace/ws-[A-Za-z0-9-]{1,60}")
#: As a path of the API server has it; the same text is the resourceName of RBAC.
_SERVICE = re.compile(
    r"([a-z0-9][a-z0-9-]{0,61}[a-z0-9])/((?:https?:)?[a-z][a-z0-9-]{0,61}[a-z0-9]:[a-z0-9-]{1,15})"
)
_ROLE_ARN = re.compile(r"arn:[a-z-]+:iam::\d{12}:role/[\w+=,.@/-]{1,512}")

_SECONDS = re.compile(r"[0-9]{1,6}")
_COUNT = re.compile(r"1?[0-9]|20")

_FORMS = {
    "AUTOMATION_DOCUMENT_ARNS": "arn:aws:ssm:REGION:ACCOUNT:automation-definition/NAME:* or NAME:3",
    "CHECK_FUNCTION_ARNS": "arn:aws:lambda:REGION:ACCOUNT:function:NAME",
    "CHECK_URLS": "NAME=https://HOST/PATH",
}


class InvalidSettings(ValueError):
    """The environment of the function is not usable. The message lists every fault."""


@dataclass(frozen=True)
class Settings:
    """What the deployment decides.

    Attributes
    ----------
    clusters
        Allow-list: value of an alert's ``cluster`` label → name of the EKS cluster.
    default_cluster
        Key of ``clusters`` used when an alert names no cluster.
    remediation_role_arn
        Role whose identity the clusters know by an access entry.
    degraded_mode_parameter
        Name of the SSM parameter that checkout reads.
    degraded_mode_key_id
        KMS key (id, ARN or alias) that encrypts the parameter.
    runbooks_table
        Table of the published catalogue.
    guard_table
        DynamoDB table that keeps the leases, beside the locks of the state machines.
    allowed_namespaces
        Namespaces in which a target may be; never empty.
    only_annotated
        Whether an object must be annotated with ``sre-platform/remediation: "on"`` to be acted on.
    region
        AWS region of the function and of its clusters.
    automation_documents
        Automation documents that ``run_automation`` may start: name → version.
    correlation_window_seconds
        By how much the alerts of a cause and its child may have begun apart; 0 relates nothing.
    prometheus_workspace
        ARN of the workspace of Amazon Managed Prometheus that is asked; empty for none.
    prometheus_service
        Namespace of the Service of a Prometheus in the cluster, and its name and port as the API
        server's proxy takes them (``prometheus-k8s:9090``); None for none.
    check_functions, check_urls
        Checks of the teams' own for ``invoke_check``: name → ARN of a Lambda, or HTTPS address.
    evidence_bucket
        Bucket that keeps the evidence of incidents; empty: none is kept.
    gitops_policy
        What becomes of a step whose fields Git decides: ``ask``, ``escalate`` or ``act``.
    chat_role
        Name of the role of ``chat-actions``, which speaks for people in Slack; empty for none.
    ask_after_unhelped
        After how many remediations of a target in a row that were not seen to help a runbook asks
        first; 0: never.
    """

    clusters: Mapping[str, str]
    default_cluster: str
    remediation_role_arn: str
    degraded_mode_parameter: str
    degraded_mode_key_id: str
    runbooks_table: str
    guard_table: str
    allowed_namespaces: frozenset[str]
    region: str
    automation_documents: Mapping[str, str] = field(default_factory=dict)
    check_functions: Mapping[str, str] = field(default_factory=dict)
    check_urls: Mapping[str, str] = field(default_factory=dict)
    only_annotated: bool = False
    correlation_window_seconds: int = 900
    evidence_bucket: str = ""
    prometheus_workspace: str = ""
    prometheus_service: tuple[str, str] | None = None
    gitops_policy: Policy = "escalate"
    chat_role: str = ""
    ask_after_unhelped: int = 3

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Settings:
        """Read and check the environment.

        Raises
        ------
        InvalidSettings
            If anything is missing or malformed; all faults are in the one message.
        """
        faults: list[str] = []

        def required(name: str) -> str:
            value = environment.get(name, "").strip()
            if not value:
                faults.append(f"{name} is missing")
            return value

        clusters = _clusters(required("CLUSTERS"), faults)
        default_cluster = required("DEFAULT_CLUSTER")
        if default_cluster and default_cluster not in clusters:
            faults.append(f"DEFAULT_CLUSTER {default_cluster!r} is not among CLUSTERS")
        role = required("REMEDIATION_ROLE_ARN")
        if role and not _ROLE_ARN.fullmatch(role):
            faults.append(f"REMEDIATION_ROLE_ARN {role!r} is not the ARN of an IAM role")
        parameter = required("DEGRADED_MODE_PARAMETER")
        if parameter and not parameter.startswith("/"):
            faults.append(f"DEGRADED_MODE_PARAMETER {parameter!r} does not start with '/'")
        key = required("DEGRADED_MODE_KMS_KEY_ID")
        runbooks_table = required("RUNBOOKS_TABLE")
        guard_table = required("GUARD_TABLE")
        namespaces = frozenset(
            name for part in required("ALLOWED_NAMESPACES").split(",") if (name := part.strip())
        )
        only_annotated = environment.get("REMEDIATE_ONLY_ANNOTATED", "").strip() or "false"
        if only_annotated not in ("true", "false"):
            faults.append(f"REMEDIATE_ONLY_ANNOTATED {only_annotated!r} is neither true nor false")
        region = environment.get("AWS_REGION") or environment.get("AWS_DEFAULT_REGION") or ""
        if not region:
            faults.append("AWS_REGION is missing (Lambda sets it)")
        window = environment.get("CORRELATION_WINDOW_SECONDS", "").strip() or "900"
        if not _SECONDS.fullmatch(window):
            faults.append(f"CORRELATION_WINDOW_SECONDS {window!r} is no number of seconds")
        unhelped = environment.get("ASK_AFTER_UNHELPED", "").strip() or "3"
        if not _COUNT.fullmatch(unhelped):
            faults.append(f"ASK_AFTER_UNHELPED {unhelped!r} is no number from 0 to 20")
        documents = _documents(environment, faults)
        functions = {
            found[1]: found[0]
            for found in _listed(environment, "CHECK_FUNCTION_ARNS", _FUNCTION_ARN, faults)
        }
        urls = {
            found[1]: found[2] for found in _listed(environment, "CHECK_URLS", _CHECK_URL, faults)
        }
        faults.extend(
            f"{name} is both in CHECK_FUNCTION_ARNS and in CHECK_URLS"
            for name in sorted(functions.keys() & urls.keys())
        )
        workspace = environment.get("PROMETHEUS_WORKSPACE_ARN", "").strip()
        if workspace and not _WORKSPACE_ARN.fullmatch(workspace):
            faults.append(f"PROMETHEUS_WORKSPACE_ARN {workspace!r} is not the ARN of a workspace")
        service_text = environment.get("PROMETHEUS_SERVICE", "").strip()
        service = _SERVICE.fullmatch(service_text)
        if service_text and service is None:
            faults.append(f"PROMETHEUS_SERVICE {service_text!r} is not NAMESPACE/NAME:PORT")
        git = environment.get("GITOPS_POLICY", "").strip() or "escalate"
        if git not in POLICIES:
            faults.append(f"GITOPS_POLICY {git!r} is none of {', '.join(POLICIES)}")
        if workspace and service_text:
            faults.append("PROMETHEUS_WORKSPACE_ARN and PROMETHEUS_SERVICE are both given")
        if faults:
            raise InvalidSettings(
                "runbook-action cannot start: " + "; ".join(faults) + ". Correct the function's "
                "environment in template.yaml and deploy again."
            )
        return cls(
            clusters,
            default_cluster,
            role,
            parameter,
            key,
            runbooks_table,
            guard_table,
            namespaces,
            region,
            documents,
            functions,
            urls,
            only_annotated == "true",
            int(window),
            environment.get("EVIDENCE_BUCKET", "").strip(),
            workspace,
            (service[1], service[2]) if service else None,
            cast("Policy", git),
            environment.get("CHAT_ROLE_NAME", "").strip(),
            int(unhelped),
        )


def _clusters(text: str, faults: list[str]) -> Mapping[str, str]:
    """Read ``NAME``, ``LABEL=NAME`` or the ARN of an EKS cluster, several with commas."""
    clusters: dict[str, str] = {}
    for entry in filter(None, (part.strip() for part in text.split(","))):
        label, separator, cluster = entry.rpartition("=")
        name = found[1] if (found := _CLUSTER_ARN.fullmatch(cluster)) else cluster
        if not _LABEL_VALUE.fullmatch(name) or (separator and not _LABEL_VALUE.fullmatch(label)):
            faults.append(f"CLUSTERS: {entry!r} is not NAME, LABEL=NAME or the ARN of a cluster")
        clusters[label or name] = name
    return clusters


def _documents(environment: Mapping[str, str], faults: list[str]) -> Mapping[str, str]:
    """Read the automation documents; of each one version, as a runbook names none."""
    documents: dict[str, str] = {}
    for found in _listed(environment, "AUTOMATION_DOCUMENT_ARNS", _DOCUMENT_ARN, faults):
        name, version = found[2], _DEFAULT_VERSION if found[3] in (None, "*") else found[3]
        if documents.setdefault(name, version) != version:
            faults.append(f"AUTOMATION_DOCUMENT_ARNS has two versions of {name}: leave one")
    return documents


def _listed(
    environment: Mapping[str, str], name: str, form: re.Pattern[str], faults: list[str]
) -> list[re.Match[str]]:
    """Read a list that may be empty, with commas, each entry of one form."""
    found = []
    for entry in filter(None, (part.strip() for part in environment.get(name, "").split(","))):
        if match := form.fullmatch(entry):
            found.append(match)
        else:
            faults.append(f"{name}: {entry!r} is not of the form {_FORMS[name]}")
    return found
