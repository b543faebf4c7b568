"""A runbook is published that is about what the stack does not allow: it can never act there."""

from __future__ import annotations

import json
import shutil
from typing import Any

import pytest
import yaml

from srectl.operate.doctor import Severity, published
from tests.unit.srectl.operate.doctor.patients import RUNBOOK, Patient, set_parameter, worst

SHOP = {"kind": "deployment", "namespace": "shop", "name": "basket"}


def publish(patient: Patient, **changes: Any) -> None:
    """Let the runbook be published with changes, from the checkout."""
    definition = {**yaml.safe_load(RUNBOOK), **changes}
    (patient.folder / "runbooks" / "down.yaml").write_text(yaml.safe_dump(definition))
    (item,) = patient.aws["dynamodb"]["scan"]["Items"]
    item["definition"]["S"] = json.dumps(definition)


@pytest.mark.parametrize("mode", ["on", "observe"])
@pytest.mark.parametrize(
    ("target", "names", "wanted"),
    [
        (SHOP, "shop", "apps,shop"),
        (
            {"from_alert": "pod", "namespaces": ["apps", "shop"], "names": ["*"]},
            "shop",
            "apps,shop",
        ),
        ({"from_alert": "pod", "namespaces": ["team-*"], "names": ["*"]}, "team-*", "apps,…"),
    ],
)
def test_it_is_named_with_what_to_deploy(
    patient: Patient, target: dict[str, Any], names: str, wanted: str, mode: str
) -> None:
    publish(patient, target=target, **({} if mode == "on" else {"mode": mode}))
    bad = worst(patient.see(published.CHECK))
    assert (bad.severity, bad.where) == (Severity.FAILED, "runbook CheckoutDown")
    assert bad.what.startswith(f"never acts in {names}, which the stack does not allow")
    assert bad.next.startswith(f"deploy with AllowedNamespaces={wanted}, and")
    set_parameter(patient, "AllowedNamespaces", "team-a,apps,shop")
    assert {each.severity for each in patient.see(published.CHECK)} == {Severity.OK}


def test_one_that_is_off_may_be_about_anything(patient: Patient) -> None:
    publish(patient, target=SHOP, enabled=False)
    assert {each.severity for each in patient.see(published.CHECK)} == {Severity.OK}


def test_it_is_named_without_the_checkout_that_it_came_from(patient: Patient) -> None:
    publish(patient, target=SHOP)
    shutil.rmtree(patient.folder / "runbooks")
    blind, bad = patient.see(published.CHECK)
    assert (blind.severity, bad.severity) == (Severity.NOT_CHECKED, Severity.FAILED)


def test_on_one_machine_the_stack_is_started_anew(
    patient: Patient, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(patient, target=SHOP)
    deployment = patient.deployment()
    monkeypatch.setattr(type(deployment), "endpoint", "http://127.0.0.1:4566")
    bad = worst(list(published.CHECK.look(deployment)))
    assert "'srectl local up --set AllowedNamespaces=apps,shop'" in bad.next
