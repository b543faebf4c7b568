"""A parameter of Systems Manager that is a switch of the platform."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mypy_boto3_ssm import SSMClient


class Parameter:
    """One parameter.

    Parameters
    ----------
    client
        Of Systems Manager.
    name
        Of the parameter.
    """

    def __init__(self, client: SSMClient, name: str) -> None:
        self._client, self._name = client, name

    def read(self) -> str:
        """Give what it holds."""
        return self._client.get_parameter(Name=self._name)["Parameter"]["Value"]

    def write(self, text: str) -> None:
        """Have it hold something else."""
        self._client.put_parameter(Name=self._name, Value=text, Overwrite=True)
