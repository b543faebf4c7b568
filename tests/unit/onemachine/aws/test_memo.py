"""What the local AWS remembers comes out as if it had been worked out anew."""

from __future__ import annotations

import copy
import json
import time
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ministack.core import iam_evaluator
from ministack.core.responses import AccountRegionScopedDict, request_scope
from ministack.services import dynamodb, stepfunctions

from onemachine.aws import memo

_ACCOUNT = "000000000000"
_CALLERS = [
    f"arn:aws:sts::{_ACCOUNT}:assumed-role/reader/session",
    f"arn:aws:sts::{_ACCOUNT}:assumed-role/writer/session",
    f"arn:aws:iam::{_ACCOUNT}:user/ada",
    f"arn:aws:iam::{_ACCOUNT}:root",
    "arn:aws:sts::111111111111:assumed-role/reader/session",
]
_PRINCIPALS: list[Any] = [
    "*",
    {"AWS": "*"},
    {"AWS": [f"arn:aws:iam::{_ACCOUNT}:role/reader", f"arn:aws:iam::{_ACCOUNT}:user/ada"]},
    {"AWS": _ACCOUNT},
    {"AWS": f"arn:aws:iam::{_ACCOUNT}:root"},
    {"AWS": _CALLERS[1]},
    {"Service": "events.amazonaws.com"},
    {"Service": ["sns.amazonaws.com"], "AWS": "arn:aws:iam::111111111111:role/reader"},
    _CALLERS[2],
    {},
]
_STATEMENT = st.fixed_dictionaries(
    {
        "Effect": st.sampled_from(["Allow", "Deny"]),
        "Principal": st.sampled_from(_PRINCIPALS),
        "Action": st.sampled_from(["sns:Publish", "sns:*", ["dynamodb:GetItem", "sns:Publish"]]),
        "Resource": st.sampled_from(["*", "arn:aws:sns:us-east-1:000000000000:t"]),
    },
    optional={
        "Sid": st.sampled_from(["One", "Two"]),
        "Condition": st.sampled_from(
            [{"StringNotEquals": {"aws:PrincipalArn": _CALLERS[0]}}, {"Bool": {"a:b": "true"}}]
        ),
    },
)
_DOCUMENTS = st.one_of(
    st.lists(_STATEMENT | st.just("none"), max_size=4).map(lambda found: {"Statement": found}),
    _STATEMENT.map(lambda found: {"Statement": found}),
    st.sampled_from([None, "", "no JSON", "[]", "{}", [], {}, {"Statement": "none"}]),
)


@pytest.fixture(scope="module")
def remembered() -> Iterator[SimpleNamespace]:
    """The emulator's own functions, while it has those that remember."""
    own = SimpleNamespace(evaluate=iam_evaluator.evaluate_resource_policy)
    own.condition = iam_evaluator._evaluate_single_condition
    kept: list[tuple[Any, str, Any]] = [
        (stepfunctions, name, getattr(stepfunctions, name))
        for name in ("json", "_run_execution", "_apply_jsonata_template", "now_iso")
    ]
    kept.append((iam_evaluator, "evaluate_resource_policy", own.evaluate))
    matching = ("_evaluate_single_condition", "fnmatch_iam", "fnmatch_iam_cs")
    kept.extend((iam_evaluator, name, getattr(iam_evaluator, name)) for name in matching)
    own.values, own.items = AccountRegionScopedDict.values, AccountRegionScopedDict.items
    kept.extend((AccountRegionScopedDict, name, vars(own)[name]) for name in ("values", "items"))
    own.template = stepfunctions._apply_jsonata_template
    own.now_iso = stepfunctions.now_iso
    memo._resource_policies()
    memo._matches()
    memo._templates()
    memo._moments()
    memo._scopes()
    try:
        yield own
    finally:
        for module, name, value in kept:
            setattr(module, name, value)


