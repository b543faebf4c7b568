"""Mends what a template may be written in.

CloudFormation takes YAML without aliases and hash merges, and refuses a template that has them;
whoever deploys (SAM CLI) resolves them before. The emulator resolves them itself, so that a
template would deploy here that AWS does not take.
"""

from __future__ import annotations

from typing import Any

import yaml
from ministack.services.cloudformation import engine

from srectl.quick_yaml import SafeLoader

_MERGE = "tag:yaml.org,2002:merge"


class _Loader(SafeLoader):  # type: ignore[misc] # one of two, and either does
    """Reads a template as the emulator does, and refuses both."""

    yaml_constructors = engine.CfnLoader.yaml_constructors

    def __init__(self, text: str) -> None:
        if any(isinstance(event, yaml.AliasEvent) for event in yaml.parse(text, SafeLoader)):
            raise ValueError("YAML aliases are not allowed in CloudFormation templates.")
        super().__init__(text)

    def flatten_mapping(self, node: yaml.MappingNode) -> None:
        """Refuse a merge."""
        if any(key.tag == _MERGE for key, _value in node.value):
            raise ValueError("YAML merges (<<) are not allowed in CloudFormation templates.")
        super().flatten_mapping(node)


def apply() -> None:
    """Refuse both while a template is read."""
    emulator: Any = engine
    emulator.CfnLoader = _Loader
