"""What the emulator works out again and again although it cannot have changed, or the long way.

No mends: nothing comes out differently, only sooner.
"""

from __future__ import annotations

import copy
import functools
import json
import os
import threading
import time
import uuid
from types import SimpleNamespace
from typing import Any

_KEPT = 1024
#: Of which a parsed one is some hundred kilobytes.
_MACHINES_KEPT = 64
_kept = functools.lru_cache(maxsize=4 * _KEPT)


def remember() -> None:
    """Remember what is asked for by almost every call."""
    _policies()
    _matches()
    _resource_policies()
    _expressions()
    _definitions()
    _templates()
    _moments()
    _scopes()
    _items()
    _charges()
    _ids()


def _policies() -> None:
    """Parse each policy document once; every call of every role is judged by a few of them."""
    from ministack.core import iam_evaluator

    stock = iam_evaluator.parse_policy_document

    # By its text: a policy that is changed is another text.
    @functools.lru_cache(maxsize=_KEPT)
    def parsed(text: str) -> Any:
        return stock(text)

    def parse(document: Any) -> Any:
        return parsed(document) if isinstance(document, str) else stock(document)

    iam_evaluator.parse_policy_document = parse


def _matches() -> None:
    """Find once which action fits a pattern, and which text a condition."""
    from ministack.core import iam_evaluator

    stock = iam_evaluator._evaluate_single_condition
    for name in ("fnmatch_iam", "fnmatch_iam_cs"):
        setattr(iam_evaluator, name, _kept(getattr(iam_evaluator, name)))

    @_kept
    def compared(operator: str, actual: str, *expected: str) -> Any:
        return stock(operator, actual, list(expected))

    def evaluate(operator: str, actual: Any, expected: Any) -> Any:
        # 1 and True would be one key, and are two texts.
        if isinstance(actual, str) and all(isinstance(each, str) for each in expected):
            return compared(operator, actual, *expected)
        return stock(operator, actual, expected)

    iam_evaluator._evaluate_single_condition = evaluate


def _resource_policies() -> None:
    """Find once which statements of a resource's policy are about a principal."""
    from ministack.core import iam_evaluator

    stock = iam_evaluator.evaluate_resource_policy

    @functools.lru_cache(maxsize=_KEPT)
    def statements(
        text: str, principal: str, service: str | None, named_only: bool, direct_only: bool
    ) -> Any:
        try:
            document = json.loads(text)
        except ValueError:
            return []
        listed = document.get("Statement", []) if isinstance(document, dict) else []
        listed = [listed] if isinstance(listed, dict) else listed
        about = [
            each
            for each in (listed if isinstance(listed, list) else [])
            if isinstance(each, dict)
            and _is_about(each.get("Principal", {}), principal, service, named_only, direct_only)
        ]
        return iam_evaluator.parse_policy_document({"Statement": about})

    def evaluate(
        doc: Any,
        ctx: Any,
        service: str | None = None,
        named_only: bool = False,
        direct_only: bool = False,
    ) -> Any:
        # By its text: a policy that is changed is another text.
        try:
            text = doc if isinstance(doc, str) else json.dumps(doc)
        except (TypeError, ValueError):
            return stock(doc, ctx, service, named_only, direct_only)
        found = statements(text, ctx.principal_arn, service, named_only, direct_only)
        return iam_evaluator.evaluate(ctx, [found])

    iam_evaluator.evaluate_resource_policy = evaluate


def _is_about(
    principal: Any, caller: str, service: str | None, named_only: bool, direct_only: bool
) -> bool:
    from ministack.core import iam_evaluator

    if direct_only:
        return bool(iam_evaluator._names_caller_directly(principal, caller))
    if named_only:
        return bool(iam_evaluator._names_caller(principal, caller))
    if not isinstance(principal, dict):
        return bool(iam_evaluator._principal_matches(principal, caller))
    if iam_evaluator._principal_matches({"AWS": principal.get("AWS", [])}, caller):
        return True
    return bool(service and iam_evaluator._service_principal_matches(principal, service))


def _expressions() -> None:
    """Take each expression of DynamoDB apart once."""
    from ministack.services import dynamodb

    stock = dynamodb._tokenize

    @functools.lru_cache(maxsize=_KEPT)
    def tokens(expression: str) -> Any:
        return tuple(stock(expression))

    def tokenize(expression: str) -> Any:
        # A list of its own for each: parsers may take from it.
        return list(tokens(expression))

    dynamodb._tokenize = tokenize
    check = functools.lru_cache(maxsize=_KEPT)(dynamodb._condition_syntax_error)
    dynamodb._condition_syntax_error = check


