"""A container's environment comes from its pod, its image and the objects it refers to."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import pytest

from onemachine.node.environment import EnvironmentBuilder, base_environment, field_value
from onemachine.node.errors import ApiError, ContainerConfigError

POD: dict[str, Any] = {
    "metadata": {
        "name": "web-1",
        "namespace": "apps",
        "uid": "u-1",
        "labels": {"app": "web"},
        "annotations": {"a/b": "c"},
    },
    "spec": {"nodeName": "node-a", "serviceAccountName": "checkout"},
}
OBJECTS = {
    ("configmaps", "apps", "settings"): {"data": {"MODE": "fast", "SIZE": "3"}},
    ("secrets", "apps", "keys"): {"data": {"token": base64.b64encode(b"s3cret").decode()}},
}


def read(kind: str, namespace: str, name: str) -> dict[str, Any]:
    try:
        return OBJECTS[kind, namespace, name]
    except KeyError:
        raise ApiError(404, f"{kind} {name} not found") from None


def build(container: dict[str, Any], image: dict[str, str] | None = None) -> dict[str, str]:
    base = base_environment(POD, "127.20.1.1", Path("/state/pod"))
    return EnvironmentBuilder(POD, "127.20.1.1", "127.20.0.1", read).build(
        container, base, image or {}
    )


def test_nothing_is_inherited(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "of the host")
    assert set(build({})) == {
        "PATH",
        "HOSTNAME",
        "HOME",
        "TMPDIR",
        "LANG",
        "POD_IP",
        "POD_NAME",
        "POD_NAMESPACE",
    }


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("status.podIP", "127.20.1.1"),
        ("status.hostIP", "127.20.0.1"),
        ("metadata.name", "web-1"),
        ("metadata.namespace", "apps"),
        ("metadata.uid", "u-1"),
        ("spec.nodeName", "node-a"),
        ("spec.serviceAccountName", "checkout"),
        ("metadata.labels['app']", "web"),
        ("metadata.annotations['a/b']", "c"),
        ("metadata.labels['none']", ""),
    ],
)
def test_a_field_reference_is_resolved(path: str, expected: str) -> None:
    assert field_value(POD, path, "127.20.1.1", "127.20.0.1") == expected


def test_an_unknown_field_reference_is_refused() -> None:
    with pytest.raises(ContainerConfigError, match=r"spec\.other"):
        field_value(POD, "spec.other", "", "")


def test_entries_may_refer_to_those_before_them_only() -> None:
    env = [
        {"name": "EARLY", "value": "$(LATE)"},
        {"name": "LATE", "value": "x"},
        {"name": "SUM", "value": "$(LATE)-$(POD_IP)-$(EARLY)"},
    ]
    found = build({"env": env})
    assert found["EARLY"] == "$(LATE)"
    assert found["SUM"] == "x-127.20.1.1-$(LATE)"


def test_the_pod_wins_over_env_from_over_the_image() -> None:
    container = {
        "envFrom": [{"configMapRef": {"name": "settings"}}],
        "env": [{"name": "SIZE", "value": "9"}],
    }
    found = build(container, {"MODE": "image", "SIZE": "1", "DIR": "$(TMPDIR)/m"})
    assert (found["MODE"], found["SIZE"], found["DIR"]) == ("fast", "9", "/state/pod/tmp/m")


def test_keys_of_config_maps_and_decoded_secrets_are_read() -> None:
    mode = {"configMapKeyRef": {"name": "settings", "key": "MODE"}}
    token = {"secretKeyRef": {"name": "keys", "key": "token"}}
    found = build(
        {
            "envFrom": [{"secretRef": {"name": "keys"}, "prefix": "K_"}],
            "env": [{"name": "M", "valueFrom": mode}, {"name": "T", "valueFrom": token}],
        }
    )
    assert (found["M"], found["T"], found["K_token"]) == ("fast", "s3cret", "s3cret")


@pytest.mark.parametrize(
    "source",
    [
        {"configMapKeyRef": {"name": "settings", "key": "none"}},
        {"configMapKeyRef": {"name": "none", "key": "none"}},
        {"secretKeyRef": {"name": "keys", "key": "none"}},
    ],
)
def test_what_is_missing_is_an_error_unless_optional(source: dict[str, Any]) -> None:
    with pytest.raises(ContainerConfigError, match="none"):
        build({"env": [{"name": "X", "valueFrom": source}]})
    [reference] = source.values()
    reference["optional"] = True
    assert "X" not in build({"env": [{"name": "X", "valueFrom": source}]})


def test_a_missing_source_of_env_from_is_an_error_unless_optional() -> None:
    with pytest.raises(ContainerConfigError, match="apps/none"):
        build({"envFrom": [{"configMapRef": {"name": "none"}}]})
    build({"envFrom": [{"configMapRef": {"name": "none", "optional": True}}]})


def test_resources_can_be_referred_to() -> None:
    container = {
        "resources": {"limits": {"memory": "128Mi"}},
        "env": [{"name": "M", "valueFrom": {"resourceFieldRef": {"resource": "limits.memory"}}}],
    }
    assert build(container)["M"] == "128Mi"
