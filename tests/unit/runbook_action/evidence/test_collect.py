"""What evidence says, source by source, and that no source loses another's."""

from __future__ import annotations

import json
import threading
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

import pytest

from runbook_action.errors import AccessDenied, AwsUnavailable, ClusterUnreachable, InvalidRequest
from runbook_action.evidence import parse_collect
from runbook_action.evidence.operation import DOCUMENT_BYTES
from runbook_action.evidence.ports import Measured
from runbook_action.evidence.scene import Finding, Gathered
from runbook_action.evidence.sources import SOURCES
from tests.unit.runbook_action.evidence.place import (
    BEGAN,
    LABELS,
    FakeLogs,
    Somewhere,
    container,
    deployment,
    ended,
    event,
    node,
    pod,
    replicaset,
    template,
    written_by,
)
from tests.unit.runbook_action.fakes import INCIDENT

OLD = template("reg.example.com/shop/checkout:1.4.2")
NEW = template(
    "reg.example.com/shop/checkout:1.4.3", env=[{"name": "DB_PASSWORD", "value": "hunter2hunter2"}]
)
IMAGE = (
    *("spec", "template", "spec", "containers"),
    'k:{"name":"checkout"}',
    "image",
)


RESTARTED_AT, RESTARTED_BY = "kubectl.kubernetes.io/restartedAt", "sre-platform/restarted-by"


@pytest.mark.parametrize(
    ("key", "value", "timed_by", "said"),
    [
        (
            "restarted-for",
            f"{INCIDENT}/1",
            "p",
            f", by restart_workload for incident {INCIDENT[:8]}",
        ),
        ("restarted-for", f"{INCIDENT}/1 {INCIDENT}/2", "p", f" for incident {INCIDENT[:8]}"),
        ("restarted-for", INCIDENT, "p", f" for incident {INCIDENT[:8]}"),
        (
            "undone-for",
            f"{INCIDENT}/1",
            "p",
            f", by the undo of restart_workload for incident {INCIDENT[:8]}",
        ),
        # Somebody else has restarted it since, or nobody knows who did, or it says nothing.
        ("restarted-for", f"{INCIDENT}/1", "kubectl-rollout", "before the alert"),
        ("restarted-for", f"{INCIDENT}/1", "", "before the alert"),
        ("restarted-for", "<b>me</b>", "p", "before the alert"),
        ("restarted-for", "", "p", "before the alert"),
    ],
)
def test_a_restart_that_the_platform_made_names_its_incident(
    key: str, value: str, timed_by: str, said: str
) -> None:
    at = "2026-11-23T15:14:05Z"
    marked = {f"sre-platform/{key}": value, RESTARTED_BY: "restart_workload", RESTARTED_AT: at}
    path = ("spec", "template", "metadata", "annotations")
    ours = written_by("p", at, *path, RESTARTED_BY)
    owned = ours["fieldsV1"]["f:spec"]["f:template"]["f:metadata"]["f:annotations"]
    fields = [ours]
    if timed_by == "p":
        owned[f"f:{RESTARTED_AT}"] = {}
    elif timed_by:
        fields.append(written_by(timed_by, at, *path, RESTARTED_AT))
    of = deepcopy(OLD)
    of["metadata"] = {**of["metadata"], "annotations": marked}
    made = replicaset(1, of, "2026-11-20T08:00:00Z")
    place = Somewhere([deployment(of, managedFields=fields), made, node()])
    (finding,) = [each for each in place.collected()["findings"] if "was restarted" in each]
    assert finding.startswith("checkout was restarted 47 seconds before the alert")
    assert finding.endswith(said)


def rolled_out(made: str = "2026-11-23T15:10:50Z") -> Somewhere:
    """A Deployment with two revisions, the last of another image."""
    fields = [
        written_by("kube-controller-manager", made, "status", subresource="status"),
        written_by("helm", "2026-11-20T08:00:00Z", *IMAGE),
        written_by("team-pipeline", made, *IMAGE),
    ]
    return Somewhere(
        [
            deployment(deepcopy(NEW), managedFields=fields),
            replicaset(1, OLD, "2026-11-20T08:00:00Z"),
            replicaset(2, deepcopy(NEW), made),
            node(),
        ]
    )


