"""The namespaces that the stack makes for its manifests."""

from __future__ import annotations

import yaml

from onemachine.stack.manifests import with_namespaces

SHOP = """\
apiVersion: v1
kind: Namespace
metadata: {name: apps}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: a, namespace: apps}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: b, namespace: shop}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: b, namespace: default}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: b}
"""


def named(text: str) -> list[str]:
    return [f"{each['kind']} {each['metadata']['name']}" for each in yaml.safe_load_all(text)]


def test_what_no_object_is_and_one_is_in_comes_first() -> None:
    assert named(with_namespaces(SHOP)) == ["Namespace shop", *named(SHOP)]


def test_what_is_allowed_is_there_whether_or_not_an_object_is_in_it() -> None:
    made = named(with_namespaces(SHOP, ["apps", "shop", "payments", "default"]))
    assert made == ["Namespace payments", "Namespace shop", *named(SHOP)]


def test_what_brings_all_along_stays_as_it_is() -> None:
    apps = SHOP.partition("---\n")[0]
    assert with_namespaces(apps, ["apps"]) == apps
