"""A bad rollout is rolled back, and the data close the incident before its end is heard.

Everything between the alert and the target is real: Prometheus and its rule, Alertmanager with the
group_interval that it has by itself (five minutes), alert-ingest's reading of what it posts, the
machines, the built function with its role, its token, the shipped RBAC and policies, and the API
server, through whose proxy it asks Prometheus. Made up is the shop: its share of errors is the
share of ready pods that run the bad image. Takes about half a minute; heard, it were five.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import urllib3
import yaml

from onemachine.aws.local_aws import LocalAws
from onemachine.binaries import find
from onemachine.processes.managed import ManagedProcess
from onemachine.processes.ports import free_port
from srectl.operate.samples import alerts_in
from tests.integration.kubernetes_fixtures import CLUSTER_NAME, StartedControlPlane
from tests.integration.rie.harness import RUNBOOK_ACTION
from tests.integration.runbook_action.admission.held import hold_remediation
from tests.integration.runbook_action.support import (
    PARAMETER,
    REMEDIATION_GROUP,
    Place,
    PodStatuses,
    TokenAccess,
    admin_api,
    install_shipped_rbac,
    trusting_role,
)
from tests.integration.runbook_action.watched_metric import (
    ALERT,
    SERVICE,
    Watched,
    behind_a_service,
    gateway,
    line,
    watched,
)
from tests.integration.statemachine.platform import Platform, incident
from tests.support.serving import serving
from tests.support.waiting import eventually

pytestmark = [pytest.mark.localaws, pytest.mark.kubernetes, pytest.mark.monitoring]

SHOP = "shop"
BAD = "registry.example/shop:bad"


@dataclass
class Alertmanager:
    """A real one, and what it has posted."""

    port: int
    bodies: list[dict[str, Any]] = field(default_factory=list)

    def posted(self, status: str) -> list[dict[str, Any]]:
        """Bodies that tell of an alert in this state."""
        return [
            body
            for body in list(self.bodies)
            if any(each["status"] == status for each in body["alerts"])
        ]

    def ended(self) -> bool:
        """Whether Prometheus has told it the end, so that it will tell us at its next turn."""
        url = f"http://127.0.0.1:{self.port}/api/v2/alerts?filter=alertname%3D{ALERT}"
        return bool(json.loads(urllib3.request("GET", url, retries=False).data) == [])


@contextmanager
def alertmanager(folder: Path) -> Iterator[Alertmanager]:
    """Start one whose first turn comes after a second; all else is as it is by itself."""
    found = Alertmanager(free_port())

    class Webhook(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            found.bodies.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(202)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            return

    with serving(ThreadingHTTPServer(("127.0.0.1", 0), Webhook)) as webhook:
        url = f"http://127.0.0.1:{webhook.server_port}/"
        receiver = {"name": "sre", "webhook_configs": [{"url": url, "send_resolved": True}]}
        route = {"receiver": "sre", "group_wait": "1s"}
        configuration = yaml.safe_dump({"route": route, "receivers": [receiver]})
        (folder / "alertmanager.yaml").write_text(configuration, "utf-8")
        argv = (
            str(find("alertmanager") / "alertmanager"),
            f"--config.file={folder / 'alertmanager.yaml'}",
            f"--storage.path={folder / 'alertmanager'}",
            f"--web.listen-address=127.0.0.1:{found.port}",
            "--cluster.listen-address=",
            "--log.level=warn",
        )
        process = ManagedProcess("alertmanager", argv, {}, folder / "alertmanager.log").start()
        try:
            eventually("Alertmanager is ready", lambda: _ready(found.port))
            yield found
        finally:
            process.stop()


def _ready(port: int) -> bool:
    try:
        url = f"http://127.0.0.1:{port}/-/ready"
        return urllib3.request("GET", url, retries=False).status == 200
    except urllib3.exceptions.HTTPError:
        return False


@dataclass
class Shop:
    """The Deployment under care, and who watches it."""

    place: Place
    watching: Watched
    alertmanager: Alertmanager

    def roll_out(self, image: str) -> None:
        """As a delivery would, with no thought of us."""
        containers = [{"name": self.container.name, "image": image}]
        patch = {"spec": {"template": {"spec": {"containers": containers}}}}
        self.place.apps.patch_namespaced_deployment(SHOP, "apps", patch)

    @property
    def container(self) -> Any:
        return self.place.deployment(SHOP).spec.template.spec.containers[0]

    def metrics(self) -> str:
        pods = self.place.core.list_namespaced_pod("apps", label_selector=f"app={SHOP}").items
        images = [
            pod.spec.containers[0].image
            for pod in pods
            if any(
                one.type == "Ready" and one.status == "True" for one in pod.status.conditions or ()
            )
        ]
        share = images.count(BAD) / len(images) if images else 0.0
        return line(share, SHOP)


@pytest.fixture
def shop(own_control_plane: StartedControlPlane, tmp_path: Path) -> Iterator[Shop]:
    plane = own_control_plane.plane
    hold_remediation(plane.admin_kubeconfig)
    admin = admin_api(plane.admin_kubeconfig)
    install_shipped_rbac(admin)
    behind_a_service(admin)
    statuses = PodStatuses(plane.admin_kubeconfig, "apps")
    no_cluster: Any = None  # only the admin looks
    access = TokenAccess(plane.endpoint, plane.ca_pem, "")
    place = Place(admin, "apps", access, no_cluster, statuses)
    with ExitStack() as stack:
        place.create_deployment(SHOP)
        stack.callback(place.apps.delete_namespaced_deployment, SHOP, "apps")
        statuses.start()
        stack.callback(statuses.stop)
        place.wait_until_ready(SHOP)
        alerting = stack.enter_context(alertmanager(tmp_path))
        told = f"127.0.0.1:{alerting.port}"
        watching = stack.enter_context(watched(tmp_path, told))
        stack.enter_context(gateway(own_control_plane.gateway_port, watching.url))
        found = Shop(place, watching, alerting)
        watching.metrics = found.metrics
        yield found


@pytest.fixture(scope="module")
def machine(platform: Platform, local_aws: LocalAws, own_control_plane: StartedControlPlane) -> str:
    """The runbook's machine with the built function, which may ask Prometheus."""
    remediator = trusting_role(local_aws, f"{platform.name}-asks")
    local_aws.client("eks").create_access_entry(
        clusterName=CLUSTER_NAME, principalArn=remediator, kubernetesGroups=[REMEDIATION_GROUP]
    )
    function = platform.deploy(
        RUNBOOK_ACTION,
        "eks:DescribeCluster",
        "sts:AssumeRole",
        "dynamodb:GetItem",
        "dynamodb:PutItem",
        "dynamodb:DeleteItem",
        name="asks",
        RUNBOOKS_TABLE=platform.table("runbooks"),
        GUARD_TABLE=platform.table("guard"),
        CLUSTERS=f"sre-platform={CLUSTER_NAME}",
        DEFAULT_CLUSTER="sre-platform",
        REMEDIATION_ROLE_ARN=remediator,
        DEGRADED_MODE_PARAMETER=PARAMETER,
        DEGRADED_MODE_KMS_KEY_ID="alias/unused",
        ALLOWED_NAMESPACES="apps",
        PROMETHEUS_SERVICE="/".join(SERVICE),
        POWERTOOLS_SERVICE_NAME="runbook-action",
    )
    return platform.variant(
        RunbookActionArn=function,
        StabilizationSeconds="1",
        VerifyTimeoutSeconds="100",
        ActionTimeoutSeconds="60",
    )


