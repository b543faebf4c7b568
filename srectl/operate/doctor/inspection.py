"""Asking runbook-action itself what it may do in a cluster: operation ``inspect``."""

from __future__ import annotations

import json
from typing import Any

from srectl.operate.account import Account
from srectl.operate.refusals import calling

__all__ = ["NO_ANSWER", "inspected"]

#: ``errorType`` of an answer that is none to the question.
NO_ANSWER = "no inspection"
_ANSWER = frozenset({"asked", "missing", "held", "tried", "namespaces"})


def inspected(account: Account, cluster: str) -> dict[str, Any]:
    """Ask about one cluster.

    Parameters
    ----------
    account
        The deployment.
    cluster
        Name of the EKS cluster.

    Returns
    -------
    dict
        The function's answer; of a call that failed its ``errorType`` and ``errorMessage``.

    Raises
    ------
    CommandFailed
        The function cannot be called at all.
    """
    function = account.action_function
    with calling(f"function {function} could not be called"):
        answer = account.functions.invoke(
            FunctionName=function,
            Payload=json.dumps({"operation": "inspect", "cluster": cluster}).encode(),
        )
        said = json.loads(answer["Payload"].read())
    if answer.get("FunctionError"):
        known = said if isinstance(said, dict) else {}
        return {"errorType": "no type", "errorMessage": str(said)[:500], **known}
    if not isinstance(said, dict) or not said.keys() >= _ANSWER:
        # Whatever runs there, it is not our function: that it answers proves nothing.
        return {"errorType": NO_ANSWER, "errorMessage": f"it answered {json.dumps(said)[:200]}"}
    return said