def test_the_last_rollout_is_told_with_image_time_and_manager() -> None:
    place = rolled_out()
    answer = place.collected()
    assert answer["findings"][0] == (
        "image checkout:1.4.3 (before: checkout:1.4.2) rolled out 4 minutes before the alert, "
        "by team-pipeline"
    )
    facts = place.whole["facts"]["rollouts"]
    assert facts["rolled_out_at"] == "2026-11-23T15:10:50+00:00"
    assert {"container": "checkout", "field": "env", "names": ["DB_PASSWORD"]} in facts["changes"]
    assert "hunter2hunter2" not in json.dumps(place.whole)


def test_a_restart_that_was_undone_makes_no_rollout_younger() -> None:
    """The revision of before the restart is taken again, with a number above the restart's."""
    restarted = deepcopy(NEW)
    restarted["metadata"] = {
        **restarted["metadata"],
        "annotations": {RESTARTED_AT: "2026-11-23T15:13:00Z", RESTARTED_BY: "restart_workload"},
    }
    made = "2026-11-23T15:10:50Z"
    place = Somewhere(
        [
            deployment(deepcopy(NEW), managedFields=[written_by("team-pipeline", made, *IMAGE)]),
            replicaset(1, OLD, "2026-11-20T08:00:00Z"),
            replicaset(3, restarted, "2026-11-23T15:13:00Z"),
            replicaset(4, deepcopy(NEW), made),
            node(),
        ]
    )
    assert place.collected()["findings"][0] == (
        "image checkout:1.4.3 (before: checkout:1.4.2) rolled out 4 minutes before the alert, "
        "by team-pipeline"
    )
    assert place.whole["facts"]["rollouts"]["rolled_out_at"] == "2026-11-23T15:10:50+00:00"


def test_a_rollout_of_long_ago_is_no_finding() -> None:
    place = rolled_out("2026-11-20T09:00:00Z")
    assert not any("rolled out" in each for each in place.collected()["findings"])
    assert place.whole["facts"]["rollouts"]["rolled_out_at"] == "2026-11-20T09:00:00+00:00"


def test_a_rollout_after_the_alert_began_is_told_so() -> None:
    assert (
        "8 seconds after the alert began"
        in rolled_out("2026-11-23T15:15:00Z").collected()["findings"][0]
    )


def test_settings_that_changed_are_named_without_an_image() -> None:
    place = rolled_out()
    for each in place.manifests[:3:2]:
        each["spec"]["template"]["spec"]["containers"][0]["image"] = (
            "reg.example.com/shop/checkout:1.4.2"
        )
    assert place.collected()["findings"][0].startswith("a change of env rolled out")


@pytest.mark.parametrize(
    ("status", "said"),
    [
        (ended("OOMKilled", 137), "3 of 3 pods OOMKilled at 512Mi"),
        (ended("Error", 2), "3 of 3 pods ended with exit code 2 in container checkout"),
        (
            ended("Error", 139, signal=11),
            "3 of 3 pods ended with signal 11 in container checkout",
        ),
        (
            container(state={"waiting": {"reason": "ImagePullBackOff", "message": "back-off"}}),
            "3 of 3 pods cannot pull image checkout:2 (ImagePullBackOff)",
        ),
        (
            container(
                state={
                    "waiting": {
                        "reason": "CreateContainerConfigError",
                        "message": 'configmap "settings" not found',
                    }
                }
            ),
            '3 of 3 pods cannot start: CreateContainerConfigError configmap "settings" not found',
        ),
    ],
)
def test_why_containers_ended_or_do_not_start(status: dict[str, Any], said: str) -> None:
    place = rolled_out()
    place.manifests += [pod(f"checkout-{number}", status) for number in range(3)]
    answer = place.collected()
    assert said in answer["findings"][:3]


def test_a_pod_that_finds_no_node_says_why() -> None:
    place = rolled_out()
    waiting = pod("checkout-0")
    waiting["spec"].pop("nodeName")
    waiting["status"]["conditions"] = [
        {"type": "PodScheduled", "status": "False", "message": "0/3 nodes\x00 are\navailable"}
    ]
    place.manifests.append(waiting)
    assert "the pod cannot be scheduled: 0/3 nodes are available" in place.collected()["findings"]


def test_probes_that_fail_are_told_by_the_events() -> None:
    place = rolled_out()
    pods = [pod(f"checkout-{number}", container()) for number in range(3)]
    note = "Liveness probe failed: Get http://10.0.0.1/: token=abcdefgh12345678 refused"
    place.manifests += [*pods, *(event("Unhealthy", note, each) for each in pods[:2])]
    (said,) = [each for each in place.collected()["findings"] if "probe" in each]
    assert said.startswith("2 of 3 pods fail the liveness probe: Get http://10.0.0.1/: ")
    assert "abcdefgh" not in said
    assert len(place.whole["facts"]["events"]["events"]) == 2


