"""A client that is made when it is first used.

boto3 reads the whole model of a service to make one; Systems Manager's is so large that it takes a
tenth of a cold start. Most calls ask neither it, nor S3, nor another function.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


class Late:
    """Stands in for a client until somebody asks it for something.

    Parameters
    ----------
    make
        Makes the client; called once.
    """

    def __init__(self, make: Callable[[], Any]) -> None:
        self._make = make
        self._made: Any = None

    def __getattr__(self, name: str) -> Any:
        """Give what the client has of that name."""
        if self._made is None:
            self._made = self._make()
        return getattr(self._made, name)
