"""What follows a log reads what is new, and forgets nothing that it saw."""

from __future__ import annotations

from typing import Any

from onemachine.stack.function_logs import Follower, FunctionLogs


class Logs:
    """A log group that grows, and the moments from which it was asked for."""

    exceptions: Any = type("Exceptions", (), {"ResourceNotFoundException": KeyError})

    def __init__(self) -> None:
        self.lines: list[tuple[float, str]] = []
        self.asked: list[float] = []

    def get_paginator(self, _name: str) -> Logs:
        return self

    def paginate(self, *, logGroupName: str, startTime: int) -> list[dict[str, Any]]:  # noqa: N803
        self.asked.append(startTime / 1000)
        found = [line for line in self.lines if line[0] * 1000 >= startTime]
        return [{"events": [{"timestamp": at * 1000, "message": said} for at, said in found]}]


def test_a_follower_gives_all_and_asks_for_what_may_be_new() -> None:
    logs = Logs()
    follower = Follower(FunctionLogs(logs), "audit", since=1000.0)
    logs.lines = [(900.0, "before"), (1001.0, "first")]
    assert follower.events() == [(1001.0, "first")]
    logs.lines += [(1100.0, "second"), (1101.0, "third")]
    assert [said for _at, said in follower.events()] == ["first", "second", "third"]
    logs.lines.append((1095.0, "written late"))
    assert [said for _at, said in follower.events()][-1] == "written late"
    assert len(follower.events()) == 4
    assert logs.asked[0] == 1000.0
    assert logs.asked[-1] == 1071.0