def failed_probe(kind: str, about: dict[str, Any], at: str) -> dict[str, Any]:
    return {
        **event("Unhealthy", f"{kind} probe failed: refused", about),
        "deprecatedLastTimestamp": at,
    }


def running_since(at: str, *, ready: bool = False) -> dict[str, Any]:
    return container(ready=ready, state={"running": {"startedAt": at}})


@pytest.mark.parametrize(
    ("kind", "status", "at", "said"),
    [
        # The container that failed was killed for it, and the new one has failed nothing yet.
        (
            "Liveness",
            running_since("2026-11-23T14:54:00Z", ready=True),
            "2026-11-23T14:53:52Z",
            "failed the liveness probe, last 21 minutes before the alert: refused",
        ),
        # It failed less often than it takes to be killed.
        (
            "Liveness",
            running_since("2026-11-23T12:00:00Z", ready=True),
            "2026-11-23T15:03:00Z",
            "failed the liveness probe, last 11 minutes before the alert: refused",
        ),
        # The node's own limit lets an event of a pod through once in five minutes.
        (
            "Readiness",
            running_since("2026-11-23T12:00:00Z"),
            "2026-11-23T15:10:00Z",
            "fails the readiness probe: refused",
        ),
        (
            "Readiness",
            running_since("2026-11-23T12:00:00Z"),
            "2026-11-23T15:05:00Z",
            "failed the readiness probe, last 9 minutes before the alert: refused",
        ),
        (
            "Startup",
            running_since("2026-11-23T15:14:57Z"),
            "2026-11-23T15:14:55Z",
            "failed the startup probe, last 3 seconds after the alert began: refused",
        ),
    ],
)
def test_a_probe_that_has_failed_is_told_with_its_time_unless_it_goes_on(
    kind: str, status: dict[str, Any], at: str, said: str
) -> None:
    place = rolled_out()
    one = pod("checkout-0", status)
    place.manifests += [one, failed_probe(kind, one, at)]
    (told,) = [each for each in place.collected()["findings"] if "probe" in each]
    assert told == f"the pod {said}"


def test_pods_whose_probe_fails_are_counted_apart_from_those_whose_failed() -> None:
    place = rolled_out()
    pods = [pod(f"checkout-{n}", running_since("2026-11-23T12:00:00Z")) for n in range(3)]
    times = ("2026-11-23T15:14:50Z", "2026-11-23T14:53:52Z", "2026-11-23T14:44:52Z")
    place.of("Deployment", "checkout")["status"] = {"readyReplicas": 0}
    place.manifests += pods
    place.manifests += [
        failed_probe("Liveness", each, at) for each, at in zip(pods, times, strict=True)
    ]
    found = place.collected()["findings"]
    assert [each for each in found if "probe" in each] == [
        "1 of 3 pods fails the liveness probe: refused",
        "2 of 3 pods failed the liveness probe, last 21 minutes before the alert: refused",
    ]
    # What is long over comes after what is so.
    now, over = (next(i for i, each in enumerate(found) if w in each) for w in ("fails", "failed"))
    assert now < found.index("0 of 3 replicas are ready") < over


def again(reason: str, finished: str | None, **more: Any) -> dict[str, Any]:
    """A container that runs again."""
    at = {"finishedAt": finished} if finished else {}
    return container(
        restarts=1,
        state={"running": {"startedAt": finished or "2026-11-23T12:00:00Z"}},
        lastState={"terminated": {"reason": reason, "exitCode": 137, **at}},
        **more,
    )


@pytest.mark.parametrize(
    ("status", "said"),
    [
        (
            again("OOMKilled", "2026-11-20T15:14:52Z", ready=True),
            "3 of 3 pods OOMKilled at 512Mi, last 3 days before the alert",
        ),
        (
            again("Error", "2026-11-23T15:12:52Z"),
            "3 of 3 pods ended with exit code 137 in container checkout, last 2 minutes before the "
            "alert",
        ),
        (again("OOMKilled", None), "3 of 3 pods OOMKilled at 512Mi"),
    ],
)
def test_an_end_of_a_container_that_runs_again_is_told_with_its_time(
    status: dict[str, Any], said: str
) -> None:
    place = rolled_out()
    place.manifests += [pod(f"checkout-{number}", status) for number in range(3)]
    assert said in place.collected()["findings"]


