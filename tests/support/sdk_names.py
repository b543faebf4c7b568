"""What a task of ``aws-sdk:dynamodb`` is given, as boto3 takes it: with the names of the API."""

from __future__ import annotations

from typing import Any

_OF_THE_API = {"Ss": "SS", "Bool": "BOOL"}


def as_api(given: Any) -> Any:
    """Rename kinds of attributes in a request, wherever they stand.

    Parameters
    ----------
    given
        The task's arguments. What is called as the API calls it already is refused: Step Functions
        does not know it there.
    """
    if isinstance(given, list):
        return [as_api(each) for each in given]
    if not isinstance(given, dict):
        return given
    wrong = set(given) & set(_OF_THE_API.values())
    assert not wrong, f"an integration of the SDK knows no {wrong}"
    return {_OF_THE_API.get(name, name): as_api(each) for name, each in given.items()}
