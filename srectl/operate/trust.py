"""How far each runbook is trusted on a target, as its lock has it, and giving that trust back.

A runbook that was not seen to help so many times in a row asks before it acts there again
(docs/adr/0034-trust-that-is-earned.md). The function that judges is ``runbook_action.trust``; what
is told here is what it reads.
"""

from __future__ import annotations

import datetime
import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from srectl.errors import CommandFailed
from srectl.operate.announcing import stamp
from srectl.operate.incidents import values_of
from srectl.operate.refusals import calling

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

    from srectl.operate.account import Account

__all__ = ["Standing", "give", "limit_of", "place_of", "standings"]

# As runbook_action.adapters.lock_table reads them; and who has trusted it again.
_UNHELPED = "unhelped#"
_TRUSTED = "trusted#"
_MOST_KEYS = 100  # of one request (DynamoDB quota)
_TRIES = 5  # that may leave some out


@dataclass(frozen=True)
class Standing:
    """What the lock of a target says of a runbook.

    Attributes
    ----------
    lock
        Name of the lock, without ``target#``.
    unhelped
        Incidents for which it took the target in hand since it last helped, and that are over.
    trusted
        Who let it act by itself again (``by``), when (``at``), and after how many such incidents
        (``incidents``); empty where nobody had to.
    """

    runbook: str
    lock: str
    unhelped: tuple[str, ...] = ()
    trusted: dict[str, Any] = field(default_factory=dict)

    @property
    def mark(self) -> str:
        """What is another once another remediation counts; for a page to carry."""
        return hashlib.sha256("\n".join(sorted(self.unhelped)).encode()).hexdigest()[:16]

    def asks(self, limit: int | None) -> bool | None:
        """Say whether it asks there; None where the limit of the deployment is not known."""
        if limit is None:
            return None
        return 0 < limit <= len(self.unhelped)

    def as_json(self, limit: int | None) -> dict[str, Any]:
        """Give it for other programs."""
        told = {"unhelped_in_a_row": len(self.unhelped), "incidents": list(self.unhelped)}
        return {**told, "asks": self.asks(limit), "trusted": self.trusted or None}


def limit_of(account: Account) -> int | None:
    """Give AskAfterUnhelped of the deployment; None where it may not be read, or is older."""
    try:
        with calling("the function's settings could not be read"):
            found = account.functions.get_function_configuration(
                FunctionName=account.action_function
            )
    except CommandFailed:
        return None
    text = found.get("Environment", {}).get("Variables", {}).get("ASK_AFTER_UNHELPED", "")
    return int(text) if text.isascii() and text.isdigit() else None


def standings(client: DynamoDBClient, table: str, locks: Iterable[str]) -> list[Standing]:
    """Read what the locks of targets say of the runbooks that had them.

    One request for each hundred of them.

    Parameters
    ----------
    table
        Name of the guard table.
    locks
        Names of locks, without ``target#``.

    Raises
    ------
    CommandFailed
        The table cannot be read.
    """
    keys: list[Any] = [{"guard_key": {"S": f"target#{each}"}} for each in sorted(set(locks))]
    found: list[Standing] = []
    for _ in range(len(keys) // _MOST_KEYS + _TRIES):
        if not keys:
            break
        asked, keys = keys[:_MOST_KEYS], keys[_MOST_KEYS:]
        with calling(f"the locks could not be read from table {table}"):
            answer = client.batch_get_item(
                RequestItems={table: {"Keys": asked, "ConsistentRead": True}}
            )
        left = answer["UnprocessedKeys"]
        keys += left[table]["Keys"] if table in left else []
        for item in answer["Responses"].get(table, []):
            found += _of(values_of(item))
    if keys:
        raise CommandFailed(
            f"{len(keys)} locks of table {table} were not given", "it is throttled: try again soon"
        )
    return sorted(found, key=lambda each: (each.runbook, each.lock))


def _of(item: dict[str, Any]) -> Iterator[Standing]:
    lock = str(item["guard_key"]).partition("#")[2]
    names = {name.partition("#")[2] for name in item if name.startswith((_UNHELPED, _TRUSTED))}
    for name in names:
        tried = item.get(_UNHELPED + name)
        # The one that is under way counts neither way yet.
        over = [each for each in tried if each != item.get("holder")] if tried else []
        trusted = item.get(_TRUSTED + name)
        yield Standing(name, lock, tuple(over), trusted if isinstance(trusted, dict) else {})


def give(
    client: DynamoDBClient, table: str, standing: Standing, by: str, now: datetime.datetime
) -> None:
    """Let a runbook act by itself again on a target.

    Exactly what was shown is taken off: what has failed to help meanwhile still counts.

    Parameters
    ----------
    table
        Name of the guard table.
    by
        Who decides; it stands in the lock, with the time and the number of incidents.

    Raises
    ------
    CommandFailed
        It could not be written.
    """
    with calling(f"runbook {standing.runbook} could not be trusted again"):
        try:
            client.update_item(
                TableName=table,
                Key={"guard_key": {"S": f"target#{standing.lock}"}},
                UpdateExpression="SET #trusted = :who DELETE #unhelped :shown",
                ConditionExpression="attribute_exists(guard_key)",
                ExpressionAttributeNames={
                    "#trusted": _TRUSTED + standing.runbook,
                    "#unhelped": _UNHELPED + standing.runbook,
                },
                ExpressionAttributeValues={
                    ":shown": {"SS": list(standing.unhelped)},
                    ":who": {
                        "M": {
                            "by": {"S": by},
                            "at": {"S": stamp(now)},
                            "incidents": {"N": str(len(standing.unhelped))},
                        }
                    },
                },
            )
        except client.exceptions.ConditionalCheckFailedException:
            raise CommandFailed(
                f"nothing is kept of {place_of(standing.lock)} any more",
                "then nothing keeps its runbooks from acting by themselves",
            ) from None


def place_of(lock: str) -> str:
    """Name the target of a lock as people read it: ``sre-platform/apps/deployment/checkout``."""
    return "/".join(part for part in lock.split("#") if part)