def test_ends_that_are_long_over_come_after_what_is_so() -> None:
    place = rolled_out()
    down = [pod(f"checkout-{n}", again("Error", "2026-11-20T15:14:52Z")) for n in range(3)]
    place.of("Deployment", "checkout")["status"] = {"readyReplicas": 0}
    place.manifests += down
    found = place.collected()["findings"]
    over = next(i for i, each in enumerate(found) if "exit code 137" in each)
    assert found.index("0 of 3 replicas are ready") < over


def test_a_pod_that_was_evicted_long_ago_is_told_with_the_time() -> None:
    place = rolled_out()
    gone = pod("checkout-0", phase="Failed", reason="Evicted", message="low on memory")
    gone["status"]["conditions"] = [
        {"type": "Ready", "status": "False", "lastTransitionTime": "2026-11-21T15:14:52Z"}
    ]
    place.manifests.append(gone)
    said = "the pod evicted: low on memory, last 2 days before the alert"
    assert said in place.collected()["findings"]


def test_a_probe_that_failed_before_a_pod_came_up_is_no_finding() -> None:
    place = rolled_out()
    up = pod("checkout-0", container(ready=True))
    place.manifests += [up, event("Unhealthy", "Startup probe failed: refused", up)]
    assert not any("probe" in each for each in place.collected()["findings"])
    assert len(place.whole["facts"]["events"]["events"]) == 1


def test_an_autoscaler_at_its_maximum_and_who_changed_it() -> None:
    place = rolled_out()
    place.manifests.append(
        {
            "apiVersion": "autoscaling/v2",
            "kind": "HorizontalPodAutoscaler",
            "metadata": {
                "name": "checkout",
                "namespace": "apps",
                "creationTimestamp": "2026-01-01T00:00:00Z",
                "managedFields": [
                    written_by("kubectl-edit", "2026-11-23T15:00:00Z", "spec", "maxReplicas")
                ],
            },
            "spec": {
                "scaleTargetRef": {
                    "apiVersion": "apps/v1",
                    "kind": "Deployment",
                    "name": "checkout",
                },
                "maxReplicas": 3,
            },
            "status": {"currentReplicas": 3, "desiredReplicas": 3},
        }
    )
    findings = place.collected()["findings"]
    assert "autoscaler checkout is at its maximum of 3 replicas" in findings
    assert (
        "autoscaler checkout was changed 14 minutes before the alert, by kubectl-edit" in findings
    )


def test_replicas_that_somebody_set_through_the_scale_are_told() -> None:
    place = rolled_out("2026-11-20T09:00:00Z")
    place.of("Deployment", "checkout")["metadata"]["managedFields"].append(
        written_by("kubectl", "2026-11-23T15:12:52Z", "spec", "replicas", subresource="scale")
    )
    assert (
        "scaled to 3 replicas 2 minutes before the alert, by kubectl"
        in (place.collected()["findings"])
    )


def test_nodes_say_what_ails_them_and_which_joined() -> None:
    place = rolled_out("2026-11-20T09:00:00Z")
    ill: dict[str, Any] = {
        "conditions": [
            {
                "type": "Ready",
                "status": "Unknown",
                "reason": "NodeStatusUnknown",
                "lastTransitionTime": "2026-11-23T15:13:52Z",
            },
            {"type": "DiskPressure", "status": "True"},
        ]
    }
    place.manifests[-1] = node(**ill)
    new = node("node-9", made="2026-11-23T15:00:00Z")
    place.manifests += [pod("checkout-0", container()), new]
    place.manifests.append(event("RegisteredNode", "Registered", new, "default"))
    findings = place.collected()["findings"]
    assert findings[:2] == [
        "node node-1 is not heard of since 1 minute before the alert (NodeStatusUnknown)",
        "node node-1 has DiskPressure",
    ]
    assert "node node-9 joined 14 minutes before the alert" in findings


