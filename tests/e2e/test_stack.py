"""The one-machine stack as a user has it: up, env, status, two side by side, loopback, down."""

from __future__ import annotations

import json
import os
import stat
import subprocess
from pathlib import Path

import boto3
import pytest
from botocore.exceptions import ClientError

from onemachine.binaries import find
from onemachine.processes.waiting import wait_until
from onemachine.stack.children import processes_of_stack
from onemachine.stack.clients import aws_of
from onemachine.stack.control import stop_stack
from onemachine.stack.state import StackFolder
from tests.support.browser import PageServer, open_page
from tests.support.hostile_page import WAYS, made, page_against
from tests.support.serving import serving
from tests.support.stacks import FIRING, exports_of, post, srectl, start, state_of
from tests.support.waiting import PATIENCE_SECONDS

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]


def test_every_process_of_the_stack_listens_on_loopback_only(stack: StackFolder) -> None:
    ours = [identity.pid for identity in processes_of_stack(stack)]
    listening = listeners(ours)
    assert len(listening) >= 8  # AWS, etcd, API server, Prometheus, Alertmanager, receiver, pods
    assert {address for address in listening if not address.startswith("127.")} == set()


def test_the_webhook_takes_an_alert_with_the_key_and_refuses_one_without(
    exports: dict[str, str],
) -> None:
    body = FIRING.read_bytes()
    url, key = exports["WEBHOOK_URL"], exports["WEBHOOK_API_KEY"]
    assert post(url, body, {})[0] == 403
    assert post(url, body, {"X-Api-Key": "wrong"})[0] == 403
    assert post(url, b"{", {"X-Api-Key": key})[0] == 400
    status, answer = post(url, body, {"X-Api-Key": key})
    assert status == 202
    assert json.loads(answer)["accepted"] == 1


def test_the_exports_point_kubectl_and_the_service_at_the_stack(
    stack: StackFolder, tmp_path: Path
) -> None:
    exports = exports_of(stack)  # of now: a rollout of another test has moved the service
    kubectl = find("kubernetes") / "kubectl"

    def pods() -> list[str]:
        return subprocess.run(
            [kubectl, "-n", "apps", "get", "pods", "-o", "name"],
            # Without a home, kubectl would keep its cache in the current folder.
            env={"HOME": str(tmp_path), "KUBECONFIG": exports["KUBECONFIG"]},
            capture_output=True,
            text=True,
            check=True,
        ).stdout.splitlines()

    # While a rollout of another test ends there is one more.
    wait_until(lambda: len(pods()) == 3, "three pods", PATIENCE_SECONDS)
    order = b'{"items": [{"sku": "coffee-250g", "quantity": 1}]}'
    assert post(f"{exports['CHECKOUT_URL']}/checkout", order, {})[0] == 200


def test_a_page_in_a_browser_makes_the_stack_do_nothing(stack: StackFolder, tmp_path: Path) -> None:
    aws = aws_of(state_of(stack))
    role = aws.client("iam").get_role(RoleName="checkout-remediation-role")["Role"]["Arn"]
    with serving(PageServer(page_against(aws, "page", role))) as server:
        outcome = open_page(server, tmp_path / "profile")
    assert set(outcome) == set(WAYS)  # it tried them all
    assert outcome["fetch"].startswith("refused: ")
    assert made(aws, "page") == set()


def test_the_exported_key_opens_the_local_aws_and_no_wellknown_one_does(
    exports: dict[str, str],
) -> None:
    def tables(key: str, secret: str) -> list[str]:
        client = boto3.client(
            "dynamodb",
            endpoint_url=exports["AWS_ENDPOINT_URL"],
            region_name=exports["AWS_REGION"],
            aws_access_key_id=key,
            aws_secret_access_key=secret,
        )
        return list(client.list_tables()["TableNames"])

    key, secret = exports["AWS_ACCESS_KEY_ID"], exports["AWS_SECRET_ACCESS_KEY"]
    assert "sre-incidents" in tables(key, secret)
    for other in (("test", "test"), (key, "test"), ("000000000000", "test")):
        with pytest.raises(ClientError):
            tables(*other)


def test_the_state_names_no_secret(stack: StackFolder, exports: dict[str, str]) -> None:
    state = stack.state_file.read_text("utf-8")
    for name in ("AWS_SECRET_ACCESS_KEY", "WEBHOOK_API_KEY"):
        assert exports[name]
        assert exports[name] not in state
    for file in (stack.api_key_file, stack.aws_secret_file):
        assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_status_shows_a_ready_stack(stack: StackFolder) -> None:
    shown = srectl("status", "--name", stack.name)
    assert shown.returncode == 0, shown.stdout
    for name in ("etcd", "kube-apiserver", "aws", "prometheus", "alertmanager", "node-agent"):
        assert name in shown.stdout


def test_a_second_stack_runs_beside_the_first_and_ends_without_it(stack: StackFolder) -> None:
    other = StackFolder.named(f"e2e-other-{os.getpid()}")
    try:
        start(other.name)
        first, second = state_of(stack), state_of(other)
        assert first.settings["pod_range"] != second.settings["pod_range"]
        assert not set(first.endpoints.values()) & set(second.endpoints.values())
        assert srectl("down", "--name", other.name).returncode == 0
        assert processes_of_stack(other) == []
    finally:
        stop_stack(other, lambda _: None)
    assert srectl("status", "--name", stack.name).returncode == 0


@pytest.mark.breaks_the_stack
def test_a_process_that_dies_is_shown_and_not_restarted(stack: StackFolder) -> None:
    victim = state_of(stack).processes["traffic"]
    os.kill(victim.pid, 9)
    wait_until(
        lambda: state_of(stack).phase == "degraded", "the stack to be degraded", PATIENCE_SECONDS
    )
    shown = srectl("status", "--name", stack.name)
    assert shown.returncode == 4
    assert "traffic" in state_of(stack).problem
    assert state_of(stack).processes["traffic"].pid == victim.pid


@pytest.mark.breaks_the_stack
def test_down_leaves_no_process(stack: StackFolder) -> None:
    assert srectl("down", "--name", stack.name).returncode == 0
    assert processes_of_stack(stack) == []
    assert "left over" not in stack.log("supervisor").read_text()


def listeners(pids: list[int]) -> set[str]:
    """Give ``address:port`` of every TCP and UDP socket that these processes listen on."""
    inodes = set()
    for pid in pids:
        for link in Path(f"/proc/{pid}/fd").glob("*"):
            try:
                target = str(link.readlink())
            except OSError:
                continue
            if target.startswith("socket:["):
                inodes.add(target[8:-1])
    found = set()
    for table, listening in (("tcp", "0A"), ("tcp6", "0A"), ("udp", "07"), ("udp6", "07")):
        for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]:
            columns = line.split()
            if columns[3] == listening and columns[9] in inodes:
                address, port = columns[1].split(":")
                octets = [str(int(address[i : i + 2], 16)) for i in (6, 4, 2, 0)]
                shown = ".".join(octets) if len(address) == 8 else f"[{address}]"
                found.add(f"{shown}:{int(port, 16)}")
    return found


def test_the_deployment_is_told_as_that_of_an_account(stack: StackFolder) -> None:
    shown = srectl("status", "--output", "json", exports=exports_of(stack))
    assert shown.returncode == 0, shown.stderr
    page = json.loads(shown.stdout)
    assert page["not_read"] == []
    assert page["stack"]["status"].endswith("_COMPLETE")
    assert page["stack"]["webhook"].endswith("/live/webhook")
    assert all(each["sha256"] for each in page["code"].values())
    assert page["canary"]