@given(
    document=_DOCUMENTS,
    as_text=st.booleans(),
    caller=st.sampled_from(_CALLERS),
    service=st.sampled_from([None, "events.amazonaws.com"]),
    named_only=st.booleans(),
    direct_only=st.booleans(),
)
def test_a_resources_policy_decides_the_same(
    remembered: SimpleNamespace, document: Any, as_text: bool, caller: str, **asked: Any
) -> None:
    given_document = json.dumps(document) if as_text else document
    context = iam_evaluator.EvalContext(
        principal_arn=caller,
        principal_type="AssumedRole",
        principal_account=_ACCOUNT,
        action="sns:Publish",
        resource_arn="arn:aws:sns:us-east-1:000000000000:t",
        region="us-east-1",
        service_context={},
    )
    for _ in range(2):  # found, and remembered
        found = iam_evaluator.evaluate_resource_policy(given_document, context, **asked)
        assert found == remembered.evaluate(given_document, context, **asked)


_TEXTS = st.sampled_from(["a", "A", "1", "true", "True", "a*", "*", "10.0.0.1", "", _CALLERS[0]])
_OPERATORS = (
    *("StringLike", "StringNotLike", "StringEqualsIfExists", "Bool", "Null", "NumericEquals"),
    *("ForAllValues:StringLike", "ForAnyValue:StringEquals", "IpAddress", "ArnLike", "Odd"),
)
_COMPARED = _TEXTS | st.sampled_from([True, 1, 1.0, False])


@given(
    operator=st.sampled_from(_OPERATORS),
    actual=st.none() | _COMPARED | st.lists(_TEXTS, max_size=2),
    expected=st.lists(_COMPARED, max_size=3),
)
def test_a_condition_is_judged_the_same(
    remembered: SimpleNamespace, operator: str, actual: Any, expected: list[Any]
) -> None:
    outcomes = []
    for judge in (remembered.condition, *[iam_evaluator._evaluate_single_condition] * 2):
        try:
            outcomes.append(judge(operator, actual, expected))
        except ValueError as error:
            outcomes.append(str(error))
    assert outcomes[1:] == outcomes[:1] * 2


def test_what_cannot_be_written_as_json_is_judged_all_the_same(remembered: SimpleNamespace) -> None:
    document = {"Version": {1}, "Statement": {"Effect": "Allow", "Principal": "*", "Action": "*"}}
    context = SimpleNamespace(principal_arn=_CALLERS[0], action="a:b", resource_arn="*")
    found = iam_evaluator.evaluate_resource_policy(document, context)
    assert found == remembered.evaluate(document, context)


_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-9, 9)
    | st.sampled_from(
        ["plain", "{% $states.input.a %}", "{%'b'%}", "{%}", "{% 1", "%}", " {% 1 %}"]
    ),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("xyz"), inner),
    max_leaves=8,
)


@given(_VALUES)
def test_a_template_is_filled_in_the_same(remembered: SimpleNamespace, value: Any) -> None:
    context: dict[str, Any] = {"variables": {}}
    outcomes = []
    for fill in (remembered.template, stepfunctions._apply_jsonata_template) * 2:
        try:
            outcomes.append(fill(copy.deepcopy(value), {"a": [1]}, context))
        except stepfunctions._ExecutionError as error:
            outcomes.append((error.error, error.cause))
    assert all(each == outcomes[0] for each in outcomes)


def test_a_moment_is_written_as_the_emulator_writes_it(
    remembered: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert len(remembered.now_iso()) == len(stepfunctions.now_iso())
    apart = datetime.fromisoformat(stepfunctions.now_iso()) - datetime.now(UTC)
    assert abs(apart) < timedelta(seconds=5)
    for milliseconds in (0, 7, 999, 1_795_872_000_004, 253_402_300_799_999):
        monkeypatch.setattr(time, "time_ns", lambda now=milliseconds: now * 1_000_000 + 999_999)
        moment = datetime.fromtimestamp(0, UTC) + timedelta(milliseconds=milliseconds)
        written = moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
        assert stepfunctions.now_iso() == written


def test_each_account_and_region_lists_its_own_in_order(remembered: SimpleNamespace) -> None:
    store = AccountRegionScopedDict()
    scopes = [(_ACCOUNT, "us-east-1"), (_ACCOUNT, "eu-west-1"), ("111111111111", "us-east-1")]
    for number in range(9):
        store.set_scoped(*scopes[number % 3], f"key-{number}", number)
    for account, region in (*scopes, ("111111111111", "eu-west-1")):
        with request_scope(account, region):
            assert store.values() == remembered.values(store)
            assert store.items() == remembered.items(store)
            assert len(store.items()) == (3 if (account, region) in scopes else 0)


class _Odd(dict[str, Any]):
    """A dict that is more than one."""


_ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3) | st.binary(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(max_size=2), inner, max_size=4)
        | st.tuples(inner)
        | st.dictionaries(st.text(max_size=2), inner, max_size=2).map(_Odd)
    ),
    max_leaves=20,
)