def test_a_budget_that_is_violated_is_told_and_one_of_other_pods_is_not() -> None:
    place = rolled_out()
    for name, labels in (("checkout", LABELS), ("other", {"app": "other"})):
        place.manifests.append(
            {
                "apiVersion": "policy/v1",
                "kind": "PodDisruptionBudget",
                "metadata": {"name": name, "namespace": "apps"},
                "spec": {"minAvailable": 2, "selector": {"matchLabels": labels}},
                "status": {"currentHealthy": 1, "desiredHealthy": 2},
            }
        )
    violated = [each for each in place.collected()["findings"] if "budget" in each]
    assert violated == ["budget checkout is violated: 1 healthy pods where 2 are wanted"]
    assert [each["name"] for each in place.whole["facts"]["budgets"]["budgets"]] == ["checkout"]


def test_the_last_words_are_kept_without_secrets_and_are_no_finding() -> None:
    place = rolled_out()
    place.manifests.append(pod("checkout-0", ended("Error")))
    place.logs = FakeLogs(
        {
            ("checkout-0", True): "one\npanic: Authorization: Bearer abcdef1234567890\n",
            ("checkout-0", False): "starting\n",
        }
    )
    answer = place.collected()
    logs = place.whole["facts"]["logs"]["logs"]
    assert [(each["run"], each["lines"]) for each in logs] == [
        ("ended", ["one", "panic: Authorization: Bearer [redacted]"]),
        ("current", ["starting"]),
    ]
    assert "abcdef1234567890" not in json.dumps(place.whole)
    assert not any("panic" in each for each in answer["findings"])


def test_colours_of_a_log_hide_no_secret() -> None:
    place = rolled_out()
    place.manifests.append(pod("checkout-0", ended("Error")))
    colourful = "\x1b[36mpassword\x1b[0m=\x1b[1;35mhunter2\x1b[0m \x1b[36muser\x1b[0m=bob\n"
    place.logs = FakeLogs({("checkout-0", False): colourful})
    place.collected()
    logs = place.whole["facts"]["logs"]["logs"]
    assert logs[-1]["lines"] == ["password=[redacted] user=bob"]


def test_of_a_key_whose_beginning_is_cut_off_nothing_is_kept() -> None:
    place = rolled_out()
    place.manifests.append(pod("checkout-0", ended("Error")))
    key = "2026-11-28T03:00:00Z MIIEvQIBADANBgkqhkiG9w0\n" * 30
    end = "2026-11-28T03:00:00Z -----END RSA PRIVATE KEY-----\n2026-11-28T03:00:01Z started\n"
    place.logs = FakeLogs({("checkout-0", False): key + end})
    place.collected()
    logs = place.whole["facts"]["logs"]["logs"]
    assert logs[-1]["lines"] == ["[redacted]", "2026-11-28T03:00:01Z started"]


def test_logs_that_may_not_be_read_are_said_and_all_else_is_there() -> None:
    place = rolled_out()
    place.manifests.append(pod("checkout-0", ended("OOMKilled", 137)))
    place.logs = FakeLogs(denied=True)
    answer = place.collected()
    assert answer["sources"]["logs"] == "AccessDenied: GET pods/log: 403"
    assert "without logs" in answer["summary"]
    assert "the pod OOMKilled at 512Mi" in answer["findings"]
    assert "logs" not in place.whole["facts"]


def test_a_runbook_that_names_its_target_says_what_an_alert_without_labels_is_about() -> None:
    place = rolled_out()
    target = {"kind": "deployment", "namespace": "apps", "name": "checkout"}
    place.runbooks = [{"name": "Mend", "action": "restart_deployment", "target": target}]
    answer = place.collected(labels={}, runbook="Mend")
    assert answer["target"]["name"] == "checkout"
    assert answer["findings"]


def test_a_pod_that_the_repair_has_made_go_still_leads_to_its_deployment() -> None:
    """Evidence may come after a rollback, on a busy day."""
    place = rolled_out()
    [newest] = [each["metadata"]["name"] for each in place.manifests if is_second(each)]
    answer = place.collected(labels={"namespace": "apps", "pod": f"{newest}-x2x4z"})
    assert answer["target"]["name"] == "checkout"
    assert answer["findings"][0].startswith("image checkout:1.4.3")
    # A name that no ReplicaSet has made leads nowhere.
    assert place.collected(labels={"namespace": "apps", "pod": "checkout-9"})["target"] is None


def is_second(manifest: dict[str, Any]) -> bool:
    revision = manifest["metadata"].get("annotations", {}).get("deployment.kubernetes.io/revision")
    return bool(manifest["kind"] == "ReplicaSet" and revision == "2")


