"""What is no name does not become one by being cleaned: nothing is acted on by a guess."""

from __future__ import annotations

import pytest

from runbook_action.errors import ActionRefused
from tests.unit.alert_ingest.bodies import alertmanager_body, changed, sample
from tests.unit.alert_ingest.invoking import Invoker, data_of
from tests.unit.runbook_action.resolve.scene import CHECKOUT, from_alert, resolved, runbook, scene

SPELLINGS = {
    "check\u200bout": "check\\u200bout",
    "check\x00out": "check\\x00out",
    "check\x7fout": "check\\x7fout",
    "check\u00adout": "check\\xadout",
    "check\x1b[0mout": "check\\x1b[0mout",
    "\ufeffcheckout": "\\ufeffcheckout",
    "checkout\u202e": "checkout\\u202e",
    "check\U000e0041out": "check\\U000e0041out",
}


@pytest.mark.parametrize("given", SPELLINGS)
@pytest.mark.parametrize("sender", ["alertmanager", "datadog"])
def test_a_label_with_what_nobody_sees_leads_to_no_target(
    invoke: Invoker, sender: str, given: str
) -> None:
    tags = f"kube_deployment:{given},kube_namespace:apps,runbook:CheckoutHighErrorRate"
    body = (
        changed(sample("datadog/triggered"), tags=tags)
        if sender == "datadog"
        else alertmanager_body(alerts__0__labels__deployment=given)
    )
    data = data_of(invoke, body)
    assert data["target"]["kind"] is None
    labels = {key: data["labels"][key] for key in ("namespace", "deployment")}
    assert labels == {"namespace": "apps", "deployment": SPELLINGS[given]}
    for target in (from_alert("workload"), CHECKOUT):
        with pytest.raises(ActionRefused) as caught:
            resolved(scene(), runbook(target), labels)
        # As repr has it: a backslash is two.
        assert repr(SPELLINGS[given]) in str(caught.value)
        assert str(caught.value).isprintable()


@pytest.mark.parametrize(
    ("label", "text", "kind"),
    [("namespace", "app\u200bs", "workload"), ("instance", "10.0.\x000.2:1", "node")],
)
def test_so_it_is_with_whatever_says_where(
    invoke: Invoker, label: str, text: str, kind: str
) -> None:
    said = data_of(invoke, alertmanager_body(**{f"alerts__0__labels__{label}": text}))["labels"]
    labels = {"namespace": "apps", "deployment": "checkout", label: said[label]}
    if kind == "node":
        del labels["deployment"]
    with pytest.raises(ActionRefused, match=rf"label {label} is n"):
        resolved(scene(), runbook(from_alert(kind)), labels)


def test_no_cluster_is_repaired_either(invoke: Invoker) -> None:
    body = alertmanager_body(alerts__0__labels__cluster="sre-\u200bplatform")
    assert data_of(invoke, body)["target"]["cluster"] == "sre-\\u200bplatform"


def test_what_people_read_stays_clean_and_a_secret_hidden(invoke: Invoker) -> None:
    changes = {
        "alerts__0__labels__alertname": "Checkout\u200bDown",
        "alerts__0__labels__severity": "crit\u200bical",
        "alerts__0__labels__team": "pay\u200bments team",
        "alerts__0__labels__key": "AKIA\u200bIOSFODNN7EXAMPLE",
        "alerts__0__labels__password": "hun\u200bter2",
        "alerts__0__labels__word": "میخواهم\u200cabc",
        "alerts__0__annotations__summary": "check\u200bout is ill",
    }
    data = data_of(invoke, alertmanager_body(**changes))
    assert (data["alert_name"], data["severity"]) == ("CheckoutDown", "critical")
    assert data["summary"] == "checkout is ill"
    labels = data["labels"]
    assert labels["team"] == "payments team"
    assert labels["key"] == labels["password"] == "[redacted]"
    assert labels["word"] == "میخواهم\u200cabc"
