"""Mends what a template may be written in.

CloudFormation takes YAML without aliases and hash merges, and refuses a template that has them;
whoever deploys (SAM CLI) resolves them before. The emulator resolves them itself, so that a
template would deploy here that AWS does not take.
"""

from __future__ import annotations

from typing import Any

import yaml
from ministack.services.cloudformation import engine

_MERGE = "tag:yaml.org,2002:merge"


def apply() -> None:
    """Refuse both while a template is read."""
    loader: Any = engine.CfnLoader
    stock_compose, stock_flatten = loader.compose_node, loader.flatten_mapping

    def compose_node(self: Any, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.AliasEvent):
            raise ValueError("YAML aliases are not allowed in CloudFormation templates.")
        return stock_compose(self, parent, index)

    def flatten_mapping(self: Any, node: yaml.MappingNode) -> None:
        if any(key.tag == _MERGE for key, _value in node.value):
            raise ValueError("YAML merges (<<) are not allowed in CloudFormation templates.")
        stock_flatten(self, node)

    loader.compose_node = compose_node
    loader.flatten_mapping = flatten_mapping
