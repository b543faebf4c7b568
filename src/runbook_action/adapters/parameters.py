"""SSM Parameter Store, always encrypted with the platform's own key."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from runbook_action.adapters.aws_errors import translated
from runbook_action.errors import ResourceMissing

if TYPE_CHECKING:
    from mypy_boto3_ssm import SSMClient


class SsmParameters:
    """Reads and writes SecureString parameters.

    Parameters
    ----------
    client
        SSM client of the function's own role.
    key_id
        KMS key to encrypt with.
    """

    def __init__(self, client: SSMClient, key_id: str) -> None:
        self._client = client
        self._key_id = key_id

    def get(self, name: str) -> str | None:
        """Value of a parameter, or None if there is none of that name."""
        try:
            with translated(f"reading SSM parameter {name}"):
                answer = self._client.get_parameter(Name=name, WithDecryption=True)
        except ResourceMissing:
            return None
        return answer["Parameter"].get("Value")

    def version(self, name: str) -> int:
        """Count the writes to a parameter; 0 where there is none of that name."""
        try:
            with translated(f"reading SSM parameter {name}"):
                answer = self._client.get_parameter(Name=name)
        except ResourceMissing:
            return 0
        return answer["Parameter"].get("Version", 0)

    def written_at(self, name: str) -> datetime | None:
        """When a parameter was last written; None where there is none of that name."""
        try:
            with translated(f"reading SSM parameter {name}"):
                answer = self._client.get_parameter(Name=name)
        except ResourceMissing:
            return None
        return answer["Parameter"].get("LastModifiedDate")

    def put(self, name: str, value: str) -> None:
        """Write a SecureString, over whatever it was."""
        with translated(f"writing SSM parameter {name}"):
            self._client.put_parameter(
                Name=name, Value=value, Type="SecureString", KeyId=self._key_id, Overwrite=True
            )
