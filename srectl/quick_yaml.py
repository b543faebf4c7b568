"""YAML's safe loader, the quicker one where there is one."""

from __future__ import annotations

from typing import Any

import yaml

__all__ = ["SafeLoader"]

#: The parser in C takes a tenth of the time; not every machine's PyYAML has it.
SafeLoader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