@pytest.mark.parametrize(
    "labels",
    [{}, {"namespace": "kube-system", "deployment": "checkout"}, {"namespace": "a b"}, {"x": "y"}],
)
def test_an_alert_that_leads_nowhere_is_answered_with_the_reason(labels: dict[str, str]) -> None:
    place = rolled_out()
    answer = place.collected(labels=labels)
    assert (answer["target"], answer["findings"]) == (None, [])
    assert place.whole["no_target_because"]


def test_why_an_alert_leads_nowhere_is_said_once_where_labels_and_target_say_the_same() -> None:
    place = rolled_out()
    gone = {"namespace": "apps", "kind": "deployment", "name": "gone"}
    place.collected(labels={"namespace": "apps", "deployment": "gone"}, target=gone)
    why = place.whole["no_target_because"]
    assert "gone" in why
    assert ";" not in why


@dataclass(frozen=True)
class Failing:
    """A source that ends otherwise than well."""

    name: str
    error: Exception | None = None
    stuck: threading.Event = field(default_factory=threading.Event)
    seconds: float = 0.1
    rights: tuple[()] = ()

    def about(self, _: object) -> bool:
        return True

    def gather(self, _: object) -> Gathered:
        if self.error:
            raise self.error
        self.stuck.wait(30)
        return Gathered({"too": "late"}, [Finding(0, "too late")])


def test_a_source_that_fails_or_is_late_is_named_and_loses_only_itself() -> None:
    place = rolled_out()
    late = Failing("late")
    place.sources = (
        *SOURCES,
        late,
        Failing("denied", AccessDenied("403")),
        Failing("puzzled", KeyError("spec")),
    )
    answer = place.collected()
    late.stuck.set()
    assert answer["sources"]["late"] == "late: no answer within 0.1 s"
    assert answer["sources"]["denied"] == "AccessDenied: 403"
    assert answer["sources"]["puzzled"] == "not understood: KeyError: 'spec'"
    assert answer["sources"]["rollouts"] == "read"
    assert answer["findings"][0].startswith("image checkout:1.4.3")


def test_a_cluster_that_does_not_answer_at_all_is_an_error_to_try_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def unreachable(*_: object) -> None:
        raise ClusterUnreachable("no answer")

    monkeypatch.setattr("srectl.rehearsal.cluster.MemoryCluster.read", unreachable)
    with pytest.raises(ClusterUnreachable):
        rolled_out().collected()


def test_findings_are_there_though_they_could_not_be_kept() -> None:
    place = rolled_out()
    place.store.error = AwsUnavailable("no answer from AWS")
    answer = place.collected()
    assert answer["evidence"]["key"] is None
    assert "no answer from AWS" in answer["evidence"]["why_not"]
    assert answer["findings"]


def test_the_whole_is_bounded_and_says_what_it_left_out() -> None:
    place = rolled_out()
    place.manifests.append(pod("checkout-0", ended("Error", message="x" * DOCUMENT_BYTES)))
    place.collected()
    assert len(place.store.kept[INCIDENT]) <= DOCUMENT_BYTES
    assert "were too many" in place.whole["facts"]["ends"]["left_out"]
    assert place.whole["facts"]["rollouts"]["changes"]


def test_numbers_of_a_monitoring_come_through_their_port() -> None:
    class Asked:
        def about(self, alert: Any, since: object) -> Measured:
            assert (alert["alert_name"], since) == ("A", BEGAN)
            return Measured({"now": 0.31}, "<svg/>", "the query is at 0.31, five times its limit")

    place = rolled_out()
    assert place.collected()["sources"]["measurements"] == "not asked"
    place.measurements = Asked()
    answer = place.collected()
    assert "the query is at 0.31, five times its limit" in answer["findings"]
    assert place.whole["facts"]["measurements"] == {"numbers": {"now": 0.31}, "picture": "<svg/>"}


@pytest.mark.parametrize(
    ("event", "said"),
    [
        ({"incident_id": INCIDENT}, "alert must be"),
        ({"incident_id": INCIDENT, "alert": {"labels": "a=b"}}, "alert.labels must be"),
        (
            {"incident_id": INCIDENT, "alert": {"labels": {}, "target": {"cluster": 7}}},
            "alert.target.cluster must be",
        ),
        ({"incident_id": "x", "alert": {"labels": {}}}, "incident_id must be"),
    ],
)
def test_what_is_no_incident_is_refused_by_name(event: dict[str, Any], said: str) -> None:
    with pytest.raises(InvalidRequest, match=said):
        parse_collect(event)
