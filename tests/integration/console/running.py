"""What the tests of the console share: one that listens, and the size of a phone."""

from __future__ import annotations

from dataclasses import dataclass

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