def _definitions() -> None:
    """Read the definition of a machine once, not for each execution; nobody writes into it.

    And write out once what leaves a state and enters the next; each makes a value of its own.
    """
    from ministack.services import stepfunctions

    parsed = functools.lru_cache(maxsize=_MACHINES_KEPT)(json.loads)
    stock = stepfunctions._run_execution
    current = threading.local()

    def loads(text: Any, **named: Any) -> Any:
        # The very text that the machine of this thread's execution has; what else is read is new.
        if not named and text is getattr(current, "definition", None):
            return parsed(text)
        return json.loads(text, **named)

    def dumps(value: Any, **named: Any) -> str:
        written = getattr(current, "written", None)
        if named or written is None:
            return json.dumps(value, **named)
        if written[0] is not value:
            current.written = written = (value, json.dumps(value))
        return str(written[1])

    def run_execution(execution_arn: str) -> Any:
        execution = stepfunctions._executions.get(execution_arn) or {}
        machine = stepfunctions._state_machines.get(execution.get("stateMachineArn")) or {}
        current.definition, current.written = machine.get("definition"), (None, "null")
        try:
            return stock(execution_arn)
        finally:
            current.definition = current.written = None

    stepfunctions.json = SimpleNamespace(**{**vars(json), "loads": loads, "dumps": dumps})
    stepfunctions._run_execution = run_execution


def _templates() -> None:
    """Find once which texts of a definition are expressions."""
    from ministack.services import stepfunctions

    @functools.lru_cache(maxsize=4 * _KEPT)
    def expression(text: str) -> str | None:
        return text[2:-2].strip() if text.startswith("{%") and text.endswith("%}") else None

    def template(
        value: Any, raw_input: Any, ctx: Any = None, result: Any = None, error_output: Any = None
    ) -> Any:
        if isinstance(value, str):
            found = expression(value)
            if found is None:
                return value
            return stepfunctions._evaluate_jsonata(found, raw_input, ctx, result, error_output)
        if isinstance(value, dict):
            return {
                key: template(each, raw_input, ctx, result, error_output)
                for key, each in value.items()
            }
        if isinstance(value, list):
            return [template(each, raw_input, ctx, result, error_output) for each in value]
        return value

    stepfunctions._apply_jsonata_template = template


def _moments() -> None:
    """Write out a second once; every event of every history names the time."""
    from ministack.services import stepfunctions

    @functools.lru_cache(maxsize=8)
    def second(moment: int) -> str:
        return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(moment))

    def now_iso() -> str:
        moment, milliseconds = divmod(time.time_ns() // 1_000_000, 1000)
        return f"{second(moment)}.{milliseconds:03d}Z"

    stepfunctions.now_iso = now_iso


def _scopes() -> None:
    """Ask once whose things are listed, not again for each of all that there are."""
    from ministack.core.responses import AccountRegionScopedDict

    def mine(store: Any) -> list[tuple[Any, Any]]:
        account, region = store._prefix()
        return [
            (key[2], value)
            for key, value in list(store._data.items())
            if key[0] == account and key[1] == region
        ]

    def values(store: Any) -> list[Any]:
        return [value for _, value in mine(store)]

    AccountRegionScopedDict.items = mine
    AccountRegionScopedDict.values = values


def _items() -> None:
    """Copy items as the JSON that they are; in general a copy has to look for more than that."""
    from ministack.services import dynamodb

    dynamodb.copy = SimpleNamespace(**{**vars(copy), "deepcopy": copied})


def _charges() -> None:
    """Weigh the request of an update only where it may be too heavy, and nearly none is."""
    from ministack.services import dynamodb

    stock = dynamodb._update_request_charge

    def charge(expression: str, values: Any, names: Any, before: Any) -> int:
        named, given = names or {}, values or {}
        uses = sum(expression.count(sign) for sign in ":#")
        largest = sum(map(dynamodb._attribute_value_size, given.values()))
        largest += sum(len(str(name).encode()) for name in named.values())
        most = _ONCE + _MOST_OF_A_CHARACTER * len(expression) + uses * largest
        if most <= dynamodb._DDB_ITEM_MAX_BYTES:
            return int(most)
        return int(stock(expression, values, names, before))

    dynamodb._update_request_charge = charge


#: What an update is charged besides its parts, and what a part is at the most for each character
#: that it is written with: ``SET a=b``.
_ONCE, _MOST_OF_A_CHARACTER = 3, 40


def _ids() -> None:
    """Draw the numbers of many ids at once; each draw is a call of the system."""
    lock, drawn = threading.Lock(), bytearray()

    def uuid4() -> uuid.UUID:
        with lock:
            if not drawn:
                drawn.extend(os.urandom(_DRAWN_BYTES))
            some = bytes(drawn[-16:])
            del drawn[-16:]
        return uuid.UUID(bytes=some, version=4)

    uuid.uuid4 = uuid4


_DRAWN_BYTES = 4096


def copied(value: Any) -> Any:
    """Copy a value: lists and dicts anew, texts, numbers and the like as they are.

    Parameters
    ----------
    value
        Mostly JSON; whatever is something else is copied by :func:`copy.deepcopy`.
    """
    kind = type(value)
    # Most of an item is texts, for each of which a call would cost more than all else.
    if kind is dict:
        return {
            key: each if type(each) in _UNCHANGING else copied(each) for key, each in value.items()
        }
    if kind is list:
        return [each if type(each) in _UNCHANGING else copied(each) for each in value]
    return value if kind in _UNCHANGING else copy.deepcopy(value)


_UNCHANGING = frozenset({str, int, float, bool, bytes, type(None)})
