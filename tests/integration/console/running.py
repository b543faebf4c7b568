"""What the tests of the console share: one that listens, a size of a phone, what is answered."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from srectl.console.serving import Server
from srectl.operate.account import Account
from tests.support.console_scene import Scene

PHONE = {"width": 390, "height": 844}


@dataclass
class Running:
    """A console that listens."""

    server: Server
    scene: Scene
    account: Account
    hostile_id: str


class Taken:
    """Step Functions as moto has it, but for the answers to waiting tasks, which it lacks."""

    def __init__(self, client: Any) -> None:
        self._client = client
        self.answers: list[dict[str, Any]] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    def send_task_success(self, **answer: Any) -> dict[str, Any]:
        """Take an answer."""
        self.answers.append(answer)
        return {}
