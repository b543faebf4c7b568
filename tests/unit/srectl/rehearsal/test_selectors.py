"""Selectors choose in memory what they choose on a real API server."""

from __future__ import annotations

import pytest

from srectl.rehearsal.selectors import fields_match, labels_match

LABELS = {"app": "checkout", "tier": "web", "app.kubernetes.io/name": "checkout"}


@pytest.mark.parametrize(
    ("selector", "matches"),
    [
        ("", True),
        ("app=checkout", True),
        ("app==checkout", True),
        ("app=basket", False),
        ("app!=basket", True),
        ("gone!=basket", True),
        ("app", True),
        ("gone", False),
        ("!gone", True),
        ("!app", False),
        ("tier in (web, cache)", True),
        ("tier notin (web,cache)", False),
        ("gone notin (web)", True),
        ("gone in (web)", False),
        ("app=checkout,tier in (web,cache),!gone", True),
        ("app=checkout,tier in (cache),!gone", False),
        ("app.kubernetes.io/name=checkout", True),
        ("app=", False),
    ],
)
def test_labels(selector: str, matches: bool) -> None:
    assert labels_match(selector, LABELS) is matches


@pytest.mark.parametrize("selector", ["app in", "=x", "app=(x)y z"])
def test_a_selector_that_is_none_is_said(selector: str) -> None:
    with pytest.raises(ValueError, match="not understood"):
        labels_match(selector, LABELS)


@pytest.mark.parametrize(
    ("selector", "matches"),
    [
        ("", True),
        ("spec.nodeName=n1", True),
        ("spec.nodeName!=n1", False),
        ("spec.nodeName=n2", False),
        ("spec.nodeName=n1,metadata.name=p", True),
        ("status.phase=Running", False),
    ],
)
def test_fields(selector: str, matches: bool) -> None:
    pod = {"metadata": {"name": "p"}, "spec": {"nodeName": "n1"}}
    assert fields_match(selector, pod) is matches
