"""Tables for tests of what reads and writes them (moto)."""

from __future__ import annotations

from typing import Any


def make_table(client: Any, name: str, key: str) -> None:
    """Make a table whose items are known by one text.

    Parameters
    ----------
    client
        Of DynamoDB.
    name, key
        Of the table and of its key.
    """
    client.create_table(
        TableName=name,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"}],
        KeySchema=[{"AttributeName": key, "KeyType": "HASH"}],
    )
