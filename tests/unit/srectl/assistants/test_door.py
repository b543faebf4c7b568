"""What is no message of the protocol: answered with its error, and the talk goes on."""

from __future__ import annotations

import io
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import anyio
import pytest
from mcp import types

from srectl.assistants import door
from srectl.assistants.door import Door, fault_of
from tests.support.assistants import spoken_raw

INVALID, PARSE = types.INVALID_REQUEST, types.PARSE_ERROR
REQUEST = b'{"jsonrpc":"2.0","id":%s,"method":"ping","params":{"x":%s}}'


@pytest.mark.parametrize(
    ("line", "request_id", "code"),
    [
        (REQUEST % (b"7", rb'"\ud800"'), 7, INVALID),
        (REQUEST % (b'"seven"', rb'"\udfff"'), "seven", INVALID),
        (REQUEST % (rb'"\ud800"', b"1"), None, INVALID),
        (REQUEST % (b"1.5", b"1"), None, INVALID),
        (REQUEST % (b"true", b"1"), None, INVALID),
        (REQUEST % (b"null", b"1"), None, INVALID),
        (REQUEST % (b"[1]", b"1"), None, INVALID),
        (REQUEST % (b"8", b"[" * 500 + b"]" * 500), 8, INVALID),
        (REQUEST % (b"8", b"[" * 200_000 + b"]" * 200_000), None, PARSE),
        (b'{"jsonrpc":"2.0","id":9,"method":5}', 9, INVALID),
        (b'{"id":9,"method":"ping"}', 9, INVALID),
        (b'{"jsonrpc":"2.0","id":9,"method":"ping","params":[1]}', 9, INVALID),
        (b'[{"jsonrpc":"2.0","id":9,"method":"ping"}]', None, INVALID),
        (b"[]", None, INVALID),
        (b"null", None, INVALID),
        (b"hello", None, PARSE),
        (b'{"jsonrpc":"2.0","id":9,"method":"ping"', None, PARSE),
        (b"\xff\xfe", None, PARSE),
    ],
)
def test_what_is_no_message_has_the_error_of_the_protocol(
    line: bytes, request_id: Any, code: int
) -> None:
    fault = fault_of(line)
    assert fault is not None
    assert fault[:2] == (request_id, code)
    assert fault[2].isascii()


@pytest.mark.parametrize("given", [b"1", b"NaN", b"1e999", b"9" * 400, b"[" * 50 + b"]" * 50])
def test_what_the_protocol_allows_is_left_to_the_tools(given: bytes) -> None:
    assert fault_of(REQUEST % (b"1", given)) is None


def test_a_notification_is_left_alone_whatever_it_says() -> None:
    said = b'{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"x":{"id":1}}}'
    assert fault_of(said) is None


class _Outgoing:
    def __init__(self) -> None:
        self.sent: list[Any] = []

    async def send(self, item: Any, /) -> None:
        self.sent.append(item.message.model_dump(exclude_unset=True))


def test_a_line_without_an_end_is_not_kept_and_the_next_is_understood(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(door, "MOST_BYTES", 100)
    good = REQUEST % (b"1", b"1") + b"\n"
    outgoing = _Outgoing()

    async def run() -> list[str]:
        at = Door(io.BytesIO(b"x" * 1000 + b"\n  \n" + good + b"y" * 350))
        at.answer_by(outgoing)
        lines: AsyncIterator[str] = at.__aiter__()
        return [each async for each in lines]

    assert anyio.run(run) == [good.decode()]
    assert [each["id"] for each in outgoing.sent] == [None, None]
    assert all("longer than 100 bytes" in each["error"]["message"] for each in outgoing.sent)


def test_whoever_asks_badly_is_answered_and_the_talk_goes_on(tmp_path: Path) -> None:
    variables = {
        "SRECTL_PREFIX": "t-",
        "AWS_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_ENDPOINT_URL": "http://127.0.0.1:9",
    }
    call = (
        b'{"jsonrpc":"2.0","id":%s,"method":"tools/call",'
        b'"params":{"name":"incidents","arguments":{%s}}}'
    )
    answers = spoken_raw(
        variables,
        tmp_path,
        [
            call % (b"1", rb'"status":"\ud800"'),
            b"hello",
            b'[{"jsonrpc":"2.0","id":2,"method":"ping"}]',
            call % (b"3", b'"limit":NaN'),
            call % (b"4", b'"limit":' + b"9" * 400),
            b'{"jsonrpc":"2.0","id":5,"method":"foo/bar"}',
            b'{"jsonrpc":"2.0","id":"last","method":"ping"}',
        ],
    )
    codes = {each.get("id"): each.get("error", {}).get("code") for each in answers[1:]}
    assert {1: INVALID, 5: types.METHOD_NOT_FOUND, "last": None}.items() <= codes.items()
    nameless = [each["error"]["code"] for each in answers if each.get("id") is None]
    assert nameless == [PARSE, INVALID]
