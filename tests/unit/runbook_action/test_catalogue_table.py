"""The published catalogue as the adapter reads it (moto)."""

from __future__ import annotations

from collections.abc import Iterator

import boto3
import pytest
from moto import mock_aws

from runbook_action.adapters.catalogue import CatalogueTable
from runbook_action.errors import ResourceMissing, StateUnknown
from srectl.runbooks import load_all, publish
from tests.support.shipped import RUNBOOKS

TABLE = "sre-runbooks"


@pytest.fixture
def session(monkeypatch: pytest.MonkeyPatch) -> Iterator[boto3.session.Session]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    with mock_aws():
        yield boto3.session.Session(region_name="us-east-1")


@pytest.fixture
def catalogue(session: boto3.session.Session) -> CatalogueTable:
    client = session.client("dynamodb")
    client.create_table(
        TableName=TABLE,
        AttributeDefinitions=[{"AttributeName": "name", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "name", "KeyType": "HASH"}],
        BillingMode="PAY_PER_REQUEST",
    )
    return CatalogueTable(client, TABLE)


def test_what_was_published_is_read(
    catalogue: CatalogueTable, session: boto3.session.Session
) -> None:
    there = load_all(RUNBOOKS)
    runbooks = there.runbooks
    publish(session.client("dynamodb"), TABLE, runbooks, there.evidence_only)
    read = catalogue.definitions()
    # Neither the alerts that one of them answers nor those that none does.
    assert sorted(each["name"] for each in read) == [each.name for each in runbooks]
    assert {each["name"]: each for each in read} == {
        each.name: each.definition for each in runbooks
    }
    assert catalogue.published(runbooks[0].name) == runbooks[0].definition
    assert catalogue.published("KubeHpaMaxedOut") == catalogue.published("RaiseAutoscalerMaximum")
    assert catalogue.published("Unheard") is None


def test_a_runbook_that_cannot_be_read_is_named(
    catalogue: CatalogueTable, session: boto3.session.Session
) -> None:
    item = {"name": {"S": "Broken"}, "definition": {"S": "{"}}
    session.client("dynamodb").put_item(TableName=TABLE, Item=item)
    with pytest.raises(StateUnknown, match="runbook Broken in table sre-runbooks"):
        catalogue.definitions()
    with pytest.raises(StateUnknown, match="runbook Broken in table sre-runbooks"):
        catalogue.published("Broken")


def test_without_the_table_it_says_so(session: boto3.session.Session) -> None:
    with pytest.raises(ResourceMissing, match="reading the catalogue in table sre-runbooks"):
        CatalogueTable(session.client("dynamodb"), TABLE).definitions()
