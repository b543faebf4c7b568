"""The parts of the one-machine stack: how each is started, and when it is ready.

Everything listens on loopback.
"""

from __future__ import annotations

import http.client
import json
import secrets
import shutil
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from onemachine.aws.local_aws import (
    OPERATOR_ACCESS_KEY_ID,
    LocalAws,
    LocalAwsError,
)
from onemachine.binaries import COMPONENTS, find
from onemachine.kubernetes import ControlPlane, ControlPlanePorts, ProcessSpec
from onemachine.monitoring import (
    KUBERNETES_RULES,
    QUICK,
    REALISTIC,
    SHIPPED_RULES,
    Alertmanager,
    KubeStateMetrics,
    Prometheus,
)
from onemachine.node import NodeAgent, choose_pod_range, write_image_map
from onemachine.processes.managed import ManagedProcess
from onemachine.processes.ports import free_port
from onemachine.processes.waiting import wait_until
from onemachine.project import PROJECT_ROOT
from onemachine.receiver import (
    CHANNELS,
    INVESTIGATOR_URL,
    PAGERDUTY_URL,
    SLACK_URL,
    NotificationReceiver,
    beside,
)
from onemachine.stack.checkout import LOCAL_IMAGE, MANIFESTS, checkout_image
from onemachine.stack.deploy import Application, StackOutputs, build, deploy, parameter_overrides
from onemachine.stack.manifests import apply
from onemachine.stack.names import (
    CLUSTER_NAME,
    DEGRADED_MODE_PARAMETER,
    DEPLOYMENT,
    NAMESPACE,
    RECORDING_MACHINES,
    REMEDIATION_GROUP,
    TELLING_MACHINES,
)
from onemachine.stack.stages import Report
from onemachine.stack.workbench import Workbench
from onemachine.traffic import ORDERS_PER_SECOND, Traffic
from srectl import runbooks
from srectl.private_files import write_private

__all__ = ["Parts", "StackOptions"]

_KEY_ALIAS = "alias/sre-platform"
_REMEDIATION_ROLE = "checkout-remediation-role"
_WORKSPACE = "ws-local"
_NODES = ("node-a", "node-b")
# Whose process ends is not waited for any longer, so this is for the slowest of machines.
_READY_SECONDS = 180.0
_SCRAPES_UNTIL_SEEN = 3

# The numbers of production; the short ones are in samconfig.toml.
_PRODUCTION_WAITS = {
    "StabilizationSeconds": "60",
    "VerifyIntervalSeconds": "15",
    "VerifyTimeoutSeconds": "300",
    "EndHeardSeconds": "360",
    "CauseWaitSeconds": "30",
    "FindingsWaitSeconds": "8",
    "ProgressIntervalSeconds": "10",
}

# Who is told, on this machine: the receiver, under names that nobody can have.
_TOLD = {
    "NotificationEmail": "oncall@example.com",
    # Longer than any demo.
    "AcknowledgeMinutes": "60",
    "SecondContactEmail": "second@example.com",
    "PagerKind": "pagerduty",
    "PagerUrl": PAGERDUTY_URL,
    "PagerSecret": "routing-key-of-nobody-0123456789",
    "SlackWebhookUrl": SLACK_URL,
    "InvestigatorUrl": INVESTIGATOR_URL,
    "InvestigatorSecret": "token-of-nobody-0123456789",
}

_PODS_SEEN = "count(up%3D%3D1)"

# No proxy: every address here is this machine's own.
_OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))
_PYTHON = {"PYTHONPATH": str(PROJECT_ROOT), "PYTHONUNBUFFERED": "1"}

# Which processes are stopped first (higher) and last: a process must not outlive what it needs.
_WAVE_STORAGE, _WAVE_API, _WAVE_CONTROLLERS, _WAVE_PODS, _WAVE_EDGE = 1, 2, 3, 4, 5
_CONTROL_PLANE_WAVES = {
    "etcd": _WAVE_STORAGE,
    "kube-apiserver": _WAVE_API,
    "kube-controller-manager": _WAVE_CONTROLLERS,
    "kube-scheduler": _WAVE_CONTROLLERS,
}