@pytest.mark.parametrize(
    "verify",
    [
        {"promql": 'shop_errors{namespace="$namespace",deployment="$name"}', "is": "below 0.05"},
        {},
    ],
    ids=["the runbook's query", "the alert's own rule"],
)
def test_a_bad_rollout_is_rolled_back_and_closed_by_the_data_before_its_end_is_heard(
    platform: Platform, shop: Shop, machine: str, verify: dict[str, str]
) -> None:
    good = shop.container.image
    platform.runbook(
        name=ALERT,
        action="rollback_workload",
        parameters={},
        target={"from_alert": "deployment", "namespaces": ["apps"], "names": [SHOP]},
        verify={**verify, "for": "5s"},
    )
    shop.roll_out(BAD)
    (body, *_) = eventually("the alert is posted", lambda: shop.alertmanager.posted("firing"))
    (data,) = alerts_in(json.dumps(body), datetime.now(UTC))
    event = incident(**{key: value for key, value in data.items() if key != "display"})
    platform.run(event, platform.recorder_variant)
    started = time.monotonic()
    ended = platform.run(event, machine, timeout=180)
    assert ended["status"] == "SUCCEEDED", ended
    record = platform.record(data["incident_id"])
    assert record["status"] == "resolved", record.get("escalation_reason")
    assert shop.container.image == good
    # It is over, and nobody has told us: Alertmanager does so at its next turn only.
    assert "Prometheus: the " in record["target_health"]
    assert time.monotonic() - started < 240
    assert shop.alertmanager.posted("resolved") == []
    eventually("Alertmanager knows that it is over", shop.alertmanager.ended)
    assert shop.alertmanager.posted("resolved") == []
    eventually("its end", lambda: "resolved_at" in platform.record(data["incident_id"]))
    record = platform.record(data["incident_id"])
    assert 0 < int(record["mttr_seconds"]) < 240
    assert any(each.startswith("end seen in the data, not heard") for each in record["warnings"])
