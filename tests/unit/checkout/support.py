"""What stands for SSM, and how a test starts the service."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from flask.testing import FlaskClient


@dataclass
class Parameters:
    """Stands for SSM: a value, an error, or nothing for each name."""

    values: dict[str, str | Exception] = field(default_factory=dict)
    reads: list[str] = field(default_factory=list)

    def read(self, name: str) -> str | None:
        self.reads.append(name)
        value = self.values.get(name)
        if isinstance(value, Exception):
            raise value
        return value


Start = Callable[..., FlaskClient]