@given(_ANYTHING)
def test_a_copy_is_equal_and_shares_nothing_that_can_be_changed(value: Any) -> None:
    made = memo.copied(value)
    assert made == copy.deepcopy(value)
    assert list(map(type, _parts(made))) == list(map(type, _parts(value)))
    changeable = {id(each) for each in _parts(value) if isinstance(each, dict | list)}
    assert not [each for each in _parts(made) if id(each) in changeable]


def _parts(value: Any) -> Iterator[Any]:
    yield value
    inner = value.values() if isinstance(value, dict) else value
    for each in inner if isinstance(value, dict | list | tuple) else ():
        yield from _parts(each)


def test_what_leaves_a_state_and_enters_the_next_is_written_once(
    remembered: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only while an execution runs, and only the very value that was written last."""
    one: dict[str, Any] = {"a": "zä"}
    written: list[Any] = []

    def run(_: str) -> list[str]:
        return [stepfunctions.json.dumps(each) for each in (one, one, dict(one), None, None, one)]

    monkeypatch.setattr(stepfunctions, "json", stepfunctions.json)
    monkeypatch.setattr(stepfunctions, "_run_execution", run)
    memo._definitions()
    stock = json.dumps

    def dumps(value: Any) -> str:
        written.append(value)
        return stock(value)

    monkeypatch.setattr(json, "dumps", dumps)
    texts = [stock(each) for each in (one, one, one, None, None, one)]
    assert stepfunctions._run_execution("arn") == texts
    assert written == [one, one, None, one]
    written.clear()
    assert [stepfunctions.json.dumps(one), stepfunctions.json.dumps(one)] == texts[:2]
    assert written == [one, one]


_LARGE = {":a": {"S": "x" * 150_000}, ":b": {"L": [{"S": "ä" * 60_000}]}, ":c": {"N": "1"}}


@pytest.mark.parametrize(
    ("expression", "weighed"),
    [
        ("SET a = :c", False),
        ("SET a = :a, b = :c", False),
        ("SET a = :a, b = :a, c = :a", True),
        ("SET #n = :b, b = if_not_exists(c, :b) ADD d :c REMOVE e", True),
        ("SET a = list_append(:b, :b), c = :b, d = :b", True),
    ],
)
def test_an_update_is_too_heavy_where_the_emulator_says_so(
    monkeypatch: pytest.MonkeyPatch, expression: str, weighed: bool
) -> None:
    """Only what may be too heavy is weighed exactly; what is not weighed would have passed."""
    asked = []
    stock = dynamodb._update_request_charge

    def charge(*arguments: Any) -> int:
        asked.append(arguments)
        return int(stock(*arguments))

    monkeypatch.setattr(dynamodb, "_update_request_charge", charge)
    memo._charges()
    values = {name: each for name, each in _LARGE.items() if name in expression}
    given: Any = (expression, values, {"#n": "name"} if "#n" in expression else None, {})
    most = dynamodb._update_request_charge(*given)
    assert bool(asked) is weighed
    exactly = stock(*given)
    assert most >= exactly
    limit = dynamodb._DDB_ITEM_MAX_BYTES
    assert (most > limit) == (exactly > limit)


def test_each_id_is_drawn_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ids of version 4, as many different ones as were asked for, from several threads."""
    monkeypatch.setattr(uuid, "uuid4", uuid.uuid4)
    memo._ids()
    with ThreadPoolExecutor(4) as pool:
        ids = list(pool.map(lambda _: uuid.uuid4(), range(3000)))
    assert len(set(ids)) == 3000
    assert {each.version for each in ids} == {4}
    assert {each.variant for each in ids} == {uuid.RFC_4122}