@dataclass(frozen=True)
class StackOptions:
    """How the stack is to be.

    Parameters
    ----------
    template : Path
        SAM template to deploy.
    realistic : bool
        Waits of production instead of short ones.
    orders_per_second : float
        How many orders its customers send.
    metered : bool
        Count what AWS would charge for.
    cluster_metrics : bool
        Watch the cluster, too: kube-state-metrics runs, and alerts on workloads and nodes live.
    alertmanager_waits : bool
        Let Alertmanager group and repeat as it does by itself, five minutes between two turns.
    without_rules : tuple of str
        Files of the platform's own rules to leave out, by their names without the suffix.
    parameters : mapping
        Parameters of the template that are to have other values than this machine gives them.
    """

    template: Path
    realistic: bool = False
    orders_per_second: float = ORDERS_PER_SECOND
    metered: bool = False
    cluster_metrics: bool = False
    alertmanager_waits: bool = False
    without_rules: tuple[str, ...] = ()
    parameters: Mapping[str, str] = field(default_factory=dict)


@dataclass
class Parts:
    """What the stages share. Each attribute is written by one stage and read by those after it."""

    bench: Workbench
    options: StackOptions
    aws: LocalAws = field(init=False)
    control_plane: ControlPlane = field(init=False)
    application: Application = field(init=False)
    receiver: NotificationReceiver = field(init=False)
    pod_range: str = field(init=False)
    built: Path = field(init=False)
    outputs: StackOutputs = field(init=False)
    prometheus: Prometheus = field(init=False)
    kube_state_metrics: KubeStateMetrics | None = field(init=False, default=None)
    kubelet_port: int = field(init=False, default=0)
    alertmanager_port: int = field(init=False)

    def __post_init__(self) -> None:
        folder = self.bench.folder.path
        _clear(folder)
        self.aws = LocalAws(
            "127.0.0.1",
            free_port(),
            folder / "aws",
            secrets.token_urlsafe(24),
            metered=self.options.metered,
            steps_aside=TELLING_MACHINES,
            goes_first=RECORDING_MACHINES,
        )
        self.control_plane = ControlPlane(
            kubernetes_bin=find("kubernetes"),
            etcd_bin=find("etcd"),
            state_dir=folder / "kubernetes",
            ports=ControlPlanePorts(free_port(), free_port(), free_port()),
            cluster_name=CLUSTER_NAME,
            token_webhook_url=self.aws.webhook_token_url(CLUSTER_NAME),
            binds_volumes=self.options.cluster_metrics,
        )
        self.application = Application(
            PROJECT_ROOT, self.options.template, PROJECT_ROOT / "build" / "sam"
        )
        self.receiver = NotificationReceiver(
            free_port(), self.bench.folder.notifications_file, self.aws.endpoint_url
        )
        self.pod_range = choose_pod_range(self.bench.folder.name)
        self.alertmanager_port = free_port()
        if self.options.cluster_metrics:
            self.kubelet_port = free_port()
            self.kube_state_metrics = KubeStateMetrics(
                find("kube-state-metrics"),
                free_port(),
                free_port(),
                self.control_plane.kube_state_metrics_kubeconfig,
            )
        self.prometheus = Prometheus(
            find("prometheus"),
            folder / "monitoring" / "prometheus",
            free_port(),
            self.control_plane.prometheus_kubeconfig,
            f"127.0.0.1:{self.alertmanager_port}",
            pace=REALISTIC if self.options.realistic else QUICK,
            cluster=CLUSTER_NAME,
            namespace=NAMESPACE,
            rules=(
                *(each for each in SHIPPED_RULES if each.stem not in self.options.without_rules),
                *([KUBERNETES_RULES] if self.options.cluster_metrics else []),
            ),
            kube_state_metrics=self.kube_state_metrics.address if self.kube_state_metrics else "",
            kubelet=f"127.0.0.1:{self.kubelet_port}" if self.kubelet_port else "",
        )

    def start_aws(self, _report: Report) -> None:
        # The template wants https addresses in the internet; here they stand for the receiver. The
        # Prometheus comes later, and until then is one that does not answer.
        outside = {**self.receiver.outside, self.aws.workspaces_address: self.prometheus.url}
        write_private(self.aws.outbound_file, json.dumps(outside))
        process = self.bench.children.launch(
            "aws", self.aws.command(), self.aws.environment(), wave=_WAVE_STORAGE
        )
        wait_until(
            lambda: _ready(self.aws, process), "the local AWS to answer", _READY_SECONDS, process
        )
        secret_file = self.bench.folder.aws_secret_file
        write_private(secret_file, self.aws.operator_secret + "\n")
        self.bench.publish(
            {
                "aws_endpoint_url": self.aws.endpoint_url,
                "aws_secret_access_key_file": str(secret_file),
            },
            {
                "region": self.aws.region,
                "account_id": self.aws.account_id,
                "aws_access_key_id": OPERATOR_ACCESS_KEY_ID,
            },
        )

    def build(self, report: Report) -> None:
        report("building what changed (sam build)")
        self.built, anew = build(self.application, self.bench.children)
        report("built" if anew else "nothing changed since the last build")

    def start_control_plane(self, _report: Report) -> None:
        def launch(spec: ProcessSpec) -> ManagedProcess:
            return self.bench.children.launch(
                spec.name, spec.argv, spec.env, wave=_CONTROL_PLANE_WAVES[spec.name]
            )

        self.control_plane.start(launch)
        self.bench.publish(
            {
                "kubernetes_url": self.control_plane.endpoint,
                "kubeconfig": str(self.control_plane.admin_kubeconfig),
            },
            {"cluster": CLUSTER_NAME, "namespace": NAMESPACE, "deployment": DEPLOYMENT},
        )

    def start_receiver(self, _report: Report) -> None:
        process = self.bench.children.launch(
            "receiver", self.receiver.command(), self.receiver.environment(), wave=_WAVE_EDGE
        )
        wait_until(
            lambda: _answers(self.receiver.health_url),
            "the notification receiver",
            _READY_SECONDS,
            process,
        )
        self.bench.publish(
            {
                "notifications_file": str(self.receiver.file),
                "mail_file": str(self.aws.mail_file),
                # The receiver writes these beside it.
                **{
                    f"{channel}_file": str(beside(self.receiver.file, channel))
                    for channel in CHANNELS
                },
            }
        )

    def start_node_agent(self, _report: Report) -> None:
        folder = self.bench.folder.path / "node-agent"
        images = folder / "images.json"
        write_image_map(images, {LOCAL_IMAGE: checkout_image()})
        agent = NodeAgent(
            kubeconfig=self.control_plane.node_agent_kubeconfig,
            nodes=_NODES,
            state_dir=folder,
            pod_range=self.pod_range,
            images=images,
            aws_endpoint_url=self.aws.endpoint_url,
            aws_region=self.aws.region,
            metrics_port=self.kubelet_port,
        )
        process = self.bench.children.launch(
            "node-agent", agent.command(), agent.environment(), wave=_WAVE_PODS
        )
        wait_until(self._nodes_are_ready, "the nodes to be ready", _READY_SECONDS, process)
        self.bench.publish({}, {"pod_range": self.pod_range})

    def apply_manifests(self, _report: Report) -> None:
        allowed = self.options.parameters.get("AllowedNamespaces", NAMESPACE)
        apply(
            self.bench.children,
            MANIFESTS,
            self.control_plane.admin_kubeconfig,
            [name for name in allowed.split(",") if name],
        )

    def wait_for_pods(self, _report: Report) -> None:
        def ready() -> bool:
            path = f"/apis/apps/v1/namespaces/{NAMESPACE}/deployments/{DEPLOYMENT}"
            answer = self.control_plane.api_as("admin").call("GET", path).body
            wanted = answer["spec"]["replicas"]
            return bool(answer.get("status", {}).get("readyReplicas", 0) == wanted)

        agent = self.bench.children.services()["node-agent"]
        wait_until(ready, "checkout's pods to be ready", _READY_SECONDS, agent)

    def start_traffic(self, _report: Report) -> None:
        traffic = Traffic(
            self.control_plane.admin_kubeconfig,
            self.bench.folder.path / "traffic.jsonl",
            self.options.orders_per_second,
        )
        traffic.prepare()
        process = self.bench.children.launch(
            traffic.name, traffic.command(), _PYTHON, wave=_WAVE_EDGE
        )
        traffic.wait_ready(process, _READY_SECONDS)
        self.bench.publish({"traffic_file": str(traffic.output)})

    def start_kube_state_metrics(self, _report: Report) -> None:
        if self.kube_state_metrics is None:
            return
        process = self.bench.children.launch(
            self.kube_state_metrics.name, self.kube_state_metrics.command(), wave=_WAVE_EDGE
        )
        self.kube_state_metrics.wait_ready(process)

    def start_prometheus(self, report: Report) -> None:
        self.prometheus.prepare()
        process = self.bench.children.launch(
            self.prometheus.name, self.prometheus.command(), wave=_WAVE_EDGE
        )
        self.prometheus.wait_ready(process)
        self.bench.publish({"prometheus_url": self.prometheus.url})
        report("waiting until it sees every pod and no alert is left of the start")
        timeout = 60 + _SCRAPES_UNTIL_SEEN * self.prometheus.pace.evaluation_seconds
        wait_until(self._prometheus_is_calm, "Prometheus to see the pods", timeout, process)

    def start_alertmanager(self, _report: Report) -> None:
        alertmanager = Alertmanager(
            find("alertmanager"),
            self.bench.folder.path / "monitoring" / "alertmanager",
            self.alertmanager_port,
            self.bench.state.endpoints["webhook_url"],
            self.bench.folder.api_key_file.read_text("utf-8"),
            pace=self.prometheus.pace,
            own_waits=self.options.alertmanager_waits,
        )
        alertmanager.prepare()
        process = self.bench.children.launch(
            alertmanager.name, alertmanager.command(), wave=_WAVE_EDGE
        )
        alertmanager.wait_ready(process)
        self.bench.publish({"alertmanager_url": alertmanager.url})

    def register_cluster(self, _report: Report) -> None:
        role = f"arn:aws:iam::{self.aws.account_id}:role/{_REMEDIATION_ROLE}"
        version = ".".join(COMPONENTS["kubernetes"].version.split(".")[:2])
        self.aws.register_cluster(
            CLUSTER_NAME,
            endpoint=self.control_plane.endpoint,
            certificate_authority_pem=self.control_plane.ca_pem.encode("ascii"),
            version=version,
            access_entries={role: [REMEDIATION_GROUP]},
        )

    def deploy(self, report: Report) -> None:
        report("creating the stack (sam deploy)")
        waits = _PRODUCTION_WAITS if self.options.realistic else {}
        changes = {**_TOLD, "PrometheusWorkspaceArn": self._workspace_arn, **waits}
        changes |= self.options.parameters
        self.outputs = deploy(
            self.application,
            self.built,
            self.aws,
            self.bench.children,
            parameter_overrides(self.application, changes),
        )
        # The emulator serves every API below its own address.
        api = f"{self.aws.endpoint_url}/_aws/execute-api/{self.outputs['WebhookApiId']}/live"
        self._keep_key("WebhookApiKeyId", self.bench.folder.api_key_file)
        doors = {
            "webhook_url": f"{api}/webhook",
            "webhook_api_key_file": str(self.bench.folder.api_key_file),
        }
        if "InvestigatorKeyId" in self.outputs.values:
            file = self.bench.folder.investigator_key_file
            self._keep_key("InvestigatorKeyId", file)
            doors |= {"findings_url": f"{api}/findings", "investigator_api_key_file": str(file)}
        self.bench.publish(
            doors,
            {
                "incident_table": self.outputs["IncidentTableName"],
                "topic_arn": self.outputs["NotificationTopicArn"],
                "runbook_arn": self.outputs["RunbookArn"],
                "canary_arn": self.outputs["CanaryArn"],
            },
        )

    def _keep_key(self, output: str, file: Path) -> None:
        answer = self.aws.client("apigateway").get_api_key(
            apiKey=self.outputs[output], includeValue=True
        )
        write_private(file, answer["value"])

    def fill(self, _report: Report) -> None:
        there = runbooks.load_all(PROJECT_ROOT / "runbooks")
        runbooks.publish(
            self.aws.client("dynamodb"),
            self.outputs["RunbookTableName"],
            there.runbooks,
            there.evidence_only,
        )
        self.aws.client("ssm").put_parameter(
            Name=DEGRADED_MODE_PARAMETER,
            Type="SecureString",
            KeyId=_KEY_ALIAS,
            Value="false",
            Overwrite=True,
        )

    def subscribe(self, _report: Report) -> None:
        sns = self.aws.client("sns")
        topic = self.outputs["NotificationTopicArn"]
        sns.subscribe(TopicArn=topic, Protocol="http", Endpoint=self.receiver.url)

        def confirmed() -> bool:
            found = sns.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]
            there = {
                each["Endpoint"] for each in found if each["SubscriptionArn"].startswith("arn:")
            }
            return self.receiver.url in there

        wait_until(confirmed, "the notification receiver's subscription to be confirmed", 30)

    @property
    def _workspace_arn(self) -> str:
        """The workspace that the stack's own Prometheus stands for."""
        return f"arn:aws:aps:{self.aws.region}:{self.aws.account_id}:workspace/{_WORKSPACE}"

    def _prometheus_is_calm(self) -> bool:
        seen = _get_json(f"{self.prometheus.url}/api/v1/query?query={_PODS_SEEN}")["data"]["result"]
        alerts = _get_json(f"{self.prometheus.url}/api/v1/alerts")["data"]["alerts"]
        return bool(seen) and int(seen[0]["value"][1]) > 0 and not alerts

    def _nodes_are_ready(self) -> bool:
        answer = self.control_plane.api_as("admin").call("GET", "/api/v1/nodes")
        ready = {
            node["metadata"]["name"]
            for node in answer.body.get("items", [])
            for condition in node["status"].get("conditions", [])
            if condition["type"] == "Ready" and condition["status"] == "True"
        }
        return ready >= set(_NODES)


def _clear(folder: Path) -> None:
    """Remove what an earlier run of the same name left."""
    for name in ("aws", "kubernetes", "node-agent", "monitoring"):
        shutil.rmtree(folder / name, ignore_errors=True)
    for name in (
        "notifications.jsonl",
        *(f"{channel}.jsonl" for channel in CHANNELS),
        "webhook-api-key",
        "investigator-api-key",
        "aws-secret-access-key",
        "traffic.jsonl",
    ):
        (folder / name).unlink(missing_ok=True)
    for log in (folder / "logs").glob("*.log"):
        if log.name != "supervisor.log":  # open already
            log.unlink()


def _ready(aws: LocalAws, process: ManagedProcess) -> bool:
    try:
        return bool(aws.wait_ready(0, alive=process.alive))
    except LocalAwsError as error:
        raise OSError(str(error)) from error  # not yet


def _answers(url: str) -> bool:
    with _OPENER.open(url, timeout=2) as response:
        return bool(response.status == http.client.OK)


def _get_json(url: str) -> Any:
    with _OPENER.open(url, timeout=5) as response:
        return json.load(response)
